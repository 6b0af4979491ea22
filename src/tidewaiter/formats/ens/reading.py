"""From the bytes of a message to its declarations and answers."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tidewaiter.formats.ens import known
from tidewaiter.formats.ens.answers import answer_of, is_answer
from tidewaiter.formats.ens.kinds import CONTENT, NAMESPACE, NO_JURISDICTION, NO_REFERENCE, NOTHING_HELD, OF_RULES
from tidewaiter.formats.ens.known import AMENDED, LODGED, PREFIX
from tidewaiter.formats.ens.part import Part
from tidewaiter.formats.ens.rules import Rule, RuleBook
from tidewaiter.formats.ens.shape import SPACE, Message, Misfit, instant_of, message_of
from tidewaiter.formats.ens.tables import ELEMENTS, DataSet
from tidewaiter.formats.ens.taking import Taker, pointer_in, take_apart
from tidewaiter.formats.known import Told
from tidewaiter.formats.met import Settling
from tidewaiter.formats.plan import Trace
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.skeleton import Cut
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import Node, about, grow
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment, Equipment, GoodsItem, Transport
from tidewaiter.model.finding import Finding
from tidewaiter.model.identifiers import compact, is_s10

NAME = "ens"

_HOUSE_TYPES, _MASTER_TYPES = ("703", "714", "740"), ("704", "741")
"""Bills and air waybills of one consignment and of many, an N before them not counted. Source: UNECE code list 1001."""
_COUNTRY = re.compile("[A-Z]{2}")


class Schema(NamedTuple):
    """The shape of a declaration and the rules that hold in it."""

    message: Message
    rules: RuleBook


@functools.cache
def schema_of(name: str, data_set: DataSet) -> Schema:
    """The schema of CC315A or CC313A in this data set, made once."""
    message = message_of(name, ELEMENTS, Consignment, data_set)
    return Schema(message, RuleBook(message.root, data_set))


def read(data: bytes, *, jurisdiction: str | None = None, data_set: DataSet = "reduced") -> Reading:
    """What the message holds. Bad input is findings, never an exception; see `formats.reading.Format`.

    `data_set` is that whose schema and rules are asked. Rules are asked of a message that fits its schema, as
    customs does. Times are taken to be in UTC.
    """
    held, message = known.MEMORY.held(data) if data_set == "reduced" else (None, None)
    reading = None if held is None else _known(held, jurisdiction)
    if reading is not None:
        return reading
    if message is not None and not known.MEMORY.is_due(message):
        message = None
    return by_tree(data, message, jurisdiction=jurisdiction, data_set=data_set)


def _known(held: known.Held, jurisdiction: str | None) -> Reading | None:
    """What a message of known shape holds; None where it breaks a rule, and the place of that is to be told."""

    def make(place: int) -> Declared:
        one = held.records[place]
        taker, fields = Taker(), one.fields()
        _settle(fields, one.around, one.path, taker, jurisdiction)
        findings = (*_about(one.frame.own.about_space, one.path), *taker.findings)
        return Declared(consignment=_built(fields), findings=findings, anchor={"": one.path})

    def is_settled(one: known.Met, fields: dict[str, Any]) -> bool:
        taker = Taker()
        _settle(fields, one.around, one.path, taker, jurisdiction)
        return not (taker.findings or one.frame.own.about_space)

    declared: Sequence[Declared] | None = held.in_columns(Settling(_SETTLED, _READ, _READ_OF_ITEM, is_settled), make)
    if declared is None:
        try:
            declared = tuple(map(make, range(len(held.records))))
        except ValueError:  # a text that must be looked at closely
            return None
    if not known.keep_rules(held):  # which take texts to be of the form that the schema wants
        return None
    return Reading(format=NAME, declared=declared, kept=held.kept, dropped=tuple(held.dropped))


def by_tree(
    data: bytes, message: Cut | None = None, *, jurisdiction: str | None = None, data_set: DataSet = "reduced"
) -> Reading:
    """What the message holds, by its tree. Where it was cut, the shape of it is learnt."""
    root, faults = grow(data)
    faulty = tuple(about(fault) for fault in faults)
    if root is None:
        return Reading(format=NAME, findings=faulty)
    taker = Taker()
    held = list(_search(root, taker, f"/{shortened(root.name)}"))
    if not held:
        nothing = found(NOTHING_HELD, shortened(root.name), source_pointer=f"/{shortened(root.name)}")
        return Reading(format=NAME, findings=(*faulty, nothing), dropped=tuple(taker.dropped))
    declared: list[Declared] = []
    answers: list[Answer] = []
    of_answers: list[Finding] = []
    count: dict[str, int] = {}
    traced: list[known.Traced] = []
    around = len(taker.dropped)
    for node in held:
        count[node.name] = number = count.get(node.name, 0) + 1
        at = f"/{PREFIX}:{node.name}[{number}]"
        taker.findings, taker.fits = [], True
        noted = (*faulty, *(() if faults else _about(_detail_of_space(node), at)))
        if is_answer(node.name):
            answers.append(answer_of(node, taker, at=at))
            of_answers += [*noted, *taker.findings]
            continue
        trace = None if message is None else Trace(node.index)
        one, part = _declared(
            node, taker, at=at, jurisdiction=jurisdiction, data_set=data_set, noted=noted, trace=trace
        )
        declared.append(one)
        if trace is not None and taker.fits:
            traced.append(known.Traced(Told(node, at, trace), part, _detail_of_space(node)))
        else:
            part.forget()
    if message is not None and not faults and len(traced) == len(held):
        rules = schema_of(held[0].name, data_set).rules
        known.learn(data, message, root, traced, rules=rules, around=around, dropped=taker.dropped)
    for told in traced:
        told.part.forget()
    return Reading(
        format=NAME,
        declared=tuple(declared),
        answers=tuple(answers),
        findings=tuple(of_answers),
        kept=taker.kept,
        dropped=tuple(taker.dropped),
    )


def _search(node: Node, taker: Taker, at: str) -> Iterator[Node]:
    """The messages in what may be an envelope; what stands around them is dropped."""
    if node.name in (LODGED, AMENDED) or is_answer(node.name):
        yield node
        return
    if node.text:
        taker.dropped.append(at)
    for child in node.children:
        yield from _search(child, taker, f"{at}/{shortened(child.name)}")


def _declared(
    node: Node,
    taker: Taker,
    *,
    at: str,
    jurisdiction: str | None,
    data_set: DataSet,
    noted: Sequence[Finding],
    trace: Trace | None,
) -> tuple[Declared, Part]:
    schema = schema_of(node.name, data_set)
    kept, dropped = taker.kept, len(taker.dropped)
    part, fields = take_apart(node, schema.message, taker, at=at, trace=trace)
    if trace is not None:
        trace.passed(taker.kept - kept, (dropped, len(taker.dropped)))
        if taker.findings:  # a value that the schema lets pass and our field cannot hold
            trace.spoil()
    if taker.fits:
        judge(part, schema.rules, taker)
    _settle(fields, node.name, part.at, taker, jurisdiction)
    return Declared(consignment=_built(fields), findings=(*noted, *taker.findings), anchor={"": at}), part


def judge(part: Part, rules: RuleBook, taker: Taker) -> None:
    """Ask the rules of a part and of all parts in it."""
    for rule in rules.asked_of(part):
        if rule.is_broken(part):
            _note(rule, part, taker)
    for inner in part.groups.values():
        for one in inner:
            judge(one, rules, taker)


def _note(rule: Rule, part: Part, taker: Taker) -> None:
    kind = OF_RULES.get(rule.code, CONTENT)
    at = f"{part.at}/{rule.leaf}[1]" if rule.leaf else part.at
    detail = f"{rule.leaf} is not of the form that the rule wants" if kind is CONTENT else ""
    taker.note(kind, detail, pointer=pointer_in(part, rule.about), at=at)


_SETTLED = frozenset((
    "direction", "function", "issued_at", "reference", "jurisdiction", "tracking_id", "house_bill", "master_bill",
    "channel",
))  # fmt: skip
"""The fields of a consignment that `_settle` fills."""
_READ = _SETTLED | {"=issued_at:date", "=issued_at:time", "mrn", "entry_office"}
_READ_OF_ITEM = frozenset(("documents",))
"""What it reads, of the consignment and of its goods items."""


def _settle(fields: dict[str, Any], name: str, at: str, taker: Taker, jurisdiction: str | None) -> None:
    """Fill what follows from what the message says, and note what it should have said. `at` is its path."""
    fields["direction"] = "entry"
    fields["function"] = "original" if name == LODGED else "amendment"
    _settle_instant(fields)
    head = f"{at}/HEAHEA[1]"
    if not fields.get("reference"):
        fields["reference"] = fields.get("mrn", "")
        if not fields["reference"]:
            taker.note(NO_REFERENCE, "it has no number", pointer="/reference", at=head)
    told = (fields.get("entry_office", "")[:2].upper(), jurisdiction or "")
    fields["jurisdiction"] = next((code for code in told if _COUNTRY.fullmatch(code)), "")
    if not fields["jurisdiction"]:
        taker.note(NO_JURISDICTION, "none is known", pointer="/jurisdiction", at=at)
    _derive_numbers(fields)


def _built(fields: dict[str, Any]) -> Consignment:
    """The consignment of what was read."""
    for field, value in fields.items():
        if type(value) is list:
            fields[field] = tuple(value)
    if "transport" in fields:
        transport = fields["transport"]
        if "route" in transport:
            transport["route"] = tuple(transport["route"])
        fields["transport"] = Transport(**transport)
    if "seals" in fields:
        fields["equipment"] = (Equipment(seals=fields.pop("seals")),)
    return Consignment(**fields)


def _settle_instant(fields: dict[str, Any]) -> None:
    day, clock = fields.pop("=issued_at:date", None), fields.pop("=issued_at:time", None)
    if day and clock:
        try:
            fields["issued_at"] = instant_of(day, clock)
        except Misfit:  # 29 February of a year without one: said by the schema to be a day
            return


def _derive_numbers(fields: dict[str, Any]) -> None:
    """The parcel number and the bills, where all goods have one and the same; then the channel, where it is certain."""
    items: Sequence[GoodsItem] = fields.get("items", ())
    numbers: dict[str, set[str]] = {"tracking_id": set(), "house_bill": set(), "master_bill": set()}
    for item in items:
        for document in item.documents:
            type = (document.type or "").removeprefix("N")
            if document.id and is_s10(compact(document.id)):
                numbers["tracking_id"].add(document.id)
            elif document.id and type in _HOUSE_TYPES:
                numbers["house_bill"].add(document.id)
            elif document.id and type in _MASTER_TYPES:
                numbers["master_bill"].add(document.id)
    for field, found_here in numbers.items():
        if len(found_here) == 1:
            [fields[field]] = found_here
    if "tracking_id" in fields:
        fields["channel"] = "post"


def _about(detail: str, at: str) -> tuple[Finding, ...]:
    return (found(NAMESPACE, detail, source_pointer=at),) if detail else ()


def _detail_of_space(node: Node) -> str:
    """What is wrong with the namespace of a message; '' where nothing is."""
    if node.space != SPACE + node.name:
        return "it has another" if node.space else "it has none"
    return "the elements in it have one" if node.children and node.children[0].space else ""
