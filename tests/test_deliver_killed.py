"""A process that delivers is killed again and again: everything arrives, and the order holds."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import OKPKey

from killable import work
from make import consignment
from receiving import OK, Receiver
from test_delivering import HERE, KEY, by_lane, in_order
from tidewaiter import server
from tidewaiter.exchange.feed import Event
from tidewaiter.law import Law
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.services.subscribe import subscribe
from tidewaiter.settings import Settings
from tidewaiter.store import START, open_store
from tidewaiter.wiring import House, clock

pytestmark = pytest.mark.anyio


async def slowly(_: Sequence[Event], __: asyncio.StreamWriter) -> bytes | None:
    await asyncio.sleep(0.05)
    return OK


async def test_a_worker_killed_at_any_moment_loses_nothing_and_keeps_the_order(
    database_url: str, new_schema: Callable[[], str], law: Law, tmp_path: Path
) -> None:
    schema, filer, chance = new_schema(), "shop", random.Random(5)
    store = await open_store(database_url, schema=schema)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tidewaiter.exchange.delivering", "tidewaiter.exchange.sending", "joserfc.jwk"])
    key = OKPKey.import_key(KEY.as_dict(private=True)).as_pem(private=True)
    kills = 0
    async with Receiver(KEY, tmp_path / "nonces.sqlite", clock) as receiver:
        receiver.does = slowly
        await subscribe(receiver.url, filer=filer, store=store, at=clock(), excepted=HERE)
        for n in range(4):
            data = msgspec.json.encode([consignment(reference=f"R-{n}-{m}") for m in range(100)])
            await lodge(Message(source="test", data=data, sender=filer), store=store, law=law, at=clock())
        everything = [one.position.cursor for one in await store.feed.read(filer=filer, after=START, size=9_999)]
        async with asyncio.timeout(300):
            while len({one.cursor for one in receiver.taken}) < len(everything):
                # Two at a time: the one that comes too late for the lease goes on where it ends.
                ready = [processes.Event() for _ in range(2)]
                workers = [
                    processes.Process(target=work, args=(database_url, schema, key, flag), daemon=True)
                    for flag in ready
                ]
                for one in workers:
                    one.start()
                for flag in ready:
                    await asyncio.to_thread(flag.wait)
                before = receiver.asked
                while receiver.asked == before and len(receiver.taken) < len(everything):
                    await asyncio.sleep(0.01)
                await asyncio.sleep(chance.random() / 4)
                for one in workers:
                    one.kill()
                    await asyncio.to_thread(one.join)
                    kills += 1
    await store.close()

    assert kills >= 4
    assert {one.cursor for one in receiver.taken} == set(everything)
    assert in_order(receiver.taken)
    assert len(by_lane(receiver.taken)) == 404


async def test_the_server_delivers_beside_its_other_work(house: House, filer: str, tmp_path: Path) -> None:
    signing = replace(
        house, signing_key=KEY, settings=Settings(webhook_hosts="127.0.0.1", data_dir=tmp_path), now=clock
    )
    async with Receiver(KEY, tmp_path / "nonces.sqlite", clock) as receiver:
        await subscribe(receiver.url, filer=filer, store=house.store, at=clock(), excepted=HERE)
        async with server.working(signing), asyncio.timeout(60):
            data = msgspec.json.encode(consignment())
            await lodge(Message(source="test", data=data, sender=filer), store=house.store, law=house.law, at=clock())
            while len(receiver.taken) < 2:
                await asyncio.sleep(0.02)
        [hook] = await house.store.webhooks.of(filer)
        await house.store.webhooks.remove(hook.id, filer=filer)

    assert [one.reference for one in receiver.taken] == [None, "ORDER-0001"]
