"""Drafts as consignments: a batch such as any door would make of them, and the truth beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from tidewaiter.model.batch import ROW, SCHEMA, Batch
from tidewaiter.simulation.catalogue import FAMILY, GIVEN, MODELS, OFFICES, ORIGINS, PLATFORMS, PRODUCTS, PROHIBITED
from tidewaiter.simulation.drafts import CHEAPER, GIFT, RETURN, Draft
from tidewaiter.simulation.planting import FR, ZZ
from tidewaiter.simulation.world import COUNTRIES, OWN_SHOP, SCHEMES, Ints, World

FIRST_DAY = date(2026, 7, 6)
"""The Monday on which the world begins."""
_BEGIN = datetime(2026, 7, 6, tzinfo=UTC)
NO_PHONE = 2
"""How a buyer writes where it gives no telephone."""
CURRENCIES = ("GBP", "EUR", "ZZD")
_MICRO_A_GRAM = 1_000
_MICRO_A_CENT = 10_000

TRUTH = pl.Schema(
    {
        "row": ROW, "reference": pl.String, "seller": pl.Int64, "scheme": pl.String, "case": pl.Int64,
        "loss_micro": pl.Int64, "currency": pl.String,
    }
)  # fmt: skip
"""A row a consignment: what is planted in it (null: nothing), in which case, and what is lost to the revenue where it
goes unseen, in millionths of its currency. Parcels of one purchase that was split are one case."""


def filled(frames: Mapping[str, Mapping[str, pl.Series]]) -> Batch:
    """A batch of these columns, and nothing in the others. Texts that are told apart already stay so."""
    return Batch(**{name: _filled(name, frames.get(name, {})) for name in Batch.frame_names()})


def _filled(name: str, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    if not columns:
        return pl.DataFrame(schema=SCHEMA[name])
    size = len(next(iter(columns.values())))
    return pl.DataFrame(
        [
            _typed(columns[column], dtype).alias(column)
            if column in columns
            else pl.Series(column, [[]] if dtype == pl.List else [None], dtype=dtype).new_from_index(0, size)
            for column, dtype in SCHEMA[name].items()
        ]
    )


def _typed(column: pl.Series, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    return column if dtype == pl.String and column.dtype == pl.Enum else column.cast(dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """Parcels as lodged, with when each was accepted; and the same goods as an honest sender would have lodged them,
    with the place there of each parcel: what was split is one there."""

    batch: Batch
    at: pl.Series
    honest: Batch
    whole: Ints


def framed(draft: Draft, world: World, *, prefix: str) -> Framed:
    """The draft as a batch; references begin with `prefix`."""
    at = pl.select(pl.lit(_BEGIN) + pl.duration(milliseconds=pl.lit(pl.Series(draft.at_ms)))).to_series()
    whole, place = draft.whole()
    return Framed(
        batch=_batch(draft, world, prefix, is_true=False),
        at=at.cast(pl.Datetime("us", "UTC")),
        honest=_batch(whole, world, prefix, is_true=True),
        whole=place,
    )


def _batch(draft: Draft, world: World, prefix: str, *, is_true: bool) -> Batch:
    heads = _heads(draft, prefix)
    if is_true:
        heads["category"] = _picked(("sale", "return", "sale"), draft.category)
    items, codes = _goods(draft, world, is_true=is_true)
    # Nine of ten that come back say what they went out with.
    back = np.flatnonzero((draft.category == RETURN) & (draft.buyer % 10 != 0))
    before = {
        "row": pl.Series(back), "position": pl.Series(np.zeros(len(back), np.int64)),
        "kind": _same("previous", len(back)), "id": _text("OUT-", pl.Series(back)),
    }  # fmt: skip
    return filled(
        {
            "documents": before,
            "consignments": heads, "items": items, "parties": _parties(draft, world), "codes": codes,
            "fiscal_references": _schemes(draft),
        }
    )  # fmt: skip


def truth_of(draft: Draft, heads: pl.DataFrame, loss: pl.Series) -> pl.DataFrame:
    """The frame TRUTH of a draft, where the losses are known."""
    names = pl.Series(["", *SCHEMES]).replace("", None)
    return pl.DataFrame(
        {
            "row": heads["row"], "reference": heads["reference"], "seller": draft.seller,
            "scheme": names.gather(pl.Series(draft.scheme)), "case": draft.case, "loss_micro": loss,
            "currency": _picked(CURRENCIES, draft.country),
        },
        schema=TRUTH,
    )  # fmt: skip


def _picked(texts: Sequence[str], places: Ints) -> pl.Series:
    return pl.Series(texts, dtype=pl.String).gather(pl.Series(places))


def _same(text: str, size: int) -> pl.Series:
    return pl.Series([text]).new_from_index(0, size)


def _text(*parts: str | pl.Series) -> pl.Series:
    """Texts and columns of whole numbers written one after another."""
    sized = next(len(part) for part in parts if isinstance(part, pl.Series))
    columns = [part if isinstance(part, pl.Series) else _same(part, sized) for part in parts]
    return pl.DataFrame([c.alias(str(n)) for n, c in enumerate(columns)]).select(pl.concat_str(pl.all())).to_series()


def _heads(draft: Draft, prefix: str) -> dict[str, pl.Series]:
    size, row = len(draft), pl.Series(np.arange(len(draft)), dtype=ROW)
    country = _picked(COUNTRIES, draft.country)
    days = (draft.at_ms // 86_400_000).astype(np.int32) + FIRST_DAY.toordinal() - date(1970, 1, 1).toordinal()
    mass = np.bincount(draft.head, weights=draft.mass_g, minlength=size).astype(np.int64)
    return {
        "row": row,
        "reference": _text(prefix, row),
        "jurisdiction": country,
        "accepted_on": pl.Series(days).cast(pl.Int32).cast(pl.Date),
        "function": _same("original", size),
        "direction": _same("import", size),
        "declaration_type": _same("IMD", size),
        "channel": _picked(("post", "express"), draft.buyer % 2),
        "category": _picked(("sale", "return", "gift"), draft.category),
        "house_bill": _text("HB", prefix, row),
        "order_id": _text("ORDER-", prefix, row),
        "export_country": _same("CN", size),
        "destination_country": country,
        "item_count": pl.Series(np.bincount(draft.head, minlength=size)),
        "package_count": pl.Series(np.ones(size, np.int64)),
        "gross_mass_micro": pl.Series(mass * 1_200 * _MICRO_A_GRAM // 1_000),
        "paid_micro": pl.Series(np.rint(draft.totals() * 100).astype(np.int64) * _MICRO_A_CENT),
        "paid_currency": _picked(CURRENCIES, draft.country),
        "presentation_office": _picked(OFFICES, draft.buyer % len(OFFICES)),
    }


def _parties(draft: Draft, world: World) -> dict[str, pl.Series]:
    """Seller, consignee and, where it is sold on one, the platform."""
    size, row = len(draft), np.arange(len(draft))
    is_ghost = draft.alias >= 0
    seller = pl.Series(np.where(is_ghost, draft.alias + 1_000_000, draft.seller))
    is_person = draft.category == GIFT
    on_platform = np.flatnonzero(draft.platform < OWN_SHOP)
    buyer = draft.buyer
    names = _text(
        _spelled(draft), " ", _picked(FAMILY, buyer // len(GIVEN) % len(FAMILY)), " ", pl.Series(buyer // 600)
    )
    home, phone, writing = _living(draft)
    code = pl.Series(10_000 + home * 7919 % 80_000).cast(pl.String)
    street = _text(
        pl.Series(1 + home % 200), _picked((" Sample Street ", " Sample Street ", " SAMPLE ST. "), writing),
        pl.Series(home // 200),
    )  # fmt: skip
    telephone = _text(_picked(("+44 7700 ", "0 7700 "), np.minimum(writing, 1)), pl.Series(phone + 9_000_000))
    is_fr = pl.Series(draft.country == FR)
    parts = [
        {
            "row": pl.Series(row), "position": pl.Series(np.zeros(size, np.int64)), "role": _same("seller", size),
            "name": _text("Example Trading ", seller), "country": _same("CN", size),
            "kind": _picked(("legal", "natural"), is_person.astype(np.int64)),
            "street": _text(seller, " Example Road"), "city": _same("Exampleton", size),
            "postcode": _same("518000", size),
            "phone": _text("+86 13", pl.Series(world.seller_phone[draft.seller] + 100_000_000)),
        },
        {
            "row": pl.Series(row), "position": pl.Series(np.ones(size, np.int64)), "role": _same("consignee", size),
            "name": names, "kind": _same("natural", size), "country": _picked(COUNTRIES, draft.country),
            "street": street,
            "city": _same("Exampleham", size),
            "postcode": code.zip_with(
                is_fr, _text("EX", pl.Series(home % 90 + 1), " ", pl.Series(home % 9 + 1), "AA")
            ),
            "phone": telephone.zip_with(
                pl.Series(writing < NO_PHONE), pl.Series([None], dtype=pl.String).new_from_index(0, size)
            ),
            "identity": _text("ID", pl.Series(draft.identity + 10_000_000)).zip_with(
                pl.Series(draft.country == ZZ), pl.Series([None], dtype=pl.String).new_from_index(0, size)
            ),
        },
        {
            "row": pl.Series(on_platform), "position": pl.Series(np.full(len(on_platform), 2)),
            "role": _same("marketplace", len(on_platform)), "name": _picked(PLATFORMS, draft.platform[on_platform]),
            "id": _text("PLATFORM-", pl.Series(draft.platform[on_platform] + 1)),
            "country": _same("GB", len(on_platform)), "kind": _same("legal", len(on_platform)),
        },
    ]  # fmt: skip
    frames = [_filled("parties", part) for part in parts]
    joined = pl.concat([frame for frame in frames if len(frame)]).sort("row", "position")
    return {name: joined[name] for name in joined.columns}


def _living(draft: Draft) -> tuple[Ints, Ints, Ints]:
    """Where each buyer lives, by the number of whose home it is, whose telephone it gives, and how it writes both:
    usually, with the telephone as at home, or without it and the street shortened.

    One in 25 has parcels sent to one of 40 lockers, and one in twelve lives with another, half of these with one
    telephone. Of those who write their name in another way, as of purchases that are split, a third each write so; of
    all others one in fifty.
    """
    buyer, lot = draft.buyer, draft.at_ms // 7
    shares = buyer % 12 == 5
    home = np.where(buyer % 25 == 7, 1_000_000 + buyer // 25 % 40, np.where(shares, buyer - 1, buyer))
    phone = np.where(shares & (buyer % 24 == 5), buyer - 1, buyer)
    rarely = np.where(lot % 50 < NO_PHONE, 1 + lot % 50, 0)
    return home, phone, np.where(draft.spelling > 0, lot % (NO_PHONE + 1), rarely)


def _spelled(draft: Draft) -> pl.Series:
    """The given name, with a letter wrong where it is spelt so."""
    given = _picked(GIVEN, draft.buyer % len(GIVEN))
    wrong = [given.str.slice(0, 2) + given.str.slice(3), given + "e", given.str.slice(0, 1) + "."]
    for place, spelt in enumerate(wrong, start=1):
        given = spelt.zip_with(pl.Series(draft.spelling == place), given)
    return given


def _goods(draft: Draft, world: World, *, is_true: bool) -> tuple[dict[str, pl.Series], dict[str, pl.Series]]:
    head, listing = draft.head, draft.listing
    place = np.arange(len(head)) - np.searchsorted(head, head)
    product, model = world.listing_product[listing], world.listing_model[listing]
    origin = world.listing_origin[listing] if is_true else draft.origin
    cents = draft.true_cents if is_true else draft.cents
    country, category = draft.country[head], draft.category[head]
    own = _text(_picked([one.words for one in PRODUCTS], product), " model ", pl.Series(model + 1))
    words = _picked(PROHIBITED, np.maximum(draft.words, 0)).zip_with(pl.Series(draft.words >= 0), own)
    mass = pl.Series(draft.mass_g * _MICRO_A_GRAM)
    procedures = pl.Series([["C07"], ["C07", "F48"], []]).gather(pl.Series(country))
    items = {
        "row": pl.Series(head), "item": pl.Series(place), "sequence": pl.Series(place + 1), "description": words,
        "hs_code": _codes(product, np.zeros_like(draft.code) if is_true else draft.code),
        "origin_country": _picked(ORIGINS, origin),
        "price_micro": pl.Series(cents * _MICRO_A_CENT), "price_currency": _picked(CURRENCIES, country),
        "gross_mass_micro": mass, "net_mass_micro": mass, "quantity_micro": pl.Series(draft.quantity * 1_000_000),
        "quantity_unit": _same("NAR", len(head)), "procedure": _same("40", len(head)),
        "previous_procedure": _same("00", len(head)),
        "additional_procedures": procedures.zip_with(
            pl.Series(category != RETURN), pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, len(head))
        ),
    }  # fmt: skip
    has_gtin = world.listing_has_gtin[listing]
    scheme = _picked(("SKU", "GTIN"), has_gtin.astype(np.int64))
    gtin, sku = _text("77", pl.Series(product * MODELS + model + 10_000)), _text("EX-", pl.Series(listing))
    codes = {
        "row": pl.Series(head), "item": pl.Series(place), "position": pl.Series(np.zeros(len(head), np.int64)),
        "scheme": scheme, "code": gtin.zip_with(pl.Series(has_gtin), sku),
    }  # fmt: skip
    return items, codes


def _codes(product: Ints, code: Ints) -> pl.Series:
    usual = [one.code for one in PRODUCTS]
    cheaper = [one.cheaper_code or one.code for one in PRODUCTS]
    near = [usual[(place + 1) % len(usual)] for place in range(len(usual))]
    found = _picked(usual, product).zip_with(pl.Series(code != CHEAPER), _picked(cheaper, product))
    return found.zip_with(pl.Series(code <= CHEAPER), _picked(near, product))


def _schemes(draft: Draft) -> dict[str, pl.Series]:
    """In France the number of the import scheme: the platform's, or that of the seller's own shop."""
    heads = np.flatnonzero((draft.country == FR) & (draft.category != GIFT))
    if not len(heads):
        return {}
    own = np.where(draft.scheme_of[heads] < OWN_SHOP, draft.scheme_of[heads], 100 + draft.seller[heads])
    return {
        "row": pl.Series(heads), "position": pl.Series(np.zeros(len(heads), np.int64)),
        "role": _same("FR5", len(heads)),
        "id": _text("IM276", pl.Series(own + 1).cast(pl.String).str.zfill(7)),
    }  # fmt: skip
