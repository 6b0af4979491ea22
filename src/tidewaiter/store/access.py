"""Who may call, as it is kept: machines and their keys, people, sessions, and what may not be used again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import msgspec

GUARDED = "tidewaiter_guarded"
"""The role of PostgreSQL to which the rules of rows apply."""
Connect = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


_BEGIN = "insert into sessions (token_digest, person_id, form_token, began_at, seen_at) values ($1, $2, $3, $4, $4)"


class NameTaken(ValueError):
    """There is, or was, another under that name."""


class Reader(NamedTuple):
    """Who reads, and what for, as the rules of rows are told it. What is not set is the empty text."""

    id: str
    role: str
    filer: str = ""
    office: str = ""
    country: str = ""
    purpose: str = ""
    case: str = ""
    glass: str = ""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that may call. `keys` are its public JWKs; `is_bound` where its tokens must be bound to a key."""

    id: str
    role: str
    filer: str = ""
    office: str = ""
    country: str = ""
    keys: tuple[dict[str, Any], ...]
    is_bound: bool
    added_at: datetime
    revoked_at: datetime | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account. `password` is a hash, `second_factor` a sealed secret; `last_step` the step last used of it.

    Whom an OpenID provider lets in has neither, and is known by `issuer` and `subject`.
    """

    id: str
    role: str
    filer: str = ""
    office: str = ""
    country: str = ""
    password: str
    second_factor: str
    issuer: str = ""
    subject: str = ""
    last_step: int = 0
    failures: int = 0
    locked_until: datetime | None = None
    added_at: datetime
    removed_at: datetime | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who is logged in, and the token that the forms of the session must carry."""

    person: Person
    form_token: str
    began_at: datetime
    seen_at: datetime


async def read_as(connection: asyncpg.Connection, reader: Reader) -> None:
    """From here to the end of the transaction, read as this reader and no longer as the house."""
    await connection.execute(
        "select set_config('role', $1, true), " + ", ".join(
            f"set_config('tidewaiter.{name}', ${place}, true)" for place, name in enumerate(Reader._fields, start=2)
        ),
        GUARDED, *reader,
    )  # fmt: skip


