"""From results to the report and the slides; no number is typed.

`readings` writes numbers and sentences, `from_scratch`, `autopsy` and `language` those of notebooks 02 to 05;
`facts` collects what is said beside the comparison, `results` all that was found, as results.json. From it
alone come `claims`, the `doubts` beside them, what is the `price`, `tables`, and LaTeX's `macros`, set by
`latex`; `gallery` shows whole texts.
"""
