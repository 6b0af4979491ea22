"""How much of what was planted is seen: recall by scheme with intervals, false alarms, and weeks until a new scheme
shows.

All of it is true of this made-up world alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np
import polars as pl

from tidewaiter.risk import RANDOM, is_drawn
from tidewaiter.simulation.drafts import honest_week
from tidewaiter.simulation.inspecting import MISS
from tidewaiter.simulation.planting import NUMBER, Plan, plant
from tidewaiter.simulation.running import CAPACITY, Week, picks
from tidewaiter.simulation.world import World

Z = 1.959964
"""Standard deviations on either side that hold 95 of a hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        """The share; nought of nought is nought."""
        return self.hits / self.of if self.of else 0.0

    def interval(self) -> tuple[float, float]:
        """Between what the true share lies, with 95 % certainty. Source: Wilson, JASA 22 (1927) 209-212."""
        if not self.of:
            return 0.0, 1.0
        n, p, z2 = self.of, self.rate, Z * Z
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Of one scheme how much was picked: parcels, cases (a purchase that was split is one), and of its loss.

    Of purchases in several parcels `from_second` and `from_third` leave out what came first: as it is declared nothing
    tells the first parcel from any other, and before the third there is no more than a pair.
    """

    parcels: Share
    from_second: Share
    from_third: Share
    cases: Share
    loss: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What some weeks gave. `alarmed`: honest parcels that some profile hit; `picked`: honest parcels inspected."""

    recalls: dict[str, Recall]
    precision: Share
    alarmed: Share
    picked: Share


def measured(weeks: Iterable[Week]) -> Measured:
    """What the picks of these weeks caught. Parcels of a scheme count where they were picked, whether or not the
    inspection then saw it."""
    parts = []
    for place, week in enumerate(weeks):
        hit = week.outcome.signals.filter(pl.col("profile") != RANDOM)["row"]
        parts.append(
            week.truth.with_columns(
                week=pl.lit(place, pl.Int64),
                is_picked=pl.col("row").is_in(week.picked.implode()),
                is_hit=pl.col("row").is_in(hit.implode()),
            )
        )
    whole = pl.concat(parts)
    honest, planted = whole.filter(pl.col("scheme").is_null()), whole.filter(pl.col("scheme").is_not_null())
    recalls = {name: _recall(some) for (name,), some in planted.group_by("scheme", maintain_order=True)}
    return Measured(
        recalls={str(name): found for name, found in sorted(recalls.items(), key=lambda pair: str(pair[0]))},
        precision=Share(hits=int(planted["is_picked"].sum()), of=int(whole["is_picked"].sum())),
        alarmed=_share(honest["is_hit"]),
        picked=_share(honest["is_picked"]),
    )


def _share(marks: pl.Series) -> Share:
    return Share(hits=int(marks.sum()), of=len(marks))


def _recall(some: pl.DataFrame) -> Recall:
    of_cases = some.filter(pl.col("case") > 0).select("is_picked", place=pl.int_range(pl.len()).over("week", "case"))
    own = pl.when(pl.col("case") == 0).then(-1 - pl.col("row").cast(pl.Int64)).otherwise(pl.col("case"))
    cases = some.group_by("week", own).agg(pl.col("is_picked").any())["is_picked"]
    loss = some["loss_micro"] // 1_000_000
    return Recall(
        parcels=_share(some["is_picked"]),
        from_second=_share(of_cases.filter(pl.col("place") >= 1)["is_picked"]),
        from_third=_share(of_cases.filter(pl.col("place") >= 2)["is_picked"]),
        cases=_share(cases),
        loss=Share(hits=int(loss.filter(some["is_picked"]).sum()), of=int(loss.sum())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """How long a new scheme stayed unseen by random picks. `share` of the capacity was random; `a_week` inspections
    came of it, `prevalence` of all parcels were of the scheme. `weeks` until one was found, for every draw (infinite:
    not within the time looked at); `by_rule` is the week by which three in a hundredth as many are expected, so that
    the rule of three has it found by then with 95 % certainty."""

    share: float
    a_week: float
    prevalence: float
    weeks: Sequence[float]
    by_rule: int

    @property
    def median(self) -> float:
        """The week by which half of the draws found it."""
        return sorted(self.weeks)[len(self.weeks) // 2]

    @property
    def found_by_then(self) -> Share:
        """How many draws found it by the week of the rule."""
        return Share(hits=sum(week <= self.by_rule for week in self.weeks), of=len(self.weeks))


def noticed(
    world: World, *, seed: int, scheme: str, plan: Plan, parcels: int, shares: Sequence[float], weeks: int, draws: int
) -> list[Noticed]:
    """Weeks from its first until a random pick finds the scheme, over so many independent draws by keyed hash."""
    planted, sizes = _planted(world, seed=seed, scheme=scheme, plan=plan, parcels=parcels, weeks=weeks)
    rng = np.random.Generator(np.random.PCG64([seed, 9]))
    prevalence = sum(map(len, planted)) / sum(sizes)
    found = []
    for share in shares:
        share_ppm = round(CAPACITY * share * 1_000_000)
        a_week = sum(sizes) / len(sizes) * CAPACITY * share
        until = [
            _until(planted, rng, key=f"draw {seed} {share} {draw}".encode(), share_ppm=share_ppm)
            for draw in range(draws)
        ]
        by_rule = ceil(3 / (prevalence * (1 - MISS) * a_week))
        found.append(Noticed(share=share, a_week=a_week, prevalence=prevalence, weeks=until, by_rule=by_rule))
    return found


def _planted(
    world: World, *, seed: int, scheme: str, plan: Plan, parcels: int, weeks: int
) -> tuple[list[list[str]], list[int]]:
    """The references of the scheme's parcels week by week from its first, and how many parcels there were."""
    first = plan.later.get(scheme, 0)
    planted, sizes = [], []
    for week in range(first, first + weeks):
        rng = np.random.Generator(np.random.PCG64([seed, week]))
        draft = plant(rng, world, honest_week(rng, world, week, parcels), week=week, plan=plan)
        rows = np.flatnonzero(draft.scheme == NUMBER[scheme])
        planted.append([f"W{seed}-{week}-{row}" for row in rows])
        sizes.append(len(draft))
    return planted, sizes


def _until(planted: Sequence[Sequence[str]], rng: np.random.Generator, *, key: bytes, share_ppm: int) -> float:
    for week, references in enumerate(planted, start=1):
        for reference in references:
            if is_drawn(reference, jurisdiction="", key=key, share_ppm=share_ppm) and rng.random() >= MISS:
                return week
    return float("inf")


def as_lodged(week: Week) -> Week:
    """The week with its picks made as it was declared, when what came since was not known."""
    lots = np.random.Generator(np.random.PCG64(week.number))
    return replace(week, picked=picks(week.lodged.signals, week.truth["row"], lots, capacity=CAPACITY))
