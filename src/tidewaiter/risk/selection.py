"""Which of the waiting are looked at, when not all can be: under the minutes of each office, lane and shift.

First what must be looked at; then the random share, drawn before anything is scored and never cut; then those whose
inspection averts the most expected loss a minute, until the first that no longer fits. What is equal stands in the
order of a keyed hash, so nobody gains by coming first and an auditor can pick again: the same rows in any order give
the same picks. Each consignment keeps the probability at which it was picked, given the draws of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from tidewaiter.risk.draw import ORDER, STRATIFIED, limit, numbers

How = Literal["obligatory", "simple", "stratified", "loss"]

CANDIDATES = pl.Schema(
    {
        "id": pl.Int64,
        "jurisdiction": pl.String,
        "reference": pl.String,
        "office": pl.String,
        "lane": pl.String,
        "shift": pl.String,
        "stratum": pl.String,
        "is_obligatory": pl.Boolean,
        "loss_micro": pl.Int64,
        "minutes": pl.Int64,
    }
)
"""A row a consignment that waits, by our number of it: two senders may use one reference. `loss_micro` is what looking
at it is expected to avert, all of one currency an office; `minutes` what the look takes, at least one."""
CAPACITY = pl.Schema({"office": pl.String, "lane": pl.String, "shift": pl.String, "minutes": pl.Int64})
"""A row a queue: the minutes that an office has for a lane in a shift."""
PICKS = pl.Schema(
    {
        "id": pl.Int64,
        "office": pl.String,
        "lane": pl.String,
        "shift": pl.String,
        "how": pl.String,
        "place": pl.UInt32,
        "propensity_ppm": pl.Int64,
    }
)
"""A row a candidate, in the order of the numbers. `how` it was picked is null where it was not; `place` is its place
in its queue, the first being 1, null likewise."""
KEYS = ["id"]
QUEUE = ["office", "lane", "shift"]
WHOLE_PPM = 1_000_000
LOSS_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The random share: `simple_ppm` of all by the simple draw, and of each stratum its part in `strata`, or
    `stratified_ppm` where it is not there."""

    key: bytes
    simple_ppm: int
    stratified_ppm: int = 0
    strata: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def halves(cls, key: bytes, share_ppm: int, strata: Mapping[str, int] | None = None) -> Draw:
        """Half of the share by the simple draw, which gets the odd part in a million, and half by strata: so many of
        what is left that where no stratum has a probability of its own the two come to the share."""
        simple = share_ppm - share_ppm // 2
        rest = -(-(share_ppm - simple) * WHOLE_PPM // (WHOLE_PPM - simple)) if share_ppm else 0
        return cls(key=key, simple_ppm=simple, stratified_ppm=rest, strata=strata or {})

    def takes(self, jurisdiction: str, reference: str, stratum: str) -> bool:
        """Whether a consignment falls to either half."""
        place = [(jurisdiction, reference)]
        if not self.simple_ppm and not self.of(stratum):
            return False
        [simple], [other] = numbers(place, key=self.key), numbers(place, key=self.key, purpose=STRATIFIED)
        return simple < limit(self.simple_ppm) or other < limit(self.of(stratum))

    def of(self, stratum: str) -> int:
        """The probability of the stratum."""
        return self.strata.get(stratum, self.stratified_ppm)


def select(candidates: pl.DataFrame, capacity: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """What becomes of each candidate, as a frame PICKS. Takes frames CANDIDATES and CAPACITY.

    Raises ValueError where a consignment or a queue is there twice, or a loss or the minutes cannot be.
    """
    _check(candidates, capacity)
    drawn = _drawn(candidates.sort(KEYS), draw)
    room = drawn.join(capacity.rename({"minutes": "capacity"}), on=QUEUE, how="left").with_columns(
        pl.col("capacity").fill_null(0)
    )
    taken = pl.when(pl.col("is_obligatory") | pl.col("is_drawn")).then("minutes").otherwise(0)
    is_scored = ~pl.col("is_obligatory") & (pl.col("loss_micro") > 0)
    competes = is_scored & ~pl.col("is_drawn")
    worth = pl.col("loss_micro") // pl.col("minutes")
    ranked = (
        room.with_columns(
            left=pl.col("capacity") - taken.sum().over(QUEUE),
            worth=worth,
            asks=pl.when(competes).then("minutes").otherwise(0),
            competes=competes,
            is_scored=is_scored,
        )
        .sort([*QUEUE, "worth", "minutes", "order", *KEYS], descending=[False, False, False, True, *[False] * 3])
        .with_columns(before=pl.col("asks").cum_sum().over(QUEUE) - pl.col("asks"))
        # One that was drawn asks for nothing more: had it not been, its own minutes would be free.
        .with_columns(fits=pl.col("is_scored") & (pl.col("before") + pl.col("asks") <= pl.col("left")))
    )
    equal = [*QUEUE, "worth", "minutes"]
    of_equal = ranked.with_columns(
        equals=pl.col("competes").sum().over(equal),
        lucky=(pl.col("competes") & pl.col("fits")).sum().over(equal),
    ).with_columns(
        chance_ppm=pl.when((pl.col("lucky") > 0) & (pl.col("lucky") < pl.col("equals")) & pl.col("is_scored"))
        .then(pl.col("lucky").cast(pl.Int64) * WHOLE_PPM // pl.col("equals").cast(pl.Int64))
        .otherwise(pl.col("fits").cast(pl.Int64) * WHOLE_PPM)
    )
    how = (
        pl.when("is_obligatory").then(pl.lit("obligatory"))
        .when("is_simple").then(pl.lit("simple"))
        .when("is_stratified").then(pl.lit("stratified"))
        .when("fits").then(pl.lit("loss"))
    )  # fmt: skip
    either = pl.col("random_ppm") + (WHOLE_PPM - pl.col("random_ppm")) * pl.col("chance_ppm") // WHOLE_PPM
    told = of_equal.with_columns(how=how, propensity_ppm=pl.when("is_obligatory").then(WHOLE_PPM).otherwise(either))
    # Drawn ones stand among the others in the same order: how one was picked is no reason to look at it sooner.
    placed = told.filter(pl.col("how").is_not_null()).sort(
        [*QUEUE, "is_obligatory", "worth", "minutes", "order", *KEYS],
        descending=[False, False, False, True, True, *[False] * 3],
    )
    placed = placed.select(*KEYS, place=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over(QUEUE))
    return told.join(placed, on=KEYS, how="left").sort(KEYS).select(PICKS.names()).cast(PICKS)


def _check(candidates: pl.DataFrame, capacity: pl.DataFrame) -> None:
    if candidates.select(KEYS).is_duplicated().any():
        raise ValueError("a consignment waits twice")
    if capacity.select(QUEUE).is_duplicated().any():
        raise ValueError("a queue has two capacities")
    wrong = (pl.col("minutes") < 1) | (pl.col("loss_micro") < 0) | (pl.col("loss_micro") > LOSS_MAX)
    if candidates.select(wrong.fill_null(value=True).any()).item():
        raise ValueError("a look takes a minute at least, and averts a loss from nothing up to 2^62")


def _drawn(candidates: pl.DataFrame, draw: Draw) -> pl.DataFrame:
    """The same with what falls to the random share, at which probability, and in which order equals stand."""
    places = list(candidates.select("jurisdiction", "reference").iter_rows())
    simple = limit(draw.simple_ppm)
    by_stratum = [draw.of(stratum or "") for stratum in candidates["stratum"]]
    stratified = numbers(places, key=draw.key, purpose=STRATIFIED)
    is_simple = [number < simple for number in numbers(places, key=draw.key)]
    is_stratified = [number < limit(ppm) for number, ppm in zip(stratified, by_stratum, strict=True)]
    either = [draw.simple_ppm + (WHOLE_PPM - draw.simple_ppm) * ppm // WHOLE_PPM for ppm in by_stratum]
    may_be = ~candidates["is_obligatory"]
    return candidates.with_columns(
        pl.Series("is_simple", is_simple, dtype=pl.Boolean) & may_be,
        pl.Series("is_stratified", is_stratified, dtype=pl.Boolean) & may_be,
        pl.Series("random_ppm", either, dtype=pl.Int64),
        pl.Series("order", numbers(places, key=draw.key, purpose=ORDER), dtype=pl.UInt64),
    ).with_columns(is_drawn=pl.col("is_simple") | pl.col("is_stratified"))
