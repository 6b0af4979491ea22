from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from starlette.routing import Route

from conftest import NOW
from make import consignment, item
from tidewaiter import api, web
from tidewaiter.law import Law
from tidewaiter.model.answer import AnswerKind
from tidewaiter.model.consignment import Category, Channel, Function, PersonKind, Role
from tidewaiter.model.finding import Severity
from tidewaiter.model.outcome import SHADOW, Control, Lane, Security, Totals
from tidewaiter.model.quote import Model
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.offers import COLLECTS
from tidewaiter.services.receipt import verify
from tidewaiter.settings import Settings
from tidewaiter.store import Store, open_store
from tidewaiter.web import names, pages, rendering, words
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
OUR_SCRIPT = '<script src="/static/list.js" defer>'


def client(house: House, filer: str) -> httpx.AsyncClient:
    application = api.application(house, pages=web.routes(house))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application, raise_app_exceptions=False),
        base_url="http://127.0.0.1:8080",
        headers={"Tidewaiter-Filer": filer},
    )


@pytest.fixture
async def http(house: House, filer: str) -> AsyncIterator[httpx.AsyncClient]:
    async with client(house, filer) as opened:
        yield opened


@pytest.fixture
async def own_store(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    """A store with nothing in it."""
    opened = await open_store(database_url, schema=new_schema())
    yield opened
    await opened.close()


async def lodged(http: httpx.AsyncClient, *references: str) -> None:
    await http.post("/v1/messages", content=msgspec.json.encode([consignment(reference=r) for r in references]))


async def test_an_empty_list_says_what_to_do(own_store: Store, law: Law, filer: str) -> None:
    house = House(settings=Settings(), law=law, store=own_store, now=lambda: NOW)
    async with client(house, filer) as http:
        page = (await http.get("/")).text

    assert "Nothing has been lodged yet" in page
    assert "<table" not in page


async def test_the_list_turns_its_pages_both_ways_without_losing_or_repeating_one(
    own_store: Store, law: Law, filer: str
) -> None:
    house = House(settings=Settings(), law=law, store=own_store, now=lambda: NOW)
    references = [f"R-{n:03d}" for n in range(120)]
    async with client(house, filer) as http:
        await lodged(http, *references)
        seen: list[list[str]] = []
        path: str | None = "/"
        while path:
            page = (await http.get(path)).text
            seen.append([r for r in references if f">{r}</a>" in page])
            path = _link(page, "next")
        back = _link(page, "prev")
        assert back is not None
        again = (await http.get(back)).text

    assert [len(part) for part in seen] == [50, 50, 20]
    assert sorted(r for part in seen for r in part) == references
    assert [r for r in references if f">{r}</a>" in again] == seen[1]
    assert _link(again, "prev") is not None


def _link(page: str, relation: str) -> str | None:
    """Where a link to the next or previous page leads."""
    _, found, rest = page.partition(f'rel="{relation}" href="')
    return rest.partition('"')[0].replace("&amp;", "&") if found else None


async def test_the_list_shows_one_state_or_one_reference(own_store: Store, law: Law, filer: str) -> None:
    house = House(settings=Settings(), law=law, store=own_store, now=lambda: NOW)
    bad = consignment(reference="BAD", items=(item(description=None),))
    async with client(house, filer) as http:
        await http.post("/v1/messages", content=msgspec.json.encode([consignment(reference="GOOD"), bad]))
        refused = (await http.get("/?control=not_accepted")).text
        found = (await http.get("/?reference=GOOD")).text
        none = (await http.get("/?reference=OTHER")).text

    assert ">BAD</a>" in refused
    assert ">GOOD</a>" not in refused
    assert ">GOOD</a>" in found
    assert ">BAD</a>" not in found
    assert "There are none such." in none


@pytest.mark.parametrize(
    "query",
    [
        "control=nonsense", "before=x", "before=-1", "after=99999999999999999999", "before=٣", "reference=%00",
        "lang=xx", "before=1&after=1", "reference=%F0%9F%93%A6", "personal=yes",
    ],
)  # fmt: skip
async def test_a_nonsensical_query_still_gets_a_page(http: httpx.AsyncClient, query: str) -> None:
    assert (await http.get(f"/?{query}")).status_code == 200


@pytest.mark.parametrize("path", ["/consignments/999999999", "/consignments/99999999999999999999", "/static/other"])
async def test_what_is_not_there_is_said_in_words(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)

    assert response.status_code == 404
    assert "<h1>Not here</h1>" in response.text


async def test_a_store_that_is_away_is_said_in_words(
    database_url: str, new_schema: Callable[[], str], law: Law, filer: str
) -> None:
    store = await open_store(database_url, schema=new_schema())
    await store.close()
    async with client(House(settings=Settings(), law=law, store=store, now=lambda: NOW), filer) as http:
        response = await http.get("/")

    assert response.status_code == 503
    assert "Nothing that was acknowledged is lost" in response.text


async def test_what_was_sent_cannot_become_markup(http: httpx.AsyncClient, house: House, filer: str) -> None:
    nasty = '"><script>alert(1)</script>'
    record = consignment(reference=nasty, items=(item(description=nasty),))
    await http.post("/v1/messages", content=msgspec.json.encode(record))
    [id] = await house.store.ids_of(nasty, filer=filer)

    shown = [await http.get(f"/consignments/{id}?personal=yes"), await http.get("/", params={"reference": nasty})]

    for response in shown:
        assert "&lt;script&gt;" in response.text
        assert response.text.replace(OUR_SCRIPT, "").count("<script") == 0
        assert response.headers["content-security-policy"].startswith("default-src 'none'")


async def test_what_is_announced_for_security_alone_says_so(http: httpx.AsyncClient, house: House, filer: str) -> None:
    announced, declared = consignment(reference="ENTRY", direction="entry"), consignment(reference="IMPORT")
    await http.post("/v1/messages", content=msgspec.json.encode([announced, declared]))
    pages = {}
    for reference in ("ENTRY", "IMPORT"):
        [id] = await house.store.ids_of(reference, filer=filer)
        pages[reference] = (await http.get(f"/consignments/{id}")).text

    assert "Original, Announced for security before arrival" in pages["ENTRY"]
    assert "Original, Import" in pages["IMPORT"]


async def test_names_are_shown_only_where_asked_for(http: httpx.AsyncClient, house: House, filer: str) -> None:
    await lodged(http, "ORDER-0001")
    [id] = await house.store.ids_of("ORDER-0001", filer=filer)

    usual = (await http.get(f"/consignments/{id}")).text
    asked = (await http.get(f"/consignments/{id}?personal=yes")).text

    assert "Pat Example" not in usual
    assert "Cotton T-shirt" not in usual
    assert "Pat Example" in asked
    assert "Cotton T-shirt" in asked


async def test_times_are_those_of_the_clock_that_was_given(http: httpx.AsyncClient, house: House, filer: str) -> None:
    await lodged(http, "ORDER-0001")
    [id] = await house.store.ids_of("ORDER-0001", filer=filer)

    page = (await http.get(f"/consignments/{id}")).text

    assert "Nov 2, 2026 10:30:00 UTC" in page
    assert "November 2, 2026" in page


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "fr-CA, en;q=0.5", "fr"),
        (None, "en;q=0.5, zh-Hant-TW", "zh"),
        (None, "da, de;q=0.9", "en"),
        (None, "fr;q=0, en", "en"),
        (None, "*", "en"),
        ("zh", "fr", "zh"),
        ("xx", "fr", "fr"),
        (None, ",;q=,fr;q=9", "fr"),
    ],
)
async def test_the_page_is_in_a_language_the_reader_knows(asked: str | None, accepted: str, expected: str) -> None:
    assert words.wanted(asked, accepted) == expected


