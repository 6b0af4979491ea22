"""What holds of every assessment, tried on consignments drawn to sit on the edges of the law.

The oracle of `tests/oracle.py` judges the engine: they must agree on every regime, value and line. Consignments are
drawn by one function from any source of choices: Hypothesis, which makes a failing one small, or a seeded generator,
which makes thousands of them.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from make import consignment, ioss, item, party
from oracle import Answer, Line, Oracle, Worth
from tidewaiter.assessment import assess, receipt
from tidewaiter.law import Law, load
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.consignment import Adjustment, Consignment, FiscalReference, GoodsItem
from tidewaiter.model.money import Money, from_micro

T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]

ROOT = Path(__file__).resolve().parents[1] / "src" / "tidewaiter" / "jurisdictions"
COUNTRIES = ("GB", "FR", "DE", "DK", "IT", "RO", "ZZ")
HOME = {"GB": "GBP", "FR": "EUR", "DE": "EUR", "DK": "DKK", "IT": "EUR", "RO": "RON", "ZZ": "ZZD"}
SENDERS, RECEIVERS = ("seller", "consignor", "exporter"), ("buyer", "consignee", "importer")
CURRENCIES = ("GBP", "EUR", "DKK", "ZZD", "USD", "JPY", "CNY", "XTS")
"""XTS is the code reserved for testing: no table has a rate for it."""
LISTS = ("excise", "perfume", "books", "sweets")
THRESHOLDS = tuple(map(Decimal, ("0", "22", "39", "45", "50", "80", "135", "150", "200", "500", "630", "1000")))
PROCEDURES = ("53", "51", "61", "61", "42", "71", "44")
OFF = tuple(map(Decimal, ("0", "0", "0", "0.01", "-0.01", "0.005", "-0.005", "0.000001", "-0.000001", "17.37")))
BATCH, EXAMPLES = 300, 8

FRAMES = ("values", "regimes", "charges", "findings")
SEEDS = st.integers(0, 2**48)
few = settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])

LAW = load(ROOT)
ORACLE = Oracle(ROOT)


@cache
def days() -> tuple[date, ...]:
    """The first day of everything in the law, the day before it, and some days that are no edge."""
    found = {date(2022, 1, 15), date(2023, 9, 10), date(2026, 11, 2), date(2026, 8, 31)}
    for folder in ORACLE.folders.values():
        rates = [rate for tax in folder.taxes for rate in tax["rate"]]
        for block in (*folder.head.get("ground", ()), *folder.regimes, *rates):
            edges = [day for day in (block["from"], block.get("until")) if day and day.year >= 2020]
            found |= {day - timedelta(days=back) for day in edges for back in (0, 1)}
    return tuple(sorted(found))


@cache
def codes() -> tuple[str | None, ...]:
    """Commodity codes: a share of the tariffs', longer ones below them, those of lists, and some that are nowhere."""
    tariff = sorted({row["code"] for folder in ORACLE.folders.values() for row in folder.tariff})
    taxed = {
        code
        for folder in ORACLE.folders.values()
        for tax in folder.taxes
        for goods in tax.get("goods", ())
        for code in goods["hs"]
    }
    below = sorted(taxed) + [code for name in LISTS for code in listed(name)]
    specific = [row["code"] for folder in ORACLE.folders.values() for row in folder.tariff if " / " in row["rate"]]
    made_up = ["61091000", "610910", "64039990", "090121", "09023000", "49011000", "49021000", "91021100", "95030041"]
    return (*tariff[::7], *specific[::5], *(f"{code}9090"[:8] for code in below), *made_up, "99999999", "61", "", None)


@cache
def listed(name: str) -> tuple[str, ...]:
    """The codes of a list of goods, of any country."""
    return tuple(sorted({row["code"] for folder in ORACLE.folders.values() for row in folder.lists.get(name, ())}))


def seeded(seed: int) -> Choose[Any]:
    """Choices that a seed decides."""
    return random.Random(seed).choice


def amount(choose: Choose[Any], currency: str, about: Decimal) -> Money:
    """An amount near one in some currency, never below nought."""
    return Money(max(about + choose(OFF), Decimal(0)).quantize(Decimal("0.000001")), currency)


