"""Machines at a guarded door: who gets a token, and what a token is good for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from typer.testing import CliRunner

from conftest import NOW
from guarded import ISSUER, KEY, bearer, claims, client, dpop, form, guarded, machine, signed, token
from make import consignment
from tidewaiter.access import proofs
from tidewaiter.access.signed import ALGORITHMS, Unfit, public_keys, read
from tidewaiter.cli import app
from tidewaiter.services import admit
from tidewaiter.settings import SettingsError
from tidewaiter.store import NameTaken, open_store
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio
VECTORS = Path(__file__).resolve().parents[2] / "shared" / "data" / "hostile" / "wycheproof"
EVERY = ("HS256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", *ALGORITHMS)
ORDER = msgspec.json.encode(consignment())
RIGHTLY_SIGNED = {367, 370}
"""Called invalid for a padding that is not in their bytes: what is there is rightly signed, as a test shows."""


@pytest.fixture
def kept(house: House) -> House:
    return guarded(house)


@pytest.fixture
async def http(kept: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client(kept) as opened:
        yield opened


def vectors() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    if not VECTORS.exists():
        pytest.skip(f"the vectors of Wycheproof are not at {VECTORS}")
    groups = json.loads((VECTORS / "json_web_signature_test.json").read_bytes())["testGroups"]
    return [(group.get("public") or group["private"], test) for group in groups for test in group["tests"]]


def is_read(key: dict[str, Any], test: dict[str, Any], *algorithms: str) -> bool:
    text = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
    try:
        read(text, key, algorithms=algorithms)
    except Unfit:
        return False
    return True


def test_no_invalid_signature_of_wycheproof_counts_as_a_machines() -> None:
    invalid = [(key, test) for key, test in vectors() if test["result"] == "invalid"]

    assert len(invalid) == 355
    assert [test["tcId"] for key, test in invalid if is_read(key, test, *ALGORITHMS)] == []


def test_with_every_algorithm_let_in_only_what_is_rightly_signed_is_read() -> None:
    wrongly = {test["tcId"] for key, test in vectors() if test["result"] == "invalid" and is_read(key, test, *EVERY)}
    rightly = [test for key, test in vectors() if test["result"] == "valid" and is_read(key, test, *EVERY)]

    assert wrongly == RIGHTLY_SIGNED
    assert len(rightly) >= 38


def test_the_two_that_are_read_though_called_invalid_are_rightly_signed() -> None:
    for key, test in vectors():
        if test["tcId"] in RIGHTLY_SIGNED:
            header, payload, signature = test["jws"].split(".")
            secret = base64.urlsafe_b64decode(key["k"] + "=")
            made = hmac.digest(secret, f"{header}.{payload}".encode(), hashlib.sha256)

            assert base64.urlsafe_b64encode(made).rstrip(b"=").decode() == signature


async def test_a_machine_that_proves_who_it_is_lodges_in_the_name_of_its_filer(
    kept: House, http: httpx.AsyncClient, filer: str
) -> None:
    known = await bearer(http, kept, filer=filer)

    done = await http.post("/v1/messages", content=ORDER, headers=known)

    assert done.status_code == 200
    assert len(await kept.store.ids_of("ORDER-0001", filer=filer)) == 1
    assert (await http.get("/v1/consignments/ORDER-0001", headers=known)).status_code == 200
    receipt = await http.get("/v1/consignments/ORDER-0001/receipt", headers=known)
    assert receipt.status_code == 200


async def test_what_a_machine_says_of_its_filer_itself_counts_for_nothing(
    kept: House, http: httpx.AsyncClient, filer: str
) -> None:
    await http.post("/v1/messages", content=ORDER, headers=await bearer(http, kept, filer=filer))
    other = await bearer(http, kept) | {"Tidewaiter-Filer": filer}

    assert (await http.get("/v1/consignments/ORDER-0001", headers=other)).status_code == 404


async def test_nobody_lodges_unknown(http: httpx.AsyncClient, filer: str) -> None:
    refused = await http.post("/v1/messages", content=ORDER, headers={"Tidewaiter-Filer": filer})

    assert refused.status_code == 401
    assert refused.json()["code"] == "unknown_caller"
    assert "Bearer" in refused.headers["www-authenticate"]


def _with(name: str, **changed: Any) -> dict[str, Any]:
    return claims(name, NOW, **changed)


def _part(told: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def _forged(text: str, header: dict[str, Any], *, signature: str | None = None) -> str:
    _, payload, was = text.split(".")
    return f"{_part(header)}.{payload}.{was if signature is None else signature}"


def _by_secret(name: str, key: OKPKey) -> str:
    told = f"{_part({'alg': 'HS256', 'kid': 'k1'})}.{_part(_with(name))}"
    made = hmac.digest(key.as_pem(private=False), told.encode(), "sha256")
    return f"{told}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def _changed(text: str) -> str:
    header, payload, signature = text.split(".")
    told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{_part({**told, 'jti': 'another-number'})}.{signature}"


def _respelt(text: str) -> str:
    """The same bytes, written with other unused bits at the end."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) ^ 1]


