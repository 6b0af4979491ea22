"""A storm: one nemesis strikes again and again under load, and after each time all that was acknowledged is asked for.

A fault that comes at any moment shows what no list of boundaries has, and how soon the house serves again.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median

from faults import checker
from faults.crash_points import Result
from faults.nemeses import Nemesis
from faults.patience import PATIENCE_S, until
from faults.scene import Scene, scene_of
from tidewaiter.law import Law

QUIET_S_MAX = 1.0
"""So long at most nothing happens between two strikes."""

READY_S = 10
"""I14: so soon is it to serve again once the fault is over. A slower recovery is counted, since it is the machine's
speed too."""


async def rage(name: str, nemesis: Nemesis, rounds: int, *, law: Law, seed: int) -> Result:
    """So many strikes at moments that the seed chooses; then everything that must hold. Point 0 is the state at the
    end."""
    began = time.monotonic()
    result = Result(name, unit="rounds")
    recoveries: list[float] = []
    lost = 0
    async with scene_of(nemesis.disk, law=law, seed=seed) as scene:
        seen = 0
        for _ in range(rounds):
            await asyncio.sleep(scene.chance.random() * QUIET_S_MAX)
            answered = len(scene.journal.times)
            over = await nemesis.strike(scene)
            result.points += 1
            recovered = await _recovered(scene, over, answered)
            if recovered is None:
                result.failing[result.points] = [f"nothing was acknowledged within {PATIENCE_S} s"]
                break
            recoveries.append(recovered)
            fresh, seen = scene.journal.acknowledged[seen:], len(scene.journal.acknowledged)
            # What is appended to and never changed needs to be looked at as a whole in the end alone.
            if wrong := await checker.unkept(scene.world, fresh):
                lost += len(wrong)
                result.failing[result.points] = wrong
        felt = scene.cluster.told(nemesis.felt) if nemesis.felt else 0
        journal, world = scene.journal, scene.world
        await journal.close()
        wrong = [*await checker.breaches(world, journal.acknowledged), *journal.refused]
        wrong += [*await checker.receipts(world, "caller-"), *await checker.log(world)]
        if not journal.acknowledged or (nemesis.felt and not felt):
            wrong.append("nothing was acknowledged, or the fault was never felt: the run shows nothing")
        if wrong:
            result.failing[0] = [*wrong, f"the last that the server told: {scene.server.last_error}"]
        figures = await checker.figures(world)
    result.counts = {
        "acknowledged": len(journal.acknowledged), "unknown": journal.unknown, "busy": journal.busy, "lost": lost,
        **figures,
        "slow": sum(one > READY_S for one in recoveries),
        "recovery_p50_s": round(median(recoveries or [0]), 2), "recovery_max_s": round(max(recoveries, default=0), 2),
    }  # fmt: skip
    if nemesis.felt:
        result.counts["felt"] = felt
    result.seconds = round(time.monotonic() - began, 1)
    return result


async def _recovered(scene: Scene, over: float, answered: int) -> float | None:
    """Seconds from then until something sent afterwards was acknowledged; None where that never came. So many had been
    before the strike."""

    async def is_served() -> bool:
        return any(asked > over for asked, _ in scene.journal.times[answered:])

    if not await until(is_served):
        return None
    return next(told for asked, told in scene.journal.times[answered:] if asked > over) - over
