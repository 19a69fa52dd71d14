"""Every picture, drawn from tables and records that are handed to it.

`style` holds the look, the colours and the way to a file, `captions` says what each figure shows. Then by
notebook: `eda` (01), `tensors` and `words` (02), `recurrent` (03 and 04), `pretrained` (05), `contrasts`
(06), `paid` (07); `curves` serves several.
"""
