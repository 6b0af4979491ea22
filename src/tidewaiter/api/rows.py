"""A result a row, for who sends consignments one a line: good rows are in, bad rows come back with what to mend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import msgspec

from tidewaiter.model.finding import Finding
from tidewaiter.services.lodge import Lodged

LINES = "application/x-ndjson"
_LINE = re.compile(r"line ([0-9]{1,9}) ?", re.ASCII)


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a line, the first being 1: the answers about its consignment, or why there is none.

    `control` is as in a decision, `mrn` the number that customs gave.
    """

    row: int
    reference: str = ""
    control: str = ""
    mrn: str | None = None
    answers: Sequence[msgspec.Raw] = ()
    errors: Sequence[Finding] = ()


class _Told(msgspec.Struct, frozen=True):
    id: str
    mrn: str | None = None


def rows_of(done: Lodged, data: bytes) -> bytes | None:
    """A JSON object a line that holds something; None where results and lines cannot be told to belong together."""
    lines = [number for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    errors: dict[int, list[Finding]] = {}
    for finding in done.findings:
        place = _LINE.match(finding.source_pointer)
        if place is None:
            return None
        errors.setdefault(int(place[1]), []).append(finding)
    good = [number for number in lines if number not in errors]
    packed = msgspec.json.format(done.answer, indent=-1)  # an answer is written for people, over many lines
    told, answers = _DECODE.decode(packed), _RAW.decode(packed)
    # The answers to a consignment share their number but for its end, and those about the whole come last.
    groups = [
        [place for place, _ in group]
        for _, group in groupby(enumerate(told), key=lambda one: one[1].id.rpartition("-")[0])
    ]
    if len(good) != len(done.results) or len(groups) < len(good):
        return None
    rows = [Row(row=number, errors=found) for number, found in errors.items()]
    for number, result, places in zip(good, done.results, groups[: len(good)], strict=True):
        mrn = next((told[place].mrn for place in places if told[place].mrn), None)
        rows.append(
            Row(
                row=number,
                reference=result.reference,
                control=result.decision.control,
                mrn=mrn,
                answers=[answers[place] for place in places],
            )
        )
    return msgspec.json.Encoder().encode_lines(sorted(rows, key=lambda row: row.row))


_DECODE = msgspec.json.Decoder(list[_Told])
_RAW = msgspec.json.Decoder(list[msgspec.Raw])
