"""What looking at goods found: the record an officer writes, and the same as columns for who learns from it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec
import polars as pl

from tidewaiter.model.batch import ROW

Result = Literal["none", "value", "class", "origin", "quantity", "prohibited", "rights", "document"]
"""What was found wrong: nothing, the value, the commodity code, the origin, how much there is, goods that may not come
in, somebody's rights (trade marks and the like), or a document."""
RESULTS: tuple[Result, ...] = get_args(Result)
NOTHING: Result = "none"
RESULTS_MAX = len(RESULTS)
MINUTES_MAX = 100_000


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What one officer found in one consignment. `results` are all different, and "none" stands alone.

    `recovered_micro` is duty and tax found due besides what was charged, in `currency`; `minutes` the time it took. One
    that comes later and corrects another names it in `supersedes`: both stay, the later counts.
    """

    id: int
    consignment_id: int
    at: datetime
    officer: str
    results: tuple[Result, ...]
    recovered_micro: int
    currency: str
    minutes: int
    supersedes: int | None = None

    @property
    def is_found(self) -> bool:
        """Whether anything was wrong."""
        return self.results != (NOTHING,)


LABELS = pl.Schema(
    {
        "row": ROW,
        "is_found": pl.Boolean,
        "drawn_ppm": pl.Int64,
        "recovered_micro": pl.Int64,
        "minutes": pl.Int64,
        "sender": pl.String,
    }
)
"""A row a consignment of a batch whose outcome is known or whose sender is. `is_found` is null where nobody looked;
`drawn_ppm` is the probability at which it would fall to the random share, in parts in a million, where it did, and null
where it did not; `sender` says how large the sender was, as known at acceptance."""
