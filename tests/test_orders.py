"""Orders of marketplaces: what is charged for what, in which unit, with which tax, and what has no place here."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter import formats
from tidewaiter.formats import FORMATS
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.model.answer import Answer
from tidewaiter.model.consignment import Classification, Consignment, GoodsItem, Party, Role
from tidewaiter.model.money import Money

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
CORPUS = SHARED / "messages" / "marketplace"
MARKETPLACES = ("amazon", "easypost", "shopify", "woocommerce")


def read(name: str, tree: Any, **how: Any) -> Reading:
    return FORMATS[name].read(json.dumps(tree, ensure_ascii=False).encode(), **how)


def one(reading: Reading) -> Declared:
    [declared] = reading.declared
    return declared


def faults(reading: Reading) -> list[tuple[str, str, str]]:
    """Code, our pointer and theirs of everything found."""
    found = [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]
    return [(finding.code, finding.pointer, finding.source_pointer) for finding in found]


def shopify(**other: Any) -> dict[str, Any]:
    """An order of one line, two pieces at 10.00 EUR, to France; whatever is given stands instead or besides."""
    line = {"name": "Bowl", "quantity": 2, "price": "10.00", "grams": 150} | other.pop("line", {})
    address = {"name": "Pat Example", "country_code": "FR"}
    return {"id": 7, "currency": "EUR", "shipping_address": address, "line_items": [line]} | other


@pytest.mark.parametrize(("quantity", "grams"), [(0, 150), (2, "0.0000001")])
def test_what_weighs_nothing_has_no_weight(quantity: int, grams: object) -> None:
    reading = read("shopify", shopify(line={"quantity": quantity, "grams": grams}))

    assert one(reading).consignment.items[0].gross_mass is None
    assert "/line_items/0/grams" in reading.dropped


@pytest.mark.parametrize("name", MARKETPLACES)
def test_a_line_of_which_nothing_is_said_is_a_line_all_the_same(name: str) -> None:
    sent = make.consignment(items=(GoodsItem(description="Bowl", quantity=Decimal(1)), GoodsItem()))
    [told] = FORMATS[name].read(FORMATS[name].write([sent])).declared

    assert [item.description for item in told.consignment.items] == ["Bowl", None]


def amazon(**other: Any) -> dict[str, Any]:
    """An order of one line at 10.00 EUR with 2.00 EUR of tax."""
    line = {"Title": "Bowl", "QuantityOrdered": 2, "ItemPrice": euros("10.00"), "ItemTax": euros("2.00")}
    address = {"Name": "Pat Example", "CountryCode": "FR"}
    order = {"AmazonOrderId": "900-1", "ShippingAddress": address, "OrderItems": [line | other.pop("line", {})]}
    return order | other


def euros(amount: str) -> dict[str, str]:
    return {"CurrencyCode": "EUR", "Amount": amount}


def easypost(**item: Any) -> dict[str, Any]:
    article = {"description": "Bowl", "quantity": 2, "value": "10.00", "currency": "USD", "weight": 1} | item
    return {"id": "shp_1", "to_address": {"country": "DE"}, "customs_info": {"customs_items": [article]}}


# --- what is written is read again ------------------------------------------------------------------------------

_name = strategies.texts()
_address: dict[str, st.SearchStrategy[Any]] = {
    "name": _name, "street": _name, "city": _name, "region": _name, "postcode": strategies.texts(12),
    "country": st.sampled_from(strategies.COUNTRIES), "phone": _name,
}  # fmt: skip
_money = st.builds(Money, amount=strategies.decimals(), currency=st.just("EUR"))


def party(role: Role, **required: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    optional = {name: values for name, values in _address.items() if name not in required}

    def made(fields: dict[str, Any]) -> Party:
        return Party(role=role, **fields)

    return st.fixed_dictionaries(required, optional=optional).map(made)


def items(name: str) -> st.SearchStrategy[GoodsItem]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "description": _name,
        "codes": _name.map(lambda code: (Classification(scheme="SKU", code=code),)),
    }
    if name == "easypost":
        optional |= {"hs_code": st.text("0123456789", min_size=1, max_size=10), "origin_country": st.just("CN"),
                     "net_mass": strategies.decimals().filter(bool)}  # fmt: skip
    if name == "shopify":
        optional |= {"gross_mass": strategies.decimals().filter(bool)}
    required: dict[str, st.SearchStrategy[Any]] = {"quantity": st.integers(1, 40).map(Decimal), "price": _money}
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: GoodsItem(**fields))


def orders(name: str) -> st.SearchStrategy[Consignment]:
    """Consignments of what the marketplace has places for."""
    optional: dict[str, st.SearchStrategy[Any]] = {"order_id": _name}
    head: dict[str, st.SearchStrategy[Any]] = {}
    roles = [party("buyer", name=_name)]
    if name != "easypost":
        head["category"] = st.just("sale")
        optional |= {"paid": _money, "freight": _money}
    else:
        roles = [party("consignor", name=_name), *roles]
        optional |= {"category": st.sampled_from(("gift", "sale", "return", "sample", "documents", "other"))}
    if name == "amazon":
        roles = [st.builds(Party, role=st.just("buyer"), name=_name)]
    if name in ("shopify", "woocommerce"):
        optional["tax_collected"] = _money
    if name in ("shopify", "easypost"):
        optional |= {"gross_mass": strategies.decimals().filter(bool), "tracking_id": _name}
    if name == "shopify":
        optional["discount"] = _money.filter(lambda money: money.amount > 0)
    head |= {
        "reference": _name,
        "parties": st.tuples(party("consignee", country=_address["country"]), *roles).map(
            lambda found: tuple(sorted(found, key=lambda one: ("consignor", "consignee", "buyer").index(one.role)))
        ),
        "items": st.lists(items(name), min_size=1, max_size=3).map(tuple),
    }

    def made(fields: dict[str, Any]) -> Consignment:
        [country] = [one.country for one in fields["parties"] if one.role == "consignee"]
        return Consignment(jurisdiction=country, **fields)

    return st.fixed_dictionaries(head, optional=optional).map(made)


@pytest.mark.parametrize("name", MARKETPLACES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_marketplace_has_places_for_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    records = data.draw(st.lists(orders(name), min_size=1, max_size=2, unique_by=lambda record: record.reference))
    reading = formats.read(FORMATS[name].write(records))

    assert reading.format == name
    assert faults(reading) == []
    assert [declared.consignment for declared in reading.declared] == records


@pytest.mark.parametrize("name", MARKETPLACES)
@pytest.mark.parametrize("text", ["Grüße & Söhne", "Дом книги", "متجر المثال", "示例商店", "ร้านตัวอย่าง", "የምሳሌ ሱቅ"])
def test_names_of_every_script_come_through(name: str, text: str) -> None:
    party = make.party("consignee", name=text)
    goods = GoodsItem(description=text, quantity=Decimal(1))
    record = Consignment(reference=text, jurisdiction="GB", parties=(party,), items=(goods,))
    read_again = one(FORMATS[name].read(FORMATS[name].write([record]))).consignment

    assert (read_again.reference, read_again.parties[0].name, read_again.items[0].description) == (text, text, text)


def test_a_line_price_that_no_unit_price_gives_is_written_with_a_discount() -> None:
    line = GoodsItem(description="Bowl", quantity=Decimal(3), price=Money(amount=Decimal("10.00"), currency="EUR"))
    record = make.consignment(items=(line,), parties=(make.party("consignee"),))
    [order] = json.loads(FORMATS["shopify"].write([record]))

    assert order["line_items"][0]["price"] == "3.34"
    assert order["line_items"][0]["discount_allocations"] == [{"amount": "0.02"}]


def test_a_piece_of_a_millionth_is_written_with_a_price_that_gives_no_more_decimals_than_an_amount_has() -> None:
    price = Money(amount=Decimal("542.995732"), currency="EUR")
    line = GoodsItem(description="Ribbon", quantity=Decimal("45.416311"), price=price)
    record = make.consignment(items=(line,), parties=(make.party("consignee"),))
    [again] = FORMATS["shopify"].read(FORMATS["shopify"].write([record])).declared

    assert again.consignment.items[0].price == price


# --- shape ------------------------------------------------------------------------------------------------------


def test_each_marketplace_is_told_by_its_shape_and_our_own_json_is_none_of_them() -> None:
    for name in MARKETPLACES:
        sample = next((Path(formats.__file__).parent / name / "samples").glob("*.json"))
        assert formats.read(sample.read_bytes()).format == name
    assert formats.read(FORMATS["json"].write([make.consignment()])).format == "json"


@pytest.mark.parametrize(
    ("name", "wrapped"),
    [
        ("shopify", lambda order: order), ("shopify", lambda order: {"order": order}),
        ("shopify", lambda order: {"orders": [order]}), ("shopify", lambda order: [{"order": order}]),
        ("shopify", lambda order: {"draft_order": order}),
        ("amazon", lambda order: {"payload": order}), ("amazon", lambda order: {"payload": {"Orders": [order]}}),
        ("amazon", lambda order: [order]),
    ],
)  # fmt: skip
def test_an_order_is_found_in_whatever_is_wrapped_around_it(name: str, wrapped: Any) -> None:
    order = shopify() if name == "shopify" else amazon(OrderTotal=euros("12.00"))
    reading = read(name, wrapped(order))

    assert faults(reading) == []
    assert len(one(reading).consignment.items) == 1


def test_what_stands_beside_the_orders_is_told_as_dropped() -> None:
    assert read("shopify", {"orders": [shopify()], "next": "abc", "page": {"n": 1}}).dropped == ("/next", "/page/n")


def test_order_and_order_items_that_come_apart_are_one_consignment() -> None:
    whole = amazon(OrderTotal=euros("12.00"))
    lines = {"AmazonOrderId": "900-1", "OrderItems": whole.pop("OrderItems")}
    reading = read("amazon", [{"payload": whole}, {"payload": lines}])

    assert faults(reading) == []
    assert one(reading).consignment.parties[0].name == "Pat Example"
    place = formats.source_pointer("amazon", one(reading), "/items/0/description")
    assert place == "/1/payload/OrderItems/0/Title"


# --- money ------------------------------------------------------------------------------------------------------


def price(reading: Reading) -> str | None:
    money = one(reading).consignment.items[0].price
    return None if money is None else str(money.amount)


def test_a_unit_price_is_multiplied_and_a_line_value_is_not() -> None:
    assert price(read("shopify", shopify())) == "20.00"
    assert price(read("easypost", easypost())) == "10.00"


def test_a_discount_on_a_line_comes_off_the_line_and_the_rest_off_the_whole() -> None:
    order = shopify(total_discounts="5.00", line={"discount_allocations": [{"amount": "1.50"}, {"amount": "0.50"}]})
    record = one(read("shopify", order)).consignment

    assert price(read("shopify", order)) == "18.00"
    assert record.discount == Money(amount=Decimal("3.00"), currency="EUR")


def test_tax_inside_the_prices_is_taken_out_of_each() -> None:
    order = shopify(
        taxes_included=True, total_tax="5.00", total_price="30.00", line={"tax_lines": [{"price": "3.33"}]},
        shipping_lines=[{"price": "10.00", "tax_lines": [{"price": "1.67"}]}],
    )  # fmt: skip
    record = one(read("shopify", order)).consignment

    assert price(read("shopify", order)) == "16.67"
    assert (record.freight, record.tax_collected) == (
        Money(amount=Decimal("8.33"), currency="EUR"),
        Money(amount=Decimal("5.00"), currency="EUR"),
    )


def test_tax_inside_the_prices_that_is_not_said_by_line_is_an_error() -> None:
    order = shopify(taxes_included=True, total_tax="5.00")

    assert faults(read("shopify", order)) == [("ORD-07", "/tax_collected", "/total_tax")]
    assert faults(read("shopify", shopify(taxes_included=False, total_tax="5.00"))) == []
    assert faults(read("shopify", shopify(taxes_included=True, total_tax="0.00"))) == []


@pytest.mark.parametrize(
    ("total", "net", "found"),
    [("12.00", "10.00", []), ("10.00", "8.00", []), ("11.00", "10.00", ["ORD-07"]), (None, "10.00", ["ORD-07"])],
)
def test_the_total_says_whether_an_amazon_price_holds_the_tax(total: str | None, net: str, found: list[str]) -> None:
    reading = read("amazon", amazon(**({"OrderTotal": euros(total)} if total else {})))

    assert [code for code, _, _ in faults(reading)] == found
    assert price(reading) == net
    assert one(reading).consignment.tax_collected == Money(amount=Decimal("2.00"), currency="EUR")


def test_wrapping_is_part_of_the_price() -> None:
    wrapped = {"GiftWrapPrice": euros("3.00"), "GiftWrapTax": euros("0.60")}
    reading = read("amazon", amazon(OrderTotal=euros("15.60"), line={"BuyerInfo": wrapped}))

    assert faults(reading) == []
    assert price(reading) == "13.00"
    assert one(reading).consignment.tax_collected == Money(amount=Decimal("2.60"), currency="EUR")


def test_amazons_newer_orders_say_the_same_in_other_words() -> None:
    def money(amount: str) -> dict[str, str]:
        return {"amount": amount, "currencyCode": "GBP"}

    tax = [{"subtype": "ITEM", "value": money("3.00")}, {"subtype": "SHIPPING", "value": money("1.00")}]
    order = {
        "orderId": "900-2", "recipient": {"deliveryAddress": {"name": "Pat Example", "countryCode": "GB"}},
        "proceeds": {"grandTotal": money("39.00")},
        "orderItems": [{
            "quantityOrdered": 3, "product": {"title": "Bowl", "price": {"unitPrice": money("10.00")}},
            "proceeds": {"breakdowns": [
                {"type": "ITEM", "subtotal": money("30.00")}, {"type": "SHIPPING", "subtotal": money("10.00")},
                {"type": "DISCOUNT", "detailedBreakdowns": [{"subtype": "ITEM", "value": money("-5.00")}]},
                {"type": "TAX", "subtotal": money("4.00"), "detailedBreakdowns": tax},
            ]},
            "fulfillment": {"shipping": {"internationalShipping": {"iossNumber": "IM2760000001"}}},
        }],
    }  # fmt: skip
    reading = read("amazon", {"orders": [order]})
    record = one(reading).consignment

    assert faults(reading) == []
    assert (price(reading), record.freight) == ("25.00", Money(amount=Decimal("10.00"), currency="GBP"))
    assert record.tax_collected == Money(amount=Decimal("4.00"), currency="GBP")
    assert [reference.id for reference in record.fiscal_references] == ["IM2760000001"]


def test_more_taken_off_than_there_is_is_an_error() -> None:
    reading = read("shopify", shopify(line={"discount_allocations": [{"amount": "20.01"}]}))

    assert faults(reading) == [("ORD-08", "/items/0/price", "/line_items/0/price")]
    assert price(reading) is None


def test_an_amount_without_a_currency_is_not_read() -> None:
    reading = read("easypost", easypost(currency=None))

    assert faults(reading) == [("ORD-05", "/items/0/price", "/customs_info/customs_items/0/value")]
    assert "/customs_info/customs_items/0/value" in reading.dropped


def test_a_unit_price_without_a_quantity_says_nothing() -> None:
    assert ("ORD-06", "/items/0/price", "/line_items/0/price") in faults(
        read("shopify", shopify(line={"quantity": None}))
    )


@pytest.mark.parametrize("number", ["1e2", "1,50", "12.", "NaN", "-1", "", True, [1], {"a": 1}, "9" * 13, 1e300])
def test_a_price_that_is_no_plain_number_is_refused_or_said_to_be_missing(number: Any) -> None:
    reading = read("shopify", shopify(line={"price": number}))

    assert price(reading) is None
    assert [theirs.startswith("/line_items/0/price") for _, _, theirs in faults(reading)] == (
        [] if number == "" else [True]
    )


def test_numbers_are_exact_to_the_last_digit() -> None:
    assert price(read("shopify", shopify(line={"price": "0.10", "quantity": 3}))) == "0.30"
    data = json.dumps(shopify(line={"quantity": 1})).replace('"10.00"', "1234567890.123456").encode()

    assert price(FORMATS["shopify"].read(data)) == "1234567890.123456"


# --- masses -----------------------------------------------------------------------------------------------------


def test_grams_are_of_one_piece_and_ounces_of_the_line() -> None:
    assert one(read("shopify", shopify())).consignment.items[0].gross_mass == Decimal("0.3")
    assert one(read("easypost", easypost(weight=9))).consignment.items[0].net_mass == Decimal("0.255146")
    assert one(read("easypost", easypost(weight="0.5"))).consignment.items[0].net_mass == Decimal("0.014175")


def test_no_weight_is_not_a_weight_of_nothing() -> None:
    reading = read("shopify", shopify(total_weight=0, line={"grams": 0}))

    assert one(reading).consignment.items[0].gross_mass is None
    assert {"/total_weight", "/line_items/0/grams"} <= set(reading.dropped)


# --- what else an order says ------------------------------------------------------------------------------------


def test_what_needs_no_shipping_is_no_goods() -> None:
    order = shopify()
    order["line_items"].insert(0, {"name": "Gift card", "price": "5.00", "quantity": 1, "requires_shipping": False})
    reading = read("shopify", order)

    assert faults(reading) == [("ORD-09", "/items", "/line_items/0/requires_shipping")]
    assert [item.description for item in one(reading).consignment.items] == ["Bowl"]
    assert formats.source_pointer("shopify", one(reading), "/items/0/price") == "/line_items/1/price"
    assert "/line_items/0/name" in reading.dropped


def test_an_order_that_was_cancelled_is_not_declared() -> None:
    cancelled = {
        "shopify": shopify(cancelled_at="2026-11-01T00:00:00Z"),
        "amazon": amazon(OrderTotal=euros("12.00"), OrderStatus="Canceled"),
        "woocommerce": {"id": 1, "status": "cancelled", "shipping": {"country": "GB"}},
    }
    for name, order in cancelled.items():
        assert [code for code, _, _ in faults(read(name, order))] == ["ORD-10"]
    assert faults(read("amazon", amazon(OrderTotal=euros("12.00"), OrderStatus="Shipped"))) == []


def test_a_line_of_which_less_is_left_than_was_ordered_is_a_contradiction() -> None:
    reading = read("shopify", shopify(line={"current_quantity": 1}))

    assert faults(reading) == [("ORD-04", "/items/0/quantity", "/line_items/0/current_quantity")]
    assert faults(read("shopify", shopify(line={"current_quantity": 2}))) == []


def test_two_parcels_are_not_one_consignment() -> None:
    order = shopify(fulfillments=[{"tracking_number": "A1"}, {"tracking_number": "A2"}])

    assert faults(read("shopify", order)) == [("ORD-04", "/tracking_id", "/fulfillments/1/tracking_number")]


def test_two_scheme_numbers_in_one_order_are_a_contradiction() -> None:
    order = amazon(OrderTotal=euros("12.00"), line={"IossNumber": "IM2760000001"})
    order["OrderItems"].append({"Title": "Cup", "IossNumber": "IM2760000002"})
    reading = read("amazon", order)

    assert faults(reading) == [("ORD-04", "/fiscal_references", "/OrderItems/1/IossNumber")]


def test_a_property_named_as_a_column_may_be_named_is_understood() -> None:
    said = {"Zolltarifnummer": "6911.10", "made in": "CN", "Gravur": "Für Pat"}
    properties = [{"name": name, "value": value} for name, value in said.items()]
    reading = read("shopify", shopify(line={"properties": properties}))
    item = one(reading).consignment.items[0]

    assert (item.hs_code, item.origin_country) == ("691110", "CN")
    assert reading.dropped == ("/line_items/0/properties/2/name", "/line_items/0/properties/2/value")


def test_a_company_without_a_person_is_the_name_and_with_one_the_first_line_of_the_address() -> None:
    def consignee(**address: str) -> Party:
        order = shopify(shipping_address={"country_code": "FR", "address1": "1 Example Road"} | address)
        return one(read("shopify", order)).consignment.parties[0]

    assert consignee(company="Example Ltd").name == "Example Ltd"
    assert consignee(company="Example Ltd", name="Pat").street == "Example Ltd, 1 Example Road"


def test_an_order_to_nowhere_is_told_and_the_country_asked_for_helps() -> None:
    order = shopify(shipping_address={"name": "Pat Example"})

    assert faults(read("shopify", order)) == [("ORD-02", "/jurisdiction", "")]
    assert one(read("shopify", order, jurisdiction="NO")).consignment.jurisdiction == "NO"
    assert faults(read("shopify", shopify(id=None))) == [("ORD-03", "/reference", "")]


def test_what_does_not_fit_our_field_is_pointed_at_in_their_order() -> None:
    order = shopify(shipping_address={"country_code": "FR", "name": "a\x00b", "zip": "1" * 18})

    assert faults(read("shopify", order)) == [
        ("JSN-11", "/parties/0/name", "/shipping_address/name"),
        ("JSN-09", "/parties/0/postcode", "/shipping_address/zip"),
    ]


def test_a_name_that_stands_twice_is_not_read() -> None:
    data = json.dumps(shopify()).replace('"currency": "EUR"', '"currency": "EUR", "currency": "USD"').encode()

    assert ("JSN-06", "", "/currency") in faults(FORMATS["shopify"].read(data))
    assert price(FORMATS["shopify"].read(data)) is None


def test_every_value_is_kept_or_named_as_dropped() -> None:
    for name in MARKETPLACES:
        for sample in (Path(formats.__file__).parent / name / "samples").glob("*.json"):
            reading = formats.read(sample.read_bytes())

            assert reading.kept + len(reading.dropped) == leaves(json.loads(sample.read_bytes())), sample.name


def leaves(tree: Any) -> int:
    """How many values there are; those of an amount with its currency are one."""
    if isinstance(tree, dict):
        if {name.lower() for name in tree} == {"amount", "currencycode"}:
            return 1
        return sum(map(leaves, tree.values()))
    if isinstance(tree, list):
        return sum(map(leaves, tree))
    return int(tree not in (None, ""))


def test_no_finding_holds_what_was_sent() -> None:
    secret = "Pat Secret 7QX"
    order = shopify(
        currency=secret, total_price=secret, taxes_included=secret, line={"price": secret, "quantity": secret}
    )
    order["shipping_address"]["country_code"] = secret
    reading = read("shopify", order, jurisdiction="FR")

    assert faults(reading)
    assert secret not in str([*reading.findings, *(one.findings for one in reading.declared)])


def test_answers_are_a_json_list() -> None:
    [answer] = json.loads(FORMATS["shopify"].answer([Answer(kind="released", id="A", reference="7")]))

    assert (answer["kind"], answer["reference"]) == ("released", "7")


# --- messages of others -----------------------------------------------------------------------------------------


def corpus(folder: str) -> list[Path]:
    paths = sorted((CORPUS / folder).glob("*.json"))
    if not paths:
        pytest.skip(f"the samples of {folder} are not here (../shared/data/messages/marketplace)")
    return paths


SHOPS = {"shopify": ("line_items", "requires_shipping"), "woocommerce": ("line_items", "")}


@pytest.mark.parametrize("name", SHOPS)
def test_orders_of_others_are_read_with_every_line(name: str) -> None:
    for path in corpus(name):
        tree = json.loads(path.read_bytes())
        orders: Any = next((tree[key] for key in ("order", "orders", "draft_order") if key in tree), [])
        orders = orders if isinstance(orders, list) else [orders]
        reading = formats.read(path.read_bytes())

        assert reading.format == name
        assert [d.consignment.reference for d in reading.declared] == [str(order["id"]) for order in orders]
        assert [len(d.consignment.items) for d in reading.declared] == [
            sum(line.get("requires_shipping", True) for line in order.get("line_items", [])) for order in orders
        ]
        assert {code for code, _, _ in faults(reading)} <= ({"ORD-09"} if orders else {"ORD-01"})


def test_shipments_of_others_are_read_with_every_line() -> None:
    read_ = 0
    for path in corpus("easypost"):
        tree = json.loads(path.read_bytes())
        shipments = tree.get("shipments", [tree])
        reading = formats.read(path.read_bytes(), jurisdiction="US")
        if reading.format != "easypost" or path.name.startswith("customs-items"):
            assert not reading.declared, path.name
            continue
        read_ += len(reading.declared)

        assert len(reading.declared) == len(shipments), path.name
        for declared, shipment in zip(reading.declared, shipments, strict=True):
            lines = (shipment.get("customs_info") or shipment).get("customs_items", [])
            assert len(declared.consignment.items) == len(lines), path.name
    assert read_ == 10


def test_the_examples_inside_amazons_models_are_read() -> None:
    met: dict[str, int] = {}

    def walk(tree: Any) -> None:
        if isinstance(tree, dict):
            for key, value in tree.items():
                if key in ("examples", "response") and isinstance(value, dict):
                    take(value.get("application/json", value))
                else:
                    walk(value)
        elif isinstance(tree, list):
            for value in tree:
                walk(value)

    def take(example: dict[str, Any]) -> None:
        payload = example.get("payload", example)
        if not isinstance(payload, dict):
            return
        orders = payload.get("Orders") or payload.get("orders") or [payload.get("order", payload)]
        lines = [order.get("OrderItems", order.get("orderItems", [])) for order in orders]
        if not any(
            "ShippingAddress" in order or "recipient" in order or own for order, own in zip(orders, lines, strict=True)
        ):
            return
        reading = FORMATS["amazon"].read(json.dumps(example).encode(), jurisdiction="ZZ")
        names = [order.get("AmazonOrderId", order.get("orderId")) for order in orders]

        assert {d.consignment.reference for d in reading.declared} <= set(names)
        for declared in reading.declared:
            met[declared.consignment.reference] = len(declared.consignment.items)
            own = lines[names.index(declared.consignment.reference)]
            assert len(declared.consignment.items) == len(own)

    for path in corpus("amazon-sp-api"):
        if path.name.startswith("orders"):
            walk(json.loads(path.read_bytes()))

    assert len(met) >= 10
    assert sum(met.values()) >= 12


@pytest.mark.parametrize("name", MARKETPLACES)
def test_json_of_the_test_suite_is_a_finding_and_no_exception(name: str) -> None:
    paths = sorted((SHARED / "hostile" / "jsontestsuite").rglob("*.json"))
    if not paths:
        pytest.skip("the JSON test suite is not here (../shared/data/hostile/jsontestsuite)")
    for path in paths:
        reading = FORMATS[name].read(path.read_bytes())

        assert reading.findings, path.name
        assert not reading.declared, path.name


@pytest.mark.parametrize("name", MARKETPLACES)
def test_naughty_text_is_kept_to_the_letter_or_refused(name: str) -> None:
    path = SHARED / "hostile" / "blns" / "blns.json"
    if not path.exists():
        pytest.skip("the list of naughty strings is not here (../shared/data/hostile/blns)")
    kept = 0
    texts = [text.strip()[:500] for text in json.loads(path.read_text(encoding="utf-8"))]
    for text in filter(None, texts):
        goods = msgspec.structs.replace(make.item(), description=text)
        record = make.consignment(items=(goods,), parties=(make.party("consignee"),))
        declared = one(FORMATS[name].read(FORMATS[name].write([record])))
        description = declared.consignment.items[0].description

        found = [(finding.code, finding.pointer) for finding in declared.findings]
        assert description == text or found == [("JSN-11", "/items/0/description")]
        kept += description == text
    assert kept > len(texts) * 0.9