def _twice(name: str, key: OKPKey) -> str:
    payload = json.dumps(_with(name))[:-1] + f', "sub": "{name}"}}'
    header = _part({"alg": "Ed25519", "kid": "k1"})
    told = f"{header}.{base64.urlsafe_b64encode(payload.encode()).rstrip(b'=').decode()}"
    made = key.private_key.sign(told.encode())  # type: ignore[union-attr]
    return f"{told}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


AT = int(NOW.timestamp())
WRONG: dict[str, Callable[[str, OKPKey], str]] = {
    "made by another": lambda name, key: signed(key, _with(name, iss="other")),
    "about another": lambda name, key: signed(key, _with(name, sub="other")),
    "names nobody": lambda name, key: signed(key, _with(name, sub=None)),
    "says no maker": lambda name, key: signed(key, _with(name, iss=None)),
    "name is a number": lambda name, key: signed(key, _with(name, sub=7)),
    "for another server": lambda name, key: signed(key, _with(name, aud="https://other.example")),
    "for the endpoint and not the issuer": lambda name, key: signed(key, _with(name, aud=f"{ISSUER}/v1/token")),
    "for several servers": lambda name, key: signed(key, _with(name, aud=[ISSUER, "https://other.example"])),
    "for a list of one": lambda name, key: signed(key, _with(name, aud=[ISSUER])),
    "for nobody": lambda name, key: signed(key, _with(name, aud=None)),
    "with a slash more": lambda name, key: signed(key, _with(name, aud=f"{ISSUER}/")),
    "over": lambda name, key: signed(key, _with(name, exp=AT - 1)),
    "over this second": lambda name, key: signed(key, _with(name, exp=AT)),
    "never over": lambda name, key: signed(key, _with(name, exp=None)),
    "valid for a day": lambda name, key: signed(key, _with(name, exp=AT + 86_400)),
    "end is a text": lambda name, key: signed(key, _with(name, exp=str(AT + 60))),
    "end is true": lambda name, key: signed(key, _with(name, exp=True)),
    "end is beyond all clocks": lambda name, key: signed(key, _with(name, exp=10**30)),
    "end is a list": lambda name, key: signed(key, _with(name, exp=[AT + 60])),
    "not yet valid": lambda name, key: signed(key, _with(name, nbf=AT + 60)),
    "made in the future": lambda name, key: signed(key, _with(name, iat=AT + 60)),
    "without a number of its own": lambda name, key: signed(key, _with(name, jti=None)),
    "its number is too short": lambda name, key: signed(key, _with(name, jti="1")),
    "its number is no text": lambda name, key: signed(key, _with(name, jti=12345678)),
    "its number is endless": lambda name, key: signed(key, _with(name, jti="x" * 4000)),
    "its number has a nought byte": lambda name, key: signed(key, _with(name, jti="12345678\x00")),
    "by another key": lambda name, _: signed(OKPKey.generate_key("Ed25519"), _with(name)),
    "by a key that is not registered": lambda name, key: signed(key, _with(name), kid="k2"),
    "of the type of an access token": lambda name, key: signed(key, _with(name), typ="at+jwt"),
    "of the type of a proof": lambda name, key: signed(key, _with(name), typ="dpop+jwt"),
    "with its key inside": lambda name, key: signed(key, _with(name), jwk=key.as_dict(private=False)),
    "with an address of keys": lambda name, key: signed(key, _with(name), jku="https://keys.example"),
    "signed by nobody": lambda name, key: _forged(signed(key, _with(name)), {"alg": "none"}, signature=""),
    "none in another spelling": lambda name, key: _forged(signed(key, _with(name)), {"alg": "nOnE"}, signature=""),
    "by the public key as a secret": _by_secret,
    "by another algorithm's name": lambda name, key: _forged(signed(key, _with(name)), {"alg": "ES256", "kid": "k1"}),
    "without an algorithm": lambda name, key: _forged(signed(key, _with(name)), {"kid": "k1"}),
    "changed": lambda name, key: _changed(signed(key, _with(name))),
    "its signature cut": lambda name, key: signed(key, _with(name))[:-4],
    "its signature padded": lambda name, key: signed(key, _with(name)) + "==",
    "its signature in another spelling": lambda name, key: _respelt(signed(key, _with(name))),
    "with a line end": lambda name, key: signed(key, _with(name)) + "\n",
    "of two parts": lambda name, key: signed(key, _with(name)).rpartition(".")[0],
    "of four parts": lambda name, key: signed(key, _with(name)) + ".e30",
    "no signed text": lambda _, __: "a.b.c",
    "empty": lambda _, __: "..",
    "a name said twice": _twice,
    "endless": lambda name, key: signed(key, _with(name, more="x" * 20_000)),
    "our own access token": lambda name, _: proofs.token(name, key=KEY, issuer=ISSUER, id="12345678", now=NOW),
}  # fmt: skip


