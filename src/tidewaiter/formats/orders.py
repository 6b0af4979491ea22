"""An order as a marketplace sends it, read into a consignment: one mechanism, and one small table a marketplace.

A table (`fields.csv` beside each marketplace's format) says which of their places fills which of ours and how it is
written there. What an order has no place for in a consignment is listed as dropped. The order is laid out anew as our
own JSON, so that bounds and patterns of the fields are those of the format `json`; what has to be reckoned (line
prices from unit prices, discounts, tax inside the prices, grams and ounces) is reckoned in `orders_reckoning`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tidewaiter.formats.csv.columns import heading
from tidewaiter.formats.json.building import Repeated
from tidewaiter.formats.json.kinds import MALFORMED, NOT_UTF8, TOO_DEEP, TWICE
from tidewaiter.formats.json.tree import tree_of, where
from tidewaiter.formats.orders_values import WHOLE, Refusal, value_of
from tidewaiter.formats.text import found, shortened
from tidewaiter.model.finding import Finding, Kind

Tree = Any
BOM = b"\xef\xbb\xbf"
NAMED = frozenset({"hs_code", "origin_country"})
"""What a seller may say of an article in a property of his own naming: shops have no field for it."""


class Field(NamedTuple):
    """A row of a table: the place of theirs, the place of ours, how it is written, and the place in the table."""

    theirs: str
    ours: str
    kind: str
    rank: int


@dataclass(slots=True)
class Step:
    """A step into their order: the steps from here by name, those that a list's entries tell by a value, the field.

    `holds_lines` where it is the list of the order's lines.
    """

    into: dict[str, Step] = field(default_factory=dict)
    telling: dict[tuple[str, str], Step] = field(default_factory=dict)
    field: Field | None = None
    holds_lines: bool = False


@dataclass(frozen=True)
class Dialect:
    """A marketplace: the names in a message that tell it, where its orders stand, and its table.

    `same_for_all` is what is true of each of its orders, and an object with one of the names `telling` is an order.
    With `settled_by_total` nothing says whether prices hold the tax, and the total does. `joined_by` is the name under
    which parts of one order are told to belong together, and `always_said` is what every order of theirs says of the
    tax, in the way that ours are written.
    """

    name: str
    marks: re.Pattern[bytes]
    wrappers: frozenset[str]
    fields: tuple[Field, ...]
    start: Step
    telling: frozenset[str]
    same_for_all: Mapping[str, str]
    settled_by_total: bool = False
    joined_by: str = ""
    always_said: Mapping[str, bool] = field(default_factory=dict)


def dialect(
    folder: Path,
    *,
    marks: str,
    wrappers: Sequence[str],
    same_for_all: Mapping[str, str] | None = None,
    settled_by_total: bool = False,
    joined_by: str = "",
    always_said: Mapping[str, bool] | None = None,
) -> Dialect:
    """The marketplace whose table lies in the folder. `marks` are names of fields, with `|` between them."""
    fields = tuple(_rows(folder / "fields.csv"))
    start = Step()
    for row in fields:
        step = start
        for name in row.theirs.split("/")[1:]:
            step.holds_lines |= name == "*" and row.ours.startswith("/items/") and step.field is None
            if name.startswith("*") and len(name) > 1:
                key, _, value = name[1:].partition("=")
                step = step.telling.setdefault((key, value), Step())
                step.into.setdefault(key, Step(field=Field("", "", "told", row.rank)))
            else:
                step = step.into.setdefault(name, Step())
        step.field = row
    return Dialect(
        folder.name, re.compile(rb'"(?:' + marks.encode() + rb')"\s*:'), frozenset(wrappers), fields, start,
        frozenset(row.theirs.split("/")[1] for row in fields if row.ours.startswith(("/items/", "/parties/"))),
        same_for_all or {}, settled_by_total, joined_by, always_said or {},
    )  # fmt: skip


def _rows(path: Path) -> Iterator[Field]:
    ranks: dict[str, int] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, (theirs, ours, kind) in enumerate(list(csv.reader(file))[1:]):
            # The first row of a place that says anything holds; one marked ! must not say otherwise.
            rank = ranks.setdefault(ours, number) if kind.endswith("!") else number
            ranks.setdefault(ours, rank)
            optional, _, rest = theirs.removeprefix("[").partition("]")
            for place in (optional + rest, rest) if theirs.startswith("[") else (theirs,):
                yield Field(place, ours, kind.removesuffix("!"), rank)


class Element(NamedTuple):
    """One order of a message, in as many parts as it came in: pointer and tree of each."""

    parts: tuple[tuple[str, Tree], ...]


class Opened(NamedTuple):
    """The orders of a message, what was wrong with what is around them, and what around them was not read."""

    elements: tuple[Element, ...] = ()
    findings: tuple[Finding, ...] = ()
    dropped: tuple[str, ...] = ()


def opened(data: bytes, of: Dialect) -> Opened:
    """The orders in these bytes: one, a list, or inside whatever the marketplace wraps around them."""
    body = data.removeprefix(BOM)
    try:
        tree = tree_of(body)
    except UnicodeDecodeError as error:
        return Opened(findings=(found(NOT_UTF8, f"byte {error.start + 1} begins no character"),))
    except RecursionError:
        return Opened(findings=(found(TOO_DEEP),))
    except ValueError as error:
        return Opened(findings=(found(MALFORMED, where(body, error)),))
    held = _Held()
    _unwrap(tree, "", of, held)
    together: dict[str, list[tuple[str, Tree]]] = {}
    for at, part in held.parts:
        name = part.get(of.joined_by)
        together.setdefault(name if isinstance(name, str) and name else at, []).append((at, part))
    findings = tuple(found(TWICE, "of this place", source_pointer=at) for at in held.twice)
    return Opened(tuple(Element(tuple(one)) for one in together.values()), findings, tuple(held.dropped))


@dataclass(slots=True)
class _Held:
    """What a message holds: orders with their pointers, and pointers to the rest and to what stands twice."""

    parts: list[tuple[str, dict[str, Tree]]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


def _unwrap(tree: Tree, at: str, of: Dialect, into: _Held) -> None:
    if isinstance(tree, list):
        for number, entry in enumerate(tree):
            _unwrap(entry, f"{at}/{number}", of, into)
    elif isinstance(tree, dict) and any(
        name in of.wrappers and isinstance(value, dict | list) for name, value in tree.items()
    ):
        again = again_in(tree)
        for name, value in tree.items():
            place = f"{at}/{escaped(name)}"
            if name not in of.wrappers or not isinstance(value, dict | list):
                into.dropped.extend(leaves(value, place))
            elif name in again:
                into.twice.append(place)
            else:
                _unwrap(value, place, of, into)
    elif isinstance(tree, dict) and not of.telling.isdisjoint(tree):
        into.parts.append((at, tree))
    else:
        into.dropped.extend(leaves(tree, at))


def again_in(tree: dict[str, Tree]) -> frozenset[str]:
    """The names that stand in an object more than once."""
    return tree.again if isinstance(tree, Repeated) else frozenset()


def leaves(tree: Tree, at: str) -> Iterator[str]:
    """Pointers to everything under `at` that says something."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from leaves(value, f"{at}/{escaped(name)}")
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from leaves(value, f"{at}/{place}")
    elif tree is not None and tree != "":
        yield at


