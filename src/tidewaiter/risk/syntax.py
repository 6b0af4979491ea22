"""The text of a condition as a tree: a subset of the Common Expression Language.

Kept from the language: names with dots, integers, decimals, strings, `true` and `false`, lists, `||`, `&&`, `!`,
`==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `+`, `-`, `*`, `/`, calls and methods. An operator is a call by its own
name, as there. Left out: maps, ternaries, comprehensions, `null`, bytes, exponents. Comments begin with `//`.

Source: the CEL language definition, github.com/google/cel-spec, doc/langdef.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

LENGTH_MAX = 20_000
"""Characters in a condition: far above any a person would write."""
DEPTH_MAX = 40
"""How deep parentheses, calls and operators may stand inside each other."""


class Place(NamedTuple):
    """Where in the condition: both count from one."""

    line: int
    column: int


class ConditionError(ValueError):
    """A condition that cannot be read, or does not mean anything, with the place of the fault."""

    def __init__(self, text: str, place: Place) -> None:
        super().__init__(f"line {place.line}, column {place.column}: {text}")
        self.text = text
        self.place = place


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a string or a truth as written."""

    value: bool | int | Decimal | str
    place: Place


@dataclass(frozen=True, slots=True)
class Name:
    """A name with its dots: `item.hs_code`."""

    path: str
    place: Place


@dataclass(frozen=True, slots=True)
class ListOf:
    """What stands between brackets."""

    parts: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator and what it is given; the receiver of a method is the first part.

    `&&` and `||` have two parts or more.
    """

    function: str
    parts: tuple[Node, ...]
    place: Place
    is_method: bool = False


Node = Literal | Name | ListOf | Call


class _Token(NamedTuple):
    kind: str
    text: str
    place: Place


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|//[^\n]*)
      | (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!+\-*/()\[\],.])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}

_BINDING = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3, "+": 4, "-": 4, "*": 5, "/": 5,
}  # fmt: skip
_UNARY = 6


def parse(text: str) -> Node:
    """The tree of a condition. Raises ConditionError."""
    if len(text) > LENGTH_MAX:
        raise ConditionError(f"longer than {LENGTH_MAX:,} characters", Place(1, 1))
    parser = _Parser(list(_tokens(text)))
    node = parser.expression(0, 0)
    parser.want("end")
    return node


def _tokens(text: str) -> Iterator[_Token]:
    offset, line, line_start = 0, 1, 0
    while offset < len(text):
        place = Place(line, offset - line_start + 1)
        match = _TOKEN.match(text, offset)
        if match is None:
            unclosed = text[offset] in "\"'"
            raise ConditionError("this string has no end" if unclosed else f"cannot read {text[offset]!r}", place)
        if match.lastgroup != "space":
            yield _Token(match.lastgroup or "", match[0], place)
        if "\n" in match[0]:
            line += match[0].count("\n")
            line_start = offset + match[0].rindex("\n") + 1
        offset = match.end()
    yield _Token("end", "the end", Place(line, offset - line_start + 1))


class _Parser:
    """Top-down operator precedence (Pratt 1973): each operator knows how tightly it binds."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def want(self, kind: str, text: str = "") -> _Token:
        token = self.next
        if token.kind != kind or (text and token.text != text):
            wanted = text or {"end": "the end or an operator", "name": "a name"}.get(kind, kind)
            raise ConditionError(f"expected {wanted}, found {token.text}", token.place)
        return self.take()

    def expression(self, binding: int, depth: int) -> Node:
        """The expression from here on whose operators bind tighter than `binding`."""
        if depth > DEPTH_MAX:
            raise ConditionError("nested too deep", self.next.place)
        left = self._prefix(depth)
        height, compared = depth, False
        while (tighter := _BINDING.get(self.next.text, 0)) > binding and self.next.kind in ("sign", "name"):
            operator = self.take()
            if compared and tighter == _BINDING["=="]:
                raise ConditionError("comparisons cannot be chained; join two with &&", operator.place)
            right = self.expression(tighter, depth + 1)
            if operator.text in ("&&", "||") and isinstance(left, Call) and left.function == operator.text:
                left = Call(operator.text, (*left.parts, right), left.place)
                continue
            compared = tighter == _BINDING["=="]
            height += 1
            if height > DEPTH_MAX:
                raise ConditionError("too many operators in a row", operator.place)
            left = Call(operator.text, (left, right), operator.place)
        return left

    def _prefix(self, depth: int) -> Node:
        token = self.take()
        node: Node
        if token.kind == "sign" and token.text in ("!", "-"):
            return Call(token.text, (self.expression(_UNARY, depth + 1),), token.place)
        if token.kind == "sign" and token.text == "(":
            node = self.expression(0, depth + 1)
            self.want("sign", ")")
        elif token.kind == "sign" and token.text == "[":
            node = ListOf(self._parts("]", depth), token.place)
        elif token.kind == "number":
            node = Literal(Decimal(token.text) if "." in token.text else int(token.text), token.place)
        elif token.kind == "string":
            node = Literal(_unquoted(token), token.place)
        elif token.kind == "name" and token.text in ("true", "false"):
            node = Literal(token.text == "true", token.place)
        elif token.kind == "name" and token.text != "in":
            node = self._named(token, depth)
        else:
            raise ConditionError(f"expected a value, found {token.text}", token.place)
        return self._methods(node, depth)

    def _named(self, token: _Token, depth: int) -> Node:
        if self._is_next("("):
            self.take()
            return Call(token.text, self._parts(")", depth), token.place)
        return Name(token.text, token.place)

    def _methods(self, node: Node, depth: int) -> Node:
        while self._is_next("."):
            self.take()
            name = self.want("name")
            if self._is_next("("):
                self.take()
                node = Call(name.text, (node, *self._parts(")", depth)), name.place, is_method=True)
                depth += 1
                if depth > DEPTH_MAX:
                    raise ConditionError("nested too deep", name.place)
            elif isinstance(node, Name):
                node = Name(f"{node.path}.{name.text}", node.place)
            else:
                raise ConditionError(f"{name.text} is no field of this", name.place)
        return node

    def _parts(self, closing: str, depth: int) -> tuple[Node, ...]:
        parts: list[Node] = []
        while not self._is_next(closing):
            if parts:
                self.want("sign", ",")
            parts.append(self.expression(0, depth + 1))
        self.take()
        return tuple(parts)

    def _is_next(self, sign: str) -> bool:
        return self.next.kind == "sign" and self.next.text == sign


def _unquoted(token: _Token) -> str:
    def meant(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise ConditionError(f"\\{match[1]} means nothing in a string", token.place)
        return _ESCAPES[match[1]]

    return _ESCAPE.sub(meant, token.text[1:-1])
