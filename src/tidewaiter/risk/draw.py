"""The random share: who is looked at whatever the profiles say, drawn so that an auditor can draw again.

Each consignment has a number that follows from its country, its reference and the installation's key alone
(BLAKE2b with a key, RFC 7693, eight bytes). It is drawn where that number lies below the share of all numbers. So
the draw is blind to the goods, the same on every machine and every day, and nobody without the key can foresee it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import polars as pl

from tidewaiter.model.batch import Apart

RANDOM = "random"
"""The profile that a signal of the random share names."""
LANE = "examine"
REASON = "drawn at random"

_NUMBER_BYTES = 8
_KEY_BYTES_MAX = 64
_WHOLE_PPM = 1_000_000


def is_drawn(reference: str, *, jurisdiction: str, key: bytes, share_ppm: int) -> bool:
    """Whether this consignment falls to the random share of so many in a million. Raises ValueError for no key."""
    return _below(key, share_ppm, [jurisdiction], [0], [reference])[0]


def drawn(jurisdictions: Apart, references: pl.Series, *, key: bytes, share_ppm: int) -> pl.Series:
    """The same for many, as a column of true and false."""
    if not share_ppm:
        return pl.Series([False]).new_from_index(0, len(references))
    countries = jurisdictions.different
    return pl.Series(_below(key, share_ppm, countries, jurisdictions.which.tolist(), references.to_list()))


def _below(
    key: bytes, share_ppm: int, countries: Sequence[str], which: Sequence[int], references: Sequence[str]
) -> list[bool]:
    """For each reference, with `which` of the countries it is in, whether its number lies below the share."""
    if not key:
        raise ValueError("the random draw needs a key")
    if not 0 <= share_ppm <= _WHOLE_PPM:
        raise ValueError("a share is between nothing and the whole")
    keyed = blake2b(key=key if len(key) <= _KEY_BYTES_MAX else blake2b(key).digest(), digest_size=_NUMBER_BYTES)
    if share_ppm == _WHOLE_PPM:
        return [True] * len(references)
    # Numbers of one length stand in the order of their bytes, the first being the big end.
    limit = ((share_ppm << 8 * _NUMBER_BYTES) // _WHOLE_PPM).to_bytes(_NUMBER_BYTES)
    begun = []
    for country in countries:
        number = keyed.copy()
        number.update(f"{country}\n".encode())
        begun.append(number.copy)
    found = []
    for place, reference in zip(which, references, strict=True):
        number = begun[place]()
        number.update(reference.encode())
        found.append(number.digest() < limit)
    return found
