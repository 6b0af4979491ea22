"""What was before, made into the columns of the past that detectors and conditions look at.

`remembered` makes of a batch what is kept of it for later ones (persons and words as keyed digests); `past_of` makes of
what is kept, and of the same about a new batch, the columns of `model.past` about that batch. All of it is pure: who
has a store keeps the frames; who simulates holds them in memory. `recall` is what a door does with a batch that is
being lodged: it says what to look up, and the corridor then asks it for the past.
"""

from __future__ import annotations

from dataclasses import replace

from tidewaiter.model.past import Past
from tidewaiter.risk.history.knowing import figures_later, known_of, recent_later
from tidewaiter.risk.history.memory import Event, Head, Memory, Persons
from tidewaiter.risk.history.peers import NO_PRICES, PRICES, PeerTable, peer_table, peers
from tidewaiter.risk.history.recalling import (
    EPOCH,
    LOOKED_UP,
    NEWEST,
    RECENT_D,
    REMEMBERED_D,
    Found,
    OfSeller,
    Recall,
    Wanted,
    recall,
)
from tidewaiter.risk.history.records import CONSIGNMENTS, ITEMS, RESULTS, History, remembered

__all__ = [
    "CONSIGNMENTS",
    "EPOCH",
    "ITEMS",
    "LOOKED_UP",
    "NEWEST",
    "NO_PRICES",
    "PRICES",
    "RECENT_D",
    "REMEMBERED_D",
    "RESULTS",
    "Event",
    "Found",
    "Head",
    "History",
    "Memory",
    "OfSeller",
    "PeerTable",
    "Persons",
    "Recall",
    "Wanted",
    "figures_later",
    "known_of",
    "past_of",
    "peer_table",
    "peers",
    "recall",
    "recent_later",
    "remembered",
]


def past_of(history: History, asked: History, table: PeerTable, *, but: Past | None = None) -> Past:
    """What is known of each consignment of a batch, of which `asked` is what is remembered, when it is accepted.

    Earlier rows of the batch count for later ones, as if they had been lodged one after another. Prices are compared
    with `table` alone, made of earlier goods. `but` holds what else is known, such as mismatches of documents.
    """
    beside = peers(asked, table)
    return replace(but or Past(), peers=beside, **known_of(history, asked.ranked(beside))._asdict())
