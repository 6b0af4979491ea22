"""From a text to a value that a field of the model can hold, in whatever dialect the text stood."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from tidewaiter.formats.text import unfit_in
from tidewaiter.model.about import hints
from tidewaiter.model.finding import Kind

LENGTH_MAX = 4_096
"""Characters of a text whose field names no limit of its own."""
_LAYOUT = re.compile(r"[ \t\r\n]*[\t\r\n][ \t\r\n]*")


class Unfit(ValueError):
    """A value that its field cannot hold. `detail` says what was wanted, and never what was sent."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@functools.cache
def kind_of(struct: type[msgspec.Struct], field: str) -> tuple[Any, msgspec.Meta]:
    """The plain type of a field ('transport.border_mode' and 'packages.0.type' too) and its constraints.

    Raises KeyError where there is none.
    """
    head, _, rest = field.partition(".")
    hint = hints(struct)[head]
    if get_origin(hint) in (Union, UnionType):
        [hint] = [option for option in get_args(hint) if option is not NoneType]
    kind, meta = (get_args(hint)[0], get_args(hint)[1]) if get_origin(hint) is Annotated else (hint, msgspec.Meta())
    if not rest:
        return kind, meta
    place, _, inside = rest.partition(".")
    return kind_of(get_args(kind)[0], inside) if place.isdecimal() else kind_of(kind, rest)


def on_one_line(text: str) -> str:
    """The text without line breaks, which come from how a message is laid out and not from what it says."""
    return _LAYOUT.sub(" ", text).strip()


def text_converter(meta: msgspec.Meta, unfit: Kind) -> Callable[[str], str]:
    """What gives a text back that has the characters, the length and the form of a field, or raises `Unfit`."""
    length = meta.max_length or LENGTH_MAX
    form = re.compile(meta.pattern).search if meta.pattern else None

    def convert(text: str) -> str:
        if not (text.isascii() and text.isprintable()) and (sign := unfit_in(text)):
            raise Unfit(unfit, f"no character {sign}")
        if len(text) > length:
            raise Unfit(unfit, f"at most {length} characters")
        if form is not None and form(text) is None:
            raise Unfit(unfit, f"capital letters, of the form {meta.pattern}")
        return text

    return convert


def whole_converter(meta: msgspec.Meta, written: re.Pattern[str], unfit: Kind) -> Callable[[str], int]:
    """What turns a text into a whole number within the bounds of a field, or raises `Unfit`.

    `written` is how a dialect writes one; its first group is the digits.
    """
    least, most = int(meta.ge or 0), int(meta.le) if meta.le is not None else 2**31 - 1

    def convert(text: str) -> int:
        found = written.fullmatch(text)
        if found is None or not least <= int(found[1]) <= most:
            raise Unfit(unfit, f"a whole number from {least:,} to {most:,}")
        return int(found[1])

    return convert
