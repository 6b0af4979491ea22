"""No way to write is without its crash points: each statement that changes what is kept, and each service that leads to
one, is done by an operation of `faults`, which is killed at every boundary."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import asyncpg
import pytest
from joserfc.jwk import OKPKey

import tidewaiter
from faults import checker, points
from faults.crash_points import world_of
from faults.victim import OPERATIONS
from tidewaiter.law import Law

pytestmark = pytest.mark.anyio
SOURCE = Path(tidewaiter.__file__).parent
WRITES = re.compile(r"\binsert into\b|\bdelete from\b|\bupdate [a-z_]+ set\b", re.IGNORECASE)


class Place(NamedTuple):
    """A function: the file it stands in, from the room on, and its name."""

    file: str
    name: str


def writing() -> set[Place]:
    """The functions of the store in which a statement stands that writes, or the name of one that does."""
    found = set()
    for path in sorted((SOURCE / "store").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign) and _writes(node.value, set())
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                if any(_writes(statement, named) for statement in body):
                    found.add(Place(f"store/{path.name}", node.name))
    return found


def _writes(node: ast.AST, named: set[str]) -> bool:
    return any(
        (isinstance(one, ast.Constant) and isinstance(one.value, str) and WRITES.search(one.value) is not None)
        or (isinstance(one, ast.Name) and one.id in named)
        or (isinstance(one, ast.Attribute) and one.attr == "copy_records_to_table")
        for one in ast.walk(node)
    )


class Met(NamedTuple):
    """What was on its way when the database was called or a file made durable: functions of the store that write, and
    modules of `services`."""

    writers: set[Place]
    services: set[str]


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch, is_on: list[bool]) -> Iterator[Met]:
    """What is met while `is_on` says so."""
    met, writers = Met(set(), set()), writing()

    def look() -> None:
        if not is_on[0]:
            return
        frame: FrameType | None = sys._getframe(2)
        places = []
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(SOURCE):
                places.append(Place(path.relative_to(SOURCE).as_posix(), frame.f_code.co_name))
            frame = frame.f_back
        if hit := writers.intersection(places):
            met.writers.update(hit)
            met.services.update(place.file for place in places if place.file.startswith("services/"))

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            look()
            return call(*given, **named)

        return wrapped

    for name in points.CALLS:
        monkeypatch.setattr(asyncpg.Connection, name, around(getattr(asyncpg.Connection, name)))
    yield met


def leading() -> set[str]:
    """The modules of `services` from which a store that is handed in is told to write, whichever way."""
    names = {place.name for place in writing() if not place.name.startswith("_")}
    asked = re.compile(rf"\b(?:store|hooks|acting|living|access|glass|uploads)\.(?:{'|'.join(sorted(names))})\(")
    return {
        f"services/{path.name}"
        for path in (SOURCE / "services").glob("*.py")
        if asked.search(path.read_text(encoding="utf-8"))
    }


async def test_every_way_to_write_is_killed_at_every_boundary(
    database_url: str, law: Law, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_on = [False]
    async with world_of(database_url, law, OKPKey.generate_key("Ed25519")) as (world, _):
        with watched(monkeypatch, is_on) as met:
            for number, (name, operation) in enumerate(OPERATIONS.items(), 1):
                job = await operation.ready(world, f"f-{number:03d}")
                is_on[0] = True
                await operation.do(world, job, lambda _: None)
                is_on[0] = False
                assert await checker.unkept(world, job.after) == [], name
                assert await operation.look(world, job) == [], name
        assert await checker.breaches(world) == []

    assert sorted(writing() - met.writers) == []
    assert sorted(leading() - met.services) == []
    assert len(met.writers) > 50
