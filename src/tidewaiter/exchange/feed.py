"""Events as a filer is told of them: in the feed with the answers, in a webhook without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tidewaiter.model.answer import Answer
from tidewaiter.store import Position, Store, StoredEvent


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a message or a consignment of the filer.

    `kind` is `message_received`, where `format` and `digest` (SHA-256, hexadecimal) say of which message; `decided`,
    where `security` and `control` are the state then. `answers` were given with it; `answer` leads to them, and
    to all that were given with them, in the sender's own format. `replied` says that a reply of the filer has come, and
    `refunded` that something was given back. `cursor` names the event: it and what came before it has been seen.
    """

    cursor: str
    at: datetime
    kind: str
    message: int
    answer: str
    format: str | None = None
    digest: str | None = None
    reference: str | None = None
    function: str | None = None
    version: int | None = None
    mrn: str | None = None
    security: str | None = None
    control: str | None = None
    answers: tuple[Answer, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Events in their order; `next` is the cursor to go on from, `more` whether there are more already."""

    events: tuple[Event, ...]
    next: str
    more: bool


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook says: that these events are in the feed, in their order, without the answers."""

    events: tuple[Event, ...]


def event_of(stored: StoredEvent) -> Event:
    """The event as its filer is told of it. Named field by field, so that nothing else that is stored gets out."""
    return Event(
        cursor=stored.position.cursor,
        at=stored.at,
        kind=stored.kind,
        message=stored.message_id,
        answer=f"/v1/messages/{stored.message_id}/answer" + (f"s/{stored.later}" if stored.later else ""),
        format=stored.format,
        digest=stored.digest,
        reference=stored.reference,
        function=stored.function,
        version=stored.version,
        mrn=stored.mrn,
        security=stored.security,
        control=stored.control,
        answers=stored.answers,
    )


def hint_of(events: Sequence[StoredEvent]) -> bytes:
    """The body of a webhook about these events."""
    return msgspec.json.encode(Hint(events=tuple(event_of(one) for one in events)))


async def page(store: Store, *, filer: str, after: Position, size: int) -> Page:
    """Up to `size` of the filer's events after a place."""
    found = await store.feed.read(filer=filer, after=after, size=size + 1, with_answers=True)
    shown = found[:size]
    return Page(
        events=tuple(event_of(one) for one in shown),
        next=(shown[-1].position if shown else after).cursor,
        more=len(found) > size,
    )
