"""Passkeys at a guarded door: adding one, logging in by it, losing it; and whatever else a browser might bring."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from authenticator import ORIGIN, SITE, Device, altered, plain
from conftest import NOW
from guarded import KEY, PASSWORD, client, code, guarded, person, session
from tidewaiter.access import passkeys
from tidewaiter.access.passkeys import Site
from tidewaiter.access.signed import Unfit
from tidewaiter.cli import app
from tidewaiter.law import Law
from tidewaiter.services import enter, enter_by_key
from tidewaiter.services.enter import SESSION_COOKIE, NotLetIn
from tidewaiter.services.enter_by_key import CannotKeep, add_key, ask_to_make, ask_to_show, site_of
from tidewaiter.settings import Settings
from tidewaiter.store import Passkey, open_store
from tidewaiter.web import words
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
HERE = Site(SITE, ORIGIN)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enter, "_COST", 2**10)


@pytest.fixture
def kept(house: House) -> House:
    return guarded(house, issuer=ORIGIN)


@pytest.fixture
async def http(kept: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client(kept) as opened:
        opened.base_url = httpx.URL(ORIGIN)
        opened.headers["Host"] = SITE
        yield opened


async def entered(house: House) -> tuple[str, str]:
    """Someone who has just logged in with a password: the name of the account and the token of the session."""
    name, secret = await person(house)
    let_in = await enter.enter(name, PASSWORD, code(secret, NOW), store=house.store, key=KEY, at=NOW)
    return name, let_in.token


async def added(house: House, device: Device, *, account: tuple[str, str] | None = None) -> str:
    """The account to which the device's key now belongs."""
    name, token = account or await entered(house)
    asked = await ask_to_make(name, site=HERE, store=house.store, at=NOW)
    await add_key(device.makes(asked), "a device", token=token, site=HERE, store=house.store, at=NOW)
    return name


async def asked(house: House) -> str:
    return await ask_to_show(HERE, store=house.store, at=NOW)


async def is_let_in(house: House, answer: str, *, site: Site = HERE) -> str | None:
    """The account that was let in by the answer; None where nobody was."""
    try:
        done = await enter_by_key.enter_by_key(answer, site=site, store=house.store, at=LATER)
    except NotLetIn:
        return None
    found = await enter.session_of(done.token, store=house.store, at=LATER)
    assert found is not None
    return found.person.id


def on(page: httpx.Response) -> str:
    """What the page asks of the browser."""
    [told] = re.findall(r'data-passkey="([^"]+)"', page.text)
    return html.unescape(told)


def token_on(page: httpx.Response, action: str) -> str:
    [told, *_] = re.findall(rf'action="{action}".*?name="form_token" value="([^"]*)"', page.text, re.DOTALL)
    return str(told)


async def test_a_key_is_added_lets_in_and_is_removed(kept: House, http: httpx.AsyncClient) -> None:
    name, token = await entered(kept)
    device, known = Device(), {"Cookie": f"{SESSION_COOKIE}={token}"}
    page = await http.get("/passkeys", headers=known)
    form = {"form_token": token_on(page, "/passkeys"), "name": "a phone"}
    kept_now = await http.post("/passkeys", data={**form, "answer": device.makes(on(page))}, headers=known)
    listed = await http.get("/passkeys", headers=known)
    door = await http.get("/enter/passkey?next=/quote")
    let_in = await http.post(
        "/enter/passkey", data={"next": "/quote", "form_token": "", "answer": device.shows(on(door))}
    )
    cookie = {"Cookie": let_in.headers["set-cookie"].partition(";")[0]}
    inside = await http.get("/", headers=cookie)
    [key] = re.findall(r'name="key" value="([^"]+)"', listed.text)
    removed = await http.post("/passkeys/remove", data={**form, "key": html.unescape(key)}, headers=known)
    again = await http.get("/enter/passkey")
    shut = await http.post("/enter/passkey", data={"form_token": "", "answer": device.shows(on(again))})

    assert (kept_now.status_code, kept_now.headers["location"]) == (303, "/passkeys")
    assert "a phone" in listed.text
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/quote")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(let_in.headers["set-cookie"].split("; "))
    assert f"You are {name}." in inside.text
    assert (removed.status_code, shut.status_code) == (303, 403)
    assert "set-cookie" not in shut.headers


