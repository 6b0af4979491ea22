"""What all forms of lists of denied parties have: names, births, countries and numbers as records."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from babel import Locale

from tidewaiter.risk.screening import Born, Identifier, Listed, PartyKind


class ListError(ValueError):
    """The file is not a list of that form. Says where; never quotes a name."""


@dataclass(frozen=True, slots=True)
class ReadList:
    """The parties of a list, and the day it says it is of."""

    dated: date | None
    parties: tuple[Listed, ...]


def party(
    id: str,
    kind: PartyKind,
    names: Iterable[str],
    *,
    weak: Iterable[str] = (),
    born: Iterable[Born | None] = (),
    places: Iterable[str] = (),
    papers: Iterable[tuple[str, str]] = (),
    programme: str = "",
) -> Listed:
    """The record, with what is empty or said twice left out. Raises ListError where there is no number or no name."""
    strong = tuple(dict.fromkeys(text.strip() for text in names if text.strip()))
    poor = tuple(dict.fromkeys(text.strip() for text in weak if text.strip() and text.strip() not in strong))
    if not id or not (strong or poor):
        raise ListError("a party has no number or no name")
    numbers = ((kind_of.strip().rstrip("."), re.sub(r"[^0-9A-Z]", "", number.upper())) for kind_of, number in papers)
    identifiers = frozenset(Identifier(kind_of, number) for kind_of, number in numbers if len(number) > 4)
    return Listed(
        id, kind, strong, poor, tuple(filter(None, dict.fromkeys(born))), countries(places), identifiers, programme
    )


_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_CIRCA = 2
"""Years on either side that `circa` may mean."""


def born_on(text: str) -> Born | None:
    """What a list says of a birth: a day in one of its ways, a year, two years; None where it says nothing."""
    day = day_of(text.strip())
    if day is not None:
        return Born.on(day)
    years = [int(year) for year in _YEAR.findall(text)]
    if not years:
        return None
    wide = _CIRCA if re.search(r"circa|approx", text, re.IGNORECASE) else 0
    return Born(min(years) - wide, max(years) + wide)


def day_of(text: str) -> date | None:
    """A day in one of the ways lists write it; None where it is none."""
    for pattern in ("%Y-%m-%d", "%d/%m/%Y", "%d %b %Y", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def newest(days: Iterable[str]) -> date | None:
    """The newest of these days; None where there is none."""
    return max(filter(None, map(day_of, days)), default=None)


_ALSO = {
    "russia": "RU", "iran (islamic republic of)": "IR", "syrian arab republic": "SY", "korea, north": "KP",
    "democratic people's republic of korea": "KP", "democratic republic of the congo": "CD", "burma": "MM",
    "congo, democratic republic of the": "CD", "united states of america": "US", "republic of korea": "KR",
}  # fmt: skip
"""Names of countries that lists use and CLDR does not."""


@functools.cache
def _codes() -> dict[str, str]:
    names = Locale("en").territories
    return {name.casefold(): code for code, name in names.items() if len(code) == 2} | _ALSO


def countries(names: Iterable[str]) -> frozenset[str]:
    """The two-letter codes of countries; what is none that is known says nothing."""
    codes = _codes()
    known = set(codes.values())
    folded = (name.strip() for name in names)
    return frozenset(
        code for name in folded if (code := name.upper() if name.upper() in known else codes.get(name.casefold(), ""))
    )


Files = Sequence[bytes]


def one_file(files: Files) -> bytes:
    """The one file there is. Raises ListError where there are more."""
    if len(files) != 1:
        raise ListError(f"it is one file, not {len(files)}")
    return files[0]


OFAC_KINDS: dict[str, PartyKind] = {
    "individual": "person",
    "entity": "entity",
    "vessel": "vessel",
    "aircraft": "aircraft",
}
"""How the Office of Foreign Assets Control calls the kinds, in small letters."""
