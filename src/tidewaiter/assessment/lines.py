"""The goods of one regime, and the lines of its charges: what the arithmetics work on and give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from tidewaiter.assessment.duties import Goods
from tidewaiter.assessment.measures import Asked, Sought
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import EVERY, Terms, cross
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law import Law
from tidewaiter.law.rules import ChargeRule, Place, Regime
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    at_least,
    beginnings,
    picked,
    plus,
    scaled,
    spread,
)
from tidewaiter.model.money import MICRO

NO_FACT = -1
_ALL, _NO_TAX = " all", " no tax"  # no charge has such a code
Column = TypeVar("Column", Whole, Yes)
Ways: TypeAlias = npt.NDArray[np.uint8]
"""For each line how its amount came about."""

# What a line says of how its amount came about; the words are in receipt.py.
PLAIN, RELIEVED, FREE, PREFERRED, UNKNOWN_DUTY, AGAIN, AT_SALE, NOUGHT_RATED, WAIVED, DISPLACED, PARTED = range(11)

BASES = ("goods", "carriage", "customs_value", "tax_base")
"""What a charge can be taken on, besides the charges before it."""


class Reached(NamedTuple):
    """What charging has found so far, written on as it goes: of each goods item its regime by its place among those
    chosen (-1 for none), whether it is `left` to be charged, and the rest as `charging` gives it."""

    regime: Whole
    left: Yes
    tariff: Asked
    lacking: Yes
    tax_base: Whole

    @classmethod
    def of(cls, terms: Terms, worth: Worth, choice: Choice) -> Reached:
        """Before anything is charged."""
        regime = choice.chosen.take(terms.head_of)
        return cls(regime, regime >= 0, Asked(terms), np.zeros(len(regime), np.bool_), worth.tax_base.copy())


class Tally:
    """What charges come to for each of some goods; added up when it is asked for, which most often it never is."""

    def __init__(self, size: int) -> None:
        self._size, self._lines = size, list[Line]()
        self._total: Whole | None = None

    def add(self, line: Line) -> None:
        """Count a charge."""
        self._lines.append(line)

    @property
    def total(self) -> Whole:
        """The sum so far; not to be written on."""
        if self._total is None or self._lines:
            total = np.zeros(self._size, np.int64) if self._total is None else self._total.copy()
            for line in self._lines:
                amount = line.amount if line.whole is None else line.whole
                if line.only is None:
                    total = plus(total, amount)
                else:
                    total[line.only] = plus(total.take(line.only), amount)
            self._lines.clear()
            self._total = total
        return self._total


@dataclass(kw_only=True)
class RegimeGoods:
    """The goods items of one regime, and what was charged on them so far. `at`: their places among all items;
    `tax_has_charges`: whether the base of the tax has them in it; `usual`: the usual duty."""

    at: Whole
    terms: Terms
    regime: Regime
    head: Whole
    place: Whole
    quantum: Whole | int
    half_up: Yes | bool
    worth: Worth
    customs_value: Whole
    tax_base: Whole
    tax_has_charges: Yes | bool
    tariff: Sought
    usual: Whole | None = None
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _layers: dict[str, tuple[Whole, Whole]] = field(default_factory=dict)

    @cached_property
    def goods(self) -> Whole:
        """The price of each without carriage."""
        return at_least(self.worth.goods[self.at], 0)

    @cached_property
    def carriage(self) -> Whole:
        """What the carriage and insurance of each cost."""
        return self.worth.carriage[self.at]

    @cached_property
    def starts(self) -> Whole:
        """Where the goods of each consignment begin."""
        return beginnings(self.head)

    def _tally(self, name: str) -> Tally:
        return self._tallies.setdefault(name, Tally(len(self.at)))

    @property
    def before(self) -> Whole:
        """All charges so far."""
        return self._tally(_ALL).total

    @property
    def counted(self) -> Whole:
        """Those so far that are no tax."""
        return self._tally(_NO_TAX).total

    def by_place(self, answer: Callable[[Place], int]) -> Whole:
        """What is answered of each place, for every item."""
        found: Whole = spread(answer, self.terms.places, self.place)
        return found

    def base(self, rule: ChargeRule, usual: Whole) -> Whole:
        """What the charge is taken on: the sum of what the rule names, or what is usual."""
        return plus(*(self._named(name) for name in rule.base)) if rule.base else usual

    def _named(self, name: str) -> Whole:
        if name == "charges":
            return self.before
        if name in BASES:
            found: Whole = getattr(self, name)
            return found
        return self._tallies[name].total

    def rounding(self, rule: ChargeRule, at: Whole | slice = EVERY) -> tuple[Whole | int, Yes | bool]:
        """Quantum of the charge, and where it is rounded half up: as the rule says, or the country; `at`: of which of
        the goods."""
        quantum = picked(self.quantum, at) if rule.quantum is None else rule.quantum
        half_up = rule.rounding == "half_up" if rule.rounding else picked(self.half_up, at)
        return quantum, half_up

    def fixed(self, rule: ChargeRule, micro: int, currency: str) -> Whole:
        """An amount that the rule fixes, in the currency of assessment of every item, rounded as the charge is."""
        return self.by_place(lambda place: fixed_at(place, self.terms.law, rule, (micro, currency)))

    def part(self, rule: ChargeRule, value: Whole, rate_ppm: Whole | int, at: Whole | slice = EVERY) -> Whole:
        """That part of the value, grossed up where the rule says so, rounded as the charge is; `at`: of which of the
        goods."""
        quantum, half_up = self.rounding(rule, at)
        whole: Whole | int = MICRO
        if rule.is_grossed_up:
            whole = np.where(np.asarray(rate_ppm) == MISSING, MISSING, MICRO - np.asarray(rate_ppm, np.int64))
        return scaled(value, rate_ppm, whole, quantum=quantum, half_up=half_up)

    def measured(self, rule: ChargeRule, value: Whole, at: Whole) -> Goods:
        """Some of the goods, with what duties by formula are reckoned on: this value of each."""
        quantum, half_up = self.rounding(rule, at)
        usual = None
        if rule.measures:
            usual = np.full(len(at), MISSING, np.int64) if self.usual is None else self.usual[at]
        return Goods(
            terms=self.terms,
            items=self.at[at],
            place=self.place[at],
            value=value,
            quantum=quantum,
            half_up=half_up,
            usual=usual,
        )

    def layer(self, name: str) -> tuple[Whole, Whole]:
        """The goods that bear the layer, in rising order, and the measure of each."""
        if name not in self._layers:
            self._layers[name] = self.tariff.layer(name)
        return self._layers[name]

    def with_charges(self, *, without_taxes: bool = False) -> Whole:
        """The base of the tax, with the charges so far in it where law counts them."""
        has_charges = self.tax_has_charges
        if isinstance(has_charges, bool) and not has_charges:
            return self.tax_base
        found = plus(self.tax_base, self.counted if without_taxes else self.before)
        return found if isinstance(has_charges, bool) else np.where(has_charges, found, self.tax_base)

    @cached_property
    def marks(self) -> Marks:
        """Which layers the goods bear."""
        return Marks(self)

    def charged(self, rule: ChargeRule, line: Line | None) -> None:
        """Count the charge among those before the next; None where none of the goods bear it."""
        tallies = (_ALL, rule.code) if rule.type == "tax" else (_ALL, rule.code, _NO_TAX)
        for name in tallies:
            tally = self._tally(name)
            if line is not None:
                tally.add(line)


class Marks:
    """For each of the goods of a regime a bit for every layer that it bears and is not free in: the lower ones for
    those on the whole value, the upper for those on a named part of it."""

    def __init__(self, goods: RegimeGoods) -> None:
        self._goods = goods
        self._bits: dict[str, int] = {}
        self._on_whole = np.zeros(len(goods.at), np.uint64)
        self._on_part = np.zeros(len(goods.at), np.uint64)

    def of(self, layers: Sequence[str], only: Whole) -> tuple[Whole, Whole] | None:
        """The places in `only` of goods that bear one of these layers on the whole value, and on a part; None where no
        goods of the regime bear any."""
        mask = 0
        for name in layers:
            mask |= self._bit(name)
        if not mask:
            return None
        bits = np.uint64(mask)
        whole, part = ((marks.take(only) & bits) != 0 for marks in (self._on_whole, self._on_part))
        return np.flatnonzero(whole), np.flatnonzero(part)

    def _bit(self, name: str) -> int:
        """The bit of the layer; none at all where no goods bear it."""
        if name not in self._bits:
            places, measure = self._goods.layer(name)
            said = self._goods.terms.law.tariff
            bears = said.plain_ppm.take(measure) != 0
            bit = 1 << sum(map(bool, self._bits.values())) if bears.any() else 0
            self._bits[name] = bit
            if bit:
                on_part = said.is_on_part.take(measure)
                for marks, here in ((self._on_whole, bears & ~on_part), (self._on_part, bears & on_part)):
                    marks[places.take(np.flatnonzero(here))] |= np.uint64(bit)
        return self._bits[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One charge on the items of a regime. `fact`: the measure of the tariff or the rate of the tax it rests on;
    `at_sale`: what is charged at the sale in place of the border; `only`: the items that it has lines of, where not all
    (then all columns are of these); `is_head`: it is of the whole consignment; `whole`: what later charges count, where
    law collects a share of it only."""

    amount: Whole
    whole: Whole | None = None
    at_sale: Whole | None = None
    base: Whole | None = None
    how: Ways | int = PLAIN
    fact: Whole | None = None
    is_firm: Yes | None = None
    only: Whole | None = None
    is_head: bool = False


