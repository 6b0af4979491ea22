"""Names on lists of denied parties: who is found, who is not, and what an officer is told. All names are made up."""

from __future__ import annotations

import string
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewaiter.cli import bench_screen
from tidewaiter.cli.made_names import mildly, others
from tidewaiter.risk.screening import (
    THRESHOLD,
    Asked,
    Born,
    DeniedList,
    Hit,
    Identifier,
    Index,
    Listed,
    Version,
    features,
    name,
)

LISTED = (
    Listed(
        "X.001", "person", ("Yusuf Karimullah Danaghi", "يوسف كريم الله دناغي"), ("The Ferryman",),
        (Born.on(date(1971, 4, 9)),), frozenset({"SY"}), frozenset({Identifier("passport", "K0099123")}),
    ),
    Listed("X.002", "entity", ("Bluewater Meridian Shipping Co., Ltd.",), countries=frozenset({"KP"})),
    Listed("X.003", "person", ("Владимир Кожевалов",)),
    Listed("X.004", "person", ("Nguyễn Văn Thạnh",)),
    Listed("X.005", "person", ("Munib Ag Dardawi", "Sabri Tarhoun Sabri Qalandi al-Jorfi")),
    Listed("X.006", "person", ("HAN JANG SU",)),
)  # fmt: skip


def index(*parties: Listed, source: str = "made-up") -> Index:
    return Index([DeniedList(Version(source, "0" * 64, None, len(parties)), parties)])


ALL = index(*LISTED)
HELD = 0.4
"""From here on the profile `fiction-denied-parties` holds a consignment."""


def hits(text: str, **more: object) -> list[Hit]:
    return ALL.hits([Asked(text, **more)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("Yusuf Karimullah Danaghi", "X.001"),
        ("DANAGHI, YUSUF KARIMULLAH", "X.001"),
        ("Yousef Danaghi", "X.001"),
        ("Yusuf Karim Ullah Danagi", "X.001"),
        ("Mr. Yusuf K. Danaghi", "X.001"),
        ("يوسف كريم الله دناغي", "X.001"),
        ("Blue Water Meridian Shipping", "X.002"),
        ("BLUEWATER MERIDIAN SHIPPING CO LTD", "X.002"),
        ("Vladimir Kozhevalov", "X.003"),
        ("Wladimir Koschewalow", "X.003"),
        ("Nguyen Van Thanh", "X.004"),
        ("Munib Agdardawi", "X.005"),
        ("Sabritarhoun Sabri Qalandi al-Jorfi", "X.005"),
        ("Sabri Tarhoun Sabri Qalandial Jorfi", "X.005"),
        ("Sabri Tarhoun Sabri Qalandi Aljorfi", "X.005"),
        ("Han Jang-Su", "X.006"),
    ],
)
def test_a_listed_name_is_found_however_it_is_written(text: str, id: str) -> None:
    assert id in {hit.party.id for hit in hits(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Pat Example",
        "Yusuf Example",
        "Karim Ali",
        "Meridian Books",
        "Vladimir Example",
        "Su-Bin Han",
        "",
        "...",
        "Ltd",
        "李",
    ],
)
def test_another_name_is_not(text: str) -> None:
    assert [hit for hit in hits(text) if hit.score >= HELD] == []


def test_an_officer_reads_why() -> None:
    [hit] = hits("Yusuf Danagi", born=Born.on(date(1971, 4, 9)), countries=frozenset({"SY"}), kind="person")

    assert hit.score > 0.9
    assert hit.reasons == (
        "given name equal", "surname one letter off", "1 word of the listed name missing", "same day of birth",
        "same country (SY)",
    )  # fmt: skip
    assert "Danag" not in " ".join(hit.reasons)


def test_what_else_is_known_speaks_for_and_against() -> None:
    [plain] = hits("Yusuf Danaghi")
    [same] = hits("Yusuf Danaghi", born=Born(1971, 1971))
    other = hits("Yusuf Danaghi", born=Born(1999, 1999))

    assert same.score > plain.score
    assert not other or other[0].score < plain.score


