"""Lodging: a message takes effect once, is kept, and is answered after everything is committed.

The same bytes from the same filer are one lodgement, whose answer is given again: those of a sheet under the same
mapping of its columns, which is remembered. A reference that stands already is no second declaration: with the same
content it is the first again, with other content a conflict. Orders, payments and waybills are kept, and declarations
are matched with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import structs

from tidewaiter.checks.linking import Link, link
from tidewaiter.formats import Declared, Reading
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.outcome import Cleared
from tidewaiter.services import match
from tidewaiter.services.clear import (
    ClearedMessage,
    Message,
    about_message,
    clear_readings,
    in_their_format,
    read_message,
)
from tidewaiter.services.columns import digest_of, with_columns
from tidewaiter.services.numbering import movement_reference
from tidewaiter.store import AlreadyThere, Lodgement, Store, StoredMessage

ATTEMPTS = 5
"""So often is a lodgement tried anew that met another one with the same bytes, key or reference."""
NOT_CONTENT = frozenset({"accepted_on", "mrn", "issued_at"})
"""What may differ in a consignment lodged again: what the door and customs set, and when the message was made."""

CONFLICT = Kind(
    code="LDG-01",
    severity="error",
    text="This reference was lodged before with other content; the first field that differs is {detail}.",
    remedy="Send an amendment of the first, or lodge this one under a reference of its own.",
    law="Delegated Regulation (EU) 2015/2446, Annex B, data element 12 09: a reference names one declaration",
)
TWICE = Kind(
    code="LDG-02",
    severity="error",
    text="This reference stands in the message already, at place {detail}.",
    remedy="Leave one of the two, or give each a reference of its own.",
    law="Delegated Regulation (EU) 2015/2446, Annex B, data element 12 09: a reference names one declaration",
)
NO_DECLARATION = Kind(
    code="LDG-03",
    severity="error",
    text="This is an answer from customs, not a declaration.",
    remedy="Send the declaration it answers.",
    law="WCO Data Model 3.6: declarations and responses are separate messages",
)
KINDS = (CONFLICT, TWICE, NO_DECLARATION)
"""Every kind of finding that lodging adds to those of the corridor."""

NaturalKey = tuple[str, str, int]


class Lodged(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered. `answer` is in the sender's format `format`; `results` are the same in our own.

    `is_repeat` where the same bytes had been lodged before: then nothing new happened.
    """

    message_id: int
    is_repeat: bool
    source: str
    format: str
    answer: bytes
    findings: tuple[Finding, ...]
    results: tuple[Cleared, ...]

    @property
    def records(self) -> list[Cleared]:
        """One record a consignment, and one without a reference for what was found about the message as a whole."""
        return [
            *self.results,
            *([about_message(self.format, self.findings, source=self.source)] if self.findings else []),
        ]


class KeyTaken(Exception):
    """The Idempotency-Key was used before, for a message with other content."""


class TryAgain(Exception):
    """Others lodge the same references at the same time, again and again: nothing was kept of this one."""


async def lodge(
    message: Message,
    *,
    store: Store,
    law: Law,
    at: datetime,
    jurisdiction: str | None = None,
    key: str | None = None,
    person_key: bytes = match.PUBLIC_KEY,
    signers: Collection[str] = (),
) -> Lodged:
    """What became of the message, once it is committed. `message.sender` is the filer, `at` when it was received.

    `person_key` is the installation's, under which persons in documents of trade are compared, and `signers` are those
    whose signature counts, by the SHA-256 of their certificates. Raises KeyTaken where `key` belongs to another
    message, TryAgain where it could not be lodged now.
    """
    message = await with_columns(message, store=store, at=at)
    digest = digest_of(message)
    for _ in range(ATTEMPTS):
        known = await _known(message, digest, key, store)
        if known is not None:
            return await _lodged(store, known, is_repeat=True)
        try:
            lodgement = await _judge(
                message, digest, key, store=store, law=law, at=at, jurisdiction=jurisdiction, person_key=person_key,
                signers=signers,
            )  # fmt: skip
            id = await store.write(lodgement)
        except AlreadyThere:
            continue
        stored = StoredMessage(
            id=id, digest=digest, source=message.source, format=lodgement.format, answer=lodgement.answer
        )
        return await _lodged(store, stored, is_repeat=False)
    raise TryAgain


