"""Preparing messages to be lodged: they are read, and told apart by what they have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import structs

from tidewaiter import formats
from tidewaiter.formats import Reading
from tidewaiter.law import Law
from tidewaiter.model.identifiers import compact
from tidewaiter.services import match
from tidewaiter.services.clear import Message, read_messages, received_at
from tidewaiter.services.columns import digest_of, with_columns
from tidewaiter.services.comparing import NO_DECLARATION, found
from tidewaiter.services.prices import PriceShelf
from tidewaiter.services.screen import Shelf
from tidewaiter.store import Store

Name = tuple[object, ...]
"""Something that two messages may have in common: their bytes, a key, a reference, a parcel."""


class Lodging(NamedTuple):
    """A message to be lodged. Its `sender` is the filer, `received_at` says when; `key` is an Idempotency-Key."""

    message: Message
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where messages are lodged: the store, and the law they are judged by.

    `jurisdiction` is used where a message does not name its country. `person_key` is the installation's, under which
    persons in documents of trade are compared, and `signers` are those whose signature counts, by the SHA-256 of their
    certificates. `shelf` has the lists of denied parties, `prices` what goods cost.
    """

    store: Store
    law: Law
    jurisdiction: str | None = None
    person_key: bytes = match.PUBLIC_KEY
    signers: Collection[str] = ()
    shelf: Shelf | None = None
    prices: PriceShelf | None = None


class Prepared(NamedTuple):
    """A message that was read. `names` are what it has in common with any other on which its outcome may depend.

    `is_alone` where that cannot be told by names: then it is judged by itself, after those before it.
    """

    message: Message
    key: str | None
    digest: bytes
    reading: Reading
    names: frozenset[Name]
    is_alone: bool

    @property
    def identity(self) -> tuple[str, bytes, str | None]:
        """Those of one identity are one lodgement."""
        return self.message.sender, self.digest, self.key


async def prepare(lodgings: Sequence[Lodging], desk: Desk) -> list[Prepared | Exception]:
    """The messages read, with what they have in common with others. What raised in reading one is in its place."""
    try:
        return list(await _prepare(lodgings, desk))
    except Exception as error:
        if len(lodgings) == 1:
            return [error]
    return [(await prepare([one], desk))[0] for one in lodgings]


async def _prepare(lodgings: Sequence[Lodging], desk: Desk) -> list[Prepared]:
    messages, sheets = await asyncio.to_thread(_opened, [one.message for one in lodgings])
    for place, titles in sheets.items():
        messages[place] = await with_columns(messages[place], titles, store=desk.store)
    return await asyncio.to_thread(_read, messages, [one.key for one in lodgings], desk)


def _opened(messages: Sequence[Message]) -> tuple[list[Message], dict[int, tuple[str, ...]]]:
    """The messages with the format each looks like, and the headings of those that are sheets, by their place."""
    opened, sheets = [], {}
    for place, message in enumerate(messages):
        told = message
        if message.format is None and message.piece is None and (format := formats.sniff(message.data)) is not None:
            told = structs.replace(message, format=format.NAME)
        titles = formats.titles(told.data, told.format)
        if titles:
            sheets[place] = titles
        elif told.columns:
            told = structs.replace(told, columns={})
        opened.append(told)
    return opened, sheets


def _read(messages: Sequence[Message], keys: Sequence[str | None], desk: Desk) -> list[Prepared]:
    return [
        _prepared(message, key, reading, desk)
        for message, key, reading in zip(
            messages, keys, read_messages(messages, jurisdiction=desk.jurisdiction), strict=True
        )
    ]


def _prepared(message: Message, key: str | None, reading: Reading, desk: Desk) -> Prepared:
    filer, digest, at = message.sender, digest_of(message), received_at(message)
    reading = match.minded(reading, desk.law, at, signers=desk.signers)
    if reading.answers and not reading.declared:
        reading = structs.replace(reading, findings=(*reading.findings, found(NO_DECLARATION)))
    names: set[Name] = {("message", filer, digest)}
    if key is not None:
        names.add(("key", filer, key))
    for one in reading.declared:
        record = one.consignment
        names.add(("reference", filer, record.reference))
        if record.tracking_id is not None:
            names.add(("parcel", compact(record.tracking_id)))
    is_alone = bool(reading.movements or reading.documents) or match.is_any_matched(reading, desk.law, at)
    return Prepared(message, key, digest, reading, frozenset(names), is_alone)


def independent(waiting: Sequence[Prepared], busy: Collection[Name] = ()) -> list[int]:
    """The places of those that may be settled together now: none depends on another, or on one waiting before it.

    `busy` are the names of what is being settled already.
    """
    now: list[int] = []
    identities: set[tuple[str, bytes, str | None]] = set()
    taken = set(busy)
    for place, one in enumerate(waiting):
        if one.is_alone:
            return now if now or taken else [place]
        if one.identity in identities:
            now.append(place)
            continue
        if taken.isdisjoint(one.names):
            now.append(place)
            identities.add(one.identity)
        taken |= one.names
    return now
