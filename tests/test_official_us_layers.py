"""The additional duties of the United States, layer by layer, against what was gathered per revision."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tidewaiter.law.expressions import AdValorem, Formula, read
from tidewaiter.law.official import ENDED, Measure, OfficialError, us_layers

REFERENCE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "reference" / "tariff_us"
Tariff = dict[str, dict[str, list[Measure]]]


@pytest.fixture(scope="module")
def layers() -> Tariff:
    """Measures by kind and code."""
    if not (REFERENCE / "statutory_rates").is_dir():
        pytest.skip("the additional duties are not here (../shared/data/reference/tariff_us)")
    found: Tariff = {}
    for measure in us_layers.read(REFERENCE / "statutory_rates", REFERENCE / "tracker"):
        found.setdefault(measure.kind, {}).setdefault(measure.code, []).append(measure)
    return found


def rate(
    layers: Tariff, kind: str, code: str, origin: str, *, day: date, known_on: date = date.max, claim: str = ""
) -> str:
    """The longer code first, then the country before all; the last known, then the last begun. '' where none."""
    for length in range(len(code), -1, -1):
        rows = layers[kind].get(code[:length], [])
        for place in (origin, ""):
            holds = [
                row
                for row in rows
                if row.origin == place and row.claim == claim and row.known <= known_on and row.since <= day
            ]
            best = max(holds, key=lambda row: (row.known, row.since), default=None)
            if best and best.rate != ENDED:
                return best.rate
    return ""


ON = [
    # Kind, code, origin, day, rate: each from the act or the heading named.
    ("s301", "7326908688", "CN", date(2026, 3, 1), "25 %"),  # 9903.88.03
    ("s301", "0101210010", "CN", date(2020, 2, 13), "15 %"),  # 9903.88.15, before 14 February 2020
    ("s301", "0101210010", "CN", date(2020, 2, 14), "7.5 %"),
    ("s301", "0101210010", "VN", date(2020, 2, 14), ""),
    ("s232-steel", "7326908688", "CN", date(2025, 6, 3), "25 %"),
    ("s232-steel", "7326908688", "CN", date(2025, 6, 4), "50 % of steel content"),  # Proclamation 10947, clause 6
    ("s232-steel", "7326908688", "CN", date(2026, 4, 5), "50 % of steel content"),
    ("s232-steel", "7326908688", "CN", date(2026, 4, 6), "50 %"),
    ("s232-aluminum", "76109000", "CN", date(2025, 6, 4), "50 % of aluminum content"),
    ("s232-softwood_lumber", "44071100", "DE", date(2026, 3, 1), "10 %"),  # 9903.76.01, whatever the origin
    ("s232-steel", "7208100000", "DE", date(2025, 3, 11), "free"),  # quota agreements until 12 March 2025
    ("s232-steel", "7208100000", "DE", date(2025, 3, 12), "25 %"),
    ("s232-steel", "7208100000", "DE", date(2025, 6, 3), "25 %"),
    ("s232-steel", "7208100000", "DE", date(2025, 6, 4), "50 %"),
    ("s232-steel", "7208100000", "GB", date(2025, 6, 4), "25 %"),
    ("s232-aluminum", "76109000", "RU", date(2025, 6, 4), "200 %"),
    ("s232-autos", "8703230190", "JP", date(2025, 9, 15), "25 %"),
    ("s232-autos", "8703230190", "JP", date(2025, 9, 16), "SEE applicable subheading MIN 15 %"),
    ("ieepa-reciprocal", "6109100012", "RU", date(2025, 8, 7), "free"),  # 9903.01.29: countries of column 2
    ("ieepa-reciprocal", "6109100012", "VN", date(2025, 8, 6), "10 %"),
    ("ieepa-reciprocal", "6109100012", "VN", date(2025, 8, 7), "20 %"),
    ("ieepa-reciprocal", "6109100012", "DE", date(2025, 8, 7), "SEE applicable subheading MIN 15 %"),
    ("ieepa-reciprocal", "6109100012", "CN", date(2025, 4, 10), "125 %"),
    ("ieepa-reciprocal", "6109100012", "VN", date(2026, 2, 19), "20 %"),
    ("ieepa-reciprocal", "6109100012", "VN", date(2026, 2, 20), ""),
    ("ieepa-reciprocal", "6109100012", "BR", date(2025, 8, 7), "10 %"),
    ("ieepa-country", "6109100012", "BR", date(2025, 8, 7), "40 %"),  # 9903.01.77
    ("ieepa-country", "08012100", "BR", date(2025, 8, 7), "free"),
    ("ieepa-reciprocal", "6109100012", "IN", date(2025, 8, 27), "25 %"),
    ("ieepa-country", "6109100012", "IN", date(2025, 8, 27), "25 %"),  # 9903.01.84
    ("ieepa-country", "6109100012", "IN", date(2026, 2, 7), ""),
    ("s232-auto_parts", "8471300100", "VN", date(2026, 3, 1), ""),  # whole machines, not parts of vehicles
    ("s232-aluminum", "8471300100", "VN", date(2026, 5, 1), ""),  # not in note 16(c)
    ("s232-steel", "7326908688", "VN", date(2026, 5, 1), "50 %"),
    ("s232-steel", "8412909070", "VN", date(2026, 5, 1), "free"),  # on two lists, and charged once: note 16(a)
    ("s232-aluminum", "8412909070", "VN", date(2026, 5, 1), "25 %"),
    ("ieepa-fentanyl", "6109100012", "CN", date(2025, 3, 4), "20 %"),
    ("ieepa-fentanyl", "6109100012", "CN", date(2025, 11, 9), "10 %"),
    ("ieepa-fentanyl", "3104200000", "MX", date(2025, 6, 1), "10 %"),  # potash
    ("s122", "6109100012", "VN", date(2026, 2, 23), ""),
    ("s122", "6109100012", "VN", date(2026, 2, 24), "10 %"),
    ("s122", "0201100500", "VN", date(2026, 2, 24), "free"),
    ("s122", "6109100012", "VN", date(2026, 7, 23), "10 %"),
    ("s122", "6109100012", "VN", date(2026, 7, 24), ""),
]


CLAIMED = [
    # Kind, code, day, rate under the USMCA: 9903.94.06, 9903.94.03, 9903.01.14, 9903.03.07.
    ("s232-auto_parts", "87081030", date(2025, 6, 1), "free"),
    ("s232-autos", "87032301", date(2025, 6, 1), "25 % of non-u.s. content"),
    ("ieepa-fentanyl", "61091000", date(2025, 3, 6), ""),
    ("ieepa-fentanyl", "61091000", date(2025, 3, 7), "free"),
    ("ieepa-fentanyl", "61091000", date(2026, 2, 20), ""),
    ("s122", "61091000", date(2026, 7, 23), "free"),
    ("s122", "61091000", date(2026, 7, 24), ""),
    ("s232-steel", "7208100000", date(2025, 6, 4), ""),
]


@pytest.mark.parametrize("claim", us_layers.USMCA)
@pytest.mark.parametrize("row", CLAIMED)
def test_goods_under_the_usmca_are_what_their_heading_says(
    layers: Tariff, row: tuple[str, str, date, str], claim: str
) -> None:
    kind, code, day, expected = row

    assert rate(layers, kind, code, "S", day=day, claim=claim) == expected


@pytest.mark.parametrize("row", ON)
def test_a_layer_is_what_its_act_says(layers: Tariff, row: tuple[str, str, str, date, str]) -> None:
    kind, code, origin, day, expected = row

    assert rate(layers, kind, code, origin, day=day) == expected


def test_every_rate_gathered_for_every_country_is_given_back(
    layers: Tariff, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path(us_layers.__file__).with_name("census_countries.csv").open() as file:
        countries = {row["census"]: row["country"] for row in csv.DictReader(file)}
    asked: Counter[str] = Counter()
    differ = []
    for path in (REFERENCE / "statutory_rates").glob("tariff_rates_*.json"):
        snapshot = json.loads(path.read_text(), parse_float=Decimal, parse_int=Decimal)
        day = date.fromisoformat(snapshot.pop("policy_effective_date"))
        for census, country in snapshot.items():
            if country is None or countries[census] == "PS":  # two codes of the Census, one country
                continue
            gathered = {}
            for one in country["tariffs"]:
                spared = one.get("comment", "").startswith(("Applies to USMCA-compliant", "US content is exempt"))
                gathered[f"{one['tariff_authority']}-{one['tariff_name']}", spared] = one["tariff_rate"]
            for layer, code in GOODS.items():
                kind = "s122" if layer == "s122-section_122" else layer
                on_annexes = kind in METALS and day >= us_layers.ANNEXES_FROM
                is_other = layer in NOT_AS_GATHERED or (layer, countries[census]) in NOT_AS_GATHERED
                if is_other or on_annexes or (layer, True) in gathered:
                    continue
                asked[kind] += 1
                found = percent(rate(layers, kind, code, countries[census], day=day))
                if found != gathered.get((layer, False), Decimal(0)) * 100:
                    differ.append((path.stem, country["name"], kind, gathered.get((layer, False)), found))
    with capsys.disabled():
        print(f"\nUS layers: {sum(asked.values()):,} rates by revision, country and layer asked; {len(differ)} differ")

    assert not differ[:5]
    assert sum(asked.values()) > 100_000


NOT_AS_GATHERED = {
    "s232-softwood_lumber",
    *(("ieepa-reciprocal", country) for country in (*us_layers.NOT_RECIPROCAL, *us_layers.COUNTRY_ORDERS)),
}
"""Where the heading says otherwise than what was gathered."""
METALS = ("s232-steel", "s232-aluminum", "s232-copper")
GOODS = {
    "s232-steel": "7208100000",
    "s232-aluminum": "76061130",
    "s232-copper": "74061000",
    "s232-autos": "8703230190",
    "s232-auto_parts": "4009120020",
    "s232-buses": "8702103100",
    "s232-softwood_lumber": "44071100",
    "s232-wood_furniture": "9401614011",
    "s232-kitchen_cabinets": "9403409060",
    "s232-mhd_vehicles": "87012100",
    "s232-mhd_parts": "4009120020",
    "s232-semiconductors": "8471804000",
    "s232-pharmaceuticals": "2918993000",
    "ieepa-reciprocal": "6109100012",
    "ieepa-fentanyl": "6109100012",
    "s122-section_122": "6109100012",
}
"""One thing that each layer is laid on."""


def percent(rate: str) -> Decimal:
    """The per cent of a layer's rate, of the value, a content or as a floor; 0 where there is none."""
    duty = read(rate or "free")
    assert isinstance(duty, Formula)
    parts = [part for part in (*duty.parts, *duty.at_least) if isinstance(part, AdValorem)]
    return Decimal(parts[0].rate.numerator) / parts[0].rate.denominator if parts else Decimal(0)


