from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings

from make import consignment, item, party
from strategies import consignments
from tidewaiter.law import Law
from tidewaiter.model import about
from tidewaiter.model.consignment import Consignment, GoodsItem, Party, Statement
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.store import Asked, MigrationError, Store, StoreError, connecting, open_store, vault
from tidewaiter.store.known import look_up
from tidewaiter.store.migrating import Migration, migrate, migrations
from tidewaiter.store.presentations import Presentations

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


@settings(max_examples=60, deadline=None)
@given(consignments())
def test_a_record_parted_and_joined_again_is_the_same(record: Consignment) -> None:
    parted = vault.part(record)

    assert vault.join(parted.open_part, parted.private) == record


@settings(max_examples=60, deadline=None)
@given(consignments())
def test_the_open_part_can_be_read_when_the_private_part_is_destroyed(record: Consignment) -> None:
    left = vault.join(vault.part(record).open_part, None)

    assert left.reference == record.reference
    assert [party.role for party in left.parties] == [party.role for party in record.parties]
    assert [item.price for item in left.items] == [item.price for item in record.items]


def test_every_personal_field_of_the_model_goes_into_the_vault() -> None:
    everything = consignment(
        parties=(
            Party(
                role="consignee", id="GB123456789000", name="name-x", kind="natural", status="2", street="street-x",
                city="city-x", region="region-x", postcode="postcode-x", country="GB", phone="phone-x",
                email="email-x",
            ),
        ),
        statements=(Statement(code="00500", text="words-x"),),
        items=(item(description="goods-x", parties=(party("seller", name="seller-x"),)),),
    )  # fmt: skip
    names = {name for struct in (Party, Statement, GoodsItem) for name in _personal_leaves(struct)}

    open_part = vault.part(everything).open_part

    assert names >= {"name", "street", "city", "postcode", "phone", "email", "text", "description"}
    assert b"-x" not in open_part
    assert b"natural" not in open_part
    assert b"GB123456789000" in open_part
    assert {path.rpartition("/")[2] for path in vault.private_paths()} >= names


def _personal_leaves(struct: type[msgspec.Struct]) -> list[str]:
    return [
        name
        for name, kind, known in about.fields(struct)
        if known is not None and known.privacy in vault.PRIVATE and kind is str
    ]


async def test_no_table_but_the_vault_and_the_raw_message_holds_anything_personal(
    store: Store, law: Law, filer: str
) -> None:
    secret = {
        "name": "Zbigniewa Exemplarowicz",
        "street": "77 Quokka Parade",
        "city": "Wombatville",
        "email": "zq@x.example",
    }
    record = consignment(
        parties=(party("consignor"), party("consignee", **secret), party("importer", **secret)),
        items=(item(description="Exotic wombatproof socks", hs_code=None),),
    )
    message = Message(source="test", data=msgspec.json.encode(record), sender=filer)
    done = await lodge(message, store=store, law=law, at=AT)

    told = [*secret.values(), "wombatproof"]
    async with store._pool.acquire() as connection:
        tables = [
            row[0]
            for row in await connection.fetch("select tablename from pg_tables where schemaname = current_schema()")
        ]
        held: dict[str, list[str]] = {table: [] for table in tables}
        for table in tables:
            for text in told:
                query = f"select exists (select from {table} t where t::text ilike $1)"
                if await connection.fetchval(query, f"%{text}%"):
                    held[table].append(text)
        raw = await connection.fetchval("select raw from messages where id = $1", done.message_id)

    assert {table for table, found in held.items() if found} == {"vault"}
    assert sorted(held["vault"]) == sorted(told)
    assert raw == message.data


