"""What officials look through and write down: broken glass, inspections, queues, risk profiles, lists of persons."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from faults import claims
from faults.acting import OFFICER, SUPERVISOR
from faults.claims import Claim
from faults.lodgings import charged, encoded, lodged
from faults.operations import AT, LATER, Job, Operation, Sent, Tell, World, put
from make import party
from tidewaiter.access import Principal
from tidewaiter.services.acting import CannotNow
from tidewaiter.services.break_glass import break_glass, look_through
from tidewaiter.services.capacity import capacity_of
from tidewaiter.services.complete import complete
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import Span, backtest_kept
from tidewaiter.services.life import keep_draft
from tidewaiter.services.profiles import draft, propose_expiry, step
from tidewaiter.services.queue import draw_up
from tidewaiter.services.repeat import repeat
from tidewaiter.services.review_glass import review_glass
from tidewaiter.services.screen import bring_in, screen_again
from tidewaiter.services.stratify import stratify
from tidewaiter.store import MovedOn, Opening, Person, StoredProfile

ANALYST = Principal(id="t.one", kind="person", role="targeter", country="GB")
OVER = AT + timedelta(minutes=61)
SPAN = Span("GB", date(2026, 1, 1), date(2027, 1, 1))
SHIFT = capacity_of('[[queue]]\nlane = "examine"\nshift = "day"\nminutes = 60\neach = 20\nsafety = "10.00"\n')
PROFILE = """
id = "fiction-{name}"
version = {version}
title = "Shirts of {name}"
owner = "Example Office"
law = "Fictional"
from = 2021-01-01
lane = "examine"
score = 40
reason = "worth {{item.value}}"
when = 'item.hs_code.startsWith("6109") && item.value > 90000'
[[match]]
item.hs_code = "61091000"
item.value = "90001"
[[no_match]]
item.hs_code = "61091000"
item.value = "90000"
"""
LIST = (
    '<CONSOLIDATED_LIST dateGenerated="2026-10-01T00:00:00"><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID>'
    "<FIRST_NAME>{0}</FIRST_NAME><SECOND_NAME>{1}</SECOND_NAME><REFERENCE_NUMBER>XXi.001</REFERENCE_NUMBER>"
    "</INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"
)


def of_office(filer: str, role: str = "officer", office: str = "000011") -> Principal:
    """An official who is nobody else's in any point."""
    return Principal(id=f"{role}.{filer}", kind="person", role=role, country="GB", office=office)


async def serving(world: World, filer: str) -> None:
    """Those officials have accounts."""
    for who in (of_office(filer), of_office(filer, "supervisor")):
        kept = Person(
            id=who.id, role=who.role, country=who.country, office=who.office, password="", second_factor="", added_at=AT
        )
        await world.store.access.add_person(kept)


async def before_glass(world: World, filer: str) -> Job:
    await serving(world, filer)
    source = "openings where person_id = $1 having count(*) >= 1"
    return Job(filer, after=[Claim("glass was broken", f"select true from {source}", (of_office(filer).id,))])


async def _break(world: World, filer: str) -> Opening:
    return await break_glass("seen here", "C-17", principal=of_office(filer), store=world.store, at=AT)


async def broke(world: World, job: Job, tell: Tell) -> None:
    opening = await _break(world, job.filer)
    what = "select exists (select from openings where id = $1 and person_id = $2 and ends_at > began_at)"
    tell(Claim("glass that was broken is kept", what, (opening.id, opening.person_id)))


