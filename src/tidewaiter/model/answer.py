"""What customs says back, before it is put into the sender's dialect, and what a dialect's answer is read into."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from tidewaiter.model.consignment import Change, Function
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.trade import TradeKind

AnswerKind = Literal[
    "received", "rejected", "accepted", "tax_indicative", "tax_final", "control", "documents", "amendment_result",
    "request_result", "information_request", "screening_request", "do_not_load", "hold", "released", "refused",
    "cleared", "invalidated", "exit", "payment_insufficient", "payment_reminder", "goods_exit_result",
]  # fmt: skip


class AssessedTax(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One tax line of an answer. `rate` is percent where it is ad valorem.

    `item` is the number the sender gave the goods item, from 1; null for the whole. `reference` is that of the
    payment, `guarantee` that of the account or guarantee it is taken from.
    """

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
    method: str | None = None
    reference: str | None = None
    guarantee: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something an answer says besides: a coded or written statement, until when it holds, what it speaks of."""

    code: str | None = None
    text: str | None = None
    type: str | None = None
    until: datetime | None = None
    pointer: str | None = None


class DialectError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An error as the dialect states it: its own code and pointer ('42A/67A/68A[1]#166'), and text where given."""

    code: str
    pointer: str = ""
    text: str = ""


class Concerned(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an answer repeats of the declaration it is about, for dialects that want it: numbers and codes, no names.

    Parties are told by their official numbers; `sender` is the one that the message named as its own. `document` says
    that it is about a document of trade, which `issuer` vouches for; of a declaration `issuer` is that of its order.
    """

    function: Function = "original"
    message_id: str | None = None
    sender: str | None = None
    declarant: str | None = None
    representative: str | None = None
    carrier: str | None = None
    border_mode: str | None = None
    lodgement_office: str | None = None
    entry_office: str | None = None
    arrival_expected: datetime | None = None
    declared_at: datetime | None = None
    document: TradeKind | None = None
    issuer: str | None = None
    seller: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answer about one consignment. `reference` is the sender's, `id` ours.

    `sent_at` and `effective_at` are aware instants; the latter is that of the acceptance, rejection, invalidation or
    exit. `status` is the dialect's code of it where that says more than `kind`. `account` at `bank` is where to pay.
    """

    kind: AnswerKind
    id: str
    reference: str | None
    mrn: str | None = None
    version: int | None = None
    sent_at: datetime | None = None
    effective_at: datetime | None = None
    status: str | None = None
    statements: tuple[Remark, ...] = ()
    changes: tuple[Change, ...] = ()
    appeal_office: str | None = None
    contact_office: str | None = None
    bank: str | None = None
    account: str | None = None
    errors: tuple[DialectError, ...] = ()
    findings: tuple[Finding, ...] = ()
    taxes: tuple[AssessedTax, ...] = ()
    concerned: Concerned | None = None
