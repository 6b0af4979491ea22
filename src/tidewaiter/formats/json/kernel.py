"""One pass over the bytes of a list of consignments: strict JSON, and each value that is plain put where it belongs.

Where the text is not plainly JSON in UTF-8 the pass gives up (`FAILED`); where a consignment is not plain (an escape, a
name that is not known or stands twice, a value that does not fit) it is marked, and nothing of it is kept. Both are
then judged elsewhere: what is doubtful here need only be told, never understood.

Import this only where numba is wanted, see `model/kernels.py`. A byte 0 stands behind the message, which ends any loop.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewaiter.formats.spans import ONES, WORD
from tidewaiter.formats.words import alike, plain
from tidewaiter.model.exact import MISSING
from tidewaiter.model.kernels import kernel

Whole = npt.NDArray[np.int32]
Few = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

FAILED = -1
_ONE, _MANY, _TEXTS = 1, 2, 3
_TEXT, _EXACT, _WHOLE, _TOLD = 1, 3, 4, 5
_MICRO = 1_000_000
_DEPTH_MAX = 32
_TOLD_MAX = 24
_WAYS = 4
_TRIES_MAX = 64
_KEY, _VALUE, _BEHIND = 0, 1, 2
_QUOTE, _BACKSLASH, _COMMA, _COLON, _POINT, _MINUS = 34, 92, 44, 58, 46, 45
_CURLY, _CURLY_END, _SQUARE, _SQUARE_END = 123, 125, 91, 93
_NOUGHT, _NINE = 48, 57
_BACKSLASHES = np.uint64(_BACKSLASH) * ONES


class Layout(NamedTuple):
    """What `formats/layout.py` says, as arrays. Of places: `names` and their sizes, `sort`, `shape`, `below`,
    `is_optional`, `is_required`, `bytes_max`, `whole_max`. Of contexts: `first` place and `last`, `required` (how
    many), `is_many`, `texts` (the place of what stands in a list of texts).
    """

    names: Bytes
    name_sizes: Few
    sort: npt.NDArray[np.int8]
    shape: npt.NDArray[np.int8]
    below: Few
    is_optional: npt.NDArray[np.bool_]
    is_required: npt.NDArray[np.bool_]
    bytes_max: npt.NDArray[np.int64]
    whole_max: npt.NDArray[np.int64]
    first: Few
    last: Few
    required: Few
    is_many: npt.NDArray[np.bool_]
    texts: Few
    entries_max: int


class Rows(NamedTuple):
    """Of each consignment: where it begins and ends, whether it is not plain, how many values were kept."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    is_odd: npt.NDArray[np.bool_]
    kept: Whole


class Leaves(NamedTuple):
    """Values: the place of each and the number of its object among those of its context. Texts are stretches of the
    message, numbers are whole or millionths, and told ones are numbers of different ones."""

    text_starts: Whole
    text_ends: Whole
    text_place: Few
    text_owner: Whole
    numbers: npt.NDArray[np.int64]
    number_place: Few
    number_owner: Whole
    told: Whole
    told_place: Few
    told_owner: Whole


class Different(NamedTuple):
    """Different told values: where each stands, and its place. `slots`, a power of two of -1, find them again."""

    starts: Whole
    ends: Whole
    place: Few
    slots: Whole


class Objects(NamedTuple):
    """Objects that have a row in a frame: the context of each, its consignment, the number of the object it is in, and
    its place in its list."""

    context: Few
    row: Whole
    parent: Whole
    position: Whole


class Room(NamedTuple):
    """Where all that is found is put, for a message of so many bytes."""

    rows: Rows
    leaves: Leaves
    different: Different
    objects: Objects
    size: int


class Many(NamedTuple):
    """How many there are of consignments, texts, numbers, told values, different ones of these, and objects."""

    rows: int
    texts: int
    numbers: int
    told: int
    different: int
    objects: int


