"""Callers who go on until they are answered, the server they call, and what they were told, kept outside it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from faults.claims import Claim
from faults.lodgings import charged, encoded
from faults.patience import until
from load import free_port

CALLERS = 6
ANSWER_S = 20
READY_ANSWER_S = 5
AGAIN_S = 0.2
BUSY = (429, 503)
"""Answers after which the same is sent again."""
REPEATED, BATCHED = 0.1, 0.2
"""So often is something sent again that had been answered, and so often are three consignments sent together."""
KEPT = (
    "select count(*) = 1 from messages m join idempotency i on i.message_id = m.id where m.id = $1 and m.filer = $2"
    " and m.raw = $3 and i.key = $4 and (select count(*) from consignments c where c.message_id = m.id) = $5"
)


@dataclass
class Journal:
    """What callers were told, kept outside the server: a claim for each message that was acknowledged."""

    acknowledged: list[Claim] = field(default_factory=list)
    unknown: int = 0
    """Requests that had no answer."""
    busy: int = 0
    refused: list[str] = field(default_factory=list)
    """Answers that no caller should have."""
    times: list[tuple[float, float]] = field(default_factory=list)
    """When each request was sent that was acknowledged, and when it was answered, on the monotonic clock."""
    callers: list[asyncio.Task[None]] = field(default_factory=list)
    is_over: bool = False

    async def close(self) -> None:
        """Nothing new is begun; everybody has the last answer once this returns."""
        self.is_over = True
        await asyncio.gather(*self.callers)


@dataclass
class Server:
    """`tidewaiter serve` on a port of its own. Its standard error is kept, for whoever asks what a 500 was."""

    environment: dict[str, str]
    errors: Path
    port: int = field(default_factory=free_port)
    _process: Process | None = None

    async def start(self) -> None:
        """Ready once this returns."""
        command = str(Path(sys.executable).with_name("tidewaiter"))
        given = {**os.environ, **self.environment, "TIDEWAITER_PORT": str(self.port)}
        with self.errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                command, "serve", env=given, stdout=DEVNULL, stderr=errors, start_new_session=True
            )
        if not await until(self._answers):
            raise TimeoutError(f"the server does not answer: {self.last_error}")

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def is_ready(self) -> bool:
        """Whether it says so itself."""
        async with httpx.AsyncClient(timeout=READY_ANSWER_S) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.port}/health/ready")
            except httpx.TransportError:
                return False
        return answer.status_code == 200

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode if self._process is not None else None

    @property
    def answering(self) -> list[int]:
        """The processes that answer, where there are several: what the first began, but for what tidies up after it."""
        first = self._process.pid if self._process is not None else 0
        begun = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [int(pid) for pid in begun if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    @property
    def last_error(self) -> str:
        """The last line that it wrote to its standard error."""
        lines = self.errors.read_text().splitlines()
        return lines[-1] if lines else ""

    async def end(self, number: signal.Signals) -> None:
        """It is gone once this returns."""
        self.send(number)
        if self._process is not None:
            await self._process.wait()


@asynccontextmanager
async def calling(server: Server, seed: int) -> AsyncIterator[Journal]:
    """Callers lodge without a pause while the context lasts, or until the journal is closed."""
    journal = Journal()
    for number in range(CALLERS):
        calls = _call(f"caller-{number}", server.port, journal, random.Random(f"{seed}-{number}"))
        journal.callers.append(asyncio.create_task(calls))
    try:
        yield journal
    finally:
        for caller in journal.callers:
            caller.cancel()
        await asyncio.gather(*journal.callers, return_exceptions=True)


async def _call(filer: str, port: int, journal: Journal, chance: random.Random) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_S) as client:
        serial = 0
        while not journal.is_over:
            serial += 1
            key = f"{filer}-{serial}"
            number = 3 if chance.random() < BATCHED else 1
            data = encoded(*(charged(f"{key}-{place}") for place in range(number)))
            message = await _lodged(client, data, filer, key, journal)
            if message is None:
                continue
            journal.acknowledged.append(
                Claim("I1 an acknowledged message is kept", KEPT, (message, filer, data, key, number))
            )
            if chance.random() < REPEATED:
                again = await _lodged(client, data, filer, None, journal)
                if again not in (None, message):
                    journal.refused.append(f"{key} sent again is message {again}, and was {message}")


async def _lodged(client: httpx.AsyncClient, data: bytes, filer: str, key: str | None, journal: Journal) -> int | None:
    """The number under which it was acknowledged, however often it had to be sent; None where it was refused."""
    headers = {"Tidewaiter-Filer": filer, "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    while True:
        asked = time.monotonic()
        try:
            answer = await client.post("/v1/consignments", content=data, headers=headers)
        except httpx.TransportError:
            journal.unknown += 1
            await asyncio.sleep(AGAIN_S)
            continue
        if answer.status_code == 200:
            journal.times.append((asked, time.monotonic()))
            return int(answer.headers["Tidewaiter-Message"])
        if answer.status_code not in BUSY:
            journal.refused.append(f"{answer.status_code} for {key}")
            return None
        if "Retry-After" not in answer.headers:
            journal.refused.append(f"{answer.status_code} without Retry-After for {key}")
        journal.busy += 1
        await asyncio.sleep(AGAIN_S)
