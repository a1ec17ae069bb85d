"""Pictures become pages: JPEG, TIFF of any number of pages, and what else a telephone or a copier makes.

In: the bytes of a picture. Out: one PDF per page. A scan fills its page; a photograph gets a margin and keeps its
shape; nothing is enlarged beyond its own size. What is finer than a fax is made grey and scaled down here, because
the other side gets 1728 dots a line at most. Colour profiles are applied and then dropped: one that says RGB or CMYK
beside a grey picture makes readers see nothing. Each page made is looked at: it has to show the picture.

LIMITS: ``MOST_PIXELS`` a picture (checked before decoding: decompression bombs), ``FINEST`` dots an inch.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any, cast

import img2pdf
import pi_heif
import pypdfium2
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat, UnidentifiedImageError

from mailfax.render.jpeg import holds, require_readable, require_whole, shown_alike
from mailfax.render.kinds import Kind
from mailfax.render.pdf import PAPERS
from mailfax.render.tiff import pages_of
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Grey from which nothing is seen on white.
PALE = 248
#: Mean of what covers (0 to 255) up to which it is writing.
MOST_WRITING = 128
#: A3 at 600 dots an inch has 70 million.
MOST_PIXELS = 120_000_000
FINEST = 240.0
#: Dots an inch of a picture that does not say.
UNSAID = 96.0
#: A picture with less dots than this across or down has nothing to see: it watches the reader, or keeps things apart.
LEAST_DOTS = 8
#: The smallest page that a PDF may have, in points.
LEAST_PAGE = 3.0
#: Around what is no scan, in points.
MARGIN = 28.0
#: A lying page of fewer dots an inch is no scan, which would be turned, but a picture (800 x 600 at 72 is 11 inches).
SCANNED = 98.0
#: The tag of EXIF and TIFF that says how a picture is to be turned.
ORIENTATION, LYING = 0x0112, range(5, 9)
#: Widths of a fax line, and the height that a page of them does not reach at 98 lines an inch (T.30; A4 has 1143).
FAX_WIDTHS, FAX_STANDARD_HEIGHT = (1728, 2048, 2432), 1500
#: A page that would be larger than this is sent as a JPEG of less quality instead, and a JPEG that came larger than
#: that is made anew: twenty pages of a colour scan have to fit a fax.
FINE_BYTES, JPEG_BYTES, QUALITY = 400_000, 1_000_000, 75
#: Files whose pictures have lost something already, and the quality at which they lose nothing that can be seen.
LOSSY, FINE_QUALITY = ("JPEG", "HEIF", "AVIF"), 90
#: How far a page may be from its picture: the mean difference of tones, of 255, seen from afar.
UNLIKE = 24
AFAR = 48

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
pi_heif.register_heif_opener(thumbnails=False)


def draw_picture(
    content: bytes, kind: Kind, name: str, paper: str, most_pages: int, told: list[str]
) -> Iterator[bytes]:
    """The pages of a picture, one PDF each; ``told`` gets what can't be read of it. Raises ``NotFaxable``."""
    if kind is Kind.JPEG:
        require_readable(content, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[_FORMATS[kind]]) as picture:
                if kind is Kind.TIFF and (frames := int(getattr(picture, "n_frames", 1))) > 2 * most_pages:
                    raise NotFaxable(status(Cause.TOO_MANY_PAGES, pages=frames, limit=most_pages))
                if kind is Kind.JPEG and _goes_as_it_is(content, picture, paper):
                    require_whole(content)
                    yield _page_of_jpeg(content, picture, paper, name)
                else:
                    for frame in _frames(content, picture, kind, name, told):
                        yield _page(*_fax_ready(frame, paper), paper, name)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        why = f"it has more than {MOST_PIXELS // 1_000_000} million dots. Scan it with fewer dots per inch"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why)) from None
    except UnidentifiedImageError:
        why = "it is damaged, or a rare kind of picture that is not read here. Save it as PNG, JPEG or PDF"
        raise NotFaxable(
            status(Cause.UNSUPPORTED, "x-mailfax; not identified as a picture", name=name, why=why)
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, img2pdf.ImageOpenError) as wrong:
        diagnostic = f"x-mailfax; damaged picture: {type(wrong).__name__}: {str(wrong)[:100]}"
        raise NotFaxable(status(Cause.DAMAGED, diagnostic, name=name, why="it can't be read as a picture")) from None