async def _known(message: Message, digest: bytes, key: str | None, store: Store) -> StoredMessage | None:
    """The message as lodged before, by its key or by its bytes."""
    by_key = await store.message_by_key(filer=message.sender, key=key) if key is not None else None
    if by_key is not None:
        if by_key.digest != digest:
            raise KeyTaken
        return by_key
    known = await store.message_by_digest(filer=message.sender, digest=digest)
    if known is not None and key is not None:
        await store.remember_key(filer=message.sender, key=key, message_id=known.id)
    return known


async def _lodged(store: Store, message: StoredMessage, *, is_repeat: bool) -> Lodged:
    findings, consignments = await store.results(message.id)
    return Lodged(
        message_id=message.id,
        is_repeat=is_repeat,
        source=message.source,
        format=message.format,
        answer=message.answer,
        findings=tuple(findings),
        results=tuple(one.cleared for one in consignments),
    )


async def _judge(
    message: Message,
    digest: bytes,
    key: str | None,
    *,
    store: Store,
    law: Law,
    at: datetime,
    jurisdiction: str | None,
    person_key: bytes,
    signers: Collection[str],
) -> Lodgement:
    reading = await asyncio.to_thread(read_message, message, jurisdiction=jurisdiction)
    reading = match.minded(reading, law, at, signers=signers)
    if reading.answers and not reading.declared:
        reading = structs.replace(reading, findings=(*reading.findings, _found(NO_DECLARATION, "", "")))
    reading = await _linked(reading, store)
    standing = await _standing(reading.declared, message.sender, store=store, at=at)
    fresh, places, repeats = _compare(reading, standing)
    sealing = match.sealed(fresh, law=law, key=person_key, at=at, message=digest.hex())
    fresh = await match.with_mismatches(fresh, sealing, store=store, law=law, at=at)
    past = await store.past([t for one in fresh.declared if (t := one.consignment.tracking_id) is not None])

    def day_of(country: str) -> date:
        return at.astimezone(ZoneInfo(law.time_zone(country))).date()

    def number(_: Message, record: Consignment) -> str:
        seed = b"\0".join([message.sender.encode(), record.reference.encode(), digest])
        return movement_reference(record.jurisdiction, at, seed=seed)

    [cleared] = await asyncio.to_thread(
        clear_readings, [message], [fresh], law=law, past=past, on=day_of, trust_stated_day=False, number=number, at=at
    )
    return Lodgement(
        filer=message.sender,
        digest=digest,
        source=message.source,
        format=reading.format,
        received_at=at,
        law_digest=law.digest,
        raw=message.data,
        answer=await _whole_answer(cleared, places, repeats, store),
        key=key,
        findings=(*reading.findings, *(finding for told in reading.documents for finding in told.findings)),
        consignments=tuple(zip(places, cleared.consignments, strict=True)),
        repeats=repeats,
        documents=(
            *sealing.documents,
            *(
                document
                for place, document in sealing.declarations.items()
                if cleared.consignments[place].cleared.decision.control != "not_accepted"
            ),
        ),
        movements=reading.movements,
    )


async def _linked(reading: Reading, store: Store) -> Reading:
    """The same with what is wrong in the links that its movements make: items, receptacles and dispatches."""
    if not reading.movements:
        return reading
    known = await store.known_items(reading.movements)
    before = {item: tuple(Link(*one) for one in links) for item, links in known.listed.items()}
    found = link(known.lodged, reading.movements, before).findings
    return structs.replace(reading, findings=(*reading.findings, *found))


