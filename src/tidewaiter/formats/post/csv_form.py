"""The profile as a sheet: a column an element, named by its path ('item.sender.name'), the first `message`.

What may stand several times goes into further rows. A row whose key (`item.item_id`, …) is that of the row before, or
empty, says more of the same; anything else begins anew. A row that names its message again and has another head begins
another message.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from tidewaiter.formats.csv.cells import bare
from tidewaiter.formats.csv.writing import sheet_of
from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import Branch, Opened, Text
from tidewaiter.formats.post.shape import MESSAGES, Group, Leaf
from tidewaiter.formats.text import found, shortened

TYPE = "message"
UNKNOWN = "?"
"""Stands for a heading that no message has."""
Path = tuple[str, ...]
Cells = dict[Path, Text]
_SEPARATORS = ",;\t"


@dataclass
class _Open:
    """A group that rows may still say more of."""

    group: Group
    branch: Branch
    said: dict[Path, str] = field(default_factory=dict)
    inner: dict[Path, _Open] = field(default_factory=dict)


def opened(data: bytes) -> Opened:
    """The messages of a sheet as trees. Places are 'row 7, column "item.gross_mass"', rows as a spreadsheet counts."""
    made = Opened([], [], [])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        made.findings.append(found(k.MALFORMED, "it is not in UTF-8", source_pointer="row 1"))
        return made
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        headings = [cell.strip() for cell in next(rows, [])]
        unknown = _check(headings, made)
        told = [UNKNOWN if heading in unknown else heading for heading in headings]
        message: _Open | None = None
        for number, cells in enumerate(rows, start=2):
            message = _row(number, told, cells, message, made)
    except csv.Error:
        made.findings.append(
            found(k.MALFORMED, "a cell is broken or too long", source_pointer=f"row {number + 1}")
        )  # fmt: skip
    return made


def _check(headings: Sequence[str], made: Opened) -> set[str]:
    """The headings that no message has, told once."""
    known = {".".join(path) for group in MESSAGES.values() for path in _paths(group)} | {TYPE}
    for heading in dict.fromkeys(headings):
        if heading and heading not in known:
            made.findings.append(found(k.UNKNOWN_FIELD, f"“{shortened(heading)}”", source_pointer=_at(1, heading)))
            made.dropped.append(_at(1, heading))
        elif heading and headings.count(heading) > 1:
            made.findings.append(found(k.TWICE, f"“{heading}”", source_pointer=_at(1, heading)))
    return set(headings) - known - {""}


def _row(number: int, headings: Sequence[str], row: Sequence[str], open_: _Open | None, made: Opened) -> _Open | None:
    cells: Cells = {}
    name = ""
    for place, cell in enumerate(row):
        text = bare(cell)
        heading = headings[place] if place < len(headings) else ""
        if not text:
            continue
        if heading == TYPE:
            name = text
        elif heading == UNKNOWN:
            continue
        elif heading:
            cells.setdefault(tuple(heading.split(".")), Text(text, _at(number, heading)))
        else:
            made.findings.append(found(k.UNKNOWN_FIELD, f"of column {place + 1}", source_pointer=f"row {number}"))
            made.dropped.append(f"row {number}, column {place + 1}")
    if not cells and not name:
        return open_
    if name not in MESSAGES and (name or open_ is None):
        made.findings.append(found(k.UNKNOWN_MESSAGE, source_pointer=_at(number, TYPE)))
        made.dropped.extend([cell.at for cell in cells.values()])
        return None
    if open_ is None or (name and name != open_.group.name) or _is_other_message(cells, open_, is_named=bool(name)):
        group = MESSAGES[name or (open_.group.name if open_ else "")]
        open_ = _Open(group, Branch(f"row {number}"))
        made.messages.append((group.name, open_.branch))
    _absorb(cells, open_, number)
    return open_


def own_of(group: Group) -> set[Path]:
    """The paths of the leaves that a group has once: its own, and those of groups in it that stand once."""
    found_: set[Path] = {(leaf.name,) for leaf in group.leaves()}
    for inner in group.groups():
        if not inner.many:
            found_ |= {(inner.name, *path) for path in own_of(inner)}
    return found_


def _is_other(cells: Cells, open_: _Open, own: set[Path]) -> bool:
    """Whether the row is about another one than is open: its key differs or, without a key, it says anything new."""
    told = {path: cells[path].text for path in own if path in cells}
    if open_.group.key:
        key = (open_.group.key,)
        return key in told and told[key] != open_.said.get(key)
    return bool(told)


def _is_other_message(cells: Cells, open_: _Open, *, is_named: bool) -> bool:
    """Whether the row begins another message: it has another key or, without keys, is named and has another head."""
    own = own_of(open_.group)
    if open_.group.key:
        return _is_other(cells, open_, own)
    return is_named and {path: cells[path].text for path in own if path in cells} != open_.said


def _absorb(cells: Cells, open_: _Open, number: int) -> None:
    """Put the cells of a row into the groups that are open, or into new ones."""
    own = own_of(open_.group)
    many = dict(_many(open_.group))
    below: dict[Path, Cells] = {}
    for path, cell in cells.items():
        around = next((place for place in many if path[: len(place)] == place and len(path) > len(place)), None)
        if around is not None:
            below.setdefault(around, {})[path[len(around) :]] = cell
        elif path not in own:
            open_.branch.children.append((".".join(path), cell))
        elif path not in open_.said:
            open_.said[path] = cell.text
            _put(open_.branch, path, cell)
        elif open_.said[path] != cell.text:
            _put(open_.branch, path, cell)
    for place, group in many.items():
        if place not in below:
            continue
        there = open_.inner.get(place)
        if there is None or _is_other(below[place], there, own_of(group)):
            there = open_.inner[place] = _Open(group, Branch(f"row {number}"))
            _put(open_.branch, place, there.branch)
        _absorb(below[place], there, number)


def _many(group: Group, at: Path = ()) -> Iterator[tuple[Path, Group]]:
    for inner in group.groups():
        if inner.many:
            yield (*at, inner.name), inner
        else:
            yield from _many(inner, (*at, inner.name))


def _put(branch: Branch, path: Path, child: Text | Branch) -> None:
    for name in path[:-1]:
        inner = next((one for called, one in branch.children if called == name and isinstance(one, Branch)), None)
        if inner is None:
            inner = Branch(child.at)
            branch.children.append((name, inner))
        branch = inner
    branch.children.append((path[-1], child))


def _at(number: int, heading: str) -> str:
    return f"row {number}, column “{shortened(heading)}”"


def _paths(group: Group, at: Path = ()) -> Iterator[Path]:
    for inner in group.inner.values():
        if isinstance(inner, Leaf):
            yield (*at, inner.name)
        else:
            yield from _paths(inner, (*at, inner.name))


def written(messages: Sequence[tuple[str, Branch]]) -> bytes:
    """The messages as one sheet, with the columns that are used, in the order of the table."""
    rows: list[dict[str, str]] = []
    for name, branch in messages:
        first, *others = _rows(branch, MESSAGES[name], "")
        rows += [{TYPE: name, **first}, *others]
    order = [".".join(path) for group in MESSAGES.values() for path in _paths(group)]
    used = [TYPE, *(path for path in dict.fromkeys(order) if any(path in row for row in rows))]
    return sheet_of([used, *([row.get(column, "") for column in used] for row in rows)])


def _rows(branch: Branch, group: Group, at: str) -> list[dict[str, str]]:
    """The rows that say what is in a group: what it has once in the first, its key in each."""
    own: dict[str, str] = {}
    columns: dict[str, list[dict[str, str]]] = {}
    for name, child in branch.children:
        element = group.inner[name]
        if isinstance(child, Text):
            own[f"{at}{name}"] = child.text
        elif isinstance(element, Group):
            inner = _rows(child, element, f"{at}{name}.")
            if element.many:
                columns.setdefault(name, []).extend(inner)
            else:
                own |= inner[0]
    rows: list[dict[str, str]] = [{}, *({} for _ in range(max(map(len, columns.values()), default=1) - 1))]
    for place, beside in enumerate(zip_longest(*columns.values(), fillvalue={})):
        for part in beside:
            rows[place] |= part
    key = f"{at}{group.key}"
    said = {key: own[key]} if group.key and key in own else {}
    return [own | rows[0], *(said | row for row in rows[1:])]
