"""Waiting for events: one look at the store, a few times a second, for all who wait in this process.

PostgreSQL could call instead (NOTIFY), but its queue is behind a lock that every commit would have to take in turn.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tidewaiter.store import Position, Store, StoreUnavailable

LOOK_S = 0.25
WAITING_MAX = 500
"""So many may wait at a time; to others nothing is new."""


class Tide:
    """How far the feed has come. Looks only while somebody waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest = Position(0, 0)
        self._risen = asyncio.Condition()
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more can wait now."""
        return self._waiting >= WAITING_MAX

    async def newest(self) -> Position:
        """How far the feed has come now. Ask before reading, then wait until it has come further."""
        return await self._store.feed.newest()

    async def risen(self, beyond: Position, *, within_s: float) -> bool:
        """Whether the feed came further than a place within that time."""
        if self.is_full or within_s <= 0:
            return False
        self._waiting += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(within_s), self._risen:
                await self._risen.wait_for(lambda: self._newest > beyond)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    async def _look(self) -> None:
        try:
            while self._waiting:
                with suppress(StoreUnavailable):  # those who wait go on waiting, and are told when they read
                    self._newest = max(self._newest, await self._store.feed.newest())
                async with self._risen:
                    self._risen.notify_all()
                await asyncio.sleep(LOOK_S)
        finally:
            self._looking = None
