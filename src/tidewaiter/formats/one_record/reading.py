"""From the bytes of a message to the consignments and answers in it."""

from __future__ import annotations

from typing import get_args

from tidewaiter.formats.air import NOTHING_HELD, declared
from tidewaiter.formats.mapped import Group, table
from tidewaiter.formats.mapped_reading import Taker
from tidewaiter.formats.one_record.graph import Graph, Object, parsed, types_of
from tidewaiter.formats.one_record.shaping import waybills
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, shortened
from tidewaiter.model.answer import Answer, AnswerKind, DialectError
from tidewaiter.model.consignment import Consignment

NAME = "one_record"
OURS = "urn:tidewaiter:"
_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)


def section() -> Group:
    """The table of a waybill."""
    return table("tidewaiter.formats.one_record", "elements.csv", "waybill", Consignment)


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception; see `formats.reading.Format`."""
    tree, faulty = parsed(data)
    if tree is None:
        return Reading(format=NAME, findings=faulty or (found(NOTHING_HELD, "null"),))
    graph = Graph(tree)
    records: list[Declared] = []
    dropped: list[str] = []
    kept: set[int] = set()
    for waybill in waybills(graph):
        taker = Taker(graph.places)
        values = taker.take(waybill, section())
        known, graph.findings = (*faulty, *graph.findings), []
        records.append(declared(values, taker, jurisdiction=jurisdiction, known=known))
        dropped += taker.dropped
        kept |= taker.kept
    answers = tuple(_answer(graph, one) for one in graph.objects if "api:Error" in types_of(one) or _kind(one))
    findings = () if records else faulty
    if not records and not answers:
        names = sorted({shortened(name) for one in graph.objects[:1] for name in types_of(one)})
        findings = (*findings, found(NOTHING_HELD, ", ".join(names) or "no type", source_pointer="/"))
    return Reading(
        format=NAME,
        declared=tuple(records),
        answers=answers,
        findings=findings,
        kept=len(kept) + len(answers),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _answer(graph: Graph, one: Object) -> Answer:
    """What an api:Error says, or an event of ours, with its details; where nothing says more, it was rejected."""
    details = one.get("api:hasErrorDetail", one.get("tidewaiter:errorDetail", []))
    errors = []
    for detail in details if isinstance(details, list) else [details]:
        whole = graph.object(detail)
        if whole is not None:
            code, text, place = (_plain(whole.get(f"api:has{name}")) for name in ("Code", "Message", "Property"))
            errors.append(DialectError(code=code, pointer=place or _plain(whole.get("api:hasResource")), text=text))
    resource = next((error.pointer for error in errors), None)
    return Answer(
        kind=_kind(one) or "rejected", id=_plain(one.get("@id")).removeprefix(OURS),
        mrn=_plain(one.get("tidewaiter:mrn")) or None, reference=_plain(one.get("tidewaiter:reference")) or resource,
        errors=tuple(errors),
    )  # fmt: skip


def _kind(one: Object) -> AnswerKind | None:
    """The kind of answer that is named where ours stand."""
    said = _plain(one.get("tidewaiter:answer"))
    return next((kind for kind in _KINDS if kind == said), None)


def _plain(value: object) -> str:
    if isinstance(value, Object):
        value = value.get("@value", value.get("@id"))
    return value if isinstance(value, str) else ""
