"""The engine that lays out HTML (PlutoPrint): without network, files or scripts.

In: HTML that is clean, and the pictures it refers to by Content-ID. Out: a PDF. The engine has no scripts; its
fetcher knows only ``cid:``.

STANDARDS: RFC 2392 (cid).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import unquote

import plutoprint

from mailfax.render.fonts import load_fonts
from mailfax.rules.submission import Part

PAPERS = {"letter": plutoprint.PAGE_SIZE_LETTER, "a4": plutoprint.PAGE_SIZE_A4}
#: Fax machines lose up to 5 mm at each edge; 18 mm (in points) looks like a letter.
EDGE = 51.0
#: How much wider than the paper a page may be: 11 pt become 4.4 pt, 12 dots high on a fine fax.
WIDEST = 2.5

STYLE = """
html { font: 11pt/1.35 "Noto Sans", sans-serif; color: black }
body { margin: 0; overflow-wrap: break-word } p { margin: 0 0 0.7em }
img { max-width: 100% } table { max-width: 100% }
pre, .text { white-space: pre-wrap; tab-size: 8 }
pre, .columns { font-family: monospace; font-size: 9.5pt }
blockquote { margin: 0 0 0 1em; padding-left: 0.7em; border-left: 1px solid black }
a { color: black }
/* A fax has no grey: light text on white, and white text on a colour, would be blank or a black bar on the page. */
* { color: black !important; background: none !important; border-color: black !important; opacity: 1 !important;
    text-shadow: none !important }
"""


class _OnlyMail(plutoprint.ResourceFetcher):  # type: ignore[misc, unused-ignore]
    """Knows the pictures of the mail and nothing else: no network, no files."""

    def __init__(self, images: Mapping[str, Part]) -> None:
        super().__init__()
        self._images = images

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        scheme, _, rest = url.partition(":")
        image = self._images.get(unquote(rest)) if scheme.casefold() == "cid" else None
        if image is None:
            return plutoprint.ResourceData(b"", "application/octet-stream")
        return plutoprint.ResourceData(image.content, image.label)


class TooWide(Exception):
    """The page would have to be shrunk until nobody can read it."""


def draw_html(page: str, images: Mapping[str, Part] | None = None, paper: str = "letter") -> bytes:
    """Draw HTML that is clean; a PDF. ``paper`` is "letter" or "a4".

    What is wider than the paper (tables of fixed width) gets larger pages, which are shrunk onto the paper later:
    nothing is cut off. Raises ``TooWide``, and the engine's own ``Error``.
    """
    load_fonts()
    book = _laid_out(page, images or {}, paper, 1.0)
    wider = book.get_document_width() / book.get_viewport_width()
    if wider > WIDEST:
        raise TooWide
    if wider > 1.01:
        book = _laid_out(page, images or {}, paper, wider)
    pdf = io.BytesIO()
    book.write_to_pdf_stream(pdf)
    return pdf.getvalue()


def _laid_out(page: str, images: Mapping[str, Part], paper: str, larger: float) -> plutoprint.Book:
    size, edge = PAPERS[paper], EDGE * larger
    book = plutoprint.Book(
        plutoprint.PageSize(size.width * larger, size.height * larger), plutoprint.PageMargins(edge, edge, edge, edge)
    )
    book.custom_resource_fetcher = _OnlyMail(images)
    # Before the mail's own style, which may say otherwise (the engine's user_style would win over it).
    book.load_html(f"<style>{STYLE}</style>{page}")
    return book
