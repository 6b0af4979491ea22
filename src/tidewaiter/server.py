"""The HTTP doors together, the API and the pages, served on one address."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from tidewaiter import api, web
from tidewaiter.wiring import House


def application(house: House) -> ASGIApp:
    """The API with the pages. Raises SettingsError where a guarded house has no key to sign with."""
    return api.application(house, web.routes(house), needs=web.NEEDS, refuse=web.refuse)


async def serve(house: House) -> None:
    """Answer until the process is told to stop."""
    settings = house.settings
    config = uvicorn.Config(
        application(house),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,  # an access log would hold references in its addresses
        lifespan="off",
        server_header=False,
    )
    await uvicorn.Server(config).serve()
