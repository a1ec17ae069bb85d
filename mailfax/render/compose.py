"""What differs from recipient to recipient is put together with the document: cover page, header line, paper.

In: the document as it was stored, and an ``Order``. Out: a PDF or a TIFF, the same bytes every time. The pages
themselves are not drawn again: they are placed.

LIMITS: a header line takes ``STRIP`` from the top of a page; where there is ink, the page is shrunk to make room.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from html import escape
from pathlib import PurePosixPath

import pikepdf
import pypdfium2

from mailfax.render.direction import direction
from mailfax.render.engine import draw_html
from mailfax.render.language import language_of
from mailfax.render.pdf import PAPERS
from mailfax.render.raster import fax_tiff
from mailfax.render.terms import PAGES, PICTURES, Front, Order
from mailfax.rules.submission import Part

#: Height of the header line at the top of a page, in points; the print itself is 8 pt high, 22 dots of a fine fax.
STRIP = 26.0
#: How dark a dot in the strip is that counts as ink, of 255.
INK = 200
#: Sizes nearer than this are the same, in points.
TOLERANCE = 1.0
#: Margins to the left and right of the header line, in points: fax machines lose up to 5 mm.
SIDE = 40


def compose(content: bytes, order: Order) -> tuple[bytes, int]:
    """The PDF, or TIFF, that one recipient gets, and its number of pages."""
    size = PAPERS[order.paper]
    made = pikepdf.new()
    with pikepdf.open(io.BytesIO(content)) as document:
        cover = _cover(order.front, order.paper, len(document.pages)) if order.front else None
        with pikepdf.open(io.BytesIO(cover)) if cover else pikepdf.new() as front:
            pages = [*front.pages, *document.pages]
            strips = [*_strips(cover), *_strips(content)] if order.header else [False] * len(pages)
            for page, strip in zip(pages, strips, strict=True):
                _place(made, page, size, STRIP if strip else 0.0)
            if order.header:
                _print_headers(made, order)
            file = io.BytesIO()
            mode = pikepdf.ObjectStreamMode.generate
            made.save(file, object_stream_mode=mode, compress_streams=True, deterministic_id=True)
            if order.document == "tiff":
                fax = io.BytesIO()
                count = fax_tiff(file.getvalue(), fax, down=order.down).pages
                return fax.getvalue(), count
            return file.getvalue(), len(made.pages)


def _cover(front: Front, paper: str, pages: int) -> bytes:
    """The cover page drawn, with the number of all pages on it, its own too."""
    images = {
        name: Part(name, PICTURES[PurePosixPath(name).suffix.lower()], base64.b64decode(picture))
        for name, picture in front.pictures.items()
    }
    own = 1
    while True:
        html = front.html.replace(PAGES, str(pages + own))
        drawn = draw_html(html, images, paper, language=language_of(html))
        with pikepdf.open(io.BytesIO(drawn)) as pdf:
            if len(pdf.pages) <= own:
                return drawn
            own = len(pdf.pages)


def _strips(content: bytes | None) -> Iterator[bool]:
    """For each page, whether there is ink where the header line is to be."""
    if content is None:
        return
    with pypdfium2.PdfDocument(content) as pdf:
        for page in pdf:
            below = max(page.get_height() - STRIP, 0.0)
            dots = page.render(scale=0.5, crop=(0, below, 0, 0), grayscale=True).to_pil()
            darkest, _ = dots.getextrema()
            yield int(darkest) < INK


def _place(made: pikepdf.Pdf, page: pikepdf.Page, paper: tuple[float, float], strip: float) -> None:
    """One page on that paper, below a strip of that height: shrunk where it must be, never enlarged."""
    box = pikepdf.Rectangle(page.mediabox)
    width, height = float(box.width), float(box.height)
    turned = bool(int(page.rotation) % 360)
    if turned and int(page.rotation) % 180:
        width, height = height, width
    room = paper[0], paper[1] - strip
    same = abs(width - paper[0]) <= TOLERANCE and abs(height - paper[1]) <= TOLERANCE
    if same and not turned and not strip:
        made.pages.append(page)
        return
    scale = min(1.0, room[0] / width, room[1] / height)
    left, bottom = (room[0] - width * scale) / 2, (room[1] - height * scale) / 2
    page.trimbox = page.mediabox  # placing goes by it
    blank = made.add_blank_page(page_size=paper)
    _overlay(
        made, blank, page, pikepdf.Rectangle(left, bottom, left + width * scale, bottom + height * scale), "/Page"
    )


def _print_headers(made: pikepdf.Pdf, order: Order) -> None:
    """The header line on every page, as fax machines print it: all of them drawn at once."""
    count = len(made.pages)
    lines = "".join(
        f'<div class="line"><span class="page">page {number} of {count}</span>'
        f'<span dir="{direction(order.header)}">{escape(order.header)}</span></div>'
        for number in range(1, count + 1)
    )
    style = (
        f"@page {{ margin: 0 }} .line {{ padding: 13pt {SIDE}pt 0 {SIDE}pt; height: 10pt; font-size: 8pt;"
        " line-height: 10pt; white-space: nowrap; overflow: hidden; break-after: page }"
        " .line:last-child { break-after: auto } .page { float: right; padding-left: 12pt }"
    )
    drawn = draw_html(f"<style>{style}</style>{lines}", paper=order.paper, language=language_of(order.header))
    with pikepdf.open(io.BytesIO(drawn)) as headers:
        for page, header in zip(made.pages, headers.pages, strict=True):
            _overlay(made, page, header, pikepdf.Rectangle(0, 0, *PAPERS[order.paper]), "/HeaderLine")


def _overlay(
    made: pikepdf.Pdf, page: pikepdf.Page, over: pikepdf.Page, rectangle: pikepdf.Rectangle, name: str
) -> None:
    """Print one page over another. pikepdf's own ``add_overlay`` draws a random name each time."""
    form = made.copy_foreign(over.as_form_xobject())
    placed = page.add_resource(form, pikepdf.Name.XObject, pikepdf.Name(name))
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(b"\nQ\n" + page.calc_form_xobject_placement(form, placed, rectangle))
