"""Engine and oracle agree under laws that nobody wrote: regimes whose conditions and charges are drawn, and duties.

Zedland gets one regime before all others, put together at random from what jurisdictions/README.md allows, and other
duties in its tariff.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from both_ways import assess
from oracle import Oracle
from test_assessment import shirts, zedland
from test_assessment_properties import ROOT, SEEDS, agree, drawn
from tidewaiter.assessment.lines import DISPLACED, FREE, PARTED, PLAIN
from tidewaiter.law import load
from tidewaiter.model.batch import Batch

PARCELS, LAWS = 120, 30
SUMS = ("0", "0.07", "1", "2.50", "20", "50", "135.55", "200")
RATES = ("0 %", "0.5 %", "2.5 %", "17.13 %", "60 %", "99 %", "100 %")
_LAYERS = ("safeguard", "climate", "levelling", "metal")
_GOODS = ("0901", "42", "61", "64")
BASES = ("goods", "carriage", "customs_value", "tax_base", "charges")


class _Pen:
    """Writes a regime, choosing as its seed decides."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Half of the regimes have nothing but what is reckoned item by item: that is what the loop over goods takes.
        self.is_plain = self.often()
        self.currency = ""
        self.codes: list[str] = []
        self.layers: list[str] = []
        self.uses: Counter[str] = Counter()

    def one(self, *among: str) -> str:
        return self.random.choice(among)

    def some(self, *among: str) -> list[str]:
        return self.random.sample(among, self.random.randint(1, min(3, len(among))))

    def often(self, chance: float = 0.5) -> bool:
        return self.random.random() < chance

    def regime(self) -> str:
        """The file of a regime."""
        head = ['id = "zz-drawn"', 'name = "Drawn"', "[[version]]", "from = 2019-01-01", "priority = 1"]
        lowered = not self.is_plain and self.often()
        head += ['source = "drawn"', *([f'value_share = "{self.one("60 %", "33.3333 %")}"'] if lowered else [])]
        head += ["[version.when]", *(f"{name} = {value}" for name, value in self.conditions())]
        return "\n".join([*head, *(line for _ in range(self.random.randint(1, 5)) for line in self.charge()), ""])

    def conditions(self) -> Iterator[tuple[str, str]]:
        """A condition or two that leave most consignments in."""
        yield "value_basis", _quoted(self.one("goods", "goods+carriage", "customs_value"))
        yield "value_per", _quoted(self.one("consignment", "consignment", "item"))
        for name in self.some("value_max", "value_over", "person_day_max", "person_year_max")[:2]:
            most = ("200", "500", "1000", "100000") if name != "value_over" else ("0", "0", "22", "80")
            yield name, _quoted(f"{self.one(*most)} ZZD")  # as all limits of the country
        for name, value in (
            ("origin", '["CN", "GB", "NZ", "ZM", "AA"]'),
            ("export_country", '["CN", "FJ", "NZ", "GB"]'),
            ("not_export_country", '["US", "ZM"]'),
            ("not_delivered_to", _quoted(self.one("free-port", "far-places/untaxed"))),
        ):
            if self.often(0.15):
                yield name, value

    def charge(self) -> list[str]:
        """The lines of a charge that may look at those before it."""
        self.currency = self.one("ZZD", "EUR", "JPY")  # of its limits
        arithmetic = self.one("rate", "rate", "flat", "tariff", "tariff", "tax", "tax", "relief")
        said = {"type": _quoted(self.one("duty", "tax", "fee")), "code": _quoted(f"Z{self.random.randint(50, 54)}")}
        said |= {"arithmetic": _quoted(arithmetic), "collector": '"importer"'}
        said |= getattr(self, arithmetic)()
        if arithmetic in {"rate", "tariff", "tax"} and self.often():
            said["base"] = str(self.some(*BASES, *self.codes)).replace("'", '"')
        if arithmetic != "relief":
            said |= self.collected()
        self.codes.append(said["code"].strip('"'))
        self.uses.update(said.keys())
        return ["[[version.charge]]", *(f"{name} = {value}" for name, value in said.items())]

    def relief(self) -> dict[str, str]:
        return {"why": '"drawn"'}

    def flat(self) -> dict[str, str]:
        return {
            "amount": self.sum(self.one("ZZD", "EUR", "JPY")),
            "per": _quoted(self.one("code", "item", *(() if self.is_plain else ("consignment",)))),
        }

    def tariff(self) -> dict[str, str]:
        if self.often(0.4):
            return {}
        layer = self.one(*_LAYERS, "levelling")
        said = {"measures": _quoted(layer)}
        others = [one for one in self.layers if one != layer]
        if others and self.often(0.7):
            said["unless"] = f"[{', '.join(self.displacing(others) for _ in range(self.random.randint(1, 2)))}]"
        self.layers.append(layer)
        return said

    def displacing(self, others: list[str]) -> str:
        """An entry of `unless`: the name of a layer before it, or a dated table."""
        if self.often(0.3):
            return _quoted(self.one(*others))
        said = [f"layers = {self.some(*others)}".replace("'", '"'), f"from = 202{self.one('0', '4', '6')}-01-01"]
        said += ["until = 2026-09-01"] if self.often(0.3) else []
        said += ["part = true"] if self.often() else []
        said += ['origin = ["CN", "ZM", "NZ"]'] if self.often() else []
        return f'{{ {", ".join(said)}, source = "drawn" }}'

    def tax(self) -> dict[str, str]:
        said = {"tax": _quoted(self.one("vat", "vat", "sugar", "levy"))} | self.collected_in_part()
        return said | ({"due": '"sale"', "why": '"drawn"'} if self.often(0.15) else {})

    def rate(self) -> dict[str, str]:
        said = {"rate": _quoted(self.one(*RATES))}
        if self.often(0.3) and said["rate"] != '"100 %"':
            said["gross_up"] = "true"
        if self.is_plain:
            return said
        if self.often(0.4):
            said["per"] = '"consignment"'
            return said | {name: self.sum(self.currency) for name in ("minimum", "maximum") if self.often()}
        if self.often():
            return said | {"minus": self.sum(self.one("ZZD", "USD", "JPY"))}
        return said | ({"share": '"70 %"'} if self.often(0.5) else {})

    def collected_in_part(self) -> dict[str, str]:
        said = {"share": _quoted(self.one("70 %", "12.345 %"))} if not self.is_plain and self.often(0.3) else {}
        return said | ({"gross_up": "true"} if self.often(0.3) else {})

    def collected(self) -> dict[str, str]:
        said = {"quantum": _quoted(self.one("1", "0.01", "0.25"))} if self.often(0.3) else {}
        said |= {"rounding": _quoted(self.one("down", "half_up"))} if self.often(0.3) else {}
        if not self.is_plain and self.often(0.3):
            said[self.one("waived_below", "waived_up_to")] = self.sum(self.currency)
        return said

    def tariff_from(self, text: str) -> str:
        """The tariff with other duties on the same goods, and more of them under layers."""
        rows = list(csv.DictReader(text.splitlines()))
        begun = {"from": "2020-01-01", "source": "drawn"}
        rows += [
            dict.fromkeys(rows[0], "") | begun | {"code": code, "kind": kind} for code in _GOODS for kind in _LAYERS
        ]
        for row in rows:
            if self.often(0.6) or not row["rate"]:
                row["rate"] = self.duty(is_layer=row["kind"] in _LAYERS)
        written = io.StringIO()
        pen = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
        pen.writeheader()
        pen.writerows(rows)
        return written.getvalue()

    def duty(self, *, is_layer: bool) -> str:
        """A duty expression: parts of the value, amounts a unit, bounds, or what is wanting to the usual duty."""
        if self.often(0.25):
            return "free"
        bounds = "".join(f" {name} {self.part()}" for name in ("MIN", "MAX") if self.often(0.3))
        if self.often(0.3 if is_layer else 0.03):
            return f"SEE applicable subheading + {self.part()}{bounds}"
        return " + ".join(self.part() for _ in range(self.random.randint(1, 3))) + bounds

    def part(self) -> str:
        if self.often():
            return self.one("0.3 %", "2 %", "7.5 %", "33.3333 %", "120 %")
        amount, currency = self.one("0.01", "0.4", "3", "117.25"), self.one("ZZD", "ZZD", "EUR")
        return f"{amount} {currency} / {self.one('KGM', '100 KGM', 'NAR', 'NAR', '12 NAR')}"

    def sum(self, currency: str) -> str:
        return _quoted(f"{self.one(*SUMS)} {currency}")


