"""What inspections teach: how often each profile, detector and model was right, and what it brought.

Entry point: `feedback(judged, seen)`, pure over two frames. Every rate has its interval, and stands beside that of the
random share, which alone says how things are where nobody had a reason to look. Whether some are looked at more than
their due is told by `risk.fairness`, over the same frame.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec
import polars as pl

from tidewaiter.risk.draw import RANDOM
from tidewaiter.risk.intervals import Mean, Rate, Ratio, mean, rate, ratio, weighted

JUDGED = pl.Schema(
    {
        "id": pl.Int64,
        "origin": pl.String,
        "sender": pl.String,
        "filer": pl.String,
        "channel": pl.String,
        "is_new": pl.Boolean,
        "is_found": pl.Boolean,
        "drawn_ppm": pl.Int64,
        "model": pl.String,
        "recovered_micro": pl.Int64,
        "minutes": pl.Int64,
    }
)
"""A row a consignment. `sender` and `filer` are how large these were, and `is_new` whether the sender was never seen
before, as known at acceptance, null where that is not known. `is_found`, `recovered_micro` and `minutes` are null
where nobody looked; `drawn_ppm` is the probability of the random share where it fell to that, else null; `model` is the
digest of the model by whose score it was picked, else null. `recovered_micro` is of one currency, null also where
another was charged."""
SEEN = pl.Schema({"id": pl.Int64, "profile": pl.String})
"""A row a consignment and a profile that saw it."""
Kind = Literal["profile", "detector", "model", "random"]
_SIZES = ((0, "new"), (100, "small"), (10_000, "medium"))
_HOUR = 60


class OfSource(msgspec.Struct, frozen=True, kw_only=True):
    """How a profile, a detector, a model (by its digest) or the random share did. `seen` is how many it asked a look
    for, `rate` what was found in those looked at. `lift` is how many times the rate of the random share that is; null
    where that is not known or nought. `recovered_micro` is what all of them brought, `each_micro` what one that was
    looked at brings, `hour_micro` what an hour of looking brought, null where none was spent. `is_below` where the
    whole interval lies below the rate of the random share."""

    kind: Kind
    name: str
    seen: int
    rate: Rate
    lift: Ratio | None
    recovered_micro: int
    each_micro: Mean
    minutes: int
    hour_micro: int | None
    is_below: bool


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt. `base` is the rate of the random share, `chosen` that of what was looked at for a reason;
    `profiles` are profiles and detectors. Amounts are in `currency`, null where nobody looked; `unpriced` inspections
    were in another one, and count in no amount."""

    consignments: int
    looked_at: int
    base: Rate
    chosen: Rate
    random: OfSource
    profiles: tuple[OfSource, ...]
    models: tuple[OfSource, ...]
    recovered_micro: int
    currency: str | None = None
    unpriced: int = 0


def size_of(before: int) -> str:
    """How large one is by how many consignments came from it before: new, small, medium or large."""
    return next((name for most, name in _SIZES if before <= most), "large")


def feedback(
    judged: pl.DataFrame, seen: pl.DataFrame, *, detectors: Collection[str] = (), currency: str | None = None,
    unpriced: int = 0,
) -> Feedback:  # fmt: skip
    """What the inspections of these consignments teach. Takes frames JUDGED and SEEN, and which of the profiles are
    detectors."""
    looked = judged.filter(pl.col("is_found").is_not_null())
    drawn = judged.filter(pl.col("drawn_ppm").is_not_null())
    base, chosen = random_of(looked), found_of(looked.filter(pl.col("drawn_ppm").is_null()))
    pairs = seen.filter(pl.col("profile") != RANDOM).unique().join(judged, on="id")
    profiles = []
    for (name,), mine in sorted(pairs.group_by("profile"), key=lambda pair: str(pair[0][0])):
        kind: Kind = "detector" if name in detectors else "profile"
        profiles.append(_of_source(kind, str(name), mine, base))
    by_model = judged.filter(pl.col("model").is_not_null()).group_by("model")
    return Feedback(
        consignments=len(judged),
        looked_at=len(looked),
        base=base,
        chosen=chosen,
        random=_of_source("random", RANDOM, drawn, base, own=base),
        profiles=tuple(profiles),
        models=tuple(
            _of_source("model", str(name), mine, base)
            for (name,), mine in sorted(by_model, key=lambda pair: str(pair[0][0]))
        ),
        recovered_micro=int(looked["recovered_micro"].sum()),
        currency=currency,
        unpriced=unpriced,
    )


def _of_source(kind: Kind, name: str, mine: pl.DataFrame, base: Rate, *, own: Rate | None = None) -> OfSource:
    looked = mine.filter(pl.col("is_found").is_not_null())
    own = own or found_of(looked)
    recovered, minutes = int(looked["recovered_micro"].sum()), int(looked["minutes"].sum())
    return OfSource(
        kind=kind,
        name=name,
        seen=len(mine),
        rate=own,
        lift=None if kind == "random" else ratio(own, base),
        recovered_micro=recovered,
        each_micro=mean(looked["recovered_micro"].drop_nulls().cast(pl.Float64).to_numpy()),
        minutes=minutes,
        hour_micro=recovered * _HOUR // minutes if minutes else None,
        is_below=own.is_below(base),
    )


def found_of(looked: pl.DataFrame) -> Rate:
    """The rate of these of a frame JUDGED, of which all were looked at."""
    return rate(int(looked["is_found"].sum()), len(looked))


def random_of(looked: pl.DataFrame) -> Rate:
    """The rate of those of them that fell to the random share, each weighing what its probability says."""
    drawn = looked.filter(pl.col("drawn_ppm").is_not_null())
    by_ppm = drawn.group_by("drawn_ppm").agg(pl.col("is_found").sum(), pl.len())
    return weighted({ppm: (found, count) for ppm, found, count in by_ppm.iter_rows()})
