"""Consignments of one shape read together: one of them is taken apart, and the others stand where it stands.

Two consignments have one shape where they differ in nothing but what their values say: the same names in the same
order, the same brackets, the same white space. Senders' software writes few shapes. Those that stand alone with theirs
are taken apart one by one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
import numpy as np

from tidewaiter.formats.json.tokens import Tokens, tokens
from tidewaiter.formats.layout import (
    CONTEXTS,
    EXACT,
    IS_OPTIONAL,
    MANY,
    PLACES,
    SHAPE,
    SORT,
    TEXTS,
    TEXTS_OF_CONTEXT,
    WHOLE,
)
from tidewaiter.formats.spans import PADDING, Bytes, gathered
from tidewaiter.model.exact import Whole, Yes

ALIKE_MIN = 8
"""So many consignments of one shape are worth a template."""
EFFORT_MAX = 8
"""So many times as many comparisons as there are consignments are made to find shapes."""
_CHUNK = 32
_QUOTE = ord('"')
_ENTITIES = [number for number, context in enumerate(CONTEXTS) if context.shape == MANY]
_ENTITY_OF_PLACE = np.array([_ENTITIES.index(place.entity) if place.entity >= 0 else 0 for place in PLACES])
_REQUIRED = [(number, context.required) for number, context in enumerate(CONTEXTS) if context.required]


class Values(NamedTuple):
    """Values of a message: where each stands in it, its place in the layout, its consignment, and the number of its
    object among those of the same context."""

    starts: Whole
    ends: Whole
    place: Whole
    row: Whole
    owner: Whole


class Objects(NamedTuple):
    """The objects of one context in their order: the consignment of each, and the number of the object it is in."""

    row: Whole
    parent: Whole


class Found(NamedTuple):
    """What a message holds. `is_odd` are the consignments that are not plain: nothing here is to be used of them."""

    padded: bytes
    signs: Bytes
    quoted: Values
    bare: Values
    objects: dict[int, Objects]
    is_odd: Yes


class _Text(NamedTuple):
    """The message, where its quotation marks are, and its consignments: where each begins and ends, its first
    quotation mark and how many it has."""

    padded: bytes
    signs: Bytes
    quotes: Whole
    starts: Whole
    ends: Whole
    first: Whole
    marks: Whole


class _Leaves(NamedTuple):
    """Values of consignments taken apart: in which of them, behind or at which of its texts, the place, and the number
    of the object among those of the same context there."""

    of: Whole
    at: Whole
    place: Whole
    owner: Whole


class _Structure(NamedTuple):
    """Some consignments taken apart. `sizes` are those of the bare values; `objects` have `row` and `parent` among the
    consignments taken apart, and are counted from each one's first."""

    quoted: _Leaves
    bare: _Leaves
    sizes: Whole
    objects: dict[int, Objects]
    is_odd: Yes


def found(body: bytes, starts: Whole, ends: Whole) -> Found | None:
    """What stands in a message whose consignments begin and end there; None where all are empty."""
    padded = body + PADDING
    signs = np.frombuffer(padded, np.uint8)
    is_odd = np.zeros(len(starts), np.bool_)
    plain = body
    if b"\\" in body:
        is_odd[np.searchsorted(starts, np.flatnonzero(signs == ord("\\")), "right") - 1] = True
        plain = body.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    quotes = np.flatnonzero(np.frombuffer(plain, np.uint8) == _QUOTE)
    first = np.searchsorted(quotes, starts)
    text = _Text(padded, signs, quotes, starts, ends, first, np.searchsorted(quotes, ends) - first)
    is_odd |= text.marks == 0
    template = _templates(text)
    heads, template = np.unique(template[text.marks > 0], return_inverse=True)
    if not len(heads):
        return None
    # One without any text has nothing that could be spread, as the last in the count, which has no values.
    spread = np.full(len(starts), len(heads))
    spread[text.marks > 0] = template
    structure = _taken_apart([body[starts[head] : ends[head]] for head in heads.tolist()], text.marks[heads])
    return _spread(text, heads, spread, structure, is_odd)


