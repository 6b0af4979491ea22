"""What a condition may speak of: every field with its kind, its bounds and the columns it is made from.

A column of the frame that conditions look at is named `source.column`: `item.hs_code`, `consignment.channel`,
`values.goods_micro`, `consignor.country`, `reckoned.distinct_codes`, `past.seller_count`. Fields of the model and of
the past are taken from their schemas, so a new one is there at once; what is reckoned stands in `_RECKONED`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import get_args

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.model import about
from tidewaiter.model.batch import SCHEMA
from tidewaiter.model.consignment import Consignment, GoodsItem, PersonKind
from tidewaiter.model.money import LIMIT, MICRO
from tidewaiter.model.past import DOCUMENTS_SAYS, PARTIES_SAYS, PEERS_SAYS, PRODUCTS_SAYS, RECENT_SAYS


class Kind(Enum):
    """What a part of a condition is, in the words an officer reads in an error."""

    TRUTH = "a yes or no"
    WHOLE = "a whole number"
    DECIMAL = "a decimal"
    TEXT = "text"
    TRUTHS = "a list of yes and no"
    WHOLES = "a list of whole numbers"
    DECIMALS = "a list of decimals"
    TEXTS = "a list of texts"
    NAMED_LIST = "a named list"


MICRO_MAX = int(LIMIT) * MICRO
"""No amount, mass or quantity reaches this, in millionths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field: `columns` it needs, and `expr` that makes it of them. Numbers lie from `low` to `high`, decimals in
    millionths. `is_item` where it differs between the goods items of a consignment."""

    name: str
    kind: Kind
    columns: tuple[str, ...]
    expr: pl.Expr
    text: str
    low: int = 0
    high: int = 0
    is_words: bool = False
    """Whether it is a text made here for officers, which a reason may show as it is."""

    @property
    def is_item(self) -> bool:
        """Whether it is known of a goods item only."""
        return self.name.partition(".")[0] in _OF_ITEMS


_OF_ITEMS = frozenset({"item", "peers", "product"})

_KINDS: dict[object, Kind] = {
    pl.String: Kind.TEXT, pl.Int64: Kind.WHOLE, pl.Boolean: Kind.TRUTH, pl.List(pl.String): Kind.TEXTS,
}  # fmt: skip

_NOT_OFFERED = {"row", "item", "accepted_on", "function", "direction"}
"""Keys, the day (`from` and `until` say it) and what is the same for all that are profiled."""


def _of_schema(source: str, frame: str, texts: dict[str, str]) -> Iterator[Field]:
    """The fields of one frame of the batch. Instants are left out: a condition is about a day at the least."""
    for column, dtype in SCHEMA[frame].items():
        if column in _NOT_OFFERED or dtype not in _KINDS:
            continue
        name = column.removesuffix("_micro")
        is_micro = name != column
        kind = Kind.DECIMAL if is_micro else _KINDS[dtype]
        whole = (-(2**63), 2**63) if kind is Kind.WHOLE else (0, 0)
        low, high = (0, MICRO_MAX) if is_micro else whole
        full = f"{source}.{column}"
        text = texts.get(name) or texts.get(name.removesuffix("_currency"), "")
        yield Field(
            name=f"{source}.{name}", kind=kind, columns=(full,), expr=pl.col(full), text=text, low=low, high=high
        )


def _texts(struct: type[msgspec.Struct], prefix: str = "") -> dict[str, str]:
    """What is known of each field, under the name of its column."""
    texts: dict[str, str] = {}
    for name, kind, known in about.fields(struct):
        texts[prefix + name] = known.text if known else ""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            texts |= _texts(kind, f"{prefix}{name}_")
    return texts


def _per(amount: str, units: str) -> pl.Expr:
    """Millionths of an amount for a whole unit, cut to the millionth; null where there are no units."""
    return pl.col(amount).cast(pl.Int128) * MICRO // pl.col(units)


_PERSON_KINDS = ", ".join(get_args(PersonKind))
_PARTIES = tuple(
    Field(name=f"{role}.{what}", kind=Kind.TEXT, columns=(f"{role}.{what}",), expr=pl.col(f"{role}.{what}"), text=text)
    for role in ("consignor", "consignee", "seller")
    for what, text in (("country", f"Country of the {role}"), ("kind", f"What the {role} is: {_PERSON_KINDS}"))
)

_RECKONED = (
    Field(
        name="item.value",
        kind=Kind.DECIMAL,
        columns=("values.goods_micro",),
        expr=pl.col("values.goods_micro"),
        text="What the goods of the line cost without carriage, in the country's own currency",
        high=2**63,
    ),
    Field(
        name="item.assessed_value",
        kind=Kind.DECIMAL,
        columns=("values.customs_value_micro",),
        expr=pl.col("values.customs_value_micro"),
        text="Customs value of the line as assessed, in the country's own currency",
        high=2**63,
    ),
    Field(
        name="item.value_per_kg",
        kind=Kind.DECIMAL,
        columns=("values.goods_micro", "item.net_mass_micro"),
        expr=_per("values.goods_micro", "item.net_mass_micro"),
        text="What a net kilogram of the goods costs, in the country's own currency",
        high=2**63 * MICRO,
    ),
    Field(
        name="item.value_per_unit",
        kind=Kind.DECIMAL,
        columns=("values.goods_micro", "item.quantity_micro"),
        expr=_per("values.goods_micro", "item.quantity_micro"),
        text="What one unit of the goods costs, in the country's own currency",
        high=2**63 * MICRO,
    ),
    Field(
        name="consignment.value",
        kind=Kind.DECIMAL,
        columns=("reckoned.value",),
        expr=pl.col("reckoned.value"),
        text="What all its goods cost without carriage, in the country's own currency",
        high=2**63,
    ),
    Field(
        name="consignment.threshold_share",
        kind=Kind.DECIMAL,
        columns=("reckoned.threshold_share",),
        expr=pl.col("reckoned.threshold_share"),
        text="That value as a share of the lowest threshold of law for such a consignment that it does not pass",
        high=MICRO,
    ),
    Field(
        name="consignment.distinct_codes",
        kind=Kind.WHOLE,
        columns=("reckoned.distinct_codes",),
        expr=pl.col("reckoned.distinct_codes"),
        text="How many different commodity codes its items have",
        high=2**32,
    ),
    Field(
        name="consignment.scheme",
        kind=Kind.TEXT,
        columns=("reckoned.scheme",),
        expr=pl.col("reckoned.scheme"),
        text="Number of the import scheme it was sold under (fiscal reference FR5)",
    ),
    Field(
        name="consignment.has_previous_document",
        kind=Kind.TRUTH,
        columns=("reckoned.has_previous_document",),
        expr=pl.col("reckoned.has_previous_document"),
        text="Whether it or an item of it names a previous document",
    ),
    Field(
        name="consignment.denied_score",
        kind=Kind.WHOLE,
        columns=("reckoned.denied_score",),
        expr=pl.col("reckoned.denied_score"),
        text="How sure it is that a party is on a list of denied parties, of 100; below 22 it is 0; missing where no "
        "list holds",
        high=100,
    ),
    Field(
        name="consignment.denied_lists",
        kind=Kind.TEXTS,
        columns=("reckoned.denied_lists",),
        expr=pl.col("reckoned.denied_lists"),
        text="The lists of denied parties that a party may be on",
    ),
    Field(
        name="consignment.denied_why",
        kind=Kind.TEXT,
        columns=("reckoned.denied_why",),
        expr=pl.col("reckoned.denied_why"),
        text="Which party may be whom on which list, and why; for the reason of a profile",
        is_words=True,
    ),
)

_PAST: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("past", "recent", RECENT_SAYS),
    ("past", "parties", PARTIES_SAYS),
    ("past", "documents", DOCUMENTS_SAYS),
    ("peers", "peers", PEERS_SAYS),
    ("product", "products", PRODUCTS_SAYS),
)
PAST_FRAMES = {f"{source}.{column}": frame for source, frame, says in _PAST for column in says}
"""The frame of the past that a column such as `past.seller_count` stands in."""


def _of_past() -> Iterator[Field]:
    """The fields that tell of earlier consignments; each is missing where nothing is known."""
    for source, _, says in _PAST:
        for column, text in says.items():
            full = f"{source}.{column}"
            yield Field(
                name=full.removesuffix("_micro"),
                kind=Kind.DECIMAL if column.endswith("_micro") else Kind.WHOLE,
                columns=(full,),
                expr=pl.col(full),
                text=text,
                low=-(2**63) if column.endswith("_deviation_micro") else 0,
                high=2**63,
            )


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        *_of_schema("consignment", "consignments", _texts(Consignment)),
        *_of_schema("item", "items", _texts(GoodsItem)),
        *_PARTIES,
        *_RECKONED,
        *_of_past(),
    )
}
"""Every field that a condition may name, by its name."""


def figures(column: pl.Series, field: Field) -> npt.NDArray[np.float64]:
    """The field's values for statistics: decimals in whole units, a yes as one, NaN where nothing is known."""
    # A column of whole numbers with a gap is one of floating numbers in NumPy.
    told = column if column.dtype == pl.Int64 else column.cast(pl.Float64)
    found = told.to_numpy().astype(np.float64, copy=False)
    return found / MICRO if field.kind is Kind.DECIMAL else found
