"""Answers of customs: DMSACC, DMSREJ, DMSTAX and their kin, which are CWMACC and so on in Denmark.

The name of an answer is not in the message; its function code is, and for taxes and results a status. `CODES` is the
one table of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from tidewaiter.formats.text import found
from tidewaiter.formats.tree import Node
from tidewaiter.formats.wco_dms.kinds import ANSWER_UNKNOWN
from tidewaiter.formats.wco_dms.passing import Element, Reader, Spot, Writer
from tidewaiter.formats.wco_dms.pointing import path_of, wco_of
from tidewaiter.formats.wco_dms.shapes import Each, Group, Leaf, Line, Lines
from tidewaiter.formats.wco_dms.special import Pointers
from tidewaiter.model.answer import Answer, AnswerKind, AssessedTax, DialectError, Remark
from tidewaiter.model.consignment import Change
from tidewaiter.model.finding import Finding

ANSWER_SPACE = "urn:wco:datamodel:WCO:RES-DMS:2"
ANSWER_TYPES_SPACE = "urn:wco:datamodel:WCO:Response_DS:DMS:2"

CODES: Mapping[AnswerKind, tuple[str, str]] = {
    "accepted": ("01", ""),  # DMSACC
    "received": ("02", ""),  # DMSRCV
    "rejected": ("03", ""),  # DMSREJ
    "control": ("05", ""),  # DMSCTL
    "documents": ("06", ""),  # DMSDOC
    "amendment_result": ("07", ""),  # DMSRES
    "released": ("08", ""),  # DMSROG
    "cleared": ("09", ""),  # DMSCLE
    "invalidated": ("10", ""),  # DMSINV
    "request_result": ("11", ""),  # DMSREQ
    "tax_final": ("13", "4"),  # DMSTAX
    "tax_indicative": ("13", "67"),  # DMSTAX
    "payment_insufficient": ("14", ""),  # DMSCPI
    "payment_reminder": ("15", ""),  # DMSCPR
    "exit": ("16", ""),  # DMSEOG
    "goods_exit_result": ("18", ""),  # DMSGER
    # The family has no answer of these kinds; the nearest is sent, with a status of our own.
    "hold": ("05", "HLD"),
    "screening_request": ("05", "RFS"),
    "do_not_load": ("05", "DNL"),
    "refused": ("05", "REF"),
    "information_request": ("06", "RFI"),
}
"""Function code of each kind of answer and the status that tells it from others of the same code."""

_NAMES = {
    "01": "DMSACC", "02": "DMSRCV", "03": "DMSREJ", "05": "DMSCTL", "06": "DMSDOC", "07": "DMSRES", "08": "DMSROG",
    "09": "DMSCLE", "10": "DMSINV", "11": "DMSREQ", "13": "DMSTAX", "14": "DMSCPI", "15": "DMSCPR", "16": "DMSEOG",
    "18": "DMSGER",
}  # fmt: skip
ANSWERS: Mapping[AnswerKind, str] = {
    kind: f"{_NAMES[code]} {code}" + (f", status {status}" if status else "") for kind, (code, status) in CODES.items()
}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "WCO classes and tag: `42A/67A/68A[1]/23A#137`"
"""How a place in a message is pointed at."""

_ALSO = {"17": "18"}
"""A function code that is another by a different number: DMSGER is 17 in its file name and 18 in the message."""
_KINDS: dict[tuple[str, str], AnswerKind] = {codes: kind for kind, codes in reversed(list(CODES.items()))}
_BY_FUNCTION: dict[str, AnswerKind] = {codes[0]: kind for kind, codes in reversed(list(CODES.items()))}
_STATUS_LENGTH, _CODE_LENGTH, _TEXT_LENGTH = 3, 8, 512
"""As the schema has them: a status, the code of an error, a text."""


class _ItemTaxes(msgspec.Struct, frozen=True, kw_only=True):
    """The taxes of one goods item, as the message has them together."""

    sequence: int | None = None
    taxes: tuple[AssessedTax, ...] = ()


class _Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer field by field as the message has it."""

    function_code: str = ""
    id: str = ""
    sent_at: datetime | None = None
    statements: tuple[Remark, ...] = ()
    changes: tuple[Change, ...] = ()
    appeal_office: str | None = None
    bank: str | None = None
    account: str | None = None
    contact_office: str | None = None
    errors: tuple[DialectError, ...] = ()
    status_at: datetime | None = None
    status: str | None = None
    accepted_at: datetime | None = None
    invalidated_at: datetime | None = None
    reference: str | None = None
    mrn: str | None = None
    rejected_at: datetime | None = None
    version: int | None = None
    whole: tuple[AssessedTax, ...] = ()
    items: tuple[_ItemTaxes, ...] = ()


