"""What is kept of consignments for the sake of later ones, and what of it is looked up for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import asyncpg

from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Remembered
from tidewaiter.risk.history import EPOCH, NEWEST, RECENT_D, REMEMBERED_D, Event, Found, OfSeller, Wanted
from tidewaiter.store.access import Connect

_KEPT = [name for name in Remembered.__struct_fields__ if name != "figures"]
_OF = attrgetter(*_KEPT)
COLUMNS = ["consignment_id", *_KEPT]
FIGURES = ["consignment_id", "figures"]
_STALE_D = REMEMBERED_D - 2 * RECENT_D
"""After so many days what a person is known by is kept anew, so that it is known for as long as what it had counts."""


def row(id: int, kept: Remembered) -> tuple[Any, ...]:
    """The row of a consignment, by `COLUMNS`."""
    return (id, *_OF(kept))


async def take_out(connection: asyncpg.Connection, cancellations: Sequence[tuple[str, Consignment]]) -> None:
    """What was cancelled counts for nobody from now on. Each cancellation with its filer."""
    if cancellations:
        await connection.execute(
            "select take_out_of_history($1, $2, $3)",
            [filer for filer, _ in cancellations],
            [record.reference for _, record in cancellations],
            [record.mrn for _, record in cancellations],
        )


class HistoryKept:
    """What is kept for the sake of later ones. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def find(self, wanted: Wanted, *, at: datetime) -> Found:
        """What is known of these keys at that instant, by one query."""
        schemes, others = [scheme for scheme, _ in wanted.schemes], [other for _, other in wanted.schemes]
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select * from recalled($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                *wanted.persons, wanted.identities, wanted.sellers, wanted.places, schemes, others,
                at, timedelta(days=RECENT_D), timedelta(days=REMEMBERED_D), NEWEST,
            )  # fmt: skip
        return _found(rows, at=at)

    async def figures_of(self, consignment_id: int) -> str | None:
        """What was known of what came before a consignment when it was lodged, as `past_again` reads it."""
        async with self._connect() as connection:
            found: str | None = await connection.fetchval(
                "select figures from known_before where consignment_id = $1", consignment_id
            )
        return found

    async def forget(self, *, before: datetime) -> int:
        """How many were forgotten: those accepted before that instant, and all that rests on them alone."""
        async with self._connect() as connection:
            done: int = await connection.fetchval("select forget_history($1)", before)
        return done


def _found(rows: Sequence[asyncpg.Record], *, at: datetime) -> Found:
    persons: dict[int, tuple[int, int]] = {}
    newest: dict[int, int] = {}
    events: list[tuple[int, str, Event]] = []
    sellers: list[OfSeller] = []
    schemes: list[tuple[int, int, int]] = []
    results: list[tuple[int, int, int]] = []
    day = (at - EPOCH).days
    pairs: dict[str, list[tuple[int, int]]] = {"names": [], "sellers_at": []}
    for part, key, other, country, first, count, week, just, near in rows:
        if part == "person":
            # Of two that gave the same the first holds.
            persons[key] = min(persons.get(key, (first, other)), (first, other))
            newest[key] = max(newest.get(key, first), first)
        elif part == "event":
            events.append((key, country, Event(first, other, count)))
        elif part == "seller":
            sellers.append(OfSeller(key, first, count, week, just, near, day))
        elif part == "scheme":
            schemes.append((key, other, count))
        elif part == "result":
            results.append((key, count, week))
        else:
            pairs[part].append((key, other))
    events.sort(key=_when)
    old = (at - EPOCH - timedelta(days=_STALE_D)) // timedelta(microseconds=1)
    return Found(
        persons={key: person for key, (_, person) in persons.items()},
        stale=[key for key, on in newest.items() if on < old],
        events=events, sellers=sellers, schemes=schemes, results=results, **pairs,
    )  # fmt: skip


def _when(event: tuple[int, str, Event]) -> int:
    return event[2].at
