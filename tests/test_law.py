"""Reading the law files and asking them: faults name their file, days are exact, folders inherit, codes nest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tidewaiter.law import Law, LawError, UnknownLaw, load, loading
from tidewaiter.law.in_force import InForce
from tidewaiter.law.measures import NO_MEASURE
from tidewaiter.law.text import amount, number, percent, percent_text
from tidewaiter.law.timeline import in_force, latest, ordinal
from tidewaiter.model.batch import Apart, settings_of

ROOT = Path(__file__).resolve().parents[1] / "src" / "tidewaiter" / "jurisdictions"
Edit = Callable[[str, str, str], Path]


@pytest.fixture(scope="module")
def law() -> Law:
    return load()


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """Copies Zedland and the world aside, and there puts one text in the place of another in one file."""
    for name in ("zz", "world"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("hs6.csv", "risk"))

    def change(file: str, old: str, new: str) -> Path:
        path = tmp_path / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        return tmp_path

    return change


FAULTS = {
    "a rounding that is none": ("jurisdiction.toml", '"half_up"', '"half_even"', "half_even"),
    "a basis of value that is none": ("jurisdiction.toml", '"FOB"', '"EXW"', "EXW"),
    "a key that nothing reads": ("jurisdiction.toml", "currency =", "curency =", "curency"),
    "a parent that is no folder": ("jurisdiction.toml", 'parent = "world"', 'parent = "moon"', "moon"),
    "no TOML at all": ("regimes/gift.toml", "[[version]]", "[[version]", "gift.toml"),
    "a version without source": ("regimes/gift.toml", "source =", "# source =", "source"),
    "an empty source": ("regimes/sweets.toml", '"Sugar Tax Act of Zedland 2018 (made up)"', '" "', "source is empty"),
    "a condition that is none": ("regimes/gift.toml", "receiver =", "recipient =", "recipient"),
    "a person that is none": ("regimes/gift.toml", 'sender = "natural"', 'sender = "person"', "person"),
    "one name where a list is due": ("regimes/gift.toml", 'category = ["gift"]', 'category = "gift"', "a list"),
    "a list where one name is due": ("regimes/gift.toml", 'sender = "natural"', 'sender = ["natural"]', "one name"),
    "a limit without currency": ("regimes/gift.toml", '"80 ZZD"', '"80"', "80"),
    "limits in two currencies": ("regimes/gift-flat-rate.toml", '"500 ZZD"', '"500 EUR"', "different currencies"),
    "an end before the beginning": ("regimes/gift.toml", "until = 2025-01-01", "until = 2020-01-01", "no time at all"),
    "a misspelt end": ("regimes/gift.toml", "until =", "untill =", "untill"),
    "a day that is none": ("regimes/gift.toml", "from = 2020-01-01", "from = 2020", "not a day"),
    "a relief without reason": ("regimes/returned.toml", "why =", "# why =", "needs why"),
    "a flat amount for nothing": ("regimes/low-value-scheme.toml", 'per = "code"', 'per = ""', "needs per"),
    "an arithmetic that is none": ("regimes/sweets.toml", '"tariff"', '"tarif"', "tarif"),
    "a collector that is none": ("regimes/sweets.toml", '"importer"', '"nobody"', "nobody"),
    "a rate that is no number": ("taxes.toml", '"6.5 %"', '"six %"', "six"),
    "a rate below nought": ("taxes.toml", '"6.5 %"', '"-6.5 %"', "-6.5"),
    "a rate too fine": ("taxes.toml", '"6.5 %"', '"6.50001 %"', "6.50001"),
    "an empty rate of duty": ("tariff/tariff.csv", ",14.25 %,", ",,", "no rate; write free"),
    "a kind of measure that is none": ("tariff/tariff.csv", "FAR-ISLES,preference", "FAR-ISLES,prefer", "prefer"),
    "a duty that cannot be read": ("tariff/tariff.csv", "0.4 ZZD / KGM", "0.4 ZZD the KGM", "no duty expression"),
    "a rate of exchange that is none": ("exchange/rates.csv", ",0.625,", ",1e3,", "1e3"),
    "a code without first day": ("codes/books.csv", "4901,2020-01-01", "4901,", "books.csv"),
    "a share of what is relieved": ("regimes/gift.toml", '= "relief"', '= "relief"\nshare = "70 %"', "share"),
    "a least duty of each item": ("regimes/remittance.toml", "minus =", "minimum =", "rate per consignment"),
    "a share of what is less a sum": ("regimes/remittance.toml", "minus =", 'share = "5 %"\nminus =', "only one"),
    "a rate for each code": ("regimes/gift-flat-rate.toml", "rate =", 'per = "code"\nrate =', "each item"),
    "all of a base that has it": ("regimes/remittance.toml", '"60 %"', '"100 %"\ngross_up = true', "below 100 %"),
    "a layer that gives way without a source": (
        "regimes/trade.toml",
        ', source = "Levelling Order 2026 of Zedland (made up)"',
        "",
        "'source' is missing",
    ),
    "a key of unless that nothing reads": ("regimes/trade.toml", "part = true", "parts = true", "parts"),
    "a claim on the duty for all": (
        "tariff/tariff.csv",
        "4202,,preference,420",
        "4202,,third_country,420",
        "claim 420",
    ),
    "layers of what is no layer": ("regimes/trade.toml", 'measures = "climate"', "", "needs measures"),
    "a layer that nothing charges": (
        "regimes/trade.toml",
        'unless = ["safeguard"]',
        'unless = ["safegard"]',
        "nothing charges",
    ),
    "bounds in two currencies": ("regimes/trade.toml", '"25 EUR"', '"25 ZZD"', "different currencies"),
    "a base that is not there": ("regimes/neighbours.toml", '["Z20"]', '["Z99"]', "Z99"),
}


@pytest.mark.parametrize(("file", "old", "new", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_a_file_is_told_with_the_name_of_the_file(
    edit: Edit, file: str, old: str, new: str, said: str
) -> None:
    root = edit(f"zz/{file}", old, new)

    with pytest.raises(LawError) as told:
        load(root)
    assert f"zz/{file}" in str(told.value)
    assert said in str(told.value)
    assert str(told.value).count(".toml") + str(told.value).count(".csv") == 1


def test_goods_in_two_classes_of_a_tax_on_one_day_are_refused(edit: Edit) -> None:
    end_to_end = edit("zz/taxes.toml", 'hs = ["0901", "0902"]', 'until = 2024-01-01\nhs = ["4902"]')
    load(end_to_end)
    twice = edit("zz/taxes.toml", "until = 2024-01-01", "until = 2024-01-02")

    with pytest.raises(LawError, match="zz/: vat on 4902: that from 2020-01-01 still holds when that from 2024-01-01"):
        load(twice)


def test_nothing_before_the_first_day_is_guessed(law: Law) -> None:
    with pytest.raises(UnknownLaw, match="GB on 2020-12-31"):
        law.ground("GB", date(2020, 12, 31))
    with pytest.raises(UnknownLaw):
        law.ground("XX", date(2026, 1, 1))

    assert law.ground("GB", date(2021, 1, 1)).since == date(2021, 1, 1)
    assert law.tax_rate("ZZ", "vat", "standard", date(2019, 12, 31)) is None
    assert law.per_base("zz-month", "EUR", date(2019, 12, 31)) is None


def test_a_value_holds_from_its_day_and_until_the_day_before_the_next(law: Law) -> None:
    quanta = [law.ground("ZZ", day).value_quantum for day in (date(2023, 12, 31), date(2024, 1, 1))]
    rates = [law.tax_rate("ZZ", "vat", "standard", day) for day in (date(2024, 12, 31), date(2025, 1, 1))]
    exchange = [law.per_base("zz-month", "EUR", day) for day in (date(2026, 6, 30), date(2026, 7, 1))]
    gift = [
        [regime.when.value_max for regime in in_force(law.regimes("ZZ"), day) if regime.id == "zz-gift"]
        for day in (date(2024, 12, 31), date(2025, 1, 1))
    ]

    assert quanta == [1_000_000, 10_000]
    assert [rate.rate_ppm for rate in rates if rate] == [150_000, 180_000]
    assert exchange == [500_000, 400_000]
    assert gift == [[50_000_000], [80_000_000]]


def test_of_what_holds_on_a_day_the_latest_counts(law: Law) -> None:
    grounds = law.jurisdictions["zz"].ground

    assert latest(grounds, date(2026, 1, 1)) is grounds[1]
    assert latest(grounds, date(2019, 1, 1)) is None


def test_a_country_inherits_what_its_folder_does_not_say(law: Law) -> None:
    frances = {regime.id for regime in law.regimes("FR")}

    assert law.family("FR") == ("fr", "eu", "world")
    assert law.family("XX") == ()
    assert [law.currency(country) for country in ("FR", "DK", "XX")] == ["EUR", "DKK", None]
    assert law.time_zone("DK") == "Europe/Copenhagen"
    assert {law.schedule(country) for country in ("FR", "DE", "DK")} == {"eu"}
    assert {"fr-low-value", "eu-low-value"} <= frances
    assert not any(name.startswith("fr-") for name in {regime.id for regime in law.regimes("DE")})
    assert [law.tax_rate(c, "vat", "standard", date(2026, 1, 1)) is None for c in ("FR", "DK")] == [False, False]
    assert law.tax("FR", "excise") is law.tax("DE", "excise")


def test_regimes_come_in_order_of_priority(law: Law) -> None:
    for country in law.known:
        priorities = [regime.priority for regime in law.regimes(country)]
        assert priorities == sorted(priorities)


def test_two_regimes_of_one_priority_on_one_day_are_refused(edit: Edit) -> None:
    apart = edit("zz/regimes/samples.toml", "priority = 28", "priority = 27")
    load(apart)
    twice = edit("zz/regimes/samples.toml", "priority = 27", "priority = 44")

    with pytest.raises(LawError, match="zz/: regime of priority 44: that from 2026-01-01 still holds when that from"):
        load(twice)


def test_the_digest_follows_every_byte_of_law_and_no_case(edit: Edit) -> None:
    root = edit("zz/taxes.toml", "18 %", "18 %")
    before = load(root)

    edit("zz/cases/money.toml", "title", "title ")
    assert load(root).digest == before.digest
    edit("zz/taxes.toml", "# A second tax", "# Another tax")
    after = load(root)
    assert after.digest != before.digest
    assert after.digest_of("ZZ") != before.digest_of("ZZ")
    edit("world/codes/countries.csv", "ISO 3166-1", "ISO 3166")
    assert load(root).digest not in (before.digest, after.digest)


def test_the_digest_does_not_depend_on_where_the_folder_stands(
    edit: Edit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = edit("zz/taxes.toml", "18 %", "18 %")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "law"
    shutil.copytree(root, elsewhere)

    assert load(elsewhere).digest == load(root).digest


def test_an_overlay_adds_to_what_is_there(edit: Edit, tmp_path_factory: pytest.TempPathFactory) -> None:
    root, overlay = edit("zz/taxes.toml", "18 %", "18 %"), tmp_path_factory.mktemp("overlay")
    for file, text in {
        "zz/codes/books.csv": "code,from,until,source\n4911,2024-01-01,,Secret Order (made up)\n",
        "zz/codes/secret.csv": "code,from,until,source\n9503,2024-01-01,,Secret Order (made up)\n",
        "zz/risk/secret.toml": 'id = "secret"\n',
    }.items():
        path = overlay / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    plain, overlaid = load(root), load(root, overlay=overlay)

    assert covered(overlaid, "books", ["4901", "4911"]) == [True, True]
    assert covered(plain, "books", ["4901", "4911"]) == [True, False]
    assert covered(overlaid, "secret", ["9503"]) == [True]
    assert [file.name for file in overlaid.risk_files] == ["secret"]
    assert overlaid.digest != plain.digest


def covered(
    law: Law, name: str, codes: list[str | None], country: str = "ZZ", on: date = date(2026, 1, 1)
) -> list[bool]:
    """Whether some prefix of each code is on the list."""
    frame = pl.DataFrame({"code": pl.Series(codes, dtype=pl.String)}).with_columns(
        jurisdiction=pl.lit(country), accepted_on=pl.lit(on)
    )
    return asked(law, frame, lambda here: here.covers(name, pl.col("code")))


def asked(law: Law, frame: pl.DataFrame, question: Callable[[InForce], pl.Expr]) -> list[bool]:
    """What law's lists over the rows of the frame say; no code is on no list."""
    here = InForce.over(settings_of(Apart.of(frame["jurisdiction"]), frame["accepted_on"]).different, law)
    return frame.with_columns(answer=question(here))["answer"].fill_null(value=False).to_list()


