"""A storm: one nemesis strikes again and again under load, and after each time all that was acknowledged is asked for.

A fault that comes at any moment shows what no list of boundaries has, and how soon the house serves again.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import NamedTuple

from faults import checker
from faults.crash_points import Result
from faults.nemeses import Nemesis
from faults.patience import PATIENCE_S, until
from faults.scene import LODGED_BEFORE, Scene, scene_of
from tidewaiter.law import Law

QUIET_S_MAX = 1.0
"""So long at most nothing happens between two strikes."""

READY_S = 10
"""I14: so soon is it to be ready, and to serve again, once the fault is over. What is slower is counted, since it is
the machine's speed too."""


class Recovery(NamedTuple):
    """Seconds from the end of a fault until the server said that it is ready, and until something sent afterwards was
    acknowledged."""

    ready_s: float
    served_s: float


async def rage(name: str, nemesis: Nemesis, rounds: int, *, law: Law, seed: int) -> Result:
    """So many strikes at moments that the seed chooses; then everything that must hold. Point 0 is the state at the
    end."""
    began = time.monotonic()
    result = Result(name, unit="rounds")
    recoveries: list[Recovery] = []
    async with scene_of(nemesis.disk, before=nemesis.before, processes=nemesis.processes, law=law, seed=seed) as scene:
        journal, seen, is_up, lost = scene.journal, 0, True, 0
        while is_up and result.points < rounds:
            await asyncio.sleep(scene.chance.random() * QUIET_S_MAX)
            result.points += 1
            try:
                recoveries.append(await _survived(scene, nemesis))
            except TimeoutError as never:
                is_up, result.failing[result.points] = False, [str(never)]
                break
            fresh, seen = journal.acknowledged[seen:], len(journal.acknowledged)
            # What is appended to and never changed needs to be looked at as a whole in the end alone.
            if wrong := await checker.unkept(scene.world, fresh):
                lost += len(wrong)
                result.failing[result.points] = wrong
                is_up = not nemesis.is_mutant
        result.counts = {
            "acknowledged": len(journal.acknowledged), "unknown": journal.unknown, "busy": journal.busy, "lost": lost,
            "kept_before": LODGED_BEFORE, **_told("ready", [one.ready_s for one in recoveries], "unready"),
            **_told("recovery", [one.served_s for one in recoveries], "slow"),
        }  # fmt: skip
        if is_up:
            await journal.close()
            wrong = await _wrong_at_the_end(scene, nemesis, result)
            if wrong:
                result.failing[0] = [*wrong, f"the last that the server told: {scene.server.last_error}"]
    result.seconds = round(time.monotonic() - began, 1)
    return result


async def _wrong_at_the_end(scene: Scene, nemesis: Nemesis, result: Result) -> list[str]:
    world, journal = scene.world, scene.journal
    result.counts |= {"acknowledged": len(journal.acknowledged), **await checker.figures(world)}
    wrong = [*await checker.breaches(world, journal.acknowledged), *journal.refused]
    wrong += [*await checker.receipts(world, "caller-"), *await checker.log(world)]
    if nemesis.felt:
        result.counts["felt"] = scene.cluster.told(nemesis.felt)
    if not journal.acknowledged or not result.counts.get("felt", True):
        wrong.append("nothing was acknowledged, or the fault was never felt: the run shows nothing")
    return wrong


def _told(what: str, seconds: list[float], late: str) -> dict[str, float]:
    """The half and the longest of these times, and how many were above `READY_S`."""
    return {
        f"{what}_p50_s": round(median(seconds or [0]), 2), f"{what}_max_s": round(max(seconds, default=0), 2),
        late: sum(one > READY_S for one in seconds),
    }  # fmt: skip


async def _survived(scene: Scene, nemesis: Nemesis) -> Recovery:
    """How soon the house was there again. Raises TimeoutError."""
    answered = len(scene.journal.times)
    over = await nemesis.strike(scene)
    if not await until(scene.server.is_ready):
        raise TimeoutError(f"it did not say that it is ready within {PATIENCE_S} s")
    ready_s = time.monotonic() - over

    async def is_served() -> bool:
        return any(asked > over for asked, _ in scene.journal.times[answered:])

    if not await until(is_served):
        raise TimeoutError(f"nothing was acknowledged within {PATIENCE_S} s")
    served = next(told for asked, told in scene.journal.times[answered:] if asked > over)
    return Recovery(ready_s, served - over)
