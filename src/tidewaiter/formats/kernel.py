"""One pass over the bytes of a message of XML: its records and items cut into skeletons and texts, as `skeleton` does.

What must be looked at closely makes the pass give up (`FAILED`); the message is then cut the other way. What a skeleton
and a text are says `skeleton`; that two records have the same skeleton is found by comparing them to the last byte.

Import this only where numba is wanted, see `model/kernels.py`. A byte 0 stands behind the message, which ends any loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewaiter.formats.spans import ONES
from tidewaiter.model.kernels import kernel

Whole = npt.NDArray[np.int32]
Long = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Marks = npt.NDArray[np.bool_]

FAILED, CROWDED = -1, -2
"""Something is to be looked at closely; there are too many different texts for the slots."""
BETWEEN, APART = 0, 1
"""Stand in a skeleton for a text, and for where items were cut out."""
WORD = 8
STOP, UNPRINTABLE, BLANK, AMPERSAND, BEYOND, TWO_BLANKS = 1, 2, 4, 8, 16, 32
"""What a byte is: the end of any text; none that a text may have; a blank; the beginning of an entity; of a character
beyond ASCII. And what a text has besides: two blanks together."""
_TRIES_MAX = 64
_SLASH, _LESS, _GREATER = 47, 60, 62
_EIGHT_GREATER, _EIGHT_HIGH = (np.uint64(one) * ONES for one in (_GREATER, 0x80))


def sorts() -> Bytes:
    """What each byte is."""
    made = np.zeros(256, np.uint8)
    made[:32] = made[127] = UNPRINTABLE
    made[list(b"\t\n\v\f\r\x1c\x1d\x1e\x1f ")] |= BLANK
    made[128:] = BEYOND
    made[ord("&")] = AMPERSAND
    made[[0, 1, 2, _LESS, _GREATER]] = STOP
    return made


class Tags(NamedTuple):
    """The tags that an item begins and ends with, and by which byte stands where the start would end, how many bytes
    further the next of them may begin; 0 where one may begin here."""

    start: Bytes
    end: Bytes
    skips: Bytes

    @classmethod
    def of(cls, start: bytes, end: bytes) -> Tags:
        """These tags, the second a byte longer."""
        size = len(start)
        skips = np.full(256, min(size, 255), np.uint8)
        for tag in (start, end):
            for place, sign in enumerate(tag[:size]):
                skips[sign] = min(skips[sign], size - 1 - place)
        return cls(np.frombuffer(start, np.uint8), np.frombuffer(end, np.uint8), skips)


class Parts(NamedTuple):
    """Of each part: the number of its skeleton, and the place of its first text among all. Of each item the place of
    its record, and where it begins."""

    frame: Whole
    frame_first: Whole
    item: Whole
    item_first: Whole
    row: Whole
    at: Long


class Texts(NamedTuple):
    """Which of the different texts each is. Of each of these where it begins and ends, and whether it is to be looked
    at: is not of ASCII, or has an entity or two blanks together. `slots` is a power of two of -1."""

    which: Long
    starts: Long
    ends: Long
    is_odd: Marks
    slots: Whole


class Skeletons(NamedTuple):
    """Different skeletons: all their bytes, which are words, too, and the word that begins `ahead` of each byte; in
    which word each begins, how many bytes it has; `slots`, a power of two of -1; and which came next the last time, of
    each, and as the first of all."""

    signs: Bytes
    words: Words
    ahead: Words
    begins: Whole
    sizes: Whole
    slots: Whole
    follows: Whole


class Room(NamedTuple):
    """Where all that is found is put, the words `ahead` of each byte of the message (`spans.ahead`), what bytes are
    (`sorts`), and how many a part may have."""

    parts: Parts
    texts: Texts
    skeletons: Skeletons
    ahead: Words
    sorts: Bytes
    part_max: int


@kernel
def _stands(data: Bytes, at: int, tag: Bytes) -> bool:
    """Whether the tag stands there."""
    k = 0
    while k < len(tag) and data[at + k] == tag[k]:
        k += 1
    return k == len(tag)


@kernel
def _bounds(data: Bytes, span: tuple[int, int], tags: Tags, begun: Long, first: int) -> tuple[int, int]:
    """How many items there are with those of a record, whose insides `begun` tells from `first` on; and where the last
    of them ends, or FAILED."""
    many = first
    last = FAILED
    size = len(tags.start)
    i, end = span
    while i + size <= end:
        skip = tags.skips[data[i + size - 1]]
        if skip:
            i += skip
        elif _stands(data, i, tags.start):
            i += size
            begun[many] = i
            many += 1
            last = FAILED
        else:
            if many > first and _stands(data, i, tags.end) and i + len(tags.end) <= end:
                last = i + len(tags.end)
            i += 1
    return many, last


@kernel
def _told(data: Bytes, span: tuple[int, int, int], starts: Long, ends: Long, slots: Whole) -> int:
    """The slot of the text there among those of the different texts, a free one for a new text, by the first slot that
    it might have; FAILED where too many are alike."""
    begin, end, slot = span
    mask = len(slots) - 1
    for _ in range(_TRIES_MAX):
        one = slots[slot]
        if one < 0:
            return slot
        begun = starts[one]
        if ends[one] - begun == end - begin:
            k = 0
            while begin + k < end and data[begun + k] == data[begin + k]:
                k += 1
            if begin + k == end:
                return slot
        slot = (slot + 1) & mask
    return FAILED


@kernel
def _cut(
    data: Bytes, span: tuple[int, int], guess: tuple[int, int, int, int], counts: tuple[int, int], room: Room
) -> tuple[int, int, int, int]:
    """A part cut: where the skeleton goes on that is guessed, or FAILED where the part is not like it; where its own
    goes on then; how many texts there are with those of the part, and how many different ones.

    `guess` is where the guessed skeleton begins, ends and goes on, FAILED for none, and where its own is to be written.
    (FAILED, FAILED, ...) where the part must be looked at closely, (FAILED, CROWDED, ...) where more slots are needed.
    """
    which, starts, ends, is_odd, slots = room.texts
    signs, skeletons, ahead, sorts = room.skeletons.signs, room.skeletons.ahead, room.ahead, room.sorts
    first, finish, at, to = guess
    count, many = counts
    begin, end = span
    i = begin
    while i < end:
        if at >= 0:
            while i + WORD <= end and at + WORD <= finish and ahead[i] == skeletons[at]:
                at += WORD
                i += WORD
            while i < end and at < finish and data[i] == signs[at]:
                at += 1
                i += 1
        else:
            while i + WORD <= end:
                other = ahead[i] ^ _EIGHT_GREATER
                if (other - ONES) & ~other & _EIGHT_HIGH:  # one of the eight is what it is told from
                    break
                skeletons[to] = ahead[i]
                to += WORD
                i += WORD
            while i < end and data[i] != _GREATER:
                signs[to] = data[i]
                to += 1
                i += 1
        if i == end:
            break
        c = data[i]
        if at >= 0 and (at == finish or signs[at] != BETWEEN or c != _GREATER):
            # Not as guessed: what was alike is its own, but a text that may have begun is looked at again.
            back = i - 1 if i > begin and data[i - 1] == _LESS else i
            while back > begin and data[back - 1] != _LESS and data[back - 1] != _GREATER:
                back -= 1
            if back > begin and data[back - 1] == _GREATER:
                at -= i - back + 1
                i = back - 1
            for k in range(first, at):
                signs[to] = signs[k]
                to += 1
            at = FAILED
            continue
        j = i + 1
        if c == _GREATER and j < end and sorts[data[j]] & (STOP | BLANK) == 0:
            seen = last = 0
            mixed = np.uint64(0)
            while True:
                sign = data[j]
                sort = int(np.int64(sorts[sign]))
                if sort & STOP:
                    break
                seen |= sort | ((sort & last & BLANK) << 3)
                last = sort
                mixed = (mixed ^ np.uint64(sign)) * np.uint64(0x9E3779B97F4A7C15)
                mixed ^= mixed >> np.uint64(29)
                j += 1
            if data[j] == _LESS and data[j + 1] == _SLASH and j + 1 < end:
                slot = FAILED
                if seen & UNPRINTABLE == 0 and last & BLANK == 0:
                    slot = int(np.int64(mixed >> np.uint64(16))) & (len(slots) - 1)
                    slot = _told(data, (i + 1, j, slot), starts, ends, slots)
                if slot < 0:
                    return FAILED, FAILED, count, many
                if slots[slot] < 0:
                    if 2 * many >= len(slots):
                        return FAILED, CROWDED, count, many
                    slots[slot] = many
                    starts[many] = i + 1
                    ends[many] = j
                    is_odd[many] = seen & (AMPERSAND | BEYOND | TWO_BLANKS) != 0
                    many += 1
                which[count] = slots[slot]
                count += 1
                if at >= 0:
                    at += 1
                else:
                    signs[to] = BETWEEN  # in place of the brackets, too
                    to += 1
                i = j + 2
                continue
        if at >= 0:  # a text was guessed
            for k in range(first, at):
                signs[to] = signs[k]
                to += 1
            at = FAILED
        signs[to] = c
        to += 1
        i += 1
    return at, to, count, many


@kernel
def _which(skeletons: Skeletons, begin: int, to: int, many: int) -> tuple[int, int]:
    """Which of the skeletons the one is that was written from this word on, and how many there are with it; FAILED
    where there are too many, or too many alike."""
    signs, words, _, begins, sizes, slots, _ = skeletons
    size = to - begin * WORD
    while to % WORD:
        signs[to] = 0
        to += 1
    count = to // WORD - begin
    mixed = np.uint64(size)
    for k in range(begin, begin + count):
        mixed = (mixed ^ words[k]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mask = len(slots) - 1
    slot = np.int64(mixed >> np.uint64(16)) & mask
    for _ in range(_TRIES_MAX):
        one = slots[slot]
        if one < 0:
            if many == len(sizes):
                return FAILED, many
            slots[slot] = many
            begins[many] = begin
            sizes[many] = size
            return many, many + 1
        if sizes[one] == size:
            at = begins[one]
            differs = np.uint64(0)
            for k in range(count):
                differs |= words[at + k] ^ words[begin + k]
            if differs == 0:
                return int(np.int64(one)), many
        slot = (slot + 1) & mask
    return FAILED, many


@kernel
def _part(
    data: Bytes, spans: tuple[int, int, int, int], tag: Bytes, counts: tuple[int, int, int, int, int], room: Room
) -> tuple[int, int, int, int, int]:
    """The number of the skeleton of a part, and `counts` with it; (FAILED, ...) where it must be looked at closely,
    (CROWDED, ...) where more slots are needed.

    `spans` are where the part begins and ends, and again behind what is cut out of it, for which the `tag` stands; the
    last is FAILED where nothing is. The last of `counts` is the number of the skeleton that is guessed, or FAILED.
    """
    texts, told, different, free, guess = counts
    signs, begins, sizes = room.skeletons.signs, room.skeletons.begins, room.skeletons.sizes
    begin, end, behind, until = spans
    if end - begin + max(until - behind, 0) > room.part_max:
        return FAILED, texts, told, different, free
    if free * WORD + room.part_max + len(tag) + 3 * WORD > len(signs):
        return FAILED, texts, told, different, free
    first = begins[guess] * WORD if guess >= 0 else FAILED
    finish = first + sizes[guess] if guess >= 0 else FAILED
    at, to, texts, told = _cut(data, (begin, end), (first, finish, first, free * WORD), (texts, told), room)
    if to < 0:
        return to, texts, told, different, free
    if until >= 0:
        size = len(tag)
        if at >= 0:
            if at + size + 1 < finish and signs[at] == APART and signs[at + size + 1] == APART:
                at += size + 2
            else:
                for k in range(first, at):
                    signs[to] = signs[k]
                    to += 1
                at = FAILED
        if at < 0:
            signs[to] = signs[to + size + 1] = APART
            for k in range(size):
                signs[to + 1 + k] = tag[k]
            to += size + 2
        at, to, texts, told = _cut(data, (behind, until), (first, finish, at, to), (texts, told), room)
        if to < 0:
            return to, texts, told, different, free
    if at >= 0 and at == finish:
        return guess, texts, told, different, free
    if at >= 0:  # it ends before that does
        for k in range(first, at):
            signs[to] = signs[k]
            to += 1
    which, many = _which(room.skeletons, free, to, different)
    if many > different:
        free = (to + WORD - 1) // WORD
    return which, texts, told, many, free


@kernel
def cut(data: Bytes, begins: Long, ends: Long, tags: Tags, room: Room) -> tuple[int, int, int, int]:
    """How many there are of items, texts, different texts and different skeletons in the records whose insides begin
    and end there; (FAILED, ...) where they must be looked at closely, (CROWDED, ...) where more slots are needed."""
    frame, frame_first, of_item, item_first, of_row, at = room.parts
    follows = room.skeletons.follows
    start, nothing = tags.start, tags.start[:0]
    # Not written as they are, or all below would be compiled once more for just these numbers.
    items, none = int(np.int64(0)), int(np.int64(FAILED))
    counts = (0, 0, 0, 0)  # texts, different ones, different skeletons, and the first word in which none of these is
    before = len(follows) - 1
    for row in range(len(begins)):
        begin, end = begins[row], ends[row]
        first = items
        items, last = _bounds(data, (begin, end), tags, at, first)
        if items == first:
            last = end
            spans, tag = (begin, end, end, end), nothing
        elif last < 0:
            return FAILED, 0, 0, 0
        else:
            spans, tag = (begin, at[first] - len(start), last, end), start
        frame_first[row] = counts[0]
        which, texts, told, different, free = _part(data, spans, tag, (*counts, follows[before]), room)
        if which < 0:
            return which, 0, 0, 0
        counts = (texts, told, different, free)
        frame[row] = follows[before] = before = which
        for item in range(first, items):
            until = last if item + 1 == items else at[item + 1] - len(start)
            of_row[item] = row
            item_first[item] = counts[0]
            spans = (at[item], until, until, none)
            which, texts, told, different, free = _part(data, spans, nothing, (*counts, follows[before]), room)
            if which < 0:
                return which, 0, 0, 0
            counts = (texts, told, different, free)
            of_item[item] = follows[before] = before = which
    return items, counts[0], counts[1], counts[2]
