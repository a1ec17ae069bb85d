"""The words of HTML.

In: HTML as text. Out: its visible text, tables kept in columns.
"""

from __future__ import annotations

import re

import inscriptis

from mailfax.render.markup import read_markup


def text_of(page: str) -> str:
    """The text that HTML shows, tables kept in columns."""
    markup = read_markup(page)
    if not markup.words.strip():
        return ""
    shown = inscriptis.get_text(markup.body)
    # Its parser (libxml2) stops at 256 levels, and long threads are deeper: better no columns than lost words.
    return shown if len(re.findall(r"\w", shown)) >= 0.98 * len(re.findall(r"\w", markup.words)) else markup.words
