"""The charges of a regime on its goods.

Each arithmetic that a regime may name is a function of `_ARITHMETIC`: it gives the columns of one charge from those of
the items. Charges are taken in the order of the regime, so that a tax can count those before it. What is said of a
charge on the receipt is in `receipt.py`, and made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl

from tidewaiter.assessment.delivery import delivered_to
from tidewaiter.assessment.duties import Goods, duties
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import Terms, cross
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law import Law
from tidewaiter.law.rules import ChargeRule, Place, Regime, Tax
from tidewaiter.law.tariff import NO_MEASURE, Sorts
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.batch import ROW
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    at_least,
    distinct,
    known,
    minus,
    plus,
    scaled,
    series,
    shares,
    spread,
    sums,
    told_apart,
)
from tidewaiter.model.money import MICRO
from tidewaiter.model.outcome import CHARGES

NO_FACT = -1
EVERY = slice(None)
A = TypeVar("A", Whole, Yes)

# What a line says of how its amount came about; the words are in receipt.py.
PLAIN, RELIEVED, FREE, PREFERRED, UNKNOWN_DUTY, AGAIN, AT_SALE, NOUGHT_RATED, WAIVED, DISPLACED, PARTED = range(11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """`charges`: frame CHARGES. A goods item: `customs_value` as far as its regime takes it and `tax_base` as it was
    reached, in millionths; `duty_known`: whether the tariff says something of it, where a regime asked; `measure`:
    which measure of the tariff holds, `NO_MEASURE` where none was asked for or found; `lacking`: whether the duty could
    not be reckoned; `preferred`: the country of a preference claimed and asked for, '' where there is
    none."""

    charges: pl.DataFrame
    customs_value: Whole
    tax_base: Whole
    duty_known: Yes
    measure: Whole
    lacking: Yes
    preferred: tuple[Whole, list[str]]


@dataclass(slots=True, kw_only=True)
class _Goods:
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

    def charged(self, rule: ChargeRule, line: _Line) -> None:
        """Count the charge among those before the next."""
        self.before = _added(self.before, line)
        self.by_code[rule.code] = _added(self.by_code.get(rule.code, np.zeros(len(self.at), np.int64)), line)
        if rule.type != "tax":
            self.counted = _added(self.counted, line)


BASES = ("goods", "carriage", "customs_value", "tax_base")
"""What a charge can be taken on, besides the charges before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
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


def _added(sums: Whole, line: _Line) -> Whole:
    """The sums of all items, with what the line adds."""
    amount = line.amount if line.whole is None else line.whole
    if line.only is None:
        return plus(sums, amount)
    added = sums.copy()
    added[line.only] = plus(sums[line.only], amount)
    return added


def charge(terms: Terms, worth: Worth, choice: Choice) -> Charged:
    """The charges on every item whose consignment has a regime."""
    chosen = choice.chosen[terms.head_of]
    customs_value, tax_base = worth.customs_value, worth.tax_base.copy()
    tariff = _Asked(terms)
    lacking = np.zeros(len(chosen), np.bool_)
    of_place = _Grounds(terms)
    parts: list[_Part] = []
    for number, regime in enumerate(choice.regimes):
        at = np.flatnonzero(chosen == number)
        head = terms.head_of[at]
        place = terms.place[head]
        goods = _Goods(
            at=at,
            terms=terms,
            regime=regime,
            head=head,
            place=place,
            quantum=of_place.quantum[place],
            half_up=of_place.half_up[place],
            goods=at_least(worth.goods[at], 0),
            carriage=worth.carriage[at],
            customs_value=worth.customs_value[at],
            tax_base=worth.tax_base[at],
            tax_has_charges=of_place.tax_has_charges[place],
            starts=np.flatnonzero(np.diff(head, prepend=-1)),
            found=tariff.found,
        )
        if regime.value_share_ppm != MICRO:
            _lower(goods, regime.value_share_ppm, of_place)
            customs_value = customs_value.copy()
            customs_value[at] = goods.customs_value
        for rule in regime.charges:
            if rule.measures and not len(goods.bearing(rule.measures)):
                goods.by_code.setdefault(rule.code, np.zeros(len(at), np.int64))
                continue  # a layer that none of the goods bear has no line
            line = _waived(rule, goods, _ARITHMETIC[rule.arithmetic](rule, goods))
            if rule.arithmetic == "tariff" and not rule.measures:
                lacking[at] = line.amount == MISSING
                goods.usual = line.amount
            parts.append(_part(rule, goods, line))
            goods.charged(rule, line)
        tax_base[at] = np.where(goods.tax_has_charges, plus(goods.tax_base, goods.counted), goods.tax_base)
    return Charged(
        charges=_frame(terms, parts),
        customs_value=customs_value,
        tax_base=tax_base,
        duty_known=~tariff.asked | (tariff.measure != NO_MEASURE),
        measure=tariff.measure,
        lacking=lacking,
        preferred=tariff.preferred,
    )


