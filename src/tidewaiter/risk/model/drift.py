"""Whether things are still as they were when a model was trained: its chances, who sends, and what chance finds.

All of it over random picks: what was chosen for a reason changes with the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from tidewaiter.risk.intervals import Rate, rate, weighted
from tidewaiter.risk.model.calibration import Floats
from tidewaiter.risk.model.model import Before

NEW = "past.seller_count"
"""The figure that says whether the seller was ever seen before."""
PSI_MAX = 0.25
"""Above this, and what chance alone makes of so few picks, the chances are said to have shifted: the threshold that is
in use for scorecards."""
_LEAST = 0.5
"""No tenth counts as emptier than half a pick, so that an empty one does not make the index infinite."""


class OfStratum(msgspec.Struct, frozen=True, kw_only=True):
    """What random picks of a stratum found then and now. `has_moved` where the intervals have nothing in common."""

    then: Rate
    now: Rate
    has_moved: bool


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How far things have moved. `psi` is the population stability index of the chances, null where there are no picks;
    `expected` how many of the picks the chances said would be wrong, beside `found`; `new` those of a seller never seen
    before."""

    picks: int
    psi: float | None
    expected: float
    found: Rate
    new: Rate | None
    strata: dict[str, OfStratum]
    warnings: tuple[str, ...]


def drift(before: Before, chances: Floats, known: pl.DataFrame, drawn: pl.DataFrame) -> Drift:
    """Random picks since, beside those that the model was measured on. `known` are their figures and `drawn` what was
    found, a frame LABELLED, both row by row as `chances`."""
    found, psi = random_rate(drawn), _psi(before.edges, chances)
    new = new_sellers(known)
    now = strata_rates(drawn)
    none = rate(0, 0)
    strata = {
        name: OfStratum(then=then, now=now.get(name, none), has_moved=_apart(then, now.get(name, none)))
        for name, then in before.strata.items()
    }
    expected = float(chances.sum())
    warnings = []
    if psi is not None and psi > (limit := PSI_MAX + _by_chance(before, len(chances))):
        warnings.append(f"the chances have shifted: index {psi:.2f}, above {limit:.2f}")
    if found.low is not None and found.high is not None and len(chances):
        mean = expected / len(chances)
        if not found.low <= mean <= found.high:
            warnings.append(f"{mean:.1%} of random picks were expected to be wrong, and {found.rate:.1%} were")
    if before.new is not None and new is not None and _apart(before.new, new):
        warnings.append(f"{new.rate:.1%} of sellers are new, and {before.new.rate:.1%} were")
    warnings += [
        f"random picks of {name} find another share than before" for name, one in strata.items() if one.has_moved
    ]
    return Drift(
        picks=len(chances), psi=psi, expected=expected, found=found, new=new, strata=strata, warnings=tuple(warnings)
    )


def strata_rates(drawn: pl.DataFrame) -> dict[str, Rate]:
    """What random picks of each stratum found. Takes a frame LABELLED of them."""
    parts = drawn.with_columns(pl.col("stratum").fill_null("")).group_by("stratum")
    return {str(name): random_rate(some) for (name,), some in sorted(parts, key=lambda pair: str(pair[0][0]))}


def random_rate(drawn: pl.DataFrame) -> Rate:
    """What random picks found, each counting for as many as its probability says. Takes a frame LABELLED of them."""
    by_ppm = drawn.group_by("drawn_ppm").agg(pl.col("is_wrong").sum(), pl.len())
    return weighted({ppm: (wrong, count) for ppm, wrong, count in by_ppm.iter_rows()})


def new_sellers(known: pl.DataFrame) -> Rate | None:
    """How many are of a seller never seen before; None where nothing is known of that."""
    if NEW not in known.columns:
        return None
    count = known[NEW].drop_nulls()
    return rate(int((count == 0).sum()), len(count)) if len(count) else None


def _psi(edges: Sequence[float], chances: Floats) -> float | None:
    """The population stability index over the tenths that the edges part: the sum of the differences of shares, each by
    the logarithm of their quotient."""
    if not len(chances):
        return None
    count = np.bincount(np.searchsorted(np.array(edges), chances, side="left"), minlength=len(edges) + 1)
    now = np.maximum(count, _LEAST) / len(chances)
    then = 1 / (len(edges) + 1)
    return float(((now - then) * np.log(now / then)).sum())


def _by_chance(before: Before, picks: int) -> float:
    """What the index is expected to be between so many picks then and now of which nothing has changed: that of
    chi-square over the tenths (Yurdakul and Naranjo, Journal of Risk Model Validation 14 (2020))."""
    return len(before.edges) * (1 / max(before.picks, 1) + 1 / max(picks, 1))


def _apart(one: Rate, other: Rate) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low
