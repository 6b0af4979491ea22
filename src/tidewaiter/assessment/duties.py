"""Duties that are more than a part of the value: amounts a unit, sums of both, and bounds, by the tariff's formulas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

import numpy as np

from tidewaiter.assessment.terms import Terms, cross
from tidewaiter.law import Law
from tidewaiter.law.expressions import AdValorem, Formula, Part, Specific, Unsupported
from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.expressions.units import in_plain_units
from tidewaiter.law.rules import KNOWN_MAX
from tidewaiter.model.exact import GREATEST, MISSING, Whole, Yes, at_least, distinct, minus, picked, scaled_sum
from tidewaiter.model.keeping import kept
from tidewaiter.model.money import MICRO

MASS, QUANTITY = "net_mass_micro", "quantity_micro"
"""The columns in which goods state how much they are."""
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
    quantum: Whole | int
    half_up: Yes | bool
    usual: Whole | None = None


class Sum(NamedTuple):
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
    worded = law.tariff.worded
    size = len(worded)
    wording, of = distinct(law.tariff.wording[measure], size)
    rates, rate_of = _rates(goods, wording)
    if len(rates) > 1:
        keys, of = distinct(rate_of[goods.place] * size + wording[of], len(rates) * size)
        which = [(key % size, rates[key // size]) for key in keys.tolist()]
    else:
        which = [(key, rates[0]) for key in wording.tolist()]
    formulas = [worded[number] for number, _ in which]

    def amount(clause: str, at: Whole) -> Whole:
        sums = [_remembered(law, clause, number, by) for number, by in which]
        return _added(sums, of[at], at, goods)

    supported = np.array([is_reckoned(one, besides=goods.usual is not None) for one in formulas], np.bool_)
    found = amount("parts", np.arange(len(of)))
    if not supported.all():
        found[~supported[of]] = MISSING
    for clause, nearer in (("at_least", np.maximum), ("at_most", np.minimum)):
        is_bounded = np.array([bool(getattr(one, clause, ())) for one in formulas], np.bool_)
        if is_bounded.any():
            at = np.flatnonzero(is_bounded[of])
            limit = amount(clause, at)
            if goods.usual is not None:
                refers = np.array([bool(getattr(one, "reference", "")) for one in formulas], np.bool_)[of[at]]
                limit = np.where(refers, at_least(minus(limit, goods.usual[at]), 0), limit)
            gap = (found[at] == MISSING) | (limit == MISSING)
            found[at] = np.where(gap, MISSING, nearer(found[at], limit))
    return found


def is_reckoned(formula: Formula | Unsupported, *, besides: bool) -> bool:
    """Whether the formula is one that is reckoned here; `besides`: besides a usual duty."""
    return isinstance(formula, Formula) and (not formula.reference or (besides and formula.reference == USUAL))


def _rates(goods: Goods, wording: Whole) -> tuple[list[Rates], Whole]:
    """The different rates of exchange that the formulas ask for, and for each place which of them hold there."""
    terms = goods.terms
    asked = terms.law.tariff.currencies
    currencies = tuple(sorted(frozenset().union(*(asked[number] for number in wording.tolist()))))

    def find() -> tuple[list[Rates], Whole]:
        if all(place.currency == one for place in terms.places for one in currencies):
            return [dict.fromkeys(currencies, (1, 1))], np.zeros(len(terms.places), np.int64)
        different: dict[tuple[tuple[int, int], ...], int] = {}
        which = [
            different.setdefault(
                tuple(cross(terms.law, place.ground.exchange_table, one, place.currency, place) for one in currencies),
                len(different),
            )
            for place in terms.places
        ]
        return [dict(zip(currencies, rates, strict=True)) for rates in different], np.array(which, np.int64)

    return terms.answered(("rates of formulas", currencies), find)


def _remembered(law: Law, clause: str, number: int, rates: Rates) -> Sum | None:
    """A clause of the formula of that wording, ready to be added up; worked out once for the same rates of
    exchange."""
    ready: dict[Any, Sum | None] = law.remembered("duties ready", dict)
    key = (clause, number, *rates.items())
    return kept(ready, key, lambda: ready_sum(getattr(law.tariff.worded[number], clause, ()), rates), at_most=KNOWN_MAX)


def ready_sum(parts: Sequence[Part], rates: Rates) -> Sum | None:
    """The parts over one denominator, at these rates of exchange; None where something is unknown."""
    factors = [_factor(part, rates) for part in parts]
    exact = [factor for factor in factors if factor is not None]
    if len(exact) < len(factors):
        return None
    common = lcm(*(factor.denominator for factor in exact))
    if max(0, common, *(abs(one.numerator) * (common // one.denominator) for one in exact)) >= GREATEST:
        return None
    measured = tuple(VALUE if isinstance(part, AdValorem) else _name(part) for part in parts)
    return Sum(measured, tuple(one.numerator * (common // one.denominator) for one in exact), common)


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


def _added(sums: list[Sum | None], of: Whole, at: Whole, goods: Goods) -> Whole:
    """The sum for each of the goods at these places, rounded once. `of` tells which of the sums is theirs."""
    unknown = np.array([one is None for one in sums], np.bool_)
    clean = [one or Sum((), (), 1) for one in sums]
    counted: dict[str, dict[int, int]] = {}
    for place, one in enumerate(clean):
        for name, number in zip(one.measured, one.numerators, strict=True):
            of_name = counted.setdefault(name, {})
            of_name[place] = of_name.get(place, 0) + number
    products = []
    for name, by_place in counted.items():
        numbers, asks = np.zeros(len(clean), np.int64), np.zeros(len(clean), np.bool_)
        numbers[list(by_place)], asks[list(by_place)] = list(by_place.values()), True
        here = np.flatnonzero(asks[of])
        products.append((here, _quantities(name, goods, at[here]), numbers[of[here]]))
    denominator = np.array([one.denominator for one in clean], np.int64)[of]
    quantum, half_up = picked(goods.quantum, at), picked(goods.half_up, at)
    found = scaled_sum(products, denominator, quantum=quantum, half_up=half_up)
    if unknown.any():
        found[unknown[of]] = MISSING
    return found


def _quantities(name: str, goods: Goods, at: Whole) -> Whole:
    """For the goods at these places how many millionths of the plain unit there are; `MISSING` where that is not
    stated, or more than a column holds."""
    if name == VALUE:
        return goods.value[at]
    terms, items = goods.terms, goods.items[at]
    column = stated_in(name)
    if column is None:
        return np.full(len(items), MISSING, np.int64)
    found = terms.numbers(column)[items]
    if column == MASS:
        return found
    which, units = terms.items_apart("quantity_unit")
    sizes = np.array([size_of(one, name) for one in units], np.int64)[which[items]]
    fits = (sizes > 0) & (found != MISSING) & (found <= GREATEST // np.maximum(sizes, 1))
    return np.where(fits, np.where(fits, found, 0) * sizes, MISSING)


def stated_in(name: str) -> str | None:
    """The column that states so many of the unit; None for drained weight, alcohol content and their kin, which are on
    no declaration yet."""
    unit, _, qualifier = name.partition(" ")
    return None if qualifier else MASS if unit == "KGM" else QUANTITY


def size_of(stated: str | None, plain: str) -> int:
    """How many of the plain unit one of the unit stated is; nought where it is of another kind, or no whole number."""
    unit = in_plain_units(stated or UNSTATED)
    return int(unit.size) if unit.plain == plain and unit.size.denominator == 1 else 0


def missing_from(formula: Formula, unit: str | None, stated: Collection[str]) -> str | None:
    """What the formula asks for that goods do not state, in words; None where nothing is missing.

    It begins with `VALUE_OF` where it is the value of a part of the article. `unit` is that of their quantity, `stated`
    the columns that have a value.
    """
    for part in (*formula.parts, *formula.at_least, *formula.at_most):
        if isinstance(part, AdValorem):
            if part.base != VALUE:
                return f"{VALUE_OF}{part.base}"
            continue
        column = stated_in(_name(part))
        if column is None or column not in stated or (column == QUANTITY and not size_of(unit, _name(part))):
            return f"{part.unit} {part.qualifier}".rstrip()
    return None
