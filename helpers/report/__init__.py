"""From results to the report and the slides; no number is typed.

`readings` writes numbers and sentences, `facts` collects what is said beside the comparison; `macros` are
LaTeX's; `export` writes results.json, macros and tables, `documents` the index of the figures and the PDFs.
"""
