"""PTY: who sends, receives and declares, and where they are. Nothing personal is told in a detail."""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.goods import unprintable
from tidewaiter.checks.rule import ORIGINAL, rule, rule_of_values
from tidewaiter.law.in_force import InForce

# A representative may be stated by status alone: the declarant is who represents.
_ADDRESSED = pl.col("role").is_in(["consignor", "consignee", "seller", "buyer", "importer", "exporter", "declarant"])


@rule("PTY-01", on="parties", field="name", severity="error", asked=ORIGINAL, lacks="name")
def nobody_in_particular(_: InForce) -> pl.Expr:
    """The party has neither a name nor an official number. Give the number (EORI), or the name with the full address.

    Source: Delegated Regulation (EU) 2015/2446, annex B, group 3 (parties).
    """
    return _ADDRESSED & pl.col("id").is_null() & pl.col("name").is_null()


@rule("PTY-02", on="parties", field="street", severity="warning", asked=ORIGINAL, lacks="id")
def address_incomplete(_: InForce) -> pl.Expr:
    """The address is not complete. Where no official number is given, customs needs street, city and country.

    Source: Delegated Regulation (EU) 2015/2446, annex B, group 3 (parties).
    """
    gaps = pl.any_horizontal(pl.col(name).is_null() for name in ("street", "city", "country"))
    return _ADDRESSED & pl.col("id").is_null() & pl.col("name").is_not_null() & gaps


@rule(
    "PTY-03",
    on="parties",
    field="postcode",
    severity="warning",
    asked=ORIGINAL,
    detail="country",
    needs="country",
    lacks="postcode",
)
def no_postcode(law: InForce) -> pl.Expr:
    """The postcode is missing, and addresses in {detail} have one. Add it: without it a parcel is delivered late or
    not at all.

    Source: UPU standard S42; Delegated Regulation (EU) 2015/2446, annex B, group 3 (parties).
    """
    wants_one = law.on_list("countries-with-postcode", pl.col("country"))
    return _ADDRESSED & pl.col("id").is_null() & pl.col("postcode").is_null() & wants_one


@rule_of_values({"country": "country"}, "PTY-04", on="parties", severity="warning")
def unknown_party_country(law: InForce, country: pl.Expr) -> pl.Expr:
    """{detail} is not the code of a country. Use the two letters of ISO 3166, for example CN or GB.

    Source: ISO 3166-1; Delegated Regulation (EU) 2015/2446, annex B, group 3 (parties).
    """
    return law.off_list("countries", country)


@rule_of_values({name: name for name in ("name", "street", "city")}, "PTY-05", on="parties", severity="warning")
def address_unprintable(_: InForce, text: pl.Expr) -> pl.Expr:
    """The text holds characters that cannot be printed. Write it again in plain text; often a file was saved in the
    wrong encoding.

    Source: Delegated Regulation (EU) 2015/2446, annex B: alphanumeric data; Transport Canada PACT, rules on characters.
    """
    return unprintable(text)


@rule_of_values({"name": "name", "city": "city"}, "PTY-06", on="parties", severity="warning", asked=ORIGINAL)
def name_without_letters(_: InForce, text: pl.Expr) -> pl.Expr:
    """There is no word here, only numbers, signs or nothing. Write the name as it stands in a passport or register.

    Source: Transport Canada PACT, rules on characters; WCO-UPU guidelines on the quality of postal data.
    """
    return ~text.str.contains(r"\p{L}")


@rule_of_values({"name": "name"}, "PTY-07", on="parties", severity="error", asked=ORIGINAL)
def name_blank(_: InForce, text: pl.Expr) -> pl.Expr:
    """The name is blank. Write the name of the party, or leave the field out where an official number is given.

    Source: Delegated Regulation (EU) 2015/2446, annex B, group 3 (parties).
    """
    return ~text.str.contains(r"\S")
