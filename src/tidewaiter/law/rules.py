"""The dated texts of law as records: regimes, charges, taxes, lists, permits and ground rules of a jurisdiction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from tidewaiter.law.text import percent_text
from tidewaiter.law.timeline import Dated, ordinal
from tidewaiter.model.exact import Whole, Yes
from tidewaiter.model.finding import Severity
from tidewaiter.model.money import MICRO

KNOWN_MAX = 1_000_000
"""How many small answers of one kind are remembered, such as the rate of a tax on a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The dated ground rules of a jurisdiction. Quanta are in millionths of its currency."""

    since: date
    until: date | None
    customs_value: str
    tax_base: str
    value_quantum: int
    value_rounding: str
    charge_quantum: int
    charge_rounding: str
    exchange_table: str
    threshold_exchange: str
    release_before_payment: bool
    source: str
    confidence: str = "firm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prelodging:
    """How goods are declared before they are there, from one day until another: with one of `types` as the additional
    type of declaration, which is the last letter of `declaration_type`. They are presented within `within_d` days."""

    since: date
    until: date | None
    types: tuple[str, ...]
    within_d: int
    source: str
    confidence: str = "firm"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRule:
    """How documents of one sale from several parties are matched, from one day until another.

    `documents` are the kinds that must meet, within `within_h` hours of the first; where `before_declaration`, at the
    latest when the goods are declared. Amounts may differ by the greater of `tolerance_micro` (in millionths of
    `tolerance_currency`) and `tolerance_ppm` of the order's. Where `currency` is not empty all amounts must be in it.
    `signed` are the kinds that must be signed, and `unsigned` how grave it is where one is not. Only declarations under
    one of `procedures` are matched; empty: all that name an order.
    """

    since: date
    until: date | None
    documents: tuple[str, ...]
    within_h: int
    before_declaration: bool
    currency: str
    tolerance_micro: int
    tolerance_currency: str
    tolerance_ppm: int
    signed: tuple[str, ...]
    unsigned: Severity
    procedures: tuple[str, ...]
    source: str
    confidence: str = "firm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Displacing:
    """Layers of the tariff that take the place of another: goods in one of them are out of that other, of some
    `origins` (empty: all), from one day until another; `is_part`: only with the part of their value that the one is
    laid on."""

    layers: tuple[str, ...]
    origins: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    is_part: bool = False
    source: str = ""

    def held(self, days: Whole) -> Yes:
        """Whether each of the days, counted from 1970, is one of its days."""
        begun = np.ones(len(days), np.bool_) if self.since is None else days >= ordinal(self.since)
        return begun if self.until is None else begun & (days < ordinal(self.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRule:
    """One charge of a regime; see the table of arithmetics in jurisdictions/README.md."""

    type: str
    code: str
    arithmetic: str
    collector: str
    source: str
    confidence: str
    why: str = ""
    rate_ppm: int = 0
    amount_micro: int = 0
    amount_currency: str = ""
    per: str = ""
    tax: str = ""
    due: str = "border"
    base: tuple[str, ...] = ()
    share_ppm: int = MICRO
    is_grossed_up: bool = False
    minus_micro: int = 0
    minus_currency: str = ""
    minimum_micro: int | None = None
    maximum_micro: int | None = None
    limit_currency: str = ""
    waived_below_micro: int | None = None
    waived_up_to_micro: int | None = None
    quantum: int | None = None
    rounding: str = ""
    measures: str = ""
    unless: tuple[Displacing, ...] = ()
    number: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """When a regime applies; an empty condition always holds. Thresholds are millionths of `currency`."""

    direction: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    export_country: tuple[str, ...] = ()
    not_export_country: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    procedure: tuple[str, ...] = ()
    additional_procedure: tuple[str, ...] = ()
    not_additional_procedure: tuple[str, ...] = ()
    scheme: str = ""
    sender: str = ""
    receiver: str = ""
    delivered_to: str = ""
    not_delivered_to: str = ""
    value_max: int | None = None
    value_over: int | None = None
    value_basis: str = "goods"
    value_per: str = "consignment"
    person_day_max: int | None = None
    person_year_max: int | None = None
    currency: str = ""

    @property
    def is_by_person(self) -> bool:
        """Whether a limit counts what the same person imported before."""
        return self.person_day_max is not None or self.person_year_max is not None

    @property
    def has_limits(self) -> bool:
        """Whether the value decides."""
        return self.is_by_person or self.value_max is not None or self.value_over is not None

    goods_not: tuple[str, ...] = ()
    goods_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One dated version of a revenue regime. `officer`: why nothing is reckoned under it and an officer decides."""

    id: str
    name: str
    since: date
    until: date | None
    priority: int
    when: Conditions
    charges: tuple[ChargeRule, ...]
    source: str
    confidence: str
    value_share_ppm: int = MICRO
    officer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The rate of one class of a tax, in parts in a million; None where law has one that is not held here.

    `delivered_to`: the list of places, or part of one, that it is for; '' for all that have no rates of their own.
    """

    name: str
    since: date
    until: date | None
    rate_ppm: int | None
    source: str
    confidence: str
    delivered_to: str = ""
    why: str = ""
    number: int = -1

    @property
    def text(self) -> str:
        """The rate as people write it: '20 %'."""
        return "unknown" if self.rate_ppm is None else percent_text(self.rate_ppm)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxGoods:
    """Goods, by prefixes of the commodity code, that fall in a class of a tax."""

    name: str
    since: date
    until: date | None
    prefixes: tuple[str, ...]
    source: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax on goods: its rates by class, and which goods are not in the standard class.

    `delivered_to`: the places where alone it is charged; '' for everywhere.
    """

    id: str
    code: str
    name: str
    rates: tuple[TaxRate, ...]
    goods: tuple[TaxGoods, ...]
    delivered_to: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """The places that have rates of their own, in the order in which they are asked for."""
        return tuple(dict.fromkeys(rate.delivered_to for rate in self.rates if rate.delivered_to))


