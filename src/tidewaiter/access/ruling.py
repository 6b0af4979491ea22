"""Ruling on one act: the policies are read once and asked with the caller and the thing."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import cedarpy
import msgspec

from tidewaiter.access.principal import HOUSE, Object, Principal

POLICIES = resources.files("tidewaiter.access") / "policies"
DEFAULT = "no-policy-permits-it"
"""What decided where none of the policies did: what is not permitted is forbidden."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What else counts in a ruling, as the policies name it; each action looks at its own part."""

    purpose: str = ""
    case: str = ""
    is_within_limit: bool = False
    is_own_proposal: bool = False


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is allowed, and the policy that decided."""

    allowed: bool
    policy: str


NOTHING = Context()
_USES: dict[str, tuple[str, ...]] = {
    "read_personal": ("purpose", "case"),
    "break_glass": ("purpose", "case"),
    "refund": ("is_within_limit",),
    "approve": ("is_own_proposal",),
    "approve_profile": ("is_own_proposal",),
}
ON_HOUSE = frozenset(
    {
        "lodge", "read_own", "look_up", "quote", "list_consignments", "account", "post_ledger", "exchange",
        "read_audit_log", "read_statistics", "follow_events", "read_profiles", "write_profile", "approve_profile",
        "draw_up_queue", "read_fairness", "list_openings",
    }
)  # fmt: skip
_ON_CONSIGNMENT = frozenset(
    {
        "read", "read_risk", "read_weights", "read_ledger", "read_personal", "break_glass", "hold", "release", "refuse",
        "propose", "refund", "approve", "ask", "complete", "reply", "present", "inspect",
    }
)  # fmt: skip
_ON_OPENING = frozenset({"read_opening", "review_opening"})
ON = {"House": ON_HOUSE, "Consignment": _ON_CONSIGNMENT, "Opening": _ON_OPENING}
"""The acts on each kind of thing."""
ACTIONS = ON_HOUSE | _ON_CONSIGNMENT | _ON_OPENING
"""Every act that policies know; the same as in `policies/schema.cedarschema`."""


@lru_cache(maxsize=4096)
def may(principal: Principal, action: str, object: Object = HOUSE, context: Context = NOTHING) -> Ruling:
    """Whether this caller may do this to that, and which policy says so. Raises KeyError for an act there is not.

    A policy that cannot be worked out is our mistake and raises: a `forbid` passed over would permit.
    """
    if action not in ON[object.kind]:
        raise KeyError(action)
    caller, thing = ("Caller", principal.id or "nobody"), (object.kind, object.id or "house")
    found = cedarpy.is_authorized(
        {
            "principal": _uid(*caller),
            "action": _uid("Action", action),
            "resource": _uid(*thing),
            "context": {name: getattr(context, name) for name in _USES.get(action, ())},
        },
        _policies(),
        [
            {
                "uid": _uid(*caller),
                "attrs": {
                    "kind": principal.kind, "filer": principal.filer, "office": principal.office,
                    "country": principal.country,
                },
                "parents": [_uid("Role", principal.role)],
            },
            {
                "uid": _uid(*thing),
                "attrs": _attributes(object),
                "parents": [],
            },
        ],
    )  # fmt: skip
    if found.diagnostics.errors:
        raise RuntimeError(f"a policy cannot be worked out for {action}: {found.diagnostics.errors}")
    named = sorted(found.diagnostics.id_annotations_by_reason.values())
    return Ruling(allowed=found.allowed, policy=named[0] if named else DEFAULT)


def may_at_best(principal: Principal, action: str) -> Ruling:
    """The ruling on what would be the caller's very own, with all that could speak for it: whether it ever may."""
    if action in ON_HOUSE:
        return may(principal, action)
    own = Object(
        kind="Opening" if action in _ON_OPENING else "Consignment",
        id="own",
        filer=principal.filer,
        office=principal.office,
        country=principal.country,
    )
    best = Context(purpose="assess", case="any", is_within_limit=True)
    return may(principal, action, own, best)


def _attributes(object: Object) -> dict[str, Any]:
    """What policies know of the thing."""
    match object.kind:
        case "House":
            return {}
        case "Consignment":
            return {"filer": object.filer, "office": object.office, "country": object.country}
        case "Opening":
            by = {"__entity": _uid("Caller", object.person)}
            return {"by": by, "office": object.office, "country": object.country}


def policy_text() -> str:
    """All policies as they are written."""
    files = sorted((file for file in POLICIES.iterdir() if file.name.endswith(".cedar")), key=lambda file: file.name)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def schema_text() -> str:
    """What the policies speak of, as it is written."""
    return (POLICIES / "schema.cedarschema").read_text(encoding="utf-8")


def policy_names() -> list[str]:
    """The names of all policies."""
    return re.findall(r'@id\("([^"]+)"\)', policy_text())


@cache
def _policies() -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str(policy_text())


def _uid(kind: str, id: str) -> dict[str, Any]:
    return {"type": kind, "id": id}
