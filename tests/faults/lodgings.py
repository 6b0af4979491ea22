"""Lodging in all its shapes: the same bytes, another spelling, a batch, a sheet, documents beside declarations."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from faults import claims
from faults.operations import AT, Job, Operation, Sent, Tell, World
from make import consignment, item, tracking_id
from tidewaiter.formats import ceb, post
from tidewaiter.model.consignment import Change, Consignment
from tidewaiter.model.movement import PRESENTED, ItemEvent
from tidewaiter.services.gathering import Gatherer, Room
from tidewaiter.services.lodge import Desk, Lodging, lodge

POST, CEB = (Path(package.__path__[0]) / "samples" for package in (post, ceb))
CHANGE = Change(reason="32", pointer="42A/67A/68A[1]/23A/30A#063")
HEADS = [
    "Nummer", "wohin", "Was", "hs_code", "origin", "quantity", "line_total", "currency", "weight g",
    "category", "recipient", "recipient_city", "recipient_postcode", "recipient_country", "recipient_street",
    "sender", "sender_city", "sender_street", "sender_country", "sender_postcode",
]  # fmt: skip
COLUMNS = {"Nummer": "reference", "wohin": "destination", "Was": "description"}
ROW = [
    "GB", "Ceramic bowl", "691200", "CN", "1", "5.50", "GBP", "400", "sale", "Pat Example", "Leeds", "LS1 1AB", "GB",
    "1 Example Road", "Example Shop", "Sampletown", "8 Sample Road", "CN", "000000",
]  # fmt: skip


def charged(reference: str, **what: Any) -> Consignment:
    """A consignment on which duty and tax stand; its parcel is its own."""
    number = int.from_bytes(hashlib.sha256(reference.encode()).digest()[:4]) % 10**8
    given: dict[str, Any] = {
        "items": (item(price="900.00 GBP", hs_code="42023100"), item()),
        "presentation_office": "GB000060",
        "tracking_id": tracking_id(number),
    }
    return consignment(reference=reference, **{**given, **what})


def encoded(*records: Consignment) -> bytes:
    return msgspec.json.encode(list(records))


async def lodged(world: World, sent: Sent) -> claims.Claim:
    """What is claimed of the message, once it is answered."""
    done = await lodge(sent.message, store=world.store, law=world.law, at=AT, key=sent.key)
    return claims.kept(done, filer=sent.filer, data=sent.data)


async def in_turn(world: World, job: Job, tell: Tell) -> None:
    for sent in job.sent:
        tell(await lodged(world, sent))


async def at_once(world: World, job: Job, tell: Tell) -> None:
    async def one(sent: Sent) -> None:
        tell(await lodged(world, sent))

    await asyncio.gather(*(one(sent) for sent in job.sent))


async def gathered(world: World, job: Job, tell: Tell) -> None:
    intake = Gatherer(Desk(store=world.store, law=world.law), Room(messages_max=99, bytes_max=1 << 24))

    async def one(sent: Sent) -> None:
        done = await intake.lodge(Lodging(sent.message, sent.key))
        tell(claims.kept(done, filer=sent.filer, data=sent.data))

    await asyncio.gather(*(one(sent) for sent in job.sent))


def one_of_each(filer: str, sent: list[Sent], *, messages: int, consignments: int) -> Job:
    """A job after which the filer has lodged so much, each key with its message."""
    after = [claims.messages(filer, messages), claims.consignments(filer, consignments)]
    after += [claims.key_held(one.filer, one.key, one.data) for one in sent if one.key is not None]
    return Job(filer, sent, after=after)


async def fresh(_: World, filer: str) -> Job:
    return one_of_each(filer, [Sent(filer, encoded(charged(filer)), f"key-{filer}")], messages=1, consignments=1)


async def same_bytes(world: World, filer: str) -> Job:
    data = encoded(charged(filer))
    await lodged(world, Sent(filer, data))
    return one_of_each(filer, [Sent(filer, data, f"key-{filer}")], messages=1, consignments=1)


async def same_content(world: World, filer: str) -> Job:
    data = encoded(charged(filer))
    await lodged(world, Sent(filer, data))
    return one_of_each(filer, [Sent(filer, data + b"\n", f"key-{filer}")], messages=2, consignments=1)


async def changed(world: World, filer: str, *, function: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    record = charged(filer, function=function, mrn="26GB6M4D8E1RE4WAR8", changes=(CHANGE,), version=2)
    return one_of_each(filer, [Sent(filer, encoded(record), f"key-{filer}")], messages=2, consignments=2)


async def batch(_: World, filer: str) -> Job:
    wrong = charged(f"{filer}-3", items=(item(description=None),))
    data = encoded(charged(f"{filer}-1"), charged(f"{filer}-2"), wrong)
    return one_of_each(filer, [Sent(filer, data, f"key-{filer}")], messages=1, consignments=3)


async def of_three_filers(_: World, filer: str) -> Job:
    filers = [f"{filer}-{name}" for name in "abc"]
    sent = [Sent(name, encoded(charged(name)), f"key-{name}") for name in filers]
    after = [claim for name in filers for claim in (claims.messages(name, 1), claims.consignments(name, 1))]
    return Job(filer, sent, after=[*after, *(claims.key_held(s.filer, s.key or "", s.data) for s in sent)])


async def twice(_: World, filer: str) -> Job:
    sent = Sent(filer, encoded(charged(filer)))
    return one_of_each(filer, [sent, sent], messages=1, consignments=1)


async def sheet(_: World, filer: str) -> Job:
    data = "\n".join(";".join(row) for row in (HEADS, [filer, *ROW])).encode()
    job = one_of_each(filer, [Sent(filer, data, columns=COLUMNS)], messages=1, consignments=1)
    remembered = "sheet_columns where filer = $1 having count(distinct columns) = 1 and count(*) >= 1"
    job.after.append(claims.Claim("the columns are remembered", f"select true from {remembered}", (filer,)))
    return job


async def trade(world: World, filer: str) -> Job:
    mark = hashlib.sha256(filer.encode()).hexdigest()[:6].upper()
    files = {name: (CEB / f"{name}.xml").read_bytes() for name in ("payment-411", "waybill-511", "order-311")}
    own = {name: _renamed(data, mark) for name, data in files.items()}
    for name in ("payment-411", "waybill-511"):
        await lodged(world, Sent(f"{filer}-{name}", own[name]))
    job = one_of_each(filer, [Sent(filer, own["order-311"], f"key-{filer}")], messages=1, consignments=0)
    source = "trade_documents d join messages m on m.id = d.message_id where m.filer = $1"
    job.after.append(claims.counted("documents of trade", source, 1, filer))
    return job


def _renamed(data: bytes, mark: str) -> bytes:
    for word in ("ORDER", "PAY", "WAY", "LIST"):
        data = data.replace(f"{word}-SAMPLE".encode(), f"{word}-{mark}".encode())
    return data


async def arrival(world: World, filer: str) -> Job:
    ahead = charged(filer, declaration_type="IMD")
    await lodged(world, Sent(filer, encoded(ahead)))
    [id] = await world.store.ids_of(filer, filer=filer)
    event = ItemEvent(item_id=ahead.tracking_id or "", event=PRESENTED, at=AT)
    sent = [Sent(filer, post.movements_as([event], form="json"))]
    return Job(filer, sent, after=[claims.messages(filer, 2), claims.stands(id, "released")])


async def dispatch(world: World, filer: str) -> Job:
    number = int.from_bytes(hashlib.sha256(filer.encode()).digest()[:4]) % 10**8

    def own(name: str) -> bytes:
        data = (POST / name).read_bytes()
        for id in ("LX123456785CN", "UA000000005CN", "RR000000005CN"):
            data = data.replace(id.encode(), tracking_id(number, service=id[:2]).encode())
        return data.replace(b"CNCANA", f"CN{number % 1000:03d}A".encode())

    await lodged(world, Sent(f"{filer}-items", own("itmatt-two-items.json")))
    sent = [Sent(filer, own(name)) for name in ("predes-one-dispatch.json", "emsevt-events.csv")]
    return one_of_each(filer, sent, messages=2, consignments=0)


LODGINGS = {
    "lodge_fresh": Operation(fresh, in_turn),
    "lodge_same_bytes": Operation(same_bytes, in_turn),
    "lodge_same_content": Operation(same_content, in_turn),
    "lodge_amendment": Operation(partial(changed, function="amendment"), in_turn),
    "lodge_cancellation": Operation(partial(changed, function="cancellation"), in_turn),
    "lodge_batch": Operation(batch, in_turn),
    "lodge_gathered": Operation(of_three_filers, gathered),
    "lodge_twice_at_once": Operation(twice, at_once),
    "lodge_sheet": Operation(sheet, in_turn),
    "lodge_trade_document": Operation(trade, in_turn),
    "lodge_dispatch": Operation(dispatch, in_turn),
    "lodge_arrival": Operation(arrival, in_turn),
}
