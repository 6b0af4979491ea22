"""Where a field stands: in the sender's sheet by row and column, in our record by pointer."""

from __future__ import annotations

from tidewaiter.formats.csv.columns import Heading
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.text import shortened

_PRICES = ("line_total", "unit_price", "price")


def source_pointer(declared: Declared, pointer: str) -> str:
    """The row and the column in the sheet's own words: 'row 7, column "HS code"'; the row alone where that is all."""
    steps = pointer.split("/")[1:]
    row, names = _place(declared, steps)
    heading = next((declared.anchor[f"column {name}"] for name in names if f"column {name}" in declared.anchor), None)
    return f"row {row}" if heading is None else where(int(row), heading)


def _place(declared: Declared, steps: list[str]) -> tuple[str, tuple[str, ...]]:
    """The row of a field and the columns it may have come from, best first."""
    record, first = declared.consignment, declared.anchor.get("row", "1")
    kind, place, name = (*steps, "", "", "")[:3]
    at = int(place) if place.isdecimal() else -1
    if kind == "items" and at >= 0:
        rows = declared.anchor.get("rows", "").split()
        row = rows[at] if at < len(rows) else first
        names = {"price": _PRICES, "gross_mass": ("gross_mass", "weight")}.get(name, (f"line_{name}", name))
        if name == "codes" and len(steps) > 3 and at < len(record.items) and steps[3].isdecimal():
            codes = record.items[at].codes
            names = tuple(f"code_{code.scheme.lower()}" for code in codes[int(steps[3]) : int(steps[3]) + 1])
        return row, names
    column = kind
    if kind == "parties" and 0 <= at < len(record.parties):
        column = f"{record.parties[at].role}_{name}" if name else f"{record.parties[at].role}_name"
    elif kind == "fiscal_references" and 0 <= at < len(record.fiscal_references):
        column = f"fiscal_{record.fiscal_references[at].role.lower()}"
    elif kind == "gross_mass":
        column = "total_gross_mass"
    return declared.anchor.get(f"row {column}", first), (column,)


def where(row: int, heading: str) -> str:
    """A place in the sheet: 'row 7, column "HS code"'; the row alone where the heading is ''."""
    return f'row {row}, column "{shortened(heading)}"' if heading else f"row {row}"


def pointer_of(heading: Heading) -> str:
    """Our pointer to what a column fills; `-` stands for the row's item, a role for the party's place."""
    column = heading.column
    if column.scope == "item":
        return f"/items/-/{column.field}"
    if column.scope == "code":
        return "/items/-/codes"
    if column.scope == "party":
        return f"/parties/{column.key}/{column.field}"
    if column.scope == "fiscal":
        return f"/fiscal_references/{column.key}/id"
    if column.scope == "row":
        return {"weight": "/items/-/gross_mass", "mass_unit": "/items/-/gross_mass"}.get(column.name, "/items/-/price")
    return f"/{column.field}"