async def test_legs_that_do_not_balance_are_refused_by_the_database(store: Store, law: Law, filer: str) -> None:
    await lodge(
        Message(source="test", data=msgspec.json.encode(consignment()), sender=filer), store=store, law=law, at=AT
    )
    [id] = await store.ids_of("ORDER-0001", filer=filer)
    legs = [(id, "receivable:carrier", 5, 0, "GBP", "x"), (id, "revenue:duty:A00", 0, 4, "GBP", "x")]
    columns = ["consignment_id", "account", "debit_micro", "credit_micro", "currency", "charge"]

    async with store._pool.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.copy_records_to_table("postings", records=legs, columns=columns)
        assert await connection.fetchval("select count(*) from postings where consignment_id = $1", id) == 0
        legs[1] = (id, "revenue:duty:A00", 0, 5, "EUR", "x")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.copy_records_to_table("postings", records=legs, columns=columns)


async def test_every_ledger_balances_after_a_mixed_day(store: Store, law: Law, filer: str) -> None:
    records = [
        consignment(reference=f"R{n}", jurisdiction=place, items=(item(price=f"{price}.00 GBP", hs_code="42023100"),))
        for n, (place, price) in enumerate([("GB", 20), ("GB", 900), ("FR", 900), ("DE", 40), ("DK", 200)])
    ]
    await lodge(Message(source="test", data=msgspec.json.encode(records), sender=filer), store=store, law=law, at=AT)

    async with store._pool.acquire() as connection:
        rows = await connection.fetch(
            "select consignment_id, p.currency, sum(debit_micro) = sum(credit_micro) as balances,"
            " sum(debit_micro) as sum,"
            " max(coalesce(duty_micro, 0) + coalesce(tax_micro, 0) + coalesce(fee_micro, 0)) as due"
            " from postings p join consignments c on c.id = p.consignment_id where filer = $1 group by 1, 2",
            filer,
        )

    assert rows
    assert all(row["balances"] for row in rows)
    assert all(row["sum"] == row["due"] for row in rows)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from postings", "update postings set debit_micro = 1", "truncate events", "delete from events",
        "update decisions set control = 'released'", "delete from messages", "update results set answers = '[]'",
        "delete from consignments", "update consignments set reference = 'other'", "update signals set score = 0",
        "update messages set answer = ''", "delete from vault_reads", "delete from idempotency",
    ],
)  # fmt: skip
async def test_what_is_kept_is_never_changed(store: Store, law: Law, filer: str, statement: str) -> None:
    await lodge(
        Message(source="test", data=msgspec.json.encode(consignment()), sender=filer), store=store, law=law, at=AT
    )

    async with store._pool.acquire() as connection:
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.FeatureNotSupportedError)):
            await connection.execute(statement)


async def test_the_state_of_a_consignment_may_change(store: Store, law: Law, filer: str) -> None:
    await lodge(
        Message(source="test", data=msgspec.json.encode(consignment()), sender=filer), store=store, law=law, at=AT
    )
    [id] = await store.ids_of("ORDER-0001", filer=filer)

    async with store._pool.acquire() as connection:
        await connection.execute("update consignments set control = 'hold' where id = $1", id)

    found = await store.consignments([id])
    assert found[id].control == "hold"
    assert found[id].cleared.decision.control == "released"


async def test_destroying_a_private_part_leaves_receipt_and_ledger_whole(store: Store, law: Law, filer: str) -> None:
    await lodge(
        Message(source="test", data=msgspec.json.encode(consignment()), sender=filer), store=store, law=law, at=AT
    )
    [id] = await store.ids_of("ORDER-0001", filer=filer)
    before = await store.consignments([id])

    async with store._pool.acquire() as connection:
        await connection.execute("delete from vault where consignment_id = $1", id)

    assert await store.consignments([id]) == before
    left = await store.open_vault([id], purpose="subject_request", reader="test", at=AT)
    assert {party.name for party in left[id].parties} == {None}


async def test_a_batch_of_a_thousand_is_written_in_a_few_statements(store: Store, law: Law, filer: str) -> None:
    records = [consignment(reference=f"R{n}") for n in range(1_000)]
    message = Message(source="test", data=msgspec.json.encode(records), sender=filer)
    started = time.process_time()

    done = await lodge(message, store=store, law=law, at=AT)

    assert len(done.results) == 1_000
    assert time.process_time() - started < 10, "more than 10 ms of CPU for each consignment"


