"""The rows of a sheet put together to consignments, and which of these are not plain.

Rows with one reference are one consignment, a row that says something of goods is one goods item. A consignment one of
whose rows is not plain, or whose rows contradict each other, is for the reader of rows: so are all findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from tidewaiter.formats.csv.cutting import Cut
from tidewaiter.formats.csv.judging import Amounts, Coded, Texts, Values
from tidewaiter.formats.csv.rows import RowReader
from tidewaiter.formats.spans import texts
from tidewaiter.model.exact import MISSING, Whole, Yes
from tidewaiter.model.money import LIMIT_MICRO, MICRO

COUNTRIES = ("jurisdiction", "destination_country", "consignee_country")
"""The columns that may say to which country a consignment is declared, best first."""
_FLOAT_SAFE = float(2**62)


class Judged:
    """The rows of a sheet, judged: which consignments are not plain, `is_odd`. `framing` makes columns of them."""

    def __init__(self, told: Cut, reader: RowReader) -> None:
        self.told = told
        self.reader = reader
        self._group()
        plain = self.consignment[told.plain]
        at = np.flatnonzero(plain >= 0)
        if (np.diff(plain[at]) < 0).any():
            at = at[np.argsort(plain[at], kind="stable")]
        self.owner = plain[at]
        starts, ends = told.starts, told.ends
        if len(at) != len(plain) or (np.diff(at) < 0).any():
            starts, ends = starts[at], ends[at]
        self.values = Values(told.padded, starts, ends, reader, self._other_numbers(plain < 0))
        self.is_odd[self.owner[self.values.is_odd]] = True
        self.size = len(self.is_odd)
        self._gather_heads()
        self._reckon()
        self._locate()

    def _group(self) -> None:
        """The consignment of each row, `consignment`, in the order in which references first stand there; -1 where a
        row has none. Rows that are not plain make theirs odd. `is_blank` are the rows without any text."""
        told, reader = self.told, self.reader
        heading = reader.by_name[reader.named]
        starts, ends = told.starts[:, heading.place], told.ends[:, heading.place]
        sizes = ends - starts
        others = {row: cells for row, cells in told.others.items() if any(cell.strip() for cell in cells)}
        is_long = sizes > (heading.column.meta.max_length or 0)
        named = {row: reader.reference(cells) for row, cells in others.items()}
        named |= {row: reader.reference(told.cells(row)) for row in told.plain[is_long].tolist()}
        at = np.flatnonzero((sizes > 0) & ~is_long)
        written = texts(told.padded, starts[at], ends[at]).head(len(at))
        rows = told.plain[at]
        has_none = np.zeros(told.size, np.bool_)
        has_none[list(others)] = True
        has_none[told.plain[(told.starts < told.ends).any(axis=1)]] = True
        self.is_blank = ~has_none
        if named := {row: text for row, text in named.items() if text}:
            rows = np.append(rows, np.array(list(named), np.int64))
            order = np.argsort(rows)
            rows = rows[order]
            written = pl.concat([written, pl.Series(list(named.values()), dtype=pl.String)], rechunk=True)[
                pl.Series(order)
            ]
        self.consignment = np.full(told.size, -1)
        if not len(rows):
            self.is_odd, self.references = np.zeros(0, np.bool_), written
            return
        is_first = np.append(True, (written.slice(1) != written.slice(0, len(written) - 1)).to_numpy())
        run = np.cumsum(is_first) - 1
        self.references = written.filter(pl.Series(is_first))
        if self.references.n_unique() != len(self.references):  # rows of one consignment stand apart
            number: dict[str, int] = {}
            run = np.array([number.setdefault(text, len(number)) for text in self.references.to_list()])[run]
            self.references = pl.Series(list(number), dtype=pl.String)
        self.consignment[rows] = run
        self.is_odd = np.zeros(len(self.references), np.bool_)
        self.is_odd[self.consignment[list(named)]] = True

    def _other_numbers(self, is_loose: Yes) -> Iterator[str]:
        """What the rows that are not judged by columns hold where numbers should stand."""
        rows = [(row, cells) for row, cells in self.told.others.items() if not self.is_blank[row]]
        loose = [(row, self.told.cells(row)) for row in self.told.plain[is_loose].tolist() if not self.is_blank[row]]
        yield from self.reader.number_texts([*rows, *loose])

    def odd_rows(self) -> Whole:
        """The rows for the reader of rows: those of odd consignments, and those that belong to none."""
        is_loose = (self.consignment < 0) & ~self.is_blank
        return np.flatnonzero(is_loose | np.append(self.is_odd, False)[self.consignment])

    def rows_of(self, entry: int) -> Whole:
        """The rows of a consignment."""
        order, begins = self._order
        return order[begins[entry] : begins[entry + 1]]

    @cached_property
    def _order(self) -> tuple[Whole, Whole]:
        rows = np.flatnonzero(self.consignment >= 0)
        order = rows[np.argsort(self.consignment[rows], kind="stable")]
        return order, np.searchsorted(self.consignment[order], np.arange(self.size + 1))

    def kept(self) -> int:
        """How many values of plain consignments found a field."""
        names = [heading.column.name for heading in (*self.reader.of_head, *self.reader.of_items)]
        rows = [said.rows for name in names if (said := self.said_in(name)) is not None]
        if not self.is_odd.any():
            return sum(map(len, rows))
        is_good = ~self.is_odd[self.owner]
        return sum(int(np.count_nonzero(is_good[at])) for at in rows)

    def said_in(self, name: str) -> Texts | Amounts | Coded | None:
        """What the rows say in a column; None where none says anything."""
        values = self.values
        return values.texts.get(name) or values.amounts.get(name) or values.coded.get(name)

    def _gather_heads(self) -> None:
        """Of what rows say of the whole, what the first says that says anything; others must say the same."""
        self.first: dict[str, tuple[Whole, Whole]] = {}  # the consignments in which it is said, and by which value
        for heading in self.reader.of_head:
            name = heading.column.name
            said = self.said_in(name)
            if said is None:
                continue
            owner = self.owner[said.rows]
            is_first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
            firsts = np.flatnonzero(is_first)
            if len(firsts) != len(owner):
                of = firsts[np.cumsum(is_first) - 1]
                differs = self._differs(said, np.flatnonzero(~is_first), of[~is_first])
                self.is_odd[owner[~is_first][differs]] = True
            self.first[name] = owner[firsts], firsts

    def _differs(self, said: Texts | Amounts | Coded, one: Whole, other: Whole) -> Yes:
        found: Yes
        if isinstance(said, Texts):
            pool = self.values.pool
            at, to = (pl.Series(said.at[which].astype(np.uint32)) for which in (one, other))
            found = (pool[at] != pool[to]).to_numpy()
        elif isinstance(said, Amounts):
            found = (said.micro[one] != said.micro[other]) | (said.currency[one] != said.currency[other])
        else:
            number: dict[Any, int] = {}
            same = np.array([number.setdefault(value, len(number)) for value in said.values], np.int64)
            found = same[said.which[one]] != same[said.which[other]]
        return found

    def _reckon(self) -> None:
        """The goods items: which rows have one, its price and its mass."""
        size = len(self.owner)
        is_item = np.zeros(size, np.bool_)
        for heading in self.reader.of_items:
            if (said := self.said_in(heading.column.name)) is not None:
                is_item[said.rows] = True
        self.items = np.flatnonzero(is_item)
        self.item_of_row = np.cumsum(is_item) - 1
        price, currency, wrong = self._price()
        self.price = Amounts(np.flatnonzero(price != MISSING), price[price != MISSING], currency[price != MISSING])
        self.is_odd[self.owner[wrong]] = True
        mass = self._full("gross_mass")[0]
        mass = np.where(mass == MISSING, self._full("weight")[0], mass)
        self.mass = Amounts(np.flatnonzero(mass != MISSING), mass[mass != MISSING], np.zeros(0, np.int64))

    def _full(self, name: str) -> tuple[Whole, Whole]:
        """A column of amounts with a value for each row: millionths, `MISSING` where there is none, and currencies."""
        full, currency = np.full(len(self.owner), MISSING), np.zeros(len(self.owner), np.int64)
        said = self.values.amounts.get(name)
        if said is not None:
            full[said.rows], currency[said.rows] = said.micro, said.currency
        return full, currency

    def _price(self) -> tuple[Whole, Whole, Whole]:
        """The price of each row, its currency, and the rows of which the reader of rows must say something."""
        (price, currency), (each, unit) = self._full("line_total"), self._full("unit_price")
        either, other = self._full("price")
        quantity, _ = self._full("quantity")
        has_each, has_total, is_counted = each != MISSING, price != MISSING, quantity != MISSING
        wrong = has_each & ~has_total & ~is_counted
        both = np.flatnonzero(has_each & is_counted)
        product, is_small = each[both] * quantity[both], each[both].astype(np.float64) * quantity[both] < _FLOAT_SAFE
        is_exact = is_small & (product % MICRO == 0) & (product // MICRO < LIMIT_MICRO)
        wrong[both[~is_exact]] = True
        product //= MICRO
        is_told = has_total[both]
        wrong[both[is_told & ((product != price[both]) | (unit[both] != currency[both]))]] = True
        reckoned = both[~is_told]
        price[reckoned], currency[reckoned] = product[~is_told], unit[reckoned]
        lone = ~has_total & ~has_each & (either != MISSING)
        wrong |= lone & is_counted & (quantity != MICRO)
        price, currency = np.where(lone, either, price), np.where(lone, other, currency)
        return price, currency, np.flatnonzero(wrong)

    def _locate(self) -> None:
        """To which country each consignment is declared: by which column that says so, of those in `COUNTRIES`."""
        self.country = np.full(self.size, -1)
        for number, name in reversed(list(enumerate(COUNTRIES))):
            if name in self.first:
                self.country[self.first[name][0]] = number
        if not re.fullmatch("[A-Z]{2}", self.reader.jurisdiction or ""):
            self.is_odd |= self.country < 0
