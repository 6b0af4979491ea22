"""Which segments stand where in a message, and finding the group to which a segment belongs.

A table is a line of tags, each with how often it may stand where that is more than once; brackets hold a segment
group that begins with its trigger, after the number of the group and, behind an asterisk, how often it may stand.
What must stand has an exclamation mark.

Source: UN/EDIFACT directories D.21A and D.24A, whose four customs messages are the same. Directories before them
have other numbers for the groups and some segments in other places, so groups are named here by their trigger, and
a segment out of its place still goes to the innermost group that knows it.
"""

from __future__ import annotations

import re

import msgspec

TABLES = {
    "CUSCAR": (
        "BGM! DTM9 LOC9 QTY9 (1*99 RFF! DTM9) (2*99 NAD! DTM (3*9 CTA! COM9)) FTX9 (4*9 TDT! LOC99 DTM99) GEI9 "
        "(5*9999 EQD! TSR9 MEA9 DIM9 SEL9 NAD9 GEI9 LOC (6*9 TMP! RNG)) CNT9 (7*9999 CNI! CNT9 (8*9999 RFF! CNT9 "
        "MOA9 LOC99 GEI9 CUX9 CPI9 (9*9 TDT! LOC9 DTM9 MEA9 (10*9 RFF! TSR9)) (11*99 NAD! DTM9 RFF9 (12*9 CTA! "
        "COM9)) (13*9 QTY! FTX9) (14*9999! GID! PAC9 HAN9 FTX99 MEA99 MOA9 SGP9999 DGS99 PCI9 CST LOC9 TMD9 (15*9 "
        "GEI! DTM9 DOC9 PAC9 MEA9) (16*9 QTY! FTX)))) (17*1 AUT! DTM9 RFF9)"
    ),
    "CUSDEC": (
        "BGM! CST LOC99 DTM15 GEI25 FII MEA5 EQD999 SEL999 FTX99 (1*99 RFF! DTM (2*10 PAC! (3*999 PCI! FTX))) "
        "(4*5 TDT! TPL) (5*99 DOC! DTM2 LOC) (6*99 NAD! RFF10 CTA COM5) (7*1 TOD! LOC2 FTX) (8*25 MOA! (9*1 CUX! "
        "DTM)) (10*99 EFI! CED99 COM9 RFF9 DTM9 QTY9) UNS! (11*999 DMS! DTM MEA5 (12*25 MOA! (13*1 CUX! DTM)) "
        "(14*1 TOD! LOC2 FTX) (15*10 NAD! (16*10 DOC! DTM2 LOC)) (17*10 PAC! (18*999 PCI! FTX RFF)) (19*5 PYT! "
        "MOA PCD FTX) (20*10 ALC! RTE MOA PCD QTY (21*1 CUX! DTM)) (22*9999 LIN! PIA QTY PRI2 PCD MEA15 QVR5 "
        "MOA15 NAD10 GIR9999 GEI99 LOC (23*10 DOC! DTM2) (24*10 ALC! RTE MOA PCD QTY (25*1 CUX! DTM)) (26*1 TOD! "
        "LOC2) (27*5 PYT! MOA PCD FTX) (28*99 IMD! FTX) (29*10 PAC! (30*999 PCI! FTX RFF))) (31*99 EFI! CED99 "
        "COM9 RFF9 DTM9 QTY9)) (32*99999 CST! FTX9 LOC25 DTM5 MEA20 NAD5 TDT9 (33*10 PAC! (34*999 PCI! FTX)) "
        "(35*25 MOA! (36*1 CUX! DTM)) (37*999 RFF! DTM GIN99 MOA (38*1 IMD! FTX5)) (39*25 DOC! DTM2 LOC NAD5) "
        "(40*1 TOD! LOC2 FTX) (41*1 GDS! FTX) (42*25 GEI! PCD DTM RFF) (43*10 TAX! MOA2 GEI) (44*1 QVR! QTY (45*1 "
        "RFF! DTM)) (46*50 GIR! GEI10 NAD MEA5 (47*10 MOA! (48*1 CUX! DTM)) (49*10 TAX! MOA2 GEI) (50*5 DOC! DTM2 "
        "LOC))) UNS! CNT5 (51*50 TAX! MOA2 GEI) (52*1 AUT! DTM)"
    ),
    "CUSEXP": (
        "BGM! DTM5 LOC5 CNT9 (1*1! NAD! (2*5 CTA! COM5)) (3*1! TDT! DTM (4*9 LOC! DTM9)) (5*99 EQD! SEL9) (6*999 "
        "RFF! NAD2 CNT (7*9999! CNI! SGP9 CNT9 MEA LOC2 NAD5 (8*1 GDS! FTX) (9*999 PAC! PCI) (10*1 TOD! LOC FTX) "
        "(11*10 MOA! (12*1 CUX! DTM)) (13*9 TAX! MOA GEI) (14*9 DOC! DTM LOC) (15*99 CST! FTX LOC! MEA9 (16*9 "
        "TAX! MOA GEI)))) (17*1 AUT! DTM)"
    ),
    "CUSRES": (
        "BGM! DTM9 FTX99 TDT9 LOC99 GEI10 EQD999 (1*99 NAD! (2*9 CTA! COM9)) (3*999 RFF! DTM9 LOC9) (4*99999 ERP! "
        "RFF9 ERC99 FTX99) (5*99 TAX! MOA99 GEI99) (6*99999 DOC! PAC9 RFF9 PCI9 FTX99 TDT9 LOC9 DTM9 GEI99 MEA99 "
        "EQD999 (7*9 NAD! (8*9 CTA! COM9)) (9*99 MOA! (10*9 CUX! DTM)) (11*99 TAX! MOA99 GEI99) (12*9999 CST! "
        "FTX9 (13*99999 TAX! MOA99 GEI99 MEA9 RFF9)) (14*9999 ERP! RFF9 ERC9999 FTX9)) CNT9 (15*9 AUT! DTM9)"
    ),
    "CONTRL": "UCI! (1*999999 UCF! (2*999999 UCM! (3*999 UCS! UCD99))) (4*999999 UCM! (5*999 UCS! UCD99))",
}
"""The segments of each message between UNH and UNT. CONTRL is that of syntax version 3 and 4, without security."""