def _spread(text: _Text, heads: Whole, template: Whole, structure: _Structure, is_odd: Yes) -> Found:
    """The values of all consignments, each as that of the one taken apart whose shape it has."""
    size = len(heads) + 1
    counts = {e: np.bincount(objects.row, minlength=size) for e, objects in structure.objects.items()}
    before = np.zeros((len(template), len(_ENTITIES)), np.int64)
    for entity, count in counts.items():
        of_each = count[template]
        before[:, _ENTITIES.index(entity)] = np.cumsum(of_each) - of_each
    objects: dict[int, Objects] = {}
    for entity, (row_of, parent_of) in structure.objects.items():
        row, which = _pairs(row_of, template, size)
        above = CONTEXTS[entity].above
        parent = parent_of[which] + (before[row, _ENTITIES.index(owner_of(above))] if above >= 0 else 0)
        objects[entity] = Objects(row, parent)

    def values(leaves: _Leaves) -> tuple[Whole, Whole, Whole, Whole, Whole]:
        row, which = _pairs(leaves.of, template, size)
        place = leaves.place[which]
        owner = leaves.owner[which] + before.ravel()[row * len(_ENTITIES) + _ENTITY_OF_PLACE[place]]
        return row, which, text.first[row] + 2 * leaves.at[which], place, owner

    row, _, mark, place, owner = values(structure.quoted)
    quoted = Values(text.quotes[mark] + 1, text.quotes[mark + 1], place, row, owner)
    # A bare value begins as far behind its name, and ends as far before what follows, as in the one taken apart.
    name = text.first[heads[structure.bare.of]] + 2 * structure.bare.at + 1
    starts = _past_colon(text, text.quotes[name] + 1)
    ahead = starts - text.quotes[name]
    behind = _following(text, heads[structure.bare.of], name) - starts - structure.sizes
    row, which, mark, place, owner = values(structure.bare)
    begins = text.quotes[mark + 1] + ahead[which]
    bare = Values(begins, _following(text, row, mark + 1) - behind[which], place, row, owner)
    return Found(text.padded, text.signs, quoted, bare, objects, is_odd | np.append(structure.is_odd, True)[template])


def _pairs(of: Whole, template: Whole, size: int) -> tuple[Whole, Whole]:
    """Each consignment with each of what the one has whose shape it has, which `of` tells in rising order."""
    counts = np.bincount(of, minlength=size)
    starts = np.cumsum(counts) - counts
    many = counts[template]
    row = np.repeat(np.arange(len(template)), many)
    which = np.arange(len(row)) + np.repeat(starts[template] - (np.cumsum(many) - many), many)
    return row, which


def _following(text: _Text, row: Whole, mark: Whole) -> Whole:
    """Where the next text begins behind a quotation mark, or the consignment ends."""
    following: Whole = np.minimum(np.append(text.quotes, len(text.signs))[mark + 1], text.ends[row])
    return following


def _past_colon(text: _Text, at: Whole) -> Whole:
    """Where the value begins behind a name: past the colon and white space."""
    begins = at.copy()
    for _ in range(_STEPS_MAX):
        is_before = _IS_BEFORE[text.signs[begins]]
        if not is_before.any():
            return begins
        begins += is_before
    for place in np.flatnonzero(_IS_BEFORE[text.signs[begins]]).tolist():
        white = _BEFORE.match(text.padded, int(begins[place]))
        begins[place] = white.end() if white else begins[place]
    return begins


_STEPS_MAX = 32
_BEFORE = re.compile(rb"[: \t\r\n]*")
_IS_BEFORE = np.zeros(256, np.bool_)
_IS_BEFORE[list(b": \t\r\n")] = True