def more_frames(content: bytes, kind: Kind, name: str) -> list[str]:
    """What a fax leaves out of an animation, or of several pictures in one file."""
    if kind not in (Kind.GIF, Kind.PNG, Kind.WEBP, Kind.AVIF, Kind.HEIC):
        return []
    with Image.open(io.BytesIO(content), formats=[_FORMATS[kind]]) as picture:
        more = int(getattr(picture, "n_frames", 1)) - 1
    what = "more pictures in the file" if kind is Kind.HEIC else "more frames of an animation"
    return [f"{name}: {more} {what}"] if more > 0 else []


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


def _frames(content: bytes, picture: Image.Image, kind: Kind, name: str, told: list[str]) -> Iterator[Image.Image]:
    """The pages: all of a TIFF but its thumbnails, the first of everything else (an animation is no document)."""
    if kind is not Kind.TIFF:
        if picture.width * picture.height > MOST_PIXELS:  # not every decoder asks
            raise Image.DecompressionBombError
        yield picture
        return
    yield from pages_of(content, picture, name, told)


def _density(picture: Image.Image) -> tuple[float, float]:
    """Dots an inch, across and down; fax files often do not say that their lines are twice as far apart."""
    across, down = (float(value) for value in picture.info.get("dpi", (0, 0)))
    if not (10 <= across <= 5000 and 10 <= down <= 5000):  # or no number at all
        if picture.width in FAX_WIDTHS and picture.mode == "1":
            return 204.0, 98.0 if picture.height < FAX_STANDARD_HEIGHT else 196.0
        return UNSAID, UNSAID
    return across, down


def _goes_as_it_is(content: bytes, picture: Image.Image, paper: str) -> bool:
    """A JPEG that every reader shows alike, upright and not much finer than needed, is embedded as it came: no second
    loss, and nothing to be done but to see that it is whole."""
    longest = max(PAPERS[paper]) / 72 * FINEST
    return (
        shown_alike(content, picture)
        and max(picture.size) <= 2 * longest
        and len(content) <= JPEG_BYTES
        and picture.getexif().get(ORIENTATION, 1) == 1
    )


def _fax_ready(frame: Image.Image, paper: str) -> tuple[bytes, Image.Image]:
    """The frame as a file for the PDF: black and white as it is, everything else grey and no finer than needed."""
    dpi, lossy, across = _density(frame), frame.format in LOSSY, frame.width
    turned = frame.getexif().get(ORIENTATION, 1)
    if turned in LYING:
        dpi = dpi[1], dpi[0]
    if frame.format == "JPEG" and frame.mode == "RGB" and "icc_profile" not in frame.info:
        # Its grey is in it as it is: the decoder leaves out the colours, and halves what is more than twice as fine.
        down, right = (1, 0) if turned in LYING else (0, 1)
        least = _finest(*_layout(frame.size[down], frame.size[right], dpi, paper))
        frame.draft("L", (min(least[down], frame.width), min(least[right], frame.height)))
        dpi = dpi[0] * frame.width / across, dpi[1] * frame.width / across
    image = frame.copy() if turned == 1 else ImageOps.exif_transpose(frame)
    if image.mode == "1":
        file = io.BytesIO()
        image.info = {"dpi": dpi}
        image.save(file, "TIFF", compression="group4", dpi=dpi)
        return file.getvalue(), image
    grey = _grey(image)
    width, height = _layout(grey.width, grey.height, dpi, paper)
    most = _finest(width, height)
    if grey.width > most[0] or grey.height > most[1]:
        grey = grey.resize((min(most[0], grey.width), min(most[1], grey.height)), Image.Resampling.BOX)
    dpi = grey.width / width * 72, grey.height / height * 72
    grey.info = {"dpi": dpi}
    return _packed(grey, lossy=lossy), grey


def _finest(width: float, height: float) -> tuple[int, int]:
    """The most dots that so many points have."""
    return round(width / 72 * FINEST), round(height / 72 * FINEST)


class _TooLarge(Exception):
    """A picture is larger than ``FINE_BYTES``."""


class _Fine(io.BytesIO):
    """Ends what is written to it as soon as that is too large."""

    def write(self, data: Any, /) -> int:
        if self.tell() > FINE_BYTES:
            raise _TooLarge
        return super().write(data)


