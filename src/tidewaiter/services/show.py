"""Showing one consignment: what was lodged, what was found, what is charged and why, what was decided and answered."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Signal
from tidewaiter.store import Behind, Reply, Store, StoredConsignment


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A consignment with everything behind it, and the ids of all that was lodged under its reference, newest first.

    `signals` are empty where it is not an officer who looks; `whole` is null unless what is personal was asked for, and
    then `replies` say what the filer replied.
    """

    stored: StoredConsignment
    behind: Behind
    lodged_under_reference: tuple[StoredConsignment, ...]
    signals: tuple[Signal, ...] = ()
    whole: Consignment | None = None
    replies: tuple[Reply, ...] = ()


async def show_to_filer(reference: str, *, filer: str, store: Store) -> Shown | None:
    """The filer's own consignment of that reference: the one that stands, else the newest. None where there is none."""
    ids = await store.ids_of(reference, filer=filer)
    if not ids:
        return None
    found = await store.consignments(ids)
    chosen = _standing([found[id] for id in ids])
    behind = await store.behind(chosen.id)
    return Shown(
        stored=chosen,
        behind=msgspec.structs.replace(behind, signals=()),
        lodged_under_reference=tuple(found[id] for id in ids),
    )


async def show_to_officer(
    id: int, *, store: Store, at: datetime, reader: str = "officer", with_personal: bool = False
) -> Shown | None:
    """The consignment of that id with what risk saw; what is personal only where asked, which is written down."""
    found = (await store.consignments([id])).get(id)
    if found is None:
        return None
    behind = await store.behind(id)
    ids = await store.ids_of(found.cleared.reference, filer=found.filer)
    others = await store.consignments(ids)
    whole = None
    if with_personal:
        whole = (await store.open_vault([id], purpose="control", reader=reader, at=at))[id]
    return Shown(
        stored=found,
        behind=behind,
        lodged_under_reference=tuple(others[id] for id in ids),
        signals=behind.signals,
        whole=whole,
        replies=tuple(await store.replies.of(id, with_said=with_personal)),
    )


async def find_for_officer(reference: str, *, store: Store) -> list[int]:
    """The ids of all consignments of that reference, whoever lodged them, newest first."""
    return await store.ids_of(reference)


def _standing(newest_first: list[StoredConsignment]) -> StoredConsignment:
    """The one that stands as a declaration, else the newest."""
    originals = [one for one in newest_first if one.cleared.function == "original" and one.control != "not_accepted"]
    return (originals or newest_first)[0]
