"""Order, payment, waybill and declaration that do not agree."""

from __future__ import annotations

from collections.abc import Mapping

from tidewaiter.risk.detectors.detector import Figures, Limits, detector, ramp


@detector("document-mismatch", looks_at=("past.document_mismatches",), limits=("count_min", "count_full"))
def document_mismatch(of: Mapping[str, Figures], limits: Limits) -> Figures:
    """The order, the payment, the waybill and the declaration of the sale do not agree."""
    return ramp(of["past.document_mismatches"], limits["count_min"], limits["count_full"])
