"""Webhooks: everything arrives, in order for each consignment, and nobody waits for another's fault."""

from __future__ import annotations

import asyncio
import gzip
import secrets
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from conftest import NOW
from make import consignment
from receiving import OK, Does, Receiver, answering, take
from tidewaiter.exchange.delivering import HELD_MAX, SCHEDULE_S, Delivery
from tidewaiter.exchange.feed import Event
from tidewaiter.exchange.sending import open_sender
from tidewaiter.exchange.signing import Signer
from tidewaiter.law import Law
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.services.subscribe import dead_letters, drive_again, subscribe, subscription
from tidewaiter.store import START, LeaseLost, Store, Webhook, open_store

pytestmark = pytest.mark.anyio

KEY = OKPKey.generate_key("Ed25519", private=True)
assert isinstance(KEY.private_key, Ed25519PrivateKey)
SIGNER = Signer(KEY.private_key, KEY.thumbprint())
HERE = {"127.0.0.1"}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **what: float) -> None:
        self.now += timedelta(**what)


class Yard:
    """A clock, a worker, and what filers do there, who are nobody else's."""

    def __init__(self, *, store: Store, law: Law, clock: Clock, worker: Delivery) -> None:
        self._prefix = secrets.token_hex(4)
        self.store, self.law, self.clock, self.worker = store, law, clock, worker
        self.stack = AsyncExitStack()
        self._folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self._receivers = 0

    def own(self, filer: str = "shop") -> str:
        """The filer's whole name."""
        return f"{filer}-{self._prefix}"

    async def receiver(self, filer: str = "shop", does: Does = take) -> Receiver:
        """A receiver that is told of this filer's events from now on."""
        self._receivers += 1
        made = await self.stack.enter_async_context(
            Receiver(KEY, self._folder / f"nonces-{self._receivers}.sqlite", self.clock)
        )
        made.does = does
        await subscribe(made.url, filer=self.own(filer), store=self.store, at=self.clock(), excepted=HERE)
        return made

    async def lodged(self, *references: str, filer: str = "shop") -> None:
        data = msgspec.json.encode([consignment(reference=one) for one in references])
        await lodge(
            Message(source="test", data=data, sender=self.own(filer)), store=self.store, law=self.law, at=self.clock()
        )

    async def decided(self, reference: str, control: str, filer: str = "shop") -> None:
        """An officer decides: an event of a consignment that is there already."""
        async with self.store._pool.acquire() as connection:
            await connection.execute(
                "insert into events (at, filer, message_id, consignment_id, kind, body)"
                " select $1, filer, message_id, id, 'decided', $2 from consignments"
                " where filer = $3 and reference = $4",
                self.clock(), msgspec.json.encode({"security": "pending", "control": control}), self.own(filer),
                reference,
            )  # fmt: skip

    async def impatient(self, *, timeout_s: float = 20) -> Delivery:
        """A worker that gives an event up after two tries more, and waits no longer than so for an answer."""
        sender = await self.stack.enter_async_context(open_sender(SIGNER, excepted=HERE, timeout_s=timeout_s))
        return Delivery(self.store, sender, now=self.clock, schedule_s=(10, 3_600))

    async def hook(self, filer: str = "shop") -> Webhook:
        [found] = await self.store.webhooks.of(self.own(filer))
        return found

    async def feed(self, filer: str = "shop") -> list[str]:
        return [
            one.position.cursor for one in await self.store.feed.read(filer=self.own(filer), after=START, size=100_000)
        ]


@pytest.fixture(scope="module")
def schema(new_schema: Callable[[], str]) -> str:
    return new_schema()


@pytest.fixture
async def yard(database_url: str, schema: str, law: Law) -> AsyncIterator[Yard]:
    clock = Clock()
    store = await open_store(database_url, schema=schema)
    async with open_sender(SIGNER, excepted=HERE, timeout_s=20) as sender:
        made = Yard(store=store, law=law, clock=clock, worker=Delivery(store, sender, now=clock))
        async with made.stack:
            yield made
            async with store._pool.acquire() as connection:
                await connection.execute("delete from webhooks")
    await store.close()


