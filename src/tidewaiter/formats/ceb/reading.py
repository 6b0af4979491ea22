"""From the bytes of a message to its declarations, its documents of trade and its answers."""

from __future__ import annotations

import base64
import binascii
import re

from tidewaiter.formats.ceb.answers import answer_of
from tidewaiter.formats.ceb.kinds import (
    ENVELOPE,
    NAMESPACE,
    NOT_KEPT,
    NOTHING_HELD,
    SIGNATURE,
    TOO_MANY,
    UNKNOWN,
)
from tidewaiter.formats.ceb.records import declared_of, told_of
from tidewaiter.formats.ceb.rules import judge
from tidewaiter.formats.ceb.signature import BadSignature, signed_part
from tidewaiter.formats.ceb.tables import DOCUMENTS_MAX, SHAPES, SPACE, Shape
from tidewaiter.formats.ceb.taking import PREFIX, Taker, take
from tidewaiter.formats.reading import Declared, Reading, Told
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import Node, about, grow
from tidewaiter.model.answer import Answer
from tidewaiter.model.finding import Finding

NAME = "ceb"
_ROOT = re.compile("CEB([0-9]{3})Message")
_BESIDE = ("BaseTransfer", "BaseSubscribe", "ExtendMessage", "Signature")
"""What may stand in the root beside documents: who sends it and by what way, which has no field of ours."""


class _Held:
    """What comes together of one file."""

    def __init__(self) -> None:
        self.taker = Taker()
        self.declared: list[Declared] = []
        self.documents: list[Told] = []
        self.answers: list[Answer] = []
        self.findings: list[Finding] = []


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception; see `formats.reading.Format`.

    These messages are China's own, so `jurisdiction` is not asked. Of a signed message only what is signed is read,
    and nothing where the signature does not fit.
    """
    _ = jurisdiction
    root, faults = grow(data)
    findings = [about(fault) for fault in faults]
    if root is not None and root.name == "DxpMsg":
        unpacked = _unpacked(root)
        if unpacked is None:
            findings.append(found(ENVELOPE, "it is not base64", source_pointer="/DxpMsg/Data"))
            return Reading(format=NAME, findings=tuple(findings))
        data = unpacked
        root, faults = grow(data)
        findings += [about(fault) for fault in faults]
    if root is None:
        return Reading(format=NAME, findings=tuple(findings))
    signer = None
    if not faults:
        try:
            signed = signed_part(data, root)
        except BadSignature as error:
            findings.append(found(SIGNATURE, str(error), source_pointer=f"/{shortened(root.name)}/ds:Signature"))
            return Reading(format=NAME, findings=tuple(findings))
        if signed is not None:
            signer = signed.signer
            root = grow(signed.data).root or root
    held = _Held()
    held.findings = findings
    for message in root.children if root.name == "Messages" else [root]:
        _message(message, held)
    return Reading(
        format=NAME,
        declared=tuple(held.declared),
        documents=tuple(held.documents),
        answers=tuple(held.answers),
        findings=tuple(held.findings),
        signer=signer,
        kept=held.taker.kept,
        dropped=tuple(held.taker.dropped),
    )


def _unpacked(envelope: Node) -> bytes | None:
    """The message in an envelope of the electronic port's exchange."""
    texts = [child.text for child in envelope.children if child.name == "Data"]
    if len(texts) != 1:
        return None
    try:
        return base64.b64decode("".join(texts[0].split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _message(node: Node, held: _Held) -> None:
    matched = _ROOT.fullmatch(node.name)
    shape = SHAPES.get(matched[1]) if matched else None
    at = f"/{PREFIX}:{shortened(node.name)}"
    if shape is None:
        held.findings.append(found(NOTHING_HELD, shortened(node.name), source_pointer=at))
        held.taker.drop(node, at)
        return
    if node.space != SPACE:
        detail = "it has none" if not node.space else "it has another"
        held.findings.append(found(NAMESPACE, detail, source_pointer=at))
    number = 0
    for child in node.children:
        if child.name == shape.document:
            number += 1
            _document(child, shape, held, at=f"{at}/{PREFIX}:{child.name}[{number}]")
            if number == DOCUMENTS_MAX + 1:
                held.findings.append(found(TOO_MANY, f"more than {DOCUMENTS_MAX} documents", source_pointer=at))
        else:
            where = f"{at}/{PREFIX}:{shortened(child.name)}"
            if child.name not in _BESIDE:
                held.findings.append(found(UNKNOWN, shortened(child.name), source_pointer=where))
            held.taker.drop(child, where)
    if node.text:
        held.taker.dropped.append(at)
    if not number:
        held.findings.append(found(NOTHING_HELD, f"no {shape.document} in {node.name}", source_pointer=at))


def _document(node: Node, shape: Shape, held: _Held, *, at: str) -> None:
    taker = held.taker
    taker.findings = []
    taken = take(node, shape, taker, at=at)
    judge(taken, taker)
    if shape.about == "nothing":
        taker.note(NOT_KEPT, shape.root, at=at)
        for texts in (taken.head, *taken.lines):
            taker.dropped += [texts.place(element) for element in texts.by]
            taker.kept -= len(texts.by)
        held.findings += taker.findings
    elif shape.about == "answer":
        held.answers.append(answer_of(taken, taker))
        held.findings += taker.findings
    elif shape.about == "declaration":
        held.declared.append(declared_of(taken, taker))
    else:
        held.documents.append(told_of(taken, taker))
