"""The past of a consignment in the store: split purchases are seen, replays and the cancelled do not count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from make import consignment, item, party
from tidewaiter.law import Law, load
from tidewaiter.model.consignment import Consignment
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.show import show_to_filer, show_to_officer
from tidewaiter.store import Store, open_store

pytestmark = pytest.mark.anyio
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
SPLITTING = {"fiction-splitting-24h", "fiction-splitting-72h", "fiction-splitting-30d"}


@pytest.fixture
async def store(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    """A store of its own: nobody else's consignments are part of the past."""
    opened = await open_store(database_url, schema=new_schema(), connections_max=5)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def watchful() -> Law:
    """The law with all its profiles."""
    return load()


def parcel(number: int, *, to: str = "07700 900123", seller: str = "Example Trading Ltd", **what: Any) -> Consignment:
    """A parcel worth GBP 60 from a seller to whoever has this telephone, under a name and at an address of its own."""
    street = f"{number} Sample Street"
    parties = (
        party("seller", name=seller),
        party("consignee", name=f"Pat Example {number}", street=street, postcode=f"ZZ{number} 9ZZ", phone=to),
    )
    given = {"items": (item(price="60.00 GBP"),), "parties": parties, "reference": f"R-{number}", **what}
    return consignment(**given)


def lodging(*records: Consignment, hours: float = 0, filer: str = "shop") -> Lodging:
    at = BEGIN + timedelta(hours=hours)
    return Lodging(Message(source="test", data=msgspec.json.encode(records), sender=filer, received_at=at))


async def done(desk: Desk, *lodgings: Lodging) -> list[Lodged]:
    results = await lodge_all(lodgings, desk)
    assert all(isinstance(one, Lodged) for one in results), results
    return [one for one in results if isinstance(one, Lodged)]


async def seen(store: Store, number: int) -> set[str]:
    """The profiles about split purchases that saw the parcel."""
    [id] = await store.ids_of(f"R-{number}")
    signals = await store.inspections.signals_of([id])
    return {profile for profile, *_ in signals.get(id, [])} & SPLITTING


async def rows(store: Store, table: str) -> list[asyncpg.Record]:
    async with store._pool.acquire() as connection:
        found: list[asyncpg.Record] = await connection.fetch(f"select * from {table}")  # noqa: S608
        return found


async def test_of_five_parcels_to_one_person_within_three_days_the_later_are_hit_and_only_officers_read_why(
    store: Store, watchful: Law
) -> None:
    desk = Desk(store=store, law=watchful)
    told = []
    for number in range(5):
        told += await done(desk, lodging(parcel(number), hours=14 * number))
    told += await done(desk, lodging(parcel(9, to="07700 900999"), hours=60))

    assert [await seen(store, number) for number in range(2)] == [set(), set()]
    assert [bool(await seen(store, number)) for number in (2, 3, 4, 9)] == [True, True, True, False]
    controls = [one.results[0].decision.control for one in told]
    assert controls[2:5] == ["documents_requested"] * 3
    assert "documents_requested" not in (*controls[:2], controls[5])
    [id] = await store.ids_of("R-4")
    reasons = [reason for _, _, _, reason in (await store.inspections.signals_of([id]))[id]]
    assert any("others from this seller" in reason for reason in reasons)
    said = msgspec.json.encode((await show_to_filer("R-4", filer="shop", store=store), told[4].results)) + told[4].answer
    assert b"seller in" not in said
    assert b"splitting" not in said
