"""The feed of events: what a filer has seen is never added to behind his back, and holds nothing of risk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import httpx
import msgspec
import pytest

from conftest import NOW
from make import consignment
from tidewaiter import api
from tidewaiter.exchange.feed import hint_of
from tidewaiter.law import Law
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.store import START, Position, Store, StoreError, open_store, position_of
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio


async def lodged(store: Store, law: Law, filer: str, *references: str, **what: object) -> int:
    """The message in which consignments of these references were lodged."""
    data = msgspec.json.encode([consignment(reference=reference, **what) for reference in references])
    done = await lodge(Message(source="test", data=data, sender=filer), store=store, law=law, at=NOW)
    return done.message_id


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house), raise_app_exceptions=False),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    ) as opened:
        yield opened


class Writer:
    """A transaction that writes an event, and commits when it is told to."""

    def __init__(self, connection: asyncpg.Connection, message_id: int, filer: str) -> None:
        self._connection, self._message_id, self._filer = connection, message_id, filer
        self._transaction = connection.transaction()

    async def start(self) -> None:
        await self._transaction.start()

    async def write(self) -> int:
        id: int = await self._connection.fetchval(
            "insert into events (at, filer, message_id, kind, body) values ($1, $2, $3, 'test', '{}') returning id",
            NOW, self._filer, self._message_id,
        )  # fmt: skip
        return id

    async def end(self, *, commit: bool = True) -> None:
        await (self._transaction.commit() if commit else self._transaction.rollback())


async def seen(store: Store, filer: str, after: Position = START) -> list[int]:
    return [one.position.id for one in await store.feed.read(filer=filer, after=after, size=1000)]


async def test_what_commits_late_is_not_missed_by_whoever_read_before(store: Store, law: Law, filer: str) -> None:
    message = await lodged(store, law, filer, "R-1")
    before = await store.feed.newest()
    async with store._pool.acquire() as one, store._pool.acquire() as two:
        early, late = Writer(one, message, filer), Writer(two, message, filer)
        await early.start()
        await late.start()
        first, second = await early.write(), await late.write()
        await late.end()
        # The second has committed and would be seen; but the first, which stands before it, is not there yet.
        during = await seen(store, filer, before)
        await early.end()

    assert first < second
    assert during == []
    assert await seen(store, filer, before) == [first, second]


async def test_many_transactions_in_any_order_are_each_seen_once_and_in_one_order(
    store: Store, law: Law, filer: str
) -> None:
    message = await lodged(store, law, filer, "R-1")
    start = await store.feed.newest()
    chance = random.Random(7)
    committed: list[int] = []
    is_over = False

    async def write(times: int) -> None:
        for _ in range(times):
            async with store._pool.acquire() as connection:
                writer = Writer(connection, message, filer)
                await writer.start()
                ids = []
                for _ in range(2):
                    await asyncio.sleep(chance.random() / 200)
                    ids.append(await writer.write())
                is_kept = chance.random() < 0.8
                await writer.end(commit=is_kept)
            if is_kept:
                committed.extend(ids)

    async def read() -> list[Position]:
        found: list[Position] = []
        while True:
            was_over = is_over
            page = await store.feed.read(filer=filer, after=found[-1] if found else start, size=7)
            found += [one.position for one in page]
            if was_over and not page:
                return found
            await asyncio.sleep(0)

    reading = [asyncio.create_task(read()) for _ in range(2)]
    await asyncio.gather(*(write(20) for _ in range(8)))
    is_over = True
    one, other = await asyncio.gather(*reading)

    assert len(committed) > 200
    assert committed != sorted(committed), "nothing was committed out of order, so nothing could be missed"
    assert [position.id for position in one] != sorted(position.id for position in one)
    assert len(one) == len(set(one))
    assert {position.id for position in one} == set(committed)
    assert one == other == sorted(one)


async def test_a_filer_reads_his_own_events_with_answers_and_the_answer_in_his_format(
    http: httpx.AsyncClient, house: House, filer: str
) -> None:
    await lodged(house.store, house.law, filer, "R-1", "R-2")
    await lodged(house.store, house.law, f"{filer}-other", "R-1")

    page = (await http.get("/v1/events")).json()
    received, first, second = page["events"]
    answer = await http.get(first["answer"])
    foreign = await http.get(first["answer"], headers={"Tidewaiter-Filer": f"{filer}-other"})

    assert (received["kind"], received["format"], len(received["digest"])) == ("message_received", "json", 64)
    assert [first["reference"], second["reference"]] == ["R-1", "R-2"]
    assert (first["kind"], first["control"]) == ("decided", "released")
    assert [one["kind"] for one in first["answers"]] == ["accepted", "tax_final", "released"]
    assert first["mrn"] == first["answers"][0]["mrn"]
    assert page["next"] == second["cursor"]
    assert not page["more"]
    assert answer.status_code == 200
    assert [one["reference"] for one in answer.json()] == ["R-1"] * 3 + ["R-2"] * 3
    assert foreign.json()["code"] == "message_unknown"


async def test_a_filer_goes_on_from_a_cursor_and_may_go_back(http: httpx.AsyncClient, house: House, filer: str) -> None:
    await lodged(house.store, house.law, filer, *(f"R-{n}" for n in range(5)))
    found: list[dict[str, object]] = []
    after = ""
    for _ in range(9):
        page = (await http.get("/v1/events", params={"after": after, "limit": 2})).json()
        found += page["events"]
        after = page["next"]
        if not page["more"]:
            break
    again = (await http.get("/v1/events", params={"after": found[2]["cursor"]})).json()  # type: ignore[dict-item]

    assert [one.get("reference") for one in found] == [None, "R-0", "R-1", "R-2", "R-3", "R-4"]
    assert again["events"] == found[3:]
    assert (await http.get("/v1/events", params={"after": after})).json() == {
        "events": [],
        "next": after,
        "more": False,
    }


async def test_events_of_thirty_days_ago_are_still_there(store: Store, law: Law, filer: str) -> None:
    data = msgspec.json.encode(consignment())
    long_ago = NOW - timedelta(days=30)
    await lodge(Message(source="test", data=data, sender=filer), store=store, law=law, at=long_ago)

    assert [one.at for one in await store.feed.read(filer=filer, after=START, size=9)] == [long_ago, long_ago]


async def test_nothing_that_risk_saw_is_told(http: httpx.AsyncClient, house: House, filer: str) -> None:
    drawing = replace(house.law, draw_share_ppm=1_000_000)
    await lodged(house.store, drawing, filer, "R-1")
    async with house.store._pool.acquire() as connection:
        signals = await connection.fetch(
            "select s.profile, s.reason from signals s join consignments c on c.id = s.consignment_id"
            " where c.filer = $1",
            filer,
        )
        # Somebody writes more into an event than should stand there: it gets no further.
        message = await connection.fetchval("select max(id) from messages where filer = $1", filer)
        await connection.execute(
            "insert into events (at, filer, message_id, kind, body) values ($1, $2, $3, 'decided', $4)",
            NOW, filer, message, b'{"control": "examine", "score": 77, "lane": "red", "signals": ["XX-planted"]}',
        )  # fmt: skip
    told = (await http.get("/v1/events", params={"limit": 1000})).text
    hinted = hint_of(await house.store.feed.read(filer=filer, after=START, size=1000)).decode()

    assert signals, "nothing was seen by risk, so nothing could leak"
    assert '"control":"examine"' in told
    assert '"control":"examine"' in hinted
    for word in ("score", "lane", "XX-planted", "profile", "signal", *(text for row in signals for text in row)):
        assert word not in told
        assert word not in hinted


async def test_a_hint_has_no_answers_and_nobody_is_named_in_it(store: Store, law: Law, filer: str) -> None:
    await lodged(store, law, filer, "R-1")
    hinted = hint_of(await store.feed.read(filer=filer, after=START, size=9)).decode()

    assert '"reference":"R-1"' in hinted
    assert "answers" not in hinted
    assert "Pat Example" not in hinted
    assert "T-shirts" not in hinted


async def test_whoever_waits_is_told_when_something_happens(http: httpx.AsyncClient, house: House, filer: str) -> None:
    await lodged(house.store, house.law, filer, "R-1")
    after = (await http.get("/v1/events")).json()["next"]
    waiting = asyncio.create_task(http.get("/v1/events", params={"after": after, "wait": 20}))
    await asyncio.sleep(0.1)
    is_waiting = not waiting.done()
    await lodged(house.store, house.law, f"{filer}-other", "R-1")
    await lodged(house.store, house.law, filer, "R-2")
    told = (await asyncio.wait_for(waiting, 15)).json()

    assert is_waiting
    assert [one.get("reference") for one in told["events"]] in ([None], [None, "R-2"])
    assert (await http.get("/v1/events", params={"after": told["next"], "wait": 0})).status_code == 200


async def test_whoever_waits_in_vain_is_told_so(http: httpx.AsyncClient) -> None:
    page = (await http.get("/v1/events", params={"wait": 1})).json()

    assert page == {"events": [], "next": "0-0", "more": False}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("after=1", "cursor_unfit"),
        ("after=1-x", "cursor_unfit"),
        ("after=-1-1", "cursor_unfit"),
        ("after=01-1", "cursor_unfit"),
        ("after=%D9%A1-1", "cursor_unfit"),
        ("after=9999999999999999999-1", "cursor_unfit"),
        ("limit=0", "number_unfit"),
        ("limit=1001", "number_unfit"),
        ("limit=%D9%A1", "number_unfit"),
        ("wait=21", "number_unfit"),
        ("wait=-1", "number_unfit"),
    ],
)
async def test_what_cannot_be_asked_is_refused(http: httpx.AsyncClient, query: str, code: str) -> None:
    response = await http.get(f"/v1/events?{query}")

    assert response.status_code == 400
    assert response.json()["code"] == code


def test_a_cursor_read_and_written_is_the_same() -> None:
    for position in (START, Position(2**63 - 1, 2**63 - 1), Position(745, 12)):
        assert position_of(position.cursor) == position


async def test_a_dump_restored_into_a_younger_server_is_refused(
    database_url: str, new_schema: Callable[[], str], law: Law
) -> None:
    schema = new_schema()
    store = await open_store(database_url, schema=schema)
    message = await lodged(store, law, "shop", "R-1")
    await (await open_store(database_url, schema=schema)).close()
    async with store._pool.acquire() as connection:
        await connection.execute(
            "insert into events (at, filer, message_id, kind, body, xid)"
            " values ($1, 'shop', $2, 'x', '{}', '99999999999')",
            NOW, message,
        )  # fmt: skip
    await store.close()

    with pytest.raises(StoreError, match="pg_resetwal"):
        await open_store(database_url, schema=schema)