def by_lane(events: Sequence[Event]) -> dict[str, list[str]]:
    """The cursors of the events of each reference; of those about a message as a whole, by its number."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in events:
        found[one.reference or f"/{one.message}"].append(one.cursor)
    return found


def in_order(events: Sequence[Event]) -> bool:
    """Whether in each lane the first arrivals of events are in the order of the feed."""
    for cursors in by_lane(events).values():
        places = [tuple(map(int, cursor.split("-"))) for cursor in dict.fromkeys(cursors)]
        if places != sorted(places):
            return False
    return True


async def test_a_receiver_is_told_of_what_happens_from_now_on(yard: Yard) -> None:
    await yard.lodged("OLD-1")
    receiver = await yard.receiver()
    await yard.lodged("R-1", "R-2")
    await yard.lodged("R-1", filer="another")
    await yard.worker.settle()

    assert [one.reference for one in receiver.taken] == [None, "R-1", "R-2"]
    assert receiver.asked == 1
    assert [one.control for one in receiver.taken] == [None, "released", "released"]
    await yard.worker.settle()
    assert receiver.asked == 1


async def test_whoever_names_a_cursor_is_told_from_there_on(yard: Yard) -> None:
    await yard.lodged("R-1", "R-2")
    receiver = await yard.receiver()
    await yard.store.webhooks.remove((await yard.hook()).id, filer=yard.own())
    [_, first, *_] = await yard.store.feed.read(filer=yard.own(), after=START, size=9)
    await subscribe(receiver.url, filer=yard.own(), store=yard.store, at=NOW, after=first.position, excepted=HERE)
    await yard.worker.settle()

    assert [one.reference for one in receiver.taken] == ["R-2"]


async def a_day(yard: Yard, receiver: Receiver, *, hours: int) -> None:
    """A day of trade in steps: six messages of three consignments each, and decisions on those of before."""
    for hour in range(0, 24, hours):
        yard.clock.passes(hours=hours)
        if hour % 4 == 0:
            await yard.lodged(*(f"H{hour}-{n}" for n in range(3)))
            for n in range(3):
                await yard.decided(f"H{hour // 8 * 4}-{n}", "hold")
                await yard.decided(f"H{hour // 8 * 4}-{n}", "released")
        await yard.worker.settle()
    assert receiver.taken == []


async def test_a_receiver_that_was_down_for_a_day_gets_everything_in_order_once_up(yard: Yard) -> None:
    receiver = await yard.receiver()
    await receiver.shut()
    await a_day(yard, receiver, hours=1)
    hook = await yard.hook()
    await receiver.open()
    yard.clock.passes(minutes=5)
    await yard.worker.settle()
    everything = await yard.feed()

    assert len(everything) == 6 * (1 + 3 + 6)
    assert [one.cursor for one in receiver.taken] == everything, "all, in order, none twice"
    assert hook.held == hook.dead == 0, "while nobody is there, nothing piles up but the feed"
    assert hook.failures == 24
    assert (await yard.hook()).failure is None
    assert (await yard.hook()).sent.cursor == everything[-1]


async def test_a_receiver_that_was_ill_for_a_day_gets_everything_in_order_once_well(yard: Yard) -> None:
    receiver = await yard.receiver(does=answering(500))
    await a_day(yard, receiver, hours=4)
    hook = await yard.hook()
    receiver.does = take
    yard.clock.passes(minutes=15)
    await yard.worker.settle()
    everything = await yard.feed()

    assert 0 < hook.held < HELD_MAX
    assert hook.dead == 0
    assert sorted(one.cursor for one in receiver.taken) == sorted(everything), "all, none twice"
    assert in_order(receiver.taken)
    assert ((await yard.hook()).held, (await yard.hook()).failure) == (0, None)


def refusing(*references: str) -> Does:
    """It refuses whatever is about these consignments."""

    async def do(events: Sequence[Event], _: asyncio.StreamWriter) -> bytes | None:
        if any(one.reference in references for one in events):
            return b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"
        return OK

    return do


async def test_one_consignment_that_is_not_taken_holds_up_no_other(yard: Yard) -> None:
    receiver = await yard.receiver(does=refusing("R-17"))
    await yard.lodged(*(f"R-{n}" for n in range(60)))
    await yard.decided("R-17", "hold")
    await yard.decided("R-18", "hold")
    await yard.worker.settle()
    await yard.lodged("LATER-1")
    await yard.worker.settle()

    lanes = by_lane(receiver.taken)
    assert len(lanes["R-18"]) == 2
    assert "R-17" not in lanes
    assert "LATER-1" in lanes, "without any time having passed"
    assert (await yard.hook()).held == 2
    receiver.does = take
    yard.clock.passes(seconds=10)
    await yard.worker.settle()
    assert in_order(receiver.taken)
    assert len(by_lane(receiver.taken)["R-17"]) == 2
    assert (await yard.hook()).held == 0


def test_an_event_is_given_up_three_days_after_the_first_try() -> None:
    assert timedelta(days=3) <= timedelta(seconds=sum(SCHEDULE_S)) < timedelta(days=3, hours=1)


async def test_what_is_never_taken_becomes_a_dead_letter_and_is_sent_again_when_asked(yard: Yard) -> None:
    receiver = await yard.receiver(does=refusing("R-1"))
    await yard.lodged("R-1", "R-2")
    yard.worker = await yard.impatient()
    await yard.worker.settle()
    id = (await yard.hook()).id
    yard.clock.passes(seconds=10)
    await yard.worker.settle()
    early = await dead_letters(id, filer=yard.own(), store=yard.store, after=START, size=9)
    yard.clock.passes(hours=1)
    await yard.worker.settle()
    [letter] = await dead_letters(id, filer=yard.own(), store=yard.store, after=START, size=9) or []
    await yard.decided("R-1", "hold")
    receiver.does = take
    await yard.worker.settle()
    lanes = by_lane(receiver.taken)
    foreign = await dead_letters(id, filer=yard.own("another"), store=yard.store, after=START, size=9)
    not_theirs = await drive_again(id, filer=yard.own("another"), store=yard.store, at=yard.clock())
    again = await drive_again(id, filer=yard.own(), store=yard.store, at=yard.clock())
    await yard.worker.settle()

    assert early == []
    assert (letter.event.reference, letter.failure, letter.attempts) == ("R-1", "status 500", 3)
    assert len(lanes["R-1"]) == 1, "what came after the dead letter goes on without it"
    assert foreign is None
    assert not_theirs is None
    assert again == 1
    assert len(by_lane(receiver.taken)["R-1"]) == 2
    assert ((await yard.hook()).held, (await yard.hook()).dead) == (0, 0)


async def test_dead_letters_driven_again_go_in_order_and_wait_for_each_other(yard: Yard) -> None:
    receiver = await yard.receiver(does=refusing("R-1"))
    await yard.lodged("R-1")
    for control in ("hold", "released"):
        await yard.decided("R-1", control)
    yard.worker = await yard.impatient()
    for _ in range(7):
        yard.clock.passes(hours=1)
        await yard.worker.settle()
    hook = await yard.hook()
    assert hook.dead == 3
    await drive_again(hook.id, filer=yard.own(), store=yard.store, at=yard.clock())
    await yard.worker.settle()
    assert (await yard.hook()).held == 3
    receiver.does = take
    yard.clock.passes(seconds=10)
    await yard.worker.settle()

    assert [one.control for one in receiver.taken if one.reference == "R-1"] == ["released", "hold", "released"]
    assert in_order(receiver.taken)


async def hang(_: Sequence[Event], __: asyncio.StreamWriter) -> bytes | None:
    await asyncio.sleep(3)
    return None


async def go_away(_: Sequence[Event], __: asyncio.StreamWriter) -> bytes | None:
    return None


def saying(*pieces: bytes, again: bytes = b"", pause_s: float = 0.0) -> Does:
    """It says this, then the last piece again and again until it is cut off."""

    async def do(_: Sequence[Event], writer: asyncio.StreamWriter) -> bytes | None:
        for piece in pieces:
            writer.write(piece)
        while again:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause_s)
        await writer.drain()
        return None

    return do


BOMB = gzip.compress(b"\0" * 50_000_000)
WITHOUT_END = b"1000\r\n" + b"x" * 4096 + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
BAD: dict[str, Does] = {
    "500": answering(500),
    "404": answering(404),
    "410": answering(410),
    "304": answering(304),
    "hangs": hang,
    "goes away": go_away,
    "no HTTP": saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "endless headers": saying(b"HTTP/1.1 500 X\r\n", again=b"X-Y: " + b"z" * 10_000 + b"\r\n"),
    "endless error": saying(b"HTTP/1.1 500 X\r\n" + CHUNKED, again=WITHOUT_END),
    "drips": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", again=b"x", pause_s=0.05),
    "half an answer": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    "interim for ever": saying(again=b"HTTP/1.1 100 Continue\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_receiver_is_told_all_once_it_is_good_and_others_meanwhile(yard: Yard, name: str) -> None:
    bad = await yard.receiver("bad-shop", does=BAD[name])
    good = await yard.receiver("good-shop")
    await yard.lodged("R-1", filer="bad-shop")
    await yard.lodged("R-1", "R-2", filer="good-shop")
    patient, yard.worker = yard.worker, await yard.impatient(timeout_s=0.5)
    await yard.worker.settle()
    taken_before = list(bad.taken)
    bad.does = take
    yard.clock.passes(minutes=5)
    await patient.settle()

    assert taken_before == []
    assert {one.reference for one in good.taken} == {None, "R-1", "R-2"}
    assert {one.reference for one in bad.taken} == {None, "R-1"}


async def test_whoever_hangs_holds_up_nobody(yard: Yard) -> None:
    enough = asyncio.Event()

    async def hang_until(_: Sequence[Event], __: asyncio.StreamWriter) -> bytes | None:
        await enough.wait()
        return OK

    bad = await yard.receiver("bad-shop", does=hang_until)
    good = await yard.receiver("good-shop")
    await yard.lodged("R-1", filer="bad-shop")
    await yard.lodged("R-1", "R-2", filer="good-shop")
    settling = asyncio.create_task(yard.worker.settle())
    async with asyncio.timeout(15):
        while len(good.taken) < 3:
            await asyncio.sleep(0.01)
    is_hanging = not settling.done()
    enough.set()
    await settling

    assert is_hanging
    assert len(bad.taken) == 2


@pytest.mark.parametrize("name", ["200 and a bomb", "200 and no end"])
async def test_an_answer_is_read_no_further_than_needed(yard: Yard, name: str) -> None:
    answers = {
        "200 and a bomb": saying(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB
        ),
        "200 and no end": saying(b"HTTP/1.1 200 OK\r\n" + CHUNKED, again=WITHOUT_END),
    }
    await yard.receiver(does=answers[name])
    await yard.lodged("R-1")
    await yard.worker.settle()

    assert (await yard.hook()).failures == 0
    assert (await yard.hook()).sent == await yard.store.feed.newest()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(yard: Yard, status: int) -> None:
    trap = await yard.receiver("trap")
    receiver = await yard.receiver(
        does=answering(status, f"Location: {trap.url}", "Refresh: 0; url=http://169.254.169.254/")
    )
    await yard.lodged("R-1")
    await yard.worker.settle()

    assert receiver.asked
    assert trap.asked == 0
    assert (await yard.hook()).failure == f"status {status}"


async def test_a_receiver_that_asks_for_time_gets_it(yard: Yard) -> None:
    receiver = await yard.receiver(does=answering(429, "Retry-After: 1800"))
    await yard.lodged("R-1")
    await yard.worker.settle()
    for _ in range(29):
        yard.clock.passes(minutes=1)
        await yard.worker.settle()
    asked = receiver.asked
    receiver.does = take
    yard.clock.passes(minutes=1)
    await yard.worker.settle()

    assert asked == 1
    assert [one.reference for one in receiver.taken] == [None, "R-1"]


async def test_an_address_that_became_an_inner_one_is_not_sent_to(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host was public when it was named, and is looked at again when something is sent."""
    told = ["8.8.8.8"]

    async def lookup(_host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (told[0], port))]

    loop = asyncio.get_running_loop()
    genuine = loop.getaddrinfo

    async def getaddrinfo(host: str, port: int, **what: int) -> list[object]:
        return await (lookup(host, port) if host == "hooks.example" else genuine(host, port, **what))  # type: ignore[return-value]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    trap = await yard.receiver("trap")
    added = await subscribe(f"https://hooks.example:{trap.port}/", filer=yard.own(), store=yard.store, at=NOW)
    told[0] = "127.0.0.1"
    await yard.lodged("R-1")
    await yard.worker.settle()
    found = await subscription(added.id, filer=yard.own(), store=yard.store)

    assert found is not None
    assert found.failure == "the host has an address that is not public"
    assert trap.asked == 0


