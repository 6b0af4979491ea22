"""Untrusted XML as a light tree, or the faults that keep it from being one.

Nothing is fetched and nothing is expanded: a document type is refused where it begins, so there are no entities but
the five of XML itself, and every size has a bound. A name is split into its namespace and its local name; a prefix
that stands for nothing is a fault, but the tree is made all the same, by local name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple
from xml.parsers import expat

import msgspec

from tidewaiter.model.finding import Kind

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


def sniffs(head: bytes, ours: re.Pattern[bytes]) -> bool:
    """Whether a message begins as XML and has in it what a format knows itself by; in UTF-16 too."""
    for mark in _MARKS:
        head = head.removeprefix(mark)
    head = head.replace(b"\x00", b"").lstrip()
    return head.startswith(b"<") and ours.search(head) is not None


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

    `whole` is the text with the blanks around it, where there were any, and else ''.
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


def place(data: bytes, index: int) -> tuple[int, int]:
    """Line and column of a byte, both from 1; the column counts bytes."""
    return data.count(b"\n", 0, index) + 1, index - data.rfind(b"\n", 0, index)


def grow(data: bytes) -> Tree:
    """The tree of the message. Never raises; takes time in proportion to the message, up to `BYTES_MAX`."""
    if len(data) > BYTES_MAX:
        return Tree(None, (Fault(OVER_LIMIT, 1, 1, f"more than {BYTES_MAX:,} bytes"),))
    root, fault, unbound = _parse(data, with_namespaces=True)
    if fault is None:
        return Tree(root)
    if not unbound:
        return Tree(None, (fault,))
    root, further, _ = _parse(data, with_namespaces=False)
    return Tree(root, (fault,) if further is None else (fault, further))


def _parse(data: bytes, *, with_namespaces: bool) -> tuple[Node | None, Fault | None, bool]:
    parser = expat.ParserCreate(namespace_separator=_BETWEEN) if with_namespaces else expat.ParserCreate()
    parser.buffer_text = True
    document = Node("", "", {}, 0)
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
    return document.children[0], None, False


def _handlers(
    parser: expat.XMLParserType, document: Node, texts: list[str], split: Callable[[str], tuple[str, str]]
) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
    open_nodes = [document]
    names: dict[str, tuple[str, str]] = {}
    left = ELEMENTS_MAX
    forget = texts.clear

    def start(raw: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Refused(OVER_LIMIT, f"more than {ELEMENTS_MAX:,} elements")
        if len(open_nodes) > DEPTH_MAX:
            raise _Refused(OVER_LIMIT, f"elements inside each other more than {DEPTH_MAX} deep")
        try:
            space, name = names[raw]
        except KeyError:
            if len(raw) > TEXT_MAX:
                raise _Refused(OVER_LIMIT, f"a name of more than {TEXT_MAX:,} characters") from None
            space, name = names[raw] = split(raw)
        if attributes:
            _check(attributes)
        node = Node(name, space, attributes, parser.CurrentByteIndex)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)
        forget()

    def end(_: str) -> None:
        node = open_nodes.pop()
        if texts and not node.children:
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
