"""How fast a receiver that was away catches up: `make catch-up`. Prints one line; the aim is 500 events a second.

Consignments are lodged through the corridor while the receiver is away; then it comes back, in a process of its own,
checks every signature, writes every nonce to its file, and the time is taken until it has all.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from make import consignment
from receiving import Receiver
from tidewaiter.exchange.delivering import Delivery
from tidewaiter.exchange.sending import open_sender
from tidewaiter.exchange.signing import Signer
from tidewaiter.law import load
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.services.subscribe import subscribe
from tidewaiter.store import START, open_store, start_embedded
from tidewaiter.wiring import clock

FILER = "shop"
HERE = {"127.0.0.1"}


def receive(key: bytes, folder: str, pipe: Connection) -> None:
    """A receiver that serves until it is asked what it took."""

    async def serve() -> None:
        async with Receiver(OKPKey.import_key(key), Path(folder) / "nonces.sqlite", clock) as receiver:
            pipe.send(receiver.port)
            while not pipe.poll():
                await asyncio.sleep(0.01)
            pipe.send([one.cursor for one in receiver.taken])

    asyncio.run(serve())


async def measure(consignments: int, folder: Path) -> None:
    """Prints the line."""
    key = OKPKey.generate_key("Ed25519", private=True)
    assert isinstance(key.private_key, Ed25519PrivateKey)
    store = await open_store(start_embedded(folder))
    law = load()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=receive, args=(key.as_pem(private=True), str(folder), theirs))
    process.start()
    port = ours.recv()
    url = f"http://127.0.0.1:{port}/hook"
    await subscribe(url, filer=FILER, store=store, at=clock(), excepted=HERE)
    for start in range(0, consignments, 500):
        data = msgspec.json.encode([consignment(reference=f"R-{start + n}") for n in range(500)])
        await lodge(Message(source="bench", data=data, sender=FILER), store=store, law=law, at=clock())
    wanted = [one.position.cursor for one in await store.feed.read(filer=FILER, after=START, size=10**9)]
    async with open_sender(Signer(key.private_key, key.thumbprint()), excepted=HERE) as sender:
        started, used = time.perf_counter(), time.process_time()
        await Delivery(store, sender, now=clock).settle()
        took, used = time.perf_counter() - started, time.process_time() - used
    ours.send(None)
    taken = ours.recv()
    process.join()
    await store.close()
    is_whole = "all in order" if taken == wanted else "NOT ALL, OR NOT IN ORDER"
    print(
        f"catch-up: {len(taken):,} events to one receiver in {took:.2f} s, {len(taken) / took:,.0f} a second"
        f" ({used:.2f} CPU-seconds of ours), {is_whole}; aim 500 a second"
    )
    if taken != wanted:
        sys.exit(1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, Path(name)))
