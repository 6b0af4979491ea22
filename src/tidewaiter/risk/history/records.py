"""What is kept of a consignment for the sake of later ones, and how it is made: persons and words as keyed digests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.exact import GREATEST
from tidewaiter.model.money import MICRO
from tidewaiter.model.past import MEASURES
from tidewaiter.model.rows import positions
from tidewaiter.risk.history.memory import Head, Persons, heads
from tidewaiter.risk.history.telling import Told, told
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
        **_KEYS, "item": ROW(), "article": _WHOLE, "words": _WHOLE, "code": _WHOLE, "origin": _WHOLE,
        "price_per_kg_micro": _WHOLE, "price_per_unit_micro": _WHOLE, "is_low": pl.Boolean(),
    }
)  # fmt: skip
"""A row a goods item, with what it is known again by (`Goods`). `is_low`: whether it was among the cheapest twentieth
of its like when it was accepted."""
RESULTS = pl.Schema({"at": _AT, "seller": _WHOLE, "is_wrong": pl.Boolean(), "is_random": pl.Boolean()})
"""A row an inspection, with the instant from which its result was known, and whether it was drawn at random."""
LOWEST = MICRO // 20
"""The rank, in millionths, up to which goods are among the cheapest twentieth."""


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
        return replace(self, items=self.items.with_columns(is_low=ranks["price_per_kg_rank_micro"] <= LOWEST))


def remembered(batch: Batch, values: pl.DataFrame, law: Law, *, at: pl.Series, key: bytes, persons: Persons) -> History:
    """What is kept of a batch, in its order. `at` has the instant of acceptance of each consignment, `values` is a
    frame VALUES, `key` the installation's own for digests; `persons` learns who came."""
    goods = goods_values(batch, values)
    shares = threshold_shares(batch, goods, law)
    given = told(batch, key)
    made, _ = heads(
        given,
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
    return History(consignments=kept, items=_items(batch, values, kept, given))


_OF_HEADS = (
    "jurisdiction", "seller", "platform", "seller_place", "consignee", "consignee_name", "identity", "scheme",
    "value_micro",
)  # fmt: skip


def _items(batch: Batch, values: pl.DataFrame, heads: pl.DataFrame, given: Told) -> pl.DataFrame:
    items = batch.items.select("row", "item")
    beside = heads.select("at", "jurisdiction", "seller", "platform")[positions(items["row"], heads["row"])]
    goods = [one for of in given.goods for one in of]
    made = items.hstack([
        *beside.get_columns(),
        *(pl.Series(name, [one[place] for one in goods], dtype=_WHOLE) for place, name in enumerate(_OF_GOODS, 1)),
        *(pl.Series(f"{name}_micro", found, dtype=_WHOLE) for name, found in prices(batch, values).items()),
        pl.Series("is_low", [None], dtype=pl.Boolean).new_from_index(0, len(items)),
    ])  # fmt: skip
    return made.select(ITEMS.names()).cast(ITEMS)


_OF_GOODS = ("article", "words", "code", "origin")


def prices(batch: Batch, values: pl.DataFrame) -> dict[str, list[int | None]]:
    """By measure what each goods item costs, in millionths of the country's own currency, per net kilogram and per
    unit; None where that is not known, or more than any number of 64 bits. `values` is a frame VALUES."""
    items = batch.items
    keys = [*zip(items["row"].to_list(), items["item"].to_list(), strict=True)]
    known = dict(
        zip(
            zip(values["row"].to_list(), values["item"].to_list(), strict=True),
            values["goods_micro"].to_list(),
            strict=True,
        )
    )
    worth = [known.get(key) for key in keys]
    return {
        measure: [
            None if goods is None or not amount or (price := goods * MICRO // amount) > GREATEST else price
            for goods, amount in zip(worth, items[of].to_list(), strict=True)
        ]
        for measure, of in zip(MEASURES, ("net_mass_micro", "quantity_micro"), strict=True)
    }
