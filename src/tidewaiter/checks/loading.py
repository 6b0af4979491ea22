"""ACS: what must be told before goods are loaded on a flight, where the law of the country asks for it.

The list `told-before-loading` of a country says which elements it asks for, and since when.
"""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.rule import rule
from tidewaiter.law.in_force import InForce

BEFORE_FLIGHT = "is_before_flight"
"""An original that tells customs of goods before they come by air."""
_LIST = "told-before-loading"


def _lacks(law: InForce, element: str, fact: str) -> pl.Expr:
    """Whether the element is asked for and not there."""
    return law.on_list(_LIST, pl.lit(element)) & ~pl.col(fact)


@rule("ACS-01", on="consignments", field="parties", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_shipper_name(law: InForce) -> pl.Expr:
    """The shipper's name is missing. Name who sends the goods: the true sender, not the forwarder.

    Source: 19 CFR 122.48b(d)(1)(i), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "consignor_name", "names_consignor")


@rule("ACS-02", on="consignments", field="parties", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_shipper_address(law: InForce) -> pl.Expr:
    """The shipper's address is missing or not complete. Give street, city and country of who sends the goods.

    Source: 19 CFR 122.48b(d)(1)(i), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "consignor_address", "places_consignor")


@rule("ACS-03", on="consignments", field="parties", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_consignee_name(law: InForce) -> pl.Expr:
    """The consignee's name is missing. Name who is to have the goods in the end.

    Source: 19 CFR 122.48b(d)(1)(ii), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "consignee_name", "names_consignee")


@rule("ACS-04", on="consignments", field="parties", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_consignee_address(law: InForce) -> pl.Expr:
    """The consignee's address is missing or not complete. Give street, city and country where the goods go.

    Source: 19 CFR 122.48b(d)(1)(ii), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "consignee_address", "places_consignee")


@rule("ACS-05", on="consignments", field="items", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_description(law: InForce) -> pl.Expr:
    """The description of the goods is missing. Say in plain words what the goods are.

    Source: 19 CFR 122.48b(d)(1)(iii), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "description", "describes_goods")


@rule("ACS-06", on="consignments", field="package_count", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_quantity(law: InForce) -> pl.Expr:
    """The number of packages is missing. Count the smallest packages on the outside: cartons, not pallets.

    Source: 19 CFR 122.48b(d)(1)(iv), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "packages", "counts_packages")


@rule("ACS-07", on="consignments", field="gross_mass", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_weight(law: InForce) -> pl.Expr:
    """The weight is missing. Give the gross weight of the whole, or of every item.

    Source: 19 CFR 122.48b(d)(1)(v), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "weight", "weighs_goods")


@rule("ACS-08", on="consignments", field="house_bill", severity="error", asked=BEFORE_FLIGHT, needs=BEFORE_FLIGHT)
def no_waybill(law: InForce) -> pl.Expr:
    """The number of the air waybill is missing. Give that of the house, or of the air waybill where there is no house.

    Source: 19 CFR 122.48b(d)(1)(vi), Air Cargo Advance Screening; ICAO/WCO preloading advance cargo information, 7+1.
    """
    return _lacks(law, "waybill", "numbers_waybill")
