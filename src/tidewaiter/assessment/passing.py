"""What the loop over goods needs to charge them, laid out in arrays, and the loop itself.

What is in it of law alone is kept with the law. Import this only where numba is wanted: see `model/kernels.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tidewaiter.assessment import kernel
from tidewaiter.assessment.arithmetic import said_of_measures, tax_rates, where_charged
from tidewaiter.assessment.duties import MASS, QUANTITY, Sum, is_reckoned, ready_sum, size_of, stated_in
from tidewaiter.assessment.framing import Lines, no_lines
from tidewaiter.assessment.lines import BASES, Reached, fixed_at
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import Terms
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law import Law
from tidewaiter.law.expressions import Formula, Unsupported
from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.measures import Laid
from tidewaiter.law.rules import ChargeRule, Displacing, Regime
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import GREATEST, Whole, Yes
from tidewaiter.model.money import MICRO

Columns = TypeVar("Columns", bound=tuple[Any, ...])
_CLAUSES = ("parts", "at_least", "at_most")
_LINES = 2
"""So many lines an item has as a rule; room for more is made where there are."""
_MORE = 256
"""So much room there is besides, for a few goods with many charges."""
_TAKEN = ("relief", "rate", "flat", "tariff", "tax")
"""The arithmetics that the loop knows."""
_NO_SUM = Sum((), (), 1)
_RULES = 62
"""So many rules of a regime are bits of one number."""
_NOBODY = np.zeros(0, np.int64)
_NOTHING_LAID = Laid(np.zeros(2, np.int32), np.zeros((0, 4), np.int32))


class _Formulas(NamedTuple):
    """The formulas of a tariff as arrays (see `kernel.Books`), the currencies of their amounts, and what their parts
    measure besides value and mass."""

    formulas: Whole
    parts: Whole
    denominators: Whole
    currencies: dict[str, int]
    names: list[str]


def ready() -> None:
    """Compile the loop, or take it from where it is kept."""
    one, yes, table = np.zeros(1, np.int64), np.zeros(1, np.bool_), np.zeros((1, kernel.RULE), np.int64)
    books = kernel.Books(0, table, table, one, table, one, table, one, table, table, table, one, yes)
    here = kernel.Here(one, one, one, yes, one, yes, table)
    chosen = kernel.Chosen(one, one, yes, one, np.zeros((1, 1), np.bool_))
    nobody = kernel.Heads(_NOBODY, one, one, one, one)
    items = kernel.Items(one, one, one, one, one, one, one, one, one, one, one, one, table, np.zeros((1, 1), np.bool_))
    where = _to_read(here), _to_read(chosen)
    fate = kernel.Fate(one, yes, one, yes)
    _looped((_to_read(books), _to_read(_NOTHING_LAID)), where, (nobody, items, table), fate)


def charged(terms: Terms, worth: Worth, choice: Choice, reached: Reached) -> list[Lines]:
    """The lines of the goods that the loop can charge, of each tariff by themselves; `reached` tells what is left."""
    law = terms.law
    bounds = [_bounds(one) for one in choice.regimes]
    rules = [rule for first, last in bounds for rule in law.charge_rules[first:last]]
    if not rules:
        return []
    formulas = law.remembered("formulas as arrays", lambda: _formulas(law))
    tariff, row = reached.tariff, np.full(len(law.charge_rules), -1, np.int64)
    asks = any(rule.arithmetic == "tariff" for rule in rules)
    has_sale = any(rule.due == "sale" for rule in rules)
    sort = tariff.goods.sort if asks else terms.nothing
    preferred = tariff.goods.preferred if asks and len(tariff.goods.countries) > 1 else _NOBODY
    unit, units = terms.items_apart("quantity_unit")
    origin, origins = terms.items_apart("origin_country")
    items = kernel.Items(
        terms.numbers("item"), sort, terms.items_apart("hs_code")[0], origin,
        worth.goods, worth.carriage, worth.customs_value, worth.tax_base,
        terms.numbers(MASS), terms.numbers(QUANTITY), unit, preferred, *_taxes(terms, rules, row),
    )  # fmt: skip
    here = _here(terms, formulas, _fixed(terms, rules, row))
    first, last = np.array([*bounds, (0, 0)], np.int64).T.copy()
    asks_tariff = np.array(
        [any(one.arithmetic == "tariff" for one in law.charge_rules[a:b]) for a, b in (*bounds, (0, 0))]
    )
    chosen = kernel.Chosen(first, last, asks_tariff, row, _of_origins(law, origins))
    heads = kernel.Heads(
        terms.owners, np.append(terms.starts, len(terms.items)), terms.rows, choice.chosen, terms.place
    )
    sizes = np.array([[0] * len(units)] * 2 + [[size_of(one, name) for one in units] for name in formulas.names])
    goods = heads, items, sizes
    fate = kernel.Fate(tariff.measure, reached.lacking, reached.tax_base, reached.left)
    blocks = []
    for number, schedule in enumerate(tariff.schedules):
        books = _books_of(law, schedule)
        laid = law.tariff.of(schedule).laid(tariff.goods.sorts) if asks else _NOTHING_LAID
        under = here._replace(is_under=tariff.schedule_of == number)
        blocks.append(
            _looped((books, _to_read(laid)), (_to_read(under), _to_read(chosen)), goods, fate, has_sale=has_sale)
        )
    return blocks


def _looped(
    law: kernel.Law, where: kernel.Where, goods: kernel.Goods, fate: kernel.Fate, *, has_sale: bool = False
) -> Lines:
    """The lines that the loop makes of the goods, as many as there are."""
    heads, items, (sizes,) = _to_read(goods[0]), _to_read(goods[1]), _to_read(goods[2:])
    lines, stretch, count = no_lines(_LINES * len(items.sort) + _MORE, has_sale=has_sale), 0, 0
    while True:
        stretch, count = kernel.charged(law, where, (heads, items, sizes), (fate, lines), (stretch, count))
        made = Lines(**{name: getattr(lines, name)[:count] for name in Lines._fields})
        if stretch == len(heads.owners):
            return made
        lines = no_lines(2 * len(lines.item), has_sale=has_sale)
        for name in Lines._fields:
            getattr(lines, name)[: len(getattr(made, name))] = getattr(made, name)


def _to_read(columns: Columns) -> Columns:
    """The same arrays, not to be written on: the loop is compiled for such, and some of them are lent by frames."""

    def view(column: Any) -> Any:
        if not isinstance(column, np.ndarray):
            return column
        seen = column.view()
        seen.flags.writeable = False
        return seen

    made = (view(column) for column in columns)
    return type(columns)(made) if type(columns) is tuple else type(columns)(*made)


def _bounds(regime: Regime) -> tuple[int, int]:
    """The numbers of the first rule of the regime and of that after its last; none where the loop cannot charge it."""
    codes: list[str] = []
    for rule in regime.charges:
        if not _is_plain(rule) or any(name not in (*BASES, "charges", *codes) for name in rule.base):
            return 0, 0
        codes.append(rule.code)
    if regime.value_share_ppm != MICRO or not 0 < len(codes) <= _RULES:
        return 0, 0
    first = regime.charges[0].number
    return first, first + len(codes)


def _is_plain(rule: ChargeRule) -> bool:
    """Whether the charge is reckoned item by item, and collected as it is reckoned."""
    if rule.arithmetic not in _TAKEN:
        return False
    bounds = (rule.minimum_micro, rule.maximum_micro, rule.waived_below_micro, rule.waived_up_to_micro)
    is_whole = rule.share_ppm == MICRO and not rule.minus_micro and all(one is None for one in bounds)
    return is_whole and rule.per != "consignment"


def _taxes(terms: Terms, rules: Sequence[ChargeRule], row: Whole) -> tuple[Whole, Yes]:
    """For each tax of the rules and each item the rate, and whether the class is firm; `row` is told where they are."""
    names = list(dict.fromkeys(rule.tax for rule in rules if rule.arithmetic == "tax"))
    rates, is_firm = np.zeros((max(len(names), 1), len(terms.items) if names else 1), np.int64), []
    for number, name in enumerate(names):
        rates[number], firm = tax_rates(name, terms)
        is_firm.append(firm)
        if (is_charged := where_charged(name, terms)) is not None:
            rates[number][~is_charged] = kernel.NOT_CHARGED
    for rule in rules:
        if rule.arithmetic == "tax":
            row[rule.number] = names.index(rule.tax)
    return rates, np.array(is_firm, np.bool_) if names else rates == 1


def _fixed(terms: Terms, rules: Sequence[ChargeRule], row: Whole) -> Whole:
    """For each rule with a flat amount what it comes to in each place; `row` is told where they are."""
    flat = [rule for rule in rules if rule.arithmetic == "flat"]
    row[[rule.number for rule in flat]] = np.arange(len(flat))
    amounts = [
        [fixed_at(place, terms.law, rule, (rule.amount_micro, rule.amount_currency)) for place in terms.places]
        for rule in flat
    ]
    return np.array(amounts, np.int64).reshape(len(flat), len(terms.places))


def _here(terms: Terms, formulas: _Formulas, fixed: Whole) -> kernel.Here:
    grounds, of_none = [place.ground for place in terms.places], len(formulas.currencies)
    return kernel.Here(
        day=terms.days,
        quantum=np.array([one.charge_quantum for one in grounds], np.int64),
        half_up=np.array([one.charge_rounding == "half_up" for one in grounds], np.int64),
        has_charges=np.array(["duty" in one.tax_base for one in grounds], np.bool_),
        currency=np.array([formulas.currencies.get(one.currency, of_none) for one in terms.places], np.int64),
        is_under=np.ones(len(grounds), np.bool_),
        fixed=fixed,
    )


def _of_origins(law: Law, origins: Sequence[str | None]) -> Yes:
    """Of each row of origins in the books, whether each country of origin is of it."""
    _, number_of, table = law.remembered("origins of layers", lambda: _origins(law))
    return table.take([number_of.get(name, 0) for name in origins], axis=1)


def _origins(law: Law) -> tuple[dict[tuple[str, ...], int], dict[str | None, int], Yes]:
    """The different origins for which layers give way: the row of each, the countries named, and who is of which."""
    ways = (one for rule in law.charge_rules for one in rule.unless if one.origins)
    rows = {names: number for number, names in enumerate(dict.fromkeys(one.origins for one in ways))}
    countries: list[str | None] = [None, *sorted(frozenset[str]().union(*rows))]
    table = np.array([[name in names for name in countries] for names in rows], np.bool_).reshape(-1, len(countries))
    return rows, {name: number for number, name in enumerate(countries)}, table


def _books_of(law: Law, schedule: str | None) -> kernel.Books:
    """What law says of charges under a tariff; worked out once."""
    return law.remembered(("charges as arrays", schedule), lambda: _to_read(_books(law, schedule)))


def _books(law: Law, schedule: str | None) -> kernel.Books:
    tariff, kinds = law.tariff, law.tariff.of(schedule).kinds
    formulas = law.remembered("formulas as arrays", lambda: _formulas(law))
    rows_of_origins, _, _ = law.remembered("origins of layers", lambda: _origins(law))
    table = np.zeros((len(law.charge_rules), kernel.RULE), np.int64)
    bases: list[int] = []
    given: list[tuple[int, ...]] = []
    layers: list[int] = []
    codes: dict[str, int] = {}
    due = np.zeros((len(law.charge_rules), len(kinds) + 1), np.int64)
    for rule, regime in zip(law.charge_rules, law.regime_of, strict=True):
        if rule.number == regime.charges[0].number:
            codes = {}
        first_base, first_given = len(bases), len(given)
        bases += [_slot(name, codes) for name in rule.base]
        for one in rule.unless if rule.measures else ():
            first_layer = len(layers)
            layers += [kinds[name] for name in one.layers if name in kinds]
            given.append((*_days(one), one.is_part, rows_of_origins.get(one.origins, -1), first_layer, len(layers)))
        slot = codes.setdefault(rule.code, kernel.CODES + len(codes))
        kind = kinds.get(rule.measures or "third_country", -1) if rule.arithmetic == "tariff" else -1
        is_layer = bool(rule.measures)
        first, bit = regime.charges[0].number, 1 << min(rule.number - regime.charges[0].number, _RULES)
        if kind >= 0 or not is_layer:
            due[first, kind if is_layer else len(kinds)] |= bit
        table[rule.number] = (
            _arithmetic(rule), rule.rate_ppm,
            kernel.AS_PLACE if rule.quantum is None else rule.quantum,
            rule.rounding == "half_up" if rule.rounding else kernel.AS_PLACE,
            rule.is_grossed_up, rule.confidence == "firm", kind, rule.type == "tax", slot,
            first_base, len(bases), first_given, len(given),
        )  # fmt: skip
    said = said_of_measures(law) | tariff.is_firm * kernel.SAID_FIRM | tariff.is_on_part * kernel.SAID_ON_PART
    return kernel.Books(
        kinds=len(kinds),
        due=due,
        rules=table,
        bases=np.array(bases, np.int64),
        given=np.array(given, np.int64).reshape(-1, kernel.GIVEN),
        layers=np.array(layers, np.int64),
        measures=np.stack([tariff.plain_ppm, said], axis=1),
        wording=tariff.wording,
        formulas=formulas.formulas,
        parts=formulas.parts,
        denominators=formulas.denominators,
        tax_ppm=law.tax_rate_ppm,
        tax_is_firm=law.tax_rate_is_firm,
    )


def _slot(name: str, codes: dict[str, int]) -> int:
    """Where the loop keeps what a charge is taken on; of a code that was not charged before nothing is asked."""
    if name in BASES:
        return BASES.index(name)
    return kernel.BEFORE if name == "charges" else codes.get(name, kernel.BEFORE)


def _days(one: Displacing) -> tuple[int, int]:
    since = -GREATEST if one.since is None else ordinal(one.since)
    return since, GREATEST if one.until is None else ordinal(one.until)


def _arithmetic(rule: ChargeRule) -> int:
    if rule.arithmetic == "flat":
        return kernel.BY_CODE if rule.per == "code" else kernel.EACH
    if rule.arithmetic == "tariff":
        return kernel.LAYER if rule.measures else kernel.USUAL
    if rule.arithmetic == "tax":
        return kernel.BY_SELLER if rule.due == "sale" else kernel.AT_BORDER
    return kernel.RELIEF if rule.arithmetic == "relief" else kernel.RATE


def _formulas(law: Law) -> _Formulas:
    """The formulas of the tariff as the loop reckons them, in the order of their wordings."""
    worded, asked = law.tariff.worded, law.tariff.currencies
    currencies = {name: number for number, name in enumerate(sorted(frozenset[str]().union(*asked)))}
    names = {VALUE: kernel.BY_VALUE}
    parts: list[tuple[int, int]] = []
    table = np.zeros((len(worded), kernel.FORMULA), np.int64)
    denominators = np.zeros((len(worded), len(_CLAUSES)), np.int64)
    for number, (formula, its) in enumerate(zip(worded, asked, strict=True)):
        if isinstance(formula, Formula) and formula.ppm is not None:
            continue  # of these the measure says all there is
        sums = list(_sums(formula, its))
        table[number, kernel.STANDS] = _stands(formula)
        table[number, kernel.CURRENCY] = _currency(its, currencies)
        if table[number, kernel.STANDS] == kernel.UNRECKONED:
            continue
        for clause, one in enumerate(sums):
            first = len(parts)
            for name, counted in zip(one.measured, one.numerators, strict=True) if one else ():
                is_mass = stated_in(name) == MASS and name != VALUE
                parts.append((kernel.BY_MASS if is_mass else names.setdefault(name, len(names) + 1), counted))
            denominators[number, clause] = one.denominator if one else 0
            stated = bool(getattr(formula, _CLAUSES[clause]))
            # A clause that is not known has one part, so that it is not taken for none.
            if one is None and stated:
                parts.append((kernel.BY_VALUE, 0))
            place = kernel.CLAUSES + 2 * clause
            table[number, place : place + 2] = first, len(parts)
    made = np.array(parts, np.int64).reshape(-1, 2)
    return _Formulas(table, made, denominators, currencies, list(names)[1:])


def _sums(formula: Formula | Unsupported, currencies: frozenset[str]) -> Iterator[Sum | None]:
    rates = dict.fromkeys(currencies, (1, 1))
    for clause in _CLAUSES:
        parts = getattr(formula, clause, ())
        yield ready_sum(parts, rates) if parts else _NO_SUM


def _stands(formula: Formula | Unsupported) -> int:
    if not isinstance(formula, Formula) or not is_reckoned(formula, besides=True):
        return kernel.UNRECKONED
    return kernel.BY_USUAL if formula.reference else kernel.RECKONED


def _currency(its: frozenset[str], numbers: Mapping[str, int]) -> int:
    if len(its) > 1:
        return kernel.SOME_MONEY
    return numbers[min(its)] if its else kernel.NO_MONEY
