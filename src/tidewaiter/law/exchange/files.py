"""Reading a file that somebody else made: bounded, and a fault names the file."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FAULTS = (ValueError, LookupError, csv.Error, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What the readers of CSV, JSON, XML and zip files raise where these are not what they should be."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns whatever is wrong in the file into a ValueError that names it. Files that cannot be opened stay OSError."""
    try:
        yield
    except _FAULTS as wrong:
        raise ValueError(f"{path.name}: {wrong}") from wrong


def within(path: Path, bytes_max: int) -> bytes:
    """The bytes of the file, or of the one CSV file that is zipped in it. Raises ValueError past the bound."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            names = [name for name in packed.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise ValueError(f"{len(names)} CSV files are in it, not one")
            with packed.open(names[0]) as handle:
                data = handle.read(bytes_max + 1)
    else:
        with path.open("rb") as handle:
            data = handle.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise ValueError(f"larger than {bytes_max} bytes")
    return data