ALSO = {"GIS": "GEI"}
"""Segments of old directories that stand where those of today do."""

_WORD = re.compile(
    r"\((?P<number>\d+)\*(?P<times>\d+)(?P<must>!?)|(?P<end>\))|(?P<tag>[A-Z]{3})(?P<repeats>\d*)(?P<needed>!?)"
)


class Member(msgspec.Struct, frozen=True):
    """What may stand in a group: a segment, or a group with its own members, of which the first is its trigger.

    It may stand `most` times, and must stand at least once where it `is_needed`.
    """

    tag: str
    most: int = 1
    is_needed: bool = False
    number: int = 0
    members: tuple[Member, ...] = ()
    where: dict[str, list[int]] = {}
    """The places in `members` of each tag or trigger."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a segment belongs: the triggers of the groups around it.

    `groups` says too which of its name each is, from 1: 'CST[2]/MOA[1]'. `is_trigger` says that the segment begins
    the innermost of them, `is_displaced` that it stood out of order, `is_beyond` that it is the first there beyond what
    may stand. `lacking` are the segments that had to come in what ended before it: 'CST[2]/LOC'.
    """

    path: tuple[str, ...] = ()
    groups: str = ""
    is_trigger: bool = False
    is_displaced: bool = False
    is_beyond: bool = False
    lacking: tuple[str, ...] = ()


