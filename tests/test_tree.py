"""Untrusted XML as a tree: cut at its tags it is what expat makes of the whole."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewaiter import formats
from tidewaiter.formats import tree
from tidewaiter.formats.tree import Node, grow

SAMPLES = sorted(Path(formats.__path__[0]).glob("*/samples/*.xml"))
SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
COMMENT = b"<!-- -->"
"""With one behind it, a message is parsed as a whole."""
SMALL = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- one-two -->\n<a xmlns="u" xmlns:p="v" one="1"><p:b two="2">x</p:b>'
    b"<c> </c><d/><e><f>1 &amp; 2</f></e></a>"
)
PIECES = [
    *(b"< > / \" ' & = : ? ! ?> ]]> <<".split()),
    *(b"&amp; &lt; &#65; &#x41; &#0; &nothing; &#xD800;".split()),
    *(b"<a/> <a></a> </a> <q:b/> <?x?> <!---->".split()),
    b" ", b"\t", b"\r\n", b"\r", b"\n", b"\x00", b"\x01", b"\x7f", b"\x85", b"\xa0", b"\xff", b"\xc2\xa0", b"\xc3\xa9",
    b"\xef\xbf\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"x" * 40_000, b"<a> </a>", b"<a>\r\n</a>",
    b'<a b="1" b="2"/>', b'<a q:b="1"/>', b'<a xml:lang="x">t</a>', b'<a xmlns=""><b>1</b></a>', b"<a b='1\n2'> t </a>",
    b'<a xmlns:z="u"><z:b z:c="1">1</z:b></a>', b"<z:b/>", b"<a xmlns:q='n' c=' xmlns=\"k\"'><q:b>1</q:b><b/></a>",
    b' xmlns="w"', b' xmlns:p="w"', b' a="&amp;"', b' a="x>y"', b"<![CDATA[x]]>", b"<!DOCTYPE a>",
]  # fmt: skip


def told(node: Node | None) -> object:
    """All that the tree says, lists and tuples of children alike."""
    if node is None:
        return None
    own = (node.name, node.space, node.attributes, node.index, node.text, node.whole)
    return (*own, [told(child) for child in node.children])


def is_the_same_as_a_whole(data: bytes) -> bool:
    return told(grow(data).root) == told(grow(data + COMMENT).root)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_cut_at_its_tags_is_what_it_is_as_a_whole(path: Path) -> None:
    assert is_the_same_as_a_whole(path.read_bytes())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the messages of others are not in ../shared/data")
def test_the_messages_of_others_cut_at_their_tags_are_what_they_are_as_a_whole() -> None:
    paths = [path for folder in ("messages", "hostile") for path in (SHARED / folder).rglob("*.xml")]
    differ = [path.name for path in paths if not is_the_same_as_a_whole(path.read_bytes())]

    assert not differ
    assert len(paths) > 500


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([SMALL, *(path.read_bytes() for path in SAMPLES)]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=3),
)
def test_whatever_is_put_into_a_message_is_seen_as_it_is_in_the_whole(
    data: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for where, taken_out, put_in in changes:
        at = int(where * len(data))
        data = data[:at] + put_in + data[at + taken_out :]

    assert is_the_same_as_a_whole(data)


@pytest.mark.parametrize("put_in", PIECES, ids=lambda piece: ascii(piece[:12]))
@pytest.mark.parametrize(
    "before",
    [b"?>", b"-two", b"-->", b"<a", b" one", b"x</p:b>", b"</p:b>", b" </c>", b"<d/>", b"/>", b"1 &amp;", b"</e>"],
)
def test_an_odd_piece_is_seen_as_it_is_in_the_whole(before: bytes, put_in: bytes) -> None:
    assert is_the_same_as_a_whole(SMALL.replace(before, put_in + before))


def test_of_a_message_with_tags_met_before_nothing_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = [path for path in SAMPLES if path.stem == "gb-low-value-post"]
    data = path.read_bytes()
    before = grow(data)
    monkeypatch.setattr("xml.parsers.expat.ParserCreate", None)

    assert told(grow(data).root) == told(before.root)


def test_a_message_of_ever_new_tags_takes_no_long_time_and_is_not_remembered() -> None:
    data = b"<a>" + b"".join(b"<b%d/>" % number for number in range(100_000)) + b"</a>"
    root = grow(data).root

    assert root is not None
    assert len(root.children) == 100_000
    assert len(tree._tags_within(())) <= tree._TAGS_MAX


def test_reading_an_entry_leaves_nothing_to_be_collected() -> None:
    [path] = [path for path in SAMPLES if path.stem == "gb-air-mail"]
    data = path.read_bytes()
    formats.read(data)
    gc.collect()
    gc.disable()
    try:
        formats.read(data)

        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("inside", "many", "is_read"),
    [
        (b"<b>1</b>", tree.ELEMENTS_MAX - 1, True),
        (b"<b>1</b>", tree.ELEMENTS_MAX, False),
        (b"<b/>", tree.ELEMENTS_MAX - 1, True),
        (b"<b/>", tree.ELEMENTS_MAX, False),
    ],
)
def test_so_many_elements_are_read_and_no_more_however_they_end(inside: bytes, many: int, is_read: bool) -> None:
    grown = grow(b"<a>%s</a>" % (inside * many))

    assert (grown.root is not None) == is_read
    assert tree.may_have_too_many(b"<a>%s</a>" % (inside * many)) != is_read
