"""Where the goods are delivered: which postcodes are on a list of places that law has.

Each different postcode of a batch is looked up once in the list of its own country, whatever parts of it are asked for;
none is, where no country in the batch has one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tidewaiter.assessment.terms import Terms
from tidewaiter.law.rules import CodeEdition
from tidewaiter.law.timeline import ordinal
from tidewaiter.model.exact import MISSING, Whole, Yes, distinct, known, taken, told_apart

DELIVERED = ("consignee", "buyer", "importer")
"""Roles in the order in which they are asked where the goods are delivered."""

Found = frozenset[str] | None
"""The parts of a list that a place is in; None for a place that is not on it."""


class Receivers(NamedTuple):
    """The receivers of some heads, whose postcodes law is asked about: `heads`, and for each `which` of the `codes`."""

    heads: Whole
    which: Whole
    codes: list[str]


def delivered_to(terms: Terms, name: str) -> Yes:
    """For each head whether the postcode of the receiver begins with an entry of the list (or 'list/part').

    The receiver is the first of the roles that is named; of one in another country whose law is held here, the
    postcode is not looked at.
    """
    whole, _, part = name.partition("/")
    heads, which, found = terms.answered(("places", whole), lambda: _found(terms, whole))
    is_there = [parts is not None and (not part or part in parts) for parts in found]
    answer = np.zeros(len(terms.heads), np.bool_)
    if any(is_there):
        answer[heads] = np.array(is_there, np.bool_)[which]
    return answer


def ranked(terms: Terms, roles: tuple[str, ...]) -> tuple[Whole, Whole]:
    """For each party of a whole consignment its head, and the place of its role among these; -1 for none."""
    order = terms.batch.apart("parties", "role").among(roles)
    of = terms.heads_of(terms.batch.parties["row"])
    return of, np.where(known(terms.batch.parties["item"]) == MISSING, order, -1)


def _found(terms: Terms, name: str) -> tuple[Whole, Whole, list[Found]]:
    """The heads in a country that has the list, and for each which of the answers is that for its receiver."""
    editions = [_in_force(terms, name, number) for number in range(len(terms.places))]
    none = np.zeros(0, np.int64)
    if not any(editions):
        return none, none, []
    different = list(dict.fromkeys(editions))
    of_place = np.array([different.index(one) for one in editions], np.int64)
    heads, which, codes = terms.answered("receivers", lambda: _receivers(terms))
    keys, place = distinct(of_place[terms.place[heads]] * len(codes) + which, len(different) * len(codes))
    return heads, place, [_parts(different[key // len(codes)], codes[key % len(codes)]) for key in keys.tolist()]


def _in_force(terms: Terms, name: str, number: int) -> tuple[CodeEdition, ...]:
    place = terms.places[number]
    return tuple(one for one in terms.law.editions(name, place.country) if one.holds(ordinal(place.day)))


def _parts(editions: tuple[CodeEdition, ...], code: str) -> Found:
    entries = [(edition, edition.longest(code)) for edition in editions]
    found = [edition.parts.get(entry, frozenset()) for edition, entry in entries if entry is not None]
    return frozenset[str]().union(*found) if found else None


def _receivers(terms: Terms) -> Receivers:
    parties = terms.batch.parties
    none = np.zeros(0, np.int64)
    if parties.is_empty():
        return Receivers(none, none, [])
    of, order = ranked(terms, DELIVERED)
    beyond = len(DELIVERED) * len(order)
    first = np.full(len(terms.heads), beyond, np.int64)
    here = np.flatnonzero((of >= 0) & (order >= 0))
    np.minimum.at(first, of[here], order[here] * len(order) + here)
    heads = np.flatnonzero(first < beyond)
    party = first[heads] % len(order)
    country, names = terms.batch.apart("parties", "country")
    keys, pair = distinct(terms.place[heads] * len(names) + country[party], len(terms.places) * len(names))
    is_here = [not _is_elsewhere(terms, key // len(names), names[key % len(names)]) for key in keys.tolist()]
    which, codes = told_apart(taken(parties["postcode"], party))  # of those alone that are asked for
    is_stated = [code is not None for code in codes]
    kept = np.flatnonzero(np.array(is_here, np.bool_)[pair] & np.array(is_stated, np.bool_)[which])
    return Receivers(heads[kept], which[kept], [(code or "").replace(" ", "").upper() for code in codes])


def _is_elsewhere(terms: Terms, place: int, country: str | None) -> bool:
    return country is not None and country != terms.places[place].country and country in terms.law.known
