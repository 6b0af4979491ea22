"""Admitting machines: a short access token for one that proves with its key who it is (OAuth 2 client credentials).

Sources: RFC 6749 4.4, RFC 7523 (private_key_jwt), RFC 9449 (DPoP), FAPI 2.0 Security Profile. What a proof was known by
is kept in the store until it would be over, so a replay is refused after a restart too. A revoked machine is refused
at once at the token endpoint, and its last token within `KNOWN_S`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from joserfc.jwk import OKPKey

from tidewaiter.access import Principal, proofs
from tidewaiter.access.principal import FILING, MACHINE_ROLES
from tidewaiter.access.signed import Unfit, public_keys
from tidewaiter.store import Client, Store

KNOWN_S = 30
"""So long is a machine known without asking the store again, at most."""
KNOWN_MAX = 10_000
TOKEN_PATH = "/v1/token"  # noqa: S105 - a path

Error = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope", "invalid_dpop_proof"]


class NotAdmitted(Exception):
    """No token is given. `error` is one of OAuth's; `why` is for our log alone, so that nobody learns from it."""

    def __init__(self, error: Error, why: str = "") -> None:
        super().__init__(error)
        self.error: Error = error
        self.why = why


class NotPassed(Exception):
    """The token does not count here and now. `why` is for our log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class CannotAdd(ValueError):
    """The machine cannot be kept so; the text says what to mend."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint answers (RFC 6749, 5.1)."""

    access_token: str
    token_type: str
    expires_in: int


def client_of(
    id: str, keys: object, *, role: str, filer: str = "", office: str = "", country: str = "", is_bound: bool = False,
    at: datetime,
) -> Client:  # fmt: skip
    """A machine to be kept. `keys` is its public JWK or JWK set. Raises CannotAdd."""
    if role not in MACHINE_ROLES:
        raise CannotAdd(f"a machine is one of {', '.join(MACHINE_ROLES)}")
    if (role in FILING) != bool(filer):
        raise CannotAdd(f"a {role} {'needs the name of its filer' if role in FILING else 'has no filer'}")
    try:
        public = tuple(public_keys(keys))
    except Unfit as unfit:
        raise CannotAdd(f"its keys cannot be used: {unfit}") from None
    return Client(
        id=id, role=role, filer=filer, office=office, country=country, keys=public, is_bound=is_bound, added_at=at
    )


async def give_token(
    form: Mapping[str, str], *, proof: str | None, store: Store, key: OKPKey, issuer: str, at: datetime
) -> Given:
    """A token for the machine that the form proves. `proof` is a DPoP proof, which binds it. Raises NotAdmitted."""
    if form.get("grant_type") != "client_credentials":
        raise NotAdmitted("unsupported_grant_type")
    if form.get("scope"):
        raise NotAdmitted("invalid_scope", "there are no scopes: what a machine may do is its role's")
    assertion = form.get("client_assertion")
    if form.get("client_assertion_type") != proofs.ASSERTION_TYPE or not assertion:
        raise NotAdmitted("invalid_client", "no assertion")
    try:
        named = proofs.named_in(assertion)
        if form.get("client_id", named) != named:
            raise NotAdmitted("invalid_client", "two machines are named")
        client = await store.access.client(named)
        if client is None or client.revoked_at is not None:
            raise NotAdmitted("invalid_client", "unknown or revoked")
        once = await asyncio.to_thread(
            proofs.assertion, assertion, client=named, keys=client.keys, issuer=issuer, now=at
        )
    except Unfit as unfit:
        raise NotAdmitted("invalid_client", str(unfit)) from None
    bound_to = ""
    if proof is not None:
        try:
            bound_to, used = proofs.proof(proof, method="POST", url=issuer + TOKEN_PATH, now=at)
        except Unfit as unfit:
            raise NotAdmitted("invalid_dpop_proof", str(unfit)) from None
        if not await store.access.use_once(used.owner, used.once, until=used.until, now=at):
            raise NotAdmitted("invalid_dpop_proof", "replayed")
    elif client.is_bound:
        raise NotAdmitted("invalid_dpop_proof", "this machine's tokens are bound to a key")
    if not await store.access.use_once(once.owner, once.once, until=once.until, now=at):
        raise NotAdmitted("invalid_client", "replayed")
    token = proofs.token(named, key=key, issuer=issuer, id=secrets.token_urlsafe(16), now=at, bound_to=bound_to)
    return Given(access_token=token, token_type="DPoP" if bound_to else "Bearer", expires_in=proofs.TOKEN_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Tells who shows a token. Machines are known for `KNOWN_S`, so that the store is not asked at each request."""

    store: Store
    key: OKPKey
    issuer: str
    _known: dict[str, tuple[Client, datetime]] = field(default_factory=dict)
    _passed: dict[str, proofs.Pass] = field(default_factory=dict)

    async def machine(
        self, token: str, *, scheme: str, proof: str | None, method: str, path: str, at: datetime
    ) -> Principal:
        """The machine whose token this is. `scheme` is that of the Authorization header. Raises NotPassed."""
        passed = self._read(token, at)
        if bool(passed.bound_to) != (scheme.lower() == "dpop"):
            raise NotPassed("a bound token comes with DPoP, another as Bearer")
        if passed.bound_to:
            await self._held(passed, token, proof, method=method, path=path, at=at)
        client = await self._client(passed.client, at)
        if client.is_bound and not passed.bound_to:
            raise NotPassed("its tokens are bound to a key")
        return Principal(
            id=client.id, kind="machine", role=client.role, filer=client.filer, office=client.office,
            country=client.country,
        )  # fmt: skip

    def _read(self, token: str, at: datetime) -> proofs.Pass:
        """What the token says; the signature is reckoned once for each token."""
        known = self._passed.get(token)
        if known is None:
            try:
                known = proofs.passed(token, key=self.key, issuer=self.issuer, now=at)
            except Unfit as unfit:
                raise NotPassed(str(unfit)) from None
            if len(self._passed) >= KNOWN_MAX:
                self._passed.clear()
            self._passed[token] = known
        if known.until <= at:
            raise NotPassed("over")
        return known

    async def _held(
        self, passed: proofs.Pass, token: str, proof: str | None, *, method: str, path: str, at: datetime
    ) -> None:
        if proof is None:
            raise NotPassed("no proof")
        try:
            holder, used = proofs.proof(proof, method=method, url=self.issuer + path, now=at, token=token)
        except Unfit as unfit:
            raise NotPassed(str(unfit)) from None
        if holder != passed.bound_to:
            raise NotPassed("another key's")
        if not await self.store.access.use_once(used.owner, used.once, until=used.until, now=at):
            raise NotPassed("replayed")

    async def _client(self, id: str, at: datetime) -> Client:
        known = self._known.get(id)
        if known is None or not timedelta(0) <= at - known[1] < timedelta(seconds=KNOWN_S):
            found = await self.store.access.client(id)
            if found is None or found.revoked_at is not None:
                self._known.pop(id, None)
                raise NotPassed("unknown or revoked")
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[id] = known = (found, at)
        return known[0]
