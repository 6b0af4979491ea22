"""Delivering webhooks: every event at least once, in order for each consignment, and nobody waits for another's fault.

A receiver is told the feed from where it stands on, many events a request. Where nobody answers, nothing is written
down but until when to wait: the feed is still there. Where a receiver answers with an error, less is sent at a time
until the one event is found that it does not take; that one is held and tried again by a schedule, those behind it in
its lane wait with it, and the rest goes on. What is tried in vain to the end of the schedule is a dead letter.

Each receiver is served by one process at a time, under a lease, and by two tasks in it: what is new, and what is held.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import structs

from tidewaiter.exchange.feed import hint_of
from tidewaiter.exchange.sending import Sender, Sent
from tidewaiter.store import Held, LeaseLost, Store, StoredEvent, StoreUnavailable, Webhook

T = TypeVar("T")
log = logging.getLogger("tidewaiter.exchange")

SCHEDULE_S = (10, 30, 120, 600, *[900] * 288)
"""So long after each failed try of an event the next; after the last it is given up, three days after the first."""
EVENTS_MAX = 100
"""Events in one request at most."""
PATIENCE = 5
"""So many requests in a row may fail, then what is new waits too: the receiver itself must be ill."""
WAIT_MAX = timedelta(minutes=5)
"""What is new waits no longer than this between tries."""
HELD_MAX = 1_000
"""So many events may be held for a receiver; then what is new waits."""
HELD_AT_ONCE = 8
RECEIVERS_AT_ONCE = 32
IDLE_S = 0.25
AWAY_S = 1.0
"""So long until the store is asked again after it was away."""


class Delivery:
    """Serves receivers until told to stop. Tries are timed by the clock `now`, leases by the store's own."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        *,
        now: Callable[[], datetime],
        schedule_s: Sequence[int] = SCHEDULE_S,
    ) -> None:
        if store.webhooks.lease <= timedelta(seconds=sender.timeout_s):
            raise ValueError("a lease must last longer than a request may")
        self._hooks = store.webhooks
        self._sender = sender
        self._now = now
        self._schedule = [timedelta(seconds=seconds) for seconds in schedule_s]

    async def run(self) -> None:
        """Serves for ever. Cancel it to stop; what is being sent then is sent again by whoever comes next."""
        async with asyncio.TaskGroup() as group:
            serving: set[asyncio.Task[None]] = set()
            while True:
                serving = {task for task in serving if not task.done()}
                try:
                    claimed = await self._claim(RECEIVERS_AT_ONCE - len(serving))
                except StoreUnavailable:
                    await asyncio.sleep(AWAY_S)
                    continue
                serving |= {group.create_task(self._serve(*one)) for one in claimed}
                await asyncio.sleep(IDLE_S)

    async def settle(self) -> None:
        """Serves until there is nothing that is due now and that nobody else serves."""
        while claimed := await self._claim(RECEIVERS_AT_ONCE):
            await asyncio.gather(*(self._serve(*one) for one in claimed))

    async def _claim(self, size: int) -> list[tuple[Webhook, _Lease]]:
        if size <= 0:
            return []
        lease = _Lease(self._hooks.lease)
        return [(hook, lease.copy()) for hook in await lease.under(self._hooks.claim(at=self._now(), size=size))]

    async def _serve(self, hook: Webhook, lease: _Lease) -> None:
        """Sends this receiver all that is due, then lets go of it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send_fresh(hook, lease))
                group.create_task(self._send_held(hook, lease))
        except* LeaseLost:
            log.warning("lease lost webhook=%d", hook.id)
        except* StoreUnavailable:
            log.warning("store away webhook=%d", hook.id)
        finally:
            with suppress(StoreUnavailable):
                await self._hooks.release(hook)

    async def _send_fresh(self, hook: Webhook, lease: _Lease) -> None:
        size = EVENTS_MAX if hook.failure is None else 1
        while True:
            standing = await lease.under(self._hooks.hold(hook))
            if standing.wait_until is not None and standing.wait_until > self._now():
                return
            if standing.held >= HELD_MAX:
                await self._wait(standing, "too many events are held")
                return
            found = await lease.under(self._hooks.fresh(hook, size=size))
            if not found:
                return
            free = [one.event for one in found if not one.is_behind]
            behind = [one.event for one in found if one.is_behind]
            until = found[-1].event.position
            sent = await self._send(hook, free, lease) if free else Sent()
            if sent.failure is None:
                await lease.under(self._hooks.passed(hook, until, behind=behind, at=self._now()))
                if free and standing.failure is not None:
                    await self._recovered(hook, standing.failures, lease)
                size = min(2 * size, EVENTS_MAX)
            elif sent.is_away:
                await self._wait(standing, sent.failure, sent.wait_s)
                return
            elif len(found) > 1:
                size = len(found) // 2
            else:
                failed = self._tried(Held(event=free[0], attempts=0, next_at=None, failure=None, dead_at=None), sent)
                await lease.under(self._hooks.passed(hook, until, behind=(), failed=[failed], at=self._now()))
                if standing.failures + 1 >= PATIENCE:
                    await self._wait(standing, sent.failure)
                    return
                await lease.under(self._hooks.failed(hook, sent.failure))

    async def _send_held(self, hook: Webhook, lease: _Lease) -> None:
        while due := await lease.under(self._hooks.due(hook, at=self._now(), size=HELD_AT_ONCE)):
            async with asyncio.TaskGroup() as group:
                for one in due:
                    group.create_task(self._send_again(hook, one, lease))

    async def _send_again(self, hook: Webhook, one: Held, lease: _Lease) -> None:
        sent = await self._send(hook, [one.event], lease)
        if sent.failure is None:
            failures = await lease.under(self._hooks.taken(hook, one, at=self._now()))
            if failures >= PATIENCE:
                await self._recovered(hook, failures, lease)
        else:
            await lease.under(self._hooks.not_taken(hook, self._tried(one, sent), at=self._now()))

    async def _send(self, hook: Webhook, events: Sequence[StoredEvent], lease: _Lease) -> Sent:
        """What came of sending these. Nothing is sent that might still be under way when the lease is over."""
        if not lease.lasts(self._sender.timeout_s):
            await lease.under(self._hooks.hold(hook))
        started = time.perf_counter()
        sent = await self._sender.send(hook.url, hint_of(events), at=self._now())
        log.info(
            "told webhook=%d events=%d outcome=%s ms=%.0f",
            hook.id,
            len(events),
            sent.failure or "taken",
            (time.perf_counter() - started) * 1e3,
        )
        return sent

    async def _recovered(self, hook: Webhook, failures: int, lease: _Lease) -> None:
        """What failed only now and then keeps to its schedule; a receiver that was ill is tried with all it missed."""
        await lease.under(self._hooks.recovered(hook, at=self._now(), wakes_held=failures >= PATIENCE))

    async def _wait(self, standing: Webhook, failure: str, wait_s: int | None = None) -> None:
        """Lets what is new wait, the longer the more often it failed."""
        step = min(max(standing.failures + 1 - PATIENCE, 0), len(self._schedule) - 1)
        wait = min(self._schedule[step], WAIT_MAX) if wait_s is None else timedelta(seconds=wait_s)
        await self._hooks.failed(standing, failure, wait_until=self._now() + wait)

    def _tried(self, one: Held, sent: Sent) -> Held:
        """How an event stands after it was not taken. Where nobody was there to take it, that was no try."""
        now = self._now()
        if sent.is_away:
            wait = WAIT_MAX if sent.wait_s is None else timedelta(seconds=sent.wait_s)
            return structs.replace(one, next_at=now + wait, failure=sent.failure)
        attempts = one.attempts + 1
        if attempts > len(self._schedule):
            return structs.replace(one, attempts=attempts, next_at=None, failure=sent.failure, dead_at=now)
        return structs.replace(one, attempts=attempts, next_at=now + self._schedule[attempts - 1], failure=sent.failure)


class _Lease:
    """How long our lease lasts for certain, by a clock that goes on while the process is stopped."""

    def __init__(self, length: timedelta) -> None:
        self._length_s = length.total_seconds()
        self._until = time.monotonic()

    def copy(self) -> _Lease:
        """Another of the same end."""
        other = _Lease(timedelta(seconds=self._length_s))
        other._until = self._until
        return other

    async def under(self, work: Awaitable[T]) -> T:
        """The same, which also renews the lease: it lasts from when that was asked for, once it is granted."""
        asked = time.monotonic()
        done = await work
        self._until = asked + self._length_s
        return done

    def lasts(self, seconds: float) -> bool:
        """Whether it will still be ours then."""
        return time.monotonic() + seconds < self._until
