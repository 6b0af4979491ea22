"""Reckoning the receipt of what was lodged again, from what is kept of it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from tidewaiter.law import Law
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.receipt import receipts
from tidewaiter.store import Store, StoredConsignment


class LawChanged(LookupError):
    """The law that it was charged under, with this digest, is no longer the one held here."""


class NotReckoned(LookupError):
    """What is kept does not give the charges that were made: what was personal in it, such as the postcode, is gone."""


async def receipt_of(stored: StoredConsignment, *, store: Store, law: Law, reader: str, at: datetime) -> Receipt:
    """The receipt of a lodged consignment. Charges may rest on the kind and postcode of a party, so the vault is
    opened, and that `reader` had it opened is written down.

    Raises LawChanged or NotReckoned rather than state what was not charged.
    """
    charged = stored.cleared
    if (law.digest_of(charged.jurisdiction) or law.digest) != charged.law_digest:
        raise LawChanged(charged.law_digest)
    whole = (await store.open_vault([stored.id], purpose="assess", reader=reader, at=at))[stored.id]
    [made] = await asyncio.to_thread(receipts, [whole], law=law)
    if (made.charges, made.regime) != (charged.charges, charged.regime):
        raise NotReckoned(stored.id)
    return made
