"""GDS: what the goods are, where they are from, how many and how heavy."""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.rule import CHARGED, CUSTOMS, FULL, GOODS, IMPORT, ORIGINAL, rule, rule_of_values
from tidewaiter.law.in_force import InForce

PRODUCT_IDENTIFIERS = "DQ-PID-01"
"""The entry in the list `obligations` from whose day on distance sales name the product; see GDS-22."""
_ONE_WORD = r"\A\P{L}*[\p{Latin}\p{Cyrillic}\p{Greek}]+[\P{L}]*\z"
"""Of the scripts that put spaces between words."""


@rule("GDS-01", on="items", field="description", severity="error", asked=FULL, needs="undescribed")
def no_description(_: InForce) -> pl.Expr:
    """The description is missing. Say in a few plain words what the goods are, what they are made of and what they
    are for.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/8; UPU CN 23.
    """
    return CHARGED & pl.col("undescribed")


# A consignment of documents may well hold just 'documents': that is its contents.
@rule_of_values({"description": "description"}, "GDS-02", on="items", severity="warning", asked=GOODS)
def vague_description(law: InForce, text: pl.Expr) -> pl.Expr:
    """The description names no goods. Write what they are, such as 'cotton T-shirt, knitted' in place of 'clothes' or
    'gift'.

    Source: EU ICS2, data element 18 05: terms not accepted; Transport Canada PACT; US CBP list of vague descriptions.
    """
    return law.only_words_of("vague-words", text)


@rule_of_values({"description": "description"}, "GDS-03", on="items", severity="warning", asked=ORIGINAL)
def description_without_words(_: InForce, text: pl.Expr) -> pl.Expr:
    """The description has no word in it, only numbers, signs or one letter again and again. Write in plain words what
    the goods are.

    Source: Transport Canada PACT, rules on characters; EU ICS2, data element 18 05.
    """
    one_sign = text.str.strip_chars(text.str.slice(0, 1)) == ""
    # One character is a word in some scripts, but not in Latin.
    again = one_sign & ((text.str.len_chars() > 2) | text.str.contains(r"\A[A-Za-z]"))
    return text.str.contains(r"\S") & (again | ~text.str.contains(r"\p{L}"))


@rule("GDS-04", on="items", field="hs_code", severity="error", asked=IMPORT, lacks="hs_code")
def sale_without_code(_: InForce) -> pl.Expr:
    """Goods sold need a commodity code. Look up at least the six digits of the Harmonized System by what the goods
    are made of and do.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/14; UPU Convention Regulations on electronic
    advance data.
    """
    return CHARGED & (pl.col("category") == "sale") & pl.col("hs_code").is_null()


@rule("GDS-05", on="items", field="hs_code", severity="warning", asked=IMPORT, lacks="hs_code")
def no_code(_: InForce) -> pl.Expr:
    """The commodity code is missing. Give at least the six digits of the Harmonized System, or customs has to guess
    from the description.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/14.
    """
    sale = pl.col("category").eq_missing("sale")
    return CHARGED & ~sale & ~pl.col("is_documents") & pl.col("hs_code").is_null()


@rule_of_values({"hs_code": "hs_code"}, "GDS-06", on="items", severity="error", asked=ORIGINAL)
def code_not_of_digits(_: InForce, code: pl.Expr) -> pl.Expr:
    """The commodity code {detail} is not made of digits. Write its digits alone, without points, spaces or letters.

    Source: WCO Harmonized System Convention, art. 3.
    """
    return code.str.contains("[^0-9]")


@rule_of_values({"hs_code": "hs_code"}, "GDS-07", on="items", severity="error", asked=CUSTOMS)
def code_too_short(_: InForce, code: pl.Expr) -> pl.Expr:
    """The commodity code {detail} has fewer than six digits. Choose the subheading by what the goods are made of and
    do, not by their brand.

    Source: WCO Harmonized System Convention, art. 3; Delegated Regulation (EU) 2015/2446, annex B, data element 6/14.
    """
    return (code.str.len_chars() < 6) & ~code.str.contains("[^0-9]")


