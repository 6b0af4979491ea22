"""A JSON message read by the kernel, in one pass over its bytes: what `framing.Judged` says of it, only sooner.

Import this only where numba is wanted: see `model/kernels.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewaiter.formats.json.building import ENTRIES_MAX
from tidewaiter.formats.json.framing import Said, keys_of, value_of
from tidewaiter.formats.json.kernel import FAILED, Different, Layout, Leaves, Many, Objects, Room, Rows, scan, spread
from tidewaiter.formats.layout import (
    BELOW,
    BYTES_MAX,
    CAPITALS,
    CONTEXTS,
    IS_OPTIONAL,
    MANY,
    PLACES,
    SHAPE,
    SORT,
    TEXTS,
    TEXTS_OF_CONTEXT,
    TOLD,
    WHOLE_MAX,
)
from tidewaiter.formats.spans import ahead, ended, texts
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import MISSING, Whole

_SMALLEST = 3
"""No value and no object takes fewer bytes of a message, with its comma."""
_SIZE_MAX = 2**31 - 2
_SLOTS_MIN = 1 << 12
_BYTES_A_SLOT = 64
_ROOM_MIN, _KEPT_MAX = 1 << 21, 1 << 21
"""Room is made for a message of at least so many bytes, and kept where no more values than so many took of it."""


def _layout() -> Layout:
    names = [place.name.encode() for place in PLACES]
    written = np.zeros((len(names), max(map(len, names))), np.uint8)
    for place, name in enumerate(names):
        written[place, : len(name)] = list(name)
    of = np.array([place.context for place in PLACES])
    held = [np.flatnonzero(of == context) for context in range(len(CONTEXTS))]
    required = np.zeros(len(PLACES), np.bool_)
    for context in CONTEXTS:
        required[list(context.required)] = True
    return Layout(
        names=written,
        name_sizes=np.array([len(name) for name in names], np.int16),
        sort=np.where(SORT == CAPITALS, TOLD, SORT).astype(np.int8),  # of capitals there are few different ones
        shape=SHAPE,
        below=BELOW,
        is_optional=IS_OPTIONAL,
        is_required=required,
        bytes_max=BYTES_MAX,
        whole_max=WHOLE_MAX,
        first=np.array([places[0] if len(places) else 1 for places in held], np.int16),
        last=np.array([places[-1] if len(places) else 0 for places in held], np.int16),
        required=np.array([len(context.required) for context in CONTEXTS], np.int16),
        is_many=np.array([context.shape == MANY for context in CONTEXTS], np.bool_),
        texts=TEXTS_OF_CONTEXT,
        entries_max=ENTRIES_MAX,
    )


_LAYOUT = _layout()
_IS_LISTED = SHAPE == TEXTS


_ROOM: list[Room] = []
"""Room that is free, for one message: to be given new memory takes the machine a fifth as long as the reading."""


class _Told(NamedTuple):
    """Values, the place of each, and the number of its object among those of its context."""

    values: npt.NDArray[Any]
    place: npt.NDArray[np.int16]
    owner: npt.NDArray[np.int32]


class Passed:
    """The consignments of a list whose entries begin at a place of the message: where each begins and ends, which are
    not plain, how many values of each are `kept`. Columns are made when they are asked for.

    Raises ValueError where it is not plainly a list of objects, which ends the message.
    """

    def __init__(self, body: bytes, at: int) -> None:
        if len(body) > _SIZE_MAX:
            raise ValueError("longer than the kernel counts")
        self.body = body
        found = _taken(len(body))
        slots = np.full(max(_SLOTS_MIN, 1 << (len(body) // _BYTES_A_SLOT).bit_length()), -1, np.int32)
        signs = ended(body)
        many = scan(signs, ahead(signs), at, _LAYOUT, found._replace(different=found.different._replace(slots=slots)))
        if many.rows == FAILED:
            raise ValueError("not plainly a list of objects")
        self._keep(found, many)
        if sum(many) <= _KEPT_MAX and not _ROOM:
            _ROOM.append(found)

    def _keep(self, found: Room, many: Many) -> None:
        """Copies of what was found, since the room is for the most there could be."""
        rows, leaves, objects, different = found.rows, found.leaves, found.objects, found.different
        self.starts, self.ends, self.is_odd = _firsts(many.rows, rows.starts, rows.ends, rows.is_odd)
        self.kept = _whole(rows.kept, many.rows)
        context = objects.context[: many.objects]
        self._at: dict[int, Whole] = {
            entity: np.flatnonzero(context == entity) for entity in np.flatnonzero(np.bincount(context)).tolist()
        }
        self._row, self._parent, self._position = (
            _whole(part, many.objects) for part in (objects.row, objects.parent, objects.position)
        )
        self._starts, self._ends, text_place, text_owner = _firsts(
            many.texts, leaves.text_starts, leaves.text_ends, leaves.text_place, leaves.text_owner
        )
        self._texts = _Told(np.arange(many.texts, dtype=np.uint32), text_place, text_owner)
        self._numbers = _Told(*_firsts(many.numbers, leaves.numbers, leaves.number_place, leaves.number_owner))
        self._told = _Told(*_firsts(many.told, leaves.told.view(np.uint32), leaves.told_place, leaves.told_owner))
        self._judge_told(
            *(part[: many.different].tolist() for part in (different.starts, different.ends, different.place))
        )

    def _judge_told(self, starts: list[int], ends: list[int], places: list[int]) -> None:
        """Each different value of a type with few different ones is judged by the type itself."""
        self._different = [
            value_of(self.body[start:end], place) for start, end, place in zip(starts, ends, places, strict=True)
        ]
        wrong = np.array([value is None for value in self._different], np.bool_)
        if wrong.any():
            which, place, owner = self._told
            for at in np.flatnonzero(wrong[which]).tolist():
                objects = self._at[PLACES[place[at]].entity]
                self.is_odd[self._row[objects[owner[at]]]] = True

    def batch(self) -> Batch:
        """All consignments as columns. What stands in the rows that are not plain is not to be used."""
        sizes = {entity: len(at) for entity, at in self._at.items()}
        position = {entity: self._position[at] for entity, at in self._at.items()}
        place, owner = self._texts.place, self._texts.owner
        listed = []
        for number in np.flatnonzero(np.bincount(place[_IS_LISTED[place]])).tolist():
            at = np.flatnonzero(place == number)
            listed.append((number, at, owner[at].astype(np.int64)))
        words = _spread(sizes, self._texts, len(place))
        return Said(
            sizes,
            {entity: keys_of(entity, self._row[at], self._parent[at], position) for entity, at in self._at.items()},
            texts(self.body, self._starts, self._ends),
            self._different,
            _spread(sizes, self._numbers, MISSING),
            [column for column in words if not _IS_LISTED[column[0]]],
            listed,
            _spread(sizes, self._told, len(self._different)),
        ).batch()


def _taken(size: int) -> Room:
    """Room for what a message of so many bytes may say: what is free, where that is enough."""
    try:
        found = _ROOM.pop()
    except IndexError:
        return _room(size)
    return found if size <= found.size else _room(size)


def _room(size: int) -> Room:
    """Room for what a message of so many bytes may say. The machine gives only what of it is used."""
    size = max(size, _ROOM_MIN)
    room = size // _SMALLEST + 2
    i16, i32, i64 = np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64)

    def whole() -> npt.NDArray[np.int32]:
        return np.empty(room, i32)

    def few() -> npt.NDArray[np.int16]:
        return np.empty(room, i16)

    rows = Rows(np.empty(room, i64), np.empty(room, i64), np.empty(room, np.bool_), whole())
    objects = Objects(few(), whole(), whole(), whole())
    leaves = Leaves(
        text_starts=whole(), text_ends=whole(), text_place=few(), text_owner=whole(),
        numbers=np.empty(room, i64), number_place=few(), number_owner=whole(),
        told=whole(), told_place=few(), told_owner=whole(),
    )  # fmt: skip
    # By slots values of one message are found again: each message has its own.
    different = Different(whole(), whole(), few(), np.empty(0, i32))
    return Room(rows, leaves, different, objects, size)


def _firsts(many: int, *parts: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The first so many of each."""
    return [part[:many].copy() for part in parts]


def _whole(part: npt.NDArray[np.int32], many: int) -> Whole:
    return part[:many].astype(np.int64)


def _spread(sizes: dict[int, int], told: _Told, nothing: int) -> list[tuple[int, npt.NDArray[Any]]]:
    """The column of each place that is said anywhere: `nothing` where it is not said."""
    said = np.flatnonzero(np.bincount(told.place, minlength=1)).tolist()
    ends = np.cumsum([0, *(sizes[PLACES[number].entity] for number in said)])
    offsets = np.zeros(len(PLACES), np.int64)
    offsets[said] = ends[:-1]
    full = np.full(ends[-1], nothing, told.values.dtype)
    spread(full, told.values, offsets, told.place, told.owner)
    return [(number, full[begun:end]) for number, begun, end in zip(said, ends[:-1], ends[1:], strict=True)]
