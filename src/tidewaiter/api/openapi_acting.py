"""The part of the OpenAPI description about acts on a consignment: those of officials, and what its filer replies."""

from __future__ import annotations

from typing import Any

from tidewaiter.api.acting import Ask, Close, Complete, Refund, Refuse, Release
from tidewaiter.api.describing import KEY, json_of, problems
from tidewaiter.api.presenting import Present
from tidewaiter.services.acting import Done
from tidewaiter.services.present import Presentation
from tidewaiter.services.reply import Replied, Saying

SCHEMAS: tuple[Any, ...] = (Release, Refuse, Ask, Complete, Refund, Close, Done, Saying, Replied, Present, Presentation)


def paths() -> dict[str, Any]:
    """These routes."""
    return {
        "/v1/control/{id}/release": {"post": _act("release", "Release", "Release a consignment")},
        "/v1/control/{id}/refuse": {
            "post": _act("refuse", "Refuse", "Refuse goods, on a ground that the filer is told")
        },
        "/v1/control/{id}/ask": {"post": _act("ask", "Ask", "Ask the filer for documents or information")},
        "/v1/control/{id}/complete": {
            "post": _act("complete", "Complete", "Complete the assessment for security: it may be loaded")
        },
        "/v1/control/{id}/refund": {"post": _act("refund", "Refund", "Give back what was charged")},
        "/v1/control/{id}/proposals/{number}": {
            "post": _act("closeProposal", "Close", "Approve or decline what another person proposed", "number")
        },
        "/v1/consignments/{reference}/replies": {"post": _reply()},
        "/v1/presentations": {"post": _present()},
    }


def _act(name: str, asked: str, summary: str, *numbers: str) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    return {
        "operationId": name,
        "summary": summary,
        "description": "For officials, each as a named person. What takes two persons is answered with 202 and the "
        "number of a proposal, which another person approves within a day, as it was seen. The same Idempotency-Key "
        "again is the same act, done once.",
        "parameters": [
            *({"name": one, "in": "path", "required": True, "schema": number} for one in ("id", *numbers)),
            {"name": "Idempotency-Key", "in": "header", "schema": KEY},
        ],
        "requestBody": {
            "required": True,
            "content": json_of(asked),
        },
        "responses": {
            "200": {
                "description": "It is done, now or before",
                "content": json_of("Done"),
            },
            "202": {
                "description": "It waits for a second person",
                "content": json_of("Done"),
            },
            **problems(400, 401, 403, 404, 408, 409, 413, 415, 503),
        },
    }


def _reply() -> dict[str, Any]:
    return {
        "operationId": "reply",
        "summary": "Reply to what was asked about a consignment",
        "description": "With a text, with documents by type and number and, if wanted, their content, or with the "
        "number of the message that amended the declaration. It is kept before it is answered; each request is replied "
        "to once, and the same again is the same reply. An officer looks at it, or it is assessed again.",
        "parameters": [
            {"$ref": "#/components/parameters/filer"},
            {"name": "reference", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "Idempotency-Key", "in": "header", "schema": KEY},
        ],
        "requestBody": {"required": True, "content": json_of("Saying")},
        "responses": {
            "200": {"description": "It has come, now or before", "content": json_of("Replied")},
            **problems(400, 401, 403, 404, 408, 409, 413, 415, 503),
        },
    }


def _present() -> dict[str, Any]:
    told = {"type": "array", "items": {"$ref": "#/components/schemas/Presentation"}}
    return {
        "operationId": "present",
        "summary": "Present goods that were declared before they were there",
        "description": "What was declared ahead of its goods stands `lodged` until they are presented; then it is "
        "accepted, charged and decided on by the law of that day and by what is known then. What becomes of each is "
        "answered in their order, once all is committed. To present again changes nothing.",
        "parameters": [{"$ref": "#/components/parameters/filer"}],
        "requestBody": {"required": True, "content": json_of("Present")},
        "responses": {
            "200": {"description": "What became of each", "content": {"application/json": {"schema": told}}},
            **problems(400, 401, 403, 408, 413, 415, 429, 503),
        },
    }
