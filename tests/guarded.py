"""Builders for a guarded house: machines and people who may call it, and what they send to prove who they are."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from joserfc import jws, jwt
from joserfc.jwk import OKPKey

from make import consignment
from tidewaiter import server
from tidewaiter.access import proofs
from tidewaiter.services import admit, enter
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import lodge
from tidewaiter.settings import Settings
from tidewaiter.store import Person
from tidewaiter.wiring import House

ISSUER = "http://127.0.0.1:8080"
PASSWORD = "four made up words"
KEY = OKPKey.generate_key("Ed25519")


def guarded(house: House, **settings: Any) -> House:
    """The same house with its door kept."""
    given = {name: getattr(house.settings, name) for name in Settings.__struct_fields__}
    return replace(house, settings=Settings(**{**given, "access": "guarded", **settings}), signing_key=KEY)


def client(house: House, **headers: str) -> httpx.AsyncClient:
    """A client of the whole application, API and pages."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(server.application(house), raise_app_exceptions=False),
        base_url=ISSUER,
        headers=headers,
    )


def new_name() -> str:
    return f"m-{secrets.token_hex(4)}"


async def machine(house: House, *, role: str = "filer", filer: str = "", bound: bool = False) -> tuple[str, OKPKey]:
    """A machine that may call: its name and private key."""
    key = OKPKey.generate_key("Ed25519")
    name = new_name()
    own = filer or (f"filer-of-{name}" if role in ("filer", "marketplace", "carrier") else "")
    public = {**key.as_dict(private=False), "kid": "k1", "use": "sig"}
    await house.store.access.add_client(
        admit.client_of(name, public, role=role, filer=own, country="GB", is_bound=bound, at=house.now())
    )
    return name, key


def claims(name: str, at: datetime, **changed: Any) -> dict[str, Any]:
    now = int(at.timestamp())
    told = {
        "iss": name, "sub": name, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16)
    } | changed  # fmt: skip
    return {claim: value for claim, value in told.items() if value is not None}


def signed(key: OKPKey, payload: dict[str, Any], **header: Any) -> str:
    head = {"alg": "Ed25519", "kid": "k1"} | header
    return jwt.encode(head, payload, key, algorithms=["Ed25519", "EdDSA"], default_type=None)


def form(assertion: str, **changed: str | None) -> dict[str, str]:
    told = {
        "grant_type": "client_credentials", "client_assertion_type": proofs.ASSERTION_TYPE,
        "client_assertion": assertion,
    } | changed  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def dpop(key: OKPKey, method: str, path: str, at: datetime, *, token: str | None = None, **changed: Any) -> str:
    told: dict[str, Any] = {
        "jti": secrets.token_urlsafe(16), "htm": method, "htu": ISSUER + path, "iat": int(at.timestamp())
    }  # fmt: skip
    if token is not None:
        told["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    head = {"alg": "Ed25519", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jws.serialize_compact(head, json.dumps(told | changed), key, algorithms=["Ed25519"])


async def token(http: httpx.AsyncClient, house: House, name: str, key: OKPKey) -> str:
    """An access token of that machine."""
    given = await http.post("/v1/token", data=form(signed(key, claims(name, house.now()))))
    assert given.status_code == 200, given.text
    found: str = given.json()["access_token"]
    return found


async def bearer(http: httpx.AsyncClient, house: House, *, role: str = "filer", filer: str = "") -> dict[str, str]:
    """The header of a machine that may call."""
    return {"Authorization": f"Bearer {await token(http, house, *await machine(house, role=role, filer=filer))}"}


async def person(
    house: House, *, role: str = "officer", country: str = "GB", office: str = "", filer: str = ""
) -> tuple[str, bytes]:
    """Someone with an account: the name and the secret of the second factor."""
    name = new_name()
    kept, address = enter.person_of(
        name, PASSWORD, role=role, filer=filer, office=office, country=country, key=KEY, at=house.now()
    )
    await house.store.access.add_person(kept)
    [secret] = parse_qs(urlsplit(address).query)["secret"]
    return name, base64.b32decode(secret)


def code(secret: bytes, at: datetime) -> str:
    return enter.code_at(secret, int(at.timestamp()) // 30)


async def session(
    house: House, *, role: str = "officer", country: str = "GB", office: str = "", filer: str = ""
) -> tuple[str, dict[str, str]]:
    """The name of someone who is logged in, and the headers that say so, those of forms included."""
    kept = Person(
        id=new_name(), role=role, filer=filer, office=office, country=country, password="", second_factor="",
        added_at=house.now(),
    )  # fmt: skip
    await house.store.access.add_person(kept)
    form_token, token = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    await house.store.access.begin_session(
        kept, step=1, token_digest=hashlib.sha256(token.encode()).digest(), form_token=form_token, at=house.now()
    )
    return kept.id, {"Cookie": f"{enter.SESSION_COOKIE}={token}", "Tidewaiter-Form-Token": form_token}


async def lodged_at(house: House, filer: str, *, country: str, office: str) -> int:
    """The number of a consignment that is dealt with at that office."""
    record = consignment(reference=f"{country}-{office}", jurisdiction=country, presentation_office=office)
    message = Message(source="test", data=msgspec.json.encode(record), sender=filer)
    await lodge(message, store=house.store, law=house.law, at=house.now())
    [id] = await house.store.ids_of(record.reference, filer=filer)
    return id
