"""The conditions of regimes in words, with the limits that law sets: as they stand where they hold, and where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tidewaiter.law.rules import Conditions
from tidewaiter.model.money import from_micro

SCHEME = "FR5"
"""The role of a number under which the seller answers for the tax (Delegated Regulation (EU) 2015/2446, annex B)."""


class Words(NamedTuple):
    """A condition where it holds, and where it does not: both are parts of a sentence."""

    holds: str
    fails: str


def in_words(name: str, when: Conditions) -> Words:
    """A condition, by the name that `regimes.unmet` gives it. Raises KeyError for a name that is none."""
    condition, _, of = name.partition(":")
    return _TABLE[condition](when, of)


def names(when: Conditions) -> list[str]:
    """The names of all conditions that are set, in the order of the table."""
    found: list[str] = []
    for name in _TABLE:
        value = getattr(when, name)
        if name in ("goods_not", "goods_only"):
            found += [f"{name}:{goods}" for goods in value]
        elif value not in ((), "", None):
            found.append(name)
    return found


KINDS = {"natural": "a private person", "legal": "a business", "association": "an association"}
CONTENTS = {
    "sale": "a sale", "gift": "a gift", "sample": "a sample", "documents": "documents", "return": "a return",
    "other": "something else",
}  # fmt: skip
CHANNELS = {"post": "post", "express": "express", "other": "another way"}
PROCEDURES = {
    "40": "release for free circulation (40)", "42": "free circulation with onward supply (42)",
    "51": "inward processing (51)", "53": "temporary admission (53)", "61": "re-import (61)", "71": "warehousing (71)",
}  # fmt: skip
CLAIMS = {
    "C07": "C07 (goods of low value)", "C08": "C08 (gift from one private person to another)",
    "F01": "F01 (returned goods)", "F48": "F48 (tax charged at the sale)", "F49": "F49 (tax collected by the carrier)",
}  # fmt: skip


def claim(code: str) -> str:
    """An additional procedure as people know it."""
    return CLAIMS.get(code, code)


def _either(codes: Sequence[str], words: dict[str, str] | None = None) -> str:
    told = [(words or {}).get(code, code) for code in codes]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} or {told[-1]}"


def _amount(micro: int | None, when: Conditions) -> str:
    return f"{from_micro(micro or 0)} {when.currency}"


_WORTH = {
    ("goods", "consignment"): "the goods are worth",
    ("goods", "item"): "the dearest article is worth",
    ("goods+carriage", "consignment"): "the goods with their carriage are worth",
    ("goods+carriage", "item"): "the dearest article with its carriage is worth",
    ("customs_value", "consignment"): "the customs value is",
    ("customs_value", "item"): "the customs value of the dearest article is",
}


def _worth(when: Conditions) -> str:
    return _WORTH[when.value_basis, when.value_per]


def _value_max(when: Conditions, _of: str) -> Words:
    limit = _amount(when.value_max, when)
    return Words(f"{_worth(when)} {limit} or less", f"{_worth(when)} more than {limit}")


def _value_over(when: Conditions, _of: str) -> Words:
    limit = _amount(when.value_over, when)
    return Words(f"{_worth(when)} more than {limit}", f"{_worth(when)} {limit} or less")


def _by_person(limit: int | None, when: Conditions, span: str) -> Words:
    what = f"with what the buyer imported before in that {span}, {_worth(when)}"
    return Words(f"{what} {_amount(limit, when)} or less", f"{what} more than {_amount(limit, when)}")


def _scheme(when: Conditions, _of: str) -> Words:
    if when.scheme == "none":
        return Words("no scheme number is given", "a scheme number is given")
    role = "seller" if when.scheme == SCHEME else "person answering for the tax"
    holds = f"the {role} is registered in the import scheme (one-stop shop) and gives its number ({when.scheme})"
    return Words(holds, f"no scheme number ({when.scheme}) is given")


def _person(who: str, kind: str) -> Words:
    return Words(f"the {who} is {KINDS[kind]}", f"the {who} is not stated to be {KINDS[kind]}")


def _place(name: str) -> str:
    return f"the {', '.join(part.replace('-', ' ') for part in name.split('/'))}"


def _delivered(when: Conditions, _of: str) -> Words:
    place = _place(when.delivered_to)
    return Words(f"it is delivered to {place}", f"it is not delivered to {place}")


def _not_delivered(when: Conditions, _of: str) -> Words:
    place = _place(when.not_delivered_to)
    return Words(f"it is not delivered to {place}", f"it is delivered to {place}")


def _sent_from(when: Conditions, _of: str) -> Words:
    where = _either(when.export_country)
    return Words(f"it is sent from {where}", f"it is not sent from {where}")


def _not_sent_from(when: Conditions, _of: str) -> Words:
    where = _either(when.not_export_country)
    return Words(f"it is not sent from {where}", f"it is sent from {where}")


def _claimed(when: Conditions, _of: str) -> Words:
    claims = _either(when.additional_procedure, CLAIMS)
    return Words(f"the declaration claims {claims}", f"the declaration does not claim {claims}")


def _not_claimed(when: Conditions, _of: str) -> Words:
    claims = _either(when.not_additional_procedure, CLAIMS)
    return Words(f"the declaration does not claim {claims}", f"the declaration claims {claims}")


def _goods_not(_when: Conditions, name: str) -> Words:
    return Words(f"none of the goods are {_listed(name)}", f"some of the goods are {_listed(name)}")


def _goods_only(_when: Conditions, name: str) -> Words:
    return Words(f"all the goods are {_listed(name)}", f"not all the goods are {_listed(name)}")


def _listed(name: str) -> str:
    return f"on law's list “{name.replace('-', ' ')}”"


_TABLE: dict[str, Callable[[Conditions, str], Words]] = {
    "direction": lambda when, _: Words(f"it is an {_either(when.direction)}", f"it is no {_either(when.direction)}"),
    "category": lambda when, _: Words(
        f"it is {_either(when.category, CONTENTS)}", f"it is not declared as {_either(when.category, CONTENTS)}"
    ),
    "channel": lambda when, _: Words(
        f"it goes by {_either(when.channel, CHANNELS)}", f"it does not go by {_either(when.channel, CHANNELS)}"
    ),
    "export_country": _sent_from,
    "not_export_country": _not_sent_from,
    "origin": lambda when, _: Words(
        f"all the goods come from {_either(when.origin)}", f"not all the goods come from {_either(when.origin)}"
    ),
    "procedure": lambda when, _: Words(
        f"the procedure is {_either(when.procedure, PROCEDURES)}",
        f"the procedure is not {_either(when.procedure, PROCEDURES)}",
    ),
    "additional_procedure": _claimed,
    "not_additional_procedure": _not_claimed,
    "scheme": _scheme,
    "sender": lambda when, _: _person("sender", when.sender),
    "receiver": lambda when, _: _person("receiver", when.receiver),
    "delivered_to": _delivered,
    "not_delivered_to": _not_delivered,
    "value_max": _value_max,
    "value_over": _value_over,
    "person_day_max": lambda when, _: _by_person(when.person_day_max, when, "day"),
    "person_year_max": lambda when, _: _by_person(when.person_year_max, when, "year"),
    "goods_not": _goods_not,
    "goods_only": _goods_only,
}
"""From the name of a condition to its words."""

LIMITS = frozenset({"value_max", "value_over", "person_day_max", "person_year_max"})
"""Conditions that look at the value: where it is not known, they do not hold."""
