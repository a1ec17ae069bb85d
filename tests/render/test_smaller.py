"""Scans that are too large for a fax become smaller, and show the same; what is small stays as it is."""

from __future__ import annotations

import io

import img2pdf
import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageStat

from mailfax.render.converters import ConverterClient
from mailfax.render.drawing import render
from mailfax.render.smaller import smaller
from mailfax.render.terms import Terms, Wishes
from tests.render.paper import letter, mail


def scan(number: int) -> bytes:
    """A page of a colour scanner: bars in dark blue on paper that is never quite white; a JPEG."""
    noise = np.random.default_rng(number).normal(0, 6, (2200, 1700, 1))
    page = np.clip(np.full((2200, 1700, 3), (246, 242, 235)) + noise, 0, 255).astype(np.uint8)
    page[200 : 300 + 80 * number, 200:1500:40] = (30, 30, 80)
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=85, dpi=(200, 200))
    return file.getvalue()


SCANS = [scan(number) for number in range(2)]
TIFF = io.BytesIO()
_FIRST, *_MORE = [Image.open(io.BytesIO(each)).convert("RGB") for each in SCANS]
_FIRST.save(TIFF, "TIFF", save_all=True, append_images=_MORE, dpi=(200, 200))
FILES = {
    "JPEG": [(f"{number}.jpg", "image/jpeg", each) for number, each in enumerate(SCANS)],
    "TIFF": [("scan.tif", "image/tiff", TIFF.getvalue())],
    "PDF": [("scan.pdf", "application/pdf", img2pdf.convert(SCANS))],
}


def seen(pdf: bytes, page: int) -> Image.Image:
    with pypdfium2.PdfDocument(pdf) as document:
        picture: Image.Image = document[page].render(scale=0.5, grayscale=True).to_pil().convert("L")
    return picture


@pytest.mark.parametrize("most", [1_500_000, 200_000])
@pytest.mark.parametrize("form", FILES)
def test_a_large_scan_goes_out(form: str, most: int) -> None:
    terms = Terms("letter", 20, most, 60)
    whole = render(
        mail("", *FILES[form]), Terms("letter", 20, 10**8, 60), Wishes("none"), lambda _: None, ConverterClient()
    )[0]
    made, told = render(mail("", *FILES[form]), terms, Wishes("none"), lambda _: None, ConverterClient())
    assert len(made) <= most and (told["pages"], told["skipped"]) == (2, ())
    for page in range(2):
        difference = ImageChops.difference(seen(made, page), seen(whole, page))
        assert ImageStat.Stat(difference).mean[0] < 20


def test_pages_of_text_stay_text_beside_a_scan() -> None:
    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(letter(1))) as text, pikepdf.open(io.BytesIO(img2pdf.convert(SCANS[:1]))) as scanned:
        text.pages.extend(scanned.pages)
        text.save(file)
    made = smaller(file.getvalue(), 300_000)
    assert len(made) <= 300_000
    with pypdfium2.PdfDocument(made) as document:
        assert "Some words" in document[0].get_textpage().get_text_range()
