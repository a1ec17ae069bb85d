"""Which way a line is written: the engine is told, since it does not find out by itself (``dir="auto"``).

In: text. Out: "rtl" or "ltr", for the attribute ``dir``.

STANDARDS: Unicode Standard Annex 9, rules P2 and P3.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def direction(text: Iterable[str]) -> str:
    """ "rtl" or "ltr": how the first letter that has a direction of its own is written."""
    strong = next((kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")), "L")
    return "ltr" if strong == "L" else "rtl"
