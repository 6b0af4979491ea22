"""Connecting to PostgreSQL, and refusing one that could lose what it has acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tidewaiter.store.migrating import migrate
from tidewaiter.store.store import Store

VERSION_MIN = 15
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": None}
"""Settings of the server without which a commit may be lost; `synchronous_commit` only must not be off."""


class StoreError(RuntimeError):
    """The database cannot be used as it is."""


async def open_store(url: str, *, schema: str = "tidewaiter", connections_max: int = 10) -> Store:
    """A store on this database, its schema made or brought up to date.

    Raises StoreError where the server cannot be reached, lets us not do it, is too old or is not set to keep what it
    commits, MigrationError where its schema is not ours.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=0,  # else the pool itself tries again and again, and logs each time, while the database is away
        max_size=connections_max,
        init=_prepare,
        server_settings={
            "search_path": schema,
            "timezone": "UTC",
            "application_name": "tidewaiter",
            # A plan made while a table was small would stay as it grows by thousands a second.
            "plan_cache_mode": "force_custom_plan",
            "jit": "off",  # no query here runs long enough to be worth compiling
        },
    )
    try:
        async with _reached(pool) as connection:
            await refuse_unsafe(connection)
            await migrate(connection, schema)
            await refuse_other_numbers(connection)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as hindered:
        await pool.close()
        told = (isinstance(hindered, OSError) and hindered.strerror) or str(hindered) or type(hindered).__name__
        raise StoreError(f"the database cannot be used: {told}") from hindered
    except BaseException:
        await pool.close()
        raise
    return Store(pool)


@asynccontextmanager
async def _reached(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """The first connection, by which the address is read."""
    try:
        connection = await pool.acquire()
    except ValueError:  # it may repeat the address, and a password in it: not even as a cause
        raise StoreError("the address of the database cannot be read") from None
    try:
        yield connection
    finally:
        await pool.release(connection)


async def _prepare(connection: asyncpg.Connection) -> None:
    """JSON goes in and out as bytes, so that the records' own encoder is the only one."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda text: b"\x01" + text,
        decoder=lambda sent: sent[1:],
    )
    await connection.set_type_codec("json", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)


async def refuse_unsafe(connection: asyncpg.Connection) -> None:
    """Nothing where this server keeps what it commits. Raises StoreError where it is too old or may lose some."""
    major = connection.get_server_version().major
    if major < VERSION_MIN:
        raise StoreError(f"PostgreSQL {VERSION_MIN} or newer is needed; this is {major}")
    for name, wanted in DURABLE.items():
        value = await connection.fetchval("select current_setting($1)", name)
        if value == "off" or (wanted is not None and value != wanted):
            raise StoreError(f"the server has {name} = {value}: what it acknowledges could be lost")


async def refuse_other_numbers(connection: asyncpg.Connection) -> None:
    """Nothing where the transactions of this server come after those of the events it holds. Raises StoreError.

    A dump that was restored into another server brings the old numbers along, and new events would stand before them.
    """
    # The snapshot's upper end, so that asking takes no number itself.
    is_behind = await connection.fetchval(
        "select max(xid) >= pg_snapshot_xmax(pg_current_snapshot()) from (select xid from events order by xid desc, id"
        " desc limit 1) newest"
    )
    if is_behind:
        raise StoreError(
            "the events come from a server whose transactions had higher numbers: stop this one, and set its epoch"
            " higher with pg_resetwal --epoch"
        )
