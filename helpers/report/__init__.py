"""From finished runs to results.json, and from that alone to the report and the slides.

`facts` collects what is said beside the comparison, `results` all that was found, as results.json; `gallery`
shows whole texts. `tables` are the tables of the comparison; `macros` gives LaTeX every number, name and
sentence, set by `latex`.
"""
