"""The additional duties of the United States as dated layers: sections 232, 301 and 122, and the IEEPA duties.

Read from what the Tariff Rate Tracker gathers: per revision, the rates by authority and country, and lists of the
products they are laid on. Each layer is a kind of its own beside the duty of the tariff; its scope is given by prefixes
of the code (none: all goods). `free` takes goods or a country out of a layer. A rate that begins with SEE is no addend:
it says what layer and duty come to together, so `SEE applicable subheading MIN 15 %` tops the duty up to 15 %. Rows
that ask for the claim S or S+ are for goods claimed under the USMCA. All of it was gathered by others, so its
confidence is secondary. How layers stack is for the law that uses them: see us/regimes/standard.toml.

Where the heading itself says otherwise than what was gathered, the heading holds: softwood lumber pays 10 % whatever
its origin, countries of column 2 no reciprocal duty, goods under the USMCA neither duty for fentanyl nor section 122,
and articles of chapters 73 and 76 were charged on their metal alone from 4 June 2025 to 5 April 2026. The orders on
Brazil and India are a layer of their own. Computers are no parts of vehicles, nor semiconductor articles but for those
that are gathered as such.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path

from tidewaiter.law.expressions import FREE, AdValorem, Formula, write
from tidewaiter.law.expressions.dialects.us import APPLICABLE
from tidewaiter.law.official.measure import Editions, Key, Measure, OfficialError, Said
from tidewaiter.law.official.us_hts import SCHEDULE, Edition, editions

SOURCE = "Tariff Rate Tracker"
ANNEXES_FROM = date(2026, 4, 6)
"""From this day metals are on annexes, not on the lists before. Source: HTSUS ch. 99 subchapter III, note 16."""
ANNEXES: Mapping[str, tuple[int, int, bool]] = {
    "1a": (50, 25, False),
    "1b": (25, 15, False),
    "1c": (25, 15, False),
    "3": (15, 15, True),
    "other metal": (0, 0, False),
}
"""By annex: per cent, per cent for the United Kingdom (not of copper), and whether that is a floor. Annex 2: none."""
RUSSIAN_ALUMINUM = Decimal(2)
"""200 %, of the full value. Source: Proclamation 10522; HTSUS 9903.85.67 and 9903.85.68; ch. 99-III, note 19."""
S122_LAST = date(2026, 7, 23)
"""150 days from 24 February 2026. Source: Trade Act of 1974, s. 122(a)."""
_FLOORS = frozenset(("autos", "auto_parts", "wood_furniture", "kitchen_cabinets", "pharmaceuticals"))
_SAME_FOR_ALL = frozenset(("s232-softwood_lumber",))
"""Layers of one rate whatever the origin. Source: HTSUS 9903.76.01; ch. 99 subchapter III, note 37(a) and (b)."""
USMCA = ("S", "S+")
"""The claims of the agreement. Source: HTSUS general note 11."""
USMCA_SPARED: Mapping[str, date] = {"ieepa-fentanyl": date(2025, 3, 7), "s122": date(2026, 2, 24)}
"""Layers that goods of Canada and Mexico under the USMCA are out of, and from when. Source: E.O. 14231 and 14232, HTSUS
9903.01.04 and 9903.01.14; 9903.03.07 and 9903.03.08."""
NOT_RECIPROCAL = ("BY", "CU", "KP", "RU")
"""Countries of column 2, out of the reciprocal duties. Source: HTSUS 9903.01.29 and general note 3(b)."""
ON_METAL_FROM = date(2025, 6, 4)
"""From this day, until the annexes, articles of chapters 73 and 76 are charged on their metal alone. Source:
Proclamation 10947, clause 6."""
COUNTRY_ORDERS: Mapping[str, tuple[date, date, Decimal, str]] = {
    "BR": (date(2025, 8, 6), date(2026, 2, 20), Decimal("0.4"), "9903.01.77"),
    "IN": (date(2025, 8, 27), date(2026, 2, 7), Decimal("0.25"), "9903.01.84"),
}
"""Duties by an order on one country, gathered as one with its reciprocal duty: first day, first day on which it holds
no longer, rate, heading. Source: E.O. 14323 and 14329."""
_ON_METAL = {"steel": "73", "aluminum": "76"}
NON_US_CONTENT = "non-u.s. content"
_FLOOR = Decimal("0.15")
_EU = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
_RECIPROCAL_FLOORS: Mapping[str, date] = {
    **dict.fromkeys(_EU, date(2025, 8, 7)),
    "JP": date(2025, 8, 7),
    **dict.fromkeys(("KR", "CH", "LI"), date(2025, 11, 14)),
}
"""From when the reciprocal 15 % hold the country's own duty in. Source: E.O. 14326, 14345; HTSUS 9903.02."""
_ON_CONTENT = {"9903.81.91": "steel content", "9903.85.08": "aluminum content", "9903.78.01": "copper content"}

