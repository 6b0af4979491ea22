"""What the rules may look at besides the batch's own columns: a function a fact, worked out when a rule asks for it.

A fact is a column of a frame, named as its function. One about the consignment may be asked of every frame, and
so may the consignment's own columns. A fact that holds nowhere in the batch is None where that is quickly seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from tidewaiter.checks.goods import PRODUCT_IDENTIFIERS
from tidewaiter.checks.loading_facts import BEFORE_LOADING
from tidewaiter.checks.minimum import lacking
from tidewaiter.checks.rule import Frame
from tidewaiter.law.in_force import InForce
from tidewaiter.law.permits import Moved, Needed, concerned, needed
from tidewaiter.model import identifiers
from tidewaiter.model.batch import ROW, SCHEMA, Batch
from tidewaiter.model.exact import MISSING, Whole, Yes, known, spread, standing
from tidewaiter.model.past import Past
from tidewaiter.model.rows import beside, positions

RECEIVERS = ("importer", "consignee", "buyer")
SENDERS = ("consignor", "exporter", "seller")
MAKERS_NUMBERS = ("MPN", "GTIN")
SELLERS_NUMBERS = ("SKU",)

Places = npt.NDArray[np.integer]
Marks = npt.NDArray[np.bool_]


class Facts:
    """A batch as the rules see it: its columns, and the facts about its rows that were asked for so far."""

    def __init__(self, batch: Batch, law: InForce, past: Past) -> None:
        self.batch, self.law, self.past = batch, law, past
        self._known: dict[tuple[str, str], pl.Series | None] = {}
        self._heads: dict[str, pl.Series] = {}
        self._numbers: Whole | None = None

    def frame(self, name: Frame) -> pl.DataFrame:
        """A frame of the batch."""
        found: pl.DataFrame = getattr(self.batch, name)
        return found

    def known(self, frame: Frame, name: str) -> pl.Series | None:
        """A column or a fact, a value a row of the frame; None for a fact that holds nowhere in the batch."""
        if name in SCHEMA[frame]:
            return self.frame(frame)[name]
        if (frame, name) not in self._known:
            self._known[frame, name] = self._made(frame, name)
        return self._known[frame, name]

    def column(self, frame: Frame, name: str) -> pl.Series:
        """The same, as a column in any case."""
        found = self.known(frame, name)
        return _NO.new_from_index(0, len(self.frame(frame))) if found is None else found

    def view(self, frame: Frame, columns: Iterable[str]) -> pl.DataFrame:
        """These columns of the frame."""
        return pl.DataFrame([self.column(frame, name).alias(name) for name in columns])

    def stated(self, frame: Frame, column: str) -> list[str]:
        """The different texts in a column of the batch."""
        found = self.frame(frame)[column]
        return [] if found.null_count() == len(found) else self.batch.apart(frame, column).stated()

    def of_heads(self, what: pl.Expr) -> pl.Series:
        """An expression over the consignments."""
        # Beside the key, since a list that says nothing of these days is the same no for all.
        return self.batch.consignments.select_seq("row", what.alias("fact"))["fact"]

    def marked_heads(self, rows: pl.Series) -> Marks:
        """The consignments that are among these rows."""
        marks = np.zeros(len(self.batch), np.bool_)
        marks[_places(rows, self.batch.consignments["row"])] = True
        return marks

    def heads_with(self, frame: Frame, is_meant: Yes) -> pl.Series:
        """The consignments that have such a row in the frame."""
        marks = np.zeros(len(self.batch), np.bool_)
        marks[self.head_places(frame).to_numpy()[is_meant]] = True
        return pl.Series(marks)

    def marked_items(self, frame: pl.DataFrame, is_meant: Yes) -> Marks | None:
        """The items that have such a row in a list of their own, or in that of their consignment; None for none."""
        if not is_meant.any():
            return None
        rows, items = (known(frame[key])[is_meant] for key in ("row", "item"))
        marks = np.zeros(len(self.batch.items), np.bool_)
        at_head = items == MISSING
        if at_head.any():
            heads = np.zeros(len(self.batch), np.bool_)
            heads[standing(rows[at_head], known(self.batch.consignments["row"]))] = True
            marks |= heads[self.head_places("items").to_numpy()]
            rows, items = rows[~at_head], items[~at_head]
        if len(rows):
            every, wanted = self._keys(), rows << 32 | items
            places = np.searchsorted(every, wanted).clip(max=len(every) - 1)
            marks[places[every[places] == wanted]] = True
        return marks

    def _keys(self) -> Whole:
        """Each goods item by one number: consignment and place."""
        if self._numbers is None:
            self._numbers = known(self.batch.items["row"]) << 32 | known(self.batch.items["item"])
        return self._numbers

    def _made(self, frame: Frame, name: str) -> pl.Series | None:
        if name in _FACTS[frame]:
            return _FACTS[frame][name](self)
        above = self.known("consignments", name)
        return None if above is None else above[self.head_places(frame)]

    def head_places(self, frame: Frame) -> pl.Series:
        """Where the consignment of each row stands."""
        if frame not in self._heads:
            self._heads[frame] = positions(self.frame(frame)["row"], self.batch.consignments["row"])
        return self._heads[frame]


Fact = Callable[[Facts], pl.Series | None]
_FACTS: dict[Frame, dict[str, Fact]] = {
    "consignments": dict(BEFORE_LOADING), "items": {}, "packages": {}, "parties": {}, "fiscal_references": {},
}  # fmt: skip


def _fact(frame: Frame) -> Callable[[Fact], Fact]:
    def keep(make: Fact) -> Fact:
        _FACTS[frame][make.__name__] = make
        return make

    return keep


# What puts a consignment under a rule.


@_fact("consignments")
def is_original(of: Facts) -> pl.Series:
    """Neither an amendment nor a cancellation."""
    return pl.Series(of.batch.apart("consignments", "function").one_of(("original",)))


@_fact("consignments")
def is_customs(of: Facts) -> pl.Series:
    """An original that declares goods to customs, and not for security alone."""
    return of.column("consignments", "is_original") & (of.batch.consignments["direction"] != "entry")


@_fact("consignments")
def is_documents(of: Facts) -> pl.Series:
    """Declared to hold documents alone."""
    return pl.Series(of.batch.apart("consignments", "category").one_of(("documents",)))


@_fact("consignments")
def is_of_goods(of: Facts) -> pl.Series:
    """An original that holds goods, and not documents alone."""
    return of.column("consignments", "is_original") & ~of.column("consignments", "is_documents")


@_fact("consignments")
def is_full(of: Facts) -> pl.Series:
    """An original that declares to customs with the full set of data."""
    partly = of.law.on_list("declarations-without-full-data", pl.col("declaration_type").str.slice(2))
    return of.column("consignments", "is_customs") & of.of_heads(~partly.fill_null(value=False))


@_fact("consignments")
def is_import(of: Facts) -> pl.Series:
    """Such a one that brings goods in."""
    return of.column("consignments", "is_full") & (of.batch.consignments["direction"] == "import")


@_fact("fiscal_references")
def is_of_scheme(of: Facts) -> pl.Series:
    """Given as the number of an import scheme in an original, to a country that registers traders (EORI)."""
    here = of.of_heads(of.law.on_list("eori-countries", pl.col("jurisdiction")))
    asked = here & of.column("consignments", "is_original")
    return asked[of.head_places("fiscal_references")] & (of.batch.fiscal_references["role"] == "FR5")


# Consignments.


@_fact("consignments")
def has_goods(of: Facts) -> pl.Series:
    """Has items."""
    return pl.Series(of.marked_heads(of.batch.items["row"]))


@_fact("consignments")
def lines(of: Facts) -> pl.Series:
    """How many items it has."""
    places = _places(of.batch.items["row"], of.batch.consignments["row"])
    return pl.Series(np.bincount(places, minlength=len(of.batch)))


@_fact("consignments")
def some_mass(of: Facts) -> pl.Series | None:
    """A gross mass is given for the whole or for an item."""
    whole, items = of.batch.consignments["gross_mass_micro"], of.batch.items
    if whole.null_count() < len(whole):
        return whole.is_not_null() | pl.Series(of.marked_heads(_with_value(items, "gross_mass_micro")))
    return pl.Series(of.marked_heads(_with_value(items, "gross_mass_micro")))


@_fact("consignments")
def items_mass(of: Facts) -> pl.Series:
    """The gross masses of the items together, in millionths of a kilogram."""
    return _sums(of)["items_mass"]


@_fact("consignments")
def prices(of: Facts) -> pl.Series:
    """The prices of the items together, in millionths."""
    return _sums(of)["prices"]


@_fact("consignments")
def all_priced(of: Facts) -> pl.Series:
    """Has items, each with a price."""
    return _sums(of)["all_priced"]


@_fact("consignments")
def currency(of: Facts) -> pl.Series:
    """The currency of the first item's price."""
    return _sums(of)["currency"]


