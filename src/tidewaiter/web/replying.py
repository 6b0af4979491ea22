"""Where a filer sees what it is asked, and replies; and where officials open a document of a reply."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidewaiter.clearance import WANTED
from tidewaiter.services.acting import CannotNow, NotAllowed, NotThere
from tidewaiter.services.ask import OWN
from tidewaiter.services.reply import Saying, Sent, asked_on, reply
from tidewaiter.services.rule import rule
from tidewaiter.store import MovedOn, StoredConsignment
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House, caller_of

ID_MAX = 2**63 - 1
CONTROL: Literal["control"] = "control"
NOTHING: Mapping[str, str] = {"text": "", "type": "", "number": "", "amendment": ""}
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)


async def show_requests(house: House, request: Request) -> Response:
    """What is asked of the filer; in an open house, of all filers."""
    caller = caller_of(request.scope)
    asked = await house.store_for(caller).replies.asked_of(None if caller.kind == "open" else caller.filer)
    return rendered(request, "requests.html", asked=asked)


async def show_request(house: House, request: Request) -> Response:
    """What is asked about one consignment, and the form to reply."""
    stored = await _own(house, request)
    if stored is None:
        return rendered(request, "missing.html", status=404)
    return await _page(house, request, stored)


async def replied(house: House, request: Request) -> Response:
    """Sends the reply."""
    form = await form_of(request)
    stored = await _own(house, request)
    if stored is None:
        return rendered(request, "missing.html", status=404)
    given = {name: form.get(name, "").strip() for name in NOTHING}
    try:
        await reply(
            stored.id, _saying(given, form.get("channel")), principal=caller_of(request.scope), store=house.store,
            at=house.now(), key=form.get("key") or None,
        )  # fmt: skip
    except (NotAllowed, NotThere):
        return rendered(request, "refused.html", status=403)
    except CannotNow as cannot:
        return await _page(house, request, stored, why=cannot.why, given=given)
    except MovedOn:
        return await _page(house, request, stored, why="moved_on", given=given)
    return RedirectResponse(f"/requests/{stored.id}", status_code=303)


async def give_document(house: House, request: Request) -> Response:
    """A document of a reply, to be saved and not shown. That it was read is written down."""
    caller, id = caller_of(request.scope), request.path_params["id"]
    number, place = request.path_params["number"], request.path_params["place"]
    case = request.query_params.get("case", "")
    store = house.store_for(caller, purpose=CONTROL, case=case)
    is_near = max(id, number) <= ID_MAX and place < 2**15
    stored = (await store.consignments([id])).get(id) if is_near else None
    if stored is None:
        return rendered(request, "missing.html", status=404)
    if not rule(caller, "read_personal", stored, purpose=CONTROL, case=case).allowed:
        return rendered(request, "refused.html", status=403)
    await store.open_vault([id], purpose=CONTROL, reader=caller.id, at=house.now())
    content = await store.replies.file(id, number, place)
    if content is None:
        return rendered(request, "missing.html", status=404)
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="reply-{number}-{place}"',
            "Content-Security-Policy": "sandbox",
        },
    )


async def _own(house: House, request: Request) -> StoredConsignment | None:
    """The consignment, where it is one about which this caller may reply."""
    id, caller = request.path_params["id"], caller_of(request.scope)
    stored = (await house.store_for(caller).consignments([id])).get(id) if id <= ID_MAX else None
    return stored if stored is not None and rule(caller, "reply", stored).allowed else None


async def _page(
    house: House,
    request: Request,
    stored: StoredConsignment,
    *,
    why: str | None = None,
    given: Mapping[str, str] = NOTHING,
) -> Response:
    store = house.store_for(caller_of(request.scope))
    behind = await store.behind(stored.id)
    asking = [sent.answer for sent in behind.answers if sent.answer.kind in ("documents", "information_request")]
    asked = asked_on(stored)
    return rendered(
        request,
        "request.html",
        status=409 if why else 200,
        stored=stored,
        asked=asked,
        reasons=behind.decisions[-1].decision.reasons,
        # In the words of the officer, where there are some.
        questions=[one.text for one in asking[-1].findings if one.code == WANTED[OWN].code] if asking and asked else [],
        replies=await store.replies.of(stored.id),
        key=secrets.token_urlsafe(16),
        given=given,
        why=why,
    )


def _saying(given: Mapping[str, str], channel: str | None) -> Saying:
    amendment = given["amendment"]
    if amendment and not _NUMBER.fullmatch(amendment):
        raise CannotNow("amendment")
    document = Sent(type=given["type"], number=given["number"])
    return Saying(
        text=given["text"],
        documents=(document,) if document.type or document.number else (),
        amendment=int(amendment) if amendment else None,
        channel="security" if channel == "security" else "control" if channel == CONTROL else None,
    )
