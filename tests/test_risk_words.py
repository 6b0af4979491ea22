"""Words looked for together mean what each pattern alone means."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter import law as law_room
from tidewaiter.law.in_force import InForce
from tidewaiter.model.batch import Apart
from tidewaiter.risk.columns import expression
from tidewaiter.risk.meaning import Term, understand
from tidewaiter.risk.sieve import Sieve
from tidewaiter.risk.syntax import parse
from tidewaiter.risk.words import FEW, Words

LAW = law_room.load()
ODD = (
    "\u212anife",
    "\u017fword",
    "İ",
    "taxİ",
    "KNIFE",
    "toy  sword",
    "toy-sword",
    "toy\u2009sword",
    "刀",
    "模型",
    "o'neil",
)
WORDS = (
    "knife", "sword", "taxi", "toy sword", "k", "s", "刀", "o'neil", "power bank", "9mm", "нож", "-k", "k-9", "--",
    "刀 knife",
)  # fmt: skip
PHRASES = ("toy sword", "butter knife", "sword fern", "power bank case", "模型", "k", "-k", "刀", "x-", "-")


@st.composite
def conditions(draw: st.DrawFn) -> Term:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True))
    phrases = draw(st.lists(st.sampled_from(PHRASES), max_size=3, unique=True))
    lists = ", ".join(
        f"[{', '.join(f'{word!r}' for word in some)}]".replace("'o'neil'", '"o\'neil"')
        for some in (words, phrases)
        if some
    )
    return understand(parse(f"mentions(item.description, {lists})".replace('"o\'neil"', '"o\'neil"')))


texts = st.one_of(
    st.none(),
    st.lists(st.sampled_from((*WORDS, *PHRASES, *ODD, "-", ",", "x")), max_size=6).flatmap(
        lambda some: st.sampled_from((" ".join(some), "".join(some), "_".join(some), "  ".join(some).upper()))
    ),
)


@settings(max_examples=400, deadline=None)
@given(terms=st.lists(conditions(), min_size=1, max_size=4), said=st.lists(texts, min_size=1, max_size=12))
def test_words_looked_for_together_are_those_that_patterns_find(terms: list[Term], said: list[str | None]) -> None:
    here = InForce.over([("GB", 20_000)], LAW)
    column = pl.Series("item.description", said, dtype=pl.String)
    patterns = {id(term): expression(term, here).alias(str(id(term))) for term in terms}

    words = Words(terms)
    told = words.told(column, patterns)

    meant = {
        part: column.to_frame().select(asked.fill_null(value=False)).to_series() for part, asked in patterns.items()
    }
    assert all(found.tolist() == meant[part].to_list() for part, found in told.items())
    assert not any(meant[part].any() for part in words.unmentioned(said))


def test_words_of_which_nothing_stands_in_any_text_need_no_pattern() -> None:
    knife, power_bank, han, hyphened = (
        understand(parse(f"mentions(item.description, {words})"))
        for words in ('["knife"]', '["power bank"]', '["刀"]', '["toy-sword"]')
    )
    words = Words([knife, power_bank, han, hyphened])

    assert words.unmentioned(["a KNIFEBLOCK", None]) == {id(one) for one in (knife, power_bank, han, hyphened)}
    assert words.unmentioned(["a KNIFE-block", None]) == {id(one) for one in (power_bank, han, hyphened)}
    assert words.unmentioned(["powerful", "小刀模型", "TOYS"]) == {id(one) for one in (knife, power_bank, hyphened)}
    assert words.unmentioned([]) == words.unmentioned([None]) == {id(one) for one in (knife, power_bank, han, hyphened)}


def test_what_begins_with_no_letter_is_asked_of_the_pattern_alone() -> None:
    plain, han, joined, hyphens = (
        understand(parse(f"mentions(item.description, {words})"))
        for words in ('["knife", "power bank"]', '["刀"]', '["o\'neil"]', '["--"]')
    )

    assert Words([plain, han, joined, hyphens]).parts == {id(plain), id(han), id(joined)}


def test_many_texts_are_judged_as_few_are() -> None:
    condition = understand(parse('mentions(item.description, ["knife"], ["butter knife"]) && has(item.description)'))
    sieve = Sieve.of([condition], InForce.over([("GB", 20_000)], LAW))
    some: list[str | None] = [None, "a Knife", "butter knife", "knives", "butter knife, knife"]

    few = sieve.table("item.description", some)
    many = sieve.table("item.description", [*some, *(f"thing {number}" for number in range(FEW))])

    assert few.tolist() == many[:, : len(some)].tolist() == [[-1, 1, 0, 0, 1], [0, 1, 1, 1, 1]]
    assert not Apart.of(pl.Series(many[0])).one_of((1,))[len(some) :].any()
