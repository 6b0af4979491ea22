"""Our fields and the segments that carry them, once for reading, writing and pointing.

A `Leaf` is one component with a value, known by the tag of its segment and by a qualifier in it. The first qualifier
of a leaf is the one written; the others say nearly the same, and give way where both are sent. What has more than
one value in a segment (a party, packages, a document) is in `taking.py` for reading and in `writing.py` for writing.

Qualifiers are those of the UN/EDIFACT code lists, D.95B to D.24A. Where a list is left to the partners (1131: which
code list is meant), `LISTS` says which names are used here; `122` and `117` are those met most in the trade.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from tidewaiter.formats.edifact.values import Convert, converter
from tidewaiter.formats.values import kind_of
from tidewaiter.model.consignment import Consignment, Function, GoodsItem, Role


class Shape(msgspec.Struct, frozen=True):
    """Where in a segment the qualifier stands, and the value, and what belongs to it. Element, component, from 0."""

    qualifier: tuple[int, int]
    value: tuple[int, int]
    extra: tuple[int, int] | None = None


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "LOC": Shape((0, 0), (1, 0)),
        "RFF": Shape((0, 0), (0, 1)),
        "DTM": Shape((0, 0), (0, 1), (0, 2)),
        "MOA": Shape((0, 0), (0, 1), (0, 2)),
        "MEA": Shape((1, 0), (2, 1), (2, 0)),
        "CNT": Shape((0, 0), (0, 1), (0, 2)),
    }
)
"""`extra` is the format of a date, the currency of an amount, the unit of a measure."""


class Leaf:
    """A component with one value. `at` is where the value stands, if not where the shape has it."""

    def __init__(self, tag: str, codes: str, field: str, *, at: tuple[int, int] | None = None) -> None:
        self.tag, self.codes, self.field = tag, tuple(codes.split()), field
        self.at = at or SHAPES[tag].value
        self.kind: type = str
        self.is_mass = field.endswith("_mass")
        self.convert: Convert

    def bind(self, struct: type[msgspec.Struct]) -> Leaf:
        """Look up the type of the field, once."""
        self.kind = kind_of(struct, self.field)[0]
        self.convert = converter(struct, self.field)
        return self


BILL = "bill"
"""Stands for a transport document of which only the message as a whole tells whether it is the house's or the
master's: with a house bill beside it, it is the master's."""

CONSIGNMENT = (
    Leaf("LOC", "28 36", "destination_country"),
    Leaf("LOC", "35 37", "export_country"),
    Leaf("LOC", "22", "declaration_office"),
    Leaf("LOC", "41", "presentation_office"),
    Leaf("LOC", "42 114", "exit_office"),
    Leaf("LOC", "9", "transport.loading_place"),
    Leaf("LOC", "14", "location.id"),
    Leaf("LOC", "14", "location.name", at=(1, 3)),
    Leaf("LOC", "18", "warehouse_id"),
    Leaf("DTM", "137", "issued_at"),
    Leaf("DTM", "148", "declared_acceptance"),
    Leaf("MEA", "AAD G AAB", "gross_mass"),
    Leaf("RFF", "ABT AAE", "mrn"),
    Leaf("RFF", "UCN", "ucr"),
    Leaf("RFF", "HWB BH", "house_bill"),
    Leaf("RFF", "MWB MB", "master_bill"),
    Leaf("RFF", "AEZ BN", "tracking_id"),
    Leaf("RFF", "ON", "order_id"),
    Leaf("MOA", "39", "invoice_total"),
    Leaf("MOA", "64", "freight"),
    Leaf("MOA", "67", "insurance"),
    Leaf("MOA", "52", "discount"),
    Leaf("MOA", "11", "paid"),
    Leaf("MOA", "124", "tax_collected"),
    Leaf("CNT", "5", "item_count"),
    Leaf("CNT", "11", "package_count"),
    Leaf("CNT", "7", "gross_mass"),
)
"""The leaves of a consignment. CNT+7 is read only; the mass is written in MEA."""

ITEM = (
    Leaf("LOC", "27", "origin_country"),
    Leaf("LOC", "35 37", "export_country"),
    Leaf("LOC", "28 36", "destination_country"),
    Leaf("MEA", "AAB G AAD", "gross_mass"),
    Leaf("MEA", "AAA N ADZ", "net_mass"),
    Leaf("MOA", "77 38 203 66", "price"),
    Leaf("MOA", "40", "customs_value"),
    Leaf("MOA", "123", "statistical_value"),
    Leaf("MOA", "64", "freight"),
    Leaf("RFF", "UCN", "ucr"),
)
"""The leaves of a goods item."""

SHARED = frozenset(
    {
        "declaration_office", "presentation_office", "exit_office", "transport.loading_place", "issued_at",
        "master_bill",
    }
)  # fmt: skip
"""Fields that a cargo report says once for all its consignments. Its counts and masses are of the whole cargo."""

BILLS = ("BM", "AWB", "AAM")
"""Qualifiers of RFF for `BILL`."""


def by_code(leaves: Iterable[Leaf], struct: type[msgspec.Struct]) -> Mapping[tuple[str, str], tuple[Leaf, ...]]:
    """The leaves of a record by tag and qualifier."""
    table: dict[tuple[str, str], tuple[Leaf, ...]] = {}
    for leaf in leaves:
        for code in leaf.bind(struct).codes:
            table[leaf.tag, code] = (*table.get((leaf.tag, code), ()), leaf)
    return MappingProxyType(table)


CONSIGNMENT_BY_CODE = by_code(CONSIGNMENT, Consignment)
ITEM_BY_CODE = by_code(ITEM, GoodsItem)

ROLES: Mapping[str, tuple[Role, str]] = MappingProxyType(
    {
        "CZ": ("consignor", ""),
        "OS": ("consignor", ""),
        "CN": ("consignee", ""),
        "SE": ("seller", ""),
        "SU": ("seller", ""),
        "BY": ("buyer", ""),
        "IM": ("importer", ""),
        "EX": ("exporter", ""),
        "DT": ("declarant", ""),
        "AE": ("representative", ""),
        "DEN": ("representative", "2"),
        "DEO": ("representative", "3"),
        "CB": ("representative", ""),
        "CA": ("carrier", ""),
        "PP": ("marketplace", ""),
        "WH": ("warehouse_keeper", ""),
        "NI": ("notify", ""),
        "MS": ("submitter", ""),
        "MF": ("manufacturer", ""),
    }
)
"""Role and status of representation by code list 3035. It has none for a postal operator or a payment provider."""
CUSTOMS, FISCAL = "CM", "LC"
"""NAD+CM names the administration and so the country whose law is asked for; NAD+LC who declares the tax."""

STAGES: Mapping[str, str] = MappingProxyType(
    {"11": "border", "5": "border", "20": "border", "12": "departure", "3": "arrival", "13": "arrival"}
)
"""Which means of transport each stage (code list 8051) speaks of; the first of its kind is written."""

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {"9": "original", "4": "amendment", "5": "amendment", "1": "cancellation", "3": "cancellation"}
)
"""What BGM 1225 says; the first of each is written."""
ENTRY_NAME = "933"
"""Cargo declaration (arrival), UN/EDIFACT 1001: what comes, told for safety and security alone."""
EXPORT_NAMES, EXPORT_NAME, IMPORT_NAME = ("830", "833"), "830", "929"
"""Names of documents (1001) that ask for export; anything else asks for import."""

LISTS: Mapping[str, str] = MappingProxyType(
    {
        "hs_code": "122",
        "procedure": "117",
        "taric_code": "TARIC",
        "preference": "PREF",
        "preference_country": "PREFORIG",
        "valuation_method": "VALMETH",
        "transaction_nature": "NATURE",
    }
)
"""Code lists (1131) of the parts of CST and of the indicators in GEI and GIS, by the field of ours."""
ADDITIONAL, CATEGORY, CHANNEL = "ADDPROC", "CATEGORY", "CHANNEL"
QUANTITY_PURPOSES = ("AAF", "CT")
"""MEA with one of these purposes and no attribute is the quantity in the supplementary unit, or pieces."""
EQUIPMENT_REFERENCE = "AAQ"
DESCRIPTION, STATEMENT = "AAA", "CUS"
TRANSPORT_DOCUMENTS = ("703", "704", "705", "714", "720", "730", "740", "741", "750")
PREVIOUS_DOCUMENT = "998"
WHOLE_VALUES = ("43", "40")
"""MOA of a consignment that says its value for customs; it is the item's where there is one item alone."""
