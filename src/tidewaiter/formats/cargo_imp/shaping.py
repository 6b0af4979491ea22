"""From the lines of a message to trees as the table has them: one for each house of an FHL, one for an FWB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tidewaiter.formats.air import PARTIES, TRADER
from tidewaiter.formats.cargo_imp import kinds as k
from tidewaiter.formats.cargo_imp.addresses import address, party_of
from tidewaiter.formats.cargo_imp.lines import IDENTIFIERS, Line, Message
from tidewaiter.formats.cargo_imp.nodes import Segment, Shaper, each, segments
from tidewaiter.formats.cargo_imp.words import LINES, fits
from tidewaiter.formats.mapped import TWICE
from tidewaiter.formats.text import found
from tidewaiter.formats.tree import Node

_NUMBER_ALONE = {"FHL": (), "FWB": ("AWB",)}
"""Messages with a line that has the number of the waybill and no identifier."""
SUMMARY_MAX = 15
"""Characters of the short description in HBS."""
_NUMBERED = re.compile(r"([0-9]{3}-[0-9]{8})(?:([A-Z]{3})([A-Z]{3}))?")
_QUANTITY = re.compile(r"[TPSD]?([0-9]{1,4})([KL])([0-9]{1,7}(?:\.[0-9]{1,3})?)(.*)")
_WEIGHT = re.compile(r"([KL])([0-9]{1,7}(?:\.[0-9]{1,3})?)")
_PIECES = re.compile(r"[0-9]{1,4}")
_LOAD_COUNT = re.compile(r"[0-9]{1,5}")
_PLACES = re.compile(r"([A-Z]{3})([A-Z]{3})")
_DAY = re.compile(r"([0-9]{2})([A-Z]{3})([0-9]{2})(.*)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_UNITS = {"K": "KGM", "L": "LBR"}
_NO_VALUES = ("NVD", "NCV", "XXX", "")
"""No value declared for carriage, for customs; no insurance."""
_NOTE_PARTS = (re.compile(r"([A-Z]{2})?"), re.compile(r"[A-Z]{0,3}"), re.compile(r"[A-Z]{0,2}"), re.compile(r".+"))


def waybills(message: Message, shaper: Shaper) -> Iterator[Node]:
    """The waybills of a message, in order, each ready for the table."""
    shared: list[Node] = []
    own: list[Node] | None = None if message.name == "FHL" else []
    root = Line(message.name, (), message.place, 0)
    party: Node | None = None
    for segment in segments(message):
        row = segment.rows[0]
        into = shared if own is None else own
        if segment.name not in (*IDENTIFIERS[message.name], *_NUMBER_ALONE[message.name]):
            shaper.fault(k.UNKNOWN_LINE, f"line {row.number}", row)
            into += [one for each in segment.rows for one in shaper.rest(each)]
        elif segment.name == "HBS":
            if own is not None:
                yield _finished(shaper, root, [*shared, *own])
            own, party = _house(segment, shaper), None
        elif segment.name in ("SHP", "CNE", "AGT", "NFY"):
            into.append(party_of(segment, shaper, message.name))
            party = into[-1] if segment.name != "AGT" else None  # an agent has no lines of his own
        elif segment.name in ("NAM", "ADR", "LOC") and party is not None:
            party.children += address(segment, shaper)
        elif segment.name in _LINES:
            into += _LINES[segment.name](segment, shaper)
        else:
            into += [one for each in segment.rows for one in shaper.rest(each)]
    if own is None and shared:
        shaper.fault(k.FORM, "FHL with a line HBS for each house", root)
    if own is not None or shared:
        yield _finished(shaper, root, [*shared, *(own or [])])


def _finished(shaper: Shaper, root: Line, children: list[Node]) -> Node:
    """A waybill whose parties have the numbers that its notes give, and whose goods items stand apart."""
    children = _numbers_of_parties(_once(children, shaper))
    for one in children:
        _measure(one, shaper)
    loose = [one for one in children if one.name in ("Description", "HS")]
    summary = next((one for one in children if one.name == "Short"), None)
    children = [one for one in children if one.name not in ("Description", "HS", "Short")]
    words = " ".join(one.text for one in loose if one.name == "Description")
    if summary is not None and not words:
        loose.insert(0, Node("Description", "", {}, summary.index, summary.text))
    elif summary is not None and words[:SUMMARY_MAX].strip() != summary.text:
        children.append(Node("Summary", "", {}, summary.index, summary.text))
        if len(summary.text) > SUMMARY_MAX:
            detail = f"HBS with a short description of at most {SUMMARY_MAX} characters"
            shaper.findings.append(found(k.FORM, detail, source_pointer=shaper.places[summary.index]))
    _held_by("TXT", [one for one in loose if one.name == "Description"], shaper)
    if loose:
        children.append(Node("Item", "", {}, loose[0].index, "", "", loose))
    whole = shaper.above("Waybill", root, [])
    whole.children = [more for one in children for more in _codes_apart(one)]
    return whole


def _numbers_of_parties(children: list[Node]) -> list[Node]:
    """The parts of a waybill without the notes that give the number of a party, which has it then."""
    parties = {one.name: one for one in children if one.name in PARTIES}
    kept: list[Node] = []
    for one in children:
        country, subject, code = (*_text(one, "Code").split("/"), "", "", "")[:3] if one.name == "OCI" else ("",) * 3
        party = parties.get(subject) if code == TRADER and country else None
        number = next((part for part in one.children if part.name == "Text"), None)
        if party is None or number is None or country != _text(party, "Country"):
            kept.append(one)
        else:
            party.children.insert(0, Node("ID", "", {}, number.index, number.text))
    return kept


def _measure(part: Node, shaper: Shaper) -> None:
    """Note texts in a part of a waybill that are longer than the lines that could carry them on."""
    lines = {"Item": {"NG": "Description"}, "SHP": _OF_PARTY, "CNE": _OF_PARTY, "NFY": _OF_PARTY}
    lines |= {name: {name: "Text"} for name in ("SSR", "OSI", "ACC")}
    for line, name in lines.get(part.name, {}).items():
        _held_by(line, [one for one in part.children if one.name == name], shaper)


_OF_PARTY = {"NAM": "Name", "ADR": "Street"}


def _held_by(line: str, texts: list[Node], shaper: Shaper) -> None:
    if texts and not fits(line, " ".join(one.text for one in texts)):
        length, count = LINES[line]
        detail = f"{line} with words of at most {length} characters, in at most {count} lines"
        shaper.findings.append(found(k.FORM, detail, source_pointer=shaper.places[texts[0].index]))


def _once(children: list[Node], shaper: Shaper) -> list[Node]:
    """The parts of a waybill with one party in each role: a second has no field, and a finding says so."""
    made: list[Node] = []
    roles: set[str] = set()
    for one in children:
        if one.name in roles:
            shaper.findings.append(found(TWICE, source_pointer=shaper.places[one.index]))
            made.append(msgspec.structs.replace(one, name="Unread"))
        else:
            made.append(one)
        roles |= {one.name} & PARTIES.keys()
    return made


def _codes_apart(item: Node) -> Iterator[Node]:
    """An item of several commodity codes as several: the first has all that is said, the others a code each."""
    codes = [one for one in item.children if one.name == "HS"]
    if item.name != "Item" or len(codes) < 2:
        yield item
        return
    kept = [one for one in item.children if one.name != "HS" or one is codes[0]]
    yield Node("Item", "", {}, item.index, "", "", kept)
    for code in codes[1:]:
        yield Node("Item", "", {}, code.index, "", "", [code])


def _text(one: Node, name: str) -> str:
    return next((child.text for child in one.children if child.name == name), "")


# --- lines, each to its nodes


def _numbered(segment: Segment, shaper: Shaper) -> list[Node]:
    """MBI and the first line of FWB: number, places, pieces and weight, which in FHL are those of the whole."""
    row = segment.rows[0]
    number = _NUMBERED.fullmatch(row.parts[0]) if row.parts else None
    if number is None:
        shaper.fault(k.FORM, "number, origin and destination as 020-12345675FRAJFK", row)
        return shaper.rest(row)
    made = [shaper.node("AirWaybill", number[1], row, 1)]
    is_whole = segment.name == "MBI"
    names = ("Unread", "Unread") if is_whole else ("Origin", "Destination")
    made += [shaper.node(name, text, row, 1) for name, text in zip(names, number.groups()[1:], strict=True) if text]
    quantity = _QUANTITY.fullmatch(row.parts[1]) if len(row.parts) > 1 else None
    if quantity is None:
        shaper.fault(k.FORM, "pieces and weight as T6K120.0", row)
        return made + shaper.rest(row, 1)
    names = ("Unread", "Unread") if is_whole else ("Pieces", "Weight")
    made.append(shaper.node(names[0], quantity[1], row, 2))
    made.append(shaper.node(names[1], quantity[3], row, 2, unitCode="" if is_whole else _UNITS[quantity[2]]))
    made += [shaper.node("Unread", quantity[4], row, 2)] if quantity[4] else []
    return made + shaper.rest(row, 2)


def _house(segment: Segment, shaper: Shaper) -> list[Node]:
    """HBS: number, places, pieces, weight, the shipper's count, a short description; then handling codes."""
    row = segment.rows[0]
    number, route, pieces, weight, count, words = (*row.parts, *[""] * 6)[:6]
    made = [shaper.node("House", number, row, 1)]
    places, mass = _PLACES.fullmatch(route), _WEIGHT.fullmatch(weight)
    is_whole = number and places is not None and mass is not None and _PIECES.fullmatch(pieces)
    if not is_whole or (count and not _LOAD_COUNT.fullmatch(count)):
        shaper.fault(k.FORM, "HBS/number/FRAJFK/pieces/K1.5/count/description", row)
    if places is not None:
        made += [shaper.node("Origin", places[1], row, 2), shaper.node("Destination", places[2], row, 2)]
    if mass is not None:
        made.append(shaper.node("Weight", mass[2], row, 4, unitCode=_UNITS[mass[1]]))
    made += [shaper.node("Pieces", pieces, row, 3), shaper.node("LoadCount", count, row, 5)]
    made.append(shaper.node("Short", words, row, 6))
    made = [one for one in made if one.text]
    return made + _handling(Segment("SPH", [row._replace(parts=row.parts[6:]), *segment.rows[1:]]), shaper)


