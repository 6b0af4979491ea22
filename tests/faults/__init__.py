"""Faults: the house is killed at every boundary of what it does, and nothing acknowledged may be lost or done twice.

`operations` is the workload (`lodgings`, `uploading`, `acting`, `overseeing`, `entering`, `holding`, `working`),
`points` and `victim` kill it at every boundary, and `checker` says what must hold whatever happened. `storms` lets the
`nemeses` strike at any moment instead, in a `scene` with a database and a server of its own under load. `mutants` are
mistakes seeded into the code, each of which must be found. `python -m faults` runs them.
"""
