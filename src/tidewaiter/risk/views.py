"""The columns that conditions and detectors speak of, over a batch: each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import Apart, Batch
from tidewaiter.model.exact import MISSING, known
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.past import Past
from tidewaiter.model.rows import firsts, marks, positions
from tidewaiter.risk.denied import DENIED, denied
from tidewaiter.risk.detectors import Detector, Figures
from tidewaiter.risk.fields import FIELDS, PAST_FRAMES, Field, figures
from tidewaiter.risk.screening import Index
from tidewaiter.risk.thresholds import goods_values, threshold_shares

DENIED_COLUMNS = frozenset(f"reckoned.{name}" for name in DENIED)
"""The columns that tell of lists of denied parties."""


class Heads:
    """The consignments of a batch with the columns that conditions speak of, each made when first asked for."""

    def __init__(self, batch: Batch, values: pl.DataFrame, law: Law, past: Past, lists: Index | None = None) -> None:
        self.batch, self.frame, self.values, self.law, self.past = batch, batch.consignments, values, law, past
        self._lists = lists
        self.items = pl.Series("item", [None], dtype=SIGNALS["item"]).new_from_index(0, len(batch))
        self._made: dict[str, pl.Series] = {}
        self._figures: dict[str, Figures] = {}
        self._past: dict[str, pl.DataFrame] = {}
        self._apart: dict[str, Apart] = {}
        self._scopes: dict[int, pl.Series] = {}

    def column(self, column: str) -> pl.Series:
        """A column by its name in conditions: a value a consignment."""
        if column not in self._made:
            source, _, name = column.rpartition(".")
            if source in ("", "consignment"):
                self._made[column] = self.frame[name].alias(column)
            elif column in PAST_FRAMES:
                self._made[column] = self._of_past(column, name)
            elif column in DENIED_COLUMNS:
                told = denied(self.batch, self._lists)
                self._made |= {f"reckoned.{name}": told[name].alias(f"reckoned.{name}") for name in DENIED}
            elif source == "reckoned":
                self._made[column] = _RECKONED[name](self).alias(column)
            else:
                self._made |= first_parties(self.batch, source)
        return self._made[column]

    def figures(self, field: Field) -> Figures:
        """A field of consignments for statistics."""
        if field.name not in self._figures:
            self._figures[field.name] = figures(self._field(field), field)
        return self._figures[field.name]

    def _field(self, field: Field) -> pl.Series:
        if len(field.columns) == 1:
            return self.column(field.columns[0])
        return view(self, field.columns).select_seq(field.expr).to_series()

    def strength(self, detector: Detector, limits: Mapping[str, float]) -> Figures:
        """How strongly each consignment speaks for what the detector is after."""
        return detector.strength({name: self.figures(FIELDS[name]) for name in detector.looks_at}, limits)

    def _of_past(self, column: str, name: str) -> pl.Series:
        frame = PAST_FRAMES[column]
        if frame not in self._past:
            told: pl.DataFrame = getattr(self.past, frame)
            rows = self.frame["row"]
            is_whole = len(told) == len(rows) and told["row"].equals(rows)
            self._past[frame] = told if is_whole or told.is_empty() else told[positions(rows, told["row"])]
        if self._past[frame].is_empty():
            return pl.Series(column, [None], dtype=pl.Int64).new_from_index(0, len(self.batch))
        return self._past[frame][name].alias(column)

    def apart(self, column: str) -> Apart:
        """Such a column, told apart."""
        source, _, name = column.rpartition(".")
        if source == "consignment":
            return self.batch.apart("consignments", name)
        if column not in self._apart:
            self._apart[column] = Apart.of(self.column(column))
        return self._apart[column]

    def holds(self, scope: pl.Expr | None) -> pl.Series:
        """Which of the consignments are profiled at all, and within the scope."""
        if id(scope) not in self._scopes:
            self._scopes[id(scope)] = self._within(scope)
        return self._scopes[id(scope)]

    def _within(self, scope: pl.Expr | None) -> pl.Series:
        if scope is not None:
            return self.holds(None) & self.frame.select_seq(scope).to_series()
        whole = self.batch.apart("consignments", "function").one_of(("original",))
        return pl.Series(whole & ~self.batch.apart("consignments", "direction").one_of(("export",)))


class Items:
    """The items of a batch likewise; what is asked of their consignments stands beside them."""

    def __init__(self, heads: Heads) -> None:
        self.heads, self.frame = heads, heads.batch.items
        self.items = self.frame["item"]
        self.places = positions(self.frame["row"], heads.frame["row"])
        self._aligned: dict[str, pl.DataFrame] = {}
        self._made: dict[str, pl.Series] = {}
        self._apart: dict[str, Apart] = {}
        self._scopes: dict[int, pl.Series] = {}

    def column(self, column: str) -> pl.Series:
        """A column by its name in conditions: a value an item."""
        if column not in self._made:
            self._made[column] = self._column(column)
        return self._made[column]

    def _column(self, column: str) -> pl.Series:
        source, _, name = column.rpartition(".")
        if column in FIELDS and len(FIELDS[column].columns) > 1:
            return self._reckoned(FIELDS[column])
        if source == "item":
            return self.frame[name].alias(column)
        if source == "values":
            return self._beside(source, self.heads.values)[name].alias(column)
        if column in PAST_FRAMES and source != "past":
            return self._beside(source, getattr(self.heads.past, PAST_FRAMES[column]))[name].alias(column)
        return self.heads.column(column)[self.places]

    def _beside(self, source: str, told: pl.DataFrame) -> pl.DataFrame:
        if source not in self._aligned:
            self._aligned[source] = _aligned(told, self.frame)
        return self._aligned[source]

    @property
    def past(self) -> Past:
        """What is known of earlier consignments."""
        return self.heads.past

    def figures(self, field: Field) -> Figures:
        """A field of items for statistics; what is of their consignments stands beside them."""
        return figures(self.column(field.columns[0]) if len(field.columns) == 1 else self._reckoned(field), field)

    def strength(self, detector: Detector, limits: Mapping[str, float]) -> Figures:
        """How strongly each item speaks for what the detector is after."""
        return detector.strength({name: self.figures(FIELDS[name]) for name in detector.looks_at}, limits)

    def _reckoned(self, field: Field) -> pl.Series:
        """A field that is made of several columns: reckoned once for all conditions, and kept as narrow as it fits."""
        made = view(self, field.columns).select_seq(field.expr.alias(field.name)).to_series()
        lowest, highest = made.min(), made.max()
        fits = lowest is None or (lowest >= -(2**63) and highest < 2**63)  # type: ignore[operator]
        return made.cast(pl.Int64) if fits else made

    def apart(self, column: str) -> Apart:
        """Such a column, told apart."""
        if column not in self._apart:
            source, _, name = column.rpartition(".")
            if source == "item":
                self._apart[column] = self.heads.batch.apart("items", name)
            else:
                which, different = self.heads.apart(column)
                self._apart[column] = Apart(which[self.places.to_numpy()], different)
        return self._apart[column]

    def holds(self, scope: pl.Expr | None) -> pl.Series:
        """Which of the items are of a consignment that is profiled, and within the scope."""
        if id(scope) not in self._scopes:
            self._scopes[id(scope)] = self.heads.holds(scope)[self.places]
        return self._scopes[id(scope)]


def view(those: Heads | Items, columns: Iterable[str]) -> pl.DataFrame:
    """These columns as a frame."""
    return pl.DataFrame([those.column(column) for column in dict.fromkeys(columns)])


def first_parties(batch: Batch, role: str) -> dict[str, pl.Series]:
    """What conditions may know of the first party in this role, of the consignment as a whole: `role.country` and
    `role.kind`."""
    parties = batch.parties
    is_meant = pl.Series(batch.apart("parties", "role").one_of((role,)) & (known(parties["item"]) == MISSING))
    place = firsts(parties["row"].filter(is_meant), batch.consignments["row"])
    columns = {f"{role}.{what}": parties[what].filter(is_meant)[place] for what in ("country", "kind")}
    return {name: column.alias(name) for name, column in columns.items()}


def _aligned(values: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The values item by item; null where nothing is told."""
    keys = ["row", "item"]
    if len(values) == len(items) and all(values[key].equals(items[key]) for key in keys):
        return values
    return items.select(keys).join(values, on=keys, how="left", maintain_order="left")


