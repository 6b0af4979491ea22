"""Every crash point of an operation: it is killed at its first boundary, its second, and on until it passes untouched.

After each the caller sends again what it had no answer to, and all that must hold is looked at, before and after.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import secrets
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import asyncpg
from joserfc.jwk import OKPKey

from faults import checker, mutants, victim
from faults.claims import Claim
from faults.operations import World
from faults.patience import PATIENCE_S
from faults.points import KILLED
from faults.victim import OPERATIONS, Order
from tidewaiter.law import Law
from tidewaiter.store import open_store

POINTS_MAX = 400
"""An operation with more boundaries than this would never end."""
SPARES = 2


class Victims:
    """Processes that know the law and wait for an order, so that the next is there when one was killed.

    The law is read once and handed on in a file: to read it anew would take most of the time of a point.
    """

    def __init__(self, law: Law) -> None:
        tests = str(Path(__file__).parents[1])
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
        with tempfile.NamedTemporaryFile(prefix="tidewaiter-law-", delete=False) as file:
            pickle.dump(law, file)
        self._law = Path(file.name)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["faults.__main__"])  # with all that a victim would import again
        self._spares: deque[tuple[BaseProcess, Connection]] = deque(self._start() for _ in range(SPARES))

    def _start(self) -> tuple[BaseProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=victim.main, args=(theirs, self._law), daemon=True)
        process.start()
        theirs.close()
        return process, ours

    def carry_out(self, order: Order) -> tuple[int, list[Claim]]:
        """How the process ended, and what it had acknowledged until then."""
        process, pipe = self._spares.popleft()
        told: list[Claim] = []
        try:
            self._receive(pipe)
            self._spares.append(self._start())
            pipe.send(order)
            while True:
                found = self._receive(pipe)
                if isinstance(found, Claim):
                    told.append(found)
        except (EOFError, ConnectionError):
            pass  # it has ended
        except TimeoutError:
            process.kill()
        process.join()
        pipe.close()
        return process.exitcode or 0, told

    @staticmethod
    def _receive(pipe: Connection) -> object:
        if not pipe.poll(PATIENCE_S):
            raise TimeoutError
        return pipe.recv()

    def close(self) -> None:
        for process, pipe in self._spares:
            process.kill()
            process.join()
            pipe.close()
        self._law.unlink()


@dataclass
class Result:
    """What a scenario came to: how many points were met, and at which something did not hold."""

    name: str
    points: int = 0
    failing: dict[int, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    unit: str = "points"
    """What `points` counts."""
    counts: dict[str, float] = field(default_factory=dict)
    """What else was counted."""


@asynccontextmanager
async def world_of(url: str, law: Law, key: OKPKey, *, mutant: str | None = None) -> AsyncIterator[tuple[World, str]]:
    """A world with a schema of its own, and the schema's name. It is gone afterwards."""
    schema = f"faults_{secrets.token_hex(6)}"
    store = await open_store(url, schema=schema, connections_max=8)
    with tempfile.TemporaryDirectory() as folder:
        try:
            async with store._connection() as connection:
                for statement in mutants.MUTANTS[mutant].sql if mutant is not None else ():
                    await connection.execute(statement)
            yield World(store=store, law=law, key=key, folder=Path(folder)), schema
        finally:
            await store.close()
            connection = await asyncpg.connect(url)
            for row in await connection.fetch(
                "select nspname from pg_namespace where starts_with(nspname, $1)", schema
            ):
                await connection.execute(f'drop schema "{row[0]}" cascade')
            await connection.close()


async def explore(
    name: str, *, url: str, law: Law, victims: Victims, mutant: str | None = None, is_first_enough: bool = False
) -> Result:
    """All crash points of an operation, or those up to the first that fails where that is enough."""
    began = time.monotonic()
    result = Result(mutant or name)
    key = OKPKey.generate_key("Ed25519")
    async with world_of(url, law, key, mutant=mutant) as (world, schema):
        for fatal in range(1, POINTS_MAX + 1):
            with mutants.seeded(mutant):
                ended, wrong = await _point(name, world, schema, url, victims, fatal=fatal, mutant=mutant)
            if wrong:
                result.failing[fatal] = wrong
            if ended != KILLED or (wrong and is_first_enough):
                break
            result.points = fatal
        else:
            result.failing[POINTS_MAX] = ["it met more boundaries than any operation has"]
        if wrong := await checker.log(world) if mutant is None else []:
            result.failing[0] = wrong
    result.seconds = round(time.monotonic() - began, 1)
    return result


async def _point(
    name: str, world: World, schema: str, url: str, victims: Victims, *, fatal: int, mutant: str | None
) -> tuple[int, list[str]]:
    operation = OPERATIONS[name]
    filer = f"f-{fatal:03d}"  # which is the reference too, and that must not be long
    try:
        job = await operation.ready(world, filer)
    except Exception as error:  # only a mistake in the code can do that
        return 0, [f"it could not be set up: {type(error).__name__}: {error}"]
    pem = world.key.as_pem(private=True)
    order = Order(url, schema, pem, world.folder, name, job, fatal, mutant)
    ended, told = await asyncio.to_thread(victims.carry_out, order)
    wrong = [f"before it is sent again: {what}" for what in await checker.breaches(world, told)]
    wrong += [f"before it is sent again: {what}" for what in await operation.look(world, job)]
    if ended not in (0, KILLED):
        wrong.append(f"the operation ended with {ended}")
    try:
        await operation.do(world, job, told.append)
    except Exception as error:  # whatever it is, who sent again got no answer
        wrong.append(f"sent again: {type(error).__name__}: {error}")
    wrong += await checker.breaches(world, [*told, *job.after])
    wrong += await operation.look(world, job)
    wrong += await checker.receipts(world, filer)
    return ended, wrong
