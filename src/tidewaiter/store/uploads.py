"""Messages on their way in parts: what has come of each, kept part by part, each part and the new offset in one commit.

Each request about an upload gets a number, `writer`, that is greater than that of the one before, and only the last may
append: of two at once one goes on, and a request that its sender gave up for dead cannot disturb the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import asyncpg
import msgspec

SWEPT_AT_ONCE = 100


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload and how far it is. `received` bytes are durable; it will have `length`, where that is known.

    `sha256` is that of the whole, where the filer said it; `key` an Idempotency-Key; `message_id` says what it was
    lodged as.
    """

    id: str
    filer: str
    key: str | None
    length: int | None
    sha256: bytes | None
    received: int
    is_complete: bool
    writer: int
    message_id: int | None
    begun_at: datetime
    expires_at: datetime


_BEGIN = (
    "insert into uploads (id, filer, key, length, sha256, begun_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)"
    " returning *"
)
_LOOK = "update uploads set writer = writer + 1 where id = $1 and filer = $2 and expires_at > $3 returning *"
_CLAIM = (
    "update uploads set writer = writer + 1, length = coalesce(length, $4), sha256 = coalesce(sha256, $5)"
    " where id = $1 and filer = $2 and received = $3 and not is_complete and expires_at > $6 returning *"
)
_APPEND = (
    "with moved as (update uploads set received = received + octet_length($4::bytea), is_complete = $5,"
    "  expires_at = case when $5 then greatest(expires_at, $6) else expires_at end"
    "  where id = $1 and writer = $2 and received = $3 and not is_complete"
    " returning *),"
    " kept as (insert into upload_parts (upload_id, starts, content)"
    "  select id, $3, $4 from moved where octet_length($4::bytea) > 0)"
    " select * from moved"
)
# One statement sees one state: never an upload whose parts have just made way for its message.
_CONTENT = (
    "select case when u.message_id is not null then (select m.raw from messages m where m.id = u.message_id)"
    "  else coalesce((select string_agg(p.content, ''::bytea order by p.starts) from upload_parts p"
    "   where p.upload_id = u.id), ''::bytea) end"
    " from uploads u where u.id = $1 and u.filer = $2"
)
_SWEEP = (
    "delete from uploads where id = any(array(select id from uploads where expires_at <= $1 limit $2)) returning id"
)


class Uploads:
    """The uploads that are kept. Every method takes a connection for itself; a filer has none but its own."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]) -> None:
        self._connect = connect

    async def begin(
        self,
        id: str,
        *,
        filer: str,
        key: str | None,
        length: int | None,
        sha256: bytes | None,
        at: datetime,
        until: datetime,
        open_max: int,
    ) -> Upload | None:
        """The new upload, or the one that the filer began before under that key; None where the filer has `open_max`
        already that are not lodged."""
        async with self._connect() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtextextended('uploads ' || $1, 0))", filer)
            await connection.execute("delete from uploads where filer = $1 and expires_at <= $2", filer, at)
            if key is not None:
                query = "select * from uploads where filer = $1 and key = $2"
                if (before := await connection.fetchrow(query, filer, key)) is not None:
                    return Upload(**before)
            count = "select count(*) from uploads where filer = $1 and message_id is null"
            if await connection.fetchval(count, filer) >= open_max:
                return None
            return Upload(**await connection.fetchrow(_BEGIN, id, filer, key, length, sha256, at, until))

    async def look(self, id: str, *, filer: str, at: datetime) -> Upload | None:
        """The upload as it is; whoever was appending to it no longer may. None where the filer has none such."""
        async with self._connect() as connection:
            row = await connection.fetchrow(_LOOK, id, filer, at)
        return Upload(**row) if row else None

    async def find(self, id: str, *, filer: str, at: datetime) -> Upload | None:
        """The same, and whoever is appending to it goes on."""
        query = "select * from uploads where id = $1 and filer = $2 and expires_at > $3"
        async with self._connect() as connection:
            row = await connection.fetchrow(query, id, filer, at)
        return Upload(**row) if row else None

    async def claim(
        self, id: str, *, filer: str, received: int, length: int | None, sha256: bytes | None, at: datetime
    ) -> Upload | None:
        """The upload for whoever goes on from `received`, with what it says of the whole where that was not known; None
        where it does not stand there, or is complete."""
        async with self._connect() as connection:
            row = await connection.fetchrow(_CLAIM, id, filer, received, length, sha256, at)
        return Upload(**row) if row else None

    async def append(
        self, upload: Upload, content: bytes, *, is_complete: bool = False, until: datetime | None = None
    ) -> Upload | None:
        """The upload with so much more, committed. None where it is no longer as the caller has it: nothing is kept.

        A complete one is kept until `until` at least.
        """
        async with self._connect() as connection:
            row = await connection.fetchrow(
                _APPEND, upload.id, upload.writer, upload.received, content, is_complete, until
            )
        return Upload(**row) if row else None

    async def content(self, upload: Upload) -> bytes | None:
        """All bytes of it that came; None where it is no longer there."""
        async with self._connect() as connection:
            found: bytes | None = await connection.fetchval(_CONTENT, upload.id, upload.filer)
        return found

    async def lodged(self, upload: Upload, message_id: int) -> None:
        """Writes down what it was lodged as. Its parts are no longer needed."""
        async with self._connect() as connection, connection.transaction():
            await connection.execute("update uploads set message_id = $2 where id = $1", upload.id, message_id)
            await connection.execute("delete from upload_parts where upload_id = $1", upload.id)

    async def discard(self, id: str, *, filer: str, at: datetime) -> bool:
        """Whether the filer had that upload. It is gone, and what was lodged stays lodged."""
        query = "delete from uploads where id = $1 and filer = $2 returning expires_at > $3"
        async with self._connect() as connection:
            return bool(await connection.fetchval(query, id, filer, at))

    async def sweep(self, at: datetime) -> int:
        """How many have expired and are gone."""
        gone = 0
        async with self._connect() as connection:
            while True:
                batch = len(await connection.fetch(_SWEEP, at, SWEPT_AT_ONCE))
                gone += batch
                if batch < SWEPT_AT_ONCE:
                    return gone
