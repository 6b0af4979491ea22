"""What filers replied to what they were asked: that they did, apart from what they said, which is personal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

Channel = Literal["security", "control"]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document that goes with a reply. `sha256` (hexadecimal) and `size` are of its content, where that was sent."""

    type: str
    number: str = ""
    name: str = ""
    media_type: str = ""
    size: int = 0
    sha256: str = ""


class NewReply(msgspec.Struct, frozen=True, kw_only=True):
    """A reply to be kept. `contents` are those of the documents, b'' where none was sent; `digest` is over it all."""

    channel: Channel
    at: datetime
    actor: str
    digest: bytes
    text: str
    documents: tuple[Document, ...]
    contents: tuple[bytes, ...]
    amendment: int | None = None
    key: str | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A reply as it is kept. `documents` counts them; `said` is null where what is personal is not shown."""

    id: int
    consignment_id: int
    channel: Channel
    at: datetime
    actor: str
    digest: bytes
    documents: int
    amendment: int | None
    key: str | None
    said: Said | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply says."""

    text: str
    documents: tuple[Document, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment of which something is asked of its filer, and since when; `reasons` say what, by channel."""

    id: int
    filer: str
    reference: str
    asked_at: datetime
    security: str
    control: str


_REPLY = "select id, consignment_id, channel, at, actor, digest, documents, amendment, key from replies where "
ASKED_MAX = 200


async def last(connection: asyncpg.Connection, consignment_id: int) -> Reply | None:
    """The last reply about a consignment."""
    row = await connection.fetchrow(f"{_REPLY} consignment_id = $1 order by id desc limit 1", consignment_id)
    return Reply(**row) if row else None


async def under(connection: asyncpg.Connection, actor: str, key: str) -> Reply | None:
    """The reply that this account sent under that Idempotency-Key."""
    row = await connection.fetchrow(f"{_REPLY} actor = $1 and key = $2", actor, key)
    return Reply(**row) if row else None


async def is_amendment(connection: asyncpg.Connection, message_id: int, *, of: int) -> bool:
    """Whether the message holds an accepted amendment of that consignment, by the same filer."""
    return bool(
        await connection.fetchval(
            "select exists (select from consignments a join consignments c on c.id = $2 where a.message_id = $1"
            " and a.filer = c.filer and a.reference = c.reference and a.function = 'amendment'"
            " and a.control <> 'not_accepted')",
            message_id, of,
        )
    )  # fmt: skip


async def write(connection: asyncpg.Connection, reply: NewReply, *, consignment_id: int, filer: str) -> int:
    """The number of the reply, now kept. The database refuses a second one to the same request."""
    id: int = await connection.fetchval(
        "insert into replies (consignment_id, request_id, channel, at, filer, actor, digest, documents, amendment, key)"
        " values ($1, (select max(id) from decisions where consignment_id = $1), $2, $3, $4, $5, $6, $7, $8, $9)"
        " returning id",
        consignment_id, reply.channel, reply.at, filer, reply.actor, reply.digest, len(reply.documents),
        reply.amendment, reply.key,
    )  # fmt: skip
    await connection.execute(
        "insert into reply_contents (reply_id, text, documents) values ($1, $2, $3)",
        id, reply.text, msgspec.json.encode(reply.documents),
    )  # fmt: skip
    await connection.copy_records_to_table(
        "reply_files",
        columns=["reply_id", "place", "content"],
        records=[(id, place, content) for place, content in enumerate(reply.contents) if content],
    )
    return id


class Replies:
    """Reading them. Every method takes a connection for itself."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]) -> None:
        self._connect = connect

    async def of(self, consignment_id: int, *, with_said: bool = False) -> list[Reply]:
        """The replies about a consignment, in order. What they say only where asked: that it is read is for the caller
        to write down."""
        async with self._connect() as connection:
            rows = await connection.fetch(f"{_REPLY} consignment_id = $1 order by id", consignment_id)
            found = [Reply(**row) for row in rows]
            said = await _said(connection, [one.id for one in found]) if with_said and found else {}
        return [msgspec.structs.replace(one, said=said.get(one.id)) for one in found]

    async def file(self, consignment_id: int, reply_id: int, place: int) -> bytes | None:
        """The content of a document of a reply about that consignment; None where none was sent, or it is destroyed."""
        async with self._connect() as connection:
            found: bytes | None = await connection.fetchval(
                "select f.content from reply_files f join replies r on r.id = f.reply_id where r.consignment_id = $1"
                " and r.id = $2 and f.place = $3",
                consignment_id, reply_id, place,
            )  # fmt: skip
        return found

    async def asked_of(self, filer: str | None) -> list[Asked]:
        """The consignments of which something is asked, of one filer or of all, the longest asked first."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select c.id, c.filer, c.reference, c.security, c.control, (select max(d.decided_at) from decisions d"
                " where d.consignment_id = c.id) as asked_at from consignments c where c.function = 'original'"
                " and (c.control = 'documents_requested' or c.security = 'information_requested')"
                " and ($1::text is null or c.filer = $1) order by asked_at, c.id limit $2",
                filer, ASKED_MAX,
            )  # fmt: skip
        return [Asked(**row) for row in rows]


async def _said(connection: asyncpg.Connection, ids: Sequence[int]) -> dict[int, Said]:
    rows = await connection.fetch(
        "select reply_id, text, documents from reply_contents where reply_id = any($1)", list(ids)
    )
    return {
        row["reply_id"]: Said(
            text=row["text"], documents=msgspec.json.decode(row["documents"], type=tuple[Document, ...])
        )
        for row in rows
    }
