"""Engine and oracle agree under laws that nobody wrote: regimes whose conditions and charges are drawn.

Zedland gets one regime before all others, put together at random from what jurisdictions/README.md allows.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from oracle import Oracle
from test_assessment_properties import ROOT, SEEDS, agree, drawn
from tidewaiter.law import load

PARCELS, LAWS = 40, 30
SUMS = ("0", "0.07", "1", "2.50", "20", "50", "135.55", "200")
RATES = ("0 %", "0.5 %", "2.5 %", "17.13 %", "60 %", "99 %", "100 %")
BASES = ("goods", "carriage", "customs_value", "tax_base", "charges")


class _Pen:
    """Writes a regime, choosing as its seed decides."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
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
        head += ['source = "drawn"', *([f'value_share = "{self.one("60 %", "33.3333 %")}"'] if self.often() else [])]
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
            "per": _quoted(self.one("code", "item", "consignment")),
        }

    def tariff(self) -> dict[str, str]:
        if self.often(0.4):
            return {}
        layer = self.one("safeguard", "climate", "levelling", "levelling", "metal")
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
        if self.often(0.4):
            said["per"] = '"consignment"'
            return said | {name: self.sum(self.currency) for name in ("minimum", "maximum") if self.often()}
        if self.often():
            return said | {"minus": self.sum(self.one("ZZD", "USD", "JPY"))}
        return said | ({"share": '"70 %"'} if self.often(0.5) else {})

    def collected_in_part(self) -> dict[str, str]:
        said = {"share": _quoted(self.one("70 %", "12.345 %"))} if self.often(0.3) else {}
        return said | ({"gross_up": "true"} if self.often(0.3) else {})

    def collected(self) -> dict[str, str]:
        said = {"quantum": _quoted(self.one("1", "0.01", "0.25"))} if self.often(0.3) else {}
        said |= {"rounding": _quoted(self.one("down", "half_up"))} if self.often(0.3) else {}
        if self.often(0.3):
            said[self.one("waived_below", "waived_up_to")] = self.sum(self.currency)
        return said

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

    compared["lines"] += agree(drawn(seed, PARCELS, ["ZZ"]), load(root), Oracle(root))
    compared["consignments"] += PARCELS
    compared["laws"] += 1
