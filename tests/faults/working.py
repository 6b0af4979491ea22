"""What the house does by itself: webhooks delivered, a folder watched, the audit log as files, prices told, a schema
made.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from faults import claims
from faults.claims import Claim
from faults.lodgings import charged, encoded, lodged
from faults.operations import AT, Job, Operation, Sent, Tell, World, put
from faults.patience import until
from tidewaiter.exchange import sending
from tidewaiter.exchange.delivering import Delivery
from tidewaiter.exchange.feed import Hint
from tidewaiter.services import audit, prices, watch
from tidewaiter.services.lodge import lodge
from tidewaiter.store import START
from tidewaiter.store.migrating import migrate, migrations

LEASE, PAUSE_S = timedelta(seconds=1), 0.1
TRIES_S = (0,) * 5
UNDELIVERED = (
    "select count(*) = 0 from webhooks w where w.filer = $1 and (exists (select from webhook_held h where"
    " h.webhook_id = w.id) or exists (select from events e where e.filer = w.filer and (e.xid, e.id) >"
    " (w.sent_xid, w.sent_id)))"
)
PASSED = (
    "select e.xid::text || '-' || e.id from events e join webhooks w on w.filer = e.filer where w.filer = $1 and"
    " (e.xid, e.id) <= (w.sent_xid, w.sent_id) and not exists (select from webhook_held h where h.webhook_id = w.id"
    " and h.event_id = e.id)"
)


class Receiver(sending.Sender):
    """Takes what is sent to it into a file of the filer named by the address. The first decision it refuses once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.timeout_s = 0.5

    async def send(self, url: str, body: bytes, *, at: datetime) -> sending.Sent:  # noqa: ARG002
        filer = url.rpartition("/")[2]
        events = msgspec.json.decode(body, type=Hint).events
        marker = self.folder / f"{filer}.refused"
        if not marker.exists() and any(event.kind == "decided" for event in events):
            if len(events) == 1:  # of more than one it cannot be told which it does not take
                marker.touch()
            return sending.Sent("status 500")
        with (self.folder / f"{filer}.received").open("ab") as file:
            for event in events:
                file.write(f"{event.reference or event.message} {event.cursor}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        return sending.Sent()


class Refuser(sending.Sender):
    """Takes nothing."""

    def __init__(self) -> None:
        self.timeout_s = 0.5

    async def send(self, url: str, body: bytes, *, at: datetime) -> sending.Sent:  # noqa: ARG002
        return sending.Sent("status 500")


async def listening(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    [id] = await world.store.ids_of(filer, filer=filer)
    await put(world, id, "hold")  # so that two events stand in one lane
    url = f"http://127.0.0.1:9/{filer}"
    await world.store.webhooks.add(filer=filer, url=url, at=AT, after=START, number_max=1)
    return Job(filer, after=[Claim("I7 every event was delivered", UNDELIVERED, (filer,))])


async def delivered(world: World, job: Job, tell: Tell) -> None:
    world.store.webhooks.lease = LEASE
    delivery = Delivery(world.store, Receiver(world.folder), now=lambda: AT, schedule_s=TRIES_S)

    async def is_done() -> bool:
        await delivery.settle()
        await asyncio.sleep(PAUSE_S)  # a lease may have to run out
        async with world.store._connection() as connection:
            return bool(await connection.fetchval(UNDELIVERED, job.filer))

    assert await until(is_done), "something was never delivered"
    tell(job.after[0])


async def received(world: World, job: Job) -> list[str]:
    """What is wrong with what the receiver has: it lacks nothing that counts as delivered, and all is in order."""
    path = world.folder / f"{job.filer}.received"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    lanes: dict[str, list[tuple[int, ...]]] = {}
    for lane, cursor in lines:
        place = tuple(map(int, cursor.split("-")))
        if place not in lanes.setdefault(lane, []):
            lanes[lane].append(place)
    async with world.store._connection() as connection:
        passed = {row[0] for row in await connection.fetch(PASSED, job.filer)}
    missing = passed - {cursor for _, cursor in lines}
    return [
        *(f"I7 {cursor} counts as delivered and was never received" for cursor in sorted(missing)),
        *(f"I7 the events of {lane} are out of order" for lane, places in lanes.items() if places != sorted(places)),
    ]


async def dead(world: World, filer: str) -> Job:
    """An address that took nothing until it was given up."""
    job = await listening(world, filer)
    delivery = Delivery(world.store, Refuser(), now=lambda: AT, schedule_s=(0,))
    [hook] = await world.store.webhooks.of(filer)
    job.number = hook.id

    async def is_given_up() -> bool:
        await delivery.settle()
        return bool(await world.store.webhooks.dead_letters(hook.id, after=START, size=9))

    assert await until(is_given_up), "nothing was given up"
    await lodged(world, Sent(filer, encoded(charged(f"{filer}-2"))))  # and more happened since
    return job


async def driven_again(world: World, job: Job, tell: Tell) -> None:
    await world.store.webhooks.drive_again(job.number, at=AT)
    alive = "webhook_held where webhook_id = $1 and dead_at is not null"
    tell(claims.counted("dead letters", alive, 0, job.number))
    await delivered(world, job, tell)


async def unsubscribed(world: World, job: Job, tell: Tell) -> None:
    await world.store.webhooks.remove(job.number, filer=job.filer)
    job_of = "webhooks w left join webhook_held h on h.webhook_id = w.id where w.filer = $1"
    tell(claims.counted("addresses and what is held for them", job_of, 0, job.filer))


def _folders(world: World, filer: str) -> watch.Folders:
    return watch.Folders(world.folder / filer / "in", world.folder / filer / "out")


async def dropped(world: World, filer: str) -> Job:
    data = encoded(charged(filer))
    (_folders(world, filer).source / "one.json").write_bytes(data)
    return Job(filer, [Sent(filer, data)], after=[claims.messages(filer, 1), claims.consignments(filer, 1)])


async def watched(world: World, job: Job, tell: Tell) -> None:
    folders = _folders(world, job.filer)
    with folders.held():
        done = await watch.sweep(
            folders, folders.looks(), filer=job.filer, at=AT,
            lodge=lambda message: lodge(
                msgspec.structs.replace(message, received_at=AT), store=world.store, law=world.law, at=AT
            ),
        )  # fmt: skip
    assert not done.waiting, done.waiting
    assert (folders.source / watch.DONE / "one.json").exists()
    for claim in job.after:
        tell(claim)


async def moved_when_answered(world: World, job: Job) -> list[str]:
    """What is wrong with the folders: the file is in one place, whole, and not put away before its answer is there."""
    folders = _folders(world, job.filer)
    places = [folders.source / "one.json", folders.source / watch.DONE / "one.json"]
    found = [place for place in places if place.exists()]
    wrong = [] if len(found) == 1 else [f"I9 the file is in {len(found)} places"]
    if any(place.read_bytes() != job.sent[0].data for place in found):
        wrong.append("I9 the file is another")
    async with world.store._connection() as connection:
        answers = [row[0] for row in await connection.fetch("select answer from messages where filer = $1", job.filer)]
    written = [path.read_bytes() for path in folders.answers.glob("[!.]*")]
    if any(one not in answers for one in written) or (found == places[1:] and not written):
        wrong.append("I1 the answer in the folder is not the one that was given")
    return wrong


async def log_grown(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(f"{filer}-1"))))
    await audit.publish(store=world.store, key=world.key, folder=world.folder / filer, at=AT)
    await lodged(world, Sent(filer, encoded(charged(f"{filer}-2"))))
    return Job(filer)


