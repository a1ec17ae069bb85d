"""Tables as text (CSV, tabs between the columns) become pages with a table; what is no table, pages of text.

STANDARDS: RFC 4180; semicolons, as Office writes where the comma is the decimal mark.
LIMITS: ``MOST_ROWS``, ``MOST_COLUMNS`` of a table; what has more is drawn as the text it is.
"""

from __future__ import annotations

import csv
import io
from html import escape

from mailfax.render.direction import direction
from mailfax.render.engine import TooManyPages, TooWide, draw_html
from mailfax.render.language import language_of
from mailfax.render.plan import Source, visible
from mailfax.render.readback import lost_characters
from mailfax.render.text import add_words, read_text, tell_missing
from mailfax.render.work import Work

MOST_ROWS, MOST_COLUMNS = 10_000, 40
STYLE = """<style>table { border-collapse: collapse; font-size: 9pt } tr { break-inside: avoid }
td { border: 1px solid black; padding: 1pt 4pt; vertical-align: top; white-space: pre-line }</style>"""


def add_table(source: Source, work: Work) -> list[str]:
    """Append the pages of a table; what was left out of it."""
    text, told = read_text(source)
    return told + _add(source.name, visible(text), work)


def _add(name: str, text: str, work: Work) -> list[str]:
    rows = rows_in(text)
    if not rows:
        return add_words(name, text, work)
    try:
        pdf = draw_html(_as_html(rows, text), paper=work.terms.paper, most_pages=work.room)
    except TooManyPages as too_many:
        raise work.too_many(too_many.pages) from None
    except TooWide:
        return add_words(name, text, work)
    left_out = tell_missing(name, text)
    if not left_out and lost_characters(text, pdf):
        return add_words(name, text, work)
    work.document.add(pdf, name)
    return left_out


def rows_in(text: str) -> list[list[str]]:
    """The rows of a table, all of the same length; [] where the text is none."""
    for mark in "\t;,|":
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
        except csv.Error:
            continue
        rows = [row for row in rows if row]
        columns = max(map(len, rows), default=0)
        # The last cells of a row may be missing; else a mark that separates is in each row.
        if 1 < columns <= MOST_COLUMNS and len(rows) <= MOST_ROWS and all(len(row) > 1 for row in rows):
            return [row + [""] * (columns - len(row)) for row in rows]
    return []


def _as_html(rows: list[list[str]], text: str) -> str:
    cells = ("".join(f'<td dir="{direction(cell)}">{escape(cell)}</td>' for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'{STYLE}<table lang="{language_of(text)}">{body}</table>'