def test_what_was_not_yet_published_is_not_known(layers: Tariff) -> None:
    day = date(2025, 6, 4)

    assert rate(layers, "s232-steel", "7208100000", "DE", day=day, known_on=date(2025, 5, 1)) == "25 %"
    assert rate(layers, "s232-steel", "7208100000", "DE", day=day, known_on=date(2025, 5, 2)) == "50 %"


def test_metals_are_on_their_annexes_from_their_day(layers: Tariff) -> None:
    day, eve = us_layers.ANNEXES_FROM, us_layers.ANNEXES_FROM - timedelta(days=1)

    assert rate(layers, "s232-aluminum", "76109000", "DE", day=day) == "50 %"
    assert rate(layers, "s232-aluminum", "76109000", "GB", day=day) == "25 %"
    assert rate(layers, "s232-copper", "74061000", "DE", day=eve) == "50 % of copper content"
    assert rate(layers, "s232-copper", "74061000", "DE", day=day) == "50 %"
    assert rate(layers, "s232-copper", "74111010", "GB", day=day) == "50 %"
    assert "SEE applicable subheading MIN 15 %" in {
        row.rate for rows in layers["s232-steel"].values() for row in rows if row.since >= day
    }


def test_a_folder_without_the_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OfficialError, match="not the lists"):
        list(us_layers.read(tmp_path, tmp_path))


