"""Presenting goods that were declared before they were there: now they are accepted, charged and decided on.

A declaration lodged ahead of its goods stands `lodged`. As they are presented, customs takes the law of that day and
what it knows by then: what else the same person had meanwhile, the lists of denied parties and the profiles that hold.
Many are presented as one, as a lorry or a flight brings them: they go through the corridor together and are committed
together. To present what was presented before changes nothing. What is not presented in time lapses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs

from tidewaiter import pipeline
from tidewaiter.access import OPEN, Principal
from tidewaiter.assessment import KINDS as ASSESSED
from tidewaiter.clearance import CHANGED
from tidewaiter.law import Law
from tidewaiter.law.rules import Prelodging
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.outcome import Cleared, Decision
from tidewaiter.model.past import Past, pasts_again
from tidewaiter.risk.history import EPOCH, figures_later
from tidewaiter.risk.screening import Index
from tidewaiter.services.answering import answers_about
from tidewaiter.services.clear import UNREAD, Verdict, in_their_format, verdicts_of
from tidewaiter.services.comparing import found
from tidewaiter.services.preparing import Desk
from tidewaiter.services.profiles import with_profiles
from tidewaiter.services.rule import rule
from tidewaiter.store import Before, Presented, Store, StoredConsignment, StoreUnavailable

log = logging.getLogger("tidewaiter.present")

TOGETHER_MAX = 1_000
"""So many are presented at once."""
READER = "presenting"
"""Who opens the vault then: names and words are screened again, and shown to nobody."""
TOO_LATE = Kind(
    code="LDG-04",
    severity="error",
    text="The goods were not presented within {detail} days of their declaration, so it no longer holds.",
    remedy="Declare them again; the reference may be used again.",
    law="",
)
_ASSESSED = frozenset(kind.code for kind in ASSESSED)

Came = Literal["presented", "before", "not_awaited", "unknown", "hindered"]


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one that was named: presented now or before, not awaited (it was declared as being there, or has
    ended), not known, or hindered by a mistake of ours (it waits as before, and may be presented again). The number of
    the consignment, and where it stands."""

    reference: str
    came: Came
    consignment: int | None = None
    mrn: str | None = None
    security: str | None = None
    control: str | None = None


async def present(
    references: Sequence[str], *, filer: str | None, principal: Principal, desk: Desk, at: datetime
) -> list[Presentation]:
    """What became of each of up to `TOGETHER_MAX` declarations of the filer, named by its reference or its number of
    customs, in their order; of all filers where none is named. Raises StoreUnavailable."""
    store = desk.store
    named = await store.presentations.named(filer, references)
    standing = await store.consignments(list(named.values())) if named else {}
    allowed = {id for id, one in standing.items() if rule(principal, "present", one).allowed}
    awaited = [one for id, one in standing.items() if id in allowed and one.control == "lodged"]
    done: set[int] = set()
    hindered: dict[int, Exception] = {}
    if awaited:
        done, hindered = await _presented_now(awaited, desk, principal=principal, at=at)
        standing |= await store.consignments([one.id for one in awaited])
    told = []
    for reference in references:
        id = named.get(reference)
        if id is None or id not in allowed:
            told.append(Presentation(reference=reference, came="unknown"))
            continue
        one = standing[id]
        came: Came = "presented" if id in done else "before" if one.presented_at is not None else "not_awaited"
        if id in hindered and one.control == "lodged":
            came = "hindered"
        told.append(
            Presentation(
                reference=reference, came=came, consignment=id, mrn=one.mrn, security=one.security, control=one.control
            )
        )
    return told


