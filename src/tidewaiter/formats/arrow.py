"""A column of texts made of stretches of a message: a kernel copies them into the buffers of an Arrow array, which
Polars takes as they are. By its own means it cuts them out one by one, in three to four times the time.

The buffers are Arrow's own, so that nothing of Python is held by what may end in another thread.

Import this only where numba and pyarrow are wanted, see `model/kernels.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tidewaiter.formats.spans import WORD, Bytes, Words, ahead, ended
from tidewaiter.model.kernels import kernel

Long = npt.NDArray[np.int64]
Places = npt.NDArray[Any]


@kernel
def _reckon(starts: Places, ends: Places, offsets: Long) -> None:
    """Where each text begins among all, and where the last ends."""
    at = 0
    for k in range(len(starts)):
        offsets[k] = at
        at += ends[k] - starts[k]
    offsets[len(starts)] = at


@kernel
def _copy(message: tuple[Bytes, Words], starts: Places, offsets: Long, copied: tuple[Bytes, Words]) -> None:
    """Copy each text to its place, eight bytes at once where so many stand in the message: what is too much of the
    last eight is written over by the next text. With the bytes of both come the words ahead of each."""
    data, words = message
    signs, into = copied
    for k in range(len(starts)):
        begun, at = starts[k], offsets[k]
        size = offsets[k + 1] - at
        if begun + size <= len(words):
            for step in range(0, size, WORD):
                into[at + step] = words[begun + step]
        else:
            for step in range(size):
                signs[at + step] = data[begun + step]


def texts(data: bytes, starts: Places, ends: Places) -> pl.Series:
    """What `spans.texts` gives."""
    size = len(starts)
    held = pa.allocate_buffer((size + 2) * WORD)
    offsets: Long = np.frombuffer(held, np.int64)
    _reckon(starts, ends, offsets)
    offsets[size + 1] = offsets[size]
    copied = pa.allocate_buffer(int(offsets[size]) + WORD)
    message, signs = ended(data), np.frombuffer(copied, np.uint8)
    _copy((message, ahead(message)), starts, offsets, (signs, ahead(signs)))
    signs[offsets[size] :] = 0
    valid = pa.allocate_buffer(size // WORD + 1)
    bits: Bytes = np.frombuffer(valid, np.uint8)
    bits[:] = 255
    bits[size // WORD] &= 255 ^ (1 << size % WORD)  # the one after the last is null
    return pl.Series(pa.Array.from_buffers(pa.large_string(), size + 1, [valid, held, copied]))
