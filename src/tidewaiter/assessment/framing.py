"""The charges on all goods as one frame: a line of each charge, item by item, in the order of the regime."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.assessment.lines import NO_FACT, Line, RegimeGoods, Ways
from tidewaiter.assessment.terms import Terms
from tidewaiter.law.rules import ChargeRule
from tidewaiter.model.batch import ROW
from tidewaiter.model.exact import MISSING, Whole, Yes, series
from tidewaiter.model.outcome import CHARGES


class Part(NamedTuple):
    """One charge on the items of one regime, as columns; what is the same for all of them as one value. `at`: their
    places among all items, in rising order."""

    at: Whole
    is_head: bool
    rule: int
    amount: Whole
    at_sale: Whole | int
    base: Whole | int
    fact: Whole | int
    how: Ways | int
    is_firm: Yes | bool


def part_of(rule: ChargeRule, goods: RegimeGoods, line: Line) -> Part:
    """The columns of one charge, of the items that have a line of it."""
    return Part(
        at=goods.at if line.only is None else goods.at.take(line.only),
        is_head=line.is_head,
        rule=rule.number,
        amount=line.amount,
        at_sale=MISSING if line.at_sale is None else line.at_sale,
        base=MISSING if line.base is None else line.base,
        fact=NO_FACT if line.fact is None else line.fact,
        how=line.how,
        is_firm=rule.confidence == "firm" if line.is_firm is None else line.is_firm,
    )


def frame(terms: Terms, parts: list[Part]) -> pl.DataFrame:
    """The frame CHARGES of all parts, consignment by consignment, item by item."""
    if not parts:
        return pl.DataFrame(schema=CHARGES)
    # Where each line goes is counted, not sorted: of a part each item has one line.
    last = np.append(terms.starts[1:], len(terms.items)) - 1
    spots = [_spots(terms, part, last) for part in parts]
    # A line of the whole consignment stands after those of its items.
    in_order = sorted(range(len(parts)), key=lambda number: parts[number].is_head)
    number = np.zeros(len(terms.items), np.int64)
    for spot in spots:
        number[spot] += 1
    following = number.cumsum()
    size = int(following[-1])
    following -= number
    places: list[Whole] = [following] * len(parts)
    for part in in_order:
        places[part] = following.take(spots[part])
        following[spots[part]] = places[part] + 1

    def column(name: str) -> Whole:
        found = np.empty(size, np.int64)
        for part, place in zip(parts, places, strict=True):
            found[place] = getattr(part, name)
        return found

    # Few things are put in place at once, each in a few bits: to put takes longer than to take apart.
    small = np.empty(size, np.uint32)
    for at, (one, place) in enumerate(zip(parts, places, strict=True)):
        small[place] = _packed(at, one)
    of = small >> _PART
    items = pl.Series("item", np.repeat(terms.numbers("item").astype(np.uint32), number), dtype=ROW)
    if any(part.is_head for part in parts):
        items = items.set(pl.Series(np.array([part.is_head for part in parts]).take(of)), None)
    rule = pl.Series("rule", np.array([part.rule for part in parts], np.uint32).take(of))
    fact = column("fact")
    fact[fact == NO_FACT] = MISSING
    nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, size)
    no_sale = all(isinstance(part.at_sale, int) for part in parts)
    return pl.DataFrame(
        [
            pl.Series("row", np.repeat(terms.rows.astype(np.uint32).take(terms.head_of), number), dtype=ROW),
            items,
            *terms.law.charges_said[rule].get_columns(),
            series("amount_micro", column("amount")),
            nothing.alias("at_sale_micro") if no_sale else series("at_sale_micro", column("at_sale")),
            terms.currencies(CHARGES["currency"], number),
            series("base_micro", column("base")),
            rule,
            series("fact", fact, pl.UInt32),
            pl.Series("how", (small & _HOW).astype(np.uint8)),
            pl.Series("is_firm", (small & _FIRM) != 0),
        ]
    )


_HOW, _FIRM, _PART = 0xFF, 0x100, 9


def _packed(at: int, part: Part) -> npt.NDArray[np.uint32]:
    """Of each line of the part how it came about, whether it is firm, and which part it is of."""
    of = np.uint32(at << _PART)
    found: npt.NDArray[np.uint32] = np.where(part.is_firm, of | np.uint32(_FIRM), of)
    return found | np.asarray(part.how, np.uint32)


def _spots(terms: Terms, part: Part, last: Whole) -> Whole:
    """The items after whose earlier lines those of the part stand: their own, or the last of the consignment."""
    if not part.is_head:
        return part.at
    found = np.empty(len(terms.heads), np.int64)
    found[terms.owners] = last
    return found[terms.head_of[part.at]]
