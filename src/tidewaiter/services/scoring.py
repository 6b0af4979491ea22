"""What a model says of consignments that are kept: what it may know of them, their chances, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import polars as pl

from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.past import pasts_again
from tidewaiter.risk.model import Inputs, Model, inputs
from tidewaiter.risk.model.model import Reason
from tidewaiter.store import Selected, Store, StoredConsignment

WHOLE_PPM = 1_000_000


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One reason of a model: its key and words, and the log-odds that it adds to what is usual."""

    key: str
    words: str
    adds: float


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the model in force says of a consignment: the chance, in parts in a million, that a look finds something,
    and what speaks for it. `queued_ppm` is the chance that the last queue was drawn up with, by the same model; null
    where there is none."""

    model: str
    version: int
    chance_ppm: int
    reasons: tuple[Why, ...]
    queued_ppm: int | None = None


class Kept(NamedTuple):
    """What is kept of consignments that a model is asked about: as they were lodged, in order, the signals that were
    kept with them, and what was known of what came before each."""

    stored: Sequence[StoredConsignment]
    heard: Mapping[int, Sequence[tuple[str, str, int, str]]]
    before: Mapping[int, str]


async def kept_of(ids: Sequence[int], store: Store, *, known_at: datetime | None = None) -> Kept:
    """What is kept of these, in this order; the signals as they were at that instant, or are now."""
    stored = await store.consignments(ids)
    heard = await store.inspections.signals_of(ids, known_at=known_at)
    before = await store.inspections.known_before(ids)
    return Kept([stored[id] for id in ids], heard, before)


async def known_of(kept: Kept, law: Law) -> Inputs:
    """What a model may know of these: what the corridor knew when they were lodged, and what it saw in them."""
    return await asyncio.to_thread(_known_of, kept, law)


def _known_of(kept: Kept, law: Law) -> Inputs:
    batch = Batch.of([one.record for one in kept.stored])
    rows = [
        (row, None, profile, lane, score, reason)
        for row, one in enumerate(kept.stored)
        for profile, lane, score, reason in kept.heard.get(one.id, ())
    ]
    past = pasts_again({row: kept.before[one.id] for row, one in enumerate(kept.stored) if one.id in kept.before})
    signals = pl.DataFrame(rows, schema=SIGNALS, orient="row")
    return inputs(batch, assess(batch, law, past).values, law, past, signals)


async def chances_ppm(kept: Kept, model: Model, law: Law) -> dict[int, int]:
    """By our number, the chance that a look at each finds something."""
    if not kept.stored:
        return {}
    known = await known_of(kept, law)
    chances = model.chances(model.figures(known))
    return {one.id: in_ppm(float(chance)) for one, chance in zip(kept.stored, chances, strict=True)}


async def said(kept: Kept, model: Model, law: Law, *, selected: Selected | None = None) -> Said:
    """What the model says of one consignment, and whether the queue was drawn up with the same."""
    [stored] = kept.stored
    figures = model.figures(await known_of(kept, law))
    [reasons] = model.why(figures)
    queued = None
    if selected is not None and selected.inputs.get("model") == model.digest:
        queued = dict(map(tuple, selected.inputs["chances_ppm"])).get(stored.id)
    return Said(
        model=model.digest,
        version=model.version,
        chance_ppm=in_ppm(float(model.chances(figures)[0])),
        reasons=tuple(_why(reason) for reason in reasons),
        queued_ppm=queued,
    )


def _why(reason: Reason) -> Why:
    return Why(key=reason.key, words=reason.words, adds=round(reason.adds, 6))


def in_ppm(chance: float) -> int:
    """The chance in whole parts in a million, as it is kept."""
    return round(chance * WHOLE_PPM)
