"""What the table cannot say: values in several elements, and elements that mean other things at export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from tidewaiter.formats.mapped import exact
from tidewaiter.formats.mapped_writing import node
from tidewaiter.formats.tree import Node
from tidewaiter.formats.values import Unfit

_EXPORT = "E"
_AT_EXPORT = {
    "Departure_arrival_information": "Departure_information",
    "Inland_mode_of_transport": "Inland_mode_at_departure",
    "Border_office": "Border_office_of_exit",
}
"""Elements that speak of the other end of the journey at export, and the names that the table then has for them."""
_AT_IMPORT = {name: told for told, name in _AT_EXPORT.items()}
_HOUSE = "HSB"
Change = Callable[[Node], Node]


def declaration(root: Node) -> Node:
    """A declaration as the table has it."""
    flow = find(root, "Property", "Sad_flow")
    if flow is not None and flow.text == _EXPORT:
        root = _renamed(root, _AT_EXPORT)
    currency = find(root, "Valuation", "Gs_Invoice", "Currency_code")
    made = [_part(one, currency.text if currency else "") for one in root.children]
    declarant = find(root, "Declarant")
    reference = find(declarant, "Reference") if declarant is not None else None
    if reference is not None:
        made.append(msgspec.structs.replace(reference, name="Declarant_reference"))
    return msgspec.structs.replace(root, children=made)


def _part(one: Node, currency: str) -> Node:
    if one.name == "Declarant":
        return _with(one, [child for child in one.children if child.name != "Reference"])
    if one.name == "Identification":
        types = ("Type_of_declaration", "Declaration_gen_procedure_code")
        changed = _inside(one, "Type", lambda part: _joined(part, types, "Whole_type"))
        return _inside(changed, "Registration", lambda part: _joined(part, ("Serial_number", "Number"), "Whole_number"))
    if one.name == "Financial":
        return _inside(one, "Financial_transaction", lambda part: _joined(part, ("code1", "code2"), "Whole_code"))
    return _item(one, currency) if one.name == "Item" else one


def _item(item: Node, currency: str) -> Node:
    """An item with its procedure in two, and its price with the currency of the invoice where it has none itself."""
    invoice = find(item, "Valuation_item", "Item_Invoice", "Amount_foreign_currency")
    own = find(item, "Valuation_item", "Item_Invoice", "Currency_code")
    told = own.text if own is not None and own.text else currency

    def tarification(part: Node) -> Node:
        children: list[Node] = []
        for one in part.children:
            if one.name == "Extended_customs_procedure" and len(one.text) in (2, 4):
                halves = (("Procedure", one.text[:2]), ("Previous_procedure", one.text[2:]))
                children += [msgspec.structs.replace(one, name=name, text=text) for name, text in halves if text]
            elif one.name == "Item_price" and one.text:
                is_same = invoice is not None and _number(invoice) == _number(one)
                if not is_same:
                    children.append(msgspec.structs.replace(one, attributes={**one.attributes, "currency": told}))
            else:
                children.append(one)
        return _with(part, children)

    return _inside(item, "Tarification", tarification)


def _number(one: Node) -> Decimal | None:
    try:
        return exact(one.text)
    except Unfit:
        return None


def bills(root: Node) -> Iterator[Node]:
    """A manifest once for each bill in it."""
    for bill in [one for one in root.children if one.name == "Bol_segment"]:
        own = _inside(bill, "Bol_id", _numbered)
        yield _with(
            root, [own if one is bill else one for one in root.children if one is bill or one.name != bill.name]
        )


def identification(root: Node) -> Iterator[Node]:
    """What says which bill this is, each element of it once: the segment itself, then what stands in it."""
    bill = find(root, "Bol_segment")
    for part in bill.children if bill is not None else ():
        if part.name == "Bol_id":
            yield part
            yield from part.children


def _numbered(part: Node) -> Node:
    """The number of a bill under the name that says whose it is."""
    type, master = find(part, "Bol_type_code"), find(part, "Master_bol_ref_number")
    is_house = (type is not None and type.text == _HOUSE) or (master is not None and bool(master.text))
    name = "House_reference" if is_house else "Master_reference"
    children = [
        msgspec.structs.replace(one, name=name) if one.name == "Bol_reference" else one for one in part.children
    ]
    return _with(part, children)


def undeclared(root: Node, *, is_export: bool) -> Node:
    """A declaration as the messages have it."""
    if is_export:
        root = _renamed(root, _AT_IMPORT)
    reference = find(root, "Declarant_reference")
    children = [_unpart(one) for one in root.children if one is not reference]
    if reference is not None:
        declarant = next((one for one in children if one.name == "Declarant"), None)
        if declarant is None:
            declarant = node("Declarant")
            children.insert(sum(one.name in ("Property", "Identification", "Traders") for one in children), declarant)
        declarant.children.append(msgspec.structs.replace(reference, name="Reference"))
    return _with(root, children)


def _unpart(one: Node) -> Node:
    if one.name == "Identification":
        one = _inside(one, "Type", lambda part: _split(
            part, "Whole_type", 2, ("Type_of_declaration", "Declaration_gen_procedure_code")))  # fmt: skip
        return _inside(one, "Registration", lambda part: _split(
            part, "Whole_number", 1, ("Serial_number", "Number")))  # fmt: skip
    if one.name == "Financial":
        return _inside(one, "Financial_transaction", lambda part: _split(part, "Whole_code", 1, ("code1", "code2")))
    if one.name == "Item":
        one = _inside(one, "Tarification", _whole_procedure)
        price = find(one, "Valuation_item", "Item_Invoice", "Amount_foreign_currency")
        return one if price is None else _priced(one, price.text)
    return one


def _priced(item: Node, price: str) -> Node:
    """The item with its price where a clerk looks for it too, box 42."""
    if find(item, "Tarification") is None:
        place = sum(one.name in ("Item_number", "Packages") for one in item.children)
        item.children.insert(place, node("Tarification"))

    def priced(part: Node) -> Node:
        place = sum(one.name != "Valuation_method_code" for one in part.children)
        return _with(part, [*part.children[:place], node("Item_price", price), *part.children[place:]])

    return _inside(item, "Tarification", priced)


def _whole_procedure(part: Node) -> Node:
    halves = [one.text for one in part.children if one.name in ("Procedure", "Previous_procedure")]
    children = [one for one in part.children if one.name not in ("Procedure", "Previous_procedure")]
    if halves:
        place = next(
            (n for n, one in enumerate(children) if one.name not in ("HScode", "Preference_code")), len(children)
        )
        children.insert(place, node("Extended_customs_procedure", "".join(halves)))
    return _with(part, children)


def unnumbered(bill: Node) -> None:
    """Put the number of a bill back as the messages have it, in place."""
    for part in [one for one in bill.children if one.name == "Bol_id"]:
        house, master, type = (find(part, name) for name in ("House_reference", "Master_reference", "Bol_type_code"))
        if master is not None and (house is not None or (type is not None and type.text == _HOUSE)):
            master.name = "Master_bol_ref_number"
            part.children.remove(master)
            places = [n for n, one in enumerate(part.children, start=1) if one.name in ("Bol_nature", "Bol_type_code")]
            part.children.insert(max([int(house is not None), *places]), master)
        for one in (house, master):
            if one is not None and one.name != "Master_bol_ref_number":
                one.name = "Bol_reference"


def find(one: Node, *path: str) -> Node | None:
    """The first element at this path."""
    found: Node | None = one
    for name in path:
        found = next((child for child in found.children if child.name == name), None) if found is not None else None
    return found


def _joined(part: Node, names: tuple[str, str], whole: str) -> Node:
    texts = [one for one in part.children if one.name in names and one.text]
    rest = [one for one in part.children if one not in texts]
    if not texts:
        return part
    return _with(part, [Node(whole, "", {}, texts[0].index, "".join(one.text for one in texts)), *rest])


def _split(part: Node, whole: str, length: int, names: tuple[str, str]) -> Node:
    children: list[Node] = []
    for one in part.children:
        if one.name == whole:
            halves = zip(names, (one.text[:length], one.text[length:]), strict=True)
            children += [node(name, text) for name, text in halves if text]
        else:
            children.append(one)
    return _with(part, children)


def _inside(one: Node, name: str, change: Change) -> Node:
    return _with(one, [change(child) if child.name == name else child for child in one.children])


def _renamed(one: Node, names: dict[str, str]) -> Node:
    children = [_renamed(child, names) for child in one.children]
    return msgspec.structs.replace(one, name=names.get(one.name, one.name), children=children)


def _with(one: Node, children: list[Node]) -> Node:
    return msgspec.structs.replace(one, children=children)
