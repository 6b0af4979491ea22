"""Facts about what is told before a flight is loaded; see `facts` for what a fact is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from tidewaiter.checks.minimum import ENTRY

if TYPE_CHECKING:
    from tidewaiter.checks.facts import Facts

_BY_AIR = "4"
"""Mode of transport by UNECE Recommendation 19."""
_SUMMARY = "SUM"
"""The type of statement that a waybill's summary of the goods is kept as."""
_PLACED = ("street", "city", "country")


def _is_before_flight(of: Facts) -> pl.Series | None:
    """An original that tells customs of goods before they come by air."""
    direction = of.batch.apart("consignments", "direction")
    if ENTRY not in direction.different:
        return None
    told = direction.one_of((ENTRY,)) & of.batch.apart("consignments", "transport_border_mode").one_of((_BY_AIR,))
    return of.column("consignments", "is_original") & pl.Series(told) if told.any() else None


def _says_of(role: str, columns: tuple[str, ...], of: Facts) -> pl.Series:
    """A party of the whole in this role has all of these."""
    parties = of.batch.parties
    found = (parties["role"] == role) & parties["item"].is_null()
    for column in columns:
        found &= parties[column].is_not_null()
    return pl.Series(of.marked_heads(parties["row"].filter(found)))


def _describes_goods(of: Facts) -> pl.Series:
    """Some item says what the goods are, or a summary does; a further commodity code needs no words of its own."""
    items, told = of.batch.items, of.batch.statements
    by_item = pl.Series(of.marked_heads(items["row"].filter(items["description"].is_not_null())))
    is_summary = (told["type"] == _SUMMARY) & told["item"].is_null() & told["text"].is_not_null()
    return by_item | pl.Series(of.marked_heads(told["row"].filter(is_summary)))


def _counts_packages(of: Facts) -> pl.Series:
    """The packages are counted, for the whole or by item."""
    packages = of.batch.packages
    by_item = pl.Series(of.marked_heads(packages["row"].filter(packages["quantity"].is_not_null())))
    return of.batch.consignments["package_count"].is_not_null() | by_item


def _weighs_goods(of: Facts) -> pl.Series:
    """The gross weight of the whole is given, or that of some item and none is without that says what it is."""
    items = of.batch.items
    weighed, described = items["gross_mass_micro"].is_not_null(), items["description"].is_not_null()
    some = pl.Series(of.marked_heads(items["row"].filter(weighed)))
    lacking = pl.Series(of.marked_heads(items["row"].filter(described & ~weighed)))
    return of.batch.consignments["gross_mass_micro"].is_not_null() | (some & ~lacking)


def _numbers_waybill(of: Facts) -> pl.Series:
    """The number of a house or of an air waybill is given."""
    whole = of.batch.consignments
    return whole["house_bill"].is_not_null() | whole["master_bill"].is_not_null()


BEFORE_LOADING: Mapping[str, Callable[[Facts], pl.Series | None]] = MappingProxyType(
    {
        "is_before_flight": _is_before_flight,
        "names_consignor": partial(_says_of, "consignor", ("name",)),
        "places_consignor": partial(_says_of, "consignor", _PLACED),
        "names_consignee": partial(_says_of, "consignee", ("name",)),
        "places_consignee": partial(_says_of, "consignee", _PLACED),
        "describes_goods": _describes_goods,
        "counts_packages": _counts_packages,
        "weighs_goods": _weighs_goods,
        "numbers_waybill": _numbers_waybill,
    }
)
"""Each a fact about the consignments, by its name."""
