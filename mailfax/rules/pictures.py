"""Which pictures of a mail its HTML shows, and where: values in, Content-IDs out.

A picture in the text is drawn there. One behind the text (a background, stationery) is not: on a fax it would swallow
the text. Either is no page of its own.

STANDARDS: RFC 2392 (cid, percent-encoded).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

from mailfax.rules.part import Part

#: First bytes of the pictures that are drawn inside HTML (JPEG, PNG, GIF), and the label of drawings that are, too.
DRAWN_INLINE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
DRAWING = "image/svg+xml"
#: A picture of fewer bytes that stands in a mail more than once, each time inside its text, is a logo.
LOGO_BYTES = 50_000

#: What of HTML is never drawn, to its end or to the end of all: a picture inside of it would be lost.
UNDRAWN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|title|noscript|template|iframe|object|svg|math)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
IMAGE = re.compile(r"<img\b[^<>]*\ssrc\s*=\s*[\"']?cid:([^\"'\s>]+)", re.IGNORECASE)
BACKGROUND = re.compile(r"<[a-z][^<>]*\sbackground\s*=\s*[\"']?cid:([^\"'\s>]+)", re.IGNORECASE)
CSS = re.compile(r"\burl\((?:[\"']|&quot;|&#39;)?cid:([^\"'\s>)]+)", re.IGNORECASE)


def drawn_in(page: str) -> set[str]:
    """The Content-IDs of the pictures in the text."""
    return _content_ids(IMAGE.findall(UNDRAWN.sub("", page)))


def behind_text_in(page: str) -> set[str]:
    """The Content-IDs of the pictures behind the text, and nowhere else."""
    behind = [*CSS.findall(page), *BACKGROUND.findall(UNDRAWN.sub("", page))]
    return _content_ids(behind) - drawn_in(page)


def without_repeated(parts: list[tuple[str, Part]]) -> tuple[list[Part], list[str]]:
    """Parts, given as (Content-ID or "", part), without pictures that stand there once more; their lines."""
    copies = Counter(part.content for _, part in parts if part.content.startswith(DRAWN_INLINE))
    kept: list[Part] = []
    left_out: list[str] = []
    seen: set[bytes] = set()
    for cid, part in parts:
        if copies[part.content] > 1 and cid and len(part.content) < LOGO_BYTES:
            left_out.append(
                f"{part.name}: a picture that stands in the mail {copies[part.content]} times, as logos do"
            )
        elif part.content in seen:
            left_out.append(f"{part.name}: the same picture once more")
        else:
            kept.append(part)
            if copies[part.content] > 1:
                seen.add(part.content)
    return kept, left_out


def _content_ids(written: Iterable[str]) -> set[str]:
    return {html.unescape(unquote(cid)).strip("\"'") for cid in written}
