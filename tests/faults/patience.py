"""Waiting that counts its looks and not the clock: what stands still with the whole machine is not late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from unittest import mock

from tidewaiter.store import store

PATIENCE_S = 120
EVERY_S = 0.02


async def until(is_so: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_S) -> bool:
    """Whether it came to be so, after looking for about so long."""
    for _ in range(int(seconds / EVERY_S)):
        if await is_so():
            return True
        await asyncio.sleep(EVERY_S)
    return False


def patient() -> mock._patch[int]:
    """While it lasts, nothing of ours takes a machine that stands still for a database that is away."""
    return mock.patch.object(store, "ACQUIRE_TIMEOUT_S", PATIENCE_S)
