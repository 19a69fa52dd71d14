"""The notebooks, executed, checked and made readable.

`contents` says what each shows and promises, `stamps` whether it is up to date, `pipeline` executes them in
order, `external` compares on other data; `markup` and `site` make the web pages and the slides, from
`templates`.
"""
