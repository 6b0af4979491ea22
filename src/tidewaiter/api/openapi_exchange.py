"""The part of the OpenAPI description that is about events and webhooks."""

from __future__ import annotations

from typing import Any

from tidewaiter.api.describing import CURSOR, content, json_of, link, problems
from tidewaiter.api.feeding import EVENTS_DEFAULT, EVENTS_MAX, WAIT_S_MAX
from tidewaiter.api.subscribing import DeadLetters, DrivenAgain, Subscription, WebhookList, WebhookView
from tidewaiter.exchange.feed import Page

SCHEMAS = (Page, Subscription, WebhookView, WebhookList, DeadLetters, DrivenAgain)

_FILER = {"$ref": "#/components/parameters/filer"}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}


def paths() -> dict[str, Any]:
    """The paths with what can be done at each."""
    return {
        "/v1/events": {"get": _events()},
        "/v1/messages/{id}/answer": {"get": _answer()},
        "/v1/messages/{id}/answers/{number}": {"get": _later_answer()},
        "/v1/webhooks": {
            "post": _add(),
            "get": _simple("listWebhooks", "The filer's webhooks", "WebhookList", 400, 503),
        },
        "/v1/webhooks/{id}": {
            "get": _simple("showWebhook", "A webhook and how it fares", "WebhookView", 400, 404, 503, of_one=True),
            "delete": {
                "operationId": "removeWebhook",
                "summary": "Remove a webhook: nothing more is sent to it",
                "parameters": [_ID, _FILER],
                "responses": {"204": {"description": "It is removed"}, **problems(400, 403, 404, 503)},
            },
        },
        "/v1/webhooks/{id}/dead-letters": {"get": _dead_letters(), "post": _drive_again()},
    }


def _events() -> dict[str, Any]:
    return {
        "operationId": "showEvents",
        "summary": "What happened to the filer's own messages and consignments, in order, from a cursor on",
        "description": "The order never changes and nothing is ever inserted before what was read, so whoever goes on "
        "from `next` has missed nothing. Events stay for 30 days at least. Nothing that risk saw is in them.",
        "parameters": [
            _cursor("The cursor of the last event that was seen; from the first event on where it is not given."),
            _number("limit", "Events at most.", EVENTS_DEFAULT, least=1, most=EVENTS_MAX),
            _number(
                "wait",
                "Where there is no event yet, wait for one so many seconds; it may be answered sooner.",
                0,
                least=0,
                most=WAIT_S_MAX,
            ),
            _FILER,
        ],
        "responses": {
            "200": {"description": "Events, and the cursor to go on from", "content": json_of("Page")},
            **problems(400, 503),
        },
    }


def _answer() -> dict[str, Any]:
    return {
        "operationId": "showAnswer",
        "summary": "The answer to one of the filer's own messages, in the sender's format, as it was sent",
        "parameters": [_ID, _FILER],
        "responses": {
            "200": {
                "description": "The answer",
                # In as many media types as there are formats: JSON as JSON, everything else as bytes.
                "content": {"*/*": content({})},
            },
            **problems(400, 404, 503),
        },
    }


def _later_answer() -> dict[str, Any]:
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    described = _answer()
    return described | {
        "operationId": "showLaterAnswer",
        "summary": "What was answered later to one of the filer's own messages, in the sender's format: an event leads "
        "to it",
        "parameters": [_ID, number, _FILER],
    }


def _add() -> dict[str, Any]:
    return {
        "operationId": "addWebhook",
        "summary": "Name an address to be told of the filer's events",
        "description": "Hints are sent to it as POST, signed by RFC 9421: the events without their answers. Only https "
        "and only public addresses. Where an event is not taken it is tried again for three days.",
        "parameters": [_FILER],
        "requestBody": {"required": True, "content": json_of("Subscription")},
        "responses": {
            "201": {
                "description": "The webhook",
                "headers": {"Location": {"description": "Where it is", "schema": {"type": "string"}}},
                "links": {
                    name: link(name, "By its number", id="$response.body#/id")
                    for name in ("showWebhook", "showDeadLetters", "driveDeadLettersAgain", "removeWebhook")
                },
                "content": json_of("WebhookView"),
            },
            **problems(400, 403, 408, 409, 413, 415, 422, 503),
        },
    }


def _dead_letters() -> dict[str, Any]:
    return {
        "operationId": "showDeadLetters",
        "summary": "Events that were given up for a webhook, in order",
        "parameters": [
            _ID,
            _cursor("The cursor of the last event that was seen."),
            _number("limit", "Events at most.", EVENTS_DEFAULT, least=1, most=EVENTS_MAX),
            _FILER,
        ],
        "responses": {
            "200": {"description": "What was given up, and why", "content": json_of("DeadLetters")},
            **problems(400, 404, 503),
        },
    }


def _drive_again() -> dict[str, Any]:
    return {
        "operationId": "driveDeadLettersAgain",
        "summary": "Send again what was given up, each consignment's events in their order",
        "parameters": [
            _ID,
            {
                "name": "cursor",
                "in": "query",
                "description": "Only this event; all of them where it is not given.",
                "schema": {"type": "string", "pattern": CURSOR},
            },
            _FILER,
        ],
        "responses": {
            "200": {"description": "How many are sent again", "content": json_of("DrivenAgain")},
            **problems(400, 403, 404, 503),
        },
    }


def _simple(name: str, summary: str, schema: str, *statuses: int, of_one: bool = False) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_ID, _FILER] if of_one else [_FILER],
        "responses": {"200": {"description": summary, "content": json_of(schema)}, **problems(*statuses)},
    }


def _cursor(description: str) -> dict[str, Any]:
    # Blank is before the first, so that who reads on may begin with it.
    from_the_first = {"type": "string", "enum": [""]}
    schema = {"anyOf": [from_the_first, {"type": "string", "pattern": CURSOR}]}
    return {"name": "after", "in": "query", "description": description, "schema": schema}


def _number(name: str, description: str, default: int, *, least: int, most: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return {"name": name, "in": "query", "description": description, "schema": schema}
