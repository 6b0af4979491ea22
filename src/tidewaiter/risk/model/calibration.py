"""From log-odds to chances that can be added up: fitted to random picks, which alone say how often something is wrong.

What was picked for its looks is wrong far more often than what was not, so trees that learnt from both say too much.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_HELD_BACK = 1.0
"""How much the slope is held to one: few random picks that are wrong cannot say much about it."""
_STEPS = 50


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of a score `s` is that of log-odds `intercept + slope * s`; the slope is above nought, so chances
    stand in the order of the scores."""

    intercept: float
    slope: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.intercept) and np.isfinite(self.slope) and self.slope > 0):
            raise ValueError("a calibration rises")

    def chances(self, scores: Floats) -> Floats:
        """The chance that something is found, from nought to one."""
        chances: Floats = 1 / (1 + np.exp(-np.clip(self.intercept + self.slope * scores, -30, 30)))
        return chances


def calibrated(scores: Floats, is_wrong: Floats, weights: Floats) -> Calibration:
    """Fitted to random picks, each of which stands for as many as its weight says.

    By Newton's method, with Platt's targets a little within nought and one (Advances in Large Margin Classifiers,
    1999), so that even perfect separation gives finite odds.
    """
    weight = weights / weights.mean()
    wrong, right = float((weight * is_wrong).sum()), float((weight * (1 - is_wrong)).sum())
    target = np.where(is_wrong > 0, (wrong + 1) / (wrong + 2), 1 / (right + 2))
    table = np.column_stack([np.ones(len(scores)), scores])
    held, before = np.array([0.0, _HELD_BACK]), np.array([0.0, 1.0])
    found = np.array([np.log((wrong + 1) / (right + 1)) - float(scores.mean()), 1.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(table @ found, -30, 30)))
        slope = table.T @ (weight * (chance - target)) + held * (found - before)
        curve = (table * (weight * chance * (1 - chance))[:, None]).T @ table + np.diag(held + 1e-9)
        step = np.linalg.solve(curve, slope)
        found -= np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    return Calibration(intercept=float(found[0]), slope=max(float(found[1]), 0.05))
