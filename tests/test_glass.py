"""Broken glass is looked into: a supervisor of the office is told, and writes down what they found."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from conftest import NOW
from guarded import client, guarded, lodged_at, session
from tidewaiter.access import Object, Principal, may
from tidewaiter.audit import leaf
from tidewaiter.services.acting import CannotNow, NotAllowed
from tidewaiter.services.break_glass import break_glass
from tidewaiter.services.review_glass import count_unreviewed, openings, review_glass
from tidewaiter.services.rule import object_of
from tidewaiter.store import Opening, Reader, Review
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
HERE, THERE = "000011", "000060"
OVER = NOW + timedelta(minutes=61)


@pytest.fixture
def kept(house: House) -> House:
    return guarded(house)


async def someone(house: House, role: str = "supervisor", *, office: str = HERE, country: str = "GB") -> Principal:
    name, _ = await session(house, role=role, office=office, country=country)
    return Principal(id=name, kind="person", role=role, office=office, country=country)


async def broken(house: House, by: Principal, *, at: datetime = NOW) -> Opening:
    return await break_glass("seen at the wrong gate", "C-17", principal=by, store=house.store, at=at)


async def review(house: House, id: int, by: Principal, *, at: datetime = OVER) -> None:
    await review_glass(
        id, is_justified=False, finding="no such parcel", principal=by, store=house.store, at=at
    )  # fmt: skip


async def told_to(house: House, who: Principal, *, at: datetime = OVER) -> dict[int, str]:
    found = await openings(principal=who, store=house.store_for(who), at=at)
    return {one.overseen.opening.id: one.state for one in found}


async def leaves_of(house: House, kind: type[Any]) -> list[Any]:
    rows = await house.store.leaves(0, 10**6)
    told = [msgspec.json.decode(row.entry, type=leaf.Leaf) for row in rows]
    return [one for one in told if isinstance(one, kind)]


async def test_a_supervisor_is_told_at_once_and_writes_down_what_was_found(kept: House, filer: str) -> None:
    clock = [NOW]
    house = replace(kept, now=lambda: clock[0])
    there = await lodged_at(house, filer, country="GB", office=THERE)
    officer, as_officer = await session(house, office=HERE)
    supervisor, as_supervisor = await session(house, role="supervisor", office=HERE)
    officers_form = {"form_token": as_officer["Tidewaiter-Form-Token"], "reason": "the wrong gate", "case": "C-17"}
    form = {"form_token": as_supervisor["Tidewaiter-Form-Token"], "reason": "there is no such case"}

    async with client(house) as http:

        async def count() -> int:
            page = (await http.get("/", headers=as_supervisor)).text
            return int(next(iter(re.findall(r"waits for a review: (\d+)", page)), 0))

        before = await count()
        await http.post("/break-glass", data=officers_form, headers=as_officer)
        await http.get(f"/consignments/{there}", headers=as_officer)
        at_once = await count()
        [id] = [
            one.overseen.opening.id
            for one in await openings(
                principal=Principal(id=supervisor, kind="person", role="supervisor", office=HERE, country="GB"),
                store=house.store, at=NOW,
            )
            if one.overseen.opening.person_id == officer
        ]  # fmt: skip
        page = f"/openings/{id}"
        early = await http.post(page, data=form | {"found": "unjustified"}, headers=as_supervisor)
        clock[0] = OVER  # by then the sessions have ended too
        supervisor, as_supervisor = await session(house, role="supervisor", office=HERE)
        _, as_officer = await session(house, office=HERE)
        form["form_token"] = as_supervisor["Tidewaiter-Form-Token"]
        listed = (await http.get("/openings", headers=as_supervisor)).text
        shown = (await http.get(page, headers=as_supervisor)).text
        unsaid = await http.post(page, data=form, headers=as_supervisor)
        silent = await http.post(page, data=form | {"found": "justified", "reason": " "}, headers=as_supervisor)
        forged = await http.post(page, data=form | {"found": "justified", "form_token": "x"}, headers=as_supervisor)
        by_officer = await http.get(page, headers=as_officer)
        done = await http.post(page, data=form | {"found": "unjustified"}, headers=as_supervisor)
        twice = await http.post(page, data=form | {"found": "justified"}, headers=as_supervisor)
        after = await http.get(page, headers=as_supervisor)
        far = await http.post(f"/openings/{2**70}", data=form | {"found": "justified"}, headers=as_supervisor)

    assert at_once == before + 1
    assert f"{officer}, C-17" in listed
    assert "the wrong gate" in shown
    assert f'href="/consignments/{there}"' in shown
    assert "Pat Example" not in shown
    assert [one.status_code for one in (early, unsaid, silent, forged, by_officer)] == [409, 409, 409, 403, 403]
    assert "The hour is not over" in early.text
    assert "Say whether it was justified" in unsaid.text
    assert [done.status_code, twice.status_code, far.status_code] == [303, 409, 404]
    assert "Another has reviewed it" in twice.text
    assert f"{supervisor}: there is no such case" in after.text
    assert "Not justified" in after.text
    assert 'action="/openings' not in after.text
    assert (await leaves_of(kept, leaf.GlassBroken))[-1] == leaf.GlassBroken(
        at=NOW, by=officer, opening=id, until=NOW + timedelta(hours=1)
    )
    assert (await leaves_of(kept, leaf.GlassReviewed))[-1] == leaf.GlassReviewed(
        at=OVER, by=supervisor, opening=id, is_justified=False
    )


async def test_nobody_reviews_the_glass_they_broke_says_the_policy_and_the_database(kept: House) -> None:
    chief, other = await someone(kept), await someone(kept)
    own = await broken(kept, chief)
    own_count = await count_unreviewed(principal=chief, store=kept.store_for(chief))
    others_count = await count_unreviewed(principal=other, store=kept.store_for(other))

    with pytest.raises(NotAllowed, match="nobody-reviews-the-glass-they-broke"):
        await review(kept, own.id, chief)
    written = Review(reviewed_by=chief.id, at=OVER, is_justified=True, finding="all in order")
    with pytest.raises(asyncpg.CheckViolationError, match="reviewed_by_another"):
        await kept.store.glass.review(own, written, policy="none")
    hidden = msgspec.structs.replace(own, person_id=other.id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await kept.store.glass.review(hidden, written, policy="none")
    assert (await told_to(kept, chief))[own.id] == "waiting"
    assert others_count == own_count + 1
    await review(kept, own.id, other)
    assert (await told_to(kept, chief))[own.id] == "unjustified"


async def test_it_is_reviewed_when_the_hour_is_over_and_is_late_after_three_days(kept: House) -> None:
    officer, chief = await someone(kept, "officer"), await someone(kept)
    opening = await broken(kept, officer)
    states = [
        (await told_to(kept, chief, at=NOW + after))[opening.id]
        for after in (timedelta(minutes=59), timedelta(hours=1), timedelta(days=3, hours=1, seconds=1))
    ]

    assert states == ["open", "waiting", "late"]
    with pytest.raises(CannotNow, match="still_open"):
        await review(kept, opening.id, chief, at=NOW + timedelta(minutes=59))
    early = Review(reviewed_by=chief.id, at=NOW, is_justified=True, finding="all in order")
    with pytest.raises(asyncpg.CheckViolationError, match="reviewed_when_over"):
        await kept.store.glass.review(opening, early, policy="none")
    for statement in ("update glass_reviews set finding = 'x'", "delete from openings", "delete from glass_reviews"):
        async with kept.store._pool.acquire() as connection:
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)


async def test_of_many_who_review_at_once_one_does(kept: House) -> None:
    opening = await broken(kept, await someone(kept, "officer"))
    chiefs = [await someone(kept) for _ in range(6)]
    before = len(await leaves_of(kept, leaf.GlassReviewed))
    ended = await asyncio.gather(*(review(kept, opening.id, chief) for chief in chiefs), return_exceptions=True)

    assert sorted(str(one) for one in ended) == ["None", *["reviewed"] * 5]
    assert len(await leaves_of(kept, leaf.GlassReviewed)) == before + 1


async def test_policies_and_rules_of_rows_agree_on_who_sees_what_was_broken(kept: House) -> None:
    made = [
        await broken(kept, await someone(kept, "officer", office=office, country=country))
        for country in ("GB", "FR")
        for office in ("", HERE, THERE)
    ]
    for one in made:
        await review(kept, one.id, await someone(kept, office="", country=one.country))
    draw, told = random.Random(20_261_126), {True: 0, False: 0}
    for _ in range(150):
        who = Principal(
            id="x", kind="person", role=draw.choice(("officer", "supervisor", "auditor", "targeter", "filer")),
            office=draw.choice(("", HERE, THERE, "000099")), country=draw.choice(("", "GB", "FR", "DE")),
        )  # fmt: skip
        store = kept.store.seen_by(Reader(who.id, who.role, office=who.office, country=who.country))
        for one in made:
            found = await store.glass.one(one.id)
            allowed = may(who, "read_opening", object_of(one)).allowed
            assert (found is not None) == allowed, (who, one)
            assert found is None or found.review is not None
            told[allowed] += 1

    assert min(told.values()) > 50, told


def test_a_machine_reviews_nothing_and_in_an_open_house_there_is_no_glass() -> None:
    thing = Object(kind="Opening", id="1", person="a", country="GB")
    machine = Principal(id="m", kind="machine", role="supervisor", country="GB")
    alone = Principal(id="officer", kind="open", role="open")

    assert may(machine, "review_opening", thing).policy == "no-machine-decides"
    assert not any(may(alone, action, thing).allowed for action in ("read_opening", "review_opening"))
    assert not may(alone, "list_openings").allowed


async def test_where_an_officer_served_then_counts_and_not_where_they_serve_now(kept: House) -> None:
    officer, here, there = await someone(kept, "officer"), await someone(kept), await someone(kept, office=THERE)
    opening = await broken(kept, officer)
    async with kept.store._pool.acquire() as connection:
        await connection.execute("update people set office = $2 where id = $1", officer.id, THERE)

    assert opening.id in await told_to(kept, here)
    assert opening.id not in await told_to(kept, there)


@pytest.mark.parametrize("language", ["en", "fr", "zh"])
async def test_the_pages_are_whole_in_each_language(kept: House, language: str) -> None:
    opening = await broken(kept, await someone(kept, "officer"), at=NOW - timedelta(hours=2))
    _, headers = await session(kept, role="supervisor", office=HERE)
    async with client(kept) as http:
        pages: list[httpx.Response] = [
            await http.get(path, params={"lang": language}, headers=headers)
            for path in ("/openings", f"/openings/{opening.id}")
        ]

    assert [page.status_code for page in pages] == [200, 200]
    assert all(f'lang="{language}"' in page.text for page in pages)
