"""Judging messages that are independent of each other, and keeping what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec
import polars as pl
from msgspec import structs

from tidewaiter.checks.linking import Link, link
from tidewaiter.formats import Reading
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.past import DOCUMENTS, with_mistakes
from tidewaiter.services import match
from tidewaiter.services.clear import (
    ClearedMessage,
    Message,
    about_message,
    clear_readings,
    in_their_format,
    received_at,
)
from tidewaiter.services.comparing import Compared, NaturalKey, Stands, compare, natural_key
from tidewaiter.services.numbering import movement_reference
from tidewaiter.services.preparing import Desk, Prepared
from tidewaiter.services.profiles import with_profiles
from tidewaiter.services.recalling import recall_past
from tidewaiter.store import Asked, Known, Lodgement, Store, StoredMessage


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
    """The Idempotency-Key was used before, for a message with other content: that of this number."""

    def __init__(self, message_id: int) -> None:
        super().__init__(message_id)
        self.message_id = message_id


class Judged(NamedTuple):
    """What became of messages, not yet kept: those lodged before, those refused, and what is to be written.

    All by their place. `keys` are new ones for messages lodged before, `refused` those whose key is another message's.
    """

    size: int
    before: dict[int, StoredMessage]
    refused: dict[int, StoredMessage]
    keys: list[tuple[str, str, int]]
    written: dict[int, Lodgement]


async def judge(prepared: Sequence[Prepared], desk: Desk) -> Judged:
    """What is to become of messages that are independent of each other. Nothing is written yet."""
    known = await desk.store.look_up(_asked(prepared))
    judged = Judged(len(prepared), {}, {}, [], {})
    fresh: list[int] = []
    first: set[tuple[str, bytes, str | None]] = set()
    for place, one in enumerate(prepared):
        filer = one.message.sender
        by_key = known.by_key.get((filer, one.key)) if one.key is not None else None
        by_digest = known.by_digest.get((filer, one.digest))
        if by_key is not None and by_key.digest != one.digest:
            judged.refused[place] = by_key
        elif (before := by_key or by_digest) is not None:
            judged.before[place] = before
            if by_key is None and one.key is not None and one.identity not in first:
                judged.keys.append((filer, one.key, before.id))
        elif one.identity not in first:
            fresh.append(place)
        first.add(one.identity)
    if fresh:
        lodgements = await _judge_fresh([prepared[place] for place in fresh], known, desk)
        judged.written.update(zip(fresh, lodgements, strict=True))
    return judged


def _asked(prepared: Sequence[Prepared]) -> Asked:
    records = [(one.message.sender, declared.consignment) for one in prepared for declared in one.reading.declared]
    return Asked(
        digests={(one.message.sender, one.digest) for one in prepared},
        keys={(one.message.sender, one.key) for one in prepared if one.key is not None},
        references={(filer, record.reference) for filer, record in records},
        tracking_ids={record.tracking_id for _, record in records if record.tracking_id is not None},
    )


async def _judge_fresh(prepared: Sequence[Prepared], known: Known, desk: Desk) -> list[Lodgement]:
    standing = await _standing(prepared, known, desk)
    compared = [
        compare(await _linked(one.reading, desk.store), names) for one, names in zip(prepared, standing, strict=True)
    ]
    sealings: list[match.Sealing] = []
    mistakes: dict[int, int] = {}
    rows = 0
    for place, (one, what) in enumerate(zip(prepared, compared, strict=True)):
        at = received_at(one.message)
        sealing = match.sealed(what.fresh, law=desk.law, key=desk.person_key, at=at, message=one.digest.hex())
        told = await match.with_mismatches(what.fresh, sealing, store=desk.store, law=desk.law, at=at)
        sealings.append(sealing)
        compared[place] = what._replace(fresh=told.reading)
        mistakes |= {rows + place: count for place, count in told.mistakes.items()}
        rows += len(told.reading.declared)
    digests = {id(one.message): one.digest for one in prepared}

    def number(message: Message, record: Consignment) -> str:
        seed = b"\0".join([message.sender.encode(), record.reference.encode(), digests[id(message)]])
        return movement_reference(record.jurisdiction, received_at(message), seed=seed)

    held = await desk.shelf.held() if desk.shelf is not None else None
    at = max(received_at(one.message) for one in prepared)
    law = await with_profiles(desk.law, store=desk.store, at=at)
    messages, readings = [one.message for one in prepared], [what.fresh for what in compared]
    batch, recalled = await recall_past(messages, readings, law=law, desk=desk, at=at)
    past = known.past
    if mistakes:
        past = replace(past, documents=pl.DataFrame(sorted(mistakes.items()), schema=DOCUMENTS, orient="row"))
    cleared = await asyncio.to_thread(
        clear_readings, messages, readings, law=law, past=past, trust_stated_day=False, number=number,
        lists=None if held is None else held.index, batch=batch, recall=recalled,
    )  # fmt: skip
    if mistakes:
        cleared = _with_mistakes(cleared, mistakes)
    repeated = [id for what in compared for _, id in what.repeats]
    answers = await desk.store.answers_of(repeated) if repeated else {}
    return [
        _lodgement(one, what, sealing, done, before=answers, law=law, lists=None if held is None else held.ids)
        for one, what, sealing, done in zip(prepared, compared, sealings, cleared, strict=True)
    ]


def _with_mistakes(cleared: Sequence[ClearedMessage], mistakes: dict[int, int]) -> list[ClearedMessage]:
    """The same with the mistakes of documents among what was known of each consignment, by its row: also of those that
    are not accepted, since what risk saw in them is reckoned again from it."""
    done, row = [], 0
    for message in cleared:
        told = list(message.consignments)
        for place, one in enumerate(told):
            if (count := mistakes.get(row + place)) is not None:
                told[place] = structs.replace(one, figures=with_mistakes(one.figures, count))
        done.append(structs.replace(message, consignments=tuple(told)))
        row += len(told)
    return done


async def _linked(reading: Reading, store: Store) -> Reading:
    """The same with what is wrong in the links that its movements make: items, receptacles and dispatches."""
    if not reading.movements:
        return reading
    known = await store.known_items(reading.movements)
    before = {item: tuple(Link(*one) for one in links) for item, links in known.listed.items()}
    wrong = link(known.lodged, reading.movements, before).findings
    return structs.replace(reading, findings=(*reading.findings, *wrong))


async def _standing(prepared: Sequence[Prepared], known: Known, desk: Desk) -> list[dict[NaturalKey, Stands]]:
    """Of each message the declarations that stand already, as they were lodged."""
    wanted: list[dict[NaturalKey, tuple[int, int]]] = []
    for one in prepared:
        keys = (natural_key(declared.consignment) for declared in one.reading.declared) if known.standing else ()
        named = ((key, known.standing.get((one.message.sender, *key))) for key in keys if key is not None)
        wanted.append({key: ids for key, ids in named if ids is not None})
    ids = sorted({id for keys in wanted for id, _ in keys.values()})
    if not ids:
        return [{} for _ in prepared]
    at = max(received_at(one.message) for one in prepared)
    records = await desk.store.open_vault(ids, purpose="compare", reader="lodging", at=at)
    return [{key: Stands(id, message, records[id]) for key, (id, message) in keys.items()} for keys in wanted]


def _lodgement(
    one: Prepared,
    compared: Compared,
    sealing: match.Sealing,
    cleared: ClearedMessage,
    *,
    before: dict[int, list[Answer]],
    law: Law,
    lists: tuple[int, ...] | None,
) -> Lodgement:
    message, reading = one.message, compared.fresh
    return Lodgement(
        filer=message.sender,
        digest=one.digest,
        source=message.source,
        format=reading.format,
        received_at=received_at(message),
        law_digest=law.digest,
        risk_digest=law.risk_digest,
        lists=lists,
        raw=message.data,
        answer=_whole_answer(cleared, compared, before),
        key=one.key,
        findings=(*reading.findings, *(finding for told in reading.documents for finding in told.findings)),
        consignments=tuple(zip(compared.places, cleared.consignments, strict=True)),
        repeats=compared.repeats,
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


def _whole_answer(cleared: ClearedMessage, compared: Compared, before: dict[int, list[Answer]]) -> bytes:
    """All answers in the sender's format, in the order of the message: those given before to repeats among them."""
    if not compared.repeats:
        return cleared.answers
    told: dict[int, Sequence[Answer]] = {place: before[id] for place, id in compared.repeats}
    told |= {place: one.answers for place, one in zip(compared.places, cleared.consignments, strict=True)}
    return in_their_format(cleared.format, [answer for place in sorted(told) for answer in told[place]])


