"""ASYCUDA World: declarations (SAD) and manifests (AWMDS, and Awbolds for their deconsolidation), read and written.

So Tidewaiter stands beside an ASYCUDA office: it takes the files that ASYCUDA exports and gives back such files; see
`services.watch` for folders that are watched. A declaration is told by its flow, I or E; a bill is told for security
alone, so its direction is `entry`. `elements.csv` says which element is which field.

Amounts in the national currency have no currency beside them, so values for customs and taxes have no field of ours
and are named as dropped; what is assessed is assessed anew. An element with <null/> in it is empty. Days are written
as in 2026-11-02. There is no public schema of either file, and none of an answer: a report is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.asycuda.kinds import KINDS
from tidewaiter.formats.asycuda.reading import NAME, read
from tidewaiter.formats.asycuda.writing import ANSWERS, POINTERS, write_answers, write_messages
from tidewaiter.formats.mapped_reading import source_pointer
from tidewaiter.formats.tree import sniffs
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = ["ANSWERS", "KINDS", "MEDIA_TYPES", "NAME", "POINTERS", "answer", "read", "sniff", "source_pointer", "write"]

MEDIA_TYPES = ("application/xml", "text/xml")

_OURS = re.compile(rb"<(?:ASYCUDA|Awmds|Awbolds)[\s/>]")


def sniff(head: bytes) -> bool:
    """Whether the message begins as XML and a declaration or manifest of ASYCUDA is in it; in UTF-16 too."""
    return sniffs(head, _OURS)


def write(consignments: Sequence[Consignment]) -> bytes:
    """Declarations, and manifests for what is told as an entry, that `read` reads back as these consignments.

    Of a declaration are lost: parties in other roles than exporter, consignee and declarant, their addresses and
    contacts, amounts beside price, freight, insurance and the total of the invoice, and instants but for their day.
    Of a bill besides: all that is about price by item, procedure and origin. Where the country asked is not that of
    destination, export or unloading, it must be said by who lodges.
    """
    return write_messages(consignments)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers as reports, a form of our own."""
    return write_answers(answers)
