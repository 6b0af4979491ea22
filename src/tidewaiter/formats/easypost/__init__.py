"""EasyPost: a shipment with its customs_info, an order of shipments, or a customs_info alone.

Weights are ounces. `value` and `weight` of a customs item are those of all its pieces. A customs item without a
currency is in that of the shipment's options; where neither says one, the amount is a finding.
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

NAME = "easypost"
MEDIA_TYPES = ("application/json",)
DIALECT = dialect(
    Path(__file__).parent,
    marks="customs_info|customs_items|contents_type|hs_tariff_number|to_address|from_address",
    wrappers=("shipment", "shipments", "order"),
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
