"""Rendering a page: its language, its links, and who looks at it."""

from __future__ import annotations

import hmac
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tidewaiter.access import may
from tidewaiter.model.money import from_micro
from tidewaiter.model.outcome import Totals
from tidewaiter.web import quoting, words
from tidewaiter.wiring import House, caller_of, form_token_of

KEPT = ("control", "reference", "before", "after", "personal", "case", "since", "until", *quoting.FIELDS)
"""What a link to the same page keeps of its address."""
CARRIED = ("lang", "jurisdiction")
"""What every link carries on: the language, and the country whose risk is looked at."""
FORM_BYTES_MAX = 64 * 1024
"""A reply of 4,000 letters of any script is not much shorter."""


class Forged(Exception):
    """A form that is not one of ours, or not of this session."""


def due(totals: Totals) -> Decimal | None:
    """What is due in all; None where a part of it is not known."""
    if totals.duty is None or totals.tax is None or totals.fee is None:
        return None
    return Decimal(totals.duty) + Decimal(totals.tax) + Decimal(totals.fee)


def link_in(request: Request, path: str, **changes: object) -> str:
    """A link within the pages, with what is carried on; a value that is None is left out."""
    asked = request.query_params
    query = {name: asked[name] for name in CARRIED if name in asked} | changes
    text = urlencode({name: value for name, value in query.items() if value is not None and value != ""})
    return f"{path}?{text}" if text else path


def shown_next(request: Request, path: str, **changes: object) -> Response:
    """Where a form that was taken leads: another page, which is asked for anew."""
    return RedirectResponse(link_in(request, path, **changes), status_code=303)


def rendered(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page in the language its reader wants. `values` are what the template shows."""
    asked = request.query_params
    house: House = request.app.state.house
    language = words.wanted(asked.get("lang"), request.headers.get("accept-language", ""))

    link = partial(link_in, request)

    def same(**changes: object) -> str:
        """A link to this page, changed so."""
        kept = {name: asked[name] for name in KEPT if name in asked}
        return link(request.url.path, **(kept | changes))

    body = (
        words.environment(language)
        .get_template(template)
        .render(
            link=link,
            same=same,
            due=due,
            micro=from_micro,
            form_token=form_token_of(request.scope),
            has_provider=house.provider is not None,
            has_keys=house.site is not None,
            is_open=not house.settings.is_guarded,
            who=caller_of(request.scope),
            oversees=may(caller_of(request.scope), "list_openings").allowed,
            sees_risk=may(caller_of(request.scope), "read_profiles").allowed,
            sees_fairness=may(caller_of(request.scope), "read_fairness").allowed,
            **values,
        )
    )
    return HTMLResponse(body, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language"})


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent. Raises Forged where it lacks the token of the session, or is no form."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > FORM_BYTES_MAX:
            raise Forged
    try:
        form = dict(parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50))
    except ValueError:
        raise Forged from None
    if not hmac.compare_digest(form.get("form_token", "").encode(), form_token_of(request.scope).encode()):
        raise Forged
    return form
