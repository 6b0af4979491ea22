"""What the corridor makes of a batch: frames, and the records that people read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple

import msgspec
import polars as pl

from tidewaiter.model.answer import Answer
from tidewaiter.model.batch import ROW
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding

_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": ROW,
    "item": ROW,
    "type": pl.Enum(["duty", "tax", "fee"]),
    "code": pl.Categorical(),
    "collector": pl.Categorical(),
    "amount_micro": pl.Int64,
    "at_sale_micro": pl.Int64,
    "currency": pl.Categorical(),
    "base_micro": pl.Int64,
    "rule": pl.UInt32,
    "fact": pl.UInt32,
    "how": pl.UInt8,
    "is_firm": pl.Boolean,
}
CHARGES = pl.Schema(_COLUMNS)
"""A charge a row, zero ones too. `type` is duty, tax or fee; `base_micro` and `amount_micro` are in `currency`;
`amount_micro` is null where law does not let us know it, and a finding says so; `at_sale_micro` is what the seller
charges at the sale in place of the border, null where nothing is or it is not known. `rule`, `fact` and `how` are
numbers in the law it was charged under, from which the words of the receipt are made when they are asked for."""

RECEIPT = pl.Schema(
    {
        "row": ROW,
        "item": ROW,
        "type": pl.String,
        "code": pl.String,
        "measure": pl.String,
        "base_micro": pl.Int64,
        "rate": pl.String,
        "conversion": pl.String,
        "rounding": pl.String,
        "amount_micro": pl.Int64,
        "at_sale_micro": pl.Int64,
        "currency": pl.String,
        "collector": pl.String,
        "why": pl.String,
        "law": pl.String,
        "confidence": pl.String,
    }
)
"""The same charges in words: `why` says how the amount came about, `conversion` at which rate of exchange the price was
taken (null where it needed none), `law` which text says so."""

VALUES = pl.Schema(
    {
        "row": ROW,
        "item": ROW,
        "goods_micro": pl.Int64,
        "customs_value_micro": pl.Int64,
        "tax_base_micro": pl.Int64,
        "currency": pl.String,
    }
)
"""A row a goods item, in the jurisdiction's currency: goods without carriage, customs value, base of the tax."""

REGIMES = pl.Schema({"row": ROW, "regime": pl.String, "reason": pl.String})
"""A row a consignment: the revenue regime chosen, null where none fits, and why."""

SIGNALS = pl.Schema(
    {"row": ROW, "item": ROW, "profile": pl.String, "lane": pl.String, "score": pl.Int64, "reason": pl.String}
)
"""A row a hit of a risk profile or of the random draw. For officers; never told to a filer."""

_REASONS: pl.DataType = pl.List(pl.String)
DECISIONS = pl.Schema([("row", ROW), ("security", pl.String), ("control", pl.String), ("reasons", _REASONS)])
"""A row a consignment. `reasons` may be told to the filer; what risk saw is in the signals alone."""

_LEGS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": ROW,
    "item": ROW,
    "account": pl.String,
    "debit_micro": pl.Int64,
    "credit_micro": pl.Int64,
    "currency": pl.Categorical(),
    "charge": pl.String,
}
POSTINGS = pl.Schema(_LEGS)
"""Ledger legs; for each consignment and currency debits equal credits."""

