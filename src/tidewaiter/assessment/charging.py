"""The charges of a regime on its goods, and their lines on the receipt.

Each arithmetic that a regime may name is a function of `_ARITHMETIC`: it gives the columns of one charge from
the columns of the items. Charges are taken in the order of the regime, so that a tax can count those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial, reduce
from operator import add, and_

import polars as pl

from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import PLACE, Terms
from tidewaiter.law import Law
from tidewaiter.law.rules import ChargeRule, Regime, TaxRate, starts_with_any
from tidewaiter.law.tariff import measures
from tidewaiter.law.text import percent_text
from tidewaiter.model.money import MICRO, from_micro, scaled
from tidewaiter.model.outcome import CHARGES
from tidewaiter.model.rows import beside

NOTHING = pl.lit(0, pl.Int64)
QUANTUM, HALF_UP = pl.col("charge_quantum"), pl.col("charge_half_up")

KEPT = (
    "row", "item", "hs_code", "price_micro", "price_currency", "declared_micro", "customs_value_currency",
    "net_mass_micro", "quantity_micro", "goods_micro", "customs_value_micro", "tax_base_micro", "currency",
    "specific_micro", "unit", "duty_known", "preferred", "kind",
)  # fmt: skip
"""The columns of the items that are handed on: the values, and what tells why one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """`charges`: frame CHARGES; `items`: a row a goods item with the columns `KEPT`: the tax base as it was reached,
    and in `duty_known` whether the tariff says something of it, where a regime asked."""

    charges: pl.DataFrame
    items: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The columns of one charge, as expressions over the items. `base` null: there is none to show."""

    amount: pl.Expr
    rate: pl.Expr
    why: pl.Expr
    base: pl.Expr
    measure: pl.Expr
    law: pl.Expr
    confidence: pl.Expr
    only: pl.Expr | None = None
    is_head: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """The charges of one regime, ready to be taken on any items: the amounts step by step, then a receipt line for
    each charge (of some items only, where it says which), and what is handed on of the items."""

    amounts: Sequence[Mapping[str, pl.Expr]]
    lines: Sequence[tuple[pl.Expr | None, Mapping[str, pl.Expr]]]
    kept: Sequence[pl.Expr]


def charge(law: Law, terms: Terms, valued: pl.DataFrame, chosen: Choice) -> Charged:
    """The charges on every item whose consignment has a regime."""
    items = beside(valued, chosen.heads[["row", "place"]])
    places = sorted(place for place in items["place"].unique() if place is not None)
    asking = [place for place in places if any(c.arithmetic == "tariff" for c in terms.regimes[place][0].charges)]
    items = _with_duty(items, law, terms, asking)
    taxes = law.remembered(("taxes", terms.pairs), lambda: _taxes(law, terms))
    used = [
        taxes[tax] for tax in sorted({rule.tax for place in places for rule in terms.regimes[place][0].charges} - {""})
    ]
    items = _stepwise(items, [_merged(tax.classes for tax in used), _merged(tax.places for tax in used)])
    parts = items.partition_by("place", as_dict=True, maintain_order=True)
    lines, done = [], []
    for place in places:
        regime, countries = terms.regimes[place]
        bill = law.remembered(
            ("bill", terms.pairs, place), partial(_bill, regime, sorted(countries), law, terms, taxes)
        )
        here = _stepwise(parts[place,], bill.amounts)
        lines += [(here if only is None else here.filter(only)).select_seq(**columns) for only, columns in bill.lines]
        done.append(here.select_seq(bill.kept))
    if len(done) != 1 or items["place"].null_count():
        done.append(items.filter(items["place"].is_null()).select(KEPT))
    charges = pl.concat(lines) if lines else pl.DataFrame(schema=CHARGES)
    if charges.height > 1:
        charges = charges.sort("row", "item", maintain_order=True, nulls_last=True)
    every = done[0] if len(done) == 1 else pl.concat(done).sort("row", "item")
    return Charged(charges=charges, items=every)


def _stepwise(items: pl.DataFrame, steps: Iterable[Mapping[str, pl.Expr]]) -> pl.DataFrame:
    """The items with the columns of each step, which may look at those of the steps before it."""
    taken = items.lazy()
    for step in steps:
        taken = taken.with_columns(**step)
    return taken.collect(optimizations=pl.QueryOptFlags.none())


def _merged(parts: Iterable[Mapping[str, pl.Expr]]) -> dict[str, pl.Expr]:
    return {name: column for part in parts for name, column in part.items()}


def _taxes(law: Law, terms: Terms) -> dict[str, _TaxRates]:
    """Every tax that some regime here names: the class and the rate of an item are the same under all of them."""
    named = {rule.tax for regime, _ in terms.regimes for rule in regime.charges} - {""}
    countries = sorted({country for country, _ in terms.pairs})
    return {tax: _tax_rates(tax, countries, law, terms) for tax in sorted(named)}


def _bill(regime: Regime, countries: Sequence[str], law: Law, terms: Terms, taxes: Mapping[str, _TaxRates]) -> _Bill:
    steps: list[dict[str, pl.Expr]] = [{}]
    lines: list[tuple[pl.Expr | None, Mapping[str, pl.Expr]]] = []
    before: list[pl.Expr] = []
    for index, rule in enumerate(regime.charges):
        line = _ARITHMETIC[rule.arithmetic](rule, _Scope(regime, countries, tuple(before), law, terms, taxes))
        if rule.arithmetic == "tax":  # only a tax looks at the charges before it
            steps.append({})
        steps[-1][f"charge_{index}"] = line.amount
        before.append(pl.col(f"charge_{index}"))
        lines.append((line.only, _receipt_line(rule, line, before[-1])))
    counted = reduce(add, [c for c, rule in zip(before, regime.charges, strict=True) if rule.type != "tax"], NOTHING)
    base = pl.col("tax_base_micro")
    reached = pl.when("tax_has_charges").then(base + counted).otherwise(base).alias("tax_base_micro")
    return _Bill(
        amounts=[step for step in steps if step],
        lines=lines,
        kept=[reached if name == "tax_base_micro" else pl.col(name) for name in KEPT],
    )


def _receipt_line(rule: ChargeRule, line: _Line, amount: pl.Expr) -> dict[str, pl.Expr]:
    """The columns CHARGES of one charge."""
    return {
        "row": pl.col("row"),
        "item": pl.lit(None, pl.UInt32) if line.is_head else pl.col("item"),
        "type": pl.lit(rule.type),
        "code": pl.lit(rule.code),
        "measure": line.measure,
        "base_micro": line.base,
        "rate": line.rate,
        "conversion": pl.col("conversion"),
        "rounding": pl.col("rounding"),
        "amount_micro": amount,
        "currency": pl.col("currency"),
        "collector": pl.lit(rule.collector),
        "why": line.why,
        "law": line.law,
        "confidence": line.confidence,
    }


@dataclass(frozen=True, slots=True)
class _TaxRates:
    """Rates of a tax; the columns, worked out first, for the class of an item and whether that is firm; and the
    column, worked out next, for the place among `found` of the rate that holds for it."""

    tax: str
    found: list[TaxRate]
    classes: Mapping[str, pl.Expr]
    places: Mapping[str, pl.Expr]

    @property
    def is_firm(self) -> pl.Expr:
        """Whether it is firm that the item is in its class."""
        return pl.col(f"{self.tax} class is firm")

    def of(self, values: Sequence[int] | Sequence[str], kind: type[pl.DataType]) -> pl.Expr:
        """For each item the value that stands at its rate's place; null where no rate is known."""
        if not self.found:  # a look-up of nothing would be one row long, whatever the items
            return pl.lit(None, kind)
        return pl.lit(pl.Series(values, dtype=kind)).gather(pl.col(f"{self.tax} rate"))


