"""What people do with what was lodged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import msgspec

from faults import claims
from faults.claims import Claim
from faults.lodgings import charged, encoded, lodged
from faults.operations import AT, LATER, Job, Operation, Sent, Tell, World, put
from tidewaiter.access import Principal
from tidewaiter.services import downtime
from tidewaiter.services.acting import CannotNow, Done
from tidewaiter.services.approve import approve
from tidewaiter.services.ask import ask
from tidewaiter.services.lodge import Desk
from tidewaiter.services.present import lapse, present
from tidewaiter.services.reckon import receipt_of
from tidewaiter.services.refund import refund
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.services.reply import Saying, reply
from tidewaiter.services.reply import Sent as Document
from tidewaiter.services.show import show_to_officer
from tidewaiter.services.subscribe import subscribe
from tidewaiter.store import MovedOn
from tidewaiter.store.webhooks import AlreadyTold

OFFICER = Principal(id="o.one", kind="person", role="officer", country="GB")
SUPERVISOR = Principal(id="s.one", kind="person", role="supervisor", country="GB")
LIMIT = 10**12
REFUND = 1_000_000
Act = Callable[[World, Job, Principal], Awaitable[Done]]


async def _set_up(world: World, filer: str, control: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    [id] = await world.store.ids_of(filer, filer=filer)
    await put(world, id, control)
    return Job(filer, consignment=id)


async def _releasing(world: World, job: Job, who: Principal = OFFICER) -> Done:
    return await release(job.consignment, "seen", principal=who, store=world.store, at=AT, key=f"{job.filer}-{who.id}")


async def _refusing(world: World, job: Job, who: Principal = OFFICER) -> Done:
    return await refuse(
        job.consignment, "no_permit", "seen", principal=who, store=world.store, at=AT, key=f"{job.filer}-{who.id}"
    )


async def _giving_back(world: World, job: Job, who: Principal = SUPERVISOR) -> Done:
    [charge, *_] = sorted({leg.charge for leg in (await world.store.behind(job.consignment)).postings})
    return await refund(
        job.consignment, {charge: REFUND}, "sent back", principal=who, store=world.store, limit_micro=LIMIT, at=AT,
        key=f"{job.filer}-{who.id}",
    )  # fmt: skip


async def _asking(world: World, job: Job, who: Principal = OFFICER) -> Done:
    return await ask(
        job.consignment, "control", ("invoice",), "seen", principal=who, store=world.store, at=AT,
        key=f"{job.filer}-{who.id}",
    )  # fmt: skip


async def asked(world: World, filer: str) -> Job:
    job = await _set_up(world, filer, "hold")
    await _asking(world, job)
    source = "replies r join reply_contents c on c.reply_id = r.id where r.consignment_id = $1"
    job.after = [claims.counted("replies", source, 1, job.consignment), claims.stands(job.consignment, "hold")]
    return job


async def replied(world: World, job: Job, tell: Tell) -> None:
    filer = Principal(id=job.filer, kind="machine", role="filer", filer=job.filer)
    saying = Saying(text="Here it is.", documents=(Document(type="N380", number="1"),))
    await reply(job.consignment, saying, principal=filer, store=world.store, at=AT, key=job.filer)
    tell(job.after[0])


async def awaited(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer, declaration_type="IMD"))))
    [id] = await world.store.ids_of(filer, filer=filer)
    job = Job(filer, consignment=id)
    job.after = [
        claims.counted("presentations", "presentations where consignment_id = $1", 1, id),
        claims.counted("decisions", "decisions where consignment_id = $1", 2, id),
        claims.stands(id, "released"),
    ]
    return job


async def presented(world: World, job: Job, tell: Tell) -> None:
    carrier = Principal(id=job.filer, kind="machine", role="carrier", filer=job.filer)
    desk = Desk(store=world.store, law=world.law)
    [done] = await present([job.filer], filer=job.filer, principal=carrier, desk=desk, at=LATER)
    assert done.came in ("presented", "before")
    for claim in job.after:
        tell(claim)


async def overdue(world: World, filer: str) -> Job:
    job = await awaited(world, filer)
    job.after[-1] = claims.stands(job.consignment, "not_accepted")
    return job


async def lapsed(world: World, job: Job, tell: Tell) -> None:
    # Those of other filers too: whoever swept first, they are gone.
    while await lapse(store=world.store, law=world.law, at=AT + timedelta(days=40)):
        pass
    for claim in job.after:
        tell(claim)


async def done_by(world: World, job: Job, tell: Tell, *, act: Act, who: Principal, kind: str) -> None:
    await act(world, job, who)
    tell(claims.acted(job.consignment, kind))


async def ready_to(world: World, filer: str, *, was: str, kind: str, control: str) -> Job:
    job = await _set_up(world, filer, was)
    job.after = [claims.acted(job.consignment, kind), claims.stands(job.consignment, control)]
    return job


async def two_release(world: World, job: Job, tell: Tell) -> None:
    async def one(who: Principal) -> None:
        with suppress(CannotNow, MovedOn):
            await _releasing(world, job, who)
            tell(claims.stands(job.consignment, "released"))

    await asyncio.gather(*(one(msgspec.structs.replace(OFFICER, id=f"o.{n}")) for n in range(2)))


async def proposing(world: World, filer: str) -> Job:
    job = await _set_up(world, filer, "accepted")
    job.after = [claims.counted("proposals", "proposals where consignment_id = $1", 1, job.consignment)]
    return job


async def propose(world: World, job: Job, tell: Tell) -> None:
    done = await _releasing(world, job)
    what = "select exists (select from proposals where id = $1 and consignment_id = $2)"
    tell(Claim("what was proposed is kept", what, (done.proposal, job.consignment)))


async def approving(world: World, filer: str) -> Job:
    job = await ready_to(world, filer, was="accepted", kind="release", control="released")
    job.number = (await _releasing(world, job)).proposal or 0
    job.after.append(claims.counted("closings", "closings where proposal_id = $1 and is_approved", 1, job.number))
    return job


async def closed(world: World, job: Job, tell: Tell, *, who: Principal = SUPERVISOR, is_approved: bool = True) -> None:
    try:
        await approve(
            job.consignment, job.number, principal=who, store=world.store, at=AT, reason="seen", is_approved=is_approved
        )
    except CannotNow as cannot:
        if cannot.why != "closed":  # which is what it is told who did not hear that it had been done
            raise
    for claim in job.after:
        tell(claim)


async def on_paper(world: World, filer: str) -> Job:
    job = await _set_up(world, filer, "hold")
    job.after = [claims.stands(job.consignment, "released")]
    return job


async def entered(world: World, job: Job, tell: Tell) -> None:
    row = f"{job.consignment},hold,released,{AT.isoformat()},A. Officer,seen on paper,"
    sheet = f"{','.join(downtime.COLUMNS)}\n{row}\n".encode()
    [done] = await downtime.enter(sheet, store=world.store, at=LATER)
    assert done.outcome in ("entered", "already"), done.why
    source = "decisions where consignment_id = $1 and decided_by = 'A. Officer'"
    tell(claims.counted("decisions entered", source, 1, job.consignment))


async def address(_: World, filer: str) -> Job:
    return Job(filer, after=[claims.counted("addresses", "webhooks where filer = $1", 1, filer)])


async def subscribed(world: World, job: Job, tell: Tell) -> None:
    with suppress(AlreadyTold):
        await subscribe("http://127.0.0.1:9/", filer=job.filer, store=world.store, at=AT, excepted={"127.0.0.1"})
    tell(job.after[0])


async def looked_at(world: World, filer: str) -> Job:
    return await _set_up(world, filer, "accepted")


async def look(world: World, job: Job, tell: Tell) -> None:
    shown = await show_to_officer(job.consignment, store=world.store, at=AT, reader=OFFICER.id, with_personal=True)
    assert shown is not None
    assert shown.whole is not None
    what = "select exists (select from vault_reads where reader = $1 and $2 = any(consignment_ids))"
    tell(Claim("I10 who read what is personal is written down", what, (OFFICER.id, job.consignment)))


async def reckon(world: World, job: Job, tell: Tell) -> None:
    stored = (await world.store.consignments([job.consignment]))[job.consignment]
    await receipt_of(stored, store=world.store, law=world.law, reader=job.filer, at=AT)
    what = "select exists (select from vault_reads where reader = $1 and $2 = any(consignment_ids))"
    tell(Claim("I10 whose receipt was reckoned anew is written down", what, (job.filer, job.consignment)))


async def withdrawing(world: World, filer: str) -> Job:
    job = await _set_up(world, filer, "accepted")
    job.number = (await _releasing(world, job)).proposal or 0
    job.after = [
        claims.counted("closings", "closings where proposal_id = $1 and not is_approved", 1, job.number),
        claims.acted(job.consignment, "release", 0),
        claims.stands(job.consignment, "accepted"),
    ]
    return job


ACTS = {
    "release": Operation(
        partial(ready_to, was="hold", kind="release", control="released"),
        partial(done_by, act=_releasing, who=OFFICER, kind="release"),
    ),
    "refuse": Operation(
        partial(ready_to, was="examine", kind="refuse", control="refused"),
        partial(done_by, act=_refusing, who=OFFICER, kind="refuse"),
    ),
    "ask": Operation(
        partial(ready_to, was="hold", kind="ask", control="documents_requested"),
        partial(done_by, act=_asking, who=OFFICER, kind="ask"),
    ),
    "reply": Operation(asked, replied),
    "present": Operation(awaited, presented),
    "lapse": Operation(overdue, lapsed),
    "refund": Operation(
        partial(ready_to, was="accepted", kind="refund", control="accepted"),
        partial(done_by, act=_giving_back, who=SUPERVISOR, kind="refund"),
    ),
    "release_twice_at_once": Operation(
        partial(ready_to, was="hold", kind="release", control="released"), two_release
    ),
    "propose": Operation(proposing, propose),
    "approve": Operation(approving, closed),
    "withdraw": Operation(withdrawing, partial(closed, who=OFFICER, is_approved=False)),
    "enter_downtime": Operation(on_paper, entered),
    "subscribe": Operation(address, subscribed),
    "read_what_is_personal": Operation(looked_at, look),
    "reckon_receipt": Operation(looked_at, reckon),
}  # fmt: skip
