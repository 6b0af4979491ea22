"""Which segments stand where in a message, and finding the group to which a segment belongs.

A table is a line of tags; brackets hold a segment group that begins with its trigger, after the number of the group;
`1` after a tag says that it may stand once where a group with the same trigger follows. How often others may repeat
is not held against the sender.

Source: UN/EDIFACT directories D.21A and D.24A, whose four customs messages are the same. Directories before them
have other numbers for the groups and some segments in other places, so groups are named here by their trigger, and
a segment out of its place still goes to the innermost group that knows it.
"""

from __future__ import annotations

import re

import msgspec

TABLES = {
    "CUSCAR": (
        "BGM DTM LOC QTY (1 RFF DTM) (2 NAD DTM (3 CTA COM)) FTX (4 TDT LOC DTM) GEI "
        "(5 EQD TSR MEA DIM SEL NAD GEI LOC (6 TMP RNG)) CNT "
        "(7 CNI CNT (8 RFF CNT MOA LOC GEI CUX CPI (9 TDT LOC DTM MEA (10 RFF TSR)) (11 NAD DTM RFF (12 CTA COM)) "
        "(13 QTY FTX) (14 GID PAC HAN FTX MEA MOA SGP DGS PCI CST LOC TMD (15 GEI DTM DOC PAC MEA) (16 QTY FTX)))) "
        "(17 AUT DTM RFF)"
    ),
    "CUSDEC": (
        "BGM CST1 LOC DTM GEI FII MEA EQD SEL FTX (1 RFF DTM (2 PAC (3 PCI FTX))) (4 TDT TPL) (5 DOC DTM LOC) "
        "(6 NAD RFF CTA COM) (7 TOD LOC FTX) (8 MOA (9 CUX DTM)) (10 EFI CED COM RFF DTM QTY) UNS1 "
        "(11 DMS DTM MEA (12 MOA (13 CUX DTM)) (14 TOD LOC FTX) (15 NAD (16 DOC DTM LOC)) (17 PAC (18 PCI FTX RFF)) "
        "(19 PYT MOA PCD FTX) (20 ALC RTE MOA PCD QTY (21 CUX DTM)) "
        "(22 LIN PIA QTY PRI PCD MEA QVR MOA NAD GIR GEI LOC (23 DOC DTM) (24 ALC RTE MOA PCD QTY (25 CUX DTM)) "
        "(26 TOD LOC) (27 PYT MOA PCD FTX) (28 IMD FTX) (29 PAC (30 PCI FTX RFF))) (31 EFI CED COM RFF DTM QTY)) "
        "(32 CST FTX LOC DTM MEA NAD TDT (33 PAC (34 PCI FTX)) (35 MOA (36 CUX DTM)) "
        "(37 RFF DTM GIN MOA (38 IMD FTX)) (39 DOC DTM LOC NAD) (40 TOD LOC FTX) (41 GDS FTX) (42 GEI PCD DTM RFF) "
        "(43 TAX MOA GEI) (44 QVR QTY (45 RFF DTM)) "
        "(46 GIR GEI NAD MEA (47 MOA (48 CUX DTM)) (49 TAX MOA GEI) (50 DOC DTM LOC))) "
        "UNS CNT (51 TAX MOA GEI) (52 AUT DTM)"
    ),
    "CUSEXP": (
        "BGM DTM LOC CNT (1 NAD (2 CTA COM)) (3 TDT DTM (4 LOC DTM)) (5 EQD SEL) "
        "(6 RFF NAD CNT (7 CNI SGP CNT MEA LOC NAD (8 GDS FTX) (9 PAC PCI) (10 TOD LOC FTX) (11 MOA (12 CUX DTM)) "
        "(13 TAX MOA GEI) (14 DOC DTM LOC) (15 CST FTX LOC MEA (16 TAX MOA GEI)))) (17 AUT DTM)"
    ),
    "CUSRES": (
        "BGM DTM FTX TDT LOC GEI EQD (1 NAD (2 CTA COM)) (3 RFF DTM LOC) (4 ERP RFF ERC FTX) (5 TAX MOA GEI) "
        "(6 DOC PAC RFF PCI FTX TDT LOC DTM GEI MEA EQD (7 NAD (8 CTA COM)) (9 MOA (10 CUX DTM)) (11 TAX MOA GEI) "
        "(12 CST FTX (13 TAX MOA GEI MEA RFF)) (14 ERP RFF ERC FTX)) CNT (15 AUT DTM)"
    ),
    "CONTRL": "UCI (1 UCF (2 UCM (3 UCS UCD))) (4 UCM (5 UCS UCD))",
}
"""The segments of each message between UNH and UNT. CONTRL is that of syntax version 3 and 4, without security."""

