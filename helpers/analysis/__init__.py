"""From records to what can be claimed.

`intervals` says how sure one can be; `comparison`, `efficiency` and `unseen` answer how large the difference
is; `errors`, `attributions` and `embeddings` look inside; `calibration`, `forgetting` and `cost` say what is
paid.
"""
