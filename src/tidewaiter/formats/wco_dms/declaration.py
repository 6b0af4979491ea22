"""A declaration in the message as a consignment, and back: what the mapping cannot say line by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import structs

from tidewaiter.formats.plan import Trace
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import AND_MORE, Node
from tidewaiter.formats.wco_dms.kinds import FUNCTION_UNKNOWN, NO_JURISDICTION, NO_REFERENCE
from tidewaiter.formats.wco_dms.mapping import DECLARATION
from tidewaiter.formats.wco_dms.passing import FINDINGS_MAX, Element, Reader, Spot, Writer
from tidewaiter.formats.wco_dms.special import CHANGE, HOUSE_WAYBILL, MASTER_WAYBILL, ORIGINAL
from tidewaiter.model.consignment import Consignment, Direction, Document, Function, GoodsItem
from tidewaiter.model.finding import Finding
from tidewaiter.model.identifiers import is_s10

CANCEL, AMEND, EXPORT = "INV", "COR", "EX"
GIFT = "C08"
"""Additional procedure: goods sent by one private person to another (Regulation (EC) 1186/2009, art. 25)."""
POST_MODE = "5"
"""UNECE Recommendation 19: mail."""
LOW_VALUE_SETS = ("H6", "H7")
_HOUSE_TYPES = (HOUSE_WAYBILL, "703", "714")
_MASTER_TYPES = (MASTER_WAYBILL, "704")
_COUNTRY = re.compile("[A-Z]{2}")


def consignment_of(
    node: Node,
    path: str,
    reader: Reader,
    *,
    country: str,
    jurisdiction: str | None,
    findings: Iterable[Finding],
    trace: Trace | None = None,
) -> Declared:
    """The consignment that a `Declaration` element declares, with what was wrong in it and where things stood.

    `country` is what the message says of its country, `jurisdiction` what is taken where it says nothing, and
    `findings` what was already found about this declaration.
    """
    into: dict[str, Any] = {}
    DECLARATION.read(node, into, Spot("", path, reader, trace=trace))
    reader.anchor[""] = path
    noted = [*findings, *reader.findings]
    if reader.more:
        noted.append(found(AND_MORE, f"{FINDINGS_MAX:,}"))
    anchor = reader.anchor if trace is None else reader.anchor.copy()
    return declared_of(into, path, anchor, country=country, jurisdiction=jurisdiction, findings=noted)


def declared_of(
    into: dict[str, Any],
    path: str,
    anchor: dict[str, str],
    *,
    country: str,
    jurisdiction: str | None,
    findings: Iterable[Finding],
) -> Declared:
    """The consignment of the fields that were read, `anchor` being where they stood: see `consignment_of`."""
    noted = list(findings)
    settle(into, path, country=country, jurisdiction=jurisdiction, note=noted.append, anchor=anchor)
    record: Consignment = DECLARATION.build(into)
    return Declared(consignment=record, findings=tuple(noted), anchor=anchor)


SETTLED = frozenset((
    "function", "reference", "jurisdiction", "direction", "tracking_id", "house_bill", "master_bill", "channel",
    "category",
))  # fmt: skip
"""The fields of a consignment that `settle` fills."""
READ = frozenset((
    "declaration_type", "mrn", "declaration_office", "presentation_office", "documents", "transport",
))  # fmt: skip
READ_OF_ITEM = frozenset(("procedure", "additional_procedures"))
"""What it reads besides, of the consignment and of its goods items."""


def settle(
    into: dict[str, Any],
    path: str,
    *,
    country: str,
    jurisdiction: str | None,
    note: Callable[[Finding], None],
    anchor: dict[str, str] | None = None,
) -> None:
    """Fill what follows from what the declaration says, and note what it should have said.

    Where a value was taken from elsewhere, `anchor`, where there is one, is told where it stood.
    """
    _settle_function(into, path, note)
    _settle_reference(into, path, note)
    _settle_jurisdiction(into, path, country, jurisdiction, note)
    items: list[GoodsItem] = into.get("items", [])
    into["direction"] = _direction(into.get("declaration_type", ""), items)
    _derive_numbers(into, anchor)
    _derive_certain(into)


def _settle_function(into: dict[str, Any], path: str, note: Callable[[Finding], None]) -> None:
    code = into.pop("function", "").lstrip("0")
    function: Function = "original" if code in ("", ORIGINAL) else "amendment"
    if code not in (ORIGINAL, CHANGE):
        detail = f"it was taken as {'a new declaration' if function == 'original' else 'an amendment'}"
        note(found(FUNCTION_UNKNOWN, detail, pointer="/function", source_pointer=f"{path}/FunctionCode"))
    if function == "amendment" and into.get("declaration_type") == CANCEL:
        function = "cancellation"
    into["function"] = function


def _settle_reference(into: dict[str, Any], path: str, note: Callable[[Finding], None]) -> None:
    if into.get("reference"):
        return
    into["reference"] = into.get("mrn", "")
    detail = "customs' own number stands in for it" if into["reference"] else "it has no other number either"
    note(found(NO_REFERENCE, detail, pointer="/reference", source_pointer=f"{path}/FunctionalReferenceID"))


def _settle_jurisdiction(
    into: dict[str, Any], path: str, country: str, jurisdiction: str | None, note: Callable[[Finding], None]
) -> None:
    """The country the message names, else the one given, else that of the office it is addressed to."""
    told = country
    if not _COUNTRY.fullmatch(told):
        offices = (into.get("declaration_office", "")[:2], into.get("presentation_office", "")[:2])
        told = next((code for code in (jurisdiction or "", *offices) if _COUNTRY.fullmatch(code)), "")
    into["jurisdiction"] = told
    if not told:
        where = path.rpartition("/")[0] + "/ResponsibleCountryCode"
        note(found(NO_JURISDICTION, "none is known", pointer="/jurisdiction", source_pointer=where))


def _direction(type: str, items: list[GoodsItem]) -> Direction:
    """Out for EX, and for CO (trade with territories of another tax law) where the procedure is one of export.

    Procedures that begin with 1, 2 or 3 are those of export: Delegated Regulation (EU) 2015/2446, Annex B, 1/10.
    """
    if type.startswith(EXPORT):
        return "export"
    if type.startswith("CO") and type != AMEND and items and (items[0].procedure or "")[:1] in ("1", "2", "3"):
        return "export"
    return "import"


def _derive_numbers(into: dict[str, Any], anchor: dict[str, str] | None) -> None:
    """The parcel number and the bills, where a document of the whole is one by its number or its type."""
    documents: list[Document] = into.get("documents", [])
    for place, document in enumerate(documents):
        if document.kind not in ("previous", "transport") or not document.id or len(document.id) > 35:
            continue
        is_s = is_s10(document.id)
        fields = {
            "tracking_id": is_s,
            "house_bill": not is_s and document.type in _HOUSE_TYPES,
            "master_bill": document.type in _MASTER_TYPES,
        }
        for field, is_it in fields.items():
            if is_it and field not in into:
                into[field] = document.id
                if anchor is not None:
                    anchor[f"/{field}"] = f"{anchor[f'/documents/{place}']}/ID"
    if "tracking_id" not in into and is_s10(into.get("house_bill", "")):
        into["tracking_id"] = into["house_bill"]
        if anchor is not None:
            anchor["/tracking_id"] = anchor["/house_bill"]


def _derive_certain(into: dict[str, Any]) -> None:
    """The channel and the category, where they are certain."""
    mode = into.get("transport", {}).get("border_mode")
    if mode == POST_MODE or into.get("tracking_id"):
        into["channel"] = "post"
    elif mode is not None:
        into["channel"] = "other"
    items: list[GoodsItem] = into.get("items", [])
    if items and into["function"] == "original":  # an amendment has only the items it changes
        into["category"] = "gift" if any(GIFT in item.additional_procedures for item in items) else "sale"


def element_of(consignment: Consignment) -> Element:
    """The `Declaration` element that declares the consignment."""
    is_low_value = consignment.procedure_category in LOW_VALUE_SETS
    writer = Writer(profile="H7" if is_low_value else "", direction=consignment.direction)
    if consignment.declaration_type is None:
        type = {"cancellation": CANCEL, "amendment": AMEND}.get(consignment.function)
        if type is None and consignment.direction == "export":
            type = EXPORT
        consignment = structs.replace(consignment, declaration_type=type)
    return Element("Declaration", children=DECLARATION.write(consignment, writer))