def _distinct_codes(heads: Heads) -> pl.Series:
    """How many different commodity codes; null for a consignment without items."""
    batch, items = heads.batch, heads.batch.items
    places = positions(items["row"], batch.consignments["row"]).to_numpy()
    code, different = batch.apart("items", "hs_code")
    pairs = places.astype(np.int64) << 32 | code
    if None in different:
        pairs = pairs[code != different.index(None)]
    pairs.sort(kind="stable")
    is_first = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    counts = pl.Series(np.bincount(pairs[is_first] >> 32, minlength=len(batch)))
    has_items = pl.Series(np.bincount(places, minlength=len(batch)) > 0)
    return counts if has_items.all() else counts.zip_with(has_items, _UNCOUNTED.new_from_index(0, len(batch)))


_UNCOUNTED = pl.Series([None], dtype=pl.Int64)


def _scheme(heads: Heads) -> pl.Series:
    batch = heads.batch
    references = batch.fiscal_references
    is_scheme = pl.Series(batch.apart("fiscal_references", "role").one_of(("FR5",)))
    place = firsts(references["row"].filter(is_scheme), batch.consignments["row"])
    return references["id"].filter(is_scheme)[place]


def _has_previous_document(heads: Heads) -> pl.Series:
    batch = heads.batch
    is_previous = pl.Series(batch.apart("documents", "kind").one_of(("previous",)))
    return marks(batch.documents["row"].filter(is_previous), batch.consignments["row"])


def _value(heads: Heads) -> pl.Series:
    return goods_values(heads.batch, heads.values)


def _threshold_share(heads: Heads) -> pl.Series:
    return threshold_shares(heads.batch, _value(heads), heads.law)


_RECKONED: dict[str, Callable[[Heads], pl.Series]] = {
    "value": _value,
    "threshold_share": _threshold_share,
    "distinct_codes": _distinct_codes,
    "scheme": _scheme,
    "has_previous_document": _has_previous_document,
}
