"""What is kept of a consignment for the sake of later ones, and how it is made: persons and words as keyed digests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from tidewaiter.law import Law
from tidewaiter.model.batch import ROW, Batch
from tidewaiter.model.digests import digest, digits, plain
from tidewaiter.model.exact import MISSING, Whole, known, told_apart
from tidewaiter.model.money import MICRO
from tidewaiter.model.rows import firsts, positions
from tidewaiter.risk.thresholds import goods_values, threshold_shares

_AT, _TEXT, _WHOLE = pl.Datetime("us", "UTC"), pl.String(), pl.Int64()
_KEYS: dict[str, pl.DataType] = {"row": ROW(), "at": _AT, "jurisdiction": _TEXT, "seller": _TEXT, "platform": _TEXT}
CONSIGNMENTS = pl.Schema(
    {
        **_KEYS, "seller_place": _TEXT, "consignee": _WHOLE, "consignee_name": _TEXT, "identity": _TEXT,
        "scheme": _TEXT, "value_micro": _WHOLE, "threshold_share_micro": _WHOLE,
    }
)  # fmt: skip
"""A row a consignment, with the instant of its acceptance. `consignee` is the number of a resolved person."""
ITEMS = pl.Schema(
    {
        **_KEYS, "item": ROW(), "hs_code": _TEXT, "origin_country": _TEXT, "article": _TEXT, "words": _TEXT,
        "price_per_kg_micro": _WHOLE, "price_per_unit_micro": _WHOLE, "is_low": pl.Boolean(),
    }
)  # fmt: skip
"""A row a goods item. `is_low`: whether it was among the cheapest twentieth of its like when it was accepted."""
RESULTS = pl.Schema({"at": _AT, "seller": _TEXT, "is_wrong": pl.Boolean(), "is_random": pl.Boolean()})
"""A row an inspection, with the instant from which its result was known, and whether it was drawn at random."""
LOW = MICRO // 20
_PERSON_DIGITS = 15
"""Hexadecimal digits of a digest that number a person: 60 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is kept of consignments, oldest first: frames CONSIGNMENTS, ITEMS and RESULTS."""

    consignments: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONSIGNMENTS))
    items: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ITEMS))
    results: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RESULTS))

    def and_then(self, later: History) -> History:
        """This history with what came later."""
        return History(
            consignments=pl.concat([self.consignments, later.consignments]),
            items=pl.concat([self.items, later.items]),
            results=pl.concat([self.results, later.results]),
        )

    def ranked(self, peers: pl.DataFrame) -> History:
        """The same with `is_low` set from a frame PEERS about these very rows."""
        ranks = self.items.select("row", "item").join(
            peers.select("row", "item", "price_per_kg_rank_micro"),
            on=["row", "item"],
            how="left",
            maintain_order="left",
        )
        return replace(self, items=self.items.with_columns(is_low=ranks["price_per_kg_rank_micro"] <= LOW))


@dataclass(slots=True)
class Persons:
    """Who is who: people told apart by any of the things they give, as known so far.

    A person is known again by the first of its telephone, e-mail, name with postcode and address that was seen before;
    what else it gives is then known for its own too. An identity number is no such thing: where one is lent out, it
    would make one person of many.
    """

    known: dict[str, int] = field(default_factory=dict)

    def resolve(self, keys: Sequence[list[str | None]]) -> Whole:
        """The number of each person; `keys` are the columns of what they give, None where it is not given."""
        found = np.full(len(keys[0]), MISSING, np.int64)
        known = self.known
        for place, given in enumerate(zip(*keys, strict=True)):
            stated = [key for key in given if key is not None]
            if not stated:
                continue
            person = next((known[key] for key in stated if key in known), None)
            if person is None:
                # From the digest, so that two who meet a person for the first time at once give it one number.
                person = int(stated[0][:_PERSON_DIGITS], 16)
            for key in stated:
                known.setdefault(key, person)
            found[place] = person
        return found


def remembered(batch: Batch, values: pl.DataFrame, law: Law, *, at: pl.Series, key: bytes, persons: Persons) -> History:
    """What is kept of a batch, in its order. `at` has the instant of acceptance of each consignment, `values` is a
    frame VALUES, `key` the installation's own for digests; `persons` learns who came."""
    kept = Told.of(batch, key).heads(batch, values, law, at=at, persons=persons)
    return History(consignments=kept, items=_items(batch, values, kept, _Sealing(batch, key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the consignments of a batch give of who has to do with them, as keyed digests."""

    parties: dict[str, pl.Series]
    given: list[list[str | None]]

    @classmethod
    def of(cls, batch: Batch, key: bytes) -> Told:
        """What this batch gives, under the installation's own key for digests."""
        rows, seal = batch.consignments["row"], _Sealing(batch, key)
        seller, consignee = seal.parties("seller", "consignor"), seal.parties("consignee", "buyer", "importer")
        references = batch.fiscal_references.filter(pl.col("role") == "FR5", pl.col("item").is_null())
        platform = batch.parties.filter(pl.col("role") == "marketplace", pl.col("item").is_null())
        parties = {
            "seller": seal.named("seller", seller),
            "seller_place": seal.place("seller-place", seller),
            "consignee_name": seal.of("name", consignee["name"], plain),
            "identity": seal.of("identity", consignee["identity"], plain),
            "scheme": seal.of("scheme", references["id"].gather(firsts(references["row"], rows)), plain),
            "platform": seal.of("platform", platform["id"].gather(firsts(platform["row"], rows)), plain),
        }
        return cls(parties=parties, given=seal.given(consignee))

    def heads(self, batch: Batch, values: pl.DataFrame, law: Law, *, at: pl.Series, persons: Persons) -> pl.DataFrame:
        """A frame CONSIGNMENTS of them."""
        goods = goods_values(batch, values)
        heads = self.parties | {
            "row": batch.consignments["row"],
            "at": at,
            "jurisdiction": batch.consignments["jurisdiction"],
            "consignee": _numbered(persons.resolve(self.given)),
            "value_micro": goods,
            "threshold_share_micro": threshold_shares(batch, goods, law),
        }
        return pl.DataFrame([heads[name].alias(name) for name in CONSIGNMENTS], schema=CONSIGNMENTS)


def _items(batch: Batch, values: pl.DataFrame, heads: pl.DataFrame, seal: _Sealing) -> pl.DataFrame:
    items = batch.items.select(
        "row", "item", "hs_code", "origin_country", "description", "net_mass_micro", "quantity_micro"
    )
    items = items.join(
        values.select("row", "item", "goods_micro"), on=["row", "item"], how="left", maintain_order="left"
    )
    beside = heads.select("at", "jurisdiction", "seller", "platform")[positions(items["row"], heads["row"])]
    worth = pl.col("goods_micro").cast(pl.Int128) * MICRO
    prices = items.select(
        (worth // pl.col(f"{of}_micro")).cast(pl.Int64, strict=False).alias(f"price_per_{unit}_micro")
        for of, unit in (("net_mass", "kg"), ("quantity", "unit"))
    )
    made = items.select("row", "item", "hs_code", "origin_country").hstack([
        *beside.get_columns(), *prices.get_columns(), seal.articles(beside["seller"]).alias("article"),
        seal.of("words", items["description"], _words).alias("words"),
        pl.Series("is_low", [None], dtype=pl.Boolean).new_from_index(0, len(items)),
    ])  # fmt: skip
    return made.select(ITEMS.names()).cast(ITEMS)


def _words(text: str) -> str:
    """The words of a description in one order: 'Mug, ceramic' and 'ceramic mug' are the same goods."""
    return " ".join(sorted({plain(word) for word in text.split()} - {""}))


def _numbered(persons: Whole) -> pl.Series:
    return pl.Series(persons).replace(MISSING, None)


class _Sealing:
    """The texts of a batch as keyed digests."""

    def __init__(self, batch: Batch, key: bytes) -> None:
        self._batch, self._key = batch, key

    def of(self, use: str, texts: pl.Series, form: Callable[[str], str]) -> pl.Series:
        """The digest of each text in its form; null where there is none, or nothing of it is left."""
        which, different = told_apart(texts)
        formed = ["" if text is None else form(text) for text in different]
        sealed = [digest(self._key, use, text.encode()) if text else None for text in formed]
        return pl.Series(use, sealed, dtype=pl.String).gather(pl.Series(which))

    def parties(self, *roles: str) -> pl.DataFrame:
        """For each consignment the first party in the first of these roles that it has."""
        rows, parties = self._batch.consignments["row"], self._batch.parties
        whole = parties.filter(pl.col("item").is_null())
        places = np.full(len(rows), MISSING, np.int64)
        numbered = whole.with_row_index("place")
        for role in roles:
            of_role = numbered.filter(pl.col("role") == role)
            found = known(of_role["place"].gather(firsts(of_role["row"], rows)))
            places = np.where(places == MISSING, found, places)
        return whole[pl.Series(places).replace(MISSING, None).cast(pl.UInt32)] if len(whole) else whole.clear(len(rows))

    def named(self, use: str, party: pl.DataFrame) -> pl.Series:
        """Who a firm is: its number, or where it has none its name and country."""
        named = party.select(pl.coalesce("id", pl.concat_str("name", "country", separator=" "))).to_series()
        return self.of(use, named, plain)

    def place(self, use: str, party: pl.DataFrame) -> pl.Series:
        """Where a firm is reached: its telephone, e-mail or address, the first that it gives."""
        address = pl.concat_str("street", "postcode", separator=" ")
        return self.of(use, party.select(pl.coalesce("phone", "email", address)).to_series(), plain)

    def given(self, person: pl.DataFrame) -> list[list[str | None]]:
        """What a person may be known again by, as columns."""
        named = person.select(pl.concat_str("name", "postcode", separator=" ")).to_series()
        address = person.select(pl.concat_str("street", "postcode", separator=" ")).to_series()
        return [
            self.of("phone", person["phone"], digits).to_list(),
            self.of("email", person["email"], str.casefold).to_list(),
            self.of("named", named, plain).to_list(),
            self.of("address", address, plain).to_list(),
        ]

    def articles(self, sellers: pl.Series) -> pl.Series:
        """The number of each item's article: that of the trade, or the seller's own with the seller."""
        items = self._batch.items.select("row", "item")
        codes = self._batch.codes.filter(pl.col("scheme").is_in(["GTIN", "SKU"])).sort("scheme", maintain_order=True)
        first = codes.unique(["row", "item"], keep="first", maintain_order=True).select("row", "item", "scheme", "code")
        found = items.join(first, on=["row", "item"], how="left", maintain_order="left").hstack(
            [sellers.alias("seller")]
        )
        owner = pl.when(pl.col("scheme") == "SKU").then(pl.col("seller")).otherwise(pl.lit(""))
        return self.of("article", found.select(pl.concat_str("scheme", owner, "code", separator=" ")).to_series(), str)
