"""The words that the pages show for codes. Marked for translation here, translated where they are shown."""

from __future__ import annotations

from tidewaiter.clearance import REASONS
from tidewaiter.risk.model import REASONS as SAID


def _(text: str) -> str:
    """The text itself: it only marks what the catalogues must have."""
    return text


CONTROL: dict[str, str] = {
    "released": _("Released"),
    "accepted": _("Accepted"),
    "documents_requested": _("Documents asked for"),
    "examine": _("To be examined"),
    "hold": _("Held"),
    "lodged": _("Lodged, the goods are awaited"),
    "not_accepted": _("Not accepted"),
    "amendment_recorded": _("Amendment recorded"),
    "cancellation_recorded": _("Cancellation recorded"),
    "refused": _("Refused"),
    "returned": _("Returned"),
    "seized": _("Seized"),
}
SECURITY: dict[str, str] = {
    "assessment_complete": _("Assessment complete"),
    "information_requested": _("Information asked for"),
    "screening_requested": _("Screening asked for"),
    "do_not_load": _("Do not load"),
    "pending": _("Pending"),
}
TONE: dict[str, str] = {
    "released": "good", "accepted": "calm", "lodged": "calm", "documents_requested": "wait", "examine": "wait",
    "hold": "wait", "not_accepted": "bad", "refused": "bad", "seized": "bad", "returned": "bad",
    "assessment_complete": "good", "information_requested": "wait", "screening_requested": "wait", "do_not_load": "bad",
    "error": "bad", "warning": "wait", "active": "good", "shadow": "calm", "proposed": "wait",
}  # fmt: skip
"""How a state is coloured; each has its word and its sign too, so that colour is never all there is."""
SIGN: dict[str, str] = {"good": "✓", "calm": "●", "wait": "◆", "bad": "✕"}
SEVERITY: dict[str, str] = {"error": _("Error"), "warning": _("Warning"), "note": _("Note")}
FUNCTION: dict[str, str] = {
    "original": _("Original"), "amendment": _("Amendment"), "cancellation": _("Cancellation"),
}  # fmt: skip
DIRECTION: dict[str, str] = {
    "import": _("Import"), "export": _("Export"), "entry": _("Announced for security before arrival"),
}  # fmt: skip
CHANNEL: dict[str, str] = {"post": _("Post"), "express": _("Express"), "other": _("Other")}
CATEGORY: dict[str, str] = {
    "sale": _("Sale"), "gift": _("Gift"), "sample": _("Sample"), "documents": _("Documents"), "return": _("Return"),
    "other": _("Other"),
}  # fmt: skip
CHARGE: dict[str, str] = {"duty": _("Duty"), "tax": _("Tax"), "fee": _("Fee")}
COLLECTOR: dict[str, str] = {
    "seller": _("the seller"), "marketplace": _("the marketplace"), "carrier": _("the carrier"), "post": _("the post"),
    "declarant": _("the declarant"), "importer": _("the importer"),
}  # fmt: skip
LANE: dict[str, str] = {
    "examine": _("Examine"), "documents": _("Ask for documents"), "hold_for_officer": _("Hold for an officer"),
    "screening": _("Ask for screening"), "information": _("Ask for information"), "shadow": _("Only tried"),
}  # fmt: skip
PICKED: dict[str, str] = {
    "obligatory": _("Must be looked at"), "simple": _("Drawn at random"),
    "stratified": _("Drawn at random of its kind"), "loss": _("Worth most a minute"),
}  # fmt: skip
"""How a consignment came into the queue."""
AGAIN: dict[str, str] = {
    "same": _("Reckoned again from what is kept, the same comes out."),
    "differs": _("Reckoned again from what is kept, something else comes out: tell the supervisor."),
    "not_kept": _("It was decided before profiles were kept, so it is not reckoned again."),
    "law_changed": _("The law or the key it was decided under is no longer the one held here."),
}
FOUND: dict[str, str] = {
    "none": _("Nothing wrong"), "value": _("Value"), "class": _("Commodity code"), "origin": _("Origin"),
    "quantity": _("Quantity"), "prohibited": _("Goods that may not come in"), "rights": _("Another's right"),
    "document": _("Document"),
}  # fmt: skip
PROFILE: dict[str, str] = {
    "draft": _("Draft"), "shadow": _("Only tried"), "proposed": _("Proposed"), "active": _("Active"),
    "declined": _("Declined"), "replaced": _("Replaced"), "expired": _("Expired"),
}  # fmt: skip
STEP: dict[str, str] = {
    "drafted": _("Written"), "backtested": _("Back-tested"), "tried": _("Tried without effect"),
    "proposed": _("Proposed"), "approved": _("Approved"), "declined": _("Declined"), "replaced": _("Replaced"),
    "expiry_proposed": _("To be looked at: it finds less than chance"), "expired": _("Expired"),
}  # fmt: skip
STEP_OF_MODEL: dict[str, str] = {
    **STEP, "drafted": _("Trained"), "backtested": _("Compared with random picks"),
}  # fmt: skip
SOURCE: dict[str, str] = {
    "random": _("The random share"), "model": _("Model"), "detector": _("Detector"), "profile": _("Profile"),
}  # fmt: skip
"""What asked for a look."""
GROUPED: dict[str, str] = {
    "origin": _("By country of origin"), "sender": _("By how much the seller had sent before"),
    "filer": _("By how much the filer had lodged before"), "is_new": _("By whether the seller was seen before"),
    "channel": _("By how it travels"),
}  # fmt: skip
"""By what the report on fairness parts the consignments."""
GROUP: dict[str, str] = {
    "true": _("Never seen before"), "false": _("Seen before"), "unknown": _("Not known"),
    "few": _("Small groups together"),
}  # fmt: skip
DO: dict[str, str] = {
    "tried": _("Try without effect"), "proposed": _("Propose"), "approved": _("Approve"), "declined": _("Decline"),
    "expired": _("Let it expire"),
}  # fmt: skip
SENDER: dict[str, str] = {
    "new": _("New"), "small": _("Small"), "medium": _("Medium"), "large": _("Large"), "unknown": _("Not known"),
}  # fmt: skip
ROLE: dict[str, str] = {
    "consignor": _("Consignor"), "consignee": _("Consignee"), "seller": _("Seller"), "buyer": _("Buyer"),
    "importer": _("Importer"), "exporter": _("Exporter"), "declarant": _("Declarant"),
    "representative": _("Representative"), "carrier": _("Carrier"), "postal_operator": _("Postal operator"),
    "marketplace": _("Marketplace"), "payment_provider": _("Payment provider"),
    "warehouse_keeper": _("Warehouse keeper"), "notify": _("Notify"), "guarantor": _("Guarantor"),
    "submitter": _("Submitter"), "manufacturer": _("Manufacturer"),
}  # fmt: skip
ANSWER: dict[str, str] = {
    "received": _("Received"), "rejected": _("Rejected"), "accepted": _("Accepted"),
    "tax_indicative": _("What will be due"), "tax_final": _("What is due"), "control": _("Notice of examination"),
    "documents": _("Documents asked for"), "information_request": _("Information asked for"),
    "screening_request": _("Screening asked for"), "do_not_load": _("Do not load"), "hold": _("Held"),
    "released": _("Released"), "refused": _("Refused"), "cleared": _("Assessment complete"),
}  # fmt: skip
MODEL: dict[str, str] = {
    "vendor": _("The seller collects"), "intermediary": _("The carrier collects"), "buyer": _("The buyer pays"),
    "hybrid": _("Several collect"),
}  # fmt: skip
PERSON: dict[str, str] = {
    "natural": _("A private person"), "legal": _("A business"), "association": _("An association"),
}  # fmt: skip
FORM: dict[str, str] = {
    "country": _("Choose a country whose law is held here."),
    "day": _("Write the day as year, month and day: 2026-07-01."),
    "needed": _("The price is needed."),
    "number": _("Write digits with at most one decimal mark, such as 12.50."),
    "doubtful": _("This can be read in two ways: write it with two decimals, or with none."),
    "currency": _("Write the three letters of a currency, such as EUR."),
    "code": _("A commodity code has four to ten digits."),
}  # fmt: skip
"""What is wrong with a field of the form of the quote page."""
LOST: dict[str, str] = {
    "law_changed": _("The law it was charged under is no longer the one held here, so the receipt is not made again."),
    "not_reckoned": _(
        "What is kept of it no longer gives the charges that were made, so the receipt is not made again."
    ),
}  # fmt: skip
"""Why there is no receipt any more."""
CONFIDENCE: dict[str, str] = {"secondary": _("This rule is from a secondary source and not checked in the law's text.")}
CAME: dict[str, str] = {
    "presented": _("Presented now"), "before": _("Presented before"),
    "not_awaited": _("Not awaited: it was declared as being there, or has ended"),
    "hindered": _("Not presented, by a mistake of ours: it waits as before; try again, or tell the office"),
    "unknown": _("Nothing of yours has this number"),
}  # fmt: skip
"""What became of goods that were presented."""
DECIDED_BY: dict[str, str] = {"corridor": _("without a person"), "filer": _("by a reply of the filer")}
GROUND: dict[str, str] = {
    "prohibited": _("Such goods may not be brought in"), "no_permit": _("A permit is missing"),
    "not_as_declared": _("The goods are not what was declared"), "counterfeit": _("The goods infringe another's right"),
}  # fmt: skip
"""On what goods may be refused."""
WANTED: dict[str, str] = {
    "invoice": _("The invoice"), "payment": _("Proof of what was paid"), "transport": _("The transport document"),
    "origin": _("Proof of origin"), "permit": _("The permit that law asks for"),
    "description": _("A fuller description of the goods"), "picture": _("A picture or data sheet of the goods"),
    "parties": _("Who sends and who receives the goods"),
}  # fmt: skip
"""What is asked of a filer by ticking it."""
ASKS: dict[str, str] = {"security": _("Information, for security"), "control": _("Documents")}
"""What is asked for on each channel."""
ACT: dict[str, str] = {
    "release": _("Release"), "refuse": _("Refuse"), "refund": _("Give back"), "ask": _("Ask"),
    "complete": _("Complete the assessment"), "by_hand": _("Decided by hand"),
}  # fmt: skip
GLASS: dict[str, str] = {
    "open": _("Still open"), "waiting": _("To be reviewed"), "late": _("Review late"), "justified": _("Justified"),
    "unjustified": _("Not justified"),
}  # fmt: skip
"""How broken glass stands."""
KEYS: dict[str, str] = {
    "stale": _("Log in again first: a key is added within fifteen minutes of that."),
    "name": _("Name the key, in up to 64 characters."),
    "unfit": _("That was not a key for this house, or it took too long. Try again."),
    "kept": _("The key is there already, or the account has ten."),
}
"""Why a passkey cannot be added."""
CANNOT: dict[str, str] = {
    "state": _("It is in a state that this cannot follow."),
    "too_much": _("More would be given back than stands of the charge."),
    "nothing": _("Nothing is asked back."),
    "amount": _("Write an amount such as 12.50."),
    "moved_on": _("It has changed in the meantime: look at it again."),
    "over": _("The proposal has waited too long: propose anew."),
    "closed": _("The proposal has ended already."),
    "reason": _("Say why, in 3 to 500 characters."),
    "ground": _("Name one of the grounds on which law lets goods be refused."),
    "case": _("Name the case, in up to 64 letters, digits and signs."),
    "wanted": _("Tick what is asked for, or write a question of 3 to 500 characters."),
    "no_request": _("Nothing is asked for there."),
    "which_request": _("Several things are asked for: say which of them the reply is to."),
    "empty_reply": _("Write something, or name a document."),
    "reply_unfit": _("A text has up to 4,000 characters; a document is named by its type or number."),
    "document_unfit": _("A document is PDF, JPEG, PNG or plain text, and what its name says."),
    "amendment": _("Name a message of yours that holds an accepted amendment of this consignment."),
    "key_taken": _("This form was used for another act: open the page anew."),
    "version": _("This version of the profile is there already: give it a higher number."),
    "elsewhere": _("Another country has a profile of this name: choose another."),
    "untested": _("Back-test it first."),
    "unfit": _("Under the law of today this is no profile: write a new version."),
    "not_inspected": _("Nothing was inspected there in that time."),
    "model_lost": _("What the model reckons with is not kept, or cannot be read."),
    "superseded": _("Somebody else has written down what was found: look at it again."),
    "results": _("Say what was found: nothing, or what."),
    "minutes": _("Say how many minutes it took."),
    "capacity": _("No queue can be drawn up: the minutes of the offices are not set, or cannot be read."),
    "no_consignments": _("No consignment was accepted in that time."),
    "day": _("Write the day as year, month and day: 2026-07-01."),
    "still_open": _("The hour is not over: review it then."),
    "reviewed": _("Another has reviewed it."),
    "unsaid": _("Say whether it was justified."),
}
"""Why an act cannot be done now."""

TABLES = (
    CONTROL, SECURITY, SEVERITY, FUNCTION, DIRECTION, CHANNEL, CATEGORY, CHARGE, COLLECTOR, LANE, ROLE, ANSWER,
    CAME, CONFIDENCE, DECIDED_BY, MODEL, PERSON, FORM, LOST, GROUND, ACT, CANNOT, PICKED, AGAIN, FOUND, PROFILE, STEP,
    DO, SENDER, WANTED, ASKS, GLASS, KEYS, STEP_OF_MODEL, SOURCE, GROUPED, GROUP,
)  # fmt: skip

TRANSLATED: frozenset[str] = frozenset(REASONS) | {word for table in (*TABLES, SAID) for word in table.values()}
"""All words that catalogues must have besides the text of the templates: those here and the reasons of decisions."""