def parcel(choose: Choose[Any], reference: str, among: Sequence[str] = COUNTRIES) -> Consignment:
    """A consignment whose value, day, goods and parties are drawn from the edges of the law.

    Every other one is aimed at a regime: it does what the regime's conditions ask, though one before it may take it.
    The others may mix or lack anything.
    """
    country, day = choose(among), choose(days())
    regimes = ORACLE.in_force(country, day)
    if regimes and choose((True, False)):
        return _aimed(choose, reference, country, day, choose(regimes).get("when", {}))
    home = HOME[country]
    currency = choose((home, home, "EUR", *CURRENCIES))
    items: list[GoodsItem] = []
    for part in _parts(choose, choose(THRESHOLDS) * _per_threshold(country, currency, day)):
        items.append(_goods(choose, currency if choose(range(12)) else choose(CURRENCIES), part, items))
    extras = {
        name: amount(choose, choose((currency, currency, home, "XTS")), about)
        for name, about in (("freight", Decimal("6.66")), ("insurance", Decimal(1)), ("discount", Decimal(5)))
        if choose(range(3)) == 0
    }
    kinds = ("natural", "natural", "legal", None)
    return consignment(
        reference=reference,
        jurisdiction=country,
        accepted_on=day if choose(range(60)) else None,
        function="amendment" if choose(range(40)) == 0 else "original",
        direction="export" if choose(range(40)) == 0 else "import",
        category=choose(("sale", "gift", "sample", "documents", "return", "other", None)),
        channel=choose(("post", "express", "other", None)),
        parties=[party(role, kind=choose(kinds)) for role in (*SENDERS, *RECEIVERS) if choose(range(3))],
        fiscal_references={0: (ioss(),), 1: (FiscalReference(role="FR1", id="ZZ1"),)}.get(choose(range(4)), ()),
        adjustments=tuple(_adjustments(choose, currency)),
        items=items,
        **extras,
    )


def _aimed(choose: Choose[Any], reference: str, country: str, day: date, when: dict[str, Any]) -> Consignment:
    """A consignment that meets a regime's conditions, or by a cent does not."""
    limit = choose([when[name] for name in ("value_max", "value_over") if name in when] or ["200 EUR"])
    currency = choose((HOME[country], HOME[country], "EUR"))
    rate = _per_threshold(country, currency, day)
    pool = choose((codes(), codes(), *(listed(name) for name in when.get("goods_only", LISTS))))
    kind, procedure = choose(pool), choose(when.get("procedure", ("40", None)))
    extra = tuple(choose([[code] for code in when.get("additional_procedure", ())] or [[], ["C07"]]))
    items = [
        item(
            hs_code=kind if choose(range(3)) else choose(pool),
            price=amount(choose, currency, part),
            procedure=procedure,
            additional_procedures=extra,
        )
        for part in _parts(choose, Decimal(limit.split()[0]) * rate)
    ]
    asked = {"FR5": (ioss(),), "none": ()}
    sender, receiver = when.get("sender", choose(("natural", "legal"))), when.get("receiver", "natural")
    return consignment(
        reference=reference,
        jurisdiction=country,
        accepted_on=day,
        category=choose(when.get("category", ("sale", "sale", "gift"))),
        channel=choose(when.get("channel", ("post", "express"))),
        parties=[*(party(role, kind=sender) for role in SENDERS), *(party(role, kind=receiver) for role in RECEIVERS)],
        fiscal_references=asked[when["scheme"]] if "scheme" in when else choose(((), (ioss(),))),
        freight=amount(choose, currency, Decimal(3)) if choose((True, False)) else None,
        items=items,
    )


def _parts(choose: Choose[Any], whole: Decimal) -> Iterator[Decimal]:
    """The value of each of a few items, which make up the whole."""
    left = whole.quantize(Decimal(choose(("1", "0.01", "0.000001"))))
    for _ in range(choose((1, 1, 1, 2, 2, 3, 5)) - 1):
        part = (left * choose((0, 30, 50, 99)) / 100).quantize(Decimal("0.01"))
        left -= part
        yield part
    yield left


def _per_threshold(country: str, currency: str, day: date) -> Decimal:
    """Units of the currency for one of that in which the country states its thresholds, roughly."""
    table, base = {"GB": ("hmrc-monthly", "GBP"), "ZZ": ("zz-year", "ZZD")}.get(country, ("eu-customs-monthly", "EUR"))
    return Decimal(1) if currency == base else ORACLE.per_base(table, currency, day) or Decimal(1)


def _goods(choose: Choose[Any], currency: str, value: Decimal, before: Sequence[GoodsItem]) -> GoodsItem:
    again = choose((False, False, True)) and before
    price = amount(choose, currency, value) if choose(range(12)) else None
    declared = amount(choose, currency, value) if choose(range(5)) == 0 else None
    return item(
        hs_code=before[-1].hs_code if again else choose(codes()),
        taric_code=choose((None, None, "00", "10")),
        origin_country=choose(("CN", "GB", "FR", "NZ", "ZM", "AA", None)),
        preference=choose((None, None, "100", "300", "300", "200", "420", "")),
        preference_country=choose((None, None, None, "GB", "EU", "DE", "FJ", "AA")),
        price=price,
        customs_value=declared,
        freight=amount(choose, choose((currency, "EUR")), Decimal("2.5")) if choose(range(6)) == 0 else None,
        adjustments=tuple(_adjustments(choose, currency)),
        net_mass=choose((None, "0.30", "1.234567", "12")),
        quantity=choose((None, "1", "2", "2.5")),
        procedure=choose((*("40",) * 8, None, *PROCEDURES)),
        additional_procedures=choose(((), ("C07",), ("C07", "F48"), ("C08",), ("F01",), ("D51",))),
        fiscal_references=(ioss(),) if choose(range(20)) == 0 else (),
    )