def escaped(name: str) -> str:
    """A name of theirs as a step of a JSON pointer."""
    return shortened(name).replace("~", "~0").replace("/", "~1")


class Said(NamedTuple):
    """A value of theirs for a place of ours, in our form. An amount is (number, currency or '')."""

    value: Any
    at: str
    rank: int


class Fault(NamedTuple):
    """What is wrong with a place of ours: `theirs` where the fault is theirs to mend."""

    kind: Kind
    detail: str
    ours: str
    theirs: str


@dataclass(slots=True)
class Collected:
    """Everything an order says, by our place; `items` are the numbers of its lines in their order."""

    said: dict[str, list[Said]] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: int = 0


def collected(element: Element, of: Dialect) -> Collected:
    """What an order says, leaf by leaf."""
    found_ = Collected()
    for number, (at, tree) in enumerate(element.parts):
        _walk(tree, of.start, at, f"{number}." if number else "", found_)
    return found_


def _walk(tree: Tree, step: Step | None, at: str, item: str, into: Collected) -> None:
    if step is None:
        into.dropped.extend(leaves(tree, at))
    elif step.field is not None and (step.field.kind in WHOLE or not isinstance(tree, dict | list)):
        _take(tree, step.field, at, item, into)
    elif isinstance(tree, dict):
        again = again_in(tree)
        for name, value in tree.items():
            place = f"{at}/{escaped(name)}"
            if name in again:
                into.faults.append(Fault(TWICE, f"“{shortened(name)}”", "", place))
                into.dropped.append(place)
            else:
                _walk(value, step.into.get(name), place, item, into)
    elif isinstance(tree, list):
        for number, entry in enumerate(tree):
            # The first list on the way is that of the lines; what lies in lists inside a line is said of that line.
            inside = item if item and not item.endswith(".") else f"{item}{number}"
            if step.holds_lines and inside != item and inside not in into.items:
                into.items.append(inside)
            _walk(entry, _told(entry, step), f"{at}/{number}", inside, into)
    else:
        into.dropped.extend(leaves(tree, at))


def _told(entry: Tree, step: Step) -> Step | None:
    if isinstance(entry, dict):
        for (key, value), inner in step.telling.items():
            if entry.get(key) == value:
                return inner
    return step.into.get("*")


def _take(tree: Tree, row: Field, at: str, item: str, into: Collected) -> None:
    if tree is None or tree in ("", [], {}):
        return None
    if row.kind == "told":
        into.kept += 1
        return None
    if row.kind == "named":
        return _take_named(tree, row, at, item, into)
    ours = row.ours.replace("*", item, 1)
    value = value_of(tree, row.kind, row.ours)
    if isinstance(value, Refusal):
        into.faults.append(Fault(value.kind, value.detail, ours, at))
        into.dropped.append(at)
    elif value is not None:
        into.kept += 1
        into.said.setdefault(ours, []).append(Said(value, at, row.rank))
    else:
        into.dropped.append(at)
    return None


def _take_named(tree: Tree, row: Field, at: str, item: str, into: Collected) -> None:
    """A property that the seller named: taken where its name is one that a sheet's column may have."""
    about: dict[str, Tree] = tree if isinstance(tree, dict) else {}
    for key in ("name", "key", "label"):
        name = about.get(key)
        known = heading(name.lstrip("_"), 0) if isinstance(name, str) else None
        if known is not None and known.column.name in NAMED and isinstance(about.get("value"), str):
            kind = "hs" if known.column.name == "hs_code" else "upper"
            field = Field(row.theirs, f"/items/*/{known.column.name}", kind, row.rank)
            _take(about["value"], field, f"{at}/value", item, into)
            into.kept += 1
            rest = {other: value for other, value in about.items() if other not in (key, "value")}
            into.dropped.extend(leaves(rest, at))
            return
    into.dropped.extend(leaves(tree, at))
