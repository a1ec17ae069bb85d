"""A page of a fax as a picture for screens, and a whole fax as a PDF: what people look at, never what is sent.

In: the bytes of a document of ours or of a received fax, a PDF or a TIFF. Out: a PNG in shades of grey, or the bytes
of a PDF; and how many pages there are. Raises ``NotFaxable`` where a part of the file can't be read.
"""

from __future__ import annotations

import io
import warnings

import img2pdf
import pypdfium2
from PIL import Image

from mailfax.render.streams import damaged
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

_TIFF = (b"II*\0", b"MM\0*")
#: The narrowest and the widest picture, in dots: a thumbnail, and a page in full on a large screen.
WIDTHS = (60, 2000)
#: A page is never drawn longer than so many times its width: a fax may be a roll.
LONGEST = 6
#: Fax pages in shades of grey have few colours: a PNG of 16 of them, four bits a dot, is half as large.
SHADES = bytes(shade for step in range(16) for shade in (17 * step,) * 3)
_NEAREST = [round(tone / 17) for tone in range(256)]


def picture(content: bytes, page: int, width: int) -> tuple[bytes, int]:
    """Page number ``page`` (from 1) ``width`` dots wide, as a PNG, and the number of pages."""
    width = max(WIDTHS[0], min(WIDTHS[1], width))
    draw = _of_tiff if content.startswith(_TIFF) else _of_pdf
    try:
        with warnings.catch_warnings(action="ignore"):
            image, pages = draw(content, page, width)
    except (pypdfium2.PdfiumError, OSError, EOFError, ValueError, SyntaxError, TypeError, KeyError) as wrong:
        raise damaged("the fax", "its pages can't be drawn", str(wrong)) from None
    if image is None:
        raise NotFaxable(status(Cause.DAMAGED, name="the fax", why=f"it has no page {page}"))
    return _png(image), pages


def as_pdf(content: bytes) -> bytes:
    """The whole fax as a PDF: as it is, or its TIFF pages in one, bit for bit."""
    if not content.startswith(_TIFF):
        return content
    try:
        with warnings.catch_warnings(action="ignore"):
            made: bytes = img2pdf.convert(content)
    except (img2pdf.ImageOpenError, OSError, EOFError, ValueError, SyntaxError, TypeError, KeyError) as wrong:
        raise damaged("the fax", "its pages can't be read", str(wrong)) from None
    return made


def _png(grey: Image.Image) -> bytes:
    shades = Image.frombytes("P", grey.size, grey.point(_NEAREST).tobytes())
    shades.putpalette(SHADES)
    made = io.BytesIO()
    shades.save(made, "png", bits=4)
    return made.getvalue()


def _of_pdf(content: bytes, page: int, width: int) -> tuple[Image.Image | None, int]:
    with pypdfium2.PdfDocument(content) as document:
        pages = len(document)
        if not 1 <= page <= pages:
            return None, pages
        sheet = document[page - 1]
        across, down = sheet.get_size()
        scale = min(width / across, LONGEST * width / down)
        drawn = sheet.render(scale=scale, grayscale=True)
        return drawn.to_pil().convert("L"), pages


def _of_tiff(content: bytes, page: int, width: int) -> tuple[Image.Image | None, int]:
    with Image.open(io.BytesIO(content)) as picture:
        pages = int(getattr(picture, "n_frames", 1))
        if not 1 <= page <= pages:
            return None, pages
        picture.seek(page - 1)
        across, down = (float(each) or 1.0 for each in picture.info.get("dpi", (1.0, 1.0)))
        tall = picture.height / picture.width * width * across / down
        size = width, max(1, min(round(tall), LONGEST * width))
        return picture.convert("L").resize(size, Image.Resampling.BOX), pages
