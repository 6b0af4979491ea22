"""From the bytes of a message to the consignments in it."""

from __future__ import annotations

from tidewaiter.formats.air import NOTHING_HELD, declared
from tidewaiter.formats.cargo_xml.answers import RESPONSE, answer_of
from tidewaiter.formats.cargo_xml.shaping import houses
from tidewaiter.formats.mapped import Group, table
from tidewaiter.formats.mapped_reading import Taker, messages_in, places, twice_in
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import about, grow
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

NAME = "cargo_xml"
SECTIONS = {"HouseWaybill": "house", "HouseManifest": "manifest", "Waybill": "master"}
"""The section of the table by the name of the message: XFZB, XFHL, XFWB."""


def section(name: str) -> Group:
    """The table for a message of this name."""
    return table("tidewaiter.formats.cargo_xml", "elements.csv", SECTIONS[name], Consignment)


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception; see `formats.reading.Format`."""
    root, faults = grow(data)
    faulty = tuple(about(fault) for fault in faults)
    if root is None:
        return Reading(format=NAME, findings=faulty)
    where = places(root)
    around = Taker(where)
    held = list(messages_in(root, (*SECTIONS, RESPONSE), around))
    if not held:
        nothing = found(NOTHING_HELD, shortened(root.name), source_pointer=f"/{shortened(root.name)}")
        return Reading(format=NAME, findings=(*faulty, nothing), dropped=tuple(around.dropped))
    records: list[Declared] = []
    answers: list[Answer] = []
    dropped, kept = list(around.dropped), set[int]()
    for message in held:
        if message.name == RESPONSE:
            taker = Taker(where)
            answers.append(answer_of(message, taker))
            dropped += taker.dropped
            kept |= taker.kept
            continue
        twice = tuple(twice_in(message.children, where))
        for one in houses(message):
            taker = Taker(where)
            values = taker.take(one, section(message.name))
            records.append(declared(values, taker, jurisdiction=jurisdiction, known=(*faulty, *twice)))
            dropped += taker.dropped
            kept |= taker.kept
    return Reading(
        format=NAME,
        declared=tuple(records),
        answers=tuple(answers),
        findings=() if records else faulty,
        kept=len(kept),
        dropped=tuple(dict.fromkeys(dropped)),
    )