@rule_of_values({"hs_code": "hs_code"}, "GDS-08", on="items", severity="warning", asked=ORIGINAL)
def code_not_in_force(law: InForce, code: pl.Expr) -> pl.Expr:
    """The commodity code {detail} is not in the Harmonized System of that day. Look the goods up again: codes change
    with each edition.

    Source: WCO Harmonized System Convention, art. 16; the edition in force on the day of acceptance.
    """
    # Chapters 98 and 99 are left to each country; what stands there is in no edition.
    international = code.str.contains(r"\A[0-9]{6}") & ~code.str.contains(r"\A9[89]")
    return international & law.off_list("hs6", code.str.slice(0, 6))


@rule("GDS-09", on="items", field="origin_country", severity="warning", asked=IMPORT, lacks="origin_country")
def no_origin(_: InForce) -> pl.Expr:
    """The country of origin is missing, and the duty depends on it. State where the goods were made, not where they
    were sent from.

    Source: Union Customs Code, art. 59 and 60; Delegated Regulation (EU) 2015/2446, annex B, data element 5/15.
    """
    missing = pl.col("origin_country").is_null() & pl.col("preference_country").is_null()
    free_circulation = pl.col("procedure").is_in(["40", "42", "44", "45", "46", "48", "61", "63", "68"])
    low_value = pl.col("is_reduced") | pl.col("has_c07") | pl.col("has_c08")
    return missing & free_circulation & ~low_value


@rule_of_values({"origin_country": "origin_country"}, "GDS-10", on="items", severity="warning")
def unknown_origin(law: InForce, country: pl.Expr) -> pl.Expr:
    """{detail} is not the code of a country. Use the two letters of ISO 3166 for the country where the goods were made.

    Source: ISO 3166-1; Delegated Regulation (EU) 2015/2446, annex B, data element 5/15.
    """
    return law.off_list("countries", country)


@rule_of_values(
    {"export_country": "export_country", "destination_country": "destination_country"},
    "GDS-11",
    on="items",
    severity="warning",
)
def unknown_route_country_of_item(law: InForce, country: pl.Expr) -> pl.Expr:
    """{detail} is not the code of a country. Use the two letters of ISO 3166, for example CN or GB.

    Source: ISO 3166-1; Delegated Regulation (EU) 2015/2446, annex B, data elements 5/8 and 5/14.
    """
    return law.off_list("countries", country)


@rule(
    "GDS-12",
    on="items",
    field="preference_country",
    severity="warning",
    asked=IMPORT,
    needs="preference",
    lacks="preference_country",
)
def preference_of_no_country(_: InForce) -> pl.Expr:
    """A preference is claimed without its country of origin. State the country or group whose preference it is, or
    claim none (100).

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 4/17 and 5/16.
    """
    claimed = pl.col("preference").str.contains(r"\A[23]")
    return claimed & pl.col("preference_country").is_null() & pl.col("origin_country").is_null()


@rule_of_values(
    {"gross_mass": "gross_mass_micro", "net_mass": "net_mass_micro"},
    "GDS-13",
    on="items",
    severity="warning",
    asked=ORIGINAL,
)
def weighs_nothing(_: InForce, mass: pl.Expr) -> pl.Expr:
    """The mass is zero. State it in kilograms as weighed, with decimals for less than one.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 6/1 and 6/5.
    """
    return mass == 0


@rule("GDS-14", on="items", field="net_mass", severity="warning", asked=ORIGINAL, needs="net_mass_micro")
def net_above_gross(_: InForce) -> pl.Expr:
    """The net mass is more than the gross mass. Net is without packing and gross with it; correct the one that is
    wrong.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data elements 6/1 and 6/5.
    """
    # A gross mass of zero is told by itself.
    return (pl.col("gross_mass_micro") > 0) & (pl.col("net_mass_micro") > pl.col("gross_mass_micro"))


@rule("GDS-15", on="items", field="quantity", severity="warning", asked=IMPORT, lacks="quantity_micro")
def no_quantity(_: InForce) -> pl.Expr:
    """It is not said how many pieces the line holds. State the quantity: a unit price is the first thing that an
    officer looks at.

    Source: UPU CN 23: quantity of each article; US 19 CFR 145.74(b).
    """
    sold = CHARGED & (pl.col("category") == "sale")
    return sold & pl.col("quantity_micro").is_null() & ~pl.col("is_packed")


