"""Which runs there are, and how they are trained and kept.

`fingerprints` hashes code, `specs` names a run by all that decides it, `records` keeps what came out, `plan`
lists the runs, `results` gives those of what validation chose. `processes` begins and ends processes, `runs`
trains one run, `progress` tells how far the grid is, `ray_cluster` and `grid` train many; `worker` is the
door that each of their processes comes in by.
"""
