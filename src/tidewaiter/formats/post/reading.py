"""From a file in any of the four forms to consignments, answers, dispatches and events."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any

from msgspec import structs

from tidewaiter.formats.post import csv_form, edifact_form, json_form, xml_form
from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import Branch
from tidewaiter.formats.post.shape import MESSAGES, Group, ours
from tidewaiter.formats.post.taking import Tally, fields_of, made, records_in
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found
from tidewaiter.model import identifiers
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding
from tidewaiter.model.movement import Dispatch, ItemEvent, Movement

NAME = "post"
FORMS: Mapping[str, ModuleType] = MappingProxyType(
    {"json": json_form, "csv": csv_form, "xml": xml_form, "edifact": edifact_form}
)
"""The four forms by name, each with `opened` and `written`."""
FINDINGS_MAX = 1_000
FEW_MAX = 20
"""So many findings about the form are told with each consignment."""
_EVENTS = ours("event")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def form_of(head: bytes) -> str:
    """The name of the form of a message that begins so."""
    for mark in _MARKS:
        head = head.removeprefix(mark)
    head = head.replace(b"\x00", b"").lstrip()
    if head[:1] in (b"{", b"["):
        return "json"
    if head[:1] == b"<":
        return "xml"
    return "edifact" if head[:3] in (b"UNA", b"UNB", b"UNG", b"UNH") else "csv"


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What a postal message holds: items as consignments, answers, dispatches, events. See `formats.reading.Format`."""
    opened = FORMS[form_of(data[:64])].opened(data)
    reader = _Reader(jurisdiction, opened.findings)
    for name, branch in opened.messages:
        reader.message(name, branch)
    return reader.reading(opened.dropped)


class _Reader:
    """Takes messages one by one."""

    def __init__(self, jurisdiction: str | None, findings: list[Finding]) -> None:
        self.jurisdiction = jurisdiction
        self.of_form = [finding for finding in findings if finding.severity == "error"]
        """What is wrong with the form: nothing that came in a damaged file is accepted, so each is told it."""
        self.findings = list(findings)
        self.declared: list[Declared] = []
        self.answers: list[Answer] = []
        self.movements: list[Movement] = []
        self.kept = 0
        self.dropped: list[str] = []

    def message(self, name: str, branch: Branch) -> None:
        """Take what a message holds."""
        group = MESSAGES[name]
        head = Tally()
        values = fields_of(branch, group, head)
        if group.records is group:
            self._record(group, values, head, branch)
            return
        self.kept += head.kept
        self.dropped += head.dropped
        branches = records_in(branch, group)
        for one in branches:
            mine = Tally(findings=list(head.findings))
            told = fields_of(one, group.records, mine, before=values)
            self._record(group.records, told, mine, one, head.anchor)
        if not branches:
            self.findings += head.findings

    def _record(
        self, group: Group, values: dict[str, Any], tally: Tally, branch: Branch, head: Mapping[str, str] | None = None
    ) -> None:
        if group.struct is Consignment:
            self._fill_in(values, tally, branch)
        record = made(group.struct, values)
        if isinstance(record, Dispatch | ItemEvent):
            self._check(record, tally)
        self.dropped += tally.dropped
        if record is None:
            self.dropped += tally.anchor.values()
            self.findings += tally.findings
            return
        self.kept += tally.kept
        if isinstance(record, Consignment):
            anchor = {"": branch.at, **(head or {}), **tally.anchor}
            self.declared.append(Declared(consignment=record, findings=tuple(tally.findings), anchor=anchor))
        elif isinstance(record, Answer):
            self._tell(tally, f"/answers/{len(self.answers)}")
            self.answers.append(record)
        else:
            self._tell(tally, f"/movements/{len(self.movements)}")
            self.movements.append(record)

    def _tell(self, tally: Tally, at: str) -> None:
        """Findings about what is no declaration stand among those of the whole and point to it."""
        self.findings += [structs.replace(one, pointer=f"{at}{one.pointer}") for one in tally.findings]

    def _fill_in(self, values: dict[str, Any], tally: Tally, branch: Branch) -> None:
        """What goes without saying: that it came by post, whose customs is asked, under which reference."""
        values["channel"] = "post"
        if "tracking_id" in values:
            values.setdefault("reference", values["tracking_id"])
        country = values.get("jurisdiction") or country_of(values) or self.jurisdiction
        if country is None or re.fullmatch("[A-Z]{2}", country) is None:
            tally.say(k.NO_COUNTRY, "", "/jurisdiction", branch.at)
            country = ""
        values["jurisdiction"] = country

    def _check(self, record: Dispatch | ItemEvent, tally: Tally) -> None:
        """What only a look at the identifiers and the lists can tell."""
        numbers = {}
        if isinstance(record, Dispatch):
            if not identifiers.is_dispatch(record.id):
                tally.say(k.NO_DISPATCH, "", "/id", tally.anchor.get("/id", ""))
            numbers = {f"/receptacles/{place}/id": one.id for place, one in enumerate(record.receptacles)}
        else:
            if record.event not in _EVENTS:
                tally.say(k.UNKNOWN_EVENT, "", "/event", tally.anchor.get("/event", ""))
            if record.receptacle_id is not None:
                numbers = {"/receptacle_id": record.receptacle_id}
        for pointer, number in numbers.items():
            if not identifiers.is_s9(number):
                tally.say(k.NO_RECEPTACLE, "", pointer, tally.anchor.get(pointer, ""))

    def reading(self, dropped: Sequence[str]) -> Reading:
        """What was read of all messages."""
        nothing = not (self.declared or self.answers or self.movements)
        if nothing and not any(finding.severity == "error" for finding in self.findings):
            self.findings.append(found(k.NOTHING_HELD, source_pointer="/"))
        if len(self.findings) > FINDINGS_MAX:
            errors_first = sorted(self.findings, key=lambda finding: finding.severity != "error")
            self.findings = [*errors_first[:FINDINGS_MAX], found(k.AND_MORE, f"{FINDINGS_MAX:,}")]
        declared = self.declared
        if damage := tuple(self.of_form[:FEW_MAX]):
            declared = [structs.replace(one, findings=(*damage, *one.findings)) for one in declared]
        return Reading(
            format=NAME,
            declared=tuple(declared),
            answers=tuple(self.answers),
            movements=tuple(self.movements),
            findings=tuple(self.findings),
            kept=self.kept,
            dropped=(*dropped, *self.dropped),
        )


def country_of(values: Mapping[str, Any]) -> str | None:
    """The country whose customs is asked where none is named: that of destination, else the addressee's."""
    of_addressee = (party.country for party in values.get("parties", ()) if party.role == "consignee")
    return values.get("destination_country") or next((country for country in of_addressee if country), None)


def source_pointer(declared: Declared, pointer: str) -> str:
    """Where the field at our `pointer` stood, told as the form tells it; what was not sent is pointed to around it."""
    told = pointer.rstrip("/")
    while told and told not in declared.anchor:
        told = told.rpartition("/")[0]
    return declared.anchor.get(told, "/")
