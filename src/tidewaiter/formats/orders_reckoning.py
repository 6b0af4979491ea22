"""What an order comes to as a consignment: line prices, what is taken off, the tax inside prices, parties.

Prices of a consignment are net of discounts and of tax charged at the sale, as customs values them. A unit price is
multiplied by the quantity; a discount is taken off the line or the carriage it was given on, and what was given on
the whole order stays a discount of the whole.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple, get_args

from msgspec import structs

from tidewaiter.formats.json.building import build
from tidewaiter.formats.json.kinds import NOT_EXACT
from tidewaiter.formats.orders import Collected, Dialect, Element, Fault, Said, collected, opened
from tidewaiter.formats.orders_kinds import (
    BELOW_ZERO,
    CANCELLED,
    NO_COUNTRY,
    NO_CURRENCY,
    NO_ORDER,
    NO_QUANTITY,
    NO_REFERENCE,
    NOT_SHIPPED,
    SEVERAL,
    TAX_UNCLEAR,
)
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found
from tidewaiter.model.consignment import Consignment, Role
from tidewaiter.model.finding import Finding, Kind

ROLES: tuple[Role, ...] = get_args(Role)
JOINED = {"name": " ", "street": ", "}
"""Fields of a party that marketplaces give in pieces, and what stands between the pieces."""
WORKINGS = frozenset({
    "currency", "tax_included", "discount_in_all", "freight", "freight_discount", "freight_tax", "freight_tax_off",
    "unit_price", "line_price", "line_discount", "line_tax", "line_tax_off", "unit_mass", "shipped", "paid",
    "tax_collected", "company", "cancelled",
})  # fmt: skip
"""What is reckoned with, and not simply kept."""
_MICRO = Decimal("0.000001")
_ZERO = Decimal(0)


def read_orders(data: bytes, of: Dialect, *, jurisdiction: str | None) -> Reading:
    """What a marketplace's message holds: a consignment for each order or shipment."""
    message = opened(data, of)
    declared: list[Declared] = []
    findings = list(message.findings)
    dropped = list(message.dropped)
    kept = 0
    for element in message.elements:
        one = _Order(element, of, jurisdiction).reading()
        kept += one.kept
        dropped += one.dropped
        declared += one.declared
        findings += one.findings
    if not declared and not findings:
        findings.append(found(NO_ORDER))
    return Reading(
        format=of.name, declared=tuple(declared), findings=tuple(findings), kept=kept, dropped=tuple(dropped)
    )  # fmt: skip


def source_pointer(declared: Declared, pointer: str) -> str:
    """The JSON pointer into their message; that of the nearest thing around it where they have no such field."""
    steps = pointer.split("/")
    for length in range(len(steps), 0, -1):
        place = declared.anchor.get("/".join(steps[:length]))
        if place is not None:
            return place
    return ""


class _Sum(NamedTuple):
    """Amounts of one place added up. `at` is the first of theirs, '' where nothing was said."""

    amount: Decimal
    currency: str
    at: str


