"""Where a text may end: the first byte that is no plain one of a text, found among eight at once.

Import this only where numba is wanted, see `model/kernels.py`.
"""

from __future__ import annotations

import numpy as np

from tidewaiter.formats.spans import WORD, Words
from tidewaiter.model.kernels import kernel

ONES = np.uint64(0x0101010101010101)
"""A byte times this is a word of eight of them."""
_HIGH, _BLANKS, _QUOTES, _DELETES = (np.uint64(sign) * ONES for sign in (128, 32, 34, 127))
_PLACE_OF_LOWEST = np.uint64(0x0001020304050607)
"""By this the lowest of eight bytes that is one, and no other, makes its place the highest byte."""


@kernel
def unplain(words: Words, at: int, marks: np.uint64) -> int:
    """Where from there on the first byte stands that is a quotation mark, the byte of which `marks` are eight, a
    control character or beyond ASCII; where less than eight bytes are left at the end of the message, that place."""
    i = at
    while i < len(words):
        word = words[i]
        mark, quote, delete = word ^ marks, word ^ _QUOTES, word ^ _DELETES
        # Of what is found wrongly, by a borrow, nothing stands before what is found rightly.
        found = (mark - ONES) & ~mark | (quote - ONES) & ~quote | (delete - ONES) & ~delete
        found = (found | (word - _BLANKS) & ~word | word) & _HIGH
        if found:
            lowest = (found & (~found + np.uint64(1))) >> np.uint64(7)
            return i + int(np.int64((lowest * _PLACE_OF_LOWEST) >> np.uint64(56)))
        i += WORD
    return i