async def test_of_a_table_that_grows_only_what_is_asked_for_is_read(
    database_url: str, new_schema: Callable[[], str], law: Law, filer: str
) -> None:
    store = await open_store(database_url, schema=(schema := new_schema()))
    connection = await asyncpg.connect(database_url, server_settings={"search_path": schema})
    await connection.execute("alter table consignments set (autovacuum_enabled = off)")  # nobody counts what is in it
    records = [consignment(reference=f"R{n}", tracking_id=f"PARCEL-{n}") for n in range(1_000)]
    await lodge(Message(source="test", data=msgspec.json.encode(records), sender=filer), store=store, law=law, at=AT)
    await store.close()

    @asynccontextmanager
    async def connected() -> AsyncIterator[asyncpg.Connection]:
        yield connection

    async def read() -> int:
        """How many rows this connection has read so far: all that it went through, and those that indexes led to."""
        count: int = await connection.fetchval(
            "select pg_stat_get_xact_tuples_returned(t) + sum(pg_stat_get_xact_tuples_fetched(part))::bigint"
            " from (select 'consignments'::regclass::oid) as it(t),"
            " lateral (select t union all select indexrelid from pg_index where indrelid = t) as its(part) group by t"
        )
        return count

    async with connection.transaction():
        mrns = [row["mrn"] for row in await connection.fetch("select mrn from consignments order by id limit 20")]
        before = await read()
        known = await look_up(connection, Asked(tracking_ids=[f"PARCEL {n}" for n in range(800, 1_200)] * 2))
        by_parcels = await read() - before
        named = await Presentations(connected).named(filer, mrns)
        by_mrn = await read() - before - by_parcels
    await connection.close()

    assert set(known.past.tracking_ids["tracking_id"]) == {f"PARCEL-{n}" for n in range(800, 1_000)}
    assert sorted(named) == sorted(mrns)
    assert (by_parcels, by_mrn) == (200, 20)


async def test_migrating_again_does_nothing(database_url: str, new_schema: Callable[[], str]) -> None:
    schema = new_schema()
    await (await open_store(database_url, schema=schema)).close()

    assert await _migrated(database_url, schema, migrations()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda known: [Migration(known[0].name, known[0].sql, "other")], "has changed"),
        (lambda _known: [], "does not know"),
        (lambda known: [Migration("0000_late.sql", "select 1", "d"), *known], "higher number"),
    ],
)
async def test_a_database_that_does_not_agree_is_refused(
    database_url: str,
    new_schema: Callable[[], str],
    change: Callable[[Sequence[Migration]], list[Migration]],
    said: str,
) -> None:
    schema = new_schema()
    await (await open_store(database_url, schema=schema)).close()

    with pytest.raises(MigrationError, match=said):
        await _migrated(database_url, schema, change(migrations()))


async def test_a_migration_that_fails_half_way_leaves_nothing(database_url: str, new_schema: Callable[[], str]) -> None:
    schema = new_schema()
    broken = Migration("0001_broken.sql", "create table one (id int); select 1 / 0;", "d")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await _migrated(database_url, schema, [broken])

    sound = Migration("0001_broken.sql", "create table one (id int)", "d")
    assert await _migrated(database_url, schema, [sound]) == ["0001_broken.sql"]


async def _migrated(url: str, schema: str, known: list[Migration]) -> list[str]:
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    try:
        return await migrate(connection, schema, known)
    finally:
        await connection.close()


