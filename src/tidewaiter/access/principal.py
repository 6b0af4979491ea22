"""Who calls, and what of: a person or a machine in a role, and the thing an act is done to."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Role = Literal[
    "filer", "marketplace", "carrier", "officer", "targeter", "supervisor", "accountant", "auditor", "agency",
    "administration", "statistician", "public", "sysadmin",
]  # fmt: skip
"""The roles there are. `carrier` is a post or an express operator, `administration` one of another country."""

ROLES: tuple[Role, ...] = get_args(Role)
FILING: tuple[Role, ...] = ("filer", "marketplace", "carrier")
"""The roles that lodge, each under the name of a filer."""
MACHINE_ROLES: tuple[Role, ...] = (*FILING, "agency", "administration")
"""The roles that a machine can have: those of firms and other authorities, never that of an officer."""

Kind = Literal["person", "machine", "nobody", "open"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. `id` is the account, never a person's own name; what is not set is the empty text.

    `filer` is whose consignments are its own; `office` and `country` are where an official serves. An official without
    an office serves all offices of the country.
    """

    id: str
    kind: Kind
    role: str
    filer: str = ""
    office: str = ""
    country: str = ""


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """What an act is done to: a consignment, glass that was broken, or the house itself.

    `office` is empty where the message names none. Of an opening, `person` broke it, who served in that office.
    """

    kind: Literal["Consignment", "Opening", "House"]
    id: str = ""
    filer: str = ""
    office: str = ""
    country: str = ""
    person: str = ""


HOUSE = Object(kind="House")
NOBODY = Principal(id="", kind="nobody", role="public")
"""Whoever has not said who it is."""
OPEN = Principal(id="officer", kind="open", role="open")
"""The one person who uses an open house: everything that one person may do alone."""
