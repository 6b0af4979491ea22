"""The arithmetics of charges. Each that a regime may name is a function of `ARITHMETIC`: it gives the columns of one
charge from those of the items. A new one is reckoned by these columns alone, until `passing` takes its regimes into the
loop. What is said of a charge on the receipt is in `receipt.py`, and made when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tidewaiter.assessment.delivery import delivered_to
from tidewaiter.assessment.duties import duties
from tidewaiter.assessment.lines import (
    AGAIN,
    AT_SALE,
    DISPLACED,
    FREE,
    NOUGHT_RATED,
    PARTED,
    PLAIN,
    PREFERRED,
    RELIEVED,
    UNKNOWN_DUTY,
    Line,
    RegimeGoods,
    Ways,
    some,
)
from tidewaiter.assessment.terms import EVERY, Terms
from tidewaiter.law import Law
from tidewaiter.law.measures import NO_MEASURE
from tidewaiter.law.rules import ChargeRule, Displacing, Tax
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    at_least,
    distinct,
    has_gap,
    minus,
    scaled,
    shares,
    sums,
)
from tidewaiter.model.money import MICRO

_NONE = np.zeros(0, np.int64)


def _relief(_rule: ChargeRule, goods: RegimeGoods) -> Line:
    """Nothing, and the law's reason for it."""
    return Line(amount=np.zeros(len(goods.at), np.int64), base=goods.customs_value, how=RELIEVED)


def _rate(rule: ChargeRule, goods: RegimeGoods) -> Line:
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
        return Line(amount=amount[goods.starts], base=whole[goods.starts], only=goods.starts, is_head=True)
    amount = goods.part(rule, base, rule.rate_ppm)
    if rule.minus_micro:
        amount = at_least(minus(amount, _shares_off(rule, goods, base)), 0)
    return Line(amount=_collected(rule, goods, amount, base, rule.rate_ppm), whole=amount, base=base)


