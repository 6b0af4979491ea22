"""The charges of a regime on its goods.

Each arithmetic that a regime may name is a function of `_ARITHMETIC`: it gives the columns of one charge from those of
the items. Charges are taken in the order of the regime, so that a tax can count those before it. What is said of a
charge on the receipt is in `receipt.py`, and made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import Terms, cross
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law.rules import ChargeRule, Place, Regime
from tidewaiter.law.tariff import NO_MEASURE, Tariff
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.batch import ROW
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    distinct,
    known,
    plus,
    scaled,
    scaled_sum,
    series,
    spread,
    told_apart,
)
from tidewaiter.model.money import MICRO
from tidewaiter.model.outcome import CHARGES

NO_FACT = -1

# What a line says of how its amount came about; the words are in receipt.py.
PLAIN, RELIEVED, FREE, PREFERRED, UNKNOWN_DUTY, AGAIN, AT_SALE, NOUGHT_RATED = range(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """`charges`: frame CHARGES. A goods item: `tax_base` as it was reached, in millionths; `duty_known`: whether the
    tariff says something of it, where a regime asked; `measure`: which measure of the tariff holds, `NO_MEASURE` where
    none was asked for or found; `preferred`: the country of a preference claimed and asked for, '' where there is
    none."""

    charges: pl.DataFrame
    tax_base: Whole
    duty_known: Yes
    measure: Whole
    preferred: tuple[Whole, list[str]]


@dataclass(slots=True, kw_only=True)
class _Goods:
    """The goods items of one regime, and what was charged on them so far. `at`: their places among all items."""

    at: Whole
    terms: Terms
    regime: Regime
    head: Whole
    place: Whole
    quantum: Whole
    half_up: Yes
    customs_value: Whole
    tax_base: Whole
    tax_has_charges: Yes
    measure: Whole
    starts: Whole
    before: Whole
    counted: Whole = field(init=False)

    def __post_init__(self) -> None:
        self.counted = np.zeros(len(self.at), np.int64)

    def column(self, name: str) -> Whole:
        """A column of numbers of these items."""
        return known(self.terms.of_items(name))[self.at]

    def by_place(self, answer: Callable[[Place], int]) -> Whole:
        """What is answered of each place, for every item."""
        found: Whole = spread(answer, self.terms.places, self.place)
        return found

    def rounded(self, value: Whole, numerator: Whole | int, denominator: int = MICRO) -> Whole:
        """The part of the value, rounded as charges are."""
        return scaled(value, numerator, denominator, quantum=self.quantum, half_up=self.half_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One charge on the items of a regime. `fact`: the measure of the tariff or the rate of the tax it rests on;
    `only`: the items that have a line of it; `is_head`: it is of the whole consignment."""

    amount: Whole
    base: Whole | None = None
    how: Whole | int = PLAIN
    fact: Whole | None = None
    is_firm: Yes | None = None
    only: Yes | None = None
    is_head: bool = False


def charge(terms: Terms, worth: Worth, choice: Choice) -> Charged:
    """The charges on every item whose consignment has a regime."""
    chosen = choice.chosen[terms.head_of]
    tax_base = worth.tax_base.copy()
    asking = np.array([any(rule.arithmetic == "tariff" for rule in one.charges) for one in choice.regimes], np.bool_)
    asked = asking[chosen] & (chosen >= 0) if len(asking) else np.zeros(len(chosen), np.bool_)
    measure, preferred = _measures(terms, asked)
    of_place = _Grounds(terms)
    parts: list[tuple[Whole, ...]] = []
    for number, regime in enumerate(choice.regimes):
        at = np.flatnonzero(chosen == number)
        head = terms.head_of[at]
        place = terms.place[head]
        goods = _Goods(
            at=at,
            terms=terms,
            regime=regime,
            head=head,
            place=place,
            quantum=of_place.quantum[place],
            half_up=of_place.half_up[place],
            customs_value=worth.customs_value[at],
            tax_base=worth.tax_base[at],
            tax_has_charges=of_place.tax_has_charges[place],
            measure=measure[at],
            starts=np.flatnonzero(np.diff(head, prepend=-1)),
            before=np.zeros(len(at), np.int64),
        )
        for rule in regime.charges:
            line = _ARITHMETIC[rule.arithmetic](rule, goods)
            parts.append(_part(rule, goods, line))
            goods.before = plus(goods.before, line.amount)
            if rule.type != "tax":
                goods.counted = plus(goods.counted, line.amount)
        tax_base[at] = np.where(goods.tax_has_charges, plus(goods.tax_base, goods.counted), goods.tax_base)
    return Charged(
        charges=_frame(terms, parts),
        tax_base=tax_base,
        duty_known=~asked | (measure != NO_MEASURE),
        measure=measure,
        preferred=preferred,
    )


