"""A second assessor: slow, row by row, in exact decimals, and written from jurisdictions/README.md alone.

It shares no code with `assessment/` or `law/`: it reads the TOML and CSV files itself and knows nothing of columns.
Where the README is silent, what it takes for granted is said in a comment. None stands for "cannot be known".
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

from tidewaiter.model.consignment import Consignment, GoodsItem
from tidewaiter.model.money import Money

Row = dict[str, Any]
PRECISION = 90
NOUGHT = Decimal(0)
MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True)
class Line:
    """A line of the receipt, as far as it is compared. `item` None: for the whole consignment."""

    type: str
    code: str
    item: int | None
    base: Decimal | None
    amount: Decimal | None
    collector: str


@dataclass(frozen=True)
class Worth:
    """What one item is worth in the currency of assessment; `tax_base` with the duties and fees in it."""

    goods: Decimal | None
    customs_value: Decimal | None
    tax_base: Decimal | None


@dataclass(frozen=True)
class Answer:
    """What the oracle says of a consignment."""

    regime: str | None
    currency: str
    worths: tuple[Worth, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Folder:
    """One folder of law, as its files say it."""

    head: Row
    taxes: list[Row]
    regimes: list[Row]
    tariff: list[Row]
    exchange: list[Row]
    lists: dict[str, list[Row]]


def read(root: Path) -> dict[str, Folder]:
    """Every folder of law under the root, by its name."""
    return {path.parent.name: _folder(path.parent) for path in root.glob("*/jurisdiction.toml")}


def _folder(path: Path) -> Folder:
    regimes = []
    for file in sorted(path.glob("regimes/*.toml")):
        said = _toml(file)
        regimes += [{**version, "id": said["id"]} for version in said["version"]]
    return Folder(
        head=_toml(path / "jurisdiction.toml"),
        taxes=_toml(path / "taxes.toml").get("tax", []),
        regimes=regimes,
        tariff=[row for file in sorted(path.glob("tariff/*.csv")) for row in _csv(file)],
        exchange=[row for file in sorted(path.glob("exchange/*.csv")) for row in _csv(file)],
        lists={file.stem: _csv(file) for file in path.glob("codes/*.csv")},
    )


def _toml(path: Path) -> Row:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return [dict(row) for row in csv.DictReader(handle)]


def holding(rows: Iterable[Row], day: date) -> list[Row]:
    """Those rows that hold on the day: from the first day on, and before the day on which they no longer do."""
    found = []
    for row in rows:
        since, until = _day(row["from"]), _day(row.get("until"))
        if since is not None and since <= day and (until is None or day < until):
            found.append(row)
    return found


def _day(value: str | date | None) -> date | None:
    if not value:
        return None
    return date.fromisoformat(value) if isinstance(value, str) else value


def _latest(rows: list[Row]) -> Row | None:
    return max(rows, key=lambda row: str(row["from"])) if rows else None


def percent(text: str) -> Decimal:
    """'20 %' as 0.20."""
    return Decimal(text.replace("%", "").strip()) / 100


def rounded(value: Decimal, quantum: Decimal, mode: str) -> Decimal:
    """The value as a whole number of quanta."""
    how = ROUND_HALF_UP if mode == "half_up" else ROUND_DOWN
    return (value / quantum).quantize(Decimal(1), rounding=how) * quantum


class Oracle:
    """Assesses one consignment at a time under the law in a folder."""

    def __init__(self, root: Path) -> None:
        self.folders = read(root)
        self.known_rates: dict[tuple[str, str, date], Decimal | None] = {}
        self.by_country = {folder.head["code"]: name for name, folder in self.folders.items() if "code" in folder.head}

    def assess(self, consignment: Consignment) -> Answer | None:
        """The answer for a consignment; None where nothing is assessed."""
        if consignment.function != "original" or consignment.direction != "import" or consignment.accepted_on is None:
            return None
        place = self.by_country.get(consignment.jurisdiction)
        if place is None:
            return None
        family = self._family(place)
        ground = self._ground(family, consignment.accepted_on)
        if ground is None:
            return None
        with localcontext(prec=PRECISION):
            return _Assessor(self, family, ground, consignment, consignment.accepted_on).answer()

    def in_force(self, country: str, day: date) -> list[Row]:
        """The versions of regimes that hold in the country on the day."""
        return [
            version for folder in self._family(self.by_country[country]) for version in holding(folder.regimes, day)
        ]

    def _family(self, name: str) -> list[Folder]:
        found = []
        while name:
            found.append(self.folders[name])
            name = self.folders[name].head.get("parent", "")
        return found

    @staticmethod
    def _ground(family: list[Folder], day: date) -> Row | None:
        for folder in family:
            if "ground" in folder.head:
                return _latest(holding(folder.head["ground"], day))
        return None

    def per_base(self, table: str, currency: str, day: date) -> Decimal | None:
        """Units of the currency for one of the table's base."""
        if (table, currency, day) not in self.known_rates:
            self.known_rates[table, currency, day] = self._per_base(table, currency, day)
        return self.known_rates[table, currency, day]

    def _per_base(self, table: str, currency: str, day: date) -> Decimal | None:
        rows = [row for folder in self.folders.values() for row in folder.exchange if row["table"] == table]
        if any(row["base"] == currency for row in rows):
            return Decimal(1)
        found = _latest(holding([row for row in rows if row["currency"] == currency], day))
        return Decimal(found["per_base"]) if found else None


