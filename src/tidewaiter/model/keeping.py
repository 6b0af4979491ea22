"""What was worked out is kept for the next time. Any number of threads may ask at once: two may work out the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
_NOTHING = object()


def kept(known: dict[K, V], key: K, make: Callable[[], V], *, at_most: int) -> V:
    """What is made of the key, or was made of it before. Where so many are kept already, memory begins anew."""
    found = known.get(key, _NOTHING)
    if found is _NOTHING:
        made = make()
        if len(known) >= at_most:
            known.clear()
        known[key] = made
        return made
    return found  # type: ignore[return-value]


def kept_each(known: dict[K, V], keys: Sequence[K], make: Callable[[list[K]], Sequence[V]], *, at_most: int) -> list[V]:
    """The same of many keys: what is made of those that are new, all together."""
    found = [known.get(key, _NOTHING) for key in keys]
    new = list(dict.fromkeys(key for key, one in zip(keys, found, strict=True) if one is _NOTHING))
    if not new:
        return found  # type: ignore[return-value]
    made = dict(zip(new, make(new), strict=True))
    if len(known) + len(new) > at_most:
        known.clear()
    if len(new) <= at_most:
        known.update(made)
    return [made[key] if one is _NOTHING else one for key, one in zip(keys, found, strict=True)]  # type: ignore[misc]
