"""The goods of one regime, and the lines of its charges: what the arithmetics work on and give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from tidewaiter.assessment.duties import Goods
from tidewaiter.assessment.terms import Terms, cross
from tidewaiter.law import Law
from tidewaiter.law.rules import ChargeRule, Place, Regime
from tidewaiter.law.tariff import NO_MEASURE
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    known,
    plus,
    scaled,
    spread,
)
from tidewaiter.model.money import MICRO

NO_FACT = -1
EVERY = slice(None)
Column = TypeVar("Column", Whole, Yes)

# What a line says of how its amount came about; the words are in receipt.py.
PLAIN, RELIEVED, FREE, PREFERRED, UNKNOWN_DUTY, AGAIN, AT_SALE, NOUGHT_RATED, WAIVED, DISPLACED, PARTED = range(11)

BASES = ("goods", "carriage", "customs_value", "tax_base")
"""What a charge can be taken on, besides the charges before it."""


@dataclass(slots=True, kw_only=True)
class RegimeGoods:
    """The goods items of one regime, and what was charged on them so far. `at`: their places among all items; `starts`:
    where the items of each consignment begin; `before`: all charges so far, `counted`: those that are no tax; `usual`:
    the usual duty."""

    at: Whole
    terms: Terms
    regime: Regime
    head: Whole
    place: Whole
    quantum: Whole
    half_up: Yes
    goods: Whole
    carriage: Whole
    customs_value: Whole
    tax_base: Whole
    tax_has_charges: Yes
    starts: Whole
    found: Callable[[str, Whole], Whole]
    before: Whole = field(init=False)
    counted: Whole = field(init=False)
    by_code: dict[str, Whole] = field(default_factory=dict)
    layers: dict[str, tuple[Whole, Whole]] = field(default_factory=dict)
    usual: Whole = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.counted = np.zeros(len(self.at), np.int64)
        self.usual = np.full(len(self.at), MISSING, np.int64)

    def column(self, name: str) -> Whole:
        """A column of numbers of these items."""
        return known(self.terms.of_items(name))[self.at]

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
        return self.by_code[name]

    def rounding(self, rule: ChargeRule) -> tuple[Whole, Yes]:
        """Quantum of the charge, and where it is rounded half up: as the rule says, or the country."""
        quantum = self.quantum if rule.quantum is None else np.full(len(self.at), rule.quantum, np.int64)
        half_up = np.full(len(self.at), rule.rounding == "half_up", np.bool_) if rule.rounding else self.half_up
        return quantum, half_up

    def fixed(self, rule: ChargeRule, micro: int, currency: str) -> Whole:
        """An amount that the rule fixes, in the currency of assessment of every item, rounded as the charge is."""

        def at(place: Place) -> int:
            ground, law = place.ground, self.terms.law
            is_half_up = (rule.rounding or ground.charge_rounding) == "half_up"
            quantum = ground.charge_quantum if rule.quantum is None else rule.quantum
            return _into(micro, currency, law, place, quantum, is_half_up=is_half_up)

        return self.by_place(at)

    def part(self, rule: ChargeRule, value: Whole, rate_ppm: Whole | int, at: Whole | slice = EVERY) -> Whole:
        """That part of the value, grossed up where the rule says so, rounded as the charge is; `at`: of which of the
        goods."""
        quantum, half_up = self.rounding(rule)
        rate = np.asarray(rate_ppm, np.int64)
        whole = np.where(rate == MISSING, MISSING, MICRO - rate) if rule.is_grossed_up else MICRO
        return scaled(value, rate, whole, quantum=quantum[at], half_up=half_up[at])

    def measured(self, rule: ChargeRule, value: Whole, at: Whole) -> Goods:
        """Some of the goods, with what duties by formula are reckoned on: this value of each."""
        quantum, half_up = self.rounding(rule)
        return Goods(
            terms=self.terms,
            items=self.at[at],
            place=self.place[at],
            value=value,
            quantum=quantum[at],
            half_up=half_up[at],
            usual=self.usual[at] if rule.measures else None,
        )

    def layer(self, name: str) -> Whole:
        """The measure of the layer for each item."""
        if name not in self.layers:
            measure = self.found(name, self.at)
            self.layers[name] = measure, np.flatnonzero(measure != NO_MEASURE)
        return self.layers[name][0]

    def bearing(self, name: str) -> Whole:
        """The items that bear the layer."""
        self.layer(name)
        return self.layers[name][1]

    def charged(self, rule: ChargeRule, line: Line) -> None:
        """Count the charge among those before the next."""
        self.before = added(self.before, line)
        self.by_code[rule.code] = added(self.by_code.get(rule.code, np.zeros(len(self.at), np.int64)), line)
        if rule.type != "tax":
            self.counted = added(self.counted, line)


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
    how: Whole | int = PLAIN
    fact: Whole | None = None
    is_firm: Yes | None = None
    only: Whole | None = None
    is_head: bool = False


def added(sums: Whole, line: Line) -> Whole:
    """The sums of all items, with what the line adds."""
    amount = line.amount if line.whole is None else line.whole
    if line.only is None:
        return plus(sums, amount)
    more = sums.copy()
    more[line.only] = plus(sums[line.only], amount)
    return more


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
