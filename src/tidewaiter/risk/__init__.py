"""What to look at, and why: profiles written by officers, and the random share.

Entry points: `signals(batch, values, law, past)` for the corridor; `ruleset(law)` for who wants to see the profiles and
`ruleset(law).faults` what is wrong with those that were left out; `is_drawn` for the auditor of the random share;
`features(batch, values, law, past)` for models; and `risk.history` for who makes the past out of what is kept.
May import `law` and `model` only. `jurisdictions/world/risk/README.md` says how a profile is written.
"""

from tidewaiter.risk.detectors import DETECTORS, Detector
from tidewaiter.risk.draw import RANDOM, is_drawn
from tidewaiter.risk.drawing import draws
from tidewaiter.risk.features import features
from tidewaiter.risk.fields import FIELDS, Field
from tidewaiter.risk.profiles import Profile, ProfileError, read
from tidewaiter.risk.rules import Fault, Ruleset, frames_looked_at, ruleset
from tidewaiter.risk.signalling import signals, signals_of_lists

__all__ = [
    "DETECTORS",
    "FIELDS",
    "RANDOM",
    "Detector",
    "Fault",
    "Field",
    "Profile",
    "ProfileError",
    "Ruleset",
    "draws",
    "features",
    "frames_looked_at",
    "is_drawn",
    "read",
    "ruleset",
    "signals",
    "signals_of_lists",
]