def some(line: Line, only: Whole | None) -> Line:
    """The line, of some of its items."""
    if only is None:
        return line

    def part(column: Column | None) -> Column | None:
        return None if column is None else column[only]

    return replace(
        line,
        amount=line.amount[only],
        whole=part(line.whole),
        at_sale=part(line.at_sale),
        base=part(line.base),
        fact=part(line.fact),
        how=line.how if isinstance(line.how, int) else line.how[only],
        is_firm=part(line.is_firm),
        only=only,
    )


def fixed_at(place: Place, law: Law, rule: ChargeRule, amount: tuple[int, str]) -> int:
    """An amount that the rule fixes, with its currency, in the currency of assessment of the place, rounded as the
    charge is; `MISSING` without a rate of exchange."""
    is_half_up = (rule.rounding or place.ground.charge_rounding) == "half_up"
    quantum = place.ground.charge_quantum if rule.quantum is None else rule.quantum
    return _into(*amount, law, place, quantum, is_half_up=is_half_up)


def limits(micro: int, rule: ChargeRule, goods: RegimeGoods) -> Whole:
    """An amount of the rule in the currency of each place; -1 without a rate, so that nothing is below it."""
    found = [_into(micro, rule.limit_currency, goods.terms.law, place) for place in goods.terms.places]
    return np.array([-1 if one == MISSING else one for one in found], np.int64)


def _into(micro: int, currency: str, law: Law, place: Place, quantum: int = 1, *, is_half_up: bool = True) -> int:
    """An amount that law fixes, in the currency of assessment of the place; `MISSING` without a rate of exchange."""
    above, below = cross(law, place.ground.threshold_exchange, currency, place.currency, place)
    if above == MISSING:
        return MISSING
    unit = below * quantum
    return (2 * micro * above + (unit if is_half_up else 0)) // (2 * unit) * quantum
