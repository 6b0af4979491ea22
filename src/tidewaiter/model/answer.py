"""What customs says back, before it is put into the sender's dialect, and what a dialect's answer is read into."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money

AnswerKind = Literal[
    "received", "rejected", "accepted", "tax_indicative", "tax_final", "control", "documents", "amendment_result",
    "request_result", "information_request", "screening_request", "do_not_load", "hold", "released", "cleared",
    "invalidated", "exit", "payment_insufficient", "payment_reminder", "goods_exit_result",
]  # fmt: skip


class AssessedTax(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One tax line of an answer. `rate` is percent where it is ad valorem; `item` is null for the whole."""

    item: int | None = None
    type: str | None = None
    preference: str | None = None
    base: Money | None = None
    base_quantity: Decimal | None = None
    base_unit: str | None = None
    rate: Decimal | None = None
    relief: Money | None = None
    assessed: Money | None = None
    payable: Money | None = None


class DialectError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An error as the dialect states it: its own code and pointer ('42A/67A/68A[1]#166'), and text where given."""

    code: str
    pointer: str = ""
    text: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answer about one consignment. `sent_at` is an instant in UTC; `reference` is the sender's, `id` ours."""

    kind: AnswerKind
    id: str
    reference: str | None
    mrn: str | None = None
    version: int | None = None
    sent_at: datetime | None = None
    effective_at: datetime | None = None
    status: str | None = None
    statements: tuple[tuple[str, str], ...] = ()
    errors: tuple[DialectError, ...] = ()
    findings: tuple[Finding, ...] = ()
    taxes: tuple[AssessedTax, ...] = ()
