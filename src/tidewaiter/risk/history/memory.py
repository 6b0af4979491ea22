"""What is known of who came before, and what it says of who comes now: sums, and of persons each consignment.

One and the same for all who look at the past: a simulation holds one for all of its weeks, and a store fills one with
what it knows of those in a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from tidewaiter.model.exact import GREATEST
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import WINDOWS_H
from tidewaiter.risk.history.telling import Given, Goods, Key, Told

_TWENTIETH = MICRO // 20
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_WINDOWS = tuple(hours * 3_600 * _SECOND for hours in WINDOWS_H.values())
_WEEK_D = 7
_NONE, _NONE_FROM_NOBODY = (0, 0, 0) * len(_WINDOWS), (0, 0, None) * len(_WINDOWS)
_NO_VALUES, _UNKNOWN_VALUES = (0,) * len(_WINDOWS), (None,) * len(_WINDOWS)
WHOLE = 0
"""In the place of a seller, platform, code or origin: all under a scheme number, or of an article or words."""
OWN_SHOP = 1
"""In the place of a platform: none. To have a shop of one's own counts as one more."""
PRICED, LOW = 2, 3
"""Beside a seller: its goods of which a price was compared with its like, and the cheapest twentieth of these."""
NOTHING = Given(None, None, None, None)
WEIGHT = 20
"""So many earlier goods or inspections weigh as much as what is usual of all sellers."""
WRONG_RATE = 0.04
"""The share of all consignments taken to be wrong until random inspections say more."""
LOW_RATE = 0.05
"""The share of goods that are among the cheapest twentieth of their like, where nobody states too little."""
RANDOM_PICKS = 0
"""In the place of a seller: all that fell to the random draw."""
JUST, NEAR = 1, 2
"""Below a threshold of law by at most a twentieth of it, or by at most three twentieths more."""


class Head(NamedTuple):
    """What of a consignment counts for later ones. `at` is the instant of its acceptance in microseconds since 1970,
    `consignee` the number of a resolved person, `below` is JUST, NEAR or 0."""

    at: int
    jurisdiction: str
    seller: Key
    platform: Key
    seller_place: Key
    consignee: Key
    name: Key
    identity: Key
    scheme: Key
    value_micro: int | None
    below: int


class Event(NamedTuple):
    """A consignment that a person had."""

    at: int
    seller: Key
    value_micro: int | None


@dataclass(slots=True)
class Sums:
    """What a seller sent: the first instant, how many, how many of them JUST and NEAR, and how many by UTC day."""

    first: int
    count: int = 0
    just: int = 0
    near: int = 0
    days: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Persons:
    """Who is who: people told apart by any of the things they give, as known so far.

    A person is known again by the first of its telephone, e-mail, name with postcode and address that was seen before;
    what else it gives is then known for its own too. Its address alone says who it is only where it gives neither
    telephone nor e-mail: families, offices, parcel lockers and forwarders have one address and are many. An identity
    number is no such thing: where one is lent out, it would make one person of many. `stale` are those of the things
    `known` that will soon be forgotten.
    """

    known: dict[int, int] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)

    def resolve(self, given: Given) -> tuple[Key, Given]:
        """The number of the person who gives these things, None where it gives nothing; and those of them that are to
        be kept: by which it was not known before, or is soon forgotten."""
        known = self.known
        person: Key = None
        is_alone = given.phone is None and given.email is None
        for key in given if is_alone else given[:-1]:
            if key is not None and key in known:
                person = known[key]
                break
        else:
            # The number is the first thing given, so that two who meet a person for the first time at once agree on it.
            person = next((key for key in given if key is not None), None)
            if person is None:
                return None, NOTHING
        fresh: list[Key] = []
        for key in given:
            if key is None:
                fresh.append(None)
            elif key not in known:
                known[key] = person
                fresh.append(key)
            elif key in self.stale and known[key] == person:
                self.stale.discard(key)
                fresh.append(key)
            else:
                fresh.append(None)
        return person, Given(*fresh)


