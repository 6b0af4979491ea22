"""Amazon Selling Partner API: orders (v0, 2026-01-01), with their order items inside or beside them.

`ItemPrice` is that of all pieces of the line; wrapping as a gift is packing, which is part of the price (WTO Customs
Valuation Agreement, art. 8.1(a)(iii)). Nothing in an order says whether prices hold the tax: the order total
does, since it is prices and carriage with the tax or without. Order and order items that come as two answers are put
together by the order's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidewaiter.formats.json.writing import ANSWERS, POINTERS, answer
from tidewaiter.formats.orders import dialect
from tidewaiter.formats.orders_reckoning import read_orders, source_pointer
from tidewaiter.formats.orders_writing import write_orders
from tidewaiter.formats.reading import Reading
from tidewaiter.model.consignment import Consignment

__all__ = ["ANSWERS", "MEDIA_TYPES", "NAME", "POINTERS", "answer", "read", "sniff", "source_pointer", "write"]

NAME = "amazon"
MEDIA_TYPES = ("application/json",)
DIALECT = dialect(
    Path(__file__).parent,
    marks="AmazonOrderId|OrderItemId|orderItemId|salesChannel|orderAliases",
    wrappers=("payload", "Orders", "orders", "order"),
    same_for_all={"category": "sale"},
    settled_by_total=True,
    joined_by="AmazonOrderId",
)


def sniff(head: bytes) -> bool:
    """Whether the message begins with names of fields that only this marketplace has."""
    return DIALECT.marks.search(head) is not None


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception.

    The country is that of the consignee, else `jurisdiction`.
    """
    return read_orders(data, DIALECT, jurisdiction=jurisdiction)


def write(consignments: Sequence[Consignment]) -> bytes:
    """A list of orders as this marketplace lays them out, with what its table has places for."""
    return write_orders(consignments, DIALECT)