@pytest.mark.parametrize("device", [Device(), Device(key=Ed25519PrivateKey.generate())], ids=["P-256", "Ed25519"])
async def test_each_kind_of_key_lets_in_its_holder(kept: House, device: Device) -> None:
    name = await added(kept, device)

    assert [await is_let_in(kept, device.shows(await asked(kept))) for _ in range(2)] == [name, name]


async def test_what_the_browser_is_asked_requires_its_person_and_tells_nothing_of_one(kept: House) -> None:
    name, _ = await entered(kept)
    make = json.loads(await ask_to_make(name, site=HERE, store=kept.store, at=NOW))
    show = json.loads(await asked(kept))

    assert make["authenticatorSelection"]["userVerification"] == show["userVerification"] == "required"
    assert make["attestation"] == "none"
    assert make["user"]["id"] == plain(passkeys.handle_of(name))
    assert show["allowCredentials"] == []
    assert len(show["challenge"]) == 43


Change = Callable[[Device], Any]
LIES: dict[str, Change] = {
    "another origin": lambda device: setattr(device, "origin", "https://customs.example.evil.example"),
    "the origin without TLS": lambda device: setattr(device, "origin", "http://customs.example"),
    "another port": lambda device: setattr(device, "origin", "https://customs.example:8443"),
    "another site": lambda device: setattr(device, "site", "evil.example"),
    "nobody present": lambda device: setattr(device, "flags", 0x04),
    "nobody made sure of": lambda device: setattr(device, "flags", 0x01),
    "within another's page": lambda device: device.said.update(crossOrigin=True),
    "another's page on top": lambda device: device.said.update(topOrigin="https://evil.example"),
    "another kind of answer": lambda device: device.said.update(type="payment.get"),
    "another challenge": lambda device: device.said.update(challenge=plain(bytes(32))),
    "no challenge": lambda device: device.said.update(challenge=None),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_key_that_is_shown_with_a_lie_lets_nobody_in(kept: House, lie: str) -> None:
    device = Device()
    await added(kept, device)
    LIES[lie](device)

    assert await is_let_in(kept, device.shows(await asked(kept))) is None


@pytest.mark.parametrize("lie", LIES)
async def test_a_key_that_is_made_with_a_lie_is_not_kept(kept: House, lie: str) -> None:
    device, account = Device(), await entered(kept)
    LIES[lie](device)

    with pytest.raises(CannotKeep, match="unfit"):
        await added(kept, device, account=account)
    assert await kept.store.passkeys.of(account[0]) == []


@pytest.mark.parametrize(
    ("name", "place"),
    [("signature", -1), ("signature", 5), ("authenticatorData", 0), ("authenticatorData", -1), ("clientDataJSON", 30)],
)
async def test_an_answer_of_which_a_bit_was_turned_lets_nobody_in(kept: House, name: str, place: int) -> None:
    device = Device()
    account = await added(kept, device)
    answer = device.shows(await asked(kept))

    assert await is_let_in(kept, altered(answer, name, place)) is None
    assert await is_let_in(kept, device.shows(await asked(kept))) == account


async def test_an_answer_counts_once(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    answer = device.shows(await asked(kept))

    assert [await is_let_in(kept, answer) for _ in range(3)] == [name, None, None]


async def test_of_many_with_the_same_answer_at_once_one_gets_in(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    answer = device.shows(await asked(kept))

    assert sorted(map(str, await asyncio.gather(*(is_let_in(kept, answer) for _ in range(6))))) == [
        *["None"] * 5, name
    ]  # fmt: skip


async def test_a_challenge_is_over_after_five_minutes_and_one_that_failed_is_used_up(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    store, challenges = kept.store, [await asked(kept) for _ in range(3)]

    async def at(seconds: int, answer: str) -> bool:
        when = NOW + timedelta(seconds=seconds)
        try:
            await enter_by_key.enter_by_key(answer, site=HERE, store=store, at=when)
        except NotLetIn:
            return False
        return True

    assert await at(299, device.shows(challenges[0]))
    assert not await at(300, device.shows(challenges[1]))
    right = device.shows(challenges[2])
    assert not await at(1, altered(right, "signature"))
    assert not await at(1, right)
    assert await is_let_in(kept, device.shows(await asked(kept))) == name


async def test_a_count_that_goes_back_or_stands_lets_nobody_in(kept: House) -> None:
    device = Device(uses=7)
    name = await added(kept, device)
    first = await is_let_in(kept, device.shows(await asked(kept)))
    stands = await is_let_in(kept, device.shows_again(await asked(kept)))
    device.uses = 3
    back = await is_let_in(kept, device.shows(await asked(kept)))
    device.uses = 20
    on_again = await is_let_in(kept, device.shows(await asked(kept)))

    assert [first, stands, back, on_again] == [name, None, None, name]


async def test_a_device_that_does_not_count_lets_in_each_time(kept: House) -> None:
    device = Device()
    name = await added(kept, device)

    assert [await is_let_in(kept, device.shows_again(await asked(kept))) for _ in range(2)] == [name, name]


async def test_a_key_lets_in_its_own_account_and_no_other(kept: House) -> None:
    mine, other = Device(), Device()
    name, theirs = await added(kept, mine), await added(kept, other)
    other_handle, other_id = other.handle, other.id
    mine.handle = other_handle
    with_their_handle = await is_let_in(kept, mine.shows(await asked(kept)))
    mine.id = other_id
    with_their_id = await is_let_in(kept, mine.shows(await asked(kept)))

    assert (with_their_handle, with_their_id) == (None, None)
    assert name != theirs
    assert await is_let_in(kept, other.shows(await asked(kept))) == theirs


async def test_what_was_asked_of_one_person_is_not_answered_by_another_nor_at_the_door(kept: House) -> None:
    mine, theirs, device = await entered(kept), await entered(kept), Device()
    for_them = await ask_to_make(theirs[0], site=HERE, store=kept.store, at=NOW)
    with pytest.raises(CannotKeep, match="unfit"):
        await add_key(device.makes(for_them), "x", token=mine[1], site=HERE, store=kept.store, at=NOW)
    await added(kept, device, account=mine)
    to_make = await ask_to_make(mine[0], site=HERE, store=kept.store, at=NOW)

    assert await is_let_in(kept, device.shows(to_make)) is None


async def test_a_key_that_another_account_has_is_not_kept(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    handle = device.handle

    with pytest.raises(CannotKeep, match="kept"):
        await added(kept, device)
    device.handle = handle
    assert await is_let_in(kept, device.shows(await asked(kept))) == name


async def test_an_account_has_several_keys_and_ten_at_most(kept: House) -> None:
    account, devices = await entered(kept), [Device() for _ in range(11)]
    for device in devices[:10]:
        await added(kept, device, account=account)
    with pytest.raises(CannotKeep, match="kept"):
        await added(kept, devices[10], account=account)
    await enter_by_key.remove_key(devices[0].id, account=account[0], store=kept.store)

    found = [await is_let_in(kept, device.shows(await asked(kept))) for device in devices]
    assert found == [None, *[account[0]] * 9, None]


async def test_nobody_removes_the_key_of_another(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    other, _ = await entered(kept)

    assert not await enter_by_key.remove_key(device.id, account=other, store=kept.store)
    assert await is_let_in(kept, device.shows(await asked(kept))) == name


async def test_an_account_that_is_removed_or_renewed_is_not_entered_by_its_keys(kept: House) -> None:
    devices = [Device(), Device()]
    gone, anew = [await added(kept, device) for device in devices]
    await kept.store.access.remove_person(gone, at=NOW)
    found = await kept.store.access.person(anew)
    assert found is not None
    renewed, _ = enter.renewed(found, PASSWORD, key=KEY)
    await kept.store.access.renew_person(renewed, at=NOW)

    assert [await is_let_in(kept, device.shows(await asked(kept))) for device in devices] == [None, None]


async def test_who_tries_passwords_does_not_shut_out_who_has_a_key(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    for _ in range(8):
        await kept.store.access.try_person(name, at=NOW, free=5, rest_s=3600, rest_s_max=3600)

    assert await is_let_in(kept, device.shows(await asked(kept))) == name


async def test_a_key_is_added_soon_after_logging_in_and_by_a_local_account_alone(kept: House) -> None:
    account, device = await entered(kept), Device()
    to_make = await ask_to_make(account[0], site=HERE, store=kept.store, at=NOW)
    late = NOW + timedelta(seconds=enter_by_key.FRESH_S + 1)
    with pytest.raises(CannotKeep, match="stale"):
        await add_key(device.makes(to_make), "x", token=account[1], site=HERE, store=kept.store, at=late)
    of_provider, headers = await session(kept)
    token = headers["Cookie"].partition("=")[2]
    with pytest.raises(CannotKeep, match="kept"):
        await added(kept, device, account=(of_provider, token))
    with pytest.raises(CannotKeep, match="stale"):
        await added(kept, device, account=(account[0], "nobody's token"))


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\x00b", "a\u202eb"])
async def test_a_key_has_a_name_that_can_be_read(kept: House, name: str) -> None:
    account, device = await entered(kept), Device()
    to_make = await ask_to_make(account[0], site=HERE, store=kept.store, at=NOW)

    with pytest.raises(CannotKeep, match="name"):
        await add_key(device.makes(to_make), name, token=account[1], site=HERE, store=kept.store, at=NOW)


async def test_a_form_without_the_token_of_the_session_adds_and_removes_nothing(
    kept: House, http: httpx.AsyncClient
) -> None:
    name, token = await entered(kept)
    device, known = Device(), {"Cookie": f"{SESSION_COOKIE}={token}"}
    await added(kept, device, account=(name, token))
    other = Device()
    page = await http.get("/passkeys", headers=known)
    forged = [
        await http.post("/passkeys", data={"name": "x", "answer": other.makes(on(page))}, headers=known),
        await http.post("/passkeys/remove", data={"key": plain(device.id) + "="}, headers=known),
    ]

    assert [one.status_code for one in forged] == [403, 403]
    assert [key.id for key in await kept.store.passkeys.of(name)] == [device.id]


@given(text=st.one_of(st.text(), st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature"]), inner
    ),
).map(json.dumps)))  # fmt: skip
async def test_whatever_is_brought_is_an_answer_that_does_not_count(text: str) -> None:
    key = passkeys.Key(bytes(32), Device().public, 0)
    for read in (
        lambda: passkeys.claimed(text),
        lambda: passkeys.made(text, site=HERE, challenge=bytes(32)),
        lambda: passkeys.shown(text, key, site=HERE, challenge=bytes(32)),
    ):
        with pytest.raises(Unfit):
            read()


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
async def test_a_key_of_which_a_bit_was_turned_is_the_same_key_or_none(place: int, bit: int) -> None:
    challenge = bytes(32)
    device = Device()
    answer = json.loads(device.makes(passkeys.to_make(HERE, account="a", challenge=challenge, known=())))
    data = bytearray(json.dumps(answer).encode())
    data[place % len(data)] ^= 1 << bit
    try:
        made = passkeys.made(data.decode("utf-8", "replace"), site=HERE, challenge=challenge)
    except Unfit:
        return
    assert len(made.id) <= passkeys.ID_MAX


@pytest.mark.parametrize(
    ("issuer", "site"),
    [
        ("https://customs.example", HERE), ("https://Customs.Example:8443", Site(SITE, f"{ORIGIN}:8443")),
        ("https://customs.example:443", HERE), ("http://localhost:8080", Site("localhost", "http://localhost:8080")),
        ("http://127.0.0.1:8080", None), ("http://customs.example", None), ("https://[::1]:8443", None),
        ("https://customs.example:99999", None),
    ],
)  # fmt: skip
def test_keys_are_made_for_a_name_under_tls(issuer: str, site: Site | None) -> None:
    assert site_of(issuer) == site


async def test_where_no_keys_can_be_made_no_page_speaks_of_them(house: House) -> None:
    bare = guarded(house)
    _, headers = await session(bare)
    async with client(bare) as http:
        door = await http.get("/enter")
        pages = [(await http.get(path, headers=headers)).status_code for path in ("/passkeys", "/enter/passkey")]
        inside = (await http.get("/", headers=headers)).text

    assert "passkey" not in door.text.lower()
    assert "passkey" not in inside.lower()
    assert pages == [404, 404]


@pytest.mark.parametrize("language", words.languages())
async def test_the_pages_are_whole_in_each_language_and_the_password_needs_no_script(
    kept: House, http: httpx.AsyncClient, language: str
) -> None:
    _, token = await entered(kept)
    known = {"Cookie": f"{SESSION_COOKIE}={token}"}
    door = (await http.get("/enter", params={"lang": language})).text
    pages = [await http.get(path, params={"lang": language}, headers=known) for path in ("/passkeys", "/enter/passkey")]

    assert '"/enter/passkey' in door
    assert "<script" not in door
    for page in pages:
        assert '<script src="/static/passkey.js" defer>' in page.text
        assert "<noscript>" in page.text


async def test_challenges_that_are_over_are_forgotten(kept: House) -> None:
    async with kept.store._pool.acquire() as connection:
        await connection.execute("delete from challenges")
    for _ in range(5):
        await asked(kept)
    await ask_to_show(HERE, store=kept.store, at=NOW + timedelta(hours=1))
    async with kept.store._pool.acquire() as connection:
        left = await connection.fetchval("select count(*) from challenges")

    assert left == 1


async def test_a_key_says_nothing_of_its_holder(kept: House) -> None:
    device = Device()
    name = await added(kept, device)
    [key] = await kept.store.passkeys.of(name)

    assert name.encode() not in device.handle
    assert msgspec.structs.replace(key, added_at=NOW) == Passkey(
        id=device.id, person_id=name, name="a device", public=device.public, uses=0, added_at=NOW
    )


async def test_an_open_house_has_no_keys_and_says_how_to_have_accounts(house: House) -> None:
    async with client(house) as http:
        page = await http.get("/passkeys")
        enter_page = await http.get("/enter/passkey")

    assert (page.status_code, enter_page.status_code) == (403, 404)
    assert "tidewaiter people add" in page.text


def test_by_command_an_account_is_renewed_and_a_lost_key_removed(
    database_url: str, schema: str, law: Law, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = tmp_path / "key.pem"
    pem.write_bytes(KEY.as_pem(private=True))
    environment = {"DATABASE_URL": database_url, "DATABASE_SCHEMA": schema, "SIGNING_KEY": str(pem)}
    for name, value in environment.items():
        monkeypatch.setenv(f"TIDEWAITER_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")

    async def with_key(device: Device) -> str:
        store = await open_store(database_url, schema=schema, connections_max=4)
        name = await added(guarded(House(settings=Settings(), law=law, store=store, now=lambda: NOW)), device)
        await store.close()
        return name

    def told(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["people", *words])
        return done.exit_code, done.output

    name = asyncio.run(with_key(Device()))

    assert "a device" in told("keys", name)[1]
    assert told("remove-key", name, "another")[0] == 2
    assert told("remove-key", name, "a device")[0] == 0
    assert "a device" not in told("keys", name)[1]
    renewed, output = told("renew", name, "--password", "four other made up words")
    assert (renewed, "otpauth://totp/" in output) == (0, True)
    assert told("renew", name, "--password", "short")[0] == 2
    assert told("renew", "nobody", "--password", PASSWORD)[0] == 2
    assert told("remove", name)[0] == 0
    assert told("renew", name, "--password", PASSWORD)[0] == 2
