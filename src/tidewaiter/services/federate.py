"""Letting people in by an OpenID provider: authorization code with PKCE, one log-in for one browser, once.

What a log-in needs to know again when the person comes back stands sealed in a cookie of that browser; that it was used
is written down, so that it is used once. The account follows from issuer and subject, its role from the groups, anew at
each log-in; one that was removed here stays shut.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import OKPKey

from tidewaiter.access import openid, signed
from tidewaiter.access.openid import Grant
from tidewaiter.access.signed import Unfit
from tidewaiter.exchange.asking import NoAnswer, ask, is_askable
from tidewaiter.services.enter import Entered, NotLetIn, new_session, sealing_key
from tidewaiter.store import Person, Store

log = logging.getLogger("tidewaiter.access")

PROVIDER_COOKIE = "__Host-tidewaiter-provider"
BACK = "/enter/provider/back"
LOGIN_S = 600
"""So long may a log-in take at the provider."""
KNOWN_S, KEYS_ANEW_S = 3600, 60
"""So long is the provider's description known; so soon again are its keys asked for where one is named that is not."""
OWNER = "openid"


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in that waits for the person to come back, as it stands in the cookie."""

    state: str
    nonce: str
    verifier: str
    wanted: str
    at: datetime


class _Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider tells of itself (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    id_token: str


@dataclass(slots=True, kw_only=True)
class Provider:
    """An OpenID provider, and what its groups are here. `back` is where people come back to."""

    issuer: str
    client: str
    secret: str
    claim: str
    grants: Sequence[Grant]
    back: str
    _described: tuple[_Described, datetime] | None = None
    _keys: tuple[list[dict[str, Any]], datetime] | None = field(default=None)

    async def describe(self, at: datetime) -> _Described:
        """What it tells of itself. Raises NoAnswer, also where it is another than is set here."""
        if self._described is None or not _is_fresh(self._described[1], at, KNOWN_S):
            body = await ask(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            try:
                found = msgspec.json.decode(body, type=_Described)
            except msgspec.DecodeError:
                raise NoAnswer("no description") from None
            # Who answers under another name would have tokens of one taken for those of another (mix-up).
            if found.issuer != self.issuer:
                raise NoAnswer("it says that it is another")
            if not all(map(is_askable, (found.authorization_endpoint, found.token_endpoint, found.jwks_uri))):
                raise NoAnswer("an address that is not by https")
            self._described = (found, at)
        return self._described[0]

    async def keys(self, named: str | None, at: datetime) -> list[dict[str, Any]]:
        """Its public keys, asked for again where the named one is not among them. Raises NoAnswer."""
        known = self._keys
        is_missing = known is not None and named is not None and all(key.get("kid") != named for key in known[0])
        if known is None or not _is_fresh(known[1], at, KEYS_ANEW_S if is_missing else KNOWN_S):
            described = await self.describe(at)
            try:
                listed = msgspec.json.decode(await ask(described.jwks_uri), type=dict[str, Any]).get("keys")
            except msgspec.DecodeError:
                raise NoAnswer("no keys") from None
            known = self._keys = ([key for key in listed or () if isinstance(key, dict)], at)
        return known[0]

    async def token(self, code: str, verifier: str, at: datetime) -> str:
        """The ID token for a code. Raises NoAnswer."""
        described = await self.describe(at)
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.back, "client_id": self.client,
            "code_verifier": verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.secret:
            basic = f"{quote(self.client, safe='')}:{quote(self.secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(basic.encode()).decode()}"
        try:
            body = await ask(described.token_endpoint, body=urlencode(form).encode(), headers=headers)
            return msgspec.json.decode(body, type=_Given).id_token
        except msgspec.DecodeError:
            raise NoAnswer("no ID token") from None


async def begin(provider: Provider, *, wanted: str, key: OKPKey, at: datetime) -> tuple[str, str]:
    """Where the person goes to log in, and what the browser keeps meanwhile. Raises NotLetIn."""
    begun = Begun(
        state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=secrets.token_urlsafe(48),
        wanted=wanted, at=at,
    )  # fmt: skip
    try:
        described = await provider.describe(at)
    except NoAnswer as why:
        raise _not(why) from None
    asked = {
        "response_type": "code", "scope": "openid", "client_id": provider.client, "redirect_uri": provider.back,
        "state": begun.state, "nonce": begun.nonce, "code_challenge": openid.challenge_of(begun.verifier),
        "code_challenge_method": "S256",
    }  # fmt: skip
    mark = "&" if "?" in described.authorization_endpoint else "?"
    return f"{described.authorization_endpoint}{mark}{urlencode(asked)}", _sealed(begun, key)


async def finish(
    provider: Provider, query: Mapping[str, str], cookie: str, *, store: Store, key: OKPKey, at: datetime
) -> tuple[Entered, str]:
    """The session of the person who came back, and the page that was wanted. Raises NotLetIn."""
    begun = _opened(cookie, key)
    try:
        if begun is None or not _is_fresh(begun.at, at, LOGIN_S):
            raise Unfit("no log-in was begun in this browser, or too long ago")
        if not hmac.compare_digest(query.get("state", "").encode(), begun.state.encode()):
            raise Unfit("another log-in's state")
        until = begun.at + timedelta(seconds=LOGIN_S)
        if not await store.access.use_once(OWNER, begun.state, until=until, now=at):
            raise Unfit("replayed")
        described = await provider.describe(at)
        is_named = "iss" in query or described.authorization_response_iss_parameter_supported
        if is_named and query.get("iss") != provider.issuer:
            raise Unfit("the answer is another issuer's")
        if not query.get("code"):
            raise Unfit("the provider refused")
        token = await provider.token(query["code"], begun.verifier, at)
        keys = await provider.keys(openid.key_named(token), at)
        claims = openid.claims_in(
            token, keys=keys, issuer=provider.issuer, client=provider.client, nonce=begun.nonce, now=at
        )
        grant = openid.grant_of(claims, claim=provider.claim, grants=provider.grants)
    except (Unfit, NoAnswer) as why:
        raise _not(why) from None
    person = Person(
        id=account_of(provider.issuer, claims["sub"]), role=grant.role, filer=grant.filer, office=grant.office,
        country=grant.country, password="", second_factor="", issuer=provider.issuer, subject=claims["sub"],
        added_at=at,
    )  # fmt: skip
    made = new_session()
    if not await store.access.enter_federated(person, token_digest=made.digest, form_token=made.form_token, at=at):
        raise _not("the account was removed here")
    log.info("let in by=openid role=%s account=%s", person.role, person.id)
    return Entered(made.token, person), begun.wanted


def account_of(issuer: str, subject: str) -> str:
    """The name here of whom a provider knows as this subject: it says nothing of the person."""
    whole = b"%s %s" % (issuer.encode(), subject.encode("utf-8", "surrogatepass"))
    return f"p-{hashlib.sha256(whole).hexdigest()[:20]}"


def _is_fresh(since: datetime, at: datetime, seconds: int) -> bool:
    return timedelta(0) <= at - since < timedelta(seconds=seconds)


def _not(why: object) -> NotLetIn:
    log.warning("not let in by=openid because=%s", str(why).replace(" ", "_"))
    return NotLetIn()


def _sealed(begun: Begun, key: OKPKey) -> str:
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(sealing_key(key, "log-in at a provider")).encrypt(nonce, msgspec.json.encode(begun), None)
    return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def _opened(cookie: str, key: OKPKey) -> Begun | None:
    try:
        data = signed.decoded(cookie)
        opened = AESGCM(sealing_key(key, "log-in at a provider")).decrypt(data[:12], data[12:], None)
        begun = msgspec.json.decode(opened, type=Begun)
    except (Unfit, InvalidTag, ValueError):
        return None
    return msgspec.structs.replace(begun, at=begun.at.astimezone(UTC))
