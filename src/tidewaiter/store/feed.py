"""The feed of events: everything that was committed, once each, in an order that does not change afterwards.

Events stand in the order of the transactions that wrote them, and are read only below the oldest transaction still in
progress. What is below it has been committed or never will be, so that nothing can appear later before what was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple

import asyncpg
import msgspec

from tidewaiter.model.answer import Answer
from tidewaiter.store.reading import answers_of

Connecting = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""Gives a connection while the context lasts, or raises StoreUnavailable."""

_CURSOR = re.compile("(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})", re.ASCII)
NUMBER_MAX = 2**63 - 1


class Position(NamedTuple):
    """A place in the feed, just after an event: the number of its transaction, and its own."""

    xid: int
    id: int

    @property
    def cursor(self) -> str:
        """The place as it is told to others."""
        return f"{self.xid}-{self.id}"


START = Position(0, 0)
"""Before the first event."""


def position_of(cursor: str) -> Position | None:
    """The place that a cursor names; None where it is none."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        return None
    xid, id = int(found[1]), int(found[2])
    return Position(xid, id) if xid <= NUMBER_MAX and id <= NUMBER_MAX else None


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event with what it is about. `security` and `control` are the state that was decided, `answers` those given
    with it, and `later` the number of their message where it is another than that of the lodgement; of what risk saw
    there is nothing here. `lane` names the consignment among those of its filer."""

    position: Position
    at: datetime
    kind: str
    message_id: int
    consignment_id: int | None
    lane: str
    reference: str | None
    function: str | None
    version: int | None
    mrn: str | None
    format: str | None
    digest: str | None
    security: str | None
    control: str | None
    answer_ids: tuple[str, ...] = ()
    later: int | None = None
    answers: tuple[Answer, ...] = ()


class _Body(msgspec.Struct, frozen=True):
    """What is taken of the body of an event, whatever else somebody should write into it."""

    format: str | None = None
    digest: str | None = None
    security: str | None = None
    control: str | None = None
    answers: tuple[str, ...] = ()
    later: int | None = None


EVENT = (
    "select e.xid::text::bigint as xid, e.id, e.at, e.kind, e.message_id, e.consignment_id, e.body,"
    " c.reference, c.function, c.version, c.mrn, coalesce(c.reference, '/' || e.message_id) as lane"
)
"""The lane is the reference, so that an amendment never overtakes what it amends; of what is about a message, that."""
EVENTS = " from events e left join consignments c on c.id = e.consignment_id"
DONE = "e.xid < pg_snapshot_xmin(pg_current_snapshot())"
"""The transaction is over, and so are all before it."""
_NEXT = "(e.xid, e.id) > ($1::text::xid8, $2) and " + DONE
_READ_ALL = EVENT + EVENTS + " where " + _NEXT + " order by e.xid, e.id limit $3"
_READ_OWN = EVENT + EVENTS + " where e.filer = $4 and " + _NEXT + " order by e.xid, e.id limit $3"
_NEWEST = (
    "select e.xid::text::bigint, e.id from events e where e.xid < pg_snapshot_xmin(pg_current_snapshot())"
    " order by e.xid desc, e.id desc limit 1"
)


class Feed:
    """Reading events."""

    def __init__(self, connecting: Connecting) -> None:
        self._connecting = connecting

    async def read(
        self, *, filer: str | None, after: Position, size: int, with_answers: bool = False
    ) -> list[StoredEvent]:
        """Up to `size` events after a place, in order: of one filer, or of all."""
        query, whose = (_READ_ALL, ()) if filer is None else (_READ_OWN, (filer,))
        async with self._connecting() as connection:
            rows = await connection.fetch(query, str(after.xid), after.id, size, *whose)
            found = [event(row) for row in rows]
            return await _with_answers(connection, found) if with_answers else found

    async def newest(self) -> Position:
        """The place after the last event that can be read now."""
        async with self._connecting() as connection:
            row = await connection.fetchrow(_NEWEST)
        return Position(*row) if row else START

    async def answer(self, message_id: int, *, filer: str) -> tuple[str, bytes] | None:
        """The format of a filer's own message and the answer to it in that; None where he has lodged none such."""
        async with self._connecting() as connection:
            row = await connection.fetchrow(
                "select format, answer from messages where id = $1 and filer = $2", message_id, filer
            )
        return (row["format"], row["answer"]) if row else None

    async def later_answer(self, message_id: int, number: int, *, filer: str) -> tuple[str, bytes] | None:
        """The same for what was answered later to a filer's own message; None where there is none of that number."""
        async with self._connecting() as connection:
            row = await connection.fetchrow(
                "select c.format, l.message from later_answers l join consignments c on c.id = l.consignment_id"
                " where l.id = $2 and c.message_id = $1 and c.filer = $3 and l.message is not null",
                message_id, number, filer,
            )  # fmt: skip
        return (row["format"], row["message"]) if row else None


def event(row: asyncpg.Record) -> StoredEvent:
    """The event in a row of `EVENT`."""
    body = msgspec.json.decode(row["body"], type=_Body)
    return StoredEvent(
        position=Position(row["xid"], row["id"]),
        at=row["at"],
        kind=row["kind"],
        message_id=row["message_id"],
        consignment_id=row["consignment_id"],
        lane=row["lane"],
        reference=row["reference"],
        function=row["function"],
        version=row["version"],
        mrn=row["mrn"],
        format=body.format,
        digest=body.digest,
        security=body.security,
        control=body.control,
        answer_ids=body.answers,
        later=body.later,
    )


async def _with_answers(connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> list[StoredEvent]:
    wanted = sorted({one.consignment_id for one in events if one.answer_ids and one.consignment_id is not None})
    given = await answers_of(connection, wanted) if wanted else {}
    answers = {answer.id: answer for some in given.values() for answer in some}
    return [
        msgspec.structs.replace(one, answers=tuple(answers[id] for id in one.answer_ids if id in answers))
        for one in events
    ]
