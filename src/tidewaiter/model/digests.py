"""Keyed digests of what is personal, so that it can be compared and not be read.

Without the key nobody can find the number behind a digest by trying them all; so the key is the installation's own,
and leaves it never. Two parties type one thing in two ways: `plain` and `digits` bring it into one form first.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_BYTES = 16
_MARKS = re.compile(r"[\W_]+")


def digest(key: bytes, use: str, value: bytes) -> str:
    """The keyed digest of a value for one use, so that digests of two uses can never be compared."""
    return hashlib.blake2b(value, key=key, digest_size=_BYTES, person=use.encode()).hexdigest()


def plain(text: str) -> str:
    """The letters and digits of a text in one form, for comparing what two parties typed."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())


def digits(text: str) -> str:
    """The digits of a telephone number without a country's or a trunk's prefix: the last eleven."""
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isdecimal())[-11:]
