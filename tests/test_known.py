"""Messages of a shape that was met before are read as if it never had been: to the last pointer, and only faster."""

from __future__ import annotations

import contextlib
import random
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import make
import strategies
from tidewaiter import formats
from tidewaiter.cli.bench import consignments
from tidewaiter.cli.bench_read import as_entry
from tidewaiter.formats import met, skeleton
from tidewaiter.formats.ens import known as known_ens
from tidewaiter.formats.ens import reading as ens
from tidewaiter.formats.known import Memory
from tidewaiter.formats.reading import InColumns, Reading
from tidewaiter.formats.skeleton import Saw, Segment
from tidewaiter.formats.wco_dms import known as known_wco_dms
from tidewaiter.formats.wco_dms import reading as wco_dms
from tidewaiter.model.batch import Batch
from tidewaiter.services.batches import findings_in

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "messages"


class Dialect(NamedTuple):
    """A format with a memory: how it reads with it, and without."""

    name: str
    memory: Memory[Any, Any, Any]
    read: Callable[..., Reading]
    by_tree: Callable[..., Reading]
    of_others: str


DIALECTS = (
    Dialect("wco_dms", known_wco_dms.MEMORY, wco_dms.read, wco_dms.by_tree, "wco-dms-uk-cds"),
    Dialect("ens", known_ens.MEMORY, ens.read, ens.by_tree, "ens-ics-uk"),
)
assert formats.ready()
each = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)

TEXTS = [
    *(b"|x| |  |two  blanks| a|a |a\nb|a\tb|&amp;|&lt;b&gt;|&#32;x|x&#9;|&nothing;|&|<b/>|<!-- c -->".split(b"|")),
    b"<b>1</b>",
    *(b"x<!-- c -->y|<![CDATA[x]]>|]]>|a>b|a<b|\x00|\x01|\x7f|\xff|\xc3\xa9|\xe3\x80\x80|\xe2\x80\xae".split(b"|")),
    *(b"\xef\xbf\xbf|\xed\xa0\x80|\xe4\xb8\xad\xe6\x96\x87|0|00|1|2|12|-1|+1|1.5|.5|5.|1e5|0.0000001".split(b"|")),
    *(b"999999999999|1000000000000|GB|gb|GBP|ABC|40|C07|TSP|TRC|HS|N750|740|750|300|9|13|INV|IMA|EX|H7|VQ|NE".split(b"|")),
    *(b"10600|GB000000000001|XX12|20261102|20261332|202611020915|202613020915Z|261102|0915|2561".split(b"|")),
    *(b"LX000000005CN|CC315A|CC313A|3.6|DEC|RES".split(b"|")),
    b"x" * 36, b"x" * 71, b"x" * 600, b"x" * 40_000,
]  # fmt: skip
PIECES = [
    *(b'< > </ /> "|<a/>|<a></a>|<a> </a>|<q:b/>|<?x?>|<!-- -->|<!DOCTYPE a>|</Declaration>|<Declaration>'.split(b"|")),
    *(b'<GOOITEGDS>|</GOOITEGDS>|<ITI/>|<Consignment/>|<Buyer/>|<UCR><x>1</x></UCR>|&amp;| xmlns="w"'.split(b"|")),
    *(b'xmlns:ie="u"| a="1"|\x00|<GovernmentAgencyGoodsItem/>|</GovernmentAgencyGoodsItem>|\n'.split(b"|")),
]
LEAF = re.compile(rb"<([^\s<>/!?]+)([^<>]*)>([^<>]*)</\1>")
GROUP = re.compile(rb"[ \t\r\n]*<([A-Z][^\s<>/!?]*)>(?:(?!<\1>).)*?</\1>", re.DOTALL)
ATTRIBUTE = re.compile(rb' (currencyID|unitCode|formatCode|schemeID|xmlns[:a-z0-9]*)="([^"]*)"')


