"""What a model says of consignments that are kept: what it may know of them, their chances, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
import polars as pl

from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.past import Past
from tidewaiter.risk.model import Inputs, Model, inputs
from tidewaiter.risk.model.model import Reason
from tidewaiter.store import Selected, StoredConsignment

WHOLE_PPM = 1_000_000
Heard = Mapping[int, Sequence[tuple[str, str, int, str]]]
"""By our number of the consignment: profile, lane, score and reason of each signal that is kept."""


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


async def known_of(stored: Sequence[StoredConsignment], heard: Heard, law: Law) -> Inputs:
    """What a model may know of these: as they were lodged, and the signals that were kept with them."""
    return await asyncio.to_thread(_known_of, stored, heard, law)


def _known_of(stored: Sequence[StoredConsignment], heard: Heard, law: Law) -> Inputs:
    batch = Batch.of([one.record for one in stored])
    rows = [
        (row, None, profile, lane, score, reason)
        for row, one in enumerate(stored)
        for profile, lane, score, reason in heard.get(one.id, ())
    ]
    # Of the past there is what the signals of detectors kept of it: it is not told again of what was lodged long ago.
    past = Past()
    signals = pl.DataFrame(rows, schema=SIGNALS, orient="row")
    return inputs(batch, assess(batch, law, past).values, law, past, signals)


async def chances_ppm(stored: Sequence[StoredConsignment], heard: Heard, model: Model, law: Law) -> dict[int, int]:
    """By our number, the chance that a look at each finds something."""
    if not stored:
        return {}
    known = await known_of(stored, heard, law)
    chances = model.chances(model.figures(known))
    return {one.id: in_ppm(float(chance)) for one, chance in zip(stored, chances, strict=True)}


async def said(
    stored: StoredConsignment, heard: Heard, model: Model, law: Law, *, selected: Selected | None = None
) -> Said:
    """What the model says of one consignment, and whether the queue was drawn up with the same."""
    figures = model.figures(await known_of([stored], heard, law))
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
