"""What assessment could not do, said as findings: unknown law is never a zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from tidewaiter.assessment.charging import Charged
from tidewaiter.assessment.duties import MASS, QUANTITY, VALUE_OF, is_reckoned, missing_from
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import Details, Terms
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law.expressions import Unsupported
from tidewaiter.law.expressions.formula import KINDS as KINDS_UNSUPPORTED
from tidewaiter.law.measures import NO_MEASURE
from tidewaiter.law.rules import KNOWN_MAX
from tidewaiter.model.batch import ROW
from tidewaiter.model.exact import MISSING, Whole, Yes, has_gap, known, series, taken, told_apart
from tidewaiter.model.finding import FINDINGS, Kind
from tidewaiter.model.keeping import kept

KINDS = (
    Kind(
        code="ASM-01",
        severity="warning",
        text="No law is held here for this country on this day, so nothing was assessed.",
        remedy="Check the country and the day of acceptance; an officer may have the law of that day added.",
        law="",
    ),
    Kind(
        code="ASM-02",
        severity="warning",
        text="No rate of exchange is known for {detail} on this day.",
        remedy="State the value in the country's own currency, or wait for the rate to be entered.",
        law="WTO Customs Valuation Agreement, art. 9",
    ),
    Kind(
        code="ASM-03",
        severity="warning",
        text="The tariff held here says nothing of commodity code {detail} on this day.",
        remedy="Check the code, and give all the digits the tariff has; an officer can set the rate.",
        law="",
    ),
    Kind(
        code="ASM-04",
        severity="warning",
        text="No revenue regime held here fits this consignment.",
        remedy="Check the procedure, the category and the value; an officer will say which treatment applies.",
        law="",
    ),
    Kind(
        code="ASM-05",
        severity="warning",
        text="The goods have no value, so nothing can be assessed.",
        remedy="State the price paid for the line, or the customs value, with its currency. A gift has a value too.",
        law="WTO Customs Valuation Agreement, art. 1",
    ),
    Kind(
        code="ASM-06",
        severity="warning",
        text="Duty is reckoned by quantity here, and the quantity is missing: {detail}.",
        remedy="State the net mass in kilograms, or the quantity in the unit that the tariff asks for.",
        law="",
    ),
    Kind(
        code="ASM-07",
        severity="note",
        text="Carriage is not in a price of {detail} and is not stated apart, so the customs value lacks it.",
        remedy="State what carriage and insurance cost, or the delivery term that includes them.",
        law="WTO Customs Valuation Agreement, art. 8.2",
    ),
    Kind(
        code="ASM-08",
        severity="warning",
        text="The rates of a tax on these goods ({detail}) are not held here.",
        remedy="An officer can set what is due; nothing was taken for it.",
        law="",
    ),
    Kind(
        code="ASM-09",
        severity="warning",
        text="The preference claimed is not held here for this code and {detail}, so the full rate was taken.",
        remedy="Check the country of preferential origin; an officer can apply the preference on proof of origin.",
        law="",
    ),
    Kind(
        code="ASM-10",
        severity="error",
        text="An amount is too great to be reckoned with.",
        remedy="Check the price, the carriage and the additions, and their currencies, and how much there is.",
        law="",
    ),
    Kind(
        code="ASM-11",
        severity="note",
        text="Law sets a limit by the person here, and what this person imported before is not known.",
        remedy="Nothing to do: none was counted here, but customs may count earlier parcels of the same person.",
        law="",
    ),
    Kind(
        code="ASM-12",
        severity="warning",
        text="The duty on these goods is not reckoned here: {detail}.",
        remedy="An officer can set the duty; nothing was taken for it.",
        law="",
    ),
    Kind(
        code="ASM-13",
        severity="warning",
        text="A duty is laid on a part of the goods only, and what that part is worth is not stated: {detail}.",
        remedy="State that value in the documents; an officer can set the duty. Nothing was taken for it, nor for "
        "what is laid on the rest.",
        law="",
    ),
    Kind(
        code="ASM-14",
        severity="warning",
        text="{detail}.",
        remedy="If that is not so, correct what is declared, such as where the goods are delivered. Else an officer "
        "says what is to be done.",
        law="",
    ),
)
"""Every kind of finding that assessment makes."""

LEAVES_UNKNOWN = frozenset(
    {"ASM-01", "ASM-02", "ASM-03", "ASM-04", "ASM-05", "ASM-06", "ASM-08", "ASM-10", "ASM-12", "ASM-13", "ASM-14"}
)
"""Those after which something that is due, or whether anything is, is not known."""

BEFORE_CARRIAGE = ("EXW", "FCA", "FAS", "FOB")
"""Delivery terms whose price leaves the main carriage out (Incoterms 2020, groups E and F)."""

_SEVERITY = {kind.code: kind.severity for kind in KINDS}


def shortcomings(terms: Terms, worth: Worth, choice: Choice, charged: Charged) -> pl.DataFrame:
    """A row for each thing that could not be assessed, as a frame FINDINGS."""
    found = [_found("ASM-01", terms.unknown, "/jurisdiction")]
    found += _of_values(terms, worth)
    found += _of_goods(terms, worth, charged)
    found.append(_found("ASM-04", terms.rows[choice.chosen < 0], ""))
    found.append(_found("ASM-11", terms.rows[choice.unknown_past], "/parties"))
    found.append(_of_officers(terms, choice))
    found += _of_carriage(terms)
    found += _of_formulas(terms, *charged.layers)
    found.append(_of_items("ASM-08", terms, charged.untaxed[0], detail=charged.untaxed[1]))
    some = [one for one in found if len(one)]
    return pl.concat(some) if some else _NONE


_NONE = pl.DataFrame(schema=FINDINGS)


def _found(
    code: str, rows: Whole, pointer: str | pl.Series, *, items: Whole | None = None, detail: Details | None = None
) -> pl.DataFrame:
    """The same finding in many rows. `detail`: for each its place among the texts, and these."""
    size = len(rows)
    if not size:
        return _NONE

    def same(name: str, value: str | None) -> pl.Series:
        return pl.Series(name, [value], dtype=FINDINGS[name]).new_from_index(0, size)

    return pl.DataFrame(
        [
            pl.Series("row", rows, dtype=ROW),
            same("item", None) if items is None else series("item", items, ROW),
            same("code", code),
            same("severity", _SEVERITY[code]),
            same("pointer", pointer) if isinstance(pointer, str) else pointer.alias("pointer"),
            same("detail", None) if detail is None else _texts(*detail).alias("detail"),
        ]
    )


def _texts(which: Whole, texts: Sequence[str | None]) -> pl.Series:
    return taken(pl.Series(texts, dtype=pl.String), which)


def _of_items(code: str, terms: Terms, at: Whole, field: str = "", detail: Details | None = None) -> pl.DataFrame:
    """The same finding on goods items, given by their places."""
    if not len(at):
        return _NONE
    items = terms.numbers("item")[at]
    return _found(code, terms.rows[terms.head_of[at]], _pointers(items, field), items=items, detail=detail)


def _pointers(items: Whole, field: str = "") -> pl.Series:
    numbers, which = np.unique(items, return_inverse=True)
    return _texts(which, [f"/items/{number}{field}" for number in numbers.tolist()])


def _of_goods(terms: Terms, worth: Worth, charged: Charged) -> Iterator[pl.DataFrame]:
    tariff = terms.law.tariff
    lacking = np.flatnonzero(charged.lacking)
    has_measure = charged.measure[lacking] != NO_MEASURE
    unknown, by_formula = lacking[~has_measure], lacking[has_measure]
    if len(unknown):
        which, codes = terms.items_apart("hs_code")
        yield _of_items("ASM-03", terms, unknown, "/hs_code", (which[unknown], [code or "" for code in codes]))
    if has_gap(worth.goods):
        unstated = (worth.price == MISSING) & (worth.declared == MISSING)
        unvalued = (worth.goods == MISSING) & (worth.customs_value == MISSING)
        yield _of_items("ASM-05", terms, np.flatnonzero(unstated & unvalued), "/price")
    by_formula = by_formula[tariff.plain_ppm[charged.measure[by_formula]] == MISSING]
    yield from _of_formulas(terms, by_formula, charged.measure[by_formula], worth.customs_value[by_formula])
    preferred, countries = charged.preferred
    if len(countries) > 1:
        is_held = charged.measure != NO_MEASURE
        refused = np.flatnonzero((preferred > 0) & is_held & ~tariff.is_preference[charged.measure])
        yield _of_items("ASM-09", terms, refused, "/preference", (preferred[refused], countries))


def _of_formulas(terms: Terms, at: Whole, measure: Whole, value: Whole | None = None) -> Iterator[pl.DataFrame]:
    """Why duties by formula did not come out on the goods items at these places, by the measure and value of each;
    without values they are besides a usual duty."""
    if not len(at):
        return
    unit, units = terms.items_apart("quantity_unit")
    mass, quantity = (terms.numbers(name)[at] != MISSING for name in (MASS, QUANTITY))
    # Goods under the same measure that state the same things lack the same.
    alike = ((measure * len(units) + unit[at]) * 2 + mass) * 2 + quantity
    keys, which = np.unique(alike, return_inverse=True)
    reasons: dict[str, list[str | None]] = {code: [None] * len(keys) for code in ("ASM-12", "ASM-13", "ASM-06")}
    known_reasons: dict[Any, tuple[str, str | None]] = terms.law.remembered("why duties do not come out", dict)
    for place, key in enumerate(keys.tolist()):
        about = key // 4 // len(units), units[key // 4 % len(units)], key & 3, value is None
        code, text = kept(known_reasons, about, partial(_reason, terms, *about), at_most=KNOWN_MAX)
        reasons[code][place] = text
    for code, texts in reasons.items():
        here = np.flatnonzero(np.array([text is not None for text in texts], np.bool_)[which])
        yield _of_items(code, terms, at[here], "/hs_code" if code == "ASM-12" else "", (which[here], texts))
    if value is not None:
        is_explained = np.array([any(texts) for texts in zip(*reasons.values(), strict=True)], np.bool_)[which]
        yield _of_items("ASM-10", terms, at[~is_explained & (value != MISSING)], "/quantity")


def _reason(terms: Terms, measure: int, unit: str | None, stated_as: int, besides: bool) -> tuple[str, str | None]:
    """The kind of finding and its detail; None where nothing is wanting. `stated_as`: in bits, whether a quantity and a
    mass are stated."""
    formula = terms.law.tariff.formulas[measure]
    stated = [name for name, has in ((MASS, stated_as & 2), (QUANTITY, stated_as & 1)) if has]
    if isinstance(formula, Unsupported):
        return "ASM-12", KINDS_UNSUPPORTED[formula.kind]
    if not is_reckoned(formula, besides=besides):
        return "ASM-12", KINDS_UNSUPPORTED["reference"]
    lacking = missing_from(formula, unit, stated)
    return "ASM-13" if lacking and lacking.startswith(VALUE_OF) else "ASM-06", lacking


def _of_officers(terms: Terms, choice: Choice) -> pl.DataFrame:
    """Consignments under a regime by which nothing is reckoned, and why."""
    told = [f"{one.officer} ({one.source})" if one.officer else None for one in choice.regimes]
    if not any(told):
        return _NONE
    has = np.array([*(text is not None for text in told), False], np.bool_)
    at = np.flatnonzero(has[choice.chosen])
    return _found("ASM-14", terms.rows[at], "/parties", detail=(choice.chosen[at], told))


def _of_carriage(terms: Terms) -> Iterator[pl.DataFrame]:
    """A price that leaves carriage out, where the customs value has it in and it is not stated."""
    delivery = terms.of_heads("incoterm")
    if delivery.null_count() == len(delivery):
        return
    in_value = terms.by_place(lambda place: place.ground.customs_value == "CIF") == 1
    unstated = known(terms.of_heads("freight_micro")) == MISSING
    which = terms.batch.apart("consignments", "incoterm").among(BEFORE_CARRIAGE)[terms.heads]
    lacks = np.flatnonzero((which >= 0) & in_value & unstated)
    yield _found("ASM-07", terms.rows[lacks], "/freight", detail=(which[lacks], BEFORE_CARRIAGE))


def _of_values(terms: Terms, worth: Worth) -> Iterator[pl.DataFrame]:
    """Amounts without a rate of exchange, and values too great, of goods whose value did not come out."""
    if not has_gap(worth.customs_value) and not has_gap(worth.tax_base):
        return
    lost = (worth.customs_value == MISSING) | (worth.tax_base == MISSING)
    explained = np.zeros(len(terms.heads), np.bool_)
    for heads, found in _without_rate(terms, lost):
        explained[heads] = True
        yield found
    stated = (worth.price != MISSING) | (worth.declared != MISSING)
    too_great = (worth.customs_value == MISSING) & stated & ~explained[terms.head_of]
    yield _of_items("ASM-10", terms, np.flatnonzero(too_great), "/price")


def _without_rate(terms: Terms, lost: Yes) -> Iterator[tuple[Whole, pl.DataFrame]]:
    """The amounts without a rate of exchange in consignments with goods whose value is not known, with their heads."""
    items = np.flatnonzero(lost)
    heads = np.unique(terms.head_of[items])
    for name in ("price", "customs_value", "freight"):
        at = items if name != "customs_value" else items[known(terms.of_items("price_micro"))[items] == MISSING]
        at, currency = _lacking(terms, at, terms.head_of[at], terms.of_items(f"{name}_currency"))
        yield terms.head_of[at], _of_items("ASM-02", terms, at, f"/{name}", currency)
    for name in ("freight", "insurance", "discount"):
        at, currency = _lacking(terms, heads, heads, terms.of_heads(f"{name}_currency"))
        yield at, _found("ASM-02", terms.rows[at], f"/{name}", detail=currency)
    changes = terms.batch.adjustments
    if changes.is_empty():
        return
    of = terms.heads_of(changes["row"])
    at = np.flatnonzero(np.isin(of, heads))
    at, currency = _lacking(terms, at, of[at], changes["amount_currency"])
    some = changes.select("item", "position")[pl.Series(at)]
    pointers = [
        f"{'' if item is None else f'/items/{item}'}/adjustments/{position}/amount"
        for item, position in some.iter_rows()
    ]
    found = _found(
        "ASM-02", terms.rows[of[at]], pl.Series(pointers, dtype=pl.String), items=known(some["item"]), detail=currency
    )
    yield of[at], found


def _lacking(terms: Terms, at: Whole, heads: Whole, currency: pl.Series) -> tuple[Whole, Details]:
    """The places whose currency has no rate on the day of their head, and these currencies."""
    which, names = told_apart(taken(currency, at))
    is_named = np.array([name is not None for name in names], np.bool_)
    if not is_named.any():
        return at[:0], (which[:0], names)
    lacks = np.flatnonzero(is_named[which] & (terms.rates(names, which, heads)[0] == MISSING))
    return at[lacks], (which[lacks], names)
