"""Reading JSON: one typed decode of the whole where nothing is odd, else consignment by consignment.

What the typed decoder lets pass and we do not (a name given twice, numbers such as "1_000" or "1e5", control
characters) is looked for first, on the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import GenericAlias
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
import numpy as np
import numpy.typing as npt

from tidewaiter.formats.json import columns
from tidewaiter.formats.json.building import ENTRIES_MAX, Repeated, build
from tidewaiter.formats.json.columns import NAME, Gathered
from tidewaiter.formats.json.kinds import (
    MALFORMED,
    NOT_AN_OBJECT,
    NOT_UTF8,
    NOTHING_HELD,
    TOO_DEEP,
    TWICE,
    UNFIT_VALUE,
    UNKNOWN_FIELD,
)
from tidewaiter.formats.json.scanning import ODD_TEXT, entries
from tidewaiter.formats.json.tree import refuse, tree_of, where
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, shortened
from tidewaiter.model import about
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import Finding

BOM = b"\xef\xbb\xbf"


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    consignments: list[Consignment]


def _plain(struct: type[msgspec.Struct]) -> type[msgspec.Struct] | None:
    """The record with its exact numbers alone, as texts that must be written plainly; None where it has none."""
    found: list[tuple[str, Any, Any]] = []
    for name, kind, _ in about.fields(struct):
        is_many = get_origin(kind) is tuple
        inner = get_args(kind)[0] if is_many else kind
        if inner is Decimal:
            found.append((name, _PLAIN_NUMBER, None))
        elif isinstance(inner, type) and issubclass(inner, msgspec.Struct) and (below := _plain(inner)):
            found.append((name, GenericAlias(tuple, (below, ...)) if is_many else below, None))
    return msgspec.defstruct(struct.__name__, found, frozen=True, gc=False) if found else None


_PLAIN_NUMBER = Annotated[str, msgspec.Meta(pattern=r"\A(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?\Z")] | float
_PLAIN_ONE = _plain(Consignment)
_PLAIN_LIST = GenericAlias(list, (_PLAIN_ONE,))
# Made here and not at the first message: two threads that each meet a record for the first time crash the process.
_ONE, _ONE_PLAIN = msgspec.json.Decoder(Consignment), msgspec.json.Decoder(_PLAIN_ONE)
_PLAIN_ENVELOPE = msgspec.defstruct("Envelope", [("consignments", _PLAIN_LIST)])
_ENVELOPE, _ENVELOPE_PLAIN = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(_PLAIN_ENVELOPE)
_CALENDAR_EDGES = (b'"0001-', b'"9999-')
_IS_BARE = np.ones(256, np.bool_)
_IS_BARE[list(b'"[{')] = False
"""Whether a value that begins so is neither a text nor a list nor an object."""


class _Element(NamedTuple):
    """One consignment unread and where it stood: `at` is '/3', '/consignments/3' or 'line 3 '.

    It is bytes, or a tree where the message could only be taken apart that way.
    """

    at: str
    raw: bytes | None
    tree: Any = None


class _Repetition(ValueError):
    """A name stood twice in an object."""


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What a JSON message holds: one consignment, a list, an envelope with a list, or one a line."""
    body = data.removeprefix(BOM)
    whole = columns.of_list(body, _reader(jurisdiction)) or _whole(body)
    if whole is not None and whole.declared:
        return whole
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return _failed(found(NOT_UTF8, f"byte {error.start + 1} begins no character"))
    elements, findings = _elements(body)
    if elements and elements[0].at.startswith("line "):
        in_columns = columns.of_lines([(one.at, one.raw or b"") for one in elements], _reader(jurisdiction))
        if in_columns is not None:
            return in_columns
    return _together(elements, findings, jurisdiction)


