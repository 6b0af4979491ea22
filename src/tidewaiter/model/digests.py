"""Keyed digests of what is personal, so that it can be compared and not be read.

Without the key nobody can find the number behind a digest by trying them all; so the key is the installation's own,
and leaves it never. Two parties type one thing in two ways: `plain` and `digits` bring it into one form first.
"""

from __future__ import annotations

import hashlib
import re
import struct
import unicodedata
from collections.abc import Callable

_BYTES = 16
_MARKS = re.compile(r"[\W_]+")
# Of what is ASCII the same comes in a quarter of the time.
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())
_ASCII_BUT_DIGITS = bytes(code for code in range(128) if not chr(code).isdecimal())


def digest(key: bytes, use: str, value: bytes) -> str:
    """The keyed digest of a value for one use, so that digests of two uses can never be compared."""
    return hashlib.blake2b(value, key=key, digest_size=_BYTES, person=use.encode()).hexdigest()


def numbers(key: bytes, use: str) -> Callable[[str], int]:
    """What makes keyed digests of texts for one use as numbers of 64 bits: narrow enough for an index of millions, and
    of a thousand million different texts two have the same with a chance of one in forty."""
    prepared = hashlib.blake2b(key=key, digest_size=8, person=use.encode())

    def of(text: str) -> int:
        one = prepared.copy()
        one.update(text.encode())
        found: int = _AS_NUMBER(one.digest())[0]
        return found

    return of


_AS_NUMBER = struct.Struct("<q").unpack


def plain(text: str) -> str:
    """The letters and digits of a text in one form, for comparing what two parties typed."""
    if text.isascii():
        return text.encode().lower().translate(None, _ASCII_MARKS).decode()
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())


def digits(text: str) -> str:
    """The digits of a telephone number without a country's or a trunk's prefix: the last nine, which "07700 900123" and
    "+44 7700 900123" have in common, as numbers of all countries with nine or more do."""
    if text.isascii():
        return text.encode().translate(None, _ASCII_BUT_DIGITS)[-9:].decode()
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isdecimal())[-9:]
