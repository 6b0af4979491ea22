"""What the driver of the OpenAPI description is told besides it: where numbers of consignments are from, and which
refusals of what the description allows are lawful."""

from __future__ import annotations

import itertools
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure

LODGED = 40
"""So many consignments are there to be acted on, numbered from 1."""
LAWFUL = {
    # Whether a key was used before, and whether an address can be sent to, no description can say.
    ("POST", "/v1/messages", "idempotency_key_taken"),
    ("POST", "/v1/consignments", "idempotency_key_taken"),
    ("POST", "/v1/webhooks", "webhook_unfit"),
    # Nor what a profile must say.
    ("POST", "/v1/risk/profiles", "act_unfit"),
    # Nor whether headers agree with each other, with the body and with what was said before; nor is what comes in parts
    # always a message.
    *(
        (method, path, code)
        for method, path in (("POST", "/v1/uploads"), ("PATCH", "/v1/uploads/{id}"))
        for code in (
            "upload_length",
            "upload_complete",
            "message_too_long",
            "digest_differs",
            "digest_unfit",
            "unreadable",
            "idempotency_key_taken",
        )
    ),
}
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
_numbers = itertools.cycle(range(1, LODGED + 1))


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """Half of the acts are on consignments that are there."""
    is_act = context.operation is not None and context.operation.path.startswith("/v1/control/")
    if is_act and isinstance(path_parameters.get("id"), int) and path_parameters["id"] % 2 == 0:
        return {**path_parameters, "id": next(_numbers)}
    return path_parameters


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:  # noqa: ARG001
    """Whether it is a failure: a refusal for one of the reasons above is none."""
    if failure.code == "ST201":
        # RFC 9651, 2.2: a field that cannot be read as one is passed over, which the draft on uploads keeps to.
        return "parameter `Upload-Length` in header" not in failure.message and not (
            "parameter `" not in failure.message and is_refused(response)
        )
    if failure.code in ("ST103", "ST202", "ST302") and not (case.path_parameters or {}).get("reference", "x"):
        return False  # a consignment without a reference, of which the answer says so, has no address
    if failure.code == "ST205":
        # A reference may hold a slash, so that what GET asks for there is a consignment.
        return not case.operation.path.startswith("/v1/consignments/{reference}/")
    if failure.code != "ST202":
        return True
    operation, told = case.operation, response.json()
    if "got `float`" in told.get("detail", ""):  # to JSON Schema 2.0 is whole; here a whole number has no point
        return False
    # Whether a text is a message of another format than ours, no schema can say.
    is_foreign = case.media_type != "application/json" and operation.path in ("/v1/messages", "/v1/quotes")
    if is_foreign and told.get("code") == "unreadable":
        return False
    return (operation.method.upper(), operation.path, told.get("code")) not in LAWFUL


def is_refused(response: Response) -> bool:
    """Whether what was sent is refused all the same: as too long, or in the answer itself, which has a finding for what
    is wrong in each of what came together, or the report of a message that does not conform."""
    if response.status_code == 413:
        return True
    told = response.json()
    if isinstance(told, dict) and "report" in told:
        return told["report"]["conforms"] is False
    quoted = told.get("quotes", []) if isinstance(told, dict) else []
    wholes = told if isinstance(told, list) else [told, *(quote["preflight"] for quote in quoted)]
    found = [one["severity"] for whole in wholes if isinstance(whole, dict) for one in whole.get("findings", [])]
    return "error" in found
