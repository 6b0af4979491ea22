"""What the goods are worth: each item's price and customs value in the currency of assessment.

The price of an item is turned into that currency first; what is stated for the whole consignment (carriage,
insurance, additions, discount) is then shared out by price. Shares are the differences of rounded running
totals, so that they add up to the whole to the last cent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tidewaiter.assessment.terms import Terms
from tidewaiter.law.rules import Place
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    at_least,
    either,
    has_gap,
    is_nothing,
    known,
    minus,
    picked,
    plus,
    scaled,
    shares,
    sums,
    told_apart,
    within_limit,
)
from tidewaiter.model.money import LIMIT_MICRO, MICRO


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What each goods item is worth, in millionths of the currency of assessment; `MISSING` where a value or a rate
    of exchange is. `goods`: price without carriage; `tax_base`: before any charge; `carriage`: its share of what
    carriage and insurance cost; `intrinsic`: price in the currency of the thresholds, and `taken_off` (a head) what was
    taken off the order in it. `price`, `declared`: as stated, in the currency stated."""

    goods: Whole
    carriage: Whole
    customs_value: Whole
    tax_base: Whole
    intrinsic: Whole
    taken_off: Whole
    price: Whole
    declared: Whole


@dataclass(frozen=True, slots=True)
class _Rounding:
    """How the place of each row rounds values."""

    quantum: Whole | int
    half_up: Yes | bool

    @classmethod
    def of(cls, terms: Terms) -> _Rounding:
        """That of every head."""
        return cls(
            terms.alike(lambda place: place.ground.value_quantum),
            terms.alike_if(lambda place: place.ground.value_rounding == "half_up"),
        )

    def at(self, heads: Whole) -> _Rounding:
        return _Rounding(picked(self.quantum, heads), picked(self.half_up, heads))


def value(terms: Terms) -> Worth:
    """The worth of every goods item assessed."""
    heads = terms.head_of
    of_heads = _Rounding.of(terms)
    rounding = of_heads.at(heads)
    price, price_home, price_threshold = _stated(terms, "price", rounding)
    declared, declared_home, declared_threshold = _stated(terms, "customs_value", rounding)
    goods = either(within_limit(price_home), within_limit(declared_home))
    carriage, taken_off, taken_off_threshold = _of_the_whole(terms, of_heads)
    # What is nought for all is not added: most goods have neither carriage nor a discount apart.
    net = minus(goods, *_some(_shared(terms, taken_off, goods, rounding)))
    travel = plus(_counted(*_stated(terms, "freight", rounding)[:2]), *_some(_shared(terms, carriage, goods, rounding)))
    up, down, tax_up = _adjustments(terms, of_heads)
    in_value = _where(terms, lambda place: place.ground.customs_value == "CIF", travel)
    in_tax = _where(terms, _carriage_is_taxed_apart, travel)
    reached = within_limit(at_least(minus(plus(net, *_some(in_value, up)), *_some(down)), 0))
    # A declared customs value is taken as it is: it has its carriage in it.
    customs_value = reached
    if has_gap(price_home) and not is_nothing(declared_home):
        customs_value = np.where((price_home == MISSING) & (declared_home != MISSING), declared_home, reached)
    return Worth(
        goods=net,
        carriage=travel,
        customs_value=customs_value,
        tax_base=plus(customs_value, *_some(in_tax, tax_up)),
        intrinsic=either(price_threshold, declared_threshold),
        taken_off=taken_off_threshold,
        price=price,
        declared=declared,
    )


def _some(*amounts: Whole) -> Iterator[Whole]:
    """Those of the columns that are not nought for all."""
    return (one for one in amounts if one.any())


