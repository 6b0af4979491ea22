"""Points at which a process can be killed: before every call of the database, every step of making a file durable, and
every answer. What stands after one of them is what stands before the next.

Nothing of this is in the product: a test's own process puts it over the driver, and over what makes files durable.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg

KILLED = 77
"""How a process ends that was killed at a point."""
CALLS = ("execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table")
"""Every call by which the product speaks to the database; transactions begin and end by `execute`."""


@dataclass
class Counter:
    """How many boundaries were met. At the `fatal`-th the process ends as by kill -9: nothing of it runs any more."""

    fatal: int = 0
    met: int = 0
    is_armed: bool = False

    def boundary(self) -> None:
        if not self.is_armed:
            return
        self.met += 1
        if self.met == self.fatal:
            os._exit(KILLED)


def install(counter: Counter) -> None:
    """From now on the counter is told of every boundary in this process."""
    for name in CALLS:
        setattr(asyncpg.Connection, name, _around(getattr(asyncpg.Connection, name), counter))
    _install_files(counter)


def _around(call: Callable[..., Awaitable[Any]], counter: Counter) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def wrapped(*given: Any, **named: Any) -> Any:
        counter.boundary()
        return await call(*given, **named)

    return wrapped


def _install_files(counter: Counter) -> None:
    fsync, replace, link = os.fsync, Path.replace, os.link

    def synced(file: int) -> None:
        counter.boundary()
        fsync(file)

    def replaced(self: Path, target: Any) -> Any:
        counter.boundary()
        return replace(self, target)

    def linked(made: Any, path: Any) -> None:
        counter.boundary()
        link(made, path)

    mock.patch.object(os, "fsync", synced).start()
    mock.patch.object(os, "link", linked).start()
    mock.patch.object(Path, "replace", replaced).start()
