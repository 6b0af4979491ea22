"""Gathering: what arrives while a batch is being written is the next batch.

A message that comes alone is lodged alone at once, and the busier the house, the more go together. One batch is
judged while the one before it is written; where other processes have use for the processor meanwhile, one at a time
is made larger instead. What waits is bounded in number and in bytes, and each filer has its share of the room: it may
hold as much as is still free, so that one that floods leaves half of it to the others. It is told to slow down, while
the others' messages are taken in turn with its own. A batch lasts as long as all that is in it, so while others are
about no filer puts more into one than makes it last about half as long again as a batch of one: who floods waits for
the next, and not everybody for him.

Source of the share: Choudhury and Hahne, Dynamic Queue Length Thresholds, IEEE/ACM Transactions on Networking 6 (1998).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tidewaiter.services.judging import Judged, Lodged, judge
from tidewaiter.services.lodge import settle
from tidewaiter.services.preparing import Desk, Lodging, Name, Prepared, independent, prepare

MESSAGES_MAX = 256
"""So many messages are lodged together at most; a batch of more would make its first wait too long."""
OWN_MAX = 16
"""So many of one filer, at most, while others are about: with so many a batch lasts half as long again as with one."""
OWN_BYTES = 1 << 16
"""A filer that has so many bytes in a batch puts no more messages into it, while others are about."""
ALONE_AFTER_S = 1.0
"""After so long in which no other filer lodged anything, a filer is alone."""
BATCH_BYTES = 1 << 20
"""A batch that has so many bytes takes no more messages."""
COMING_SHARE = 0.1
"""Between two batches more is waited for while it comes, but no longer than this share of what the last one took."""
STILL_S = 0.001
"""Nothing came for so long: nothing more is coming."""
READY_BELOW = 0.8
"""No more is asked for once so much of the room is taken."""


class Full(Exception):
    """There is no room for anybody's message now."""


class Flooding(Exception):
    """This filer has as much waiting as is its share."""


@dataclass(slots=True)
class Room:
    """How much may be held at once, and how much of it each filer holds: messages in number and in bytes."""

    messages_max: int
    bytes_max: int
    messages: int = 0
    bytes: int = 0
    held: dict[str, list[int]] = field(default_factory=dict)

    @contextmanager
    def taken(self, filer: str) -> Iterator[Held]:
        """Room for one message of the filer while the context lasts. Raises Full, Flooding."""
        own = self.held.setdefault(filer, [0, 0])
        taken = Held(self, own)
        try:
            self.refuse(own, self.messages_max - self.messages, self.bytes_max - self.bytes)
            taken.is_counted = True
            own[0] += 1
            self.messages += 1
            yield taken
        finally:
            if taken.is_counted:
                own[0] -= 1
                self.messages -= 1
            own[1] -= taken.bytes
            self.bytes -= taken.bytes
            if own == [0, 0]:
                self.held.pop(filer, None)

    def refuse(self, own: list[int], messages_left: int, bytes_left: int) -> None:
        """Nothing, where there is room for more of whom these are. Raises Full, Flooding."""
        if messages_left <= 0 or bytes_left <= 0:
            raise Full
        if own[0] >= messages_left or own[1] >= bytes_left:
            raise Flooding

    @property
    def is_ready(self) -> bool:
        """Whether more should be sent here."""
        return self.messages < self.messages_max * READY_BELOW and self.bytes < self.bytes_max * READY_BELOW


@dataclass(slots=True)
class Held:
    """The room that one message takes: it grows as the message arrives."""

    room: Room
    own: list[int]
    bytes: int = 0
    is_counted: bool = False

    def grow(self, size: int) -> None:
        """So many bytes more have come. Raises Full, Flooding."""
        left = self.room.bytes_max - self.room.bytes
        if size > left:
            raise Full
        if self.own[1] + size > left and self.own[1] > self.bytes:
            raise Flooding
        self.bytes += size
        self.own[1] += size
        self.room.bytes += size


@dataclass(slots=True)
class _Waiting:
    """A message that waits for its outcome. `prepared` once it has been read."""

    lodging: Lodging
    outcome: asyncio.Future[Lodged]
    prepared: Prepared | None = None