def _shared(terms: Terms, total: Whole, goods: Whole, rounding: _Rounding) -> Whole:
    """What stands for the whole of each head, shared out over its goods."""
    if not total.any():
        return terms.nothing
    # Goods are whole quanta: by counting these the weights of a hundred thousand items still fit in 64 bits.
    known_ones: Whole = np.where(goods == MISSING, 0, goods)
    return shares(total[terms.head_of], known_ones // rounding.quantum, terms.starts, rounding.quantum)


def _where(terms: Terms, holds: Callable[[Place], bool], amounts: Whole) -> Whole:
    """The amounts, where that holds of the place; else nought."""
    if not amounts.any():
        return terms.nothing
    found = terms.alike_if(holds)
    if isinstance(found, bool):
        return amounts if found else terms.nothing
    return np.where(found[terms.head_of], amounts, 0)


def carriage_for_limits(terms: Terms) -> Whole:
    """For each head its carriage and insurance in the currency of the thresholds, at the rates that hold for these."""
    every = np.arange(len(terms.heads))
    plain = _Rounding(1, half_up=False)

    def stated(name: str) -> Whole:
        amounts = known(terms.of_heads(f"{name}_micro"))
        found = _converted(terms, amounts, lambda: terms.heads_apart(f"{name}_currency"), every, plain)
        return _counted(amounts, found[2])

    of_items = _stated(terms, "freight", plain.at(terms.head_of))
    by_line = np.zeros(len(every), np.int64)
    by_line[terms.owners] = sums(_counted(of_items[0], of_items[2]), terms.starts)
    return plus(stated("freight"), stated("insurance"), by_line)


def part_of_value(terms: Terms, worth: Worth, share_ppm: int) -> Whole:
    """That part of the customs value of every item, rounded as values are."""
    rounding = _Rounding.of(terms).at(terms.head_of)
    return scaled(worth.customs_value, share_ppm, MICRO, quantum=rounding.quantum, half_up=rounding.half_up)


def _carriage_is_taxed_apart(place: Place) -> bool:
    """Whether carriage is in the base of the tax, though not in the customs value."""
    return "CIF" in place.ground.tax_base and place.ground.customs_value != "CIF"


def _stated(terms: Terms, name: str, rounding: _Rounding) -> tuple[Whole, Whole, Whole]:
    """An amount of the items as stated, in the currency of assessment (rounded), and in that of the thresholds."""
    amounts = known(terms.of_items(f"{name}_micro"))
    return _converted(terms, amounts, lambda: terms.items_apart(f"{name}_currency"), terms.head_of, rounding)


def _converted(
    terms: Terms, amounts: Whole, currency: Callable[[], tuple[Whole, list[str]]], heads: Whole, rounding: _Rounding
) -> tuple[Whole, Whole, Whole]:
    if is_nothing(amounts):
        return amounts, amounts, amounts
    which, currencies = currency()
    to_home, of_home, to_threshold, of_threshold = terms.rates(currencies, which, heads)
    home = scaled(amounts, to_home, of_home, quantum=rounding.quantum, half_up=rounding.half_up)
    # In lowest terms equal parts are one for one.
    is_same = isinstance(to_threshold, int) and isinstance(of_threshold, int) and to_threshold == of_threshold == 1
    threshold = amounts if is_same else scaled(amounts, to_threshold, of_threshold, quantum=1, half_up=True)
    return amounts, home, threshold


def _counted(amounts: Whole, converted: Whole) -> Whole:
    """The amount converted: nought where none is stated, `MISSING` where its rate is not known: carriage left out would
    make the duty too small."""
    if is_nothing(amounts):
        return np.zeros(len(amounts), np.int64)
    return np.where(amounts == MISSING, 0, within_limit(converted)) if has_gap(amounts) else within_limit(converted)


def _of_the_whole(terms: Terms, rounding: _Rounding) -> tuple[Whole, Whole, Whole]:
    """For each head its carriage with insurance, and the discount, also in the currency of the thresholds."""
    every = np.arange(len(terms.heads))

    def stated(name: str) -> tuple[Whole, Whole, Whole]:
        amounts = known(terms.of_heads(f"{name}_micro"))
        return _converted(terms, amounts, lambda: terms.heads_apart(f"{name}_currency"), every, rounding)

    freight, insurance, discount = stated("freight"), stated("insurance"), stated("discount")
    carriage = plus(_counted(*freight[:2]), _counted(*insurance[:2]))
    return carriage, _counted(*discount[:2]), _counted(discount[0], discount[2])


def _adjustments(terms: Terms, rounding: _Rounding) -> tuple[Whole, Whole, Whole]:
    """Additions to the value, deductions from it and additions to the base of the tax, by item; those of the whole
    are put on the first item. A code on none of law's lists changes nothing."""
    changes, size = terms.batch.adjustments, len(terms.items)
    nothing = terms.nothing
    if changes.is_empty():
        return nothing, nothing, nothing
    heads = terms.heads_of(changes["row"])
    places = terms.items_of(changes["row"], changes["item"].fill_null(0))
    here = np.flatnonzero((heads >= 0) & (places >= 0))
    heads, places, found = heads[here], places[here], changes[here]
    stated = known(found["amount_micro"])
    amounts = _counted(
        *_converted(terms, stated, lambda: told_apart(found["amount_currency"]), heads, rounding.at(heads))[:2]
    )
    which, codes = told_apart(found["code"])

    def sum_of(name: str) -> Whole:
        listed = terms.on_list(name, which, codes, heads, is_prefix=False)
        total, gap = nothing.copy(), np.zeros(size, np.bool_)
        counted = np.where(listed & (amounts != MISSING), amounts, 0)
        np.add.at(total, places, counted)
        gap[places[listed & (amounts == MISSING)]] = True
        if counted.sum(dtype=np.float64) > LIMIT_MICRO:  # a sum that wrapped would be a small one
            rough = np.zeros(size, np.float64)
            np.add.at(rough, places, counted.astype(np.float64))
            gap |= rough > LIMIT_MICRO
        return np.where(gap, MISSING, within_limit(total))

    return sum_of("adjustments-value-up"), sum_of("adjustments-value-down"), sum_of("adjustments-tax-up")
