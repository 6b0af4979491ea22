"""What the tariff says of many goods, in one loop. Import this only where numba is wanted, see `model/kernels.py`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewaiter.model.exact import Whole
from tidewaiter.model.kernels import kernel

Few = npt.NDArray[np.int32]


class Stretches(NamedTuple):
    """The stretches of days of all sorts, and where those of each begin, and how many there are."""

    since: Whole
    until: Whole
    number: Whole
    first: Few
    many: Few


@kernel
def held(goods: tuple[Whole, Whole, Whole], stretches: Stretches, rows: Whole, measures: Whole) -> int:
    """How many of the goods have a measure, and into `rows` and `measures` which they are, and which it is. Of the
    goods: the sort of each, where its day stands among the days, and these."""
    sorts, items, days = goods
    since, until, number, first, many = stretches
    count = 0
    for row in range(len(sorts)):
        sort = sorts[row]
        if many[sort]:
            day = days[items[row]]
            for place in range(first[sort], first[sort] + many[sort]):
                if since[place] <= day < until[place]:
                    rows[count], measures[count] = row, number[place]
                    count += 1
                    break
    return count
