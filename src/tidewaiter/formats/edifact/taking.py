"""Taking segments into the fields of a consignment or an item, with a place for every value and every fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, get_args

import msgspec

from tidewaiter.formats.edifact import mapping as m
from tidewaiter.formats.edifact.kinds import AND_MORE, NO_CURRENCY, NOT_OF_THE_FORM, TWICE
from tidewaiter.formats.edifact.structure import Place
from tidewaiter.formats.edifact.tokens import Segment
from tidewaiter.formats.edifact.values import Convert, converter, instant, kilograms, money
from tidewaiter.formats.text import found, unfit_in
from tidewaiter.formats.values import Unfit, kind_of
from tidewaiter.model.consignment import (
    Category,
    Channel,
    Consignment,
    Document,
    Equipment,
    FiscalReference,
    GoodsItem,
    Packaging,
    Party,
    Statement,
    TaxLine,
)
from tidewaiter.model.finding import Finding, Kind
from tidewaiter.model.money import Money

CATEGORIES, CHANNELS = get_args(Category), get_args(Channel)
FEW_MAX = 99
"""So many seals, additional procedures, countries on the way and parties of a whole cargo report are read."""
DROPPED_MAX = 100_000
"""So many places without a field are named of one file; the rest are counted."""
FINDINGS_MAX = 10_000
"""So many findings are listed of one file."""
ENTRIES_MAX = 9_999
"""No list of a consignment is read further than this (goods items of one declaration in ICS2 and H7)."""
MARKS_MAX = 35
"""Characters in a line of marks: UN/EDIFACT data element 7102."""
_COUNTRY_OF = re.compile(r"([A-Z]{2})(?:[A-Z0-9]{3})?")
_IOSS = re.compile(r"IM[0-9]{10}")

At = tuple[int, int]
"""An element of a segment and a component in it, from 0."""


class Tally:
    """What comes together over a whole file: how much was kept, what was dropped, how many faults were found."""

    def __init__(self) -> None:
        self.kept = 0
        self.dropped: list[str] = []
        self.unlisted = 0
        self.faults = 0
        self.more = found(AND_MORE, f"no more than {FINDINGS_MAX:,} of one file", source_pointer="further on")

    def drop(self, place: str) -> None:
        """Note a value without a field."""
        if len(self.dropped) < DROPPED_MAX:
            self.dropped.append(place)
        else:
            self.unlisted += 1

    def note(self, findings: list[Finding], kind: Kind, detail: str, *, pointer: str = "", told: str) -> None:
        """One more finding in this list. Beyond the limit an error says so once: no list is ever left without."""
        self.faults += 1
        if self.faults <= FINDINGS_MAX:
            findings.append(found(kind, detail, pointer=pointer, source_pointer=told))
        elif findings[-1:] != [self.more]:
            findings.append(self.more)


class Part:
    """A segment in its place, and which of its components have been taken."""

    def __init__(self, segment: Segment, place: Place, head: str, number: int) -> None:
        self.segment, self.place, self.head = segment, place, head
        self.tail = (
            f"{place.groups}, segment {number} {segment.tag}" if place.path else f"segment {number} {segment.tag}"
        )
        self.used: set[tuple[int, int]] = set()
        self.kept = 0

    def at(self, element: int, component: int = 0) -> str:
        """The component, stripped; '' where it was not sent."""
        return self.segment.at(element, component).strip()

    def use(self, *places: tuple[int, int]) -> None:
        """Note what only says what another component means: a qualifier, a unit, a code list."""
        self.used.update(places)

    def joined(self, element: int, start: int, stop: int, by: str = " ") -> str:
        """These components of an element as one text."""
        texts = [self.at(element, component) for component in range(start, stop)]
        return by.join(text for text in texts if text)

    def told(self) -> str:
        """The place of the segment, as `Spot` tells it."""
        return f"{self.head}, {self.tail}"

    def told_at(self, element: int, component: int) -> str:
        """The place of a component, from 0 here and from 1 there."""
        return f"{self.head}, {self.tail_at(element, component)}"

    def tail_at(self, element: int, component: int) -> str:
        """The same without what every place in the message begins with."""
        return f"{self.tail}, element {element + 1}, component {component + 1}"

    def drop_rest(self, tally: Tally) -> None:
        """Note every value that no field took."""
        tally.kept += self.kept
        for element, components in enumerate(self.segment.elements):
            for component, text in enumerate(components):
                if text.strip() and (element, component) not in self.used:
                    tally.drop(self.told_at(element, component))
        for element, components in self.segment.repeats:
            for component, text in enumerate(components):
                if text.strip():
                    tally.drop(self.told_at(element, component))


class Draft:
    """A record in the making: `values` by field, the places they came from, what was wrong with them.

    Places in `anchor` are without what every place in the message begins with.
    """

    def __init__(self, struct: type[msgspec.Struct], at: str, tally: Tally) -> None:
        self.struct, self.at, self.tally = struct, at, tally
        self.values: dict[str, Any] = {}
        self.codes: dict[str, str] = {}
        self.anchor: dict[str, str] = {}
        self.findings: list[Finding] = []
        self.currency = ""
        self.waiting: list[tuple[m.Leaf, Part, str]] = []
        self.whole_value: tuple[Money, Part] | None = None

    def fault(self, unfit: Unfit, field: str, told: str) -> None:
        """Note a value that the field could not take."""
        pointer = f"{self.at}/{field.replace('.', '/')}"
        self.tally.note(self.findings, unfit.kind, unfit.detail, pointer=pointer, told=told)

    def put(self, field: str, value: Any, part: Part, at: tuple[int, int], *, code: str = "") -> None:
        """Keep a value that came from this component, unless another says so already."""
        if field not in self.values:
            self.values[field] = value
            self.codes[field] = code
            self.anchor[f"{self.at}/{field.replace('.', '/')}"] = part.tail_at(*at)
        elif self.values[field] != value:
            if self.codes[field] == code:
                self.fault(Unfit(TWICE), field, part.told_at(*at))
            return
        part.use(at)
        part.kept += 1

    def take(
        self, field: str, part: Part, at: tuple[int, int], convert: Convert, *, code: str = "", text: str | None = None
    ) -> None:
        """Convert what stands in a component and keep it; note where it cannot be."""
        text = part.at(*at) if text is None else text
        if not text:
            return
        try:
            value = convert(text)
        except Unfit as unfit:
            self.fault(unfit, field, part.told_at(*at))
            return
        self.put(field, value, part, at, code=code)

    def entries(self, field: str) -> list[Any]:
        """The list that stands for a field with several entries."""
        made: list[Any] = self.values.setdefault(field, [])
        return made

    def add(
        self,
        field: str,
        struct: type[msgspec.Struct],
        part: Part,
        fields: Mapping[str, At],
        *,
        texts: Mapping[str, str] = {},
        **fixed: Any,
    ) -> Any:
        """One more entry of a list, of the components that `fields` names; None where nothing is in it.

        `texts` has the text of a field where it is put together from more than the component that is pointed at.
        """
        entries = self.entries(field)
        inner = Draft(struct, f"{self.at}/{field}/{len(entries)}", self.tally)
        for name, at in fields.items():
            inner.take(name, part, at, CONVERTERS[struct, name], text=texts.get(name))
        self.findings += inner.findings
        is_lacking = REQUIRED.get(struct, frozenset()) - inner.values.keys()
        if not inner.values or is_lacking or len(entries) >= ENTRIES_MAX:
            return None
        record = struct(**{**inner.values, **fixed})
        entries.append(record)
        self.anchor[inner.at] = part.tail
        self.anchor.update(inner.anchor)
        return record

    def amend(self, field: str, part: Part, name: str, at: At, *, text: str | None = None) -> bool:
        """Put one more value into the last entry of a list; whether it could be taken."""
        entries = self.entries(field)
        struct = type(entries[-1])
        inner = Draft(struct, f"{self.at}/{field}/{len(entries) - 1}", self.tally)
        inner.take(name, part, at, CONVERTERS[struct, name], text=text)
        self.findings += inner.findings
        self.anchor.update(inner.anchor)
        if inner.values:
            entries[-1] = msgspec.structs.replace(entries[-1], **inner.values)
        return bool(inner.values)

    def build(self, **more: Any) -> Any:
        """The record."""
        flat = {**self.values, **more}
        fields: dict[str, Any] = {}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in flat.items():
            if value == []:
                continue
            head, _, rest = name.partition(".")
            plain = tuple(value) if isinstance(value, list) else value
            if rest:
                nested.setdefault(head, {})[rest] = plain
            else:
                fields[name] = plain
        for head, inner in nested.items():
            fields[head] = kind_of(self.struct, head)[0](**inner)
        return self.struct(**fields)


def _converters() -> dict[tuple[type[msgspec.Struct], str], Convert]:
    wanted: dict[type[msgspec.Struct], str] = {
        Party: "id name street city region postcode country phone email",
        Document: "category type id name status",
        Statement: "type code text",
        Packaging: "quantity type marks",
        Equipment: "id",
        FiscalReference: "role id",
        TaxLine: "type assessed",
        Consignment: "reference jurisdiction version declaration_type procedure_category incoterm incoterm_place "
        "transaction_nature",
        GoodsItem: "sequence hs_code taric_code description quantity quantity_unit procedure previous_procedure "
        "preference preference_country valuation_method transaction_nature",
    }
    made = {(struct, name): converter(struct, name) for struct, names in wanted.items() for name in names.split()}
    for name in ("border", "departure", "arrival"):
        for field in ("mode", "id"):
            made[Consignment, f"transport.{name}_{field}"] = converter(Consignment, f"transport.{name}_{field}")
    field = "transport.border_nationality"
    return made | {(Consignment, field): converter(Consignment, field)}


CONVERTERS = _converters()
REQUIRED: dict[type[msgspec.Struct], frozenset[str]] = {FiscalReference: frozenset({"id", "role"})}
"""Fields without which an entry is none."""


def take_leaf(draft: Draft, part: Part, *, only: frozenset[str] | None = None) -> None:
    """Take a segment with a qualifier into the field that the mapping names. `only` are the fields that may be."""
    tag = part.segment.tag
    shape = m.SHAPES[tag]
    code = part.at(*shape.qualifier)
    table = m.CONSIGNMENT_BY_CODE if draft.struct is Consignment else m.ITEM_BY_CODE
    for leaf in table.get((tag, code), ()):
        if only is not None and leaf.field not in only:
            continue
        _take_one(draft, part, leaf, shape, code)
    if any(place in part.used for place in [shape.value, (1, 3)]):
        part.use(shape.qualifier)


def _take_one(draft: Draft, part: Part, leaf: m.Leaf, shape: m.Shape, code: str) -> None:
    text, extra = part.at(*leaf.at), part.at(*shape.extra) if shape.extra else ""
    if not text:
        return
    convert: Callable[[str], Any] = leaf.convert
    if leaf.kind is Money:
        if not extra:
            draft.waiting.append((leaf, part, code))
            return
        convert = partial(money, currency=extra)
    elif leaf.kind is datetime:
        convert = partial(instant, format=extra)
    elif leaf.is_mass:
        convert = partial(kilograms, unit=extra)
    draft.take(leaf.field, part, leaf.at, convert, code=code)
    if shape.extra and leaf.at in part.used:
        part.use(shape.extra, *([(0, 0)] if leaf.tag == "MEA" else []))


def settle(draft: Draft, currency: str, part: Part | None = None) -> None:
    """Give the amounts that wait for a currency this one: the last alone where a CUX segment belongs to it."""
    waiting, draft.waiting = draft.waiting, []
    if part is not None:
        draft.waiting, waiting = waiting[:-1], waiting[-1:]
    for leaf, held, code in waiting:
        if not currency:
            draft.fault(Unfit(NO_CURRENCY), leaf.field, held.told())
        else:
            draft.take(leaf.field, held, leaf.at, partial(money, currency=currency), code=code)
            held.use((0, 0))
        held.drop_rest(draft.tally)
    if part is not None and waiting and currency:
        part.use((0, 0), (0, 1))
        part.kept += 1


def take_party(draft: Draft, part: Part) -> None:
    """A party, a tax registration, or the administration."""
    code = part.at(0)
    if code == m.CUSTOMS and draft.struct is Consignment:
        draft.take("jurisdiction", part, (8, 0), CONVERTERS[Consignment, "jurisdiction"])
    elif code == m.FISCAL:
        scheme = part.at(1, 1) or ("FR5" if _IOSS.fullmatch(part.at(1)) else "FR1")
        fields = {"id": (1, 0), "role": (1, 1)}
        draft.add("fiscal_references", FiscalReference, part, fields, texts={"role": scheme})
        part.use((1, 2))
    elif code in m.ROLES:
        role, status = m.ROLES[code]
        fields = {"id": (1, 0), "name": (3, 0), "street": (4, 0), "city": (5, 0), "postcode": (7, 0), "country": (8, 0)}
        texts = {"name": part.joined(3, 0, 5), "street": part.joined(4, 0, 4, ", ")}
        more = [*((3, n) for n in range(1, 5)), *((4, n) for n in range(1, 4))]
        fields["region"] = (6, 0) if part.at(6) else (6, 3)
        if not texts["name"] and part.at(2):  # an address in lines, the name first
            fields |= {"name": (2, 0), "street": (2, 1)}
            texts = {"name": part.at(2), "street": part.joined(2, 1, 5, ", ")}
            more = [(2, n) for n in range(2, 5)]
        if draft.add("parties", Party, part, fields, texts=texts, role=role, status=status or None) is not None:
            part.use(*more)
    if part.kept:
        part.use((0, 0))


def take_contact(draft: Draft, part: Part) -> None:
    """How the party before this segment is reached. Of several numbers of one kind the first is kept."""
    field = {"TE": "phone", "EM": "email"}.get(part.at(0, 1))
    parties = draft.entries("parties")
    if field is None or not parties or getattr(parties[-1], field) is not None:
        return
    if draft.amend("parties", part, field, (0, 0)):
        part.use((0, 1))


def take_document(draft: Draft, part: Part) -> None:
    """A document, its kind told by its type."""
    type = part.at(0)
    kind = "transport" if type in m.TRANSPORT_DOCUMENTS else "previous" if type == m.PREVIOUS_DOCUMENT else "supporting"
    fields = {"type": (0, 0), "category": (0, 1), "id": (1, 0), "status": (1, 1), "name": (1, 2)}
    draft.add("documents", Document, part, fields, kind=kind)


def take_text(draft: Draft, part: Part) -> None:
    """A statement; or the description of an item, of which there may be several segments."""
    subject, text = part.at(0), part.joined(3, 0, 5)
    places = [(3, n) for n in range(1, 5)]
    if subject == m.DESCRIPTION and draft.struct is GoodsItem:
        before = draft.values.pop("description", "")
        draft.take("description", part, (3, 0), CONVERTERS[GoodsItem, "description"], text=f"{before} {text}".strip())
        if "description" not in draft.values and before:
            draft.values["description"] = before
    elif text or part.at(2, 0):
        fields = {"type": (0, 0), "code": (2, 0), "text": (3, 0)}
        texts = {"type": "" if subject == m.STATEMENT else subject, "text": text}
        draft.add("statements", Statement, part, fields, texts=texts)
    if part.kept:
        part.use((0, 0), *places)


def take_packages(draft: Draft, part: Part, *, quantity: At, type: At) -> None:
    """Packages of one kind."""
    draft.add("packages", Packaging, part, {"quantity": quantity, "type": type})


def take_marks(draft: Draft, part: Part) -> None:
    """The marks of the packages before this segment."""
    packages, text = draft.entries("packages"), part.joined(1, 0, 10)
    if not text or not packages or packages[-1].marks is not None:
        return
    long = next((n for n in range(10) if len(part.at(1, n)) > MARKS_MAX), None)
    if long is not None:
        unfit = Unfit(NOT_OF_THE_FORM, f"marks have at most {MARKS_MAX} characters a line")
        draft.fault(unfit, f"packages/{len(packages) - 1}/marks", part.told_at(1, long))
        return
    if draft.amend("packages", part, "marks", (1, 0), text=text):
        part.use(*((1, n) for n in range(1, 10)))


def take_equipment(draft: Draft, part: Part, at: At) -> None:
    """A container or receptacle."""
    if draft.add("equipment", Equipment, part, {"id": at}) is not None:
        part.use((0, 0))


def take_seal(draft: Draft, part: Part) -> None:
    """A seal, where there is one container: CUSDEC lists containers, then seals, and not which has which."""
    equipment, seal = draft.entries("equipment"), part.at(0)
    if not seal or len(equipment) != 1 or unfit_in(seal) or len(equipment[-1].seals) >= FEW_MAX:
        return
    equipment[-1] = msgspec.structs.replace(equipment[-1], seals=(*equipment[-1].seals, seal))
    part.use((0, 0))
    part.kept += 1


def take_quantity(draft: Draft, part: Part) -> None:
    """The quantity in the tariff's unit, or pieces."""
    draft.take("quantity", part, (2, 1), CONVERTERS[GoodsItem, "quantity"])
    if part.at(2, 1):  # a unit of nothing says nothing, and is dropped
        draft.take("quantity_unit", part, (2, 0), CONVERTERS[GoodsItem, "quantity_unit"])
    if part.kept:
        part.use((0, 0))


