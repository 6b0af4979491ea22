"""The past of goods in the store: products under another code than before, and prices beside those of their like."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from make import consignment, item, party
from tidewaiter.law import Law
from tidewaiter.model.consignment import Change, Classification, Consignment
from tidewaiter.server import keep_remembering
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.prices import EVERY, PriceShelf, make_prices
from tidewaiter.store import Store, StoreUnavailable
from tidewaiter.store.history import HistoryKept
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
OF_GOODS = {
    "fiction-code-changed", "fiction-origin-changed", "fiction-code-unlike-words", "fiction-low-price",
    "fiction-low-price-habit",
}  # fmt: skip
GTIN = (Classification(scheme="GTIN", code="4006381333931"),)


@pytest.fixture
def store(own_store: Store) -> Store:
    return own_store


def parcel(reference: str, *, seller: str | None = None, **goods: Any) -> Consignment:
    """A parcel from a seller to a person that nobody else has to do with; a kilogram of T-shirts at GBP 20."""
    given = {"price": "20.00 GBP", "net_mass": "1", "gross_mass": "1.2", "quantity": "1", **goods}
    parties = (
        party("seller", name=seller or f"Example {reference} Ltd", street=f"{reference} Example Road"),
        party(
            "consignee", name=f"Pat {reference}", phone=None, street=f"{reference} Sample Street", postcode=reference
        ),
    )
    return consignment(reference=reference, tracking_id=None, parties=parties, items=(item(**given),))


async def lodged(desk: Desk, records: Sequence[Consignment], *, days: float = 0) -> list[Lodged]:
    at = BEGIN + timedelta(days=days)
    message = Message(source="test", data=msgspec.json.encode(records), sender="shop", received_at=at)
    results = await lodge_all([Lodging(message)], desk)
    assert all(isinstance(one, Lodged) for one in results), results
    return [one for one in results if isinstance(one, Lodged)]


async def seen(store: Store, reference: str) -> dict[str, str]:
    """Which profiles about goods hit the parcel, and why."""
    id = (await store.ids_of(reference))[0]
    signals = await store.inspections.signals_of([id])
    return {profile: reason for profile, _, _, reason in signals.get(id, []) if profile in OF_GOODS}


async def test_a_product_under_another_code_or_from_elsewhere_is_seen_and_only_officers_read_why(
    store: Store, watchful: Law
) -> None:
    desk = Desk(store=store, law=watchful)
    usual = [parcel(f"U{number}", codes=GTIN, hs_code="61099020") for number in range(14)]
    await lodged(desk, usual[:7])
    await lodged(desk, usual[7:], days=1)
    [told] = await lodged(
        desk,
        [
            parcel("CODE", codes=GTIN, hs_code="49019900"),
            parcel("ORIGIN", codes=GTIN, hs_code="61099020", origin_country="VN"),
            parcel("WORDS", hs_code="49019900"),
            parcel("SAME", codes=GTIN, hs_code="61099020"),
        ],
        days=2,
    )

    assert set(await seen(store, "CODE")) == {"fiction-code-changed", "fiction-code-unlike-words"}
    assert set(await seen(store, "ORIGIN")) == {"fiction-origin-changed"}
    assert set(await seen(store, "WORDS")) == {"fiction-code-unlike-words"}
    assert await seen(store, "SAME") == {}
    assert (await seen(store, "CODE"))["fiction-code-changed"].startswith(
        "this product came 14 times before, and a share of 0.00 of"
    )
    assert [one.decision.control == "documents_requested" for one in told.results] == [True, True, True, False]
    assert b"earlier" not in told.answer
    assert b"earlier" not in msgspec.json.encode(told.results)


async def test_what_was_cancelled_says_nothing_of_its_product(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    for number in range(12):
        await lodged(desk, [parcel(f"U{number}", codes=GTIN, hs_code="61099020")])
    [id] = await store.ids_of("U3")
    mrn = (await store.consignments([id]))[id].mrn
    cancelled = consignment(
        reference="U3", function="cancellation", mrn=mrn, changes=(Change(pointer="", reason="1"),), version=2,
        items=(), parties=(),
    )  # fmt: skip
    await lodged(desk, [cancelled], days=1)
    await lodged(desk, [parcel("ELEVEN", codes=GTIN, hs_code="49019900")], days=1)
    assert await seen(store, "ELEVEN") == {}

    await lodged(desk, [parcel("U12", codes=GTIN, hs_code="61099020")], days=1)
    await lodged(desk, [parcel("TWELVE", codes=GTIN, hs_code="49019900")], days=1)
    assert "fiction-code-changed" in await seen(store, "TWELVE")


async def test_goods_far_below_their_like_are_seen_once_a_night_has_passed(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful, prices=PriceShelf(store))
    usual = [parcel(f"U{number}", price=f"{15 + number // 4}.00 GBP") for number in range(40)]
    await lodged(desk, usual)
    cheap = {"price": "2.00 GBP", "net_mass": "1", "quantity": "1"}
    await lodged(desk, [parcel("BEFORE", seller="Cheap", **cheap)])
    assert await make_prices(store=store, at=BEGIN + timedelta(hours=20)) == 41

    for number in range(9):
        await lodged(desk, [parcel(f"C{number}", seller="Cheap", **cheap)], days=1)
    await lodged(desk, [parcel("USUAL", price="17.00 GBP")], days=1)

    assert await seen(store, "BEFORE") == {}
    assert await seen(store, "USUAL") == {}
    assert set(await seen(store, "C0")) == {"fiction-low-price"}
    why = (await seen(store, "C0"))["fiction-low-price"]
    assert why.startswith("2.00 a net kilogram; half of 41 like it cost over 19.00")
    # (8 low + 20 * 5 %) of (8 + 20), by the ninth
    assert set(await seen(store, "C8")) == {"fiction-low-price", "fiction-low-price-habit"}
    assert (await seen(store, "C8"))["fiction-low-price-habit"].startswith(
        "a share of 0.32 of the seller's earlier goods"
    )


async def test_a_table_is_made_once_a_day_by_whoever_comes_first(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    assert await make_prices(store=store, at=BEGIN) == 0  # an office that opens today
    await lodged(desk, [parcel("A"), parcel("B")])

    assert await make_prices(store=store, at=BEGIN + EVERY / 2) is None
    made = await asyncio.gather(*(make_prices(store=store, at=BEGIN + EVERY) for _ in range(4)))
    assert [one for one in made if one is not None] == [2]
    assert await make_prices(store=store, at=BEGIN + timedelta(days=92)) == 0
    async with store._pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from price_tables") == 1


async def test_a_new_table_takes_the_place_of_the_old_one_and_where_it_cannot_be_read_the_old_one_goes_on(
    store: Store, watchful: Law, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(store=store, law=watchful, prices=PriceShelf(store))
    shelf = PriceShelf(store)

    async def counts() -> list[int]:
        """How many goods each level of the table that is at hand knows of."""
        kept = await store.history.newest_prices()
        await shelf.table(kept.number if kept is not None else None)
        await asyncio.sleep(0.2)  # where one is at hand already, the new one is made ready beside
        table = await shelf.table(kept.number if kept is not None else None)
        return table.frame["n"].unique().to_list()

    assert await counts() == []
    await make_prices(store=store, at=BEGIN - EVERY)  # an office that opens today has a table of nothing
    await lodged(desk, [parcel("A"), parcel("B")])
    await make_prices(store=store, at=BEGIN)
    newest = await store.history.newest_prices()
    assert newest is not None
    assert (await shelf.table(newest.number)).frame["n"].unique().to_list() == [2]  # at once

    await lodged(desk, [parcel("C")])
    await make_prices(store=store, at=BEGIN + EVERY)

    async def down(*_: object) -> bytes:
        raise StoreUnavailable("down")

    async def spoiled(*_: object) -> bytes:
        return b"half a table"

    for hindrance in (down, spoiled):
        with monkeypatch.context() as hindered:
            hindered.setattr(HistoryKept, "prices", hindrance)
            assert await counts() == [2]
    assert await counts() == [3]


async def test_the_server_makes_the_table_and_forgets_what_is_too_old_and_goes_on_where_it_is_hindered(
    store: Store, house: House, watchful: Law, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(store=store, law=watchful)
    await lodged(desk, [parcel("OLD")])
    await lodged(desk, [parcel("NEW")], days=95)
    later = dataclasses.replace(house, store=store, now=lambda: BEGIN + timedelta(days=96))
    asked = [0]

    async def hindered_once(**how: Any) -> int | None:
        asked[0] += 1
        if asked[0] == 1:
            raise StoreUnavailable("down")
        return await make_prices(**how)

    monkeypatch.setattr("tidewaiter.server.make_prices", hindered_once)
    work = asyncio.create_task(keep_remembering(later, every_s=0.05))
    try:
        for _ in range(200):
            if (newest := await store.history.newest_prices()) is not None and asked[0] > 2:
                break
            await asyncio.sleep(0.05)
    finally:
        work.cancel()

    assert newest is not None
    assert newest.goods == 1  # what is older than 90 days tells no price
    async with store._pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from history_goods") == 1
        assert await connection.fetchval("select count(*) from history") == 1
