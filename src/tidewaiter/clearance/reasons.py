"""The reasons of a decision, in words that may be told to the filer. They reveal nothing of what risk saw."""

from __future__ import annotations

NOT_ACCEPTED = "It cannot be accepted as it is: correct what the findings say and lodge it again."
AMENDED = "The amendment is recorded."
CANCELLED = "The cancellation is recorded."
ENTERED = "The entry is registered for safety and security; the goods must be declared apart."
SELECTED = "It was selected for a check."
RATE_MISSING = "A rate is missing: an officer must set it."
NOT_ASSESSED = "What is due could not be worked out: an officer must look at it."
NOTHING_DUE = "Nothing is due at the border."
RELEASED_UNPAID = "It is released before what is due is paid."
PAY_FIRST = "What is due must be paid before release."
RELEASED_BY_OFFICER = "An officer released it."
PROHIBITED = "An officer refused it: such goods may not be brought in."
NO_PERMIT = "An officer refused it: a permit that law asks for is missing."
NOT_AS_DECLARED = "An officer refused it: the goods are not what was declared."
COUNTERFEIT = "An officer refused it: the goods infringe another's right."

GROUNDS = {
    "prohibited": PROHIBITED, "no_permit": NO_PERMIT, "not_as_declared": NOT_AS_DECLARED, "counterfeit": COUNTERFEIT,
}  # fmt: skip
"""On what an officer may refuse, and how that is told."""

REASONS = (
    NOT_ACCEPTED, AMENDED, CANCELLED, ENTERED, SELECTED, RATE_MISSING, NOT_ASSESSED, NOTHING_DUE, RELEASED_UNPAID,
    PAY_FIRST, RELEASED_BY_OFFICER, *GROUNDS.values(),
)  # fmt: skip
"""Every reason there is. The sentences are stable: partners may compare them."""
