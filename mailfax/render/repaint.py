"""A page becomes a picture of itself, where copying its lines and letters would lose something.

In: a page as a viewer shows it, and where it lies. Out: a PDF of one page. ``PAINTERS`` are tried in this order:
black and white keeps letters crisp and is small; grey keeps what is pale.

LIMITS: ``DPI``; the canvas is one of our papers.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import cast

import img2pdf
import pypdfium2
from PIL import Image

from mailfax.render.compare import Place, view

#: Dots an inch: finer than a fax (204 x 196), so that its own dots are made once only.
DPI = 300.0
Painter = Callable[[pypdfium2.PdfPage, Place], bytes]


def paint_black(page: pypdfium2.PdfPage, place: Place) -> bytes:
    """The page in black and white, as CCITT group 4."""
    picture = view(page, place, DPI).point([0] * 128 + [255] * 128).convert("1", dither=Image.Dither.NONE)
    return _page(picture, place, "TIFF", compression="group4")


def paint_grey(page: pypdfium2.PdfPage, place: Place) -> bytes:
    """The page in grey, as JPEG."""
    return _page(view(page, place, DPI), place, "JPEG", quality=85)


PAINTERS: tuple[Painter, ...] = (paint_black, paint_grey)


def _page(picture: Image.Image, place: Place, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, dpi=(round(DPI), round(DPI)), **options)
    width, height = place.canvas
    size = (width, height, width, height)
    return cast(bytes, img2pdf.convert(file.getvalue(), layout_fun=lambda *_: size))