def _lower(goods: _Goods, share_ppm: int, grounds: _Grounds) -> None:
    """Take only that share of the customs value, as some laws do of what a person buys at retail."""
    quantum, half_up = grounds.value_quantum[goods.place], grounds.value_half_up[goods.place]
    lower = scaled(goods.customs_value, share_ppm, MICRO, quantum=quantum, half_up=half_up)
    goods.tax_base = plus(lower, minus(goods.tax_base, goods.customs_value))
    goods.customs_value = lower


def _waived(rule: ChargeRule, goods: _Goods, line: _Line) -> _Line:
    """The line, or nothing where the charge on the whole consignment is too small for law to collect."""
    if rule.waived_below_micro is None and rule.waived_up_to_micro is None:
        return line
    only = EVERY if line.only is None else line.only
    amount = np.zeros(len(goods.at), np.int64)
    amount[only] = line.amount
    total = sums(amount, goods.starts)
    first = goods.place[goods.starts]
    small = np.zeros(len(total), np.bool_)
    if rule.waived_below_micro is not None:
        small |= total < _limits(rule.waived_below_micro, rule, goods)[first]
    if rule.waived_up_to_micro is not None:
        small |= total <= _limits(rule.waived_up_to_micro, rule, goods)[first]
    sizes = np.diff(goods.starts, append=len(amount))
    waived = np.repeat(small & (total != MISSING), sizes)[only]
    whole = line.amount if line.whole is None else line.whole
    how = np.where(waived & (whole > 0), WAIVED, line.how)
    return replace(line, amount=np.where(waived, 0, line.amount), whole=np.where(waived, 0, whole), how=how)


def _limits(micro: int, rule: ChargeRule, goods: _Goods) -> Whole:
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


class _Grounds:
    """How each place rounds charges and values, and whether its tax counts the charges."""

    def __init__(self, terms: Terms) -> None:
        grounds = [place.ground for place in terms.places]
        self.quantum = np.array([ground.charge_quantum for ground in grounds], np.int64)
        self.half_up = np.array([ground.charge_rounding == "half_up" for ground in grounds], np.bool_)
        self.value_quantum = np.array([ground.value_quantum for ground in grounds], np.int64)
        self.value_half_up = np.array([ground.value_rounding == "half_up" for ground in grounds], np.bool_)
        self.tax_has_charges = np.array(["duty" in ground.tax_base for ground in grounds], np.bool_)


# The frame of charges


class _Part(NamedTuple):
    """One charge on the items of one regime, as columns; what is the same for all of them as one value."""

    at: Whole
    head: Whole
    is_head: bool
    rule: int
    amount: Whole
    at_sale: Whole | int
    base: Whole | int
    fact: Whole | int
    how: Whole | int
    is_firm: Yes | bool


def _part(rule: ChargeRule, goods: _Goods, line: _Line) -> _Part:
    """The columns of one charge, of the items that have a line of it."""
    only = EVERY if line.only is None else line.only
    return _Part(
        at=goods.at[only],
        head=goods.head[only],
        is_head=line.is_head,
        rule=rule.number,
        amount=line.amount,
        at_sale=MISSING if line.at_sale is None else line.at_sale,
        base=MISSING if line.base is None else line.base,
        fact=NO_FACT if line.fact is None else line.fact,
        how=line.how,
        is_firm=rule.confidence == "firm" if line.is_firm is None else line.is_firm,
    )


