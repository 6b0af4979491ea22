"""Where a filer presents goods that it declared before they were there: numbers written or scanned, one a line."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.services.present import TOGETHER_MAX, Presentation, present
from tidewaiter.web.rendering import form_of, rendered
from tidewaiter.wiring import House, caller_of

LISTED_MAX = 200


async def show_awaited(house: House, request: Request) -> Response:
    """What waits for its goods, and the form; in an open house, of all filers."""
    return await _page(house, request)


async def presented(house: House, request: Request) -> Response:
    """Presents what is named, and shows what became of each. Sent again it changes nothing."""
    form = await form_of(request)
    lines = [line.strip() for line in form.get("references", "").splitlines()]
    references = [line for line in dict.fromkeys(lines) if line]
    if not references or len(references) > TOGETHER_MAX:
        return await _page(house, request, unfit=references)
    caller = caller_of(request.scope)
    done = await present(references, filer=_filer(request), principal=caller, desk=house.desk, at=house.now())
    return await _page(house, request, done=done)


async def _page(
    house: House, request: Request, *, done: Sequence[Presentation] = (), unfit: Sequence[str] | None = None
) -> Response:
    store = house.store_for(caller_of(request.scope))
    awaited = await store.presentations.awaited(_filer(request), size=LISTED_MAX + 1)
    return rendered(
        request, "presentations.html", status=200 if unfit is None else 422, awaited=awaited[:LISTED_MAX],
        has_more=len(awaited) > LISTED_MAX, most=TOGETHER_MAX, done=done, is_unfit=unfit is not None,
        written=unfit or (),
    )  # fmt: skip


def _filer(request: Request) -> str | None:
    caller = caller_of(request.scope)
    return None if caller.kind == "open" else caller.filer
