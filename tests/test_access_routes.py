"""Every route × role × relation has an expected status, in `routes_by_role.csv`: a table to be read.

`own` is what the caller's filer lodged, at the caller's office; `other` what another filer did, at the caller's office;
`other_office` and `other_country` are of another filer too. A route without a line fails here, and so does a line
without a route. With ACCESS_ANSWERED=FILE what is in fact answered is written there, to be read beside it.
"""

from __future__ import annotations

import csv
import itertools
import os
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from conftest import NOW
from guarded import bearer, client, guarded, session
from make import consignment, item
from tidewaiter import api, web
from tidewaiter.access import ROLES
from tidewaiter.api import door
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.web import streaming
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
TABLE = Path(__file__).with_name("routes_by_role.csv")
CALLERS = ("nobody", *(role for role in ROLES if role != "public"))
RELATIONS = ("own", "other", "other_office", "other_country")
FILING = ("filer", "marketplace", "carrier")
OFFICE, OTHER_OFFICE = "000011", "000060"
SWAPS = int(os.environ.get("ACCESS_SWAPS", "400"))
"""So many identifiers are swapped: `make access` takes 10,000."""
REASON = {"reason": "for the table"}
DAYS = {"since": "2026-01-01", "until": "2026-02-01"}
ORDER = msgspec.json.encode(consignment(reference="FRESH"))


