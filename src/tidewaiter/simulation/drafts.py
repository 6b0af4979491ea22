"""Parcels as plain numbers, before they are consignments: an honest week, with the noise of honest trade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidewaiter.simulation.world import RATES, Floats, Ints, World

HOUR_MS = 3_600_000
WEEK_MS = 168 * HOUR_MS
SALE_WEEKS = (4, 9)
"""Weeks, counted from nought, in which many sellers cut their prices."""


OF_HEADS = (
    "at_ms", "country", "seller", "alias", "buyer", "spelling", "identity", "platform", "scheme_of", "category",
    "scheme", "case",
)  # fmt: skip
OF_ITEMS = ("listing", "origin", "code", "words", "quantity", "mass_g", "cents", "true_cents")
SALE, RETURN, GIFT = range(3)
USUAL, CHEAPER = 0, 1
"""Which code of the product is declared; 2 and above: a code near it, chosen by mistake."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """Columns of consignments and, from `head` on, of their items; `true_…` are what an honest sender would declare.

    `at_ms` counts from the first hour of the world; `alias` is a made-up seller's number (-1: the seller's own),
    `spelling` says how the buyer's name is written (0: rightly), `identity` whose identity number is given,
    `scheme_of` the platform whose scheme number is given, `scheme` what is planted (0: nothing), `case` which of them
    are one purchase (0: each its own); `words` is the place of what may not come in (-1: the listing's own words).
    """

    at_ms: Ints
    country: Ints
    seller: Ints
    alias: Ints
    buyer: Ints
    spelling: Ints
    identity: Ints
    platform: Ints
    scheme_of: Ints
    category: Ints
    scheme: Ints
    case: Ints
    head: Ints
    listing: Ints
    origin: Ints
    code: Ints
    words: Ints
    quantity: Ints
    mass_g: Ints
    cents: Ints
    true_cents: Ints

    def __len__(self) -> int:
        return len(self.at_ms)

    def taken(self, places: Ints) -> Draft:
        """These consignments with their items, in this order; a place may be taken several times."""
        sizes = np.bincount(self.head, minlength=len(self))
        begin = np.cumsum(sizes) - sizes
        size = sizes[places]
        head = np.repeat(np.arange(len(places)), size)
        item = np.repeat(begin[places], size) + np.arange(len(head)) - np.repeat(np.cumsum(size) - size, size)
        heads = {name: getattr(self, name)[places] for name in OF_HEADS}
        return Draft(**heads, **{name: getattr(self, name)[item] for name in OF_ITEMS}, head=head)

    def and_also(self, other: Draft) -> Draft:
        """Both, in the order of time."""
        names = (*OF_HEADS, *OF_ITEMS)
        both = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names}
        whole = Draft(**both, head=np.concatenate([self.head, other.head + len(self)]))
        return whole.taken(np.argsort(whole.at_ms, kind="stable"))

    def whole(self) -> tuple[Draft, Ints]:
        """The same with all parcels of a case in one, and for each of these parcels its place there."""
        group = np.where(self.case == 0, np.arange(len(self)), len(self) + self.case)
        _, first, place = np.unique(group, return_index=True, return_inverse=True)
        order = np.argsort(place[self.head], kind="stable")
        heads = {name: getattr(self, name)[first] for name in OF_HEADS}
        items = {name: getattr(self, name)[order] for name in OF_ITEMS}
        return Draft(**heads, **items, head=place[self.head][order]), place

    def totals(self) -> Floats:
        """The price of each consignment in whole units of its currency."""
        return np.bincount(self.head, weights=self.cents, minlength=len(self)) / 100


def honest_week(rng: np.random.Generator, world: World, week: int, parcels: int) -> Draft:
    """So many honest parcels of one week: discounts, sales, returns, typing errors, orders sent in two parcels."""
    weight = world.seller_weight * (world.seller_from <= week)
    seller = rng.choice(len(weight), parcels, p=weight / weight.sum())
    buyer = rng.choice(len(world.buyer_weight), parcels, p=world.buyer_weight)
    at = np.sort(rng.integers(0, WEEK_MS, parcels)) + week * WEEK_MS
    again = np.flatnonzero(rng.random(parcels) < 0.015)  # the rest of an order follows within two days
    again = again[again > 0]
    seller[again], buyer[again] = seller[again - 1], buyer[again - 1]
    draft = drafted(rng, world, seller, buyer, at)
    discounted = rng.random(parcels) < (0.3 if week in SALE_WEEKS else 0.1)
    factor = np.where(discounted, rng.uniform(0.5, 0.9, parcels), 1.0)
    draft.cents = np.maximum(1, (draft.cents * factor[draft.head]).astype(np.int64))
    draft.true_cents = draft.cents.copy()
    draft.category[rng.random(parcels) < 0.01] = RETURN
    mistaken = rng.random(len(draft.head)) < 0.008
    draft.code[mistaken] = 2 + rng.integers(0, 2, int(mistaken.sum()))
    return draft


def drafted(rng: np.random.Generator, world: World, seller: Ints, buyer: Ints, at_ms: Ints) -> Draft:
    """Parcels from these sellers to these buyers, each of one or two of the seller's listings."""
    size = len(seller)
    head = np.repeat(np.arange(size), 1 + (rng.random(size) < 0.14))
    first = np.searchsorted(world.listing_seller, np.arange(len(world.seller_weight)))
    count = np.bincount(world.listing_seller, minlength=len(world.seller_weight))
    of = seller[head]
    listing = first[of] + (rng.random(len(head)) * count[of]).astype(np.int64)
    quantity = 1 + (rng.random(len(head)) < 0.18) + (rng.random(len(head)) < 0.05)
    country = world.buyer_country[buyer]
    price = world.listing_price[listing] * np.array(RATES)[country][head] * np.exp(rng.normal(0, 0.04, len(head)))
    cents = np.maximum(50, price * quantity * 100).astype(np.int64)
    mass = world.listing_mass_g[listing] * quantity * np.exp(rng.normal(0, 0.04, len(head)))
    platform = world.seller_platform[seller]
    return Draft(
        at_ms=at_ms,
        country=country,
        seller=seller,
        alias=np.full(size, -1),
        buyer=buyer,
        spelling=np.where(rng.random(size) < 0.03, rng.integers(1, 4, size), 0),
        identity=buyer.copy(),
        platform=platform,
        scheme_of=platform.copy(),
        category=np.full(size, SALE),
        scheme=np.zeros(size, np.int64),
        case=np.zeros(size, np.int64),
        head=head,
        listing=listing,
        origin=world.listing_origin[listing].copy(),
        code=np.full(len(head), USUAL),
        words=np.full(len(head), -1),
        quantity=quantity.astype(np.int64),
        mass_g=np.maximum(5, mass).astype(np.int64),
        cents=cents,
        true_cents=cents.copy(),
    )
