"""Profiles as officers write them, read from the law's files and tried on their own examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, get_args

from tidewaiter.law import Law
from tidewaiter.law.rules import RiskFile
from tidewaiter.model.consignment import Channel
from tidewaiter.model.outcome import SHADOW, Lane
from tidewaiter.risk.detectors import DETECTORS, Detector
from tidewaiter.risk.draw import RANDOM
from tidewaiter.risk.examples import ExampleError, try_detector, try_examples
from tidewaiter.risk.fields import FIELDS, Field
from tidewaiter.risk.meaning import NUMBERS, Term, understand
from tidewaiter.risk.syntax import ConditionError, parse

SCORE_MAX = 100
_KEYS = {
    "id", "version", "title", "owner", "law", "from", "until", "channel", "lane", "score", "reason", "fictional",
    "shadow", "obligatory", "when", "detector", "limits", "match", "no_match",
}  # fmt: skip
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_FIGURE = re.compile(r"\{([^{}]*)\}")


class ProfileError(ValueError):
    """A profile that cannot be used, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile. It holds from `since` until `until`, in `countries`, for `channels` (all where there is none).

    It hits where its condition is true; or, where it has none, where its detector sees something within its limits.
    Where it `is_shadow` its signals are recorded and have no effect; where it `is_obligatory` what it hits is looked at
    before anything that is only worth a look.
    """

    id: str
    version: int
    title: str
    owner: str
    law: str
    since: date
    until: date | None
    countries: frozenset[str]
    channels: tuple[str, ...]
    lane: str
    score: int
    reason: str
    fictional: bool
    is_shadow: bool
    is_obligatory: bool
    condition: Term | None
    detector: Detector | None
    limits: Mapping[str, float]

    @property
    def looks_at(self) -> frozenset[str]:
        """The names of the fields that it looks at."""
        of_detector = self.detector.looks_at if self.detector else ()
        return frozenset(self.condition.fields() if self.condition else of_detector)

    @property
    def is_of_items(self) -> bool:
        """Whether it is about single goods items rather than the consignment as a whole."""
        return any(FIELDS[name].is_item for name in self.looks_at)

    @property
    def asks_for(self) -> str:
        """What its signals ask for: its lane, or `SHADOW`."""
        return SHADOW if self.is_shadow else self.lane

    @property
    def figures(self) -> tuple[Field, ...]:
        """The fields whose figures its reason shows, in order."""
        return tuple(FIELDS[name] for name in _FIGURE.findall(self.reason))


def read(file: RiskFile, law: Law) -> Profile:
    """The profile in the file, tried on its examples. Raises ProfileError, with line and column within `when`."""
    said = file.content
    if unknown := said.keys() - _KEYS:
        raise ProfileError(f"unknown: {', '.join(sorted(unknown))}")
    since = _of(said, "from", date)
    until = _of(said, "until", date) if "until" in said else None
    if until is not None and until <= since:
        raise ProfileError("it ends before it begins")
    channels = said.get("channel", [])
    detector, limits = _detector(said)
    profile = Profile(
        id=_id(_of(said, "id", str)),
        version=_of(said, "version", int),
        title=_of(said, "title", str),
        owner=_of(said, "owner", str),
        law=_of(said, "law", str),
        since=since,
        until=until,
        countries=frozenset(c for c in law.known if file.jurisdiction in law.family(c)),
        channels=tuple(_one_of("channel", c, get_args(Channel)) for c in _listed(channels)),
        lane=_one_of("lane", _of(said, "lane", str), get_args(Lane)),
        score=_of(said, "score", int),
        reason=_of(said, "reason", str),
        fictional=_of(said, "fictional", bool) if "fictional" in said else False,
        is_shadow=file.is_shadow or (_of(said, "shadow", bool) if "shadow" in said else False),
        is_obligatory=_of(said, "obligatory", bool) if "obligatory" in said else False,
        condition=None if detector else _condition(_of(said, "when", str), law),
        detector=detector,
        limits=limits,
    )
    if not 0 <= profile.score <= SCORE_MAX:
        raise ProfileError(f"score must be from 0 to {SCORE_MAX}")
    _check_figures(profile)
    try:
        if profile.condition is not None:
            try_examples(profile.condition, said, law, country=min(profile.countries, default=None), since=since)
        if detector is not None:
            try_detector(detector, limits, said)
    except ExampleError as wrong:
        raise ProfileError(str(wrong)) from wrong
    return profile


def _of(said: Mapping[str, Any], key: str, kind: type) -> Any:
    value = said.get(key)
    if value is None or value == "":
        raise ProfileError(f"{key} is missing")
    if type(value) is not kind:
        raise ProfileError(f"{key} must be a {kind.__name__}")
    return value


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _id(text: str) -> str:
    if not _ID.fullmatch(text) or text == RANDOM:
        raise ProfileError(f"{text!r} cannot be an id: small letters, digits and hyphens, and not {RANDOM!r}")
    return text


def _one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    if value not in choices:
        raise ProfileError(f"{name} = {value!r} is none of {', '.join(choices)}")
    return str(value)


def _detector(said: Mapping[str, Any]) -> tuple[Detector | None, dict[str, float]]:
    """The detector that is named, and its limits; None where none is."""
    if "detector" not in said:
        if "limits" in said:
            raise ProfileError("limits are a detector's, and none is named")
        return None, {}
    if "when" in said:
        raise ProfileError("it has a condition or a detector, not both")
    found = DETECTORS.get(_one_of("detector", said["detector"], tuple(DETECTORS)))
    given = _of(said, "limits", dict)
    if found is None or given.keys() != set(found.limits):
        raise ProfileError(f"limits must set {', '.join(found.limits if found else ())}, and no more")
    return found, {name: _limit(name, value) for name, value in given.items()}


def _limit(name: str, value: object) -> float:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?", value):
        return float(Decimal(value))
    if type(value) is int and abs(value) < 10**9:
        return float(value)
    raise ProfileError(f'limits: {name} = {value!r} is no number; write decimals as text, for example "2.5"')


def _condition(text: str, law: Law) -> Term:
    try:
        condition = understand(parse(text))
    except ConditionError as wrong:
        raise ProfileError(f"when, {wrong}") from wrong
    if not condition.fields():
        raise ProfileError("when: it looks at no field, so it is always true or never")
    for name in sorted(condition.lists()):
        if not any(law.editions(name, country) for country in law.known):
            raise ProfileError(f"when: there is no list {name}.csv in codes/")
    return condition


def _check_figures(profile: Profile) -> None:
    for name in _FIGURE.findall(profile.reason):
        if name not in FIELDS or not (FIELDS[name].kind in NUMBERS or FIELDS[name].is_words):
            raise ProfileError(f"reason: {{{name}}} is no field with a figure")
        if FIELDS[name].is_item and not profile.is_of_items:
            raise ProfileError(f"reason: {{{name}}} is of an item, and the condition is about the whole")
