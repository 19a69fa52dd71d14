"""How a small GPT-2 is pre-trained, and what it is worth.

`corpus` says what is asked for and packs the text, `trainer` and `pretrain` train and resume; `contamination`
looks for text in common with the pages, `card` measures the base beside n-grams and writes its model card.
"""
