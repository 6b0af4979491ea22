"""Rows filed under numbers, and under every two numbers that they are filed under."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidewaiter.risk.screening.many import Ints, spread

_SIEVE_BITS = 23
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Filed:
    """Rows under each number: those of `number` are `rows[start[number]:start[number + 1]]`, so many as `counts`."""

    start: Ints
    rows: npt.NDArray[np.int32]
    counts: Ints

    @classmethod
    def between(cls, start: Ints, rows: Ints) -> Filed:
        """Rows that stand in their order already."""
        return cls(start.astype(np.int64), rows.astype(np.int32), np.diff(start))

    @classmethod
    def of(cls, numbers: Ints, rows: Ints, count: int) -> Filed:
        """Each row once under each number, in its order."""
        size = int(rows.max(initial=0)) + 1
        each = np.unique(numbers * size + rows)
        start = np.searchsorted(each // size, np.arange(count + 1))
        return cls.between(start, each % size)

    def under(self, numbers: Ints) -> tuple[Ints, Ints]:
        """For each number in turn all its rows: the place of the number, and the row."""
        which, nth = spread(self.counts[numbers])
        return which, self.rows[self.start[numbers][which] + nth].astype(np.int64)


class Couples:
    """Listed names by every two things they have words filed under. A sieve of bits says first which are there."""

    def __init__(self, names: Ints, under: Ints, count: int) -> None:
        self._count = count
        rows, first, second = couples(names, under)
        size = int(names.max(initial=0)) + 1
        each = np.unique(self._number(first, second) * size + rows)
        self._numbers, at = np.unique(each // size, return_index=True)
        self._filed = Filed.between(np.append(at, len(each)), each % size)
        bit = self._bit(self._numbers)
        self._sieve = np.zeros(1 << (_SIEVE_BITS - 3), np.uint8)
        np.bitwise_or.at(self._sieve, bit >> 3, (1 << (bit & 7)).astype(np.uint8))

    def _number(self, first: Ints, second: Ints) -> Ints:
        return np.minimum(first, second) * self._count + np.maximum(first, second)

    @staticmethod
    def _bit(numbers: Ints) -> Ints:
        return (numbers.astype(np.uint64) * _ODD >> np.uint64(64 - _SIEVE_BITS)).astype(np.int64)

    def under(self, first: Ints, second: Ints) -> tuple[Ints, Ints]:
        """For each couple in turn whoever has it: the place of the couple, and the row."""
        numbers = self._number(first, second)
        bit = self._bit(numbers)
        some = np.flatnonzero(self._sieve[bit >> 3] >> (bit & 7).astype(np.uint8) & 1)
        at = np.searchsorted(self._numbers, numbers[some])
        is_there = self._numbers[np.minimum(at, len(self._numbers) - 1)] == numbers[some] if len(at) else some > 0
        some, at = some[is_there], at[is_there]
        which, rows = self._filed.under(at)
        return some[which], rows


def couples(rows: Ints, under: Ints) -> tuple[Ints, Ints, Ints]:
    """Every two things of one row, which stand one after another: the row, and the places of the two."""
    ends = np.searchsorted(rows, rows, side="right")
    first, nth = spread(ends - np.arange(len(rows)) - 1)
    second = first + 1 + nth
    return rows[first], under[first], under[second]
