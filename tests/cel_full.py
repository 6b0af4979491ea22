"""The same as test_risk_cel.py over ten thousand conditions: `make oracle`."""

from __future__ import annotations

from test_risk_cel import compare


def test_ten_thousand_conditions_mean_what_the_language_says() -> None:
    compare(10_000)