def read_many(messages: Sequence[bytes], *, jurisdiction: str | None = None) -> list[Reading]:
    """What each of these messages holds, as `read` gives it: the many short ones that are plain are looked at together.

    Each is decoded for itself, so that none can reach into another.
    """
    in_columns = columns.of_many(messages)
    if in_columns is not None:
        return [
            read(data, jurisdiction=jurisdiction) if reading is None else reading
            for data, reading in zip(messages, in_columns, strict=True)
        ]
    readings: list[Reading | None] = [None] * len(messages)
    places, bodies, records, again = [], [], [], []
    for place, body in enumerate(messages):
        record = _plain_one(body)
        if record is not None:
            places.append(place)
            bodies.append(body)
            records.append(record)
            again.append(msgspec.json.encode(record))
    if records:
        (said, _), (names, values) = _counted_each(bodies), _counted_each(again)
        for place, record, once, kept in zip(places, records, said == names, values.tolist(), strict=True):
            if once:
                readings[place] = Reading(format=NAME, declared=(Declared(consignment=record),), kept=kept)
    return [
        read(data, jurisdiction=jurisdiction) if reading is None else reading
        for data, reading in zip(messages, readings, strict=True)
    ]


def _plain_one(body: bytes) -> Consignment | None:
    """The one consignment of a message, where nothing but a name said twice could be wrong with how it is written."""
    if not body.startswith(b"{") or b"\\" in body or any(edge in body for edge in _CALENDAR_EDGES):
        return None
    if (not body.isascii() or b"\x7f" in body) and ODD_TEXT.search(body):
        return None
    try:
        record: Consignment = _ONE.decode(body)
        _ONE_PLAIN.decode(body)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None
    return record if len(record.items) <= ENTRIES_MAX else None


def read_lines(data: bytes, jurisdiction: str | None, *, before: int) -> Reading:
    """What a part of a message of lines holds. `before` is how many lines stood before it."""
    numbered = enumerate(data.split(b"\n"), start=before + 1)
    lines = [_Element(f"line {number} ", line.strip()) for number, line in numbered if line.strip()]
    raws = [(line.at, line.raw or b"") for line in lines]
    in_columns = columns.of_lines(raws, _reader(jurisdiction))
    return in_columns or _plain_lines(lines) or _together(lines, [], jurisdiction, is_part=True)


def _plain_lines(lines: list[_Element]) -> Reading | None:
    """The reading of all lines by one typed decode, or None where something calls for a closer look."""
    raws = [line.raw or b"" for line in lines]
    if not all(raw.startswith(b"{") and raw.endswith(b"}") for raw in raws):
        return None
    try:
        records = msgspec.json.Decoder(Consignment).decode_lines(b"\n".join(raws))
        if len(records) != len(lines) or any(len(record.items) > ENTRIES_MAX for record in records):
            return None
        kept = _plain_leaves(b"[%s]" % b",".join(raws), records, _PLAIN_LIST)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None
    if kept is None:
        return None
    declared = [
        Declared(consignment=record, anchor={"at": line.at}) for line, record in zip(lines, records, strict=True)
    ]  # fmt: skip
    return Reading(format=NAME, declared=tuple(declared), kept=kept)


