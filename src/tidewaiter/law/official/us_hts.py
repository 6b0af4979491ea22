"""The Harmonized Tariff Schedule of the United States: all editions exported as JSON, as one tariff with validity.

The general column is the third-country duty; the column for Cuba, North Korea, Russia and Belarus the same for the
group `column-2`; each programme of the special column a preference that must be claimed by the programme's indicator,
which is its origin too: for free-trade partners the country itself (AU, KR), else the name of a group (A, A+, D, E, P,
S). A group whose members the law does not hold is nobody's origin, so that nobody has the preference. Lines of
chapters 98 and 99 are kind `reference`: they are claimed, or laid on by the act that names them, never found by the
goods alone. Source: USITC, HTS exports.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from pathlib import Path

import msgspec

from tidewaiter.law.expressions import write
from tidewaiter.law.expressions.dialects import read as read_duty
from tidewaiter.law.expressions.dialects import us
from tidewaiter.law.official.measure import Editions, Key, Measure, OfficialError, Said

SCHEDULE = "us"
COLUMN_2 = "column-2"
_NAME = re.compile(r"hts_(?P<year>[0-9]{4})_(?P<edition>basic|rev_[0-9]+)\.json(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class Edition:
    """When an edition was published, and the day from which it holds."""

    published: date
    effective: date


UNLISTED: Mapping[str, Edition] = {"2026_rev_8": Edition(date(2026, 5, 22), date(2026, 5, 22))}
"""Editions that lists of revisions leave out. Source: USITC change record of 2026 HTS revision 8 (wording only)."""


class _Line(msgspec.Struct):
    htsno: str
    indent: str
    general: str | None = None
    special: str | None = None
    other: str | None = None


def editions(path: Path) -> dict[str, Edition]:
    """Editions by name ("2026_rev_4") from a list with revision, effective_date and policy_effective_date.

    There `effective_date` is the day the edition was published, the policy date the day what is new in it holds from.
    Raises OfficialError where a column is missing.
    """
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if missing := {"revision", "effective_date", "policy_effective_date"} - set(lines.fieldnames or ()):
            raise OfficialError(f"{path.name}: no column {', '.join(sorted(missing))}")
        rows = list(lines)
    found = dict(UNLISTED)
    for row in rows:
        name = row["revision"] if row["revision"].startswith("20") else f"2025_{row['revision']}"
        published = date.fromisoformat(row["effective_date"])
        holds = row["policy_effective_date"]
        found[name] = Edition(published, published if holds == "NA" else date.fromisoformat(holds))
    return found


def read(paths: Iterable[Path], dates: Mapping[str, Edition]) -> Iterator[Measure]:
    """The measures of all editions. Raises OfficialError for a file that is no export or whose edition has no dates."""
    named = []
    for path in paths:
        match = _NAME.fullmatch(path.name)
        edition = dates.get(f"{match['year']}_{match['edition']}") if match else None
        if match is None or edition is None:
            raise OfficialError(f"{path.name}: no dates are known for this edition")
        named.append((edition, f"HTSUS {match['year']} {match['edition'].replace('rev_', 'rev. ')}", path))
    tariff = Editions(SCHEDULE)
    for edition, source, path in sorted(named, key=lambda one: one[0].published):
        lines = rated(_lines(path))
        said = dict(
            chain.from_iterable(
                duties(code, line.htsno, line.general or "", line.special or "", line.other or "")
                for code, line in lines
            )
        )
        yield from tariff.edition(said, since=edition.effective, known_from=edition.published, source=source)


def rated(lines: Iterable[_Line]) -> Iterator[tuple[str, _Line]]:
    """The lines with a duty of their own, by code without points.

    A line without one has that of the line it stands under. Where that is not a shorter code of its own (a group line
    has no code), it is given as the line's own.
    """
    above: list[tuple[int, str, _Line | None]] = []
    for line in lines:
        depth, code = int(line.indent), line.htsno.replace(".", "")
        while above and above[-1][0] >= depth:
            above.pop()
        own = line if (line.general or "").strip() or (line.other or "").strip() else None
        from_code, inherited = next(((c, rates) for _, c, rates in reversed(above) if rates), ("", None))
        if own and code:
            yield code, own
        elif inherited and len(code) >= 8 and not (from_code and code.startswith(from_code)):
            yield code, inherited
        above.append((depth, code or from_code, own))


@cache
def duties(code: str, number: str, general: str, special: str, other: str) -> tuple[tuple[Key, Said], ...]:
    """Each duty in the three columns of a line. Kept, as most lines are the same in the next edition."""
    if code.startswith(("98", "99")):
        return ((Key(code, "", "reference"), Said(_rate(general), number)),) if general.strip() else ()
    found: dict[Key, Said] = {}
    if general.strip():
        found[Key(code, "", "third_country")] = Said(_rate(general), number)
    if other.strip():
        found[Key(code, COLUMN_2, "third_country")] = Said(_rate(other), number)
    for programmes, duty in _special(special):
        for programme in programmes:
            # A programme named twice in a cell has the duty named first.
            found.setdefault(Key(code, programme, "preference", claim=programme), Said(_rate(duty), number))
    return tuple(found.items())


@cache
def _special(cell: str) -> list[tuple[tuple[str, ...], str]]:
    return us.alternatives(cell)


@cache
def _rate(text: str) -> str:
    return write(read_duty(text, "us"))


def _lines(path: Path) -> list[_Line]:
    content = path.read_bytes()
    try:
        plain = gzip.decompress(content) if path.suffix == ".gz" else content
        return msgspec.json.decode(plain, type=list[_Line])
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise OfficialError(f"{path.name}: not an HTS export ({error})") from error
