"""The door for people: the form to log in, logging in, and out."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidewaiter.services.enter import SESSION_COOKIE, SESSION_S, NotLetIn, enter, leave
from tidewaiter.services.federate import LOGIN_S, PROVIDER_COOKIE, begin, finish
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House

_WITHIN = re.compile(r"/(?![/\\])[!-\[\]-~]{0,500}", re.ASCII)
"""An address within this house: what a log-in may lead to."""


async def show_form(_: House, request: Request) -> Response:
    """The form."""
    return rendered(
        request, "enter.html", next=next_in(request.query_params.get("next", "")), is_wrong=False, is_away=False
    )


async def let_in(house: House, request: Request) -> Response:
    """Begins a session, and goes on to where the person wanted to be."""
    form = await form_of(request)
    wanted = next_in(form.get("next", ""))
    if house.signing_key is None:
        return rendered(request, "enter.html", status=403, next=wanted, is_wrong=True, is_away=False)
    try:
        entered = await enter(
            form.get("name", "").strip().lower(), form.get("password", ""), form.get("code", "").replace(" ", ""),
            store=house.store, key=house.signing_key, at=house.now(),
        )  # fmt: skip
    except NotLetIn:
        return rendered(request, "enter.html", status=403, next=wanted, is_wrong=True, is_away=False)
    response = RedirectResponse(wanted, status_code=303)
    keep_session(response, entered.token)
    return response


def keep_session(response: Response, token: str) -> None:
    """The browser is told the token of its session."""
    response.set_cookie(
        SESSION_COOKIE, token, max_age=SESSION_S, path="/", secure=True, httponly=True, samesite="strict"
    )


async def to_provider(house: House, request: Request) -> Response:
    """To the OpenID provider, where there is one."""
    if house.provider is None or house.signing_key is None:
        return rendered(request, "missing.html", status=404)
    wanted = next_in(request.query_params.get("next", ""))
    try:
        url, cookie = await begin(house.provider, wanted=wanted, key=house.signing_key, at=house.now())
    except NotLetIn:
        return rendered(request, "enter.html", status=503, next=wanted, is_wrong=False, is_away=True)
    response = RedirectResponse(url, status_code=303)
    # Lax: the person comes back from another site.
    response.set_cookie(PROVIDER_COOKIE, cookie, max_age=LOGIN_S, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def from_provider(house: House, request: Request) -> Response:
    """Begins a session for whom the provider let in."""
    if house.provider is None or house.signing_key is None:
        return rendered(request, "missing.html", status=404)
    pairs = request.query_params.multi_items()
    try:
        if len(dict(pairs)) != len(pairs):
            raise NotLetIn
        entered, wanted = await finish(
            house.provider, dict(pairs), request.cookies.get(PROVIDER_COOKIE, ""), store=house.store,
            key=house.signing_key, at=house.now(),
        )  # fmt: skip
    except NotLetIn:
        response = rendered(request, "enter.html", status=403, next="/", is_wrong=True, is_away=False)
    else:
        # A page and no redirect: the cookie is strict, and is not sent on a way that began at another site.
        response = rendered(request, "entered.html", wanted=next_in(wanted))
        keep_session(response, entered.token)
    response.delete_cookie(PROVIDER_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def let_out(house: House, request: Request) -> Response:
    """Ends the session."""
    await form_of(request)
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        await leave(token, store=house.store, at=house.now())
    response = RedirectResponse("/enter", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return response


def to_the_door(request: Request) -> Response:
    """To the form, and from there to the page that was asked for, where it was one that only shows."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = next_in(path) if request.method in ("GET", "HEAD") else "/"
    return RedirectResponse(f"/enter?{urlencode({'next': wanted})}", status_code=303)


def next_in(address: str) -> str:
    """Where a log-in leads to: the address, where it is one within this house."""
    return address if _WITHIN.fullmatch(address) else "/"