def read_entries(data: bytes, jurisdiction: str | None, *, root: str, before: int) -> Reading:
    """What a part of a list holds, itself a list at `root`. `before` is how many entries stood before it.

    An entry that is not JSON is a finding at its place, and spoils no other; so is a list that does not end.
    """
    whole = columns.of_list(data, _reader(jurisdiction), before=before) or _whole(data, before=before)
    if whole is not None and whole.declared:
        return whole
    findings: list[Finding] = []
    try:
        msgspec.json.decode(data)
        elements, findings = _elements(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        elements = [_Element("", raw) for raw in entries(data[data.index(b"[") + 1 :])]
        findings = [found(MALFORMED, source_pointer=f"{root}/{before}")] if _is_broken(data) else []
    moved = [element._replace(at=f"{root}/{before + place}") for place, element in enumerate(elements)]
    return _together(moved, findings, jurisdiction, is_part=True)


def _is_broken(body: bytes) -> bool:
    try:
        tree_of(body)
    except (ValueError, RecursionError):
        return True
    return False


def _together(
    elements: list[_Element], findings: list[Finding], jurisdiction: str | None, *, is_part: bool = False
) -> Reading:
    """The reading of all elements."""
    gathered = Gathered(findings)
    for element in elements:
        gathered.add(_one(element, jurisdiction))
    reading = gathered.reading()
    if not reading.declared and not reading.findings and not is_part:
        return _failed(found(NOTHING_HELD))
    return reading


def source_pointer(declared: Declared, pointer: str) -> str:
    """The JSON pointer into their document: '/3/items/0/price', or 'line 3 /items/0/price' where one stands a line."""
    at = declared.anchor.get("at", "")
    ours, theirs = "", ""
    for step in pointer.split("/")[1:]:
        places = declared.anchor.get(ours)
        ours = f"{ours}/{step}"
        if places and step.isdecimal() and int(step) < len(places.split()):
            step = places.split()[int(step)]  # noqa: PLW2901  the entry stood at another place in their list
        theirs = f"{theirs}/{step}"
    return at + theirs


def _whole(body: bytes, *, before: int = 0) -> Reading | None:
    """The reading by one typed decode, or None where something calls for a closer look.

    `before` is how many entries of its list stood before it.
    """
    first = body.lstrip()[:1]
    try:
        records, root = _typed(body) if first == b"{" else (msgspec.json.decode(body, type=list[Consignment]), "")
        if any(len(record.items) > ENTRIES_MAX for record in records):
            return None
        kept = _plain_leaves(body, records, _PLAIN_ENVELOPE if root else _PLAIN_ONE if first == b"{" else _PLAIN_LIST)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None
    if kept is None:
        return None
    if first == b"{" and not root:
        declared = tuple(Declared(consignment=record) for record in records)
    else:
        declared = tuple(
            Declared(consignment=record, anchor={"at": f"{root}/{place}"})
            for place, record in enumerate(records, start=before)
        )
    return Reading(format=NAME, declared=declared, kept=kept)


def _typed(body: bytes) -> tuple[list[Consignment], str]:
    try:
        return [_ONE.decode(body)], ""
    except msgspec.ValidationError:
        return _ENVELOPE.decode(body).consignments, "/consignments"


def _plain_leaves(body: bytes, records: list[Consignment], numbers: Any) -> int | None:
    """How many values the JSON text of these records holds, or None where it holds anything that the typed decoder
    would let pass. `numbers` is the message with its exact numbers alone. Raises ValueError where a name stands twice,
    or a number is not written plainly.
    """
    if (not body.isascii() or b"\\" in body or b"\x7f" in body) and ODD_TEXT.search(body):
        return None
    if any(edge in body for edge in _CALENDAR_EDGES):
        return None
    msgspec.json.decode(body, type=numbers)
    if b"\\" not in body:
        # Written again each name stands once. Where their text has no more of them, none stands there twice.
        names, values = _counted(msgspec.json.encode(records))
        if _counted(body)[0] == names + (numbers is _PLAIN_ENVELOPE):
            return values
    return _leaves(_STRICT.decode(body.decode()))


def _counted(text: bytes) -> tuple[int, int]:
    """How many fields are named in a JSON text without escapes, and how many values that hold no others they have.

    The second is right where the text is packed as our own writer packs it.
    """
    names, values = _counted_each([text])
    return int(names[0]), int(values[0])


def _counted_each(texts: Sequence[bytes]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The same of each of these texts."""
    ends = np.cumsum([len(text) for text in texts])
    signs = np.frombuffer(b"".join(texts), np.uint8)
    quotes, colons = np.flatnonzero(signs == ord('"')), np.flatnonzero(signs == ord(":"))
    after_names = colons[np.searchsorted(quotes, colons) % 2 == 0]  # within a text they stand after an odd quote
    bare = after_names[_IS_BARE[signs[after_names + 1]]]
    names, quoted, others = (np.diff(np.searchsorted(found, ends), prepend=0) for found in (after_names, quotes, bare))
    return names, quoted // 2 - names + others


class _Count(int):
    """How many values an object holds."""


def _summed(pairs: list[tuple[str, Any]]) -> _Count:
    if len(dict(pairs)) != len(pairs):
        raise _Repetition
    return _Count(sum([_leaves(value) for _, value in pairs]))


def _leaves(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return 1
    if kind is _Count:
        return int(value)
    if kind is list:
        return sum([_leaves(entry) for entry in value])
    return 0 if value is None else 1


_STRICT = json.JSONDecoder(object_pairs_hook=_summed)


def _elements(body: bytes) -> tuple[list[_Element], list[Finding]]:
    """The consignments of a message as bytes, unread, and what was wrong with what is around them."""
    first = body.lstrip()[:1]
    try:
        if first == b"[":
            return _listed(msgspec.json.decode(body, type=list[msgspec.Raw]), ""), []
        if first != b"{":
            called = "text" if first == b'"' else "a bare value"
            json.loads(body, parse_constant=refuse)
            return [], [found(NOT_AN_OBJECT, called)]
        held = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except RecursionError:
        return [], [found(TOO_DEEP)]
    except ValueError as error:
        lines = _lines(body)
        return (lines, []) if lines else _from_tree(body, error)
    return _enveloped(body, held) if "consignments" in held and "reference" not in held else ([_Element("", body)], [])


def _listed(raws: list[msgspec.Raw], root: str) -> list[_Element]:
    return [_Element(f"{root}/{place}", bytes(raw)) for place, raw in enumerate(raws)]


def _from_tree(body: bytes, error: ValueError) -> tuple[list[_Element], list[Finding]]:
    """The consignments of a message that only the forgiving parser takes: half a character in one spoils no other."""
    try:
        tree = tree_of(body)
    except RecursionError:
        return [], [found(TOO_DEEP)]
    except ValueError:
        return [], [found(MALFORMED, where(body, error))]
    root = ""
    if isinstance(tree, dict) and isinstance(tree.get("consignments"), list):
        tree, root = tree["consignments"], "/consignments"
    if isinstance(tree, list):
        return [_Element(f"{root}/{place}", None, one) for place, one in enumerate(tree)], []
    return [_Element("", None, tree)], []


def _enveloped(body: bytes, held: dict[str, msgspec.Raw]) -> tuple[list[_Element], list[Finding]]:
    findings = [
        found(UNKNOWN_FIELD, f"“{shortened(name)}”", source_pointer=f"/{shortened(name)}")
        for name in held
        if name != "consignments"
    ]
    if body.count(b'"consignments"') > 1:
        tree = tree_of(body)
        if isinstance(tree, Repeated) and "consignments" in tree.again:
            return [], [*findings, found(TWICE, "“consignments”", source_pointer="/consignments")]
    try:
        raws = msgspec.json.decode(held["consignments"], type=list[msgspec.Raw])
    except ValueError:
        return [], [*findings, found(UNFIT_VALUE, "a list", source_pointer="/consignments")]
    return _listed(raws, "/consignments"), findings


def _lines(body: bytes) -> list[_Element]:
    """One object a line, where most lines look like that; else nothing."""
    lines = [(number, line.strip()) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    objects = sum(line.startswith(b"{") and line.endswith(b"}") for _, line in lines)
    if len(lines) < 2 or objects * 2 < len(lines):
        return []
    return [_Element(f"line {number} ", line) for number, line in lines]


def _reader(jurisdiction: str | None) -> Callable[[str, bytes], Reading]:
    """What reads one consignment, from where it stood and its bytes."""
    return lambda at, raw: _one(_Element(at, raw), jurisdiction)


def _one(element: _Element, jurisdiction: str | None) -> Reading:
    """The reading of one element, quickly where nothing is odd."""
    at, raw, _ = element
    if raw is None:
        return _carefully(element, jurisdiction)
    anchor = {"at": at} if at else {}
    try:
        record = msgspec.json.decode(raw, type=Consignment)
        kept = _plain_leaves(raw, [record], _PLAIN_ONE) if len(record.items) <= ENTRIES_MAX else None
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        kept = None
    if kept is not None:
        return Reading(format=NAME, declared=(Declared(consignment=record, anchor=anchor),), kept=kept)
    return _carefully(element, jurisdiction)


def _carefully(element: _Element, jurisdiction: str | None) -> Reading:
    at, raw, _ = element
    try:
        tree = element.tree if raw is None else tree_of(raw)
    except RecursionError:
        return _failed(found(TOO_DEEP, source_pointer=at.strip()))
    except ValueError as error:
        return _failed(found(MALFORMED, where(raw or b"", error), source_pointer=at.strip()))
    if isinstance(tree, dict) and jurisdiction and tree.get("jurisdiction") is None:
        tree["jurisdiction"] = jurisdiction
    built = build(tree, Consignment, at=at)
    if built.record is None:
        return Reading(format=NAME, findings=built.findings, kept=built.kept, dropped=built.dropped)
    anchor = ({"at": at} if at else {}) | built.moved
    declared = Declared(consignment=built.record, findings=built.findings, anchor=anchor)
    return Reading(format=NAME, declared=(declared,), kept=built.kept, dropped=built.dropped)


def _failed(finding: Finding) -> Reading:
    return Reading(format=NAME, findings=(finding,))
