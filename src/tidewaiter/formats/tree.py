"""Untrusted XML as a light tree, or the faults that keep it from being one.

Nothing is fetched and nothing is expanded: a document type is refused where it begins, so there are no entities but
the five of XML itself, and every size has a bound. A name is split into its namespace and its local name; a prefix
that stands for nothing is a fault, but the tree is made all the same, by local name.

Expat is the judge of what is XML, but it is not asked of every tag again: a message is cut at its tags, and expat is
asked once for all messages what a tag says, and of a text only where it has more than plain letters. A message with
anything else in it (a comment inside, a section, text between elements, another encoding, any fault) is parsed as a
whole.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from typing import NamedTuple, TypeAlias
from xml.parsers import expat

import msgspec

from tidewaiter.formats.text import found
from tidewaiter.model.finding import Finding, Kind

_XML = "Extensible Markup Language (XML) 1.0, fifth edition"
_NAMES = "Namespaces in XML 1.0, third edition"

MALFORMED = Kind(
    code="XML-01",
    severity="error",
    stage="syntax",
    text="The message is not well-formed XML: {detail}.",
    remedy="Let a program write the message, or mend the place named. Two hyphens may not stand inside a comment.",
    law=_XML,
)
DOCTYPE = Kind(
    code="XML-02",
    severity="error",
    stage="syntax",
    text="The message has a document type declaration, which is not accepted: {detail}.",
    remedy="Leave out <!DOCTYPE …> and everything in it.",
    law=_XML,
)
OVER_LIMIT = Kind(
    code="XML-03",
    severity="error",
    stage="bytes",
    text="The message is larger than is read here: {detail}.",
    remedy="Send fewer goods items in a message, and no padding.",
    law="Limit of this installation",
)
PREFIX = Kind(
    code="XML-04",
    severity="error",
    stage="syntax",
    text="A prefix in the message stands for no namespace: {detail}.",
    remedy="Declare the prefix with xmlns:… at the root of the message.",
    law=_NAMES,
)
AND_MORE = Kind(
    code="XML-07",
    severity="warning",
    text="There is more of the same; only the first {detail} findings are listed.",
    remedy="Mend those and send again.",
    law="Limit of this installation",
)
KINDS = (MALFORMED, DOCTYPE, OVER_LIMIT, PREFIX, AND_MORE)
"""Every kind of finding about XML as such."""

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def sniffs(head: bytes, ours: re.Pattern[bytes], *, literal: bytes = b"") -> bool:
    """Whether a message begins as XML and has in it what a format knows itself by; in UTF-16 too.

    `literal` is in all that matches, where there is such a thing: it is looked for first, since that takes no time.
    """
    for mark in _MARKS:
        head = head.removeprefix(mark)
    head = head.replace(b"\x00", b"").lstrip()
    return head.startswith(b"<") and literal in head and ours.search(head) is not None


BYTES_MAX = 32 * 1024 * 1024
ELEMENTS_MAX = 500_000
"""A declaration of 999 goods items with every element has some 150,000."""
DEPTH_MAX = 40
ATTRIBUTES_MAX = 32
TEXT_MAX = 32_768
"""Characters in one element, one attribute or one name."""

_BETWEEN = " "
_SHORT = 256
"""Names up to this length are split once for all messages; there are few of them, and they come again."""
_UNBOUND_PREFIX = 27
"""Expat's number for a prefix without a namespace (`XML_ERROR_UNBOUND_PREFIX`); Python does not name it."""


class Node(msgspec.Struct, gc=False):
    """An element. `text` is stripped, and '' where there are elements inside; `index` is its first byte.

    `whole` is the text with the blanks around it, where there were any, and else ''. A node is for reading only:
    nodes of the same tag share their `attributes`.
    """

    name: str
    space: str
    attributes: dict[str, str]
    index: int
    text: str = ""
    whole: str = ""
    children: list[Node] = []


