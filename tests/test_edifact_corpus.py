"""EDIFACT against files and tables of others: every file is tokenised whole, every table of groups is the UN's.

Run with `-s` to see the figures: segments by file, messages read of total by type and version, each miss explained.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tidewaiter.formats import edifact
from tidewaiter.formats.edifact.reading import ANSWERS, DECLARATIONS
from tidewaiter.formats.edifact.structure import GRAMMARS, Member
from tidewaiter.formats.edifact.tokens import Flaw, Segment, tokenise

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
HOSTILE = DATA / "hostile" / "edifact"
TABLES = DATA / "messages" / "edifact-customs" / "spec"
OWN = Path(edifact.__file__).parent / "samples"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the samples of others are not in ../shared/data")

NOT_SEGMENTS = {
    # Lines of a laboratory's own form stand between UNB and UNZ, all one segment without a tag.
    "hl7.lab": 1,
}
NOT_EDIFACT = {"LICENSE"}


def files() -> list[Path]:
    """Every file that holds service segments: those beside the code, and those of others wherever they lie."""
    theirs = [*(DATA / "messages").rglob("*"), *HOSTILE.rglob("*")] if DATA.is_dir() else []
    found = [path for path in theirs if path.is_file() and path.suffix not in (".gz", ".xml", ".json", ".xsd", ".xlsx")]
    return [
        *sorted(OWN.iterdir()),
        *(path for path in sorted(found) if b"UNH" in path.read_bytes() or b"UNB" in path.read_bytes()[:999]),
    ]


def counted(data: bytes) -> Counter[str]:
    """How many segments of each tag, character by character, by the signs of the last UNA: slow and plain to see."""
    text = data.decode("utf-8-sig", "replace") if data[:3] == b"\xef\xbb\xbf" else data.decode("latin-1")
    release, terminator, element = "?", "'", "+"
    tags: Counter[str] = Counter()
    here, place, released = "", 0, False
    while place < len(text):
        if not here and text.startswith("UNA", place):
            element, release, terminator = text[place + 4], text[place + 6], text[place + 8]
            place += 9
            continue
        char = text[place]
        place += 1
        if not here and char in "\r\n \t\x00\x1a":
            continue
        if released:
            here, released = here + char, False
        elif char == release and release != " ":
            here, released = here + char, True
        elif char == terminator:
            tags[here.split(element)[0]] += 1
            here = ""
        else:
            here += char
    return tags


@needs_data
def test_every_file_is_tokenised_and_no_segment_is_lost() -> None:
    seen = 0
    for path in files():
        data = path.read_bytes()
        begun = time.process_time()
        tokens = list(tokenise([data]))
        took = time.process_time() - begun
        tags = Counter(token.tag for token in tokens if isinstance(token, Segment))
        flaws = Counter(token.kind.code for token in tokens if isinstance(token, Flaw))
        expected = counted(data)
        odd = Counter({tag: count for tag, count in expected.items() if not (len(tag) == 3 and tag.isupper())})
        print(f"{path.name:28} {len(data):>9,} bytes {tags.total():>7,} segments {took:6.3f} s  {dict(flaws) or ''}")
        seen += 1

        assert tags == expected - odd, path.name
        assert odd.total() == NOT_SEGMENTS.get(path.name, 0), path.name
    print(f"{seen} files")

    assert seen >= 22


@needs_data
def test_every_message_is_read_or_it_is_told_why_not() -> None:
    total: Counter[str] = Counter()
    read: Counter[str] = Counter()
    why: dict[str, Counter[str]] = {}
    for path in files():
        data = path.read_bytes()
        found = [token for token in tokenise([data]) if isinstance(token, Segment) and token.tag == "UNH"]
        reading = edifact.read(data)
        codes = Counter(finding.code for finding in reading.findings)
        for one in found:
            name = f"{one.at(1)} {one.at(1, 1)}.{one.at(1, 2)}"
            total[name] += 1
            if one.at(1) in (*DECLARATIONS, *ANSWERS):
                read[name] += 1
            else:
                why.setdefault(name, Counter()).update(["EDI-20 not a customs message"])

                assert codes["EDI-20"] or codes["EDI-31"], path.name
        of_customs = sum(one.at(1) in (*DECLARATIONS, *ANSWERS) for one in found)
        assert len(reading.declared) + len(reading.answers) >= of_customs, path.name
        assert codes or reading.declared or reading.answers
    for name in sorted(total):
        print(f"{name:18} {read[name]:>5} of {total[name]:>5}  {dict(why.get(name, {})) or ''}")
    customs = sum(count for name, count in total.items() if name[:6] in (*DECLARATIONS, *ANSWERS))
    print(f"{read.total()} of {total.total()} messages read; of {customs} customs messages {read.total()}")

    assert read.total() == customs


def folded(group: Member) -> list[object]:
    return [(one.tag, one.number, one.most, one.is_needed, folded(one)) for one in group.members]


def theirs(node: ElementTree.Element) -> list[object]:
    found: list[object] = []
    for one in node:
        if one.tag in ("group", "segment") and one.get("id") not in ("UNH", "UNT"):
            below, called = theirs(one), one.get("id", "")
            tag = one.findall("segment")[0].get("id") if one.tag == "group" else called
            number = int(called[2:]) if one.tag == "group" else 0
            found.append((tag, number, int(one.get("maxrepeat", "1")), one.get("required") == "true", below))
    return found


@needs_data
@pytest.mark.parametrize("directory", ["d21a", "d24a"])
@pytest.mark.parametrize("message", [*DECLARATIONS, "CUSRES"])
def test_the_groups_of_a_message_are_those_of_the_directory(message: str, directory: str) -> None:
    path = TABLES / directory / f"{message.lower()}.xml"
    if not path.exists():
        pytest.skip("the tables of the directories are not in ../shared/data/messages/edifact-customs")

    assert folded(GRAMMARS[message]) == theirs(ElementTree.parse(path).getroot())


@needs_data
def test_hostile_files_cut_and_changed_give_findings_in_time() -> None:
    tried, slowest = 0, 0.0
    for path in files():
        data = path.read_bytes()
        if len(data) > 100_000:
            continue
        for step in range(150):
            broken = bytearray(data)
            for hit in range(1 + step % 4):
                broken[(step * 7_919 + hit * 104_729) % len(broken)] = (step * 31 + hit * 97) % 256
            if step % 3 == 0:
                del broken[(step * 6_151) % len(broken) :]
            begun = time.process_time()
            reading = edifact.read(bytes(broken))
            slowest = max(slowest, time.process_time() - begun)
            tried += 1

            assert reading.findings or reading.declared or reading.answers
    print(f"{tried} broken files, the slowest {slowest:.3f} s")

    assert slowest < 1


def test_what_swells_when_it_is_read_is_bounded() -> None:
    head = "UNB+UNOC:3+A+B+261102:0930+X1'UNH+1+CUSCAR:D:95B:UN'BGM+85+1+9'"
    swollen = {
        "parties for every bill": head + "NAD+CZ+++A'" * 9_000 + "CNI+1'RFF+BM:1'" * 9_000,
        "faults for every bill": head + "NAD+CZ+++A+++++QQQ'" * 3_000 + "CNI+1'RFF+BM:1'" * 9_000,
        "procedures": head + "CNI+1'RFF+BM:1'GID+1'" + "".join(f"GIS+{n:03X}:ADDPROC'" for n in range(4_000)) * 5,
        "groups in groups": head + "CNI+1'" + "RFF+BM:1'GID+1'" * 9_000,
        "one description": head + "CNI+1'RFF+BM:1'GID+1'" + "FTX+AAA+++AB'" * 20_000,
        "amounts that wait": head + "CNI+1'RFF+BM:1'GID+1'" + "MOA+77:1'" * 20_000,
    }
    for name, text in swollen.items():
        begun = time.process_time()
        reading = edifact.read(text.encode())
        took = time.process_time() - begun
        print(f"{name:24} {len(text):>9,} bytes {len(reading.declared):>6,} consignments {took:6.3f} s")

        assert all(one.findings for one in reading.declared)
        assert took < 5


def test_memory_is_bounded_by_one_segment_however_long_the_file() -> None:
    """A hundred megabytes go through in pieces; nothing is held but what is open."""
    import tracemalloc

    piece = b"FTX+AAA+++A text of some length that says little about goods'" * 200
    pieces = (piece for _ in range(300))
    tracemalloc.start()
    held = sum(1 for _ in tokenise(pieces))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held == 60_000
    assert peak < 2_000_000
