"""Builders: a valid thing by default, so that a test states only what it is about. All names are made up.

The default consignment is a postal sale to Great Britain of goods below GBP 135, accepted on 2 November 2026.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from tidewaiter.law import Law
from tidewaiter.model.consignment import Consignment, FiscalReference, GoodsItem, Party
from tidewaiter.model.money import Money

_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_AMOUNTS = (
    "price", "customs_value", "statistical_value", "invoice_total", "paid", "freight", "insurance", "discount",
    "tax_collected",
)  # fmt: skip
_NUMBERS = ("gross_mass", "net_mass", "quantity", "declared_rate")


def money(text: str) -> Money:
    """An amount written as '20.00 GBP'."""
    amount, currency = text.split()
    return Money(amount=Decimal(amount), currency=currency)


def tracking_id(serial: int, *, service: str = "HM", country: str = "CN") -> str:
    """A UPU S10 item identifier with its right check digit, for a serial number below 100,000,000."""
    digits = f"{serial:08d}"
    rest = 11 - sum(int(d) * w for d, w in zip(digits, _S10_WEIGHTS, strict=True)) % 11
    return f"{service}{digits}{ {10: 0, 11: 5}.get(rest, rest) }{country}"


def party(role: str, **what: Any) -> Party:
    """A party with a full address: a shop in CN on the selling side, a person in GB on the buying side."""
    if role in ("consignor", "seller", "exporter", "manufacturer", "marketplace"):
        given = {
            "name": "Example Trading Ltd", "kind": "legal", "street": "1 Example Road", "city": "Sampletown",
            "postcode": "000000", "country": "CN",
        }  # fmt: skip
    else:
        given = {
            "name": "Pat Example", "kind": "natural", "street": "2 Sample Street", "city": "Exampleham",
            "postcode": "ZZ99 9ZZ", "country": "GB",
        }  # fmt: skip
    return Party(role=role, **{**given, **what})  # type: ignore[arg-type]


def ioss(id: str = "IM2760000001") -> FiscalReference:
    """A made-up number of the import one-stop shop; its item wants additional procedure F48."""
    return FiscalReference(role="FR5", id=id)


def item(**what: Any) -> GoodsItem:
    """Two cotton T-shirts at GBP 20 the line. Amounts may be given as '20 GBP', numbers as text."""
    given: dict[str, Any] = {
        "description": "Cotton T-shirt, knitted, for men",
        "hs_code": "61091000",
        "origin_country": "CN",
        "price": "20.00 GBP",
        "gross_mass": "0.35",
        "net_mass": "0.30",
        "quantity": "2",
        "quantity_unit": "NAR",
        "procedure": "40",
        "previous_procedure": "00",
        "additional_procedures": ("C07",),
    }
    return GoodsItem(**_exact({**given, **what}))


def consignment(**what: Any) -> Consignment:
    """The default consignment with what is given put in. Totals, sequence numbers and addresses follow the rest.

    Items without a number are numbered; counts and mass are summed; the consignee lives in the jurisdiction.
    The invoice total is the sum of the prices where they are in one currency.
    """
    jurisdiction = what.get("jurisdiction", "GB")
    items = tuple(what.pop("items", (item(),)))
    items = tuple(msgspec.structs.replace(x, sequence=x.sequence or n) for n, x in enumerate(items, start=1))
    masses = [x.gross_mass for x in items]
    prices = [x.price for x in items]
    currencies = {p.currency for p in prices if p is not None}
    given: dict[str, Any] = {
        "reference": "ORDER-0001",
        "jurisdiction": jurisdiction,
        "accepted_on": date(2026, 11, 2),
        "declaration_type": "IMA",
        "channel": "post",
        "category": "sale",
        "tracking_id": tracking_id(12345678),
        "parties": (
            party("consignor"),
            party("seller"),
            party("consignee", country=jurisdiction),
            party("importer", country=jurisdiction),
        ),
        "export_country": "CN",
        "destination_country": jurisdiction,
        "item_count": len(items),
        "package_count": 1,
        "gross_mass": sum(m for m in masses if m is not None) if None not in masses else None,
        "items": items,
    }
    if len(currencies) == 1 and None not in prices:
        total = sum((p.amount for p in prices if p is not None), Decimal(0))
        given["invoice_total"] = Money(amount=total, currency=currencies.pop())
    return Consignment(**_exact({**given, **what}))


def _exact(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with amounts and numbers given as text made exact."""
    made = dict(values)
    for name in made.keys() & set(_AMOUNTS):
        if isinstance(made[name], str):
            made[name] = money(made[name])
    for name in made.keys() & set(_NUMBERS):
        if made[name] is not None:
            made[name] = Decimal(made[name])
    return made


def blind(law: Law, *, but: Collection[str] = ()) -> Law:
    """The law without the profiles that speak of the past or have a detector, `but` those with one of these."""
    places = {
        name: replace(
            place,
            risk=tuple(
                file for file in place.risk
                if file.content.get("detector") in but
                or ("detector" not in file.content and "past." not in str(file.content.get("when")))
            ),
        )
        for name, place in law.jurisdictions.items()
    }  # fmt: skip
    return replace(law, jurisdictions=places)
