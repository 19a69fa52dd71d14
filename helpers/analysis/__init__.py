"""From records to what can be claimed.

`comparison` and `unseen` say how large the difference is, and how sure; `errors` and `embeddings` look
inside; `forgetting` and `cost` say what is paid.
"""
