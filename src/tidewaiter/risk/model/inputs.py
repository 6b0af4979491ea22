"""What a model may look at, and under which reason each of it counts.

Figures of the consignment and of its past (`risk.features`), how strongly each profile of the law spoke, and a few
kinds of things (code, origin, how it is declared), of which it is told how often they were found wrong. Never a party's
own attributes, and nothing made of a name: `refused` says why a field may not be looked at, by the privacy class that
the model of the data gives it. A profile that looks at such a field is not an input either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.model import about
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment, GoodsItem
from tidewaiter.model.past import Past
from tidewaiter.model.rows import firsts
from tidewaiter.risk.draw import RANDOM
from tidewaiter.risk.features import OF_CONSIGNMENTS, OF_ITEMS, features
from tidewaiter.risk.fields import FIELDS
from tidewaiter.risk.model.rates import Chains
from tidewaiter.risk.profiles import Profile
from tidewaiter.risk.rules import ruleset

REASONS: dict[str, str] = {
    "price": "The price is unlike that of goods of its kind",
    "threshold": "The value lies close below a threshold of law",
    "splitting": "The same person had several parcels within a short time",
    "seller": "What is known of the seller",
    "identity": "The identity number was used under other names",
    "scheme": "How the import scheme number was used before",
    "documents": "Order, payment, waybill and declaration do not agree",
    "goods": "The kind of goods, and how such goods were declared before",
    "route": "Where the goods come from",
    "terms": "How the goods are declared and carried",
    "parcel": "Mass, quantity or number of items",
    "profiles": "What the profiles of officers saw",
}
"""Every reason that a model can give, in the field's words. The words are marked for translation where they are
shown."""

_REASON_OF = (
    ("consignment.threshold_share", "threshold"),
    ("past.seller_just_below", "threshold"),
    ("past.seller_near_below", "threshold"),
    ("past.seller_low_price_rate", "price"),
    ("past.seller_", "seller"),
    ("past.consignee_", "splitting"),
    ("past.identity_", "identity"),
    ("past.scheme_", "scheme"),
    ("past.document_", "documents"),
    ("peers.", "price"),
    ("product.", "goods"),
    ("consignment.distinct_codes", "goods"),
    ("consignment.value", "price"),
    ("consignment.freight", "price"),
    ("consignment.", "parcel"),
    ("item.value", "price"),
    ("item.", "parcel"),
    ("rate.goods.", "goods"),
    ("rate.route.", "route"),
    ("rate.terms.", "terms"),
    ("signal.", "profiles"),
)
"""The reason of a feature, by how its name begins; the first that fits."""

CHAINS: Chains = {
    "goods": (("hs2",), ("hs4",), ("hs6",)),
    "route": (("origin_country",), ("origin_country", "export_country")),
    "terms": (("jurisdiction",), ("jurisdiction", "channel"), ("jurisdiction", "channel", "category")),
}
"""The kinds of things of which a model is told how often they were found wrong."""
KINDS: dict[str, str] = {
    "hs2": "item.hs_code", "hs4": "item.hs_code", "hs6": "item.hs_code", "origin_country": "item.origin_country",
    "export_country": "consignment.export_country", "jurisdiction": "consignment.jurisdiction",
    "channel": "consignment.channel", "category": "consignment.category",
}  # fmt: skip
"""The columns of the chains, and the field that each is made of. Of several items the first counts."""

WORDS_OF_GOODS = "item.description"
"""Classed personal, as people write names into it; but whether a profile's words are in it tells of the goods alone."""
PUBLIC = frozenset({"public", "business"})
_COUNTED = ("past.", "peers.", "product.", "values.", "reckoned.")
"""Columns that count or add up: of persons they say how many and how often, and nothing of who they are."""
_OF_NAMES = ("reckoned.denied_",)
_OF_PARTIES = ("consignor.", "consignee.", "seller.")


class Inputs(NamedTuple):
    """What is known of each consignment of a batch. `figures`: `row` and Float64 columns, null where nothing is known;
    `kinds`: the columns KINDS, beside them."""

    figures: pl.DataFrame
    kinds: pl.DataFrame

    @classmethod
    def joined(cls, parts: Iterable[Inputs]) -> Inputs:
        """All of them one under the other; what only some know is null in the others."""
        each = list(parts)
        return cls(pl.concat([one.figures for one in each], how="diagonal"), pl.concat([one.kinds for one in each]))

    def only(self, which: pl.Series) -> Inputs:
        """Those for which it is true."""
        return Inputs(self.figures.filter(which), self.kinds.filter(which))