async def test_many_workers_never_send_out_of_order_nor_twice(yard: Yard) -> None:
    receivers = [await yard.receiver(f"shop-{n}") for n in range(3)]
    async with AsyncExitStack() as stack:
        sender = await stack.enter_async_context(open_sender(SIGNER, excepted=HERE))
        workers = [Delivery(yard.store, sender, now=yard.clock) for _ in range(4)]
        running = [asyncio.create_task(one.run()) for one in workers]
        for round in range(12):
            for n in range(3):
                filer = f"shop-{n}"
                await yard.lodged(f"R-{round}", filer=filer)
                await yard.decided(f"R-{round // 2}", "hold", filer=filer)
        wanted = [await yard.feed(f"shop-{n}") for n in range(3)]
        async with asyncio.timeout(15):
            while any(len(one.taken) < len(want) for one, want in zip(receivers, wanted, strict=True)):
                await asyncio.sleep(0.05)
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    for receiver, want in zip(receivers, wanted, strict=True):
        assert [one.cursor for one in receiver.taken] == want


async def test_whoever_lost_the_lease_writes_nothing_more(yard: Yard) -> None:
    await yard.receiver()
    await yard.lodged("R-1")
    hooks = yard.store.webhooks
    hooks.lease = timedelta(seconds=0.2)
    [late] = await hooks.claim(at=NOW, size=9)
    assert await hooks.claim(at=NOW, size=9) == [], "nobody else while the lease lasts"
    await asyncio.sleep(0.3)
    [now] = await hooks.claim(at=NOW, size=9)
    newest = await yard.store.feed.newest()

    with pytest.raises(LeaseLost):
        await hooks.passed(late, newest, behind=(), at=NOW)
    await hooks.release(late)
    await hooks.passed(now, newest, behind=(), at=NOW)
    assert now.fence == late.fence + 1


async def test_what_is_no_longer_subscribed_is_not_sent(yard: Yard) -> None:
    receiver = await yard.receiver()
    await yard.lodged("R-1")
    await yard.store.webhooks.remove((await yard.hook()).id, filer=yard.own())
    await yard.worker.settle()

    assert receiver.asked == 0


async def test_a_lease_shorter_than_a_request_is_refused(yard: Yard) -> None:
    yard.store.webhooks.lease = timedelta(seconds=5)
    async with open_sender(SIGNER) as sender:
        with pytest.raises(ValueError, match="lease"):
            Delivery(yard.store, sender, now=yard.clock)
