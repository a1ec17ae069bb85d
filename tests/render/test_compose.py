"""What each recipient gets beside the document: our cover page in every writing, a header line, their paper."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from mailfax.config import ConfigError
from mailfax.render import Renderer
from mailfax.render.compose import STRIP, compose
from mailfax.render.engine import draw_html
from mailfax.render.front import CoverText, Fronts, direction
from mailfax.render.glyphs import missing_glyphs
from mailfax.render.terms import Order
from tests.render.paper import letter, logo

HEADER = "2026-11-25 22:41 UTC\u2003From: Example Ltd 5557152222\u2003To: +1 555 123 4567"
SAID = CoverText(
    to="Bob Builder, Example Ltd",
    number="+1 555 123 4567",
    sender="Alice Example",
    company="Example & Sons <Ltd>",
    sender_number="5557152222",
    date="25 November 2026, 22:41 UTC",
    subject="Invoice 12",
    reference="7K3Q2M",
    text="Dear Bob,\n\nplease find the offer.",
)
WRITINGS = {
    "Latin": "Grüße aus Łódź, Việt Nam",
    "Greek": "σας στέλνω την προσφορά",
    "Cyrillic": "прилагаю счёт № 12",
    "Hebrew": "מצורפת חשבונית",
    "Arabic": "تجد الفاتورة مرفقة",
    "Chinese": "请查收附件",
    "Japanese": "ご確認ください",
    "Korean": "안녕하세요",
    "Devanagari": "कृपया देखें",
    "Thai": "กรุณาตรวจสอบ",
}


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def picture(pdf: bytes, page: int = 0) -> Image.Image:
    with pypdfium2.PdfDocument(pdf) as document:
        return document[page].render(scale=1, grayscale=True).to_pil()


def box(image: Image.Image) -> tuple[int, int, int, int]:
    found = image.point(lambda value: 255 if value < 128 else 0).getbbox()
    assert found is not None, "blank"
    return found


def sizes(pdf: bytes) -> list[tuple[int, int]]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [(round(float(page.mediabox[2])), round(float(page.mediabox[3]))) for page in document.pages]


def test_the_cover_page_says_everything_and_counts_itself() -> None:
    made, count = compose(letter(2), Order("letter", Fronts(None).front(SAID)))
    first, *rest = pages(made)
    assert count == 3 and len(rest) == 2
    for word in ("FAX", "To Bob Builder, Example Ltd", "+1 555 123 4567", "From Alice Example", "5557152222",
                 "Example & Sons <Ltd>", "25 November 2026, 22:41 UTC", "Pages 3", "Subject Invoice 12",
                 "7K3Q2M", "please find the offer."):  # fmt: skip
        assert word in first
    assert ["Letter page 1" in rest[0], "Letter page 2" in rest[1]] == [True, True]


@pytest.mark.parametrize("writing", WRITINGS)
def test_the_cover_page_shows_every_writing(writing: str) -> None:
    text = WRITINGS[writing]
    made, count = compose(letter(1), Order("a4", Fronts(None).front(CoverText(subject=text, text=text, to=text))))
    assert count == 2
    assert missing_glyphs(text) == {}, "each letter has a shape in a font of ours"
    # Other writings come back as the shapes they were joined to: only these as they were written.
    if writing in ("Latin", "Greek", "Cyrillic", "Korean"):
        assert pages(made)[0].count(text) == 3


def test_who_writes_from_the_right_stands_at_the_right() -> None:
    for text, at_right in ((WRITINGS["Hebrew"], True), (WRITINGS["Arabic"], True), (WRITINGS["Greek"], False)):
        made, _ = compose(letter(1), Order("letter", Fronts(None).front(CoverText(text=text))))
        image = picture(made)
        rule = max(y for y in range(792) if image.getpixel((300, y)) < 128)  # the line above the text
        left, _, right, _ = box(image.crop((0, rule + 3, 612, 792)))
        assert (right > 550 and left > 300) if at_right else (left < 60 and right < 300)
    assert (direction("12 – שלום"), direction("12"), direction("Bob שלום")) == ("rtl", "ltr", "ltr")


def test_a_long_text_goes_on_on_a_second_page_that_is_counted() -> None:
    said = CoverText(text="\n".join(f"line {n}" for n in range(60)))
    made, count = compose(letter(1), Order("letter", Fronts(None).front(said)))
    assert count == 3
    first, second, third = pages(made)
    assert "Pages 3" in first and "line 59" in second and "Letter page 1" in third


def test_the_same_order_is_the_same_bytes() -> None:
    document, front = letter(2), Fronts(None).front(SAID)
    for order in (Order("letter", front, HEADER), Order("a4"), Order("letter", None, HEADER)):
        assert compose(document, order) == compose(document, order)


def test_the_header_line_stands_on_every_page_and_covers_nothing() -> None:
    ink_at_the_top = draw_html("<style>@page { margin: 0 }</style><div style='height: 12pt'>AT THE TOP</div>")
    turned = pikepdf.open(io.BytesIO(letter(1)))
    turned.pages[0].rotate(180, relative=True)
    upside_down = io.BytesIO()
    turned.save(upside_down)
    mixed = pikepdf.new()
    for each in (letter(1), ink_at_the_top, upside_down.getvalue(), letter(1, paper="a4")):
        with pikepdf.open(io.BytesIO(each)) as one:
            mixed.pages.extend(one.pages)
    file = io.BytesIO()
    mixed.save(file)
    made, count = compose(file.getvalue(), Order("letter", None, HEADER))
    assert count == 4 and sizes(made) == [(612, 792)] * 4
    for number, text in enumerate(pages(made), 1):
        assert f"page {number} of 4" in text and "To: +1 555 123 4567" in text
        top = box(picture(made, number - 1))[1]
        assert 8 <= top <= STRIP
    # The header line, a white line, and then what stood at the top before.
    below = picture(made, 1).crop((0, int(STRIP) - 3, 612, 60))
    assert "AT THE TOP" in pages(made)[1] and box(below)[1] > 0
    # Without ink there, nothing is shrunk.
    assert box(picture(made).crop((0, 30, 612, 792))) == box(picture(letter(1)).crop((0, 30, 612, 792)))


def test_a_page_is_put_on_the_paper_of_the_other_side() -> None:
    made, _ = compose(letter(1, paper="a4"), Order("letter"))
    assert sizes(made) == [(612, 792)]
    made, _ = compose(letter(1), Order("a4"))
    assert sizes(made) == [(595, 842)] and "Letter page 1" in pages(made)[0]


def test_a_folder_brings_a_logo_or_a_page_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(logo())
    made, _ = compose(letter(1), Order("letter", Fronts(tmp_path).front(SAID)))
    assert box(picture(made).crop((400, 30, 612, 110)))
    (tmp_path / "cover.html").write_text("<p>OURS for {{ to }}, {{ pages }} pages</p>")
    made, _ = compose(letter(1), Order("letter", Fronts(tmp_path).front(SAID)))
    assert pages(made)[0] == "OURS for Bob Builder, Example Ltd, 2 pages"


@pytest.mark.parametrize(
    "template",
    ["{{ nobody }}", "{% if %}", "{{ to.__class__.__mro__ }}", "{% include '/etc/passwd' %}", "{{ 1 / 'a' }}"],
)
def test_a_template_that_can_not_be_used_is_refused_with_its_name(tmp_path: Path, template: str) -> None:
    (tmp_path / "cover.html").write_text(template)
    with pytest.raises(ConfigError, match=r"cover\.html: .*; mend the template"):
        Fronts(tmp_path)


def test_what_a_stranger_wrote_is_never_markup() -> None:
    said = CoverText(subject="<h1>big</h1>{{ 7 * 7 }}", text="<img src='http://example.com/x'>\ue000")
    front = Fronts(None).front(said)
    assert "<h1>big" not in front.html and "<img" not in front.html
    made, _ = compose(letter(1), Order("letter", front))
    assert "<h1>big</h1>{{ 7 * 7 }}" in pages(made)[0]


@pytest.mark.anyio
async def test_a_cell_composes(renderer: Renderer, tmp_path: Path) -> None:
    document = tmp_path / "document.pdf"
    document.write_bytes(letter(2))
    order = Order("a4", Fronts(None).front(SAID), HEADER)
    file, count = await renderer.compose(document, order, into=tmp_path)
    assert count == 3 and file.read_bytes() == compose(letter(2), order)[0]
