"""The minimum that must be told of a parcel before it is loaded: which of its elements an entry declaration lacks.

What must be told is law: the list `entry-minimum`, whose codes are 'F43:M:description', that is the data set (F43 post,
F32 express), the need (M mandatory, C conditional, O optional, G given by whoever sends the message on) and the
element. How it is seen whether an element was told is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.timeline import EPOCH
from tidewaiter.model.batch import Batch

LIST = "entry-minimum"
ENTRY = "entry"
SETS = {"post": "F43", "express": "F32"}
"""The data set by the channel, where the declaration does not name its own."""

Told = Callable[[Batch], pl.Series]
"""The rows of the consignments of which the element was told."""


def _whole(*columns: str) -> Told:
    """Told where one of these columns of the whole has a value."""

    def told(batch: Batch) -> pl.Series:
        return batch.consignments.filter(pl.any_horizontal(pl.col(columns).is_not_null()))["row"]

    return told


def _party(role: str, column: str) -> Told:
    """Told where a party in that role has it."""

    def told(batch: Batch) -> pl.Series:
        return batch.parties.filter((pl.col("role") == role) & pl.col(column).is_not_null())["row"]

    return told


def _goods(batch: Batch) -> pl.Series:
    return batch.items["row"]


def _every_item(column: str) -> Told:
    """Told where every goods item has it."""

    def told(batch: Batch) -> pl.Series:
        lacking = batch.items.filter(pl.col(column).is_null())["row"]
        return batch.items.filter(~pl.col("row").is_in(lacking.implode()))["row"]

    return told


def _packages(batch: Batch) -> pl.Series:
    """Told for the whole, or counted for the packages that are listed."""
    listed = batch.packages.filter(pl.col("quantity").is_not_null())["row"]
    return pl.concat([_whole("package_count")(batch), listed])


ELEMENTS: Mapping[str, tuple[str, Told]] = {
    "declarant": ("number of the declarant (R123)", _party("declarant", "id")),
    "declarant city": ("city of the declarant (241)", _party("declarant", "city")),
    "declarant country": ("country of the declarant (242)", _party("declarant", "country")),
    "gross mass": ("total gross mass (131)", _whole("gross_mass_micro")),
    "consignor": ("name of the consignor (R020)", _party("consignor", "name")),
    "consignor kind": ("kind of person of the consignor", _party("consignor", "kind")),
    "consignor city": ("city of the consignor (241)", _party("consignor", "city")),
    "consignor country": ("country of the consignor (242)", _party("consignor", "country")),
    "consignee": ("name of the consignee (R014)", _party("consignee", "name")),
    "consignee kind": ("kind of person of the consignee", _party("consignee", "kind")),
    "consignee city": ("city of the consignee (241)", _party("consignee", "city")),
    "consignee country": ("country of the consignee (242)", _party("consignee", "country")),
    "goods": ("goods items (29A)", _goods),
    "description": ("description of every goods item (137)", _every_item("description")),
    "packages": ("number of packages (144)", _packages),
    "transport document": ("number of the parcel (D023)", _whole("tracking_id", "house_bill")),
}
"""Every element that a data set makes mandatory: what it is called, with its WCO id, and how it is seen that it is
told. Conditional and optional elements are on the list too, and never asked for."""


def lacking(batch: Batch, law: Law) -> pl.Series | None:
    """By consignment the mandatory elements that an entry declaration lacks, in words; null where none. None where
    there is nothing to be found in the whole batch."""
    if ENTRY not in batch.apart("consignments", "direction").different:
        return None
    heads = batch.consignments
    asked = heads.filter((pl.col("direction") == ENTRY) & (pl.col("function") == "original"))
    told: dict[str, set[int]] = {}
    missing: dict[int, str] = {}
    columns = ("row", "jurisdiction", "accepted_on", "channel", "circumstance")
    for row, country, day, channel, circumstance in asked.select(columns).iter_rows():
        name = circumstance if circumstance in SETS.values() else SETS.get(channel or "")
        since = None if day is None else day.toordinal() - EPOCH
        wanted = [element for element in ELEMENTS if name and law.lists(LIST, f"{name}:M:{element}", country, since)]
        lacks = []
        for element in wanted:
            words, find = ELEMENTS[element]
            if element not in told:
                told[element] = set(find(batch).to_list())
            if row not in told[element]:
                lacks.append(words)
        if lacks:
            missing[row] = ", ".join(lacks)
    if not missing:
        return None
    return pl.Series([missing.get(row) for row in heads["row"].to_list()], dtype=pl.String)
