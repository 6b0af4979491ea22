"""Conditions of business rules that compare the parts of a message with each other, by the name rules give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from tidewaiter.formats.ens.part import Part

TO_ORDER = "10600"
"""Special mention of goods whose bill of lading is to order: nobody is named as consignee yet."""
BULK = frozenset(("VQ", "VG", "VL", "VY", "VR", "VS", "VO"))
"""Kinds of packages that are goods in bulk (UNECE Recommendation 21)."""
_ROUNDING, _ROUNDING_A_MASS = Decimal("0.0001"), Decimal("1E-16")
"""What the rule grants for sums that are reckoned in binary fractions: once, and for each mass a part of the whole."""


def items_numbered(root: Part) -> bool:
    """The goods items are numbered from 1 in their order."""
    return all(int(item.texts["IteNumGDS7"]) == place for place, item in enumerate(_items(root), start=1))


def consignors_differ(root: Part) -> bool:
    """The consignors of the items are two or more, and not all the same.

    They differ where one has more elements than another, or an element says something else; but for the TIN,
    capitals and small letters count as the same.
    """
    consignors = [one for item in _items(root) for one in item.groups.get("TRACONCO2", ())]
    if len(consignors) < 2:
        return False
    if len({len(one.texts) for one in consignors}) > 1:
        return True
    said: dict[str, set[str]] = {}
    for one in consignors:
        for name, text in one.texts.items():
            said.setdefault(name, set()).add(text if name == "TINCO259" else text.casefold())
    return any(len(texts) > 1 for texts in said.values())


def items_to_order(part: Part) -> bool:
    """Every goods item has the special mention of goods to order."""
    return all(_is_to_order(item) for item in _items(part.root))


def packages_add_up(head: Part) -> bool:
    """The number of packages at the head is that of packages and pieces of the items, bulk goods counted as one."""
    total = 0
    for package in _packages(head.root):
        total += int(package.texts.get("NumOfPacGS24", 0)) + int(package.texts.get("NumOfPieGS25", 0))
        total += package.texts["KinOfPacGS23"] in BULK
    return int(head.texts["TotNumOfPacHEA306"]) == total


def mass_covers_items(head: Part) -> bool:
    """The gross mass of the whole is at least that of the items; not asked where one of them has a plus sign."""
    whole = head.texts["TotGroMasHEA307"]
    masses = [item.texts["GroMasGDS46"] for item in _items(head.root) if "GroMasGDS46" in item.texts]
    if "+" in whole or any("+" in mass for mass in masses):
        return True
    granted = Decimal(whole) * len(masses) * _ROUNDING_A_MASS + _ROUNDING
    return Decimal(whole) + granted >= sum(map(Decimal, masses), Decimal(0))


def marks_of_others(package: Part) -> bool:
    """Packages that are counted elsewhere have the same marks as these."""
    marks = package.texts.get("MarNumOfPacGSL21")
    return marks is not None and marks in _marks_counted(package.root)


def _marks_counted(root: Part) -> frozenset[str]:
    """The marks of packages of which there are some: worked out once, however many packages ask."""
    if "marks" not in root.known:
        root.known["marks"] = frozenset(
            one.texts["MarNumOfPacGSL21"]
            for one in _packages(root)
            if "MarNumOfPacGSL21" in one.texts and int(one.texts.get("NumOfPacGS24", 0)) > 0
        )
    return root.known["marks"]


def _items(root: Part) -> list[Part]:
    return root.groups.get("GOOITEGDS", [])


def _packages(root: Part) -> Iterator[Part]:
    for item in _items(root):
        yield from item.groups.get("PACGS2", ())


def _is_to_order(item: Part) -> bool:
    return any(mention.texts["AddInfCodMT23"] == TO_ORDER for mention in item.groups.get("SPEMENMT2", ()))


PREDICATES: Mapping[str, Callable[[Part], bool]] = {
    one.__name__: one
    for one in (
        items_numbered, consignors_differ, items_to_order, packages_add_up, mass_covers_items, marks_of_others,
    )
}  # fmt: skip
EVERY_TEXT = "*"
VISITED: Mapping[str, frozenset[str]] = {
    name: frozenset(visited.split())
    for name, visited in {
        "items_numbered": "GOOITEGDS IteNumGDS7",
        "consignors_differ": f"GOOITEGDS TRACONCO2 TINCO259 {EVERY_TEXT}",
        "items_to_order": "GOOITEGDS SPEMENMT2 AddInfCodMT23",
        "packages_add_up": "TotNumOfPacHEA306 GOOITEGDS PACGS2 NumOfPacGS24 NumOfPieGS25 KinOfPacGS23",
        "mass_covers_items": "TotGroMasHEA307 GOOITEGDS GroMasGDS46",
        "marks_of_others": "GOOITEGDS PACGS2 NumOfPacGS24 MarNumOfPacGSL21",
    }.items()
}
"""The groups that they go to, and the elements whose texts they look at."""
