"""Archives: what they hold is read, and what is wrong with them is a finding, whatever they try."""

from __future__ import annotations

import gzip
import io
import os
import random
import warnings
import zipfile
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
from tidewaiter.formats import Reading, pieces
from tidewaiter.formats.unpacking import LIMITS, Limits, safe_name

CONSIGNMENTS = [make.consignment(reference=f"R-{n}") for n in range(4)]
LINES = b"".join(msgspec.json.encode(one) + b"\n" for one in CONSIGNMENTS)
REFERENCES = [one.reference for one in CONSIGNMENTS]


def zipped(members: Sequence[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that stand twice
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def readings(data: bytes, *, limits: Limits = LIMITS, whole_bytes: int = pieces.WHOLE_BYTES) -> list[Reading]:
    found = pieces.pieces(io.BytesIO(data), limits=limits, whole_bytes=whole_bytes)
    return [pieces.read(piece) for piece in found]


def references(found: Sequence[Reading]) -> list[str]:
    return [one.consignment.reference for reading in found for one in reading.declared]


def codes(found: Sequence[Reading]) -> list[str]:
    return [finding.code for reading in found for finding in reading.findings]


@pytest.mark.parametrize(
    "packed",
    [
        LINES,
        gzip.compress(LINES),
        gzip.compress(LINES[:900]) + gzip.compress(LINES[900:]),
        zipped([("a.txt", LINES)]),
        zipped([("a.txt", LINES)], method=zipfile.ZIP_STORED),
        zipped([("a.gz", gzip.compress(LINES))]),
        zipped([("folder/", b""), ("folder/a", LINES)]),
        b"".join([b"a stub before", zipped([("a", LINES)])])[13:],
    ],
)
def test_a_packed_file_is_told_by_its_bytes_and_read_as_what_it_holds(packed: bytes) -> None:
    found = readings(packed)

    assert references(found) == REFERENCES
    assert codes(found) == []


def test_each_member_is_read_in_its_own_format_and_named() -> None:
    sheet = b"reference,destination_country,description,quantity,line_total,currency\nS-1,GB,shirt,1,9.50,GBP\n"

    found = list(pieces.pieces(io.BytesIO(zipped([("x/day 1.csv", sheet), ("b", LINES), ("c", b"PNG")]))))

    assert [piece.member for piece in found] == ["x_day_1.csv", "b", "c"]
    assert [pieces.read(piece).format for piece in found] == ["csv", "json", ""]


def random_lines(count: int) -> bytes:
    """Lines that hardly pack."""
    chance = random.Random(7)
    made = (make.consignment(reference=chance.randbytes(15).hex()) for _ in range(count))
    return b"".join(msgspec.json.encode(one) + b"\n" for one in made)


def test_a_gzip_cut_off_gives_what_came_before_and_says_so() -> None:
    lines = random_lines(2000)
    packed = gzip.compress(lines)

    found = readings(packed[: len(packed) // 2], whole_bytes=10_000)

    assert codes(found) == ["PAK-01"]
    assert 500 < len(references(found)) < 1500


def test_nothing_is_taken_from_a_small_archive_that_is_damaged() -> None:
    packed = gzip.compress(LINES)

    assert codes(readings(packed[:-9])) == ["PAK-01"]
    assert codes(readings(packed[:-6] + b"\0\0" + packed[-4:])) == ["PAK-01"]
    assert references(readings(packed[:-9])) == []


def test_garbage_behind_a_gzip_is_told() -> None:
    assert codes(readings(gzip.compress(LINES) + b"garbage")) == ["PAK-01"]


def test_an_archive_that_swells_is_stopped_by_ratio_and_by_size() -> None:
    bomb = gzip.compress(LINES + b" " * (64 << 20))

    by_ratio = readings(bomb, limits=Limits(ratio_from=1 << 20), whole_bytes=10_000)
    by_size = readings(bomb, limits=Limits(bytes_max=2 << 20, ratio_max=10_000), whole_bytes=10_000)

    assert codes(by_ratio)[-1] == "PAK-02"
    assert codes(by_size)[-1] == "PAK-02"


def test_the_members_of_an_archive_are_counted_together() -> None:
    # Of nothing that is known: what begins by chance with a brace is taken for JSON.
    packed = zipped([(str(n), b"\x00" + os.urandom(99_999)) for n in range(10)])

    found = readings(packed, limits=Limits(bytes_max=550_000))

    assert codes(found) == ["MSG-03"] * 5 + ["PAK-02"] * 5


def test_members_that_share_their_bytes_do_not_swell_unseen() -> None:
    one = zipped([("a", b" " * (3 << 20))])
    listed, ended = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    entry = one[listed:ended]
    entries = b"".join(entry[:46] + bytes([n]) for n in range(0x41, 0x41 + 26))
    end = one[ended : ended + 12] + len(entries).to_bytes(4, "little") + one[ended + 16 :]
    overlapping = one[:30] + b"A" + one[31:listed] + entries + end

    found = readings(overlapping, limits=Limits(ratio_from=1 << 20))

    assert set(codes(found)) <= {"PAK-01", "PAK-02", "MSG-01"}
    assert codes(found).count("MSG-01") <= 1


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(gzip.compress(LINES)),
        gzip.compress(zipped([("a", LINES)])),
        zipped([("a.zip", zipped([("b", LINES)]))]),
        zipped([("a.gz", gzip.compress(gzip.compress(LINES)))]),
    ],
)
def test_an_archive_in_an_archive_is_not_opened(packed: bytes) -> None:
    assert codes(readings(packed)) == ["PAK-04"]


def test_more_members_than_are_read_are_refused_before_they_are_listed() -> None:
    packed = zipped([(str(n), b"") for n in range(30)])

    assert codes(readings(packed, limits=Limits(members_max=20))) == ["PAK-05"]
    assert codes(readings(packed, limits=Limits(members_max=2))) == ["PAK-05"]


def test_a_name_that_stands_twice_is_read_once() -> None:
    found = readings(zipped([("a", LINES), ("a", LINES)]))

    assert references(found) == REFERENCES
    assert codes(found) == ["PAK-06"]


def test_a_member_that_is_encrypted_is_told_and_the_others_are_read() -> None:
    packed = bytearray(zipped([("a", LINES), ("b", LINES)]))
    listed = packed.index(b"PK\x01\x02")
    packed[listed + 8] |= 1
    packed[6] |= 1

    found = readings(bytes(packed))

    assert codes(found) == ["PAK-03"]
    assert references(found) == REFERENCES


def test_a_method_that_is_not_read_is_told() -> None:
    assert codes(readings(zipped([("a", LINES)], method=zipfile.ZIP_LZMA))) == ["PAK-03"]


@pytest.mark.parametrize("size", [0, 10, 1_000_000, 0xFFFFFFFE])
@pytest.mark.parametrize("field", [20, 24])
def test_a_member_that_lies_about_its_size_is_told(size: int, field: int) -> None:
    packed = bytearray(zipped([("a", LINES)]))
    listed = packed.index(b"PK\x01\x02")
    packed[listed + field : listed + field + 4] = size.to_bytes(4, "little")

    found = readings(bytes(packed))

    assert references(found) in ([], REFERENCES)
    assert references(found) == REFERENCES or set(codes(found)) <= {"PAK-01", "PAK-02", "MSG-01"}
    assert references(found) or codes(found)


def test_a_zip_from_a_pipe_is_told_and_gzip_from_a_pipe_is_read() -> None:
    for data, expected, found_in in ((zipped([("a", LINES)]), ["PAK-07"], []), (gzip.compress(LINES), [], REFERENCES)):
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as into:
            into.write(data)
        with os.fdopen(reader, "rb") as file:
            found = [pieces.read(piece) for piece in pieces.pieces(file)]

        assert codes(found) == expected
        assert references(found) == found_in


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "_.._etc_passwd"), ("/etc/passwd", "_etc_passwd"), ("C:\\x\\y", "C_x_y"), ("..", "_"),
        ("a\nb", "a_b"), ("a\u202egpj.exe", "a\ufffdgpj.exe"), ("", "_"), ("x" * 300, "x" * 39 + "…"),
    ],
)  # fmt: skip
def test_a_name_is_shown_and_is_no_path(name: str, shown: str) -> None:
    assert safe_name(name) == shown


PACKED = [gzip.compress(LINES), zipped([("a", LINES), ("b/c.gz", gzip.compress(LINES))])]


@given(st.sampled_from(PACKED), st.data())
def test_no_archive_however_broken_raises(packed: bytes, data: st.DataObject) -> None:
    broken = bytearray(packed)
    for _ in range(data.draw(st.integers(0, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])

    found = readings(cut, whole_bytes=data.draw(st.sampled_from([100, 1 << 20])))

    assert codes(found) or references(found) in (REFERENCES, REFERENCES * 2)
