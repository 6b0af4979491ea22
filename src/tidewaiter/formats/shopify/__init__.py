"""Shopify: an order, a list of orders, or a draft order, from the REST Admin API.

`price` and `grams` are those of one piece. Discounts lie on lines and on carriage (`discount_allocations`); where
`taxes_included` is true the prices hold the tax, and the tax of each line is taken out. A line that needs no
shipping is no goods. An order holds no HS code and no origin: a line's `properties` may ("HS code", "origin").
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

NAME = "shopify"
MEDIA_TYPES = ("application/json",)
DIALECT = dialect(
    Path(__file__).parent,
    marks="taxes_included|total_line_items_price|financial_status|fulfillment_status|buyer_accepts_marketing|total_discounts|admin_graphql_api_id",
    wrappers=("order", "orders", "draft_order", "draft_orders"),
    same_for_all={"category": "sale"},
    always_said={"taxes_included": False},
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
