"""WooCommerce: an order or a list of orders, from the REST API v3 or the legacy API.

Totals are without tax, and those of a line are after its coupons. An order holds no weight, no HS code and no origin;
`meta_data` of a line may ("_hs_code", "country of origin").
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

NAME = "woocommerce"
MEDIA_TYPES = ("application/json",)
DIALECT = dialect(
    Path(__file__).parent,
    marks="prices_include_tax|total_shipping|shipping_methods|cart_tax|cart_hash|view_order_url|date_created_gmt|total_line_items_quantity",
    wrappers=("order", "orders"),
    same_for_all={"category": "sale"},
    always_said={"prices_include_tax": False},
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
