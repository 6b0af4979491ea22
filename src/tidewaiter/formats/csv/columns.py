"""The columns a sheet may have: one for each plain field of the model, found by heading.

A column's own name is the field's; `columns.toml` adds the names people use. Fields of a goods item that the head of
the consignment has as well are called `line_…`, but for the mass, where the row's own is meant and the head's is
`total_gross_mass`.
"""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from tidewaiter.model.consignment import Classification, Consignment, FiscalReference, GoodsItem, Party, Role
from tidewaiter.model.money import Money

Scope = Literal["head", "item", "party", "fiscal", "code", "row"]

with (Path(__file__).parent / "columns.toml").open("rb") as _file:
    _TOML = tomllib.load(_file)


@dataclass(frozen=True)
class Column:
    """A column: which field of which record it fills. `key` is the party's role, or the scheme of a code."""

    name: str
    scope: Scope
    field: str
    hint: Any
    key: str = ""

    @functools.cached_property
    def kind(self) -> Any:
        """The type of its values, without annotation."""
        return get_args(self.hint)[0] if get_origin(self.hint) is Annotated else self.hint

    @functools.cached_property
    def meta(self) -> msgspec.Meta:
        """What is annotated of its values: pattern, length, bounds."""
        found: msgspec.Meta = get_args(self.hint)[1] if get_origin(self.hint) is Annotated else msgspec.Meta()
        return found

    @functools.cached_property
    def is_mass(self) -> bool:
        """Whether it holds kilograms, or another unit of mass to be brought to them."""
        return self.field.endswith("_mass")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a sheet as its owner wrote it, and what it stands for. `unit` is a currency or a unit of mass."""

    text: str
    place: int
    column: Column
    unit: str = ""


def _bare(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        [hint] = [option for option in get_args(hint) if option is not NoneType]
    return hint


def _plain_fields(struct: type[msgspec.Struct]) -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(struct, include_extras=True).items():
        bare = _bare(hint)
        kind = get_args(bare)[0] if get_origin(bare) is Annotated else bare
        is_record = isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not Money
        is_records = get_origin(kind) is tuple and get_args(kind)[0] is not str
        if name in struct.__struct_fields__ and not is_record and not is_records:
            yield name, bare


_TOTALS = {"gross_mass": "total_gross_mass"}
_LINE = {"price": "line_total", "gross_mass": "gross_mass"}
_FISCAL_ID = get_type_hints(FiscalReference, include_extras=True)["id"]
_CODE = get_type_hints(Classification, include_extras=True)["code"]
FISCAL_ROLES = tuple(f"FR{number}" for number in range(1, 8))
SCHEMES = ("SKU", "GTIN", "MPN", "TRA", "GN", "CV")
ROLES: tuple[Role, ...] = get_args(Role)


def _columns() -> Iterator[Column]:
    head = dict(_plain_fields(Consignment))
    for name, hint in head.items():
        yield Column(_TOTALS.get(name, name), "head", name, hint)
    for role in ROLES:
        for name, hint in _plain_fields(Party):
            if name != "role":
                yield Column(f"{role}_{name}", "party", name, hint, role)
    for fiscal in FISCAL_ROLES:
        yield Column(f"fiscal_{fiscal.lower()}", "fiscal", "id", _FISCAL_ID, fiscal)
    for name, hint in _plain_fields(GoodsItem):
        yield Column(_LINE.get(name, f"line_{name}" if name in head else name), "item", name, hint)
    for scheme in SCHEMES:
        yield Column(f"code_{scheme.lower()}", "code", "code", _CODE, scheme)
    yield Column("currency", "row", "currency", str)
    yield Column("unit_price", "row", "unit_price", Money)
    yield Column("price", "row", "price", Money)
    yield Column("weight", "row", "weight_mass", Decimal)
    yield Column("mass_unit", "row", "mass_unit", str)


COLUMNS: dict[str, Column] = {column.name: column for column in _columns()}
"""Every column by its own name, in the order in which they are written."""


def folded(text: str) -> str:
    """The letters and digits of a heading alone, without case and accents."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in spread if char.isalnum())


def _known() -> dict[str, Column]:
    known = {folded(name): column for name, column in COLUMNS.items()}
    for name, others in _TOML["names"].items():
        for other in others:
            known.setdefault(folded(other), COLUMNS[name])
    return known


_KNOWN = _known()
_AS_WRITTEN: dict[str, str] = {
    folded(name): name for names in ((column, *_TOML["names"].get(column, ())) for column in COLUMNS) for name in names
}
IGNORED: frozenset[str] = frozenset(map(folded, _TOML["ignored"]))
"""Headings that are ours or mean nothing, and are passed over without a word."""
_UNIT_NAMES: dict[str, str] = {
    folded(other): unit for unit, about in _TOML["units"].items() for other in (unit, *about["names"])
}  # fmt: skip
KILOGRAMS: dict[str, Decimal] = {unit: Decimal(about["is"]) for unit, about in _TOML["units"].items()}
"""Kilograms in one of each unit of mass."""
CURRENCY_SIGNS: dict[str, str] = _TOML["currency_signs"]
_VALUES: dict[str, dict[str, str]] = {
    field: {folded(other): ours for ours, others in words.items() for other in (ours, *others)}
    for field, words in _TOML["values"].items()
}
HEADING_MAX = 80
"""No heading is longer; looking closely at one of megabytes would take for ever."""
_WITH_UNIT = re.compile(r"^(.*?)[\s_(\[/,]+(?:in\s+)?([^\s_()\[\],]+)[)\]\s]*$", re.DOTALL)


def heading(text: str, place: int) -> Heading | None:
    """What a heading stands for, None where that is not known."""
    known = _stands_for(text) if len(text) <= HEADING_MAX else None
    return Heading(text, place, *known) if known else None


@functools.lru_cache(4_096)
def _stands_for(text: str) -> tuple[Column, str] | None:
    """The column and the unit; the same headings come again with every sheet."""
    column = _KNOWN.get(folded(text))
    if column is not None:
        return column, ""
    parts = _WITH_UNIT.match(text.strip())
    column = _KNOWN.get(folded(parts[1])) if parts else None
    if parts is None or column is None:
        return None
    if column.is_mass and (unit := mass_unit(parts[2])):
        return column, unit
    # A currency is told from a word by being written large; which codes are in force is for the checks to say.
    if column.kind is Money and re.fullmatch("[A-Z]{3}", parts[2]):
        return column, parts[2]
    return None


def nearest(text: str) -> str:
    """The known heading most like this one, as people write it; '' where none is like it."""
    if len(text) > HEADING_MAX:
        return ""
    like = difflib.get_close_matches(folded(text), _AS_WRITTEN, n=1, cutoff=0.75)
    return _AS_WRITTEN[like[0]] if like else ""


def mass_unit(text: str) -> str:
    """kg, g, lb or oz for any of their names, '' for anything else."""
    return _UNIT_NAMES.get(folded(text), "")


def word(field: str, text: str) -> str:
    """Our word for what stands in a cell ('gift' for 'Geschenk'); the text itself where there is none."""
    return _VALUES.get(field, {}).get(folded(text), text)
