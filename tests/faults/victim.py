"""The process that is killed: it does one operation, and ends at the point it was told. It tells at once what was
acknowledged."""

from __future__ import annotations

import asyncio
import os
import pickle
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from joserfc.jwk import OKPKey

from faults import mutants, points
from faults.acting import ACTS
from faults.claims import Claim
from faults.entering import ENTRIES
from faults.holding import KEYS
from faults.lodgings import LODGINGS
from faults.operations import Job, World
from faults.overseeing import OVERSIGHT
from faults.patience import patient
from faults.uploading import UPLOADS
from faults.working import WORKS
from tidewaiter.law import Law
from tidewaiter.store import open_store

OPERATIONS = {**LODGINGS, **UPLOADS, **ACTS, **OVERSIGHT, **ENTRIES, **KEYS, **WORKS}
OTHERS_S = 5
"""So long may what the operation left running take to end."""


@dataclass
class Order:
    """What a victim is to do, and at which boundary it ends; 0 at none."""

    url: str
    schema: str
    key: bytes
    folder: Path
    operation: str
    job: Job
    fatal: int
    mutant: str | None = None


def main(pipe: Connection, law_file: Path) -> None:
    """Waits for an order, carries it out, and ends without any leave-taking."""
    law: Law = pickle.loads(law_file.read_bytes())
    pipe.send("ready")
    order: Order = pipe.recv()
    asyncio.run(_carry_out(order, law, pipe))


async def _carry_out(order: Order, law: Law, pipe: Connection) -> None:
    counter = points.Counter(fatal=order.fatal)
    with mutants.seeded(order.mutant), patient():
        store = await open_store(order.url, schema=order.schema, connections_max=4)
        world = World(store=store, law=law, key=OKPKey.import_key(order.key), folder=order.folder)
        points.install(counter)

        def tell(claim: Claim) -> None:
            counter.boundary()
            pipe.send(claim)

        counter.is_armed = True
        await OPERATIONS[order.operation].do(world, order.job, tell)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=OTHERS_S)
        counter.is_armed = False
    pipe.send(counter.met)
    os._exit(0)
