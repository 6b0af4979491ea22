"""Units that measure the same thing, and how many of the plain one each is.

Source: UN/ECE Recommendation 20.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Unit(NamedTuple):
    """The plain unit of what is measured, and how many of it one unit is."""

    plain: str
    size: Fraction


_PLAIN: dict[str, dict[str, int | Fraction]] = {
    "KGM": {"GRM": Fraction(1, 1000), "DTN": 100, "TNE": 1000, "CTM": Fraction(1, 5000)},
    "LTR": {"CMQ": Fraction(1, 1000), "MLT": Fraction(1, 1000), "HLT": 100, "MTQ": 1000},
    "MTR": {"CMT": Fraction(1, 100), "HMT": 100, "KMT": 1000},
    "MTK": {"CMK": Fraction(1, 10_000)},
    "NAR": {"C62": 1, "EA": 1, "PCE": 1, "H87": 1, "DZN": 12, "CEN": 100, "GRO": 144, "MIL": 1000},
    "NPR": {"PR": 1, "DPR": 12},
    "LPA": {"HPA": 100},
}
_UNITS = {
    code: Unit(plain, Fraction(size)) for plain, others in _PLAIN.items() for code, size in {plain: 1, **others}.items()
}
_ONE = Fraction(1)


def in_plain_units(code: str) -> Unit:
    """What the unit measures; one that is not known measures itself only."""
    return _UNITS.get(code) or Unit(code, _ONE)