_INSTANTS: Mapping[str, str] = {
    "accepted_at": "Declaration/AcceptanceDateTime",
    "rejected_at": "Declaration/RejectionDateTime",
    "invalidated_at": "Declaration/CancellationDateTime",
    "status_at": "Status/EffectiveDateTime",
}


def _payment(*more: Line) -> Group:
    return Group(
        "Payment",
        "94A",
        Leaf("MethodCode", "107", "method"),
        Leaf("ReferenceID", "014", "reference"),
        Leaf("TaxAssessedAmount", "120", "assessed"),
        Leaf("PaymentAmount", "378", "payable"),
        *more,
    )


RESPONSE = Lines(
    _Response,
    (
        Leaf("FunctionCode", "017", "function_code"),
        Leaf("FunctionalReferenceID", "D026", "id"),
        Leaf("IssueDateTime", "D029", "sent_at"),
        Each(
            "AdditionalInformation",
            "03A",
            "statements",
            Remark,
            Leaf("StatementCode", "226", "code"),
            Leaf("StatementDescription", "225", "text"),
            Leaf("LimitDateTime", "264", "until"),
            Leaf("StatementTypeCode", "369", "type"),
            Pointers(),
        ),
        Each("Amendment", "06A", "changes", Change, Leaf("ChangeReasonCode", "099", "reason"), Pointers()),
        Group("AppealOffice", "07A", Leaf("ID", "G001", "appeal_office")),
        Group("Bank", "14A", Leaf("ReferenceID", "R069", "bank"), Leaf("ID", "372", "account")),
        Group("ContactOffice", "35A", Leaf("ID", "G002", "contact_office"), first_only=True),
        Each(
            "Error",
            "53A",
            "errors",
            DialectError,
            Leaf("Description", "488", "text"),
            Leaf("ValidationCode", "377", "code"),
            Pointers(),
        ),
        Group(
            "Status",
            "12B",
            Leaf("EffectiveDateTime", "380", "status_at"),
            Leaf("NameCode", "379", "status"),
            first_only=True,
        ),
        Group(
            "Declaration",
            "42A",
            Leaf("AcceptanceDateTime", "023", "accepted_at"),
            Leaf("CancellationDateTime", "373", "invalidated_at"),
            Leaf("FunctionalReferenceID", "D026", "reference"),
            Leaf("ID", "D014", "mrn"),
            Leaf("RejectionDateTime", "374", "rejected_at"),
            Leaf("VersionID", "383", "version"),
            Each(
                "DutyTaxFee",
                "50A",
                "whole",
                AssessedTax,
                _payment(
                    Group("ObligationGuarantee", "90A", Leaf("ReferenceID", "100", "guarantee"), first_only=True),
                ),
            ),
            Group(
                "GoodsShipment",
                "67A",
                Each(
                    "GovernmentAgencyGoodsItem",
                    "68A",
                    "items",
                    _ItemTaxes,
                    Leaf("SequenceNumeric", "006", "sequence", numbered=True),
                    Group(
                        "Commodity",
                        "23A",
                        Each(
                            "DutyTaxFee",
                            "50A",
                            "taxes",
                            AssessedTax,
                            Leaf("AdValoremTaxBaseAmount", "116", "base"),
                            Leaf("DeductAmount", "111", "relief"),
                            Leaf("DutyRegimeCode", "164", "preference"),
                            Leaf("SpecificTaxBaseQuantity", "129", "base_quantity", unit="base_unit"),
                            Leaf("TaxRateNumeric", "115", "rate"),
                            Leaf("TypeCode", "113", "type"),
                            _payment(),
                        ),
                    ),
                ),
            ),
            first_only=True,
        ),
    ),
)
"""An answer, in the order of the schema. Of a second `Declaration`, which repeats what was amended, nothing is read."""


