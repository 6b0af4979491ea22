"""Which revenue regime a consignment falls under: the first, by priority, whose conditions all hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import polars as pl

from tidewaiter.assessment.delivery import delivered_to, ranked
from tidewaiter.assessment.terms import Terms, rate_into
from tidewaiter.assessment.valuation import Worth, carriage_for_limits, part_of_value
from tidewaiter.law.expressions.units import in_plain_units
from tidewaiter.law.rules import Conditions, Regime
from tidewaiter.model.batch import ROW
from tidewaiter.model.exact import (
    MISSING,
    Whole,
    Yes,
    at_least,
    known,
    minus,
    plus,
    scaled,
    spread,
    standing,
    sums,
    taken,
)
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import Past

FREE_CIRCULATION = "40"
"""The procedure meant where none is stated: most who sell and buy know no customs codes (UCC annex B, DE 1/10)."""

_OF_HEADS = ("direction", "category", "channel", "export_country")
"""Conditions on what a consignment says of itself as a whole."""
SENDERS = ("consignor", "exporter", "seller")
RECEIVERS = ("importer", "consignee", "buyer")
"""Roles in the order in which they are asked who sends and who receives."""
PIECES = "NAR"
"""The unit of single articles, and of a quantity that states none."""
_KINDS = ("association", "legal", "natural")
"""Where two parties have that role, a legal person counts before a natural one."""
NOBODY = len(_KINDS)


Answer = TypeVar("Answer", bound=Whole | Yes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`regimes`: the versions that apply to some consignment; `chosen`: for each head its regime among them, -1 where
    none fits; `unknown_past`: the heads whose regime looks at what the buyer imported before, of which nothing is
    known."""

    regimes: tuple[Regime, ...]
    chosen: Whole
    unknown_past: Whole

    def frame(self, terms: Terms) -> pl.DataFrame:
        """The frame REGIMES."""
        names = pl.Series([*(regime.id for regime in self.regimes), None], dtype=pl.String)
        reasons = pl.Series([*(f"{one.name} ({one.source})" for one in self.regimes), None], dtype=pl.String)
        place = np.where(self.chosen < 0, len(self.regimes), self.chosen)
        return pl.DataFrame(
            [
                pl.Series("row", terms.rows, dtype=ROW),
                taken(names, place).alias("regime"),
                taken(reasons, place).alias("reason"),
            ]
        )


def choose(terms: Terms, worth: Worth, past: Past) -> Choice:
    """The regime of every consignment assessed.

    The thresholds look at the whole consignment: splitting a parcel into lines must not make it duty-free. They look
    at the price paid, so what the seller took off the order is taken off here too. What cannot be known does not hold,
    nor does anything of no goods at all.
    """
    heads = len(terms.heads)
    facts = _Facts(terms, worth, past)
    chosen = np.full(heads, -1, np.int64)
    open_still = np.zeros(heads, np.bool_)
    open_still[terms.owners] = True
    found: list[Regime] = []
    for regime, places in _could_apply(terms):
        if not facts.could(regime):
            continue
        fits = open_still if places.all() else open_still & places[terms.place]
        is_some = bool(fits.any())
        for _, test in facts.tests(regime) if is_some else ():
            fits = fits & test
            if not (is_some := bool(fits.any())):
                break  # what need not be asked is not
        if is_some:
            chosen[fits] = len(found)
            found.append(regime)
            open_still = open_still & ~fits
            if not open_still.any():
                break
    by_person = np.array([one.when.is_by_person for one in found] + [False], np.bool_)[chosen]
    return Choice(regimes=tuple(found), chosen=chosen, unknown_past=np.flatnonzero(by_person & ~facts.past_is_known))


def unmet(terms: Terms, worth: Worth, past: Past) -> list[list[tuple[Regime, tuple[str, ...]]]]:
    """For each head every regime that is law there, by priority, with the names of the conditions that do not hold."""
    facts = _Facts(terms, worth, past)
    found: list[list[tuple[Regime, tuple[str, ...]]]] = [[] for _ in terms.heads]
    for regime, places in _could_apply(terms):
        tests = list(facts.tests(regime))
        for head in np.flatnonzero(places[terms.place]).tolist():
            found[head].append((regime, tuple(name for name, test in tests if not test[head])))
    return found


def _could_apply(terms: Terms) -> Iterator[tuple[Regime, Yes]]:
    """The regime versions of the countries and days there are, by priority, each with the places it is law for."""
    together: dict[int, tuple[tuple[Regime, ...], list[int]]] = {}
    for number, place in enumerate(terms.places):
        regimes = terms.law.regimes_on(place)
        together.setdefault(id(regimes), (regimes, []))[1].append(number)
    where: dict[int, tuple[Regime, list[int]]] = {}
    for regimes, numbers in together.values():
        for regime in regimes:
            where.setdefault(id(regime), (regime, []))[1].extend(numbers)
    for regime, numbers in sorted(where.values(), key=lambda pair: (pair[0].priority, pair[0].id, pair[0].since)):
        is_law = np.zeros(len(terms.places), np.bool_)
        is_law[numbers] = True
        yield regime, is_law


