"""Pages become fax pages, and nothing of them vanishes; the TIFF of them is what RFC 3949 says."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from mailfax.render import raster
from mailfax.render.cells import Mask, Tones
from mailfax.render.faxtiff import Profile, write_tiff
from mailfax.render.onebit import black
from mailfax.render.raster import fax_pages, fax_tiff, vanished
from mailfax.rules.submission import NotFaxable
from tests.render.paper import letter

LETTER, A4 = (612, 792), (595.28, 841.89)


def blank(pages: int, size: tuple[float, float] = LETTER) -> bytes:
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page(page_size=size)
    file = io.BytesIO()
    pdf.save(file)
    return file.getvalue()


def joined(*parts: bytes) -> bytes:
    pdf = pikepdf.new()
    for part in parts:
        with pikepdf.open(io.BytesIO(part)) as one:
            pdf.pages.extend(one.pages)
    file = io.BytesIO()
    pdf.save(file)
    return file.getvalue()


def inches(size: tuple[float, float] = LETTER) -> bytes:
    """A page with a black square of three inches, two inches from its left and upper edges."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=size)
    canvas.rect(144, size[1] - 360, 216, 216, fill=1)
    canvas.save()
    return file.getvalue()


@pytest.mark.parametrize(("size", "height"), [(LETTER, 2156), (A4, 2292), ((612, 1008), 2744), ((595, 420), 1144)])
def test_a_page_has_the_width_of_a_fax_and_keeps_its_measures(size: tuple[float, float], height: int) -> None:
    (page,) = fax_pages(inches(size))
    assert page.shape == (height, 1728)
    rows, columns = np.flatnonzero(page.any(axis=1)), np.flatnonzero(page.any(axis=0))
    assert abs(len(rows) - 3 * 196) <= 4
    assert abs(len(columns) - 3 * 204) <= 6
    assert abs(rows[0] - 2 * 196) <= 4
    # An A4 sheet lies in the middle of the line.
    assert abs(columns[0] - ((1728 - size[0] / 72 * 204) / 2 + 2 * 204)) <= 6


def test_the_standard_resolution_has_half_the_lines() -> None:
    (page,) = fax_pages(inches(), down=98)
    assert page.shape == (1078, 1728)
    assert abs(int(page.any(axis=1).sum()) - 3 * 98) <= 3


def test_a_turned_page_is_upright() -> None:
    with pikepdf.open(io.BytesIO(inches((792, 612)))) as pdf:
        pdf.pages[0].rotate(90, relative=True)
        file = io.BytesIO()
        pdf.save(file)
    (page,) = fax_pages(file.getvalue())
    assert page.shape == (2156, 1728)
    assert page.any(axis=1)[400:980].all()


def test_only_the_empty_last_pages_of_a_device_are_left_out() -> None:
    document = joined(letter(1), blank(1), letter(1), blank(2))
    file = io.BytesIO()
    assert fax_tiff(document, file, device=True) == raster.Raster(3, (4, 5))
    assert fax_tiff(document, io.BytesIO()) == raster.Raster(5, ())
    assert fax_tiff(blank(2), io.BytesIO(), device=True).pages == 1
    with Image.open(file) as made:
        assert made.n_frames == 3  # type: ignore[attr-defined]


def test_two_words_on_the_last_page_are_a_page() -> None:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.setFont("Helvetica", 8)
    canvas.drawString(300, 40, "- 2 -")
    canvas.save()
    assert fax_tiff(joined(letter(1), file.getvalue()), io.BytesIO(), device=True).blank == ()


def _grey() -> Tones:
    return raster.drawn(raster.pypdfium2.PdfDocument(letter(1))[0])


