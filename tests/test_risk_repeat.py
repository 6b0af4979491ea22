"""The same picks again: of what is kept of consignments, profiles, lists and the queue, all of it, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import make
from conftest import NOW
from test_denied_lists import brought
from test_risk_life import ANALYST, CALM, OFFICER, SUPERVISOR, lodged, to_active, written
from test_risk_life import SPAN as WHOLE
from test_risk_queue import CAPACITY
from tidewaiter.access import Principal
from tidewaiter.law import load
from tidewaiter.services.acting import NotAllowed, NotThere
from tidewaiter.services.capacity import capacity_of
from tidewaiter.services.clear import Message
from tidewaiter.services.explain import explain
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import backtest_kept
from tidewaiter.services.lodge import lodge
from tidewaiter.services.profiles import draft, step
from tidewaiter.services.queue import draw_up
from tidewaiter.services.repeat import repeat
from tidewaiter.services.screen import screen_again
from tidewaiter.store.migrating import migrations
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
LAW = dataclasses.replace(load(), draw_share_ppm=200_000)
AUDITOR = Principal(id="a.one", kind="person", role="auditor", country="GB")


@pytest.fixture
def schema(new_schema: Callable[[], str]) -> str:
    """A schema for each test: a queue is of all that waits."""
    return new_schema()


async def sent(house: House, filer: str, *, reference: str, name: str = "Pat Example", **goods: Any) -> int:
    """One parcel lodged under the whole law, past and lists and all."""
    parties = (make.party("consignor"), make.party("consignee", name=name))
    record = make.consignment(reference=reference, parties=parties, items=(make.item(**goods),))
    message = Message(source="test", data=msgspec.json.encode([record]), sender=filer)
    await lodge(message, store=house.store, law=LAW, at=NOW)
    return (await house.store.ids_of(reference, filer=filer))[0]


async def test_what_rests_on_words_and_names_comes_out_again_though_the_lists_have_changed(
    house: House, filer: str
) -> None:
    """Words and names are in the vault, lists have states, and what was screened later was not seen then."""
    await brought(house.store, "Yusuf Karimullah Danaghi")
    listed = await sent(house, filer, reference="L-1", name="Yusuf Karimullah Danaghi")
    other = await sent(house, filer, reference="L-2", name="Ilse Brandmoor")
    armed = await sent(
        house, filer, reference="L-3", name="Sofie Anderwater", description="folding pocket knife with locking blade"
    )
    how: dict[str, Any] = {"principal": OFFICER, "store": house.store, "law": LAW, "at": NOW + timedelta(days=1)}
    before = [await explain(id, **how) for id in (listed, other, armed)]
    early = await draw_up("GB", "day", capacity_of(_every_lane()), **how)
    await brought(house.store, "Ilse Brandmoor", "Sofie Anderwater")
    screened = await screen_again(store=house.store, law=LAW, since=NOW - timedelta(days=1), at=NOW + timedelta(days=2))
    after = [await explain(id, **how) for id in (listed, other, armed)]
    drawn = await draw_up("GB", "day", capacity_of(_every_lane()), **how | {"at": NOW + timedelta(days=3)})
    again = [
        await repeat("GB", one.id, principal=AUDITOR, store=house.store, law=LAW, at=NOW) for one in (early, drawn)
    ]

    assert set(screened.hits) == {"L-2", "L-3"}
    assert len(before[0].reasons) >= 1
    assert len(after[1].reasons) == len(before[1].reasons) + 1
    assert [one.again for one in (*before, *after)] == ["same"] * 6
    for one in again:
        assert one.signals == {"same": one.candidates}
        assert one.candidates >= 2
        assert one.is_same


def _every_lane() -> str:
    return "".join(CAPACITY.replace('"examine"', f'"{lane}"') for lane in ("examine", "documents", "hold_for_officer"))


async def test_the_same_are_picked_again_after_profiles_and_findings_have_changed(house: House, filer: str) -> None:
    drawing = dataclasses.replace(CALM, draw_share_ppm=200_000)
    how: dict[str, Any] = {"store": house.store, "law": drawing, "at": NOW}
    await to_active(house, filer, written(), law=drawing)
    ids = await lodged(house, filer, *range(26, 126), law=drawing)
    for place, id in enumerate(ids[:30]):
        found = ["value"] if place % 3 == 0 else ["none"]
        await inspect(id, found, recovered_micro=0, minutes=20, principal=OFFICER, store=house.store, at=NOW)
    drawn = await draw_up("GB", "day", capacity_of(CAPACITY), principal=OFFICER, **how)

    # A new version is in force, most waiting were looked at, and other queues were drawn up since.
    await draft(written(version=2, value=60), principal=ANALYST, **how)
    await backtest_kept("fiction-dear-shirts", 2, WHOLE, principal=ANALYST, **how)
    for kind, who in (("proposed", ANALYST), ("approved", SUPERVISOR)):
        await step("fiction-dear-shirts", 2, kind, principal=who, reason="as agreed", **how)  # type: ignore[arg-type]
    await lodged(house, filer, *range(50, 70), law=drawing, start=500)
    for id in ids[30:80]:
        await inspect(id, ["value"], recovered_micro=0, minutes=20, principal=OFFICER, store=house.store, at=NOW)
    later = await draw_up("GB", "day", capacity_of(CAPACITY), principal=OFFICER, **how)
    first, newest = [
        await repeat("GB", number, principal=AUDITOR, store=house.store, law=drawing, at=NOW)
        for number in (drawn.id, None)
    ]

    assert (first.selection, newest.selection) == (drawn.id, later.id)
    assert first.candidates == 70 + sum(row[0] not in ids for row in drawn.inputs["candidates"])
    for one in (first, newest):
        assert one.signals == {"same": one.candidates}
        assert (one.chances, one.picks, one.is_same) == ("same", "same", True)


async def test_another_key_or_another_law_is_said_and_not_taken_for_the_same(house: House, filer: str) -> None:
    drawing = dataclasses.replace(CALM, draw_share_ppm=200_000)
    await to_active(house, filer, written(), law=drawing)
    await lodged(house, filer, *range(26, 66), law=drawing)
    await draw_up("GB", "day", capacity_of(CAPACITY), principal=OFFICER, store=house.store, law=drawing, at=NOW)

    async def again(law: Any) -> Any:
        return await repeat("GB", None, principal=AUDITOR, store=house.store, law=law, at=NOW)

    by_key = await again(dataclasses.replace(drawing, draw_key=b"another key of some length, sixty-four"))
    by_law = await again(CALM)

    assert not by_key.is_same
    assert by_key.picks == "differs"
    assert not by_law.is_same
    assert set(by_law.signals) == {"law_changed"}


async def test_only_who_may_read_profiles_of_the_country_picks_again(house: House) -> None:
    trader = Principal(id="m", kind="machine", role="filer", filer="x")
    for who in (trader, Principal(id="o.fr", kind="person", role="officer", country="FR")):
        with pytest.raises(NotAllowed):
            await repeat("GB", None, principal=who, store=house.store, law=LAW, at=NOW)
    with pytest.raises(NotThere):
        await repeat("GB", None, principal=AUDITOR, store=house.store, law=LAW, at=NOW)


async def test_a_queue_that_was_kept_before_its_picks_were_rows_is_picked_again_too(house: House, filer: str) -> None:
    """Migration 0022 on a database of the release before, with a queue in it."""
    drawing = dataclasses.replace(CALM, draw_share_ppm=200_000)
    await to_active(house, filer, written(), law=drawing)
    await lodged(house, filer, *range(26, 46), law=drawing)
    drawn = await draw_up("GB", "day", capacity_of(CAPACITY), principal=OFFICER, store=house.store, law=drawing, at=NOW)
    [moving] = [one for one in migrations() if one.name == "0022_picks.sql"]
    of_before = ("candidates", "capacity", "simple_ppm", "stratified_ppm", "strata", "risk_digest")
    old_inputs = {name: drawn.inputs[name] for name in of_before}
    async with house.store._pool.acquire() as connection:
        await connection.execute("drop table picks; alter table selections drop column model, add column picks jsonb")
        old = await connection.fetchval(
            "insert into selections (at, actor, policy, jurisdiction, shift, inputs, picks)"
            " select at, actor, policy, jurisdiction, shift, $2, $3 from selections where id = $1 returning id",
            drawn.id, msgspec.json.encode(old_inputs), msgspec.json.encode(drawn.picks),
        )  # fmt: skip
        await connection.execute(moving.sql)

    kept = await house.store.inspections.selection(jurisdiction="GB", id=old)
    again = await repeat("GB", old, principal=AUDITOR, store=house.store, law=drawing, at=NOW)
    assert kept is not None
    assert kept.picks == drawn.picks
    # How the chances came about was not kept then, and that is said.
    assert (again.picks, again.chances, again.signals) == ("same", "not_kept", {"same": again.candidates})
