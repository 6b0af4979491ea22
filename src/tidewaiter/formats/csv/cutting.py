"""The rows of a text sheet cut into cells at once: where each cell stands, and which rows are not plain.

A plain row is a line with as many cells as there are headings, each bare or within one pair of quotation marks, none
with a character that calls for a closer look. Any other is read by the reader of rows (`csv`), which is asked of no
line but those.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewaiter.formats import spans
from tidewaiter.formats.spans import PADDING, Bytes
from tidewaiter.model.exact import Whole, Yes

LINE_MAX = 100_000
"""A line of more bytes is left to the reader of rows, which takes no cell of more than 131,072 characters."""
_QUOTE, _NEXT, _RETURN, _SPACE, _APOSTROPHE, _EQUALS, _TAB, _DELETE = b"\"\n\r '=\t\x7f"
_SPACES_MAX = 8
_LEADS_FORMULA = np.zeros(256, np.bool_)
_LEADS_FORMULA[list(b"=+-@'0123456789")] = True
"""What an apostrophe before it keeps from being taken for a formula or a number."""
_BEYOND = (
    rb"|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xb7[\x90-\xaf]|\xef\xbf[\xbe\xbf]"
    rb"|[\xf0-\xf4][\x80-\xbf]\xbf[\xbe\xbf]"
)
_CALLS_FOR_A_LOOK = np.zeros(256, np.bool_)
_CALLS_FOR_A_LOOK[[*range(_SPACE + 1), _APOSTROPHE, _EQUALS]] = True
_ODD = {
    separator: re.compile((b"" if separator == "\t" else rb"\x09|") + rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]" + _BEYOND)
    for separator in (",", ";", "\t", "|")
}
"""Characters that no field may hold, and those that break a line."""
_WHITE = re.compile(rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80")
"""White space beyond ASCII, which is taken away at the ends of a cell."""


class Cut(NamedTuple):
    """The rows of a sheet below its headings, in their order.

    `starts` and `ends` have a row for each of `plain`, and a column for each heading: where each cell stands in
    `padded`, without quotation marks and white space around it. `plain` are the rows that are, by their places among
    all; `others` has the cells of any other. `is_broken` where a quotation mark is missing: what came behind is lost.
    """

    padded: bytes
    signs: Bytes
    starts: Whole
    ends: Whole
    plain: Whole
    others: dict[int, list[str]]
    size: int
    begins: Whole
    stops: Whole
    """Where the line of each row begins, the first of a row of several, and where it ends."""
    separator: str
    is_broken: bool

    def cells(self, row: int) -> list[str]:
        """The cells of a row as the reader of rows gives them."""
        if row in self.others:
            return self.others[row]
        line = self.padded[self.begins[row] : self.stops[row]].decode()
        return next(csv.reader([line], delimiter=self.separator, strict=True))


class Lines(NamedTuple):
    """The lines of a sheet: where each ends, and whether it is plain. Of the plain ones the bounds of each cell,
    without quotation marks and the end of the line, and whether there is any that `calls` for a closer look at them."""

    ends: Whole
    is_plain: Yes
    starts: Whole
    stops: Whole
    calls: bool


_COMPILED: list[Callable[[bytes, int, str, int], Lines | None]] = []
"""What cuts lines sooner, once it was made ready."""


def ready() -> bool:
    """Make ready what is compiled; False where numba is not installed."""
    if not _COMPILED:
        try:
            from tidewaiter.formats.csv.passing import lines
        except ImportError:
            return False
        lines(b"A,B\n" + PADDING, 4, ",", 2)
        _COMPILED.append(lines)
    return spans.ready()


def cut(body: bytes, separator: str, width: int) -> Cut | None:
    """The rows cut; None where lines end in a way that is not plain. `body` is UTF-8, `width` at least two."""
    if not body.endswith(b"\n"):
        body += b"\n"
    padded = body + PADDING
    signs = np.frombuffer(padded, np.uint8)
    lines = (_COMPILED[0] if _COMPILED else _by_columns)(padded, len(body), separator, width)
    if lines is None:
        return None
    ends, is_plain, starts, stops = lines.ends, lines.is_plain.copy(), lines.starts, lines.stops
    begins = np.append(0, ends[:-1] + 1)
    if not body.isascii():
        places = [match.start() for match in _ODD[separator].finditer(body)]
        is_plain[np.searchsorted(ends, places)] = False
    is_row = np.ones(len(ends), np.bool_)
    others, is_broken = _others(body, begins, ends, separator=separator, is_plain=is_plain, is_row=is_row)
    is_plain &= is_row
    was = np.flatnonzero(lines.is_plain)
    is_kept = is_plain[was]
    if not is_kept.all():
        starts, stops = starts[is_kept], stops[is_kept]
    place = np.cumsum(is_row) - 1
    found = Cut(
        padded,
        signs,
        starts,
        stops,
        place[was[is_kept]],
        {int(place[line]): cells for line, cells in others.items()},
        int(is_row.sum()),
        begins[is_row],
        ends[is_row] + 1,
        separator,
        is_broken,
    )
    return _bared(found, _white(body), lines.calls)


def _by_columns(padded: bytes, size: int, separator: str, width: int) -> Lines | None:
    """The lines of the first so many bytes; None where one ends in a way that is not plain."""
    signs = np.frombuffer(padded, np.uint8)
    text = signs[:size]
    is_end = text == _NEXT
    is_bound = (text == ord(separator)) | is_end
    ends = np.flatnonzero(is_end)
    begins = np.append(0, ends[:-1] + 1)
    returns = int(np.count_nonzero(text == _RETURN))
    if returns and returns != np.count_nonzero((text[ends - 1] == _RETURN) & (ends > 0)):
        return None
    is_odd = _odd_lines(text, ends, separator, returns) | (ends - begins > LINE_MAX)
    is_strange = np.zeros(len(ends), np.bool_)
    if (text == _QUOTE).any():
        is_strange = _judge_quotes(text, is_bound, begins, ends)
    bounds = np.flatnonzero(is_bound)
    last = np.flatnonzero(is_end[bounds])
    is_plain = (np.diff(last, prepend=-1) == width) & ~is_odd & ~is_strange
    of = np.flatnonzero(is_plain)
    if len(of) * width == len(bounds):
        stops = bounds.reshape(len(of), width)
    else:
        stops = bounds[last[of][:, None] + np.arange(1 - width, 1)]
    starts = np.empty_like(stops)
    starts[:, 0] = begins[of]
    starts[:, 1:] = stops[:, :-1] + 1
    stops[:, -1] -= signs[stops[:, -1] - 1] == _RETURN  # never at the beginning of the sheet: a row has two cells
    first, behind = signs[starts], signs[stops - 1]
    quoted = np.flatnonzero(first == _QUOTE)
    if len(quoted):
        since, until = starts.reshape(-1), stops.reshape(-1)
        since[quoted] += 1
        until[quoted] -= 1
        first.reshape(-1)[quoted], behind.reshape(-1)[quoted] = signs[since[quoted]], signs[until[quoted] - 1]
    calls = bool(((_CALLS_FOR_A_LOOK[first] | (behind <= _SPACE)) & (starts < stops)).any())
    return Lines(ends, is_plain, starts, stops, calls)


def _odd_lines(text: Bytes, ends: Whole, separator: str, returns: int) -> Yes:
    """Which lines hold a control character."""
    is_odd = np.zeros(len(ends), np.bool_)
    usual = len(ends) + returns + (int(np.count_nonzero(text == _TAB)) if separator == "\t" else 0)
    is_control = (text < _SPACE) | (text == _DELETE)
    if np.count_nonzero(is_control) != usual:
        is_control &= (text != _NEXT) & (text != _RETURN) & (text != ord(separator))
        is_odd[np.searchsorted(ends, np.flatnonzero(is_control))] = True
    return is_odd


def _judge_quotes(text: Bytes, is_bound: Yes, begins: Whole, ends: Whole) -> Yes:
    """Which lines have quotation marks that stand otherwise than in one pair around a cell.

    What stands within a pair bounds no cell any more.
    """
    is_strange = np.zeros(len(ends), np.bool_)
    marks = np.flatnonzero(text == _QUOTE)
    line = np.searchsorted(ends, marks)
    counts = np.bincount(line, minlength=len(ends))
    first = np.cumsum(counts) - counts
    is_open = (np.arange(len(marks)) - first[line]) % 2 == 0
    opened, closed = marks[is_open], marks[~is_open]
    fits_before = (opened == begins[line[is_open]]) | is_bound[opened - 1]
    behind = text[closed + 1]
    fits = is_bound[closed + 1] | ((behind == _RETURN) & (text[np.minimum(closed + 2, len(text) - 1)] == _NEXT))
    is_strange[line[is_open][~fits_before]] = True
    is_strange[line[~is_open][~fits]] = True
    is_strange |= counts % 2 == 1
    good = marks[~is_strange[line]]
    if len(good):
        starts, stops = good[::2], good[1::2]
        held = np.flatnonzero(is_bound)
        low = np.searchsorted(held, starts)
        counts = np.searchsorted(held, stops) - low
        before = np.cumsum(counts) - counts
        is_bound[held[np.repeat(low - before, counts) + np.arange(counts.sum())]] = False
    return is_strange


def _others(
    body: bytes, begins: Whole, ends: Whole, *, separator: str, is_plain: Yes, is_row: Yes
) -> tuple[dict[int, list[str]], bool]:
    """The cells of the rows that are not plain, by line, and whether the sheet breaks off there.

    A row may go over several lines: only the first of them stays one, in `is_row`.
    """
    found: dict[int, list[str]] = {}
    at = 0
    for line in np.flatnonzero(~is_plain).tolist():
        if line < at:
            continue
        reader = csv.reader(_lines(body, begins, ends, line), delimiter=separator, strict=True)
        try:
            found[line] = next(reader)
        except csv.Error:
            is_row[line:] = False
            return found, True
        at = line + reader.line_num
        is_row[line + 1 : at] = False
    return found, False


def _lines(body: bytes, begins: Whole, ends: Whole, line: int) -> Iterator[str]:
    for place in range(line, len(ends)):
        yield body[begins[place] : ends[place] + 1].decode()


def _white(body: bytes) -> Whole:
    """Where white space beyond ASCII begins and where it ends."""
    if body.isascii():
        return np.zeros(0, np.int64)
    return np.array([place for match in _WHITE.finditer(body) for place in match.span()], np.int64)


def _bared(found: Cut, white: Whole, calls: bool) -> Cut:
    """The same without what spreadsheets put around a cell; rows in which that is not plain go to the others."""
    signs, starts, ends = found.signs, found.starts, found.ends
    is_odd = np.zeros(len(starts), np.bool_)
    if calls:
        starts, ends = starts.copy(), ends.copy()
        is_odd = _trimmed(signs, starts, ends)
        found = found._replace(starts=starts, ends=ends)
    if len(white):
        is_odd |= ((starts < ends) & (_among(starts, white) | _among(ends, white))).any(axis=1)
    if not is_odd.any():
        return found
    others = dict(found.others)
    for row in found.plain[is_odd].tolist():
        others[row] = found.cells(row)
    keep = ~is_odd
    return found._replace(starts=starts[keep], ends=ends[keep], plain=found.plain[keep], others=others)


def _trimmed(signs: Bytes, starts: Whole, ends: Whole) -> Yes:
    """Take away the spaces around cells, and an apostrophe before them. Which rows are not plain then."""
    for _ in range(_SPACES_MAX):
        before = (signs[starts] == _SPACE) & (starts < ends)
        starts += before
        behind = (signs[ends - 1] == _SPACE) & (starts < ends)
        ends -= behind
        if not before.any() and not behind.any():
            break
    is_filled = starts < ends
    first, last = signs[starts], signs[ends - 1]
    is_odd: Yes = (is_filled & ((first <= _SPACE) | (last <= _SPACE) | (first == _EQUALS))).any(axis=1)
    is_formula = is_filled & (first == _APOSTROPHE)
    if is_formula.any():
        second = signs[starts + 1]
        is_odd |= (is_formula & (second >= 128)).any(axis=1)
        starts += is_formula & _LEADS_FORMULA[second] & (ends - starts > 1)
    return is_odd


def _among(places: Whole, few: Whole) -> npt.NDArray[np.bool_]:
    """Which of these places are among those few, which stand in rising order."""
    few = np.sort(few)
    at = np.minimum(np.searchsorted(few, places), len(few) - 1)
    found: Yes = few[at] == places
    return found
