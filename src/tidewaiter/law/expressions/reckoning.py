"""What a formula comes to: slow, exact and obvious. Columns have their own way, and are checked against this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tidewaiter.law.expressions.formula import RETAIL_PRICE, VALUE, AdValorem, Formula, Part, Specific
from tidewaiter.law.expressions.units import in_plain_units


@dataclass(frozen=True, slots=True)
class Missing:
    """What would have to be known: "quantity KGM drained weight", "value of case", "duty of 9822.05.20"."""

    what: str


class _Lacking(Exception):
    """Raised inside this module only, and given back as `Missing`."""


def reckon(
    formula: Formula,
    *,
    value: Decimal,
    quantities: Mapping[str, Decimal],
    retail_price: Decimal | None = None,
    parts: Mapping[str, Decimal] | None = None,
    referred: Decimal | None = None,
    exchange: Mapping[str, Decimal] | None = None,
) -> Decimal | Missing:
    """The duty in the currency of `value`, not rounded (28 digits where it has no end); or the first thing missing.

    `quantities` by unit, or unit and qualifier ("KGM drained weight"); a measure that multiplies by its name ("% vol").
    `parts` are the values of named parts of the article. `referred` is what the duty of `formula.reference` comes to.
    `exchange` is the value's currency for one of another; without it all amounts are taken to be in the value's own.
    """
    bases = {VALUE: value, **(parts or {}), **({RETAIL_PRICE: retail_price} if retail_price is not None else {})}

    def addend(part: Part) -> Fraction:
        if isinstance(part, AdValorem):
            if part.base not in bases:
                raise _Lacking(part.base if part.base == RETAIL_PRICE else f"value of {part.base}")
            return Fraction(bases[part.base]) * part.rate / 100
        if exchange is not None and part.currency not in exchange:
            raise _Lacking(f"exchange of {part.currency}")
        rate = Fraction(exchange[part.currency]) if exchange is not None else Fraction(1)
        return Fraction(part.amount) * rate * _quantity(part, quantities) / Fraction(part.per)

    def total(addends: tuple[Part, ...]) -> Fraction:
        return sum((addend(part) for part in addends), Fraction(0))

    try:
        result = total(formula.parts)
        if formula.reference:
            if referred is None:
                raise _Lacking(f"duty of {formula.reference}")
            result += Fraction(referred)
        if formula.at_least:
            result = max(result, total(formula.at_least))
        if formula.at_most:
            result = min(result, total(formula.at_most))
    except _Lacking as error:
        return Missing(str(error))
    return Decimal(result.numerator) / Decimal(result.denominator)


def _quantity(part: Specific, quantities: Mapping[str, Decimal]) -> Fraction:
    """How many of the part's unit there are, converted from what was measured."""
    whole = f"{part.unit} {part.qualifier}".rstrip()
    if whole in quantities:
        return Fraction(quantities[whole])
    if part.qualifier.startswith("per "):
        factor = part.qualifier.removeprefix("per ")
        if factor not in quantities:
            raise _Lacking(f"quantity {factor}")
        return _measured(part.unit, "", quantities) * Fraction(quantities[factor])
    return _measured(part.unit, part.qualifier, quantities)


def _measured(unit: str, qualifier: str, quantities: Mapping[str, Decimal]) -> Fraction:
    wanted = in_plain_units(unit)
    for given, quantity in quantities.items():
        code, _, what = given.partition(" ")
        stated = in_plain_units(code)
        if stated.plain == wanted.plain and what == qualifier:
            return Fraction(quantity) * stated.size / wanted.size
    raise _Lacking(f"quantity {unit} {qualifier}".rstrip())
