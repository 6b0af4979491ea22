"""What assessment could not do, said as findings: unknown law is never a zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from tidewaiter.assessment.charging import Charged
from tidewaiter.assessment.duties import VALUE_OF, is_reckoned, missing_from
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import Terms
from tidewaiter.assessment.valuation import Worth
from tidewaiter.law import Law
from tidewaiter.law.expressions import Formula, Unsupported
from tidewaiter.law.expressions.formula import KINDS as KINDS_UNSUPPORTED
from tidewaiter.law.tariff import NO_MEASURE
from tidewaiter.model.exact import MISSING, Whole, Yes, known, taken, told_apart, yes
from tidewaiter.model.finding import FINDINGS, Kind

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
        remedy="Check the price, the carriage and the additions, and their currencies.",
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
)
"""Every kind of finding that assessment makes."""

LEAVES_UNKNOWN = frozenset(
    {"ASM-01", "ASM-02", "ASM-03", "ASM-04", "ASM-05", "ASM-06", "ASM-08", "ASM-10", "ASM-12", "ASM-13"}
)
"""Those after which something that is due, or whether anything is, is not known."""

BEFORE_CARRIAGE = ("EXW", "FCA", "FAS", "FOB")
"""Delivery terms whose price leaves the main carriage out (Incoterms 2020, groups E and F)."""

_SEVERITY = {kind.code: kind.severity for kind in KINDS}
_Found = tuple[int, int | None, str, str, str | None]
"""Row, item, code, pointer, detail."""


def shortcomings(terms: Terms, worth: Worth, choice: Choice, charged: Charged) -> pl.DataFrame:
    """A row for each thing that could not be assessed, as a frame FINDINGS."""
    found: list[_Found] = [(row, None, "ASM-01", "/jurisdiction", None) for row in terms.unknown.tolist()]
    found += _of_values(terms, worth, charged)
    found += _of_goods(terms, worth, charged)
    found += [(row, None, "ASM-04", "", None) for row in terms.rows[choice.chosen < 0].tolist()]
    found += [(row, None, "ASM-11", "/parties", None) for row in terms.rows[choice.unknown_past].tolist()]
    found += _of_carriage(terms)
    found += _of_layers(terms, charged.charges)
    found += _of_taxes(charged.charges, terms.law)
    if not found:
        return _NONE
    return pl.DataFrame(
        [(row, item, code, _SEVERITY[code], pointer, detail) for row, item, code, pointer, detail in found],
        schema=FINDINGS,
        orient="row",
    )


_NONE = pl.DataFrame(schema=FINDINGS)


def _line(item: int, field: str = "") -> str:
    return f"/items/{item}{field}"


def _each(terms: Terms, fails: Yes) -> Iterator[tuple[int, int, int]]:
    """Place, row and number of each goods item of which it holds."""
    at = np.flatnonzero(fails)
    if len(at):
        numbers = known(terms.of_items("item"))[at]
        yield from zip(at.tolist(), terms.rows[terms.head_of[at]].tolist(), numbers.tolist(), strict=True)


def _of_goods(terms: Terms, worth: Worth, charged: Charged) -> Iterator[_Found]:
    codes = terms.of_items("hs_code")
    for at, row, item in _each(terms, ~charged.duty_known):
        yield row, item, "ASM-03", _line(item, "/hs_code"), codes[at] or ""
    unstated = (worth.price == MISSING) & (worth.declared == MISSING)
    unvalued = (worth.goods == MISSING) & (worth.customs_value == MISSING)
    for _, row, item in _each(terms, unstated & unvalued):
        yield row, item, "ASM-05", _line(item, "/price"), None
    tariff = terms.law.tariff
    by_formula = charged.lacking & (charged.measure != NO_MEASURE) & (tariff.plain_ppm[charged.measure] == MISSING)
    for at, row, item in _each(terms, by_formula):
        yield from _of_formula(terms, tariff.formulas[charged.measure[at]], at, row, item)
    preferred, countries = charged.preferred
    third = (charged.measure != NO_MEASURE) & ~tariff.is_preference[charged.measure]
    for at, row, item in _each(terms, (preferred > 0) & third):
        yield row, item, "ASM-09", _line(item, "/preference"), countries[preferred[at]]


def _of_formula(
    terms: Terms, formula: Formula | Unsupported, at: int, row: int, item: int, *, besides: bool = False
) -> Iterator[_Found]:
    """Why a duty by this formula did not come out on the goods item at this place; `besides`: besides a usual duty."""
    if isinstance(formula, Unsupported):
        yield row, item, "ASM-12", _line(item, "/hs_code"), KINDS_UNSUPPORTED[formula.kind]
    elif not is_reckoned(formula, besides=besides):
        yield row, item, "ASM-12", _line(item, "/hs_code"), KINDS_UNSUPPORTED["reference"]
    elif lacking := missing_from(terms, formula, at):
        yield row, item, "ASM-13" if lacking.startswith(VALUE_OF) else "ASM-06", _line(item), lacking


def _of_layers(terms: Terms, charges: pl.DataFrame) -> Iterator[_Found]:
    """Layers besides the usual duty that did not come out."""
    law = terms.law
    unknown = np.flatnonzero(
        (known(charges["amount_micro"]) == MISSING)
        & (known(charges["fact"]) != MISSING)
        & law.is_layer[known(charges["rule"])]
    )
    if not len(unknown):
        return
    lines = charges[unknown]
    places = terms.items_of(lines["row"], lines["item"]).tolist()
    for at, (row, item, fact) in zip(places, lines.select("row", "item", "fact").iter_rows(), strict=True):
        yield from _of_formula(terms, law.tariff.formulas[fact], at, row, item, besides=True)


def _of_carriage(terms: Terms) -> Iterator[_Found]:
    """A price that leaves carriage out, where the customs value has it in and it is not stated."""
    delivery = terms.of_heads("incoterm")
    if delivery.null_count() == len(delivery):
        return
    in_value = terms.by_place(lambda place: place.ground.customs_value == "CIF") == 1
    unstated = known(terms.of_heads("freight_micro")) == MISSING
    lacks = yes(delivery.is_in(BEFORE_CARRIAGE)) & in_value & unstated
    for at in np.flatnonzero(lacks).tolist():
        yield int(terms.rows[at]), None, "ASM-07", "/freight", delivery[at]


def _of_taxes(charges: pl.DataFrame, law: Law) -> Iterator[_Found]:
    """Taxes, and duties laid down like one, whose rates are not held."""
    untold = np.flatnonzero((known(charges["fact"]) == MISSING) & law.is_by_tax[known(charges["rule"])])
    for row, item, code in charges[untold].select("row", "item", "code").iter_rows() if len(untold) else ():
        yield row, item, "ASM-08", _line(item), code


def _of_values(terms: Terms, worth: Worth, charged: Charged) -> Iterator[_Found]:
    """Amounts without a rate of exchange, and values too great, of goods whose value did not come out."""
    lost = charged.tax_base == MISSING
    if not lost.any():
        return
    explained = np.zeros(len(terms.heads), np.bool_)
    for head, found in _without_rate(terms, lost):
        explained[head] = True
        yield found
    stated = (worth.price != MISSING) | (worth.declared != MISSING)
    for _, row, item in _each(terms, (worth.customs_value == MISSING) & stated & ~explained[terms.head_of]):
        yield row, item, "ASM-10", _line(item, "/price"), None


def _without_rate(terms: Terms, lost: Yes) -> Iterator[tuple[int, _Found]]:
    """Each amount without a rate of exchange, in consignments with goods whose value is not known, with its head."""
    items = np.flatnonzero(lost)
    heads = np.unique(terms.head_of[items])
    numbers = known(terms.of_items("item"))
    for name, fields in (("price", "/price"), ("customs_value", "/customs_value"), ("freight", "/freight")):
        at = items if name != "customs_value" else items[known(terms.of_items("price_micro"))[items] == MISSING]
        for place, currency in _lacking(terms, at, terms.head_of[at], terms.of_items(f"{name}_currency")):
            head, item = int(terms.head_of[place]), int(numbers[place])
            yield head, (int(terms.rows[head]), item, "ASM-02", _line(item, fields), currency)
    for name in ("freight", "insurance", "discount"):
        for head, currency in _lacking(terms, heads, heads, terms.of_heads(f"{name}_currency")):
            yield head, (int(terms.rows[head]), None, "ASM-02", f"/{name}", currency)
    changes = terms.batch.adjustments
    if changes.is_empty():
        return
    of = terms.heads_of(changes["row"])
    at = np.flatnonzero(np.isin(of, heads))
    for place, currency in _lacking(terms, at, of[at], changes["amount_currency"]):
        item, position = changes["item"][place], changes["position"][place]
        pointer = f"{'' if item is None else _line(item)}/adjustments/{position}/amount"
        yield int(of[place]), (int(terms.rows[of[place]]), item, "ASM-02", pointer, currency)


def _lacking(terms: Terms, at: Whole, heads: Whole, currency: pl.Series) -> Iterator[tuple[int, str]]:
    """The places whose currency has no rate on the day of their head."""
    if not len(at):
        return
    which, names = told_apart(taken(currency, at))
    is_named = np.array([name is not None for name in names], np.bool_)
    lacks = is_named[which] & (terms.rates(names, which, heads)[0] == MISSING)
    for place in np.flatnonzero(lacks).tolist():
        yield int(at[place]), names[which[place]]