def _frame(terms: Terms, parts: list[_Part]) -> pl.DataFrame:
    """The frame CHARGES of all parts, consignment by consignment, item by item, in the order of the regime."""
    if not parts:
        return pl.DataFrame(schema=CHARGES)
    sizes = [len(part.at) for part in parts]

    def column(name: str, dtype: Any = np.int64) -> Any:
        found = np.empty(sum(sizes), dtype)
        start = 0
        for part, size in zip(parts, sizes, strict=True):
            found[start : start + size] = getattr(part, name)
            start += size
        return found

    at, head, is_head = column("at"), column("head"), column("is_head", np.bool_)
    # A line of the whole consignment stands after those of its items.
    place = at * 2
    if is_head.any():
        last = np.zeros(len(terms.heads), np.int64)
        last[terms.head_of] = np.arange(len(terms.head_of))
        place = np.where(is_head, last[head] * 2 + 1, place)
    order = np.argsort(place, kind="stable") if len(parts) > 1 else np.arange(len(place))
    at, head, is_head = at[order], head[order], is_head[order]
    items = known(terms.of_items("item"))[at]
    rule = column("rule", np.uint32)[order]
    fact = column("fact", np.int32)[order]
    no_sale = all(isinstance(part.at_sale, int) for part in parts)
    at_sale = pl.Series("at_sale_micro", [None], dtype=pl.Int64).new_from_index(0, len(order))
    return pl.DataFrame(
        [
            pl.Series("row", terms.rows[head], dtype=ROW),
            series("item", np.where(is_head, MISSING, items) if is_head.any() else items, ROW),
            *terms.law.charges_said[pl.Series(rule)].get_columns(),
            series("amount_micro", column("amount")[order]),
            at_sale if no_sale else series("at_sale_micro", column("at_sale")[order]),
            terms.currencies(head),
            series("base_micro", column("base")[order]),
            pl.Series("rule", rule),
            series("fact", np.where(fact == NO_FACT, MISSING, fact.astype(np.int64)), pl.UInt32),
            pl.Series("how", column("how", np.uint8)[order]),
            pl.Series("is_firm", column("is_firm", np.bool_)[order]),
        ]
    )


# The arithmetics


def _relief(_rule: ChargeRule, goods: _Goods) -> _Line:
    """Nothing, and the law's reason for it."""
    return _Line(amount=np.zeros(len(goods.at), np.int64), base=goods.customs_value, how=RELIEVED)


def _rate(rule: ChargeRule, goods: _Goods) -> _Line:
    """One rate on the customs value of every item, or on that of the consignment, within the limits of the rule."""
    base = goods.base(rule, goods.customs_value)
    if rule.per == "consignment":
        whole = np.zeros(len(base), np.int64)
        whole[goods.starts] = sums(base, goods.starts)
        amount = goods.part(rule, whole, rule.rate_ppm)
        for limit, nearer in ((rule.minimum_micro, np.maximum), (rule.maximum_micro, np.minimum)):
            if limit is not None:
                bound = goods.fixed(rule, limit, rule.limit_currency)
                amount = np.where((amount == MISSING) | (bound == MISSING), MISSING, nearer(amount, bound))
        return _Line(amount=amount[goods.starts], base=whole[goods.starts], only=goods.starts, is_head=True)
    amount = goods.part(rule, base, rule.rate_ppm)
    if rule.minus_micro:
        amount = at_least(minus(amount, _shares_off(rule, goods, base)), 0)
    return _Line(amount=_collected(rule, goods, amount, base, rule.rate_ppm), whole=amount, base=base)


def _shares_off(rule: ChargeRule, goods: _Goods, base: Whole) -> Whole:
    """What is taken off each item of the sum that is taken off the consignment; unknown where a base of it is."""
    whole = np.repeat(sums(base, goods.starts), np.diff(goods.starts, append=len(base)))
    off = np.where(whole == MISSING, MISSING, goods.fixed(rule, rule.minus_micro, rule.minus_currency))
    weights = np.where(base == MISSING, 0, base) // goods.quantum
    return shares(off, weights, goods.starts, goods.rounding(rule)[0])


