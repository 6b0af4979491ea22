"""The frames of an outcome as records, consignment by consignment: one walk over each frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import polars as pl

from tidewaiter import assessment, checks, formats
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import MICRO, from_micro
from tidewaiter.model.outcome import Charge, Decision, Posting, Signal, Totals

T = TypeVar("T")

KINDS: dict[str, Kind] = {kind.code: kind for kind in (*formats.KINDS, *checks.KINDS, *assessment.KINDS)}
"""Every kind of finding of every room, by its code."""


def rows_of(frame: pl.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """These columns of each row. A `select` is a query, which on a small batch costs more than all the rest."""
    return zip(*(frame[name].to_list() for name in names), strict=True)


def findings_by_row(findings: pl.DataFrame, size: int) -> list[tuple[Finding, ...]]:
    """The findings of each of so many consignments, in words. Raises KeyError where no room lists a code."""
    made: dict[tuple[str, ...], Finding] = {}
    by_row: list[list[Finding]] = [[] for _ in range(size)]
    for row, *what in rows_of(findings, "row", "code", "severity", "pointer", "detail"):
        found = made.get(key := tuple(what))
        if found is None:
            found = made[key] = _in_words(*what)
        by_row[row].append(found)
    return _frozen(by_row)


def charges_by_row(charges: pl.DataFrame, size: int) -> list[tuple[Charge, ...]]:
    """The receipt of each of so many consignments, amounts as text."""
    by_row: list[list[Charge]] = [[] for _ in range(size)]
    told = rows_of(
        charges, "row", "type", "code", "item", "measure", "rate", "conversion", "rounding", "currency", "collector",
        "why", "law", "confidence",
    )  # fmt: skip
    micro = charges.select(map(_as_text, ("base_micro", "amount_micro", "at_sale_micro")))
    for one, (base, amount, at_sale) in zip(told, rows_of(micro, *micro.columns), strict=True):
        row, kind, code, item, measure, rate, conversion, rounding, currency, collector, why, law, confidence = one
        by_row[row].append(
            Charge(
                type=kind, code=code, item=_number(item), measure=measure, base=base, rate=rate, conversion=conversion,
                rounding=rounding, amount=amount, currency=currency, collector=collector, why=why, law=law,
                confidence=confidence, at_sale=at_sale,
            )
        )  # fmt: skip
    return _frozen(by_row)


def totals_by_row(charges: pl.DataFrame, size: int) -> list[Totals]:
    """The sums of each of so many consignments; null where a charge is unknown or nothing was assessed."""
    sums: list[dict[str, int | None] | None] = [None] * size
    currencies = [""] * size
    # A walk rather than a group_by: on a batch of one that costs more than all other records together.
    for row, kind, amount, currency in rows_of(charges, "row", "type", "amount_micro", "currency"):
        found = sums[row]
        if found is None:
            found = sums[row] = {"duty": 0, "tax": 0, "fee": 0}
            currencies[row] = currency
        before = found[kind]
        found[kind] = None if before is None or amount is None else before + amount
    return [
        NOTHING_KNOWN if found is None else Totals(currency=currency, **{k: _decimal(v) for k, v in found.items()})
        for found, currency in zip(sums, currencies, strict=True)
    ]


def _decimal(micro: int | None) -> str | None:
    return None if micro is None else str(from_micro(micro))


def _number(place: int | None) -> int | None:
    """The number people give a goods item whose place among the items this is."""
    return None if place is None else place + 1


NOTHING_KNOWN = Totals(duty=None, tax=None, fee=None, currency="")


def decisions_by_row(decisions: pl.DataFrame) -> dict[int, Decision]:
    """The decision on each row."""
    return {
        row: Decision(security=security, control=control, reasons=tuple(reasons or ()))
        for row, security, control, reasons in rows_of(decisions, "row", "security", "control", "reasons")
    }


def signals_by_row(signals: pl.DataFrame, size: int) -> list[tuple[Signal, ...]]:
    """What risk saw in each of so many consignments."""
    by_row: list[list[Signal]] = [[] for _ in range(size)]
    told = rows_of(signals, "row", "item", "profile", "lane", "score", "reason")
    for row, item, profile, lane, score, reason in told:
        by_row[row].append(Signal(profile=profile, lane=lane, score=score, reason=reason, item=_number(item)))
    return _frozen(by_row)


def postings_by_row(postings: pl.DataFrame, size: int) -> list[tuple[Posting, ...]]:
    """The ledger legs of each of so many consignments."""
    by_row: list[list[Posting]] = [[] for _ in range(size)]
    told = rows_of(postings, "row", "item", "account", "debit_micro", "credit_micro", "currency", "charge")
    for row, item, account, debit, credit, currency, charge in told:
        by_row[row].append(
            Posting(
                item=item, account=account, debit_micro=debit, credit_micro=credit, currency=currency, charge=charge
            )
        )
    return _frozen(by_row)


def _in_words(code: str, severity: Any, pointer: str, detail: str | None) -> Finding:
    kind, said = KINDS[code], detail or ""
    return Finding(
        code=code,
        severity=severity,
        pointer=pointer,
        text=kind.text.replace("{detail}", said),
        remedy=kind.remedy.replace("{detail}", said),
        law=kind.law,
    )


def _as_text(name: str) -> pl.Expr:
    """Millionths as an exact decimal with at least two places, as `model.money.from_micro` gives it."""
    micro = pl.col(name)
    fraction = (micro.abs() % MICRO).cast(pl.String).str.zfill(6).str.strip_chars_end("0").str.pad_end(2, "0")
    sign = pl.when(micro < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, (micro.abs() // MICRO).cast(pl.String), pl.lit("."), fraction).alias(name)


def _frozen(by_row: Sequence[list[T]]) -> list[tuple[T, ...]]:
    return [tuple(found) for found in by_row]