@pytest.mark.parametrize(
    ("language", "title", "state"),
    [("en", "Consignments", "Released"), ("fr", "Envois", "Mainlevée"), ("zh", "包裹", "已放行")],
)
async def test_a_page_is_whole_in_each_language_and_its_links_keep_it(
    http: httpx.AsyncClient, language: str, title: str, state: str
) -> None:
    await lodged(http, f"ORDER-{language}")

    response = await http.get("/", params={"lang": language, "reference": f"ORDER-{language}"})

    assert f'<html lang="{language}">' in response.text
    assert f"<h1>{title}</h1>" in response.text
    assert state in response.text
    assert f"?lang={language}" in response.text
    assert response.headers["content-language"] == language


async def test_amounts_and_days_are_written_as_the_language_writes_them() -> None:
    french, english = words.environment("fr").filters, words.environment("en").filters

    assert english["amount"]("1234567.5") == "1,234,567.50"
    assert french["amount"]("1234.5") == "1\u202f234,50"
    assert english["amount"]("0.123456") == "0.123456"
    assert english["amount"]("100") == "100.00"
    assert french["day"](NOW.date()) == "2 novembre 2026"


async def test_what_is_due_is_not_known_where_a_part_is_not_known() -> None:
    assert rendering.due(Totals(duty="1.10", tax=None, fee="0.00", currency="GBP")) is None
    assert str(rendering.due(Totals(duty="1.10", tax="2.20", fee="0.00", currency="GBP"))) == "3.30"


