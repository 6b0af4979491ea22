"""The United States: the general, special and other columns of the Harmonized Tariff Schedule.

Source: HTSUS general statistical note 4 (abbreviations) and general note 3(c) (special programme indicators).
"""

from __future__ import annotations

import re
from decimal import Decimal

from tidewaiter.law.expressions.formula import VALUE
from tidewaiter.law.expressions.grammar import (
    BASE,
    FREELY,
    MIN,
    MINUS,
    MONEY,
    NOISE,
    PERCENT,
    PLUS,
    QUALIFIER,
    SEE,
    SIGNS,
    Dialect,
    rule,
    units,
)

APPLICABLE = "applicable subheading"
_PARTS = (
    "case and strap, band or bracelet", "strap, band or bracelet", "movement and case", "movement", "case", "battery",
    "apparatus", "entire set",
)  # fmt: skip
_PARTS_BY_VALUE = (
    "lead content", "rifle", "telescopic sight, if any", "steel content", "aluminum content", "copper content",
    "non-u.s. content",
)  # fmt: skip
_METALS = ("lead", "copper", "zinc", "molybdenum", "tungsten", "magnesium", "manganese", "silicon")
_MEASURED_ON = (
    "drained weight", "contents and container", "entire contents of container", "total sugars", "recording surface",
    "anhydrous morphine content", "ethyl alcohol content", "immediate containers",
    *(f"{metal} content" for metal in _METALS),
)  # fmt: skip
_COSTS = "cost of such (?:goods or repairs|parts or materials|parts)"
_HEADINGS = r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}(?:(?:,? or |, | ?- ?)[0-9]{4}\.[0-9]{2}\.[0-9]{2})*"

DIALECT = Dialect(
    rules=(
        rule(r"(?:free|no additional duty)\Z", FREELY),
        rule(r"no change\.?\Z", SEE, APPLICABLE),
        rule(r"the duty provided (?:for )?in ?the applicable subheading", SEE, APPLICABLE),
        rule(r"the duty rate provided in such subheading(?= minus )", SEE, APPLICABLE),
        rule(r"the rate applicable in the absence of this (?:sub)?heading\Z", SEE, APPLICABLE),
        rule(
            rf"(?:see|the duty provided in subheadings?) (?P<codes>{_HEADINGS})",
            SEE,
            lambda match: re.sub(" ?- ?", "-", match["codes"].lower()),
        ),
        rule(r"(?<=\+ )a duty of\b", NOISE),
        rule(r"\.\Z", NOISE),
        rule(r"but not less(?: than)?\b", MIN),
        rule(r"(?:less|minus)\b", MINUS),
        rule(r"plus\b", PLUS),
        rule(r"percent\b", PERCENT),
        rule(r"on the full value of the imported article", BASE, VALUE),
        rule(r"of the fair retail value", BASE, "fair retail value"),
        rule(rf"of the (?P<cost>{_COSTS})\Z", BASE, lambda match: match["cost"].lower()),
        *(rule(rf"upon the value of the {re.escape(part)}(?![a-z])", BASE, part) for part in _PARTS_BY_VALUE),
        *(rule(rf"on the value of the {re.escape(part)}(?![a-z])", BASE, part) for part in _PARTS_BY_VALUE),
        *(rule(rf"on (?:the ?)?{part}(?![a-z])", BASE, part) for part in _PARTS),
        *(rule(rf"(?:on|of) {what}(?![a-z])", QUALIFIER, what) for what in _MEASURED_ON),
        rule(r"on drained weght\b", QUALIFIER, "drained weight"),
        rule(r",? ?including weight of container", QUALIFIER, "including container"),
        rule(
            r"for each degree under 100 degrees \(and fractions of a degree in proportion\)",
            QUALIFIER,
            "per degree under 100",
        ),
        rule(r"\$", MONEY, ("USD", Decimal(1))),
        rule(r"¢", MONEY, ("USD", Decimal("0.01"))),
        units(r"clean kg\b", "KGM", "clean"),
        units(r"kg\b", "KGM"),
        units(r"pf\. ?liter\b", "PFL"),
        units(r"liter\b", "LTR"),
        units(r"bbl\b", "BLL"),
        units(r"t\b", "TNE"),
        units(r"g\b", "GRM"),
        units(r"(?:each|article)\b", "NAR"),
        units(r"head\b", "HEA"),
        units(r"jewel over 7\b", "NAR", "jewels over 7"),
        units(r"jewel\b", "NAR", "jewels"),
        units(r"pins\b", "NAR", "pins"),
        units(r"pack\b", "NAR", "packs"),
        units(r"thousand\b", "NAR", many=1000),
        units(r"pr\.", "NPR"),
        units(r"doz\.", "DZN"),
        units(r"line ?/ ?gross\b", "GRO", "per line"),
        units(r"gross\b", "GRO"),
        units(r"m2(?![0-9])", "MTK"),
        units(r"m3(?![0-9])", "MTQ"),
        units(r"(?:lin\. )?m\b", "MTR"),
        *SIGNS,
    ),
    kinds=(
        ("drawback", r"like articles not previously exported"),
        ("part-value", r"\Aa duty upon the (?:full )?value|on the cost of such parts\Z"),
        ("conditional", r"\Afree, (?:under|for)\b"),
        ("see-note", r"\bnote [0-9]"),
        ("reference", r"\Athe (?:duty|rate)\b.*\b(?:applicable|provided)\b|shall not exceed the duty for"),
    ),
)

_PROGRAMME = r"[A-Z]{1,2}[+*]?"
_ALTERNATIVE = re.compile(
    rf"\s*(?P<duty>\S.*?)\s*\((?P<programmes>{_PROGRAMME}(?:[ ,.]+{_PROGRAMME})*)[ ,]*(?:\)|\Z)(?=\s|\Z|[A-Z0-9$])"
)


def alternatives(cell: str) -> list[tuple[tuple[str, ...], str]]:
    """The duties of a cell of the special column, each with the programmes it is for; () where it names none."""
    plain = re.sub(r"\s+", " ", cell).strip()
    found, place = [], 0
    for match in _ALTERNATIVE.finditer(plain):
        if match.start() != place:
            break
        found.append((tuple(re.findall(_PROGRAMME, match["programmes"])), match["duty"]))
        place = match.end()
    rest = plain[place:].strip()
    return [*found, ((), rest)] if rest else found
