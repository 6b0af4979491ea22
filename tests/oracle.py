"""A second assessor: slow, row by row, in exact decimals, and written from jurisdictions/README.md alone.

It shares no code with `assessment/` or `law/`: it reads the TOML and CSV files itself and knows nothing of columns.
Where the README is silent, what it takes for granted is said in a comment. None stands for "cannot be known".
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
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
class Parts:
    """What one item's values are made of, in the currency of assessment; `tax_base` before any charge."""

    goods: Decimal | None
    carriage: Decimal | None
    customs_value: Decimal | None
    tax_base: Decimal | None


@dataclass(frozen=True)
class Due:
    """One charge on one item, or on the whole: what is collected, and what charges after it count."""

    base: Decimal | None
    collected: Decimal | None
    counted: Decimal | None


@dataclass(frozen=True)
class Made:
    """A charge that is worked out: a due for each item that has a line, on the first for the whole."""

    rule: Row
    dues: list[Due | None]

    def counted(self, place: int) -> Decimal | None:
        """What it adds on an item to what charges after it are taken on."""
        due = self.dues[place]
        return NOUGHT if due is None else due.counted


@dataclass(frozen=True)
class Earlier:
    """What the same buyer imported before on that day and in that year, in the currency of the thresholds."""

    day: Decimal = NOUGHT
    year: Decimal = NOUGHT


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
    documents: list[Row]


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
        documents=_toml(path / "documents.toml").get("document", []),
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

    def assess(self, consignment: Consignment, earlier: Earlier | None = None) -> Answer | None:
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
            day = consignment.accepted_on
            return _Assessor(self, family, ground, consignment, day=day, earlier=earlier or Earlier()).answer()

    def documents_missing(self, consignment: Consignment) -> list[set[str]]:
        """For each goods item the documents that it needs and that are not declared, by their names in law."""
        by_id: dict[str, Row] = {}
        for folder in reversed(self.family_of(consignment.jurisdiction)):  # the nearest folder's counts
            by_id |= {document["id"]: document for document in folder.documents}
        found = []
        for item in consignment.items:
            sent_from = item.export_country or consignment.export_country
            listed = (*consignment.documents, *item.documents)
            declared = {(one.category or "") + (one.type or "") for one in listed}
            missing = set()
            for document in by_id.values():
                for goods in holding(document["goods"], consignment.accepted_on or date.min):
                    asked = (
                        (item.hs_code or "").startswith(tuple(goods["hs"])),
                        consignment.direction in goods.get("direction", [consignment.direction]),
                        item.origin_country in goods.get("origin", [item.origin_country]),
                        item.origin_country not in goods.get("not_origin", []),
                        sent_from in goods.get("export_country", [sent_from]),
                        sent_from not in goods.get("not_export_country", []),
                    )
                    if all(asked) and not declared & {*document["codes"], *document.get("exempt", [])}:
                        missing.add(document["id"])
            found.append(missing)
        return found

    def in_force(self, country: str, day: date) -> list[Row]:
        """The versions of regimes that hold in the country on the day."""
        return [version for folder in self.family_of(country) for version in holding(folder.regimes, day)]

    def ground_of(self, country: str, day: date) -> Row | None:
        """The ground rules of the country on the day."""
        return self._ground(self.family_of(country), day)

    def family_of(self, country: str) -> list[Folder]:
        """The folder of the country and all above it, nearest first."""
        return self._family(self.by_country[country])

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

    def __init__(
        self,
        oracle: Oracle,
        family: list[Folder],
        ground: Row,
        consignment: Consignment,
        *,
        day: date,
        earlier: Earlier,
    ) -> None:
        self.oracle, self.family, self.ground, self.c, self.day = oracle, family, ground, consignment, day
        self.earlier = earlier
        self.home: str = next(folder.head["currency"] for folder in family if "currency" in folder.head)

    def answer(self) -> Answer:
        parts = self.parts(Decimal(1))
        regime = next((regime for regime in self.regimes() if self.fits(regime)), None)
        if regime is None:
            return Answer(None, self.home, tuple(Worth(p.goods, p.customs_value, p.tax_base) for p in parts), ())
        parts = self.parts(self.part_taken(regime))
        made = self.charges(regime, parts)
        worths = []
        for place, part in enumerate(parts):
            base = part.tax_base
            for one in made:
                if "duty" in self.ground["tax_base"] and one.rule["type"] != "tax":
                    base = plus(base, one.counted(place))
            worths.append(Worth(part.goods, part.customs_value, base))
        return Answer(regime["id"], self.home, tuple(worths), tuple(self.lines(made)))

    @staticmethod
    def part_taken(regime: Row) -> Decimal:
        """The part of the customs value that the regime takes."""
        return percent(regime.get("value_share", "100 %"))

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

    def as_charge(self, value: Decimal, rule: Row) -> Decimal:
        said = {"quantum": self.ground["charge_quantum"], "rounding": self.ground["charge_rounding"], **rule}
        return rounded(value, Decimal(said["quantum"]), said["rounding"])

    def fixed(self, rule: Row, name: str) -> Decimal | None:
        """A fixed sum of a charge in the currency of assessment: '20 USD', rounded as the charge is."""
        found = self.limit(rule, name)
        return None if found is None else self.as_charge(found, rule)

    def limit(self, rule: Row, name: str) -> Decimal | None:
        """A limit below which a charge is not collected, in the currency of assessment, to a millionth."""
        amount, currency = rule[name].split()
        found = self.into(Money(Decimal(amount), currency), self.home, "threshold_exchange")
        return None if found is None else rounded(found, MILLIONTH, "half_up")

    def on_list(self, name: str, code: str | None, *, prefix: bool) -> bool:
        """Whether the code is on the dated list of the nearest folder that has one."""
        if code is None:
            return False
        rows = next((folder.lists[name] for folder in self.family if name in folder.lists), [])
        codes = [row["code"] for row in holding(rows, self.day)]
        return any(code.startswith(found) if prefix else code == found for found in codes)

    def in_part(self, name: str, part: str, code: str | None) -> bool:
        """Whether the longest entry of the list with which the code begins is in that part of it."""
        rows = next((folder.lists[name] for folder in self.family if name in folder.lists), [])
        fitting = [row for row in holding(rows, self.day) if code is not None and code.startswith(row["code"])]
        longest = max(fitting, key=lambda row: len(row["code"]), default=None)
        return longest is not None and part in longest["part"].split()

    def parts(self, taken: Decimal) -> list[Parts]:
        """What each item's values are made of, with so large a part of the customs value.

        The value for the tax is made from the part that is taken, and carriage added to it is whole.
        """
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
            value = None if value is None else self.as_value(value * taken)
            base = plus(value, tax_up)
            if "CIF" in self.ground["tax_base"] and self.ground["customs_value"] != "CIF":
                base = plus(base, travel)
            found.append(Parts(net, travel, value, base))
        return found

    def shared(self, total: Decimal | None, goods: list[Decimal | None]) -> list[Decimal | None]:
        """The total shared out by price, so that the shares add up to it: differences of rounded running totals.

        Where nothing has a price, every item weighs the same.
        """
        if total is None:
            return [None for _ in goods]
        return list(shares_of(total, [value or NOUGHT for value in goods], Decimal(self.ground["value_quantum"])))

    # Regime

    def regimes(self) -> list[Row]:
        versions = [version for folder in self.family for version in folder.regimes]
        ranked = sorted(holding(versions, self.day), key=lambda v: (v["priority"], v["id"], v["from"]))
        return [{"when": {}, "charge": [], **version} for version in ranked]  # an officer's has no charges

    def fits(self, regime: Row) -> bool:
        """Whether all conditions hold. What cannot be known does not hold; nor does anything of no goods at all."""
        items, when = self.c.items, regime["when"]
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
            "export_country": lambda wanted: self.c.export_country in wanted,
            "not_export_country": lambda wanted: self.c.export_country not in wanted,  # not stated is none of them
            "origin": lambda wanted: all(item.origin_country in wanted for item in items),
            "delivered_to": self._delivered_to,
            "not_delivered_to": lambda name: not self._delivered_to(name),
            "value_max": lambda limit: self._measured(regime, limit, lambda value, bound: value <= bound),
            "value_over": lambda limit: self._measured(regime, limit, lambda value, bound: value > bound),
            "person_day_max": lambda limit: self._within(regime, limit, self.earlier.day),
            "person_year_max": lambda limit: self._within(regime, limit, self.earlier.year),
            "goods_not": lambda names: not any(self._listed(item, names) for item in items),
            "goods_only": lambda names: all(
                self.on_list(name, item.hs_code, prefix=True) for item in items for name in names
            ),
        }
        looked_at = {"value_basis", "value_per"}  # these say what the limits look at
        return all(tests[name](wanted) for name, wanted in when.items() if name not in looked_at)

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

    def _delivered_to(self, name: str) -> bool:
        """Whether the receiver's postcode is on the list: that of the first of these who is named, if it is stated."""
        for role in ("consignee", "buyer", "importer"):
            named = [party for party in self.c.parties if party.role == role]
            if named:
                there = named[0].country
                if there is not None and there != self.c.jurisdiction and there in self.oracle.by_country:
                    return False
                code = named[0].postcode.replace(" ", "").upper() if named[0].postcode else None
                of, slash, part = name.partition("/")
                return self.in_part(of, part, code) if slash else self.on_list(name, code, prefix=True)
        return False

    def _measured(self, regime: Row, limit: str, test: Callable[[Decimal, Decimal], bool]) -> bool:
        bound, currency = limit.split()
        by_item = regime["when"].get("value_per") == "item"
        value = self._dearest(currency) if by_item else self._whole(regime, currency)
        return value is not None and test(value, Decimal(bound))

    def _within(self, regime: Row, limit: str, before: Decimal) -> bool:
        """Whether the whole consignment and what came before it are within the limit."""
        bound, currency = limit.split()
        value = self._whole(regime, currency)
        return value is not None and before + value <= Decimal(bound)

    def _for_limits(self, money: Money | None, currency: str) -> Decimal | None:
        found = self.into(money, currency, "threshold_exchange")
        return None if found is None else rounded(found, MILLIONTH, "half_up")

    def _price(self, item: GoodsItem, currency: str) -> Decimal | None:
        price = self._for_limits(item.price, currency)
        return self._for_limits(item.customs_value, currency) if price is None else price

    def _dearest(self, currency: str) -> Decimal | None:
        """The price of the dearest single article: a line's by the number of its pieces, where that is stated."""
        found = []
        for item in self.c.items:
            price = self._price(item, currency)
            if price is None:
                return None
            pieces = pieces_of(item)
            found.append(rounded(price / pieces, MILLIONTH, "half_up") if pieces else price)
        return max(found)

    def _whole(self, regime: Row, currency: str) -> Decimal | None:
        """The value of the consignment that limits look at."""
        basis = regime["when"].get("value_basis", "goods")
        if basis == "customs_value":
            values = [part.customs_value for part in self.parts(self.part_taken(regime))]
            return (
                total_of(
                    [None if value is None else Money(value, self.home) for value in values],
                    lambda money: self._for_limits(money, currency),
                )
                if None not in values
                else None
            )

        def convert(money: Money) -> Decimal | None:
            return self._for_limits(money, currency)

        whole: Decimal | None = NOUGHT
        for item in self.c.items:
            whole = plus(whole, self._price(item, currency))
        whole = minus(whole, total_of([self.c.discount], convert))  # the price paid is what counts
        whole = None if whole is None else max(NOUGHT, whole)
        if basis == "goods+carriage":
            carriage = [self.c.freight, self.c.insurance, *(item.freight for item in self.c.items)]
            whole = plus(whole, total_of(carriage, convert))
        return whole

    # Charges

    def lines(self, made: list[Made]) -> list[Line]:
        """The receipt, item by item; what is charged on the whole stands at the end."""
        found = []
        for one in made:
            for place, due in enumerate(one.dues):
                if due is not None:
                    item = None if one.rule.get("per") == "consignment" else place
                    rule = one.rule
                    found.append(Line(rule["type"], rule["code"], item, due.base, due.collected, rule["collector"]))
        return sorted(found, key=lambda line: len(self.c.items) if line.item is None else line.item)

    def charges(self, regime: Row, parts: list[Parts]) -> list[Made]:
        """Every charge of the regime, in its order."""
        made: list[Made] = []
        for rule in regime["charge"]:
            made.append(Made(rule, self.waived(rule, self.charge(rule, parts, made))))
        return made

    def charge(self, rule: Row, parts: list[Parts], made: list[Made]) -> list[Due | None]:
        """What one charge comes to, before it is asked whether so little is collected."""
        bases = [self.base(rule, place, part, made) for place, part in enumerate(parts)]
        how = rule["arithmetic"]
        if how == "flat":
            sum_of = self.fixed(rule, "amount")
            given = [sum_of if self.is_first(rule["per"], place) else NOUGHT for place in range(len(parts))]
            found = [self.due(rule, None, amount) for amount in given]
            return [found[0], *(None for _ in found[1:])] if rule["per"] == "consignment" else list(found)
        if how == "rate" and rule.get("per") == "consignment":
            whole = sum_known(bases)
            amount = self.bounded(rule, minus(self.of(rule, whole, percent(rule["rate"])), self.taken_off(rule)))
            return [self.due(rule, whole, amount), *(None for _ in parts[1:])]
        if how == "rate":
            off = self.shares_off(rule, bases)
            return [
                self.due(rule, base, minus(self.of(rule, base, percent(rule["rate"])), less))
                for base, less in zip(bases, off, strict=True)
            ]
        return [
            self.on_item(rule, item, base, made, place)
            for place, (item, base) in enumerate(zip(self.c.items, bases, strict=True))
        ]

    def on_item(self, rule: Row, item: GoodsItem, base: Decimal | None, made: list[Made], place: int) -> Due | None:
        """Relief, tariff or tax on one item."""
        if rule["arithmetic"] == "relief":
            return Due(base, NOUGHT, NOUGHT)
        if rule.get("due") == "sale":
            return Due(base, NOUGHT, NOUGHT) if self.is_charged(rule["tax"]) else None
        if rule["arithmetic"] == "tax":
            if not self.is_charged(rule["tax"]):
                return None
            rate = self.tax_rate(rule["tax"], item)
            return self.due(rule, base, None if rate is None else self.of(rule, base, rate))
        layer = rule.get("measures")
        if layer is not None and self.measure(item, layer) is None:
            return None
        taken_out = {self.takes_out(other, item) for other in rule.get("unless", ())}
        if "wholly" in taken_out:
            return Due(base, NOUGHT, NOUGHT)
        measure = self.measure(item, layer)
        if "partly" in taken_out and measure is not None and measure["rate"] != "free":
            return Due(base, None, None)  # the rest of the value is not stated
        if measure is not None and measure["rate"].startswith("SEE applicable subheading"):
            if layer is None:  # the usual duty cannot be what is wanting after itself
                return Due(base, None, None)
            return self.besides(rule, item, base, measure, self.usual(made, place))
        return self.due(rule, base, self.duty(item, base, layer))

    def takes_out(self, other: str | Row, item: GoodsItem) -> str:
        """Whether another layer takes the item out: wholly, partly (with a part of its value), or not."""
        said = {"layers": [other]} if isinstance(other, str) else other
        is_of_them = "origin" not in said or item.origin_country in said["origin"]
        if not is_of_them or not holding([{"from": date.min, **said}], self.day):
            return "not"
        found = [self.measure(item, name) for name in said["layers"]]
        rates = [row["rate"] for row in found if row is not None and row["rate"] != "free"]
        if not rates:
            return "not"
        on_parts = [bool(re.search(r"% of ", rate)) for rate in rates]
        return "partly" if said.get("part") and all(on_parts) else "wholly"

    @staticmethod
    def usual(made: list[Made], place: int) -> Decimal | None:
        """The usual duty as it is charged on the item."""
        found = None
        for one in made:
            if one.rule["arithmetic"] == "tariff" and "measures" not in one.rule:
                due = one.dues[place]
                found = None if due is None else due.collected
        return found

    def besides(self, rule: Row, item: GoodsItem, base: Decimal | None, measure: Row, usual: Decimal | None) -> Due:
        """A duty by 'SEE applicable subheading + 5 % MIN 15 %': 5 %, and what is wanting to 15 % after the usual."""
        sums = re.findall(r"(MIN|MAX|SEE applicable subheading)\s*\+?\s*(.*?)\s*(?=MIN|MAX|\Z)", measure["rate"])
        due = NOUGHT
        for word, text in sums:
            amount = self.sum_of_parts(text or "free", item, base)
            if amount is None or (base is None and "%" in text) or (usual is None and word in ("MIN", "MAX")):
                return Due(base, None, None)
            amount = self.as_charge(amount, rule)
            if word in ("MIN", "MAX"):
                amount = max(NOUGHT, amount - (usual or NOUGHT))
            due = {"MIN": max, "MAX": min}.get(word, lambda _, new: new)(due, amount)
        return Due(base, due, due)

    def base(self, rule: Row, place: int, part: Parts, made: list[Made]) -> Decimal | None:
        """What a charge is taken on, on one item."""
        before: Decimal | None = NOUGHT
        for one in made:
            before = plus(before, one.counted(place))
        if "base" not in rule:
            if rule["arithmetic"] != "tax":
                return part.customs_value
            return plus(part.tax_base, before) if "duty" in self.ground["tax_base"] else part.tax_base
        found: Decimal | None = NOUGHT
        for name in rule["base"]:
            if name == "charges":
                found = plus(found, before)
            elif name == "goods":
                found = plus(found, None if part.goods is None else max(NOUGHT, part.goods))
            elif name in ("carriage", "customs_value", "tax_base"):
                found = plus(found, getattr(part, name))
            else:
                for one in made:
                    if one.rule["code"] == name:
                        found = plus(found, one.counted(place))
        return found

    @staticmethod
    def of(rule: Row, base: Decimal | None, rate: Decimal) -> Decimal | None:
        """The rate of the base, which has the charge in it where the law says so."""
        if base is None:
            return None
        return base * rate / (1 - rate) if rule.get("gross_up") else base * rate

    def taken_off(self, rule: Row) -> Decimal | None:
        """What is taken off for the consignment."""
        if "minus" not in rule or Decimal(rule["minus"].split()[0]) == 0:  # nothing is nothing in any currency
            return NOUGHT
        return self.fixed(rule, "minus")

    def shares_off(self, rule: Row, bases: list[Decimal | None]) -> list[Decimal | None]:
        """Each item's share of what is taken off, by the whole quanta of its base."""
        off = self.taken_off(rule)
        quantum = Decimal(rule["quantum"] if "quantum" in rule else self.ground["charge_quantum"])
        if off is None or "minus" not in rule or Decimal(rule["minus"].split()[0]) == 0:
            return [off for _ in bases]
        if None in bases:  # whose share it is cannot be known, though it be rounded to nothing
            return [None for _ in bases]
        weigh = Decimal(self.ground["charge_quantum"])
        return list(shares_of(off, [rounded(base or NOUGHT, weigh, "down") for base in bases], quantum))

    def bounded(self, rule: Row, amount: Decimal | None) -> Decimal | None:
        """The amount, no less than the minimum and no more than the maximum."""
        for name, choose in (("minimum", max), ("maximum", min)):
            if name in rule:
                bound = self.fixed(rule, name)
                amount = None if amount is None or bound is None else choose(amount, bound)
        return amount

    def due(self, rule: Row, base: Decimal | None, amount: Decimal | None) -> Due:
        """The amount rounded, and the part of it that is collected: rounded once, from what was not yet rounded."""
        if amount is None:
            return Due(base, None, None)
        amount = max(NOUGHT, amount)
        part = percent(rule.get("share", "100 %"))
        return Due(base, self.as_charge(amount * part, rule), self.as_charge(amount, rule))

    def waived(self, rule: Row, dues: list[Due | None]) -> list[Due | None]:
        """The same, or nought where on the whole so little would be collected; charges after it count nought too."""
        whole = sum_known([due.collected for due in dues if due is not None])
        below, up_to = (self.limit(rule, name) if name in rule else None for name in ("waived_below", "waived_up_to"))
        if whole is None:
            return dues
        if (below is not None and whole < below) or (up_to is not None and whole <= up_to):
            return [None if due is None else Due(due.base, NOUGHT, NOUGHT) for due in dues]
        return dues

    def is_first(self, per: str, place: int) -> bool:
        if per == "consignment":
            return place == 0
        if per == "code":
            return self.c.items[place].hs_code not in [item.hs_code for item in self.c.items[:place]]
        return True

    def tax(self, name: str) -> Row | None:
        return next((tax for folder in self.family for tax in folder.taxes if tax["id"] == name), None)

    def is_charged(self, name: str) -> bool:
        """Whether a tax that only some places have is charged where the goods are delivered."""
        tax = self.tax(name)
        return tax is None or "delivered_to" not in tax or self._delivered_to(tax["delivered_to"])

    def tax_rate(self, name: str, item: GoodsItem) -> Decimal | None:
        tax = self.tax(name)
        if tax is None:
            return None
        kind = "standard"
        for goods in holding(tax.get("goods", []), self.day):
            if (item.hs_code or "").startswith(tuple(goods["hs"])):
                kind = goods["class"]
        # The first place with rates of its own, in the order of the file, to which the goods go.
        own = [rate["delivered_to"] for rate in tax["rate"] if "delivered_to" in rate]
        place = next((name for name in own if self._delivered_to(name)), None)
        here = holding([rate for rate in tax["rate"] if rate.get("delivered_to") == place], self.day)
        of_class = [rate for rate in here if rate["class"] == kind]
        found = _latest(of_class or [rate for rate in here if rate["class"] == "every"])
        return percent(found["rate"]) if found and found["rate"] != "unknown" else None

    def duty(self, item: GoodsItem, value: Decimal | None, layer: str | None) -> Decimal | None:
        """Duty by the tariff or one of its layers, not rounded."""
        measure = self.measure(item, layer)
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
                units = {"KGM": item.net_mass, "NAR": pieces_of(item)}.get(each[4])
                taken = self.into(Money(Decimal(each[1]), each[2]), self.home, "exchange_table")
                if units is None or taken is None:
                    return None
                due += units * rounded(taken, MILLIONTH, "half_up") / Decimal(each[3] or 1)
            else:
                return None
        return due

    def measure(self, item: GoodsItem, layer: str | None) -> Row | None:
        """The measure for the item: a preference that is claimed, else the longest code, the very origin first.

        A layer is looked up as the rates for all are, by the goods' own origin.
        """
        code = (item.hs_code or "") + (item.taric_code or "") if item.hs_code else ""
        tariff = next((folder.tariff for folder in self.family if folder.tariff), [])
        kinds = (layer,) if layer else ("third_country", "preference")
        fitting = holding([row for row in tariff if row["kind"] in kinds and code.startswith(row["code"])], self.day)
        claimed = self.on_list("preference-claims", item.preference, prefix=True)
        preferred = item.preference_country or item.origin_country
        best: tuple[tuple[bool, bool, int, bool, str], Row] | None = None
        for row in fitting:
            is_preference, claim = row["kind"] == "preference", row.get("claim", "").split()
            by_claim = is_preference or bool(claim)
            if by_claim and (not claimed or (claim and item.preference not in claim)):
                continue
            # A claim without an origin is of its own: the country or group of that name.
            origins = row["origin"].split() or ([item.preference or ""] if claim else [])
            country = preferred if by_claim else item.origin_country
            if (by_claim or origins) and not any(self.comes_from(origin, country) for origin in origins):
                continue
            if country in row.get("excluded", "").split():
                continue
            rank = (is_preference, bool(claim), len(row["code"]), bool(origins), row["from"])
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


