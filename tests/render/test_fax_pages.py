"""The document of an account that takes TIFF is made of fax pages, in the cell and for each recipient."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mailfax.render import Renderer
from mailfax.render.terms import ORDINARY, Order
from tests.render.paper import letter, mail, picture, scan

pytestmark = pytest.mark.anyio
TIFF = replace(ORDINARY, document="tiff")


def frames(path: Path) -> list[tuple[int, int]]:
    with Image.open(path) as made:
        sizes = []
        for number in range(made.n_frames):  # type: ignore[attr-defined]
            made.seek(number)
            sizes.append(made.size)
        return sizes


async def test_the_cell_makes_fax_pages(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "mail"
    files = ("letter.pdf", "application/pdf", letter(2)), ("photo.jpg", "image/jpeg", picture("JPEG"))
    source.write_bytes(mail("Short text", *files))
    made = await renderer.render(source, into=tmp_path, wishes=TIFF)
    assert (made.filename, made.pages, made.notes) == ("fax.tif", 3, "Short text")
    assert made.contents[1:] == ("letter.pdf: pages 1-2", "photo.jpg: page 3")
    assert frames(made.content) == [(1728, 2156)] * 3
    made = await renderer.render(source, into=tmp_path, wishes=replace(TIFF, down=98))
    assert frames(made.content) == [(1728, 1078)] * 3


async def test_empty_last_pages_of_a_copier_are_named(renderer: Renderer, tmp_path: Path) -> None:
    file = tmp_path / "scan.tif"
    front, back = Image.new("1", (1728, 2156), 1), Image.new("1", (1728, 2156), 1)
    front.paste(0, (300, 300, 900, 900))
    front.save(file, "TIFF", save_all=True, append_images=[back], compression="group4", dpi=(204, 196))
    source = tmp_path / "mail"
    source.write_bytes(mail("", ("scan.tif", "image/tiff", file.read_bytes())))
    made = await renderer.render(source, into=tmp_path, wishes=replace(TIFF, device=True))
    assert (made.pages, made.skipped) == (1, ("page 2: an empty page at the end",))
    made = await renderer.render(source, into=tmp_path, wishes=TIFF)
    assert (made.pages, made.skipped) == (2, ())


async def test_a_file_that_goes_untouched_stays_so(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "mail"
    source.write_bytes(mail("", ("x.pcl", "application/octet-stream", b"\x1bE\x1b&l0Ohello")))
    made = await renderer.render(source, into=tmp_path, wishes=TIFF)
    assert (made.filename, made.pages) == ("x.pcl", None)


async def test_what_is_put_together_for_a_recipient_is_fax_pages_too(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "document.pdf"
    await asyncio.to_thread(source.write_bytes, letter(2))
    order = Order("a4", header="2026-11-25  From: Alice", document="tiff")
    made, pages = await renderer.compose(source, order, into=tmp_path)
    assert pages == 2
    assert frames(made) == [(1728, 2292)] * 2


async def test_a_scan_at_fax_resolution_comes_out_as_it_came_in(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "mail"
    source.write_bytes(mail("", ("scan.tif", "image/tiff", scan())))
    made = await renderer.render(source, into=tmp_path, wishes=TIFF)
    with Image.open(made.content) as fax:
        ink = fax.convert("L").point(lambda tone: 255 - tone).getbbox()
    assert ink is not None
    assert all(abs(is_ - was) <= 6 for is_, was in zip(ink, (408, 392, 1020, 980), strict=True))
