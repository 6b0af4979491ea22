"""Consignments as CUSDEC messages, answers as CUSRES and CONTRL, in one interchange.

Nothing here looks at a clock: an interchange is dated by the latest instant among what it holds, and its reference
is a digest of it. Who sends it puts in the sender and the recipient.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tidewaiter.formats.edifact import mapping as m
from tidewaiter.formats.edifact.answers import message_of
from tidewaiter.formats.edifact.tokens import Segment, Services, advice, segment, text_of
from tidewaiter.formats.edifact.values import clean, instant_text
from tidewaiter.formats.text import folded
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment, Document, GoodsItem, Party
from tidewaiter.model.money import Money

VERSIONS = {"CUSDEC": ("D", "21A", "UN"), "CUSRES": ("D", "21A", "UN"), "CONTRL": ("D", "3", "UN")}
"""What is written of each message."""
LATIN, UNICODE = Services(), Services(repetition="*")
SENDER, RECIPIENT = "TIDEWAITER", "RECIPIENT"
_UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
_ROLE_CODES = {(role, status): code for code, (role, status) in reversed(list(m.ROLES.items()))}
_FUNCTION_CODES = {function: code for code, function in reversed(list(m.FUNCTIONS.items()))}


def write(consignments: Sequence[Consignment]) -> bytes:
    """One interchange with a CUSDEC message a consignment."""
    dates = [one.issued_at for one in consignments if one.issued_at is not None]
    return interchange([("CUSDEC", list(_declaration(one))) for one in consignments], dates)


def answer(answers: Sequence[Answer]) -> bytes:
    """One interchange with a message an answer."""
    return interchange(
        [message_of(one) for one in answers], [one.sent_at for one in answers if one.sent_at is not None]
    )


def interchange(
    messages: Sequence[tuple[str, list[Segment]]],
    dates: Iterable[datetime],
    versions: Mapping[str, tuple[str, str, str]] = VERSIONS,
) -> bytes:
    """The messages, each a type and its segments, between UNB and UNZ; in Latin-1 where that has every character.

    `versions` says what follows the type of each message in UNH.
    """
    body: list[Segment] = []
    for number, (type, segments) in enumerate(messages, start=1):
        body.append(segment("UNH", str(number), (type, *versions[type])))
        body += segments
        body.append(segment("UNT", str(len(segments) + 2), str(number)))
    plain = "".join(text_of(one, LATIN) for one in body)
    is_latin = all(ord(char) < 256 for char in plain)
    services, charset = (LATIN, "iso8859-1") if is_latin else (UNICODE, "utf-8")
    reference = hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()[:14].upper()
    at = max((date.astimezone(UTC) for date in dates), default=_UNDATED)
    syntax, day = (("UNOC", "3"), f"{at:%y%m%d}") if is_latin else (("UNOW", "4"), f"{at:%Y%m%d}")
    head = segment("UNB", syntax, SENDER, RECIPIENT, (day, f"{at:%H%M}"), reference)
    tail = segment("UNZ", str(len(messages)), reference)
    text = "\n".join([advice(services), *(text_of(one, services) for one in (head, *body, tail)), ""])
    return text.encode(charset, "replace")


def _declaration(record: Consignment) -> Iterator[Segment]:
    names = {"export": m.EXPORT_NAME, "import": m.IMPORT_NAME, "entry": m.ENTRY_NAME}
    name = names[record.direction]
    version = "" if record.version is None else str(record.version)
    yield segment("BGM", name, (clean(record.reference), version), _FUNCTION_CODES[record.function])
    if record.declaration_type or record.procedure_category:
        yield segment("CST", "", record.declaration_type or "", record.procedure_category or "")
    yield from _leaves(record, m.CONSIGNMENT, "LOC")
    for country in record.transport.route if record.transport else ():
        yield segment("LOC", "49", clean(country))
    yield from _leaves(record, m.CONSIGNMENT, "DTM")
    for named, text in ((m.CATEGORY, record.category), (m.CHANNEL, record.channel)):
        if text:
            yield segment("GEI", "5", ("", named, "ZZZ", text))
    if record.transaction_nature:
        yield segment("GEI", "5", (clean(record.transaction_nature), m.LISTS["transaction_nature"], "ZZZ"))
    yield from _leaves(record, m.CONSIGNMENT, "MEA", purpose="AAE")
    equipment = [one for one in record.equipment if one.id]
    yield from (segment("EQD", "CN", clean(one.id or "")) for one in equipment)
    if len(equipment) == 1:
        yield from (segment("SEL", clean(seal)) for seal in equipment[0].seals)
    for statement in record.statements:
        yield from _text(statement.type or m.STATEMENT, statement.code or "", statement.text or "")
    yield from _leaves(record, m.CONSIGNMENT, "RFF")
    yield from _transport(record)
    yield from (_document(one) for one in record.documents)
    yield from _parties(record)
    if record.incoterm or record.incoterm_place:
        yield segment("TOD", "", "", clean(record.incoterm or ""))
        if record.incoterm_place:
            yield segment("LOC", "1", ("", "", "", clean(record.incoterm_place)))
    yield from _leaves(record, m.CONSIGNMENT, "MOA")
    yield segment("UNS", "D")
    for item in record.items:
        yield from _item(item)
    yield segment("UNS", "S")
    yield from _leaves(record, m.CONSIGNMENT, "CNT")


def _item(item: GoodsItem) -> Iterator[Segment]:
    yield segment("CST", "" if item.sequence is None else str(item.sequence), *_codes(item))
    yield from _text(m.DESCRIPTION, "", item.description or "")
    for statement in item.statements:
        if statement.type != m.DESCRIPTION:
            yield from _text(statement.type or m.STATEMENT, statement.code or "", statement.text or "")
    yield from _leaves(item, m.ITEM, "LOC")
    yield from _leaves(item, m.ITEM, "MEA", purpose="AAI")
    if item.quantity is not None:
        purpose = m.QUANTITY_PURPOSES[0]
        yield segment("MEA", purpose, "", (clean(item.quantity_unit or ""), format(item.quantity, "f")))
    yield from _parties(item)
    for packaging in item.packages:
        quantity = "" if packaging.quantity is None else str(packaging.quantity)
        yield segment("PAC", quantity, "", clean(packaging.type or ""))
        if packaging.marks:
            yield segment("PCI", "", tuple(folded(clean(packaging.marks), 35, 10)))
    yield from _leaves(item, m.ITEM, "MOA")
    yield from _leaves(item, m.ITEM, "RFF")
    yield from (segment("RFF", (m.EQUIPMENT_REFERENCE, clean(one.id))) for one in item.equipment if one.id)
    yield from (_document(one) for one in item.documents)
    for code in item.additional_procedures:
        yield segment("GEI", "5", (clean(code), m.ADDITIONAL, "ZZZ"))
    for field in ("preference", "preference_country", "valuation_method", "transaction_nature"):
        if value := getattr(item, field):
            yield segment("GEI", "5", (clean(value), m.LISTS[field], "ZZZ"))
    for tax in item.taxes:
        if tax.type:
            yield segment("TAX", "1", clean(tax.type))
            if tax.assessed is not None:
                yield segment("MOA", ("161", format(tax.assessed.amount, "f"), tax.assessed.currency))


def _codes(item: GoodsItem) -> list[tuple[str, ...]]:
    hs_code = (clean(item.hs_code), m.LISTS["hs_code"]) if item.hs_code else ("",)
    codes: list[tuple[str, ...]] = [hs_code]
    if item.procedure:
        codes.append((clean(item.procedure) + clean(item.previous_procedure or ""), m.LISTS["procedure"]))
    if item.taric_code:
        codes.append((clean(item.taric_code), m.LISTS["taric_code"], "ZZZ"))
    return codes


def _text(subject: str, code: str, text: str) -> Iterator[Segment]:
    if code or text:
        yield segment("FTX", clean(subject), "", clean(code), clean(text))


def _leaves(record: Any, leaves: Sequence[m.Leaf], tag: str, *, purpose: str = "") -> Iterator[Segment]:
    """A segment for each qualifier of this tag with the values of its leaves."""
    shape = m.SHAPES[tag]
    written: set[str] = set()
    by_code: dict[str, list[tuple[m.Leaf, Any]]] = {}
    for leaf in leaves:
        value = _value(record, leaf.field)
        is_here = leaf.tag == tag and leaf.field not in written and not (tag == "CNT" and leaf.is_mass)
        if is_here and value is not None and value != "":
            by_code.setdefault(leaf.codes[0], []).append((leaf, value))
            written.add(leaf.field)
    for code, found_here in by_code.items():
        cells: dict[tuple[int, int], str] = {shape.qualifier: code}
        if purpose:
            cells[0, 0] = purpose
        for leaf, value in found_here:
            cells[leaf.at], extra = _told(value)
            if shape.extra is not None and (extra or leaf.is_mass):
                cells[shape.extra] = extra or "KGM"
        yield _filled(tag, cells)


def _filled(tag: str, cells: dict[tuple[int, int], str]) -> Segment:
    size = max(element for element, _ in cells) + 1
    elements = [
        tuple(
            cells.get((element, component), "")
            for component in range(max((c for e, c in cells if e == element), default=0) + 1)
        )
        for element in range(size)
    ]
    return segment(tag, *elements)


def _value(record: Any, field: str) -> Any:
    for name in field.split("."):
        record = getattr(record, name, None)
    return record


def _told(value: Any) -> tuple[str, str]:
    """The text of a value and what goes with it: a currency, the format of a date."""
    if isinstance(value, Money):
        return format(value.amount, "f"), value.currency
    if isinstance(value, datetime):
        return instant_text(value)
    return (
        clean(value) if isinstance(value, str) else format(value, "f") if isinstance(value, Decimal) else str(value)
    ), ""


def _transport(record: Consignment) -> Iterator[Segment]:
    transport = record.transport
    if transport is None:
        return
    for stage in dict.fromkeys(m.STAGES.values()):
        code = next(code for code, name in m.STAGES.items() if name == stage)
        mode, id = getattr(transport, f"{stage}_mode"), getattr(transport, f"{stage}_id")
        nationality = transport.border_nationality if stage == "border" else None
        if mode or id or nationality:
            means = (clean(id or ""), "", "", "", clean(nationality or ""))
            yield segment("TDT", code, "", clean(mode or ""), "", "", "", "", means)


def _document(document: Document) -> Segment:
    told = (document.id, document.status, document.name)
    return segment(
        "DOC",
        (clean(document.type or ""), clean(document.category or "")),
        tuple(clean(text or "") for text in told),
    )


def _parties(record: Consignment | GoodsItem) -> Iterator[Segment]:
    if isinstance(record, Consignment) and record.jurisdiction:
        yield segment("NAD", m.CUSTOMS, "", "", "", "", "", "", "", record.jurisdiction)
    for reference in record.fiscal_references:
        yield segment("NAD", m.FISCAL, (clean(reference.id), clean(reference.role), "ZZZ"))
    for party in record.parties:
        code = _ROLE_CODES.get((party.role, party.status or "")) or _ROLE_CODES.get((party.role, ""))
        if code is not None:
            yield from _party(party, code)


def _party(party: Party, code: str) -> Iterator[Segment]:
    yield segment(
        "NAD",
        code,
        clean(party.id or ""),
        "",
        tuple(folded(clean(party.name or ""), 70, 5)),
        clean(party.street or ""),
        clean(party.city or ""),
        clean(party.region or "") if len(party.region or "") <= 9 else ("", "", "", clean(party.region or "")),
        clean(party.postcode or ""),
        party.country or "",
    )
    for type, number in (("TE", party.phone), ("EM", party.email)):
        if number:
            yield segment("COM", (clean(number), type))
