"""How many lodgements a second are durable on this machine: client, server and PostgreSQL on it together.

    python tests/load.py            all of it, about a minute
    python tests/load.py --quick    a few seconds each: to see that it runs

Every message is another consignment of two goods items, about 1.1 kB of JSON. A lodgement counts once it is answered,
and it is answered once all is committed; `open_store` refuses a PostgreSQL that could lose what it commits. Beside it
runs what anybody would write first: FastAPI and SQLAlchemy that insert the same JSON and assess nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from load_client import Load, Result, run
from tidewaiter.cli.bench import consignments, machine
from tidewaiter.store import start_embedded

TEMPLATES = 600
BATCH = 1_000
TURNS = 4
"""So often quiet filers are measured alone and beside a flood."""
STREET, POSTCODE = b"2 Example Street", b"EX1 2AM"
"""Where all that is made up goes; each goes to a house of its own here, since few people have two parcels a week."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


class Consignments:
    """Consignments as JSON without end: each with a reference, a parcel number and a consignee of its own."""

    def __init__(self) -> None:
        made = consignments(TEMPLATES)
        self._parts = []
        for one in made:
            text = msgspec.json.encode(one)
            reference, rest = text.split(one.reference.encode())
            middle, rest = rest.split((one.tracking_id or "").encode())
            given, rest = rest.split(STREET)
            between, end = rest.split(POSTCODE)
            self._parts.append((reference, middle, given, between, end))
        self._mark = secrets.token_hex(3).upper().encode()
        self._numbers = itertools.count(int.from_bytes(secrets.token_bytes(3)) % 10_000_000)

    def __next__(self) -> bytes:
        number = next(self._numbers)
        start, middle, given, between, end = self._parts[number % TEMPLATES]
        digits = b"%08d" % (number % 100_000_000)
        rest = 11 - sum((digit - 48) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
        check = {10: 0, 11: 5}.get(rest, rest)
        street, postcode = b"%d Example Street" % (number % 1_000), b"EX%d %dAM" % (number // 10, number % 10)
        numbered = b"%sL%s-%d%sLX%s%dCN" % (start, self._mark, number, middle, digits, check)
        return numbered + given + street + between + postcode + end

    def __iter__(self) -> Iterator[bytes]:
        return self


def requests(
    bodies: Iterator[bytes],
    count: int,
    *,
    filers: int = 8,
    name: str = "shop",
    path: str = "/v1/consignments",
    kind: str = "application/json",
) -> Iterator[bytes]:
    """So many requests ready to be sent, made beforehand so that making them is not measured; then made as needed."""

    def made() -> Iterator[bytes]:
        for number in itertools.count():
            body = next(bodies)
            yield (
                b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nTidewaiter-Filer: %s-%d\r\nContent-Type: %s\r\n"
                b"Content-Length: %d\r\n\r\n%s"
                % (path.encode(), name.encode(), number % filers, kind.encode(), len(body), body)
            )

    endless = made()
    return itertools.chain(list(itertools.islice(endless, count)), endless)


def batches(one: Iterator[bytes]) -> Iterator[bytes]:
    """Bodies of a thousand lines."""
    while True:
        yield b"\n".join(itertools.islice(one, BATCH))


class Cpu(NamedTuple):
    """Seconds of CPU used so far by the client, the server and PostgreSQL."""

    client: float
    server: float
    database: float


def cpu(server: int, postmaster: int | None) -> Cpu:
    """What each has used; PostgreSQL's is nought where it is not ours to look at."""
    own = os.times()
    database = 0.0 if postmaster is None else sum(map(_used, family(postmaster)))
    return Cpu(own.user + own.system, sum(map(_used, family(server))), database)


def family(pid: int) -> list[int]:
    """The process and those it began."""
    return [pid, *(int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _fields(stat)[1:2] == [pid])]


def _fields(stat: Path) -> list[int]:
    """The figures behind the name, with nought for the state; nothing where the process has ended."""
    try:
        return [0, *map(int, stat.read_text().rpartition(")")[2].split()[1:])]
    except OSError:
        return []


def _used(pid: int) -> float:
    """With that of those it began and that have ended."""
    return sum(_fields(Path(f"/proc/{pid}/stat"))[11:15]) / CLOCK_TICKS


def resident_mb(pid: int) -> float:
    """Megabytes of memory the process and those it began hold, the most of each so far."""
    lines = [line for one in family(pid) for line in Path(f"/proc/{one}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@contextmanager
def served(command: list[str], environment: dict[str, str], port: int) -> Iterator[int]:
    """The pid of a server, once it answers; stopped when the context ends."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=Path(__file__).parent)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Measured(NamedTuple):
    """A line of the table."""

    name: str
    result: Result
    each: int
    spent: Cpu


def measure(
    name: str, port: int, pids: tuple[int, int | None], load: Load, *, seconds: float, each: int = 1
) -> Measured:
    """One load for so long."""
    before = cpu(*pids)
    uvloop.run(run(port, [load], seconds))
    after = cpu(*pids)
    return Measured(name, load.result, each, Cpu(*(b - a for a, b in zip(before, after, strict=True))))


def table_of(lines: list[Measured]) -> Table:
    """The figures."""
    table = Table(
        "", "consignments a second", "p50 ms", "p95 ms", "p99 ms", "CPU µs each: server", "database", "client"
    )
    for line in lines:
        done = len(line.result.latencies.get(200, ())) * line.each or 1
        table.add_row(
            line.name,
            f"{line.result.rate * line.each:,.0f}",
            *(f"{line.result.ms(share):,.1f}" for share in (0.5, 0.95, 0.99)),
            *(f"{spent / done * 1e6:,.0f}" for spent in (line.spent.server, line.spent.database, line.spent.client)),
        )
    return table


def overload(port: int, bodies: Iterator[bytes], *, rated: float, seconds: float) -> tuple[Table, float]:
    """Eight quiet filers at a tenth of what can be done, alone and beside one that floods at five times all of it, in
    turn: a p99 of a few hundred lodgements says more of the one hiccup in them than of the flood.

    With it how many times longer the quiet ones' p99 was beside the flood.
    """
    alone, beside, flood = Result(), Result(), Result()
    for _ in range(TURNS):
        for quiet in (alone, beside):
            calm = Load(requests(bodies, int(rated * seconds / 10)), 64, rate=rated / 10)
            loads = [calm]
            if quiet is beside:
                made = requests(bodies, int(rated * seconds), filers=1, name="flood")
                loads.append(Load(made, 768, rate=rated * 5, pause_s=0.05))
            uvloop.run(run(port, loads, seconds))
            for kept, load in zip((quiet, flood), loads, strict=False):
                kept.add(load.result)
    table = Table(
        "quiet filers",
        "a second",
        "done",
        "p50 ms",
        "p99 ms",
        "refused",
        "flood: done",
        "429",
        "503",
        "other 5xx",
        "lost",
    )
    for name, quiet, other in (("alone", alone, Result()), ("beside a flood", beside, flood)):
        told, all_told = other.statuses, other.statuses + quiet.statuses
        table.add_row(
            name,
            f"{quiet.rate:,.0f}",
            f"{quiet.statuses[200]:,}",
            f"{quiet.ms(0.5):,.1f}",
            f"{quiet.ms(0.99):,.1f}",
            f"{quiet.statuses.total() - quiet.statuses[200]:,}",
            *(f"{told[status]:,}" for status in (200, 429, 503)),
            f"{sum(count for status, count in all_told.items() if status >= 500 and status != 503):,}",
            f"{quiet.lost + other.lost:,}",
        )
    return table, beside.ms(0.99) / alone.ms(0.99)


def fsyncs_a_second(folder: Path) -> float:
    """How often a second this disk can settle 8 kB."""
    with (folder / "fsync").open("wb") as file:
        file.write(bytes(8192))
        os.fsync(file.fileno())
        started = time.perf_counter()
        for _ in range(200):
            file.seek(0)
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
    return 200 / (time.perf_counter() - started)


async def _drop(url: str, schema: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f'drop schema if exists "{schema}" cascade')
    await connection.close()


def main() -> None:
    """Measure, and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--connections", type=int, default=256)
    asked.add_argument(
        "--processes", type=int, default=len(os.sched_getaffinity(0)), help="that answer, ours and plain"
    )
    given = asked.parse_args()
    seconds = 3.0 if given.quick else 8.0
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="tidewaiter-load-") as folder:
        Path(folder).chmod(0o755)  # an embedded server runs as a user of its own
        outside = os.environ.get("TIDEWAITER_DATABASE_URL")
        url = outside or start_embedded(Path(folder))
        postmaster = None
        if outside is None:
            postmaster = int((Path(folder) / "postgres" / "postmaster.pid").read_text().split()[0])
        console.print(machine())
        console.print(
            f"the disk settles {fsyncs_a_second(Path(folder)):,.0f} writes a second; "
            f"load average {os.getloadavg()[0]:.1f} before the run; {given.connections} connections, "
            f"{given.processes} processes that answer"
        )
        schema = f"load_{secrets.token_hex(4)}"
        bodies = Consignments()
        lines = []
        port = free_port()
        environment = {
            "TIDEWAITER_DATABASE_URL": url, "TIDEWAITER_DATABASE_SCHEMA": schema, "TIDEWAITER_PORT": str(port),
            "TIDEWAITER_DATA_DIR": folder,  # else a key and an audit log of its own are left beside the tests
            "TIDEWAITER_PROCESSES": str(given.processes),
        }  # fmt: skip
        with served([str(Path(sys.executable).with_name("tidewaiter")), "serve"], environment, port) as server:
            pids = (server, postmaster)
            measure("warm", port, pids, Load(requests(bodies, 0), 64), seconds=3.0)
            one_by_one = Load(requests(bodies, int(5_000 * seconds)), given.connections)
            lines.append(measure("one a request", port, pids, one_by_one, seconds=seconds))
            rated = one_by_one.result.rate
            calm = Load(requests(bodies, int(rated * seconds * 0.6)), given.connections, rate=rated * 0.6)
            lines.append(measure("one a request, at 60 % of that", port, pids, calm, seconds=seconds))
            many = Load(requests(batches(bodies), int(10 * seconds), kind="application/x-ndjson"), 4)
            lines.append(measure(f"{BATCH:,} a request", port, pids, many, seconds=seconds, each=BATCH))
            crowd, slower = overload(port, bodies, rated=rated, seconds=seconds)
            held = resident_mb(server)
        port = free_port()
        plain = [sys.executable, "-m", "uvicorn", "load_plain:app", "--port", str(port), "--log-level", "warning"]
        plain += ["--workers", str(given.processes)]
        with served(plain, {"LOAD_DATABASE_URL": url, "LOAD_SCHEMA": schema}, port) as server:
            pids = (server, postmaster)
            measure("warm", port, pids, Load(requests(bodies, 0, path="/plain"), 64), seconds=2.0)
            load = Load(requests(bodies, int(2_000 * seconds), path="/plain"), 64)
            lines.append(measure("FastAPI + SQLAlchemy, kept but not assessed", port, pids, load, seconds=seconds))
        console.print(table_of(lines))
        console.print(crowd)
        console.print(
            f"p99 of the quiet filers beside the flood is {slower:.1f} times what it is alone; "
            f"the server held {held:,.0f} MB at most"
        )
        asyncio.run(_drop(url, schema))


if __name__ == "__main__":
    main()
