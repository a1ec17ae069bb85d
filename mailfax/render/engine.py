"""The engine that lays out HTML (PlutoPrint): without network, files or scripts.

In: HTML that is clean, and the pictures it refers to by Content-ID. Out: a PDF. The engine has no scripts; its
fetcher knows only ``cid:``.

STANDARDS: RFC 2392 (cid).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from urllib.parse import unquote

import pikepdf
import plutoprint

from mailfax.render.fonts import load_fonts
from mailfax.render.language import FACES, PARTS
from mailfax.rules.pictures import DRAWING
from mailfax.rules.submission import Part

PAPERS = {"letter": plutoprint.PAGE_SIZE_LETTER, "a4": plutoprint.PAGE_SIZE_A4}
#: Fax machines lose up to 5 mm at each edge; 18 mm (in points) looks like a letter.
EDGE = 51.0
#: How much larger than the paper a page may be laid out: 11 pt become 6.3 pt, 17 dots high on a fine fax.
LARGEST = 1.75
#: A little wider is shrunk at once: the layout of the mail is worth more than a sixth of its size.
LITTLE = 1.2
#: More are never drawn, whoever asks.
MOST_PAGES = 10_000

STYLE = """
html { font: 11pt/1.35 "Noto Sans", han, sans-serif; color: black; font-variant-ligatures: no-common-ligatures }
body { margin: 0; overflow-wrap: break-word } p { margin: 0 0 0.7em }
img { max-width: 100% } img.natural { height: auto } table { max-width: 100% }
pre, .text { white-space: pre-wrap; tab-size: 8 }
pre, .columns { font-family: monospace, han; font-size: 9.5pt }
blockquote { margin: 0 0 0 1em; padding-left: 0.7em; border-left: 1px solid black }
.field { display: inline-block; border: 1px solid black; padding: 0 0.3em; max-width: 100% }
.sheet { break-before: page }
"""
#: Chinese characters, in the shapes of one language.
HAN = '@font-face { font-family: han; src: local("Noto Sans CJK %s") }'
#: After the mail's own style. A fax has no grey: light text on white, and white text on a colour, would be blank or a
#: black bar on the page. The mail can't overrule it: neither these properties nor "!important" are let through.
BLACK = """
* { color: black !important; background: none !important; border-color: black !important }
"""
#: Ways to lay out what is wider than the paper, in this order: as it was sent, without its widths, without its edges.
NARROWER = "{ width: auto !important; min-width: 0 !important; white-space: normal !important }"
TEXT = "body, div, p, span, a, td, th, center, h1, h2, h3, h4, font, b, li, section, tr, tbody, col, table"
AS_SENT, REFLOWED = "", f"{TEXT} {NARROWER} pre, .text {{ white-space: pre-wrap !important }}"
COMPACT = (
    f"{REFLOWED} td, th {{ padding: 0 1px !important }} div, ul, ol {{ margin: 0 !important; padding: 0 !important }}"
    "table { border-collapse: collapse !important; margin: 0 !important }"
)


#: What a glyph says, in a table of ``/ToUnicode``: parts of Chinese characters.
UNICODE = re.compile(rb"> <(2[ef][0-9a-f]{2})>")


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


class TooManyPages(Exception):
    """It has more pages than were asked for, which are not drawn."""

    def __init__(self, pages: int) -> None:
        super().__init__(f"{pages} pages")
        self.pages = pages


class TooWide(Exception):
    """The page would have to be shrunk until nobody can read it."""


def draw_html(
    page: str,
    images: Mapping[str, Part] | None = None,
    paper: str = "letter",
    *,
    sheet: str = "",
    language: str = "",
    most_pages: int = MOST_PAGES,
) -> bytes:
    """Draw HTML that is clean, with the style sheet of its mail; a PDF. ``paper`` is "letter" or "a4".

    What is wider than the paper (tables of fixed width) is laid out anew without its widths; what still is gets
    larger pages, upright or on their side, which are shrunk onto the paper later: nothing is cut off. Raises
    ``TooWide``, ``TooManyPages`` where there are more than ``most_pages``, and the engine's own ``Error``.
    """
    load_fonts()
    size = PAPERS[paper]
    upright, lying = (size.width, size.height), (size.height, size.width)
    for layout in (AS_SENT, REFLOWED, COMPACT):
        whole = f'<html lang="{language}"><style>{HAN % FACES[language]}{STYLE}{sheet}{BLACK}{layout}</style>{page}'
        book = _laid_out(whole, images or {}, upright, 1.0)
        wider = book.get_document_width() / book.get_viewport_width()
        if wider <= 1.01:
            return _pdf(book, most_pages, language)
        if layout == AS_SENT and wider > LITTLE:
            continue
        for shape in (upright, lying):
            larger = wider * (upright[0] - 2 * EDGE) / (shape[0] - 2 * EDGE)
            if larger <= LARGEST:
                return _pdf(_laid_out(whole, images or {}, shape, larger), most_pages, language)
    raise TooWide


def draw_drawing(content: bytes, width: float, height: float, language: str = "") -> bytes:
    """Draw an SVG file on a page of that size in points; a PDF. Raises the engine's own ``Error``."""
    # A little less high: what is rounded up would be a second page.
    size = f"width: {width:.2f}pt; height: {height - 0.05:.2f}pt"
    page = f"<img style='display: block; max-width: none; {size}' src='cid:drawing'>"
    return draw_box(page, width, height, {"drawing": Part("drawing", DRAWING, content)}, language=language)


