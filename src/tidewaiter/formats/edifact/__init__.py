"""UN/EDIFACT customs messages: CUSDEC, CUSCAR and CUSEXP read, CUSDEC written, CUSRES and CONTRL as answers.

`tokens.py` knows the syntax and streams, `structure.py` which segment belongs to which group, `mapping.py` which
segment carries which field of ours. Directories D.95B to D.24A are read alike. Every control count and reference is
checked; a value for which there is no field is named as dropped. Which code list a code belongs to is left to the
partners in EDIFACT, and national guides differ: the lists meant here are in `mapping.LISTS`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.edifact import writing as _writing
from tidewaiter.formats.edifact.answers import ANSWERS, POINTERS
from tidewaiter.formats.edifact.kinds import KINDS
from tidewaiter.formats.edifact.reading import NAME, read, read_stream
from tidewaiter.formats.edifact.splitting import read_piece, split
from tidewaiter.formats.edifact.tokens import tokenise
from tidewaiter.formats.reading import Declared
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = [
    "ANSWERS",
    "KINDS",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "read",
    "read_piece",
    "read_stream",
    "sniff",
    "source_pointer",
    "split",
    "tokenise",
    "write",
]

MEDIA_TYPES = ("application/edifact",)
LOOSE = True
"""Any interchange is taken: formats that know one by its messages are asked before."""

_OURS = re.compile(rb"[\r\n \t]*(?:UNA[^A-Za-z0-9]{6}|UN[BGH]\+)")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def sniff(head: bytes) -> bool:
    """Whether the message begins with UNA or UNB; with UNG or UNH too, so that reading can say what is missing."""
    if head[:2] in _MARKS:
        head = head.replace(b"\x00", b"")
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return _OURS.match(head) is not None


def write(consignments: Sequence[Consignment]) -> bytes:
    """An interchange of CUSDEC messages that `read` reads back as these consignments, but for what CUSDEC cannot say.

    That is: the day of acceptance, adjustments, authorisations, guarantees, changes, offices of supervision, types of
    location and warehouse, rates agreed, codes beside the commodity code, what a tax line says besides type and
    amount; whether a party is a person, and the roles of postal operator, payment provider and guarantor. Documents
    keep type, category, number, status and name, and their kind is told by their type. Instants are written to the
    second; a name above 70 characters is broken at a space;
    seals are written where there is one container.
    """
    return _writing.write(consignments)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in one interchange: a CUSRES each, or a CONTRL where an interchange could not be read.

    Sender and recipient are placeholders, since an answer does not know them; who sends it puts them in.
    """
    return _writing.answer(answers)


def source_pointer(declared: Declared, pointer: str) -> str:
    """The place of the segment, element and component where the field stood: 'message 1 …, segment 14 CST, element 2'.

    A field that was not sent is pointed to at the record around it.
    """
    told = pointer.rstrip("/")
    while told and told not in declared.anchor:
        told = told.rpartition("/")[0]
    head = declared.anchor.get("", "message 1")
    return f"{head}, {declared.anchor[told]}" if told else head
