"""An analyst's and an officer's story on the pages: a profile is written and approved, a queue drawn up, goods looked
at, and what was found is learnt from. And the queue by itself: the same picks again from what is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import NOW
from guarded import client, guarded, session
from test_risk_life import ANALYST, CALM, OFFICER, SPAN, lodged, to_active, written
from tidewaiter.access import Principal
from tidewaiter.services.acting import NotAllowed
from tidewaiter.services.capacity import CapacityError, capacity_of
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import learn
from tidewaiter.services.queue import draw_up, pick
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
CAPACITY = """
[[queue]]
lane = "examine"
shift = "day"
minutes = 60
each = 20
safety = "10.00"
"""


@pytest.fixture
def schema(new_schema: Callable[[], str]) -> str:
    """A schema for each test: a queue is of all that waits."""
    return new_schema()


async def test_the_dearest_go_first_and_the_same_are_picked_again_of_what_is_kept(house: House, filer: str) -> None:
    drawing = dataclasses.replace(CALM, draw_share_ppm=200_000)
    await to_active(house, filer, written(), law=drawing)
    await lodged(house, filer, *range(26, 46), law=drawing)
    capacity = capacity_of(CAPACITY)

    drawn = await draw_up("GB", "day", capacity, principal=OFFICER, store=house.store, law=drawing, at=NOW)
    kept = await house.store.inspections.selection(jurisdiction="GB")

    assert kept is not None
    assert kept.picks == drawn.picks
    assert pick(kept.inputs, key=drawing.draw_key) == kept.picks
    picked = [one for one in kept.picks if one["how"] is not None]
    assert {one["how"] for one in picked} <= {"simple", "loss"}
    assert len([one for one in picked if one["how"] == "simple"]) >= 1
    assert len(picked) >= 3
    losses = {row[0]: row[8] for row in kept.inputs["candidates"]}
    by_loss = [losses[one["id"]] for one in picked if one["how"] == "loss"]
    left = [losses[one["id"]] for one in kept.picks if one["how"] is None]
    assert all(one >= max(left) for one in by_loss)
    assert all(0 < one["propensity_ppm"] <= 1_000_000 for one in kept.picks)
    assert b"key" not in str(kept.inputs).encode()


async def test_what_was_looked_at_waits_no_longer_and_a_profile_is_judged_by_what_it_found(
    house: House, filer: str
) -> None:
    await to_active(house, filer, written())
    first, second = await lodged(house, filer, 30, 31)
    how: dict[str, Any] = {"principal": OFFICER, "store": house.store, "law": CALM, "at": NOW}
    before = await draw_up("GB", "day", capacity_of(CAPACITY), **how)
    await inspect(first, ["value"], recovered_micro=10**6, minutes=20, principal=OFFICER, store=house.store, at=NOW)
    after = await draw_up("GB", "day", capacity_of(CAPACITY), **how)

    assert {one["id"] for one in before.picks} == {first, second}
    assert {one["id"] for one in after.picks} == {second}
    loss = {drawn.id: {row[0]: row[8] for row in drawn.inputs["candidates"]} for drawn in (before, after)}
    assert loss[after.id][second] > loss[before.id][second]
    learnt = await learn(SPAN, principal=ANALYST, store=house.store, law=CALM)
    assert [(one.name, one.rate.found, one.rate.looked_at) for one in learnt.profiles] == [
        ("fiction-dear-shirts", 1, 1)
    ]


async def test_what_must_be_looked_at_goes_before_all_else(house: House, filer: str) -> None:
    text = written().replace("score = 40", "score = 1\nobligatory = true")
    await to_active(house, filer, text)
    await lodged(house, filer, *range(26, 36))
    small = capacity_of(CAPACITY.replace("60", "20"))

    drawn = await draw_up("GB", "day", small, principal=OFFICER, store=house.store, law=CALM, at=NOW)

    assert {one["how"] for one in drawn.picks} == {"obligatory"}
    assert {one["propensity_ppm"] for one in drawn.picks} == {1_000_000}


async def test_a_queue_is_drawn_up_for_ones_own_country_only(house: House) -> None:
    how: dict[str, Any] = {"store": house.store, "law": CALM, "at": NOW}
    trader = Principal(id="m", kind="machine", role="filer", filer="x")
    for who in (trader, Principal(id="o.fr", kind="person", role="officer", country="FR")):
        with pytest.raises(NotAllowed):
            await draw_up("GB", "day", capacity_of(CAPACITY), principal=who, **how)


@pytest.mark.parametrize(
    "text",
    ["", "queue = 1", CAPACITY + CAPACITY, CAPACITY.replace("60", "-1"), CAPACITY.replace("10.00", "-1"),
     CAPACITY.replace("10.00", "much"), CAPACITY.replace("examine", "lunch"), CAPACITY.replace("each = 20", "each = 0"),
     CAPACITY + "other = 1\n", "= ["],
)  # fmt: skip
async def test_a_capacity_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(CapacityError):
        capacity_of(text)


@pytest.fixture
async def served(house: House, tmp_path: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """A guarded house with a capacity, whose law draws nobody at random."""
    path = tmp_path / "capacity.toml"
    path.write_text(CAPACITY)
    kept = guarded(dataclasses.replace(house, law=CALM), inspection_capacity=path)
    async with client(kept) as http:
        yield kept, http


async def test_the_whole_story_on_the_pages(served: tuple[House, httpx.AsyncClient], filer: str) -> None:
    house, http = served
    who = {role: (await session(house, role=role, country="GB"))[1] for role in ("targeter", "supervisor", "officer")}

    async def sent(role: str, path: str, status: int, **form: str) -> str:
        headers = who[role]
        data = {"form_token": headers.get("Tidewaiter-Form-Token", ""), **form}
        answer = await http.post(path, headers=headers, data=data)
        assert answer.status_code == status, answer.text
        return answer.text

    async def seen(role: str, path: str) -> str:
        answer = await http.get(path, headers=who[role])
        assert answer.status_code == 200, answer.text
        return answer.text

    await lodged(house, filer, 30, 20)
    days = {"since": "2026-01-01", "until": "2027-01-01"}
    wrong = await sent("targeter", "/risk/profiles", 422, written=written().replace("item.value", "item.worth"))
    tested = await sent("targeter", "/risk/profiles", 200, written=written(), do="backtest", **days)
    await sent("targeter", "/risk/profiles", 303, written=written(), do="draft")
    page = "/risk/profiles/fiction-dear-shirts/1"
    early = await sent("targeter", page, 409, do="proposed", reason="as written")
    await sent("targeter", page, 303, do="backtested", **days)
    await sent("targeter", page, 303, do="proposed", reason="as back-tested")
    own = await seen("targeter", page)
    await sent("targeter", page, 403, do="approved", reason="my own")
    await sent("supervisor", page, 303, do="approved", reason="looked at it")
    ids = await lodged(house, filer, 30, 40, start=50)
    await sent("officer", "/risk", 303, shift="day")
    queue = await seen("officer", "/risk")
    item = f"/risk/consignments/{ids[0]}"
    before = await seen("officer", item)
    await sent("officer", item, 409, minutes="5")
    await sent("officer", item, 303, **{"result-value": "on"}, recovered="12.50", minutes="25")
    await sent("officer", item, 409, **{"result-none": "on"}, minutes="5")
    after = await seen("officer", item)
    catalogue = await seen("supervisor", "/risk/profiles")

    assert "line 1, column" in wrong
    assert "Hits a day" in tested
    assert "Back-test it first." in early
    assert "nobody approves their own" in own
    assert 'value="approved"' not in own
    for reference in ("R-50", "R-51"):
        assert reference in queue
    assert "worth 30.00" in before
    assert "the same comes out" in before
    assert "12.50" in after
    assert "25 minutes" in after
    assert "Active" in catalogue
