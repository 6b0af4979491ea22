"""The goods of a batch beside those of the past, as it is lodged: one consignment after another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import polars as pl

from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import RememberedGoods
from tidewaiter.model.past import MEASURES, PEERS, PRODUCTS
from tidewaiter.risk.history.knowing import framed
from tidewaiter.risk.history.memory import Head, Memory
from tidewaiter.risk.history.peers import PeerTable
from tidewaiter.risk.history.records import LOWEST, prices
from tidewaiter.risk.history.telling import Goods

OF_GOODS = frozenset({"parties", "peers", "products"})
"""The frames of the past that goods have a part in: of a seller it counts how cheap they were."""
_NOTHING: list[int | None] = [None] * (len(PRODUCTS) - 2)
_RANK = PEERS.names().index(f"{MEASURES[0]}_rank_micro") - 2


class Comparison:
    """`goods` are the items of each consignment, in the order of the batch; `counted` says which are compared at all.

    `frames` are those that are asked for, `heads` the consignments, `values` a frame VALUES, `table` has the prices.
    """

    def __init__(
        self,
        batch: Batch,
        goods: Sequence[Sequence[Goods]],
        *,
        frames: frozenset[str],
        heads: Sequence[Head],
        counted: Sequence[bool],
        values: pl.DataFrame,
        table: PeerTable,
    ) -> None:
        self._batch, self._goods, self._frames, self._counted = batch, goods, frames, counted
        self._begin = [0, *accumulate(map(len, goods))]
        self._cost = prices(batch, values)
        self._peers: list[pl.Series] = []
        if table.is_telling and frames & {"parties", "peers"}:
            kinds = [
                (head.jurisdiction, one.code, one.origin, head.platform)
                for head, of in zip(heads, goods, strict=True)
                for one in of
            ]
            self._peers = table.beside(kinds, self._cost)
        self._beside = [*zip(*(column.to_list() for column in self._peers), strict=True)]
        self._products = [_NOTHING] * self._begin[-1]

    def say(self, place: int, memory: Memory, seller: int | None) -> tuple[dict[str, object], list[RememberedGoods]]:
        """Of the goods of the consignment at this place what was known before them, by frame, and what is kept of them;
        from now on they are among what came before."""
        goods, begin = self._goods[place], self._begin[place]
        figures: dict[str, object] = {}
        if "peers" in self._frames and self._beside:
            figures["peers"] = [[one.item, *self._beside[at]] for at, one in enumerate(goods, begin)]
        if "products" in self._frames:
            for at, one in enumerate(goods, begin):
                self._products[at] = memory.products(one)
            figures["products"] = [[one.item, *self._products[at]] for at, one in enumerate(goods, begin)]
        kept = []
        per_kg, per_unit = (self._cost[measure] for measure in MEASURES)
        for at, one in enumerate(goods, begin):
            rank = self._beside[at][_RANK] if self._beside else None
            is_low = None if rank is None else rank <= LOWEST
            memory.add_goods(seller, one, is_low)
            kept.append(RememberedGoods(*one, per_kg[at], per_unit[at], is_low))
        return figures, kept

    def frames(self) -> dict[str, pl.DataFrame]:
        """The frames PEERS and PRODUCTS that are asked for, of what is counted."""
        keys = [self._batch.items["row"], self._batch.items["item"]]
        made: dict[str, pl.DataFrame] = {}
        if "peers" in self._frames and self._peers:
            made["peers"] = pl.DataFrame([*keys, *self._peers]).select(PEERS.names())
        if "products" in self._frames:
            made["products"] = framed(keys, self._products, PRODUCTS)
        if not all(self._counted):
            sizes = np.diff(self._begin)
            is_counted = pl.Series(np.repeat(np.array(self._counted, np.bool_), sizes))
            made = {name: frame.filter(is_counted) for name, frame in made.items()}
        return made
