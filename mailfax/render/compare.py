"""The judge of pages: what was drawn is compared with what was given, by its ink.

In: a page of a PDF as pdfium shows it, or any grey picture; and the page that was made of it. Out: how much ink is
missing or added where it differs most. Nothing else proves that a page is whole: libraries lose fields, layers,
fonts and pictures without an exception.

Two drawings of one thing differ by the rounding of each letter's place, so ink counts as kept where it is found
within one dot. What is left is summed over windows of 6 mm: a lost word shows there, smoothing does
not. Measured in ``tests/render/test_compare.py``.

LIMITS: 10 ms for a page of text, two drawings included.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pypdfium2
from PIL import Image, ImageChops, ImageFilter
from pypdfium2 import raw

#: Dots an inch of the pictures that are compared.
DPI = 48.0
#: Side of a block in dots; three by three of them are looked at together (6 mm).
BLOCK = 4
#: A difference of grey up to this (of 255) is rounding.
ROUNDING = 16
#: Mean difference of a window, from 0 to 255, from which it is a loss.
LOSS = 6.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies on another: all in points from the upper left, ``turns`` in quarters clockwise."""

    canvas: tuple[float, float]
    left: float
    top: float
    width: float
    height: float
    turns: int = 0


@contextmanager
def opened(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """A PDF as a viewer opens it, with its form fields; raises ``pypdfium2.PdfiumError``."""
    with pypdfium2.PdfDocument(content) as document:
        document.init_forms()
        yield document


def view(page: pypdfium2.PdfPage, place: Place, dpi: float) -> Image.Image:
    """The page as viewers show it on a white canvas: grey, annotations and form fields drawn."""
    canvas = dots(place.canvas, dpi)
    scale = dpi / 72
    left, top = round(place.left * scale), round(place.top * scale)
    right, bottom = round((place.left + place.width) * scale), round((place.top + place.height) * scale)
    bitmap = pypdfium2.PdfBitmap.new_native(*canvas, format=raw.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, *canvas)
    where = (bitmap, page, left, top, max(right - left, 1), max(bottom - top, 1), place.turns, raw.FPDF_ANNOT)
    raw.FPDF_RenderPageBitmap(*where)
    if page.formenv:
        raw.FPDF_FFLDraw(page.formenv, *where)
    return bitmap.to_pil().copy()  # type: ignore[no-any-return]


def looks(page: pypdfium2.PdfPage, place: Place, drawn: float = 2 * DPI) -> Image.Image:
    """The page as it is compared: ``DPI``, made from a drawing of ``drawn`` dots an inch (finer: less rounding)."""
    return view(page, place, drawn).resize(dots(place.canvas), Image.Resampling.BOX)


def dots(canvas: tuple[float, float], dpi: float = DPI) -> tuple[int, int]:
    """Width and height of a canvas in dots."""
    return max(round(canvas[0] * dpi / 72), 1), max(round(canvas[1] * dpi / 72), 1)


def bounds(page: pypdfium2.PdfPage) -> tuple[float, float, float, float]:
    """What viewers show of a page: left, bottom, right, top in its own units, before it is rotated."""
    box = raw.FS_RECTF()
    raw.FPDF_GetPageBoundingBox(page, ctypes.byref(box))
    return box.left, box.bottom, box.right, box.top


def difference(source: Image.Image, result: Image.Image) -> float:
    """How much of the ink differs in the worst window: 0 (none) to 255 (a black one became white, or white black).

    Both are grey and of one size; a result of another size is a loss of everything.
    """
    if source.size != result.size:
        return 255.0
    if ImageChops.difference(source, result).getbbox() is None:
        return 0.0
    # Ink is dark: the darkest of the neighbourhood is what may be found one dot aside.
    lost = ImageChops.subtract(_nearby(result), source)
    added = ImageChops.subtract(_nearby(source), result)
    return max(_worst(lost), _worst(added))


def same(source: Image.Image, result: Image.Image) -> bool:
    """Whether people see the same on both."""
    return difference(source, result) < LOSS


def _nearby(grey: Image.Image) -> Image.Image:
    """Each dot as dark as the darkest within one dot."""
    for across, down in ((1, 0), (0, 1)):
        moved = [_moved(grey, across * step, down * step) for step in (1, -1)]
        grey = ImageChops.darker(ImageChops.darker(grey, moved[0]), moved[1])
    return grey


def _moved(grey: Image.Image, across: int, down: int) -> Image.Image:
    moved = Image.new("L", grey.size, 255)
    moved.paste(grey, (across, down))
    return moved


def _worst(differing: Image.Image) -> float:
    """The mean of the worst window of three by three blocks, less what is rounding."""
    beyond = differing.point([max(value - ROUNDING, 0) for value in range(256)])
    means = beyond.reduce(BLOCK).filter(ImageFilter.BoxBlur(1))
    return float(means.getextrema()[1])  # type: ignore[arg-type]