class _Assessor:
    """One consignment, its day, and the law of its country."""

    def __init__(self, oracle: Oracle, family: list[Folder], ground: Row, consignment: Consignment, day: date) -> None:
        self.oracle, self.family, self.ground, self.c, self.day = oracle, family, ground, consignment, day
        self.home: str = next(folder.head["currency"] for folder in family if "currency" in folder.head)

    def answer(self) -> Answer:
        worths = self.worths()
        regime = next((regime for regime in self.regimes() if self.fits(regime["when"])), None)
        if regime is None:
            return Answer(None, self.home, tuple(worths), ())
        lines, counted = self.charges(regime, worths)
        if "duty" in self.ground["tax_base"]:
            worths = [
                Worth(worth.goods, worth.customs_value, plus(worth.tax_base, extra))
                for worth, extra in zip(worths, counted, strict=True)
            ]
        return Answer(regime["id"], self.home, tuple(worths), tuple(lines))

    # Values

    def into(self, money: Money | None, currency: str, table: str) -> Decimal | None:
        """The amount in another currency, not rounded."""
        if money is None:
            return None
        if money.currency == currency:
            return money.amount
        target = self.oracle.per_base(self.ground[table], currency, self.day)
        source = self.oracle.per_base(self.ground[table], money.currency, self.day)
        if target is None or source is None:
            return None
        return money.amount * target / source

    def in_home(self, money: Money | None) -> Decimal | None:
        """The amount in the currency of assessment, rounded as values are."""
        found = self.into(money, self.home, "exchange_table")
        return None if found is None else self.as_value(found)

    def as_value(self, value: Decimal) -> Decimal:
        return rounded(value, Decimal(self.ground["value_quantum"]), self.ground["value_rounding"])

    def as_charge(self, value: Decimal) -> Decimal:
        return rounded(value, Decimal(self.ground["charge_quantum"]), self.ground["charge_rounding"])

    def on_list(self, name: str, code: str | None, *, prefix: bool) -> bool:
        """Whether the code is on the dated list of the nearest folder that has one."""
        if code is None:
            return False
        rows = next((folder.lists[name] for folder in self.family if name in folder.lists), [])
        codes = [row["code"] for row in holding(rows, self.day)]
        return any(code.startswith(found) if prefix else code == found for found in codes)

    def worths(self) -> list[Worth]:
        """Each item's worth before any charge."""
        prices = [self.in_home(item.price) for item in self.c.items]
        declared = [self.in_home(item.customs_value) for item in self.c.items]
        goods = [value if price is None else price for price, value in zip(prices, declared, strict=True)]
        carriage = self.shared(total_of([self.c.freight, self.c.insurance], self.in_home), goods)
        discount = self.shared(total_of([self.c.discount], self.in_home), goods)
        found = []
        for place, item in enumerate(self.c.items):
            whole = goods[place]
            net = None if whole is None else minus(whole, discount[place])
            travel = plus(carriage[place], total_of([item.freight], self.in_home))
            # Adjustments of the whole consignment stand on its first item.
            changes = item.adjustments + (self.c.adjustments if place == 0 else ())
            up, down, tax_up = (
                total_of([a.amount for a in changes if self.on_list(name, a.code, prefix=False)], self.in_home)
                for name in ("adjustments-value-up", "adjustments-value-down", "adjustments-tax-up")
            )
            if prices[place] is None and declared[place] is not None:
                value = declared[place]  # a declared customs value is taken as it is: it has its carriage in it
            else:
                value = plus(net, travel) if self.ground["customs_value"] == "CIF" else net
                value = minus(plus(value, up), down)
                value = None if value is None else max(NOUGHT, value)
            base = plus(value, tax_up)
            if "CIF" in self.ground["tax_base"] and self.ground["customs_value"] != "CIF":
                base = plus(base, travel)
            found.append(Worth(net, value, base))
        return found

    def shared(self, total: Decimal | None, goods: list[Decimal | None]) -> list[Decimal | None]:
        """The total shared out by price, so that the shares add up to it: differences of rounded running totals.

        Where nothing has a price, every item weighs the same.
        """
        if total is None:
            return [None for _ in goods]
        weights = [value or NOUGHT for value in goods]
        if sum(weights) == 0:
            weights = [Decimal(1) for _ in goods]
        whole, running, given, shares = sum(weights), NOUGHT, NOUGHT, []
        for weight in weights:
            running += weight
            reached = rounded(total * running / whole, Decimal(self.ground["value_quantum"]), "half_up")
            shares.append(reached - given)
            given = reached
        return list(shares)

    # Regime

    def regimes(self) -> list[Row]:
        versions = [version for folder in self.family for version in folder.regimes]
        ranked = sorted(holding(versions, self.day), key=lambda v: (v["priority"], v["id"], v["from"]))
        return [{"when": {}, "charge": [], **version} for version in ranked]

    def fits(self, when: Row) -> bool:
        """Whether all conditions hold. What cannot be known does not hold; nor does anything of no goods at all."""
        items = self.c.items
        if not items:
            return False
        extra = {code for item in items for code in item.additional_procedures}
        tests: dict[str, Callable[[Any], bool]] = {
            "direction": lambda wanted: self.c.direction in wanted,
            "category": lambda wanted: self.c.category in wanted,
            "channel": lambda wanted: self.c.channel in wanted,
            "procedure": lambda wanted: all((item.procedure or "40") in wanted for item in items),
            "additional_procedure": lambda wanted: bool(extra & set(wanted)),
            "not_additional_procedure": lambda wanted: not extra & set(wanted),
            "scheme": self._scheme,
            "sender": lambda kind: self._kind(("consignor", "exporter", "seller")) == kind,
            "receiver": lambda kind: self._kind(("importer", "consignee", "buyer")) == kind,
            "value_max": lambda limit: self._compared(limit, lambda value, bound: value <= bound),
            "value_over": lambda limit: self._compared(limit, lambda value, bound: value > bound),
            "goods_not": lambda names: not any(self._listed(item, names) for item in items),
            "goods_only": lambda names: all(
                self.on_list(name, item.hs_code, prefix=True) for item in items for name in names
            ),
        }
        return all(tests[name](wanted) for name, wanted in when.items())

    def _scheme(self, wanted: str) -> bool:
        given = [*self.c.fiscal_references, *(ref for item in self.c.items for ref in item.fiscal_references)]
        return not given if wanted == "none" else any(ref.role == wanted for ref in given)

    def _kind(self, roles: tuple[str, ...]) -> str | None:
        """The kind of the first of these that is named for the whole consignment; of two, the legal person's."""
        for role in roles:
            kinds = [party.kind for party in self.c.parties if party.role == role]
            if kinds:
                return next((kind for kind in ("association", "legal", "natural") if kind in kinds), None)
        return None

    def _listed(self, item: GoodsItem, names: list[str]) -> bool:
        return any(self.on_list(name, item.hs_code, prefix=True) for name in names)

    def _compared(self, limit: str, test: Callable[[Decimal, Decimal], bool]) -> bool:
        bound, currency = limit.split()
        whole = NOUGHT
        for item in self.c.items:
            value = self.into(item.price, currency, "threshold_exchange")
            if value is None:
                value = self.into(item.customs_value, currency, "threshold_exchange")
            if value is None:
                return False
            whole += rounded(value, MILLIONTH, "half_up")
        if self.c.discount is not None:  # the price paid is what counts
            off = self.into(self.c.discount, currency, "threshold_exchange")
            if off is None:
                return False
            whole = max(NOUGHT, whole - rounded(off, MILLIONTH, "half_up"))
        return test(whole, Decimal(bound))

    # Charges

    def charges(self, regime: Row, worths: list[Worth]) -> tuple[list[Line], list[Decimal | None]]:
        """The lines, item by item, and what duties and fees come to on each item."""
        lines: list[Line] = []
        count = len(self.c.items)
        before: list[Decimal | None] = [NOUGHT] * count
        counted: list[Decimal | None] = [NOUGHT] * count
        for rule in regime["charge"]:
            so_far = list(before)
            for place, item in enumerate(self.c.items):
                base, amount = self.charge(rule, place, item, worths[place], so_far[place])
                before[place] = plus(before[place], amount)
                if rule["type"] != "tax":
                    counted[place] = plus(counted[place], amount)
                if rule.get("per") == "consignment":
                    if place > 0:
                        continue
                    lines.append(Line(rule["type"], rule["code"], None, base, amount, rule["collector"]))
                else:
                    lines.append(Line(rule["type"], rule["code"], place, base, amount, rule["collector"]))
        return sorted(lines, key=lambda line: count if line.item is None else line.item), counted

    def charge(
        self, rule: Row, place: int, item: GoodsItem, worth: Worth, before: Decimal | None
    ) -> tuple[Decimal | None, Decimal | None]:
        """Base and amount of one charge on one item."""
        value = worth.customs_value
        if rule["arithmetic"] == "relief":
            return value, NOUGHT
        if rule["arithmetic"] == "rate":
            return value, None if value is None else self.as_charge(value * percent(rule["rate"]))
        if rule["arithmetic"] == "flat":
            return None, self.flat(rule) if self.is_first(rule["per"], place) else NOUGHT
        if rule["arithmetic"] == "tariff":
            duty = self.duty(item, value)
            return value, None if duty is None else self.as_charge(duty)
        base = plus(worth.tax_base, before) if "duty" in self.ground["tax_base"] else worth.tax_base
        base = before if rule.get("base") == ["charges"] else base
        if rule.get("due") == "sale":
            return base, NOUGHT
        rate = self.tax_rate(rule["tax"], item)
        return base, None if rate is None or base is None else self.as_charge(base * rate)

    def is_first(self, per: str, place: int) -> bool:
        if per == "consignment":
            return place == 0
        if per == "code":
            return self.c.items[place].hs_code not in [item.hs_code for item in self.c.items[:place]]
        return True

    def flat(self, rule: Row) -> Decimal | None:
        amount, currency = rule["amount"].split()
        if currency == self.home:
            return Decimal(amount)
        found = self.into(Money(Decimal(amount), currency), self.home, "threshold_exchange")
        return None if found is None else self.as_charge(found)

    def tax_rate(self, name: str, item: GoodsItem) -> Decimal | None:
        taxes = [tax for folder in self.family for tax in folder.taxes if tax["id"] == name]
        if not taxes:
            return None
        kind = "standard"
        for goods in holding(taxes[0].get("goods", []), self.day):
            if (item.hs_code or "").startswith(tuple(goods["hs"])):
                kind = goods["class"]
        found = _latest(holding([rate for rate in taxes[0]["rate"] if rate["class"] == kind], self.day))
        return percent(found["rate"]) if found else None

    def duty(self, item: GoodsItem, value: Decimal | None) -> Decimal | None:
        """Duty by the tariff, not rounded."""
        measure = self.measure(item)
        if measure is None or (measure["rate"] == "free" and value is None):  # taken so: what is unknown stays so
            return None
        due = None
        for bound, text in re.findall(r"(MIN|MAX|\A)\s*(.*?)\s*(?=MIN|MAX|\Z)", measure["rate"]):
            amount = self.sum_of_parts(text, item, value)
            if amount is None:
                return None
            due = amount if due is None else max(due, amount) if bound == "MIN" else min(due, amount)
        return due

    def sum_of_parts(self, text: str, item: GoodsItem, value: Decimal | None) -> Decimal | None:
        """'3 % + 0.4 ZZD / 100 KGM' on the item: parts of its value, and amounts for so many of a unit."""
        due = NOUGHT
        for part in text.split(" + ") if text != "free" else ():
            share, each = re.fullmatch(r"([\d.]+) %", part), re.fullmatch(r"([\d.]+) (\w+) / (?:([\d.]+) )?(\w+)", part)
            if share and value is not None:  # a duty by weight alone needs no value
                due += value * percent(share[1])
            elif each:
                piece = item.quantity if (item.quantity_unit or "NAR") == "NAR" else None
                units = {"KGM": item.net_mass, "NAR": piece}.get(each[4])
                taken = self.into(Money(Decimal(each[1]), each[2]), self.home, "exchange_table")
                if units is None or taken is None:
                    return None
                due += units * rounded(taken, MILLIONTH, "half_up") / Decimal(each[3] or 1)
            else:
                return None
        return due

    def measure(self, item: GoodsItem) -> Row | None:
        """The measure for the item: a preference that is claimed, else the longest code, the very origin first."""
        code = (item.hs_code or "") + (item.taric_code or "") if item.hs_code else ""
        tariff = next((folder.tariff for folder in self.family if folder.tariff), [])
        fitting = holding([row for row in tariff if code.startswith(row["code"])], self.day)
        claimed = self.on_list("preference-claims", item.preference, prefix=True)
        preferred = item.preference_country or item.origin_country
        best: tuple[tuple[bool, int, bool, str], Row] | None = None
        for row in fitting:
            is_preference = row["kind"] == "preference"
            if is_preference and not (claimed and self.comes_from(row["origin"], preferred)):
                continue
            if not is_preference and row["origin"] and not self.comes_from(row["origin"], item.origin_country):
                continue
            rank = (is_preference, len(row["code"]), row["origin"] != "", row["from"])
            if best is None or rank > best[0]:
                best = (rank, row)
        return best[1] if best else None

    def comes_from(self, origin: str, country: str | None) -> bool:
        """Whether the country is that of a measure, or in its group."""
        for folder in self.family:
            members = [row for row in folder.lists.get("origin-groups", []) if row["group"] == origin]
            if members:
                return country in [row["code"] for row in holding(members, self.day)]
        return bool(origin) and origin == country


def plus(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    """The sum; unknown where one is."""
    return None if left is None or right is None else left + right


def minus(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    """The difference; unknown where one is."""
    return None if left is None or right is None else left - right


def total_of(amounts: Iterable[Money | None], convert: Callable[[Money], Decimal | None]) -> Decimal | None:
    """The sum of those amounts that are given; unknown where one of them cannot be converted."""
    total: Decimal | None = NOUGHT
    for money in amounts:
        if money is not None:
            total = plus(total, convert(money))
    return total
