"""An analyst trains a model on what inspections found; it orders the queue, and says why to officers alone."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from typer.testing import CliRunner

import make
from conftest import NOW
from guarded import client, guarded, session
from test_risk_life import ANALYST, OFFICER, OTHER, SPAN, SUPERVISOR, written
from test_risk_queue import CAPACITY
from tidewaiter.access import Principal
from tidewaiter.cli import app
from tidewaiter.law import Law, load
from tidewaiter.law.rules import RiskFile
from tidewaiter.risk.model import Model, TooFew, read_model
from tidewaiter.risk.model import written as in_file
from tidewaiter.services.acting import CannotNow, NotAllowed
from tidewaiter.services.capacity import capacity_of
from tidewaiter.services.clear import Message
from tidewaiter.services.explain import explain
from tidewaiter.services.fitting import CannotFit
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import NothingThere, learn
from tidewaiter.services.life import keep_draft
from tidewaiter.services.lodge import lodge
from tidewaiter.services.models import (
    ModelLost,
    digest_of,
    draft_model,
    in_force,
    last_drift,
    list_models,
    look_at_drift,
    model_of,
    step_model,
)
from tidewaiter.services.queue import draw_up, pick
from tidewaiter.services.repeat import repeat
from tidewaiter.services.scoring import Said, chances_ppm, kept_of, known_of
from tidewaiter.services.train import drifted, train
from tidewaiter.store import ProfileEvent, Selected, StoredProfile
from tidewaiter.store.profiles import Step
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
RUN = CliRunner()
CHEAP, DEAR = 26, 90
AUDITOR = Principal(id="a.one", kind="person", role="auditor", country="GB")


def law_with_shirts() -> Law:
    """The law with a profile that asks for a look at shirts that cost more than 25, and most drawn at random."""
    import tomllib

    file = RiskFile(jurisdiction="world", name="shirts", content=tomllib.loads(written()))
    return dataclasses.replace(load(), draw_share_ppm=650_000).with_profiles([file])


LAW = law_with_shirts()


@pytest.fixture
def schema(new_schema: Callable[[], str]) -> str:
    """A schema for each test: a model learns from all that is kept."""
    return new_schema()


async def lodged(house: House, filer: str, prices: Sequence[int], *, at: datetime = NOW, start: int = 0) -> list[int]:
    records = [
        make.consignment(
            reference=f"M-{start + place}",
            items=(make.item(price=f"{price}.00 GBP", net_mass=f"0.{150 + place % 90}"),),
        )
        for place, price in enumerate(prices)
    ]
    message = Message(source="test", data=msgspec.json.encode(records), sender=filer)
    await lodge(message, store=house.store, law=LAW, at=at)
    return [(await house.store.ids_of(record.reference, filer=filer))[0] for record in records]


async def inspected(house: House, filer: str, *days: int, a_day: int = 34) -> None:
    """Shirts of some days, all looked at on the day: dear ones are mostly wrong, and the others seldom."""
    prices = [DEAR + place % 17 if place % 3 == 0 else CHEAP + place % 11 for place in range(a_day)]
    for day in days:
        at = NOW + timedelta(days=day)
        for place, id in enumerate(await lodged(house, filer, prices, at=at, start=day * a_day)):
            is_wrong = place % 6 != 0 if prices[place] >= DEAR else place % 29 == 1
            await inspect(
                id, ["value"] if is_wrong else ["none"], recovered_micro=0, minutes=10, principal=OFFICER,
                store=house.store, at=at + timedelta(minutes=place),
            )  # fmt: skip


async def trained(house: House) -> Model:
    try:
        return await train(SPAN, principal=ANALYST, store=house.store, law=LAW, at=NOW + timedelta(days=6), version=3)
    except CannotFit as cannot:
        pytest.skip(str(cannot))


async def drafted(house: House, *, days: int = 6) -> StoredProfile:
    """A model trained on what was known after so many days, kept as a draft."""
    at = NOW + timedelta(days=days)
    try:
        return await draft_model(SPAN, principal=ANALYST, store=house.store, law=LAW, at=at)
    except CannotFit as cannot:
        pytest.skip(str(cannot))


async def stepped(house: House, version: int, kind: Step, who: Principal) -> StoredProfile:
    return await step_model("GB", version, kind, principal=who, store=house.store, at=NOW, reason="as its card says")


async def to_force(house: House, version: int) -> None:
    await stepped(house, version, "proposed", ANALYST)
    await stepped(house, version, "approved", SUPERVISOR)


async def test_a_model_is_trained_approved_by_another_orders_the_queue_and_the_same_are_picked_again(
    house: House, filer: str
) -> None:
    await inspected(house, filer, *range(6))
    draft = await drafted(house)
    model = await model_of(digest_of(draft), store=house.store)
    with pytest.raises(NothingThere):
        await drifted(model, SPAN, principal=ANALYST, store=house.store, law=LAW)
    await inspected(house, filer, 7, 8)
    how: dict[str, Any] = {"store": house.store, "law": LAW, "at": NOW + timedelta(days=9)}
    looked, later = await look_at_drift(1, SPAN, principal=ANALYST, **how)
    ids = await lodged(house, filer, [CHEAP, DEAR, CHEAP + 5, DEAR + 9] * 4, at=NOW + timedelta(days=9), start=900)
    capacity = capacity_of(CAPACITY.replace("60", "400"))

    async def queue() -> Selected:
        return await draw_up("GB", "day", capacity, principal=OFFICER, **how)

    async def said(id: int) -> Said | None:
        return (await explain(id, principal=OFFICER, **how)).said

    before = await queue()
    unsaid = await said(ids[0])
    await to_force(house, 1)
    drawn = await queue()
    kept = await kept_of(ids, house.store)
    chances = await chances_ppm(kept, read_model(in_file(model)), LAW)
    losses = {row[0]: row[8] for row in drawn.inputs["candidates"]}
    likely = max(ids, key=lambda id: chances[id])
    dear = await said(likely)
    again = [await repeat("GB", one.id, principal=AUDITOR, **how) for one in (before, drawn)]

    # What was found after the day of the training changes nothing of a model of that day.
    assert (await trained(house)).trees == model.trees
    assert model.examples.looked_at == 6 * 34
    assert model.measured.random.value > 0.8
    assert later.picks >= 25
    assert later.found.looked_at == later.picks
    assert last_drift(looked) == (NOW + timedelta(days=9), later)
    assert "model" not in before.inputs
    assert unsaid is None
    assert (drawn.inputs["model"], drawn.inputs["model_version"]) == (model.digest, 1)
    # The same again: what risk saw, the chances and the picks, of what was lodged, and the model of that digest.
    assert [(one.candidates, one.signals, one.chances, one.picks, one.is_same) for one in again] == [
        (16, {"same": 16}, "same", "same", True)
    ] * 2
    assert again[1].model == model.digest
    assert pick(drawn.inputs, key=LAW.draw_key) == drawn.picks
    assert [list(pair) for pair in sorted(chances.items())] == drawn.inputs["chances_ppm"]
    assert sum(chances[id] for id in ids[1::2]) > 2 * sum(chances[id] for id in ids[::2])
    assert sum(losses[id] for id in ids[1::2]) > 2 * sum(losses[id] for id in ids[::2])
    assert dear is not None
    assert (dear.model, dear.version, dear.chance_ppm) == (model.digest, 1, chances[likely])
    assert dear.queued_ppm == dear.chance_ppm
    assert "price" in {reason.key for reason in dear.reasons}

    # Officers read it on the page, in their language; filers nothing.
    guarding = guarded(dataclasses.replace(house, law=LAW))
    async with client(guarding) as http:
        [officer, trader] = [(await session(guarding, role=role, country="GB"))[1] for role in ("officer", "filer")]
        page = await http.get(f"/risk/consignments/{likely}", headers=officer)
        french = await http.get(f"/risk/consignments/{likely}?lang=fr", headers=officer)
        hidden = await http.get(f"/risk/consignments/{likely}", headers=trader)
    assert page.status_code == 200
    assert "The price is unlike that of goods of its kind" in page.text
    assert "the same comes out" in page.text
    assert "Le prix s" in french.text
    assert "unlike" not in hidden.text


async def test_what_the_corridor_knew_of_the_past_is_what_the_model_is_told(house: House, filer: str) -> None:
    """The same figures in training and in scoring as stood there when it was lodged, whatever came since."""
    ids = await lodged(house, filer, [CHEAP] * 6)
    before = await known_of(await kept_of(ids, house.store), LAW)
    await lodged(house, filer, [CHEAP] * 20, at=NOW + timedelta(days=1), start=50)
    after = await known_of(await kept_of(ids, house.store), LAW)
    one_by_one = [await known_of(await kept_of([id], house.store), LAW) for id in ids]

    # Lodged together, the earlier count for the later.
    assert before.figures["past.consignee_30d_count"].to_list() == [0, 1, 2, 3, 4, 5]
    assert after.figures.equals(before.figures)
    assert [one.figures["past.consignee_30d_count"][0] for one in one_by_one] == [0, 1, 2, 3, 4, 5]


async def test_nobody_approves_the_model_they_trained_or_proposed_and_a_newer_one_takes_its_place(
    house: House, filer: str
) -> None:
    await inspected(house, filer, *range(6))
    first = await drafted(house)
    await stepped(house, 1, "proposed", OTHER)
    for who in (ANALYST, OTHER):
        with pytest.raises(NotAllowed) as refused:
            await stepped(house, 1, "approved", who)
        assert refused.value.policy == "nobody-approves-what-is-their-own"
    for who in (OFFICER, structs.replace(SUPERVISOR, country="FR")):
        with pytest.raises(NotAllowed):
            await stepped(house, 1, "approved", who)
    await stepped(house, 1, "approved", SUPERVISOR)
    with pytest.raises(CannotNow):
        await stepped(house, 1, "tried", ANALYST)
    active = await in_force("GB", store=house.store)
    second = await drafted(house, days=7)
    await to_force(house, second.version)
    newer = await in_force("GB", store=house.store)
    states = {one.version: one.state for one in await list_models("GB", principal=ANALYST, store=house.store)}
    await stepped(house, 2, "expired", SUPERVISOR)

    assert "# Risk model of GB, version 1" in first.written
    assert first.state == "draft"
    assert active is not None
    assert active.digest == digest_of(first)
    assert newer is not None
    assert newer.version == 2
    assert states == {2: "active", 1: "replaced"}
    assert await in_force("GB", store=house.store) is None
    # A profile of no country sees the model's versions as its own.
    assert await house.store.profiles.all() == []
    assert await house.store.profiles.in_force() == ()


async def test_a_correction_that_came_later_changes_nothing_of_what_was_known_before(house: House, filer: str) -> None:
    [id] = await lodged(house, filer, [DEAR])
    how: dict[str, Any] = {"principal": OFFICER, "store": house.store, "minutes": 5, "recovered_micro": 0}
    first = await inspect(id, ["none"], at=NOW, **how)
    late = await inspect(id, ["value"], at=NOW + timedelta(days=30), supersedes=first.id, **how)

    async def known(at: datetime | None) -> tuple[int, int]:
        found = await learn(SPAN, principal=ANALYST, store=house.store, law=LAW, known_at=at)
        [shirts] = [one for one in found.profiles if one.name == "fiction-dear-shirts"]
        return shirts.rate.found, shirts.rate.looked_at

    assert await known(NOW - timedelta(days=1)) == (0, 0)
    assert await known(NOW + timedelta(days=1)) == (0, 1)
    assert await known(NOW + timedelta(days=30)) == await known(None) == (1, 1)
    assert [one.id for one in await house.store.inspections.of(id)] == [first.id, late.id]


async def test_a_model_is_trained_by_who_may_write_profiles_and_of_enough(house: House, filer: str) -> None:
    async def made(who: Principal = ANALYST) -> Model:
        return await train(SPAN, principal=who, store=house.store, law=LAW, at=NOW + timedelta(days=1), version=1)

    with pytest.raises(NothingThere):
        await made()
    [id] = await lodged(house, filer, [DEAR])
    await inspect(id, ["none"], recovered_micro=0, minutes=1, principal=OFFICER, store=house.store, at=NOW)
    with pytest.raises(TooFew):
        await made()
    for who in (
        OFFICER,
        Principal(id="m", kind="machine", role="filer", filer="x"),
        structs.replace(ANALYST, country="FR"),
    ):
        with pytest.raises(NotAllowed):
            await made(who)


async def test_a_model_that_cannot_be_read_is_not_approved_and_where_it_is_stops_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    spoiled = StoredProfile(
        id="model-gb", version=1, jurisdiction="GB", written="card", author="t.one", at=NOW, kind="model"
    )
    content = b"{}"
    digest = hashlib.sha256(content).hexdigest()
    await keep_draft(
        spoiled, principal=ANALYST, store=house.store, reason="trained", detail={"digest": digest},
        content=(digest, content),
    )  # fmt: skip
    await stepped(house, 1, "proposed", ANALYST)
    with pytest.raises(ModelLost):
        await stepped(house, 1, "approved", SUPERVISOR)
    async with house.store.profiles.on("model-gb") as living:
        event = ProfileEvent(at=NOW, kind="approved", actor="s.one", policy="", reason="unseen")
        await living.keep(living.versions[1], [(1, event)])

    assert await in_force("GB", store=house.store) is None
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "risk_model left_out=unreadable version=1"
    ]


def test_the_commands_say_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, schema: str
) -> None:
    for name, value in (("DATABASE_URL", database_url), ("DATABASE_SCHEMA", schema), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(f"TIDEWAITER_{name}", value)
    days = ["--country", "GB", "--since", "2026-01-01", "--until", "2027-01-01"]
    nothing = RUN.invoke(app, ["risk", "train", *days])
    absent = RUN.invoke(app, ["risk", "drift", "1", *days])

    assert (nothing.exit_code, absent.exit_code) == (2, 2)
    assert "nothing was inspected" in nothing.output
    assert "no such model" in absent.output
