"""Many lodged together are as if lodged one after the other; what waits is bounded, and shared out fairly."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from make import consignment, item, tracking_id
from tidewaiter import api
from tidewaiter.law import Law
from tidewaiter.model.consignment import Consignment
from tidewaiter.services.clear import Message, clear_readings, read_messages
from tidewaiter.services.gathering import Flooding, Full, Gatherer, Room
from tidewaiter.services.lodge import Desk, KeyTaken, Lodged, Lodging, lodge_all, settle
from tidewaiter.services.preparing import Prepared
from tidewaiter.services.show import show_to_filer
from tidewaiter.settings import Settings
from tidewaiter.store import Asked, Known, Lodgement, Store, StoreUnavailable, open_store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


@pytest.fixture
def desk(store: Store, law: Law) -> Desk:
    return Desk(store=store, law=law)


def lodging(filer: str, *records: Consignment, key: str | None = None, data: bytes | None = None) -> Lodging:
    data = msgspec.json.encode(list(records)) if data is None else data
    return Lodging(Message(source="test", data=data, sender=filer, received_at=AT), key)


# As if one after the other.

What = dict[str, Any]
GOOD: What = {}
OTHER, BAD = {"items": (item(origin_country="VN"),)}, {"items": (item(description=None),)}
Drawn = tuple[int, list[tuple[int, What, int | None]], str | None]
MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 1),  # whose
        st.lists(
            st.tuples(
                st.integers(0, 2),  # under which reference
                st.sampled_from([GOOD, OTHER, BAD]),
                st.sampled_from([None, 0, 1]),  # with which parcel
            ),
            min_size=1,
            max_size=2,
        ),
        st.sampled_from([None, None, "k1", "k2"]),
    ),
    min_size=2,
    max_size=6,
)


NUMBERS = itertools.count()


def drawn_lodgings(drawn: Sequence[Drawn]) -> list[Lodging]:
    """The same messages for filers and parcels of their own: what is drawn twice shares nothing in the store."""
    number, mark = next(NUMBERS), secrets.token_hex(4)
    made = []
    for whose, records, key in drawn:
        made.append(
            lodging(
                f"{mark}-{whose}",
                *(
                    consignment(
                        reference=f"R{reference}",
                        tracking_id=None if parcel is None else tracking_id(number * 10 + parcel),
                        **what,
                    )
                    for reference, what, parcel in records
                ),
                key=key,
            )
        )
    return made


def told(results: Sequence[Lodged | Exception]) -> list[Any]:
    """What each was told, without what differs from one run to another: our numbers and the names of the filers."""
    said: list[Any] = []
    for one in results:
        if isinstance(one, Exception):
            said.append(type(one).__name__)
        else:
            answers = msgspec.json.decode(one.answer)
            kinds = [(answer["reference"], answer["kind"], answer.get("taxes")) for answer in answers]
            results_told = [
                (r.reference, r.decision, r.charges, [(f.code, f.pointer, f.source_pointer) for f in r.findings])
                for r in one.results
            ]
            said.append((one.is_repeat, kinds, results_told, [f.code for f in one.findings]))
    return said


@pytest.fixture(scope="module")
def numbers_of_our_own(new_schema: Callable[[], str]) -> str:
    """A schema in which no other test has used a parcel's number."""
    return new_schema()


@settings(max_examples=15)
@given(drawn=MESSAGES)
def test_gathered_is_as_one_by_one_in_the_same_order(
    drawn: list[Drawn], database_url: str, numbers_of_our_own: str, law: Law
) -> None:
    async def both() -> tuple[list[Any], list[Any]]:
        store = await open_store(database_url, schema=numbers_of_our_own, connections_max=3)
        desk = Desk(store=store, law=law)
        gathered = await lodge_all(drawn_lodgings(drawn), desk)
        single = [done for one in drawn_lodgings(drawn) for done in await lodge_all([one], desk)]
        await store.close()
        return told(gathered), told(single)

    gathered, single = asyncio.run(both())

    assert gathered == single


async def test_whatever_order_two_of_one_reference_come_in_the_first_stands(desk: Desk) -> None:
    contents = [{}, {"items": (item(origin_country="VN"),)}, {"items": (item(price="25.00 GBP"),)}]
    for order in itertools.permutations(range(3)):
        filer = f"filer-{secrets.token_hex(4)}"
        results = await lodge_all([lodging(filer, consignment(**contents[place])) for place in order], desk)

        controls = [one.results[0].decision.control for one in results if isinstance(one, Lodged)]
        assert controls == ["released", "not_accepted", "not_accepted"]
        shown = await show_to_filer("ORDER-0001", filer=filer, store=desk.store)
        assert shown is not None
        first = results[0]
        assert isinstance(first, Lodged)
        assert shown.stored.message_id == first.message_id


