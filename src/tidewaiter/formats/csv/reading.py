"""From rows to consignments: rows that share a reference are one, a bad cell is a finding with its row and column."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from tidewaiter.formats.csv import kinds
from tidewaiter.formats.csv.cells import amount, bare, mass, plain
from tidewaiter.formats.csv.columns import COLUMNS, FISCAL_ROLES, ROLES, SCHEMES, Heading, mass_unit
from tidewaiter.formats.csv.kinds import Fault
from tidewaiter.formats.csv.numbers import decimal_mark, without_currency
from tidewaiter.formats.csv.places import pointer_of, source_pointer, where
from tidewaiter.formats.csv.sheet import NAMES_OF_REFERENCE, Cell, Sheet, opened
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, unfit_in
from tidewaiter.model.consignment import Classification, Consignment, FiscalReference, GoodsItem, Party
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import Money

__all__ = ["NAME", "read", "read_mapped", "read_part", "read_sheet", "source_pointer"]

NAME = "csv"
FINDINGS_MAX = 1_000
"""So many findings about rows that belong to no consignment are listed for one sheet."""
FAULTS_MAX = 50
"""So many findings about one consignment are listed."""
SAID_MAX = 10_000
"""So many different cells of a column are remembered: sheets say the same thing over and over."""
_BREAKS = re.compile("[\r\n\t\v\f\u0085\u2028\u2029]+")
_CENT = Decimal("0.01")


_SCHEMES = tuple((scheme, f"code_{scheme.lower()}") for scheme in SCHEMES)
_FISCAL = tuple((role, f"fiscal_{role.lower()}") for role in FISCAL_ROLES)
_OF_ITEM = ("unit_price", "price", "weight")


class _Fault(NamedTuple):
    kind: Kind
    detail: str
    pointer: str
    row: int
    heading: str


@dataclass(slots=True)
class _Row:
    """One row: what its cells say by name of column, and its faults. Pointers begin at the row's own item."""

    number: int
    texts: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[_Fault] = field(default_factory=list)