ALSO = {"GIS": "GEI"}
"""Segments of old directories that stand where those of today do."""

_WORD = re.compile(r"\(\d+|\)|[A-Z]{3}1?")


class Group(msgspec.Struct):
    """A segment group: its trigger and what may follow, tags and further groups, in their order."""

    trigger: str
    number: int
    members: list[Group | str]
    once: set[int]
    where: dict[str, list[int]]
    """The places in `members` of each tag or trigger."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a segment belongs: the triggers of the groups around it.

    `groups` says too which of its name each is, from 1: 'CST[2]/MOA[1]'. `is_trigger` says that the segment begins
    the innermost of them, `is_displaced` that it stood out of order.
    """

    path: tuple[str, ...] = ()
    groups: str = ""
    is_trigger: bool = False
    is_displaced: bool = False


class _Frame:
    __slots__ = ("counts", "group", "index", "inside")

    def __init__(self, group: Group, index: int, inside: Place) -> None:
        self.group, self.index, self.inside = group, index, inside
        self.counts: dict[int, int] = {}


def _parsed(table: str) -> Group:
    stack = [Group("", 0, [], set(), {})]
    number: int | None = None
    for word in _WORD.findall(table):
        if word == ")":
            stack.pop()
        elif word.startswith("("):
            number = int(word[1:])
        else:
            tag, group = word[:3], stack[-1]
            if number is not None:  # the trigger of a new group
                inner = Group(tag, number, [tag], set(), {})
                group.where.setdefault(tag, []).append(len(group.members))
                group.members.append(inner)
                stack.append(inner)
                number = None
                continue
            group.where.setdefault(tag, []).append(len(group.members))
            if word.endswith("1"):
                group.once.add(len(group.members))
            group.members.append(tag)
    return stack[0]


GRAMMARS = {name: _parsed(table) for name, table in TABLES.items()}
"""The table of each message, taken apart."""


class Walker:
    """Goes through a message segment by segment and says where each belongs."""

    def __init__(self, message: str) -> None:
        self._stack = [_Frame(GRAMMARS[message], 0, Place())]

    def place(self, tag: str) -> Place | None:
        """Where this segment belongs; None where no group on the way knows it."""
        tag = ALSO.get(tag, tag)
        for is_strict in (True, False):
            for depth in range(len(self._stack) - 1, -1, -1):
                frame = self._stack[depth]
                position = _position(frame, tag, is_strict=is_strict)
                if position is not None:
                    return self._enter(depth, position, is_displaced=not is_strict)
        return None

    def _enter(self, depth: int, position: int, *, is_displaced: bool) -> Place:
        del self._stack[depth + 1 :]
        frame = self._stack[depth]
        member = frame.group.members[position]
        if not is_displaced:
            frame.index = position + (position in frame.group.once)
        if not isinstance(member, Group):
            return frame.inside if not is_displaced else msgspec.structs.replace(frame.inside, is_displaced=True)
        count = frame.counts[position] = frame.counts.get(position, 0) + 1
        path = (*frame.inside.path, member.trigger)
        groups = f"{frame.inside.groups}/{member.trigger}[{count}]".removeprefix("/")
        self._stack.append(_Frame(member, 1, Place(path, groups)))
        return Place(path, groups, is_trigger=True, is_displaced=is_displaced)


def _position(frame: _Frame, tag: str, *, is_strict: bool) -> int | None:
    positions = frame.group.where.get(tag)
    if positions is None:
        return None
    if not is_strict:
        return positions[-1]
    return next((position for position in positions if position >= frame.index), None)
