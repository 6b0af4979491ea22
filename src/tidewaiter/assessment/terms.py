"""The terms on which a batch is assessed: who is assessed, by which ground rules, at which rates of exchange."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from tidewaiter.law import Law, UnknownLaw
from tidewaiter.law.in_force import InForce
from tidewaiter.law.rules import Regime, between
from tidewaiter.model.batch import Batch
from tidewaiter.model.money import MICRO, from_micro

PLACE = ["jurisdiction", "accepted_on"]
"""What decides which law applies."""

HEAD = (
    "row", "jurisdiction", "accepted_on", "direction", "category", "channel", "incoterm", "freight_micro",
    "freight_currency", "insurance_micro", "insurance_currency", "discount_micro", "discount_currency",
)  # fmt: skip

INTO = ("to_home", "of_home", "to_threshold", "of_threshold")
"""Numerators and denominators that turn amounts into the currencies of assessment and of the thresholds."""

TERMS = pl.Schema(
    {
        "jurisdiction": pl.String, "accepted_on": pl.Date, "currency": pl.String, "schedule": pl.String,
        "value_has_carriage": pl.Boolean, "tax_has_carriage": pl.Boolean, "tax_has_charges": pl.Boolean,
        "value_quantum": pl.Int64, "value_half_up": pl.Boolean, "charge_quantum": pl.Int64,
        "charge_half_up": pl.Boolean, "rounding": pl.String,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`heads`: the consignments to assess with their ground rules; `is_all`: whether they are all of the batch;
    `unknown`: rows for which law says nothing; `pairs`: the countries and days there are; `regimes`: the versions that
    could apply to them, each with its countries, by priority."""

    heads: pl.DataFrame
    is_all: bool
    unknown: pl.DataFrame
    pairs: tuple[tuple[str, date], ...]
    regimes: Sequence[tuple[Regime, frozenset[str]]]
    law: Law

    @property
    def in_force(self) -> InForce:
        """Law's lists over the days and countries there are."""
        days = [day for _, day in self.pairs]
        countries = frozenset(country for country, _ in self.pairs)
        first, last = (min(days), max(days)) if days else (None, None)
        return InForce(law=self.law, first=first, last=last, countries=countries, all_dated=True)

    def within(self, countries: Collection[str], since: date, until: date | None) -> list[pl.Expr]:
        """The tests that a row is in these countries and days; none where every row there is passes them."""
        tests = []
        if any(country not in countries for country, _ in self.pairs):
            tests.append(pl.col("jurisdiction").is_in(sorted(countries)))
        if any(day < since or (until is not None and day >= until) for _, day in self.pairs):
            tests.append(between(pl.col("accepted_on"), since, until))
        return tests

    def rates(self, currencies: tuple[str, ...], name: str) -> pl.DataFrame:
        """A row a place and currency: `<name>_to_home` over `<name>_of_home` turns its amounts into the currency of
        assessment, `…_to_threshold` over `…_of_threshold` into that of the thresholds, `<name>_conversion` says it in
        words. Null where no rate is known."""
        return self.law.remembered(("rates", self.pairs, currencies, name), lambda: self._rates(currencies, name))

    def _rates(self, currencies: tuple[str, ...], name: str) -> pl.DataFrame:
        found = []
        for country, day in self.pairs:
            ground = self.law.ground(country, day)
            home = self.law.currency(country) or ""
            threshold = _threshold_currency(self.regimes, country) or home
            for currency in currencies:
                into_home = _cross(self.law, ground.exchange_table, currency, home, day)
                into_threshold = _cross(self.law, ground.threshold_exchange, currency, threshold, day)
                words = _in_words(self.law, ground.exchange_table, currency, home, day)
                found.append((country, day, currency, *into_home, *into_threshold, words))
        kinds = {"jurisdiction": pl.String, "accepted_on": pl.Date, "priced_in": pl.String}
        return pl.DataFrame(
            found,
            schema=kinds | {f"{name}_{into}": pl.Int64 for into in INTO} | {f"{name}_conversion": pl.String},
            orient="row",
        )


def terms_of(batch: Batch, law: Law) -> Terms:
    """The terms of every original import declaration in the batch."""
    whole = batch.consignments
    wanted = (whole["function"] == "original") & (whole["direction"] == "import")
    assessed = (whole if wanted.all() else whole.filter(wanted))[list(HEAD)]
    asked = assessed[PLACE].unique()
    pairs, table = law.remembered(("terms", tuple(sorted(asked.rows(), key=str))), lambda: _table(law, asked.rows()))
    heads = assessed.join(table, on=PLACE, how="left", maintain_order="left")
    regimes = law.remembered(("regimes", pairs), lambda: law.regimes_for(pairs))
    unknown = heads.clear()
    if heads["currency"].null_count():
        is_known = heads["currency"].is_not_null()
        heads, unknown = heads.filter(is_known), heads.filter(~is_known)
    return Terms(heads=heads, is_all=heads.height == len(batch), unknown=unknown, pairs=pairs, regimes=regimes, law=law)


def _table(law: Law, asked: Sequence[tuple[str, date | None]]) -> tuple[tuple[tuple[str, date], ...], pl.DataFrame]:
    """The pairs for which there is law, and their ground rules as a frame."""
    known = []
    for country, day in sorted(((c, d) for c, d in asked if d is not None)):
        try:
            known.append((country, day, law.ground(country, day)))
        except UnknownLaw:
            continue
    table = [
        (
            country, day, law.currency(country), law.schedule(country), ground.customs_value == "CIF",
            "CIF" in ground.tax_base, "duty" in ground.tax_base, ground.value_quantum,
            ground.value_rounding == "half_up", ground.charge_quantum, ground.charge_rounding == "half_up",
            f"{ground.charge_rounding.replace('_', ' ')} to {_plain(ground.charge_quantum)}",
        )
        for country, day, ground in known
    ]  # fmt: skip
    return tuple((country, day) for country, day, _ in known), pl.DataFrame(table, schema=TERMS, orient="row")


def _threshold_currency(regimes: Sequence[tuple[Regime, frozenset[str]]], country: str) -> str | None:
    """The currency in which the country's thresholds are stated; None where it has none."""
    found = (regime.when.currency for regime, countries in regimes if country in countries and regime.when.currency)
    return next(found, None)


def _cross(law: Law, table: str, currency: str, into: str, day: date) -> tuple[int | None, int | None]:
    """Numerator and denominator that turn an amount into another currency, by one table of rates."""
    if currency == into:
        return MICRO, MICRO
    return law.per_base(table, into, day), law.per_base(table, currency, day)


def _in_words(law: Law, table: str, currency: str, into: str, day: date) -> str | None:
    """The rate as the receipt states it: '1.2642 USD for 1 GBP (hmrc-monthly)'."""
    if currency == into:
        return None
    sides = [(law.per_base(table, name, day), name) for name in (currency, into)]
    return f"{' for '.join(f'{_plain(rate)} {name}' for rate, name in sides)} ({table})"


def _plain(micro: int | None) -> str:
    return "no rate of" if micro is None else f"{from_micro(micro).normalize():f}"
