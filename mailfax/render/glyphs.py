"""Which characters no font on this machine has: they would be boxes on the fax, and that must be told.

In: text. Out: characters, by writing system. The fonts' own tables are asked (``fonts.has_glyph``): no page is drawn.
A character that has no shape of its own (joiners, variation selectors, direction marks) needs no glyph; of a flag, a
skin tone or a joined emoji each piece is looked at, and what is not joined in the font is drawn piece by piece.
"""

from __future__ import annotations

import unicodedata

from mailfax.render.fonts import has_glyph

#: Up to here (Latin, Greek, Cyrillic) Noto Sans has every letter.
FAMILIAR = "\u052f"
#: With a larger share of its letters missing, a text is not the same text any more.
BEARABLE = 0.1
#: Marks without a shape: variation selectors.
SHAPELESS = {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0)), "\u034f"}


def missing_glyphs(text: str) -> dict[str, int]:
    """How often each writing system occurs in ``text`` with characters that can't be drawn; {} if all can."""
    counts: dict[str, int] = {}
    for char in set(text):
        if char > FAMILIAR and _has_shape(char) and not has_glyph(char):
            writing = _writing(char)
            counts[writing] = counts.get(writing, 0) + text.count(char)
    return counts


def unbearable(text: str, missing: dict[str, int]) -> bool:
    """Whether so much can't be drawn that the text is lost."""
    letters = sum(unicodedata.category(char)[0] == "L" for char in text)
    lost = sum(count for writing, count in missing.items() if writing != "emoji and signs")
    return lost > BEARABLE * max(letters, 1)


def _has_shape(char: str) -> bool:
    category = unicodedata.category(char)
    return (category[0] in "LMNPS" or category in ("Co", "Cn")) and char not in SHAPELESS


def _writing(char: str) -> str:
    """The first word of the character's name is its writing system."""
    if unicodedata.category(char)[0] in "SP":
        return "emoji and signs"
    return unicodedata.name(char, "unknown").split()[0].replace("CJK", "Chinese").capitalize()
