"""Texts and labels, from a source to the frozen rows that every model shares.

In the order in which data passes: `sources` reads a table, `cleaning` cleans it, `masking` hides the
diseases' names, `fragments` cuts pages, `duplicates` finds what is nearly the same, `splits` puts rows on
sides and freezes them; `study` does all of it for a profile, and `audit` says what is in a source before
anybody trains on it.
"""
