"""From XML to consignments, where it is a filing, and to answers, where it is a notice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import structs

from tidewaiter.formats.ics2.answers import answer_of
from tidewaiter.formats.ics2.form import tree_of
from tidewaiter.formats.ics2.shape import FILINGS, MESSAGES, SPACE
from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import Branch
from tidewaiter.formats.post.taking import Tally, fields_of, made, records_in
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import Node, about, grow
from tidewaiter.model.answer import Answer
from tidewaiter.model.finding import Finding, Kind

NAME = "ics2"
_CODE = re.compile(r"[0-9]{6}(?:[0-9]{2})?")
FINDINGS_MAX = 1_000
"""So many findings about the whole are kept."""
NO_MESSAGE = Kind(
    code="ICS-01",
    severity="error",
    text="The message holds no filing of a minimum set and no notice that is read here.",
    remedy="Put an IE3F43, IE3F32, IE4Q04, IE4S02 or IE4N99 into it.",
    law="ICS2 common repository contract, version 2.0.0",
)
NAMESPACE = Kind(
    code="ICS-02",
    severity="warning",
    text="The namespace of the message is not that of its schema; it was read by its element names.",
    remedy=f"Put the message and all elements in it into {SPACE}.",
    law="ICS2 common repository contract, version 2.0.0",
)
REFERRAL = Kind(
    code="ICS-03",
    severity="error",
    text="The referral is none of RFI, RFS and AMD; it was not read.",
    remedy="Use a code of the list.",
    law="EU code list CL735",
)
NO_REFERENCE = Kind(
    code="ICS-04",
    severity="error",
    text="Nothing names the house consignment.",
    remedy="Give the LRN or the number of its transport document.",
    law="ICS2 common repository contract, version 2.0.0",
)
KINDS = (NO_MESSAGE, NAMESPACE, REFERRAL, NO_REFERENCE)
"""Every kind of finding of this format, besides those of XML and of tables; see `formats.post.kinds`."""


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What a message holds. Bad input is findings, never an exception; see `formats.reading.Format`."""
    tree = grow(data)
    faults = tuple(about(fault) for fault in tree.faults)
    if tree.root is None:
        return Reading(format=NAME, findings=faults)
    reader = _Reader(jurisdiction, faults)
    held = list(_search(tree.root, "", Counter()))
    for node, at in held:
        reader.message(node, at)
    if not held:
        reader.findings.append(found(NO_MESSAGE, source_pointer=f"/{shortened(tree.root.name)}[1]"))
    return reader.reading()


def _search(node: Node, at: str, met: Counter[str]) -> Iterator[tuple[Node, str]]:
    """The messages in what may be an envelope, each with its path."""
    met[node.name] += 1
    here = f"{at}/{shortened(node.name)}[{met[node.name]}]"
    if node.name in MESSAGES:
        yield node, here
        return
    inside: Counter[str] = Counter()
    for child in node.children:
        yield from _search(child, here, inside)


class _Reader:
    """Takes messages one by one."""

    def __init__(self, jurisdiction: str | None, faults: tuple[Finding, ...]) -> None:
        self.jurisdiction = jurisdiction
        self.faults = faults
        self.findings = list(faults)
        self.declared: list[Declared] = []
        self.answers: list[Answer] = []
        self.kept = 0
        self.dropped: list[str] = []

    def message(self, node: Node, at: str) -> None:
        """Take what a message holds."""
        group = MESSAGES[node.name]
        told = tree_of(node, at, self.dropped)
        branch = told if isinstance(told, Branch) else Branch(at)
        head = Tally()
        if node.space != SPACE:
            head.say(NAMESPACE, "", "", at)
        values = fields_of(branch, group, head)
        self.dropped += head.dropped
        self.kept += head.kept
        branches = records_in(branch, group) if group.records is not group else [branch]
        for one in branches:
            mine = Tally(findings=list(head.findings))
            fields = dict(values) if one is branch else fields_of(one, group.records, mine, before=values)
            self.dropped += mine.dropped
            self.kept += mine.kept
            mine.anchor = {"": one.at, **head.anchor, **mine.anchor}
            if node.name in FILINGS:
                self._filing(node.name, fields, mine, is_alone=len(branches) == 1)
            else:
                self._notice(node.name, fields, mine)
        if not branches:
            self.findings += head.findings

    def _filing(self, name: str, fields: dict[str, Any], tally: Tally, *, is_alone: bool) -> None:
        number = fields.get("tracking_id") or fields.get("house_bill")
        if number and ("reference" not in fields or not is_alone):
            # One LRN for many house consignments: each is known by the number of its own document.
            fields["reference"] = number
        if "reference" not in fields:
            tally.say(NO_REFERENCE, "", "/reference", tally.anchor[""])
            self.findings += tally.findings
            self.dropped += [place for pointer, place in tally.anchor.items() if pointer]
            return
        if fields.get("circumstance", name[3:]) != name[3:]:
            tally.say(k.UNFIT, name[3:], "/circumstance", tally.anchor["/circumstance"])
        for number, item in enumerate(fields.get("items", ())):
            if item.hs_code is not None and _CODE.fullmatch(item.hs_code) is None:
                at = f"/items/{number}/hs_code"
                tally.say(k.UNFIT, "six digits, or with those of the combined nomenclature eight", at, tally.anchor[at])
        fields.setdefault("jurisdiction", self.jurisdiction or "")
        fields |= {"direction": "entry", "channel": FILINGS[name]}
        record = made(MESSAGES[name].struct, fields)
        self.declared.append(
            Declared(consignment=record, findings=(*self.faults, *tally.findings), anchor=tally.anchor)
        )

    def _notice(self, name: str, fields: dict[str, Any], tally: Tally) -> None:
        notice = made(MESSAGES[name].struct, fields)
        answer = answer_of(name, notice)
        if answer is None:
            tally.say(REFERRAL, "", "", tally.anchor[""])
        else:
            self.answers.append(answer)
        self.findings += tally.findings

    def reading(self) -> Reading:
        """What was read of all messages."""
        return Reading(
            format=NAME,
            declared=tuple(self.declared),
            answers=tuple(self.answers),
            findings=tuple(sorted(self.findings, key=lambda finding: finding.severity != "error")[:FINDINGS_MAX]),
            kept=self.kept,
            dropped=tuple(self.dropped),
        )


def filing_of(record: Any) -> str:
    """The filing in which a consignment goes: that of its circumstance, else that of its channel, else that of post."""
    named = f"IE3{record.circumstance}"
    if named in FILINGS:
        return named
    return next((name for name, channel in FILINGS.items() if channel == record.channel), "IE3F43")


def settled(record: Any) -> Any:
    """The record as its filing tells it: with its circumstance, and moments to the second."""
    issued = record.issued_at.replace(microsecond=0) if record.issued_at else None
    return structs.replace(record, circumstance=filing_of(record)[3:], issued_at=issued)