@dataclass(slots=True)
class Memory:
    """What came before. `persons` are the consignments of one person in one country, since two have two currencies and
    other thresholds, oldest first; `counts` are by scheme number and seller, platform, OWN_SHOP or WHOLE, by article or
    words and code, origin or WHOLE, and by seller and PRICED or LOW; `names` are those under which an identity number
    was used, and `sellers_at` those that gave one telephone or address. `results` are how many of each seller's and of
    RANDOM_PICKS were inspected and found wrong; None where they are not known here. Of one person only the `newest` so
    many count, all where it is None. `is_priced`: whether prices are compared here at all."""

    persons: dict[tuple[int, str], list[Event]] = field(default_factory=dict)
    sellers: dict[int, Sums] = field(default_factory=dict)
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[int, set[int]] = field(default_factory=dict)
    sellers_at: dict[int, set[int]] = field(default_factory=dict)
    results: dict[int, tuple[int, int]] | None = None
    newest: int | None = None
    is_priced: bool = False

    def add(self, head: Head) -> None:
        """From now on it is among what came before."""
        at, seller, scheme = head.at, head.seller, head.scheme
        if head.consignee is not None:
            event = Event(at, seller, head.value_micro)
            self.persons.setdefault((head.consignee, head.jurisdiction), []).append(event)
        if seller is not None:
            sums = self.sellers.get(seller)
            if sums is None:
                sums = self.sellers[seller] = Sums(at)
            sums.first = min(sums.first, at)
            sums.count += 1
            sums.just += head.below == JUST
            sums.near += head.below == NEAR
            day = at // _DAY
            sums.days[day] = sums.days.get(day, 0) + 1
            if head.seller_place is not None:
                self.sellers_at.setdefault(head.seller_place, set()).add(seller)
        if scheme is not None:
            for other in (WHOLE, OWN_SHOP if head.platform is None else head.platform, seller):
                if other is not None:
                    self._count(scheme, other)
        if head.identity is not None and head.name is not None:
            self.names.setdefault(head.identity, set()).add(head.name)

    def add_goods(self, seller: Key, goods: Goods, is_low: bool | None) -> None:
        """From now on goods of this seller are among what came before. `is_low`: whether they were among the cheapest
        twentieth of their like; None where that is not known."""
        for key, others in ((goods.article, (WHOLE, goods.code, goods.origin)), (goods.words, (WHOLE, goods.code))):
            if key is not None:
                for other in others:
                    if other is not None:
                        self._count(key, other)
        if seller is not None and is_low is not None:
            self._count(seller, PRICED)
            if is_low:
                self._count(seller, LOW)

    def _count(self, key: int, other: int) -> None:
        self.counts[key, other] = self.counts.get((key, other), 0) + 1

    def recent(self, head: Head, *, wait: timedelta | None = None) -> list[int | None]:
        """What came before it to its consignee, by the columns of RECENT (`model.past`).

        With a `wait` it is among what came before already, and what came until so much later counts besides.
        """
        names = _others(self.names, head.identity, head.name)
        if head.consignee is None:
            return [*_UNKNOWN_VALUES * 3, names, *_UNKNOWN_VALUES]
        events = self.persons.get((head.consignee, head.jurisdiction))
        if events is None:
            if head.seller is None:
                return [*_NONE_FROM_NOBODY, names, *_UNKNOWN_VALUES]
            return [*_NONE, names, *_NO_VALUES]
        counts, values, of_seller, from_seller = [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]
        day, days, month = _WINDOWS
        until = head.at + (wait // timedelta(microseconds=1) if wait is not None else 0)
        for at, seller, value in reversed(events if self.newest is None else events[-self.newest :]):
            if at > until:
                continue
            if head.at - at > month:
                break
            age = head.at - at
            place = 0 if age <= day else 1 if age <= days else 2
            counts[place] += 1
            values[place] += value or 0
            if seller == head.seller:
                of_seller[place] += 1
                from_seller[place] += value or 0
        for figures in (counts, values, of_seller, from_seller):  # each was counted in the shortest window it is in
            figures[1] += figures[0]
            figures[2] += figures[1]
        found: list[int | None] = []
        own = wait is not None
        for count, worth, same in zip(counts, values, of_seller, strict=True):
            found += (
                count - own,
                min(worth - own * (head.value_micro or 0), GREATEST),  # else one who states too much would stop others
                None if head.seller is None else same - own,
            )
        found.append(names)
        if head.seller is None:
            return [*found, *_UNKNOWN_VALUES]
        return [*found, *(min(worth - own * (head.value_micro or 0), GREATEST) for worth in from_seller)]

    def parties(self, head: Head) -> list[int | None]:
        """What is known of its seller and of its scheme number, by the columns of PARTIES."""
        age = count = week = just = near = None
        if head.seller is not None:
            sums = self.sellers.get(head.seller)
            age, count, week, just, near = (0, 0, 0, 0, 0) if sums is None else _told(sums, head.at)
        return [
            age, count, week, *self._found_of(head.seller), just, near, self._low_rate_of(head.seller),
            _others(self.sellers_at, head.seller_place, head.seller), *self._of_scheme(head),
        ]  # fmt: skip

    def _found_of(self, seller: Key) -> tuple[int | None, int | None, int | None]:
        if seller is None or self.results is None:
            return None, None, None
        inspected, wrong = self.results.get(seller, (0, 0))
        # What is picked for its looks is wrong far more often than what is usual: only the random draw says that.
        drawn, found = self.results.get(RANDOM_PICKS, (0, 0))
        usual = (found + WEIGHT * WRONG_RATE) / (drawn + WEIGHT)
        return inspected, wrong, int((wrong + WEIGHT * usual) / (inspected + WEIGHT) * MICRO)

    def _low_rate_of(self, seller: Key) -> int | None:
        if seller is None or not self.is_priced:
            return None
        priced, low = (self.counts.get((seller, what), 0) for what in (PRICED, LOW))
        return int((low + WEIGHT * LOW_RATE) / (priced + WEIGHT) * MICRO)

    def products(self, goods: Goods) -> list[int | None]:
        """How goods of its article and in its words were declared before, by the columns of PRODUCTS."""
        by_code = [self._declared(key, goods.code) for key in (goods.article, goods.words)]
        return [*by_code[0], self._declared(goods.article, goods.origin)[1], *by_code[1]]

    def _declared(self, key: Key, as_this: Key) -> tuple[int | None, int | None]:
        """How often something came, and which share of that was declared as this."""
        if key is None:
            return None, None
        count = self.counts.get((key, WHOLE), 0)
        same = None if as_this is None else self.counts.get((key, as_this), 0)
        return count, same * MICRO // count if same is not None and count > 0 else None

    def _of_scheme(self, head: Head) -> tuple[int | None, int | None, int | None]:
        scheme, seller = head.scheme, head.seller
        if scheme is None:
            return None, None, None
        count, rate = self._declared(scheme, OWN_SHOP if head.platform is None else head.platform)
        return count, rate, None if seller is None else self.counts.get((scheme, seller), 0)


def heads(
    told: Told,
    *,
    at: Sequence[int],
    jurisdictions: Sequence[str],
    values: Sequence[int | None],
    shares: Sequence[int | None],
    counted: Sequence[bool],
    persons: Persons,
) -> tuple[list[Head], list[Given]]:
    """What counts of each consignment, and what of its consignee is to be kept to know it again. `shares` are of
    thresholds of law, as `threshold_shares` tells them. Of those that are not `counted` nobody is known again."""
    made, learnt = [], []
    for place, (share, counts) in enumerate(zip(shares, counted, strict=True)):
        person, fresh = persons.resolve(told.person[place]) if counts else (None, NOTHING)
        made.append(
            Head(
                at[place], jurisdictions[place], told.seller[place], told.platform[place], told.seller_place[place],
                person, told.name[place], told.identity[place], told.scheme[place], values[place], below(share),
            )
        )  # fmt: skip
        learnt.append(fresh)
    return made, learnt


def below(share: int | None) -> int:
    """JUST, NEAR or 0, by the share of a threshold of law in millionths."""
    if share is None or share <= MICRO - 4 * _TWENTIETH:
        return 0
    return NEAR if share <= MICRO - _TWENTIETH else JUST


def _told(sums: Sums, at: int) -> tuple[int, int, int, int, int]:
    day = at // _DAY
    week = sum([count for one, count in sums.days.items() if day - _WEEK_D < one <= day])
    return max(0, (at - sums.first) // _DAY), sums.count, week, sums.just, sums.near


def _others(known: dict[int, set[int]], key: Key, own: Key) -> int | None:
    """How many others are known under the key, its own left out."""
    if key is None:
        return None
    found = known.get(key, ())
    return len(found) - (own in found)
