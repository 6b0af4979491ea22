"""Which measures of the tariff hold for goods: by code, origin, day and the preference claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tidewaiter.assessment.terms import Terms
from tidewaiter.law.tariff import NO_MEASURE, Sorts
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import (
    Whole,
    Yes,
    distinct,
    told_apart,
)


class Asked:
    """Which measures of the tariff hold for the items of which a regime asks it.

    `asked`: the items of which the usual duty was asked; `measure`: what was found for them; `preferred`: the country
    of a preference claimed, for each item its place among the countries.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.asked = np.zeros(len(terms.items), np.bool_)
        self.measure = np.full(len(terms.items), NO_MEASURE, np.int64)
        self.preferred: tuple[Whole, list[str]] = np.zeros(len(terms.items), np.int64), [""]
        self._goods: tuple[Any, ...] | None = None

    def found(self, kind: str, at: Whole) -> Whole:
        """For each of these items the measure of that kind; of duty, where no kind is named: then a preference claimed
        and in force goes before the duty for all. A measure that asks for the claim by name goes before one of its kind
        that does not."""
        terms, tariff = self._terms, self._terms.law.tariff
        if self._goods is None:
            day = terms.by_place(lambda place: ordinal(place.day))[terms.head_of]
            code, codes = _full_codes(terms)
            numbers = tariff.codes.numbers(codes)
            self._goods = (code, numbers, *_sorts(code, numbers, *terms.items_apart("origin_country")), day)
            self.preferred = _preferred(terms)
        code, numbers, sort, sorts, day = self._goods
        preferred, countries = self.preferred
        found = np.full(len(at), NO_MEASURE, np.int64)
        for schedule, where in self._by_schedule(at):
            here = at[where]
            measures = tariff.of(schedule, kind or "third_country")
            mine = measures.of(sorts, sort[here], day[here])
            named = tariff.claims(schedule, kind or "preference")
            claims = np.flatnonzero(preferred[here]) if len(countries) > 1 and (named or not kind) else ()
            for claim in (*(() if kind else ("",)), *named) if len(claims) else ():
                wanted = claims[self._claimed(claim)[here[claims]]] if claim else claims
                its = here[wanted]
                which, preferred_sorts = _sorts(code[its], numbers, preferred[its], countries)
                better = tariff.of(schedule, kind or "preference", claim).of(preferred_sorts, which, day[its])
                mine[wanted] = np.where(better == NO_MEASURE, mine[wanted], better)
            found[where] = mine
        if not kind:
            self.asked[at] = True
            self.measure[at] = found
        return found

    def _by_schedule(self, at: Whole) -> Iterator[tuple[str | None, Whole | slice]]:
        """Each tariff that is asked, and which of these items are under it."""
        schedules = [place.schedule for place in self._terms.places]
        for schedule in (different := dict.fromkeys(schedules)):
            if len(different) == 1:
                yield schedule, slice(None)
            else:
                mine = np.fromiter((one == schedule for one in schedules), np.bool_, len(schedules))
                yield schedule, np.flatnonzero(mine[self._terms.place[self._terms.head_of[at]]])

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
        return np.zeros(len(claim), np.int64), [""]
    is_claimed = terms.on_list("preference-claims", claim, claims, terms.head_of, is_prefix=True)
    stated, of_goods = terms.of_items("preference_country"), terms.of_items("origin_country")
    country, countries = told_apart(stated.zip_with(stated.is_not_null(), of_goods).fill_null(""))
    return np.where(is_claimed, country + 1, 0), ["", *countries]
