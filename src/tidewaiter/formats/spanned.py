"""A message of XML cut by the kernel, in one pass over its bytes: its records and items by skeletons, and their texts.

Import this only where numba is wanted: see `model/kernels.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tidewaiter.formats import kernel
from tidewaiter.formats.kernel import CROWDED, WORD, Parts, Room, Skeletons, Tags
from tidewaiter.formats.spans import ahead, ended
from tidewaiter.formats.stacks import Texts
from tidewaiter.formats.tree import text_of
from tidewaiter.model.exact import Whole

_SORTS = kernel.sorts()
_ROOM = 1 << 20
_DIFFERENT_MAX = 1 << 10
"""So many bytes skeletons of one message may have together, and so many they may be."""
_TEXT_MIN = 4
"""No text takes fewer bytes with the brackets around it."""
_SLOTS_MIN, _BYTES_A_SLOT, _MORE_SLOTS = 1 << 12, 64, 16


class Cuts(NamedTuple):
    """Of each record, or of each item, the number of its skeleton, and the place of its first text."""

    skeleton: Whole
    first: Whole


class Spanned(NamedTuple):
    """A message that was cut: its different skeletons; its records and items; of each item the record it is in; and
    all texts."""

    skeletons: list[str]
    frames: Cuts
    items: Cuts
    rows: Whole
    texts: Texts


def spanned(
    data: bytes, spans: tuple[Whole, Whole], item: tuple[bytes, bytes], *, part_max: int, single_blanks: bool
) -> Spanned | None:
    """The records of a message cut, which is UTF-8 without the signs of `skeleton`; None where something in it is to be
    looked at closely. `spans` says where the inside of each begins and ends, `item` which tags items begin and end
    with.
    """
    many_items, rows = len(data) // len(item[0]), len(spans[0])
    # What is not written to takes no memory.
    frame, frame_first, of_item, item_first, of_row = (
        np.empty(many, np.int32) for many in (rows, rows, *[many_items] * 3)
    )
    parts = Parts(frame, frame_first, of_item, item_first, of_row, np.empty(many_items, np.int64))
    written, signs = ended(data), np.empty(_ROOM, np.uint8)
    tags = Tags.of(*item)
    slots = max(_SLOTS_MIN, 1 << (len(data) // _BYTES_A_SLOT).bit_length())
    items = CROWDED
    while items == CROWDED:
        which, starts, ends = (np.empty(many, np.int64) for many in (len(data) // _TEXT_MIN + 1, slots, slots))
        held = kernel.Texts(which, starts, ends, np.empty(slots, np.bool_), np.full(slots, -1, np.int32))
        skeletons = Skeletons(
            signs,
            signs.view(np.uint64),
            ahead(signs),
            *(np.empty(_DIFFERENT_MAX, np.int32) for _ in range(2)),
            *(np.full(many, -1, np.int32) for many in (4 * _DIFFERENT_MAX, _DIFFERENT_MAX + 1)),
        )
        room = Room(parts, held, skeletons, ahead(written), _SORTS, part_max)
        items, count, told, different = kernel.cut(written, *spans, tags, room)
        slots *= _MORE_SLOTS
    if items < 0:
        return None
    words = [
        data[begin:end].decode()
        for begin, end in zip(held.starts[:told].tolist(), held.ends[:told].tolist(), strict=True)
    ]
    for place in np.flatnonzero(held.is_odd[:told]).tolist():
        text = text_of(words[place]) if "&" in words[place] else words[place]
        if not text or not text.isprintable() or text != text.strip() or (single_blanks and "  " in text):
            return None
        words[place] = text
    names = [
        signs[begin * WORD : begin * WORD + size].tobytes().decode()
        for begin, size in zip(skeletons.begins[:different].tolist(), skeletons.sizes[:different].tolist(), strict=True)
    ]
    frames = Cuts(frame.astype(np.int64), frame_first.astype(np.int64))
    of_items = Cuts(of_item[:items].astype(np.int64), item_first[:items].astype(np.int64))
    return Spanned(names, frames, of_items, of_row[:items].astype(np.int64), Texts(held.which[:count], words))


def ready() -> Callable[..., Spanned | None]:
    """`spanned`, compiled."""
    spans = (np.array([3]), np.array([18]))
    spanned(b"<a><b><c>1</c></b></a>", spans, (b"<b>", b"</b>"), part_max=99, single_blanks=True)
    return spanned
