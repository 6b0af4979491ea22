"""Passkeys as they are kept, and the challenges that browsers have not answered yet."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidewaiter.store.access import BEGIN_SESSION, Connect, Person

SWEPT_AT_ONCE = 10


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key of an account. `uses` is how often the device last said that it was used."""

    id: bytes
    person_id: str
    name: str
    public: bytes
    uses: int
    added_at: datetime
    used_at: datetime | None = None


class Passkeys:
    """Passkeys and challenges. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def ask(self, challenge: bytes, *, person: str | None, until: datetime, now: datetime) -> None:
        """Keep a challenge that may be answered once, until then. What may be forgotten by `now` is."""
        async with self._connect() as connection:
            await connection.execute(
                "delete from challenges where ctid = any(array(select ctid from challenges where until <= $1"
                " limit $2 for update skip locked))",
                now, SWEPT_AT_ONCE,
            )  # fmt: skip
            await connection.execute(
                "insert into challenges (challenge, person_id, until) values ($1, $2, $3)", challenge, person, until
            )

    async def answered(self, challenge: bytes, *, person: str | None, now: datetime) -> bool:
        """Whether that was asked, of this person, and may be answered now. It may not be answered again."""
        async with self._connect() as connection:
            until = await connection.fetchval(
                "delete from challenges where challenge = $1 and person_id is not distinct from $2 returning until",
                challenge, person,
            )  # fmt: skip
        return until is not None and until > now

    async def of(self, person: str) -> list[Passkey]:
        """The keys of an account, oldest first."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select * from passkeys where person_id = $1 order by added_at, id", person
            )  # fmt: skip
        return [Passkey(**row) for row in rows]

    async def one(self, id: bytes) -> tuple[Passkey, Person] | None:
        """A key and the account it is of, where that is open."""
        async with self._connect() as connection:
            key = await connection.fetchrow("select * from passkeys where id = $1", id)
            person = await connection.fetchrow(
                "select * from people where id = $1 and removed_at is null", key["person_id"] if key else None
            )
        return (Passkey(**key), Person(**person)) if key and person else None

    async def add(self, key: Passkey, *, number_max: int) -> bool:
        """Keep a key. False where it is kept already, or the account has `number_max`, or is not open with a
        password."""
        async with self._connect() as connection, connection.transaction():
            open_ = await connection.fetchval(
                "select id from people where id = $1 and removed_at is null and password <> '' for update",
                key.person_id,
            )
            number = await connection.fetchval("select count(*) from passkeys where person_id = $1", key.person_id)
            if open_ is None or number >= number_max:
                return False
            done = await connection.execute(
                "insert into passkeys (id, person_id, name, public, uses, added_at) values ($1, $2, $3, $4, $5, $6)"
                " on conflict do nothing",
                key.id, key.person_id, key.name, key.public, key.uses, key.added_at,
            )  # fmt: skip
        return bool(done == "INSERT 0 1")

    async def remove(self, id: bytes, *, person: str) -> bool:
        """Forget a key of that account. False where it has none such."""
        async with self._connect() as connection:
            done = await connection.execute("delete from passkeys where id = $1 and person_id = $2", id, person)
        return bool(done == "DELETE 1")

    async def begin_session(
        self, key: Passkey, *, uses: int, token_digest: bytes, form_token: str, at: datetime
    ) -> bool:
        """Log in the holder of a key that now says it was used so often. False where the key or the account is gone, or
        the count is not above the last one.

        One statement decides, so of two that show the same answer at once one wins. Devices that do not count say 0.
        """
        async with self._connect() as connection, connection.transaction():
            person: str | None = await connection.fetchval(
                "update passkeys k set uses = $2, used_at = $3 from people p where k.id = $1 and p.id = k.person_id"
                " and p.removed_at is null and (k.uses < $2 or (k.uses = 0 and $2 = 0)) returning p.id",
                key.id, uses, at,
            )  # fmt: skip
            if person is None:
                return False
            await connection.execute(BEGIN_SESSION, token_digest, person, form_token, at)
        return True