async def test_every_assertion_that_is_not_quite_right_is_refused_alike(kept: House, http: httpx.AsyncClient) -> None:
    name, key = await machine(kept)
    let_in, said = [], set()

    for what, make in WRONG.items():
        refused = await http.post("/v1/token", data=form(make(name, key)))
        said.add(refused.text)
        if refused.status_code != 401:
            let_in.append((what, refused.status_code))

    assert len(WRONG) >= 45
    assert let_in == []
    assert said == {'{"error":"invalid_client"}'}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"client_assertion_type": "other"}, "invalid_client"),
        ({"client_assertion": None}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
    ],
)
async def test_a_form_that_asks_for_something_else_is_refused(
    kept: House, http: httpx.AsyncClient, changed: dict[str, str | None], error: str
) -> None:
    name, key = await machine(kept)

    refused = await http.post("/v1/token", data=form(signed(key, claims(name, NOW)), **changed))

    assert refused.json() == {"error": error}


async def test_a_form_with_a_field_twice_or_none_at_all_is_refused(kept: House, http: httpx.AsyncClient) -> None:
    name, key = await machine(kept)
    body = str(httpx.QueryParams(form(signed(key, claims(name, NOW)))))
    typed = {"Content-Type": "application/x-www-form-urlencoded"}

    for content, headers in ((f"{body}&grant_type=client_credentials", typed), (body, {}), ("", typed)):
        refused = await http.post("/v1/token", content=content, headers=headers)
        assert refused.json()["error"] in ("invalid_request", "unsupported_grant_type")


async def test_an_assertion_is_taken_once_also_after_a_restart(
    kept: House, http: httpx.AsyncClient, database_url: str, schema: str
) -> None:
    name, key = await machine(kept)
    assertion = signed(key, claims(name, NOW))

    first = await http.post("/v1/token", data=form(assertion))
    again = await http.post("/v1/token", data=form(assertion))
    reopened = await open_store(database_url, schema=schema)
    async with client(replace(kept, store=reopened)) as restarted:
        later = await restarted.post("/v1/token", data=form(assertion))
    await reopened.close()

    assert [first.status_code, again.status_code, later.status_code] == [200, 401, 401]


