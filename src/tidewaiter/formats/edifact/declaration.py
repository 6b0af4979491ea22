"""From the segments of a CUSDEC, CUSCAR or CUSEXP message to consignments, one segment after the other.

A CUSDEC is one consignment. In a CUSCAR each bill under CNI is one, in a CUSEXP each CNI; what stands before them
holds for all. Numbers of groups are not looked at, only their triggers, so that every directory is read alike.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping

from tidewaiter.formats.edifact import mapping as m
from tidewaiter.formats.edifact import taking
from tidewaiter.formats.edifact.kinds import FUNCTION_UNKNOWN, NO_JURISDICTION, NO_REFERENCE
from tidewaiter.formats.edifact.taking import CONVERTERS, Draft, Part, Tally
from tidewaiter.formats.edifact.values import clean, converter, money
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.values import Unfit
from tidewaiter.model.consignment import Consignment, GoodsItem, TaxLine
from tidewaiter.model.finding import Finding

CONSIGNMENT_AT: dict[str, tuple[str, ...]] = {"CUSDEC": (), "CUSCAR": ("CNI", "RFF"), "CUSEXP": ("RFF", "CNI")}
"""The groups around a consignment."""
ITEM_AT: dict[str, tuple[str, ...]] = {
    "CUSDEC": ("CST",),
    "CUSCAR": ("CNI", "RFF", "GID"),
    "CUSEXP": ("RFF", "CNI", "CST"),
}
"""The groups around a goods item."""
_ARRIVALS = ("60", "11", "12", "8", "7")
"""LOC of a cargo report that tells the country where goods arrive, the first the most telling."""


class Declaration:
    """One message in reading."""

    def __init__(self, type: str, spot: str, tally: Tally, *, jurisdiction: str | None) -> None:
        self.type, self.spot, self.tally, self.jurisdiction = type, spot, tally, jurisdiction
        self._shared = Draft(Consignment, "", tally)
        self._own: Draft | None = self._shared if type == "CUSDEC" else None
        self._items: list[Draft] = []
        self._function = ""
        self._arrivals: dict[str, str] = {}
        self._own_arrivals: dict[str, str] = {}
        self._cni: Part | None = None
        self._declared: list[Declared] = []
        self._told: dict[str, str] | None = None
        """Places of what is said once for all, as they were when last needed."""

    def feed(self, part: Part) -> None:
        """Take one segment."""
        path = part.place.path
        if self.type != "CUSDEC" and part.place.is_trigger:
            self._enter(part)
        if part.place.is_trigger and path == ITEM_AT[self.type] and self._own is not None:
            inside: tuple[str, ...] = ()
            draft = self._item()
            draft.anchor[draft.at] = part.tail
        else:
            draft, inside = self._draft(path)
        if draft is self._shared:
            self._told = None
        self._take(draft, part, inside)
        if not (draft.waiting and draft.waiting[-1][1] is part):
            part.drop_rest(self.tally)

    def finish(self) -> list[Declared]:
        """The consignments of the message."""
        self._close()
        return self._declared

    def _enter(self, part: Part) -> None:
        """Begin a consignment where a group does."""
        path, tag = part.place.path, part.segment.tag
        if self.type == "CUSEXP" and path == ("RFF",):
            self._close()
            for field in ("master_bill", m.BILL):
                self._shared.values.pop(field, None)
                self._shared.anchor.pop(f"/{field}", None)
        elif tag == "CNI" or (self.type == "CUSCAR" and path == ("CNI", "RFF") and self._items):
            self._close()
            self._cni = part if tag == "CNI" else self._cni
            self._own = Draft(Consignment, "", self.tally)
            self._own.values["parties"] = self._shared.entries("parties")[: taking.FEW_MAX]

    def _draft(self, path: tuple[str, ...]) -> tuple[Draft, tuple[str, ...]]:
        """The record to which a segment with these groups belongs, and the groups between the two."""
        item_at, own_at = ITEM_AT[self.type], CONSIGNMENT_AT[self.type]
        if path[: len(item_at)] == item_at and self._own is not None:
            return self._items[-1] if self._items else self._item(), path[len(item_at) :]
        if self._own is not None and path[: len(own_at)] == own_at:
            return self._own, path[len(own_at) :]
        if self._own is not None and path == ("CNI",):
            return self._own, ()
        return self._shared, path

    def _item(self) -> Draft:
        self._items.append(Draft(GoodsItem, f"/items/{len(self._items)}", self.tally))
        return self._items[-1]

    def _take(self, draft: Draft, part: Part, inside: tuple[str, ...]) -> None:
        tag = part.segment.tag
        is_shared = draft is self._shared and self.type != "CUSDEC"
        here = inside[:-1] if part.place.is_trigger else inside
        if here == ():
            self._take_here(draft, part, is_shared=is_shared)
        elif tag == "COM" and here in (("NAD",), ("NAD", "CTA")):
            taking.take_contact(draft, part)
        elif tag == "CUX" and here == ("MOA",):
            taking.settle(draft, part.at(0, 1), part)
        elif tag == "LOC" and here == ("TOD",) and part.at(0) == "1":
            at = (1, 3) if part.at(1, 3) else (1, 0)
            draft.take("incoterm_place", part, at, CONVERTERS[Consignment, "incoterm_place"])
            part.use((0, 0))
        elif tag == "PCI" and here == ("PAC",) and draft.struct is GoodsItem:
            taking.take_marks(draft, part)
        elif tag == "MOA" and here == ("TAX",) and draft.struct is GoodsItem and draft.entries("taxes"):
            self._take_tax(draft, part)
        elif tag == "LOC" and here == ("TDT",) and is_shared:
            self._note_arrival(part, shared=True)
            taking.take_leaf(draft, part, only=m.SHARED)

    def _take_here(self, draft: Draft, part: Part, *, is_shared: bool) -> None:
        tag = part.segment.tag
        if tag in m.SHAPES:
            self._take_qualified(draft, part, is_shared=is_shared)
        elif tag == "BGM":
            self._take_beginning(part)
        elif tag == "NAD":
            taking.take_party(draft, part)
        elif tag == "TDT" and draft.struct is Consignment:
            taking.take_transport(draft, part)
        elif tag == "CUX":
            draft.currency = part.at(0, 1)
            part.use((0, 0), (0, 1))
            part.kept += bool(draft.currency)
        elif tag == "CNI":
            part.use((0, 0), (1, 0))
            part.kept += 1
        elif tag in ("GEI", "GIS"):
            taking.take_indicator(draft, part)
        elif tag == "FTX" and not is_shared:
            taking.take_text(draft, part)
        elif tag == "DOC" and not is_shared:
            taking.take_document(draft, part)
        elif tag == "TOD" and draft.struct is Consignment:
            draft.take("incoterm", part, (2, 0), CONVERTERS[Consignment, "incoterm"])
            part.use((0, 0))
        elif tag in ("EQD", "SEL") and self.type == "CUSDEC" and draft.struct is Consignment:
            taking.take_equipment(draft, part, (1, 0)) if tag == "EQD" else taking.take_seal(draft, part)
        elif tag == "GDS" and part.at(0) == "1" and draft.struct is Consignment and not is_shared:
            draft.put("category", "documents", part, (0, 0))
        elif tag == "CST" and draft.struct is Consignment:
            draft.take("declaration_type", part, (1, 0), CONVERTERS[Consignment, "declaration_type"])
            draft.take("procedure_category", part, (2, 0), CONVERTERS[Consignment, "procedure_category"])
            part.use((1, 1), (1, 2), (2, 1), (2, 2))
        elif draft.struct is GoodsItem:
            self._take_of_item(draft, part)
        elif tag == "UNS":
            part.use((0, 0))

    def _take_of_item(self, draft: Draft, part: Part) -> None:
        tag = part.segment.tag
        if tag == "CST":
            taking.take_codes(draft, part)
        elif tag == "GID":
            draft.take("sequence", part, (0, 0), CONVERTERS[GoodsItem, "sequence"])
            for element in range(1, 6):
                taking.take_packages(draft, part, quantity=(element, 0), type=(element, 1))
        elif tag == "PAC":
            taking.take_packages(draft, part, quantity=(0, 0), type=(2, 0))
        elif tag == "PCI":
            taking.take_marks(draft, part)
        elif tag == "SGP":
            taking.take_equipment(draft, part, (0, 0))
        elif tag == "TAX":
            taking.take_tax(draft, part)

    def _take_qualified(self, draft: Draft, part: Part, *, is_shared: bool) -> None:
        tag, code = part.segment.tag, part.at(0)
        if tag == "LOC" and draft.struct is Consignment:
            self._note_arrival(part, shared=is_shared)
        if tag == "RFF" and code in m.BILLS and draft.struct is Consignment:
            draft.take(m.BILL, part, (0, 1), converter(Consignment, "house_bill"), code=code)
            part.use((0, 0))
        elif tag == "RFF" and code == m.EQUIPMENT_REFERENCE and draft.struct is GoodsItem:
            taking.take_equipment(draft, part, (0, 1))
        elif tag == "MEA" and code in m.QUANTITY_PURPOSES and not part.at(1) and draft.struct is GoodsItem:
            taking.take_quantity(draft, part)
        elif tag == "MOA" and code in m.WHOLE_VALUES and draft.struct is Consignment:
            self._note_whole_value(draft, part)
        elif tag == "LOC" and code == "49" and draft.struct is Consignment:
            self._take_route(draft, part)
        else:
            taking.take_leaf(draft, part, only=m.SHARED if is_shared else None)

    def _take_beginning(self, part: Part) -> None:
        shared = self._shared
        name, function = part.at(0), part.at(2)
        # A manifest tells what comes, for safety and security; the goods are declared for a procedure apart from it.
        declared = "export" if name in m.EXPORT_NAMES else "import"
        shared.values["direction"] = "entry" if self.type == "CUSCAR" or name == m.ENTRY_NAME else declared
        shared.take("reference", part, (1, 0), CONVERTERS[Consignment, "reference"])
        shared.take("version", part, (1, 1), CONVERTERS[Consignment, "version"])
        if function in m.FUNCTIONS or not function:
            shared.values["function"] = m.FUNCTIONS.get(function, "original")
        else:
            shared.fault(Unfit(FUNCTION_UNKNOWN, "1225 has another code"), "function", part.told_at(2, 0))
        part.use((0, 0), (2, 0))
        part.kept += bool(name) + bool(function in m.FUNCTIONS)

    def _take_route(self, draft: Draft, part: Part) -> None:
        route = draft.entries("transport.route")
        country = part.at(1)
        if country and taking.country_of(country) == country and len(route) < taking.FEW_MAX:
            route.append(country)
            part.use((0, 0), (1, 0))
            part.kept += 1

    def _take_tax(self, draft: Draft, part: Part) -> None:
        currency = part.at(0, 2)
        if part.at(0) != "161" or not currency:
            return
        inner = draft.entries("taxes")
        try:
            amount = money(part.at(0, 1), currency)
        except Unfit as unfit:
            draft.fault(unfit, f"taxes/{len(inner) - 1}/assessed", part.told_at(0, 1))
            return
        inner[-1] = TaxLine(type=inner[-1].type, assessed=amount)
        draft.anchor[f"{draft.at}/taxes/{len(inner) - 1}/assessed"] = part.tail_at(0, 1)
        part.use((0, 0), (0, 1), (0, 2))
        part.kept += 1

    def _note_arrival(self, part: Part, *, shared: bool) -> None:
        """Remember where goods arrive, for want of a country that is named outright; the place itself has no field."""
        country = taking.country_of(part.at(1))
        if country:
            (self._arrivals if shared else self._own_arrivals).setdefault(part.at(0), country)

    def _note_whole_value(self, draft: Draft, part: Part) -> None:
        try:
            if draft.whole_value is None and part.at(0, 2):
                draft.whole_value = (money(part.at(0, 1), part.at(0, 2)), part)
                part.use((0, 0), (0, 1), (0, 2))
        except Unfit as unfit:
            draft.fault(unfit, "items", part.told_at(0, 1))

    def _close(self) -> None:
        """Make a record of the consignment that has been read."""
        own, items = self._own, self._items
        self._own, self._items = None, []
        if own is None:
            return
        for draft in (own, *items):
            taking.settle(draft, draft.currency or own.currency)
        self._settle_whole_value(own, items)
        shared = None if own is self._shared else self._shared
        values = {**(shared.values if shared else {}), **own.values}
        anchor: MutableMapping[str, str] = own.anchor
        findings = [*(shared.findings[: taking.FEW_MAX] if shared else ()), *own.findings]
        if shared:
            self._told = dict(shared.anchor) if self._told is None else self._told
            anchor = ChainMap(own.anchor, self._told)  # one mapping for all: there may be very many consignments
        anchor[""] = self.spot
        self._name(values, anchor, findings)
        self._locate(values, findings)
        if self.type == "CUSEXP":
            values.setdefault("channel", "express")
        for item in items:
            anchor.update(item.anchor)
            findings += item.findings
        values["items"] = [item.build() for item in items[: taking.ENTRIES_MAX]]
        draft = Draft(Consignment, "", self.tally)
        draft.values = values
        self._declared.append(Declared(consignment=draft.build(), findings=tuple(findings), anchor=anchor))
        self._own_arrivals = {}

    def _settle_whole_value(self, own: Draft, items: list[Draft]) -> None:
        """The value of the whole is that of the item where there is one alone; else it has no field."""
        if own.whole_value is None:
            return
        value, part = own.whole_value
        if len(items) == 1 and "customs_value" not in items[0].values:
            items[0].put("customs_value", value, part, (0, 1))
            self.tally.kept += 1
        else:
            self.tally.drop(part.told_at(0, 1))

    def _name(self, values: dict[str, object], anchor: MutableMapping[str, str], findings: list[Finding]) -> None:
        """Settle which bill is whose, and the reference: in a cargo report that of the consignment itself."""
        bill = values.pop(m.BILL, None)
        place = anchor.pop(f"/{m.BILL}", "")
        field = next((name for name in ("house_bill", "master_bill") if name not in values), None)
        if bill is not None and field is not None:
            values[field] = bill
            anchor[f"/{field}"] = place
        elif bill is not None:
            self.tally.kept -= 1
            self.tally.drop(f"{self.spot}, {place}")
        if self.type != "CUSDEC":
            cni = self._cni
            numbered = cni.at(1) if cni else ""
            whole = f"{values.get('reference', '')}/{cni.at(0) if cni else ''}"
            told = values.get("house_bill") or numbered[:70] or values.get("tracking_id") or whole.strip("/")[:70]
            if numbered and "house_bill" not in values and len(numbered) <= 35:
                values["house_bill"] = numbered
            values["reference"] = clean(str(told))
            if cni is not None:
                anchor["/reference"] = anchor.get("/house_bill", cni.tail)
        if not values.get("reference"):
            values["reference"] = ""
            where = "BGM" if self.type == "CUSDEC" else "CNI or RFF"
            self.tally.note(findings, NO_REFERENCE, where, pointer="/reference", told=self.spot)

    def _locate(self, values: dict[str, object], findings: list[Finding]) -> None:
        """Settle whose law is asked for: what is named, else where the goods go, else what the lodger said."""
        end = "export_country" if values.get("direction") == "export" else "destination_country"
        arrivals = {**self._arrivals, **self._own_arrivals} if self.type != "CUSDEC" else {}
        told = values.get("jurisdiction") or values.get(end)
        told = told or next((arrivals[code] for code in _ARRIVALS if code in arrivals), None) or self.jurisdiction
        values["jurisdiction"] = told or ""
        if not told:
            self.tally.note(findings, NO_JURISDICTION, "", pointer="/jurisdiction", told=self.spot)
