"""Words in names that carry little: titles, particles, legal forms of companies, numbers in words."""

from __future__ import annotations

import re
from typing import Final

TITLES: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "lady",
        "lord",
        "shaikh",
        "sheikh",
        "shaykh",
        "sheik",
        "mullah",
        "mulla",
        "maulavi",
        "maulawi",
        "mawlawi",
        "mufti",
        "haji",
        "hajji",
        "hadji",
        "hajj",
        "ustad",
        "qari",
        "general",
        "colonel",
        "captain",
        "major",
        "president",
        "minister",
        "comrade",
        "don",
        "dona",
        "herr",
        "frau",
        "madame",
        "monsieur",
        "senor",
        "senora",
        "eng",
        "pastor",
        "father",
        "jr",
        "sr",
    ]
)
"""Left out at the front of a name where two words or more follow; elsewhere they are part of it."""
PARTICLES: Final = frozenset(
    [
        "al",
        "el",
        "ul",
        "ur",
        "ad",
        "ar",
        "as",
        "ash",
        "at",
        "az",
        "bin",
        "ben",
        "ibn",
        "bint",
        "bn",
        "abn",
        "abd",
        "ould",
        "de",
        "del",
        "della",
        "der",
        "den",
        "di",
        "da",
        "das",
        "do",
        "dos",
        "du",
        "des",
        "van",
        "von",
        "zu",
        "zur",
        "la",
        "le",
        "las",
        "los",
        "the",
        "of",
        "and",
        "und",
        "et",
        "y",
        "e",
        "i",
        "s",
        "o",
    ]
)
"""Left out of the comparison, since they come and go. `abd` too: what it belongs to follows it."""

_FORMS: Final = {
    "plc": "public limited company|public ltd co|p l c",
    "jsc": "(?:public |open |closed )?joint[ -]stock company|aktsionernoe obshchestvo|spolka akcyjna|anonim sirketi",
    "llc": "limited liability company|gesellschaft mit beschrankter haftung|sp(?:olka)? z o\\.? ?o\\.?|"
    "obshchestvo s ogranichennoi otvetstvennostiu|private limited|pte\\.? ltd|pvt\\.? ltd|sdn\\.? bhd|co\\.?,? ltd",
    "lp": "limited partnership",
}
MAY_HAVE_FORM: Final = re.compile(r"stock|limit|partn|obshchestv|akcyj|anonim|haftung| z o|ltd|bhd|p l c")
"""What a name with a form of several words has in it."""
FORMS: Final = tuple((re.compile(rf"\b(?:{pattern})(?!\w)"), form) for form, pattern in _FORMS.items())
"""Forms of several words, in plain small letters, and the form they come to."""

FORMS_OF_WORDS: Final = {
    word: form
    for form, words in {
        "plc": "plc",
        "jsc": "jsc ojsc cjsc pjsc ag aktiengesellschaft aktiengeselschaft sa nv spa oao zao pao ao ab oyj asa as kk "
        "kgaa kabushiki",
        "llc": "llc ltd limited gmbh sarl srl sl bv bvba ooo oy kft sro doo lda pte pvt sdn bhd tov ou uab sia",
        "lp": "lp llp kg",
        "inc": "inc incorporated corp corporation co company cie compagnie",
    }.items()
    for word in words.split()
}
"""A word that is a legal form, and what it comes to."""

NUMBERS: Final = {
    word: str(value)
    for value, words in enumerate(
        ("zero", "one first 1st", "two second 2nd", "three third 3rd", "four fourth 4th", "five fifth 5th",
         "six sixth 6th", "seven seventh 7th", "eight eighth 8th", "nine ninth 9th", "ten tenth 10th")
    )
    for word in words.split()
}  # fmt: skip
