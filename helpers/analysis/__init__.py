"""From records to what can be claimed.

`exam` says what an examination measures, with models that train in seconds; `intervals` are the intervals
and tests of all others. `comparison` and `unseen` say how large the difference is, and how sure;
`efficiency` what it saves in labels, `dose` how much reading it takes, `together` what two arms do that err
differently. `errors`, `embeddings` and `probing` look inside, `tokenizing` at how text becomes tensors;
`forgetting` and `cost` say what is paid.
"""
