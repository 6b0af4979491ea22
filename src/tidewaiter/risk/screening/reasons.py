"""What beside the names speaks for or against its being the same party, and all of it in words for an officer."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from tidewaiter.risk.screening.counterparts import Counterpart
from tidewaiter.risk.screening.listed import Asked, Listed
from tidewaiter.risk.screening.names import Name, Word

SAME_NUMBER = 6.0
"""Log-odds where a number is the same, whatever the names."""
SAME_DAY, SAME_YEAR, NEAR_YEAR, OTHER_YEAR = 2.0, 1.0, 0.0, -2.5
SAME_COUNTRY, OTHER_COUNTRY = 0.4, -0.2
OTHER_KIND = -1.5
"""Log-odds added. Set by judgement: no labelled pairs with dates and countries are at hand to measure them by."""
YEARS_NEAR = 2


def facts(asked: Asked, listed: Listed) -> tuple[float, list[str]]:
    """Log-odds that dates, countries, numbers and kind add to those of the names, and the reasons in words. What one
    side does not say adds nothing."""
    odds, told = 0.0, []
    same = sorted(one.kind or "number" for one in listed.identifiers if one.number in asked.identifiers)
    if same:
        told.append(f"same {same[0]}")
    if asked.born is not None and listed.born:
        added, words = _birth(asked, listed)
        odds += added
        told.append(words)
    if asked.countries and listed.countries:
        shared = sorted(asked.countries & listed.countries)
        odds += SAME_COUNTRY if shared else OTHER_COUNTRY
        told.append(f"same country ({', '.join(shared)})" if shared else "no country in common")
    if asked.kind and listed.kind and asked.kind != listed.kind:
        odds += OTHER_KIND
        told.append(f"asked as {asked.kind}, listed as {listed.kind}")
    return (SAME_NUMBER if same else odds), told


def facts_max(asked: Asked) -> float:
    """The most that what is asked besides the name can add."""
    return (SAME_DAY if asked.born else 0.0) + (SAME_COUNTRY if asked.countries else 0.0)


def _birth(asked: Asked, listed: Listed) -> tuple[float, str]:
    born = asked.born
    if born is None:
        return 0.0, ""
    if born.day is not None and any(one.day == born.day for one in listed.born):
        return SAME_DAY, "same day of birth"
    apart = min(max(one.year_min - born.year_max, born.year_min - one.year_max, 0) for one in listed.born)
    if apart == 0:
        return SAME_YEAR, "same year of birth"
    if apart <= YEARS_NEAR:
        return NEAR_YEAR, f"years of birth {apart} apart"
    return OTHER_YEAR, f"years of birth {apart} apart"


def names_in_words(left: Name, right: Name, pairs: Sequence[Counterpart], *, kind: str) -> list[str]:
    """How the name asked after (`left`) stands to the listed one, word by word."""
    told, equal = [], 0
    for pair in pairs:
        if len(pair.left) != len(pair.right):
            told.append(f"{_called(right, pair.right, kind)} equal but for a space" if pair.likeness == 1
                        else f"{_called(right, pair.right, kind)} alike, written together or apart")  # fmt: skip
        elif pair.likeness == 1:
            equal += 1
        else:
            how = _how(left.words[pair.left[0]], right.words[pair.right[0]])
            told.append(f"{_called(right, pair.right, kind)} {how}")
    if equal == len(left.words) == len(right.words):
        in_order = all(pair.left == pair.right for pair in pairs)
        told.insert(0, "name equal" if in_order else "name equal in another order")
    else:
        told[:0] = [
            f"{_called(right, pair.right, kind)} equal"
            for pair in pairs
            if pair.likeness == 1 and len(pair.left) == len(pair.right)
        ]
    here = len(left.words) - sum(len(pair.left) for pair in pairs)
    there = len(right.words) - sum(len(pair.right) for pair in pairs)
    if here:
        told.append(f"{here} {'word' if here == 1 else 'words'} not in the listed name")
    if there:
        told.append(f"{there} {'word' if there == 1 else 'words'} of the listed name missing")
    if left.numbers != right.numbers:
        told.append("a number differs")
    if left.forms and right.forms and left.forms != right.forms:
        told.append("another legal form")
    return told


def _called(name: Name, places: Sequence[int], kind: str) -> str:
    """Which part of the listed name it is. Lists put the surname last or say so; a name of one word is a name."""
    if kind != "person" or len(name.words) == 1:
        return f"word {places[0] + 1}" if len(name.words) > 1 else "name"
    if places[-1] == len(name.words) - 1:
        return "surname"
    return "given name" if places[0] == 0 else f"name {places[0] + 1}"


_COUNTS = ("no", "one", "two", "three", "four")


def _how(left: Word, right: Word) -> str:
    if len(left.text) == 1 or len(right.text) == 1:
        return "given by its initial"
    if left.text in right.together or right.text in left.together:
        return "equal but for a particle written with it"
    if left.sound == right.sound:
        return "of the same sound"
    off = OSA.distance(left.text, right.text)
    if off < len(_COUNTS):
        return f"{_COUNTS[off]} {'letter' if off == 1 else 'letters'} off"
    return "with the same consonants" if left.bones == right.bones else "alike"