@kernel
def text_end(data: Bytes, at: int) -> tuple[int, bool]:
    """Where the text that begins there ends, and whether it is plain; FAILED where it is none."""
    is_plain = True
    i = at
    while True:
        c = data[i]
        if c == _QUOTE:
            return i, is_plain
        if 32 <= c < 127 and c != _BACKSLASH:
            i += 1
        elif c == _BACKSLASH:
            is_plain = False
            e = data[i + 1]
            if e == 117:  # u
                code = _hexadecimal(data, i + 2)
                if code < 0:
                    return FAILED, False
                i += 6
                if 0xD800 <= code < 0xE000:
                    if code >= 0xDC00 or data[i] != _BACKSLASH or data[i + 1] != 117:
                        return FAILED, False
                    low = _hexadecimal(data, i + 2)
                    if not 0xDC00 <= low < 0xE000:
                        return FAILED, False
                    i += 6
            elif e in (_QUOTE, _BACKSLASH, 47, 98, 102, 110, 114, 116):
                i += 2
            else:
                return FAILED, False
        elif c == 127:
            is_plain = False
            i += 1
        elif c < 32:
            return FAILED, False
        else:
            size, code = _character(data, i)
            if size == 0:
                return FAILED, False
            if (
                code < 0xA0
                or 0x202A <= code <= 0x202E
                or 0x2066 <= code <= 0x2069
                or 0xFDD0 <= code <= 0xFDEF
                or code & 0xFFFE == 0xFFFE
            ):
                is_plain = False
            i += size


@kernel
def _hexadecimal(data: Bytes, at: int) -> int:
    code = 0
    for i in range(at, at + 4):
        c = data[i]
        if _NOUGHT <= c <= _NINE:
            digit = c - _NOUGHT
        elif 97 <= (c | 32) <= 102:
            digit = (c | 32) - 87
        else:
            return FAILED
        code = code * 16 + int(np.int64(digit))
    return code


@kernel
def _character(data: Bytes, at: int) -> tuple[int, int]:
    """How many bytes the character of more than one has, and its number; (0, 0) where it is not UTF-8."""
    c = int(np.int64(data[at]))
    if 0xC2 <= c < 0xE0:
        size, code = 2, c & 0x1F
    elif 0xE0 <= c < 0xF0:
        size, code = 3, c & 0x0F
    elif 0xF0 <= c < 0xF5:
        size, code = 4, c & 0x07
    else:
        return 0, 0
    for i in range(at + 1, at + size):
        more = int(np.int64(data[i]))
        if more & 0xC0 != 0x80:
            return 0, 0
        code = (code << 6) | (more & 0x3F)
    if (size == 3 and (code < 0x800 or 0xD800 <= code < 0xE000)) or (size == 4 and not 0x10000 <= code < 0x110000):
        return 0, 0
    return size, code


@kernel
def number_end(data: Bytes, at: int) -> tuple[int, int, bool]:
    """Where the number that begins there ends, its millionths (MISSING where it is not written plainly), and whether
    it has a point; FAILED where there is none."""
    i = at
    plain = data[i] != _MINUS
    if not plain:
        i += 1
    begun = i
    value = 0
    while _NOUGHT <= data[i] <= _NINE:
        if i - begun < 12:
            value = value * 10 + int(np.int64(data[i])) - _NOUGHT
        i += 1
    digits = i - begun
    if digits == 0 or (digits > 1 and data[begun] == _NOUGHT):
        return FAILED, MISSING, False
    has_point = data[i] == _POINT
    decimals = 0
    if has_point:
        i += 1
        while _NOUGHT <= data[i] <= _NINE:
            if decimals < 6:
                value = value * 10 + int(np.int64(data[i])) - _NOUGHT
            decimals += 1
            i += 1
        if decimals == 0:
            return FAILED, MISSING, False
    if data[i] | 32 == 101:  # e
        plain = False
        i += 1
        if data[i] == _MINUS or data[i] == 43:
            i += 1
        begun = i
        while _NOUGHT <= data[i] <= _NINE:
            i += 1
        if i == begun:
            return FAILED, MISSING, False
    if not plain or digits > 12 or decimals > 6:
        return i, MISSING, has_point
    for _ in range(decimals, 6):
        value *= 10
    return i, value, has_point


@kernel
def _past_white(data: Bytes, at: int) -> int:
    i = at
    while data[i] == 32 or data[i] == 10 or data[i] == 13 or data[i] == 9:
        i += 1
    return i


@kernel
def _named(data: Bytes, at: int, end: int, layout: Layout, context: int) -> int:
    """The place of the name that stands there; 0 where it is not known."""
    size = end - at
    for place in range(layout.first[context], layout.last[context] + 1):
        if layout.name_sizes[place] == size:
            k = 0
            while k < size and layout.names[place, k] == data[at + k]:
                k += 1
            if k == size:
                return place
    return 0


