"""HDR: the consignment as a whole, its counts and its papers."""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.rule import CUSTOMS, IMPORT, ORIGINAL, rule, rule_of_values
from tidewaiter.law.in_force import InForce

CHANGE = pl.col("function").is_in(["amendment", "cancellation"])


@rule("HDR-01", on="consignments", field="jurisdiction", severity="error", detail="jurisdiction")
def country_without_law(law: InForce) -> pl.Expr | None:
    """The law of {detail} is not known here. Send the declaration to an administration whose law is loaded, or
    correct the country.

    Source: WCO SAFE Framework of Standards, pillar 1: the administration of import decides under its own law.
    """
    unknown = law.countries - law.law.known - {""}
    return pl.col("jurisdiction").is_in(sorted(unknown)) if unknown else None


@rule("HDR-02", on="consignments", field="accepted_on", severity="error", lacks="accepted_on")
def no_day_of_acceptance(_: InForce) -> pl.Expr:
    """The day of acceptance is not known. Rates and lists hold by the day: state the day on which customs accepts the
    declaration.

    Source: Union Customs Code, art. 172(2); Taxation (Cross-border Trade) Act 2018, s. 4.
    """
    return pl.col("accepted_on").is_null()


@rule("HDR-03", on="consignments", field="accepted_on", severity="error", detail="accepted_on")
def day_without_law(law: InForce) -> pl.Expr | None:
    """Law says nothing here of {detail}, the day of acceptance. Correct the day, or load the law of that day.

    Source: Union Customs Code, art. 172(2): the law of the day of acceptance applies.
    """
    if law.knows_every_day():
        return None
    known = pl.col("jurisdiction").is_in(sorted(law.countries & law.law.known))
    return known & pl.col("accepted_on").is_not_null() & ~law.known_day()


@rule("HDR-04", on="consignments", field="items", severity="error", asked=ORIGINAL, lacks="has_goods")
def no_goods(_: InForce) -> pl.Expr:
    """There are no goods items. Give at least one, with what the goods are and what they are worth.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 1/6; UPU CN 23.
    """
    return ~pl.col("has_goods")


@rule("HDR-05", on="consignments", field="mrn", severity="error", lacks="is_original")
def change_of_what(_: InForce) -> pl.Expr:
    """An amendment or cancellation must say which declaration it changes. Give the movement reference number (MRN)
    that customs answered with.

    Source: Union Customs Code, art. 173 and 174.
    """
    return CHANGE & pl.col("mrn").is_null()


@rule("HDR-06", on="consignments", field="changes", severity="warning", lacks="is_original")
def change_without_reason(_: InForce) -> pl.Expr:
    """The amendment or cancellation gives no reason. Give the reason code, so that it need not wait for an officer to
    ask.

    Source: Union Customs Code, art. 173(1) and 174(1); UK CDS amendment and cancellation instructions.
    """
    # A notice that the goods are there changes nothing, and so needs no reason.
    changes = pl.col("lists_changes") | pl.col("has_goods") | (pl.col("function") == "cancellation")
    # Nor is a reason asked of who amends what was told for security: those messages have no place for one.
    return CHANGE & changes & ~pl.col("gives_reason") & (pl.col("direction") != "entry")


@rule(
    "HDR-07",
    on="consignments",
    field="item_count",
    severity="error",
    asked=ORIGINAL,
    detail="lines",
    needs="item_count",
    stage="across",
)
def item_count_differs(_: InForce) -> pl.Expr:
    """The number of items stated is not the {detail} items given. Correct the number, or send the items that are
    missing.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 1/9.
    """
    return pl.col("item_count") != pl.col("lines")


@rule(
    "HDR-08",
    on="consignments",
    field="package_count",
    severity="warning",
    asked=CUSTOMS,
    detail="packages_counted",
    needs="packages_counted",
    stage="across",
)
def package_count_differs(_: InForce) -> pl.Expr:
    """The number of packages stated is not the {detail} packages listed by item. Count a package that holds several
    items once, with the first of them.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 1/18 and 6/10.
    """
    counted = pl.col("packages_counted")
    return ~pl.col("has_bulk") & (counted > 0) & (pl.col("package_count") != counted)