class Gatherer:
    """Lodges what is given to it at about the same time together. Belongs to one event loop.

    So many batches are under way `at_once`: with two, one is judged while the one before it is written, and a third
    would only wait. With one, whoever was answered by the last batch can be in the next, if that waits for a moment.
    """

    def __init__(self, desk: Desk, room: Room, *, at_once: int = 2) -> None:
        self.room = room
        self._at_once = at_once
        self._desk = desk
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._last: dict[str, float] = {}
        self._busy: dict[int, frozenset[Name]] = {}
        self._judging = asyncio.Lock()
        self._came = 0
        self._working = 0
        self._workers: set[asyncio.Task[None]] = set()

    async def lodge(self, lodging: Lodging) -> Lodged:
        """What became of the message, once it is committed. Raises what `lodge.lodge` raises."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(lodging, loop.create_future())
        filer = lodging.message.sender
        self._waiting.setdefault(filer, deque()).append(waiting)
        self._came += 1
        self._last.pop(filer, None)
        self._last[filer] = loop.time()
        self._wake()
        # Who goes away does not take the message along: it is lodged, and the same bytes are answered later.
        return await asyncio.shield(waiting.outcome)

    def _wake(self) -> None:
        if self._working < self._at_once:
            self._working += 1
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)  # which keeps it alive
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        try:
            await self._work_off()
        except Exception:
            if self._waiting:
                self._wake()
            raise
        finally:
            # At once, and not when the task is known to be done: what comes in between must find a worker.
            self._working -= 1

    async def _work_off(self) -> None:
        clock = asyncio.get_running_loop().time
        took_s = 0.0
        while self._waiting:
            if self._at_once == 1:
                await self._let_come(within_s=took_s * COMING_SHARE)
            began = clock()
            async with self._judging:
                taken = self._take()
                try:
                    batch = await self._independent(taken)
                    prepared = [one.prepared for one in batch if one.prepared is not None]
                    self._busy[id(batch)] = frozenset[Name]().union(*(one.names for one in prepared))
                    judged = await _judged(prepared, self._desk) if prepared else None
                except BaseException as error:
                    _fail(taken, error)
                    raise
            try:
                if prepared:
                    _tell(batch, await settle(prepared, self._desk, judged))
            except BaseException as error:
                _fail(batch, error)
                raise
            finally:
                del self._busy[id(batch)]
            took_s = clock() - began
            if not batch and self._busy:
                return  # what waits depends on what is being written: who writes it will look again

    async def _let_come(self, *, within_s: float) -> None:
        """Returns once no more comes. Without, who was answered just now and has the next ready would always miss a
        batch, and every batch be half as large."""
        clock = asyncio.get_running_loop().time
        until, before = clock() + within_s, -1
        while before != self._came and clock() < until:
            before = self._came
            await asyncio.sleep(STILL_S)

    async def _independent(self, taken: Sequence[_Waiting]) -> list[_Waiting]:
        """Those of them to be settled together now, read; what must wait for others is put back where it was."""
        unread = [one for one in taken if one.prepared is None]
        if unread:
            read = await prepare([one.lodging for one in unread], self._desk)
            for one, prepared in zip(unread, read, strict=True):
                if isinstance(prepared, Prepared):
                    one.prepared = prepared
                else:
                    _tell([one], [prepared])
        able = [one for one in taken if one.prepared is not None]
        busy = frozenset[Name]().union(*self._busy.values())
        now = set(independent([one.prepared for one in able if one.prepared is not None], busy))
        for place in reversed(range(len(able))):
            if place not in now:
                self._waiting.setdefault(able[place].lodging.message.sender, deque()).appendleft(able[place])
        return [one for place, one in enumerate(able) if place in now]

    def _take(self) -> list[_Waiting]:
        """As much as is lodged together, a message of each filer in turn, each filer's in their order."""
        own_max, own_bytes = (OWN_MAX, OWN_BYTES) if self._are_several() else (MESSAGES_MAX, BATCH_BYTES)
        taken: list[_Waiting] = []
        size = 0
        had: dict[str, list[int]] = {}
        resting: dict[str, deque[_Waiting]] = {}
        while self._waiting and len(taken) < MESSAGES_MAX and size < BATCH_BYTES:
            filer = next(iter(self._waiting))
            own = self._waiting.pop(filer)
            taken.append(own.popleft())
            length = len(taken[-1].lodging.message.data)
            size += length
            share = had.setdefault(filer, [0, 0])
            share[0] += 1
            share[1] += length
            if own:
                is_over = share[0] >= own_max or share[1] >= own_bytes
                (resting if is_over else self._waiting)[filer] = own  # to the end of the turn
        self._waiting |= resting
        return taken

    def _are_several(self) -> bool:
        """Whether more than one filer lodged something lately. Forgets those who did not."""
        long_ago = asyncio.get_running_loop().time() - ALONE_AFTER_S
        while self._last and next(iter(self._last.values())) < long_ago:
            del self._last[next(iter(self._last))]
        return len(self._last.keys() | self._waiting.keys()) > 1


async def _judged(prepared: Sequence[Prepared], desk: Desk) -> Judged | Exception:
    try:
        return await judge(prepared, desk)
    except Exception as error:
        return error


def _tell(batch: Sequence[_Waiting], results: Sequence[Lodged | Exception]) -> None:
    for one, result in zip(batch, results, strict=True):
        if one.outcome.done():
            continue
        if isinstance(result, Lodged):
            one.outcome.set_result(result)
        else:
            one.outcome.set_exception(result)


def _fail(batch: Sequence[_Waiting], error: BaseException) -> None:
    for one in batch:
        if isinstance(error, Exception):
            _tell([one], [error])
        else:
            one.outcome.cancel()
