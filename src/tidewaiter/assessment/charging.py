"""The charges of a regime on its goods, taken in its order, so that a tax can count those before it.

How each is reckoned is in `arithmetic.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tidewaiter.assessment.arithmetic import ARITHMETIC
from tidewaiter.assessment.lines import EVERY, NO_FACT, WAIVED, Line, RegimeGoods, limits
from tidewaiter.assessment.measures import Asked
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import Terms
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law.rules import ChargeRule
from tidewaiter.law.tariff import NO_MEASURE
from tidewaiter.model.batch import ROW
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    at_least,
    known,
    minus,
    plus,
    scaled,
    series,
    sums,
)
from tidewaiter.model.money import MICRO
from tidewaiter.model.outcome import CHARGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """`charges`: frame CHARGES. A goods item: `customs_value` as far as its regime takes it and `tax_base` as it was
    reached, in millionths; `duty_known`: whether the tariff says something of it, where a regime asked; `measure`:
    which measure of the tariff holds, `NO_MEASURE` where none was asked for or found; `lacking`: whether the duty could
    not be reckoned; `preferred`: the country of a preference claimed and asked for, '' where there is
    none."""

    charges: pl.DataFrame
    customs_value: Whole
    tax_base: Whole
    duty_known: Yes
    measure: Whole
    lacking: Yes
    preferred: tuple[Whole, list[str]]


def charge(terms: Terms, worth: Worth, choice: Choice) -> Charged:
    """The charges on every item whose consignment has a regime."""
    chosen = choice.chosen[terms.head_of]
    customs_value, tax_base = worth.customs_value, worth.tax_base.copy()
    tariff = Asked(terms)
    lacking = np.zeros(len(chosen), np.bool_)
    of_place = _Grounds(terms)
    parts: list[_Part] = []
    for number, regime in enumerate(choice.regimes):
        at = np.flatnonzero(chosen == number)
        head = terms.head_of[at]
        place = terms.place[head]
        goods = RegimeGoods(
            at=at,
            terms=terms,
            regime=regime,
            head=head,
            place=place,
            quantum=of_place.quantum[place],
            half_up=of_place.half_up[place],
            goods=at_least(worth.goods[at], 0),
            carriage=worth.carriage[at],
            customs_value=worth.customs_value[at],
            tax_base=worth.tax_base[at],
            tax_has_charges=of_place.tax_has_charges[place],
            starts=np.flatnonzero(np.diff(head, prepend=-1)),
            found=tariff.found,
        )
        if regime.value_share_ppm != MICRO:
            _lower(goods, regime.value_share_ppm, of_place)
            customs_value = customs_value.copy()
            customs_value[at] = goods.customs_value
        for rule in regime.charges:
            if rule.measures and not len(goods.bearing(rule.measures)):
                goods.by_code.setdefault(rule.code, np.zeros(len(at), np.int64))
                continue  # a layer that none of the goods bear has no line
            line = _waived(rule, goods, ARITHMETIC[rule.arithmetic](rule, goods))
            if rule.arithmetic == "tariff" and not rule.measures:
                lacking[at] = line.amount == MISSING
                goods.usual = line.amount
            parts.append(_part(rule, goods, line))
            goods.charged(rule, line)
        tax_base[at] = np.where(goods.tax_has_charges, plus(goods.tax_base, goods.counted), goods.tax_base)
    return Charged(
        charges=_frame(terms, parts),
        customs_value=customs_value,
        tax_base=tax_base,
        duty_known=~tariff.asked | (tariff.measure != NO_MEASURE),
        measure=tariff.measure,
        lacking=lacking,
        preferred=tariff.preferred,
    )


def _lower(goods: RegimeGoods, share_ppm: int, grounds: _Grounds) -> None:
    """Take only that share of the customs value, as some laws do of what a person buys at retail."""
    quantum, half_up = grounds.value_quantum[goods.place], grounds.value_half_up[goods.place]
    lower = scaled(goods.customs_value, share_ppm, MICRO, quantum=quantum, half_up=half_up)
    goods.tax_base = plus(lower, minus(goods.tax_base, goods.customs_value))
    goods.customs_value = lower


def _waived(rule: ChargeRule, goods: RegimeGoods, line: Line) -> Line:
    """The line, or nothing where the charge on the whole consignment is too small for law to collect."""
    if rule.waived_below_micro is None and rule.waived_up_to_micro is None:
        return line
    only = EVERY if line.only is None else line.only
    amount = np.zeros(len(goods.at), np.int64)
    amount[only] = line.amount
    total = sums(amount, goods.starts)
    first = goods.place[goods.starts]
    small = np.zeros(len(total), np.bool_)
    if rule.waived_below_micro is not None:
        small |= total < limits(rule.waived_below_micro, rule, goods)[first]
    if rule.waived_up_to_micro is not None:
        small |= total <= limits(rule.waived_up_to_micro, rule, goods)[first]
    sizes = np.diff(goods.starts, append=len(amount))
    waived = np.repeat(small & (total != MISSING), sizes)[only]
    whole = line.amount if line.whole is None else line.whole
    how = np.where(waived & (whole > 0), WAIVED, line.how)
    return replace(line, amount=np.where(waived, 0, line.amount), whole=np.where(waived, 0, whole), how=how)


class _Grounds:
    """How each place rounds charges and values, and whether its tax counts the charges."""

    def __init__(self, terms: Terms) -> None:
        grounds = [place.ground for place in terms.places]
        self.quantum = np.array([ground.charge_quantum for ground in grounds], np.int64)
        self.half_up = np.array([ground.charge_rounding == "half_up" for ground in grounds], np.bool_)
        self.value_quantum = np.array([ground.value_quantum for ground in grounds], np.int64)
        self.value_half_up = np.array([ground.value_rounding == "half_up" for ground in grounds], np.bool_)
        self.tax_has_charges = np.array(["duty" in ground.tax_base for ground in grounds], np.bool_)


class _Part(NamedTuple):
    """One charge on the items of one regime, as columns; what is the same for all of them as one value."""

    at: Whole
    head: Whole
    is_head: bool
    rule: int
    amount: Whole
    at_sale: Whole | int
    base: Whole | int
    fact: Whole | int
    how: Whole | int
    is_firm: Yes | bool


def _part(rule: ChargeRule, goods: RegimeGoods, line: Line) -> _Part:
    """The columns of one charge, of the items that have a line of it."""
    only = EVERY if line.only is None else line.only
    return _Part(
        at=goods.at[only],
        head=goods.head[only],
        is_head=line.is_head,
        rule=rule.number,
        amount=line.amount,
        at_sale=MISSING if line.at_sale is None else line.at_sale,
        base=MISSING if line.base is None else line.base,
        fact=NO_FACT if line.fact is None else line.fact,
        how=line.how,
        is_firm=rule.confidence == "firm" if line.is_firm is None else line.is_firm,
    )


def _frame(terms: Terms, parts: list[_Part]) -> pl.DataFrame:
    """The frame CHARGES of all parts, consignment by consignment, item by item, in the order of the regime."""
    if not parts:
        return pl.DataFrame(schema=CHARGES)
    sizes = [len(part.at) for part in parts]

    def column(name: str, dtype: Any = np.int64) -> Any:
        found = np.empty(sum(sizes), dtype)
        start = 0
        for part, size in zip(parts, sizes, strict=True):
            found[start : start + size] = getattr(part, name)
            start += size
        return found

    at, head, is_head = column("at"), column("head"), column("is_head", np.bool_)
    # A line of the whole consignment stands after those of its items.
    place = at * 2
    if is_head.any():
        last = np.zeros(len(terms.heads), np.int64)
        last[terms.head_of] = np.arange(len(terms.head_of))
        place = np.where(is_head, last[head] * 2 + 1, place)
    order = np.argsort(place, kind="stable") if len(parts) > 1 else np.arange(len(place))
    at, head, is_head = at[order], head[order], is_head[order]
    items = known(terms.of_items("item"))[at]
    rule = column("rule", np.uint32)[order]
    fact = column("fact", np.int32)[order]
    no_sale = all(isinstance(part.at_sale, int) for part in parts)
    at_sale = pl.Series("at_sale_micro", [None], dtype=pl.Int64).new_from_index(0, len(order))
    return pl.DataFrame(
        [
            pl.Series("row", terms.rows[head], dtype=ROW),
            series("item", np.where(is_head, MISSING, items) if is_head.any() else items, ROW),
            *terms.law.charges_said[pl.Series(rule)].get_columns(),
            series("amount_micro", column("amount")[order]),
            at_sale if no_sale else series("at_sale_micro", column("at_sale")[order]),
            terms.currencies(head),
            series("base_micro", column("base")[order]),
            pl.Series("rule", rule),
            series("fact", np.where(fact == NO_FACT, MISSING, fact.astype(np.int64)), pl.UInt32),
            pl.Series("how", column("how", np.uint8)[order]),
            pl.Series("is_firm", column("is_firm", np.bool_)[order]),
        ]
    )
