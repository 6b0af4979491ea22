"""The words of the receipt: for every charge the measure, the rate, the conversion, the rounding, the reason, the law.

They follow from the numbers that charging left in a frame CHARGES, the batch and the law, so they are made only for
those who read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from tidewaiter.assessment.lines import (
    AGAIN,
    DISPLACED,
    FREE,
    NOUGHT_RATED,
    PARTED,
    PREFERRED,
    UNKNOWN_DUTY,
    WAIVED,
)
from tidewaiter.assessment.terms import rate_in_words
from tidewaiter.law import Law
from tidewaiter.law.expressions import Formula
from tidewaiter.law.rules import EVERY_CLASS, ChargeRule, Place
from tidewaiter.law.text import percent_text
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import known, standing
from tidewaiter.model.money import MICRO, from_micro
from tidewaiter.model.outcome import RECEIPT


class _Said(NamedTuple):
    """What the receipt says of a charge, whatever the consignment."""

    measure: str
    rate: str
    why: str
    law: str


def receipt(batch: Batch, charges: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The charges in words, as a frame RECEIPT in the same order. The law is the one they were charged under."""
    keys = list(zip(*(charges[name].to_list() for name in ("rule", "fact", "how")), strict=True))
    said = {key: _said(law, law.charge_rules[key[0]], *key[1:]) for key in set(keys)}
    lines = [said[key] for key in keys]
    here = _places(batch, charges, law)
    priced = list(zip(here, _currencies(batch, charges), strict=True))
    rates = {key: rate_in_words(law, *key) for key in set(priced)}
    places_of = list(zip(here, charges["rule"].to_list(), strict=True))
    rounded = {key: _rounding(key[0], law.charge_rules[key[1]]) for key in set(places_of)}
    told: dict[str, list[str | None]] = {
        "measure": [line.measure for line in lines],
        "rate": [line.rate for line in lines],
        "conversion": [rates[key] for key in priced],
        "rounding": [rounded[key] for key in places_of],
        "why": [line.why for line in lines],
        "law": [line.law for line in lines],
    }
    words = [pl.Series(name, texts, dtype=pl.String) for name, texts in told.items()]
    confidence = pl.Series("confidence", ["secondary", "firm"]).gather(charges["is_firm"].cast(pl.UInt32))
    coded = [charges[name].cast(pl.String) for name in ("type", "code", "collector", "currency")]
    made = {column.name: column for column in (*coded, *words, confidence)}
    return pl.DataFrame([made[name] if name in made else charges[name] for name in RECEIPT.names()])


def _places(batch: Batch, charges: pl.DataFrame, law: Law) -> list[Place]:
    """For each charge the country and day it was charged under. Raises LookupError where this law is not the one."""
    heads = standing(known(charges["row"]), known(batch.consignments["row"]))
    countries, days = batch.consignments["jurisdiction"], batch.consignments["accepted_on"].to_physical()
    whole = list(zip(countries.to_list(), days.to_list(), strict=True))
    found: dict[int, Place] = {}
    for head in set(heads.tolist()):
        place = law.place(*whole[head])
        if place is None:
            raise LookupError("something was charged where this law says nothing")
        found[head] = place
    return [found[head] for head in heads.tolist()]


def _currencies(batch: Batch, charges: pl.DataFrame) -> list[str | None]:
    """In which currency the value of each charge's goods was stated; of the first goods for one on the whole."""
    items = batch.items
    stated = items["price_currency"].zip_with(items["price_micro"].is_not_null(), items["customs_value_currency"])
    width = int(known(items["item"]).max(initial=0)) + 1
    keys = known(items["row"]) * width + known(items["item"])
    rows, numbers = known(charges["row"]), known(charges["item"])
    found = standing(rows * width + np.where(numbers < 0, 0, numbers), keys)
    values = stated.to_list()
    return [values[place] if place >= 0 else None for place in found.tolist()]


def _rounding(place: Place, rule: ChargeRule) -> str:
    """'half up to 0.05': as the charge says, or the country."""
    quantum = place.ground.charge_quantum if rule.quantum is None else rule.quantum
    rounding = rule.rounding or place.ground.charge_rounding
    return f"{rounding.replace('_', ' ')} to {from_micro(quantum).normalize():f}"


