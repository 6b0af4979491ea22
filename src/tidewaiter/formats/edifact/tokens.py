"""Segments out of bytes and bytes out of segments: the syntax of UN/EDIFACT, and nothing of what is said in it.

Reading streams: bytes come in pieces of any size, segments go out as soon as they end, and no more than one segment
is held. Whatever the bytes are, what is wrong is a `Flaw` among the segments, never an exception.

Source: ISO 9735-1, versions 1 to 4. Version 4 adds the repetition of an element.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

import msgspec

from tidewaiter.formats.edifact.kinds import (
    CHARACTER,
    CHARACTER_SET,
    CUT_OFF,
    LINE_BREAK,
    OVER_LIMIT,
    SERVICE_CHARACTERS,
    TAG,
)
from tidewaiter.formats.text import shortened
from tidewaiter.model.finding import Kind

SEGMENT_MAX = 65_536
"""No segment is longer than so many bytes; the longest of the directories, FTX, has under 3,000."""
SEGMENTS_MAX = 2_000_000
"""So many segments are read of one file."""
ELEMENTS_MAX = 1_000
"""A segment with more separators than this is refused."""

CHARACTER_SETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso8859-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5",
    "UNOF": "iso8859-7", "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9", "UNOL": "iso8859-15", "UNOW": "utf-8", "UNOY": "utf-8",
}  # fmt: skip
"""What each identifier in UNB (code list 0001) stands for. UNOY, ISO 10646, is UTF-8 but for a mark that says UTF-16;
UNOX, which shifts between sets by escapes, is not read."""

Element = tuple[str, ...]
"""The components of an element; a simple element has one. None of them has a release character left in it."""

_TAG = re.compile(r"[A-Z][A-Z0-9]{2}")
_LAYOUT = "\r\n \t\x00\x1a"
_LAYOUT_RUN = re.compile(f"[{_LAYOUT}]*")
_UNA_LENGTH = 9
_OF_INTERCHANGES = ("UNB", "UNZ")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Services(msgspec.Struct, frozen=True):
    """The signs that hold a message together. `release` and `repetition` are '' where there is none."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repetition: str = ""
    terminator: str = "'"


DEFAULT = Services()
"""What holds where there is no UNA."""


class Segment(msgspec.Struct, frozen=True, gc=False):
    """One segment. `elements` are those after the tag; `offset` is the byte at which it begins, from 0.

    `repeats` holds the further occurrences of a repeated element (syntax version 4) with the place of that element.
    """

    tag: str
    elements: tuple[Element, ...] = ()
    repeats: tuple[tuple[int, Element], ...] = ()
    offset: int = 0

    def at(self, element: int, component: int = 0) -> str:
        """The component of the element, both from 0; '' where it was not sent."""
        try:
            return self.elements[element][component]
        except IndexError:
            return ""


class Flaw(msgspec.Struct, frozen=True, gc=False):
    """Something wrong with the bytes at `offset`. After one that is `fatal` nothing more is read."""

    kind: Kind
    detail: str = ""
    offset: int = 0
    fatal: bool = False


def tokenise(chunks: Iterable[bytes]) -> Iterator[Segment | Flaw]:
    """The segments in pieces of bytes, and flaws in their places. A flaw of a segment goes before the segment."""
    tokenizer = Tokenizer()
    for chunk in chunks:
        yield from tokenizer.feed(chunk)
        if tokenizer.stopped:
            return
    yield from tokenizer.close()


