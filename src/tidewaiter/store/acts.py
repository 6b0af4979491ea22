"""What people do with one consignment: seen under its lock, done in one transaction, or not at all.

All that an act changes goes through `Acting`, and each act ends in `Acting.keep`: the one place where what was done is
written down, with its leaf in the audit log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.model.answer import Answer
from tidewaiter.model.outcome import Decision, Posting
from tidewaiter.store import audit, reading, replies
from tidewaiter.store.access import Connect

REPLYING = "filer"
"""Who decided, where that a filer replied brought a consignment back to be looked at."""


class MovedOn(RuntimeError):
    """The consignment is no longer in the state that was seen: somebody else acted first."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What one person proposed. `pinned` is what stood last then; `is_approved` null while it is open."""

    id: int
    consignment_id: int
    kind: str
    detail: dict[str, Any]
    pinned: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    is_approved: bool | None = None
    closed_by: str | None = None


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did, with the policy that allowed it and the reason, which is for officials."""

    at: datetime
    consignment_id: int
    kind: str
    actor: str
    policy: str
    reason: str
    detail: dict[str, Any]
    proposal_id: int | None = None
    key: str | None = None


_PROPOSALS = (
    "select p.*, c.is_approved, c.closed_by from proposals p left join closings c on c.proposal_id = p.id where "
)


class Acting:
    """One consignment under its lock, for the length of a transaction. `stored` is as it stands now."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        stored: reading.StoredConsignment,
        legs: Sequence[Posting],
        pinned: str,
        leaves: list[leaf.Leaf],
    ) -> None:
        self._connection = connection
        self.stored = stored
        self.legs = tuple(legs)
        self.pinned = pinned
        self._leaves = leaves
        self._decided: tuple[int, str, str] | None = None

    async def done_before(self, actor: str, key: str) -> Act | None:
        """The act that this person did under that Idempotency-Key."""
        row = await self._connection.fetchrow("select * from acts where actor = $1 and key = $2", actor, key)
        return _act(row) if row else None

    async def decide(
        self,
        decision: Decision,
        *,
        by: str,
        at: datetime,
        by_hand_at: datetime | None = None,
        answers: Sequence[Answer] = (),
        message: bytes = b"",
    ) -> None:
        """Put it into another state, and write down who decided and what is told. Raises MovedOn.

        `message` are the answers in the format of the message that it came in; `by_hand_at` is when it was decided by
        hand, where it is only entered at `at`.
        """
        stored = self.stored
        done = await self._connection.execute(
            "update consignments set security = $2, control = $3 where id = $1 and security = $4 and control = $5",
            stored.id, decision.security, decision.control, stored.security, stored.control,
        )  # fmt: skip
        if done != "UPDATE 1":
            raise MovedOn(stored.id)
        await self._connection.execute(
            "insert into decisions (consignment_id, decided_at, decided_by, security, control, reasons, law_digest)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            stored.id, by_hand_at or at, by, decision.security, decision.control, list(decision.reasons),
            stored.cleared.law_digest,
        )  # fmt: skip
        told: dict[str, Any] = {"answers": [answer.id for answer in answers]}
        if answers:
            told["later"] = await self._connection.fetchval(
                "insert into later_answers (consignment_id, sent_at, answers, message) values ($1, $2, $3, $4)"
                " returning id",
                stored.id, at, msgspec.json.encode(answers), message,
            )  # fmt: skip
        if by_hand_at is not None:
            told["by_hand"] = True
        await self._event("decided", at, security=decision.security, control=decision.control, **told)
        self._decided = (stored.id, decision.security, decision.control)

    async def post(self, legs: Sequence[Posting], *, at: datetime) -> None:
        """Add legs, all by one statement, as the rule that they balance asks."""
        await self._connection.copy_records_to_table(
            "postings",
            columns=["consignment_id", *Posting.__struct_fields__],
            records=[(self.stored.id, *msgspec.structs.astuple(leg)) for leg in legs],
        )
        amounts: dict[str, int] = {}
        for leg in legs:
            amounts[leg.charge] = amounts.get(leg.charge, 0) + leg.debit_micro
        await self._event("refunded", at, amounts_micro=amounts, currency=legs[0].currency)

    async def propose(
        self, kind: str, *, detail: dict[str, Any], reason: str, by: str, at: datetime, until: datetime
    ) -> int:
        """The number of the proposal, now open."""
        id: int = await self._connection.fetchval(
            "insert into proposals (consignment_id, kind, detail, pinned, reason, proposed_by, proposed_at, expires_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
            self.stored.id, kind, msgspec.json.encode(detail), self.pinned, reason, by, at, until,
        )  # fmt: skip
        return id

    async def proposed_already(self, kind: str, *, detail: dict[str, Any], by: str, at: datetime) -> int | None:
        """The number of the same proposal by the same person, where it is open and nothing has changed since."""
        found: int | None = await self._connection.fetchval(
            "select p.id from proposals p left join closings c on c.proposal_id = p.id where p.consignment_id = $1"
            " and p.kind = $2 and p.detail = $3 and p.proposed_by = $4 and p.pinned = $5 and p.expires_at >= $6"
            " and c.proposal_id is null",
            self.stored.id, kind, msgspec.json.encode(detail), by, self.pinned, at,
        )  # fmt: skip
        return found

    async def proposal(self, id: int) -> Proposal | None:
        """The proposal of that number on this consignment."""
        row = await self._connection.fetchrow(f"{_PROPOSALS} p.id = $1 and p.consignment_id = $2", id, self.stored.id)
        return _proposal(row) if row else None

    async def close(self, proposal: Proposal, *, is_approved: bool, by: str, reason: str, at: datetime) -> None:
        """End a proposal. The database refuses an approval by the same person, one too late, and a second end."""
        await self._connection.execute(
            "insert into closings (proposal_id, proposed_by, expires_at, is_approved, closed_by, closed_at, reason)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            proposal.id, proposal.proposed_by, proposal.expires_at, is_approved, by, at, reason,
        )  # fmt: skip

    async def keep(self, act: Act) -> None:
        """Write down what was done."""
        await self._connection.execute(
            "insert into acts (at, consignment_id, kind, actor, policy, reason, detail, proposal_id, key)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            act.at, act.consignment_id, act.kind, act.actor, act.policy, act.reason, msgspec.json.encode(act.detail),
            act.proposal_id, act.key,
        )  # fmt: skip
        decisions = [] if self._decided is None else [self._decided]
        self._leaves += leaf.decided(at=act.at, by=act.actor, decisions=decisions)

    async def last_decided(self) -> tuple[datetime, str]:
        """When it was put where it stands, and by whom."""
        row = await self._connection.fetchrow(
            "select decided_at, decided_by from decisions where consignment_id = $1 order by id desc limit 1",
            self.stored.id,
        )
        return row["decided_at"], row["decided_by"]

    async def has_decision(self, control: str, *, by: str, at: datetime) -> bool:
        """Whether this very decision was entered before."""
        return bool(
            await self._connection.fetchval(
                "select exists (select from decisions where consignment_id = $1 and control = $2 and decided_at = $3"
                " and decided_by = $4)",
                self.stored.id, control, at, by,
            )
        )  # fmt: skip

    async def last_reply(self) -> replies.Reply | None:
        """What was replied about this consignment last."""
        return await replies.last(self._connection, self.stored.id)

    async def replied_under(self, actor: str, key: str) -> replies.Reply | None:
        """The reply, to whatever, that this account sent under that Idempotency-Key."""
        return await replies.under(self._connection, actor, key)

    async def amended_by(self, message_id: int) -> bool:
        """Whether that message of the same filer holds an amendment of this consignment."""
        return await replies.is_amendment(self._connection, message_id, of=self.stored.id)

    async def reply(
        self, reply: replies.NewReply, decision: Decision, *, answers: Sequence[Answer], message: bytes
    ) -> int:
        """Keep what a filer replied, and put the consignment where it is looked at. The number of the reply.

        Raises MovedOn.
        """
        id = await replies.write(self._connection, reply, consignment_id=self.stored.id, filer=self.stored.filer)
        await self._event("replied", reply.at, answers=[])
        await self.decide(decision, by=REPLYING, at=reply.at, answers=answers, message=message)
        told = leaf.Replied(
            at=reply.at, by=reply.actor, filer=self.stored.filer, sha256=reply.digest.hex(),
            decisions=((self.stored.id, decision.security, decision.control),),
        )  # fmt: skip
        self._leaves.append(told)
        return id

    async def _event(self, kind: str, at: datetime, **body: Any) -> None:
        await self._connection.execute(
            "insert into events (at, filer, message_id, consignment_id, kind, body) values ($1, $2, $3, $4, $5, $6)",
            at, self.stored.filer, self.stored.message_id, self.stored.id, kind, msgspec.json.encode(body),
        )  # fmt: skip


