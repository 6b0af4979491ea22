"""An analyst trains a model on what inspections found; it orders the queue, and says why to officers alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from typer.testing import CliRunner

import make
from conftest import NOW
from guarded import client, guarded, session
from test_risk_life import ANALYST, OFFICER, SPAN, written
from test_risk_queue import CAPACITY
from tidewaiter.access import Principal
from tidewaiter.cli import app
from tidewaiter.law import Law, load
from tidewaiter.law.rules import RiskFile
from tidewaiter.risk.model import Model, TooFew, read_model
from tidewaiter.risk.model import written as in_file
from tidewaiter.services.acting import NotAllowed
from tidewaiter.services.capacity import capacity_of
from tidewaiter.services.clear import Message
from tidewaiter.services.explain import explain
from tidewaiter.services.fitting import CannotFit
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import NothingThere
from tidewaiter.services.lodge import lodge
from tidewaiter.services.queue import draw_up, pick
from tidewaiter.services.scoring import Said, chances_ppm
from tidewaiter.services.train import drifted, train
from tidewaiter.settings import Settings
from tidewaiter.store import Selected
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
RUN = CliRunner()
CHEAP, DEAR = 26, 90


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


async def test_a_model_is_trained_orders_the_queue_says_why_and_gives_the_same_again(
    house: House, filer: str, tmp_path: Path
) -> None:
    await inspected(house, filer, *range(6))
    model = await trained(house)
    with pytest.raises(NothingThere):
        await drifted(model, SPAN, principal=ANALYST, store=house.store, law=LAW)
    await inspected(house, filer, 7, 8)
    later = await drifted(model, SPAN, principal=ANALYST, store=house.store, law=LAW)
    ids = await lodged(house, filer, [CHEAP, DEAR, CHEAP + 5, DEAR + 9] * 4, at=NOW + timedelta(days=9), start=900)
    capacity = capacity_of(CAPACITY.replace("60", "400"))

    async def queue(by: Model) -> Selected:
        return await draw_up("GB", "day", capacity, principal=OFFICER, store=house.store, law=LAW, at=NOW, model=by)

    async def said(id: int, by: Model) -> Said | None:
        return (await explain(id, principal=OFFICER, store=house.store, law=LAW, model=by)).said

    of_another = await queue(structs.replace(model, jurisdiction="FR"))
    drawn = await queue(model)
    stored, heard = await house.store.consignments(ids), await house.store.inspections.signals_of(ids)
    chances = await chances_ppm([stored[id] for id in ids], heard, read_model(in_file(model)), LAW)
    losses = {row[0]: row[8] for row in drawn.inputs["candidates"]}
    likely = max(ids, key=lambda id: chances[id])
    dear = await said(likely, model)

    # What was found after the day of the training changes nothing of a model of that day.
    assert (await trained(house)).digest == model.digest
    assert model.examples.looked_at == 6 * 34
    assert model.measured.random.value > 0.8
    assert later.picks >= 25
    assert later.found.looked_at == later.picks
    assert drawn.inputs["model"] == model.digest
    assert "model" not in of_another.inputs
    # The same again: the picks of what was kept, and the chances of what was lodged and the model of that digest.
    assert pick(drawn.inputs, key=LAW.draw_key) == drawn.picks
    assert sorted(chances.items()) == [tuple(pair) for pair in drawn.inputs["chances_ppm"]]
    assert sum(chances[id] for id in ids[1::2]) > 2 * sum(chances[id] for id in ids[::2])
    assert sum(losses[id] for id in ids[1::2]) > 2 * sum(losses[id] for id in ids[::2])
    assert dear is not None
    assert (dear.model, dear.version, dear.chance_ppm) == (model.digest, 3, chances[likely])
    assert dear.queued_ppm == dear.chance_ppm
    assert "price" in {reason.key for reason in dear.reasons}
    assert await said(likely, structs.replace(model, jurisdiction="FR")) is None

    # Officers read it on the page, in their language; filers nothing; and a file that holds no model stops nothing.
    path = tmp_path / "model.json"
    path.write_bytes(in_file(model))
    kept = guarded(dataclasses.replace(house, law=LAW), risk_model=path)
    async with client(kept) as http:
        [officer, trader] = [(await session(kept, role=role, country="GB"))[1] for role in ("officer", "filer")]
        page = await http.get(f"/risk/consignments/{likely}", headers=officer)
        french = await http.get(f"/risk/consignments/{likely}?lang=fr", headers=officer)
        hidden = await http.get(f"/risk/consignments/{likely}", headers=trader)
        path.write_text("{}")
        broken = await http.get(f"/risk/consignments/{likely}", headers=officer)
    assert page.status_code == 200
    assert "The price is unlike that of goods of its kind" in page.text
    assert "Le prix s" in french.text
    assert "unlike" not in hidden.text
    assert broken.status_code == 200
    assert "What the model says" not in broken.text


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


async def test_a_model_that_cannot_be_read_is_left_out_and_said(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.json"
    settings = structs.replace(house.settings, risk_model=path)
    kept = dataclasses.replace(house, settings=settings)

    assert kept.model is None
    path.write_bytes(b"\x00\xff")
    assert kept.model is None
    assert dataclasses.replace(house, settings=Settings()).model is None
    assert [record.getMessage() for record in caplog.records] == [
        "risk_model left_out=FileNotFoundError", "risk_model left_out=ModelError",
    ]  # fmt: skip


def test_the_commands_say_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, schema: str
) -> None:
    for name, value in (("DATABASE_URL", database_url), ("DATABASE_SCHEMA", schema), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(f"TIDEWAITER_{name}", value)
    out, wrong = tmp_path / "model.json", tmp_path / "wrong.json"
    wrong.write_text("{}")
    days = ["--since", "2026-01-01", "--until", "2027-01-01"]
    nothing = RUN.invoke(app, ["risk", "train", str(out), "--country", "GB", *days])
    unread = RUN.invoke(app, ["risk", "drift", str(wrong), *days])

    assert (nothing.exit_code, unread.exit_code) == (2, 2)
    assert "nothing was inspected" in nothing.output
    assert "no model" in unread.output
    assert not out.exists()
