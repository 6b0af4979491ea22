"""Where filers want to be told of events, how far each has been told, and what a receiver did not take.

Who sends holds a lease: a number that grows with each (`fence`) and a time by the clock of the database. Everything
that is written about deliveries names the number, and is refused once it is not the last or its time is over, so that
of two processes only one goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
import msgspec

from tidewaiter.store.feed import DONE, EVENT, EVENTS, Connecting, Position, StoredEvent, event

CONNECTIONS_MAX = 4
"""So many connections deliveries use at once, however many receivers there are: lodging needs them more."""


class AlreadyTold(RuntimeError):
    """The filer is told of events at that address already."""


class LeaseLost(RuntimeError):
    """Somebody else sends to this receiver now, or may at any moment."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and how far it has been told. `failures` counts requests since the last that did not fail,
    `wait_until` is when something new may be sent again, `failure` why the last one failed; `held` and `dead` count
    events."""

    id: int
    filer: str
    url: str
    created_at: datetime
    sent: Position
    failures: int = 0
    wait_until: datetime | None = None
    failure: str | None = None
    fence: int = 0
    held: int = 0
    dead: int = 0


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is next, and whether one before it in its lane is held."""

    event: StoredEvent
    is_behind: bool


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a receiver did not take: how often it was tried, when next, and when it was given up."""

    event: StoredEvent
    attempts: int
    next_at: datetime | None
    failure: str | None
    dead_at: datetime | None


_WEBHOOK = (
    "select w.id, w.filer, w.url, w.created_at, w.sent_xid::text::bigint as sent_xid, w.sent_id, w.failures,"
    " w.wait_until, w.failure, w.fence,"
    " (select count(*) from webhook_held h where h.webhook_id = w.id and h.dead_at is null) as held,"
    " (select count(*) from webhook_held h where h.webhook_id = w.id and h.dead_at is not null) as dead"
    " from webhooks w"
)
_ADD = (
    "insert into webhooks (filer, url, created_at, sent_xid, sent_id) values"
    " ($1, $2, $3, coalesce($4::text::xid8, pg_snapshot_xmin(pg_current_snapshot())), $5) returning id"
)
_CLAIM = (
    "update webhooks set fence = fence + 1, leased_until = clock_timestamp() + $2::interval where id in ("
    " select w.id from webhooks w where (w.leased_until is null or w.leased_until < clock_timestamp()) and ("
    "  exists (select from webhook_held h where h.webhook_id = w.id and h.dead_at is null and h.next_at <= $1)"
    "  or ((w.wait_until is null or w.wait_until <= $1) and exists ("
    "   select from events e where e.filer = w.filer and (e.xid, e.id) > (w.sent_xid, w.sent_id)"
    "   and e.xid < pg_snapshot_xmin(pg_current_snapshot()))))"
    " order by w.id limit $3 for update skip locked) returning id"
)
_HOLD = (
    "update webhooks set leased_until = clock_timestamp() + $3::interval"
    " where id = $1 and fence = $2 and leased_until > clock_timestamp()"
)
_IS_BEHIND = (
    ", coalesce(c.reference, '/' || e.message_id) in"
    " (select h.lane from webhook_held h where h.webhook_id = w.id and h.dead_at is null) as is_behind"
)
_FRESH = (
    EVENT
    + _IS_BEHIND
    + EVENTS
    + " join webhooks w on w.filer = e.filer where w.id = $1 and (e.xid, e.id) > (w.sent_xid, w.sent_id) and "
    + DONE
    + " order by e.xid, e.id limit $2"
)
_HELD = (
    EVENT
    + ", h.attempts, h.next_at, h.failure, h.dead_at"
    + EVENTS
    + " join webhook_held h on h.event_id = e.id where h.webhook_id = $1 and "
)
_NEXT_OF_LANE = (
    "update webhook_held set next_at = $3 where webhook_id = $1 and dead_at is null and (xid, event_id) = ("
    " select xid, event_id from webhook_held where webhook_id = $1 and lane = $2 and dead_at is null"
    " order by xid, event_id limit 1)"
)


class Webhooks:
    """Addresses and what goes to them. What takes a `Webhook` wants its lease, and raises LeaseLost without it."""

    def __init__(self, connecting: Connecting, *, lease: timedelta = timedelta(seconds=30)) -> None:
        self._connecting = connecting
        self._few = asyncio.Semaphore(CONNECTIONS_MAX)
        self.lease = lease

    async def add(self, *, filer: str, url: str, at: datetime, after: Position | None, number_max: int) -> int | None:
        """The id of the address, which is told of what comes after a place; of what is committed from now on where
        none is named. None where the filer has `number_max` already. Raises AlreadyTold."""
        xid, id = (str(after.xid), after.id) if after is not None else (None, 0)
        async with self._connecting() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))", filer)
            if await connection.fetchval("select count(*) from webhooks where filer = $1", filer) >= number_max:
                return None
            try:
                added: int = await connection.fetchval(_ADD, filer, url, at, xid, id)
            except asyncpg.UniqueViolationError as error:
                raise AlreadyTold(url) from error
        return added

    async def remove(self, id: int, *, filer: str) -> bool:
        """Whether the filer had that address. Nothing more is sent to it, and what was held for it is forgotten."""
        async with self._connecting() as connection:
            gone = await connection.fetchval(
                "delete from webhooks where id = $1 and filer = $2 returning id", id, filer
            )
        return gone is not None

    async def of(self, filer: str, id: int | None = None) -> list[Webhook]:
        """The filer's addresses, or the one of that id."""
        query = f"{_WEBHOOK} where w.filer = $1 and ($2::bigint is null or w.id = $2) order by w.id"
        async with self._connecting() as connection:
            return [_webhook(row) for row in await connection.fetch(query, filer, id)]

    async def dead_letters(self, webhook_id: int, *, after: Position, size: int) -> list[Held]:
        """Events given up for this address, in their order."""
        query = f"{_HELD} h.dead_at is not null and (h.xid, h.event_id) > ($2::text::xid8, $3)"
        async with self._connecting() as connection:
            rows = await connection.fetch(
                f"{query} order by h.xid, h.event_id limit $4", webhook_id, str(after.xid), after.id, size
            )
        return [_held(row) for row in rows]

    async def drive_again(self, webhook_id: int, *, at: datetime, only: Position | None = None) -> int:
        """How many dead letters, all or one, are tried again from now on, each lane of them in its order."""
        async with self._connecting() as connection, connection.transaction():
            await connection.execute("select from webhooks where id = $1 for update", webhook_id)
            lanes = await connection.fetch(
                "with again as (update webhook_held set dead_at = null, attempts = 0, next_at = null"
                " where webhook_id = $1 and dead_at is not null and ($2::bigint is null or event_id = $2)"
                " returning lane) select lane, count(*) as events from again group by lane",
                webhook_id, only.id if only else None,
            )  # fmt: skip
            for row in lanes:
                await connection.execute(
                    "update webhook_held set next_at = null where webhook_id = $1 and lane = $2 and dead_at is null",
                    webhook_id, row["lane"],
                )  # fmt: skip
                await connection.execute(_NEXT_OF_LANE, webhook_id, row["lane"], at)
        return sum(row["events"] for row in lanes)

    async def claim(self, *, at: datetime, size: int) -> list[Webhook]:
        """Up to `size` addresses to which something is to be sent now, and which nobody else sends to: with a lease."""
        async with self._connecting() as connection:
            rows = await connection.fetch(_CLAIM, at, self.lease, size)
            ids = [row["id"] for row in rows]
            return [_webhook(row) for row in await connection.fetch(f"{_WEBHOOK} where w.id = any($1)", ids)]

    async def hold(self, hook: Webhook) -> Webhook:
        """The address as it stands now, its lease renewed."""
        async with self._leased(hook) as connection:
            return _webhook(await connection.fetchrow(f"{_WEBHOOK} where w.id = $1", hook.id))

    async def release(self, hook: Webhook) -> None:
        """Lets go of the lease, where it is still ours."""
        async with self._connecting() as connection:
            await connection.execute(
                "update webhooks set leased_until = null where id = $1 and fence = $2", hook.id, hook.fence
            )

    async def fresh(self, hook: Webhook, *, size: int) -> list[Fresh]:
        """Up to `size` events that are next for this address."""
        async with self._leased(hook) as connection:
            rows = await connection.fetch(_FRESH, hook.id, size)
        return [Fresh(event=event(row), is_behind=row["is_behind"]) for row in rows]

    async def due(self, hook: Webhook, *, at: datetime, size: int) -> list[Held]:
        """Up to `size` held events, each the first of its lane, that are to be tried again now."""
        async with self._leased(hook) as connection:
            rows = await connection.fetch(
                f"{_HELD} h.dead_at is null and h.next_at <= $2 order by h.next_at, h.xid, h.event_id limit $3",
                hook.id, at, size,
            )  # fmt: skip
        return [_held(row) for row in rows]

    async def passed(
        self,
        hook: Webhook,
        until: Position,
        *,
        behind: Sequence[StoredEvent],
        failed: Sequence[Held] = (),
        at: datetime,
    ) -> None:
        """Writes down that all up to a place was delivered, but for those behind another of their lane, and those
        that the receiver did not take."""
        async with self._leased(hook) as connection:
            await connection.execute(
                "update webhooks set sent_xid = $2::text::xid8, sent_id = $3 where id = $1",
                hook.id, str(until.xid), until.id,
            )  # fmt: skip
            for one in failed:
                await connection.execute(
                    "insert into webhook_held (webhook_id, xid, event_id, lane, attempts, next_at, failure)"
                    " values ($1, $2::text::xid8, $3, $4, $5, $6, $7)",
                    hook.id, str(one.event.position.xid), one.event.position.id, one.event.lane, one.attempts,
                    one.next_at, one.failure,
                )  # fmt: skip
            for waiting in behind:
                # What it waited behind may have been delivered since; then it is the first itself.
                await connection.execute(
                    "insert into webhook_held (webhook_id, xid, event_id, lane, attempts, next_at)"
                    " select $1, $2::text::xid8, $3, $4, 0, case when exists (select from webhook_held"
                    " where webhook_id = $1 and lane = $4 and dead_at is null) then null else $5::timestamptz end",
                    hook.id, str(waiting.position.xid), waiting.position.id, waiting.lane, at,
                )  # fmt: skip

    async def taken(self, hook: Webhook, one: Held, *, at: datetime) -> int:
        """How many requests had failed in a row. Writes down that a held event was delivered: the next of its lane is
        due."""
        async with self._leased(hook) as connection:
            await connection.execute(
                "delete from webhook_held where webhook_id = $1 and event_id = $2", hook.id, one.event.position.id
            )
            await connection.execute(_NEXT_OF_LANE, hook.id, one.event.lane, at)
            failures: int = await connection.fetchval("select failures from webhooks where id = $1", hook.id)
        return failures

    async def not_taken(self, hook: Webhook, one: Held, *, at: datetime) -> None:
        """Writes down how `one` stands after it was tried in vain. The next of its lane is due if it is given up."""
        async with self._leased(hook) as connection:
            await connection.execute(
                "update webhook_held set attempts = $3, next_at = $4, failure = $5, dead_at = $6"
                " where webhook_id = $1 and event_id = $2",
                hook.id, one.event.position.id, one.attempts, one.next_at, one.failure, one.dead_at,
            )  # fmt: skip
            if one.dead_at is not None:
                await connection.execute(_NEXT_OF_LANE, hook.id, one.event.lane, at)

    async def failed(self, hook: Webhook, why: str, *, wait_until: datetime | None = None) -> None:
        """Writes down that a request failed, and until when what is new waits."""
        async with self._leased(hook) as connection:
            await connection.execute(
                "update webhooks set failures = failures + 1, failure = $2, wait_until = $3 where id = $1",
                hook.id, why, wait_until,
            )  # fmt: skip

    async def recovered(self, hook: Webhook, *, at: datetime, wakes_held: bool) -> None:
        """Writes down that a request did not fail after others that did; and, if so wanted, that what is held is tried
        again now."""
        async with self._leased(hook) as connection:
            await connection.execute(
                "update webhooks set failures = 0, failure = null, wait_until = null where id = $1", hook.id
            )
            if wakes_held:
                await connection.execute(
                    "update webhook_held set next_at = $2 where webhook_id = $1 and dead_at is null and next_at > $2",
                    hook.id, at,
                )  # fmt: skip

    @asynccontextmanager
    async def _leased(self, hook: Webhook) -> AsyncIterator[asyncpg.Connection]:
        """A transaction under the lease, which it renews. The row is locked, so that two of one holder wait too."""
        async with self._few, self._connecting() as connection, connection.transaction():
            held = await connection.execute(_HOLD, hook.id, hook.fence, self.lease)
            if held != "UPDATE 1":
                raise LeaseLost(str(hook.id))
            yield connection


def _webhook(row: asyncpg.Record) -> Webhook:
    plain = {name: row[name] for name in Webhook.__struct_fields__ if name != "sent"}
    return Webhook(**plain, sent=Position(row["sent_xid"], row["sent_id"]))


def _held(row: asyncpg.Record) -> Held:
    plain = {name: row[name] for name in ("attempts", "next_at", "failure", "dead_at")}
    return Held(event=event(row), **plain)
