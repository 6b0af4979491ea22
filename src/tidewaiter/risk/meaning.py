"""What a condition means: the tree of the text with every part's kind known, and every number bounded.

Where a value is missing a comparison is neither true nor false, and `&&`, `||` and `!` follow Kleene: what is
unknown stays so unless the other side decides. A profile hits only where its condition is true.

Numbers are whole, or decimals in whole millionths. A quotient or a product of decimals is cut to the millionth,
a quotient of whole numbers to a whole number, both toward nought; by nought it is unknown. A number that could
outgrow 128 bits is refused here, so that nothing wraps later.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tidewaiter.model.money import MICRO, to_micro
from tidewaiter.risk.fields import FIELDS, Field, Kind
from tidewaiter.risk.syntax import Call, ConditionError, ListOf, Literal, Name, Node, Place

WIDEST = 2**126
"""Numbers stay below this, so that 128 bits hold them and their sums."""

NUMBERS = (Kind.WHOLE, Kind.DECIMAL)


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a condition: what is done (`op`) with which parts. A number lies from `low` to `high`.

    `value`: of a literal its value (decimals in millionths), of a named list its name, of words their texts.
    """

    op: str
    kind: Kind
    parts: tuple[Term, ...] = ()
    value: bool | int | str | tuple[str, ...] | None = None
    field: Field | None = None
    low: int = 0
    high: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The texts of a list of words; none of any other part."""
        return self.value if isinstance(self.value, tuple) else ()

    def fields(self) -> set[str]:
        """The names of all fields in it."""
        found = {self.field.name} if self.field else set()
        return found.union(*(part.fields() for part in self.parts))

    def lists(self) -> set[str]:
        """The names of all named lists in it."""
        found = {str(self.value)} if self.op in ("named_list", "listed") else set()
        return found.union(*(part.lists() for part in self.parts))


def understand(node: Node) -> Term:
    """What a whole condition means. Raises ConditionError where it means nothing, or is no yes or no."""
    return _wanted(node, Kind.TRUTH)


def _term(node: Node) -> Term:
    match node:
        case Literal(value=value):
            return _literal(value, node.place)
        case Name(path=path):
            return _field(path, node.place)
        case ListOf(parts=parts):
            return _list(parts, node.place)
        case Call(function=function, is_method=is_method):
            rule = (_METHODS if is_method else _FUNCTIONS).get(function)
            if rule is None:
                known = [*_METHODS] if is_method else [name for name in _FUNCTIONS if name.isidentifier()]
                raise ConditionError(_unknown("function", function, known), node.place)
            return rule(node)


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"no {what} is called {name}" + (f"; did you mean {close[0]}?" if close else "")


def _wanted(node: Node, *kinds: Kind) -> Term:
    term = _term(node)
    if term.kind not in kinds:
        wanted = " or ".join(kind.value for kind in kinds)
        raise ConditionError(f"this must be {wanted}, and is {term.kind.value}", node.place)
    return term


def _literal(value: bool | int | Decimal | str, place: Place) -> Term:
    if isinstance(value, bool):
        return Term("literal", Kind.TRUTH, value=value)
    if isinstance(value, str):
        return Term("literal", Kind.TEXT, value=value)
    try:
        micro = to_micro(Decimal(value))
    except ValueError as wrong:
        raise ConditionError(str(wrong), place) from wrong
    return _number(Kind.WHOLE, value) if isinstance(value, int) else _number(Kind.DECIMAL, micro)


def _number(kind: Kind, value: int) -> Term:
    return Term("literal", kind, value=value, low=value, high=value)


def _field(path: str, place: Place) -> Term:
    field = FIELDS.get(path)
    if field is None:
        raise ConditionError(_unknown("field", path, list(FIELDS)), place)
    return Term("field", field.kind, field=field, low=field.low, high=field.high)


_LISTS = {
    Kind.TEXT: Kind.TEXTS, Kind.WHOLE: Kind.WHOLES, Kind.DECIMAL: Kind.DECIMALS, Kind.TRUTH: Kind.TRUTHS,
}  # fmt: skip


def _list(nodes: tuple[Node, ...], place: Place) -> Term:
    if not nodes:
        raise ConditionError("this list is empty", place)
    parts = [_term(node) for node in nodes]
    for node, part in zip(nodes, parts, strict=True):
        if part.op != "literal":
            raise ConditionError("a list holds only what is written out", node.place)
    kinds = {part.kind for part in parts}
    if kinds == set(NUMBERS):
        parts, kinds = [_as_decimal(part, place) for part in parts], {Kind.DECIMAL}
    if len(kinds) > 1:
        raise ConditionError("everything in a list must be of one kind", place)
    return Term("list", _LISTS[kinds.pop()], tuple(parts))


def _arity(call: Call, *numbers: int) -> None:
    if len(call.parts) not in numbers:
        wanted = " or ".join(str(number - call.is_method) for number in numbers)
        raise ConditionError(f"{call.function} takes {wanted}, not {len(call.parts) - call.is_method}", call.place)


def _logic(call: Call) -> Term:
    return Term(call.function, Kind.TRUTH, tuple(_wanted(part, Kind.TRUTH) for part in call.parts))


def _comparison(call: Call) -> Term:
    left, right = (_term(part) for part in call.parts)
    ordered = call.function not in ("==", "!=")
    both_numbers = left.kind in NUMBERS and right.kind in NUMBERS
    plain = (Kind.TEXT,) if ordered else (Kind.TEXT, Kind.TRUTH)
    if both_numbers:
        left, right = _alike(left, right, call.place)
    elif left.kind is not right.kind or left.kind not in plain:
        raise ConditionError(f"cannot compare {left.kind.value} with {right.kind.value}", call.place)
    return Term(call.function, Kind.TRUTH, (left, right))


def _in(call: Call) -> Term:
    left, right = (_term(part) for part in call.parts)
    if right.kind is Kind.NAMED_LIST and left.kind is Kind.TEXT:
        _asked(left, call.parts[0].place)
        return Term("in_named", Kind.TRUTH, (left, right))
    if right.op == "list" and left.op == "literal" and left.kind is Kind.TEXT and right.kind is Kind.TEXTS:
        return Term("literal", Kind.TRUTH, value=left.value in [part.value for part in right.parts])
    if right.kind is Kind.TEXTS and left.kind is Kind.TEXT:
        return Term("in_field" if right.op == "field" else "in", Kind.TRUTH, (left, right))
    if left.kind in NUMBERS and right.kind in (Kind.WHOLES, Kind.DECIMALS):
        equals = (Term("==", Kind.TRUTH, _alike(left, part, call.place)) for part in right.parts)
        return Term("||", Kind.TRUTH, tuple(equals))
    raise ConditionError(f"{left.kind.value} cannot be in {right.kind.value}", call.place)


def _as_decimal(term: Term, place: Place) -> Term:
    if term.kind is Kind.DECIMAL:
        return term
    if term.op == "literal":
        return _number(Kind.DECIMAL, term.low * MICRO)
    return _bounded(Term("decimal", Kind.DECIMAL, (term,)), [term.low * MICRO, term.high * MICRO], place)


def _alike(left: Term, right: Term, place: Place) -> tuple[Term, Term]:
    if left.kind is right.kind:
        return left, right
    return _as_decimal(left, place), _as_decimal(right, place)


def _bounded(term: Term, corners: list[int], place: Place) -> Term:
    """The number with its bounds, which lie among the corners."""
    low, high = min(corners), max(corners)
    if max(-low, high) >= WIDEST:
        raise ConditionError("this number could grow past what is kept exactly", place)
    return Term(term.op, term.kind, term.parts, low=low, high=high)


def _corners(left: Term, right: Term) -> list[int]:
    return [x * y for x in (left.low, left.high) for y in (right.low, right.high)]


def _sum(call: Call) -> Term:
    parts = [_wanted(part, *NUMBERS) for part in call.parts]
    left, right = _alike(parts[0], parts[1], call.place)
    corners = (
        [left.low + right.low, left.high + right.high]
        if call.function == "+"
        else [left.low - right.high, left.high - right.low]
    )
    return _bounded(Term(call.function, left.kind, (left, right)), corners, call.place)


def _difference(call: Call) -> Term:
    """`-` with one side turns the sign, with two takes away."""
    if len(call.parts) > 1:
        return _sum(call)
    part = _wanted(call.parts[0], *NUMBERS)
    if part.op == "literal":
        return _number(part.kind, -part.low)
    return _bounded(Term("negative", part.kind, (part,)), [-part.low, -part.high], call.place)


def _product(call: Call) -> Term:
    left, right = (_wanted(part, *NUMBERS) for part in call.parts)
    corners = _corners(left, right)
    if left.kind is right.kind is Kind.DECIMAL:
        whole = _bounded(Term("*", Kind.DECIMAL, (left, right)), corners, call.place)
        return _cut(whole, MICRO, call.place)
    kind = Kind.WHOLE if left.kind is right.kind else Kind.DECIMAL
    return _bounded(Term("*", kind, (left, right)), corners, call.place)


def _quotient(call: Call) -> Term:
    above, below = (_wanted(part, *NUMBERS) for part in call.parts)
    kind = Kind.WHOLE if above.kind is below.kind is Kind.WHOLE else Kind.DECIMAL
    if kind is Kind.DECIMAL:
        above = _as_decimal(above, call.place)
        if below.kind is Kind.DECIMAL:
            above = _bounded(Term("decimal", kind, (above,)), [above.low * MICRO, above.high * MICRO], call.place)
    widest = max(abs(above.low), abs(above.high))
    lowest = 0 if above.low >= 0 and below.low >= 0 else -widest
    return _bounded(Term("/", kind, (above, below)), [lowest, widest], call.place)


def _cut(term: Term, by: int, place: Place) -> Term:
    divisor = _number(Kind.WHOLE, by)
    # Toward nought: the quotient of the bounds themselves, cut as the column will be.
    corners = [abs(bound) // by * (-1 if bound < 0 else 1) for bound in (term.low, term.high)]
    return _bounded(Term("/", term.kind, (term, divisor)), corners, place)


def _text_test(call: Call) -> Term:
    _arity(call, 2)
    return Term(call.function, Kind.TRUTH, tuple(_wanted(part, Kind.TEXT) for part in call.parts))


def _size(call: Call) -> Term:
    _arity(call, 1)
    part = _wanted(call.parts[0], Kind.TEXT, Kind.TEXTS)
    return Term("size", Kind.WHOLE, (part,), high=2**32)


def _has(call: Call) -> Term:
    _arity(call, 1)
    if not isinstance(call.parts[0], Name):
        raise ConditionError("has() asks about a field", call.place)
    return Term("has", Kind.TRUTH, (_term(call.parts[0]),))


def _written(node: Node) -> str:
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise ConditionError("the name of a list must be written out", node.place)
    return node.value


def _named_list(call: Call) -> Term:
    _arity(call, 1)
    return Term("named_list", Kind.NAMED_LIST, value=_written(call.parts[0]))


def _listed(call: Call) -> Term:
    _arity(call, 2)
    name = _written(call.parts[0])
    code = _asked(_wanted(call.parts[1], Kind.TEXT), call.parts[1].place)
    return Term("listed", Kind.TRUTH, (code,), value=name)


def _asked(term: Term, place: Place) -> Term:
    """The term, which must look at a field: what is on a list depends on the consignment's country and day."""
    if not term.fields():
        raise ConditionError("this names no field", place)
    return term