@dataclass(slots=True)
class _Gathered:
    """A consignment in the making. `said_in` has the row of each head value that was not in the first row."""

    reference: str
    row: int
    head: dict[str, Any] = field(default_factory=dict)
    said_in: dict[str, int] = field(default_factory=dict)
    items: list[GoodsItem] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    faults: list[_Fault] = field(default_factory=list)


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What a seller's sheet holds: a consignment for each reference, an item for each row.

    The country is that of the column, else the destination, else the consignee's, else `jurisdiction`.
    """
    return read_mapped(data, {}, jurisdiction=jurisdiction)


def read_mapped(data: bytes, columns: Mapping[str, str], *, jurisdiction: str | None = None) -> Reading:
    """The same, where the sender said what his headings stand for: ours by theirs, '' for one to be left out."""
    return read_sheet(opened(data, columns), format=NAME, jurisdiction=jurisdiction)


def read_part(data: bytes, columns: Mapping[str, str], *, before: int, jurisdiction: str | None = None) -> Reading:
    """The same for a part of a sheet that has the headings again. `before` is how many rows stood before its own.

    What is wrong with the headings is said of the first part.
    """
    sheet = opened(data, columns, before=before)
    if before:
        sheet.findings.clear()
        sheet = sheet._replace(unknown=())
    return read_sheet(sheet, format=NAME, jurisdiction=jurisdiction, is_first=not before)


def read_sheet(sheet: Sheet, *, format: str, jurisdiction: str | None, is_first: bool = True) -> Reading:
    """What a sheet of any kind holds, or a part of one."""
    if not sheet.headings:
        return Reading(format=format, findings=tuple(sheet.findings), dropped=sheet.unknown)
    return _Sheet(sheet, format, jurisdiction, is_first=is_first).reading()


class _Sheet:
    """One sheet being read."""

    def __init__(self, sheet: Sheet, format: str, jurisdiction: str | None, *, is_first: bool) -> None:
        self.sheet = sheet
        self.is_first = is_first
        self.format = format
        self.jurisdiction = jurisdiction
        self.by_name = {heading.column.name: heading for heading in sheet.headings}
        self.columns = {f"column {name}": heading.text for name, heading in self.by_name.items()}
        self.of_items = [h for h in sheet.headings if h.column.scope in ("item", "code") or h.column.name in _OF_ITEM]
        self.of_head = [
            h for h in sheet.headings if h.column.scope in ("head", "party", "fiscal") and h.column.name != "reference"
        ]
        self.clean = [(h, h.column.name, h.place, dict[str, str]()) for h in sheet.headings]
        self.said = {name: dict[tuple[str, str], Any]() for name in self.by_name}
        self.kept = 0
        self.dropped: list[str] = list(sheet.unknown)
        self.findings: list[Finding] = []
        self.unlisted = 0
        self.gathered: dict[str, _Gathered] = {}
        self.mark = ""

    def reading(self) -> Reading:
        """The sheet read."""
        sheet = self.sheet
        named = next((name for name in NAMES_OF_REFERENCE if name in self.by_name), None)
        rows = [(number, cells) for number, cells in sheet.rows if any(cell.strip() for cell in cells)]
        if self.is_first and not rows and not any(finding.severity == "error" for finding in sheet.findings):
            self._say(kinds.NO_ROWS, "", f"row {sheet.first + 1}")
        if named is None:
            self._say(kinds.NO_REFERENCE_COLUMN, "", f"row {sheet.first}")
            rows = []
        self.mark = decimal_mark(self._number_texts(rows))
        for number, cells in rows:
            self._take(number, cells, named or "")
        if self.is_first and rows and "weight" in self.by_name and "gross_mass" not in self.by_name:
            self._say(kinds.TAKEN_AS_GROSS, "", where(sheet.first, self.by_name["weight"].text))
        declared = [one for gathered in self.gathered.values() if (one := self._declared(gathered)) is not None]
        if self.unlisted:
            self.findings.append(found(kinds.AND_MORE, f"{self.unlisted:,}"))
        return Reading(
            format=self.format,
            declared=tuple(declared),
            findings=(*sheet.findings, *self.findings),
            kept=self.kept,
            dropped=tuple(self.dropped),
        )

    def _number_texts(self, rows: list[tuple[int, list[str]]]) -> Iterable[str]:
        """Every different cell that should hold a number, as the witnesses for the sheet's decimal mark."""
        for heading in self.by_name.values():
            if heading.column.kind in (Money, Decimal):
                place = heading.place
                cells = {cells[place] for _, cells in rows if place < len(cells) and not _is_exact(cells[place])}
                for cell in cells:
                    yield without_currency(bare(cell))[0]

    def _take(self, number: int, cells: list[str], named: str) -> None:
        """Put one row with the consignment it belongs to."""
        row = self._cleaned(number, cells)
        reference = row.texts.get(named, "")
        fault = self._said(row, self.by_name[named], reference) if reference else None
        if not reference or isinstance(fault, Fault):
            self._say(kinds.NO_REFERENCE, str(number), where(number, self.by_name[named].text))
            self.dropped.append(f"row {number}")
            return
        gathered = self.gathered.setdefault(reference, _Gathered(reference, number))
        if any(cell.strip() for cell in cells[self.sheet.width :]):
            gathered.faults.append(_Fault(kinds.ROW_TOO_LONG, "", "", number, ""))
            self.dropped.append(f"row {number}")
            return
        item = self._item(row)
        at = f"/items/{len(gathered.items)}" if item is not None else "/items"
        self._head(row, gathered)
        gathered.faults += [
            fault._replace(pointer=fault.pointer.replace("/items/-", at, 1)) for fault in row.faults
        ]  # fmt: skip
        if item is not None:
            gathered.items.append(item)
            gathered.rows.append(number)

    def _cleaned(self, number: int, cells: list[str]) -> _Row:
        row = _Row(number, {})
        width = len(cells)
        for heading, name, place, known in self.clean:
            cell = cells[place] if place < width else ""
            if not cell:
                continue
            text = known.get(cell)
            if text is None:
                text = self._text(row, heading, cell)
                if not row.faults and len(known) < SAID_MAX:
                    known[cell] = text
            if text:
                row.texts[name] = text
        return row

    def _text(self, row: _Row, heading: Heading, cell: str) -> str:
        """The text of a cell, '' where there is none that may stand in a field."""
        if isinstance(cell, Cell) and cell.fault is not None:
            self._blame(row, heading, cell.fault)
            return ""
        text = bare(cell)
        if _BREAKS.search(text):
            text = _BREAKS.sub(" ", text)
            self._blame(row, heading, Fault(kinds.LINE_BREAK))
        if unfit := unfit_in(text):
            self._blame(row, heading, Fault(kinds.UNFIT_CHARACTER, unfit))
            return ""
        return text

    def _blame(self, row: _Row, heading: Heading, fault: Fault) -> None:
        row.faults.append(_Fault(fault.kind, fault.detail, pointer_of(heading), row.number, heading.text))
        if fault.kind.severity == "error":
            self.dropped.append(where(row.number, heading.text))

    def _value(self, row: _Row, heading: Heading) -> Any:
        """What the cell under this heading says; None, and a fault of the row, where it says nothing usable."""
        column = heading.column
        text = row.texts.get(column.name)
        if text is None:
            return None
        value = self._said(row, heading, text)
        if isinstance(value, Fault):
            self._blame(row, heading, value)
            return None
        self.kept += 1
        return value

    def _said(self, row: _Row, heading: Heading, text: str) -> Any:
        """The value of a text under this heading, or a Fault; what it came to before, where it stood there before."""
        column = heading.column
        beside = ""
        if column.kind is Money:
            beside = row.texts.get("currency", "")
        elif column.is_mass:
            beside = row.texts.get("mass_unit", "")
        said = self.said[column.name]
        if (text, beside) in said:
            return said[text, beside]
        if column.kind is Money:
            of_row = beside.upper() if re.fullmatch("[A-Z]{3}", beside.upper()) else ""
            value: Any = amount(text, mark=self.mark, named=heading.unit, of_row=of_row)
        elif column.is_mass:
            value = mass(text, mark=self.mark, unit=heading.unit or mass_unit(beside))
        else:
            value = plain(column, text, mark=self.mark)
        if len(said) < SAID_MAX:
            said[text, beside] = value
        return value

    def _item(self, row: _Row) -> GoodsItem | None:
        """The goods item of a row, None where the row has none."""
        says = {heading.column.name: self._value(row, heading) for heading in self.of_items}
        values = {
            COLUMNS[name].field: value
            for name, value in says.items()
            if value is not None and COLUMNS[name].scope == "item"
        }
        codes = [(scheme, says.get(column)) for scheme, column in _SCHEMES]
        values["codes"] = tuple(Classification(scheme=scheme, code=code) for scheme, code in codes if code)
        if says.get("weight") is not None:
            values.setdefault("gross_mass", says["weight"])
        price = self._price(row, says, values.get("quantity"))
        if price is not None:
            values["price"] = price
        if not any(row.texts.get(name) for name in says):
            return None
        return GoodsItem(**values)

    def _price(self, row: _Row, says: dict[str, Any], quantity: Decimal | None) -> Money | None:
        """The price of the line. A unit price is multiplied only where the heading says that it is one."""
        total: Money | None = says.get("line_total")
        each: Money | None = says.get("unit_price")
        either: Money | None = says.get("price")
        if each is not None:
            if quantity is None:
                if total is None and "quantity" not in row.texts:
                    self._blame(row, self.by_name["unit_price"], Fault(kinds.NO_QUANTITY))
                return total
            product = each.amount * quantity
            if total is None:
                return self._exact(row, product, each.currency)
            self._compare(row, total, product, each.currency, quantity)
        if total is None and either is not None:
            if quantity is not None and quantity != 1:
                self._blame(row, self.by_name["price"], Fault(kinds.UNIT_OR_LINE))
                return None
            return either
        return total

    def _exact(self, row: _Row, product: Decimal, currency: str) -> Money | None:
        try:
            return Money(amount=product, currency=currency)
        except ValueError as refusal:
            self._blame(row, self.by_name["unit_price"], Fault(kinds.NOT_A_NUMBER, str(refusal)))
            return None

    def _compare(self, row: _Row, total: Money, product: Decimal, currency: str, quantity: Decimal) -> None:
        apart = abs(total.amount - product)
        if total.currency != currency:
            self._blame(row, self.by_name["unit_price"], Fault(kinds.TWO_CURRENCIES))
        elif apart > _CENT * max(quantity, Decimal(1)):
            self._blame(row, self.by_name["line_total"], Fault(kinds.DOES_NOT_MULTIPLY))
        elif apart:
            self._blame(row, self.by_name["line_total"], Fault(kinds.ROUNDED_TOTAL))

    def _head(self, row: _Row, gathered: _Gathered) -> None:
        """Put what the row says of the whole consignment with what earlier rows said."""
        for heading in self.of_head:
            name, value = heading.column.name, self._value(row, heading)
            if value is None:
                continue
            if gathered.head.setdefault(name, value) != value:
                self._blame(row, heading, Fault(kinds.CONTRADICTION))
            elif row.number != gathered.row:
                gathered.said_in.setdefault(name, row.number)

    def _declared(self, gathered: _Gathered) -> Declared | None:
        """The consignment that was gathered, None where it has no country."""
        head = gathered.head
        fields = {COLUMNS[name].field: value for name, value in head.items() if COLUMNS[name].scope == "head"}
        country = (
            fields.pop("jurisdiction", None)
            or fields.get("destination_country")
            or head.get("consignee_country")
            or self.jurisdiction
        )
        if country is None or not re.fullmatch("[A-Z]{2}", country):
            self._say(kinds.NO_JURISDICTION, str(gathered.row), f"row {gathered.row}")
            for finding in self._findings(gathered, {}):
                self._list(finding)
            return None
        told: dict[str, dict[str, Any]] = {}
        for name, value in head.items():
            if COLUMNS[name].scope == "party":
                told.setdefault(COLUMNS[name].key, {})[COLUMNS[name].field] = value
        parties = tuple(Party(role=role, **told[role]) for role in ROLES if role in told)
        fiscal = tuple(FiscalReference(role=role, id=head[column]) for role, column in _FISCAL if column in head)
        consignment = Consignment(
            reference=gathered.reference, jurisdiction=country, parties=parties, fiscal_references=fiscal,
            items=tuple(gathered.items), **fields,
        )  # fmt: skip
        places = {f"/parties/{p.role}": f"/parties/{n}" for n, p in enumerate(parties)}
        places |= {f"/fiscal_references/{f.role}": f"/fiscal_references/{n}" for n, f in enumerate(fiscal)}
        return Declared(
            consignment=consignment, findings=self._findings(gathered, places), anchor=self._anchor(gathered)
        )  # fmt: skip

    def _findings(self, gathered: _Gathered, places: dict[str, str]) -> tuple[Finding, ...]:
        def ours(pointer: str) -> str:
            steps = pointer.split("/")
            if steps[1:2] and steps[1] in ("parties", "fiscal_references"):
                at = "/".join(steps[:3])
                return places[at] + pointer[len(at) :] if at in places else f"/{steps[1]}"
            return pointer

        listed = [
            found(f.kind, f.detail, pointer=ours(f.pointer), source_pointer=where(f.row, f.heading))
            for f in gathered.faults[:FAULTS_MAX]
        ]
        if len(gathered.faults) > FAULTS_MAX:
            listed.append(found(kinds.AND_MORE, f"{len(gathered.faults) - FAULTS_MAX:,}"))
        return tuple(listed)

    def _anchor(self, gathered: _Gathered) -> ChainMap[str, str]:
        """Where the consignment's rows stand, over the headings that all consignments of the sheet share."""
        own = {"row": str(gathered.row), "rows": " ".join(map(str, gathered.rows))}
        own |= {f"row {name}": str(row) for name, row in gathered.said_in.items()}
        return ChainMap(own, self.columns)

    def _say(self, kind: Kind, detail: str, source_pointer: str) -> None:
        self._list(found(kind, detail, source_pointer=source_pointer))

    def _list(self, finding: Finding) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
        else:
            self.unlisted += 1


def _is_exact(cell: str) -> bool:
    return isinstance(cell, Cell) and cell.is_exact
