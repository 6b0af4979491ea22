"""The OpenAPI 3.1 description of this door, its schemas made from the records themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from tidewaiter import __version__, formats
from tidewaiter.access.proofs import ASSERTION_TYPE
from tidewaiter.access.signed import TEXT_MAX
from tidewaiter.api.describing import KEY, as_read, content, link, problems
from tidewaiter.api.learning import SCHEMAS as LEARNING_SCHEMAS
from tidewaiter.api.openapi_acting import SCHEMAS as ACTING_SCHEMAS
from tidewaiter.api.openapi_acting import paths as acting_paths
from tidewaiter.api.openapi_exchange import SCHEMAS as EXCHANGE_SCHEMAS
from tidewaiter.api.openapi_exchange import paths as exchange_paths
from tidewaiter.api.openapi_risk import paths as risk_paths
from tidewaiter.api.openapi_uploads import paths as upload_paths
from tidewaiter.api.problems import MEDIA_TYPE, Problem
from tidewaiter.api.quoting import Quoted
from tidewaiter.api.risking import SCHEMAS as RISK_SCHEMAS
from tidewaiter.api.rows import LINES, Row
from tidewaiter.api.showing import ConsignmentView
from tidewaiter.formats.json.schema import with_numbers
from tidewaiter.model.answer import Answer
from tidewaiter.model.conformance import SignedReport
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.admit import Given
from tidewaiter.services.conform import ANY

_REFERENCE = "#/components/schemas/{name}"


@cache
def description() -> dict[str, Any]:
    """The whole description."""
    _, components = msgspec.json.schema_components(
        (
            Consignment,
            list[Cleared],
            list[Answer],
            Row,
            ConsignmentView,
            Quoted,
            Receipt,
            SignedReport,
            Given,
            *ACTING_SCHEMAS,
            Problem,
            *EXCHANGE_SCHEMAS,
            *RISK_SCHEMAS,
            *LEARNING_SCHEMAS,
        ),
        ref_template=_REFERENCE,
    )
    # What is read is described as it is published: an exact number is text or a number.
    _, read = msgspec.json.schema_components([Consignment], ref_template=_REFERENCE)
    components |= with_numbers(read)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tidewaiter",
            "version": __version__,
            "summary": "The counter at which a parcel bought abroad is declared, priced, checked and let in.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/messages": {"post": _lodge()},
            **upload_paths(_lodge()),
            "/v1/messages/{id}/receipt": {"get": _show_lodgement_receipt()},
            "/v1/consignments": {"post": _lodge_own()},
            "/v1/quotes": {"post": _quote()},
            "/v1/conform": {"post": _conform()},
            "/v1/keys": {
                "get": _plain(
                    "showKeys",
                    "The public keys that sign all that is signed here (JWKS)",
                    "application/json",
                )
            },
            **acting_paths(),
            "/v1/token": {"post": _give_token()},
            "/.well-known/oauth-authorization-server": {
                "get": _plain("showMetadata", "What a client of OAuth needs to know (RFC 8414)", "application/json")
            },
            "/v1/consignments/{reference}": {"get": _show()},
            "/v1/consignments/{reference}/receipt": {"get": _show_receipt()},
            **exchange_paths(),
            **risk_paths(),
            "/openapi.json": {"get": _plain("describe", "This description", "application/json")},
            "/docs": {"get": _plain("readDescription", "This description as a page", "text/html")},
            "/health/live": {"get": _plain("isLive", "Whether the server runs", "application/json")},
            "/health/ready": {
                "get": _plain(
                    "isReady",
                    "Whether the server can lodge: there is room, and the store answers",
                    "application/json",
                    503,
                )
            },
        },
        "components": {
            "schemas": as_read(components),
            "parameters": {"filer": _FILER},
            "securitySchemes": {"token": _TOKEN},
        },
        "security": [{}, {"token": []}],
    }


_FILER = {
    "name": "Tidewaiter-Filer",
    "in": "header",
    "description": "Who lodges, by its own word, in an open house; in a guarded one the token says it, and this header "
    "counts for nothing. References and keys are each filer's own. Those who do not say it are all 'anonymous'.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "default": "anonymous"},
}


_TOKEN = {
    "type": "oauth2",
    "description": "Needed where the house is guarded: client credentials proved with private_key_jwt (RFC 7523); a "
    "DPoP proof (RFC 9449) binds the token to a key.",
    "flows": {"clientCredentials": {"tokenUrl": "/v1/token", "scopes": {}}},
}


def _give_token() -> dict[str, Any]:
    fields = {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "client_assertion_type": {"type": "string", "const": ASSERTION_TYPE},
        "client_assertion": {"type": "string", "maxLength": TEXT_MAX},
        "client_id": {"type": "string"},
    }
    asked = {"type": "object", "properties": fields, "required": list(fields)[:3]}
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    refused = {"content": {"application/json": content(error), MEDIA_TYPE: content(_PROBLEM)}}
    return {
        "operationId": "giveToken",
        "summary": "A short access token for a machine that proves with its key who it is",
        "description": "The assertion is a JWT signed with Ed25519, ES256 or PS256: iss and sub are the machine, "
        "aud is the issuer as a text, exp at most five minutes ahead, jti its own each time. Errors are as OAuth has "
        "them.",
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": content(asked)}},
        "responses": {
            "200": {
                "description": "The token, its kind (Bearer, or DPoP where it is bound), and for how many seconds",
                "content": {"application/json": content({"$ref": "#/components/schemas/Given"})},
            },
            "400": {"description": "The form or the proof is not right", **refused},
            "401": {"description": "`invalid_client`: whatever is wrong with who asks", **refused},
            **problems(404, 408, 413, 415, 503),
        },
    }


_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def _lodge() -> dict[str, Any]:
    given = _other_formats()
    results = {"type": "array", "items": {"$ref": "#/components/schemas/Cleared"}}
    answers = {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}}
    return {
        "operationId": "lodgeMessage",
        "summary": "Lodge a message: one consignment or many, in any format that is read here",
        "description": "The format is told from the message itself. It is answered after everything is committed; the "
        "same bytes again get the same answer and have no second effect. Accept: application/json asks for results in "
        "our own form; otherwise the answer is in the sender's format. A message of which nothing can be read is "
        "kept too, and answered with status 422.",
        "parameters": [
            {"$ref": "#/components/parameters/filer"},
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A name for this lodgement; used again with other content it is refused.",
                "schema": KEY,
            },
        ],
        "requestBody": _message(),
        "responses": {
            "200": {
                "description": "What became of each consignment: accepted or not, with findings, receipt and decision",
                "headers": {
                    "Idempotent-Replayed": {
                        "description": "'true' where the same bytes had been lodged before",
                        "schema": {"type": "string"},
                    },
                    "Tidewaiter-Message": {
                        "description": "Our number of the message",
                        "schema": {"type": "string"},
                    },
                    "Link": {
                        "description": 'Where the signed receipt for the lodgement is, with rel="receipt"',
                        "schema": {"type": "string"},
                    },
                },
                "content": {"application/json": content({"anyOf": [results, answers]}), **given},
                "links": {
                    "showLodgementReceipt": link(
                        "showLodgementReceipt", "The signed receipt", id="$response.header.Tidewaiter-Message"
                    ),
                    "showAnswer": link(
                        "showAnswer", "The answer as it was sent", id="$response.header.Tidewaiter-Message"
                    ),
                    **{
                        name: link(name, "The first consignment", reference="$response.body#/0/reference")
                        for name in ("showConsignment", "showReceipt")
                    },
                },
            },
            **problems(400, 403, 408, 413, 415, 422, 429, 503),
        },
    }


def _lodge_own() -> dict[str, Any]:
    """As `_lodge`, for our own JSON alone."""
    described = _lodge()
    rows = {LINES: content({"$ref": "#/components/schemas/Row"})}
    own = {"application/json": described["requestBody"]["content"]["application/json"]}
    answered = described["responses"]["200"]
    answered["content"] = {"application/json": answered["content"]["application/json"], **rows}
    return described | {
        "operationId": "lodgeConsignments",
        "summary": "Lodge consignments in our own JSON: one, a list, or one a line",
        "description": "As /v1/messages, for a body that is JSON. Consignments one a line (application/x-ndjson) are "
        "answered with a result a line: what can be read is lodged, and a line that cannot comes back with its errors.",
        "requestBody": {
            "required": True,
            "content": own | {LINES: content({"$ref": "#/components/schemas/Consignment"})},
        },
    }


def _message() -> dict[str, Any]:
    """A message of any format that is read here."""
    consignment = {"$ref": "#/components/schemas/Consignment"}
    own = content({"anyOf": [consignment, {"type": "array", "items": consignment, "minItems": 1}]})
    return {"required": True, "content": {"application/json": own, **_other_formats()}}


def _other_formats() -> dict[str, Any]:
    types = [media_type for module in formats.FORMATS.values() for media_type in module.MEDIA_TYPES]
    return {
        media_type: content({"type": "string", "minLength": 1})
        for media_type in types
        if media_type != "application/json"
    }


def _quote() -> dict[str, Any]:
    return {
        "operationId": "quote",
        "summary": "Quote for goods that are not yet sent: the landed cost under each way of collecting, and whether "
        "they would clear",
        "description": "Takes what /v1/messages takes; nothing is kept. Names, addresses and descriptions are not "
        "needed. Each offer has its receipt, which anyone can verify under the law of its digest.",
        "parameters": [
            {
                "name": "on",
                "in": "query",
                "description": "The day of the quote; else the day each consignment states, else today where it goes.",
                "schema": {"type": "string", "format": "date"},
            },
            {"$ref": "#/components/parameters/filer"},
        ],
        "requestBody": _message(),
        "responses": {
            "200": {
                "description": "A quote for each consignment, and what was found about the message as a whole",
                "content": {"application/json": content({"$ref": "#/components/schemas/Quoted"})},
            },
            **problems(400, 403, 408, 413, 415, 422),
        },
    }


def _conform() -> dict[str, Any]:
    return {
        "operationId": "conform",
        "summary": "Judge a message stage by stage: bytes, syntax, schema, codes, rules, and across its parts",
        "description": "Takes what /v1/messages takes; nothing is kept. The report has the digest of the message, our "
        "version and that of the law, and is signed where this installation has a key.",
        "parameters": [
            {
                "name": "format",
                "in": "query",
                "description": "The format that the message must be of; any where it speaks for itself.",
                "schema": {"type": "string", "enum": [ANY, *formats.FORMATS], "default": ANY},
            },
            {
                "name": "on",
                "in": "query",
                "description": "The legal day of the rules; today where not given.",
                "schema": {"type": "string", "format": "date"},
            },
        ],
        "requestBody": _message(),
        "responses": {
            "200": {
                "description": "The report; whether the message conforms stands in it",
                "content": {"application/json": content({"$ref": "#/components/schemas/SignedReport"})},
            },
            **problems(400, 403, 408, 413, 415),
        },
    }


def _show_receipt() -> dict[str, Any]:
    return {
        "operationId": "showReceipt",
        "summary": "The receipt of one of the filer's own consignments",
        "description": "Reckoned again from what is kept, under the law it was charged under; where that law is no "
        "longer held here, or what is kept no longer gives the same charges, that is said and nothing is guessed. "
        "Of the parties it has role, kind, country and postcode, on which charges may depend.",
        "parameters": [
            {"name": "reference", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 70}},
            {"$ref": "#/components/parameters/filer"},
        ],
        "responses": {
            "200": {
                "description": "The receipt",
                "content": {"application/json": content({"$ref": "#/components/schemas/Receipt"})},
            },
            **problems(400, 404, 409, 503),
        },
    }


def _show_lodgement_receipt() -> dict[str, Any]:
    return {
        "operationId": "showLodgementReceipt",
        "summary": "The signed receipt for one of the filer's own messages",
        "description": "One line that says what was lodged, when, and where it stands in the audit log, signed. Anyone "
        "who has the public key of /v1/keys can verify it without us: `tidewaiter receipt verify`.",
        "parameters": [
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "Our number of the message, which the header Tidewaiter-Message told.",
                "schema": {"type": "integer", "minimum": 1},
            },
            {"$ref": "#/components/parameters/filer"},
        ],
        "responses": {
            "200": {"description": "The receipt", "content": {"text/plain": content({"type": "string"})}},
            **problems(400, 404, 503),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showConsignment",
        "summary": "Show one of the filer's own consignments",
        "description": "The declaration that stands under the reference, or the newest where none was accepted.",
        "parameters": [
            {"name": "reference", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 70}},
            {"$ref": "#/components/parameters/filer"},
        ],
        "responses": {
            "200": {
                "description": "The consignment",
                "content": {"application/json": content({"$ref": "#/components/schemas/ConsignmentView"})},
            },
            **problems(400, 404, 503),
        },
    }


def _plain(name: str, summary: str, media_type: str, *statuses: int) -> dict[str, Any]:
    told = {media_type: content({"type": "string"} if media_type == "text/html" else {"type": "object"})}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"description": summary, "content": told}, **problems(*statuses)},
    }
