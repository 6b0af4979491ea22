"""Several processes behind one address: what one was told counts for all, who dies is replaced, none is left over."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import guarded
from faults.callers import Server
from faults.patience import until
from make import consignment
from tidewaiter import several
from tidewaiter.law import Law
from tidewaiter.settings import Settings, SettingsError
from tidewaiter.store import open_store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio


@pytest.fixture
def schema(new_schema: Callable[[], str]) -> str:
    return new_schema()


@pytest.fixture
def access() -> str:
    return "open"


@pytest.fixture
async def server(database_url: str, schema: str, access: str, tmp_path: Path) -> AsyncIterator[Server]:
    environment = {
        "TIDEWAITER_DATABASE_URL": database_url, "TIDEWAITER_DATABASE_SCHEMA": schema,
        "TIDEWAITER_DATA_DIR": str(tmp_path), "TIDEWAITER_PROCESSES": "2", "TIDEWAITER_ACCESS": access,
        "TIDEWAITER_ISSUER": guarded.ISSUER,
    }  # fmt: skip
    made = Server(environment, tmp_path / "errors")
    await made.start()
    assert await until(lambda: every_one_listens(made))
    yield made
    await made.end(signal.SIGTERM)


def listening(server: Server) -> int:
    """How many answer: each has a socket that listens."""
    return Path("/proc/net/tcp").read_text().count(f":{server.port:04X} 00000000:0000 0A")


async def every_one_listens(server: Server) -> bool:
    return listening(server) == 2


async def asked(server: Server, method: str, path: str, **given: Any) -> httpx.Response:
    """The answer on a connection of its own, which may come to either."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        return await client.request(method, path, **given)


async def lodge(server: Server, reference: str) -> httpx.Response:
    """The answer to a consignment that is lodged."""
    data = msgspec.json.encode(consignment(reference=reference))
    return await asked(server, "POST", "/v1/consignments", content=data, headers={"Tidewaiter-Filer": "shop"})


async def test_what_is_sent_to_all_at_once_is_lodged_once(server: Server) -> None:
    answers = await asyncio.gather(*(lodge(server, "S-1") for _ in range(12)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["tidewaiter-message"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_one_that_is_killed_is_replaced_and_the_others_answer_meanwhile(server: Server) -> None:
    before = server.answering
    os.kill(before[0], signal.SIGKILL)

    async def is_noticed() -> bool:
        return listening(server) == 1

    async def is_replaced() -> bool:
        return listening(server) == 2 and before[0] not in server.answering

    assert await until(is_noticed)
    answers = await asyncio.gather(*(lodge(server, f"S-{number}") for number in range(12)))
    assert await until(is_replaced)
    answers += await asyncio.gather(*(lodge(server, f"T-{number}") for number in range(12)))

    assert {answer.status_code for answer in answers} == {200}
    assert before[1] in server.answering
    assert "a process that answered has ended" in server.errors.read_text()


@pytest.mark.parametrize("access", ["guarded"])
async def test_a_proof_shown_to_all_at_once_lets_in_once_and_all_know_who_came(
    server: Server, database_url: str, schema: str, law: Law
) -> None:
    store = await open_store(database_url, schema=schema)
    house = House(settings=Settings(), law=law, store=store)
    name, key = await guarded.machine(house)
    form = guarded.form(guarded.signed(key, guarded.claims(name, house.now())))

    answers = await asyncio.gather(*(asked(server, "POST", "/v1/token", data=form) for _ in range(12)))
    let_in = [answer for answer in answers if answer.status_code == 200]
    bearer = {"Authorization": f"Bearer {let_in[0].json()['access_token']}"}
    shown = [await asked(server, "GET", "/v1/events", headers=bearer) for _ in range(12)]
    await store.close()

    assert len(let_in) == 1
    assert {answer.json()["error"] for answer in answers if answer.status_code != 200} == {"invalid_client"}
    assert {answer.status_code for answer in shown} == {200}


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_when_the_first_ends_none_is_left_over(server: Server, told: signal.Signals) -> None:
    others = server.answering

    await server.end(told)

    assert server.code == (-signal.SIGKILL if told == signal.SIGKILL else 0)

    async def are_gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in others)

    assert await until(are_gone)
    await server.start()
    assert (await asked(server, "GET", "/health/ready")).status_code == 200


async def test_where_no_process_can_be_begun_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    began = asyncio.Event()
    tries = iter([OSError("out of memory"), OSError("out of memory")])

    async def one_answers(*_: Any) -> int:
        if hindered := next(tries, None):
            raise hindered
        began.set()
        return await asyncio.Future[int]()

    monkeypatch.setattr(several, "_one_answers", one_answers)
    monkeypatch.setattr(several, "ANEW_S", 0)
    answering = asyncio.create_task(several._keep_answering(Settings(), []))
    async with asyncio.timeout(60):
        await began.wait()

    assert not answering.done()
    answering.cancel()


def test_an_address_of_another_is_not_shared() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(SettingsError, match=f"127.0.0.1:{other.getsockname()[1]} cannot be served"):
            several.shared_out("127.0.0.1", other.getsockname()[1], 2)
