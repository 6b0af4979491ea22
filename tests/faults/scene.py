"""Where a storm rages: a database and a server of their own, under load, on a disk that can be taken away."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faults.callers import Journal, Server, calling
from faults.cluster import Cluster
from faults.lodgings import charged, encoded
from faults.operations import Sent, World
from tidewaiter.law import Law
from tidewaiter.services.judging import Lodged
from tidewaiter.services.lodge import Desk, Lodging, lodge_all
from tidewaiter.services.signing import own_key
from tidewaiter.store import open_store

SCHEMA = "storm"
OURS_MAX = 4
"""So many connections are for looking at what is kept."""
LODGED_BEFORE, TOGETHER = 10_000, 500
"""So much was lodged before the storm begins, each consignment a message of its own, and so many of them together."""


@dataclass
class Disk:
    """The file system on which both the database and the data folder of the server lie: a plain folder."""

    beside: Path
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.beside / "disk"

    def mount(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def unmount(self) -> None:
        """Nothing, where it is a folder; it goes with what it lies in."""


class Memory(Disk):
    """A disk that is soon full: a gigabyte of memory."""

    SIZE = "1g"

    def mount(self) -> None:
        super().mount()
        run("mount", "-t", "tmpfs", "-o", f"size={self.SIZE},mode=755", "tidewaiter-faults", str(self.folder))

    def unmount(self) -> None:
        run("umount", "--lazy", str(self.folder))


class Image(Disk):
    """A disk that lies in a file: what its file system has not yet written there is lost when the current fails."""

    SIZE = "4G"

    @property
    def image(self) -> Path:
        return self.beside / "disk.img"

    def mount(self) -> None:
        super().mount()
        if not self.image.exists():
            run("truncate", "--size", self.SIZE, str(self.image))
            run("mkfs.ext4", "-q", str(self.image))
        run("mount", "-o", "loop", str(self.image), str(self.folder))

    def unmount(self) -> None:
        run("umount", str(self.folder))

    def copied(self) -> Path:
        """A copy of the file as the current would leave it: nothing was written into it while it was copied."""
        device = run("findmnt", "--noheadings", "--output", "SOURCE", str(self.folder)).strip()
        written = Path("/sys/class/block") / Path(device).name / "stat"
        copy = self.beside / "cut.img"
        while True:
            before = written.read_text()
            run("cp", "--sparse=always", str(self.image), str(copy))
            if written.read_text() == before:
                return copy


def run(*command: str) -> str:
    """What the command says. Raises CalledProcessError."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass
class Scene:
    """What a nemesis finds: it may do with all of it what it likes, and leaves it running."""

    disk: Disk
    cluster: Cluster
    server: Server
    journal: Journal
    chance: random.Random
    world: World


@asynccontextmanager
async def scene_of(
    kind: type[Disk], *, before: tuple[str, ...], processes: int, law: Law, seed: int
) -> AsyncIterator[Scene]:
    """A scene, running and under load while the context lasts. `before` stands between PostgreSQL and the machine."""
    beside = Path(tempfile.mkdtemp(prefix="tw-storm-"))  # short: the name of a socket must be
    beside.chmod(0o755)
    disk = kind(beside)
    disk.mount()
    (beside / "run").mkdir()
    cluster = Cluster(disk.folder / "postgres", beside / "run", before)
    try:
        await asyncio.to_thread(cluster.make)
        await cluster.start()
        data = disk.folder / "house"
        data.mkdir()
        store = await open_store(cluster.url, schema=SCHEMA, connections_max=OURS_MAX)
        world = World(store=store, law=law, key=own_key(data), folder=data)
        await _fill(world)
        environment = {
            "TIDEWAITER_DATABASE_URL": cluster.url, "TIDEWAITER_DATABASE_SCHEMA": SCHEMA,
            "TIDEWAITER_DATA_DIR": str(data), "TIDEWAITER_PROCESSES": str(processes),
        }  # fmt: skip
        server = Server(environment, beside / "server.log")
        await server.start()
        try:
            async with calling(server, seed) as journal:
                yield Scene(disk, cluster, server, journal, random.Random(seed), world)
            await store.close()
        finally:
            await server.end(signal.SIGKILL)
    finally:
        await cluster.kill()
        disk.unmount()
        shutil.rmtree(beside, ignore_errors=True)


async def _fill(world: World) -> None:
    """What is kept when the storm begins."""
    desk = Desk(store=world.store, law=world.law)
    for start in range(0, LODGED_BEFORE, TOGETHER):
        sent = [Sent("before", encoded(charged(f"before-{number}"))) for number in range(start, start + TOGETHER)]
        done = await lodge_all([Lodging(one.message, None) for one in sent], desk)
        assert all(isinstance(one, Lodged) for one in done), "what is to be kept could not be lodged"


def is_root() -> bool:
    """Whether file systems can be mounted and other people's processes be traced."""
    return os.geteuid() == 0
