"""The words of HTML.

In: HTML as text. Out: its text, tables kept in columns.
"""

from __future__ import annotations

import re
from html import unescape

import inscriptis


def text_of(page: str) -> str:
    """The text of HTML, tables kept in columns."""
    bare = _without_tags(page)
    if not bare.strip():
        return ""
    shown = inscriptis.get_text(page)
    # Its parser (libxml2) stops at 256 levels, and long threads are deeper: better no columns than lost words.
    return shown if len(re.findall(r"\w", shown)) >= 0.98 * len(re.findall(r"\w", bare)) else bare


def _without_tags(page: str) -> str:
    """All words of HTML, lines broken where blocks begin."""
    page = re.sub(r"<(script|style|title)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)", "", page, flags=re.IGNORECASE | re.DOTALL)
    page = re.sub(r"<(br|p|div|tr|li|h[1-6]|table|blockquote)\b[^>]*>", "\n", page, flags=re.IGNORECASE)
    return unescape(re.sub(r"<[/!?a-zA-Z][^>]*>", " ", page))
