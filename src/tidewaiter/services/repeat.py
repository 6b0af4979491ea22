"""Picking again: whether what risk saw, what the model said and who was picked come out the same of what is kept.

What a pick follows from is all kept: the consignment as it was lodged and what was known of what came before it, the
profiles and the lists it was decided under, the model by its digest, and what the queue had. Only the key of the draw
is not, which whoever asks must have.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from tidewaiter.access import Principal
from tidewaiter.assessment import assess
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Signal
from tidewaiter.model.past import Past, pasts_again
from tidewaiter.risk import signals
from tidewaiter.risk.screening import Index
from tidewaiter.services.acting import NotAllowed, NotThere
from tidewaiter.services.models import ModelLost, model_of
from tidewaiter.services.profiles import merged
from tidewaiter.services.queue import chance_of, loss_of, pick
from tidewaiter.services.records import signals_by_row
from tidewaiter.services.rule import rule
from tidewaiter.services.scoring import chances_ppm, kept_of
from tidewaiter.services.screen import state
from tidewaiter.store import Selected, Store

Again = Literal["same", "differs", "not_kept", "law_changed"]
READER = "repeating"
"""Who opens the vault: words and names are looked at again, and shown to nobody."""
_LOSS = 8
"""The place of the loss in a row of candidates."""


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """What came of picking again. `signals` counts the candidates by whether what risk saw in them when they were
    decided comes out again; `chances` and `picks` say it of the chance of every candidate and of what became of each.
    `is_same` where all of it does."""

    selection: int
    at: datetime
    candidates: int
    model: str | None
    model_version: int | None
    signals: dict[Again, int]
    chances: Again
    picks: Again
    is_same: bool


async def repeat(
    jurisdiction: str, id: int | None, *, principal: Principal, store: Store, law: Law, at: datetime
) -> Repeated:  # fmt: skip
    """What comes of picking again for that selection of the country, or for the newest. Raises NotThere, NotAllowed."""
    ruling = rule(principal, "read_profiles")
    if not ruling.allowed or principal.country not in ("", jurisdiction):
        raise NotAllowed(ruling.policy)
    drawn = await store.inspections.selection(jurisdiction=jurisdiction, id=id)
    if drawn is None:
        raise NotThere
    ids = [row[0] for row in drawn.inputs["candidates"]]
    seen = Counter((await signals_again(ids, store=store, law=law, at=at)).values())
    chances, inputs = await _chances_again(drawn, ids, store=store, law=law)
    picks: Again = "same" if pick(inputs, key=law.draw_key) == drawn.picks else "differs"
    return Repeated(
        selection=drawn.id, at=drawn.at, candidates=len(ids), model=drawn.inputs.get("model"),
        model_version=drawn.inputs.get("model_version"), signals=dict(seen), chances=chances, picks=picks,
        is_same=seen["same"] == len(ids) and chances == picks == "same",
    )  # fmt: skip


async def _chances_again(
    drawn: Selected, ids: Sequence[int], *, store: Store, law: Law
) -> tuple[Again, dict[str, Any]]:  # fmt: skip
    """Whether the chances come out again, and the inputs with the losses that follow from them."""
    inputs = drawn.inputs
    if "stakes_micro" not in inputs:
        return "not_kept", inputs
    kept = await kept_of(ids, store, known_at=drawn.at)
    if "model" in inputs:
        under = await law_of(inputs["risk_digest"], store=store, law=law)
        if under is None:
            return "law_changed", inputs
        try:
            chances = await chances_ppm(kept, await model_of(inputs["model"], store=store), under)
        except ModelLost:
            return "not_kept", inputs
    else:
        chances = {id: chance_of(kept.heard.get(id, ()), inputs["rates"]) for id in ids}
    stakes = dict(map(tuple, inputs["stakes_micro"]))
    rows = [list(row) for row in inputs["candidates"]]
    for row in rows:
        row[_LOSS] = loss_of(chances[row[0]], stakes[row[0]])
    is_same = [list(pair) for pair in sorted(chances.items())] == [list(pair) for pair in inputs["chances_ppm"]]
    return "same" if is_same else "differs", inputs | {"candidates": rows}


async def signals_again(ids: Sequence[int], *, store: Store, law: Law, at: datetime) -> dict[int, Again]:
    """By our number, whether what risk saw in each when it was decided comes out again."""
    decided = await store.inspections.decided(ids)
    found: dict[int, Again] = dict.fromkeys(ids, "not_kept")
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for id, one in decided.items():
        groups[one.risk_digest, one.lists].append(id)
    whole = await store.open_vault(list(decided), purpose="control", reader=READER, at=at) if decided else {}
    before = await store.inspections.known_before(list(decided))
    for (digest, lists), those in groups.items():
        under = await law_of(digest, store=store, law=law)
        if under is None:
            found |= dict.fromkeys(those, "law_changed")
            continue
        index = await asyncio.to_thread(Index, [await state(one, store=store) for one in lists]) if lists else None
        past = pasts_again({row: before[id] for row, id in enumerate(those) if id in before})
        told = await asyncio.to_thread(_seen, [whole[id] for id in those], under, past, index)
        for id, signalled in zip(those, told, strict=True):
            found[id] = "same" if signalled == decided[id].signals else "differs"
    return found


async def law_of(digest: str | None, *, store: Store, law: Law) -> Law | None:
    """The law with the profiles of that digest; None where they, or the law itself, are not those any more."""
    kept = None if digest is None else await store.profiles.of_ruleset(digest)
    if kept is None:
        return None
    under = merged(law, kept, await store.profiles.strata_of_ruleset(digest or ""))
    return under if under.risk_digest == digest else None


def _seen(records: Sequence[Consignment], law: Law, past: Past, index: Index | None) -> list[tuple[Signal, ...]]:
    batch = Batch.of(records)
    return signals_by_row(signals(batch, assess(batch, law, past).values, law, past, index), len(batch))
