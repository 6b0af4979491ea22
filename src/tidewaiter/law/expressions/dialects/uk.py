"""The United Kingdom and the European Union: TARIC, the CN regulation, the trade tariff API, the UK Global Tariff.

Source: the abbreviations of Regulation (EEC) No 2658/87, annex I, part one, section II; TARIC measurement units.
"""

from __future__ import annotations

from decimal import Decimal

from tidewaiter.law.expressions.formula import RETAIL_PRICE
from tidewaiter.law.expressions.grammar import (
    BASE,
    FREELY,
    MAX,
    MIN,
    MONEY,
    QUALIFIER,
    SIGNS,
    Dialect,
    rule,
    units,
)

_ONE = Decimal(1)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

DIALECT = Dialect(
    rules=(
        rule(r"(?:free|nihil)\Z", FREELY),
        rule(r"min\b", MIN),
        rule(r"max\b", MAX),
        rule(r"/ ?retail price\b", BASE, RETAIL_PRICE),
        rule(r"(?:eur\b|€)", MONEY, ("EUR", _ONE)),
        rule(r"(?:gbp\b|£)", MONEY, ("GBP", _ONE)),
        rule(r"(?:net ?/ ?)?% ?sacchar?\.?", QUALIFIER, "per % sacchar."),
        rule(r"% ?vol\b", QUALIFIER, "per % vol"),
        rule(r"(?:net drained wt|(?:net )?eda)\b", QUALIFIER, "net drained"),
        rule(r"(?:net dry|(?:net )?mas)\b", QUALIFIER, "net dry"),
        rule(r"dry lactic matter\b", QUALIFIER, "dry lactic matter"),
        rule(r"lactic matter\b", QUALIFIER, "lactic matter"),
        rule(r"tot(?:al)? ?/? ?alc\b\.?", QUALIFIER, "total alcohol"),
        rule(r"std qual\b", QUALIFIER, "standard quality"),
        rule(r"raw sugar\b", QUALIFIER, "raw sugar"),
        rule(r"common wheat\b", QUALIFIER, "common wheat"),
        rule(r"live weight\b", QUALIFIER, "live weight"),
        rule(r"polar\b", QUALIFIER, "corrected for polarisation"),
        rule(r"biodiesel\b", QUALIFIER, "biodiesel content"),
        rule(r"bioethanol\b", QUALIFIER, "bioethanol content"),
        rule(r"fuel content\b", QUALIFIER, "fuel content"),
        rule(r"(?:gross|br)\b", QUALIFIER, "gross"),
        rule(r"net\b", QUALIFIER, ""),
        units(r"l alc\. 100 ?%", "LPA"),
        units(r"kg P₂O₅", "KPP"),
        units(r"kg K₂O", "KGM", "potassium oxide"),
        units(r"kg N\b", "KGM", "nitrogen"),
        units(r"kg 90 ?% sdt\b", "KSD"),
        units(r"tonne KCl\b", "TNE", "potassium chloride"),
        units(r"hl\b", "HLT"),
        units(r"kg\b", "KGM"),
        units(r"tonne\b", "TNE"),
        units(r"gi F/S\b", "GFI"),
        units(r"g\b", "GRM"),
        units(r"ct/l\b", "CCT"),
        units(r"c/k\b", "CTM"),
        units(r"ce/el\b", "NCL"),
        units(r"(?:p/st|items?)\b", "NAR"),
        units(r"pa\b", "NPR"),
        units(r"(?:m2\b|m²)", "MTK"),
        units(r"(?:m3\b|m³)", "MTQ"),
        units(r"kWh\b", "KWH"),
        units(r"TJ\b", "TJ"),
        units(r"l\b", "LTR"),
        units(r"m\b", "MTR"),
        *SIGNS,
    ),
    kinds=(
        ("meursing", r"\b(?:EA|ADSZ|ADFM|EAR|ADSZR|ADFMR|AC|SD|FD)\b"),
        ("entry-price", r"entry price"),
        ("seasonal", rf"\([^()]*\b(?:{'|'.join(MONTHS)})"),
        ("unit-only", r"\A[0-9, ]*(?:p/st|kg|l|hl|m²|m³|pa|c/k|g)\Z"),
    ),
    bare_percent=True,
)
