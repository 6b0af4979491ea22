"""A JSON message read by columns is the message read consignment by consignment: frames, findings and records."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import strategies
from test_json import BAD_FIELDS, HEAD
from tidewaiter import formats
from tidewaiter.cli import bench
from tidewaiter.formats import json as canonical_format
from tidewaiter.formats.json import columns as by_columns
from tidewaiter.formats.json import reading as canonical
from tidewaiter.formats.reading import InColumns, Reading
from tidewaiter.model.batch import SCHEMA, Batch
from tidewaiter.services.batches import batch_of

PLAIN = bench.consignments(4)
EXAMPLES = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
NEVER = 1 << 60

VALUES = (
    '"12.50"', "12.50", "0", '"0"', "7", "12", "1.0", '"0012"', '"1_000"', '"1e5"', "1e5", "-1", '"-1"', '"1.1234567"',
    '"999999999999.999999"', '"1000000000000"', "123456789012.123456", "1" * 40, '".5"', '"5."', "null", "true", "[]",
    "{}", "[1]", "[null]", '["a"]', '["a", "b"]', '[["a"]]', '[{"role": "seller"}, "b"]', '["a", {"role": "seller"}]',
    '[{}]', '{"amount": "1", "currency": "GBP"}', '{"amount": 1.5, "currency": "GBP"}', '{"amount": "1"}',
    '[{"role": "buyer"}]', '"\\u0041"', '"\\\\"', '"\\""', '"/"', '"a:1"', '"é漢"', '"a\u202eb"', '"a\x7fb"',
    '"\\ud800"', '"GB"', '"gb"', '"G"', '"EUR"', '""', '"2026-11-02"', '"2026-02-30"', '"2026-11-02T09:30:00Z"',
    '"2026-11-02T09:30:00.123456+01:00"', '"0001-01-01T00:00:00+23:00"', '"9999-12-31"',
    '"0001-01-01T00:00:00Z"', '"1850-01-01T00:00:00Z"', '"0001-01-01"', f'"{"x" * 36}"', '"sale"',
    '"seller"', '"original"', '"import"', '"[{"', '"}]"', '"},{"', '","', "2147483648", "99999999999",
)  # fmt: skip
NAMES = (
    "reference",
    "jurisdiction",
    "items",
    "parties",
    "price",
    "amount",
    "role",
    "mrn",
    "mr\\u006e",
    "colour",
    "",
    "a:5",
)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|-?[0-9][0-9.eE+-]*|true|false|null')


def altered(text: str, chance: random.Random, share: float) -> str:
    """The same with some of its values and names exchanged for others."""

    def exchanged(token: re.Match[str]) -> str:
        if chance.random() >= share:
            return token[0]
        if token[1] is None:
            return chance.choice(VALUES)
        return f'"{chance.choice(NAMES)}"{token[1]}' if chance.random() < 0.3 else token[0]

    return TOKEN.sub(exchanged, text)


def written(records: Sequence[Any], chance: random.Random) -> list[str]:
    """Each as JSON, in one of the ways in which software writes it."""
    style: dict[str, Any] = chance.choice(
        [{"separators": (",", ":")}, {}, {"indent": 2}, {"separators": (" ,\t", " :\r\n ")}]
    )
    is_ascii = chance.random() < 0.5
    return [json.dumps(record, ensure_ascii=is_ascii, **style) for record in records]


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A list, an envelope or lines; consignments that are good, bad, mixed, many of one shape. And whether as lines."""
    chance = draw(st.randoms(use_true_random=False))
    drawn = [msgspec.to_builtins(one) for one in draw(st.lists(strategies.consignments(), max_size=3))]
    plain = [json.loads(msgspec.json.encode(one)) for one in bench.consignments(3)]
    kinds = [json.loads(msgspec.json.encode(one)) for one in drawn] + plain
    share, is_lines = chance.choice([0, 0, 0.002, 0.02, 0.2]), chance.random() < 0.3
    texts = []
    for text in written(kinds, random.Random(5) if is_lines else chance):
        alike = altered(text, chance, chance.choice([0, 0, 0.05])) if chance.random() < 0.5 else text
        texts += [altered(alike, chance, share) for _ in range(chance.choice([1, 2, 12]))]
    if chance.random() < 0.5:
        chance.shuffle(texts)
    if is_lines:
        return "\n".join(" ".join(text.split("\n")) for text in texts).encode("utf-8", "surrogatepass"), True
    listed = f"[{chance.choice([',', ', ', chr(10) + ',' + chr(10)]).join(texts)}]"
    text = f'{{"consignments": {listed}}}' if chance.random() < 0.3 else listed
    return text.encode("utf-8", "surrogatepass"), False


