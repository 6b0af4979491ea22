"""Items, receptacles and dispatches: a link that is missing or double is a finding."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tidewaiter.checks.linking import KINDS, Link, link
from tidewaiter.model.movement import Dispatch, DispatchedItem, ItemEvent, Movement, Receptacle

DISPATCH, OTHER = "CNCANAFRCDGAAUN60042", "CNCANAFRCDGAAUN60043"


def bag(number: int, *items: str, of: str = DISPATCH) -> Receptacle:
    return Receptacle(id=f"{of}{number:03d}000010", items=tuple(DispatchedItem(item_id=item) for item in items))


def event(item: str, receptacle: str | None = None) -> ItemEvent:
    return ItemEvent(item_id=item, event="EMD", at=datetime(2026, 11, 3, tzinfo=UTC), receptacle_id=receptacle)


def found(lodged: dict[str, str | None], *movements: Movement) -> list[tuple[str, str]]:
    return [(one.code, one.pointer) for one in link(lodged, movements).findings]


def test_an_item_is_linked_to_its_receptacle_and_that_to_its_dispatch() -> None:
    dispatch = Dispatch(id=DISPATCH, receptacles=(bag(1, "RR 2870 4377 5 IN"), bag(2, "LX123456785CN")))
    links = link({"RR287043775IN": DISPATCH, "LX123456785CN": None}, [dispatch, event("LX123456785CN", bag(2).id)])

    assert links.by_item["RR287043775IN"] == (Link(bag(1).id, DISPATCH),)
    assert links.by_item["LX123456785CN"] == (Link(bag(2).id, DISPATCH),)
    assert links.findings == ()


def test_a_receptacle_of_another_dispatch_is_found() -> None:
    assert found({}, Dispatch(id=DISPATCH, receptacles=(bag(1, of=OTHER),))) == [
        ("LNK-01", "/movements/0/receptacles/0/id")
    ]


def test_a_receptacle_listed_twice_is_found_in_the_second_place() -> None:
    dispatch = Dispatch(id=DISPATCH, receptacles=(bag(1), bag(2)))

    assert found({}, dispatch, Dispatch(id=DISPATCH, receptacles=(bag(2),))) == [
        ("LNK-02", "/movements/1/receptacles/0/id")
    ]


def test_a_double_link_is_found() -> None:
    dispatch = Dispatch(id=DISPATCH, receptacles=(bag(1, "LX123456785CN"), bag(2, "LX123456785CN")))

    assert found({"LX123456785CN": None}, dispatch) == [("LNK-03", "/movements/0/receptacles/1/items/0/item_id")]


def test_an_item_of_which_nothing_is_known_is_found() -> None:
    assert found({}, Dispatch(id=DISPATCH, receptacles=(bag(1, "LX123456785CN"),))) == [
        ("LNK-04", "/movements/0/receptacles/0/items/0/item_id")
    ]
    assert found({}, event("LX123456785CN"), event("LX123456785CN")) == [("LNK-06", "/movements/0/item_id")]


def test_an_item_that_its_own_dispatch_does_not_list_is_found() -> None:
    dispatch = Dispatch(id=DISPATCH, receptacles=(bag(1),))

    assert found({"LX123456785CN": DISPATCH, "UA000000005CN": OTHER, "RR000000005CN": None}, dispatch) == [
        ("LNK-05", "")
    ]


def test_an_event_in_another_receptacle_is_found() -> None:
    dispatch = Dispatch(id=DISPATCH, receptacles=(bag(1, "LX123456785CN"), bag(2)))

    assert found({"LX123456785CN": None}, event("LX123456785CN", bag(2).id), dispatch) == [
        ("LNK-07", "/movements/0/receptacle_id")
    ]


@given(
    placed=st.dictionaries(st.integers(0, 40), st.integers(0, 5), max_size=30),
    strangers=st.sets(st.integers(50, 60)),
    missing=st.sets(st.integers(70, 80)),
)
def test_every_planted_fault_is_found_and_no_other(
    placed: dict[int, int], strangers: set[int], missing: set[int]
) -> None:
    bags = [
        bag(
            n,
            *(f"LX{item:09d}CN" for item, at in placed.items() if at == n),
            *(f"ZZ{s:09d}CN" for s in strangers if s % 6 == n),
        )
        for n in range(6)
    ]
    lodged: dict[str, str | None] = {f"LX{item:09d}CN": DISPATCH for item in [*placed, *missing]}
    links = link(lodged, [Dispatch(id=DISPATCH, receptacles=tuple(bags))])

    codes = [one.code for one in links.findings]
    assert codes.count("LNK-04") == len(strangers)
    assert codes.count("LNK-05") == len(missing)
    assert len(codes) == len(strangers) + len(missing)


def test_the_kinds_are_told_apart_and_say_how_to_mend() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert all(kind.remedy and kind.law for kind in KINDS)