def own_messages(name: str) -> list[bytes]:
    """Our samples, and declarations of one item and of several, alone and together."""
    format = formats.FORMATS[name]
    made = [as_entry(one) if name == "ens" else one for one in consignments(12)]
    several = [msgspec.structs.replace(one, items=one.items * 2) for one in made[:3]]
    samples = [path.read_bytes() for path in sorted((Path(formats.__path__[0]) / name / "samples").glob("*.xml"))]
    return [
        *samples,
        *(format.write([one]) for one in (*made[:6], *several)),
        format.write(made),
        format.write(made[:1] * 3),
    ]


def messages(dialect: Dialect) -> list[bytes]:
    """Our own and, where they are there, some of others."""
    of_others = sorted((SHARED / dialect.of_others).rglob("*.xml")) if SHARED.is_dir() else []
    of_others = [path for path in of_others if path.stat().st_size < 60_000 and "chema" not in path.stem]
    picked = random.Random(7).sample(of_others, min(len(of_others), 120))
    return [*own_messages(dialect.name), *(path.read_bytes() for path in picked)]


MESSAGES = {dialect.name: messages(dialect) for dialect in DIALECTS}


def is_read_alike(dialect: Dialect, message: bytes) -> bool:
    """Whether a message is the same without the memory, with it, when it was learnt of, and when it is known; and when
    it goes into columns, however few declarations it has."""
    plain = dialect.by_tree(message, jurisdiction="GB")
    if any(dialect.read(message, jurisdiction="GB") != plain for _ in range(3)):
        return False
    return is_laid_alike(dialect, message, plain)


def is_laid_alike(dialect: Dialect, message: bytes, plain: Reading) -> bool:
    """Whether a message of known shape is the same where it goes into columns, cut by the kernel and without it."""
    found = [one.findings for one in plain.declared]
    with in_columns():
        # What was found is told with the columns; a record is made of them only when it is asked for.
        for cut in (contextlib.nullcontext, without_kernel):
            with cut():
                laid = dialect.read(message, jurisdiction="GB")
                told = list(findings_in(laid))
                if told != found or laid != plain or not are_same(laid.batch(), plain.batch()):
                    return False
        return is_cut_alike(dialect.memory._saw, message) is not False


@contextlib.contextmanager
def in_columns() -> Iterator[None]:
    """Messages of known shape go into columns, however few declarations they have."""
    least, met.COLUMNS_MIN = met.COLUMNS_MIN, 1
    try:
        yield
    finally:
        met.COLUMNS_MIN = least


@contextlib.contextmanager
def without_kernel() -> Iterator[None]:
    """As where numba is not installed."""
    held = skeleton._SPREAD[:]
    skeleton._SPREAD.clear()
    try:
        yield
    finally:
        skeleton._SPREAD.extend(held)


def is_cut_alike(saw: Saw, message: bytes) -> bool | None:
    """Whether the kernel cuts a message as it is cut without it; None where it leaves it to that."""
    opened = saw.opened(message)
    spread = None if opened is None else saw.spread(opened)
    if opened is None or spread is None:
        return None
    cut = saw.cut(opened)
    if cut is None or (spread.around, spread.envelopes) != (cut.around, cut.envelopes):
        return False
    names, frames, items, rows, texts = spread.records
    told = [(names[n], first) for n, first in zip(frames.skeleton.tolist(), frames.first.tolist(), strict=True)]
    told += [(names[n], first) for n, first in zip(items.skeleton.tolist(), items.first.tolist(), strict=True)]
    segments = [Segment(name, [texts.words[n] for n in texts.listed[at : at + name.count("\0")]]) for name, at in told]
    of_rows = [row for row, record in enumerate(cut.records) for _ in record.items]
    every = [*(one.frame for one in cut.records), *(item for one in cut.records for item in one.items)]
    return segments == every and rows.tolist() == of_rows


def are_same(one: Batch, other: Batch) -> bool:
    """Whether two batches have the same frames, to the last type."""
    return all(
        getattr(one, name).schema == getattr(other, name).schema and getattr(one, name).equals(getattr(other, name))
        for name in Batch.frame_names()
    )


