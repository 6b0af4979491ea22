"""Where the entries of a JSON list end, without reading them: a block of bytes is looked through as columns.

What stands in a text, and how deep in brackets each sign is, is known for all of a block at once.
"""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

import numpy as np

_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1
_IS_SIGN = _STEPS != 0
_IS_SIGN[ord(",")] = True


ODD_TEXT = re.compile(
    rb"(?i:\\[bfnrt]|\\u(?:00[0-9]|202[a-e]|206[6-9]|fd[de]|fff[ef]|dff[ef]))"
    rb"|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xb7[\x90-\xaf]|\xef\xbf[\xbe\xbf]"
    rb"|[\xf0-\xf4][\x80-\xbf]\xbf[\xbe\xbf]"
)
"""What may be an unfit character. An escape below U+00A0 is looked at closely: it can spell a field's name, too."""


class Block(NamedTuple):
    """A block looked through: the commas between entries, and where the list ends (-1 where it does not)."""

    commas: list[int]
    end: int


class Scanner:
    """Knows across blocks whether a text is open and how deep in the list it is."""

    def __init__(self) -> None:
        self._in_text = 0
        self._depth = 0

    def scan(self, block: bytes) -> Block:
        """Where the commas of the list are; a block does not end in the middle of an escape."""
        if b"\\" in block:
            # An escape hides its sign. Pairs go from the left, as escapes do.
            block = block.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        signs = np.frombuffer(block, np.uint8)
        in_text = np.bitwise_xor.accumulate((signs == ord('"')).view(np.uint8)) ^ self._in_text
        places = np.flatnonzero(_IS_SIGN[signs] & (in_text == 0))
        steps = _STEPS[signs[places]]
        depths = self._depth + np.cumsum(steps, dtype=np.int64)
        ends = np.flatnonzero(depths < 0)
        end = int(places[ends[0]]) if len(ends) else -1
        last = int(ends[0]) if len(ends) else len(places)
        commas = places[:last][(steps[:last] == 0) & (depths[:last] == 0)]
        if len(signs):
            self._in_text = int(in_text[-1])
        if len(depths):
            self._depth = int(depths[-1])
        return Block(commas.tolist(), end)


def entries(listed: bytes) -> list[bytes]:
    """The entries of a list, whatever they are, from its bytes behind the opening bracket."""
    commas, end = Scanner().scan(listed)
    cuts = [-1, *commas, end if end >= 0 else len(listed)]
    return [listed[cut + 1 : following].strip() for cut, following in itertools.pairwise(cuts)]
