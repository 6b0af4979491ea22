"""The nouns of the house: what is declared, what was found, what is charged, what was decided.

Records (`Consignment` and what it holds) are what people and messages see; `Batch` is the same data as
columns, which is what the corridor works on. Nothing here reads a clock, a file or a setting, and nothing here
imports another room.
"""
