"""Whether a party may be one that a list of denied parties names: found by name, judged with dates and numbers.

Entry points: `Index(lists).hits(asked)`; `name` and `features` for two names alone. A hit goes before a person: it
is never a refusal by itself, and its reasons are never told to who filed. May import nothing of the house but `model`;
files of lists are read in `services/list_forms.py`.
"""

from tidewaiter.risk.screening.index import THRESHOLD, Index
from tidewaiter.risk.screening.listed import Asked, Born, DeniedList, Hit, Identifier, Listed, PartyKind, Version
from tidewaiter.risk.screening.names import name
from tidewaiter.risk.screening.score import features

__all__ = [
    "THRESHOLD",
    "Asked",
    "Born",
    "DeniedList",
    "Hit",
    "Identifier",
    "Index",
    "Listed",
    "PartyKind",
    "Version",
    "features",
    "name",
]
