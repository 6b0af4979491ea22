"""The charges on many goods in one loop: of each consignment item by item, of each item rule by rule.

What is charged is what `charging` says by columns. Import this only where numba is wanted, see `model/kernels.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewaiter.assessment.framing import Lines
from tidewaiter.assessment.lines import (
    AGAIN,
    AT_SALE,
    DISPLACED,
    NO_FACT,
    NOUGHT_RATED,
    PARTED,
    PLAIN,
    RELIEVED,
)
from tidewaiter.law.measures import NO_MEASURE, Laid
from tidewaiter.model.exact import GREATEST, MISSING, Whole, Yes
from tidewaiter.model.kernels import kernel, part
from tidewaiter.model.money import MICRO

Few = npt.NDArray[np.int32]

# The columns of the table of charge rules.
(
    ARITHMETIC, RATE_PPM, QUANTUM, HALF_UP, IS_GROSSED_UP, IS_FIRM, KIND, IS_TAX, SLOT, FIRST_BASE, LAST_BASE,
    FIRST_GIVEN, LAST_GIVEN,
) = range(13)  # fmt: skip
RULE = 13
"""How many they are."""
RELIEF, RATE, EACH, BY_CODE, USUAL, LAYER, AT_BORDER, BY_SELLER = range(8)
"""The arithmetics; those of a flat amount, of the tariff and of a tax by what differs."""
AS_PLACE = -1
"""Stands for the quantum or the rounding of the place."""

# Of what a layer gives way to: the days, and where its layers are; which row of the origins (none: all of them).
SINCE, UNTIL, IS_PART, ORIGINS, FIRST_LAYER, LAST_LAYER = range(6)
GIVEN = 6

# Of a measure the parts in a million that it takes of the value, and what its lines say of it, in bits.
PPM, SAID = range(2)
SAID_HOW, SAID_FIRM, SAID_ON_PART = 0xFF, 0x100, 0x200

# What a charge is taken on (as `lines.BASES` has it), and after these by each code what was charged under it.
GOODS, CARRIAGE, CUSTOMS_VALUE, TAX_BASE, BEFORE, NO_TAX = range(6)
CODES = 6

# Of a formula how it stands, the currency of its amounts, and of each of its three clauses where its parts are.
STANDS, CURRENCY, CLAUSES = range(3)
FORMULA = CLAUSES + 6
UNRECKONED, RECKONED, BY_USUAL = range(3)
NO_MONEY, SOME_MONEY = -1, -2
"""In place of the currency of a formula: it has no amounts, or such of several."""
BY_VALUE, BY_MASS = 0, 1
"""What parts of a formula measure; beyond these units in which a quantity is stated."""

NOT_CHARGED = -2
"""In place of the rate of a tax: goods on which it is not charged."""
_TOO_GREAT = -1
_SAFE = float(2**62)
"""Only a guard: no amount is reckoned in floats, and what comes near this is left to columns."""
_COMPARED = 200
"""Of a consignment with more goods codes are not compared each with each."""


class Books(NamedTuple):
    """What law says of charges, for one tariff: the table of rules, what they are taken on, and of layers what they
    give way to, with the layers of these; of each measure of the tariff what it says, and of none at the end; the
    formulas, their parts (what is measured, how many are counted), and the denominator of each clause, nought where
    something in it is not known. `kinds`: how many kinds of measures there are; `due`: at the first rule of a regime,
    by kind, which of its rules take a measure of it, as bits; and behind the kinds those that are there always."""

    kinds: int
    due: Whole
    rules: Whole
    bases: Whole
    given: Whole
    layers: Whole
    measures: Whole
    wording: Whole
    formulas: Whole
    parts: Whole
    denominators: Whole
    tax_ppm: Whole
    tax_is_firm: Yes


class Here(NamedTuple):
    """Of each place the day, how charges are rounded, whether the base of the tax has them in it, the number of its
    currency, and whether it is under the tariff; of each rule with a flat amount what it comes to there."""

    day: Whole
    quantum: Whole
    half_up: Whole
    has_charges: Yes
    currency: Whole
    is_under: Yes
    fixed: Whole


class Chosen(NamedTuple):
    """Of each regime that is chosen where its rules are, none where columns must reckon it, and whether they ask the
    tariff. Of each rule the row of its flat amount or tax, and of each row of origins and country of origin whether it
    is one of them."""

    first: Whole
    last: Whole
    asks: Yes
    row: Whole
    origins: Yes


class Heads(NamedTuple):
    """Which consignment each stretch of goods is of; of each consignment its row, its regime and its place."""

    owners: Whole
    starts: Whole
    row: Whole
    regime: Whole
    place: Whole


class Items(NamedTuple):
    """The goods: the number of each, the sort, the place of the code and of the origin among those there are; what a
    charge is taken on; the mass and the quantity, in its unit; whether a preference is claimed, which is left to
    columns, or nothing where none is; for each tax the rate that holds, and whether the class is firm."""

    number: Whole
    sort: Whole
    code: Whole
    origin: Whole
    price: Whole
    carriage: Whole
    customs_value: Whole
    tax_base: Whole
    mass: Whole
    quantity: Whole
    unit: Whole
    preferred: Whole
    rates: Whole
    is_firm: Yes


class Fate(NamedTuple):
    """What is found of the goods: the measure of duty, whether it does not come out, the base of the tax as it was
    reached, and whether they are left to columns."""

    measure: Whole
    lacking: Yes
    tax_base: Whole
    left: Yes


@kernel
def rounded(value: int, rate: int, whole: int, quantum: int, half_up: int) -> int:
    """That part of the value to a whole multiple of the quantum; `MISSING` where one is, `_TOO_GREAT` where 64 bits may
    not hold it."""
    if value == MISSING or rate == MISSING or whole == MISSING:  # noqa: PLR1714 -- compiled, a set is made each time
        return MISSING
    if 2.0 * value * rate + 2.0 * whole * quantum >= _SAFE:
        return _TOO_GREAT
    unit = whole * quantum
    if half_up:
        return (2 * value * rate + unit) // (2 * unit) * quantum
    return value * rate // unit * quantum


@kernel
def both(one: int, other: int) -> int:
    """The sum, `MISSING` where one of them is."""
    if one == MISSING or other == MISSING:  # noqa: PLR1714
        return MISSING
    return one + other


Law = tuple[Books, Laid]
Where = tuple[Here, Chosen]
Goods = tuple[Heads, Items, Whole]
"""With the items: by what a formula measures, and by the unit of a quantity, how many of the one the other is."""
Found = tuple[Fate, Lines]


class _Met(NamedTuple):
    """The measures that hold for some goods one after the other: of each of the goods where its own begin, and of each
    of these its kind, its number, and what it says."""

    begin: Whole
    met: Whole


_KIND, _MEASURE, _PPM, _SAID = range(4)
_ROOM = 2_048
"""For so many goods measures are met ahead, unless one consignment has more: what is noted of them stays near."""


@kernel
def charged(law: Law, where: Where, goods: Goods, found: Found, start: tuple[int, int]) -> tuple[int, int]:
    """Charge the stretches of goods from the one that `start` names, after so many lines. Gives the first stretch that
    there was no room for, or how many there are, and how many lines there are then.

    Measures are met for some thousand goods ahead: what is waited for then are many places of memory at once.
    """
    stretch, count = start
    starts, kinds = goods[0].starts, law[0].kinds
    most = 1
    for at in range(len(starts) - 1):
        most = max(most, starts[at + 1] - starts[at])
    ahead = _Met(np.zeros(max(_ROOM, most) + 1, np.int64), np.zeros((max(_ROOM, most) * kinds + 1, 4), np.int64))
    while stretch < len(starts) - 1:
        until = _meet(law, where, goods, stretch, ahead)
        stretch, count, is_full = _reckon(law, where, goods, found, (ahead, stretch, until, count))
        if is_full:
            break
    return stretch, count


@kernel
def _meet(law: Law, where: Where, goods: Goods, stretch: int, ahead: _Met) -> int:
    """Find the measures that hold for goods from this stretch on, as long as there is room. Gives the first stretch
    that there was none for."""
    books, laid = law
    begin, stretches = laid
    measures = books.measures
    days, places = where[0].day, goods[0].place
    owners, starts, sorts = goods[0].owners, goods[0].starts, goods[1].sort
    regimes, asks = goods[0].regime, where[1].asks
    begins, met = ahead
    count, first, end = 0, starts[stretch], stretch
    while end < len(owners) and starts[end + 1] - first < len(begins):
        end += 1
    # Where the stretches of all of them are is asked before any is looked at, so that memory is not waited for.
    seen = 0
    for item in range(first, starts[end]):
        since, until = begin[sorts[item]], begin[sorts[item] + 1]
        if since < until:
            seen ^= stretches[since, 0] ^ stretches[until - 1, 0]
    met[0, _KIND] = seen  # nobody reads it, but else the compiler would leave all this out
    begins[0] = 0
    while stretch < end:
        begun, ended = starts[stretch], starts[stretch + 1]
        head = owners[stretch]
        day, regime = days[places[head]], regimes[head]
        is_asked = regime >= 0 and asks[regime]
        for item in range(begun, ended):
            since = until = 0
            if is_asked:
                sort = sorts[item]
                since, until = begin[sort], begin[sort + 1]
            for at in range(since, until):
                # Written whether it holds or not: a guess that fails costs more.
                met[count, _KIND], met[count, _MEASURE] = stretches[at, 3], stretches[at, 2]
                count += (stretches[at, 0] <= day) & (day < stretches[at, 1])
            begins[item - first + 1] = count
        stretch += 1
    for at in range(count):
        measure = met[at, _MEASURE]
        met[at, _PPM], met[at, _SAID] = measures[measure, PPM], measures[measure, SAID]
    return stretch


@part
def _way(law: tuple[Whole, Whole, Yes], first: int, last: int, ahead: tuple[Whole, Whole], at: tuple[int, int]) -> int:
    """What becomes of a layer that gives way to others on this day, for goods of this origin: `DISPLACED` by one that
    holds for them, `PARTED` with one on a part of the goods, or `PLAIN`."""
    given, layers, origins = law
    met, met_of = ahead
    day, origin = at
    way = PLAIN
    for one in range(first, last):
        if not given[one, SINCE] <= day < given[one, UNTIL]:
            continue
        if given[one, ORIGINS] >= 0 and not origins[given[one, ORIGINS], origin]:
            continue
        for layer in range(given[one, FIRST_LAYER], given[one, LAST_LAYER]):
            other = met_of[layers[layer]]
            if other < 0 or met[other, _PPM] == 0:
                continue
            if not given[one, IS_PART] or not met[other, _SAID] & SAID_ON_PART:
                way = DISPLACED
            elif way == PLAIN:
                way = PARTED
    return way


@part
def _by_formula(
    law: tuple[Whole, Whole, Whole, Whole], formula: int, measured: tuple[int, int, int, int], usual: int,
    rounding: tuple[int, int],
) -> int:  # fmt: skip
    """What a formula comes to: its parts, at least and at most what the other clauses come to. `measured`: value, mass,
    quantity and its unit; what stands by the usual duty is beyond that one. `_TOO_GREAT` where 64 bits may not hold
    it."""
    formulas, parts, denominators, sizes = law
    base, mass, quantity, unit = measured
    quantum, half_up = rounding
    amount = MISSING
    for clause in range(3):
        since, until = formulas[formula, CLAUSES + 2 * clause], formulas[formula, CLAUSES + 2 * clause + 1]
        if clause and since == until:
            continue
        denominator = denominators[formula, clause]
        total, rough = 0, 0.0
        for at in range(since, until):
            name = parts[at, 0]
            if name == BY_VALUE:
                counted = base
            elif name == BY_MASS:
                counted = mass
            else:
                counted, size = quantity, sizes[name, unit]
                if size > 0 and MISSING < counted <= GREATEST // size:
                    counted *= size
                else:
                    counted = MISSING
            if counted == MISSING:
                total = MISSING
                break
            rough += float(counted) * parts[at, 1]
            total += counted * parts[at, 1]
        if denominator == 0:
            total = MISSING  # something in the clause is not known
        if total != MISSING:
            total = _TOO_GREAT if rough >= _SAFE else rounded(total, 1, denominator, quantum, half_up)
            if total == _TOO_GREAT:
                amount = _TOO_GREAT
                break
        if clause == 0:
            amount = total
            continue
        if formulas[formula, STANDS] == BY_USUAL and total != MISSING:
            total = MISSING if usual == MISSING else max(total - usual, 0)
        if amount == MISSING or total == MISSING:  # noqa: PLR1714
            amount = MISSING
        else:
            amount = max(amount, total) if clause == 1 else min(amount, total)
    return amount


@kernel
def _reckon(
    law: Law, where: Where, goods: Goods, found: Found, at_work: tuple[_Met, int, int, int]
) -> tuple[int, int, bool]:
    """Charge the stretches of goods whose measures were met, after so many lines. Gives the first that it did not
    charge, how many lines there are then, and whether there was no room for more."""
    books, _ = law
    here, chosen = where
    heads, items, sizes = goods
    fate, lines = found
    # In a loop an array must have a name of its own, see docs/decisions/0020.
    kinds, due_of, rules, bases, given, layers, measures = books[:7]
    wording, formulas, parts, denominators, tax_ppm, tax_is_firm = books[7:]
    days, quanta, half_ups, has_charges, currencies, is_under, fixed = here
    first_rule, last_rule, _, row_of, origins = chosen
    owners, starts, rows, regimes, places = heads
    numbers, _, codes, origin_of, price, carriage, customs_value, tax_base = items[:8]
    masses, quantities, units, preferred, rates, rate_is_firm = items[8:]
    duty_of, lacking, tax_bases, left = fate
    line_item, line_row, line_number, line_rule, line_amount, line_sale = lines[:6]
    line_base, line_fact, line_how, line_firm = lines[6:10]
    ahead, stretch, end, count = at_work
    begins, met = ahead
    one_more = np.uint64(1)
    room, base_item = len(line_rule), starts[stretch]
    has_sale, has_claims = len(line_sale) > 0, len(preferred) > 0
    met_of = np.full(kinds + 1, -1, np.int64)  # of each kind; the last is of none
    slots = np.zeros(CODES + int(rules[:, SLOT].max()) + 1, np.int64)
    while stretch < end:
        head = owners[stretch]
        regime, place = regimes[head], places[head]
        begun, ended = starts[stretch], starts[stretch + 1]
        if regime < 0 or not is_under[place]:
            stretch += 1
            continue
        first, last = first_rule[regime], last_rule[regime]
        if count + (ended - begun) * (last - first) > room:
            return stretch, count, True
        day, before = days[place], count
        # Most charges are taken on the value alone, and then what came before them need not be counted.
        is_counted = has_charges[place] or rules[first, FIRST_BASE] < rules[last - 1, LAST_BASE]
        is_left = last == first
        for item in range(np.uint64(begun), np.uint64(ended)):
            if is_left or (has_claims and preferred[item] > 0):
                is_left = True
                break
            value, usual = customs_value[item], MISSING
            if is_counted:
                slots[:] = 0
                slots[GOODS] = price[item] if price[item] == MISSING else max(price[item], 0)
                slots[CARRIAGE], slots[CUSTOMS_VALUE], slots[TAX_BASE] = carriage[item], value, tax_base[item]
            due, place_met = due_of[first, kinds], np.int64(item) - base_item
            for at in range(begins[place_met], begins[place_met + 1]):
                met_of[met[at, _KIND]] = at
                due |= due_of[first, met[at, _KIND]]
            rule = np.uint64(first) - one_more
            while due:
                rule += one_more
                is_due = due & 1
                due >>= 1
                if not is_due:
                    continue
                arithmetic = rules[rule, ARITHMETIC]
                quantum = quanta[place] if rules[rule, QUANTUM] == AS_PLACE else rules[rule, QUANTUM]
                half_up = half_ups[place] if rules[rule, HALF_UP] == AS_PLACE else rules[rule, HALF_UP]
                base = value
                if rules[rule, FIRST_BASE] < rules[rule, LAST_BASE]:
                    base = slots[bases[rules[rule, FIRST_BASE]]]
                    for at in range(rules[rule, FIRST_BASE] + 1, rules[rule, LAST_BASE]):
                        base = both(base, slots[bases[at]])
                elif arithmetic >= AT_BORDER:
                    base = both(tax_base[item], slots[BEFORE]) if has_charges[place] else tax_base[item]
                amount, sale, how, fact, is_firm = 0, MISSING, PLAIN, NO_FACT, rules[rule, IS_FIRM] != 0
                if arithmetic == RELIEF:
                    how, base = RELIEVED, value
                elif arithmetic == RATE:
                    rate = rules[rule, RATE_PPM]
                    amount = rounded(base, rate, MICRO - rate * rules[rule, IS_GROSSED_UP], quantum, half_up)
                elif arithmetic <= BY_CODE:
                    amount, base = fixed[row_of[rule], place], MISSING
                    if arithmetic == BY_CODE:
                        if ended - begun > _COMPARED:
                            is_left = True
                            break
                        for at in range(begun, np.int64(item)):
                            if codes[at] == codes[item]:
                                amount, how = 0, AGAIN
                elif arithmetic >= AT_BORDER:
                    fact = rates[row_of[rule], item]
                    if fact == NOT_CHARGED:
                        continue
                    rate = tax_ppm[fact]
                    is_firm = rate_is_firm[row_of[rule], item] and tax_is_firm[fact]
                    whole = MICRO
                    if rules[rule, IS_GROSSED_UP]:
                        whole = MISSING if rate == MISSING else MICRO - rate
                    amount = rounded(base, rate, whole, quantum, half_up)
                    if arithmetic == BY_SELLER:
                        sale, amount, how = amount, 0, AT_SALE
                        if sale == _TOO_GREAT:
                            is_left = True
                            break
                    elif rate == 0:
                        how = NOUGHT_RATED
                else:
                    its = met_of[rules[rule, KIND]]
                    measure, rate, said = NO_MEASURE, MISSING, measures[NO_MEASURE, SAID]
                    if its >= 0:
                        measure, rate, said = met[its, _MEASURE], met[its, _PPM], met[its, _SAID]
                        is_firm = said & SAID_FIRM != 0
                    fact, how = measure, said & SAID_HOW
                    way = _way(
                        (given, layers, origins), rules[rule, FIRST_GIVEN], rules[rule, LAST_GIVEN], (met, met_of),
                        (day, origin_of[item]),
                    )  # fmt: skip
                    if way == DISPLACED:
                        how = DISPLACED
                    elif way == PARTED and rate != 0:
                        how, amount = PARTED, MISSING
                    elif rate != MISSING or measure == NO_MEASURE:
                        amount = rounded(base, rate, MICRO, quantum, half_up)
                    else:
                        formula = wording[measure]
                        money = formulas[formula, CURRENCY]
                        if money != NO_MONEY and money != currencies[place]:
                            is_left = True
                            break
                        amount = MISSING
                        stands = formulas[formula, STANDS]
                        if stands == RECKONED or (stands == BY_USUAL and arithmetic == LAYER):
                            amount = _by_formula(
                                (formulas, parts, denominators, sizes), formula,
                                (base, masses[item], quantities[item], units[item]), usual, (quantum, half_up),
                            )  # fmt: skip
                    if arithmetic == USUAL:
                        usual = amount
                        duty_of[item], lacking[item] = measure, amount == MISSING
                if amount == _TOO_GREAT:
                    is_left = True
                    break
                line = np.uint64(count)  # for what cannot be below nought numba need not look whether it is
                line_item[line], line_rule[line] = item, rule
                line_row[line], line_number[line] = rows[head], numbers[item]
                line_amount[line], line_base[line], line_fact[line], line_how[line] = amount, base, fact, how
                line_firm[line] = is_firm
                if has_sale:
                    line_sale[line] = sale
                count += 1
                if is_counted:
                    slots[BEFORE] = both(slots[BEFORE], amount)
                    slots[rules[rule, SLOT]] = both(slots[rules[rule, SLOT]], amount)
                    if not rules[rule, IS_TAX]:
                        slots[NO_TAX] = both(slots[NO_TAX], amount)
            for at in range(begins[place_met], begins[place_met + 1]):
                met_of[met[at, _KIND]] = -1
            if has_charges[place]:
                tax_bases[item] = both(tax_base[item], slots[NO_TAX])
            if is_left:
                break
        if is_left:
            count = before
        for item in range(begun, ended):
            left[item] = is_left
            if is_left:
                lacking[item], duty_of[item], tax_bases[item] = False, NO_MEASURE, tax_base[item]
        stretch += 1
    return stretch, count, False