def both(monkeypatch: pytest.MonkeyPatch, data: bytes, *, is_lines: bool = False) -> tuple[Reading, Reading]:
    """The message by columns, and consignment by consignment."""
    readings = []
    for least in (0, NEVER):
        monkeypatch.setattr(by_columns, "COLUMNS_MIN", least)
        readings.append(
            canonical.read_lines(data, "FR", before=3) if is_lines else canonical.read(data, jurisdiction="FR")
        )
    return readings[0], readings[1]


def assert_same(columns: Reading, records: Reading) -> None:
    assert columns == records
    assert [one.anchor for one in columns.declared] == [one.anchor for one in records.declared]
    # Not only equal: written the same, "1.50" as "1.50".
    assert msgspec.json.encode([one.consignment for one in columns.declared]) == msgspec.json.encode(
        [one.consignment for one in records.declared]
    )
    made = Batch.of([one.consignment for one in records.declared])
    for name in SCHEMA:
        assert_frame_equal(getattr(columns.batch(), name), getattr(made, name))


def test_long_messages_of_each_kind_are_read_by_columns() -> None:
    made = bench.consignments(40)
    encoded = [msgspec.json.encode(one) for one in made]
    listed = canonical_format.write(made)
    for data in (listed, b'{"consignments": %s}' % listed, b"\n".join(encoded)):
        columns = formats.read(data)

        assert isinstance(columns.declared, InColumns)
        assert not columns.declared.apart
        assert [one.consignment for one in columns.declared] == made


def test_lines_that_only_together_are_json_are_not_taken_for_consignments(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'{{{HEAD}, "items": [{{}}', "{}]}", f"{{{HEAD}}},{{{HEAD}}}", f"{{{HEAD}}}"]
    columns, records = both(monkeypatch, "\n".join(lines).encode(), is_lines=True)

    assert_same(columns, records)
    assert [one.anchor["at"] for one in columns.declared] == ["line 7 "]


