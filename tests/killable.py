"""A process that delivers webhooks, for a test to kill. It imports little, so that it is soon there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from tidewaiter.exchange.delivering import Delivery
from tidewaiter.exchange.sending import open_sender
from tidewaiter.exchange.signing import Signer
from tidewaiter.store import open_store

LEASE = timedelta(seconds=3)


def work(url: str, schema: str, key: bytes, ready: Event) -> None:
    """As `tidewaiter deliver`, but with a lease that a test can wait for."""
    asyncio.run(_deliver(url, schema, OKPKey.import_key(key), ready))


async def _deliver(url: str, schema: str, key: OKPKey, ready: Event) -> None:
    assert isinstance(key.private_key, Ed25519PrivateKey)
    store = await open_store(url, schema=schema)
    store.webhooks.lease = LEASE
    async with open_sender(Signer(key.private_key, key.thumbprint()), excepted={"127.0.0.1"}, timeout_s=2) as sender:
        ready.set()
        await Delivery(store, sender, now=lambda: datetime.now(UTC)).run()
