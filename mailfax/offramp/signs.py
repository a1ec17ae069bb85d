"""Signs drawn by chance, for queue IDs and references.

In: the signs to choose from. Out: one of them. ``secrets.choice`` asks the kernel for each sign, and gives way to
other threads each time (measured: 12 signs for a mail cost 140 µs of 450); here one question is enough for many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

#: How many bytes are asked for at once.
STOCK: Final = 4096


class Signs:
    """Draws signs; every one is equally likely. Belongs to one thread."""

    def __init__(self, draw: Callable[[int], bytes] = os.urandom) -> None:
        self._draw = draw
        self._stock = iter(b"")

    def __call__(self, signs: str) -> str:
        """One of at most 256 signs."""
        number = len(signs)
        # The bytes of the last, incomplete round would make its first signs more likely.
        fair = 256 - 256 % number
        while True:
            for byte in self._stock:
                if byte < fair:
                    return signs[byte % number]
            self._stock = iter(self._draw(STOCK))