@pytest.mark.parametrize("language", words.languages())
async def test_each_catalogue_has_every_text_and_no_other(language: str) -> None:
    method = [("**.html", "jinja2.ext:babel_extract")]
    in_pages = {str(found[2]) for found in extract_from_dir(words.TEMPLATES, method, keywords={"_": None})}
    with (words.LOCALES / language / "LC_MESSAGES" / "tidewaiter.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    told = {str(message.id): str(message.string) for message in catalogue if message.id}

    assert set(told) == in_pages | names.TRANSLATED
    assert all(told.values())
    for text, translated in told.items():
        assert _places(text) == _places(translated), text


def _places(text: str) -> set[str]:
    return {part.partition(")")[0] for part in text.split("%(")[1:]}


async def test_every_code_that_can_be_shown_has_a_word() -> None:
    def values(literal: object) -> set[str]:
        return set(literal.__args__)  # type: ignore[attr-defined]

    assert values(Control) == set(names.CONTROL)
    assert values(Security) == set(names.SECURITY)
    assert values(Severity) == set(names.SEVERITY)
    assert values(Function) == set(names.FUNCTION)
    assert values(Channel) == set(names.CHANNEL)
    assert values(Category) == set(names.CATEGORY)
    assert values(Lane) | {SHADOW} == set(names.LANE)
    assert values(Role) == set(names.ROLE)
    assert values(Model) == set(names.MODEL)
    assert values(PersonKind) == set(names.PERSON)
    assert set(COLLECTS) == set(names.COLLECTOR)
    assert set(names.ANSWER) <= values(AnswerKind)


ASKED = {"country": "GB", "on": "2026-11-02", "category": "sale", "price": "20", "currency": "gbp", "hs_code": "610910"}


async def test_the_form_alone_asks_nothing_and_answers_nothing(http: httpx.AsyncClient) -> None:
    page = (await http.get("/quote")).text

    assert 'method="get"' in page
    assert 'value="2026-11-02"' in page
    assert 'class="offer' not in page
    assert "<script" not in page


async def test_what_is_typed_is_quoted_and_stands_in_the_form_again(http: httpx.AsyncClient) -> None:
    page = (await http.get("/quote", params=ASKED | {"carriage": "1,50", "origin": "CN"})).text

    assert "The seller collects" in page
    assert 'value="1,50"' in page
    assert '<option value="CN" selected>China</option>' in page
    assert "What to mend, in this order" in page


async def test_a_plant_without_its_certificate_is_not_promised_to_clear(http: httpx.AsyncClient) -> None:
    plant = (await http.get("/quote", params=ASKED | {"hs_code": "06021090", "origin": "CN", "sent_from": "CN"})).text
    shirt = (await http.get("/quote", params=ASKED | {"origin": "CN", "sent_from": "CN"})).text

    assert "Permits that are missing" in plant
    assert "N851" in plant
    assert "it may be held until they are shown" in plant
    assert "it may be held" not in shirt


@pytest.mark.parametrize("field", ["country", "on", "price", "currency", "hs_code", "carriage", "quantity", "net_mass"])
async def test_each_field_that_cannot_be_used_is_named_and_nothing_is_reckoned(
    http: httpx.AsyncClient, field: str
) -> None:
    response = await http.get("/quote", params=ASKED | {field: '"><script>'})

    assert response.status_code == 200
    assert f'id="{field}-wrong"' in response.text
    assert response.text.count('class="wrong"') == 1
    assert 'class="offer' not in response.text
    assert "<script" not in response.text


async def test_a_number_that_could_be_read_two_ways_is_asked_for_again(http: httpx.AsyncClient) -> None:
    assert 'id="price-wrong"' in (await http.get("/quote", params=ASKED | {"price": "1.234"})).text


async def test_an_amount_too_great_to_reckon_with_still_gets_a_page(http: httpx.AsyncClient) -> None:
    page = await http.get("/quote", params=ASKED | {"price": "999999999999.99", "currency": "XXX", "quantity": "0"})

    assert page.status_code == 200
    assert "not known" in page.text


async def test_a_receipt_stands_on_a_page_and_in_a_file(http: httpx.AsyncClient, house: House, filer: str) -> None:
    await lodged(http, "ORDER-0001")
    [id] = await house.store.ids_of("ORDER-0001", filer=filer)

    page = (await http.get(f"/consignments/{id}/receipt")).text
    file = await http.get(f"/consignments/{id}/receipt.json")

    made = msgspec.json.decode(file.content, type=Receipt)
    assert file.headers["content-disposition"] == f'attachment; filename="receipt-{id}.json"'
    assert verify(made, law=house.law).equal
    assert made.digest in page
    assert made.law_digest in page
    assert all(line.measure in page for line in made.charges)
    assert "Pat Example" not in page
    assert f"/consignments/{id}/receipt" in (await http.get(f"/consignments/{id}")).text


async def test_where_the_law_is_another_the_receipt_says_so(http: httpx.AsyncClient, house: House, filer: str) -> None:
    await lodged(http, "ORDER-0001")
    [id] = await house.store.ids_of("ORDER-0001", filer=filer)
    changed = dict(house.law.jurisdictions)
    changed["gb"] = replace(changed["gb"], digest="0" * 64)
    async with client(replace(house, law=replace(house.law, jurisdictions=changed)), filer) as later:
        told = [await later.get(f"/consignments/{id}/receipt{ending}") for ending in ("", ".json")]

    for response in told:
        assert response.status_code == 409
        assert "no longer the one held here" in response.text


@pytest.mark.parametrize("ending", ["receipt", "receipt.json"])
async def test_there_is_no_receipt_of_what_is_not_there(http: httpx.AsyncClient, ending: str) -> None:
    for id in (999999999, 99999999999999999999):
        assert (await http.get(f"/consignments/{id}/{ending}")).status_code == 404


async def test_the_reference_lists_every_page() -> None:
    told = (Path(__file__).resolve().parents[1] / "docs" / "reference" / "routes.md").read_text(encoding="utf-8")

    for route in pages.routes(None):  # type: ignore[arg-type]
        assert isinstance(route, Route)
        path = route.path.replace(":int", "").replace("{name}", "style.css")
        for method in (route.methods or set()) - {"HEAD"}:
            assert f"`{method} {path}`" in told
