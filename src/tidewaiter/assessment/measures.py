"""Which measures of the tariff hold for goods: by code, origin, day and the preference claimed."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from tidewaiter.assessment.terms import EVERY, Terms
from tidewaiter.law.measures import NO_MEASURE, Held
from tidewaiter.law.sorts import Sorts
from tidewaiter.model.exact import Whole, Yes, told_apart

_NONE = np.zeros(0, np.int64)


class _Goods(NamedTuple):
    """All goods as the tariff sees them: of each its sort among the `sorts`, the place of its code among the
    `codes`, and the country of a preference claimed, by its place among the `countries`, the first for none."""

    sorts: Sorts
    sort: Whole
    code: Whole
    codes: list[str | None]
    preferred: Whole
    countries: list[str]


class Asked:
    """Which measures of the tariff hold for the items of which a regime asks it.

    `measure`: what was found for those of which the usual duty was asked.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.measure = np.full(len(terms.items), NO_MEASURE, np.int64)

    @cached_property
    def goods(self) -> _Goods:
        """All goods as the tariff sees them; worked out once a regime asks."""
        terms = self._terms
        (code, codes), sorts = _full_codes(terms), terms.law.tariff.sorts
        sort = sorts.numbers(code, codes, *terms.items_apart("origin_country"))
        return _Goods(sorts, sort, code, codes, *_preferred(terms))

    @cached_property
    def day(self) -> Whole:
        """Of each of the goods its day."""
        return self._terms.days[self._terms.place][self._terms.head_of]

    @cached_property
    def schedules(self) -> list[str | None]:
        """The different tariffs of the places."""
        return list(dict.fromkeys(place.schedule for place in self._terms.places))

    @cached_property
    def schedule_of(self) -> Whole:
        """The tariff of each place, by number."""
        return np.array([self.schedules.index(place.schedule) for place in self._terms.places], np.int64)

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
    """The goods under one tariff: `where` among the goods sought, and which `items` they are."""

    schedule: str | None
    where: Whole | slice
    items: Whole


class Sought:
    """What the tariff says of some of the items, those of one regime."""

    def __init__(self, asked: Asked, terms: Terms, at: Whole) -> None:
        self._asked, self._terms, self._at = asked, terms, at

    def usual(self) -> Whole:
        """The measure of duty for each of the goods: a preference claimed and in force goes before the duty for all."""
        found = self._dense("")
        self._asked.measure[self._at] = found
        return found

    def layer(self, kind: str) -> Held:
        """The goods that bear a layer of that kind, by their places in rising order, and the measure of each."""
        tariff = self._terms.law.tariff
        if len(self._under) == 1:
            [one] = self._under
            if len(self._asked.goods.countries) == 1 or not tariff.claims(one.schedule, kind):
                return self._held[0].get(kind, (_NONE, _NONE))
        found = self._dense(kind)
        places = np.flatnonzero(found != NO_MEASURE)
        return places, found[places]

    @cached_property
    def _sort(self) -> Whole:
        """Of each of the goods its sort."""
        return self._asked.goods.sort[self._at]

    @cached_property
    def _held(self) -> list[dict[str, Held]]:
        """For the goods under each tariff, by the kind of measure: those for which one holds that asks for no claim by
        name, and which."""
        tariff, goods, found = self._terms.law.tariff, self._asked.goods, []
        for one in self._under:
            kinds = [kind for kind in tariff.kinds(one.schedule) if kind != "preference"]
            its = (self._sort[one.where], one.items, self._asked.day)
            held = tariff.of(one.schedule).holding(kinds, goods.sorts, its)
            found.append(dict(zip(kinds, held, strict=True)))
        return found

    def _dense(self, kind: str) -> Whole:
        """For each of the goods the measure of that kind; of duty, where no kind is named. A measure that asks for the
        claim by name goes before one of its kind that does not."""
        tariff, goods = self._terms.law.tariff, self._asked.goods
        found = np.full(len(self._at), NO_MEASURE, np.int64)
        for one, all_held in zip(self._under, self._held, strict=True):
            every = np.arange(len(self._at))[one.where]
            held, measure = all_held.get(kind or "third_country", (_NONE, _NONE))
            found[every[held]] = measure
            named = tariff.claims(one.schedule, kind or "preference")
            claims = _NONE
            if len(goods.countries) > 1 and (named or not kind):
                claims = np.flatnonzero(goods.preferred[one.items] > 0)
            for claim in (*(() if kind else ("",)), *named) if len(claims) else ():
                wanted = claims[self._claimed(claim)[one.items[claims]]] if claim else claims
                its = one.items[wanted]
                sort = goods.sorts.numbers(goods.code[its], goods.codes, goods.preferred[its], goods.countries)
                better = tariff.of(one.schedule, claim)
                [(held, measure)] = better.holding((kind or "preference",), goods.sorts, (sort, its, self._asked.day))
                found[every[wanted[held]]] = measure
        return found

    @cached_property
    def _under(self) -> list[_Under]:
        """The goods by the tariff they are under."""
        asked, terms = self._asked, self._terms
        if len(asked.schedules) == 1:
            return [_Under(asked.schedules[0], EVERY, self._at)]
        schedule = asked.schedule_of[terms.place[terms.head_of[self._at]]]
        places = [np.flatnonzero(schedule == number) for number in range(len(asked.schedules))]
        found = zip(asked.schedules, places, strict=True)
        return [_Under(name, where, self._at[where]) for name, where in found if len(where)]

    def _claimed(self, claim: str) -> Yes:
        """Whether each item claims just this preference."""
        which, claims = self._terms.items_apart("preference")
        found: Yes = np.array([one == claim for one in claims], np.bool_)[which]
        return found


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