class Fault(NamedTuple):
    """Why the bytes are no tree, or not quite, and where. `reason` never quotes the message."""

    kind: Kind
    line: int
    column: int
    reason: str


def about(fault: Fault) -> Finding:
    """The finding that tells of a fault, with its place."""
    place = f"line {fault.line}, column {fault.column}"
    return found(fault.kind, f"{fault.reason} at {place}", source_pointer=place)


class Tree(NamedTuple):
    """The root, None where there is none, and the faults."""

    root: Node | None
    faults: tuple[Fault, ...] = ()


class _Refused(Exception):
    """Raised inside the parser to stop it; never leaves this file."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


def may_have_too_many(data: bytes) -> bool:
    """Whether the message may have more elements than are read: each begins by a sign that begins no tag of an end."""
    if len(data) <= ELEMENTS_MAX or (signs := data.count(b"<")) <= ELEMENTS_MAX:
        return False
    return signs - data.count(b"</") > ELEMENTS_MAX


def place(data: bytes, index: int) -> tuple[int, int]:
    """Line and column of a byte, both from 1; the column counts bytes."""
    return data.count(b"\n", 0, index) + 1, index - data.rfind(b"\n", 0, index)


def grow(data: bytes) -> Tree:
    """The tree of the message. Never raises; takes time in proportion to the message, up to `BYTES_MAX`."""
    if len(data) > BYTES_MAX:
        return Tree(None, (Fault(OVER_LIMIT, 1, 1, f"more than {BYTES_MAX:,} bytes"),))
    plain = _cut(data)
    if plain is not None:
        return Tree(plain)
    root, fault, unbound = _parse(data, with_namespaces=True)
    if fault is None:
        return Tree(root)
    if not unbound:
        return Tree(None, (fault,))
    root, further, _ = _parse(data, with_namespaces=False)
    return Tree(root, (fault,) if further is None else (fault, further))


_Tag: TypeAlias = "tuple[str, str, dict[str, str], str, bool, _Tags]"
"""What a start tag says: name, namespace, attributes, the name as sent, whether it is empty, the tags inside it."""


class _Tags(dict[str, _Tag]):
    """The start tags met where these namespaces are declared, by what stands between their brackets."""

    def __init__(self, declared: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.declared = declared

    def learn(self, tag: str) -> _Tag | None:
        """What expat says of a tag; None where it has something against it, or the tag is very long."""
        if len(tag) > _TAG_MAX:
            return None
        around = " ".join(f"{name}={value}" for name, value in self.declared)
        alone = f"<around {around}><{tag.removesuffix('/')}/></around>".encode("latin-1")
        root, _, _ = _parse(alone, with_namespaces=True)
        if root is None:
            return None
        [node] = root.children
        inner = self
        if "xmlns" in tag:
            here = [(name, value) for name, value in _ATTRIBUTE.findall(tag) if name.startswith("xmlns")]
            inner = _tags_within(tuple(sorted({**dict(self.declared), **dict(here)}.items())))
        if len(self) >= _TAGS_MAX:
            self.clear()
        raw = _RAW.match(tag)
        own = sys.intern(raw[0] if raw else "")
        self[tag] = told = (node.name, node.space, node.attributes, own, tag.endswith("/"), inner)
        return told


@functools.lru_cache(maxsize=64)
def _tags_within(declared: tuple[tuple[str, str], ...]) -> _Tags:
    return _Tags(declared)


_TAG_MAX, _TAGS_MAX, _NEW_TAGS_MAX = 1_024, 512, 256
"""Characters in a tag that is remembered, how many are, and how many may be new before a message is parsed whole."""
_ATTRIBUTE = re.compile(r"""([^ \t\r\n=]+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')""")
_RAW = re.compile(r"[^ \t\r\n/]+")
_END = re.compile(r"/([^ \t\r\n/>]+)[ \t\r\n]*>[ \t\r\n]*")
_START = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml[ ]version=(["'])1\.0\1(?:[ ]encoding=(["'])(?:utf|UTF)-8\2)?
    (?:[ ]standalone=(["'])(?:yes|no)\3)?[ ]?\?>)?[ \t\r\n]*+
    (?:<!--[ -,.-~\t\r\n]*+(?:-[ -,.-~\t\r\n]++){0,99}+-->[ \t\r\n]*+){0,9}+<(?=[^?!/<])""",
    re.VERBOSE,
)
"""What a message begins with, down to its first tag: a declaration and comments of plain letters, or less."""
_BLANKS = " \t\r\n"
_ENDS_MAX = 4_096
_ENDS: dict[str, str] = {}
"""The names in end tags by all that stands from the stroke to the next bracket."""


def _cut(data: bytes) -> Node | None:
    """The root of a message of no more than tags and texts; None where there may be more, or a fault.

    Gives what `_parse` does. A byte is a character here until its text is taken, so that places are those of bytes.
    """
    start = _START.match(data)
    if start is None or may_have_too_many(data):
        return None
    # One character is looked for before several, which takes ten times as long.
    first = start.end()
    for one, several in ((b"!", b"<!"), (b"?", b"<?"), (b"]", b"]]>")):
        if data.find(one, first) >= 0 and data.find(several, first) >= 0:
            return None
    index = first - 1
    is_plain = data.isascii() and b"&" not in data
    cut = data[first:].decode("latin-1").split("<")
    if len(data) > TEXT_MAX and max(map(len, cut)) > TEXT_MAX:
        return None
    pieces = iter(cut)
    tags, new_tags, ends = _tags_within(()), 0, _ENDS
    document: list[Node] = []
    inside, raw, blanks = document, "", ""
    above: list[tuple[list[Node], str, _Tags]] = []
    for piece in pieces:
        if piece[:1] == "/":
            if (ends.get(piece) or _ended(piece)) != raw or not above:
                return None
            if blanks and not inside:
                above[-1][0][-1].whole = blanks.replace("\r\n", "\n").replace("\r", "\n")
            inside, raw, tags = above.pop()
            index += len(piece) + 1
            continue
        between, bracket, text = piece.partition(">")
        tag = tags.get(between)
        if tag is None:
            tag = tags.learn(between)
            new_tags += 1
            if tag is None or new_tags > _NEW_TAGS_MAX:
                return None
        name, space, attributes, own, is_empty, inner = tag
        if text and (text[0] > " " or text.strip(_BLANKS)):
            end = next(pieces, "")
            if is_empty or (ends.get(end) or _ended(end)) != own:
                return None
            if not (is_plain and text.isprintable()):
                told = _text(text)
                if told is None:
                    return None
                text = told
            stripped = text.strip()
            inside.append(Node(name, space, attributes, index, stripped, "" if stripped is text else text))
            index += len(piece) + len(end) + 2
            continue
        index_here, index = index, index + len(piece) + 1
        if not bracket:
            return None
        if is_empty:
            inside.append(Node(name, space, attributes, index_here))
            continue
        if len(above) >= DEPTH_MAX - 1:
            return None
        above.append((inside, raw, tags))
        children: list[Node] = []
        inside.append(Node(name, space, attributes, index_here, "", "", children))
        inside, raw, tags, blanks = children, own, inner, text
    return document[0] if len(document) == 1 and not above else None


def _ended(piece: str) -> str:
    """The name in an end tag that has no more than blanks behind it; '' where it is none."""
    found = _END.fullmatch(piece)
    if found is None:
        return ""
    if len(piece) <= _SHORT:
        if len(_ENDS) >= _ENDS_MAX:
            _ENDS.clear()
        _ENDS[piece] = sys.intern(found[1])
    return found[1]


def _text(text: str) -> str | None:
    """A text whose characters are bytes, as it was meant; None where expat has something against it."""
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    coded = text.encode("latin-1")
    if "&" not in text:
        try:
            meant = coded.decode()
        except UnicodeDecodeError:
            return None
        if meant.isprintable():
            return meant
    root, _, _ = _parse(b"<text>%s</text>" % coded, with_namespaces=False)
    return None if root is None else root.whole or root.text


def text_of(text: str) -> str | None:
    """A text with its references as it was meant, blanks and all; None where expat has something against it."""
    root, _, _ = _parse(b"<text>%s</text>" % text.encode(), with_namespaces=False)
    return None if root is None or root.children else root.whole or root.text


def _parse(data: bytes, *, with_namespaces: bool) -> tuple[Node | None, Fault | None, bool]:
    parser = expat.ParserCreate(namespace_separator=_BETWEEN) if with_namespaces else expat.ParserCreate()
    parser.buffer_text = True
    document: list[Node] = []
    texts: list[str] = []
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    start, end = _handlers(parser, document, texts, _split if with_namespaces else _local)
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code) or expat.ErrorString(error.code)
        unbound = error.code == _UNBOUND_PREFIX
        kind = PREFIX if unbound else MALFORMED
        return None, Fault(kind, error.lineno, error.offset + 1, reason), unbound
    except _Refused as error:
        place = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        return None, Fault(error.kind, *place, error.reason), False
    except (ValueError, LookupError):  # an encoding that is unknown, or that takes several bytes a character
        return None, Fault(MALFORMED, 1, 1, "unknown encoding"), False
    return document[0], None, False


def _handlers(
    parser: expat.XMLParserType, document: list[Node], texts: list[str], split: Callable[[str], tuple[str, str]]
) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
    above: list[list[Node]] = []
    inside = document
    names: dict[str, tuple[str, str]] = {}
    left = ELEMENTS_MAX
    forget = texts.clear

    def start(raw: str, attributes: dict[str, str]) -> None:
        nonlocal left, inside
        left -= 1
        if left < 0:
            raise _Refused(OVER_LIMIT, f"more than {ELEMENTS_MAX:,} elements")
        if len(above) >= DEPTH_MAX:
            raise _Refused(OVER_LIMIT, f"elements inside each other more than {DEPTH_MAX} deep")
        try:
            space, name = names[raw]
        except KeyError:
            if len(raw) > TEXT_MAX:
                raise _Refused(OVER_LIMIT, f"a name of more than {TEXT_MAX:,} characters") from None
            space, name = names[raw] = split(raw)
        if attributes:
            _check(attributes)
        above.append(inside)
        children: list[Node] = []
        inside.append(Node(name, space, attributes, parser.CurrentByteIndex, children=children))
        inside = children
        forget()

    def end(_: str) -> None:
        nonlocal inside
        is_leaf = not inside
        inside = above.pop()
        if texts and is_leaf:
            node = inside[-1]
            text = "".join(texts)
            if len(text) > TEXT_MAX:
                raise _Refused(OVER_LIMIT, f"an element with more than {TEXT_MAX:,} characters")
            node.text = stripped = text.strip()
            if len(stripped) != len(text):
                node.whole = text
            forget()

    return start, end


def _check(attributes: dict[str, str]) -> None:
    if len(attributes) > ATTRIBUTES_MAX:
        raise _Refused(OVER_LIMIT, f"more than {ATTRIBUTES_MAX} attributes in one element")
    for name, text in attributes.items():
        if len(name) > TEXT_MAX or len(text) > TEXT_MAX:
            raise _Refused(OVER_LIMIT, f"an attribute of more than {TEXT_MAX:,} characters")


def _refuse_doctype(*_: object) -> None:
    raise _Refused(DOCTYPE, "document type")


@functools.lru_cache(maxsize=1024)
def _split_short(raw: str) -> tuple[str, str]:
    space, _, name = raw.rpartition(_BETWEEN)
    return space, name


def _split(raw: str) -> tuple[str, str]:
    if len(raw) <= _SHORT:
        return _split_short(raw)
    space, _, name = raw.rpartition(_BETWEEN)
    return space, name


def _local(raw: str) -> tuple[str, str]:
    return "", raw.rpartition(":")[2]