def test_a_list_of_codes_is_asked_by_day_and_by_country(law: Law) -> None:
    drinks: list[str | None] = ["2205", "2203", "22", "6109", None]

    assert covered(law, "excise", drinks, on=date(2023, 12, 31)) == [True, True, True, False, False]
    assert covered(law, "excise", drinks, on=date(2024, 1, 1)) == [False, True, False, False, False]
    assert covered(law, "excise", drinks, "GB") == [True, True, False, False, False]
    assert covered(law, "excise", drinks, "DE") == covered(law, "excise", drinks, "FR")
    assert covered(law, "excise", drinks, "XX") == [False] * 5
    assert covered(law, "no such list", ["2203"]) == [False]


def test_a_whole_code_is_on_a_list_where_a_longer_one_is_not(law: Law) -> None:
    frame = pl.DataFrame({"code": ["2203", "220300", None], "jurisdiction": "ZZ", "accepted_on": date(2026, 1, 1)})

    assert asked(law, frame, lambda here: here.on_list("excise", pl.col("code"))) == [True, False, False]


def test_one_frame_may_ask_for_several_countries_and_days(law: Law) -> None:
    frame = pl.DataFrame(
        {
            "code": ["2205"] * 4,
            "jurisdiction": ["ZZ", "ZZ", "GB", "DK"],
            "accepted_on": [date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 1), date(2024, 1, 1)],
        }
    )

    assert asked(law, frame, lambda here: here.covers("excise", pl.col("code"))) == [True, False, True, True]