async def published(world: World, job: Job, tell: Tell) -> None:
    done = await audit.publish(store=world.store, key=world.key, folder=world.folder / job.filer, at=AT)
    size = done.checkpoint.size
    tell(claims.counted("checkpoints of what was published", "audit_checkpoints where size = $1", 1, size))


async def files_hold(world: World, job: Job) -> list[str]:
    """What is wrong with the log in the files: nothing, at whatever moment one looks."""
    checked = audit.verify(world.folder / job.filer, [world.key])
    return [f"I6 files of the log: {fault}" for fault in checked.faults]


async def nowhere(world: World, filer: str) -> Job:
    async with world.store._connection() as connection:
        own = await connection.fetchval("select current_schema()")
    schema = f"{own}_{filer.replace('-', '_')}"
    names = [one.name for one in migrations()]
    what = f'select array_agg(name order by name) = $1 from "{schema}".migrations'
    return Job(filer, schema=schema, after=[Claim("every migration was applied, once", what, (names,))])


async def migrated(world: World, job: Job, tell: Tell) -> None:
    async with world.store._connection() as connection:
        await connection.execute(f'set search_path to "{job.schema}"')
        await migrate(connection, job.schema)
    tell(job.after[0])


async def sold(world: World, filer: str) -> Job:
    await lodged(world, Sent(filer, encoded(charged(filer))))
    return Job(filer)


async def priced(world: World, job: Job, tell: Tell) -> None:  # noqa: ARG001
    assert await prices.make_prices(store=world.store, at=AT, every=timedelta()) is not None
    tell(claims.counted("tables of prices", "price_tables", 1))


async def one_table(world: World, job: Job) -> list[str]:  # noqa: ARG001
    """What is wrong with the table of prices: there is never half of one, nor two."""
    async with world.store._connection() as connection:
        states = [row[0] for row in await connection.fetch("select state from price_tables")]
    for state in states:
        prices.read(state)
    return [] if len(states) <= 1 else [f"{len(states)} tables of prices are kept"]


WORKS = {
    "deliver_webhooks": Operation(listening, delivered, received),
    "drive_again": Operation(dead, driven_again, received),
    "unsubscribe": Operation(dead, unsubscribed),
    "watch_folder": Operation(dropped, watched, moved_when_answered),
    "publish_audit_log": Operation(log_grown, published, files_hold),
    "make_prices": Operation(sold, priced, one_table),
    "migrate": Operation(nowhere, migrated),
}
