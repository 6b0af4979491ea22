"""What the tariff says of many goods, in one loop. Import this only where numba is wanted, see `model/kernels.py`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tidewaiter.law.measures import Goods, Held, Laid
from tidewaiter.model.exact import Whole
from tidewaiter.model.kernels import kernel

Few = npt.NDArray[np.int32]
_HITS = 4


def held(goods: Goods, laid: Laid, asked: Whole, size: int) -> list[Held]:
    """For so many kinds of measures, the goods for which one holds, and which. `asked` tells of each kind that there is
    the place among these, -1 where it is not asked for."""
    hits = np.empty((_HITS * len(goods[0]), 3), np.int32)
    count = _seek(goods, laid, asked, hits)
    if count > len(hits):
        hits = np.empty((count, 3), np.int32)
        _seek(goods, laid, asked, hits)
    ends = np.zeros(size, np.int64)
    rows, measures = np.empty(count, np.int64), np.empty(count, np.int64)
    _part(hits[:count], ends, (rows, measures))
    bounds = [0, *ends.tolist()]
    return [(rows[start:end], measures[start:end]) for start, end in pairwise(bounds)]


@kernel
def _seek(goods: Goods, laid: Laid, asked: Whole, hits: Few) -> int:
    """How many measures hold, and as many as there is room for: which of the goods, the kind asked for, the measure."""
    sorts, items, days = goods
    begin, stretches = laid
    count = 0
    for row in range(len(sorts)):
        sort, day = sorts[row], days[items[row]]
        for place in range(begin[sort], begin[sort + 1]):
            if stretches[place, 0] <= day < stretches[place, 1]:
                kind = asked[stretches[place, 3]]
                if kind >= 0:
                    if count < len(hits):
                        hits[count, 0], hits[count, 1], hits[count, 2] = row, kind, stretches[place, 2]
                    count += 1
    return count


@kernel
def _part(hits: Few, ends: Whole, found: Held) -> None:
    """Put what was found kind by kind, and say where each kind ends."""
    for hit in range(len(hits)):
        ends[hits[hit, 1]] += 1
    following, so_far = np.zeros_like(ends), 0
    for kind in range(len(ends)):
        following[kind] = so_far
        so_far += ends[kind]
        ends[kind] = so_far
    rows, measures = found
    for hit in range(len(hits)):
        at = following[hits[hit, 1]]
        rows[at], measures[at] = hits[hit, 0], hits[hit, 2]
        following[hits[hit, 1]] = at + 1
