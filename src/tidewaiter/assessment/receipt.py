"""The words of the receipt: for every charge the measure, the rate, the conversion, the rounding, the reason, the law.

They follow from the numbers that charging left in a frame CHARGES, the batch and the law, so they are made only for
those who read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from tidewaiter.assessment.charging import AGAIN, AT_SALE, FREE, NOUGHT_RATED, PREFERRED, UNKNOWN_DUTY
from tidewaiter.assessment.terms import rate_in_words
from tidewaiter.law import Law
from tidewaiter.law.rules import ChargeRule, Place
from tidewaiter.law.text import percent_text
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import known, standing
from tidewaiter.model.money import from_micro
from tidewaiter.model.outcome import RECEIPT


class _Said(NamedTuple):
    """What the receipt says of a charge, whatever the consignment."""

    measure: str
    rate: str
    why: str
    law: str


def receipt(batch: Batch, charges: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The charges in words, as a frame RECEIPT in the same order. The law is the one they were charged under."""
    keys = charges.select("rule", "fact", "how").rows()
    said = {key: _said(law, law.charge_rules[key[0]], *key[1:]) for key in set(keys)}
    lines = [said[key] for key in keys]
    heads = standing(known(charges["row"]), known(batch.consignments["row"]))
    places = _places(batch, law)
    here = [places[head] for head in heads.tolist()]
    priced = list(zip(here, _currencies(batch, charges), strict=True))
    rates = {key: rate_in_words(law, *key) for key in set(priced)}
    told: dict[str, list[str | None]] = {
        "measure": [line.measure for line in lines],
        "rate": [line.rate for line in lines],
        "conversion": [rates[key] for key in priced],
        "rounding": [_rounding(place) for place in here],
        "why": [line.why for line in lines],
        "law": [line.law for line in lines],
    }
    words = [pl.Series(name, texts, dtype=pl.String) for name, texts in told.items()]
    confidence = pl.Series("confidence", ["secondary", "firm"]).gather(charges["is_firm"].cast(pl.UInt32))
    return charges.with_columns(*words, confidence).select(RECEIPT.names())


def _places(batch: Batch, law: Law) -> list[Place]:
    """For each consignment the law's place; None for one that was not assessed, which has no charges."""
    heads = batch.consignments.select("jurisdiction", "accepted_on").iter_rows()
    return [None if day is None else law.place(country, ordinal(day)) for country, day in heads]  # type: ignore[misc]


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


def _rounding(place: Place) -> str:
    ground = place.ground
    return f"{ground.charge_rounding.replace('_', ' ')} to {from_micro(ground.charge_quantum).normalize():f}"


def _said(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:
    return _WORDS[rule.arithmetic](law, rule, fact, how)


def _measure(law: Law, rule: ChargeRule) -> str:
    return f"{law.regime_of[rule.number].id}:{rule.type}:{rule.code}"


def _relief(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:  # noqa: ARG001 - one shape for all
    return _Said(_measure(law, rule), "relieved", rule.why, rule.source)


def _rate(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:  # noqa: ARG001
    rate = percent_text(rule.rate_ppm)
    why = rule.why or f"customs value × {rate}, the same for all goods of this regime"
    return _Said(_measure(law, rule), rate, why, rule.source)


_PER = {"item": "item", "code": "distinct commodity code", "consignment": "consignment"}


def _flat(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:  # noqa: ARG001
    rate = f"{from_micro(rule.amount_micro)} {rule.amount_currency} for each {_PER[rule.per]}"
    why = f"{rate}; charged already on the first item with this code" if how == AGAIN else rule.why or rate
    return _Said(_measure(law, rule), rate, why, rule.source)


_TARIFF_WHY = {
    UNKNOWN_DUTY: "the tariff held here says nothing of this code and origin on that day",
    FREE: "the tariff says free",
    PREFERRED: "customs value × the preferential rate claimed",
}


def _tariff(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:
    why = _TARIFF_WHY.get(how, "customs value × the rate for all origins that have no other")
    if fact is None:
        return _Said(f"{rule.code}: no measure known", "unknown", why, rule.source)
    measure = law.tariff.frame.row(fact, named=True)
    return _Said(measure["measure"], measure["rate"], why, measure["source"])


_TAX_WHY = {
    "all": "value for the tax (customs value, carriage and the charges before it) × the rate of its class",
    "charges": "the charges before it × the rate of its class; the tax on the goods is accounted for apart",
}


def _tax(law: Law, rule: ChargeRule, fact: int | None, how: int) -> _Said:
    why = rule.why or _TAX_WHY[rule.on]
    if how == AT_SALE:
        why = rule.why
    elif how == NOUGHT_RATED:
        why = "the class of these goods is taxed at nought"
    if fact is None:
        return _Said(_measure(law, rule), "unknown", why, rule.source)
    rate = law.tax_rates[fact]
    return _Said(_measure(law, rule), f"{percent_text(rate.rate_ppm)} ({rate.name})", why, rate.source)


_WORDS: dict[str, Callable[[Law, ChargeRule, int | None, int], _Said]] = {
    "relief": _relief, "rate": _rate, "flat": _flat, "tariff": _tariff, "tax": _tax,
}  # fmt: skip
