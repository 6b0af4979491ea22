"""Bringing lists of denied parties in: a state of a list is a file of its own, and one of them is the one that holds.

A list that cannot be read, or that has lost most of those on it, is refused with the reason, and the old one goes on.
Old states are kept, so that a decision can be looked at again with the list it was made by.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tidewaiter.risk.screening import DeniedList, Version
from tidewaiter.services.list_forms import FORMS, ListError, read_list

__all__ = ["FORMS", "LOST_MAX", "ListError", "import_list", "lists_in", "state_of", "versions_in"]

LOST_MAX = 0.5
"""Share of the parties that a new state may have lost; beyond that it is more likely a file cut short."""
BYTES_MAX = 128 << 20
_CURRENT = "current"
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def import_list(form: str, paths: Sequence[Path], *, into: Path, source: str = "", may_shrink: bool = False) -> Version:
    """Read the files as a list of that form, put it down under `into`, and let it hold from now on. `source` names the
    list where two of one form are kept.

    Raises ListError and OSError, and then what held before still does.
    """
    source = source or form
    if _SOURCE.fullmatch(source) is None:
        raise ListError("a list is named by small letters, digits and hyphens")
    files = [_bytes(path) for path in paths]
    read = read_list(form, files)
    digest = hashlib.sha256(files[0] if len(files) == 1 else b"".join(hashlib.sha256(f).digest() for f in files))
    version = Version(source, digest.hexdigest(), read.dated, len(read.parties))
    held = _held(into / source)
    if held is not None and not may_shrink:
        before = state_of(into, source, held).version.parties
        if version.parties < before * (1 - LOST_MAX):
            raise ListError(
                f"it has {version.parties:,} parties where {before:,} were; that is taken for a file cut short"
            )
    folder = into / source
    folder.mkdir(parents=True, exist_ok=True)
    state = msgspec.json.encode(DeniedList(version, read.parties), order="deterministic")
    _write(folder / f"{version.digest}.json", state)
    _write(folder / _CURRENT, version.digest.encode())
    return version


def lists_in(folder: Path) -> list[DeniedList]:
    """The lists that hold, in the order of their names. Raises ListError where one cannot be read back."""
    return [state_of(folder, place.name, held) for place, held in _sources(folder)]


def versions_in(folder: Path) -> list[Version]:
    """The versions of the lists that hold."""
    return [one.version for one in lists_in(folder)]


def state_of(folder: Path, source: str, digest: str) -> DeniedList:
    """A list in the state of that digest, which need not be the one that holds. Raises ListError."""
    if _SOURCE.fullmatch(source) is None or _DIGEST.fullmatch(digest) is None:
        raise ListError("there is no such list")
    try:
        kept = msgspec.json.decode((folder / source / f"{digest}.json").read_bytes(), type=DeniedList)
    except FileNotFoundError:
        raise ListError(f"no state {digest[:12]} of the list {source} is kept") from None
    except msgspec.MsgspecError:
        raise ListError(f"the state {digest[:12]} of the list {source} is spoiled; bring it in again") from None
    return kept


def _sources(folder: Path) -> list[tuple[Path, str]]:
    if not folder.is_dir():
        raise ListError(f"there is no folder {folder}")
    found = [(place, _held(place)) for place in sorted(folder.iterdir()) if place.is_dir()]
    return [(place, held) for place, held in found if held is not None]


def _held(place: Path) -> str | None:
    try:
        return (place / _CURRENT).read_text().strip()
    except FileNotFoundError:
        return None


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > BYTES_MAX:
        raise ListError(f"it is larger than {BYTES_MAX >> 20} MB")
    return path.read_bytes()


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also where the power goes."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
