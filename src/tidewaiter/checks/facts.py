"""What the rules may look at besides the batch's own columns: sums over the items, and what stands at the head.

A fact that a rule needs of another frame is a column here, worked out once for all rules.
"""

from __future__ import annotations

import polars as pl

from tidewaiter.checks.goods import PRODUCT_IDENTIFIERS
from tidewaiter.law.in_force import InForce
from tidewaiter.model import identifiers, rows
from tidewaiter.model.batch import Batch
from tidewaiter.model.past import Past

RECEIVERS = ("importer", "consignee", "buyer")
SENDERS = ("consignor", "exporter", "seller")
MAKERS_NUMBERS = ("MPN", "GTIN")
SELLERS_NUMBERS = ("SKU",)

_NOTHING = pl.lit(value=False)
_PLACE = pl.col("row").cast(pl.UInt64) * 2**32 + pl.col("item")
"""A goods item by one number: consignment and place."""
_IS_BUSINESS = pl.col("role").is_in(SENDERS) & (pl.col("kind") == "legal")


def shared(consignments: pl.DataFrame, law: InForce) -> pl.DataFrame:
    """What every frame has of its consignment: country, day, channel, category, and `is_original`, `is_full` (an
    original with the full set of data), `is_import` (such a one that brings goods in), `is_documents`, `is_h7`.
    """
    original = pl.col("function") == "original"
    partly = law.on_list("declarations-without-full-data", pl.col("declaration_type").str.slice(2))
    full = original & partly.fill_null(value=False).not_()
    return consignments.select(
        "row",
        "jurisdiction",
        "accepted_on",
        original.alias("is_original"),
        full.alias("is_full"),
        (full & (pl.col("direction") == "import")).alias("is_import"),
        pl.col("category").eq_missing("documents").alias("is_documents"),
        "channel",
        "category",
        pl.col("procedure_category").eq_missing("H7").alias("is_h7"),
        "invoice_total_micro",
    )


def of_consignment(frame: pl.DataFrame, head: pl.DataFrame) -> pl.DataFrame:
    """The frame with the columns of its consignments put beside it; an empty frame as it is."""
    if frame.is_empty():
        return frame
    places = rows.positions(frame["row"], head["row"])
    return frame.hstack(head.drop("row").select(pl.all().gather(places)))


def about_consignments(batch: Batch, head: pl.DataFrame, packages: pl.DataFrame, past: Past) -> pl.DataFrame:
    """The consignments with `is_original`, `is_full`, `is_import` and, a row each, `lines`, `items_mass`, `some_mass`,
    `prices`, `all_priced`, `currency`, `mixed_currencies`, `gives_reason`, `lists_changes`, `has_receiver`,
    `has_sender`; and, where the batch has anything of the kind, `out_of_sequence`, `numbered_twice`,
    `packages_counted`, `has_bulk`, `is_reused`, `from_business_head`, `parcel_number`, `master_number`. Masses and
    prices are millionths.
    """
    facts = _with_sums(batch)
    if not packages.is_empty():
        sums = packages.group_by("row").agg(
            pl.col("quantity").sum().alias("packages_counted"),
            (pl.col("is_bulk") | pl.col("quantity").is_null()).any().alias("has_bulk"),
        )
        facts = facts.join(sums, on="row", how="left", maintain_order="left")
    role = pl.col("role")
    receivers, senders, businesses = _rows_with(
        batch.parties, role.is_in(RECEIVERS), role.is_in(SENDERS), pl.col("item").is_null() & _IS_BUSINESS
    )
    reasons, changes = _rows_with(batch.changes, pl.col("reason").is_not_null(), pl.lit(value=True))
    columns = {
        "is_original": head["is_original"],
        "is_full": head["is_full"],
        "is_import": head["is_import"],
        "gives_reason": reasons,
        "lists_changes": changes,
        "has_receiver": receivers,
        "has_sender": senders,
        "from_business_head": businesses,
    }
    for name, number in (("parcel_number", "tracking_id"), ("master_number", "master_bill")):
        if batch.consignments[number].null_count() < len(batch):
            columns[name] = identifiers.compacted(pl.col(number))
    if not past.tracking_ids.is_empty():
        columns["is_reused"] = _reused(batch.consignments, past)
    return facts.with_columns(**columns)


