"""A day's traffic, then the same again, then once more with a tenth of it altered by one byte.

    python tests/replay.py                    5,000 messages
    python tests/replay.py --messages 500     so many; --seed for another day

The day is lodged through the HTTP door: every format that can declare goods, alone and in batches, with
Idempotency-Keys and without, amendments and cancellations among it. What must come of an altered message is worked out
here, from its bytes and from what was answered on the day, and not by the code that compares:

- it was sent under a key: refused, and the problem names the message of that key; nothing is kept;
- nothing can be read: answered with 422, kept, without effect;
- a reference that stands, and other content: a conflict that names the message it came in, and a field that differs;
- a reference that stands, and the same content (a space, a letter case): the first again, without a second effect;
- no reference that stands (another one, an amendment without a version, one sent back before): a lodgement of its own.

One line of JSON: messages, altered, new_effects (of what was the same), outcomes (how many of each), unnamed (conflicts
that do not say with what), unexpected (anything else than the above), breaches of what must hold always, seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
from joserfc.jwk import OKPKey
from msgspec import structs

from faults import checker, mutants
from faults.crash_points import world_of
from faults.lodgings import CHANGE
from faults.operations import AT, World
from make import tracking_id
from tidewaiter import api, formats
from tidewaiter.cli.bench import consignments
from tidewaiter.formats import Declared
from tidewaiter.law import Law, load
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Cleared
from tidewaiter.settings import Settings
from tidewaiter.store import start_embedded
from tidewaiter.wiring import House

FILERS, AT_ONCE = 8, 64
SET_BY_CUSTOMS = ("accepted_on", "mrn", "issued_at")
JSON_SHARE = 0.6
"""The rest is in the other formats, evenly."""


class Sent(NamedTuple):
    """A message as it was sent."""

    filer: str
    data: bytes
    key: str | None


class Stood(NamedTuple):
    """A declaration that stands since the day: the number of its message, and what was read of it."""

    message: int
    record: Consignment


Name = tuple[str, str, str, int]
"""Filer, reference, function, version."""


@dataclass
class Result:
    """What a replay came to."""

    messages: int = 0
    altered: int = 0
    new_effects: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0
    unexpected: int = 0
    first: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether nothing took effect twice, and everything was told as it must be."""
        return self.altered > 0 and not (self.new_effects or self.unnamed or self.unexpected or self.breaches)


def _able() -> list[str]:
    """The formats in which these consignments can be declared."""
    [one] = consignments(1)
    able = []
    for name, module in formats.FORMATS.items():
        read = module.read(module.write([one])).declared
        if read and read[0].consignment.direction == "import" and read[0].consignment.items[0].hs_code:
            able.append(name)
    return able


def day(count: int, chance: random.Random) -> list[Sent]:
    """So many messages of a day."""
    others = [name for name in _able() if name != "json"]
    made: list[Sent] = []
    for number, one in enumerate(itertools.cycle(consignments(400))):
        if number == count:
            return made
        filer = f"day-{number % FILERS}"
        record = structs.replace(one, reference=f"D{number:07d}", tracking_id=tracking_id(number))
        key = f"key-{number}" if chance.random() < 0.5 else None
        kind = chance.random()
        if kind < 0.1:
            many = [structs.replace(record, reference=f"D{number:07d}-{n}", tracking_id=None) for n in range(4)]
            data = msgspec.json.encode(many)
        elif kind < 0.15:
            change = {"function": "amendment", "version": chance.choice([None, 2]), "changes": (CHANGE,)}
            data = msgspec.json.encode(structs.replace(record, mrn="26GB6M4D8E1RE4WAR8", **change))
        elif kind < 0.18:
            gone = {"function": "cancellation", "version": 2, "changes": (CHANGE,)}
            data = msgspec.json.encode(structs.replace(record, mrn="26GB6M4D8E1RE4WAR8", **gone))
        elif kind < 0.2:
            data = msgspec.json.encode(structs.replace(record, items=(structs.replace(one.items[0], hs_code="12"),)))
        elif kind < 0.2 + JSON_SHARE:
            data = msgspec.json.encode(record)
        else:
            data = formats.FORMATS[others[number % len(others)]].write([record])
        made.append(Sent(filer, data, key))
    raise AssertionError