def _quoted(text: str) -> str:
    return f'"{text}"'


@pytest.fixture(scope="module")
def compared() -> Iterator[Counter[str]]:
    """Counts of what was compared, printed at the end (`pytest -s`)."""
    counts: Counter[str] = Counter()
    yield counts
    print(f"\nengine and oracle agree under drawn laws: {dict(counts)}")


_LAYERED = """
id = "zz-layered"
name = "Layered"
[[version]]
from = 2019-01-01
priority = 1
source = "made up"
[version.when]
[[version.charge]]
type = "duty"
code = "S1"
arithmetic = "tariff"
measures = "safeguard"
collector = "importer"
[[version.charge]]
type = "duty"
code = "C1"
arithmetic = "tariff"
measures = "climate"
collector = "importer"
unless = [{ layers = ["safeguard"], part = true, source = "made up" }]
"""


@pytest.mark.parametrize(
    ("other", "own", "due"),
    [
        ("8 %", "2 %", (DISPLACED, 0)),
        ("free", "2 %", (PLAIN, 800_000)),
        ("8 % of the case", "2 %", (PARTED, None)),
        ("8 % of the case", "free", (FREE, 0)),
    ],
)
def test_a_layer_gives_way_to_one_that_takes_something(
    tmp_path: Path, other: str, own: str, due: tuple[int, int | None]
) -> None:
    for name in ("world", "zz"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("cases", "risk"))
    (tmp_path / "zz" / "regimes" / "layered.toml").write_text(_LAYERED, encoding="utf-8")
    rows = [f"61,,{kind},,2020-01-01,,{rate},made up," for kind, rate in (("safeguard", other), ("climate", own))]
    tariff = tmp_path / "zz" / "tariff" / "tariff.csv"
    head, *_ = tariff.read_text(encoding="utf-8").splitlines()
    tariff.write_text("\n".join([head, *rows, ""]), encoding="utf-8")

    charges = assess(Batch.of([zedland(shirts("40 ZZD"))]), load(tmp_path)).charges

    assert charges.filter(code="C1").select("how", "amount_micro").rows() == [due]


@settings(
    max_examples=LAWS,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=SEEDS)
def test_the_columns_say_what_the_oracle_says_under_a_drawn_law(
    tmp_path: Path, compared: Counter[str], seed: int
) -> None:
    root = tmp_path / str(seed)
    for name in ("world", "zz"):
        shutil.copytree(ROOT / name, root / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cases", "risk"))
    pen = _Pen(seed)
    (root / "zz" / "regimes" / "drawn.toml").write_text(pen.regime(), encoding="utf-8")
    tariff = root / "zz" / "tariff" / "tariff.csv"
    tariff.write_text(pen.tariff_from(tariff.read_text(encoding="utf-8")), encoding="utf-8")

    compared["lines"] += agree(drawn(seed, PARCELS, ["ZZ"]), load(root), Oracle(root))
    compared["consignments"] += PARCELS
    compared["laws"] += 1
