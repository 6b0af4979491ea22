"""Risk models that are kept: trained into a draft with its card, approved by another, active for one country.

The life is that of a profile (`services.life`). A model is measured when it is trained, on picks that came later than
what it had learnt from; whether it still fits is looked at again as long as it is in force, and written down.
"""

from __future__ import annotations

import logging
from datetime import datetime

import msgspec

from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.risk.model import Drift, Model, ModelError, card, written
from tidewaiter.services.acting import NotAllowed, NotThere
from tidewaiter.services.learn import Span
from tidewaiter.services.life import ACTIVE, keep_draft, ruled, take
from tidewaiter.services.train import drifted, train
from tidewaiter.store import Store, StoredProfile
from tidewaiter.store.profiles import Step

log = logging.getLogger(__name__)


class ModelLost(LookupError):
    """A model that is named here is not kept, or cannot be read by this release."""


def name_of(jurisdiction: str) -> str:
    """The name of a country's model: it has one, in versions."""
    return f"model-{jurisdiction.lower()}"


def digest_of(kept: StoredProfile) -> str:
    """The digest of what a kept model reckons with."""
    drafted = kept.last("drafted")
    return str(drafted.detail["digest"]) if drafted is not None else ""


async def list_models(jurisdiction: str, *, principal: Principal, store: Store) -> list[StoredProfile]:
    """The versions of the country's model, the newest first. Raises NotAllowed."""
    _here(jurisdiction, principal, "read_profiles")
    found = [one for one in await store.profiles.all("model") if one.jurisdiction == jurisdiction]
    return sorted(found, key=lambda one: -one.version)


async def draft_model(span: Span, *, principal: Principal, store: Store, law: Law, at: datetime) -> StoredProfile:
    """A model of what the inspections of that time found, kept as a draft. It is in force nowhere yet.

    Raises NotAllowed, NothingThere, TooFew, CannotFit; and CannotNow where another was kept meanwhile.
    """
    _here(span.jurisdiction, principal, "write_profile")
    before = await store.profiles.of(name_of(span.jurisdiction))
    version = max((one.version for one in before), default=0) + 1
    made = await train(span, principal=principal, store=store, law=law, at=at, version=version)
    kept = StoredProfile(
        id=name_of(span.jurisdiction), version=version, jurisdiction=span.jurisdiction, written=card(made),
        author=principal.id, at=at, kind="model",
    )  # fmt: skip
    detail = {"digest": made.digest, "measured": msgspec.to_builtins(made.measured)}
    reason = f"trained on {made.examples.looked_at} inspections"
    return await keep_draft(
        kept, principal=principal, store=store, reason=reason, detail=detail, content=(made.digest, written(made))
    )


async def step_model(
    jurisdiction: str, version: int, kind: Step, *, principal: Principal, store: Store, at: datetime, reason: str,
    drift: Drift | None = None,
) -> StoredProfile:  # fmt: skip
    """The version after the step: proposed, approved, declined or expired; or looked at for `drift`.

    Raises NotThere, NotAllowed, CannotNow; and ModelLost where it cannot be read.
    """
    _here(jurisdiction, principal, "read_profiles")
    found = [one for one in await store.profiles.of(name_of(jurisdiction)) if one.version == version]
    if kind == "approved" and found:
        await model_of(digest_of(found[0]), store=store)
    return await take(
        name_of(jurisdiction), version, kind, of="model", place=jurisdiction, check=lambda _: None,
        principal=principal, store=store, at=at, reason=reason,
        detail=None if drift is None else {"drift": msgspec.to_builtins(drift)},
    )  # fmt: skip


async def look_at_drift(
    version: int, span: Span, *, principal: Principal, store: Store, law: Law, at: datetime
) -> tuple[StoredProfile, Drift]:  # fmt: skip
    """Whether random picks of that time are as those that the version was measured on, written down as a step of its
    life. Raises NotThere, NotAllowed, NothingThere, ModelLost, CannotNow."""
    _here(span.jurisdiction, principal, "write_profile")
    kept = await store.profiles.of(name_of(span.jurisdiction))
    found = next((one for one in kept if one.version == version), None)
    if found is None:
        raise NotThere
    model = await model_of(digest_of(found), store=store)
    drift = await drifted(model, span, principal=principal, store=store, law=law)
    now = await step_model(
        span.jurisdiction, version, "backtested", principal=principal, store=store, at=at, drift=drift,
        reason=f"compared with {drift.picks} random picks",
    )  # fmt: skip
    return now, drift


def last_drift(kept: StoredProfile) -> tuple[datetime, Drift] | None:
    """What was found when it was last looked whether it still fits, and when; None where nobody has."""
    looked = kept.last("backtested")
    if looked is None:
        return None
    return looked.at, msgspec.convert(looked.detail["drift"], type=Drift)


async def in_force(jurisdiction: str, *, store: Store) -> Model | None:
    """The model that is active for the country. None where none is, and where it cannot be read: that is logged, and
    nothing else stops."""
    active = [one for one in await store.profiles.in_force("model") if one.jurisdiction == jurisdiction]
    for one in active:
        if one.state == ACTIVE:
            try:
                return await model_of(digest_of(one), store=store)
            except ModelLost as lost:
                log.warning("risk_model left_out=%s version=%d", lost, one.version)
    return None


async def model_of(digest: str, *, store: Store) -> Model:
    """The model of that digest. Raises ModelLost."""
    try:
        found = await store.profiles.model(digest)
    except ModelError:
        raise ModelLost("unreadable") from None
    if found is None:
        raise ModelLost("not kept")
    return found


def _here(jurisdiction: str, principal: Principal, action: str) -> None:
    """Raises NotAllowed where the caller may not do it, or not in that country."""
    policy = ruled(principal, action)
    if principal.country not in ("", jurisdiction):
        raise NotAllowed(policy)
