"""The signals of a batch: which profiles hit which consignments and items, and who falls to the random share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import MISSING, known
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.rows import firsts, marks, positions
from tidewaiter.risk.draw import LANE, RANDOM, REASON, drawn
from tidewaiter.risk.rules import Rule, rules_for
from tidewaiter.risk.sieve import may_hit


def signals(batch: Batch, values: pl.DataFrame, law: Law) -> pl.DataFrame:
    """A row for each hit, as a frame SIGNALS in the order of `row`. `values` is a frame VALUES.

    `item` is null where the profile is about the consignment as a whole, and for the random share. Only originals about
    what comes in are looked at: an amendment alone says no more than what changes, and the declaration is looked at
    again once it is changed.
    """
    if not len(batch):
        return _NONE
    here = InForce.over(batch.settings.different, law)
    rules = rules_for(here)
    heads = _Heads(batch)
    found = [_random(heads, law), *_hits(heads, rules.of_heads)]
    if len(batch.items):
        verdicts = rules.sieve.verdicts(batch)
        sifted = [rule for rule in rules.of_items if may_hit(rule.profile.condition, verdicts)]
        found += _hits(_Items(heads, values), sifted)
    found = [some for some in found if len(some)]
    return pl.concat(found).sort("row", maintain_order=True) if found else _NONE


_NONE = pl.DataFrame(schema=SIGNALS)


class _Heads:
    """The consignments of a batch with the columns that conditions speak of, each made when first asked for."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.frame = batch, batch.consignments
        self.items = pl.Series("item", [None], dtype=SIGNALS["item"]).new_from_index(0, len(batch))
        self._made: dict[str, pl.Series] = {}

    def column(self, column: str) -> pl.Series:
        """A column by its name in conditions: a value a consignment."""
        if column not in self._made:
            source, _, name = column.rpartition(".")
            if source in ("", "consignment"):
                self._made[column] = self.frame[name].alias(column)
            elif source == "reckoned":
                self._made[column] = _RECKONED[name](self.batch).alias(column)
            else:
                self._made |= _party(self.batch, source)
        return self._made[column]

    def holds(self, scope: pl.Expr | None) -> pl.Series:
        """Which of the consignments are profiled at all, and within the scope."""
        whole = self.batch.apart("consignments", "function").one_of(("original",))
        profiled = pl.Series(whole & ~self.batch.apart("consignments", "direction").one_of(("export",)))
        return profiled if scope is None else profiled & self.frame.select_seq(scope).to_series()


class _Items:
    """The items of a batch likewise; what is asked of their consignments stands beside them."""

    def __init__(self, heads: _Heads, values: pl.DataFrame) -> None:
        self.heads, self.frame = heads, heads.batch.items
        self.items = self.frame["item"]
        self._values = values
        self._places = positions(self.frame["row"], heads.frame["row"])
        self._is_aligned = False

    def column(self, column: str) -> pl.Series:
        """A column by its name in conditions: a value an item."""
        source, _, name = column.rpartition(".")
        if source == "item":
            return self.frame[name].alias(column)
        if source == "values":
            if not self._is_aligned:
                self._values, self._is_aligned = _aligned(self._values, self.frame), True
            return self._values[name].alias(column)
        return self.heads.column(column)[self._places]

    def holds(self, scope: pl.Expr | None) -> pl.Series:
        """Which of the items are of a consignment that is profiled, and within the scope."""
        return self.heads.holds(scope)[self._places]


def _hits(those: _Heads | _Items, rules: Sequence[Rule]) -> list[pl.DataFrame]:
    """The hits of the rules, a frame for each rule that has any."""
    if not rules:
        return []
    hits = _view(those, (column for rule in rules for column in rule.looks_at)).select_seq(rule.hits for rule in rules)
    found = []
    for rule, hit in zip(rules, hits, strict=True):
        if hit.any() and (within := hit & those.holds(rule.scope)).any():
            found.append(_signals(those, within, rule))
    return found


def _view(those: _Heads | _Items, columns: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame([those.column(column) for column in dict.fromkeys(columns)])


def _signals(those: _Heads | _Items, hit: pl.Series, rule: Rule) -> pl.DataFrame:
    rows, items, profile = those.frame["row"].filter(hit), those.items.filter(hit), rule.profile
    if rule.reason is None:
        reason = _repeated("reason", profile.reason, len(rows))
    else:
        reason = _view(those, rule.figures).filter(hit).select_seq(rule.reason)["reason"]
    said: dict[str, str | int | None] = {"profile": profile.id, "lane": profile.lane, "score": profile.score}
    return pl.DataFrame([rows, items, *(_repeated(name, value, len(rows)) for name, value in said.items()), reason])


def _repeated(name: str, value: str | int | None, times: int) -> pl.Series:
    """A column of a frame SIGNALS that is the same all the way down."""
    return pl.Series(name, [value], dtype=SIGNALS[name]).new_from_index(0, times)


def _random(heads: _Heads, law: Law) -> pl.DataFrame:
    """The random share of what is profiled, drawn without a look at anything else.

    Goods announced for security alone are not drawn: they are when they are declared.
    """
    whole, where = heads.frame, heads.batch.apart("consignments", "jurisdiction")
    is_drawn = drawn(where, whole["reference"], key=law.draw_key, share_ppm=law.draw_share_ppm)
    if not is_drawn.any():
        return _NONE
    rows = whole["row"].filter(is_drawn & heads.holds(None) & (whole["direction"] == "import"))
    said: dict[str, str | int | None] = {"item": None, "profile": RANDOM, "lane": LANE, "score": 0, "reason": REASON}
    return pl.DataFrame([rows, *(_repeated(name, value, len(rows)) for name, value in said.items())])


def _party(batch: Batch, role: str) -> dict[str, pl.Series]:
    """What conditions may know of the first party in this role, of the consignment as a whole."""
    parties = batch.parties
    is_meant = pl.Series(batch.apart("parties", "role").one_of((role,)) & (known(parties["item"]) == MISSING))
    place = firsts(parties["row"].filter(is_meant), batch.consignments["row"])
    columns = {f"{role}.{what}": parties[what].filter(is_meant)[place] for what in ("country", "kind")}
    return {name: column.alias(name) for name, column in columns.items()}


def _aligned(values: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The values item by item; null where nothing was assessed."""
    keys = ["row", "item"]
    if len(values) == len(items) and all(values[key].equals(items[key]) for key in keys):
        return values
    return items.select(keys).join(values, on=keys, how="left", maintain_order="left")


def _distinct_codes(batch: Batch) -> pl.Series:
    """How many different commodity codes; null for a consignment without items."""
    items = batch.items
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


def _scheme(batch: Batch) -> pl.Series:
    references = batch.fiscal_references
    is_scheme = pl.Series(batch.apart("fiscal_references", "role").one_of(("FR5",)))
    place = firsts(references["row"].filter(is_scheme), batch.consignments["row"])
    return references["id"].filter(is_scheme)[place]


def _has_previous_document(batch: Batch) -> pl.Series:
    is_previous = pl.Series(batch.apart("documents", "kind").one_of(("previous",)))
    return marks(batch.documents["row"].filter(is_previous), batch.consignments["row"])


_RECKONED: dict[str, Callable[[Batch], pl.Series]] = {
    "distinct_codes": _distinct_codes,
    "scheme": _scheme,
    "has_previous_document": _has_previous_document,
}
