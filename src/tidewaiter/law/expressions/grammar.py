"""The one grammar of all dialects: tokens into a formula.

    formula   := FREE | [SEE] [sum] {MIN sum | MAX sum}
    sum       := [MINUS] part {(PLUS | MINUS) part}
    part      := NUMBER PERCENT [BASE]
               | NUMBER MONEY measure | MONEY NUMBER measure
    measure   := {SLASH | NUMBER | UNIT | QUALIFIER}     one unit, or a number of articles

A dialect only says how its tokens are spelt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tidewaiter.law.expressions.formula import VALUE, AdValorem, Formula, Part, Specific

NUMBER, PERCENT, MONEY, SLASH, UNIT, QUALIFIER, BASE, SEE = (
    "number",
    "%",
    "money",
    "/",
    "unit",
    "qualifier",
    "of",
    "see",
)
PLUS, MINUS, MIN, MAX, FREELY, NOISE = "+", "-", "min", "max", "free", "noise"
SIZE_MAX = 1_000
"""No expression is longer; what is, is not read."""


class Unreadable(ValueError):
    """The text does not follow the grammar. Never leaves this package."""


@dataclass(frozen=True, slots=True)
class Token:
    """A kind, and what it stands for: a number, (currency, units of it), (unit, how many, qualifier) or words."""

    kind: str
    value: Any = None


Rule = tuple[re.Pattern[str], str, Any]
"""How a token is spelt, its kind, and its value or a function of the match that gives it."""


def rule(pattern: str, kind: str, value: Any = None) -> Rule:
    """A rule of a dialect; spaces before the token are taken with it."""
    return re.compile(rf"\s*(?:{pattern})", re.IGNORECASE), kind, value


def units(pattern: str, unit: str, qualifier: str = "", *, many: int = 1) -> Rule:
    """A rule for the name of a unit, of which it may mean many, and measured on what the qualifier says."""
    return rule(pattern, UNIT, (unit, Decimal(many), qualifier))


def number(match: re.Match[str]) -> Decimal | Fraction:
    """The exact number of "1,024.50", or the fraction of "33 1/3"."""
    whole = Decimal(match["whole"].replace(",", ""))
    if not match["over"]:
        return whole
    if not int(match["under"]):
        raise Unreadable("division by nothing")
    return Fraction(whole) + Fraction(int(match["over"]), int(match["under"]))


NUMBER_RULE = rule(
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,12})?|[0-9]{1,15}(?:\.[0-9]{1,12})?)(?![0-9])"
    r"(?: (?P<over>[0-9]{1,4})/(?P<under>[0-9]{1,4})(?= ?%))?",
    NUMBER,
    number,
)


SIGNS: tuple[Rule, ...] = (NUMBER_RULE, rule(r"%", PERCENT), rule(r"\+", PLUS), rule(r"/", SLASH))


@dataclass(frozen=True, slots=True)
class Dialect:
    """The tokens of one spelling in the order they are tried; kinds, by pattern, for what the grammar does not hold."""

    rules: tuple[Rule, ...]
    kinds: tuple[tuple[str, str], ...] = ()
    bare_percent: bool = False


def tokens(text: str, rules: Sequence[Rule]) -> list[Token]:
    """The text cut into tokens, the first rule that fits taken each time. Raises Unreadable."""
    if len(text) > SIZE_MAX:
        raise Unreadable("too long")
    found: list[Token] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        matches = ((pattern.match(text, place), kind, value) for pattern, kind, value in rules)
        fits = next(((match, kind, value) for match, kind, value in matches if match and match.end() > place), None)
        if fits is None:
            raise Unreadable(text[place:])
        match, kind, value = fits
        place = match.end()
        if kind != NOISE:
            found.append(Token(kind, value(match) if callable(value) else value))
    return found


def formula(found: Iterable[Token], *, bare_percent: bool = False) -> Formula:
    """The formula the tokens spell. Where `bare_percent`, a number by itself is per cent. Raises Unreadable."""
    cursor = _Cursor(list(found), bare_percent)
    if cursor.take(FREELY):
        cursor.finish()
        return Formula()
    see = cursor.take(SEE)
    parts = cursor.sum(after_reference=see is not None)
    bounds: dict[str, tuple[Part, ...]] = {}
    while bound := cursor.take(MIN, MAX):
        if bound.kind in bounds:
            raise Unreadable("two bounds of one kind")
        bounds[bound.kind] = cursor.sum()
        if not bounds[bound.kind]:
            raise Unreadable("a bound of nothing")
    cursor.finish()
    try:
        return Formula(parts, bounds.get(MIN, ()), bounds.get(MAX, ()), see.value if see else "")
    except ValueError as error:
        raise Unreadable(str(error)) from error


@dataclass(slots=True)
class _Cursor:
    tokens: list[Token]
    bare_percent: bool
    place: int = field(default=0)

    def peek(self) -> str:
        return self.tokens[self.place].kind if self.place < len(self.tokens) else ""

    def take(self, *kinds: str) -> Token | None:
        if self.peek() not in kinds:
            return None
        self.place += 1
        return self.tokens[self.place - 1]

    def finish(self) -> None:
        if self.place < len(self.tokens):
            raise Unreadable(self.peek())

    def sum(self, *, after_reference: bool = False) -> tuple[Part, ...]:
        """The addends; one of nothing is left out. After a reference there may be none, and each has its sign."""
        sign = self.take(PLUS, MINUS)
        if after_reference and sign is None:
            return ()
        parts = [self.part(sign)]
        while sign := self.take(PLUS, MINUS):
            parts.append(self.part(sign))
        return tuple(part for part in parts if part)

    def part(self, sign: Token | None) -> Part | None:
        factor = -1 if sign is not None and sign.kind == MINUS else 1
        money = self.take(MONEY)
        number = self.take(NUMBER)
        if number is None:
            raise Unreadable(self.peek())
        money = money or self.take(MONEY)
        if money is None:
            return self.share(factor * Fraction(number.value))
        currency, scale = money.value
        return self.amount(factor * _decimal(number.value) * scale, currency)

    def share(self, rate: Fraction) -> Part | None:
        if not self.take(PERCENT) and not self.bare_percent:
            raise Unreadable("a number of nothing")
        base = self.take(BASE)
        return _made(AdValorem, rate, base.value if base else VALUE) if rate else None

    def amount(self, amount: Decimal, currency: str) -> Part | None:
        per: Decimal | None = None
        unit: tuple[str, Decimal, str] | None = None
        qualifiers: list[str] = []
        while token := self.take(SLASH, NUMBER, UNIT, QUALIFIER):
            if token.kind == NUMBER and per is None and unit is None:
                per = _decimal(token.value)
            elif token.kind == UNIT and unit is None:
                unit = token.value
                qualifiers.append(token.value[2])
            elif token.kind == QUALIFIER:
                qualifiers.append(token.value)
            elif token.kind != SLASH:
                raise Unreadable("two units")
        if unit is None and per is None:
            raise Unreadable("an amount for nothing")
        code, many, _ = unit or ("NAR", Decimal(1), "")
        qualifier = " ".join(filter(None, qualifiers))
        return _made(Specific, amount, currency, (per or Decimal(1)) * many, code, qualifier) if amount else None


def _decimal(value: Decimal | Fraction) -> Decimal:
    if isinstance(value, Fraction):
        raise Unreadable(f"{value} of a currency or a unit")
    return value


def _made(kind: Callable[..., Part], *values: Any) -> Part:
    try:
        return kind(*values)
    except ValueError as error:
        raise Unreadable(str(error)) from error