async def present_arrived(numbers: Collection[str], *, filer: str, desk: Desk, at: datetime) -> None:
    """Presents the goods of those of these parcels of which the filer has told, as a post does by its events, that they
    are presented. Whether the event came first or the declaration is all one. Raises StoreUnavailable, and what hinders
    one of them once the others are presented."""
    found = await desk.store.presentations.arrived(filer, numbers)
    for start in range(0, len(found), TOGETHER_MAX):
        standing = await desk.store.consignments(found[start : start + TOGETHER_MAX])
        _, hindered = await _presented_now(list(standing.values()), desk, principal=OPEN, at=at)
        if hindered:
            raise next(iter(hindered.values()))


async def _presented_now(
    awaited: Sequence[StoredConsignment], desk: Desk, *, principal: Principal, at: datetime
) -> tuple[set[int], dict[int, Exception]]:
    """The numbers of those of them that are presented now, not what its filer has cancelled; and what hinders others.

    Where they fail together each half is presented by itself, until one is alone: it hinders no other."""
    store = desk.store
    changed = await store.presentations.changed([one.id for one in awaited])

    async def presented(some: Sequence[StoredConsignment]) -> tuple[set[int], dict[int, Exception]]:
        if not some:
            return set(), {}
        try:
            judged = await _judged(some, desk, changed=changed.keys(), principal=principal, at=at)
            return await store.presentations.keep(judged), {}
        except StoreUnavailable:
            raise
        except Exception as wrong:
            if len(some) == 1:
                return set(), {some[0].id: _told(some[0], wrong)}
        middle = len(some) // 2
        first, second = await presented(some[:middle]), await presented(some[middle:])
        return first[0] | second[0], first[1] | second[1]

    return await presented([one for one in awaited if "cancellation" not in changed.get(one.id, ())])


def _told(one: StoredConsignment, wrong: Exception) -> Exception:
    """What hinders a consignment, told to who runs the house: where it is in our code, never what was sent."""
    log.error("presenting_failed consignment=%d error=%s", one.id, type(wrong).__name__)
    return wrong


def _held(decision: Decision) -> Decision:
    """Before an officer in place of let go: what its filer amended is not looked at here."""
    if decision.control not in ("released", "accepted"):
        return decision
    return structs.replace(decision, control="hold", reasons=(CHANGED,))


def _actor(principal: Principal, one: StoredConsignment) -> str:
    """Whose account presents. In an open house, where nobody has one, it is the filer's name."""
    return one.filer if principal.kind == "open" else principal.id


async def _judged(
    awaited: Sequence[StoredConsignment], desk: Desk, *, changed: Collection[int], principal: Principal, at: datetime
) -> list[Presented]:
    store = desk.store
    ids = [one.id for one in awaited]
    law = await with_profiles(desk.law, store=store, at=at)
    held = await desk.shelf.held() if desk.shelf is not None else None
    whole = await store.open_vault(ids, purpose="assess", reader=READER, at=at)
    before = await store.presentations.before(ids, until=at)
    figures = {id: _figures(before.get(id, Before(None)), at=at) for id in ids}
    days = [_today(law, one.record.jurisdiction, at) for one in awaited]
    records = [structs.replace(whole[one.id], accepted_on=day) for one, day in zip(awaited, days, strict=True)]
    past = pasts_again({row: told for row, id in enumerate(ids) if (told := figures[id]) is not None})
    own = [_stands(one, law, day) for one, day in zip(awaited, days, strict=True)]
    index = None if held is None else held.index
    verdicts = await asyncio.to_thread(_verdicts, records, own, law, past, index)
    lists, risk_digest = None if held is None else held.ids, law.risk_digest
    judged = []
    for one, record, verdict in zip(awaited, records, verdicts, strict=True):
        decided = verdict._replace(decision=_held(verdict.decision)) if one.id in changed else verdict
        judged.append(
            _presented(
                one, record, decided, figures[one.id], lists=lists, risk_digest=risk_digest,
                by=_actor(principal, one), at=at,
            )
        )  # fmt: skip
    return judged


def _verdicts(
    records: Sequence[Consignment], own: Sequence[tuple[Finding, ...]], law: Law, past: Past, lists: Index | None
) -> list[Verdict]:
    batch = Batch.of(records)
    return verdicts_of(batch, own, law, pipeline.present(batch, law, past, lists))


