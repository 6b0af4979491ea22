"""The HTTP doors together, the API and the pages, served on one address."""

from __future__ import annotations

import asyncio
import logging

import uvicorn
from joserfc.jwk import OKPKey
from starlette.types import ASGIApp

from tidewaiter import api, web
from tidewaiter.services.audit import FOLDER, LogDamaged, publish
from tidewaiter.store import StoreUnavailable
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.server")

PUBLISH_EVERY_S = 30
"""So often is what was added to the audit log signed and written out."""


def application(house: House) -> ASGIApp:
    """The API with the pages."""
    return api.application(house, web.routes(house))


async def serve(house: House) -> None:
    """Answer until the process is told to stop; meanwhile the audit log is signed and written into the data folder."""
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
    publishing = asyncio.create_task(keep_publishing(house, house.signing_key)) if house.signing_key else None
    try:
        await uvicorn.Server(config).serve()
    finally:
        if publishing is not None:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)


async def keep_publishing(house: House, key: OKPKey, *, every_s: float = PUBLISH_EVERY_S) -> None:
    """Signs and writes out the log again and again. What hinders it is told and tried anew; serving goes on."""
    folder = house.settings.data_dir / FOLDER
    while True:
        try:
            await publish(store=house.store, key=key, folder=folder, at=house.now())
        except LogDamaged as damaged:
            log.critical("audit log damaged where=%r what=%r", damaged.where, damaged.what)
        except (StoreUnavailable, OSError) as hindered:
            log.error("audit log not written error=%s", type(hindered).__name__)
        await asyncio.sleep(every_s)
