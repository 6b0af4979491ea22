"""Learning a model from inspections, by nothing that was not known at the time.

Each example is a consignment as it was known when it was accepted, with what was found when it was looked at. It counts
from the instant at which that was known. What a model is worth is measured going forward: blocks of examples one after
another, each scored by trees that learnt from what was known before its first was accepted. The same scores of the
random picks among them make chances of log-odds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.exact import Yes
from tidewaiter.risk.intervals import area, rate
from tidewaiter.risk.model.calibration import Calibration, Floats, calibrated
from tidewaiter.risk.model.drift import new_sellers, random_rate, strata_rates
from tidewaiter.risk.model.inputs import CHAINS, Inputs, detectors_of, matrix, reason_of
from tidewaiter.risk.model.model import Band, Before, Measured, Model
from tidewaiter.risk.model.rates import Rates, rate_names, rates
from tidewaiter.risk.model.trees import Matrix, Trees

Fit: TypeAlias = Callable[[Matrix, Floats], Trees]
"""Makes trees of a matrix and of what was found: one for wrong, nought for nothing."""

BLOCKS = 5
"""The examples are parted into so many blocks by time; the first two are learnt from alone."""
BEGUN = 2
WRONG_MIN, DRAWN_MIN, DRAWN_WRONG_MIN = 30, 100, 5
"""Of fewer examples that are wrong, random picks, and wrong ones among these that were scored, nothing is learnt."""
BANDS = 4
HIGHEST = 0.2
TENTHS = 10
_WHOLE_PPM = 1_000_000

LABELLED = pl.Schema(
    [
        ("at", pl.Datetime("us", "UTC")),
        ("known_at", pl.Datetime("us", "UTC")),
        ("is_wrong", pl.Boolean),
        ("drawn_ppm", pl.Int64),
        ("stratum", pl.String),
    ]
)
"""A row an inspected consignment: when it was accepted, when what was found was known, whether anything was wrong, the
probability at which it fell to the random share (null where it did not), and its stratum."""


class TooFew(ValueError):
    """There are not enough examples to learn from, and which are missing."""


class Examples(NamedTuple):
    """What is learnt from: what was known of each, and a frame LABELLED beside it."""

    known: Inputs
    labelled: pl.DataFrame


def learn(
    examples: Examples, law: Law, fit: Fit, *, at: datetime, jurisdiction: str, version: int, fitted_by: str
) -> Model:
    """A model of what was known at that instant, measured and calibrated. Raises TooFew, and what `fit` raises."""
    told = _known_at(examples, at)
    labelled = told.labelled
    is_wrong = labelled["is_wrong"].to_numpy()
    is_drawn = labelled["drawn_ppm"].is_not_null().to_numpy()
    _enough(wrong=int(is_wrong.sum()), drawn=int(is_drawn.sum()))
    names = _features(told.known)
    scores = _going_forward(told, names, fit)
    scored = ~np.isnan(scores)
    random = scored & is_drawn
    if is_wrong[random].sum() < DRAWN_WRONG_MIN:
        raise TooFew(f"of the random picks that were scored {int(is_wrong[random].sum())} were wrong")
    weights = _WHOLE_PPM / labelled["drawn_ppm"].fill_null(_WHOLE_PPM).to_numpy().astype(np.float64)
    calibration = calibrated(scores[random], is_wrong[random].astype(np.float64), weights[random])
    known_rates, figures = _learnt(told, names)
    trees = fit(figures, is_wrong.astype(np.float64))
    detectors = detectors_of(law)
    of_drawn = labelled.filter(pl.Series(is_drawn))
    days = labelled["at"].dt.date()
    return Model(
        jurisdiction=jurisdiction,
        version=version,
        trained_at=at,
        since=days[0],
        until=days[-1],
        fitted_by=fitted_by,
        examples=rate(int(is_wrong.sum()), len(is_wrong)),
        drawn=random_rate(of_drawn),
        features=names,
        reasons=tuple(reason_of(name, detectors) for name in names),
        typical=_typical(figures[is_drawn & ~is_wrong]),
        trees=trees,
        rates=known_rates,
        calibration=calibration,
        measured=_measured(scores, is_wrong, scored=scored, random=random, calibration=calibration),
        before=_before(told, is_drawn, calibration.chances(_left_out(told, names, fit, is_drawn))),
    )


def _known_at(examples: Examples, at: datetime) -> Examples:
    """What was known by then, in the order in which it was accepted."""
    order = examples.labelled["at"].arg_sort()
    labelled = examples.labelled[order]
    is_known = labelled["known_at"] < at
    figures, kinds = examples.known.figures[order], examples.known.kinds[order]
    return Examples(Inputs(figures, kinds).only(is_known), labelled.filter(is_known))


def _enough(*, wrong: int, drawn: int) -> None:
    if wrong < WRONG_MIN:
        raise TooFew(f"{wrong} inspections found something wrong, and {WRONG_MIN} are needed")
    if drawn < DRAWN_MIN:
        raise TooFew(f"{drawn} inspections were of random picks, and {DRAWN_MIN} are needed")


def _features(known: Inputs) -> tuple[str, ...]:
    """The figures that differ between examples at all, and the rates."""
    figures = known.figures.drop("row")
    differ = figures.select(pl.all().n_unique()).row(0)
    of_rates = rate_names(CHAINS)
    return (*(name for name, count in zip(figures.columns, differ, strict=True) if count > 1), *of_rates)


def _going_forward(told: Examples, names: tuple[str, ...], fit: Fit) -> Floats:
    """The score of each example by trees that learnt from what was known before its block began; NaN in the first
    blocks, and where too little was known."""
    labelled = told.labelled
    found = np.full(len(labelled), np.nan)
    block = np.arange(len(labelled)) * BLOCKS // max(len(labelled), 1)
    for own in range(BEGUN, BLOCKS):
        here = pl.Series(block == own)
        begin = labelled["at"].filter(here).min()
        earlier = labelled["known_at"] < begin
        before = _only(told, earlier)
        if before.labelled["is_wrong"].sum() < WRONG_MIN // 2:
            continue
        found[here.to_numpy()] = _scored(before, told.known.only(here), names, fit)
    return found


def _left_out(told: Examples, names: tuple[str, ...], fit: Fit, is_drawn: Yes) -> Floats:
    """The score of each random pick by trees that learnt from all examples but those of its part: about as those of the
    model itself will score what comes, which saw a little more."""
    found = np.full(len(told.labelled), np.nan)
    part = np.arange(len(found)) % BLOCKS
    for own in range(BLOCKS):
        here = pl.Series(part == own)
        asked = here & pl.Series(is_drawn)
        if asked.any():
            found[asked.to_numpy()] = _scored(_only(told, ~here), told.known.only(asked), names, fit)
    return found[is_drawn]


def _scored(learnt_from: Examples, asked: Inputs, names: tuple[str, ...], fit: Fit) -> Floats:
    known_rates, figures = _learnt(learnt_from, names)
    trees = fit(figures, learnt_from.labelled["is_wrong"].to_numpy().astype(np.float64))
    return trees.scores(matrix(asked.figures.hstack(known_rates.told(asked.kinds).get_columns()), names))


def _only(told: Examples, which: pl.Series) -> Examples:
    return Examples(told.known.only(which), told.labelled.filter(which))


def _learnt(told: Examples, names: tuple[str, ...]) -> tuple[Rates, Matrix]:
    """The rates of the examples, and their figures, where none is told its own result."""
    is_wrong = told.labelled["is_wrong"]
    known_rates = rates(told.known.kinds, is_wrong, CHAINS)
    of_others = known_rates.told_of_others(told.known.kinds, is_wrong)
    return known_rates, matrix(told.known.figures.hstack(of_others.get_columns()), names)


def _typical(figures: Matrix) -> tuple[float | None, ...]:
    """The median of each figure; None where it is mostly not known."""
    found: list[float | None] = []
    for column in figures.T:
        known = column[~np.isnan(column)]
        found.append(float(np.median(known)) if 2 * len(known) > len(column) else None)
    return tuple(found)


def _measured(
    scores: Floats,
    is_wrong: Yes,
    *,
    scored: Yes,
    random: Yes,
    calibration: Calibration,
) -> Measured:
    wrong, chances = is_wrong[random], calibration.chances(scores[random])
    order = np.argsort(-chances, kind="stable")
    highest = wrong[order[: max(1, round(len(order) * HIGHEST))]]
    parts = [part for part in np.array_split(order[::-1], BANDS) if len(part)]
    return Measured(
        random=area(scores[random], wrong),
        picked=area(scores[scored], is_wrong[scored]),
        base=rate(int(wrong.sum()), len(wrong)),
        highest=rate(int(highest.sum()), len(highest)),
        bands=tuple(
            Band(
                most=float(chances[part].max()),
                expected=float(chances[part].mean()),
                found=rate(int(wrong[part].sum()), len(part)),
            )
            for part in parts
        ),
    )


def _before(told: Examples, is_drawn: Yes, chances: Floats) -> Before:
    drawn = pl.Series(is_drawn)
    edges = np.quantile(chances, np.arange(1, TENTHS) / TENTHS)
    return Before(
        picks=len(chances),
        edges=tuple(float(edge) for edge in edges),
        new=new_sellers(told.known.figures.filter(drawn)),
        strata=strata_rates(told.labelled.filter(drawn)),
    )
