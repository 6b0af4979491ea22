"""Receipts and tax bills as answers, and answers as receipts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import cast

from tidewaiter.formats.ceb.element import Element, plain
from tidewaiter.formats.ceb.fields import drafted, text_of
from tidewaiter.formats.ceb.tables import SHAPES, STATUSES, Row
from tidewaiter.formats.ceb.taking import Taken, Taker, Texts
from tidewaiter.model.answer import Answer, AnswerKind, AssessedTax, Concerned, DialectError, Remark
from tidewaiter.model.money import Money
from tidewaiter.model.trade import TradeKind

TAX_BILL = "816"
REST = "CEB"
YUAN = "CNY"
"""Tax bills name no currency: they are in that of the country."""
RECEIPTS: Mapping[str | None, str] = {"order": "312", "payment": "412", "waybill": "512", None: "622"}
"""By the kind of document it is about the number of the receipt that we write."""
_INFO = re.compile(r"\[Code:([^;\]]*);Desc:([^\]]*)\]")
_STATUS_OF: dict[str, str] = {
    "received": "2", "rejected": "100", "accepted": "120", "control": "300", "documents": "300", "hold": "599",
    "released": "800", "cleared": "399", "invalidated": "700", "refused": "700", "exit": "899",
}  # fmt: skip
"""The status that is written for each kind of answer that the dialect has."""
ANSWERS: Mapping[AnswerKind, str] = {
    **{cast("AnswerKind", kind): f"CEB622 status {status}" for kind, status in _STATUS_OF.items()},
    "tax_final": f"CEB{TAX_BILL}",
}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = ""
"""A receipt has words and no place for a pointer."""
_ABOUT: Mapping[str, TradeKind] = {
    "312": "order", "304": "order", "412": "payment", "404": "payment", "512": "waybill", "506": "waybill",
}  # fmt: skip


def answer_of(taken: Taken, taker: Taker) -> Answer:
    """The answer that a receipt (312, 412, 512, 622, …, 900) or a tax bill (816) is."""
    shape = taken.shape
    head = drafted(taken.head, shape.head, taker)
    own = head.own
    concerned = own.pop("concerned", {})
    if about := _ABOUT.get(shape.number):
        concerned["document"] = about
    info = own.pop("=returnInfo", "")
    kind = "tax_final" if shape.number == TAX_BILL else kind_of(own.get("status", ""))
    remarks = [Remark(type=REST, code=element, text=text) for element, text in head.rest.items()]
    if info:
        remarks.append(Remark(type=REST, code="returnInfo", text=info))
    lines = [(texts, shape.lines.rows) for texts in taken.lines] if shape.lines else []
    for texts, rows in lines:
        number = texts.by.get("gnum", "")
        remarks += [
            Remark(type=REST, code=element, text=text, pointer=f"/lines/{number}")
            for element, text in texts.by.items()
            if not rows[element].field
        ]
    return Answer(
        **{"id": "", "reference": None, **own},
        kind=kind,
        statements=(Remark(type=REST, code="message", text=shape.number), *remarks),
        errors=tuple(DialectError(code=code, text=text) for code, text in _INFO.findall(info) if kind == "rejected"),
        taxes=tuple(tax for texts, rows in [(taken.head, shape.head.rows), *lines] for tax in _taxes(texts, rows)),
        concerned=Concerned(**concerned) if concerned else None,
    )


def kind_of(status: str) -> AnswerKind:
    """What a returnStatus comes to: below nought a fault of the document; one that is not known is a receipt."""
    if status.startswith("-"):
        return "rejected"
    return cast("AnswerKind", STATUSES.get(status, ("received", ""))[0])


def _taxes(texts: Texts, rows: Mapping[str, Row]) -> Iterator[AssessedTax]:
    """The taxes of the whole or of a line, with what they are taken on."""
    base = Money(Decimal(texts.by["taxPrice"]), YUAN) if "taxPrice" in texts.by else None
    item = int(texts.by["gnum"]) if "gnum" in texts.by else None
    for element, text in texts.by.items():
        if rows[element].field.startswith("tax:"):
            amount = Money(Decimal(text), YUAN)
            type = rows[element].field.removeprefix("tax:")
            yield AssessedTax(item=item, type=type, base=base, assessed=amount, payable=amount)


def number_of(answer: Answer) -> str | None:
    """The number of the receipt in which an answer is written; None where the dialect has none for it."""
    told = _rest(answer).get("message", "")
    if told in SHAPES and SHAPES[told].about == "answer":
        return told
    if answer.kind == "tax_final":
        return TAX_BILL
    return RECEIPTS[answer.concerned.document if answer.concerned else None] if answer.kind in _STATUS_OF else None


def receipt_element(answer: Answer, number: str) -> Element:
    """The receipt of this number that says what the answer does."""
    shape, rest = SHAPES[number], _rest(answer)
    info = "".join(f"[Code:{one.code};Desc:{_bare(one.text)}]" for one in answer.findings)
    status = answer.status if answer.status and kind_of(answer.status) == answer.kind else _STATUS_OF.get(answer.kind)
    settled = {"returnInfo": info or STATUSES.get(status or "", ("", ""))[1]}
    if number != TAX_BILL:
        settled["returnStatus"] = status or ""
    texts = _filled(shape.head.rows, answer, {**settled, **rest}, [tax for tax in answer.taxes if tax.item is None])
    if shape.lines is None:
        return Element(shape.document, children=texts)
    heads = [Element(shape.head.name, children=texts)]
    for item in dict.fromkeys(tax.item for tax in answer.taxes if tax.item is not None):
        taxes = [tax for tax in answer.taxes if tax.item == item]
        said = {one.code: one.text for one in answer.statements if one.pointer == f"/lines/{item}"}
        base = taxes[0].base
        own = {"gnum": str(item), **({"taxPrice": plain(base.amount)} if base else {})}
        line = {name: text for name, text in said.items() if name and text}
        heads.append(Element(shape.lines.name, children=_filled(shape.lines.rows, answer, {**own, **line}, taxes)))
    return Element(shape.document, children=heads)


def _filled(
    rows: Mapping[str, Row], answer: Answer, rest: Mapping[str, str], taxes: Sequence[AssessedTax]
) -> list[Element]:
    amounts = {f"tax:{tax.type}": plain(tax.assessed.amount) for tax in taxes if tax.assessed}
    found = ((row.element, amounts.get(row.field) or text_of(row, answer, rest)) for row in rows.values())
    return [Element(name, text) for name, text in found if text]


def _rest(answer: Answer) -> dict[str, str]:
    return {
        one.code: one.text
        for one in answer.statements
        if one.type == REST and one.code and one.text and not one.pointer
    }


def _bare(text: str) -> str:
    """Words without the brackets that part one fault from the next."""
    return text.replace("[", "(").replace("]", ")")
