"""Which revenue regime a consignment falls under: the first, by priority, whose conditions all hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

import polars as pl

from tidewaiter.assessment.terms import Terms
from tidewaiter.law import Law
from tidewaiter.law.rules import Conditions, Regime, between
from tidewaiter.model.batch import ROW, Batch

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
    schemes: tuple[str, ...]
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    place: pl.Expr
    names: pl.Series
    titles: pl.Series


def choose(batch: Batch, law: Law, terms: Terms, valued: pl.DataFrame) -> Choice:
    """The regime of every consignment assessed.

    The thresholds look at the whole consignment: splitting a parcel into lines must not make it duty-free.
    """
    chooser = law.remembered(("chooser", terms.pairs), lambda: _chooser(law, terms.regimes))
    intrinsic = pl.col("intrinsic_micro")
    whole = pl.when(intrinsic.null_count() == 0).then(intrinsic.sum())
    gathered = valued.group_by("row").agg(intrinsic_micro=whole, **chooser.of_items)
    heads = (
        terms.heads[["row", "jurisdiction", "accepted_on", "direction", "category", "channel"]]
        .join(gathered, on="row", how="left", maintain_order="left")
        .with_columns(**_of_parties(batch, chooser))
        .select("row", "intrinsic_micro", place=chooser.place)
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


def _chooser(law: Law, regimes: Sequence[tuple[Regime, frozenset[str]]]) -> _Chooser:
    facts = _Facts(law)
    tests = [facts.tests(regime.when) for regime, _ in regimes]
    place: pl.Expr = pl.lit(None, pl.UInt32)
    for index, (regime, countries) in reversed(list(enumerate(regimes))):
        here = pl.col("jurisdiction").is_in(sorted(countries))
        held = between(pl.col("accepted_on"), regime.since, regime.until)
        fits = reduce(and_, tests[index], here & held)
        place = pl.when(fits.fill_null(value=False)).then(pl.lit(index, pl.UInt32)).otherwise(place)
    return _Chooser(
        of_items=facts.of_items,
        schemes=tuple(sorted({regime.when.scheme for regime, _ in regimes} - {""})),
        senders=tuple(sorted({regime.when.sender for regime, _ in regimes} - {""})),
        receivers=tuple(sorted({regime.when.receiver for regime, _ in regimes} - {""})),
        place=place,
        names=pl.Series([regime.id for regime, _ in regimes], dtype=pl.String),
        titles=pl.Series([f"{regime.name} ({regime.source})" for regime, _ in regimes], dtype=pl.String),
    )


class _Facts:
    """Gathers what conditions ask of the items of a consignment, each question once."""

    def __init__(self, law: Law) -> None:
        self.of_items: dict[str, pl.Expr] = {}
        self._law = law

    def tests(self, when: Conditions) -> list[pl.Expr]:
        """The tests on the consignment's row that the conditions come to."""
        tests = [
            pl.col(name).is_in(getattr(when, name))
            for name in ("direction", "category", "channel")
            if getattr(when, name)
        ]
        if when.procedure:
            stated = pl.col("procedure").fill_null(FREE_CIRCULATION).is_in(when.procedure)
            tests.append(self._of_items(("procedure", *when.procedure), stated.all()))
        if when.additional_procedure:
            tests.append(self._some_procedure(when.additional_procedure))
        if when.not_additional_procedure:
            tests.append(~self._some_procedure(when.not_additional_procedure))
        tests += [pl.col(f"scheme_{when.scheme}")] if when.scheme else []
        tests += [pl.col(f"sender_{when.sender}")] if when.sender else []
        tests += [pl.col(f"receiver_{when.receiver}")] if when.receiver else []
        tests += [pl.col("intrinsic_micro") <= when.value_max] if when.value_max is not None else []
        tests += [pl.col("intrinsic_micro") > when.value_over] if when.value_over is not None else []
        tests += [~self._of_items(("any", name), self._covered(name).any()) for name in when.goods_not]
        tests += [self._of_items(("all", name), self._covered(name).all()) for name in when.goods_only]
        return tests

    def _of_items(self, question: tuple[str, ...], expression: pl.Expr) -> pl.Expr:
        name = "fact " + " ".join(question)
        self.of_items[name] = expression
        return pl.col(name)

    def _some_procedure(self, codes: tuple[str, ...]) -> pl.Expr:
        found = reduce(or_, [pl.col("additional_procedures").list.contains(code) for code in codes])
        return self._of_items(("additional", *codes), found.any())

    def _covered(self, name: str) -> pl.Expr:
        return self._law.covers(name, pl.col("hs_code")).fill_null(value=False)


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
    for kind in chooser.senders:
        columns[f"sender_{kind}"] = row.is_in(_first_is(batch, ("consignor", "exporter", "seller"), kind).implode())
    for kind in chooser.receivers:
        columns[f"receiver_{kind}"] = row.is_in(_first_is(batch, ("importer", "consignee", "buyer"), kind).implode())
    return columns


def _first_is(batch: Batch, roles: tuple[str, ...], kind: str) -> pl.Series:
    """The rows in which the first of these roles that is there is a person of this kind."""
    parties = batch.parties
    if parties["kind"].null_count() == parties.height:
        return pl.Series([], dtype=ROW)
    rank = pl.col("role").replace_strict(roles, range(len(roles)), default=None, return_dtype=pl.UInt8)
    present = parties.select("row", "kind", "item", "position", rank=rank).filter(
        pl.col("rank").is_not_null() & pl.col("item").is_null()
    )
    first = present.sort("rank", "position").unique("row", keep="first", maintain_order=True)
    return first.filter(pl.col("kind") == kind)["row"]
