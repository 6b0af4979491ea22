"""The HTTP doors together, the API and the pages, served on one address; and the delivery of webhooks beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from tidewaiter import api, web
from tidewaiter.exchange.delivering import Delivery
from tidewaiter.exchange.sending import open_sender
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.exchange")

AGAIN_S = 5
"""After a mistake of ours in the delivery it begins anew so much later: a counter must not close for it."""


def application(house: House) -> ASGIApp:
    """The API with the pages."""
    return api.application(house, web.routes(house))


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
    async with delivering(house):
        await uvicorn.Server(config).serve()


async def deliver(house: House) -> None:
    """Deliver webhooks until the process is told to stop. Does nothing where there is no key to sign them with."""
    if house.signer is None:
        return
    async with open_sender(house.signer, excepted=house.webhook_hosts) as sender:
        await Delivery(house.store, sender, now=house.now).run()


@asynccontextmanager
async def delivering(house: House) -> AsyncIterator[None]:
    """Delivers while the context lasts."""

    async def for_ever() -> None:
        while house.signer is not None:
            try:
                await deliver(house)
            except Exception:
                log.exception("delivery broke down")
                await asyncio.sleep(AGAIN_S)

    task = asyncio.create_task(for_ever())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
