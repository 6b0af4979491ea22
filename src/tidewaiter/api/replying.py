"""`POST /v1/consignments/{reference}/replies`: what a filer replies to what it was asked."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.acting import answering, asked_in, key_in
from tidewaiter.api.lodging import Refused, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.services.reply import Saying, reply
from tidewaiter.services.show import show_to_filer
from tidewaiter.wiring import House, caller_of


async def _reply(request: Request) -> Response:
    house: House = request.app.state.house
    caller, reference = caller_of(request.scope), request.path_params["reference"]
    saying = await asked_in(request, Saying, bytes_max=house.settings.message_bytes_max)
    shown = await show_to_filer(reference, filer=filer_of(request.headers), store=house.store_for(caller))
    if shown is None:
        raise Refused(problem(problems.NO_CONSIGNMENT))
    done = await reply(
        shown.stored.id, saying, principal=caller, store=house.store, at=house.now(), key=key_in(request)
    )
    headers = {"Idempotent-Replayed": "true"} if done.is_repeat else {}
    return Response(msgspec.json.encode(done), headers=headers, media_type="application/json")


reply_to_request = answering(_reply)
"""The route."""
