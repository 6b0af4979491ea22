"""Who and what is in each consignment of a batch, as keyed digests: what people, firms and goods are known again by."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from tidewaiter.model.batch import Batch
from tidewaiter.model.digests import digits, numbers, plain
from tidewaiter.model.exact import MISSING, known
from tidewaiter.model.rows import positions
from tidewaiter.risk.history.writing import address_form, name_form

Key = int | None
"""A keyed digest, as `model.digests.numbers` makes it; None where nothing is given."""
_DIGITS = 6
_PARTY = ("id", "name", "country", "phone", "email", "street", "postcode", "identity")


class Given(NamedTuple):
    """What a person may be known again by, the surest first; `named` is its name at its postcode (`name_form`)."""

    phone: Key
    email: Key
    named: Key
    address: Key


class Goods(NamedTuple):
    """What a goods item is known again by: its article (the number of the trade, or the seller's own with the seller)
    and its words, as keyed digests; and by what it is declared under, the first six digits of its code and its origin,
    both as numbers that no digest is taken for (`code_number`, `origin_number`)."""

    item: int
    article: Key
    words: Key
    code: Key
    origin: Key


class Told(NamedTuple):
    """What each consignment of a batch gives, a value a consignment.

    `person` are those things by which its consignee may be known again (`Given`). `name` is that of a consignee with an
    `identity`; of any other it is not asked. `goods` are its items, none where nobody looks at goods.
    """

    seller: list[Key]
    platform: list[Key]
    seller_place: list[Key]
    person: list[Given]
    name: list[Key]
    identity: list[Key]
    scheme: list[Key]
    goods: list[list[Goods]]

    def __len__(self) -> int:
        return len(self.seller)


def told(batch: Batch, key: bytes, *, has_goods: bool = True) -> Told:
    """What this batch gives, under the installation's own key for digests. Of its goods only where that is said."""
    rows, parties = batch.consignments["row"], batch.parties
    at = positions(parties["row"], rows).to_numpy()
    is_whole = known(parties["item"]) == MISSING
    roles = batch.apart("parties", "role")
    texts = [parties[name].to_list() for name in _PARTY]

    def firsts(*wanted: str) -> list[int]:
        """Of each consignment the place of the first party in the first of these roles that it has, -1 where none."""
        found = np.full(len(rows), -1, np.int64)
        for role in reversed(wanted):  # what is written last stays
            here = np.flatnonzero(is_whole & roles.one_of((role,)))[::-1]
            found[at[here]] = here
        return found.tolist()

    of_seller, of_place, of_platform, of_identity = (
        _each_once(_sealing(key, use)) for use in ("seller", "seller-place", "platform", "identity")
    )
    phone_of, email_of, named_of, address_of, name_of = (
        _sealing(key, use) for use in ("phone", "email", "named", "address", "name")
    )
    found = Told([], [], [], [], [], [], _schemes(batch, _each_once(_sealing(key, "scheme"))), [[] for _ in rows])
    people = [*zip(*texts, strict=True), (None,) * len(_PARTY)]  # the last is nobody, as place -1
    for seller, consignee, market in zip(
        firsts("seller", "consignor"), firsts("consignee", "buyer", "importer"), firsts("marketplace"), strict=True
    ):
        id, name, country, phone, email, street, postcode, _ = people[seller]
        found.seller.append(of_seller(id if id is not None else _both(name, country)))
        place = phone if phone is not None else email if email is not None else _both(street, postcode)
        found.seller_place.append(of_place(place))
        found.platform.append(of_platform(people[market][0]))
        id, name, country, phone, email, street, postcode, identity = people[consignee]
        named = address = None
        if postcode is not None:
            named = None if name is None else name_form(name, postcode)
            address = None if street is None else address_form(street, postcode)
        found.person.append(Given(phone_of(phone), email_of(email), named_of(named), address_of(address)))
        number = of_identity(identity)
        found.identity.append(number)
        found.name.append(None if number is None else name_of(name))
    if has_goods:
        _tell_goods(batch, key, found)
    return found


def code_number(code: str | None) -> Key:
    """The first six digits of a commodity code as a number; None where it has no six."""
    head = (code or "")[:_DIGITS]
    return int(head) if len(head) == _DIGITS and head.isdecimal() else None


def origin_number(country: str | None) -> Key:
    """A country as a number below nought, which no code is."""
    return None if country is None else -int.from_bytes(country.encode()[:7], "big")


def _tell_goods(batch: Batch, key: bytes, found: Told) -> None:
    # Of an item the first number of the trade, and only where it has none the first of its seller.
    numbers: dict[tuple[int, int], tuple[str, str]] = {}
    codes = batch.codes.select("row", "item", "scheme", "code").rows()
    for wanted in ("GTIN", "SKU"):
        for row, item, scheme, code in codes:
            if scheme == wanted:
                numbers.setdefault((row, item), (scheme, code))
    article_of, words_of = (_each_once(_sealing(key, use)) for use in ("article", "words"))
    code_of, origin_of = cache(code_number), cache(origin_number)
    items, rows = batch.items, batch.consignments["row"]
    places = positions(items["row"], rows).to_list()
    columns = (items[name].to_list() for name in ("row", "item", "hs_code", "origin_country", "description"))
    for place, row, item, code, origin, words in zip(places, *columns, strict=True):
        article = None
        if (number := numbers.get((row, item))) is not None:
            scheme, text = number
            seller = found.seller[place]
            if scheme == "GTIN":
                article = article_of(f"GTIN {text}")
            elif seller is not None:
                article = article_of(f"SKU {seller} {text}")
        found.goods[place].append(Goods(item, article, words_of(words), code_of(code), origin_of(origin)))


def _in_one_order(text: str) -> str:
    """The words of a description in one order: 'Mug, ceramic' and 'ceramic mug' are the same goods."""
    return " ".join(sorted({plain(word) for word in text.split()} - {""}))


_FORMS: dict[str, Callable[[str], str]] = {
    "seller": plain, "seller-place": plain, "platform": plain, "scheme": plain, "identity": plain, "name": plain,
    "named": str, "address": str, "phone": digits, "email": str.casefold, "article": str, "words": _in_one_order,
}  # fmt: skip
Seal = Callable[[str | None], Key]


def _sealing(key: bytes, use: str) -> Seal:
    """What makes the digests of texts for one use; None where there is no text, or nothing of it is left."""
    form, number = _FORMS[use], numbers(key, use)

    def seal(text: str | None) -> Key:
        formed = form(text) if text is not None else ""
        return number(formed) if formed else None

    return seal


def _each_once(seal: Seal) -> Seal:
    """The same for texts of which many are the same."""
    made: dict[str | None, Key] = {None: None}

    def kept(text: str | None) -> Key:
        return made[text] if text in made else made.setdefault(text, seal(text))

    return kept


def _both(one: str | None, other: str | None) -> str | None:
    return None if one is None or other is None else f"{one} {other}"


def _schemes(batch: Batch, seal: Seal) -> list[Key]:
    """The first number of an import scheme (fiscal reference FR5) that stands at the head of each."""
    found: list[Key] = [None] * len(batch)
    references = batch.fiscal_references
    if not len(references):
        return found
    is_scheme = batch.apart("fiscal_references", "role").one_of(("FR5",)) & (known(references["item"]) == MISSING)
    at, ids = positions(references["row"], batch.consignments["row"]).to_numpy(), references["id"].to_list()
    for place in np.flatnonzero(is_scheme)[::-1].tolist():
        found[at[place]] = seal(ids[place])
    return found
