"""A JSON message read by the kernel in one pass is the message read consignment by consignment."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_json import BAD_FIELDS, HEAD
from test_json_columns import NEVER, assert_same, messages
from tidewaiter.cli import bench
from tidewaiter.formats import json as canonical_format
from tidewaiter.formats.json import columns as by_columns
from tidewaiter.formats.json import reading as canonical
from tidewaiter.formats.reading import InColumns, Reading
from tidewaiter.formats.spans import ended

pytest.importorskip("numba", reason="without numba there is no kernel")
HOSTILE = Path(__file__).parents[2] / "shared" / "data" / "hostile"
EXAMPLES = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True, scope="module")
def _ready() -> Iterator[None]:
    was = list(by_columns._PASSED)
    assert by_columns.ready()
    yield
    by_columns._PASSED[:] = was


def both(data: bytes, *, is_lines: bool = False) -> tuple[Reading, Reading]:
    """The message by the kernel, and consignment by consignment."""
    readings = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for least in (0, NEVER):
            monkeypatch.setattr(by_columns, "COLUMNS_MIN", least)
            readings.append(
                canonical.read_lines(data, "FR", before=3) if is_lines else canonical.read(data, jurisdiction="FR")
            )
    return readings[0], readings[1]


def is_passed(data: bytes) -> bool:
    opened = data.find(b"[") + 1
    return by_columns._passed(data, opened) is not None


def test_plain_messages_of_each_kind_are_read_by_the_kernel() -> None:
    made = bench.consignments(40)
    encoded = [msgspec.json.encode(one) for one in made]
    listed = canonical_format.write(made)

    assert is_passed(listed)
    for data in (listed, b'{"consignments": %s}' % listed, b"\n".join(encoded)):
        kernel, records = both(data)

        assert isinstance(kernel.declared, InColumns)
        assert not kernel.declared.apart
        assert_same(kernel, records)


@EXAMPLES
@given(message=messages())
def test_any_message_by_the_kernel_is_the_message_by_records(message: tuple[bytes, bool]) -> None:
    data, is_lines = message

    assert_same(*both(data, is_lines=is_lines))


@EXAMPLES
@given(chance=st.randoms(use_true_random=False))
def test_a_message_with_any_bytes_changed_is_judged_as_by_records(chance: random.Random) -> None:
    texts = [msgspec.json.encode(one) for one in bench.consignments(3)]
    name = json.dumps("Зоë 漢字 😀", ensure_ascii=False).encode()
    texts.append(texts[0].replace(b'"Pat Example"', name))
    changed = bytearray(b"[%s]" % b", ".join(texts))
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(changed))
        new = chance.choice([*b'{}[]:,"\\ \n\x00\x1f\x7f09.-eEtnu', 0x80, 0xC0, 0xC2, 0xE2, 0xED, 0xF0, 0xF4, 0xFF])
        changed[at : at + chance.choice([0, 1, 1, 2])] = bytes([new])[: chance.choice([0, 1, 1, 1])]

    assert_same(*both(bytes(changed)))


@settings(EXAMPLES, max_examples=6)
@given(messages=st.lists(messages(), min_size=1, max_size=3))
def test_many_messages_passed_together_are_each_as_read_alone(messages: list[tuple[bytes, bool]]) -> None:
    bodies = [body for data, is_lines in messages for body in (data.split(b"\n") if is_lines else [data])]
    bodies += [msgspec.json.encode(one) for one in bench.consignments(2)]
    alone = [canonical.read(body, jurisdiction="FR") for body in bodies]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(by_columns, "MANY_MIN", 0)
        together = canonical.read_many(bodies, jurisdiction="FR")

    for one, other in zip(together, alone, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize(
    "texts",
    [
        ['{"a": 1}, {"a": 1}', '{"a": 1}'],
        ['{"a": "', '"}'],
        ['{"a": [1', '{"b": 1}]}'],
        ['{"a": 1}]', '[{"a": 1}'],
    ],
)
def test_objects_that_only_together_are_a_list_are_not_passed(texts: list[str]) -> None:
    assert by_columns._passed_together([text.encode() for text in texts]) is None


@pytest.mark.parametrize("field", [field for field, _, _ in BAD_FIELDS])
def test_a_bad_consignment_among_many_has_the_findings_it_has_alone(field: str) -> None:
    good = f"{{{HEAD}}}"
    data = f"[{', '.join([good] * 20 + [f'{{{HEAD}, {field}}}'] + [good] * 20)}]".encode("utf-8", "surrogatepass")
    kernel, records = both(data)

    assert_same(kernel, records)
    if "ud800" not in field:  # half a character is no JSON, and such a message is read another way altogether
        assert isinstance(kernel.declared, InColumns)
        assert list(kernel.declared.apart) == [20]


def test_messages_read_one_after_another_and_at_once_say_nothing_of_each_other() -> None:
    """The room of one message is used for the next."""
    made = bench.consignments(60)
    parts = [made[:30], made[30:], made[10:12] * 40, made[50:51]]
    messages = [canonical_format.write(part) for part in parts] * 12

    def references(message: bytes) -> list[str]:
        passed = by_columns._passed(message, message.index(b"[") + 1)
        assert passed is not None
        batch = passed.batch()
        assert batch.items["row"].n_unique() == len(batch.consignments)
        return batch.consignments["reference"].to_list()

    wanted = [[one.reference for one in part] for part in parts] * 12
    assert list(map(references, messages)) == wanted
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(references, messages)) == wanted


def test_behind_the_bytes_of_a_message_stands_a_nought() -> None:
    for size in (*range(40), 4_096, 70_000):
        data = bytes(1 + number % 255 for number in range(size))

        assert ended(data).tobytes() == data + b"\0"


def test_a_list_cut_anywhere_is_judged_as_by_records() -> None:
    whole = json.dumps(
        [{**json.loads(f"{{{HEAD}}}"), "note": "\u00e9\ud83d\ude00\n", "is": [True, False, None, -1.5e3]}] * 2
    )
    for data in (whole, whole.replace(" ", "")):
        for cut in range(len(data)):
            assert_same(*both(data[:cut].encode()))


def test_more_different_days_than_the_kernel_tells_apart_are_read_another_way() -> None:
    days = [
        f'{{{HEAD}, "issued_at": "2026-01-{d:02}T{h:02}:{m:02}:00Z"}}'
        for d in range(1, 3)
        for h in range(24)
        for m in range(60)
    ]
    data = f"[{','.join(days)}]".encode()

    assert not is_passed(data)
    assert_same(*both(data))


def test_every_hostile_text_is_judged_as_by_records() -> None:
    paths = sorted(HOSTILE.rglob("*.json")) if HOSTILE.is_dir() else []
    if not paths:
        pytest.skip("the hostile suites are not on this machine")
    good = f"{{{HEAD}}}".encode()
    read = 0
    for path in paths:
        text = path.read_bytes()
        if len(text) > 200_000:
            continue
        read += 1
        for data in (text, b'[%s, {%s, "mrn": %s}, %s]' % (good, HEAD.encode(), text, good), b"[%s,%s]" % (good, text)):
            kernel, records = both(data)

            assert kernel == records, path.name

    assert read > 300