@st.composite
def changed(draw: st.DrawFn, message: bytes) -> bytes:
    """A message in which something is another text, another element, or another byte."""
    kind = draw(
        st.sampled_from(
            ["text", "text", "text", "taken", "drop", "twice", "swap", "piece", "byte", "attribute", "group", "groups"]
        )
    )
    leaves = list(LEAF.finditer(message))
    groups = list(GROUP.finditer(message))
    place = draw(st.integers(0, max(len(message) - 1, 0)))
    if kind == "byte":
        return message[:place] + bytes([draw(st.integers(0, 255))]) + message[place + 1 :]
    if kind == "piece" or not leaves or not groups:
        cut = message.find(b"<", place) if draw(st.booleans()) else place
        return message[:cut] + draw(st.sampled_from(PIECES)) + message[cut:]
    leaf = draw(st.sampled_from(leaves))
    if kind in ("text", "taken"):
        text = draw(st.sampled_from(TEXTS)) if kind == "text" else draw(st.sampled_from(leaves))[3]
        return message[: leaf.start(3)] + text + message[leaf.end(3) :]
    if kind == "swap":
        other = draw(st.sampled_from(leaves))
        first, last = sorted((leaf, other), key=lambda one: one.start())
        if first.end() > last.start():
            return message
        between = message[first.end() : last.start()]
        return message[: first.start()] + last[0] + between + first[0] + message[last.end() :]
    if kind == "attribute":
        attributes = list(ATTRIBUTE.finditer(message))
        if not attributes:
            return message
        one = draw(st.sampled_from(attributes))
        if draw(st.booleans()):
            return message.replace(one[0], b"", 1)
        told = draw(st.sampled_from([b"", b"GBP", b"usd", b"KGM", b"LBR", b"x", b"u&amp;v", b"a>b"]))
        return (
            message[: one.start(2)] + told + message[one.end(2) :]
            if draw(st.booleans())
            else message.replace(one[0], b"", 1)
        )
    one = draw(st.sampled_from(groups)) if kind.startswith("group") else leaf
    many = draw(st.integers(2, 3)) if kind in ("twice", "groups") else 0
    return message[: one.start()] + one[0] * many + message[one.end() :]


@each
def test_messages_are_read_alike_with_memory_and_without(dialect: Dialect) -> None:
    dialect.memory.forget()
    differ = [n for n, message in enumerate(MESSAGES[dialect.name]) if not is_read_alike(dialect, message)]

    assert not differ
    assert all(is_read_alike(dialect, message) for message in MESSAGES[dialect.name])


@each
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_changed_messages_are_read_alike_with_memory_and_without(dialect: Dialect, data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(MESSAGES[dialect.name]), "message")
    for _ in range(2):
        dialect.read(message)
    for _ in range(data.draw(st.integers(1, 3), "changes")):
        message = data.draw(changed(message), "changed")

    assert is_read_alike(dialect, message)


@each
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(declared=st.lists(strategies.consignments(), min_size=1, max_size=3))
def test_made_up_declarations_are_read_alike_with_memory_and_without(dialect: Dialect, declared: list[Any]) -> None:
    if dialect.name == "ens":
        declared = [msgspec.structs.replace(one, direction="entry", function="original") for one in declared]

    assert is_read_alike(dialect, formats.FORMATS[dialect.name].write(declared))


@each
def test_a_shape_is_known_when_it_comes_the_third_time(dialect: Dialect) -> None:
    first, other = (formats.FORMATS[dialect.name].write([one]) for one in known_pair(dialect.name))
    dialect.memory.forget()
    was_known = []
    for _ in range(3):
        cut = dialect.memory.cut(first)
        was_known.append(cut is not None and dialect.memory.reading(cut) is not None)
        dialect.read(first)
    cut = dialect.memory.cut(other)

    assert was_known == [False, False, True]
    assert cut is not None
    assert dialect.memory.reading(cut) is not None
    assert dialect.read(other) == dialect.by_tree(other) != dialect.by_tree(first)