EVERY_CLASS = "every"
"""The class of a rate that goods bear whatever class they are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitGoods:
    """Goods, by prefixes of the commodity code, that need a permit; an empty condition always holds."""

    since: date
    until: date | None
    prefixes: tuple[str, ...]
    direction: tuple[str, ...]
    origin: tuple[str, ...]
    not_origin: tuple[str, ...]
    export_country: tuple[str, ...]
    not_export_country: tuple[str, ...]
    source: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """A document that goods need: a licence, a certificate, a notice.

    `codes`: as which it is declared, any of them; `exempt`: codes by which goods are declared not to need it.
    """

    id: str
    name: str
    issuer: str
    codes: tuple[str, ...]
    exempt: tuple[str, ...]
    goods: tuple[PermitGoods, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class CodeEdition:
    """Codes of one list that hold over the same days; `parts`: for each code the parts of the list that it is in."""

    since: date
    until: date | None
    codes: pl.Series
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def holds(self, day: int) -> bool:
        """Whether the day, as days since 1970, is one of its days."""
        return ordinal(self.since) <= day and (self.until is None or day < ordinal(self.until))

    def has(self, code: str) -> bool:
        """Whether the code is one of the list."""
        return code in self._codes

    def longest(self, code: str) -> str | None:
        """The longest entry of the list with which the code begins."""
        return next((code[:size] for size in self._lengths if code[:size] in self._codes), None)

    def covers(self, code: str) -> bool:
        """Whether the code of goods begins with one of the list."""
        return self.longest(code) is not None

    def held(self, days: Whole) -> Yes:
        """Whether each of the days is one of its days."""
        begun = days >= ordinal(self.since)
        return begun if self.until is None else begun & (days < ordinal(self.until))

    def listed(self, codes: Sequence[str | None], *, is_prefix: bool) -> Yes:
        """Whether each of the codes is one of the list, or begins with one; None does neither. What codes begin with is
        kept for the next time, so they must be codes of goods and the like: a postcode must not be kept."""
        if not is_prefix:
            return np.fromiter(map(self._codes.__contains__, codes), np.bool_, len(codes))
        known = self._covered
        try:
            return np.fromiter(map(known.__getitem__, codes), np.bool_, len(codes))
        except KeyError:
            if len(known) + len(codes) > KNOWN_MAX:
                known.clear()
            known.update((code, code is not None and self.covers(code)) for code in codes if code not in known)
        return np.fromiter(map(known.__getitem__, codes), np.bool_, len(codes))

    @cached_property
    def _codes(self) -> frozenset[str]:
        return frozenset(self.codes.to_list())

    @cached_property
    def _covered(self) -> dict[str | None, bool]:
        return {}

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(code) for code in self._codes}, reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """A country on a day: where it assesses, in which currency, by which tariff and ground rules."""

    country: str
    day: date
    currency: str
    schedule: str | None
    ground: Ground
    prelodging: Prelodging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """A country in a group of origins, and for how long."""

    code: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFile:
    """A risk profile as written, with the folder it stands in. `is_shadow` where it is only to be tried."""

    jurisdiction: str
    name: str
    content: dict[str, Any]
    is_shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units of `currency` for one of the table's base, in millionths."""

    since: date
    until: date | None
    per_base_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """A folder of law by itself, before what it inherits."""

    folder: str
    code: str
    name: str
    parent: str
    currency: str
    time_zone: str
    ground: tuple[Ground, ...]
    taxes: tuple[Tax, ...]
    regimes: tuple[Regime, ...]
    lists: Mapping[str, tuple[CodeEdition, ...]]
    origin_groups: Mapping[str, tuple[GroupMember, ...]]
    draw_share_ppm: int | None
    risk: tuple[RiskFile, ...]
    has_tariff: bool
    digest: str
    permits: tuple[Permit, ...] = ()
    matching: tuple[MatchingRule, ...] = ()
    prelodging: tuple[Prelodging, ...] = ()


