"""The words of HTML.

In: HTML as text. Out: its visible text, tables kept in columns.
"""

from __future__ import annotations

import re

import inscriptis
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from mailfax.render.markup import read_markup

#: As it looks: its "relaxed" profile moves each <div> two blanks to the right.
_LOOKS = ParserConfig(css=CSS_PROFILES["strict"])
#: A line of its own that holds only a no-break space, as mail programs write an empty line.
_EMPTY_LINE = re.compile(r">\s*\xa0[\s\xa0]*</(div|p)>")


def text_of(page: str) -> str:
    """The text that HTML shows, tables kept in columns."""
    markup = read_markup(page)
    if markup.plain or not markup.words.strip():
        return markup.words.strip()
    shown = inscriptis.get_text(_EMPTY_LINE.sub(r"><br></\1>", markup.body), _LOOKS)
    # Its parser (libxml2) stops at 256 levels, and long threads are deeper: better no columns than lost words.
    return shown if len(re.findall(r"\w", shown)) >= 0.98 * len(re.findall(r"\w", markup.words)) else markup.words
