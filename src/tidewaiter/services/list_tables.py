"""Lists of denied parties in CSV: of the United States and the United Kingdom."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace

from tidewaiter.risk.screening import Listed, PartyKind
from tidewaiter.services.list_records import (
    OFAC_KINDS,
    Files,
    ListError,
    ReadList,
    born_on,
    countries,
    newest,
    one_file,
    party,
)

CELL_MAX = 65_536
"""Characters in a cell."""


def _table(data: bytes) -> list[list[str]]:
    csv.field_size_limit(CELL_MAX)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=False) if len(row) > 1]
    except csv.Error as wrong:
        raise ListError(str(wrong)) from None


_NOTHING = "-0-"
_REMARK_NAME = re.compile(r"^(?:[afn]\.k\.a\.|alt\.) '(.+)'$")
_REMARK_PAPER = re.compile(
    r"^(?:alt\. )?((?:[A-Z][A-Za-z./]* ?){1,4}?(?:No\.|#|Number)?|Passport|Vessel Registration Identification IMO) "
    r"([A-Z0-9][A-Z0-9/-]*\d[A-Z0-9/-]*)(?: \((.+)\))?$"
)
_SDN_WIDTH, _ALT_WIDTH, _ADD_WIDTH = 12, 5, 6


def ofac_csv(files: Files) -> ReadList:
    """SDN.CSV or CONS_PRIM.CSV, with ALT and ADD, of the Office of Foreign Assets Control. Raises ListError."""
    parties: dict[str, Listed] = {}
    tables = sorted((_table(data) for data in files), key=lambda rows: -len(rows[0]) if rows else 0)
    for rows in tables:
        for number, row in enumerate(rows, 1):
            cells = ["" if cell.strip() == _NOTHING else cell.strip() for cell in row]
            match len(row):
                case width if width == _SDN_WIDTH:
                    parties[cells[0]] = _sdn(cells)
                case width if width in (_ALT_WIDTH, _ADD_WIDTH):
                    if cells[0] not in parties:
                        continue  # ALT and ADD may be of a later day than SDN.
                    known = parties[cells[0]]
                    if width == _ALT_WIDTH:
                        known = replace(known, names=(*known.names, _turned(cells[3], known.kind)))
                    else:
                        known = replace(known, countries=known.countries | countries([cells[4]]))
                    parties[cells[0]] = known
                case width:
                    raise ListError(f"row {number} has {width} cells")
    return ReadList(None, tuple(parties.values()))


def _sdn(cells: Sequence[str]) -> Listed:
    kind = OFAC_KINDS.get(cells[2].lower() or "entity", "")
    weak, born, places, papers = [], [], [], []
    for remark in (one.strip(" .") for one in cells[11].split(";")):
        if (alias := _REMARK_NAME.match(remark)) is not None:
            weak.append(_turned(alias[1], kind))
        elif (when := re.match(r"^(?:alt\. )?DOB (.+)$", remark)) is not None:
            born.append(born_on(when[1]))
        elif (place := re.match(r"^(?:alt\. )?(?:nationality|citizen) (.+)$", remark)) is not None:
            places.append(place[1])
        elif (paper := _REMARK_PAPER.match(remark)) is not None:
            papers.append((paper[1], paper[2]))
    return party(
        cells[0],
        kind,
        [_turned(cells[1], kind)],
        weak=weak,
        born=born,
        places=places,
        papers=papers,
        programme=cells[3],
    )


def _turned(text: str, kind: PartyKind) -> str:
    """`SURNAME, Given` of a person as it is said."""
    surname, comma, given = text.partition(", ")
    return f"{given} {surname}" if comma and kind == "person" else text


_UK_KINDS: dict[str, PartyKind] = {"individual": "person", "entity": "entity", "ship": "vessel"}


def uk(files: Files) -> ReadList:
    """The UK Sanctions List in CSV; from its headings, no file was at hand. Raises ListError."""
    rows = _table(one_file(files))
    head = next((k for k, row in enumerate(rows[:5]) if "Unique ID" in row and "Name 6" in row), None)
    if head is None:
        raise ListError("it has no row of headings with Unique ID and Name 6")
    parties: dict[str, Listed] = {}
    updated: list[str] = []
    for number, row in enumerate(rows[head + 1 :], head + 2):
        if len(row) != len(rows[head]):
            raise ListError(f"row {number} has {len(row)} cells, and there are {len(rows[head])} headings")
        said = dict(zip(rows[head], (" ".join(cell.split()) for cell in row), strict=True))
        here = _uk_party(said)
        known = parties.get(here.id)
        parties[here.id] = here if known is None else _together(known, here)
        updated.append(said.get("Last Updated", ""))
    return ReadList(newest(updated), tuple(parties.values()))


def _uk_party(said: dict[str, str]) -> Listed:
    whole = " ".join(filter(None, (said.get(f"Name {place}", "") for place in (1, 2, 3, 4, 5, 6))))
    is_weak = "low" in said.get("Alias strength", "").lower()
    papers = [("passport", said.get("Passport number", "")), ("IMO", said.get("IMO number", ""))]
    papers.append(("national identifier", said.get("National Identifier number", "")))
    kind = _UK_KINDS.get(said.get("Designation Type", "").lower(), "")
    places = [said.get("Nationality(/ies)", ""), said.get("Address Country", "")]
    names = [said.get("Name non-latin script", "")] if is_weak else [whole, said.get("Name non-latin script", "")]
    born = [born_on(said.get("D.O.B", ""))]
    return party(
        said["Unique ID"],
        kind,
        names,
        weak=[whole] if is_weak else [],
        born=born,
        places=places,
        papers=papers,
        programme=said.get("Regime Name", ""),
    )


def _together(one: Listed, other: Listed) -> Listed:
    """Two rows of one party."""
    return replace(
        one,
        names=tuple(dict.fromkeys((*one.names, *other.names))),
        weak=tuple(dict.fromkeys((*one.weak, *other.weak))),
        born=tuple(dict.fromkeys((*one.born, *other.born))),
        countries=one.countries | other.countries,
        identifiers=one.identifiers | other.identifiers,
    )
