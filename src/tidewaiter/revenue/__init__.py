"""The ledger legs of what is charged: who owes it, and what income it is.

Entry points: `post(charges, decisions)`, and `refund(legs, wanted)` for what is given back. May import `law` and
`model` only.

| account | debited | credited |
|---|---|---|
| `receivable:<collector>` | what the seller, marketplace, carrier, declarant or importer owes | when it pays |
| `revenue:<type>:<code>` | when it is repaid or remitted | income of that duty, tax or fee: `revenue:duty:A00` |

An account holds each currency apart, and each country's by the consignment that the leg is of. A leg is never changed:
money is corrected by further legs. What was collected at the sale is no charge at the border and is not posted.
"""

from tidewaiter.revenue.posting import POSTED, post
from tidewaiter.revenue.refunding import TooMuch, charged, given_back, refund

__all__ = ["POSTED", "TooMuch", "charged", "given_back", "post", "refund"]
