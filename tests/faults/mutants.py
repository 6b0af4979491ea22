"""Mistakes seeded into the code, by name: each breaks one promise, and the harness must find every one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

from faults import working
from tidewaiter.exchange.delivering import Delivery
from tidewaiter.services import acting, approve, refund, watch
from tidewaiter.services import audit as publishing
from tidewaiter.store import (
    Acting,
    Store,
    access,
    acts,
    audit,
    glass,
    lodgements,
    migrating,
    presentations,
    reading,
    uploads,
)  # fmt: skip

Patch = Any  # what `mock.patch` makes has no name of its own
_LEFT: set[asyncio.Task[None]] = set()


class Mutant(NamedTuple):
    """A mistake: the operation that must find it, what is put in place of what, and what the database loses."""

    operation: str
    patches: Callable[[], Sequence[Patch]] = tuple
    sql: tuple[str, ...] = ()


class _Loose:
    """A connection that forgets a safeguard, and else does what it is told."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class _Untied(_Loose):
    """Every statement is a transaction of its own."""

    def transaction(self) -> Any:
        return nullcontext()


class _Unguarded(_Loose):
    """It reads without a lock, and writes whatever stands there by then."""

    async def fetchval(self, query: str, *given: Any) -> Any:
        return await self._connection.fetchval(query.replace(" for update", ""), *given)

    async def execute(self, query: str, *given: Any) -> Any:
        if query.startswith("update consignments"):
            query, given = query.partition(" and security =")[0], given[:3]
        return await self._connection.execute(query, *given)


def _answered_first() -> Sequence[Patch]:
    async def write(self: Store, written: Any) -> Any:
        ids: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

        async def later() -> None:
            async with self._connection() as connection, connection.transaction():
                ids.set_result(await lodgements._write_all(connection, written))
                await asyncio.sleep(0.05)

        task = asyncio.get_running_loop().create_task(later())
        _LEFT.add(task)
        task.add_done_callback(_LEFT.discard)
        return await ids

    return [mock.patch.object(Store, "write", write)]


def _lodged_in_pieces() -> Sequence[Patch]:
    return [mock.patch.object(lodgements, "write", lodgements._write_all)]


def _apart(name: str) -> Sequence[Patch]:
    """The rows of one table are written in a transaction of their own, after the others."""
    whole, write = lodgements._tables, lodgements.write
    held: list[Any] = []

    def tables(written: Any) -> Iterator[Any]:
        for table in whole(written):
            if table[0] == name:
                held.append(table)
            else:
                yield table

    async def in_two(connection: Any, many: Any) -> Any:
        held.clear()
        ids = await write(connection, many)
        for table, columns, rows in held:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
        return ids

    return [mock.patch.object(lodgements, "_tables", tables), mock.patch.object(lodgements, "write", in_two)]


def _leaf_after_commit() -> Sequence[Patch]:
    write, append = lodgements.write, audit.append
    held: list[Any] = []

    async def keep(_: Any, leaves: Any) -> int:
        held.extend(leaves)
        return 0

    async def in_two(connection: Any, many: Any) -> Any:
        held.clear()
        ids = await write(connection, many)
        await append(connection, held)
        return ids

    return [
        mock.patch.object(lodgements, "audit", SimpleNamespace(append=keep)),
        mock.patch.object(lodgements, "write", in_two),
    ]


def _rows(name: str, change: Callable[[list[Any]], list[Any]]) -> Sequence[Patch]:
    """The rows of one table of a lodgement are others."""
    whole = lodgements._tables

    def tables(written: Any) -> Iterator[Any]:
        for table, columns, rows in whole(written):
            yield table, columns, change(rows) if table == name else rows

    return [mock.patch.object(lodgements, "_tables", tables)]


def _not_looked_up() -> Sequence[Patch]:
    look_up = Store.look_up

    async def blind(self: Store, asked: Any) -> Any:
        return (await look_up(self, asked))._replace(by_digest={}, by_key={})

    return [mock.patch.object(Store, "look_up", blind)]


def _given_back_again() -> Sequence[Patch]:
    kept = acting.kept

    async def no_repeat(*_: Any, **__: Any) -> None:
        return None

    async def keyless(*given: Any, **named: Any) -> Any:
        return await kept(*given, **{**named, "key": None})

    return [mock.patch.object(refund, "repeated", no_repeat), mock.patch.object(refund, "kept", keyless)]


def _read_then_written() -> Sequence[Patch]:
    locked = acts._locked

    async def loose(connection: Any, *given: Any) -> Any:
        found = await locked(_Unguarded(connection), *given)
        await asyncio.sleep(0.05)  # as long as somebody thinks about it
        return found

    return [mock.patch.object(acts, "_locked", loose)]


def _closes_nothing() -> Sequence[Patch]:
    kept = acting.kept

    async def unasked(*given: Any, **named: Any) -> Any:
        return await kept(*given, **{**named, "proposal": None})

    return [*_nothing(Acting, "close")(), mock.patch.object(approve, "kept", unasked)]


def _nothing(owner: Any, name: str) -> Callable[[], Sequence[Patch]]:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    return lambda: [mock.patch.object(owner, name, nothing)]


def _without_leaf(module: Any) -> Callable[[], Sequence[Patch]]:
    async def nothing(*_: Any) -> None:
        return None

    return lambda: [mock.patch.object(module, "audit", SimpleNamespace(append=nothing))]


