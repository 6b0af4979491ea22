"""A filer names where he wants to be told, sees how that fares, and sees nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from joserfc.jwk import OKPKey

from conftest import NOW
from tidewaiter import api
from tidewaiter.services.subscribe import WEBHOOKS_MAX
from tidewaiter.settings import Settings
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
KEY = OKPKey.generate_key("Ed25519", private=True)


@asynccontextmanager
async def client(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api.application(house), raise_app_exceptions=False),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    ) as opened:
        yield opened


@pytest.fixture
def signing(house: House) -> House:
    return replace(house, signing_key=KEY, settings=Settings(webhook_hosts="127.0.0.1,receiver.internal"))


@pytest.fixture
async def http(signing: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(signing, filer) as opened:
        yield opened


URL = "http://127.0.0.1:9/hook"


async def test_a_webhook_is_added_shown_listed_and_removed(http: httpx.AsyncClient) -> None:
    added = await http.post("/v1/webhooks", json={"url": URL})
    where = added.headers["location"]
    shown = await http.get(where)
    listed = await http.get("/v1/webhooks")
    removed = await http.delete(where)

    assert added.status_code == 201
    assert shown.json() == added.json()
    assert listed.json() == {"webhooks": [added.json()]}
    assert added.json()["created_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert {name: added.json()[name] for name in ("url", "failures", "held", "dead", "failure")} == {
        "url": URL, "failures": 0, "held": 0, "dead": 0, "failure": None,
    }  # fmt: skip
    assert removed.status_code == 204
    assert (await http.get(where)).json()["code"] == "webhook_unknown"
    assert (await http.delete(where)).json()["code"] == "webhook_unknown"


async def test_nobody_sees_or_touches_anothers_webhook(http: httpx.AsyncClient, signing: House, filer: str) -> None:
    where = (await http.post("/v1/webhooks", json={"url": URL})).headers["location"]
    async with client(signing, f"{filer}-other") as other:
        tried = [
            await other.get(where),
            await other.delete(where),
            await other.get(f"{where}/dead-letters"),
            await other.post(f"{where}/dead-letters"),
        ]
        listed = (await other.get("/v1/webhooks")).json()

    assert {(one.status_code, one.json()["code"]) for one in tried} == {(404, "webhook_unknown")}
    assert listed == {"webhooks": []}
    assert (await http.get(where)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"url": "http://hooks.example/"}, 422, "webhook_unfit"),
        ({"url": "https://localhost/"}, 422, "webhook_unfit"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, 422, "webhook_unfit"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, 422, "webhook_unfit"),
        ({"url": "https://2130706433/"}, 422, "webhook_unfit"),
        ({"url": "https://user:secret@8.8.8.8/"}, 422, "webhook_unfit"),
        ({"url": URL, "after": "never"}, 400, "cursor_unfit"),
        ({"url": URL, "secret": "x"}, 400, "bad_request"),
        ({"url": 7}, 400, "bad_request"),
        ({}, 400, "bad_request"),
        ([], 400, "bad_request"),
    ],
)
async def test_what_cannot_be_sent_to_is_refused(
    http: httpx.AsyncClient, asked: object, status: int, code: str
) -> None:
    response = await http.post("/v1/webhooks", json=asked)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "secret" not in response.text


async def test_bytes_that_are_no_json_are_refused(http: httpx.AsyncClient) -> None:
    for data in (b"", b"{", b'{"url": "\xff"}', b"[" * 5_000):
        assert (await http.post("/v1/webhooks", content=data)).status_code == 400
    assert (await http.post("/v1/webhooks", content=b"x" * 20_000)).status_code == 413


async def test_one_address_is_told_once_and_there_are_no_more_than_may_be(http: httpx.AsyncClient) -> None:
    added = [await http.post("/v1/webhooks", json={"url": f"{URL}/{n}"}) for n in range(WEBHOOKS_MAX)]
    more = await http.post("/v1/webhooks", json={"url": f"{URL}/more"})
    await http.delete(added[0].headers["location"])
    again = await http.post("/v1/webhooks", json={"url": f"{URL}/1"})

    assert {one.status_code for one in added} == {201}
    assert (more.status_code, more.json()["code"]) == (409, "webhooks_full")
    assert (again.status_code, again.json()["code"]) == (409, "webhook_taken")


async def test_without_a_key_there_are_no_webhooks(house: House, filer: str) -> None:
    async with client(house, filer) as http:
        response = await http.post("/v1/webhooks", json={"url": "https://hooks.example/"})

    assert (response.status_code, response.json()["code"]) == (409, "webhooks_unsigned")


async def test_dead_letters_are_empty_at_first_and_can_be_asked_for(http: httpx.AsyncClient) -> None:
    where = (await http.post("/v1/webhooks", json={"url": URL})).headers["location"]

    assert (await http.get(f"{where}/dead-letters")).json() == {"letters": [], "next": "0-0", "more": False}
    assert (await http.post(f"{where}/dead-letters")).json() == {"again": 0}
    assert (await http.post(f"{where}/dead-letters?cursor=x")).json()["code"] == "cursor_unfit"
    assert (await http.get(f"{where}/dead-letters?limit=0")).json()["code"] == "number_unfit"
    assert (await http.get("/v1/webhooks/99999999999999999999")).json()["code"] == "webhook_unknown"
