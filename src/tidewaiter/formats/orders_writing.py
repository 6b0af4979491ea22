"""Writing an order as a marketplace would send it, by the table it is read with: for trying out an integration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

import msgspec

from tidewaiter.formats.csv.columns import KILOGRAMS
from tidewaiter.formats.orders import NAMED, Dialect, Field
from tidewaiter.model.consignment import Consignment, GoodsItem, Party
from tidewaiter.model.money import Money

WRITTEN = {"/category": {"sale": "merchandise", "return": "returned_goods"}}
_CENT = Decimal("0.01")
_DECIMALS_MAX = 6
_FINE = Decimal("0.000000001")


def write_orders(consignments: Sequence[Consignment], of: Dialect) -> bytes:
    """A JSON list of orders. What the marketplace's table has no place for is left out.

    A line price that is no multiple of the quantity is written as a unit price and a discount, where the marketplace
    states unit prices.
    """
    rows: dict[str, Field] = {}
    for row in of.fields:
        rows.setdefault(row.ours, row)
    orders = [{**of.always_said, **_order(one, rows)} for one in consignments]
    return msgspec.json.format(msgspec.json.encode(orders), indent=2) + b"\n"


def _order(consignment: Consignment, rows: dict[str, Field]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    currency = next((money.currency for money in _monies(consignment)), "") if "/currency" in rows else ""
    for ours, value in _said(consignment, rows, currency):
        place, _, number = ours.partition("#")
        row = rows.get(place)
        if row is not None and value is not None:
            _set(tree, row.theirs.split("/")[1:], int(number or 0), _written(value, row, currency))
    if consignment.items:
        _open_lines(tree, rows["/items/*/quantity"].theirs, len(consignment.items))
    return tree


def _open_lines(tree: Any, theirs: str, count: int) -> None:
    """Make so many lines, of which some may say nothing."""
    steps = theirs.split("/")[1:]
    inner = steps[: steps.index("*")]
    for step in inner[:-1]:
        tree = tree.setdefault(step, {})
    lines = tree.setdefault(inner[-1], [])
    lines.extend({} for _ in range(count - len(lines)))


def _monies(consignment: Consignment) -> Iterator[Money]:
    for money in (consignment.paid, consignment.freight, *(item.price for item in consignment.items)):
        if money is not None:
            yield money


def _said(consignment: Consignment, rows: dict[str, Field], currency: str) -> Iterator[tuple[str, Any]]:
    """Every value by the place of the table it goes to; those of a line with `#` and its number."""
    for name in ("reference", "order_id", "tracking_id", "category", "incoterm", "gross_mass", "paid", "tax_collected",
                 "freight"):  # fmt: skip
        yield f"/{name}", getattr(consignment, name)
    yield "/currency", currency or None
    for party in consignment.parties:
        for name in Party.__struct_fields__:
            yield f"/parties/{party.role}/{name}", getattr(party, name)
    for reference in consignment.fiscal_references:
        yield f"/fiscal_references/{reference.role}", reference.id
    if "/tax_collected" not in rows and consignment.items:
        yield "/items/*/line_tax", consignment.tax_collected  # stated by the line there; the first has it all
    given = Decimal(0)
    for number, item in enumerate(consignment.items):
        for place, value in _of_line(item, rows):
            if place.endswith("/line_discount") and value is not None:
                given += value.amount
            yield f"{place}#{number}", value
    if consignment.discount is not None:
        whole = consignment.discount.amount + given
        yield "/discount_in_all", Money(amount=whole, currency=consignment.discount.currency)


def _of_line(item: GoodsItem, rows: dict[str, Field]) -> Iterator[tuple[str, Any]]:
    for name in ("description", "hs_code", "origin_country", "quantity", "net_mass"):
        yield f"/items/*/{name}", getattr(item, name)
        if "/items/*/named" in rows and name in NAMED and getattr(item, name) is not None:
            called = "name" if rows["/items/*/named"].theirs.endswith("/properties/*") else "key"
            yield "/items/*/named", {called: name, "value": getattr(item, name)}
    for code in item.codes:
        yield f"/items/*/codes/{code.scheme}", code.code
    if item.price is not None and "/items/*/currency" in rows:
        yield "/items/*/currency", item.price.currency
    if item.gross_mass is not None and item.quantity:
        yield "/items/*/unit_mass", item.gross_mass / item.quantity
    if "/items/*/line_price" in rows:
        yield "/items/*/line_price", item.price
    elif item.price is not None and item.quantity:
        each = (item.price.amount / item.quantity).quantize(_least_price(item.quantity), ROUND_UP)
        yield "/items/*/unit_price", Money(amount=each, currency=item.price.currency)
        over = each * item.quantity - item.price.amount
        if over:
            yield "/items/*/line_discount", Money(amount=over, currency=item.price.currency)
    elif item.price is not None and item.quantity is not None and not item.price.amount:
        yield "/items/*/unit_price", item.price  # nothing for none of them


def _least_price(quantity: Decimal) -> Decimal:
    """The cent, or as much more as a price for one needs to be so that the whole has no more than six decimals."""
    decimals = -int(quantity.normalize().as_tuple().exponent)
    return max(_CENT, Decimal(1).scaleb(decimals - _DECIMALS_MAX))


def _written(value: Any, row: Field, currency: str) -> Any:
    if row.kind in KILOGRAMS:
        return _digits((value / KILOGRAMS[row.kind]).quantize(_FINE))
    if isinstance(value, Money):
        if value.currency == currency:
            return _digits(value.amount)
        if row.theirs[1:2].isupper():
            return {"CurrencyCode": value.currency, "Amount": _digits(value.amount)}
        return {"amount": _digits(value.amount), "currency_code": value.currency}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else _digits(value)
    return WRITTEN[row.ours].get(value, value) if row.ours in WRITTEN else value


def _digits(number: Decimal) -> str:
    return format(number, "f")


def _set(tree: Any, steps: Iterable[str], number: int, value: Any) -> None:
    """Put a value where the steps lead, making what is not there on the way. The first list is that of the lines."""
    *inner, last = steps
    into = tree
    for at, step in enumerate(inner):
        following = inner[at + 1] if at + 1 < len(inner) else last
        if step.startswith("*"):
            into = _entry(into, step, number, [] if following.startswith("*") else {})
            number = 0
        else:
            into = into.setdefault(step, [] if following.startswith("*") else {})
    if last == "*":
        into.append(value)
    else:
        into[last] = value


def _entry(entries: list[Any], step: str, number: int, fresh: Any) -> Any:
    if step == "*":
        while len(entries) <= number:
            entries.append(type(fresh)())
        return entries[number]
    key, _, value = step[1:].partition("=")
    entry = next((one for one in entries if one.get(key) == value), None)
    if entry is None:
        entry = {key: value}
        entries.append(entry)
    return entry
