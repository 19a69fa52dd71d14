"""The expo's page, where every model answers a text.

`answers` asks the models, `workers` keeps them loaded in processes of their own, `serving` begins and trains
them, `page` shows it.
"""
