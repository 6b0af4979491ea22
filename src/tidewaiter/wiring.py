"""Builds store, law and clock from the settings, once: what every door that keeps something needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey
from msgspec import structs

from tidewaiter.access import OPEN, Principal
from tidewaiter.access.openid import grants_in
from tidewaiter.access.passkeys import Site
from tidewaiter.exchange.asking import is_askable
from tidewaiter.exchange.signing import Signer
from tidewaiter.exchange.waiting import Tide
from tidewaiter.law import Law, LawError, load
from tidewaiter.services.capacity import Capacity, CapacityError, capacity_of
from tidewaiter.services.enter_by_key import site_of
from tidewaiter.services.federate import BACK, Provider
from tidewaiter.services.gathering import Gatherer, Room
from tidewaiter.services.lodge import Desk
from tidewaiter.services.match import PUBLIC_KEY
from tidewaiter.services.prices import PriceShelf
from tidewaiter.services.screen import Shelf
from tidewaiter.services.signing import KeyUnfit, own_key, signing_key
from tidewaiter.services.upload import Yard
from tidewaiter.settings import Settings, SettingsError
from tidewaiter.store import (
    MigrationError,
    Reader,
    Store,
    StoreError,
    StoreUnavailable,
    open_store,
    start_embedded,
)

HINDRANCES = (SettingsError, StoreError, StoreUnavailable, MigrationError, LawError)
"""What keeps a house from opening, and what a person must mend."""


def clock() -> datetime:
    """The instant now. Only a door looks at it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything a door works with. Raises SettingsError where the OpenID provider is not set as it must be."""

    settings: Settings
    law: Law
    store: Store
    now: Callable[[], datetime] = clock
    signing_key: OKPKey | None = None
    tide: Tide = field(init=False)
    provider: Provider | None = field(init=False)
    """Who lets people in besides this house itself."""
    intake: Gatherer = field(init=False)
    """Where what arrives is gathered and lodged."""

    desk: Desk = field(init=False)
    """Where messages are judged."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tide", Tide(self.store))
        settings = self.settings
        object.__setattr__(self, "provider", provider_of(settings))
        desk = Desk(
            store=self.store,
            law=self.law,
            jurisdiction=settings.jurisdiction,
            person_key=self.person_key,
            signers=self.signers,
            shelf=Shelf(self.store),
            prices=PriceShelf(self.store),
        )
        object.__setattr__(self, "desk", desk)
        room = Room(
            messages_max=ceil(settings.waiting_messages_max / settings.processes),
            bytes_max=ceil(settings.waiting_bytes_max / settings.processes),
        )
        object.__setattr__(self, "intake", Gatherer(desk, room, at_once=1 if settings.processes > 1 else 2))

    @property
    def person_key(self) -> bytes:
        """The key of the digests by which persons are compared."""
        return self.settings.person_key.encode() if self.settings.person_key else PUBLIC_KEY

    @property
    def yard(self) -> Yard:
        """Where messages are kept that arrive in parts."""
        return Yard(
            store=self.store,
            bytes_max=self.settings.message_bytes_max,
            open_max=self.settings.uploads_open_max,
            age_max=timedelta(seconds=self.settings.upload_age_s_max),
        )

    @property
    def capacity(self) -> Capacity | None:
        """How many can be looked at, read anew each time; None where that is not set. Raises CapacityError."""
        path = self.settings.inspection_capacity
        if path is None:
            return None
        try:
            return capacity_of(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as wrong:
            raise CapacityError(type(wrong).__name__) from None

    def store_for(self, principal: Principal, *, purpose: str = "", case: str = "", glass: bool = False) -> Store:
        """What this caller may see of the store: all of it in an open house. `purpose` and `case` say what a reading of
        personal data is for; `glass` that it looks through broken glass."""
        if principal.kind == "open":
            return self.store
        reader = Reader(
            id=principal.id, role=principal.role, filer=principal.filer, office=principal.office,
            country=principal.country, purpose=purpose, case=case,
            glass="yes" if glass else "",
        )  # fmt: skip
        return self.store.seen_by(reader)

    @property
    def signers(self) -> frozenset[str]:
        """Those whose signature counts, by the SHA-256 of their certificates."""
        return frozenset(filter(None, (self.settings.trusted_signers or "").lower().split(",")))

    @property
    def signer(self) -> Signer | None:
        """Who signs webhooks; None where there is no key."""
        if self.signing_key is None or not isinstance(self.signing_key.private_key, Ed25519PrivateKey):
            return None
        return Signer(self.signing_key.private_key, self.signing_key.thumbprint())

    @property
    def site(self) -> Site | None:
        """For whom passkeys are made; None where browsers make none for the address of this house."""
        return site_of(self.settings.issued_by)

    @property
    def webhook_hosts(self) -> frozenset[str]:
        """Hosts that webhooks may be sent to though they are not public, or not by https."""
        return frozenset(filter(None, (self.settings.webhook_hosts or "").lower().split(",")))


CALLER = "tidewaiter.caller"
"""Where the keeper of the door writes into a request who calls, and the token that forms of the session must carry."""


def caller_of(scope: Mapping[str, Any]) -> Principal:
    """Who calls. In an open house, whose door nobody keeps, that is its one person."""
    found: Principal = scope.get(CALLER, (OPEN, ""))[0]
    return found


def form_token_of(scope: Mapping[str, Any]) -> str:
    """The token that a form must carry; empty where nobody is logged in."""
    found: str = scope.get(CALLER, (OPEN, ""))[1]
    return found


def law_of(settings: Settings) -> Law:
    """The law these settings name. Raises LawError."""
    if settings.draw_key is None:
        return load(overlay=settings.law_overlay)
    return load(overlay=settings.law_overlay, draw_key=settings.draw_key.encode())


def provider_of(settings: Settings) -> Provider | None:
    """The OpenID provider these settings name; None where none is set. Raises SettingsError."""
    if settings.openid_issuer is None:
        return None
    if not settings.openid_client:
        raise SettingsError("TIDEWAITER_OPENID_ISSUER needs TIDEWAITER_OPENID_CLIENT")
    if not is_askable(settings.openid_issuer):
        raise SettingsError("TIDEWAITER_OPENID_ISSUER is asked by https, or on this machine")
    try:
        grants = grants_in(settings.openid_grants)
        secret = settings.openid_secret.read_text(encoding="utf-8").strip() if settings.openid_secret else ""
    except OSError as error:
        raise SettingsError(f"TIDEWAITER_OPENID_SECRET names a file that cannot be read: {error.strerror}") from None
    except ValueError as unfit:
        raise SettingsError(f"TIDEWAITER_OPENID_GRANTS: {unfit}") from None
    return Provider(
        issuer=settings.openid_issuer, client=settings.openid_client, secret=secret, claim=settings.openid_claim,
        grants=grants, back=settings.issued_by + BACK,
    )  # fmt: skip


def signing_key_of(settings: Settings) -> OKPKey | None:
    """The key that signs reports; None where none is set. Raises SettingsError."""
    if settings.signing_key is None:
        return None
    try:
        return signing_key(settings.signing_key.read_bytes())
    except OSError as error:
        raise SettingsError(f"TIDEWAITER_SIGNING_KEY names a file that cannot be read: {error.strerror}") from None
    except KeyUnfit as unfit:
        raise SettingsError(f"TIDEWAITER_SIGNING_KEY: {unfit}") from None


def _own_key(settings: Settings) -> OKPKey:
    """The key in the data folder, made on first use: nothing that is kept runs unsigned. Raises SettingsError."""
    try:
        return own_key(settings.data_dir)
    except OSError as error:
        raise SettingsError(f"no signing key can be kept in TIDEWAITER_DATA_DIR: {error.strerror}") from None
    except KeyUnfit as unfit:
        raise SettingsError(f"the signing key in TIDEWAITER_DATA_DIR: {unfit}") from None


@asynccontextmanager
async def open_house(settings: Settings, *, now: Callable[[], datetime] = clock) -> AsyncIterator[House]:
    """The house, open while the context lasts. Raises StoreError, MigrationError, LawError,
    SettingsError."""
    law = law_of(settings)
    key = signing_key_of(settings) or _own_key(settings)
    url = settings.database_url or start_embedded(settings.data_dir)
    settings = structs.replace(settings, database_url=url)  # by which another process comes to the same
    store = await open_store(url, schema=settings.database_schema, connections_max=settings.database_connections_max)
    try:
        yield House(settings=settings, law=law, store=store, now=now, signing_key=key)
    finally:
        await store.close()