def answer_of(node: Node, path: str, reader: Reader) -> Answer | None:
    """The answer in a `Response` element; None, and a finding, where its kind is not known."""
    into: dict[str, Any] = {}
    RESPONSE.read(node, into, Spot("", path, reader))
    response: _Response = RESPONSE.build(into)
    code = response.function_code.zfill(2)
    code = _ALSO.get(code, code)
    status = response.status or ""
    kind = _KINDS.get((code, status)) or _BY_FUNCTION.get(code)
    if kind is None:
        reader.findings.append(found(ANSWER_UNKNOWN, "its function code", source_pointer=f"{path}/FunctionCode"))
        return None
    return Answer(
        kind=kind,
        id=response.id,
        reference=response.reference,
        mrn=response.mrn,
        version=response.version,
        sent_at=response.sent_at,
        effective_at=_effective(response, kind, path, reader),
        status=None if CODES[kind] == (code, status) else response.status,
        statements=response.statements,
        changes=response.changes,
        appeal_office=response.appeal_office,
        contact_office=response.contact_office,
        bank=response.bank,
        account=response.account,
        errors=response.errors,
        taxes=(*response.whole, *_numbered(response, path, reader)),
    )


def _effective(response: _Response, kind: AnswerKind, path: str, reader: Reader) -> datetime | None:
    """The instant that goes with the kind of answer. Others in the message have no field and count as dropped."""
    own = _instant_field(kind)
    for field, place in _INSTANTS.items():
        if field != own and getattr(response, field) is not None:
            reader.kept -= 1
            reader.dropped.append(f"{path}/{place}")
    value: datetime | None = getattr(response, own)
    return value


def _instant_field(kind: AnswerKind) -> str:
    return f"{kind}_at" if kind in ("accepted", "rejected", "invalidated") else "status_at"


def _numbered(response: _Response, path: str, reader: Reader) -> list[AssessedTax]:
    taxes = []
    for place, item in enumerate(response.items, start=1):
        number = place if item.sequence is None else item.sequence
        if item.sequence is not None and not item.taxes:
            reader.kept -= 1
            step = f"GovernmentAgencyGoodsItem[{place}]"
            reader.dropped.append(f"{path}/Declaration/GoodsShipment/{step}/SequenceNumeric")
        taxes += [msgspec.structs.replace(tax, item=number) for tax in item.taxes]
    return taxes


def element_of(answer: Answer) -> Element:
    """The `Response` element for an answer. Findings become errors, or remarks where they are no errors."""
    function, own_status = CODES[answer.kind]
    response = _Response(
        function_code=function,
        id=answer.id,
        sent_at=answer.sent_at,
        statements=(*answer.statements, *(_remark(one) for one in answer.findings if one.severity != "error")),
        changes=answer.changes,
        appeal_office=answer.appeal_office,
        contact_office=answer.contact_office,
        bank=answer.bank,
        account=answer.account,
        errors=(*answer.errors, *(_error(one) for one in answer.findings if one.severity == "error")),
        status=(answer.status or own_status)[:_STATUS_LENGTH] or None,
        reference=answer.reference,
        mrn=answer.mrn,
        version=answer.version,
        whole=tuple(tax for tax in answer.taxes if tax.item is None),
        items=tuple(_by_item(answer.taxes)),
    )
    response = msgspec.structs.replace(response, **{_instant_field(answer.kind): answer.effective_at})
    children = RESPONSE.write(response, Writer())
    if children[-1].name != "Declaration":
        children.append(Element("Declaration"))  # the schema wants one, even where nothing is known of it
    return Element("Response", children=children)


def _by_item(taxes: Iterable[AssessedTax]) -> list[_ItemTaxes]:
    items: dict[int, list[AssessedTax]] = {}
    for tax in taxes:
        if tax.item is not None:
            items.setdefault(tax.item, []).append(tax)
    return [_ItemTaxes(sequence=number, taxes=tuple(found_here)) for number, found_here in items.items()]


def _error(finding: Finding) -> DialectError:
    return DialectError(code=finding.code[:_CODE_LENGTH], pointer=_pointer(finding), text=_told(finding))


def _remark(finding: Finding) -> Remark:
    return Remark(code=finding.code, text=_told(finding), pointer=_pointer(finding) or None)


def _pointer(finding: Finding) -> str:
    """Where the finding points, as the WCO does; to where the field would stand, if the message was another's."""
    return wco_of(finding.source_pointer) or (wco_of(path_of(finding.pointer, {})) if finding.pointer else "")


def _told(finding: Finding) -> str:
    told = f"{finding.text} {finding.remedy}".strip()
    return told if len(told) <= _TEXT_LENGTH else f"{told[: _TEXT_LENGTH - 1]}…"
