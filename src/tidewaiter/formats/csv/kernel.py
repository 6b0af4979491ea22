"""One pass over the bytes of a sheet: its lines, which of them are plain, and where the cells of these stand.

What the pass says of a line is what `cutting` says of it by columns. Import this only where numba is wanted, see
`model/kernels.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tidewaiter.formats.spans import ONES, WORD, Bytes, Words
from tidewaiter.formats.words import plain
from tidewaiter.model.exact import Whole, Yes
from tidewaiter.model.kernels import kernel

FAILED = -1
_QUOTE, _NEXT, _RETURN, _SPACE, _APOSTROPHE, _EQUALS, _DELETE = b"\"\n\r '=\x7f"


class Room(NamedTuple):
    """Where all that is found is put: of each line where it ends and whether it is plain; of each plain one, in a row
    for each column of the sheet, where each cell begins and ends."""

    ends: Whole
    is_plain: Yes
    starts: Whole
    stops: Whole


class Many(NamedTuple):
    """How many lines there are, how many plain ones, and whether any cell begins or ends with what calls for a look."""

    lines: int
    plain: int
    calls: bool


@kernel
def cut(message: tuple[Bytes, Words], size: int, separator: int, line_max: int, room: Room) -> Many:
    """What there is in the first so many bytes, of which the last ends a line; (FAILED, ...) where one ends in a way
    that is not plain. Behind them stand more than eight others; with the bytes come the words ahead of each."""
    data, words = message
    ends, is_plain, starts, stops = room.ends, room.is_plain, room.starts, room.stops
    width = len(starts)
    separators = np.uint64(separator) * ONES
    line = good = i = 0
    calls = False
    while i < size:
        begun = i
        cells = 0
        is_good = True
        c = separator
        while c == separator:  # a cell each
            is_quoted = data[i] == _QUOTE
            start = i = i + is_quoted
            stop = -1
            while stop < 0:
                many = WORD
                while many == WORD:
                    many = plain(words[i], separators)
                    i += many
                c = int(np.int64(data[i]))
                if c == _RETURN:
                    if data[i + 1] != _NEXT:
                        return Many(FAILED, 0, False)
                    stop = i
                    i += 1
                    c = _NEXT
                    is_good &= not is_quoted
                elif c == _NEXT:
                    stop = i
                    is_good &= not is_quoted
                elif c == _QUOTE and is_quoted:
                    stop = i
                    i += 1
                    c = int(np.int64(data[i]))
                    if c == _RETURN and data[i + 1] == _NEXT:
                        i += 1
                        c = _NEXT
                    if c not in (separator, _NEXT):  # the rest of the line is passed over as it stands
                        is_good = is_quoted = False
                        stop = -1
                elif c == separator and not is_quoted:
                    stop = i
                else:
                    is_good &= c == separator or c > _DELETE
                    i += 1
            if is_good and cells < width:
                starts[cells, good] = start
                stops[cells, good] = stop
                if start < stop:
                    first = data[start]
                    calls |= first <= _SPACE or first in (_APOSTROPHE, _EQUALS) or data[stop - 1] <= _SPACE
            cells += 1
            i += 1
        ends[line] = i - 1
        is_plain[line] = is_good and cells == width and i - 1 - begun <= line_max
        good += is_plain[line]
        line += 1
    return Many(line, good, calls)
