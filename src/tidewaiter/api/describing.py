"""Pieces that every part of the OpenAPI description is made of."""

from __future__ import annotations

from typing import Any

from tidewaiter.api.problems import KINDS, MEDIA_TYPE
from tidewaiter.formats import text

YEARS = "|".join(sorted({f"{year // 100}[0-9]{{2}}" for year in text.YEARS}))
FIT = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]*$"
"""A text without a character that no field may hold (`formats.text.UNFIT`; those beyond the first plane are left out,
since not every reader of patterns knows them)."""
KEY = {"type": "string", "pattern": "^[!-~]{1,255}$"}
"""The schema of an Idempotency-Key."""


def problems(*statuses: int) -> dict[str, Any]:
    """The answers for problems of these statuses, with the codes each can have."""
    return {
        str(status): {
            "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in KINDS if kind.status == status),
            "content": {MEDIA_TYPE: content({"$ref": "#/components/schemas/Problem"})},
        }
        for status in statuses
    }


CURSOR = "^(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})$"
"""How a cursor looks. It is one that was given here, and nobody need know what its numbers mean."""
FILER_KEPT = {"header.Tidewaiter-Filer": "$request.header.Tidewaiter-Filer"}
"""What a link to a filer's own things hands on."""


def link(operation: str, description: str, **parameters: str) -> dict[str, Any]:
    """Where an answer leads: to this operation, with what is found in the answer as its parameters."""
    return {"operationId": operation, "description": description, "parameters": {**parameters, **FILER_KEPT}}


_SAID = ("format", "pattern", "enum", "contentEncoding")
"""What says already how a text looks."""


def as_read(schema: Any) -> Any:
    """The schema, in which instants are of the years and texts of the characters that are read here."""
    if isinstance(schema, list):
        return [as_read(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: as_read(one) for name, one in schema.items()}
    if schema.get("format") == "date-time":
        return told | {"pattern": f"^({YEARS})-"}
    is_free = schema.get("type") == "string" and told.keys().isdisjoint(_SAID)
    return told | {"pattern": FIT} if is_free else told


def content(schema: dict[str, Any]) -> dict[str, Any]:
    """A body of this schema."""
    return {"schema": schema}


def json_of(name: str) -> dict[str, Any]:
    """A body of JSON, of the schema of this name."""
    return {"application/json": content({"$ref": f"#/components/schemas/{name}"})}
