"""A light HTTP client for load: many connections, closed loop or a given rate, every latency kept."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(slots=True)
class Result:
    """What came of a run: seconds each request took, by status, and how long the run was."""

    latencies: dict[int, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    lost: int = 0

    @property
    def statuses(self) -> Counter[int]:
        """How many of each status."""
        return Counter({status: len(found) for status, found in self.latencies.items()})

    @property
    def rate(self) -> float:
        """Requests that were done, a second."""
        return len(self.latencies.get(200, ())) / self.seconds

    def add(self, other: Result) -> None:
        """Counts another run with this one."""
        for status, found in other.latencies.items():
            self.latencies.setdefault(status, []).extend(found)
        self.seconds += other.seconds
        self.lost += other.lost

    def ms(self, share: float) -> float:
        """Milliseconds within which this share of what was done was done."""
        found = sorted(self.latencies.get(200, [0.0]))
        return found[min(len(found) - 1, int(len(found) * share))] * 1e3


@dataclass(slots=True)
class Load:
    """One kind of caller: requests as bytes, so many connections, a rate a second where it is not as fast as can be.

    A latency counts from when the request was due, so that a server which stops does not hide it. Who is refused waits
    `pause_s` and goes on with the next.
    """

    requests: Iterator[bytes]
    connections: int
    rate: float | None = None
    pause_s: float = 0.0
    result: Result = field(default_factory=Result)


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load, give: Callable[[_Connection], None]) -> None:
        self._load, self._give = load, give
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._due: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._give(self)

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        assert self._due is not None
        self._load.result.latencies.setdefault(status, []).append(time.perf_counter() - self._due)
        self._due = None
        self._parser = httptools.HttpResponseParser(self)
        if status != 200 and self._load.pause_s:
            asyncio.get_running_loop().call_later(self._load.pause_s, self._give, self)
        else:
            self._give(self)

    def connection_lost(self, _: Exception | None) -> None:
        if self._due is not None:
            self._load.result.lost += 1


async def run(port: int, loads: list[Load], seconds: float) -> None:
    """Runs all loads together for so long, and waits for what is under way; results are in the loads."""
    ends = time.perf_counter() + seconds
    await asyncio.gather(*(_run(port, load, ends) for load in loads))
    for load in loads:
        load.result.seconds = seconds


async def _run(port: int, load: Load, ends: float) -> None:
    loop = asyncio.get_running_loop()
    idle: deque[_Connection] = deque()
    due: deque[float] = deque()

    def give(connection: _Connection) -> None:
        now = time.perf_counter()
        if load.rate is not None and due:
            connection.send(next(load.requests), due.popleft())
        elif load.rate is None and now < ends:
            connection.send(next(load.requests), now)
        else:
            idle.append(connection)

    opened = [
        (await loop.create_connection(lambda: _Connection(load, give), "127.0.0.1", port))[0]
        for _ in range(load.connections)
    ]
    if load.rate is not None:
        at = time.perf_counter()
        while at < ends:
            now = time.perf_counter()
            while at <= now and at < ends:
                due.append(at)
                at += 1 / load.rate
            while idle and due:
                idle.popleft().send(next(load.requests), due.popleft())
            await asyncio.sleep(0.002)
    else:
        await asyncio.sleep(max(0.0, ends - time.perf_counter()))
    due.clear()  # what was due and not yet sent is not asked for any more: only what is under way can be lost
    patience = time.perf_counter() + 10
    while len(idle) + load.result.lost < load.connections and time.perf_counter() < patience:
        await asyncio.sleep(0.01)
    for transport in opened:
        transport.close()
