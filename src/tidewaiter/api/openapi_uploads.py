"""The part of the OpenAPI description that is about messages in parts."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tidewaiter.api.describing import KEY, content, problems
from tidewaiter.api.uploading import PART

_FILER = {"$ref": "#/components/parameters/filer"}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"}}
_FLAG = {"type": "string", "enum": ["?0", "?1"]}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
_BYTES = {"type": "string", "format": "binary"}
_HOW_FAR = {
    "Upload-Offset": {"description": "So many bytes are kept, and need not be sent again", "schema": _NUMBER},
    "Upload-Complete": {"description": "'?1' once all of it came", "schema": _FLAG},
    "Upload-Length": {"description": "How long the whole is, where that was said", "schema": _NUMBER},
    "Upload-Limit": {
        "description": "max-size in bytes, and max-age: for how many seconds the upload is still kept",
        "schema": {"type": "string"},
    },
}
_LOCATION = {"Location": {"description": "The upload", "schema": {"type": "string"}}}


def paths(lodging: dict[str, Any]) -> dict[str, Any]:
    """The paths with what can be done at each. `lodging` describes lodging the same message in one request."""
    answer = deepcopy(lodging["responses"]["200"])
    answer["headers"] |= {name: _HOW_FAR[name] for name in ("Upload-Complete", "Upload-Offset")}
    answer["description"] = f"All of it came. {answer['description']}"
    return {
        "/v1/uploads": {"post": _begin(answer)},
        "/v1/uploads/{id}": {"get": _show(), "patch": _append(answer), "delete": _discard()},
    }


def _begin(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "beginUpload",
        "summary": "Begin a message that arrives in parts",
        "description": "After the IETF draft Resumable Uploads for HTTP. The body is the first part, and may be empty. "
        "With an Idempotency-Key it may be sent again: the upload that was begun under it is gone on with.",
        "parameters": [
            _FILER,
            _header("Upload-Complete", "'?0' where more is to come, '?1' where this is all.", _FLAG, is_required=True),
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A name for the upload, under which it is lodged too; without one its id is the key.",
                "schema": KEY,
            },
            *_said_of_the_whole(),
        ],
        "requestBody": {"required": False, "content": {"application/octet-stream": content(_BYTES)}},
        "responses": {
            "200": answer,
            "201": {
                "description": "The upload, which is to be gone on with",
                "headers": _HOW_FAR | _LOCATION,
            },
            **problems(400, 403, 404, 408, 409, 413, 415, 422, 429, 503),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showUpload",
        "summary": "How far an upload is; HEAD says the same",
        "description": "A request that is still appending gives way: what Upload-Offset says is where to go on.",
        "parameters": [_ID, _FILER],
        "responses": {
            "204": {"description": "How far it is", "headers": _HOW_FAR | _LOCATION},
            **problems(400, 404, 503),
        },
    }


def _append(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "appendToUpload",
        "summary": "Append a part to an upload; the last part is answered as the whole message",
        "description": "Where the link breaks, what came is kept and the upload is not complete. Once it is complete, "
        "an empty part with Upload-Complete: ?1 at its end gets the answer again.",
        "parameters": [
            _ID,
            _FILER,
            _header("Upload-Offset", "Where the part begins: where the upload stands.", _NUMBER, is_required=True),
            _header("Upload-Complete", "'?1' where the part is the last.", _FLAG, is_required=True),
            *_said_of_the_whole(),
        ],
        "requestBody": {"required": True, "content": {PART: content(_BYTES)}},
        "responses": {
            "200": answer,
            "204": {"description": "The part is kept, and more is to come", "headers": _HOW_FAR | _LOCATION},
            **problems(400, 403, 404, 408, 409, 413, 415, 422, 429, 503),
        },
    }


def _discard() -> dict[str, Any]:
    return {
        "operationId": "discardUpload",
        "summary": "Give an upload up; what was lodged stays lodged",
        "parameters": [_ID, _FILER],
        "responses": {"204": {"description": "It is gone"}, **problems(400, 403, 404, 503)},
    }


def _said_of_the_whole() -> list[dict[str, Any]]:
    return [
        _header("Upload-Length", "How many bytes the whole has.", _NUMBER),
        _header(
            "Repr-Digest",
            "The SHA-256 of the whole, as sha-256=:base64: (RFC 9530); bytes with another one are not lodged. "
            "Digests by other names are left aside.",
            {"type": "string"},
        ),
    ]


def _header(name: str, description: str, schema: dict[str, Any], *, is_required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": is_required, "description": description, "schema": schema}