def take_tax(draft: Draft, part: Part) -> None:
    """A tax as the declarant states it."""
    if draft.add("taxes", TaxLine, part, {"type": (1, 0)}) is not None:
        part.use((0, 0))


def take_transport(draft: Draft, part: Part) -> None:
    """A means of transport: its mode, identity and nationality. A journey number stands for an identity not given."""
    stage = m.STAGES.get(part.at(0))
    if stage is None:
        return
    own = part.at(0)
    at = next((place for place in ((7, 0), (7, 3), (1, 0)) if part.at(*place)), (7, 0))
    draft.take(f"transport.{stage}_id", part, at, CONVERTERS[Consignment, f"transport.{stage}_id"], code=own)
    if len(part.at(2)) == 1:
        draft.take(
            f"transport.{stage}_mode", part, (2, 0), CONVERTERS[Consignment, f"transport.{stage}_mode"], code=own
        )
    if stage == "border":
        field = "transport.border_nationality"
        draft.take(field, part, (7, 4), CONVERTERS[Consignment, field], code=own)
    if part.kept:
        part.use((0, 0))


def take_codes(draft: Draft, part: Part) -> None:
    """The codes of an item in CST: the commodity first, then whatever their lists say they are."""
    draft.take("sequence", part, (0, 0), CONVERTERS[GoodsItem, "sequence"])
    fields = {name: field for field, name in m.LISTS.items()}
    for element in range(1, 6):
        text, named = part.at(element), part.at(element, 1)
        field = fields.get(named) or ("hs_code" if element == 1 and not named else "")
        if field == "procedure":
            _take_procedure(draft, part, element, text)
        elif field in ("hs_code", "taric_code"):
            draft.take(field, part, (element, 0), CONVERTERS[GoodsItem, field], text=text.replace(".", ""))
        elif field:
            draft.take(field, part, (element, 0), CONVERTERS[GoodsItem, field])
        if (element, 0) in part.used:
            part.use((element, 1), (element, 2))


