"""Pages of what inspections teach, of fairness and of models: officers' stories through each door, in a browser too."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from conftest import NOW
from guarded import client, guarded, session
from test_risk_life import ANALYST, CALM, OFFICER, lodged, to_active, written
from test_risk_model_kept import LAW, drafted, inspected, to_force
from test_web_browser import AXE_RULES, CHROMIUM, Served, _assert_fits, _checker, browser, page
from tidewaiter.access import Principal
from tidewaiter.cli import app
from tidewaiter.services.inspect import inspect
from tidewaiter.services.learn import Span, report_fairness
from tidewaiter.services.models import look_at_drift
from tidewaiter.settings import Settings
from tidewaiter.store import open_store
from tidewaiter.wiring import House

if TYPE_CHECKING:
    from playwright import sync_api
else:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

__all__ = ["browser", "page"]
RUN = CliRunner()
DAYS = {"since": "2026-01-01", "until": "2027-01-01"}
PATHS = ("/risk/feedback", "/risk/fairness", "/risk/models", "/risk/models/1", "/risk/models/2")
QUERY = "since=2026-01-01&until=2027-01-01"


@pytest.fixture
def schema(new_schema: Callable[[], str]) -> str:
    """A schema for each test: what is learnt is learnt from all that is kept."""
    return new_schema()


@pytest.fixture
async def served(house: House) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """A guarded house whose law draws nobody at random."""
    kept = guarded(dataclasses.replace(house, law=LAW, now=lambda: NOW + timedelta(days=9)))
    async with client(kept) as http:
        yield kept, http


@pytest.mark.anyio
async def test_a_model_goes_through_its_life_on_the_pages_and_by_the_api(
    served: tuple[House, httpx.AsyncClient], filer: str
) -> None:
    house, http = served
    who = {role: (await session(house, role=role, country="GB"))[1] for role in ("targeter", "supervisor", "filer")}

    async def sent(role: str, path: str, status: int, **form: str) -> str:
        data = {"form_token": who[role].get("Tidewaiter-Form-Token", ""), **form}
        answer = await http.post(path, headers=who[role], data=data)
        assert answer.status_code == status, answer.text
        return answer.text

    async def asked(role: str, path: str, status: int, **body: str) -> Any:
        answer = await http.request("POST" if body else "GET", path, headers=who[role], json=body or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    nothing = await sent("targeter", "/risk/models", 409, **DAYS)
    await inspected(house, filer, *range(6))
    await drafted(house)
    early = await sent("targeter", "/risk/models/1", 409, do="drift", **DAYS)
    await sent("targeter", "/risk/models/1", 303, do="proposed", reason="as its card says")
    await sent("targeter", "/risk/models/1", 403, do="approved", reason="my own")
    await sent("supervisor", "/risk/models/1", 303, do="approved", reason="read its card")
    await inspected(house, filer, 7)
    await sent("targeter", "/risk/models/1", 303, do="drift", **DAYS)
    shown = (await http.get("/risk/models/1", headers=who["supervisor"])).text
    second = await asked("targeter", "/v1/risk/models", 201, **DAYS)
    await asked("targeter", "/v1/risk/models/2", 200, do="proposed", reason="newer")
    refused = await asked("targeter", "/v1/risk/models/2", 403, do="approved", reason="my own")
    await asked("supervisor", "/v1/risk/models/2", 200, do="approved", reason="read its card")
    listed = await asked("supervisor", "/v1/risk/models", 200)
    drift = await asked("targeter", "/v1/risk/models/2/drift", 409, **DAYS)
    for path in ("/v1/risk/models", "/v1/risk/models/1", "/v1/risk/feedback", "/v1/risk/fairness"):
        await asked("filer", path, 403)
    for path in PATHS:
        hidden = await http.get(path, headers=who["filer"])
        assert hidden.status_code == 403
        assert "Risk model" not in hidden.text

    assert "Nothing was inspected" in nothing
    assert "Nothing was inspected" in early
    assert "# Risk model of GB, version 1" in shown
    assert "Index of the chances" in shown
    assert "Compared with random picks" in shown
    assert 'value="expired"' in shown
    assert second["state"] == "draft"
    assert refused["code"] == "may_not"
    assert [(one["version"], one["state"]) for one in listed] == [(2, "active"), (1, "replaced")]
    assert listed[1]["drift"]["picks"] > 0
    assert drift["detail"] == "Nothing was inspected there in that time."


@pytest.mark.anyio
async def test_a_profile_below_chance_is_put_before_an_officer_on_the_page(house: House, filer: str) -> None:
    drawing = dataclasses.replace(CALM, draw_share_ppm=1_000_000)
    await to_active(house, filer, written())
    hit = await lodged(house, filer, *[30] * 60)
    drawn = await lodged(house, filer, *[20] * 40, law=drawing, start=500)
    for place, id in enumerate([*hit, *drawn]):
        is_found = id in drawn and place % 2 == 0
        await inspect(
            id, ["value" if is_found else "none"], recovered_micro=10**7 if is_found else 0, minutes=10,
            principal=OFFICER, store=house.store, at=NOW,
        )  # fmt: skip
    kept = guarded(dataclasses.replace(house, law=drawing))
    async with client(kept) as http:
        [officer, supervisor] = [
            (await session(kept, role=role, country="GB"))[1] for role in ("officer", "supervisor")
        ]
        before = await http.get(f"/risk/feedback?{QUERY}", headers=officer)
        form = {"form_token": supervisor["Tidewaiter-Form-Token"], **DAYS}
        done = await http.post("/risk/feedback", headers=supervisor, data=form)
        after = await http.get(done.headers["location"], headers=officer)
        french = await http.get(f"{done.headers['location']}&lang=fr", headers=officer)
        wrong = await http.get("/risk/feedback?since=never", headers=officer)
        told = (await http.get(f"/v1/risk/feedback?{QUERY}", headers=officer)).json()
        unfit = await http.get("/v1/risk/feedback?since=20260101", headers=officer)
        again = await http.post("/v1/risk/expiries", headers=supervisor, json=DAYS)
        fair = await http.get(f"/v1/risk/fairness?{QUERY}", headers=officer)
        fairness = (await http.get(f"/v1/risk/fairness?{QUERY}", headers=supervisor)).json()

    assert "None waits for an officer." in before.text
    assert "Put them before an officer" not in before.text
    assert "fiction-dear-shirts 1</a>" in after.text
    assert "less often than by chance" in after.text
    assert "moins souvent qu" in french.text
    assert wrong.status_code == 409
    [shirts] = [one for one in told["profiles"] if one["name"] == "fiction-dear-shirts"]
    assert (shirts["rate"]["found"], shirts["rate"]["looked_at"], shirts["is_below"]) == (0, 60, True)
    assert (told["random"]["recovered_micro"], told["currency"]) == (200_000_000, "GBP")
    assert (unfit.status_code, unfit.json()["code"]) == (400, "day_unfit")
    assert again.json() == {"proposed": []}
    assert fair.status_code == 403
    assert fairness["drawn"] == 40
    assert [one["name"] for one in fairness["groups"]["channel"]] == ["post"]


@pytest.mark.anyio
async def test_fairness_counts_sellers_by_what_was_known_of_them_then(house: House, filer: str) -> None:
    """The first of a seller is new for ever, though the same seller has sent more since."""
    await lodged(house, filer, *[20] * 30, law=LAW)
    who = Principal(id="s.one", kind="person", role="supervisor", country="GB")
    span = Span("GB", NOW.date(), NOW.date() + timedelta(days=1))
    found = await report_fairness(span, principal=who, store=house.store, law=LAW)

    told = {one.name: one.consignments for one in found.groups["sender"]}
    assert sum(told.values()) == 30
    # One was new and 29 were not: the one is told with the others.
    assert told == {"few": 30}
    assert {one.name: one.consignments for one in found.groups["is_new"]} == {"few": 30}


@pytest.mark.anyio
async def test_an_open_house_asks_whose_risk_is_looked_at_and_a_country_of_ones_own_is_not_chosen(
    served: tuple[House, httpx.AsyncClient], house: House, filer: str
) -> None:
    """Seen after `make run`, where no setting names a country: the pages showed nothing, and did not say why."""
    guarded_house, guarded_http = served
    await inspected(guarded_house, filer, *range(6))
    settings = msgspec.structs.replace(house.settings, jurisdiction=None)
    is_open = dataclasses.replace(house, law=LAW, settings=settings, now=lambda: NOW + timedelta(days=9))
    assert not is_open.settings.is_guarded
    asked = {name: f"/risk/{name}" for name in ("feedback", "fairness", "models", "profiles")} | {"queue": "/risk"}
    async with client(is_open) as http:
        for path in asked.values():
            for place in ("", "?jurisdiction=XX"):
                assert "No country is chosen" in (await http.get(path + place)).text, path
            chosen = (await http.get(f"{path}?jurisdiction=GB")).text
            assert "No country is chosen" not in chosen, path
            assert '<option value="GB" selected>' in chosen, path
            assert "/risk/models?jurisdiction=GB" in chosen, path
        found = (await http.get(f"/risk/feedback?jurisdiction=GB&{QUERY}")).text
        drawn = await http.post("/risk/models?jurisdiction=GB", data=DAYS | {"form_token": ""})
        by_api = [
            await http.get(f"/v1/risk/feedback?{QUERY}{where}")
            for where in ("", "&jurisdiction=GB", "&jurisdiction=XX")
        ]
        models = (await http.get("/v1/risk/models?jurisdiction=GB")).json()
    assert [one.status_code for one in by_api] == [200, 200, 404]
    assert [one.json()["looked_at"] for one in by_api[:2]] == [0, 204]
    assert by_api[2].json()["code"] == "country_unknown"
    assert len(models) == 1
    assert "<dt>Looked at</dt><dd>204</dd>" in found
    assert '<input type="hidden" name="jurisdiction" value="GB">' in found
    assert (drawn.status_code, drawn.headers["location"]) == (303, "/risk/models/1?jurisdiction=GB")
    own = (await session(guarded_house, role="supervisor", country="GB"))[1]
    queue = (await guarded_http.get("/risk?jurisdiction=DE", headers=own)).text
    assert "Queue · GB" in queue
    assert 'name="jurisdiction"' not in queue
    analyst = (await session(guarded_house, role="analyst", country="GB"))[1]
    elsewhere = await guarded_http.get(f"/v1/risk/feedback?{QUERY}&jurisdiction=DE", headers=analyst)
    assert elsewhere.status_code == 403


def test_the_commands_say_it_in_words_and_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, schema: str
) -> None:
    for name, value in (("DATABASE_URL", database_url), ("DATABASE_SCHEMA", schema), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(f"TIDEWAITER_{name}", value)
    days = ["--country", "GB", "--since", DAYS["since"], "--until", DAYS["until"]]
    told = RUN.invoke(app, ["risk", "feedback", *days, "--propose-expiries"])
    fair = RUN.invoke(app, ["risk", "fairness", *days])
    as_json = RUN.invoke(app, ["risk", "fairness", *days, "--json"])
    absent = RUN.invoke(app, ["risk", "repeat", "--country", "GB"])

    assert (told.exit_code, fair.exit_code, as_json.exit_code, absent.exit_code) == (0, 0, 0, 2)
    assert "0 consignments" in told.output
    assert "0 in the random share" in fair.output
    assert '"groups"' in as_json.output
    assert "no such queue" in absent.output


@pytest.fixture(scope="module")
def learnt(database_url: str, new_schema: Callable[[], str]) -> Iterator[Served]:
    """An open house of GB in which there is something to learn from: two models, one of them looked at for drift."""
    schema = new_schema()

    async def fill() -> None:
        store = await open_store(database_url, schema=schema)
        house = House(settings=Settings(jurisdiction="GB"), law=LAW, store=store, now=lambda: NOW)
        await inspected(house, "shop-1", *range(6))
        await drafted(house)
        await to_force(house, 1)
        await inspected(house, "shop-2", 7)
        await look_at_drift(
            1, Span("GB", NOW.date(), NOW.date() + timedelta(days=30)), principal=ANALYST, store=store, law=LAW,
            at=NOW + timedelta(days=8),
        )  # fmt: skip
        await drafted(house, days=8)
        await store.close()

    # In a thread of its own: the browser's driver keeps a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, fill()).result(120)
    with Served(database_url, schema, LAW, Settings(port=0, jurisdiction="GB")) as serving:
        yield serving


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the pages were not tried in a browser")
@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("fr", 390)])
def test_the_pages_fit_and_a_checker_of_accessibility_finds_nothing(
    learnt: Served, page: sync_api.Page, language: str, width: int
) -> None:
    checker = _checker()
    page.set_viewport_size({"width": width, "height": 900})
    wrong = []
    for path in PATHS:
        page.goto(f"{learnt.url}{path}?{QUERY}&lang={language}")
        assert page.locator("h1").count() == 1, path
        _assert_fits(page)
        page.evaluate(checker)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
        assert len(result["passes"]) > 20
        wrong += [(path, v["id"], [node["html"] for node in v["nodes"]]) for v in result["violations"]]

    assert wrong == []


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the pages were not tried in a browser")
def test_the_days_are_chosen_and_the_language_keeps_them(learnt: Served, page: sync_api.Page) -> None:
    page.goto(f"{learnt.url}/risk")
    page.get_by_role("link", name="What was found").click()
    page.get_by_label("Accepted from").fill("2026-11-05")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Français").click()

    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("Ce qu’enseignent les contrôles")
    assert page.locator("#since").input_value() == "2026-11-05"
