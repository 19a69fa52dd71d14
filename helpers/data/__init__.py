"""Texts and labels, from a source to the frozen rows that every model shares.

In the order in which data passes: `sources` says which table (`reading` its file), `cleaning` cleans it,
`masking` hides the diseases' names, `passages` cuts pages into what is trained on, `duplicates` finds what
is the same, `splits` puts rows on sides and freezes them; `study` does all of it for a profile. What a
source is like, before anybody trains on it: `leakage` and `vocabulary` measure, `audit` says.
`published` holds other people's numbers.
"""
