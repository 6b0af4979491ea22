"""Weeks of the made-up world as examples for a model, and the same weeks picked as it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.risk import RANDOM
from tidewaiter.risk.draw import stratum
from tidewaiter.risk.model import LABELLED, Examples, Inputs, Model, inputs
from tidewaiter.simulation.running import CAPACITY, Week, picks

KNOWN_AFTER = timedelta(days=3)
"""What an inspection found is known so long after the day of acceptance, at the latest."""


def known(week: Week, law: Law) -> Inputs:
    """What a model may know of each consignment of the week, as it was accepted."""
    return inputs(week.batch, week.outcome.values, law, week.past, week.outcome.signals)


def examples(weeks: Iterable[Week], law: Law) -> Examples:
    """What the inspections of these weeks showed, and nothing of what nobody looked at."""
    told, labelled = [], []
    for week in weeks:
        found = week.found.sort("row")
        heads = week.batch.consignments
        is_opened = heads["row"].is_in(found["row"].implode())
        drawn = week.outcome.signals.filter(pl.col("profile") == RANDOM)["row"]
        day = heads["accepted_on"].filter(is_opened).cast(pl.Datetime("us", "UTC"))
        is_drawn = found["row"].is_in(drawn.implode())
        told.append(known(week, law).only(is_opened))
        labelled.append(
            pl.DataFrame(
                {
                    "at": day,
                    "known_at": day + KNOWN_AFTER,
                    "is_wrong": found["is_wrong"],
                    "drawn_ppm": pl.Series([law.draw_share_ppm]).new_from_index(0, len(day)).set(~is_drawn, None),
                    "stratum": [
                        stratum(hs_code=None, origin_group=None, channel=channel)
                        for channel in heads["channel"].filter(is_opened)
                    ],
                },
                schema=LABELLED,
            )
        )
    return Examples(Inputs.joined(told), pl.concat(labelled))


def picked_by(model: Model, week: Week, law: Law) -> Week:
    """The week with its picks made again: the same random share, then those with the greatest chance."""
    chances = model.chances(model.figures(known(week, law)))
    lots = np.random.Generator(np.random.PCG64(week.number))
    by = pl.Series(chances)
    return replace(week, picked=picks(week.outcome.signals, week.truth["row"], lots, capacity=CAPACITY, by=by))
