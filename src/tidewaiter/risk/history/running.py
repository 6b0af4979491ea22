"""What came before each row among rows with the same key: counts, sums, stretches of time, first times."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from tidewaiter.model.exact import MISSING, Whole, known

_MS_H = 3_600_000


class Running:
    """Rows in the order in which they came, told apart by a key; a row without a key has nothing before it.

    `at` are the instants of acceptance. Of two at the same instant the one that stands first came first: so a batch
    lodged together gives what its consignments give one after another.
    """

    def __init__(self, key: pl.Series, at: pl.Series) -> None:
        self.is_known = key.is_not_null().to_numpy()
        codes = known(key.rank("dense"))
        self._codes = np.where(codes == MISSING, 0, codes)
        time = known(at.dt.epoch("ms"))
        self._time = time - time.min(initial=0) if len(time) else time
        # Rows stand in order of time already within the history and the batch; a stable sort keeps the rest.
        self._order = np.lexsort((self._time, self._codes))
        code = self._codes[self._order]
        self._begin = np.zeros(len(code), np.int64)
        if len(code):
            is_first = np.append(True, code[1:] != code[:-1])
            self._begin = np.maximum.accumulate(np.where(is_first, np.arange(len(code)), 0))

    def count(self) -> Whole:
        """How many rows came before."""
        return self._back(np.arange(len(self._order)) - self._begin)

    def total(self, numbers: Whole) -> Whole:
        """The sum of a column over the rows that came before; what is not known counts for nothing."""
        return self._back(self._until(numbers) - self._until(numbers)[self._begin])

    def first(self) -> Whole:
        """The instant of the first row of the key, in milliseconds since the first of all; perhaps the row's own."""
        return self._back(self._time[self._order][self._begin])

    def within(self, hours: int, numbers: Whole | None = None, *, wait: timedelta = timedelta(0)) -> Whole:
        """How many rows came in the hours before, or the sum of a column over them; with a `wait`, those besides that
        came until so much later."""
        span = int(self._time.max(initial=0)) + 1_000 * _MS_H + int(wait.total_seconds() * 1_000)
        keys = self._codes[self._order] * span + self._time[self._order] + 1_000 * _MS_H
        low = np.searchsorted(keys, keys - hours * _MS_H, side="left")
        own = np.arange(len(keys))
        high = np.searchsorted(keys, keys + int(wait.total_seconds() * 1_000), side="right") if wait else own
        if numbers is None:
            return self._back(high - low - (high > own))
        until = np.append(self._until(numbers), self._until(numbers)[-1:] + self._ordered(numbers)[-1:])
        return self._back(until[high] - until[low] - np.where(high > own, self._ordered(numbers), 0))

    def different(self, values: pl.Series) -> Whole:
        """How many different values of a column the rows that came before have, the row's own left out."""
        codes = known(values.rank("dense"))[self._order]
        pairs = pl.DataFrame([pl.Series("key", self._codes[self._order]), pl.Series("value", codes)])
        is_new = pairs.select(pl.struct("key", "value").is_first_distinct()).to_series().to_numpy() & (codes != MISSING)
        until = np.cumsum(is_new) - is_new
        before = until - until[self._begin]
        return self._back(before - (~is_new & (codes != MISSING)))

    def _ordered(self, numbers: Whole) -> Whole:
        return np.where(numbers == MISSING, 0, numbers)[self._order]

    def _until(self, numbers: Whole) -> Whole:
        ordered = self._ordered(numbers)
        return np.cumsum(ordered) - ordered

    def _back(self, ordered: Whole) -> Whole:
        found = np.empty(len(ordered), np.int64)
        found[self._order] = ordered
        return np.where(self.is_known, found, MISSING)
