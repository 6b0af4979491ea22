"""Eight bytes of a message looked at at once: where a text may end, and whether they are what stood elsewhere.

Import this only where numba is wanted, see `model/kernels.py`. Both take numbers alone: an array given to a part of a
kernel is counted at each call, which takes longer than what is done here.
"""

from __future__ import annotations

import numpy as np

from tidewaiter.formats.spans import ONES, PLACE_OF_FIRST, WORD
from tidewaiter.model.kernels import kernel

_HIGH, _BLANKS, _QUOTES, _DELETES = (np.uint64(sign) * ONES for sign in (128, 32, 34, 127))


@kernel
def plain(word: np.uint64, marks: np.uint64) -> int:
    """How many bytes of the word stand before the first that is a quotation mark, the byte of which `marks` are eight,
    a control character or beyond ASCII."""
    mark, quote, delete = word ^ marks, word ^ _QUOTES, word ^ _DELETES
    # Of what is found wrongly, by a borrow, nothing stands before what is found rightly.
    found = (mark - ONES) & ~mark | (quote - ONES) & ~quote | (delete - ONES) & ~delete
    found = (found | (word - _BLANKS) & ~word | word) & _HIGH
    if not found:
        return WORD
    lowest = (found & (~found + np.uint64(1))) >> np.uint64(7)
    return int(np.int64((lowest * PLACE_OF_FIRST) >> np.uint64(56)))


@kernel
def alike(word: np.uint64, other: np.uint64, size: int) -> bool:
    """Whether the first so many bytes of both are the same, or all eight where there are more."""
    if size >= WORD:
        return bool(word == other)
    return not (word ^ other) << np.uint64(8 * (WORD - size))
