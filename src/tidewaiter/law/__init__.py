"""Dated law: what holds where, on which day.

Entry point: `load(folder)` reads `jurisdictions/` into a `Law`, which the corridor asks for rules as columns.
May import `model` only.
"""

from tidewaiter.law.law import Law, UnknownLaw
from tidewaiter.law.loading import LawError, load

__all__ = ["Law", "LawError", "UnknownLaw", "load"]
