"""Which measures of the tariff hold for goods: by code, origin, day and the preference claimed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tidewaiter.assessment.terms import EVERY, Terms
from tidewaiter.law.tariff import NO_MEASURE, Measures, Sorts
from tidewaiter.model.exact import (
    Whole,
    Yes,
    distinct,
    told_apart,
)

_NONE = np.zeros(0, np.int64)


class _Goods(NamedTuple):
    """All goods as the tariff sees them: of each the place of its code among those that have these `numbers`, which of
    the `alike` it is, and the country of a preference claimed, by its place among the `countries`, the first for
    none."""

    code: Whole
    numbers: Whole
    sorts: Sorts
    which: Whole
    alike: _Alike
    preferred: Whole
    countries: list[str]


class _Alike(NamedTuple):
    """What the tariff cannot tell apart: goods of one sort, under one tariff, on days between which none changes. Of
    each its sort, one of its days, and its tariff by number; those under one tariff stand together."""

    sort: Whole
    day: Whole
    schedule: Whole


class Asked:
    """Which measures of the tariff hold for the items of which a regime asks it.

    `asked`: the items of which the usual duty was asked; `measure`: what was found for them.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.asked = np.zeros(len(terms.items), np.bool_)
        self.measure = np.full(len(terms.items), NO_MEASURE, np.int64)

    @cached_property
    def goods(self) -> _Goods:
        """All goods as the tariff sees them; worked out once a regime asks."""
        terms = self._terms
        code, codes = _full_codes(terms)
        numbers = terms.law.tariff.codes.numbers(codes)
        sort, sorts = _sorts(code, numbers, *terms.items_apart("origin_country"))
        which, alike = self._alike(sort, len(sorts.codes))
        return _Goods(code, numbers, sorts, which, alike, *_preferred(terms))

    @cached_property
    def schedules(self) -> list[str | None]:
        """The different tariffs of the places."""
        return list(dict.fromkeys(place.schedule for place in self._terms.places))

    @cached_property
    def schedule_of(self) -> Whole:
        """The tariff of each place, by number."""
        return np.array([self.schedules.index(place.schedule) for place in self._terms.places], np.int64)

    def _alike(self, sort: Whole, sorts: int) -> tuple[Whole, _Alike]:
        """Which goods the tariff cannot tell apart: most have no day of change between them, and are asked of once."""
        terms, changes = self._terms, self._terms.law.tariff.changes
        stretch = np.searchsorted(changes, terms.days, side="right")
        keys, time = distinct(self.schedule_of * (len(changes) + 1) + stretch, len(self.schedules) * (len(changes) + 1))
        day = np.empty(len(keys), np.int64)
        day[time] = terms.days
        alike, which = distinct(time[terms.place][terms.head_of] * sorts + sort, len(keys) * sorts)
        time = alike // sorts
        return which, _Alike(alike % sorts, day[time], (keys // (len(changes) + 1))[time])

    @property
    def preferred(self) -> tuple[Whole, list[str]]:
        """The country of a preference claimed, where a regime asked; '' for none."""
        if "goods" not in self.__dict__:
            return self._terms.nothing, [""]
        return self.goods.preferred, self.goods.countries

    def of(self, at: Whole) -> Sought:
        """What is to be asked of these items."""
        return Sought(self, self._terms, at)


class _Under(NamedTuple):
    """The goods under one tariff: `where` among the goods sought, which `items` they are, and of each which it is of
    those that are `alike`."""

    schedule: str | None
    where: Whole | slice
    items: Whole
    which: Whole
    alike: _Alike

    def measured(self, measures: Measures, sorts: Sorts) -> Whole | None:
        """For each of the goods its measure among these, `NO_MEASURE` where it has none; None where none has any."""
        held, measure = measures.holding(sorts, self.alike.sort, self.alike.day)
        if not len(held):
            return None
        of_alike = np.full(len(self.alike.sort), NO_MEASURE, np.int64)
        of_alike[held] = measure
        found: Whole = of_alike[self.which]
        return found


class Sought:
    """What the tariff says of some of the items, those of one regime."""

    def __init__(self, asked: Asked, terms: Terms, at: Whole) -> None:
        self._asked, self._terms, self._at = asked, terms, at

    def usual(self) -> Whole:
        """The measure of duty for each of the goods: a preference claimed and in force goes before the duty for all."""
        found = self._dense("")
        self._asked.asked[self._at] = True
        self._asked.measure[self._at] = found
        return found

    def layer(self, kind: str) -> tuple[Whole, Whole]:
        """The goods that bear a layer of that kind, by their places in rising order, and the measure of each."""
        tariff = self._terms.law.tariff
        if len(self._under) == 1:
            [one] = self._under
            if len(self._asked.goods.countries) == 1 or not tariff.claims(one.schedule, kind):
                found = one.measured(tariff.of(one.schedule, kind), self._asked.goods.sorts)
                return (_NONE, _NONE) if found is None else _those(found)
        return _those(self._dense(kind))

    def _dense(self, kind: str) -> Whole:
        """For each of the goods the measure of that kind; of duty, where no kind is named. A measure that asks for the
        claim by name goes before one of its kind that does not."""
        tariff, goods = self._terms.law.tariff, self._asked.goods
        found = np.full(len(self._at), NO_MEASURE, np.int64)
        for one in self._under:
            measured = one.measured(tariff.of(one.schedule, kind or "third_country"), goods.sorts)
            if measured is not None:
                found[one.where] = measured
            named = tariff.claims(one.schedule, kind or "preference")
            claims = _NONE
            if len(goods.countries) > 1 and (named or not kind):
                claims = np.flatnonzero(goods.preferred[one.items] > 0)
            for claim in (*(() if kind else ("",)), *named) if len(claims) else ():
                wanted = claims[self._claimed(claim)[one.items[claims]]] if claim else claims
                its = one.items[wanted]
                which, preferred_sorts = _sorts(goods.code[its], goods.numbers, goods.preferred[its], goods.countries)
                held, better = tariff.of(one.schedule, kind or "preference", claim).holding(
                    preferred_sorts, which, one.alike.day[one.which[wanted]]
                )
                its = wanted[held]
                found[its if isinstance(one.where, slice) else one.where[its]] = better
        return found

    @cached_property
    def _under(self) -> list[_Under]:
        """The goods by the tariff they are under."""
        asked, goods, terms = self._asked, self._asked.goods, self._terms
        which = goods.which[self._at]
        if len(asked.schedules) == 1:
            return [_Under(asked.schedules[0], EVERY, self._at, which, goods.alike)]
        schedule = asked.schedule_of[terms.place[terms.head_of[self._at]]]
        bounds = np.searchsorted(goods.alike.schedule, np.arange(len(asked.schedules) + 1))
        found = []
        for number, name in enumerate(asked.schedules):
            where = np.flatnonzero(schedule == number)
            if len(where):
                first, last = bounds[number], bounds[number + 1]
                alike = _Alike(*(column[first:last] for column in goods.alike))
                every = len(where) == len(self._at)
                found.append(_Under(name, EVERY if every else where, self._at[where], which[where] - first, alike))
        return found

    def _claimed(self, claim: str) -> Yes:
        """Whether each item claims just this preference."""
        which, claims = self._terms.items_apart("preference")
        found: Yes = np.array([one == claim for one in claims], np.bool_)[which]
        return found


def _those(found: Whole) -> tuple[Whole, Whole]:
    """The places at which there is a measure, in rising order, and the measure of each."""
    places = np.flatnonzero(found != NO_MEASURE)
    return places, found[places]


def _sorts(code: Whole, numbers: Whole, origin: Whole, origins: Sequence[str | None]) -> tuple[Whole, Sorts]:
    """For each item which sort of goods it is, and these. `code` is its place among the codes, which have `numbers`."""
    width = len(origins)
    keys, which = distinct(code * width + origin, len(numbers) * width)
    return which, Sorts(numbers[keys // width], origins, keys % width)


def _full_codes(terms: Terms) -> tuple[Whole, list[str | None]]:
    """The commodity code with its national digits."""
    code, national = terms.of_items("hs_code"), terms.of_items("taric_code")
    if national.null_count() == len(national):
        return terms.items_apart("hs_code")
    # National digits alone are no code: "10" without what comes before it would be cereals.
    return told_apart((code + national.fill_null("")).zip_with(code != "", code))


def _preferred(terms: Terms) -> tuple[Whole, list[str]]:
    """The country of preferential origin where a preference is claimed: its place among the countries, nought for
    none."""
    claim, claims = terms.items_apart("preference")
    if claims == [None]:
        return terms.nothing, [""]
    is_claimed = terms.on_list("preference-claims", claim, claims, terms.head_of, is_prefix=True)
    stated, of_goods = terms.of_items("preference_country"), terms.of_items("origin_country")
    country, countries = told_apart(stated.zip_with(stated.is_not_null(), of_goods).fill_null(""))
    return np.where(is_claimed, country + 1, 0), ["", *countries]
