"""Detectors: what a condition on one consignment cannot see, because it needs many.

A detector is a function in one of the files here, from figures that the profile language has too (`past.…`,
`peers.…`, `product.…`, `consignment.…`) to how strongly each row speaks for one scheme. What it counts as much, in
which lane and with which words for the officer, is set by a profile that names it: a TOML file beside the others, with
`detector` and `[limits]` in place of `when`. Where the past is empty no detector runs.
"""

from tidewaiter.risk.detectors import documents, parties, prices, products, thresholds
from tidewaiter.risk.detectors.detector import DETECTORS, LEAST, Detector, Figures

__all__ = ["DETECTORS", "LEAST", "Detector", "Figures", "documents", "parties", "prices", "products", "thresholds"]