def natural_key(record: Consignment) -> NaturalKey | None:
    """What names the declaration for ever among those of its filer; None for an amendment without a version."""
    if record.function != "original" and record.version is None:
        return None
    return record.reference, record.function, record.version or 0


async def _standing(
    declared: Sequence[Declared], filer: str, *, store: Store, at: datetime
) -> Mapping[NaturalKey, tuple[int, Consignment]]:
    """Those of these declarations that stand already, as they were lodged: with their ids."""
    ids = await store.standing(filer=filer, references=sorted({one.consignment.reference for one in declared}))
    wanted = {key: ids[key] for one in declared if (key := natural_key(one.consignment)) in ids}
    if not wanted:
        return {}
    records = await store.open_vault(sorted(wanted.values()), purpose="compare", reader="lodging", at=at)
    return {key: (id, records[id]) for key, id in wanted.items()}


def _compare(
    reading: Reading, standing: Mapping[NaturalKey, tuple[int, Consignment]]
) -> tuple[Reading, tuple[int, ...], tuple[tuple[int, int], ...]]:
    """What is new in the message with its places, conflicts marked; and what is a repeat, as (place, id)."""
    fresh: list[Declared] = []
    places: list[int] = []
    repeats: list[tuple[int, int]] = []
    met: dict[NaturalKey, int] = {}
    for place, one in enumerate(reading.declared):
        key = natural_key(one.consignment)
        finding = None
        if key is not None and key in met:
            finding = _found(TWICE, str(met[key] + 1), "/reference")
        elif key is not None and key in standing:
            id, before = standing[key]
            differs = first_difference(before, one.consignment)
            if differs is None and not one.findings:
                repeats.append((place, id))
                continue
            finding = _found(CONFLICT, differs, differs) if differs is not None else None
        if key is not None:
            met.setdefault(key, place)
        places.append(place)
        fresh.append(one if finding is None else structs.replace(one, findings=(*one.findings, finding)))
    return structs.replace(reading, declared=tuple(fresh)), tuple(places), tuple(repeats)


def _found(kind: Kind, detail: str, pointer: str) -> Finding:
    return Finding(
        code=kind.code,
        severity=kind.severity,
        pointer=pointer,
        text=kind.text.replace("{detail}", detail),
        remedy=kind.remedy,
        law=kind.law,
    )


def first_difference(before: Consignment, now: Consignment) -> str | None:
    """The pointer to the first field, in the order of the model, in which the two differ; None where in none."""
    names = [name for name in Consignment.__struct_fields__ if name not in NOT_CONTENT]
    found = (_differences(getattr(before, name), getattr(now, name), f"/{name}") for name in names)
    return next(chain.from_iterable(found), None)


def _differences(before: Any, now: Any, pointer: str) -> Iterator[str]:
    # Field by field and not as written: a value that is the usual one may be left out in writing, or not.
    if isinstance(before, msgspec.Struct) and isinstance(now, msgspec.Struct):
        for name in before.__struct_fields__:
            yield from _differences(getattr(before, name), getattr(now, name, None), f"{pointer}/{name}")
    elif isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        for place, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from _differences(left, right, f"{pointer}/{place}")
    elif before != now:
        yield pointer


async def _whole_answer(
    cleared: ClearedMessage, places: Sequence[int], repeats: Sequence[tuple[int, int]], store: Store
) -> bytes:
    """All answers in the sender's format, in the order of the message: those given before to repeats among them."""
    if not repeats:
        return cleared.answers
    before = await store.answers_of([id for _, id in repeats])
    told: dict[int, Sequence[Answer]] = {place: before[id] for place, id in repeats}
    told |= {place: one.answers for place, one in zip(places, cleared.consignments, strict=True)}
    return in_their_format(cleared.format, [answer for place in sorted(told) for answer in told[place]])
