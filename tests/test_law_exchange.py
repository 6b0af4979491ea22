"""Rates of exchange: what is published is read exactly, what is derived follows the acts, nonsense is refused."""

from __future__ import annotations

import itertools
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.law import Law
from tidewaiter.law.exchange import ExchangeRate, ecb, eu, hmrc, table, typed, write_csv

JURISDICTIONS = Path(__file__).resolve().parents[1] / "src" / "tidewaiter" / "jurisdictions"
REFERENCE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "reference"
ECB = REFERENCE / "exchange" / "ecb_eurofxref-hist_2026-10-30.zip"
HMRC = REFERENCE / "exchange" / "hmrc_exchange_rates_vcr.yml"
TARIC = REFERENCE / "tariff_uk_eu" / "api_fixtures" / "xi_monetary_exchange_rates.json"

TAKES_THE_EURO = {"BGN": date(2026, 1, 1), "HRK": date(2023, 1, 1)}
OUTSIDE_THE_EURO = {"CZK", "DKK", "HUF", "PLN", "RON", "SEK", "BGN", "HRK"}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Gives the path of a file with that text or those bytes in it."""

    def new(content: str | bytes, name: str = "rates.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return new


@pytest.fixture(scope="module")
def published() -> list[ExchangeRate]:
    """All daily rates of the central bank."""
    if not ECB.exists():
        pytest.skip("the central bank's rates are not here (../shared/data/reference/exchange)")
    return list(ecb.read(ECB))


def a_rate(**other: Any) -> ExchangeRate:
    valid = {
        "table": "ecb-daily",
        "base": "EUR",
        "currency": "USD",
        "since": date(2026, 10, 1),
        "until": date(2026, 10, 2),
        "per_base": Decimal("1.1172"),
        "source": "ECB 2026-10-01",
    }
    return ExchangeRate(**{**valid, **other})


def each_day(first: str, last: str, rate: Callable[[date], str], currency: str = "USD") -> Iterator[ExchangeRate]:
    """One rate for each day of the span."""
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        until = day + timedelta(days=1)
        yield a_rate(currency=currency, since=day, until=until, per_base=Decimal(rate(day)), source=f"ECB {day}")
        day = until


def spans(rates: list[ExchangeRate]) -> list[tuple[str, str, str]]:
    return [(str(rate.since), str(rate.until), str(rate.per_base)) for rate in rates]


# Our own form


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"table": "ECB daily"}, "not the name of a table"),
        ({"base": "euro"}, "not a currency"),
        ({"currency": ""}, "not a currency"),
        ({"currency": "EUR"}, "against itself"),
        ({"until": date(2026, 10, 1)}, "no time at all"),
        ({"since": datetime(2026, 10, 1, 12, 0)}, "instant"),  # noqa: DTZ001
        ({"per_base": Decimal(0)}, "no rate"),
        ({"per_base": Decimal("-1.1")}, "no rate"),
        ({"per_base": Decimal("NaN")}, "not a number"),
        ({"per_base": Decimal("1.1234567")}, "six decimals"),
        ({"per_base": Decimal("1e12")}, "below"),
        ({"source": " "}, "source"),
        ({"source": "ECB\nECB"}, "one line"),
    ],
)
def test_what_is_no_rate_is_refused(other: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        a_rate(**other)


some_days = st.dates(date(1999, 1, 4), date(2030, 1, 1))
some_rates = st.builds(
    a_rate,
    table=st.sampled_from(["ecb-daily", "hmrc-monthly", "x"]),
    base=st.sampled_from(["EUR", "GBP"]),
    currency=st.from_regex("[A-DF-Z]{3}", fullmatch=True).filter(lambda code: code != "GBP"),
    since=some_days,
    until=st.none() | st.dates(date(2030, 1, 2), date(2040, 1, 1)),
    per_base=st.decimals(Decimal("0.000001"), Decimal("999999999999"), places=6),
    source=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1),
)


@given(st.lists(some_rates))
def test_what_is_written_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, rates: list[ExchangeRate]
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    write_csv(rates, path)

    assert sorted(table.read(path), key=repr) == sorted(rates, key=repr)


def test_the_same_rates_are_written_as_the_same_bytes(tmp_path: Path) -> None:
    rates = [a_rate(currency=code) for code in ("USD", "GBP", "JPY")]
    write_csv(rates, tmp_path / "one.csv")
    write_csv(reversed(rates), tmp_path / "other.csv")

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "its columns"),
        ("table,base,currency,from,until,rate,source\n", "its columns"),
        ("table,base,currency,from,until,per_base,source\nx,EUR,USD,2026-01-01\n", "line 2: a row has 7 fields"),
        ("table,base,currency,from,until,per_base,source\nx,EUR,USD,2026-01-01,,1,s,more\n", "line 2"),
        ("table,base,currency,from,until,per_base,source\nx,EUR,USD,yesterday,,1,s\n", "line 2.*yesterday"),
        ("table,base,currency,from,until,per_base,source\nx,EUR,USD,2026-01-01,,1e3,s\n", "line 2: '1e3'"),
    ],
)
def test_a_fault_in_our_own_form_names_file_and_line(write: Write, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"rates.txt: {says}"):
        list(table.read(write(text)))


@pytest.mark.parametrize("path", sorted(JURISDICTIONS.glob("*/exchange/*.csv")), ids=lambda path: path.stem)
def test_every_shipped_table_is_in_our_own_form_with_ends_that_come_in_time(path: Path) -> None:
    rates = sorted(table.read(path), key=lambda rate: (rate.table, rate.currency, rate.since))

    assert rates
    assert all(rate.until is not None for rate in rates)
    assert all(
        one.until is not None and one.until <= other.since
        for one, other in itertools.pairwise(rates)
        if (one.table, one.currency) == (other.table, other.currency)
    )


# The European Central Bank

HISTORY = """Date,USD,RUB,ISK,
2022-03-04,1.0929,N/A,N/A,
2022-03-01,1.1162,117.201,141.6,
2022-03-02,1.1106,N/A,,
"""


def test_a_daily_rate_holds_until_the_next_day_that_was_published(write: Write) -> None:
    rates = list(ecb.read(write(HISTORY)))

    assert spans([rate for rate in rates if rate.currency == "USD"]) == [
        ("2022-03-01", "2022-03-02", "1.1162"),
        ("2022-03-02", "2022-03-04", "1.1106"),
        ("2022-03-04", "2022-03-07", "1.0929"),  # a Friday, until Monday
    ]
    assert {(rate.table, rate.base) for rate in rates} == {("ecb-daily", "EUR")}
    assert rates[0].source == "ECB 2022-03-01"


def test_a_currency_that_is_dropped_does_not_go_on(write: Write) -> None:
    rates = list(ecb.read(write(HISTORY)))

    assert spans([rate for rate in rates if rate.currency == "RUB"]) == [("2022-03-01", "2022-03-02", "117.201")]


def test_the_bank_s_file_is_read_zipped_as_it_is_bare(write: Write, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "history.zip", "w") as packed:
        packed.writestr("eurofxref-hist.csv", HISTORY)

    assert list(ecb.read(tmp_path / "history.zip")) == list(ecb.read(write(HISTORY)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "Date"),
        ("<html>", "Date"),
        ("Date,USD\n2026-01-02,1.1\n2026-01-02,1.2\n", "no time at all"),
        ("Date,USD\n2026-01-02,1.1,7\n", "2 rates for 1"),
        ("Date,USD\n2 January 2026,1.1\n", "2 January 2026"),
        ("Date,USD\n2026-01-02,1.1e3\n", "1.1e3"),
        ("Date,USD\n2026-01-02,0\n", "no rate"),
        (b"Date,USD\n2026-01-02,\xff\n", "codec"),
        ('Date,USD\n2026-01-02,"' + "1" * 200_000 + '"\n', "field larger"),
    ],
)
def test_what_the_bank_did_not_write_is_refused(write: Write, content: str | bytes, says: str) -> None:
    with pytest.raises(ValueError, match=f"rates.txt: .*{says}"):
        list(ecb.read(write(content)))


def test_a_zip_of_nothing_of_much_or_of_rubble_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.zip"
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(ValueError, match="0 CSV files"):
        list(ecb.read(path))

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("eurofxref-hist.csv", HISTORY * 100)
    monkeypatch.setattr(ecb, "BYTES_MAX", 1000)
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        list(ecb.read(path))

    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"history\.zip"):
        list(ecb.read(path))


def test_all_days_since_1999_are_read_and_nothing_lies_between_them(published: list[ExchangeRate]) -> None:
    dollars = [rate for rate in published if rate.currency == "USD"]

    assert len(dollars) == 7126
    assert (dollars[0].since, dollars[0].per_base) == (date(1999, 1, 4), Decimal("1.1789"))
    assert (dollars[-1].since, dollars[-1].until) == (date(2026, 10, 30), date(2026, 11, 2))
    assert all(one.until == other.since for one, other in itertools.pairwise(dollars))


# The Union's monthly rates


def test_the_customs_rate_is_that_of_the_last_wednesday_but_one() -> None:
    daily = each_day("2026-09-01", "2026-10-31", lambda day: f"{day.month}.{day.day:02}")

    assert spans(list(eu.customs_monthly(daily))) == [
        ("2026-10-01", "2026-11-01", "9.23"),
        ("2026-11-01", "2026-12-01", "10.21"),
    ]


def test_a_wednesday_without_a_rate_has_the_one_before(write: Write) -> None:
    # 25 December 2019 was the last Wednesday, 18 December the one before it; pretend that the bank was closed then.
    history = "Date,USD\n2019-12-17,1.1162\n2019-12-19,1.1117\n2019-12-31,1.1234\n"

    assert spans(list(eu.customs_monthly(ecb.read(write(history))))) == [("2020-01-01", "2020-02-01", "1.1162")]


def test_a_customs_rate_is_not_changed_within_the_month() -> None:
    daily = each_day("2026-09-01", "2026-10-31", lambda day: "1.0" if day < date(2026, 10, 2) else "2.0")

    assert spans(list(eu.customs_monthly(daily)))[0] == ("2026-10-01", "2026-11-01", "1.0")


def test_the_tariff_rate_is_the_last_before_the_last_day_but_one() -> None:
    daily = each_day("2026-09-01", "2026-10-31", lambda day: f"1.{day.month:02}{day.day:02}")

    assert spans(list(eu.tariff_monthly(daily))) == [
        ("2026-10-01", "2026-11-01", "1.0928"),
        ("2026-11-01", "2026-12-01", "1.1029"),
    ]


@pytest.mark.parametrize(
    ("later", "changes"),
    [("0.952381", False), ("0.952380", True), ("1.052631", False), ("1.052632", True), ("1", False)],
)
def test_a_tariff_rate_off_by_more_than_5_percent_is_replaced_on_the_15th(later: str, changes: bool) -> None:
    """The rate of the month is 1; more than 5 % above 0.95238… or below 1.05263… is more than 5 % off the later one."""
    daily = each_day("2026-09-28", "2026-10-31", lambda day: "1" if day < date(2026, 10, 14) else later)
    october = [rate for rate in spans(list(eu.tariff_monthly(daily))) if rate[0] < "2026-11"]

    assert october == (
        [("2026-10-01", "2026-10-15", "1"), ("2026-10-15", "2026-11-01", later)]
        if changes
        else [("2026-10-01", "2026-11-01", "1")]
    )


def test_a_rate_of_the_15th_itself_replaces_nothing() -> None:
    daily = each_day("2026-09-28", "2026-10-31", lambda day: "1" if day < date(2026, 10, 15) else "2")

    assert spans(list(eu.tariff_monthly(daily)))[0] == ("2026-10-01", "2026-11-01", "1")


def test_the_yearly_rate_is_that_of_the_first_working_day_of_october(write: Write) -> None:
    # 1 October 2023 was a Sunday.
    history = "Date,SEK\n2023-09-29,11.5325\n2023-10-02,11.4995\n2023-10-03,11.6125\n2024-09-30,11.3\n"

    assert spans(list(eu.yearly(ecb.read(write(history))))) == [("2024-01-01", "2025-01-01", "11.4995")]


def test_a_year_whose_october_does_not_begin_here_is_not_guessed() -> None:
    daily = each_day("2026-10-05", "2026-10-31", lambda _: "1.1")

    assert list(eu.yearly(daily)) == []


@pytest.mark.parametrize("derive", [eu.customs_monthly, eu.tariff_monthly, ecb.month_end])
def test_a_month_that_is_not_settled_is_not_guessed(derive: Callable[..., Iterator[ExchangeRate]]) -> None:
    daily = each_day("2026-10-22", "2026-10-28", lambda _: "1.1")

    assert list(derive(daily)) == []


@pytest.mark.parametrize("derive", [eu.customs_monthly, eu.tariff_monthly, ecb.month_end])
def test_a_daily_rate_without_an_end_settles_nothing(derive: Callable[..., Iterator[ExchangeRate]]) -> None:
    with pytest.raises(ValueError, match="without an end"):
        list(derive([a_rate(until=None)]))


def test_the_real_tariff_rates_of_67_months_follow_from_the_daily_ones(published: list[ExchangeRate]) -> None:
    if not TARIC.exists():
        pytest.skip("the tariff's real rates are not here (../shared/data/reference/tariff_uk_eu)")
    real = {
        date.fromisoformat(entry["attributes"]["validity_start_date"][:10]): Decimal(
            entry["attributes"]["exchange_rate"]
        )
        for entry in json.loads(TARIC.read_text(encoding="utf-8"))
    }
    pounds = [rate for rate in published if rate.currency == "GBP"]
    derived = {rate.since: rate.per_base for rate in eu.tariff_monthly(pounds)}
    customs = {rate.since: rate.per_base for rate in eu.customs_monthly(pounds)}
    missed = {month: (rate, derived[month]) for month, rate in real.items() if derived[month] != rate}
    for month, (rate, ours) in missed.items():
        print(f"{month:%Y-%m}: really {rate}, by the rule {ours}")
    print(f"{len(real) - len(missed)} of {len(real)} reproduced")

    assert len(real) == 67
    # The rates of these four were settled before the act applied, on 1 May 2016.
    assert sorted(missed) == [date(2016, month, 1) for month in (1, 2, 3, 5)]
    # The other rule is for another purpose, and shows it.
    assert not any(customs[month] == rate for month, rate in real.items())


# HM Revenue & Customs

XML = """<?xml version="1.0" encoding="UTF-8"?>
<exchangeRateMonthList Period="01/Sep/2023 to 30/Sep/2023">
  <exchangeRate>
    <countryName>Abu Dhabi</countryName><countryCode>DH</countryCode>
    <currencyName>Dirham</currencyName><currencyCode>AED</currencyCode><rateNew>4.6386</rateNew>
  </exchangeRate>
  <exchangeRate>
    <countryName>Dubai</countryName><countryCode>DU</countryCode>
    <currencyName>Dirham</currencyName><currencyCode>AED</currencyCode><rateNew>4.6386</rateNew>
  </exchangeRate>
  <exchangeRate>
    <countryName>Eurozone</countryName><countryCode>EU</countryCode>
    <currencyName>Euro</currencyName><currencyCode>EUR</currencyCode><rateNew> 1.1728 </rateNew>
  </exchangeRate>