async def before_looking(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    await serving(world, filer)
    opening = await _break(world, filer)
    return Job(filer, consignment=(await world.store.ids_of(filer, filer=filer))[0], number=opening.id)


async def looked_through(world: World, job: Job, tell: Tell) -> None:
    found = await look_through(job.consignment, principal=of_office(job.filer), store=world.store, at=AT)
    assert found is not None
    what = "select exists (select from glass_reads where opening_id = $1 and consignment_id = $2)"
    tell(Claim("I10 what was looked at through the glass is written down", what, (job.number, job.consignment)))


async def before_review(world: World, filer: str) -> Job:
    await serving(world, filer)
    opening = await _break(world, filer)
    return Job(
        filer,
        number=opening.id,
        after=[claims.counted("reviews", "glass_reviews where opening_id = $1", 1, opening.id)],
    )


async def reviewed(world: World, job: Job, tell: Tell) -> None:
    who = of_office(job.filer, "supervisor")
    try:
        await review_glass(
            job.number, is_justified=True, finding="as it says", principal=who, store=world.store, at=OVER
        )
    except CannotNow as cannot:
        if cannot.why != "reviewed":  # which is what it is told who did not hear that it had been done
            raise
    tell(job.after[0])


async def asked_for_security(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    [id] = await world.store.ids_of(filer, filer=filer)
    await put(world, id, "hold", security="pending")
    return Job(filer, consignment=id, after=[claims.acted(id, "complete"), claims.stands(id, "hold")])


async def completed(world: World, job: Job, tell: Tell) -> None:
    await complete(job.consignment, "answered", principal=OFFICER, store=world.store, at=AT, key=job.filer)
    tell(job.after[0])


async def to_be_examined(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    [id] = await world.store.ids_of(filer, filer=filer)
    await put(world, id, "examine")
    return Job(filer, consignment=id)


async def before_inspection(world: World, filer: str) -> Job:
    job = await to_be_examined(world, filer)
    job.after = [claims.counted("inspections", "inspections where consignment_id = $1", 1, job.consignment)]
    return job


async def inspected(world: World, job: Job, tell: Tell) -> None:
    with suppress(CannotNow, MovedOn):  # it is there already
        await inspect(
            job.consignment, ["value"], recovered_micro=10**6, minutes=20, principal=OFFICER, store=world.store, at=AT
        )
    tell(job.after[0])


async def drawn_up(world: World, job: Job, tell: Tell) -> None:
    drawn = await draw_up("GB", "day", SHIFT, principal=OFFICER, store=world.store, law=world.law, at=AT)
    assert job.consignment in {one["id"] for one in drawn.picks}
    what = "select exists (select from picks where selection = $1 and consignment_id = $2)"
    tell(Claim("who was picked is kept", what, (drawn.id, job.consignment)))


async def before_repeating(world: World, filer: str) -> Job:
    job = await to_be_examined(world, filer)
    drawn = await draw_up("GB", "day", SHIFT, principal=OFFICER, store=world.store, law=world.law, at=AT)
    return Job(filer, consignment=job.consignment, number=drawn.id)


async def repeated(world: World, job: Job, tell: Tell) -> None:
    found = await repeat("GB", job.number, principal=OFFICER, store=world.store, law=world.law, at=AT)
    assert found.picks == "same"
    what = "select exists (select from vault_reads where reader = 'repeating' and $1 = any(consignment_ids))"
    tell(Claim("I10 that the vault was opened to pick again is written down", what, (job.consignment,)))


def _written(filer: str, version: int = 1) -> str:
    return PROFILE.format(name=filer, version=version)


def _steps(filer: str, version: int, *kinds: str) -> Claim:
    """That so much was done with a version of the profile, each step once."""
    what = "select array_agg(kind order by number) = $3 from profile_events where profile = $1 and version = $2"
    return Claim(f"the profile was {', '.join(kinds)}", what, (f"fiction-{filer}", version, list(kinds)))


async def unwritten(_: World, filer: str) -> Job:
    return Job(filer, after=[_steps(filer, 1, "drafted")])


async def drafted(world: World, job: Job, tell: Tell) -> None:
    with suppress(CannotNow):  # it is there already
        await draft(_written(job.filer), principal=ANALYST, store=world.store, law=world.law, at=AT)
    tell(job.after[0])


async def untrained(_: World, filer: str) -> Job:
    drafted = "profile_events where profile = $1 and kind = 'drafted'"
    kept = "risk_models where profile = $1"
    return Job(
        filer,
        after=[
            claims.counted("the draft", drafted, 1, f"model-{filer}"),
            claims.counted("what it reckons with", kept, 1, f"model-{filer}"),
        ],
    )


async def trained(world: World, job: Job, tell: Tell) -> None:
    """What is kept of a model once it has been trained."""
    content = job.filer.encode()
    digest = hashlib.sha256(content).hexdigest()
    made = StoredProfile(
        id=f"model-{job.filer}", version=1, jurisdiction="GB", written="card", author=ANALYST.id, at=AT, kind="model"
    )
    with suppress(CannotNow):  # it is there already
        await keep_draft(
            made, principal=ANALYST, store=world.store, reason="trained", detail={"digest": digest},
            content=(digest, content),
        )  # fmt: skip
    for claim in job.after:
        tell(claim)


async def _stepped(world: World, filer: str, version: int, kind: str, who: Principal) -> None:
    await step(
        f"fiction-{filer}", version, kind, principal=who, store=world.store, law=world.law, at=AT, reason="as agreed"  # type: ignore[arg-type]
    )  # fmt: skip


async def _to_be_approved(world: World, filer: str, version: int) -> None:
    """A version that was drafted, tested and proposed."""
    await draft(_written(filer, version), principal=ANALYST, store=world.store, law=world.law, at=AT)
    await backtest_kept(
        f"fiction-{filer}", version, SPAN, principal=ANALYST, store=world.store, law=world.law, at=AT
    )  # fmt: skip
    await _stepped(world, filer, version, "proposed", ANALYST)


async def before_testing(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    await draft(_written(filer), principal=ANALYST, store=world.store, law=world.law, at=AT)
    kept = "profile_events where profile = $1 and kind = 'backtested' having count(*) >= 1"
    return Job(filer, after=[Claim("a back-test is kept", f"select true from {kept}", (f"fiction-{filer}",))])


async def tested(world: World, job: Job, tell: Tell) -> None:
    await backtest_kept(
        f"fiction-{job.filer}", 1, SPAN, principal=ANALYST, store=world.store, law=world.law, at=AT
    )  # fmt: skip
    tell(job.after[0])


async def before_approval(world: World, filer: str) -> Job:
    """A second version put before somebody, while the first is active."""
    await lodged(world, Sent(filer, encoded(charged(filer))))
    await _to_be_approved(world, filer, 1)
    await _stepped(world, filer, 1, "approved", SUPERVISOR)
    await _to_be_approved(world, filer, 2)
    life = ("drafted", "backtested", "proposed", "approved")
    return Job(filer, after=[_steps(filer, 2, *life), _steps(filer, 1, *life, "replaced")])


async def approved(world: World, job: Job, tell: Tell) -> None:
    with suppress(CannotNow):  # it is active already
        await _stepped(world, job.filer, 2, "approved", SUPERVISOR)
    for claim in job.after:
        tell(claim)


async def active(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    await _to_be_approved(world, filer, 1)
    await _stepped(world, filer, 1, "approved", SUPERVISOR)
    return Job(filer, after=[_steps(filer, 1, "drafted", "backtested", "proposed", "approved", "expiry_proposed")])


async def expiry_proposed(world: World, job: Job, tell: Tell) -> None:
    [profile] = await world.store.profiles.of(f"fiction-{job.filer}")
    await propose_expiry(profile, store=world.store, at=AT, figures={"hits": 0})
    tell(job.after[0])


async def uncounted(_: World, filer: str) -> Job:
    kept = "draw_strata where jurisdiction = $1 having count(*) >= 1"
    return Job(filer, after=[Claim("a table of strata is kept", f"select true from {kept}", (filer,))])


async def counted(world: World, job: Job, tell: Tell) -> None:
    await stratify(job.filer, store=world.store, law=world.law, at=AT)  # a country of its own, in which nothing came
    tell(job.after[0])


async def listed(world: World, filer: str) -> Job:
    """Somebody who stands, and a list of another person."""
    record = charged(filer, parties=(party("consignor"), party("consignee", name=" ".join(_names(filer)))))
    await lodged(world, Sent(filer, encoded(record)))
    source = "denied_lists where source = $1"
    return Job(filer, after=[claims.counted("states of the list", source, 1, filer)])


def _names(filer: str) -> tuple[str, str]:
    """A given name and a surname that are no other point's, nor like them."""
    digest = hashlib.sha256(filer.encode()).digest()
    word = "".join("abcdefghijklmnop"[byte % 16] for byte in digest)
    return word[:8].title(), word[8:18].title()


async def _bring_in(world: World, filer: str, *, source: str) -> None:
    data = LIST.format(*_names(filer)).encode()
    await bring_in("un", [data], store=world.store, by="faults", at=AT, source=source)


async def taken(world: World, job: Job, tell: Tell) -> None:
    await _bring_in(world, job.filer, source=job.filer)
    tell(job.after[0])


async def changed_since(world: World, filer: str) -> Job:
    job = await listed(world, filer)
    await _bring_in(world, filer, source="everybody")  # one list, of another person each time
    [id] = await world.store.ids_of(filer, filer=filer)
    of_lists, screenings = "profile = 'fiction-denied-parties'", "screenings where consignment_id = $1"
    job.after = [
        claims.counted("signals", f"signals where consignment_id = $1 and {of_lists}", 1, id),
        claims.counted("screenings", screenings, 1, id),
    ]
    return job


async def screened(world: World, job: Job, tell: Tell) -> None:
    calm = replace(world.law, draw_share_ppm=0)
    await screen_again(store=world.store, law=calm, since=AT - timedelta(days=1), at=LATER)
    for claim in job.after:
        tell(claim)


OVERSIGHT = {
    "break_glass": Operation(before_glass, broke),
    "look_through_glass": Operation(before_looking, looked_through),
    "review_glass": Operation(before_review, reviewed),
    "complete": Operation(asked_for_security, completed),
    "inspect": Operation(before_inspection, inspected),
    "draw_up_queue": Operation(to_be_examined, drawn_up),
    "repeat_queue": Operation(before_repeating, repeated),
    "draft_profile": Operation(unwritten, drafted),
    "draft_model": Operation(untrained, trained),
    "backtest_profile": Operation(before_testing, tested),
    "approve_profile": Operation(before_approval, approved),
    "propose_expiry": Operation(active, expiry_proposed),
    "count_strata": Operation(uncounted, counted),
    "take_in_list": Operation(listed, taken),
    "screen_again": Operation(changed_since, screened),
}