class _Facts:
    """What conditions ask of the consignments, each question answered once for all of them."""

    def __init__(self, terms: Terms, worth: Worth, past: Past) -> None:
        self._terms, self._worth = terms, worth
        place = standing(terms.rows, known(past.person_totals["row"]))
        self.past_is_known = place >= 0
        self._before = {
            name: np.append(known(past.person_totals[f"{name}_micro"]), 0)[place] for name in ("day", "year")
        }  # the last is for those of whom nothing is known: their place is -1
        self._answers: dict[tuple[object, ...], Any] = {}
        self._kinds: dict[tuple[str, ...], Whole] = {}

    def could(self, regime: Regime) -> bool:
        """Whether what is most often the same for a whole batch lets the regime apply to any of it."""
        wanted = ((name, getattr(regime.when, name)) for name in _OF_HEADS)
        stated = self._terms.batch.apart
        return not any(
            some and frozenset(some).isdisjoint(stated("consignments", name).different) for name, some in wanted
        )

    def tests(self, regime: Regime) -> Iterator[tuple[str, Yes]]:
        """Each condition by its name, a list of goods with the name of the list, and the heads for which it holds."""
        when = regime.when
        for name in _OF_HEADS:
            if wanted := getattr(when, name):
                yield name, self._answer(self._is_one_of, name, wanted)
        if when.not_export_country:
            yield "not_export_country", ~self._answer(self._is_one_of, "export_country", when.not_export_country)
        if when.origin:
            yield "origin", self._answer(self._every_origin, when.origin)
        if when.procedure:
            yield "procedure", self._answer(self._every_procedure, when.procedure)
        if when.additional_procedure:
            yield "additional_procedure", self._answer(self._some_additional, when.additional_procedure)
        if when.not_additional_procedure:
            yield "not_additional_procedure", ~self._answer(self._some_additional, when.not_additional_procedure)
        if when.scheme:
            yield "scheme", self._answer(self._has_scheme, when.scheme)
        for name, kind, roles in (("sender", when.sender, SENDERS), ("receiver", when.receiver, RECEIVERS)):
            if kind:
                yield name, self._kind(roles) == _KINDS.index(kind)
        if when.delivered_to:
            yield "delivered_to", delivered_to(self._terms, when.delivered_to)
        if when.not_delivered_to:
            yield "not_delivered_to", ~delivered_to(self._terms, when.not_delivered_to)
        if when.has_limits:
            yield from self._limits(when, regime.value_share_ppm)
        for goods in when.goods_not:
            yield f"goods_not:{goods}", ~self._answer(self._some_goods, goods)
        for goods in when.goods_only:
            yield f"goods_only:{goods}", self._answer(self._every_goods, goods)

    def _limits(self, when: Conditions, share_ppm: int) -> Iterator[tuple[str, Yes]]:
        if when.value_max is not None or when.value_over is not None:
            by_article = when.value_per == "item"
            value = self._answer(self._of_article) if by_article else self._of_whole(when.value_basis, share_ppm)
            if when.value_max is not None:
                yield "value_max", (value != MISSING) & (value <= when.value_max)
            if when.value_over is not None:
                yield "value_over", (value != MISSING) & (value > when.value_over)
        if when.is_by_person:
            value = self._of_whole(when.value_basis, share_ppm)
            for limit, before in ((when.person_day_max, "day"), (when.person_year_max, "year")):
                if limit is not None:
                    within = value <= limit - np.minimum(self._before[before], limit + 1)
                    yield f"person_{before}_max", (value != MISSING) & within

    def _answer(self, find: Callable[..., Answer], *about: object) -> Answer:
        question = (find.__name__, *about)
        if question not in self._answers:
            self._answers[question] = find(*about)
        found: Answer = self._answers[question]
        return found

    def _of_whole(self, basis: str, share_ppm: int) -> Whole:
        """What a limit looks at of the whole consignment, in the currency of the thresholds."""
        if basis == "customs_value":
            return self._answer(self._customs_value, share_ppm)
        goods = self._answer(self._goods)
        return plus(goods, self._answer(self._carriage)) if basis == "goods+carriage" else goods

    def _goods(self) -> Whole:
        """The price of the goods less what was taken off the order."""
        value = np.full(len(self._terms.heads), MISSING, np.int64)
        value[self._terms.owners] = sums(self._worth.intrinsic, self._terms.starts)
        return at_least(minus(value, self._worth.taken_off), 0)

    def _carriage(self) -> Whole:
        return carriage_for_limits(self._terms)

    def _customs_value(self, share_ppm: int) -> Whole:
        """The part of the customs value that the regime takes."""
        terms, worth = self._terms, self._worth
        value = np.full(len(terms.heads), MISSING, np.int64)
        of_items = worth.customs_value if share_ppm == MICRO else part_of_value(terms, worth, share_ppm)
        value[terms.owners] = sums(of_items, terms.starts)
        return self._in_threshold(value, terms.place)

    def _of_article(self) -> Whole:
        """The price of the dearest single article."""
        terms = self._terms
        which, units = terms.items_apart("quantity_unit")
        plain = [in_plain_units(unit or PIECES) for unit in units]
        pieces = np.array([int(one.size) if one.plain == PIECES else 0 for one in plain], np.int64)[which]
        number = scaled(known(terms.of_items("quantity_micro")), pieces, 1, quantum=1, half_up=False)
        # Where no number of pieces is stated, the line is taken for one article: that can only raise its value.
        each = scaled(self._worth.intrinsic, MICRO, np.where(number > 0, number, MICRO), quantum=1, half_up=True)
        dearest = np.full(len(terms.heads), MISSING, np.int64)
        if len(each):
            unknown = np.logical_or.reduceat(each == MISSING, terms.starts)
            dearest[terms.owners] = np.where(unknown, MISSING, np.maximum.reduceat(each, terms.starts))
        return dearest

    def _in_threshold(self, value: Whole, place: Whole) -> Whole:
        """Amounts in the currency of assessment turned into that of the thresholds."""
        rates = [rate_into(self._terms.law, one, one.currency)[2:] for one in self._terms.places]
        above, below = np.array(rates, np.int64).reshape(-1, 2)[place].T
        return scaled(value, above, below, quantum=1, half_up=True)

    def _some(self, of_item: Yes) -> Yes:
        """For each head whether it holds for some item."""
        found = np.zeros(len(self._terms.heads), np.bool_)
        if of_item.all():
            found[self._terms.owners] = True
        elif of_item.any():
            found[self._terms.head_of[np.flatnonzero(of_item)]] = True
        return found

    def _is_one_of(self, name: str, wanted: tuple[str, ...]) -> Yes:
        found = self._terms.batch.apart("consignments", name).one_of(wanted)
        return found if len(found) == len(self._terms.heads) else found[self._terms.heads]

    def _every_origin(self, wanted: tuple[str, ...]) -> Yes:
        which, values = self._terms.items_apart("origin_country")
        return ~self._some(spread(lambda country: country not in wanted, values, which, np.bool_))

    def _every_procedure(self, wanted: tuple[str, ...]) -> Yes:
        which, values = self._terms.items_apart("procedure")
        return ~self._some(spread(lambda code: (code or FREE_CIRCULATION) not in wanted, values, which, np.bool_))

    def _some_additional(self, codes: tuple[str, ...]) -> Yes:
        found = self._terms.batch.procedures.some(codes)
        return self._some(found if self._terms.is_whole else found[self._terms.items])

    def _some_goods(self, name: str) -> Yes:
        return self._some(self._covered(name))

    def _every_goods(self, name: str) -> Yes:
        return ~self._some(~self._covered(name))

    def _covered(self, name: str) -> Yes:
        """For each item whether its commodity code is on a list of goods."""
        which, codes = self._terms.items_apart("hs_code")
        return self._terms.on_list(name, which, codes, self._terms.head_of, is_prefix=True)

    def _has_scheme(self, scheme: str) -> Yes:
        """Whether a fiscal reference with that role is given; "none": whether none is."""
        references = self._terms.batch.fiscal_references
        found = np.zeros(len(self._terms.heads), np.bool_)
        if not references.is_empty():
            heads = self._terms.heads_of(references["row"])
            is_meant = self._terms.batch.apart("fiscal_references", "role").one_of((scheme,)) | (scheme == "none")
            heads = heads[is_meant & (heads >= 0)]
            found[heads] = True
        return ~found if scheme == "none" else found

    def _kind(self, roles: tuple[str, ...]) -> Whole:
        """For each head of what kind the party is that has the first of the roles that is there."""
        if roles not in self._kinds:
            parties, heads = self._terms.batch.parties, len(self._terms.heads)
            rank = np.full(heads, NOBODY, np.int64)
            if not parties.is_empty():
                of, order = ranked(self._terms, roles)
                kind = self._terms.batch.apart("parties", "kind").among(_KINDS)
                ranks = NOBODY + 1
                place = order * ranks + np.where(kind < 0, NOBODY, kind)
                here = (of >= 0) & (order >= 0)
                best = np.full(heads, len(roles) * ranks - 1, np.int64)
                np.minimum.at(best, of[here], place[here])
                rank = best % ranks
            self._kinds[roles] = rank
        return self._kinds[roles]
