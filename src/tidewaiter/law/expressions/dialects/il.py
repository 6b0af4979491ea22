"""Israel: the customs and purchase tax tariff as open data, in Hebrew.

Source: the customs tariff as published by the Israel Tax Authority on the government's open data site.
"""

from __future__ import annotations

from decimal import Decimal

from tidewaiter.law.expressions.grammar import FREELY, MAX, MIN, MONEY, NOISE, SIGNS, Dialect, rule, units

DIALECT = Dialect(
    rules=(
        rule(r"פטור\Z", FREELY),
        rule(r"שיעור", NOISE),
        rule(r'אל"פ מ ?-', MIN),  # "but not less than"
        rule(r'אל"י מ ?-', MAX),  # "but not more than"
        rule(r"₪", MONEY, ("ILS", Decimal(1))),
        units(r"ל ?קילוגרם", "KGM"),
        units(r"ל ?טון", "TNE"),
        units(r"ל ?מטר מעוקב / 1000 ליטר", "LTR", many=1000),  # a cubic metre is named by its litres
        units(r"ל ?מטר מעוקב", "MTQ"),
        units(r"ל ?מטר רבוע", "MTK"),
        units(r"ל ?ליטר אלכוהול", "LPA"),
        units(r"ל ?ליטר", "LTR"),
        units(r"ל ?אלף יחידות", "NAR", many=1000),
        units(r"ל ?כל אחד", "NAR"),
        units(r"ל ?זוג", "NPR"),
        *SIGNS,
    ),
    kinds=(("see-note", r"\Aראה כללים"),),
)
