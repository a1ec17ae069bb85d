"""Setting text on pages: the font that ships with the package, and breaking lines to a width.

In: text. Out: Pillow fonts and lines that fit. Nothing of the operating system is needed.

LIMITS  Noto Sans covers Latin, Greek and Cyrillic; other scripts show as boxes. No right-to-left setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

REGULAR, BOLD = 400, 700


@cache
def font_folder() -> Path:
    """Where the font files are."""
    return Path(str(files("fontpkg_noto_sans"))) / "files"


@cache
def font(size: int, weight: int = REGULAR) -> FreeTypeFont:
    """Noto Sans at ``size`` pixels; the file is a variable font with the axes width and weight."""
    from PIL import ImageFont

    face = ImageFont.truetype(str(font_folder() / "NotoSans[wdth,wght].ttf"), size)
    axes = face.get_variation_axes()
    face.set_variation_by_axes([weight if b"eight" in axis["name"] else 100 for axis in axes])
    return face


def lines(text: str, face: FreeTypeFont, width: int) -> Iterator[str]:
    """The text in lines no wider than ``width`` pixels, broken at blanks, and inside a word only where it must."""
    for paragraph in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        rest = paragraph.expandtabs(8).rstrip()
        while face.getlength(rest) > width:
            end = _fitting(rest, face, width)
            blank = rest.rfind(" ", 1, end + 1)
            end = blank if blank > len(rest) - len(rest.lstrip()) else end
            yield rest[:end].rstrip()
            rest = rest[end:].lstrip()
        yield rest


def _fitting(text: str, face: FreeTypeFont, width: int) -> int:
    """How many characters of the text fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if face.getlength(text[:middle]) <= width else (low, middle - 1)
    return low
