"""For receivers: nonces seen, in a file that outlives a restart. Whoever has a database may as well keep them there."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path


class NonceFile:
    """An SQLite file of nonces. Several processes may use one file; each must open it for itself."""

    def __init__(self, path: Path | str) -> None:
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = full")  # what was seen must not be forgotten in a power cut
        self._file.execute("create table if not exists nonces (nonce text primary key, until real not null)")
        self._file.execute("create index if not exists nonces_until on nonces (until)")

    def is_first(self, nonce: str, *, until: datetime, at: datetime) -> bool:
        """Whether this nonce is seen for the first time; from now on, until then, it is not. Those of the past go."""
        self._file.execute("delete from nonces where until < ?", (at.timestamp(),))
        added = self._file.execute(
            "insert into nonces (nonce, until) values (?, ?) on conflict do nothing", (nonce, until.timestamp())
        )
        return added.rowcount == 1

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
