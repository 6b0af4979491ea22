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
        return "parameter `Upload-Length` in header" not in failure.message
    if failure.code != "ST202":
        return True
    operation, told = case.operation, response.json()
    if "got `float`" in told.get("detail", ""):  # to JSON Schema 2.0 is whole; here a whole number has no point
        return False
    return (operation.method.upper(), operation.path, told.get("code")) not in LAWFUL
