"""What assessment could not do, said as findings: unknown law is never a zero."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl

from tidewaiter.assessment.charging import Charged
from tidewaiter.assessment.regimes import Choice
from tidewaiter.assessment.terms import PLACE, Terms
from tidewaiter.model.batch import ROW, Batch
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
        text="Duty is reckoned by quantity here, and the quantity is missing.",
        remedy="State the net mass in kilograms, or the number of pieces.",
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
)
"""Every kind of finding that assessment makes."""

BEFORE_CARRIAGE = ("EXW", "FCA", "FAS", "FOB")
"""Delivery terms whose price leaves the main carriage out (Incoterms 2020, groups E and F)."""


def shortcomings(batch: Batch, terms: Terms, chosen: Choice, charged: Charged) -> pl.DataFrame:
    """A row for each thing that could not be assessed, as a frame FINDINGS."""
    tests = _tests()
    found = _failed(terms.unknown, tests.of_unknown)
    if charged.items["tax_base_micro"].null_count():
        without_rate = _without_rate(batch, terms, charged.items)
        explained = pl.concat([found["row"] for found in without_rate]) if without_rate else pl.Series(dtype=ROW)
        is_lost = tests.is_lost & ~pl.col("row").is_in(explained.implode())
        found += [*without_rate, *_failed(charged.items, [_Test("ASM-10", is_lost, LINE + "/price")])]
    found += _failed(charged.items, tests.of_items)
    if chosen.heads["place"].null_count():
        found += _failed(chosen.heads, tests.of_choice)
    found += _failed(terms.heads, tests.of_heads) + _failed(charged.charges, tests.of_charges)
    return pl.concat(found) if found else _NONE


_SEVERITY = {kind.code: kind.severity for kind in KINDS}
_NONE = pl.DataFrame(schema=FINDINGS)
LINE = pl.format("/items/{}", "item")


@dataclass(frozen=True, slots=True)
class _Test:
    """A shortcoming, the rows that have it, and where it is."""

    code: str
    fails: pl.Expr
    pointer: pl.Expr
    detail: pl.Expr = pl.lit(None, pl.String)  # noqa: RUF009 - an expression is a value that nobody can change


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tests:
    """The tests of each frame; `is_lost`: a value stated that did not come out, whatever the reason."""

    of_unknown: list[_Test]
    of_items: list[_Test]
    of_choice: list[_Test]
    of_heads: list[_Test]
    of_charges: list[_Test]
    is_lost: pl.Expr


@cache
def _tests() -> _Tests:
    unvalued = pl.col("goods_micro").is_null() & pl.col("customs_value_micro").is_null()
    priced = pl.coalesce("price_micro", "declared_micro").is_not_null()
    quantity = pl.when(pl.col("unit") == "KGM").then("net_mass_micro").otherwise("quantity_micro")
    not_held = pl.col("preferred").is_not_null() & (pl.col("kind") == "third_country")
    lacks_carriage = pl.col("incoterm").is_in(BEFORE_CARRIAGE) & pl.col("freight_micro").is_null()
    is_untold = (pl.col("type") == "tax") & (pl.col("rate") == "unknown")
    return _Tests(
        of_unknown=[_Test("ASM-01", pl.lit(value=True), pl.lit("/jurisdiction"))],
        of_items=[
            _Test("ASM-03", ~pl.col("duty_known"), LINE + "/hs_code", pl.col("hs_code").fill_null("")),
            _Test("ASM-05", unvalued & ~priced, LINE + "/price"),
            _Test("ASM-06", pl.col("specific_micro").is_not_null() & quantity.is_null(), LINE),
            _Test("ASM-09", not_held, LINE + "/preference", pl.col("preferred")),
        ],
        of_choice=[_Test("ASM-04", pl.col("place").is_null(), pl.lit(""))],
        of_heads=[
            _Test("ASM-07", pl.col("value_has_carriage") & lacks_carriage, pl.lit("/freight"), pl.col("incoterm"))
        ],
        of_charges=[_Test("ASM-08", is_untold, LINE, pl.col("code"))],
        is_lost=pl.col("customs_value_micro").is_null() & priced,
    )


def _failed(frame: pl.DataFrame, tests: list[_Test]) -> list[pl.DataFrame]:
    """The findings of those tests that some row fails: looked at together, since most fail nowhere."""
    if frame.is_empty():
        return []
    some = frame.select(test.fails.any().alias(test.code) for test in tests).row(0, named=True)
    item = pl.col("item") if "item" in frame.columns else pl.lit(None, pl.UInt32)
    return [
        frame.filter(test.fails).select(
            row="row",
            item=item,
            code=pl.lit(test.code),
            severity=pl.lit(_SEVERITY[test.code]),
            pointer=test.pointer,
            detail=test.detail,
        )
        for test in tests
        if some[test.code]
    ]


def _without_rate(batch: Batch, terms: Terms, items: pl.DataFrame) -> list[pl.DataFrame]:
    """A finding for each amount without a rate of exchange, in consignments with goods whose value is not known."""
    if not items["tax_base_micro"].null_count():
        return []
    unvalued = items.filter(pl.col("tax_base_micro").is_null()).select("row", "item")
    heads = terms.heads.join(unvalued, on="row", how="semi").with_columns(item=pl.lit(None, pl.UInt32))
    goods = batch.items.join(unvalued, on=["row", "item"], how="semi").join(heads.select("row", *PLACE), on="row")
    changes = batch.adjustments.join(heads.select("row", *PLACE), on="row")
    line, place = pl.format("/items/{}", "item"), pl.format("/adjustments/{}/amount", "position")
    stated = [
        (goods, "price", line + "/price"),
        (goods.filter(goods["price_micro"].is_null()), "customs_value", line + "/customs_value"),
        (goods, "freight", line + "/freight"),
        *((heads, name, pl.lit(f"/{name}")) for name in ("freight", "insurance", "discount")),
        (changes, "amount", pl.concat_str(pl.coalesce(line, pl.lit("")), place)),
    ]
    currencies = {name for frame, of, _ in stated for name in frame[f"{of}_currency"].unique() if name is not None}
    rates = terms.rates(tuple(sorted(currencies)), "")
    lacking = rates.filter(pl.col("_to_home").is_null() | pl.col("_of_home").is_null())
    return [
        frame.join(lacking, left_on=[*PLACE, f"{name}_currency"], right_on=[*PLACE, "priced_in"], how="semi").select(
            row="row",
            item="item",
            code=pl.lit("ASM-02"),
            severity=pl.lit(_SEVERITY["ASM-02"]),
            pointer=pointer,
            detail=f"{name}_currency",
        )
        for frame, name, pointer in (stated if lacking.height else ())
    ]
