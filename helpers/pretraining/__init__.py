"""How a small GPT-2 is pre-trained, and what it is worth.

`settings` says what is asked for, `corpus` packs the text, `optimization` moves the weights, `trainer` and
`pretrain` train and resume; `ngrams` are the baselines, `contamination` looks for text in common, `card`
measures and writes the model card.
"""