def _in_pieces(kept: type) -> Callable[[], Sequence[Patch]]:
    """What takes its connections so writes each statement for itself."""

    def patches() -> Sequence[Patch]:
        made: Any = kept.__init__  # type: ignore[misc]

        def untied(self: Any, connect: Any) -> None:
            @asynccontextmanager
            async def loose() -> AsyncIterator[Any]:
                async with connect() as connection:
                    yield _Untied(connection)

            made(self, loose)

        return [mock.patch.object(kept, "__init__", untied)]

    return patches


def _checkpoint_not_kept() -> Sequence[Patch]:
    async def shown_only(_: Store, made: Any, **__: Any) -> Any:
        return made

    return [mock.patch.object(Store, "keep_checkpoint", shown_only)]


def _files_in_place() -> Sequence[Patch]:
    def file(self: Any, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as opened:
            opened.write(data[: len(data) // 2])
            opened.flush()
            os.fsync(opened.fileno())
            opened.write(data[len(data) // 2 :])

    return [mock.patch.object(publishing._Writer, "_file", file)]


def _passed_first() -> Sequence[Patch]:
    send = Delivery._send

    async def early(self: Any, hook: Any, events: Any, lease: Any) -> Any:
        await self._hooks.passed(hook, events[-1].position, behind=(), at=self._now())
        return await send(self, hook, events, lease)

    return [mock.patch.object(Delivery, "_send", early)]


def _put_away_first() -> Sequence[Patch]:
    keep, put_away = watch.Folders.keep_answer, watch.Folders.put_away
    answers: list[tuple[str, bytes]] = []

    def later(_: Any, name: str, data: bytes) -> None:
        answers.append((name, data))

    def first(self: Any, name: str, folder: str, digest: str) -> None:
        put_away(self, name, folder, digest)
        keep(self, *answers.pop())

    return [mock.patch.object(watch.Folders, "keep_answer", later), mock.patch.object(watch.Folders, "put_away", first)]


def _migrated_in_pieces() -> Sequence[Patch]:
    async def loose(connection: Any, schema: str) -> Any:
        return await migrating.migrate(_Untied(connection), schema)

    return [mock.patch.object(working, "migrate", loose)]


def _part_not_kept() -> Sequence[Patch]:
    loose = uploads._APPEND.replace("where octet_length", "where false and octet_length")
    return [mock.patch.object(uploads, "_APPEND", loose)]


def _still_in() -> Sequence[Patch]:
    return [mock.patch.object(access, "_END_ALL", "select $1::text, $2::timestamptz")]


def _dropped(_: list[Any]) -> list[Any]:
    return []


MUTANTS: dict[str, Mutant] = {
    "answered before the commit": Mutant("lodge_fresh", _answered_first),
    "a lodgement in pieces": Mutant("lodge_fresh", _lodged_in_pieces),
    "events in another transaction": Mutant("lodge_fresh", lambda: _apart("events")),
    "legs in another transaction": Mutant("lodge_fresh", lambda: _apart("postings")),
    "the leaf after the commit": Mutant("lodge_fresh", _leaf_after_commit),
    "no record of the key": Mutant("lodge_fresh", lambda: _rows("idempotency", _dropped)),
    "legs posted twice": Mutant("lodge_batch", lambda: _rows("postings", lambda rows: rows * 2)),
    "the answer is not kept": Mutant(
        "lodge_fresh", lambda: _rows("messages", lambda rows: [(*row[:-1], b"") for row in rows])
    ),
    "a repeat is not looked for": Mutant("lodge_fresh", _not_looked_up),
    "no unique index": Mutant(
        "lodge_twice_at_once",
        sql=(
            "alter table messages drop constraint messages_filer_digest_key",
            "drop index consignments_natural_key",
        ),
    ),
    "given back again when sent again": Mutant("refund", _given_back_again),
    "read, then written without a guard": Mutant("release_twice_at_once", _read_then_written),
    "an act in pieces": Mutant("release", _in_pieces(acts.Acts)),
    "an act without a leaf": Mutant("refuse", _without_leaf(acts)),
    "an act without an event": Mutant("release", _nothing(Acting, "_event")),
    "a presentation in pieces": Mutant("present", _in_pieces(presentations.Presentations)),
    "a presentation without a leaf": Mutant("present", _without_leaf(presentations)),
    "an approval that ends no proposal": Mutant("approve", _closes_nothing),
    "downtime entered in pieces": Mutant("enter_downtime", _in_pieces(acts.Acts)),
    "a checkpoint shown and not kept": Mutant("publish_audit_log", _checkpoint_not_kept),
    "files written in place": Mutant("publish_audit_log", _files_in_place),
    "an event passed over before it was sent": Mutant("deliver_webhooks", _passed_first),
    "a file put away before its answer": Mutant("watch_folder", _put_away_first),
    "a migration in pieces": Mutant("migrate", _migrated_in_pieces),
    "glass broken without a leaf": Mutant("break_glass", _without_leaf(glass)),
    "a part counted and not kept": Mutant("upload", _part_not_kept),
    "sessions that outlive their account": Mutant("remove_account", _still_in),
    "a reading that leaves no leaf": Mutant("read_what_is_personal", _without_leaf(reading)),
}


@contextmanager
def seeded(name: str | None) -> Iterator[None]:
    """The mistake of that name is in the code while the context lasts; none where there is no name."""
    with ExitStack() as stack:
        for patch in MUTANTS[name].patches() if name is not None else ():
            stack.enter_context(patch)
        yield
