"""Lists of denied parties brought in, held against what is lodged, and against what stands when they change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from make import consignment, party
from tidewaiter.law import Law
from tidewaiter.services.clear import Message
from tidewaiter.services.list_forms import ListError, read_list
from tidewaiter.services.lodge import Lodged, lodge
from tidewaiter.services.screen import bring_in, held, screen_again, state
from tidewaiter.services.show import show_to_filer, show_to_officer
from tidewaiter.store import Store, open_store

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


def un(*names: str) -> bytes:
    people = "".join(
        f"<INDIVIDUAL><DATAID>{place}</DATAID><FIRST_NAME>{name.split()[0]}</FIRST_NAME>"
        f"<SECOND_NAME>{' '.join(name.split()[1:])}</SECOND_NAME><REFERENCE_NUMBER>XXi.{place:03}</REFERENCE_NUMBER>"
        "<UN_LIST_TYPE>Made up</UN_LIST_TYPE><NATIONALITY><VALUE>Norway</VALUE></NATIONALITY>"
        "<INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>The Ferryman</ALIAS_NAME></INDIVIDUAL_ALIAS>"
        "<INDIVIDUAL_DATE_OF_BIRTH><DATE>1971-04-09</DATE></INDIVIDUAL_DATE_OF_BIRTH>"
        "<INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>K-009 9123</NUMBER>"
        "</INDIVIDUAL_DOCUMENT></INDIVIDUAL>"
        for place, name in enumerate(names, 1)
    )
    return (
        f'<CONSOLIDATED_LIST dateGenerated="2026-10-01T00:00:00"><INDIVIDUALS>{people}</INDIVIDUALS>'
        "</CONSOLIDATED_LIST>"
    ).encode()


CANADA = b"""<data-set><record><Country>Nowhere / Nulle part</Country><LastName>Danaghi</LastName>
<GivenName>Yusuf Karimullah</GivenName><DateOfBirthOrShipBuildDate>1971</DateOfBirthOrShipBuildDate>
<Schedule>1, Part 1</Schedule><Item>1</Item><DateOfListing>2026-09-28</DateOfListing></record></data-set>"""
OFAC = b"""<sdnList xmlns="https://example.org/sdn"><publshInformation><Publish_Date>09/28/2026</Publish_Date>
</publshInformation><sdnEntry><uid>7</uid><firstName>Yusuf Karimullah</firstName><lastName>DANAGHI</lastName>
<sdnType>Individual</sdnType><programList><program>MADE-UP</program></programList><akaList><aka>
<category>weak</category><lastName>The Ferryman</lastName></aka></akaList></sdnEntry></sdnList>"""
SDN = (
    b'7,"DANAGHI, Yusuf Karimullah","individual","MADE-UP"'
    + b",-0- " * 7
    + b',"DOB 09 Apr 1971; Passport K0099123 (Norway)."\r\n'
)
ALT = b'7,12,"aka","DANAGHI, Yousef",-0- \r\n'
EU = b"""<export xmlns="https://example.org/eu" generationDate="2026-09-28T10:00:00">
<sanctionEntity euReferenceNumber="EU.1.1">
<subjectType code="person"/><nameAlias wholeName="Yusuf Karimullah Danaghi" strong="true"/>
<birthdate birthdate="1971-04-09"/><citizenship countryIso2Code="NO"/></sanctionEntity></export>"""
UK = (
    b"Report Date: 28-Sep-2026\r\n"
    b"Last Updated,Unique ID,Name 6,Name 1,Name 2,Designation Type,D.O.B,Nationality(/ies)\r\n"
    b"28/09/2026,XXX0001,DANAGHI,Yusuf,Karimullah,Individual,09/04/1971,Norway\r\n"
)


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("un", [un("Yusuf Karimullah Danaghi")]), ("canada", [CANADA]), ("ofac-xml", [OFAC]), ("ofac-csv", [SDN, ALT]),
        ("eu", [EU]), ("uk", [UK]),
    ],
)  # fmt: skip
async def test_each_form_is_read(form: str, files: list[bytes]) -> None:
    read = read_list(form, files)
    [one] = read.parties

    assert (one.kind, one.names[0].title()) == ("person", "Yusuf Karimullah Danaghi")
    assert read.dated in (date(2026, 9, 28), date(2026, 10, 1), None)


@pytest.mark.parametrize("form", ["un", "canada", "ofac-xml", "ofac-csv", "eu", "uk"])
@pytest.mark.parametrize(
    "data",
    [
        b"", b"<", b"<html>gone</html>", b"\x00\xff" * 50, un("A B")[:-30], b"a,b\n1,2,3\n", b"<CONSOLIDATED_LIST/>",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><CONSOLIDATED_LIST>&b;</CONSOLIDATED_LIST>',
        b"<data-set>" + b"<record>" * 10_000,
    ],
)  # fmt: skip
async def test_what_is_no_list_is_refused_whole(form: str, data: bytes) -> None:
    with pytest.raises(ListError):
        read_list(form, [data])


@pytest.fixture
async def own(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    """A store whose lists nobody else minds."""
    opened = await open_store(database_url, schema=new_schema(), connections_max=4)
    yield opened
    await opened.close()


async def brought(store: Store, *names: str, source: str = "", at: datetime = AT) -> int:
    row, _ = await bring_in("un", [un(*names)], store=store, by="tests", at=at, source=source)
    return row.id


async def lodged(store: Store, law: Law, reference: str, name: str) -> Lodged:
    record = consignment(reference=reference, parties=(party("consignor"), party("consignee", name=name)))
    message = Message(source="test", data=msgspec.json.encode([record]), sender="filer")
    return await lodge(message, store=store, law=law, at=AT)


async def test_a_list_that_cannot_be_read_leaves_the_old_one_and_says_so(own: Store) -> None:
    first = await brought(own, *(f"Abcd{k} Example{k}" for k in "pqrstuvw"))
    broken = un("Yusuf Danaghi")[:-20]
    short = un("Yusuf Danaghi")

    for data, why in ((broken, "line"), (short, "cut short")):
        with pytest.raises(ListError, match=rf"{why}.*of 2026-10-01, [0-9a-f]{{12}}, goes on") as told:
            await bring_in("un", [data], store=own, by="tests", at=AT)
        assert "Danaghi" not in str(told.value)
    now = await held(own)

    assert now is not None
    assert (now.ids, len((await state(first, store=own)).parties)) == ((first,), 8)


async def test_the_same_list_twice_is_one_state(own: Store) -> None:
    assert await brought(own, "Yusuf Danaghi") == await brought(own, "Yusuf Danaghi")


async def test_a_listed_consignee_is_held_for_an_officer_and_the_filer_is_not_told(own: Store, law: Law) -> None:
    number = await brought(own, "Yusuf Karimullah Danaghi")
    [result] = (await lodged(own, law, "R-1", "Yousef Karimullah Danagi")).results
    [id] = await own.ids_of("R-1")
    officer = await show_to_officer(id, store=own, at=AT)
    filer = await show_to_filer("R-1", filer="filer", store=own)
    async with own._pool.acquire() as connection:
        lists = await connection.fetchval("select lists from decisions where consignment_id = $1", id)

    assert result.decision.control == "hold"
    assert officer is not None
    assert filer is not None
    [signal] = [one for one in officer.signals if one.profile == "fiction-denied-parties"]
    assert signal.lane == "hold_for_officer"
    assert "consignee may be XXi.001 on list un" in signal.reason
    assert "surname" in signal.reason
    assert "Danag" not in signal.reason
    assert filer.signals == ()
    assert b"denied" not in msgspec.json.encode(filer)
    assert lists == [number]


async def test_where_no_list_holds_nobody_is_screened_and_the_decision_says_so(own: Store, law: Law) -> None:
    [result] = (await lodged(own, law, "R-1", "Yusuf Karimullah Danaghi")).results
    async with own._pool.acquire() as connection:
        lists = await connection.fetchval("select lists from decisions")

    assert (result.decision.control != "hold", lists) == (True, None)


async def test_only_what_has_changed_is_screened_again(own: Store, law: Law) -> None:
    await brought(own, "Yusuf Karimullah Danaghi", "Some Body")
    for place, name in enumerate(("Yusuf Karimullah Danaghi", "Pat Example", "Ingvald Tormodsson")):
        await lodged(own, law, f"R-{place}", name)
    since = AT - timedelta(days=1)
    before = await screen_again(store=own, law=law, since=since, at=AT)
    await brought(own, "Yusuf Karimullah Danaghi", "Some Body", "Ingvald Tormodsson")
    changed = await screen_again(store=own, law=law, since=since, at=AT + timedelta(hours=1))
    after = await screen_again(store=own, law=law, since=since, at=AT + timedelta(hours=2))
    [id] = await own.ids_of("R-2")
    shown = await show_to_officer(id, store=own, at=AT)

    assert (before.looked_at, before.hits) == (0, ())
    assert (changed.looked_at, changed.hits) == (3, ("R-2",))
    assert (after.looked_at, after.hits) == (0, ())
    assert shown is not None
    assert [one.profile for one in shown.signals if one.profile == "fiction-denied-parties"] == [
        "fiction-denied-parties"
    ]


async def test_a_list_brought_in_after_the_first_lodging_is_held_against_it(own: Store, law: Law) -> None:
    await lodged(own, law, "R-1", "Yusuf Karimullah Danaghi")
    await brought(own, "Yusuf Karimullah Danaghi")
    done = await screen_again(store=own, law=law, since=AT - timedelta(days=1), at=AT)

    assert done.hits == ("R-1",)


async def test_of_screenings_at_one_instant_that_by_the_newest_lists_counts(own: Store, law: Law) -> None:
    await lodged(own, law, "R-1", "Pat Example")
    looked_at = []
    for names in ("Some Body", "Ingvald Tormodsson", "Yusuf Karimullah Danaghi", ""):
        if names:
            await brought(own, names)
        done = await screen_again(store=own, law=law, since=AT - timedelta(days=1), at=AT)
        looked_at.append(done.looked_at)

    assert looked_at == [1, 1, 1, 0]
