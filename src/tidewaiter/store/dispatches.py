"""Documents beside declarations: where items of the post travel, and what happened to them.

An item that was lodged for a dispatch is found by the dispatch it names as its master bill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec

from tidewaiter.model.identifiers import compact
from tidewaiter.model.movement import Dispatch, ItemEvent, Movement


class KnownItems(NamedTuple):
    """Of some items: those that were lodged with the dispatch each names itself, None where it names none; and of
    those listed before, the (receptacle, dispatch) of each."""

    lodged: dict[str, str | None]
    listed: dict[str, list[tuple[str, str]]]


class ListedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A receptacle that lists the item, and its dispatch."""

    dispatch_id: str
    receptacle_id: str


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the life of the item."""

    event: str
    at: datetime
    office: str | None
    receptacle_id: str | None


class Travel(msgspec.Struct, frozen=True, kw_only=True):
    """Where an item travels, by dispatch, and what happened to it, in the order of time."""

    listed: tuple[ListedIn, ...] = ()
    events: tuple[Happened, ...] = ()


def tables(movements: Sequence[Movement], message_id: int) -> Iterator[tuple[str, list[str], list[Any]]]:
    """Each table to be filled: its name, its columns and the rows."""
    yield (
        "dispatched_items",
        ["message_id", "dispatch_id", "receptacle_id", "item_number"],
        [
            (message_id, one.id, receptacle.id, compact(item.item_id))
            for one in movements
            if isinstance(one, Dispatch)
            for receptacle in one.receptacles
            for item in receptacle.items
        ],
    )
    yield (
        "item_events",
        ["message_id", "item_number", "event", "at", "office", "reason", "receptacle_id"],
        [
            (message_id, compact(one.item_id), one.event, one.at, one.office, one.reason, one.receptacle_id)
            for one in movements
            if isinstance(one, ItemEvent)
        ],
    )


async def known_items(connection: asyncpg.Connection, movements: Sequence[Movement]) -> KnownItems:
    """What is known of the items that the movements speak of, and of those lodged for the dispatches they advise."""
    dispatches = [one for one in movements if isinstance(one, Dispatch)]
    numbers = [compact(item.item_id) for one in dispatches for bag in one.receptacles for item in bag.items]
    numbers += [compact(one.item_id) for one in movements if isinstance(one, ItemEvent)]
    advised = [one.id for one in dispatches]
    lodged = await connection.fetch(
        "select translate(tracking_id, ' -', '') as number, record->>'master_bill' as dispatch from of_parcels($1)"
        " where control <> 'not_accepted'"
        " union select translate(tracking_id, ' -', ''), record->>'master_bill' from consignments"
        " where channel = 'post' and tracking_id is not null and record->>'master_bill' = any($2)"
        " and control <> 'not_accepted'",
        numbers, advised,
    )  # fmt: skip
    listed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in await connection.fetch(
        "select distinct item_number, receptacle_id, dispatch_id from dispatched_items where item_number = any($1)"
        " order by item_number, receptacle_id",
        numbers,
    ):
        listed[row["item_number"]].append((row["receptacle_id"], row["dispatch_id"]))
    return KnownItems({row["number"]: row["dispatch"] for row in lodged}, dict(listed))


async def travel_of(connection: asyncpg.Connection, consignment_id: int) -> Travel:
    """Where the consignment travels and what happened to it."""
    number = await connection.fetchval(
        "select translate(tracking_id, ' -', '') from consignments where id = $1", consignment_id
    )
    listed = await connection.fetch(
        "select distinct dispatch_id, receptacle_id from dispatched_items where item_number = $1"
        " order by dispatch_id, receptacle_id",
        number,
    )
    events = await connection.fetch(
        "select event, at, office, receptacle_id from item_events where item_number = $1 order by at, event", number
    )
    return Travel(listed=tuple(ListedIn(**row) for row in listed), events=tuple(Happened(**row) for row in events))
