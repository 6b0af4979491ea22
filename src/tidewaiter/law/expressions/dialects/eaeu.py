"""The Eurasian Economic Union: the Common Customs Tariff, in Russian.

Source: Decision of the Council of the Eurasian Economic Commission No. 80 of 14 September 2021.
"""

from __future__ import annotations

import re
from decimal import Decimal

from tidewaiter.law.expressions.grammar import (
    MAX,
    MIN,
    MONEY,
    NOISE,
    NUMBER,
    PERCENT,
    PLUS,
    QUALIFIER,
    SLASH,
    Dialect,
    rule,
    units,
)

DIALECT = Dialect(
    rules=(
        # A comma before a digit is a decimal comma here; any other ends a clause.
        rule(
            r"(?P<number>[0-9]{1,15}(?:[.,][0-9]{1,12})?)(?![0-9])",
            NUMBER,
            lambda match: Decimal(re.sub(",", ".", match["number"])),
        ),
        rule(r",? ?но не менее\b", MIN),
        rule(r",? ?но не более\b", MAX),
        rule(r"(?:плюс\b|\+)", PLUS),
        rule(r"(?:%|процент(?:а|ов)?\b)", PERCENT),
        rule(r"(?:EUR|евро)\b", MONEY, ("EUR", Decimal(1))),
        rule(r"(?:USD|долларов США|долл\. США)", MONEY, ("USD", Decimal(1))),
        rule(r"(?:RUB|руб\.?|рублей)", MONEY, ("RUB", Decimal(1))),
        rule(r"(?:за|/)(?= ?[0-9а-я])", SLASH),
        units(r"(?:см3|см³)(?![0-9])", "CMQ"),
        units(r"(?:м3|м³)(?![0-9])", "MTQ"),
        units(r"(?:м2|м²)(?![0-9])", "MTK"),
        units(r"(?:тыс\. ?шт|тысяч штук)\b\.?", "NAR", many=1000),
        units(r"(?:шт|штук[уи]?)\b\.?", "NAR"),
        units(r"(?:пар[уы]?)\b", "NPR"),
        units(r"кг\b", "KGM"),
        units(r"г\b", "GRM"),
        units(r"(?:т|тонн[уы]?)\b", "TNE"),
        units(r"(?:л|литр)\b", "LTR"),
        units(r"м\b", "MTR"),
        units(r"(?:кар|карат)\b", "CTM"),
        rule(r"нетто\b", QUALIFIER, ""),
        rule(r"брутто\b", QUALIFIER, "gross"),
        rule(r"объема двигателя\b", NOISE),
    ),
    bare_percent=True,
)
