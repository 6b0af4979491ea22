"""The structure of a JSON message as columns: where each text stands, in which object, under which name.

A message without white space is texts and what stands between them, a gap: a colon, a comma, brackets, bare values. A
gap with a bracket begins a segment, whose texts all stand in one object. What each gap does to the depth is known from
its few bytes, and which object a segment is in from its depth and the segments before it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from tidewaiter.formats.json.names import numbered
from tidewaiter.formats.layout import (
    BELOW,
    MANY,
    ONE,
    SHAPE,
    SHAPE_OF_CONTEXT,
    TABLE,
    TEXTS,
    UNKNOWN,
)
from tidewaiter.formats.spans import PADDING, WORD, Bytes, Words, cut_words, gathered
from tidewaiter.model.exact import Whole, Yes

PLAIN, NEXT, BACK, END, STRANGE = 0, 4, 5, 6, 7
"""What a gap does beside opening ONE, MANY or TEXTS: nothing, the next object of a list, back to what is around, the
end, or what no consignment has."""
_DEPTH_MAX = 16
_BARE_MAX = 24
_NEXT = re.compile(rb"[}\]]*\},\{")
_BACK = re.compile(rb"[}\]]+,")
_END = re.compile(rb"[}\]]+")
_LONG_BARE = re.compile(rb"[^,}\]]*")
_OPENS = {b":{": ONE, b":[{": MANY, b":[": TEXTS}
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SLOTS_BITS = 12
_SHIFT = np.uint64(64 - _SLOTS_BITS)
_QUOTE, _COLON, _COMMA = b'":,'


class Bare(NamedTuple):
    """Values without quotation marks: numbers, null, true, false, an empty list."""

    keys: Whole
    starts: Whole
    ends: Whole


class Tokens(NamedTuple):
    """A message taken apart. Texts are numbered in their order, and so are segments and rows (consignments).

    `signs` are its bytes. Of texts: `is_name`, `is_alone` (a name before a text), `segment`, `place` (of a name, 0
    where it is not known). Of segments: `row`, `context`, `owner` (the segment that begins the object that has a row in
    a frame), `above` (the same of what that object stands in), `begins` (an object begins here), `object`. Of rows:
    which are not plain, `is_odd`.
    """

    signs: Bytes
    is_name: Yes
    is_alone: Yes
    segment: Whole
    place: Whole
    bare: Bare
    row: Whole
    context: Whole
    object: Whole
    owner: Whole
    above: Whole
    begins: Yes
    is_odd: Yes


class _Gaps(NamedTuple):
    """The gaps that are more than one sign: behind which text, what they do, and how they change the depth."""

    behind: Whole
    does: Whole
    change: Whole
    bare: Bare


def tokens(packed: bytes, row_firsts: Whole) -> Tokens:
    """A list of objects taken apart. `packed` is JSON without white space between its parts, checked to be so, and
    `row_firsts` are the numbers of the first texts of the objects, which all have texts."""
    padded = packed + PADDING
    signs = np.frombuffer(padded, np.uint8)
    unescaped = packed if b"\\" not in packed else packed.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    quotes = np.flatnonzero(np.frombuffer(unescaped, np.uint8) == _QUOTE)
    starts, ends = quotes[0::2] + 1, quotes[1::2]
    size = len(ends)
    following = np.append(starts[1:] - 1, len(packed))
    widths = following - ends - 1
    is_name = signs[ends + 1] == _COLON
    gaps = _gaps(padded, signs, ends + 1, widths)

    is_cut = gaps.does != PLAIN
    behind, does, change = (part[is_cut][:-1] for part in (gaps.behind, gaps.does, gaps.change))
    firsts, does = np.append(0, behind + 1), np.append(NEXT, does)
    depth = np.cumsum(np.append(2, change))
    begins_row = np.zeros(len(firsts), np.bool_)
    begins_row[np.searchsorted(firsts, row_firsts)] = True
    row = np.cumsum(begins_row) - 1
    is_odd = np.zeros(len(row_firsts), np.bool_)
    # What is strange before the first text of a consignment stands at the end of the one before.
    is_odd[row[does == STRANGE] - begins_row[does == STRANGE]] = True
    is_odd[-1] |= gaps.does[-1] != END
    does[begins_row] = NEXT

    names = np.flatnonzero(is_name)
    known = np.zeros(size, np.int64)
    known[names] = numbered(padded, starts[names], ends[names])
    context, object_, owner, above, begins = _levels(depth, does, known[np.maximum(firsts - 1, 0)])
    segment = np.repeat(np.arange(len(firsts)), np.diff(np.append(firsts, size)))
    place = TABLE.ravel()[context[segment] * TABLE.shape[1] + known]

    is_odd[row[context == UNKNOWN]] = True
    return Tokens(
        signs=signs, is_name=is_name, is_alone=is_name & (widths == 1),
        segment=segment, place=place, bare=gaps.bare, row=row, context=context, object=object_, owner=owner,
        above=above, begins=begins, is_odd=is_odd,
    )  # fmt: skip


def _gaps(padded: bytes, signs: Bytes, at: Whole, widths: Whole) -> _Gaps:
    behind = np.flatnonzero(widths != 1)
    begins, sizes = at[behind], widths[behind].copy()
    second = signs[begins + 1]
    is_bare = (signs[begins] == _COLON) & (second != ord("{"))
    is_list = is_bare & (second == ord("["))
    is_empty = is_list & (signs[begins + 2] == ord("]"))
    is_bare &= ~is_list | is_empty
    bare = np.flatnonzero(is_bare)
    values = begins[bare] + 1
    window = gathered(padded, values, _BARE_MAX)
    stops = (window == _COMMA) | (window == ord("}")) | (window == ord("]"))
    until = np.where(is_empty[bare], 2, stops.argmax(axis=1))
    for place in np.flatnonzero(~stops.any(axis=1)).tolist():
        long = _LONG_BARE.match(padded, int(values[place]))
        until[place] = len(long[0]) if long else 0
    begins[bare] += 1 + until
    sizes[bare] -= 1 + until
    kinds, which = _told_apart(cut_words(padded, begins, sizes))
    does, change = (np.array(part)[which] for part in zip(*map(_reading, kinds.tolist()), strict=True))
    for place in np.flatnonzero(sizes > WORD).tolist():
        start = int(begins[place])
        does[place], change[place] = STRANGE, _change(padded[start : start + int(sizes[place])])
    return _Gaps(behind, does, change, Bare(behind[bare], values, values + until))


def _told_apart(gaps: Words) -> tuple[Words, Whole]:
    """The different words, and which of them each is."""
    slots = ((gaps * _FACTOR) >> _SHIFT).astype(np.int64)
    last = np.zeros(1 << _SLOTS_BITS, np.int64)
    last[slots] = np.arange(len(gaps))
    if (gaps[last[slots]] != gaps).any():
        return np.unique(gaps, return_inverse=True)
    used = np.zeros(1 << _SLOTS_BITS, np.bool_)
    used[slots] = True
    number = np.cumsum(used) - 1
    return gaps[last[used]], number[slots]


def _reading(word: int) -> tuple[int, int]:
    """What a gap does, and the change of depth."""
    gap = word.to_bytes(WORD, "little").rstrip(b"\0")
    if gap in _OPENS:
        return _OPENS[gap], len(gap) - 1
    if gap == b",":
        return PLAIN, 0
    for pattern, does in ((_NEXT, NEXT), (_BACK, BACK), (_END, END)):
        if pattern.fullmatch(gap):
            return does, _change(gap)
    return STRANGE, _change(gap)


def _change(gap: bytes) -> int:
    return gap.count(b"[") + gap.count(b"{") - gap.count(b"]") - gap.count(b"}")


def _levels(depth: Whole, does: Whole, opened: Whole) -> tuple[Whole, Whole, Whole, Whole, Yes]:
    """Of each segment its context, the segment in which its object begins, and in which the object begins that has a
    row for it, and that above; and whether an object begins there. `opened` is the name before each segment."""
    size = len(depth)
    context = np.full(size, UNKNOWN, np.int64)
    object_, owner, above = np.arange(size), np.arange(size), np.zeros(size, np.int64)
    opens = does <= TEXTS
    begins = opens | (does == NEXT)
    for level in range(2, min(int(depth.max()), _DEPTH_MAX) + 1):
        here = np.flatnonzero(depth == level)
        if not len(here):
            continue
        order = np.arange(len(here))
        object_[here] = here[np.maximum.accumulate(np.where(begins[here], order, 0))]
        owner[here] = object_[here]
        if level == 2:
            context[here] = 0
            continue
        is_opening = opens[here]
        opening = here[is_opening]
        place = TABLE[context[opening - 1], opened[opening]]
        context[opening] = np.where(SHAPE[place] == does[opening], BELOW[place], UNKNOWN)
        last = np.maximum.accumulate(np.where(is_opening, order, -1))
        found = np.where(last >= 0, context[here[last]], UNKNOWN)
        shape = SHAPE_OF_CONTEXT[found]
        fits = is_opening | ((does[here] == NEXT) & (shape == MANY)) | ((does[here] == BACK) & (shape != TEXTS))
        context[here] = np.where(fits, found, UNKNOWN)
        around = owner[here[last] - 1]
        above[here] = around
        owner[here] = np.where(shape == MANY, owner[here], around)
    return context, object_, owner, above, begins & (SHAPE_OF_CONTEXT[context] == MANY)