class Access:
    """What is kept of callers. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def add_client(self, client: Client) -> None:
        """Keep a machine. Raises NameTaken: a name that was revoked is not given again."""
        values = _values(client, keys=msgspec.json.encode({"keys": client.keys}))
        await self._add("clients", values)

    async def client(self, id: str) -> Client | None:
        """The machine of that name, revoked or not."""
        if "\x00" in id:
            return None
        async with self._connect() as connection:
            row = await connection.fetchrow("select * from clients where id = $1", id)
        return _client(row) if row else None

    async def clients(self) -> list[Client]:
        """All machines, by name."""
        async with self._connect() as connection:
            return [_client(row) for row in await connection.fetch("select * from clients order by id")]

    async def revoke_client(self, id: str, *, at: datetime) -> bool:
        """From now on the machine may not call. False where there is none that may."""
        async with self._connect() as connection:
            done = await connection.execute(
                "update clients set revoked_at = $2 where id = $1 and revoked_at is null", id, at
            )
        return bool(done == "UPDATE 1")

    async def use_once(self, owner: str, once: str, *, until: datetime, now: datetime) -> bool:
        """Write down that this was used. False where it had been. What may be forgotten by `now` is."""
        async with self._connect() as connection:
            done = await connection.execute(
                "insert into used_once (owner, once, until) values ($1, $2, $3) on conflict do nothing",
                owner, once, until,
            )  # fmt: skip
            await connection.execute(
                "delete from used_once where ctid = any(array(select ctid from used_once where until < $1"
                " limit 10 for update skip locked))",
                now,
            )
        return bool(done == "INSERT 0 1")

    async def add_person(self, person: Person) -> None:
        """Keep an account. Raises NameTaken."""
        await self._add("people", _values(person))

    async def person(self, id: str) -> Person | None:
        """The account of that name, removed or not."""
        if "\x00" in id:
            return None
        async with self._connect() as connection:
            row = await connection.fetchrow("select * from people where id = $1", id)
        return Person(**row) if row else None

    async def people(self) -> list[Person]:
        """All accounts, by name."""
        async with self._connect() as connection:
            return [Person(**row) for row in await connection.fetch("select * from people order by id")]

    async def remove_person(self, id: str, *, at: datetime) -> bool:
        """Close an account and end its sessions. False where there is none that is open."""
        async with self._connect() as connection, connection.transaction():
            done = await connection.execute(
                "update people set removed_at = $2 where id = $1 and removed_at is null", id, at
            )
            await connection.execute(
                "update sessions set ended_at = $2 where person_id = $1 and ended_at is null", id, at
            )
        return bool(done == "UPDATE 1")

    async def try_person(self, id: str, *, at: datetime, free: int, rest_s: int, rest_s_max: int) -> Person | None:
        """The account, for one try to log in; None where there is none that may be tried now.

        The try counts as a failure until it succeeds, in one statement: of many at once no more are let through than
        `free`, and after them one for each rest, which doubles from `rest_s` to `rest_s_max` seconds.
        """
        async with self._connect() as connection:
            row = await connection.fetchrow(
                "update people set failures = failures + 1, locked_until = case when failures + 1 < $3 then null"
                " else $2 + make_interval(secs => least($4 * 2 ^ least(failures + 1 - $3, 20), $5)) end"
                " where id = $1 and password <> '' and removed_at is null"
                " and (locked_until is null or locked_until <= $2) returning *",
                id, at, free, float(rest_s), float(rest_s_max),
            )  # fmt: skip
        return Person(**row) if row else None

    async def begin_session(
        self, person: Person, *, step: int, token_digest: bytes, form_token: str, at: datetime
    ) -> bool:
        """Log a person in with the code of a time step. False where a code of it, or of a later one, was used before.

        One statement decides, so of two that try the same code at once one wins.
        """
        async with self._connect() as connection, connection.transaction():
            done = await connection.execute(
                "update people set last_step = $2, failures = 0, locked_until = null"
                " where id = $1 and last_step < $2 and removed_at is null",
                person.id, step,
            )  # fmt: skip
            if done != "UPDATE 1":
                return False
            await connection.execute(_BEGIN, token_digest, person.id, form_token, at)
        return True

    async def enter_federated(self, person: Person, *, token_digest: bytes, form_token: str, at: datetime) -> bool:
        """Log in whom a provider let in, with the role it now has; the account is kept when it first comes. False where
        it was removed."""
        async with self._connect() as connection, connection.transaction():
            known = await connection.fetchval(
                "insert into people (id, role, filer, office, country, password, second_factor, issuer, subject,"
                " added_at) values ($1, $2, $3, $4, $5, '', '', $6, $7, $8) on conflict (issuer, subject)"
                " where issuer <> '' do update set role = $2, filer = $3, office = $4, country = $5"
                " where people.removed_at is null returning id",
                person.id, person.role, person.filer, person.office, person.country, person.issuer, person.subject, at,
            )  # fmt: skip
            if known is None:
                return False
            await connection.execute(_BEGIN, token_digest, known, form_token, at)
        return True

    async def session(self, token_digest: bytes, *, at: datetime) -> Session | None:
        """The session of that token, where it was not ended nor its account removed; when it was seen is kept."""
        async with self._connect() as connection:
            row = await connection.fetchrow(
                "select s.form_token, s.began_at, s.seen_at, p.* from sessions s join people p on p.id = s.person_id"
                " where s.token_digest = $1 and s.ended_at is null and p.removed_at is null",
                token_digest,
            )
            if row is None:
                return None
            await connection.execute("update sessions set seen_at = $2 where token_digest = $1", token_digest, at)
        own = ("form_token", "began_at", "seen_at")
        person = Person(**{name: value for name, value in row.items() if name not in own})
        return Session(person=person, **{name: row[name] for name in own})

    async def end_session(self, token_digest: bytes, *, at: datetime) -> None:
        """Log out."""
        async with self._connect() as connection:
            await connection.execute(
                "update sessions set ended_at = $2 where token_digest = $1 and ended_at is null", token_digest, at
            )

    async def _add(self, table: str, values: dict[str, Any]) -> None:
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        try:
            async with self._connect() as connection:
                await connection.execute(
                    f"insert into {table} ({', '.join(values)}) values ({places})",  # noqa: S608 - names of ours
                    *values.values(),
                )
        except asyncpg.UniqueViolationError:
            raise NameTaken(values["id"]) from None


def _values(record: msgspec.Struct, **other: Any) -> dict[str, Any]:
    return {name: other.get(name, getattr(record, name)) for name in record.__struct_fields__}


def _client(row: asyncpg.Record) -> Client:
    return Client(**{**row, "keys": tuple(msgspec.json.decode(row["keys"])["keys"])})
