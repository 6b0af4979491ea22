"""A model as it is kept: one record that a file holds, with its digest, which scores and says why."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cached_property

import msgspec
import numpy as np

from tidewaiter.risk.intervals import Area, Rate
from tidewaiter.risk.model.calibration import Calibration, Floats
from tidewaiter.risk.model.inputs import REASONS, Inputs, matrix
from tidewaiter.risk.model.rates import Rates
from tidewaiter.risk.model.trees import Matrix, Trees

BYTES_MAX = 20_000_000
FORM = 1
"""The form of the file, for those that come after it."""

ADDS_MIN = 0.1
"""What adds less than this to the log-odds, a tenth of the odds, is no reason."""


class ModelError(ValueError):
    """A file that holds no model, and why."""


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Random picks with chances up to `most`: how many of a hundred were expected to be wrong, and how many were."""

    most: float
    expected: float
    found: Rate


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured on picks that came after those the trees had learnt from. `random`: how well random picks
    are ranked; `picked`: all that were inspected; `highest`: the rate among the fifth of random picks that scores
    highest; `base`: that of all; `bands`: whether chances are what they say."""

    random: Area
    picked: Area
    base: Rate
    highest: Rate
    bands: tuple[Band, ...]


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """How things were when it was trained, among so many random picks: `edges` part their chances, by trees that had
    not learnt from them, into tenths; `new` is the part whose seller was never seen before, null where that is not
    known; `strata` the rate found wrong of each."""

    picks: int
    edges: tuple[float, ...]
    new: Rate | None
    strata: dict[str, Rate]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for a chance: its key in REASONS, and the log-odds it adds to what is usual."""

    key: str
    adds: float

    @property
    def words(self) -> str:
        """The reason in words."""
        return REASONS[self.key]


class Model(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A trained model. `features` are the columns of its trees, `reasons` the key in REASONS of each, `typical` what a
    random pick without a fault has there (null: mostly not known). Raises ValueError where they do not fit together."""

    form: int = FORM
    jurisdiction: str
    version: int
    trained_at: datetime
    since: date
    until: date
    fitted_by: str
    examples: Rate
    drawn: Rate
    features: tuple[str, ...]
    reasons: tuple[str, ...]
    typical: tuple[float | None, ...]
    trees: Trees
    rates: Rates
    calibration: Calibration
    measured: Measured
    before: Before

    def __post_init__(self) -> None:
        if self.form != FORM:
            raise ValueError(f"the form {self.form} is not known here")
        if not len(self.features) == len(self.reasons) == len(self.typical) >= self.trees.feature_count:
            raise ValueError("the trees ask for other features than are named")
        if not REASONS.keys() >= set(self.reasons):
            raise ValueError("a reason is not one of ours")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal: the version that a decision names."""
        return hashlib.sha256(written(self)).hexdigest()

    def figures(self, known: Inputs) -> Matrix:
        """What the trees are asked of each row."""
        return matrix(known.figures.hstack(self.rates.told(known.kinds).get_columns()), self.features)

    def chances(self, figures: Matrix) -> Floats:
        """The chance that looking at each row finds something wrong, from nought to one."""
        return self.calibration.chances(self.trees.scores(figures))

    def why(self, figures: Matrix) -> list[tuple[Reason, ...]]:
        """What speaks for looking at each row, the strongest first; what speaks against it, or hardly matters, is left
        out. So one that was drawn at random may well have no reason."""
        keys = list(dict.fromkeys(self.reasons))
        place = np.array([keys.index(key) for key in self.reasons])
        _, adds = self.trees.contributions(figures)
        found = []
        for row in adds:
            by_key = np.bincount(place, weights=row, minlength=len(keys))
            order = np.argsort(-by_key, kind="stable")
            found.append(tuple(Reason(key=keys[at], adds=float(by_key[at])) for at in order if by_key[at] >= ADDS_MIN))
        return found

    def without(self, figures: Matrix, key: str) -> Matrix:
        """The same rows where all that counts under the reason is as in a parcel without a fault."""
        cured = figures.copy()
        for place, reason in enumerate(self.reasons):
            if reason == key:
                usual = self.typical[place]
                cured[:, place] = np.nan if usual is None else usual
        return cured


def written(model: Model) -> bytes:
    """The file of the model: JSON, the same bytes each time."""
    return msgspec.json.encode(model, order="deterministic")


def read_model(content: bytes) -> Model:
    """The model that the file holds. Raises ModelError."""
    if len(content) > BYTES_MAX:
        raise ModelError(f"longer than {BYTES_MAX:,} bytes")
    try:
        return msgspec.json.decode(content, type=Model)
    except (msgspec.DecodeError, ValueError, RecursionError) as wrong:
        raise ModelError(f"this holds no model: {wrong}") from wrong
