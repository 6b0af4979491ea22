"""From rows to consignments, row by row: a bad cell is a finding with its row and column."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from tidewaiter.formats.csv import kinds
from tidewaiter.formats.csv.cells import amount, bare, mass, plain
from tidewaiter.formats.csv.columns import COLUMNS, FISCAL_ROLES, ROLES, SCHEMES, Column, Heading, mass_unit
from tidewaiter.formats.csv.kinds import Fault
from tidewaiter.formats.csv.numbers import without_currency
from tidewaiter.formats.csv.places import pointer_of, where
from tidewaiter.formats.csv.sheet import NAMES_OF_REFERENCE, Cell, Sheet
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.text import found, unfit_in
from tidewaiter.model.consignment import Classification, Consignment, FiscalReference, GoodsItem, Party
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import Money

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


class _Blame(NamedTuple):
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
    faults: list[_Blame] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """A consignment in the making. `said_in` has the row of each head value that was not in the first row."""

    reference: str
    row: int
    head: dict[str, Any] = field(default_factory=dict)
    said_in: dict[str, int] = field(default_factory=dict)
    items: list[GoodsItem] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    faults: list[_Blame] = field(default_factory=list)


class RowReader:
    """One sheet being read by rows. `mark` is its decimal mark, which its numbers tell."""

    def __init__(self, sheet: Sheet, jurisdiction: str | None) -> None:
        self.sheet = sheet
        self.jurisdiction = jurisdiction
        self.by_name = {heading.column.name: heading for heading in sheet.headings}
        self.columns = {f"column {name}": heading.text for name, heading in self.by_name.items()}
        self.of_items = [h for h in sheet.headings if h.column.scope in ("item", "code") or h.column.name in _OF_ITEM]
        self.of_head = [
            h for h in sheet.headings if h.column.scope in ("head", "party", "fiscal") and h.column.name != "reference"
        ]
        self.clean = [(h, h.column.name, h.place, dict[str, str]()) for h in sheet.headings]
        self._known = {name: dict[tuple[str, str], Any]() for name in self.by_name}
        self.kept = 0
        self.dropped: list[str] = list(sheet.unknown)
        self.findings: list[Finding] = []
        self.unlisted = 0
        self.gathered: dict[str, Gathered] = {}
        self.mark = ""
        self.named = next((name for name in NAMES_OF_REFERENCE if name in self.by_name), "")

    def take(self, number: int, cells: list[str]) -> None:
        """One more row."""
        self._take(number, cells, self.gathered)

    def declared(self) -> list[Declared | None]:
        """What was gathered, in the order in which each reference first stood there; None where one has no country."""
        return [self._declared(gathered) for gathered in self.gathered.values()]

    def record(self, rows: Iterable[tuple[int, list[str]]]) -> Declared:
        """The consignment of these rows, in which nothing is wrong."""
        gathered: dict[str, Gathered] = {}
        for number, cells in rows:
            self._take(number, cells, gathered)
        [only] = gathered.values()
        declared = self._declared(only)
        if declared is None:
            raise ValueError("a consignment of plain rows has a country")
        return declared

    def reference(self, cells: list[str]) -> str:
        """Under which reference a row goes; '' where it has none."""
        place = self.by_name[self.named].place
        cell = cells[place] if place < len(cells) else ""
        text, faults = _text_of(cell)
        if not text or any(fault.kind.severity == "error" for fault in faults):
            return ""
        return "" if isinstance(self.said(self.by_name[self.named], text, ""), Fault) else text

    def number_texts(self, rows: list[tuple[int, list[str]]]) -> Iterable[str]:
        """Every different cell that should hold a number, as the witnesses for the sheet's decimal mark."""
        for heading in self.by_name.values():
            if heading.column.kind in (Money, Decimal):
                place = heading.place
                cells = {cells[place] for _, cells in rows if place < len(cells) and not _is_exact(cells[place])}
                for cell in cells:
                    yield without_currency(bare(cell))[0]

    def _take(self, number: int, cells: list[str], all_gathered: dict[str, Gathered]) -> None:
        """Put one row with the consignment it belongs to."""
        named = self.named
        row = self._cleaned(number, cells)
        reference = row.texts.get(named, "")
        fault = self.said(self.by_name[named], reference, "") if reference else None
        if not reference or isinstance(fault, Fault):
            self.say(kinds.NO_REFERENCE, str(number), where(number, self.by_name[named].text))
            self.dropped.append(f"row {number}")
            return
        gathered = all_gathered.setdefault(reference, Gathered(reference, number))
        if any(cell.strip() for cell in cells[self.sheet.width :]):
            gathered.faults.append(_Blame(kinds.ROW_TOO_LONG, "", "", number, ""))
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
        text, faults = _text_of(cell)
        for fault in faults:
            self._blame(row, heading, fault)
        return text

    def _blame(self, row: _Row, heading: Heading, fault: Fault) -> None:
        row.faults.append(_Blame(fault.kind, fault.detail, pointer_of(heading), row.number, heading.text))
        if fault.kind.severity == "error":
            self.dropped.append(where(row.number, heading.text))

    def _value(self, row: _Row, heading: Heading) -> Any:
        """What the cell under this heading says; None, and a fault of the row, where it says nothing usable."""
        column = heading.column
        text = row.texts.get(column.name)
        if text is None:
            return None
        beside = row.texts.get(self.beside(column), "")
        value = self.said(heading, text, beside)
        if isinstance(value, Fault):
            self._blame(row, heading, value)
            return None
        self.kept += 1
        return value

    @staticmethod
    def beside(column: Column) -> str:
        """The column that says in what the values of this one are; '' where none does."""
        return "currency" if column.kind is Money else "mass_unit" if column.is_mass else ""

    def said(self, heading: Heading, text: str, beside: str) -> Any:
        """The value of a text under this heading, or a Fault; what it came to before, where it stood there before.

        `beside` is what the row says in the column `beside`.
        """
        column = heading.column
        said = self._known[column.name]
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

    def _head(self, row: _Row, gathered: Gathered) -> None:
        """Put what the row says of the whole consignment with what earlier rows said."""
        for heading in self.of_head:
            name, value = heading.column.name, self._value(row, heading)
            if value is None:
                continue
            if gathered.head.setdefault(name, value) != value:
                self._blame(row, heading, Fault(kinds.CONTRADICTION))
            elif row.number != gathered.row:
                gathered.said_in.setdefault(name, row.number)

    def _declared(self, gathered: Gathered) -> Declared | None:
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
            self.say(kinds.NO_JURISDICTION, str(gathered.row), f"row {gathered.row}")
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

    def _findings(self, gathered: Gathered, places: dict[str, str]) -> tuple[Finding, ...]:
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

    def _anchor(self, gathered: Gathered) -> ChainMap[str, str]:
        """Where the consignment's rows stand, over the headings that all consignments of the sheet share."""
        own = {"row": str(gathered.row), "rows": " ".join(map(str, gathered.rows))}
        own |= {f"row {name}": str(row) for name, row in gathered.said_in.items()}
        return ChainMap(own, self.columns)

    def say(self, kind: Kind, detail: str, source_pointer: str) -> None:
        """One more finding about the sheet as a whole, or about a row that belongs to no consignment."""
        self._list(found(kind, detail, source_pointer=source_pointer))

    def _list(self, finding: Finding) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
        else:
            self.unlisted += 1


def _text_of(cell: str) -> tuple[str, list[Fault]]:
    """The text of a cell, '' where there is none that may stand in a field, and what is to be said of it."""
    if isinstance(cell, Cell) and cell.fault is not None:
        return "", [cell.fault]
    text = bare(cell)
    faults = []
    if _BREAKS.search(text):
        text = _BREAKS.sub(" ", text)
        faults.append(Fault(kinds.LINE_BREAK))
    if unfit := unfit_in(text):
        return "", [*faults, Fault(kinds.UNFIT_CHARACTER, unfit)]
    return text, faults


def _is_exact(cell: str) -> bool:
    return isinstance(cell, Cell) and cell.is_exact