class Tokenizer:
    """Takes bytes, gives segments. The bytes are looked at one to one as Latin-1 until a segment is whole.

    That is sound since every set that is read has the service characters as single bytes that no other character
    contains; a text in UTF-16 is turned into UTF-8 first.
    """

    def __init__(self) -> None:
        self.services = DEFAULT
        self.stopped = False
        self._charset = "ascii"
        self._is_marked = False
        self._recode: codecs.IncrementalDecoder | None = None
        self._text = ""
        self._position = 0
        self._seen = 0
        self._scanned = 0
        self._is_open = False
        self._count = 0
        self._is_begun = False
        self._is_advised = False

    def feed(self, chunk: bytes) -> Iterator[Segment | Flaw]:
        """The segments that end in this piece."""
        if self.stopped:
            return
        if self._recode is not None:
            chunk = self._recode.decode(chunk).encode("utf-8", "replace")
        self._text = self._text[self._position :] + chunk.decode("latin-1")
        self._seen += self._position
        self._scanned -= self._position
        self._position = 0
        if not self._is_begun:
            if len(self._text) < 3:
                return
            self._begin()
        yield from self._segments()

    def close(self) -> Iterator[Segment | Flaw]:
        """What is left at the end."""
        if self.stopped:
            return
        if not self._is_begun:
            self._begin()
        yield from self._segments(is_end=True)
        if not self.stopped and self._text[self._position :].strip(_LAYOUT):
            yield self._flaw(CUT_OFF, fatal=True)

    def _begin(self) -> None:
        self._is_begun = True
        if self._text.startswith("\xef\xbb\xbf"):
            self._position, self._is_marked, self._charset = 3, True, "utf-8"
        for mark, name in _MARKS.items():
            if self._text.startswith(mark.decode("latin-1")):
                self._recode = codecs.getincrementaldecoder(name)("replace")
                raw = self._text[len(mark) :].encode("latin-1")
                self._text = self._recode.decode(raw).encode("utf-8", "replace").decode("latin-1")
                self._is_marked, self._charset = True, "utf-8"

    def _segments(self, *, is_end: bool = False) -> Iterator[Segment | Flaw]:
        text = self._text
        while not self.stopped:
            self._pass_layout()
            if not self._is_open:
                if not is_end and len(text) - self._position < _UNA_LENGTH:
                    return
                flaw = self._advice()
                if flaw is not None:
                    yield flaw
                    continue
            end = self._end()
            if end < 0:
                if len(text) - self._position > SEGMENT_MAX:
                    yield self._flaw(OVER_LIMIT, f"a segment has more than {SEGMENT_MAX:,} bytes", fatal=True)
                return
            raw = text[self._position : end]
            if self._is_plain(raw):
                self._count += 1
                yield _split(raw, self.services, self._seen + self._position)
            elif end - self._position > SEGMENT_MAX:
                yield self._flaw(OVER_LIMIT, f"a segment has more than {SEGMENT_MAX:,} bytes")
            else:
                yield from self._segment(raw)
            self._position = self._scanned = end + 1
            self._is_advised = False

    def _advice(self) -> Flaw | None:
        """Take the service characters of UNA, if there is one here; else those that UNB goes by."""
        if self._is_advised:
            return None
        here = self._text[self._position : self._position + _UNA_LENGTH]
        if not here.startswith("UNA"):
            if here.startswith("UNB") and here[3:4] != self.services.element:
                self.services = DEFAULT
            return None
        if len(here) < _UNA_LENGTH:
            return self._flaw(CUT_OFF, fatal=True)
        component, element, decimal, release, repetition, terminator = tuple(here[3:])
        services = Services(component, element, decimal, release.strip(" "), repetition.strip(" "), terminator)
        signs = [sign for sign in (component, element, services.release, terminator, services.repetition) if sign]
        odd = [sign for sign in signs if sign.isalnum() or not sign.isascii() or sign in " \t\x00"]
        if odd or len(set(signs)) < len(signs) or {"\r", "\n"} & {component, element, services.release}:
            return self._flaw(SERVICE_CHARACTERS, "a letter, a digit, or one twice", fatal=True)
        self.services, self._is_advised = services, True
        self._position = self._scanned = self._position + _UNA_LENGTH
        self._pass_layout()
        return None

    def _pass_layout(self) -> None:
        """Go past line breaks and the like before a segment, those too that end empty segments."""
        if self._text[self._position : self._position + 1] in _LAYOUT:
            run = _LAYOUT_RUN.match(self._text, self._position)
            self._position = run.end() if run else self._position

    def _end(self) -> int:
        """Where the segment ends that begins here; -1 where that has not come yet."""
        text, terminator, release = self._text, self.services.terminator, self.services.release
        start = max(self._scanned, self._position)
        while (end := text.find(terminator, start)) >= 0:
            if text[end - 1] != release:
                return end
            before = end
            while release and before > self._position and text[before - 1] == release:
                before -= 1
            if (end - before) % 2 == 0:
                return end
            start = end + 1
        # A terminator that comes next may be released by what has been seen, so the count is made anew from there.
        self._scanned = len(text)
        return -1

    def _is_plain(self, raw: str) -> bool:
        """Whether nothing that `_segment` looks for can be in it: nearly all segments, and messages have thousands."""
        return (
            len(raw) <= ELEMENTS_MAX
            and raw.isascii()
            and raw.isprintable()
            and raw[:3] not in _OF_INTERCHANGES
            and self._count < SEGMENTS_MAX
            and _TAG.fullmatch(raw.partition(self.services.element)[0]) is not None
        )

    def _segment(self, raw: str) -> Iterator[Segment | Flaw]:
        self._count += 1
        if self._count > SEGMENTS_MAX:
            yield self._flaw(OVER_LIMIT, f"more than {SEGMENTS_MAX:,} segments", fatal=True)
            return
        services = self.services
        if services.terminator == "\n":
            raw = raw.removesuffix("\r")
        if "\r" in raw or "\n" in raw:
            raw = raw.replace("\r", "").replace("\n", "")
            yield self._flaw(LINE_BREAK)
        if raw.count(services.element) + raw.count(services.component) > ELEMENTS_MAX:
            yield self._flaw(OVER_LIMIT, f"a segment has more than {ELEMENTS_MAX:,} elements")
            return
        if raw.startswith("UNB"):
            yield from self._open(raw)
            services = self.services
        elif raw.startswith("UNZ"):
            self._is_open = False
        if not raw.isascii():
            try:
                raw = raw.encode("latin-1").decode(self._charset)
            except UnicodeDecodeError:
                yield self._flaw(CHARACTER, self._charset)
                raw = raw.encode("latin-1").decode(self._charset, "replace")
        segment = _split(raw, services, self._seen + self._position)
        if _TAG.fullmatch(segment.tag) is None:
            yield self._flaw(TAG)
            return
        yield segment

    def _open(self, raw: str) -> Iterator[Flaw]:
        """Take from UNB the character set and the version of the syntax."""
        self._is_open = True
        services = self.services
        _, _, rest = raw.partition(services.element)
        named, *version = rest.partition(services.element)[0].split(services.component)
        is_fourth = version[:1] >= ["4"]
        repetition = (services.repetition or "*") if is_fourth else ""
        if repetition in (services.component, services.element, services.release, services.terminator):
            repetition = ""
        self.services = msgspec.structs.replace(services, repetition=repetition)
        if self._is_marked:
            return
        self._charset = CHARACTER_SETS.get(named, "ascii")
        if named not in CHARACTER_SETS:
            yield self._flaw(CHARACTER_SET, f"“{shortened(named, 8)}”")

    def _flaw(self, kind: Kind, detail: str = "", *, fatal: bool = False) -> Flaw:
        self.stopped = self.stopped or fatal
        return Flaw(kind, detail, self._seen + self._position, fatal)