def test_what_note_16_lists_is_charged_once_at_the_rate_of_its_list(layers: Tariff) -> None:
    path = REFERENCE / "tracker" / "us_notes" / "chapter99_2026_rev_6.txt"
    text = path.read_text(encoding="utf-8", errors="replace")
    start = text.index("(i) Articles of aluminum:", text.index("(c) Headings 9903.82.02"))
    parts = re.split(r"\n\s*\(([ivx]+)\) [A-Z][^:\n]*:", text[start : text.index("(d) Headings 9903.82.04")])
    of_list = dict(zip(["i", *parts[1::2]], parts[0::2], strict=True))
    rates = {**dict.fromkeys(("i", "ii", "iii", "iv", "v"), "50 %"), **dict.fromkeys(("vi", "vii", "viii"), "25 %")}
    day, asked = date(2026, 5, 1), 0
    for number, lines in of_list.items():
        plain = "\n".join(line for line in lines.splitlines() if not re.search(r"Harmonized|99 - III", line))
        for code in re.findall(r"(?<![\d.])[1-9]\d{3}(?:\.\d{2}){0,2}(?:\.?\d{2,4})?(?![\d.])", plain):
            found = [rate(layers, kind, code.replace(".", ""), "VN", day=day) for kind in METALS]
            asked += 1

            assert [one for one in found if one not in ("", "free")] == [
                rates.get(number, "SEE applicable subheading MIN 15 %")
            ], (number, code)
    assert asked > 700
