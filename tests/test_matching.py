"""Documents of one sale from three parties: brought together in any order, compared, and overdue by law."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import make
import sales
from sales import BEGIN, KEY, change, found_in, sale
from tidewaiter.law import Law, LawError, load
from tidewaiter.matching import KINDS, Match, declared_document, match, seal
from tidewaiter.model.consignment import Classification, Party
from tidewaiter.model.digests import digits, plain
from tidewaiter.model.money import Money
from tidewaiter.model.trade import Person, TradeDocument, TradeLine

LATER = BEGIN + timedelta(hours=80)
"""Past the 72 hours that Zedland gives."""


def judged(law: Law, *documents: TradeDocument, at: datetime = BEGIN) -> list[Match]:
    return match([seal(one, key=KEY, received_at=one.issued_at or BEGIN) for one in documents], law, at=at)


def codes(law: Law, found: sales.Sale, at: datetime = BEGIN) -> list[str]:
    return [mismatch.kind.code for one in judged(law, *found.values(), at=at) for mismatch in one.mismatches]


# What agrees.


def test_three_documents_that_agree_meet_and_nothing_is_found(law: Law) -> None:
    [found] = judged(law, *sale(1).values(), at=LATER)

    assert (found.state, found.order, found.platform, found.mismatches) == ("met", "ORDER-0000001", "PLATFORM-1", ())
    assert [one.kind for one in found.documents] == ["order", "payment", "waybill"]


def test_until_the_time_is_up_documents_wait_and_after_it_each_that_is_missing_is_named(law: Law) -> None:
    order = sale(1)["order"]
    [waiting] = judged(law, order, at=BEGIN + timedelta(hours=72))
    [overdue] = judged(law, order, at=BEGIN + timedelta(hours=72, seconds=1))

    assert (waiting.state, waiting.mismatches) == ("waiting", ())
    assert overdue.state == "overdue"
    assert [(one.kind.code, one.left.number, one.right.kind) for one in overdue.mismatches] == [
        ("MTC-01", "ORDER-0000001", "payment"), ("MTC-01", "ORDER-0000001", "waybill"),
    ]  # fmt: skip


def test_the_law_of_the_day_of_the_first_document_says_what_must_meet_and_when(law: Law) -> None:
    before = BEGIN.replace(year=2025)
    [order, _, waybill] = (structs.replace(one, issued_at=before) for one in sale(1).values())

    assert [one.state for one in judged(law, order, waybill, at=before)] == ["met"]
    assert [one.state for one in judged(law, order, at=before + timedelta(hours=240))] == ["waiting"]
    assert [one.state for one in judged(law, order, at=before + timedelta(hours=241))] == ["overdue"]


def test_where_law_asks_for_no_matching_nothing_is_matched(law: Law) -> None:
    assert judged(law, structs.replace(sale(1)["order"], jurisdiction="GB"), at=LATER) == []
    assert judged(law, structs.replace(sale(1)["order"], issued_at=BEGIN.replace(year=2023))) == []


def test_what_comes_after_the_time_is_late_and_yet_compared(law: Law) -> None:
    found = sale(1)
    change(found, "waybill", issued_at=LATER)
    [one] = judged(law, *found.values(), at=LATER)

    assert one.state == "met"
    assert [(two.kind.code, two.right.kind) for two in one.mismatches] == [("MTC-13", "waybill")]


# What differs.


@pytest.mark.parametrize("code", sorted(set(sales.MISTAKES) - {"MTC-09"}))
def test_each_mistake_alone_is_found_alone(law: Law, code: str) -> None:
    found = sale(1)
    sales.MISTAKES[code](found, sale(2))

    assert codes(law, found, LATER) == [code]


def test_a_mismatch_names_both_documents_and_points_into_both(law: Law) -> None:
    found = sale(1)
    change(
        found,
        "waybill",
        consignee=Person(name="Sample 1", phone="139 0000 0002", address="1 Sample Street, Exampleham"),
    )
    sealed = [
        seal(one, key=KEY, received_at=BEGIN, message=f"message {kind}", places={"/consignee/phone": f"/x/{kind}Phone"})
        for kind, one in found.items()
    ]
    [[mismatch]] = [one.mismatches for one in match(sealed, law, at=BEGIN)]
    told = mismatch.told(mismatch.right)

    assert (mismatch.left.kind, mismatch.right.kind) == ("order", "waybill")
    assert (mismatch.left.pointer, mismatch.right.pointer) == ("/consignee/phone", "/consignee/phone")
    assert (mismatch.left.source_pointer, mismatch.right.source_pointer) == ("/x/orderPhone", "/x/waybillPhone")
    assert (mismatch.left.message, mismatch.right.message) == ("message order", "message waybill")
    assert (told.code, told.pointer, told.source_pointer) == ("MTC-05", "/consignee/phone", "/x/waybillPhone")
    assert "order ORDER-0000001 of PLATFORM-1" in told.text
    assert "waybill WAY-0000001 of CARRIER-1" in told.text
    assert mismatch.told(mismatch.left).source_pointer == "/x/orderPhone"


def test_a_place_that_was_not_read_is_pointed_at_by_the_nearest_above_it(law: Law) -> None:
    found = sale(1)
    sales.MISTAKES["MTC-07"](found, sale(2))
    places = {"": "/root", "/lines/1": "/root/line[2]"}
    sealed = [seal(one, key=KEY, received_at=BEGIN, places=places) for one in found.values()]
    [[mismatch]] = [one.mismatches for one in match(sealed, law, at=BEGIN)]

    assert mismatch.right.pointer == "/lines/1/quantity"
    assert mismatch.right.source_pointer == "/root/line[2]"


@pytest.mark.parametrize(
    ("paid", "is_found"), [("120.11", False), ("120.12", True), ("119.91", False), ("119.90", True), ("120.01", False)]
)
def test_an_amount_may_differ_by_as_much_as_law_lets_it(law: Law, paid: str, is_found: bool) -> None:
    found = sale(1)
    change(found, "payment", total=Money(Decimal(paid), "ZZD"))

    assert codes(law, found) == (["MTC-02"] if is_found else [])


def test_a_share_of_the_amount_is_let_pass_where_law_says_so(law: Law) -> None:
    before = BEGIN.replace(year=2025)
    found = {kind: structs.replace(one, issued_at=before) for kind, one in sale(1).items()}  # 120.01: 1 % is 1.2001
    change(found, "payment", total=Money(Decimal("121.21"), "ZZD"))

    assert codes(law, found, before) == []

    change(found, "payment", total=Money(Decimal("121.22"), "ZZD"))

    assert codes(law, found, before) == ["MTC-02"]


def test_amounts_that_agree_in_a_currency_law_does_not_take_are_found(law: Law) -> None:
    found = sale(1)
    for kind in ("order", "payment"):
        change(found, kind, total=Money(Decimal(120), "USD"))

    assert codes(law, found) == ["MTC-03"]


def test_several_payments_for_one_order_are_compared_by_their_sum(law: Law) -> None:
    found = sale(1)
    change(found, "order", payment=None, payment_issuer=None)
    halves = [
        structs.replace(found["payment"], number=number, total=Money(Decimal(amount), "ZZD"))
        for number, amount in (("PAY-A", "100.00"), ("PAY-B", "20.01"))
    ]
    [met] = judged(law, found["order"], *halves, found["waybill"])
    [short] = judged(law, found["order"], halves[0], found["waybill"])

    assert met.mismatches == ()
    assert [one.kind.code for one in short.mismatches] == ["MTC-02"]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("payment", {"platform": "PLATFORM-2"}),
        ("order", {"payment": "PAY-OTHER"}),
        ("order", {"payment_issuer": "PAYMENTS-2"}),
        ("order", {"waybill": "WAY-OTHER"}),
        ("payment", {"waybill": None, "number": "PAY-OTHER"}),
    ],
)
def test_a_document_that_names_another_than_the_one_that_came_is_found(
    law: Law, kind: str, what: dict[str, Any]
) -> None:
    found = sale(1)
    change(found, kind, **what)

    assert codes(law, found) == ["MTC-08"]


def test_goods_are_told_by_the_sellers_number_and_only_without_one_by_words(law: Law) -> None:
    found = sale(1)
    lines = tuple(structs.replace(line, description="the same, otherwise said") for line in found["waybill"].lines)
    change(found, "waybill", lines=lines)

    assert codes(law, found) == []

    change(found, "waybill", lines=tuple(structs.replace(line, article=None) for line in lines))

    assert codes(law, found) == ["MTC-06", "MTC-06"]


def test_a_line_that_stands_in_one_document_alone_is_found(law: Law) -> None:
    found = sale(1)
    change(found, "waybill", lines=found["waybill"].lines[:1])

    assert codes(law, found) == ["MTC-06"]


def test_names_and_numbers_are_compared_as_people_mean_them() -> None:
    assert plain("Ｅxample-Ⅳ  straße") == plain("EXAMPLE IV STRASSE")
    assert digits("+86 139-0000-0001") == digits("13900000001")
    assert plain("示例 一") == plain("示例一")
    assert plain("Example") != plain("Exampel")


# Repeats, amendments, and what is used twice.


def test_the_same_document_twice_is_one(law: Law) -> None:
    documents = [*sale(1).values(), *sale(1).values()]
    [found] = judged(law, *documents)

    assert (len(found.documents), found.mismatches) == (3, ())


def test_the_same_number_with_other_content_is_a_conflict_and_the_first_stands(law: Law) -> None:
    found = sale(1)
    other = structs.replace(found["payment"], total=Money(Decimal(1), "ZZD"), issued_at=BEGIN + timedelta(hours=1))
    [one] = judged(law, *found.values(), other, at=LATER)

    assert [two.kind.code for two in one.mismatches] == ["MTC-11"]
    assert (one.mismatches[0].left.number, one.mismatches[0].right.number) == ("PAY-0000001", "PAY-0000001")
    assert [two.total_micro for two in one.documents if two.kind == "payment"] == [120_010_000]


def amended(document: TradeDocument, **what: Any) -> TradeDocument:
    return structs.replace(document, function="amendment", issued_at=BEGIN + timedelta(hours=1), **what)


def test_an_amendment_takes_the_place_of_what_it_amends_even_if_it_came_first(law: Law) -> None:
    found = sale(1)
    right = found["payment"]
    sales.MISTAKES["MTC-02"](found, sale(2))
    documents = [amended(right), *found.values()]
    for _ in range(2):
        documents.reverse()
        [one] = judged(law, *documents)

        assert (one.state, one.mismatches) == ("met", ())


def test_an_amendment_may_move_a_payment_to_another_order(law: Law) -> None:
    first, second = sale(1), sale(2)
    wrong = structs.replace(first["payment"], order="ORDER-0000002", number="PAY-0000001")
    both = [first["order"], first["waybill"], *second.values(), wrong]
    before = found_in(judged(law, *both))
    after = found_in(judged(law, *both, amended(wrong, order="ORDER-0000001")))

    assert ("MTC-09", "ORDER-0000001") in before
    assert after == set()


def test_a_cancelled_document_is_missing(law: Law) -> None:
    found = sale(1)
    gone = structs.replace(found["waybill"], function="cancellation", issued_at=BEGIN + timedelta(hours=1))
    [one] = judged(law, *found.values(), gone, at=LATER)

    assert [(two.kind.code, two.right.kind) for two in one.mismatches] == [("MTC-01", "waybill")]


def test_an_amendment_is_not_late_where_what_it_amends_was_not(law: Law) -> None:
    found = sale(1)
    late = structs.replace(found["waybill"], function="amendment", issued_at=LATER)
    [one] = judged(law, *found.values(), late, at=LATER)

    assert one.mismatches == ()


def test_one_payment_for_two_orders_is_told_with_both(law: Law) -> None:
    first, second = sale(1), sale(2)
    sales.MISTAKES["MTC-09"](second, first)
    found = judged(law, *first.values(), *second.values())

    assert found_in(found) == {("MTC-09", "ORDER-0000001"), ("MTC-09", "ORDER-0000002")}
    assert all(one.left.number == one.right.number == "PAY-0000001" for two in found for one in two.mismatches)


def test_two_orders_that_name_one_payment_are_found_before_the_payment_came(law: Law) -> None:
    first, second = sale(1)["order"], structs.replace(sale(2)["order"], payment="PAY-0000001")

    assert found_in(judged(law, first, second)) == {("MTC-09", "ORDER-0000001"), ("MTC-09", "ORDER-0000002")}


def test_two_issuers_may_give_the_same_number(law: Law) -> None:
    first, second = sale(1), sale(2)
    change(second, "payment", number="PAY-0000001", issuer="PAYMENTS-2")
    change(second, "order", payment="PAY-0000001", payment_issuer="PAYMENTS-2")

    assert found_in(judged(law, *first.values(), *second.values())) == set()


def test_one_waybill_for_two_orders_is_found(law: Law) -> None:
    first, second = sale(1), sale(2)
    change(second, "waybill", number="WAY-0000001")

    assert found_in(judged(law, *first.values(), *second.values())) == {
        ("MTC-10", "ORDER-0000001"), ("MTC-10", "ORDER-0000002"),
    }  # fmt: skip


# Keys that are not enough.


def two_platforms() -> tuple[sales.Sale, sales.Sale]:
    """Two sales on two platforms that number alike."""
    first, second = sale(1), sale(2)
    for kind in second:
        change(second, kind, order="ORDER-0000001")
    change(second, "order", number="ORDER-0000001", issuer="PLATFORM-2", platform="PLATFORM-2")
    change(second, "payment", platform="PLATFORM-2")
    return first, second


def test_two_platforms_may_number_alike(law: Law) -> None:
    first, second = two_platforms()
    found = judged(law, *first.values(), *second.values())

    assert sorted(one.platform for one in found) == ["PLATFORM-1", "PLATFORM-2"]
    assert [len(one.documents) for one in found] == [3, 3]
    assert found_in(found) == set()


def test_a_waybill_that_could_be_of_either_platform_is_doubtful(law: Law) -> None:
    first, second = two_platforms()
    change(second, "waybill", consignee=None)

    assert ("MTC-12", "ORDER-0000001") in found_in(judged(law, *first.values(), *second.values()))


def test_a_waybill_without_an_order_is_of_that_which_names_it(law: Law) -> None:
    found = sale(1)
    change(found, "waybill", order=None)

    [alone, _] = sorted(judged(law, *found.values()), key=lambda one: one.order)
    assert (alone.order, alone.state) == ("(waybill WAY-0000001)", "waiting")

    change(found, "order", waybill="WAY-0000001")
    [together] = judged(law, *found.values())
    assert (together.state, together.mismatches) == ("met", ())


# The declaration, of whatever format.


def declaration(**what: Any) -> TradeDocument:
    found = sale(1)["order"]
    buyer, to = found.buyer, found.consignee
    assert buyer is not None
    assert to is not None
    record = make.consignment(
        jurisdiction="ZZ", order_id="ORDER-0000001", tracking_id="WAY-0000001", issued_at=BEGIN, gross_mass="0.35",
        parties=(
            Party(role="marketplace", id="PLATFORM-1"), Party(role="carrier", id="CARRIER-1"),
            Party(role="buyer", identity=buyer.id, name=buyer.name, phone=buyer.phone),
            Party(role="consignee", name=to.name, street=to.address),
        ),
        items=tuple(
            make.item(
                description=line.description, codes=(Classification(scheme="SKU", code=line.article or ""),),
                quantity=str(line.quantity), quantity_unit=line.unit, price=f"{line.total.amount} ZZD",
            )
            for line in found.lines
            if line.total is not None
        ),
    )  # fmt: skip
    made = declared_document(structs.replace(record, **what))
    assert made is not None
    return made


def test_a_declaration_that_agrees_is_the_fourth_document(law: Law) -> None:
    [found] = judged(law, *sale(1).values(), declaration())

    assert (found.state, len(found.documents), found.mismatches) == ("met", 4, ())


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"tracking_id": "WAY-OTHER"}, "MTC-08"),
        ({"gross_mass": Decimal("0.36")}, "MTC-14"),
        ({"parties": (Party(role="buyer", identity="ID-ELSE"),)}, "MTC-04"),
        ({"items": ()}, None),
    ],
)
def test_a_declaration_that_differs_is_found(law: Law, what: dict[str, Any], code: str | None) -> None:
    found = [mismatch for one in judged(law, *sale(1).values(), declaration(**what)) for mismatch in one.mismatches]

    assert [one.kind.code for one in found] == ([code] if code else [])
    assert all("declaration" in (one.left.kind, one.right.kind) for one in found)


def test_where_law_wants_the_documents_before_the_declaration_none_may_be_missing_then(law: Law) -> None:
    [found] = judged(law, declaration(), sale(1)["order"], sale(1)["payment"])

    assert found.state == "overdue"
    assert [(one.kind.code, one.right.kind) for one in found.mismatches] == [("MTC-01", "waybill")]


def test_what_names_no_order_is_no_document_of_a_sale() -> None:
    assert declared_document(make.consignment(order_id=None)) is None
    assert declared_document(make.consignment(order_id="O-1", direction="entry")) is None


# Persons.


def test_nothing_personal_waits_and_another_key_gives_other_digests() -> None:
    documents = list(sale(7).values())
    waiting = msgspec.json.encode([seal(one, key=KEY, received_at=BEGIN) for one in documents]).decode()
    other = msgspec.json.encode([seal(one, key=b"another key of the tests", received_at=BEGIN) for one in documents])
    for value in ("ID-00000007", "Example 7", "00000007", "Sample Street", "Tea of harvest"):
        bare = waiting.replace("ORDER-0000007", "").replace("PAY-0000007", "").replace("WAY-0000007", "")
        assert value not in bare
    assert other.decode() != waiting


def test_a_finding_repeats_nothing_of_a_person_or_of_goods(law: Law) -> None:
    first, second = sale(7), sale(8)
    for code in ("MTC-04", "MTC-05", "MTC-06"):
        sales.MISTAKES[code](first, second)
    found = [one.told(one.right) for two in judged(law, *first.values()) for one in two.mismatches]

    assert {one.code for one in found} == {"MTC-04", "MTC-05", "MTC-06"}
    for one in found:
        assert not any(value in one.text for value in ("ID-0", "Example", "Sample", "Tea", "ART-", "139"))


def test_the_number_of_a_person_in_two_uses_has_two_digests() -> None:
    person = Person(id="SAME", name="SAME")
    sealed = seal(TradeDocument(kind="payment", number="P", buyer=person), key=KEY, received_at=BEGIN)

    assert sealed.who["id"] != sealed.who["name"]


# Any order, any number.


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_the_order_of_arrival_and_the_size_of_batches_do_not_matter(law: Law, order: int, size: int) -> None:
    documents, truth = sales.world(30, share=0.4, seed=3)
    random.Random(order).shuffle(documents)
    waiting = sales.Waiting(law)
    at = sales.arrive_in_batches(waiting, documents, size)
    at_once = found_in(waiting.everything(at))

    assert found_in(waiting.matches.values()) == at_once == {one for one in truth if one[0] != "MTC-01"}
    assert found_in(waiting.everything(at + timedelta(hours=73))) == truth


def test_every_planted_mistake_among_some_thousands_is_found_and_no_other(law: Law) -> None:
    documents, truth = sales.world(4_000, seed=11)
    waiting = sales.Waiting(law)
    at = sales.arrive_in_batches(waiting, documents, 500)

    assert len({code for code, _ in truth}) == 8
    assert found_in(waiting.everything(at + timedelta(days=4))) == truth


_documents = st.builds(
    TradeDocument,
    kind=st.sampled_from(["order", "payment", "waybill", "declaration"]),
    number=st.sampled_from("AB"),
    order=st.sampled_from(["A", "B", None]),
    jurisdiction=st.just("ZZ"),
    issuer=st.sampled_from(["", "X", "Y"]),
    platform=st.sampled_from([None, "X", "Y"]),
    function=st.sampled_from(["original", "amendment", "cancellation"]),
    payment=st.sampled_from([None, "A", "B"]),
    waybill=st.sampled_from([None, "A", "B"]),
    total=st.sampled_from([None, Money(Decimal(1), "ZZD"), Money(Decimal(2), "ZZD"), Money(Decimal(1), "USD")]),
    issued_at=st.sampled_from([None, BEGIN, LATER]),
    lines=st.sampled_from([(), (TradeLine(number=1, article="A"),), (TradeLine(article="B"), TradeLine())]),
)


@settings(max_examples=300)
@given(st.lists(_documents, max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_any_documents_are_matched_alike_in_any_order(
    law: Law, drawn: tuple[list[TradeDocument], list[TradeDocument]]
) -> None:
    one_way, another = (
        {
            (one.order, one.platform, one.state, mismatch.kind.code, mismatch.left, mismatch.right)
            for one in judged(law, *documents, at=LATER)
            for mismatch in one.mismatches
        }
        for documents in drawn
    )

    assert one_way == another


# Law.


def test_every_kind_says_how_to_mend_it() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert all("{detail}" in kind.text and kind.remedy and kind.law for kind in KINDS)


def test_china_asks_for_three_documents_in_its_own_currency(law: Law) -> None:
    rule = law.matching("CN", date(2026, 11, 26))

    assert rule is not None
    assert rule.documents == ("order", "payment", "waybill")
    assert (rule.currency, rule.tolerance_micro, rule.confidence) == ("CNY", 0, "secondary")
    assert "194" in rule.source
    assert law.matching("CN", date(2018, 12, 31)) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('["order", "waybill"]', '["order", "letter"]', "no document is called letter"),
        ('["order", "waybill"]', "[]", "documents must be named"),
        ("within_h = 240", 'within_h = "240"', "within_h be hours"),
        ('unsigned = "note"', 'unsigned = "shrug"', "unsigned"),
        ('share = "1 %"', 'shares = "1 %"', "no key is called shares"),
        ("until = 2026-01-01", "until = 2026-01-02", "matching"),
        ('currency = ""', 'currency = "USD"', "another currency"),
    ],
)
def test_a_fault_in_the_law_of_matching_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = (resources.files("tidewaiter") / "jurisdictions" / "zz" / "matching.toml").read_text()
    assert before in text
    (tmp_path / "zz").mkdir()
    (tmp_path / "zz" / "jurisdiction.toml").write_text('name = "Zedland"\ncode = "ZZ"\n')
    (tmp_path / "zz" / "matching.toml").write_text(text.replace(before, after))

    with pytest.raises(LawError, match=said):
        load(tmp_path)