@_fact("consignments")
def mixed_currencies(of: Facts) -> pl.Series | None:
    """The prices of its items are in more than one currency."""
    priced = of.batch.items[["row", "price_currency"]]
    if priced["price_currency"].n_unique() < 2:
        return None
    if priced["price_currency"].has_nulls():
        priced = priced.drop_nulls("price_currency")
    changes = (priced["price_currency"][1:] != priced["price_currency"][:-1]) & (
        priced["row"][1:] == priced["row"][:-1]
    )
    return pl.Series(of.marked_heads(priced["row"][1:].filter(changes))) if changes.any() else None


@_fact("consignments")
def out_of_sequence(of: Facts) -> pl.Series | None:
    """The items are not numbered one by one from 1."""
    items = of.batch.items
    wrong = items["sequence"] != items["item"].cast(pl.Int64) + 1
    return pl.Series(of.marked_heads(items["row"].filter(wrong))) if wrong.any() else None


@_fact("consignments")
def numbered_twice(of: Facts) -> pl.Series | None:
    """Two items have the same number."""
    if of.known("consignments", "out_of_sequence") is None:
        return None
    numbered = of.batch.items.select("row", "sequence").drop_nulls("sequence")
    return pl.Series(of.marked_heads(numbered["row"].filter(numbered.is_duplicated())))


