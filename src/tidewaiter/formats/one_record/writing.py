"""From consignments and answers to JSON-LD."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_args

import msgspec

from tidewaiter.formats.air import PARTIES
from tidewaiter.formats.mapped_writing import node, tree_of
from tidewaiter.formats.one_record.reading import OURS, section
from tidewaiter.formats.tree import Node
from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.consignment import Consignment

_CARGO, _API = "https://onerecord.iata.org/ns/cargo#", "https://onerecord.iata.org/ns/api#"
_LISTS, _UNECE = "https://onerecord.iata.org/ns/code-lists/", "https://vocabulary.uncefact.org/"
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "Waybill": "Waybill", "masterWaybill": "Waybill", "shipment": "Shipment", "pieces": "Piece",
        "contentProducts": "Product", "involvedParties": "Party", "partyDetails": "Company",
        "basedAtLocation": "Location", "address": "Address", "contactPersons": "Person",
        "contactDetails": "ContactDetail", "otherIdentifiers": "OtherIdentifier", "departureLocation": "Location",
        "arrivalLocation": "Location", "carrierDeclarationPlace": "Location", "locationCodes": "CodeListElement",
        "customsInformation": "CustomsInformation",
    }
)  # fmt: skip
"""The type of the object under a name."""
CODES: Mapping[str, str] = MappingProxyType(
    {
        "country": f"{_UNECE}CountryId#", "contentProductionCountry": f"{_UNECE}CountryId#",
        "unit": f"{_UNECE}UnitMeasureCode#", "currency": f"{_UNECE}CurrencyCode#",
        "subjectCode": f"{_LISTS}InformationIdentifier#", "contentCode": f"{_LISTS}CustomsInformationIdentifier#",
        "specialHandlingCodes": f"{_LISTS}SpecialHandlingCode#", "partyRole": f"{_LISTS}ParticipantIdentifier#",
        "hsCode": f"{_LISTS}HSCode#", "waybillType": "cargo:", "contactDetailType": "cargo:",
    }
)  # fmt: skip
"""The list of the codes under a name, or the prefix where the ontology itself names them."""
_OF_PRODUCTS = {"hsCode": "hsCode", "goodsDescription": "description"}
"""What a product may say of an item, and how it is called there."""
_NUMBER = re.compile(r"[0-9]{3}-[0-9]+")
_REJECTED: tuple[AnswerKind, ...] = ("rejected", "do_not_load", "refused", "invalidated")


ANSWERS: Mapping[AnswerKind, str] = MappingProxyType(
    {kind: f"{'api:Error' if kind in _REJECTED else 'cargo:LogisticsEvent'} {kind}" for kind in get_args(AnswerKind)}
)
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "JSON pointer: `/@graph/3/cargo:goodsDescription`"
"""How a place in a message is pointed at."""


def write_waybills(consignments: Sequence[Consignment]) -> bytes:
    """A graph with a waybill for each consignment, or a shipment where it has no number of a waybill."""
    return _document(_value(_unshaped(tree_of(one, section(), "Waybill"), one)) for one in consignments)


def write_answers(answers: Sequence[Answer]) -> bytes:
    """A graph with an api:Error for what was rejected, a cargo:LogisticsEvent for what was not."""
    return _document(_answer(one) for one in answers)


def _document(graph: Iterable[Any]) -> bytes:
    context = {"cargo": _CARGO, "api": _API, "tidewaiter": OURS}
    return msgspec.json.format(msgspec.json.encode({"@context": context, "@graph": list(graph)}), indent=2) + b"\n"


def _unshaped(whole: Node, record: Consignment) -> Node:
    """The tree as the ontology has it."""
    held = {one.name: one for one in whole.children}
    whole.children = [one for one in whole.children if one.name not in ("Reference", "HouseNumber", "MasterNumber")]
    for part in [whole, *(one for one in whole.children if one.name == "shipment")]:
        part.children = [_party(one) if one.name in PARTIES else one for one in part.children]
    shipment = held.get("shipment")
    if shipment is not None:
        told = [one for one in shipment.children if one.name != "PieceCount"]
        shipment.children = _pieces(told, record.package_count)
    for name, kind in (("HouseNumber", "HOUSE"), ("MasterNumber", "DIRECT")):
        if name in held and (kind == "HOUSE" or "HouseNumber" not in held):
            whole.children += _numbered(held[name].text, kind)
    if "HouseNumber" in held and "MasterNumber" in held:
        whole.children.append(node("masterWaybill", "", *_numbered(held["MasterNumber"].text, "MASTER")))
    if "HouseNumber" in held or "MasterNumber" in held:
        return whole
    alone = shipment if shipment is not None else node("shipment")
    alone.children += [one for one in whole.children if one.name == "involvedParties"]
    if record.reference:
        alone.attributes["@id"] = f"{OURS}shipment/{record.reference}"
    return alone


def _numbered(number: str, kind: str) -> list[Node]:
    prefix, _, rest = number.partition("-") if kind != "HOUSE" and _NUMBER.fullmatch(number) else ("", "", number)
    made = [node("waybillPrefix", prefix)] if prefix else []
    return [*made, node("waybillNumber", rest), node("waybillType", kind)]


def _party(one: Node) -> Node:
    for persons in [part for details in one.children for part in details.children if part.name == "contactPersons"]:
        details = [leaf for group in persons.children for leaf in group.children]
        persons.children = [
            node("contactDetails", "", node("contactDetailType", leaf.name), node("textualValue", leaf.text))
            for leaf in details
        ]
    return node("involvedParties", "", node("partyRole", one.name), *one.children)


def _pieces(children: list[Node], count: int | None) -> list[Node]:
    """So many pieces where there are more items: those of a text or code alone are further products of a piece."""
    made: list[Node] = []
    spare = sum(one.name == "pieces" for one in children) - (count or 0)
    for one in children:
        if one.name != "pieces":
            made.append(_note(one))
            continue
        names = {child.name for child in one.children}
        before = made[-1] if made and made[-1].name == "pieces" else None
        if before is not None and spare > 0 and names and names <= _OF_PRODUCTS.keys():
            spare -= 1
            if not before.children or before.children[-1].name != "contentProducts":
                before.children.append(node("contentProducts"))  # the first product is that of the piece's own item
            told = [msgspec.structs.replace(child, name=_OF_PRODUCTS[child.name]) for child in one.children]
            before.children.append(node("contentProducts", "", *told))
            continue
        products = [node("contentProducts", "", child) for child in one.children if child.name == "hsCode"]
        rest = [_note(child) for child in one.children if child.name != "hsCode"]
        for child in rest:
            if child.name == "specialHandlingCodes":
                child.text, child.children = "".join(leaf.text for leaf in child.children), []
        made.append(node("pieces", "", *rest, *products))
    return made


def _note(one: Node) -> Node:
    if one.name != "customsInformation":
        return one
    code = next((child.text for child in one.children if child.name == "Code"), "//")
    names = ("country", "subjectCode", "contentCode")
    parts = [node(name, part) for name, part in zip(names, code.split("/"), strict=False) if part]
    texts = [node("note", child.text) for child in one.children if child.name == "Content"]
    return node("customsInformation", "", *parts, *texts)


def _value(one: Node) -> Any:
    """A node as JSON: an object of its type, a number with unit or currency, a code by its address, or text."""
    if not one.children and one.name not in TYPES:
        return _leaf(one)
    made: dict[str, Any] = {"@type": f"cargo:{TYPES.get(one.name, 'LogisticsObject')}", **one.attributes}
    for child in one.children:
        key, value = f"cargo:{child.name}", _value(child)
        if key in made:
            before = made[key]
            made[key] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            made[key] = value
    return made


def _leaf(one: Node) -> Any:
    for name, type in (("unit", "Value"), ("currency", "CurrencyValue")):
        if name in one.attributes:
            as_ = "unit" if name == "unit" else "currencyUnit"
            number = msgspec.Raw(one.text.encode())
            code = {"@id": f"{CODES[name]}{one.attributes[name]}"}
            return {"@type": f"cargo:{type}", "cargo:numericalValue": number, f"cargo:{as_}": code}
    return {"@id": f"{CODES[one.name]}{one.text}"} if one.name in CODES else one.text


def _answer(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"tidewaiter:answer": answer.kind, "tidewaiter:reference": answer.reference or ""}
    if answer.mrn:
        told["tidewaiter:mrn"] = answer.mrn
    details = [(one.code, one.source_pointer or one.pointer, f"{one.text} {one.remedy}") for one in answer.findings]
    details += [(one.code, one.pointer, one.text) for one in answer.errors]
    errors = [
        {"@type": "api:ErrorDetail", "api:hasCode": code, "api:hasMessage": text.strip(), "api:hasProperty": place}
        for code, place, text in details
    ]
    if answer.kind not in _REJECTED:
        known = {"tidewaiter:errorDetail": errors} if errors else {}
        event = {"@type": "cargo:LogisticsEvent", "@id": f"{OURS}{answer.id}", "cargo:eventName": answer.kind}
        return {**event, **told, **known}
    title = "The message was not accepted" if answer.kind == "rejected" else answer.kind.replace("_", " ")
    return {
        "@type": "api:Error", "@id": f"{OURS}{answer.id}", "api:hasTitle": title, "api:hasErrorDetail": errors, **told
    }  # fmt: skip
