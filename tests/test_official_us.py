"""The US tariff of all editions, asked as of any day and as known on any other."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.law.expressions import write
from tidewaiter.law.expressions.dialects import read as read_duty
from tidewaiter.law.expressions.dialects.us import alternatives
from tidewaiter.law.official import ENDED, Measure, OfficialError, us_hts, write_csv
from tidewaiter.law.official import measure as official
from tidewaiter.law.official.measure import Editions, Said

REFERENCE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "reference" / "tariff_us"
Key = tuple[str, str, str]
LINE: dict[str, object] = {"superior": None, "units": [], "footnotes": []}


def index(measures: Iterable[Measure]) -> dict[Key, list[Measure]]:
    found: dict[Key, list[Measure]] = {}
    for measure in measures:
        found.setdefault((measure.code, measure.origin, measure.kind), []).append(measure)
    return found


def rate(
    tariff: dict[Key, list[Measure]], code: str, origin: str, kind: str, *, day: date, known_on: date
) -> str | None:
    """The rate by the rule as it is written: the longest code that says something, the last known, the last begun."""
    for length in range(len(code), 1, -1):
        holds = [
            measure
            for measure in tariff.get((code[:length], origin, kind), [])
            if measure.known <= known_on and measure.since <= day and (measure.until is None or day < measure.until)
        ]
        if holds:
            best = max(holds, key=lambda measure: (measure.known, measure.since))
            if best.rate != ENDED:
                return best.rate
    return None


class Line(msgspec.Struct):
    """What a test needs of a line of an export."""

    htsno: str
    indent: str
    general: str | None
    special: str | None
    other: str | None


def texts(lines: list[Line]) -> dict[str, tuple[str, str, str]]:
    """General, special and other of every code of an edition, taken from the line it stands under where it has none."""
    found: dict[str, tuple[str, str, str]] = {}
    stack: list[tuple[int, tuple[str, str, str] | None]] = []
    for line in lines:
        depth = int(line.indent)
        stack = [entry for entry in stack if entry[0] < depth]
        own = (line.general or "", line.special or "", line.other or "")
        rates = own if own[0].strip() or own[2].strip() else None
        stack.append((depth, rates))
        code = line.htsno.replace(".", "")
        above = [entry for _, entry in stack if entry]
        if len(code) >= 8 and code < "98" and above:
            found[code] = above[-1]
    return found


def export(path: Path, *lines: dict[str, object]) -> Path:
    path.write_bytes(
        gzip.compress(json.dumps([{**LINE, "special": "", "other": "", **line} for line in lines]).encode())
    )
    return path


def test_a_tariff_of_two_editions_says_what_was_known_when(tmp_path: Path) -> None:
    first = export(
        tmp_path / "hts_2025_basic.json.gz",
        {"htsno": "0101.21.00", "indent": "0", "general": "5%", "special": "Free (AU,S) 3% (JP)", "other": "20%"},
        {"htsno": "0101.21.00.10", "indent": "1", "general": ""},
        {"htsno": "0102.21.00", "indent": "0", "general": "Free"},
    )
    second = export(
        tmp_path / "hts_2025_rev_1.json.gz",
        {"htsno": "0101.21.00", "indent": "0", "general": "6%", "special": "Free (AU) 3% (JP)", "other": "20%"},
    )
    dates = {
        "2025_basic": us_hts.Edition(date(2025, 1, 1), date(2025, 1, 1)),
        "2025_rev_1": us_hts.Edition(date(2025, 3, 1), date(2025, 2, 1)),
    }

    tariff = index(us_hts.read([second, first], dates))
    february, march = date(2025, 2, 10), date(2025, 3, 1)

    assert rate(tariff, "0101210010", "", "third_country", day=february, known_on=february) == "5 %"
    assert rate(tariff, "0101210010", "", "third_country", day=february, known_on=march) == "6 %"
    assert rate(tariff, "0101210010", "", "third_country", day=date(2025, 1, 31), known_on=march) == "5 %"
    assert rate(tariff, "0101210010", "S", "preference", day=march, known_on=march) is None
    assert rate(tariff, "0101210010", "S", "preference", day=march, known_on=february) == "free"
    assert rate(tariff, "01022100", "", "third_country", day=march, known_on=march) is None
    assert len(tariff[("01012100", "column-2", "third_country")]) == 1


def test_a_line_under_a_group_without_a_code_has_the_duty_of_the_group(tmp_path: Path) -> None:
    path = export(
        tmp_path / "hts_2025_basic.json.gz",
        {"htsno": "", "indent": "0", "general": "4¢/kg"},
        {"htsno": "0101.21.00", "indent": "1", "general": ""},
        {"htsno": "0101.29.00", "indent": "0", "general": ""},
    )
    dates = {"2025_basic": us_hts.Edition(date(2025, 1, 1), date(2025, 1, 1))}

    assert [(m.code, m.rate) for m in us_hts.read([path], dates)] == [("01012100", "0.04 USD / KGM")]


EDITIONS = st.lists(st.tuples(st.integers(1, 20), st.sampled_from(["free", "5 %", None])), min_size=1, max_size=8)


@given(EDITIONS, st.integers(1, 30), st.integers(1, 8))
def test_the_rows_that_are_left_say_what_all_editions_said(
    editions: list[tuple[int, str | None]], day: int, known: int
) -> None:
    tariff = Editions("zz")
    rows = [
        row
        for published, (effective, said) in enumerate(editions, start=1)
        for row in tariff.edition(
            {official.Key("01", "", "third_country"): Said(said)} if said else {},
            since=date(2025, 1, effective), known_from=date(2025, 3, published), source="",
        )
    ]  # fmt: skip
    holds = [said for effective, said in editions[:known] if effective <= day]

    found = rate(index(rows), "01", "", "third_country", day=date(2025, 1, day), known_on=date(2025, 3, known))
    assert found == (holds[-1] if holds else None)


def test_what_is_no_export_is_refused_by_name(tmp_path: Path) -> None:
    dates = {"2025_basic": us_hts.Edition(date(2025, 1, 1), date(2025, 1, 1))}
    bad = tmp_path / "hts_2025_basic.json.gz"
    bad.write_bytes(b"not gzip")

    with pytest.raises(OfficialError, match="hts_2025_basic"):
        list(us_hts.read([bad], dates))
    with pytest.raises(OfficialError, match="no dates"):
        list(us_hts.read([tmp_path / "hts_2031_basic.json"], dates))


@pytest.fixture(scope="module")
def dates() -> dict[str, us_hts.Edition]:
    if not (REFERENCE / "hts").is_dir():
        pytest.skip("the US tariff is not here (../shared/data/reference/tariff_us)")
    return us_hts.editions(REFERENCE / "tracker" / "revision_dates.csv")


def test_two_hundred_codes_of_each_edition_are_as_the_edition_says_and_as_was_known_before(
    dates: dict[str, us_hts.Edition], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = {path.name.split(".")[0][4:]: path for path in (REFERENCE / "hts").glob("*.json.gz")}
    measures = list(us_hts.read(paths.values(), dates))
    tariff = index(measures)
    chance = random.Random(1789)
    asked, known_before, differ = 0, 0, []
    earlier: list[tuple[us_hts.Edition, dict[str, tuple[str, str, str]]]] = []
    for name in sorted(paths, key=lambda name: dates[name].published):
        edition = dates[name]
        own = texts(msgspec.json.decode(gzip.decompress(paths[name].read_bytes()), type=list[Line]))
        changed = [code for code in own if earlier and earlier[-1][1].get(code, ("",))[0] != own[code][0]]
        codes = chance.sample(sorted(own), 200) + changed[:200]
        day = edition.effective
        # What was known the day before it was published: the last edition of those days that already held.
        eve = edition.published - timedelta(days=1)
        then = next((said for before, said in reversed(earlier) if before.effective <= day), {})
        for code in codes:
            for origin, kind, text in cells(own[code]):
                asked += 1
                if (found := rate(tariff, code, origin, kind, day=day, known_on=edition.published)) != text:
                    differ.append((name, code, origin, text, found))
            for origin, kind, text in cells(then[code]) if code in then else ():
                known_before += 1
                if (found := rate(tariff, code, origin, kind, day=day, known_on=eve)) != text:
                    differ.append((f"before {name}", code, origin, text, found))
        earlier.append((edition, own))
    rows = write_csv(measures, tmp_path / "us.csv")
    with capsys.disabled():
        print(
            f"\nUS tariff: {len(paths)} editions, {len(measures):,} measures in {rows:,} rows; "
            f"{asked:,} rates as the edition says, {known_before:,} as was known the day before; {len(differ)} differ"
        )

    assert not differ[:5]
    assert asked > 200 * len(paths)


def cells(texts: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    """Origin, kind and rate in our spelling, of a line's three columns."""
    general, special, other = texts
    found = [("", "third_country", general), (us_hts.COLUMN_2, "third_country", other)]
    found += [(names[0], "preference", duty) for names, duty in alternatives(special)[:2] if names]
    return [(origin, kind, spelling(text)) for origin, kind, text in found if text.strip()]


@cache
def spelling(text: str) -> str:
    return write(read_duty(text, "us"))
