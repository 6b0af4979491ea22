"""A name as it is compared: in plain letters, as words, each with the sound it stands for.

What is written in another script is written over letter by letter (AnyAscii's tables); that is no scholarly
romanisation, so words are compared by a rough sound in which the usual ways to spell one name fall together. Arabic
and Hebrew leave vowels out: a name that came from them is compared by its consonants.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from anyascii import anyascii

from tidewaiter.risk.screening.vocabulary import FORMS, FORMS_OF_WORDS, MAY_HAVE_FORM, NUMBERS, PARTICLES, TITLES

LENGTH_MAX = 400
"""Characters of a name that are looked at; the longest on the lists of the United Nations has 150."""
WORDS_MAX = 24

_WORD = re.compile(r"[a-z0-9]+")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.[ ]?){2,}(?=$|\W)")
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_ABJAD = re.compile(r"[\u0590-\u05ff\u0600-\u077f\u08a0-\u08ff]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_ROMAN = re.compile(r"(?=[ivx])(?:x{0,3})(?:ix|iv|v?i{0,3})")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10}
_DIGIT_LETTERS = str.maketrans("0135", "oies")
_SOUNDS = {
    "tsch": "c", "tch": "c", "cz": "c", "ch": "c", "tj": "c", "sch": "s", "sh": "s", "zh": "s", "sz": "s", "z": "s",
    "kh": "k", "gh": "k", "qu": "k", "q": "k", "ck": "k", "ph": "f", "dj": "j", "th": "t", "dh": "t", "x": "ks",
    "w": "v", "ou": "u", "oo": "u", "ee": "i", "ey": "i", "iy": "i", "yi": "i", "ij": "i", "ie": "i", "y": "i",
    "ae": "e", "ai": "e", "ay": "e", "ei": "e", "oe": "o", "ue": "u", "ce": "se", "ci": "si", "cy": "si", "c": "k",
}  # fmt: skip
"""Spellings of a sound, and the one they come to."""
_SOUND = re.compile("|".join(sorted(_SOUNDS, key=lambda spelt: (-len(spelt), spelt))))
_TWICE = re.compile(r"(.)\1+|(?<=.)h")
_SYLLABLE = re.compile(r"(?<=[a-z][a-z])-(?=(?:bin|da|di|do|du|e|i|la|le|o|y)(?![a-z-]))")
"""Before what is a particle elsewhere, and the second syllable of a given name here: `Su-Bin`."""
_VOWELS = str.maketrans("", "", "aeiou")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a name: in plain small letters, by its sound, and by its consonants. `weight` is what it counts for:
    six letters or more as one, an initial least. `together` are the word and the particles that stand beside
    it written as one, as `alqubaysi`."""

    text: str
    sound: str
    bones: str
    weight: float
    together: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """A name made ready. `words` carry it, particles left out; `forms` are the legal forms of a company."""

    words: tuple[Word, ...]
    forms: frozenset[str]
    numbers: frozenset[str]
    is_abjad: bool


Token = tuple[Literal["word", "form", "particle", "title", "number", "roman"], str, Word]
"""What a token is by itself, what it comes to, and it as a word."""


def word(text: str) -> Word:
    """A word of plain small letters with its sound."""
    sound = sound_of(text)
    bones = sound.translate(_VOWELS) or sound
    weight = min(len(text), 6) / 6 if len(text) > 1 else 0.3
    return Word(text, sound, bones, weight)


def sound_of(text: str) -> str:
    """The sound that a word of plain small letters stands for."""
    return _TWICE.sub(r"\1", _SOUND.sub(lambda found: _SOUNDS[found[0]], text))


def plain(text: str) -> str:
    """The name in plain letters, capitals kept: `Đặng` gives `Dang`. Bounded by LENGTH_MAX."""
    if text.isascii():
        return text[:LENGTH_MAX]
    text = unicodedata.normalize("NFKC", text[:LENGTH_MAX])[:LENGTH_MAX]
    return anyascii(text)[: 2 * LENGTH_MAX]