def _collected(rule: ChargeRule, goods: _Goods, amount: Whole, base: Whole, rate_ppm: Whole | int) -> Whole:
    """What is collected of the charge: all of it, or the share that law names, rounded once."""
    if rule.share_ppm == MICRO:
        return amount
    quantum, half_up = goods.rounding(rule)
    rate = np.asarray(rate_ppm, np.int64)
    # The share of the rate in parts of a million million: the amount itself is not rounded before its share is taken.
    above, below = rate * rule.share_ppm, (MICRO - rate if rule.is_grossed_up else MICRO) * np.int64(MICRO)
    common = np.gcd(np.where(rate == MISSING, 1, above), np.where(rate == MISSING, 1, below))
    above, below = np.where(rate == MISSING, MISSING, above // common), np.maximum(below // common, 1)
    return scaled(base, above, below, quantum=quantum, half_up=half_up)


def _flat(rule: ChargeRule, goods: _Goods) -> _Line:
    """A fixed amount for each distinct commodity code, item or consignment; on the first item it is due for."""
    fixed = goods.fixed(rule, rule.amount_micro, rule.amount_currency)
    if rule.per == "consignment":
        return _Line(amount=fixed[goods.starts], only=goods.starts, is_head=True)
    first = np.ones(len(goods.at), np.bool_)
    if rule.per == "code":
        which, codes = goods.terms.items_apart("hs_code")
        _, places = np.unique(goods.head * len(codes) + which[goods.at], return_index=True)
        first = np.zeros(len(goods.at), np.bool_)
        first[places] = True
    return _Line(amount=np.where(first, fixed, 0), how=np.where(first, PLAIN, AGAIN))


def _tariff(rule: ChargeRule, goods: _Goods) -> _Line:
    """What the tariff says for the code, the origin and the day: part of the value, an amount a unit, or both.

    A layer besides the usual duty has a line only where it has a measure; where another layer displaces it, of nought,
    and of what is not known where that other is laid on a part of the value only.
    """
    value = goods.base(rule, goods.customs_value)
    if rule.measures:
        return _layer(rule, goods, goods.bearing(rule.measures), value)
    measure = goods.found("", goods.at)
    is_known = measure != NO_MEASURE
    firm = np.where(is_known, goods.terms.law.tariff.is_firm[measure], rule.confidence == "firm")
    amount, how = _by_measure(rule, goods, measure, value), np.where(is_known, _how(goods, measure), UNKNOWN_DUTY)
    return _Line(amount=amount, base=value, how=how, fact=measure, is_firm=firm)


def _layer(rule: ChargeRule, goods: _Goods, only: Whole, value: Whole) -> _Line:
    """A layer on the goods that bear it."""
    said = goods.terms.law.tariff
    measure, base = goods.layer(rule.measures)[only], value[only]
    displaced, parted = _displaced(rule, goods, only)
    parted &= ~displaced & (said.plain_ppm[measure] != 0)
    amount, due = np.zeros(len(only), np.int64), np.flatnonzero(~displaced & ~parted)
    amount[due] = _by_measure(rule, goods, measure[due], base[due], only[due])
    amount[parted] = MISSING
    how = np.where(displaced, DISPLACED, np.where(parted, PARTED, _how(goods, measure)))
    return _Line(amount=amount, base=base, how=how, fact=measure, is_firm=said.is_firm[measure], only=only)


def _how(goods: _Goods, measure: Whole) -> Whole:
    said = goods.terms.law.tariff
    found: Whole = np.where(said.plain_ppm[measure] == 0, FREE, np.where(said.is_preference[measure], PREFERRED, PLAIN))
    return found


def _by_measure(rule: ChargeRule, goods: _Goods, measure: Whole, value: Whole, at: Whole | slice = EVERY) -> Whole:
    """What the measure says is due on the value, for some of the goods; `MISSING` where there is none."""
    said = goods.terms.law.tariff
    ppm = said.plain_ppm[measure]
    amount = goods.part(rule, value, ppm, at)
    by_formula = np.flatnonzero((ppm == MISSING) & (measure != NO_MEASURE))
    if len(by_formula):
        of = np.arange(len(goods.at))[at][by_formula]
        amount[by_formula] = duties(goods.measured(rule, value[by_formula], of), measure[by_formula])
    return amount


def _displaced(rule: ChargeRule, goods: _Goods, only: Whole) -> tuple[Yes, Yes]:
    """Which of these goods other layers take out of this one wholly, and which with a part of their value.

    A layer that is free for the goods takes nothing out.
    """
    said = goods.terms.law.tariff
    wholly, partly = np.zeros(len(only), np.bool_), np.zeros(len(only), np.bool_)
    for one in rule.unless:
        layers = [name for name in one.layers if len(goods.bearing(name))]
        if not layers:
            continue
        here = np.array([one.holds(place.day) for place in goods.terms.places], np.bool_)[goods.place[only]]
        if one.origins:
            origin, names = goods.terms.items_apart("origin_country")
            here &= np.array([name in one.origins for name in names], np.bool_)[origin[goods.at[only]]]
        for name in layers:
            measure = goods.layer(name)[only]
            bears = here & (measure != NO_MEASURE) & (said.plain_ppm[measure] != 0)
            on_part = said.is_on_part[measure] & one.is_part
            wholly |= bears & ~on_part
            partly |= bears & on_part
    return wholly, partly


def _tax(rule: ChargeRule, goods: _Goods) -> _Line:
    """The rate of the goods' class on the tax base, or on what the rule names; zero where due at the sale."""
    with_charges = np.where(goods.tax_has_charges, plus(goods.tax_base, goods.before), goods.tax_base)
    base = goods.base(rule, with_charges)
    only = _where_charged(rule.tax, goods)
    if only is not None and not len(only):
        return _Line(amount=base[only], only=only)
    rate, is_firm = _tax_rates(rule.tax, goods)
    law = goods.terms.law
    ppm = law.tax_rate_ppm[rate]
    is_firm = is_firm & law.tax_rate_is_firm[rate]
    if rule.due == "sale":
        nothing = np.zeros(len(base), np.int64)
        at_sale = _collected(rule, goods, goods.part(rule, base, ppm), base, ppm)
        line = _Line(amount=nothing, at_sale=at_sale, base=base, how=AT_SALE, fact=rate, is_firm=is_firm)
        return _some(line, only)
    whole = goods.part(rule, base, ppm)
    amount = _collected(rule, goods, whole, base, ppm)
    how = np.where(ppm == 0, NOUGHT_RATED, PLAIN)
    return _some(_Line(amount=amount, whole=whole, base=base, how=how, fact=rate, is_firm=is_firm), only)


def _some(line: _Line, only: Whole | None) -> _Line:
    """The line, of some of its items."""
    if only is None:
        return line

    def part(column: A | None) -> A | None:
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


def _where_charged(tax: str, goods: _Goods) -> Whole | None:
    """The items of which a tax of some places only is charged, and so have a line of it; None for all."""
    terms = goods.terms
    lists = [found.delivered_to if (found := terms.law.tax(one.country, tax)) else "" for one in terms.places]
    if not any(lists):
        return None
    only = np.zeros(len(goods.at), np.bool_)
    for name in dict.fromkeys(lists):
        mine = np.fromiter((one == name for one in lists), np.bool_, len(lists))[goods.place]
        only |= mine & delivered_to(terms, name)[goods.head] if name else mine
    return np.flatnonzero(only)


def _own_rates(taxes: Sequence[Tax | None], of_place: Whole, goods: _Goods) -> tuple[Whole, list[str]]:
    """For each item its place among the lists of places with rates of their own, and these; the first is for none."""
    lists = ["", *dict.fromkeys(name for tax in taxes if tax is not None for name in tax.places)]
    where = np.zeros(len(goods.at), np.int64)
    for number, name in enumerate(lists[1:], start=1):
        has = np.fromiter((tax is not None and name in tax.places for tax in taxes), np.bool_, len(taxes))
        free = (where == 0) & has[of_place[goods.place]]
        if free.any():
            where[free & delivered_to(goods.terms, name)[goods.head]] = number
    return where, lists


def _tax_rates(tax: str, goods: _Goods) -> tuple[Whole, Yes]:
    """For each item the number of the rate that holds for it, `NO_FACT` for none, and whether its class is firm."""
    terms = goods.terms
    which, codes = terms.items_apart("hs_code")
    taxes = [terms.law.tax(place.country, tax) for place in terms.places]
    different = list({id(one): one for one in taxes}.values())
    kinds: dict[tuple[int, ...], int] = {}
    table = np.array(
        [[kinds.setdefault(terms.law.classes(one, code), len(kinds)) for code in codes] for one in different], np.int64
    )
    of_place = np.array([next(n for n, one in enumerate(different) if one is mine) for mine in taxes], np.int64)
    kind = table[of_place[goods.place], which[goods.at]]
    where, lists = _own_rates(different, of_place, goods)
    classes = [(of, name) for of in kinds for name in lists]
    kind = kind * len(lists) + where
    keys, place = distinct(goods.place * len(classes) + kind, len(terms.places) * len(classes))
    found = []
    for key in keys.tolist():
        here, (of, name) = key // len(classes), classes[key % len(classes)]
        found.append(terms.law.tax_rate_at(taxes[here], of, terms.places[here].day, name))
    answers = np.array(found, np.int64).reshape(-1, 2)[place]
    return answers[:, 0], answers[:, 1] == 1


_ARITHMETIC: dict[str, Callable[[ChargeRule, _Goods], _Line]] = {
    "relief": _relief, "rate": _rate, "flat": _flat, "tariff": _tariff, "tax": _tax,
}  # fmt: skip


class _Asked:
    """Which measures of the tariff hold for the items of which a regime asks it.

    `asked`: the items of which the usual duty was asked; `measure`: what was found for them; `preferred`: the country
    of a preference claimed, for each item its place among the countries.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.asked = np.zeros(len(terms.items), np.bool_)
        self.measure = np.full(len(terms.items), NO_MEASURE, np.int64)
        self.preferred: tuple[Whole, list[str]] = np.zeros(len(terms.items), np.int64), [""]
        self._goods: tuple[Any, ...] | None = None

    def found(self, kind: str, at: Whole) -> Whole:
        """For each of these items the measure of that kind; of duty, where no kind is named: then a preference claimed
        and in force goes before the duty for all. A measure that asks for the claim by name goes before one of its kind
        that does not."""
        terms, tariff = self._terms, self._terms.law.tariff
        if self._goods is None:
            day = terms.by_place(lambda place: ordinal(place.day))[terms.head_of]
            code, codes = _full_codes(terms)
            numbers = tariff.codes.numbers(codes)
            self._goods = (code, numbers, *_sorts(code, numbers, *terms.items_apart("origin_country")), day)
            self.preferred = _preferred(terms)
        code, numbers, sort, sorts, day = self._goods
        preferred, countries = self.preferred
        found = np.full(len(at), NO_MEASURE, np.int64)
        for schedule, where in self._by_schedule(at):
            here = at[where]
            measures = tariff.of(schedule, kind or "third_country")
            mine = measures.of(sorts, sort[here], day[here])
            named = tariff.claims(schedule, kind or "preference")
            claims = np.flatnonzero(preferred[here]) if len(countries) > 1 and (named or not kind) else ()
            for claim in (*(() if kind else ("",)), *named) if len(claims) else ():
                wanted = claims[self._claimed(claim)[here[claims]]] if claim else claims
                its = here[wanted]
                which, preferred_sorts = _sorts(code[its], numbers, preferred[its], countries)
                better = tariff.of(schedule, kind or "preference", claim).of(preferred_sorts, which, day[its])
                mine[wanted] = np.where(better == NO_MEASURE, mine[wanted], better)
            found[where] = mine
        if not kind:
            self.asked[at] = True
            self.measure[at] = found
        return found

    def _by_schedule(self, at: Whole) -> Iterator[tuple[str | None, Whole | slice]]:
        """Each tariff that is asked, and which of these items are under it."""
        schedules = [place.schedule for place in self._terms.places]
        for schedule in (different := dict.fromkeys(schedules)):
            if len(different) == 1:
                yield schedule, slice(None)
            else:
                mine = np.fromiter((one == schedule for one in schedules), np.bool_, len(schedules))
                yield schedule, np.flatnonzero(mine[self._terms.place[self._terms.head_of[at]]])

    def _claimed(self, claim: str) -> Yes:
        """Whether each item claims just this preference."""
        which, claims = self._terms.items_apart("preference")
        found: Yes = np.array([one == claim for one in claims], np.bool_)[which]
        return found


def _sorts(code: Whole, numbers: Whole, origin: Whole, origins: Sequence[str | None]) -> tuple[Whole, Sorts]:
    """For each item which sort of goods it is, and these. `code` is its place among the codes, which have `numbers`."""
    width = len(origins)
    keys, which = distinct(code * width + origin, len(numbers) * width)
    return which, Sorts(numbers[keys // width], origins, keys % width)


def _full_codes(terms: Terms) -> tuple[Whole, list[str | None]]:
    """The commodity code with its national digits."""
    code, national = terms.of_items("hs_code"), terms.of_items("taric_code")
    if national.null_count() == len(national):
        return terms.items_apart("hs_code")
    # National digits alone are no code: "10" without what comes before it would be cereals.
    return told_apart((code + national.fill_null("")).zip_with(code != "", code))


def _preferred(terms: Terms) -> tuple[Whole, list[str]]:
    """The country of preferential origin where a preference is claimed: its place among the countries, nought for
    none."""
    claim, claims = terms.items_apart("preference")
    if claims == [None]:
        return np.zeros(len(claim), np.int64), [""]
    is_claimed = terms.on_list("preference-claims", claim, claims, terms.head_of, is_prefix=True)
    stated, of_goods = terms.of_items("preference_country"), terms.of_items("origin_country")
    country, countries = told_apart(stated.zip_with(stated.is_not_null(), of_goods).fill_null(""))
    return np.where(is_claimed, country + 1, 0), ["", *countries]
