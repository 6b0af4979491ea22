"""Where the goods are delivered: which postcodes are on a list of places that law has.

A list is looked up once for the different postcodes of a batch, and not at all where no country in it has one.
"""

from __future__ import annotations

import numpy as np

from tidewaiter.assessment.terms import Terms
from tidewaiter.model.exact import MISSING, Whole, Yes, among, distinct, known, taken, told_apart

DELIVERED = ("consignee", "buyer", "importer")
"""Roles in the order in which they are asked where the goods are delivered."""


def delivered_to(terms: Terms, name: str) -> Yes:
    """For each head whether the postcode of the receiver begins with an entry of the list (or 'list/part').

    The receiver is the first of the roles that is named; of one in another country whose law is held here, the
    postcode is not looked at.
    """
    return terms.answered(name, _delivered_to)


def ranked(terms: Terms, roles: tuple[str, ...]) -> tuple[Whole, Whole]:
    """For each party of a whole consignment its head, and the place of its role among these; -1 for none."""
    order = among(terms.batch.parties["role"], roles)
    of = terms.heads_of(terms.batch.parties["row"])
    return of, np.where(known(terms.batch.parties["item"]) == MISSING, order, -1)


def _delivered_to(terms: Terms, name: str) -> Yes:
    parties, heads = terms.batch.parties, np.arange(len(terms.heads))
    countries = {place.country for place in terms.places}
    if parties.is_empty() or not any(terms.law.editions(name.partition("/")[0], one) for one in countries):
        return np.zeros(len(heads), np.bool_)
    of, order = ranked(terms, DELIVERED)
    none = len(DELIVERED) * len(order)
    first = np.full(len(heads), none, np.int64)
    here = np.flatnonzero((of >= 0) & (order >= 0))
    np.minimum.at(first, of[here], order[here] * len(order) + here)
    party = first % len(order)
    which, codes = told_apart(parties["postcode"])
    plain = [None if code is None else code.replace(" ", "").upper() for code in codes]
    found: Yes = (first < none) & terms.on_list(name, which[party], plain, heads, by="beginning")
    at = np.flatnonzero(found)
    if len(at):
        country, names = told_apart(taken(parties["country"], party[at]))
        keys, place = distinct(terms.place[at] * len(names) + country, len(terms.places) * len(names))
        elsewhere = [_is_elsewhere(terms, key // len(names), names[key % len(names)]) for key in keys.tolist()]
        found[at] = ~np.array(elsewhere, np.bool_)[place]
    return found


def _is_elsewhere(terms: Terms, place: int, country: str | None) -> bool:
    return country is not None and country != terms.places[place].country and country in terms.law.known
