"""When the law that a reckoning rests on changes next, as far as is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from tidewaiter.law.expressions.formula import Formula, Specific
from tidewaiter.law.law import Law
from tidewaiter.law.measures import NO_MEASURE
from tidewaiter.law.rules import ChargeRule, CodeEdition, Place, Regime, Tax
from tidewaiter.law.timeline import EPOCH, Dated, in_force, ordinal


class Goods(NamedTuple):
    """What law asks of goods: the commodity code with its national digits, the origin, and of a preference that is
    claimed its country and the claim itself, '' for none."""

    code: str
    origin: str
    preferred: str = ""
    claim: str = ""


def next_change(
    law: Law, place: Place, *, goods: Sequence[Goods], currencies: Iterable[str], regimes: Sequence[Regime]
) -> date | None:
    """The first day after that of the place on which something changes for such a consignment; None where no change
    is known.

    Looked at are the ground rules and every regime of the country, whether it applies today or not; and of what
    `regimes` charge the lists of goods, the rates of tax and of the tariff for these goods, and the rates of exchange
    of these currencies; and the documents that such goods may need.
    """
    ahead = {
        *_ends(law.regimes(place.country), place.day),
        *_ends(_grounds(law, place.country), place.day),
        *_lists(law, place, goods),
        *_taxes(law, place, goods, regimes),
        *_tariff(law, place, goods, regimes),
        *_displacing(place, regimes),
        *_exchange(law, place, goods, set(currencies), regimes),
        *_permits(law, place, goods),
    }
    return min(ahead, default=None)


def _ends(entries: Iterable[Dated], day: date) -> Iterator[date]:
    """The days after this one on which one of these begins or ends."""
    for entry in entries:
        yield from (at for at in (entry.since, entry.until) if at is not None and at > day)


def _grounds(law: Law, country: str) -> Sequence[Dated]:
    found = (law.jurisdictions[folder].ground for folder in law.family(country))
    return next((ground for ground in found if ground), ())


def _lists(law: Law, place: Place, goods: Sequence[Goods]) -> Iterator[date]:
    """Where goods come on or off a list, and where a list of places is another."""
    conditions = [regime.when for regime in law.regimes_on(place)]
    for name in {name for when in conditions for name in (*when.goods_not, *when.goods_only)}:
        editions = law.editions(name, place.country)

        def listed(day: date, editions: Sequence[CodeEdition] = editions) -> list[bool]:
            here = in_force(editions, day)
            return [any(one.covers(each.code) for one in here) for each in goods]

        yield from (at for at in _ends(editions, place.day) if listed(at) != listed(place.day))
    places = {name for when in conditions for name in (when.delivered_to, when.not_delivered_to)}
    for tax in {rule.tax for regime in law.regimes_on(place) for rule in regime.charges if rule.tax}:
        if found := law.tax(place.country, tax):
            places |= {found.delivered_to, *found.places}
    for name in {name.partition("/")[0] for name in places if name}:
        yield from _ends(law.editions(name, place.country), place.day)


def _taxes(law: Law, place: Place, goods: Sequence[Goods], regimes: Sequence[Regime]) -> Iterator[date]:
    for name in {rule.tax for rule in _rules(regimes) if rule.tax}:
        tax = law.tax(place.country, name)
        if tax is not None:
            ahead = [*_ends(tax.rates, place.day), *_ends(tax.goods, place.day)]
            now = _tax_rates(law, tax, goods, place.day)
            yield from (at for at in ahead if _tax_rates(law, tax, goods, at) != now)


def _tax_rates(law: Law, tax: Tax, goods: Sequence[Goods], day: date) -> list[int | None]:
    """The rate of each of the goods, wherever they are delivered; None where none is held."""
    classes = [law.classes(tax, one.code) for one in goods]
    numbers = [law.tax_rate_at(tax, of, day, place)[0] for of in classes for place in ("", *tax.places)]
    return [None if number < 0 else law.tax_rates[number].rate_ppm for number in numbers]


def _permits(law: Law, place: Place, goods: Sequence[Goods]) -> Iterator[date]:
    for permit in law.permits(place.country):
        for block in permit.goods:
            if any(one.code.startswith(block.prefixes) for one in goods):
                yield from _ends([block], place.day)


def _tariff(law: Law, place: Place, goods: Sequence[Goods], regimes: Sequence[Regime]) -> Iterator[date]:
    for kind, code, origin, claim in _asked(law, place, goods, regimes):
        found = law.tariff.rate_changes(
            place.schedule, kind, code=code, origin=origin, day=ordinal(place.day), claim=claim
        )
        if found is not None:
            yield date.fromordinal(found + EPOCH)


def _displacing(place: Place, regimes: Sequence[Regime]) -> Iterator[date]:
    """Where a layer begins or ceases to give way to another."""
    for one in (one for rule in _rules(regimes) for one in rule.unless):
        yield from (at for at in (one.since, one.until) if at is not None and at > place.day)


def _asked(
    law: Law, place: Place, goods: Sequence[Goods], regimes: Sequence[Regime]
) -> Iterator[tuple[str, str, str, str]]:
    """What the regimes ask of the tariff: kind of measure, code, origin and claim."""
    if any(rule.arithmetic == "tariff" for rule in _rules(regimes)):
        for kind in law.tariff.kinds(place.schedule):
            for one in goods:
                origin = one.preferred if kind == "preference" else one.origin
                if kind != "preference" or origin:
                    yield kind, one.code, origin, ""
                if one.claim in law.tariff.claims(place.schedule, kind):
                    yield kind, one.code, one.preferred, one.claim


def _of_duties(law: Law, place: Place, goods: Sequence[Goods], regimes: Sequence[Regime]) -> set[str]:
    """The currencies in which the tariff states amounts that are taken on these goods."""
    found: set[str] = set()
    for kind, code, origin, claim in _asked(law, place, goods, regimes):
        number = law.tariff.held(place.schedule or "", kind, code, origin=origin, day=place.day, claim=claim)
        formula = None if number == NO_MEASURE else law.tariff.formulas[number]
        if isinstance(formula, Formula):
            parts = (*formula.parts, *formula.at_least, *formula.at_most)
            found |= {part.currency for part in parts if isinstance(part, Specific)}
    return found


def _exchange(
    law: Law, place: Place, goods: Sequence[Goods], stated: set[str], regimes: Sequence[Regime]
) -> Iterator[date]:
    home, ground = place.currency, place.ground
    threshold = law.threshold_currency(place.country) or home
    fixed = {
        name
        for rule in _rules(regimes)
        for name in (rule.amount_currency, rule.minus_currency, rule.limit_currency)
        if name
    }
    used = {
        *_converted(ground.exchange_table, stated | _of_duties(law, place, goods, regimes), home),
        *_converted(ground.threshold_exchange, stated, threshold),
        *_converted(ground.threshold_exchange, fixed, home),
    }
    for table, currency in used:
        rates = law.exchange.get((table, currency), ())
        now = law.per_base(table, currency, place.day)
        yield from (at for at in _ends(rates, place.day) if law.per_base(table, currency, at) != now)


def _converted(table: str, currencies: Iterable[str], into: str) -> set[tuple[str, str]]:
    """The rates that turning amounts of these currencies into another rests on."""
    return {(table, side) for currency in currencies if currency != into for side in (currency, into)}


def _rules(regimes: Sequence[Regime]) -> Iterator[ChargeRule]:
    return (rule for regime in regimes for rule in regime.charges)
