"""What befalls the house: each nemesis does its worst to a scene, and leaves it with nothing broken any more.

The instant that `strike` gives is when the fault was over; from then on the house must recover by itself.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from faults.scene import Disk, Image, Memory, Scene, is_root

FULL_S = (0.3, 1.5)
FAILING_S = (0.5, 1.2)
CHUNK = bytes(1 << 16)
CALLS = ("fdatasync", "fsync", "pwrite64", "pwritev", "pread64")
"""What fails where the disk does: one of them a round, from its first to its fifth use on."""


class Nemesis(NamedTuple):
    """`strike` does it once. `rounds` are those of every day, `rounds_long` those of the long run. `felt` is what the
    log of PostgreSQL tells where the fault came home; a run in which it never does shows nothing. `before` is a mistake
    that stands between PostgreSQL and the machine, and must be found. So many `processes` answer."""

    strike: Callable[[Scene], Awaitable[float]]
    rounds: int
    rounds_long: int
    disk: type[Disk] = Disk
    needs: tuple[str, ...] = ()
    felt: str = ""
    before: tuple[str, ...] = ()
    processes: int = 1

    @property
    def is_mutant(self) -> bool:
        return bool(self.before)

    @property
    def hindered(self) -> str:
        """Why this machine cannot do it; empty where it can."""
        if not self.needs:
            return ""
        if not is_root():
            return "only the superuser may mount and trace"
        missing = [name for name in self.needs if not (Path(name).exists() or shutil.which(name))]
        return f"{', '.join(missing)} missing" if missing else ""


async def server_killed(scene: Scene) -> float:
    await scene.server.end(signal.SIGKILL)
    over = time.monotonic()
    await scene.server.start()
    return over


async def one_of_several_killed(scene: Scene) -> float:
    os.kill(scene.chance.choice(scene.server.answering), signal.SIGKILL)
    return time.monotonic()


async def database_killed(scene: Scene) -> float:
    await scene.cluster.kill()
    over = time.monotonic()
    await scene.cluster.start()
    return over


async def database_restarted(scene: Scene) -> float:
    await scene.cluster.end()
    over = time.monotonic()
    await scene.cluster.start()
    return over


async def both_killed(scene: Scene) -> float:
    scene.server.send(signal.SIGKILL)
    await scene.cluster.kill()
    await scene.server.end(signal.SIGKILL)
    over = time.monotonic()
    await scene.cluster.start()
    await scene.server.start()
    return over


async def current_fails(scene: Scene) -> float:
    """What had not reached the disk is gone: all go on from a copy of the disk, taken while nobody could write."""
    assert isinstance(scene.disk, Image)
    scene.server.send(signal.SIGSTOP)
    scene.cluster.stop()
    copy = await asyncio.to_thread(scene.disk.copied)
    scene.server.send(signal.SIGKILL)
    await scene.cluster.kill()
    await scene.server.end(signal.SIGKILL)
    await asyncio.to_thread(scene.disk.unmount)
    copy.replace(scene.disk.image)
    over = time.monotonic()
    await asyncio.to_thread(scene.disk.mount)
    await scene.cluster.start()
    await scene.server.start()
    return over


async def disk_full(scene: Scene) -> float:
    filler = scene.disk.folder / "filler"
    await asyncio.to_thread(_fill, filler)
    await asyncio.sleep(scene.chance.uniform(*FULL_S))
    filler.unlink()
    return await _repaired(scene)


def _fill(path: Path) -> None:
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(file, CHUNK)
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise
    finally:
        os.close(file)


async def disk_fails(scene: Scene) -> float:
    call = scene.chance.choice(CALLS)
    inject = f"inject={call}:error=EIO:when={scene.chance.randint(1, 5)}+"
    pids = [word for pid in scene.cluster.pids for word in ("-p", str(pid))]
    tracer = await asyncio.create_subprocess_exec(
        "strace", "-f", "-q", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *pids,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await asyncio.sleep(scene.chance.uniform(*FAILING_S))
    if tracer.returncode is None:
        tracer.send_signal(signal.SIGINT)
    await tracer.wait()
    return await _repaired(scene)


async def _repaired(scene: Scene) -> float:
    """Where PostgreSQL gave up, whoever runs it starts it again; the server must have lived through it."""
    over = time.monotonic()
    await scene.cluster.start()
    if not scene.server.is_running:
        scene.journal.refused.append("the server ended")
        await scene.server.start()
    return over


IMAGE = ("/dev/loop-control", "mkfs.ext4", "findmnt")
LIES = (
    "strace",
    "-D",
    "-f",
    "-q",
    "-o",
    "/dev/null",
    "-e",
    "trace=fsync,fdatasync",
    "-e",
    "inject=fsync,fdatasync:retval=0",
)
NEMESES = {
    "server killed": Nemesis(server_killed, 20, 300),
    "one of several killed": Nemesis(one_of_several_killed, 5, 60, processes=2),
    "the first of several killed": Nemesis(server_killed, 5, 60, processes=2),
    "database killed": Nemesis(database_killed, 10, 60),
    "database restarted": Nemesis(database_restarted, 3, 30),
    "both killed": Nemesis(both_killed, 5, 60),
    "current fails": Nemesis(current_fails, 3, 30, Image, IMAGE),
    "a disk that lies": Nemesis(current_fails, 3, 3, Image, (*IMAGE, "strace"), before=LIES),
    "disk full": Nemesis(disk_full, 5, 30, Memory, ("mount",), "No space left on device"),
    "disk fails": Nemesis(disk_fails, 5, 30, needs=("strace",), felt="Input/output error"),
}
