"""Kinds of things as figures: how often goods of a code, from a country, declared in a way were found wrong before.

A chain goes from the wide to the narrow: chapter, heading, six digits. The rate of each level is drawn toward that of
the level above, by so much more as fewer are known. So a rare code says what its heading does, and a model looks at
figures alone. An example that is learnt from is never told its own result: its rates are those of the other parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

WEIGHT = 10
"""The level above counts as so many examples."""
PARTS = 10
"""Examples are told the rates of the nine tenths that they are not in."""
_BETWEEN = "|"

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = tuple[Floats, Floats]
"""For each row how many examples there were, and how many of them were wrong."""
Whole: TypeAlias = tuple[Floats | float, Floats | float]
Chains: TypeAlias = Mapping[str, Sequence[Sequence[str]]]
"""By its name, the levels of a chain from the widest: the columns that together make the kind."""


class Level(msgspec.Struct, frozen=True):
    """One level of a chain: its `columns`, and for each kind how many were `seen` and how many of these were wrong."""

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    seen: tuple[int, ...]
    wrong: tuple[int, ...]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of each kind, and of all examples together."""

    seen: int
    wrong: int
    chains: dict[str, tuple[Level, ...]]

    def told(self, kinds: pl.DataFrame) -> pl.DataFrame:
        """The rates of each row, and how many examples the narrowest rests on. Takes a frame with the columns of the
        chains."""
        return self._told(kinds, lambda level: _beside(level, kinds), (float(self.seen), float(self.wrong)))

    def told_of_others(self, kinds: pl.DataFrame, is_wrong: pl.Series) -> pl.DataFrame:
        """The same for the examples that were learnt from, in the same order, each without those of its own part."""
        parts = pl.DataFrame([pl.Series("part", np.arange(len(kinds)) % PARTS), is_wrong.alias("wrong")])
        mine = _sums(parts, ["part"])

        def others(level: Level) -> Counts:
            seen, wrong = _beside(level, kinds)
            here = _sums(parts.with_columns(_kind(level.columns, kinds)), ["kind", "part"])
            return seen - here[0], wrong - here[1]

        return self._told(kinds, others, (self.seen - mine[0], self.wrong - mine[1]))

    def _told(self, kinds: pl.DataFrame, counts: Callable[[Level], Counts], whole: Whole) -> pl.DataFrame:
        with np.errstate(invalid="ignore"):
            base: Floats = np.broadcast_to(np.asarray(whole[1]) / np.asarray(whole[0]), len(kinds))
        columns = []
        for chain, levels in self.chains.items():
            rate, seen = base, np.zeros(len(kinds))
            for place, level in enumerate(levels):
                seen, wrong = counts(level)
                rate = (wrong + WEIGHT * rate) / (seen + WEIGHT)
                columns.append(pl.Series(f"rate.{chain}.{place}", rate))
            columns.append(pl.Series(f"rate.{chain}.seen", seen))
        return pl.DataFrame(columns)


def rate_names(chains: Chains) -> tuple[str, ...]:
    """The columns that `Rates.told` gives for these chains, in their order."""
    return tuple(
        f"rate.{chain}.{end}" for chain, levels in chains.items() for end in (*map(str, range(len(levels))), "seen")
    )


def rates(kinds: pl.DataFrame, is_wrong: pl.Series, chains: Chains) -> Rates:
    """The rates of these examples."""
    return Rates(
        seen=len(kinds),
        wrong=int(is_wrong.sum()),
        chains={name: tuple(_level(kinds, is_wrong, columns) for columns in levels) for name, levels in chains.items()},
    )


def _level(kinds: pl.DataFrame, is_wrong: pl.Series, columns: Sequence[str]) -> Level:
    counted = (
        pl.DataFrame([_kind(columns, kinds), is_wrong.alias("wrong")])
        .group_by("kind")
        .agg(pl.len().alias("seen"), pl.col("wrong").sum())
        .sort("kind")
    )
    return Level(
        tuple(columns), tuple(counted["kind"].to_list()), tuple(counted["seen"].to_list()),
        tuple(counted["wrong"].to_list()),
    )  # fmt: skip


def _kind(columns: Sequence[str], kinds: pl.DataFrame) -> pl.Series:
    """The kind of each row; what is not known is a kind of its own."""
    parts = (pl.col(column).cast(pl.String).fill_null("") for column in columns)
    return kinds.select(pl.concat_str(*parts, separator=_BETWEEN).alias("kind")).to_series()


def _beside(level: Level, kinds: pl.DataFrame) -> Counts:
    """How many examples of each row's kind there were, and how many of them were wrong."""
    counted = pl.DataFrame({"kind": level.kinds, "seen": level.seen, "wrong": level.wrong}, schema=_COUNTED)
    own = _kind(level.columns, kinds).to_frame()
    found = own.join(counted, on="kind", how="left", maintain_order="left").fill_null(0.0)
    return found["seen"].to_numpy(), found["wrong"].to_numpy()


_COUNTED = pl.Schema({"kind": pl.String, "seen": pl.Float64, "wrong": pl.Float64})


def _sums(examples: pl.DataFrame, keys: Sequence[str]) -> Counts:
    """For each row how many rows have the same keys, and how many of them are wrong."""
    told = examples.select(
        pl.len().over(keys).cast(pl.Float64).alias("seen"), pl.col("wrong").sum().over(keys).cast(pl.Float64)
    )
    return told["seen"].to_numpy(), told["wrong"].to_numpy()