def name(text: str) -> Name:
    """A name made ready to be compared. Never raises; what has no letters has no words."""
    words, forms, numbers, is_abjad = parts(text, {})
    return Name(tuple(words), frozenset(forms), frozenset(numbers), is_abjad)


def parts(text: str, known: dict[str, Token]) -> tuple[list[Word], set[str], set[str], bool]:
    """What a `Name` is made of, in its order. `known` keeps what a token is from one name of a batch to the next."""
    is_abjad = is_han = False
    letters = text = text[:LENGTH_MAX]
    if not text.isascii():
        is_abjad, is_han = _ABJAD.search(text) is not None, _HAN.search(text) is not None
        letters = plain(text).replace("’", "")
    if "." in letters:
        letters = _DOTTED.sub(_undotted, letters)
    if not (is_han or letters.istitle() or letters.isupper()):
        letters = _JOINED.sub(" ", letters)
    low = letters.lower().replace("`", "").replace("'", "").replace("&", " and ")
    if "-" in low:
        low = _SYLLABLE.sub("", low)
    if MAY_HAVE_FORM.search(low):
        for phrase, form in FORMS:
            low = phrase.sub(f" {form} ", low)
    words, titles, small = list[Word](), list[Word](), list[tuple[int, str]]()
    forms, numbers = set[str](), set[str]()
    for spelt in _WORD.findall(low)[:WORDS_MAX]:
        token = known.get(spelt)
        if token is None:
            token = known[spelt] = _told(spelt)
        kind, value, made = token
        if kind == "word" or (kind == "title" and words) or (kind == "roman" and not (words or titles)):
            words.append(made)
        elif kind == "form":
            forms.add(value)
        elif kind == "particle":
            small.append((len(words), value))
        elif kind == "title":
            titles.append(made)
        else:
            numbers.add(value)
    if small:
        words = _with_particles(words, small)
    if len(words) < 2 and titles:
        words = [*titles, *words]
    if not words:
        # Nothing but particles: then they are the name.
        words = [word(one) for one in (*sorted({value for _, value in small}), *sorted(forms))]
    return words, forms, numbers, is_abjad


def _with_particles(words: list[Word], small: list[tuple[int, str]]) -> list[Word]:
    """The words, each with what it is when a particle beside it is written with it: the nearest one, or all of them.
    `small` are the particles, each with the place of the word that follows."""
    runs: dict[int, list[str]] = {}
    for place, value in small:
        runs.setdefault(place, []).append(value)
    found = list(words)
    for place, run in runs.items():
        if place < len(words):
            text = words[place].text
            found[place] = _with(found[place], run[-1] + text, "".join(run) + text)
        if place > 0:
            text = words[place - 1].text
            found[place - 1] = _with(found[place - 1], text + run[0], text + "".join(run))
    return found


def _with(one: Word, *together: str) -> Word:
    return replace(one, together=tuple(dict.fromkeys((*one.together, *together))))


def _told(token: str) -> Token:
    """What a token is by itself, what it comes to, and it as a word. Titles and Roman numbers depend on the place."""
    made = word(token if token.isalpha() else _lettered(token))
    if token in FORMS_OF_WORDS:
        return "form", FORMS_OF_WORDS[token], made
    if token in PARTICLES:
        return "particle", token, made
    if token in TITLES:
        return "title", token, made
    if token in NUMBERS:
        return "number", NUMBERS[token], made
    if token.isdigit():
        return "number", str(int(token)) if len(token) < 12 else token, made
    if len(token) > 1 and _ROMAN.fullmatch(token):
        values = [_ROMAN_VALUES[letter] for letter in token]
        value = sum(-here if here < after else here for here, after in zip(values, [*values[1:], 0], strict=True))
        return "roman", str(value), made
    return "word", token, made


def _undotted(found: re.Match[str]) -> str:
    return re.sub(r"[. ]", "", found[0]) + " "


def _lettered(token: str) -> str:
    """Digits that stand among letters are read as the letters they look like."""
    letters = sum(letter.isalpha() for letter in token)
    return token.translate(_DIGIT_LETTERS) if 2 * letters >= len(token) and letters > 1 else token
