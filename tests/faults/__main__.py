"""Runs scenarios of faults and prints one line of JSON each: what it is, how often, what failed, how long it took.

python -m faults                every crash point of every operation, every mutant, a few strikes of every nemesis
python -m faults --long         the same ten times over without a false alarm, and as many strikes as the long run has
python -m faults --only NAME    one operation, mutant or nemesis; may be given more than once
python -m faults --rounds 60    so many strikes of each nemesis
python -m faults --share 1/2    every second scenario; 2/2 are the others, for a second processor
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import NamedTuple

from faults.crash_points import Result, Victims, explore
from faults.mutants import MUTANTS
from faults.nemeses import NEMESES
from faults.patience import patient
from faults.storms import rage
from faults.victim import OPERATIONS
from tidewaiter.law import Law, load
from tidewaiter.store import start_embedded

SHOWN = 3
CLEAN_LONG = 10
SCENARIOS = (*OPERATIONS, *MUTANTS, *NEMESES)


class Told(NamedTuple):
    """The line of a scenario, and whether it was as it must be: a mutant is found, all else goes without a fault."""

    line: str
    is_right: bool


def told(result: Result, *, is_mutant: bool = False) -> Told:
    is_right = bool(result.failing) is is_mutant
    said: dict[str, object] = {
        "name": result.name, result.unit: result.points, "failed": len(result.failing), "seconds": result.seconds,
        **result.counts,
    }  # fmt: skip
    if is_mutant:
        said = {"mutant": True, "found": bool(result.failing), **said}
    if result.failing and (is_mutant or not is_right):
        said["first"] = {point: wrong[:SHOWN] for point, wrong in list(result.failing.items())[:SHOWN]}
    return Told(json.dumps(said), is_right)


async def boundaries(given: argparse.Namespace, url: str, law: Law) -> AsyncIterator[Told]:
    """Every crash point of the operations and mutants that were asked for."""
    victims = Victims(law)
    try:
        for _ in range(CLEAN_LONG if given.long else 1):
            for name in _asked(given, OPERATIONS):
                yield told(await explore(name, url=url, law=law, victims=victims))
        for name in _asked(given, MUTANTS):
            found = await explore(
                MUTANTS[name].operation, url=url, law=law, victims=victims, mutant=name, is_first_enough=True
            )
            yield told(found, is_mutant=True)
    finally:
        victims.close()


async def storms(given: argparse.Namespace, law: Law) -> AsyncIterator[Told]:
    """Every nemesis that was asked for. One that this machine cannot have says why, and counts as not run."""
    for name in _asked(given, NEMESES):
        nemesis = NEMESES[name]
        if nemesis.hindered:
            yield Told(json.dumps({"name": name, "rounds": 0, "not_run": nemesis.hindered}), True)
            continue
        rounds = given.rounds or (nemesis.rounds_long if given.long else nemesis.rounds)
        result = await rage(name, nemesis, rounds, law=law, seed=given.seed)
        yield told(result, is_mutant=nemesis.is_mutant)


def _asked(given: argparse.Namespace, names: Iterable[str]) -> list[str]:
    part, parts = given.share
    mine = {name for number, name in enumerate(SCENARIOS) if number % parts == part - 1}
    return [name for name in names if name in mine and (not given.only or name in given.only)]


def _share(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError
    return int(part), int(parts)


async def run(given: argparse.Namespace) -> bool:
    """Whether every scenario was as it must be."""
    law, right = load(), []
    with tempfile.TemporaryDirectory(prefix="tidewaiter-faults-") as folder:
        if _asked(given, {**OPERATIONS, **MUTANTS}):
            Path(folder).chmod(0o755)  # an embedded server runs as a user of its own
            url = os.environ.get("TIDEWAITER_DATABASE_URL") or start_embedded(Path(folder))
            async for one in boundaries(given, url, law):
                print(one.line, flush=True)
                right.append(one.is_right)
        async for one in storms(given, law):
            print(one.line, flush=True)
            right.append(one.is_right)
    return all(right) and bool(right)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", action="append", choices=SCENARIOS)
    asked.add_argument("--share", type=_share, default=(1, 1), help="1/2 and 2/2 together are all of it")
    asked.add_argument("--long", action="store_true")
    asked.add_argument("--rounds", type=int)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # which tells at length that a database is away
    with patient():
        is_right = asyncio.run(run(given))
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
