"""Duties that are more than a part of the value: amounts a unit, sums of both, and bounds, by the tariff's formulas."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from tidewaiter.assessment.terms import Terms, cross
from tidewaiter.law.expressions import AdValorem, Formula, Part, Specific
from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.rules import Place
from tidewaiter.law.units import in_plain_units
from tidewaiter.model.exact import MISSING, Whole, Yes, distinct, known, scaled_sum
from tidewaiter.model.money import MICRO

UNSTATED = "NAR"
"""The unit of a quantity that has none: pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Goods items with what a duty is taken on. `items`: their places among all items of the terms."""

    terms: Terms
    items: Whole
    place: Whole
    value: Whole
    quantum: Whole
    half_up: Yes


def duties(goods: Goods, measure: Whole) -> Whole:
    """The duty on each of the goods by the formula of its measure; `MISSING` where the formula is not supported, or
    something that it asks for is not stated."""
    law, places = goods.terms.law, goods.terms.places
    size = len(law.tariff.formulas)
    keys, of = distinct(goods.place * size + measure, len(places) * size)
    found = np.full(len(measure), MISSING, np.int64)
    for number, key in enumerate(keys.tolist()):
        formula = law.tariff.formulas[key % size]
        if isinstance(formula, Formula) and not formula.reference:
            at = np.flatnonzero(of == number)
            found[at] = _duty(formula, places[key // size], goods, at)
    return found


def _duty(formula: Formula, place: Place, goods: Goods, at: Whole) -> Whole:
    """The formula on those of the goods. Rounding never turns an order round, so it may come before the bounds."""
    amount = _sum(formula.parts, place, goods, at)
    for bound, nearer in ((formula.at_least, np.maximum), (formula.at_most, np.minimum)):
        if bound:
            limit = _sum(bound, place, goods, at)
            gap = (amount == MISSING) | (limit == MISSING)
            amount = np.where(gap, MISSING, nearer(amount, limit))
    return amount


def _sum(parts: tuple[Part, ...], place: Place, goods: Goods, at: Whole) -> Whole:
    """The parts added up, then rounded once."""
    factors = [_factor(part, place, goods) for part in parts]
    if any(factor is None for factor in factors):
        return np.full(len(at), MISSING, np.int64)
    exact = [factor for factor in factors if factor is not None]
    common = lcm(*(factor.denominator for factor in exact))
    products = [
        (_measured(part, goods, at), np.full(len(at), factor.numerator * (common // factor.denominator), np.int64))
        for part, factor in zip(parts, exact, strict=True)
    ]
    return scaled_sum(products, common, quantum=goods.quantum[at], half_up=goods.half_up[at])


def _factor(part: Part, place: Place, goods: Goods) -> Fraction | None:
    """What is taken for each millionth of what the part measures, in the currency of assessment; None where that cannot
    be known. An amount in another currency is converted to a millionth."""
    if isinstance(part, AdValorem):
        return part.rate / 100 if part.base == VALUE else None
    above, below = cross(goods.terms.law, place.ground.exchange_table, part.currency, place.currency, place)
    if above == MISSING:
        return None
    each = Fraction(part.amount) * above / below
    converted = Fraction(int(each * MICRO + Fraction(1, 2)), MICRO) if above != below else each
    plain = in_plain_units(part.unit)
    return converted / (Fraction(part.per) * plain.size)


def _measured(part: Part, goods: Goods, at: Whole) -> Whole:
    """Millionths of what the part is taken on: the value, the mass, or the quantity where it is in such a unit."""
    if isinstance(part, AdValorem):
        return goods.value[at]
    return quantities(part, goods)[at]


def quantities(part: Specific, goods: Goods) -> Whole:
    """For each of the goods how many millionths of the plain unit there are; `MISSING` where that is not stated."""
    terms = goods.terms
    wanted = in_plain_units(part.unit)
    if part.qualifier:  # drained weight, alcohol content and their kin are on no declaration yet
        return np.full(len(goods.items), MISSING, np.int64)
    if wanted.plain == "KGM":
        return known(terms.of_items("net_mass_micro"))[goods.items]
    which, units = terms.items_apart("quantity_unit")
    stated = [in_plain_units(unit or UNSTATED) for unit in units]
    fits = np.array([one.plain == wanted.plain for one in stated], np.bool_)[which[goods.items]]
    sizes = np.array([int(one.size) if one.size.denominator == 1 else 0 for one in stated], np.int64)[
        which[goods.items]
    ]
    quantity = known(terms.of_items("quantity_micro"))[goods.items]
    return np.where(fits & (sizes > 0) & (quantity != MISSING), quantity * sizes, MISSING)


def missing_from(terms: Terms, formula: Formula, at: int) -> str | None:
    """What the formula asks for that the goods item does not state, in words; None where nothing is missing."""
    items = np.array([at], np.int64)
    none = np.zeros(1, np.int64)
    goods = Goods(terms=terms, items=items, place=none, value=none, quantum=none, half_up=none == 0)
    for part in (*formula.parts, *formula.at_least, *formula.at_most):
        if isinstance(part, AdValorem):
            if part.base != VALUE:
                return f"value of the {part.base}"
        elif quantities(part, goods)[0] == MISSING:
            return f"{part.unit} {part.qualifier}".rstrip()
    return None
