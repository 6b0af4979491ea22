"""Lists of denied parties: bringing them in, having them at hand, and screening again when one of them has changed.

A state of a list is a row of its own, and of each list the newest holds. A file that cannot be read, or that has lost
most of those on it, is refused with the reason, and what held goes on. Old states are kept, so that a decision can be
looked at again with the lists it was made by.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.risk import signals_of_lists
from tidewaiter.risk.screening import DeniedList, Index, Version
from tidewaiter.services.list_forms import ListError, read_list
from tidewaiter.services.records import signals_by_row
from tidewaiter.store import ListRow, Screened, Store

LOST_MAX = 0.5
"""Share of the parties that a new state may have lost; beyond that it is more likely a file cut short."""
BYTES_MAX = 128 << 20
PAGE = 500
"""Consignments that are screened again together."""
READER = "screening"
log = logging.getLogger(__name__)
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Held:
    """The lists that hold, made ready, and the ids of their states."""

    ids: tuple[int, ...]
    index: Index


async def bring_in(
    form: str,
    files: Sequence[bytes],
    *,
    store: Store,
    by: str,
    at: datetime,
    source: str = "",
    may_shrink: bool = False,
) -> tuple[ListRow, bool]:
    """The state of the list that holds from now on, and whether it is a new one. `source` names the list where two of
    one form are kept.

    Raises ListError, and then what held before still does; its text says what that is.
    """
    source = source or form
    if _SOURCE.fullmatch(source) is None:
        raise ListError("a list is named by small letters, digits and hyphens")
    before = next((one for one in await store.screening.held() if one.source == source), None)
    try:
        made = await asyncio.to_thread(_read, form, files, source)
        if before is not None and not may_shrink and made.version.parties < before.parties * (1 - LOST_MAX):
            raise ListError(
                f"it has {made.version.parties:,} parties where {before.parties:,} were; that is taken for a file cut "
                "short"
            )
    except ListError as wrong:
        raise ListError(f"{wrong}; {_goes_on(before)}") from None
    version = made.version
    if before is not None and before.digest == version.digest:
        return before, False
    state = await asyncio.to_thread(msgspec.json.encode, made, order="deterministic")
    kept = await store.screening.add(
        source=source, digest=version.digest, dated=version.dated, parties=version.parties, at=at, by=by, state=state
    )
    return kept, True


def _goes_on(before: ListRow | None) -> str:
    if before is None:
        return "there is no older one, so nobody is screened by it"
    return f"the one of {before.dated or before.taken_at.date()}, {before.digest[:12]}, goes on"


def _read(form: str, files: Sequence[bytes], source: str) -> DeniedList:
    if sum(map(len, files)) > BYTES_MAX:
        raise ListError(f"it is larger than {BYTES_MAX >> 20} MB")
    read = read_list(form, files)
    data = files[0] if len(files) == 1 else b"".join(hashlib.sha256(file).digest() for file in files)
    version = Version(source, hashlib.sha256(data).hexdigest(), read.dated, len(read.parties))
    return DeniedList(version, read.parties)


async def state(id: int, *, store: Store) -> DeniedList:
    """A list in one of its states, which need not hold. Raises ListError where it is not there or spoiled."""
    kept = await store.screening.state(id)
    if kept is None:
        raise ListError(f"no state {id} of a list is kept")
    try:
        return await asyncio.to_thread(msgspec.json.decode, kept, type=DeniedList)
    except msgspec.MsgspecError:
        raise ListError(f"the state {id} of a list is spoiled; bring the list in again") from None


async def held(store: Store, rows: Sequence[ListRow] | None = None) -> Held | None:
    """The lists that hold, made ready; None where there is none. Raises ListError."""
    rows = await store.screening.held() if rows is None else rows
    if not rows:
        return None
    lists = [await state(row.id, store=store) for row in rows]
    return Held(tuple(row.id for row in rows), await asyncio.to_thread(Index, lists))


@dataclass(slots=True)
class Shelf:
    """The lists at hand for lodging. While new ones are made ready the old ones go on: a decision says which it was
    made by, and screening again finds it."""

    store: Store
    _held: Held | None = None
    _asked_for: tuple[int, ...] = ()
    _making: asyncio.Task[Held | None] | None = field(default=None, repr=False)

    async def held(self) -> Held | None:
        """The lists made ready; waits for the first. Raises StoreUnavailable; ListError where none is ready yet."""
        rows = await self.store.screening.held()
        ids = tuple(row.id for row in rows)
        if ids != self._asked_for and (self._making is None or self._making.done()):
            self._asked_for = ids
            self._making = asyncio.create_task(held(self.store, rows))
        if self._making is None:
            return None
        if self._held is None:
            self._held = await asyncio.shield(self._making)
        elif self._making.done():
            try:
                self._held = self._making.result()
            except ListError as wrong:
                log.error("lists_not_ready reason=%s", wrong)
        return self._held


@dataclass(frozen=True, slots=True)
class Again:
    """What came of screening again: how many consignments were looked at, and the references of those with a hit."""

    looked_at: int
    hits: tuple[str, ...]
    lists: tuple[int, ...]


async def screen_again(*, store: Store, law: Law, since: datetime, at: datetime) -> Again:
    """Screen what was received since then by what has changed on the lists since it was last screened, and write down
    what is seen. What stands already is not screened; stopped half-way, it goes on where it stopped.

    Raises ListError. It decides nothing: a hit is one more signal for officers.
    """
    now = await held(store)
    if now is None:
        return Again(0, (), ())
    changes = _Changes(store, now)
    looked_at, hits, after = 0, list[str](), 0
    while page := await store.screening.standing(after=after, since=since, size=PAGE):
        after = page[-1].id
        by_lists: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for one in page:
            if one.lists != now.ids:
                by_lists[one.lists].append(one.id)
        references = {one.id: one.reference for one in page}
        for lists, ids in by_lists.items():
            index = await changes.since(lists)
            records = await store.open_vault(ids, purpose="control", reader=READER, at=at) if index else {}
            batch = Batch.of([records[id] for id in ids if id in records])
            seen = await asyncio.to_thread(signals_of_lists, batch, law, index) if index else None
            told = signals_by_row(seen, len(batch)) if seen is not None else []
            by_id = dict(zip((id for id in ids if id in records), told, strict=False))
            done = [Screened(id=id, signals=by_id.get(id, ())) for id in ids]
            await store.screening.keep(done, lists=now.ids, at=at)
            looked_at += len(ids)
            hits += [references[one.id] for one in done if one.signals]
    return Again(looked_at, tuple(hits), now.ids)


class _Changes:
    """What differs between the lists that hold and those by which somebody was screened."""

    def __init__(self, store: Store, now: Held) -> None:
        self._store, self._now = store, now
        self._known: dict[tuple[int, ...], Index | None] = {}

    async def since(self, lists: tuple[int, ...]) -> Index | None:
        """The lists, asked for those alone who are new or told otherwise; None where nobody is."""
        if lists not in self._known:
            old: Mapping[str, DeniedList] = {
                one.version.source: one for one in [await state(id, store=self._store) for id in lists]
            }
            before = {source: frozenset(one.parties) for source, one in old.items()}
            self._known[lists] = self._now.index.among(
                lambda source, party: party not in before.get(source, frozenset())
            )
        found = self._known[lists]
        return found if found is not None and found.is_asking else None
