"""Consignments and documents of trade as messages, from the same tables by which they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tidewaiter.formats.ceb.element import Element
from tidewaiter.formats.ceb.fields import FUNCTIONS, currency_of, text_of
from tidewaiter.formats.ceb.records import REST
from tidewaiter.formats.ceb.tables import SHAPES, Group, Shape
from tidewaiter.model.consignment import Consignment, Statement
from tidewaiter.model.trade import TradeDocument

_FUNCTION_CODES = {function: code for code, function in FUNCTIONS.items()}
_NUMBERS = {("order", True): "311", ("payment", True): "411", ("waybill", True): "511"}


def number_of(record: Consignment) -> str:
    """The number of the message in which a consignment is told: that which it names, where it is one of these."""
    named = SHAPES.get(record.procedure_category or "")
    if named is not None and named.about == "declaration":
        return named.number
    is_export = record.direction == "export"
    if record.function == "cancellation":
        return "605" if is_export else "623"
    return "603" if is_export else "621"


def consignment_element(record: Consignment) -> Element:
    """The document of the message that `number_of` names."""
    shape = SHAPES[number_of(record)]
    rest = _rest(record.statements)
    settled = {
        "appType": _FUNCTION_CODES[record.function],
        "appStatus": "2",
        "ieFlag": "E" if record.direction == "export" else "I",
        "tradeMode": next((item.procedure for item in record.items if item.procedure), "") or "",
    }
    lines = []
    for place, item in enumerate(record.items, start=1):
        lines.append(
            (item, {"gnum": str(item.sequence if item.sequence is not None else place), **_rest(item.statements)})
        )
    return _element(shape, record, {**settled, **rest}, lines)


def trade_number(document: TradeDocument) -> str:
    """The number of the message in which a document of trade is told; that for import, unless it says otherwise."""
    told = SHAPES.get(document.details.get("message", ""))
    return told.number if told is not None and told.about == document.kind else _NUMBERS[document.kind, True]


def trade_element(document: TradeDocument) -> Element:
    """The document of the message that `trade_number` names."""
    shape = SHAPES[trade_number(document)]
    settled = {"appType": _FUNCTION_CODES[document.function], "appStatus": "2", "guid": guid_of(document)}
    lines = []
    for place, line in enumerate(document.lines):
        inside = {
            name.partition("/")[2]: text for name, text in document.details.items() if name.startswith(f"{place}/")
        }
        lines.append((line, {"gnum": str(line.number if line.number is not None else place + 1), **inside}))
    return _element(shape, document, {**settled, **document.details}, lines)


def _element(
    shape: Shape, record: Any, rest: Mapping[str, str], lines: Sequence[tuple[Any, Mapping[str, str]]]
) -> Element:
    head = _texts(shape.head, record, rest)
    children = [Element(shape.head.name, children=head)] if shape.head.name else head
    if shape.lines is not None:
        children += [Element(shape.lines.name, children=_texts(shape.lines, line, said)) for line, said in lines]
    return Element(shape.document, children=children)


def _texts(group: Group, record: Any, rest: Mapping[str, str]) -> list[Element]:
    currency = {"currency": currency_of(group, record)} if "currency" in group.rows else {}
    said = {**{name: text for name, text in currency.items() if text}, **rest}
    found = ((row.element, text_of(row, record, said)) for row in group.rows.values())
    return [Element(name, text) for name, text in found if text]


def _rest(statements: Iterable[Statement]) -> dict[str, str]:
    return {one.code: one.text for one in statements if one.type == REST and one.code and one.text}


def guid_of(record: msgspec.Struct) -> str:
    """A number for a document that has none, which is the same whenever it is written."""
    digest = hashlib.sha256(msgspec.json.encode(record)).hexdigest().upper()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