class _Order:
    """One order being laid out as our own JSON."""

    def __init__(self, element: Element, of: Dialect, jurisdiction: str | None) -> None:
        self.of = of
        self.jurisdiction = jurisdiction
        self.all: Collected = collected(element, of)
        self.at = element.parts[0][0]
        self.tree: dict[str, Any] = dict(of.same_for_all)
        self.anchor: dict[str, str] = {"": self.at}
        self.items: list[dict[str, Any]] = []
        self.moved: dict[str, str] = {}
        self.faults: dict[Fault, None] = {}

    def reading(self) -> Reading:
        """The order read: one consignment, or findings alone where it cannot be one."""
        self._head()
        self._money()
        consignee: dict[str, Any] = next((p for p in self.tree["parties"] if p["role"] == "consignee"), {})
        country = consignee.get("country") or self.jurisdiction
        if country is not None:
            self.tree["jurisdiction"] = country
        if "reference" not in self.tree:
            self._fault(NO_REFERENCE, "", "/reference", self.at)
        if country is None:
            self._fault(NO_COUNTRY, "", "/jurisdiction", self.at)
        all_ = self.all
        if "reference" not in self.tree or country is None:
            return Reading(format=self.of.name, findings=self._findings(()), kept=0, dropped=tuple(all_.dropped))
        built = build(self.tree, Consignment)
        findings = self._findings(built.findings)
        dropped = (*all_.dropped, *(self._theirs(place) for place in built.dropped))
        if built.record is None:  # the reference or the country is none
            return Reading(format=self.of.name, findings=findings, kept=0, dropped=dropped)
        declared = Declared(consignment=built.record, findings=findings, anchor=self.anchor)
        kept = all_.kept - len(built.dropped)
        return Reading(format=self.of.name, declared=(declared,), kept=kept, dropped=dropped)

    def _findings(self, built: tuple[Finding, ...]) -> tuple[Finding, ...]:
        read = [fault._replace(ours=self._ours(fault.ours)) for fault in self.all.faults]
        own = [found(f.kind, f.detail, pointer=f.ours, source_pointer=f.theirs) for f in (*read, *self.faults)]
        others = [structs.replace(one, source_pointer=self._theirs(one.pointer)) for one in built]
        return (*own, *others)

    def _theirs(self, ours: str) -> str:
        return source_pointer(Declared(consignment=_NOBODY, anchor=self.anchor), ours)

    def _ours(self, place: str) -> str:
        """Our pointer for a place of the table: items by their number here, workings by the field they go into."""
        steps = place.split("/")
        if steps[1:2] == ["items"] and len(steps) > 2:
            if steps[2] not in self.moved:
                return "/items"
            steps[2] = self.moved[steps[2]]
        elif steps[1:2] in (["parties"], ["fiscal_references"]):
            return f"/{steps[1]}"
        if steps[-1] in WORKINGS:
            field = "gross_mass" if steps[-1] == "unit_mass" else "freight" if "freight" in steps[-1] else steps[-1]
            steps[-1] = field if field in Consignment.__struct_fields__ else "price"
            return "/".join(steps) if len(steps) > 2 or field in Consignment.__struct_fields__ else ""
        return "/".join(steps)

    def _fault(self, kind: Kind, detail: str, ours: str, theirs: str) -> None:
        self.faults[Fault(kind, detail, ours, theirs)] = None

    def _drop(self, place: str) -> None:
        said = self.all.said.get(place, [])
        self.all.dropped += [one.at for one in said]
        self.all.kept -= len(said)

    def _one(self, place: str) -> Said | None:
        """The one value of a place: of the first row of the table that says any. Others are dropped."""
        said = self.all.said.get(place, [])
        if not said:
            return None
        first = min(said, key=lambda one: one.rank)
        others = [one for one in said if one.value != first.value]
        if clash := next((one for one in others if one.rank == first.rank), None):
            self._fault(SEVERAL, place.rpartition("/")[2], self._ours(place), clash.at)
        self.all.dropped += [one.at for one in others]
        self.all.kept -= len(others)
        return first

    def _joined(self, place: str, between: str) -> Said | None:
        said = sorted(self.all.said.get(place, []), key=lambda one: one.rank)
        return Said(between.join(dict.fromkeys(one.value for one in said)), said[0].at, 0) if said else None

    def _sum(self, place: str) -> _Sum:
        said = self.all.said.get(place, [])
        currencies = dict.fromkeys(one.value[1] for one in said if one.value[1])
        if len(currencies) > 1:
            self._fault(SEVERAL, "the currency", self._ours(place), said[-1].at)
        return _Sum(
            sum((one.value[0] for one in said), _ZERO), next(iter(currencies), ""), said[0].at if said else ""
        )  # fmt: skip

    def _head(self) -> None:
        """Everything that is kept as it is, and the goods items without their prices."""
        if cancelled := self._one("/cancelled"):
            self._fault(CANCELLED, "", "", cancelled.at)
        for line in self.all.items:
            shipped = self._one(f"/items/{line}/shipped")
            if shipped is not None and not shipped.value:
                self._fault(NOT_SHIPPED, "", "/items", shipped.at)
                continue
            self.moved[line] = str(len(self.items))
            self.items.append({})
        parties: dict[str, dict[str, Any]] = {}
        for place in self.all.said:
            steps = place.split("/")[1:]
            if steps[0] == "items":
                self._of_item(place, steps)
            elif steps[0] == "parties":
                parties.setdefault(steps[1], {})
            elif steps[0] == "fiscal_references":
                said = self._one(place)
                references = self.tree.setdefault("fiscal_references", [])
                self.anchor[f"/fiscal_references/{len(references)}/id"] = said.at if said else ""
                references.append({"role": steps[1], "id": said.value if said else None})
            elif steps[0] not in WORKINGS and (said := self._one(place)):
                self._put(self.tree, steps[0], place, said)
        self.tree["parties"] = [{"role": role} for role in ROLES if role in parties]
        for at, party in enumerate(self.tree["parties"]):
            self._of_party(party, f"/parties/{at}")

    def _put(self, into: dict[str, Any], name: str, ours: str, said: Said) -> None:
        value = said.value
        if name.endswith("_mass"):
            value = value.quantize(_MICRO, ROUND_HALF_UP).normalize()
            if not value:  # of none that is sent, or too little to weigh, no weight is said
                self.all.dropped.append(said.at)
                self.all.kept -= 1
                return
        into[name] = value
        self.anchor[ours] = said.at

    def _of_item(self, place: str, steps: list[str]) -> None:
        number = self.moved.get(steps[1])
        if number is None:
            self._drop(place)
            return
        item, name = self.items[int(number)], steps[2]
        if name in WORKINGS or not (said := self._one(place)):
            return
        if name == "codes":
            item["codes"] = [{"scheme": steps[3], "code": said.value}]
            self.anchor[f"/items/{number}/codes/0/code"] = said.at
        else:
            self._put(item, name, f"/items/{number}/{name}", said)

    def _of_party(self, party: dict[str, Any], ours: str) -> None:
        place = f"/parties/{party['role']}"
        for name in ("id", "name", "street", "city", "region", "postcode", "country", "phone", "email"):
            between = JOINED.get(name)
            said = self._one(f"{place}/{name}") if between is None else self._joined(f"{place}/{name}", between)
            if said is not None:
                party[name] = said.value
                self.anchor[f"{ours}/{name}"] = said.at
                self.anchor.setdefault(ours, said.at.rpartition("/")[0])
        company = self._one(f"{place}/company")
        if company is not None and "name" not in party:
            party["name"] = company.value
            self.anchor[f"{ours}/name"] = company.at
        elif company is not None and company.value != party["name"]:
            party["street"] = ", ".join([company.value, *([party["street"]] if "street" in party else [])])
            self.anchor.setdefault(f"{ours}/street", company.at)

    def _money(self) -> None:
        """Prices, carriage, discount and tax."""
        head = self._one("/currency")
        currency = head.value if head is not None else ""
        freight, freight_off = self._sum("/freight"), self._sum("/freight_discount")
        freight_tax = self._sum("/freight_tax").amount - self._sum("/freight_tax_off").amount
        places = {number: f"/items/{old}" for old, number in self.moved.items()}
        lines = [self._line(places[str(number)], item, number) for number, item in enumerate(self.items)]
        taxes = [
            self._sum(f"{places[str(n)]}/line_tax").amount - self._sum(f"{places[str(n)]}/line_tax_off").amount
            for n in range(len(self.items))
        ]
        split = sum(taxes, freight_tax)
        tax = self._tax(split, places)
        paid = self._sum("/paid")
        net = sum((line.amount for line in lines), freight.amount - freight_off.amount)
        if self._holds_tax(net, tax, split, paid):
            lines = [line._replace(amount=line.amount - own) for line, own in zip(lines, taxes, strict=True)]
            freight = freight._replace(amount=freight.amount - freight_tax)
        for place, (item, line) in enumerate(zip(self.items, lines, strict=True)):
            number = str(place)
            own = self._one(f"{places[number]}/currency")
            item.pop("currency", None)
            named = own.value if own is not None else currency
            self._amount(item, "price", f"/items/{number}/price", line, named)
            self._mass(item, number, places[number])
        freight = freight._replace(amount=freight.amount - freight_off.amount)
        self._amount(self.tree, "freight", "/freight", freight, currency)
        self._amount(self.tree, "tax_collected", "/tax_collected", tax, currency)
        self._amount(self.tree, "paid", "/paid", paid, currency)
        given = freight_off.amount + sum(
            (self._sum(f"{place}/line_discount").amount for place in places.values()), _ZERO
        )  # fmt: skip
        whole = self._sum("/discount_in_all")
        if whole.amount > given:
            self._amount(self.tree, "discount", "/discount", whole._replace(amount=whole.amount - given), currency)
        if self.items:
            self.tree["items"] = self.items

    def _line(self, place: str, item: dict[str, Any], number: int) -> _Sum:
        """The price of a line before tax is looked at: what is charged for all its pieces, less what was taken off."""
        line, each = self._sum(f"{place}/line_price"), self._sum(f"{place}/unit_price")
        self.anchor[f"/items/{number}"] = (line.at or each.at).rpartition("/")[0] or self.at
        if line.at and each.at:
            self._drop(f"{place}/unit_price")
        elif each.at:
            quantity = item.get("quantity")
            if quantity is None:
                self._fault(NO_QUANTITY, "", f"/items/{number}/price", each.at)
                return _Sum(_ZERO, "", "")
            line = each._replace(amount=each.amount * quantity)
        return line._replace(amount=line.amount - self._sum(f"{place}/line_discount").amount)

    def _tax(self, split: Decimal, places: dict[str, str]) -> _Sum:
        """The tax charged at the sale: as the order states it, else as its lines do."""
        stated = self._sum("/tax_collected")
        if stated.at:
            return stated
        parts = [self._sum(place) for place in (*(f"{one}/line_tax" for one in places.values()), "/freight_tax")]
        first = next((part for part in parts if part.at), None)
        return _Sum(split, first.currency, first.at) if first is not None else stated

    def _holds_tax(self, net: Decimal, tax: _Sum, split: Decimal, paid: _Sum) -> bool:
        """Whether prices hold the tax: as the order says, or as its total shows."""
        flag = self._one("/tax_included")
        if flag is not None:
            included = bool(flag.value) and tax.amount != 0
            if included and split != tax.amount:
                self._fault(TAX_UNCLEAR, "how much tax is in each price", "/tax_collected", tax.at)
            return included and split == tax.amount
        if not self.of.settled_by_total or tax.amount == 0 or paid.amount == net + tax.amount:
            return False
        if paid.amount != net or split != tax.amount:
            self._fault(TAX_UNCLEAR, "whether the tax is in the prices", "/tax_collected", tax.at)
            return False
        return True

    def _amount(self, into: dict[str, Any], name: str, ours: str, amount: _Sum, currency: str) -> None:
        """Put an amount where it was said. What is no amount is a fault there."""
        if not amount.at:
            return
        self.anchor[ours] = amount.at
        named = amount.currency or currency
        if not named:
            self._fault(NO_CURRENCY, "", ours, amount.at)
        elif amount.amount < 0:
            self._fault(BELOW_ZERO, "", ours, amount.at)
        else:
            into[name] = {"amount": amount.amount, "currency": named}
            return
        self.all.dropped.append(amount.at)
        self.all.kept -= 1

    def _mass(self, item: dict[str, Any], number: str, place: str) -> None:
        """Grams of one piece, times the pieces."""
        each, quantity, ours = self._one(f"{place}/unit_mass"), item.get("quantity"), f"/items/{number}/gross_mass"
        if each is not None and quantity is not None:
            self._put(item, "gross_mass", ours, each._replace(value=each.value * quantity))
        elif each is not None:
            self._fault(NOT_EXACT, "it is that of one piece, and the quantity is missing", ours, each.at)


_NOBODY = Consignment(reference="", jurisdiction="")