def routes() -> list[str]:
    served = [*api.routes(None), *web.routes(None)]  # type: ignore[arg-type]
    return [
        f"{method} {route.path}"
        for route in served
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def has_object(route: str) -> bool:
    return "{reference" in route or "{id" in route


def expected() -> dict[tuple[str, str], dict[str, int]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            (line["route"], line["relation"]): {caller: int(line[caller]) for caller in CALLERS}
            for line in csv.DictReader(file)
        }


class World:
    """A guarded house with consignments in each relation to each caller, and a session of each."""

    def __init__(self, house: House, filer: str) -> None:
        self.house = guarded(house)
        self.filer, self.other = filer, f"{filer}-other"
        self.ids: dict[str, int] = {}
        self.messages: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {"nobody": {}}
        self.proposer = ""

    async def fill(self) -> None:
        places = {
            "own": (self.filer, "GB", OFFICE), "other": (self.other, "GB", OFFICE),
            "other_office": (self.other, "GB", OTHER_OFFICE), "other_country": (self.other, "FR", OFFICE),
        }  # fmt: skip
        for relation, (filer, country, office) in places.items():
            record = consignment(
                reference=self.reference(relation), jurisdiction=country, presentation_office=office,
                items=(item(price="900.00 GBP", hs_code="42023100"),),
            )  # fmt: skip
            message = Message(source="test", data=msgspec.json.encode(record), sender=filer)
            await lodge(message, store=self.house.store, law=self.house.law, at=NOW)
            [self.ids[relation]] = await self.house.store.ids_of(self.reference(relation), filer=filer)
            stored = await self.house.store.consignments([self.ids[relation]])
            self.messages[relation] = stored[self.ids[relation]].message_id
        for role in CALLERS[1:]:
            _, self.headers[role] = await session(
                self.house, role=role, country="GB", office=OFFICE, filer=self.filer if role in FILING else ""
            )

    def reference(self, relation: str) -> str:
        return f"{self.filer}-{relation}"

    async def asked(self, http: httpx.AsyncClient, route: str, relation: str, caller: str) -> int:
        """The status of the answer, the consignment having been put on hold before."""
        return (await self.sent(http, route, relation, caller)).status_code

    async def sent(self, http: httpx.AsyncClient, route: str, relation: str, caller: str) -> httpx.Response:
        """The answer, the consignment having been put on hold before."""
        method, path = route.split(" ")
        id = self.messages[relation] if path.startswith("/v1/messages") else self.ids[relation]
        number = 0
        async with self.house.store._pool.acquire() as connection:
            if path.startswith("/v1/webhooks/"):
                id = await connection.fetchval(
                    "insert into webhooks (filer, url, created_at, sent_xid, sent_id)"
                    " values ($1, 'https://hooks.example/' || gen_random_uuid(), $2, '1', 1) returning id",
                    self.filer if relation == "own" else self.other, NOW,
                )  # fmt: skip
            elif path.startswith("/v1/uploads/"):
                id = await connection.fetchval(
                    "insert into uploads (id, filer, begun_at, expires_at) values"
                    " (left(md5(random()::text), 32), $1, $2, $3) returning id",
                    self.filer if relation == "own" else self.other, NOW, NOW + timedelta(hours=1),
                )  # fmt: skip
            elif path.startswith("/openings/"):
                id = await self.opened(relation)
            elif method == "POST" and ("{id" in path or path.endswith("/replies")):
                await connection.execute(
                    "update consignments set control = $2, security = $3 where id = $1",
                    self.ids[relation],
                    "documents_requested" if "/requests" in path or "/replies" in path else "hold",
                    "pending" if path.endswith("/complete") else "assessment_complete",
                )
            if path.startswith("/v1/risk/queue/"):
                id = await connection.fetchval(
                    "insert into selections (at, actor, policy, jurisdiction, shift, inputs) values"
                    """ ($1, 'x', 'x', $2, 'day', '{"candidates": [], "capacity": [], "simple_ppm": 0}')"""
                    " returning id",
                    NOW, "FR" if relation == "other_country" else "GB",
                )  # fmt: skip
            if "/models/{version" in path:
                await connection.execute(
                    "insert into profiles (id, version, jurisdiction, written, author, at, kind)"
                    " values ('model-gb', 1, 'GB', 'none', 'somebody', $1, 'model') on conflict do nothing", NOW,
                )  # fmt: skip
                await connection.execute(
                    "insert into profile_events (profile, version, kind, at, actor, policy, reason, detail)"
                    """ values ('model-gb', 1, 'drafted', $1, 'somebody', '', '', '{"digest": "none"}')""", NOW,
                )  # fmt: skip
            if "{profile}" in path:
                profile = f"fiction-{self.filer}"
                await connection.execute(
                    "insert into profiles (id, version, jurisdiction, written, author, at)"
                    " values ($1, 1, 'gb', 'none', 'somebody', $2) on conflict do nothing", profile, NOW,
                )  # fmt: skip
                await connection.execute(
                    "insert into profile_events (profile, version, kind, at, actor, policy, reason, detail)"
                    " values ($1, 1, 'drafted', $2, 'somebody', '', '', '{}')", profile, NOW,
                )  # fmt: skip
            if "/answers/" in path:
                number = await connection.fetchval(
                    "insert into later_answers (consignment_id, sent_at, answers, message) values ($1, $2, '[]', 'x')"
                    " returning id",
                    self.ids[relation], NOW,
                )  # fmt: skip
            elif "{place" in path:
                number = await connection.fetchval(
                    "with asked as (insert into decisions (consignment_id, decided_at, decided_by, security, control,"
                    " reasons, law_digest) values ($1, $2, 'x', 'pending', 'hold', '{}', 'x') returning id),"
                    " said as (insert into replies (consignment_id, request_id, channel, at, filer, actor, digest,"
                    " documents) select $1, id, 'control', $2, 'x', 'x', sha256('x'), 1 from asked returning id),"
                    " held as (insert into reply_contents (reply_id, text, documents) select id, 'x', '[]' from said),"
                    " file as (insert into reply_files (reply_id, place, content) select id, 0, 'x' from said)"
                    " select id from said",
                    self.ids[relation], NOW,
                )  # fmt: skip
                await connection.execute(
                    "insert into decisions (consignment_id, decided_at, decided_by, security, control, reasons,"
                    " law_digest) values ($1, $2, 'filer', 'pending', 'hold', '{}', 'x')",
                    self.ids[relation], NOW,
                )  # fmt: skip
            elif "{number" in path:
                number = await connection.fetchval(
                    "insert into proposals (consignment_id, kind, detail, pinned, reason, proposed_by, proposed_at,"
                    " expires_at) values ($1, 'release', '{}', (select concat_ws('/', (select max(id) from decisions"
                    " where consignment_id = $1), coalesce((select max(id) from postings where consignment_id = $1),"
                    " 0))), 'x', 'somebody', $2, $3) returning id",
                    id, NOW, NOW + timedelta(hours=1),
                )  # fmt: skip
        filled = {
            "place:int": 0,
            "reference:path": self.reference(relation),
            "id:int": id,
            "id": id,
            "number:int": number,
            "profile": f"fiction-{self.filer}",
            "version:int": 1,
        }
        url = path.replace("{name}", "style.css")
        for name, value in filled.items():
            url = url.replace(f"{{{name}}}", str(value))
        headers = dict(self.headers[caller])
        told = self.body(route, headers)
        answer = await http.request(method, url, **{**told, "headers": {**headers, **told.get("headers", {})}})
        if path.startswith("/v1/webhooks/"):
            await self.house.store.webhooks.remove(id, filer=self.filer if relation == "own" else self.other)
        return answer

    async def opened(self, relation: str) -> int:
        """The number of glass that somebody broke, whose hour is over; they serve where the relation says."""
        country, office = {"other_office": ("GB", OTHER_OFFICE), "other_country": ("FR", OFFICE)}.get(
            relation, ("GB", OFFICE)
        )
        name, _ = await session(self.house, country=country, office=office)
        began = NOW - timedelta(hours=2)
        opening = await self.house.store.glass.open(
            name, country=country, office=office, reason="x", case="C-1", at=began, until=began + timedelta(hours=1)
        )
        return opening.id

    @staticmethod
    def body(route: str, headers: dict[str, str]) -> dict[str, Any]:
        form = {"form_token": headers.get("Tidewaiter-Form-Token", ""), **REASON}
        told: dict[str, dict[str, Any]] = {
            "POST /v1/messages": {"content": ORDER},
            "POST /v1/consignments": {"content": ORDER},
            "POST /v1/uploads": {"headers": {"Upload-Complete": "?0", "Idempotency-Key": "one"}},
            "PATCH /v1/uploads/{id}": {
                "content": b"[",
                "headers": {
                    "Upload-Complete": "?0",
                    "Upload-Offset": "0",
                    "Content-Type": "application/partial-upload",
                },
            },
            "POST /v1/webhooks": {"json": {"url": "https://127.0.0.1/hook"}},
            "POST /v1/quotes": {"content": ORDER},
            "POST /v1/conform": {"content": ORDER},
            "POST /v1/token": {"data": {"grant_type": "password"}},
            "POST /v1/control/{id:int}/release": {"json": REASON},
            "POST /v1/control/{id:int}/refuse": {"json": {"ground": "no_permit", **REASON}},
            "POST /v1/control/{id:int}/ask": {"json": {"channel": "control", "wanted": ["invoice"], **REASON}},
            "POST /v1/control/{id:int}/complete": {"json": REASON},
            "POST /v1/consignments/{reference:path}/replies": {"json": {"text": "for the table"}},
            "POST /v1/presentations": {"json": {"references": ["never lodged"]}},
            "POST /presentations": {"data": {"references": "never lodged", **form}},
            "POST /requests/{id:int}": {"data": {"text": "for the table", **form}},
            "POST /consignments/{id:int}/ask": {"data": {"channel": "control", "wanted-invoice": "yes", **form}},
            "POST /consignments/{id:int}/complete": {"data": form},
            "POST /v1/control/{id:int}/refund": {"json": {"charges": {"tax:B00": "0.01"}, **REASON}},
            "POST /v1/control/{id:int}/proposals/{number:int}": {"json": {"approved": True, **REASON}},
            "POST /consignments/{id:int}/release": {"data": form},
            "POST /consignments/{id:int}/refuse": {"data": {"ground": "no_permit", **form}},
            "POST /consignments/{id:int}/refund": {"data": {"charge": "tax:B00", "amount": "0.01", **form}},
            "POST /consignments/{id:int}/proposals/{number:int}": {"data": {"approved": "yes", **form}},
            "POST /v1/control/{id:int}/inspections": {"json": {"results": ["none"], "minutes": 5}},
            "POST /v1/risk/profiles": {"json": {"written": "none"}},
            "POST /v1/risk/profiles/{profile}/{version:int}": {"json": {"do": "expired", **REASON}},
            "POST /v1/risk/queue": {"json": {"shift": "day"}},
            "POST /risk": {"data": {"shift": "day", **form}},
            "POST /risk/consignments/{id:int}": {"data": {"result-none": "on", "minutes": "5", **form}},
            "POST /risk/profiles": {"data": {"written": "none", "do": "draft", **form}},
            "POST /risk/profiles/{profile}/{version:int}": {"data": {"do": "expired", **form}},
            "POST /v1/risk/expiries": {"json": DAYS},
            "POST /v1/risk/models": {"json": DAYS},
            "POST /v1/risk/models/{version:int}": {"json": {"do": "expired", **REASON}},
            "POST /v1/risk/models/{version:int}/drift": {"json": DAYS},
            "POST /risk/models/{version:int}": {"data": {"do": "expired", **form}},
            "POST /risk/models": {"data": form},
            "POST /risk/feedback": {"data": form},
            "POST /enter": {"data": {}},
            "POST /enter/passkey": {"data": {"answer": "none", "form_token": form["form_token"]}},
            "POST /passkeys": {"data": {"name": "x", "answer": "none", **form}},
            "POST /passkeys/remove": {"data": {"key": "AAAA", **form}},
            "POST /break-glass": {"data": {"case": "C-1", **form}},
            "POST /openings/{id:int}": {"data": {"found": "justified", **form}},
            "POST /leave": {"data": form},
        }
        return told.get(route, {})

    async def answered(self, http: httpx.AsyncClient) -> dict[tuple[str, str], dict[str, int]]:
        """What is in fact answered, for the whole table; leaving comes last."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for route in sorted(routes(), key=lambda route: route == "POST /leave"):
            for relation in RELATIONS if has_object(route) else ("any",):
                found[route, relation] = {
                    caller: await self.asked(http, route, "own" if relation == "any" else relation, caller)
                    for caller in CALLERS
                }
        return found


@pytest.fixture
async def world(house: House, filer: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(streaming, "LIFE_S", 0.0)
    made = World(house, filer)
    await made.fill()
    return made


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with client(world.house) as opened:
        yield opened


def test_every_route_has_its_lines_and_every_line_its_route() -> None:
    wanted = {(route, relation) for route in routes() for relation in (RELATIONS if has_object(route) else ("any",))}

    assert set(expected()) == wanted
    assert set(routes()) == {*door.NEEDS, *web.NEEDS}, "a route names no act, and is shut in a guarded house"


async def test_every_route_answers_every_role_as_the_table_says(world: World, http: httpx.AsyncClient) -> None:
    found, table = await world.answered(http), expected()

    wrong = [
        f"{route} {relation} {caller}: {found[route, relation][caller]} for {table[route, relation][caller]}"
        for (route, relation), statuses in table.items()
        for caller in statuses
        if found[route, relation][caller] != statuses[caller]
    ]
    assert wrong == []


async def test_a_route_that_names_no_act_is_shut(world: World) -> None:
    async def anything(_: Request) -> Response:
        return Response("open")

    inner = Starlette(routes=[Route("/new", anything)])
    kept = door.Doorkeeper(inner, world.house, needs={}, refuse=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(kept), base_url="http://127.0.0.1:8080") as http:
        refused = await http.get("/new", headers=world.headers["supervisor"])

    assert refused.status_code == 403


async def test_swapped_identifiers_read_nothing_of_others(world: World, http: httpx.AsyncClient) -> None:
    """Numbers and references of others, and near them, in every place where one is asked for."""
    draw = random.Random(7)
    tokens = {"filer": await bearer(http, world.house, filer=world.filer)}
    callers = {**{role: world.headers[role] for role in CALLERS}, **tokens}
    secret = [world.other, *(world.reference(relation) for relation in RELATIONS if relation != "own")]
    others = {relation: id for relation, id in world.ids.items() if relation != "own"}
    seeing = {"officer": ("other",), "supervisor": ("other",), "targeter": ("other", "other_office"),
              "auditor": ("other", "other_office")}  # fmt: skip
    leaked, tried = [], 0
    paths = ("/consignments/{id}", "/consignments/{id}/receipt", "/consignments/{id}/receipt.json",
             "/consignments/{id}?personal=yes&case=C-1", "/v1/consignments/{reference}",
             "/v1/consignments/{reference}/receipt")  # fmt: skip
    for caller, (relation, id), path in itertools.cycle(
        draw.sample(list(itertools.product(callers, others.items(), paths)), k=len(callers) * len(others) * len(paths))
    ):
        if tried == SWAPS:
            break
        tried += 1
        if relation in seeing.get(caller, ()):
            continue
        filer = draw.choice(("", world.other, world.filer))
        headers = {**callers[caller], **({"Tidewaiter-Filer": filer} if filer else {})}
        url = path.replace("{id}", str(id)).replace("{reference}", world.reference(relation))
        answer = await http.get(url, headers=headers)
        if answer.status_code == 200 or any(text in answer.text for text in secret if text not in url):
            leaked.append((caller, relation, path, answer.status_code))

    print(f"\n{tried:,} identifiers swapped, {len(leaked)} read")
    assert leaked == []


async def test_nothing_that_risk_saw_is_in_any_answer_to_a_filer(world: World, http: httpx.AsyncClient) -> None:
    """Over all routes, of its own consignment as of others': neither reason nor profile, not how it was picked."""
    async with world.house.store._pool.acquire() as connection:
        await connection.execute(
            "insert into signals (consignment_id, place, profile, lane, score, reason)"
            " select id, 99, 'fiction-hidden', 'examine', 50, 'Hidden reason' from consignments where id = any($1)",
            list(world.ids.values()),
        )
        await connection.execute(
            "insert into selections (at, actor, policy, jurisdiction, shift, inputs)"
            """ values ($1, 's', 'p', 'GB', 'fiction-hidden-shift', '{"candidates": []}')""", NOW,
        )  # fmt: skip
    for_officers = await world.sent(http, "GET /risk/consignments/{id:int}", "own", "officer")
    leaked = []
    for route in sorted(routes(), key=lambda route: route == "POST /leave"):
        for caller in ("nobody", "filer"):
            for relation in ("own", "other") if has_object(route) else ("own",):
                answer = await world.sent(http, route, relation, caller)
                # What the caller sends itself comes back in no case as what risk saw.
                if any(text in answer.text.lower() for text in ("fiction-hidden", "hidden reason", "propensity")):
                    leaked.append((route, caller, relation))

    assert "Hidden reason" in for_officers.text
    assert [one for one in leaked if one[0] not in ("GET /openapi.json", "GET /docs")] == []


async def test_the_list_shows_each_what_it_may_see(world: World, http: httpx.AsyncClient) -> None:
    seen = {}
    for role in ("officer", "supervisor", "targeter", "auditor"):
        page = (await http.get("/", headers=world.headers[role])).text
        seen[role] = {relation for relation in RELATIONS if f">{world.reference(relation)}<" in page}

    assert seen["officer"] == seen["supervisor"] == {"own", "other"}
    assert seen["targeter"] == seen["auditor"] == {"own", "other", "other_office"}


def write(found: dict[tuple[str, str], dict[str, int]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["route", "relation", *CALLERS])
        for (route, relation), statuses in found.items():
            out.writerow([route, relation, *(statuses[caller] for caller in CALLERS)])


@pytest.mark.skipif("ACCESS_ANSWERED" not in os.environ, reason="writes what is in fact answered where it is told to")
async def test_what_is_answered_can_be_written_down_to_be_read(world: World, http: httpx.AsyncClient) -> None:
    write(await world.answered(http), Path(os.environ["ACCESS_ANSWERED"]))
