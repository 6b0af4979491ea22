"""Waybills and shipments of a graph as the table has them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tidewaiter.formats.air import PARTIES
from tidewaiter.formats.one_record.graph import Graph, Object
from tidewaiter.formats.tree import Node

_NOTE_PARTS = ("country", "subjectCode", "contentCode")
_CONTENTS = ("note", "otherCustomsInformation", "customsInformation")
"""Names under which versions of the ontology have the content of a customs note."""


def waybills(graph: Graph) -> Iterator[Node]:
    """A node for each consignment: each house waybill, each waybill without houses, each shipment without a waybill."""
    held = graph.of_type("Waybill")
    masters: dict[int, Object] = {}
    for one in held:
        for house in _listed(graph, one, "houseWaybills"):
            masters[id(house)] = one
        master = next(iter(_listed(graph, one, "masterWaybill")), None)
        if master is not None:
            masters[id(one)] = master
    above = {id(master) for master in masters.values()}
    reached: set[int] = set()
    for one in held:
        reached |= {id(shipment) for shipment in _listed(graph, one, "shipment")}
        if id(one) not in above:
            yield _waybill(graph, one, masters.get(id(one)))
    for one in graph.of_type("Shipment"):
        if id(one) not in reached:
            yield _shipment_alone(graph, one)


def _listed(graph: Graph, one: Object, name: str) -> Iterator[Object]:
    for key, value in one.items():
        if graph.local(key) == name:
            for entry in value if isinstance(value, list) else [value]:
                found = graph.object(entry)
                if found is not None:
                    yield found


def _waybill(graph: Graph, one: Object, master: Object | None) -> Node:
    kept = Object(
        (key, value) for key, value in one.items() if graph.local(key) not in ("masterWaybill", "houseWaybills")
    )
    kept.at = one.at
    node = graph.node("Waybill", kept, (id(one),))
    _number(node, is_house=True if master is not None else None)
    if master is not None:
        above = graph.node("Waybill", Object((k, v) for k, v in master.items() if graph.local(k) in _NUMBER))
        _number(above, is_house=False)
        node.children += above.children
    return _shaped(graph, node)


_NUMBER = ("waybillPrefix", "waybillNumber")


def _number(node: Node, *, is_house: bool | None) -> None:
    """The number whole, under the name that says whose it is; where nobody knows, its type and form tell."""
    prefix, number = (_child(node, name) for name in _NUMBER)
    kind = _child(node, "waybillType")
    if is_house is None:
        is_house = kind.text.upper() == "HOUSE" if kind is not None else prefix is None
    node.children[:] = [one for one in node.children if one.name not in _NUMBER and one is not kind]
    if number is not None and number.text:
        whole = f"{prefix.text}-{number.text}" if prefix is not None and prefix.text else number.text
        node.children.insert(0, Node("HouseNumber" if is_house else "MasterNumber", "", {}, number.index, whole))


def _shipment_alone(graph: Graph, one: Object) -> Node:
    """A shipment without a waybill; its reference is the last part of its id."""
    node = graph.leaf("Waybill", "", one.at)
    told = str(one.get("@id", "")).strip().rstrip("/").rpartition("/")[2]
    if told:
        node.children.append(graph.leaf("Reference", told, f"{one.at}/@id"))
    node.children.append(graph.node("shipment", one))
    return _shaped(graph, node)


def _shaped(graph: Graph, node: Node) -> Node:
    """The node with values, notes, parties and pieces as the table has them, from the inside out."""
    children = [_shaped(graph, child) for child in node.children]
    node = msgspec.structs.replace(node, children=children)
    names = {child.name for child in children}
    if "numericalValue" in names:
        return _value(node)
    if node.name == "customsInformation":
        return _note(node)
    if node.name == "specialHandlingCodes" and not children:
        return msgspec.structs.replace(node, text="", children=[msgspec.structs.replace(node, name="Code")])
    if node.name == "involvedParties":
        return _party(node)
    if node.name == "contactDetails":
        return _contact(node)
    if node.name == "shipment":
        pieces = [child for child in children if child.name == "pieces"]
        rest = [child for child in children if child.name != "pieces"]
        if pieces:
            rest.append(graph.leaf("PieceCount", str(len(pieces)), graph.places[pieces[0].index]))
        return msgspec.structs.replace(node, children=[*rest, *(more for one in pieces for more in _goods(one))])
    return node


def _value(node: Node) -> Node:
    """A number with its unit or currency as attributes."""
    number = _child(node, "numericalValue") or node
    attributes = {}
    for name, as_ in (("unit", "unit"), ("currencyUnit", "currency"), ("currency", "currency")):
        told = _child(node, name)
        if told is not None:
            attributes[as_] = told.text
    return Node(node.name, "", attributes, number.index, number.text)


def _note(node: Node) -> Node:
    code = "/".join((_child(node, name) or Node("", "", {}, 0)).text for name in _NOTE_PARTS)
    first = next((one for one in node.children if one.name in _NOTE_PARTS), node)
    children = [one for one in node.children if one.name not in (*_NOTE_PARTS, *_CONTENTS)]
    for one in node.children:
        if one.name in _CONTENTS:
            children.append(msgspec.structs.replace(one, name="Content"))
    if code.strip("/"):
        children.insert(0, Node("Code", "", {}, first.index, code))
    return msgspec.structs.replace(node, children=children)


def _party(node: Node) -> Node:
    """A party under the name of its role, where we have that role."""
    role = _child(node, "partyRole")
    if role is None or role.text not in PARTIES:
        return node
    kept = [one for one in node.children if one is not role]
    return msgspec.structs.replace(node, name=role.text, children=kept)


def _contact(node: Node) -> Node:
    """A number under the name of its kind."""
    kind, text = _child(node, "contactDetailType"), _child(node, "textualValue")
    if kind is None or text is None:
        return node
    kept = [one for one in node.children if one is not kind and one is not text]
    return msgspec.structs.replace(node, children=[msgspec.structs.replace(text, name=kind.text), *kept])


def _goods(piece: Node) -> Iterator[Node]:
    """A piece as goods items: one for each item in it, else itself, and one for each further commodity code."""
    items = [one for one in piece.children if one.name == "containedItems"]
    rest = [one for one in piece.children if one.name != "containedItems"]
    if not items:
        yield from _by_product(piece, rest)
        return
    for place, item in enumerate(items):
        renamed = [_NAMES_OF_ITEMS.get(one.name, one.name) for one in item.children]
        own = [msgspec.structs.replace(one, name=name) for one, name in zip(item.children, renamed, strict=True)]
        shared = [one for one in rest if place == 0 and one.name not in ("grossWeight", "goodsDescription")]
        yield from _by_product(msgspec.structs.replace(item, name="pieces"), [*own, *shared])


_NAMES_OF_ITEMS = {
    "weight": "grossWeight", "describedByProduct": "contentProducts", "ofProduct": "contentProducts",
    "productionCountry": "contentProductionCountry",
}  # fmt: skip


def _by_product(piece: Node, children: list[Node]) -> Iterator[Node]:
    products = [one for one in children if one.name == "contentProducts"]
    rest = [one for one in children if one.name != "contentProducts"]
    is_described = any(one.name == "goodsDescription" for one in rest)
    for place, product in enumerate(products or [piece]):
        told = [] if product is piece else [
            msgspec.structs.replace(one, name="goodsDescription") if one.name == "description" and not (
                is_described and place == 0) else one
            for one in product.children
        ]  # fmt: skip
        yield msgspec.structs.replace(piece, children=[*(rest if place == 0 else []), *told])


def _child(one: Node, name: str) -> Node | None:
    return next((child for child in one.children if child.name == name), None)
