"""The commands about risk, as a person types them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import make
from conftest import NOW
from test_risk_life import CALM, written
from tidewaiter.cli import app
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.store import open_store

RUN = CliRunner()
CAPACITY = '[[queue]]\nlane = "hold_for_officer"\nshift = "day"\nminutes = 60\neach = 20\nsafety = "10.00"\n'


def file(folder: Path, text: str, name: str = "profile.toml") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_profile_is_checked_and_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    well = RUN.invoke(app, ["risk", "check", file(tmp_path, written()), "--country", "GB"])
    broken = RUN.invoke(
        app, ["risk", "check", file(tmp_path, written().replace("item.value >", "item.worth >")), "--country", "GB"]
    )

    assert (well.exit_code, broken.exit_code) == (0, 1)
    assert "fiction-dear-shirts version 1 is well" in well.output
    assert "line 1, column" in broken.output


def test_a_capacity_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    done = RUN.invoke(
        app, ["risk", "queue", "--country", "GB", "--capacity", file(tmp_path, "queue = 1", "capacity.toml")]
    )

    assert done.exit_code == 2


def test_what_is_kept_is_back_tested_queued_and_explained(
    tmp_path: Path, database_url: str, new_schema: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = new_schema()

    async def fill() -> int:
        store = await open_store(database_url, schema=schema)
        message = Message(source="test", data=msgspec.json.encode(make.consignment(reference="R-1")), sender="shop")
        await lodge(message, store=store, law=CALM, at=NOW)
        [id] = await store.ids_of("R-1")
        async with store._pool.acquire() as connection:
            await connection.execute("update consignments set control = 'hold' where id = $1", id)
        await store.close()
        return id

    id = asyncio.run(fill())
    for name, value in (("DATABASE_URL", database_url), ("DATABASE_SCHEMA", schema), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(f"TIDEWAITER_{name}", value)

    days = ["--country", "GB", "--since", "2026-01-01", "--until", "2027-01-01"]
    profile = file(tmp_path, written(value=10))
    tested = RUN.invoke(app, ["risk", "backtest", profile, *days, "--json"])
    nothing = RUN.invoke(
        app, ["risk", "backtest", profile, *days[:2], "--since", "1999-01-01", "--until", "1999-02-01"]
    )
    capacity = file(tmp_path, CAPACITY, "capacity.toml")
    queue = RUN.invoke(app, ["risk", "queue", "--country", "GB", "--capacity", capacity, "--json"])
    told = RUN.invoke(app, ["risk", "explain", str(id), "--json"])
    other = RUN.invoke(app, ["risk", "explain", "999999999"])
    priced = RUN.invoke(app, ["risk", "prices"])

    assert (tested.exit_code, nothing.exit_code, queue.exit_code, told.exit_code, other.exit_code) == (0, 2, 0, 0, 2)
    own = json.loads(tested.stdout)["profiles"][-1]
    assert (own["profile"], own["hits"]) == ("fiction-dear-shirts", 1)
    assert [one["id"] for one in json.loads(queue.stdout)["picks"]] == [id]
    assert json.loads(told.stdout)["reference"] == "R-1"
    # No profile looks at the past under the law it was lodged by, so nothing of its goods was kept.
    assert (priced.exit_code, priced.stdout) == (0, "a table of the prices of 0 goods accepted in 90 days\n")
