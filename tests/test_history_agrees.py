"""A small world through the store and through the simulation's frames: both know the same of what came before."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from make import consignment, ioss, item, party
from tidewaiter.access import OPEN
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Change, Classification, Consignment
from tidewaiter.model.past import PARTIES, PEERS, PRODUCTS, RECENT, pasts_again
from tidewaiter.risk.history import History, PeerTable, Persons, past_of, peer_table, recent_later, remembered
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Desk, Lodged, Lodging, lodge_all
from tidewaiter.services.present import present
from tidewaiter.services.prices import PriceShelf, written
from tidewaiter.store import Store, open_store

pytestmark = pytest.mark.anyio
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
KEY = b"key of the tests: made up, public"
UNTOLD = {"seller_inspected", "seller_wrong", "seller_wrong_rate_micro"}
"""What only results of inspections tell, of which the frames have none and the store those of other tests."""


def parcel(rng: random.Random, reference: str) -> Consignment:
    """A parcel of a world in which few sellers, people, places, numbers and platforms meet again and again."""

    def one(*values: str | None) -> str | None:
        return rng.choice(values)

    seller = party(
        "seller", name=f"Example {rng.randrange(4)} Ltd", phone=one(None, "020 7946 0001", "020 7946 0002"),
        street=f"{rng.randrange(3)} Example Road",
    )  # fmt: skip
    who = rng.randrange(5)
    person = party(
        "consignee", name=one(f"Pat Example {who}", f"P. Example {who}"), phone=one(None, f"07700 90012{who}"),
        email=one(None, None, f"pat{who}@example.org", "shared@example.org"), postcode=one(f"ZZ{who} 9ZZ", "ZZ9 9ZZ"),
        street=one(f"{who} Sample Street", "9 Locker Lane"), identity=one(None, None, "AB123456C", "AB123456D"),
    )  # fmt: skip
    platform = one(None, "P-1", "P-2")
    parties = (seller, person, *((party("marketplace", id=platform),) if platform else ()))
    price = rng.choice([20, 60, 115, 129, 134, 135, 200])
    goods = item(
        price=f"{price}.00 GBP", net_mass=one("0.30", "1"), hs_code=one("61091000", "61091000", "69120081"),
        origin_country=one("CN", "CN", "VN"), description=one("Cotton T-shirt", "T-shirt, cotton", "Mug"),
        codes=tuple(
            Classification(scheme=scheme, code=code)
            for scheme, code in (("SKU", one("S-1", "S-2")), ("GTIN", one(None, "4006381333931")))
            if code is not None
        ),
    )  # fmt: skip
    return consignment(
        reference=reference,
        tracking_id=None,
        parties=parties,
        items=(goods,) * rng.choice([1, 1, 2]),
        fiscal_references=(ioss(f"IM276000000{rng.randrange(2)}"),) if rng.random() < 0.5 else (),
    )


async def lodged(
    store: Store,
    law: Law,
    batches: Sequence[Sequence[tuple[datetime, list[Consignment]]]],
    *,
    key: bytes = KEY,
    prices: PriceShelf | None = None,
) -> None:
    desk = Desk(store=store, law=law, person_key=key, prices=prices)
    for batch in batches:
        messages = [
            Message(source="test", data=msgspec.json.encode(records), sender="shop", received_at=at)
            for at, records in batch
        ]
        for done in await lodge_all([Lodging(one) for one in messages], desk):
            assert isinstance(done, Lodged), done


async def known_by_store(store: Store, records: Sequence[Consignment]) -> dict[str, pl.DataFrame]:
    """What was known of each accepted one when it was lodged, by its place among all, by the name of the frame."""
    found: dict[str, list[pl.DataFrame]] = {name: [pl.DataFrame(schema=schema)] for name, schema in FRAMES.items()}
    for number, record in enumerate(records):
        [id] = await store.ids_of(record.reference)
        known = await store.inspections.known_before([id])
        past = pasts_again({number: known[id]} if id in known else {})
        for name, frames in found.items():
            frames.append(getattr(past, name))
    return {name: pl.concat(frames) for name, frames in found.items()}


FRAMES = {"recent": RECENT, "parties": PARTIES, "peers": PEERS, "products": PRODUCTS}


def known_by_frames(
    law: Law,
    at: Sequence[datetime],
    records: Sequence[Consignment],
    rows: Sequence[int],
    *,
    table: PeerTable,
    key: bytes,
) -> dict[str, pl.DataFrame]:
    """The same by the frames that the simulation holds, of all that were accepted."""
    asked = kept(law, [records[row] for row in rows], [at[row] for row in rows], key=key)
    past = past_of(History(), asked, table)
    return {
        name: getattr(past, name).with_columns(
            row=pl.col("row").replace_strict(dict(enumerate(rows)), return_dtype=pl.UInt32)
        )
        for name in FRAMES
    }


async def presented(store: Store, law: Law, records: Sequence[Consignment], at: Sequence[datetime]) -> int:
    """Of how many the goods were presented, each at its instant: those of what was not accepted are not awaited."""
    desk = Desk(store=store, law=law)
    told = []
    for record, instant in zip(records, at, strict=True):
        told += await present([record.reference], filer="shop", principal=OPEN, desk=desk, at=instant)
    return sum(one.came == "presented" for one in told)


def kept(law: Law, records: Sequence[Consignment], at: Sequence[datetime], *, key: bytes) -> History:
    batch, instants = Batch.of(records), pl.Series(at, dtype=pl.Datetime("us", "UTC"))
    return remembered(batch, assess(batch, law).values, law, at=instants, key=key, persons=Persons())


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=6))
async def test_of_a_small_world_the_store_and_the_simulation_know_the_same(
    store: Store, watchful: Law, seed: int, cuts: list[int]
) -> None:
    # Under a key of its own nobody of the world is known from another, which stands in the same store.
    rng, key = random.Random(seed), secrets.token_bytes(32)
    records, at, batches, instant = [], [], [], BEGIN
    for size in cuts:
        # A batch is lodged at about one time; what comes later may come a minute or a month later.
        instant += timedelta(hours=rng.choice([0, 1, 23, 24, 30, 72, 96, 120, 144, 168, 700, 721]))
        batch = []
        for _ in range(size):
            instant += timedelta(seconds=1)
            message = [parcel(rng, f"W-{secrets.token_hex(6)}") for _ in range(rng.choice([1, 1, 3]))]
            records += message
            at += [instant] * len(message)
            batch.append((instant, message))
        batches.append(batch)
    if (at[-1] - at[0]).days >= 29 * 3:
        return  # what is 90 days old is forgotten by the store, and by whoever simulates
    table = peer_table(kept(watchful, [parcel(rng, "U") for _ in range(300)], [BEGIN] * 300, key=key).items)
    assert await store.history.keep_prices(written(table), goods=300, at=instant, after=instant + timedelta(days=3650))
    await lodged(store, watchful, batches, key=key, prices=PriceShelf(store))
    stored = await known_by_store(store, records)

    rows = stored["recent"]["row"].to_list()
    framed = known_by_frames(watchful, at, records, rows, table=table, key=key)
    assert len(rows) > len(records) / 2
    for name in FRAMES:
        assert stored[name].drop(UNTOLD, strict=False).equals(framed[name].drop(UNTOLD, strict=False)), name


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32), hours=st.sampled_from([0, 1, 24, 72, 200]))
async def test_as_goods_are_presented_the_store_and_the_simulation_know_the_same(
    store: Store, watchful: Law, seed: int, hours: int
) -> None:
    rng, key, wait = random.Random(seed), secrets.token_bytes(32), timedelta(hours=hours)
    records, at, batches, instant = [], [], [], BEGIN
    for _ in range(6):
        instant += timedelta(hours=rng.choice([1, 23, 24, 72, 168]))
        message = [
            structs.replace(parcel(rng, f"P-{secrets.token_hex(6)}"), declaration_type="IMD")
            for _ in range(rng.choice([1, 3, 5]))
        ]
        records += message
        at += [instant] * len(message)
        batches.append([(instant, message)])
    await lodged(store, watchful, batches, key=key)
    before = (await known_by_store(store, records))["recent"]
    count = await presented(store, watchful, records, [instant + wait for instant in at])
    stored = (await known_by_store(store, records))["recent"]

    rows = stored["row"].to_list()
    asked = kept(watchful, [records[row] for row in rows], [at[row] for row in rows], key=key)
    now = recent_later(History(), asked, wait=wait).with_columns(
        row=pl.col("row").replace_strict(dict(enumerate(rows)), return_dtype=pl.UInt32),
        identity_names=before["identity_names"],  # which is told once, as the parcel is declared
    )
    assert count == len(rows) > len(records) / 2
    assert stored.equals(now)


async def sums(store: Store) -> tuple[set[tuple[object, ...]], ...]:
    """What the store keeps in sums and pairs, but for what is nought."""
    async with store._pool.acquire() as connection:
        of_days: list[asyncpg.Record] = await connection.fetch(
            "select key, other, day, count, just, near from history_sums where count <> 0"
        )
        of_pairs: list[asyncpg.Record] = await connection.fetch(
            "select key, other, count from history_pairs where count <> 0"
        )
    return {tuple(row) for row in of_days}, {tuple(row) for row in of_pairs}


async def test_what_was_cancelled_leaves_the_sums_as_if_it_had_never_been(
    database_url: str, new_schema: Callable[[], str], watchful: Law
) -> None:
    rng = random.Random(7)
    records = [parcel(rng, f"R-{number}") for number in range(30)]
    gone = {3, 4, 11, 12, 13, 28}
    once = await open_store(database_url, schema=new_schema(), connections_max=2)
    never = await open_store(database_url, schema=new_schema(), connections_max=2)
    try:
        await lodged(once, watchful, [[(BEGIN, records)]])
        for number in sorted(gone):
            [id] = await once.ids_of(f"R-{number}")
            accepted = (await once.consignments([id]))[id]
            assert accepted.cleared.decision.control != "not_accepted"
            cancelled = consignment(
                reference=f"R-{number}", function="cancellation", mrn=accepted.mrn, version=2, items=(), parties=(),
                changes=(Change(pointer="", reason="1"),),
            )  # fmt: skip
            await lodged(once, watchful, [[(BEGIN, [cancelled])]])
        rest = [record for number, record in enumerate(records) if number not in gone]
        await lodged(never, watchful, [[(BEGIN, rest)]])

        assert await sums(once) == await sums(never)
        assert any(await sums(once))
    finally:
        await once.close()
        await never.close()


async def test_an_amendment_is_no_second_consignment(
    database_url: str, new_schema: Callable[[], str], watchful: Law
) -> None:
    rng = random.Random(7)
    store = await open_store(database_url, schema=new_schema(), connections_max=2)
    try:
        record = parcel(rng, "R-0")
        await lodged(store, watchful, [[(BEGIN, [record])]])
        before = await sums(store)
        [id] = await store.ids_of("R-0")
        amended = structs.replace(
            record, function="amendment", mrn=(await store.consignments([id]))[id].mrn, version=2,
            changes=(Change(pointer="/items/1/description", reason="1"),),
        )  # fmt: skip
        await lodged(store, watchful, [[(BEGIN + timedelta(hours=1), [amended])]])
        [newest, first] = await store.ids_of("R-0")

        assert first == id
        assert (await store.consignments([newest]))[newest].cleared.decision.control != "not_accepted"
        assert await sums(store) == before
        assert await store.inspections.known_before([newest]) == {}
    finally:
        await store.close()


async def test_houses_that_lodge_at_once_lose_nothing_of_the_sums(
    database_url: str, new_schema: Callable[[], str], watchful: Law
) -> None:
    rng = random.Random(11)
    records = [parcel(rng, f"R-{number}") for number in range(60)]
    schema = new_schema()
    houses = [await open_store(database_url, schema=schema, connections_max=2) for _ in range(3)]
    alone = await open_store(database_url, schema=new_schema(), connections_max=2)
    try:
        parts = [records[start::12] for start in range(12)]
        await asyncio.gather(
            *(lodged(houses[n % 3], watchful, [[(BEGIN, part)]]) for n, part in enumerate(parts))
        )  # fmt: skip
        await lodged(alone, watchful, [[(BEGIN, records)]])

        assert await sums(houses[0]) == await sums(alone)
    finally:
        for store in (*houses, alone):
            await store.close()
