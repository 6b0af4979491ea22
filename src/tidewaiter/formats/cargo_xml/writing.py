"""From consignments to house waybills and to a house manifest."""

from __future__ import annotations

from collections.abc import Sequence

from tidewaiter.formats.cargo_xml.names import document
from tidewaiter.formats.cargo_xml.reading import section
from tidewaiter.formats.cargo_xml.shaping import unshaped
from tidewaiter.formats.mapped_writing import node, tree_of
from tidewaiter.formats.tree import Node
from tidewaiter.model.consignment import Consignment

_MASTER, _HOUSE = "MasterConsignment", "IncludedHouseConsignment"


def write_houses(consignments: Sequence[Consignment]) -> bytes:
    """A house waybill (XFZB) for each consignment."""
    return document([_house(one, "HouseWaybill") for one in consignments])


def write_manifest(consignments: Sequence[Consignment]) -> bytes:
    """A house manifest (XFHL) of the consignments under one master bill, which is that of the first.

    A manifest has no parties, and one description of the goods: that of the first item. Raises ValueError for none.
    """
    if not consignments:
        raise ValueError("a house manifest lists at least one house")
    messages = [_house(one, "HouseManifest") for one in consignments]
    whole = _master(messages[0])
    for number, message in enumerate(messages, start=1):
        houses = [one for one in _master(message).children if one.name == _HOUSE]
        for house in houses:
            house.children.insert(0, node("SequenceNumeric", str(number)))
            if number > 1:
                whole.children.append(house)
    return document(messages[:1])


def _house(record: Consignment, name: str) -> Node:
    message = tree_of(record, section(name), name)
    for house in _master(message).children:
        if house.name == _HOUSE:
            unshaped(house)
    return message


def _master(message: Node) -> Node:
    return next((one for one in message.children if one.name == _MASTER), message)
