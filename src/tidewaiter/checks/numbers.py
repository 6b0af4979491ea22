"""IDN: the numbers that name parcels, papers and traders. A number that may yet be real is warned of only."""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.rule import ORIGINAL, rule, rule_of_values
from tidewaiter.law.in_force import InForce
from tidewaiter.model import identifiers

_POST = pl.col("channel").eq_missing("post")


@rule("IDN-01", on="consignments", field="tracking_id", severity="error", detail="tracking_id", lacks="is_postal")
def postal_check_digit(_: InForce) -> pl.Expr:
    """The item number {detail} fails its check digit, so no postal item has it. Read it again from the label or the
    bar code.

    Source: UPU standard S10, check digit.
    """
    return _POST & identifiers.s10_form(pl.col("parcel_number")) & ~pl.col("is_postal")


@rule("IDN-02", on="consignments", field="tracking_id", severity="warning", detail="tracking_id", lacks="is_postal")
def other_check_digit(_: InForce) -> pl.Expr:
    """The number {detail} looks like a postal item number, but its check digit is wrong. If the parcel goes by post,
    read it again from the label.

    Source: UPU standard S10, check digit.
    """
    return ~_POST & identifiers.s10_form(pl.col("parcel_number")) & ~pl.col("is_postal")


@rule("IDN-03", on="consignments", field="tracking_id", severity="warning", needs="tracking_id", lacks="is_postal")
def not_a_postal_number(_: InForce) -> pl.Expr:
    """The number is not a postal item number, though the parcel goes by post. Give the 13 characters on the label,
    such as two letters, nine digits and the country.

    Source: UPU standard S10.
    """
    return _POST & ~identifiers.s10_form(pl.col("parcel_number"))


@rule(
    "IDN-04",
    on="consignments",
    field="tracking_id",
    severity="warning",
    asked=ORIGINAL,
    detail="tracking_id",
    needs="is_reused",
)
def number_used_before(_: InForce) -> pl.Expr:
    """The item number {detail} was declared within the last twelve months under another reference. Check the label; a
    number may come again only after twelve months.

    Source: UPU standard S10, period before reuse.
    """
    return pl.col("is_reused")


@rule("IDN-05", on="consignments", field="master_bill", severity="warning", detail="master_bill")
def air_waybill_check_digit(_: InForce) -> pl.Expr:
    """The air waybill number {detail} fails its check digit. Read it again: the last digit is the rest of the seven
    before it divided by seven.

    Source: IATA Resolution 600a.
    """
    number = pl.col("master_number")
    return ~_POST & identifiers.air_waybill_form(number) & ~identifiers.air_waybill(number)


@rule("IDN-06", on="consignments", field="mrn", severity="warning", detail="mrn")
def mrn_check_digit(_: InForce) -> pl.Expr:
    """The movement reference number {detail} fails its check digit. Copy it from the answer that customs gave.

    Source: Delegated Regulation (EU) 2015/2446, annex B, MRN structure; ISO 6346, check digit.
    """
    number = pl.col("mrn")
    return identifiers.mrn_form(number) & ~identifiers.mrn(number)


@rule("IDN-07", on="consignments", field="ucr", severity="note", asked=ORIGINAL, needs="ucr")
def ucr_form(_: InForce) -> pl.Expr:
    """The unique consignment reference has not the usual form. Begin with the last digit of the year and the country
    code, then capitals and digits only.

    Source: WCO Recommendation on the Unique Consignment Reference (2004).
    """
    return ~identifiers.ucr(pl.col("ucr"))


@rule("IDN-08", on="consignments", field="reference", severity="note", asked=ORIGINAL)
def reference_too_long(law: InForce) -> pl.Expr:
    """The reference does not fit a declaration, which has room for 22 printable characters without spaces. Use a
    shorter one, or customs will write its own.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 2/5.
    """
    return law.on_list("eori-countries", pl.col("jurisdiction")) & ~identifiers.lrn(pl.col("reference"))


@rule("IDN-09", on="parties", field="id", severity="warning", asked=ORIGINAL, needs="id")
def eori_form(law: InForce) -> pl.Expr:
    """The trader's number has not the form of an EORI number. It begins with the country; GB and XI have twelve
    digits after it.

    Source: Delegated Regulation (EU) 2015/2446, art. 1(18) and annex 12-01.
    """
    asked = pl.col("role").is_in(["importer", "exporter", "declarant", "representative"])
    # Where the number begins with another country it may be that country's own and none of ours to judge.
    ours = law.on_list("eori-countries", pl.col("id").str.slice(0, 2)) | pl.col("id").str.contains(r"\A[0-9]+\z")
    here = law.on_list("eori-countries", pl.col("jurisdiction"))
    return asked & here & ours & ~identifiers.eori(pl.col("id"))


@rule_of_values({"id": "id"}, "IDN-10", on="fiscal_references", severity="error", asked=ORIGINAL)
def ioss_form(law: InForce, number: pl.Expr) -> pl.Expr:
    """{detail} is not an IOSS number, so the tax cannot be left to the seller. Give IM and ten digits as registered,
    or leave it out and pay the tax on import.

    Source: Directive 2006/112/EC, art. 369q and 143(1)(ca); Implementing Regulation (EU) 2020/194.
    """
    return law.covers("fiscal-schemes", number) & ~identifiers.ioss(number)


@rule_of_values({"id": "id"}, "IDN-11", on="fiscal_references", severity="warning", asked="is_of_scheme")
def scheme_not_known(law: InForce, number: pl.Expr) -> pl.Expr:
    """{detail} is not a number of an import scheme that is known here. With role FR5 give the IOSS number, IM and ten
    digits.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 3/40.
    """
    return number.is_not_null() & ~law.covers("fiscal-schemes", number)
