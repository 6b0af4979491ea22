"""A JSON message read by the kernel, in one pass over its bytes: what `framing.Judged` says of it, several times sooner.

Import this only where numba is wanted: see `model/kernels.py`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tidewaiter.formats.json.building import ENTRIES_MAX
from tidewaiter.formats.json.framing import LEAST, MOST, Said, keys_of, value_of
from tidewaiter.formats.json.kernel import FAILED, Layout, Leaves, Objects, Rows, scan, spread
from tidewaiter.formats.layout import (
    BELOW,
    BYTES_MAX,
    CONTEXTS,
    IS_OPTIONAL,
    MANY,
    PLACES,
    SHAPE,
    SORT,
    TEXTS,
    TEXTS_OF_CONTEXT,
    WHOLE_MAX,
)
from tidewaiter.formats.spans import PADDING, texts
from tidewaiter.model.exact import MISSING, Whole
from tidewaiter.model.batch import Batch

T = TypeVar("T")
_SMALLEST = 3
"""No value and no object takes fewer bytes of a message, with its comma."""
_SIZE_MAX = 2**31 - 2
_SLOTS_MIN = 1 << 12
_BYTES_A_SLOT = 64


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
        sort=SORT,
        shape=SHAPE,
        below=BELOW,
        is_optional=IS_OPTIONAL,
        is_required=required,
        bytes_max=BYTES_MAX,
        whole_max=WHOLE_MAX,
        least=LEAST.astype(np.int16),
        most=MOST.astype(np.int16),
        first=np.array([places[0] if len(places) else 1 for places in held], np.int16),
        last=np.array([places[-1] if len(places) else 0 for places in held], np.int16),
        required=np.array([len(context.required) for context in CONTEXTS], np.int16),
        is_many=np.array([context.shape == MANY for context in CONTEXTS], np.bool_),
        texts=TEXTS_OF_CONTEXT,
        entries_max=ENTRIES_MAX,
    )


_LAYOUT = _layout()
_ENTITY = np.array([place.entity for place in PLACES])


class Passed:
    """The consignments of a list whose entries begin at a place of the message: where each begins and ends, which are
    not plain, how many values of each are `kept`. Columns are made when they are asked for.

    Raises ValueError where it is not plainly a list of objects, which ends the message.
    """

    def __init__(self, body: bytes, at: int) -> None:
        if len(body) > _SIZE_MAX:
            raise ValueError("longer than the kernel counts")
        room = len(body) // _SMALLEST + 2
        slots = np.full(max(_SLOTS_MIN, 1 << (len(body) // _BYTES_A_SLOT).bit_length()), -1, np.int32)
        rows = _rooms(Rows, room, np.int64, np.int64, np.bool_, np.int32)
        objects = _rooms(Objects, room, np.int16, np.int32, np.int32, np.int32)
        values = (np.int16, np.int32)
        leaves = _rooms(
            Leaves, room, np.int32, np.int32, *values, np.int64, *values, np.int32, *values, np.int32, np.int32, np.int16
        )
        self._padded = body + PADDING
        data = np.frombuffer(self._padded, np.uint8)[: len(body) + 1]
        many, quoted, numbers, told, different, made = scan(data, at, _LAYOUT, slots, rows, leaves, objects)
        if many == FAILED:
            raise ValueError("not plainly a list of objects")
        # Copies, since the room is for the most there could be.
        self.starts, self.ends, self.is_odd, self.kept = (part[:many].copy() for part in rows)
        self._objects = Objects(*(part[:made].copy() for part in objects))
        self._texts = tuple(part[:quoted].copy() for part in leaves[:4])
        self._numbers = tuple(part[:numbers].copy() for part in leaves[4:7])
        self._told = tuple(part[:told].copy() for part in leaves[7:10])
        self._at: dict[int, Whole] = {
            entity: np.flatnonzero(self._objects.context == entity) for entity in np.unique(self._objects.context).tolist()
        }
        self._judge_told(*(part[:different].tolist() for part in leaves[10:]))

    def _judge_told(self, starts: list[int], ends: list[int], places: list[int]) -> None:
        """Each different value of a type with few different ones is judged by the type itself."""
        self._different = [
            value_of(self._padded[start:end], place) for start, end, place in zip(starts, ends, places, strict=True)
        ]
        wrong = np.array([value is None for value in self._different], np.bool_)
        if wrong.any():
            which, place, owner = self._told
            for at in np.flatnonzero(wrong[which]).tolist():
                objects = self._at[PLACES[place[at]].entity]
                self.is_odd[self._objects.row[objects[owner[at]]]] = True

    def batch(self) -> Batch:
        """All consignments as columns. What stands in the rows that are not plain is not to be used."""
        sizes = {entity: len(at) for entity, at in self._at.items()}
        position = {entity: self._objects.position[at] for entity, at in self._at.items()}
        keys = {
            entity: keys_of(entity, self._objects.row[at], self._objects.parent[at], position)
            for entity, at in self._at.items()
        }
        starts, ends, place, owner = self._texts
        is_listed = _IS_LISTED[place]
        listed = []
        for number in np.unique(place[is_listed]).tolist():
            at = np.flatnonzero(place == number)
            listed.append((number, at, owner[at]))
        which, told_place, told_owner = self._told
        every = np.arange(len(place), dtype=np.uint32)
        words = _spread(sizes, every, place, owner, len(place))
        told = _spread(sizes, which.astype(np.uint32), told_place, told_owner, len(self._different))
        return Said(
            sizes,
            keys,
            texts(self._padded, starts, ends),
            self._different,
            _spread(sizes, *self._numbers, MISSING),
            [column for column in words if not _IS_LISTED[column[0]]],
            listed,
            told,
        ).batch()


_IS_LISTED = SHAPE == TEXTS


def _rooms(kind: type[T], room: int, *dtypes: type[np.generic]) -> T:
    """Room for so many of each of these, of which only what is used will be taken from the machine."""
    return kind(*(np.empty(room, dtype) for dtype in dtypes))


def _spread(
    sizes: dict[int, int], values: npt.NDArray[Any], place: npt.NDArray[Any], owner: npt.NDArray[Any], nothing: int
) -> list[tuple[int, npt.NDArray[Any]]]:
    """The column of each place that is said anywhere: `nothing` where it is not said."""
    said = np.flatnonzero(np.bincount(place, minlength=1)).tolist()
    ends = np.cumsum([0, *(sizes[PLACES[number].entity] for number in said)])
    offsets = np.zeros(len(PLACES), np.int64)
    offsets[said] = ends[:-1]
    full = np.full(ends[-1], nothing, values.dtype)
    spread(full, values, offsets, place, owner)
    return [(number, full[begun:end]) for number, begun, end in zip(said, ends[:-1], ends[1:], strict=True)]
