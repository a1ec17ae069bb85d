"""Pages as pictures for screens, drawn in a cell from whatever lies in the spool."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from mailfax.config import Limits
from mailfax.render import CannotRender, Renderer
from mailfax.render.rehearsal import STANDARD_FONTS
from mailfax.render.screen import as_pdf, picture
from tests.support import documents

pytestmark = pytest.mark.anyio


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(paper="letter", limits=Limits(render_seconds=20))
    await made.start()
    yield made
    await made.close()


@pytest.mark.parametrize("content", [documents.pdf(3), documents.tiff(3)], ids=["pdf", "tiff"])
async def test_a_page_is_drawn_in_a_cell(renderer: Renderer, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "fax"
    source.write_bytes(content)
    png, pages = await renderer.picture(source, 2, 300, into=tmp_path)
    with Image.open(io.BytesIO(png)) as drawn:
        assert pages == 3 and drawn.format == "PNG" and drawn.width == 300 and 350 < drawn.height < 450
        dark, light = drawn.convert("L").getextrema()
        assert dark < 128 < light, "something is written on it"
    assert (await renderer.as_pdf(source, into=tmp_path)).startswith(b"%PDF-")
    assert [file.name for file in tmp_path.iterdir()] == ["fax"]


def test_a_picture_has_sixteen_greys_and_paper_stays_white() -> None:
    grey = Image.linear_gradient("L")
    scan = io.BytesIO()
    grey.save(scan, "tiff")
    png, _ = picture(scan.getvalue(), 1, 256)
    with Image.open(io.BytesIO(png)) as drawn:
        shown = drawn.convert("L")
    assert shown.getextrema() == (0, 255) and len(shown.getcolors() or ()) == 16
    off = [abs(tone - shade) for tone, shade in zip(grey.tobytes(), shown.tobytes(), strict=True)]
    assert max(off) <= 8
    assert png[24] == 4, "four bits a dot: half as large as eight"


def test_the_standard_fonts_are_there() -> None:
    with pypdfium2.PdfDocument.new() as empty:
        for name in STANDARD_FONTS:
            assert pypdfium2.raw.FPDFText_LoadStandardFont(empty, name.encode()), name


async def test_what_can_not_be_drawn_says_so(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "fax"
    for content, page in ((b"no fax at all", 1), (documents.pdf(1), 2), (documents.tiff(1), 0), (b"II*\0", 1)):
        source.write_bytes(content)
        with pytest.raises(CannotRender):
            await renderer.picture(source, page, 300, into=tmp_path)
    with pytest.raises(CannotRender):
        await renderer.as_pdf(source, into=tmp_path)


def test_pages_of_half_the_lines_are_as_tall_as_others() -> None:
    image = Image.new("1", (1728, 1078), 1)
    made = io.BytesIO()
    image.save(made, "tiff", dpi=(204, 98))
    png, _ = picture(made.getvalue(), 1, 400)
    with Image.open(io.BytesIO(png)) as drawn:
        assert abs(drawn.height - 400 * 1078 / 1728 * 204 / 98) < 2
    assert as_pdf(made.getvalue()).startswith(b"%PDF-")


def test_a_roll_is_cut_at_a_length_that_fits_into_memory() -> None:
    made = io.BytesIO()
    Image.new("1", (100, 9000), 1).save(made, "tiff")
    png, _ = picture(made.getvalue(), 1, 5000)
    with Image.open(io.BytesIO(png)) as drawn:
        assert drawn.size == (2000, 12000)
