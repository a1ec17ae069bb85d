"""What is written on a page can be read on its fax page, whatever its colours: judged by tesseract."""

from __future__ import annotations

import io
import random
import re
import subprocess
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from mailfax.render.cells import Mask
from mailfax.render.faxtiff import Profile, encoded
from mailfax.render.raster import fax_pages

pytestmark = pytest.mark.needs("tesseract")

WORDS = """the invoice of november was paid in full by customer number twenty and goods were shipped from our house to
your door before monday please sign and return this sheet with thanks order price total amount due delivery window oak
table chair glass""".split()  # noqa: SIM905
Paint = Callable[[Canvas], list[str]]


def lines(
    canvas: Canvas,
    at: tuple[float, float],
    size: float,
    colour: str,
    count: int,
    words: int,
    seed: int,
    font: str = "Helvetica",
) -> list[str]:
    """Write lines of words, and give them back."""
    chance = random.Random(seed)
    canvas.setFillColor(HexColor(colour))
    canvas.setFont(font, size)
    made = [" ".join(chance.choice(WORDS) for _ in range(words)) for _ in range(count)]
    for number, line in enumerate(made):
        canvas.drawString(at[0], at[1] - number * size * 1.4, line)
    return made


def box(canvas: Canvas, colour: str, left: float, bottom: float, width: float, height: float) -> None:
    canvas.setFillColor(HexColor(colour))
    canvas.rect(left, bottom, width, height, stroke=0, fill=1)


