"""Compiling the few loops that columns are too slow for: with numba, where it is installed, when it is asked for.

A module of kernels marks its functions with `kernel` and is imported by who wants them, never at the start: numba takes
most of a second to import. What a kernel is given are arrays, also its tables: what it finds at module level is taken
for constant. Each has a way without it, which does the same and is held against it by a test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """The function compiled at its first call. Raises ImportError where numba is not installed.

    What was compiled is kept beside the module, or where that folder may not be written to in the user's cache folder
    (NUMBA_CACHE_DIR names another); where there is neither, each process compiles anew.
    """
    import numba

    try:
        made: Callable[P, T] = numba.njit(cache=True)(function)
    except RuntimeError:  # there is no folder that may be written to
        made = numba.njit()(function)
    return made


def part(function: Callable[P, T]) -> Callable[P, T]:
    """A part of a kernel of the same module, compiled where it is called: unlike a kernel of its own it may be given
    arrays in a loop, and they are not counted at each call. Raises ImportError where numba is not installed."""
    import numba

    made: Callable[P, T] = numba.njit(inline="always")(function)
    return made