LOSSES: dict[str, Callable[[Mask], Mask]] = {
    "blank": lambda page: np.zeros_like(page),
    "black": lambda page: np.ones_like(page),
    "inverted": lambda page: ~page,
    "lower half": lambda page: np.where(np.arange(len(page))[:, None] > 200, False, page),
    "shifted": lambda page: np.roll(page, 300, axis=0),
    "another page": lambda page: page[:, ::-1],
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_vanishes_is_seen(loss: str) -> None:
    grey = _grey()
    made = black(grey)
    assert not vanished(grey, made)
    assert vanished(grey, LOSSES[loss](made))


def test_a_page_that_would_be_lost_is_dithered_and_else_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros((2156, 1728), np.bool_)
    monkeypatch.setattr(raster, "black", lambda page, **_: nothing)
    (page,) = fax_pages(letter(1))
    assert page.any()
    monkeypatch.setattr(raster, "dithered", lambda page: nothing)
    with pytest.raises(NotFaxable, match="page 1 is lost in black and white"):
        list(fax_pages(letter(1)))


@pytest.mark.parametrize("paper", [255, 235])
@pytest.mark.parametrize("tone", [120, 145, 170, 200])
def test_a_thin_grey_line_is_whole_on_a_sheet_that_lay_askew(paper: int, tone: int) -> None:
    """Three dots wide, a degree askew, on a scanner's noisy paper and on white."""
    down, across = np.mgrid[0:800, 0:1728]
    grey = np.full(down.shape, float(paper))
    middles = [start + (across - 100) * np.tan(np.radians(1)) for start in (200, 400, 600)]
    for middle in middles:
        cover = np.clip(2 - np.abs(down - middle), 0, 1) * ((across >= 100) & (across < 1600))
        grey += cover * (tone - grey)
    if paper < 255:
        grey += np.random.RandomState(1).randn(*grey.shape) * 6
    made = black(np.clip(grey, 0, 255).astype(np.uint8))
    for middle in middles:
        inked = (made & (np.abs(down - middle) < 5))[:, 100:1600].sum(axis=0)
        assert np.count_nonzero(inked) > 0.98 * len(inked)
        # Neither thick here and thin there.
        assert np.percentile(inked, 95) - np.percentile(inked, 5) <= 2


def entries(content: bytes) -> list[dict[int, tuple[int, int, int]]]:
    """Each directory: tag to type, count and value; read without any library."""
    assert content[:4] == b"II*\0"
    (at,) = struct.unpack_from("<I", content, 4)
    found = []
    while at:
        (count,) = struct.unpack_from("<H", content, at)
        found.append({})
        for place in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, number, value = struct.unpack_from("<HHII", content, place)
            found[-1][tag] = (kind, number, value)
        assert list(found[-1]) == sorted(found[-1])
        found[-1][0] = (0, at, at + 2 + 12 * count + 4)
        (at,) = struct.unpack_from("<I", content, at + 2 + 12 * count)
    return found


@pytest.mark.parametrize(("paper", "spread"), [(250, 6), (240, 10), (255, 4), (245, 3)])
def test_noisy_paper_is_white(paper: int, spread: int) -> None:
    """Also where the noise is cut off at white: specks on the whole page would cost minutes on the line."""
    noise = np.random.default_rng(7).normal(paper, spread, (2156, 1728))
    noise[300:700, 300:330] = 60  # a stroke of ink
    made = black(np.clip(noise, 0, 255).astype(np.uint8))
    assert made[300:700, 300:330].mean() > 0.99
    assert made.mean() - 400 * 30 / (2156 * 1728) < 0.005


@pytest.mark.needs("tiffinfo")
@pytest.mark.parametrize("profile", Profile)
def test_the_file_is_of_its_profile(profile: Profile, tmp_path: Path) -> None:
    pages: list[Mask] = [*fax_pages(letter(2)), *fax_pages(letter(1, "a4"))]
    path = tmp_path / "fax.tif"
    with path.open("w+b") as file:
        assert write_tiff(pages, file, profile=profile) == 3
    content = path.read_bytes()
    directories = entries(content)
    assert len(directories) == 3
    for number, (page, directory) in enumerate(zip(pages, directories, strict=True)):
        value = {tag: entry[2] for tag, entry in directory.items()}
        compression, order = (4, 1) if profile is Profile.F else (3, 2)
        # RFC 3949, 3.4 and 4.5: what each page of profile S and F has to say.
        assert (value[254], value[256], value[257]) == (2, 1728, page.shape[0])
        assert (value[258], value[259], value[262], value[266], value[277]) == (1, compression, 0, order, 1)
        assert value[278] == page.shape[0]
        assert (value[297] & 0xFFFF, value[297] >> 16, directory[297][1]) == (number, 3, 2)
        assert value[296] == 2
        assert struct.unpack_from("<II", content, value[282]) == (204, 1)
        assert struct.unpack_from("<II", content, value[283]) == (196, 1)
        assert value[293 if profile is Profile.F else 292] == 0
        # The directory, its values, and only then the strip; one strip a page, on an even place.
        assert directory[0][1] % 2 == 0
        assert directory[0][2] <= value[282] < value[283] < value[273]
        assert directory[273][1] == directory[279][1] == 1
    assert directories[0][0][1] == 8
    for one, other in pairwise(directories):
        assert one[273][2] + one[279][2] <= other[0][1]
    seen = subprocess.run(["tiffinfo", "-D", path], capture_output=True, text=True, check=True)
    assert not seen.stderr
    assert seen.stdout.count("min-is-white") == 3
    with Image.open(path) as made:
        for number, page in enumerate(pages):
            made.seek(number)
            assert np.array_equal(np.asarray(made) == 0, page)


def test_sixty_pages_need_the_memory_of_one(tmp_path: Path) -> None:
    """In a process of its own: pages drawn, made black and white and written."""
    source = tmp_path / "many.pdf"
    source.write_bytes(joined(*[letter(10)] * 6))
    # VmHWM is this process's own; ru_maxrss would begin with that of pytest.
    code = (
        "import sys, re; from mailfax.render.raster import fax_tiff\n"
        "with open(sys.argv[2], 'w+b') as file: print(fax_tiff(open(sys.argv[1], 'rb').read(), file).pages)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    run = [sys.executable, "-c", code, source, tmp_path / "fax.tif"]
    pages, peak = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    assert pages == "60"
    assert int(peak) < 200_000, "kilobytes"
