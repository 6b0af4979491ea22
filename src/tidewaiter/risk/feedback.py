"""What inspections teach: how often each profile was right, and whether some are looked at more than their due.

Entry point: `feedback(judged, seen)`, pure over two frames. Every rate has its interval, and stands beside that of the
random share, which alone says how things are where nobody had a reason to look.
"""

from __future__ import annotations

import msgspec
import polars as pl

from tidewaiter.risk.draw import RANDOM
from tidewaiter.risk.intervals import Rate, rate, weighted

JUDGED = pl.Schema(
    {
        "id": pl.Int64,
        "origin": pl.String,
        "sender": pl.String,
        "is_new": pl.Boolean,
        "is_found": pl.Boolean,
        "drawn_ppm": pl.Int64,
        "recovered_micro": pl.Int64,
        "minutes": pl.Int64,
    }
)
"""A row a consignment. `is_found`, `recovered_micro` and `minutes` are null where nobody looked; `drawn_ppm` is the
probability of the random share where it fell to that, else null. `recovered_micro` is of one currency."""
SEEN = pl.Schema({"id": pl.Int64, "profile": pl.String})
"""A row a consignment and a profile that saw it."""
DIMENSIONS = ("origin", "sender", "is_new")
"""By what the report on fairness parts the consignments."""
_SIZES = ((0, "new"), (100, "small"), (10_000, "medium"))


class OfProfile(msgspec.Struct, frozen=True, kw_only=True):
    """How a profile did. `lift` is how many times the rate of the random share it found; null where that is not known
    or nought. `is_below` where its whole interval lies below that rate."""

    profile: str
    seen: int
    rate: Rate
    lift: float | None
    recovered_micro: int
    minutes: int
    is_below: bool


class OfGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How a group fared. `chosen` is the rate among those looked at for a reason, `random` that of its random share.

    `is_over_selected` where more of it than of all is looked at for a reason, and less is found than in the others that
    are, beyond doubt.
    """

    name: str
    consignments: int
    looked_at: int
    selected: float
    chosen: Rate
    random: Rate
    is_over_selected: bool


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt. `base` is the rate of the random share, `chosen` that of what was looked at for a reason;
    `groups` are by dimension."""

    consignments: int
    looked_at: int
    base: Rate
    chosen: Rate
    recovered_micro: int
    random_recovered_micro: int
    profiles: tuple[OfProfile, ...]
    groups: dict[str, tuple[OfGroup, ...]]


def size_of(filed_before: int) -> str:
    """How large a sender is by how many consignments it had sent before: new, small, medium or large."""
    return next((name for most, name in _SIZES if filed_before <= most), "large")


def feedback(judged: pl.DataFrame, seen: pl.DataFrame) -> Feedback:
    """What the inspections of these consignments teach. Takes frames JUDGED and SEEN."""
    looked = judged.filter(pl.col("is_found").is_not_null())
    is_random = pl.col("drawn_ppm").is_not_null()
    base, chosen = _random(looked), _rate(looked.filter(~is_random))
    pairs = seen.filter(pl.col("profile") != RANDOM).unique().join(judged, on="id")
    profiles = [
        _of_profile(str(name), mine, base)
        for (name,), mine in sorted(pairs.group_by("profile"), key=lambda pair: str(pair[0][0]))
    ]
    return Feedback(
        consignments=len(judged),
        looked_at=len(looked),
        base=base,
        chosen=chosen,
        recovered_micro=int(looked["recovered_micro"].sum()),
        random_recovered_micro=int(looked.filter(is_random)["recovered_micro"].sum()),
        profiles=tuple(profiles),
        groups={by: _groups(judged, by) for by in DIMENSIONS},
    )


def _of_profile(name: str, mine: pl.DataFrame, base: Rate) -> OfProfile:
    looked = mine.filter(pl.col("is_found").is_not_null())
    own = _rate(looked)
    return OfProfile(
        profile=name,
        seen=len(mine),
        rate=own,
        lift=own.rate / base.rate if own.rate is not None and base.rate else None,
        recovered_micro=int(looked["recovered_micro"].sum()),
        minutes=int(looked["minutes"].sum()),
        is_below=own.is_below(base),
    )


def _groups(judged: pl.DataFrame, by: str) -> tuple[OfGroup, ...]:
    is_chosen = pl.col("is_found").is_not_null() & pl.col("drawn_ppm").is_null()
    told = judged.with_columns(group=pl.col(by).cast(pl.String).fill_null("unknown"), is_chosen=is_chosen)
    share = int(told["is_chosen"].sum()) / len(told) if len(told) else 0.0
    found = []
    for (name,), mine in sorted(told.group_by("group"), key=lambda pair: str(pair[0][0])):
        looked = mine.filter(pl.col("is_found").is_not_null())
        chosen = _rate(mine.filter("is_chosen"))
        others = _rate(told.filter(pl.col("is_chosen") & (pl.col("group") != name)))
        selected = int(mine["is_chosen"].sum()) / len(mine)
        found.append(
            OfGroup(
                name=str(name),
                consignments=len(mine),
                looked_at=len(looked),
                selected=selected,
                chosen=chosen,
                random=_random(looked),
                is_over_selected=selected > share and chosen.is_below(others),
            )
        )
    return tuple(found)


def _rate(looked: pl.DataFrame) -> Rate:
    return rate(int(looked["is_found"].sum()), len(looked))


def _random(looked: pl.DataFrame) -> Rate:
    """The rate of those of them that fell to the random share, each weighing what its probability says."""
    by_ppm = looked.filter(pl.col("drawn_ppm").is_not_null()).group_by("drawn_ppm")
    counts = by_ppm.agg(found=pl.col("is_found").sum(), looked_at=pl.len())
    return weighted({ppm: (found, looked_at) for ppm, found, looked_at in counts.iter_rows()})
