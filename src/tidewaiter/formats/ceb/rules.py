"""What must hold between the elements of a document: sums, the identity card, drafts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from tidewaiter.formats.ceb.kinds import DRAFT, IDENTITY, SUM, TWICE
from tidewaiter.formats.ceb.records import RESIDENT_CARD
from tidewaiter.formats.ceb.taking import Taken, Taker, Texts

_CENT = Decimal("0.01")
_RESIDENT = re.compile("[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]")


def judge(taken: Taken, taker: Taker) -> None:
    """Note what does not hold; of what is missing nothing is asked.

    Source: message notes of the China electronic port: paid = goods + carriage + tax - discount, the price of a line =
    unit price times quantity, goods = sum of the lines; numbers of lines differ.
    """
    by = taken.head.by
    if by.get("appStatus") == "1":
        taker.note(DRAFT, "", at=taken.head.place("appStatus"))
    for element, detail in _sums(taken):
        taker.note(SUM, detail, at=taken.head.place(element))
    for kind, element in (("buyerIdType", "buyerIdNumber"), ("payerIdType", "payerIdNumber")):
        if by.get(kind) == RESIDENT_CARD and element in by and not is_resident_id(by[element]):
            taker.note(IDENTITY, "", at=taken.head.place(element), pointer=_identity(taken))
    met: set[str] = set()
    for line in taken.lines:
        price, quantity, total = (_number(line, name) for name in ("price", "qty", "totalPrice"))
        if price is not None and quantity is not None and total is not None and abs(price * quantity - total) >= _CENT:
            taker.note(SUM, "price times qty is not totalPrice", at=line.place("totalPrice"), pointer=line.pointer)
        if "gnum" in line.by and line.by["gnum"] in met:
            taker.note(TWICE, "a line of this number", at=line.place("gnum"), pointer=line.pointer)
        met.add(line.by.get("gnum", ""))


def _identity(taken: Taken) -> str:
    return "/parties" if taken.shape.about == "declaration" else "/buyer/id"


def _sums(taken: Taken) -> Iterator[tuple[str, str]]:
    head = taken.head
    goods, paid = _number(head, "goodsValue"), _number(head, "acturalPaid")
    if goods is not None and paid is not None:
        freight, tax, discount = (_number(head, name) or Decimal(0) for name in ("freight", "taxTotal", "discount"))
        if abs(goods + freight + tax - discount - paid) >= _CENT:
            yield "acturalPaid", "goodsValue, freight and taxTotal less discount are not acturalPaid"
    totals = [_number(line, "totalPrice") for line in taken.lines]
    told = [total for total in totals if total is not None]
    if goods is not None and told and len(told) == len(totals) and abs(sum(told, Decimal(0)) - goods) >= _CENT:
        yield "goodsValue", "the prices of the lines are not goodsValue"


def _number(texts: Texts, element: str) -> Decimal | None:
    return Decimal(texts.by[element]) if element in texts.by else None


def is_resident_id(number: str) -> bool:
    """Whether this may be the number of a Chinese resident identity card, by its day of birth and check digit.

    Source: GB 11643-1999; the check digit is that of ISO 7064, MOD 11-2.
    """
    if not _RESIDENT.fullmatch(number):
        return False
    weighed = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    return "10X98765432"[weighed % 11] == number[17]
