"""EDIFACT: the tokenizer, the control counts, what is read into which field, and answers with their places."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from tidewaiter.formats import edifact
from tidewaiter.formats.edifact.kinds import KINDS
from tidewaiter.formats.edifact.places import Spot, spot_of
from tidewaiter.formats.edifact.reading import DIRECTORIES, read_stream
from tidewaiter.formats.edifact.tokens import (
    CHARACTER_SETS,
    SEGMENT_MAX,
    Flaw,
    Segment,
    Services,
    advice,
    segment,
    text_of,
    tokenise,
)
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.law import Law
from tidewaiter.model.answer import Answer, AnswerKind, AssessedTax, DialectError, Remark
from tidewaiter.model.consignment import Consignment, Equipment, GoodsLocation, Packaging, Statement, Transport
from tidewaiter.model.finding import Finding
from tidewaiter.model.money import Money
from tidewaiter.model.past import Past
from tidewaiter.services.clear import Message, clear_messages

SAMPLES = Path(edifact.__file__).parent / "samples"
UNB = "UNB+UNOC:3+EXAMPLE+SAMPLE+261102:0930+X1'"
HEAD = "BGM+929+REF-1+9'NAD+CM++++++++GB'UNS+D'CST+1+61091000:122+4000:117'"


def whole(*messages: str, type: str = "CUSDEC:D:21A:UN", head: str = UNB) -> bytes:
    """An interchange of these messages, each its segments between UNH and UNT, counted rightly.

    A declaration that does not come to its summary is given one: it must have it.
    """
    summary = "UNS+S'" if type.startswith("CUSDEC:D:21") else ""
    messages = tuple(body if "UNS+S'" in body else body + summary for body in messages)
    made = [
        f"UNH+{n}+{type}'{body}UNT+{body.count(chr(39)) - body.count('?' + chr(39)) + 2}+{n}'"
        for n, body in enumerate(messages, 1)
    ]
    return (head + "".join(made) + f"UNZ+{len(messages)}+X1'").encode("latin-1")


def segments(data: bytes) -> list[Segment]:
    return [token for token in tokenise([data]) if isinstance(token, Segment)]


def flaws(data: bytes) -> list[str]:
    return [token.kind.code for token in tokenise([data]) if isinstance(token, Flaw)]


def only(data: bytes, **asked: Any) -> Declared:
    [declared] = edifact.read(data, **asked).declared
    return declared


def in_item(body: str) -> Declared:
    return only(whole(f"{HEAD}{body}UNS+S'"))


def codes(declared: Declared) -> list[str]:
    return [finding.code for finding in declared.findings]


# --- tokens

_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f\x85"), max_size=8)
_any_script = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)
_signs = st.lists(st.sampled_from("!#$%&'()*+,-./:;<=>?@[]^_{|}~\x1c\x1d\x1e\x1f"), min_size=6, max_size=6, unique=True)


@st.composite
def _interchanges(draw: st.DrawFn) -> tuple[Services, list[Segment], bytes]:
    signs = draw(_signs)
    is_fourth = draw(st.booleans())
    services = Services(signs[0], signs[1], ".", signs[2], signs[3] if is_fourth else "", signs[4])
    texts, charset, name = (_any_script, "utf-8", "UNOW") if draw(st.booleans()) else (_values, "iso8859-1", "UNOC")
    elements = st.lists(texts, min_size=1, max_size=3).map(tuple)
    made = [segment("UNB", (name, "4" if is_fourth else "3"), "A", "B", ("261102", "0930"), "1")]
    for _ in range(draw(st.integers(0, 5))):
        row = draw(st.lists(elements, max_size=4).map(tuple))
        repeats: tuple[tuple[int, tuple[str, ...]], ...] = ()
        if is_fourth and row and draw(st.booleans()):
            repeats = ((len(row) - 1, draw(elements)),)
        made.append(Segment(draw(st.sampled_from(("BGM", "FTX", "A1B"))), row, repeats))
    text = advice(services) + draw(st.sampled_from(("", "\r\n", "\n"))).join(text_of(one, services) for one in made)
    return services, made, text.encode(charset)


@given(_interchanges(), st.integers(1, 7), st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_tokenised_again_whatever_the_signs_and_the_pieces(
    drawn: tuple[Services, list[Segment], bytes], size: int, marked: bool
) -> None:
    _, made, data = drawn
    if marked and b"UNOW" in data[:24]:
        data = b"\xef\xbb\xbf" + data
    tokens = list(tokenise(data[place : place + size] for place in range(0, len(data), size)))

    assert [msgspec.structs.replace(one, offset=0) for one in tokens if isinstance(one, Segment)] == made
    assert len(tokens) == len(made)


@given(st.binary(max_size=300), st.sampled_from((b"", UNB.encode(), b"UNA:+.? '", whole(HEAD)[:-9])))
@settings(max_examples=500, deadline=None)
def test_any_bytes_give_findings_and_never_an_exception(noise: bytes, before: bytes) -> None:
    reading = edifact.read(before + noise)

    assert reading.findings or all(one.findings for one in reading.declared)
    assert all(finding.code in {kind.code for kind in KINDS} for finding in reading.findings)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=5), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_a_sample_with_bytes_changed_reads_the_same_in_any_pieces(hits: list[tuple[int, int]], size: int) -> None:
    for path in sorted(SAMPLES.iterdir()):
        data = bytearray(path.read_bytes())
        for place, byte in hits:
            data[place % len(data)] = byte
        pieces = [bytes(data[at : at + size]) for at in range(0, len(data), size)]

        assert read_stream(pieces) == edifact.read(bytes(data))


def test_signs_come_from_una_and_without_it_from_the_standard() -> None:
    assert segments(b"UNA*|,! ~UNB|UNOA*2~FTX|A!|B*C!~~")[-1] == Segment("FTX", (("A|B", "C~"),), offset=20)
    assert segments(b"UNB+UNOA:2'FTX+A?+B:C?'?:??'")[-1].elements == (("A+B", "C':?"),)
    assert segments(b"UNA:+.  'UNB+UNOA:2'FTX+WHO?+WHERE?'")[-1].elements == (("WHO?",), ("WHERE?",))


@pytest.mark.parametrize("una", [b"UNA::.? '", b"UNAA+.? '", b"UNA:+.? \xc3", b"UNA:+.?++'", b"UNA\n+.? '"])
def test_signs_that_cannot_be_told_apart_are_a_finding_and_nothing_is_guessed(una: bytes) -> None:
    assert edifact.read(una + whole(HEAD)).declared == ()
    assert [finding.code for finding in edifact.read(una + whole(HEAD)).findings] == ["EDI-01"]


def test_a_line_feed_may_end_segments() -> None:
    data = b"UNA:+.? \nUNB+UNOA:2+A+B\r\nFTX+A\n\nBGM+1\n"

    assert [one.tag for one in segments(data)] == ["UNB", "FTX", "BGM"]
    assert flaws(data) == []


def test_repetition_is_of_version_four_alone() -> None:
    assert segments(b"UNB+UNOC:4'ABC+1*2*3'")[-1].repeats == ((0, ("2",)), (0, ("3",)))
    assert segments(b"UNB+UNOC:3'ABC+1*2*3'")[-1].elements == (("1*2*3",),)


@pytest.mark.parametrize("name", CHARACTER_SETS)
def test_the_character_set_is_the_one_that_unb_names(name: str) -> None:
    letters = {
        "ascii": "A", "iso8859-1": "é", "iso8859-2": "ł", "iso8859-5": "Ж", "iso8859-7": "Ω", "iso8859-3": "ħ",
        "iso8859-4": "ģ", "iso8859-6": "ع", "iso8859-8": "ש", "iso8859-9": "ğ", "iso8859-15": "€", "utf-8": "樣",
    }  # fmt: skip
    letter = letters[CHARACTER_SETS[name]]
    data = f"UNB+{name}:3'FTX+{letter}'".encode(CHARACTER_SETS[name])

    assert segments(data)[-1].elements == ((letter,),)
    assert flaws(data) == []


def test_bytes_outside_the_character_set_are_a_finding() -> None:
    assert flaws("UNB+UNOA:3'FTX+é'".encode()) == ["EDI-03"]
    assert flaws("UNB+UNOW:4'FTX+é'".encode("latin-1")) == ["EDI-03"]
    assert flaws(b"UNB+UNOX:3'FTX+A'") == ["EDI-02"]


def test_a_mark_says_what_the_character_set_is() -> None:
    text = "UNB+UNOA:3'FTX+樣'"
    for data in (b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), b"\xfe\xff" + text.encode("utf-16-be")):
        assert segments(data)[-1].elements == (("樣",),)
        assert edifact.sniff(data)


def test_line_breaks_between_segments_are_nothing_and_inside_a_warning() -> None:
    assert flaws(b"UNB+UNOA:1'\r\n\r\nBGM+1'\n \nFTX+A'\n") == []
    assert flaws(b"UNB+UNOA:1'FTX+A\r\nB'") == ["EDI-04"]
    assert segments(b"UNB+UNOA:1'FTX+A\r\nB'")[-1].elements == (("AB",),)


def test_what_is_far_too_long_is_refused_and_does_not_take_long() -> None:
    assert flaws(b"UNB+UNOA:1'FTX+" + b"A" * (SEGMENT_MAX + 9)) == ["EDI-05"]
    assert flaws(b"UNB+UNOA:1'FTX+" + b"?" * 3_000_000) == ["EDI-05"]
    assert flaws(b"UNB+UNOA:1'FTX" + b"+" * 5_000 + b"'BGM+1'") == ["EDI-05"]
    assert flaws(b"UNB+UNOA:1'FTX+" + b"?'" * 2_000_000) == ["EDI-05"]
    assert flaws(b"\r\n" * 2_000_000 + b"X") == ["EDI-06"]


def test_a_segment_knows_the_byte_at_which_it_begins() -> None:
    data = "UNB+UNOW:4'\r\nFTX+é'BGM+1'".encode()

    assert [data[one.offset : one.offset + 3].decode() for one in segments(data)] == ["UNB", "FTX", "BGM"]


# --- counts and references


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"UNT+7+1", b"UNT+8+1", "EDI-11"),
        (b"UNT+7+1", b"UNT++1", "EDI-11"),
        (b"UNT+7+1", b"UNT+7+2", "EDI-12"),
        (b"UNT+7+1'", b"", "EDI-09"),
        (b"UNZ+1+X1", b"UNZ+2+X1", "EDI-11"),
        (b"UNZ+1+X1", b"UNZ+1+X2", "EDI-12"),
        (b"UNZ+1+X1'", b"", "EDI-09"),
        (UNB.encode(), b"", "EDI-08"),
        (b"BGM", b"bgm", "EDI-07"),
        (b"UNT+7", b"UNT+\xb2", "EDI-11"),
    ],
)
def test_every_count_and_reference_is_checked_and_no_consignment_is_accepted_without(
    old: bytes, new: bytes, code: str
) -> None:
    good = whole(f"{HEAD}UNS+S'")
    bad = good.replace(old, new)

    assert codes(only(good)) == []
    assert code in codes(only(bad))
    assert all(finding.source_pointer for finding in only(bad).findings)


def test_groups_are_counted_too() -> None:
    body = f"UNH+1+CUSDEC:D:21A:UN'{HEAD}UNS+S'UNT+7+1'"
    good = f"{UNB}UNG+CUSDEC+A+B+261102:0930+G1+UN+D:21A'{body}UNE+1+G1'UNZ+1+X1'"

    assert codes(only(good.encode())) == []
    assert codes(only(good.replace("UNE+1", "UNE+2").encode())) == ["EDI-11"]
    assert codes(only(good.replace("UNE+1+G1", "UNE+1+G2").encode())) == ["EDI-12"]
    assert codes(only(good.replace("UNE+1+G1'", "").encode())) == ["EDI-09"]
    assert codes(only(good.replace("UNZ+1", "UNZ+3").encode())) == ["EDI-11"]
    mixed = good.replace("UNZ+1", body.replace("+1+CUSDEC", "+2+CUSDEC").replace("UNT+7+1", "UNT+7+2") + "UNZ+1")
    assert codes(edifact.read(mixed.encode()).declared[0]) == ["EDI-15"]


def test_a_reference_used_twice_is_a_finding() -> None:
    twice = whole(HEAD, HEAD).replace(b"UNH+2", b"UNH+1").replace(b"UNT+7+2", b"UNT+7+1")
    first, second = edifact.read(twice).declared
    again = edifact.read(whole(HEAD) * 2).declared

    assert (codes(first), codes(second)) == ([], ["EDI-13"])
    assert [codes(one) for one in again] == [[], ["EDI-13"]]


def test_a_fault_of_the_interchange_is_one_of_every_consignment_in_it() -> None:
    reading = edifact.read(whole(HEAD, HEAD).replace(b"UNZ+2", b"UNZ+3"))

    assert [codes(one) for one in reading.declared] == [["EDI-11"], ["EDI-11"]]
    assert reading.findings == ()


def test_a_message_of_another_kind_is_told_and_spoils_no_other() -> None:
    data = whole(HEAD, "BGM+220'").replace(b"UNH+2+CUSDEC", b"UNH+2+ORDERS")
    reading = edifact.read(data)

    assert [codes(one) for one in reading.declared] == [[]]
    assert [finding.code for finding in reading.findings] == ["EDI-20"]
    assert reading.dropped == ("interchange X1, message 2 2 ORDERS:D:21A:UN",)


def test_versions_are_known_by_their_directory() -> None:
    assert {"95B", "96B", "03B", "21A", "24A"} <= DIRECTORIES
    assert not {"95A", "24B", "93A"} & DIRECTORIES
    for type, found in (("D:95B", []), ("D:24A", []), ("D:93A", ["EDI-21"]), ("S:93A", ["EDI-21"])):
        assert codes(only(whole(HEAD + "UNS+S'", type=f"CUSDEC:{type}:UN"))) == found


def test_a_segment_that_must_stand_and_one_too_many_are_told_where_the_table_is_known() -> None:
    cut = whole(HEAD + "UNS+S'").replace(b"UNS+S'UNT+7", b"UNT+6")
    lacking = [(one.code, one.text.partition(": ")[2]) for one in only(cut).findings]
    crowded = only(whole(HEAD + "DTM+137:20261102:102'" * 7 + "UNS+S'"))

    assert lacking == [("EDI-33", "UNS.")]
    assert [(one.code, one.source_pointer) for one in crowded.findings if one.code == "EDI-34"] == [
        ("EDI-34", "interchange X1, message 1 1 CUSDEC:D:21A:UN, CST[1], segment 11 DTM")
    ]
    for old in ("D:95B", "D:20B"):
        assert codes(only(cut.replace(b"D:21A", old.encode()))) == []


def test_what_must_stand_in_a_group_is_told_by_the_group() -> None:
    report = "BGM+85+R-1+9'NAD+CA+++Example Line'CNI+1+HOUSE-1'RFF+HWB:HOUSE-1'LOC+11+GB'CNI+2'"
    found = {one.text.partition(": ")[2] for one in _all(edifact.read(whole(report, type="CUSCAR:D:24A:UN")))}

    assert "CNI[1]/RFF[1]/GID." in found


def _all(reading: Reading) -> list[Finding]:
    return [*reading.findings, *(finding for one in reading.declared for finding in one.findings)]


def test_a_segment_out_of_place_is_told_where_the_table_is_known() -> None:
    body = HEAD.replace("UNS+D'", "MOA+39:5:GBP'DTM+137:20261102:102'UNS+D'")

    assert codes(only(whole(body))) == ["EDI-22"]
    assert codes(only(whole(body, type="CUSDEC:D:96B:UN"))) == []
    assert only(whole(body)).consignment.issued_at is not None


def test_a_test_is_told() -> None:
    assert codes(only(whole(HEAD, head="UNB+UNOC:3+A+B+261102:0930+X1++++++1'"))) == ["EDI-14"]


# --- what is read


def sample(name: str) -> list[Consignment]:
    return [one.consignment for one in edifact.read((SAMPLES / name).read_bytes()).declared]


def test_a_parcel_is_read_field_by_field() -> None:
    [record] = sample("cusdec-gb-parcel.edi")
    [shirt, mug] = record.items

    assert (record.reference, record.jurisdiction, record.direction) == ("EDI-PARCEL-1", "GB", "import")
    assert (record.declaration_type, record.declaration_office) == ("IMD", "GB000001")
    assert record.issued_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert (record.tracking_id, record.order_id, record.category) == ("HM100004005CN", "SHOP-4711", "sale")
    assert record.transport == Transport(border_mode="5")
    assert (record.invoice_total, record.freight) == (Money(Decimal("31.40"), "GBP"), Money(Decimal("4.20"), "GBP"))
    assert [party.role for party in record.parties] == ["consignor", "consignee", "importer", "seller"]
    assert (record.parties[1].name, record.parties[1].email) == ("Zoë Example", "zoe.example+parcels@mail.example")
    assert (record.item_count, record.package_count, record.gross_mass) == (2, 1, Decimal("0.740"))
    assert (shirt.hs_code, shirt.origin_country, shirt.procedure) == ("61091000", "CN", "40")
    assert (shirt.previous_procedure, shirt.additional_procedures) == ("00", ("C07",))
    assert shirt.description == "Cotton T-shirt, knitted, for men 2 pieces, it's blue"
    assert (shirt.gross_mass, shirt.net_mass, shirt.quantity) == (Decimal("0.35"), Decimal("0.30"), Decimal(2))
    assert shirt.packages == (Packaging(type="CT", quantity=1, marks="ADDRESSED TO EXAMPLEHAM"),)
    assert mug.price == Money(Decimal("11.40"), "GBP")


def test_a_cargo_report_is_a_consignment_a_bill() -> None:
    first, second, third = sample("cuscar-manifest.edi")

    assert [one.reference for one in (first, second, third)] == ["EXBL0001", "EXBL0002", "EXBL0003"]
    assert (first.house_bill, first.master_bill, first.package_count) == ("EXBL0001", "EXMASTER1", 10)
    assert [len(one.items) for one in (first, second, third)] == [1, 2, 1]
    assert first.transport == Transport(border_mode="1", border_id="9999999", loading_place="CNSHA")
    assert [party.role for party in first.parties] == ["carrier", "consignor", "consignee"]
    assert first.parties[1].street == "1 EXAMPLE ROAD, SAMPLETOWN CN"
    assert first.items[0].equipment == (Equipment(id="EXMU0000001"),)
    assert {one.jurisdiction for one in (first, second, third)} == {"GB"}
    assert third.items[0].gross_mass == Decimal("2.4")


def test_an_express_report_is_a_consignment_a_line() -> None:
    scarf, papers = sample("cusexp-courier.edi")

    assert (scarf.reference, scarf.master_bill, scarf.channel) == ("EX100000402", "000-00000011", "express")
    assert scarf.items[0].customs_value == Money(Decimal("25.00"), "GBP")
    assert (papers.category, papers.items[0].customs_value) == ("documents", None)


def test_a_place_is_message_group_segment_element_and_component() -> None:
    reading = edifact.read((SAMPLES / "cusdec-group-utf8.edi").read_bytes())
    told = edifact.source_pointer(reading.declared[0], "/items/1/hs_code")

    assert told == (
        "interchange EX0002, message 1 1 CUSDEC:D:21A:UN, CST[2], segment 29 CST, element 2, component 1"
    )  # fmt: skip
    assert edifact.source_pointer(reading.declared[0], "/items/1/net_mass").endswith("CST[2], segment 29 CST")
    assert spot_of(told) == Spot("EX0002", 1, "1", "CUSDEC:D:21A:UN", "CST[2]", 29, "CST", 2, 1)
    assert spot_of("row 7, column “HS code”") is None


@given(
    st.builds(
        Spot,
        interchange=st.sampled_from(("", "X1")),
        count=st.just(1),
        message=st.just("M1"),
        type=st.just("CUSDEC:D:21A:UN"),
        groups=st.sampled_from(("", "CST[2]/MOA[1]")),
        number=st.integers(1, 99_999),
        tag=st.just("MOA"),
        element=st.integers(1, 99),
        component=st.integers(0, 9),
    )
)
def test_a_place_in_words_is_read_back(spot: Spot) -> None:
    assert spot_of(str(spot)) == spot


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ("MOA+77:1.2.3:GBP'", "EDI-23", "/items/0/price"),
        ("MOA+77:-1:GBP'", "EDI-23", "/items/0/price"),
        ("MOA+77:1e5:GBP'", "EDI-23", "/items/0/price"),
        ("MOA+77:5'", "EDI-25", "/items/0/price"),
        ("MOA+77:5:POUND'", "EDI-24", "/items/0/price"),
        ("LOC+27+CHINA'", "EDI-24", "/items/0/origin_country"),
        ("MEA+AAI+AAB+LBR:3'", "EDI-26", "/items/0/gross_mass"),
        ("MOA+77:5:GBP'MOA+77:6:GBP'", "EDI-27", "/items/0/price"),
        ("FTX+AAA+++A\x07B'", "EDI-24", "/items/0/description"),
        ("PAC+-1++CT'", "EDI-23", "/items/0/packages/0/quantity"),
        ("GEI+5+C0\x17:ADDPROC:ZZZ'", "EDI-24", "/items/0/additional_procedures/0"),
        ("FTX+LONG+++Sealed'", "EDI-24", "/items/0/statements/0/type"),
        (f"PAC+1++CT'PCI++MUGS:{'9' * 36}'", "EDI-24", "/items/0/packages/0/marks"),
    ],
)
def test_a_value_that_does_not_fit_is_a_finding_with_its_place(body: str, code: str, pointer: str) -> None:
    declared = in_item(body)

    assert codes(declared) == [code]
    assert declared.findings[0].pointer == pointer
    assert "segment 6" in declared.findings[0].source_pointer or "segment 7" in declared.findings[0].source_pointer


def test_the_head_tells_function_reference_and_country_or_is_faulty() -> None:
    assert codes(only(whole(HEAD.replace("+9'", "+Z'")))) == ["EDI-28"]
    assert codes(only(whole(HEAD.replace("REF-1", "")))) == ["EDI-29"]
    assert codes(only(whole(HEAD.replace("NAD+CM++++++++GB'", "")))) == ["EDI-30"]
    assert only(whole(HEAD.replace("NAD+CM++++++++GB'", "")), jurisdiction="FR").consignment.jurisdiction == "FR"
    assert only(whole(HEAD), jurisdiction="FR").consignment.jurisdiction == "GB"
    assert only(whole(HEAD.replace("+9'", "+1'"))).consignment.function == "cancellation"
    assert only(whole(HEAD.replace("929", "830"))).consignment.direction == "export"


@pytest.mark.parametrize(
    ("text", "format", "found"),
    [
        ("20261102", "102", datetime(2026, 11, 2, 12, tzinfo=UTC)),
        ("202611020930", "203", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        ("20261102093015", "204", datetime(2026, 11, 2, 9, 30, 15, tzinfo=UTC)),
        ("202611020930?+0100", "205", datetime(2026, 11, 2, 8, 30, tzinfo=UTC)),
        ("20261102093015-0230", "208", datetime(2026, 11, 2, 12, 0, 15, tzinfo=UTC)),
        ("20261102093015UTC", "304", datetime(2026, 11, 2, 9, 30, 15, tzinfo=UTC)),
    ],
)
def test_dates_are_read_in_the_format_that_is_named(text: str, format: str, found: datetime) -> None:
    body = HEAD.replace("NAD", f"DTM+137:{text}:{format}'NAD")

    assert only(whole(body)).consignment.issued_at == found
    for wrong in ("20261302", "2026", "02112026", "20261102093015XYZ"):
        faulty = only(whole(body.replace(text, wrong)))

        assert (codes(faulty), faulty.consignment.issued_at) == (["EDI-23"], None)


def test_what_has_no_field_is_named() -> None:
    declared = edifact.read(whole(f"{HEAD}FTX+AAA+++Mug'QVR+1:21'UNS+S'"))

    assert declared.dropped == (
        "interchange X1, message 1 1 CUSDEC:D:21A:UN, CST[1]/QVR[1], segment 7 QVR, element 1, component 1",
        "interchange X1, message 1 1 CUSDEC:D:21A:UN, CST[1]/QVR[1], segment 7 QVR, element 1, component 2",
    )


def test_what_says_nothing_where_it_stands_is_named_and_breaks_nothing() -> None:
    declared = edifact.read(whole(f"{HEAD}FTX+AAA+++Mug'GDS+1'MEA+AAI++NAR'FTX+ABV'UNS+S'"))
    [one] = declared.declared

    assert set(codes(one)) <= {"EDI-22"}, "a warning that a segment is out of its place"
    assert one.consignment.items[0].quantity_unit is None
    assert one.consignment.items[0].statements == ()
    for place in ("GDS, element 1", "MEA, element 3", "FTX, element 1"):
        assert any(place in dropped for dropped in declared.dropped), place


# --- writing and answering

NAMES = ("Zoë Example", "Іван Приклад", "مثال سامي", "李样本", "ตัวอย่าง", "ምሳሌ")


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_script_are_written_and_read_again(name: str) -> None:
    record = plain(parties=(make.party("consignee", name=name, kind=None, region="A region with a long name"),))

    assert only(edifact.write([record])).consignment == record


def plain(**what: Any) -> Consignment:
    """A consignment of what CUSDEC can say."""
    record = make.consignment(**{"accepted_on": None, **what})
    parties = tuple(msgspec.structs.replace(party, kind=None) for party in record.parties)
    return msgspec.structs.replace(record, parties=parties)


_texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Cf"), exclude_characters="\u2028\u2029"),
    min_size=1,
    max_size=17,
).map(lambda text: " ".join(text.split())).filter(bool)  # fmt: skip
_money = st.builds(Money, st.integers(0, 10**9).map(lambda n: Decimal(n).scaleb(-2)), st.sampled_from(("GBP", "CNY")))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    draw = data.draw
    item = make.item(description=draw(_texts), price=None, quantity_unit=None)
    item = msgspec.structs.replace(
        item,
        price=draw(_money),
        customs_value=draw(st.none() | _money),
        hs_code=draw(st.none() | st.sampled_from(("610910", "61091000"))),
        origin_country=draw(st.none() | st.just("CN")),
        preference=draw(st.none() | st.just("100")),
        packages=draw(st.lists(st.builds(Packaging, quantity=st.integers(0, 99)), max_size=2).map(tuple)),
        statements=draw(st.lists(st.builds(Statement, code=_texts, text=_texts), max_size=2).map(tuple)),
    )
    record = plain(
        reference=draw(_texts),
        items=[item] * draw(st.integers(0, 3)),
        paid=draw(st.none() | _money),
        freight=draw(st.none() | _money),
        incoterm=draw(st.none() | st.just("DDP")),
        incoterm_place=draw(st.none() | _texts),
        transport=draw(st.none() | st.builds(Transport, border_mode=st.just("4"), border_id=_texts)),
        location=draw(st.none() | st.builds(GoodsLocation, id=_texts, name=_texts)),
        equipment=draw(st.lists(st.builds(Equipment, id=_texts, seals=st.just(("S1", "S2"))), max_size=1).map(tuple)),
        version=draw(st.none() | st.integers(0, 99)),
        function=draw(st.sampled_from(("original", "amendment", "cancellation"))),
        direction=draw(st.sampled_from(("import", "export"))),
    )
    reading = edifact.read(edifact.write([record]))

    assert reading.declared[0].consignment == record
    assert reading.declared[0].findings == ()
    assert (reading.findings, reading.dropped) == ((), ())


def answered(answer: Answer) -> Answer:
    reading = edifact.read(edifact.answer([answer]))
    [read] = reading.answers

    assert reading.findings == ()
    return read


@pytest.mark.parametrize("kind", get_args(AnswerKind))
def test_every_kind_of_answer_is_written_and_read_again(kind: Any) -> None:
    taxes = AssessedTax(
        item=2, type="A00", base=Money(Decimal(100), "GBP"), rate=Decimal("12.5"), assessed=Money(Decimal(12), "GBP"),
        payable=Money(Decimal(12), "GBP"),
    )  # fmt: skip
    answer = Answer(
        kind=kind, id="A1", reference="REF-1", mrn="26GB1", version=1, status="STATE",
        sent_at=datetime(2026, 11, 2, 9, tzinfo=UTC), effective_at=datetime(2026, 11, 2, 8, tzinfo=UTC),
        statements=(Remark(code="R1", text="It's + so: yes?"),), appeal_office="GB1", contact_office="GB2",
        errors=(DialectError(code="E1", pointer="CST[2], segment 14 CST, element 2, component 1", text="Why."),),
        taxes=(msgspec.structs.replace(taxes, item=None), taxes),
    )  # fmt: skip

    assert answered(answer) == answer


def test_an_error_points_to_segment_element_and_component() -> None:
    declared = only((SAMPLES / "cusdec-wrong-count.edi").read_bytes())
    data = edifact.answer([Answer(kind="rejected", id="A1", reference="EDI-CUT-1", findings=declared.findings)])

    assert b"ERP+6+UNT:13:6'\nERC+EDI-11::ZZZ'" in data
    assert b"ERP+10:CST[1]/MOA[1]+MOA:11.1.2:6'\nERC+EDI-23::ZZZ'" in data
    [answer] = edifact.read(data).answers
    assert answer.errors[1].pointer == "CST[1]/MOA[1], segment 11 MOA, element 1, component 2"


def test_what_could_not_be_read_is_answered_with_contrl() -> None:
    bad = whole("BGM+220'", type="ORDERS:D:96A:UN").replace(b"UNT+3", b"UNT+4").replace(b"UNZ+1", b"UNZ+9")
    findings = edifact.read(bad).findings
    data = edifact.answer([Answer(kind="rejected", id="A1", reference=None, findings=findings)])
    whole_answer, message_answer = edifact.read(data).answers

    assert [finding.code for finding in findings] == ["EDI-20", "EDI-11", "EDI-11"]
    assert b"UNH+1+CONTRL:D:3:UN'\nUCI+X1+SENDER+RECIPIENT+4+29'\nUCM+1+ORDERS:D:96A:UN+4+14'" in data
    assert (whole_answer.kind, whole_answer.id, whole_answer.errors) == ("rejected", "X1", (DialectError(code="29"),))
    assert (message_answer.kind, message_answer.reference) == ("rejected", "1")


def test_a_place_in_contrl_counts_the_tag_as_the_first_element() -> None:
    finding = Finding(
        code="EDI-03", severity="error", pointer="", text="Bytes.",
        source_pointer="interchange X1, message 1 M1 CUSDEC:D:21A:UN, segment 6 MOA, element 1, component 2",
    )  # fmt: skip
    data = edifact.answer([Answer(kind="rejected", id="A1", reference=None, findings=(finding,))])

    assert b"UCS+6'\nUCD+21+2:2'" in data
    assert edifact.read(data).answers[-1].errors[-1].pointer == "segment 6, element 1, component 2"


def test_of_a_contrl_that_accepts_one_message_and_rejects_another_both_are_told() -> None:
    body = "UCI+X9+A+B+7'UCM+1+CUSDEC:D:96B:UN+7'UCM+2+CUSDEC:D:96B:UN+4+28'"
    reading = edifact.read(whole(body, type="CONTRL:D:3:UN"))

    assert [(one.kind, one.reference) for one in reading.answers] == [("accepted", "1"), ("rejected", "2")]
    assert reading.answers[1].errors == (DialectError(code="28"),)


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf", b"\r\n"])
def test_an_interchange_is_known_by_its_beginning(head: bytes) -> None:
    assert edifact.sniff(head + UNB.encode())
    assert edifact.sniff(head + b"UNA:+.? '\r\nUNB+UNOA:1")
    assert not edifact.sniff(head + b"UNBOXED,reference\n")
    assert not edifact.sniff(head + b"UNB, reference")


def test_a_tax_registration_that_is_no_text_is_a_finding_and_none_is_made() -> None:
    declared = only(whole(HEAD.replace("NAD+CM", "NAD+LC+IM\x0127'NAD+CM")))

    assert codes(declared) == ["EDI-24"]
    assert declared.consignment.fiscal_references == ()


def test_however_many_faults_there_are_no_consignment_is_left_without_its_error() -> None:
    bodies = [HEAD.replace("REF-1", f"REF-{n}") + "MOA+77:x:GBP'" * 60 + "UNS+S'" for n in range(300)]
    reading = edifact.read(whole(*bodies))

    assert len(reading.declared) == 300
    assert all("error" in {finding.severity for finding in one.findings} for one in reading.declared)
    assert sum(len(one.findings) for one in reading.declared) < 11_000
    assert codes(reading.declared[-1]) == ["EDI-31"]


def test_errors_are_not_crowded_out_by_warnings() -> None:
    broken = "FTX+AAI+++A\nB'" * 200
    declared = only(whole(HEAD + broken + "UNS+S'").replace(b"UNT+207", b"UNT+208"))

    assert "EDI-11" in codes(declared)
    assert len(declared.findings) < 110


@pytest.mark.parametrize(
    ("name", "decisions"),
    [
        ("cusdec-gb-parcel.edi", ["lodged"]),
        ("cusdec-group-utf8.edi", ["released", "released"]),
        ("cusexp-courier.edi", ["released", "not_accepted"]),
        ("cuscar-manifest.edi", ["accepted"] * 3),
        ("cusdec-wrong-count.edi", ["not_accepted"]),
    ],
)
def test_a_sample_is_cleared_and_answered_in_its_own_dialect(name: str, decisions: list[str], law: Law) -> None:
    message = Message(source=name, data=(SAMPLES / name).read_bytes())
    [cleared] = clear_messages([message], law=law, past=Past(), on=date(2026, 11, 2))
    answers = edifact.read(cleared.answers)

    assert [one.cleared.decision.control for one in cleared.consignments] == decisions
    assert answers.findings == ()
    assert {one.reference for one in answers.answers} == {one.consignment.reference for one in cleared.consignments}
    for one in cleared.consignments:
        for finding in one.cleared.findings:
            place = spot_of(finding.source_pointer)

            assert place is not None
            assert place.message


def test_what_is_no_interchange_of_ours_is_cleared_with_a_contrl(law: Law) -> None:
    data = whole("BGM+220'", type="ORDERS:D:96A:UN")
    [cleared] = clear_messages([Message(source="x", data=data)], law=law, past=Past(), on=date(2026, 11, 2))

    assert b"+CONTRL:D:3:UN'" in cleared.answers
    assert [one.kind for one in edifact.read(cleared.answers).answers] == ["rejected", "rejected"]
