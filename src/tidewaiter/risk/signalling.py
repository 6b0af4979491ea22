"""The signals of a batch: which profiles hit which consignments and items, and who falls to the random share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart, Batch
from tidewaiter.model.exact import MISSING, Whole, known
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.rows import firsts, marks, positions
from tidewaiter.risk.draw import LANE, RANDOM, REASON, drawn
from tidewaiter.risk.fields import FIELDS, Field
from tidewaiter.risk.profiles import Profile
from tidewaiter.risk.rules import Rule, Rules, rules_for
from tidewaiter.risk.sieve import UNTOLD, Judged, Verdict


def signals(batch: Batch, values: pl.DataFrame, law: Law) -> pl.DataFrame:
    """A row for each hit, as a frame SIGNALS in the order of `row`. `values` is a frame VALUES.

    `item` is null where the profile is about the consignment as a whole, and for the random share. Only originals about
    what comes in are looked at: an amendment alone says no more than what changes, and the declaration is looked at
    again once it is changed.
    """
    if not len(batch):
        return _NONE
    here = InForce.over(batch.settings.different, law)
    of_heads, of_items = rules_for(here)
    heads = _Heads(batch)
    found = [_random(heads, law), *_hits(heads, of_heads)]
    if len(batch.items):
        found += _hits(_Items(heads, values), of_items)
    found = [some for some in found if len(some)]
    return pl.concat(found).sort("row", maintain_order=True) if found else _NONE


_NONE = pl.DataFrame(schema=SIGNALS)


class _Heads:
    """The consignments of a batch with the columns that conditions speak of, each made when first asked for."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.frame = batch, batch.consignments
        self.items = pl.Series("item", [None], dtype=SIGNALS["item"]).new_from_index(0, len(batch))
        self._made: dict[str, pl.Series] = {}
        self._apart: dict[str, Apart] = {}
        self._scopes: dict[int, pl.Series] = {}

    def column(self, column: str) -> pl.Series:
        """A column by its name in conditions: a value a consignment."""
        if column not in self._made:
            source, _, name = column.rpartition(".")
            if source in ("", "consignment"):
                self._made[column] = self.frame[name].alias(column)
            elif source == "reckoned":
                self._made[column] = _RECKONED[name](self.batch).alias(column)
            else:
                self._made |= first_parties(self.batch, source)
        return self._made[column]

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


class _Items:
    """The items of a batch likewise; what is asked of their consignments stands beside them."""

    def __init__(self, heads: _Heads, values: pl.DataFrame) -> None:
        self.heads, self.frame = heads, heads.batch.items
        self.items = self.frame["item"]
        self._values = values
        self.places = positions(self.frame["row"], heads.frame["row"])
        self._is_aligned = False
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
            if not self._is_aligned:
                self._values, self._is_aligned = _aligned(self._values, self.frame), True
            return self._values[name].alias(column)
        return self.heads.column(column)[self.places]

    def _reckoned(self, field: Field) -> pl.Series:
        """A field that is made of several columns: reckoned once for all conditions, and kept as narrow as it fits."""
        made = _view(self, field.columns).select_seq(field.expr.alias(field.name)).to_series()
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


def hits(batch: Batch, values: pl.DataFrame, law: Law) -> Iterator[tuple[Profile, Whole]]:
    """Each profile that hits anything, with the places in the batch of what it hits: one for each item where it is
    about items. The same hits as in `signals`, and nothing of the random share."""
    if not len(batch):
        return
    of_heads, of_items = rules_for(InForce.over(batch.settings.different, law))
    heads = _Heads(batch)
    for rule, within in _holding(heads, of_heads):
        yield rule.profile, np.flatnonzero(within.to_numpy())
    if len(batch.items):
        items = _Items(heads, values)
        for rule, within in _holding(items, of_items):
            yield rule.profile, items.places.filter(within).to_numpy().astype(np.int64)


def _hits(those: _Heads | _Items, ready: Rules) -> list[pl.DataFrame]:
    """The hits of the rules, a frame for each rule that has any."""
    return [_signals(those, within, rule) for rule, within in _holding(those, ready)]


def _holding(those: _Heads | _Items, ready: Rules) -> Iterator[tuple[Rule, pl.Series]]:
    """Each rule that has a hit, and which of those it hits."""
    judged = Judged(ready.sieve, those)
    sifted = [rule for rule in ready.rules if judged.may_hit(rule.profile.condition)]
    if not sifted:
        return
    looked_at = _view(those, (column for rule in sifted for column in rule.looks_at))
    parts = dict.fromkeys(part for rule in sifted for part in rule.judged)
    told = [_spread(part, judged.verdict(part), those.apart(ready.sieve.columns[part]).which) for part in parts]
    columns = pl.DataFrame([*looked_at.get_columns(), *told]).select_seq(rule.hits for rule in sifted)
    for rule, hit in zip(sifted, columns, strict=True):
        if hit.any() and (within := hit & those.holds(rule.scope)).any():
            yield rule, within


def _view(those: _Heads | _Items, columns: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame([those.column(column) for column in dict.fromkeys(columns)])


def _spread(part: int, verdict: Verdict, which: Whole) -> pl.Series:
    """The verdict on each row's text; null where it cannot be told."""
    yes = pl.Series(str(part), (verdict == 1)[which])
    if (verdict != UNTOLD).all():
        return yes
    return yes.zip_with(pl.Series((verdict != UNTOLD)[which]), _UNTOLD.new_from_index(0, len(yes)))


_UNTOLD = pl.Series([None], dtype=pl.Boolean)


def _signals(those: _Heads | _Items, hit: pl.Series, rule: Rule) -> pl.DataFrame:
    rows, items, profile = those.frame["row"].filter(hit), those.items.filter(hit), rule.profile
    if rule.reason is None:
        reason = _repeated("reason", profile.reason, len(rows))
    else:
        reason = _view(those, rule.figures).filter(hit).select_seq(rule.reason)["reason"]
    said: dict[str, str | int | None] = {"profile": profile.id, "lane": profile.asks_for, "score": profile.score}
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


def first_parties(batch: Batch, role: str) -> dict[str, pl.Series]:
    """What conditions may know of the first party in this role, of the consignment as a whole: `role.country` and
    `role.kind`."""
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
