"""The random draw of a batch: who falls to it, and with which probability each would have.

Where a table gives the strata (`draw.stratum`) of a country their probabilities, half of the share is drawn from all
alike and half by strata; whoever is drawn by both is drawn once. Elsewhere the whole share is drawn from all alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.exact import MISSING, Whole, series
from tidewaiter.model.rows import firsts
from tidewaiter.risk.draw import STRATIFIED, drawn, numbers, stratum
from tidewaiter.risk.draw import limit as limit_of
from tidewaiter.risk.origins import origin_group
from tidewaiter.risk.selection import WHOLE_PPM, Draw

DRAWS = pl.Schema({"row": ROW, "is_drawn": pl.Boolean, "drawn_ppm": pl.Int64})
"""A row a consignment. `drawn_ppm` is the probability at which it falls to the draw, null where it is not drawn from:
only original imports are."""


def draw_in(law: Law, country: str) -> Draw:
    """The draw of a country under the law: its key, the probability of all, and that of each stratum."""
    strata = law.draw_strata.get(country)
    if strata and law.draw_share_ppm:
        return Draw.halves(law.draw_key, law.draw_share_ppm, strata)
    return Draw(key=law.draw_key, simple_ppm=law.draw_share_ppm)


def stratum_of(record: Consignment) -> str:
    """The stratum of a consignment, by its first goods item."""
    first = record.items[0] if record.items else None
    return stratum(
        hs_code=first.hs_code if first else None,
        origin_group=origin_group(first.origin_country if first else None),
        channel=record.channel,
    )


def draws(batch: Batch, law: Law) -> pl.DataFrame:
    """A frame DRAWS of the batch, in its order: the same whatever else is in the batch."""
    return batch.once("draws", law, make=lambda: _draws(batch, law))


def _draws(batch: Batch, law: Law) -> pl.DataFrame:
    heads = batch.consignments
    from_these = batch.apart("consignments", "function").one_of(("original",))
    from_these &= batch.apart("consignments", "direction").one_of(("import",))
    countries = batch.apart("consignments", "jurisdiction")
    of_country = [draw_in(law, country or "") for country in countries.different]
    shares = [draw.simple_ppm for draw in of_country]
    is_drawn = drawn(countries, heads["reference"], key=law.draw_key, shares_ppm=shares)
    ppm = np.array(shares, np.int64)[countries.which]
    by_strata = np.array([bool(draw.strata) for draw in of_country], np.bool_)[countries.which]
    if by_strata.any():
        own = np.where(by_strata, _by_stratum(batch, countries.which, of_country), 0)
        ppm += (WHOLE_PPM - ppm) * own // WHOLE_PPM
        limits = {one: limit_of(one) for one in set(own.tolist())}
        places = zip(heads["jurisdiction"].to_list(), heads["reference"].to_list(), strict=True)
        told = numbers(places, key=law.draw_key, purpose=STRATIFIED)
        is_drawn |= np.array([number < limits[one] for number, one in zip(told, own.tolist(), strict=True)], np.bool_)
    return pl.DataFrame(
        [
            heads["row"],
            pl.Series("is_drawn", is_drawn & from_these),
            series("drawn_ppm", np.where(from_these, ppm, MISSING)),
        ]
    )


def _by_stratum(batch: Batch, country: Whole, draws: Sequence[Draw]) -> Whole:
    """The probability of the stratum of each consignment."""
    first = firsts(batch.items["row"], batch.consignments["row"])
    codes, origins = (_of_first(batch, name, first) for name in ("hs_code", "origin_country"))
    channels = batch.consignments["channel"].to_list()
    known: dict[tuple[int, str | None, str | None, str | None], int] = {}
    found = []
    for key in zip(country.tolist(), codes, origins, channels, strict=True):
        if key not in known:
            place, code, origin, channel = key
            named = stratum(hs_code=code, origin_group=origin_group(origin), channel=channel)
            known[key] = draws[place].of(named)
        found.append(known[key])
    return np.array(found, np.int64)


def _of_first(batch: Batch, name: str, first: pl.Series) -> list[str | None]:
    if not len(batch.items):
        return [None] * len(batch)
    told: list[str | None] = batch.items[name].gather(first).to_list()
    return told