def photograph(width: int = 1000, height: int = 750) -> Image.Image:
    """A round face before hills: flat sky, shaded cheeks, rough ground."""
    chance = np.random.RandomState(1)
    down, across = np.mgrid[0:height, 0:width]
    grey = 225 - down / height * 110.0
    for part, tone in ((0.55, 110), (0.75, 60)):
        rough = np.kron(chance.randn(height // 4 + 1, width // 4 + 1), np.ones((4, 4)))[:height, :width]
        grey = np.where(down > height * (part + 0.06 * np.sin(across / width * 9)), tone + rough * 18, grey)
    far = np.hypot(down - height * 0.45, across - width * 0.5) / (height * 0.27)
    grey = np.where(far < 1, 215 - 60 * (across / width) - 50 * (down / height), grey)
    image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    draw = ImageDraw.Draw(image)
    for eye in (0.42, 0.58):
        draw.ellipse((eye * width - 20, 0.36 * height, eye * width + 20, 0.42 * height), fill=25)
    return image.convert("RGB")


def page(paint: Paint) -> tuple[bytes, list[str]]:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(612, 792))
    written = paint(canvas)
    canvas.save()
    return file.getvalue(), written


def read(dots: Mask, tmp_path: Path) -> str:
    """The text of a fax page. tesseract gets it with square dots, as a person's eye does."""
    picture = Image.fromarray(np.where(dots, 0, 255).astype(np.uint8))
    picture.save(tmp_path / "page.png", dpi=(204, 196))
    asked = ["tesseract", tmp_path / "page.png", "-", "--psm", "6", "--dpi", "200"]
    return subprocess.run(asked, capture_output=True, text=True, check=True, env={"OMP_THREAD_LIMIT": "1"}).stdout


def lost(written: list[str], found: str) -> list[str]:
    """The lines of which more than a letter or two can't be found."""
    text = re.sub(r"\W+", "", found).casefold()
    missing = []
    for line in written:
        wanted = line.replace(" ", "").casefold()
        match = SequenceMatcher(None, wanted, text, autojunk=False)
        if wanted not in text and sum(block.size for block in match.get_matching_blocks() if block.size > 2) < (
            len(wanted) - 2
        ):
            missing.append(line)
    return missing


ROWS: dict[str, Paint] = {
    "black": lambda canvas: lines(canvas, (50, 740), 10, "#000000", 24, 13, 1),
    "7 point": lambda canvas: lines(canvas, (50, 740), 7, "#000000", 24, 18, 2),
    "#777": lambda canvas: lines(canvas, (50, 740), 10, "#777777", 24, 13, 3),
    "#aaa": lambda canvas: lines(canvas, (50, 740), 10, "#aaaaaa", 24, 13, 4),
    "yellow": lambda canvas: lines(canvas, (50, 740), 10, "#ffff00", 24, 13, 5),
    "white on blue": lambda canvas: (
        box(canvas, "#0000ff", 40, 100, 532, 660) or lines(canvas, (50, 740), 10, "#ffffff", 24, 13, 6)
    ),
    "black on #ccc": lambda canvas: (
        box(canvas, "#cccccc", 40, 100, 532, 660) or lines(canvas, (50, 740), 10, "#000000", 24, 13, 7)
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_no_character_of_a_page_in_one_colour_is_lost(row: str, tmp_path: Path) -> None:
    pdf, written = page(ROWS[row])
    (dots,) = fax_pages(pdf)
    assert not lost(written, read(dots, tmp_path))


def mixed(canvas: Canvas) -> list[str]:
    """Everything on one page, side by side."""
    written = lines(canvas, (50, 740), 10, "#000000", 4, 12, 11) + lines(canvas, (50, 680), 10, "#aaaaaa", 3, 12, 12)
    written += lines(canvas, (50, 635), 10, "#ffff00", 2, 12, 13) + lines(canvas, (50, 605), 7, "#777777", 2, 18, 14)
    for number, (tint, ink) in enumerate(
        [
            ("#cccccc", "#000000"),
            ("#0000ff", "#ffffff"),
            ("#777777", "#ffffff"),
            ("#777777", "#000000"),
            ("#ffdd99", "#aa5500"),
            ("#333333", "#aaaaaa"),
            ("#cc0000", "#ffffff"),
            ("#aaaaaa", "#ffffff"),
        ]
    ):
        box(canvas, tint, 50, 535 - number * 44, 510, 40)
        written += lines(canvas, (58, 560 - number * 44), 10, ink, 2, 12, 20 + number)
    canvas.drawImage(ImageReader(photograph()), 200, 30, 213, 160)
    return written


def test_no_character_is_lost_where_all_colours_meet(tmp_path: Path) -> None:
    pdf, written = page(mixed)
    (dots,) = fax_pages(pdf)
    # The photograph is no text, and OCR reads some into it.
    assert not lost(written, read(dots[:1620], tmp_path))


#: Surfaces that become white, and writing on them that is lighter, darker, or hardly different.
SURFACES = [
    ("#f2c14e", "#ffffff"),
    ("#f2c14e", "#fffbe8"),
    ("#dddddd", "#ffffff"),
    ("#d0d0d0", "#ffffff"),
    ("#b0b0b0", "#ffffff"),
    ("#7fbf7f", "#ffffff"),
    ("#9aa7c7", "#f4f4f4"),
    ("#808080", "#b0b0b0"),
    ("#888888", "#505050"),
]


@pytest.mark.parametrize(("size", "words"), [(14, 4), (20, 3), (34, 2)])
def test_bold_letters_on_a_tint_have_no_black_patches(size: float, words: int, tmp_path: Path) -> None:
    def paint(canvas: Canvas) -> list[str]:
        written = []
        for number, (tint, ink) in enumerate(SURFACES):
            bottom = 720 - 72 * number
            box(canvas, tint, 50, bottom, 300, 60)
            written += lines(canvas, (60, bottom + 30 - size / 3), size, ink, 1, words, number, "Helvetica-Bold")
        return written

    pdf, written = page(paint)
    (dots,) = fax_pages(pdf)
    for number, line in enumerate(written):
        top = round((12 + 72 * number + 3) * 196 / 72)
        inside = dots[top : top + 146, 156:980]
        # Both letters that are read, and no more black than letters have.
        assert not lost([line], read(np.pad(inside, 20), tmp_path))
        assert inside.mean() < 0.2


def test_a_photograph_stays_one_and_its_page_small() -> None:
    def paint(canvas: Canvas) -> list[str]:
        canvas.drawImage(ImageReader(photograph(1600, 2000)), 0, 0, 612, 792)
        return []

    (dots,) = fax_pages(page(paint)[0])
    assert 60_000 < len(encoded(dots, Profile.F)) < 250_000
    # Seen from afar, the page has the tones of the photograph.
    afar = Image.fromarray(np.where(dots, 0, 255).astype(np.uint8)).resize((48, 60), Image.Resampling.BOX)
    source = photograph(1600, 2000).convert("L").resize((48, 60), Image.Resampling.BOX)
    apart = np.abs(np.asarray(afar, dtype=float) - np.asarray(source, dtype=float))
    assert apart.mean() < 12
