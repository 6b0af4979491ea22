"""The examples that a profile carries: small tables of field values that its condition must hit, or must not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart, settings_of
from tidewaiter.model.money import to_micro
from tidewaiter.risk.columns import expression
from tidewaiter.risk.detectors import Detector
from tidewaiter.risk.fields import FIELDS, Field, Kind, figures
from tidewaiter.risk.meaning import Term


class ExampleError(ValueError):
    """An example that cannot be read, or that the condition answers otherwise than it says."""


def try_examples(condition: Term, said: Mapping[str, Any], law: Law, *, country: str | None, since: date) -> None:
    """Run the condition on every example of `said`, in the country and on the day unless it gives others.

    A condition that never fires raises no error by itself, so it must show that it does. Raises ExampleError.
    """
    usual = {"accepted_on": since, "jurisdiction": country, "consignment.jurisdiction": country}
    examples, frame = _framed(said, usual, condition.fields())
    try:
        here = InForce.over(settings_of(Apart.of(frame["jurisdiction"]), frame["accepted_on"]).different, law)
        hits = frame.select(expression(condition, here).fill_null(value=False).alias("hit"))["hit"].to_list()
    except pl.exceptions.PolarsError as wrong:
        raise ExampleError(f"the condition cannot be run: {wrong}") from wrong
    _compare(hits, examples, said)


def try_detector(detector: Detector, limits: Mapping[str, float], said: Mapping[str, Any]) -> None:
    """Run the detector within the limits on every example likewise. Raises ExampleError."""
    examples, frame = _framed(said, {"jurisdiction": None, "consignment.jurisdiction": None}, detector.looks_at)
    of = {name: figures(frame.select_seq(FIELDS[name].expr).to_series(), FIELDS[name]) for name in detector.looks_at}
    _compare((detector.strength(of, limits) > 0).tolist(), examples, said)


def _framed(
    said: Mapping[str, Any], usual: Mapping[str, Any], looks_at: Iterable[str]
) -> tuple[list[tuple[str, Mapping[str, Any]]], pl.DataFrame]:
    """All examples, and the columns of the fields that are looked at, a row an example."""
    examples = [*_said(said, "match"), *_said(said, "no_match")]
    rows = [_example(example, usual, where) for where, example in examples]
    columns = {column: _dtype(column) for name in sorted(looks_at) for column in FIELDS[name].columns}
    schema = {"jurisdiction": pl.String, "accepted_on": pl.Date, **columns}
    return examples, pl.DataFrame([[row.get(name) for name in schema] for row in rows], schema=schema, orient="row")


def _compare(hits: list[bool], examples: list[tuple[str, Mapping[str, Any]]], said: Mapping[str, Any]) -> None:
    for place, (where, _) in enumerate(examples):
        if hits[place] is not (place < len(said["match"])):
            raise ExampleError(f"{where} {'matches' if hits[place] else 'does not match'}")


def _said(said: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = said.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(example, dict) for example in found):
        raise ExampleError(f"it needs at least one example [[{key}]]")
    return [(f"example {place} of [[{key}]]", example) for place, example in enumerate(found, start=1)]


_PLAIN = {field.columns[0]: field for field in FIELDS.values() if len(field.columns) == 1}
"""The field that a column is by itself."""


def _dtype(column: str) -> pl.DataType | type[pl.DataType]:
    kinds: dict[Kind, pl.DataType | type[pl.DataType]] = {
        Kind.TEXT: pl.String, Kind.WHOLE: pl.Int64, Kind.DECIMAL: pl.Int64, Kind.TRUTH: pl.Boolean,
        Kind.TEXTS: pl.List(pl.String),
    }  # fmt: skip
    return kinds[_PLAIN[column].kind]


def _example(example: Mapping[str, Any], usual: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The columns of an example, which gives fields by name: `item.hs_code = "610910"`; `on` gives another day."""
    row: dict[str, Any] = {field.columns[0]: [] for field in FIELDS.values() if field.kind is Kind.TEXTS}
    row |= usual
    for source, values in example.items():
        if source == "on" and isinstance(values, date):
            row["accepted_on"] = values
            continue
        if not isinstance(values, dict):
            raise ExampleError(f"{where}: {source} is no field")
        for name, value in values.items():
            field = FIELDS.get(f"{source}.{name}")
            if field is None:
                raise ExampleError(f"{where}: no field is called {source}.{name}")
            if len(field.columns) > 1:
                needs = ", ".join(_PLAIN[column].name for column in field.columns)
                raise ExampleError(f"{where}: {field.name} is reckoned; give {needs}")
            row[field.columns[0]] = _value(field, value, where)
    row["jurisdiction"] = row["consignment.jurisdiction"]
    return row


def _value(field: Field, value: Any, where: str) -> Any:
    """The value as the column holds it."""
    match field.kind, value:
        case (Kind.TEXT, str()) | (Kind.TRUTH, bool()):
            return value
        case (Kind.TEXTS, list()) if all(isinstance(text, str) for text in value):
            return value
        case (Kind.WHOLE, int()) if not isinstance(value, bool) and abs(value) < 2**63:
            return value
        case (Kind.DECIMAL, str() | int()) if not isinstance(value, bool):
            try:
                return to_micro(Decimal(value))
            except (ValueError, ArithmeticError) as wrong:
                raise ExampleError(f"{where}: {field.name} = {value!r} is no number") from wrong
        case _:
            hint = '; write decimals as text, for example "12.50"' if isinstance(value, float) else ""
            raise ExampleError(f"{where}: {field.name} must be {field.kind.value}{hint}")
