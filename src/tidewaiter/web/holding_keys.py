"""The pages of passkeys: to log in by one, to add one, and to remove one that is lost."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidewaiter.services.enter import SESSION_COOKIE, NotLetIn, session_of
from tidewaiter.services.enter_by_key import (
    CannotKeep,
    add_key,
    ask_to_make,
    ask_to_show,
    enter_by_key,
    is_fresh,
    remove_key,
)
from tidewaiter.web.entering import keep_session, next_in
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House, caller_of

PAGE = "/passkeys"


async def show_form(house: House, request: Request) -> Response:
    """The page that asks the browser for a key."""
    return await _asking(house, request, next_in(request.query_params.get("next", "")))


async def let_in(house: House, request: Request) -> Response:
    """Begins a session for the holder of the key, and goes on to where the person wanted to be."""
    form = await form_of(request)
    wanted = next_in(form.get("next", ""))
    if house.site is None or not house.settings.is_guarded:
        return rendered(request, "missing.html", status=404)
    try:
        entered = await enter_by_key(form.get("answer", ""), site=house.site, store=house.store, at=house.now())
    except NotLetIn:
        return await _asking(house, request, wanted, is_wrong=True)
    response = RedirectResponse(wanted, status_code=303)
    keep_session(response, entered.token)
    return response


async def show_keys(house: House, request: Request) -> Response:
    """The keys of the account, and the form to add one."""
    return await _keys(house, request)


async def added(house: House, request: Request) -> Response:
    """Keeps the key that the browser made."""
    form = await form_of(request)
    if house.site is None:
        return rendered(request, "missing.html", status=404)
    try:
        await add_key(
            form.get("answer", ""), form.get("name", ""), token=request.cookies.get(SESSION_COOKIE, ""),
            site=house.site, store=house.store, at=house.now(),
        )  # fmt: skip
    except CannotKeep as cannot:
        return await _keys(house, request, why=cannot.why)
    return RedirectResponse(PAGE, status_code=303)


async def removed(house: House, request: Request) -> Response:
    """Forgets a key. One that is not there, or is another's, is as if it were gone."""
    form = await form_of(request)
    try:
        id = base64.urlsafe_b64decode(form.get("key", "").encode("ascii"))
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return rendered(request, "missing.html", status=404)
    await remove_key(id, account=caller_of(request.scope).id, store=house.store)
    return RedirectResponse(PAGE, status_code=303)


async def _asking(house: House, request: Request, wanted: str, *, is_wrong: bool = False) -> Response:
    if house.site is None or not house.settings.is_guarded:
        return rendered(request, "missing.html", status=404)
    asked = await ask_to_show(house.site, store=house.store, at=house.now())
    status = 403 if is_wrong else 200
    return rendered(request, "passkey.html", status=status, next=wanted, asked=asked, is_wrong=is_wrong)


async def _keys(house: House, request: Request, *, why: str | None = None) -> Response:
    if not house.settings.is_guarded:
        return rendered(request, "refused.html", status=403)
    if house.site is None:
        return rendered(request, "missing.html", status=404)
    account, at = caller_of(request.scope).id, house.now()
    session = await session_of(request.cookies.get(SESSION_COOKIE, ""), store=house.store, at=at)
    can_add = session is not None and session.person.password != "" and is_fresh(session, at)
    asked = await ask_to_make(account, site=house.site, store=house.store, at=at) if can_add else None
    keys = [(base64.urlsafe_b64encode(key.id).decode(), key) for key in await house.store.passkeys.of(account)]
    return rendered(request, "passkeys.html", status=409 if why else 200, keys=keys, asked=asked, why=why)
