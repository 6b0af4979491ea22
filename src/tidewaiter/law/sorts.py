"""Goods as tariffs tell them apart: by commodity code and origin. Each such sort has a number."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tidewaiter.model.exact import Whole, distinct

_CODES_MAX = 100_000
_ROOM_MAX = 32_000_000
_SORTS_MAX = 500_000
"""Past so many codes, pairs that codes and origins could make, or sorts, numbering begins anew: of a sort about
150 bytes are kept under a tariff of many kinds."""


_ROOM_MIN = 256
Number = TypeVar("Number", bound=np.generic)


_NUMBERING = Lock()
"""One thread numbers at a time. It stands here, as law goes from process to process and a lock does not."""


class Pairs(NamedTuple):
    """Of each sort the number of its code and of its origin, as far as sorts were numbered."""

    code: Whole
    origin: Whole


class Sorts:
    """Sorts of goods, numbered as they are first met: what is worked out of one is kept in arrays. A number is good for
    as long as this object is asked, by any number of threads."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.origins: list[str] = []
        self.pairs = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._number_of: tuple[dict[str | None, int], dict[str | None, int]] = ({}, {})
        self._cut: dict[int, list[str]] = {}
        self._table: npt.NDArray[np.int32] = np.full((0, 0), -1, np.int32)

    @property
    def is_full(self) -> bool:
        """Whether so many were met that others should take its place."""
        is_wide = len(self.codes) >= _CODES_MAX or self._table.size >= _ROOM_MAX
        return is_wide or len(self.pairs.code) >= _SORTS_MAX

    def numbers(self, code: Whole, codes: Sequence[str | None], origin: Whole, origins: Sequence[str | None]) -> Whole:
        """For each row the number of its sort; `code` and `origin` tell the row's places among the codes and origins,
        which may be none."""
        with _NUMBERING:
            code_of = _numbered(codes, self.codes, self._number_of[0])
            origin_of = _numbered(origins, self.origins, self._number_of[1])
            if not len(code):
                return np.zeros(0, np.int64)
            self._make_room()
            width = self._table.shape[1]
            asked, table = code_of.take(code) * width + origin_of.take(origin), self._table.ravel()
            found = table.take(asked)
            if int(np.minimum.reduce(found)) < 0:
                new, _ = distinct(asked[found < 0], len(table))
                before = self.pairs
                table[new] = len(before.code) + np.arange(len(new))
                self.pairs = Pairs(*map(grown, before, np.divmod(new, width)))
                found = table.take(asked)
            numbers: Whole = found.astype(np.int64)
            return numbers

    def cut(self, length: int, numbers: slice) -> list[str]:
        """The first so many digits of each of the codes with these numbers."""
        with _NUMBERING:
            known = self._cut.setdefault(length, [])
            known += [code[:length] for code in self.codes[len(known) :]]
            return known[numbers]

    def _make_room(self) -> None:
        height, width = self._table.shape
        if len(self.codes) > height or len(self.origins) > width:
            wider = np.full((_doubled(height, len(self.codes)), _doubled(width, len(self.origins))), -1, np.int32)
            wider[:height, :width] = self._table
            self._table = wider


def grown(column: npt.NDArray[Number], more: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The column with more rows at its end. It is to be gone on with from here, and from nowhere before: what was given
    before stays as it is, and shares its room with what follows."""
    size = len(column) + len(more)
    room = column if column.base is None else column.base
    if len(room) < size:
        room = np.empty((max(2 * size, _ROOM_MIN), *column.shape[1:]), column.dtype)
        room[: len(column)] = column
    room[len(column) : size] = more
    return room[:size]


def _doubled(size: int, least: int) -> int:
    return size if least <= size else max(2 * size, least, 16)


def _numbered(texts: Sequence[str | None], met: list[str], number_of: dict[str | None, int]) -> Whole:
    """The number of each text; none at all is one too."""
    try:
        return np.fromiter(map(number_of.__getitem__, texts), np.int64, len(texts))
    except KeyError:  # one is met for the first time
        for text in texts:
            if text not in number_of:
                number_of[text] = len(met)
                met.append(text or "")
    return np.fromiter(map(number_of.__getitem__, texts), np.int64, len(texts))
