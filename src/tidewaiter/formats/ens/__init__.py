"""Entry summary declarations as the import control system of Great Britain speaks them: IE315, IE313 and answers.

A carrier, or who acts for it, tells what it brings before it comes, for safety and security. The messages are CC315A
(a declaration) and CC313A (an amendment); customs answers with CC328A, CC316A, CC304A, CC305A and CC351A. What is
declared so is a consignment with the direction `entry`: nothing is charged or released by it.

A message is judged in two stages, as customs does: does it fit its schema (`shape`, `taking`), and only then, are the
business rules kept (`rules`). Both are data beside the code; see `tables`. Every finding has the official number, its
path in the message and its place in our record. Languages of single texts, the recipient and the priority of a message
have no field of ours, nor has what answers repeat of the goods.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidewaiter.formats.ens.answers import ANSWERS, POINTERS, answer_element
from tidewaiter.formats.ens.kinds import KINDS
from tidewaiter.formats.ens.known import AMENDED, LODGED, PREFIX
from tidewaiter.formats.ens.pointing import path_of
from tidewaiter.formats.ens.reading import NAME, read, schema_of
from tidewaiter.formats.ens.writing import document, element_of
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.skeleton import ready
from tidewaiter.formats.tree import sniffs
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
    "ready",
    "sniff",
    "source_pointer",
    "write",
]

MEDIA_TYPES = ("application/xml", "text/xml")

_OURS = re.compile(rb"<(?:[^\s<>:/]*:)?CC3(?:04|05|13|15|16|28|51)A[\s/>]")


def sniff(head: bytes) -> bool:
    """Whether the message begins as XML and one of these messages is in it; in UTF-16 too."""
    return sniffs(head, _OURS, literal=b"CC3")


def write(consignments: Sequence[Consignment]) -> bytes:
    """A message that `read` reads back as these consignments, but for what these messages have no element for.

    That is all that is about price, tax and procedure, and parties in other roles; of two parties in one role the
    second. Instants are written to the minute. A consignment that was read from a valid message is written as one that
    is valid; a second consignment makes it a list, for which there is no schema.
    """
    return document([element_of(one, schema_of(_name(one), "reduced").message) for one in consignments])


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in this dialect: one message where there is one, valid by its schema where the answer says what it
    concerns and when it was sent. Kinds of answer that the dialect does not have are left out."""
    elements = [element for one in answers if (element := answer_element(one)) is not None]
    return document(elements)


def source_pointer(declared: Declared, pointer: str) -> str:
    """The path of element names to where the field stood, or would stand: '/ie:CC315A[1]/HEAHEA[1]/…'."""
    name = _name(declared.consignment)
    at = declared.anchor.get("", f"/{PREFIX}:{name}[1]")
    return path_of(pointer, declared, schema_of(name, "reduced").message.root, at)


def _name(consignment: Consignment) -> str:
    return LODGED if consignment.function == "original" else AMENDED
