"""Which runs there are, and how they are trained and kept.

`specs` names a run by all that decides it, its code included; `outcomes` is what it said of each row,
`archive` where finished runs lie, `records` reads and writes them; `derived` keeps what needs more of a run
than its answers. `plan` lists the runs and gives those of what validation chose. `processes` begins and ends
processes, `runs` trains one run, `progress` tells how far the grid is, `grid` trains many, here or on a
cluster; `worker` is the door that each of their processes comes in by.
"""
