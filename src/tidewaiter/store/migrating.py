"""Bringing the schema up to date: numbered SQL files, each applied once, in order, and never changed afterwards."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import NamedTuple

import asyncpg

LOCK = 0x7469_6465
"""The advisory lock under which one process migrates at a time."""


class MigrationError(RuntimeError):
    """The database and this release do not agree on the migrations."""


class Migration(NamedTuple):
    """One file: its name, its SQL, and the SHA-256 of that in hexadecimal."""

    name: str
    sql: str
    digest: str


def migrations() -> list[Migration]:
    """The migrations of this release, in order."""
    folder = resources.files("tidewaiter.store") / "migrations"
    found = [
        Migration(path.name, text := path.read_text(encoding="utf-8"), hashlib.sha256(text.encode()).hexdigest())
        for path in folder.iterdir()
        if path.name.endswith(".sql")
    ]
    return sorted(found)


async def migrate(connection: asyncpg.Connection, schema: str, found: list[Migration] | None = None) -> list[str]:
    """The names of the migrations that were missing and have now been applied, each in a transaction of its own.

    `found` is for tests. Raises MigrationError where an applied migration has changed or is not known here.
    """
    known = migrations() if found is None else found
    await connection.execute("select pg_advisory_lock($1)", LOCK)
    try:
        await connection.execute(f'create schema if not exists "{schema}"')
        await connection.execute(
            "create table if not exists migrations (name text primary key, digest text not null,"
            " applied_at timestamptz not null default now())"
        )
        applied = dict(await connection.fetch("select name, digest from migrations order by name"))
        _agree(known, applied)
        missing = [one for one in known if one.name not in applied]
        for one in missing:
            async with connection.transaction():
                await connection.execute(one.sql)
                await connection.execute("insert into migrations (name, digest) values ($1, $2)", one.name, one.digest)
        return [one.name for one in missing]
    finally:
        await connection.execute("select pg_advisory_unlock($1)", LOCK)


def _agree(known: list[Migration], applied: dict[str, str]) -> None:
    by_name = {one.name: one for one in known}
    for name, digest in applied.items():
        if name not in by_name:
            raise MigrationError(f"the database has {name}, which this release does not know: run a newer one")
        if by_name[name].digest != digest:
            raise MigrationError(f"{name} has changed since it was applied: add a new migration instead")
    late = [one.name for one in known if one.name not in applied and applied and one.name < max(applied)]
    if late:
        raise MigrationError(f"{late[0]} comes before migrations that are applied already: give it a higher number")
