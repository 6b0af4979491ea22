"""From item to receptacle to dispatch through the store: what a pre-advice and events tell stands by the parcel."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from make import tracking_id
from tidewaiter import api, web
from tidewaiter.formats import post
from tidewaiter.law import Law
from tidewaiter.model.movement import Dispatch
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Lodged, lodge
from tidewaiter.services.show import show_to_officer
from tidewaiter.store import Asked, Store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
SAMPLES = Path(post.__file__).parent / "samples"
AT = datetime(2026, 11, 4, 9, 0, tzinfo=UTC)
ITEMS, ADVICE, EVENTS = ("itmatt-two-items.json", "predes-one-dispatch.json", "emsevt-events.csv")

Lodging = Callable[[bytes], Awaitable[Lodged]]


def fresh(name: str, filer: str) -> bytes:
    """The sample with item and dispatch numbers of this test alone: the store is shared."""
    data = (SAMPLES / name).read_bytes()
    mark = int.from_bytes(hashlib.sha256(filer.encode()).digest()[:4]) % 10**8
    for number in ("LX123456785CN", "UA000000005CN", "RR000000005CN"):
        data = data.replace(number.encode(), tracking_id(mark, service=number[:2]).encode())
    return data.replace(b"CNCANA", f"CN{mark % 1000:03d}A".encode())


@pytest.fixture
def lodging(store: Store, law: Law, filer: str) -> Lodging:
    async def do(data: bytes) -> Lodged:
        return await lodge(Message(source="test", data=data, sender=filer), store=store, law=law, at=AT)

    return do


async def test_the_officer_sees_where_a_parcel_travels_and_what_happened(
    lodging: Lodging, store: Store, filer: str
) -> None:
    items = await lodging(fresh(ITEMS, filer))
    await lodging(fresh(ADVICE, filer))
    await lodging(fresh(EVENTS, filer))
    [id] = await store.ids_of(items.results[0].reference or "")
    shown = await show_to_officer(id, store=store, at=AT)

    assert shown is not None
    travel = shown.behind.travel
    assert [one.receptacle_id[-9:] for one in travel.listed] == ["001000085"]
    assert travel.listed[0].receptacle_id.startswith(travel.listed[0].dispatch_id)
    assert [one.event for one in travel.events] == ["EMD", "EDB"]


async def test_the_page_of_a_parcel_shows_it_too(house: House, lodging: Lodging, filer: str) -> None:
    items = await lodging(fresh(ITEMS, filer))
    await lodging(fresh(ADVICE, filer))
    await lodging(fresh(EVENTS, filer))
    reference = items.results[0].reference or ""
    [id] = await house.store.ids_of(reference)
    application = api.application(house, pages=web.routes(house))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    ) as http:
        page = (await http.get(f"/consignments/{id}")).text
    [dispatch] = post.read(fresh(ADVICE, filer)).movements

    assert isinstance(dispatch, Dispatch)
    assert f"<code>{dispatch.receptacles[0].id}</code>" in page
    assert f"<code>{dispatch.id}</code>" in page
    assert page.index(">EMD<") < page.index(">EDB<")


async def test_a_missing_link_is_a_finding_and_no_rejection(lodging: Lodging, filer: str) -> None:
    await lodging(fresh(ITEMS, filer))
    advice = await lodging(fresh(ADVICE, filer))
    [answer] = post.read(advice.answer).answers

    assert [(one.code, one.pointer) for one in advice.findings] == [
        ("LNK-04", "/movements/0/receptacles/1/items/0/item_id")
    ]
    assert answer.kind == "received"


async def test_a_double_link_is_found_across_messages(lodging: Lodging, filer: str) -> None:
    await lodging(fresh(ITEMS, filer))
    await lodging(fresh(ADVICE, filer))
    again = await lodging(fresh(ADVICE, filer).replace(b'"PRE0001"', b'"PRE0002"'))
    other = await lodging(fresh(ADVICE, filer).replace(b"60042", b"60043"))

    assert "LNK-03" not in {one.code for one in again.findings}
    assert [one.code for one in other.findings].count("LNK-03") == 3


async def test_a_pre_advice_without_an_item_that_names_its_dispatch_is_found(lodging: Lodging, filer: str) -> None:
    advice = fresh(ADVICE, filer)
    [dispatch] = post.read(advice).movements
    assert isinstance(dispatch, Dispatch)
    named = fresh(ITEMS, filer).replace(b'"order_id": "ORDER-77"', f'"dispatch": "{dispatch.id}"'.encode())
    await lodging(named)
    item = post.read(named).declared[0].consignment.tracking_id or ""
    found = await lodging(advice.replace(item.encode(), tracking_id(12, service="RR").encode()))

    assert "LNK-05" in {one.code for one in found.findings}


async def test_a_number_printed_with_spaces_is_found_as_used_before(store: Store, lodging: Lodging, filer: str) -> None:
    lodged = await lodging(fresh(ITEMS, filer))
    number = lodged.results[0].reference or ""
    spaced = f"{number[:2]} {number[2:6]} {number[6:]}"
    known = await store.look_up(Asked(tracking_ids=[spaced]))

    assert known.past.tracking_ids.rows() == [(number, number, date(2026, 11, 4))]