def _shares_off(rule: ChargeRule, goods: RegimeGoods, base: Whole) -> Whole:
    """What is taken off each item of the sum that is taken off the consignment; unknown where a base of it is."""
    whole = np.repeat(sums(base, goods.starts), np.diff(goods.starts, append=len(base)))
    off = np.where(whole == MISSING, MISSING, goods.fixed(rule, rule.minus_micro, rule.minus_currency))
    known_ones: Whole = np.where(base == MISSING, 0, base)
    return shares(off, known_ones // goods.quantum, goods.starts, goods.rounding(rule)[0])


def _collected(rule: ChargeRule, goods: RegimeGoods, amount: Whole, base: Whole, rate_ppm: Whole | int) -> Whole:
    """What is collected of the charge: all of it, or the share that law names, rounded once."""
    if rule.share_ppm == MICRO:
        return amount
    quantum, half_up = goods.rounding(rule)
    rate = np.broadcast_to(np.asarray(rate_ppm, np.int64), base.shape)
    # The share of the rate in parts of a million million: the amount itself is not rounded before its share is taken.
    above, below = rate * rule.share_ppm, (MICRO - rate if rule.is_grossed_up else MICRO) * np.int64(MICRO)
    common = np.gcd(np.where(rate == MISSING, 1, above), np.where(rate == MISSING, 1, below))
    above, below = np.where(rate == MISSING, MISSING, above // common), np.maximum(below // common, 1)
    return scaled(base, above, below, quantum=quantum, half_up=half_up)


def _flat(rule: ChargeRule, goods: RegimeGoods) -> Line:
    """A fixed amount for each distinct commodity code, item or consignment; on the first item it is due for."""
    fixed = goods.fixed(rule, rule.amount_micro, rule.amount_currency)
    if rule.per == "consignment":
        return Line(amount=fixed[goods.starts], only=goods.starts, is_head=True)
    first = np.ones(len(goods.at), np.bool_)
    if rule.per == "code":
        which, codes = goods.terms.items_apart("hs_code")
        _, places = np.unique(goods.head * len(codes) + which[goods.at], return_index=True)
        first = np.zeros(len(goods.at), np.bool_)
        first[places] = True
    return Line(amount=np.where(first, fixed, 0), how=np.where(first, PLAIN, AGAIN).astype(np.uint8))


def _tariff(rule: ChargeRule, goods: RegimeGoods) -> Line:
    """What the tariff says for the code, the origin and the day: part of the value, an amount a unit, or both.

    A layer besides the usual duty has a line only where it has a measure; where another layer displaces it, of nought,
    and of what is not known where that other is laid on a part of the value only.
    """
    value = goods.base(rule, goods.customs_value)
    if rule.measures:
        return _layer(rule, goods, value)
    measure = goods.tariff.usual()
    firm = goods.terms.law.tariff.is_firm.take(measure)
    firm[measure == NO_MEASURE] = rule.confidence == "firm"
    amount = _by_measure(rule, goods, measure, value)
    how = said_of_measures(goods.terms.law).take(measure)
    return Line(amount=amount, base=value, how=how, fact=measure, is_firm=firm)


def _layer(rule: ChargeRule, goods: RegimeGoods, value: Whole) -> Line:
    """A layer on the goods that bear it."""
    said = goods.terms.law.tariff
    only, measure = goods.layer(rule.measures)
    base, how = value.take(only), said_of_measures(goods.terms.law).take(measure)
    displaced, parted = _displaced(rule, goods, only)
    if not displaced.any() and not parted.any():
        amount = _by_measure(rule, goods, measure, base, only)
    else:
        parted &= ~displaced & (said.plain_ppm.take(measure) != 0)
        amount, due = np.zeros(len(only), np.int64), np.flatnonzero(~displaced & ~parted)
        amount[due] = _by_measure(rule, goods, measure.take(due), base.take(due), only.take(due))
        amount[parted] = MISSING
        how[displaced], how[parted] = DISPLACED, PARTED
    return Line(amount=amount, base=base, how=how, fact=measure, is_firm=said.is_firm.take(measure), only=only)


def said_of_measures(law: Law) -> Ways:
    """What a line says of each measure, by its number; at the end for none, that the duty is not known."""

    def find() -> Ways:
        free, preferred = law.tariff.plain_ppm == 0, law.tariff.is_preference
        told = np.where(free, FREE, np.where(preferred, PREFERRED, PLAIN)).astype(np.uint8)
        told[NO_MEASURE] = UNKNOWN_DUTY
        return told

    return law.remembered("what lines say of measures", find)


def _by_measure(rule: ChargeRule, goods: RegimeGoods, measure: Whole, value: Whole, at: Whole | slice = EVERY) -> Whole:
    """What the measure says is due on the value, for some of the goods; `MISSING` where there is none."""
    said = goods.terms.law.tariff
    ppm = said.plain_ppm.take(measure)
    amount = goods.part(rule, value, ppm, at)
    by_formula = np.flatnonzero(ppm == MISSING) if has_gap(ppm) else _NONE
    by_formula = by_formula[measure[by_formula] != NO_MEASURE]
    if len(by_formula):
        of = by_formula if isinstance(at, slice) else at[by_formula]
        amount[by_formula] = duties(goods.measured(rule, value[by_formula], of), measure[by_formula])
    return amount


def _displaced(rule: ChargeRule, goods: RegimeGoods, only: Whole) -> tuple[Yes, Yes]:
    """Which of these goods other layers take out of this one wholly, and which with a part of their value.

    A layer that is free for the goods takes nothing out.
    """
    wholly, partly = np.zeros(len(only), np.bool_), np.zeros(len(only), np.bool_)
    for one in rule.unless:
        bearing = goods.marks.of(one.layers, only)
        for borne, is_part in zip(bearing or (), (False, one.is_part), strict=False):
            here = borne[_gives_way(one, goods, only[borne])]
            (partly if is_part else wholly)[here] = True
    return wholly, partly


def _gives_way(one: Displacing, goods: RegimeGoods, at: Whole) -> Yes | slice:
    """Whether each of these goods is of an origin and a day for which others take the place of a layer."""
    here: Yes | None = None
    if one.since is not None or one.until is not None:
        here = one.held(goods.terms.days)[goods.place[at]]
    if one.origins:
        origin, names = goods.terms.items_apart("origin_country")
        is_its = np.array([name in one.origins for name in names], np.bool_)[origin[goods.at[at]]]
        here = is_its if here is None else here & is_its
    return EVERY if here is None else here


def _tax(rule: ChargeRule, goods: RegimeGoods) -> Line:
    """The rate of the goods' class on the tax base, or on what the rule names; zero where due at the sale."""
    base = goods.base(rule, goods.tax_base) if rule.base else goods.with_charges()
    is_charged = where_charged(rule.tax, goods.terms)
    only = None if is_charged is None else np.flatnonzero(is_charged[goods.at])
    if only is not None and not len(only):
        return Line(amount=base[only], only=only)
    of_all, is_firm_of_all = tax_rates(rule.tax, goods.terms)
    rate, is_firm, law = of_all[goods.at], is_firm_of_all[goods.at], goods.terms.law
    ppm = law.tax_rate_ppm.take(rate)
    is_firm = is_firm & law.tax_rate_is_firm.take(rate)
    if rule.due == "sale":
        nothing = np.zeros(len(base), np.int64)
        at_sale = _collected(rule, goods, goods.part(rule, base, ppm), base, ppm)
        line = Line(amount=nothing, at_sale=at_sale, base=base, how=AT_SALE, fact=rate, is_firm=is_firm)
        return some(line, only)
    whole = goods.part(rule, base, ppm)
    amount = _collected(rule, goods, whole, base, ppm)
    how = np.where(ppm == 0, NOUGHT_RATED, PLAIN).astype(np.uint8)
    return some(Line(amount=amount, whole=whole, base=base, how=how, fact=rate, is_firm=is_firm), only)


def where_charged(tax: str, terms: Terms) -> Yes | None:
    """Whether a tax of some places only is charged on each item of the batch, so that it has a line; None for all."""
    return terms.answered(("where a tax is charged", tax), lambda: _where_charged(tax, terms))


def _where_charged(tax: str, terms: Terms) -> Yes | None:
    lists = [found.delivered_to if (found := terms.law.tax(one.country, tax)) else "" for one in terms.places]
    if not any(lists):
        return None
    is_charged = np.zeros(len(terms.heads), np.bool_)
    for name in dict.fromkeys(lists):
        mine = np.fromiter((one == name for one in lists), np.bool_, len(lists))[terms.place]
        is_charged |= mine & delivered_to(terms, name) if name else mine
    return is_charged[terms.head_of]


def tax_rates(tax: str, terms: Terms) -> tuple[Whole, Yes]:
    """For each item of the batch the number of the rate that holds for it, `NO_FACT` for none, and whether its class is
    firm. It is asked of all goods at once: one tax is in many regimes."""
    return terms.answered(("rates of a tax", tax), lambda: _rates_of(tax, terms))


def _rates_of(tax: str, terms: Terms) -> tuple[Whole, Yes]:
    """The same of all goods of the batch."""
    which, codes = terms.items_apart("hs_code")
    place = terms.place[terms.head_of]
    taxes = [terms.law.tax(one.country, tax) for one in terms.places]
    different = list({id(one): one for one in taxes}.values())
    kinds: dict[tuple[int, ...], int] = {}
    table = np.array(
        [[kinds.setdefault(terms.law.classes(one, code), len(kinds)) for code in codes] for one in different], np.int64
    )
    of_place = np.array([next(n for n, one in enumerate(different) if one is mine) for mine in taxes], np.int64)
    where, lists = _own_rates(different, of_place[place], terms)
    classes = [(of, name) for of in kinds for name in lists]
    kind = table[of_place[place], which] * len(lists) + where
    keys, at = distinct(place * len(classes) + kind, len(terms.places) * len(classes))
    found = []
    for key in keys.tolist():
        here, (of, name) = key // len(classes), classes[key % len(classes)]
        found.append(terms.law.tax_rate_at(taxes[here], of, terms.places[here].day, name))
    answers = np.array(found, np.int64).reshape(-1, 2)[at]
    return answers[:, 0], answers[:, 1] == 1


def _own_rates(taxes: Sequence[Tax | None], tax: Whole, terms: Terms) -> tuple[Whole, list[str]]:
    """For each item its place among the lists of places with rates of their own, and these; the first is for none.
    `tax`: which of the taxes is the item's."""
    lists = ["", *dict.fromkeys(name for one in taxes if one is not None for name in one.places)]
    where = np.zeros(len(tax), np.int64)
    for number, name in enumerate(lists[1:], start=1):
        has = np.fromiter((one is not None and name in one.places for one in taxes), np.bool_, len(taxes))
        free = (where == 0) & has[tax]
        if free.any():
            where[free & delivered_to(terms, name)[terms.head_of]] = number
    return where, lists


ARITHMETIC: dict[str, Callable[[ChargeRule, RegimeGoods], Line]] = {
    "relief": _relief, "rate": _rate, "flat": _flat, "tariff": _tariff, "tax": _tax,
}  # fmt: skip
