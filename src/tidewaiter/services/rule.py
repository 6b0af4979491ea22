"""Ruling at the doors and in the services: may this caller do this to that thing? What decided is logged."""

from __future__ import annotations

import logging

from tidewaiter.access import HOUSE, Context, Object, Principal, Ruling, may
from tidewaiter.store import Opening, StoredConsignment

log = logging.getLogger("tidewaiter.access")


def rule(
    principal: Principal,
    action: str,
    thing: StoredConsignment | Opening | None = None,
    *,
    purpose: str = "",
    case: str = "",
    is_within_limit: bool = False,
    is_own_proposal: bool = False,
) -> Ruling:
    """The ruling, and a line in the log with the policy that made it. Without a thing it is on the house."""
    context = Context(purpose=purpose, case=case, is_within_limit=is_within_limit, is_own_proposal=is_own_proposal)
    found = may(principal, action, HOUSE if thing is None else object_of(thing), context)
    log.info(
        "ruled action=%s allowed=%s policy=%s role=%s %s=%s",
        action, found.allowed, found.policy, principal.role,
        "opening" if isinstance(thing, Opening) else "consignment", thing.id if thing else "-",
    )  # fmt: skip
    return found


def object_of(thing: StoredConsignment | Opening) -> Object:
    """The thing as policies see it. A consignment's office is the one its message names, as `office_of` in SQL."""
    if isinstance(thing, Opening):
        return Object(
            kind="Opening", id=str(thing.id), person=thing.person_id, office=thing.office, country=thing.country
        )
    record = thing.record
    return Object(
        kind="Consignment",
        id=str(thing.id),
        filer=thing.filer,
        office=record.presentation_office or record.declaration_office or record.entry_office or "",
        country=record.jurisdiction,
    )
