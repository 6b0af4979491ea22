from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.routing import Route
from starlette.types import Message as Event

from conftest import NOW
from make import consignment, item, party
from tidewaiter import api, formats
from tidewaiter.api import openapi, problems
from tidewaiter.api.lodging import LodgeMessage, prefers_results
from tidewaiter.formats import text
from tidewaiter.formats.xlsx.workbook import opened
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.outcome import Cleared
from tidewaiter.settings import Settings
from tidewaiter.store import open_store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference" / "routes.md"
ORDER = msgspec.json.encode(consignment())
JSON = {"Accept": "application/json"}


def client(house: House, filer: str, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house), raise_app_exceptions=False),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer, **headers},
    )


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(house, filer) as opened:
        yield opened


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == problems.MEDIA_TYPE
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:tidewaiter:problem:{problem['code']}"
    found: str = problem["code"]
    return found


def carried(name: str) -> Consignment:
    """What comes of a consignment that is written and read in a format."""
    module = formats.FORMATS[name]
    return module.read(module.write([consignment()])).declared[0].consignment


FOR_GOODS = [
    name
    for name in formats.FORMATS
    for again in [carried(name)]
    if (again.direction, again.jurisdiction) == ("import", "GB") and again.items[0].hs_code is not None
]
"""The formats in which goods are declared to the full: not told for security alone, nor without their codes."""


def said_in(response: httpx.Response) -> str:
    """The text of an answer, unpacked where it is a workbook."""
    if not response.content.startswith(b"PK"):
        return response.text
    return str([cells for _, cells in opened(response.content, {}).rows])


ENTRY = Path(formats.__file__).parent / "ens" / "samples" / "gb-road-parcels.xml"


async def test_an_entry_is_lodged_once_and_answered_with_its_number(http: httpx.AsyncClient) -> None:
    first, again = [await http.post("/v1/messages", content=ENTRY.read_bytes()) for _ in range(2)]
    [told] = formats.read(first.content).answers

    assert (first.status_code, again.status_code) == (200, 200)
    assert (told.kind, told.reference) == ("accepted", "ENS-SAMPLE-000001")
    assert told.mrn is not None
    assert re.fullmatch("26GB[A-Z0-9]{13}[0-9]", told.mrn)
    assert again.content == first.content


@pytest.mark.parametrize("name", FOR_GOODS)
async def test_each_sender_is_answered_in_its_own_format(http: httpx.AsyncClient, name: str) -> None:
    data = formats.FORMATS[name].write([consignment(reference=f"{name}-1"[:22])])

    response = await http.post("/v1/messages", content=data)

    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] in formats.FORMATS[name].MEDIA_TYPES
    assert f"{name}-1"[:22] in said_in(response)
    assert ("released" in said_in(response)) or formats.read(response.content).answers[-1].kind == "released"