@kernel
def _which(data: Bytes, span: tuple[int, int], place: int, different: Different, many: int) -> tuple[int, int]:
    """Which of the different values this is, and how many there are with it; FAILED where there are too many alike."""
    at, end = span
    slots = different.slots
    mixed = np.uint64(place)
    for i in range(at, end):
        mixed = (mixed ^ np.uint64(data[i])) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    mask = len(slots) - 1
    slot = np.int64(mixed >> np.uint64(16)) & mask
    for _ in range(_TRIES_MAX):
        one = slots[slot]
        if one < 0:
            if 2 * many > mask:
                return FAILED, many
            slots[slot] = many
            different.starts[many] = at
            different.ends[many] = end
            different.place[many] = place
            return many, many + 1
        begun = different.starts[one]
        if different.place[one] == place and different.ends[one] - begun == end - at:
            k = 0
            while at + k < end and data[begun + k] == data[at + k]:
                k += 1
            if at + k == end:
                return int(np.int64(one)), many
        slot = (slot + 1) & mask
    return FAILED, many


@kernel
def scan(data: Bytes, words: Words, at: int, layout: Layout, room: Room) -> Many:
    """What there is in the list whose entries begin there; (FAILED, ...) where it is not plainly a list of objects and
    nothing behind it. `words` are those ahead of each byte."""
    # Each array by a name of its own: taken out of a tuple in the loop, it would be counted each time.
    sorts, shape, belows, texts_of = layout.sort, layout.shape, layout.below, layout.texts
    is_optional, is_required, is_many, required = (
        layout.is_optional,
        layout.is_required,
        layout.is_many,
        layout.required,
    )
    bytes_max, whole_max, entries_max = layout.bytes_max, layout.whole_max, layout.entries_max
    row_starts, row_ends, row_odd, row_kept = room.rows
    text_starts, text_ends, text_place, text_owner = room.leaves[:4]
    values, number_place, number_owner = room.leaves[4:7]
    told_values, told_place, told_owner = room.leaves[7:]
    object_context, object_row, object_parent, object_position = room.objects
    unlike = room.different
    failed = Many(FAILED, 0, 0, 0, 0, 0)
    contexts = len(required)
    places = len(sorts)
    row = texts = numbers = told = different = made = serial = 0
    counts = np.zeros(contexts, np.int32)
    saved = np.zeros(contexts, np.int32)
    last_in = np.zeros(places, np.int64)  # the object in which each name stood last
    has = np.zeros(contexts, np.int16)
    # What stood between a value, or the beginning of an object, and the value of the name that came next, some times
    gap_at = np.zeros((places + contexts, _WAYS), np.int64)
    gap_size = np.zeros((places + contexts, _WAYS), np.int64)
    gap_next = np.zeros((places + contexts, _WAYS), np.int16)
    gap_turn = np.zeros(places + contexts, np.int64)
    gap_of = gap_from = -1
    told_at = np.zeros((places, _WAYS), np.int64)  # where values stood some times, and which they were
    told_size = np.zeros((places, _WAYS), np.int64)
    told_which = np.zeros((places, _WAYS), np.int32)
    told_turn = np.zeros(places, np.int64)
    is_object = np.zeros(_DEPTH_MAX, np.bool_)
    of = np.zeros(_DEPTH_MAX, np.int64)
    owner = np.zeros(_DEPTH_MAX, np.int64)
    number = np.zeros(_DEPTH_MAX, np.int64)
    before = np.zeros(_DEPTH_MAX, np.int64)
    size = len(data) - 1
    i = at
    while True:
        i = _past_white(data, i)
        if data[i] != _CURLY:
            return failed
        row_starts[row] = i
        i += 1
        odd = False
        was = (texts, numbers, told, made)
        saved[:] = counts
        object_context[made] = 0
        object_row[made] = row
        object_parent[made] = 0
        object_position[made] = 0
        made += 1
        counts[0] += 1
        depth = 0
        is_object[0] = True
        of[0] = 0
        owner[0] = row
        serial += 1
        number[0] = serial
        before[0] = places
        has[0] = 0
        place = 0
        state = _KEY
        is_first = True
        while depth >= 0:
            if is_object[depth] and (state == _BEHIND or (state == _KEY and is_first)):
                gap_of, gap_from = int(before[depth]), i
                if of[depth] < 0 or (gap_of < places) != (state == _BEHIND):
                    gap_of = -1
                else:
                    for way in range(_WAYS):  # written out here and below: a function would be given the arrays
                        many, was_at = gap_size[gap_of, way], gap_at[gap_of, way]
                        k = 0
                        if i + many < len(words):
                            while k < many and alike(words[i + k], words[was_at + k], many - k):
                                k += WORD
                        if 0 < many <= k:
                            i += int(many)
                            place = int(np.int64(gap_next[gap_of, way]))
                            gap_of = -1
                            if last_in[place] == number[depth]:
                                odd = True  # it stands there twice
                            last_in[place] = number[depth]
                            before[depth] = place
                            is_first = False
                            state = _VALUE
                            break
            while data[i] == 32 or data[i] == 10 or data[i] == 13 or data[i] == 9:
                i += 1
            c = data[i]
            if state == _KEY:
                if c == _CURLY_END and is_first:
                    odd = True  # an empty object
                    state = _BEHIND
                    continue
                if c != _QUOTE:
                    return failed
                i += 1
                context = int(of[depth])
                end, is_plain = text_end(data, i)
                if end < 0:
                    return failed
                place = _named(data, i, end, layout, context) if is_plain and context >= 0 else 0
                i = end + 1
                if place:
                    before[depth] = place
                    if last_in[place] == number[depth]:
                        odd = True  # it stands there twice
                    last_in[place] = number[depth]
                else:
                    odd = True
                i = _past_white(data, i)
                if data[i] != _COLON:
                    return failed
                i += 1
                is_first = False
                state = _VALUE
            elif state == _VALUE:
                context = int(of[depth])
                if not is_object[depth]:
                    if is_first and c == _SQUARE_END:
                        state = _BEHIND
                        continue
                    is_first = False
                    before[depth] += 1
                    if before[depth] > entries_max:
                        odd = True
                    place = int(np.int64(texts_of[context])) if context >= 0 else 0
                elif gap_of >= 0 and place:
                    way = gap_turn[gap_of]
                    gap_turn[gap_of] = (way + 1) % _WAYS
                    gap_at[gap_of, way], gap_size[gap_of, way], gap_next[gap_of, way] = gap_from, i - gap_from, place
                state = _BEHIND
                if c == _QUOTE:
                    begun = i + 1
                    if is_object[depth] and sorts[place] == _TOLD and not odd:
                        is_again = False
                        for way in range(_WAYS):  # with the mark behind it
                            many, was_at = told_size[place, way], told_at[place, way]
                            k = 0
                            if begun + many < len(words):
                                while k < many and alike(words[begun + k], words[was_at + k], many - k):
                                    k += WORD
                            if 0 < many <= k:
                                is_again = True
                                break
                        if is_again:
                            i = begun + int(many)
                            told_values[told] = told_which[place, way]
                            told_place[told] = place
                            told_owner[told] = owner[depth]
                            told += 1
                            if is_required[place]:
                                has[context] += 1
                            continue
                    end = begun
                    many = WORD
                    while many == WORD and end < len(words):
                        many = plain(words[end], _BACKSLASHES)
                        end += many
                    if many == WORD or data[end] != _QUOTE:
                        end, is_plain = text_end(data, end)
                        if end < 0:
                            return failed
                        odd |= not is_plain
                    i = end + 1
                    if odd:
                        continue
                    sort = sorts[place]
                    if not is_object[depth]:
                        sort = np.int8(_TEXT if place else 0)
                    if sort == _TEXT:
                        if end - begun > bytes_max[place]:
                            odd = True
                        text_starts[texts] = begun
                        text_ends[texts] = end
                        text_place[texts] = place
                        text_owner[texts] = owner[depth]
                        texts += 1
                    elif sort == _EXACT:
                        until, micro, _ = number_end(data, begun)
                        if until != end or micro == MISSING:
                            odd = True
                        values[numbers] = micro
                        number_place[numbers] = place
                        number_owner[numbers] = owner[depth]
                        numbers += 1
                    elif sort == _TOLD and end - begun <= _TOLD_MAX:
                        which, different = _which(data, (begun, end), place, unlike, different)
                        if which < 0:
                            return failed
                        way = told_turn[place]
                        told_turn[place] = (way + 1) % _WAYS
                        told_at[place, way], told_size[place, way] = begun, end + 1 - begun
                        told_which[place, way] = which
                        told_values[told] = which
                        told_place[told] = place
                        told_owner[told] = owner[depth]
                        told += 1
                    else:
                        odd = True
                        continue
                    if is_required[place]:
                        has[context] += 1
                elif c == _CURLY:
                    i += 1
                    below = -1
                    around = int(owner[depth])
                    if context >= 0 and is_object[depth]:
                        if shape[place] == _ONE:
                            below = int(np.int64(belows[place]))
                    elif context >= 0 and is_many[context]:
                        below = context
                        object_context[made] = below
                        object_row[made] = row
                        object_parent[made] = around
                        object_position[made] = before[depth] - 1
                        made += 1
                        around = int(np.int64(counts[below]))
                        counts[below] += 1
                    if below < 0:
                        odd = True
                    depth += 1
                    if depth == _DEPTH_MAX:
                        return failed
                    is_object[depth] = True
                    of[depth] = below
                    owner[depth] = around
                    serial += 1
                    number[depth] = serial
                    before[depth] = places + below
                    if below >= 0:
                        has[below] = 0
                    is_first = True
                    state = _KEY
                elif c == _SQUARE:
                    i += 1
                    below = -1
                    if context >= 0 and is_object[depth] and shape[place] >= _MANY:
                        below = int(np.int64(belows[place]))
                    else:
                        odd = True
                    depth += 1
                    if depth == _DEPTH_MAX:
                        return failed
                    is_object[depth] = False
                    of[depth] = below
                    owner[depth] = owner[depth - 1]
                    before[depth] = 0
                    is_first = True
                    state = _VALUE
                elif c == _MINUS or _NOUGHT <= c <= _NINE:
                    i, micro, has_point = number_end(data, i)
                    if i < 0:
                        return failed
                    sort = sorts[place] if is_object[depth] else np.int8(0)
                    if micro == MISSING:
                        odd = True
                    elif sort == _WHOLE:
                        micro //= _MICRO
                        if has_point or micro > whole_max[place]:
                            odd = True
                    elif sort != _EXACT:
                        odd = True
                    if odd:
                        continue
                    values[numbers] = micro
                    number_place[numbers] = place
                    number_owner[numbers] = owner[depth]
                    numbers += 1
                    if is_required[place]:
                        has[context] += 1
                elif c == 110 and data[i + 1] == 117 and data[i + 2] == 108 and data[i + 3] == 108:  # null
                    i += 4
                    if not is_object[depth] or not is_optional[place]:
                        odd = True
                elif c == 116 and data[i + 1] == 114 and data[i + 2] == 117 and data[i + 3] == 101:  # true
                    i += 4
                    odd = True
                elif (
                    c == 102 and data[i + 1] == 97 and data[i + 2] == 108 and data[i + 3] == 115 and data[i + 4] == 101
                ):  # false
                    i += 5
                    odd = True
                else:
                    return failed
            else:
                i += 1
                if c == _COMMA:
                    is_first = False
                    state = _KEY if is_object[depth] else _VALUE
                elif c == _CURLY_END and is_object[depth]:
                    if of[depth] >= 0 and has[of[depth]] < required[of[depth]]:
                        odd = True
                    depth -= 1
                elif c == _SQUARE_END and not is_object[depth]:
                    depth -= 1
                else:
                    return failed
        row_ends[row] = i
        row_odd[row] = odd
        row_kept[row] = 0
        if odd:
            texts, numbers, told, made = was
            made += 1
            counts[:] = saved
            counts[0] += 1
        else:
            row_kept[row] = texts + numbers + told - was[0] - was[1] - was[2]
        row += 1
        i = _past_white(data, i)
        i += 1
        if data[i - 1] == _SQUARE_END:
            break
        if data[i - 1] != _COMMA:
            return failed
    if _past_white(data, i) != size:
        return failed
    return Many(row, texts, numbers, told, different, made)


@kernel
def spread(
    full: npt.NDArray[Any], values: npt.NDArray[Any], offsets: npt.NDArray[np.int64], place: Few, owner: Whole
) -> None:
    """Put each value into the column of its place, which begins at an offset, at the row of its owner."""
    for k in range(len(values)):
        full[offsets[place[k]] + owner[k]] = values[k]
