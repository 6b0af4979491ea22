"""Where a field of ours stands in the message: as a path of element names, and as the WCO points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tidewaiter.formats.wco_dms.mapping import DECLARATION
from tidewaiter.formats.wco_dms.shapes import Leaf, Line, first_path
from tidewaiter.formats.wco_dms.special import FunctionCode

ROOT = "/MetaData/Declaration"
_CLASS = "42A"
_STEP = re.compile(r"([^\[]+)(?:\[([0-9]+)\])?")
_WCO_POINTER = re.compile(r"[0-9]{2}[A-Z](?![A-Za-z0-9]).*")


def path_of(pointer: str, anchor: Mapping[str, str]) -> str:
    """The path to the field at our `pointer`: '/MetaData/Declaration/GoodsShipment/…[2]/Commodity/Description'.

    Names are local names; a number stands where the element may repeat. A field that was not sent is pointed to
    where it would stand, and one that this family of messages has no place for, to the nearest record around it.
    `anchor` has what reading noted; without it, places follow from the order of our lists.
    """
    steps = pointer.strip("/").split("/") if pointer.strip("/") else []
    cut = next((n for n in range(len(steps), 0, -1) if "/" + "/".join(steps[:n]) in anchor), 0)
    path = anchor.get("/" + "/".join(steps[:cut]) if cut else "", ROOT)
    lines = _lines_at(path)
    while cut < len(steps) and lines:
        is_entry = cut + 1 < len(steps) and steps[cut + 1].isdecimal()
        below = first_path(lines.values(), steps[cut] if is_entry else ".".join(steps[cut:]))
        if not below:
            break
        if not is_entry:
            return f"{path}/{below}"
        path = f"{path}/{below}[{int(steps[cut + 1]) + 1}]"
        lines, cut = _lines_at(path), cut + 2
    return path


def wco_of(path: str) -> str:
    """The path as the WCO points: '42A/67A/68A[2]/23A#137'. '' where it leads to no declaration.

    A WCO pointer is given back as it is.
    """
    if _WCO_POINTER.fullmatch(path):
        return path
    told = ""
    for line, number in _walk(path):
        if line is None:
            told = _CLASS
        elif isinstance(line, Leaf | FunctionCode):
            told += f"#{line.wco}" if line.wco else ""
        else:
            told += f"/{line.wco}" + (f"[{number}]" if number else "")
    return told


def _walk(path: str) -> Iterator[tuple[Line | None, str]]:
    """Each line of the mapping on the way, with the number of the element; None for the declaration itself."""
    lines: Mapping[str, Line] | None = None
    for told in path.strip("/").split("/"):
        name, number = (_STEP.fullmatch(told) or _STEP.fullmatch("?")).groups()  # type: ignore[union-attr]
        if lines is None:
            if name == "Declaration":
                lines = DECLARATION.by_element
                yield None, ""
            continue
        if name not in lines:
            return
        line = lines[name]
        yield line, number or ""
        lines = line.inner()


def _lines_at(path: str) -> Mapping[str, Line]:
    lines: Mapping[str, Line] = {}
    for line, _ in _walk(path):
        lines = DECLARATION.by_element if line is None else line.inner()
    return lines
