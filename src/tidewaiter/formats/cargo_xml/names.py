"""Which namespace an element stands in, and messages as bytes."""

from __future__ import annotations

from collections.abc import Sequence

from tidewaiter.formats.mapped_writing import document as xml
from tidewaiter.formats.mapped_writing import node
from tidewaiter.formats.tree import Node

SPACES = {
    "HouseWaybill": "iata:housewaybill:1",
    "HouseManifest": "iata:housemanifest:1",
    "Waybill": "iata:waybill:1",
    "Response": "iata:response:3",
}
"""The namespace of a message and of the elements right below it, by its name."""
_INSIDE = "iata:datamodel:3"


def document(messages: Sequence[Node]) -> bytes:
    """The messages in UTF-8; more or less than one stand in an element `Messages`, for which there is no schema."""
    for message in messages:
        message.attributes.update({"xmlns:rsm": SPACES[message.name], "xmlns:ram": _INSIDE})
    if len(messages) == 1:
        return xml(messages[0], lambda name, depth: f"rsm:{name}" if depth < 2 else f"ram:{name}")
    return xml(node("Messages", "", *messages), _in_many)


def _in_many(name: str, depth: int) -> str:
    return f"rsm:{name}" if depth in (1, 2) else f"ram:{name}" if depth else name
