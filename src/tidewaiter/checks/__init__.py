"""Checks: what is wrong in what was lodged, as findings that say where, why, and how to mend it.

Entry point: `check(batch, law, past)`. A rule is one function in one of the files here; its docstring is what the
trader reads. `KINDS` lists what can be found. May import `law` and `model` only.
"""

from tidewaiter.checks.catalogue import KINDS
from tidewaiter.checks.running import check

__all__ = ["KINDS", "check"]
