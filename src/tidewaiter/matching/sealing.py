"""Documents as they wait: what is compared exactly in the open, and what is personal as a keyed digest.

A digest can be compared and not be read; see `model.digests`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from tidewaiter.model.consignment import Consignment, Function, Party
from tidewaiter.model.digests import digest, digits, plain
from tidewaiter.model.money import Money, to_micro
from tidewaiter.model.trade import Person, TradeDocument, TradeKind, TradeLine


class SealedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A line of goods. `article` and `goods` are digests; quantity and total in millionths; '' and null: not stated."""

    number: int | None = None
    article: str = ""
    goods: str = ""
    quantity_micro: int | None = None
    unit: str = ""
    total_micro: int | None = None
    currency: str = ""


class Sealed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A document that waits. `who` and `to` are digests of the buyer and the consignee by what is told of them
    ('id', 'name', 'phone', 'address'); '' and null: not stated.

    `content` is the digest of the whole, `message` says where it was read, and `places` where values stood there, by
    pointer into our record.
    """

    kind: TradeKind
    number: str
    jurisdiction: str
    received_at: datetime
    issued_at: datetime
    content: str
    function: Function = "original"
    issuer: str = ""
    order: str = ""
    platform: str = ""
    payment: str = ""
    payment_issuer: str = ""
    waybill: str = ""
    waybill_issuer: str = ""
    total_micro: int | None = None
    currency: str = ""
    who: dict[str, str] = {}
    to: dict[str, str] = {}
    gross_mass_micro: int | None = None
    lines: tuple[SealedLine, ...] = ()
    message: str = ""
    places: Mapping[str, str] = {}


def seal(
    document: TradeDocument,
    *,
    key: bytes,
    received_at: datetime,
    message: str = "",
    places: Mapping[str, str] | None = None,
) -> Sealed:
    """The document as it may wait. `key` has 16 to 64 bytes; `message` and `places` say where it was read."""
    total, currency = _micro(document.total)
    return Sealed(
        kind=document.kind,
        number=document.number,
        jurisdiction=document.jurisdiction,
        received_at=received_at,
        issued_at=document.issued_at or received_at,
        content=digest(key, "content", msgspec.json.encode(document)),
        function=document.function,
        issuer=document.issuer,
        order=document.order or (document.number if document.kind == "order" else ""),
        platform=document.platform or "",
        payment=document.payment or "",
        payment_issuer=document.payment_issuer or "",
        waybill=document.waybill or "",
        waybill_issuer=document.waybill_issuer or "",
        total_micro=total,
        currency=currency,
        who=_person(document.buyer, key),
        to=_person(document.consignee, key),
        gross_mass_micro=None if document.gross_mass is None else to_micro(document.gross_mass),
        lines=tuple(_line(line, key) for line in document.lines),
        message=message,
        places=places or {},
    )


def _person(person: Person | None, key: bytes) -> dict[str, str]:
    if person is None:
        return {}
    told = {
        "id": plain(person.id or ""),
        "name": plain(person.name or ""),
        "phone": digits(person.phone or ""),
        "address": plain(person.address or ""),
    }
    return {what: digest(key, what, value.encode()) for what, value in told.items() if value}


def _line(line: TradeLine, key: bytes) -> SealedLine:
    total, currency = _micro(line.total)
    return SealedLine(
        number=line.number,
        article=digest(key, "article", plain(line.article).encode()) if line.article else "",
        goods=digest(key, "goods", plain(line.description).encode()) if line.description else "",
        quantity_micro=_quantity(line.quantity),
        unit=line.unit or "",
        total_micro=total,
        currency=currency,
    )


def _quantity(value: Decimal | None) -> int | None:
    return None if value is None else to_micro(value)


def _micro(money: Money | None) -> tuple[int | None, str]:
    return (None, "") if money is None else (to_micro(money.amount), money.currency)


def declared_document(record: Consignment) -> TradeDocument | None:
    """A goods declaration, of whatever format, as a document to compare; None where it names no order."""
    if not record.order_id or record.direction == "entry":
        return None
    parties: dict[str, Party] = {party.role: party for party in reversed(record.parties)}
    platform, buyer, consignee = (parties.get(role) for role in ("marketplace", "buyer", "consignee"))
    carrier = parties.get("carrier")
    return TradeDocument(
        kind="declaration",
        number=record.reference,
        jurisdiction=record.jurisdiction,
        issuer=(declarant.id or "") if (declarant := parties.get("declarant")) else "",
        function=record.function,
        issued_at=record.issued_at,
        order=record.order_id,
        platform=platform.id if platform else None,
        waybill=record.tracking_id,
        waybill_issuer=carrier.id if carrier else None,
        total=record.paid,
        buyer=_person_of(buyer),
        consignee=_person_of(consignee) or _address_of(buyer),
        gross_mass=record.gross_mass,
        lines=tuple(
            TradeLine(
                number=item.sequence,
                article=next((code.code for code in item.codes if code.scheme == "SKU"), None),
                description=item.description,
                quantity=item.quantity,
                unit=item.quantity_unit,
                total=item.price,
            )
            for item in record.items
        ),
    )


def declared_pointers(record: Consignment) -> dict[str, str]:
    """Where in the declaration stands what `declared_document` takes from it, by pointer into that document."""
    found = {"": "", "/number": "/reference", "/order": "/order_id", "/waybill": "/tracking_id", "/total": "/paid"}
    found |= {"/gross_mass": "/gross_mass", "/lines": "/items"}
    places: dict[str, int] = {}
    for place, party in enumerate(record.parties):
        places.setdefault(party.role, place)
    for role, pointer in (("marketplace", "/platform"), ("carrier", "/waybill_issuer"), ("declarant", "/issuer")):
        if role in places:
            found[pointer] = f"/parties/{places[role]}/id"
    for role in ("buyer", "consignee"):
        if role in places:
            at = f"/parties/{places[role]}"
            found |= {f"/{role}/{name}": f"{at}/{name}" for name in ("name", "phone")}
            found |= {f"/{role}": at, f"/{role}/id": f"{at}/identity", f"/{role}/address": f"{at}/street"}
    if "consignee" not in places and "buyer" in places:
        found["/consignee/address"] = f"/parties/{places['buyer']}/street"
    for place in range(len(record.items)):
        line, item = f"/lines/{place}", f"/items/{place}"
        found |= {line: item, f"{line}/article": f"{item}/codes", f"{line}/total": f"{item}/price"}
        found |= {f"{line}/{name}": f"{item}/{name}" for name in ("description", "quantity")}
    return found


def _address_of(buyer: Party | None) -> Person | None:
    """Where the goods go, where nobody else than the buyer is named to receive them."""
    found = _person_of(buyer)
    return Person(address=found.address) if found and found.address else None


def _person_of(party: Party | None) -> Person | None:
    if party is None:
        return None
    address = " ".join(filter(None, (party.region, party.city, party.street, party.postcode)))
    return Person(id=party.identity, name=party.name, phone=party.phone, address=address or None)
