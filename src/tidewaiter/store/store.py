"""The store as services see it: one object over a pool of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from tidewaiter.matching import Sealed
from tidewaiter.matching.meeting import Named, Order
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.movement import Movement
from tidewaiter.store import (
    access,
    acts,
    audit,
    dispatches,
    downtime,
    glass,
    lodgements,
    passkeys,
    presentations,
    reading,
    replies,
    screening,
    trade,
    vault,
)
from tidewaiter.store.feed import Feed
from tidewaiter.store.history import HistoryKept
from tidewaiter.store.inspections import Inspections
from tidewaiter.store.known import Asked, Known, look_up
from tidewaiter.store.lodgements import Lodgement
from tidewaiter.store.profiles import Profiles
from tidewaiter.store.uploads import Uploads
from tidewaiter.store.webhooks import Webhooks

ACQUIRE_TIMEOUT_S = 5
UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,  # its disk fails
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what is said of a connection that was ended just as it was handed out
    OSError,
    TimeoutError,
)
"""The world's failures: the database is away, full, ill, stopping or overloaded. What was asked may be asked again."""


class StoreUnavailable(RuntimeError):
    """The database cannot serve this now. A lodgement may be sent again: it takes effect once."""


class Store:
    """What is kept. Every method takes a connection for itself; `write` is the only one that lodges.

    `feed` reads events, `webhooks` keeps where they are sent, `profiles` and `inspections` are for risk,
    `uploads` are messages on their way.
    """

    def __init__(self, pool: asyncpg.Pool, reader: access.Reader | None = None) -> None:
        self._pool = pool
        self._reader = reader
        self.feed = Feed(self._connection)
        self.webhooks = Webhooks(self._connection)
        self.profiles = Profiles(self._connection)
        self.inspections = Inspections(self._connection)
        self.uploads = Uploads(self._connection)

    def seen_by(self, reader: access.Reader) -> Store:
        """The same store as this reader may see it: PostgreSQL's rules of rows hold for all that is asked of it."""
        return Store(self._pool, reader)

    @property
    def access(self) -> access.Access:
        """Who may call: machines, people, and what of theirs was used."""
        return access.Access(self._connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection while the context lasts. Raises StoreUnavailable where the database cannot serve it now."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
                if self._reader is None:
                    yield connection
                    return
                async with connection.transaction():
                    await access.read_as(connection, self._reader)
                    yield connection
        except UNAVAILABLE as error:
            raise StoreUnavailable(type(error).__name__) from error

    @property
    def history(self) -> HistoryKept:
        """What is kept of consignments for the sake of later ones."""
        return HistoryKept(self._connection)

    @property
    def presentations(self) -> presentations.Presentations:
        """Goods that were declared before they were there."""
        return presentations.Presentations(self._connection)

    @property
    def screening(self) -> screening.Screening:
        """Lists of denied parties, and who was screened by them."""
        return screening.Screening(self._connection)

    @property
    def passkeys(self) -> passkeys.Passkeys:
        """Keys by which people log in, and what their browsers were asked."""
        return passkeys.Passkeys(self._connection)

    @property
    def glass(self) -> glass.Glass:
        """Who broke the glass, and what was found of it."""
        return glass.Glass(self._connection)

    @property
    def acts(self) -> acts.Acts:
        """What people do with consignments after they were lodged."""
        return acts.Acts(self._connection)

    @property
    def replies(self) -> replies.Replies:
        """What filers replied to what they were asked."""
        return replies.Replies(self._connection)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._pool.close()

    async def is_ready(self) -> bool:
        """Whether the database answers."""
        try:
            async with self._connection() as connection:
                return bool(await connection.fetchval("select true", timeout=ACQUIRE_TIMEOUT_S))
        except StoreUnavailable:
            return False

    async def write(self, written: Sequence[Lodgement]) -> list[int]:
        """The ids of the messages, once all are committed together. Raises AlreadyThere: then nothing is written."""
        async with self._connection() as connection:
            return await lodgements.write(connection, written)

    async def remember_keys(self, keys: Sequence[tuple[str, str, int]]) -> None:
        """Writes down that messages were sent under these keys too: each is a filer, its key and the message's id.

        Raises AlreadyThere where one of them is taken, and then none is written.
        """
        async with self._connection() as connection:
            await lodgements.remember_keys(connection, keys)

    async def remember_columns(self, *, filer: str, titles: bytes, columns: Mapping[str, str], at: datetime) -> None:
        """Writes down what a filer's headings stand for. `titles` is the SHA-256 of the headings of the sheet."""
        async with self._connection() as connection:
            await lodgements.remember_columns(connection, filer=filer, titles=titles, columns=columns, at=at)

    async def sheet_columns(self, *, filer: str, titles: bytes) -> dict[str, str]:
        """What this filer last said these headings stand for; empty where he said nothing."""
        async with self._connection() as connection:
            return await reading.sheet_columns(connection, filer=filer, titles=titles)

    async def look_up(self, asked: Asked) -> Known:
        """What is known of messages that are about to be lodged, of their references and of their parcels."""
        async with self._connection() as connection:
            return await look_up(connection, asked)

    async def known_items(self, movements: Sequence[Movement]) -> dispatches.KnownItems:
        """What is known of the items that the movements speak of, and of those lodged for their dispatches."""
        async with self._connection() as connection:
            return await dispatches.known_items(connection, movements)

    async def results(
        self, message_ids: Sequence[int]
    ) -> dict[int, tuple[list[Finding], list[reading.StoredConsignment]]]:
        """What became of each message: findings about the whole, and its consignments in their order."""
        async with self._connection() as connection:
            return await reading.results(connection, message_ids)

    async def consignments(self, ids: Sequence[int]) -> dict[int, reading.StoredConsignment]:
        """These consignments with what the corridor said of them; those that are not there are left out."""
        async with self._connection() as connection:
            return await reading.consignments(connection, ids)

    async def answers_of(self, ids: Sequence[int]) -> dict[int, list[Answer]]:
        """The answers given about each of these consignments, in their order."""
        async with self._connection() as connection:
            return await reading.answers_of(connection, ids)

    async def behind(self, id: int) -> reading.Behind:
        """Everything else about one consignment."""
        async with self._connection() as connection:
            return await reading.behind(connection, id)

    async def ids_of(self, reference: str, *, filer: str | None = None) -> list[int]:
        """All consignments lodged under the reference, newest first; of one filer where it is named."""
        async with self._connection() as connection:
            return await reading.ids_of(connection, reference, filer=filer)

    async def page(
        self,
        *,
        control: str | None = None,
        reference: str | None = None,
        before: int | None = None,
        after: int | None = None,
        size: int,
    ) -> list[reading.Row]:
        """Up to `size` consignments, newest first: the newest of all, or those next before or next after an id."""
        async with self._connection() as connection:
            return await reading.page(
                connection, control=control, reference=reference, before=before, after=after, size=size
            )

    async def open_vault(
        self, ids: Sequence[int], *, purpose: vault.Purpose, reader: str, at: datetime
    ) -> dict[int, Consignment]:
        """The whole records, with what is personal in them. Who read them and for what is written down."""
        async with self._connection() as connection:
            return await reading.open_vault(connection, ids, purpose=purpose, reader=reader, at=at)

    async def trade_documents(self, *, orders: Collection[Order], named: Collection[Named]) -> list[Sealed]:
        """All documents of trade of these orders, and all that have or name one of these numbers."""
        async with self._connection() as connection:
            return await trade.find(connection, orders=orders, named=named)

    async def orders_between(self, *, jurisdiction: str, since: datetime, until: datetime, size: int) -> list[Order]:
        """Up to `size` orders of which a document came from `since` on and before `until`."""
        async with self._connection() as connection:
            return await trade.orders_between(
                connection, jurisdiction=jurisdiction, since=since, until=until, size=size
            )

    async def log(self) -> audit.Log:
        """The audit log as it is now."""
        async with self._connection() as connection:
            return await audit.log(connection)

    async def leaves(self, start: int, end: int) -> list[audit.LeafRow]:
        """The leaves of the log from `start` up to before `end`, those that are there, in order."""
        async with self._connection() as connection:
            return await audit.rows(connection, start, end)

    async def commit_of(self, message_id: int, *, filer: str) -> audit.Commit | None:
        """The leaves of the commit in which this filer's message was lodged; None where there are none."""
        async with self._connection() as connection:
            return await audit.commit_of(connection, message_id=message_id, filer=filer)

    async def altered(self, start: int, end: int) -> list[tuple[int, str]]:
        """Where messages and decisions are no longer as these leaves tell: their index, and what is wrong."""
        async with self._connection() as connection:
            return await audit.altered(connection, start, end)

    async def checkpoints(self, start: int, end: int) -> list[audit.StoredCheckpoint]:
        """The checkpoints that were signed over `start` leaves up to `end`, that included."""
        async with self._connection() as connection:
            return await audit.checkpoints(connection, start, end)

    async def last_checkpoint(self) -> audit.StoredCheckpoint | None:
        """The newest checkpoint that was signed."""
        async with self._connection() as connection:
            return await audit.last_checkpoint(connection)

    async def keep_checkpoint(self, made: audit.StoredCheckpoint, *, at: datetime) -> audit.StoredCheckpoint:
        """Writes a checkpoint down, and gives the one that holds for its size."""
        async with self._connection() as connection:
            return await audit.keep_checkpoint(connection, made, at)

    async def offices(self, *, since: datetime) -> list[str]:
        """The jurisdictions for which anything was lodged since then."""
        async with self._connection() as connection:
            return await downtime.jurisdictions(connection, since)

    async def office_standing(
        self, *, jurisdiction: str, since: datetime, size: int
    ) -> tuple[list[downtime.Standing], int]:
        """The newest `size` consignments of a jurisdiction since then, and how many there are in all."""
        async with self._connection() as connection:
            return await downtime.standing(connection, jurisdiction=jurisdiction, since=since, size=size)
