"""Matching: do the order, the payment and the waybill of one sale, told by three parties, agree?

`seal` makes of a document what may wait and be compared: persons and goods are keyed digests in it. `match` takes any
number of sealed documents, in any order, and says of each sale which of its documents are there, which are overdue by
law, and where two of them differ; each mismatch names both and points into both. Nothing is remembered between calls:
the same documents give the same answer, however they came. This room may import `law` and `model`.
"""

from tidewaiter.matching.columns import mismatches
from tidewaiter.matching.comparing import Mismatch, Side
from tidewaiter.matching.kinds import KINDS
from tidewaiter.matching.meeting import Match, match, names
from tidewaiter.matching.sealing import Sealed, SealedLine, declared_document, declared_pointers, seal

__all__ = [
    "KINDS",
    "Match",
    "Mismatch",
    "Sealed",
    "SealedLine",
    "Side",
    "declared_document",
    "declared_pointers",
    "match",
    "mismatches",
    "names",
    "seal",
]
