"""Values of a message as stretches of its bytes: texts and numbers for a whole column at once.

A stretch is where a value begins and where it ends; arrays of both stand for as many values. Nothing is guessed here:
what is not written plainly is told, so that it is read the careful way.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.model.exact import MISSING, Whole, Yes

Bytes: TypeAlias = npt.NDArray[np.uint8]
Words: TypeAlias = npt.NDArray[np.uint64]
"""Eight bytes each, the first the lowest."""

PADDING = bytes(32)
"""What must stand behind a message, so that looking a few bytes ahead never leaves it."""
WORD = 8
LONGEST = 3 * WORD
"""Values of more bytes are not told apart here."""
_STEPS = np.arange(0, LONGEST, WORD)
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
_SLOTS_BITS = 14
_SHIFT = np.uint64(64 - _SLOTS_BITS)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(WORD + 1)], np.uint64)
_DIGITS_MAX = 12
_DECIMALS_MAX = 6
_LENGTH_MAX = _DIGITS_MAX + 1 + _DECIMALS_MAX
_POINT, _COMMA = b".,"
_NOUGHT, _NINE = np.uint8(ord("0")), np.uint8(9)
_U1, _U7, _U8, _U10, _U15, _U56, _UFF = (np.uint64(one) for one in (1, 7, 8, 10, 15, 56, 255))
ONES = np.uint64(0x0101010101010101)
"""A byte times this is a word of eight of them."""
PLACE_OF_FIRST = np.uint64(0x0001020304050607)
"""By this the lowest of eight bytes that is one, and no other, makes its place the highest byte."""
_TENS = np.array([10**power for power in range(_DECIMALS_MAX, -1, -1)], np.int64)


def gathered(padded: bytes, starts: Whole, size: int) -> Bytes:
    """So many bytes from each start: one row a start."""
    windows = np.ndarray((len(padded) - size + 1,), f"V{size}", padded, strides=(1,))
    return windows[starts].view(np.uint8).reshape(len(starts), size)


def words(padded: bytes, starts: Whole) -> Words:
    """The eight bytes from each start as one number."""
    return gathered(padded, starts, WORD).view("<u8").reshape(len(starts))


def cut_words(padded: bytes, starts: Whole, sizes: Whole) -> Words:
    """At most eight bytes from each start as one number, noughts behind the first `sizes` of them."""
    return words(padded, starts) & _MASKS[np.minimum(sizes, WORD)]


def apart(padded: bytes, starts: Whole, ends: Whole, of: Whole) -> tuple[Whole, Whole]:
    """The different values of at most 24 bytes, each by the place of one that has it, and which of them each value is.

    Values differ where `of` does.
    """
    size = len(starts)
    sizes = ends - starts
    three = gathered(padded, starts, LONGEST).view("<u8").reshape(size, 3)
    three = three & _MASKS[np.clip(sizes[:, None] - _STEPS, 0, WORD)]
    keys = np.column_stack([three, (of * (LONGEST + 1) + sizes).astype(np.uint64)])
    mixed = keys @ _FACTORS
    slots = ((mixed ^ (mixed >> np.uint64(31))) * _FACTORS[0] >> _SHIFT).astype(np.int64)
    last = np.zeros(1 << _SLOTS_BITS, np.int64)
    last[slots] = np.arange(size)
    found = last[slots]
    if (keys[found] != keys).any():
        _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        return first, which.reshape(size)
    used = np.zeros(1 << _SLOTS_BITS, np.bool_)
    used[slots] = True
    number = np.cumsum(used) - 1
    return last[used], number[slots]


_address = ctypes.pythonapi.PyBytes_AsString
_address.argtypes, _address.restype = [ctypes.py_object], ctypes.c_void_p


def ended(data: bytes) -> Bytes:
    """The bytes with the 0 behind them that stands behind all bytes of Python (C API, `PyBytes_AsString`). It is no
    copy, which of a great message takes as long as a fifth of its reading: keep `data` as long as it is used."""
    held = (ctypes.c_uint8 * (len(data) + 1)).from_address(_address(data))
    found: Bytes = np.frombuffer(memoryview(held), np.uint8)
    found.flags.writeable = False
    return found


def ahead(signs: Bytes) -> Words:
    """The eight bytes from each on as one number, where there are as many: a kernel compares eight at once."""
    return np.ndarray((max(len(signs) - WORD + 1, 0),), np.uint64, signs, strides=(1,))


_COMPILED: list[Callable[[bytes, npt.NDArray[Any], npt.NDArray[Any]], pl.Series]] = []
"""What makes texts sooner, once it was made ready."""


def ready() -> bool:
    """Make ready what makes texts sooner; False where numba or pyarrow is not installed."""
    if not _COMPILED:
        try:
            from tidewaiter.formats.arrow import texts
        except ImportError:
            return False
        for whole in (np.int32, np.int64):
            texts(b"A", np.zeros(1, whole), np.ones(1, whole))
        _COMPILED.append(texts)
    return True


def texts(data: bytes, starts: npt.NDArray[Any], ends: npt.NDArray[Any]) -> pl.Series:
    """The texts between starts and ends, and null as one more after the last. `data` is UTF-8."""
    size = len(starts)
    if not size:
        return pl.Series([None], dtype=pl.String)
    if _COMPILED:
        return _COMPILED[0](data, starts, ends)
    where, sizes = pl.Series(starts, dtype=pl.Int64), pl.Series(ends - starts, dtype=pl.Int64)
    cut = pl.select(pl.lit(pl.Series([data])).bin.slice(pl.lit(where), pl.lit(sizes))).to_series()
    return cut.cast(pl.String).extend_constant(None, 1).rechunk()


class Numbers(NamedTuple):
    """Numbers read: whole millionths, `MISSING` where one is not written plainly, with the mark before its decimals
    taken for a decimal mark; that mark, 0 where there is none; and how many decimals there are."""

    micro: Whole
    mark: Bytes
    decimals: Whole


def exact(padded: bytes, starts: Whole, ends: Whole) -> Whole:
    """The numbers between starts and ends as whole millionths; `MISSING` where one is not written plainly, with a point
    before its decimals."""
    found = numbers(padded, starts, ends)
    is_other = found.mark == _COMMA
    return np.where(is_other, MISSING, found.micro) if is_other.any() else found.micro


def numbers(padded: bytes, starts: Whole, ends: Whole) -> Numbers:
    """The numbers between starts and ends.

    Plain are at most twelve digits, no needless nought before them, and at most six more behind a point or a comma.
    """
    sizes = ends - starts
    is_long = sizes > WORD
    if not is_long.any():
        return _short(padded, starts, sizes)
    found = Numbers(np.full(len(sizes), MISSING), np.zeros(len(sizes), np.uint8), np.zeros(len(sizes), np.int64))
    for at, read in ((np.flatnonzero(~is_long), _short), (np.flatnonzero(is_long & (sizes <= _LENGTH_MAX)), _long)):
        found.micro[at], found.mark[at], found.decimals[at] = read(padded, starts[at], sizes[at])
    return found


def _short(padded: bytes, starts: Whole, sizes: Whole) -> Numbers:
    """Numbers of at most eight signs: the eight are reckoned with as one word."""
    size = sizes.astype(np.uint64)
    written = gathered(padded, starts, WORD).view("<u8").reshape(len(starts)) & _MASKS[size]
    signs = written.view(np.uint8)
    is_mark = ((signs == _POINT) | (signs == _COMMA)).view(np.uint64)
    is_digit = ((signs - _NOUGHT) <= _NINE).view(np.uint64)
    has_mark = is_mark != 0
    point = np.where(has_mark, ((is_mark & (~is_mark + _U1)) * PLACE_OF_FIRST) >> _U56, size)
    decimals = size - point - has_mark
    # Each sign is a digit or the only mark, and the mark has digits on both sides.
    plain: Yes = (is_mark | is_digit) == (ONES & _MASKS[size])
    plain &= ((is_mark & (is_mark - _U1)) == 0) & (point > 0) & (decimals <= _DECIMALS_MAX)
    plain &= (decimals > 0) | ~has_mark
    plain &= ((written & _UFF) != _NOUGHT) | (point == 1)
    # The digits behind the mark move one place down, and all move up until the last of them is the last of the word.
    word = written & (is_digit * _U15)
    head = word & _MASKS[point]
    word = head | ((word ^ head) >> _U8)
    word <<= np.minimum(WORD - size + has_mark, _U7) * _U8
    word = (word * _U10 + (word >> _U8)) & np.uint64(0x00FF00FF00FF00FF)
    word = (word * np.uint64(100) + (word >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    word = (word * np.uint64(10_000) + (word >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    places = decimals.astype(np.int64)
    micro = np.where(plain, word.astype(np.int64) * _TENS[places.clip(0, _DECIMALS_MAX)], MISSING)
    mark = np.where(has_mark, (written >> (point * _U8)) & _UFF, 0).astype(np.uint8)
    return Numbers(micro, mark, places)


def _long(padded: bytes, starts: Whole, sizes: Whole) -> Numbers:
    """Numbers of at most so many signs as a plain one has, sign by sign."""
    signs = np.frombuffer(padded, np.uint8)
    plain: Yes = sizes > 0
    number = np.zeros(len(starts), np.int64)
    point = sizes.copy()  # where the mark stands; behind the last digit where there is none
    mark = np.zeros(len(starts), np.uint8)
    for place in range(int(sizes.max(initial=0))):
        sign = signs[starts + place]
        digit = sign - np.uint8(ord("0"))
        inside = sizes > place
        is_digit = (digit <= 9) & inside
        is_point = ((sign == _POINT) | (sign == _COMMA)) & inside
        plain &= is_digit | is_point | ~inside
        plain &= ~(is_point & (point != sizes))
        point = np.where(is_point, place, point)
        mark = np.where(is_point, sign, mark)
        number = np.where(is_digit, number * 10 + digit, number)
    decimals = np.where(point < sizes, sizes - point - 1, 0)
    plain &= (point > 0) & (point <= _DIGITS_MAX) & (decimals <= _DECIMALS_MAX) & ((point == sizes) | (decimals > 0))
    plain &= (signs[starts] != ord("0")) | (point == 1)
    return Numbers(np.where(plain, number * _TENS[np.clip(decimals, 0, _DECIMALS_MAX)], MISSING), mark, decimals)
