"""The HTTP doors together, the API and the pages, served on one address; and the delivery of webhooks beside them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from socket import socket

import uvicorn
from joserfc.jwk import OKPKey
from starlette.types import ASGIApp

from tidewaiter import api, assessment, formats, web
from tidewaiter.exchange.delivering import Delivery
from tidewaiter.exchange.sending import open_sender
from tidewaiter.risk.history import REMEMBERED_D
from tidewaiter.services.audit import FOLDER, LogDamaged, publish
from tidewaiter.services.downtime import ReleaseList, offices, release_list, signed
from tidewaiter.services.present import lapse
from tidewaiter.services.prices import make_prices
from tidewaiter.services.upload import sweep
from tidewaiter.store import StoreUnavailable
from tidewaiter.web.downtime import page
from tidewaiter.wiring import House

log = logging.getLogger("tidewaiter.server")

PUBLISH_EVERY_S = 30
"""So often is what was added to the audit log signed and written out."""
LIST_EVERY_S = 300
"""So often are the lists of the offices written."""
SWEEP_EVERY_S = 60
"""So often are uploads put away that have expired."""
REMEMBER_EVERY_S = 900
"""So often is looked whether the table of prices is a day old, and a new one made."""
LISTS = "downtime"
"""What the folder of these lists is called, in the data folder."""
AGAIN_S = 5
"""After a mistake of ours in the delivery it begins anew so much later: a counter must not close for it."""


def application(house: House) -> ASGIApp:
    """The API with the pages. Raises SettingsError where a guarded house has no key to sign with."""
    return api.application(house, web.routes(house), needs=web.NEEDS, refuse=web.refuse)


async def serve(house: House) -> None:
    """Answer until the process is told to stop, and meanwhile do what is done beside it."""
    async with working(house):
        await answer(house)


async def answer(house: House, listening: list[socket] | None = None) -> None:
    """Answer who connects to these sockets, or to the address of the settings, until told to stop."""
    settings = house.settings
    # What is there now stays: collecting garbage need not look at the whole law for every few requests.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    config = uvicorn.Config(
        application(house),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,  # an access log would hold references in its addresses
        lifespan="off",
        server_header=False,
    )
    # Meanwhile it answers, only more slowly.
    getting_ready = asyncio.create_task(asyncio.to_thread(_ready))
    await uvicorn.Server(config).serve(listening)
    await getting_ready


def _ready() -> None:
    formats.ready()
    assessment.ready()


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """While the context lasts, puts expired uploads away, makes tables of prices and forgets; and where there is a key
    to sign with, writes out the log and lists for downtime, and delivers webhooks."""
    key = house.signing_key
    signing = [keep_publishing(house, key), keep_listing(house, key), keep_delivering(house)] if key else []
    works = [keep_sweeping(house), keep_remembering(house), *signing]
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def deliver(house: House) -> None:
    """Deliver webhooks until the process is told to stop. Does nothing where there is no key to sign them with."""
    if house.signer is None:
        return
    async with open_sender(house.signer, excepted=house.webhook_hosts) as sender:
        await Delivery(house.store, sender, now=house.now).run()


async def keep_delivering(house: House) -> None:
    """The same again and again."""
    while True:
        try:
            await deliver(house)
        except Exception:
            log.exception("delivery broke down")
            await asyncio.sleep(AGAIN_S)


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


async def keep_listing(house: House, key: OKPKey, *, every_s: float = LIST_EVERY_S) -> None:
    """Writes the lists of the offices again and again, for when nothing can be served any more."""
    while True:
        try:
            await write_release_lists(house, key, house.settings.data_dir / LISTS)
        except (StoreUnavailable, OSError) as hindered:
            log.error("release lists not written error=%s", type(hindered).__name__)
        await asyncio.sleep(every_s)


async def keep_sweeping(house: House, *, every_s: float = SWEEP_EVERY_S) -> None:
    """Puts away again and again what has waited too long: uploads, and declarations whose goods never came."""
    while True:
        try:
            gone = await sweep(store=house.store, at=house.now())
            lapsed = await lapse(store=house.store, law=house.law, at=house.now())
        except Exception as hindered:  # one that cannot be put away must not keep the others for ever
            log.error("not swept error=%s", type(hindered).__name__)
        else:
            if gone or lapsed:
                log.info("uploads expired=%d declarations lapsed=%d", gone, lapsed)
        await asyncio.sleep(every_s)


async def keep_remembering(house: House, *, every_s: float = REMEMBER_EVERY_S) -> None:
    """Makes a table of prices anew each day, and then forgets what no longer counts. What hinders it is told and tried
    anew, in forgetting a day later; until then the old table holds."""
    while True:
        try:
            goods = await make_prices(store=house.store, at=house.now())
            if goods is not None:
                forgotten = await house.store.history.forget(before=house.now() - timedelta(days=REMEMBERED_D))
                log.info("prices made goods=%d forgotten=%d", goods, forgotten)
        except Exception as hindered:
            log.error("prices not made, or nothing forgotten error=%s", type(hindered).__name__)
        await asyncio.sleep(every_s)


async def write_release_lists(house: House, key: OKPKey, folder: Path) -> list[Path]:
    """The signed list of each office, each a file that is written whole. `XX.html` is that of jurisdiction XX."""
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for office in await offices(store=house.store, at=house.now()):
        told = await release_list(office, store=house.store, at=house.now())
        path = folder / f"{office}.html"
        await asyncio.to_thread(_write, path, told, key)
        written.append(path)
    return written


def _write(path: Path, told: ReleaseList, key: OKPKey) -> None:
    data = page(told, signed(told, key))
    made = path.with_name(f".{path.name}.tmp")
    with made.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
