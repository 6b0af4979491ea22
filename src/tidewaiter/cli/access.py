"""`tidewaiter clients` and `tidewaiter people`: who may call, kept by whoever runs the installation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from joserfc.jwk import OKPKey
from rich.console import Console
from rich.table import Table

from tidewaiter.services import admit, enter, enter_by_key
from tidewaiter.store import Client, NameTaken, Person
from tidewaiter.wiring import House, signing_key_of

InHouse = Callable[[Callable[[House], Awaitable[None]]], None]

Role = Annotated[
    str, typer.Option(help="What it may do follows from its role: filer, marketplace, carrier, officer, …")
]
Filer = Annotated[str, typer.Option(help="Whose consignments are its own, where it lodges.")]
Office = Annotated[str, typer.Option(help="The office an official serves; without it all offices of the country.")]
Country = Annotated[str, typer.Option(help="The country an official serves, as ISO 3166: GB, FR, …")]
Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for where not given.")
]


def register(app: typer.Typer, out: Console, in_house: InHouse) -> None:
    """Add both groups of commands to the app."""
    app.add_typer(_clients(out, in_house), name="clients")
    app.add_typer(_people(out, in_house), name="people")


def _clients(out: Console, in_house: InHouse) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help="Machines that may call a guarded installation.")

    @group.command()
    def add(
        name: str,
        keys: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Its public keys: a JWK or JWK set.")],
        *,
        role: Role = "filer",
        filer: Filer = "",
        office: Office = "",
        country: Country = "",
        bound: Annotated[bool, typer.Option(help="Its tokens must be bound to a key of its own (DPoP).")] = False,
    ) -> None:
        """Let a machine call that proves with one of these keys who it is."""

        async def work(house: House) -> None:
            try:
                client = admit.client_of(
                    name, msgspec.json.decode(keys.read_bytes()), role=role, filer=filer, office=office,
                    country=country, is_bound=bound, at=house.now(),
                )  # fmt: skip
                await house.store.access.add_client(client)
            except (admit.CannotAdd, msgspec.DecodeError) as wrong:
                raise typer.BadParameter(str(wrong)) from None
            except NameTaken:
                raise typer.BadParameter(f"{name} is taken: a name is given once") from None
            out.print(f"{name} may call, as {role}{f' for {filer}' if filer else ''}")

        in_house(work)

    @group.command(name="list")
    def show() -> None:
        """Print all machines."""

        async def work(house: House) -> None:
            _print(out, await house.store.access.clients())

        in_house(work)

    @group.command()
    def revoke(name: str) -> None:
        """Let a machine call no more. Its last token holds for half a minute at most."""

        async def work(house: House) -> None:
            if not await house.store.access.revoke_client(name, at=house.now()):
                raise typer.BadParameter(f"there is no machine {name} that may call")
            out.print(f"{name} may no longer call")

        in_house(work)

    return group


def _people(out: Console, in_house: InHouse) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help="Local accounts of a guarded installation.")

    @group.command()
    def add(
        name: str,
        *,
        role: Role = "officer",
        filer: Filer = "",
        office: Office = "",
        country: Country = "",
        password: Password,
    ) -> None:
        """Open an account, and print once what an authenticator app needs for its second factor."""

        async def work(house: House) -> None:
            key = _key_of(house)
            try:
                person, address = enter.person_of(
                    name, password, role=role, filer=filer, office=office, country=country, key=key, at=house.now()
                )
                await house.store.access.add_person(person)
            except enter.CannotAdd as wrong:
                raise typer.BadParameter(str(wrong)) from None
            except NameTaken:
                raise typer.BadParameter(f"{name} is taken: a name is given once") from None
            out.print(f"{name} may log in, as {role}. For the authenticator app, shown this once:")
            out.print(address, soft_wrap=True, markup=False)

        in_house(work)

    @group.command(name="list")
    def show() -> None:
        """Print all accounts."""

        async def work(house: House) -> None:
            _print(out, await house.store.access.people())

        in_house(work)

    @group.command()
    def renew(name: str, *, password: Password) -> None:
        """Give an account another password and second factor, where one is lost or known, and end its sessions."""

        async def work(house: House) -> None:
            key, person = _key_of(house), await house.store.access.person(name)
            address = ""
            try:
                if person is not None:
                    person, address = enter.renewed(person, password, key=key)
            except enter.CannotAdd as wrong:
                raise typer.BadParameter(str(wrong)) from None
            if person is None or not await house.store.access.renew_person(person, at=house.now()):
                raise typer.BadParameter(f"there is no account {name} that is open and has a password")
            out.print(f"{name} may log in anew. For the authenticator app, shown this once:")
            out.print(address, soft_wrap=True, markup=False)

        in_house(work)

    @group.command()
    def keys(name: str) -> None:
        """Print the passkeys of an account."""

        async def work(house: House) -> None:
            table = Table("key", "added", "last used")
            for key in await house.store.passkeys.of(name):
                used = f"{key.used_at:%Y-%m-%d}" if key.used_at else ""
                table.add_row(key.name, f"{key.added_at:%Y-%m-%d}", used)
            out.print(table)

        in_house(work)

    @group.command(name="remove-key")
    def remove_key(name: str, key: str) -> None:
        """Let nobody in any more by a passkey that is lost, by what its holder calls it."""

        async def work(house: House) -> None:
            found = [one for one in await house.store.passkeys.of(name) if one.name == key]
            for one in found:
                await enter_by_key.remove_key(one.id, account=name, store=house.store)
            if not found:
                raise typer.BadParameter(f"{name} has no passkey called {key}")
            out.print(f"{name} is no longer let in by {key}")

        in_house(work)

    @group.command()
    def remove(name: str) -> None:
        """Close an account and end its sessions."""

        async def work(house: House) -> None:
            if not await house.store.access.remove_person(name, at=house.now()):
                raise typer.BadParameter(f"there is no account {name} that is open")
            out.print(f"{name} may no longer log in")

        in_house(work)

    return group


def _key_of(house: House) -> OKPKey:
    """The key that second factors are sealed under."""
    key = signing_key_of(house.settings)
    if key is None:
        raise typer.BadParameter("accounts need the installation's key: set TIDEWAITER_SIGNING_KEY")
    return key


def _print(out: Console, found: list[Client] | list[Person]) -> None:
    table = Table("name", "role", "filer", "office", "country", "added", "until")
    for one in found:
        until = one.revoked_at if isinstance(one, Client) else one.removed_at
        table.add_row(
            one.id, one.role, one.filer, one.office, one.country, f"{one.added_at:%Y-%m-%d}",
            f"{until:%Y-%m-%d}" if until else "",
        )  # fmt: skip
    out.print(table)
