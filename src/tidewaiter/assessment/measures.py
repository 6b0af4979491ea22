"""Which measures of the tariff hold for goods: by code, origin, day and the preference claimed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tidewaiter.assessment.terms import Terms
from tidewaiter.law.tariff import NO_MEASURE, Sorts
from tidewaiter.model.exact import (
    Whole,
    Yes,
    distinct,
    told_apart,
)

_NONE = np.zeros(0, np.int64)


class _Goods(NamedTuple):
    """All goods as the tariff sees them: of each the place of its code among those that have these `numbers`, its sort,
    its day, and the country of a preference claimed, by its place among the `countries`, the first for none."""

    code: Whole
    numbers: Whole
    sort: Whole
    sorts: Sorts
    day: Whole
    preferred: Whole
    countries: list[str]


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
        day = terms.days[terms.place][terms.head_of]
        code, codes = _full_codes(terms)
        numbers = terms.law.tariff.codes.numbers(codes)
        return _Goods(
            code, numbers, *_sorts(code, numbers, *terms.items_apart("origin_country")), day, *_preferred(terms)
        )

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
    """The goods under one tariff: `where` among the goods sought, which `items` they are, their sorts and days."""

    schedule: str | None
    where: Whole | slice
    items: Whole
    sort: Whole
    day: Whole


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
                return tariff.of(one.schedule, kind).holding(self._asked.goods.sorts, one.sort, one.day)
        found = self._dense(kind)
        places = np.flatnonzero(found != NO_MEASURE)
        return places, found[places]

    def _dense(self, kind: str) -> Whole:
        """For each of the goods the measure of that kind; of duty, where no kind is named. A measure that asks for the
        claim by name goes before one of its kind that does not."""
        tariff, goods = self._terms.law.tariff, self._asked.goods
        found = np.full(len(self._at), NO_MEASURE, np.int64)
        for one in self._under:
            rows, measures = tariff.of(one.schedule, kind or "third_country").holding(goods.sorts, one.sort, one.day)
            if isinstance(one.where, slice):
                found[rows] = measures
            else:
                found[one.where[rows]] = measures
            named = tariff.claims(one.schedule, kind or "preference")
            claims = _NONE
            if len(goods.countries) > 1 and (named or not kind):
                claims = np.flatnonzero(goods.preferred[one.items] > 0)
            for claim in (*(() if kind else ("",)), *named) if len(claims) else ():
                wanted = claims[self._claimed(claim)[one.items[claims]]] if claim else claims
                its = one.items[wanted]
                which, preferred_sorts = _sorts(goods.code[its], goods.numbers, goods.preferred[its], goods.countries)
                held, better = tariff.of(one.schedule, kind or "preference", claim).holding(
                    preferred_sorts, which, one.day[wanted]
                )
                its = wanted[held]
                found[its if isinstance(one.where, slice) else one.where[its]] = better
        return found

    @cached_property
    def _under(self) -> list[_Under]:
        """The goods by the tariff they are under."""
        goods, terms = self._asked.goods, self._terms
        schedules = [place.schedule for place in terms.places]
        different = dict.fromkeys(schedules)
        if len(different) == 1:
            return [_Under(schedules[0], slice(None), self._at, goods.sort[self._at], goods.day[self._at])]
        place = terms.place[terms.head_of[self._at]]
        found = []
        for schedule in different:
            is_under = np.fromiter((one == schedule for one in schedules), np.bool_, len(schedules))
            where = np.flatnonzero(is_under[place])
            if len(where):
                items = self._at[where]
                found.append(_Under(schedule, where, items, goods.sort[items], goods.day[items]))
        if len(found) == 1:  # all of them are
            return [found[0]._replace(where=slice(None))]
        return found

    def _claimed(self, claim: str) -> Yes:
        """Whether each item claims just this preference."""
        which, claims = self._terms.items_apart("preference")
        found: Yes = np.array([one == claim for one in claims], np.bool_)[which]
        return found


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
