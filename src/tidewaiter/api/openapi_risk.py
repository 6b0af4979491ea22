"""The part of the OpenAPI description that is about risk."""

from __future__ import annotations

from typing import Any

from tidewaiter.api.describing import json_of, problems

_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
_PROFILE = {"name": "profile", "in": "path", "required": True, "schema": {"type": "string"}}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
_DAY = {"type": "string", "format": "date"}
_SINCE = {
    "name": "since",
    "in": "query",
    "description": "First legal day of acceptance; else ninety days ago.",
    "schema": _DAY,
}
_UNTIL = {"name": "until", "in": "query", "description": "First day that is left out; else tomorrow.", "schema": _DAY}
_OF = {
    "name": "jurisdiction",
    "in": "query",
    "description": "The country whose risk is looked at, of those whose law is known; else the caller's own, else the "
    "one that messages are for.",
    "schema": {"type": "string", "pattern": "^[A-Z]{2}$"},
}
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
            "get": _listed("listProfiles", "The risk profiles of the caller's country that are kept", "ProfileView"),
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
            "post": _route("drawUpQueue", "Draw up who is looked at in a shift", "Selected", _OF, asks="DrawUp")
        },
        "/v1/risk/queue/{id}": {
            "get": _route("repeatQueue", "Whether the same picks come out again of what is kept", "Repeated", _ID, _OF)
        },
        "/v1/risk/feedback": {
            "get": _route(
                "showFeedback", "How profiles, detectors, models and the random share did", "Feedback", _SINCE, _UNTIL,
                _OF,
            )
        },
        "/v1/risk/expiries": {
            "post": _route(
                "proposeExpiries", "Put before an officer the profiles that find less than chance", "Expiries", _OF,
                asks="Days",
            )
        },
        "/v1/risk/fairness": {
            "get": _route("showFairness", "How groups fared beside the random share", "Fairness", _SINCE, _UNTIL, _OF)
        },
        "/v1/risk/models": {
            "get": _listed("listModels", "The versions of the risk model of a country", "ModelView", _OF),
            "post": _route(
                "trainModel", "Train a risk model, and keep it as a draft", "ModelView", _OF, asks="Days", status="201"
            ),
        },
        "/v1/risk/models/{version}": {
            "get": _route("showModel", "One version of the model, with its card", "ModelView", _VERSION, _OF),
            "post": _route(
                "stepModel", "Propose, approve, decline or expire a version of the model", "ModelView", _VERSION, _OF,
                asks="ModelStep",
            ),
        },
        "/v1/risk/models/{version}/drift": {
            "post": _route(
                "lookAtDrift", "Look whether the model still fits, and write that down", "ModelView", _VERSION, _OF,
                asks="Days",
            )
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


def _listed(name: str, summary: str, of: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    told = _route(name, summary, of, *parameters)
    schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}
    told["responses"]["200"]["content"] = {"application/json": {"schema": schema}}
    return told
