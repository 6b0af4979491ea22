"""The signals of a batch: which profiles hit which consignments and items, and who falls to the random share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Batch
from tidewaiter.model.exact import Whole
from tidewaiter.model.outcome import SIGNALS, VALUES
from tidewaiter.model.past import Past
from tidewaiter.risk.detectors import Figures
from tidewaiter.risk.draw import LANE, RANDOM, REASON
from tidewaiter.risk.drawing import draws
from tidewaiter.risk.fields import PAST_FRAMES
from tidewaiter.risk.profiles import Profile
from tidewaiter.risk.rules import Detection, Rule, Rules, rules_for
from tidewaiter.risk.screening import Index
from tidewaiter.risk.sieve import UNTOLD, Judged, Verdict
from tidewaiter.risk.views import DENIED_COLUMNS, Heads, Items, view


def signals(
    batch: Batch, values: pl.DataFrame, law: Law, past: Past | None = None, lists: Index | None = None
) -> pl.DataFrame:
    """A row for each hit, as a frame SIGNALS in the order of `row`. `values` is a frame VALUES, `lists` are of denied
    parties.

    What detectors see they see in the past alone, never in the other rows of the batch: who wants a row to count for
    the next says so in the past of that next one (`history.past_of` does).

    `item` is null where the profile is about the consignment as a whole, and for the random share. Only originals about
    what comes in are looked at: an amendment alone says no more than what changes, and the declaration is looked at
    again once it is changed.
    """
    if not len(batch):
        return _NONE
    here = InForce.over(batch.settings.different, law)
    of_heads, of_items = rules_for(here)
    heads = Heads(batch, values, law, past or Past(), lists)
    found = [_random(heads, law), *_hits(heads, of_heads)]
    detected = _detected(heads, of_heads.detections)
    if len(batch.items):
        items = Items(heads)
        found += _hits(items, of_items)
        detected += _detected(items, of_items.detections)
    found += detected
    found = [some for some in found if len(some)]
    return pl.concat(found).sort("row", maintain_order=True) if found else _NONE


_NONE = pl.DataFrame(schema=SIGNALS)
_PAST = frozenset(PAST_FRAMES.values())


def signals_of_lists(batch: Batch, law: Law, lists: Index) -> pl.DataFrame:
    """The same of those profiles alone that ask of lists of denied parties, when a list has changed."""
    if not len(batch):
        return _NONE
    of_heads, _ = rules_for(InForce.over(batch.settings.different, law))
    asking = tuple(rule for rule in of_heads.rules if not DENIED_COLUMNS.isdisjoint(rule.looks_at))
    heads = Heads(batch, pl.DataFrame(schema=VALUES), law, Past(), lists)
    found = _hits(heads, replace(of_heads, rules=asking))
    return pl.concat(found).sort("row", maintain_order=True) if found else _NONE


def hits(batch: Batch, values: pl.DataFrame, law: Law, past: Past | None = None) -> Iterator[tuple[Profile, Whole]]:
    """Each profile that hits anything, with the places in the batch of what it hits: one for each item where it is
    about items. The same hits as in `signals`, and nothing of the random share."""
    if not len(batch):
        return
    of_heads, of_items = rules_for(InForce.over(batch.settings.different, law))
    heads = Heads(batch, values, law, past or Past())
    for profile, within in _hit(heads, of_heads):
        yield profile, np.flatnonzero(within.to_numpy())
    if len(batch.items):
        items = Items(heads)
        for profile, within in _hit(items, of_items):
            yield profile, items.places.filter(within).to_numpy().astype(np.int64)


def _hit(those: Heads | Items, ready: Rules) -> Iterator[tuple[Profile, pl.Series]]:
    for rule, within in _holding(those, ready):
        yield rule.profile, within
    for detection, within, _ in _seen(those, ready.detections):
        yield detection.profile, within


def _hits(those: Heads | Items, ready: Rules) -> list[pl.DataFrame]:
    """The hits of the rules, a frame for each rule that has any."""
    return [_signals(those, within, rule) for rule, within in _holding(those, ready)]


def _holding(those: Heads | Items, ready: Rules) -> Iterator[tuple[Rule, pl.Series]]:
    """Each rule that has a hit, and which of those it hits."""
    judged = Judged(ready.sieve, those)
    sifted = [rule for rule in ready.rules if judged.may_hit(rule.condition)]
    if not sifted:
        return
    looked_at = view(those, (column for rule in sifted for column in rule.looks_at))
    parts = dict.fromkeys(part for rule in sifted for part in rule.judged)
    told = [_spread(part, judged.verdict(part), those.apart(ready.sieve.columns[part]).which) for part in parts]
    columns = pl.DataFrame([*looked_at.get_columns(), *told]).select_seq(rule.hits for rule in sifted)
    for rule, hit in zip(sifted, columns, strict=True):
        if hit.any() and (within := hit & those.holds(rule.scope)).any():
            yield rule, within


def _detected(those: Heads | Items, detections: Iterable[Detection]) -> list[pl.DataFrame]:
    """What the detectors see, a frame for each that sees anything."""
    found = []
    for detection, hit, strength in _seen(those, detections):
        scores = np.ceil(strength[hit.to_numpy()] * detection.profile.score).astype(np.int64)
        found.append(_signals(those, hit, detection, pl.Series("score", scores, dtype=SIGNALS["score"])))
    return found


def _seen(those: Heads | Items, detections: Iterable[Detection]) -> Iterator[tuple[Detection, pl.Series, Figures]]:
    """Each detector that sees anything, in which of those, and how strongly. Those that nothing is known for are
    passed over."""
    known = {frame for frame in _PAST if len(getattr(those.past, frame))}
    if not known:
        return
    for detection in detections:
        if not detection.frames <= known:
            continue
        strength = those.strength(detection.detector, detection.profile.limits)
        is_seen = strength > 0
        if is_seen.any() and (hit := pl.Series(is_seen) & those.holds(detection.scope)).any():
            yield detection, hit, strength


def _spread(part: int, verdict: Verdict, which: Whole) -> pl.Series:
    """The verdict on each row's text; null where it cannot be told."""
    yes = pl.Series(str(part), (verdict == 1)[which])
    if (verdict != UNTOLD).all():
        return yes
    return yes.zip_with(pl.Series((verdict != UNTOLD)[which]), _UNTOLD.new_from_index(0, len(yes)))


