"""Random kills: `tidewaiter serve` is killed under load again and again; callers go on until they are answered."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from joserfc.jwk import OKPKey

from faults import checker
from faults.claims import Claim
from faults.crash_points import Result, world_of
from faults.lodgings import charged, encoded
from load import free_port
from tidewaiter.law import Law
from tidewaiter.services.signing import own_key

CALLERS = 6
START_S, UP_S_MAX = 60, 1.0
"""So long may the server take to be there, and so long at most it is left alone."""
ANSWER_S = 10


@dataclass
class Journal:
    """What callers were told, kept outside the server: a claim for each message that was acknowledged."""

    port: int
    acknowledged: list[Claim] = field(default_factory=list)
    unknown: int = 0
    refused: list[str] = field(default_factory=list)
    is_over: bool = False


async def _call(number: int, journal: Journal) -> None:
    filer = f"caller-{number}"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{journal.port}", timeout=ANSWER_S) as client:
        serial = 0
        while not journal.is_over:
            serial += 1
            data = encoded(charged(f"{filer}-{serial}"))
            answer = await _until_answered(client, data, filer, f"{filer}-{serial}", journal)
            if answer.status_code != 200:
                journal.refused.append(f"{answer.status_code} for {filer}-{serial}")
                continue
            given = (int(answer.headers["Tidewaiter-Message"]), filer, data, f"{filer}-{serial}")
            what = (
                "select count(*) = 1 from messages m join idempotency i on i.message_id = m.id where m.id = $1"
                " and m.filer = $2 and m.raw = $3 and i.key = $4"
            )
            journal.acknowledged.append(Claim("I1 an acknowledged message is kept", what, given))


async def _until_answered(
    client: httpx.AsyncClient, data: bytes, filer: str, key: str, journal: Journal
) -> httpx.Response:
    headers = {"Tidewaiter-Filer": filer, "Idempotency-Key": key, "Content-Type": "application/json"}
    while True:
        try:
            answer = await client.post("/v1/consignments", content=data, headers=headers)
        except httpx.TransportError:
            journal.unknown += 1
        else:
            if answer.status_code not in (429, 503):
                return answer
        await asyncio.sleep(0.05)


async def _served(environment: dict[str, str], port: int) -> Process:
    command = str(Path(sys.executable).with_name("tidewaiter"))
    process = await asyncio.create_subprocess_exec(
        command, "serve", env={**os.environ, **environment}, stdout=DEVNULL, stderr=DEVNULL
    )
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return process


async def kill_server(rounds: int, *, url: str, law: Law, seed: int) -> Result:
    """So many kills at random moments; then everything that must hold. A failing point 0 is the state at the end."""
    began, chance = time.monotonic(), random.Random(seed)
    result = Result("server killed at random")
    async with world_of(url, law, OKPKey.generate_key("Ed25519")) as (opened, schema):
        world = replace(opened, key=own_key(opened.folder))  # the server's, who signs the log by itself
        journal = Journal(free_port())
        environment = {
            "TIDEWAITER_DATABASE_URL": url, "TIDEWAITER_DATABASE_SCHEMA": schema,
            "TIDEWAITER_PORT": str(journal.port), "TIDEWAITER_DATA_DIR": str(world.folder),
        }  # fmt: skip
        callers = [asyncio.create_task(_call(number, journal)) for number in range(CALLERS)]
        seen = 0
        for _ in range(rounds):
            server = await _served(environment, journal.port)
            await asyncio.sleep(chance.random() * UP_S_MAX)
            server.send_signal(signal.SIGKILL)
            await server.wait()
            result.points += 1
            fresh, seen = journal.acknowledged[seen:], len(journal.acknowledged)
            # What is appended to and never changed needs to be looked at as a whole in the end alone.
            if wrong := await checker.unkept(world, fresh):
                result.failing[result.points] = wrong
        server = await _served(environment, journal.port)
        journal.is_over = True
        await asyncio.gather(*callers)
        server.terminate()
        await server.wait()
        wrong = [*await checker.breaches(world, journal.acknowledged), *journal.refused]
        wrong += [*await checker.receipts(world, "caller-"), *await checker.log(world)]
        if wrong or not journal.acknowledged:
            result.failing[0] = wrong or ["nothing was acknowledged: the run shows nothing"]
    result.counts = {"acknowledged": len(journal.acknowledged), "unknown": journal.unknown}
    result.seconds = round(time.monotonic() - began, 1)
    return result
