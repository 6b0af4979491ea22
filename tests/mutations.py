"""Messages spoiled on purpose: bytes, pieces of text, and what is structure in XML, JSON, EDIFACT and sheets.

`mutated` is a pure function of the samples and the draw, so that any input can be made again from its number.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence

Draw = random.Random
Mutation = Callable[[bytes, Sequence[bytes], Draw], bytes]
"""From a message, the other samples and a draw to the message spoiled."""

BYTES_MAX = 128 * 1024
"""A mutant is cut off here: what is longer tells nothing more, and the limits on length have tests of their own."""

NUMBERS = (
    b"0", b"-0", b"-1", b"+5", b"00012", b"1e5", b"1E+999999", b"1e-7", b"NaN", b"Infinity", b"9" * 40, b"9" * 4_000,
    b"0." + b"0" * 60 + b"1", b"1,5", b"1.234,56", b"1_000", b"0x1F", b".5", b"5.", b"1/2", b"12.3456789",
    b"999999999999.99", b"2147483648", b"18446744073709551616", "١٢٣".encode(), "１２".encode(), "½".encode(),
    b"20261301", b"20260230", b"2026-02-29", b"0001-01-01", b"9999-12-31T23:59:59Z", b"24:00", b"-2026-01-01",
    b"2026-11-26T10:00:00+99:99", b"20261126102030Z",
)  # fmt: skip
TEXTS = (
    b"", b" ", b"\x00", b"\x1b[2J", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"A" * 300,
    b"A" * 40_000, "\u202e\u2066".encode(), "\ufeff".encode(), "\ufffe".encode(), "e\u0301\u0327".encode(),
    "\U0001f469\u200d\U0001f469".encode(), "你好".encode(), "مثال".encode(), "ሰላም".encode(), "ไทย".encode(),
    "ſKİı".encode(), "\u2028\u2029\u0085".encode(), b"\r\n", b"\t", b"'", b'"', b"''", b"?'", b"?", b"+", b":", b"*",
    b";", b",", b"=1+1", b"@SUM(1)", b"-2+3", b"<![CDATA[x]]>", b"]]>", b"&amp;", b"&x;", b"&#0;", b"&#xD800;",
    b"<!-- -->", b"<?x?>", b"\\u0000", b"\\ud800", b"null", b"true", b"[]", b"{}", b"../../etc/passwd", b"%s%n",
    b"{detail}", b"${x}", b"XX", b"gb", b"ZZZ", b"US", b"EUR", b"KGM", b"LP123456785GB",
)  # fmt: skip

ATTRIBUTES = (
    b' currencyID="EUR"', b' a="1" a="2"', b' xmlns="urn:x"', b' xmlns:x="urn:x"', b' unitCode="GRM"',
    b' formatCode="102"', b' xml:lang="zz"',
)  # fmt: skip

_NUMBER = re.compile(rb"[0-9]+(?:[.,][0-9]+)?")
_WORD = re.compile(rb"[A-Za-z][A-Za-z_]+")
_ELEMENT = re.compile(rb"<([A-Za-z_][\w:.-]*)(?:\s[^<>]*)?(?:/>|>(?:(?!<\1[\s/>]).)*?</\1\s*>)", re.DOTALL)
_TAG = re.compile(rb"</?([A-Za-z_][\w:.-]*)")
_XML_TEXT = re.compile(rb">([^<>]+)<|=\"([^\"<>]*)\"")
_JSON_MEMBER = re.compile(rb"\"(?:[^\"\\]|\\.)*\"\s*:\s*(?:\"(?:[^\"\\]|\\.)*\"|[-+.\w]+|\[[^\[\]{}]*\]|\{[^{}]*\})")
_JSON_VALUE = re.compile(rb":\s*(\"(?:[^\"\\]|\\.)*\"|[-+.\w]+)")
_DEEP = (10, 39, 41, 200, 3_000)


def mutated(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """The message with one to four things changed; where it is packed, mostly what is inside."""
    if data.startswith(b"PK\x03\x04") and draw.random() < 0.8:
        return _inside(data, samples, draw)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 4))):
        data = draw.choice(_fitting(data))(data, samples, draw)[:BYTES_MAX]
    return data


def _fitting(data: bytes) -> Sequence[Mutation]:
    """The mutations that may tell something of such a message; those of its structure more often than those of any."""
    head = data[:64].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    if head.startswith(b"<"):
        return (*_ANY, *_OF_XML, *_OF_XML)
    if head.startswith((b"{", b"[")):
        return (*_ANY, *_OF_JSON, *_OF_JSON)
    if head.startswith((b"UNA", b"UNB", b"UNG", b"UNH")):
        return (*_ANY, *_OF_EDIFACT, *_OF_EDIFACT)
    return (*_ANY, *_OF_LINES, *_OF_LINES)


def _flip(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    spoiled = bytearray(data)
    for _hit in range(draw.choice((1, 1, 2, 8))):
        if spoiled:
            spoiled[draw.randrange(len(spoiled))] ^= 1 << draw.randrange(8)
    return bytes(spoiled)


def _truncate(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    cut = draw.randrange(len(data) + 1)
    return data[:cut] if draw.random() < 0.8 else data[cut:]


def _insert(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    at = draw.randrange(len(data) + 1)
    piece = draw.choice((*TEXTS, *NUMBERS)) if draw.random() < 0.7 else draw.randbytes(draw.randrange(1, 9))
    return data[:at] + piece + data[at:]


def _slices(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    """A slice gone, twice, or elsewhere."""
    first, second, third = sorted(draw.randrange(len(data) + 1) for _ in range(3))
    ways = (data[:first] + data[second:], data[:second] + data[first:], data[:first] + data[second:third]
            + data[first:second] + data[third:])  # fmt: skip
    return draw.choice(ways)


def _splice(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    other = draw.choice(samples)
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]


def _encode(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    text = data.decode("utf-8", "replace")
    encoding = draw.choice(("utf-16", "utf-16-be", "utf-8-sig", "cp1252", "gb18030", "latin-1", "utf-32"))
    return text.encode(encoding, "replace")


def _replaced(data: bytes, found: re.Match[bytes], group: int, by: bytes) -> bytes:
    return data[: found.start(group)] + by + data[found.end(group) :]


def _one(pattern: re.Pattern[bytes], data: bytes, draw: Draw) -> re.Match[bytes] | None:
    """A match at or after a random place, so that nobody walks the whole message."""
    return pattern.search(data, draw.randrange(len(data) + 1)) or pattern.search(data)


def _number(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    found = _one(_NUMBER, data, draw)
    return _replaced(data, found, 0, draw.choice(NUMBERS)) if found else data


def _word(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    found = _one(_WORD, data, draw)
    other = _one(_WORD, draw.choice(samples), draw)
    by = other[0] if other and draw.random() < 0.5 else draw.choice(TEXTS)
    return _replaced(data, found, 0, by) if found else data


def _xml_element(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """An element gone, repeated, many times, moved, exchanged for one of another message, or wrapped in itself."""
    found = _one(_ELEMENT, data, draw)
    if found is None:
        return data
    piece, name = found[0], found[1]
    other = _one(_ELEMENT, draw.choice(samples), draw)
    depth = draw.choice(_DEEP)
    by = draw.choice(
        (b"", piece * 2, piece * 2, piece * draw.choice((3, 50, 1_000)), piece + (other[0] if other else b""),
         other[0] if other else b"", b"<%s>" % name * depth + piece + b"</%s>" % name * depth)
    )  # fmt: skip
    return _replaced(data, found, 0, by[:BYTES_MAX])


def _xml_tag(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """A tag renamed, at one end or wherever it stands; a prefix put before it; an attribute added twice."""
    found, other = _one(_TAG, data, draw), _one(_TAG, draw.choice(samples), draw)
    if found is None or other is None:
        return data
    way = draw.randrange(4)
    if way == 0:
        return _replaced(data, found, 1, other[1])
    if way == 1:
        return re.sub(rb"(</?)%s(?=[\s/>])" % re.escape(found[1]), lambda tag: tag[1] + other[1], data)
    if way == 2:
        return re.sub(rb"(</?)%s(?=[\s/>])" % re.escape(found[1]), lambda tag: tag[1] + b"x:" + found[1], data)
    attribute = draw.choice(ATTRIBUTES)
    return _replaced(data, found, 1, found[1] + attribute)


def _xml_text(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """A text or an attribute's value exchanged for that of another, or for one that is odd."""
    found = _one(_XML_TEXT, data, draw)
    if found is None:
        return data
    group = 1 if found[1] is not None else 2
    other = _one(_XML_TEXT, draw.choice(samples), draw)
    theirs = (other[1] or other[2] or b"") if other else b""
    return _replaced(data, found, group, draw.choice((theirs, draw.choice(TEXTS), draw.choice(NUMBERS))))


