"""Which measure of the tariff holds for goods: by code, origin and day, the longest prefix that says something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tidewaiter.law.expressions import AdValorem, Formula, Specific, Unsupported, read
from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import MISSING, Whole, distinct, highest, known, told_apart, yes

_COLUMNS: dict[str, type[pl.DataType] | pl.DataType] = {
    "schedule": pl.String, "code": pl.String, "origin": pl.String, "excluded": pl.List(pl.String),
    "kind": pl.String, "additional_code": pl.String, "claim": pl.String, "since": pl.Date, "until": pl.Date,
    "known_from": pl.Date, "rate": pl.String, "measure": pl.String, "source": pl.String, "confidence": pl.String,
}  # fmt: skip
TARIFF = pl.Schema(_COLUMNS)
"""A row a measure: from `known_from` on (null: always) it is known that the rate is this from `since` until `until`.
`origin` is '' for all, or a country; `claim` the preference that must be claimed, '' for a row that asks for none by
name; `rate` is a duty expression in our own spelling, or 'ended'."""

ENDED = "ended"
"""Stands for the rate of a code that has left the tariff: a shorter code speaks again."""
NO_MEASURE = -1
_CODES_MAX = 200_000
"""So many different codes are remembered; past it, memory begins anew."""
_FOR_EVER = ordinal(date.max)
_ENDED = -2
_Row = tuple[int, int, int]
"""First day, first day on which it holds no longer, and the measure."""
_Measure = tuple[int, int, int, int, frozenset[str]]
"""When it became known, first day, first day on which it holds no longer, number, countries left out."""


class Codes:
    """Commodity codes by number, given when a code is first met: what is worked out of one is kept in arrays."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str | None, int] = {}

    def numbers(self, codes: Sequence[str | None]) -> Whole:
        """The number of each code; none at all is one too."""
        if len(self.texts) >= _CODES_MAX:
            self.texts, self._numbers = [], {}
        known = self._numbers
        try:
            return np.fromiter(map(known.__getitem__, codes), np.int64, len(codes))
        except KeyError:  # one is met for the first time
            for code in codes:
                if code not in known:
                    known[code] = len(self.texts)
                    self.texts.append(code or "")
        return np.fromiter(map(known.__getitem__, codes), np.int64, len(codes))


class Sorts(NamedTuple):
    """The different goods that a tariff is asked for: of each the number of its code, and the place of its origin among
    the origins."""

    codes: Whole
    origins: Sequence[str | None]
    origin: Whole