def draw_box(
    page: str, width: float, height: float, images: Mapping[str, Part] | None = None, *, language: str = ""
) -> bytes:
    """Draw HTML that is clean in a box of that size in points, without edges; a PDF of one page.

    Raises ``TooWide`` and ``TooManyPages`` where it does not fit, and the engine's own ``Error``.
    """
    load_fonts()
    whole = f'<html lang="{language}"><style>{HAN % FACES[language]}{STYLE}</style>{page}'
    book = _laid_out(whole, images or {}, (width, height), 1.0, edge=0.0)
    if book.get_document_width() > 1.01 * book.get_viewport_width():
        raise TooWide
    return _pdf(book, 1, language)


def _pdf(book: plutoprint.Book, most_pages: int, language: str) -> bytes:
    if (pages := book.get_page_count()) > most_pages:
        raise TooManyPages(pages)
    pdf = io.BytesIO()
    book.write_to_pdf_stream(pdf)
    return _with_characters(pdf.getvalue()) if language else pdf.getvalue()


def _with_characters(content: bytes) -> bytes:
    """The same pages, whose text layer has characters where the engine wrote the part of one that looks alike."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        for layer in pdf.objects:
            if isinstance(layer, pikepdf.Dictionary) and isinstance(layer.get("/ToUnicode"), pikepdf.Stream):
                layer.ToUnicode.write(UNICODE.sub(_character, layer.ToUnicode.read_bytes()))
        file = io.BytesIO()
        pdf.save(file)
    return file.getvalue()


def _character(found: re.Match[bytes]) -> bytes:
    whole = PARTS.get(int(found[1], 16))
    return found[0] if whole is None else b"> <%04x>" % ord(whole if isinstance(whole, str) else chr(whole))


def _laid_out(
    page: str, images: Mapping[str, Part], size: tuple[float, float], larger: float, edge: float = EDGE
) -> plutoprint.Book:
    edge *= larger
    book = plutoprint.Book(
        plutoprint.PageSize(size[0] * larger, size[1] * larger), plutoprint.PageMargins(edge, edge, edge, edge)
    )
    book.custom_resource_fetcher = _OnlyMail(images)
    # In the page, not as the engine's user_style: that one would win over what the mail may decide (sizes, widths).
    book.load_html(page)
    return book
