"""Pictures become pages: JPEG, PNG, GIF and TIFF of any number of pages.

In: the bytes of a picture. Out: one PDF per page. A scan fills its page; a photograph gets a margin and keeps its
shape; nothing is enlarged beyond its own size. What is finer than a fax is made grey and scaled down here, because
the other side gets 1728 dots a line at most.

LIMITS: ``MOST_PIXELS`` a picture (checked before decoding: decompression bombs), ``FINEST`` dots an inch.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import cast

import img2pdf
import pi_heif
from PIL import Image, ImageOps, TiffImagePlugin

from mailfax.render.kinds import Kind
from mailfax.render.pdf import PAPERS
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: A3 at 600 dots an inch has 70 million.
MOST_PIXELS = 120_000_000
FINEST = 300.0
#: Dots an inch of a picture that does not say.
UNSAID = 96.0
#: A picture with less dots than this across or down has nothing to see: it watches the reader, or keeps things apart.
LEAST_DOTS = 8
#: The smallest page that a PDF may have, in points.
LEAST_PAGE = 3.0
#: Around what is no scan, in points.
MARGIN = 28.0
#: Widths of a fax line, and the height that a page of them does not reach at 98 lines an inch (T.30; A4 has 1143).
FAX_WIDTHS, FAX_STANDARD_HEIGHT = (1728, 2048, 2432), 1500
#: A lossless page larger than this is sent as a JPEG instead.
LOSSLESS_BYTES = 1_500_000

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
pi_heif.register_heif_opener(thumbnails=False)


def draw_picture(content: bytes, kind: Kind, name: str, paper: str, most_pages: int) -> Iterator[bytes]:
    """The pages of a picture, one PDF each; raises ``NotFaxable``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[_FORMATS[kind]]) as picture:
                if kind is Kind.TIFF and (frames := int(getattr(picture, "n_frames", 1))) > 2 * most_pages:
                    raise NotFaxable(status(Cause.TOO_MANY_PAGES, pages=frames, limit=most_pages))
                if kind is Kind.JPEG and _goes_as_it_is(picture, paper):
                    picture.load()  # else half a picture would go through, and be grey below
                    yield _page(content, picture, paper)
                else:
                    for frame in _frames(picture, kind):
                        yield _page(*_fax_ready(frame, paper), paper)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        why = f"it has more than {MOST_PIXELS // 1_000_000} million dots. Scan it with fewer dots per inch"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why)) from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, img2pdf.ImageOpenError) as wrong:
        diagnostic = f"x-mailfax; damaged picture: {type(wrong).__name__}: {str(wrong)[:100]}"
        raise NotFaxable(status(Cause.DAMAGED, diagnostic, name=name, why="it can't be read as a picture")) from None


