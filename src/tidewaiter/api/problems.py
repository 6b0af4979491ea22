"""What is answered when something is wrong: RFC 9457 problem details, with a stable code and never a personal value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from tidewaiter.formats.text import UNFIT
from tidewaiter.model.finding import Finding

MEDIA_TYPE = "application/problem+json"


RETRY_AFTER_S = {503: "5", 429: "1"}
"""When to try again. What waits is lodged within a second or two, or not for a while."""


class ProblemKind(NamedTuple):
    """One thing that can go wrong: its stable code, its HTTP status and what it is called.

    `standard` is its name in the registry of problem types of RFC 9457, where it has one.
    """

    code: str
    status: int
    title: str
    standard: str = ""

    @property
    def type(self) -> str:
        """The URI that names it."""
        if self.standard:
            return f"https://iana.org/assignments/http-problem-types#{self.standard}"
        return f"urn:tidewaiter:problem:{self.code}"


UNREADABLE = ProblemKind("unreadable", 422, "No declaration could be read from the message")
KEY_TAKEN = ProblemKind("idempotency_key_taken", 422, "The Idempotency-Key was used for a message with other content")
KEY_UNFIT = ProblemKind("idempotency_key_unfit", 400, "An Idempotency-Key has 1 to 255 printable ASCII characters")
FILER_UNFIT = ProblemKind(
    "filer_unfit", 400, "A filer's name has 1 to 64 letters, digits, points, hyphens, underscores"
)
TOO_LONG = ProblemKind("message_too_long", 413, "The message is longer than is taken here")
LENGTH_UNFIT = ProblemKind("length_unfit", 400, "The Content-Length is no number")
ENCODED = ProblemKind("message_encoded", 415, "Send the message itself, neither packed nor as a form")
TOO_SLOW = ProblemKind("message_too_slow", 408, "The message did not arrive in time")
NOT_FOUND = ProblemKind("not_found", 404, "There is nothing here")
DAY_UNFIT = ProblemKind("day_unfit", 400, "A day is written as YYYY-MM-DD")
COUNTRY_UNKNOWN = ProblemKind("country_unknown", 404, "The law of that country is not known here")
FORMAT_UNKNOWN = ProblemKind("format_unknown", 400, "No format of that name is read here")
TOO_MANY = ProblemKind("too_many", 413, "The message holds more consignments than are quoted at once")
LAW_CHANGED = ProblemKind("law_changed", 409, "The law it was charged under is no longer the one held here")
NOT_RECKONED = ProblemKind("not_reckoned", 409, "What is kept of it no longer gives the charges that were made")
NO_CONSIGNMENT = ProblemKind("consignment_unknown", 404, "This filer has lodged no consignment of that reference")
NO_RECEIPT = ProblemKind("receipt_unknown", 404, "This filer has no signed receipt for a message of that number")
NO_MESSAGE = ProblemKind("message_unknown", 404, "This filer has lodged no message of that number")
NO_WEBHOOK = ProblemKind("webhook_unknown", 404, "This filer has no webhook of that number")
CURSOR_UNFIT = ProblemKind("cursor_unfit", 400, "A cursor is one that was given here")
NUMBER_UNFIT = ProblemKind("number_unfit", 400, "A number in the query is not within its bounds")
NO_KEY = ProblemKind("webhooks_unsigned", 409, "This installation has no key to sign with, so it sends no webhooks")
WEBHOOK_TAKEN = ProblemKind("webhook_taken", 409, "Events are sent to that address already")
WEBHOOKS_FULL = ProblemKind("webhooks_full", 409, "This filer has as many webhooks as one may have")
WEBHOOK_UNFIT = ProblemKind("webhook_unfit", 422, "Nothing can be sent to that address")
NOT_ALLOWED = ProblemKind("method_not_allowed", 405, "This cannot be done here")
FOREIGN = ProblemKind("foreign_page", 403, "A page of another site may not do this in your name")
FOREIGN_HOST = ProblemKind("foreign_host", 421, "This server does not answer to that name")
UNKNOWN_CALLER = ProblemKind("unknown_caller", 401, "Say who you are: with a token, or by logging in")
MAY_NOT = ProblemKind("may_not", 403, "This is not for your role")
FORGED = ProblemKind("form_token_missing", 403, "A request of a logged-in person must carry the token of the session")
NO_TOKENS = ProblemKind("no_tokens", 404, "This installation has no key to sign with, so it gives no tokens")
NO_SUCH = ProblemKind("not_there", 404, "There is no such consignment or proposal for this caller")
CANNOT_NOW = ProblemKind("cannot_now", 409, "It cannot be done as things stand")
ACT_UNFIT = ProblemKind("act_unfit", 400, "The body is not what this act needs")
NO_UPLOAD = ProblemKind("upload_unknown", 404, "This filer has no such upload, or it has expired")
UPLOAD_UNFIT = ProblemKind("upload_unfit", 400, "An upload says Upload-Complete, and where it goes on Upload-Offset")
DIGEST_UNFIT = ProblemKind("digest_unfit", 400, "Repr-Digest holds no SHA-256, or another than before")
NOT_PARTIAL = ProblemKind("upload_not_partial", 415, "A part of an upload is sent as application/partial-upload")
UPLOADS_FULL = ProblemKind("uploads_full", 409, "This filer has as many uploads open as one may have")
TAKEN_OVER = ProblemKind("upload_taken_over", 409, "A later request about this upload took its place")
OFFSET_DIFFERS = ProblemKind(
    "upload_offset", 409, "The upload does not stand at the offset sent", "mismatching-upload-offset"
)
UPLOAD_COMPLETE = ProblemKind("upload_complete", 400, "The upload is complete already", "completed-upload")
LENGTH_DIFFERS = ProblemKind(
    "upload_length", 400, "The lengths given for the upload do not agree", "inconsistent-upload-length"
)
DIGEST_DIFFERS = ProblemKind("digest_differs", 422, "The bytes that came do not have the Repr-Digest that was sent")
BUSY = ProblemKind("busy", 503, "It could not be lodged now; send it again, it takes effect once")
FULL = ProblemKind("intake_full", 503, "So much waits to be lodged that there is no room; send it again later")
FLOODING = ProblemKind("share_used", 429, "As much of this filer is waiting as is its share; send the rest later")
UNAVAILABLE = ProblemKind("store_unavailable", 503, "The store cannot be reached; send it again, it takes effect once")
OURS = ProblemKind("our_mistake", 500, "Something is wrong on our side")
OTHER = ProblemKind("bad_request", 400, "The request cannot be understood")

KINDS = (
    UNREADABLE, KEY_TAKEN, KEY_UNFIT, FILER_UNFIT, TOO_LONG, LENGTH_UNFIT, ENCODED, TOO_SLOW, NOT_FOUND,
    NO_CONSIGNMENT, NOT_ALLOWED, FOREIGN, FOREIGN_HOST, BUSY, UNAVAILABLE, OURS, OTHER, DAY_UNFIT, TOO_MANY,
    LAW_CHANGED, NOT_RECKONED, FORMAT_UNKNOWN, NO_RECEIPT, NO_MESSAGE, NO_WEBHOOK, CURSOR_UNFIT, NUMBER_UNFIT, NO_KEY,
    WEBHOOK_TAKEN, WEBHOOKS_FULL, WEBHOOK_UNFIT, FULL, FLOODING,
    NO_UPLOAD, UPLOAD_UNFIT, DIGEST_UNFIT, NOT_PARTIAL, UPLOADS_FULL, TAKEN_OVER, OFFSET_DIFFERS, UPLOAD_COMPLETE,
    LENGTH_DIFFERS, DIGEST_DIFFERS,
    UNKNOWN_CALLER, MAY_NOT, FORGED, NO_TOKENS, NO_SUCH, CANNOT_NOW, ACT_UNFIT, COUNTRY_UNKNOWN,
)  # fmt: skip
"""Every problem there is."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem as RFC 9457 writes it. `type` and `code` are stable; `errors` has a place and a remedy for each.

    The offsets are of an upload that does not stand where its sender goes on.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: tuple[Finding, ...] = ()
    expected_offset: int | None = msgspec.field(default=None, name="expected-offset")
    provided_offset: int | None = msgspec.field(default=None, name="provided-offset")


def problem(
    kind: ProblemKind,
    *,
    detail: str = "",
    errors: Sequence[Finding] = (),
    offsets: tuple[int, int] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for this problem. `offsets` are that which was expected and that which was sent."""
    expected, provided = offsets or (None, None)
    body = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=UNFIT.sub("\ufffd", detail),  # it may tell what was sent, such as a name that is not known
        errors=tuple(errors),
        expected_offset=expected,
        provided_offset=provided,
    )
    given = dict(headers or {})
    if kind.status in RETRY_AFTER_S:
        given.setdefault("Retry-After", RETRY_AFTER_S[kind.status])
    return Response(msgspec.json.encode(body), status_code=kind.status, headers=given, media_type=MEDIA_TYPE)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """The problem for what the framework refuses: a path or a method there is not."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 405:
        headers = {"Allow": ", ".join(sorted(_allowed(request)))}
    kind = {404: NOT_FOUND, 405: NOT_ALLOWED}.get(status, OTHER if status < 500 else OURS)
    return problem(kind, headers=headers)


def _allowed(request: Request) -> set[str]:
    """Every method that the path can be asked with: routes that share a path know only their own."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


async def on_unavailable(_: Request, __: Exception) -> Response:
    """The problem for a store that is away."""
    return problem(UNAVAILABLE)


async def on_our_mistake(_: Request, __: Exception) -> Response:
    """The problem for a mistake of ours. It tells nothing: what it was is in the log."""
    return problem(OURS)