def _split(raw: str, services: Services, offset: int) -> Segment:
    release, repetition = services.release, services.repetition
    if not ((release and release in raw) or (repetition and repetition in raw)):
        tag, *parts = raw.split(services.element)
        component = services.component
        return Segment(tag, tuple([tuple(part.split(component)) for part in parts]), (), offset)
    return _split_released(raw, services, offset)


def _split_released(raw: str, services: Services, offset: int) -> Segment:
    """The same where a sign may be released, or an element repeated."""
    done: list[list[list[str]]] = [[[""]]]
    signs = {services.element: 0, services.component: 1, services.repetition: 2, services.release: 3}
    signs.pop("", None)
    pattern = re.compile("[" + re.escape("".join(signs)) + "]")
    position = 0
    while position < len(raw):
        hit = pattern.search(raw, position)
        stop = hit.start() if hit else len(raw)
        done[-1][-1][-1] += raw[position:stop]
        position = stop + 1
        what = signs.get(raw[stop]) if hit else None
        if what == 0:
            done.append([[""]])
        elif what == 1:
            done[-1][-1].append("")
        elif what == 2 and len(done) > 1:
            done[-1].append([""])
        elif what is not None:  # what a release character releases stands for itself
            done[-1][-1][-1] += raw[position : position + 1] if what == 3 else raw[stop]
            position += what == 3
    tag = services.component.join(done[0][0])
    elements = tuple(tuple(occurrences[0]) for occurrences in done[1:])
    repeats = tuple(
        (place, tuple(occurrence)) for place, occurrences in enumerate(done[1:]) for occurrence in occurrences[1:]
    )
    return Segment(tag, elements, repeats, offset)


def segment(tag: str, *elements: str | Element) -> Segment:
    """A segment without the empty elements and components at its ends, which the syntax leaves out."""
    made = [_trimmed((element,) if isinstance(element, str) else element) for element in elements]
    while made and made[-1] == ("",):
        made.pop()
    return Segment(tag, tuple(made))


def _trimmed(components: Element) -> Element:
    last = max((place for place, text in enumerate(components) if text), default=0)
    return tuple(components[: last + 1]) or ("",)


def advice(services: Services) -> str:
    """The service string advice, UNA, with these signs."""
    repetition, release = services.repetition or " ", services.release or " "
    return (
        f"UNA{services.component}{services.element}{services.decimal}{release}{repetition}{services.terminator}"
    )  # fmt: skip


def text_of(segment: Segment, services: Services = DEFAULT) -> str:
    """The segment as text with its terminator. What must be released is.

    Raises ValueError where a sign would have to be released and there is no release character.
    """
    parts = [services.component.join(_released(one, services) for one in element) for element in segment.elements]
    for place, element in segment.repeats:
        if not services.repetition:
            raise ValueError("an element can be repeated in syntax version 4 only")
        parts[place] += services.repetition + services.component.join(_released(one, services) for one in element)
    return services.element.join((segment.tag, *parts)) + services.terminator


def _released(text: str, services: Services) -> str:
    signs = (services.component, services.element, services.release, services.repetition, services.terminator)
    unsafe = "".join(sign for sign in signs if sign)
    if not any(sign in text for sign in unsafe):
        return text
    if not services.release:
        raise ValueError("a service character stands in a value, and there is no release character")
    return "".join(services.release + char if char in unsafe else char for char in text)
