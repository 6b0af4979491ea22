"""The quote: what goods not yet sent will cost under each way of collecting, and what to mend before they are sent."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from tidewaiter.model.finding import Finding, Severity
from tidewaiter.model.outcome import Decision
from tidewaiter.model.receipt import Receipt

VERSION = "tidewaiter-quote-1"

Model = Literal["vendor", "intermediary", "buyer", "hybrid"]
"""Who collects: the seller or marketplace, the carrier or post, the buyer (who declares, or has declared), or several.

Source: WCO Framework of Standards on Cross-Border E-Commerce, standard 5, and its E-Commerce Package, revenue models.
"""


class Collected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one collector takes from the buyer, at the sale and at the border; null where it cannot be known."""

    collector: str
    at_sale: str | None
    at_border: str | None


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The consignment under one regime, and so under one way of collecting.

    Amounts are exact decimals as text, in the currency of assessment; null where they cannot be known, never nought.
    `tax` is that at the border, `tax_at_sale` what the seller charges in its place; `landed_cost` is all of them with
    `goods` (the price less discount) and `carriage`. `requires` is everything that must be true for it, in words, and
    `change` what to declare otherwise than was stated; it is empty where the offer is for the consignment as stated.
    The receipt has every line with its reason, and can be verified like any other.
    """

    model: Model
    as_stated: bool
    regime: str
    name: str
    reason: str
    confidence: str
    requires: tuple[str, ...]
    change: tuple[str, ...]
    currency: str
    goods: str | None
    carriage: str | None
    duty: str | None
    tax: str | None
    fee: str | None
    tax_at_sale: str | None
    landed_cost: str | None
    collected: tuple[Collected, ...]
    receipt: Receipt


class NotOffered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way of collecting that law does not offer for these goods that day, and `why` not. `regime` comes nearest; null
    where law there has none of that kind."""

    model: Model
    regime: str | None
    name: str | None
    why: tuple[str, ...]


class RegimeThere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A regime that is law there that day, and whether the consignment as stated falls under it; else `why_not`."""

    regime: str
    name: str
    source: str
    confidence: str
    applies: bool
    why_not: tuple[str, ...]


class Fix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to mend, and all the places where: `pointers` into our record, `source_pointers` into the sender's
    message."""

    severity: Severity
    codes: tuple[str, ...]
    text: str
    remedy: str
    pointers: tuple[str, ...]
    source_pointers: tuple[str, ...]
    law: str


class MissingPermit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document that law asks for some of the goods and that is not declared: `codes`, any of which declares it, and
    `exempt`, any of which says that the goods are not such as need it. `pointers` name the goods items in our record.
    """

    permit: str
    name: str
    issuer: str
    codes: tuple[str, ...]
    exempt: tuple[str, ...]
    pointers: tuple[str, ...]
    law: str
    confidence: str


class Preflight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the consignment as stated would clear: what checking and assessment found, the decision that leads to,
    the permits that are missing, and what to mend, in that order. Nothing that risk sees has a part in it: any
    consignment may still be selected.

    `when_lodged` is what a declaration needs and a quote does not (names, addresses, descriptions), as far as it is not
    stated; the decision is made as though it were.
    """

    decision: Decision
    findings: tuple[Finding, ...]
    permits: tuple[MissingPermit, ...]
    fixes: tuple[Fix, ...]
    when_lodged: tuple[Fix, ...]


class Quote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What law makes of a consignment that is not yet sent.

    `valid_until` is the last day before something changes in the law, or in a rate of exchange, that this rests on;
    null where no change is known.
    """

    quote: str = VERSION
    reference: str
    jurisdiction: str
    on: date
    currency: str
    offers: tuple[Offer, ...]
    not_offered: tuple[NotOffered, ...]
    regimes: tuple[RegimeThere, ...]
    preflight: Preflight
    valid_until: date | None
    law_digest: str
