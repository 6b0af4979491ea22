"""The form of the quote page: what a person types, as a consignment, or what is wrong with it, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import get_args

import msgspec

from tidewaiter.formats.csv.kinds import AMBIGUOUS_NUMBER, Fault
from tidewaiter.formats.csv.numbers import number
from tidewaiter.law import Law
from tidewaiter.model.consignment import Category, Channel, Consignment, GoodsItem, PersonKind
from tidewaiter.model.money import Money
from tidewaiter.web.names import FORM

FIELDS = (
    "country", "on", "channel", "category", "sender", "receiver", "sent_from", "price", "currency", "carriage",
    "hs_code", "origin", "quantity", "net_mass",
)  # fmt: skip
"""Names in the address of the page, in the order of the form. None of them is of a person."""

REFERENCE = "quote"
CODE_DIGITS = range(4, 11)
_FIELD_MAX = 40


@dataclass(slots=True)
class Asked:
    """What was typed, and for each field that cannot be used what is wrong, by its key in `names.FORM`."""

    typed: Mapping[str, str]
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not any(self.typed.values())

    def number(self, name: str, *, needed: bool = False) -> Decimal | None:
        """The exact number in a field."""
        text = self.typed[name]
        if not text:
            if needed:
                self.wrong[name] = FORM["needed"]
            return None
        found = number(text, "")
        if isinstance(found, Fault):
            self.wrong[name] = FORM["doubtful" if found.kind is AMBIGUOUS_NUMBER else "number"]
            return None
        return found

    def day(self, name: str) -> date | None:
        """The day in a field."""
        try:
            return msgspec.convert(self.typed[name], date, strict=False)
        except msgspec.ValidationError:
            self.wrong[name] = FORM["day"]
            return None

    def choice(self, name: str, among: tuple[str, ...]) -> str | None:
        """One of a list; None where it is none of them, or nothing was chosen."""
        return self.typed[name] if self.typed[name] in among else None


def asked_in(query: Mapping[str, str]) -> Asked:
    """What the address of the page holds."""
    return Asked({name: query.get(name, "").strip()[:_FIELD_MAX] for name in FIELDS})


def places_of(law: Law) -> dict[str, str]:
    """The countries whose law is known, by code, with their English names."""
    return {code: place.name for place in law.jurisdictions.values() if (code := place.code)}


def consignment_of(asked: Asked, law: Law) -> Consignment | None:
    """The consignment that was described; None where something in it cannot be used, which `asked.wrong` then says."""
    country = asked.choice("country", tuple(law.known))
    if country is None:
        asked.wrong["country"] = FORM["country"]
    on = asked.day("on")
    price = asked.number("price", needed=True)
    carriage, quantity, net_mass = (asked.number(name) for name in ("carriage", "quantity", "net_mass"))
    currency = asked.typed["currency"].upper()
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
        asked.wrong["currency"] = FORM["currency"]
    code = asked.typed["hs_code"].replace(" ", "").replace(".", "")
    if code and (not (code.isascii() and code.isdecimal()) or len(code) not in CODE_DIGITS):
        asked.wrong["hs_code"] = FORM["code"]
    if asked.wrong or country is None or price is None:
        return None
    kinds: tuple[str, ...] = get_args(PersonKind)
    sender, receiver = asked.choice("sender", kinds), asked.choice("receiver", kinds)
    origin, sent_from = _country(asked.typed["origin"]), _country(asked.typed["sent_from"])
    return msgspec.convert(
        {
            "reference": REFERENCE,
            "jurisdiction": country,
            "accepted_on": on,
            "channel": asked.choice("channel", get_args(Channel)),
            "category": asked.choice("category", get_args(Category)),
            "export_country": sent_from,
            "destination_country": country,
            "parties": (
                {"role": "consignor", "kind": sender, "country": sent_from},
                {"role": "consignee", "kind": receiver, "country": country},
            ),
            "freight": Money(carriage, currency) if carriage else None,
            "items": (
                GoodsItem(
                    sequence=1,
                    hs_code=code[:8] or None,
                    taric_code=code[8:] or None,
                    origin_country=origin,
                    price=Money(price, currency),
                    quantity=quantity,
                    net_mass=net_mass,
                ),
            ),
        },
        Consignment,
        from_attributes=True,
    )


def _country(text: str) -> str | None:
    code = text.upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None