def _take_procedure(draft: Draft, part: Part, element: int, text: str) -> None:
    """'4000' is the procedure and the one before it; what follows, or three characters alone, is an additional one."""
    if len(text) == 3:
        _add_text(draft, "additional_procedures", part, (element, 0), text)
        return
    if len(text) not in (2, 4, 7):
        draft.fault(Unfit(NOT_OF_THE_FORM, "two, four or seven characters"), "procedure", part.told_at(element, 0))
        return
    for field, own in (("procedure", text[:2]), ("previous_procedure", text[2:4])):
        draft.take(field, part, (element, 0), CONVERTERS[GoodsItem, field], text=own)
    if text[4:]:
        _add_text(draft, "additional_procedures", part, (element, 0), text[4:])


def _add_text(draft: Draft, field: str, part: Part, at: tuple[int, int], text: str) -> None:
    entries = draft.entries(field)
    if text in entries or len(entries) >= FEW_MAX:
        return
    if unfit := unfit_in(text):
        draft.fault(Unfit(NOT_OF_THE_FORM, f"{unfit} in it"), f"{field}/{len(entries)}", part.told_at(*at))
        return
    draft.anchor[f"{draft.at}/{field}/{len(entries)}"] = part.tail_at(*at)
    entries.append(text)
    part.use(at)
    part.kept += 1