S301: tuple[tuple[str, date, str], ...] = (
    ("9903.88.01", date(2018, 7, 6), "25"),
    ("9903.88.02", date(2018, 8, 23), "25"),
    ("9903.88.03", date(2018, 9, 24), "10"),
    ("9903.88.03", date(2019, 5, 10), "25"),
    ("9903.88.04", date(2018, 9, 24), "10"),
    ("9903.88.04", date(2019, 5, 10), "25"),
    ("9903.88.15", date(2019, 9, 1), "15"),
    ("9903.88.15", date(2020, 2, 14), "7.5"),
    ("9903.91.01", date(2024, 9, 27), "25"),
    ("9903.91.02", date(2024, 9, 27), "50"),
    ("9903.91.03", date(2024, 9, 27), "100"),
    ("9903.92.10", date(2024, 9, 27), "25"),
    ("9903.91.05", date(2025, 1, 1), "50"),
    ("9903.91.11", date(2025, 1, 1), "25"),
    ("9903.91.06", date(2026, 1, 1), "25"),
    ("9903.91.07", date(2026, 1, 1), "50"),
    ("9903.91.08", date(2026, 1, 1), "100"),
    ("9903.91.12", date(2026, 11, 10), "100"),
    ("9903.91.14", date(2026, 11, 10), "100"),
)
"""Section 301 duties on goods of China by heading; 9903.88.16 (list 4B) is suspended. A later one on the same goods
takes the place of the earlier. Source: HTSUS 9903.88, 9903.91 and 9903.92; 83 FR 28710 to 89 FR 101682."""
_FENTANYL_CARVED_OUT = {"9903.01.13": "CA", "9903.01.15": "CA", "9903.01.05": "MX"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was owed on a day: rates by layer and country, as known from another."""

    since: date
    known_from: date
    rates: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Product:
    """Goods a layer is laid on, from a day until another, on the whole value or a content of it."""

    prefix: str
    since: date = date.min
    until: date = date.max
    base: str = "value"
    annex: str = ""


def read(statutory: Path, tracker: Path) -> Iterator[Measure]:
    """The layers, from the folders `statutory_rates` and `tracker`. Raises OfficialError where a list is not there."""
    try:
        snapshots = list(_snapshots(statutory, editions(tracker / "revision_dates.csv")))
        lists = _Lists(tracker / "resources", (tracker / "policy_params.yaml").read_text(encoding="utf-8"))
        yield from _section_301(lists.rows("s301_product_lists"))
        layers = Editions(SCHEDULE, confidence="secondary")
        for snapshot in snapshots:
            said = dict(_said(snapshot, lists))
            yield from layers.edition(said, since=snapshot.since, known_from=snapshot.known_from, source=SOURCE)
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise OfficialError(f"{statutory.name}, {tracker.name}: not the lists of the tracker ({error})") from error


def _section_301(products: Iterable[Mapping[str, str]]) -> Iterator[Measure]:
    of_heading: dict[str, list[str]] = {}
    for product in products:
        of_heading.setdefault(product["ch99_code"], []).append(product["hts8"])
    for heading, since, percent in S301:
        for code in of_heading.get(heading, ()):
            yield Measure(
                schedule=SCHEDULE, code=code, origin="CN", kind="s301", since=since, known_from=since,
                rate=_rate(Decimal(percent) / 100), measure=heading, source=SOURCE, confidence="secondary",
            )  # fmt: skip


def _snapshots(folder: Path, dates: Mapping[str, Edition]) -> Iterator[Snapshot]:
    """The snapshots by the day they hold from, and one more where section 122 runs out."""
    read_ones = []
    for path in folder.glob("tariff_rates_*.json"):
        document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
        name = path.stem.removeprefix("tariff_rates_")
        edition = dates.get(name if name.startswith("20") else f"2025_{name}")
        read_ones.append((date.fromisoformat(document["policy_effective_date"]), edition, _by_layer(document)))
    ordered = sorted(read_ones, key=lambda one: one[0])
    known_from = date.min
    for (since, edition, rates), (following, _, _) in zip(ordered, [*ordered[1:], (date.max, None, {})], strict=True):
        # A boundary between revisions was known with the revision before it.
        known_from = max(known_from, edition.published if edition else since if known_from == date.min else known_from)
        yield Snapshot(since, known_from, rates)
        if since <= S122_LAST < following:
            without = {layer: of for layer, of in rates.items() if layer != "s122"}
            yield Snapshot(S122_LAST + timedelta(days=1), known_from, without)


def _by_layer(document: Mapping[str, object]) -> dict[str, dict[str, Decimal]]:
    """Rates by layer and country. What only goods under the USMCA are spared has the origin S besides; of vehicles that
    the Secretary of Commerce approved only what is not of the United States is charged, and S has the rate on that."""
    found: dict[str, dict[str, Decimal]] = {}
    for census, country in document.items():
        if not isinstance(country, dict):
            continue
        for tariff in country["tariffs"]:
            layer = tariff["tariff_authority"]
            layer = layer if layer == "s122" else f"{layer}-{tariff['tariff_name']}"
            if layer == "s301-china_301":
                continue
            of = found.setdefault(layer, {})
            comment = tariff.get("comment", "")
            if comment.startswith(("Applies to USMCA-compliant goods only", "US content is exempt")):
                of["S"] = tariff["tariff_rate"]
            else:
                of[_countries()[census]] = tariff["tariff_rate"]
    return found


def _said(snapshot: Snapshot, lists: _Lists) -> Iterator[tuple[Key, Said]]:
    # The rates gathered leave copper out from the annexes on, which name its articles and their rates.
    on_annexes: dict[str, Mapping[str, Decimal]] = {"s232-copper": {}} if snapshot.since >= ANNEXES_FROM else {}
    for layer, gathered in {**on_annexes, **snapshot.rates}.items():
        of = gathered
        if layer == "ieepa-reciprocal":
            of = yield from _orders_apart(gathered, snapshot.since, lists)
        rates = _by_origin(of)
        if layer in _SAME_FOR_ALL:
            rates = {"": rates[""]}
        elif layer == "ieepa-reciprocal" and any(rates.values()):
            rates = {**rates, **dict.fromkeys(NOT_RECIPROCAL, Decimal(0))}
        for product in lists.products(layer, snapshot.since):
            for origin, rate in _on_product(product, layer, rates).items():
                floor = _is_floor(product, layer, origin, rate, snapshot.since)
                base = "value" if rate == RUSSIAN_ALUMINUM else product.base
                if origin != "S":
                    yield Key(product.prefix, origin, layer), Said(_rate(rate, base, floor=floor))
                for claim in USMCA if origin == "S" else ():
                    yield Key(product.prefix, "S", layer, claim=claim), Said(_rate(rate, NON_US_CONTENT))
        for code, origin, rate in lists.carved_out(layer, snapshot.since):
            if origin in rates or not origin:
                yield Key(code, origin, layer), Said(_rate(rate))
        if any(rates.values()) and USMCA_SPARED.get(layer, date.max) <= snapshot.since:
            for claim in USMCA:
                yield Key("", "S", layer, claim=claim), Said(_rate(Decimal(0)))


def _orders_apart(
    of: Mapping[str, Decimal], day: date, lists: _Lists
) -> Generator[tuple[Key, Said], None, Mapping[str, Decimal]]:
    """The reciprocal rates without those of orders on one country, which are a layer of their own."""
    apart = dict(of)
    for country, (since, until, rate, heading) in COUNTRY_ORDERS.items():
        if since <= day < until and apart.get(country, Decimal(0)) > rate:
            apart[country] -= rate
            yield Key("", country, "ieepa-country"), Said(_rate(rate), heading)
            for code in lists.out_of_order(heading, day):
                yield Key(code, country, "ieepa-country"), Said(_rate(Decimal(0)), heading)
    return apart


def _by_origin(of: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The commonest rate for all, where there is one, and that of each origin which differs."""
    countries = set(_countries().values())
    common, _ = Counter(of.get(country, Decimal(0)) for country in countries).most_common(1)[0]
    # Where goods under the USMCA are treated apart, all others of its countries have the common rate.
    others = countries - {"CA", "MX"} | {"S"} if "S" in of else countries
    differ = {
        origin: rate for origin in sorted(others) if (rate := of.get(origin, Decimal(0))) != common or origin == "S"
    }
    return {"": common, **differ} if common else differ


def _on_product(product: Product, layer: str, rates: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    if not product.annex:
        return rates
    metal = layer.removeprefix("s232-")
    common = _annex_rate(product.annex, metal, "")
    special = {origin: _annex_rate(product.annex, metal, origin) for origin in ("GB", "RU")}
    return {"": common, **{origin: rate for origin, rate in special.items() if rate != common}}


def _is_floor(product: Product, layer: str, origin: str, rate: Decimal, day: date) -> bool:
    """Whether the rate is what the layer and the duty of the tariff come to together."""
    if product.annex:
        return ANNEXES[product.annex][2] and rate == _FLOOR
    if layer == "ieepa-reciprocal":
        return rate == _FLOOR and _RECIPROCAL_FLOORS.get(origin, date.max) <= day
    return bool(origin) and rate == _FLOOR and layer.removeprefix("s232-") in _FLOORS


def _annex_rate(annex: str, metal: str, origin: str) -> Decimal:
    percent, british, _ = ANNEXES[annex]
    if origin == "RU" and metal == "aluminum" and annex != "1c":
        return RUSSIAN_ALUMINUM
    return Decimal(british if origin == "GB" and metal != "copper" else percent) / 100


class _Lists:
    """The product lists of the tracker."""

    def __init__(self, folder: Path, parameters: str) -> None:
        self.folder, self.parameters = folder, parameters
        self.note_16 = _note_16(folder.parent / "us_notes" / "chapter99_2026_rev_6.txt")
        self.carved = {
            "ieepa-reciprocal": [
                Product(row["hts10"], _day(row["effective_date_start"], date.min), _after(row["effective_date_end"]))
                for row in self.rows("ieepa_exempt_products")
            ],
            "s122": [Product(row["hts8"]) for row in self.rows("s122_exempt_products")],
        }
        self.by_order = self.rows("country_eo_exempt_products")
        self.fentanyl = self.rows("fentanyl_carveout_products")
        self.of_layer = {
            "ieepa-reciprocal": [Product("")],
            "ieepa-fentanyl": [Product("")],
            "s122": [Product("")],
            "s232-autos": self.parameter("autos_passenger") + self.parameter("autos_light_trucks"),
            "s232-softwood_lumber": self.parameter("softwood"),
            "s232-wood_furniture": self.parameter("wood_furniture"),
            "s232-kitchen_cabinets": self.parameter("kitchen_cabinets"),
            "s232-mhd_vehicles": self.parameter("mhd_vehicles"),
            "s232-buses": self.parameter("buses"),
            "s232-auto_parts": self.in_scope(
                self.plain("s232_auto_parts"), "s232_auto_parts_applicability", "hts_prefix"
            ),
            "s232-mhd_parts": self.plain("s232_mhd_parts"),
            "s232-semiconductors": self.in_scope(
                [Product(row["hts10"]) for row in self.rows("s232_semi_products")], "semi_qualifying_shares", "hts10"
            ),
            "s232-pharmaceuticals": [Product(row["hts10"]) for row in self.rows("s232_pharma_products")],
            **{f"s232-{metal}": self.metal(metal) for metal in ("steel", "aluminum", "copper")},
        }

    def products(self, layer: str, day: date) -> list[Product]:
        """What the layer is laid on that day; of a prefix on two lists, the list it came on last."""
        latest = {
            product.prefix: product
            for product in sorted(self.of_layer[layer], key=lambda product: product.since)
            if product.since <= day < product.until
        }
        return [product for product in latest.values() if product.annex != "2"]

    def in_scope(self, products: list[Product], shares: str, column: str) -> list[Product]:
        """The products without those whose prefix is on a list though next to none of them is meant: whole machines on
        the list of parts, computers below the technical limits of the note on semiconductors."""
        out = tuple(row[column] for row in self.rows(shares) if not Decimal(row[list(row)[1]]))
        return [product for product in products if not product.prefix.startswith(out)]

    def out_of_order(self, heading: str, day: date) -> Iterator[str]:
        """Codes of goods that an order on one country leaves out; that on India leaves out what the reciprocal duties
        do (note 2(z)(ii))."""
        for row in self.by_order:
            begun = _day(row["effective_date_start"], date.min) <= day < _after(row["effective_date_end"])
            if row["ch99_code"] == heading and begun:
                yield row["hts10"].replace(".", "")
        if heading == COUNTRY_ORDERS["IN"][3]:
            yield from (code for code, origin, _ in self.carved_out("ieepa-reciprocal", day) if not origin)

    def carved_out(self, layer: str, day: date) -> Iterator[tuple[str, str, Decimal]]:
        """(code, origin, rate) of goods the layer is lower on, or not laid on."""
        for product in self.carved.get(layer, ()):
            if product.since <= day < product.until:
                yield product.prefix, "", Decimal(0)
        if layer == "ieepa-fentanyl":
            for row in self.fentanyl:
                yield row["hts8"], _FENTANYL_CARVED_OUT[row["ch99_code"]], Decimal("0.1")

    def metal(self, metal: str) -> list[Product]:
        """Articles and derivatives before the annexes, and those of the annexes."""
        if metal == "copper":
            before = [
                Product(row["hts10"], until=ANNEXES_FROM, base="copper content")
                for row in self.rows("s232_copper_products")
            ]
        else:
            before = [
                product
                for row in self.rows("s232_metal_chapter_products")
                if row["metal_type"] == metal
                for product in _before_annexes(row["hts_prefix"], _day(row["effective_date"], date.min), metal)
            ]
            for row in self.rows("s232_derivative_products"):
                if row["derivative_type"] == metal:
                    since, content = _day(row["effective_date"], date.min), _ON_CONTENT.get(row["ch99_code"])
                    if content:
                        before.append(Product(row["hts_prefix"], since, ANNEXES_FROM, content))
                    else:
                        before += _before_annexes(row["hts_prefix"], since, metal)
        return before + list(self.on_annexes(metal))

    def on_annexes(self, metal: str) -> Iterator[Product]:
        """An article of the annexes. What note 16(c) does not list is left out, and a prefix that is broader than the
        note is the codes that it lists. An article on the lists of two metals pays once (note 16(a)): as aluminium."""
        rows = self.rows("s232_annex_products")
        named = {row["hts_prefix"] for row in rows if row["annex"] != "2"}
        aluminum = {row["hts_prefix"] for row in rows if row["metal_type"] == "aluminum" and row["annex"] != "2"}
        for row in rows:
            prefix, since = row["hts_prefix"], _day(row["effective_date"], ANNEXES_FROM)
            if row["metal_type"] != metal or (metal == "steel" and prefix in aluminum):
                continue
            listed = [prefix] if since > ANNEXES_FROM or row["annex"] == "2" else self.in_note_16(prefix)
            for code in listed:
                is_told_apart = any(len(other) > len(prefix) and code.startswith(other) for other in named)
                if not is_told_apart and (metal != "steel" or code not in aluminum):
                    yield Product(code, since, annex=row["annex"])
        for code in sorted(aluminum) if metal == "steel" else ():
            yield Product(code, ANNEXES_FROM, annex="other metal")

    def in_note_16(self, prefix: str) -> list[str]:
        """What the note lists of the goods below a prefix: the prefix itself where it, or one above it, is listed."""
        if any(prefix.startswith(code) for code in self.note_16):
            return [prefix]
        return sorted(code for code in self.note_16 if code.startswith(prefix))

    def parameter(self, name: str) -> list[Product]:
        """The prefixes that the parameters file lists under a name."""
        block = re.search(rf"^  {name}:\n(?:    .*\n)*?    prefixes: \[([^\]]*)\]", self.parameters, re.MULTILINE)
        if block is None:
            raise KeyError(name)
        return [Product(prefix) for prefix in re.findall(r"'([0-9]+)'", block[1])]

    def plain(self, name: str) -> list[Product]:
        """The prefixes of a list of one a line."""
        lines = (self.folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        return [Product(line.strip()) for line in lines if line.strip().isdigit()]

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV, without its notes."""
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _note_16(path: Path) -> frozenset[str]:
    """The codes that note 16(c) lists, without points. Source: HTSUS 2026 revision 6, ch. 99 subchapter III."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^\(c\) Headings 9903\.82\.02(.*?)^\(d\) Headings 9903\.82\.04", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise KeyError("note 16(c)")
    lists = re.sub(r"^.*(?:Harmonized Tariff|99 - III).*$", "", found[1], flags=re.MULTILINE)
    _, _, lists = lists.partition("(i) Articles of aluminum:")
    codes = re.findall(r"\b[0-9]{4}(?:\.[0-9]{2}(?:\.[0-9]{2}(?:\.?[0-9]{2,4})?)?)?\b", lists)
    return frozenset(code.replace(".", "") for code in codes)


def _before_annexes(prefix: str, since: date, metal: str) -> Iterator[Product]:
    """An article of metal before the annexes: on its whole value, and of some chapters later on the metal alone."""
    on_metal = max(since, ON_METAL_FROM) if prefix.startswith(_ON_METAL[metal]) else ANNEXES_FROM
    if since < on_metal:
        yield Product(prefix, since, on_metal)
    if on_metal < ANNEXES_FROM:
        yield Product(prefix, on_metal, ANNEXES_FROM, f"{metal} content")


@cache
def _countries() -> dict[str, str]:
    """ISO codes by the Census Bureau's. Source: U.S. Census Bureau, Schedule C."""
    text = resources.files("tidewaiter.law.official").joinpath("census_countries.csv").read_text(encoding="utf-8")
    return {row["census"]: row["country"] for row in csv.DictReader(text.splitlines())}


@cache
def _rate(rate: Decimal, base: str = "value", *, floor: bool = False) -> str:
    if not rate:
        return write(FREE)
    part = AdValorem(Fraction(rate) * 100, base)
    return write(Formula(reference=APPLICABLE, at_least=(part,)) if floor else Formula((part,)))


def _day(text: str, other: date) -> date:
    return other if text in ("", "NA") else date.fromisoformat(text)


def _after(text: str) -> date:
    return date.max if text in ("", "NA") else date.fromisoformat(text) + timedelta(days=1)
