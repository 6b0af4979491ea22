"""A back-test: what profiles would have hit among consignments whose outcome is known.

Entry points: `tally(batch, values, law, labels)` counts one batch, tallies add up, and `report(tally, ruleset)` makes
the figures of the sum. Each profile's hits in a batch are one row of bits, so that the table of overlaps is counted by
words of 64, however many hits there are.

What was never looked at is unknown, not clean: a hit rate is over hits that somebody looked at. Those were mostly
chosen because they looked bad, so beside it stands the rate over the hits of the random share, and that of the share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import Whole, Yes, known
from tidewaiter.model.rows import firsts
from tidewaiter.risk.intervals import Rate, rate, weighted
from tidewaiter.risk.profiles import Profile
from tidewaiter.risk.rules import Ruleset, ruleset
from tidewaiter.risk.signalling import hits
from tidewaiter.risk.views import first_parties

Bits = npt.NDArray[np.uint64]
K = TypeVar("K", bound=str | int)
UNKNOWN = "unknown"
"""The group of those whose country or sender is not known."""
_WORD = 64


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What one profile would have done. `hits` are consignments, `alone` those that no other profile hit.

    `rate` is over all hits that somebody looked at, `random` over those of the random share; `minutes` what the looks
    took, `minutes_a_day` what all hits would take at that pace and `capacity` that by the day's minutes of its lane,
    both null where it is not known. `countries` and `senders` say by group how many of each hundred of its hits are
    in it, as a fraction.
    """

    profile: str
    version: int
    lane: str
    hits: int
    hits_a_day: float
    alone: int
    alone_found: int
    rate: Rate
    random: Rate
    recovered_micro: int
    minutes: int
    minutes_a_day: float | None
    capacity: float | None
    countries: dict[str, float]
    senders: dict[str, float]

    def is_below(self, base: Rate) -> bool:
        """Whether what it hits is found wrong less often than what is drawn blindly, beyond doubt."""
        return self.rate.is_below(base)


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of all profiles over the same consignments. `base` is the rate of the random share,
    `missed` counts the consignments that no profile hits.

    `overlap` has a row and a column a profile, in their order: how many consignments both hit. `countries` and
    `senders` are the fractions of all consignments.
    """

    days: int
    consignments: int
    missed: int
    looked_at: int
    base: Rate
    profiles: tuple[Tested, ...]
    overlap: tuple[tuple[int, ...], ...]
    countries: dict[str, float]
    senders: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of whole consignments, a row for each profile by its place in the ruleset and a last one for all.

    `counts` has the columns hits, hits alone, looked at, found, found alone, where the last row counts as alone what no
    profile hits; `sums` minutes and what was recovered.
    `strata` are found and looked at of the random share by its probability, `groups` the hits by country and sender.
    """

    days: frozenset[int]
    counts: Whole
    sums: Whole
    overlap: Whole
    strata: Mapping[int, Whole]
    groups: tuple[Mapping[str, Whole], Mapping[str, Whole]]

    def __add__(self, other: Tally) -> Tally:
        """The counts of both. Of the same ruleset."""
        return Tally(
            days=self.days | other.days,
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
            overlap=self.overlap + other.overlap,
            strata=_added(self.strata, other.strata),
            groups=(_added(self.groups[0], other.groups[0]), _added(self.groups[1], other.groups[1])),
        )


def tally(batch: Batch, values: pl.DataFrame, law: Law, labels: pl.DataFrame) -> Tally:
    """What the profiles of the law hit in the batch. `values` is a frame VALUES, `labels` a frame LABELS."""
    profiles = ruleset(law).profiles
    place_of = {(profile.id, profile.version): place for place, profile in enumerate(profiles)}
    size, many = len(batch), len(profiles)
    told = _labelled(batch, labels)
    groups = (_groups(_country(batch)), _groups(told["sender"]))
    drawn, probability = _drawn(told)
    sums = np.zeros((many + 1, 2), np.int64)
    at_random = np.zeros((many + 1, len(drawn)), np.bool_)
    by_group = [np.zeros((many + 1, len(names)), np.int64) for _, names in groups]
    minutes, recovered = (known(told[name].fill_null(0)) for name in ("minutes", "recovered_micro"))
    is_hit = np.zeros((many + 1, size), np.bool_)
    is_hit[-1] = True
    for profile, places in hits(batch, values, law):
        is_hit[place_of[profile.id, profile.version], places] = True
    for place, row in enumerate(is_hit):
        which = np.flatnonzero(row)
        if not len(which):
            continue
        at_random[place] = row[drawn]
        sums[place] = minutes[which].sum(), recovered[which].sum()
        for counted, (group, names) in zip(by_group, groups, strict=True):
            counted[place] = np.bincount(group[which], minlength=len(names))
    looked = told["is_found"].is_not_null().to_numpy()
    wrong = told["is_found"].fill_null(value=False).to_numpy()
    is_wrong = wrong[drawn]
    counts, overlap = _counted(is_hit, looked, wrong)
    return Tally(
        days=frozenset(known(batch.consignments["accepted_on"].unique()).tolist()),
        counts=counts,
        sums=sums,
        overlap=overlap,
        strata={
            int(ppm): np.stack(
                [at_random[:, (probability == ppm) & is_wrong].sum(1), at_random[:, probability == ppm].sum(1)], axis=1
            )
            for ppm in np.unique(probability)
        },
        groups=(
            dict(zip(groups[0][1], by_group[0].T, strict=True)),
            dict(zip(groups[1][1], by_group[1].T, strict=True)),
        ),
    )


