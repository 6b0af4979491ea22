"""What customs answers: records of an outcome as answers in the house's own form, before any dialect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import msgspec

from tidewaiter.model.answer import Answer, AnswerKind, AssessedTax, Concerned, Remark
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.outcome import Charge, Cleared
from tidewaiter.model.trade import TradeDocument

_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")

_BY_CONTROL: dict[str, tuple[AnswerKind, ...]] = {
    "not_accepted": ("rejected",),
    "lodged": ("received", "tax_indicative"),
    "released": ("accepted", "tax_final", "released"),
    "accepted": ("accepted", "tax_indicative"),
    "examine": ("accepted", "tax_indicative", "control"),
    "hold": ("accepted", "tax_indicative", "hold"),
    "documents_requested": ("accepted", "tax_indicative", "documents"),
    "amendment_recorded": ("received",),
    "cancellation_recorded": ("received",),
    "refused": ("refused",),
}
_BY_SECURITY: dict[str, tuple[AnswerKind, ...]] = {
    "information_requested": ("information_request",),
    "screening_requested": ("screening_request",),
    "do_not_load": ("do_not_load",),
}
_SAY_WHY = ("documents", "hold", "information_request", "screening_request")
"""Answers that tell the reasons of the decision; the others have nothing to add, or must not."""


def answers_about(record: Consignment, cleared: Cleared, *, id: str, at: datetime | None) -> tuple[Answer, ...]:
    """What the sender is told of one consignment, in the order of telling. Nothing that risk saw is among it."""
    decision = cleared.decision
    kinds = _BY_SECURITY.get(decision.security, ()) + _BY_CONTROL.get(decision.control, ("received",))
    return _answers(record, cleared, kinds, findings=cleared.findings, reasons=decision.reasons, id=id, at=at)


def answers_after(
    record: Consignment,
    cleared: Cleared,
    kinds: Sequence[AnswerKind],
    *,
    findings: Sequence[Finding] = (),
    id: str,
    at: datetime,
    effective_at: datetime | None = None,
) -> tuple[Answer, ...]:
    """What the sender is told when something became of it later: answers of these kinds, with what is told besides.

    It holds from `effective_at`, where that was before it is told.
    """
    made = _answers(record, cleared, kinds, findings=findings, reasons=(), id=id, at=at)
    if effective_at is None or effective_at == at:
        return made
    return tuple(msgspec.structs.replace(one, effective_at=effective_at) for one in made)


def _answers(
    record: Consignment,
    cleared: Cleared,
    kinds: Sequence[AnswerKind],
    *,
    findings: Sequence[Finding],
    reasons: Sequence[str],
    id: str,
    at: datetime | None,
) -> tuple[Answer, ...]:
    taxes = _taxes(record, cleared.charges)
    concerned = _concerned(record) if record.direction == "entry" else None
    return tuple(
        Answer(
            kind=kind,
            id=f"{id}-{place}",
            reference=record.reference,
            mrn=record.mrn,
            version=record.version,
            sent_at=at,
            effective_at=at,
            findings=tuple(findings) if place == 0 else (),
            taxes=taxes if kind in ("tax_indicative", "tax_final") else (),
            statements=_reasons(reasons) if kind in _SAY_WHY else (),
            concerned=concerned,
        )
        for place, kind in enumerate(kind for kind in kinds if taxes or not kind.startswith("tax_"))
    )


def answer_about_message(findings: Sequence[Finding], *, id: str, at: datetime | None) -> Answer:
    """The answer to a message as a whole: rejected where an error is among the findings, else received."""
    is_wrong = any(finding.severity == "error" for finding in findings)
    return Answer(
        kind="rejected" if is_wrong else "received",
        id=f"{id}-message",
        reference=None,
        sent_at=at,
        findings=tuple(findings),
    )


def answer_about_document(
    document: TradeDocument, findings: Sequence[Finding], *, id: str, at: datetime | None
) -> Answer:
    """The answer to an order, a payment or a waybill: it waits to be matched, or an error in it must be mended."""
    is_wrong = any(finding.severity == "error" for finding in findings)
    return Answer(
        kind="rejected" if is_wrong else "accepted",
        id=id,
        reference=document.number,
        sent_at=at,
        effective_at=at,
        findings=tuple(findings),
        concerned=Concerned(
            function=document.function,
            document=document.kind,
            issuer=document.issuer or None,
            seller=document.seller,
        ),
    )


def _concerned(record: Consignment) -> Concerned:
    numbers = {party.role: party.id for party in reversed(record.parties)}
    return Concerned(
        function=record.function,
        message_id=record.message_id,
        sender=numbers.get("submitter"),
        declarant=numbers.get("declarant"),
        representative=numbers.get("representative"),
        carrier=numbers.get("carrier"),
        border_mode=record.transport.border_mode if record.transport else None,
        lodgement_office=record.declaration_office,
        entry_office=record.entry_office,
        arrival_expected=record.arrival_expected,
        declared_at=record.declared_at,
    )


def _reasons(reasons: Sequence[str]) -> tuple[Remark, ...]:
    return tuple(Remark(text=reason) for reason in reasons)


def _taxes(record: Consignment, charges: Sequence[Charge]) -> tuple[AssessedTax, ...]:
    return tuple(_tax(record, charge) for charge in charges if charge.amount is not None)


def _tax(record: Consignment, charge: Charge) -> AssessedTax:
    amount = _money(charge.amount or "0", charge.currency)
    return AssessedTax(
        item=None if charge.item is None else record.items[charge.item - 1].sequence or charge.item,
        type=charge.code,
        base=None if charge.base is None else _money(charge.base, charge.currency),
        rate=_percent(charge.rate),
        assessed=amount,
        payable=amount,
    )


# The same few rates and amounts, nought first of all, stand in most receipts.
@lru_cache(maxsize=4096)
def _money(amount: str, currency: str) -> Money:
    return Money(Decimal(amount), currency)


@lru_cache(maxsize=4096)
def _percent(rate: str) -> Decimal | None:
    percent = _PERCENT.match(rate)
    return Decimal(percent[1]) if percent else None
