"""From rows to consignments: rows that share a reference are one, a bad cell is a finding with its row and column."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from tidewaiter.formats.csv import kinds
from tidewaiter.formats.csv.cells import amount, bare, mass, plain
from tidewaiter.formats.csv.columns import COLUMNS, FISCAL_ROLES, ROLES, SCHEMES, Heading, mass_unit
from tidewaiter.formats.csv.numbers import Fault, decimal_mark, without_currency
from tidewaiter.formats.csv.sheet import NAMES_OF_REFERENCE, Sheet, opened, quoted
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, shortened, unfit_in
from tidewaiter.model.consignment import Classification, Consignment, FiscalReference, GoodsItem, Party
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import Money

NAME = "csv"
FINDINGS_MAX = 1_000
"""So many findings about rows that belong to no consignment are listed for one sheet."""
FAULTS_MAX = 50
"""So many findings about one consignment are listed."""
SAID_MAX = 10_000
_PRICES = ("line_total", "unit_price", "price")
_BREAKS = re.compile("[\r\n\t\v\f\u0085\u2028\u2029]+")
_CENT = Decimal("0.01")


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
    sheet = opened(data)
    if not sheet.headings:
        return Reading(format=NAME, findings=tuple(sheet.findings), dropped=sheet.unknown)
    return _Sheet(sheet, jurisdiction).reading()


def read_part(data: bytes, *, before: int, jurisdiction: str | None = None) -> Reading:
    """The same for a part of a sheet that has the headings again. `before` is how many rows stood before its own.

    What is wrong with the headings is said of the first part.
    """
    sheet = opened(data, before=before)
    if before:
        sheet.findings.clear()
        sheet = sheet._replace(unknown=())
    return _Sheet(sheet, jurisdiction, is_first=not before).reading()


def source_pointer(declared: Declared, pointer: str) -> str:
    """The row and the column in the sheet's own words: 'row 7, column "HS code"'; the row alone where that is all."""
    steps = pointer.split("/")[1:]
    row, names = _place(declared, steps)
    heading = next((declared.anchor[f"column {name}"] for name in names if f"column {name}" in declared.anchor), None)
    return f"row {row}" if heading is None else _where(int(row), heading)


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


def _where(row: int, heading: str) -> str:
    return f'row {row}, column "{shortened(heading)}"' if heading else f"row {row}"