def report(tallied: Tally, found: Ruleset, *, minutes_a_day: Mapping[str, int] | None = None) -> Backtest:
    """The figures of the tally. `minutes_a_day` is the capacity of each lane, where it is known."""
    days = max(len(tallied.days), 1)
    strata = [
        {ppm: (int(pair[place, 0]), int(pair[place, 1])) for ppm, pair in tallied.strata.items() if pair[place, 1]}
        for place in range(len(found.profiles) + 1)
    ]
    profiles = tuple(
        _tested(profile, place, tallied, days=days, strata=strata[place], capacity=minutes_a_day or {})
        for place, profile in enumerate(found.profiles)
    )
    return Backtest(
        days=len(tallied.days),
        consignments=int(tallied.counts[-1, 0]),
        missed=int(tallied.counts[-1, 1]),
        looked_at=int(tallied.counts[-1, 2]),
        base=weighted(strata[-1]),
        profiles=profiles,
        overlap=tuple(tuple(row) for row in tallied.overlap.tolist()),
        countries=_shares(tallied.groups[0], -1),
        senders=_shares(tallied.groups[1], -1),
    )


def _tested(
    profile: Profile,
    place: int,
    tallied: Tally,
    *,
    days: int,
    strata: Mapping[int, tuple[int, int]],
    capacity: Mapping[str, int],
) -> Tested:
    hit, alone, looked, found, alone_found = (int(count) for count in tallied.counts[place])
    minutes, recovered = (int(total) for total in tallied.sums[place])
    a_day = hit / days * minutes / looked if looked and minutes else None
    in_lane = capacity.get(profile.lane)
    return Tested(
        profile=profile.id,
        version=profile.version,
        lane=profile.lane,
        hits=hit,
        hits_a_day=hit / days,
        alone=alone,
        alone_found=alone_found,
        rate=rate(found, looked),
        random=weighted(strata),
        recovered_micro=recovered,
        minutes=minutes,
        minutes_a_day=a_day,
        capacity=a_day / in_lane if a_day is not None and in_lane else None,
        countries=_shares(tallied.groups[0], place),
        senders=_shares(tallied.groups[1], place),
    )


def _labelled(batch: Batch, labels: pl.DataFrame) -> pl.DataFrame:
    """The labels consignment by consignment; null where there is none."""
    rows = batch.consignments["row"]
    if len(labels) == len(rows) and labels["row"].equals(rows):
        return labels
    if labels["row"].n_unique() != len(labels):
        raise ValueError("a consignment has two labels")
    return batch.consignments.select("row").join(labels, on="row", how="left", maintain_order="left")


def _drawn(told: pl.DataFrame) -> tuple[Whole, Whole]:
    """The places of the random share that was looked at, and the probability of each."""
    is_drawn = told["drawn_ppm"].is_not_null() & told["is_found"].is_not_null()
    return np.flatnonzero(is_drawn.to_numpy()), known(told["drawn_ppm"].filter(is_drawn))


def _country(batch: Batch) -> pl.Series:
    """The consignor's country; where none is stated, that of the first item's origin."""
    consignor = first_parties(batch, "consignor")["consignor.country"]
    if not len(batch.items) or not consignor.null_count():
        return consignor
    first = firsts(batch.items["row"], batch.consignments["row"])
    return consignor.fill_null(batch.items["origin_country"][first])


def _groups(column: pl.Series) -> tuple[Whole, list[str]]:
    """For each row the number of its group, and the groups' names in order."""
    filled = column.cast(pl.String).fill_null(UNKNOWN)
    names = filled.unique().sort().to_list()
    return filled.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64), names


def _counted(is_hit: Yes, looked: Yes, wrong: Yes) -> tuple[Whole, Whole]:
    """The counts and the overlaps of a tally. `is_hit` has a row a profile, and a last one that is true of all."""
    hit_by = is_hit[:-1].sum(axis=0, dtype=np.int32)
    # What nobody hits is most of it, and is counted by what is left.
    some = np.flatnonzero(hit_by)
    bits, alone = _packed(np.take(is_hit[:-1], some, axis=1)), _packed(hit_by[some] == 1)
    columns = [bits, bits & alone, bits & _packed(looked[some]), bits & _packed(wrong[some])]
    columns.append(columns[1] & columns[3])
    counts = np.stack([np.bitwise_count(column).sum(axis=1, dtype=np.int64) for column in columns], axis=1)
    none = hit_by == 0
    whole = [len(none), none.sum(), looked.sum(), wrong.sum(), (wrong & none).sum()]
    overlap = np.zeros((len(bits), len(bits)), np.int64)
    for place, row in enumerate(bits):
        common = np.bitwise_count(bits[place:] & row).sum(axis=1, dtype=np.int64)
        overlap[place, place:] = overlap[place:, place] = common
    return np.vstack([counts, np.array([whole], np.int64)]), overlap


def _packed(is_so: Yes) -> Bits:
    """The truths along the last axis as bits, filled up to whole words with nought."""
    size = is_so.shape[-1]
    padded = np.zeros((*is_so.shape[:-1], size + -size % _WORD), np.bool_)
    padded[..., :size] = is_so
    return np.packbits(padded, axis=-1).view(np.uint64)


def _added(some: Mapping[K, Whole], more: Mapping[K, Whole]) -> dict[K, Whole]:
    summed = dict(some)
    for key, counts in more.items():
        summed[key] = summed[key] + counts if key in summed else counts
    return summed


def _shares(groups: Mapping[str, Whole], place: int) -> dict[str, float]:
    counts = {name: int(counted[place]) for name, counted in sorted(groups.items())}
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items() if count}
