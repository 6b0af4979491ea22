"""A rule: one thing that can be wrong, where to point, and the words for it, taken from a docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import polars as pl

from tidewaiter.law.in_force import InForce
from tidewaiter.model.finding import Kind, Severity, Stage

Frame = Literal["consignments", "items", "packages", "parties", "fiscal_references"]
Test = Callable[[InForce], pl.Expr | None]
"""From law to what is true where a rule is broken, and null or false elsewhere; None where no row can break it."""

ORIGINAL = "is_original"
"""Amendments and cancellations carry only what changes, so completeness is asked of originals alone."""
CUSTOMS = "is_customs"
"""A rule for what is declared to customs, and not for what is told for security alone."""
GOODS = "is_of_goods"
"""An original that holds goods, and not documents alone."""
FULL = "is_full"
"""An original with the full set of data: neither simplified nor a mere request for clearance."""
IMPORT = "is_import"
"""Such a one that brings goods in."""

CHARGED = pl.col("procedure").ne_missing("00")
"""An item that may be charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule over the rows of one frame of a batch, or over the values in some columns of it (`is_of_values`).

    `tests` gives the test by the field to point at ('price/currency'), `details` the column whose value may be told.
    `asked` names the fact that puts a row under the rule; all rows are where there is none.

    A rule is not run where it cannot be broken: `needs` names, by field, the column that must have a value (or be
    true) in some row, `lacks` the column that must have none (or be false) in some row.
    """

    kind: Kind
    on: Frame
    tests: Mapping[str, Test]
    details: Mapping[str, str]
    needs: Mapping[str, str]
    lacks: str = ""
    asked: str = ""
    is_of_values: bool = False


def rule(
    code: str,
    *,
    on: Frame,
    field: str,
    severity: Severity,
    asked: str = "",
    detail: str = "",
    needs: str = "",
    lacks: str = "",
    stage: Stage = "rules",
) -> Callable[[Test], Rule]:
    """A decorator that makes a rule of a function from law to an expression that is true where the rule is broken.

    The first sentence of its docstring says what is wrong, those after it how to mend it, and the paragraph
    `Source:` which law asks for it. `{detail}` in the first sentence is the value in the column `detail`.
    A rule with a detail needs that column, unless `needs` names another.
    Raises ValueError where the docstring lacks one of these.
    """

    def make(test: Test) -> Rule:
        kind = _kind(code, severity, stage, test.__doc__)
        details = {field: detail} if detail else {}
        wanted = {field: needs or detail} if needs or detail else {}
        return Rule(kind=kind, on=on, tests={field: test}, details=details, needs=wanted, lacks=lacks, asked=asked)

    return make


def rule_of_values(
    fields: Mapping[str, str], code: str, *, on: Frame, severity: Severity, asked: str = ""
) -> Callable[[Callable[[InForce, pl.Expr], pl.Expr | None]], Rule]:
    """The same for what can be told of a value by itself: `fields` names, by field, the column that holds it.

    The function is given the value too, and must not find fault where it is null. `{detail}` is the value. Each
    value is judged once, however many rows have it.
    """

    def make(test: Callable[[InForce, pl.Expr], pl.Expr | None]) -> Rule:
        kind = _kind(code, severity, "codes", test.__doc__)

        def of(column: str) -> Test:
            return lambda law: test(law, pl.col(column))

        return Rule(
            kind=kind,
            on=on,
            tests={field: of(column) for field, column in fields.items()},
            details=fields if "{detail}" in kind.text else {},
            needs=fields,
            asked=asked,
            is_of_values=True,
        )

    return make


def rules_in(module: ModuleType) -> tuple[Rule, ...]:
    """The rules written in a module, by code."""
    found = [thing for thing in vars(module).values() if isinstance(thing, Rule)]
    return tuple(sorted(found, key=lambda rule: rule.kind.code))


def _kind(code: str, severity: Severity, stage: Stage, docstring: str | None) -> Kind:
    said, _, law = inspect.cleandoc(docstring or "").partition("\n\nSource: ")
    text, stop, remedy = " ".join(said.split()).partition(". ")
    if not (text and stop and remedy and law):
        raise ValueError(f"the docstring of {code} must say what is wrong, then how to mend it, then its Source")
    return Kind(code=code, severity=severity, text=f"{text}.", remedy=remedy, law=" ".join(law.split()), stage=stage)