def overlaps(place: Jurisdiction) -> Iterator[str]:
    """The dated texts of a jurisdiction of which two hold on one day, where only one can."""
    blocks: dict[str, list[Dated]] = {
        "ground": list(place.ground), "matching": list(place.matching), "prelodging": list(place.prelodging)
    }  # fmt: skip
    for tax in place.taxes:
        for rate in tax.rates:
            blocks.setdefault(f"{tax.id} {rate.name} {rate.delivered_to}".rstrip(), []).append(rate)
        for goods in tax.goods:
            for prefix in goods.prefixes:
                blocks.setdefault(f"{tax.id} on {prefix}", []).append(goods)
    for regime in place.regimes:
        blocks.setdefault(f"regime {regime.id}", []).append(regime)
    for regime in place.regimes:
        blocks.setdefault(f"regime of priority {regime.priority}", []).append(regime)
    for name, entries in blocks.items():
        for one, other in pairwise(sorted(entries, key=lambda entry: entry.since)):
            if one.until is None or one.until > other.since:
                yield f"{name}: that from {one.since} still holds when that from {other.since} begins"


def numbered(
    places: Mapping[str, Jurisdiction],
) -> tuple[dict[str, Jurisdiction], tuple[ChargeRule, ...], tuple[TaxRate, ...]]:
    """The jurisdictions with their rules of charges and rates of taxes numbered through, and these."""
    rules: list[ChargeRule] = []
    rates: list[TaxRate] = []

    def rule(one: ChargeRule) -> ChargeRule:
        rules.append(replace(one, number=len(rules)))
        return rules[-1]

    def rate(one: TaxRate) -> TaxRate:
        rates.append(replace(one, number=len(rates)))
        return rates[-1]

    numbered = {
        name: replace(
            place,
            regimes=tuple(replace(one, charges=tuple(map(rule, one.charges))) for one in place.regimes),
            taxes=tuple(replace(one, rates=tuple(map(rate, one.rates))) for one in place.taxes),
        )
        for name, place in places.items()
    }
    return numbered, tuple(rules), tuple(rates)
