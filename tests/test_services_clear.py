from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from make import consignment, item
from tidewaiter.cli.bench import consignments
from tidewaiter.formats import FORMATS
from tidewaiter.formats.json import columns as json_columns
from tidewaiter.law import Law, load
from tidewaiter.model.consignment import Consignment
from tidewaiter.model.money import from_micro
from tidewaiter.model.past import Past
from tidewaiter.services.clear import ClearedMessage, Message, clear_messages, clear_readings, read_message
from tidewaiter.services.records import _as_text

DAY = date(2026, 11, 2)


@cache
def law() -> Law:
    return load()


def message(*records: Consignment, source: str = "test", **what: Any) -> Message:
    return Message(source=source, data=msgspec.json.encode(list(records)), **what)


def clear(*messages: Message, on: date = DAY) -> list[ClearedMessage]:
    return clear_messages(messages, law=law(), past=Past(), on=on)


def clear_untrusting(one: Message) -> ClearedMessage:
    [result] = clear_readings([one], [read_message(one)], law=law(), past=Past(), on=DAY, trust_stated_day=False)
    return result


def test_a_postal_sale_below_the_threshold_is_released_with_the_reason_for_every_zero() -> None:
    [result] = clear(message(consignment()))

    [one] = result.consignments
    assert one.cleared.decision.control == "released"
    assert one.cleared.totals.duty == "0.00"
    assert one.cleared.charges
    assert all(charge.why for charge in one.cleared.charges)
    assert [answer.kind for answer in one.answers][-1] == "released"
    assert one.cleared.law_digest == law().digest_of(one.cleared.jurisdiction)


def test_messages_cleared_together_give_what_they_give_one_by_one() -> None:
    several = [
        message(consignment(reference="A"), consignment(reference="B", jurisdiction="FR")),
        message(consignment(reference="C", items=(item(price="900 GBP"),))),
        Message(source="bad", data=b'{"reference"'),
        message(consignment(reference="D", category="gift")),
    ]

    assert clear(*several) == [result for one in several for result in clear(one)]


def test_a_message_read_by_columns_is_cleared_as_by_records(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        *consignments(20),
        consignment(
            reference="SUPPLEMENT",
            declaration_type="IMY",
            declared_acceptance=datetime(2026, 10, 31, 23, 30, tzinfo=UTC),
            accepted_on=None,
        ),
    ]
    listed = FORMATS["json"].write(records)
    bad = listed.replace(b'"quantity": "1"', b'"quantity": "-1"', 1)
    messages = [
        message(consignment(reference="ALONE")),
        *(Message(source=name, data=data) for name, data in (("long", listed), ("bad", bad))),
        message(consignment(reference="LAST")),
    ]
    by_way = []
    for least in (0, 1 << 60):
        monkeypatch.setattr(json_columns, "COLUMNS_MIN", least)
        by_way.append([clear(*messages), clear_messages(messages, law=law(), past=Past(), on=DAY, is_answered=False)])
    [by_columns, unanswered], [by_records, _] = by_way

    assert by_columns == by_records
    assert [one.records for one in unanswered] == [one.records for one in by_records]
    assert not any(one.answers or one.consignments for one in unanswered)
    assert [finding.code for finding in by_columns[2].cleared[0].findings if finding.severity == "error"] == ["JSN-10"]


def test_a_message_that_cannot_be_read_gives_findings_and_one_record_without_a_reference() -> None:
    [result] = clear(Message(source="bad", data=b'{"reference"'))

    assert result.consignments == ()
    [record] = result.records
    assert record.reference == ""
    assert record.decision.control == "not_accepted"
    assert [finding.code for finding in record.findings] == ["JSN-01"]
    assert b'"rejected"' in result.answers


def test_bytes_of_no_known_format_are_answered_all_the_same() -> None:
    [result] = clear(Message(source="bad", data=b"\x00\x01\x02 nothing of ours"))

    assert result.format == ""
    assert result.findings
    assert msgspec.json.decode(result.answers)[0]["kind"] == "rejected"


def test_what_could_not_be_read_whole_is_not_accepted_and_posts_nothing() -> None:
    record = msgspec.to_builtins(consignment(items=(item(price="900 GBP"),)), builtin_types=(Decimal, date))
    record["items"][0]["quantity"] = "1e3"

    [result] = clear(Message(source="test", data=msgspec.json.encode(record)))

    [one] = result.consignments
    assert "JSN-10" in [finding.code for finding in one.cleared.findings]
    assert one.cleared.decision.control == "not_accepted"
    assert one.postings == ()
    assert [answer.kind for answer in one.answers] == ["rejected"]


