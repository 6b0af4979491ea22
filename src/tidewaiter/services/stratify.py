"""Giving the strata of the random draw their probabilities, from what was accepted in a time before.

They hold from the next consignment on. What they follow from is kept with them, and who was drawn never changes them: a
stratum is counted by what came, not by what was looked at.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from tidewaiter.law import Law
from tidewaiter.risk.draw import probabilities
from tidewaiter.risk.drawing import stratum_of
from tidewaiter.risk.selection import Draw
from tidewaiter.store import DrawTable, Store

COUNTED_D = 90
"""Days before today whose consignments are counted."""
TOGETHER = 5_000


async def stratify(country: str, *, store: Store, law: Law, at: datetime) -> DrawTable:
    """The table of a country, drawn up and kept: each stratum of the 90 days before gives as many as any other."""
    until = at.date()
    since = until - timedelta(days=COUNTED_D)
    counts: Counter[str] = Counter()
    after = 0
    while found := await store.inspections.judged(
        jurisdiction=country, since=since, until=until, after=after, size=TOGETHER
    ):
        stored = await store.consignments([one.id for one in found])
        counts.update(stratum_of(stored[one.id].record) for one in found)
        after = found[-1].id
    share = Draw.halves(law.draw_key, law.draw_share_ppm).stratified_ppm
    return await store.profiles.keep_strata(
        DrawTable(
            number=0, jurisdiction=country, at=at, since=since, until=until, share_ppm=share, counts=dict(counts),
            strata=probabilities(counts, share_ppm=share),
        )
    )  # fmt: skip
