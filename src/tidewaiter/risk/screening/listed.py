"""What a list says of those on it, and what is asked of it: records without a file form."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

PartyKind = Literal["person", "entity", "vessel", "aircraft", ""]


@dataclass(frozen=True, slots=True)
class Born:
    """When somebody was born, as well as the list knows: a day, or the years from and until, both included."""

    year_min: int
    year_max: int
    day: date | None = None

    @classmethod
    def on(cls, day: date) -> Born:
        """Born on that day."""
        return cls(day.year, day.year, day)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A passport, a company or a ship's number: letters and digits only, capitals."""

    kind: str
    number: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One party on a list. `countries` are two-letter codes of ISO 3166, or the list's own words in small letters
    where those are no country known here; `weak` are aliases the list itself calls weak."""

    id: str
    kind: PartyKind
    names: tuple[str, ...]
    weak: tuple[str, ...] = ()
    born: tuple[Born, ...] = ()
    countries: frozenset[str] = frozenset()
    identifiers: frozenset[Identifier] = frozenset()
    programme: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """Which state of which list: `digest` is the SHA-256 of the file, `dated` the day it says of itself."""

    source: str
    digest: str
    dated: date | None
    parties: int


@dataclass(frozen=True, slots=True)
class DeniedList:
    """A list in one state."""

    version: Version
    parties: tuple[Listed, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A party that is looked for on the lists."""

    name: str
    kind: PartyKind = ""
    born: Born | None = None
    countries: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody asked after who may be somebody listed. `row` is the place of the one asked after; `reasons` are for
    officers, never for who filed."""

    row: int
    list: Version
    party: Listed = field(repr=False)
    name: str = field(repr=False)
    score: float
    reasons: tuple[str, ...] = field(repr=False)