class Measures:
    """The measures of one kind in one tariff. What holds for a code and an origin is worked out when first asked."""

    def __init__(self, measures: pl.DataFrame, codes: Codes) -> None:
        """`measures` is a frame TARIFF of one kind, with the `number` of each."""
        self._codes, self._texts = codes, codes.texts
        self._node_of = np.zeros(0, np.int64)
        self._rows: dict[str, dict[str, list[_Measure]]] = {}
        left_out: set[str] = set()
        columns = ("code", "origin", "known_from", "since", "until", "number", "excluded", "rate")
        for code, origin, known_from, since, until, number, excluded, rate in measures.select(columns).iter_rows():
            last = _FOR_EVER if until is None else ordinal(until)
            begun = 0 if known_from is None else ordinal(known_from)
            left_out |= set(excluded)
            row = (begun, ordinal(since), last, _ENDED if rate == ENDED else number, frozenset(excluded))
            self._rows.setdefault(code, {}).setdefault(origin, []).append(row)
        self._lengths = sorted({len(code) for code in self._rows}, reverse=True)
        origins = sorted(({origin for of_code in self._rows.values() for origin in of_code} | left_out) - {""})
        self._class_of = {origin: number for number, origin in enumerate(origins, start=1)}
        self._origins = ["", *origins]
        # The first node has no code and no measures: it stands for codes that begin with none.
        self._nodes = {code: number for number, code in enumerate(self._rows, start=1)}
        self._names = ["", *self._nodes]
        size = len(self._names) * len(self._origins)
        self._first = np.full(size, -1, np.int64)
        self._first[: len(self._origins)] = 0
        self._count = np.zeros(size, np.int64)
        # The first row never holds: it stands for what has none.
        self._since, self._until = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._number = np.full(1, NO_MEASURE, np.int64)

    def of(self, sorts: Sorts, which: Whole, day: Whole) -> Whole:
        """For each row the number of the measure that holds for its sort of goods on its day, `NO_MEASURE` where none
        does: the one of the longer code, then that of the very country before that for all."""
        found = np.full(len(which), NO_MEASURE, np.int64)
        rows, measures = self.holding(sorts, which, day)
        found[rows] = measures
        return found

    def holding(self, sorts: Sorts, which: Whole, day: Whole) -> tuple[Whole, Whole]:
        """The rows for which a measure holds, in rising order, and for each of them the measure."""
        none = np.zeros(0, np.int64)
        if not self._nodes or not len(which):
            return none, none
        classes = [self._class_of.get(origin or "", 0) for origin in sorts.origins]
        asked = self._nodes_of(sorts.codes) * len(self._origins) + np.array(classes, np.int64)[sorts.origin]
        self._work_out(asked)
        count = self._count[asked]
        most = highest(count)
        if not most:
            return none, none
        rows = np.flatnonzero((count > 0)[which])
        sort, day = which[rows], day[rows]
        place = self._first[asked][sort]
        measure = self._at(place, day)
        left = np.flatnonzero(measure == NO_MEASURE)
        if not len(left):
            return rows, measure
        for step in range(1, most):  # almost every sort has one measure only
            left = left[(measure[left] == NO_MEASURE) & (count[sort[left]] > step)]
            measure[left] = self._at(place[left] + step, day[left])
        held = np.flatnonzero(measure != NO_MEASURE)
        return rows[held], measure[held]

    def _at(self, place: Whole, day: Whole) -> Whole:
        """The measure at each place where it holds on that day, else `NO_MEASURE`."""
        holds = (self._since[place] <= day) & (day < self._until[place])
        # Reckoned, as to choose row by row would cost four times as much.
        found: Whole = (self._number[place] - NO_MEASURE) * holds + NO_MEASURE
        return found

    def stretches(self, code: str, origin: str) -> list[tuple[int, int, int]]:
        """The stretches of days, from the first of each until another, over which one measure holds for such goods."""
        return self._resolved(code, origin if origin in self._class_of else "")

    def _nodes_of(self, codes: Whole) -> Whole:
        """For each code the longest one with a measure that it begins with; nought where there is none."""
        texts = self._codes.texts
        known = self._node_of if texts is self._texts else self._node_of[:0]
        if len(known) < len(texts):
            more = np.fromiter(map(self._node, texts[len(known) :]), np.int64, len(texts) - len(known))
            known = np.concatenate([known, more])
            self._node_of, self._texts = known, texts
        return known[codes]

    def _node(self, code: str) -> int:
        for length in self._lengths:
            if found := self._nodes.get(code[:length]):
                return found
        return 0

    def _work_out(self, asked: Whole) -> None:
        """Lay down what holds for those nodes and classes of origin that were not asked before."""
        is_new = self._first[asked] < 0
        if not is_new.any():
            return
        new, _ = distinct(asked[is_new], len(self._first))
        laid: list[_Row] = []
        start = len(self._since)
        for key in new.tolist():
            node, klass = divmod(key, len(self._origins))
            rows = self._resolved(self._names[node], self._origins[klass])
            self._first[key], self._count[key] = start + len(laid) if rows else 0, len(rows)
            laid += rows
        more = np.array(laid, np.int64).reshape(-1, 3)
        self._since = np.concatenate([self._since, more[:, 0]])
        self._until = np.concatenate([self._until, more[:, 1]])
        self._number = np.concatenate([self._number, more[:, 2]])

    def _resolved(self, code: str, origin: str) -> list[_Row]:
        """The stretches of days over which one measure holds for the code and the origin."""
        groups: list[list[_Row]] = []
        for length in self._lengths:
            if length <= len(code):
                of_code = self._rows.get(code[:length], {})
                for name in dict.fromkeys((origin, "")):
                    latest_first = sorted(of_code.get(name, ()), key=lambda row: row[:4], reverse=True)
                    if its := [row[1:4] for row in latest_first if origin not in row[4]]:
                        groups.append(its)
        if len(groups) == 1 and len(groups[0]) == 1 and groups[0][0][2] != _ENDED:
            return groups[0]  # as most codes have it
        days = sorted({day for group in groups for since, until, _ in group for day in (since, until)})
        found: list[_Row] = []
        for since, until in pairwise(days):
            # What was known last decides; where that is an end, a shorter code speaks again.
            said = (next((n for first, end, n in group if first <= since < end), _ENDED) for group in groups)
            number = next((n for n in said if n != _ENDED), NO_MEASURE)
            if found and found[-1][2] == number and found[-1][1] == since:
                found[-1] = (found[-1][0], until, number)
            elif number != NO_MEASURE:
                found.append((since, until, number))
        return found


def currencies_of(formula: Formula | Unsupported) -> frozenset[str]:
    """The currencies of the amounts in a formula."""
    if isinstance(formula, Unsupported):
        return frozenset()
    parts = (*formula.parts, *formula.at_least, *formula.at_most)
    return frozenset(part.currency for part in parts if isinstance(part, Specific))


