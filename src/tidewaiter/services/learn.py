"""Learning from inspections: back-tests of profiles and what became of those in force, over what is kept."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec
import polars as pl

from tidewaiter.access import Principal
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.law.rules import RiskFile
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.inspection import LABELS
from tidewaiter.model.past import Past, pasts_again
from tidewaiter.risk import RANDOM, ruleset
from tidewaiter.risk.backtest import Backtest, Tally, report, tally
from tidewaiter.risk.fairness import Fairness, fairness
from tidewaiter.risk.feedback import JUDGED, SEEN, Feedback, feedback, size_of
from tidewaiter.services.acting import NotAllowed, NotThere
from tidewaiter.services.life import ACTIVE
from tidewaiter.services.profiles import checked, file_of, folder_of, propose_expiry, step
from tidewaiter.services.rule import rule
from tidewaiter.store import Judged, Store

TOGETHER = 5_000
"""So many consignments are read from the store at once."""


class Span(NamedTuple):
    """The consignments of a country accepted from `since` on and before `until`."""

    jurisdiction: str
    since: date
    until: date


class NothingThere(LookupError):
    """No consignment was accepted there in that time."""


async def backtest(
    written: Sequence[str], span: Span, *, principal: Principal, store: Store, law: Law,
    minutes_a_day: Mapping[str, int] | None = None,
) -> Backtest:  # fmt: skip
    """What these profiles, and those in force beside them, would have hit in that time. Nothing is kept.

    A text of the same profile and version as one in force stands in its place. Raises NotAllowed, Unfit, NothingThere.
    """
    ruling = rule(principal, "write_profile")
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    folder = folder_of(principal, law)
    tried = {}
    for text in written:
        profile = checked(text, law=law, jurisdiction=folder)
        file = RiskFile(jurisdiction=folder, name=profile.id, content=tomllib.loads(text))
        tried[profile.id, profile.version] = file
    kept = [
        file_of(one, one.state != ACTIVE)
        for one in await store.profiles.in_force()
        if (one.id, one.version) not in tried
    ]
    under = law.with_profiles([*kept, *tried.values()])
    tallied: Tally | None = None
    async for judged, records in _pages(span, store):
        one = await asyncio.to_thread(_tallied, judged, records, under)
        tallied = one if tallied is None else tallied + one
    if tallied is None:
        raise NothingThere
    return report(tallied, ruleset(under), minutes_a_day=minutes_a_day)


async def backtest_kept(
    id: str, version: int, span: Span, *, principal: Principal, store: Store, law: Law, at: datetime,
    minutes_a_day: Mapping[str, int] | None = None,
) -> Backtest:  # fmt: skip
    """The same of a version that is kept, written down as a step of its life.

    Raises NotThere, CannotNow and what `backtest` does.
    """
    found = next((one for one in await store.profiles.of(id) if one.version == version), None)
    if found is None or found.jurisdiction != folder_of(principal, law):
        raise NotThere
    made = await backtest([found.written], span, principal=principal, store=store, law=law, minutes_a_day=minutes_a_day)
    own = next(one for one in made.profiles if (one.profile, one.version) == (id, version))
    figures = {
        "since": span.since.isoformat(), "until": span.until.isoformat(), "days": made.days,
        "consignments": made.consignments, "base": msgspec.to_builtins(made.base),
        "own": msgspec.to_builtins(own),
    }  # fmt: skip
    reason = f"back-tested on {made.consignments} consignments"
    await step(
        id, version, "backtested", principal=principal, store=store, law=law, at=at, reason=reason, detail=figures
    )
    return made


async def learn(
    span: Span, *, principal: Principal, store: Store, law: Law, known_at: datetime | None = None
) -> Feedback:  # fmt: skip
    """What the inspections of that time teach, as it was known at that instant, or is now. Raises NotAllowed."""
    ruling = rule(principal, "read_profiles")
    if not ruling.allowed or principal.country not in ("", span.jurisdiction):
        raise NotAllowed(ruling.policy)
    found = await _judged(span, store, law, known_at=known_at)
    detectors = {profile.id for profile in ruleset(law).profiles if profile.detector is not None}
    return feedback(found.judged, found.seen, detectors=detectors, currency=found.currency, unpriced=found.unpriced)


async def report_fairness(span: Span, *, principal: Principal, store: Store, law: Law) -> Fairness:
    """Whether some were looked at more than their due in that time. Raises NotAllowed."""
    ruling = rule(principal, "read_fairness")
    if not ruling.allowed or principal.country not in ("", span.jurisdiction):
        raise NotAllowed(ruling.policy)
    return fairness((await _judged(span, store, law)).judged)


class _Found(NamedTuple):
    """What was found in a span of time: frames JUDGED and SEEN, and what amounts are in."""

    judged: pl.DataFrame
    seen: pl.DataFrame
    currency: str | None
    unpriced: int


async def _judged(span: Span, store: Store, law: Law, *, known_at: datetime | None = None) -> _Found:
    rows, seen, currencies = [], [], []
    async for judged, records in _pages(span, store, known_at=known_at):
        scored = await store.inspections.scored([one.id for one in judged])
        sent = await asyncio.to_thread(_sent_before, judged)
        for one, record, before in zip(judged, records, sent, strict=True):
            found = one.inspection
            rows.append(
                (
                    one.id, record.items[0].origin_country if record.items else None,
                    None if before is None else size_of(before), size_of(one.filed_before), record.channel,
                    None if before is None else before == 0, found.is_found if found else None,
                    _drawn_ppm(one, law), scored.get(one.id),
                    found.recovered_micro if found else None, found.minutes if found else None,
                )
            )  # fmt: skip
            currencies.append(found.currency if found else None)
            seen += [(one.id, profile) for profile in one.profiles]
    charged = [currency for currency in currencies if currency is not None]
    now = charged[-1] if charged else None
    frame = pl.DataFrame(rows, schema=JUDGED, orient="row").with_columns(
        recovered_micro=pl.when(pl.Series(currencies, dtype=pl.String) == (now or "")).then("recovered_micro")
    )
    unpriced = sum(currency != now for currency in charged)
    return _Found(frame, pl.DataFrame(seen, schema=SEEN, orient="row"), now, unpriced)


def _sent_before(judged: Sequence[Judged]) -> list[int | None]:
    """How many consignments the sender of each was known to have sent before; None where nothing was looked up."""
    past = pasts_again({row: one.known_before for row, one in enumerate(judged) if one.known_before is not None})
    known = dict(past.parties.select("row", "seller_count").iter_rows())
    return [known.get(row) for row in range(len(judged))]


async def propose_expiries(span: Span, *, principal: Principal, store: Store, law: Law, at: datetime) -> list[str]:
    """The active profiles that are now put before an officer to expire: what they hit is found wrong less often than a
    random pick, beyond doubt. None expires by this. Raises NotAllowed."""
    ruling = rule(principal, "approve_profile")
    if not ruling.allowed:
        raise NotAllowed(ruling.policy)
    found = await learn(span, principal=principal, store=store, law=law)
    below = {one.name: one for one in found.profiles if one.is_below}
    proposed = []
    for kept in await store.profiles.in_force():
        if kept.id in below and kept.state == ACTIVE and kept.last("expiry_proposed") is None:
            own = below[kept.id]
            figures = {"base": msgspec.to_builtins(found.base), "own": msgspec.to_builtins(own)}
            await propose_expiry(kept, store=store, at=at, figures=figures)
            proposed.append(kept.id)
    return proposed


async def _pages(
    span: Span, store: Store, *, known_at: datetime | None = None
) -> AsyncIterator[tuple[list[Judged], list[Consignment]]]:
    """What is kept of that time, so many at once, with the records as lodged without what is personal."""
    after = 0
    while judged := await store.inspections.judged(**span._asdict(), after=after, size=TOGETHER, known_at=known_at):
        stored = await store.consignments([one.id for one in judged])
        yield judged, [stored[one.id].record for one in judged]
        after = judged[-1].id


def _tallied(judged: Sequence[Judged], records: Sequence[Consignment], law: Law) -> Tally:
    batch = Batch.of(records)
    labels = pl.DataFrame(
        [
            (
                row, one.inspection.is_found if one.inspection else None, _drawn_ppm(one, law),
                one.inspection.recovered_micro if one.inspection else None,
                one.inspection.minutes if one.inspection else None, size_of(one.filed_before),
            )
            for row, one in enumerate(judged)
        ],
        schema=LABELS,
        orient="row",
    )  # fmt: skip
    return tally(batch, assess(batch, law, Past()).values, law, labels)


def _drawn_ppm(one: Judged, law: Law) -> int | None:
    """The probability of the random draw, which is that of today where it was not kept, where it fell to that."""
    return (one.drawn_ppm or law.draw_share_ppm or None) if RANDOM in one.profiles else None
