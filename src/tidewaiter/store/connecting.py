"""Connecting to PostgreSQL, and refusing one that could lose what it has acknowledged."""

from __future__ import annotations

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

    Raises StoreError where the server is too old or not set to keep what it commits, MigrationError where its
    schema is not ours.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
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
        async with pool.acquire() as connection:
            await refuse_unsafe(connection)
            await migrate(connection, schema)
            await refuse_other_numbers(connection)
    except BaseException:
        await pool.close()
        raise
    return Store(pool)


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
