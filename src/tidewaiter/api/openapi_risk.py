"""The part of the OpenAPI description that is about risk."""

from __future__ import annotations

from typing import Any

from tidewaiter.api.describing import json_of, problems

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
_PROFILE = {"name": "profile", "in": "path", "required": True, "schema": {"type": "string"}}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
_OFFICIALS = "For officials, each as a named person. Nothing of it may be told to a filer."


def paths() -> dict[str, Any]:
    """The paths with what can be done at each."""
    return {
        "/v1/control/{id}/risk": {
            "get": _route("showReasons", "What risk saw in a consignment, and if it comes out again", "Explained", _ID)
        },
        "/v1/control/{id}/inspections": {
            "post": _route("inspect", "Write down what an inspection found", "Inspection", _ID, asks="InspectionReport")
        },
        "/v1/risk/profiles": {
            "get": _listed("listProfiles", "The risk profiles of the caller's country that are kept"),
            "post": _route(
                "draftProfile", "Keep a risk profile as a draft, tried on its examples", "ProfileView", asks="Draft",
                status="201",
            ),
        },
        "/v1/risk/profiles/{profile}/{version}": {
            "post": _route(
                "stepProfile", "Try, propose, approve, decline or expire a version", "ProfileView", _PROFILE, _VERSION,
                asks="ProfileStep",
            )
        },
        "/v1/risk/queue": {
            "post": _route("drawUpQueue", "Draw up who is looked at in a shift", "Selected", asks="DrawUp")
        },
    }  # fmt: skip


def _route(
    name: str, summary: str, gives: str, *parameters: dict[str, Any], asks: str = "", status: str = "200"
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "description": _OFFICIALS,
        "parameters": list(parameters),
        **({"requestBody": {"required": True, "content": json_of(asks)}} if asks else {}),
        "responses": {
            status: {"description": summary, "content": json_of(gives)},
            **problems(400, 401, 403, 404, 408, 409, 413, 415, 503),
        },
    }


def _listed(name: str, summary: str) -> dict[str, Any]:
    told = _route(name, summary, "ProfileView")
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/ProfileView"}}
    told["responses"]["200"]["content"] = {"application/json": {"schema": schema}}
    return told
