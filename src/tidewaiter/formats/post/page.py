"""The page of the profile, made from its tables."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, get_origin

from tidewaiter.formats.post.shape import CODES, MESSAGES, RECORDS, ROWS, Group, Leaf, Row
from tidewaiter.formats.values import kind_of

_HEAD = """\
# Postal messages

What Tidewaiter takes from posts and sends to them: a profile of its own with the elements of the UPU's messages, since
those are not public. A message is a tree of groups and elements; the same tree is written in four forms.

| form | how |
|---|---|
| JSON | an object a message, its name under `message`; what may stand several times is a list; values are text |
| CSV | a column an element, named by its path with points (`item.sender.name`), the first `message`; UTF-8 |
| XML | **unverified**: an element a group or value, namespace `urn:tidewaiter:post:1`; several messages in `post` |
| EDIFACT | **unverified**: the segments of the last column, in an interchange as of UN/EDIFACT |

*Unverified* means that no sample of the form is public: the elements are right, their places are our own choice.
In CSV what may stand several times goes into further rows; a row whose key (need K) is empty or that of the row before
says more of the same, and one without `message` goes on with the message before. Moments are written
`2026-11-02T09:30:00Z`, numbers in plain digits with a point, masses in kilograms. Need: K key, M mandatory (not of an
amendment or cancellation), O optional. A path ending in `[]` may stand several times. What has no field of ours is
named as not kept. An element of `ITMATT` is one of `CUSITM` too.

The page is made by `python -m tidewaiter.formats.post`; a test holds it to the code.
"""
_TYPES = {str: "text", int: "whole number", Decimal: "number", datetime: "moment"}


def page() -> str:
    """The reference page: a table a message, then the lists of codes."""
    lines = [_HEAD]
    for name, group in MESSAGES.items():
        rows = [row for row in ROWS if row.messages[0] == name]
        if rows:
            lines += [f"## {' and '.join(rows[0].messages)}", "", f"Read into `{RECORDS[name].__name__}`.", "", *_TABLE]
            lines += [_line(row, group) for row in rows]
            lines.append("")
    lines += ["## Codes", "", "| list | code | ours | meaning | source |", "|---|---|---|---|---|"]
    lines += [f"| {row.list} | `{row.code}` | `{row.ours}` | {row.text} | {row.source} |" for row in CODES]
    return "\n".join(lines) + "\n"


_TABLE = ("| path | need | type | UPU element | our field | what it is | EDIFACT |", "|---|---|---|---|---|---|---|")


def _line(row: Row, message: Group) -> str:
    around = message
    for name in row.path[:-1]:
        inner = around.inner[name]
        around = inner if isinstance(inner, Group) else around
    element = around.inner[row.path[-1]]
    path = "/".join(row.path) + ("[]" if row.many else "")
    field = f"`{row.field}`" if row.field not in ("", "=") else ("a record" if row.field else "not kept")
    return f"| `{path}` | {row.need} | {_type(element)} | {row.element} | {field} | {row.text} | `{row.edifact}` |"


def _type(element: Group | Leaf) -> str:
    if isinstance(element, Group):
        return "group"
    if not element.field or ":" in element.field:
        return "text"
    kind, meta = kind_of(element.struct, element.field)
    if get_origin(kind) is Literal:
        return "word"
    length = f" to {meta.max_length}" if kind is str and meta.max_length else ""
    return _TYPES[kind] + length
