"""Ruling at the doors and in the services: may this caller do this to that consignment? What decided is logged."""

from __future__ import annotations

import logging

from tidewaiter.access import HOUSE, Context, Object, Principal, Ruling, may
from tidewaiter.store import StoredConsignment

log = logging.getLogger("tidewaiter.access")


def rule(
    principal: Principal,
    action: str,
    stored: StoredConsignment | None = None,
    *,
    purpose: str = "",
    case: str = "",
    is_within_limit: bool = False,
    is_own_proposal: bool = False,
) -> Ruling:
    """The ruling, and a line in the log with the policy that made it. Without a consignment it is on the house."""
    context = Context(purpose=purpose, case=case, is_within_limit=is_within_limit, is_own_proposal=is_own_proposal)
    found = may(principal, action, HOUSE if stored is None else object_of(stored), context)
    log.info(
        "ruled action=%s allowed=%s policy=%s role=%s consignment=%s",
        action, found.allowed, found.policy, principal.role, stored.id if stored else "-",
    )  # fmt: skip
    return found


def object_of(stored: StoredConsignment) -> Object:
    """The consignment as policies see it. Its office is the one its message names, as `office_of` in the store."""
    record = stored.record
    return Object(
        kind="Consignment",
        id=str(stored.id),
        filer=stored.filer,
        office=record.presentation_office or record.declaration_office or record.entry_office or "",
        country=record.jurisdiction,
    )
