"""Receipts: make one for each consignment, and reckon one again to see whether it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from tidewaiter.assessment import assess
from tidewaiter.assessment import receipt as in_words
from tidewaiter.law import Law
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.money import from_micro, to_micro
from tidewaiter.model.past import PERSON_TOTALS, Past
from tidewaiter.model.receipt import ItemValue, PersonTotals, Receipt, bare
from tidewaiter.services.records import charges_by_row, totals_by_row


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a receipt is what the law of its digest makes of its inputs; `differences` names what is not."""

    equal: bool
    differences: tuple[str, ...] = ()
    law_is_here: bool = True


def receipts(
    consignments: Sequence[Consignment], *, law: Law, totals: Sequence[PersonTotals | None] | None = None
) -> list[Receipt]:
    """The receipt of each consignment, in their order. `totals`: what each buyer imported before, where it is known."""
    inputs = [bare(one) for one in consignments]
    before = totals or [None] * len(inputs)
    batch = Batch.of(inputs)
    found = assess(batch, law, past_of(before))
    size = len(inputs)
    charged = charges_by_row(in_words(batch, found.charges, law), size)
    sums = totals_by_row(found.charges, size)
    regimes = {row: (regime, reason) for row, regime, reason in found.regimes.iter_rows()}
    values = _values_by_row(found.values, size)
    return [
        Receipt(
            inputs=one,
            person_totals=before[row],
            accepted_on=one.accepted_on,
            currency=law.currency(one.jurisdiction) or "",
            regime=regimes.get(row, (None, None))[0],
            reason=regimes.get(row, (None, None))[1],
            values=values[row],
            charges=charged[row],
            totals=sums[row],
            law_digest=law.digest_of(one.jurisdiction),
        ).sealed()
        for row, one in enumerate(inputs)
    ]


def verify(receipt: Receipt, *, law: Law) -> Verdict:
    """The receipt reckoned again from its inputs under this law, which must be that of its digest."""
    if receipt.digest != receipt.reckoned_digest():
        return Verdict(equal=False, differences=("digest: the receipt was changed after it was made",))
    if law.digest_of(receipt.inputs.jurisdiction) != receipt.law_digest:
        return Verdict(equal=False, law_is_here=False, differences=("law_digest: that law is not held here",))
    [again] = receipts([receipt.inputs], law=law, totals=[receipt.person_totals])
    differences = tuple(_differences(receipt, again))
    return Verdict(equal=not differences, differences=differences)


def schema() -> dict[str, Any]:
    """The published JSON Schema of a receipt (draft 2020-12)."""
    [one], definitions = msgspec.json.schema_components([Receipt], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tidewaiter:schema:receipt:1",
        "title": "Receipt for the charges on a consignment",
        **one,
        "$defs": definitions,
    }


def _differences(stated: Receipt, again: Receipt) -> Iterator[str]:
    """Where the receipt is not what comes out now, line by line."""
    for name in ("accepted_on", "currency", "regime", "reason", "totals"):
        if getattr(stated, name) != getattr(again, name):
            yield f"{name}: {getattr(stated, name)} is stated, {getattr(again, name)} comes out"
    for kind in ("values", "charges"):
        told, found = getattr(stated, kind), getattr(again, kind)
        if len(told) != len(found):
            yield f"{kind}: {len(told)} are stated, {len(found)} come out"
        for place, (one, other) in enumerate(zip(told, found, strict=False)):
            for field in one.__struct_fields__:
                if getattr(one, field) != getattr(other, field):
                    stands = f"{getattr(one, field)} is stated, {getattr(other, field)} comes out"
                    yield f"{kind}/{place}/{field}: {stands}"


def past_of(totals: Sequence[PersonTotals | None]) -> Past:
    """What each buyer imported before, as columns."""
    rows = [(row, to_micro(one.day), to_micro(one.year)) for row, one in enumerate(totals) if one is not None]
    return Past(person_totals=pl.DataFrame(rows, schema=PERSON_TOTALS, orient="row"))


def _values_by_row(values: pl.DataFrame, size: int) -> list[tuple[ItemValue, ...]]:
    found: list[list[ItemValue]] = [[] for _ in range(size)]
    for row, item, goods, customs_value, tax_base, _ in values.iter_rows():
        found[row].append(
            ItemValue(item=item + 1, goods=_text(goods), customs_value=_text(customs_value), tax_base=_text(tax_base))
        )
    return [tuple(one) for one in found]


def _text(micro: int | None) -> str | None:
    return None if micro is None else f"{from_micro(micro):f}"
