"""What the corridor may know of earlier consignments, handed in as columns by whoever has a store.

Each frame is small: a row a consignment of the batch (`row`), or a row a goods item (`row`, `item`), already looked
up. Where a frame has no row for one, or a column is null, nothing is known of it. Amounts are in millionths of the
country's own currency, shares and ranks in millionths of the whole. What stands in a frame was known when the
consignment was accepted, and nothing of the consignment itself is in it. The columns of what is looked up are kept
by their order (`pasts_again`): a new one goes to the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import polars as pl
from msgspec import json

TRACKING_IDS = pl.Schema({"tracking_id": pl.String, "reference": pl.String, "last_on": pl.Date})
"""A row a tracking number lodged before: under which reference, and on which legal day last."""

PERSON_TOTALS = pl.Schema({"row": pl.UInt32, "day_micro": pl.Int64, "year_micro": pl.Int64})
"""A row a consignment of the batch: what its buyer imported before it on the same legal day, and in the same calendar
year, under a limit by the person; in the currency of the country's thresholds."""

WINDOWS_H = {"24h": 24, "72h": 72, "30d": 720}
"""The stretches of time before its acceptance over which the consignments of one consignee are counted, in hours."""

RECENT_SAYS = (
    {
        f"consignee_{window}_{what}": text.format(window)
        for window in WINDOWS_H
        for what, text in (
            ("count", "Consignments to the same person in the {} before"),
            ("value_micro", "What the goods of those of the {} before cost, in the country's own currency"),
            ("from_seller_count", "Those of the {} before that the same seller sent"),
        )
    }
    | {"identity_names": "Different names under which the consignee's identity number was used before"}
    | {
        f"consignee_{window}_from_seller_value_micro": f"What the goods of those of the {window} before cost that the "
        "same seller sent, in the country's own currency"
        for window in WINDOWS_H
    }
)
RECENT = pl.Schema({"row": pl.UInt32, **dict.fromkeys(RECENT_SAYS, pl.Int64)})
"""A row a consignment: how often its consignee, resolved from telephone, e-mail and address, had goods before."""

PARTIES_SAYS = {
    "seller_age_d": "Days since the seller was first seen",
    "seller_count": "Consignments of the seller before",
    "seller_7d_count": "Those of the same day and the six days before, by UTC",
    "seller_inspected": "Consignments of the seller that were inspected and whose result was known",
    "seller_wrong": "Those of them in which something was wrong",
    "seller_wrong_rate_micro": "The share found wrong, drawn toward that of all sellers where few were inspected",
    "seller_just_below": "Consignments of the seller worth the last twentieth below a threshold of law",
    "seller_near_below": "Consignments of the seller worth the three twentieths below that",
    "seller_low_price_rate_micro": "Share of the seller's earlier goods dearer than only one in twenty of their like, "
    "drawn toward a twentieth where there are few",
    "seller_place_sellers": "Different sellers that gave the same telephone or address before, this one left out",
    "scheme_count": "Consignments under the same scheme number before",
    "scheme_platform_rate_micro": "Share of those that came over the same platform",
    "scheme_seller_count": "Those of them from the same seller",
}
PARTIES = pl.Schema({"row": pl.UInt32, **dict.fromkeys(PARTIES_SAYS, pl.Int64)})
"""A row a consignment: what is known of its seller, and of the import scheme number that it names."""

DOCUMENTS_SAYS = {"document_mismatches": "Mistakes found where its order, payment, waybill and itself were compared"}
DOCUMENTS = pl.Schema({"row": pl.UInt32, "document_mismatches": pl.Int64})
"""A row a consignment whose sale was matched. Those that say no more than that a document is late do not count."""

MEASURES = ("price_per_kg", "price_per_unit")
PEERS_SAYS = {
    f"{measure}_{what}": text.format(measure.removeprefix("price_per_").replace("kg", "net kilogram"))
    for measure in MEASURES
    for what, text in (
        ("count", "How many goods like it a price per {} is known of"),
        ("median_micro", "What half of its like cost less than, per {}"),
        ("q05_micro", "What one in twenty of its like cost less than, per {}"),
        ("rank_micro", "Share of its like that cost less per {}"),
        (
            "deviation_micro",
            "How far its price per {} is above the median of its like, in robust standard deviations of the logarithm",
        ),
    )
}
PEERS = pl.Schema({"row": pl.UInt32, "item": pl.UInt32, **dict.fromkeys(PEERS_SAYS, pl.Int64)})
"""A row a goods item: its price beside that of goods of the same code, origin and platform that came before; where
these are few, drawn toward all of the code and origin, and those of the heading. `…_deviation` may be negative."""

PRODUCTS_SAYS = {
    "count": "How often the same article came before, by its number in the trade or that of its seller",
    "code_rate_micro": "Share of those that were declared under the same six digits",
    "origin_rate_micro": "Share of those that were declared with the same origin",
    "words_count": "How often goods in the same words, in whatever order, came before",
    "words_code_rate_micro": "Share of those that were declared under the same six digits",
}
PRODUCTS = pl.Schema({"row": pl.UInt32, "item": pl.UInt32, **dict.fromkeys(PRODUCTS_SAYS, pl.Int64)})
"""A row a goods item: how its product was declared before, by whomever."""

_NO = {
    name: pl.DataFrame(schema=schema)
    for name, schema in {
        "tracking_ids": TRACKING_IDS, "person_totals": PERSON_TOTALS, "recent": RECENT, "parties": PARTIES,
        "documents": DOCUMENTS, "peers": PEERS, "products": PRODUCTS,
    }.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Earlier consignments as columns, as known at acceptance. With nothing given, nothing is known."""

    tracking_ids: pl.DataFrame = field(default_factory=lambda: _NO["tracking_ids"])
    person_totals: pl.DataFrame = field(default_factory=lambda: _NO["person_totals"])
    recent: pl.DataFrame = field(default_factory=lambda: _NO["recent"])
    parties: pl.DataFrame = field(default_factory=lambda: _NO["parties"])
    documents: pl.DataFrame = field(default_factory=lambda: _NO["documents"])
    peers: pl.DataFrame = field(default_factory=lambda: _NO["peers"])
    products: pl.DataFrame = field(default_factory=lambda: _NO["products"])


def with_mistakes(figures: str | None, count: int) -> str:
    """The figures with so many mistakes of its documents among them."""
    told: dict[str, list[int | None]] = {} if figures is None else json.decode(figures)
    return json.encode(told | {"documents": [count]}).decode()


def pasts_again(figures: Mapping[int, str]) -> Past:
    """The past of a batch, by row, as the `figures` of each tell it: by frame, in the order of its columns, of goods a
    list of those that begin with the number of the item.

    A column that a frame has gained since was not known then, and nothing is known of a row that is not there.
    """
    frames: dict[str, list[dict[str, int | None]]] = {}
    for row, text in figures.items():
        told: dict[str, list[Any]] = json.decode(text)
        for name, found in told.items():
            columns = [column for column in _NO[name].columns if column != "row"]
            for one in found if "item" in columns else [found]:
                frames.setdefault(name, []).append({"row": row, **dict(zip_longest(columns, one[: len(columns)]))})
    return Past(**{name: pl.DataFrame(rows, schema=_NO[name].schema) for name, rows in frames.items()})
