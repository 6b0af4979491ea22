"""What is decided of a consignment, on two channels that answer apart: security, and fiscal and control.

Security says whether a parcel may be loaded; control says whether the goods may be had. Different people answer, on
different clocks: "assessment complete" is no release, and a release is no word on security. Release may be automatic.
A refusal, a return, a seizure and "do not load" never are: a named person decides.

Entry points: `decide(batch, findings=…, charges=…, signals=…, law=…)` for the corridor; `may_decide`, `may_follow` and
`needs_named_person` for whoever changes a state later, and `GROUNDS` and `WANTED`, which an officer tells with it.
The reasons here may be told to the filer, so they are the same sentence for a profile and for the random share. May
import `law` and `model` only.
"""

from tidewaiter.clearance.deciding import decide
from tidewaiter.clearance.reasons import CHANGED, COMPLETED_BY_OFFICER, REASONS, RELEASED_BY_OFFICER, REPLIED
from tidewaiter.clearance.states import FOLLOWS, State, may_decide, may_follow, needs_named_person
from tidewaiter.clearance.telling import GROUNDS, WANTED, told

__all__ = [
    "CHANGED",
    "COMPLETED_BY_OFFICER",
    "FOLLOWS",
    "GROUNDS",
    "REASONS",
    "RELEASED_BY_OFFICER",
    "REPLIED",
    "WANTED",
    "State",
    "decide",
    "may_decide",
    "may_follow",
    "needs_named_person",
    "told",
]