@_fact("consignments")
def packages_counted(of: Facts) -> pl.Series | None:
    """How many packages are listed."""
    return None if of.batch.packages.is_empty() else _packed(of)["packages_counted"]


@_fact("consignments")
def has_bulk(of: Facts) -> pl.Series:
    """Goods in bulk are among the packages, or such as were not counted."""
    return _packed(of)["has_bulk"]


@_fact("consignments")
def has_receiver(of: Facts) -> pl.Series:
    """Somebody is named to whom the goods go."""
    return of.heads_with("parties", of.batch.apart("parties", "role").one_of(RECEIVERS))


@_fact("consignments")
def has_sender(of: Facts) -> pl.Series:
    """Somebody is named from whom the goods come."""
    return of.heads_with("parties", of.batch.apart("parties", "role").one_of(SENDERS))


@_fact("consignments")
def from_business_head(of: Facts) -> pl.Series | None:
    """A sender of the whole is a business."""
    if "legal" not in of.batch.apart("parties", "kind").different:
        return None
    of_the_whole = known(of.batch.parties["item"]) == MISSING
    return of.heads_with("parties", _is_sending_business(of.batch) & of_the_whole)


@_fact("consignments")
def lists_changes(of: Facts) -> pl.Series:
    """Changes are listed."""
    return pl.Series(of.marked_heads(of.batch.changes["row"]))


@_fact("consignments")
def gives_reason(of: Facts) -> pl.Series:
    """A change is listed with its reason."""
    return pl.Series(of.marked_heads(_with_value(of.batch.changes, "reason")))


@_fact("consignments")
def parcel_number(of: Facts) -> pl.Series:
    """The tracking number without spaces and hyphens."""
    return identifiers.compacted(of.batch.consignments["tracking_id"])


@_fact("consignments")
def is_postal(of: Facts) -> pl.Series:
    """That is the number of a postal item, check digit and all; null where there is none."""
    return identifiers.s10(of.column("consignments", "parcel_number"))


@_fact("consignments")
def master_number(of: Facts) -> pl.Series:
    """The number of the master bill without spaces and hyphens."""
    return identifiers.compacted(of.batch.consignments["master_bill"])