def _handling(segment: Segment, shaper: Shaper) -> list[Node]:
    return [
        shaper.above("SPH", row, [shaper.node("Code", part, row, n)])
        for row in segment.rows
        for n, part in enumerate(row.parts, start=1)
        if part
    ]


def _words(segment: Segment, shaper: Shaper) -> list[Node]:
    """SSR and OSI: free text, one note each."""
    texts = each("Text")(segment, shaper)
    return [shaper.above(segment.name, segment.rows[0], texts)] if texts else []


def _accounting(segment: Segment, shaper: Shaper) -> list[Node]:
    """ACC: a code and a text a line."""
    made = []
    for row in segment.rows:
        names = ["Code", "Text", *["Text"] * len(row.parts)]
        children = [shaper.node(names[n], part, row, n + 1) for n, part in enumerate(row.parts) if part]
        made.append(shaper.above("ACC", row, children))
    return made


def _notes(segment: Segment, shaper: Shaper) -> list[Node]:
    """OCI: country, information identifier, customs information identifier and information, again and again."""
    made = []
    for row in segment.rows:
        for start in range(0, len(row.parts), 4):
            parts = (*row.parts[start : start + 4], "", "", "")[:4]
            fits = [form.fullmatch(part) for form, part in zip(_NOTE_PARTS, parts, strict=True)]
            if not all(fits):
                shaper.fault(k.NOTE, f"part {next(n for n, fit in enumerate(fits, start=1) if fit is None)}", row)
            code = shaper.node("Code", "/".join(parts[:3]), row, start + 1)
            texts = [shaper.node("Text", parts[3], row, start + 4)] if parts[3] else []
            made.append(shaper.above("OCI", row, [*([code] if code.text.strip("/") else []), *texts]))
    return made


