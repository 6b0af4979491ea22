"""Why a consignment was picked, for officials; and whether the same comes out again of what was kept."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.model.inspection import Inspection
from tidewaiter.model.outcome import Signal
from tidewaiter.risk import RANDOM, Profile, ruleset
from tidewaiter.services.acting import NotThere
from tidewaiter.services.models import in_force
from tidewaiter.services.profiles import as_files, merged
from tidewaiter.services.repeat import Again, law_of, signals_again
from tidewaiter.services.rule import rule
from tidewaiter.services.scoring import Said, kept_of, said
from tidewaiter.store import Store

OTHERS_MAX = 50
"""How many others of one person are told."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A signal, with what the profile behind it is: null for the random share, and where it is not held any more."""

    signal: Signal
    title: str | None = None
    law: str | None = None
    owner: str | None = None


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """Another consignment to the same person, lodged a short while before or after."""

    id: int
    reference: str
    received_at: datetime
    control: str


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why a consignment was picked. `how` is how the last queue of its country picked it, null where that did not;
    `again` says whether the signals come out the same of what was kept. `said` is what the model in force says of it,
    null where there is none for its country. `others` are what the same person had within 30 days before or after, as
    far as the caller may read their risk: of a split purchase the first parcel looks like any other when it comes."""

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
    others: tuple[Other, ...] = ()


async def explain(id: int, *, principal: Principal, store: Store, law: Law, at: datetime) -> Explained:
    """What risk saw in a consignment. Raises NotThere, for who may not see that too."""
    stored = (await store.consignments([id])).get(id)
    if stored is None or not rule(principal, "read_risk", stored).allowed:
        raise NotThere
    seen = (await store.behind(id)).signals
    decided = (await store.inspections.decided([id])).get(id)
    digest = decided.risk_digest if decided is not None else None
    under = await law_of(digest, store=store, law=law)
    known = {} if under is None else {profile.id: profile for profile in ruleset(under).profiles}
    again = (await signals_again([id], store=store, law=law, at=at))[id]
    picked = await store.inspections.selection(jurisdiction=stored.record.jurisdiction)
    pick = next((one for one in picked.picks if one["id"] == id), {}) if picked is not None else {}
    told = None
    model = await in_force(stored.record.jurisdiction, store=store)
    if model is not None:
        now = merged(law, as_files(await store.profiles.in_force()))
        told = await said(await kept_of([id], store), model, now, selected=picked)
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
        others=await _others(id, principal=principal, store=store),
    )


async def _others(id: int, *, principal: Principal, store: Store) -> tuple[Other, ...]:
    ids = await store.history.to_same_person(id, size=OTHERS_MAX)
    found = await store.consignments(ids) if ids else {}
    return tuple(
        Other(id=one, reference=stored.record.reference, received_at=stored.received_at, control=stored.control)
        for one in ids
        if (stored := found.get(one)) is not None and rule(principal, "read_risk", stored).allowed
    )


def _reason(signal: Signal, profile: Profile | None) -> Reason:
    if profile is None or signal.profile == RANDOM:
        return Reason(signal=signal)
    return Reason(signal=signal, title=profile.title, law=profile.law, owner=profile.owner)
