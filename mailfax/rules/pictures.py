"""Which pictures of a mail its HTML shows, and where: values in, Content-IDs out.

A picture in the text is drawn there. One behind the text (a background, stationery) is not: on a fax it would swallow
the text. Either is no page of its own.

STANDARDS: RFC 2392 (cid, percent-encoded).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from urllib.parse import unquote

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


def _content_ids(written: Iterable[str]) -> set[str]:
    return {html.unescape(unquote(cid)).strip("\"'") for cid in written}