def _mentions(call: Call) -> Term:
    _arity(call, 2, 3)
    words = tuple(Term("words", Kind.TEXTS, value=_words(part)) for part in call.parts[1:])
    text = _asked(_wanted(call.parts[0], Kind.TEXT), call.parts[0].place)
    return Term("mentions", Kind.TRUTH, (text, *words))


def _words(node: Node) -> tuple[str, ...]:
    if not isinstance(node, ListOf) or not node.parts:
        raise ConditionError("words are a list that is written out", node.place)
    words = []
    for part in node.parts:
        word = part.value if isinstance(part, Literal) else None
        if not isinstance(word, str) or not word.strip() or not all(c.isalnum() or c in " -'" for c in word):
            raise ConditionError("a word is text of letters, digits, blanks, hyphens and apostrophes", part.place)
        words.append(word)
    return tuple(words)


Rule = Callable[[Call], Term]

_FUNCTIONS: dict[str, Rule] = {
    "&&": _logic, "||": _logic, "!": _logic, "==": _comparison, "!=": _comparison, "<": _comparison,
    "<=": _comparison, ">": _comparison, ">=": _comparison, "in": _in, "+": _sum, "-": _difference, "*": _product,
    "/": _quotient, "has": _has, "size": _size, "list": _named_list, "listed": _listed, "mentions": _mentions,
}  # fmt: skip
_METHODS: dict[str, Rule] = {
    "startsWith": _text_test, "endsWith": _text_test, "contains": _text_test, "size": _size,
}  # fmt: skip
