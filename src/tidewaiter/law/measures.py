"""The measures of one kind in one tariff: which of them holds for goods of a code and an origin on a day.

It is the one of the longest code that the code of the goods begins with, then that of the very country before that for
all, then the one that became known last; where that one is an end, a shorter code speaks again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import repeat
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.law.sorts import Sorts, grown
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import MISSING, Whole, Yes, beginnings, distinct, known, told_apart, yes

ENDED = "ended"
"""Stands for the rate of a code that has left the tariff: a shorter code speaks again."""
NO_MEASURE = -1
_ENDED = -2
FOR_EVER = ordinal(date.max)
"""The end of what has none."""
_NONE = np.zeros(0, np.int64)
_Few = npt.NDArray[np.int32]
_FEW: _Few = np.zeros(0, np.int32)


class _Stretches(NamedTuple):
    """Stretches of days, from the first of each until another, over which one measure holds. The first never holds: it
    stands for what has none."""

    since: Whole
    until: Whole
    number: Whole


_NOTHING = _Stretches(np.zeros(1, np.int64), np.zeros(1, np.int64), np.full(1, NO_MEASURE, np.int64))


class _Laid(NamedTuple):
    """What is laid down so far of some sorts: of each where its stretches begin among all `stretches`, and how many
    there are. `of_codes`, `of_origins`: of each code its node, and of each origin its class."""

    sorts: Sorts | None
    first: _Few
    many: _Few
    is_borne: Yes
    stretches: _Stretches
    of_codes: Whole
    of_origins: Whole


_NONE_LAID = _Laid(None, _FEW, _FEW, _FEW.astype(np.bool_), _NOTHING, _NONE, _NONE)


class Measures:
    """What holds for a sort of goods is worked out when it is first asked for, for all that are new at once; any number
    of threads may ask.

    A *node* is a code that has measures, a *class* an origin that some measure names. The first node has no code and no
    measures: it stands for codes that begin with none.
    """

    def __init__(self, measures: pl.DataFrame) -> None:
        """`measures` is a frame TARIFF of one kind, with the `number` of each."""
        code, codes = told_apart(measures["code"])
        origin, origins = told_apart(measures["origin"])
        left_out, lists = told_apart(measures["excluded"].list.join(","))
        countries = [frozenset((one or "").split(",")) - {""} for one in lists]
        self._origins = ["", *sorted(frozenset(origins).union(*countries) - {""})]
        self._class_of = {name: number for number, name in enumerate(self._origins)}
        self._nodes: dict[str, int] = {name: number for number, name in enumerate(codes, start=1)}
        self._lengths = sorted({len(name) for name in codes})
        self._parents = np.array([0, *(self._node(name, below=len(name)) for name in codes)], np.int64)
        self._is_left_out = np.array([[name in out for name in self._origins] for out in countries], np.bool_)
        until, begun = known(measures["until"]), np.maximum(known(measures["known_from"]), -FOR_EVER)
        number = np.where(yes(measures["rate"] == ENDED), _ENDED, known(measures["number"]))
        group = (code + 1) * len(self._origins) + np.array([self._class_of[name] for name in origins], np.int64)[origin]
        since, until = known(measures["since"]), np.where(until == MISSING, FOR_EVER, until)
        # Of what became known on one day that which begins later goes first.
        order = np.lexsort((-number, -until, -since, -begun, group))
        self._since, self._until, self._number = since[order], until[order], number[order]
        self._left_out = left_out[order]
        starts = beginnings(group[order])
        self._groups, self._starts = group[order][starts], starts
        self._sizes = np.diff(starts, append=len(group))
        # Of each node and class together where its stretches begin, once they are laid down, and how many there are.
        size = (len(codes) + 1) * len(self._origins)
        self._first: _Few = np.full(size, -1, np.int32)
        self._first[: len(self._origins)] = 0
        self._count: _Few = np.zeros(size, np.int32)
        self._laid = _NONE_LAID
        self._lock = Lock()

    def of(self, sorts: Sorts, which: Whole, day: Whole) -> Whole:
        """For each row the number of the measure that holds for its sort of goods on its day, `NO_MEASURE` where none
        does."""
        found = np.full(len(which), NO_MEASURE, np.int64)
        rows, measures = self.holding(sorts, which, np.arange(len(which)), day)
        found[rows] = measures
        return found

    def holding(self, sorts: Sorts, which: Whole, items: Whole, days: Whole) -> tuple[Whole, Whole]:
        """The rows for which a measure holds, in rising order, and for each of them the measure. `which` tells the sort
        of each row, `items` where its day stands among the `days`."""
        if not len(self._groups) or not len(which):
            return _NONE, _NONE
        laid = self._laid
        if laid.sorts is not sorts or len(laid.first) < len(sorts.pairs.code):
            with self._lock:
                laid = self._laid = self._lay(sorts)
        return (_HELD[0] if _HELD else _held)(laid, which, items, days)

    def stretches(self, code: str, origin: str) -> list[tuple[int, int, int]]:
        """The stretches of days, from the first of each until another, over which one measure holds for such goods, and
        its number."""
        key = self._node(code, below=len(code) + 1) * len(self._origins) + self._class_of.get(origin, 0)
        _, found = self._resolved(np.array([key]))
        return list(zip(*(column.tolist() for column in found), strict=True))

    def _node(self, code: str, *, below: int) -> int:
        """The longest node that the code begins with, of those that are shorter than that."""
        begun = (code[:length] for length in reversed(self._lengths) if length < below)
        return next((self._nodes[one] for one in begun if one in self._nodes), 0)

    def _lay(self, sorts: Sorts) -> _Laid:
        """Lay down what holds for the sorts that were not asked before."""
        laid = self._laid if self._laid.sorts is sorts else _NONE_LAID._replace(stretches=self._laid.stretches)
        code, origin = sorts.pairs
        code, origin = code[len(laid.first) :], origin[len(laid.first) :]
        of_codes, of_origins = self._of_codes(sorts, laid.of_codes), self._of_origins(sorts, laid.of_origins)
        asked = of_codes[code] * len(self._origins) + of_origins[origin]
        stretches = laid.stretches
        new, _ = distinct(asked[self._first[asked] < 0], len(self._first))
        if len(new):
            self._count[new], more = self._resolved(new)
            self._first[new] = len(stretches.since) + np.cumsum(self._count[new]) - self._count[new]
            stretches = _Stretches(*map(grown, stretches, more))
        many = self._count[asked]
        return _Laid(
            sorts=sorts,
            first=grown(laid.first, self._first[asked]),
            many=grown(laid.many, many),
            is_borne=grown(laid.is_borne, many > 0),
            stretches=stretches,
            of_codes=of_codes,
            of_origins=of_origins,
        )

    def _of_codes(self, sorts: Sorts, before: Whole) -> Whole:
        """Of each code its node."""
        size = len(sorts.codes)
        node = np.zeros(size - len(before), np.int64)
        for length in self._lengths if len(node) else ():
            begun = sorts.cut(length, slice(len(before), size))
            found = np.fromiter(map(self._nodes.get, begun, repeat(0)), np.int64, len(node))
            node = np.where(found > 0, found, node)
        return grown(before, node)

    def _of_origins(self, sorts: Sorts, before: Whole) -> Whole:
        """Of each origin its class: that of all, where no measure names it."""
        more = [self._class_of.get(origin, 0) for origin in sorts.origins[len(before) :]]
        return grown(before, np.array(more, np.int64))

    def _resolved(self, keys: Whole) -> tuple[Whole, _Stretches]:
        """For each node and class together how many stretches there are, and these, key by key."""
        key, level, row = self._rows_of(keys)
        since, until, number = self._since[row], self._until[row], self._number[row]
        begin, size = np.searchsorted(key, np.arange(len(keys))), np.bincount(key, minlength=len(keys))
        # Between two days on which something begins or ends nothing changes.
        of, day = np.append(key, key), np.append(since, until)
        order = np.lexsort((day, of))
        of, day = of[order], day[order]
        here = np.flatnonzero((of[1:] == of[:-1]) & (day[1:] != day[:-1]))
        of, start, end = of[here], day[here], day[here + 1]
        found, ended = np.full(len(of), NO_MEASURE, np.int64), np.full(len(of), -1, np.int64)
        for step in range(int(size.max(initial=0))):
            open_still = np.flatnonzero((found == NO_MEASURE) & (step < size[of]))
            place = begin[of[open_still]] + step
            on = start[open_still]
            says = (since[place] <= on) & (on < until[place]) & (level[place] != ended[open_still])
            open_still, place = open_still[says], place[says]
            is_end = number[place] == _ENDED
            ended[open_still[is_end]] = level[place[is_end]]
            found[open_still[~is_end]] = number[place[~is_end]]
        held = np.flatnonzero(found != NO_MEASURE)
        of, start, end, found = of[held], start[held], end[held], found[held]
        goes_on = (of[1:] == of[:-1]) & (found[1:] == found[:-1]) & (start[1:] == end[:-1])
        first = np.flatnonzero(~np.append(False, goes_on)) if len(of) else _NONE
        last = np.append(first[1:], len(of)) - 1 if len(of) else _NONE
        return np.bincount(of[first], minlength=len(keys)), _Stretches(start[first], end[last], found[first])

    def _rows_of(self, keys: Whole) -> tuple[Whole, Whole, Whole]:
        """The measures that may speak of each key, those that go before others first: for each the place of the key,
        how many codes and origins go before its own, and its row."""
        node, klass = np.divmod(keys, len(self._origins))
        parts: list[tuple[Whole, Whole, Whole]] = []
        while node.any():
            for origin, asks in ((klass, node > 0), (np.zeros_like(klass), (node > 0) & (klass > 0))):
                group = node * len(self._origins) + origin
                place = np.searchsorted(self._groups, group).clip(max=len(self._groups) - 1)
                here = np.flatnonzero(asks & (self._groups[place] == group))
                size = self._sizes[place[here]]
                key = np.repeat(here, size)
                row = np.repeat(self._starts[place[here]] - np.cumsum(size) + size, size) + np.arange(len(key))
                kept = np.flatnonzero(~self._is_left_out[self._left_out[row], klass[key]])
                parts.append((key[kept], np.full(len(kept), len(parts)), row[kept]))
            node = self._parents[node]
        if not parts:
            return _NONE, _NONE, _NONE
        key, level, row = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(key, kind="stable")
        return key[order], level[order], row[order]


def ready() -> bool:
    """Make the kernel ready, for a process that will assess much; False where numba is not installed. Until then, and
    without numba, the same is found more slowly."""
    if not _HELD:
        try:
            from tidewaiter.law.kernel import Stretches, held
        except ImportError:
            return False

        def by_kernel(laid: _Laid, which: Whole, items: Whole, days: Whole) -> tuple[Whole, Whole]:
            rows, measures = np.empty(len(which), np.int64), np.empty(len(which), np.int64)
            stretches = Stretches(*laid.stretches, laid.first, laid.many)
            count = held((which, items, days), stretches, rows, measures)
            return rows[:count], measures[:count]

        one = np.zeros(1, np.int64)
        by_kernel(_Laid(None, one.astype(np.int32), one.astype(np.int32), one > 0, _NOTHING, one, one), one, one, one)
        _HELD.append(by_kernel)
    return True


_HELD: list[Callable[[_Laid, Whole, Whole, Whole], tuple[Whole, Whole]]] = []
"""What finds the measures by the kernel, once it was made ready."""


def _held(laid: _Laid, which: Whole, items: Whole, days: Whole) -> tuple[Whole, Whole]:
    """The rows for which a measure holds, and for each of them the measure."""
    rows = np.flatnonzero(laid.is_borne[which])
    if not len(rows):
        return _NONE, _NONE
    sort, day = which[rows], days[items[rows]]
    place = laid.first[sort].astype(np.int64)
    measure = _at(laid.stretches, place, day)
    left = np.flatnonzero(measure == NO_MEASURE)
    if not len(left):
        return rows, measure
    step = 1  # almost every sort has one stretch only
    while len(left := left[laid.many[sort[left]] > step]):
        measure[left] = _at(laid.stretches, place[left] + step, day[left])
        left, step = left[measure[left] == NO_MEASURE], step + 1
    held = np.flatnonzero(measure != NO_MEASURE)
    return rows[held], measure[held]


def _at(stretches: _Stretches, place: Whole, day: Whole) -> Whole:
    """The measure at each place where it holds on that day, else `NO_MEASURE`."""
    holds = (stretches.since[place] <= day) & (day < stretches.until[place])
    # Reckoned, as to choose row by row would cost four times as much.
    found: Whole = (stretches.number[place] - NO_MEASURE) * holds + NO_MEASURE
    return found
