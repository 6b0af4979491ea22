"""Drawing up the queue of a shift: who of those that wait is looked at, in which order, and why.

What it follows from is kept with the picks, all but the key of the draw, so that an auditor who has the key can pick
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from tidewaiter.access import Principal
from tidewaiter.law import Law
from tidewaiter.model.outcome import SHADOW
from tidewaiter.risk import RANDOM, Profile, ruleset
from tidewaiter.risk.drawing import draw_in, stratum_of
from tidewaiter.risk.selection import CANDIDATES, CAPACITY, PICKS, Draw, select
from tidewaiter.services.acting import NotAllowed
from tidewaiter.services.capacity import Capacity, Queue
from tidewaiter.services.learn import Span, learn
from tidewaiter.services.models import in_force
from tidewaiter.services.profiles import with_profiles
from tidewaiter.services.rule import object_of, rule
from tidewaiter.services.scoring import chances_ppm, kept_of
from tidewaiter.store import Selected, Store, StoredConsignment

WAITING_MAX = 10_000
"""So many that wait are looked through for one shift, the oldest first."""
LEARNT_FROM = timedelta(days=365)
SCORE_CASES = 10
"""A profile's score counts as so many inspections, of which so many in a hundred found something."""
_LANES = {"examine": "examine", "documents_requested": "documents", "hold": "hold_for_officer"}
_CERTAIN = 1_000_000
Signal = tuple[str, str, int, str]


async def draw_up(
    jurisdiction: str, shift: str, capacity: Capacity, *, principal: Principal, store: Store, law: Law, at: datetime
) -> Selected:
    """The queue of a shift, drawn up and kept. Where a model of the country is in force the chance that a look finds
    something is what it says, else what the profiles found so far. Raises NotAllowed."""
    ruling = rule(principal, "draw_up_queue")
    if not ruling.allowed or principal.country not in ("", jurisdiction):
        raise NotAllowed(ruling.policy)
    law = await with_profiles(law, store=store, at=at)
    today = at.date()
    span = Span(jurisdiction, today - LEARNT_FROM, today + timedelta(days=1))
    learnt = await learn(span, principal=principal, store=store, law=law)
    rates = {one.name: (one.rate.found, one.rate.looked_at) for one in learnt.profiles}
    ids = await store.inspections.waiting(jurisdiction=jurisdiction, size=WAITING_MAX)
    kept = await kept_of(ids, store)
    profiles = {profile.id: profile for profile in ruleset(law).profiles}
    model = await in_force(jurisdiction, store=store)
    if model is None:
        chances = {id: chance_of(kept.heard.get(id, ()), rates) for id in ids}
    else:
        chances = await chances_ppm(kept, model, law)
    rows, stakes = [], {}
    for stored in kept.stored:
        queue = capacity.of(object_of(stored).office, _LANES[stored.control], shift)
        if queue is not None:
            stakes[stored.id] = stake_of(stored) + queue.safety_micro
            loss = loss_of(chances[stored.id], stakes[stored.id])
            seen = kept.heard.get(stored.id, ())
            rows.append(_candidate(stored, seen, queue, shift, law=law, profiles=profiles, loss=loss))
    queues = [one for one in capacity.queue if one.shift == shift]
    draw = draw_in(law, jurisdiction)
    inputs: dict[str, Any] = {
        "candidates": rows,
        "capacity": Capacity(queue=tuple(queues)).frame().rows(),
        "simple_ppm": draw.simple_ppm,
        "stratified_ppm": draw.stratified_ppm,
        "strata": draw.strata,
        "risk_digest": law.risk_digest,
        "rates": rates,
        "stakes_micro": sorted(stakes.items()),
        "chances_ppm": [[id, chance] for id, chance in sorted(chances.items()) if id in stakes],
    }
    if model is not None:
        inputs |= {"model": model.digest, "model_version": model.version}
    picks = pick(inputs, key=law.draw_key)
    id = await store.inspections.keep_selection(
        at=at, actor=principal.id, policy=ruling.policy, jurisdiction=jurisdiction, shift=shift, inputs=inputs,
        picks=picks,
    )  # fmt: skip
    return Selected(
        id=id, at=at, actor=principal.id, jurisdiction=jurisdiction, shift=shift, inputs=inputs, picks=picks
    )


def pick(inputs: Mapping[str, Any], *, key: bytes) -> list[dict[str, Any]]:
    """The picks that follow from what was kept of a selection: the same again, whoever asks."""
    candidates = pl.DataFrame(inputs["candidates"], schema=CANDIDATES, orient="row")
    capacity = pl.DataFrame(inputs["capacity"], schema=CAPACITY, orient="row")
    # A queue that was drawn up before there were two halves has the simple one alone.
    stratified, strata = inputs.get("stratified_ppm", 0), inputs.get("strata", {})
    draw = Draw(key=key, simple_ppm=inputs["simple_ppm"], stratified_ppm=stratified, strata=strata)
    picks = select(candidates, capacity, draw)
    return picks.select(PICKS.names()).to_dicts()


def _candidate(
    stored: StoredConsignment, signals: Sequence[Signal], queue: Queue, shift: str, *, law: Law,
    profiles: Mapping[str, Profile], loss: int,
) -> list[Any]:  # fmt: skip
    """The row of one that waits, in the queue that it is for."""
    # What no profile of ours says may be a list of persons or goods: that it is held is enough to look.
    is_obligatory = any(
        profiles[profile].is_obligatory if profile in profiles else asked == "hold_for_officer"
        for profile, asked, _, _ in signals
        if asked != SHADOW
    )
    record = stored.record
    stratum = stratum_of(record)
    is_drawn_now = draw_in(law, record.jurisdiction).takes(record.jurisdiction, record.reference, stratum)
    # Who was drawn when the share was larger, or under another key, is looked at all the same.
    is_obligatory |= any(signal[0] == RANDOM for signal in signals) and not is_drawn_now
    return [
        stored.id, record.jurisdiction, record.reference, queue.office, _LANES[stored.control], shift, stratum,
        is_obligatory, loss, queue.each,
    ]  # fmt: skip


def stake_of(stored: StoredConsignment) -> int:
    """Duty and tax that were charged, in millionths."""
    totals = stored.cleared.totals
    return sum(_micro(amount) for amount in (totals.duty, totals.tax))


def loss_of(chance_ppm: int, stake_micro: int) -> int:
    """The loss that a look is expected to avert, in millionths."""
    return chance_ppm * stake_micro // _CERTAIN


def chance_of(signals: Sequence[Signal], rates: Mapping[str, Sequence[int]]) -> int:
    """How likely it is that something is found, by what its profiles found so far, in parts in a million."""
    heard = (signal for signal in signals if signal[0] != RANDOM and signal[1] != SHADOW)
    return max((_chance_ppm(signal, rates) for signal in heard), default=0)


def _chance_ppm(signal: Signal, rates: Mapping[str, Sequence[int]]) -> int:
    """How likely it is that something is found, by what the profile found so far and by its score before that."""
    profile, _, score, _ = signal
    found, looked_at = rates.get(profile, (0, 0))
    return (found * 100 + score * SCORE_CASES) * _CERTAIN // (100 * (looked_at + SCORE_CASES))


def _micro(amount: str | None) -> int:
    whole, _, part = (amount or "0").partition(".")
    return int(whole) * 1_000_000 + int(part[:6].ljust(6, "0"))
