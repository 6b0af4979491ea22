"""The verbs: a file for each thing a person can do. Doors call these and nothing below.

`clear` needs no store; `lodge`, `show` and `list_consignments` are given one. Nothing here reads the clock or the
environment: instants and settings are handed in.
"""
