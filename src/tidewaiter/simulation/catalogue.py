"""What is sold in the made-up world: products with what they cost, and the names of those who sell and send them.

Prices, masses and all names are made up; commodity codes are those of the Harmonized System.
"""

from __future__ import annotations

from typing import NamedTuple

ORIGINS = ("CN", "VN", "TR", "IN", "TH", "KR", "US", "BD")
PLATFORMS = ("Bazario", "Portolane", "Quayside Mall", "Lanternshop", "Tidemart")
"""Names of platforms; a seller may have a shop of its own instead."""
OFFICES = ("NORTHPORT", "EASTFIELD", "SOUTHQUAY")
GIVEN = (
    "Alda", "Boran", "Cyrell", "Dagny", "Elwin", "Fenna", "Gorin", "Hilde", "Ismar", "Jorun", "Kessa", "Lorin",
    "Mirel", "Nadja", "Orrin", "Pella", "Quirin", "Runa", "Sorel", "Tilde", "Ulvar", "Vesna", "Wendel", "Xenia",
    "Yorick", "Zelda",
)  # fmt: skip
FAMILY = (
    "Ashgrove", "Brookmere", "Coldwater", "Dunmarsh", "Eastholm", "Fairwick", "Greyfen", "Hartwell", "Ironmere",
    "Juniper", "Kestrel", "Larkfield", "Millgate", "Northam", "Oakhurst", "Pinecote", "Quarrie", "Ravensby",
    "Saltmarsh", "Thornley", "Underhay", "Vintner", "Westerby", "Yarrow",
)  # fmt: skip


class Product(NamedTuple):
    """Goods of one kind: words for them, the commodity code, where most come from, what a piece costs in euro and
    weighs in grams, and the code under which they would pay less duty (empty: none is tried)."""

    words: str
    code: str
    origin: str
    price: float
    mass_g: int
    cheaper_code: str = ""


PRODUCTS = (
    Product("cotton t-shirt printed", "61091000", "BD", 12, 180, "49019900"),
    Product("polyester sports shirt", "61099090", "CN", 18, 190, "49019900"),
    Product("wool pullover knitted", "61101130", "TR", 55, 420, "49019900"),
    Product("running shoes textile upper", "64041100", "VN", 62, 780, "95030069"),
    Product("canvas shoes rubber sole", "64041990", "CN", 28, 700, "95030069"),
    Product("rubber boots lined", "64021900", "CN", 34, 1100, "95030069"),
    Product("leather wallet for cards", "42023100", "IN", 24, 110),
    Product("leather handbag shoulder strap", "42022100", "IN", 120, 650, "95030069"),
    Product("travel backpack nylon", "42029291", "VN", 46, 900, "95030069"),
    Product("wooden puzzle for children", "95030061", "CN", 15, 520),
    Product("plastic building blocks set", "95030069", "CN", 32, 900),
    Product("remote control car toy", "95030069", "CN", 44, 800),
    Product("ceramic coffee mug handle", "69120081", "CN", 9, 360),
    Product("porcelain tea set", "69111000", "CN", 68, 2100, "49019900"),
    Product("wireless headphones charging case", "85183000", "CN", 49, 160),
    Product("bluetooth speaker portable", "85182200", "CN", 58, 620),
    Product("phone charger usb fast", "85044055", "CN", 14, 120),
    Product("smartphone unlocked dual sim", "85171300", "KR", 240, 310),
    Product("tablet computer touch screen", "84713000", "CN", 190, 620),
    Product("quartz wrist watch steel", "91021100", "CN", 75, 120),
    Product("automatic wrist watch leather", "91022100", "CN", 210, 140),
    Product("reading glasses plastic frame", "90049010", "CN", 11, 50),
    Product("sunglasses polarised", "90041091", "CN", 29, 60),
    Product("steel kitchen pan coated", "73239300", "CN", 31, 1300),
    Product("stainless steel screws assorted", "73181568", "CN", 16, 900),
    Product("yoga mat foam", "95069190", "CN", 22, 1100),
    Product("tennis racket carbon", "95065100", "CN", 130, 420, "95030061"),
    Product("paperback novel", "49019900", "US", 10, 320),
    Product("butter knife set steel", "82159900", "CN", 19, 400),
    Product("toy sword foam", "95030069", "CN", 12, 250),
    Product("led desk lamp", "94052140", "CN", 27, 700),
    Product("bed linen cotton set", "63022100", "IN", 48, 1500, "49019900"),
    Product("curtain polyester pair", "63039290", "CN", 36, 1400, "49019900"),
    Product("bicycle light rechargeable", "85121000", "CN", 21, 150),
)
MODELS = 6
"""Models of each product, each with a price of its own."""

PROHIBITED = (
    "throwing knife balanced", "folding machete outdoor", "dagger decorated handle", "tomato seeds heirloom",
    "strawberry seedlings", "credit card blade slim", "sprouting kit herbs", "katana display piece",
)  # fmt: skip
"""What may not come in, as its sellers call it. The last three are words that no profile of the house knows."""
