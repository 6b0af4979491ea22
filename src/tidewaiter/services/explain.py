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
    )


def _reason(signal: Signal, profile: Profile | None) -> Reason:
    if profile is None or signal.profile == RANDOM:
        return Reason(signal=signal)
    return Reason(signal=signal, title=profile.title, law=profile.law, owner=profile.owner)
