"""From the bytes of a message to its declarations and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tidewaiter.formats.known import Told
from tidewaiter.formats.plan import Trace
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.skeleton import Cut
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import AND_MORE, Node, about, grow
from tidewaiter.formats.wco_dms import known
from tidewaiter.formats.wco_dms.answers import ANSWER_SPACE, answer_of
from tidewaiter.formats.wco_dms.declaration import consignment_of
from tidewaiter.formats.wco_dms.kinds import NAMESPACE, NO_DECLARATION, NOTHING_HELD
from tidewaiter.formats.wco_dms.mapping import DECLARATION_SPACE
from tidewaiter.formats.wco_dms.passing import FINDINGS_MAX, Reader
from tidewaiter.formats.wco_dms.writing import MODEL_VERSION
from tidewaiter.model.answer import Answer
from tidewaiter.model.finding import Finding

NAME = known.NAME
REPORTS = ("DeclarationStatusResponse", "DeclarationVersionResponse", "DeclarationSearchResponse")
"""Messages in which customs tells what became of declarations; what stands in them is not declared."""

_COUNTRY = "ResponsibleCountryCode"
_ENVELOPE = {"WCODataModelVersionCode": (MODEL_VERSION,), "WCOTypeName": ("DEC", "RES")}
"""What stands around every message alike: writing puts it back."""
_SPACES = {"Declaration": DECLARATION_SPACE, "Response": ANSWER_SPACE}


class _Held(NamedTuple):
    """A declaration or answer in the message, with the country that the elements around it name."""

    node: Node
    path: str
    country: str


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception; see `formats.reading.Format`."""
    held, message = known.MEMORY.held(data)
    if message is not None and not known.MEMORY.is_due(message):
        message = None
    if message is not None and message.envelopes is not None:
        for alone, cut in known.MEMORY.alone(message):
            by_tree(alone, cut)
        held, message = known.MEMORY.reading(message), None
    reading = None if held is None else known.reading_of(held, jurisdiction=jurisdiction)
    return by_tree(data, message, jurisdiction=jurisdiction) if reading is None else reading


def by_tree(data: bytes, message: Cut | None = None, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds, by its tree. Where it was cut, the shape of it is learnt."""
    root, faults = grow(data)
    faulty = tuple(about(fault) for fault in faults)
    if root is None:
        return Reading(format=NAME, findings=faulty)
    reader = Reader(data)
    held = list(_search(root, f"/{root.name}", "", reader))
    declarations = [one for one in held if one.node.name == "Declaration"]
    if root.name in REPORTS or not held:
        kind, detail = (NO_DECLARATION, root.name) if root.name in REPORTS else (NOTHING_HELD, shortened(root.name))
        for one in held:
            reader.drop(one.node, one.path)
        findings = (*faulty, found(kind, detail, source_pointer=f"/{shortened(root.name)}"))
        return Reading(format=NAME, findings=findings, kept=reader.kept, dropped=tuple(reader.dropped))
    declared: list[Declared] = []
    traced: list[tuple[Told, dict[str, str]]] = []
    kept_around, dropped_around = reader.kept, tuple(reader.dropped)
    for one in declarations:
        reader.anchor = {}
        reader.findings, reader.more = [], False
        # What is wrong with the message is wrong with each declaration in it, so that none is accepted.
        noted = (*faulty, *_about_space(one, has_faults=bool(faults)))
        trace = None if message is None else Trace(one.node.index)
        kept, dropped = reader.kept, len(reader.dropped)
        declared.append(
            consignment_of(
                one.node, one.path, reader,
                country=one.country, jurisdiction=jurisdiction, findings=noted, trace=trace,
            )
        )  # fmt: skip
        if trace is not None and not reader.findings:
            trace.passed(reader.kept - kept, (dropped, len(reader.dropped)))
            traced.append((Told(one.node, one.path, trace), reader.anchor))
    if message is not None and not faults and len(traced) == len(held):
        first = held[0]
        space, deciding = _detail_of_space(first.node), tuple(_deciding(root))
        around = known.Around(first.path, first.country, space, kept_around, dropped_around, deciding)
        known.learn(data, message, root, around, told=traced, dropped=reader.dropped)
    answers, findings_here = _answers([one for one in held if one.node.name == "Response"], reader)
    return Reading(
        format=NAME,
        declared=tuple(declared),
        answers=tuple(answers),
        findings=(() if declared else faulty) + findings_here,
        kept=reader.kept,
        dropped=tuple(reader.dropped),
    )


def _answers(held: list[_Held], reader: Reader) -> tuple[list[Answer], tuple[Finding, ...]]:
    reader.findings, reader.more = [], False
    answers: list[Answer] = []
    spaces: list[Finding] = []
    for one in held:
        reader.anchor = {}
        spaces += _about_space(one, has_faults=False)
        answer = answer_of(one.node, one.path, reader)
        if answer is not None:
            answers.append(answer)
    more = (found(AND_MORE, f"{FINDINGS_MAX:,}"),) if reader.more else ()
    return answers, (*spaces[:1], *reader.findings, *more)


def _search(node: Node, path: str, country: str, reader: Reader) -> Iterator[_Held]:
    """The declarations and answers below an element; what stands around them is kept or dropped."""
    if node.name in _SPACES:
        yield _Held(node, path, country)
        return
    if not node.children:
        known = _ENVELOPE.get(node.name, ())
        if node.text in known or (node.name.endswith(_COUNTRY) and len(node.text) == 2):
            reader.kept += 1
        elif node.text:
            reader.dropped.append(path)
        return
    names = [child.name for child in node.children]
    # By its end, since a message whose colons were lost says 'mdResponsibleCountryCode'.
    told = next((child.text for child in node.children if child.name.endswith(_COUNTRY)), country)
    seen: dict[str, int] = {}
    for child in node.children:
        seen[child.name] = position = seen.get(child.name, 0) + 1
        several = position > 1 or names.count(child.name) > 1
        yield from _search(child, f"{path}/{child.name}" + (f"[{position}]" if several else ""), told, reader)


def _deciding(node: Node) -> Iterator[Node]:
    """The elements around declarations whose texts say what becomes of them, and of what they stand around."""
    if node.name not in _SPACES:
        if node.name in _ENVELOPE or node.name.endswith(_COUNTRY):
            yield node
        for child in node.children:
            yield from _deciding(child)


def _about_space(one: _Held, *, has_faults: bool) -> tuple[Finding, ...]:
    detail = "" if has_faults else _detail_of_space(one.node)
    return (found(NAMESPACE, detail, source_pointer=one.path),) if detail else ()


def _detail_of_space(node: Node) -> str:
    """What is wrong with the namespace of a declaration or answer; '' where nothing is."""
    if node.space == _SPACES[node.name]:
        return ""
    return "it has another" if node.space else "it has none"