def _values(segment: Segment, shaper: Shaper) -> list[Node]:
    """CVD: a currency first; at the end the values for carriage, for customs and for insurance."""
    row = segment.rows[0]
    if len(row.parts) < 4:
        shaper.fault(k.FORM, "CVD/currency/…/carriage/customs/insurance", row)
        return shaper.rest(row)
    count = len(row.parts)
    made = []
    if row.parts[-2] not in _NO_VALUES:
        made.append(shaper.node("CustomsValue", row.parts[-2], row, count - 1, currencyID=row.parts[0]))
    for n, part in ((count - 2, row.parts[-3]), (count, row.parts[-1])):
        made += [shaper.node("Unread", part, row, n)] if part not in _NO_VALUES else []
    return made + [shaper.node("Unread", part, row, n) for n, part in enumerate(row.parts[1:-3], start=2) if part]


def _rating(segment: Segment, shaper: Shaper) -> list[Node]:
    """RTD: a line of pieces and weight begins a goods item; those after it describe what it is."""
    names = {"NG": "Description", "NC": "Description", "NH": "HS", "NO": "Origin", "NS": "LoadCount", "NU": "Unit"}
    items: list[Node] = []
    for row in segment.rows:
        parts = list(enumerate(row.parts, start=1))
        if parts and parts[0][1].isdecimal():
            parts = parts[1:]
        if not items or (parts and re.fullmatch(r"P[0-9]{1,4}|[KL][0-9.]+", parts[0][1])):
            items.append(shaper.above("Item", row, []))
        into = items[-1].children
        kind = parts[0][1] if parts else ""
        for n, part in parts[1:] if kind in names else parts:
            pieces, mass = re.fullmatch(r"P([0-9]{1,4})", part), _WEIGHT.fullmatch(part)
            if kind in names and part:
                leaf = shaper.node("ID" if kind == "NU" else names[kind], part, row, n)
                into.append(shaper.above("Unit", row, [leaf]) if kind == "NU" else leaf)
            elif kind.startswith("N"):
                into += [shaper.node("Unread", part, row, n)] if part and n > parts[0][0] else []
            elif pieces:
                into.append(shaper.node("Pieces", pieces[1], row, n))
            elif mass:
                into.append(shaper.node("Weight", mass[2], row, n, unitCode=_UNITS[mass[1]]))
            elif part:
                into.append(shaper.node("Unread", part, row, n))
    # A line of rates that names no goods is no item; what it has stays named as dropped.
    return [
        more
        for one in items
        for more in ([one] if any(part.name != "Unread" for part in one.children) else one.children)
    ]


