"""Three that must agree on who sees what: the policies, PostgreSQL's rules of rows, and what the doors answer."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import product

import asyncpg
import cedarpy
import msgspec
import pytest

from conftest import NOW
from make import consignment
from tidewaiter.access import HOUSE, NOBODY, OPEN, ROLES, Context, Object, Principal, may, may_at_best
from tidewaiter.access.ruling import ACTIONS, ON, policy_names, policy_text, schema_text
from tidewaiter.law import Law
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.services.rule import object_of
from tidewaiter.store import Reader, Store, StoredConsignment, open_store
from tidewaiter.store.vault import Purpose

pytestmark = pytest.mark.anyio
DECISIONS = int(os.environ.get("ACCESS_DECISIONS", "5000"))
"""So many random decisions are compared: `make access` takes 100,000."""
FILERS = ("alpha", "beta", "gamma")
OFFICES = ("", "000011", "000060")
COUNTRIES = ("GB", "FR", "DE")
PURPOSES: tuple[Purpose | str, ...] = ("", "control", "assess")
TABLES = ("results", "decisions", "events", "postings")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def filled(
    database_url: str, new_schema: Callable[[], str], law: Law
) -> AsyncIterator[tuple[Store, list[StoredConsignment]]]:
    """A store with a consignment of each filer at each office of each country, and signals on all."""
    store = await open_store(database_url, schema=new_schema())
    for filer in FILERS:
        records = [
            consignment(reference=f"{country}-{office}-{n}", jurisdiction=country, presentation_office=office or None)
            for country, office, n in product(COUNTRIES, OFFICES, range(2))
        ]
        message = Message(source="test", data=msgspec.json.encode(records), sender=filer)
        await lodge(message, store=store, law=law, at=NOW)
    async with store._pool.acquire() as connection:
        await connection.execute(
            "insert into signals (consignment_id, place, profile, lane, score, reason)"
            " select id, 99, 'fiction', 'examine', 50, 'Secret' from consignments"
        )
        ids = [row["id"] for row in await connection.fetch("select id from consignments order by id")]
    found = await store.consignments(ids)
    yield store, list(found.values())
    await store.close()


def someone(draw: random.Random) -> Principal:
    return Principal(
        id="x",
        kind="person",
        role=draw.choice(ROLES),
        filer=draw.choice(("", *FILERS, "delta")),
        office=draw.choice((*OFFICES, "000099")),
        country=draw.choice(("", *COUNTRIES, "US")),
    )


async def visible(store: Store, reader: Reader) -> dict[str, set[int]]:
    """The consignments of which this reader sees the head, what is personal, and what risk saw."""
    async with store.seen_by(reader)._connection() as connection:
        return {
            "read": {row[0] for row in await connection.fetch("select id from consignments")},
            "read_personal": {row[0] for row in await connection.fetch("select consignment_id from vault")},
            "read_risk": {row[0] for row in await connection.fetch("select consignment_id from signals")},
        }


def is_allowed(who: Principal, action: str, one: StoredConsignment, reader: Reader) -> bool:
    """What the policies say; through broken glass, what they say of that besides."""
    thing, context = object_of(one), Context(purpose=reader.purpose, case=reader.case)
    if may(who, action, thing, context).allowed:
        return True
    if not reader.glass or (action == "read_personal" and not reader.purpose):
        return False
    return may(who, "break_glass", thing, Context(purpose="control", case="C-1")).allowed


async def test_policies_and_rules_of_rows_agree_on_random_decisions(
    filled: tuple[Store, list[StoredConsignment]],
) -> None:
    store, consignments = filled
    draw, told, compared = random.Random(20_261_102), Counter[tuple[str, bool]](), 0
    while compared < DECISIONS:
        who, purpose, case = someone(draw), draw.choice(PURPOSES), draw.choice(("", "C-1"))
        glass = draw.choice(("", "", "", "yes"))
        reader = Reader(who.id, who.role, who.filer, who.office, who.country, purpose, case, glass)
        seen = await visible(store, reader)
        for one, action in product(consignments, seen):
            allowed = is_allowed(who, action, one, reader)
            assert allowed == (one.id in seen[action]), (reader, action, object_of(one))
            told[action, allowed] += 1
            compared += 1

    print(f"\n{compared:,} decisions of {len(told)} kinds agree: {dict(told)}")
    assert all(told[action, allowed] > DECISIONS / 500 for action in seen for allowed in (True, False))


async def test_a_rule_of_rows_that_is_loosened_is_found(filled: tuple[Store, list[StoredConsignment]]) -> None:
    """The comparison can fail: with one rule that lets officers see all offices it does."""
    store, consignments = filled
    officer = Principal(id="x", kind="person", role="officer", office="000011", country="GB")
    async with store._pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "create or replace function serves(country text, office text) returns boolean language sql stable as"
            " $$ select caller('country') = country $$"
        )
        await connection.execute("select set_config('role', 'tidewaiter_guarded', true)")
        for name in ("role", "office", "country"):
            await connection.execute("select set_config($1, $2, true)", f"tidewaiter.{name}", getattr(officer, name))
        seen = {row[0] for row in await connection.fetch("select id from consignments")}
        await transaction.rollback()

    assert any((one.id in seen) != may(officer, "read", object_of(one)).allowed for one in consignments)


async def test_what_hangs_on_a_consignment_is_seen_where_it_is(
    filled: tuple[Store, list[StoredConsignment]],
) -> None:
    store, consignments = filled
    reader = Reader("x", "officer", office="000011", country="GB")
    own = {one.id for one in consignments if may(Principal(id="x", kind="person", role="officer", office="000011",
           country="GB"), "read", object_of(one)).allowed}  # fmt: skip

    async with store.seen_by(reader)._connection() as connection:
        for table in TABLES:
            seen = {row[0] for row in await connection.fetch(f"select distinct consignment_id from {table}")}
            assert seen <= own
            assert seen or table == "postings", table
    assert own


@pytest.mark.parametrize(
    "statement",
    [
        "insert into consignments select * from consignments", "update consignments set control = 'released'",
        "delete from vault", "select * from people", "select * from clients", "select * from sessions",
        "select * from used_once", "select raw from messages", "select * from idempotency", "select * from webhooks",
        "insert into decisions (consignment_id) values (1)", "insert into acts (reason) values ('x')",
        "insert into vault_reads (at, reader, purpose, consignment_ids) values (now(), 'another', 'control', '{}')",
        "select * from vault_reads", "alter table vault disable row level security",
    ],
)  # fmt: skip
async def test_a_guarded_reader_does_nothing_but_look_at_what_is_shown(
    filled: tuple[Store, list[StoredConsignment]], statement: str
) -> None:
    store, _ = filled
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with store.seen_by(Reader("x", "supervisor", country="GB"))._connection() as connection:
            await connection.execute(statement)


async def test_the_reader_is_forgotten_with_the_transaction(filled: tuple[Store, list[StoredConsignment]]) -> None:
    store, consignments = filled
    async with store.seen_by(Reader("x", "public"))._connection() as connection:
        assert await connection.fetchval("select count(*) from consignments") == 0

    for _ in range(20):
        async with store._connection() as connection:
            assert await connection.fetchval("select current_user") != "tidewaiter_guarded"
            assert await connection.fetchval("select count(*) from consignments") == len(consignments)


def test_the_policies_are_right_by_their_schema_and_each_has_a_name() -> None:
    checked = cedarpy.validate_policies(policy_text(), schema_text())

    assert checked.validation_passed, checked.errors
    assert (
        len(set(policy_names()))
        == len(policy_names())
        == policy_text().count("permit (") + policy_text().count("forbid (")
    )


def test_every_policy_decides_something() -> None:
    """None is there for show: over all roles, kinds and acts each policy is the one that decides at least once."""
    decided = set()
    contexts = (
        Context(purpose="control", case="C", is_within_limit=True),
        Context(purpose="assess", is_own_proposal=True),
    )
    things = {
        "House": HOUSE,
        "Consignment": Object(kind="Consignment", id="1", filer="alpha", office="000011", country="GB"),
        "Opening": Object(kind="Opening", id="1", person="x", office="000011", country="GB"),
        "another's": Object(kind="Opening", id="2", person="y", office="000011", country="GB"),
    }
    for role, action, context in product((*ROLES, "open"), sorted(ACTIONS), contexts):
        for kind in ("person", "machine"):
            who = Principal(id="x", kind=kind, role=role, filer="alpha", office="000011", country="GB")
            decided |= {
                may(who, action, thing, context).policy for thing in things.values() if action in ON[thing.kind]
            }

    assert set(policy_names()) <= decided


def test_an_act_there_is_not_is_our_mistake() -> None:
    for action, object in (("fly", HOUSE), ("read", HOUSE), ("lodge", Object(kind="Consignment"))):
        with pytest.raises(KeyError):
            may(OPEN, action, object)


def test_nobody_may_do_anything_but_what_is_for_all() -> None:
    allowed = {action for action in ACTIONS if may_at_best(NOBODY, action).allowed}

    assert allowed == {"look_up", "quote", "read_statistics"}


async def test_an_owner_of_the_tables_who_is_no_administrator_lodges_and_guards_too(
    database_url: str, new_schema: Callable[[], str], law: Law
) -> None:
    """With rules FORCEd on the tables it could lodge nothing: PostgreSQL takes no COPY then (docs/decisions/0014)."""
    schema, administrator = new_schema(), await asyncpg.connect(database_url)
    if not await administrator.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        await administrator.close()
        pytest.skip("only an administrator can make the user that this is about")
    owner = f"owner_{schema}"
    database = await administrator.fetchval("select current_database()")
    await administrator.execute(
        f"create role {owner} login password 'x'; grant create on database \"{database}\" to {owner};"
        f" grant tidewaiter_guarded to {owner}"
    )
    user = await administrator.fetchval("select current_user")
    store = await open_store(
        database_url.replace(f"://{user}:@", f"://{owner}:x@").replace(f"://{user}@", f"://{owner}:x@"), schema=schema
    )
    try:
        message = Message(source="test", data=msgspec.json.encode(consignment()), sender="alpha")
        await lodge(message, store=store, law=law, at=NOW)
        async with store._connection() as connection:
            assert await connection.fetchval("select current_user") == owner
        for country, seen in (("GB", 1), ("FR", 0)):
            found = await store.seen_by(Reader("x", "officer", country=country)).ids_of("ORDER-0001")
            assert len(found) == seen
    finally:
        await store.close()
        await administrator.execute(f'drop schema "{schema}" cascade; drop owned by {owner} cascade; drop role {owner}')
        await administrator.close()
