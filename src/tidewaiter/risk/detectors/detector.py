"""What a detector is: a function over figures that says how strongly each row speaks for one scheme."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Figures: TypeAlias = npt.NDArray[np.float64]
"""A figure a row, NaN where it is not known."""
Limits: TypeAlias = Mapping[str, float]
"""What an office has set, by name."""
Strength: TypeAlias = Callable[[Mapping[str, Figures], Limits], Figures]

LEAST = 0.3
"""The strength of what just reaches the first limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One detector. `looks_at`: the fields of the profile language that it is given, under those names; `limits`: the
    names of what a profile must set. `strength` gives 0 where nothing is seen or known, and never more than 1."""

    name: str
    text: str
    looks_at: tuple[str, ...]
    limits: tuple[str, ...]
    strength: Strength


DETECTORS: dict[str, Detector] = {}
"""Every detector by its name, as profiles name them."""


def detector(name: str, *, looks_at: tuple[str, ...], limits: tuple[str, ...]) -> Callable[[Strength], Strength]:
    """Enters the function as a detector of that name; its docstring is what officers read of it."""

    def entered(strength: Strength) -> Strength:
        DETECTORS[name] = Detector(
            name=name, text=inspect.getdoc(strength) or "", looks_at=looks_at, limits=limits, strength=strength
        )
        return strength

    return entered


def ramp(figure: Figures, least: float, full: float, *, lowest: float = LEAST) -> Figures:
    """Nought below `least`, from there evenly from `lowest` up to one at `full`; nought where the figure is unknown."""
    risen = np.zeros(len(figure))
    reaches = figure >= least  # which what is unknown never does
    if reaches.any():
        rise = np.minimum((figure[reaches] - least) / (full - least), 1.0) if full > least else 1.0
        risen[reaches] = lowest + (1 - lowest) * rise
    return risen
