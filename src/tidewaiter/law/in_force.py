"""The code lists of law over the days and countries of one batch.

Most batches are of one day, on which a list is one set of codes; asking that set once is many times cheaper than
asking every edition with its dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_

import polars as pl

from tidewaiter.law.law import Law
from tidewaiter.law.rules import CodeEdition, Ground
from tidewaiter.law.timeline import EPOCH

COUNTRY, DAY = pl.col("jurisdiction"), pl.col("accepted_on")
_GAP = r"[^\p{L}\p{M}\p{N}/]"


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """Law's lists as expressions for frames with `jurisdiction` and `accepted_on`.

    Right for rows from `first` to `last` in `countries`, all with a day if `all_dated`; a row without a day is
    neither on nor off a list. Two are equal where they speak of the same days and countries under the very same law.
    """

    law: Law
    first: date | None
    last: date | None
    countries: frozenset[str]
    all_dated: bool

    @classmethod
    def over(cls, settings: Collection[tuple[str, int | None]], law: Law) -> InForce:
        """Law over the rows of a batch, which have these countries and days (counted from 1970, None for none).

        With a country come those that are like it: what is worked out for a parcel to Germany then serves the next one
        to France.
        """
        found = {country for country, _ in settings}
        days = [day for _, day in settings]
        dated = [date.fromordinal(day + EPOCH) for day in days if day is not None]
        alike = law.remembered("countries alike", lambda: _alike(law))
        first, last = min(dated, default=None), max(dated, default=None)
        widened = found.union(*(alike[country] for country in found & alike.keys()))
        return cls(law, first, last, frozenset(widened), all_dated=len(dated) == len(days))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InForce) and other.law is self.law and other._span == self._span

    def __hash__(self) -> int:
        return hash((id(self.law), self._span))

    @property
    def _span(self) -> tuple[date | None, date | None, frozenset[str], bool]:
        return self.first, self.last, self.countries, self.all_dated

    def on_list(self, name: str, code: pl.Expr) -> pl.Expr:
        """Whether the code is on the list on the row's day; null or false where there is no code or no day."""
        return self._some_edition(name, lambda codes: code.is_in(codes.implode()))

    def off_list(self, name: str, code: pl.Expr) -> pl.Expr:
        """Whether the list says something of the row's day, and not this code; null or false where there is no code."""
        on = self._some_edition(name, lambda codes: code.is_in(codes.implode()))
        says = self._says(name)
        return ~on if says is None else says & ~on

    def some_on_list(self, name: str, codes: pl.Expr) -> pl.Expr:
        """Whether one of the codes in a column of lists is on the list; for lists of a few entries."""

        def among(entries: pl.Series) -> pl.Expr:
            return reduce(or_, [codes.list.contains(entry) for entry in entries.to_list()])

        return self._some_edition(name, among)

    def covers(self, name: str, code: pl.Expr) -> pl.Expr:
        """Whether the code begins with an entry of the list."""

        def begins(codes: pl.Series) -> pl.Expr:
            tests = [code.str.starts_with(prefix) for prefix in codes.to_list()]
            return reduce(or_, tests, pl.lit(value=False))

        return self._some_edition(name, begins)

    def only_words_of(self, name: str, text: pl.Expr) -> pl.Expr:
        """Whether the text is made of one to three entries of the list and nothing else, in small letters or large."""

        def made_of(codes: pl.Series) -> pl.Expr:
            entry = "(?:" + "|".join(map(re.escape, codes.to_list())) + ")"
            # One pattern for the whole list: it gives up at the first letter that fits no entry.
            return text.str.contains(rf"(?i)\A{_GAP}*{entry}(?:{_GAP}+{entry}){{0,2}}{_GAP}*\z")

        return self._some_edition(name, made_of)

    def known_day(self) -> pl.Expr:
        """Whether law has ground rules for the row's country on the row's day."""
        holds = [
            (country == COUNTRY) & _between(DAY, ground.since, ground.until)
            for country in sorted(self.countries & self.law.known)
            for ground in _ground(self.law, country)
        ]
        return reduce(or_, holds, pl.lit(value=False))

    def knows_every_day(self) -> bool:
        """Whether it is sure, without a look at the rows, that law has ground rules wherever a country is known."""
        if self.first is None:
            return True
        known = self.countries & self.law.known
        return all(any(map(self._spans, _ground(self.law, country))) for country in known)

    def touches(self, countries: Collection[str], since: date, until: date | None) -> bool:
        """Whether what holds in these countries on these days may concern some row."""
        if self.first is None or self.last is None or self.countries.isdisjoint(countries):
            return False
        return since <= self.last and (until is None or self.first < until)

    def is_within(self, since: date, until: date | None) -> bool:
        """Whether all rows have a day, and one of these."""
        if self.first is None or self.last is None or not self.all_dated:
            return False
        return since <= self.first and (until is None or self.last < until)

    def _some_edition(self, name: str, test: Callable[[pl.Series], pl.Expr]) -> pl.Expr:
        """Whether some edition in force in the row's country on the row's day passes the test of its codes."""
        together: dict[frozenset[str], list[pl.Series]] = {}
        holds: list[pl.Expr] = []
        for countries, edition in self._editions(name):
            if self._spans(edition):
                together.setdefault(countries, []).append(edition.codes)
            else:
                holds.append(self._scoped(test(edition.codes), countries, edition))
        holds += [self._scoped(test(pl.concat(codes)), countries) for countries, codes in together.items()]
        return reduce(or_, holds) if holds else pl.lit(value=False)

    def _says(self, name: str) -> pl.Expr | None:
        """Whether the list has an edition in the row's country on the row's day; None where it surely has."""
        holds = []
        for countries, edition in self._editions(name):
            if countries == self.countries and self._spans(edition) and self.all_dated:
                return None
            holds.append(self._scoped(DAY.is_not_null(), countries, edition))
        return reduce(or_, holds, pl.lit(value=False))

    def _scoped(self, test: pl.Expr, countries: frozenset[str], edition: CodeEdition | None = None) -> pl.Expr:
        if countries != self.countries:
            test &= COUNTRY.is_in(sorted(countries))
        if edition is not None and not self._spans(edition):
            test &= _between(DAY, edition.since, edition.until)
        return test if self.all_dated else test & DAY.is_not_null()

    def _editions(self, name: str) -> list[tuple[frozenset[str], CodeEdition]]:
        """The editions that hold on some day of the batch, each with the countries it holds in."""
        if self.first is None or self.last is None:
            return []
        shared: dict[int, tuple[set[str], tuple[CodeEdition, ...]]] = {}
        for country in sorted(self.countries & self.law.known):
            editions = self.law.editions(name, country)
            shared.setdefault(id(editions), (set(), editions))[0].add(country)
        return [
            (frozenset(countries), edition)
            for countries, editions in shared.values()
            for edition in editions
            if edition.since <= self.last and (edition.until is None or self.first < edition.until)
        ]

    def _spans(self, edition: CodeEdition | Ground) -> bool:
        assert self.first is not None and self.last is not None  # noqa: S101, PT018 - told apart in `_editions`
        return edition.since <= self.first and (edition.until is None or self.last < edition.until)


def _ground(law: Law, country: str) -> tuple[Ground, ...]:
    places = (law.jurisdictions[folder].ground for folder in law.family(country))
    return next(filter(None, places), ())


def _alike(law: Law) -> dict[str, frozenset[str]]:
    """For each country those, itself among them, that have the same ground rules and the same of all lists that are
    handed down; what a country lists for itself alone does not set it apart."""
    parents = {folder for country in law.known for folder in law.family(country)[1:]}
    names = sorted({name for folder in parents for name in law.jurisdictions[folder].lists})
    groups: dict[tuple[int, ...], set[str]] = {}
    for country in law.known:
        held = (id(_ground(law, country)), *(id(law.editions(name, country)) for name in names))
        groups.setdefault(held, set()).add(country)
    return {country: frozenset(group) for group in groups.values() for country in group}


def _between(day: pl.Expr, since: date, until: date | None) -> pl.Expr:
    last = date.max if until is None else until - timedelta(days=1)
    return day.is_between(since, last)
