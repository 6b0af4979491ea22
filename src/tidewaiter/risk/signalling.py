"""The signals of a batch: which profiles hit which consignments and items, and who falls to the random share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_

import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.outcome import SIGNALS
from tidewaiter.model.rows import firsts, marks, positions
from tidewaiter.risk.draw import LANE, RANDOM, REASON, drawn
from tidewaiter.risk.rules import Rule, Ruleset, Scope, ruleset


def signals(batch: Batch, values: pl.DataFrame, law: Law) -> pl.DataFrame:
    """A row for each hit, as a frame SIGNALS in the order of `row`. `values` is a frame VALUES.

    `item` is null where the profile is about the consignment as a whole, and for the random share. Only original
    import declarations are looked at: an amendment alone says no more than what changes, and the declaration is
    looked at again once it is changed.
    """
    rules = ruleset(law)
    whole = batch.consignments
    heads = pl.DataFrame(
        [whole["row"], whole["jurisdiction"], whole["accepted_on"], *_head_columns(batch, rules.head_columns)]
    )
    parts = whole.select(rules.parts) if rules.parts else pl.DataFrame()
    profiled = (whole["function"] == "original") & (whole["direction"] == "import")
    scopes = {scope: reduce(and_, (parts[part] for part in scope), profiled) for scope in _scopes(rules)}
    found = [_NONE, _random(whole, profiled, law)]
    found += _hits(heads, scopes, rules.of_heads)
    if rules.of_items and len(batch.items):
        place = positions(batch.items["row"], whole["row"])
        items = _items(batch, values, heads, place, rules.item_columns)
        found += _hits(items, {scope: holds[place] for scope, holds in scopes.items()}, rules.of_items)
    return pl.concat(found).sort("row", maintain_order=True)


_NONE = pl.DataFrame(schema=SIGNALS)


def _scopes(rules: Ruleset) -> set[Scope]:
    return {rule.scope for rule in (*rules.of_heads, *rules.of_items)}


def _hits(frame: pl.DataFrame, scopes: dict[Scope, pl.Series], rules: Sequence[Rule]) -> list[pl.DataFrame]:
    """The hits of the rules on a frame whose rows are consignments, or items where it has `item`."""
    if not rules or not len(frame):
        return []
    hits = frame.select(rule.hits.alias(str(place)) for place, rule in enumerate(rules))
    found = []
    for place, rule in enumerate(rules):
        hit = hits[str(place)] & scopes[rule.scope]
        if hit.any():
            found.append(_signals(frame, hit, rule))
    return found


def _signals(frame: pl.DataFrame, hit: pl.Series, rule: Rule) -> pl.DataFrame:
    rows, profile = frame["row"].filter(hit), rule.profile
    items = frame["item"].filter(hit) if "item" in frame.columns else _repeated("item", None, len(rows))
    if rule.reason is None:
        reason = _repeated("reason", profile.reason, len(rows))
    else:
        reason = pl.DataFrame([frame[column].filter(hit) for column in rule.figures]).select(rule.reason)["reason"]
    said: dict[str, str | int | None] = {"profile": profile.id, "lane": profile.lane, "score": profile.score}
    return pl.DataFrame([rows, items, *(_repeated(name, value, len(rows)) for name, value in said.items()), reason])


def _repeated(name: str, value: str | int | None, times: int) -> pl.Series:
    """A column of a frame SIGNALS that is the same all the way down."""
    return pl.Series(name, [value], dtype=SIGNALS[name]).new_from_index(0, times)


def _random(whole: pl.DataFrame, profiled: pl.Series, law: Law) -> pl.DataFrame:
    """The random share of what is profiled, drawn without a look at anything else."""
    is_drawn = drawn(whole["jurisdiction"], whole["reference"], key=law.draw_key, share_ppm=law.draw_share_ppm)
    rows = whole["row"].filter(profiled & is_drawn)
    said: dict[str, str | int | None] = {"item": None, "profile": RANDOM, "lane": LANE, "score": 0, "reason": REASON}
    return pl.DataFrame([rows, *(_repeated(name, value, len(rows)) for name, value in said.items())])


def _head_columns(batch: Batch, columns: Sequence[str]) -> list[pl.Series]:
    """The columns that conditions need of consignments, a value a consignment."""
    found: dict[str, pl.Series] = {}
    for column in columns:
        source, name = _split(column)
        if source == "consignment":
            found[column] = batch.consignments[name]
        elif source == "reckoned":
            found[column] = _RECKONED[name](batch)
        elif column not in found:
            for what, series in _party(batch, source).items():
                found[f"{source}.{what}"] = series
    return [found[column].alias(column) for column in columns]


def _party(batch: Batch, role: str) -> dict[str, pl.Series]:
    """What conditions may know of the first party in this role, of the consignment as a whole."""
    parties = batch.parties
    is_meant = parties["role"] == role
    if parties["item"].null_count() < len(parties):
        is_meant &= parties["item"].is_null()
    place = firsts(parties["row"].filter(is_meant), batch.consignments["row"])
    return {what: parties[what].filter(is_meant)[place] for what in ("country", "kind")}


def _items(
    batch: Batch, values: pl.DataFrame, heads: pl.DataFrame, place: pl.Series, columns: Sequence[str]
) -> pl.DataFrame:
    """The items with the columns that conditions about items need; `place` is where the head of each stands."""
    items = batch.items
    aligned = _aligned(values, items) if any(column.startswith("values.") for column in columns) else values
    made = [items["row"], items["item"], heads["jurisdiction"][place], heads["accepted_on"][place]]
    for column in columns:
        source, name = _split(column)
        if source == "item":
            made.append(items[name].alias(column))
        elif source == "values":
            made.append(aligned[name].alias(column))
        else:
            made.append(heads[column][place])
    return pl.DataFrame(made)


def _split(column: str) -> tuple[str, str]:
    source, _, name = column.partition(".")
    return source, name


def _aligned(values: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The values item by item; null where nothing was assessed."""
    keys = ["row", "item"]
    if len(values) == len(items) and all(values[key].equals(items[key]) for key in keys):
        return values
    return items.select(keys).join(values, on=keys, how="left", maintain_order="left")


def _distinct_codes(batch: Batch) -> pl.Series:
    counted = batch.items.group_by("row").agg(codes=pl.col("hs_code").drop_nulls().n_unique().cast(pl.Int64))
    return counted["codes"][firsts(counted["row"], batch.consignments["row"])]


def _scheme(batch: Batch) -> pl.Series:
    references = batch.fiscal_references
    is_scheme = references["role"] == "FR5"
    place = firsts(references["row"].filter(is_scheme), batch.consignments["row"])
    return references["id"].filter(is_scheme)[place]


def _has_previous_document(batch: Batch) -> pl.Series:
    documents = batch.documents
    return marks(documents["row"].filter(documents["kind"] == "previous"), batch.consignments["row"])


_RECKONED: dict[str, Callable[[Batch], pl.Series]] = {
    "distinct_codes": _distinct_codes,
    "scheme": _scheme,
    "has_previous_document": _has_previous_document,
}
