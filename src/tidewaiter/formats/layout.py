"""Where each field of a consignment stands: by the object it is in, and in which column of a batch.

All follows from the model: an object that may stand somewhere is a context, a name in it a place, and a place holds a
value or is the context of what stands below it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from tidewaiter.model.consignment import Consignment
from tidewaiter.model.money import Money

ONE, MANY, TEXTS = 1, 2, 3
"""What opens below a name: an object, a list of objects, a list of texts."""
TEXT, CAPITALS, EXACT, WHOLE, TOLD = 1, 2, 3, 4, 5
"""What a value is: any text; some capital letters; an exact number; a whole number; what the type itself must say."""

_BYTES_MAX = 2**31 - 1


class Context(NamedTuple):
    """An object that may stand somewhere. `frame` and `prefix` say which columns its values fill, `above` the context
    it stands in, `shape` how it stands there."""

    struct: type[msgspec.Struct]
    frame: str
    prefix: str
    above: int
    shape: int
    required: tuple[int, ...] = ()
    """The places that may not be empty."""


class Place(NamedTuple):
    """What a name in a context holds: a value in a `column` of a frame, or what is `below`, a context.

    `sort` is what its value is, or 0; `shape` what opens there, or 0. `entity` is the context that has a row for it.
    """

    name: str
    context: int
    entity: int
    column: str = ""
    sort: int = 0
    shape: int = 0
    below: int = -1
    hint: Any = None
    is_optional: bool = False
    sizes: tuple[int, ...] = ()
    bytes_max: int = _BYTES_MAX
    whole_max: int = 0
    usual: str | None = None
    """What holds where nothing is said."""


CONTEXTS: list[Context] = [Context(Consignment, "consignments", "", -1, MANY)]
PLACES: list[Place] = [Place("", -1, -1)]


def _bare(hint: Any) -> tuple[Any, Any, bool]:
    """The type without None and annotation, with its annotation, and whether it may be None."""
    is_optional = get_origin(hint) in (Union, UnionType)
    if is_optional:
        [hint] = [option for option in get_args(hint) if option is not NoneType]
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return kind, hint, is_optional


def _entity(context: int) -> int:
    """The context that has a row in a frame: this one, or the one it is laid flat in."""
    while CONTEXTS[context].shape == ONE:
        context = CONTEXTS[context].above
    return context


def _walk(number: int) -> None:
    context = CONTEXTS[number]
    entity = _entity(number)
    required: list[int] = []
    fields = {field.name: field for field in msgspec.structs.fields(context.struct)}
    for name, annotated in get_type_hints(context.struct, include_extras=True).items():
        kind, hint, is_optional = _bare(annotated)
        column = f"{context.prefix}{name}"
        place = Place(name, number, entity, column=column, hint=hint, is_optional=is_optional)
        inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            shape = ONE if inner is kind else MANY
            frame = context.frame if shape == ONE else name
            place = place._replace(column="", shape=shape, below=len(CONTEXTS))
            CONTEXTS.append(Context(inner, frame, f"{column}_" if shape == ONE else "", number, shape))
        elif inner is not kind:
            place = place._replace(shape=TEXTS, sort=TEXT, below=len(CONTEXTS))
            CONTEXTS.append(Context(context.struct, context.frame, column, number, TEXTS))
        else:
            usual = fields[name].default
            place = _leaf(place._replace(usual=usual if isinstance(usual, str) else None), context, kind)
        if fields[name].required:
            required.append(len(PLACES))
        PLACES.append(place)
    CONTEXTS[number] = context._replace(required=tuple(required))


def _leaf(place: Place, context: Context, kind: Any) -> Place:
    meta = get_args(place.hint)[1] if get_origin(place.hint) is Annotated else msgspec.Meta()
    if kind is Decimal:
        amount = context.struct is Money
        return place._replace(sort=EXACT, column=f"{context.prefix}micro" if amount else f"{place.column}_micro")
    if kind is int:
        return place._replace(sort=WHOLE, whole_max=int(meta.le or 0))
    if kind is str and meta.pattern:
        sizes = {"^[A-Z]{2}$": (2,), "^[A-Z]{3}$": (3,), "^([A-Z]{2})?$": (0, 2)}.get(meta.pattern)
        return place._replace(sort=CAPITALS, sizes=sizes) if sizes else place._replace(sort=TOLD)
    if kind is str:
        return place._replace(sort=TEXT, bytes_max=meta.max_length or _BYTES_MAX)
    if get_origin(kind) is Literal or kind in (date, datetime):
        return place._replace(sort=TOLD)
    raise TypeError(f"{place.name}: no column holds a {kind}")


_number = 0
while _number < len(CONTEXTS):
    if CONTEXTS[_number].shape != TEXTS:
        _walk(_number)
    _number += 1

NAMES: list[str] = ["", *dict.fromkeys(place.name for place in PLACES[1:])]
"""Every name a field has; the first stands for any other."""
_OF_NAME = {name: number for number, name in enumerate(NAMES)}

UNKNOWN = len(CONTEXTS)
"""The context of what nothing is known of."""
TABLE = np.zeros((len(CONTEXTS) + 1, len(NAMES)), np.int16)
"""The place of each name in each context."""
for _number, _place in enumerate(PLACES[1:], start=1):
    TABLE[_place.context, _OF_NAME[_place.name]] = _number

SHAPE = np.array([place.shape for place in PLACES], np.int8)
BELOW = np.array([place.below if place.below >= 0 else UNKNOWN for place in PLACES], np.int16)
SORT = np.array([0 if place.shape else place.sort for place in PLACES], np.int8)
"""What the value of each place is; 0 where it has none itself."""
BYTES_MAX = np.array([place.bytes_max for place in PLACES], np.int64)
WHOLE_MAX = np.array([place.whole_max for place in PLACES], np.int64)
IS_OPTIONAL = np.array([place.is_optional for place in PLACES], np.bool_)
SHAPE_OF_CONTEXT = np.array([*(context.shape for context in CONTEXTS), 0], np.int8)
TEXTS_OF_CONTEXT = np.zeros(len(CONTEXTS) + 1, np.int16)
"""The place whose texts stand in a list of texts."""
for _number, _place in enumerate(PLACES):
    if _place.shape == TEXTS:
        TEXTS_OF_CONTEXT[_place.below] = _number
