"""Folders that are watched: each finished file once, answered whole, and nothing lost when it is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import make
from tidewaiter import formats
from tidewaiter.cli import app
from tidewaiter.formats import FORMATS
from tidewaiter.services.clear import Message
from tidewaiter.services.lodge import Lodged, TryAgain
from tidewaiter.services.lodge import lodge as lodge_message
from tidewaiter.services.watch import AlreadyWatched, Answered, Folders, sweep
from tidewaiter.wiring import House

pytestmark = pytest.mark.anyio

SAMPLES = Path(formats.__file__).parent / "asycuda" / "samples"
SAD = (SAMPLES / "declaration.xml").read_bytes()
STAGES = ("bytes_of", "keep_answer", "put_away")


class Killed(BaseException):
    """Stands for the end of the process."""


class Fragile(Folders):
    """Folders in which the process ends before or after a step, once."""

    def __init__(self, source: Path, answers: Path, *, stage: str = "", after: bool = False) -> None:
        super().__init__(source, answers)
        self.stage, self.after = stage, after

    def _at(self, stage: str, *, after: bool) -> None:
        if (stage, after) == (self.stage, self.after):
            self.stage = ""
            raise Killed

    def bytes_of(self, name: str) -> bytes:
        self._at("bytes_of", after=False)
        data = super().bytes_of(name)
        self._at("bytes_of", after=True)
        return data

    def keep_answer(self, name: str, data: bytes) -> None:
        self._at("keep_answer", after=False)
        super().keep_answer(name, data)
        self._at("keep_answer", after=True)

    def put_away(self, name: str, folder: str, digest: str) -> None:
        self._at("put_away", after=False)
        super().put_away(name, folder, digest)
        self._at("put_away", after=True)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "in", tmp_path / "out")


@pytest.fixture
def lodge(house: House) -> Callable[[Message], Awaitable[Lodged]]:
    async def lodged(message: Message) -> Lodged:
        return await lodge_message(message, store=house.store, law=house.law, at=house.now())

    return lodged


Lodge = Callable[[Message], Awaitable[Lodged]]


async def swept(folders: Folders, lodge: Lodge, house: House, *, filer: str) -> list[Answered]:
    """What two looks in a row, with nothing changed between them, give."""
    first = await sweep(folders, {}, lodge=lodge, filer=filer, at=house.now())
    return (await sweep(folders, first.looks, lodge=lodge, filer=filer, at=house.now())).answered


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != ".tidewaiter-watch")


def order(reference: str) -> bytes:
    return FORMATS["json"].write([make.consignment(reference=reference)])


async def test_a_file_is_lodged_answered_in_its_own_dialect_and_moved(
    folders: Folders, lodge: Lodge, house: House
) -> None:
    (folders.source / "declaration.xml").write_bytes(SAD)
    [one] = await swept(folders, lodge, house, filer="watch-one")

    assert (one.format, one.moved_to, one.consignments, one.is_repeat) == ("asycuda", "done", 1, False)
    assert names(folders.source) == []
    assert (folders.source / "done" / "declaration.xml").read_bytes() == SAD
    assert names(folders.answers) == [one.answer]
    assert b"<Reference>ORDER-0001</Reference>" in (folders.answers / one.answer).read_bytes()


async def test_a_file_that_still_grows_waits(folders: Folders, lodge: Lodge, house: House) -> None:
    path = folders.source / "grows.xml"
    path.write_bytes(SAD[:1000])
    first = await sweep(folders, {}, lodge=lodge, filer="watch-two", at=house.now())
    path.write_bytes(SAD)
    second = await sweep(folders, first.looks, lodge=lodge, filer="watch-two", at=house.now())
    third = await sweep(folders, second.looks, lodge=lodge, filer="watch-two", at=house.now())

    assert second.answered == []
    assert [one.moved_to for one in third.answered] == ["done"]


async def test_what_is_not_finished_hidden_or_a_link_is_left_alone(
    folders: Folders, lodge: Lodge, house: House, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.xml").write_bytes(SAD)
    for name in (".hidden.xml", "a.xml.part", "b.TMP"):
        (folders.source / name).write_bytes(SAD)
    (folders.source / "link.xml").symlink_to(tmp_path / "elsewhere.xml")
    (folders.source / "folder.xml").mkdir()

    assert await swept(folders, lodge, house, filer="watch-three") == []


async def test_what_cannot_be_read_is_answered_and_moved_to_failed(
    folders: Folders, lodge: Lodge, house: House
) -> None:
    (folders.source / "picture.xml").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    [one] = await swept(folders, lodge, house, filer="watch-four")

    assert (one.format, one.moved_to, one.consignments) == ("", "failed", 0)
    assert names(folders.source / "failed") == ["picture.xml"]
    assert b"MSG-03" in (folders.answers / one.answer).read_bytes()


async def test_a_file_too_long_is_refused_without_being_lodged(tmp_path: Path, house: House) -> None:
    async def never(_: Message) -> Lodged:
        raise AssertionError("it was lodged")

    folders = Folders(tmp_path / "in", tmp_path / "out", bytes_max=1_000)
    (folders.source / "long.xml").write_bytes(SAD)
    [one] = await swept(folders, never, house, filer="watch-five")

    assert one.moved_to == "failed"
    assert b"MSG-02" in (folders.answers / one.answer).read_bytes()


async def test_the_same_file_again_changes_nothing_and_another_of_its_name_loses_nothing(
    folders: Folders, lodge: Lodge, house: House
) -> None:
    contents = [order("WATCH-1"), order("WATCH-1"), order("WATCH-2")]
    done = []
    for data in contents:
        (folders.source / "order.json").write_bytes(data)
        done += await swept(folders, lodge, house, filer="watch-six")

    assert [one.is_repeat for one in done] == [False, True, False]
    assert len(names(folders.answers)) == 2
    assert {path.read_bytes() for path in (folders.source / "done").iterdir()} == set(contents)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("stage", STAGES)
async def test_killed_at_any_step_the_next_start_ends_in_the_same_state(
    stage: str, after: bool, tmp_path: Path, lodge: Lodge, house: House
) -> None:
    filer = f"watch-{stage}-{after}"
    fragile = Fragile(tmp_path / "in", tmp_path / "out", stage=stage, after=after)
    (fragile.source / "order.json").write_bytes(order("WATCH-KILLED"))
    with pytest.raises(Killed):
        await swept(fragile, lodge, house, filer=filer)
    (fragile.answers / f".order.json{'.tidewaiter-part'}").write_bytes(b"half an ans")
    with fragile.held():
        await swept(fragile, lodge, house, filer=filer)

    assert names(fragile.source) == []
    assert names(fragile.source / "done") == ["order.json"]
    [answer] = names(fragile.answers)
    again = await lodge(Message(source="order.json", data=order("WATCH-KILLED"), sender=filer))
    assert again.is_repeat
    assert (fragile.answers / answer).read_bytes() == again.answer


async def test_what_cannot_be_lodged_now_is_tried_at_the_next_look(
    folders: Folders, lodge: Lodge, house: House
) -> None:
    async def busy(_: Message) -> Lodged:
        raise TryAgain

    (folders.source / "order.json").write_bytes(order("WATCH-LATER"))

    tried = await sweep(folders, folders.looks(), lodge=busy, filer="watch-seven", at=house.now())

    assert (tried.answered, tried.waiting) == ([], {"order.json": "TryAgain"})
    assert names(folders.source) == ["order.json"]
    assert [one.moved_to for one in await swept(folders, lodge, house, filer="watch-seven")] == ["done"]


async def test_a_folder_is_watched_by_one_process_alone(folders: Folders) -> None:
    with folders.held(), pytest.raises(AlreadyWatched), Folders(folders.source, folders.answers).held():
        pytest.fail("it was watched twice")

    with folders.held():
        pass


def command(tmp_path: Path, *more: str) -> list[str]:
    code = "from tidewaiter.cli import main; main()"
    return [sys.executable, "-c", code, "watch", str(tmp_path / "in"), str(tmp_path / "out"), "--every", "0.05", *more]


async def test_a_process_that_is_killed_outright_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, house: House, lodge: Lodge, database_url: str, schema: str
) -> None:
    environment = {**os.environ, "TIDEWAITER_DATABASE_URL": database_url, "TIDEWAITER_DATABASE_SCHEMA": schema}
    source = Folders(tmp_path / "in", tmp_path / "out").source
    references: list[str] = []
    for number in range(12):
        references.append(f"WATCH-KILL-{number}")
        (source / f"{references[-1]}.json").write_bytes(order(references[-1]))
    process = subprocess.Popen(command(tmp_path), env=environment, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while len(names(source)) == len(references) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(random.Random(7).uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    process.wait()
    folders = Folders(source, tmp_path / "out")
    taken = len(names(source / "done"))

    assert process.returncode == -signal.SIGKILL
    assert taken > 0

    with folders.held():
        await swept(folders, lodge, house, filer="watch")
    answers = names(tmp_path / "out")

    assert names(source) == []
    assert names(source / "done") == sorted(f"{reference}.json" for reference in references)
    assert [name.partition(".")[0] for name in answers] == sorted(references)
    assert all(name.endswith(".answer.json") for name in answers)
    for reference in references:
        again = await lodge(Message(source="again", data=order(reference), sender="watch"))
        assert again.is_repeat


def test_a_folder_that_is_watched_already_is_refused_by_the_command(
    tmp_path: Path, database_url: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWAITER_DATABASE_URL", database_url)
    monkeypatch.setenv("TIDEWAITER_DATABASE_SCHEMA", schema)
    folders = Folders(tmp_path / "in", tmp_path / "out")
    with folders.held():
        done = CliRunner().invoke(app, ["watch", str(folders.source), str(folders.answers), "--once"])

    assert done.exit_code == 2
