"""The notebooks, executed, checked and made readable.

`stamps` says what each shows and promises, and whether it is up to date; `pipeline` executes them in order,
`external` compares on other data; `colab` lets them bring the project along; `documents` makes the PDFs and
the index of the figures, `markup` and `site` the web pages and the slides, from `templates`.
"""