class _Sheet:
    """One sheet being read."""

    def __init__(self, sheet: Sheet, jurisdiction: str | None, *, is_first: bool = True) -> None:
        self.sheet = sheet
        self.is_first = is_first
        self.jurisdiction = jurisdiction
        self.by_name = {heading.column.name: heading for heading in sheet.headings}
        self.columns = {f"column {name}": heading.text for name, heading in self.by_name.items()}
        self.said: dict[tuple[str, str], Any] = {}  # what cells came to: sheets say the same thing over and over
        self.kept = 0
        self.dropped: list[str] = list(sheet.unknown)
        self.findings: list[Finding] = []
        self.unlisted = 0
        self.gathered: dict[str, _Gathered] = {}
        self.mark = ""

    def reading(self) -> Reading:
        """The sheet read."""
        sheet = self.sheet
        if sheet.unknown:
            self._say(kinds.UNKNOWN_COLUMNS, quoted(sheet.unknown), "row 1")
        named = next((name for name in NAMES_OF_REFERENCE if name in self.by_name), None)
        rows = [(number, cells) for number, cells in sheet.rows if any(cell.strip() for cell in cells)]
        if not rows and not sheet.findings and self.is_first:
            self._say(kinds.NO_ROWS, "", "row 2")
        if named is None:
            self._say(kinds.NO_REFERENCE_COLUMN, "", "row 1")
            rows = []
        self.mark = decimal_mark(self._number_texts(rows))
        for number, cells in rows:
            self._take(number, cells, named or "")
        if rows and self.is_first and "weight" in self.by_name and "gross_mass" not in self.by_name:
            self._say(kinds.TAKEN_AS_GROSS, "", _where(1, self.by_name["weight"].text))
        declared = [one for gathered in self.gathered.values() if (one := self._declared(gathered)) is not None]
        if self.unlisted:
            self.findings.append(found(kinds.AND_MORE, f"{self.unlisted:,}"))
        return Reading(
            format=NAME,
            declared=tuple(declared),
            findings=(*sheet.findings, *self.findings),
            kept=self.kept,
            dropped=tuple(self.dropped),
        )

    def _number_texts(self, rows: list[tuple[int, list[str]]]) -> Iterable[str]:
        """Every cell that should hold a number, as the witnesses for the sheet's decimal mark."""
        for heading in self.by_name.values():
            if heading.column.kind in (Money, Decimal):
                for _, cells in rows:
                    if heading.place < len(cells):
                        yield without_currency(bare(cells[heading.place]))[0]

    def _take(self, number: int, cells: list[str], named: str) -> None:
        """Put one row with the consignment it belongs to."""
        row = self._cleaned(number, cells)
        reference = row.texts.get(named, "")
        fault = self._plain(row, self.by_name[named]) if reference else None
        if not reference or isinstance(fault, Fault):
            self._say(kinds.NO_REFERENCE, str(number), _where(number, self.by_name[named].text))
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
        for name, heading in self.by_name.items():
            text = bare(cells[heading.place]) if heading.place < len(cells) else ""
            if not text:
                continue
            if _BREAKS.search(text):
                text = _BREAKS.sub(" ", text)
                self._blame(row, heading, Fault(kinds.LINE_BREAK))
            if unfit := unfit_in(text):
                self._blame(row, heading, Fault(kinds.UNFIT_CHARACTER, unfit))
                continue
            row.texts[name] = text
        return row

    def _blame(self, row: _Row, heading: Heading, fault: Fault) -> None:
        row.faults.append(_Fault(fault.kind, fault.detail, _pointer(heading), row.number, heading.text))
        if fault.kind.severity == "error":
            self.dropped.append(_where(row.number, heading.text))

    def _value(self, row: _Row, heading: Heading) -> Any:
        """What the cell under this heading says; None, and a fault of the row, where it says nothing usable."""
        text = row.texts.get(heading.column.name)
        if text is None:
            return None
        if heading.column.kind is Money:
            of_row = row.texts.get("currency", "").upper()
            if not re.fullmatch("[A-Z]{3}", of_row):
                of_row = ""
            value: Any = amount(text, mark=self.mark, named=heading.unit, of_row=of_row)
        elif heading.column.is_mass:
            value = mass(text, mark=self.mark, unit=heading.unit or mass_unit(row.texts.get("mass_unit", "")))
        else:
            value = self._plain(row, heading)
        if isinstance(value, Fault):
            self._blame(row, heading, value)
            return None
        self.kept += 1
        return value

    def _plain(self, row: _Row, heading: Heading) -> Any:
        said = heading.column.name, row.texts[heading.column.name]
        if said not in self.said:
            if len(self.said) > SAID_MAX:
                self.said.clear()
            self.said[said] = plain(heading.column, said[1], mark=self.mark)
        return self.said[said]

    def _item(self, row: _Row) -> GoodsItem | None:
        """The goods item of a row, None where the row has none."""
        says = {
            heading.column.name: self._value(row, heading)
            for heading in self.by_name.values()
            if heading.column.scope in ("item", "code") or heading.column.name in ("unit_price", "price", "weight")
        }
        values = {
            COLUMNS[name].field: value
            for name, value in says.items()
            if value is not None and COLUMNS[name].scope == "item"
        }
        codes = [(scheme, says.get(f"code_{scheme.lower()}")) for scheme in SCHEMES]
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
        for name, heading in self.by_name.items():
            if heading.column.scope not in ("head", "party", "fiscal") or name == "reference":
                continue
            value = self._value(row, heading)
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
        fiscal = tuple(
            FiscalReference(role=role, id=head[f"fiscal_{role.lower()}"])
            for role in FISCAL_ROLES
            if f"fiscal_{role.lower()}" in head
        )
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
            found(f.kind, f.detail, pointer=ours(f.pointer), source_pointer=_where(f.row, f.heading))
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


def _pointer(heading: Heading) -> str:
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
