"""The rows of the audit log: leaves with their index, and the checkpoints that were signed over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from tidewaiter.audit.leaf import Leaf, Lodged, encode
from tidewaiter.audit.merkle import leaf_hash


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What the log is called, and how many leaves it has."""

    origin: str
    size: int


class LeafRow(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf as kept: its bytes, and their hash as it was reckoned before they were written."""

    index: int
    entry: bytes
    hash: bytes


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """All leaves of one commit, in order."""

    origin: str
    rows: tuple[LeafRow, ...]


class StoredCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that was signed, as a note."""

    size: int
    root: bytes
    note: str


async def append(connection: asyncpg.Connection, leaves: Sequence[Leaf]) -> int:
    """The index of the first of these leaves; the others follow it. To be called once, last in a transaction.

    From here on to the end of the transaction nobody else can add leaves.
    """
    entries = [encode(leaf) for leaf in leaves]
    messages = [leaf.message if isinstance(leaf, Lodged) else None for leaf in leaves]
    first: int = await connection.fetchval(
        "select audit_append($1, $2, $3)", entries, [leaf_hash(entry) for entry in entries], messages
    )
    return first


async def log(connection: asyncpg.Connection) -> Log:
    """The log as it is now."""
    row = await connection.fetchrow(
        "select origin, (select coalesce(max(index) + 1, 0) from audit_leaves) as size from audit_log"
    )
    return Log(**row)


async def rows(connection: asyncpg.Connection, start: int, end: int) -> list[LeafRow]:
    """The leaves from `start` up to before `end`, those that are there, in order."""
    found = await connection.fetch(
        "select index, entry, hash from audit_leaves where index >= $1 and index < $2 order by index", start, end
    )
    return [LeafRow(**row) for row in found]


async def commit_of(connection: asyncpg.Connection, *, message_id: int, filer: str) -> Commit | None:
    """The commit in which this filer's message was lodged; None where there is none, or it was before the log began."""
    found = await connection.fetch(
        "select l.index, l.entry, l.hash from audit_leaves head join messages m on m.id = head.message_id"
        " join audit_leaves l on l.index >= head.first and l.index < head.first + head.size"
        " where head.message_id = $1 and m.filer = $2 order by l.index",
        message_id, filer,
    )  # fmt: skip
    if not found:
        return None
    origin = await connection.fetchval("select origin from audit_log")
    return Commit(origin=origin, rows=tuple(LeafRow(**row) for row in found))


async def altered(connection: asyncpg.Connection, start: int, end: int) -> list[tuple[int, str]]:
    """Where what was done is no longer as the leaves from `start` up to before `end` tell it: their index, and what.

    The bytes of each message are read and hashed again, by the server that keeps them, and each decision is looked up.
    """
    messages = await connection.fetch(
        "select l.index from audit_leaves l left join messages m on m.id = l.message_id"
        " where l.index >= $1 and l.index < $2 and l.message_id is not null"
        " and encode(sha256(m.raw), 'hex') is distinct from convert_from(l.entry, 'UTF8')::json ->> 'sha256'",
        start, end,
    )  # fmt: skip
    decisions = await connection.fetch(
        "select distinct l.index from audit_leaves l,"
        " json_array_elements(convert_from(l.entry, 'UTF8')::json -> 'decisions') told"
        " where l.index >= $1 and l.index < $2 and not exists (select from decisions d"
        " where d.consignment_id = (told ->> 0)::bigint and d.security = told ->> 1 and d.control = told ->> 2)",
        start, end,
    )  # fmt: skip
    found = [(row["index"], "the message it speaks of is not kept as it came") for row in messages]
    return sorted([*found, *((row["index"], "a decision it tells of is not kept as it was made") for row in decisions)])


async def checkpoints(connection: asyncpg.Connection, start: int, end: int) -> list[StoredCheckpoint]:
    """The checkpoints signed over `start` leaves up to `end`, that included, in order."""
    found = await connection.fetch(
        "select size, root, note from audit_checkpoints where size >= $1 and size <= $2 order by size", start, end
    )
    return [StoredCheckpoint(**row) for row in found]


async def last_checkpoint(connection: asyncpg.Connection) -> StoredCheckpoint | None:
    """The newest checkpoint; None where nothing was signed yet."""
    row = await connection.fetchrow("select size, root, note from audit_checkpoints order by size desc limit 1")
    return StoredCheckpoint(**row) if row else None


async def keep_checkpoint(connection: asyncpg.Connection, made: StoredCheckpoint, at: datetime) -> StoredCheckpoint:
    """Writes the checkpoint down. Gives the one that holds: another where one of this size was kept meanwhile."""
    await connection.execute(
        "insert into audit_checkpoints (size, root, note, signed_at) values ($1, $2, $3, $4) on conflict do nothing",
        made.size, made.root, made.note, at,
    )  # fmt: skip
    [held] = await checkpoints(connection, made.size, made.size)
    return held
