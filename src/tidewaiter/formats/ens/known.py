"""Entry summary declarations of a shape that was met before; see `formats.known`.

The rules that a group may break are those of the elements in it, and so are known with its shape. Which of them is
broken is asked of the texts. A declaration that breaks one is read as ever, which tells where.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tidewaiter.formats import known
from tidewaiter.formats.ens.part import Part
from tidewaiter.formats.ens.rules import Rule, RuleBook
from tidewaiter.formats.ens.shape import Group
from tidewaiter.formats.known import Memory, Told
from tidewaiter.formats.skeleton import Cut, nodes_in
from tidewaiter.formats.tree import Node

LODGED, AMENDED = "CC315A", "CC313A"
PREFIX = "ie"
"""Paths name the namespace of the message so, whatever the message calls it, as customs does."""
_ITEM = "GOOITEGDS"


class _PartPlan(NamedTuple):
    """A group: the place of the group above among those before it, -1 for the message itself; its place among those of
    its name, and of its record; its elements with the places of their texts; the rules it may break."""

    group: Group
    above: int
    number: int
    record: int
    texts: tuple[tuple[str, int], ...]
    rules: tuple[Rule, ...]


_Groups = tuple[_PartPlan, ...]


class _Frame(NamedTuple):
    """The message itself and the groups in it but for its items; what is wrong with its namespace, or ''; a number."""

    groups: _Groups
    about_space: str
    number: int


class _Item(NamedTuple):
    """An item and the groups in it; a number."""

    groups: _Groups
    number: int


_NUMBERS = itertools.count(1)
_NARROWED: dict[tuple[int, frozenset[int]], dict[int, _Groups]] = {}
"""By the numbers of a message and of the items in it the groups, 0 for the message, that are to be looked at."""
_NARROWED_MAX = 1_024
Held = known.Reading[str, _Frame, _Item]
"""A message of known shape; what stands around its declarations is no more than their name."""
MEMORY: Memory[str, _Frame, _Item] = Memory(
    (LODGED, AMENDED), f"/{_ITEM}", numbers_all=True, single_blanks=True, bare_items=True
)


def part_of(held: known.Filled[str, _Frame, _Item]) -> Part | None:
    """The message as parts, of which only those need be there that rules ask for; None where one breaks a rule."""
    key = (held.frame.number, frozenset([item.number for item, _ in held.items]))
    narrowed = _NARROWED.get(key)
    is_new = narrowed is None
    if narrowed is None:
        narrowed = {0: held.frame.groups, **{item.number: item.groups for item, _ in held.items}}
    asked: list[tuple[Part, Sequence[Rule]]] = []
    first = narrowed[0]
    root = Part(first[0].group, None, at=held.path)
    made = {0: _make(first, held.frame_texts, root, asked)}
    for place, (item, texts) in enumerate(held.items):
        groups = narrowed[item.number]
        part = Part(groups[0].group, root, place + 1, place)
        root.add(part)
        made[item.number] = _make(groups, texts, part, asked)
    if is_new:
        if len(_NARROWED) >= _NARROWED_MAX:
            _NARROWED.clear()
        _NARROWED[key] = _narrow(narrowed, made)
    for part, rules in asked:
        for rule in rules:
            if rule.is_broken(part):
                root.forget()
                return None
    return root


def _narrow(groups: Mapping[int, _Groups], made: Mapping[int, Sequence[Part]]) -> dict[int, _Groups]:
    """The groups without the rules that no message of this shape breaks, and without those that no rule is left for."""
    left = {
        number: [
            group._replace(rules=tuple(rule for rule in group.rules if not rule.is_kept_by_shape(part)))
            for group, part in zip(groups[number], parts, strict=True)
        ]
        for number, parts in made.items()
    }
    visited = {name for each in left.values() for group in each for rule in group.rules for name in rule.visits}
    return {number: _left(each, visited) for number, each in left.items()}


def _left(groups: Sequence[_PartPlan], visited: set[str]) -> _Groups:
    wanted = {0}
    for place, group in enumerate(groups):
        if group.rules or group.group.name in visited:
            above = place
            while above not in wanted:
                wanted.add(above)
                above = groups[above].above
    new = {old: place for place, old in enumerate(sorted(wanted))}
    return tuple(groups[old]._replace(above=new.get(groups[old].above, -1)) for old in sorted(wanted))


def _make(
    groups: Sequence[_PartPlan], texts: Sequence[str], own: Part, asked: list[tuple[Part, Sequence[Rule]]]
) -> list[Part]:
    """The parts of a message, or of an item of it, of which this is the first."""
    made: list[Part] = []
    for group, above, number, record, named, rules in groups:
        if made:
            part = Part(group, made[above], number, record)
            made[above].add(part)
        else:
            part = own
        part.texts = {name: texts[at] for name, at in named}
        made.append(part)
        if rules:
            asked.append((part, rules))
    return made


class Traced(NamedTuple):
    """A declaration that was read with a trace: its parts, and what is wrong with its namespace, or ''."""

    told: Told
    part: Part
    about_space: str


def learn(
    data: bytes,
    message: Cut,
    root: Node,
    traced: Sequence[Traced],
    *,
    rules: RuleBook,
    around: int,
    dropped: Sequence[str],
) -> None:
    """Keep what was done with the texts of a message; of those that were `dropped`, so many stood `around`."""
    nodes = {node.index: node for node in nodes_in(root)}
    by_path = {one.told.path: one for one in traced}

    def of_frame(told: Told, places: Mapping[int, int]) -> _Frame | None:
        one = by_path[told.path]
        return _Frame(_groups(one.part, nodes, places, rules), one.about_space, next(_NUMBERS))

    def of_item(told: Told, place: int, places: Mapping[int, int]) -> _Item | None:
        groups = _groups(by_path[told.path].part.groups[_ITEM][place], nodes, places, rules)
        return _Item(groups, next(_NUMBERS))

    first = traced[0].told
    stands = known.Around(first.path.removesuffix("[1]"), 0, tuple(dropped[:around]), first.node.name)
    told_alone = [one.told for one in traced]
    MEMORY.learn(data, message, root, known.Lesson(stands, told_alone, dropped, (), of_frame, of_item))


def _groups(part: Part, nodes: Mapping[int, Node], places: Mapping[int, int], rules: RuleBook) -> _Groups:
    """A part and those in it, the items of a message left out. Raises KeyError where a text stands elsewhere."""
    made: list[_PartPlan] = []
    # In the order of the message, and no function within this one: it would hold itself, and stay until collected.
    waiting = [(part, -1)]
    while waiting:
        one, above = waiting.pop()
        begins = {child.name: child.index for child in nodes[one.begins].children}
        texts = tuple((name, places[begins[name]]) for name in one.texts)
        made.append(_PartPlan(one.group, above, one.number, one.record, texts, tuple(rules.asked_of(one))))
        own = len(made) - 1
        inside = [(each, own) for name, inner in one.groups.items() if name != _ITEM for each in inner]
        waiting += reversed(inside)
    return tuple(made)
