"""How products were declared before."""

from __future__ import annotations

import polars as pl

from tidewaiter.model.exact import series
from tidewaiter.model.past import PRODUCTS
from tidewaiter.risk.history.parties import paired, rate
from tidewaiter.risk.history.records import History
from tidewaiter.risk.history.running import count_before


def products(history: History, asked: History) -> pl.DataFrame:
    """A frame PRODUCTS about the goods items of `asked`; the earlier of these count for the later."""
    both = pl.concat([history.items, asked.items]).with_columns(hs6=pl.col("hs_code").str.head(6))
    at, new = both["at"], slice(len(history.items), None)
    found = [asked.items["row"], asked.items["item"]]
    for what, prefix, told in (("article", "", ("code", "origin")), ("words", "words_", ("code",))):
        count = count_before(both[what], at)
        found.append(series(f"{prefix}count", count[new]))
        for name in told:
            same = count_before(paired(both, what, {"code": "hs6", "origin": "origin_country"}[name]), at)
            found.append(series(f"{prefix}{name}_rate_micro", rate(same, count)[new]))
    return pl.DataFrame(found).select(PRODUCTS.names())