def _packed(grey: Image.Image, *, lossy: bool) -> bytes:
    """A grey picture as PNG, or as JPEG where it was lossy or would be large."""
    file: io.BytesIO = _Fine()
    try:
        if lossy:
            grey.save(file, "JPEG", quality=FINE_QUALITY)
        else:
            grey.save(file, "PNG")
    except _TooLarge:
        file = io.BytesIO()
        grey.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def ink_of_white(image: Image.Image) -> Image.Image | None:
    """Of a picture that is white on nothing, made for a dark ground: what covers, in black on white; else None."""
    if not image.has_transparency_data:
        return None
    image = image.convert("RGBA")
    ink = image.getchannel("A")
    seen = Image.composite(image.convert("L"), Image.new("L", image.size, 255), ink)
    # What covers most of it is a white ground, and no writing.
    writing = ink.getbbox() is not None and ImageStat.Stat(ink).mean[0] < MOST_WRITING
    return ImageChops.invert(ink) if writing and cast(tuple[int, int], seen.getextrema())[0] >= PALE else None


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
        return ink_of_white(image) or Image.alpha_composite(white, image).convert("L")
    return _in_srgb(image).convert("L")


def _in_srgb(image: Image.Image) -> Image.Image:
    """Colours as they are meant: through the picture's own profile where it has a sound one."""
    profile: bytes = image.info.get("icc_profile") or b""
    if image.mode in ("P", "PA", "YCbCr"):
        image = image.convert("RGB")
    if image.mode == "LAB" or (profile and image.mode in ("RGB", "CMYK") and b"sRGB" not in profile[:4096]):
        try:
            own = ImageCms.createProfile("LAB") if image.mode == "LAB" else io.BytesIO(profile)
            made = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return cast(Image.Image, made)
        except (ImageCms.PyCMSError, OSError):
            if image.mode == "LAB":
                raise ValueError("its colours can't be read") from None
    return image.convert("RGB") if image.mode == "CMYK" else image


def _layout(width: int, height: int, dpi: tuple[float, float], paper: str) -> tuple[float, float]:
    """The size on paper in points: a scan keeps its page, everything else fits within margins."""
    across, down = width / dpi[0] * 72, height / dpi[1] * 72
    page = PAPERS[paper]
    for other in PAPERS.values():
        for page_width, page_height in (other, other[::-1]) if max(dpi) >= SCANNED else (other,):
            if abs(across - page_width) < 0.06 * page_width and abs(down - page_height) < 0.08 * page_height:
                return across, down
    scale = min(1.0, (page[0] - 2 * MARGIN) / across, (page[1] - 2 * MARGIN) / down)
    return across * scale, down * scale


def _page_of_jpeg(content: bytes, picture: Image.Image, paper: str, name: str) -> bytes:
    """One page with a JPEG as it came; raises ``NotFaxable`` where the page does not have it."""
    page = _laid_out(content, picture, paper)
    if not holds(page, content, picture.mode):
        raise _other_than(name)
    return page


def _page(content: bytes, picture: Image.Image, paper: str, name: str) -> bytes:
    """One page with the picture at its size on paper; raises ``NotFaxable`` where the page does not show it."""
    page = _laid_out(content, picture, paper)
    if _unlike(page, picture) > UNLIKE:
        raise _other_than(name)
    return page


def _other_than(name: str) -> NotFaxable:
    diagnostic = "x-mailfax; the page does not show the picture"
    return NotFaxable(status(Cause.DAMAGED, diagnostic, name=name, why="its page would not look like it"))


def _laid_out(content: bytes, picture: Image.Image, paper: str) -> bytes:
    """A page with the picture of a file at its size on paper."""
    dpi = _density(picture)

    def layout(width: int, height: int, _: tuple[float, float]) -> tuple[float, float, float, float]:
        # img2pdf has turned the picture upright by then; the density turns with it.
        turned = (width > height) != (picture.width > picture.height)
        across, down = _layout(width, height, dpi[::-1] if turned else dpi, paper)
        return max(across, LEAST_PAGE), max(down, LEAST_PAGE), across, down

    return cast(bytes, img2pdf.convert(content, layout_fun=layout, rotation=img2pdf.Rotation.ifvalid))


def _unlike(page: bytes, picture: Image.Image) -> float:
    """How different the tones of a page and of its picture are, seen from afar."""
    with pypdfium2.PdfDocument(page) as pdf:
        if min(pdf[0].get_size()) < 4 * LEAST_PAGE:
            return 0.0  # a rule, thinner than the thinnest page
        scale = 4 * AFAR / max(pdf[0].get_size())
        shown = pdf[0].render(scale=scale).to_pil().convert("L")  # sooner than asked for grey
    size = max(shown.width // 4, 1), max(shown.height // 4, 1)
    images = shown, picture if picture.mode == "L" else picture.convert("L")
    seen, given = (image.resize(size, Image.Resampling.BOX, reducing_gap=4.0) for image in images)
    return float(ImageStat.Stat(ImageChops.difference(seen, given)).mean[0])