async def test_the_same_bytes_under_two_keys_gathered_are_one_lodgement_with_both_keys(desk: Desk, filer: str) -> None:
    one = consignment()
    results = await lodge_all([lodging(filer, one, key=key) for key in ("a", "b", "a", None)], desk)
    again = await lodge_all([lodging(filer, consignment(reference="X"), key=key) for key in ("a", "b")], desk)

    assert [one.is_repeat for one in results if isinstance(one, Lodged)] == [False, True, True, True]
    assert [type(one) for one in again] == [KeyTaken, KeyTaken]


async def test_one_filers_key_and_reference_are_not_anothers(desk: Desk) -> None:
    results = await lodge_all(
        [
            lodging(f"f{n}-{secrets.token_hex(3)}", consignment(reference="SAME", tracking_id=None), key="k")
            for n in range(6)
        ],
        desk,
    )

    assert all(isinstance(one, Lodged) and one.results[0].decision.control == "released" for one in results)
    assert len({one.message_id for one in results if isinstance(one, Lodged)}) == 6


async def test_what_does_not_depend_on_each_other_goes_in_one_commit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = Store.write

    async def counted(self: Store, written: Sequence[Lodgement]) -> list[int]:
        sizes.append(len(written))
        return await write(self, written)

    monkeypatch.setattr(Store, "write", counted)
    filer = f"filer-{secrets.token_hex(4)}"
    await lodge_all([lodging(filer, consignment(reference=f"R{n}", tracking_id=None)) for n in range(50)], desk)

    assert sizes == [50]


async def test_a_message_that_fails_does_not_sink_the_others(
    desk: Desk, filer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(messages: Sequence[Message], *args: Any, **named: Any) -> Any:
        if any(b"POISON" in message.data for message in messages):
            raise ZeroDivisionError("a mistake of ours")
        return clear_readings(messages, *args, **named)

    monkeypatch.setattr("tidewaiter.services.judging.clear_readings", failing)
    names = ["A", "POISON", "B", "C"]
    results = await lodge_all([lodging(filer, consignment(reference=name, tracking_id=None)) for name in names], desk)

    assert [type(one) for one in results] == [Lodged, ZeroDivisionError, Lodged, Lodged]


async def test_a_message_that_cannot_even_be_read_does_not_sink_the_others(
    desk: Desk, filer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(messages: Sequence[Message], **named: Any) -> Any:
        if any(b"POISON" in message.data for message in messages):
            raise RecursionError
        return read_messages(messages, **named)

    monkeypatch.setattr("tidewaiter.services.preparing.read_messages", failing)
    results = await lodge_all(
        [lodging(filer, consignment(reference=name, tracking_id=None)) for name in ("A", "POISON", "B")], desk
    )

    assert [type(one) for one in results] == [Lodged, RecursionError, Lodged]


async def test_when_the_store_is_away_it_is_not_asked_for_each_message(desk: Desk, filer: str) -> None:
    asked = 0

    class Away(Store):
        async def look_up(self, _: Asked) -> Known:
            nonlocal asked
            asked += 1
            raise StoreUnavailable

    away = replace(desk, store=Away(desk.store._pool))
    results = await lodge_all(
        [lodging(filer, consignment(reference=f"R{n}", tracking_id=None)) for n in range(9)], away
    )

    assert {type(one) for one in results} == {StoreUnavailable}
    assert asked == 3


# What arrives at about the same time.


@pytest.mark.parametrize("at_once", [1, 2])
async def test_many_at_once_through_the_gatherer_are_each_answered_for_itself(
    desk: Desk, filer: str, at_once: int
) -> None:
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30), at_once=at_once)
    records = [consignment(reference=f"R{n % 40}", tracking_id=None) for n in range(120)]
    done = await asyncio.gather(*(gatherer.lodge(lodging(filer, one)) for one in records))
    later = await gatherer.lodge(lodging(filer, consignment(reference="LATER", tracking_id=None)))

    for record, one in zip(records, done, strict=True):
        assert [result.reference for result in one.results] == [record.reference]
    assert sorted(one.is_repeat for one in done) == [False] * 40 + [True] * 80
    assert len({one.message_id for one in done}) == 40
    assert not later.is_repeat


async def test_who_goes_away_while_it_waits_is_lodged_all_the_same(desk: Desk, filer: str) -> None:
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30))
    gone = asyncio.create_task(gatherer.lodge(lodging(filer, consignment())))
    await asyncio.sleep(0)
    gone.cancel()
    again = await gatherer.lodge(lodging(filer, consignment()))

    assert gone.cancelled()
    assert again.is_repeat