async def keep(judged: Judged, prepared: Sequence[Prepared], desk: Desk) -> list[Lodged | Exception]:
    """What is answered to each, once all is committed. Raises AlreadyThere, StoreUnavailable: then nothing is kept."""
    if judged.keys:
        await desk.store.remember_keys(judged.keys)
    ids = await desk.store.write(list(judged.written.values())) if judged.written else []
    results: dict[int, Lodged | Exception] = {place: KeyTaken(before.id) for place, before in judged.refused.items()}
    results |= await _lodged_now(dict(zip(judged.written, ids, strict=True)), judged.written, desk.store)
    results |= await _lodged_before(judged.before, desk.store)
    # Those of one identity are one lodgement: the others repeat the first.
    first = {prepared[place].identity: result for place, result in results.items()}
    return [results.get(place) or _again(first[one.identity]) for place, one in enumerate(prepared)]


def _again(first: Lodged | Exception) -> Lodged | Exception:
    return structs.replace(first, is_repeat=True) if isinstance(first, Lodged) else first


async def _lodged_now(ids: dict[int, int], written: dict[int, Lodgement], store: Store) -> dict[int, Lodged]:
    repeated = [id for one in written.values() for _, id in one.repeats]
    stored = await store.consignments(repeated) if repeated else {}
    done = {}
    for place, one in written.items():
        results = {at: cleared.cleared for at, cleared in one.consignments}
        results |= {at: stored[id].cleared for at, id in one.repeats}
        done[place] = Lodged(
            message_id=ids[place],
            is_repeat=False,
            source=one.source,
            format=one.format,
            answer=one.answer,
            findings=one.findings,
            results=tuple(results[at] for at in sorted(results)),
        )
    return done


async def _lodged_before(messages: dict[int, StoredMessage], store: Store) -> dict[int, Lodged]:
    became = await store.results([one.id for one in messages.values()]) if messages else {}
    return {
        place: Lodged(
            message_id=one.id,
            is_repeat=True,
            source=one.source,
            format=one.format,
            answer=one.answer,
            findings=tuple(became[one.id][0]),
            results=tuple(stored.cleared for stored in became[one.id][1]),
        )
        for place, one in messages.items()
    }
