"""From the bytes of messages to the consignments and answers in them."""

from __future__ import annotations

from tidewaiter.formats.air import NOTHING_HELD, declared
from tidewaiter.formats.cargo_imp.answers import answer_of
from tidewaiter.formats.cargo_imp.kinds import FOREIGN
from tidewaiter.formats.cargo_imp.lines import messages
from tidewaiter.formats.cargo_imp.nodes import Shaper
from tidewaiter.formats.cargo_imp.shaping import waybills
from tidewaiter.formats.mapped import Group, table
from tidewaiter.formats.mapped_reading import Taker
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding

NAME = "cargo_imp"


def section() -> Group:
    """The table of a waybill."""
    return table("tidewaiter.formats.cargo_imp", "elements.csv", "waybill", Consignment)


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the messages hold. Bad input is findings, never an exception; see `formats.reading.Format`."""
    text, faulty = _text(data)
    records: list[Declared] = []
    answers: list[Answer] = []
    findings: list[Finding] = []
    dropped: list[str] = []
    places: dict[int, str] = {}
    kept: set[int] = set()
    for message in messages(text):
        known = (*faulty, *message.findings)
        if message.name in ("FMA", "FNA"):
            answers.append(answer_of(message))
            findings += known
            kept.add(-len(answers))
            continue
        shaper = Shaper(places)
        for waybill in waybills(message, shaper):
            taker = Taker(places)
            values = taker.take(waybill, section())
            about = (*known, *shaper.findings)
            records.append(declared(values, taker, jurisdiction=jurisdiction, known=about))
            shaper.findings = []
            dropped += taker.dropped
            kept |= taker.kept
    if not records and not answers:
        findings.append(found(NOTHING_HELD, "no FHL or FWB", source_pointer="line 1"))
    return Reading(
        format=NAME,
        declared=tuple(records),
        answers=tuple(answers),
        findings=tuple(findings),
        kept=len(kept),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _text(data: bytes) -> tuple[str, tuple[Finding, ...]]:
    """The text of the bytes: UTF-8 where it is that, else each byte a character, with a finding."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace"), ()
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return data.decode("latin-1"), (found(FOREIGN, "bytes that are no text", source_pointer="line 1"),)
