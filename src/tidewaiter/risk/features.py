"""What a model may learn from: figures of each consignment and of its past, and how strongly each detector speaks.

No attribute of a natural person is among them, and nothing made of a name: a person is counted, never described.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import DOCUMENTS_SAYS, PARTIES_SAYS, PEERS_SAYS, PRODUCTS_SAYS, RECENT_SAYS, Past
from tidewaiter.model.rows import positions
from tidewaiter.risk.detectors import Figures
from tidewaiter.risk.fields import FIELDS
from tidewaiter.risk.rules import rules_for
from tidewaiter.risk.views import Heads, Items

OF_CONSIGNMENTS = (
    "consignment.value", "consignment.threshold_share", "consignment.gross_mass", "consignment.item_count",
    "consignment.package_count", "consignment.distinct_codes", "consignment.freight",
    *(f"past.{name.removesuffix('_micro')}" for says in (RECENT_SAYS, PARTIES_SAYS, DOCUMENTS_SAYS) for name in says),
)  # fmt: skip
"""The fields that are told of each consignment as they are."""
OF_ITEMS = (
    "item.value", "item.value_per_kg", "item.value_per_unit", "item.net_mass", "item.quantity",
    *(f"peers.{name.removesuffix('_micro')}" for name in PEERS_SAYS),
    *(f"product.{name.removesuffix('_micro')}" for name in PRODUCTS_SAYS),
)  # fmt: skip
"""The fields of items: of each the least and the greatest in the consignment are told."""


def features(batch: Batch, values: pl.DataFrame, law: Law, past: Past) -> pl.DataFrame:
    """A row a consignment, in the order of the batch: `row`, and Float64 columns, null where nothing is known.

    `consignment.…` and `past.…` as the profile language has them (decimals in whole units, amounts in the country's own
    currency); `item.…`, `peers.…` and `product.…` with `.least` and `.greatest` among the items; `detector.<profile>`
    from nought to one, the greatest among the items, for every profile with a detector that the law has for some
    consignment of the batch, whether or not it may hit here. `values` is a frame VALUES.
    """
    rows = batch.consignments["row"]
    heads = Heads(batch, values, law, past)
    of_heads, of_items = rules_for(InForce.over(batch.settings.different, law))
    found = {name: heads.figures(FIELDS[name]) for name in OF_CONSIGNMENTS}
    found |= {
        f"detector.{one.profile.id}": heads.strength(one.detector, one.profile.limits) for one in of_heads.detections
    }
    items = Items(heads)
    place = positions(batch.items["row"], rows).to_numpy().astype(np.int64)
    for name in OF_ITEMS:
        figures = items.figures(FIELDS[name])
        found[f"{name}.least"] = _over(np.fmin, figures, place, len(rows))
        found[f"{name}.greatest"] = _over(np.fmax, figures, place, len(rows))
    for one in of_items.detections:
        strength = items.strength(one.detector, one.profile.limits)
        found[f"detector.{one.profile.id}"] = _over(np.fmax, strength, place, len(rows))
    columns = (pl.Series(name, figures, dtype=pl.Float64, nan_to_null=True) for name, figures in found.items())
    return pl.DataFrame([rows, *columns])


def _over(pick: np.ufunc, figures: Figures, place: np.ndarray[tuple[int], np.dtype[np.int64]], size: int) -> Figures:
    """The least or the greatest of the items of each consignment; NaN where none is known."""
    found: Figures = np.full(size, np.nan)
    pick.at(found, place, figures)
    return found
