"""Brazil: the rate column of the Mercosur common external tariff as Brazil applies it.

A rate may carry BK (capital goods) or BIT (computing and telecommunications goods). Source: Gecex Resolution
No. 272/2021, annex II.
"""

from __future__ import annotations

import re
from decimal import Decimal

from tidewaiter.law.expressions.grammar import FREELY, NOISE, NUMBER, PERCENT, Dialect, rule

DIALECT = Dialect(
    rules=(
        rule(
            r"(?P<number>[0-9]{1,3}(?:[.,][0-9]{1,4})?)(?![0-9])",
            NUMBER,
            lambda match: Decimal(re.sub(",", ".", match["number"])),
        ),
        rule(r"%", PERCENT),
        rule(r"(?:BK|BIT)\Z", NOISE),
        rule(r"livre\Z", FREELY),
    ),
    kinds=(("see-note", r"\ANT\Z"),),
    bare_percent=True,
)