@rule("HDR-09", on="consignments", field="gross_mass", severity="warning", asked=ORIGINAL, needs="gross_mass_micro")
def items_outweigh_the_whole(_: InForce) -> pl.Expr:
    """The items together weigh more than the whole consignment. Correct the gross mass of the whole or of the items,
    in kilograms.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/5.
    """
    return pl.col("items_mass") > pl.col("gross_mass_micro")


@rule("HDR-10", on="consignments", field="gross_mass", severity="warning", asked=IMPORT, lacks="some_mass")
def no_mass(_: InForce) -> pl.Expr:
    """No gross mass is given, neither for the whole nor for an item. State it in kilograms; customs and carriers plan
    by it.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/5; UPU CN 23.
    """
    return pl.col("gross_mass_micro").is_null() & pl.col("has_goods") & ~pl.col("some_mass")


@rule("HDR-11", on="consignments", field="items", severity="warning", asked=ORIGINAL, needs="out_of_sequence")
def items_not_in_sequence(_: InForce) -> pl.Expr:
    """The items are not numbered 1, 2, 3 and so on. Number them without gaps, so that an answer can name the item it
    means.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 1/6.
    """
    return pl.col("out_of_sequence") & ~pl.col("numbered_twice")


@rule("HDR-12", on="consignments", field="items", severity="error", asked=ORIGINAL, needs="numbered_twice")
def items_numbered_twice(_: InForce) -> pl.Expr:
    """Two items have the same number. Number them 1, 2, 3 and so on: an answer could not say which of the two it means.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 1/6.
    """
    return pl.col("numbered_twice")


@rule_of_values(
    {"export_country": "export_country", "destination_country": "destination_country"},
    "HDR-13",
    on="consignments",
    severity="warning",
)
def unknown_route_country(law: InForce, country: pl.Expr) -> pl.Expr:
    """{detail} is not the code of a country. Use the two letters of ISO 3166, for example CN or GB.

    Source: ISO 3166-1; Delegated Regulation (EU) 2015/2446, annex B, data elements 5/8 and 5/14.
    """
    return law.off_list("countries", country)


@rule_of_values({"gross_mass": "gross_mass_micro"}, "HDR-14", on="consignments", severity="warning", asked=ORIGINAL)
def whole_weighs_nothing(_: InForce, mass: pl.Expr) -> pl.Expr:
    """The gross mass of the whole is zero. State the mass in kilograms as weighed, with decimals for less than one.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/5.
    """
    return mass == 0


@rule("HDR-15", on="consignments", field="parties", severity="error", asked=IMPORT, lacks="has_receiver")
def nobody_receives(_: InForce) -> pl.Expr:
    """Nobody is named to whom the goods go. Give an importer, consignee or buyer with name and address or official
    number.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 3/9, 3/15 and 3/16; UPU CN 23.
    """
    return ~pl.col("has_receiver")


@rule("HDR-16", on="consignments", field="parties", severity="warning", asked=IMPORT, lacks="has_sender")
def nobody_sends(_: InForce) -> pl.Expr:
    """Nobody is named from whom the goods come. Give a consignor, exporter or seller with name and address.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 3/1 and 3/7; UPU CN 23.
    """
    return ~pl.col("has_sender")


@rule("HDR-17", on="consignments", field="circumstance", severity="error", detail="lacks_minimum")
def less_than_the_minimum(_: InForce) -> pl.Expr:
    """Before loading more must be told of a parcel than was: {detail} is missing. Add it; the number is that of the WCO
    Data Model. Post is asked for the set F43, express for F32.

    Source: Union Customs Code, art. 127; Delegated Regulation (EU) 2015/2446, annex B, data sets F32 and F43; for F43
    Commission message definition IE3F43; the content of F32 is taken from the seven elements and one, unverified.
    """
    return pl.col("lacks_minimum").is_not_null()


@rule("HDR-18", on="consignments", field="jurisdiction", severity="error")
def no_country_asked(law: InForce) -> pl.Expr | None:
    """It is not said which country's customs is asked. Name the country in the message, or with it when it is lodged.

    Source: WCO SAFE Framework of Standards, pillar 1: the administration of import decides under its own law.
    """
    return pl.col("jurisdiction") == "" if "" in law.countries else None