</exchangeRateMonthList>
"""
CSV = """Country/Territories,Currency,Currency Code,Currency Units per £1,Start date,End date
"DH,DU",Dirham,AED,4.6386,2023-09-01,2023-09-30
EU,Euro,EUR,1.1728,01/09/2023,30/09/2023
"""
OLD_CSV = """Period,countryName,countryCode,currencyName,currencyCode,rateNew
01/Sep/2023 to 30/Sep/2023,Abu Dhabi,DH,Dirham,AED,4.6386
01/Sep/2023 to 30/Sep/2023,Eurozone,EU,Euro,EUR,1.1728

"""
JSON = """{"data": {"type": "exchange_rate_collection"}, "included": [
  {"type": "exchange_rate", "attributes": {"currency_code": "AED", "country": "Abu Dhabi", "rate": "4.6386",
   "validity_start_date": "2023-09-01", "validity_end_date": "2023-09-30"}},
  {"type": "exchange_rate", "attributes": {"currency_code": "EUR", "country": "Eurozone", "rate": 1.1728,
   "validity_start_date": "2023-09-01", "validity_end_date": "2023-09-30"}},
  {"type": "exchange_rate_file", "attributes": {"format": "csv"}}
]}
"""


@pytest.mark.parametrize(
    "content",
    [XML, CSV, OLD_CSV, JSON, CSV.encode("cp1252"), CSV.encode("utf-8-sig"), OLD_CSV.replace("\n", "\r\n")],
    ids=["XML", "CSV", "older CSV", "JSON", "CSV in another encoding", "CSV with a mark", "CSV with other ends"],
)
def test_the_forms_of_hmrc_say_the_same(write: Write, content: str | bytes) -> None:
    september = {"table": "hmrc-monthly", "base": "GBP", "since": date(2023, 9, 1), "until": date(2023, 10, 1)}
    source = "HMRC monthly rates 2023-09"

    assert list(hmrc.read(write(content))) == [
        a_rate(**september, currency="AED", per_base=Decimal("4.6386"), source=source),
        a_rate(**september, currency="EUR", per_base=Decimal("1.1728"), source=source),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no rates"),
        ("<html/>", "not HMRC's list"),
        (XML[:400], "is not XML"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', ""),
        (XML.replace(' Period="01/Sep/2023 to 30/Sep/2023"', ""), "not a period"),
        (XML.replace("Sep", "Sept"), "01/Sept/2023"),
        (XML.replace("<rateNew>4.6386</rateNew>", ""), "without rateNew"),
        (XML.replace("4.6386", "4.6387", 1), "two rates of AED"),
        (XML.replace("30/Sep/2023", "30/Aug/2023"), "no time at all"),
        (OLD_CSV.replace("AED", ""), "without currencycode"),
        (CSV.replace("4.6386", "4,638.6"), "without|is not|Invalid"),
        ("nothing,of,this\n1,2,3\n", "without currencycode"),
        (JSON.replace('"4.6386"', "1e-9"), "not a number"),
        (JSON.replace('"4.6386"', "null"), "without rate"),
        (JSON.replace("1.1728", "NaN"), "not a number"),
        ("{}", "no rates"),
        ('{"included": [{"type": "exchange_rate"}, 1]}', "no attributes"),
        ('{"a":' * 200_000, ""),
    ],
)
def test_what_hmrc_did_not_write_is_refused(write: Write, content: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"rates.txt: .*({says})"):
        list(hmrc.read(write(content)))


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE exchangeRateMonthList [<!ENTITY e0 "9">{BOMB}]>',
        '<!DOCTYPE exchangeRateMonthList [<!ENTITY rate SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE exchangeRateMonthList SYSTEM "rates.dtd">',
        "<!DOCTYPE exchangeRateMonthList>",
    ],
)
def test_xml_with_a_document_type_is_refused_unread(write: Write, doctype: str) -> None:
    with pytest.raises(ValueError, match="document type"):
        list(hmrc.read(write(XML.replace("?>\n", f"?>\n{doctype}\n"))))


def test_a_file_of_hmrc_has_a_largest_size(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hmrc, "BYTES_MAX", 100)
    with pytest.raises(ValueError, match="larger than 100 bytes"):
        list(hmrc.read(write(XML)))


def test_the_shipped_rates_of_hmrc_are_those_of_its_interface(write: Write) -> None:
    if not HMRC.exists():
        pytest.skip("the recorded answers of HMRC are not here (../shared/data/reference/exchange)")
    recorded = re.findall(r"^      string: '(\{.*?\})'$", HMRC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    # In YAML's single quotes, a quote is written twice and a line that goes on is indented.
    answers = [re.sub(r"\n\s+", " ", body).replace("''", "'") for body in recorded]
    months = [list(hmrc.read(write(body))) for body in answers if '"exchange_rate_collection"' in body]
    held = list(table.read(JURISDICTIONS / "gb" / "exchange" / "hmrc-monthly.csv"))

    assert sorted(map(len, months)) == [141, 143]
    assert sorted(held, key=repr) == sorted((rate for month in months for rate in month), key=repr)


# What an officer types in


def test_a_rate_that_is_typed_in_names_the_officer() -> None:
    rate = typed(
        table="gb-typed",
        base="GBP",
        currency="VND",
        since=date(2026, 11, 1),
        until=date(2026, 12, 1),
        per_base="33871.25",
        who="officer 4711",
    )

    assert rate.per_base == Decimal("33871.25")
    assert rate.source == "typed in by officer 4711"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"per_base": "1,25"}, "not a number"),
        ({"per_base": "-1.25"}, "not a number"),
        ({"per_base": "1e3"}, "not a number"),
        ({"per_base": "0"}, "no rate"),
        ({"per_base": 1.25}, "not exact"),
        ({"per_base": True}, "not exact"),
        ({"currency": "GBP"}, "against itself"),
        ({"currency": "dong"}, "not a currency"),
        ({"until": None}, "an end"),
        ({"until": date(2026, 11, 1)}, "no time at all"),
        ({"until": date(2028, 1, 1)}, "more than a year"),
        ({"since": "2026-11-01"}, "first day"),
        ({"who": "  "}, "names the officer"),
        ({"who": "x" * 81}, "names the officer"),
        ({"who": "one\ntable,EUR,USD"}, "one line"),
    ],
)
def test_nonsense_that_is_typed_in_is_refused(other: dict[str, Any], says: str) -> None:
    valid = {
        "table": "gb-typed",
        "base": "GBP",
        "currency": "VND",
        "since": date(2026, 11, 1),
        "until": date(2026, 12, 1),
        "per_base": "33871.25",
        "who": "officer 4711",
    }
    with pytest.raises(ValueError, match=says):
        typed(**{**valid, **other})


# What is shipped


def test_the_shipped_customs_rates_of_the_union_are_what_the_rule_makes(published: list[ExchangeRate]) -> None:
    held = list(table.read(JURISDICTIONS / "eu" / "exchange" / "eu-customs-monthly.csv"))
    made = [rate for rate in eu.customs_monthly(published) if rate.since >= date(2016, 5, 1)]

    assert sorted(held, key=repr) == sorted(made, key=repr)


def test_the_shipped_tariff_rates_of_the_union_are_what_the_rule_makes(published: list[ExchangeRate]) -> None:
    held = list(table.read(JURISDICTIONS / "eu" / "exchange" / "eu-tariff-monthly.csv"))
    made = [
        rate
        for rate in eu.tariff_monthly(published)
        if rate.since >= date(2021, 1, 1)
        and rate.currency in OUTSIDE_THE_EURO | {"GBP", "USD"}
        and rate.since < TAKES_THE_EURO.get(rate.currency, date.max)
    ]

    assert sorted(held, key=repr) == sorted(made, key=repr)
    assert max(rate.since for rate in held) == date(2026, 11, 1)
    assert [(rate.currency, rate.since) for rate in held if rate.since.day == 15] == [
        ("HUF", date(2026, 4, 15)),
        ("USD", date(2022, 7, 15)),
        ("USD", date(2025, 4, 15)),
    ]


def test_the_shipped_yearly_rates_of_the_union_are_what_the_rule_makes(published: list[ExchangeRate]) -> None:
    held = list(table.read(JURISDICTIONS / "eu" / "exchange" / "eu-yearly.csv"))
    made = [
        rate
        for rate in eu.yearly(published)
        if rate.since >= date(2021, 1, 1)
        and rate.currency in OUTSIDE_THE_EURO
        and rate.since < TAKES_THE_EURO.get(rate.currency, date.max)
    ]

    assert sorted(held, key=repr) == sorted(made, key=repr)
    assert {rate.since.year for rate in held} == set(range(2021, 2028))


def test_the_shipped_rates_of_the_world_are_the_last_of_each_month(published: list[ExchangeRate]) -> None:
    held = list(table.read(JURISDICTIONS / "world" / "exchange" / "ecb-monthly.csv"))
    made = [rate for rate in ecb.month_end(published) if rate.since >= date(2016, 1, 1)]

    assert sorted(held, key=repr) == sorted(made, key=repr)


def test_the_tables_of_the_world_are_part_of_the_law(law: Law) -> None:
    day = date(2026, 11, 23)

    assert law.per_base("ecb-monthly", "BRL", day) == 6_069_200
    assert law.per_base("ecb-monthly", "EUR", day) == 1_000_000
    assert law.per_base("ecb-monthly", "USD", date(2016, 1, 1)) == 1_088_700
    assert law.per_base("ecb-monthly", "USD", date(2026, 12, 1)) is None
    assert law.per_base("eu-tariff-monthly", "SEK", day) is not None