async def test_a_quiet_filer_does_not_wait_behind_one_that_floods(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidewaiter.services.gathering.MESSAGES_MAX", 4)
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30))
    loud, quiet = (f"{name}-{secrets.token_hex(4)}" for name in ("loud", "quiet"))
    order: list[str] = []

    async def send(filer: str, n: int) -> None:
        await gatherer.lodge(lodging(filer, consignment(reference=f"R{n}", tracking_id=None)))
        order.append(filer)

    flood = [asyncio.create_task(send(loud, n)) for n in range(60)]
    await asyncio.sleep(0)
    await send(quiet, 0)
    position = order.index(quiet)
    await asyncio.gather(*flood)

    assert position < 16


async def test_while_others_are_about_one_that_floods_puts_only_its_share_into_a_batch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[Counter[str]] = []

    async def counted(prepared: Sequence[Prepared], *args: Any) -> list[Lodged | Exception]:
        batches.append(Counter(one.message.sender for one in prepared))
        return await settle(prepared, *args)

    monkeypatch.setattr("tidewaiter.services.gathering.settle", counted)
    monkeypatch.setattr("tidewaiter.services.gathering.OWN_MAX", 4)
    monkeypatch.setattr("tidewaiter.services.gathering.ALONE_AFTER_S", 600)  # however slow the machine
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30))
    loud, quiet = (f"{name}-{secrets.token_hex(4)}" for name in ("loud", "quiet"))

    def sent(filer: str, count: int) -> list[Awaitable[Lodged]]:
        records = [consignment(reference=f"{secrets.token_hex(4)}", tracking_id=None) for _ in range(count)]
        return [gatherer.lodge(lodging(filer, record)) for record in records]

    await asyncio.gather(*sent(loud, 20))
    alone = batches.copy()
    batches.clear()
    await asyncio.gather(*sent(loud, 20), *sent(quiet, 2))

    assert alone == [Counter({loud: 20})]
    assert batches[0] == Counter({loud: 4, quiet: 2})
    assert [batch[loud] for batch in batches] == [4] * 5


async def test_a_filers_messages_are_taken_in_their_order_whatever_their_share(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidewaiter.services.gathering.OWN_MAX", 3)
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30))
    filers = [f"filer-{secrets.token_hex(4)}" for _ in range(2)]
    contents = [consignment(items=(item(price=f"{20 + n}.00 GBP"),), tracking_id=None) for n in range(8)]
    done = await asyncio.gather(*(gatherer.lodge(lodging(filer, one)) for one in contents for filer in filers))

    controls = [one.results[0].decision.control for one in done]
    assert controls == ["released"] * 2 + ["not_accepted"] * 14


@pytest.mark.parametrize("at_once", [1, 2])
async def test_what_waits_for_another_in_writing_is_not_forgotten(desk: Desk, filer: str, at_once: int) -> None:
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30), at_once=at_once)
    contents = [consignment(items=(item(price=f"{20 + n}.00 GBP"),)) for n in range(8)]
    done = await asyncio.wait_for(asyncio.gather(*(gatherer.lodge(lodging(filer, one)) for one in contents)), 60)

    controls = [one.results[0].decision.control for one in done]
    assert controls == ["released"] + ["not_accepted"] * 7


async def test_where_one_batch_goes_at_a_time_who_was_answered_is_in_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    is_begun = asyncio.Event()

    async def counted(prepared: Sequence[Prepared], *args: Any) -> list[Lodged | Exception]:
        sizes.append(len(prepared))
        is_begun.set()
        return await settle(prepared, *args)

    monkeypatch.setattr("tidewaiter.services.gathering.settle", counted)
    monkeypatch.setattr("tidewaiter.services.gathering.COMING_SHARE", 1e6)  # however slow the machine
    monkeypatch.setattr("tidewaiter.services.gathering.STILL_S", 0.1)
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30), at_once=1)

    async def send_one_after_another(count: int) -> None:
        filer = f"filer-{secrets.token_hex(4)}"
        for n in range(count):
            await gatherer.lodge(lodging(filer, consignment(reference=f"R{n}", tracking_id=None)))

    early = [asyncio.create_task(send_one_after_another(3)) for _ in range(3)]
    await is_begun.wait()
    await asyncio.gather(*early, *(send_one_after_another(2) for _ in range(4)))

    assert sizes == [3, 7, 7]


async def test_who_is_alone_is_not_kept_waiting_for_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidewaiter.services.gathering.COMING_SHARE", 1e6)
    monkeypatch.setattr("tidewaiter.services.gathering.STILL_S", 3600)
    gatherer = Gatherer(desk, Room(messages_max=1000, bytes_max=1 << 30), at_once=1)
    filer = f"filer-{secrets.token_hex(4)}"

    async with asyncio.timeout(300):
        done = [
            await gatherer.lodge(lodging(filer, consignment(reference=f"R{n}", tracking_id=None))) for n in range(3)
        ]

    assert [one.is_repeat for one in done] == [False] * 3