def _templates(text: _Text) -> Whole:
    """For each consignment the one whose shape it has: itself where it is the first of its shape, or stands alone."""
    template = np.arange(len(text.starts))
    effort = EFFORT_MAX * len(template)
    counts, sizes = np.unique(text.marks, return_counts=True)
    for count in counts[np.argsort(-sizes, kind="stable")].tolist():
        rows = np.flatnonzero(text.marks == count)
        while count and len(rows) >= ALIKE_MIN and effort >= len(rows):
            effort -= len(rows)
            is_alike = _alike(text, int(rows[0]), rows)
            template[rows[is_alike]] = rows[0]
            rows = rows[~is_alike]
    return template


def _alike(text: _Text, one: int, rows: Whole) -> Yes:
    """Which of these consignments, of as many quotation marks, have the shape of one of them."""
    begin, end, first, count = (int(part[one]) for part in (text.starts, text.ends, text.first, text.marks))
    marks = [0, *(text.quotes[first : first + count] - begin).tolist(), end - begin]
    anchors, steps, sizes, fixed = _stretches(text.padded[begin:end], marks)
    at = text.quotes[text.first[rows][:, None] + np.clip(np.array(anchors) - 1, 0, count - 1)] + steps
    for column in np.flatnonzero(np.isin(anchors, (0, count + 1))).tolist():
        at[:, column] = (text.ends if anchors[column] else text.starts)[rows] + steps[column]
    seen = gathered(text.padded, at.ravel(), _CHUNK).view("<u8").reshape(len(rows), -1)
    mask = ((np.arange(_CHUNK) < np.array(sizes)[:, None]) * np.uint8(255)).reshape(-1).view("<u8")
    wanted = np.frombuffer(b"".join(fixed), "<u8") & mask
    alike: Yes = ((seen & mask) == wanted).all(axis=1) & (at >= 0).all(axis=1)
    # What is behind the last text is as long in all, but for a bare value in it.
    behind = text.ends[rows] - text.quotes[text.first[rows] + count - 1]
    return alike if anchors[-1] == count + 1 else alike & (behind == marks[-1] - marks[-2])


def _stretches(raw: bytes, marks: list[int]) -> tuple[list[int], list[int], list[int], list[bytes]]:
    """What is the same in all consignments of the shape of this one, in pieces: by which mark each stands and how far
    from it, how long it is, and its bytes. `marks` are the beginning, the quotation marks, and the end."""
    pieces: list[tuple[int, int, int]] = []
    anchor, begin = 0, 0
    for place in range(1, len(marks) - 1, 2):
        close = marks[place + 1]
        rest = raw[close + 1 : marks[place + 2]]
        is_name = rest.lstrip()[:1] == b":"
        if not is_name:
            pieces.append((anchor, begin, marks[place] + 1))
            anchor, begin = place + 1, close
        elif bare := _BARE.match(rest):
            pieces.append((anchor, begin, close + 1 + bare.start(1)))
            anchor, begin = place + 2, close + 1 + bare.end(1)
    pieces.append((anchor, begin, len(raw)))
    anchors, steps, sizes, fixed = [], [], [], []
    for anchor, begin, end in pieces:
        for at in range(begin, end, _CHUNK):
            anchors.append(anchor)
            steps.append(at - marks[anchor])
            sizes.append(min(_CHUNK, end - at))
            fixed.append(raw[at : at + sizes[-1]].ljust(_CHUNK, b"\0"))
    return anchors, steps, sizes, fixed


_BARE = re.compile(rb"\s*:\s*(-?[0-9][-+.0-9eE]*)")


def owner_of(context: int) -> int:
    """The context whose objects have a row in a frame: this one, or the one it is laid flat in."""
    while CONTEXTS[context].shape != MANY:
        context = CONTEXTS[context].above
    return context


