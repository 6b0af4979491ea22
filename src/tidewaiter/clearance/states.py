"""The states of a consignment on both channels, and what may follow what.

No name is used on both channels, so one table serves. A consignment stands `lodged` on control and `pending` on
security until it is first decided; what is declared before the goods are there stands so until they are presented.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidewaiter.model.outcome import Control, Security

State = Control | Security

FOLLOWS: dict[State, frozenset[State]] = {
    # Security: every answer of the filer or the carrier leads back to pending, where it is assessed again. An
    # amendment does so too, even after the assessment was complete.
    "pending": frozenset({"assessment_complete", "information_requested", "screening_requested", "do_not_load"}),
    "information_requested": frozenset({"pending", "do_not_load"}),
    "screening_requested": frozenset({"pending", "do_not_load"}),
    "assessment_complete": frozenset({"pending"}),
    "do_not_load": frozenset({"pending"}),
    # Control. What is not accepted was never a declaration: it is corrected and lodged again.
    "lodged": frozenset(
        {
            "lodged", "not_accepted", "accepted", "documents_requested", "examine", "hold", "released",
            "amendment_recorded", "cancellation_recorded",
        }
    ),
    "not_accepted": frozenset({"lodged"}),
    "accepted": frozenset(
        {
            "released", "documents_requested", "examine", "hold", "amendment_recorded", "cancellation_recorded",
            "refused", "returned",
        }
    ),
    "documents_requested": frozenset(
        {
            "accepted", "released", "examine", "hold", "amendment_recorded", "cancellation_recorded", "refused",
            "returned", "seized",
        }
    ),
    # Once an examination is announced, the declaration may be neither amended nor withdrawn until it is over
    # (so Union Customs Code, art. 173(2) and 174(1)).
    "examine": frozenset({"accepted", "released", "documents_requested", "hold", "refused", "returned", "seized"}),
    "hold": frozenset(
        {
            "accepted", "released", "documents_requested", "examine", "amendment_recorded", "cancellation_recorded",
            "refused", "returned", "seized",
        }
    ),
    # Goods sold at a distance and sent back may have their declaration cancelled after release
    # (so Delegated Regulation (EU) 2015/2446, art. 148(3)).
    "released": frozenset({"cancellation_recorded"}),
    # The declaration is assessed anew with what the amendment changes.
    "amendment_recorded": frozenset(
        {"not_accepted", "accepted", "documents_requested", "examine", "hold", "released", "cancellation_recorded"}
    ),
    "cancellation_recorded": frozenset(),
    # An appeal opens the case again; else refused goods leave the country, or stay seized.
    "refused": frozenset({"hold", "returned", "seized"}),
    "seized": frozenset({"hold", "returned"}),
    "returned": frozenset(),
}  # fmt: skip
"""For each state those that may follow it. Source: WCO Immediate Release Guidelines (2018); the pre-loading outcomes
of the WCO/ICAO guiding principles on PLACI; ICS2 messages IE3Q01 to IE3Q03, IE3R02, IE3R03 and IE3N03."""

_FOLLOWING: Mapping[str, frozenset[State]] = dict(FOLLOWS.items())

GRAVE: frozenset[State] = frozenset({"refused", "returned", "seized", "do_not_load"})
"""States into which, and out of which, only a named person moves a consignment."""


def may_follow(state: str, after: State) -> bool:
    """Whether a consignment in `state`, as it is kept, may go to `after`. Raises KeyError for what is no state."""
    FOLLOWS[after]
    return after in _FOLLOWING[state]


def may_decide(state: str, after: State) -> bool:
    """Whether a person may take a consignment in `state` to `after`. Goods that are not there yet are nobody's to
    release or to hold: what is declared of them is decided on when they are presented. Raises KeyError likewise."""
    return state != "lodged" and may_follow(state, after)


def needs_named_person(state: State, after: State) -> bool:
    """Whether going from `state` to `after` is for a named person, never for a machine. Raises KeyError likewise."""
    FOLLOWS[state], FOLLOWS[after]
    return state in GRAVE or after in GRAVE
