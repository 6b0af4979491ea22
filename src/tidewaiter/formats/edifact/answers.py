"""Answers of ours as CUSRES and CONTRL messages, and theirs as answers of ours.

A CUSRES says in BGM and in the processing indicator what became of a declaration, in ERP and ERC what was wrong and
at which segment, in TAX and MOA what is owed. A CONTRL speaks of syntax alone, of what could not be read at all.

The position in ERP is that of the segment in the message, UNH being the first; where more is known, the element and
the component follow after points: `14.3.2`. CONTRL counts as its standard does, the tag of the segment being
element 1; places here count the first element after the tag as 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from tidewaiter.formats.edifact.kinds import ANSWER_UNKNOWN, KINDS, SYNTAX_CODES
from tidewaiter.formats.edifact.places import Spot, spot_of
from tidewaiter.formats.edifact.taking import Part, Tally
from tidewaiter.formats.edifact.tokens import Segment, segment
from tidewaiter.formats.edifact.values import clean, exact, instant, instant_text, money
from tidewaiter.formats.text import folded, found, unfit_in
from tidewaiter.formats.values import Unfit
from tidewaiter.model.answer import Answer, AnswerKind, AssessedTax, DialectError, Remark
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money

CODES: Mapping[AnswerKind, tuple[str, str, str]] = MappingProxyType(
    {
        "received": ("961", "17", ""),
        "accepted": ("962", "1", ""),
        "rejected": ("963", "2", ""),
        "control": ("962", "5", ""),
        "documents": ("962", "6", ""),
        "hold": ("962", "7", ""),
        "released": ("962", "4", ""),
        "amendment_result": ("961", "15", ""),
        "request_result": ("961", "44", ""),
        "tax_indicative": ("965", "44", "TXI"),
        "tax_final": ("965", "44", "TXF"),
        # The code list has nothing for these; the nearest is sent, with a word of our own.
        "cleared": ("962", "4", "CLE"),
        "information_request": ("962", "30", "RFI"),
        "screening_request": ("962", "30", "RFS"),
        "do_not_load": ("962", "30", "DNL"),
        "refused": ("962", "7", "REF"),
        "invalidated": ("962", "33", "INV"),
        "exit": ("962", "8", "EXIT"),
        "goods_exit_result": ("962", "8", "EXR"),
        "payment_insufficient": ("965", "30", "PAI"),
        "payment_reminder": ("965", "30", "PAR"),
    }
)
"""Name of the document (1001), processing indicator (7365) and our word (7364) for each kind of answer."""

ANSWERS: Mapping[AnswerKind, str] = MappingProxyType(
    {
        kind: f"CUSRES {name}, indicator {code}" + (f" {word}" if word else "")
        for kind, (name, code, word) in CODES.items()
    }
)
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "segment and position: `CNI[1]/GID[1], segment 18 FTX, element 4, component 1`"
"""How a place in a message is pointed at."""

_KINDS: dict[tuple[str, str], AnswerKind] = {
    (code, word): kind for kind, (_, code, word) in reversed(list(CODES.items()))
}
_BY_CODE: dict[str, AnswerKind] = {code: kind for kind, (_, code, _) in reversed(list(CODES.items()))} | {
    "3": "rejected",
    "14": "rejected",
    "33": "rejected",
    "32": "accepted",
    "66": "accepted",
    "67": "accepted",
    "9": "accepted",
    "16": "amendment_result",
}
_ACTIONS: Mapping[str, AnswerKind] = MappingProxyType({"4": "rejected", "7": "accepted", "8": "received"})
"""What CONTRL says of an interchange or a message: code list 0083."""
_WORDS = "TIDEWAITER"
"""The name of our list of words, in 1131."""
_TAXED, _PAYABLE, _BASE, _RELIEF = "161", "122", "56", "103"
_TEXT_MAX, _ENTRIES_MAX = 512, 9_999
_SYNTAX = {kind.code for kind in KINDS}


# --- writing


def is_about_syntax(answer: Answer) -> bool:
    """Whether an answer says only that a message could not be read: that is for CONTRL."""
    told = answer.findings
    return answer.reference is None and bool(told) and all(one.code in SYNTAX_CODES for one in told)


def message_of(answer: Answer) -> tuple[str, list[Segment]]:
    """The type of the message for an answer and its segments between UNH and UNT."""
    if is_about_syntax(answer):
        return "CONTRL", list(_control(answer))
    return "CUSRES", list(_response(answer))


def _response(answer: Answer) -> Iterator[Segment]:
    name, code, word = CODES[answer.kind]
    version = "" if answer.version is None else str(answer.version)
    function = "27" if answer.kind == "rejected" else "11"
    yield segment("BGM", name, (clean(answer.id)[:70], version), function)
    for qualifier, at in (("137", answer.sent_at), ("9", answer.effective_at)):
        if at is not None:
            yield segment("DTM", (qualifier, *instant_text(at)))
    errors = [*answer.errors, *(_error(one) for one in answer.findings if one.severity == "error")]
    remarks = [*answer.statements, *(_remark(one) for one in answer.findings if one.severity != "error")]
    for remark in remarks:
        yield from _statement(remark)
    for qualifier, office in (("269", answer.appeal_office), ("158", answer.contact_office)):
        if office:
            yield segment("LOC", qualifier, clean(office)[:35])
    yield segment("GEI", "5", (code, _WORDS if word else "", "ZZZ" if word else "", word))
    if answer.status:
        yield segment("GEI", "5", ("", "STATUS", "ZZZ", clean(answer.status)[:35]))
    for qualifier, reference in (("ABE", answer.reference), ("ABT", answer.mrn)):
        if reference:
            yield segment("RFF", (qualifier, clean(reference)))
    for error in errors:
        yield from _pointed(error)
    yield from _taxes(answer.taxes)


def _statement(remark: Remark) -> Iterator[Segment]:
    code, text = clean(remark.code or "")[:17], clean(remark.text or "")[:_TEXT_MAX]
    if code or text:
        yield segment("FTX", clean(remark.type or "")[:3] or "ACD", "", code, text)


def _error(finding: Finding) -> DialectError:
    pointer = finding.source_pointer or finding.pointer
    return DialectError(code=finding.code[:8], pointer=pointer, text=f"{finding.text} {finding.remedy}".strip())


def _remark(finding: Finding) -> Remark:
    return Remark(code=finding.code, text=f"{finding.text} {finding.remedy}".strip(), type="AAI")


def _pointed(error: DialectError) -> Iterator[Segment]:
    """ERP with the place, ERC with the code, FTX with the words."""
    spot = spot_of(error.pointer)
    if spot is not None and spot.number:
        section = "10" if spot.groups.startswith("CST[") else "6" if spot.tag in ("CNT", "UNT") else "1"
        position = ".".join(str(part) for part in (spot.number, spot.element, spot.component) if part)
        position = position if len(position) <= 10 else str(spot.number)
        groups = spot.groups if len(spot.groups) <= 35 else ""
        yield segment("ERP", (section, groups), (spot.tag[:3], position, "6"))
    else:
        yield segment("ERP", ("1", clean(error.pointer)[:35]))
    yield segment("ERC", (clean(error.code)[:8], "", "ZZZ"))
    if error.text:
        yield segment("FTX", "AAO", "", "", tuple(folded(clean(error.text), _TEXT_MAX, 5)))


def _taxes(taxes: Iterable[AssessedTax]) -> Iterator[Segment]:
    """Taxes of the whole; then those of items, below a DOC that stands for the declaration."""
    taxes = list(taxes)
    for tax in taxes:
        if tax.item is None:
            yield from _tax(tax, "3")
    items = sorted({tax.item for tax in taxes if tax.item is not None})
    if items:
        yield segment("DOC", "929")
    for item in items:
        yield segment("CST", str(item))
        for tax in taxes:
            if tax.item == item:
                yield from _tax(tax, "1")


def _tax(tax: AssessedTax, function: str) -> Iterator[Segment]:
    rate = "" if tax.rate is None else format(tax.rate, "f")
    yield segment("TAX", function, clean(tax.type or "")[:3], "", "", ("", "", "", rate))
    amounts = ((_TAXED, tax.assessed), (_PAYABLE, tax.payable), (_BASE, tax.base), (_RELIEF, tax.relief))
    for qualifier, amount in amounts:
        if amount is not None:
            yield segment("MOA", (qualifier, format(amount.amount, "f"), amount.currency))


def _control(answer: Answer) -> Iterator[Segment]:
    """UCI for the interchange, UCM and below it UCS and UCD for each message that a finding points to."""
    spots = [(one, spot_of(one.source_pointer.partition(", byte ")[0]) or Spot()) for one in answer.findings]
    interchange = next((spot.interchange for _, spot in spots if spot.interchange), "")
    whole = [SYNTAX_CODES[one.code] for one, spot in spots if not spot.message]
    # Sender and recipient are those of the interchange spoken of, which whoever sends this puts in.
    yield segment("UCI", interchange[:14], "SENDER", "RECIPIENT", "4", whole[0] if whole else "")
    messages: dict[tuple[str, str], list[tuple[Finding, Spot]]] = {}
    for one, spot in spots:
        if spot.message:
            messages.setdefault((spot.message, spot.type), []).append((one, spot))
    for (reference, type), told in messages.items():
        general = [SYNTAX_CODES[one.code] for one, spot in told if not spot.number or spot.tag == "UNT"]
        yield segment("UCM", reference[:14], tuple(type.split(":"))[:4], "4", general[0] if general else "")
        for one, spot in told:
            if spot.number and spot.tag != "UNT":
                yield segment("UCS", str(spot.number), "" if spot.element else SYNTAX_CODES[one.code])
                if spot.element:
                    position = (str(spot.element + 1), str(spot.component) if spot.component else "")
                    yield segment("UCD", SYNTAX_CODES[one.code], position)


# --- reading


class AnswerMessage:
    """A CUSRES or CONTRL message in reading."""

    def __init__(self, type: str, spot: str, tally: Tally) -> None:
        self.type, self.spot, self.tally = type, spot, tally
        self._fields: dict[str, Any] = {"id": "", "reference": None}
        self._kind: AnswerKind | None = None
        self._statements: list[Remark] = []
        self._errors: list[DialectError] = []
        self._taxes: list[AssessedTax] = []
        self._item: int | None = None
        self._is_whole = True
        self._answers: list[Answer] = []
        self._findings: list[Finding] = []

    def feed(self, part: Part) -> None:
        """Take one segment."""
        take = (_CONTROL if self.type == "CONTRL" else _RESPONSE).get(part.segment.tag)
        if take is not None:
            try:
                take(self, part)
            except Unfit as unfit:
                self.tally.note(self._findings, unfit.kind, unfit.detail, told=part.told())
        part.drop_rest(self.tally)

    def finish(self) -> tuple[list[Answer], list[Finding]]:
        """The answers of the message, and what was wrong in reading them."""
        if self._kind is None:
            self._findings.append(found(ANSWER_UNKNOWN, source_pointer=self.spot))
            return [], self._findings
        self._close()
        return self._answers, self._findings

    def _close(self) -> None:
        if self._kind is not None:
            self._answers.append(
                Answer(
                    kind=self._kind,
                    statements=tuple(self._statements),
                    errors=tuple(self._errors),
                    taxes=tuple(self._taxes),
                    **self._fields,
                )
            )
        self._statements, self._errors, self._taxes, self._kind = [], [], [], None

    def _put(self, field: str, part: Part, at: tuple[int, int], value: Any = None) -> None:
        text = part.at(*at)
        if text and not unfit_in(text):
            self._fields[field] = text if value is None else value
            part.use(at)
            part.kept += 1

    def _bgm(self, part: Part) -> None:
        self._put("id", part, (1, 0))
        if (version := _whole(part.at(1, 1))) is not None:
            self._put("version", part, (1, 1), version)
        part.use((0, 0), (2, 0))

    def _dtm(self, part: Part) -> None:
        field = {"137": "sent_at", "9": "effective_at", "148": "effective_at", "58": "effective_at"}.get(part.at(0))
        if field is not None and not part.place.path:
            self._put(field, part, (0, 1), _instant(part))
            part.use((0, 0), (0, 2))

    def _loc(self, part: Part) -> None:
        field = {"269": "appeal_office", "158": "contact_office"}.get(part.at(0))
        if field is not None and not part.place.path:
            self._put(field, part, (1, 0))
            part.use((0, 0))

    def _gei(self, part: Part) -> None:
        element = 0 if part.segment.tag == "GIS" else 1
        if part.place.path:
            return
        code, named, word = part.at(element), part.at(element, 1), part.at(element, 3)
        if named == "STATUS":
            self._put("status", part, (element, 3))
            part.use((0, 0), (element, 1), (element, 2))
            return
        kind = _KINDS.get((code, word)) or _BY_CODE.get(code)
        if kind is not None and self._kind is None:
            self._kind = kind
            part.kept += 1
            part.use((0, 0), *((element, place) for place in range(4)))

    def _rff(self, part: Part) -> None:
        field = {"ABE": "reference", "ABO": "reference", "ABT": "mrn", "AAE": "mrn"}.get(part.at(0))
        if field is not None and part.place.path == ("RFF",):
            self._put(field, part, (0, 1))
            part.use((0, 0))

    def _ftx(self, part: Part) -> None:
        text = part.joined(3, 0, 5)
        if unfit_in(text):
            return
        if part.place.path[-1:] == ("ERP",) and self._errors:
            self._errors[-1] = msgspec.structs.replace(self._errors[-1], text=f"{self._errors[-1].text} {text}".strip())
        elif not part.place.path and len(self._statements) < _ENTRIES_MAX:
            type = None if part.at(0) == "ACD" else part.at(0) or None
            self._statements.append(Remark(code=part.at(2) or None, text=text or None, type=type))
        else:
            return
        part.use((0, 0), (2, 0), *((3, place) for place in range(5)))
        part.kept += 1

    def _erp(self, part: Part) -> None:
        numbers = [_whole(one) or 0 for one in [*part.at(1, 1).split("."), "", ""][:3]]
        spot = Spot(groups=part.at(0, 1), number=numbers[0], tag=part.at(1), element=numbers[1], component=numbers[2])
        if len(self._errors) < _ENTRIES_MAX:
            pointer = str(spot) if numbers[0] else part.at(0, 1)
            self._errors.append(DialectError(code="", pointer=pointer if not unfit_in(pointer) else ""))
            part.use((0, 0), (0, 1), (1, 0), (1, 1), (1, 2))
            part.kept += 1

    def _erc(self, part: Part) -> None:
        if part.place.path[-1:] != ("ERP",) or not self._errors or unfit_in(part.at(0)):
            return
        last = self._errors[-1]
        if last.code:  # more than one code at one place
            self._errors.append(DialectError(code=part.at(0), pointer=last.pointer))
        else:
            self._errors[-1] = msgspec.structs.replace(last, code=part.at(0))
        part.use((0, 0), (0, 2))
        part.kept += 1

    def _cst(self, part: Part) -> None:
        self._item = _whole(part.at(0))
        part.use((0, 0))

    def _tax(self, part: Part) -> None:
        if "CST" not in part.place.path:
            self._item = None
        rate = exact(part.at(4, 3)) if part.at(4, 3) else None
        if len(self._taxes) < _ENTRIES_MAX and not unfit_in(part.at(1)):
            self._taxes.append(AssessedTax(item=self._item, type=part.at(1) or None, rate=rate))
            part.use((0, 0), (1, 0), (4, 3))
            part.kept += 1

    def _moa(self, part: Part) -> None:
        field = {_TAXED: "assessed", _PAYABLE: "payable", _BASE: "base", _RELIEF: "relief"}.get(part.at(0))
        if field is None or part.place.path[-1:] != ("TAX",) or not self._taxes:
            return
        amount: Money = money(part.at(0, 1), part.at(0, 2))
        self._taxes[-1] = msgspec.structs.replace(self._taxes[-1], **{field: amount})
        part.use((0, 0), (0, 1), (0, 2))
        part.kept += 1

    def _uci(self, part: Part) -> None:
        self._fields = {"id": "", "reference": None}
        self._speak(part, part.at(3), part.at(4))
        self._put("id", part, (0, 0))
        part.use((3, 0), (4, 0))

    def _ucm(self, part: Part) -> None:
        if self._is_whole and self._kind == "accepted":
            self._kind = None  # each message says it more closely than the interchange
        self._close()
        self._is_whole = False
        self._speak(part, part.at(2), part.at(3))
        self._put("reference", part, (0, 0))
        part.use((2, 0), (3, 0))

    def _speak(self, part: Part, action: str, error: str) -> None:
        self._kind = _ACTIONS.get(action)
        part.kept += self._kind is not None
        if error and not unfit_in(error):
            self._errors.append(DialectError(code=error))

    def _ucs(self, part: Part) -> None:
        number = _whole(part.at(0)) or 0
        if len(self._errors) < _ENTRIES_MAX and not unfit_in(part.at(1)):
            self._errors.append(DialectError(code=part.at(1), pointer=f"segment {number}"))
            part.use((0, 0), (1, 0))
            part.kept += 1

    def _ucd(self, part: Part) -> None:
        if not self._errors or unfit_in(part.at(0)):
            return
        last = self._errors[-1]
        pointer = f"{last.pointer}, element {max((_whole(part.at(1)) or 1) - 1, 0)}"
        if (component := _whole(part.at(1, 1))) is not None:
            pointer += f", component {component}"
        told = DialectError(code=part.at(0), pointer=pointer)
        self._errors = [*(self._errors[:-1] if not last.code else self._errors), told]
        part.use((0, 0), (1, 0), (1, 1))
        part.kept += 1


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _instant(part: Part) -> datetime:
    return instant(part.at(0, 1), part.at(0, 2))


_RESPONSE = {
    "BGM": AnswerMessage._bgm, "DTM": AnswerMessage._dtm, "LOC": AnswerMessage._loc, "GEI": AnswerMessage._gei,
    "GIS": AnswerMessage._gei, "RFF": AnswerMessage._rff, "FTX": AnswerMessage._ftx, "ERP": AnswerMessage._erp,
    "ERC": AnswerMessage._erc, "CST": AnswerMessage._cst, "TAX": AnswerMessage._tax, "MOA": AnswerMessage._moa,
}  # fmt: skip
_CONTROL = {
    "UCI": AnswerMessage._uci, "UCM": AnswerMessage._ucm, "UCS": AnswerMessage._ucs, "UCD": AnswerMessage._ucd,
}  # fmt: skip