class _Grounds:
    """How each place rounds charges, and whether its tax counts them."""

    def __init__(self, terms: Terms) -> None:
        grounds = [place.ground for place in terms.places]
        self.quantum = np.array([ground.charge_quantum for ground in grounds], np.int64)
        self.half_up = np.array([ground.charge_rounding == "half_up" for ground in grounds], np.bool_)
        self.tax_has_charges = np.array(["duty" in ground.tax_base for ground in grounds], np.bool_)


# The frame of charges

_HEAD_LAST = 2
"""A line of the whole consignment stands after those of its items."""


def _part(rule: ChargeRule, goods: _Goods, line: _Line) -> tuple[Whole, ...]:
    """The columns of one charge: order, head, item (-1 for the whole), rule, amount, base, fact, how, firmness."""
    size = len(goods.at)
    nothing = np.full(size, MISSING, np.int64)
    firm = rule.confidence == "firm"
    columns = (
        goods.at,
        goods.head,
        np.full(size, int(line.is_head), np.int64),
        np.full(size, rule.number, np.int64),
        line.amount,
        nothing if line.base is None else line.base,
        np.full(size, NO_FACT, np.int64) if line.fact is None else line.fact,
        np.broadcast_to(np.asarray(line.how, np.int64), size),
        np.broadcast_to(np.asarray(firm if line.is_firm is None else line.is_firm, np.int64), size),
    )
    return columns if line.only is None else tuple(column[line.only] for column in columns)


def _frame(terms: Terms, parts: list[tuple[Whole, ...]]) -> pl.DataFrame:
    """The frame CHARGES of all parts, consignment by consignment, item by item, in the order of the regime."""
    if not parts:
        return pl.DataFrame(schema=CHARGES)
    at, head, is_head, rule, amount, base, fact, how, firm = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    last = np.zeros(len(terms.heads), np.int64)
    last[terms.head_of] = np.arange(len(terms.head_of))
    order = np.argsort(np.where(is_head == 1, last[head] * _HEAD_LAST + 1, at * _HEAD_LAST), kind="stable")
    at, head, is_head, rule, amount, base, fact, how, firm = (
        column[order] for column in (at, head, is_head, rule, amount, base, fact, how, firm)
    )
    items = np.where(is_head == 1, MISSING, known(terms.of_items("item"))[at])
    currency = pl.Series([place.currency for place in terms.places], dtype=pl.String)
    said = terms.law.charges_said[pl.Series(rule)]
    return pl.DataFrame(
        [
            pl.Series("row", terms.rows[head], dtype=ROW),
            series("item", items, ROW),
            *said.get_columns(),
            series("amount_micro", amount),
            currency.gather(pl.Series(terms.place[head])).alias("currency"),
            series("base_micro", base),
            pl.Series("rule", rule, dtype=pl.UInt32),
            series("fact", np.where(fact == NO_FACT, MISSING, fact), pl.UInt32),
            pl.Series("how", how, dtype=pl.UInt8),
            pl.Series("is_firm", firm == 1),
        ]
    )


# The arithmetics


def _relief(_rule: ChargeRule, goods: _Goods) -> _Line:
    """Nothing, and the law's reason for it."""
    return _Line(amount=np.zeros(len(goods.at), np.int64), base=goods.customs_value, how=RELIEVED)


def _rate(rule: ChargeRule, goods: _Goods) -> _Line:
    """One rate on the customs value of every item."""
    return _Line(amount=goods.rounded(goods.customs_value, rule.rate_ppm), base=goods.customs_value)


