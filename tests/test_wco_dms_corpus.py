"""The WCO DMS format against HMRC's published samples and schemas: nothing that has a field may be lost.

Run with `-s` to see the figures: how many values found a field, which did not, and how long reading takes.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import etree

from tidewaiter.formats import SNIFF_BYTES, wco_dms
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.wco_dms.mapping import DECLARATION
from tidewaiter.formats.wco_dms.pointing import wco_of
from tidewaiter.formats.wco_dms.shapes import Line
from tidewaiter.formats.wco_dms.values import written
from tidewaiter.model.answer import Answer
from tidewaiter.model.batch import Batch

CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages" / "wco-dms-uk-cds"
SCHEMAS = CORPUS / "schemas" / "wco"
XSD = "{http://www.w3.org/2001/XMLSchema}"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="HMRC's samples are not in ../shared/data/messages")

DROPPED_OF_VALID_DECLARATIONS = {
    # The number of a seal that is the first but is called 0; we keep the seals in their order, without numbers.
    "GoodsShipment/Consignment/TransportEquipment/Seal/SequenceNumeric": 1,
}
DROPPED_OF_OTHER_DECLARATIONS = {
    # Reports of CDS number documents and remarks and have a consignment item; the schema of declarations does not.
    "Consignment/ConsignmentItem/SequenceNumeric": 1,
    "GoodsShipment/GovernmentAgencyGoodsItem/AdditionalDocument/SequenceNumeric": 15,
    "GoodsShipment/GovernmentAgencyGoodsItem/AdditionalInformation/SequenceNumeric": 4,
    "GoodsShipment/PreviousDocument/SequenceNumeric": 4,
    # A file that lost its colons; the instant itself is kept.
    "AcceptanceDateTime/pDateTimeString": 1,
}
SECOND_DECLARATION = {
    # DMSRES repeats what was amended in a second Declaration, of which nothing is read.
    "Declaration/Exporter/Address/CityName": 1,
    "Declaration/Exporter/Address/Line": 1,
    "Declaration/Exporter/Address/PostcodeID": 1,
    "Declaration/Exporter/Name": 1,
    "Declaration/FunctionCode": 13,
    "Declaration/GoodsItemQuantity": 2,
    "Declaration/GoodsShipment/Consignment/GoodsLocation/Address/CountryCode": 6,
    "Declaration/GoodsShipment/Consignment/GoodsLocation/Address/TypeCode": 6,
    "Declaration/GoodsShipment/Consignment/GoodsLocation/Name": 7,
    "Declaration/GoodsShipment/Consignment/GoodsLocation/TypeCode": 6,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalDocument/CategoryCode": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalDocument/ID": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalDocument/LPCOExemptionCode": 3,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalDocument/Name": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalDocument/TypeCode": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalInformation/StatementCode": 1,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/AdditionalInformation/StatementDescription": 1,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/Payment/MethodCode": 4,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/SpecificTaxBaseQuantity": 4,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/SpecificTaxBaseQuantity/@unitCode": 4,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/TypeCode": 4,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/InvoiceLine/ItemChargeAmount": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/InvoiceLine/ItemChargeAmount/@currencyID": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Packaging/QuantityQuantity": 1,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Packaging/SequenceNumeric": 1,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/SequenceNumeric": 10,
    "Declaration/InvoiceAmount": 2,
    "Declaration/InvoiceAmount/@currencyID": 2,
    "Declaration/TotalPackageQuantity": 3,
}
DROPPED_OF_ANSWERS = {
    **SECOND_DECLARATION,
    # How to reach the office of contact: an answer of ours names the office alone.
    "ContactOffice/Communication/ID": 2,
    "ContactOffice/Communication/TypeCode": 2,
    # Amounts without a currency (1 + 2 + 2), and others of a second Declaration.
    "Declaration/DutyTaxFee/Payment/PaymentAmount": 1,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/DeductAmount": 2,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/Payment/PaymentAmount": 6,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/Payment/PaymentAmount/@currencyID": 4,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/Payment/TaxAssessedAmount": 6,
    "Declaration/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/DutyTaxFee/Payment/TaxAssessedAmount/@currencyID": 4,
    # 'Wed Nov 13 00:00:00 UTC 2019' is no date of the schema.
    "Status/EffectiveDateTime/DateTimeString": 1,
}


@dataclass(frozen=True)
class Sample:
    """A file of the corpus: its bytes, what we read of it, and what an independent parser finds in it."""

    name: str
    data: bytes
    reading: Reading
    declarations: tuple[Any, ...]
    responses: tuple[Any, ...]


def local(element: Any) -> str:
    return str(etree.QName(element).localname)


def children(element: Any) -> list[Any]:
    return [child for child in element if isinstance(child.tag, str)]


def elements(root: Any, name: str) -> list[Any]:
    return [one for one in root.iter() if isinstance(one.tag, str) and local(one) == name]


@cache
def samples() -> tuple[Sample, ...]:
    found = []
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix.lower() != ".xml":
            continue
        data = path.read_bytes()
        try:
            root = etree.fromstring(data)
        except etree.XMLSyntaxError:
            declarations, responses = [], []
        else:
            responses = elements(root, "Response")
            inside = {one for response in responses for one in elements(response, "Declaration")}
            declarations = [one for one in elements(root, "Declaration") if one not in inside]
        found.append(
            Sample(
                name=str(path.relative_to(CORPUS)),
                data=data,
                reading=wco_dms.read(data),
                declarations=tuple(declarations),
                responses=tuple(responses),
            )
        )
    return tuple(found)


@cache
def schema(name: str) -> Any:
    return etree.XMLSchema(etree.parse(SCHEMAS / name))


@cache
def whole_schema(folder: str, inside: str) -> Any:
    """The schema of `MetaData` together with that of what it holds, which it wants to be valid too."""
    spaces = ("urn:wco:datamodel:WCO:DocumentMetaData-DMS:2", f"urn:wco:datamodel:WCO:{inside}-DMS:2")
    files = ("DocumentMetaData_2_DMS.xsd", f"WCO_{inside}_2_DMS.xsd")
    imports = "".join(
        f'<xs:import namespace="{space}" schemaLocation="{file}"/>' for space, file in zip(spaces, files, strict=True)
    )
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(text, base_url=str(SCHEMAS / folder / "whole.xsd")))


def alone(element: Any) -> Any:
    return etree.fromstring(etree.tostring(element))


def is_valid(element: Any, name: str) -> bool:
    return bool(schema(name).validate(alone(element)))


def is_declaration(element: Any) -> bool:
    return is_valid(element, "declaration/WCO_DEC_2_DMS.xsd")


@dataclass(frozen=True)
class Pair:
    """A declaration as read, the element it was read from, and what is written of it."""

    sample: Sample
    declared: Declared
    element: Any
    is_valid: bool
    written: bytes
    lost: Counter[str]


@cache
def every_pair() -> tuple[Pair, ...]:
    found = []
    for sample in samples():
        if sample.reading.declared and sample.declarations:
            for declared, element in zip(sample.reading.declared, sample.declarations, strict=True):
                message = wco_dms.write([declared.consignment])
                missing = lost(element, message, "Declaration")
                found.append(Pair(sample, declared, element, is_declaration(element), message, missing))
    return tuple(found)


def pairs(*, valid: bool) -> list[Pair]:
    return [pair for pair in every_pair() if pair.is_valid == valid]


def answered() -> Iterator[tuple[Sample, Answer, Any]]:
    for sample in samples():
        for answer, element in zip(sample.reading.answers, sample.responses, strict=True):
            yield sample, answer, element


def leaves(root: Any) -> Counter[tuple[str, str]]:
    """Every value below an element, by the path of local names to it."""
    found: Counter[tuple[str, str]] = Counter()

    def walk(element: Any, path: str) -> None:
        inner = children(element)
        text = " ".join((element.text or "").split())
        if text and not inner:
            found[path, text] += 1
            for name in ("currencyID", "unitCode"):
                if element.get(name):
                    found[f"{path}/@{name}", element.get(name)] += 1
        for child in inner:
            walk(child, f"{path}/{local(child)}" if path else local(child))

    walk(root, "")
    return found


def lost(before: Any, after: bytes, name: str) -> Counter[str]:
    """The paths of values that are in the element and not in the message written."""
    written_again = elements(etree.fromstring(after), name)[0]
    missing = leaves(before) - leaves(written_again)
    return sum((Counter({path: count}) for (path, _), count in missing.items()), Counter())


def test_every_message_is_read_without_exception_and_sniffed_where_it_is_ours() -> None:
    declarations = responses = 0
    for sample in samples():
        declarations += bool(sample.reading.declared)
        responses += bool(sample.reading.answers)
        if sample.declarations or sample.responses:
            assert wco_dms.sniff(sample.data[:SNIFF_BYTES]), sample.name

    print(f"\n{len(samples())} files: {declarations} with declarations, {responses} with answers")
    assert declarations >= 305
    assert responses >= 419


def test_every_valid_declaration_amendment_and_cancellation_has_the_items_counted_by_xpath() -> None:
    functions: Counter[str] = Counter()
    items = 0
    for pair in pairs(valid=True):
        sample, declared, element = pair.sample, pair.declared, pair.element
        count = int(element.xpath("count(.//*[local-name()='GovernmentAgencyGoodsItem'])"))
        functions[declared.consignment.function] += 1
        items += count
        assert len(declared.consignment.items) == count, sample.name
        assert not [one for one in declared.findings if one.severity == "error"], sample.name

    print(f"\nvalid declarations by function: {dict(functions)}, {items} goods items")
    assert functions == {"original": 283, "amendment": 19, "cancellation": 3}


def test_what_cannot_be_parsed_is_a_finding_with_line_and_column() -> None:
    unparsed = 0
    for sample in samples():
        try:
            etree.fromstring(sample.data)
        except etree.XMLSyntaxError:
            unparsed += 1
            about = (*sample.reading.findings, *(one for each in sample.reading.declared for one in each.findings))

            assert any(
                one.severity == "error" and re.search(r"line [0-9]+, column [0-9]+", one.text) for one in about
            ), sample.name
    print(f"\n{unparsed} files that an XML parser refuses")


def test_reading_and_writing_keeps_every_value_but_those_listed() -> None:
    for valid, expected in ((True, DROPPED_OF_VALID_DECLARATIONS), (False, DROPPED_OF_OTHER_DECLARATIONS)):
        dropped: Counter[str] = Counter()
        values = files = 0
        for pair in pairs(valid=valid):
            if not pair.declared.consignment.reference:
                continue
            files += 1
            values += sum(leaves(pair.element).values())
            dropped += pair.lost
        kept = values - sum(dropped.values())
        print(f"\n{files} {'valid' if valid else 'other'} declarations: {kept} of {values} values kept; not kept:")
        for path, count in sorted(dropped.items()):
            print(f"  {count} {path}")

        assert dict(dropped) == expected


def test_reading_counts_as_dropped_what_writing_does_not_bring_back() -> None:
    for pair in pairs(valid=True):
        inside = [path for path in pair.sample.reading.dropped if "/Declaration/" in path]

        assert len(inside) == sum(pair.lost.values()), pair.sample.name


def test_what_is_written_of_a_valid_declaration_is_valid_and_reads_the_same() -> None:
    whole = whole_schema("declaration", "DEC")
    cancellations = 0
    for pair in pairs(valid=True):
        root = etree.fromstring(pair.written)
        [inner] = elements(root, "Declaration")

        assert whole.validate(root), f"{pair.sample.name}: {whole.error_log.last_error}"
        assert is_declaration(inner), pair.sample.name
        assert wco_dms.read(pair.written).declared[0].consignment == pair.declared.consignment, pair.sample.name
        if is_valid(pair.element, "declaration/CANCEL.xsd"):
            cancellations += 1
            assert is_valid(inner, "declaration/CANCEL.xsd"), pair.sample.name
            assert pair.declared.consignment.function == "cancellation"
    assert cancellations == 3


def test_declarations_survive_as_columns() -> None:
    records = [pair.declared.consignment for pair in every_pair()]

    assert Batch.of(records).records() == records


def test_every_answer_is_read_and_written_with_every_value_but_those_listed() -> None:
    dropped: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    values = 0
    for sample, answer, element in answered():
        kinds[answer.kind] += 1
        message = wco_dms.answer([answer])
        values += sum(leaves(element).values())
        dropped += lost(element, message, "Response")
        root = etree.fromstring(message)
        whole = whole_schema("notification", "RES")

        assert wco_dms.read(message).answers == (answer,), sample.name
        assert whole.validate(root), f"{sample.name}: {whole.error_log.last_error}"
    print(f"\n{sum(kinds.values())} answers {dict(kinds)}: {values - sum(dropped.values())} of {values} values kept")
    for path, count in sorted(dropped.items()):
        print(f"  {count} {path}")

    assert dict(dropped) == DROPPED_OF_ANSWERS
    assert len(kinds) == 16


def scalars(record: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of a record with its pointer."""
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, tuple):
            for place, one in enumerate(value):
                pointer = f"{at}/{name}/{place}"
                yield from scalars(one, pointer) if isinstance(one, msgspec.Struct) else [(pointer, one)]
        elif isinstance(value, msgspec.Struct) and name not in _AMOUNTS:
            yield from scalars(value, f"{at}/{name}")
        elif value is not None:
            yield f"{at}/{name}", value


