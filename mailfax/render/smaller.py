"""A document that has more bytes than a fax may have: its heavy pages become pictures of themselves.

In: a PDF of ours and its bound in bytes. Out: the same pages in fewer bytes. Only pages with large pictures (scans)
are touched, and no more than needed: first grey, as fine as a fax, then the same more coarsely coded, at last fax
pages.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import cast

import img2pdf
import pikepdf
import pypdfium2

from mailfax.render.compare import Place, looks, opened, same, view
from mailfax.render.faxtiff import write_tiff
from mailfax.render.raster import drawn, in_black
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Dots an inch: a fax has 204 x 196.
DPI = 200.0
#: A page with pictures of fewer bytes than this stays as it is; looked for this deep in forms.
HEAVY, DEEPEST = 60_000, 5
Painter = Callable[[pypdfium2.PdfPage, Place, int], bytes]


def smaller(content: bytes, most: int) -> bytes:
    """The document in at most ``most`` bytes, or as small as it gets; raises ``NotFaxable`` where a page is lost."""
    made = content
    for painter in PAINTERS:
        made = _painted(content, painter)
        if len(made) <= most:
            break
    return made


def _painted(content: bytes, painter: Painter) -> bytes:
    file = io.BytesIO()
    with opened(content) as shown, pikepdf.open(io.BytesIO(content)) as pdf:
        for number, page in enumerate(pdf.pages):
            if _picture_bytes(page.resources, DEEPEST) < HEAVY:
                continue
            width, height = shown[number].get_size()
            place = Place((width, height), 0, 0, width, height)
            with pikepdf.open(io.BytesIO(painter(shown[number], place, number))) as picture:
                pdf.pages[number] = picture.pages[0]
        pdf.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return file.getvalue()


def _picture_bytes(resources: pikepdf.Object, levels: int) -> int:
    """The bytes of all pictures that a page, or a form on it, may draw."""
    total = 0
    for each in resources.get("/XObject", pikepdf.Dictionary()).values():
        if each.get("/Subtype") == "/Image":
            total += int(each.get("/Length", 0))
        elif levels and "/Resources" in each:
            total += _picture_bytes(each.Resources, levels - 1)
    return total


def _grey(page: pypdfium2.PdfPage, place: Place, number: int, *, quality: int) -> bytes:
    file = io.BytesIO()
    view(page, place, DPI).save(file, "JPEG", quality=quality)
    made = _page(file.getvalue(), place)
    with opened(made) as painted:
        if not same(looks(page, place), looks(painted[0], place)):
            raise NotFaxable(status(Cause.RENDER_FAILED, why=f"page {number + 1} can't be made smaller"))
    return made


def _black(page: pypdfium2.PdfPage, place: Place, number: int) -> bytes:
    file = io.BytesIO()
    write_tiff([in_black((number + 1, drawn(page)))], file)
    return _page(file.getvalue(), place)


def _page(picture: bytes, place: Place) -> bytes:
    width, height = place.canvas
    return cast(bytes, img2pdf.convert(picture, layout_fun=lambda *_: (width, height, width, height)))


PAINTERS: tuple[Painter, ...] = (
    functools.partial(_grey, quality=60),
    functools.partial(_grey, quality=30),
    _black,
)
