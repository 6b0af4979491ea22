from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from make import consignment, item, party, tracking_id
from tidewaiter import formats
from tidewaiter.formats.json import splitting as json_splitting
from tidewaiter.formats.reading import Piece
from tidewaiter.formats.unpacking import Stream
from tidewaiter.law import Law
from tidewaiter.model.consignment import Change, Consignment, Document
from tidewaiter.model.identifiers import is_mrn
from tidewaiter.services.clear import Message
from tidewaiter.services.comparing import first_difference
from tidewaiter.services.lodge import KeyTaken, Lodged, lodge
from tidewaiter.services.numbering import movement_reference
from tidewaiter.services.show import show_to_filer, show_to_officer
from tidewaiter.store import Store, StoreUnavailable, open_store

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)

Lodging = Callable[..., Awaitable[Lodged]]

TABLES = (
    "messages", "idempotency", "consignments", "repeats", "vault", "results", "signals", "decisions", "postings",
    "events",
)  # fmt: skip


def encoded(*records: Consignment) -> bytes:
    return msgspec.json.encode(list(records))


@pytest.fixture
def lodging(store: Store, law: Law, filer: str) -> Lodging:
    async def do(data: bytes, *, filer: str = filer, key: str | None = None, at: datetime = AT) -> Lodged:
        return await lodge(Message(source="test", data=data, sender=filer), store=store, law=law, at=at, key=key)

    return do


