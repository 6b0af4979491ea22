"""What stands in the log: a leaf for each thing that was done, without anything personal in it.

A leaf is JSON with its names in order, `kind` among them. See docs/reference/audit.md for each form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar

import msgspec

TOGETHER_MAX = 500
"""So many consignments stand in one leaf, which must not be longer than 65,535 bytes; the others in those after it."""

T = TypeVar("T")

Decision = tuple[int, str, str]
"""Our number of a consignment, and where it then stood on the two channels: security and control."""


class Lodged(msgspec.Struct, frozen=True, kw_only=True, tag="lodged", tag_field="kind", forbid_unknown_fields=True):
    """A message was lodged. `sha256` is of its bytes as they came, `law` the digest of the law it was judged under.

    `decisions` are of the consignments in it, `repeats` those that had been lodged before. What stands in the leaves
    that follow is counted in `more`.
    """

    at: datetime
    by: str
    message: int
    sha256: str
    format: str
    law: str
    decisions: tuple[Decision, ...] = ()
    repeats: tuple[int, ...] = ()
    more: int = 0


class LodgedMore(msgspec.Struct, frozen=True, kw_only=True, tag="lodged_more", tag_field="kind"):
    """More consignments of the message in a leaf before."""

    message: int
    decisions: tuple[Decision, ...] = ()
    repeats: tuple[int, ...] = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True, tag="decided", tag_field="kind"):
    """A person decided on consignments that had been lodged. `by` is who decided."""

    at: datetime
    by: str
    decisions: tuple[Decision, ...]


class Presented(msgspec.Struct, frozen=True, kw_only=True, tag="presented", tag_field="kind"):
    """Goods were presented that had been declared before, and where each stands since. `by` is who said so."""

    at: datetime
    by: str
    decisions: tuple[Decision, ...]


class Lapsed(msgspec.Struct, frozen=True, kw_only=True, tag="lapsed", tag_field="kind"):
    """Declarations lapsed, since their goods were not presented in time."""

    at: datetime
    decisions: tuple[Decision, ...]


class VaultRead(msgspec.Struct, frozen=True, kw_only=True, tag="vault_read", tag_field="kind"):
    """What is personal in these consignments was read: by whom, and for what."""

    at: datetime
    by: str
    purpose: str
    consignments: tuple[int, ...]


class Profiled(msgspec.Struct, frozen=True, kw_only=True, tag="profiled", tag_field="kind"):
    """A step in the life of a risk profile or model. `sha256` is of the version as written: of a model, of its card."""

    at: datetime
    by: str
    profile: str
    version: int
    step: str
    sha256: str


class Inspected(msgspec.Struct, frozen=True, kw_only=True, tag="inspected", tag_field="kind"):
    """A person looked at a consignment and wrote down what was found. `supersedes` is what this corrects."""

    at: datetime
    by: str
    consignment: int
    inspection: int
    results: tuple[str, ...]
    supersedes: int | None = None


class Replied(msgspec.Struct, frozen=True, kw_only=True, tag="replied", tag_field="kind"):
    """A filer replied to what it was asked for. `sha256` is over what it said; `decisions` is where the consignment
    stands since. `by` is the account that sent it."""

    at: datetime
    by: str
    filer: str
    sha256: str
    decisions: tuple[Decision, ...]


class GlassBroken(msgspec.Struct, frozen=True, kw_only=True, tag="glass_broken", tag_field="kind"):
    """A person broke the glass, and may look through it until then."""

    at: datetime
    by: str
    opening: int
    until: datetime


class GlassReviewed(msgspec.Struct, frozen=True, kw_only=True, tag="glass_reviewed", tag_field="kind"):
    """Another person looked into it, and found it justified or not."""

    at: datetime
    by: str
    opening: int
    is_justified: bool


Leaf = (
    Lodged
    | LodgedMore
    | Decided
    | Presented
    | Lapsed
    | VaultRead
    | Replied
    | Profiled
    | Inspected
    | GlassBroken
    | GlassReviewed
)


def encode(leaf: Leaf) -> bytes:
    """The leaf as it stands in the log."""
    return msgspec.json.encode(leaf, order="sorted")


def lodged(
    *,
    at: datetime,
    by: str,
    message: int,
    sha256: str,
    format: str,
    law: str,
    decisions: Sequence[Decision],
    repeats: Sequence[int],
) -> list[Leaf]:
    """The leaves of a message: one, and one more for each `TOGETHER_MAX` consignments above that."""
    (first, again), *rest = zip_longest(_chunks(decisions) or [()], _chunks(repeats), fillvalue=())
    head = Lodged(
        at=at, by=by, message=message, sha256=sha256, format=format, law=law, decisions=first, repeats=again,
        more=len(rest),
    )  # fmt: skip
    return [head, *(LodgedMore(message=message, decisions=these, repeats=those) for these, those in rest)]


def decided(*, at: datetime, by: str, decisions: Sequence[Decision]) -> list[Leaf]:
    """The leaves of what a person decided at once."""
    return [Decided(at=at, by=by, decisions=chunk) for chunk in _chunks(decisions)]


def presented(*, at: datetime, by: str, decisions: Sequence[Decision]) -> list[Leaf]:
    """The leaves of goods presented at once."""
    return [Presented(at=at, by=by, decisions=chunk) for chunk in _chunks(decisions)]


def lapsed(*, at: datetime, decisions: Sequence[Decision]) -> list[Leaf]:
    """The leaves of declarations that lapsed at once."""
    return [Lapsed(at=at, decisions=chunk) for chunk in _chunks(decisions)]


def vault_read(*, at: datetime, by: str, purpose: str, consignments: Sequence[int]) -> list[Leaf]:
    """The leaves of one reading of the vault."""
    return [VaultRead(at=at, by=by, purpose=purpose, consignments=chunk) for chunk in _chunks(consignments)]


def _chunks(found: Sequence[T]) -> list[tuple[T, ...]]:
    def cut() -> Iterator[tuple[T, ...]]:
        for at in range(0, len(found), TOGETHER_MAX):
            yield tuple(found[at : at + TOGETHER_MAX])

    return list(cut())
