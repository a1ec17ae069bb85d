"""Fax pages: pictures become 1,728 dots wide and black or white, and go into one multi-page G4 TIFF.

STANDARDS  ITU-T T.4 (1,728 dots a line; 204 dots an inch across, 196 lines an inch down: "fine"), T.6 (G4),
           TIFF 6.0, RFC 3949 (TIFF-FX: min-is-white, one strip a page).
LIMITS     A page is at most 14 inches long; longer ones are shrunk.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 1728
ACROSS, DOWN = 204, 196
LETTER = 11 * DOWN
LONGEST = 14 * DOWN
GREY_TEXT = 180
"""The lightest tone that text is printed in; at this threshold light grey text kept all but 0.1 % when measured."""
DARK_TINT = 100
"""From this tone on a surface counts as tint and no longer as writing."""


def fitted(picture: Image, across: float = 1.0, down: float = 1.0, longest: int = LONGEST) -> Image:
    """A grey fax page of the picture: upright, on white, as wide as the paper.

    ``across`` and ``down`` are the picture's resolution in any common unit: dots need not be square (a "standard"
    fax has 98 lines an inch). ``longest`` is in lines.
    """
    from PIL import Image

    if picture.width / across > picture.height / down:
        picture, across, down = picture.transpose(Image.Transpose.ROTATE_90), down, across
    height = round(WIDTH * (picture.height / down) / (picture.width / across) * DOWN / ACROSS)
    shrink = min(1.0, longest / height)
    size = (max(1, round(WIDTH * shrink)), max(1, round(height * shrink)))
    scaled = picture.convert("L").resize(
        size, Image.Resampling.BOX if picture.width >= WIDTH else Image.Resampling.LANCZOS
    )
    page = Image.new("L", (WIDTH, max(LETTER, size[1])), 255)
    page.paste(scaled, ((WIDTH - size[0]) // 2, 0))
    return page


def black_or_white(page: Image) -> Image:
    """Two tones: text by a threshold, photographs by error diffusion.

    Dithering destroys text on tint (57 to 98 % of the characters lost when measured), a threshold destroys
    photographs: the page's histogram decides.
    """
    from PIL import Image

    if page.mode == "1":
        return page
    counts = page.histogram()
    if _is_photograph(counts):
        return page.convert("1", dither=Image.Dither.FLOYDSTEINBERG)
    threshold = _threshold(counts)
    return page.point([0 if tone <= threshold else 255 for tone in range(256)], mode="1")


def _is_photograph(counts: list[int]) -> bool:
    """Many tones between black and white that each cover a thousandth of the page."""
    enough = sum(counts) / 1000
    return sum(1 for count in counts[32:224] if count > enough) > 40


def _threshold(counts: list[int]) -> int:
    """The lightest tone that is printed black.

    Usually that is the lightest tone text is printed in. Black writing on a large dark tint needs a lower one, or
    the tint swallows it; a page of nothing but light writing is parted where its own tones part.
    """
    few = sum(counts) / 2000
    dark, middling = sum(counts[:DARK_TINT]), sum(counts[DARK_TINT : GREY_TEXT + 1])
    if dark + middling < few:
        return _otsu(counts)
    return DARK_TINT - 1 if middling > 100 * few and dark > few else GREY_TEXT


def _otsu(counts: list[int]) -> int:
    """The tone that parts dark from light best (Otsu 1979); 127 for a page of one tone."""
    total, weighted = sum(counts), sum(tone * count for tone, count in enumerate(counts))
    best, threshold, below, below_weighted = 0.0, 127, 0, 0
    for tone, count in enumerate(counts):
        below += count
        below_weighted += tone * count
        if below in (0, total):
            continue
        apart = below_weighted / below - (weighted - below_weighted) / (total - below)
        between = below * (total - below) * apart * apart
        if between > best:
            best, threshold = between, tone
    return threshold


def write_tiff(pages: Iterable[Image], path: Path) -> None:
    """All pages into one file, one page in memory at a time; the file appears only when it is whole.

    Pillow's own multi-page saving keeps every page: 1.2 GB for 300 pages when measured, this 46 MB.
    """
    from PIL.TiffImagePlugin import AppendingTiffWriter

    part = path.with_suffix(".part")
    with AppendingTiffWriter(str(part), True) as writer:
        for page in pages:
            writer.write(_one_page(black_or_white(page)))
            writer.newFrame()
    part.replace(path)


def _one_page(page: Image) -> bytes:
    """A single-page G4 TIFF, white stored as 0.

    Pillow would turn the dots over one by one in Python; so they are turned over here, stored as
    min-is-black, and the tag PhotometricInterpretation (262) is then set to min-is-white (0).
    """
    from PIL import ImageChops

    file = io.BytesIO()
    one_strip = {254: 2, 278: page.height}
    turned = ImageChops.invert(page)
    turned.save(file, format="TIFF", compression="group4", dpi=(ACROSS, DOWN), tiffinfo=one_strip)
    data = bytearray(file.getvalue())
    (directory,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, directory)
    for place in range(directory + 2, directory + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", data, place) == (262,):
            struct.pack_into("<H", data, place + 8, 0)
    return bytes(data)
