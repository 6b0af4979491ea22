"""The receipt: what was charged on a consignment and why, with all that anyone needs to reckon it again."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

import msgspec
from msgspec import structs

from tidewaiter.model.consignment import Consignment, FiscalReference, GoodsItem, Party
from tidewaiter.model.outcome import Charge, Totals

VERSION = "tidewaiter-receipt-1"


class PersonTotals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the buyer imported before on the same day and in the same year, in the currency of the thresholds."""

    day: Decimal
    year: Decimal


class ItemValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a goods item is worth, in the currency of assessment, as text; null where it cannot be known."""

    item: int
    goods: str | None
    customs_value: str | None
    tax_base: str | None


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Charges with their reasons, the inputs they follow from, and the digest of the law that they follow by.

    `inputs` is the consignment without what no charge depends on: nothing in it names or finds a person. `digest` is
    the SHA-256 of the receipt's canonical JSON with an empty `digest`.
    """

    receipt: str = VERSION
    inputs: Consignment
    person_totals: PersonTotals | None = None
    accepted_on: date | None
    currency: str
    regime: str | None
    reason: str | None
    values: tuple[ItemValue, ...]
    charges: tuple[Charge, ...]
    totals: Totals
    law_digest: str
    digest: str = ""

    def sealed(self) -> Receipt:
        """The same with its digest."""
        return structs.replace(self, digest=self.reckoned_digest())

    def reckoned_digest(self) -> str:
        """The digest that follows from the rest."""
        plain = structs.replace(self, digest="")
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


_OF_ITEM = (
    "sequence", "hs_code", "taric_code", "origin_country", "preference", "preference_country", "price",
    "customs_value", "freight", "adjustments", "net_mass", "quantity", "quantity_unit", "procedure",
    "previous_procedure", "additional_procedures",
)  # fmt: skip
_OF_WHOLE = (
    "reference", "jurisdiction", "accepted_on", "function", "direction", "category", "channel", "export_country",
    "destination_country", "incoterm", "freight", "insurance", "discount", "adjustments",
)  # fmt: skip
_UNNAMED = "-"
"""Stands for the number of a scheme: that one is given decides, not whose it is."""


def bare(consignment: Consignment) -> Consignment:
    """The consignment with only what charges depend on: no name, address, number or description."""
    return Consignment(
        **{name: getattr(consignment, name) for name in _OF_WHOLE},
        parties=tuple(
            Party(role=party.role, kind=party.kind, country=party.country, postcode=party.postcode)
            for party in consignment.parties
        ),
        fiscal_references=_schemes(consignment.fiscal_references),
        items=tuple(
            GoodsItem(
                **{name: getattr(item, name) for name in _OF_ITEM},
                fiscal_references=_schemes(item.fiscal_references),
            )
            for item in consignment.items
        ),
    )


def _schemes(references: tuple[FiscalReference, ...]) -> tuple[FiscalReference, ...]:
    return tuple(FiscalReference(role=one.role, id=_UNNAMED) for one in references)
