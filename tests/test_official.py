"""Tariffs of the United Kingdom, the European Union and Israel in their official forms."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from tidewaiter.law.official import Measure, OfficialError, il_open_data, uk_api, uk_csv, uk_global_tariff, write_csv

REFERENCE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "reference"


def shared(name: str) -> Path:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"the tariff is not here (../shared/data/reference/{name})")
    return path


# A commodity of our own making in the form of the trade tariff API.
COMMODITY = {
    "data": {
        "id": "1", "type": "commodity", "attributes": {"goods_nomenclature_item_id": "0702000000"},
        "relationships": {
            "import_measures": {"data": [{"id": "10", "type": "measure"}, {"id": "11", "type": "measure"}]},
        },
    },
    "included": [
        {"id": "10", "type": "measure",
         "attributes": {
             "effective_start_date": "2021-01-01T00:00:00.000Z", "effective_end_date": "2021-05-14T00:00:00.000Z"},
         "relationships": {
             "duty_expression": {"data": {"id": "10-d", "type": "duty_expression"}},
             "measure_type": {"data": {"id": "143", "type": "measure_type"}},
             "geographical_area": {"data": {"id": "2020", "type": "geographical_area"}},
             "excluded_countries": {"data": [{"id": "NO", "type": "geographical_area"}]},
             "order_number": {"data": {"id": "050922", "type": "order_number"}},
             "additional_code": {"data": None},
             "legal_acts": {"data": [{"id": "C1", "type": "legal_act"}]}}},
        {"id": "11", "type": "measure", "attributes": {"effective_start_date": "2021-01-01T00:00:00.000Z"},
         "relationships": {
             "measure_type": {"data": {"id": "103", "type": "measure_type_of_a_certificate"}},
             "geographical_area": {"data": {"id": "1011", "type": "geographical_area"}}}},
        {"id": "10-d", "type": "duty_expression", "attributes": {"base": "6.00 % + 12.00 GBP / 100 kg"}},
        {"id": "143", "type": "measure_type", "attributes": {"measure_type_series_id": "C"}},
        {"id": "103", "type": "measure_type_of_a_certificate", "attributes": {"measure_type_series_id": "B"}},
        {"id": "050922", "type": "order_number", "attributes": {"number": "050922"}},
        {"id": "C1", "type": "legal_act", "attributes": {
            "regulation_code": "C0000/21", "published_date": "2020-12-30"}},
    ],
}  # fmt: skip


def test_a_commodity_of_the_api_is_its_duties_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "commodity.json"
    path.write_text(json.dumps(COMMODITY))

    assert list(uk_api.read(path)) == [
        Measure(
            schedule="gb", code="0702", origin="2020", excluded=("NO",), kind="preference_quota",
            additional_code="050922", since=date(2021, 1, 1), until=date(2021, 5, 15), known_from=date(2020, 12, 30),
            rate="6 % + 12 GBP / 100 KGM", measure="10", source="C0000/21",
        )
    ]  # fmt: skip


def test_the_measures_of_the_api_samples_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared("tariff_uk_eu/api_fixtures")
    measures = [measure for path in sorted(folder.glob("uk_commodities_*.json")) for measure in uk_api.read(path)]
    duties = {(measure.code, measure.kind, measure.origin, measure.additional_code): measure for measure in measures}
    with capsys.disabled():
        print(f"\nUK tariff API samples: {dict(Counter(measure.kind for measure in measures))}")

    assert duties["0702000007", "third_country", "", ""].rate == "8 %"
    assert duties["0702000007", "third_country", "", ""].until == date(2021, 5, 15)
    assert duties["0702000007", "preference", "SG", ""].rate == "5.8 %"
    assert duties["0702000007", "preference_quota", "MA", "051104"].since == date(2021, 2, 1)
    assert duties["08094005", "third_country", "", ""].rate == "unsupported: entry-price"
    assert duties["1516209821", "anti_dumping", "CA", "B999"].rate == "144.1 GBP / 1000 KGM biodiesel content"
    assert duties["1516209821", "anti_dumping", "CA", "B107"].rate == "unsupported: conditional"
    assert duties["72021180", "anti_dumping", "", "C490"].excluded == ("CA", "US")
    assert duties["01039211", "excise", "", "X611"].rate.startswith(
        "16.5 % of retail price + 244.78 GBP / 1000 NAR MIN"
    )
    assert not [measure for measure in measures if measure.rate == "unsupported: unread"]


def test_the_sheet_of_the_global_tariff_is_two_schedules_and_agrees_with_the_api() -> None:
    measures = list(uk_global_tariff.read(shared("tariff_uk_eu/global-uk-tariff_2021-01.csv")))
    found = {(measure.schedule, measure.code): measure for measure in measures if measure.until is None}
    seasonal = [measure for measure in measures if measure.schedule == "gb" and measure.until]

    assert found["gb", "1516209821"].rate == "10.9 %"
    assert found["eu", "01039211"].rate == "35.1 EUR / 100 KGM"
    assert len({measure.code for measure in measures if measure.schedule == "eu"}) == 11_793
    assert seasonal
    assert all(measure.until and measure.since < measure.until for measure in seasonal)
    assert not [measure for measure in measures if measure.rate == "unsupported: unread"]


def test_the_days_of_a_seasonal_duty_follow_each_other_without_a_gap() -> None:
    seasonal: dict[tuple[str, str], list[Measure]] = {}
    for measure in uk_global_tariff.read(shared("tariff_uk_eu/global-uk-tariff_2021-01.csv")):
        if measure.until:
            seasonal.setdefault((measure.schedule, measure.code), []).append(measure)

    for rows in seasonal.values():
        assert rows[0].since == uk_global_tariff.FIRST_DAY
        assert rows[-1].until == uk_global_tariff.SEASONS_UNTIL
        assert [row.until for row in rows[:-1]] == [row.since for row in rows[1:]]


def test_a_line_of_the_measures_as_defined_is_a_measure(tmp_path: Path) -> None:
    path = tmp_path / "measures.csv"
    row = {
        "commodity__code": "0702000000", "measure__sid": "20117464", "measure__type__id": "142",
        "measure__additional_code__code": "", "measure__duty_expression": "0.000% + 12.000 GBP / 100 kg",
        "measure__effective_start_date": "2021-01-01", "measure__effective_end_date": "2021-03-31",
        "measure__geographical_area__id": "2005", "measure__excluded_geographical_areas__ids": "CN|IN",
        "measure__quota__order_number": "", "measure__regulation__id": "C2100001",
    }  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows([row, {**row, "measure__type__id": "410"}])

    assert list(uk_csv.read(path)) == [
        Measure(
            schedule="gb", code="0702", origin="2005", excluded=("CN", "IN"), kind="preference", since=date(2021, 1, 1),
            until=date(2021, 4, 1), rate="12 GBP / 100 KGM", measure="20117464", source="C2100001",
        )
    ]  # fmt: skip


def test_the_tariff_of_israel_is_duty_and_purchase_tax() -> None:
    path = shared("tariff_other/israel_tariff_2026-08-10.json")
    measures = list(il_open_data.read(path, on=date(2026, 8, 10)))
    kinds = Counter(measure.kind for measure in measures)

    assert kinds == {"third_country": 3732, "purchase_tax": 3731}
    assert sum(measure.rate == "free" for measure in measures if measure.kind == "third_country") == 3515
    assert not [measure for measure in measures if measure.rate == "unsupported: unread"]


def test_measures_are_written_in_our_own_form_with_origins_that_share_a_rate_in_one_row(tmp_path: Path) -> None:
    day = date(2021, 1, 1)
    path = tmp_path / "tariff.csv"
    rows = write_csv(
        [
            Measure(schedule="gb", code="0702", since=day, rate="8 %", source="act"),
            Measure(schedule="gb", code="0702", origin="SG", kind="preference", since=day, rate="free", source="act"),
            Measure(schedule="gb", code="0702", origin="CL", kind="preference", since=day, rate="free", source="act"),
        ],
        path,
    )

    assert rows == 2
    assert path.read_text() == (
        "code,origin,excluded,kind,additional_code,claim,from,until,known_from,rate,measure,source,confidence\n"
        "0702,,,third_country,,,2021-01-01,,,8 %,,act,\n"
        "0702,CL SG,,preference,,,2021-01-01,,,free,,act,\n"
    )


def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text('{"a": 1}')

    with pytest.raises(OfficialError, match=r"other\.txt"):
        list(uk_api.read(path))
    with pytest.raises(OfficialError, match=r"other\.txt"):
        list(uk_csv.read(path))
    with pytest.raises(OfficialError, match=r"other\.txt"):
        list(uk_global_tariff.read(path))
    with pytest.raises(OfficialError, match=r"other\.txt"):
        list(il_open_data.read(path, on=date(2026, 1, 1)))
