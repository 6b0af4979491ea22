"""The HTTP door for who has not sent anything yet: quotes; and for who has: the receipt."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

import make
from conftest import NOW
from test_api import client, code_of
from tidewaiter.api import quoting
from tidewaiter.api.quoting import Quoted
from tidewaiter.formats import FORMATS
from tidewaiter.model.outcome import Cleared
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.receipt import verify
from tidewaiter.settings import Settings
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
SHIRT = make.consignment(
    jurisdiction="FR", accepted_on=None, items=(make.item(price="20.00 EUR", additional_procedures=()),)
)


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(house, filer) as opened:
        yield opened


async def quoted(http: httpx.AsyncClient, what: Any, query: str = "") -> Quoted:
    response = await http.post(f"/v1/quotes{query}", content=msgspec.json.encode(what))
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=Quoted)


async def test_a_checkout_asks_and_gets_the_offers_with_receipts_that_verify(
    http: httpx.AsyncClient, house: House
) -> None:
    [made] = (await quoted(http, SHIRT, "?on=2026-07-01")).quotes

    assert {offer.regime: offer.landed_cost for offer in made.offers} == {
        "fr-low-value": "29.60",
        "fr-low-value-ioss": "29.60",
    }
    assert all(verify(offer.receipt, law=house.law).equal for offer in made.offers)


async def test_the_day_is_the_one_asked_for_else_the_one_stated_else_today_there(http: httpx.AsyncClient) -> None:
    stated = msgspec.structs.replace(SHIRT, accepted_on=date(2026, 6, 30))
    asked = await quoted(http, [stated, SHIRT], "?on=2026-07-01")
    unasked = await quoted(http, [stated, SHIRT])

    assert [str(one.on) for one in asked.quotes] == ["2026-07-01", "2026-07-01"]
    assert [str(one.on) for one in unasked.quotes] == ["2026-06-30", str(NOW.date())]


async def test_nothing_of_a_quote_is_kept(http: httpx.AsyncClient, house: House, filer: str) -> None:
    before = (await house.store.page(size=1))[:1]
    await quoted(http, SHIRT)

    assert await house.store.ids_of("ORDER-0001", filer=filer) == []
    assert (await house.store.page(size=1))[:1] == before


async def test_every_format_that_can_be_lodged_can_be_quoted(http: httpx.AsyncClient) -> None:
    for module in FORMATS.values():
        data = module.write([make.consignment()])
        again = module.read(data).declared[0].consignment
        is_entry = again.direction == "entry"  # its goods have no price
        response = await http.post("/v1/quotes?on=2026-11-02", content=data)

        [made] = msgspec.json.decode(response.content, type=Quoted).quotes
        # One format is China's own; one cannot say that the goods are sold, but claims the relief.
        regime = "gb-low-value-sale" if again.category else "gb-low-value-claimed"
        regime = "cn-standard" if again.jurisdiction == "CN" else regime
        wanted = [] if is_entry else [regime]
        assert [offer.regime for offer in made.offers if offer.as_stated] == wanted


async def test_one_bad_consignment_spoils_no_other(http: httpx.AsyncClient) -> None:
    good = msgspec.to_builtins(SHIRT)
    made = await quoted(http, [good, "no consignment", good | {"category": "present"}])

    assert [len(one.offers) > 0 for one in made.quotes] == [True, True]
    assert [finding.severity for finding in made.findings] == ["error"]
    assert made.quotes[1].preflight.decision.control == "not_accepted"
    assert made.quotes[1].preflight.fixes[0].source_pointers == ("/2/category",)


@pytest.mark.parametrize(
    ("content", "headers", "query", "code"),
    [
        (b"[", {}, "", "unreadable"),
        (b"{}", {"Tidewaiter-Filer": "Pat Example"}, "", "filer_unfit"),
        (b"{}", {"Content-Encoding": "gzip"}, "", "message_encoded"),
        (b"{}", {"Sec-Fetch-Site": "cross-site"}, "", "foreign_page"),
        (b"{}", {"Host": "rebound.example"}, "", "foreign_host"),
        (b"{}", {}, "?on=tomorrow", "day_unfit"),
        (b"{}", {}, "?on=", "day_unfit"),
    ],
)
async def test_what_cannot_be_quoted_is_a_problem(
    http: httpx.AsyncClient, content: bytes, headers: dict[str, str], query: str, code: str
) -> None:
    assert code_of(await http.post(f"/v1/quotes{query}", content=content, headers=headers)) == code


async def test_too_much_at_once_is_refused(house: House, filer: str) -> None:
    many = msgspec.json.encode([SHIRT] * (quoting.QUOTES_MAX + 1))
    async with client(house, filer) as http:
        assert code_of(await http.post("/v1/quotes", content=many)) == "too_many"
    async with client(replace(house, settings=Settings(message_bytes_max=1024)), filer) as http:
        assert code_of(await http.post("/v1/quotes", content=many)) == "message_too_long"


async def test_nothing_personal_is_answered_or_logged(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "tidewaiter.api"):
        response = await http.post("/v1/quotes", content=msgspec.json.encode(SHIRT))

    assert "quoted format=json consignments=1 offers=2" in caplog.text
    for word in ("Pat Example", "Sample Street", "Exampleham", "T-shirt"):
        assert word not in response.text + caplog.text


async def test_nothing_that_risk_sees_is_in_the_answer(house: House, filer: str) -> None:
    drawing = replace(house, law=replace(house.law, draw_share_ppm=1_000_000))
    async with client(drawing, filer) as drawn, client(house, filer) as usual:
        told = [(await http.post("/v1/quotes", content=msgspec.json.encode(SHIRT))).content for http in (drawn, usual)]

    assert told[0] == told[1]


# The receipt of what was lodged


async def lodged(http: httpx.AsyncClient, *records: Any) -> list[Cleared]:
    response = await http.post(
        "/v1/messages", content=msgspec.json.encode(list(records)), headers={"Accept": "application/json"}
    )
    return msgspec.json.decode(response.content, type=list[Cleared])


async def test_the_receipt_of_what_was_lodged_has_its_charges_and_verifies(
    http: httpx.AsyncClient, house: House
) -> None:
    parcel = make.consignment(items=[make.item(price="200 GBP"), make.item(price="10 GBP")], freight="5 GBP")
    [cleared] = await lodged(http, parcel)

    response = await http.get("/v1/consignments/ORDER-0001/receipt")

    made = msgspec.json.decode(response.content, type=Receipt)
    assert made.charges == cleared.charges
    assert verify(made, law=house.law).equal
    for word in ("Pat Example", "Sample Street", "T-shirt"):
        assert word not in response.text


async def test_a_gift_needs_its_private_part_for_its_receipt(http: httpx.AsyncClient) -> None:
    parties = (make.party("consignor", kind="natural"), make.party("consignee"))
    [cleared] = await lodged(
        http, make.consignment(category="gift", parties=parties, items=[make.item(price="39.00 GBP")])
    )

    made = msgspec.json.decode((await http.get("/v1/consignments/ORDER-0001/receipt")).content, type=Receipt)

    assert made.regime == cleared.regime == "gb-gift"


async def test_under_another_law_no_receipt_is_made_up(house: House, http: httpx.AsyncClient, filer: str) -> None:
    [cleared] = await lodged(http, make.consignment())
    changed = dict(house.law.jurisdictions)
    changed["gb"] = replace(changed["gb"], digest="0" * 64)
    async with client(replace(house, law=replace(house.law, jurisdictions=changed)), filer) as later:
        response = await later.get("/v1/consignments/ORDER-0001/receipt")

    assert code_of(response) == "law_changed"
    assert cleared.law_digest in response.json()["detail"]


async def test_where_what_was_personal_is_gone_no_receipt_is_made_up(
    house: House, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties = (make.party("consignor", kind="natural"), make.party("consignee"))
    await lodged(http, make.consignment(category="gift", parties=parties, items=[make.item(price="39.00 GBP")]))

    async def emptied(ids: list[int], **_: Any) -> dict[int, Any]:
        return {id: one.record for id, one in (await house.store.consignments(ids)).items()}

    monkeypatch.setattr(house.store, "open_vault", emptied)

    assert code_of(await http.get("/v1/consignments/ORDER-0001/receipt")) == "not_reckoned"


async def test_a_receipt_is_its_filers_own(http: httpx.AsyncClient) -> None:
    await lodged(http, make.consignment())

    other = await http.get("/v1/consignments/ORDER-0001/receipt", headers={"Tidewaiter-Filer": "somebody-else"})

    assert code_of(other) == "consignment_unknown"


async def test_a_reference_may_itself_end_in_the_word_receipt(http: httpx.AsyncClient) -> None:
    await lodged(http, make.consignment(reference="2026/receipt"), make.consignment(reference="2026"))

    shown = await http.get("/v1/consignments/2026%2Freceipt")
    its_receipt = await http.get("/v1/consignments/2026%2Freceipt/receipt")
    other = await http.get("/v1/consignments/2026/receipt")

    assert shown.json()["reference"] == "2026/receipt"
    assert its_receipt.json()["inputs"]["reference"] == "2026/receipt"
    assert other.json()["inputs"]["reference"] == "2026"
