"""What the table cannot say: a message of many houses, customs notes, numbers of load units; there and back again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tidewaiter.formats.air import PARTIES, TRADER
from tidewaiter.formats.mapped_writing import node
from tidewaiter.formats.tree import Node

NOTE = "IncludedCustomsNote"
_ELEMENTS = {"consignor": "ConsignorParty", "consignee": "ConsigneeParty", "representative": "FreightForwarderParty"}
_ADDRESSES = ("PostalStructuredAddress", "FreightForwarderAddress")
_NOTIFY, _NOTIFY_CODE = "AssociatedParty", "NI"
_NOTE_PARTS = ("CountryID", "SubjectCode", "ContentCode")
_UNIT, _UNIT_NUMBER = "AssociatedUnitLoadTransportEquipment", re.compile(r"([A-Z0-9]{3})([0-9]{4,5})([A-Z0-9]{2})")
_CHARGES = ("TotalPrepaidChargeAmount", "TotalCollectChargeAmount")
_AFTER_NOTES = frozenset(
    {
        "AssociatedReferenceDocument", "AssociatedConsignmentCustomsProcedure", "IncludedHouseConsignmentItem",
        "ApplicableRating",
    }
)  # fmt: skip


def houses(root: Node) -> Iterator[Node]:
    """The message once for each house consignment in it, ready for the table; a message without any as it is."""
    master = _child(root, "MasterConsignment")
    inside = [one for one in master.children if one.name == "IncludedHouseConsignment"] if master else []
    if master is None or not inside:
        yield _with(root, [_shaped(one) for one in root.children])
        return
    for house in inside:
        kept = [one for one in master.children if one.name != house.name or one is house]
        own = _with(master, [_shaped(one) if one is house else one for one in kept])
        yield _with(root, [own if one is master else one for one in root.children])


def _shaped(consignment: Node) -> Node:
    """A consignment with its notes, units and charges as the table has them."""
    children = [one for one in consignment.children if not _is_nought_beside(one, consignment)]
    of_parties: dict[int, list[Node]] = {}
    rest: list[Node] = []
    for one in children:
        party = _party_of(one, children) if one.name == NOTE else None
        if party is not None:
            content = _child(one, "Content") or one
            of_parties.setdefault(id(party), []).append(msgspec.structs.replace(content, name="CustomsID"))
        elif one.name == NOTE:
            rest.append(_joined_note(one))
        else:
            rest.append(_items(one))
    spread = [more for one in rest for more in _codes_apart(one)]
    return _with(consignment, [_with(one, [*of_parties.get(id(one), []), *one.children]) for one in spread])


def _is_nought_beside(one: Node, consignment: Node) -> bool:
    """Whether it is a charge of nought, paid one way, beside one that is paid the other way."""
    if one.name not in _CHARGES or one.text.strip("0."):
        return False
    return any(other.name in _CHARGES and other.text.strip("0.") for other in consignment.children)


def _party_of(note: Node, siblings: list[Node]) -> Node | None:
    """The party whose number the note is, where the party lives in the country that gave it; None for other notes."""
    country, subject, content = (_text(note, name) for name in _NOTE_PARTS)
    role = PARTIES.get(subject)
    if content != TRADER or role is None or not country or not _text(note, "Content"):
        return None
    for party in siblings:
        is_it = party.name == _ELEMENTS.get(role)
        is_it |= role == "notify" and party.name == _NOTIFY and _text(party, "RoleCode") == _NOTIFY_CODE
        if is_it and country == _country(party):
            return party
    return None


def _country(party: Node) -> str:
    """The country said first, as the table takes it: an address may stand twice, and the first of them say none."""
    said = (_text(one, "CountryID") for one in party.children if one.name in _ADDRESSES)
    return next(filter(None, said), "")


def _joined_note(note: Node) -> Node:
    """'US/CUS/AH' in one element, where there is any of it. Parts stay apart, and so are not read, where one has an
    oblique: none should, and where it ends could not be told."""
    parts = [_text(note, name) for name in _NOTE_PARTS]
    if any("/" in part for part in parts):
        return note
    code = "/".join(parts)
    kept = [one for one in note.children if one.name not in _NOTE_PARTS]
    first = next((one for one in note.children if one.name in _NOTE_PARTS), note)
    if code.strip("/"):
        kept.insert(0, Node("Code", note.space, {}, first.index, code))
    return _with(note, kept)


def _items(one: Node) -> Node:
    """A goods item with the numbers of its load units whole: 'PMC1337XX'."""
    if one.name == "ApplicableRating":
        spread = [more for child in one.children for more in _codes_apart(_items(child))]
        return _with(one, spread)
    if not one.name.endswith("ConsignmentItem"):
        return one
    return _with(one, [_whole_unit(child) if child.name == _UNIT else child for child in one.children])


def _whole_unit(unit: Node) -> Node:
    number, owner = _child(unit, "ID"), _child(unit, "OperatingParty")
    whole = f"{_text(unit, 'CharacteristicCode')}{_text(unit, 'ID')}{_text(owner, 'PrimaryID') if owner else ''}"
    if number is None or _UNIT_NUMBER.fullmatch(whole) is None:
        return unit
    told = ("ID", "CharacteristicCode", "OperatingParty")
    kept = [one for one in unit.children if one.name not in told]
    return _with(unit, [Node("ID", number.space, {}, number.index, whole), *kept])


def _codes_apart(item: Node) -> Iterator[Node]:
    """An item of several commodity codes as several: the first has all that is said, the others a code each."""
    codes = [one for one in item.children if one.name == "TypeCode"]
    if not item.name.endswith("ConsignmentItem") or len(codes) < 2:
        yield item
        return
    yield _with(item, [one for one in item.children if one not in codes[1:]])
    for code in codes[1:]:
        yield Node(item.name, item.space, {}, code.index, "", "", [code])


def unshaped(consignment: Node) -> None:
    """Put notes and numbers of units back as the messages have them, in place."""
    notes = [_apart(one) for one in consignment.children if one.name == NOTE]
    for party in consignment.children:
        for number in [one for one in party.children if one.name == "CustomsID"]:
            party.children.remove(number)
            subject = next((code for code, role in PARTIES.items() if party.name == _ELEMENTS.get(role)), "")
            if party.name == _NOTIFY and _text(party, "RoleCode") == _NOTIFY_CODE:
                subject = "NFY"
            if subject and _country(party):
                notes.append(_note(number.text, TRADER, subject, _country(party)))
            else:
                party.children.insert(0, node("AdditionalID", number.text))
    rest = [one for one in consignment.children if one.name != NOTE]
    places = (place for place, one in enumerate(rest) if one.name in _AFTER_NOTES)
    place = next(places, len(rest))
    consignment.children[:] = [*rest[:place], *notes, *rest[place:]]
    for item in consignment.children:
        for unit in item.children:
            if unit.name == _UNIT:
                _unit_apart(unit)


def _apart(note: Node) -> Node:
    parts = _text(note, "Code").split("/")
    country, subject, content = (*parts, "", "", "")[:3]
    return _note(_text(note, "Content"), content, subject, country)


def _note(content: str, code: str, subject: str, country: str) -> Node:
    parts = (("ContentCode", code), ("Content", content), ("SubjectCode", subject), ("CountryID", country))
    return node(NOTE, "", *(node(name, text) for name, text in parts if text))


def _unit_apart(unit: Node) -> None:
    whole = _UNIT_NUMBER.fullmatch(_text(unit, "ID"))
    if whole is None:
        return
    kept = [one for one in unit.children if one.name != "ID"]
    owner = node("OperatingParty", "", node("PrimaryID", whole[3]))
    unit.children[:] = [node("ID", whole[2]), node("CharacteristicCode", whole[1]), owner, *kept]


def _child(one: Node, name: str) -> Node | None:
    return next((child for child in one.children if child.name == name), None)


def _text(one: Node, name: str) -> str:
    child = _child(one, name)
    return child.text if child else ""


def _with(one: Node, children: list[Node]) -> Node:
    return msgspec.structs.replace(one, children=children)
