"""Exact arithmetic on whole columns: numbers as 64-bit integers in NumPy, with one value for "not known".

A step in NumPy costs some microseconds on a batch of one, where a step of a frame costs a tenth of a millisecond; the
same code reckons millions of goods items. Nothing here wraps or rounds unseen: what 64 bits do not hold is reckoned
in Python's own integers, row by row, and what no column can hold is `MISSING`. See docs/decisions/0005.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.model.money import LIMIT_MICRO

Whole: TypeAlias = npt.NDArray[np.int64]
"""Whole numbers, `MISSING` where one is not known."""
Yes: TypeAlias = npt.NDArray[np.bool_]
AnyOrOne = TypeVar("AnyOrOne", Whole | int, Yes | bool)
"""A column, or what all rows of it would have."""

MISSING = int(np.iinfo(np.int64).min)
"""Stands for a number that is not known; no amount comes near it."""
_NO = pl.Series([False])
GREATEST = int(np.iinfo(np.int64).max)
_FILLER = pl.Series([MISSING], dtype=pl.Int64)
_SAFE = 2**62
_FEW = 1_500
"""Below so many rows a Python dictionary tells values apart sooner than the column engine."""
_HANDFUL = 8
"""Up to so many values a comparison with each is sooner than either."""
_LOOKED_AT = 50
"""In so many rows a column that has more than a handful of values nearly always shows it."""


def known(column: pl.Series) -> Whole:
    """The column's numbers (days as days since 1970), `MISSING` where it is null."""
    gaps = column.null_count()
    if gaps == len(column):
        return np.full(gaps, MISSING, np.int64)
    whole = column.cast(pl.Int64) if gaps or column.dtype == pl.Date else column
    if gaps:
        # A comparison with null is null, and the filler is taken there: a tenth of what `fill_null` costs.
        whole = whole.zip_with(whole > MISSING, _FILLER)
    found: Whole = whole.to_numpy().astype(np.int64, copy=False)
    return found


def has_gap(numbers: Whole) -> bool:
    """Whether one of the numbers is `MISSING`: it is below every other."""
    return numbers.size > 0 and int(np.minimum.reduce(numbers)) == MISSING


def series(name: str, numbers: Whole, dtype: type[pl.DataType] = pl.Int64) -> pl.Series:
    """A column of the numbers, null where one is `MISSING`."""
    if not has_gap(numbers):
        return _as_column(name, numbers, dtype)
    # What stands in a gap does not matter, for it is not shown.
    return _as_column(name, numbers, dtype).zip_with(pl.Series(numbers != MISSING), pl.Series([None], dtype=dtype))


def _as_column(name: str, numbers: Whole, dtype: type[pl.DataType]) -> pl.Series:
    # NumPy makes numbers narrower in a tenth of the time.
    return pl.Series(name, numbers.astype(np.uint32) if dtype is pl.UInt32 else numbers, dtype=dtype)


def yes(column: pl.Series) -> Yes:
    """A column of truths, false where it is null."""
    found: Yes = (column.zip_with(column, _NO) if column.has_nulls() else column).to_numpy()
    return found


def taken(column: pl.Series, places: Whole) -> pl.Series:
    """The column at these places: a third of what `gather` costs on a small batch. No place is below nought."""
    return column[pl.Series(places.astype(np.uint32))]


def scaled(
    value: Whole,
    numerator: Whole | int,
    denominator: Whole | int,
    *,
    quantum: Whole | int,
    half_up: Yes | bool,
) -> Whole:
    """`value * numerator / denominator`, divided once, to a whole multiple of `quantum`: half up, or down.

    Values are not negative. `MISSING` where one of them is, and where the result reaches 64 bits. What is the same for
    all rows is best given as one number: dividing by it takes a tenth of the time.
    """
    if not value.size:
        return value
    (low, high), (top, top_low, top_high) = _ends(value), _told(numerator)
    (bottom, bottom_low, bottom_high), (quanta, _, greatest) = _told(denominator), _told(quantum)
    gap: Yes | None = None
    if MISSING in (low, top_low, bottom_low):
        gap = np.zeros(value.shape, np.bool_)
        for column, least in ((value, low), (top, top_low), (bottom, bottom_low)):
            if least == MISSING:
                gap |= column == MISSING
        value = np.where(gap, 0, value)  # nought times whatever stands in a gap is nought
        if bottom_low == MISSING:
            bottom, bottom_high = np.where(gap, 1, bottom), max(bottom_high, 1)
    if max(high, 0) * max(top_high, 0) * 2 + 2 * bottom_high * greatest < _SAFE:
        found = _divided(value if isinstance(top, int) and top == 1 else value * top, bottom * quanta, half_up)
        if not isinstance(quanta, int) or quanta != 1:
            found *= quanta
    else:
        found = _scaled_apart(*np.broadcast_arrays(value, top, bottom, np.asarray(quanta), np.asarray(half_up)))
    return found if gap is None else np.where(gap, MISSING, found)


