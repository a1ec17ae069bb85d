"""Whether HTML can be laid out in bounded time: how many elements it has, and how deep they are.

In: HTML as text. Out: yes or no. Of what is too much only the words are drawn.
"""

from __future__ import annotations

import re

#: Reading takes quadratic time in the depth (50,000 levels: 7 s).
DEEPEST = 2000
#: Beginnings and ends of elements: a table of a thousand rows with twenty columns has 42,000 of them.
MOST_TAGS = 200_000
#: Elements that end by themselves, or have none inside; a table is four levels, a list two.
SHALLOW = r"(?:br|img|p|li|hr|input|meta|link|td|tr|th|col|option)\b"
LEVELS = {"table": 4, "ul": 2, "ol": 2}


def too_much(page: str) -> bool:
    """Whether HTML has more elements, or deeper ones, than are read as such."""
    return page.count("<") > MOST_TAGS or _depth(page) > DEEPEST


def _depth(page: str) -> int:
    """About how deep the elements are nested, and not less."""
    depth = most = 0
    for closes, tag in re.findall(rf"<(/?)(?!{SHALLOW})([a-zA-Z]+)", page, re.IGNORECASE):
        levels = LEVELS.get(tag.lower(), 1)
        depth = max(depth - levels, 0) if closes else depth + levels
        most = max(most, depth)
    return most
