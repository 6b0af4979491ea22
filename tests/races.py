"""Races: sixteen callers want the same at the same moment, and it takes effect once.

    python tests/races.py                 10,000 races of each kind
    python tests/races.py --races 200     so many
    python tests/races.py --only refund   of one kind
    python tests/races.py --mutants       a lock left out, a rule of the database left out: each must be found

Two processes with eight callers each meet at a barrier, so that neither an event loop nor a gatherer can put the
sixteen in order: only PostgreSQL stands between them. They call the services as every door does. Acts: each caller has
a connection of its own, and several races are on at once. Lodgements: each caller sends what it wants of many races in
two batches, as gathered messages are lodged; no two callers' batches are the same, so that winners mix.
One line of JSON a kind: races, effects (as many, where all is well), double (races with more than one), lost (races
with none), wrong (in which a caller was told otherwise than what came of it), breaches of what must hold always, told
(how many callers were told what), seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from joserfc.jwk import OKPKey

from faults import checker, mutants
from faults.crash_points import world_of
from faults.operations import World
from races_kinds import KINDS, Job, Told
from tidewaiter.law import Law, load
from tidewaiter.store import open_store, start_embedded

PROCESSES, CALLERS = 2, 8
CONTENDERS = PROCESSES * CALLERS
ROUND = 500
"""So many races share a schema, which is then looked at as a whole."""
PATIENCE_S = 120
MUTANTS = {
    "release": "read, then written without a guard",
    "refund": "given back again when sent again",
    "amend": "no unique index",
    "create": "no unique index",
}
"""The safeguard that stands between a race of this kind and a double effect."""


@dataclass
class Order:
    """What a process runs: its share of the contenders of each of these races."""

    url: str
    schema: str
    kind: str
    jobs: list[Job]
    callers: range
    mutant: str | None


@dataclass
class Result:
    """What the races of one kind came to."""

    kind: str
    races: int = 0
    effects: int = 0
    double: int = 0
    lost: int = 0
    wrong: int = 0
    breaches: list[str] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether every race had one effect, and every caller was told so."""
        return self.races > 0 and self.races == self.effects and not (self.double or self.lost or self.wrong) and (
            not self.breaches
        )  # fmt: skip


def contend(pipe: Connection, barrier: Barrier) -> None:
    """Carries out orders until there is none: all its callers at once, race after race."""
    law = load()
    pipe.send(None)
    while (order := pipe.recv()) is not None:
        with mutants.seeded(order.mutant):
            pipe.send(asyncio.run(_contend(order, law, barrier)))


async def _contend(order: Order, law: Law, barrier: Barrier) -> list[list[Told]]:
    kind = KINDS[order.kind]
    store = await open_store(order.url, schema=order.schema, connections_max=CALLERS * kind.connections)
    world = World(store=store, law=law, key=OKPKey.generate_key("Ed25519"), folder=Path())
    told: list[list[Told]] = []
    try:
        for first in range(0, len(order.jobs), kind.together):
            jobs = order.jobs[first : first + kind.together]
            barrier.wait(PATIENCE_S)
            heard = await asyncio.gather(*(kind.call(world, jobs, caller) for caller in order.callers))
            told += [list(those) for those in zip(*heard, strict=True)]
    finally:
        await store.close()
    return told


class Contenders:
    """The processes, which have read the law and wait."""

    def __init__(self) -> None:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.getenv("PYTHONPATH")]))
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(PROCESSES)
        self._all = []
        for _ in range(PROCESSES):
            ours, theirs = context.Pipe()
            process = context.Process(target=contend, args=(theirs, barrier), daemon=True)
            process.start()
            theirs.close()
            self._all.append((process, ours))
        for _, pipe in self._all:
            pipe.recv()

    def race(self, url: str, schema: str, kind: str, jobs: list[Job], *, mutant: str | None) -> list[list[Told]]:
        """What the sixteen were told in each race."""
        for place, (_, pipe) in enumerate(self._all):
            callers = range(place * CALLERS, (place + 1) * CALLERS)
            pipe.send(Order(url, schema, kind, jobs, callers, mutant))
        heard = [pipe.recv() for _, pipe in self._all]
        return [[one for part in parts for one in part] for parts in zip(*heard, strict=True)]

    def close(self) -> None:
        for process, pipe in self._all:
            pipe.close()
            process.kill()
            process.join()


async def races(
    kind: str, count: int, *, url: str, law: Law, contenders: Contenders, mutant: str | None = None
) -> Result:
    """So many races of one kind."""
    result = Result(kind)
    began = time.monotonic()
    while result.races < count:
        size = min(ROUND, count - result.races)
        async with world_of(url, law, OKPKey.generate_key("Ed25519"), mutant=mutant) as (world, schema):
            jobs = await KINDS[kind].ready(world, size)
            told = await asyncio.to_thread(contenders.race, url, schema, kind, jobs, mutant=mutant)
            effects = await KINDS[kind].effects(world, jobs)
            result.races += size
            result.effects += sum(effects)
            result.double += sum(one > 1 for one in effects)
            result.lost += sum(one < 1 for one in effects)
            result.wrong += sum(not KINDS[kind].is_right(job, those) for job, those in zip(jobs, told, strict=True))
            for how, times in Counter(one.how for those in told for one in those).items():
                result.told[how] = result.told.get(how, 0) + times
            result.breaches += await checker.breaches(world)
    result.seconds = round(time.monotonic() - began, 1)
    return result


async def run(given: argparse.Namespace, url: str) -> bool:
    """Whether every race had one effect; with mutants, whether each was found."""
    law, contenders, all_right = load(), Contenders(), True
    try:
        for kind in [given.only] if given.only else KINDS:
            mutant = MUTANTS[kind] if given.mutants else None
            result = await races(kind, given.races, url=url, law=law, contenders=contenders, mutant=mutant)
            is_right = result.is_right if mutant is None else result.double > 0
            named = {} if mutant is None else {"mutant": mutant, "found": is_right}
            print(json.dumps({**asdict(result), **named, "contenders": CONTENDERS}), flush=True)
            all_right = all_right and is_right
    finally:
        contenders.close()
    return all_right


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--races", type=int, default=10_000)
    asked.add_argument("--only", choices=KINDS)
    asked.add_argument("--mutants", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidewaiter-races-") as folder:
        Path(folder).chmod(0o755)  # an embedded server runs as a user of its own
        url = os.environ.get("TIDEWAITER_DATABASE_URL") or start_embedded(Path(folder))
        sys.exit(0 if asyncio.run(run(given, url)) else 1)


if __name__ == "__main__":
    main()
