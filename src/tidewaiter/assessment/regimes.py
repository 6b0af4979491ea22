"""Which revenue regime a consignment falls under: the first, by priority, whose conditions all hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import and_, or_

import polars as pl

from tidewaiter.assessment.terms import Terms
from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.law.rules import Conditions
from tidewaiter.model.batch import Batch
from tidewaiter.model.rows import beside

FREE_CIRCULATION = "40"
"""The procedure meant where none is stated: most who sell and buy know no customs codes (UCC annex B, DE 1/10)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`regimes`: frame REGIMES; `heads`: row, place of the regime in `terms.regimes` (null for none), and
    `intrinsic_micro`, the value the thresholds look at."""

    regimes: pl.DataFrame
    heads: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chooser:
    """What follows from the regimes alone: which facts to gather of items and parties, and which regime they give."""

    of_items: Mapping[str, pl.Expr]
    gathering: Sequence[pl.Expr]
    schemes: tuple[str, ...]
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    place: pl.Expr
    names: pl.Series
    titles: pl.Series


def choose(batch: Batch, law: Law, terms: Terms, valued: pl.DataFrame) -> Choice:
    """The regime of every consignment assessed.

    The thresholds look at the whole consignment: splitting a parcel into lines must not make it duty-free. They look
    at the price paid, so what the seller took off the order is taken off here too.
    """
    chooser = law.remembered(("chooser", terms.pairs), lambda: _chooser(terms))
    intrinsic = pl.col("intrinsic_micro")  # summed in 128 bits: a sum that wrapped would be below any threshold
    taken_off = ["discount_threshold"] if "discount_threshold" in valued.columns else []
    gathered = (
        valued.select_seq("row", "intrinsic_micro", *taken_off, **chooser.of_items)
        .group_by("row", maintain_order=True)
        .agg(
            intrinsic.cast(pl.Int128).sum(),
            intrinsic.null_count().alias("unvalued"),
            *(pl.col(name).first() for name in taken_off),
            *chooser.gathering,
        )
    )
    heads = beside(terms.heads[["row", "jurisdiction", "accepted_on", "direction", "category", "channel"]], gathered)
    if chooser.senders or chooser.receivers:
        heads = beside(heads, _kinds(batch))
    paid = (intrinsic - pl.col("discount_threshold")).clip(lower_bound=0) if taken_off else intrinsic
    whole = pl.when(pl.col("unvalued") == 0).then(paid)
    heads = heads.with_columns_seq(whole, **_of_parties(batch, chooser)).select_seq(
        "row", "intrinsic_micro", chooser.place
    )
    index = heads["place"]
    regimes = pl.DataFrame(
        [
            heads["row"],
            chooser.names.gather(index).alias("regime"),
            chooser.titles.gather(index).alias("reason"),
        ]
    )
    return Choice(regimes=regimes, heads=heads)


def _chooser(terms: Terms) -> _Chooser:
    regimes = terms.regimes
    facts = _Facts(terms.in_force)
    tests = [facts.tests(regime.when) for regime, _ in regimes]
    place: pl.Expr = pl.lit(None, pl.UInt32)
    for index, (regime, countries) in reversed(list(enumerate(regimes))):
        asked = [*terms.within(countries, regime.since, regime.until), *tests[index]]
        fits = reduce(and_, asked) if asked else pl.lit(value=True)
        place = pl.when(fits.fill_null(value=False)).then(pl.lit(index, pl.UInt32)).otherwise(place)
    return _Chooser(
        of_items=facts.of_items,
        gathering=facts.gathering,
        schemes=tuple(sorted({regime.when.scheme for regime, _ in regimes} - {""})),
        senders=tuple(sorted({regime.when.sender for regime, _ in regimes} - {""})),
        receivers=tuple(sorted({regime.when.receiver for regime, _ in regimes} - {""})),
        place=place.alias("place"),
        names=pl.Series([regime.id for regime, _ in regimes], dtype=pl.String),
        titles=pl.Series([f"{regime.name} ({regime.source})" for regime, _ in regimes], dtype=pl.String),
    )


class _Facts:
    """Gathers what conditions ask of the items of a consignment, each question once."""

    def __init__(self, in_force: InForce) -> None:
        self.of_items: dict[str, pl.Expr] = {}
        self.gathering: list[pl.Expr] = []
        self._in_force = in_force

    def tests(self, when: Conditions) -> list[pl.Expr]:
        """The tests on the consignment's row that the conditions come to."""
        tests = [
            pl.col(name).is_in(getattr(when, name))
            for name in ("direction", "category", "channel")
            if getattr(when, name)
        ]
        if when.procedure:
            stated = pl.col("procedure").fill_null(FREE_CIRCULATION).is_in(when.procedure)
            tests.append(self._every(("procedure", *when.procedure), stated))
        if when.additional_procedure:
            tests.append(self._some_procedure(when.additional_procedure))
        if when.not_additional_procedure:
            tests.append(~self._some_procedure(when.not_additional_procedure))
        tests += [pl.col(f"scheme_{when.scheme}")] if when.scheme else []
        tests += [pl.col(f"sender_{when.sender}")] if when.sender else []
        tests += [pl.col(f"receiver_{when.receiver}")] if when.receiver else []
        tests += [pl.col("intrinsic_micro") <= when.value_max] if when.value_max is not None else []
        tests += [pl.col("intrinsic_micro") > when.value_over] if when.value_over is not None else []
        tests += [~self._some(("goods", name), self._covered(name)) for name in when.goods_not]
        tests += [self._every(("goods only", name), self._covered(name)) for name in when.goods_only]
        return tests

    def _some(self, question: tuple[str, ...], of_item: pl.Expr) -> pl.Expr:
        """Whether it holds for some item."""
        return self._gathered(question, of_item, lambda answers: answers.any())

    def _every(self, question: tuple[str, ...], of_item: pl.Expr) -> pl.Expr:
        """Whether it holds for every item."""
        return self._gathered(question, of_item, lambda answers: answers.all())

    def _gathered(self, question: tuple[str, ...], of_item: pl.Expr, gather: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
        name = "fact " + " ".join(question)
        if name not in self.of_items:
            self.of_items[name] = of_item
            self.gathering.append(gather(pl.col(name)))
        return pl.col(name)

    def _some_procedure(self, codes: tuple[str, ...]) -> pl.Expr:
        found = reduce(or_, [pl.col("additional_procedures").list.contains(code) for code in codes])
        return self._some(("additional", *codes), found)

    def _covered(self, name: str) -> pl.Expr:
        return self._in_force.covers(name, pl.col("hs_code")).fill_null(value=False)


def _of_parties(batch: Batch, chooser: _Chooser) -> dict[str, pl.Expr]:
    """A boolean column for each scheme, sender and receiver that some regime asks for."""
    row = pl.col("row")
    columns: dict[str, pl.Expr] = {}
    references = batch.fiscal_references
    for scheme in chooser.schemes:
        if references.is_empty():
            columns[f"scheme_{scheme}"] = pl.lit(scheme == "none")
        elif scheme == "none":
            columns["scheme_none"] = ~row.is_in(references["row"].implode())
        else:
            columns[f"scheme_{scheme}"] = row.is_in(references.filter(references["role"] == scheme)["row"].implode())
    columns |= {f"sender_{kind}": pl.col("sender") == kind for kind in chooser.senders}
    columns |= {f"receiver_{kind}": pl.col("receiver") == kind for kind in chooser.receivers}
    return columns


SENDERS = ("consignor", "exporter", "seller")
RECEIVERS = ("importer", "consignee", "buyer")
"""Roles in the order in which they are asked who sends and who receives."""

_KINDS = ("association", "legal", "natural", None)


def _kinds(batch: Batch) -> pl.DataFrame:
    """A row a consignment with parties: of what kind the sender is and the receiver, by the first role that is there.

    Where two parties have that role, a legal person counts before a natural one.
    """
    parties = batch.parties
    ranks, told = _ranks()
    first = parties.filter(parties["item"].is_null()).group_by("row", maintain_order=True).agg(ranks)
    return first.select_seq("row", *told)


@cache
def _ranks() -> tuple[list[pl.Expr], list[pl.Expr]]:
    """For sender and receiver the lowest rank of role and kind, and the kind that such a rank stands for."""
    kind = pl.col("kind").replace_strict(_KINDS, range(len(_KINDS)), default=None, return_dtype=pl.UInt8)
    sides = {"sender": SENDERS, "receiver": RECEIVERS}
    ranks = {
        side: pl.col("role").replace_strict(roles, range(0, 4 * len(roles), 4), default=None, return_dtype=pl.UInt8)
        for side, roles in sides.items()
    }
    names = pl.Series(_KINDS, dtype=pl.String)
    return (
        [(rank + kind).min().alias(side) for side, rank in ranks.items()],
        [pl.lit(names).gather(pl.col(side) % 4).alias(side) for side in sides],
    )
