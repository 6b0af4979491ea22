"""Training a model on the inspections that are kept, and looking whether it still fits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.risk import RANDOM
from tidewaiter.risk.drawing import stratum_of
from tidewaiter.risk.model import Drift, Examples, Inputs, Model, drift, learn
from tidewaiter.risk.model.learning import LABELLED
from tidewaiter.services.acting import NotAllowed
from tidewaiter.services.fitting import fit, fitted_by
from tidewaiter.services.learn import TOGETHER, NothingThere, Span
from tidewaiter.services.profiles import as_files, merged
from tidewaiter.services.rule import rule
from tidewaiter.services.scoring import kept_of, known_of
from tidewaiter.store import Judged, Store, StoredConsignment


async def train(span: Span, *, principal: Principal, store: Store, law: Law, at: datetime, version: int) -> Model:
    """A model of what the inspections of that time found, as that stood then. It is kept nowhere yet.

    Raises NotAllowed, NothingThere, TooFew, and CannotFit where LightGBM is missing.
    """
    law = merged(law, as_files(await store.profiles.in_force()))
    told = await _examples(span, principal=principal, store=store, law=law, known_at=at)
    return await asyncio.to_thread(
        learn, told, law, fit, at=at, jurisdiction=span.jurisdiction, version=version, fitted_by=fitted_by()
    )


async def drifted(model: Model, span: Span, *, principal: Principal, store: Store, law: Law) -> Drift:
    """How the random picks of that time that were accepted since the model was trained compare with those that it was
    measured on. Raises NotAllowed, NothingThere."""
    law = merged(law, as_files(await store.profiles.in_force()))
    told = await _examples(span, principal=principal, store=store, law=law)
    # By what it has learnt from it would be flattered.
    is_drawn = told.labelled["drawn_ppm"].is_not_null() & (told.labelled["at"] >= model.trained_at)
    if not is_drawn.any():
        raise NothingThere
    known, drawn = told.known.only(is_drawn), told.labelled.filter(is_drawn)
    return drift(model.before, model.chances(model.figures(known)), known.figures, drawn)


async def _examples(
    span: Span, *, principal: Principal, store: Store, law: Law, known_at: datetime | None = None
) -> Examples:  # fmt: skip
    """What was inspected of that time, as it was known, and what was found."""
    ruling = rule(principal, "write_profile")
    if not ruling.allowed or principal.country not in ("", span.jurisdiction):
        raise NotAllowed(ruling.policy)
    known, labelled = [], []
    after = 0
    while judged := await store.inspections.judged(**span._asdict(), after=after, size=TOGETHER, known_at=known_at):
        after = judged[-1].id
        looked = [one for one in judged if one.inspection is not None]
        ids = [one.id for one in looked]
        if not ids:
            continue
        kept = await kept_of(ids, store)
        known.append(await known_of(kept, law))
        labelled += [_labelled(one, stored, law) for one, stored in zip(looked, kept.stored, strict=True)]
    if not labelled:
        raise NothingThere
    return Examples(Inputs.joined(known), pl.DataFrame(labelled, schema=LABELLED, orient="row"))


class _Labelled(NamedTuple):
    at: datetime
    known_at: datetime
    is_wrong: bool
    drawn_ppm: int | None
    stratum: str


def _labelled(one: Judged, stored: StoredConsignment, law: Law) -> _Labelled:
    if one.inspection is None:
        raise ValueError(f"nobody looked at {one.id}")
    return _Labelled(
        at=stored.received_at.astimezone(UTC),
        known_at=one.inspection.at.astimezone(UTC),
        is_wrong=one.inspection.is_found,
        drawn_ppm=(one.drawn_ppm or law.draw_share_ppm or None) if RANDOM in one.profiles else None,
        stratum=stratum_of(stored.record),
    )