def _flat(rule: ChargeRule, goods: _Goods) -> _Line:
    """A fixed amount for each distinct commodity code, item or consignment; on the first item it is due for."""
    first = np.ones(len(goods.at), np.bool_)
    if rule.per == "consignment":
        first = np.diff(goods.head, prepend=-1) != 0
    elif rule.per == "code":
        which, codes = goods.terms.items_apart("hs_code")
        _, places = np.unique(goods.head * len(codes) + which[goods.at], return_index=True)
        first = np.zeros(len(goods.at), np.bool_)
        first[places] = True
    fixed = goods.by_place(lambda place: _fixed(rule, goods, place))
    return _Line(
        amount=np.where(first, fixed, 0),
        how=np.where(first, PLAIN, AGAIN),
        only=first if rule.per == "consignment" else None,
        is_head=rule.per == "consignment",
    )


def _fixed(rule: ChargeRule, goods: _Goods, place: Place) -> int:
    """The fixed amount in the currency of assessment of the place; `MISSING` without a rate of exchange."""
    if place.currency == rule.amount_currency:
        return rule.amount_micro
    table = place.ground.threshold_exchange
    above, below = cross(goods.terms.law, table, rule.amount_currency, place.currency, place)
    if above == MISSING:
        return MISSING
    unit = below * place.ground.charge_quantum
    half = unit if place.ground.charge_rounding == "half_up" else 0
    return (2 * rule.amount_micro * above + half) // (2 * unit) * place.ground.charge_quantum


def _tariff(rule: ChargeRule, goods: _Goods) -> _Line:
    """What the tariff says for the code, the origin and the day: part of the value, an amount a unit, or both."""
    said = goods.terms.law.tariff
    measure, value = goods.measure, goods.customs_value
    is_known = measure != NO_MEASURE
    ppm, specific = said.ad_valorem_ppm[measure], said.specific_micro[measure]
    amount = goods.rounded(value, ppm)
    has_specific = np.flatnonzero(specific != MISSING)
    if len(has_specific):
        amount[has_specific] = _specific(goods, has_specific, ppm[has_specific])
    free = is_known & (ppm == 0) & (specific == MISSING)
    how = np.select([~is_known, free, said.is_preference[measure]], [UNKNOWN_DUTY, FREE, PREFERRED], default=PLAIN)
    firm = np.where(is_known, said.is_firm[measure], rule.confidence == "firm")
    return _Line(amount=amount, base=value, how=how, fact=measure, is_firm=firm)