def rate(law: Law, code: str, *, on: date, origin: str = "CN", preferred: str | None = None) -> str | None:
    """What Zedland's tariff says, in words; None where it says nothing."""
    found = law.tariff.measure("zz", code, origin=origin, preferred=preferred, day=on)
    return None if found == NO_MEASURE else str(law.tariff.frame["rate"][found])


def test_a_measure_holds_for_all_codes_below_it_that_say_nothing_themselves(law: Law) -> None:
    day = date(2025, 6, 1)

    assert [rate(law, code, on=day) for code in ("61", "6102", "61023000")] == ["12 %"] * 3
    assert [rate(law, code, on=day) for code in ("6109", "610990", "61099020")] == ["15 %"] * 3
    assert [rate(law, code, on=day) for code in ("61091000", "6109100010")] == ["14.25 %"] * 2
    assert [rate(law, code, on=day) for code in ("6", "62", "")] == [None] * 3


def test_a_measure_ends_on_the_day_before_its_until(law: Law) -> None:
    assert [rate(law, "6102", on=day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == ["12 %", "10 %"]
    assert rate(law, "6102", on=date(2019, 12, 31)) is None


def test_an_origin_with_a_measure_of_its_own_goes_before_all(law: Law) -> None:
    day = date(2026, 1, 1)

    assert rate(law, "6403", on=day, origin="ZM") == "30 %"
    assert rate(law, "6403", on=day, origin="CN") == "9 %"
    assert rate(law, "6403", on=day, origin="") == "9 %"


def test_a_preference_is_taken_where_it_is_claimed_and_only_then(law: Law) -> None:
    last, after = date(2026, 6, 30), date(2026, 7, 1)

    assert rate(law, "6403", on=last, origin="NZ", preferred="NZ") == "4.5 %"
    assert rate(law, "6403", on=last, origin="NZ") == "9 %"
    assert rate(law, "6403", on=last, origin="NZ", preferred="AU") == "9 %"
    assert rate(law, "6403", on=after, origin="NZ", preferred="NZ") == "9 %"


def test_a_preference_for_a_group_goes_before_a_longer_code_of_the_usual_duty(law: Law) -> None:
    day = date(2026, 1, 1)

    assert rate(law, "61091000", on=day, origin="CN", preferred="FJ") == "free"
    assert rate(law, "61091000", on=day, origin="FJ") == "14.25 %"
    assert rate(law, "61091000", on=day, origin="FAR-ISLES", preferred="FAR-ISLES") == "14.25 %"


def test_a_country_has_the_preference_of_its_group_while_it_is_a_member(edit: Edit) -> None:
    law = load(edit("zz/codes/origin-groups.csv", "FJ,2024-01-01,,", "FJ,2025-01-01,2026-01-01,"))
    days = (date(2024, 12, 31), date(2025, 1, 1), date(2025, 12, 31), date(2026, 1, 1))

    assert [rate(law, "6109", on=day, preferred="FJ") for day in days] == ["15 %", "free", "free", "15 %"]
    assert [rate(law, "6109", on=day, preferred="NZ") for day in days] == ["free"] * 4


def test_measures_are_the_same_looked_up_together_or_one_by_one(law: Law) -> None:
    codes = law.tariff.frame.filter(pl.col("schedule") == "zz")["code"].unique().sort().to_list()
    origins, days = ["CN", "NZ", "ZM"], [date(2024, 1, 1), date(2026, 1, 1)]
    keys = [(code, origin, day) for code in range(len(codes)) for origin in range(3) for day in range(2)]
    which, origin, day = (np.array(column, np.int64) for column in zip(*keys, strict=True))
    on = np.array([ordinal(one) for one in days])[day]
    fresh = loading.load().tariff
    sorts = fresh.sorts
    together = fresh.of("zz").of("third_country", sorts, sorts.numbers(which, codes, origin, origins), on)
    alone = [law.tariff.measure("zz", codes[c], origin=origins[o], preferred=None, day=days[d]) for c, o, d in keys]

    assert together.tolist() == alone
    assert len(set(alone)) > 10


def test_a_specific_duty_is_said_with_its_unit(law: Law) -> None:
    day = date(2026, 1, 1)

    assert rate(law, "0901", on=day) == "1.2 ZZD / KGM"
    assert rate(law, "0902", on=day) == "3 % + 0.4 ZZD / KGM"


def test_rates_are_asked_for_in_the_base_of_their_table(law: Law) -> None:
    assert law.per_base("zz-month", "ZZD", date(1900, 1, 1)) == 1_000_000
    assert law.per_base("zz-month", "JPY", date(2026, 1, 1)) == 87_654_321
    assert law.per_base("zz-month", "NOK", date(2026, 1, 1)) is None
    assert law.per_base("no such table", "EUR", date(2026, 1, 1)) is None


def test_what_was_worked_out_once_is_remembered(law: Law) -> None:
    made: list[int] = []
    for _ in range(3):
        law.remembered("test_law", lambda: made.append(1))

    assert made == [1]


def test_texts_become_exact_numbers() -> None:
    assert amount("135 GBP") == (135_000_000, "GBP")
    assert percent("5.5 %") == percent("5.5") == 55_000
    assert percent_text(55_000) == "5.5 %"
    assert percent_text(200_000) == "20 %"
    for wrong in ("135", "135 gbp", "-1 GBP", "1e3 GBP", "١ GBP"):
        with pytest.raises(ValueError, match="not an amount"):
            amount(wrong)
    for wrong in ("", "-1", "1e3", "NaN", ".5", "1_000", " 1"):
        with pytest.raises(ValueError, match="not a number"):
            number(wrong)
