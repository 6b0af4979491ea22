"""Weeks of the made-up world through the corridor: declared ahead of the goods, judged by what was known before, and
again as the goods are presented; then a few are opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from tidewaiter import pipeline
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import Outcome
from tidewaiter.model.past import Past
from tidewaiter.risk import RANDOM
from tidewaiter.risk.history import RESULTS, History, Persons, past_of, peer_table, recent_later, remembered
from tidewaiter.simulation.documents import KEY, documents
from tidewaiter.simulation.drafts import Draft, honest_week
from tidewaiter.simulation.framing import Framed, framed, truth_of
from tidewaiter.simulation.inspecting import inspect
from tidewaiter.simulation.planting import NUMBER, USUAL_PLAN, Plan, plant
from tidewaiter.simulation.world import World

REMEMBERED_D = 90
"""Days for which consignments are kept for the sake of later ones."""
WAIT = timedelta(days=3)
"""How long before its goods are there a parcel is declared."""
CAPACITY = 0.05
"""The part of all consignments that can be inspected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week as its goods were presented, by what was known then. `picked` are the rows inspected, of which `found`
    tells (a frame FOUND); `lodged` is what was made of it when it was declared."""

    number: int
    batch: Batch
    truth: pl.DataFrame
    past: Past
    lodged: Outcome
    outcome: Outcome
    picked: pl.Series
    found: pl.DataFrame


def run_weeks(
    world: World,
    law: Law,
    *,
    seed: int,
    weeks: int,
    parcels: int,
    plan: Plan = USUAL_PLAN,
    capacity: float = CAPACITY,
    wait: timedelta = WAIT,
) -> Iterator[Week]:
    """So many weeks of so many parcels through the corridor, with what each finds known to the weeks after.

    Inspected are those drawn at random by the law's key and share, and of the rest those with the greatest `scores`, so
    many that together they come to the capacity. From its declaration to its presentation each waits so long.
    """
    history, persons = History(), Persons()
    for week in range(weeks):
        rng = np.random.Generator(np.random.PCG64([seed, week]))
        draft = plant(rng, world, honest_week(rng, world, week, parcels), week=week, plan=plan)
        made = framed(draft, world, prefix=f"W{seed}-{week}-")
        assessed = assess(made.batch, law)
        asked = remembered(made.batch, assessed.values, law, at=made.at, key=KEY, persons=persons)
        told = Past(documents=documents(rng, made.batch, draft, law, at=made.at))
        before = past_of(history, asked, peer_table(history.items), but=told)
        lodged = pipeline.clear(made.batch, law, before)
        truth = truth_of(draft, made.batch.consignments, _losses(made, lodged, law, draft))
        past = replace(before, recent=recent_later(history, asked, wait=wait))
        batch = _presented(made.batch, wait)
        outcome = pipeline.present(batch, law, past)
        picked = picks(outcome.signals, truth["row"], rng, capacity=capacity)
        found = inspect(truth, picked, rng)
        yield Week(
            number=week, batch=batch, truth=truth, past=past, lodged=lodged, outcome=outcome, picked=picked, found=found
        )
        drawn = outcome.signals.filter(pl.col("profile") == RANDOM)["row"]
        history = _kept(
            history, asked.ranked(past.peers), found.with_columns(is_random=pl.col("row").is_in(drawn.implode())), wait
        )


def _presented(batch: Batch, wait: timedelta) -> Batch:
    """The same on the day on which the goods are there."""
    heads = batch.consignments.with_columns(pl.col("accepted_on") + wait)
    return replace(batch, consignments=heads)


def scores(signals: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """How much the signals of each row speak for a look at it, from nought to one: the chance that one of them is
    right, if each were as often as its score says and none knew of the others. The random draw counts for nothing."""
    told = signals.filter(pl.col("profile") != RANDOM)
    spoken = told.group_by("row").agg(score=1 - (1 - pl.col("score") / 100).product())
    return rows.to_frame("row").join(spoken, on="row", how="left", maintain_order="left")["score"].fill_null(0.0)


def picks(
    signals: pl.DataFrame, rows: pl.Series, rng: np.random.Generator, *, capacity: float, by: pl.Series | None = None
) -> pl.Series:
    """The rows to inspect: first the random share, then by score, or by what another says; of equals by lot."""
    drawn = signals.filter(pl.col("profile") == RANDOM)["row"]
    places = max(0, round(len(rows) * capacity) - len(drawn))
    ranked = pl.DataFrame(
        {"row": rows, "score": scores(signals, rows) if by is None else by, "lot": rng.random(len(rows))}
    )
    rest = ranked.filter(~pl.col("row").is_in(drawn.implode())).sort("score", "lot", descending=True)
    return pl.concat([drawn, rest["row"].head(places)]).sort()


def _losses(made: Framed, outcome: Outcome, law: Law, draft: Draft) -> pl.Series:
    """What each parcel keeps from the revenue: what would be charged on the honest parcel less what is charged on
    those declared in its place, in equal parts; nothing where that is less than nothing. A ghost, and who gives the
    scheme number of another, pay nothing of what they say they charged at the sale."""
    honest = _charged(assess(made.honest, law).charges, made.honest)
    declared = _charged(outcome.charges, made.batch)
    size = np.bincount(made.whole, minlength=len(honest))
    at_sale = outcome.charges.filter(pl.col("at_sale_micro").is_not_null())["row"].unique()
    unpaid = np.isin(draft.scheme, [NUMBER["ghost_seller"], NUMBER["borrowed_scheme"]])
    declared = np.where(unpaid & np.isin(np.arange(len(draft)), at_sale.to_numpy()), 0, declared)
    sums = np.zeros(len(honest), np.int64)
    np.add.at(sums, made.whole, declared)
    return pl.Series((np.maximum(honest - sums, 0) // size)[made.whole])


def _charged(charges: pl.DataFrame, batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """What is charged on each consignment, at the border and at the sale; what is not known counts for nothing."""
    due = charges.group_by("row").agg(pl.col("amount_micro", "at_sale_micro").sum())
    beside = batch.consignments.select("row").join(due, on="row", how="left", maintain_order="left")
    return (
        beside.select(pl.col("amount_micro").fill_null(0) + pl.col("at_sale_micro").fill_null(0)).to_series().to_numpy()
    )


def _kept(history: History, asked: History, found: pl.DataFrame, wait: timedelta) -> History:
    """The history with the week and what its inspections found, and without what is too long ago."""
    heads = asked.consignments.join(found, on="row", maintain_order="left")
    results = heads.select(pl.col("at") + wait + pl.duration(days=2), "seller", "is_wrong", "is_random").cast(RESULTS)
    whole = history.and_then(replace(asked, results=results))
    newest = asked.consignments["at"].max()
    after = pl.col("at") > newest - timedelta(days=REMEMBERED_D)  # type: ignore[operator]
    return History(
        consignments=whole.consignments.filter(after), items=whole.items.filter(after), results=whole.results
    )
