"""Hypothesis strategies for the records of the model, made from their annotations: a new field is covered at once.

Values are canonical, so that they survive columns and every format that has the field: text is stripped and
printable, instants are in UTC, a record inside another is never empty.
"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from tidewaiter.model.consignment import COUNTRY, COUNTRY_OR_NONE, Consignment, GoodsItem, Party
from tidewaiter.model.money import Money

CURRENCIES = ("GBP", "EUR", "DKK", "CNY", "USD", "JPY")
COUNTRIES = ("GB", "FR", "DE", "DK", "ZZ", "CN", "US", "NO")
_LENGTH_MAX = 24
_BIDI = "\u200e\u200f\u061c\u2028\u2029"
_letters = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Cf"), exclude_characters=_BIDI
)  # fmt: skip
_amounts = st.integers(0, 10**12).map(lambda micro: Decimal(micro).scaleb(-6))
_cents = st.integers(0, 10**8).map(lambda cents: Decimal(cents).scaleb(-2))


def texts(length_max: int | None = None) -> st.SearchStrategy[str]:
    """Printable text of any script, stripped, with at least one character."""
    return (
        st.text(_letters, min_size=1, max_size=min(length_max or _LENGTH_MAX, _LENGTH_MAX)).map(str.strip).filter(bool)
    )


def decimals() -> st.SearchStrategy[Decimal]:
    """Exact numbers from 0, mostly with two decimals, at times with six."""
    return st.one_of(_cents, _amounts)


def amounts() -> st.SearchStrategy[Money]:
    """Amounts in one of a few currencies."""
    return st.builds(Money, amount=decimals(), currency=st.sampled_from(CURRENCIES))


@functools.cache
def records(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Records of one type, each optional field there or not."""
    hints = get_type_hints(struct, include_extras=True)
    fields = {field.name: (field.required, values(hints[field.name])) for field in msgspec.structs.fields(struct)}
    required = {name: strategy for name, (needed, strategy) in fields.items() if needed}
    optional = {name: strategy for name, (needed, strategy) in fields.items() if not needed}
    made = st.fixed_dictionaries(required, optional=optional).map(lambda found: struct(**found))
    if required:
        return made
    return made.filter(lambda record: record != struct())


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values for an annotation of the model; a field that may be null is simply left out elsewhere."""
    if get_origin(hint) in (Union, UnionType):
        [hint] = [option for option in get_args(hint) if option is not NoneType]
    meta: msgspec.Meta | None = None
    if get_origin(hint) is Annotated:
        hint, meta = get_args(hint)[0], get_args(hint)[1]
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if hint is Money:
        return amounts()
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return records(hint)
    if hint is str and meta is not None and meta.pattern:
        return st.sampled_from(COUNTRIES if meta.pattern in (COUNTRY, COUNTRY_OR_NONE) else CURRENCIES)
    first, last = datetime(2019, 1, 1), datetime(2030, 12, 31)  # noqa: DTZ001  bounds have no zone
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: texts(meta.max_length if meta else None),
        int: st.integers(0, 99_999 if meta is None or meta.le is None else int(meta.le)),
        Decimal: decimals(),
        date: st.dates(first.date(), last.date()),
        datetime: st.datetimes(first, last, timezones=st.just(UTC)),
    }
    return plain[hint]


def consignments() -> st.SearchStrategy[Consignment]:
    """Consignments of up to two items with everything a record can hold."""
    return records(Consignment)


def items() -> st.SearchStrategy[GoodsItem]:
    """Goods items with everything a record can hold."""
    return records(GoodsItem)


def parties() -> st.SearchStrategy[Party]:
    """Parties in any role."""
    return records(Party)
