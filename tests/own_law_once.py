"""The law that comes with Tidewaiter is read once a process: every command in a test and most files of tests ask for
it, and reading it takes a quarter of a second. Any other law is read anew. Who needs one that nobody asked before says
`law.loading.load`."""

from __future__ import annotations

from functools import cache, wraps
from pathlib import Path

from tidewaiter import law
from tidewaiter.law import Law, loading

_own = cache(lambda key: loading.load(draw_key=key))


@wraps(loading.load)
def _load(folder: Path | None = None, *, overlay: Path | None = None, **more: bytes) -> Law:
    if folder is not None or overlay is not None:
        return loading.load(folder, overlay=overlay, **more)
    return _own(more.get("draw_key", loading.DEMONSTRATION_KEY))


law.load = _load