Security = Literal["assessment_complete", "information_requested", "screening_requested", "do_not_load", "pending"]
Control = Literal[
    "lodged", "released", "accepted", "not_accepted", "documents_requested", "examine", "hold",
    "amendment_recorded", "cancellation_recorded", "refused", "returned", "seized",
]  # fmt: skip
Lane = Literal["examine", "documents", "hold_for_officer", "screening", "information"]
"""What a risk profile asks for: the last two on the security channel, the others on that of control."""
SHADOW = "shadow"
"""In place of a lane where a profile is only tried: its signals are recorded, and have no effect on the decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything the corridor says of a batch, frame by frame, and the digest of the law it was said under.

    `remembered` is what is to be kept for the sake of later ones, by row; nothing where nobody asked for the past.
    `drawn_ppm` is the probability at which each consignment falls to the random draw, in their order, in parts in a
    million; null where it is not drawn from.
    """

    findings: pl.DataFrame
    values: pl.DataFrame
    regimes: pl.DataFrame
    charges: pl.DataFrame
    signals: pl.DataFrame
    decisions: pl.DataFrame
    postings: pl.DataFrame
    law_digest: str
    remembered: Mapping[int, Remembered] = field(default_factory=dict)
    drawn_ppm: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.Int64))


class Charge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line of the receipt. Amounts are exact decimals as text; `amount` is null where it cannot be known. `item` is
    the number of the goods item, the first being 1; null for what is charged on the whole. `at_sale` is what the seller
    charges in place of the border, where law has it so."""

    type: str
    code: str
    item: int | None
    measure: str
    base: str | None
    rate: str
    conversion: str | None
    rounding: str
    amount: str | None
    currency: str
    collector: str
    why: str
    law: str
    confidence: str
    at_sale: str | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Sums of what is due at the border; null where a charge in it is unknown."""

    duty: str | None
    tax: str | None
    fee: str | None
    currency: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was decided on the two channels, with the reasons that may be told."""

    security: str
    control: str
    reasons: tuple[str, ...] = ()


class Signal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What risk saw, for officers. `item` is the number of the goods item, the first being 1."""

    profile: str
    lane: str
    score: int
    reason: str
    item: int | None = None


class Posting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One leg in the ledger, in millionths of the currency: one of debit and credit is nought."""

    item: int | None
    account: str
    debit_micro: int
    credit_micro: int
    currency: str
    charge: str


class Cleared(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One consignment through the corridor, as `clear --json` prints it."""

    reference: str
    format: str
    source: str
    jurisdiction: str
    accepted_on: date | None
    function: str
    regime: str | None
    items: int
    findings: tuple[Finding, ...]
    charges: tuple[Charge, ...]
    totals: Totals
    decision: Decision
    law_digest: str


class RememberedGoods(NamedTuple):
    """What is kept of a goods item for the sake of later ones: by what it is known again (`risk.history`), what it cost
    per net kilogram and per unit, and whether that was among the least of its like."""

    item: int
    article: int | None
    words: int | None
    code: int | None
    origin: int | None
    price_per_kg_micro: int | None
    price_per_unit_micro: int | None
    is_low: bool | None


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a consignment for the sake of later ones: who has to do with it as keyed digests.

    `consignee` is the number of a resolved person, and `phone`, `email`, `named` and `address` are what it is to
    be known again by that are not kept already. `below` says how near below a threshold of law the goods are
    (`risk.history`). `goods` are its items. `figures` are what was known of what came before it, as JSON of which
    `pasts_again` (`model.past`) makes the same past.
    """

    at: datetime
    jurisdiction: str
    seller: int | None
    platform: int | None
    seller_place: int | None
    consignee: int | None
    consignee_name: int | None
    identity: int | None
    scheme: int | None
    value_micro: int | None
    below: int
    phone: int | None
    email: int | None
    named: int | None
    address: int | None
    goods: Sequence[RememberedGoods]
    figures: str


class ClearedConsignment(msgspec.Struct, frozen=True, kw_only=True):
    """One consignment and all that became of it. `signals` are for officers and in none of the other parts, and
    `remembered` is for nobody. `drawn_ppm` is the probability at which it falls to the random draw, for officials,
    and `figures` are what was known of what came before it, as `pasts_again` (`model.past`) reads it."""

    consignment: Consignment
    cleared: Cleared
    answers: tuple[Answer, ...]
    postings: tuple[Posting, ...]
    signals: tuple[Signal, ...]
    remembered: Remembered | None = None
    drawn_ppm: int | None = None
    figures: str | None = None