async def test_a_server_that_could_lose_what_it_acknowledged_is_refused(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("set synchronous_commit = off")

    with pytest.raises(StoreError, match="synchronous_commit = off"):
        await connecting.refuse_unsafe(connection)
    await connection.execute("set synchronous_commit = on")
    await connecting.refuse_unsafe(connection)
    await connection.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://somebody:secret@127.0.0.1:1/x", "cannot be used: "),
        ("mysql://somebody:secret@127.0.0.1/x", "cannot be read"),
        ("postgresql://somebody:sec@ret:secret@127.0.0.1:secret/x", "cannot be read"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_told_of_in_a_line_without_its_password(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as refused:
        await open_store(url)

    assert "sec" not in str(refused.value)


async def test_a_database_that_is_not_there_is_named(database_url: str) -> None:
    with pytest.raises(StoreError, match='"not_there" does not exist'):
        await open_store(urlsplit(database_url)._replace(path="/not_there").geturl())


OLD_ROWS = """
insert into messages (filer, digest, source, format, received_at, law_digest, raw)
    values ('old', decode(repeat('00', 32), 'hex'), 'api', 'json', '2026-11-02T10:30Z', 'law', '{}');
insert into consignments values (nextval('consignment_ids'), 1, 0, 'old', 'R1', 'original', null, '26GB6M4D8E1RE4WAR8',
    null, 'GB', '2026-11-02', '2026-11-02T10:30Z', 'json', 'post', 1, 'low', 0, 4000000, 0, 'GBP', 'law',
    'assessment_complete', 'released', '{"reference": "R1", "jurisdiction": "GB"}');
insert into decisions (consignment_id, decided_at, decided_by, security, control, reasons, law_digest)
    values (1, '2026-11-02T10:30Z', 'corridor', 'assessment_complete', 'released', '{fine}', 'law');
insert into findings values (1, 1, 1, 'B', 'note', '/b', '/0/b', 'second', '', ''),
    (1, 1, 0, 'A', 'warning', '/a', '/0/a', 'first', 'mend', 'act'), (1, null, 0, 'M', 'note', '', '', 'whole', '', '');
insert into charges values (1, 0, 'tax', 'B00', 0, 'VAT', '20.00', '20 %', null, 'half up', '4.00', 'GBP', 'seller',
    'because', 'act', 'firm', '4.00');
insert into answers values ('w', 1, null, 0, 'whole', 'json', '2026-11-02T10:30Z', '[]'),
    ('a-1', 1, 1, 1, 'released', 'json', '2026-11-02T10:30Z', '{"kind": "released", "id": "a-1", "reference": "R1"}'),
    ('a-0', 1, 1, 0, 'accepted', 'json', '2026-11-02T10:30Z', '{"kind": "accepted", "id": "a-0", "reference": "R1"}');
"""


async def test_what_was_kept_in_many_rows_is_read_as_before_from_one(
    database_url: str, new_schema: Callable[[], str]
) -> None:
    schema = new_schema()
    await _migrated(database_url, schema, [one for one in migrations() if one.name < "0006"])
    connection = await asyncpg.connect(database_url, server_settings={"search_path": schema})
    await connection.execute(OLD_ROWS)
    await connection.close()
    store = await open_store(database_url, schema=schema)

    became = (await store.results([1]))[1]
    answers = (await store.answers_of([1]))[1]
    known = await store.look_up(Asked(digests=[("old", bytes(32))]))
    behind = await store.behind(1)
    await store.close()

    assert [finding.code for finding in became[0]] == ["M"]
    [consignment] = became[1]
    assert [(one.code, one.remedy) for one in consignment.cleared.findings] == [("A", "mend"), ("B", "")]
    [charge] = consignment.cleared.charges
    assert (charge.code, charge.item, charge.amount, charge.at_sale, charge.conversion) == (
        "B00",
        0,
        "4.00",
        "4.00",
        None,
    )
    assert [one.id for one in answers] == [one.answer.id for one in behind.answers] == ["a-0", "a-1"]
    assert known.by_digest["old", bytes(32)].answer == b"[]"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into events (at, filer, message_id, kind, body) values (now(), 'x', 0, 'x', '{}')",
        "insert into events (at, filer, message_id, consignment_id, kind, body)"
        " select now(), 'x', max(id), 0, 'x', '{}' from messages",
        "insert into results values (0, '[]', '[]', '[]')",
        "insert into vault values (0, '{}')",
        "insert into idempotency values ('x', 'x', 0)",
    ],
)
async def test_a_row_about_nothing_that_is_there_is_refused(store: Store, law: Law, filer: str, statement: str) -> None:
    message = Message(source="test", data=msgspec.json.encode(consignment()), sender=filer)
    await lodge(message, store=store, law=law, at=AT)

    async with store._pool.acquire() as connection:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(statement)
