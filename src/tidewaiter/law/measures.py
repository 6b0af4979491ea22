"""The measures of a tariff: which of them holds for goods of a code and an origin on a day.

It is the one of the longest code that the code of the goods begins with, then that of the very country before that for
all, then the one that became known last; where that one is an end, a shorter code speaks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import repeat
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.law.sorts import Sorts, grown
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import MISSING, Whole, beginnings, distinct, known, told_apart, yes

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
    """Stretches of days, from the first of each until another, over which one measure holds."""

    since: Whole
    until: Whole
    number: Whole


class Laid(NamedTuple):
    """What is laid down so far of some sorts: where the stretches of each begin, and where those of the last end. A
    stretch is a line: the days from the first until another, the number of the measure that holds, and its kind."""

    begin: _Few
    stretches: _Few


class _Known(NamedTuple):
    """What is known so far: all that is laid down of some sorts, of each code its node among those of each kind, and of
    each origin its place."""

    sorts: Sorts | None
    laid: Laid
    of_codes: tuple[Whole, ...]
    of_origins: Whole


Goods = tuple[Whole, Whole, Whole]
"""Of some goods the sort of each, where its day stands among the days, and these."""
Held = tuple[Whole, Whole]
"""The rows for which a measure holds, in rising order, and for each of them the measure."""


_LAYING = Lock()
"""One thread lays down at a time. It stands here, as law goes from process to process and a lock does not."""


class Measures:
    """The measures of one tariff that ask for the same claim. What holds for a sort of goods is worked out when it is
    first asked for, for all that are new at once; any number of threads may ask.

    A *node* is a code of which there are measures of some kind; the first has none, and stands for codes that begin
    with no node. For every origin that some measure of the kind names a node has a *key*, and one for all others.
    """

    def __init__(self, measures: pl.DataFrame) -> None:
        """`measures` is a frame TARIFF, with the `number` of each."""
        kind, kinds = told_apart(measures["kind"])
        code, codes = told_apart(measures["code"])
        origin, origins = told_apart(measures["origin"])
        left_out, lists = told_apart(measures["excluded"].list.join(","))
        countries = [frozenset((one or "").split(",")) - {""} for one in lists]
        names = ["", *sorted(frozenset(origins).union(*countries) - {""})]
        self._kinds = {name: number for number, name in enumerate(kinds)}
        self._origins = {name: number for number, name in enumerate(names)}
        named = np.zeros((len(kinds), len(names)), np.bool_)
        named[kind, np.array([self._origins[name] for name in origins], np.int64)[origin]] = True
        out = np.array([[name in some for name in names] for some in countries], np.bool_).reshape(-1, len(names))
        for number in range(len(kinds)):
            named[number] |= out[left_out[kind == number]].any(axis=0)
        named[:, 0] = True
        self._class_of = np.where(named, np.cumsum(named, axis=1) - 1, 0)
        pairs, node = distinct(kind * len(codes) + code, len(kinds) * len(codes))
        self._nodes: list[dict[str, int]] = [{} for _ in kinds]
        for number, pair in enumerate(pairs.tolist(), start=1):
            self._nodes[pair // len(codes)][codes[pair % len(codes)]] = number
        self._lengths = [sorted({len(name) for name in nodes}) for nodes in self._nodes]
        above = (self._node(of, name, below=len(name)) for of, nodes in enumerate(self._nodes) for name in nodes)
        self._parents = np.array([0, *above], np.int64)
        widths = named.sum(axis=1)[pairs // max(len(codes), 1)]
        self._base = np.append([0, 1], 1 + np.cumsum(widths)[:-1]) if len(pairs) else np.zeros(1, np.int64)
        of_kind = [np.tile(np.flatnonzero(its), len(nodes)) for its, nodes in zip(named, self._nodes, strict=True)]
        self._origin_of = np.concatenate([[0], *of_kind])
        self._is_left_out = out
        until, begun = known(measures["until"]), np.maximum(known(measures["known_from"]), -FOR_EVER)
        number_of = np.where(yes(measures["rate"] == ENDED), _ENDED, known(measures["number"]))
        its = np.array([self._origins[name] for name in origins], np.int64)[origin]
        group = self._base[node + 1] + self._class_of[kind, its]
        since, until = known(measures["since"]), np.where(until == MISSING, FOR_EVER, until)
        # Of what became known on one day that which begins later goes first.
        order = np.lexsort((-number_of, -until, -since, -begun, group))
        self._since, self._until, self._number = since[order], until[order], number_of[order]
        self._left_out = left_out[order]
        starts = beginnings(group[order])
        self._groups, self._starts = group[order][starts], starts
        self._sizes = np.diff(starts, append=len(group))
        # Of each key where its stretches begin, once they are worked out, and how many there are.
        self._first, self._count = np.full(len(self._origin_of), -1, np.int32), np.zeros(len(self._origin_of), np.int32)
        self._first[0] = 0
        self._stretches = _Stretches(_NONE, _NONE, _NONE)
        self._known = _nothing_known(len(kinds))

    def of(self, kind: str, sorts: Sorts, which: Whole, day: Whole) -> Whole:
        """For each row the number of the measure of that kind that holds for its sort of goods on its day, `NO_MEASURE`
        where none does."""
        found = np.full(len(which), NO_MEASURE, np.int64)
        [(rows, measures)] = self.holding((kind,), sorts, (which, np.arange(len(which)), day))
        found[rows] = measures
        return found

    def holding(self, kinds: Sequence[str], sorts: Sorts, goods: Goods) -> list[Held]:
        """Of each of the kinds, all different, the goods for which a measure holds, and which."""
        numbers = np.array([self._kinds.get(kind, -1) for kind in kinds], np.int64)
        if not len(goods[0]) or not (numbers >= 0).any():
            return [(_NONE, _NONE)] * len(kinds)
        laid = self.laid(sorts)
        asked = np.full(len(self._kinds), -1, np.int64)
        asked[numbers[numbers >= 0]] = np.flatnonzero(numbers >= 0)
        return (_HELD[0] if _HELD else _held)(goods, laid, asked, len(kinds))

    @property
    def kinds(self) -> Mapping[str, int]:
        """The kinds of measures there are, with the number of each in what is laid down."""
        return self._kinds

    def laid(self, sorts: Sorts) -> Laid:
        """What is laid down of all these sorts."""
        known_now = self._known
        if known_now.sorts is not sorts or len(known_now.laid.begin) <= len(sorts.pairs.code):
            with _LAYING:
                known_now = self._known = self._lay(sorts)
        return known_now.laid

    def stretches(self, kind: str, code: str, origin: str) -> list[tuple[int, int, int]]:
        """The stretches of days, from the first of each until another, over which one measure of that kind holds for
        such goods, and its number."""
        number = self._kinds.get(kind)
        node = 0 if number is None else self._node(number, code, below=len(code) + 1)
        if number is None or not node:
            return []
        key = self._base[node] + self._class_of[number, self._origins.get(origin, 0)]
        _, found = self._resolved(np.array([key]))
        return list(zip(*(column.tolist() for column in found), strict=True))

    def _node(self, kind: int, code: str, *, below: int) -> int:
        """The longest node of that kind that the code begins with, of those that are shorter than that."""
        nodes = self._nodes[kind]
        begun = (code[:length] for length in reversed(self._lengths[kind]) if length < below)
        return next((nodes[one] for one in begun if one in nodes), 0)

    def _lay(self, sorts: Sorts) -> _Known:
        """Lay down what holds for the sorts that were not asked before."""
        before = self._known if self._known.sorts is sorts else _nothing_known(len(self._kinds))
        # Before its codes and origins, which others may go on adding to: those of these sorts are there then.
        code, origin = (column[len(before.laid.begin) - 1 :] for column in sorts.pairs)
        laid, of_codes = before.laid, self._of_codes(sorts, before.of_codes)
        more = [self._origins.get(origin, 0) for origin in sorts.origins[len(before.of_origins) :]]
        of_origins = grown(before.of_origins, np.array(more, np.int64))
        keys = np.empty((len(code), len(self._kinds)), np.int64)
        for number, nodes in enumerate(of_codes):
            node = nodes[code]
            keys[:, number] = self._base[node] + (node > 0) * self._class_of[number][of_origins[origin]]
        self._work_out(keys)
        many = self._count[keys]
        row, kind = np.nonzero(many)
        size = many[row, kind]
        place = np.repeat(self._first[keys[row, kind]] - np.cumsum(size) + size, size) + np.arange(size.sum())
        lines = np.stack([*(column[place] for column in self._stretches), np.repeat(kind, size)], axis=1)
        return _Known(
            sorts=sorts,
            laid=Laid(
                begin=grown(laid.begin, (len(laid.stretches) + many.sum(axis=1).cumsum()).astype(np.int32)),
                stretches=grown(laid.stretches, lines.astype(np.int32)),
            ),
            of_codes=of_codes,
            of_origins=of_origins,
        )

    def _of_codes(self, sorts: Sorts, before: Sequence[Whole]) -> tuple[Whole, ...]:
        """Of each code its node among those of each kind."""
        size = len(sorts.codes)
        if not before or len(before[0]) == size:
            return tuple(before)
        new = slice(len(before[0]), size)
        found = []
        for nodes, lengths, earlier in zip(self._nodes, self._lengths, before, strict=True):
            node = np.zeros(size - len(earlier), np.int64)
            for length in lengths:
                begun = np.fromiter(map(nodes.get, sorts.cut(length, new), repeat(0)), np.int64, len(node))
                node = np.where(begun > 0, begun, node)
            found.append(grown(earlier, node))
        return tuple(found)

    def _work_out(self, keys: Whole) -> None:
        """Work out the stretches of those of the keys that are new."""
        new, _ = distinct(keys[self._first[keys] < 0], len(self._first))
        if len(new):
            count, more = self._resolved(new)
            self._first[new] = len(self._stretches.since) + np.cumsum(count) - count
            self._count[new] = count
            self._stretches = _Stretches(*map(grown, self._stretches, more))

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
        node = np.searchsorted(self._base, keys, side="right") - 1
        origin = self._origin_of[keys]
        klass = keys - self._base[node]
        parts: list[tuple[Whole, Whole, Whole]] = []
        while node.any():
            for group, asks in ((self._base[node] + klass, node > 0), (self._base[node], (node > 0) & (klass > 0))):
                place = np.searchsorted(self._groups, group).clip(max=len(self._groups) - 1)
                here = np.flatnonzero(asks & (self._groups[place] == group))
                size = self._sizes[place[here]]
                key = np.repeat(here, size)
                row = np.repeat(self._starts[place[here]] - np.cumsum(size) + size, size) + np.arange(len(key))
                kept = np.flatnonzero(~self._is_left_out[self._left_out[row], origin[key]])
                parts.append((key[kept], np.full(len(kept), len(parts)), row[kept]))
            node = self._parents[node]
        if not parts:
            return _NONE, _NONE, _NONE
        key, level, row = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(key, kind="stable")
        return key[order], level[order], row[order]


def _nothing_known(kinds: int) -> _Known:
    return _Known(None, Laid(np.zeros(1, np.int32), np.zeros((0, 4), np.int32)), (_NONE,) * kinds, _NONE)


def ready() -> bool:
    """Make the kernel ready, for a process that will assess much; False where numba is not installed. Until then, and
    without numba, the same is found more slowly."""
    if not _HELD:
        try:
            from tidewaiter.law.kernel import held
        except ImportError:
            return False
        one, line = np.zeros(1, np.int64), np.zeros((1, 4), np.int32)
        held((one, one, one), Laid(np.zeros(2, np.int32), line), one, 1)
        _HELD.append(held)
    return True


_HELD: list[Callable[[Goods, Laid, Whole, int], list[Held]]] = []
"""What finds the measures by the kernel, once it was made ready."""
_ROWS = 1 << 15
"""So many goods are looked at together, that what is made for them needs little room."""


def _held(goods: Goods, laid: Laid, asked: Whole, size: int) -> list[Held]:
    """For so many kinds of measures, the goods for which one holds, and which. `asked` tells of each kind that there is
    the place among these, -1 where it is not asked for."""
    sorts, items, days = goods
    parts: list[tuple[Whole, Whole, Whole]] = [(_NONE, _NONE, _NONE)]
    for start in range(0, len(sorts), _ROWS):
        sort = sorts[start : start + _ROWS]
        begin = laid.begin[sort].astype(np.int64)
        many = laid.begin[sort + 1] - begin
        row = np.repeat(np.arange(start, start + len(sort)), many)
        place = np.repeat(begin - np.cumsum(many) + many, many) + np.arange(len(row))
        day = days[items[row]]
        held = np.flatnonzero((laid.stretches[place, 0] <= day) & (day < laid.stretches[place, 1]))
        lines = laid.stretches[place[held]]
        kind = asked[lines[:, 3]]
        wanted = np.flatnonzero(kind >= 0)
        parts.append((row[held[wanted]], kind[wanted], lines[wanted, 2].astype(np.int64)))
    row, kind, number = (np.concatenate(column) for column in zip(*parts, strict=True))
    if size == 1:
        return [(row, number)]
    found = [np.flatnonzero(kind == one) for one in range(size)]
    return [(row[one], number[one]) for one in found]
