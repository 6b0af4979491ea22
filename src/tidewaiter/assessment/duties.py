"""Duties that are more than a part of the value: amounts a unit, sums of both, and bounds, by the tariff's formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import numpy as np

from tidewaiter.assessment.terms import Terms, cross
from tidewaiter.law.expressions import AdValorem, Formula, Part, Specific, Unsupported
from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.expressions.units import in_plain_units
from tidewaiter.model.exact import GREATEST, MISSING, Whole, Yes, at_least, distinct, known, minus, scaled_sum
from tidewaiter.model.money import MICRO

USUAL = "applicable subheading"
"""What a formula refers to that is reckoned besides the usual duty of the goods."""
VALUE_OF = "value of the "
"""How a missing value of a part of the article is told."""
UNSTATED = "NAR"
"""The unit of a quantity that has none: pieces."""

Rates = dict[str, tuple[int, int]]
"""By currency, numerator and denominator into the currency of assessment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Goods items with what a duty is taken on. `items`: their places among all items of the terms; `usual`: the usual
    duty as it is charged, None where that is what is asked for."""

    terms: Terms
    items: Whole
    place: Whole
    value: Whole
    quantum: Whole
    half_up: Yes
    usual: Whole | None = None


class _Sum(NamedTuple):
    """Parts ready to be added up: of each what it measures and how many it counts, over one denominator."""

    measured: tuple[str, ...]
    numerators: tuple[int, ...]
    denominator: int


def duties(goods: Goods, measure: Whole) -> Whole:
    """The duty on each of the goods by the formula of its measure; `MISSING` where the formula is not supported, or
    something that it asks for is not stated.

    Rounding never turns an order round, so it comes before the bounds. The bounds of a formula that refers to the usual
    duty say what the two come to together: the usual duty is taken off them.
    """
    law = goods.terms.law
    size = len(law.tariff.formulas)
    rates, rate_of = _rates(goods, {law.tariff.formulas[number] for number in np.unique(measure).tolist()})
    keys, of = distinct(rate_of[goods.place] * size + measure, len(rates) * size)
    formulas = [(law.tariff.formulas[key % size], rates[key // size]) for key in keys.tolist()]
    quantities: dict[str, Whole] = {VALUE: goods.value}

    def amount(clause: str) -> Whole:
        ready = [_ready(getattr(formula, clause, ()), by) for formula, by in formulas]
        return _added(ready, of, goods, quantities)

    supported = np.array([is_reckoned(one, besides=goods.usual is not None) for one, _ in formulas], np.bool_)
    refers = np.array([bool(getattr(one, "reference", "")) for one, _ in formulas], np.bool_)[of]
    found = np.where(supported[of], amount("parts"), MISSING)
    for clause, nearer in (("at_least", np.maximum), ("at_most", np.minimum)):
        bounded = np.array([bool(getattr(one, clause, ())) for one, _ in formulas], np.bool_)[of]
        if bounded.any():
            limit = amount(clause)
            if goods.usual is not None and refers.any():
                limit = np.where(refers, at_least(minus(limit, goods.usual), 0), limit)
            gap = (found == MISSING) | (limit == MISSING)
            found = np.where(bounded, np.where(gap, MISSING, nearer(found, limit)), found)
    return found


def is_reckoned(formula: Formula | Unsupported, *, besides: bool) -> bool:
    """Whether the formula is one that is reckoned here; `besides`: besides a usual duty."""
    return isinstance(formula, Formula) and (not formula.reference or (besides and formula.reference == USUAL))


def _rates(goods: Goods, formulas: set[Formula | Unsupported]) -> tuple[list[Rates], Whole]:
    """The different rates of exchange that the formulas ask for, and for each place which of them hold there."""
    terms = goods.terms
    currencies = sorted({part.currency for part in _all_parts(formulas) if isinstance(part, Specific)})
    different: dict[tuple[tuple[int, int], ...], int] = {}
    which = [
        different.setdefault(
            tuple(cross(terms.law, place.ground.exchange_table, one, place.currency, place) for one in currencies),
            len(different),
        )
        for place in terms.places
    ]
    return [dict(zip(currencies, rates, strict=True)) for rates in different], np.array(which, np.int64)


def _all_parts(formulas: set[Formula | Unsupported]) -> list[Part]:
    found = [one for one in formulas if isinstance(one, Formula)]
    return [part for one in found for part in (*one.parts, *one.at_least, *one.at_most)]


def _ready(parts: Sequence[Part], rates: Rates) -> _Sum | None:
    """The parts over one denominator; None where something is unknown."""
    factors = [_factor(part, rates) for part in parts]
    exact = [factor for factor in factors if factor is not None]
    if len(exact) < len(factors):
        return None
    common = lcm(*(factor.denominator for factor in exact))
    if max((abs(one.numerator) * (common // one.denominator) for one in exact), default=0) >= GREATEST:
        return None
    measured = tuple(VALUE if isinstance(part, AdValorem) else _name(part) for part in parts)
    return _Sum(measured, tuple(one.numerator * (common // one.denominator) for one in exact), common)


def _name(part: Specific) -> str:
    """What the part measures: a plain unit, with what is said of the quantity."""
    return f"{in_plain_units(part.unit).plain} {part.qualifier}".rstrip()


def _factor(part: Part, rates: Rates) -> Fraction | None:
    """What is taken for each millionth of what the part measures, in the currency of assessment; None where that cannot
    be known. An amount in another currency is converted to a millionth."""
    if isinstance(part, AdValorem):
        return part.rate / 100 if part.base == VALUE else None
    above, below = rates[part.currency]
    if above == MISSING:
        return None
    each = Fraction(part.amount) * above / below
    converted = Fraction(int(each * MICRO + Fraction(1, 2)), MICRO) if above != below else each
    return converted / (Fraction(part.per) * in_plain_units(part.unit).size)


def _added(sums: list[_Sum | None], of: Whole, goods: Goods, quantities: dict[str, Whole]) -> Whole:
    """The sum of each row, rounded once. `of` tells which of the sums is the row's."""
    unknown = np.array([one is None for one in sums], np.bool_)
    clean = [one or _Sum((), (), 1) for one in sums]
    names = sorted({name for one in clean for name in one.measured})
    products = []
    for name in names:
        numbers = [
            sum(n for n, what in zip(one.numerators, one.measured, strict=True) if what == name) for one in clean
        ]
        asks = np.array([name in one.measured for one in clean], np.bool_)[of]
        if name not in quantities:
            quantities[name] = _quantities(name, goods)
        products.append((np.where(asks, quantities[name], 0), np.array(numbers, np.int64)[of]))
    denominator = np.array([one.denominator for one in clean], np.int64)[of]
    found = scaled_sum(products, denominator, quantum=goods.quantum, half_up=goods.half_up)
    return np.where(unknown[of], MISSING, found)


