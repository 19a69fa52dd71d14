"""What the class reads of the numbers, in careful Spanish: results in, sentences out; no number is typed.

`numbers` writes numbers with their intervals, `table` a table, `readings` one comparison at a time.
`from_scratch`, `autopsy` and `language` say what notebooks 02 to 05 have just measured. Of the comparison,
`claims` says what holds, `bought` what reading saves, `abroad` what other people's data say of it, `doubts`
what tells against it, and `price` what it costs.
"""