def _xml_doctype(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    at = data.find(b"?>") + 2 if data.startswith(b"<?xml") else 0
    return data[:at] + draw.choice((bomb, b"<!DOCTYPE x>", b"<!-- - -- -->", b"<?xml version='1.1'?>")) + data[at:]


def _json_member(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """A member gone, repeated under its name, joined by one of another message, or nested deep."""
    found = _one(_JSON_MEMBER, data, draw)
    if found is None:
        return data
    other = _one(_JSON_MEMBER, draw.choice(samples), draw)
    name, _, told = found[0].partition(b":")
    depth = draw.choice(_DEEP)
    opened, closed = draw.choice(((b"[", b"]"), (b'{"items":', b"}")))
    by = draw.choice(
        (b"", found[0] + b"," + found[0], found[0] + b"," + (other[0] if other else b"{}"), other[0] if other else b"",
         name + b":" + opened * depth + told + closed * depth)
    )  # fmt: skip
    return _replaced(data, found, 0, by)


def _json_value(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """A value exchanged for that of another member, or for one that is odd, with or without quotation marks."""
    found = _one(_JSON_VALUE, data, draw)
    if found is None:
        return data
    other = _one(_JSON_VALUE, draw.choice(samples), draw)
    odd = draw.choice((*TEXTS, *NUMBERS))
    return _replaced(data, found, 1, draw.choice((other[1] if other else b"0", odd, b'"' + odd + b'"')))


def _split(data: bytes, mark: bytes, draw: Draw, samples: Sequence[bytes]) -> bytes:
    """Pieces between marks gone, repeated, moved, exchanged for those of another message."""
    pieces = data.split(mark)
    at = draw.randrange(len(pieces))
    theirs = draw.choice(draw.choice(samples).split(mark))
    way = draw.randrange(6)
    if way == 0:
        del pieces[at]
    elif way == 1:
        pieces[at:at] = [pieces[at]] * draw.choice((1, 1, 2, 500))
    elif way == 2:
        other = draw.randrange(len(pieces))
        pieces[at], pieces[other] = pieces[other], pieces[at]
    elif way == 3:
        pieces.insert(at, theirs)
    elif way == 4:
        pieces[at] = theirs
    else:
        pieces[at] = draw.choice((*TEXTS, *NUMBERS))
    return mark.join(pieces)


def _edifact_segment(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    return _split(data, b"'", draw, samples)


def _edifact_element(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    segments = data.split(b"'")
    at = draw.randrange(len(segments))
    segments[at] = _split(segments[at], draw.choice((b"+", b"+", b":")), draw, samples)
    return b"'".join(segments)


def _edifact_service(data: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    """Other service characters in UNA, or another character set in UNB."""
    if draw.random() < 0.5:
        signs = draw.choice((b":+.? '", b":+,? '", b"^|.\\ ~", b"::::::", b"ABCDEF", b":+.  '", b":+.?*'"))
        return b"UNA" + signs + (data[9:] if data.startswith(b"UNA") else data)
    return re.sub(
        rb"UNO[A-Z]", draw.choice((b"UNOA", b"UNOB", b"UNOC", b"UNOY", b"UNOX", b"UNOW", b"KECA")), data, count=1
    )


def _row(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    return _split(data, b"\n", draw, samples)


def _cell(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    rows = data.split(b"\n")
    at = draw.randrange(len(rows))
    mark = max((b",", b";", b"\t", b"/"), key=data.count)
    rows[at] = _split(rows[at], mark, draw, samples)
    return b"\n".join(rows)


def _inside(data: bytes, samples: Sequence[bytes], draw: Draw) -> bytes:
    """A packed message with one of its files spoiled."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            files = {name: packed.read(name) for name in packed.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return _flip(data, samples, draw)
    if not files:
        return data
    name = draw.choice(sorted(files))
    files[name] = draw.choice(_fitting(files[name]))(files[name], [files[name]], draw)[:BYTES_MAX]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for each, inside in files.items():
            packed.writestr(zipfile.ZipInfo(each), inside)
    return written.getvalue()


_ANY: tuple[Mutation, ...] = (_flip, _truncate, _insert, _slices, _splice, _encode, _number, _number, _word, _word)
_OF_XML: tuple[Mutation, ...] = (
    _xml_element,
    _xml_element,
    _xml_element,
    _xml_tag,
    _xml_text,
    _xml_text,
    _xml_text,
    _xml_doctype,
)
_OF_JSON: tuple[Mutation, ...] = (_json_member, _json_member, _json_value, _json_value, _json_value)
_OF_EDIFACT: tuple[Mutation, ...] = (
    _edifact_segment,
    _edifact_segment,
    _edifact_element,
    _edifact_element,
    _edifact_element,
    _edifact_service,
)
_OF_LINES: tuple[Mutation, ...] = (_row, _row, _cell, _cell, _cell)
