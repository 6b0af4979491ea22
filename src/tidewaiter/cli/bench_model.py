"""What a model finds in made-up worlds beside the signals alone, and whether its reasons are faithful."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from tidewaiter.cli.bench import machine
from tidewaiter.cli.bench_world import FIRST
from tidewaiter.law import Law
from tidewaiter.model.exact import Yes
from tidewaiter.risk import RANDOM
from tidewaiter.risk.intervals import Area, Rate, area, rate
from tidewaiter.risk.model import Fit, Model, card, learn
from tidewaiter.risk.model.calibration import Floats
from tidewaiter.services.fitting import fit, fitted_by
from tidewaiter.simulation import Week, build, examples, known, measured, picked_by, run_weeks, scores
from tidewaiter.simulation.inspecting import MISS

LEARNT = 8
"""Weeks that are learnt from; those after them are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithful:
    """Of picks with a reason, how often its cause taken away lowers the score; the same of those that were chosen, and
    not drawn at random; how many picks have no reason, and how many of
    these were drawn at random; and what a pick's reasons took, in milliseconds of CPU time."""

    lowered: Rate
    chosen: Rate
    without: int
    without_drawn: int
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was measured in one world. `expected` is the mean of the chances of all parcels of the weeks after, `wrong`
    the part of them that an inspection would have found wrong."""

    model: Model
    weeks: Sequence[Week]
    by_model: Sequence[Week]
    signals: Area
    chances: Area
    expected: float
    wrong: float
    faithful: Faithful


def run(law: Law, console: Console, *, seeds: int, weeks: int, parcels: int) -> None:
    """Measure, and print the tables and the card of the first model."""
    console.print(machine())
    told = [told_of(FIRST + n, law, weeks=weeks, parcels=parcels) for n in range(seeds)]
    console.print(card(told[0].model), markup=False, highlight=False, soft_wrap=True)
    table = Table(
        "world", "AUC, signals alone", "AUC, model", "expected wrong", "wrong", "faithful first reasons",
        "of those chosen", "no reason", "ms a pick", title="Weeks after those that were learnt from; 95 % intervals",
    )  # fmt: skip
    for n, one in enumerate(told):
        table.add_row(
            str(FIRST + n), _area(one.signals), _area(one.chances), f"{one.expected:.2%}", f"{one.wrong:.2%}",
            _rate(one.faithful.lowered), _rate(one.faithful.chosen),
            f"{one.faithful.without:,}, {one.faithful.without_drawn:,} drawn", f"{one.faithful.ms:.2f}",
        )  # fmt: skip
    console.print(table)
    console.print(_recalls(told))


def told_of(seed: int, law: Law, *, weeks: int, parcels: int) -> Told:
    """One world: weeks picked by the signals, a model of what they showed, and the weeks after as either would pick."""
    world = build(np.random.Generator(np.random.PCG64(seed)))
    every = list(run_weeks(world, law, seed=seed, weeks=weeks, parcels=parcels))
    model = learnt(every[:LEARNT], every[LEARNT], law)
    after = every[LEARNT:]
    chances, spoken, is_wrong = [], [], []
    for week in after:
        chances.append(model.chances(model.figures(known(week, law))))
        spoken.append(scores(week.outcome.signals, week.truth["row"]).to_numpy())
        is_wrong.append(week.truth["scheme"].is_not_null().to_numpy())
    wrong: Yes = np.concatenate(is_wrong)
    said: Floats = np.concatenate(chances)
    by_model = [picked_by(model, week, law) for week in after]
    return Told(
        model=model,
        weeks=after,
        by_model=by_model,
        signals=area(np.concatenate(spoken), wrong),
        chances=area(said, wrong),
        expected=float(said.mean()),
        wrong=float(wrong.mean()) * (1 - MISS),
        faithful=faithful(model, by_model, law),
    )


def learnt(weeks: Sequence[Week], next_week: Week, law: Law, fit: Fit = fit) -> Model:
    """A model of what is known of these weeks when the next begins."""
    first = next_week.batch.consignments["accepted_on"].to_list()[0]
    at = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return learn(examples(weeks, law), law, fit, at=at, jurisdiction="ZZ", version=1, fitted_by=fitted_by())


def faithful(model: Model, weeks: Sequence[Week], law: Law) -> Faithful:
    """Of what these weeks pick, how often the score falls when all that counts under the first reason is as in a parcel
    without a fault."""
    lowered, chosen, without, without_drawn, count, spent = [], [], 0, 0, 0, 0.0
    for week in weeks:
        is_picked = week.truth["row"].is_in(week.picked.implode())
        figures = model.figures(known(week, law).only(is_picked))
        begun = time.process_time()
        why = model.why(figures)
        spent += time.process_time() - begun
        before, cured = model.trees.scores(figures), np.full(len(figures), np.nan)
        first = np.array([reasons[0].key if reasons else "" for reasons in why])
        for key in set(first) - {""}:
            cured[first == key] = model.trees.scores(model.without(figures[first == key], key))
        drawn = week.outcome.signals.filter(pl.col("profile") == RANDOM)["row"]
        is_chosen = ~week.truth["row"].filter(is_picked).is_in(drawn.implode()).to_numpy()
        lowered += (cured < before)[first != ""].tolist()
        chosen += (cured < before)[(first != "") & is_chosen].tolist()
        without += int((first == "").sum())
        without_drawn += int(((first == "") & ~is_chosen).sum())
        count += len(figures)
    return Faithful(
        lowered=rate(sum(lowered), len(lowered)), chosen=rate(sum(chosen), len(chosen)), without=without,
        without_drawn=without_drawn,
        ms=spent / max(count, 1) * 1_000,
    )  # fmt: skip


def _recalls(told: Sequence[Told]) -> Table:
    signals = measured([week for one in told for week in one.weeks])
    model = measured([week for one in told for week in one.by_model])
    table = Table(
        "planted", "parcels", "picked by the signals", "picked by the model",
        title="What is picked when 5 % are inspected, a fifth of these at random",
    )  # fmt: skip
    for name, recall in signals.recalls.items():
        by_signals, by_model = recall.parcels, model.recalls[name].parcels
        table.add_row(
            name, f"{by_signals.of:,}", _rate(rate(by_signals.hits, by_signals.of)),
            _rate(rate(by_model.hits, by_model.of)),
        )  # fmt: skip
    for name, of in (("all picks", "precision"), ("honest parcels picked", "picked")):
        one, other = getattr(signals, of), getattr(model, of)
        table.add_row(name, f"{one.of:,}", _rate(rate(one.hits, one.of)), _rate(rate(other.hits, other.of)))
    return table


def _rate(one: Rate) -> str:
    return "none" if one.rate is None else f"{one.rate:.1%} ({one.low:.1%} to {one.high:.1%})"


def _area(one: Area) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
