"""Being told of events: a filer names an address, sees how it fares, and has what was given up sent again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from urllib.parse import urlsplit

from tidewaiter.exchange.addresses import AddressRefused, UrlUnfit, checked_url, resolved
from tidewaiter.store import Held, Position, Store, Webhook

WEBHOOKS_MAX = 10
"""So many addresses one filer may have."""


class TooManyWebhooks(RuntimeError):
    """The filer has as many addresses as one may have."""


async def subscribe(
    url: str, *, filer: str, store: Store, at: datetime, after: Position | None = None, excepted: Collection[str] = ()
) -> Webhook:
    """The address, which is told of the filer's events from now on, or of those after a place in the feed.

    `excepted` are hosts that need be neither public nor https. Raises UrlUnfit, TooManyWebhooks, AlreadyTold.
    """
    checked = checked_url(url, excepted=excepted)
    parts = urlsplit(checked)
    try:
        await resolved(parts.hostname or "", parts.port or 443, excepted=excepted)
    except AddressRefused as refused:
        raise UrlUnfit(str(refused)) from None
    id = await store.webhooks.add(filer=filer, url=checked, at=at, after=after, number_max=WEBHOOKS_MAX)
    if id is None:
        raise TooManyWebhooks
    [added] = await store.webhooks.of(filer, id)
    return added


async def unsubscribe(id: int, *, filer: str, store: Store) -> bool:
    """Whether the filer had that address. Nothing more is sent to it."""
    return await store.webhooks.remove(id, filer=filer)


async def subscription(id: int, *, filer: str, store: Store) -> Webhook | None:
    """The filer's address of that id; None where he has none such."""
    found = await store.webhooks.of(filer, id)
    return found[0] if found else None


async def dead_letters(id: int, *, filer: str, store: Store, after: Position, size: int) -> list[Held] | None:
    """Up to `size` events that were given up for the filer's address; None where he has none such."""
    if await subscription(id, filer=filer, store=store) is None:
        return None
    return await store.webhooks.dead_letters(id, after=after, size=size)


async def drive_again(id: int, *, filer: str, store: Store, at: datetime, only: Position | None = None) -> int | None:
    """How many dead letters, all or one, are sent again; None where the filer has no such address."""
    if await subscription(id, filer=filer, store=store) is None:
        return None
    return await store.webhooks.drive_again(id, at=at, only=only)
