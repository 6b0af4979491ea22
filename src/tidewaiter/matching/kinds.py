"""What matching can find, and the law that asks for it."""

from __future__ import annotations

from tidewaiter.model.finding import Kind, Severity

_LAW = (
    "WCO Framework of Standards on Cross-Border E-Commerce, standard 1 (legal framework for data from several parties)"
)


def _kind(code: str, text: str, remedy: str, severity: Severity = "error") -> Kind:
    return Kind(code=f"MTC-{code}", severity=severity, text=text, remedy=remedy, law=_LAW)


OVERDUE = _kind(
    "01",
    "A document of this sale has not come within the time that law sets: {detail}.",
    "Ask the party whose document it is to send it; it must name the order.",
)
AMOUNT = _kind(
    "02",
    "What was paid is not what the order comes to: {detail}.",
    "Compare the order with the payment, and send an amendment of the one that is wrong.",
)
CURRENCY = _kind(
    "03",
    "The amounts are not in one currency, or not in that which law asks for: {detail}.",
    "State both amounts in the currency of the payment; where law names a currency, in that.",
)
PAYER = _kind(
    "04",
    "Who buys in one document is not who pays or buys in the other: {detail}.",
    "The buyer must pay in their own name; amend the document that names somebody else.",
)
CONSIGNEE = _kind(
    "05",
    "The two documents do not name the same consignee: {detail}.",
    "Send an amendment of the one that is wrong; name, telephone and address must be those of the order.",
)
GOODS = _kind(
    "06",
    "The two documents do not speak of the same goods: {detail}.",
    "Give the lines in the numbers and words of the order.",
)
QUANTITY = _kind(
    "07",
    "The two documents do not give the same quantity: {detail}.",
    "Count again, and send an amendment of the one that is wrong.",
)
KEY = _kind(
    "08",
    "One document names another than the one that came: {detail}.",
    "Give the number under which the other party sent its document, and the number of that party.",
)
PAYMENT_TWICE = _kind(
    "09",
    "One payment is used for two orders: {detail}.",
    "Each order needs a payment of its own, under a number of its own.",
)
WAYBILL_TWICE = _kind(
    "10",
    "One waybill is used for two orders: {detail}.",
    "Each parcel needs a waybill of its own; a number may not be used again while the other is open.",
)
CONFLICT = _kind(
    "11",
    "The number was sent twice with different content; the first stands: {detail}.",
    "Send the second as an amendment, or under a number of its own.",
)
DOUBTFUL = _kind(
    "12",
    "Several platforms have an order of this number, and the document does not say which it means: {detail}.",
    "Name the platform in the document, or its number in the order.",
)
LATE = _kind(
    "13",
    "A document came after the time that law sets: {detail}.",
    "Have it sent as soon as there is one.",
    "warning",
)
MASS = _kind(
    "14",
    "The two documents do not give the same gross mass: {detail}.",
    "Weigh again, and send an amendment of the one that is wrong.",
    "warning",
)
KINDS = (
    OVERDUE, AMOUNT, CURRENCY, PAYER, CONSIGNEE, GOODS, QUANTITY, KEY, PAYMENT_TWICE, WAYBILL_TWICE, CONFLICT, DOUBTFUL,
    LATE, MASS,
)  # fmt: skip
"""Every kind of finding that matching can give."""
