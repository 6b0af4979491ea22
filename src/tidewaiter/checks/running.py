"""Running every rule over a batch: first what can be broken at all, then where, and findings for that alone.

Nearly all that is lodged is sound, so the first step is what counts. A rule is passed over where its columns say
that it cannot be broken. A code (of a commodity, a country, a currency) is judged once and the verdict remembered; a
text is judged once for a batch; the rest is asked of the rows in one wide select, whose answer is a yes or no a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import get_args

import polars as pl

from tidewaiter.checks.catalogue import RULES
from tidewaiter.checks.facts import Facts
from tidewaiter.checks.rule import Frame
from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import ROW, SCHEMA, Batch
from tidewaiter.model.finding import FINDINGS
from tidewaiter.model.keeping import kept_each
from tidewaiter.model.past import Past

_SEVERITY = {rule.kind.code: rule.kind.severity for rule in RULES}
_REMEMBERED_MAX = 10_000
"""How many codes of a column are remembered; past it, it begins anew."""


def check(batch: Batch, law: Law, past: Past) -> pl.DataFrame:
    """What is wrong in the batch: the columns of `FINDINGS`, by row, item (the head first), code and pointer."""
    here = InForce.over(batch.settings.different, law)
    facts = Facts(batch, here, past)
    found: list[pl.DataFrame] = []
    for name in _FRAMES:
        if len(facts.frame(name)):
            found += _findings(name, law.remembered(("tests", name, here), partial(_tests, name, here)), facts)
    if not found:
        return _NONE
    return pl.concat(found).sort("row", "item", "code", "pointer", nulls_last=False, maintain_order=True)


_FRAMES: tuple[Frame, ...] = get_args(Frame)
_NONE = pl.DataFrame(schema=FINDINGS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Test:
    """One test of a rule: `broken` is true in the rows that break it, whoever is under the rule, and `some` says
    whether there are any."""

    code: str
    field: str
    called: str
    broken: pl.Expr
    some: pl.Expr
    columns: tuple[str, ...]
    needs: str
    lacks: str
    detail: str
    asked: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tests:
    """The tests of a frame's rules: of its rows, and by column those of its codes and of its other texts.

    `known` holds by column the codes judged so far, each with the names of the tests that it fails.
    """

    of_rows: tuple[_Test, ...]
    of_codes: dict[str, tuple[_Test, ...]]
    of_texts: dict[str, tuple[_Test, ...]]
    known: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)


def _tests(name: Frame, here: InForce) -> _Tests:
    of_rows: list[_Test] = []
    of_codes: dict[str, tuple[_Test, ...]] = {}
    of_texts: dict[str, tuple[_Test, ...]] = {}
    for rule in RULES:
        for field_, make in rule.tests.items() if rule.on == name else ():
            broken = make(here)
            if broken is None:
                continue
            called = f"{rule.kind.code} {field_}"
            test = _Test(
                code=rule.kind.code,
                field=field_,
                called=called,
                broken=broken.alias(called),
                some=broken.any().alias(called),
                columns=tuple(dict.fromkeys(broken.meta.root_names())),
                needs=rule.needs.get(field_, ""),
                lacks=rule.lacks,
                detail=rule.details.get(field_, ""),
                asked=rule.asked,
            )
            # Where law differs within the batch, by country or by day, a verdict is not of the value alone.
            if rule.is_of_values and test.columns == (test.needs,) and SCHEMA[name][test.needs] == pl.String:
                # What may be told may be remembered; a name or a street may be neither.
                group = of_codes if test.detail else of_texts
                group[test.needs] = (*group.get(test.needs, ()), test)
            else:
                of_rows.append(test)
    return _Tests(of_rows=tuple(of_rows), of_codes=of_codes, of_texts=of_texts)


def _findings(name: Frame, tests: _Tests, facts: Facts) -> list[pl.DataFrame]:
    """A row FINDINGS for each broken rule and the row of the frame that breaks it, in a frame for each test."""
    suspected = [*_of_values(name, tests, facts), *_of_rows(name, tests, facts)]
    if not suspected:
        return []
    judged = _view(name, suspected, facts).select_seq(test.broken for test in suspected)
    found = []
    for test in suspected:
        broken = judged[test.called]
        if test.asked:
            broken &= facts.column(name, test.asked)
        if broken.any():
            found.append(_broken(name, test, broken, facts))
    return found


def _of_rows(name: Frame, tests: _Tests, facts: Facts) -> Iterator[_Test]:
    """The tests of rows that some row fails."""
    possible = [test for test in tests.of_rows if _is_possible(name, test, facts)]
    if possible:
        answer = _view(name, possible, facts).select_seq(test.some for test in possible).row(0)
        yield from (test for test, some in zip(possible, answer, strict=True) if some)


def _is_possible(name: Frame, test: _Test, facts: Facts) -> bool:
    return (not test.needs or _has_some(facts.known(name, test.needs))) and (
        not test.lacks or not _has_all(facts.known(name, test.lacks))
    )


def _has_some(column: pl.Series | None) -> bool:
    if column is None:
        return False
    return column.any() if column.dtype == pl.Boolean else column.null_count() < len(column)


def _has_all(column: pl.Series | None) -> bool:
    if column is None:
        return False
    return column.all() if column.dtype == pl.Boolean else not column.null_count()


def _of_values(name: Frame, tests: _Tests, facts: Facts) -> Iterator[_Test]:
    """The tests of values that some value in the batch fails."""
    for column, of_code in tests.of_codes.items():
        failed = _failed(column, facts.stated(name, column), of_code, tests.known.setdefault(column, {}))
        yield from (test for test in of_code if test.called in failed)
    if texts := {column: some for column in tests.of_texts if (some := facts.stated(name, column))}:
        # Side by side, though some are more than others: what is missing breaks no rule.
        size = max(map(len, texts.values()))
        together = pl.DataFrame(
            [pl.Series(column, some + [None] * (size - len(some))) for column, some in texts.items()]
        )
        of_text = [test for column in texts for test in tests.of_texts[column]]
        answer = together.select_seq(test.some for test in of_text).row(0)
        yield from (test for test, some in zip(of_text, answer, strict=True) if some)


def _failed(column: str, codes: list[str], tests: tuple[_Test, ...], known: dict[str, tuple[str, ...]]) -> set[str]:
    """The names of the tests that some of the codes fail."""

    def judged(new: list[str]) -> list[tuple[str, ...]]:
        told = pl.DataFrame([pl.Series(column, new, dtype=pl.String)]).select_seq(test.broken for test in tests)
        return [
            tuple(test.called for test, is_broken in zip(tests, verdict, strict=True) if is_broken)
            for verdict in told.iter_rows()
        ]

    return {called for some in kept_each(known, codes, judged, at_most=_REMEMBERED_MAX) for called in some}


def _view(name: Frame, tests: Iterable[_Test], facts: Facts) -> pl.DataFrame:
    """The columns that the tests look at."""
    return facts.view(name, dict.fromkeys(column for test in tests for column in test.columns))


def _broken(name: Frame, test: _Test, broken: pl.Series, facts: Facts) -> pl.DataFrame:
    """A row FINDINGS for each row of the frame that breaks the rule."""
    keys = facts.frame(name).lazy().select(key for key in ("row", "item", "position") if key in SCHEMA[name])
    told = facts.column(name, test.detail).cast(pl.String) if test.detail else _UNTOLD.new_from_index(0, len(broken))
    return (
        keys.with_columns(told.alias("detail"))
        .filter(broken)
        .select(
            "row",
            "item" if name != "consignments" else pl.lit(None, dtype=ROW).alias("item"),
            pl.lit(test.code).alias("code"),
            pl.lit(_SEVERITY[test.code]).alias("severity"),
            _pointer(name, test.field).alias("pointer"),
            "detail",
        )
        .collect()
    )


_UNTOLD = pl.Series([None], dtype=pl.String)


def _pointer(name: Frame, field: str) -> pl.Expr:
    if name == "consignments":
        return pl.lit(f"/{field}")
    if name == "items":
        return pl.format(f"/items/{{}}/{field}", "item")
    above = pl.when(pl.col("item").is_null()).then(pl.lit("")).otherwise(pl.format("/items/{}", "item"))
    return pl.format(f"{{}}/{name}/{{}}/{field}", above, "position")
