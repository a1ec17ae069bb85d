"""Plain text becomes pages.

LIMITS: ``LONGEST_TEXT`` of one paragraph (the engine's line breaking is quadratic: 1 MB in one paragraph took 16 s,
in many 0.2 s).
"""

from __future__ import annotations

import re
from html import escape

from mailfax.render.direction import direction
from mailfax.render.engine import draw_html
from mailfax.render.glyphs import missing_glyphs, unbearable
from mailfax.render.kinds import Kind
from mailfax.render.language import language_of
from mailfax.render.plan import Source, visible
from mailfax.render.readback import lost_characters
from mailfax.render.work import Work
from mailfax.rules.charset import decode
from mailfax.rules.content import declared_in
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

LONGEST_TEXT = 4000
#: No page holds more: lines of 9.5 pt (columns), and lines of nothing but "i".
MOST_LINES, MOST_CHARACTERS = 60, 12_000
#: Where more of the characters than this are not found on the pages, the text is refused.
MOST_LOST = 0.02
DECLARING = frozenset([Kind.HTML, Kind.XML])


def add_text(source: Source, work: Work) -> list[str]:
    """Append the pages of a text; what was left out of it."""
    text, told = read_text(source)
    return told + add_words(source.name, visible(text), work)


def add_words(name: str, text: str, work: Work) -> list[str]:
    """Append the pages of ``text``; what was left out of it. Too many are refused before they are drawn."""
    least = max(text.count("\n") // MOST_LINES, len(text) // MOST_CHARACTERS)
    if least > work.room:
        raise work.too_many(least)
    left_out = tell_missing(name, text)
    pdf = draw_text(text, work.terms.paper)
    if not left_out and (lost := lost_characters(text, pdf)):
        if lost > MOST_LOST * len(text):
            why = "its text can't be drawn whole. Send it as a PDF"
            raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
        left_out.append(f"{name}: {lost} character{'s' * (lost != 1)} that could not be drawn")
    work.document.add(pdf, name)
    return left_out


def tell_missing(name: str, text: str) -> list[str]:
    """Tell which characters will be boxes; raises ``NotFaxable`` where they are most of the text."""
    missing = missing_glyphs(text)
    if not missing:
        return []
    writings = ", ".join(missing)
    if unbearable(text, missing):
        why = f"there is no font for its writing here ({writings}). Send it as a PDF"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
    count = sum(missing.values())
    return [f"{name}: {count} character{'s' * (count != 1)} for which there is no font here ({writings})"]


def read_text(source: Source) -> tuple[str, list[str]]:
    """The text of a file, and what is to be told of it: that its charset was guessed.

    Where the mail says nothing of it, HTML and XML may say themselves what they are written in.
    """
    if source.part.text is not None:
        return source.part.text, []
    found = decode(source.part.content, "", declared_in(source.part.content) if source.kind in DECLARING else "")
    told = f"{source.name}: its character set is not told; it was read as {found.charset}"
    return found.text, [told] if found.guessed else []


def draw_text(text: str, paper: str) -> bytes:
    """Draw plain text; a PDF. Text in columns (ASCII tables) gets a font of one width."""
    columns = len(re.findall(r"^.*\S(?: {3,}|\t+)\S.*(?: {3,}|\t+)\S", text, re.MULTILINE)) >= 3
    sheets = "".join(
        f'<div class="{"sheet" if number else ""}">{_blocks(sheet)}</div>'
        for number, sheet in enumerate(text.split("\f"))
    )
    kind = "text columns" if columns else "text"
    return draw_html(f'<div class="{kind}">{sheets}</div>', paper=paper, language=language_of(text))


def _blocks(text: str) -> str:
    return "".join(
        f'<div dir="{direction(line)}">{escape(piece) or "<br>"}</div>'
        for line in text.split("\n")
        for piece in _pieces(line)
    )


def _pieces(line: str) -> list[str]:
    """An endless line in pieces that the engine breaks in bounded time."""
    return re.findall(rf".{{1,{LONGEST_TEXT}}}(?:\s|$)|.{{1,{LONGEST_TEXT}}}", line) or [""]
