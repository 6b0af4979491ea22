"""Hostile inputs at the HTTP door: no answer is a fault of ours, nothing wrong is accepted, no legal name is refused.

What is legal text in a field: everything but control characters, half characters, noncharacters and the marks that turn
the direction of writing (`formats.text.UNFIT`). What is blank, or longer than the field, is no name. `HOSTILE=all`
posts every file of the corpus at every intake route under every content type; without it each file goes to one route
under one type, so that each route and type has its share.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from conftest import NOW
from make import consignment, item, party
from tidewaiter import api, formats
from tidewaiter.formats.text import unfit_in
from tidewaiter.law import Law
from tidewaiter.model.outcome import Cleared
from tidewaiter.settings import Settings
from tidewaiter.store import Store, open_store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile"
ROUTES = ("/v1/messages", "/v1/consignments", "/v1/quotes", "/v1/conform")
TYPES = sorted(
    {kind for module in formats.FORMATS.values() for kind in module.MEDIA_TYPES}
    | {"application/x-ndjson", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded", ""}
)
STATUSES = {200, 400, 413, 422}
NAME_MAX = 140
"""So long may a name be (`model.consignment.Party`; WCO data element R020 has room for 70)."""
RESULTS = {"Accept": "application/json"}


@pytest.fixture
async def store(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    opened = await open_store(database_url, schema=new_schema(), connections_max=4)
    yield opened
    await opened.close()


@pytest.fixture
async def http(store: Store, law: Law) -> AsyncIterator[httpx.AsyncClient]:
    house = House(settings=Settings(), law=law, store=store, now=lambda: NOW)
    transport = httpx.ASGITransport(api.application(house), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as opened:
        yield opened


def corpus() -> list[Path]:
    found = sorted(path for path in CORPUS.rglob("*") if path.is_file())
    if not found:
        pytest.skip("the corpus of hostile inputs is not here (../shared/data/hostile)")
    return found


async def accepted(store: Store) -> int:
    async with store._pool.acquire() as connection:
        found: int = await connection.fetchval("select count(*) from consignments where control <> 'not_accepted'")
        return found


async def test_nothing_of_the_corpus_is_accepted_or_a_fault_of_ours(http: httpx.AsyncClient, store: Store) -> None:
    files, wrong, posted = corpus(), [], 0
    every, one_each = list(itertools.product(ROUTES, TYPES)), itertools.cycle(itertools.product(ROUTES, TYPES))
    for path in files:
        data = path.read_bytes()
        for route, kind in every if os.environ.get("HOSTILE") == "all" else [next(one_each)]:
            answer = await http.post(route, content=data, headers={"Content-Type": kind} if kind else {})
            posted += 1
            if answer.status_code not in STATUSES:
                wrong.append(f"{answer.status_code} from {route} for {path.name} as {kind}")

    print(f"\n{len(files):,} hostile files posted {posted:,} times, {len(wrong)} answered wrongly")
    assert wrong == []
    assert await accepted(store) == 0
    assert len(files) > 700


async def lodged(http: httpx.AsyncClient, data: bytes) -> tuple[int, list[Cleared]]:
    """The status, and what became of each consignment."""
    answer = await http.post("/v1/consignments", content=data, headers=RESULTS)
    if answer.status_code != 200:
        return answer.status_code, []
    told = msgspec.json.decode(answer.content, type=list[Cleared])
    return 200, [one for one in told if one.function]


def named(name: str, number: int) -> dict[str, Any]:
    """A consignment for somebody of this name, as JSON has it."""
    record = consignment(reference=f"N-{number}", tracking_id=None)
    told: dict[str, Any] = msgspec.to_builtins(record)
    told["parties"] = [{**told, "name": name} if told["role"] == "consignee" else told for told in told["parties"]]
    return told


def is_legal(name: str) -> bool:
    return bool(name.strip()) and len(name) <= NAME_MAX and not unfit_in(name)


async def kept_names(store: Store) -> dict[str, str]:
    """The names of consignees as they are kept, by reference."""
    ids = [row.id for row in await store.page(size=2000)]
    found = await store.open_vault(ids, purpose="control", reader="test", at=NOW)
    return {
        record.reference: told.name or ""
        for record in found.values()
        for told in record.parties
        if told.role == "consignee"
    }


NAMES = [
    "王小明", "አበበ በቀለ", "Ñuñez-O'Brien", "Jose\u0301 Nu\u0303ez", "Null", "null", "undefined", "N/A", "True", "None",
    "Robert'); DROP TABLE consignments;--", "<script>alert(1)</script>", "=1+1", "@SUM(A1)", "-2+3", "+49 Example",
    "${jndi:ldap://127.0.0.1/a}", "{{7*7}}", "%s%n", "Łukasz Żółć", "محمد علي", "דוד כהן", "ฐานิสร์", "Χρήστος", "Ǆ",
    "ﷺ", "\U0001f468\u200d\U0001f467 family", "O’Connor", "X Æ A-12", "van der Berg", "ß", "İstanbul", "a\u200db",
    "\ufeffBOM", "٣ shops", "１２３", "NaN", "x" * 140,
]  # fmt: skip


@pytest.mark.parametrize("source", ["ours", "the big list of naughty strings"])
async def test_no_legal_name_is_refused_and_each_is_kept_as_it_was_sent(
    http: httpx.AsyncClient, store: Store, source: str
) -> None:
    names = NAMES
    if source != "ours":
        path = CORPUS / "blns" / "blns.json"
        if not path.exists():
            pytest.skip("the list of naughty strings is not here (../shared/data/hostile/blns)")
        names = msgspec.json.decode(path.read_bytes(), type=list[str])
    told = [named(name, number) for number, name in enumerate(names)]

    status, became = await lodged(http, msgspec.json.encode(told))

    kept = await kept_names(store)
    legal = {f"N-{number}": name for number, name in enumerate(names) if is_legal(name)}
    refused = {
        one.reference: [(f.code, f.pointer) for f in one.findings if f.severity == "error"]
        for one in became
        if one.decision.control == "not_accepted"
    }
    assert (status, len(became)) == (200, len(names))
    assert {reference: refused[reference] for reference in legal if reference in refused} == {}
    assert {reference: kept[reference] for reference in legal} == legal
    assert {one.reference for one in became} - legal.keys() <= refused.keys()


VALUES: dict[str, list[Any]] = {
    "accepted_on": [
        "20260301", "2026-3-1", "2026-02-30", "0001-01-01T00:00:00Z", 20260301, 1.5, "٢٠٢٦-٠٣-٠١", "2026/03/01"
    ],
    "item_count": ["1_0", "１", "٣", -1, 1.5, 10**30, True, "1e1", " 1", []],
    "gross_mass": [
        "1_000", "１２３", "٣", "1e5", "-1", "-0", "NaN", "Infinity", "sNaN", "1e999999", " 1", "+1", "0x10", "1,5", {}
    ],
    "invoice_total": [
        {"amount": "1_000", "currency": "GBP"}, {"amount": "-0", "currency": "GBP"},
        {"amount": "1e5", "currency": "GBP"}, {"amount": "5.00", "currency": "gbp\x00"}, {"amount": "5.00"}, "5.00 GBP",
        {"amount": ["5"], "currency": "GBP"},
    ],
    "jurisdiction": ["G\x00", "ＧＢ", 7, None, ["GB"], "GB\u202e"],
    "reference": ["nul\x00", "turned\u202e", "\ufffe", 7, {"$ne": ""}],
    "parties": ["x", [7], [{"role": "emperor"}], {"role": "consignee"}],
    "items": ["x", [7], [{"price": {"amount": "１", "currency": "GBP"}}]],
    "status": ["RELEASED"],
    "control": ["released"],
    "__proto__": [{"control": "released"}],
}  # fmt: skip
"""Values that are wrong in the field of this name, or a field that there is not."""

RAW = [
    b'{"reference": "A", "reference": "B"}', b'{"reference": "\\ud800"}', b'{"reference": "\xff"}', b"\xef\xbb\xbf[]",
    b"[1e999999]", b"[NaN]", b"[" * 100_000, b'{"a":' * 50_000, b"", b"null", b"[]", b"\x00", b"PK\x03\x04",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00", b"[" + b"9" * 5_000 + b"]", b'{"items": ' + b"[{}," * 2 + b"{}]", b"<a/>",
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"UNA:+.? '", b"UNB+UNOC:3", b"a,b\n1,2", b"\xff\xfe<\x00",
    b"{}" * 1_000, b"-----BEGIN",
]  # fmt: skip


async def test_nothing_wrong_is_accepted_and_every_refusal_has_its_reason(
    http: httpx.AsyncClient, store: Store
) -> None:
    told: list[tuple[dict[str, Any], str]] = []
    for name, values in VALUES.items():
        for value in values:
            plain = msgspec.to_builtins(consignment(reference=f"W-{len(told)}", tracking_id=None))
            told.append(({**plain, name: value}, name))
    wrong: list[tuple[object, ...]] = []
    for number, (one, name) in enumerate(told):
        status, became = await lodged(http, msgspec.json.encode(one))
        errors = [f for result in became for f in result.findings if f.severity == "error"]
        if status not in (200, 422) or (status == 200 and not errors):
            wrong.append((number, name, one[name], status))
    for data in RAW:
        for route in ROUTES:
            answer = await http.post(route, content=data, headers=RESULTS)
            if answer.status_code not in STATUSES:
                wrong.append((data[:20], route, answer.status_code))

    assert wrong == []
    assert await accepted(store) == 0


async def test_what_is_right_beside_it_is_accepted(http: httpx.AsyncClient) -> None:
    """The same consignments with nothing wrong in them, so that the refusals above are for what is wrong."""
    many = [
        consignment(reference=f"R-{n}", tracking_id=None, items=(item(),), parties=consignment().parties)
        for n in range(3)
    ]
    many.append(consignment(reference="R-9", tracking_id=None, parties=(*consignment().parties, party("declarant"))))

    _, became = await lodged(http, msgspec.json.encode(many))

    assert [one.decision.control for one in became] == ["released"] * 4
