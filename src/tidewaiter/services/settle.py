"""Settling what was written: a new name in a folder outlives a power cut only once the folder itself is on the disk."""

from __future__ import annotations

import os
from pathlib import Path


def settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
