"""From results to the report and the slides; no number is typed.

`numbers` writes a number, `readings` a sentence, `facts` collects what is said beside the comparison;
`macros` and `tables` are LaTeX; `export` writes results.json and all of these, `gallery` the index of
figures, `documents` the PDFs.
"""