async def counted(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    async with store._pool.acquire() as connection:
        return {table: await connection.fetchval(f"select count(*) from {table}") for table in TABLES}


async def test_a_long_file_lodged_in_pieces_keeps_its_places_and_twice_is_once(
    store: Store, law: Law, filer: str
) -> None:
    stream = Stream(
        io.BytesIO(encoded(*(consignment(reference=f"R-{n}", items=(item(hs_code="12"),)) for n in range(9))))
    )
    parts = list(json_splitting.split(stream, piece_bytes=2000) or ())

    async def do(part: Piece) -> Lodged:
        message = Message(source="test", data=part.data, piece=part, sender=filer)
        return await lodge(message, store=store, law=law, at=AT)

    first = [await do(part) for part in parts]
    before = await counted(store)
    second = [await do(part) for part in parts]

    assert len(parts) > 2
    assert all(one.is_repeat for one in second)
    assert await counted(store) == before
    pointers = [
        finding.source_pointer for one in first for result in one.results for finding in result.findings
        if finding.pointer == "/items/0/hs_code"
    ]  # fmt: skip
    assert pointers == [f"/{n}/items/0/hs_code" for n in range(9)]


async def test_lodging_twice_is_lodging_once(lodging: Lodging, store: Store) -> None:
    first = await lodging(encoded(consignment()))
    before = await counted(store)
    second = await lodging(encoded(consignment()), at=datetime(2026, 12, 24, tzinfo=UTC))

    assert await counted(store) == before
    assert second.is_repeat
    assert not first.is_repeat
    assert msgspec.structs.replace(second, is_repeat=False) == first


async def test_the_same_bytes_lodged_at_once_by_many_are_one_lodgement(lodging: Lodging, store: Store) -> None:
    before = await counted(store)
    data = encoded(consignment(), consignment(reference="ORDER-0002"))

    done = await asyncio.gather(*(lodging(data, key="k") for _ in range(12)))

    after = await counted(store)
    assert {one.answer for one in done} == {done[0].answer}
    assert {one.results for one in done} == {done[0].results}
    assert [one.is_repeat for one in done].count(False) == 1
    assert after["messages"] - before["messages"] == 1
    assert after["consignments"] - before["consignments"] == 2


async def test_the_same_reference_lodged_at_once_in_different_messages_takes_effect_once(
    lodging: Lodging,
) -> None:
    messages = [encoded(consignment(items=(item(price=f"{20 + n}.00 GBP"),))) for n in range(8)]

    done = await asyncio.gather(*(lodging(data) for data in messages))

    controls = [one.results[0].decision.control for one in done]
    assert controls.count("not_accepted") == 7
    conflicts = [f for one in done for f in one.results[0].findings if f.code == "LDG-01"]
    assert {finding.pointer for finding in conflicts} == {"/invoice_total/amount"}


async def test_two_filers_may_use_the_same_reference(lodging: Lodging) -> None:
    one = await lodging(encoded(consignment()), filer="shop-one-of-two")
    two = await lodging(encoded(consignment()), filer="shop-two-of-two")

    assert not one.is_repeat
    assert not two.is_repeat
    assert one.results[0].decision.control == two.results[0].decision.control == "released"


async def test_the_same_reference_with_other_content_is_a_conflict_that_names_the_first_difference(
    lodging: Lodging,
) -> None:
    await lodging(encoded(consignment()))

    again = await lodging(encoded(consignment(items=(item(origin_country="VN"),))))

    [result] = again.results
    [finding] = [f for f in result.findings if f.code == "LDG-01"]
    assert finding.pointer == "/items/0/origin_country"
    assert finding.source_pointer == "/0/items/0/origin_country"
    assert "VN" not in finding.text
    assert result.decision.control == "not_accepted"


async def test_the_same_content_in_other_bytes_has_no_second_effect(lodging: Lodging, store: Store) -> None:
    first = await lodging(encoded(consignment()))
    before = await counted(store)

    again = await lodging(encoded(consignment(), consignment(reference="ORDER-0002")))

    after = await counted(store)
    assert again.results[0] == first.results[0]
    assert after["consignments"] - before["consignments"] == 1
    assert after["repeats"] - before["repeats"] == 1
    assert [one.reference for one in again.results] == ["ORDER-0001", "ORDER-0002"]
    told = [answer["reference"] for answer in msgspec.json.decode(again.answer)]
    assert told == sorted(told)
    assert set(told) == {"ORDER-0001", "ORDER-0002"}


async def test_the_same_content_with_a_warning_is_a_repeat_too(lodging: Lodging, store: Store) -> None:
    sample = Path(formats.__file__).parent / "edifact" / "samples" / "cusdec-gb-parcel.edi"
    of_no_known_version = sample.read_bytes().replace(b"D:96B", b"D:30A")
    first = await lodging(of_no_known_version)
    before = await counted(store)

    again = await lodging(of_no_known_version.replace(b"UNZ+", b"\nUNZ+"))

    after = await counted(store)
    assert [f.code for result in first.results for f in result.findings if f.severity == "warning"] == ["EDI-21"]
    assert again.results == first.results
    assert after["consignments"] == before["consignments"]
    assert after["repeats"] == before["repeats"] + 1


async def test_a_change_in_a_name_alone_is_seen_though_names_are_kept_apart(lodging: Lodging) -> None:
    await lodging(encoded(consignment(parties=(party("consignor"), party("consignee", name="Pat Example")))))

    again = await lodging(encoded(consignment(parties=(party("consignor"), party("consignee", name="Sam Example")))))

    [finding] = [f for f in again.results[0].findings if f.code == "LDG-01"]
    assert finding.pointer == "/parties/1/name"


async def test_what_was_not_accepted_may_be_mended_and_lodged_under_the_same_reference(
    lodging: Lodging,
) -> None:
    refused = await lodging(encoded(consignment(items=(item(description=None),))))
    mended = await lodging(encoded(consignment()))

    assert refused.results[0].decision.control == "not_accepted"
    assert mended.results[0].decision.control == "released"


async def test_a_reference_twice_in_one_message_takes_effect_once(lodging: Lodging) -> None:
    done = await lodging(encoded(consignment(), consignment()))

    assert [one.decision.control for one in done.results] == ["released", "not_accepted"]
    assert "LDG-02" in [finding.code for finding in done.results[1].findings]


async def test_an_amendment_is_no_conflict_with_what_it_amends(lodging: Lodging) -> None:
    await lodging(encoded(consignment()))
    change = Change(reason="32", pointer="42A/67A/68A[1]/23A/30A#063")
    amended = consignment(
        function="amendment", mrn="26GB6M4D8E1RE4WAR8", changes=(change,), items=(item(origin_country="VN"),)
    )

    done = await lodging(encoded(amended))

    assert done.results[0].decision.control == "amendment_recorded"


async def test_a_key_used_again_for_other_content_is_refused_and_keeps_nothing(lodging: Lodging, store: Store) -> None:
    await lodging(encoded(consignment()), key="order-1")
    before = await counted(store)

    with pytest.raises(KeyTaken):
        await lodging(encoded(consignment(reference="ORDER-0002")), key="order-1")

    assert await counted(store) == before


async def test_a_key_used_again_for_the_same_content_gives_the_same_answer(lodging: Lodging) -> None:
    first = await lodging(encoded(consignment()), key="order-1")
    again = await lodging(encoded(consignment()), key="order-1")

    assert again.answer == first.answer


async def test_a_new_key_for_known_bytes_is_remembered(lodging: Lodging) -> None:
    await lodging(encoded(consignment()))
    await lodging(encoded(consignment()), key="late")

    with pytest.raises(KeyTaken):
        await lodging(encoded(consignment(reference="ORDER-0002")), key="late")


async def test_a_message_that_cannot_be_read_is_kept_and_answered(lodging: Lodging, store: Store) -> None:
    before = await counted(store)

    done = await lodging(b'{"reference"')

    after = await counted(store)
    assert [finding.code for finding in done.findings] == ["JSN-01"]
    assert done.results == ()
    assert after["messages"] - before["messages"] == 1
    assert after["consignments"] == before["consignments"]


async def test_a_declaration_that_names_no_country_is_kept_and_answered(lodging: Lodging) -> None:
    """A report that quotes a declaration has no country of its own; customs then has no number to give."""
    quoted = (
        b'<MetaData xmlns="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2"><Declaration '
        b'xmlns="urn:wco:datamodel:WCO:DEC-DMS:2"><FunctionCode>9</FunctionCode>'
        b"<FunctionalReferenceID>NOWHERE-1</FunctionalReferenceID><TypeCode>IMA</TypeCode></Declaration></MetaData>"
    )

    lodged = await lodging(quoted)

    assert [one.decision.control for one in lodged.results] == ["not_accepted"]


async def test_the_legal_day_is_that_of_the_country_whatever_the_message_says(lodging: Lodging) -> None:
    at = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    british = consignment(accepted_on=date(2021, 3, 3))
    french = consignment(reference="ORDER-0002", jurisdiction="FR", accepted_on=date(2021, 3, 3))

    done = await lodging(encoded(british, french), at=at)

    assert [one.accepted_on for one in done.results] == [date(2026, 11, 2), date(2026, 11, 3)]


async def test_a_tracking_number_lodged_before_under_another_reference_is_found(
    lodging: Lodging,
) -> None:
    number = tracking_id(87654321)
    await lodging(encoded(consignment(tracking_id=number)))

    again = await lodging(encoded(consignment(reference="ORDER-0002", tracking_id=number)))

    assert any(finding.pointer == "/tracking_id" for finding in again.results[0].findings)


async def test_what_is_accepted_gets_a_reference_of_customs_and_the_sender_is_told(
    lodging: Lodging, store: Store, filer: str
) -> None:
    done = await lodging(encoded(consignment()))

    shown = await show_to_filer("ORDER-0001", filer=filer, store=store)
    assert shown is not None
    assert shown.stored.mrn is not None
    assert is_mrn(shown.stored.mrn)
    assert shown.stored.mrn.startswith("26GB")
    assert shown.stored.mrn.encode() in done.answer


async def test_the_officer_sees_what_risk_saw_and_the_filer_does_not(store: Store, law: Law, filer: str) -> None:
    drawing = replace(law, draw_share_ppm=1_000_000)
    message = Message(source="test", data=encoded(consignment()), sender=filer)
    await lodge(message, store=store, law=drawing, at=AT)

    to_filer = await show_to_filer("ORDER-0001", filer=filer, store=store)

    assert to_filer is not None
    to_officer = await show_to_officer(to_filer.stored.id, store=store, at=AT)
    assert to_officer is not None
    assert to_officer.signals
    assert to_filer.signals == ()
    assert to_filer.behind.signals == ()
    assert to_filer.stored.control == "examine"


async def test_what_is_personal_is_shown_only_when_asked_for_and_that_is_written_down(
    lodging: Lodging, store: Store, filer: str
) -> None:
    await lodging(encoded(consignment()))
    [id] = await store.ids_of("ORDER-0001", filer=filer)

    without = await show_to_officer(id, store=store, at=AT)
    asked = await show_to_officer(id, store=store, at=AT, reader="Officer Example", with_personal=True)

    assert without is not None
    assert without.whole is None
    assert b"Pat Example" not in msgspec.json.encode(without)
    assert asked is not None
    assert asked.whole is not None
    assert "Pat Example" in [party.name for party in asked.whole.parties]
    async with store._pool.acquire() as connection:
        reads = await connection.fetch("select reader, purpose from vault_reads where $1 = any(consignment_ids)", id)
    assert [tuple(read) for read in reads] == [("Officer Example", "control")]


async def test_a_failure_at_any_table_leaves_nothing_behind(
    database_url: str, new_schema: Callable[[], str], law: Law
) -> None:
    drawing = replace(law, draw_share_ppm=1_000_000)
    store = await open_store(database_url, schema=new_schema())
    known = consignment(reference="KNOWN")
    dear = consignment(items=(item(price="900 GBP", hs_code="42023100", gross_mass=None),), gross_mass=None)
    await lodge(Message(source="test", sender="anyone", data=encoded(known)), store=store, law=drawing, at=AT)
    message = Message(source="test", sender="anyone", data=encoded(known, dear))
    before = await counted(store)
    async with store._pool.acquire() as connection:
        await connection.execute(
            "create function fail() returns trigger language plpgsql as"
            " $$ begin raise exception 'as if the disk were full' using errcode = '53100'; end $$"
        )

    for table in TABLES:
        async with store._pool.acquire() as connection:
            await connection.execute(
                f"create trigger fail after insert on {table} for each row execute function fail()"
            )
        with pytest.raises(StoreUnavailable):
            await lodge(message, store=store, law=drawing, at=AT, key="k")
        assert await counted(store) == before, f"something was left when {table} failed"
        async with store._pool.acquire() as connection:
            await connection.execute(f"drop trigger fail on {table}")

    done = await lodge(message, store=store, law=drawing, at=AT, key="k")
    after = await counted(store)
    await store.close()
    assert not done.is_repeat
    assert all(after[table] > before[table] for table in TABLES)


@pytest.mark.parametrize("code", ["53100", "58030", "57P01"], ids=["disk full", "disk broken", "stopping"])
async def test_what_the_world_does_to_the_database_may_be_sent_again(
    database_url: str, new_schema: Callable[[], str], law: Law, code: str
) -> None:
    store = await open_store(database_url, schema=new_schema())
    message = Message(source="test", sender="anyone", data=encoded(consignment()))
    async with store._pool.acquire() as connection:
        await connection.execute(
            "create function fail() returns trigger language plpgsql as"
            f" $$ begin raise exception 'as the world does' using errcode = '{code}'; end $$"
        )
        await connection.execute("create trigger fail after insert on events for each row execute function fail()")

    with pytest.raises(StoreUnavailable):
        await lodge(message, store=store, law=law, at=AT)
    async with store._pool.acquire() as connection:
        await connection.execute("drop trigger fail on events")
    assert not (await lodge(message, store=store, law=law, at=AT)).is_repeat
    await store.close()


async def test_a_connection_cut_in_the_middle_leaves_nothing_and_sending_again_takes_effect_once(
    database_url: str, new_schema: Callable[[], str], law: Law
) -> None:
    store = await open_store(database_url, schema=new_schema())
    message = Message(source="test", sender="anyone", data=encoded(consignment()))
    async with store._pool.acquire() as connection:
        await connection.execute(
            "create function cut() returns trigger language plpgsql as"
            " $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$"
        )
        await connection.execute("create trigger cut after insert on events for each row execute function cut()")

    with pytest.raises(StoreUnavailable):
        await lodge(message, store=store, law=law, at=AT)
    assert set((await counted(store)).values()) == {0}
    async with store._pool.acquire() as connection:
        await connection.execute("drop trigger cut on events")
    done = await lodge(message, store=store, law=law, at=AT)
    again = await lodge(message, store=store, law=law, at=AT)
    await store.close()

    assert not done.is_repeat
    assert again.is_repeat


def test_the_first_difference_follows_the_order_of_the_model() -> None:
    before = consignment(items=(item(), item(price="3 GBP")))
    now = consignment(items=(item(), item(price="4 GBP", origin_country="VN")), invoice_total=before.invoice_total)

    assert first_difference(before, before) is None
    assert first_difference(before, now) == "/items/1/origin_country"
    assert first_difference(before, msgspec.structs.replace(before, accepted_on=None, mrn="x")) is None


def test_a_value_that_is_the_usual_one_is_the_same_said_or_left_out() -> None:
    said, left_out = Document(kind=msgspec.json.decode(b'"supporting"'), id="INV-1"), Document(id="INV-1")

    assert msgspec.to_builtins(said) != msgspec.to_builtins(left_out)  # written, the two differ
    assert first_difference(consignment(documents=(said,)), consignment(documents=(left_out,))) is None


def test_customs_references_have_the_right_check_digit_and_differ_by_seed() -> None:
    numbers = {movement_reference("FR", AT, seed=str(n).encode()) for n in range(500)}

    assert len(numbers) == 500
    assert all(is_mrn(number) for number in numbers)
