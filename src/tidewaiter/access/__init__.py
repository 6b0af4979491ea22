"""Who may do what: the callers there are, the policies that rule on them, and what a signed text must be to count.

Entry points: `may(principal, action, object, context) -> Ruling` over the policies of `policies/*.cedar`, which are
data; `signed.read` for a signed text, and `proofs` for what machines prove with one. Pure: time and keys come in from
the door. May import `model` only.
"""

from tidewaiter.access.principal import HOUSE, NOBODY, OPEN, ROLES, Object, Principal, Role
from tidewaiter.access.ruling import ACTIONS, Context, Ruling, may, may_at_best

__all__ = [
    "ACTIONS",
    "HOUSE",
    "NOBODY",
    "OPEN",
    "ROLES",
    "Context",
    "Object",
    "Principal",
    "Role",
    "Ruling",
    "may",
    "may_at_best",
]
