"""Running every rule over a batch: one wide select a frame, and findings made only where something is wrong."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple, cast

import polars as pl

from tidewaiter.checks import facts
from tidewaiter.checks.catalogue import RULES
from tidewaiter.checks.rule import Frame
from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.finding import FINDINGS
from tidewaiter.model.past import Past

_PLACES = ("row", "item", "position")
_SEVERITY = {rule.kind.code: rule.kind.severity for rule in RULES}


def check(batch: Batch, law: Law, past: Past) -> pl.DataFrame:
    """What is wrong in the batch: the columns of `FINDINGS`, by row, item (the head first), code and pointer."""
    here = _law_of(batch, law)
    head = facts.shared(batch.consignments, here)
    packages = facts.of_consignment(batch.packages, head)
    if not packages.is_empty():
        packages = packages.with_columns(here.on_list("package-types-bulk", pl.col("type")).alias("is_bulk"))
    frames: dict[Frame, pl.DataFrame] = {
        "consignments": facts.about_consignments(batch, head, packages, past),
        "items": facts.about_items(batch, head, here),
        "packages": packages,
        "parties": facts.of_consignment(batch.parties, head),
        "fiscal_references": facts.of_consignment(batch.fiscal_references, head),
    }
    judged = (_broken(name, frame, here) for name, frame in frames.items() if not frame.is_empty())
    found = [broken for broken in judged if broken is not None]
    if not found:
        return pl.DataFrame(schema=FINDINGS)
    return _findings(pl.concat(found))


def _law_of(batch: Batch, law: Law) -> InForce:
    days: pl.Series = batch.consignments["accepted_on"]
    first, last = cast(date | None, days.min()), cast(date | None, days.max())
    countries = frozenset(batch.consignments["jurisdiction"].unique().to_list())
    return InForce(law, first, last, countries, all_dated=not days.has_nulls())


class _Test(NamedTuple):
    called: str
    expression: pl.Expr
    needs: str
    lacks: str
    detail: str


@lru_cache(maxsize=64)
def _tests(name: Frame, here: InForce) -> tuple[_Test, ...]:
    """The tests of a frame's rules, each called 'CODE field'."""
    return tuple(
        _Test(called, test(here).alias(called), rule.needs.get(field, ""), rule.lacks, rule.details.get(field, ""))
        for rule in RULES
        if rule.on == name
        for field, test in rule.tests.items()
        for called in [f"{rule.kind.code} {field}"]
    )


def _broken(name: Frame, frame: pl.DataFrame, here: InForce) -> pl.DataFrame | None:
    """A row for each broken rule and the row that breaks it: keys, `rule`, `detail`, `place`; None for none."""
    columns = {column.name: column for column in frame}
    tests = {
        test.called: test
        for test in _tests(name, here)
        if (not test.needs or (test.needs in columns and _has_some(columns[test.needs])))
        and (not test.lacks or test.lacks not in columns or not _has_all(columns[test.lacks]))
    }
    if not tests:
        return None
    judged = frame.select_seq(test.expression for test in tests.values())
    wrong = [column.name for column in judged if column.any()]
    if not wrong:
        return None
    told = [
        (pl.col(tests[called].detail).cast(pl.String) if tests[called].detail else _UNTOLD).alias(f"detail {called}")
        for called in wrong
    ]
    touched = (
        frame.lazy()
        .select(*_keys(name), *told)
        .with_columns(judged.select(wrong))
        .filter(pl.any_horizontal(wrong))
        .collect()
    )
    rows = touched.unpivot(on=wrong, index=[*_PLACES, "place"], variable_name="rule", value_name="broken")
    detail = touched.unpivot(on=[f"detail {c}" for c in wrong], value_name="detail")["detail"]
    return rows.with_columns(detail).filter("broken")


def _has_some(column: pl.Series) -> bool:
    return column.any() if column.dtype == pl.Boolean else column.null_count() < len(column)


def _has_all(column: pl.Series) -> bool:
    return column.all() if column.dtype == pl.Boolean else not column.null_count()


_UNTOLD = pl.lit(None, dtype=pl.String)


def _keys(name: Frame) -> list[pl.Expr]:
    none = pl.lit(None, dtype=ROW)
    if name == "consignments":
        return [pl.col("row"), none.alias("item"), none.alias("position"), pl.lit("/").alias("place")]
    if name == "items":
        return [pl.col("row", "item"), none.alias("position"), pl.format("/items/{}/", "item").alias("place")]
    above = pl.when(pl.col("item").is_null()).then(pl.lit("")).otherwise(pl.format("/items/{}", "item"))
    return [pl.col(*_PLACES), pl.format(f"{{}}/{name}/{{}}/", above, "position").alias("place")]


def _findings(broken: pl.DataFrame) -> pl.DataFrame:
    code = pl.col("rule").str.slice(0, 6)
    return (
        broken.lazy()
        .select(
            "row",
            "item",
            code.alias("code"),
            code.replace_strict(_SEVERITY, return_dtype=pl.String).alias("severity"),
            (pl.col("place") + pl.col("rule").str.slice(7)).alias("pointer"),
            "detail",
        )
        .sort("row", "item", "code", "pointer", nulls_last=False, maintain_order=True)
        .collect()
    )
