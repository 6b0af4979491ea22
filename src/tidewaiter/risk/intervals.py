"""How sure a rate is that was seen on few cases."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import msgspec
import numpy as np
import numpy.typing as npt

from tidewaiter.model.exact import Yes

CONFIDENCE = 1.959963984540054
"""The quantile of the normal distribution for 95 in a hundred, both sides."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """In how many of those looked at something was found, with the interval that holds the true rate 95 times in a
    hundred. `rate`, `low` and `high` are null where nobody looked."""

    found: int
    looked_at: int
    rate: float | None = None
    low: float | None = None
    high: float | None = None

    def is_below(self, other: Rate) -> bool:
        """Whether the whole interval lies below the other rate. False where either is not known."""
        return self.high is not None and other.rate is not None and self.high < other.rate


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times one rate is of another, with the interval that holds the true quotient 95 times in a hundred.
    `high` is null where the other may be nought."""

    value: float
    low: float
    high: float | None


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """What one of `cases` comes to on average, with the interval that holds the true mean 95 times in a hundred. All
    are null where there is no case, `low` and `high` also where there is but one."""

    cases: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """The chance that one found wrong scores higher than one that was not (the area under the curve), with the interval
    that holds the true one 95 times in a hundred."""

    value: float
    low: float
    high: float
    wrong: int
    right: int


def rate(found: int, looked_at: int) -> Rate:
    """The rate with its interval after Wilson (1927), which holds for few cases and rare finds too."""
    if not looked_at:
        return Rate(found=found, looked_at=looked_at)
    return _wilson(found / looked_at, looked_at, found=found, looked_at=looked_at)


def weighted(strata: Mapping[int, tuple[int, int]]) -> Rate:
    """The rate of the whole from cases drawn at different probabilities: by each probability, in parts in a million,
    how many were found in how many looked at.

    Each case stands for as many as its probability says (Horvitz and Thompson 1952), and the interval is that of as
    many cases as weigh the same (Kish 1965). With one probability it is `rate`.
    """
    found, looked_at = (sum(pair[place] for pair in strata.values()) for place in (0, 1))
    whole = sum(count / ppm for ppm, (_, count) in sorted(strata.items()))
    if not whole:
        return Rate(found=found, looked_at=looked_at)
    mean = sum(yes / ppm for ppm, (yes, _) in sorted(strata.items())) / whole
    squares = sum(count / ppm**2 for ppm, (_, count) in sorted(strata.items()))
    return _wilson(mean, whole**2 / squares, found=found, looked_at=looked_at)


def _wilson(mean: float, cases: float, *, found: int, looked_at: int) -> Rate:
    squared = CONFIDENCE**2
    middle = (mean + squared / (2 * cases)) / (1 + squared / cases)
    half = CONFIDENCE / (1 + squared / cases) * sqrt(max(mean * (1 - mean), 0) / cases + squared / (4 * cases**2))
    return Rate(found=found, looked_at=looked_at, rate=mean, low=max(0.0, middle - half), high=min(1.0, middle + half))


def ratio(one: Rate, other: Rate) -> Ratio | None:
    """How many times the one is of the other; None where either is not known, or the other is nought.

    The interval is made of those of the two (Donner and Zou, Statistical Methods in Medical Research 21 (2012)
    347-359), as if they had been seen on different cases.
    """
    if one.rate is None or one.low is None or one.high is None:
        return None
    if not other.rate or other.low is None or other.high is None:
        return None
    product = one.rate * other.rate
    least, of_least = _reach(one.rate, one.low), _reach(other.rate, other.high)
    most, of_most = _reach(one.rate, one.high), _reach(other.rate, other.low)
    low = least / (product + sqrt(max(product**2 - least * of_least, 0.0))) if product else 0.0
    high = (product + sqrt(product**2 - most * of_most)) / of_most if of_most > 0 else None
    return Ratio(value=one.rate / other.rate, low=max(low, 0.0), high=high)


def _reach(rate: float, bound: float) -> float:
    """The square of a rate less that of its distance from a bound."""
    return bound * (2 * rate - bound)


def mean(amounts: npt.NDArray[np.float64]) -> Mean:
    """The mean with its interval by the normal law, no less than nought, for amounts that are not negative. With few
    cases, or a few far larger than the rest, it holds the true mean less often than it says."""
    cases = len(amounts)
    if not cases:
        return Mean(cases=0)
    middle = float(amounts.mean())
    if cases == 1:
        return Mean(cases=1, value=middle)
    half = CONFIDENCE * float(amounts.std(ddof=1)) / sqrt(cases)
    return Mean(cases=cases, value=middle, low=max(0.0, middle - half), high=middle + half)


def area(scores: npt.NDArray[np.float64], is_wrong: Yes) -> Area:
    """How well the scores tell the wrong from the others; a tie counts half. Raises ValueError where all are one.

    The interval is after DeLong, DeLong and Clarke-Pearson (Biometrics 44 (1988) 837-845).
    """
    wrong, right = scores[is_wrong], scores[~is_wrong]
    if not len(wrong) or not len(right):
        raise ValueError("all of them are wrong, or none is")
    ranks = _ranks(scores)
    above = (ranks[is_wrong] - _ranks(wrong)) / len(right)
    below = 1 - (ranks[~is_wrong] - _ranks(right)) / len(wrong)
    value = float(above.mean())
    variance = sum(float(part.var(ddof=1)) / len(part) for part in (above, below) if len(part) > 1)
    half = CONFIDENCE * sqrt(variance)
    return Area(
        value=value, low=max(0.0, value - half), high=min(1.0, value + half), wrong=len(wrong), right=len(right)
    )


def _ranks(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The place of each from the least, the first being 1; equals share the middle of theirs."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks: npt.NDArray[np.float64] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks
