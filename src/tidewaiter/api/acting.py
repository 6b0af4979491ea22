"""`POST /v1/control/{id}/…`: what officials do with a consignment, by our number of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.lodging import KEY, Refused, body_of
from tidewaiter.api.problems import problem
from tidewaiter.clearance import WANTED
from tidewaiter.model.money import to_micro
from tidewaiter.services.acting import REASON_MAX, REASON_MIN, WHY, CannotNow, Done, NotAllowed, NotThere
from tidewaiter.services.approve import approve
from tidewaiter.services.ask import ask
from tidewaiter.services.complete import complete
from tidewaiter.services.refund import refund
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.store import Channel, MovedOn
from tidewaiter.wiring import House, caller_of

BODY_BYTES_MAX = 16 * 1024
ID_MAX = 2**63 - 1
T = TypeVar("T")

Reason = Annotated[
    str,
    Meta(description="Why, for officials: the filer does not see it.", min_length=REASON_MIN, max_length=REASON_MAX),
]


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To release a consignment."""

    reason: Reason


class Refuse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To refuse goods. `ground` is told to the filer."""

    ground: str
    reason: Reason


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To ask a filer for documents (`control`) or information (`security`). All but the reason is told to the filer."""

    channel: Channel
    wanted: Annotated[tuple[str, ...], Meta(min_length=1, max_length=len(WANTED))]
    question: Annotated[str, Meta(max_length=REASON_MAX)] = ""
    reason: Reason


class Complete(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To complete the assessment for security."""

    reason: Reason


class Refund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To give back what was charged: amounts in the currency of the charge, by `type:code` as in `duty:A00`."""

    charges: dict[str, Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")]]
    reason: Reason


class Close(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To approve or decline what another proposed."""

    approved: bool
    reason: Reason


async def release_one(request: Request) -> Response:
    """Release a consignment, or propose to."""
    asked = await asked_in(request, Release)
    return _told(
        await release(
            number_in(request, "id"), asked.reason, principal=caller_of(request.scope), store=_house(request).store,
            at=_house(request).now(), key=key_in(request),
        )
    )  # fmt: skip


async def refuse_one(request: Request) -> Response:
    """Refuse goods."""
    asked = await asked_in(request, Refuse)
    return _told(
        await refuse(
            number_in(request, "id"), asked.ground, asked.reason, principal=caller_of(request.scope),
            store=_house(request).store, at=_house(request).now(), key=key_in(request),
        )
    )  # fmt: skip


async def ask_one(request: Request) -> Response:
    """Ask the filer for documents or information."""
    asked = await asked_in(request, Ask)
    return _told(
        await ask(
            number_in(request, "id"), asked.channel, asked.wanted, asked.reason, question=asked.question,
            principal=caller_of(request.scope), store=_house(request).store, at=_house(request).now(),
            key=key_in(request),
        )
    )  # fmt: skip


async def complete_one(request: Request) -> Response:
    """Complete the assessment for security."""
    asked = await asked_in(request, Complete)
    return _told(
        await complete(
            number_in(request, "id"), asked.reason, principal=caller_of(request.scope), store=_house(request).store,
            at=_house(request).now(), key=key_in(request),
        )
    )  # fmt: skip


async def refund_one(request: Request) -> Response:
    """Give back what was charged, or propose to."""
    asked = await asked_in(request, Refund)
    house = _house(request)
    return _told(
        await refund(
            number_in(request, "id"), {charge: to_micro(Decimal(amount)) for charge, amount in asked.charges.items()},
            asked.reason, principal=caller_of(request.scope), store=house.store,
            limit_micro=to_micro(Decimal(house.settings.refund_limit)), at=house.now(), key=key_in(request),
        )
    )  # fmt: skip


async def close_one(request: Request) -> Response:
    """Approve or decline a proposal."""
    asked = await asked_in(request, Close)
    return _told(
        await approve(
            number_in(request, "id"), number_in(request, "number"), principal=caller_of(request.scope),
            store=_house(request).store, at=_house(request).now(), reason=asked.reason, is_approved=asked.approved,
        ),
        is_closing=True,
    )  # fmt: skip


def answering(act: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The act, with a problem where it cannot be done."""

    async def answer(request: Request) -> Response:
        try:
            return await act(request)
        except Refused as refused:
            return refused.response
        except NotThere:
            return problem(problems.NO_SUCH)
        except NotAllowed as refused:
            return problem(problems.MAY_NOT, detail=f"decided by the policy {refused.policy}")
        except CannotNow as cannot:
            return problem(problems.CANNOT_NOW, detail=WHY[cannot.why])
        except MovedOn:
            return problem(problems.CANNOT_NOW, detail=WHY["moved_on"])

    return answer


ROUTES: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "/v1/control/{id:int}/release": answering(release_one),
    "/v1/control/{id:int}/refuse": answering(refuse_one),
    "/v1/control/{id:int}/ask": answering(ask_one),
    "/v1/control/{id:int}/complete": answering(complete_one),
    "/v1/control/{id:int}/refund": answering(refund_one),
    "/v1/control/{id:int}/proposals/{number:int}": answering(close_one),
}
"""The acts, each with its path."""


async def asked_in(request: Request, kind: type[T], *, bytes_max: int = BODY_BYTES_MAX) -> T:
    """What the body asks. Raises Refused."""
    data = await body_of(request.headers, request.receive, bytes_max)
    try:
        return msgspec.json.decode(data or b"", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        # What the decoder says names the field, and never the value.
        raise Refused(problem(problems.ACT_UNFIT, detail=str(wrong)[:200])) from None


def _told(done: Done, *, is_closing: bool = False) -> Response:
    headers = {"Idempotent-Replayed": "true"} if done.is_repeat else {}
    return Response(
        msgspec.json.encode(done),
        status_code=200 if done.is_done or is_closing else 202,
        headers=headers,
        media_type="application/json",
    )


def number_in(request: Request, name: str, most: int = ID_MAX) -> int:
    """A number in the path. Raises NotThere where none can be so great."""
    number: int = request.path_params[name]
    if number > most:
        raise NotThere
    return number


def key_in(request: Request) -> str | None:
    """The Idempotency-Key. Raises Refused."""
    key = request.headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise Refused(problem(problems.KEY_UNFIT))
    return key


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house
