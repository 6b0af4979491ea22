"""Files of any size through the commands: results stream out, memory stays small, a killed run goes on."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import bulk
import make
from tidewaiter.cli import app, files
from tidewaiter.cli.run import CannotGoOn, Run
from tidewaiter.formats import pieces
from tidewaiter.services.clear import Message, about_message, read_message

DAY = ("--on", "2026-11-02")


def padded(count: int, size: int = 40_000) -> bytes:
    """So many consignments a line, each made long by spaces, so that a big file holds few of them."""
    made = (msgspec.json.encode(make.consignment(reference=f"R-{n}")) for n in range(count))
    return b"".join(line[:-1] + b" " * (size - len(line)) + b"}\n" for line in made)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A packed file of 9 MB that is read in pieces."""
    file = tmp_path / "big.bin"
    file.write_bytes(gzip.compress(padded(225)))
    return file


def references(out: Path) -> list[str]:
    return [json.loads(line)["reference"] for line in out.read_bytes().splitlines()]


def test_a_long_packed_file_is_cleared_piece_by_piece(big: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["clear", str(big), "--json", "--out", str(out), *DAY])

    assert done.exit_code == 0, done.output
    assert references(out) == [f"R-{n}" for n in range(225)]
    assert done.stdout.encode() == out.read_bytes()


def test_a_killed_run_goes_on_with_none_lost_and_none_twice(big: Path, tmp_path: Path) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    command = [sys.executable, "-c", "from tidewaiter.cli import main; main()", "clear", str(big), *DAY]
    command += ["--json", "--out", str(out), "--resume", str(state)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not state.exists() and child.poll() is None:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    was_killed = child.returncode == -signal.SIGKILL
    with out.open("ab") as torn:
        torn.write(b'{"reference": "half a li')

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert was_killed
    assert done.returncode == 0, done.stderr
    assert references(out) == [f"R-{n}" for n in range(225)]
    assert 0 < len(done.stdout.splitlines()) < 225


MESSAGES = [Message(source="a", data=b"%d" % n) for n in range(6)]


def worked(run: Run, *, dies_after: int = 100) -> None:
    """Clear the messages one by one; after so many, leave results written whose state is not."""
    for done, message in enumerate(run.rest(MESSAGES)):
        finding = read_message(message).findings
        if done == dies_after:
            run._path = None
        run.done([message], [about_message("", finding, source=message.data.decode())], is_unread=True)
        if done == dies_after:
            return


@pytest.mark.parametrize("first", range(6))
@pytest.mark.parametrize("second", range(3))
def test_a_run_may_die_anywhere_any_number_of_times(tmp_path: Path, first: int, second: int) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    for dies_after in (first, second, 100, 100):
        with Run(asked={"on": "a"}, resume=state, out=out) as run:
            worked(run, dies_after=dies_after)

    assert [json.loads(line)["source"] for line in out.read_bytes().splitlines()] == ["0", "1", "2", "3", "4", "5"]
    assert run.state.is_unread


def test_a_run_does_not_go_on_with_other_files_options_or_results(tmp_path: Path) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    with Run(asked={"on": "a"}, resume=state, out=out) as run:
        worked(run)

    with pytest.raises(CannotGoOn, match="another on"):
        Run(asked={"on": "b"}, resume=state, out=out)
    with Run(asked={"on": "a"}, resume=state, out=out) as run, pytest.raises(CannotGoOn, match="not those"):
        list(run.rest([*MESSAGES[:5], Message(source="a", data=b"other")]))
    with Run(asked={"on": "a"}, resume=state, out=out) as run, pytest.raises(CannotGoOn, match="not those"):
        list(run.rest(MESSAGES[:5]))
    out.write_bytes(b"")
    with pytest.raises(CannotGoOn, match="0 bytes"):
        Run(asked={"on": "a"}, resume=state, out=out)
    state.write_bytes(b"{")
    with pytest.raises(CannotGoOn, match="no state"):
        Run(asked={"on": "a"}, resume=state)


def test_going_on_keeps_the_day_of_the_run_before(tmp_path: Path) -> None:
    file, state = tmp_path / "a.json", tmp_path / "state"
    file.write_bytes(padded(2, 2000))
    words = ["clear", str(file), "--json", "--resume", str(state)]

    assert CliRunner().invoke(app, [*words, *DAY]).exit_code == 0
    assert CliRunner().invoke(app, words).exit_code == 0
    other = CliRunner().invoke(app, [*words, "--on", "2026-11-03"])
    assert other.exit_code == 2
    assert "another on" in other.output


def test_a_folder_may_hold_archives_whose_damage_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(padded(2, 2000)))
    (tmp_path / "b.gz").write_bytes(gzip.compress(padded(2, 2000))[:-3])

    done = CliRunner().invoke(app, ["clear", str(tmp_path), "--json", *DAY])

    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert [one["reference"] for one in records] == ["R-0", "R-1", ""]
    assert records[2]["findings"][0]["code"] == "PAK-01"


def test_progress_is_counted_in_bytes_of_the_files(big: Path) -> None:
    inputs = files.Input([big, big])
    taken = [inputs.taken for _ in inputs]

    assert inputs.total == 2 * big.stat().st_size
    assert taken == sorted(taken)
    assert inputs.taken == inputs.total


def test_handfuls_are_bounded_by_bytes_too() -> None:
    found = list(files.gathered(Message(source="", data=b"x" * 300_000) for _ in range(3)))

    assert [len(handful) for handful in found] == [1, 1, 1]
    assert len(list(files.gathered(Message(source="", data=b"") for _ in range(401)))) == 3


@pytest.mark.parametrize(("shape", "is_packed"), [("lines", True), ("list", False), ("csv", True)])
def test_memory_does_not_grow_with_the_file(shape: str, is_packed: bool) -> None:
    size = 12_000_000
    consignments, findings, taken, _, peak = bulk.measured(shape, size, is_packed=is_packed)

    assert taken > size > pieces.WHOLE_BYTES
    assert consignments > 5_000
    assert findings == 0
    assert peak < 256
