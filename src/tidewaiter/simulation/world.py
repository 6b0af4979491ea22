"""The sellers, listings and buyers of a made-up world, and who of them is up to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tidewaiter.simulation.catalogue import MODELS, ORIGINS, PLATFORMS, PRODUCTS

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

COUNTRIES = ("GB", "FR", "ZZ")
SHARES = (0.5, 0.38, 0.12)
"""The part of buyers that live in each country."""
RATES = (0.86, 1.0, 1.5)
"""What a euro of the catalogue is in the currency of each country."""
THRESHOLDS = (135.0, 150.0, 200.0)
"""Below which sales are let in simply, in that currency: what the planted sellers believe. The corridor has its law."""
HONEST = "honest"
BY_SELLER = {
    "undervaluation": 0.012, "just_below": 0.006, "misdescription": 0.005, "false_origin": 0.005, "prohibited": 0.003,
    "borrowed_scheme": 0.005, "sale_as_gift": 0.006,
}  # fmt: skip
"""Schemes of single sellers, and about which part of all parcels their sellers send."""
SCHEMES = (*BY_SELLER, "splitting", "document_mismatch", "identity_reuse", "ghost_seller")
OWN_SHOP = len(PLATFORMS)
"""The place after the platforms: a shop of the seller's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Columns of sellers, of listings (what a seller sells) and of buyers; `role` is the scheme of a seller's, by its
    name, with the sellers' numbers. `seller_from` is the week in which a seller begins."""

    seller_platform: Ints
    seller_from: Ints
    seller_weight: Floats
    seller_phone: Ints
    listing_seller: Ints
    listing_product: Ints
    listing_model: Ints
    listing_price: Floats
    listing_mass_g: Floats
    listing_origin: Ints
    listing_has_gtin: npt.NDArray[np.bool_]
    buyer_country: Ints
    buyer_weight: Floats
    role: Mapping[str, Ints] = field(default_factory=dict)

    def listings_of(self, sellers: Ints) -> Ints:
        """The numbers of all listings of these sellers."""
        return np.flatnonzero(np.isin(self.listing_seller, sellers))


def build(
    rng: np.random.Generator, *, sellers: int = 900, buyers: int = 30_000, roles: Mapping[str, float] = BY_SELLER
) -> World:
    """A world of so many sellers and buyers, with sellers picked for the schemes until they send about their part."""
    weight = 1 / np.arange(6, sellers + 6, dtype=np.float64)
    weight = rng.permutation(weight / weight.sum())
    phone = np.arange(sellers)
    forwarded = rng.random(sellers) < 0.06  # honest ones that share the telephone of a forwarder
    phone[forwarded] = sellers + rng.integers(0, 12, int(forwarded.sum()))
    role = _roles(rng, weight, roles)
    count = rng.integers(2, 9, sellers)
    seller = np.repeat(np.arange(sellers), count)
    product = rng.integers(0, len(PRODUCTS), len(seller))
    _suit(rng, product, seller, role)
    model = rng.integers(0, MODELS, len(seller))
    of_model = np.exp(rng.normal(0, 0.22, (len(PRODUCTS), MODELS)))
    of_seller = np.exp(rng.normal(0, 0.12, sellers))
    usual = np.array([ORIGINS.index(one.origin) for one in PRODUCTS])
    elsewhere = rng.random((len(PRODUCTS), MODELS)) < 0.2
    origin = np.where(elsewhere, rng.integers(0, len(ORIGINS), elsewhere.shape), usual[:, None])
    price, mass = np.array([one.price for one in PRODUCTS]), np.array([one.mass_g for one in PRODUCTS], np.float64)
    platform = rng.choice(len(PLATFORMS) + 1, sellers, p=(0.33, 0.22, 0.14, 0.1, 0.07, 0.14))
    begins = np.where(rng.random(sellers) < 0.15, rng.integers(0, 14, sellers), 0)
    for name in ("just_below", "borrowed_scheme"):
        begins[role.get(name, np.zeros(0, np.int64))] = 0
    platform[role.get("borrowed_scheme", np.zeros(0, np.int64))] = OWN_SHOP
    return World(
        seller_platform=platform,
        seller_from=begins,
        seller_weight=weight,
        seller_phone=phone,
        listing_seller=seller,
        listing_product=product,
        listing_model=model,
        listing_price=price[product] * of_model[product, model] * of_seller[seller],
        listing_mass_g=mass[product] * np.exp(rng.normal(0, 0.08, len(seller))),
        listing_origin=origin[product, model],
        listing_has_gtin=rng.random(len(seller)) < 0.6,
        buyer_country=rng.choice(len(COUNTRIES), buyers, p=SHARES),
        buyer_weight=_scaled(rng.gamma(0.7, 1.0, buyers)),
        role=role,
    )


def _scaled(weight: Floats) -> Floats:
    part: Floats = weight / weight.sum()
    return part


def _roles(rng: np.random.Generator, weight: Floats, roles: Mapping[str, float]) -> dict[str, Ints]:
    """Sellers of no great size for each scheme, until together they send about the part asked for."""
    free = rng.permutation(np.flatnonzero(weight < np.quantile(weight, 0.97))).tolist()
    found: dict[str, Ints] = {}
    for name, part in roles.items():
        picked: list[int] = []
        while free and (not picked or weight[picked].sum() < part):
            picked.append(free.pop())
        found[name] = np.array(picked, np.int64)
    return found


def _suit(rng: np.random.Generator, product: Ints, seller: Ints, role: Mapping[str, Ints]) -> None:
    """Gives the sellers of some schemes the goods that these pay for: dear ones, or those with a cheaper code."""
    dear = np.flatnonzero([80 <= one.price <= 250 for one in PRODUCTS])
    taxed = np.flatnonzero([bool(one.cheaper_code) for one in PRODUCTS])
    for name, goods in (("just_below", dear), ("misdescription", taxed)):
        here = np.isin(seller, role.get(name, np.zeros(0, np.int64)))
        product[here] = rng.choice(goods, int(here.sum()))
