"""Reading `jurisdictions/` into a `Law`: a module for each kind of file, and `whole` for all together.

A fault in a file is a LawError that names the file; a key that nothing reads is a fault too.
"""

from __future__ import annotations

from tidewaiter.law.loading.files import LawError
from tidewaiter.law.loading.whole import DEMONSTRATION_KEY, load

__all__ = ["DEMONSTRATION_KEY", "LawError", "load"]
