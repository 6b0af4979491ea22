"""The profile in EDIFACT, unverified: no sample of a postal message in EDIFACT is public, nor are the UPU's tables.

The syntax is that of UN/EDIFACT; which segment holds which element is our own choice and stands in `fields.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tidewaiter.formats.edifact import kinds as e
from tidewaiter.formats.edifact import tokens
from tidewaiter.formats.edifact.places import Spot, named
from tidewaiter.formats.edifact.tokens import Flaw, segment, tokenise
from tidewaiter.formats.edifact.values import clean, instant, instant_text
from tidewaiter.formats.edifact.writing import interchange
from tidewaiter.formats.post import kinds as k
from tidewaiter.formats.post.node import Branch, Opened, Text
from tidewaiter.formats.post.shape import MESSAGES, Group, Leaf, Position, Segment
from tidewaiter.formats.text import found
from tidewaiter.formats.values import Unfit, kind_of
from tidewaiter.model.finding import Kind

ISSUED = "issued_at"
VERSIONS = dict.fromkeys(MESSAGES, ("D", "00A", "UP"))
"""What follows the name in UNH: the directory that the European mapping of ITMATT uses (CEN/TR 17536), and the UPU."""


def opened(data: bytes) -> Opened:
    """The messages of an interchange as trees. Places are those of `formats.edifact`."""
    reader = _Reader()
    for token in tokenise([data]):
        reader.take(token)
    return reader.finish()


class _Reader:
    """Goes through the segments, keeps the counts and the groups that are open."""

    def __init__(self) -> None:
        self.made = Opened([], [], [])
        self._interchange: str | None = None
        self._messages = 0
        self._spot = Spot()
        self._reference: str | None = None
        self._count = 0
        self._stack: list[tuple[Group, Branch]] = []

    def take(self, token: tokens.Segment | Flaw) -> None:
        """Take what the tokenizer gave."""
        if isinstance(token, Flaw):
            self._say(token.kind, "" if token.kind in (e.TAG, e.LINE_BREAK, e.CUT_OFF) else token.detail)
            self._count += token.kind is e.TAG
        elif token.tag == "UNB":
            self._end_interchange(None)
            self._interchange, self._messages = token.at(4), 0
            self._spot = Spot(interchange=named(self._interchange))
        elif token.tag == "UNZ":
            self._end_interchange(token)
        elif token.tag == "UNH":
            self._open(token)
        elif token.tag == "UNT":
            self._close(token)
        elif token.tag not in ("UNG", "UNE"):
            self._body(token)

    def finish(self) -> Opened:
        """What was read."""
        self._end_interchange(None)
        return self.made

    def _say(self, kind: Kind, detail: str) -> None:
        self.made.findings.append(found(kind, detail, source_pointer=str(self._spot) or "segment 1"))

    def _open(self, token: tokens.Segment) -> None:
        self._close(None)
        if self._interchange is None:
            self._say(e.NO_INTERCHANGE, "UNH")
        self._messages += 1
        self._reference, self._count = token.at(0), 1
        name = token.at(1)
        self._spot = Spot(
            interchange=self._spot.interchange, count=self._messages, message=named(self._reference), type=named(name)
        )
        if name in MESSAGES:
            branch = Branch(str(self._spot))
            self._stack = [(MESSAGES[name], branch)]
            self.made.messages.append((name, branch))
        else:
            self._say(k.UNKNOWN_MESSAGE, "")
            self.made.dropped.append(str(self._spot))

    def _close(self, token: tokens.Segment | None) -> None:
        if self._reference is None:
            if token is not None:
                self._say(e.NO_INTERCHANGE, "UNT")
            return
        if token is None:
            self._say(e.NOT_ENDED, "UNT")
        else:
            self._compare("UNT", token, self._count + 1, self._reference)
        self._reference, self._stack = None, []

    def _end_interchange(self, token: tokens.Segment | None) -> None:
        self._close(None)
        self._spot = Spot(interchange=self._spot.interchange)
        if self._interchange is not None:
            if token is None:
                self._say(e.NOT_ENDED, "UNZ")
            else:
                self._compare("UNZ", token, self._messages, self._interchange)
        elif token is not None:
            self._say(e.NO_INTERCHANGE, "UNZ")
        self._interchange = None

    def _compare(self, tag: str, token: tokens.Segment, count: int, reference: str) -> None:
        if token.at(0) != str(count):
            self._say(e.COUNT, f"{tag} says another number, and {count:,} came")
        if token.at(1) != reference:
            self._say(e.REFERENCE, tag)

    def _body(self, token: tokens.Segment) -> None:
        self._count += 1
        if self._reference is None:
            self._say(e.NO_INTERCHANGE, token.tag)
            return
        if not self._stack:
            return  # of a message that is not known, which was told as dropped as a whole
        spot = Spot(
            interchange=self._spot.interchange, count=self._spot.count, message=self._spot.message,
            type=self._spot.type, number=self._count, tag=token.tag,
        )  # fmt: skip
        for depth in range(len(self._stack) - 1, -1, -1):
            group, branch = self._stack[depth]
            leaves = [leaf for leaf in group.leaves() if _fits(leaf.segment, token) and not _in_trigger(leaf, group)]
            if leaves:
                del self._stack[depth + 1 :]
                self._leaves(token, leaves, leaves[0].segment.fixed, branch, spot)
                return
            inner = next((one for one in group.groups() if _fits(one.segment, token)), None)
            if inner is not None:
                del self._stack[depth + 1 :]
                below = Branch(str(spot))
                branch.children.append((inner.name, below))
                self._stack.append((inner, below))
                own = [leaf for leaf in inner.leaves() if _in_trigger(leaf, inner)]
                self._leaves(token, own, inner.segment.fixed, below, spot)
                return
        self.made.findings.append(found(e.PLACE, token.tag, source_pointer=str(spot)))
        self.made.dropped.append(str(spot))

    def _leaves(
        self,
        token: tokens.Segment,
        leaves: Sequence[Leaf],
        fixed: Sequence[tuple[Position, str]],
        branch: Branch,
        spot: Spot,
    ) -> None:
        """Put the components of a segment into their leaves; those without one are told as dropped."""
        taken = {place for place, _ in fixed}
        for leaf in leaves:
            place = leaf.segment.at
            if place is None:
                continue
            taken.add(place)
            text = token.at(*place).strip()
            at = _at(spot, place)
            if _is_instant(leaf):
                after = (place[0], place[1] + 1)
                taken.add(after)
                text = _iso(text, token.at(*after))
            if text:
                branch.children.append((leaf.name, Text(text, at)))
        places = ((i, j) for i, element in enumerate(token.elements) for j, text in enumerate(element) if text)
        self.made.dropped.extend([_at(spot, place) for place in places if place not in taken])
        self.made.dropped.extend([_at(spot, (place, 0)) for place, _ in token.repeats])


def _at(spot: Spot, place: Position) -> str:
    return f"{spot}, element {place[0] + 1}, component {place[1] + 1}"


def _fits(segment_: Segment, token: tokens.Segment) -> bool:
    return segment_.tag == token.tag and all(token.at(*place) == code for place, code in segment_.fixed)


def _in_trigger(leaf: Leaf, group: Group) -> bool:
    """Whether the leaf stands in the segment that begins its group."""
    return leaf.segment.tag == group.segment.tag and not leaf.segment.fixed


def _is_instant(leaf: Leaf) -> bool:
    return bool(leaf.field) and ":" not in leaf.field and kind_of(leaf.struct, leaf.field)[0] is datetime


def _iso(text: str, form: str) -> str:
    """The instant as the other forms write it; what is none stays as it is, for reading to refuse."""
    try:
        return instant(text, form).isoformat() if text else ""
    except Unfit:
        return text


def written(messages: Sequence[tuple[str, Branch]]) -> bytes:
    """The messages in one interchange, dated by the latest of them."""
    told = [
        child.text
        for _, branch in messages
        for name, child in branch.children
        if name == ISSUED and isinstance(child, Text)
    ]
    made = [(name, list(_segments(branch, MESSAGES[name]))) for name, branch in messages]
    return interchange(made, [datetime.fromisoformat(text) for text in told], VERSIONS)


def _segments(branch: Branch, group: Group) -> Iterator[tokens.Segment]:
    texts = {name: child.text for name, child in branch.children if isinstance(child, Text)}
    cells: dict[Segment, dict[Position, str]] = {}
    if group.segment.tag != "UNH":
        cells[group.segment] = dict(group.segment.fixed)
    for leaf in group.leaves():
        place = leaf.segment.at
        if leaf.name not in texts or place is None:
            continue
        head = group.segment if _in_trigger(leaf, group) else Segment(leaf.segment.tag, leaf.segment.fixed)
        there = cells.setdefault(head, dict(head.fixed))
        there[place] = clean(texts[leaf.name])
        if _is_instant(leaf):
            there[place], there[place[0], place[1] + 1] = instant_text(datetime.fromisoformat(texts[leaf.name]))
    yield from (_filled(head.tag, those) for head, those in cells.items())
    for name, child in branch.children:
        inner = group.inner[name]
        if isinstance(child, Branch) and isinstance(inner, Group):
            yield from _segments(child, inner)


def _filled(tag: str, cells: dict[Position, str]) -> tokens.Segment:
    size = max((element for element, _ in cells), default=-1) + 1
    widths = [max((c for e, c in cells if e == element), default=0) + 1 for element in range(size)]
    return segment(
        tag, *(tuple(cells.get((e, c), "") for c in range(width)) for e, width in enumerate(widths))
    )  # fmt: skip
