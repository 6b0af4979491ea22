"""An officer's story in a real browser: Chromium where it is installed, and skipped, saying so, where it is not."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import httpx
import msgspec
import pytest
import uvicorn
from joserfc.jwk import OKPKey

from conftest import NOW
from make import consignment, item
from tidewaiter import formats, server
from tidewaiter.cli import conform_report
from tidewaiter.law import Law
from tidewaiter.model.receipt import Receipt
from tidewaiter.services.attest import attest
from tidewaiter.services.clear import Message
from tidewaiter.services.conform import conform
from tidewaiter.services.expect import Expected
from tidewaiter.services.receipt import verify
from tidewaiter.settings import Settings
from tidewaiter.store import open_store
from tidewaiter.wiring import House

if TYPE_CHECKING:
    from playwright import sync_api
else:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
QUOTE = "/quote?country=GB&on=2026-11-02&category=sale&price=135.01&currency=GBP&hs_code=99999999"
WRONG = "/quote?country=XX&on=never&price=x&currency=money&hs_code=no"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: the pages were not tried in a browser"
)


class Served:
    """A server of its own thread, with everything it needs, while the tests of this file run."""

    def __init__(
        self, url: str, schema: str, law: Law, settings: Settings | None = None, key: OKPKey | None = None
    ) -> None:
        self.schema = schema
        self._database, self._law = url, law
        self._settings, self._key = settings or Settings(port=0), key
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.port = 0

    async def _serve(self) -> None:
        store = await open_store(self._database, schema=self.schema)
        house = House(settings=self._settings, law=self._law, store=store, now=lambda: NOW, signing_key=self._key)
        application = server.application(house)
        self._server = uvicorn.Server(
            uvicorn.Config(application, port=self._settings.port, ws="none", lifespan="off", log_level="warning")
        )
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await serving
        await store.close()

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def served(database_url: str, new_schema: Callable[[], str], law: Law) -> Iterator[Served]:
    drawing = replace(law, draw_share_ppm=1_000_000)
    with Served(database_url, new_schema(), drawing) as serving:
        records = [
            consignment(reference="ORDER-0001", items=(item(price="900.00 GBP", hs_code="42023100"),)),
            consignment(reference="ORDER-0002", items=(item(description=None),)),
            *(consignment(reference=f"FILL-{n:03d}") for n in range(60)),
            *(consignment(reference=f"AHEAD-{n}", declaration_type="IMD", tracking_id=None) for n in range(3)),
        ]
        response = httpx.post(f"{serving.url}/v1/messages", content=msgspec.json.encode(records))
        assert response.status_code == 200
        yield serving


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    """A page that fails the test where the browser complains or is sent elsewhere."""
    context = browser.new_context(locale="en-GB")
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: None if "//127.0.0.1:" in request.url else wrong.append(request.url))
    yield opened
    context.close()
    assert wrong == []


def test_an_officer_finds_a_consignment_and_reads_why_it_costs_and_what_was_decided(
    served: Served, page: sync_api.Page
) -> None:
    page.goto(served.url)
    page.get_by_label("Reference").fill("ORDER-0001")
    page.get_by_role("button", name="Find").click()
    row = page.get_by_role("row").filter(has_text="ORDER-0001")
    sync_api.expect(row).to_contain_text("To be examined")
    row.get_by_role("link").click()

    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("ORDER-0001")
    sync_api.expect(page.locator(".verdict")).to_contain_text("It was selected for a check.")
    receipt = page.get_by_role("table", name="Each charge, how it came about, and the law behind it")
    lines = receipt.get_by_role("row")
    sync_api.expect(lines).to_have_count(3)
    sync_api.expect(lines.nth(1)).to_contain_text("18.00 GBP")
    sync_api.expect(lines.nth(1)).to_contain_text("customs value × the rate")
    sync_api.expect(lines.nth(2)).to_contain_text("183.60 GBP")
    sync_api.expect(page.locator(".totals")).to_contain_text("201.60 GBP")
    sync_api.expect(page.get_by_role("region", name="Risk")).to_contain_text("none of this may be told to the filer")
    sync_api.expect(page.get_by_role("region", name="Risk").get_by_role("listitem")).to_have_count(1)
    sync_api.expect(page.get_by_role("region", name="Answers sent")).to_contain_text("Notice of examination")
    page.get_by_text("Ledger", exact=True).click()
    sync_api.expect(page.get_by_role("table", name="Legs in the ledger")).to_contain_text("revenue:duty:A00")
    sync_api.expect(page.get_by_role("region", name="Behind it")).to_contain_text("law with the digest")


def test_an_officer_reads_the_whole_receipt_and_keeps_it(
    served: Served, page: sync_api.Page, law: Law, tmp_path: Path
) -> None:
    page.goto(f"{served.url}/?reference=ORDER-0001")
    page.get_by_role("link", name="ORDER-0001").click()
    page.get_by_role("link", name="The whole receipt").click()

    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("Receipt for ORDER-0001")
    lines = page.get_by_role("table", name="Each charge, how it came about").get_by_role("row")
    sync_api.expect(lines).to_have_count(3)
    for words in (
        "18.00 GBP",
        "2 %",
        "900.00",
        "gb:third_country:420231",
        "UK Global Tariff",
        "down to 0.01",
        "none was",
    ):
        sync_api.expect(lines.nth(1)).to_contain_text(words)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download it as JSON").click()
    waiting.value.save_as(tmp_path / "receipt.json")
    kept = msgspec.json.decode((tmp_path / "receipt.json").read_bytes(), type=Receipt)
    sync_api.expect(page.locator(".digests")).to_contain_text(kept.digest)
    assert verify(kept, law=law).equal


def test_a_seller_asks_what_a_shirt_will_cost_and_compares(served: Served, page: sync_api.Page) -> None:
    page.goto(served.url)
    page.get_by_role("link", name="Quote").click()
    page.get_by_label("To", exact=True).select_option(label="France")
    page.get_by_label("Arrives on").fill("2026-07-01")
    page.get_by_label("Price of the goods").fill("20,00")
    page.get_by_label("Carriage").fill("5")
    page.get_by_label("Commodity code").fill("6109.10.00")
    page.get_by_role("button", name="Show the offers").click()

    offers = page.get_by_role("region", name="Offers side by side").locator(".offer")
    sync_api.expect(offers).to_have_count(2)
    sync_api.expect(offers.nth(0)).to_contain_text("as stated")
    sync_api.expect(offers.nth(1)).to_contain_text("if it is declared otherwise")
    sync_api.expect(offers.nth(1)).to_contain_text("the seller, at the sale")
    for place in (0, 1):
        sync_api.expect(offers.nth(place).locator(".sum")).to_contain_text("35.60 EUR")
    tops = [offers.nth(place).evaluate("e => e.getBoundingClientRect().top") for place in (0, 1)]
    assert tops[0] == tops[1]
    sync_api.expect(page.get_by_role("region", name="Would it clear?")).to_contain_text("Released")
    sync_api.expect(page.get_by_text("valid until 30 June 2028").or_(page.get_by_text("June 30, 2028"))).to_be_visible()
    page.get_by_text("Every regime of that country").click()
    sync_api.expect(page.get_by_text("no scheme number (FR5) is given").first).to_be_visible()
    page.get_by_role("link", name="Français").click()
    sync_api.expect(page.get_by_label("Prix des marchandises")).to_have_value("20,00")
    sync_api.expect(page.get_by_role("region", name="Les offres côte à côte")).to_contain_text("coût rendu")


def test_who_has_a_scanner_presents_goods_that_were_declared_before(served: Served, page: sync_api.Page) -> None:
    page.goto(served.url)
    page.get_by_role("link", name="Present goods").click()
    waiting = page.get_by_role("main").get_by_role("listitem")
    sync_api.expect(waiting.filter(has_text="AHEAD-1")).to_have_count(1)
    page.get_by_label("References or numbers of customs, one a line").fill("AHEAD-1\nORDER-0001\nNOBODYS")
    page.get_by_role("button", name="They are there").click()

    rows = page.get_by_role("table", name="What became of them").get_by_role("row")
    sync_api.expect(rows).to_have_count(4)
    sync_api.expect(rows.nth(1)).to_contain_text("Presented now")
    sync_api.expect(rows.nth(1)).to_contain_text("To be examined")
    sync_api.expect(rows.nth(2)).to_contain_text("Not awaited")
    sync_api.expect(rows.nth(3)).to_contain_text("Nothing of yours has this number")
    sync_api.expect(waiting.filter(has_text="AHEAD-1")).to_have_count(0)
    page.set_viewport_size({"width": 320, "height": 800})
    _assert_fits(page)
    page.evaluate(_checker())
    result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in result["violations"]] == []


def test_a_field_that_cannot_be_used_says_so_to_eye_and_ear(served: Served, page: sync_api.Page) -> None:
    page.goto(f"{served.url}/quote?country=FR&on=2026-07-01&price=twenty&currency=EUR")

    price = page.get_by_label("Price of the goods")
    sync_api.expect(price).to_have_attribute("aria-invalid", "true")
    sync_api.expect(price).to_have_accessible_description("Write digits with at most one decimal mark, such as 12.50.")
    sync_api.expect(page.locator(".offer")).to_have_count(0)


def test_an_officer_sees_what_is_wrong_and_where(served: Served, page: sync_api.Page) -> None:
    page.goto(f"{served.url}/?control=not_accepted")
    page.get_by_role("link", name="ORDER-0002").click()

    findings = page.get_by_role("region", name="Findings")
    sync_api.expect(findings).to_contain_text("The description is missing.")
    sync_api.expect(findings).to_contain_text("/items/0/description")
    sync_api.expect(findings).to_contain_text("/1/items/0/description")


def test_names_appear_when_asked_for_and_that_is_written_down(
    served: Served, page: sync_api.Page, database_url: str
) -> None:
    async def count() -> int:
        connection = await asyncpg.connect(database_url, server_settings={"search_path": served.schema})
        try:
            found: int = await connection.fetchval("select count(*) from vault_reads where purpose = 'control'")
        finally:
            await connection.close()
        return found

    def reads() -> int:
        # In a thread of its own: the browser's driver keeps a loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, count()).result(20)

    page.goto(f"{served.url}/?reference=ORDER-0001")
    page.get_by_role("link", name="ORDER-0001").click()
    sync_api.expect(page.get_by_text("Pat Example")).to_have_count(0)
    before = reads()
    page.get_by_role("link", name="Show them").click()
    sync_api.expect(page.get_by_text("Pat Example").first).to_be_visible()

    assert reads() == before + 1


def test_everything_can_be_reached_by_keyboard(served: Served, page: sync_api.Page) -> None:
    page.goto(served.url)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    sync_api.expect(skip).to_be_focused()
    sync_api.expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    sync_api.expect(page.get_by_label("Reference")).to_be_focused()
    page.keyboard.type("ORDER-0001")
    page.keyboard.press("Enter")

    sync_api.expect(page.get_by_role("link", name="ORDER-0001")).to_be_visible()


def test_the_language_is_chosen_and_kept(served: Served, page: sync_api.Page) -> None:
    page.goto(served.url)
    page.get_by_role("link", name="Français").click()
    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("Envois")
    page.get_by_role("link", name="Plus anciens").click()
    page.get_by_role("link", name="ORDER-0002").click()

    sync_api.expect(page.locator("html")).to_have_attribute("lang", "fr")
    sync_api.expect(page.locator(".verdict")).to_contain_text("Non accepté")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_cut_off_at_the_side_of_a_phone(served: Served, page: sync_api.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/",
        "/?reference=ORDER-0001",
        "/docs",
        "/quote",
        QUOTE,
        f"{_first(served, page)}/receipt",
        "/presentations",
    ):
        page.goto(served.url + path)
        _assert_fits(page)
    page.goto(f"{served.url}/?reference=ORDER-0001")
    page.get_by_role("link", name="ORDER-0001").click()
    page.get_by_text("Ledger", exact=True).click()
    _assert_fits(page)


def _first(served: Served, page: sync_api.Page) -> str:
    """Where the page of ORDER-0001 is."""
    page.goto(f"{served.url}/?reference=ORDER-0001")
    return page.get_by_role("link", name="ORDER-0001").get_attribute("href") or ""


def _assert_fits(page: sync_api.Page) -> None:
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

    assert page.evaluate(wide) is False, page.url


def test_what_is_pressed_is_large_enough(served: Served, page: sync_api.Page) -> None:
    """WCAG 2.2, 2.5.8: targets of 24 by 24 pixels, but for links within a sentence."""
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/", QUOTE, f"{_first(served, page)}/receipt", "/presentations"):
        page.goto(served.url + path)
        sizes = page.evaluate(
            "[...document.querySelectorAll("
            "'nav:not(.trail) a, button, a.button, summary, select, input:not([type=hidden]), th a')]"
            ".map(e => [e.textContent.trim(), e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
        )

        assert sizes
        assert [entry for entry in sizes if entry[1] < 23.5 or entry[2] < 23.5] == []


def _checker() -> str:
    """The checker of accessibility, as a script."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-playwright-python is not installed: only our own checks of accessibility were made")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_a_conformance_report_is_accessible_and_fits(page: sync_api.Page, width: int) -> None:
    samples = Path(formats.__file__).parent / "ens" / "samples"
    messages = [Message(source=path.name, data=path.read_bytes()) for path in sorted(samples.iterdir())]
    wanted = {messages[0].source: Expected(findings=(("8111", "/x"),))}
    checker = _checker()
    page.set_viewport_size({"width": width, "height": 900})
    for expected in (None, wanted):
        report = conform(messages, law=None, on=NOW.date(), at=NOW, expected=expected)
        page.set_content(conform_report.page(attest(report, None)))
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        _assert_fits(page)
        page.evaluate(checker)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)

        assert len(result["passes"]) > 15
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in result["violations"]] == []


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("en", 390), ("fr", 390), ("zh", 390)])
def test_a_checker_of_accessibility_finds_nothing(
    served: Served, page: sync_api.Page, language: str, width: int
) -> None:
    checker = _checker()
    page.set_viewport_size({"width": width, "height": 900})
    first = _first(served, page)
    paths = [
        "/presentations",
        "/?control=not_accepted",
        "/?control=seized",
        first,
        f"{first}/receipt",
        "/quote",
        QUOTE,
        WRONG,
    ]
    paths += ["/docs"] if (language, width) == ("en", 390) else []  # once: it is long, and takes most of a minute
    wrong = []
    for path in paths:
        page.goto(f"{served.url}{path}{'&' if '?' in path else '?'}lang={language}&personal=yes")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        page.evaluate(checker)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
        assert len(result["passes"]) > 20
        wrong += [(path, v["id"], [node["html"] for node in v["nodes"]]) for v in result["violations"]]

    assert wrong == []
