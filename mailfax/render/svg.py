"""Drawings (SVG) go to the engine as they are, but for what they would fetch or run.

In: the element of a drawing. Out: ``Drawing``.

STANDARDS: SVG 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from mailfax.render.pasted import is_whole, pasted

#: Of a drawing: what is no drawing, and addresses that lead out of it.
LURES = re.compile(
    r"<(script|foreignobject)\b.*?(</\1\s*>|/>)|@import[^;]*;?"
    r"|\s(?:xlink:)?href\s*=\s*(?!\"#|\"data:image/)(?:\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.I | re.S,
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """``written`` goes to the engine, ``words`` must be found on the page, ``left_out`` is what is not drawn."""

    written: str
    words: str
    left_out: tuple[str, ...]


def read_drawing(node: LexborNode) -> Drawing:
    """What is drawn of an ``svg`` element."""
    left_out = []
    for picture in node.css("image, feImage"):
        address = picture.attributes.get("href") or picture.attributes.get("xlink:href") or ""
        scheme, _, rest = address.partition(":")
        if not address.startswith(("#", "data:image/")):
            left_out.append("picture within a drawing, which would have to be fetched")
        elif scheme == "data" and not is_whole(pasted(rest)[1]):
            left_out.append("picture within a drawing, which is damaged")
    words = "".join((text.text(deep=True) or "") + "\n" for text in node.css("text"))
    return Drawing(LURES.sub(" ", node.html or ""), words, tuple(left_out))
