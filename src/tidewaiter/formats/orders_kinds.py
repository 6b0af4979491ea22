"""What can be wrong in an order, whichever marketplace it comes from."""

from __future__ import annotations

from tidewaiter.model.finding import Kind

_SAFE = "WCO Framework of Standards on Cross-Border E-Commerce, standard 1: advance electronic data of the order"
_VALUE = "WTO Customs Valuation Agreement, art. 1: the price paid; UPU form CN 23, columns 4 and 5"

NO_ORDER = Kind(
    code="ORD-01",
    severity="error",
    text="The message holds no order with goods that can be declared.",
    remedy="Send the order or shipment itself, as the marketplace gives it out; not a list of rates, labels or events.",
    law=_SAFE,
)
NO_COUNTRY = Kind(
    code="ORD-02",
    severity="error",
    text="Nothing says to which country the order goes.",
    remedy="Send the order with its shipping address; the country is two letters (ISO 3166).",
    law=_SAFE,
)
NO_REFERENCE = Kind(
    code="ORD-03",
    severity="error",
    text="The order has no number, so that nothing can be answered about it.",
    remedy="Send the order with the number the marketplace gave it.",
    law=_SAFE,
)
SEVERAL = Kind(
    code="ORD-04",
    severity="error",
    text="The order says more than one thing where one is asked for ({detail}); the first was kept.",
    remedy="Send one order for each parcel, with what belongs to that parcel.",
    law=_SAFE,
)
NO_CURRENCY = Kind(
    code="ORD-05",
    severity="error",
    text="Nothing says in which currency this amount is; it was not read.",
    remedy="Give the currency of the order, or of the line, as three letters (ISO 4217).",
    law=_VALUE,
)
NO_QUANTITY = Kind(
    code="ORD-06",
    severity="error",
    text="The price is that of one piece, and the order does not say how many there are.",
    remedy="Give the quantity of the line.",
    law=_VALUE,
)
TAX_UNCLEAR = Kind(
    code="ORD-07",
    severity="error",
    text="The order does not say {detail}, so that the value of the goods without tax is not known.",
    remedy="Send the order with its total and with the tax of each line and of the carriage.",
    law="WTO Customs Valuation Agreement, art. 1; Directive 2006/112/EC, art. 85: the taxable amount",
)
BELOW_ZERO = Kind(
    code="ORD-08",
    severity="error",
    text="More is taken off than there is: the discounts or the tax are greater than the amount.",
    remedy="Correct the amounts of this line or of the carriage.",
    law=_VALUE,
)
NOT_SHIPPED = Kind(
    code="ORD-09",
    severity="note",
    text="A line that needs no shipping is no goods of this parcel and was left out.",
    remedy="Nothing needs to be done.",
    law=_SAFE,
)
CANCELLED = Kind(
    code="ORD-10",
    severity="error",
    text="The order was cancelled; nothing of it is to be declared.",
    remedy="Leave it out. What was declared before is taken back with a cancellation.",
    law=_SAFE,
)
KINDS = (
    NO_ORDER, NO_COUNTRY, NO_REFERENCE, SEVERAL, NO_CURRENCY, NO_QUANTITY, TAX_UNCLEAR, BELOW_ZERO, NOT_SHIPPED,
    CANCELLED,
)  # fmt: skip