def _said(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:
    said = _WORDS[rule.arithmetic](law, rule, fact, how)
    if how == WAIVED:
        return said._replace(why=f"{said.why}; not collected: {_waived(rule)}")
    if how == DISPLACED:
        return said._replace(why=f"not taken besides {_displacing(rule)}")
    if how == PARTED:
        return said._replace(why=f"taken only on the part of the value that is not under {_displacing(rule)}")
    return said


def _displacing(rule: ChargeRule) -> str:
    """The layers that the charge gives way to, and by which law."""
    layers = " or ".join(dict.fromkeys(layer for one in rule.unless for layer in one.layers))
    sources = "; ".join(dict.fromkeys(one.source for one in rule.unless if one.source))
    return f"{layers} ({sources})" if sources else layers


def _waived(rule: ChargeRule) -> str:
    """Why a small charge is let go."""
    if rule.waived_below_micro is not None:
        return f"on the whole consignment it is below {_amount(rule.waived_below_micro, rule.limit_currency)}"
    return f"on the whole consignment it is not above {_amount(rule.waived_up_to_micro or 0, rule.limit_currency)}"


def _amount(micro: int, currency: str) -> str:
    return f"{from_micro(micro)} {currency}"


def _measure(law: Law, rule: ChargeRule) -> str:
    return f"{law.regime_of[rule.number].id}:{rule.type}:{rule.code}"


_BASES = {
    "goods": "price of the goods", "carriage": "carriage and insurance", "customs_value": "customs value",
    "tax_base": "value for the tax", "charges": "the charges before it",
}  # fmt: skip


def _taken_on(rule: ChargeRule, usual: str, rate: str) -> str:
    """How the amount comes about: '(customs value + A00) × 18 %'."""
    names = [_BASES.get(name, name) for name in rule.base]
    base = f"({' + '.join(names)})" if len(names) > 1 else (names or [usual])[0]
    words = f"{base} × {rate}"
    if rule.is_grossed_up:
        words += ", on a base that has the tax itself in it"
    if rule.minus_micro:
        words += f", less {_amount(rule.minus_micro, rule.minus_currency)} for the consignment"
    for limit, name in ((rule.minimum_micro, "least"), (rule.maximum_micro, "most")):
        if limit is not None:
            words += f", at {name} {_amount(limit, rule.limit_currency)}"
    if rule.share_ppm != MICRO:
        words += f", of which {percent_text(rule.share_ppm)} is collected"
    return words


def _relief(law: Law, rule: ChargeRule, _fact: int | None, _how: int) -> _Said:
    return _Said(_measure(law, rule), "relieved", rule.why, rule.source)


def _rate(law: Law, rule: ChargeRule, _fact: int | None, _how: int) -> _Said:
    rate = percent_text(rule.rate_ppm)
    why = rule.why or f"{_taken_on(rule, 'customs value', rate)}, the same for all goods of this regime"
    return _Said(_measure(law, rule), rate, why, rule.source)


_PER = {"item": "item", "code": "distinct commodity code", "consignment": "consignment"}


def _flat(law: Law, rule: ChargeRule, _fact: int | None, how: int) -> _Said:
    rate = f"{_amount(rule.amount_micro, rule.amount_currency)} for each {_PER[rule.per]}"
    why = f"{rate}; charged already on the first item with this code" if how == AGAIN else rule.why or rate
    return _Said(_measure(law, rule), rate, why, rule.source)


_TARIFF_WHY = {
    UNKNOWN_DUTY: "the tariff held here says nothing of this code and origin on that day",
    FREE: "the tariff says free",
    PREFERRED: "customs value × the preferential rate claimed",
}


def _tariff(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:
    usual = rule.why or "customs value × the rate for all origins that have no other"
    why = _TARIFF_WHY.get(how, usual)
    if fact is not None and how not in _TARIFF_WHY and _is_by_usual(law, fact):
        why = "what is wanting, after the usual duty, to what the two come to together"
    if fact is None:
        return _Said(f"{rule.code}: no measure known", "unknown", why, rule.source)
    measure = law.tariff.frame.row(fact, named=True)
    return _Said(measure["measure"], measure["rate"], why, measure["source"])


def _is_by_usual(law: Law, fact: int) -> bool:
    formula = law.tariff.formulas[fact]
    return isinstance(formula, Formula) and bool(formula.reference)


_TAX_BASE = "value for the tax (customs value, carriage and the charges before it)"


def _tax(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:
    why = rule.why or _taken_on(rule, _TAX_BASE, "the rate of its class")
    if how == NOUGHT_RATED:
        why = "the class of these goods is taxed at nought"
    if fact is None:
        return _Said(_measure(law, rule), "unknown", why, rule.source)
    rate = law.tax_rates[fact]
    told = rate.text if rate.name == EVERY_CLASS else f"{rate.text} ({rate.name})"
    return _Said(_measure(law, rule), told, rate.why or why, rate.source)


_WORDS: dict[str, Callable[[Law, ChargeRule, int | None, int], _Said]] = {
    "relief": _relief, "rate": _rate, "flat": _flat, "tariff": _tariff, "tax": _tax,
}  # fmt: skip
