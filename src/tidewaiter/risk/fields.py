"""What a condition may speak of: every field with its kind, its bounds and the columns it is made from.

A column of the frame that conditions look at is named `source.column`: `item.hs_code`, `consignment.channel`,
`values.goods_micro`, `consignor.country`, `reckoned.distinct_codes`. Fields of the model are taken from its schema,
so a new one is there at once; what is reckoned stands in `_RECKONED`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import get_args

import msgspec
import polars as pl

from tidewaiter.model import about
from tidewaiter.model.batch import SCHEMA
from tidewaiter.model.consignment import Consignment, GoodsItem, PersonKind
from tidewaiter.model.money import LIMIT, MICRO


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
        return self.name.startswith("item.")


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

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        *_of_schema("consignment", "consignments", _texts(Consignment)),
        *_of_schema("item", "items", _texts(GoodsItem)),
        *_PARTIES,
        *_RECKONED,
    )
}
"""Every field that a condition may name, by its name."""