def inputs(batch: Batch, values: pl.DataFrame, law: Law, past: Past, signals: pl.DataFrame) -> Inputs:
    """What a model may look at of the batch. `values` is a frame VALUES; `signals` a frame SIGNALS about the batch, of
    which the random draw and profiles that a model may not know are left out."""
    figures = features(batch, values, law, past)
    rows = batch.consignments.select("row")
    heard = signals.group_by("row", "profile").agg(pl.col("score").max().cast(pl.Float64))
    by_profile = {str(name): some for (name,), some in heard.group_by("profile")}
    columns = {}
    for profile in ruleset(law).profiles:
        if not _is_told(profile):
            continue
        loud = _loud(rows, by_profile.get(profile.id), profile.score)
        name = f"detector.{profile.id}"
        if profile.detector is None:
            name = f"signal.{profile.id}"
        elif name in figures.columns:
            # Where the past is not at hand, what the detector saw when it was is in its signal.
            loud = figures.select(pl.max_horizontal(name, loud)).to_series()
        columns[name] = loud.alias(name)
    return Inputs(figures.with_columns(columns.values()), _kinds(batch))


def _loud(rows: pl.DataFrame, heard: pl.DataFrame | None, score: int) -> pl.Series:
    """How much of its score the profile gave each row, from nought to one."""
    if heard is None:
        return pl.Series("score", [0.0]).new_from_index(0, len(rows))
    beside = rows.join(heard, on="row", how="left", maintain_order="left")["score"].fill_null(0.0)
    return (beside / max(score, 1)).clip(0.0, 1.0)


def _is_told(profile: Profile) -> bool:
    """Whether a model may know that the profile spoke. What one says that is only tried has no effect."""
    return profile.id != RANDOM and not profile.is_shadow and not any(map(refused, profile.looks_at))


def _kinds(batch: Batch) -> pl.DataFrame:
    heads, items = batch.consignments, batch.items
    first = firsts(items["row"], heads["row"])
    code = items["hs_code"].cast(pl.String)[first] if len(items) else pl.Series([None] * len(heads), dtype=pl.String)
    origin = items["origin_country"].cast(pl.String)[first] if len(items) else code
    own = heads.select(pl.col("export_country", "jurisdiction", "channel", "category").cast(pl.String))
    cut = [code.str.head(digits).alias(f"hs{digits}") for digits in (2, 4, 6)]
    return pl.DataFrame([*cut, origin.alias("origin_country"), *own.get_columns()])


def reason_of(feature: str, detectors: Mapping[str, str]) -> str:
    """The key in REASONS under which a feature counts. `detectors` are the reasons of `detector.…`, see
    `detectors_of`. Raises ValueError for what is no feature."""
    if feature in detectors:
        return detectors[feature]
    for begin, reason in _REASON_OF:
        if feature.startswith(begin):
            return reason
    raise ValueError(f"{feature} counts under no reason")


def detectors_of(law: Law) -> dict[str, str]:
    """The reason of each feature that is a detector's: that of the last field it looks at, which is its own."""
    return {
        f"detector.{profile.id}": reason_of(profile.detector.looks_at[-1], {})
        for profile in ruleset(law).profiles
        if profile.detector is not None
    }


def refused(field: str) -> str | None:
    """Why no model may look at the field; None where it may. A field of the profile language."""
    if field == WORDS_OF_GOODS:
        return None
    if field not in FIELDS:
        return "it is no field"
    for column in FIELDS[field].columns:
        if column.startswith(_OF_PARTIES):
            return "it is an attribute of a party"
        if column.startswith(_OF_NAMES):
            return "it is made of names"
        if column.startswith(_COUNTED):
            continue
        privacy = _PRIVACY.get(column.removesuffix("_micro"))
        if privacy not in PUBLIC:
            return f"its class is {privacy or 'not known'}"
    return None


def looked_at(law: Law) -> dict[str, frozenset[str]]:
    """Every input of a model, and the fields of the profile language that it is made of."""
    found = {name: frozenset({name}) for name in OF_CONSIGNMENTS}
    found |= {f"{name}.{end}": frozenset({name}) for name in OF_ITEMS for end in ("least", "greatest")}
    for profile in ruleset(law).profiles:
        if _is_told(profile):
            kind = "signal" if profile.detector is None else "detector"
            found[f"{kind}.{profile.id}"] = profile.looks_at
    for chain, levels in CHAINS.items():
        of = frozenset(KINDS[column] for column in levels[-1])
        found |= {f"rate.{chain}.{end}": of for end in (*map(str, range(len(levels))), "seen")}
    return found


def _classes(source: str, struct: type[msgspec.Struct], prefix: str = "") -> dict[str, str]:
    """The privacy class of each field, under the name of its column."""
    found: dict[str, str] = {}
    for name, kind, known in about.fields(struct):
        if known is not None:
            found[f"{source}.{prefix}{name}"] = known.privacy
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found |= _classes(source, kind, f"{prefix}{name}_")
    return found


_PRIVACY = _classes("consignment", Consignment) | _classes("item", GoodsItem)


def matrix(frame: pl.DataFrame, names: Iterable[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """These columns for trees, NaN where a figure is not known or a column is not there."""
    there = set(frame.columns)
    columns = [frame[name].to_numpy() if name in there else np.full(len(frame), np.nan) for name in names]
    return np.column_stack(columns) if columns else np.zeros((len(frame), 0))
