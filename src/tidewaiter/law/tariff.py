"""Which measure of the tariff holds for goods: by code, origin and day, the longest prefix that says something."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from tidewaiter.law.expressions import AdValorem, Formula, Specific, Unsupported, read
from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.measures import FOR_EVER, NO_MEASURE, Measures
from tidewaiter.law.sorts import Sorts
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import MISSING, told_apart, yes

_COLUMNS: dict[str, type[pl.DataType] | pl.DataType] = {
    "schedule": pl.String, "code": pl.String, "origin": pl.String, "excluded": pl.List(pl.String),
    "kind": pl.String, "additional_code": pl.String, "claim": pl.String, "since": pl.Date, "until": pl.Date,
    "known_from": pl.Date, "rate": pl.String, "measure": pl.String, "source": pl.String, "confidence": pl.String,
}  # fmt: skip
TARIFF = pl.Schema(_COLUMNS)
"""A row a measure: from `known_from` on (null: always) it is known that the rate is this from `since` until `until`.
`origin` is '' for all, or a country; `claim` the preference that must be claimed, '' for a row that asks for none by
name; `rate` is a duty expression in our own spelling, or 'ended'."""


def currencies_of(formula: Formula | Unsupported) -> frozenset[str]:
    """The currencies of the amounts in a formula."""
    if isinstance(formula, Unsupported):
        return frozenset()
    parts = (*formula.parts, *formula.at_least, *formula.at_most)
    return frozenset(part.currency for part in parts if isinstance(part, Specific))


class Tariff:
    """All measures of a law, by tariff and kind. What they say stands by the number of the measure: `formulas`, and in
    arrays with one more at the end for `NO_MEASURE`: `plain_ppm`, parts in a million of the value where the duty is no
    more than that, else `MISSING`; `is_on_part`, whether it is laid on a named part of the article. Measures of the
    same rate have the same `wording`: its number among the `worded` formulas, with the `currencies` of the amounts in
    each."""

    def __init__(self, measures: pl.DataFrame) -> None:
        """`measures` is a frame TARIFF."""
        self.frame = measures
        # Goods that need an additional code to bear a measure do not bear it by their commodity code alone.
        numbered = measures.with_row_index("number").filter(pl.col("additional_code") == "")
        self._sorts = Sorts()
        self._of: dict[tuple[Any, ...], Measures] = {
            key: Measures(rows)
            for key, rows in numbered.partition_by("schedule", "claim", as_dict=True, maintain_order=True).items()
        }
        there = numbered.select("schedule", "kind", "claim").unique(maintain_order=True).rows()
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._claims: dict[tuple[str, str], tuple[str, ...]] = {}
        for schedule, kind, claim in there:
            self._kinds[schedule] = tuple(dict.fromkeys((*self._kinds.get(schedule, ()), kind)))
            if claim:
                self._claims[schedule, kind] = (*self._claims.get((schedule, kind), ()), claim)
        self._none = Measures(numbered.clear())
        self.wording, texts = told_apart(measures["rate"])
        self.worded = [read(text) for text in texts]
        self.formulas = [self.worded[number] for number in self.wording.tolist()]
        self.currencies = [currencies_of(one) for one in self.worded]
        ppm = [MISSING if (plain := _ppm(one)) is None else plain for one in self.worded]
        self.plain_ppm = np.append(np.array(ppm, np.int64)[self.wording], MISSING)
        on_part = np.array([_is_on_part(one) for one in self.worded], np.bool_)
        self.is_on_part = np.append(on_part[self.wording], False)
        self.is_preference = np.append(yes(measures["kind"] == "preference"), False)
        self.is_firm = np.append(yes(measures["confidence"] == "firm"), False)

    def known_on(self, day: date) -> Tariff:
        """The tariff as it was known on that day."""
        return Tariff(self.frame.filter(pl.col("known_from").is_null() | (pl.col("known_from") <= day)))

    @property
    def sorts(self) -> Sorts:
        """Where sorts of goods are numbered: for one piece of work the same, for later ones perhaps another."""
        if self._sorts.is_full:
            self._sorts = Sorts()
        return self._sorts

    def of(self, schedule: str | None, claim: str = "") -> Measures:
        """The measures of that tariff that ask for this claim by name, or for none."""
        return self._of.get((schedule, claim), self._none)

    def claims(self, schedule: str | None, kind: str) -> tuple[str, ...]:
        """The preferences that measures of that kind ask for by name."""
        return self._claims.get((schedule or "", kind), ())

    def kinds(self, schedule: str | None) -> tuple[str, ...]:
        """The kinds of measures that the tariff has."""
        return self._kinds.get(schedule or "", ())

    def rate_changes(
        self, schedule: str | None, kind: str, *, code: str, origin: str, day: int, claim: str = ""
    ) -> int | None:
        """The first day after this one, as days since 1970, on which such goods have another rate; None where no
        change is known."""
        stretches = self.of(schedule, claim).stretches(kind, code, origin)

        def rate(on: int) -> str | None:
            number = next((n for since, until, n in stretches if since <= on < until), None)
            return None if number is None else str(self.frame["rate"][number])

        ahead = sorted({at for since, until, _ in stretches for at in (since, until) if day < at < FOR_EVER})
        return next((at for at in ahead if rate(at) != rate(day)), None)

    def measure(self, schedule: str, code: str, *, origin: str, preferred: str | None, day: date) -> int:
        """The number of the measure of duty for one code and origin on a day, where a preference for the country
        `preferred` is claimed, or none; `NO_MEASURE` where the tariff says nothing."""
        better = self.held(schedule, "preference", code, origin=preferred, day=day) if preferred else NO_MEASURE
        return self.held(schedule, "third_country", code, origin=origin, day=day) if better == NO_MEASURE else better

    def held(self, schedule: str, kind: str, code: str, *, origin: str, day: date, claim: str = "") -> int:
        """The number of the measure of that kind for one code and origin on a day, or `NO_MEASURE`."""
        one, sorts = np.zeros(1, np.int64), self.sorts
        which = sorts.numbers(one, [code], one, [origin])
        return int(self.of(schedule, claim).of(kind, sorts, which, np.array([ordinal(day)]))[0])


def _ppm(duty: Formula | Unsupported) -> int | None:
    """Parts in a million of the value, where the duty is no more than that."""
    return duty.ppm if isinstance(duty, Formula) else None


def _is_on_part(duty: Formula | Unsupported) -> bool:
    """Whether some of the duty is laid on a named part of the article, such as its steel content."""
    return isinstance(duty, Formula) and any(
        isinstance(part, AdValorem) and part.base != VALUE for part in (*duty.parts, *duty.at_least, *duty.at_most)
    )
