"""The orders, payments and waybills of sales to the made-up country, told by others than the declarant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
from msgspec import structs

from tidewaiter.law import Law
from tidewaiter.matching import Sealed, declared_document, match, mismatches, seal
from tidewaiter.model.batch import Batch
from tidewaiter.model.money import Money
from tidewaiter.model.trade import TradeDocument, TradeLine
from tidewaiter.simulation.drafts import Draft
from tidewaiter.simulation.planting import NUMBER, ZZ

KEY = b"key of the simulation: public"
PAYER, CARRIER = "PAYMENTS-1", "CARRIER-1"


def documents(
    rng: np.random.Generator, batch: Batch, draft: Draft, law: Law, *, at: pl.Series, spoil: bool = True
) -> pl.DataFrame:
    """A frame DOCUMENTS: what matching finds of the sales to the made-up country when their goods are declared.

    The order, payment and waybill of each came before. In those planted so one of the three is another's, or says
    something else; the rest agree. `spoil=False` leaves all of them as they are.
    """
    here = draft.country == ZZ
    places = np.where(here, np.cumsum(here) - 1, -1)
    records = Batch.woven([(batch, places)]).records() if here.any() else []
    rows = np.flatnonzero(here).tolist()
    instants = at.to_list()
    sealed: list[Sealed] = []
    of: dict[tuple[str, str], list[int]] = {}
    for record, row in zip(records, rows, strict=True):
        declared = declared_document(structs.replace(record, tracking_id=None))
        if declared is None:
            continue
        of.setdefault((declared.jurisdiction, declared.order or ""), []).append(row)
        told = _told(declared, instants[row])
        if spoil and draft.scheme[row] == NUMBER["document_mismatch"]:
            kinds = list(_MISTAKES)
            _MISTAKES[kinds[int(rng.integers(len(kinds)))]](told, rng)
        for place, document in enumerate((*told.values(), declared)):
            received = instants[row] - timedelta(minutes=30 - place)
            sealed.append(seal(document, key=KEY, received_at=received))
    last = max(instants, default=None)
    return mismatches(match(sealed, law, at=last + timedelta(hours=1)) if last else [], of)


def _told(declared: TradeDocument, at: datetime) -> dict[str, TradeDocument]:
    """The three documents of a sale as they should be."""
    order, number = declared.order or "", declared.number
    total = declared.total or Money(Decimal(0), "ZZD")
    common = TradeDocument(
        kind="order", number=order, jurisdiction=declared.jurisdiction, order=order, platform=declared.platform,
        issued_at=at - timedelta(hours=30), buyer=declared.consignee,
    )  # fmt: skip
    payment, waybill = f"PAY-{number}", f"WAY-{number}"
    return {
        "order": structs.replace(
            common, issuer=declared.platform or "", payment=payment, payment_issuer=PAYER, total=total,
            consignee=declared.consignee, lines=declared.lines,
        ),
        "payment": structs.replace(common, kind="payment", number=payment, issuer=PAYER, total=total),
        "waybill": structs.replace(
            common, kind="waybill", number=waybill, issuer=CARRIER, buyer=None, consignee=declared.consignee,
            lines=tuple(structs.replace(line, total=None) for line in declared.lines),
        ),
    }  # fmt: skip


Told = dict[str, TradeDocument]


def _paid_more(told: Told, rng: np.random.Generator) -> None:
    """What was paid is a quarter to a whole more than what is declared."""
    total = told["payment"].total
    if total is not None:
        more = Money(
            (total.amount * Decimal(round(float(rng.uniform(1.25, 2.0)), 2))).quantize(Decimal("0.01")), total.currency
        )
        told["payment"] = structs.replace(told["payment"], total=more)


def _paid_by_another(told: Told, _: np.random.Generator) -> None:
    payer = told["payment"].buyer
    if payer is not None:
        told["payment"] = structs.replace(told["payment"], buyer=structs.replace(payer, id="ID-ELSE", name="Sam Other"))


def _other_goods(told: Told, _: np.random.Generator) -> None:
    lines = tuple(_lines(told["waybill"], article="EX-ELSE", description="other goods"))
    told["waybill"] = structs.replace(told["waybill"], lines=lines)


def _other_quantity(told: Told, _: np.random.Generator) -> None:
    [first, *others] = told["waybill"].lines
    more = structs.replace(first, quantity=(first.quantity or Decimal(0)) + 3)
    told["waybill"] = structs.replace(told["waybill"], lines=(more, *others))


def _to_another(told: Told, _: np.random.Generator) -> None:
    to = told["waybill"].consignee
    if to is not None:
        told["waybill"] = structs.replace(told["waybill"], consignee=structs.replace(to, address="99 Else Street"))


def _no_payment(told: Told, _: np.random.Generator) -> None:
    del told["payment"]


def _lines(document: TradeDocument, **what: str) -> Iterator[TradeLine]:
    for line in document.lines:
        yield structs.replace(line, **what)


_MISTAKES: dict[str, Callable[[Told, np.random.Generator], None]] = {
    "amount": _paid_more, "payer": _paid_by_another, "goods": _other_goods, "quantity": _other_quantity,
    "consignee": _to_another, "missing": _no_payment,
}  # fmt: skip
"""Six ways in which the documents of a sale may not agree."""