def _specific(goods: _Goods, at: Whole, ppm: Whole) -> Whole:
    """The duty where the tariff takes an amount a unit, with its part of the value: added up, then rounded once."""
    said, places = goods.terms.law.tariff, goods.terms.places
    measure = goods.measure[at]
    size = len(said.frame)
    keys, of = distinct(goods.place[at] * size + measure, len(places) * size)
    each = np.array([_in_home(said, key % size, goods, places[key // size]) for key in keys.tolist()], np.int64)[of]
    by_mass = said.is_by_mass[measure]
    units = np.where(by_mass, goods.column("net_mass_micro")[at], goods.column("quantity_micro")[at])
    products = [(goods.customs_value[at], ppm), (units, each)]
    return scaled_sum(products, MICRO, quantum=goods.quantum[at], half_up=goods.half_up[at])


def _in_home(said: Tariff, measure: int, goods: _Goods, place: Place) -> int:
    """What the tariff takes for a unit, in the currency of assessment, to a millionth; `MISSING` without a rate."""
    currency = said.frame["specific_currency"][measure]
    above, below = cross(goods.terms.law, place.ground.exchange_table, currency, place.currency, place)
    return MISSING if above == MISSING else (2 * int(said.specific_micro[measure]) * above + below) // (2 * below)


def _tax(rule: ChargeRule, goods: _Goods) -> _Line:
    """The rate of the goods' class on the tax base, or on the charges before it alone; zero where due at the sale."""
    with_charges = np.where(goods.tax_has_charges, plus(goods.tax_base, goods.before), goods.tax_base)
    base = goods.before if rule.on == "charges" else with_charges
    rate, is_firm = _tax_rates(rule.tax, goods)
    law = goods.terms.law
    ppm = law.tax_rate_ppm[rate]
    if rule.due == "sale":
        amount, how = np.zeros(len(base), np.int64), np.full(len(base), AT_SALE, np.int64)
    else:
        amount, how = goods.rounded(base, ppm), np.where(ppm == 0, NOUGHT_RATED, PLAIN)
    return _Line(amount=amount, base=base, how=how, fact=rate, is_firm=is_firm & law.tax_rate_is_firm[rate])


def _tax_rates(tax: str, goods: _Goods) -> tuple[Whole, Yes]:
    """For each item the number of the rate that holds for it, `NO_FACT` for none, and whether its class is firm."""
    terms = goods.terms
    which, codes = terms.items_apart("hs_code")
    taxes = [terms.law.tax(place.country, tax) for place in terms.places]
    different = list({id(one): one for one in taxes}.values())
    kinds: dict[tuple[int, ...], int] = {}
    table = np.array(
        [[kinds.setdefault(terms.law.classes(one, code), len(kinds)) for code in codes] for one in different], np.int64
    )
    of_place = np.array([next(n for n, one in enumerate(different) if one is mine) for mine in taxes], np.int64)
    kind = table[of_place[goods.place], which[goods.at]]
    keys, place = distinct(goods.place * len(kinds) + kind, len(terms.places) * len(kinds))
    classes = list(kinds)
    found = [
        terms.law.tax_rate_at(taxes[key // len(kinds)], classes[key % len(kinds)], terms.places[key // len(kinds)].day)
        for key in keys.tolist()
    ]
    answers = np.array(found, np.int64).reshape(-1, 2)[place]
    return answers[:, 0], answers[:, 1] == 1


_ARITHMETIC: dict[str, Callable[[ChargeRule, _Goods], _Line]] = {
    "relief": _relief, "rate": _rate, "flat": _flat, "tariff": _tariff, "tax": _tax,
}  # fmt: skip


def _measures(terms: Terms, asked: Yes) -> tuple[Whole, tuple[Whole, list[str]]]:
    """For each item asked about the measure of the tariff that holds; and the country of a preference claimed, for
    each item its place among the countries.

    A preference claimed and in force goes before the duty for all.
    """
    size = len(terms.items)
    found = np.full(size, NO_MEASURE, np.int64)
    nobody = np.zeros(size, np.int64), [""]
    at = np.flatnonzero(asked)
    if not len(at):
        return found, nobody
    head = terms.head_of[at]
    codes, names = _full_codes(terms)
    origin, origins = terms.items_apart("origin_country")
    day = terms.by_place(lambda place: ordinal(place.day))[head]
    preferred, countries = _preferred(terms, asked)
    schedules = [place.schedule for place in terms.places]
    for schedule in dict.fromkeys(schedules):
        mine = np.fromiter((one == schedule for one in schedules), np.bool_, len(schedules))[terms.place[head]]
        here, days = at[mine], day[mine]
        third = terms.law.tariff.of(schedule, "third_country")
        found[here] = third.of(names, codes[here], origins, origin[here], days)
        claims = np.flatnonzero(preferred[here] > 0)
        if len(claims):
            wanted = here[claims]
            better = terms.law.tariff.of(schedule, "preference").of(
                names, codes[wanted], countries, preferred[wanted], days[claims]
            )
            found[wanted[better != NO_MEASURE]] = better[better != NO_MEASURE]
    return found, (preferred, countries)


def _full_codes(terms: Terms) -> tuple[Whole, list[str | None]]:
    """The commodity code with its national digits."""
    code, national = terms.of_items("hs_code"), terms.of_items("taric_code")
    if national.null_count() == len(national):
        return terms.items_apart("hs_code")
    return told_apart(code + national.fill_null(""))


def _preferred(terms: Terms, asked: Yes) -> tuple[Whole, list[str]]:
    """The country of preferential origin where a preference is claimed: its place among the countries, nought for
    none."""
    claim, claims = terms.items_apart("preference")
    if claims == [None]:
        return np.zeros(len(claim), np.int64), [""]
    is_claimed = asked & terms.on_list("preference-claims", claim, claims, terms.head_of, is_prefix=True)
    stated, of_goods = terms.of_items("preference_country"), terms.of_items("origin_country")
    country, countries = told_apart(stated.zip_with(stated.is_not_null(), of_goods).fill_null(""))
    return np.where(is_claimed, country + 1, 0), ["", *countries]
