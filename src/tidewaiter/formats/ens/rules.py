"""The business rules of `rules.csv`, made ready to be asked of a message.

A rule stands at a group or at an element, its `at`, and is asked wherever that stands in the message. It is broken
where all conditions in `when` hold and none in `must`; with nothing in `must` it is broken where `when` holds. A
condition is a path, a test and what the test needs:

    TraModAtBorHEA76 in 1 8        the number is one of these, noughts before it not counted
    SpeCirIndHEA1 is C D E         the text is one of these; `is_not` the opposite, also where there is none
    TINCE159 begins GB             `begins_not` where it is there and begins otherwise
    ConRefNumHEA like flight       the text is of this form of `forms.csv`
    NamCE17 present                and `absent`
    ITI at_least 2                 how many there are; `at_most` likewise
    . same_as /PERLODSUMDEC/TIN…   two texts are equal
    TotNumOfIteHEA305 counts /GOO… the number is how many of those there are

`.` is the element at which the rule stands, `../` leads to the group above, `/` to the root. Where a path leads to
several elements, one that passes is enough. `&` joins two conditions of `must` that have to hold together. What no
such condition can say is a named predicate in `predicates`.

Source of codes and conditions: HMRC, import control entry declaration store, business rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tidewaiter.formats.ens.part import Part
from tidewaiter.formats.ens.predicates import PREDICATES, VISITED
from tidewaiter.formats.ens.shape import Group, Leaf
from tidewaiter.formats.ens.tables import CODES, RULES, DataSet, RuleRow, form_of

_Asks = Callable[[Part], bool]
_One = Callable[[Part], "str | None"]
_Many = Callable[[Part], "Sequence[str | Part]"]
_PADDED = 8
"""Numbers in the message have at most so many digits, with noughts before them."""


class Condition(NamedTuple):
    """Whether it holds, and whether that is so in every message with the same elements and the same `CODES`; the
    elements of the group itself whose texts it goes by, None where it goes by more."""

    holds: _Asks
    is_of_shape: _Asks
    reads: frozenset[str] | None = None


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A rule at a group: `leaf` is the element in it at which it stands, '' for the group itself.

    `about` is that element or group in it that our pointer leads to: the one that is missing or not as it should be.
    Where there is no element `wants`, or there is `kept_by`, the rule is not broken and need not be asked; '' for none.
    `visits` are the groups and elements that its conditions go to, and `reads` the elements of the group itself by
    whose texts it goes alone; None where it goes by more.
    """

    code: str
    leaf: str
    about: str
    is_broken: _Asks
    wants: str
    kept_by: str
    when: Sequence[Condition]
    must: Sequence[Sequence[Condition]]
    visits: frozenset[str]
    reads: frozenset[str] | None

    def is_kept_by_shape(self, part: Part) -> bool:
        """Whether it is not broken in a message of these elements and codes, whatever its other texts say."""
        return any(one.is_of_shape(part) and not one.holds(part) for one in self.when) or any(
            all(one.is_of_shape(part) and one.holds(part) for one in joined) for joined in self.must
        )


class Asked(NamedTuple):
    """The rules to be asked of each such group, and those of each element that is in it."""

    of_group: Sequence[Rule]
    of_leaves: Mapping[str, Sequence[Rule]]


class RuleBook:
    """The rules of a message by the group that they are asked at."""

    def __init__(self, root: Group, data_set: DataSet) -> None:
        self._by_path: dict[tuple[str, ...], list[Rule]] = {}
        self._of_group: dict[Group, Asked] = {}
        for row in RULES:
            if row.data_set in ("", data_set):
                self._add(row, root)
        self._hand_out(root, ())

    def at(self, group: Group) -> Asked:
        """The rules to be asked of each such group."""
        return self._of_group[group]

    def asked_of(self, part: Part) -> list[Rule]:
        """The rules that a part may break, going by which elements stand in it."""
        of_group, of_leaves = self.at(part.group)
        texts = part.texts
        asked = [rule for rule in of_group if rule.kept_by not in texts and (not rule.wants or rule.wants in texts)]
        if of_leaves:
            for leaf in texts:
                for rule in of_leaves.get(leaf, ()):
                    if not rule.wants or rule.wants in texts:
                        asked.append(rule)
        return asked

    def _add(self, row: RuleRow, root: Group) -> None:
        here: Group | Leaf | None = root
        within = root
        groups: list[str] = []
        for step in row.at:
            here = here.inner.get(step) if isinstance(here, Group) else None
            if isinstance(here, Group):
                within = here
                groups.append(step)
        if here is None:  # an element that this message does not have
            return
        leaf = here.name if isinstance(here, Leaf) else ""
        place = _Place(tuple(groups), leaf, root)
        when = tuple(_condition(text, place) for text in row.when)
        must = tuple(tuple(_condition(one.strip(), place) for one in text.split("&")) for text in row.must)
        rule = Rule(
            row.code,
            leaf,
            leaf or _about(row),
            _broken([one.holds for one in when], [_together(joined) for joined in must]),
            wants=_beside(row.when, _OF_A_TEXT, within, leaf),
            kept_by=_beside(row.must, ("present",), within, leaf) or _beside(row.when, ("absent",), within, leaf),
            when=when,
            must=must,
            visits=frozenset((leaf,)).union(*map(_visits, (*row.when, *row.must))),
            reads=_all_of([one.reads for one in (*when, *(one for joined in must for one in joined))]),
        )
        self._by_path.setdefault(tuple(groups), []).append(rule)

    def _hand_out(self, group: Group, path: tuple[str, ...]) -> None:
        of_leaves: dict[str, list[Rule]] = {}
        rules = self._by_path.get(path, [])
        for rule in rules:
            if rule.leaf:
                of_leaves.setdefault(rule.leaf, []).append(rule)
        self._of_group[group] = Asked([rule for rule in rules if not rule.leaf], of_leaves)
        for name, inner in group.inner.items():
            if isinstance(inner, Group):
                self._hand_out(inner, (*path, name))


