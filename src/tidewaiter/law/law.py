"""A `Law`: everything the folders say, resolved through their parents, asked by country and day.

The corridor asks for few things: the terms of the (country, day) pairs of a batch, the regimes that could apply
to them, the measures of the tariff as a frame, and whether a code is on a dated list, as an expression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl
from msgspec import json

from tidewaiter.law.rules import (
    EVERY_CLASS,
    KNOWN_MAX,
    ChargeRule,
    CodeEdition,
    Ground,
    Jurisdiction,
    MatchingRule,
    Permit,
    Place,
    Prelodging,
    Rate,
    Regime,
    RiskFile,
    Tax,
    TaxRate,
    numbered,
)
from tidewaiter.law.tariff import Tariff
from tidewaiter.law.timeline import EPOCH, in_force, latest
from tidewaiter.model.exact import MISSING, Whole, Yes
from tidewaiter.model.keeping import kept
from tidewaiter.model.money import MICRO
from tidewaiter.model.outcome import CHARGES

T = TypeVar("T")
REMEMBERED_MAX = 1_000
"""How many things a law remembers that it worked out; past it, it begins anew."""


class UnknownLaw(LookupError):
    """Law says nothing of this country or this day."""


def between(day: pl.Expr, since: date, until: date | None) -> pl.Expr:
    """Whether the day is from `since` on and before `until`."""
    holds = day >= since
    return holds if until is None else holds & (day < until)


@dataclass(frozen=True, kw_only=True, repr=False)
class Law:
    """All law that was loaded. Rules of charges and rates of taxes are numbered through, as measures are.

    `risk_kept` are the risk profiles that stand in no file, and `draw_strata` by country the probabilities of the
    strata of the random draw in parts in a million; neither is part of the digest.
    """

    jurisdictions: Mapping[str, Jurisdiction]
    tariff: Tariff
    charge_rules: tuple[ChargeRule, ...]
    tax_rates: tuple[TaxRate, ...]
    exchange: Mapping[tuple[str, str], tuple[Rate, ...]]
    exchange_base: Mapping[str, str]
    digest: str
    draw_key: bytes
    draw_share_ppm: int
    _family: Mapping[str, tuple[str, ...]]
    risk_kept: tuple[RiskFile, ...] = ()
    draw_strata: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    _memo: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """The law without what was worked out of it, which another process works out anew: some of that is compiled,
        and goes nowhere."""
        return {**self.__dict__, "_memo": {}}

    def __repr__(self) -> str:
        return f"<Law {self.digest[:16]} of {len(self.known)} countries>"

    @cached_property
    def regime_of(self) -> tuple[Regime, ...]:
        """The regime of each charge rule, by its number."""
        regimes = (regime for place in self.jurisdictions.values() for regime in place.regimes)
        return tuple(regime for regime in regimes for _ in regime.charges)

    @cached_property
    def charges_said(self) -> pl.DataFrame:
        """Type, code and collector of each charge rule, by its number."""
        rules = self.charge_rules
        return pl.DataFrame(
            {
                name: pl.Series([getattr(rule, name) for rule in rules], dtype=CHARGES[name])
                for name in ("type", "code", "collector")
            }
        )

    @cached_property
    def is_by_tax(self) -> Yes:
        """Whether each charge rule takes the rate of a tax, by its number."""
        return np.array([rule.arithmetic == "tax" for rule in self.charge_rules], np.bool_)

    @cached_property
    def is_layer(self) -> Yes:
        """Whether each charge rule takes a layer of the tariff, by its number."""
        return np.array([bool(rule.measures) for rule in self.charge_rules], np.bool_)

    @cached_property
    def tax_rate_ppm(self) -> Whole:
        """Each tax rate in parts in a million, by its number; `MISSING` where it is not held, and at the end for
        none."""
        held = (MISSING if rate.rate_ppm is None else rate.rate_ppm for rate in self.tax_rates)
        return np.array([*held, MISSING], np.int64)

    @cached_property
    def tax_rate_is_firm(self) -> Yes:
        """Whether each tax rate is firm, by its number; false at the end for none."""
        return np.array([*(rate.confidence == "firm" for rate in self.tax_rates), False], np.bool_)

    @property
    def known(self) -> frozenset[str]:
        """Country codes whose law is here."""
        return frozenset(place.code for place in self.jurisdictions.values() if place.code)

    @property
    def risk_files(self) -> tuple[RiskFile, ...]:
        """Every risk profile of every folder, and those that stand in no file."""
        return (*(file for place in self.jurisdictions.values() for file in place.risk), *self.risk_kept)

    @cached_property
    def risk_digest(self) -> str:
        """One digest, in hexadecimal, for all that decides who is picked: the law with its lists, every risk profile as
        written, the share and the key of the random draw."""
        told = [repr((file.jurisdiction, file.name, file.is_shadow, file.content)) for file in self.risk_files]
        key = hashlib.sha256(b"draw key\0" + self.draw_key).hexdigest()
        strata = json.encode(self.draw_strata, order="sorted").decode()
        parts = [self.digest, key, f"halves of {self.draw_share_ppm}", strata, *told]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def with_profiles(self, files: Sequence[RiskFile], strata: Mapping[str, Mapping[str, int]] | None = None) -> Law:
        """The same law with these risk profiles in place of those that stand in no file, and with these strata where
        some are given. What is charged stays the same, so its digest does."""
        return replace(self, risk_kept=tuple(files), draw_strata=self.draw_strata if strata is None else strata)

    def amended(self, folder: str, jurisdiction: Jurisdiction) -> Law:
        """The same law with another text of one jurisdiction: what would hold if it were changed."""
        places, charge_rules, tax_rates = numbered({**self.jurisdictions, folder: jurisdiction})
        digest = hashlib.sha256(f"{self.digest} amended: {jurisdiction!r}".encode()).hexdigest()
        return replace(self, jurisdictions=places, charge_rules=charge_rules, tax_rates=tax_rates, digest=digest)

    def known_on(self, day: date) -> Law:
        """The same law with the tariff as it was known on that day."""
        return replace(self, tariff=self.tariff.known_on(day))

    def family(self, country: str) -> tuple[str, ...]:
        """The country's folder and its parents, nearest first; empty where the country is not known."""
        return self._family.get(country, ())

    def remembered(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, kept for the next time: for what follows from this law and the key alone."""
        found: T = kept(self._memo, key, make, at_most=REMEMBERED_MAX)
        return found

    def digest_of(self, country: str) -> str:
        """One digest for all files the country's law was read from, in hexadecimal; '' where it is not known."""
        digests = [self.jurisdictions[folder].digest for folder in self.family(country)]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else ""

    def currency(self, country: str) -> str | None:
        """The currency in which the country assesses."""
        places = [self.jurisdictions[folder] for folder in self.family(country)]
        return next((place.currency for place in places if place.currency), None)

    def time_zone(self, country: str) -> str:
        """The zone whose calendar gives the legal day."""
        places = [self.jurisdictions[folder] for folder in self.family(country)]
        return next((place.time_zone for place in places if place.time_zone), "UTC")

    def ground(self, country: str, day: date) -> Ground:
        """The ground rules on that day. Raises UnknownLaw."""
        for folder in self.family(country):
            if place := self.jurisdictions[folder].ground:
                if found := latest(place, day):
                    return found
                break
        raise UnknownLaw(f"no ground rules for {country} on {day}")

    def place(self, country: str, day: int | None) -> Place | None:
        """The country on the day, counted from 1970; None where law says nothing of it, or no day is stated."""
        return self.places([(country, day)])[0]

    def places(self, settings: Sequence[tuple[str, int | None]]) -> list[Place | None]:
        """The same of many."""
        known: dict[tuple[str, int | None], Place | None] = self.remembered("places", dict)
        for setting in settings:
            if setting not in known:
                country, day = setting
                known[setting] = None if day is None else self._place(country, date.fromordinal(day + EPOCH))
        return [known[setting] for setting in settings]

    def _place(self, country: str, day: date) -> Place | None:
        try:
            ground = self.ground(country, day)
        except UnknownLaw:
            return None
        currency, schedule = self.currency(country) or "", self.schedule(country)
        return Place(
            country=country, day=day, currency=currency, schedule=schedule, ground=ground,
            prelodging=self.prelodging(country, day),
        )  # fmt: skip

    def threshold_currency(self, country: str) -> str | None:
        """The currency in which the country's thresholds are stated; None where it has none."""
        return next((regime.when.currency for regime in self.regimes(country) if regime.when.currency), None)

    def schedule(self, country: str) -> str | None:
        """The folder whose tariff the country applies."""
        return next((folder for folder in self.family(country) if self.jurisdictions[folder].has_tariff), None)

    def regimes(self, country: str) -> tuple[Regime, ...]:
        """All versions of all regimes of the country, its parents' with them, in order of priority."""
        return self.remembered(("regimes of", country), lambda: self._regimes(country))

    def regimes_on(self, place: Place) -> tuple[Regime, ...]:
        """The regime versions in force in a country on a day, in order of priority."""
        found: dict[tuple[str, date], tuple[Regime, ...]] = self.remembered("regimes on", dict)
        key = (place.country, place.day)
        if key not in found:
            # The same regimes on many days are one tuple, so that who asks for many days can tell them apart at once.
            regimes = tuple(in_force(self.regimes(place.country), place.day))
            together: dict[tuple[int, ...], tuple[Regime, ...]] = self.remembered("regimes together", dict)
            found[key] = together.setdefault(tuple(map(id, regimes)), regimes)
        return found[key]

    def _regimes(self, country: str) -> tuple[Regime, ...]:
        found = [regime for folder in self.family(country) for regime in self.jurisdictions[folder].regimes]
        return tuple(sorted(found, key=lambda regime: (regime.priority, regime.id, regime.since)))

    def tax(self, country: str, tax: str) -> Tax | None:
        """The tax of that name, the nearest folder's."""
        places = (self.jurisdictions[folder].taxes for folder in self.family(country))
        return next((found for taxes in places for found in taxes if found.id == tax), None)

    def permits(self, country: str) -> tuple[Permit, ...]:
        """The documents that goods may need there: of one name the nearest folder's."""
        return self.remembered(("permits", country), lambda: self._permits(country))

    def _permits(self, country: str) -> tuple[Permit, ...]:
        found: dict[str, Permit] = {}
        for folder in self.family(country):
            for permit in self.jurisdictions[folder].permits:
                found.setdefault(permit.id, permit)
        return tuple(found.values())

    def prelodging(self, country: str, day: date) -> Prelodging | None:
        """How goods are declared there before they are there: by the nearest folder that says so; None where law as it
        is held knows no such thing, and whoever declares has the goods there."""
        places = (self.jurisdictions[folder].prelodging for folder in self.family(country))
        return latest(next(filter(None, places), ()), day)

    def matching(self, country: str, day: date) -> MatchingRule | None:
        """How documents from several parties are matched there on that day: by the nearest folder that says so; None
        where law asks for no matching."""
        return latest(self._matching(country), day)

    def is_matching(self, country: str) -> bool:
        """Whether documents from several parties were, are or will be matched there."""
        return bool(self._matching(country))

    def _matching(self, country: str) -> Sequence[MatchingRule]:
        places = (self.jurisdictions[folder].matching for folder in self.family(country))
        return next(filter(None, places), ())

    def classes(self, tax: Tax | None, code: str | None) -> tuple[int, ...]:
        """Which of the tax's blocks of goods the commodity code falls in, by their places."""
        if tax is None or not tax.goods or not code:
            return ()
        found: dict[str, tuple[int, ...]] = self.remembered(("classes", id(tax)), dict)
        if code not in found:
            found[code] = tuple(place for place, goods in enumerate(tax.goods) if code.startswith(goods.prefixes))
        return found[code]

    def tax_rate_at(
        self, tax: Tax | None, classes: tuple[int, ...], day: date, delivered_to: str = ""
    ) -> tuple[int, bool]:
        """The number of the rate of a tax for goods of those classes on that day, delivered to one of `tax.places` or
        to none of them; -1 where none is held; and whether the class is firm. Of two classes the later in the file
        counts."""
        if tax is None:
            return -1, True
        known: dict[Any, tuple[int, bool]] = self.remembered("rates of taxes", dict)
        key = (id(tax), classes, day, delivered_to)
        return kept(known, key, lambda: self._tax_rate_at(tax, classes, day, delivered_to), at_most=KNOWN_MAX)

    @staticmethod
    def _tax_rate_at(tax: Tax, classes: tuple[int, ...], day: date, delivered_to: str) -> tuple[int, bool]:
        goods = in_force([tax.goods[place] for place in classes], day)
        name = goods[-1].name if goods else "standard"
        here = in_force([rate for rate in tax.rates if rate.delivered_to == delivered_to], day)
        for wanted, is_firm in ((name, all(one.confidence == "firm" for one in goods)), (EVERY_CLASS, True)):
            if rates := [rate for rate in here if rate.name == wanted]:
                return rates[-1].number, is_firm
        return -1, True

    def tax_rate(self, country: str, tax: str, name: str, day: date) -> TaxRate | None:
        """The rate of a class of a tax on a day, where no place has a rate of its own."""
        found = self.tax(country, tax)
        return (
            latest([rate for rate in found.rates if rate.name == name and not rate.delivered_to], day)
            if found
            else None
        )

    def per_base(self, table: str, currency: str, day: date) -> int | None:
        """Millionths of the currency for one of the table's base on that day; None where no rate is known."""
        if self.exchange_base.get(table) == currency:
            return MICRO
        found = latest(self.exchange.get((table, currency), ()), day)
        return found.per_base_micro if found else None

    def editions(self, name: str, country: str) -> tuple[CodeEdition, ...]:
        """The dated editions of a list of codes for a country: the nearest folder that has the list."""
        places = (self.jurisdictions[folder].lists for folder in self.family(country))
        return next((lists[name] for lists in places if name in lists), ())

    def lists(self, name: str, code: str, country: str, day: int | None) -> bool:
        """Whether the list has the code in the country on the day, counted from 1970."""
        if day is None or country not in self.known:
            return False
        return any(edition.holds(day) and edition.has(code) for edition in self.editions(name, country))