@rule_of_values({"quantity": "quantity_micro"}, "GDS-16", on="items", severity="warning", asked=ORIGINAL)
def quantity_zero(_: InForce, quantity: pl.Expr) -> pl.Expr:
    """The quantity is zero. State how many there are, or leave the line out.

    Source: UPU CN 23: quantity of each article.
    """
    return quantity == 0


@rule("GDS-17", on="items", field="description", severity="note", asked=ORIGINAL, needs="repeats_price")
def line_repeated(_: InForce) -> pl.Expr:
    """This line is the same as the one before it in every respect. If it was sent twice by mistake, take one out.

    Source: WCO-UPU guidelines on the quality of postal data: accuracy.
    """
    compared = (
        "description", "hs_code", "origin_country", "price_currency", "customs_value_micro", "gross_mass_micro",
        "net_mass_micro", "quantity_micro",
    )  # fmt: skip
    # Where everything is missing, nothing is repeated.
    told = pl.col("description").is_not_null() & pl.col("repeats_price")
    return told & pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in compared)


@rule_of_values({"description": "description"}, "GDS-18", on="items", severity="warning")
def description_unprintable(_: InForce, text: pl.Expr) -> pl.Expr:
    """The description holds characters that cannot be printed. Write it again in plain text; often a file was saved
    in the wrong encoding.

    Source: Delegated Regulation (EU) 2015/2446, annex B: alphanumeric data; Transport Canada PACT, rules on characters.
    """
    return unprintable(text)


@rule("GDS-19", on="items", field="description", severity="note", asked=IMPORT, needs="description", lacks="hs_code")
def one_word_and_no_code(_: InForce) -> pl.Expr:
    """One word without a commodity code is little to go by. Add what the goods are made of and what they are for, or
    the code.

    Source: WCO-UPU guidelines on the quality of postal data: descriptions.
    """
    one_word = pl.col("description").str.contains(_ONE_WORD)
    return one_word & ~pl.col("is_documents") & pl.col("hs_code").is_null()


@rule_of_values({"type": "type"}, "GDS-20", on="packages", severity="warning")
def unknown_package(law: InForce, kind: pl.Expr) -> pl.Expr:
    """{detail} is not a kind of package. Use a code of UNECE Recommendation 21, for example CT for a carton or BG for
    a bag.

    Source: UNECE Recommendation 21; Delegated Regulation (EU) 2015/2446, annex B, data element 6/9.
    """
    return law.off_list("package-types", kind)


@rule("GDS-21", on="packages", field="quantity", severity="warning", asked=CUSTOMS, lacks="quantity")
def packages_not_counted(_: InForce) -> pl.Expr:
    """It is not said how many packages of this kind there are. State their number; only goods in bulk have none.

    Source: Delegated Regulation (EU) 2015/2446, annex B, data element 6/10.
    """
    return pl.col("quantity").is_null() & pl.col("type").is_not_null() & ~pl.col("is_bulk")


@rule("GDS-22", on="items", field="codes", severity="warning", asked=IMPORT, needs="lacks_numbers")
def no_product_identifiers(_: InForce) -> pl.Expr:
    """Goods sold at a distance need the seller's and the maker's product number. Give the seller's as SKU and the
    maker's as MPN or GTIN.

    Source: Delegated Regulation (EU) 2026/1022; Implementing Regulation (EU) 2026/1200.
    """
    parcel = pl.col("channel").is_in(["post", "express"]) | pl.col("has_c07") | pl.col("has_f48")
    return (pl.col("category") == "sale") & parcel & pl.col("lacks_numbers")


@rule("GDS-23", on="items", field="documents", severity="warning", asked=FULL, detail="lacks_permits")
def permit_missing(_: InForce) -> pl.Expr:
    """The goods need a document that is not declared: {detail}. Get it before the goods are sent, and declare its code
    and number. Where the goods are not such as need it, declare the code that says so, if there is one.

    Source: the law that the finding names for each document; Delegated Regulation (EU) 2015/2446, annex B, data
    element 2/3.
    """
    return pl.col("lacks_permits").is_not_null()


def unprintable(text: pl.Expr) -> pl.Expr:
    """Whether a text holds control characters, marks that turn the direction of writing, or the sign of a lost
    character."""
    return text.str.contains("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffd]")
