"""`POST /v1/presentations`: goods that were declared before are there."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.acting import answering, asked_in
from tidewaiter.api.lodging import Refused, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.formats.text import UNFIT
from tidewaiter.services.gathering import Flooding, Full
from tidewaiter.services.present import TOGETHER_MAX, present
from tidewaiter.wiring import House, caller_of

REFERENCE_LENGTH_MAX = 70
BODY_BYTES_MAX = 512 * 1024
"""Enough for as many as may be named, whatever their letters."""


class Present(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To present goods: the declarations they were declared in, each by its reference or its number of customs."""

    references: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=REFERENCE_LENGTH_MAX)], ...],
        Meta(min_length=1, max_length=TOGETHER_MAX),
    ]


async def _present(request: Request) -> Response:
    house: House = request.app.state.house
    filer = filer_of(request.headers)
    try:
        with house.intake.room.taken(filer):  # as much work as lodging them was
            asked = await asked_in(request, Present, bytes_max=BODY_BYTES_MAX)
            if any(UNFIT.search(reference) for reference in asked.references):
                raise Refused(problem(problems.ACT_UNFIT, detail="a reference with a character that no field may hold"))
            done = await present(
                asked.references, filer=filer, principal=caller_of(request.scope), desk=house.desk, at=house.now()
            )
    except Full:
        return problem(problems.FULL)
    except Flooding:
        return problem(problems.FLOODING)
    return Response(msgspec.json.encode(done), media_type="application/json")


present_goods = answering(_present)
"""The route."""
