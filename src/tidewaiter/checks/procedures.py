"""PRC: procedure codes, and whether they agree with each other, with the scheme numbers and with the contents."""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.rule import ORIGINAL, rule
from tidewaiter.law.in_force import InForce


@rule("PRC-01", on="items", field="additional_procedures", severity="error", asked=ORIGINAL, needs="has_c08")
def two_reliefs(_: InForce) -> pl.Expr:
    """The item claims both C07 (low value) and C08 (gift between private persons). Claim the one that applies.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 1/11; Regulation (EC) No 1186/2009, art. 23 and
    25.
    """
    return pl.col("has_c07") & pl.col("has_c08")


@rule("PRC-02", on="items", field="additional_procedures", severity="warning", asked=ORIGINAL, needs="has_c08")
def gift_code_without_gift(_: InForce) -> pl.Expr:
    """C08 is for gifts, and the contents are declared as something else. Claim C07 for low-value goods that were
    sold, or correct the contents.

    Source: Regulation (EC) No 1186/2009, art. 25 to 27; Directive 2006/79/EC.
    """
    return pl.col("has_c08") & (pl.col("category") != "gift")


@rule("PRC-03", on="items", field="additional_procedures", severity="warning", asked=ORIGINAL, needs="has_c08")
def gift_code_from_business(_: InForce) -> pl.Expr:
    """C08 is for gifts from one private person to another, and the sender is a business. Claim C07 for low-value
    goods instead.

    Source: Regulation (EC) No 1186/2009, art. 25(1) and (2); Directive 2006/79/EC, art. 1.
    """
    return pl.col("has_c08") & pl.col("from_business")


@rule("PRC-04", on="items", field="procedure", severity="error", asked=ORIGINAL, needs="has_1h7")
def reduced_set_with_other_procedure(_: InForce) -> pl.Expr:
    """The super-reduced data set (1H7) is for release to free circulation alone. Use procedure 40 00, or declare with
    the full data set.

    Source: Delegated Regulation (EU) 2015/2446, art. 143a; UK Tariff vol. 3, CDS declaration category H7.
    """
    free = (pl.col("procedure") == "40") & pl.col("previous_procedure").fill_null("00").eq("00")
    return pl.col("has_1h7") & ~free.fill_null(value=True)


@rule("PRC-05", on="items", field="additional_procedures", severity="warning", asked=ORIGINAL, needs="has_1h7")
def reduced_set_without_relief(_: InForce) -> pl.Expr:
    """The super-reduced data set (1H7) goes with C07 or C08. Add the one that applies, or declare with the full data
    set.

    Source: Delegated Regulation (EU) 2015/2446, art. 143a; UK Tariff vol. 3, CDS declaration category H7.
    """
    return pl.col("has_1h7") & ~pl.col("has_c07") & ~pl.col("has_c08")


@rule("PRC-06", on="items", field="additional_procedures", severity="error", asked=ORIGINAL, needs="has_f48")
def scheme_code_without_number(_: InForce) -> pl.Expr:
    """F48 says that the seller accounts for the tax, but no scheme number is given. Add the IOSS number with role
    FR5, or take F48 out.

    Source: Directive 2006/112/EC, art. 143(1)(ca); Delegated Regulation (EU) 2015/2446, annex B, data element 3/40.
    """
    return pl.col("has_f48") & ~pl.col("has_scheme")


@rule("PRC-07", on="items", field="additional_procedures", severity="warning", asked=ORIGINAL, needs="has_scheme")
def scheme_number_without_code(_: InForce) -> pl.Expr:
    """A scheme number (FR5) is given, but the item does not claim F48. Add F48 if the seller charged the tax at the
    sale.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 1/11 and 3/40.
    """
    # Who sends no procedure codes at all leaves them to customs.
    return pl.col("is_coded") & pl.col("has_scheme") & ~pl.col("has_f48")


@rule("PRC-08", on="items", field="additional_procedures", severity="error", asked=ORIGINAL, needs="has_f49")
def two_ways_to_pay(_: InForce) -> pl.Expr:
    """The item claims both F48 (tax charged at the sale) and F49 (tax collected by the carrier). Claim the one that
    applies.

    Source: Directive 2006/112/EC, art. 143(1)(ca) and 369y.
    """
    return pl.col("has_f48") & pl.col("has_f49")


@rule("PRC-09", on="consignments", field="category", severity="warning", asked=ORIGINAL, needs="from_business_head")
def gift_from_business(_: InForce) -> pl.Expr:
    """The contents are declared as a gift, but the sender is a business. What a shop sends was sold, even where
    somebody else paid: declare a sale.

    Source: WCO-UPU guidelines on the quality of postal data; Regulation (EC) No 1186/2009, art. 25(1).
    """
    return (pl.col("category") == "gift") & pl.col("from_business_head")


@rule("PRC-10", on="consignments", field="category", severity="warning", asked=ORIGINAL, needs="order_id")
def gift_with_order(_: InForce) -> pl.Expr:
    """The contents are declared as a gift, but there is an order at a shop. Declare a sale with the price that was
    paid.

    Source: WCO-UPU guidelines on the quality of postal data; Regulation (EC) No 1186/2009, art. 25(2).
    """
    return (pl.col("category") == "gift") & pl.col("order_id").is_not_null()
