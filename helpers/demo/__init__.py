"""The expo's page, where every model answers a text, and a game against them.

`answers` asks the models, `serving` keeps them loaded in processes of their own and trains them; `game` has
the rules of the game, `playing` its tab; `page` shows it all.
"""
