"""What officials do on the page of a consignment: forms that release, refuse, give back, and approve."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidewaiter.access import Principal, may
from tidewaiter.clearance import WANTED, may_decide
from tidewaiter.formats.csv.kinds import Fault
from tidewaiter.formats.csv.numbers import number
from tidewaiter.model.money import from_micro, to_micro
from tidewaiter.revenue import charged
from tidewaiter.services.acting import CannotNow, Done, NotAllowed, NotThere
from tidewaiter.services.approve import approve
from tidewaiter.services.ask import OWN, ask, may_ask
from tidewaiter.services.complete import complete, may_complete
from tidewaiter.services.refund import refund
from tidewaiter.services.refuse import refuse
from tidewaiter.services.release import release
from tidewaiter.services.rule import object_of
from tidewaiter.services.show import Shown
from tidewaiter.store import Channel, MovedOn
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House, caller_of

Act = Callable[[House, Request, dict[str, str]], Awaitable[Done]]
ID_MAX = 2**63 - 1
CHANNELS: tuple[Channel, ...] = get_args(Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """What this caller may do with a consignment as it stands; `charges` are what can be given back, by `type:code`."""

    release: bool
    refuse: bool
    ask: tuple[Channel, ...]
    complete: bool
    refund: bool
    approve: bool
    charges: Mapping[str, Decimal]
    currency: str


def possible(caller: Principal, shown: Shown) -> Possible:
    """What the page offers. The services rule again when it is done."""
    stored, object = shown.stored, object_of(shown.stored)

    def allowed(*actions: str) -> bool:
        return any(may(caller, action, object).allowed for action in actions)

    charges = {charge: from_micro(amount) for charge, amount in charged(shown.behind.postings).items()}
    return Possible(
        release=allowed("release") and may_decide(stored.control, "released"),
        refuse=allowed("refuse") and may_decide(stored.control, "refused"),
        ask=tuple(channel for channel in CHANNELS if may_ask(stored, channel)) if allowed("ask") else (),
        complete=allowed("complete") and may_complete(stored),
        refund=bool(charges) and allowed("propose", "refund"),
        approve=allowed("approve"),
        charges=charges,
        currency=stored.cleared.totals.currency,
    )


async def _release(house: House, request: Request, form: dict[str, str]) -> Done:
    return await release(
        _id(request), form.get("reason", ""), principal=caller_of(request.scope), store=house.store, at=house.now()
    )


async def _refuse(house: House, request: Request, form: dict[str, str]) -> Done:
    return await refuse(
        _id(request), form.get("ground", ""), form.get("reason", ""), principal=caller_of(request.scope),
        store=house.store, at=house.now(),
    )  # fmt: skip


async def _ask(house: House, request: Request, form: dict[str, str]) -> Done:
    channel = next((one for one in CHANNELS if one == form.get("channel")), None)
    if channel is None:
        raise CannotNow("wanted")
    question = form.get("question", "")
    wanted = [name for name in WANTED if form.get(f"wanted-{name}") == "yes"] + ([OWN] if question.strip() else [])
    return await ask(
        _id(request), channel, wanted, form.get("reason", ""), question=question, principal=caller_of(request.scope),
        store=house.store, at=house.now(),
    )  # fmt: skip


async def _complete(house: House, request: Request, form: dict[str, str]) -> Done:
    return await complete(
        _id(request), form.get("reason", ""), principal=caller_of(request.scope), store=house.store, at=house.now()
    )


async def _refund(house: House, request: Request, form: dict[str, str]) -> Done:
    asked = number(form.get("amount", ""), "")
    if isinstance(asked, Fault):
        raise CannotNow("amount")
    try:
        amount = to_micro(asked)
    except ValueError:
        raise CannotNow("amount") from None
    return await refund(
        _id(request), {form.get("charge", ""): amount}, form.get("reason", ""), principal=caller_of(request.scope),
        store=house.store, limit_micro=to_micro(Decimal(house.settings.refund_limit)), at=house.now(),
        key=form.get("key") or None,
    )  # fmt: skip


async def _close(house: House, request: Request, form: dict[str, str]) -> Done:
    return await approve(
        _id(request), _id(request, "number"), principal=caller_of(request.scope), store=house.store, at=house.now(),
        reason=form.get("reason", ""), is_approved=form.get("approved") == "yes",
    )  # fmt: skip


def _shown(act: Act) -> Callable[[House, Request], Awaitable[Response]]:
    async def done(house: House, request: Request) -> Response:
        form = await form_of(request)
        try:
            ended = await act(house, request, form)
        except NotThere:
            return rendered(request, "missing.html", status=404)
        except NotAllowed:
            return rendered(request, "refused.html", status=403)
        except CannotNow as cannot:
            return rendered(request, "cannot.html", status=409, why=cannot.why, id=_id(request))
        except MovedOn:
            return rendered(request, "cannot.html", status=409, why="moved_on", id=_id(request))
        return RedirectResponse(f"/consignments/{ended.consignment}", status_code=303)

    return done


ROUTES: Mapping[str, Callable[[House, Request], Awaitable[Response]]] = {
    "/consignments/{id:int}/release": _shown(_release),
    "/consignments/{id:int}/refuse": _shown(_refuse),
    "/consignments/{id:int}/ask": _shown(_ask),
    "/consignments/{id:int}/complete": _shown(_complete),
    "/consignments/{id:int}/refund": _shown(_refund),
    "/consignments/{id:int}/proposals/{number:int}": _shown(_close),
}
"""The acts, each with its path."""
NEEDS: Mapping[str, str] = dict(
    zip(ROUTES, ("release", "refuse", "ask", "complete", "propose", "propose"), strict=True)
)


def _id(request: Request, name: str = "id") -> int:
    found: int = request.path_params[name]
    if found > ID_MAX:
        raise NotThere
    return found