def take_indicator(draft: Draft, part: Part) -> None:
    """A processing indicator. GIS has in its first element what GEI has in its second."""
    element = 0 if part.segment.tag == "GIS" else 1
    named, code, text = part.at(element, 1), part.at(element), part.at(element, 3)
    fields = {name: field for field, name in m.LISTS.items() if field not in ("hs_code", "taric_code", "procedure")}
    if draft.struct is GoodsItem and named in (m.ADDITIONAL, m.LISTS["procedure"]) and 2 < len(code) <= 3:
        _add_text(draft, "additional_procedures", part, (element, 0), code)
    elif draft.struct is GoodsItem and named in fields:
        draft.take(fields[named], part, (element, 0), CONVERTERS[GoodsItem, fields[named]])
    elif draft.struct is Consignment and named == m.LISTS["transaction_nature"]:
        draft.take("transaction_nature", part, (element, 0), converter(Consignment, "transaction_nature"))
    elif draft.struct is Consignment and named == m.CATEGORY and text in CATEGORIES:
        draft.put("category", text, part, (element, 3))
    elif draft.struct is Consignment and named == m.CHANNEL and text in CHANNELS:
        draft.put("channel", text, part, (element, 3))
    if part.kept:
        part.use((element, 1), (element, 2), *([(0, 0)] if element else []))


def country_of(text: str) -> str:
    """The country of a UN/LOCODE or of a country code; '' where the text is neither."""
    told = _COUNTRY_OF.fullmatch(text)
    return told[1] if told else ""
