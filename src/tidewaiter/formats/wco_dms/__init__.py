"""Customs declarations and answers in the XML of the WCO Data Model 3.6, as the DMS family writes it.

UK CDS, Danish DMS and other systems of the family share its namespaces and differ in prefixes and in a few elements.
`mapping.py` says which element is which field of ours, once for reading, writing and pointing; `answers.py` does so
for answers. Elements are known by their local names, so that a lost or odd namespace is a finding and no failure, and
declarations are found inside the envelopes that gateways put around them.

The data set H7 (low value, EU) is the same message with fewer elements: `procedure_category` says H7, the commodity
code has six digits under the code HS, freight stands once, transport documents have their own element.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from tidewaiter.formats.reading import Declared
from tidewaiter.formats.skeleton import ready
from tidewaiter.formats.tree import sniffs
from tidewaiter.formats.wco_dms import answers as _answers
from tidewaiter.formats.wco_dms import declaration as _declaration
from tidewaiter.formats.wco_dms.answers import ANSWERS, POINTERS
from tidewaiter.formats.wco_dms.kinds import KINDS
from tidewaiter.formats.wco_dms.mapping import DECLARATION_SPACE, DECLARATION_TYPES_SPACE
from tidewaiter.formats.wco_dms.pointing import path_of, wco_of
from tidewaiter.formats.wco_dms.reading import NAME, read
from tidewaiter.formats.wco_dms.writing import message
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
    "wco_pointer",
    "write",
]

MEDIA_TYPES = ("application/xml", "text/xml")

_OURS = re.compile(rb"<(?:[^\s<>:]*:)?(?:\w*MetaData|Declaration|Response)[\s/>]|datamodel:WCO|Declaration\w+Re\w+")


def sniff(head: bytes) -> bool:
    """Whether the message begins as XML and with something of this family; in UTF-16 too."""
    return sniffs(head, _OURS)


def write(consignments: Sequence[Consignment]) -> bytes:
    """A message that `read` reads back as these consignments, but for what the family has no element for.

    That is: the version, the day of acceptance, price paid, insurance, discount, tax collected, order number, whether
    a party is a person, roles such as marketplace and a second party in one role, and seals by goods item. Lists come
    back in the order of the schema, numbered where it wants numbers and only there; documents of the whole and
    supporting ones stand where H7 or the full set has them, and are read so; a parcel number or bill without a
    document gets one, and a change without a type of declaration the type of a change. A message with one consignment
    is valid against the British schemas where each value is as long as they allow and the data set is not H6 or H7.
    """
    parts = [
        (country, [_declaration.element_of(one) for one in same])
        for country, same in groupby(consignments, key=lambda one: one.jurisdiction)
    ]
    return message(parts, type="DEC", space=DECLARATION_SPACE, types_space=DECLARATION_TYPES_SPACE)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in one message. With one, it is valid against the British schema of answers."""
    elements = [_answers.element_of(one) for one in answers]
    spaces = {"space": _answers.ANSWER_SPACE, "types_space": _answers.ANSWER_TYPES_SPACE}
    return message([("", elements)], type="RES", **spaces)


def source_pointer(declared: Declared, pointer: str) -> str:
    """The path of element names to where the field stood, or would stand: '/MetaData/Declaration/…'."""
    return path_of(pointer, declared.anchor)


def wco_pointer(declared: Declared, pointer: str) -> str:
    """The same as the WCO points, by class and element number: '42A/67A/68A[2]/23A#137'."""
    return wco_of(path_of(pointer, declared.anchor))