def test_a_finding_points_into_our_record_and_into_their_message() -> None:
    [result] = clear(message(consignment(reference="A"), consignment(reference="B", items=(item(hs_code=None),))))

    finding = next(f for f in result.consignments[1].cleared.findings if f.pointer == "/items/0/hs_code")
    assert finding.source_pointer == "/1/items/0/hs_code"
    assert finding.text
    assert finding.remedy


def test_the_day_of_acceptance_is_the_one_given_unless_the_message_states_it() -> None:
    stated = message(consignment(accepted_on=date(2026, 3, 3)))
    silent = message(consignment(accepted_on=None))

    [first, second] = clear(stated, silent)

    assert first.consignments[0].cleared.accepted_on == date(2026, 3, 3)
    assert second.consignments[0].cleared.accepted_on == DAY


def test_a_sender_cannot_choose_the_law_by_stating_another_day() -> None:
    result = clear_untrusting(message(consignment(accepted_on=date(2021, 3, 3))))

    assert result.consignments[0].cleared.accepted_on == DAY


@pytest.mark.parametrize(
    ("tax_point", "expected"),
    [(datetime(2026, 9, 30, 23, 30, tzinfo=UTC), date(2026, 10, 1)), (datetime(2027, 1, 1, tzinfo=UTC), DAY)],
)
def test_the_tax_point_of_a_supplementary_declaration_holds_in_local_time_but_never_after_the_day_of_lodging(
    tax_point: datetime, expected: date
) -> None:
    record = consignment(accepted_on=None, declaration_type="IMY", declared_acceptance=tax_point)

    result = clear_untrusting(message(record))

    assert result.consignments[0].cleared.accepted_on == expected


def test_no_answer_to_the_sender_holds_a_word_of_what_risk_saw() -> None:
    records = [consignment(reference=f"R{n}") for n in range(200)]
    drawing = replace(law(), draw_share_ppm=300_000)

    [result] = clear_messages([message(*records)], law=drawing, past=Past(), on=DAY)

    signals = [signal for one in result.consignments for signal in one.signals]
    told = msgspec.json.encode([one.answers for one in result.consignments]) + msgspec.json.encode(result.records)
    assert signals
    for signal in signals:
        assert signal.profile.encode() not in told
        assert signal.reason.encode() not in told


def test_two_senders_answers_have_different_numbers() -> None:
    [mine, theirs] = clear(message(consignment(), sender="one"), message(consignment(), sender="two"))

    ids = [answer.id for result in (mine, theirs) for one in result.consignments for answer in one.answers]
    assert len(ids) == len(set(ids))


def test_totals_are_the_sums_of_the_charges() -> None:
    records = [consignment(reference="A", items=(item(price="900 GBP", hs_code="42023100"), item()))]
    records.append(consignment(reference="B", jurisdiction="DK", items=(item(price="40 EUR"),)))

    [result] = clear(message(*records))

    for one in result.consignments:
        for kind, total in (("duty", one.cleared.totals.duty), ("tax", one.cleared.totals.tax)):
            amounts = [Decimal(charge.amount or "nan") for charge in one.cleared.charges if charge.type == kind]
            assert total is not None
            assert Decimal(total) == sum(amounts)
    assert Decimal(result.consignments[0].cleared.totals.tax or 0) > 0


def test_totals_are_null_where_a_charge_is_unknown() -> None:
    [result] = clear(message(consignment(items=(item(price="900 GBP", hs_code="00000000"),))))

    [one] = result.consignments
    assert one.cleared.totals.duty is None
    assert one.cleared.decision.control == "hold"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(10**18), 10**18)), min_size=1, max_size=20))
def test_amounts_in_columns_become_the_text_the_model_gives(amounts: list[int | None]) -> None:
    told = pl.DataFrame({"micro": pl.Series(amounts, dtype=pl.Int64)}).select(_as_text("micro"))["micro"].to_list()

    assert told == [None if micro is None else str(from_micro(micro)) for micro in amounts]


def test_every_kind_of_finding_has_one_meaning() -> None:
    from tidewaiter import assessment, checks, formats

    codes = [kind.code for room in (formats, checks, assessment) for kind in room.KINDS]

    assert len(codes) == len(set(codes))