class Tariff:
    """All measures of a law, by tariff and kind. What they say stands by the number of the measure: `formulas`, and in
    arrays with one more at the end for `NO_MEASURE`: `plain_ppm`, parts in a million of the value where the duty is no
    more than that, else `MISSING`; `is_on_part`, whether it is laid on a named part of the article. Measures of the
    same rate have the same `wording`: its number among the `worded` formulas, with the `currencies` of the amounts in
    each. `changes`: the days on which some measure begins or ends."""

    def __init__(self, measures: pl.DataFrame) -> None:
        """`measures` is a frame TARIFF."""
        self.frame = measures
        bounds = (known(measures[name]) for name in ("since", "until"))
        self.changes = np.setdiff1d(np.concatenate([*bounds]), [MISSING])
        # Goods that need an additional code to bear a measure do not bear it by their commodity code alone.
        numbered = measures.with_row_index("number").filter(pl.col("additional_code") == "")
        self.codes = Codes()
        self._of: dict[tuple[Any, ...], Measures] = {
            key: Measures(rows, self.codes)
            for key, rows in numbered.partition_by(
                "schedule", "kind", "claim", as_dict=True, maintain_order=True
            ).items()
        }
        self._claims: dict[tuple[Any, ...], tuple[str, ...]] = {}
        for schedule, kind, claim in self._of:
            if claim:
                self._claims[schedule, kind] = (*self._claims.get((schedule, kind), ()), claim)
        self._none = Measures(numbered.clear(), self.codes)
        self.wording, texts = told_apart(measures["rate"])
        self.worded = [read(text) for text in texts]
        self.formulas = [self.worded[number] for number in self.wording.tolist()]
        self.currencies = [currencies_of(one) for one in self.worded]
        ppm = [MISSING if (plain := _ppm(one)) is None else plain for one in self.worded]
        self.plain_ppm = np.append(np.array(ppm, np.int64)[self.wording], MISSING)
        on_part = np.array([_is_on_part(one) for one in self.worded], np.bool_)
        self.is_on_part = np.append(on_part[self.wording], False)
        self.is_preference = np.append(yes(measures["kind"] == "preference"), False)
        self.is_firm = np.append(yes(measures["confidence"] == "firm"), False)

    def known_on(self, day: date) -> Tariff:
        """The tariff as it was known on that day."""
        return Tariff(self.frame.filter(pl.col("known_from").is_null() | (pl.col("known_from") <= day)))

    def of(self, schedule: str | None, kind: str, claim: str = "") -> Measures:
        """The measures of that kind in that tariff: those that ask for this claim by name, or for none."""
        return self._of.get((schedule, kind, claim), self._none)

    def claims(self, schedule: str | None, kind: str) -> tuple[str, ...]:
        """The preferences that measures of that kind ask for by name."""
        return self._claims.get((schedule, kind), ())

    def kinds(self, schedule: str | None) -> tuple[str, ...]:
        """The kinds of measures that the tariff has."""
        return tuple(dict.fromkeys(kind for place, kind, _ in self._of if place == schedule))

    def rate_changes(
        self, schedule: str | None, kind: str, *, code: str, origin: str, day: int, claim: str = ""
    ) -> int | None:
        """The first day after this one, as days since 1970, on which such goods have another rate; None where no
        change is known."""
        stretches = self.of(schedule, kind, claim).stretches(code, origin)

        def rate(on: int) -> str | None:
            number = next((n for since, until, n in stretches if since <= on < until), None)
            return None if number is None else str(self.frame["rate"][number])

        ahead = sorted({at for since, until, _ in stretches for at in (since, until) if day < at < _FOR_EVER})
        return next((at for at in ahead if rate(at) != rate(day)), None)

    def measure(self, schedule: str, code: str, *, origin: str, preferred: str | None, day: date) -> int:
        """The number of the measure of duty for one code and origin on a day, where a preference for the country
        `preferred` is claimed, or none; `NO_MEASURE` where the tariff says nothing."""
        better = self.held(schedule, "preference", code, origin=preferred, day=day) if preferred else NO_MEASURE
        return self.held(schedule, "third_country", code, origin=origin, day=day) if better == NO_MEASURE else better

    def held(self, schedule: str, kind: str, code: str, *, origin: str, day: date, claim: str = "") -> int:
        """The number of the measure of that kind for one code and origin on a day, or `NO_MEASURE`."""
        one = np.zeros(1, np.int64)
        sorts = Sorts(self.codes.numbers([code]), [origin], one)
        return int(self.of(schedule, kind, claim).of(sorts, one, np.array([ordinal(day)]))[0])


def _ppm(duty: Formula | Unsupported) -> int | None:
    """Parts in a million of the value, where the duty is no more than that."""
    return duty.ppm if isinstance(duty, Formula) else None


def _is_on_part(duty: Formula | Unsupported) -> bool:
    """Whether some of the duty is laid on a named part of the article, such as its steel content."""
    return isinstance(duty, Formula) and any(
        isinstance(part, AdValorem) and part.base != VALUE for part in (*duty.parts, *duty.at_least, *duty.at_most)
    )
