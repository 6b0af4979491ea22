"""A person's story in a real browser with a device of the browser's own: a passkey is added, lets in, and is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import test_web_browser
from conftest import NOW
from guarded import KEY, PASSWORD, code, person
from load import free_port
from test_web_browser import AXE_RULES, Served, _assert_fits, _checker, browser
from tidewaiter.law import Law
from tidewaiter.settings import Settings
from tidewaiter.store import open_store
from tidewaiter.wiring import House

if TYPE_CHECKING:
    from playwright import sync_api
else:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

__all__ = ["browser"]
pytestmark = test_web_browser.pytestmark
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Browsers make keys for a name, and take this one for their own machine's."""
    port = free_port()
    return Settings(access="guarded", port=port, issuer=f"http://localhost:{port}")


@pytest.fixture(scope="module")
def served(database_url: str, new_schema: Callable[[], str], law: Law, settings: Settings) -> Iterator[Served]:
    with Served(database_url, new_schema(), law, settings, KEY) as serving:
        yield serving


@pytest.fixture
def account(served: Served, database_url: str, law: Law, settings: Settings) -> tuple[str, bytes]:
    """The name of somebody's account and the secret of its second factor."""

    async def make() -> tuple[str, bytes]:
        store = await open_store(database_url, schema=served.schema, connections_max=2)
        made = await person(House(settings=settings, law=law, store=store, now=lambda: NOW, signing_key=KEY))
        await store.close()
        return made

    with ThreadPoolExecutor(1) as pool:  # the browser's driver keeps a loop running in this one
        return pool.submit(asyncio.run, make()).result(60)


@pytest.fixture
def page(browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    context = browser.new_context(locale="en-GB")
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []


def with_device(page: sync_api.Page, **changed: Any) -> tuple[sync_api.CDPSession, str]:
    """A device in the browser, by the DevTools protocol, and its number."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, **changed}})
    return devtools, added["authenticatorId"]


def by_password(page: sync_api.Page, settings: Settings, account: tuple[str, bytes]) -> None:
    page.goto(f"{settings.issuer}/enter")
    page.get_by_label("Name of your account").fill(account[0])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(code(account[1], NOW))
    page.get_by_role("button", name="Log in").click()


def test_a_person_adds_a_passkey_logs_in_by_it_and_removes_it(
    page: sync_api.Page, settings: Settings, account: tuple[str, bytes]
) -> None:
    with_device(page)
    by_password(page, settings, account)
    page.get_by_role("link", name="Passkeys").click()
    page.get_by_label("What you call the device").fill("my phone")
    page.get_by_role("button", name="Add a passkey").click()
    sync_api.expect(page.get_by_role("listitem").filter(has_text="my phone")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{settings.issuer}/passkeys")
    page.get_by_role("link", name="Log in with a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    sync_api.expect(page.get_by_role("listitem").filter(has_text="last used")).to_be_visible()
    sync_api.expect(page.get_by_text(f"You are {account[0]}.")).to_be_visible()
    page.get_by_role("button", name="Remove my phone").click()
    sync_api.expect(page.get_by_text("This account has none.")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{settings.issuer}/enter/passkey")
    page.get_by_role("button", name="Use a passkey").click()
    sync_api.expect(page.get_by_text("That key was not let in.")).to_be_visible()


def test_a_device_that_does_not_make_sure_of_its_person_gives_no_key(
    page: sync_api.Page, settings: Settings, account: tuple[str, bytes]
) -> None:
    devtools, device = with_device(page)
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    by_password(page, settings, account)
    page.get_by_role("link", name="Passkeys").click()
    page.get_by_label("What you call the device").fill("anybody's")
    page.get_by_role("button", name="Add a passkey").click()

    sync_api.expect(page.get_by_text("Your device gave no key.")).to_be_visible()
    page.reload()
    sync_api.expect(page.get_by_text("This account has none.")).to_be_visible()


def test_a_copy_of_a_key_is_found_out_by_its_count(
    page: sync_api.Page, settings: Settings, account: tuple[str, bytes]
) -> None:
    devtools, device = with_device(page)
    by_password(page, settings, account)
    page.goto(f"{settings.issuer}/passkeys")
    page.get_by_label("What you call the device").fill("mine")
    page.get_by_role("button", name="Add a passkey").click()
    sync_api.expect(page.get_by_role("listitem").filter(has_text="mine")).to_be_visible()
    [copied] = devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    page.goto(f"{settings.issuer}/enter/passkey?next=/passkeys")
    page.get_by_role("button", name="Use a passkey").click()
    sync_api.expect(page.get_by_role("listitem").filter(has_text="last used")).to_be_visible()
    devtools.send("WebAuthn.removeCredential", {"authenticatorId": device, "credentialId": copied["credentialId"]})
    devtools.send("WebAuthn.addCredential", {"authenticatorId": device, "credential": copied})
    page.goto(f"{settings.issuer}/enter/passkey")
    page.get_by_role("button", name="Use a passkey").click()

    sync_api.expect(page.get_by_text("That key was not let in.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_checker_of_accessibility_finds_nothing_on_the_pages_of_keys(
    page: sync_api.Page, settings: Settings, account: tuple[str, bytes], width: int
) -> None:
    with_device(page)
    page.set_viewport_size({"width": width, "height": 900})
    by_password(page, settings, account)
    page.goto(f"{settings.issuer}/passkeys")
    page.get_by_label("What you call the device").fill("a key")
    page.get_by_role("button", name="Add a passkey").click()
    sync_api.expect(page.get_by_role("listitem").filter(has_text="a key")).to_be_visible()
    wrong = []
    for path in ("/passkeys", "/enter/passkey", "/enter"):
        page.goto(f"{settings.issuer}{path}")
        _assert_fits(page)
        page.evaluate(_checker())
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
        wrong += [(path, v["id"], [node["html"] for node in v["nodes"]]) for v in result["violations"]]

    assert wrong == []
