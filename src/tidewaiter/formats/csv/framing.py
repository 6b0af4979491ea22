"""From the consignments of a sheet, judged by columns, to the frames of a batch."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from tidewaiter.formats.csv.columns import FISCAL_ROLES, ROLES, SCHEMES, Column
from tidewaiter.formats.csv.grouping import COUNTRIES, Judged
from tidewaiter.formats.csv.judging import Amounts, Coded, Texts
from tidewaiter.formats.framing import USUAL, Frames, Places, lists, placed
from tidewaiter.formats.layout import CONTEXTS, PLACES
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.model.consignment import Classification, FiscalReference, GoodsItem, Party
from tidewaiter.model.exact import MISSING, Whole, Yes
from tidewaiter.model.money import Money

HEAD = 0
[ITEM] = (
    number for number, one in enumerate(CONTEXTS) if one.struct is GoodsItem and one.prefix == "" and not one.above
)
PARTY, FISCAL, CODE = (
    next(number for number, one in enumerate(CONTEXTS) if one.struct is struct and one.above == above)
    for struct, above in ((Party, HEAD), (FiscalReference, HEAD), (Classification, ITEM))
)
_LISTED = {PARTY: ("role", ROLES), FISCAL: ("role", FISCAL_ROLES), CODE: ("scheme", SCHEMES)}
"""Of each list that a sheet has columns for, the field that tells its entries apart, and what that may say, in the
order in which the entries stand."""
_ENTITIES = {"head": HEAD, "party": PARTY, "fiscal": FISCAL, "item": ITEM, "code": CODE, "row": ITEM}
_USUALLY = {(place.entity, place.column): place.usual for place in PLACES[1:]}


def framed(judged: Judged) -> Batch:
    """All consignments as columns. What stands in the rows of those that are not plain is not to be used."""
    return _Framer(judged).batch()


class _Framer:
    """Judged rows on their way into frames. All texts are one column: those of cells, null, and words behind them."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.words: list[str | None] = list(USUAL)
        self.after = len(judged.values.pool)
        self.currencies = self._word_numbers(list(judged.values.currencies))
        items = len(judged.items)
        self.sizes = {HEAD: judged.size} | ({ITEM: items} if items else {})
        self.entry: dict[
            int, Whole
        ] = {}  # of each list: the number of an entry by its owner and its place in `_LISTED`
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
        said = self.judged.said_in(column.name)
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
        for number, name in enumerate(COUNTRIES):
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
        if not len(owners):  # then there may be no entry of the list either
            return
        if entity in _LISTED:
            owners = self.entry[entity][owners, _LISTED[entity][1].index(column.key)]
        said = judged.said_in(column.name)
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
            numbers = np.array([MISSING if value is None else value for value in said.values], np.int64)
            whole = np.full(size, MISSING)
            whole[owners] = numbers[which]
            self.frames.numbers(entity, field, whole)
        elif dtype == pl.String:
            self._put(entity, field, owners, self._word_numbers(said.values)[which])
        else:
            kind = date if dtype == pl.Date else datetime
            values = [value if type(value) is kind else None for value in said.values]
            full = placed(size, owners, which, len(values))
            self.frames.column(entity, pl.Series(field, [*values, None], dtype=dtype)[pl.Series(full)])
