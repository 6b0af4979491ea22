"""The language of risk profiles: what can be said, what is refused and where, and what it means in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidewaiter.law import Law, load
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart, settings_of
from tidewaiter.risk.columns import expression, pattern
from tidewaiter.risk.fields import FIELDS, Kind
from tidewaiter.risk.meaning import understand
from tidewaiter.risk.syntax import DEPTH_MAX, LENGTH_MAX, ConditionError, Place, parse

Row = Mapping[str, Any]
LAW = load()
DTYPES = {
    Kind.TEXT: pl.String(), Kind.WHOLE: pl.Int64(), Kind.DECIMAL: pl.Int64(), Kind.TRUTH: pl.Boolean(),
    Kind.TEXTS: pl.List(pl.String()),
}  # fmt: skip


def answers(text: str, *rows: Row, law: Law = LAW) -> list[bool | None]:
    """What a condition says of rows given by columns, such as {"item.net_mass_micro": 500_000}."""
    term = understand(parse(text))
    schema: dict[str, pl.DataType] = {"jurisdiction": pl.String(), "accepted_on": pl.Date()}
    for field in FIELDS.values():
        if len(field.columns) == 1:
            schema[field.columns[0]] = DTYPES[field.kind]
    usual = {"jurisdiction": "GB", "accepted_on": date(2026, 11, 2)}
    data = [[{**usual, **row}.get(name) for name in schema] for row in rows or [{}]]
    frame = pl.DataFrame(data, schema=schema, orient="row")
    here = InForce.over(settings_of(Apart.of(frame["jurisdiction"]), frame["accepted_on"]).different, law)
    found: list[bool | None] = frame.with_columns(answer=expression(term, here))["answer"].to_list()
    return found


def fault(text: str) -> tuple[int, int, str]:
    with pytest.raises(ConditionError) as caught:
        understand(parse(text))
    place: Place = caught.value.place
    return place.line, place.column, caught.value.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 == 7", True),
        ("(1 + 2) * 3 == 9", True),
        ("10 - 4 - 3 == 3", True),
        ("2 * -3 == -6", True),
        ("1 - -1 == 2", True),
        ("!false && false", False),
        ("true || false && false", True),
        ("!(true && false)", True),
        ("1 < 2 == true", None),
        ("(1 < 2) == true", True),
        ("7 / 2 == 3", True),
        ("-7 / 2 == -3", True),
        ("7.0 / 2 == 3.5", True),
        ("1 / 3.0 == 0.333333", True),
        ("0.1 + 0.2 == 0.3", True),
        ("0.1 * 0.2 == 0.02", True),
        ("0.001 * 0.001 == 0.000001", True),
        ("0.001 * 0.0001 == 0.0", True),
        ("(0.0 - 0.001) * 0.0015 == 0.0 - 0.000001", True),
        ("1 == 1.0", True),
        ("1.000001 > 1", True),
        ('"a" in ["a", "b"]', True),
        ('!("c" in ["a", "b"])', True),
        ("2 in [1, 2.0]", True),
        ("2.5 in [1, 2]", False),
        ('"abc".startsWith("ab") && "abc".endsWith("bc") && "abc".contains("b")', True),
        ('"a.c".contains(".") && !"abc".contains("a.c")', True),
        ('size("größe") == 5 && "größe".size() == 5', True),
        ("\"it's\" == 'it\\'s'", True),
        ('"a" < "b" && "061" < "61"', True),
        ("true // so it is\n && true", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: bool | None) -> None:
    if expected is None:
        assert fault(text)[2].startswith("comparisons cannot be chained")
    else:
        assert answers(text) == [expected]


def test_what_is_missing_is_neither_true_nor_false_and_spreads_only_as_far_as_it_matters() -> None:
    unknown = "item.net_mass > 5"

    assert answers(unknown) == [None]
    assert answers(f"!({unknown})") == [None]
    assert answers(f"{unknown} && false") == [False]
    assert answers(f"false && {unknown}") == [False]
    assert answers(f"{unknown} || true") == [True]
    assert answers(f"{unknown} || false") == [None]
    assert answers("item.hs_code in ['61']") == [None]
    assert answers("!(item.hs_code in ['61'])") == [None]
    assert answers("item.hs_code in item.additional_procedures", {"item.additional_procedures": ["C07"]}) == [None]
    assert answers("has(item.hs_code)") == [False]
    assert answers("item.net_mass / 0.0 > 1", {"item.net_mass_micro": 1}) == [None]


def test_decimals_are_compared_exactly_to_the_millionth() -> None:
    rows = [{"item.net_mass_micro": micro} for micro in (299_999, 300_000, 300_001)]

    assert answers("item.net_mass > 0.3", *rows) == [False, False, True]
    assert answers("item.net_mass >= 0.1 + 0.2", *rows) == [False, True, True]
    assert answers("item.net_mass == 0.3", *rows) == [False, True, False]


def test_value_per_kilogram_is_exact_and_unknown_without_a_mass() -> None:
    rows = [
        {"values.goods_micro": 10_000_000, "item.net_mass_micro": 333_333},
        {"values.goods_micro": 10_000_000, "item.net_mass_micro": 0},
        {"values.goods_micro": 10_000_000},
        {"values.goods_micro": 2**63 - 1, "item.net_mass_micro": 1},
    ]

    assert answers("item.value_per_kg == 30.000030", *rows) == [True, None, None, False]
    assert answers("item.value_per_kg > 999999999999", *rows) == [False, None, None, True]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("item.hs_cod == '61'", 1, 1, "no field is called item.hs_cod; did you mean item.hs_code?"),
        ("true &&\n  item.nothing > 1", 2, 3, "no field is called item.nothing"),
        ("item.hs_code > 61", 1, 14, "cannot compare text with a whole number"),
        ("item.net_mass", 1, 1, "this must be a yes or no, and is a decimal"),
        ("true && item.net_mass", 1, 9, "this must be a yes or no"),
        ("!item.hs_code", 1, 2, "this must be a yes or no, and is text"),
        ("true > false", 1, 6, "cannot compare a yes or no"),
        ("item.net_mass > ", 1, 17, "expected a value, found the end"),
        ("item.net_mass > 5)", 1, 18, "expected the end"),
        ("(item.net_mass > 5", 1, 19, "expected )"),
        ("item.net_mass ? 1 : 2", 1, 15, "cannot read '?'"),
        ('item.hs_code == "61', 1, 17, "this string has no end"),
        ("item.hs_code == 'a\\d'", 1, 17, "\\d means nothing in a string"),
        ("1 < 2 < 3", 1, 7, "comparisons cannot be chained"),
        ("item.hs_code in []", 1, 17, "this list is empty"),
        ("item.hs_code in ['61', 62]", 1, 17, "everything in a list must be of one kind"),
        ("item.hs_code in [item.taric_code]", 1, 18, "a list holds only what is written out"),
        ("item.net_mass in ['61']", 1, 15, "a decimal cannot be in a list of texts"),
        ("item.hs_code.startWith('61')", 1, 14, "no function is called startWith; did you mean startsWith?"),
        ("matches(item.hs_code, '61')", 1, 1, "no function is called matches"),
        ("item.hs_code.startsWith()", 1, 14, "startsWith takes 1, not 0"),
        ("startsWith(item.hs_code, '61')", 1, 1, "no function is called startsWith"),
        ("item.net_mass > 0.0000001", 1, 17, "the number may have at most six decimals"),
        ("item.net_mass > 1000000000000", 1, 17, "the number must be below"),
        ("has('61')", 1, 1, "has() asks about a field"),
        ("listed(item.hs_code, '61')", 1, 8, "the name of a list must be written out"),
        ("listed('hs6', '610910')", 1, 15, "this names no field"),
        ("'610910' in list('hs6')", 1, 1, "this names no field"),
        ("mentions('a knife', ['knife'])", 1, 10, "this names no field"),
        ("list('hs6')", 1, 1, "this must be a yes or no, and is a named list"),
        ("mentions(item.description, 'knife')", 1, 28, "words are a list"),
        ("mentions(item.description, ['kni.e'])", 1, 29, "a word is text of letters"),
        ("mentions(item.description, [' '])", 1, 29, "a word is text of letters"),
        ("item.price * item.price * item.price > 1", 1, 25, "this number could grow past what is kept exactly"),
        ("'61'.hs_code == 'a'", 1, 6, "hs_code is no field of this"),
        ("item.price + item.hs_code > 1", 1, 14, "this must be a whole number or a decimal, and is text"),
        ("", 1, 1, "expected a value, found the end"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_column(text: str, line: int, column: int, words: str) -> None:
    found = fault(text)

    assert found[:2] == (line, column)
    assert found[2].startswith(words)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "true" + ")" * 5_000,
        "!" * 5_000 + "true",
        "-" * 5_000 + "1 > 0",
        "1" + " + 1" * 5_000 + " > 0",
        "size(" * 3_000 + "'a'" + ")" * 3_000 + " > 0",
        "[" * 5_000,
        "'a'" + ".size()" * 2_000 + " > 0",
        "true" + " " * LENGTH_MAX,
    ],
)
def test_a_condition_that_is_too_deep_or_long_is_refused_and_does_not_exhaust_us(text: str) -> None:
    assert fault(text)[0] == 1


def test_a_long_row_of_alternatives_is_no_depth() -> None:
    text = " || ".join(f"item.hs_code == '{code}'" for code in range(DEPTH_MAX * 10))

    assert answers(text, {"item.hs_code": "399"}, {"item.hs_code": "400"}) == [True, False]


def test_words_are_whole_and_harmless_phrases_hide_nothing_else() -> None:
    text = "mentions(item.description, ['knife', 'pocket-knife', 'jack  knife'], ['butter knife'])"
    said = ["A KNIFE", "knifeless", "butter knife", "butter knife and knife", "jack knife", None, "Butter\tKNIFE", ""]

    found = answers(text, *({"item.description": words} for words in said))

    assert found == [True, False, False, True, True, None, False, False]


def test_words_of_a_script_without_blanks_are_found_inside_a_text() -> None:
    assert pl.Series(["折叠刀具套装"]).str.contains(pattern(("刀具",))).to_list() == [True]


def test_a_named_list_is_that_of_the_country_and_the_day() -> None:
    before = {"item.hs_code": "850650", "accepted_on": date(2011, 12, 31)}
    rows: list[Row] = [{"item.hs_code": "850650"}, {"item.hs_code": "85065010"}, {"item.hs_code": "850680"}, {}, before]

    assert answers('item.hs_code in list("risk-batteries")', *rows) == [True, False, False, None, False]
    assert answers('listed("risk-batteries", item.hs_code)', *rows) == [True, True, False, None, False]


def test_every_field_can_be_asked_after() -> None:
    asked = {
        Kind.TEXT: "{} == 'x'", Kind.WHOLE: "{} > 1", Kind.DECIMAL: "{} > 1.5", Kind.TRUTH: "{}",
        Kind.TEXTS: "'x' in {}",
    }  # fmt: skip

    for field in FIELDS.values():
        assert answers(asked[field.kind].format(field.name))[0] in (None, False), field.name
        assert field.text, field.name


def test_no_field_is_a_name_an_address_or_another_mark_of_a_person() -> None:
    personal = ("name", "street", "city", "postcode", "phone", "email")

    assert not [
        name for name in FIELDS if name.split(".")[0] not in ("item", "consignment") and name.endswith(personal)
    ]


# An independent reading of the same language, row by row, in plain Python.


@dataclass(frozen=True)
class Said:
    """A part of a condition: its text, and what it comes to for a row; decimals are millionths."""

    text: str
    of: Callable[[Row], Any]


def _toward_nought(above: int, below: int) -> int | None:
    return None if below == 0 else abs(above) // abs(below) * (1 if (above < 0) == (below < 0) else -1)


def _known(operation: Callable[..., Any], *parts: Said) -> Callable[[Row], Any]:
    """Unknown where a part is unknown."""

    def of(row: Row) -> Any:
        values = [part.of(row) for part in parts]
        return None if any(value is None for value in values) else operation(*values)

    return of


def _and(parts: list[Said]) -> Callable[[Row], bool | None]:
    def of(row: Row) -> bool | None:
        values = [part.of(row) for part in parts]
        return False if False in values else None if None in values else True

    return of


def _or(parts: list[Said]) -> Callable[[Row], bool | None]:
    def of(row: Row) -> bool | None:
        values = [part.of(row) for part in parts]
        return True if True in values else None if None in values else False

    return of


def _field(name: str) -> Said:
    return Said(name, lambda row: row.get(FIELDS[name].columns[0]))


CODES = ["61", "6109", "", "85"]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def decimals(depth: int) -> st.SearchStrategy[Said]:
    micro = st.integers(0, 3_000_000)
    plain = st.one_of(
        st.sampled_from([_field("item.net_mass"), _field("item.price")]),
        micro.map(lambda m: Said(f"{m // 10**6}.{m % 10**6:06d}", lambda _: m)),
    )
    if not depth:
        return plain
    below = st.tuples(decimals(depth - 1), decimals(depth - 1))
    return st.one_of(
        plain,
        below.map(lambda p: Said(f"({p[0].text} + {p[1].text})", _known(lambda a, b: a + b, *p))),
        below.map(lambda p: Said(f"({p[0].text} - {p[1].text})", _known(lambda a, b: a - b, *p))),
        below.map(
            lambda p: Said(f"({p[0].text} * {p[1].text})", _known(lambda a, b: _toward_nought(a * b, 10**6), *p))
        ),
        below.map(
            lambda p: Said(f"({p[0].text} / {p[1].text})", _known(lambda a, b: _toward_nought(a * 10**6, b), *p))
        ),
        wholes(depth - 1).map(lambda w: Said(f"({w.text} + 0.5)", _known(lambda a: a * 10**6 + 500_000, w))),
    )


def wholes(depth: int) -> st.SearchStrategy[Said]:
    plain = st.one_of(
        st.sampled_from(
            [_field("consignment.item_count"), Said("size(item.hs_code)", _known(len, _field("item.hs_code")))]
        ),
        st.integers(-5, 5).map(lambda n: Said(str(n), lambda _: n)),
    )
    if not depth:
        return plain
    below = st.tuples(wholes(depth - 1), wholes(depth - 1))
    return st.one_of(
        plain,
        below.map(lambda p: Said(f"({p[0].text} - {p[1].text})", _known(lambda a, b: a - b, *p))),
        below.map(lambda p: Said(f"({p[0].text} / {p[1].text})", _known(_toward_nought, *p))),
        below.map(lambda p: Said(f"-({p[0].text})", _known(lambda a: -a, p[0]))),
    )


def texts() -> st.SearchStrategy[Said]:
    literal = st.sampled_from(CODES).map(lambda t: Said(f'"{t}"', lambda _: t))
    return st.one_of(literal, st.sampled_from([_field("item.hs_code"), _field("item.taric_code")]))


def _two(kind: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    return st.tuples(kind, kind, st.sampled_from(sorted(COMPARE))).map(
        lambda p: Said(f"{p[0].text} {p[2]} {p[1].text}", _known(COMPARE[p[2]], p[0], p[1]))
    )


def truths(depth: int) -> st.SearchStrategy[Said]:
    pair = st.tuples(texts(), texts())
    chosen = st.lists(st.sampled_from(CODES), min_size=1, max_size=3)
    leaves = st.one_of(
        _two(decimals(1)),
        _two(wholes(2)),
        _two(texts()),
        pair.map(lambda p: Said(f"{p[0].text}.startsWith({p[1].text})", _known(str.startswith, *p))),
        pair.map(lambda p: Said(f"{p[0].text}.endsWith({p[1].text})", _known(str.endswith, *p))),
        pair.map(lambda p: Said(f"{p[0].text}.contains({p[1].text})", _known(lambda a, b: b in a, *p))),
        st.tuples(texts(), chosen).map(
            lambda p: Said(f"{p[0].text} in {p[1]}".replace("'", '"'), _known(lambda a: a in p[1], p[0]))
        ),
        texts().map(
            lambda t: Said(
                f"{t.text} in item.additional_procedures",
                _known(lambda a, b: a in b, t, _field("item.additional_procedures")),
            )
        ),
        st.just(Said("has(item.net_mass)", lambda row: row["item.net_mass_micro"] is not None)),
        st.just(_field("consignment.has_previous_document")),
    )
    if not depth:
        return leaves
    several = st.lists(truths(depth - 1), min_size=2, max_size=3)
    return st.one_of(
        leaves,
        several.map(lambda p: Said(f"({' && '.join(part.text for part in p)})", _and(p))),
        several.map(lambda p: Said(f"({' || '.join(part.text for part in p)})", _or(p))),
        truths(depth - 1).map(lambda t: Said(f"!({t.text})", _known(lambda a: not a, t))),
    )


ROWS = st.fixed_dictionaries(
    {
        "item.net_mass_micro": st.none() | st.integers(0, 3_000_000),
        "item.price_micro": st.none() | st.integers(0, 10**18 - 1),
        "consignment.item_count": st.none() | st.integers(0, 9),
        "item.hs_code": st.none() | st.sampled_from(CODES),
        "item.taric_code": st.none() | st.sampled_from(CODES),
        "item.additional_procedures": st.lists(st.sampled_from(CODES), max_size=2),
        "reckoned.has_previous_document": st.none() | st.booleans(),
    }
)


@settings(max_examples=250, deadline=None)
@given(said=truths(2), rows=st.lists(ROWS, min_size=1, max_size=8))
def test_columns_say_what_a_slow_and_obvious_reading_says(said: Said, rows: list[Row]) -> None:
    try:
        found = answers(said.text, *rows)
    except ConditionError as refused:
        assume("could grow" not in str(refused))
        raise

    assert found == [said.of(row) for row in rows]
