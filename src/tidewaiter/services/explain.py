"""Why a consignment was picked, for officials; and whether the same comes out again of what was kept."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from tidewaiter.access import Principal
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.inspection import Inspection
from tidewaiter.model.outcome import Signal
from tidewaiter.model.past import Past, past_again
from tidewaiter.risk import RANDOM, Profile, ruleset, signals
from tidewaiter.risk.model import Model
from tidewaiter.services.acting import NotThere
from tidewaiter.services.profiles import as_files, merged
from tidewaiter.services.records import signals_by_row
from tidewaiter.services.rule import rule
from tidewaiter.services.scoring import Said, said
from tidewaiter.store import Store, StoredConsignment

Again = Literal["same", "differs", "not_kept", "law_changed"]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A signal, with what the profile behind it is: null for the random share, and where it is not held any more."""

    signal: Signal
    title: str | None = None
    law: str | None = None
    owner: str | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why a consignment was picked. `how` is how the last queue of its country picked it, null where that did not;
    `again` says whether the signals come out the same of what was kept. `said` is what the model in force says of it,
    null where there is none for its country."""

    id: int
    reference: str
    control: str
    risk_digest: str | None
    reasons: tuple[Reason, ...]
    again: Again
    how: str | None
    propensity_ppm: int | None
    inspections: tuple[Inspection, ...]
    said: Said | None = None


async def explain(id: int, *, principal: Principal, store: Store, law: Law, model: Model | None = None) -> Explained:
    """What risk saw in a consignment. Raises NotThere, for who may not see that too."""
    stored = (await store.consignments([id])).get(id)
    if stored is None or not rule(principal, "read_risk", stored).allowed:
        raise NotThere
    seen = (await store.behind(id)).signals
    digest = await store.profiles.decided_under(id)
    under = await _law_of(digest, store=store, law=law)
    known = {} if under is None else {profile.id: profile for profile in ruleset(under).profiles}
    again: Again = "not_kept" if digest is None else "law_changed"
    if under is not None:
        figures = await store.history.figures_of(id)
        past = Past() if figures is None else past_again(figures)
        found = await asyncio.to_thread(_signals_again, stored, under, past)
        again = "same" if found == seen else "differs"
    picked = await store.inspections.selection(jurisdiction=stored.record.jurisdiction)
    pick = next((one for one in picked.picks if one["id"] == id), {}) if picked is not None else {}
    told = None
    if model is not None and model.jurisdiction == stored.record.jurisdiction:
        heard = await store.inspections.signals_of([id])
        now = merged(law, as_files(await store.profiles.in_force()))
        told = await said(stored, heard, model, now, selected=picked)
    return Explained(
        id=id,
        reference=stored.record.reference,
        control=stored.control,
        risk_digest=digest,
        reasons=tuple(_reason(signal, known.get(signal.profile)) for signal in seen),
        again=again,
        how=pick.get("how"),
        propensity_ppm=pick.get("propensity_ppm"),
        inspections=tuple(await store.inspections.of(id)),
        said=told,
    )


async def _law_of(digest: str | None, *, store: Store, law: Law) -> Law | None:
    """The law with the profiles of that digest; None where they, or the law itself, are not those any more."""
    kept = None if digest is None else await store.profiles.of_ruleset(digest)
    if kept is None:
        return None
    under = merged(law, kept, await store.profiles.strata_of_ruleset(digest or ""))
    return under if under.risk_digest == digest else None


def _signals_again(stored: StoredConsignment, law: Law, past: Past) -> tuple[Signal, ...]:
    batch = Batch.of([stored.record])
    return signals_by_row(signals(batch, assess(batch, law, past).values, law, past), 1)[0]


def _reason(signal: Signal, profile: Profile | None) -> Reason:
    if profile is None or signal.profile == RANDOM:
        return Reason(signal=signal)
    return Reason(signal=signal, title=profile.title, law=profile.law, owner=profile.owner)
