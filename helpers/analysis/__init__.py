"""From records to what can be claimed.

`exam` says what an examination measures, with models that train in seconds;
`comparison` and `unseen` say how large the difference is, and how sure; `dose` how much reading it takes;
`errors` and `embeddings` look inside; `forgetting` and `cost` say what is paid.
"""
