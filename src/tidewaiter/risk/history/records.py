"""What is kept of a consignment for the sake of later ones, and how it is made: persons and words as keyed digests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.digests import digest, plain
from tidewaiter.model.exact import told_apart
from tidewaiter.model.money import MICRO
from tidewaiter.model.rows import positions
from tidewaiter.risk.history.memory import Head, Persons, heads
from tidewaiter.risk.history.telling import told
from tidewaiter.risk.thresholds import goods_values, threshold_shares

_AT, _TEXT, _WHOLE = pl.Datetime("us", "UTC"), pl.String(), pl.Int64()
_KEYS: dict[str, pl.DataType] = {"row": ROW(), "at": _AT, "jurisdiction": _TEXT, "seller": _WHOLE, "platform": _WHOLE}
CONSIGNMENTS = pl.Schema(
    {
        **_KEYS, "seller_place": _WHOLE, "consignee": _WHOLE, "consignee_name": _WHOLE, "identity": _WHOLE,
        "scheme": _WHOLE, "value_micro": _WHOLE, "threshold_share_micro": _WHOLE,
    }
)  # fmt: skip
"""A row a consignment, with the instant of its acceptance. Who has to do with it stands there as keyed digests, and
`consignee` is the number of a resolved person."""
ITEMS = pl.Schema(
    {
        **_KEYS, "item": ROW(), "hs_code": _TEXT, "origin_country": _TEXT, "article": _TEXT, "words": _TEXT,
        "price_per_kg_micro": _WHOLE, "price_per_unit_micro": _WHOLE, "is_low": pl.Boolean(),
    }
)  # fmt: skip
"""A row a goods item. `is_low`: whether it was among the cheapest twentieth of its like when it was accepted."""
RESULTS = pl.Schema({"at": _AT, "seller": _WHOLE, "is_wrong": pl.Boolean(), "is_random": pl.Boolean()})
"""A row an inspection, with the instant from which its result was known, and whether it was drawn at random."""
LOW = MICRO // 20


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is kept of consignments, oldest first: frames CONSIGNMENTS, ITEMS and RESULTS."""

    consignments: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONSIGNMENTS))
    items: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ITEMS))
    results: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RESULTS))

    def and_then(self, later: History) -> History:
        """This history with what came later."""
        return History(
            consignments=pl.concat([self.consignments, later.consignments]),
            items=pl.concat([self.items, later.items]),
            results=pl.concat([self.results, later.results]),
        )

    def ranked(self, peers: pl.DataFrame) -> History:
        """The same with `is_low` set from a frame PEERS about these very rows."""
        ranks = self.items.select("row", "item").join(
            peers.select("row", "item", "price_per_kg_rank_micro"),
            on=["row", "item"],
            how="left",
            maintain_order="left",
        )
        return replace(self, items=self.items.with_columns(is_low=ranks["price_per_kg_rank_micro"] <= LOW))


def remembered(batch: Batch, values: pl.DataFrame, law: Law, *, at: pl.Series, key: bytes, persons: Persons) -> History:
    """What is kept of a batch, in its order. `at` has the instant of acceptance of each consignment, `values` is a
    frame VALUES, `key` the installation's own for digests; `persons` learns who came."""
    goods = goods_values(batch, values)
    shares = threshold_shares(batch, goods, law)
    made, _ = heads(
        told(batch, key),
        at=at.to_physical().to_list(),
        jurisdictions=batch.consignments["jurisdiction"].to_list(),
        values=goods.to_list(),
        shares=shares.to_list(),
        counted=[True] * len(batch),
        persons=persons,
    )
    columns = dict(zip(Head._fields, zip(*made, strict=True), strict=True)) if made else dict.fromkeys(Head._fields, ())
    columns |= {"consignee_name": columns["name"]}
    kept = pl.DataFrame(
        [
            batch.consignments["row"],
            at.alias("at"),
            *(pl.Series(name, columns[name], dtype=CONSIGNMENTS[name]) for name in _OF_HEADS),
            shares.alias("threshold_share_micro"),
        ]
    ).select(CONSIGNMENTS.names())
    return History(consignments=kept, items=_items(batch, values, kept, _Sealing(batch, key)))


_OF_HEADS = (
    "jurisdiction", "seller", "platform", "seller_place", "consignee", "consignee_name", "identity", "scheme",
    "value_micro",
)  # fmt: skip


def _items(batch: Batch, values: pl.DataFrame, heads: pl.DataFrame, seal: _Sealing) -> pl.DataFrame:
    items = batch.items.select(
        "row", "item", "hs_code", "origin_country", "description", "net_mass_micro", "quantity_micro"
    )
    items = items.join(
        values.select("row", "item", "goods_micro"), on=["row", "item"], how="left", maintain_order="left"
    )
    beside = heads.select("at", "jurisdiction", "seller", "platform")[positions(items["row"], heads["row"])]
    worth = pl.col("goods_micro").cast(pl.Int128) * MICRO
    prices = items.select(
        (worth // pl.col(f"{of}_micro")).cast(pl.Int64, strict=False).alias(f"price_per_{unit}_micro")
        for of, unit in (("net_mass", "kg"), ("quantity", "unit"))
    )
    made = items.select("row", "item", "hs_code", "origin_country").hstack([
        *beside.get_columns(), *prices.get_columns(), seal.articles(beside["seller"]).alias("article"),
        seal.of("words", items["description"], _words).alias("words"),
        pl.Series("is_low", [None], dtype=pl.Boolean).new_from_index(0, len(items)),
    ])  # fmt: skip
    return made.select(ITEMS.names()).cast(ITEMS)


def _words(text: str) -> str:
    """The words of a description in one order: 'Mug, ceramic' and 'ceramic mug' are the same goods."""
    return " ".join(sorted({plain(word) for word in text.split()} - {""}))


class _Sealing:
    """The texts of a batch as keyed digests."""

    def __init__(self, batch: Batch, key: bytes) -> None:
        self._batch, self._key = batch, key

    def of(self, use: str, texts: pl.Series, form: Callable[[str], str]) -> pl.Series:
        """The digest of each text in its form; null where there is none, or nothing of it is left."""
        which, different = told_apart(texts)
        formed = ["" if text is None else form(text) for text in different]
        sealed = [digest(self._key, use, text.encode()) if text else None for text in formed]
        return pl.Series(use, sealed, dtype=pl.String).gather(pl.Series(which))

    def articles(self, sellers: pl.Series) -> pl.Series:
        """The number of each item's article: that of the trade, or the seller's own with the seller."""
        items = self._batch.items.select("row", "item")
        codes = self._batch.codes.filter(pl.col("scheme").is_in(["GTIN", "SKU"])).sort("scheme", maintain_order=True)
        first = codes.unique(["row", "item"], keep="first", maintain_order=True).select("row", "item", "scheme", "code")
        found = items.join(first, on=["row", "item"], how="left", maintain_order="left").hstack(
            [sellers.alias("seller")]
        )
        owner = pl.when(pl.col("scheme") == "SKU").then(pl.col("seller")).otherwise(pl.lit(""))
        return self.of("article", found.select(pl.concat_str("scheme", owner, "code", separator=" ")).to_series(), str)
