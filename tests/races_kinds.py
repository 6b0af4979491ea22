"""What is raced for: each kind sets up its races, says what one caller does, and counts the effects in the store.

Races of a kind take turns in their shape: strangers who want the same, one who sends the same sixteen times over, and
those who want what excludes each other.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from msgspec import structs

from faults.acting import OFFICER, SUPERVISOR
from faults.lodgings import CHANGE, charged, encoded
from faults.operations import AT, World
from make import item
from tidewaiter.model.consignment import Consignment
from tidewaiter.services.acting import CannotNow, Done
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Desk, KeyTaken, Lodged, Lodging, TryAgain, lodge, lodge_all
from tidewaiter.services.refund import refund
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.store import MovedOn

LIMIT = 10**12
PART = 1_000_000


@dataclass
class Job:
    """One race: its shape, whose the consignment is and which, and what stands of a charge."""

    shape: str
    filer: str
    consignment: int = 0
    charge: str = ""
    amount: int = 0


class Told(NamedTuple):
    """What a caller was told: done, repeat or refused; and the answer, where all must have the same."""

    how: str
    answer: bytes = b""


class Kind(NamedTuple):
    """A kind of race. `together` are raced at once, by callers of so many `connections` each."""

    ready: Callable[[World, int], Awaitable[list[Job]]]
    call: Callable[[World, Sequence[Job], int], Awaitable[list[Told]]]
    effects: Callable[[World, Sequence[Job]], Awaitable[list[int]]]
    is_right: Callable[[Job, Sequence[Told]], bool]
    together: int
    connections: int


def one_was_done(job: Job, told: Sequence[Told]) -> bool:
    """Whether one caller was told that it is done, and the others that it had been, or cannot be."""
    others = "repeat" if job.shape == "again" else "refused"
    return sorted(one.how for one in told) == sorted(["done", *[others] * (len(told) - 1)])


def all_had_the_answer(job: Job, told: Sequence[Told]) -> bool:
    """The same, and where all sent the same, all had the same answer."""
    return one_was_done(job, told) and (job.shape != "again" or len({one.answer for one in told}) == 1)


async def examined(world: World, shapes: Sequence[str], count: int) -> list[Job]:
    """Consignments that the corridor wants examined, each with what stands on it of one charge."""
    filer = f"r-{secrets.token_hex(3)}"
    drawing = replace(world.law, draw_share_ppm=1_000_000)
    data = encoded(*(charged(f"{filer}-{number}") for number in range(count)))
    await lodge(Message(source="races", data=data, sender=filer), store=world.store, law=drawing, at=AT)
    async with world.store._connection() as connection:
        rows = await connection.fetch(
            "select c.id, p.charge, sum(p.credit_micro) as amount from consignments c join postings p on"
            " p.consignment_id = c.id where c.filer = $1 and c.control = 'examine' and p.account like 'revenue:%'"
            " and p.charge = (select min(charge) from postings o where o.consignment_id = c.id)"
            " group by c.id, p.charge order by c.id",
            filer,
        )
    assert len(rows) == count, "the set-up must give as many to race for"
    return [
        Job(shapes[place % len(shapes)], filer, row["id"], row["charge"], int(row["amount"]))
        for place, row in enumerate(rows)
    ]


def acting(act: Callable[[World, Job, int], Awaitable[Done]]) -> Callable[..., Awaitable[list[Told]]]:
    """What a caller does who does this in each race, all at once."""

    async def call(world: World, jobs: Sequence[Job], caller: int) -> list[Told]:
        return list(await asyncio.gather(*(_told(act(world, job, caller)) for job in jobs)))

    return call


async def _told(act: Awaitable[Done]) -> Told:
    try:
        done = await act
    except (CannotNow, MovedOn):
        return Told("refused")
    return Told("repeat" if done.is_repeat else "done" if done.is_done else "proposed")


async def releases(world: World, job: Job, caller: int) -> Done:
    """Release: as strangers, as one who sends again, or against others who refuse."""
    who, key = structs.replace(OFFICER, id=f"o.{caller}"), None
    if job.shape == "again":
        who, key = OFFICER, f"k-{job.consignment}"
    if job.shape == "against" and caller % 2:
        return await refuse(job.consignment, "no_permit", "raced", principal=who, store=world.store, at=AT)
    return await release(job.consignment, "raced", principal=who, store=world.store, at=AT, key=key)


async def refunds(world: World, job: Job, caller: int) -> Done:
    """Give back: each the whole, or one a part and the same sixteen times."""
    is_again = job.shape == "again"
    return await refund(
        job.consignment, {job.charge: PART if is_again else job.amount}, "raced",
        principal=SUPERVISOR if is_again else structs.replace(SUPERVISOR, id=f"s.{caller}"),
        key=f"k-{job.consignment}" if is_again else None, store=world.store, limit_micro=LIMIT, at=AT,
    )  # fmt: skip


async def _counted(world: World, jobs: Sequence[Job], query: str) -> list[int]:
    """What a query of (id, effects) counts for each; none where it has no row."""
    async with world.store._connection() as connection:
        found = {row[0]: int(row[1]) for row in await connection.fetch(query)}
    return [found.get(job.consignment or job.filer, 0) for job in jobs]


async def decided(world: World, jobs: Sequence[Job]) -> list[int]:
    """How often each was released or refused by people, by whichever trace of it shows most."""
    return await _counted(
        world, jobs,
        "select id, greatest((select count(*) from decisions d where d.consignment_id = c.id and d.decided_by <>"
        " 'corridor'), (select count(*) from acts a where a.consignment_id = c.id), (select count(*) from events e"
        " where e.consignment_id = c.id and e.kind = 'decided') - 1) from consignments c",
    )  # fmt: skip


async def given_back(world: World, jobs: Sequence[Job]) -> list[int]:
    """How often each was given back, by the acts, the events, or the money itself."""
    amounts = await _counted(
        world, jobs,
        "select consignment_id, sum(debit_micro) from postings where account like 'revenue:%' group by 1",
    )  # fmt: skip
    acts = await _counted(
        world, jobs,
        "select id, greatest((select count(*) from acts a where a.consignment_id = c.id and a.kind = 'refund'),"
        " (select count(*) from events e where e.consignment_id = c.id and e.kind = 'refunded')) from consignments c",
    )  # fmt: skip
    wanted = (PART if job.shape == "again" else job.amount for job in jobs)
    return [max(done, -(-given // each)) for done, given, each in zip(acts, amounts, wanted, strict=True)]


def _mine(caller: int) -> Consignment:
    """What this caller wants to declare, which no other does."""
    return charged("R", items=(item(price=f"{900 + caller}.00 GBP", hs_code="42023100"),), tracking_id=None)


def _amending(job: Job, caller: int) -> Lodging:
    """The second version of a declaration: each his own, or all the same."""
    record = structs.replace(
        _mine(0 if job.shape == "again" else caller),
        reference=job.filer, function="amendment", mrn="26GB6M4D8E1RE4WAR8", changes=(CHANGE,), version=2,
    )  # fmt: skip
    return _lodging(job, record)


def _creating(job: Job, caller: int) -> Lodging:
    """A new declaration: the same bytes under one key, other content under one key, other content of one reference."""
    if job.shape == "again":
        return _lodging(job, structs.replace(_mine(0), reference=job.filer), key="k")
    if job.shape == "one key":
        return _lodging(job, structs.replace(_mine(caller), reference=f"{job.filer}-{caller}"), key="k")
    return _lodging(job, structs.replace(_mine(caller), reference=job.filer))


def _lodging(job: Job, record: Consignment, key: str | None = None) -> Lodging:
    return Lodging(Message(source="races", data=encoded(record), sender=job.filer, received_at=AT), key)


def lodging(wanted: Callable[[Job, int], Lodging]) -> Callable[[World, Sequence[Job], int], Awaitable[list[Told]]]:
    """What a caller does who lodges this of each race: in two batches, of which nobody else has the same."""

    async def call(world: World, jobs: Sequence[Job], caller: int) -> list[Told]:
        desk, told = Desk(store=world.store, law=world.law), dict[int, Told]()
        first = {place for place in range(len(jobs)) if random.Random(f"{caller} {jobs[place].filer}").random() < 0.5}
        for batch in (first, set(range(len(jobs))) - first):
            told |= await _lodged(desk, {place: wanted(jobs[place], caller) for place in sorted(batch)})
        return [told[place] for place in range(len(jobs))]

    return call


async def _lodged(desk: Desk, lodgings: dict[int, Lodging]) -> dict[int, Told]:
    """What was told of each, by its place. Who is told to try again does, as one that got a 503."""
    told: dict[int, Told] = {}
    while left := [place for place in lodgings if place not in told]:
        for place, done in zip(left, await lodge_all([lodgings[place] for place in left], desk), strict=True):
            if isinstance(done, KeyTaken):
                told[place] = Told("refused")
            elif isinstance(done, Lodged):
                told[place] = _said(done)
            elif not isinstance(done, TryAgain):
                raise done
    return told


def _said(done: Lodged) -> Told:
    if done.is_repeat:
        return Told("repeat", done.answer)
    [result] = done.results
    if result.decision.control != "not_accepted":
        return Told("done", done.answer)
    return Told("refused" if "LDG-01" in [finding.code for finding in result.findings] else "not accepted")


async def to_be_amended(world: World, count: int) -> list[Job]:
    """Declarations that stand, each of a filer of its own."""
    jobs = await unheard_of(("strangers", "again"), count)
    desk = Desk(store=world.store, law=world.law)
    await lodge_all([_lodging(job, structs.replace(_mine(99), reference=job.filer)) for job in jobs], desk)
    return jobs


async def unheard_of(shapes: Sequence[str], count: int) -> list[Job]:
    """Filers of whom nothing has come yet."""
    mark = secrets.token_hex(3)
    return [Job(shapes[place % len(shapes)], f"f{place}-{mark}") for place in range(count)]


async def amended(world: World, jobs: Sequence[Job]) -> list[int]:
    """How many second versions stand, of each filer."""
    return await _counted(
        world, jobs,
        "select filer, count(*) from consignments where control <> 'not_accepted' and function = 'amendment'"
        " group by 1",
    )  # fmt: skip


async def created(world: World, jobs: Sequence[Job]) -> list[int]:
    """How many declarations stand of each filer, or how many assessments are posted, whichever is more."""
    return await _counted(
        world, jobs,
        "select filer, greatest(count(*), max(legs), max(keys)) from consignments c"
        " cross join lateral (select count(*) as legs from postings p where p.consignment_id = c.id and p.account like"
        " 'revenue:%' group by p.account, p.item order by 1 desc limit 1) p"
        " cross join lateral (select count(*) as keys from idempotency i where i.filer = c.filer) k"
        " where control <> 'not_accepted' group by 1",
    )  # fmt: skip


async def _to_create(_: World, count: int) -> list[Job]:
    return await unheard_of(("strangers", "again", "one key"), count)


async def _to_release(world: World, count: int) -> list[Job]:
    return await examined(world, ("strangers", "again", "against"), count)


async def _to_refund(world: World, count: int) -> list[Job]:
    return await examined(world, ("strangers", "again"), count)


KINDS = {
    "release": Kind(_to_release, acting(releases), decided, one_was_done, together=5, connections=5),
    "refund": Kind(_to_refund, acting(refunds), given_back, one_was_done, together=5, connections=5),
    "amend": Kind(to_be_amended, lodging(_amending), amended, all_had_the_answer, together=50, connections=1),
    "create": Kind(_to_create, lodging(_creating), created, all_had_the_answer, together=50, connections=1),
}
