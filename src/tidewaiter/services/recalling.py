"""Looking up what was before a batch, where a profile in force looks at the past; else nothing is looked up or kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tidewaiter.formats import Reading
from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Batch
from tidewaiter.risk import frames_looked_at
from tidewaiter.risk.history import LOOKED_UP, NO_PRICES, Recall, recall
from tidewaiter.services.batches import findings_in
from tidewaiter.services.clear import Message, dated_batch, received_at
from tidewaiter.services.preparing import Desk


async def recall_past(
    messages: Sequence[Message], readings: Sequence[Reading], *, law: Law, desk: Desk, at: datetime
) -> tuple[Batch, Recall | None]:
    """The consignments of the messages as one batch, and what it has behind it at that instant; None where no profile
    in force in its countries looks at what is looked up.

    What others are lodging at this very instant is not known yet.
    """
    batch, asked = await asyncio.to_thread(_asked, messages, readings, law, desk.person_key)
    if asked is None:
        return batch, None
    found = await desk.store.history.find(asked.wanted, at=at)
    table = await desk.prices.table(found.table) if desk.prices is not None else NO_PRICES
    return batch, replace(asked, found=found, prices=table)


def _asked(
    messages: Sequence[Message], readings: Sequence[Reading], law: Law, key: bytes
) -> tuple[Batch, Recall | None]:
    batch = dated_batch(messages, readings, law=law, trust_stated_day=False)
    if not len(batch):
        return batch, None
    frames = frames_looked_at(InForce.over(batch.settings.different, law)) & LOOKED_UP
    if not frames:
        return batch, None
    at, readable = [], []
    for message, reading in zip(messages, readings, strict=True):
        at += [received_at(message)] * len(reading.declared)
        readable += [not any(one.severity == "error" for one in found) for found in findings_in(reading)]
    return batch, recall(batch, at=at, is_readable=readable, frames=frames, key=key)
