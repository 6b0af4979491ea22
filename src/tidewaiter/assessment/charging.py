"""The charges of a regime on its goods, taken in its order, so that a tax can count those before it.

How each is reckoned is in `arithmetic.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl

from tidewaiter.assessment.arithmetic import ARITHMETIC
from tidewaiter.assessment.framing import Lines, Part, frame, lines_of, merged, part_of
from tidewaiter.assessment.lines import WAIVED, Line, Reached, RegimeGoods, limits
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import EVERY, Details, Terms
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law.rules import ChargeRule
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    has_gap,
    minus,
    picked,
    plus,
    scaled,
    sums,
)
from tidewaiter.model.money import MICRO

_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """`charges`: frame CHARGES. A goods item: `customs_value` as far as its regime takes it and `tax_base` as it was
    reached, in millionths; `measure`: which measure of the tariff holds, `NO_MEASURE` where none was asked for or
    found; `lacking`: whether the duty was asked for and could not be reckoned; `preferred`: the country of a preference
    claimed and asked for, '' where there is none. Lines that did not come out: `layers`, the items of those besides the
    usual duty and the measure of each; `untaxed`, the items of those by a tax whose rate is not held, and the code of
    each."""

    charges: pl.DataFrame
    customs_value: Whole
    tax_base: Whole
    measure: Whole
    lacking: Yes
    preferred: tuple[Whole, list[str]]
    layers: tuple[Whole, Whole]
    untaxed: tuple[Whole, Details]


def ready() -> bool:
    """Make ready what charges goods in one loop, in a process that will assess much; False where numba is not
    installed. Until then, and without numba, the same is charged more slowly."""
    if not _IN_ONE_LOOP:
        try:
            from tidewaiter.assessment import passing
        except ImportError:
            return False
        passing.ready()
        _IN_ONE_LOOP.append(passing.charged)
    return True


_IN_ONE_LOOP: list[Callable[[Terms, Worth, Choice, Reached], list[Lines]]] = []
"""What charges goods by the kernel, once it was made ready."""


def charge(terms: Terms, worth: Worth, choice: Choice) -> Charged:
    """The charges on every item whose consignment has a regime."""
    reached = Reached.of(terms, worth, choice)
    blocks = _IN_ONE_LOOP[0](terms, worth, choice, reached) if _IN_ONE_LOOP else []
    customs_value = worth.customs_value
    if reached.left.any():
        others, customs_value = _by_columns(terms, worth, choice, reached)
        blocks.append(others)
    lines, tariff = merged(blocks), reached.tariff
    return Charged(
        charges=frame(terms, lines),
        customs_value=customs_value,
        tax_base=reached.tax_base,
        measure=tariff.measure,
        lacking=reached.lacking,
        preferred=tariff.preferred,
        layers=_layers_unknown(terms, lines),
        untaxed=_untaxed(terms, choice, lines),
    )


def _by_columns(terms: Terms, worth: Worth, choice: Choice, reached: Reached) -> tuple[Lines, Whole]:
    """The charges on the items that are left, regime by regime and rule by rule; and the customs value of all items as
    far as their regimes take it."""
    grounds, customs_value = _Grounds.of(terms), worth.customs_value
    parts: list[Part] = []
    for number, regime in enumerate(choice.regimes):
        at = np.flatnonzero((reached.regime == number) & reached.left)
        if not len(at):
            continue
        head = terms.head_of.take(at)
        goods = RegimeGoods(
            at=at,
            terms=terms,
            regime=regime,
            head=head,
            place=terms.place.take(head),
            quantum=picked(grounds.quantum, head),
            half_up=picked(grounds.half_up, head),
            worth=worth,
            customs_value=worth.customs_value.take(at),
            tax_base=worth.tax_base.take(at),
            tax_has_charges=picked(grounds.tax_has_charges, head),
            tariff=reached.tariff.of(at),
        )
        if regime.value_share_ppm != MICRO:
            _lower(goods, regime.value_share_ppm, grounds)
            customs_value = customs_value.copy()
            customs_value[at] = goods.customs_value
        for rule in regime.charges:
            if rule.measures and not len(goods.layer(rule.measures)[0]):
                goods.charged(rule, None)
                continue  # a layer that none of the goods bear has no line
            line = _waived(rule, goods, ARITHMETIC[rule.arithmetic](rule, goods))
            if rule.arithmetic == "tariff" and not rule.measures:
                reached.lacking[at] = line.amount == MISSING
                goods.usual = line.amount
            parts.append(part_of(rule, goods, line))
            goods.charged(rule, line)
        reached.tax_base[at] = goods.with_charges(without_taxes=True)
    return lines_of(terms, parts), customs_value


def _layers_unknown(terms: Terms, lines: Lines) -> tuple[Whole, Whole]:
    """The lines of layers whose amount is not known: item by item, and the measure of each."""
    gaps = np.flatnonzero(lines.amount == MISSING) if has_gap(lines.amount) else _NONE
    here = gaps[terms.law.is_layer[lines.rule[gaps]]]
    return lines.item[here].astype(np.int64), lines.fact[here].astype(np.int64)


def _untaxed(terms: Terms, choice: Choice, lines: Lines) -> tuple[Whole, Details]:
    """The lines of taxes whose rate is not held: item by item, and the code of each."""
    law = terms.law
    if not any(rule.arithmetic == "tax" for regime in choice.regimes for rule in regime.charges):
        return _NONE, (_NONE, [])
    here = np.flatnonzero(law.is_by_tax.take(lines.rule))
    here = here[law.tax_rate_ppm[lines.fact[here]] == MISSING]
    rules, which = np.unique(lines.rule[here], return_inverse=True)
    return lines.item[here].astype(np.int64), (which, [law.charge_rules[rule].code for rule in rules.tolist()])


def _lower(goods: RegimeGoods, share_ppm: int, grounds: _Grounds) -> None:
    """Take only that share of the customs value, as some laws do of what a person buys at retail."""
    quantum, half_up = picked(grounds.value_quantum, goods.head), picked(grounds.value_half_up, goods.head)
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
    how = np.where(waived & (whole > 0), WAIVED, line.how).astype(np.uint8)
    return replace(line, amount=np.where(waived, 0, line.amount), whole=np.where(waived, 0, whole), how=how)


class _Grounds(NamedTuple):
    """How charges and values are rounded where each head is, and whether the tax counts the charges there."""

    quantum: Whole | int
    half_up: Yes | bool
    value_quantum: Whole | int
    value_half_up: Yes | bool
    tax_has_charges: Yes | bool

    @classmethod
    def of(cls, terms: Terms) -> _Grounds:
        """Those of every head."""
        return cls(
            quantum=terms.alike(lambda place: place.ground.charge_quantum),
            half_up=terms.alike_if(lambda place: place.ground.charge_rounding == "half_up"),
            value_quantum=terms.alike(lambda place: place.ground.value_quantum),
            value_half_up=terms.alike_if(lambda place: place.ground.value_rounding == "half_up"),
            tax_has_charges=terms.alike_if(lambda place: "duty" in place.ground.tax_base),
        )
