"""What the viewer can't write into the fields of a form is laid out by the engine that lays out HTML.

In: a field of a PDF and its words. Out: the field with an appearance of its own, in the size and alignment that the
form wants; smaller where it would not fit.

STANDARDS: ISO 32000-2 12.7.4.3 (text fields), 12.5.5 (appearances).
LIMITS: fields that are not turned, in black.
"""

from __future__ import annotations

import io
import re
from contextlib import suppress
from html import escape

import pikepdf
from pikepdf import Dictionary, Name

from mailfax.render.direction import direction
from mailfax.render.engine import TooManyPages, TooWide, draw_box
from mailfax.render.glyphs import missing_glyphs
from mailfax.render.language import language_of
from mailfax.render.placing import as_form, four
from mailfax.render.readback import lost_characters

#: Sizes of letters in points: where the form leaves it open, and the smallest; and what a size is multiplied with.
USUAL, SMALLEST, SMALLER = 12.0, 6.0, 0.9
#: The bit of a text field with lines (table 228), and how its words are aligned (12.7.4.3).
LINES = 1 << 12
ALIGNED = ("left", "center", "right")
SIZE = re.compile(r"([\d.]+)\s+Tf")


def write(pdf: pikepdf.Pdf, field: pikepdf.Object, words: str, appearance: str, flags: int, aligned: int) -> bool:
    """Write ``words`` into a field; ``appearance`` is its /DA. False where they can't be drawn, or don't fit."""
    try:
        left, bottom, right, top = four(field.Rect)
    except (TypeError, ValueError, AttributeError):
        return False
    width, height = abs(right - left), abs(top - bottom)
    looks = field.get("/MK", Dictionary())
    if missing_glyphs(words) or min(width, height) < SMALLEST or looks.get("/R"):
        return False
    told = SIZE.search(appearance)
    size = (float(told[1]) if told else 0.0) or (USUAL if flags & LINES else min(USUAL, 0.7 * height))
    while size >= SMALLEST:
        page = _page(words, height, size, bool(flags & LINES), ALIGNED[aligned] if aligned in (1, 2) else "left")
        drawn = b""
        with suppress(TooWide, TooManyPages):
            drawn = draw_box(page, width, height, language=language_of(words))
        if not drawn or lost_characters(words, drawn):  # what is too wide to the left is only cut off
            size *= SMALLER
            continue
        with pikepdf.open(io.BytesIO(drawn)) as made:
            form = pdf.copy_foreign(as_form(made, made.pages[0], (0, 0, width, height)))
        border = b"q 0 G 1 w 0.5 0.5 %.2f %.2f re S Q " % (width - 1, height - 1) if "/BC" in looks else b""
        outer = pikepdf.Stream(pdf, border + b"/P Do")
        outer.Type, outer.Subtype, outer.BBox = Name.XObject, Name.Form, pikepdf.Array([0, 0, width, height])
        outer.Resources = Dictionary(XObject=Dictionary(P=form))
        field.AP = Dictionary(N=pdf.make_indirect(outer))
        return True
    return False


def _page(words: str, height: float, size: float, lines: bool, aligned: str) -> str:
    # One line stands in the middle of its field; the words are as they were typed.
    line = f"{1.2 * size:.1f}pt; white-space: pre-wrap" if lines else f"{height - 0.1:.1f}pt; white-space: pre"
    style = f"margin: 0 2pt; font-size: {size:.1f}pt; line-height: {line}; text-align: {aligned}"
    text = escape(words.replace("\r\n", "\n").replace("\r", "\n"))
    return f'<div dir="{direction(words)}" style="{style}">{text}</div>'
