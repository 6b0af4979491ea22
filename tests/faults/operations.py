"""The workload: every operation that writes, each with its set-up, what is sent, and what must have come of it.

Whatever an operation sends can be sent again, as a caller does who had no answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from joserfc.jwk import OKPKey
from msgspec import structs

from faults.claims import Claim
from tidewaiter.audit import leaf
from tidewaiter.law import Law
from tidewaiter.model.outcome import Decision
from tidewaiter.services.clear import Message
from tidewaiter.store import Store, audit

AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
LATER = AT + timedelta(hours=4)


@dataclass(frozen=True, kw_only=True)
class World:
    """Where operations are done: a store, the law, the key of the installation and a folder of files."""

    store: Store
    law: Law
    key: OKPKey
    folder: Path


class Sent(NamedTuple):
    """A message to be lodged."""

    filer: str
    data: bytes
    key: str | None = None
    columns: dict[str, str] = {}  # noqa: RUF012

    @property
    def message(self) -> Message:
        return Message(source="faults", data=self.data, sender=self.filer, columns=self.columns, received_at=AT)


@dataclass
class Job:
    """What is sent, in one piece that another process can be given, and what must hold once it was answered."""

    filer: str
    sent: list[Sent] = field(default_factory=list)
    consignment: int = 0
    number: int = 0
    schema: str = ""
    hand: tuple[str, ...] = ()
    """What the caller has in hand: a token, a secret, an address."""
    after: list[Claim] = field(default_factory=list)


Tell = Callable[[Claim], None]
"""Told at once of what was acknowledged."""


async def nothing_more(_: World, __: Job) -> list[str]:
    """Nothing but what the store shows has to be looked at."""
    return []


class Operation(NamedTuple):
    """`ready` sets up what a filer of this name will send, `do` sends it, `look` says what is wrong beside it."""

    ready: Callable[[World, str], Awaitable[Job]]
    do: Callable[[World, Job, Tell], Awaitable[None]]
    look: Callable[[World, Job], Awaitable[list[str]]] = nothing_more


async def put(world: World, id: int, control: str, *, security: str | None = None) -> None:
    """The consignment brought into a state of control, and of security where one is named, with all that belongs to
    it."""
    async with world.store.acts.on(id) as acting:
        assert acting is not None
        security = security or acting.stored.security
        if (acting.stored.security, acting.stored.control) == (security, control):
            return
        was = Decision(security=security, control=control, reasons=())
        await acting.decide(structs.replace(was, reasons=("Set up.",)), by="set-up", at=AT)
        told = leaf.decided(at=AT, by="set-up", decisions=[(id, was.security, was.control)])
        await audit.append(acting._connection, told)