def _visits(condition: str) -> frozenset[str]:
    """The names in a condition, or those that its predicate goes to."""
    return VISITED.get(condition) or frozenset(re.split(r"[ /]", condition))


def _all_of(each: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    """What several conditions go by, None where one of them goes by more than texts of its own group."""
    told = [one for one in each if one is not None]
    return frozenset().union(*told) if len(told) == len(each) else None


def _about(row: RuleRow) -> str:
    """The first element or group of its own that the rule speaks of: the one it wants, else the one it asks about."""
    for condition in (*row.must, *row.when):
        path, _, test = condition.partition(" ")
        if test and path[0] not in "./":
            return path.partition("/")[0]
    return ""


def _beside(conditions: Sequence[str], tests: Sequence[str], group: Group, leaf: str) -> str:
    """The first element of the group that a rule at it, or at a leaf in it, puts one of these tests to alone; or ''."""
    for condition in conditions:
        path, _, told = condition.partition(" ")
        name = path.removeprefix("../") if leaf else path
        if "&" not in condition and told.partition(" ")[0] in tests and isinstance(group.inner.get(name), Leaf):
            return name
    return ""


_OF_A_TEXT = ("present", "is", "in", "begins", "begins_not", "like", "same_as")
"""Tests that fail where there is no text."""


def _broken(when: Sequence[_Asks], must: Sequence[_Asks]) -> _Asks:
    """Whether a part breaks the rule. A rule about an element is asked only where that stands."""
    if len(when) == 1 and len(must) == 1:
        [only_when], [only_must] = when, must
        return lambda part: only_when(part) and not only_must(part)
    if not when and len(must) == 1:
        [only] = must
        return lambda part: not only(part)
    if len(when) == 1 and not must:
        return when[0]

    def is_broken(part: Part) -> bool:
        for condition in when:
            if not condition(part):
                return False
        return not any(condition(part) for condition in must)

    return is_broken


def _together(joined: Sequence[Condition]) -> _Asks:
    if len(joined) == 1:
        return joined[0].holds
    return lambda part: all(condition.holds(part) for condition in joined)


def _always(_: Part) -> bool:
    return True


def _never(_: Part) -> bool:
    return False


class _Place(NamedTuple):
    """Where the rule of a condition stands: the groups down to it, and the element in the last."""

    groups: tuple[str, ...]
    leaf: str
    root: Group


def _condition(text: str, place: _Place) -> Condition:
    path, test, *told = text.split() if " " in text else ("", text)
    if not path:
        return Condition(PREDICATES[test], _never)
    if test in ("at_least", "at_most", "counts"):
        # How many items there are is not of the shape.
        return Condition(
            _counting(path, test, told, place), _never if "GOOITEGDS" in text or test == "counts" else _always
        )
    if test == "same_as":
        left, right = _one(path, place), _one(told[0], place)
        return Condition(
            lambda part: left(part) is not None and left(part) == right(part),
            lambda part: left(part) is None or right(part) is None,
            _all_of([_own(path, place), _own(told[0], place)]),
        )
    fits = _TESTS[test](told)
    if _leads_to_one_text(path, place):
        way = _way(path, place)
        one = _one(path, place)
        is_of_shape = _always if test in ("present", "absent") or way.leaf in CODES else lambda part: one(part) is None
        if way.start == "self" and not way.groups:
            leaf = way.leaf
            return Condition(lambda part: fits(part.texts.get(leaf)), is_of_shape, _own(path, place))
        return Condition(lambda part: fits(one(part)), is_of_shape)
    many = _many(path, place)
    if test == "present":
        return Condition(lambda part: bool(many(part)), _always)
    if test == "absent":
        return Condition(lambda part: not many(part), _always)
    return Condition(
        lambda part: any(isinstance(found, str) and fits(found) for found in many(part)),
        _always if _way(path, place).leaf in CODES else lambda part: not many(part),
    )


def _counting(path: str, test: str, told: Sequence[str], place: _Place) -> _Asks:
    if test == "counts":
        one, counted = _one(path, place), _many(told[0], place)
        return lambda part: int(one(part) or 0) == len(counted(part))
    many, limit = _many(path, place), int(told[0])
    if test == "at_least":
        return lambda part: len(many(part)) >= limit
    return lambda part: len(many(part)) <= limit


_Fits = Callable[["str | None"], bool]


def _is(told: Sequence[str]) -> _Fits:
    return frozenset(told).__contains__


def _is_not(told: Sequence[str]) -> _Fits:
    unwanted = frozenset(told)
    return lambda text: text not in unwanted


def _in(told: Sequence[str]) -> _Fits:
    return _is([number.zfill(width) for number in told for width in range(1, _PADDED)])


def _not_in(told: Sequence[str]) -> _Fits:
    return _is_not([number.zfill(width) for number in told for width in range(1, _PADDED)])


def _begins(told: Sequence[str]) -> _Fits:
    [start] = told
    return lambda text: text is not None and text.startswith(start)


def _begins_not(told: Sequence[str]) -> _Fits:
    [start] = told
    return lambda text: text is not None and not text.startswith(start)


def _like(told: Sequence[str]) -> _Fits:
    matches = re.compile(form_of(told[0]).pattern).fullmatch
    return lambda text: text is not None and matches(text) is not None


def _present(_: Sequence[str]) -> _Fits:
    return lambda text: text is not None


def _absent(_: Sequence[str]) -> _Fits:
    return lambda text: text is None


_TESTS: dict[str, Callable[[Sequence[str]], _Fits]] = {
    "is": _is, "is_not": _is_not, "in": _in, "not_in": _not_in, "begins": _begins, "begins_not": _begins_not,
    "like": _like, "present": _present, "absent": _absent,
}  # fmt: skip


class _Way(NamedTuple):
    """A path taken apart: where it starts, the groups down from there, and the element in the last, or ''."""

    start: str
    groups: tuple[str, ...]
    leaf: str
    is_single: bool
    """Whether each of those groups stands at most once."""


def _way(path: str, place: _Place) -> _Way:
    if path == ".":
        return _Way("self", (), place.leaf, is_single=True)
    above: tuple[str, ...] = ()
    if path.startswith("/"):
        start, steps = "root", path[1:].split("/")
    elif path.startswith("../") and not place.leaf:
        start, steps, above = "above", path[3:].split("/"), place.groups[:-1]
    else:
        start, steps, above = "self", path.removeprefix("../").split("/"), place.groups
    here = place.root
    for step in above:
        here = _group(here, step)
    is_single = True
    for step in steps[:-1]:
        here = _group(here, step)
        is_single = is_single and here.most == 1
    last = here.inner[steps[-1]]
    if isinstance(last, Leaf):
        return _Way(start, tuple(steps[:-1]), steps[-1], is_single)
    return _Way(start, tuple(steps), "", is_single=False)


def _own(path: str, place: _Place) -> frozenset[str] | None:
    """The element of the group itself that the path leads to; None where it leads elsewhere."""
    way = _way(path, place)
    return frozenset((way.leaf,)) if way.start == "self" and way.leaf and not way.groups else None


def _group(above: Group, name: str) -> Group:
    inner = above.inner[name]
    if not isinstance(inner, Group):
        raise KeyError(name)
    return inner


def _leads_to_one_text(path: str, place: _Place) -> bool:
    way = _way(path, place)
    return bool(way.leaf) and way.is_single


def _one(path: str, place: _Place) -> _One:
    """What finds the one text at the end of the path."""
    start, groups, leaf, _ = _way(path, place)
    if not groups:
        if start == "self":
            return lambda part: part.texts.get(leaf)
        if start == "above":
            return lambda part: part.above.texts.get(leaf)
        return lambda part: part.root.texts.get(leaf)
    if start == "root" and len(groups) == 1:
        [group] = groups

        def find(part: Part) -> str | None:
            found = part.root.groups.get(group)
            return None if found is None else found[0].texts.get(leaf)

        return find
    many = _many(path, place)

    def find_first(part: Part) -> str | None:
        for found in many(part):
            if isinstance(found, str):
                return found
        return None

    return find_first


def _many(path: str, place: _Place) -> _Many:
    """What finds all texts or groups at the end of the path."""
    start, groups, leaf, _ = _way(path, place)
    if len(groups) == 1 and not leaf and start != "above":
        [only] = groups
        if start == "self":
            return lambda part: part.groups.get(only, ())
        return lambda part: part.root.groups.get(only, ())

    def find(part: Part) -> Sequence[str | Part]:
        first = part if start == "self" else part.above if start == "above" else part.root
        parts = [first]
        for group in groups:
            parts = [inner for one in parts for inner in one.groups.get(group, ())]
            if not parts:
                return ()
        if leaf:
            return [one.texts[leaf] for one in parts if leaf in one.texts]
        return parts

    return find
