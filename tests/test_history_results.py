"""What inspections found of a seller: known when its next consignment is lodged, and corrected as they are."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from test_history import BEGIN, done, hits, lodging, parcel
from tidewaiter.access import Principal
from tidewaiter.law import Law, load
from tidewaiter.model.past import pasts_again
from tidewaiter.risk.history import REMEMBERED_D
from tidewaiter.services.inspect import inspect
from tidewaiter.services.lodge import Desk
from tidewaiter.store import Store, open_store

pytestmark = pytest.mark.anyio
OFFICER = Principal(id="o.officer", kind="person", role="officer", country="GB")
CAUGHT = "fiction-caught-before"


@pytest.fixture
async def store(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    opened = await open_store(database_url, schema=new_schema(), connections_max=3)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def watchful() -> Law:
    """The law with all its profiles, and nobody drawn at random."""
    return dataclasses.replace(load(), draw_share_ppm=0)


async def lodged(store: Store, law: Law, numbers: range, seller: str, hours: float) -> None:
    """Parcels of a seller, each to somebody else."""
    parcels = [parcel(number, seller=seller, to=f"07700 {number:06d}") for number in numbers]
    await done(Desk(store=store, law=law), lodging(*parcels, hours=hours))


async def looked_at(store: Store, number: int, result: str, supersedes: int | None = None) -> int:
    [id] = await store.ids_of(f"R-{number}")
    made = await inspect(
        id, [result], recovered_micro=0, minutes=5, principal=OFFICER, store=store, at=BEGIN + timedelta(hours=1),
        supersedes=supersedes,
    )  # fmt: skip
    return made.id


async def record(store: Store, number: int) -> tuple[int, int, int]:
    """What was known of the seller's inspections when the parcel was lodged."""
    [id] = await store.ids_of(f"R-{number}")
    row = pasts_again({0: (await store.inspections.known_before([id]))[id]}).parties.row(0, named=True)
    return row["seller_inspected"], row["seller_wrong"], row["seller_wrong_rate_micro"]


async def test_who_was_caught_before_is_seen_and_who_was_clean_is_not(store: Store, watchful: Law) -> None:
    await lodged(store, watchful, range(12), "Example Often Ltd", 0)
    await lodged(store, watchful, range(20, 32), "Example Clean Ltd", 0)
    for number in range(12):
        await looked_at(store, number, "value")
        await looked_at(store, number + 20, "none")
    await lodged(store, watchful, range(40, 41), "Example Often Ltd", 24)
    await lodged(store, watchful, range(41, 42), "Example Clean Ltd", 24)
    await lodged(store, watchful, range(42, 43), "Example New Ltd", 24)

    # Drawn toward 4 % as if by twenty inspections.
    assert await record(store, 0) == (0, 0, 40_000)
    assert await record(store, 40) == (12, 12, (12 + 20 * 0.04) / 32 * 1_000_000 // 1)
    assert await record(store, 41) == (12, 0, 25_000)
    assert await record(store, 42) == (0, 0, 40_000)
    assert await hits(store, 12, CAUGHT) == []
    ids = [(await store.ids_of(f"R-{number}"))[0] for number in (40, 41, 42)]
    signals = await store.inspections.signals_of(ids)
    assert [any(told[0] == CAUGHT for told in signals.get(id, [])) for id in ids] == [True, False, False]


async def test_a_corrected_inspection_counts_as_corrected_and_what_is_old_is_forgotten(
    store: Store, watchful: Law
) -> None:
    await lodged(store, watchful, range(3), "Example Often Ltd", 0)
    first = await looked_at(store, 0, "value")
    await looked_at(store, 1, "none")
    await looked_at(store, 0, "none", supersedes=first)
    second = await looked_at(store, 2, "none")
    await looked_at(store, 2, "origin", supersedes=second)
    await lodged(store, watchful, range(3, 4), "Example Often Ltd", 24)
    later = timedelta(days=REMEMBERED_D + 1)
    await store.history.forget(before=BEGIN + later)
    await lodged(store, watchful, range(4, 5), "Example Often Ltd", 24)

    assert (await record(store, 3))[:2] == (3, 1)
    assert (await record(store, 4))[:2] == (0, 0)


async def test_what_is_usual_is_what_random_inspections_found(store: Store, watchful: Law) -> None:
    drawing = dataclasses.replace(watchful, draw_share_ppm=1_000_000)
    await lodged(store, drawing, range(20), "Example Usual Ltd", 0)
    for number in range(20):
        await looked_at(store, number, "value" if number < 10 else "none")
    await lodged(store, watchful, range(20, 21), "Example New Ltd", 24)

    assert await record(store, 20) == (0, 0, (10 + 20 * 0.04) / 40 * 1_000_000 // 1)
