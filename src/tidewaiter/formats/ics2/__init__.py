"""ICS2, the import control system of the European Union, at house level: filings F43 (post) and F32 (express) before
loading, and what is said of them: referrals (RFI, RFS, AMD), do not load, assessment complete, errors.

What is declared so is a consignment with the direction `entry`: nothing is charged or released by it. Which elements a
minimum set makes mandatory is law (`jurisdictions/eu/codes/entry-minimum.csv`) and checked there; `fields.csv` says
which element is which field of ours. The filings of traders are not public: their house consignments are those of the
common repository's contract, what stands around them is **unverified**. See `shape` and docs/reference/ics2.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.ics2.answers import ANSWERS, POINTERS, message_of
from tidewaiter.formats.ics2.form import document
from tidewaiter.formats.ics2.reading import KINDS, NAME, filing_of, read, settled
from tidewaiter.formats.ics2.shape import MESSAGES
from tidewaiter.formats.post.node import Branch
from tidewaiter.formats.post.reading import source_pointer
from tidewaiter.formats.post.writing import branch_of
from tidewaiter.formats.tree import sniffs
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment

__all__ = ["ANSWERS", "KINDS", "MEDIA_TYPES", "NAME", "POINTERS", "answer", "read", "sniff", "source_pointer", "write"]

MEDIA_TYPES = ("application/xml", "text/xml")

_OURS = re.compile(rb"<(?:[^\s<>:/]*:)?IE(?:3F43|3F32|4Q04|4S02|4N99)[\s/>]")


def sniff(head: bytes) -> bool:
    """Whether the message begins as XML and one of these messages is in it; in UTF-16 too."""
    return sniffs(head, _OURS)


def write(consignments: Sequence[Consignment]) -> bytes:
    """A filing a consignment, which `read` reads back as these, but for what a minimum set has no element for.

    That is all that is about price in the whole, tax and procedure, parties in other roles, and of the commodity code
    what follows the eighth digit. An F32 has no values, documents, origins, UCR or tax registrations either. Moments
    are written to the second.
    """
    messages = []
    for one in consignments:
        name, record = filing_of(one), settled(one)
        group = MESSAGES[name]
        branch = branch_of(record, group)
        house = Branch("", [(group.records.name, branch_of(record, group.records))])
        branch.children.append(("consignmentMasterLevel", house))
        messages.append((name, branch))
    return document(messages)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers as messages of the repository's contract; kinds of answer that it does not have are left out."""
    return document([message for one in answers if (message := message_of(one)) is not None])