def known_pair(name: str) -> list[Any]:
    """Two declarations with other texts, amounts and dates, and a name in Han, of one shape."""
    goods = [make.item(description=text, gross_mass=mass) for text, mass in (("cotton shirts", "1.25"), ("mugs", "2"))]
    pair = [make.consignment(reference=f"A-{n}", items=(one,)) for n, one in enumerate(goods)]
    parties = tuple(msgspec.structs.replace(one, name="\u4e2d\u6587 & Co.") for one in pair[1].parties)
    pair[1] = msgspec.structs.replace(pair[1], parties=parties)
    return [as_entry(one) for one in pair] if name == "ens" else pair


@each
def test_items_are_known_whatever_their_number(dialect: Dialect) -> None:
    format = formats.FORMATS[dialect.name]
    dialect.memory.forget()
    [one] = [as_entry(made) if dialect.name == "ens" else made for made in consignments(1)]
    many = [msgspec.structs.replace(item, sequence=n) for n, item in enumerate(one.items * 20, start=1)]
    message = format.write([msgspec.structs.replace(one, items=tuple(many), item_count=40)])
    for _ in range(2):
        dialect.read(format.write([one]))
    cut = dialect.memory.cut(message)

    assert cut is not None
    assert dialect.memory.reading(cut) is not None
    assert dialect.read(message) == dialect.by_tree(message)
    assert len(dialect.read(message).declared[0].consignment.items) == 40


STUFF = [
    "<a>", "</a>", "<b/>", "x", "yy", "zzz", "\n", "&amp;", "é", "中", ">", "</", "<", "/", "<I>", "</I>", "<!--",
    "-->", "]]>", "abcdefgh", "<dddddddd>", "</dddddddd>", "<a>x</a>", "<a>1</a>", "<a>22</a>", "<c>long text</c>",
    "<I><a>x</a></I>", "<I><a>yy</a></I>", "<e>é</e>", "<e>&lt;</e>", "<e>&#32;x</e>", "<e>a  b</e>",
]  # fmt: skip


def test_the_kernel_cuts_whatever_stands_in_a_record_as_it_is_cut_without() -> None:
    chance = random.Random(3)
    alike = []
    for _ in range(3_000):
        stuff = chance.choices(STUFF, k=chance.randrange(25))
        records = []
        for _ in range(chance.randrange(1, 12)):
            own = stuff.copy()
            for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
                at = chance.randrange(len(own) + 1)
                own[at : at + chance.randrange(2)] = chance.choices(STUFF, k=chance.randrange(2))
            if chance.random() < 0.1:
                stuff = own
            records.append(f"<R>{''.join(own)}</R>{chance.choice(['', chr(10)])}")
        saw = Saw(("R",), "I", single_blanks=chance.random() < 0.5, bare_items=True)
        alike.append(is_cut_alike(saw, f"<M>{''.join(records)}</M>".encode()))

    assert False not in alike
    assert alike.count(True) > 1_000


SWEPT = [
    *(b"x|0|1|2|1.5|-1|GB|N740|740|VQ|10600|a  b|a |\xc3\xa9|EX 1".split(b"|")),
    *(b"LX000000005CN|GB000000000001|202613020915".split(b"|")),
    b"x" * 36, b"x" * 71, b"x" * 600, None,
]  # fmt: skip
"""Texts that each field is tried with; None stands for no element."""


@each
def test_whatever_one_value_says_it_is_read_alike(dialect: Dialect) -> None:
    few = [as_entry(one) if dialect.name == "ens" else one for one in consignments(3)]
    ours = [one for one in own_messages(dialect.name) if len(one) < 12_000]
    ours.append(formats.FORMATS[dialect.name].write(few))
    every = [(message, leaf, text) for message in ours for leaf in LEAF.finditer(message) for text in SWEPT]
    for message in ours:
        for _ in range(2):
            dialect.read(message, jurisdiction="GB")
    wrong = []
    for message, leaf, text in random.Random(5).sample(every, 350):
        if text is None:
            is_alike = is_read_alike(dialect, message[: leaf.start()] + message[leaf.end() :])
        else:
            changed = message[: leaf.start(3)] + text + message[leaf.end(3) :]
            is_alike = is_laid_alike(dialect, changed, dialect.by_tree(changed, jurisdiction="GB"))
        if not is_alike:
            wrong.append((leaf[1], text))

    assert not wrong


