"""What is known of a field besides its type: its WCO id, who may see it, what it is for, how long it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

Privacy = Literal["public", "business", "personal", "sensitive"]
Purpose = Literal["identify", "classify", "value", "collect", "control", "route", "answer"]

KEEP_CONTROL = "P3Y"
"""Three years: customs control after release (Union Customs Code, art. 51; UK Customs Traders Order 2018)."""
KEEP_ACCOUNT = "P10Y"
"""Ten years: records of a VAT import scheme (Directive 2006/112/EC, art. 369x)."""
KEEP_PERSON = "P18M"
"""Eighteen months: personal details of a consumer, once released and past the time for repayment claims."""

WHOLE_MAX = 2_147_483_647
"""No count, number or version that is declared may be greater."""


class About(msgspec.Struct, frozen=True):
    """What a reader of the model must know of a field: `wco` is '' where the WCO Data Model has none we know of."""

    text: str
    wco: str
    privacy: Privacy
    purpose: Purpose
    keep: str


def about(
    text: str,
    *,
    wco: str = "",
    privacy: Privacy = "business",
    purpose: Purpose = "control",
    keep: str = KEEP_CONTROL,
    pattern: str | None = None,
    max_length: int | None = None,
    ge: int | None = None,
    le: int | None = None,
    tz: bool | None = None,
) -> msgspec.Meta:
    """The annotation for one field: constraints for the boundary and an `About` for everyone else.

    A whole number with a lower bound and no upper one gets `WHOLE_MAX`, so that no column overflows.
    """
    known = About(text=text, wco=wco, privacy=privacy, purpose=purpose, keep=keep)
    constraints: dict[str, Any] = {
        "pattern": pattern,
        "max_length": max_length,
        "ge": ge,
        "le": WHOLE_MAX if le is None and ge is not None else le,
        "tz": tz,
    }
    shown = {"x-wco": wco, "x-privacy": privacy, "x-purpose": purpose, "x-keep": keep}
    return msgspec.Meta(description=text, extra={"about": known}, extra_json_schema=shown, **constraints)


@cache
def hints(struct: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The annotations of a record's fields by name, constraints in them; worked out once, since that is slow."""
    return get_type_hints(struct, include_extras=True)


def fields(struct: type[msgspec.Struct]) -> Iterator[tuple[str, Any, About | None]]:
    """Each field of a record as (name, type without annotation and without None, About or None), in order."""
    for name in struct.__struct_fields__:
        yield name, *_bare(hints(struct)[name])


def _bare(hint: Any) -> tuple[Any, About | None]:
    if get_origin(hint) in (Union, UnionType):
        [hint] = [option for option in get_args(hint) if option is not NoneType]
    if get_origin(hint) is not Annotated:
        return hint, None
    kind, *notes = get_args(hint)
    for note in notes:
        if isinstance(note, msgspec.Meta) and note.extra and "about" in note.extra:
            return kind, note.extra["about"]
    return kind, None