def altered(one: Sent, chance: random.Random) -> Sent:
    """The same with another byte in one place: any, or a letter or digit made another, which is read more often."""
    classes = (b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
    place = chance.randrange(len(one.data))
    able = next((kind for kind in classes if one.data[place] in kind), bytes(range(256)))
    if chance.random() < 0.2:
        able = bytes(range(256))
    byte = chance.choice([other for other in able if other != one.data[place]])
    return one._replace(data=one.data[:place] + bytes([byte]) + one.data[place + 1 :])


def name_of(filer: str, record: Consignment) -> Name | None:
    if record.function != "original" and record.version is None:
        return None
    return filer, record.reference, record.function, record.version or 0


def differing(before: Any, now: Any, pointer: str = "") -> Iterator[str]:
    """The pointers to every value that differs, in records made plain."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            yield from differing(before.get(name), now.get(name), f"{pointer}/{name}")
    elif isinstance(before, list | tuple) and isinstance(now, list | tuple) and len(before) == len(now):
        for place, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from differing(left, right, f"{pointer}/{place}")
    elif before != now:
        yield pointer


def plain(record: Consignment) -> Any:
    told = msgspec.to_builtins(record)
    return {name: value for name, value in told.items() if name not in SET_BY_CUSTOMS}


async def post(http: httpx.AsyncClient, one: Sent) -> httpx.Response:
    headers = {"Tidewaiter-Filer": one.filer, "Accept": "application/json"}
    if one.key is not None:
        headers["Idempotency-Key"] = one.key
    return await http.post("/v1/messages", content=one.data, headers=headers)


async def post_all(http: httpx.AsyncClient, sent: Sequence[Sent]) -> list[httpx.Response]:
    """The answers, so many at once that they are gathered."""
    answers: list[httpx.Response] = []
    for first in range(0, len(sent), AT_ONCE):
        answers += await asyncio.gather(*(post(http, one) for one in sent[first : first + AT_ONCE]))
    return answers


def results_in(answer: httpx.Response) -> list[Cleared]:
    """What became of each consignment; what was found about the message as a whole has no reference."""
    if answer.status_code != 200:
        return []
    return [one for one in msgspec.json.decode(answer.content, type=list[Cleared]) if one.function]


def stood(sent: Sequence[Sent], answers: Sequence[httpx.Response]) -> dict[Name, Stood]:
    """What stands after the day, as it was answered."""
    standing = {}
    for one, answer in zip(sent, answers, strict=True):
        declared = formats.read(one.data).declared
        for read, became in zip(declared, results_in(answer), strict=True):
            name = name_of(one.filer, read.consignment)
            if name is not None and became.decision.control != "not_accepted":
                standing[name] = Stood(int(answer.headers["Tidewaiter-Message"]), read.consignment)
    return standing


def judged(one: Sent, answer: httpx.Response, number: int, standing: dict[Name, Stood]) -> list[str]:
    """What came of an altered message, one word a consignment; 'unnamed …' and 'unexpected …' where it is not right.

    `number` is that of the message before it was altered. What now stands is added to `standing`.
    """
    if one.key is not None:
        is_right = answer.status_code == 422 and answer.json()["code"] == "idempotency_key_taken"
        if not is_right:
            return [f"unexpected {answer.status_code} under a key"]
        return ["key taken"] if f"message {number}" in answer.json().get("detail", "") else ["unnamed key"]
    declared = formats.read(one.data).declared
    if not declared:
        return (
            ["unreadable"] if answer.status_code == 422 else [f"unexpected {answer.status_code} where nothing is read"]
        )
    became = results_in(answer)
    if len(became) != len(declared):
        return [f"unexpected {answer.status_code} with {len(became)} results for {len(declared)}"]
    return [_judged(one, read, done, answer, standing) for read, done in zip(declared, became, strict=True)]


def _judged(one: Sent, read: Declared, done: Cleared, answer: httpx.Response, standing: dict[Name, Stood]) -> str:
    name = name_of(one.filer, read.consignment)
    before = standing.get(name) if name is not None else None
    conflicts = [finding for finding in done.findings if finding.code in ("LDG-01", "LDG-02")]
    is_accepted = done.decision.control != "not_accepted"
    if before is None:
        if conflicts:
            return "unexpected conflict with nothing"
        if is_accepted and name is not None:
            standing[name] = Stood(int(answer.headers["Tidewaiter-Message"]), read.consignment)
        return "new" if is_accepted else "sent back"
    others = set(differing(plain(before.record), plain(read.consignment)))
    if not others:
        if any(finding.severity == "error" for finding in read.findings):
            return "unexpected acceptance" if is_accepted else "sent back"
        return "repeat" if is_accepted and not conflicts else "unexpected conflict with the same"
    if is_accepted or len(conflicts) != 1:
        return f"unexpected {done.decision.control} where {sorted(others)[0]} differs"
    [conflict] = conflicts
    names_message = f"message {before.message} " in conflict.text
    names_field = any(f"{pointer}/".startswith(f"{conflict.pointer}/") for pointer in others)
    if names_message and names_field:
        return "conflict"
    return f"unnamed conflict: {conflict.text} It is {before.message}, {sorted(others)[:3]}"


async def rows(world: World) -> dict[str, int]:
    """How many rows every table has."""
    async with world.store._connection() as connection:
        names = await connection.fetch("select tablename from pg_tables where schemaname = current_schema()")
        return {name: await connection.fetchval(f'select count(*) from "{name}"') for (name,) in names}


async def effects(world: World) -> dict[str, int]:
    """What stands: declarations, legs, money, keys and decisions that are no refusal."""
    async with world.store._connection() as connection:
        found = await connection.fetchrow(
            "select (select count(*) from consignments where control <> 'not_accepted') as declarations,"
            " (select count(*) from postings) as legs, (select coalesce(sum(debit_micro), 0) from postings) as micro,"
            " (select count(*) from idempotency) as keys, (select count(*) from decisions where control <>"
            " 'not_accepted') as decisions"
        )
    return {name: int(number) for name, number in found.items()}


async def replay(count: int, seed: int, *, url: str, law: Law, mutant: str | None = None) -> Result:
    """So many messages lodged, again, and again with a tenth altered. With a mutant the mistake is in the code."""
    chance, began, result = random.Random(seed), time.monotonic(), Result(messages=count)
    async with world_of(url, law, OKPKey.generate_key("Ed25519"), mutant=mutant) as (world, schema):
        settings = Settings(database_url=url, database_schema=schema)
        house = House(settings=settings, law=law, store=world.store, now=lambda: AT, signing_key=world.key)
        transport = httpx.ASGITransport(api.application(house))
        with mutants.seeded(mutant):
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
                await _replayed(http, world, day(count, chance), chance, result=result)
        result.breaches = await checker.breaches(world)
    result.seconds = round(time.monotonic() - began, 1)
    return result


async def _replayed(
    http: httpx.AsyncClient, world: World, sent: Sequence[Sent], chance: random.Random, *, result: Result
) -> None:
    answers = await post_all(http, sent)
    before = await rows(world)
    again = await post_all(http, sent)
    result.new_effects += sum(after - before[table] for table, after in (await rows(world)).items())
    for first, second in zip(answers, again, strict=True):
        is_same = (first.status_code, first.content) == (second.status_code, second.content)
        if not is_same or second.headers.get("Idempotent-Replayed") != "true":
            _tell(result, f"unexpected answer {second.status_code} to the same bytes")
    await _once_more(http, world, list(zip(sent, answers, strict=True)), chance, result=result)


async def _once_more(
    http: httpx.AsyncClient, world: World, done: Sequence[tuple[Sent, httpx.Response]], chance: random.Random, *,
    result: Result,
) -> None:  # fmt: skip
    """The same again, a tenth of it altered: first what is the same, then what is not, one after the other."""
    sent, answers = [one for one, _ in done], [answer for _, answer in done]
    places = set(chance.sample(range(len(sent)), max(1, len(sent) // 10)))
    before = await rows(world)
    await post_all(http, [one for place, one in enumerate(sent) if place not in places])
    result.new_effects += sum(after - before[table] for table, after in (await rows(world)).items())
    standing, stands = stood(sent, answers), await effects(world)
    fresh = 0
    for place in sorted(places):
        number = int(answers[place].headers["Tidewaiter-Message"])
        other = altered(sent[place], chance)
        answer = await post(http, other)
        for word in judged(other, answer, number, standing):
            _tell(result, word)
            fresh += word == "new"
        result.altered += 1
    # What stands more than before is what the altered messages that are lodgements of their own were told, and no more.
    now = await effects(world)
    if now["declarations"] - stands["declarations"] != fresh or now["keys"] != stands["keys"]:
        _tell(result, f"unexpected effects: {stands} became {now} by {fresh} new declarations")


def _tell(result: Result, word: str) -> None:
    kind = word.partition(" ")[0] if word.startswith(("unnamed", "unexpected")) else word
    result.outcomes[kind] = result.outcomes.get(kind, 0) + 1
    if kind in ("unnamed", "unexpected"):
        setattr(result, kind, getattr(result, kind) + 1)
        result.first = [*result.first, word][:5]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--messages", type=int, default=5_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidewaiter-replay-") as folder:
        Path(folder).chmod(0o755)  # an embedded server runs as a user of its own
        url = os.environ.get("TIDEWAITER_DATABASE_URL") or start_embedded(Path(folder))
        result = asyncio.run(replay(given.messages, given.seed, url=url, law=load()))
    print(json.dumps(asdict(result)))
    sys.exit(0 if result.is_right else 1)


if __name__ == "__main__":
    main()
