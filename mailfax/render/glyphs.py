"""Which characters no font on this machine has: they would be boxes on the fax, and that must be told.

In: text. Out: characters. Each rare character is drawn alone and read back from the PDF: what the engine found no
glyph for comes back as U+FFFD. On a whole page that would not tell, because ligatures come back so, too.
"""

from __future__ import annotations

import unicodedata
from html import escape

import pypdfium2

from mailfax.render.engine import draw_html

#: Up to here (Latin, Greek, Cyrillic) Noto Sans has every letter.
FAMILIAR = "\u052f"
#: Different characters looked at; a page of Chinese has some 400.
MOST = 2000
#: With a larger share of its letters missing, a text is not the same text any more.
BEARABLE = 0.1


def missing_glyphs(text: str) -> dict[str, int]:
    """How often each writing system occurs in ``text`` with characters that can't be drawn; {} if all can."""
    rare = sorted({char for char in text if char > FAMILIAR and unicodedata.category(char)[0] in "LNS"})[:MOST]
    if not rare:
        return {}
    page = "".join(f"<div>|{escape(char)}|</div>" for char in rare)
    with pypdfium2.PdfDocument(draw_html(page)) as pdf:
        drawn = "".join(page.get_textpage().get_text_range() for page in pdf)
    cells = drawn.replace("\r", "").replace("\n", "").split("|")[1::2]
    absent = {char for char, shown in zip(rare, cells, strict=False) if "\ufffd" in shown}
    counts: dict[str, int] = {}
    for char in text:
        if char in absent:
            counts[_writing(char)] = counts.get(_writing(char), 0) + 1
    return counts


def unbearable(text: str, missing: dict[str, int]) -> bool:
    """Whether so much can't be drawn that the text is lost."""
    letters = sum(unicodedata.category(char)[0] == "L" for char in text)
    lost = sum(count for writing, count in missing.items() if writing != "emoji and signs")
    return lost > BEARABLE * max(letters, 1)


def _writing(char: str) -> str:
    """The first word of the character's name is its writing system."""
    if unicodedata.category(char)[0] == "S":
        return "emoji and signs"
    return unicodedata.name(char, "unknown").split()[0].replace("CJK", "Chinese").capitalize()
