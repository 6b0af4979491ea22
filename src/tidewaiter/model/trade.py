"""Documents of a sale that somebody else than the declarant vouches for: the order, the payment and the waybill.

The platform tells what was ordered, who was paid tells what was paid, the carrier what it carries. A goods
declaration is the fourth where documents of one sale are compared. See `matching`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from tidewaiter.model.about import KEEP_ACCOUNT, KEEP_PERSON, about
from tidewaiter.model.consignment import COUNTRY_OR_NONE, Function
from tidewaiter.model.money import Money, check_exact

TradeKind = Literal["order", "payment", "waybill", "declaration"]


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Who buys or pays, or who receives the goods."""

    id: (
        Annotated[
            str,
            about(
                "Number of an identity paper", privacy="sensitive", purpose="identify", keep=KEEP_PERSON, max_length=60
            ),
        ]
        | None
    ) = None
    id_type: (
        Annotated[str, about("Kind of that paper, as the dialect codes it", privacy="public", max_length=3)] | None
    ) = None
    name: (
        Annotated[str, about("Name", privacy="personal", purpose="identify", keep=KEEP_PERSON, max_length=140)] | None
    ) = None
    phone: (
        Annotated[str, about("Telephone", privacy="personal", purpose="answer", keep=KEEP_PERSON, max_length=50)] | None
    ) = None
    address: (
        Annotated[str, about("Address", privacy="personal", purpose="route", keep=KEEP_PERSON, max_length=512)] | None
    ) = None


class TradeLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Goods of one kind in an order or on a waybill."""

    number: Annotated[int, about("Number of the line", privacy="public", ge=0)] | None = None
    article: Annotated[str, about("The seller's number of the article", purpose="classify", max_length=60)] | None = (
        None
    )
    description: (
        Annotated[str, about("What the goods are", privacy="personal", purpose="classify", max_length=512)] | None
    ) = None
    quantity: Annotated[Decimal, about("How many or how much")] | None = None
    unit: Annotated[str, about("Unit of the quantity", privacy="public", max_length=8)] | None = None
    total: Annotated[Money, about("Price of the line, all units", purpose="value", keep=KEEP_ACCOUNT)] | None = None

    def __post_init__(self) -> None:
        check_exact(self.quantity, "quantity")


class TradeDocument(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """An order, a payment or a waybill. `number` names it among those of its `issuer`, who vouches for it.

    `order`, `payment` and `waybill` are the numbers of the documents it belongs with, as far as it names them; an
    order's own number stands in `order` too.
    """

    kind: Annotated[TradeKind, about("Order, payment, waybill or declaration", privacy="public", purpose="identify")]
    number: Annotated[str, about("Its number", purpose="identify", max_length=70)]
    jurisdiction: Annotated[
        str,
        about("Country it is told to", privacy="public", purpose="identify", pattern=COUNTRY_OR_NONE),
    ] = ""
    issuer: Annotated[str, about("Number of who vouches for it", purpose="identify", max_length=60)] = ""
    issuer_name: Annotated[str, about("Name of who vouches for it", purpose="identify", max_length=140)] | None = None
    function: Annotated[Function, about("Original, amendment or cancellation", privacy="public")] = "original"
    issued_at: Annotated[datetime, about("When it was made", tz=True)] | None = None
    order: Annotated[str, about("Number of the order", purpose="identify", max_length=60)] | None = None
    platform: Annotated[str, about("Number of the platform of the order", purpose="identify", max_length=60)] | None = (
        None
    )
    platform_name: Annotated[str, about("Name of that platform", purpose="identify", max_length=140)] | None = None
    seller: Annotated[str, about("Number of the seller", purpose="identify", max_length=60)] | None = None
    seller_name: Annotated[str, about("Name of the seller", purpose="identify", max_length=140)] | None = None
    payment: Annotated[str, about("Number of the payment", purpose="identify", max_length=60)] | None = None
    payment_issuer: Annotated[str, about("Number of who was paid", purpose="identify", max_length=60)] | None = None
    waybill: Annotated[str, about("Number of the waybill", purpose="identify", max_length=70)] | None = None
    waybill_issuer: Annotated[str, about("Number of the carrier", purpose="identify", max_length=60)] | None = None
    total: Annotated[Money, about("What the buyer pays or paid in all", purpose="value", keep=KEEP_ACCOUNT)] | None = (
        None
    )
    buyer: Annotated[Person, about("Who buys, or pays", privacy="personal", keep=KEEP_PERSON)] | None = None
    consignee: Annotated[Person, about("Who receives the goods", privacy="personal", keep=KEEP_PERSON)] | None = None
    gross_mass: Annotated[Decimal, about("Kilograms with packing")] | None = None
    lines: Annotated[tuple[TradeLine, ...], about("What was ordered or is carried")] = ()
    details: Annotated[
        dict[str, str],
        about(
            "What the dialect says besides, by the name of its element; of a line as 'place/name'",
            privacy="personal",
            keep=KEEP_PERSON,
        ),
    ] = {}

    def __post_init__(self) -> None:
        check_exact(self.gross_mass, "gross_mass")
