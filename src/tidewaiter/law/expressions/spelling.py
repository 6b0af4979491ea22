"""Our own spelling of a duty, as it stands in the `rate` column of a tariff file.

free
12.8 % + 176.8 EUR / 100 KGM MIN 22 EUR / 100 KGM MAX 24 EUR / 100 KGM
0.44 USD / NAR + 6 % of case + 5.3 % of battery
1.75 EUR / HLT per % vol
16.5 % of retail price + 244.78 GBP / 1000 NAR
SEE applicable subheading + 25 %
unsupported: entry-price
"""

from __future__ import annotations

import re
from decimal import Decimal

from tidewaiter.law.expressions.formula import (
    KINDS,
    VALUE,
    WORDS,
    AdValorem,
    Formula,
    Part,
    Unsupported,
    number_text,
    rate_text,
)
from tidewaiter.law.expressions.grammar import (
    BASE,
    FREELY,
    MAX,
    MIN,
    MINUS,
    MONEY,
    NUMBER_RULE,
    PERCENT,
    PLUS,
    QUALIFIER,
    SEE,
    SLASH,
    UNIT,
    Rule,
    Unreadable,
    formula,
    tokens,
)

_UNSUPPORTED = "unsupported: "


def write(duty: Formula | Unsupported) -> str:
    """The duty in our own spelling. `read` gives it back; of what is unsupported, only the kind."""
    if isinstance(duty, Unsupported):
        return f"{_UNSUPPORTED}{duty.kind}"
    if not duty.parts and not duty.reference:
        return "free"
    words = [f"SEE {duty.reference}"] if duty.reference else []
    if duty.parts:
        words.append(_sum(duty.parts, after_reference=bool(duty.reference)))
    for name, parts in (("MIN", duty.at_least), ("MAX", duty.at_most)):
        if parts:
            words += [name, _sum(parts)]
    return " ".join(words)


def read(text: str) -> Formula | Unsupported:
    """The duty in our own spelling; `Unsupported("unread")` where it is not."""
    if text.startswith(_UNSUPPORTED) and text.removeprefix(_UNSUPPORTED) in KINDS:
        return Unsupported(text.removeprefix(_UNSUPPORTED))
    try:
        return formula(tokens(text, _RULES))
    except Unreadable:
        return Unsupported("unread", text)


def _sum(parts: tuple[Part, ...], *, after_reference: bool = False) -> str:
    first, *others = [_part(part) for part in parts]
    first = f"{'' if first.startswith('-') else '+ '}{first}" if after_reference else first
    signed = [other if other.startswith("-") else f"+ {other}" for other in others]
    return " ".join([first, *signed])


def _part(part: Part) -> str:
    if isinstance(part, AdValorem):
        return _signed(rate_text(part.rate), f"%{'' if part.base == VALUE else f' of {part.base}'}")
    per = "" if part.per == 1 else f"{number_text(part.per)} "
    unit = f"{per}{part.unit} {part.qualifier}".rstrip()
    return _signed(number_text(part.amount), f"{part.currency} / {unit}")


def _signed(number: str, rest: str) -> str:
    return f"- {number[1:]} {rest}" if number.startswith("-") else f"{number} {rest}"


def _exactly(pattern: str, kind: str, value: object = None) -> Rule:
    """A rule of a spelling in which capitals matter."""
    return re.compile(rf" ?(?:{pattern})"), kind, value


_RULES: tuple[Rule, ...] = (
    (re.compile(r"\Afree\Z"), FREELY, None),
    _exactly(rf"SEE (?P<words>{WORDS})(?= [+A-Z-]|$)", SEE, lambda match: match["words"]),
    _exactly(r"MIN ", MIN),
    _exactly(r"MAX ", MAX),
    _exactly(r"\+ ", PLUS),
    _exactly(r"- ", MINUS),
    _exactly(r"/", SLASH),
    _exactly(rf"of (?P<words>{WORDS})(?= [+A-Z-]|$)", BASE, lambda match: match["words"]),
    NUMBER_RULE,
    _exactly(r"%", PERCENT),
    _exactly(r"(?<=/ )[A-Z][A-Z0-9]{1,2}(?![A-Z0-9])", UNIT, lambda match: (match[0].strip(), Decimal(1), "")),
    _exactly(r"(?<=[0-9] )[A-Z]{3}(?= / )", MONEY, lambda match: (match[0].strip(), Decimal(1))),
    _exactly(r"(?<=[0-9] )[A-Z][A-Z0-9]{1,2}(?![A-Z0-9])", UNIT, lambda match: (match[0].strip(), Decimal(1), "")),
    _exactly(rf"(?P<words>{WORDS})(?= [+A-Z-]|$)", QUALIFIER, lambda match: match["words"]),
)
