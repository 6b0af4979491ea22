"""What is decided, what is told, and what may follow what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import product
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from tidewaiter.clearance import FOLLOWS, REASONS, State, decide, may_follow, needs_named_person
from tidewaiter.clearance import reasons as told
from tidewaiter.law import Law, load
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.finding import FINDINGS
from tidewaiter.model.outcome import CHARGES, DECISIONS, SIGNALS, Control, Lane, Security

LAW = load()
COUNTRY, DAY = "GB", date(2026, 11, 2)


def ground(*, release_before_payment: bool) -> Law:
    """The law with this ground rule in Great Britain."""
    place = LAW.jurisdictions["gb"]
    rules = tuple(dataclasses.replace(g, release_before_payment=release_before_payment) for g in place.ground)
    changed = {**LAW.jurisdictions, "gb": dataclasses.replace(place, ground=rules)}
    return dataclasses.replace(LAW, jurisdictions=changed, digest=f"test {release_before_payment}")


PAID_FIRST, PAID_LATER = ground(release_before_payment=False), ground(release_before_payment=True)


def findings(rows: Iterable[tuple[int, str]]) -> pl.DataFrame:
    data = [{"row": row, "code": "X-01", "severity": severity, "pointer": ""} for row, severity in rows]
    return pl.DataFrame(data, schema=FINDINGS)


def charges(rows: Iterable[tuple[int, int | None]]) -> pl.DataFrame:
    same = {"item": 0, "type": "duty", "code": "A00", "currency": "GBP", "collector": "importer"}
    data = [{"row": row, "amount_micro": amount, **same} for row, amount in rows]
    return pl.DataFrame(data, schema=CHARGES)


def signals(rows: Iterable[tuple[int, str]], *, profile: str = "fiction", score: int = 50) -> pl.DataFrame:
    data = [{"row": row, "profile": profile, "lane": lane, "score": score, "reason": "Secret"} for row, lane in rows]
    return pl.DataFrame(data, schema=SIGNALS)


def decided(
    *records: Consignment,
    errors: Iterable[tuple[int, str]] = (),
    due: Iterable[tuple[int, int | None]] = (),
    seen: pl.DataFrame | Iterable[tuple[int, str]] = (),
    law: Law = PAID_FIRST,
) -> list[dict[str, Any]]:
    frame = decide(
        Batch.of(records),
        findings=findings(errors),
        charges=charges(due),
        signals=seen if isinstance(seen, pl.DataFrame) else signals(seen),
        law=law,
    )
    assert frame.schema == DECISIONS
    return list(frame.iter_rows(named=True))


def the(**what: Any) -> dict[str, Any]:
    """The decision on one consignment."""
    function = what.pop("function", "original")
    direction = what.pop("direction", "import")
    accepted_on = what.pop("accepted_on", DAY)
    record = make.consignment(function=function, direction=direction, accepted_on=accepted_on)
    [decision] = decided(record, **what)
    return decision


def test_nothing_due_is_released() -> None:
    found = the(due=[(0, 0), (0, 0)])

    assert found == {
        "row": 0, "security": "assessment_complete", "control": "released", "reasons": [told.NOTHING_DUE]
    }  # fmt: skip


def test_what_is_due_is_paid_before_release_unless_law_lets_it_go_first() -> None:
    due = [(0, 0), (0, 1)]

    assert (the(due=due)["control"], the(due=due)["reasons"]) == ("accepted", [told.PAY_FIRST])
    later = the(due=due, law=PAID_LATER)
    assert (later["control"], later["reasons"]) == ("released", [told.RELEASED_UNPAID])


def test_a_day_that_law_says_nothing_of_lets_nothing_go_unpaid() -> None:
    assert the(due=[(0, 1)], law=PAID_LATER, accepted_on=None)["control"] == "accepted"
    assert the(due=[(0, 1)], law=PAID_LATER, accepted_on=date(1990, 1, 1))["control"] == "accepted"


def test_an_error_sends_the_message_back_and_says_nothing_of_risk() -> None:
    found = the(errors=[(0, "warning"), (0, "error")], due=[(0, 5)], seen=[(0, "screening"), (0, "examine")])

    assert (found["security"], found["control"], found["reasons"]) == ("pending", "not_accepted", [told.NOT_ACCEPTED])


def test_warnings_and_notes_stop_nothing() -> None:
    assert the(errors=[(0, "warning"), (0, "note")], due=[(0, 0)])["control"] == "released"


@pytest.mark.parametrize(
    ("function", "control", "reason"),
    [
        ("amendment", "amendment_recorded", told.AMENDED),
        ("cancellation", "cancellation_recorded", told.CANCELLED),
    ],
)
def test_an_amendment_and_a_cancellation_are_recorded(function: str, control: str, reason: str) -> None:
    found = the(function=function)

    assert (found["security"], found["control"], found["reasons"]) == ("pending", control, [reason])
    assert the(function=function, errors=[(0, "error")])["control"] == "not_accepted"


@pytest.mark.parametrize("lane", ["screening", "information", "examine", "hold_for_officer"])
def test_what_is_declared_for_security_alone_is_registered_and_releases_nothing(lane: str) -> None:
    found = the(direction="entry", due=[], seen=[(0, lane)], law=PAID_LATER)
    security = {"screening": "screening_requested", "information": "information_requested"}

    assert the(direction="entry", due=[])["reasons"] == [told.ENTERED]
    assert (found["control"], found["reasons"]) == ("accepted", [told.ENTERED, told.SELECTED])
    assert found["security"] == security.get(lane, "assessment_complete")
    assert the(direction="entry", errors=[(0, "error")])["control"] == "not_accepted"
    assert the(direction="entry", function="amendment")["control"] == "amendment_recorded"


def test_a_rate_that_is_missing_waits_for_an_officer() -> None:
    found = the(due=[(0, 7), (0, None)], law=PAID_LATER)

    assert (found["control"], found["reasons"]) == ("hold", [told.RATE_MISSING])


def test_an_import_for_which_nothing_was_worked_out_is_not_taken_for_free() -> None:
    found = the(due=[], law=PAID_LATER)

    assert (found["control"], found["reasons"]) == ("hold", [told.NOT_ASSESSED])
    assert the(due=[], direction="export")["control"] == "released"


@pytest.mark.parametrize(
    ("lane", "security", "control"),
    [
        ("examine", "assessment_complete", "examine"),
        ("documents", "assessment_complete", "documents_requested"),
        ("hold_for_officer", "assessment_complete", "hold"),
        ("screening", "screening_requested", "released"),
        ("information", "information_requested", "released"),
    ],
)
def test_each_lane_is_answered_on_its_channel(lane: str, security: str, control: str) -> None:
    found = the(due=[(0, 0)], seen=[(0, lane)])

    assert (found["security"], found["control"]) == (security, control)
    assert found["reasons"][-1] == told.SELECTED


def test_the_stronger_lane_wins() -> None:
    every = [(0, lane) for lane in get_args(Lane)]

    assert the(due=[(0, 0)], seen=every)["control"] == "hold"
    assert the(due=[(0, 0)], seen=[(0, "documents"), (0, "examine")])["control"] == "examine"
    assert the(due=[(0, 0)], seen=every)["security"] == "information_requested"


@given(profile=st.text(max_size=20), score=st.integers(0, 100), law=st.sampled_from([PAID_FIRST, PAID_LATER]))
def test_a_filer_cannot_tell_the_random_share_from_a_profile(profile: str, score: int, law: Law) -> None:
    by_chance = signals([(0, "examine")], profile="random", score=0)
    by_profile = signals([(0, "examine"), (0, "examine")], profile=profile, score=score)

    assert the(due=[(0, 9)], seen=by_chance, law=law) == the(due=[(0, 9)], seen=by_profile, law=law)


def test_every_function_and_lane_has_its_answer() -> None:
    # One of each, so that a lane or a function added to the model is not quietly released.
    assert set(get_args(Lane)) == {"examine", "documents", "hold_for_officer", "screening", "information"}
    for lane in get_args(Lane):
        assert the(due=[(0, 0)], seen=[(0, lane)]) != the(due=[(0, 0)])


Case = tuple[str, str, Any, tuple[str, ...], tuple[int | None, ...], frozenset[str]]
CASES: st.SearchStrategy[Case] = st.tuples(
    st.sampled_from(["original", "original", "amendment", "cancellation"]),
    st.sampled_from(["import", "export"]),
    st.sampled_from([DAY, None]),
    st.lists(st.sampled_from(["error", "warning", "note"]), max_size=2).map(tuple),
    st.lists(st.sampled_from([0, 1, None]), max_size=2).map(tuple),
    st.frozensets(st.sampled_from(get_args(Lane))),
)


def of_cases(cases: Mapping[int, Case], law: Law) -> list[dict[str, Any]]:
    """The decisions on cases, each at its row."""
    records = [make.consignment(function=c[0], direction=c[1], accepted_on=c[2]) for c in cases.values()]
    return decided(
        *records,
        errors=[(row, severity) for row, case in cases.items() for severity in case[3]],
        due=[(row, amount) for row, case in cases.items() for amount in case[4]],
        seen=[(row, lane) for row, case in cases.items() for lane in sorted(case[5])],
        law=law,
    )


@settings(max_examples=40, deadline=None)
@given(cases=st.lists(CASES, min_size=1, max_size=6), law=st.sampled_from([PAID_FIRST, PAID_LATER]))
def test_a_batch_is_decided_as_its_consignments_one_by_one(cases: list[Case], law: Law) -> None:
    together = of_cases(dict(enumerate(cases)), law)

    assert together == [{**of_cases({0: case}, law)[0], "row": row} for row, case in enumerate(cases)]


def test_no_combination_makes_the_machine_refuse_return_seize_or_forbid_loading() -> None:
    lanes = [
        frozenset(lane for lane, chosen in zip(get_args(Lane), bits, strict=True) if chosen)
        for bits in product((0, 1), repeat=5)
    ]
    cases: list[Case] = [
        (function, direction, day, severities, amounts, chosen)
        for function, direction, day, severities, amounts, chosen in product(
            ("original", "amendment", "cancellation"), ("import", "export"), (DAY, None),
            ((), ("error",), ("warning", "note")), ((), (0,), (5,), (None,), (0, 5, None)), lanes,
        )
    ]  # fmt: skip

    for law in (PAID_FIRST, PAID_LATER):
        for found in of_cases(dict(enumerate(cases)), law):
            assert may_follow("lodged", found["control"])
            assert not needs_named_person("lodged", found["control"])
            assert found["security"] == "pending" or may_follow("pending", found["security"])
            assert not needs_named_person("pending", found["security"])
            assert found["reasons"]
            assert set(found["reasons"]) <= set(REASONS)
            assert "Secret" not in " ".join(found["reasons"])


def test_rows_need_not_count_from_nought() -> None:
    records = [make.consignment(), make.consignment()]
    batch = Batch.of(records)
    apart = dataclasses.replace(batch, consignments=batch.consignments.with_columns(pl.col("row") * 7 + 5))

    found = decide(
        apart, findings=findings([(12, "error")]), charges=charges([(5, 0)]), signals=signals([]), law=PAID_FIRST
    )

    assert found.select("row", "control").rows() == [(5, "released"), (12, "not_accepted")]


def test_an_empty_batch_is_decided() -> None:
    assert decided() == []


STATES: tuple[State, ...] = tuple(FOLLOWS)


def test_every_state_of_the_model_is_in_the_table_and_nothing_else() -> None:
    assert set(STATES) == {*get_args(Control), *get_args(Security), "lodged"}
    assert all(after in FOLLOWS for allowed in FOLLOWS.values() for after in allowed)


def test_the_channels_do_not_lead_into_each_other() -> None:
    security = set(get_args(Security))

    assert all((state in security) == (after in security) for state in STATES for after in FOLLOWS[state])


def test_every_state_can_be_reached() -> None:
    reached: set[State] = {"lodged", "pending"}
    while more := {after for state in reached for after in FOLLOWS[state]} - reached:
        reached |= more

    assert reached == set(STATES)


def test_into_and_out_of_a_grave_state_only_a_named_person_leads() -> None:
    for state, after in product(STATES, STATES):
        grave = {"refused", "returned", "seized", "do_not_load"}
        assert needs_named_person(state, after) == bool(grave & {state, after})


@pytest.mark.parametrize(
    ("state", "after", "may"),
    [
        ("hold", "released", True),
        ("released", "examine", False),
        ("released", "cancellation_recorded", True),
        ("examine", "cancellation_recorded", False),
        ("examine", "amendment_recorded", False),
        ("accepted", "amendment_recorded", True),
        ("amendment_recorded", "released", True),
        ("not_accepted", "released", False),
        ("returned", "released", False),
        ("seized", "released", False),
        ("screening_requested", "assessment_complete", False),
        ("screening_requested", "pending", True),
        ("assessment_complete", "do_not_load", False),
        ("do_not_load", "pending", True),
    ],
)
def test_what_may_follow(state: State, after: State, may: bool) -> None:
    assert may_follow(state, after) is may


def test_what_is_no_state_is_an_error() -> None:
    with pytest.raises(KeyError):
        may_follow("released", "burnt")  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        needs_named_person("burnt", "released")  # type: ignore[arg-type]
