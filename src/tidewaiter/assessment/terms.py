"""The terms on which a batch is assessed: who is assessed, by which ground rules, at which rates of exchange.

Rows are positions from here on: a *head* is a consignment assessed, in the order of the batch, an *item* one of its
goods items, head by head. What law says is asked once for each different country and day, or code, or currency, in
plain Python, and spread over the rows that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.rules import KNOWN_MAX, CodeEdition, Place
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    alike,
    beginnings,
    distinct,
    known,
    spread,
    standing,
    taken,
    told_apart,
    yes,
)
from tidewaiter.model.keeping import kept
from tidewaiter.model.money import from_micro

Values: TypeAlias = Sequence[Any]
Details: TypeAlias = tuple[Whole, Sequence[str | None]]
"""For each row its place among some texts, and these."""
T = TypeVar("T")
EVERY = slice(None)
"""All rows, where some could be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`heads`: positions in `batch.consignments`; `rows`: their keys; `place`: for each head its place among `places`,
    the countries and days there are; `unknown`: rows for which law says nothing. `items`: positions in `batch.items`,
    head by head (`is_whole`: all of them, in their order); `head_of`: for each item its head; `starts`: where the items
    of each of `owners` (heads) begin."""

    batch: Batch
    law: Law
    heads: Whole
    rows: Whole
    place: Whole
    places: tuple[Place, ...]
    unknown: Whole
    items: Whole
    head_of: Whole
    starts: Whole
    owners: Whole
    is_whole: bool
    _apart: dict[str, tuple[Whole, list[Any]]] = field(default_factory=dict)
    _answers: dict[Hashable, Any] = field(default_factory=dict)

    def of_heads(self, name: str) -> pl.Series:
        """A column of the consignments assessed."""
        column = self.batch.consignments[name]
        return column if len(self.heads) == len(column) else taken(column, self.heads)

    def of_items(self, name: str) -> pl.Series:
        """A column of their goods items."""
        column = self.batch.items[name]
        return column if self.is_whole else taken(column, self.items)

    def heads_apart(self, name: str) -> tuple[Whole, list[Any]]:
        """A column of the consignments as places among its different values."""
        which, different = self.batch.apart("consignments", name)
        return (which if len(which) == len(self.heads) else which[self.heads]), different

    def items_apart(self, name: str) -> tuple[Whole, list[Any]]:
        """A column of the goods items as places among its different values."""
        if self.is_whole:
            return self.batch.apart("items", name)
        if name not in self._apart:
            self._apart[name] = told_apart(self.of_items(name))
        return self._apart[name]

    def currencies(
        self, dtype: pl.DataType | type[pl.DataType], items: npt.NDArray[np.integer] | None = None
    ) -> pl.Series:
        """The currency of assessment of these goods items, or of all, as a column of that type."""
        stated = [place.currency for place in self.places]
        different = list(dict.fromkeys(stated))
        column = pl.Series("currency", different, dtype=dtype)
        if len(different) == 1:
            return column.new_from_index(0, len(self.items) if items is None else len(items))
        number_of = {name: number for number, name in enumerate(different)}
        which = np.fromiter(map(number_of.__getitem__, stated), np.int64, len(stated))
        return taken(column, which[self.place[self.head_of if items is None else self.head_of[items]]])

    def by_place(self, answer: Callable[[Place], int]) -> Whole:
        """What is answered of each place, for every head."""
        found: Whole = spread(answer, self.places, self.place)
        return found

    def alike(self, answer: Callable[[Place], int]) -> Whole | int:
        """The same, as one number where all places answer alike."""
        answers = np.fromiter(map(answer, self.places), np.int64, len(self.places))
        return alike(answers, lambda: self.place)

    def alike_if(self, answer: Callable[[Place], bool]) -> Yes | bool:
        """The same of what holds or does not."""
        found = self.alike(answer)
        return bool(found) if isinstance(found, int) else found.astype(np.bool_)

    def numbers(self, name: str) -> Whole:
        """A column of numbers of the goods items."""
        return self.answered(("numbers", name), lambda: known(self.of_items(name)))

    @property
    def nothing(self) -> Whole:
        """Nought for every goods item; not to be written on."""
        return self.answered("nothing", lambda: np.zeros(len(self.items), np.int64))

    @property
    def days(self) -> Whole:
        """The day of each place, counted from 1970."""
        return self.answered("days", lambda: np.array([ordinal(place.day) for place in self.places], np.int64))

    def heads_of(self, rows: pl.Series) -> Whole:
        """For each row key of another frame its head; -1 for a consignment that is not assessed."""
        return standing(known(rows), self.rows)

    def items_of(self, rows: pl.Series, items: pl.Series) -> Whole:
        """For each pair of keys of another frame its goods item; -1 where there is none."""
        numbers = known(self.of_items("item"))
        width = int(max(numbers.max(initial=0), known(items).max(initial=0))) + 1
        heads = self.heads_of(rows)
        found = standing(np.where(heads < 0, 0, heads * width + known(items)), self.head_of * width + numbers)
        return np.where(heads < 0, -1, found)

    def on_list(self, name: str, which: Whole, values: Values, heads: Whole, *, is_prefix: bool) -> Yes:
        """For each row whether its value is on a list of law, or begins with an entry of it, in the country and on the
        day of its head. `which` tells the row's place among `values`."""
        country, countries = self.countries
        shared: dict[int, tuple[list[int], tuple[CodeEdition, ...]]] = {}
        for number, one in enumerate(countries):
            editions = self.law.editions(name, one)
            shared.setdefault(id(editions), ([], editions))[0].append(number)
        found = np.zeros(len(which), np.bool_)
        for numbers, editions in shared.values():
            here = np.isin(country, numbers) if len(numbers) < len(countries) else None
            for edition in editions:
                holds = edition.held(self.days)
                holds = holds if here is None else holds & here
                if holds.any():
                    listed = edition.listed(values, is_prefix=is_prefix)
                    if listed.any():
                        is_on = listed[which]
                        found |= is_on if holds.all() else is_on & holds[self.place[heads]]
        return found

    @property
    def countries(self) -> tuple[Whole, list[str]]:
        """For each place its country, by number, and the countries."""

        def find() -> tuple[Whole, list[str]]:
            names = list(dict.fromkeys(place.country for place in self.places))
            number = {name: place for place, name in enumerate(names)}
            return np.array([number[place.country] for place in self.places], np.int64), names

        return self.answered("countries", find)

    def answered(self, name: Hashable, find: Callable[[], T]) -> T:
        """What is found of that name in the batch, sought once."""
        if name not in self._answers:
            self._answers[name] = find()
        found: T = self._answers[name]
        return found

    def _is_home(self, currency: str | None) -> bool:
        """Whether all amounts are reckoned in that currency, those that thresholds look at too."""
        homes = {place.currency for place in self.places}
        return homes == {currency} == {self.law.threshold_currency(name) or currency for name in self.countries[1]}

    def rates(self, currencies: Values, which: Whole, heads: Whole) -> list[Whole | int]:
        """For each row how its amount comes into the currency of assessment, numerator and denominator, and into that
        of the thresholds, each as one number where it is the same for all; `MISSING` where no rate is known."""
        width = len(currencies)
        if width == 1 and self._is_home(currencies[0]):
            return [1, 1, 1, 1]
        if width == 1:  # one currency is asked for in every place, most often to find that nothing is to be converted
            found = [rate_into(self.law, place, currencies[0]) for place in self.places]
            table = np.array(found, np.int64).reshape(-1, 4).T
            return [alike(column, lambda: self.place[heads]) for column in table]
        keys, which_pair = distinct(self.place[heads] * width + which, len(self.places) * width)
        found = [rate_into(self.law, self.places[key // width], currencies[key % width]) for key in keys.tolist()]
        return [alike(column, lambda: which_pair) for column in np.array(found, np.int64).reshape(-1, 4).T]


def terms_of(batch: Batch, law: Law) -> Terms:
    """The terms of every original import declaration in the batch."""
    whole = batch.consignments
    wanted = yes((whole["function"] == "original") & (whole["direction"] == "import"))
    place, settings = batch.settings
    asked = law.places(settings)
    is_known = np.fromiter((one is not None for one in asked), np.bool_, len(asked))
    places = tuple(one for one in asked if one is not None)
    heads = np.flatnonzero(wanted & is_known[place])
    rows = known(whole["row"])
    items, head_of, is_rising = _items(batch, rows[heads])
    starts = beginnings(head_of)
    return Terms(
        batch=batch,
        law=law,
        heads=heads,
        rows=rows[heads],
        place=(np.cumsum(is_known) - 1)[place[heads]],
        places=places,
        unknown=rows[np.flatnonzero(wanted & ~is_known[place])],
        items=items,
        head_of=head_of,
        starts=starts,
        owners=head_of[starts],
        is_whole=len(items) == batch.items.height and is_rising,
    )


def _items(batch: Batch, rows: Whole) -> tuple[Whole, Whole, bool]:
    """The goods items of these consignments, head by head, for each its head, and whether they stand so in the
    batch."""
    head_of = standing(known(batch.items["row"]), rows)
    if int(np.minimum.reduce(head_of, initial=0)) < 0:
        items = np.flatnonzero(head_of >= 0)
        head_of = head_of[items]
    else:
        items = np.arange(len(head_of))
    is_rising = not (head_of[1:] < head_of[:-1]).any()
    if not is_rising:
        order = np.argsort(head_of, kind="stable")
        items, head_of = items[order], head_of[order]
    return items, head_of, is_rising


def rate_into(law: Law, place: Place, currency: str | None) -> tuple[int, int, int, int]:
    """Numerators and denominators that turn an amount into the currency of assessment, and of the thresholds there."""
    known_rates: dict[Any, tuple[int, int, int, int]] = law.remembered("rates of exchange", dict)

    def find() -> tuple[int, int, int, int]:
        into_home = cross(law, place.ground.exchange_table, currency, place.currency, place)
        threshold = law.threshold_currency(place.country) or place.currency
        return *into_home, *cross(law, place.ground.threshold_exchange, currency, threshold, place)

    return kept(known_rates, (place.country, place.day, currency), find, at_most=KNOWN_MAX)


def cross(law: Law, table: str, currency: str | None, into: str, place: Place) -> tuple[int, int]:
    """Numerator and denominator by one table of rates, in lowest terms; `MISSING` where a rate is not known."""
    if currency == into:
        return 1, 1
    above, below = law.per_base(table, into, place.day), law.per_base(table, currency or "", place.day)
    if above is None or below is None:
        return MISSING, MISSING
    common = gcd(above, below)
    return above // common, below // common


def rate_in_words(law: Law, place: Place, currency: str | None) -> str | None:
    """The rate as the receipt states it: '1.2642 USD for 1 GBP (hmrc-monthly)'; None where it needed none."""
    if currency is None or currency == place.currency:
        return None
    table = place.ground.exchange_table
    sides = [(law.per_base(table, name, place.day), name) for name in (currency, place.currency)]
    return f"{' for '.join(f'{_plain(rate)} {name}' for rate, name in sides)} ({table})"


def _plain(micro: int | None) -> str:
    return "no rate of" if micro is None else f"{from_micro(micro).normalize():f}"
