"""The charges on all goods as lines of one frame: one of each charge, item by item, in the order of the regime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.assessment.lines import NO_FACT, Line, RegimeGoods, Ways
from tidewaiter.assessment.terms import Terms
from tidewaiter.law.rules import ChargeRule
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


class Lines(NamedTuple):
    """Lines of charges, item by item, as columns: the place of each line's item among all items (of a line of the whole
    consignment that of its last) and its keys, the number of its rule, what is charged and how it came about. Empty
    where there is none of it: `at_sale`, and `is_head`, whether a line is of the whole. The keys follow from the item,
    and stand here since the loop has them at hand: to fetch them afterwards took nearly a tenth of assessing."""

    item: npt.NDArray[np.int32]
    row: npt.NDArray[np.uint32]
    number: npt.NDArray[np.uint32]
    rule: npt.NDArray[np.uint32]
    amount: Whole
    at_sale: Whole
    base: Whole
    fact: npt.NDArray[np.int32]
    how: Ways
    is_firm: Yes
    is_head: Yes


def no_lines(size: int, *, has_sale: bool = False, has_head: bool = False) -> Lines:
    """Room for so many lines: one piece of memory, which the machine gives sooner than eleven."""
    kinds: dict[str, type[np.generic]] = {
        "amount": np.int64, "base": np.int64, "at_sale": np.int64, "item": np.int32, "row": np.uint32,
        "number": np.uint32, "rule": np.uint32, "fact": np.int32, "how": np.uint8, "is_firm": np.bool_,
        "is_head": np.bool_,
    }  # fmt: skip
    lacks = {name for name, has in (("at_sale", has_sale), ("is_head", has_head)) if not has}
    widths = {name: 0 if name in lacks else size * np.dtype(kind).itemsize for name, kind in kinds.items()}
    whole, made, start = np.empty(sum(widths.values()), np.uint8), {}, 0
    for name, width in widths.items():
        made[name] = whole[start : start + width].view(kinds[name])
        start += width
    return Lines(**made)


def lines_of(terms: Terms, parts: Sequence[Part]) -> Lines:
    """The lines of all parts, consignment by consignment, item by item."""
    # Where each line goes is counted, not sorted: of a part each item has one line.
    last = np.append(terms.starts[1:], len(terms.items)) - 1
    spots = [_spots(terms, part, last) for part in parts]
    # A line of the whole consignment stands after those of its items.
    in_order = sorted(range(len(parts)), key=lambda number: parts[number].is_head)
    number = np.zeros(len(terms.items), np.int64)
    for spot in spots:
        number[spot] += 1
    following = number.cumsum()
    has_sale = any(not isinstance(part.at_sale, int) for part in parts)
    has_head = any(part.is_head for part in parts)
    lines = no_lines(int(following[-1]) if len(following) else 0, has_sale=has_sale, has_head=has_head)
    following -= number
    places: list[Whole] = [following] * len(parts)
    for one in in_order:
        places[one] = following.take(spots[one])
        following[spots[one]] = places[one] + 1
    lines.item[:] = np.repeat(np.arange(len(number), dtype=np.int32), number)
    lines.row[:] = terms.rows[terms.head_of[lines.item]]
    lines.number[:] = terms.numbers("item")[lines.item]
    for name in Lines._fields[3:]:
        found = getattr(lines, name)
        for part, place in zip(parts, places, strict=True) if len(found) else ():
            found[place] = getattr(part, name)
    return lines


def merged(blocks: Sequence[Lines]) -> Lines:
    """The lines of all blocks, item by item. Of one item all lines are in one block."""
    some = [one for one in blocks if len(one.item)]
    if len(some) < 2:
        return some[0] if some else no_lines(0)
    if any(len(one.at_sale) for one in some):
        some = [one if len(one.at_sale) else one._replace(at_sale=np.full(len(one.item), MISSING)) for one in some]
    if any(len(one.is_head) for one in some):
        some = [one if len(one.is_head) else one._replace(is_head=np.zeros(len(one.item), np.bool_)) for one in some]
    together: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in some]) for name in Lines._fields}
    order = np.argsort(together["item"], kind="stable")  # of stretches in order, it puts one into the other
    return Lines(**{name: column.take(order) if len(column) else column for name, column in together.items()})


def frame(terms: Terms, lines: Lines) -> pl.DataFrame:
    """The frame CHARGES of the lines."""
    size = len(lines.item)
    items, rule = pl.Series("item", lines.number), pl.Series("rule", lines.rule)
    if len(lines.is_head):
        items = items.set(pl.Series(lines.is_head), None)
    no_sale = pl.Series("at_sale_micro", [None], dtype=pl.Int64).new_from_index(0, size)
    return pl.DataFrame(
        [
            pl.Series("row", lines.row),
            items,
            *terms.law.charges_said[rule].get_columns(),
            series("amount_micro", lines.amount),
            series("at_sale_micro", lines.at_sale) if len(lines.at_sale) else no_sale,
            terms.currencies(CHARGES["currency"], lines.item),
            series("base_micro", lines.base),
            rule,
            pl.Series("fact", lines.fact.astype(np.uint32)).set(pl.Series(lines.fact == NO_FACT), None),
            pl.Series("how", lines.how),
            pl.Series("is_firm", lines.is_firm),
        ]
    )


def _spots(terms: Terms, part: Part, last: Whole) -> Whole:
    """The items after whose earlier lines those of the part stand: their own, or the last of the consignment."""
    if not part.is_head:
        return part.at
    found = np.empty(len(terms.heads), np.int64)
    found[terms.owners] = last
    return found[terms.head_of[part.at]]
