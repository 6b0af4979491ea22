"""What the cells of plain rows say, column by column: texts, exact numbers, and values of few kinds.

Numbers are read as they are written plainly. Every other value is judged once for each way in which it is written, by
the reader of rows, so that it means the same either way.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tidewaiter.formats.csv.columns import KILOGRAMS, Heading, mass_unit
from tidewaiter.formats.csv.kinds import Fault
from tidewaiter.formats.csv.numbers import decimal_mark, without_currency
from tidewaiter.formats.csv.rows import RowReader
from tidewaiter.formats.spans import Bytes, numbers, texts
from tidewaiter.model.exact import MISSING, Whole, scaled, told_apart
from tidewaiter.model.money import MICRO, Money, to_micro

_MARKS = {ord("."): "0.5", ord(","): "0,5"}
"""A number that leaves no doubt which mark is its decimal mark."""
_DOUBTFUL = 3
"""So many digits behind a mark may be decimals, or the last three of a thousand."""
_MASS_MAX = 10**15
"""Millionths of a unit of mass below which a `Decimal` of 28 digits holds them in kilograms."""


class Texts(NamedTuple):
    """The rows that say something, and where among all texts that is."""

    rows: Whole
    at: Whole


class Amounts(NamedTuple):
    """The rows that say something, whole millionths, and of an amount which of the currencies; else nought."""

    rows: Whole
    micro: Whole
    currency: Whole


class Coded(NamedTuple):
    """The rows that say something, which of the values each says, and those: None where it cannot be used."""

    rows: Whole
    which: Whole
    values: list[Any]


class _Spans(NamedTuple):
    rows: Whole
    starts: Whole
    ends: Whole


class Values:
    """The values of rows whose cells stand between `starts` and `ends`, a column of them for each column of the sheet.

    `is_odd` are the rows in which something is wrong, or not plain enough to be judged here. `more` are other texts
    that should hold numbers: all of them tell what the decimal mark of the sheet is.
    """

    def __init__(self, padded: bytes, starts: Whole, ends: Whole, reader: RowReader, more: Iterator[str]) -> None:
        self.padded = padded
        self.reader = reader
        self.is_odd = np.zeros(len(starts), np.bool_)
        self.texts: dict[str, Texts] = {}
        self.amounts: dict[str, Amounts] = {}
        self.coded: dict[str, Coded] = {}
        self.currencies: dict[str, int] = {}
        since, until = np.ascontiguousarray(starts.T), np.ascontiguousarray(ends.T)
        spans = {}
        for name, heading in reader.by_name.items():
            low, high = since[heading.place], until[heading.place]
            rows = np.flatnonzero(low < high)
            is_full = len(rows) == len(low)
            spans[name] = _Spans(rows, low, high) if is_full else _Spans(rows, low[rows], high[rows])
        is_number = {name: heading.column.kind in (Money, Decimal) for name, heading in reader.by_name.items()}
        self._take_texts({name: span for name, span in spans.items() if not is_number[name]})
        self._take_numbers({name: span for name, span in spans.items() if is_number[name]}, more)

    def _take_texts(self, spans: dict[str, _Spans]) -> None:
        starts, ends = (np.concatenate([span[part] for span in spans.values()]) for part in (1, 2))
        self.pool = texts(self.padded, starts, ends)
        at = 0
        for name, (rows, since, until) in spans.items():
            heading = self.reader.by_name[name]
            if _is_text(heading):
                long = until - since > (heading.column.meta.max_length or len(self.padded))
                self.is_odd[rows[long]] = True
                self.texts[name] = Texts(rows, np.arange(at, at + len(rows)))
            elif len(rows):
                self._take_coded(heading, rows, self.pool.slice(at, len(rows)))
            at += len(rows)

    def _take_coded(self, heading: Heading, rows: Whole, written: pl.Series) -> None:
        which, different = told_apart(written)
        values: list[Any] = different
        if heading.column.scope != "row":
            values = [self._usable(self.reader.said(heading, text, "")) for text in different]
            wrong = np.array([value is None for value in values], np.bool_)
            if wrong.any():
                self.is_odd[rows[wrong[which]]] = True
        self.coded[heading.column.name] = Coded(rows, which, values)

    @staticmethod
    def _usable(value: Any) -> Any:
        return None if isinstance(value, Fault) else value

    def _take_numbers(self, spans: dict[str, _Spans], more: Iterator[str]) -> None:
        """Numbers: first all, which tell the mark of the sheet, and then what each is by that mark."""
        read = {name: numbers(self.padded, span.starts, span.ends) for name, span in spans.items()}
        doubtful: dict[str, Whole] = {}
        seen: set[int] = set()
        unplain: list[pl.Series] = []
        for name, (micro, mark, decimals) in read.items():
            starts, ends = spans[name].starts, spans[name].ends
            doubt = (decimals == _DOUBTFUL) & (ends - starts <= 2 * _DOUBTFUL + 1) & (micro >= MICRO)
            doubtful[name] = np.flatnonzero(doubt)
            seen |= set(np.unique(mark[~doubt & (micro != MISSING)]).tolist())
            at = np.flatnonzero(micro == MISSING)
            if len(at):
                unplain.append(texts(self.padded, starts[at], ends[at]).unique())
        told = (without_currency(text)[0] for series in unplain for text in series.to_list() if text is not None)
        sure = (text for sign, text in _MARKS.items() if sign in seen)
        self.reader.mark = decimal_mark(itertools.chain(sure, told, more))
        for name, (micro, mark, _) in read.items():
            self._resolve(micro, mark, doubtful[name])
            self._take_amounts(self.reader.by_name[name], spans[name], micro)

    def _resolve(self, micro: Whole, mark: Bytes, doubtful: Whole) -> None:
        """Numbers that can be read in two ways, by the mark of the sheet."""
        if not len(doubtful):
            return
        if not self.reader.mark:
            micro[doubtful] = MISSING
            return
        thousands = doubtful[mark[doubtful] != ord(self.reader.mark)]
        micro[thousands] *= 1_000

    def _take_amounts(self, heading: Heading, span: _Spans, micro: Whole) -> None:
        name = heading.column.name
        if not len(span.rows):
            return
        beside, words = self._beside(heading, span.rows)
        currency = np.zeros(len(span.rows), np.int64)
        at = np.flatnonzero(micro == MISSING)
        wrong = np.zeros(len(span.rows), np.bool_)
        if heading.column.kind is Money or heading.column.is_mass:
            once = [self._usable(self.reader.said(heading, "1", word)) for word in words]
            table = np.array([self._currency(value) for value in once], np.int64)
            currency = table[beside]
            wrong = currency < 0
        if heading.column.is_mass:
            self._weigh(heading, micro, beside, words)
            at = np.flatnonzero(micro == MISSING)
        if len(at):
            self._judge(heading, span, at, beside=beside, words=words, micro=micro, currency=currency)
            wrong[at] = micro[at] == MISSING
        if wrong.any():
            self.is_odd[span.rows[wrong]] = True
        self.amounts[name] = Amounts(span.rows, micro, currency)

    def _beside(self, heading: Heading, rows: Whole) -> tuple[Whole, list[str]]:
        """What each of these rows says in the column in which units or currencies stand: which, of these words."""
        said = self.coded.get(self.reader.beside(heading.column))
        if said is None:
            return np.zeros(len(rows), np.int64), [""]
        which = np.full(len(self.is_odd), len(said.values))
        which[said.rows] = said.which
        return which[rows], [*said.values, ""]

    def _currency(self, value: Any) -> int:
        """The number of the currency of an amount, nought for a mass, below nought where there is neither."""
        if value is None:
            return -1
        return self.currencies.setdefault(value.currency, len(self.currencies)) if isinstance(value, Money) else 0

    def _weigh(self, heading: Heading, micro: Whole, beside: Whole, words: list[str]) -> None:
        """From the unit of each row to kilograms; `MISSING` where that is for the reader of rows to do."""
        for number, word in enumerate(words):
            unit = heading.unit or mass_unit(word)
            if unit and unit != "kg":
                at = np.flatnonzero(beside == number) if len(words) > 1 else np.arange(len(micro))
                here = micro[at]
                is_known = (here != MISSING) & (here < _MASS_MAX)
                one = Fraction(KILOGRAMS[unit])
                kilograms = scaled(np.where(is_known, here, 0), one.numerator, one.denominator, quantum=1, half_up=True)
                micro[at] = np.where(is_known, kilograms, MISSING)

    def _judge(
        self,
        heading: Heading,
        span: _Spans,
        at: Whole,
        *,
        beside: Whole,
        words: list[str],
        micro: Whole,
        currency: Whole,
    ) -> None:
        """Numbers that are not written plainly, once for each way in which one is, by the reader of rows."""
        which, different = told_apart(texts(self.padded, span.starts[at], span.ends[at]).head(len(at)))
        pairs, place = np.unique(which * len(words) + beside[at], return_inverse=True)
        said = [
            self._usable(self.reader.said(heading, different[pair // len(words)], words[pair % len(words)]))
            for pair in pairs.tolist()
        ]
        worth = [MISSING if one is None else to_micro(one.amount if isinstance(one, Money) else one) for one in said]
        micro[at] = np.array(worth, np.int64)[place]
        currency[at] = np.array([self._currency(one) for one in said], np.int64)[place]


def _is_text(heading: Heading) -> bool:
    """Whether any text that is not too long may stand there, and is kept as it is."""
    column = heading.column
    return column.kind is str and not column.meta.pattern and column.field != "hs_code" and column.scope != "row"
