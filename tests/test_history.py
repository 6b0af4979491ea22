"""The past of a consignment in the store: split purchases are seen, replays and the cancelled do not count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import NoneType
from typing import Any

import asyncpg
import msgspec
import polars as pl
import pytest

from make import blind, consignment, ioss, item, party
from tidewaiter.access import Principal
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Change, Consignment
from tidewaiter.model.finding import FINDINGS
from tidewaiter.model.past import Past
from tidewaiter.risk.history import REMEMBERED_D, recall
from tidewaiter.risk.history.telling import Given
from tidewaiter.services.acting import NotThere
from tidewaiter.services.clear import Message
from tidewaiter.services.explain import explain
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.show import show_to_filer
from tidewaiter.store import Store, open_store

pytestmark = pytest.mark.anyio
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
TABLES = ("history", "history_goods", "history_sums", "history_pairs", "known_before")
SPLITTING = {"fiction-splitting-24h", "fiction-splitting-72h", "fiction-splitting-30d"}


@pytest.fixture
def store(own_store: Store) -> Store:
    return own_store


def parcel(number: int, *, to: str = "07700 900123", seller: str = "Example Trading Ltd", **what: Any) -> Consignment:
    """A parcel worth GBP 60 from a seller to whoever has this telephone, under a name and at an address of its own."""
    street = f"{number} Sample Street"
    parties = (
        party("seller", name=seller),
        party("consignee", name=f"Pat Example {number}", street=street, postcode=f"ZZ{number} 9ZZ", phone=to),
    )
    given = {"items": (item(price="60.00 GBP"),), "parties": parties, "reference": f"R-{number}", **what}
    return consignment(**given)


def lodging(*records: Consignment, hours: float = 0, filer: str = "shop") -> Lodging:
    at = BEGIN + timedelta(hours=hours)
    return Lodging(Message(source="test", data=msgspec.json.encode(records), sender=filer, received_at=at))


async def done(desk: Desk, *lodgings: Lodging) -> list[Lodged]:
    results = await lodge_all(lodgings, desk)
    assert all(isinstance(one, Lodged) for one in results), results
    return [one for one in results if isinstance(one, Lodged)]


async def seen(store: Store, number: int) -> set[str]:
    """The profiles about split purchases that saw the parcel."""
    [id] = await store.ids_of(f"R-{number}")
    signals = await store.inspections.signals_of([id])
    return {profile for profile, *_ in signals.get(id, [])} & SPLITTING


async def rows(store: Store, table: str) -> list[asyncpg.Record]:
    async with store._pool.acquire() as connection:
        found: list[asyncpg.Record] = await connection.fetch(f"select * from {table}")
        return found


async def mrn_of(store: Store, reference: str) -> str | None:
    [id] = await store.ids_of(reference)
    return (await store.consignments([id]))[id].mrn


def cancellation(reference: str, mrn: str | None) -> Consignment:
    return consignment(
        reference=reference, function="cancellation", mrn=mrn, changes=(Change(pointer="", reason="1"),), version=2,
        items=(), parties=(),
    )  # fmt: skip


async def test_of_five_parcels_to_one_person_within_three_days_the_later_are_hit_and_only_officers_read_why(
    store: Store, watchful: Law
) -> None:
    desk = Desk(store=store, law=watchful)
    told = []
    for number in range(5):
        told += await done(desk, lodging(parcel(number), hours=14 * number))
    told += await done(desk, lodging(parcel(9, to="07700 900999"), hours=60))

    assert [await seen(store, number) for number in range(2)] == [set(), set()]
    assert [bool(await seen(store, number)) for number in (2, 3, 4, 9)] == [True, True, True, False]
    controls = [one.results[0].decision.control for one in told]
    assert controls[2:5] == ["documents_requested"] * 3
    assert "documents_requested" not in (*controls[:2], controls[5])
    [id] = await store.ids_of("R-4")
    reasons = [reason for _, _, _, reason in (await store.inspections.signals_of([id]))[id]]
    assert any("others from this seller" in reason for reason in reasons)
    said = (
        msgspec.json.encode((await show_to_filer("R-4", filer="shop", store=store), told[4].results)) + told[4].answer
    )
    assert b"seller in" not in said
    assert b"splitting" not in said


async def test_whoever_may_read_why_reads_which_others_the_person_had_before_and_after(
    store: Store, watchful: Law
) -> None:
    """The first parcel of a split purchase looks like any other when it comes, and is found from the later ones."""
    desk = Desk(store=store, law=watchful)
    for number in range(3):
        await done(desk, lodging(parcel(number), hours=14 * number))
    await done(desk, lodging(parcel(9, to="07700 900999"), hours=20))
    await done(desk, lodging(parcel(7), hours=31 * 24))
    await done(desk, lodging(parcel(3), hours=40))
    await done(desk, lodging(cancellation("R-3", await mrn_of(store, "R-3")), hours=41))
    ids = [(await store.ids_of(f"R-{number}"))[-1] for number in (0, 1, 7)]

    async def others(id: int, **who: Any) -> list[str]:
        officer = Principal(id="officer", kind="person", role="officer", **who)
        told = await explain(id, principal=officer, store=store, law=watchful, at=BEGIN)
        return [one.reference for one in told.others]

    assert await others(ids[0], country="GB") == ["R-2", "R-1"]
    assert await others(ids[1], country="GB") == ["R-2", "R-0"]  # R-7 came 30 days and ten hours later
    assert await others(ids[2], country="GB") == ["R-2"]
    with pytest.raises(NotThere):
        await others(ids[0], country="FR")


async def test_parcels_in_one_batch_or_one_message_are_seen_as_if_one_came_after_the_other(
    store: Store, database_url: str, new_schema: Callable[[], str], watchful: Law
) -> None:
    other = await open_store(database_url, schema=new_schema(), connections_max=3)
    third = await open_store(database_url, schema=new_schema(), connections_max=3)
    parcels = [parcel(number) for number in range(5)]
    try:
        for one in parcels:
            await done(Desk(store=store, law=watchful), lodging(one))
        await done(Desk(store=other, law=watchful), *(lodging(one) for one in parcels))
        await done(Desk(store=third, law=watchful), lodging(*parcels))

        apart = [await seen(store, number) for number in range(5)]
        assert apart == [await seen(other, number) for number in range(5)]
        assert apart == [await seen(third, number) for number in range(5)]
        assert any(apart)
        kept = [{tuple(row.values())[1:] for row in await rows(one, "history")} for one in (store, other, third)]
        assert kept[0] == kept[1] == kept[2]
    finally:
        await other.close()
        await third.close()


async def test_the_fourth_seller_at_one_telephone_is_seen_for_a_ghost(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    for number in range(4):
        seller = party("seller", name=f"Example Trading {number} Ltd", phone="020 7946 0000")
        buyer = party(
            "consignee", name=f"Pat Example {number}", phone=f"07700 9{number}0123", street=f"{number} Else St"
        )
        await done(desk, lodging(parcel(number, parties=(seller, buyer)), hours=100 * number))

    signals = await store.inspections.signals_of([(await store.ids_of(f"R-{number}"))[0] for number in range(4)])
    ghosts = {id: reason for id, told in signals.items() for profile, _, _, reason in told if "ghost" in profile}
    assert ghosts == {
        (await store.ids_of(f"R-{number}"))[0]: f"seen for 0 days, and {number} other sellers gave this telephone or"
        " address before"
        for number in (2, 3)
    }


async def hits(store: Store, size: int, profile: str) -> list[int]:
    """The numbers of the parcels that the profile sees."""
    ids = {(await store.ids_of(f"R-{number}"))[0]: number for number in range(size)}
    signals = await store.inspections.signals_of(list(ids))
    return sorted(ids[id] for id, told in signals.items() if profile in {name for name, *_ in told})


async def test_parcels_over_a_month_are_seen_by_the_longest_window_alone(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    for number in range(7):
        await done(desk, lodging(parcel(number), hours=100 * number))  # never two within 72 hours
    await done(desk, lodging(parcel(7), hours=600 + 721))  # the month is over

    found = {profile: await hits(store, 8, profile) for profile in SPLITTING}
    assert found["fiction-splitting-24h"] == found["fiction-splitting-72h"] == []
    assert found["fiction-splitting-30d"]
    assert max(found["fiction-splitting-30d"]) == 6


async def test_an_identity_number_that_goes_from_hand_to_hand_is_seen(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)

    def lent(number: int, identity: str | None) -> Consignment:
        buyer = party(
            "consignee", name=f"Pat Example {number}", phone=f"07700 90{number:04d}", street=f"{number} Else Street",
            identity=identity,
        )  # fmt: skip
        return parcel(number, parties=(party("seller"), buyer))

    for number in range(6):
        await done(desk, lodging(lent(number, "AB123456C"), hours=number))
    await done(desk, lodging(lent(6, "AB123456D"), hours=7), lodging(lent(7, None), hours=7))

    assert await hits(store, 8, "fiction-identity-reused") == [2, 3, 4, 5]


async def test_a_scheme_number_that_another_platform_lends_is_seen(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)

    def under_scheme(number: int, platform: str | None) -> Consignment:
        buyer = party("consignee", name=f"Pat Example {number}", phone=f"07700 90{number:04d}", street=f"{number} Else")
        market = (party("marketplace", id=platform),) if platform else ()
        seller = party("seller", name=f"Example {platform} Ltd")
        return parcel(number, parties=(seller, buyer, *market), fiscal_references=(ioss(),))

    await done(desk, lodging(*(under_scheme(number, "P-1") for number in range(40))))
    await done(desk, lodging(under_scheme(40, "P-2"), hours=24))
    await done(desk, lodging(under_scheme(41, None), under_scheme(42, "P-1"), hours=48))

    assert await hits(store, 43, "fiction-scheme-borrowed") == [40, 41]


async def test_whose_first_parcel_was_cancelled_is_known_again_by_its_address(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)

    def at_home(number: int, phone: str | None) -> Consignment:
        buyer = party("consignee", name=f"Pat Example {number}", phone=phone, street="2 Sample Street")
        return parcel(number, parties=(party("seller", name="Example Trading Ltd"), buyer))

    await done(desk, lodging(at_home(0, "07700 900123")))
    await done(desk, lodging(cancellation("R-0", await mrn_of(store, "R-0")), hours=1))
    for number in range(1, 4):
        await done(desk, lodging(at_home(number, None), hours=1 + number))

    kept = [(row["consignee"], row["is_cancelled"]) for row in await rows(store, "history")]
    assert len({consignee for consignee, _ in kept}) == 1
    assert sorted(gone for _, gone in kept) == [False, False, False, True]
    assert await seen(store, 2) == set()
    assert await seen(store, 3) == {"fiction-splitting-24h", "fiction-splitting-72h"}


async def test_a_person_is_known_for_as_long_as_what_it_had_counts(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    days = [0, 40, 80, 100, 100, 100]
    for number, day in enumerate(days):
        await done(desk, lodging(parcel(number), hours=24 * day + number))
        at = BEGIN + timedelta(days=day)
        await store.history.forget(before=at - timedelta(days=REMEMBERED_D))

    # The telephone was first given 100 days ago, and again 80, 40 and 20 days ago.
    assert await hits(store, len(days), "fiction-splitting-24h") == [5]
    assert len({row["consignee"] for row in await rows(store, "history")}) == 1


async def test_what_inspections_and_prices_say_of_a_seller_is_missing_and_not_nought(watchful: Law) -> None:
    batch = Batch.of([parcel(0)])
    told = recall(batch, at=[BEGIN], is_readable=[True], frames=frozenset({"parties"}), key=b"made up")
    past, _ = told.past(
        batch, assess(batch, watchful).values, watchful, findings=pl.DataFrame(schema=FINDINGS), but=Past()
    )

    row = past.parties.row(0, named=True)
    assert row["seller_count"] == 0
    assert [row[name] for name in ("seller_inspected", "seller_wrong_rate_micro", "seller_low_price_rate_micro")] == [
        None, None, None,
    ]  # fmt: skip
    assert past.recent.is_empty()


async def test_what_is_sent_again_counts_once(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    for hours in range(4):
        await done(desk, lodging(parcel(0), hours=hours))  # the same bytes
        await done(
            desk, lodging(parcel(0), parcel(20 + hours, to=f"07700 90{hours}555"), hours=hours)
        )  # in another message
    await done(desk, lodging(parcel(1), hours=5))

    assert [row["consignment_id"] for row in await rows(store, "history")].count((await store.ids_of("R-0"))[-1]) == 1
    assert len(await rows(store, "history")) == 6
    assert await seen(store, 1) == set()


async def test_what_was_cancelled_or_never_accepted_does_not_count(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    for number in range(3):
        await done(desk, lodging(parcel(number), hours=number))
    for number in range(2):
        by = f"R-{number}" if number else "CANCEL-0"  # by the reference, or by the number customs gave alone
        cancelled = cancellation(by, await mrn_of(store, f"R-{number}"))
        [told] = await done(desk, lodging(cancelled, hours=3))
        assert told.results[0].decision.control == "cancellation_recorded", told.results[0].findings
    wrong = parcel(3, items=(item(price="60.00 GBP", description=None),))
    [told] = await done(desk, lodging(wrong, hours=4))
    assert told.results[0].decision.control == "not_accepted"
    await done(desk, lodging(parcel(4), hours=5))

    assert await seen(store, 4) == set()
    await done(desk, lodging(parcel(5), hours=6))
    assert await seen(store, 5) == {"fiction-splitting-24h", "fiction-splitting-72h"}


async def test_a_crash_leaves_nothing_behind(store: Store, watchful: Law, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the house falls down before the commit")

    with monkeypatch.context() as falling:
        falling.setattr("tidewaiter.store.audit.append", broken)
        [fell] = await lodge_all([lodging(parcel(0))], Desk(store=store, law=watchful))
    assert isinstance(fell, RuntimeError)

    assert [await rows(store, table) for table in (*TABLES, "consignments")] == [[]] * 6


async def test_nothing_that_people_can_read_is_kept(store: Store, watchful: Law) -> None:
    known = party("consignee", name="Pat Example", phone="07700 900123", email="pat@example.org", identity="AB123456C")
    seller = party("seller", name="Example Trading Ltd", phone="020 7946 0000")
    market = party("marketplace", id="PLATFORM-77")
    of_scheme = parcel(0, parties=(seller, known, market), fiscal_references=(ioss(),))
    await done(Desk(store=store, law=watchful), lodging(of_scheme))

    [kept] = await rows(store, "history")
    firms, people = ("seller", "platform", "seller_place", "scheme"), ("consignee", "consignee_name", "identity")
    for name in (*firms, *people, *Given._fields):
        assert abs(kept[name]) > 1 << 32, name
    assert {type(value) for table in TABLES for row in await rows(store, table) for value in row.values()} <= {
        int, str, datetime, date, bool, NoneType,
    }  # fmt: skip
    told = str([tuple(row) for table in TABLES for row in await rows(store, table)])
    assert not [
        word for word in ("Pat", "Example", "example", "900123", "7946", "AB123", "PLATFORM", "276000") if word in told
    ]


async def test_without_a_profile_that_looks_at_the_past_nothing_is_asked_and_nothing_kept(
    store: Store, watchful: Law, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = Queries(monkeypatch)
    await done(Desk(store=store, law=blind(watchful)), lodging(parcel(0), parcel(1)))
    without = queries.taken()
    assert await rows(store, "history") == []
    queries.taken()
    await done(Desk(store=store, law=watchful), lodging(parcel(2), parcel(3)))
    within = queries.taken()

    assert not any("history" in query or "recalled" in query for query in without)
    assert [query.split("(")[0] for query in within if query not in without] == [
        "select * from recalled", "copy known_before", "copy history", "copy history_goods",
    ]  # fmt: skip
    assert len(within) == len(without) + 4


class Queries:
    """What is asked of the database, as it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._asked: list[str] = []
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            asking = getattr(asyncpg.Connection, name)
            monkeypatch.setattr(asyncpg.Connection, name, self._listening(asking))
        copying = asyncpg.Connection.copy_records_to_table

        async def copy(connection: asyncpg.Connection, table: str, **what: Any) -> Any:
            self._asked.append(f"copy {table}")
            return await copying(connection, table, **what)

        monkeypatch.setattr(asyncpg.Connection, "copy_records_to_table", copy)

    def _listening(self, asking: Callable[..., Any]) -> Callable[..., Any]:
        async def listening(connection: asyncpg.Connection, query: str, *args: Any, **named: Any) -> Any:
            if not query.startswith("SELECT pg_advisory_unlock_all"):  # what the pool says between two who ask
                self._asked.append(query)
            return await asking(connection, query, *args, **named)

        return listening

    def taken(self) -> list[str]:
        """What was asked since this was asked last."""
        asked, self._asked[:] = list(self._asked), []
        return asked


async def test_two_houses_that_meet_a_person_at_once_give_it_one_number(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    await asyncio.gather(*(done(desk, lodging(parcel(number), filer=f"shop-{number}")) for number in range(4)))
    await done(desk, lodging(parcel(5), hours=1))

    assert len({row["consignee"] for row in await rows(store, "history")}) == 1
    assert await seen(store, 5) == {"fiction-splitting-24h", "fiction-splitting-72h"}


async def test_what_is_too_old_is_forgotten_and_the_rest_is_not(store: Store, watchful: Law) -> None:
    desk = Desk(store=store, law=watchful)
    await done(desk, lodging(parcel(0, to="07700 900111")))
    await done(desk, lodging(parcel(1), hours=24 * 80))

    forgotten = await store.history.forget(before=BEGIN + timedelta(days=1))

    assert forgotten == 1
    assert [row["at"] for row in await rows(store, "history")] == [BEGIN + timedelta(days=80)]
    assert {row["day"] for row in await rows(store, "history_sums")} == {(BEGIN + timedelta(days=80)).date()}
    assert {row["last_on"] for row in await rows(store, "history_pairs")} <= {(BEGIN + timedelta(days=80)).date()}
