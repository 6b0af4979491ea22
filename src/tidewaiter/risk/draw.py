"""The random share: who is looked at whatever the profiles say, drawn so that an auditor can draw again.

Each consignment has a number that follows from its country, its reference and the installation's key alone
(BLAKE2b with a key, RFC 7693, eight bytes). It is drawn where that number lies below the share of all numbers. So
the draw is blind to the goods, the same on every machine and every day, and nobody without the key can foresee it.

A second draw gives each stratum (section of the Harmonized System, group of origins, channel) a probability of its own,
so that rare kinds of goods are seen too. Each draw, and the order of what is otherwise equal, has numbers of its own:
the same hash under another personalisation, so that to know one says nothing of another.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
import polars as pl

from tidewaiter.model.batch import Apart
from tidewaiter.model.exact import Yes

RANDOM = "random"
"""The profile that a signal of the random share names."""
LANE = "examine"
REASON = "drawn at random"

STRATIFIED, ORDER = b"stratified", b"order"
"""What numbers are for, besides the simple draw."""
UNCODED = 0
_LAST_CHAPTERS = (5, 14, 15, 24, 27, 38, 40, 43, 46, 49, 63, 67, 70, 71, 83, 85, 89, 92, 93, 96, 97)
"""The last chapter of each of the 21 sections of the Harmonized System (WCO, HS 2022)."""
_NUMBER_BYTES = 8
_ABOVE_ALL = b"\xff" * (_NUMBER_BYTES + 1)
_KEY_BYTES_MAX = 64
_WHOLE_PPM = 1_000_000


def is_drawn(reference: str, *, jurisdiction: str, key: bytes, share_ppm: int) -> bool:
    """Whether this consignment falls to the random share of so many in a million. Raises ValueError for no key."""
    return _below(key, [share_ppm], [jurisdiction], [0], [reference])[0]


def drawn(jurisdictions: Apart, references: pl.Series, *, key: bytes, shares_ppm: Sequence[int]) -> Yes:
    """The same for many, by the share of each of the different countries."""
    if not any(shares_ppm):
        return np.zeros(len(references), np.bool_)
    places = jurisdictions.which.tolist()
    return np.array(_below(key, shares_ppm, jurisdictions.different, places, references.to_list()), np.bool_)


def _below(
    key: bytes, shares_ppm: Sequence[int], countries: Sequence[str], which: Sequence[int], references: Sequence[str]
) -> list[bool]:
    """For each reference, with `which` of the countries it is in, whether its number lies below the share of that."""
    if not key:
        raise ValueError("the random draw needs a key")
    short = key if len(key) <= _KEY_BYTES_MAX else blake2b(key).digest()
    keyed = blake2b(key=short, digest_size=_NUMBER_BYTES)
    begun = []
    for country, share_ppm in zip(countries, shares_ppm, strict=True):
        if not 0 <= share_ppm <= _WHOLE_PPM:
            raise ValueError("a share is between nothing and the whole")
        # Numbers of one length stand in the order of their bytes, the first being the big end.
        bound = _ABOVE_ALL if share_ppm == _WHOLE_PPM else limit(share_ppm).to_bytes(_NUMBER_BYTES)
        number = keyed.copy()
        number.update(f"{country}\n".encode())
        begun.append((number.copy, bound))
    found = []
    for place, reference in zip(which, references, strict=True):
        start, bound = begun[place]
        number = start()
        number.update(reference.encode())
        found.append(number.digest() < bound)
    return found


def numbers(places: Iterable[tuple[str, str]], *, key: bytes, purpose: bytes = b"") -> list[int]:
    """The number of each country and reference for a purpose: from nought to 2^64, evenly.

    Raises ValueError for no key. Without a purpose it is that of the simple draw, `is_drawn`.
    """
    if not key:
        raise ValueError("the random draw needs a key")
    short = key if len(key) <= _KEY_BYTES_MAX else blake2b(key).digest()
    keyed = blake2b(key=short, digest_size=_NUMBER_BYTES, person=purpose)
    found = []
    for country, reference in places:
        number = keyed.copy()
        number.update(f"{country}\n{reference}".encode())
        found.append(int.from_bytes(number.digest()))
    return found


def limit(share_ppm: int) -> int:
    """Numbers below this are drawn at so many in a million."""
    return (share_ppm << 8 * _NUMBER_BYTES) // _WHOLE_PPM


def section(hs_code: str | None) -> int:
    """The section of the Harmonized System that the code is in, 1 to 21; `UNCODED` where it is in none."""
    chapter = (hs_code or "")[:2]
    if not (chapter.isascii() and chapter.isdecimal()) or not 0 < int(chapter) <= _LAST_CHAPTERS[-1]:
        return UNCODED
    return bisect_left(_LAST_CHAPTERS, int(chapter)) + 1


def stratum(*, hs_code: str | None, origin_group: str | None, channel: str | None) -> str:
    """The stratum of a consignment by its first item's code, group of origins and channel, as `11/asia/post`."""
    return f"{section(hs_code)}/{origin_group or ''}/{channel or ''}"


def probabilities(counts: Mapping[str, int], *, share_ppm: int) -> dict[str, int]:
    """The probability of each stratum, in parts in a million, at which each gives as many as any other and all together
    the share of the whole: from how many there were of each in a time before, never from those that are drawn.

    A stratum that has fewer than its part is looked at whole; what it lacks is not laid on the others.
    """
    present = {name: count for name, count in sorted(counts.items()) if count > 0}
    total = sum(present.values())
    return {name: min(_WHOLE_PPM, share_ppm * total // (len(present) * count)) for name, count in present.items()}