@_fact("consignments")
def lacks_minimum(of: Facts) -> pl.Series | None:
    """What an entry declaration lacks of the minimum that must be told before loading, in words."""
    return lacking(of.batch, of.law.law)


@_fact("consignments")
def is_reused(of: Facts) -> pl.Series | None:
    """The tracking number was lodged in the twelve months before, under another reference; spaces and hyphens that
    people print in it make no difference."""
    if of.past.tracking_ids.is_empty():
        return None
    before = of.past.tracking_ids
    before = before.with_columns(identifiers.compacted(before["tracking_id"]))
    here = of.batch.consignments.select("row", "reference", "accepted_on")
    number = of.column("consignments", "parcel_number").alias("tracking_id")
    known = here.with_columns(number).join(before, on="tracking_id", suffix="_before")
    recent = pl.col("last_on") > pl.col("accepted_on").dt.offset_by("-12mo")
    again = known.filter((pl.col("reference") != pl.col("reference_before")) & recent)
    return pl.Series(of.marked_heads(again["row"]))


# Items, and what is listed below them.


def _claims(code: str) -> Fact:
    def claims(of: Facts) -> pl.Series | None:
        procedures = of.batch.procedures
        return pl.Series(procedures.some((code,))) if code in procedures.different else None

    return claims


for _code in ("C07", "C08", "F48", "F49", "1H7"):
    _FACTS["items"][f"has_{_code.lower()}"] = _claims(_code)


@_fact("items")
def is_coded(of: Facts) -> pl.Series | None:
    """Has any code of an additional procedure."""
    procedures = of.batch.procedures
    marks = np.zeros(procedures.size, np.bool_)
    marks[procedures.items] = True
    return pl.Series(marks) if len(procedures.items) else None


@_fact("items")
def undescribed(of: Facts) -> pl.Series | None:
    """The description is missing, or nothing but blanks."""
    which, different = of.batch.apart("items", "description")
    marks = spread(lambda text: not (text and text.strip()), different, which, np.bool_)
    return pl.Series(marks) if marks.any() else None


@_fact("items")
def is_reduced(of: Facts) -> pl.Series:
    """Declared with the super-reduced data set."""
    by_category = (of.batch.consignments["procedure_category"] == "H7").fill_null(value=False)
    return of.column("items", "has_1h7") | by_category[of.head_places("items")]


@_fact("items")
def repeats_price(of: Facts) -> pl.Series | None:
    """Of the same consignment and price as the item before it."""
    row, price = of.batch.items["row"], of.batch.items["price_micro"]
    if not ((row[1:] == row[:-1]) & (price[1:] == price[:-1])).any():
        return None
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in ("row", "price_micro"))
    return of.batch.items.select_seq(same).to_series()


@_fact("items")
def is_packed(of: Facts) -> pl.Series | None:
    """Its packages are counted."""
    packages = of.batch.packages
    return _series(of.marked_items(packages, known(packages["quantity"]) > 0))


@_fact("items")
def has_scheme(of: Facts) -> pl.Series | None:
    """The number of an import scheme is given for it."""
    references = of.batch.fiscal_references
    return _series(of.marked_items(references, of.batch.apart("fiscal_references", "role").one_of(("FR5",))))


@_fact("items")
def from_business(of: Facts) -> pl.Series | None:
    """A sender is a business."""
    return _series(of.marked_items(of.batch.parties, _is_sending_business(of.batch)))


@_fact("items")
def lacks_numbers(of: Facts) -> pl.Series | None:
    """Law asks for the seller's and the maker's number of the product, and not both are given."""
    which, settings = of.batch.settings
    asked = [of.law.law.lists("obligations", PRODUCT_IDENTIFIERS, *setting) for setting in settings]
    if not any(asked):
        return None
    lacks = np.array(asked)[which][of.head_places("items").to_numpy()]
    scheme = of.batch.apart("codes", "scheme")
    given = [of.marked_items(of.batch.codes, scheme.one_of(those)) for those in (SELLERS_NUMBERS, MAKERS_NUMBERS)]
    if given[0] is not None and given[1] is not None:
        lacks &= ~(given[0] & given[1])
    return pl.Series(lacks) if lacks.any() else None


