"""The pages of a document become fax pages: 1728 dots a line, black or white.

In: a PDF. Out: its pages as bits, one at a time, or the TIFF of them. pdfium draws each page straight in the fax's
own dots, which are not square, in grey; ``onebit`` makes it black and white, and what was made is compared with what
was drawn: nothing may vanish.

STANDARDS  ITU-T T.4: 1728 dots in 215 mm, 3.85 lines a millimetre ("standard") or 7.7 ("fine").
LIMITS     A page is at most ``LONGEST`` inches long; a longer one is shrunk.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from mailfax.render.ahead import ahead
from mailfax.render.cells import Mask, Tones, spread
from mailfax.render.faxtiff import ACROSS, FINE, WIDTH, write_tiff
from mailfax.render.onebit import black, dithered
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Inches; Legal is 14.
LONGEST = 14
#: The shortest page in lines: two fifths of an inch.
SHORTEST = 80
#: A page of fewer black dots has nothing on it but dust: three letters of a footnote have more.
DUST = 60
#: What the C library keeps, in bytes, and the numbers of its settings (malloc.h).
KEPT, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = 1 << 28, -1, -3, -8
#: The side of the squares that are compared, in dots; two tones that far apart are something to see.
SQUARE, SEEN = 16, 64
#: Squares that may lose what they show, of all that show something, and how many in any case.
LOST_SHARE, LOST_SQUARES = 0.05, 6
#: How much blacker or whiter a page may become, as a share of its dots.
TURNED = 0.45


@dataclass(frozen=True, slots=True)
class Raster:
    """``pages`` are in the file; ``blank`` are the numbers of the last pages of the document, left out as empty."""

    pages: int
    blank: tuple[int, ...]


def fax_tiff(pdf: bytes, into: BinaryIO, *, device: bool = False, down: int = FINE) -> Raster:
    """Write the fax of a document; raises ``NotFaxable``.

    ``device``: it comes from a copier, whose last pages are often the empty backs of sheets: those are left out.
    """
    blank: list[int] = []

    def kept() -> Iterator[Mask]:
        held: list[Mask] = []
        for number, page in enumerate(fax_pages(pdf, down=down), 1):
            if device and number > 1 and np.count_nonzero(page) < DUST:
                held.append(page)
                blank.append(number)
                continue
            yield from held
            yield page
            held.clear()
            blank.clear()

    with pypdfium2.PdfDocument(pdf) as document:
        given = len(document)
    written = write_tiff(kept(), into, down=down)
    if written + len(blank) != given:
        raise NotFaxable(status(Cause.RENDER_FAILED, why=f"{written} of {given} pages came out in black and white"))
    return Raster(written, tuple(blank))


def fax_pages(pdf: bytes, *, down: int = FINE) -> Iterator[Mask]:
    """The pages of a document, black is true; raises ``NotFaxable``."""
    _keep_memory()
    return ahead(partial(in_black, down=down), enumerate(_all_drawn(pdf, down), 1))


def _all_drawn(pdf: bytes, down: int) -> Iterator[Tones]:
    with pypdfium2.PdfDocument(pdf) as document:
        for number in range(len(document)):
            page = document[number]
            yield drawn(page, down)
            page.close()


def in_black(numbered: tuple[int, Tones], down: int = FINE) -> Mask:
    """A page, with its number from 1, in black (true) and white; raises ``NotFaxable`` where that loses it."""
    number, grey = numbered
    made = black(grey, charts=down == FINE)
    if vanished(grey, made):
        made = dithered(grey)
        if vanished(grey, made):
            raise NotFaxable(status(Cause.RENDER_FAILED, why=f"page {number} is lost in black and white"))
    return made


def drawn(page: Any, down: int = FINE) -> Tones:
    """A page of a PDF in grey, in a fax's dots."""
    width, height = page.get_size()
    across, lines = width / 72 * ACROSS, height / 72 * down
    shrink = min(1.0, LONGEST * down / lines, WIDTH / across)
    # Letter is 6 dots wider than a fax: too little to make it shorter, too.
    lines *= shrink if shrink < 0.99 else 1.0
    across = min(across * shrink, WIDTH)
    tall = max(SHORTEST, round(lines / 2) * 2)
    bitmap = pypdfium2.PdfBitmap.new_native(WIDTH, tall, pdfium.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, WIDTH, tall)
    place = (round((WIDTH - across) / 2), 0, round(across), round(lines))
    pdfium.FPDF_RenderPageBitmap(bitmap, page, *place, 0, pdfium.FPDF_ANNOT)
    dots: Tones = np.ctypeslib.as_array(bitmap.buffer).reshape(tall, bitmap.stride)[:, :WIDTH].copy()
    bitmap.close()
    return dots


def _keep_memory() -> None:
    """Let the C library keep what is freed, for all threads together: mapping the arrays of each page anew takes a
    fifth of the time."""
    with contextlib.suppress(AttributeError):  # not glibc
        for what, value in ((M_MMAP_THRESHOLD, KEPT), (M_TRIM_THRESHOLD, KEPT), (M_ARENA_MAX, 1)):
            ctypes.CDLL(None).mallopt(what, value)


def vanished(grey: Tones, made: Mask) -> bool:
    """Whether something that is to be seen in a grey page is not in the one of bits made of it."""
    if abs(1 - float(grey[::4, ::4].mean()) / 255 - float(made[::4, ::4].mean())) > TURNED:
        return True
    shows = _range(grey) >= SEEN
    bits = np.packbits(made, axis=1).view(np.uint16)  # SQUARE dots each
    bits = bits[: len(shows) * SQUARE].reshape(len(shows), SQUARE, -1)
    # An edge may fall into the square beside: both tones within one square around are enough.
    has_black = spread((np.bitwise_or.reduce(bits, axis=1) != 0).view(np.uint8), 3, np.maximum)
    has_white = spread((np.bitwise_and.reduce(bits, axis=1) != 0xFFFF).view(np.uint8), 3, np.maximum)
    lost = shows & ((has_black & has_white) == 0)
    return int(np.count_nonzero(lost)) > max(LOST_SQUARES, LOST_SHARE * np.count_nonzero(shows))


def _range(dots: Tones) -> Tones:
    """How far apart the tones of each square are, by every other line."""
    height, width = dots.shape[0] // SQUARE, dots.shape[1] // SQUARE
    rows = dots[: height * SQUARE : 2, : width * SQUARE].reshape(height, SQUARE // 2, -1)
    most, least = rows.max(axis=1), rows.min(axis=1)
    while most.shape[1] > width:
        most, least = np.maximum(most[:, ::2], most[:, 1::2]), np.minimum(least[:, ::2], least[:, 1::2])
    apart: Tones = most - least
    return apart
