"""Messages of cross-border e-commerce as China's electronic port speaks them: CEB303 to CEB900.

A platform tells the order (311, 303), a payment company the payment (411, 403), a carrier the waybill (511, 505):
these are documents of trade, which `matching` compares. The declarant sends the list of goods, which is the
declaration (621, 603), or asks for one to be cancelled (623, 605) or for goods to be taken back (625): these are
consignments. Customs says what became of each in a receipt (312, 412, 512, 622, …), a tax bill (816), or a report
that the message was not of its form (900): these are answers. State of a waybill (513) and arrival list (711) are
looked at, and nothing is made of them.

A message is compared with its table (`tables`, `taking`), then what must hold between its elements is asked (`rules`).
What has no field of ours is kept by the name of its element. A signature is checked, and of a signed message only what
is signed is read (`signature`); that a message is not signed is for law to mind.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from tidewaiter.formats.ceb.answers import ANSWERS, POINTERS, receipt_element
from tidewaiter.formats.ceb.answers import number_of as receipt_number
from tidewaiter.formats.ceb.element import Element, document
from tidewaiter.formats.ceb.kinds import KINDS
from tidewaiter.formats.ceb.reading import NAME, read
from tidewaiter.formats.ceb.tables import SHAPES
from tidewaiter.formats.ceb.taking import PREFIX
from tidewaiter.formats.ceb.writing import consignment_element, guid_of, number_of, trade_element, trade_number
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.tree import sniffs
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.trade import TradeDocument

__all__ = [
    "ANSWERS",
    "KINDS",
    "MEDIA_TYPES",
    "NAME",
    "POINTERS",
    "answer",
    "read",
    "sniff",
    "source_pointer",
    "write",
    "write_documents",
]

MEDIA_TYPES = ("application/xml", "text/xml")

_OURS = re.compile(rb"<(?:[^\s<>:/]*:)?(?:CEB[0-9]{3}Message|DxpMsg)[\s/>]")


def sniff(head: bytes) -> bool:
    """Whether the message begins as XML and one of these messages, or their envelope, is in it; in UTF-16 too."""
    return sniffs(head, _OURS)


def write(consignments: Sequence[Consignment]) -> bytes:
    """A message that `read` reads back as these consignments, but for what these messages have no element for.

    That is more than one party in a role, declared masses of single items, papers other than those of the table, and
    everything about procedure but the supervision code. Where they go into messages of several kinds these stand in
    one list.
    """
    told = [(number_of(one), one.message_id or guid_of(one), consignment_element(one)) for one in consignments]
    return _messages(told, prefix=PREFIX)


def write_documents(documents: Sequence[TradeDocument]) -> bytes:
    """Orders, payments and waybills as messages that `read` reads back as these documents."""
    told = [(trade_number(one), one.details.get("guid") or guid_of(one), trade_element(one)) for one in documents]
    return _messages(told, prefix=PREFIX)


def answer(answers: Sequence[Answer]) -> bytes:
    """The answers in this dialect: receipts by the kind of document they are about, and tax bills. Kinds of answer
    that the dialect does not have are left out."""
    told = [
        (number, hashlib.sha256(one.id.encode()).hexdigest()[:36], receipt_element(one, number))
        for one in answers
        if (number := receipt_number(one)) is not None
    ]
    return _messages(told, prefix="")


def source_pointer(declared: Declared, pointer: str) -> str:
    """The XPath to where the field stood, or to the nearest around it that was there."""
    while pointer not in declared.anchor and pointer:
        pointer = pointer.rpartition("/")[0]
    return declared.anchor.get(pointer, "")


def _messages(told: Sequence[tuple[str, str, Element]], *, prefix: str) -> bytes:
    by_number: dict[str, list[tuple[str, Element]]] = {}
    for number, guid, element in told:
        by_number.setdefault(number, []).append((guid, element))
    messages = [
        (SHAPES[number].root, elements[0][0], [element for _, element in elements])
        for number, elements in by_number.items()
    ]
    return document(messages, prefix=prefix)
