"""The lines of a sheet cut by the kernel, in one pass over its bytes: what `cutting` says of them, only sooner.

Import this only where numba is wanted: see `model/kernels.py`.
"""

from __future__ import annotations

import numpy as np

from tidewaiter.formats.csv import kernel
from tidewaiter.formats.csv.cutting import LINE_MAX, Lines
from tidewaiter.formats.spans import ahead


def lines(padded: bytes, size: int, separator: str, width: int) -> Lines | None:
    """The lines of the first so many bytes; None where one ends in a way that is not plain."""
    signs = np.frombuffer(padded, np.uint8)
    most = padded.count(b"\n", 0, size)
    plain_most = min(most, size // width) + 1  # a plain line has a byte for each cell, besides what stands in it
    starts, stops = (np.empty((width, plain_most), np.int64) for _ in range(2))
    room = kernel.Room(np.empty(most, np.int64), np.empty(most, np.bool_), starts, stops)
    many = kernel.cut((signs, ahead(signs)), size, ord(separator), LINE_MAX, room)
    if many.lines == kernel.FAILED:
        return None
    return Lines(room.ends, room.is_plain, starts[:, : many.plain].T, stops[:, : many.plain].T, many.calls)
