"""The published JSON Schema of a message, made from the model."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewaiter.model.consignment import Consignment

ID = "urn:tidewaiter:schema:consignment:1"
_EXACT = {
    "type": ["string", "number"],
    "pattern": "^(0|[1-9][0-9]{0,11})([.][0-9]{1,6})?$",
    "minimum": 0,
    "format": "decimal",
}


def schema() -> dict[str, Any]:
    """The schema of a JSON message: one consignment, a list, or an envelope (draft 2020-12).

    A file with one object a line follows it line by line. `x-wco`, `x-privacy`, `x-purpose` and `x-keep` say of a
    field its WCO Data Model id, who may see it, what it is for and how long it is kept.
    """
    [one], definitions = msgspec.json.schema_components([Consignment], ref_template="#/$defs/{name}")
    many = {"type": "array", "items": one, "minItems": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Consignments declared to Tidewaiter",
        "description": "One consignment, a list of them, or an object with the list.",
        "anyOf": [
            one,
            many,
            {
                "type": "object",
                "properties": {"consignments": many},
                "required": ["consignments"],
                "additionalProperties": False,
            },
        ],
        "$defs": with_numbers(definitions),
    }


def with_numbers(part: Any) -> Any:
    """The same schema with exact numbers written as text or as JSON numbers."""
    if isinstance(part, list | tuple):
        return [with_numbers(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    made = {name: with_numbers(value) for name, value in part.items()}
    return made | _EXACT if made.get("format") == "decimal" else made
