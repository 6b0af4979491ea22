"""Whether some are looked at more than their due: by origin, size and novelty, beside the random share.

Entry point: `fairness(judged)`, pure over a frame JUDGED of `risk.feedback`. Where it is a lawful reason that goods
come from a country, more of them are looked at, more is found, and so still more are looked at. The random share does
not turn with that, so it stands beside each group; and a group that is looked at more though less is found in it is
marked.

Few cases say little and may point at one firm: groups of fewer than `GROUP_MIN` consignments are told together, and
what was found among fewer than `LOOKED_MIN` that were looked at is not told.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import polars as pl

from tidewaiter.risk.feedback import found_of, random_of
from tidewaiter.risk.intervals import Rate, rate

DIMENSIONS = ("origin", "sender", "filer", "is_new", "channel")
"""By what the report parts the consignments; each is a column of JUDGED."""
UNKNOWN, FEW = "unknown", "few"
GROUP_MIN = 10
LOOKED_MIN = 5


class OfGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How a group fared. `selected` is how many of it were looked at for a reason, `chosen` what was found in those,
    and `random` what was in its random share; null where too few were looked at to tell.

    `is_over_selected` where more of it than of the others is looked at for a reason, and less is found than in the
    others that are, both beyond doubt.
    """

    name: str
    consignments: int
    selected: Rate
    chosen: Rate | None
    random: Rate | None
    is_over_selected: bool


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `selected`, `chosen` and `random` are of all; `groups` are by dimension, the group FEW last. `drawn`
    is how many fell to the random share, looked at or not."""

    consignments: int
    drawn: int
    selected: Rate
    chosen: Rate | None
    random: Rate | None
    groups: dict[str, tuple[OfGroup, ...]]


class _Counts(NamedTuple):
    """Of consignments outside the random share: how many, how many of them were looked at, and what was found."""

    selected: Rate
    chosen: Rate
    random: Rate


def fairness(judged: pl.DataFrame) -> Fairness:
    """How the consignments of a frame JUDGED fared, by group."""
    whole = _counts(judged)
    return Fairness(
        consignments=len(judged),
        drawn=int(judged["drawn_ppm"].is_not_null().sum()),
        selected=whole.selected,
        chosen=_told(whole.chosen),
        random=_told(whole.random),
        groups={by: _groups(judged, by) for by in DIMENSIONS},
    )


def _counts(some: pl.DataFrame) -> _Counts:
    looked = some.filter(pl.col("is_found").is_not_null())
    apart = some.filter(pl.col("drawn_ppm").is_null())
    chosen = apart.filter(pl.col("is_found").is_not_null())
    # Who fell to the random share is looked at whoever it is, so it says nothing of who is chosen.
    return _Counts(rate(len(chosen), len(apart)), found_of(chosen), random_of(looked))


def _told(found: Rate) -> Rate | None:
    return found if found.looked_at >= LOOKED_MIN else None


def _groups(judged: pl.DataFrame, by: str) -> tuple[OfGroup, ...]:
    named = judged.with_columns(group=pl.col(by).cast(pl.String).fill_null(UNKNOWN))
    few = _few(dict(named["group"].value_counts().iter_rows()))
    named = named.with_columns(group=pl.when(pl.col("group").is_in(sorted(few))).then(pl.lit(FEW)).otherwise("group"))
    found = []
    for (name,), mine in sorted(named.group_by("group"), key=lambda pair: (pair[0][0] == FEW, str(pair[0][0]))):
        own, others = _counts(mine), _counts(named.filter(pl.col("group") != name))
        chosen = _told(own.chosen)
        found.append(
            OfGroup(
                name=str(name),
                consignments=len(mine),
                selected=own.selected,
                chosen=chosen,
                random=_told(own.random),
                is_over_selected=chosen is not None
                and others.selected.is_below(own.selected)
                and own.chosen.is_below(others.chosen),
            )
        )
    return tuple(found)


def _few(sizes: dict[str, int]) -> set[str]:
    """The groups that are told together: the small ones, and the next larger where they alone would still be few."""
    few: set[str] = set()
    count = 0
    for name, size in sorted(sizes.items(), key=lambda pair: (pair[1], pair[0])):
        if size >= GROUP_MIN and not 0 < count < GROUP_MIN:
            break
        few.add(name)
        count += size
    return few
