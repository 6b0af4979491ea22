"""What may differ between installations: one frozen record, read once from the environment by the doors.

Every setting is an environment variable `TIDEWAITER_…`; with none set, all defaults run on a laptop. A variable of
that name which is no setting is refused, so that a misspelt one is never silently without effect.
See docs/reference/settings.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidewaiter.model.consignment import COUNTRY

PREFIX = "TIDEWAITER_"


class SettingsError(ValueError):
    """The environment names a setting that there is not, or gives one a value it cannot have."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one installation. A name here is that of its variable without the prefix, in small letters."""

    database_url: (
        Annotated[
            str,
            Meta(
                description="PostgreSQL 15 or newer, as postgresql://user@host/database. Without it an embedded server "
                "is started in the data folder."
            ),
        ]
        | None
    ) = None
    database_schema: Annotated[
        str,
        Meta(
            description="The schema in that database that holds our tables; made where it is not there.",
            pattern="^[a-z_][a-z0-9_]{0,62}$",
        ),
    ] = "tidewaiter"
    database_connections_max: Annotated[
        int, Meta(description="Connections to the database held at most, by each process.", ge=1, le=1000)
    ] = 10
    data_dir: Annotated[Path, Meta(description="The folder for what must be kept, the embedded database in it.")] = (
        Path("data")
    )
    host: Annotated[
        str,
        Meta(
            description="The address served. An address that others can reach is served guarded: who calls must say "
            "and prove who it is."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(description="The port served.", ge=0, le=65_535)] = 8080
    processes: Annotated[
        int,
        Meta(
            description="So many processes answer, each with connections and batches of its own and a part of what may "
            "wait; as many as there are processors answer most. With more than one, another process does what is done "
            "beside it.",
            ge=1,
            le=256,
        ),
    ] = 1
    access: (
        Annotated[
            Literal["open", "guarded"],
            Meta(
                description="open: whoever reaches the server may do everything that one person may do alone; only on "
                "an address of this machine, and the pages say so. guarded: every caller is known, and may what its "
                "role may. Without it open on an address of this machine, else guarded."
            ),
        ]
        | None
    ) = None
    issuer: (
        Annotated[
            str,
            Meta(
                description="Where callers find this server, as https://customs.example without a slash at the end: "
                "what their proofs must name. Without it the address and port served.",
                pattern="^https?://[^/?# ]+$",
            ),
        ]
        | None
    ) = None
    openid_issuer: (
        Annotated[
            str,
            Meta(
                description="The OpenID provider that lets people in, by its issuer as it writes it. Its client must "
                "come back to /enter/provider/back under TIDEWAITER_ISSUER.",
                pattern="^https?://[^?# ]+$",
            ),
        ]
        | None
    ) = None
    openid_client: Annotated[str, Meta(description="The name under which this installation is known there.")] = ""
    openid_secret: (
        Annotated[
            Path, Meta(description="A file with the secret of that client. Without it PKCE alone protects a code.")
        ]
        | None
    ) = None
    openid_claim: Annotated[str, Meta(description="The claim of the ID token that lists a person's groups.")] = "groups"
    openid_grants: Annotated[
        str,
        Meta(
            description="What the groups are here, the first that fits: dover=officer:GB:GB000060,acme=filer:acme. Who "
            "is in none is not let in. The role sysadmin is given to no group."
        ),
    ] = ""
    refund_limit: Annotated[
        int,
        Meta(
            description="The most, in whole units of the currency, that one person may refund of a consignment alone; "
            "above it a second person approves.",
            ge=0,
        ),
    ] = 100
    message_bytes_max: Annotated[
        int, Meta(description="A message longer than this is refused at the HTTP door.", ge=1024, le=64 * 1024 * 1024)
    ] = 16 * 1024 * 1024
    uploads_open_max: Annotated[
        int,
        Meta(description="So many messages that arrive in parts may a filer have begun and not lodged.", ge=1, le=1000),
    ] = 8
    upload_age_s_max: Annotated[
        int,
        Meta(
            description="An upload is kept for so many seconds after it was begun, and again after it is complete.",
            ge=60,
            le=30 * 86_400,
        ),
    ] = 86_400
    waiting_messages_max: Annotated[
        int,
        Meta(
            description="So many messages may wait to be lodged at once. A filer may have as many waiting as there is "
            "room left; when most of it is taken the server says that it is not ready.",
            ge=1,
            le=1_000_000,
        ),
    ] = 2048
    waiting_bytes_max: Annotated[
        int, Meta(description="So many bytes of messages may wait to be lodged at once, shared out likewise.", ge=1024)
    ] = 128 * 1024 * 1024
    jurisdiction: (
        Annotated[
            str,
            Meta(description="The country for messages that do not name one, as ISO 3166 (GB).", pattern=COUNTRY),
        ]
        | None
    ) = None
    law_overlay: (
        Annotated[
            Path,
            Meta(
                description="A second folder of law for what must stay secret, such as the thresholds of risk profiles."
            ),
        ]
        | None
    ) = None
    draw_key: (
        Annotated[
            str,
            Meta(
                description="The secret that keys the random draw for examination. Without it the key of the "
                "demonstration is used, which anyone can read: set your own before anything real is drawn.",
                min_length=16,
            ),
        ]
        | None
    ) = None
    inspection_capacity: (
        Annotated[
            Path,
            Meta(
                description="A TOML file with the minutes that each office has for inspections, by lane and shift. "
                "Without it no queue is drawn up on the pages."
            ),
        ]
        | None
    ) = None
    person_key: (
        Annotated[
            str,
            Meta(
                description="The secret that keys the digests by which persons in orders, payments and waybills are "
                "compared. Without it the key of the demonstration is used, which anyone can read. Documents that wait "
                "under one key are not matched with those that come under another.",
                pattern="^[!-~]{16,64}$",
            ),
        ]
        | None
    ) = None
    trusted_signers: (
        Annotated[
            str,
            Meta(
                description="The SHA-256 of the certificates whose signature on a message counts, in hexadecimal, with "
                "commas between them. Without it none counts: what law wants signed is as if it were not.",
                pattern="^[0-9a-fA-F]{64}(,[0-9a-fA-F]{64})*$",
            ),
        ]
        | None
    ) = None
    signing_key: (
        Annotated[
            Path,
            Meta(
                description="A file with the Ed25519 private key (PEM or JWK) that signs receipts, the audit log, "
                "webhooks, access tokens and conformance reports, and seals second factors. Without it one is made in "
                "the data folder."
            ),
        ]
        | None
    ) = None
    webhook_hosts: (
        Annotated[
            str,
            Meta(
                description="Hosts to which webhooks may be sent though their addresses are not public, or by http, "
                "with commas between them: for tests and inner networks. Without it only public addresses, by https.",
                pattern=r"^[A-Za-z0-9.:-]+(,[A-Za-z0-9.:-]+)*$",
            ),
        ]
        | None
    ) = None

    @property
    def is_guarded(self) -> bool:
        """Whether every caller must be known."""
        return self.access == "guarded" or (self.access is None and not is_loopback(self.host))

    @property
    def issued_by(self) -> str:
        """Where callers find this server: what their proofs must name."""
        return self.issuer or f"http://{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own, which no other can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings that these environment variables give. An empty variable counts as not set. Raises SettingsError."""
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    known = Settings.__struct_fields__
    for name in sorted(given):
        if name not in known:
            listed = ", ".join(PREFIX + setting.upper() for setting in known)
            raise SettingsError(f"there is no setting {PREFIX}{name.upper()}; there are {listed}")
    try:
        settings = msgspec.convert(
            {name: value for name, value in given.items() if value},
            Settings,
            strict=False,
            dec_hook=lambda kind, value: kind(value),
        )
    except msgspec.ValidationError as error:
        # The value is not repeated: it may be a secret.
        raise SettingsError(f"a setting cannot be used ($.name stands for {PREFIX}NAME): {error}") from None
    if settings.access == "open" and not is_loopback(settings.host):
        raise SettingsError(f"{PREFIX}ACCESS=open is for an address of this machine alone: see {PREFIX}HOST")
    return settings
