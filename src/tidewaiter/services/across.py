"""What several messages say of each other: references used twice, changes of what is not there, stray answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidewaiter import formats
from tidewaiter.formats import Reading
from tidewaiter.formats.text import found
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding, Kind

_REFERENCE = "WCO Data Model D026; Delegated Regulation (EU) 2015/2446, Annex B, data element 12 09"

REFERENCE_TWICE = Kind(
    code="SET-01",
    severity="error",
    stage="across",
    text="The reference of this consignment stands for another one in {detail}.",
    remedy="Give each consignment a reference of its own.",
    law=_REFERENCE,
)
SENT_TWICE = Kind(
    code="SET-02",
    severity="warning",
    stage="across",
    text="The same consignment stands in {detail} already.",
    remedy="Send it once; sending it again has no second effect.",
    law=_REFERENCE,
)
NOTHING_TO_CHANGE = Kind(
    code="SET-03",
    severity="warning",
    stage="across",
    text="What this message changes or cancels is not among these messages.",
    remedy="Add the declaration to the set, or check the reference or number that is changed.",
    law="Union Customs Code, art. 173 and 174",
)
NOTHING_ANSWERED = Kind(
    code="SET-04",
    severity="warning",
    stage="across",
    text="What this answers is not among these messages.",
    remedy="Add the declaration to the set, or check the reference or number of the answer.",
    law="WCO Data Model D026 (functional reference)",
)
KINDS = (REFERENCE_TWICE, SENT_TWICE, NOTHING_TO_CHANGE, NOTHING_ANSWERED)
"""Every kind of finding about a set of messages."""


def across(sources: Sequence[str], readings: Sequence[Reading]) -> list[list[Finding]]:
    """What is found in each message of a set when they are laid side by side, in their order.

    Which reference stands for what is told by country, direction and reference; a number given by customs counts too.
    """
    told: list[list[Finding]] = [[] for _ in readings]
    first: dict[tuple[str, str, str], tuple[int, Consignment]] = {}
    names: set[str] = set()
    for place, reading in enumerate(readings):
        for one in reading.declared:
            record = one.consignment
            if record.function != "original" or not record.reference:
                continue
            names.update(_names(record))
            key = (record.jurisdiction, record.direction, record.reference)
            before, known = first.setdefault(key, (place, record))
            if known is not record:
                kind = SENT_TWICE if known == record else REFERENCE_TWICE
                where = formats.source_pointer(reading.format, one, "/reference")
                here = "this message" if before == place else sources[before]
                told[place].append(found(kind, here, pointer="/reference", source_pointer=where))
    for place, reading in enumerate(readings):
        told[place] += _unfounded(reading, names)
    return told


def _unfounded(reading: Reading, names: set[str]) -> Iterator[Finding]:
    """Changes and answers that speak of nothing in the set."""
    for one in reading.declared:
        if one.consignment.function != "original" and not names & _names(one.consignment):
            field = "/mrn" if one.consignment.mrn else "/reference"
            where = formats.source_pointer(reading.format, one, field)
            yield found(NOTHING_TO_CHANGE, pointer=field, source_pointer=where)
    for number, answer in enumerate(reading.answers, start=1):
        if not names & _answered(answer):
            yield found(NOTHING_ANSWERED, source_pointer=f"answer {number}")


def _names(record: Consignment) -> set[str]:
    """What the consignment may be called by."""
    return {name for name in (record.reference, record.mrn, record.message_id) if name}


def _answered(answer: Answer) -> set[str]:
    message = answer.concerned.message_id if answer.concerned else None
    return {name for name in (answer.reference, answer.mrn, message) if name}