PIECES = {"NAR": 1, "C62": 1, "H87": 1, "DZN": 12}
"""How many pieces some units of UN/ECE Recommendation 20 are: those that tests use."""


def pieces_of(item: GoodsItem) -> Decimal | None:
    """The number of pieces; unknown where another quantity is stated. A quantity without a unit counts pieces."""
    each = PIECES.get(item.quantity_unit or "NAR")
    return None if item.quantity is None or each is None else item.quantity * each


def sum_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; unknown where one is."""
    total: Decimal | None = NOUGHT
    for amount in amounts:
        total = plus(total, amount)
    return total


def shares_of(total: Decimal, weights: list[Decimal], quantum: Decimal) -> Iterator[Decimal]:
    """The total shared out by weight, so that the shares add up to it: differences of rounded running totals.

    Where all weigh nothing, all weigh the same.
    """
    if sum(weights) == 0:
        weights = [Decimal(1) for _ in weights]
    running, given = NOUGHT, NOUGHT
    for weight in weights:
        running += weight
        reached = rounded(total * running / sum(weights), quantum, "half_up")
        yield reached - given
        given = reached


def total_of(amounts: Iterable[Money | None], convert: Callable[[Money], Decimal | None]) -> Decimal | None:
    """The sum of those amounts that are given; unknown where one of them cannot be converted."""
    total: Decimal | None = NOUGHT
    for money in amounts:
        if money is not None:
            total = plus(total, convert(money))
    return total