async def test_an_order_without_codes_is_rejected_with_a_pointer_into_the_order(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/messages", content=formats.FORMATS["amazon"].write([consignment()]))
    [rejected] = msgspec.json.decode(response.content, type=list[Answer])
    places = {finding.code: finding.source_pointer for finding in rejected.findings}

    assert (response.status_code, rejected.kind) == (200, "rejected")
    assert places["GDS-04"] == "/0/OrderItems/0"


async def test_results_in_json_are_what_clear_prints(http: httpx.AsyncClient) -> None:
    data = formats.FORMATS["wco_dms"].write([consignment()])

    response = await http.post("/v1/messages", content=data, headers=JSON)

    [result] = msgspec.json.decode(response.content, type=list[Cleared])
    assert result.reference == "ORDER-0001"
    assert result.format == "wco_dms"
    assert result.accepted_on == NOW.date()
    assert result.charges
    assert result.law_digest


@pytest.mark.parametrize(
    ("accept", "own", "expected"),
    [
        ("", ("application/xml",), False),
        ("*/*", ("application/xml",), False),
        ("application/json", ("application/xml",), True),
        ("application/json", ("application/json",), True),
        ("*/*", ("application/json",), False),
        ("application/xml, application/json;q=0.5", ("application/xml",), False),
        ("application/xml;q=0.4, application/json;q=0.5", ("application/xml",), True),
        ("application/json;q=0", ("application/xml",), False),
        ("application/json;q=nonsense", ("application/xml",), False),
        ("text/html, application/json;q=0.9, */*;q=0.8", ("text/csv",), True),
    ],
)
async def test_results_are_given_to_who_asks_for_them(accept: str, own: tuple[str, ...], expected: bool) -> None:
    assert prefers_results(accept, own) is expected


async def test_the_same_bytes_get_the_same_answer_and_are_told_apart_by_a_header(http: httpx.AsyncClient) -> None:
    first = await http.post("/v1/messages", content=ORDER)
    again = await http.post("/v1/messages", content=ORDER)

    assert again.content == first.content
    assert again.headers["Tidewaiter-Message"] == first.headers["Tidewaiter-Message"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_what_curl_sends_is_taken(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/v1/messages", content=ORDER, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert response.status_code == 200


async def test_a_key_used_for_other_content_is_refused(http: httpx.AsyncClient) -> None:
    await http.post("/v1/messages", content=ORDER, headers={"Idempotency-Key": "a"})

    other = await http.post(
        "/v1/messages", content=msgspec.json.encode(consignment(reference="B")), headers={"Idempotency-Key": "a"}
    )

    assert code_of(other) == "idempotency_key_taken"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Idempotency-Key": "x" * 256}, "idempotency_key_unfit"),
        ({"Idempotency-Key": ""}, "idempotency_key_unfit"),
        ({"Tidewaiter-Filer": "Pat Example"}, "filer_unfit"),
        ({"Tidewaiter-Filer": "x" * 65}, "filer_unfit"),
        ({"Content-Encoding": "gzip"}, "message_encoded"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, "message_encoded"),
        ({"Sec-Fetch-Site": "cross-site"}, "foreign_page"),
        ({"Host": "rebound.example:8080"}, "foreign_host"),
    ],
)
async def test_an_unfit_request_is_refused_with_a_code(
    http: httpx.AsyncClient, headers: dict[str, str], code: str
) -> None:
    response = await http.post("/v1/messages", content=ORDER, headers=headers)

    assert code_of(response) == code
    assert (await http.get("/v1/consignments/ORDER-0001")).status_code == 404


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080"])
async def test_this_machine_may_be_called_by_its_own_names(http: httpx.AsyncClient, host: str) -> None:
    assert (await http.get("/health/live", headers={"Host": host})).status_code == 200


async def test_a_message_that_says_it_is_too_long_is_refused_unread(house: House, filer: str) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"x"

    small = replace(house, settings=Settings(message_bytes_max=1024))
    async with client(small, filer) as http:
        response = await http.post("/v1/messages", content=body(), headers={"Content-Length": "1025"})

    assert code_of(response) == "message_too_long"
    assert response.status_code == 413


async def test_a_message_that_grows_too_long_is_refused_without_being_taken_in(house: House) -> None:
    taken = 0

    async def receive() -> Event:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 512, "more_body": True}

    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    small = replace(house, settings=Settings(message_bytes_max=1024))
    await LodgeMessage(small)({"type": "http", "method": "POST", "headers": []}, receive, send)

    assert taken == 3
    assert sent[0]["status"] == 413


async def test_a_message_of_exactly_the_greatest_length_in_pieces_is_taken(house: House, filer: str) -> None:
    data = ORDER + b" " * (4096 - len(ORDER))

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, 4096, 100):
            yield data[start : start + 100]

    async with client(replace(house, settings=Settings(message_bytes_max=4096)), filer) as http:
        response = await http.post("/v1/messages", content=body())

    assert response.status_code == 200