@each
def test_many_declarations_go_into_columns(dialect: Dialect) -> None:
    dialect.memory.forget()
    made = [as_entry(one) if dialect.name == "ens" else one for one in consignments(met.COLUMNS_MIN + 30)]
    message = formats.FORMATS[dialect.name].write(made)
    plain = dialect.by_tree(message, jurisdiction="GB")
    read = [dialect.read(message, jurisdiction="GB") for _ in range(3)][-1]

    opened = dialect.memory._saw.opened(message)

    assert opened is not None
    assert dialect.memory._at_once(opened) is not None
    assert isinstance(read.declared, InColumns)
    assert are_same(read.batch(), plain.batch())
    assert read.declared[17] == plain.declared[17]
    assert read == plain


def test_declarations_with_other_things_around_them_go_into_columns_together() -> None:
    dialect = DIALECTS[0]
    dialect.memory.forget()
    head, *rest = formats.FORMATS["wco_dms"].write(consignments(40)).split(b"<md:WCOTypeName>DEC</md:WCOTypeName>")
    for place in range(0, 40, 3):
        rest[place] = b"<md:WCOTypeName>DEC</md:WCOTypeName>" + rest[place]
    for place in range(1, 40, 3):
        rest[place] = b"<md:Note>N</md:Note>" + rest[place]
    message = b"".join([head, *rest])
    read = [dialect.read(message, jurisdiction="GB") for _ in range(3)][-1]
    opened = dialect.memory._saw.opened(message)

    assert opened is not None
    assert dialect.memory._at_once(opened) is not None
    assert read == dialect.by_tree(message, jurisdiction="GB")
    assert len(read.dropped) == 13


@each
def test_one_faulty_declaration_among_many_is_told_as_if_all_were_read_one_by_one(dialect: Dialect) -> None:
    dialect.memory.forget()
    made = [as_entry(one) if dialect.name == "ens" else one for one in consignments(met.COLUMNS_MIN + 30)]
    message = formats.FORMATS[dialect.name].write(made)
    for _ in range(3):
        dialect.read(message, jurisdiction="GB")
    leaf = list(LEAF.finditer(message))[500]
    for text in (b"x" * 600, b"", b"1e5", b"\xe2\x80\xae"):
        changed = message[: leaf.start(3)] + text + message[leaf.end(3) :]

        assert dialect.read(changed, jurisdiction="GB") == dialect.by_tree(changed, jurisdiction="GB")


@each
def test_what_is_remembered_is_bounded(dialect: Dialect) -> None:
    [message] = [formats.FORMATS[dialect.name].write([one]) for one in known_pair(dialect.name)[:1]]
    dialect.memory.forget()
    for number in range(1_100):
        strange = message.replace(b"?>", b"?><!-- %d %s -->" % (number, b"x" * 1_900), 1)
        for _ in range(2):
            dialect.read(strange)
    skeletons = dialect.memory._around._known

    assert 0 < len(skeletons) < 1_025
    assert sum(len(key[1]) for key in skeletons) <= 2_000_000
    assert is_read_alike(dialect, message)


@each
def test_many_threads_may_read_at_once(dialect: Dialect) -> None:
    found = MESSAGES[dialect.name][:20]
    plain = [dialect.by_tree(message, jurisdiction="GB") for message in found]
    wrong: list[int] = []

    def read(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(80):
            n = chance.randrange(len(found))
            if chance.random() < 0.02:
                dialect.memory.forget()
            if dialect.read(found[n], jurisdiction="GB") != plain[n]:
                wrong.append(n)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