class _Frame:
    """A group that is open: how often each of its members has stood, and how far it has come."""

    __slots__ = ("counts", "group", "index", "inside")

    def __init__(self, group: Member, inside: Place, *, index: int = 0) -> None:
        self.group, self.inside, self.index = group, inside, index
        self.counts = [0] * len(group.members)
        self.counts[:index] = [1] * index

    def lacking(self) -> list[str]:
        missing = [m.tag for m, count in zip(self.group.members, self.counts, strict=True) if m.is_needed and not count]
        return [f"{self.inside.groups}/{tag}".removeprefix("/") for tag in missing]

    def with_room(self, tag: str) -> int | None:
        """The first place from here on where the tag may stand once more."""
        ahead = (place for place in self.group.where.get(tag, ()) if place >= self.index)
        return next((place for place in ahead if self.counts[place] < self.group.members[place].most), None)

    def in_order(self, tag: str) -> int | None:
        """The last place from here on where the tag may stand, though it stood there as often as it may."""
        places = self.group.where.get(tag)
        return places[-1] if places and places[-1] >= self.index else None

    def anywhere(self, tag: str) -> int | None:
        """The last place where the tag may stand, though the group has gone beyond it."""
        places = self.group.where.get(tag)
        return places[-1] if places else None


def _parsed(table: str) -> Member:
    open_groups: list[tuple[int, int, bool, list[Member]]] = [(0, 1, True, [])]
    for word in _WORD.finditer(table):
        if word["number"]:
            open_groups.append((int(word["number"]), int(word["times"]), bool(word["must"]), []))
        elif word["end"]:
            number, most, is_needed, members = open_groups.pop()
            open_groups[-1][3].append(_group(members, number=number, most=most, is_needed=is_needed))
        else:
            open_groups[-1][3].append(Member(word["tag"], int(word["repeats"] or 1), bool(word["needed"])))
    return _group(open_groups[0][3])


def _group(members: list[Member], *, number: int = 0, most: int = 1, is_needed: bool = True) -> Member:
    where: dict[str, list[int]] = {}
    for place, member in enumerate(members):
        where.setdefault(member.tag, []).append(place)
    return Member(members[0].tag if number else "", most, is_needed, number, tuple(members), where)


GRAMMARS = {name: _parsed(table) for name, table in TABLES.items()}
"""The table of each message, taken apart."""


class Walker:
    """Goes through a message segment by segment and says where each belongs."""

    def __init__(self, message: str) -> None:
        self._stack = [_Frame(GRAMMARS[message], Place())]

    def place(self, tag: str) -> Place | None:
        """Where this segment belongs; None where no group on the way knows it."""
        tag = ALSO.get(tag, tag)
        for look in (_Frame.with_room, _Frame.in_order, _Frame.anywhere):
            for depth in range(len(self._stack) - 1, -1, -1):
                position = look(self._stack[depth], tag)
                if position is not None:
                    return self._enter(depth, position, is_displaced=look is _Frame.anywhere)
        return None

    def lacking(self) -> tuple[str, ...]:
        """The segments that had to come in what is open still, now that the message ends."""
        return self._closed(0)

    def _closed(self, depth: int) -> tuple[str, ...]:
        return tuple(tag for frame in reversed(self._stack[depth:]) for tag in frame.lacking())

    def _enter(self, depth: int, position: int, *, is_displaced: bool) -> Place:
        lacking = self._closed(depth + 1)
        del self._stack[depth + 1 :]
        frame = self._stack[depth]
        member = frame.group.members[position]
        frame.counts[position] += 1
        count = frame.counts[position]
        is_beyond = count == member.most + 1  # the first that is too many tells of all
        if not is_displaced:
            frame.index = position
        if not member.members:
            if not (is_displaced or is_beyond or lacking):
                return frame.inside
            return msgspec.structs.replace(
                frame.inside, is_displaced=is_displaced, is_beyond=is_beyond, lacking=lacking
            )
        groups = f"{frame.inside.groups}/{member.tag}[{count}]".removeprefix("/")
        inside = Place((*frame.inside.path, member.tag), groups)
        self._stack.append(_Frame(member, inside, index=1))
        return msgspec.structs.replace(
            inside, is_trigger=True, is_displaced=is_displaced, is_beyond=is_beyond, lacking=lacking
        )
