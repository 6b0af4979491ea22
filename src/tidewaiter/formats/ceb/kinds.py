"""What can be found in a CEB message."""

from __future__ import annotations

from tidewaiter.model.finding import Kind, Severity

_NOTES = "General Administration of Customs of China, message notes of the electronic port for cross-border e-commerce"
_XMLDSIG = "XML Signature Syntax and Processing, version 1.1"


def _kind(code: str, text: str, remedy: str, severity: Severity = "error", law: str = _NOTES) -> Kind:
    return Kind(code=f"CEB-{code}", severity=severity, text=text, remedy=remedy, law=law)


NAMESPACE = _kind(
    "01",
    "The message is not in the namespace of these messages: {detail}.",
    "Declare http://www.chinaport.gov.cn/ceb at the root of the message.",
    "warning",
)
CONTENT = _kind("02", "An element is not of its form: {detail}.", "Write it in the form that the message has for it.")
MISSING = _kind("03", "An element that is required is missing: {detail}.", "Give it.")
UNKNOWN = _kind("04", "An element is not known here: {detail}.", "Leave it out, or look how it is spelt.", "warning")
TWICE = _kind("05", "An element stands more than once: {detail}.", "Leave one of them.")
TOO_MANY = _kind("06", "There are too many: {detail}.", "Send the others in a message of their own.")
NOTHING_HELD = _kind(
    "07",
    "There is no document in the message that is read here: {detail}.",
    "Send one of the messages CEB303 to CEB900 with a document in it.",
)
DRAFT = _kind("08", "The document is a draft.", "Send it again as declared, with appStatus 2.")
SUM = _kind("09", "The numbers do not add up: {detail}.", "Work it out again.", "warning")
IDENTITY = _kind(
    "10",
    "The number of the identity card has not the right check digit, or none is possible.",
    "Ask the buyer for the number again.",
    "warning",
    "GB 11643-1999, Citizen identification number",
)
CODE = _kind(
    "11",
    "A code is not known here, and kept as it came: {detail}.",
    "Look whether it is the right one.",
    "warning",
)
LONG = _kind(
    "12",
    "A value is longer than our record holds: {detail}.",
    "Give a shorter one.",
    "warning",
    "Limit of this installation",
)
SIGNATURE = _kind(
    "13",
    "The signature of the message is not accepted, and so nothing in it is: {detail}.",
    "Sign the whole message once it is complete, with one reference to all of it, and change nothing after.",
    law=_XMLDSIG,
)
NOT_KEPT = _kind(
    "14",
    "This kind of message is looked at, and nothing is made of it yet: {detail}.",
    "Nothing needs to be done.",
    "note",
    "Limit of this installation",
)
NO_CURRENCY = _kind("15", "An amount has no currency: {detail}.", "Give the currency, 142 for the yuan.")
ENVELOPE = _kind("16", "What the envelope holds cannot be unpacked: {detail}.", "Pack the message as base64 in Data.")
KINDS = (
    NAMESPACE, CONTENT, MISSING, UNKNOWN, TWICE, TOO_MANY, NOTHING_HELD, DRAFT, SUM, IDENTITY, CODE, LONG, SIGNATURE,
    NOT_KEPT, NO_CURRENCY, ENVELOPE,
)  # fmt: skip
"""Every kind of finding that reading these messages can give, beside those of XML."""