def _divided(product: Whole, unit: Whole | int, half_up: Yes | bool) -> Whole:
    """The product by the unit, half up or down. Both are so small that twice their sum fits."""
    if not isinstance(half_up, bool):
        is_up = bool(half_up.all())
        if not is_up and half_up.any():
            return (product * 2 + unit * half_up) // (unit * 2)
        half_up = is_up
    if not half_up:
        return product // unit
    # Half of an odd unit is no whole number.
    if isinstance(unit, int) and not unit % 2:
        return (product + unit // 2) // unit
    return (product * 2 + unit) // (unit * 2)


def _ends(numbers: Whole) -> tuple[int, int]:
    return int(np.minimum.reduce(numbers)), int(np.maximum.reduce(numbers))


def _told(numbers: Whole | int) -> tuple[Whole | int, int, int]:
    """The numbers, as one where all are the same; the least and the greatest of them."""
    if isinstance(numbers, int):
        return numbers, numbers, numbers
    low, high = _ends(numbers)
    return low if low == high else numbers, low, high


def _scaled_apart(value: Whole, top: Whole, bottom: Whole, quantum: Whole, half_up: Yes) -> Whole:
    """The same where some products outgrow 64 bits: those are reckoned one by one."""
    rough = value.astype(np.float64) * top * 2 + bottom.astype(np.float64) * quantum * 2
    is_small = rough < _SAFE
    unit = np.where(is_small, bottom, 1) * np.where(is_small, quantum, 1)
    product = np.where(is_small, value, 0) * np.where(is_small, top, 0)
    found: Whole = (product * 2 + unit * half_up) // (unit * 2) * quantum
    for at in np.flatnonzero(~is_small).tolist():
        v, t, b, q, h = (int(array[at]) for array in (value, top, bottom, quantum, half_up))
        exact = (v * t * 2 + b * q * h) // (b * q * 2) * q
        found[at] = exact if exact <= GREATEST else MISSING
    return found


def scaled_sum(
    products: Sequence[tuple[Whole, Whole, Whole]], denominator: Whole, *, quantum: Whole | int, half_up: Yes | bool
) -> Whole:
    """The sum of products, divided once, to a whole multiple of `quantum`: half up, or down. Each product is given by
    the rows that it counts in, in rising order, and its two factors there.

    No factor is negative; `MISSING` where one of them is, and where the result reaches 64 bits.
    """
    size = len(denominator)
    gap = np.zeros(size, np.bool_)
    total, rough = np.zeros(size, np.int64), np.zeros(size, np.float64)
    for at, one, other in products:
        is_gap = (one == MISSING) | (other == MISSING)
        gap[at[is_gap]] = True
        total[at] += one * other  # may wrap where it is great or a gap: reckoned again, or left out
        rough[at] += np.where(is_gap, 0, one.astype(np.float64) * other)
    great = np.flatnonzero((rough > _SAFE) & ~gap)
    found = scaled(np.where(gap | (rough > _SAFE), 0, total), 1, denominator, quantum=quantum, half_up=half_up)
    for row in great.tolist():
        places = [(int(np.searchsorted(at, row)), at, one, other) for at, one, other in products]
        counts = [(place, one, other) for place, at, one, other in places if place < len(at) and at[place] == row]
        whole = sum(int(one[place]) * int(other[place]) for place, one, other in counts)
        quanta, is_up = int(picked(quantum, row)), int(picked(half_up, row))
        unit = int(denominator[row]) * quanta
        exact = (whole * 2 + unit * is_up) // (unit * 2) * quanta
        found[row] = exact if exact <= GREATEST else MISSING
    return np.where(gap, MISSING, found)


def highest(numbers: Whole) -> int:
    """The greatest of the numbers, at least nought."""
    return int(numbers.max(initial=0))


def within_limit(value: Whole) -> Whole:
    """The amounts; `MISSING` where one reaches `LIMIT_MICRO`, so that a sum of a few cannot wrap."""
    return value if highest(value) < LIMIT_MICRO else np.where(value < LIMIT_MICRO, value, MISSING)


def is_nothing(numbers: Whole) -> bool:
    """Whether none of the numbers is known."""
    return not numbers.size or int(np.maximum.reduce(numbers)) == MISSING


def plus(first: Whole, *others: Whole) -> Whole:
    """The sum, `MISSING` where one of its terms is. At most eight terms within the limit."""
    total = first
    for one in others:
        total = total + one
    gaps = [one == MISSING for one in (first, *others) if has_gap(one)] if others else []
    return np.where(np.logical_or.reduce(gaps), MISSING, total) if gaps else total


def minus(first: Whole, *others: Whole) -> Whole:
    """The difference, `MISSING` where one of its terms is."""
    total = first
    for one in others:
        total = total - one
    gaps = [one == MISSING for one in (first, *others) if has_gap(one)] if others else []
    return np.where(np.logical_or.reduce(gaps), MISSING, total) if gaps else total


def at_least(value: Whole, floor: int) -> Whole:
    """The value, or the floor where it is below; `MISSING` stays."""
    low = int(np.minimum.reduce(value, initial=floor))
    if low >= floor:
        return value
    return np.where(value == MISSING, MISSING, np.maximum(value, floor)) if low == MISSING else np.maximum(value, floor)


def either(first: Whole, second: Whole) -> Whole:
    """The first, or the second where it is `MISSING`."""
    return np.where(first == MISSING, second, first) if has_gap(first) else first


def sums(numbers: Whole, starts: Whole) -> Whole:
    """The sum of each stretch that begins at a start; `MISSING` where a number in it is.

    A sum that 64 bits do not hold is `GREATEST`: one that wrapped would be below any threshold.
    """
    if not len(starts):
        return np.zeros(0, np.int64)
    if len(starts) == len(numbers):
        return numbers
    gaps = None
    if has_gap(numbers):
        gap = numbers == MISSING
        numbers = np.where(gap, 0, numbers)
        gaps = np.logical_or.reduceat(gap, starts)
    # A running total may wrap; its differences do not, unless a sum does.
    running = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(numbers, out=running[1:])
    total: Whole = np.diff(running[np.append(starts, len(numbers))])
    if highest(numbers) * len(numbers) > GREATEST:
        rough = np.add.reduceat(numbers.astype(np.float64), starts)
        total = np.where(rough > float(_SAFE), GREATEST, total)
    return total if gaps is None else np.where(gaps, MISSING, total)


def shares(total: Whole, weights: Whole, starts: Whole, quantum: Whole | int) -> Whole:
    """Each row's share of the total of its stretch, by weight: differences of rounded running totals, so that they add
    up to the whole to the last quantum. Where nothing weighs anything, all rows weigh the same.

    `total` stands at every row of its stretch; `MISSING` where it is. Weights are not negative.
    """
    if not total.any():
        return total
    sizes = np.diff(starts, append=len(weights))
    whole = np.add.reduceat(weights, starts)
    weight = np.where(np.repeat(whole > 0, sizes), weights, 1)
    # A running total over the whole batch may wrap; its differences within a stretch do not.
    until = np.cumsum(weight)
    until = until - np.repeat((until - weight)[starts], sizes)
    every = np.repeat(until[starts + sizes - 1], sizes)
    reached = scaled(total, until, every, quantum=quantum, half_up=True)
    return minus(reached, scaled(total, until - weight, every, quantum=quantum, half_up=True))


def beginnings(keys: Whole) -> Whole:
    """Where each stretch of equal keys begins."""
    if not len(keys):
        return np.zeros(0, np.int64)
    is_first = np.empty(len(keys), np.bool_)
    is_first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def distinct(keys: Whole, size: int) -> tuple[Whole, Whole]:
    """The different keys in rising order, and for each row which of them it has. Keys are from nought below `size`."""
    if size <= 16 * len(keys) + 10_000:
        is_there = np.zeros(size, np.bool_)
        is_there[keys] = True
        found = np.flatnonzero(is_there)
        place = np.empty(size, np.int64)
        place[found] = np.arange(len(found))
        return found, place[keys]
    found, which = np.unique(keys, return_inverse=True)
    return found, which


def told_apart(column: pl.Series) -> tuple[Whole, list[Any]]:
    """For each row which of the different values it has, and those values, None for null among them."""
    size, gaps = len(column), column.null_count()
    if size and gaps == size:
        return np.zeros(size, np.int64), [None]
    if size > _LOOKED_AT and column.dtype == pl.String and (handful := _handful_told_apart(column)):
        return handful
    if size <= _FEW:
        stated = column.to_list()
        different = list(dict.fromkeys(stated))
        number = dict(zip(different, range(len(different)), strict=True))
        return np.fromiter(map(number.__getitem__, stated), np.int64, size), different
    is_coded = isinstance(column.dtype, pl.Enum | pl.Categorical)
    if column.dtype != pl.String and not is_coded:
        numbers, places = np.unique(known(column), return_inverse=True)
        return places, [None if number == MISSING else number for number in numbers.tolist()]
    coded = (column if is_coded else column.cast(pl.Categorical)).to_physical()
    if not gaps and coded.min() == coded.max():
        return np.zeros(size, np.int64), [column[0]]
    codes = known(coded)
    after = int(np.maximum.reduce(codes)) + 1  # null is one more value, after the last
    found, which = distinct(np.where(codes == MISSING, after, codes) if gaps else codes, after + 1)
    if isinstance(column.dtype, pl.Enum):
        return which, [*taken(column.dtype.categories, found[found < after]).to_list(), *[None] * (gaps > 0)]
    first = np.empty(len(found), np.int64)
    first[which[::-1]] = np.arange(size - 1, -1, -1)  # what is written last stays
    return which, taken(column, first).to_list()


def _handful_told_apart(column: pl.Series) -> tuple[Whole, list[Any]] | None:
    """The same of texts with a handful of different values, by comparing them with each; None where there are more."""
    different: list[str | None] = list(dict.fromkeys(column.head(_LOOKED_AT).to_list()))
    if len(different) > _HANDFUL:
        return None
    which, is_told = np.zeros(len(column), np.int64), _rows_of(column, different[0])
    for place in range(1, _HANDFUL + 1):
        if place == len(different):
            other = int(is_told.argmin())
            if is_told[other]:
                return which, different
            different.append(column[other])
        here = _rows_of(column, different[place])
        which[here] = place
        is_told |= here
    return None


def _rows_of(column: pl.Series, value: str | None) -> Yes:
    # Nothing can be said of null, not even that it comes after the first of all texts.
    return yes(column == value) if value is not None else ~yes(column >= "")


def spread(answer: Callable[[Any], Any], values: Sequence[Any], which: Whole, dtype: Any = np.int64) -> Any:
    """What is answered of each different value, spread over the rows that have it."""
    if len(values) == 1:
        return np.full(len(which), answer(values[0]), dtype)
    return np.fromiter(map(answer, values), dtype, len(values)).take(which)


def alike(answers: Whole, which: Callable[[], Whole]) -> Whole | int:
    """The answers spread over the rows that have them; one number where all are the same."""
    first = int(answers[0]) if len(answers) else 0
    return first if (answers == first).all() else answers[which()]


def picked(answers: AnyOrOne, which: Whole | slice | int) -> AnyOrOne:
    """The answers of these rows, where it is not one for all."""
    if not isinstance(answers, np.ndarray):
        return answers
    # What is taken is found in two thirds of the time of what is indexed.
    return answers.take(which) if isinstance(which, np.ndarray) else answers[which]


def standing(rows: Whole, among: Whole) -> Whole:
    """For each row its place in `among`, whose rows are all different; -1 where it is not there."""
    size = len(among)
    if not size or not len(rows):
        return np.full(len(rows), -1, np.int64)
    width = max(highest(among), highest(rows)) + 1
    if width <= 4 * (size + len(rows)) + 10_000:
        place = np.full(width, -1, np.int64)
        place[among] = np.arange(size)
        return place[rows]
    order = np.argsort(among)
    found = np.searchsorted(among[order], rows).clip(max=size - 1)
    return np.where(among[order][found] == rows, order[found], -1)