_AMOUNTS = {
    "price", "customs_value", "statistical_value", "freight", "invoice_total", "amount", "assessed", "payable",
}  # fmt: skip
_NOT_IN_THE_MESSAGE = {
    "/jurisdiction", "/function", "/direction", "/channel", "/category",
}  # fmt: skip


@cache
def by_name(element: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for child in children(element):
        found.setdefault(local(child), []).append(child)
    return found


def follow(root: Any, path: str) -> Any:
    """The element or attribute at a path of local names from the root; None where there is none, or several."""
    first, *steps = path.strip("/").split("/")
    here = root
    if first != local(root):
        return None
    for step in steps:
        if step.startswith("@"):
            return here.get(step[1:])
        name, _, number = step.rstrip("]").partition("[")
        same = by_name(here).get(name, [])
        if len(same) < int(number or 1) or (not number and len(same) > 1):
            return None
        here = same[int(number or 1) - 1]
    return here


def test_a_source_pointer_leads_to_the_value_it_speaks_of() -> None:
    followed = 0
    for pair in pairs(valid=True):
        sample, declared = pair.sample, pair.declared
        root = pair.element.getroottree().getroot()
        for pointer, value in scalars(declared.consignment):
            is_told_by_its_place = pointer.endswith(("/kind", "/role", "/pointer"))
            if pointer in _NOT_IN_THE_MESSAGE or (is_told_by_its_place and "/fiscal_references" not in pointer):
                continue
            path = wco_dms.source_pointer(declared, pointer)
            place = follow(root, path)
            assert place is not None, f"{sample.name}: {pointer} leads to {path}"
            text = place if isinstance(place, str) else place.text or ""
            if isinstance(value, datetime):
                text = children(place)[0].text
            followed += 1

            assert written(value)[0] == " ".join(text.split()), f"{sample.name}: {pointer} leads to {path}"
    print(f"\n{followed} pointers followed")
    assert followed > 24_000


@cache
def ids_of_the_schema() -> dict[str, tuple[str, int]]:
    """The WCO id of each element of a declaration by its path, and its place in the schema."""
    root = etree.parse(SCHEMAS / "declaration" / "WCO_DEC_2_DMS.xsd").getroot()
    types = {one.get("name"): one for one in root.findall(f"{XSD}complexType")}
    found: dict[str, tuple[str, int]] = {}

    def walk(element: Any, path: str) -> None:
        ids = element.find(f"{XSD}annotation//{{*}}WCOID")
        found[path] = ("" if ids is None else (ids.text or "").strip(), len(found))
        inner = types.get(element.get("type"), element.find(f"{XSD}complexType"))
        sequence = None if inner is None else inner.find(f".//{XSD}sequence")
        for child in () if sequence is None else sequence.findall(f"{XSD}element"):
            walk(child, f"{path}/{child.get('name')}")

    walk(root.find(f"{XSD}element"), "Declaration")
    return found


def test_the_mapping_has_the_ids_and_the_order_of_the_schema() -> None:
    schema_ids = ids_of_the_schema()
    compared = 0

    def walk(lines: dict[str, Line], path: str) -> None:
        nonlocal compared
        known = [name for name in lines if f"{path}/{name}" in schema_ids]
        assert known == sorted(known, key=lambda name: schema_ids[f"{path}/{name}"][1]), path
        for name in known:
            here = f"{path}/{name}"
            wanted = schema_ids[here][0]
            told = wco_of(f"/{here}")
            assert not wanted or told.endswith((f"/{wanted}", f"#{wanted}")), f"{here} is {told}, not {wanted}"
            compared += 1
            walk(dict(lines[name].inner()), here)

    walk(DECLARATION.by_element, "Declaration")

    print(f"\n{compared} of {len(schema_ids)} elements of the schema have a line")
    assert compared > 200


def test_reading_takes_little_time() -> None:
    """A floor that only a blunder breaks; the figure is printed. The machine may be busy with other tests."""
    messages = [pair.sample.data for pair in pairs(valid=True)]
    best = min(timed(messages) for _ in range(2)) / len(messages)
    size = sum(map(len, messages)) // len(messages)

    print(f"\n{best * 1000:.2f} ms of CPU a declaration of {size} bytes")
    assert best < 0.02


def timed(messages: list[bytes]) -> float:
    start = time.process_time()
    for data in messages:
        wco_dms.read(data)
    return time.process_time() - start
