"""The reasons of a decision, in words that may be told to the filer. They reveal nothing of what risk saw."""

from __future__ import annotations

from tidewaiter.clearance.telling import TOLD

NOT_ACCEPTED = "It cannot be accepted as it is: correct what the findings say and lodge it again."
AMENDED = "The amendment is recorded."
CANCELLED = "The cancellation is recorded."
WAITS = "It is lodged, and waits for the goods to be presented."
ENTERED = "The entry is registered for safety and security; the goods must be declared apart."
CHANGED = "It was amended before the goods were there: an officer looks at it."
SELECTED = "It was selected for a check."
RATE_MISSING = "A rate is missing: an officer must set it."
NOT_ASSESSED = "What is due could not be worked out: an officer must look at it."
NOTHING_DUE = "Nothing is due at the border."
RELEASED_UNPAID = "It is released before what is due is paid."
PAY_FIRST = "What is due must be paid before release."
RELEASED_BY_OFFICER = "An officer released it."
COMPLETED_BY_OFFICER = "An officer completed the assessment for security."
REPLIED = "The filer replied: an officer looks at it."

REASONS = (
    NOT_ACCEPTED, AMENDED, CANCELLED, WAITS, ENTERED, CHANGED, SELECTED, RATE_MISSING, NOT_ASSESSED, NOTHING_DUE,
    RELEASED_UNPAID, PAY_FIRST, RELEASED_BY_OFFICER, COMPLETED_BY_OFFICER, REPLIED, *(kind.text for kind in TOLD),
)  # fmt: skip
"""Every reason there is. The sentences are stable: partners may compare them."""