@_fact("items")
def lacks_permits(of: Facts) -> pl.Series | None:
    """Documents that law asks for such goods and that are not declared, in words; null where there are none."""
    law = of.law.law
    codes = of.batch.apart("items", "hs_code")
    found = concerned(law, of.law.countries & law.known, codes.stated())
    if not found:
        return None
    at = np.flatnonzero(codes.one_of(found))
    goods = of.view("items", ("jurisdiction", "accepted_on", "direction", "hs_code", "origin_country"))
    own = of.batch.items["export_country"]
    whole = of.batch.consignments["export_country"][of.head_places("items")]
    goods = goods.with_columns(own.zip_with(own.is_not_null(), whole).alias("sent_from"))
    declared = _declared(of, at)
    texts: list[str | None] = [None] * len(of.batch.items)
    known_needs: dict[Moved, list[Needed]] = {}
    for place, values in zip(at.tolist(), goods[at].iter_rows(), strict=True):
        moved = Moved._make(values)
        if moved not in known_needs:
            known_needs[moved] = needed(law, moved)
        if known_needs[moved] and (missing := needed(law, moved, declared[place])):
            texts[place] = "; ".join(one.text for one in missing)
    return pl.Series(texts, dtype=pl.String) if any(texts) else None


def _declared(of: Facts, at: Places) -> dict[int, set[str]]:
    """The codes of the documents of some items, given by their places: their own and those of their consignment."""
    keys = of.batch.items.select("row", "item")[at].rows()
    documents = of.batch.documents.filter(pl.col("row").is_in(pl.Series([row for row, _ in keys], dtype=ROW).implode()))
    listed: dict[tuple[int, int | None], set[str]] = {}
    for row, item, category, kind in documents.select("row", "item", "category", "type").iter_rows():
        listed.setdefault((row, item), set()).add(f"{category or ''}{kind or ''}")
    return {
        place: listed.get((row, item), set()) | listed.get((row, None), set())
        for place, (row, item) in zip(at.tolist(), keys, strict=True)
    }


@_fact("packages")
def is_bulk(of: Facts) -> pl.Series:
    """Of a kind that is for goods in bulk."""
    kinds = of.view("packages", ("row", "type", "jurisdiction", "accepted_on"))
    return kinds.select_seq("row", of.law.on_list("package-types-bulk", pl.col("type")).alias("fact"))["fact"]


_NO = pl.Series([False])


def _series(marks: Marks | None) -> pl.Series | None:
    return None if marks is None else pl.Series(marks)


def _places(rows: pl.Series, among: pl.Series) -> Places:
    """Where the consignments of these rows stand."""
    return positions(rows, among).to_numpy()


def _with_value(frame: pl.DataFrame, name: str) -> pl.Series:
    """The rows of those that have a value there."""
    column, rows = frame[name], frame["row"]
    return rows.filter(column.is_not_null()) if column.has_nulls() else rows


def _is_sending_business(batch: Batch) -> Marks:
    return batch.apart("parties", "role").one_of(SENDERS) & batch.apart("parties", "kind").one_of(("legal",))


def _sums(of: Facts) -> pl.DataFrame:
    """What the items of each consignment come to; nought where it has none."""
    mass, price = pl.col("gross_mass_micro"), pl.col("price_micro")
    found = of.batch.items.group_by("row", maintain_order=True).agg(
        # 128 bits: each mass and price has a bound, their number has none worth the name.
        items_mass=mass.cast(pl.Int128).sum(),
        prices=price.cast(pl.Int128).sum(),
        all_priced=price.null_count() == 0,
        currency=pl.col("price_currency").first(),
    )
    return beside(of.batch.consignments[["row"]], found)


def _packed(of: Facts) -> pl.DataFrame:
    """What the packages of each consignment come to."""
    found = (
        of.batch.packages.with_columns(of.column("packages", "is_bulk").alias("is_bulk"))
        .group_by("row", maintain_order=True)
        .agg(
            packages_counted=pl.col("quantity").sum(),
            has_bulk=(pl.col("is_bulk") | pl.col("quantity").is_null()).any(),
        )
    )
    return beside(of.batch.consignments[["row"]], found)
