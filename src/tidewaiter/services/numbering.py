"""Numbers that customs gives."""

from __future__ import annotations

import hashlib
from datetime import datetime

from tidewaiter.model.identifiers import mrn_check_digit

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
IMPORT_DECLARATION = "R"
"""The letter before the check digit that says which procedure the number is for."""


def movement_reference(country: str, at: datetime, *, seed: bytes) -> str:
    """A movement reference number (MRN): the year, the country, twelve letters and digits, a letter, a check digit.

    The twelve are drawn from the seed, so that the same lodgement has the same number however often it is computed.
    Source: Delegated Regulation (EU) 2015/2446, Annex B, data element 12 01.
    """
    drawn = int.from_bytes(hashlib.sha256(seed).digest()[:8])
    letters = []
    for _ in range(12):
        drawn, place = divmod(drawn, 36)
        letters.append(_DIGITS[place])
    body = f"{at.year % 100:02d}{country}{''.join(letters)}{IMPORT_DECLARATION}"
    return body + mrn_check_digit(body)
