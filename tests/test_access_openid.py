"""People whom an OpenID provider lets in: the story, and the attacks on it."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from conftest import NOW
from guarded import client, guarded
from provider import CLIENT, SECRET, FakeProvider, running
from tidewaiter.access.openid import Grant, grants_in
from tidewaiter.services.enter import SESSION_COOKIE
from tidewaiter.services.federate import BACK, PROVIDER_COOKIE, account_of
from tidewaiter.settings import SettingsError
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
GRANTS = "dover=officer:GB:GB000060,chiefs=supervisor:GB,acme=filer:acme"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with running() as made:
        made.now = int(NOW.timestamp())
        yield made


@pytest.fixture
def known(house: House, provider: FakeProvider, tmp_path: Path) -> House:
    """A guarded house that lets in whom the provider does."""
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    return guarded(
        house, openid_issuer=provider.issuer, openid_client=CLIENT, openid_secret=secret, openid_grants=GRANTS
    )


async def begun(http: httpx.AsyncClient, wanted: str = "/") -> str:
    """The provider's address to which the browser is sent; what it keeps meanwhile stands in the client's cookies."""
    sent = await http.get("/enter/provider", params={"next": wanted})
    assert sent.status_code == 303
    cookie = sent.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax"))
    http.headers["Cookie"] = cookie.partition(";")[0]
    return str(sent.headers["location"])


async def back(http: httpx.AsyncClient, query: dict[str, str]) -> httpx.Response:
    return await http.get(BACK, params=query)


def let_in(response: httpx.Response) -> str | None:
    """The session cookie that was set, where one was."""
    found = [one for one in response.headers.get_list("set-cookie") if one.startswith(f"{SESSION_COOKIE}=")]
    return found[0].partition(";")[0] if found else None


async def test_a_person_is_let_in_with_the_role_of_the_first_group_and_goes_on(
    known: House, provider: FakeProvider
) -> None:
    provider.claims["groups"] = ["strangers", "chiefs", "dover"]
    async with client(known) as http:
        done = await back(http, provider.log_in(await begun(http, "/?control=hold")))
        session = let_in(done)
        assert session is not None
        listed = await http.get("/", headers={"Cookie": session})
        name = account_of(provider.issuer, "person-1")
        kept = await known.store.access.person(name)
        provider.claims["groups"] = "chiefs"
        again = let_in(await back(http, provider.log_in(await begun(http))))
        changed = await known.store.access.person(name)

    assert 'content="0;url=/?control=hold"' in done.text
    assert "SameSite=strict" in next(one for one in done.headers.get_list("set-cookie") if "strict" in one)
    assert listed.status_code == 200
    assert kept is not None
    assert changed is not None
    assert (kept.role, kept.country, kept.office, kept.password) == ("officer", "GB", "GB000060", "")
    assert (again is not None, changed.role, changed.office) == (True, "supervisor", "")
    assert provider.asked.count("/keys") == provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"nonce": None}, {"nonce": 7},
        {"aud": "another"}, {"aud": [CLIENT, "another"]}, {"aud": None}, {"azp": "another"},
        {"iss": "https://other.example"}, {"iss": None},
        {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 2**40}, {"iat": 1}, {"iat": None},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256},
        {"groups": None}, {"groups": []}, {"groups": ["strangers"]}, {"groups": [["dover"]]}, {"groups": "DOVER"},
        {"groups": {"dover": 1}}, {"groups": ["sysadmin", "admin"]},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_says_something_else_lets_nobody_in(
    known: House, provider: FakeProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    async with client(known) as http:
        done = await back(http, provider.log_in(await begun(http)))

    assert (done.status_code, let_in(done)) == (403, None)


def forged(provider: FakeProvider, nonce: str, how: str) -> str:
    told = {
        "iss": provider.issuer, "sub": "person-1", "aud": CLIENT, "iat": provider.now, "exp": provider.now + 300,
        "nonce": nonce, "groups": ["dover"],
    }  # fmt: skip

    def part(data: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()

    if how == "none":
        return f"{part({'alg': 'none'})}.{part(told)}."
    if how == "public key as secret":
        assert isinstance(provider.key, RSAKey)
        text = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(told)}"
        digest = hmac.digest(provider.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    if how == "own key in the header":
        own = RSAKey.generate_key(2048)
        header = {"alg": "RS256", "jwk": own.as_dict(private=False)}
        return jwt.encode(header, told, own, algorithms=["RS256"])
    if how == "another key":
        return jwt.encode({"alg": "RS256", "kid": "one"}, told, RSAKey.generate_key(2048), algorithms=["RS256"])
    good = jwt.encode({"alg": "RS256", "kid": "one"}, told, provider.key, algorithms=["RS256"])
    if how == "payload changed":
        head, _, mark = good.split(".")
        return f"{head}.{part({**told, 'groups': ['chiefs']})}.{mark}"
    return {"padded": good + "=", "good": good, "nonsense": "x.y.z", "empty": "", "long": good + "A" * 20_000}[how]


@pytest.mark.parametrize(
    "how",
    ["good", "none", "public key as secret", "own key in the header", "another key", "payload changed", "padded",
     "nonsense", "long"],
)  # fmt: skip
async def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    known: House, provider: FakeProvider, how: str
) -> None:
    async with client(known) as http:
        query = provider.log_in(await begun(http))
        provider.forge = forged(provider, provider._codes[query["code"]]["nonce"], how)
        done = await back(http, query)

    # The first shows that the others fail for what is wrong with them.
    assert (let_in(done) is not None) == (how == "good")


@pytest.mark.parametrize(
    "changed",
    [{"state": "another"}, {"state": ""}, {"iss": "https://other.example"}, {"iss": None}, {"code": "another"},
     {"code": None}, {"error": "access_denied", "code": None}],
    ids=str,
)  # fmt: skip
async def test_an_answer_of_another_log_in_or_of_another_issuer_lets_nobody_in(
    known: House, provider: FakeProvider, changed: dict[str, str | None]
) -> None:
    async with client(known) as http:
        query: dict[str, str | None] = {**provider.log_in(await begun(http)), **changed}
        done = await back(http, {name: value for name, value in query.items() if value is not None})

    assert (done.status_code, let_in(done)) == (403, None)


async def test_an_answer_counts_once_in_the_browser_that_began_and_in_time(
    known: House, provider: FakeProvider
) -> None:
    async with client(known) as http, client(known) as other:
        query = provider.log_in(await begun(http))
        await begun(other)
        stolen = await back(other, query)
        bare = await http.get(BACK, params=query, headers={"Cookie": ""})
        spoiled = await http.get(BACK, params=query, headers={"Cookie": f"{PROVIDER_COOKIE}=AAAA"})
        twice = await http.get(f"{BACK}?state=x&state={query['state']}&code=c")
        first = await back(http, query)
        again = await back(http, query)
        slow = provider.log_in(await begun(http))
    async with client(replace(known, now=lambda: NOW + timedelta(seconds=601))) as later:
        late = await later.get(BACK, params=slow, headers={"Cookie": http.headers["Cookie"]})

    assert [let_in(one) for one in (stolen, bare, spoiled, twice, again, late)] == [None] * 6
    assert let_in(first) is not None


async def test_a_provider_that_calls_itself_another_or_is_away_lets_nobody_in(
    known: House, provider: FakeProvider
) -> None:
    async with client(known) as http:
        for wrong in (
            {"issuer": "https://other.example"}, {"token_endpoint": "http://other.example/token"},
            {"jwks_uri": "file:///etc/passwd"}, {"authorization_endpoint": None},
        ):  # fmt: skip
            provider.described = wrong
            assert (await http.get("/enter/provider")).status_code == 503


async def test_a_new_key_of_the_provider_is_asked_for_and_not_too_often(known: House, provider: FakeProvider) -> None:
    clock = [NOW]
    moving = replace(known, now=lambda: clock[0])
    async with client(moving) as http:

        async def tried() -> bool:
            provider.now = int(clock[0].timestamp())
            return let_in(await back(http, provider.log_in(await begun(http)))) is not None

        assert await tried()
        provider.key, provider.kid = RSAKey.generate_key(2048), "two"
        assert not await tried()
        assert provider.asked.count("/keys") == 1
        clock[0] += timedelta(seconds=61)
        assert await tried()
        assert provider.asked.count("/keys") == 2


async def test_an_account_that_was_removed_here_stays_shut_and_has_no_password(
    known: House, provider: FakeProvider
) -> None:
    name = account_of(provider.issuer, "person-1")
    async with client(known) as http:
        session = let_in(await back(http, provider.log_in(await begun(http))))
        assert session is not None
        by_password = await http.post("/enter", data={"name": name, "password": "", "code": "000000"})
        await known.store.access.remove_person(name, at=NOW)
        gone = await http.get("/", headers={"Cookie": session})
        again = await back(http, provider.log_in(await begun(http)))

    assert (by_password.status_code, gone.status_code, let_in(again)) == (403, 303, None)


async def test_a_wanted_page_is_one_of_this_house(known: House, provider: FakeProvider) -> None:
    async with client(known) as http:
        for wanted in ("https://other.example/", "//other.example", "/\\other.example", "javascript:alert(1)"):
            done = await back(http, provider.log_in(await begun(http, wanted)))
            assert 'content="0;url=/"' in done.text


async def test_grants_are_read_and_none_makes_an_administrator(house: House) -> None:
    assert grants_in(GRANTS) == (
        Grant("dover", "officer", country="GB", office="GB000060"),
        Grant("chiefs", "supervisor", country="GB"),
        Grant("acme", "filer", filer="acme"),
    )
    for wrong in (
        "dover",
        "a=sysadmin:GB",
        "a=public",
        "a=officer",
        "a=officer:gb",
        "a=filer",
        "a=filer:x:y",
        "a=king:GB",
    ):
        with pytest.raises(SettingsError, match="GRANTS"):
            guarded(house, openid_issuer="https://id.example", openid_client="x", openid_grants=wrong)
    with pytest.raises(SettingsError, match="CLIENT"):
        guarded(house, openid_issuer="https://id.example")
    with pytest.raises(SettingsError, match="https"):
        guarded(house, openid_issuer="http://id.example", openid_client="x")
