"""From a document taken apart to our records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from tidewaiter.formats.ceb.fields import FUNCTIONS, drafted
from tidewaiter.formats.ceb.tables import CANCELLING, EXPORT
from tidewaiter.formats.ceb.taking import Taken, Taker
from tidewaiter.formats.reading import Declared, Told
from tidewaiter.model.consignment import (
    Consignment,
    Function,
    GoodsItem,
    GoodsLocation,
    Guarantee,
    Party,
    Statement,
    Transport,
)
from tidewaiter.model.trade import Person, TradeDocument, TradeKind, TradeLine

REST = "CEB"
"""The type of a statement that holds what an element says for which there is no field."""
COUNTRY = "CN"
RESIDENT_CARD = "1"
"""The kind of identity paper that only natural persons have."""


def declared_of(taken: Taken, taker: Taker) -> Declared:
    """The consignment that an inventory list, or a request about one, is of.

    All are about retail sales, and a buyer with an identity card is a natural person. A list gives the address of the
    consignee and no name: it is the buyer's.
    """
    head = drafted(taken.head, taken.shape.head, taker)
    places = dict(head.places)
    items = []
    own = head.own
    trade_mode = own.pop("=trade_mode", None)
    for texts in taken.lines:
        line = drafted(texts, taken.shape.lines or taken.shape.head, taker)
        places |= line.places
        items.append(
            GoodsItem(
                **line.own, procedure=trade_mode, codes=tuple(line.codes), documents=tuple(line.documents),
                statements=_statements(line.rest),
            )
        )  # fmt: skip
    if trade_mode and not items:
        head.rest["tradeMode"] = trade_mode
    function = _function(taken, own)
    if "guarantee" in own:
        own["guarantees"] = (Guarantee(reference=own.pop("guarantee")),)
    own["transport"] = Transport(**own["transport"]) if "transport" in own else None
    own["location"] = GoodsLocation(**own["location"]) if "location" in own else None
    own.setdefault("reference", own.get("order_id", ""))
    for settled in ("=", "=function"):
        own.pop(settled, None)
    own["category"] = "return" if taken.shape.number == "625" else "sale"
    if buyer := head.parties.get("buyer"):
        buyer |= {"kind": "natural"} if buyer.get("identity_type") == RESIDENT_CARD else {}
    record = Consignment(
        **own,
        jurisdiction=COUNTRY,
        function=function,
        direction="export" if taken.shape.number in EXPORT else "import",
        procedure_category=taken.shape.number,
        parties=tuple(msgspec.convert({"role": role, **values}, Party) for role, values in head.parties.items()),
        documents=tuple(head.documents),
        statements=_statements(head.rest),
        items=tuple(items),
    )
    return Declared(consignment=record, findings=tuple(taker.findings), anchor=places)


def told_of(taken: Taken, taker: Taker) -> Told:
    """The order, payment or waybill."""
    head = drafted(taken.head, taken.shape.head, taker)
    own, places, details = head.own, dict(head.places), dict(head.rest)
    lines = []
    for place, texts in enumerate(taken.lines):
        line = drafted(texts, taken.shape.lines or taken.shape.head, taker)
        places |= line.places
        details |= {f"{place}/{element}": text for element, text in line.rest.items()}
        lines.append(TradeLine(**line.own))
    function = _function(taken, own)
    own.pop("=function", None)
    for person in ("buyer", "consignee"):
        if person in own:
            own[person] = Person(**own[person])
    own.setdefault("number", "")
    if taken.shape.about == "order":
        own |= {"order": own["number"], "platform": own.get("issuer"), "platform_name": own.get("issuer_name")}
        for pointer, theirs in (("/order", "/number"), ("/platform", "/issuer")):
            if theirs in places:
                places[pointer] = places[theirs]
    document = TradeDocument(
        **own, kind=cast("TradeKind", taken.shape.about), jurisdiction=COUNTRY, function=function, lines=tuple(lines),
        details={"message": taken.shape.number, **details},
    )  # fmt: skip
    return Told(document=document, findings=tuple(taker.findings), places=places)


def _function(taken: Taken, own: Mapping[str, Any]) -> Function:
    if taken.shape.number in CANCELLING:
        return "cancellation"
    if taken.shape.number == "625":
        return "amendment"
    return cast("Function", FUNCTIONS[own.get("=function", "1")])


def _statements(rest: Mapping[str, str]) -> tuple[Statement, ...]:
    return tuple(Statement(type=REST, code=element, text=text) for element, text in rest.items())
