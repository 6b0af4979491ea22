"""Duty expressions: our spelling, the official ones, what they come to, and every tariff that is at hand."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.law.expressions import (
    FREE,
    AdValorem,
    Formula,
    Missing,
    Part,
    Specific,
    Unsupported,
    dialects,
    read,
    reckon,
    write,
)
from tidewaiter.law.expressions.dialects.us import alternatives
from tidewaiter.law.expressions.formula import KINDS
from tidewaiter.law.expressions.seasons import read_seasons, spans

REFERENCE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "reference"

SPELT = [
    # Each official form, and the same in our own spelling.
    ("us", "Free", "free"),
    ("us", "6.8%", "6.8 %"),
    ("us", "33 1/3%", "33 1/3 %"),
    ("us", "1.5¢/kg + 5%", "0.015 USD / KGM + 5 %"),
    ("us", "$1.55 each + 4.2% on the case + 9.9% on the strap, band or bracelet",
     "1.55 USD / NAR + 4.2 % of case + 9.9 % of strap, band or bracelet"),
    ("us", "5¢/clean kg", "0.05 USD / KGM clean"),
    ("us", "14.4¢/gross + 2%", "0.144 USD / GRO + 2 %"),
    ("us", "0.18¢/line/ gross + 2.5%", "0.0018 USD / GRO per line + 2.5 %"),
    ("us", "$2.50/thou- sand + 40%", "2.5 USD / 1000 NAR + 40 %"),
    ("us", "14.5¢/m<sup>2 </sup>+ 0.4%", "0.145 USD / MTK + 0.4 %"),
    ("us", "4.4¢/liter + 31.4¢/pf. liter", "0.044 USD / LTR + 0.314 USD / PFL"),
    ("us", "3.6606¢/kg less 0.020668¢/kg for each degree under 100 degrees (and fractions of a degree in proportion) "
     "but not less than 3.143854¢/kg",
     "0.036606 USD / KGM - 0.00020668 USD / KGM per degree under 100 MIN 0.03143854 USD / KGM"),
    ("us", "No change", "SEE applicable subheading"),
    ("us", "The duty provided in the applicable subheading + 25%", "SEE applicable subheading + 25 %"),
    ("us", "The duty provided in the applicable subheading + a duty of 50% upon the value of the copper content",
     "SEE applicable subheading + 50 % of copper content"),
    ("us", "The duty rate provided in such subheading minus 0.5%", "SEE applicable subheading - 0.5 %"),
    ("us", "See 9918.04.50-9918.04.59", "SEE 9918.04.50-9918.04.59"),
    ("us", "Free, under bond", "unsupported: conditional"),
    ("us", "See additional U.S. note 1", "unsupported: see-note"),
    ("us", "The rate applicable to the natural juice in heading 2009", "unsupported: reference"),
    ("uk", "0.0%", "free"),
    ("uk", "12.80% + 141.40 EUR / 100 kg", "12.8 % + 141.4 EUR / 100 KGM"),
    ("uk", "18.40% MIN 22.00 EUR / 100 kg MAX 24.00 EUR / 100 kg", "18.4 % MIN 22 EUR / 100 KGM MAX 24 EUR / 100 KGM"),
    ("uk", "9.10% + 45.10 EUR / 100 kg MAX 18.90% + 16.50 EUR / 100 kg",
     "9.1 % + 45.1 EUR / 100 KGM MAX 18.9 % + 16.5 EUR / 100 KGM"),
    ("uk", "0.40 EUR / 100 kg /net/ % sacchar.", "0.4 EUR / 100 KGM per % sacchar."),
    ("uk", "1.30 EUR / % vol / hl MIN 7.20 EUR / hl", "1.3 EUR / HLT per % vol MIN 7.2 EUR / HLT"),
    ("uk", "1,024.00 EUR / tonne", "1024 EUR / TNE"),
    ("uk", "6.4 + 24.6 EUR/100 kg", "6.4 % + 24.6 EUR / 100 KGM"),
    ("uk", "16.50 % / Retail Price + 244.78 GBP / 1000 p/st MIN 320.90 GBP / 1000 p/st",
     "16.5 % of retail price + 244.78 GBP / 1000 NAR MIN 320.9 GBP / 1000 NAR"),
    ("uk", "144.10 GBP / 1000 kg/biodiesel", "144.1 GBP / 1000 KGM biodiesel content"),
    ("uk", "0.00% + EA", "unsupported: meursing"),
    ("uk", "9.00% +  EA MAX 18.70%  + ADSZ", "unsupported: meursing"),
    ("uk", "Entry Price", "unsupported: entry-price"),
    ("uk", "15.00% (01 JAN-14 FEB, 16 JUN-31 DEC), 0.00% (15 FEB-15 JUN)", "unsupported: seasonal"),
    ("uk", "p/st", "unsupported: unit-only"),
    ("eaeu", "15%, но не менее 0.15 EUR за 1 кг", "15 % MIN 0.15 EUR / KGM"),
    ("eaeu", "5, но не менее 0,04 евро за 1 кг", "5 % MIN 0.04 EUR / KGM"),
    ("eaeu", "1.4 EUR за 1 л", "1.4 EUR / LTR"),
    ("eaeu", "1 EUR за 1 см3", "1 EUR / CMQ"),
    ("eaeu", "240 USD за 1 т", "240 USD / TNE"),
    ("eaeu", "15%, но не менее 2 EUR за 1 шт", "15 % MIN 2 EUR / NAR"),
    ("il", "פטור", "free"),
    ("il", 'שיעור 12% אל"פ מ- 1.27 ₪ לקילוגרם', "12 % MIN 1.27 ILS / KGM"),
    ("il", 'שיעור 8.40% אל"י מ-71.40% אל"פ מ-1.12 ₪ ל קילוגרם', "8.4 % MIN 1.12 ILS / KGM MAX 71.4 %"),
    ("il", '7 ₪ לקילוגרם אל"י מ-30%', "7 ILS / KGM MAX 30 %"),
    ("br", "14", "14 %"),
    ("br", "12,6BK", "12.6 %"),
    ("br", "0", "free"),
    *((name, "a duty nobody has heard of", "unsupported: unread") for name in dialects.DIALECTS),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "official", "ours"), SPELT)
def test_an_official_form_is_read_into_our_own_spelling(dialect: str, official: str, ours: str) -> None:
    duty = dialects.read(official, dialect)

    assert write(duty) == ours
    assert isinstance(duty, Unsupported) or read(ours) == duty


WORDS = st.from_regex(r"[a-z][a-z0-9]{0,5}(?: [a-z0-9%][a-z0-9%,.'()-]{0,5}){0,3}", fullmatch=True).filter(
    lambda words: words.split()[0] != "of"
)
NUMBERS = st.decimals(min_value=Decimal("-999999"), max_value=Decimal("999999999999999"), places=12).map(
    lambda number: number.quantize(Decimal("1e-9")) if abs(number) > 10**12 else number
)
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(
        AdValorem,
        st.one_of(
            st.decimals(min_value=Decimal("-99"), max_value=Decimal("9999"), places=6).map(Fraction),
            st.fractions(min_value=0, max_value=1000, max_denominator=99),
        ).filter(bool),
        st.one_of(st.just("value"), st.just("retail price"), WORDS),
    ),
    st.builds(
        Specific,
        NUMBERS.filter(bool),
        st.sampled_from(["EUR", "GBP", "USD", "ILS"]),
        st.sampled_from([Decimal(1), Decimal(100), Decimal(1000), Decimal("0.5")]),
        st.sampled_from(["KGM", "HLT", "NAR", "MTK", "LPA", "PR"]),
        st.one_of(st.just(""), WORDS),
    ),
)
SUMS = st.lists(PARTS, min_size=1, max_size=3).map(tuple)
BOUNDS = st.one_of(st.just(()), SUMS)
FORMULAS = st.one_of(
    st.just(FREE),
    st.builds(Formula, SUMS, BOUNDS, BOUNDS),
    st.builds(Formula, BOUNDS, BOUNDS, BOUNDS, WORDS),
)


@given(FORMULAS)
def test_what_is_written_is_read_again(duty: Formula) -> None:
    assert read(write(duty)) == duty


@given(st.text(max_size=60), st.sampled_from(sorted(dialects.DIALECTS)))
def test_no_text_is_an_exception(text: str, dialect: str) -> None:
    for duty in (dialects.read(text, dialect), read(text)):
        assert isinstance(duty, Formula) or duty.kind in KINDS


DUTY_WORDS = st.sampled_from(re.split(" ", "12.5 100 % + - / EUR KGM MIN MAX SEE free of case $ ¢ kg 1/3"))


@given(st.lists(DUTY_WORDS, max_size=9))
def test_the_words_of_duties_in_any_order_are_read_or_named(words: list[str]) -> None:
    for text in (" ".join(words), "".join(words)):
        for duty in (read(text), dialects.read(text, "us"), dialects.read(text, "uk")):
            assert isinstance(duty, Unsupported) or read(write(duty)) == duty


@pytest.mark.parametrize("text", [
    "", "5", "5 EUR", "% 5", "5 % MIN", "5 % MIN 0 %", "5 % MAX 1 % MAX 2 %", "free + 5 %", "5 % of", "FREE", "5%%",
    "SEE", "12345678901234567 %", "5 EUR / KGM KGM", "5 % + free", "0 0/0 %",
])  # fmt: skip
def test_what_is_not_our_spelling_is_unread_and_never_free(text: str) -> None:
    assert read(text) == Unsupported("unread", text)


def test_a_special_cell_gives_each_duty_with_its_programmes() -> None:
    assert alternatives("Free (A*,AU, BH) 3.2% (JP)") == [(("A*", "AU", "BH"), "Free"), (("JP",), "3.2%")]
    assert alternatives("Free (A)2.7%(JP)") == [(("A",), "Free"), (("JP",), "2.7%")]
    assert alternatives("Free (CA) A duty upon the value (see U.S. note 3 of this subchapter) (B,C,)") == [
        (("CA",), "Free"),
        (("B", "C"), "A duty upon the value (see U.S. note 3 of this subchapter)"),
    ]
    assert alternatives("No change") == [((), "No change")]
    assert alternatives(" ") == []


def test_seasons_make_up_the_year_or_are_not_read() -> None:
    seasons = read_seasons("10.00% (01 JUL - 31 JAN), 0.00% (01 FEB - 30 JUN)", "uk")

    assert [(season.first, season.last, write(season.duty)) for season in seasons] == [
        ((7, 1), (1, 31), "10 %"),
        ((2, 1), (6, 30), "free"),
    ]
    assert spans(seasons[0], date(2021, 1, 1), date(2022, 1, 1)) == [
        (date(2021, 1, 1), date(2021, 2, 1)),
        (date(2021, 7, 1), date(2022, 1, 1)),
    ]
    assert read_seasons("9.60% (01 JAN-15 MAY), 13.40% (16 MAY-30 JUNE)", "uk") == ()
    assert read_seasons("11.20% (01 JAN-31 APR, 01 AUG-31 DEC), 12.80% (01 MAY-31 JUL)", "uk") == ()


def test_a_season_to_the_end_of_february_has_its_leap_day() -> None:
    winter, _ = read_seasons("10% (01 DEC - 28 FEB), 0% (01 MAR - 30 NOV)", "uk")

    assert spans(winter, date(2024, 1, 1), date(2024, 6, 1)) == [(date(2024, 1, 1), date(2024, 3, 1))]


RECKONED = [
    # Worked by hand: (duty, quantities, what it comes to on a value of 200).
    ("free", {}, "0"),
    ("12.5 %", {}, "25"),
    ("33 1/3 %", {}, "66.66666666666666666666666667"),
    ("5 % + 1.5 EUR / 100 KGM", {"KGM": "250"}, "13.75"),
    ("18.4 % MIN 22 EUR / 100 KGM MAX 24 EUR / 100 KGM", {"KGM": "100"}, "24"),
    ("1 % MIN 22 EUR / 100 KGM MAX 24 EUR / 100 KGM", {"TNE": "0.1"}, "22"),
    ("1.3 EUR / HLT per % vol MIN 7.2 EUR / HLT", {"LTR": "50", "% vol": "13.5"}, "8.775"),
    ("0.44 USD / NAR + 6 % of case", {"NAR": "2"}, "2.08"),
    ("16.5 % of retail price", {}, "49.5"),
    ("SEE applicable subheading + 25 %", {}, "57"),
    ("0.187 USD / KGM clean", {"KGM": "10", "KGM clean": "8"}, "1.496"),
    ("5 EUR / 1000 NAR", {"DZN": "10"}, "0.6"),
]


@pytest.mark.parametrize(("duty", "quantities", "comes_to"), RECKONED)
def test_a_formula_comes_to_what_is_worked_by_hand(duty: str, quantities: dict[str, str], comes_to: str) -> None:
    formula = read(duty)

    assert isinstance(formula, Formula)
    assert reckon(
        formula,
        value=Decimal(200),
        quantities={unit: Decimal(quantity) for unit, quantity in quantities.items()},
        parts={"case": Decimal(20)},
        retail_price=Decimal(300),
        referred=Decimal(7),
    ) == Decimal(comes_to)


@pytest.mark.parametrize(("duty", "missing"), [
    ("5 EUR / 100 KGM", "quantity KGM"),
    ("5 EUR / KGM drained weight", "quantity KGM drained weight"),
    ("5 EUR / LTR per % vol", "quantity % vol"),
    ("6 % of case", "value of case"),
    ("16.5 % of retail price", "retail price"),
    ("SEE 9822.05.20", "duty of 9822.05.20"),
])  # fmt: skip
def test_what_is_missing_is_named(duty: str, missing: str) -> None:
    formula = read(duty)

    assert isinstance(formula, Formula)
    assert reckon(formula, value=Decimal(1), quantities={"LTR": Decimal(1)}) == Missing(missing)


def test_an_amount_in_another_currency_is_exchanged_or_missing() -> None:
    formula = Formula((Specific(Decimal(5), "EUR", Decimal(1), "KGM"),))
    kilogram = {"KGM": Decimal(2)}

    assert reckon(formula, value=Decimal(1), quantities=kilogram, exchange={"EUR": Decimal("0.86")}) == Decimal("8.6")
    assert reckon(formula, value=Decimal(1), quantities=kilogram, exchange={}) == Missing("exchange of EUR")


# Every tariff at hand


class HtsLine(msgspec.Struct):
    """The columns of a line of an HTS export that hold duties."""

    general: str | None = None
    special: str | None = None
    other: str | None = None
    additional: str | None = msgspec.field(name="additionalDuties", default=None)


@pytest.fixture(scope="module")
def expressions() -> dict[tuple[str, str], Counter[str]]:
    """(source, dialect): how many lines have each expression."""
    found: dict[tuple[str, str], Counter[str]] = {}

    def note(source: str, dialect: str, text: str | None) -> None:
        if text and text.strip():
            found.setdefault((source, dialect), Counter())[text] += 1

    cells: Counter[str] = Counter()
    for path in sorted((REFERENCE / "tariff_us" / "hts").glob("*.json.gz")):
        for line in msgspec.json.decode(gzip.decompress(path.read_bytes()), type=list[HtsLine]):
            note("US HTS general", "us", line.general)
            note("US HTS other", "us", line.other)
            note("US HTS additional duties", "us", line.additional)
            cells[line.special or ""] += 1
    for cell, many in cells.items():
        for _, duty in alternatives(cell):
            found.setdefault(("US HTS special", "us"), Counter())[duty] += many
    for path in REFERENCE.glob("tariff_uk_eu/global-uk-tariff*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                note("UK Global Tariff", "uk", row["ukgt_duty_rate"])
                note("EU common tariff", "uk", row["cet_duty_rate"])
    for path in REFERENCE.glob("tariff_uk_eu/backend/seasonal_measures.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                note("UK seasonal", "uk", row["duty"])
    for path in REFERENCE.glob("tariff_uk_eu/api_fixtures/*_commodities_*.json"):
        for measure in json.loads(path.read_text())["import_measures"]:
            note("UK tariff API", "uk", measure["duty_expression"]["base"])
    for path in REFERENCE.glob("tariff_other/israel_tariff_*[0-9].json"):
        for row in json.loads(path.read_text()):
            note("Israel customs", "il", row.get("customs_rate"))
            note("Israel purchase tax", "il", row.get("purchase_tax"))
    if not found:
        pytest.skip("the tariffs are not here (../shared/data/reference/tariff_*)")
    return found


def test_nearly_every_expression_of_every_tariff_is_a_formula_or_named(
    expressions: dict[tuple[str, str], Counter[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for (source, dialect), texts in expressions.items():
        kinds = Counter(_kind(text, dialect) for text in texts)
        named = {kind: many for kind, many in sorted(kinds.items()) if kind in KINDS and kind != "unread"}
        rows.append(
            (source, len(texts), kinds["formula"] + kinds["seasons"], sum(named.values()), kinds["unread"], named)
        )
    with capsys.disabled():
        print(f"\n{'source':25}{'distinct':>9}{'formula':>9}{'named':>7}{'unread':>8}  named kinds")
        for source, distinct, formulas, named_many, unread, named in rows:
            print(f"{source:25}{distinct:9}{formulas:9}{named_many:7}{unread:8}  {named or ''}")
    distinct, unread = sum(row[1] for row in rows), sum(row[4] for row in rows)

    assert unread <= distinct * 5 // 1000, f"{unread} of {distinct}"


def test_every_free_and_ad_valorem_line_of_the_us_tariff_equals_an_independent_reading(
    expressions: dict[tuple[str, str], Counter[str]],
) -> None:
    lines, differ = 0, []
    for (source, dialect), texts in expressions.items():
        if dialect != "us":
            continue
        for text, many in texts.items():
            plain = re.fullmatch(r"\s*(?:(Free)|(\d+(?:\.\d+)?) ?%)\s*", text)
            if not plain:
                continue
            lines += many
            ppm = 0 if plain[1] else int(plain[2].replace(".", "")) * 10 ** (4 - len(plain[2].partition(".")[2]))
            duty = dialects.read(text, dialect)
            if not isinstance(duty, Formula) or duty.ppm != ppm:
                differ.append((source, text))
    if not lines:
        pytest.skip("the US tariff is not here (../shared/data/reference/tariff_us)")

    assert not differ
    assert lines > 100_000


def test_a_formula_has_the_numbers_and_units_of_its_text_and_no_others(
    expressions: dict[tuple[str, str], Counter[str]],
) -> None:
    differ = [
        (source, text, write(duty))
        for (source, dialect), texts in expressions.items()
        for text in texts
        if isinstance(duty := dialects.read(text, dialect), Formula)
        and duty != FREE
        and (_numbers(text) != _numbers(write(duty)) or _units(text, dialect) != _units(write(duty), "ours"))
    ]

    assert not differ


def _kind(text: str, dialect: str) -> str:
    duty = dialects.read(text, dialect)
    if isinstance(duty, Formula):
        return "formula"
    return "seasons" if duty.kind == "seasonal" and read_seasons(text, dialect) else duty.kind


def _numbers(text: str) -> Counter[Fraction]:
    """All numbers of a text but zeros and ones, cents as parts of their currency; nothing of the code under test."""
    plain = (
        re.sub(r"(?<=/m)[23]|(?<= m)[23]", "", re.sub(r"<[^>]*>", "", text))
        .replace("thou- sand", "thousand")
        .replace("thousand", "1000")
    )
    plain = plain.replace("לאלף", "1000")
    plain = re.sub(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}", "", plain)

    def each() -> Iterator[Fraction]:
        for match in re.finditer(r"(\d[\d,]*(?:\.\d+)?)(?: (\d+)/(\d+)(?= ?%))?(\s?¢)?", plain):
            number = Fraction(match[1].replace(",", "")) + (Fraction(int(match[2]), int(match[3])) if match[2] else 0)
            yield number / 100 if match[4] else number

    return Counter(number for number in each() if number not in (0, 1))


UNITS = {
    "us": r"kg|pf\. ?liter|liter|bbl|(?<!for )each|(?<!imported )article|jewel|pins|pack|pr\.|doz\.|gross|head"
    r"|m2|m3|m|t|g|1000|thousand",
    "uk": r"kg|hl|tonne|items?|p/st|m2|m|l",
    "il": r"קילוגרם|טון|ליטר אלכוהול|ליטר|כל אחד|יחידות",
    "ours": r"KGM|HLT|TNE|LTR|PFL|BLL|NAR|NPR|DZN|GRO|HEA|MTK|MTQ|MTR|GRM|LPA",
}
SAME = {
    "pf. liter": "PFL", "pf.liter": "PFL", "liter": "LTR", "kg": "KGM", "bbl": "BLL", "pr.": "NPR", "doz.": "DZN",
    "gross": "GRO", "head": "HEA", "m2": "MTK", "m3": "MTQ", "m": "MTR", "t": "TNE", "g": "GRM", "hl": "HLT",
    "tonne": "TNE", "l": "LTR", "קילוגרם": "KGM", "טון": "TNE", "ליטר אלכוהול": "LPA", "ליטר": "LTR",
}  # fmt: skip


def _units(text: str, dialect: str) -> Counter[str]:
    """The units of a text by their codes, whatever counts articles being NAR; nothing of the code under test."""
    plain = re.sub(r"<[^>]*>", "", text).replace("thou- sand", "thousand")
    plain = re.sub(r"1[,]?000 (?=items|p/st|pins)", "", plain) if dialect != "ours" else plain
    if dialect == "uk":
        plain = re.sub(r"/ ?gross", "", plain)
    elif dialect == "us":
        plain = re.sub(r"(?<=[0-9])(?=of recording)", " ", plain)
    found = re.findall(rf"(?<![A-Za-z])(?:{UNITS[dialect]})(?![A-Za-z0-9])", plain)
    found += [",000"] * len(re.findall(r"/1,000(?= \+)", plain)) if dialect == "us" else []
    return Counter(unit if dialect == "ours" else SAME.get(unit, "NAR") for unit in found)
