"""How much of what is planted in made-up worlds is found, how many false alarms, how soon something new shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from tidewaiter.cli.bench import machine
from tidewaiter.law import Law
from tidewaiter.simulation import USUAL_PLAN, Share, Week, World, as_lodged, build, measured, noticed, run_weeks

WARM_UP = 4
"""Weeks in which the history fills, and nothing is counted."""
NEW = "sale_as_gift"
"""The scheme that no detector is after, and that begins when the others have long been there."""
SHARES = (0.05, 0.1, 0.2, 0.4)
FIRST = 4
"""The seed of the first world. The limits and scores of our own profiles were set with worlds 1 to 3 in view."""
WEEKS_AHEAD, DRAWS = 60, 300


def run(law: Law, console: Console, *, seeds: int, weeks: int, parcels: int, wait: timedelta) -> None:
    """Measure, and print the tables."""
    console.print(machine())
    worlds = {FIRST + n: build(np.random.Generator(np.random.PCG64(FIRST + n))) for n in range(seeds)}
    found: list[list[Week]] = []
    begun = time.process_time()
    with console.status(f"{seeds} worlds of {weeks} weeks"):
        for seed, world in worlds.items():
            every_week = run_weeks(world, law, seed=seed, weeks=weeks, parcels=parcels, wait=wait)
            found.append([week for week in every_week if week.number >= WARM_UP])
    spent = time.process_time() - begun
    every = [week for of_seed in found for week in of_seed]
    declared = [as_lodged(week) for week in every]
    console.print(_recall(found, every, declared, wait))
    whole, before = measured(every), measured(declared)
    for name, recall in before.recalls.items():
        if recall.from_second.of:
            console.print(
                f"{name}, as known when each was declared, when the first parcel of a purchase looks like any other:"
                f" all parcels {_told(recall.parcels)}, from the second on {_told(recall.from_second)}, from the third"
                f" on {_told(recall.from_third)}; purchases of which some parcel is picked {_told(recall.cases)}"
            )
    console.print(_false_alarms(every))
    console.print(
        f"of the picks {_told(whole.precision)} were of something planted (as declared {_told(before.precision)}); "
        f"of honest parcels {_told(whole.alarmed)} were hit by some profile and {_told(whole.picked)} inspected"
    )
    console.print(_profiles(every))
    console.print(_noticed(worlds, parcels))
    total = seeds * weeks * parcels
    console.print(
        f"{total:,} parcels planted, lodged, matched, presented, judged and remembered in {spent:.0f} CPU-seconds"
    )


def _told(share: Share) -> str:
    low, high = share.interval()
    return f"{share.rate:.1%} ({low:.1%} to {high:.1%})"


def _recall(
    by_seed: Sequence[Sequence[Week]], every: Sequence[Week], declared: Sequence[Week], wait: timedelta
) -> Table:
    table = Table(
        "planted", "parcels", "picked of them", "cases", "picked of them", "least and most by world",
        "picked as they are declared", "loss found",
        title=f"What is picked as goods are presented, {wait / timedelta(hours=1):g} hours after they were declared,"
        " when 5 % are inspected, a fifth of these at random; 95 % intervals by Wilson",
    )  # fmt: skip
    whole, before = measured(every).recalls, measured(declared).recalls
    single = [measured(weeks).recalls for weeks in by_seed]
    for name, recall in whole.items():
        rates = [of_seed[name].cases.rate for of_seed in single if name in of_seed]
        loss = f"{recall.loss.rate:.0%}" if recall.loss.of else "no loss"
        table.add_row(
            name, f"{recall.parcels.of:,}", _told(recall.parcels), f"{recall.cases.of:,}", _told(recall.cases),
            f"{min(rates):.0%} to {max(rates):.0%}", _told(before[name].parcels), loss,
        )  # fmt: skip
    return table


def _false_alarms(weeks: Sequence[Week]) -> str:
    """How many honest parcels the detectors of split purchases hit, and how many of those are inspected."""
    hit, picked, honest = 0, 0, 0
    for week in weeks:
        seen = week.outcome.signals.filter(pl.col("profile").str.contains("splitting"))["row"].unique()
        plain = week.truth.filter(pl.col("scheme").is_null())["row"]
        alarmed = plain.filter(plain.is_in(seen.implode()))
        hit, honest = hit + len(alarmed), honest + len(plain)
        picked += int(alarmed.is_in(week.picked.implode()).sum())
    return (
        "of honest parcels, to families, lockers and people who buy twice among them,"
        f" {_told(Share(hits=hit, of=honest))} are taken for a split purchase,"
        f" and {_told(Share(hits=picked, of=honest))} inspected with that"
    )


def _profiles(weeks: Sequence[Week]) -> Table:
    """Each profile by itself: how often it hit, and how often something was planted there."""
    hits = pl.concat(
        [
            week.outcome.signals.join(week.truth.select("row", "scheme"), on="row").select("profile", "scheme")
            for week in weeks
        ]
    )
    table = Table("profile", "hits", "something was planted")
    by_profile = hits.group_by("profile").agg(pl.len(), pl.col("scheme").is_not_null().sum().alias("right"))
    for profile, count, right in by_profile.sort("len", descending=True).iter_rows():
        table.add_row(profile, f"{count:,}", _told(Share(hits=right, of=count)))
    return table


def _noticed(worlds: dict[int, World], parcels: int) -> Table:
    table = Table(
        "random share of inspections", "random inspections a week", "part of parcels that are of the scheme",
        "found in half of the draws by week", "week by the rule of three", "found by that week",
        title=f"Weeks until a new scheme is met by a random pick: {len(worlds)} worlds, {DRAWS} draws each",
    )  # fmt: skip
    found = [
        noticed(
            world,
            seed=seed,
            scheme=NEW,
            plan=USUAL_PLAN,
            parcels=parcels,
            shares=SHARES,
            weeks=WEEKS_AHEAD,
            draws=DRAWS,
        )
        for seed, world in worlds.items()
    ]
    for of_share in zip(*found, strict=True):
        by_then = Share(
            hits=sum(one.found_by_then.hits for one in of_share), of=sum(len(one.weeks) for one in of_share)
        )
        table.add_row(
            f"{of_share[0].share:.0%}",
            f"{np.mean([one.a_week for one in of_share]):.0f}",
            f"{np.mean([one.prevalence for one in of_share]):.2%}",
            ", ".join(f"{one.median:.0f}" for one in of_share),
            ", ".join(f"{one.by_rule}" for one in of_share),
            _told(by_then),
        )
    return table