@pytest.mark.parametrize("kind", [lambda: ECKey.generate_key("P-256"), lambda: RSAKey.generate_key(2048)])
async def test_a_machine_may_sign_with_other_keys(
    kept: House, http: httpx.AsyncClient, kind: Callable[[], ECKey | RSAKey]
) -> None:
    key, name = kind(), f"m-{secrets.token_hex(4)}"
    algorithm = "ES256" if isinstance(key, ECKey) else "PS256"
    kept_client = admit.client_of(name, key.as_dict(private=False), role="filer", filer=name, at=NOW)
    await kept.store.access.add_client(kept_client)

    assertion = jwt.encode({"alg": algorithm}, claims(name, NOW), key, algorithms=[algorithm])
    given = await http.post("/v1/token", data=form(assertion))

    assert given.status_code == 200


def _short() -> dict[str, str]:
    """A public RSA key of 1024 bits."""
    number = rsa.generate_private_key(65_537, 1024).public_key().public_numbers().n
    return {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(number.to_bytes(128, "big")).rstrip(b"=").decode()}


@pytest.mark.parametrize(
    "key",
    [
        OKPKey.generate_key("Ed25519").as_dict(private=True),
        OctKey.generate_key(256).as_dict(),
        OKPKey.generate_key("X25519").as_dict(private=False),
        ECKey.generate_key("P-521").as_dict(private=False),
        {**OKPKey.generate_key("Ed25519").as_dict(private=False), "use": "enc"},
        {**OKPKey.generate_key("Ed25519").as_dict(private=False), "key_ops": ["sign"]},
        {**RSAKey.generate_key(2048).as_dict(private=False), "alg": "RS256"},
        _short(),
        {"kty": "OKP"}, {}, [], "text", {"keys": []}, {"keys": ["text"]},
        {"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False) for _ in range(2)]},
    ],
)  # fmt: skip
async def test_a_key_that_cannot_be_used_is_not_kept(key: object) -> None:
    with pytest.raises(Unfit):
        public_keys(key)
    with pytest.raises(admit.CannotAdd):
        admit.client_of("m", key, role="filer", filer="f", at=NOW)


async def test_a_machine_is_never_an_officer_and_a_name_is_given_once(kept: House) -> None:
    name, key = await machine(kept)
    public = key.as_dict(private=False)
    with pytest.raises(admit.CannotAdd, match="a machine is one of"):
        admit.client_of("m", public, role="officer", at=NOW)
    with pytest.raises(admit.CannotAdd, match="needs the name of its filer"):
        admit.client_of("m", public, role="filer", at=NOW)
    await kept.store.access.revoke_client(name, at=NOW)

    with pytest.raises(NameTaken):
        await kept.store.access.add_client(admit.client_of(name, public, role="filer", filer="f", at=NOW))


async def test_a_revoked_machine_gets_no_token_and_its_last_one_ends(kept: House) -> None:
    clock = [NOW]
    house = replace(kept, now=lambda: clock[0])
    name, key = await machine(kept)
    async with client(house) as moving:
        known = {"Authorization": f"Bearer {await token(moving, house, name, key)}"}
        before = await moving.get("/v1/consignments/none", headers=known)
        await kept.store.access.revoke_client(name, at=NOW)
        clock[0] = NOW + timedelta(seconds=admit.KNOWN_S)
        after = await moving.get("/v1/consignments/none", headers=known)
        refused = await moving.post("/v1/token", data=form(signed(key, claims(name, clock[0]))))

    assert [before.status_code, after.status_code, refused.status_code] == [404, 401, 401]


async def test_a_token_is_over_after_five_minutes(kept: House) -> None:
    clock = [NOW]
    house = replace(kept, now=lambda: clock[0])
    async with client(house) as moving:
        known = await bearer(moving, house)
        clock[0] = NOW + timedelta(seconds=proofs.TOKEN_S - 1)
        before = await moving.get("/v1/consignments/none", headers=known)
        clock[0] = NOW + timedelta(seconds=proofs.TOKEN_S)
        after = await moving.get("/v1/consignments/none", headers=known)

    assert [before.status_code, after.status_code] == [404, 401]


async def test_a_token_of_another_installation_or_changed_counts_for_nothing(
    kept: House, http: httpx.AsyncClient
) -> None:
    name, key = await machine(kept)
    own = await token(http, kept, name, key)
    foreign = proofs.token(name, key=OKPKey.generate_key("Ed25519"), issuer=ISSUER, id="12345678", now=NOW)
    elsewhere = proofs.token(name, key=KEY, issuer="https://other.example", id="12345678", now=NOW)
    wrong = [
        foreign, elsewhere, own[:-2], _respelt(own), _changed(own), signed(key, claims(name, NOW)), "", "x",
        _forged(own, {"alg": "none", "typ": "at+jwt"}, signature=""),
    ]  # fmt: skip

    for told in wrong:
        refused = await http.get("/v1/consignments/none", headers={"Authorization": f"Bearer {told}"})
        assert refused.status_code == 401, told
    assert (await http.get("/v1/consignments/none", headers={"Authorization": f"Basic {own}"})).status_code == 401


async def test_a_bound_token_is_good_with_its_key_alone_and_each_proof_once(
    kept: House, http: httpx.AsyncClient
) -> None:
    name, key = await machine(kept, bound=True)
    own, path = OKPKey.generate_key("Ed25519"), "/v1/consignments/none"

    unbound = await http.post("/v1/token", data=form(signed(key, claims(name, NOW))))
    given = await http.post(
        "/v1/token", data=form(signed(key, claims(name, NOW))),
        headers={"DPoP": dpop(own, "POST", "/v1/token", NOW)},
    )  # fmt: skip
    bound = given.json()["access_token"]

    async def asked(proof: str | None, *, scheme: str = "DPoP") -> int:
        headers = {"Authorization": f"{scheme} {bound}"} | ({"DPoP": proof} if proof else {})
        return (await http.get(path, headers=headers)).status_code

    right = dpop(own, "GET", path, NOW, token=bound)
    assert unbound.json() == {"error": "invalid_dpop_proof"}
    assert given.json()["token_type"] == "DPoP"
    assert await asked(right) == 404
    assert await asked(right) == 401
    other = OKPKey.generate_key("Ed25519")
    for proof in (
        None, dpop(other, "GET", path, NOW, token=bound), dpop(own, "POST", path, NOW, token=bound),
        dpop(own, "GET", "/v1/consignments/other", NOW, token=bound), dpop(own, "GET", path, NOW),
        dpop(own, "GET", path, NOW, token="other"), dpop(own, "GET", path, NOW - timedelta(minutes=2), token=bound),
        dpop(own, "GET", path, NOW + timedelta(minutes=2), token=bound), "a.b.c", "",
    ):  # fmt: skip
        assert await asked(proof) == 401
    assert await asked(dpop(own, "GET", path, NOW, token=bound), scheme="Bearer") == 401


async def test_a_guarded_house_without_a_key_is_not_served(kept: House) -> None:
    with pytest.raises(SettingsError, match="TIDEWAITER_SIGNING_KEY"):
        client(replace(kept, signing_key=None))


async def test_what_may_be_forgotten_is(kept: House, filer: str) -> None:
    access = kept.store.access

    assert await access.use_once(filer, "one", until=NOW, now=NOW)
    assert not await access.use_once(filer, "one", until=NOW, now=NOW)
    for number in range(12):
        await access.use_once(filer, f"n{number}", until=NOW + timedelta(days=2), now=NOW + timedelta(days=1))
    assert await access.use_once(filer, "one", until=NOW, now=NOW)


def test_machines_are_added_listed_and_revoked_by_command(
    database_url: str, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWAITER_DATABASE_URL", database_url)
    monkeypatch.setenv("TIDEWAITER_DATABASE_SCHEMA", schema)
    monkeypatch.setenv("COLUMNS", "200")
    name = f"m-{secrets.token_hex(4)}"
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=False)))
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)))

    def told(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["clients", *words])
        return done.exit_code, done.output

    assert told("add", name, str(keys), "--filer", "shop")[0] == 0
    assert name in told("list")[1]
    assert told("add", name, str(keys), "--filer", "shop")[0] == 2
    assert "only public ones are taken" in told("add", f"{name}-x", str(secret), "--filer", "shop")[1].replace(
        "\n", " "
    )
    assert told("revoke", name)[0] == 0
    assert told("revoke", name)[0] == 2
