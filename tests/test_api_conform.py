"""The HTTP door of the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import msgspec
import pytest

import make
from conftest import NOW
from test_api import client, code_of
from test_conform import pair
from tidewaiter.formats import FORMATS
from tidewaiter.model.conformance import SignedReport
from tidewaiter.services.attest import verify
from tidewaiter.services.signing import public_key, signing_key
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
SHIRT = FORMATS["json"].write([make.consignment(accepted_on=None)])


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(house, filer) as opened:
        yield opened


async def test_a_message_gets_its_report(http: httpx.AsyncClient, house: House) -> None:
    good = await http.post("/v1/conform?format=json", content=SHIRT)
    bad = await http.post("/v1/conform?format=csv&on=2026-07-01", content=SHIRT)
    reports = [msgspec.json.decode(one.content, type=SignedReport).report for one in (good, bad)]

    assert [one.status_code for one in (good, bad)] == [200, 200]
    assert [one.conforms for one in reports] == [True, False]
    assert reports[0].law == house.law.digest
    assert reports[0].made_at == NOW
    assert f"{reports[1].on}" == "2026-07-01"


async def test_the_report_is_signed_by_the_key_that_is_shown(house: House, filer: str) -> None:
    private, _ = pair()
    async with client(replace(house, signing_key=signing_key(private)), filer) as http:
        report = await http.post("/v1/conform", content=SHIRT)
        keys = await http.get("/v1/keys")

    assert verify(report.content, public_key(keys.content), messages=[SHIRT]).holds


async def test_without_a_key_it_says_so(http: httpx.AsyncClient) -> None:
    report = await http.post("/v1/conform", content=SHIRT)
    keys = await http.get("/v1/keys")

    assert "not signed" in report.json()["note"]
    assert keys.json() == {"keys": []}


@pytest.mark.parametrize(
    ("query", "code"),
    [("?format=telex", "format_unknown"), ("?format=", "format_unknown"), ("?on=tomorrow", "day_unfit")],
)
async def test_an_unfit_request_is_refused(http: httpx.AsyncClient, query: str, code: str) -> None:
    response = await http.post(f"/v1/conform{query}", content=SHIRT)

    assert response.status_code == 400
    assert code_of(response) == code