def _adjustments(choose: Choose[Any], currency: str) -> Iterator[Adjustment]:
    for code in ("AK", "BA", "AW", "BB", "AB", "??"):
        if choose(range(25)) == 0:
            money = amount(choose, choose((currency, "EUR")), choose(THRESHOLDS[:4])) if choose(range(6)) else None
            yield Adjustment(code=code, amount=money)


def answers(consignments: Sequence[Consignment], law: Law = LAW) -> list[Answer | None]:
    """What the engine says of each consignment, in the oracle's words."""
    found = assess(Batch.of(consignments), law)
    regimes = {row["row"]: row["regime"] for row in found.regimes.iter_rows(named=True)}
    values: dict[int, list[Worth]] = {}
    lines: dict[int, list[Line]] = {}
    currencies: dict[int, str] = {}
    for row in found.values.iter_rows(named=True):
        worths = (_exact(row[name]) for name in ("goods_micro", "customs_value_micro", "tax_base_micro"))
        values.setdefault(row["row"], []).append(Worth(*worths))
        currencies[row["row"]] = row["currency"]
    for row in found.charges.iter_rows(named=True):
        base, due = _exact(row["base_micro"]), _exact(row["amount_micro"])
        lines.setdefault(row["row"], []).append(
            Line(row["type"], row["code"], row["item"], base, due, row["collector"])
        )
        assert row["currency"] == currencies[row["row"]]
    return [
        Answer(regimes[row], currencies[row], tuple(values[row]), tuple(lines.get(row, ()))) if row in regimes else None
        for row in range(len(consignments))
    ]


def _exact(micro: int | None) -> Decimal | None:
    return None if micro is None else from_micro(micro)


def agree(consignments: Sequence[Consignment]) -> int:
    """How many lines were compared; fails on the first consignment of which engine and oracle differ."""
    lines = 0
    for one, engine in zip(consignments, answers(consignments), strict=True):
        oracle = ORACLE.assess(one)
        if engine != oracle:  # no assert: it would compare the two at great length
            raise AssertionError(f"engine and oracle differ on\n{one!r}\nengine: {engine}\noracle: {oracle}")
        lines += len(oracle.lines) if oracle else 0
    return lines


@pytest.fixture(scope="module")
def compared() -> Iterator[dict[str, int]]:
    """Counts of what was compared, printed at the end (`pytest -s`)."""
    counts = {"consignments": 0, "lines": 0}
    yield counts
    print(f"\nengine and oracle agree on {counts['consignments']} consignments, {counts['lines']} lines")


def drawn(seed: int, count: int, among: Sequence[str] = COUNTRIES) -> list[Consignment]:
    """So many consignments, decided by the seed."""
    choose = seeded(seed)
    return [parcel(choose, f"ORDER-{number}", among) for number in range(count)]


# A seed does not shrink; a small batch drawn by Hypothesis itself does, below.
@settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=SEEDS)
def test_the_columns_say_what_the_oracle_says_of_every_consignment(compared: dict[str, int], seed: int) -> None:
    compared["lines"] += agree(drawn(seed, BATCH))
    compared["consignments"] += BATCH


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_columns_say_what_the_oracle_says_of_a_small_batch(data: st.DataObject) -> None:
    def choose(among: Sequence[Any]) -> Any:
        return among[data.draw(st.integers(0, len(among) - 1))]

    agree([parcel(choose, "ORDER-1"), parcel(choose, "ORDER-2")])


def test_what_is_drawn_reaches_every_regime() -> None:
    found = {answer.regime for answer in answers(drawn(1, 4000)) if answer}
    every = {regime["id"] for folder in ORACLE.folders.values() for regime in folder.regimes}

    assert found == every | {None}


@few
@given(seed=SEEDS)
def test_a_batch_is_assessed_as_its_consignments_are_one_by_one(seed: int) -> None:
    batch = drawn(seed, 20)
    together = assess(Batch.of(batch), LAW)
    alone = [assess(Batch.of([one]), LAW) for one in batch]

    for name in FRAMES:
        frames = [getattr(one, name).with_columns(row=pl.lit(row, ROW)) for row, one in enumerate(alone)]
        assert_frame_equal(_in_order(getattr(together, name)), _in_order(pl.concat(frames)))