def about_items(batch: Batch, head: pl.DataFrame, law: InForce) -> pl.DataFrame:
    """The items with the columns of `shared` and, a row each: `has_c07` and its kin, `is_reduced`, `is_charged`,
    `is_packed`, `has_scheme`, `from_business`; and, where law asks for product identifiers, `lacks_numbers`.
    """
    if batch.items.is_empty():
        return batch.items
    codes = pl.col("additional_procedures")
    [packed] = _places_with(batch.packages, pl.col("quantity") > 0)
    [scheme] = _places_with(batch.fiscal_references, pl.col("role") == "FR5")
    [business] = _places_with(batch.parties, _IS_BUSINESS)
    columns = {f"has_{code.lower()}": codes.list.contains(code) for code in ("C07", "C08", "F48", "F49", "1H7")}
    columns |= {
        "is_reduced": codes.list.contains("1H7") | pl.col("is_h7"),
        "is_charged": pl.col("procedure").ne_missing("00"),
        "is_packed": packed,
        "has_scheme": scheme,
        "from_business": business,
    }
    if law.has("obligations", PRODUCT_IDENTIFIERS):
        schemes = (pl.col("scheme").is_in(SELLERS_NUMBERS), pl.col("scheme").is_in(MAKERS_NUMBERS))
        by_seller, by_maker = _places_with(batch.codes, *schemes)
        columns["lacks_numbers"] = ~(by_seller & by_maker)
    return of_consignment(batch.items, head).with_columns(**columns)


def _with_sums(batch: Batch) -> pl.DataFrame:
    """The consignments with what their items come to."""
    sums = _sums(batch.items)
    if sums.height == len(batch):
        return batch.consignments.hstack(sums.drop("row"))
    facts = batch.consignments.join(sums, on="row", how="left", maintain_order="left")
    return facts.with_columns(
        pl.col("lines").fill_null(0), pl.col("some_mass", "mixed_currencies").fill_null(value=False)
    )


def _sums(items: pl.DataFrame) -> pl.DataFrame:
    """A row for each consignment that has items, in order. What is rare is summed only where the batch has it."""
    mass, price, currency = pl.col("gross_mass_micro"), pl.col("price_micro"), pl.col("price_currency")
    sequence = pl.col("sequence")
    aggregates = {
        "lines": pl.len().cast(pl.Int64),
        # 128 bits: each mass and price has a bound, their number has none worth the name.
        "items_mass": mass.cast(pl.Int128).sum(),
        "some_mass": mass.count() > 0,
        "prices": price.cast(pl.Int128).sum(),
        "all_priced": price.null_count() == 0,
        "currency": currency.first(),
        "mixed_currencies": _NOTHING.first(),
    }
    if items["price_currency"].n_unique() > 1:
        aggregates["mixed_currencies"] = currency.min() != currency.max()
    if (items["sequence"] != items["item"].cast(pl.Int64) + 1).any():
        aggregates["out_of_sequence"] = (sequence != pl.col("item") + 1).any()
        aggregates["numbered_twice"] = sequence.drop_nulls().n_unique() < sequence.count()
    return items.group_by("row", maintain_order=True).agg(**aggregates)


def _rows_with(frame: pl.DataFrame, *tests: pl.Expr) -> list[pl.Expr]:
    """For each test, whether the consignment has a row in the frame that passes it."""
    if frame.is_empty():
        return [_NOTHING] * len(tests)
    found = frame.select(pl.col("row").filter(test).implode().alias(str(n)) for n, test in enumerate(tests))
    return [pl.col("row").is_in(those) for those in found]


def _places_with(frame: pl.DataFrame, *tests: pl.Expr) -> list[pl.Expr]:
    """For each test, whether the item, or the consignment it is in, has a row in the frame that passes it."""
    if frame.is_empty():
        return [_NOTHING] * len(tests)
    at_head = pl.col("item").is_null()
    found = frame.select(
        keys.implode().alias(f"{n} {part}")
        for n, test in enumerate(tests)
        for part, keys in (("head", pl.col("row").filter(test & at_head)), ("item", _PLACE.filter(test & ~at_head)))
    )
    return [_among(found[f"{n} head"], found[f"{n} item"]) for n in range(len(tests))]


def _among(heads: pl.Series, places: pl.Series) -> pl.Expr:
    """Whether the item is in one of the consignments, or at one of the places; each a series of one list."""
    inside = [key.is_in(keys) for key, keys in ((pl.col("row"), heads), (_PLACE, places)) if len(keys[0])]
    return pl.any_horizontal(inside) if inside else _NOTHING


def _reused(consignments: pl.DataFrame, past: Past) -> pl.Expr:
    """Whether the tracking number was lodged in the twelve months before, under another reference."""
    if past.tracking_ids.is_empty():
        return _NOTHING
    known = consignments.select("row", "tracking_id", "reference", "accepted_on").join(
        past.tracking_ids, on="tracking_id", suffix="_before"
    )
    recent = pl.col("last_on") > pl.col("accepted_on").dt.offset_by("-12mo")
    again = known.filter((pl.col("reference") != pl.col("reference_before")) & recent)
    return pl.col("row").is_in(again["row"].unique().implode())
