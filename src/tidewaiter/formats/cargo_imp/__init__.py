"""Air waybills as CARGO-IMP: house manifests FHL (2 to 5) and air waybills FWB (5 to 17) read, FHL written; FMA, FNA.

Each line HBS is a consignment, and so is an FWB. They are told for security before loading, so the direction is
`entry`; see `formats.air`. `lines` finds the lines, also where they have run together or were broken after 69
characters, with a warning; `elements.csv` says which part of a line is which field. Charges, dimensions, accounts,
agents' numbers and telefax have no field of ours and are named as dropped. The value declared for customs is kept as
the total of the invoice, the shipper's count of packages as a statement of type SLC.

Small letters are read as capitals, with a warning; other signs than those of CARGO-IMP in what is declared are an
error, since no message can carry them on. So is a second party in a role, of which there can be one.

A further code in HTS or NH is a further goods item, since a code says what other goods there are.

Source: IATA Cargo Interchange Message Procedures; the forms of lines as they are met in the trade.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.cargo_imp.answers import ANSWERS, POINTERS, write_answers
from tidewaiter.formats.cargo_imp.kinds import KINDS
from tidewaiter.formats.cargo_imp.reading import NAME, read
from tidewaiter.formats.cargo_imp.writing import write_houses
from tidewaiter.formats.mapped_reading import source_pointer
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = ["ANSWERS", "KINDS", "MEDIA_TYPES", "NAME", "POINTERS", "answer", "read", "sniff", "source_pointer", "write"]

MEDIA_TYPES = ("text/plain",)

_OURS = re.compile(
    rb"(?:\A|[\r\n])[ \x01\x02]*(?:(?:FHL|FWB)/[0-9]{1,2}(?:[ \r\n]|\Z|MBI/|[0-9]{3}-)|(?:FMA|FNA)[ \r\n]+ACK/)"
)
_LITERALS = (b"FHL/", b"FWB/", b"FMA", b"FNA")
"""One of these is in all that is ours: they are looked for first, since that takes no time."""
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def sniff(head: bytes) -> bool:
    """Whether a line of FHL, FWB, FMA or FNA begins the message, or follows a few lines of addresses."""
    if head[:2] in _MARKS:
        head = head.replace(b"\x00", b"")
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return any(one in head for one in _LITERALS) and _OURS.search(head) is not None


def write(consignments: Sequence[Consignment]) -> bytes:
    """Messages FHL/5, one a consignment, that `read` reads back, but for what there is no line or character for.

    There are capitals, digits, spaces, full stops and hyphens alone: accents are lost and other letters become
    blanks; a word longer than its line is broken. Written are the number of the house (else the reference), the
    master bill, places, pieces, weight to the gram, the first description, every commodity code, notes of type
    OCI, SPH, SLC and SUM, consignor and consignee, and the total of the invoice; no reference of its own.
    """
    return write_houses(consignments)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in this dialect, an FMA or FNA each."""
    return write_answers(answers)
