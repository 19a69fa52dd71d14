"""Texts and labels, from a source to the frozen rows that every model shares.

In the order in which data passes: `sources` says which table (`reading` its
file), `cleaning` cleans it, `fragments` masks the
diseases' names and cuts pages, `splits` puts rows on sides, near-duplicates together, and freezes them;
`study` does all of it for a profile, and `audit` says what is in a source before anybody trains on it.
"""
