"""Faults: the house is killed at every boundary of what it does, and nothing acknowledged may be lost or done twice.

`operations` is the workload, `points` and `victim` the nemesis, `checker` says what must hold whatever happened,
`mutants` are mistakes seeded into the code, each of which must be found. `python -m faults` runs them.
"""
