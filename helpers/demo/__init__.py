"""The expo's page, where every model answers a text.

`answers` asks the models, `serving` keeps them loaded in processes of their own and trains them, `page` shows
it.
"""