def _figures(before: Before, *, at: datetime) -> str | None:
    """What is known now of what came before, where anything was looked up when it was lodged."""
    if before.figures is None or before.own is None:
        return before.figures
    lodged_at = EPOCH + timedelta(microseconds=before.own.at)
    return figures_later(before.figures, before.own, before.others, wait=at - lodged_at)


def _stands(one: StoredConsignment, law: Law, day: date) -> tuple[Finding, ...]:
    """What was found when it was lodged and still stands; what assessment found then is found anew."""
    findings = tuple(finding for finding in one.cleared.findings if finding.code not in _ASSESSED)
    lodged_on = one.cleared.accepted_on or day
    rule = law.prelodging(one.record.jurisdiction, lodged_on)
    if rule is None or (day - lodged_on).days <= rule.within_d:
        return findings
    return (*findings, _too_late(rule))


def _too_late(rule: Prelodging) -> Finding:
    return structs.replace(found(TOO_LATE, str(rule.within_d), "/declaration_type"), law=rule.source)


async def lapse(*, store: Store, law: Law, at: datetime) -> int:
    """How many declarations lapsed, up to `TOGETHER_MAX`: their goods were not presented within the days that law
    gives. They are as if they had never been lodged. Raises StoreUnavailable."""
    rules = {
        country: (rule, today)
        for country in sorted(law.known)
        if (rule := law.prelodging(country, today := _today(law, country, at))) is not None
    }
    last = {country: today - timedelta(days=rule.within_d) for country, (rule, today) in rules.items()}
    overdue = await store.consignments(await store.presentations.overdue(last, size=TOGETHER_MAX))
    gone = [_lapsed(one, rules[one.record.jurisdiction][0], at) for one in overdue.values()]
    return len(await store.presentations.keep(gone)) if gone else 0


def _today(law: Law, country: str, at: datetime) -> date:
    return at.astimezone(ZoneInfo(law.time_zone(country))).date()


def _lapsed(one: StoredConsignment, rule: Prelodging, at: datetime) -> Presented:
    findings = (*one.cleared.findings, _too_late(rule))
    cleared: Cleared = structs.replace(one.cleared, findings=findings, decision=UNREAD)
    answers = answers_about(one.record, cleared, id=f"{one.id}-lapsed", at=at)
    return Presented(
        id=one.id, at=at, by=None, cleared=cleared, answers=answers, message=in_their_format(cleared.format, answers),
        postings=(), signals=(), lists=None, risk_digest="", drawn_ppm=None, figures=None,
    )  # fmt: skip


def _presented(
    one: StoredConsignment, record: Consignment, verdict: Verdict, figures: str | None, *,
    lists: tuple[int, ...] | None, risk_digest: str, by: str, at: datetime,
) -> Presented:  # fmt: skip
    cleared: Cleared = structs.replace(
        one.cleared, accepted_on=record.accepted_on, regime=verdict.regime, findings=verdict.findings,
        charges=verdict.charges, totals=verdict.totals, decision=verdict.decision, law_digest=verdict.law_digest,
    )  # fmt: skip
    # What an official asks on security meanwhile stands, and has been told.
    told = cleared if one.security == "pending" else _silent(cleared)
    answers = answers_about(record, told, id=f"{one.id}-presented", at=at)
    return Presented(
        id=one.id, at=at, by=by, cleared=cleared, answers=answers,
        message=in_their_format(cleared.format, answers), postings=verdict.postings, signals=verdict.signals,
        lists=lists, risk_digest=risk_digest, drawn_ppm=verdict.drawn_ppm, figures=figures,
    )  # fmt: skip


def _silent(cleared: Cleared) -> Cleared:
    """The same with nothing said on security."""
    return structs.replace(cleared, decision=structs.replace(cleared.decision, security="pending"))