class Acts:
    """What people did and proposed. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    @asynccontextmanager
    async def on(self, id: int) -> AsyncIterator[Acting | None]:
        """The consignment, locked while the context lasts: whoever else acts on it waits. None where there is none.

        What was done is committed at its end, and undone where it raises. Raises MovedOn where the database finds that
        somebody else was first.
        """
        try:
            async with self.together() as found:
                yield await found(id)
        except asyncpg.UniqueViolationError:
            raise MovedOn(id) from None

    @asynccontextmanager
    async def together(self, ids: Sequence[int] = ()) -> AsyncIterator[Callable[[int], Awaitable[Acting | None]]]:
        """What finds a consignment, locked, as it now stands; those of these numbers are locked from the beginning.

        What was done with all is committed at the end of the context, the leaves of the audit log last, or undone.
        """
        leaves: list[leaf.Leaf] = []
        async with self._connect() as connection, connection.transaction():
            if ids:
                await connection.execute("select from consignments where id = any($1) order by id for update", ids)
            yield lambda id: _locked(connection, id, leaves)
            if leaves:
                await audit.append(connection, leaves)

    async def of(self, id: int) -> list[Act]:
        """What was done with this consignment, in order."""
        async with self._connect() as connection:
            rows = await connection.fetch("select * from acts where consignment_id = $1 order by id", id)
        return [_act(row) for row in rows]

    async def proposals(self, id: int) -> list[Proposal]:
        """What was proposed of this consignment, newest first."""
        async with self._connect() as connection:
            rows = await connection.fetch(f"{_PROPOSALS} p.consignment_id = $1 order by p.id desc", id)
        return [_proposal(row) for row in rows]


async def _locked(connection: asyncpg.Connection, id: int, leaves: list[leaf.Leaf]) -> Acting | None:
    if await connection.fetchval("select id from consignments where id = $1 for update", id) is None:
        return None
    stored = (await reading.consignments(connection, [id]))[id]
    # No more is read than an act needs: others wait meanwhile.
    legs = await reading.legs(connection, id)
    pinned: str = await connection.fetchval(
        "select concat_ws('/', (select max(id) from decisions where consignment_id = $1),"
        " coalesce((select max(id) from postings where consignment_id = $1), 0))",
        id,
    )
    return Acting(connection, stored, legs, pinned, leaves)


def _act(row: asyncpg.Record) -> Act:
    told = {name: row[name] for name in Act.__struct_fields__}
    return Act(**{**told, "detail": msgspec.json.decode(row["detail"])})


def _proposal(row: asyncpg.Record) -> Proposal:
    told = {name: row[name] for name in Proposal.__struct_fields__}
    return Proposal(**{**told, "detail": msgspec.json.decode(row["detail"])})
