"""The random draw of a batch: who falls to it, and with which probability each would have.

Half of the share is drawn from all alike, and half by strata (`draw.stratum`). Whoever is drawn by both is drawn once,
and the halves are such that together they come to the share where no table gives strata a probability of their own.
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
    simple = law.draw_share_ppm - law.draw_share_ppm // 2
    rest = -(-(law.draw_share_ppm - simple) * WHOLE_PPM // (WHOLE_PPM - simple)) if law.draw_share_ppm else 0
    return Draw(
        key=law.draw_key, simple_ppm=simple, stratified_ppm=rest,
        strata=law.draw_strata.get(country, {}) if law.draw_share_ppm else {},
    )  # fmt: skip


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
    size = len(batch)
    if not law.draw_share_ppm:
        nothing, ppm = np.zeros(size, np.bool_), np.zeros(size, np.int64)
        return _framed(heads["row"], nothing, np.where(from_these, ppm, MISSING))
    countries = batch.apart("consignments", "jurisdiction")
    of_country = [draw_in(law, country or "") for country in countries.different]
    simple_ppm = of_country[0].simple_ppm if of_country else 0
    simple = drawn(countries, heads["reference"], key=law.draw_key, share_ppm=simple_ppm).to_numpy()
    if any(draw.strata for draw in of_country):
        ppm = _by_stratum(batch, countries.which, of_country)
        limits = {one: limit_of(one) for one in set(ppm.tolist())}
        places = zip(heads["jurisdiction"].to_list(), heads["reference"].to_list(), strict=True)
        told = numbers(places, key=law.draw_key, purpose=STRATIFIED)
        stratified = np.array([number < limits[one] for number, one in zip(told, ppm.tolist(), strict=True)], np.bool_)
    else:
        share = of_country[0].stratified_ppm if of_country else 0
        ppm = np.full(size, share, np.int64)
        stratified = drawn(
            countries, heads["reference"], key=law.draw_key, share_ppm=share, purpose=STRATIFIED
        ).to_numpy()
    either = simple_ppm + (WHOLE_PPM - simple_ppm) * ppm // WHOLE_PPM
    return _framed(heads["row"], (simple | stratified) & from_these, np.where(from_these, either, MISSING))


def _framed(rows: pl.Series, is_drawn: np.ndarray[tuple[int], np.dtype[np.bool_]], ppm: Whole) -> pl.DataFrame:
    return pl.DataFrame([rows, pl.Series("is_drawn", is_drawn), series("drawn_ppm", ppm)])


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
