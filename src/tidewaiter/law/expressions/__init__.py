"""Duty expressions: what a tariff writes beside a code, as a formula that can be reckoned.

`read(text)` reads our own spelling, `write(formula)` writes it, and `dialects.read(text, "uk")` reads an official one
into the same records. What cannot be reckoned is `Unsupported` of a named kind: never zero, never an exception.
May import nothing of law; needs no data.
"""

from tidewaiter.law.expressions.formula import FREE, AdValorem, Formula, Part, Specific, Unsupported
from tidewaiter.law.expressions.reckoning import Missing, reckon
from tidewaiter.law.expressions.spelling import read, write

__all__ = [
    "FREE", "AdValorem", "Formula", "Missing", "Part", "Specific", "Unsupported", "read", "reckon", "write",
]  # fmt: skip
