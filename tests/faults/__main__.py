"""Runs scenarios of faults and prints one line of JSON each: name, points, failed, seconds.

python -m faults                every crash point of every operation, and every mutant: the everyday part
python -m faults --only NAME    one operation or mutant
python -m faults --kills 300    the server killed at random, so often
python -m faults --clean 10     every crash point that often, without a false alarm
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from faults.crash_points import Result, Victims, explore
from faults.kills import kill_server
from faults.mutants import MUTANTS
from faults.victim import OPERATIONS
from tidewaiter.law import load
from tidewaiter.store import start_embedded

EVERYDAY_KILLS = 20
SHOWN = 3


def line(result: Result, *, is_mutant: bool) -> tuple[str, bool]:
    """The line of a scenario, and whether it is as it must be: a mutant is found, everything else without a fault."""
    is_right = bool(result.failing) is is_mutant
    told: dict[str, object] = {
        "name": result.name, "points": result.points, "failed": len(result.failing), "seconds": result.seconds,
        **result.counts,
    }  # fmt: skip
    if is_mutant:
        told = {"mutant": True, "found": bool(result.failing), **told}
    if result.failing and (is_mutant or not is_right):
        told["first"] = {point: wrong[:SHOWN] for point, wrong in list(result.failing.items())[:SHOWN]}
    return json.dumps(told), is_right


async def scenarios(given: argparse.Namespace, url: str) -> AsyncIterator[tuple[Result, bool]]:
    """Each scenario that was asked for, and whether it is of a mutant."""
    law = load()
    victims = Victims(law)
    try:
        for _ in range(given.clean):
            for name in OPERATIONS:
                if given.only in (None, name):
                    yield await explore(name, url=url, law=law, victims=victims), False
        for name, mutant in MUTANTS.items():
            if given.only in (None, name) and not given.without_mutants:
                found = await explore(
                    mutant.operation, url=url, law=law, victims=victims, mutant=name, is_first_enough=True
                )
                yield found, True
    finally:
        victims.close()
    if given.kills:
        yield await kill_server(given.kills, url=url, law=law, seed=given.seed), False


async def run(given: argparse.Namespace, url: str) -> bool:
    """Whether every scenario was as it must be."""
    all_right, count = True, 0
    async for result, is_mutant in scenarios(given, url):
        told, is_right = line(result, is_mutant=is_mutant)
        print(told, flush=True)
        all_right, count = all_right and is_right, count + 1
    return all_right and count > 0


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", choices=[*OPERATIONS, *MUTANTS])
    asked.add_argument("--clean", type=int, default=1)
    asked.add_argument("--kills", type=int, default=EVERYDAY_KILLS)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--without-mutants", action="store_true")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidewaiter-faults-") as folder:
        Path(folder).chmod(0o755)  # an embedded server runs as a user of its own
        url = os.environ.get("TIDEWAITER_DATABASE_URL") or start_embedded(Path(folder))
        sys.exit(0 if asyncio.run(run(given, url)) else 1)


if __name__ == "__main__":
    main()