def _taken_apart(raws: list[bytes], counts: Whole) -> _Structure:
    """These consignments taken apart token by token. `counts` are their quotation marks."""
    packed = msgspec.json.format(b"[%s]" % b",".join(raws), indent=-1)
    return _Judged(tokens(packed, (np.cumsum(counts) - counts) // 2)).structure()


class _Judged:
    """Consignments taken apart, and what is wrong with their structure."""

    def __init__(self, told: Tokens) -> None:
        self.told = told
        self.is_odd = told.is_odd.copy()
        self._number_objects()
        self._judge_names()

    def _number_objects(self) -> None:
        """The objects of each context, and the number of each among those of its consignment."""
        told = self.told
        self.number = np.zeros(len(told.context), np.int64)
        self.begun: dict[int, Whole] = {}
        for entity in _ENTITIES:
            begun = np.flatnonzero(told.begins & (told.context == entity))
            if len(begun):
                self.begun[entity] = begun
                self.number[begun] = positions(told.row[begun])

    def structure(self) -> _Structure:
        """What they hold."""
        told = self.told
        quoted, bare, sizes = self._quoted(), *self._bare()
        for number, required in _REQUIRED:
            self._judge_required(number, required)
        objects = {
            entity: Objects(told.row[begun], self.number[told.above[begun]]) for entity, begun in self.begun.items()
        }
        return _Structure(quoted, bare, sizes, objects, self.is_odd)

    def _leaves(self, text: Whole, place: Whole) -> _Leaves:
        """Values at or behind these texts."""
        told = self.told
        segment = told.segment[text]
        of = told.row[segment]
        firsts = np.searchsorted(told.row[told.segment], np.arange(len(self.is_odd)))
        return _Leaves(of, text - firsts[of], place, self.number[told.owner[segment]])

    def _judge(self, text: Whole, is_wrong: Yes) -> None:
        self.is_odd[self.told.row[self.told.segment[text[is_wrong]]]] = True

    def _judge_names(self) -> None:
        """A name that is not known, or stands in one object twice."""
        told = self.told
        names = np.flatnonzero(told.is_name)
        place, object_ = told.place[names], told.object[told.segment[names]]
        self._judge(names, place == 0)
        order = np.lexsort((object_, place))
        again = (np.diff(place[order]) == 0) & (np.diff(object_[order]) == 0)
        self._judge(names[order][1:], again)

    def _quoted(self) -> _Leaves:
        told = self.told
        text = np.flatnonzero(~told.is_name)
        is_named = told.is_alone[text - 1]
        place = np.where(is_named, told.place[text - 1], TEXTS_OF_CONTEXT[told.context[told.segment[text]]])
        # A text with a name is the value of that name; one without stands in a list of texts.
        sort, in_list = SORT[place], SHAPE[place] == TEXTS
        fits = np.where(is_named, (sort != 0) & (sort != WHOLE), in_list)
        self._judge(text, ~fits)
        self.said = [(place[fits], told.object[told.segment[text[fits]]])]
        return self._leaves(text[fits], place[fits])

    def _bare(self) -> tuple[_Leaves, Whole]:
        told, (names, starts, ends) = self.told, self.told.bare
        place, first = told.place[names], told.signs[starts]
        is_null, is_list = first == ord("n"), first == ord("[")
        is_value = ~is_null & ~is_list
        sort = SORT[place]
        fits = np.where(
            is_value,
            (sort == WHOLE) | (sort == EXACT),
            np.where(is_null, IS_OPTIONAL[place], (SHAPE[place] == MANY) | (SHAPE[place] == TEXTS)),
        )
        self._judge(names, ~fits)
        held = is_value & fits
        self.said.append((place[held], told.object[told.segment[names[held]]]))
        return self._leaves(names[held], place[held]), (ends - starts)[held]

    def _judge_required(self, number: int, required: tuple[int, ...]) -> None:
        """An object without what it must have."""
        told = self.told
        begun = np.flatnonzero((told.context == number) & (told.object == np.arange(len(told.context))))
        for wanted in required:
            has = np.zeros(len(told.context), np.bool_)
            for place, object_ in self.said:
                has[object_[place == wanted]] = True
            self.is_odd[told.row[begun[~has[begun]]]] = True


def positions(parent: Whole) -> Whole:
    """The place of each entry among those of its parent, which follow each other."""
    order = np.arange(len(parent))
    begins = np.append(True, parent[1:] != parent[:-1])[: len(parent)]
    return order - np.maximum.accumulate(np.where(begins, order, 0))