def _quantities(name: str, goods: Goods) -> Whole:
    """For each of the goods how many millionths of the plain unit there are; `MISSING` where that is not stated."""
    terms = goods.terms
    unit, _, qualifier = name.partition(" ")
    if qualifier:  # drained weight, alcohol content and their kin are on no declaration yet
        return np.full(len(goods.items), MISSING, np.int64)
    if unit == "KGM":
        return known(terms.of_items("net_mass_micro"))[goods.items]
    which, units = terms.items_apart("quantity_unit")
    stated = [in_plain_units(one or UNSTATED) for one in units]
    whole = [int(one.size) if one.plain == unit and one.size.denominator == 1 else 0 for one in stated]
    sizes = np.array(whole, np.int64)[which[goods.items]]
    quantity = known(terms.of_items("quantity_micro"))[goods.items]
    return np.where((sizes > 0) & (quantity != MISSING), quantity * sizes, MISSING)


def missing_from(terms: Terms, formula: Formula, at: int) -> str | None:
    """What the formula asks for that the goods item does not state, in words; None where nothing is missing. Begins
    with `VALUE_OF` where it is the value of a part of the article."""
    none = np.zeros(1, np.int64)
    goods = Goods(terms=terms, items=np.array([at]), place=none, value=none, quantum=none, half_up=none == 0)
    for part in (*formula.parts, *formula.at_least, *formula.at_most):
        if isinstance(part, AdValorem):
            if part.base != VALUE:
                return f"{VALUE_OF}{part.base}"
        elif _quantities(_name(part), goods)[0] == MISSING:
            return f"{part.unit} {part.qualifier}".rstrip()
    return None
