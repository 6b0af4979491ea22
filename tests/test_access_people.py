"""People at a guarded door: logging in with a password and a second factor, and what a session is good for."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from conftest import NOW
from guarded import KEY, PASSWORD, client, code, guarded, lodged_at, person, session
from tidewaiter.services import enter
from tidewaiter.services.enter import CannotAdd, NotLetIn, code_at, person_of
from tidewaiter.store import NameTaken
from tidewaiter.web import words
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords that cost little to try; what they cost in earnest is in a test of its own."""
    monkeypatch.setattr(enter, "_COST", 2**10)
    enter._nobodys.cache_clear()
    yield
    enter._nobodys.cache_clear()


@pytest.fixture
def kept(house: House) -> House:
    return guarded(house)


def test_a_password_costs_what_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert enter.hashed(PASSWORD).startswith("scrypt$32768$8$3$")


@pytest.fixture
async def http(kept: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client(kept) as opened:
        yield opened


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_the_standard(seconds: int, expected: str) -> None:
    """RFC 6238, Appendix B, for SHA-1, of which the last six of eight digits are shown here."""
    assert code_at(b"12345678901234567890", seconds // 30) == expected


async def test_a_person_logs_in_looks_and_logs_out(kept: House, http: httpx.AsyncClient) -> None:
    name, secret = await person(kept)
    away = await http.get("/?control=hold")
    form = await http.get(away.headers["location"])
    entered = await http.post(
        "/enter", data={"name": name, "password": PASSWORD, "code": code(secret, NOW), "next": "/?control=hold"}
    )
    cookie = entered.headers["set-cookie"]
    known = {"Cookie": cookie.partition(";")[0]}
    page = await http.get("/", headers=known)
    [token] = re.findall(r'action="/leave".*?name="form_token" value="([^"]+)"', page.text, re.DOTALL)
    left = await http.post("/leave", data={"form_token": token}, headers=known)
    after = await http.get("/", headers=known)

    assert (away.status_code, away.headers["location"]) == (303, "/enter?next=%2F%3Fcontrol%3Dhold")
    assert 'value="/?control=hold"' in form.text
    assert (entered.status_code, entered.headers["location"]) == (303, "/?control=hold")
    assert cookie.startswith("__Host-")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert (page.status_code, f"You are {name}." in page.text) == (200, True)
    assert (left.status_code, after.status_code) == (303, 303)


async def test_whatever_is_wrong_is_answered_alike(kept: House, http: httpx.AsyncClient) -> None:
    name, secret = await person(kept)
    right = {"name": name, "password": PASSWORD, "code": code(secret, NOW)}
    wrong = [
        {"name": "nobody-of-that-name"}, {"name": "No such Name\x00"}, {"password": "another made up one"},
        {"code": "000000" if right["code"] != "000000" else "000001"}, {"code": ""},
    ]  # fmt: skip
    answers = [await http.post("/enter", data=right | changed) for changed in wrong]
    await kept.store.access.remove_person(name, at=NOW)
    answers.append(await http.post("/enter", data=right))

    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


async def test_a_code_counts_once_and_an_older_one_never_after_it(kept: House) -> None:
    name, secret = await person(kept)
    before = NOW - timedelta(seconds=30)

    async def tried(at_code: datetime) -> bool:
        try:
            await enter.enter(name, PASSWORD, code(secret, at_code), store=kept.store, key=KEY, at=NOW)
        except NotLetIn:
            return False
        return True

    assert not await tried(NOW - timedelta(seconds=60))
    assert await tried(NOW)
    assert not await tried(NOW)
    assert not await tried(before)


async def test_of_many_with_the_same_code_at_once_one_gets_in(kept: House) -> None:
    name, secret = await person(kept)

    async def tried() -> bool:
        try:
            await enter.enter(name, PASSWORD, code(secret, NOW), store=kept.store, key=KEY, at=NOW)
        except NotLetIn:
            return False
        return True

    assert sum(await asyncio.gather(*(tried() for _ in range(4)))) == 1


async def test_after_failures_an_account_rests_longer_each_time_and_opens_again(kept: House) -> None:
    name, secret = await person(kept)
    access = kept.store.access
    at, rests = NOW, []
    for _ in range(14):
        tried = await access.try_person(
            name, at=at, free=enter.FAILURES_FREE, rest_s=enter.REST_S, rest_s_max=enter.REST_S_MAX
        )
        assert tried is not None
        until = tried.locked_until
        rests.append(0 if until is None else int((until - at).total_seconds()))
        if until is not None:
            with pytest.raises(NotLetIn):
                await enter.enter(
                    name, PASSWORD, code(secret, until - timedelta(seconds=1)), store=kept.store, key=KEY,
                    at=until - timedelta(seconds=1),
                )  # fmt: skip
            at = until

    entered = await enter.enter(name, PASSWORD, code(secret, at), store=kept.store, key=KEY, at=at)

    assert rests == [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    kept_person = await access.person(entered.person.id)
    assert kept_person is not None
    assert kept_person.failures == 0


async def test_of_a_flood_of_tries_no_more_are_let_through_than_are_free(kept: House) -> None:
    name, _ = await person(kept)
    tried = await asyncio.gather(
        *(
            kept.store.access.try_person(name, at=NOW, free=5, rest_s=30, rest_s_max=3600)
            for _ in range(40)
        )
    )  # fmt: skip

    assert sum(one is not None for one in tried) == 5


@pytest.mark.parametrize(
    ("unused", "since", "holds"),
    [(0, 0, True), (1800, 1800, True), (1801, 1801, False), (60, 12 * 3600, True), (60, 12 * 3600 + 1, False)],
)
async def test_a_session_ends_unused_and_in_any_case(kept: House, unused: int, since: int, holds: bool) -> None:
    clock = [NOW]
    house = replace(kept, now=lambda: clock[0])
    _, headers = await session(kept)
    async with kept.store._pool.acquire() as connection:
        await connection.execute(
            "update sessions set began_at = $1, seen_at = $2 where form_token = $3",
            NOW - timedelta(seconds=since), NOW - timedelta(seconds=unused), headers["Tidewaiter-Form-Token"],
        )  # fmt: skip
    async with client(house) as http:
        page = await http.get("/", headers=headers)

    assert page.status_code == (200 if holds else 303)


@pytest.mark.parametrize(
    "wanted",
    ["https://other.example/", "//other.example", "/\\other.example", "\\\\other.example", "javascript:alert(1)", "",
     "/x\r\nSet-Cookie: a=b"],
)  # fmt: skip
async def test_a_log_in_leads_to_no_other_house(http: httpx.AsyncClient, wanted: str) -> None:
    page = await http.get("/enter", params={"next": wanted})

    assert '<input type="hidden" name="next" value="/">' in page.text


@pytest.mark.parametrize(
    "cookie", ["__Host-tidewaiter=", "__Host-tidewaiter=x", "__Host-tidewaiter=\x80", "a;;=b", "x" * 5000]
)
async def test_a_cookie_of_nobody_is_nobodys(http: httpx.AsyncClient, cookie: str) -> None:
    assert (await http.get("/", headers=[(b"Cookie", cookie.encode("latin-1"))])).status_code == 303


@pytest.mark.parametrize("language", words.languages())
async def test_the_form_is_whole_in_each_language(http: httpx.AsyncClient, language: str) -> None:
    page = (await http.get("/enter", params={"lang": language})).text

    for name in ("name", "password", "code"):
        assert f'<label for="{name}">' in page
    assert "<script" not in page
    assert 'autocomplete="current-password"' in page
    assert 'autocomplete="one-time-code"' in page


async def test_an_open_house_says_so_on_its_pages_and_a_guarded_one_does_not(
    house: House, http: httpx.AsyncClient
) -> None:
    async with client(house) as opened:
        page = (await opened.get("/")).text
    _, headers = await session(guarded(house))

    assert "This house is open" in page
    assert "This house is open" not in (await http.get("/", headers=headers)).text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": "Big Name"}, "a name has"), ({"role": "king"}, "a role is one of"), ({"role": "public"}, "a role is"),
        ({"country": ""}, "serves a country"), ({"filer": "f"}, "has no filer"), ({"role": "filer"}, "needs the name"),
        ({"password": "short"}, "a password has"), ({"password": "x" * 129}, "a password has"),
    ],
)  # fmt: skip
async def test_an_account_that_cannot_be_is_refused(changed: dict[str, str], said: str) -> None:
    given = {"id": "x", "password": PASSWORD, "role": "officer", "country": "GB"} | changed

    with pytest.raises(CannotAdd, match=said):
        person_of(given.pop("id"), given.pop("password"), key=KEY, at=NOW, **given)


async def test_a_renewed_account_has_another_way_in_and_no_session_of_before(kept: House) -> None:
    name, secret = await person(kept)
    before = await enter.enter(name, PASSWORD, code(secret, NOW), store=kept.store, key=KEY, at=NOW)
    anew, address = enter.renewed(before.person, "another made up one", key=KEY)
    renewed = await kept.store.access.renew_person(anew, at=NOW)
    later = NOW + timedelta(minutes=2)

    assert renewed
    assert await enter.session_of(before.token, store=kept.store, at=NOW) is None
    with pytest.raises(NotLetIn):
        await enter.enter(name, PASSWORD, code(secret, later), store=kept.store, key=KEY, at=later)
    fresh = base64.b32decode(address.partition("secret=")[2].partition("&")[0])
    entered = await enter.enter(name, "another made up one", code(fresh, later), store=kept.store, key=KEY, at=later)
    assert entered.person.id == name


async def test_what_was_removed_or_a_provider_lets_in_is_not_renewed(kept: House) -> None:
    name, _ = await person(kept)
    found = await kept.store.access.person(name)
    assert found is not None
    await kept.store.access.remove_person(name, at=NOW)
    federated, _ = await session(kept)
    without = await kept.store.access.person(federated)
    assert without is not None

    for one in (found, without):
        anew, _ = enter.renewed(one, PASSWORD, key=KEY)
        assert not await kept.store.access.renew_person(anew, at=NOW)


async def test_a_name_is_given_once(kept: House) -> None:
    name, _ = await person(kept)
    again, _ = person_of(name, PASSWORD, role="officer", country="GB", key=KEY, at=NOW)

    with pytest.raises(NameTaken):
        await kept.store.access.add_person(again)


async def test_neither_password_nor_secret_nor_token_is_kept_as_it_is(kept: House, http: httpx.AsyncClient) -> None:
    name, secret = await person(kept)
    entered = await http.post("/enter", data={"name": name, "password": PASSWORD, "code": code(secret, NOW)})
    token = entered.headers["set-cookie"].partition("=")[2].partition(";")[0]

    async with kept.store._pool.acquire() as connection:
        people = str([tuple(row) for row in await connection.fetch("select * from people where id = $1", name)])
        sessions = str(
            [tuple(row) for row in await connection.fetch("select * from sessions where person_id = $1", name)]
        )
    assert PASSWORD not in people
    assert secret.hex() not in people
    assert token not in sessions


async def test_broken_glass_shows_what_another_office_deals_with_for_an_hour_and_lets_nothing_be_done(
    kept: House, filer: str
) -> None:
    clock = [NOW]
    house = replace(kept, now=lambda: clock[0])
    here, there, abroad = [
        await lodged_at(house, filer, country=country, office=office)
        for country, office in (("GB", "000011"), ("GB", "000060"), ("FR", "000060"))
    ]
    name, headers = await session(house, office="000011")
    form = {"form_token": headers["Tidewaiter-Form-Token"], "reason": "seen at the wrong gate"}

    async with client(house) as http:

        async def statuses() -> list[int]:
            pages = [await http.get(f"/consignments/{id}", headers=headers) for id in (here, there, abroad)]
            return [page.status_code for page in pages]

        before = await statuses()
        without = await http.post("/break-glass", data=form, headers=headers)
        unsaid = await http.post("/break-glass", data=form | {"reason": "", "case": "C-17"}, headers=headers)
        broken = await http.post("/break-glass", data=form | {"case": "C-17"}, headers=headers)
        during = await statuses()
        page = (await http.get(f"/consignments/{there}?personal=yes", headers=headers)).text
        act = await http.post(f"/consignments/{there}/release", data=form, headers=headers)
        receipt = await http.get(f"/consignments/{there}/receipt", headers=headers)
        clock[0] = NOW + timedelta(minutes=29)
        await statuses()
        clock[0] = NOW + timedelta(minutes=58)
        late = await statuses()
        clock[0] = NOW + timedelta(minutes=60)
        after = await statuses()
    async with kept.store._pool.acquire() as connection:
        read = await connection.fetch(
            "select r.consignment_id from glass_reads r join openings o on o.id = r.opening_id where person_id = $1",
            name,
        )
        reasons = await connection.fetchval(
            "select count(*) from vault_reads where reader = $1 and purpose = 'control' and consignment_ids = $2",
            name, [there],
        )  # fmt: skip

    assert [without.status_code, unsaid.status_code, broken.status_code] == [409, 409, 303]
    assert (before, during, late, after) == ([200, 404, 404], [200, 200, 404], [200, 200, 404], [200, 404, 404])
    assert "through broken glass until" in page
    assert "Pat Example" in page
    assert 'action="/consignments/' not in page
    assert (act.status_code, receipt.status_code) == (404, 404)
    assert {row["consignment_id"] for row in read} == {there}
    assert len(read) == 4
    assert reasons == 1
