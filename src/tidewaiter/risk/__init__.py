"""What to look at, and why: profiles written by officers, and the random share.

Entry points: `signals(batch, values, law)` for the corridor; `ruleset(law)` for who wants to see the profiles and
`ruleset(law).faults` what is wrong with those that were left out; `is_drawn` for the auditor of the random share.
May import `law` and `model` only. `jurisdictions/world/risk/README.md` says how a profile is written.
"""

from tidewaiter.risk.draw import RANDOM, is_drawn
from tidewaiter.risk.fields import FIELDS, Field
from tidewaiter.risk.profiles import Profile, ProfileError, read
from tidewaiter.risk.rules import Fault, Ruleset, ruleset
from tidewaiter.risk.signalling import signals, signals_of_lists

__all__ = [
    "FIELDS",
    "RANDOM",
    "Fault",
    "Field",
    "Profile",
    "ProfileError",
    "Ruleset",
    "is_drawn",
    "read",
    "ruleset",
    "signals",
    "signals_of_lists",
]