_UNTOLD = pl.Series([None], dtype=pl.Boolean)


def _signals(
    those: Heads | Items, hit: pl.Series, rule: Rule | Detection, scores: pl.Series | None = None
) -> pl.DataFrame:
    rows, items, profile = those.frame["row"].filter(hit), those.items.filter(hit), rule.profile
    if rule.reason is None:
        reason = _repeated("reason", profile.reason, len(rows))
    else:
        reason = view(those, rule.figures).filter(hit).select_seq(rule.reason)["reason"]
    if scores is None:
        scores = _repeated("score", profile.score, len(rows))
    said = (_repeated("profile", profile.id, len(rows)), _repeated("lane", profile.asks_for, len(rows)))
    return pl.DataFrame([rows, items, *said, scores, reason])


def _repeated(name: str, value: str | int | None, times: int) -> pl.Series:
    """A column of a frame SIGNALS that is the same all the way down."""
    return pl.Series(name, [value], dtype=SIGNALS[name]).new_from_index(0, times)


def _random(heads: Heads, law: Law) -> pl.DataFrame:
    """The random share of what is profiled, drawn without a look at anything else.

    Goods announced for security alone are not drawn: they are when they are declared.
    """
    told = draws(heads.batch, law)
    if not told["is_drawn"].any():
        return _NONE
    rows = told["row"].filter(told["is_drawn"])
    said: dict[str, str | int | None] = {"item": None, "profile": RANDOM, "lane": LANE, "score": 0, "reason": REASON}
    return pl.DataFrame([rows, *(_repeated(name, value, len(rows)) for name, value in said.items())])
