"""`GET /v1/messages/{id}/receipt`: the signed receipt for a lodgement, checkable without us."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from tidewaiter.api import problems
from tidewaiter.api.lodging import Refused, filer_of
from tidewaiter.api.problems import problem
from tidewaiter.services.lodgement_receipts import receipt_of
from tidewaiter.wiring import House

_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
MEDIA_TYPE = "text/plain; charset=us-ascii"


async def show_lodgement_receipt(request: Request) -> Response:
    """The receipt for one of the caller's own messages, as a line that `tidewaiter receipt verify` reads."""
    house: House = request.app.state.house
    id = request.path_params["id"]
    try:
        filer = filer_of(request.headers)
    except Refused as refused:
        return refused.response
    made = None
    if house.signing_key is not None and _ID.fullmatch(id):
        made = await receipt_of(int(id), filer=filer, store=house.store, key=house.signing_key)
    if made is None:
        return problem(problems.NO_RECEIPT)
    return Response(made.encode() + b"\n", media_type=MEDIA_TYPE)
