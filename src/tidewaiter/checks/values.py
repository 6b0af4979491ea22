"""VAL: prices, totals and currencies. Sums are compared in one currency only, to a hundredth for each line."""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.rule import CHARGED, GOODS, IMPORT, ORIGINAL, rule, rule_of_values
from tidewaiter.law.in_force import InForce

_HUNDREDTH = 10_000
_TOKEN_AMOUNTS = (0, 10_000, 1_000_000)
"""0, 0.01 and 1.00: what stands where somebody did not want to state a value (UPU and WCO guidance on data quality)."""


@rule_of_values(
    {"price": "price_micro", "customs_value": "customs_value_micro"},
    "VAL-01",
    on="items",
    severity="warning",
    asked=GOODS,
)
def token_value(_: InForce, amount: pl.Expr) -> pl.Expr:
    """The value looks like a placeholder: 0, 0.01 or 1. State what the buyer paid, or what the goods would sell for
    if nothing was paid.

    Source: WCO-UPU guidelines on the quality of postal data; WTO Customs Valuation Agreement, art. 1.
    """
    return amount.is_in(_TOKEN_AMOUNTS)


@rule("VAL-02", on="items", field="price", severity="error", asked=IMPORT, lacks="price_micro")
def no_value(law: InForce) -> pl.Expr:
    """The item has no value. State the price of the line in the currency of the invoice; samples and gifts have a
    value too.

    Source: Union Customs Code, art. 70; WTO Customs Valuation Agreement, art. 1.
    """
    values = ("price_micro", "customs_value_micro", "statistical_value_micro", "invoice_total_micro")
    by_law = law.some_on_list("values-set-by-law", pl.col("additional_procedures"))
    return CHARGED & ~by_law & pl.all_horizontal(pl.col(name).is_null() for name in values)


@rule("VAL-03", on="consignments", field="paid", severity="warning", asked=ORIGINAL, needs="paid_micro")
def paid_differs(_: InForce) -> pl.Expr:
    """What was paid is not prices plus carriage, insurance and tax less discount. Correct the amount that is wrong,
    or state the one that is missing.

    Source: WCO-UPU guidelines on the quality of postal data: consistency of the order.
    """
    extras = ("freight", "insurance", "tax_collected")
    expected = pl.col("prices").cast(pl.Int128) - pl.col("discount_micro").fill_null(0)
    for name in extras:
        expected += pl.col(f"{name}_micro").fill_null(0)
    same = pl.all_horizontal(
        pl.col(f"{name}_currency").is_null() | (pl.col(f"{name}_currency") == pl.col("paid_currency"))
        for name in (*extras, "discount")
    )
    return same & _differs("paid", expected)


@rule(
    "VAL-04", on="consignments", field="invoice_total", severity="warning", asked=ORIGINAL, needs="invoice_total_micro"
)
def invoice_differs(_: InForce) -> pl.Expr:
    """The invoice total is not the sum of the prices of the items. Correct the total, or the price that is wrong.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 4/11 and 4/14.
    """
    return _differs("invoice_total", pl.col("prices"))


@rule("VAL-05", on="consignments", field="items", severity="note", asked=ORIGINAL, needs="mixed_currencies")
def currencies_mixed(_: InForce) -> pl.Expr:
    """The prices are in more than one currency. Each is converted by itself; make sure that this is what the invoice
    says.

    Source: Union Customs Code, art. 53(1).
    """
    return pl.col("mixed_currencies")


@rule_of_values(
    {
        f"{name}/currency": f"{name}_currency"
        for name in ("invoice_total", "paid", "freight", "insurance", "discount", "tax_collected")
    },
    "VAL-06",
    on="consignments",
    severity="error",
)
def unknown_currency(law: InForce, currency: pl.Expr) -> pl.Expr:
    """{detail} is not a currency that can be converted. Use the three letters of ISO 4217, for example EUR or CNY.

    Source: ISO 4217; Union Customs Code, art. 53(1).
    """
    return law.off_list("currencies", currency)


@rule_of_values(
    {f"{name}/currency": f"{name}_currency" for name in ("price", "customs_value", "freight")},
    "VAL-07",
    on="items",
    severity="error",
)
def unknown_currency_of_item(law: InForce, currency: pl.Expr) -> pl.Expr:
    """{detail} is not a currency that can be converted. Use the three letters of ISO 4217, for example EUR or CNY.

    Source: ISO 4217; Union Customs Code, art. 53(1).
    """
    return law.off_list("currencies", currency)


def _differs(name: str, expected: pl.Expr) -> pl.Expr:
    comparable = pl.col("all_priced") & ~pl.col("mixed_currencies") & (pl.col("currency") == pl.col(f"{name}_currency"))
    gap = (pl.col(f"{name}_micro").cast(pl.Int128) - expected).abs()
    # Lines are rounded one by one, and so may miss the total by a hundredth each.
    return comparable & (gap > _HUNDREDTH * pl.col("lines"))
