"""From the rows of a sheet to the frames of a batch, and which consignments are not plain.

Rows with one reference are one consignment, a row that says something of goods is one goods item. A consignment one of
whose rows is not plain, or whose rows contradict each other, is for the reader of rows: so are all findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from tidewaiter.formats.csv.columns import FISCAL_ROLES, ROLES, SCHEMES, Column
from tidewaiter.formats.csv.cutting import Cut
from tidewaiter.formats.csv.judging import Amounts, Coded, Texts, Values
from tidewaiter.formats.csv.rows import RowReader
from tidewaiter.formats.framing import USUAL, Frames, Places, lists, placed
from tidewaiter.formats.layout import CONTEXTS, PLACES
from tidewaiter.formats.spans import texts
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.consignment import Classification, FiscalReference, GoodsItem, Party
from tidewaiter.model.exact import MISSING, Whole, Yes
from tidewaiter.model.money import LIMIT_MICRO, MICRO, Money


def _context(struct: type, above: type | None) -> int:
    """The context of a record that stands in a list of another."""
    return next(
        number
        for number, one in enumerate(CONTEXTS)
        if one.struct is struct and one.prefix == "" and (above is None or CONTEXTS[one.above].struct is above)
    )


HEAD = 0
ITEM = _context(GoodsItem, None)
PARTY = next(n for n, one in enumerate(CONTEXTS) if one.struct is Party and one.above == HEAD)
FISCAL = next(n for n, one in enumerate(CONTEXTS) if one.struct is FiscalReference and one.above == HEAD)
CODE = _context(Classification, GoodsItem)
_LISTED = {PARTY: ("role", ROLES), FISCAL: ("role", FISCAL_ROLES), CODE: ("scheme", SCHEMES)}
"""Of each list that a sheet has columns for, the field that tells its entries apart, and what that may say, in the
order in which the entries stand."""
_ENTITIES = {"head": HEAD, "party": PARTY, "fiscal": FISCAL, "item": ITEM, "code": CODE, "row": ITEM}
_USUALLY = {(place.entity, place.column): place.usual for place in PLACES[1:]}
_COUNTRIES = ("jurisdiction", "destination_country", "consignee_country")
"""The columns that may say to which country a consignment is declared, best first."""
_FLOAT_SAFE = float(2**62)


class Judged:
    """The rows of a sheet, judged: which consignments are not plain, `is_odd`. Columns are made when asked for."""

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
            written = pl.concat([written, pl.Series(list(named.values()), dtype=pl.String)])[pl.Series(order)]
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
        is_good = ~self.is_odd[self.owner]
        names = [heading.column.name for heading in (*self.reader.of_head, *self.reader.of_items)]
        return sum(int(is_good[said.rows].sum()) for name in names if (said := self._said(name)) is not None)

    def _said(self, name: str) -> Texts | Amounts | Coded | None:
        values = self.values
        return values.texts.get(name) or values.amounts.get(name) or values.coded.get(name)

    def _gather_heads(self) -> None:
        """Of what rows say of the whole, what the first says that says anything; others must say the same."""
        self.first: dict[str, tuple[Whole, Whole]] = {}  # the consignments in which it is said, and by which value
        for heading in self.reader.of_head:
            name = heading.column.name
            said = self._said(name)
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
            if (said := self._said(heading.column.name)) is not None:
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
        """To which country each consignment is declared: by which column that says so, of those in `_COUNTRIES`."""
        self.country = np.full(self.size, -1)
        for number, name in reversed(list(enumerate(_COUNTRIES))):
            if name in self.first:
                self.country[self.first[name][0]] = number
        if not re.fullmatch("[A-Z]{2}", self.reader.jurisdiction or ""):
            self.is_odd |= self.country < 0

    def batch(self) -> Batch:
        """All consignments as columns. What stands in the rows that are not plain is not to be used."""
        return _Framer(self).batch()


class _Framer:
    """Judged rows on their way into frames. All texts are one column: those of cells, null, and words behind them."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.words: list[str | None] = list(USUAL)
        self.after = len(judged.values.pool)
        self.currencies = self._word_numbers(list(judged.values.currencies))
        items = len(judged.items)
        self.sizes = {HEAD: judged.size} | ({ITEM: items} if items else {})
        self.entry: dict[int, Whole] = {}  # of each list: the number of an entry by its owner and its place in `_LISTED`
        self.filled: dict[tuple[int, str], Places] = {}
        self._list_entries()
        self.frames = Frames(self.sizes)

    def _word_numbers(self, words: list[Any]) -> Whole:
        """Where these words stand among all texts."""
        begin = self.after + len(self.words)
        self.words += words
        return np.arange(begin, begin + len(words))

    def _put(self, entity: int, field: str, owners: Whole, which: Whole) -> None:
        """Texts into a column, which other columns of the sheet may fill too: names of buyers, and of sellers."""
        full = self.filled.get((entity, field))
        if full is None:
            usual = self.after + USUAL.index(_USUALLY[entity, field])
            full = self.filled[entity, field] = np.full(self.sizes[entity], usual, np.uint32)
        full[owners] = which

    def _list_entries(self) -> None:
        """The entries of lists: a party, say, in each consignment that says anything of one."""
        judged = self.judged
        has: dict[int, Yes] = {}
        for heading in (*judged.reader.of_head, *judged.reader.of_items):
            entity = _ENTITIES[heading.column.scope]
            owners = self._owners(heading.column)
            if entity not in _LISTED or owners is None:
                continue
            keys = _LISTED[entity][1]
            size = self.sizes.get(ITEM if entity == CODE else HEAD, 0)
            table = has.setdefault(entity, np.zeros((size, len(keys)), np.bool_))
            table[owners, keys.index(heading.column.key)] = True
        for entity, table in has.items():
            if table.any():
                self.sizes[entity] = int(table.sum())
                self.entry[entity] = (np.cumsum(table.ravel()) - 1).reshape(table.shape)
                self.entry[-entity] = np.flatnonzero(table.ravel())

    def _owners(self, column: Column) -> Whole | None:
        """The consignments, or the goods items, of which a column says something."""
        said = self.judged._said(column.name)
        if said is None or column.scope == "row":
            return None
        if column.scope in ("item", "code"):
            return self.judged.item_of_row[said.rows]
        return self.judged.first[column.name][0]

    def batch(self) -> Batch:
        """All that was judged, in frames."""
        judged = self.judged
        self._keys()
        self._references()
        for heading in judged.reader.of_head:
            column = heading.column
            if column.name in judged.first and column.name != "jurisdiction":
                self._say(column, *judged.first[column.name])
        for heading in judged.reader.of_items:
            column = heading.column
            owners = self._owners(column)
            if owners is not None and column.name not in ("line_total", "gross_mass"):
                self._say(column, owners, np.arange(len(owners)))
        if judged.items.size:
            self._amounts(ITEM, "price", judged.price, judged.item_of_row[judged.price.rows], is_money=True)
            self._amounts(ITEM, "gross_mass", judged.mass, judged.item_of_row[judged.mass.rows], is_money=False)
        for (entity, field), full in self.filled.items():
            self.frames.words(entity, field, full)
        extra = pl.Series(self.words, dtype=pl.String)
        return self.frames.batch(pl.concat([judged.values.pool, extra]))

    def _keys(self) -> None:
        judged, frames = self.judged, self.frames
        frames.keys(HEAD, row=np.arange(judged.size))
        row = judged.owner[judged.items]
        begins = np.searchsorted(row, np.arange(judged.size))
        item = np.arange(len(row)) - begins[row]
        if judged.items.size:
            frames.keys(ITEM, row=row, item=item)
        for entity, (field, keys) in _LISTED.items():
            if entity not in self.sizes:
                continue
            owner, key = np.divmod(self.entry[-entity], len(keys))
            position = np.arange(len(owner)) - np.searchsorted(owner, owner)
            if entity == CODE:
                frames.keys(entity, row=row[owner], item=item[owner], position=position)
            else:
                frames.keys(entity, row=owner, position=position)
            frames.words(entity, field, self._word_numbers(list(keys))[key].astype(np.uint32))

    def _references(self) -> None:
        """The reference of each consignment, and the country to which it is declared."""
        judged = self.judged
        country = np.full(judged.size, self._word_numbers([judged.reader.jurisdiction])[0])
        for number, name in enumerate(_COUNTRIES):
            if name not in judged.first:
                continue
            owners, firsts = judged.first[name]
            said = judged.values.coded[name]
            here = self._word_numbers(said.values)[said.which[firsts]]
            is_told = judged.country[owners] == number
            country[owners[is_told]] = here[is_told]
        self.frames.words(HEAD, "jurisdiction", country.astype(np.uint32))
        self.frames.column(HEAD, judged.references.alias("reference"))

    def _say(self, column: Column, owners: Whole, which: Whole) -> None:
        """Put what a column says into its frame: `which` of its values, of which consignments or goods items."""
        judged, entity = self.judged, _ENTITIES[column.scope]
        if entity in _LISTED:
            owners = self.entry[entity][owners, _LISTED[entity][1].index(column.key)]
        said = judged._said(column.name)
        if isinstance(said, Texts):
            self._put(entity, column.field, owners, said.at[which])
        elif isinstance(said, Amounts):
            chosen = Amounts(said.rows, said.micro[which], said.currency[which])
            self._amounts(entity, column.field, chosen, owners, is_money=column.kind is Money)
        elif said is not None:
            self._coded(entity, column.field, said, owners, said.which[which])

    def _amounts(self, entity: int, field: str, said: Amounts, owners: Whole, *, is_money: bool) -> None:
        size = self.sizes[entity]
        whole = np.full(size, MISSING)
        whole[owners] = said.micro
        self.frames.numbers(entity, f"{field}_micro", whole)
        if is_money:
            currencies = self.currencies[said.currency]
            self.frames.words(entity, f"{field}_currency", placed(size, owners, currencies, self.after))

    def _coded(self, entity: int, field: str, said: Coded, owners: Whole, which: Whole) -> None:
        size, dtype = self.sizes[entity], SCHEMA[CONTEXTS[entity].frame][field]
        if isinstance(dtype, pl.List):
            sizes = np.array([len(value or ()) for value in said.values], np.int64)[which]
            flat = pl.Series([text for value in said.values for text in value or ()], dtype=pl.String)
            begins = np.cumsum([0, *(len(value or ()) for value in said.values)])[which]
            first = np.cumsum(sizes) - sizes
            at = np.arange(int(sizes.sum())) + np.repeat(begins - first, sizes)
            made = lists(field, flat[pl.Series(at.astype(np.uint32))], np.repeat(owners, sizes), size)
            self.frames.column(entity, made)
        elif dtype == pl.Int64:
            values = np.array([MISSING if value is None else value for value in said.values], np.int64)
            whole = np.full(size, MISSING)
            whole[owners] = values[which]
            self.frames.numbers(entity, field, whole)
        elif dtype == pl.String:
            self._put(entity, field, owners, self._word_numbers(said.values)[which])
        else:
            kind = date if dtype == pl.Date else datetime
            values = [value if type(value) is kind else None for value in said.values]
            full = placed(size, owners, which, len(values))
            self.frames.column(entity, pl.Series(field, [*values, None], dtype=dtype)[pl.Series(full)])
