"""The audit log in the store: a leaf with every effect, in one order without gaps, signed only while it is whole."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import secrets
import stat
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest
from joserfc.jwk import OKPKey

from make import consignment, item, party
from tidewaiter import server
from tidewaiter.audit import leaf
from tidewaiter.law import Law
from tidewaiter.services import audit
from tidewaiter.services.audit import LogDamaged, publish, verify
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Lodged, lodge
from tidewaiter.services.signing import KeyUnfit, own_key
from tidewaiter.settings import Settings
from tidewaiter.store import Store, open_store
from tidewaiter.store import audit as rows_of_log
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
KEY = OKPKey.generate_key("Ed25519")


@pytest.fixture
async def own(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    """A store in which nothing was lodged yet."""
    opened = await open_store(database_url, schema=new_schema(), connections_max=20)
    yield opened
    await opened.close()


async def lodged(store: Store, law: Law, *references: str, filer: str = "filer") -> Lodged:
    records = [consignment(reference=reference) for reference in references]
    message = Message(source="test", data=msgspec.json.encode(records), sender=filer)
    return await lodge(message, store=store, law=law, at=AT)


async def leaves_of(store: Store) -> list[leaf.Leaf]:
    rows = await store.leaves(0, (await store.log()).size)
    assert [row.index for row in rows] == list(range(len(rows)))
    return [msgspec.json.decode(row.entry, type=leaf.Leaf) for row in rows]


async def added(store: Store, count: int) -> None:
    """So many leaves more, each of a commit of its own kind."""
    async with store._pool.acquire() as connection:
        for start in range(0, count, 1_000):
            some = [
                leaf.VaultRead(at=AT, by="test", purpose="control", consignments=(n,))
                for n in range(start, min(count, start + 1_000))
            ]
            async with connection.transaction():
                await rows_of_log.append(connection, some)


async def behind_our_back(store: Store, *statements: str) -> None:
    """What somebody does who may do everything in the database, its guards off."""
    async with store._pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)


async def test_a_lodgement_has_a_leaf_that_says_what_was_lodged_and_decided(own: Store, law: Law) -> None:
    records = [consignment(reference="A"), consignment(reference="B", items=(item(hs_code=None),))]
    message = Message(source="test", data=msgspec.json.encode(records), sender="seller-7")
    done = await lodge(message, store=own, law=law, at=AT)
    [told] = await leaves_of(own)

    assert isinstance(told, leaf.Lodged)
    assert (told.at, told.by, told.message, told.format) == (AT, "seller-7", done.message_id, "json")
    assert told.sha256 == hashlib.sha256(message.data).hexdigest()
    assert told.law == law.digest
    assert [one[1:] for one in told.decisions] == [
        (one.decision.security, one.decision.control) for one in done.results
    ]
    stored = await own.consignments([one[0] for one in told.decisions])
    assert [stored[one[0]].cleared.reference for one in told.decisions] == ["A", "B"]


async def test_what_is_lodged_twice_has_one_leaf_and_a_repeat_in_another_message_is_told(own: Store, law: Law) -> None:
    await lodged(own, law, "A")
    await lodged(own, law, "A")
    await lodged(own, law, "A", "B")
    first, read, second = await leaves_of(own)

    assert isinstance(first, leaf.Lodged)
    assert isinstance(second, leaf.Lodged)
    assert second.repeats == (first.decisions[0][0],)
    assert len(second.decisions) == 1
    # The comparing of the two looked into the vault.
    assert read == leaf.VaultRead(at=AT, by="lodging", purpose="compare", consignments=second.repeats)


async def test_a_message_of_which_nothing_can_be_read_has_its_leaf_too(own: Store, law: Law) -> None:
    await lodge(Message(source="test", data=b"<broken", sender="filer"), store=own, law=law, at=AT)
    [told] = await leaves_of(own)

    assert isinstance(told, leaf.Lodged)
    assert (told.decisions, told.repeats) == ((), ())


async def test_a_long_message_goes_on_in_the_leaves_after_it(own: Store, law: Law) -> None:
    count = leaf.TOGETHER_MAX + 3
    await lodged(own, law, *(f"R{n}" for n in range(count)))
    first, more = await leaves_of(own)

    assert isinstance(first, leaf.Lodged)
    assert isinstance(more, leaf.LodgedMore)
    assert (first.more, len(first.decisions), len(more.decisions)) == (1, leaf.TOGETHER_MAX, 3)
    assert first.message == more.message


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1_000, 1_777])
def test_no_leaf_is_too_long_and_none_of_the_consignments_is_left_out(count: int) -> None:
    decisions = [(2**63 - n, "information_requested", "cancellation_recorded") for n in range(count)]
    repeats = [2**62 + n for n in range(count * 2)]
    leaves = leaf.lodged(
        at=AT, by="f" * 64, message=2**63 - 1, sha256="a" * 64, format="wco_dms", law="b" * 64,
        decisions=decisions, repeats=repeats,
    )  # fmt: skip
    told = [one for one in leaves if isinstance(one, leaf.Lodged | leaf.LodgedMore)]

    assert [one for each in told for one in each.decisions] == decisions
    assert [one for each in told for one in each.repeats] == repeats
    assert isinstance(told[0], leaf.Lodged)
    assert told[0].more == len(leaves) - 1
    assert max(len(leaf.encode(one)) for one in leaves) < 65_536
    assert len(leaf.decided(at=AT, by="officer", decisions=decisions)) == -(-count // leaf.TOGETHER_MAX)


async def test_nothing_personal_is_in_a_leaf(own: Store, law: Law) -> None:
    secret = {"name": "Zbigniewa Exemplarowicz", "street": "77 Quokka Parade", "city": "Wombatville"}
    record = consignment(
        parties=(party("consignor"), party("consignee", **secret), party("importer", **secret)),
        items=(item(description="Exotic wombatproof socks"),),
    )
    await lodge(Message(source="test", data=msgspec.json.encode(record), sender="filer"), store=own, law=law, at=AT)
    [id] = await own.ids_of("ORDER-0001")
    await own.open_vault([id], purpose="control", reader="officer-3", at=AT)
    rows = await own.leaves(0, 9)

    told = b"".join(row.entry for row in rows).decode()
    assert len(rows) == 2
    assert "officer-3" in told
    for word in (*secret.values(), "wombatproof", "ORDER-0001"):
        assert word not in told


async def test_every_reading_of_the_vault_has_its_leaf(own: Store, law: Law) -> None:
    await lodged(own, law, "A", "B")
    [id, other] = [*await own.ids_of("A"), *await own.ids_of("B")]
    await own.open_vault([id, other], purpose="control", reader="officer-3", at=AT)
    await own.open_vault([], purpose="control", reader="officer-3", at=AT)
    _, told = await leaves_of(own)

    assert told == leaf.VaultRead(at=AT, by="officer-3", purpose="control", consignments=(id, other))


async def test_many_at_once_leave_neither_gap_nor_double_also_where_some_fail(own: Store) -> None:
    tries, lost = 200, 0

    async def one(number: int) -> None:
        nonlocal lost
        async with own._pool.acquire() as connection:
            try:
                async with connection.transaction():
                    told = [leaf.VaultRead(at=AT, by=f"{number}", purpose="control", consignments=(n,)) for n in (1, 2)]
                    first = await rows_of_log.append(connection, told)
                    assert first >= 0
                    if number % 5 == 0:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                lost += 1

    await asyncio.gather(*(one(number) for number in range(tries)))
    leaves = await leaves_of(own)

    assert lost == tries // 5
    assert len(leaves) == 2 * (tries - lost)
    # The leaves of one commit stand together, in their order.
    pairs = [(leaves[n], leaves[n + 1]) for n in range(0, len(leaves), 2)]
    assert all(
        isinstance(one, leaf.VaultRead) and isinstance(two, leaf.VaultRead) and one.by == two.by
        and (one.consignments, two.consignments) == ((1,), (2,))
        for one, two in pairs
    )  # fmt: skip
    assert len({one.by for one, _ in pairs if isinstance(one, leaf.VaultRead)}) == len(pairs)


async def test_a_lodgement_that_fails_leaves_no_leaf(own: Store, law: Law, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(rows_of_log, "append", breaks)
        with pytest.raises(ZeroDivisionError):
            await lodged(own, law, "A")
    async with own._pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from messages") == 0
    await lodged(own, law, "A")

    assert len(await leaves_of(own)) == 1


async def test_a_log_that_grows_is_written_on_and_holds_at_every_step(own: Store, law: Law, tmp_path: Path) -> None:
    sizes: list[int] = []
    notes: list[Path] = []
    for more in (0, 1, 254, 1, 1, 300, 0, 300):
        await added(own, more)
        done = await publish(store=own, key=KEY, folder=tmp_path / "log", at=AT)
        assert done.added == more
        sizes.append(done.checkpoint.size)
        notes.append(tmp_path / f"checkpoint-{len(notes)}")
        notes[-1].write_bytes((tmp_path / "log" / "checkpoint").read_bytes())
        found = verify(tmp_path / "log", [KEY], older=notes)
        assert found.faults == ()
        assert found.checkpoint == done.checkpoint
    await lodged(own, law, "A")
    whole = await publish(store=own, key=KEY, folder=tmp_path / "anew", at=AT)

    assert sizes == [0, 1, 255, 256, 257, 557, 557, 857]
    assert verify(tmp_path / "anew", [KEY], older=notes).faults == ()
    # The folder written in many steps has what the one written at once has, and no more than it needs.
    again = await publish(store=own, key=KEY, folder=tmp_path / "log", at=AT)
    assert again.checkpoint == whole.checkpoint
    assert tiles_in(tmp_path / "log") == tiles_in(tmp_path / "anew")


def tiles_in(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.glob("tile/**/*") if one.is_file()}


async def test_two_who_write_the_same_log_at_once_sign_one_and_the_same(own: Store, tmp_path: Path) -> None:
    await added(own, 300)
    done = await asyncio.gather(*(publish(store=own, key=KEY, folder=tmp_path / f"{n % 2}", at=AT) for n in range(6)))

    assert len({one.checkpoint for one in done}) == 1
    assert [len(await own.checkpoints(0, 1_000))] == [1]
    assert [verify(tmp_path / name, [KEY]).faults for name in ("0", "1")] == [(), ()]


# --- What somebody changes who may do everything in the database --------------------------------------------------


async def test_a_row_that_was_changed_is_not_signed_and_is_named(own: Store, tmp_path: Path) -> None:
    await added(own, 400)
    await behind_our_back(
        own,
        "alter table audit_leaves drop constraint audit_leaves_check",
        "update audit_leaves set entry = replace(convert_from(entry, 'UTF8'), 'test', 'else')::bytea where index = 137",
    )

    with pytest.raises(LogDamaged) as damaged:
        await publish(store=own, key=KEY, folder=tmp_path, at=AT)
    assert damaged.value.where == "entry 137"
    assert await own.last_checkpoint() is None


async def test_a_row_that_was_taken_out_is_named(own: Store, tmp_path: Path) -> None:
    await added(own, 400)
    await behind_our_back(own, "delete from audit_leaves where index = 256")

    with pytest.raises(LogDamaged, match="entry 256: it is missing"):
        await publish(store=own, key=KEY, folder=tmp_path, at=AT)


async def test_rows_that_were_signed_cannot_be_changed_with_their_hash_nor_cut_off(own: Store, tmp_path: Path) -> None:
    await added(own, 300)
    await publish(store=own, key=KEY, folder=tmp_path / "log", at=AT)
    await added(own, 10)
    other = "replace(convert_from(entry, 'UTF8'), 'test', 'else')::bytea"
    await behind_our_back(
        own,
        f"update audit_leaves set entry = {other}, hash = sha256('\\x00'::bytea || {other}) where index = 299",
    )

    # Whether the folder goes on or is made anew, the signed root must come out.
    for folder in ("log", "anew"):
        with pytest.raises(LogDamaged, match="not those that were signed in the checkpoint of 300"):
            await publish(store=own, key=KEY, folder=tmp_path / folder, at=AT)
    await behind_our_back(own, "delete from audit_leaves where index >= 299")
    with pytest.raises(LogDamaged, match="entry 299: they were signed and are missing"):
        await publish(store=own, key=KEY, folder=tmp_path / "log", at=AT)


async def test_a_message_whose_bytes_turned_before_they_were_signed_is_named(
    own: Store, law: Law, tmp_path: Path
) -> None:
    await added(own, 3)
    done = await lodged(own, law, "A")
    await behind_our_back(
        own, f"update messages set raw = set_bit(raw, 5, 1 - get_bit(raw, 5)) where id = {done.message_id}"
    )

    with pytest.raises(LogDamaged, match="entry 3: the message it speaks of"):
        await publish(store=own, key=KEY, folder=tmp_path, at=AT)


async def test_fifty_changes_in_the_database_are_found_before_signing_and_after_and_named(
    own: Store, law: Law, tmp_path: Path
) -> None:
    await lodged(own, law, *(f"R{n}" for n in range(9)))
    for reference in ("A", "B", "C"):
        await lodged(own, law, reference)
    await added(own, 6)
    leaves = await leaves_of(own)
    of_messages = {one.message: index for index, one in enumerate(leaves) if isinstance(one, leaf.Lodged)}
    chance = random.Random(7)
    for round in range(50):
        if round == 25:
            await publish(store=own, key=KEY, folder=tmp_path / "sound", at=AT)
        message, index = chance.choice(list(of_messages.items()))
        row = chance.randrange(len(leaves))
        statement, table, expected = chance.choice(
            [
                (f"update messages set raw = raw || 'x' where id = {message}", "messages", index),
                (f"delete from messages where id = {message}", "messages", index),
                (f"update decisions set control = 'seized' where consignment_id = "
                 f"(select min(id) from consignments where message_id = {message})", "decisions", index),
                (f"delete from decisions where consignment_id = "
                 f"(select max(id) from consignments where message_id = {message})", "decisions", index),
                (f"delete from audit_leaves where index = {row}", "audit_leaves", row),
                (f"update audit_leaves set entry = '{{}}', hash = sha256('\\x00'::bytea || '{{}}') where index = {row}",
                 "audit_leaves", row),
                (f"update audit_leaves set entry = entry || ' ', hash = sha256('\\x00'::bytea || entry || ' ')"
                 f" where index = {row}", "audit_leaves", None if round < 25 else row),
            ]
        )  # fmt: skip
        if expected is None:
            continue  # the spelling of a leaf that nothing was signed over yet, and that says the same
        await behind_our_back(own, f"create table aside as table {table}", statement)
        with pytest.raises(LogDamaged) as damaged:
            await publish(store=own, key=KEY, folder=tmp_path / f"{round}", at=AT)
        is_named = damaged.value.where == f"entry {expected}"
        signed_apart = damaged.value.where.startswith(("entries", "entry")) and table == "audit_leaves" and round >= 25
        assert is_named or signed_apart, (statement, damaged.value)
        overriding = "overriding system value" if table in ("messages", "decisions") else ""
        await behind_our_back(
            own, f"delete from {table}", f"insert into {table} {overriding} select * from aside", "drop table aside"
        )
    done = await publish(store=own, key=KEY, folder=tmp_path / "sound", at=AT)

    assert done.checkpoint.size == len(leaves)
    assert verify(tmp_path / "sound", [KEY]).faults == ()


async def test_a_folder_that_is_not_of_this_log_is_not_written_into(own: Store, tmp_path: Path) -> None:
    await added(own, 300)
    await publish(store=own, key=KEY, folder=tmp_path, at=AT)
    held = (tmp_path / "checkpoint").read_bytes()
    await added(own, 1)
    for spoiled in (held.replace(b"tidewaiter/", b"tidewaiter/x"), b"no checkpoint"):
        (tmp_path / "checkpoint").write_bytes(spoiled)
        with pytest.raises(LogDamaged, match="write the log into an empty folder"):
            await publish(store=own, key=KEY, folder=tmp_path, at=AT)
    (tmp_path / "checkpoint").write_bytes(held)
    (tmp_path / "tile" / "1" / "000.p" / "1").unlink()

    with pytest.raises(LogDamaged, match="write the log into an empty folder"):
        await publish(store=own, key=KEY, folder=tmp_path, at=AT)


async def test_the_log_is_appended_to_and_never_changed(own: Store) -> None:
    await added(own, 1)
    async with own._pool.acquire() as connection:
        for statement in (
            "update audit_leaves set entry = 'x'", "delete from audit_leaves", "truncate audit_leaves",
            "update audit_log set origin = 'x'", "delete from audit_checkpoints",
        ):  # fmt: skip
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.fetchval("select audit_append($1, $2, $3)", [b"one"], [bytes(32)], [None])
    assert (await own.log()).size == 1


async def test_the_server_goes_on_writing_the_log_and_tells_what_is_wrong(
    own: Store, law: Law, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(settings=Settings(data_dir=tmp_path), law=law, store=own, now=lambda: AT, signing_key=KEY)
    writing = asyncio.create_task(server.keep_publishing(house, KEY, every_s=0.01))
    try:
        for more in (5, 300):
            before = (await own.log()).size
            await added(own, more)
            async with asyncio.timeout(20):
                while not (held := (await own.last_checkpoint())) or held.size < before + more:
                    await asyncio.sleep(0.02)
        await behind_our_back(own, "delete from audit_leaves where index > 10")
        async with asyncio.timeout(20):
            while "audit log damaged" not in caplog.text:
                await asyncio.sleep(0.02)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    assert verify(tmp_path / audit.FOLDER, [KEY]).faults == ()
    assert "entries 11 to 304" in caplog.text


# --- The key ------------------------------------------------------------------------------------------------------


def test_an_installation_makes_its_key_once_and_for_itself_alone(tmp_path: Path) -> None:
    made = own_key(tmp_path / "data")
    [file] = (tmp_path / "data").iterdir()

    assert own_key(tmp_path / "data").thumbprint() == made.thumbprint()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"spoiled")
    with pytest.raises(KeyUnfit):
        own_key(tmp_path / "data")


def test_leaves_are_written_in_one_spelling() -> None:
    told = leaf.encode(leaf.VaultRead(at=AT, by=secrets.token_hex(4), purpose="control", consignments=(1, 2)))

    assert told == json.dumps(json.loads(told), sort_keys=True, separators=(",", ":")).encode()
