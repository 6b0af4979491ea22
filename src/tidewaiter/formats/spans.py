"""Values of a message as stretches of its bytes: texts and numbers for a whole column at once.

A stretch is where a value begins and where it ends; arrays of both stand for as many values. Nothing is guessed here:
what is not written plainly is told, so that it is read the careful way.
"""

from __future__ import annotations

from typing import TypeAlias

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


def texts(data: bytes, starts: Whole, ends: Whole) -> pl.Series:
    """The texts between starts and ends, and null as one more after the last. `data` is UTF-8."""
    size = len(starts)
    if not size:
        return pl.Series([None], dtype=pl.String)
    frame = pl.DataFrame(
        [
            pl.Series("data", [data]).new_from_index(0, size),
            pl.Series("start", starts, dtype=pl.Int64),
            pl.Series("size", ends - starts, dtype=pl.Int64),
        ]
    )
    cut = frame.select(pl.col("data").bin.slice(pl.col("start"), pl.col("size"))).to_series()
    return cut.cast(pl.String).extend_constant(None, 1)


def exact(signs: Bytes, starts: Whole, ends: Whole) -> Whole:
    """The numbers between starts and ends as whole millionths; `MISSING` where one is not written plainly.

    Plain are at most twelve digits, no needless nought before them, and at most six more behind a point.
    """
    sizes = ends - starts
    plain: Yes = (sizes > 0) & (sizes <= _LENGTH_MAX)
    number = np.zeros(len(starts), np.int64)
    point = np.where(plain, sizes, 0)  # where the point stands; behind the last digit where there is none
    for place in range(int(np.where(plain, sizes, 0).max(initial=0))):
        sign = signs[starts + place]
        digit = sign - np.uint8(ord("0"))
        inside = sizes > place
        is_digit = (digit <= 9) & inside
        is_point = (sign == ord(".")) & inside
        plain &= is_digit | is_point | ~inside
        plain &= ~(is_point & (point != sizes))
        point = np.where(is_point, place, point)
        number = np.where(is_digit, number * 10 + digit, number)
    decimals = np.where(point < sizes, sizes - point - 1, 0)
    plain &= (point > 0) & (point <= _DIGITS_MAX) & (decimals <= _DECIMALS_MAX) & ((point == sizes) | (decimals > 0))
    plain &= (signs[starts] != ord("0")) | (point == 1)
    return np.where(plain, number * _TENS[np.clip(decimals, 0, _DECIMALS_MAX)], MISSING)
