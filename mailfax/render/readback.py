"""The words on the pages are compared with the words that were to be drawn: nothing may vanish unnamed.

In: a text, and the PDF that an engine made of it. Out: how many characters of the text are not on its pages.

Letters, digits and signs are counted, each by itself: order (right to left, columns), white space and hyphens don't
matter. Where one glyph stands for several characters, the text layer has U+FFFD, or the same letters in the order of
the eye: so writing that joins its letters is held to its amount. Whether each character has a glyph is asked of
the fonts (``glyphs``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pypdfium2

#: Scripts whose letters are joined, reordered or stacked: Arabic and its neighbours, India to Thailand, Khmer, emoji.
JOINED = re.compile("[\u0600-\u08ff\ufb50-\ufdff\ufe70-\ufefc\u0900-\u109f\u1780-\u17ff\U0001f000-\U0001faff]")
#: What is compared: neither white space nor marks nor punctuation, whose forms are exchanged when text is set.
UNCOMPARED = re.compile(r"[\W_]+")
#: What of joined letters is found at least in the text layer, each U+FFFD taken as ``AS_MANY``.
JOINED_SHARE, AS_MANY = 0.5, 4


def lost_characters(words: str, pdf: bytes) -> int:
    """How many characters of ``words`` are not on the pages."""
    with pypdfium2.PdfDocument(pdf) as document:
        drawn = "".join(page.get_textpage().get_text_range() for page in document)
    unknown = drawn.count("\ufffd") + len(re.findall("[\u2e80-\u2fdf]", drawn))
    wanted, found = _counted(words), _counted(drawn)
    joined = sum(count for char, count in wanted.items() if JOINED.match(char))
    there = sum(count for char, count in found.items() if JOINED.match(char))
    lost = sum(count for char, count in (wanted - found).items() if not JOINED.match(char))
    lost_joined = max(round(JOINED_SHARE * joined) - there - AS_MANY * unknown, 0)
    return max(lost - unknown, 0) + lost_joined


def _counted(text: str) -> Counter[str]:
    """Letters without their marks: an accent is a character of its own, or one with its letter."""
    return Counter(UNCOMPARED.sub("", unicodedata.normalize("NFKD", text).casefold()))
