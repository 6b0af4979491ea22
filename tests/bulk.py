"""How much memory and time a file of any size takes: `make bulk` streams one of 5 GB through the reader.

The file is made on the fly by one process and read by another through a pipe, so that no disk is needed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

import make
from tidewaiter.formats import pieces

BLOCK = 1000
SHAPES = ("lines", "list", "csv")
HEADINGS = "reference,destination_country,description,quantity,line_total,currency,consignee_name\n"
ROW = f'R-{{}},GB,"{"Shirt, blue, of cotton, " * 20}",1,12.50,GBP,A. Example\n'


def blocks(shape: str, size: int) -> Iterator[bytes]:
    """The bytes of a message of this shape of about so many bytes, each consignment with a reference of its own."""
    one = msgspec.json.encode(make.consignment(reference="R-%")).decode().replace('"R-%"', '"R-{}"', 1)
    one = one.replace("{", "{{").replace("}", "}}").replace("R-{{}}", "R-{}")
    one = {"lines": one + "\n", "list": ",\n" + one, "csv": ROW}[shape]
    yield {"lines": b"", "list": b'{"consignments":[', "csv": HEADINGS.encode()}[shape]
    made = number = 0
    while made < size:
        block = "".join([one.format(n) for n in range(number, number + BLOCK)])
        block = block[1:] if shape == "list" and not number else block
        number += BLOCK
        made += len(block)
        yield block.encode()
    yield b"]}" if shape == "list" else b""


def write(shape: str, size: int, *, is_packed: bool) -> None:
    """Write such a message to standard output."""
    packer = zlib.compressobj(1, wbits=31) if is_packed else None
    for block in blocks(shape, size):
        sys.stdout.buffer.write(packer.compress(block) if packer else block)
    sys.stdout.buffer.write(packer.flush() if packer else b"")


def read() -> None:
    """Read standard input in pieces; print consignments, findings, bytes, seconds and the most memory held, in MB."""
    begun = time.monotonic()
    consignments = findings = taken = 0
    with os.fdopen(0, "rb") as file:
        for piece in pieces.pieces(file):
            reading = pieces.read(piece)
            consignments += len(reading.declared)
            findings += len(reading.findings)
            taken = piece.ends
    print(consignments, findings, taken, round(time.monotonic() - begun, 1), peak_mb())


def peak_mb() -> int:
    """The most memory this process has held. `getrusage` would count what its parent held when it was forked."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    [held] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(held) // 1024


def measured(shape: str, size: int, *, is_packed: bool) -> tuple[int, int, int, float, int]:
    """What `read` prints of such a message."""
    again = [sys.executable, __file__]
    writing = [*again, "write", "--shape", shape, "--bytes", str(size), *(["--packed"] if is_packed else [])]
    with subprocess.Popen(writing, stdout=subprocess.PIPE) as made:
        done = subprocess.run([*again, "read"], stdin=made.stdout, stdout=subprocess.PIPE, check=True)
    if made.returncode:
        raise RuntimeError("the file could not be made")
    consignments, findings, taken, seconds, peak = done.stdout.split()
    return int(consignments), int(findings), int(taken), float(seconds), int(peak)


def main() -> None:
    """Write, read, or do both and say what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("write", "read", "measure"))
    parser.add_argument("--shape", choices=SHAPES, default="lines")
    parser.add_argument("--bytes", type=int, default=5_000_000_000)
    parser.add_argument("--packed", action="store_true")
    asked = parser.parse_args()
    if asked.what == "write":
        write(asked.shape, asked.bytes, is_packed=asked.packed)
    elif asked.what == "read":
        read()
    else:
        consignments, findings, taken, seconds, peak = measured(asked.shape, asked.bytes, is_packed=asked.packed)
        print(
            f"{asked.shape}{', gzip' if asked.packed else ''}: {taken / 1e6:,.0f} MB, {consignments:,} consignments, "
            f"{findings} findings in {seconds:,.0f} s, {taken / 1e6 / max(seconds, 0.1):,.1f} MB/s; "
            f"at most {peak} MB held"
        )


if __name__ == "__main__":
    main()
