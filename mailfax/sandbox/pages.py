"""A document becomes fax pages: counted when somebody wants to know, drawn when somebody wants to see.

In: a document's file and family. Out: a number; a G4 TIFF; a PDF of the same dots; a PNG for the eye. All of it
runs in one thread (pdfium is not thread-safe) and imports its libraries only there.

LIMITS  Word, Excel, PowerPoint, XPS, PCL and RTF are not drawn: one page says what was received. Of an animated
        GIF the first frame is taken. A document that can't be opened has no pages.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfax.sandbox import cover, lettering, raster, web_pages
from mailfax.sandbox.families import UNDRAWN, Family

if TYPE_CHECKING:
    from PIL.Image import Image

MARGIN = 120
TEXT_PIXELS, LINE_PIXELS = 32, 44
LINES_A_PAGE = (raster.LETTER - 2 * MARGIN) // LINE_PIXELS
MOST_DOTS = 200_000_000
"""A picture larger than this is a decompression bomb, not a page."""

log = logging.getLogger(__name__)


def count(document: Path, family: Family) -> int:
    """How many pages the document has; 0 when it can't be opened."""
    try:
        if family in UNDRAWN or family is Family.PICTURE:
            return sum(1 for _ in _sheets(document, family))
        if family is Family.TEXT:
            return sum(1 for _ in _text_pages(document))
        if family is Family.TIFF:
            with _opened(document) as picture:
                return int(getattr(picture, "n_frames", 1))
        pdf = _pdf(document, family)
        try:
            return len(pdf)
        finally:
            pdf.close()
    except Exception:  # strangers' files break libraries in every way; what counts is that it has no pages
        log.info("a document of family %s can't be opened", family, exc_info=True)
        return 0


def draw(front: cover.Cover | None, document: Path, family: Family, path: Path) -> None:
    """The cover page, if any, and the document, as one multi-page G4 TIFF at ``path``."""
    number = count(document, family) + (front is not None)
    covers = [cover.draw(front, number)] if front else []
    raster.write_tiff(chain(covers, _sheets(document, family)), path)


def bind(tiff: Path, path: Path) -> None:
    """The same pages, dot by dot, as a PDF."""
    import img2pdf

    part = path.with_suffix(".part")
    with part.open("wb") as file:
        img2pdf.convert(str(tiff), outputstream=file)
    part.replace(path)


def picture(tiff: Path, page: int, width: int) -> bytes | None:
    """A page (from 1) as a grey PNG of that width in square dots; None when there is no such page."""
    from PIL import Image

    with Image.open(tiff) as frames:
        if not 1 <= page <= getattr(frames, "n_frames", 1):
            return None
        frames.seek(page - 1)
        height = round(width * frames.height / frames.width * raster.ACROSS / raster.DOWN)
        small = frames.convert("L").resize((width, height), Image.Resampling.BOX)
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()


def _sheets(document: Path, family: Family) -> Iterator[Image]:
    """The document's pages, one at a time."""
    if family in UNDRAWN:
        yield _notice(document, family)
    elif family is Family.TEXT:
        for lines in _text_pages(document):
            yield _text_sheet(lines)
    elif family in (Family.PICTURE, Family.TIFF):
        yield from _pictures(document, frames=family is Family.TIFF)
    else:
        yield from _pdf_sheets(document, family)


def _pdf(document: Path, family: Family) -> Any:
    import pypdfium2

    if family is Family.PDF:
        return pypdfium2.PdfDocument(document)
    return pypdfium2.PdfDocument(web_pages.to_pdf(document.read_bytes(), mime=family is Family.MHTML))


def _pdf_sheets(document: Path, family: Family) -> Iterator[Image]:
    pdf = _pdf(document, family)
    try:
        if family is Family.PDF:
            pdf.init_forms()  # without it the values of form fields are not drawn
        for page in pdf:
            width, height = page.get_size()
            wide = max(raster.WIDTH / min(width, height), 0.01)
            scale = min(wide, raster.LONGEST * 1.5 / max(width, height))
            bitmap = page.render(scale=scale, grayscale=True, draw_annots=True)
            yield raster.fitted(bitmap.to_pil())
            page.close()
    finally:
        pdf.close()


def _opened(document: Path) -> Image:
    from PIL import Image

    found = Image.open(document)
    if found.width * found.height > MOST_DOTS:
        raise ValueError(f"{found.width} by {found.height} dots are too many for a page")
    return found


def _pictures(document: Path, *, frames: bool) -> Iterator[Image]:
    from PIL import Image, ImageOps

    with _opened(document) as found:
        for number in range(int(getattr(found, "n_frames", 1)) if frames else 1):
            found.seek(number)
            if found.width * found.height > MOST_DOTS:
                raise ValueError("a frame has too many dots for a page")
            across, down = _resolution(found)
            upright = ImageOps.exif_transpose(found)
            if "A" in upright.getbands() or "transparency" in upright.info:
                paper = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            yield raster.fitted(upright, across, down, raster.LONGEST if frames else raster.LETTER)


def _resolution(found: Image) -> tuple[float, float]:
    """Dots an inch across and down where the file says so sanely; (1, 1) means square."""
    dpi = found.info.get("dpi", (1, 1))
    across, down = float(dpi[0]), float(dpi[1])
    return (across, down) if across > 0 and down > 0 and 0.25 <= across / down <= 4 else (1.0, 1.0)


def _decoded(data: bytes) -> str:
    """Text by its byte order mark, else as UTF-8, else as Windows would read it (gap A28)."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _text_pages(document: Path) -> Iterator[list[str]]:
    """The lines of each page; a form feed begins a new one."""
    face = lettering.font(TEXT_PIXELS)
    for part in _decoded(document.read_bytes()).removesuffix("\f").split("\f"):
        lines = list(lettering.lines(part.rstrip(), face, raster.WIDTH - 2 * MARGIN))
        for start in range(0, len(lines), LINES_A_PAGE):
            yield lines[start : start + LINES_A_PAGE]


def _text_sheet(lines: list[str]) -> Image:
    from PIL import Image, ImageDraw

    page = Image.new("L", (raster.WIDTH, raster.LETTER), 255)
    pen = ImageDraw.Draw(page)
    for place, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + place * LINE_PIXELS), line, font=lettering.font(TEXT_PIXELS), fill=0)
    return page


def _notice(document: Path, family: Family) -> Image:
    """One page in place of a document of a family that the sandbox does not draw."""
    from PIL import Image, ImageDraw

    with document.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    page = Image.new("L", (raster.WIDTH, raster.LETTER), 255)
    pen = ImageDraw.Draw(page)
    inner = raster.WIDTH - 4 * MARGIN
    bold, plain = lettering.font(56, lettering.BOLD), lettering.font(42)
    text = f"{document.stat().st_size:,} bytes, sha256 {digest}"
    body = list(lettering.lines(text, plain, inner))
    pen.rectangle((MARGIN, 300, raster.WIDTH - MARGIN, 500 + 60 * len(body)), outline=0, width=4)
    pen.text((2 * MARGIN, 350), f"The sandbox can't draw {family}", font=bold, fill=0)
    for place, line in enumerate(body):
        pen.text((2 * MARGIN, 450 + 60 * place), line, font=plain, fill=0)
    return page