async def test_a_caller_who_goes_away_in_the_middle_lodges_nothing(house: House, filer: str) -> None:
    events: list[Event] = [
        {"type": "http.request", "body": ORDER, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Event:
        return events.pop(0)

    async def send(event: Event) -> None:
        raise AssertionError(f"nobody is there to be told {event}")

    scope = {"type": "http", "method": "POST", "headers": [(b"tidewaiter-filer", filer.encode())]}
    await LodgeMessage(house)(scope, receive, send)

    assert await house.store.ids_of("ORDER-0001", filer=filer) == []


async def test_what_cannot_be_read_is_a_problem_with_place_and_remedy(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/messages", content=b'[{"reference": "A",]')

    assert code_of(response) == "unreadable"
    [error] = response.json()["errors"]
    assert error["code"] == "JSN-01"
    assert "line 1, column" in error["text"]
    assert error["remedy"]


async def test_who_asks_in_its_own_format_is_told_so_in_it(http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/messages", content=b"<Declaration><x", headers={"Accept": "application/xml"})

    assert response.status_code == 422
    assert response.headers["content-type"].startswith("application/xml")
    assert formats.read(response.content).answers[0].kind == "rejected"


async def test_an_answer_from_customs_is_no_declaration(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/v1/messages", content=formats.FORMATS["wco_dms"].write([consignment()]))).content

    response = await http.post("/v1/messages", content=answer)

    assert code_of(response) == "unreadable"
    assert "LDG-03" in [error["code"] for error in response.json()["errors"]]


async def test_no_answer_repeats_a_personal_value(http: httpx.AsyncClient) -> None:
    secret = {"name": "Zbigniewa Exemplarowicz", "street": "77 Quokka Parade", "email": "not-an-address", "city": ""}
    record: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(
            consignment(parties=(party("consignee", **secret),), items=(item(description="Wombat fur"),))
        )
    )
    record["parties"][0]["phone"] = {"Zbigniewa": "Exemplarowicz"}
    record["parties"][0]["Quokka"] = "Zbigniewa"
    record["items"][0]["description"] = ["Wombat"]
    record["jurisdiction"] = "Wombat"

    own = await http.post("/v1/messages", content=msgspec.json.encode([record]))
    broken = await http.post("/v1/messages", content=msgspec.json.encode([record])[:-9], headers=JSON)

    for response in (own, broken):
        for word in ("Zbigniewa", "Exemplarowicz", "Quokka Parade", "Wombat"):
            assert word not in response.text


async def test_nothing_that_risk_saw_is_told_to_the_filer(house: House, filer: str) -> None:
    drawing = replace(house, law=replace(house.law, draw_share_ppm=1_000_000))
    async with client(drawing, filer) as http:
        told = [
            await http.post("/v1/messages", content=ORDER),
            await http.post("/v1/messages", content=ORDER, headers=JSON),
            await http.get("/v1/consignments/ORDER-0001"),
        ]
        [id] = await house.store.ids_of("ORDER-0001", filer=filer)
        signals = (await house.store.behind(id)).signals

    assert signals
    for response in told:
        assert response.status_code == 200
        for signal in signals:
            assert signal.profile not in response.text
            assert signal.reason not in response.text


async def test_a_filer_sees_its_own_consignment_with_what_became_of_it(http: httpx.AsyncClient) -> None:
    await http.post("/v1/messages", content=msgspec.json.encode(consignment(items=(item(description=None),))))
    await http.post("/v1/messages", content=ORDER)

    shown = (await http.get("/v1/consignments/ORDER-0001")).json()

    assert shown["state"] == {"security": "assessment_complete", "control": "released"}
    assert shown["result"]["decision"]["reasons"]
    assert [answer["kind"] for answer in shown["answers"]] == ["accepted", "tax_final", "released"]
    assert [version["state"]["control"] for version in shown["versions"]] == ["released", "not_accepted"]
    assert "Pat Example" not in str(shown)


async def test_a_filer_does_not_see_what_another_lodged(http: httpx.AsyncClient) -> None:
    await http.post("/v1/messages", content=ORDER)

    other = await http.get("/v1/consignments/ORDER-0001", headers={"Tidewaiter-Filer": "somebody-else"})

    assert code_of(other) == "consignment_unknown"


async def test_a_reference_may_hold_slashes_and_letters_of_any_script(http: httpx.AsyncClient) -> None:
    await http.post("/v1/messages", content=msgspec.json.encode(consignment(reference="24/7 Ünï 包裹")))

    shown = await http.get("/v1/consignments/24%2F7%20%C3%9Cn%C3%AF%20%E5%8C%85%E8%A3%B9")

    assert shown.json()["reference"] == "24/7 Ünï 包裹"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "not_found"),
        ("GET", "/v1/messages", "method_not_allowed"),
        ("DELETE", "/v1/consignments/ORDER-0001", "method_not_allowed"),
    ],
)
async def test_a_path_or_method_there_is_not_is_a_problem_too(
    http: httpx.AsyncClient, method: str, path: str, code: str
) -> None:
    assert code_of(await http.request(method, path)) == code


async def test_without_its_store_the_server_says_it_is_not_ready_and_loses_nothing(
    database_url: str, new_schema: Callable[[], str], law: Law, filer: str
) -> None:
    store = await open_store(database_url, schema=new_schema())
    house = House(settings=Settings(), law=law, store=store, now=lambda: NOW)
    async with client(house, filer) as http:
        assert (await http.get("/health/ready")).json() == {"status": "ready"}
        await store.close()
        refused = [
            await http.get("/health/ready"),
            await http.post("/v1/messages", content=ORDER),
            await http.get("/v1/consignments/ORDER-0001"),
        ]

        assert {code_of(response) for response in refused} == {"store_unavailable"}
        assert all(response.headers["Retry-After"] for response in refused)
        assert (await http.get("/health/live")).json() == {"status": "live"}


async def test_a_mistake_of_ours_tells_nothing(house: House, filer: str) -> None:
    async with client(replace(house, law=None), filer) as http:  # type: ignore[arg-type]
        response = await http.post("/v1/messages", content=ORDER)

    assert code_of(response) == "our_mistake"
    assert set(response.json()) == {"type", "title", "status", "code"}


async def test_every_answer_forbids_browsers_to_do_anything_with_it(http: httpx.AsyncClient) -> None:
    for path in ("/docs", "/openapi.json", "/nothing", "/health/live"):
        headers = (await http.get(path)).headers

        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_the_description_refers_to_nothing_that_it_lacks(http: httpx.AsyncClient) -> None:
    described = await http.get("/openapi.json")

    text = described.text
    schemas = described.json()["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert described.json()["openapi"].startswith("3.1")
    assert named <= set(schemas)
    assert {"Consignment", "Cleared", "Answer", "ConsignmentView", "Problem"} <= named


def test_the_description_says_which_characters_are_read() -> None:
    name = openapi.description()["components"]["schemas"]["Party"]["properties"]["name"]
    [free] = [one for one in name["anyOf"] if one["type"] == "string"]
    signs = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]

    assert [sign for sign in signs if not re.fullmatch(free["pattern"], sign)] == [
        sign for sign in signs if text.unfit_in(sign)
    ]


async def test_the_description_has_every_route_and_no_other(house: House) -> None:
    served = {
        (re.sub(":(path|int)", "", route.path), method.lower())
        for route in api.routes(house)
        if isinstance(route, Route) and route.methods
        for method in route.methods - {"HEAD"}
    }
    described = {(path, method) for path, methods in openapi.description()["paths"].items() for method in methods}

    assert served - {("/docs.css", "get")} == described


async def test_the_reference_lists_every_route_and_problem() -> None:
    told = DOCS.read_text(encoding="utf-8")

    for path, methods in openapi.description()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in told
    for kind in problems.KINDS:
        assert f"| `{kind.code}` | {kind.status} |" in told


async def test_the_page_of_the_description_shows_every_route_and_loads_nothing_foreign(
    http: httpx.AsyncClient,
) -> None:
    page = (await http.get("/docs")).text

    for path in openapi.description()["paths"]:
        assert f"<code>{path}</code>" in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "<script" not in page
    assert (await http.get("/docs.css")).headers["content-type"].startswith("text/css")
