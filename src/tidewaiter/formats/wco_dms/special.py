"""The few lines of the mapping that are not plain: procedures, pointers, numbered texts, preference, waybills."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tidewaiter.formats.text import unfit_in
from tidewaiter.formats.tree import Node
from tidewaiter.formats.values import Unfit, kind_of
from tidewaiter.formats.wco_dms.kinds import TWICE
from tidewaiter.formats.wco_dms.passing import SEQUENCE, Element, Spot, Writer
from tidewaiter.formats.wco_dms.shapes import Leaf, Line, step, value_of
from tidewaiter.formats.wco_dms.values import Convert, converter, for_these, text_converter
from tidewaiter.model.consignment import Consignment, Document, GoodsItem, TaxLine

_SECTION, _TAG = "DocumentSectionCode", "TagID"
_DIGITS = re.compile("[0-9]+")
_POINTER_STEP = re.compile(r"([^\[#/]*)(?:\[([0-9]+)\])?(?:#([^/]*))?")

ORIGINAL, CHANGE = "9", "13"
"""UNECE code list 1225: original, and request. A request of type INV asks to cancel, any other to amend."""

HOUSE_WAYBILL, MASTER_WAYBILL, POST = "740", "741", "750"
"""UNECE code list 1001: air waybill, master air waybill, despatch note for post parcels. The Union puts N before."""


class FunctionCode:
    """What the declaration does. Read as the code; with the type of declaration it becomes our function."""

    element, wco = "FunctionCode", "017"

    def bind(self, struct: type[msgspec.Struct]) -> None:  # noqa: ARG002
        """See `Line.bind`."""
        self._convert = text_converter(msgspec.Meta(max_length=2))

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        position = spot.count(self.element)
        try:
            if position > 1:
                raise Unfit(TWICE, self.element)
            into["function"] = self._convert(node.text, node.attributes)
        except Unfit as unfit:
            spot.fault(unfit, node, field="function", path=f"{spot.here}/{self.element}")
            return
        spot.reader.kept += bool(node.text)
        if spot.trace is not None and node.text:
            spot.trace.value("function", node, for_these(self._convert, node.attributes))

    def write(self, record: Consignment, writer: Writer) -> Iterator[Element]:  # noqa: ARG002
        """See `Line.write`."""
        yield Element(self.element, ORIGINAL if record.function == "original" else CHANGE)

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        return self.element if field == "function" else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return {}


class Procedures:
    """`GovernmentProcedure`: the first has the procedure asked for and the one before, the others additional codes.

    Source: UK CDS and EU customs data models, data elements 1/10 and 1/11 (11 09 and 11 10).
    """

    element, wco = "GovernmentProcedure", "70A"
    _CURRENT, _PREVIOUS = "CurrentCode", "PreviousCode"

    def __init__(self) -> None:
        self._inner: dict[str, Line] = {
            self._CURRENT: Leaf(self._CURRENT, "166", ""),
            self._PREVIOUS: Leaf("", "161", ""),
        }
        self._converts: dict[str, Convert] = {}

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """See `Line.bind`."""
        self._converts = {name: converter(struct, name) for name in ("procedure", "previous_procedure")}
        self._additional = text_converter(msgspec.Meta(max_length=35))

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        position = spot.count(self.element)
        here = f"{spot.here}/{step(self.element, position)}"
        is_pair = position == 1 or ("procedure" not in into and any(c.name == self._PREVIOUS for c in node.children))
        for child in node.children:
            path = f"{here}/{child.name}"
            if spot.trace is not None:
                spot.trace.decides(child)
            if child.name == SEQUENCE and child.text == str(position):
                spot.reader.kept += 1
                continue
            if not child.text or child.name not in self._inner or (child.name == self._PREVIOUS and not is_pair):
                spot.reader.drop(child, path)
                continue
            is_procedure = is_pair and (child.name == self._PREVIOUS or len(child.text) <= 2)
            field = "previous_procedure" if child.name == self._PREVIOUS else "procedure"
            if not is_procedure:
                self._add(child, into, path, spot)
                continue
            try:
                into[field] = self._converts[field](child.text, child.attributes)
            except Unfit as unfit:
                spot.fault(unfit, child, field=field, path=path)
                continue
            if spot.trace is not None:
                spot.trace.constant(field, into[field])
            spot.reader.anchor[f"{spot.at}/{field}"] = path
            spot.reader.kept += 1

    def _add(self, node: Node, into: dict[str, Any], path: str, spot: Spot) -> None:
        codes = into.setdefault("additional_procedures", [])
        field = f"additional_procedures/{len(codes)}"
        try:
            codes.append(self._additional(node.text, node.attributes))
        except Unfit as unfit:
            spot.fault(unfit, node, field=field, path=path)
            return
        if spot.trace is not None:
            spot.trace.one_more("additional_procedures", node, for_these(self._additional, node.attributes))
        spot.reader.anchor[f"{spot.at}/{field}"] = path
        spot.reader.kept += 1

    def write(self, record: GoodsItem, writer: Writer) -> Iterator[Element]:  # noqa: ARG002
        """See `Line.write`."""
        pair = ((self._CURRENT, record.procedure), (self._PREVIOUS, record.previous_procedure))
        children = [Element(name, text) for name, text in pair if text]
        if children:
            yield Element(self.element, children=children)
        for code in record.additional_procedures:
            yield Element(self.element, children=(Element(self._CURRENT, code),))

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        if field == "previous_procedure":
            return f"{self.element}/{self._PREVIOUS}"
        is_ours = field.partition(".")[0] in ("procedure", "additional_procedures")
        return f"{self.element}/{self._CURRENT}" if is_ours else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return self._inner


class Pointers:
    """`Pointer` elements, one a step, as one text: '42A/67A/68A[1]/23A#137'."""

    element, wco = "Pointer", "97A"

    def __init__(self, field: str = "pointer") -> None:
        self._field = field

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """See `Line.bind`."""
        self._length = kind_of(struct, self._field)[1].max_length or 4096

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        position = spot.count(self.element)
        if spot.trace is not None:  # a pointer is made of several elements, and none is where one is not of the form
            spot.trace.spoil()
        parts: dict[str, str] = {}
        for child in node.children:
            if (
                child.name in (SEQUENCE, _SECTION, _TAG)
                and child.name not in parts
                and not set(child.text) & set("[#/]")
            ):
                parts[child.name] = child.text
            else:
                spot.reader.drop(child, f"{spot.here}/{step(self.element, position)}/{child.name}")
        number, tag = parts.get(SEQUENCE, ""), parts.get(_TAG, "")
        told = parts.get(_SECTION, "") + (f"[{number}]" if number else "") + (f"#{tag}" if tag else "")
        if not told:
            return
        whole = f"{into[self._field]}/{told}" if self._field in into else told
        if len(whole) > self._length or unfit_in(whole) or (number and not _DIGITS.fullmatch(number)):
            spot.reader.drop(node, f"{spot.here}/{step(self.element, position)}")
            return
        into[self._field] = whole
        spot.reader.kept += sum(bool(text) for text in parts.values())

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:  # noqa: ARG002
        """See `Line.write`."""
        yield from pointer_elements(getattr(record, self._field) or "")

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        return self.element if field == self._field else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return {}


def pointer_elements(pointer: str) -> Iterator[Element]:
    """The `Pointer` elements for a pointer as one text. A step that is none is written as a section code."""
    for told in pointer.split("/") if pointer else ():
        matched = _POINTER_STEP.fullmatch(told)
        section, number, tag = matched.groups() if matched else (told, None, None)
        parts = ((SEQUENCE, number), (_SECTION, section), (_TAG, tag))
        children = [Element(name, text) for name, text in parts if text]
        if children:
            yield Element("Pointer", children=children)


class Texts:
    """A repeated element of which we keep only one text each, and its place in the list: seals, countries passed."""

    def __init__(self, element: str, wco: str, value: tuple[str, str], field: str) -> None:
        self.element, self.wco, self._value, self._field = element, wco, value, field
        self._holder, _, self._name = field.rpartition(".")
        self._inner: dict[str, Line] = {value[0]: Leaf(*value, "")}
        self._convert = text_converter(msgspec.Meta(max_length=35))

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """Nothing: a list of texts has no further constraint."""

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        position = spot.count(self.element)
        here = f"{spot.here}/{step(self.element, position)}"
        holder = into.setdefault(self._holder, {}) if self._holder else into
        texts = holder.setdefault(self._name, [])
        for child in node.children:
            path = f"{here}/{child.name}"
            if spot.trace is not None and child.name == SEQUENCE:
                spot.trace.decides(child)
            if child.name == self._value[0] and child.text:
                field = f"{self._field.replace('.', '/')}/{len(texts)}"
                try:
                    texts.append(self._convert(child.text, child.attributes))
                except Unfit as unfit:
                    spot.fault(unfit, child, field=field, path=path)
                    continue
                if spot.trace is not None:
                    convert = for_these(self._convert, child.attributes)
                    spot.trace.holder(self._holder).one_more(self._name, child, convert)
                spot.reader.anchor[f"{spot.at}/{field}"] = path
                spot.reader.kept += 1
            elif child.name == SEQUENCE and child.text == str(position):
                spot.reader.kept += 1
            else:
                spot.reader.drop(child, path)

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:  # noqa: ARG002
        """See `Line.write`."""
        for position, text in enumerate(value_of(record, self._field) or (), start=1):
            yield Element(self.element, children=(Element(SEQUENCE, str(position)), Element(self._value[0], text)))

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        is_ours = field == self._field or field.startswith(f"{self._field}.")
        return f"{self.element}/{self._value[0]}" if is_ours else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return self._inner


def settle_preference(item: dict[str, Any], spot: Spot) -> None:
    """Give the goods item the first preference among its taxes.

    A tax line that says nothing but that preference is the item's statement of it and no tax; it goes, unless another
    line says the same, when writing would not bring it back.
    """
    taxes: list[TaxLine] = item.get("taxes", [])
    place = next((n for n, tax in enumerate(taxes) if tax.preference), None)
    if place is None:
        return
    preference = taxes[place].preference
    item["preference"] = preference
    at, reader, trace = spot.at, spot.reader, spot.trace
    if trace is not None:  # each preference decides
        trace.constant("preference", preference)
    reader.anchor[f"{at}/preference"] = f"{reader.anchor[f'{at}/taxes/{place}']}/DutyRegimeCode"
    is_alone = taxes[place] == TaxLine(preference=preference)
    if is_alone and sum(tax.preference == preference for tax in taxes) == 1:
        del taxes[place]
        if trace is not None:
            del trace.lists["taxes"][place]
        for later in range(place, len(taxes)):
            reader.anchor[f"{at}/taxes/{later}"] = reader.anchor[f"{at}/taxes/{later + 1}"]
        del reader.anchor[f"{at}/taxes/{len(taxes)}"]


def preference_alone(item: GoodsItem, _: Writer) -> Sequence[TaxLine]:
    """The tax line that says the item's preference, where none of its own does."""
    if item.preference and all(tax.preference != item.preference for tax in item.taxes):
        return (TaxLine(preference=item.preference),)
    return ()


def waybills(consignment: Consignment, writer: Writer) -> Sequence[Document]:
    """The bills and the parcel number as previous documents, where no document has them and no better place is.

    Source: UK Trade Tariff, data element 2/1, document category Z and types 740, 741 and 750.
    """
    if writer.profile == "H7":
        return ()
    known = {document.id for document in consignment.documents}
    numbers = (
        (HOUSE_WAYBILL, consignment.house_bill),
        (MASTER_WAYBILL, consignment.master_bill),
        (POST, consignment.tracking_id),
    )
    missing: dict[str, str] = {}
    for type, number in numbers:
        if number and number not in known:
            missing.setdefault(number, type)
    return [Document(kind="previous", category="Z", type=type, id=number) for number, type in missing.items()]