# Room.


@given(st.lists(st.integers(0, 3), max_size=200), st.integers(32, 200))
def test_four_that_flood_leave_room_for_a_fifth(arrivals: list[int], messages_max: int) -> None:
    room = Room(messages_max=messages_max, bytes_max=10**9)
    held = []
    for whose in arrivals:
        taken = room.taken(f"filer-{whose}")
        try:
            taken.__enter__()
            held.append(taken)
        except Flooding:
            mine, left = room.held[f"filer-{whose}"][0], messages_max - room.messages
            assert mine >= left
        assert room.messages < messages_max
    with room.taken("somebody-new"):
        assert room.messages <= messages_max
    for taken in held:
        taken.__exit__(None, None, None)

    assert (room.messages, room.bytes, room.held) == (0, 0, {})


def test_bytes_are_shared_out_like_messages() -> None:
    room = Room(messages_max=100, bytes_max=1000)
    with room.taken("loud") as first, room.taken("loud") as second, room.taken("quiet") as other:
        first.grow(500)
        with pytest.raises(Flooding):
            second.grow(300)
        other.grow(400)
        with pytest.raises(Full):
            other.grow(101)
        assert not room.is_ready

    assert (room.bytes, room.held) == (0, {})


# Through the door.


@pytest.fixture
async def crowded(house: House) -> House:
    return replace(house, settings=msgspec.structs.replace(house.settings, waiting_messages_max=4))


def client(house: House, filer: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house), raise_app_exceptions=False),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    )


async def test_one_that_floods_is_told_to_slow_down_and_another_is_served(crowded: House, filer: str) -> None:
    bodies = [msgspec.json.encode(consignment(reference=f"R{n}", tracking_id=None)) for n in range(12)]
    async with client(crowded, filer) as loud, client(crowded, f"{filer}-2") as quiet:
        flood = asyncio.gather(*(loud.post("/v1/consignments", content=body) for body in bodies))
        await asyncio.sleep(0)
        other = await quiet.post("/v1/consignments", content=bodies[0])
        answers = await flood
        again = [await loud.post("/v1/consignments", content=body) for body in bodies]

    codes = {answer.status_code for answer in answers}
    assert codes == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "share_used"
    assert refused.headers["Retry-After"] == "1"
    assert other.status_code == 200
    assert {answer.status_code for answer in again} == {200}
    assert crowded.intake.room.messages == 0


async def test_without_room_everybody_is_told_to_come_later_and_the_house_says_so(house: House, filer: str) -> None:
    full = replace(house, settings=Settings(waiting_messages_max=1))
    async with client(full, filer) as http:
        with full.intake.room.taken("somebody"):
            refused = await http.post("/v1/consignments", content=b"{}")
            ready = await http.get("/health/ready")
        after = await http.get("/health/ready")

    assert (refused.status_code, refused.json()["code"]) == (503, "intake_full")
    assert (ready.status_code, ready.json()["code"]) == (503, "intake_full")
    assert after.status_code == 200


async def test_lines_are_answered_by_lines_good_ones_in_and_bad_ones_back(house: House, filer: str) -> None:
    good = [msgspec.json.encode(consignment(reference=f"R{n}", tracking_id=None)) for n in range(3)]
    lines = [good[0], b"", b'{"reference": "torn', good[1], b'["no consignment"]', good[2], good[0]]
    async with client(house, filer) as http:
        answer = await http.post(
            "/v1/consignments", content=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
        )
        assert answer.status_code == 200, answer.text
        rows = [msgspec.json.decode(line) for line in answer.content.splitlines()]
        repaired = await http.post("/v1/consignments", content=good[1], headers={"Accept": "application/x-ndjson"})

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [row["row"] for row in rows] == [1, 3, 4, 5, 6, 7]
    assert [row.get("control", "error") for row in rows] == [
        "released", "error", "released", "error", "released", "not_accepted",
    ]  # fmt: skip
    assert [row["reference"] for row in rows if "control" in row] == ["R0", "R1", "R2", "R0"]
    assert rows[0]["mrn"].startswith("26GB")
    assert rows[0]["answers"][0]["kind"] == "accepted"
    assert rows[1]["errors"][0]["source_pointer"].startswith("line 3")
    assert all(error["remedy"] for row in rows for error in row.get("errors", ()))
    [row] = [msgspec.json.decode(line) for line in repaired.content.splitlines()]
    assert (row["row"], row["mrn"]) == (1, rows[2]["mrn"])


async def test_the_json_door_takes_no_other_format(house: House, filer: str) -> None:
    async with client(house, filer) as http:
        answer = await http.post("/v1/consignments", content=b"reference,hs_code\nR1,610910\n")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "JSN-01"