@pytest.mark.parametrize(
    "text",
    [
        '{"consignments": [%s], "\\u0063onsignments": [%s, %s]}',
        '{"consignments": [%s], "consignments": [%s, %s]}',
        '{"\\u0063onsignments": [%s], "consignments": [%s, %s]}',
        '{"consignments": [%s, %s, %s], "more": 1}',
        '[%s, %s, [%s]]',
        '[%s, 5, %s, null, %s]',
        '[%s, {}, { }, %s, {"": 1}, %s]',
        '[%s, %s, %s] []',
        '[%s, %s, {"items": [{}], "reference": "A", "jurisdiction": "%.0sGB", "items": [{}]}]',
        '[%s, %s, %s, {"reference": "A", "jurisdiction": "GB", "items": [{}]}]',
        '[%s, %s, %s, {"reference": "A", "jurisdiction": "GB", "items": [{"net_mass": 1}, {}]}]',
        '[%s, %s, %s, {"reference": "A", "jurisdiction": "GB", "version": [1, 2]}]',
        '[%s, %s, %s, {"reference": "A", "jurisdiction": "GB", "transport": {}}]',
        '{"reference": "A", "jurisdiction": "GB", "items": [{}, {}]}%.0s%.0s%.0s',
        '[{}, {}, {}]%.0s%.0s%.0s',
    ],
)  # fmt: skip
def test_a_message_that_is_no_plain_list_is_read_as_by_records(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = f"{{{HEAD}}}"
    columns, records = both(monkeypatch, (text % (one, one, one)).encode())

    assert_same(columns, records)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1850-01-01T00:00:00Z"])
def test_an_instant_out_of_our_time_is_judged_as_by_records(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, records = both(monkeypatch, f'[{{{HEAD}, "issued_at": "{written}"}}, {{{HEAD}}}]'.encode())

    assert_same(columns, records)


@EXAMPLES
@given(message=messages())
def test_any_message_by_columns_is_the_message_by_records(message: tuple[bytes, bool]) -> None:
    data, is_lines = message
    with pytest.MonkeyPatch.context() as monkeypatch:
        columns, records = both(monkeypatch, data, is_lines=is_lines)

    assert_same(columns, records)


@settings(EXAMPLES, max_examples=15)
@given(messages=st.lists(messages(), min_size=1, max_size=3))
def test_many_messages_read_together_are_each_as_read_alone(messages: list[tuple[bytes, bool]]) -> None:
    bodies = [body for data, is_lines in messages for body in (data.split(b"\n") if is_lines else [data])]
    bodies += [b"", b"{", b'{"reference": "A"} {"reference": "B"}', b"[]", *map(msgspec.json.encode, PLAIN)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(by_columns, "MANY_MIN", 0)
        together = canonical.read_many(bodies, jurisdiction="FR")

    for one, alone in zip(together, (canonical.read(body, jurisdiction="FR") for body in bodies), strict=True):
        assert_same(one, alone)


def test_what_was_read_together_goes_apart_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_columns, "MANY_MIN", 0)
    readings = canonical.read_many([msgspec.json.encode(one) for one in PLAIN])
    within = [one.declared.within for one in readings if isinstance(one.declared, InColumns)]
    whole = within[0][0] if within[0] else None

    assert whole is not None
    assert [one and one[1] for one in within] == list(range(len(PLAIN)))
    for places in ([0, 1, 2, 3], [2, 0], [3], [1, 1]):
        made = Batch.of([PLAIN[place] for place in places])
        for name in SCHEMA:
            assert_frame_equal(getattr(whole.only(places), name), getattr(made, name))


def test_a_batch_of_messages_read_in_any_way_has_each_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [msgspec.json.encode(one) for one in PLAIN]
    apart = [canonical.read(body) for body in bodies]
    monkeypatch.setattr(by_columns, "MANY_MIN", 0)
    monkeypatch.setattr(by_columns, "COLUMNS_MIN", 0)
    first, again = canonical.read_many(bodies), canonical.read_many(bodies)
    listed = canonical.read(b"[%s]" % b",".join(bodies))
    for readings in (
        [first[0], apart[1], again[1], first[2], listed, apart[0], first[3]],
        [first[1], first[1], apart[2]],
        [apart[0], first[1], first[1]],
        [listed, first[0]],
        [first[2], first[0]],
        [],
    ):
        made = Batch.of([one.consignment for reading in readings for one in reading.declared])
        batch = batch_of(readings)
        for name in SCHEMA:
            assert_frame_equal(getattr(batch, name), getattr(made, name))


@pytest.mark.parametrize("field", [field for field, _, _ in BAD_FIELDS])
def test_a_bad_consignment_among_many_of_its_shape_is_read_by_itself(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = f"{{{HEAD}}}"
    data = f"[{', '.join([good] * 20 + [f'{{{HEAD}, {field}}}'] + [good] * 20)}]".encode("utf-8", "surrogatepass")
    columns, records = both(monkeypatch, data)

    assert_same(columns, records)
    if "ud800" not in field:  # half a character is no JSON, and such a message is read another way altogether
        assert isinstance(columns.declared, InColumns)
        assert list(columns.declared.apart) == [20]