def _tax_rates(tax: str, countries: Sequence[str], law: Law, terms: Terms) -> _TaxRates:
    """The rates of a tax that can come up in these countries, and which of them holds for each item."""
    found: list[TaxRate] = []
    name: pl.Expr = pl.lit("standard")
    is_firm: pl.Expr = pl.lit(value=True)
    which: pl.Expr = pl.lit(None, pl.UInt32)
    code = pl.col("hs_code").fill_null("")
    for country in countries:
        days = [day for place, day in terms.pairs if place == country]
        known = law.tax(country, tax)
        if known is None or not days:
            continue
        for goods in known.goods:
            scope = terms.within({country}, goods.since, goods.until)
            fits = reduce(and_, [starts_with_any(code, goods.prefixes), *scope])
            name = pl.when(fits).then(pl.lit(goods.name)).otherwise(name)
            if goods.confidence != "firm":
                is_firm &= ~fits
        for rate in known.rates:
            if rate.since <= max(days) and (rate.until is None or rate.until > min(days)):
                is_class = pl.col(f"{tax} class") == rate.name
                holds = reduce(and_, [is_class, *terms.within({country}, rate.since, rate.until)])
                which = pl.when(holds).then(pl.lit(len(found), pl.UInt32)).otherwise(which)
                found.append(rate)
    return _TaxRates(
        tax=tax,
        found=found,
        classes={f"{tax} class": name, f"{tax} class is firm": is_firm},
        places={f"{tax} rate": which},
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    """What an arithmetic may look at besides the items: its regime, the charges before it, and the law."""

    regime: Regime
    countries: Sequence[str]
    before: Sequence[pl.Expr]
    law: Law
    terms: Terms
    taxes: Mapping[str, _TaxRates]

    def measure(self, rule: ChargeRule) -> pl.Expr:
        """The name of the measure on the receipt."""
        return pl.lit(f"{self.regime.id}:{rule.type}:{rule.code}")

    def fixed(self, rule: ChargeRule) -> pl.Expr:
        """The fixed amount of a charge in the currency of assessment, by country and day; null without a rate."""
        amounts: dict[int | None, list[tuple[str, date]]] = {}
        for country, day in self.terms.pairs:
            if country in self.countries:
                amounts.setdefault(self._fixed_on(rule, country, day), []).append((country, day))
        if len(amounts) == 1:
            return pl.lit(next(iter(amounts)), pl.Int64)
        chosen: pl.Expr = pl.lit(None, pl.Int64)
        for amount, pairs in amounts.items():
            for country, day in pairs:
                here = (pl.col("jurisdiction") == country) & (pl.col("accepted_on") == day)
                chosen = pl.when(here).then(pl.lit(amount, pl.Int64)).otherwise(chosen)
        return chosen

    def _fixed_on(self, rule: ChargeRule, country: str, day: date) -> int | None:
        ground, home = self.law.ground(country, day), self.law.currency(country)
        if home == rule.amount_currency:
            return rule.amount_micro
        rates = [self.law.per_base(ground.threshold_exchange, c or "", day) for c in (home, rule.amount_currency)]
        if rates[0] is None or rates[1] is None:
            return None
        above, below = rule.amount_micro * rates[0], rates[1] * ground.charge_quantum
        half = 1 if ground.charge_rounding == "half_up" else 0
        return (2 * above + below * half) // (2 * below) * ground.charge_quantum

    def line(self, rule: ChargeRule, **columns: pl.Expr | bool | None) -> _Line:
        """A line whose columns are those given, and otherwise the regime's."""
        usual = {
            "measure": self.measure(rule), "law": pl.lit(rule.source), "confidence": pl.lit(rule.confidence),
            "base": pl.lit(None, pl.Int64), "rate": pl.lit("0"), "why": pl.lit(rule.why),
        }  # fmt: skip
        return _Line(**{**usual, **columns})  # type: ignore[arg-type]


def _relief(rule: ChargeRule, scope: _Scope) -> _Line:
    """Nothing, and the law's reason for it."""
    return scope.line(rule, amount=pl.lit(0, pl.Int64), base=pl.col("customs_value_micro"), rate=pl.lit("relieved"))


def _rate(rule: ChargeRule, scope: _Scope) -> _Line:
    """One rate on the customs value of every item."""
    value = pl.col("customs_value_micro")
    why = rule.why or f"customs value × {percent_text(rule.rate_ppm)}, the same for all goods of this regime"
    return scope.line(
        rule,
        amount=scaled(value, rule.rate_ppm, MICRO, quantum=QUANTUM, mode=HALF_UP),
        base=value,
        rate=pl.lit(percent_text(rule.rate_ppm)),
        why=pl.lit(why),
    )


def _flat(rule: ChargeRule, scope: _Scope) -> _Line:
    """A fixed amount for each distinct commodity code, item or consignment; on the first item it is due for."""
    first = {
        "item": pl.lit(value=True),
        "code": pl.struct("row", "hs_code").is_first_distinct(),
        "consignment": pl.col("row").is_first_distinct(),
    }[rule.per]
    said = f"{from_micro(rule.amount_micro)} {rule.amount_currency} for each {_PER[rule.per]}"
    again = f"{said}; charged already on the first item with this code"
    return scope.line(
        rule,
        amount=pl.when(first).then(scope.fixed(rule)).otherwise(0),
        rate=pl.lit(said),
        why=pl.when(first).then(pl.lit(rule.why or said)).otherwise(pl.lit(again)),
        only=first if rule.per == "consignment" else None,
        is_head=rule.per == "consignment",
    )


def _tariff(rule: ChargeRule, scope: _Scope) -> _Line:
    """What the tariff says for the code, the origin and the day: part of the value, an amount a unit, or both."""
    value = pl.col("customs_value_micro")
    units = (
        pl.when(pl.col("unit") == "KGM")
        .then("net_mass_micro")
        .when(pl.col("unit") == "NAR")
        .then("quantity_micro")
        .when(pl.col("specific_home").is_null() & pl.col("specific_micro").is_null())
        .then(0)
    )
    specific = units.cast(pl.Int128) * pl.coalesce("specific_home", pl.when(pl.col("specific_micro").is_null()).then(0))
    parts = value.cast(pl.Int128) * pl.col("ad_valorem_ppm") + specific
    free = (pl.col("ad_valorem_ppm") == 0) & pl.col("specific_micro").is_null()
    return scope.line(
        rule,
        amount=scaled(parts, 1, MICRO, quantum=QUANTUM, mode=HALF_UP),
        base=value,
        rate=pl.col("rate").fill_null("unknown"),
        measure=pl.col("measure").fill_null(f"{rule.code}: no measure known"),
        why=pl.when(pl.col("measure").is_null())
        .then(pl.lit("the tariff held here says nothing of this code and origin on that day"))
        .when(free)
        .then(pl.lit("the tariff says free"))
        .when(pl.col("kind") == "preference")
        .then(pl.lit("customs value × the preferential rate claimed"))
        .otherwise(pl.lit("customs value × the rate for all origins that have no other")),
        law=pl.col("source").fill_null(rule.source),
        confidence=pl.col("confidence").fill_null(rule.confidence),
    )


def _tax(rule: ChargeRule, scope: _Scope) -> _Line:
    """The rate of the goods' class on the tax base, or on the charges before it alone; zero where due at the sale."""
    counted = reduce(add, scope.before, NOTHING)
    with_charges = (
        pl.when("tax_has_charges").then(pl.col("tax_base_micro") + counted).otherwise(pl.col("tax_base_micro"))
    )
    base = counted if rule.on == "charges" else with_charges
    rates = scope.taxes[rule.tax]
    rate_ppm = rates.of([rate.rate_ppm for rate in rates.found], pl.Int64)
    amount = scaled(base, rate_ppm, MICRO, quantum=QUANTUM, mode=HALF_UP)
    why = {
        "all": "value for the tax (customs value, carriage and the charges before it) × the rate of its class",
        "charges": "the charges before it × the rate of its class; the tax on the goods is accounted for apart",
    }[rule.on]

    def told(texts: list[str]) -> pl.Expr:
        return rates.of(texts, pl.String)

    return scope.line(
        rule,
        amount=pl.lit(0, pl.Int64) if rule.due == "sale" else amount,
        base=base,
        rate=told([f"{percent_text(rate.rate_ppm)} ({rate.name})" for rate in rates.found]).fill_null("unknown"),
        why=pl.lit(rule.why)
        if rule.due == "sale"
        else pl.when(rate_ppm == 0)
        .then(pl.lit("the class of these goods is taxed at nought"))
        .otherwise(pl.lit(rule.why or why)),
        law=told([rate.source for rate in rates.found]).fill_null(rule.source),
        confidence=pl.when(rates.is_firm)
        .then(told([rate.confidence for rate in rates.found]))
        .otherwise(pl.lit("secondary"))
        .fill_null("secondary"),
    )


_PER = {"item": "item", "code": "distinct commodity code", "consignment": "consignment"}
_ARITHMETIC: dict[str, Callable[[ChargeRule, _Scope], _Line]] = {
    "relief": _relief, "rate": _rate, "flat": _flat, "tariff": _tariff, "tax": _tax,
}  # fmt: skip


NOT_ASKED = (
    pl.lit(None, pl.Int64).alias("specific_micro"),
    pl.lit(None, pl.String).alias("unit"),
    pl.lit(value=True).alias("duty_known"),
    pl.lit(None, pl.String).alias("preferred"),
    pl.lit(None, pl.String).alias("kind"),
)


def _with_duty(items: pl.DataFrame, law: Law, terms: Terms, places: Sequence[int]) -> pl.DataFrame:
    """The items with the measure of the tariff that holds for each, where a regime among `places` asks for it."""
    if not places:
        return items.with_columns(NOT_ASKED)
    claimed = law.remembered(
        ("claims", terms.pairs), lambda: terms.in_force.covers("preference-claims", pl.col("preference"))
    )
    items = items.with_columns(
        code=(pl.col("hs_code") + pl.col("taric_code").fill_null("")).fill_null(""),
        origin=pl.col("origin_country").fill_null(""),
        preferred=pl.when(claimed).then(pl.coalesce("preference_country", "origin_country")),
    )
    keys = ["schedule", "code", "origin", "preferred", "jurisdiction", "accepted_on"]
    asked = items.filter(pl.col("place").is_in(places)).select(keys).unique()
    found = _priced(measures(law, asked), terms)
    joined = items.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
    wants = pl.col("place").is_in(places)
    return joined.with_columns(duty_known=~wants | pl.col("measure").is_not_null())


def _priced(found: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """The measures with what they take for a unit in the currency of assessment."""
    if found["specific_micro"].null_count() == found.height:
        return found.with_columns(specific_home=pl.lit(None, pl.Int64))
    currencies = sorted(currency for currency in found["specific_currency"].unique() if currency is not None)
    place = [*PLACE, "specific_currency"]
    rates = terms.rates(tuple(currencies), "specific")
    over = pl.col("specific_to_home"), pl.col("specific_of_home")
    home = scaled(pl.col("specific_micro"), *over, quantum=1, mode="half_up")
    joined = found.join(rates, left_on=place, right_on=[*PLACE, "priced_in"], how="left")
    return joined.select(*found.columns, specific_home=home)