def test_a_number_is_found_whatever_the_name() -> None:
    [hit] = hits("Somebody Quite Different", identifiers=frozenset({"K0099123"}))

    assert (hit.party.id, "same passport" in hit.reasons) == ("X.001", True)


def test_asked_for_some_alone_the_scores_are_the_same() -> None:
    [whole] = hits("Yusuf Danagi")
    some = ALL.among(lambda _, party: party.id == "X.001")

    assert [hit.score for hit in some.hits([Asked("Yusuf Danagi")])] == [whole.score]
    assert some.hits([Asked("Vladimir Kozhevalov")]) == []
    assert not ALL.among(lambda *_: False).is_asking


def test_one_word_of_a_long_list_brings_nobody_who_shares_no_other() -> None:
    many = index(*(Listed(str(place), "", (f"Hakim {surname}",)) for place, surname in enumerate(others(30, seed=7))))

    assert many.hits([Asked("Hakim Unheard")]) == []


def test_words_spelled_the_same_tell_more_than_words_of_one_sound() -> None:
    many = index(*(Listed(str(place), "", (f"{first} Dhargana",)) for place, first in enumerate(("Yusouf", "Yusuf"))))
    [(same, party), (_, other)] = [(hit.score, hit.party.id) for hit in many.hits([Asked("Yusuf Dhargana")])]

    assert (party, other, same > 0.5) == ("1", "0", True)


def test_some_of_many_words_tell_less_than_all() -> None:
    many = index(Listed("short", "", ("Omar Ali",)), Listed("long", "", ("Omar Ali Hakim Rashid Ben Sabri Osman",)))
    scores = {hit.party.id: hit.score for hit in many.hits([Asked("Omar Ali")], threshold=0.01)}

    assert scores["short"] > scores.get("long", 0.0)


def test_an_empty_index_says_nothing() -> None:
    assert Index([]).hits([Asked("Yusuf Danaghi")]) == []


DATA = Path(__file__).parents[2] / "shared/data/reference/denied_parties"


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data are not here")
def test_the_list_of_the_united_nations_is_found_again_and_hardly_anybody_else() -> None:
    found = bench_screen.screened(bench_screen.united_nations(DATA)[:300], 3_000, mildly)

    assert found.recall >= 0.985
    assert found.fpr <= 0.01


@pytest.mark.skipif(not DATA.is_dir(), reason="the reference data are not here")
def test_labelled_pairs_are_told_apart() -> None:
    told = bench_screen.labelled_pairs(DATA / "name_matching/name_pairs.csv")

    assert min(told.auc.value, told.auc_held) >= 0.86
    assert min(told.f1.value, told.f1_held) >= 0.79


names = st.lists(st.text(string.ascii_letters + "áßжعم李- .'1", min_size=1, max_size=9), min_size=1, max_size=5).map(
    " ".join
)


@given(names, names)
def test_two_names_are_as_alike_whichever_comes_first(left: str, right: str) -> None:
    one, other = features(name(left), name(right)), features(name(right), name(left))

    assert one.log_odds == pytest.approx(other.log_odds)


@given(st.text(max_size=500))
def test_no_text_breaks_a_name(text: str) -> None:
    assert len(name(text).words) <= 30
    assert ALL.hits([Asked(text)]) == ALL.hits([Asked(text)])


@given(st.lists(names, min_size=1, max_size=6))
@settings(max_examples=50)
def test_many_asked_together_are_what_they_are_one_by_one(texts: list[str]) -> None:
    many = index(*(Listed(str(place), "", (text,)) for place, text in enumerate(["Ana Bó", "Zha Li", *texts[:3]])))
    together = many.hits([Asked(text) for text in texts], threshold=THRESHOLD)
    apart = [(row, hit.party.id, hit.score) for row, text in enumerate(texts) for hit in many.hits([Asked(text)])]

    assert [(hit.row, hit.party.id, hit.score) for hit in together] == apart
