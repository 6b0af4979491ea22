"""Names and addresses in one form however they are written, so that who has two parcels is known again.

What comes out equal is taken for the same, and all of it becomes a keyed digest before it is kept.
"""

from __future__ import annotations

import re
import unicodedata

_WORDS = re.compile(r"[^\W_]+")
_SHORT = {
    "street": "st", "road": "rd", "avenue": "av", "ave": "av", "boulevard": "bd", "blvd": "bd", "lane": "ln",
    "drive": "dr", "square": "sq", "place": "pl", "court": "ct", "close": "cl", "strasse": "str", "apartment": "apt",
    "flat": "apt", "route": "rte", "chemin": "ch",
}  # fmt: skip
"""Words of addresses, and how else they are written."""
_STREET = re.compile("stra(?:ss|ß)e$")


def words_of(text: str) -> list[str]:
    """The words of a text without case or marks."""
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return _WORDS.findall(plain)


def address_form(street: str, postcode: str) -> str:
    """Street and postcode in one form: "12 Sample Street", "Sample St. 12" and "SAMPLE STREET, 12" are the same."""
    told = sorted(_STREET.sub("str", _SHORT.get(word, word)) for word in words_of(street))
    return f"{' '.join(told)}\n{''.join(words_of(postcode))}" if told else ""


def name_form(name: str, postcode: str) -> str:
    """The longest word of a name with the first letters of the others, and the postcode.

    So a given name with a letter wrong, shortened to its initial or written last is the same, within one postcode:
    people of one surname and initial there are taken for one.
    """
    words = sorted(words_of(name), key=lambda word: (-len(word), word))
    if not words:
        return ""
    return f"{words[0]} {''.join(sorted(word[0] for word in words[1:]))}\n{''.join(words_of(postcode))}"
