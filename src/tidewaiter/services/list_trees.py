"""Lists of denied parties in XML: of the United Nations, Canada, the United States and the European Union."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidewaiter.formats.tree import OVER_LIMIT, Node, grow
from tidewaiter.risk.screening import Listed, PartyKind
from tidewaiter.services.list_records import (
    OFAC_KINDS,
    Files,
    ListError,
    ReadList,
    born_on,
    day_of,
    newest,
    one_file,
    party,
)


def _rows(data: bytes, root: str, tag: str) -> tuple[Node, list[Node]]:
    """The root, and every element of that name in it. A list too large to be read whole is read record by record, and
    then its root says nothing."""
    tree = grow(data)
    if tree.root is None and tree.faults and tree.faults[0].kind is OVER_LIMIT:
        return _rows_apart(data, root, tag)
    if tree.root is None or tree.faults:
        fault = tree.faults[0]
        raise ListError(f"{fault.reason} at line {fault.line}, column {fault.column}")
    if tree.root.name != root:
        raise ListError(f"its root is not {root}")
    return tree.root, list(_all(tree.root, tag))


def _rows_apart(data: bytes, root: str, tag: str) -> tuple[Node, list[Node]]:
    start, end = re.compile(rf"<{tag}[\s>]".encode()), f"</{tag}>".encode()
    first = start.search(data)
    if first is None or b"<!" in data or data.rstrip()[-len(root) - 3 :] != f"</{root}>".encode():
        raise ListError("it is too large to be read whole, and cannot be read record by record")
    records, at = [], first.start()
    while (found := start.search(data, at)) is not None:
        stop = data.find(end, found.start())
        record = grow(data[found.start() : stop + len(end)]).root if stop >= 0 else None
        if record is None:
            raise ListError(f"a record at byte {found.start():,} is not well-formed")
        records.append(record)
        at = stop + len(end)
    return Node(root, "", {}, 0), records


def _all(node: Node, name: str) -> Iterator[Node]:
    for child in node.children:
        if child.name == name:
            yield child
        else:
            yield from _all(child, name)


def _text(node: Node, name: str) -> str:
    return next((" ".join(child.text.split()) for child in node.children if child.name == name), "")


def _texts(node: Node, *path: str) -> list[str]:
    nodes = [node]
    for name in path:
        nodes = [child for one in nodes for child in one.children if child.name == name]
    return [text for one in nodes if (text := " ".join(one.text.split()))]


def un(files: Files) -> ReadList:
    """The consolidated list of the Security Council of the United Nations. Raises ListError."""
    root, _ = _rows(one_file(files), "CONSOLIDATED_LIST", "INDIVIDUAL")
    parties = [_un_party(one, "person") for one in _all(root, "INDIVIDUAL")]
    parties += [_un_party(one, "entity") for one in _all(root, "ENTITY")]
    return ReadList(day_of(root.attributes.get("dateGenerated", "")[:10]), tuple(parties))


def _un_party(one: Node, kind: PartyKind) -> Listed:
    parts = [_text(one, f"{which}_NAME") for which in ("FIRST", "SECOND", "THIRD", "FOURTH")]
    names, weak = [" ".join(filter(None, parts)), _text(one, "NAME_ORIGINAL_SCRIPT")], list[str]()
    what = "INDIVIDUAL" if kind == "person" else "ENTITY"
    for alias in _all(one, f"{what}_ALIAS"):
        (weak if _text(alias, "QUALITY") == "Low" else names).append(_text(alias, "ALIAS_NAME"))
    born = [
        born_on(_text(when, "DATE") or _text(when, "YEAR") or f"{_text(when, 'FROM_YEAR')} to {_text(when, 'TO_YEAR')}")
        for when in _all(one, "INDIVIDUAL_DATE_OF_BIRTH")
    ]
    places = [*_texts(one, "NATIONALITY", "VALUE"), *_texts(one, f"{what}_ADDRESS", "COUNTRY")]
    papers = [(_text(paper, "TYPE_OF_DOCUMENT"), _text(paper, "NUMBER")) for paper in _all(one, "INDIVIDUAL_DOCUMENT")]
    return party(
        _text(one, "REFERENCE_NUMBER") or _text(one, "DATAID"),
        kind, names, weak=weak, born=born, places=places, papers=papers, programme=_text(one, "UN_LIST_TYPE"),
    )  # fmt: skip


_TONGUE = re.compile(
    r"^\s*(?:Belarus+ian|Russian|Ukrainian|Arabic|Persian|Chinese|Korean|Burmese|Spanish)\s*:\s*", re.I
)


def canada(files: Files) -> ReadList:
    """The consolidated list of Canada under the Special Economic Measures Act. Raises ListError."""
    _, records = _rows(one_file(files), "data-set", "record")
    return ReadList(newest(_text(one, "DateOfListing") for one in records), tuple(map(_canada_party, records)))


def _canada_party(one: Node) -> Listed:
    ship = _text(one, "ShipIMONumber")
    kind: PartyKind = "vessel" if ship else "person" if _text(one, "LastName") else "entity"
    whole = _text(one, "EntityOrShip") or f"{_text(one, 'GivenName')} {_text(one, 'LastName')}"
    aliases = re.split(r"[;,\n]|\bor\b", next((c.text for c in one.children if c.name == "Aliases"), ""))
    names = [whole, *(_TONGUE.sub("", alias) for alias in aliases)]
    born = [] if ship else [born_on(_text(one, "DateOfBirthOrShipBuildDate"))]
    # The country of a record is whose regulations it stands under, not where the party is from.
    programme = f"{_text(one, 'Country')}, schedule {_text(one, 'Schedule')}"
    where = (_text(one, "Country").partition("/")[0].strip(), _text(one, "Schedule"), _text(one, "Item"))
    return party("/".join(where), kind, names, born=born, papers=[("IMO", ship)], programme=programme)


def ofac_xml(files: Files) -> ReadList:
    """SDN.XML or CONSOLIDATED.XML of the Office of Foreign Assets Control. Raises ListError."""
    root, entries = _rows(one_file(files), "sdnList", "sdnEntry")
    stamp = next((_text(node, "Publish_Date") for node in root.children if node.name == "publshInformation"), "")
    return ReadList(day_of(stamp), tuple(map(_ofac_party, entries)))


def _ofac_party(one: Node) -> Listed:
    names, weak = [f"{_text(one, 'firstName')} {_text(one, 'lastName')}"], list[str]()
    for alias in _all(one, "aka"):
        whole = f"{_text(alias, 'firstName')} {_text(alias, 'lastName')}"
        (weak if _text(alias, "category") == "weak" else names).append(whole)
    places = [
        *_texts(one, "nationalityList", "nationality", "country"),
        *_texts(one, "citizenshipList", "citizenship", "country"),
        *_texts(one, "addressList", "address", "country"),
    ]
    papers = [(_text(paper, "idType"), _text(paper, "idNumber")) for paper in _all(one, "id")]
    born = [born_on(text) for text in _texts(one, "dateOfBirthList", "dateOfBirthItem", "dateOfBirth")]
    kind = OFAC_KINDS.get(_text(one, "sdnType").lower(), "")
    programme = ", ".join(_texts(one, "programList", "program"))
    return party(
        _text(one, "uid"), kind, names, weak=weak, born=born, places=places, papers=papers, programme=programme
    )


def eu(files: Files) -> ReadList:
    """The consolidated list of the European Union, XML 1.1: from its structure, no file at hand. Raises ListError."""
    root, entities = _rows(one_file(files), "export", "sanctionEntity")
    return ReadList(day_of(root.attributes.get("generationDate", "")[:10]), tuple(map(_eu_party, entities)))


def _eu_party(one: Node) -> Listed:
    names: list[str] = []
    weak: list[str] = []
    born, places, papers, what, programme = [], [], [], "", ""
    for child in one.children:
        said = child.attributes
        match child.name:
            case "nameAlias":
                parts = (said.get(part, "") for part in ("firstName", "middleName", "lastName"))
                (weak if said.get("strong") == "false" else names).append(said.get("wholeName") or " ".join(parts))
            case "birthdate":
                years = f"{said.get('yearRangeFrom', '')} to {said.get('yearRangeTo', '')}"
                born.append(born_on(said.get("birthdate") or said.get("year") or years))
            case "citizenship" | "address":
                places.append(said.get("countryIso2Code", ""))
            case "identification":
                papers.append((said.get("identificationTypeCode", ""), said.get("number", "")))
            case "subjectType":
                what = said.get("code", "")
            case "regulation":
                programme = programme or said.get("programme", "")
    kind: PartyKind = "person" if what == "person" else "entity"
    id = one.attributes.get("euReferenceNumber") or one.attributes.get("logicalId", "")
    return party(id, kind, names, weak=weak, born=born, places=places, papers=papers, programme=programme)