def nothing_to_see(content: bytes, kind: Kind) -> str:
    """Why a picture is not worth a page, or "" where it is one, or where that can't be told yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=[_FORMATS[kind]]) as picture:
                several = kind is Kind.TIFF and int(getattr(picture, "n_frames", 1)) > 1
                seen = several or min(picture.size) >= LEAST_DOTS
                return "" if seen else f"a picture of {picture.width} x {picture.height} dots: nothing to see"
    except Exception:  # Whatever a parser finds wrong here, it finds again when the picture is drawn, and tells.
        return ""


_FORMATS = {
    Kind.JPEG: "JPEG", Kind.PNG: "PNG", Kind.GIF: "GIF", Kind.TIFF: "TIFF", Kind.BMP: "BMP", Kind.WEBP: "WEBP",
    Kind.AVIF: "AVIF", Kind.JPEG2000: "JPEG2000", Kind.HEIC: "HEIF", Kind.ICO: "ICO",
}  # fmt: skip


def _frames(picture: Image.Image, kind: Kind) -> Iterator[Image.Image]:
    """The pages: all of a TIFF but its thumbnails, the first of everything else (an animation is no document)."""
    if kind is not Kind.TIFF:
        yield picture
        return
    every = range(int(getattr(picture, "n_frames", 1)))
    # Some scanners mark all of their pages as thumbnails: then none is.
    for number in [number for number in every if not _thumbnail(picture, number)] or every:
        picture.seek(number)
        yield picture


def _thumbnail(picture: Image.Image, number: int) -> bool:
    """Whether this frame is a reduced copy of another page (TIFF 6.0, NewSubfileType, bit 0)."""
    picture.seek(number)
    tags = cast(TiffImagePlugin.TiffImageFile, picture).tag_v2
    return bool(int(tags.get(254, 0)) & 1)


def _density(picture: Image.Image) -> tuple[float, float]:
    """Dots an inch, across and down; fax files often do not say that their lines are twice as far apart."""
    across, down = (float(value) for value in picture.info.get("dpi", (0, 0)))
    if across < 10 or down < 10 or across > 5000 or down > 5000:
        if picture.width in FAX_WIDTHS and picture.mode == "1":
            return 204.0, 98.0 if picture.height < FAX_STANDARD_HEIGHT else 196.0
        return UNSAID, UNSAID
    return across, down


def _goes_as_it_is(picture: Image.Image, paper: str) -> bool:
    """A JPEG that is no finer than needed is embedded as it came: no second loss."""
    longest = max(PAPERS[paper]) / 72 * FINEST
    return picture.mode in ("L", "RGB") and max(picture.size) <= longest * 1.1


def _fax_ready(frame: Image.Image, paper: str) -> tuple[bytes, Image.Image]:
    """The frame as a file for the PDF: black and white as it is, everything else grey and no finer than needed."""
    dpi = _density(frame)
    image = ImageOps.exif_transpose(frame)
    if image.size != frame.size:
        dpi = dpi[1], dpi[0]
    file = io.BytesIO()
    if image.mode == "1":
        image.info["dpi"] = dpi
        image.save(file, "TIFF", compression="group4", dpi=dpi)
        return file.getvalue(), image
    grey = _grey(image)
    width, height = _layout(grey.width, grey.height, dpi, paper)
    most = round(width / 72 * FINEST), round(height / 72 * FINEST)
    if grey.width > most[0] or grey.height > most[1]:
        grey = grey.resize((min(most[0], grey.width), min(most[1], grey.height)), Image.Resampling.BOX)
    dpi = grey.width / width * 72, grey.height / height * 72
    grey.info["dpi"] = dpi
    grey.save(file, "PNG", dpi=dpi)
    if file.tell() > LOSSLESS_BYTES:
        file = io.BytesIO()
        grey.save(file, "JPEG", quality=85, dpi=(round(dpi[0]), round(dpi[1])))
    return file.getvalue(), grey


def _grey(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit grey on white."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Pillow clips 16 bits instead of scaling them: every light page would turn white.
        _, high = cast(tuple[float, float], image.convert("F").getextrema())
        scale = 255 / (65535 if image.mode != "F" and high > 255 else max(high, 1))
        return image.convert("F").point(lambda value: value * scale + 0).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("L")
    if image.mode in ("CMYK", "LAB", "YCbCr", "P", "PA"):
        image = image.convert("RGB")
    return image.convert("L")


def _layout(width: int, height: int, dpi: tuple[float, float], paper: str) -> tuple[float, float]:
    """The size on paper in points: a scan keeps its page, everything else fits within margins."""
    across, down = width / dpi[0] * 72, height / dpi[1] * 72
    page = PAPERS[paper]
    for other in PAPERS.values():
        for page_width, page_height in (other, other[::-1]):
            if abs(across - page_width) < 0.06 * page_width and abs(down - page_height) < 0.08 * page_height:
                return across, down
    scale = min(1.0, (page[0] - 2 * MARGIN) / across, (page[1] - 2 * MARGIN) / down)
    return across * scale, down * scale


def _page(content: bytes, picture: Image.Image, paper: str) -> bytes:
    """One page with the picture at its size on paper."""
    dpi = _density(picture)

    def layout(width: int, height: int, _: tuple[float, float]) -> tuple[float, float, float, float]:
        # img2pdf has turned the picture upright by then; the density turns with it.
        turned = (width > height) != (picture.width > picture.height)
        across, down = _layout(width, height, dpi[::-1] if turned else dpi, paper)
        return max(across, LEAST_PAGE), max(down, LEAST_PAGE), across, down

    return cast(bytes, img2pdf.convert(content, layout_fun=layout, rotation=img2pdf.Rotation.ifvalid))