@few
@given(seed=SEEDS)
def test_the_order_of_a_batch_does_not_matter(seed: int) -> None:
    batch = drawn(seed, 120)
    shuffled = random.Random(seed).sample(batch, len(batch))

    by_reference = dict(zip((one.reference for one in shuffled), answers(shuffled), strict=True))
    assert [by_reference[one.reference] for one in batch] == answers(batch)


@few
@given(seed=SEEDS)
def test_no_charge_is_negative_and_every_line_says_why_and_by_which_law(seed: int) -> None:
    batch = Batch.of(drawn(seed, BATCH))
    charges = receipt(batch, assess(batch, LAW).charges, LAW)
    empty = [
        charges[name].fill_null("").str.strip_chars() == "" for name in ("measure", "law", "why", "rate", "rounding")
    ]

    assert charges.filter(pl.col("amount_micro") < 0).is_empty()
    assert not any(column.any() for column in empty)
    assert charges["confidence"].is_in(["firm", "secondary"]).all()


@few
@given(seed=SEEDS)
def test_amounts_are_whole_multiples_of_the_quantum_that_law_names(seed: int) -> None:
    batch = drawn(seed, BATCH)
    found = assess(Batch.of(batch), LAW)

    for row, name in [(row, "charge_quantum") for row in found.charges.iter_rows(named=True)] + [
        (row, "value_quantum") for row in found.values.iter_rows(named=True)
    ]:
        one = batch[row["row"]]
        assert one.accepted_on is not None
        quantum = getattr(LAW.ground(one.jurisdiction, one.accepted_on), name)
        micro = row["amount_micro" if name == "charge_quantum" else "customs_value_micro"]
        assert micro is None or micro % quantum == 0


@few
@given(seed=SEEDS)
def test_shares_of_carriage_and_discount_add_up_to_the_whole(seed: int) -> None:
    choose = seeded(seed)
    prices = [amount(choose, "GBP", choose(THRESHOLDS)) for _ in range(choose(range(1, 40)))]
    freight, discount = amount(choose, "GBP", Decimal("6.66")), Money(Decimal("0.07"), "GBP")
    plain = consignment(items=[item(price=price) for price in prices])
    goods = sum((round_half_up(price.amount) for price in prices), Decimal(0))

    [bare], [carried], [reduced] = (
        answers([msgspec.structs.replace(plain, **change)])
        for change in ({}, {"freight": freight}, {"discount": discount})
    )
    assert total(bare, "goods") == total(bare, "customs_value") == goods
    assert total(carried, "customs_value") == goods + round_half_up(freight.amount)
    assert total(reduced, "goods") == goods - Decimal("0.07")


@few
@given(seed=SEEDS)
def test_raising_the_threshold_never_raises_duty(higher: Callable[[], list[Law]], seed: int) -> None:
    batch = drawn(seed, BATCH, ["GB"])
    duties = [[duty(answer) for answer in answers(batch, law)] for law in (LAW, *higher())]

    for lower, raised in pairwise(duties):
        assert all(a is None or (b is not None and b <= a) for a, b in zip(lower, raised, strict=True))
    assert duties[0] != duties[-1], "no consignment stood between the thresholds"


@pytest.fixture(scope="module")
def higher(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], list[Law]]:
    """The law with thresholds above GBP 135 for goods sold; as a function, since a law is too long to be printed."""
    laws = []
    for limit in ("150", "500", "1000000"):
        root = tmp_path_factory.mktemp("law") / "jurisdictions"
        shutil.copytree(ROOT, root)
        for file in root.glob("gb/regimes/low-value-*.toml"):
            text = file.read_text(encoding="utf-8")
            assert 'value_max = "135 GBP"' in text
            file.write_text(text.replace('value_max = "135 GBP"', f'value_max = "{limit} GBP"'), encoding="utf-8")
        laws.append(load(root))
    return lambda: laws


def duty(answer: Answer | None) -> Decimal | None:
    """The duty on the whole; None where it is not known."""
    amounts = [line.amount for line in answer.lines if line.type == "duty"] if answer else []
    known = [due for due in amounts if due is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def total(answer: Answer | None, name: str) -> Decimal:
    """The sum of one value over the items of a consignment whose values are all known."""
    assert answer is not None
    return sum((getattr(worth, name) for worth in answer.worths), Decimal(0))


def round_half_up(value: Decimal) -> Decimal:
    """The value to the penny."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Lines of one item stay in the order of the receipt; findings have no order of their own."""
    if "pointer" in frame.columns:
        return frame.sort("row", "item", "code", "pointer", nulls_last=True)
    return frame.sort("row", "item", maintain_order=True, nulls_last=True) if "item" in frame.columns else frame
