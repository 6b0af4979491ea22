"""From consignments to declarations and manifests, and from answers to reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from tidewaiter.formats.asycuda.reading import DECLARATION, MANIFEST, section
from tidewaiter.formats.asycuda.shaping import undeclared, unnumbered
from tidewaiter.formats.mapped import instant_text
from tidewaiter.formats.mapped_writing import document, node, tree_of
from tidewaiter.formats.tree import Node
from tidewaiter.model.answer import Answer, AnswerKind
from tidewaiter.model.consignment import Consignment

_BILL, _GENERAL = "Bol_segment", "General_segment"


def write_messages(consignments: Sequence[Consignment]) -> bytes:
    """A declaration each; bills that came the same way stand in one manifest. Several stand in `Messages`."""
    messages: list[Node] = []
    for record in consignments:
        if record.direction != "entry":
            whole = tree_of(record, section("sad"), DECLARATION)
            messages.append(undeclared(whole, is_export=record.direction == "export"))
            continue
        manifest = tree_of(record, section("bol"), MANIFEST)
        bill = [one for one in manifest.children if one.name == _BILL]
        for one in bill:
            unnumbered(one)
        before = messages[-1] if messages and messages[-1].name == MANIFEST else None
        if before is not None and _general(before) == _general(manifest):
            before.children += bill
        else:
            messages.append(manifest)
    return _whole(messages)


def _general(manifest: Node) -> list[Node]:
    return [one for one in manifest.children if one.name == _GENERAL]


ANSWERS: Mapping[AnswerKind, str] = {kind: f"Asycuda_report {kind}" for kind in get_args(AnswerKind)}
"""How each answer is said here, by kind; two that are said alike are read as the first of them."""
POINTERS = "XPath: `/ASYCUDA/Item[1]/Goods_description[1]/Commercial_Description[1]`"
"""How a place in a message is pointed at."""


def write_answers(answers: Sequence[Answer]) -> bytes:
    """A report for each answer: ASYCUDA publishes no form of one, so this is ours."""
    return _whole([_report(one) for one in answers])


def _report(answer: Answer) -> Node:
    told = (
        ("Answer", answer.kind), ("Answer_number", answer.id), ("Reference", answer.reference or ""),
        ("Registration", answer.mrn or ""), ("Date", instant_text(answer.sent_at) if answer.sent_at else ""),
    )  # fmt: skip
    errors = [(one.code, one.source_pointer or one.pointer, f"{one.text} {one.remedy}") for one in answer.findings]
    errors += [(one.code, one.pointer, one.text) for one in answer.errors]
    lines = [
        node("Message", "", node("Code", code), node("Element", place), node("Text", text.strip()))
        for code, place, text in errors
    ]
    return node("Asycuda_report", "", *(node(name, text) for name, text in told if text), *lines)


def _whole(messages: list[Node]) -> bytes:
    root = messages[0] if len(messages) == 1 else node("Messages", "", *messages)
    return document(root, lambda name, _depth: name)
