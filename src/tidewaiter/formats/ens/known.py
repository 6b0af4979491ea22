"""Entry summary declarations of a shape that was met before; see `formats.known`.

The rules that a group may break are those of the elements in it, and so are known with its shape. Which of them is
broken is asked of the texts. A declaration that breaks one is read as ever, which tells where.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tidewaiter.formats import known, met
from tidewaiter.formats.ens.part import Part
from tidewaiter.formats.ens.predicates import EVERY_TEXT
from tidewaiter.formats.ens.rules import Rule, RuleBook
from tidewaiter.formats.ens.shape import Group
from tidewaiter.formats.known import Memory, Told
from tidewaiter.formats.plan import Found
from tidewaiter.formats.skeleton import Cut, nodes_in
from tidewaiter.formats.stacks import Stack
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


class _Alone(NamedTuple):
    """Rules that go by the same texts of a group, and by nothing else: the elements, the places of their texts."""

    group: Group
    names: tuple[str, ...]
    places: tuple[int, ...]
    rules: tuple[Rule, ...]


class _Across(NamedTuple):
    """A rule that goes by more than the texts of one group: the groups that it looks at, and the places of all texts
    that it does, by the numbers of items, 0 for what is around them."""

    rule: Rule
    groups: Mapping[int, _Groups]
    places: Mapping[int, tuple[int, ...]]


class _Narrowed(NamedTuple):
    """What must be looked at in declarations of one shape, by the numbers of its items, 0 for what is around them: for
    all their rules; for those that go by the texts of one group; for those of the others that need not be asked where
    something is so in no group, what that is, with the rule; and for each of these others."""

    every: Mapping[int, _Groups]
    alone: Mapping[int, Sequence[_Alone]]
    gates: Mapping[int, Sequence[_Alone]]
    across: Sequence[_Across]


_NARROWED: dict[tuple[int, frozenset[int]], _Narrowed] = {}
"""By the numbers of a declaration and of the items in it."""
_NARROWED_MAX = 1_024
Met = met.Met[str, _Frame, _Item]
Held = met.Reading[str, _Frame, _Item]
"""A declaration of known shape, and a message; what stands around declarations is no more than their name."""
MEMORY: Memory[str, _Frame, _Item] = Memory(
    (LODGED, AMENDED), f"/{_ITEM}", numbers_all=True, single_blanks=True, bare_items=True
)


def keep_rules(message: Held) -> bool:
    """Whether none of these declarations breaks a rule.

    Of several, a rule is asked once of all that say the same where it looks, and only of those shapes in which what it
    is asked for is so somewhere.
    """
    held = message.records
    if len(held) < met.COLUMNS_MIN:
        return all(_keeps(one, _narrowed(one).every) for one in held)
    shapes: dict[int, tuple[_Narrowed, list[Met]]] = {}
    for one in held:
        narrowed = _narrowed(one)
        shapes.setdefault(id(narrowed), (narrowed, []))[1].append(one)
    alone: dict[int, Sequence[_Alone]] = {}
    gates: dict[int, set[_Alone]] = {}
    for narrowed, of_shape in shapes.values():
        numbers = {**{number: number for number in narrowed.alone}, 0: of_shape[0].frame.own.number}
        for number, name in numbers.items():
            alone[name] = narrowed.alone[number]
            gates.setdefault(name, set()).update(narrowed.gates[number])
    frames, items, _ = message.stacks
    stacks = [*((one.own.number, stack) for one, stack in frames), *((one.own.number, stack) for one, stack in items)]
    if any(_finds(rules, _breaks, stack) for number, stack in stacks for rules in alone[number]):
        return False
    shut = {id(gate.rules[0]) for each in gates.values() for gate in each}
    for number, stack in stacks:
        shut.difference_update([id(gate.rules[0]) for gate in gates[number] if _finds(gate, _asks, stack)])
    return all(
        _keep(across, of_shape)
        for narrowed, of_shape in shapes.values()
        for across in narrowed.across
        if id(across.rule) not in shut
    )


def _finds(alone: _Alone, is_so: Callable[[Rule, Part], bool], stack: Stack) -> bool:
    """Whether something is so of one of these rules in a group of one shape."""
    part = Part(alone.group, None)
    told, _ = stack.texts.together(alone.places)
    found = False
    for one in told:
        part.texts = dict(zip(alone.names, one, strict=True))
        if any(is_so(rule, part) for rule in alone.rules):
            found = True
            break
    part.forget()
    return found


def _breaks(rule: Rule, part: Part) -> bool:
    return rule.is_broken(part)


def _asks(rule: Rule, part: Part) -> bool:
    """Whether the rule may be broken in a group, by what is asked of its own texts."""
    return all(one.holds(part) for one in rule.when if one.reads is not None)


def _keep(across: _Across, held: Sequence[Met]) -> bool:
    """Whether declarations of one shape keep a rule."""
    _, groups, places = across
    seen: set[tuple[object, ...]] = set()
    for one in held:
        texts = one.texts
        told: list[object] = [texts[at] for at in places[0]]
        for item, own in one.items:
            number = item.own.number
            told.append(number)
            told += [own[at] for at in places[number]]
        key = tuple(told)
        if key not in seen:
            seen.add(key)
            if not _keeps(one, groups):
                return False
    return True


def _keeps(held: Met, groups: Mapping[int, _Groups]) -> bool:
    """Whether a declaration keeps the rules of these groups. Only these are made parts."""
    root, asked, _ = _parts(held, groups)
    keeps = not any(rule.is_broken(part) for part, rules in asked for rule in rules)
    root.forget()
    return keeps


def _parts(
    held: Met, groups: Mapping[int, _Groups]
) -> tuple[Part, list[tuple[Part, Sequence[Rule]]], dict[int, list[Part]]]:
    """The declaration as parts; those that rules ask about; and by their numbers those of items, 0 for others."""
    asked: list[tuple[Part, Sequence[Rule]]] = []
    root = Part(groups[0][0].group, None, at=held.path)
    made = {0: _make(groups[0], held.texts, root, asked)}
    for place, (item, texts) in enumerate(held.items):
        of_item = groups[item.own.number]
        part = Part(of_item[0].group, root, place + 1, place)
        root.add(part)
        made[item.own.number] = _make(of_item, texts, part, asked)
    return root, asked, made


def _narrowed(held: Met) -> _Narrowed:
    """What must be looked at in declarations of this shape. Worked out of the first."""
    frame = held.frame.own
    key = (frame.number, frozenset([item.own.number for item, _ in held.items]))
    narrowed = _NARROWED.get(key)
    if narrowed is None:
        groups = {0: frame.groups, **{item.own.number: item.own.groups for item, _ in held.items}}
        root, _, made = _parts(held, groups)
        every = {
            number: [
                group._replace(rules=tuple(rule for rule in group.rules if not rule.is_kept_by_shape(part)))
                for group, part in zip(groups[number], parts, strict=True)
            ]
            for number, parts in made.items()
        }
        root.forget()
        alone = {number: [one for group in each for one in _alone(group)] for number, each in every.items()}
        gates = {number: [one for group in each for one in _gates(group)] for number, each in every.items()}
        narrowed = _Narrowed(_visited(every), alone, gates, _across(every))
        if len(_NARROWED) >= _NARROWED_MAX:
            _NARROWED.clear()
        _NARROWED[key] = narrowed
    return narrowed


def _alone(group: _PartPlan) -> Iterator[_Alone]:
    """The rules of a group that go by its own texts alone, those together that go by the same."""
    at = dict(group.texts)
    rules: dict[frozenset[str], list[Rule]] = {}
    for rule in group.rules:
        if rule.reads is not None:
            rules.setdefault(frozenset(rule.reads & at.keys()), []).append(rule)
    for reads, same in rules.items():
        names = tuple(reads)
        yield _Alone(group.group, names, tuple(at[name] for name in names), tuple(same))


def _gates(group: _PartPlan) -> Iterator[_Alone]:
    """For each rule of a group that goes by more than its own texts, those of these that it need not be asked for."""
    at = dict(group.texts)
    for rule in group.rules:
        reads = [one.reads for one in rule.when if one.reads is not None]
        if rule.reads is None and reads:
            names = tuple(frozenset().union(*reads) & at.keys())
            yield _Alone(group.group, names, tuple(at[name] for name in names), (rule,))


def _across(groups: Mapping[int, Sequence[_PartPlan]]) -> list[_Across]:
    """The rules that go by more than the texts of one group."""
    rules = {id(one): one for each in groups.values() for group in each for one in group.rules if one.reads is None}
    made: list[_Across] = []
    for rule in rules.values():
        own = {
            number: [group._replace(rules=tuple(one for one in group.rules if one is rule)) for group in each]
            for number, each in groups.items()
        }
        visited = _visited(own)
        places = {number: tuple(at for group in each for _, at in group.texts) for number, each in visited.items()}
        made.append(_Across(rule, visited, places))
    return made


def _visited(groups: Mapping[int, Sequence[_PartPlan]]) -> dict[int, _Groups]:
    """The groups and texts without those that no rule is left for."""
    visited = {name for each in groups.values() for group in each for rule in group.rules for name in rule.visits}
    return {number: _left(each, visited) for number, each in groups.items()}


def _left(groups: Sequence[_PartPlan], visited: set[str]) -> _Groups:
    wanted = {0}
    for place, group in enumerate(groups):
        if group.rules or group.group.name in visited:
            above = place
            while above not in wanted:
                wanted.add(above)
                above = groups[above].above
    new = {old: place for place, old in enumerate(sorted(wanted))}
    return tuple(
        groups[old]._replace(
            above=new.get(groups[old].above, -1),
            texts=tuple(one for one in groups[old].texts if one[0] in visited or EVERY_TEXT in visited),
        )
        for old in sorted(wanted)
    )


def _make(groups: Sequence[_PartPlan], texts: Found, own: Part, asked: list[tuple[Part, Sequence[Rule]]]) -> list[Part]:
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