def _issued(segment: Segment, shaper: Shaper) -> list[Node]:
    """ISU: day and place, and who signed."""
    row = segment.rows[0]
    day = _DAY.fullmatch(row.parts[0]) if row.parts else None
    if day is None or day[2] not in MONTHS:
        shaper.fault(k.FORM, "ISU/02NOV26/place", row)
        return shaper.rest(row)
    made = [shaper.node("IssuedOn", f"20{day[3]}-{MONTHS.index(day[2]) + 1:02d}-{day[1]}", row, 1)]
    place = day[4] or (row.parts[1] if len(row.parts) > 1 else "")
    made += [shaper.node("IssuedAt", place, row, 1 if day[4] else 2)] if place else []
    return made + shaper.rest(row, 1 if day[4] else 2)


def _flights(segment: Segment, shaper: Shaper) -> list[Node]:
    parts: Sequence[tuple[int, str]] = list(enumerate(segment.parts, start=1))
    row = segment.rows[0]
    return [shaper.node("Flight" if n % 2 else "Unread", part, row, n) for n, part in parts if part]


_LINES: dict[str, Callable[[Segment, Shaper], list[Node]]] = {
    "MBI": _numbered, "AWB": _numbered, "TXT": each("Description"), "HTS": each("HS"), "OCI": _notes,
    "CVD": _values, "SPH": _handling, "SSR": _words, "OSI": _words, "ACC": _accounting, "RTD": _rating,
    "ISU": _issued, "FLT": _flights,
}  # fmt: skip
