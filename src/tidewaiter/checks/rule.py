"""A rule: one thing that can be wrong, where to point, and the words for it, taken from a docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import polars as pl

from tidewaiter.law.in_force import InForce
from tidewaiter.model.finding import Kind, Severity

Frame = Literal["consignments", "items", "parties", "fiscal_references", "packages"]

ORIGINAL = pl.col("is_original")
"""Amendments and cancellations carry only what changes, so completeness is asked of originals alone."""
FULL = pl.col("is_full")
"""An original with the full set of data: neither simplified nor a mere request for clearance."""
IMPORT = pl.col("is_import")
"""Such a one that brings goods in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule over the rows of one frame of a batch.

    `tests` gives, by the field to point at ('price/currency'), what makes the expression that is true in the rows
    that break the rule; null counts as not broken. `details` gives, by field, the column whose value may be told.

    A rule is not run where it cannot be broken: `needs` names, by field, the column that must have a value (or be
    true) in some row, `lacks` the column that must have none (or be false) in some row.
    """

    kind: Kind
    on: Frame
    tests: Mapping[str, Callable[[InForce], pl.Expr]]
    details: Mapping[str, str]
    needs: Mapping[str, str]
    lacks: str = ""


def rule(
    code: str, *, on: Frame, field: str, severity: Severity, detail: str = "", needs: str = "", lacks: str = ""
) -> Callable[[Callable[[InForce], pl.Expr]], Rule]:
    """A decorator that makes a rule of a function from law to an expression that is true where the rule is broken.

    The first sentence of its docstring says what is wrong, those after it how to mend it, and the paragraph
    `Source:` which law asks for it. `{detail}` in the first sentence is the value in the column `detail`.
    A rule with a detail needs that column, unless `needs` names another.
    Raises ValueError where the docstring lacks one of these.
    """

    def make(test: Callable[[InForce], pl.Expr]) -> Rule:
        kind = _kind(code, severity, test.__doc__)
        details = {field: detail} if detail else {}
        wanted = {field: needs or detail} if needs or detail else {}
        return Rule(kind=kind, on=on, tests={field: test}, details=details, needs=wanted, lacks=lacks)

    return make


def rule_for_each(
    fields: Mapping[str, str], code: str, *, on: Frame, severity: Severity
) -> Callable[[Callable[[InForce, pl.Expr], pl.Expr]], Rule]:
    """The same for a rule that holds for several fields alike: `fields` names the column of each.

    The function is given the column too, and must not find fault where it is null. `{detail}` is its value.
    """

    def make(test: Callable[[InForce, pl.Expr], pl.Expr]) -> Rule:
        kind = _kind(code, severity, test.__doc__)

        def of(column: str) -> Callable[[InForce], pl.Expr]:
            return lambda law: test(law, pl.col(column))

        tests = {field: of(column) for field, column in fields.items()}
        return Rule(kind=kind, on=on, tests=tests, details=fields if "{detail}" in kind.text else {}, needs=fields)

    return make


def rules_in(module: ModuleType) -> tuple[Rule, ...]:
    """The rules written in a module, by code."""
    found = [thing for thing in vars(module).values() if isinstance(thing, Rule)]
    return tuple(sorted(found, key=lambda rule: rule.kind.code))


def _kind(code: str, severity: Severity, docstring: str | None) -> Kind:
    said, _, law = inspect.cleandoc(docstring or "").partition("\n\nSource: ")
    text, stop, remedy = " ".join(said.split()).partition(". ")
    if not (text and stop and remedy and law):
        raise ValueError(f"the docstring of {code} must say what is wrong, then how to mend it, then its Source")
    return Kind(code=code, severity=severity, text=f"{text}.", remedy=remedy, law=" ".join(law.split()))
