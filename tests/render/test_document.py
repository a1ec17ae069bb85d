"""Mails become the pages that their senders meant: judged by pikepdf, pdfium, and poppler where it is installed."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from mailfax.config import Limits
from mailfax.render import CannotRender, Renderer
from mailfax.render.pdf import Document
from mailfax.rules.submission import NotFaxable
from tests.render.conftest import Render
from tests.render.paper import A4, LETTER, ink, letter, logo, look, mail, picture, scan, sizes, text_of

pytestmark = pytest.mark.anyio


async def test_everything_becomes_one_document_in_the_order_of_the_mail(render: Render) -> None:
    made = await render(
        mail(
            "Short text",
            ("letter.pdf", "application/octet-stream", letter(2)),
            ("SCAN.TIF", "image/tiff", scan(3)),
            ("photo.jpg", "image/jpeg", picture("JPEG")),
            ("notes.txt", "text/plain", "Notes äöü".encode()),
            ("page.html", "text/html", b"<h1>A web page</h1>"),
            ("logo.png", "image/png", logo()),
            ("old.gif", "image/gif", picture("GIF")),
        )
    )
    assert made.filename == made.content.name == "fax.pdf"
    assert made.notes == "Short text"
    assert made.contents == (
        "text of the mail: on the cover page",
        "letter.pdf: pages 1-2",
        "SCAN.TIF: pages 3-5",
        "photo.jpg: page 6",
        "notes.txt: page 7",
        "page.html: page 8",
        "logo.png: page 9",
        "old.gif: page 10",
    )
    assert made.pages == 10
    assert not made.skipped
    assert sizes(made.content) == [LETTER] * 10
    text = text_of(made.content)
    assert [text[0], text[1], text[6], text[7]] == [
        "Letter page 1 Some words.",
        "Letter page 2 Some words.",
        "Notes äöü",
        "A web page",
    ]
    with pikepdf.open(made.content) as pdf:
        assert not pdf.check_pdf_syntax()


@pytest.mark.needs("pdftotext", "pdfinfo")
async def test_poppler_reads_the_same(render: Render) -> None:
    made = await render(mail("Dear Bob", ("letter.pdf", "application/pdf", letter(3, "a4"))))
    info = subprocess.run(["pdfinfo", made.content], capture_output=True, text=True, check=True).stdout
    text = subprocess.run(["pdftotext", made.content, "-"], capture_output=True, text=True, check=True)
    assert "Pages:           3" in info
    assert "612 x 792 pts (letter)" in info
    assert [page.split("\n")[0] for page in text.stdout.split("\f")[:3]] == [f"Letter page {n}" for n in (1, 2, 3)]
    assert not text.stderr


async def test_long_text_gets_the_first_page(render: Render) -> None:
    made = await render(mail("A long sentence. " * 60, ("letter.pdf", "application/pdf", letter(1))))
    assert made.notes == ""
    assert made.contents == ("text of the mail: page 1", "letter.pdf: page 2")
    assert text_of(made.content)[0].startswith("A long sentence. A long sentence.")


async def test_html_is_drawn_as_it_looks_with_its_pictures(render: Render) -> None:
    html = '<table border=1><tr><td>Oak door<td>1230.00</table><img src="cid:logo.png" width=240 height=80>'
    made = await render(mail("Oak door", html=html, images=[("logo.png", "image/png", logo())]))
    assert (made.pages, made.contents, made.skipped) == (1, ("text of the mail: page 1",), ())
    assert text_of(made.content) == ["Oak door 1230.00"]
    with pikepdf.open(made.content) as pdf:
        images = [image for _, image in _images(pdf.pages[0].obj)]
    assert [(image.Width, image.Height) for image in images] == [(240, 80)]


def _images(page: pikepdf.Object) -> list[tuple[str, pikepdf.Object]]:
    """The pictures of a page, those inside its forms, too."""
    found = []
    for name, thing in page.get("/Resources", {}).get("/XObject", {}).items():
        found += [(name, thing)] if thing.Subtype == "/Image" else _images(thing)
    return found


async def test_an_outlook_table_keeps_its_borders_and_the_paper_its_margins(render: Render) -> None:
    html = """<style><!-- p.MsoNormal {margin:0cm; font-size:11pt} @page WordSection1 {size:200pt 200pt; margin:0}
        div.WordSection1 {page:WordSection1} --></style><!--[if gte mso 9]><xml>NEVER</xml><![endif]-->
        <div class=WordSection1><p class=MsoNormal>x<o:p></o:p></p><table style='border-collapse:collapse'>
        <tr><td width=201 style='width:150.85pt;border:solid windowtext 1.0pt'>Oak</td></tr></table></div>"""
    made = await render(mail(None, html=html))
    assert text_of(made.content) == ["x Oak"]
    left, top, right, _ = ink(made.content)
    assert 48 <= left <= 54
    assert 48 <= top <= 60
    assert 195 <= right <= 215  # the right border, 150.85 points from the left one


async def test_a_page_wider_than_the_paper_is_shrunk_and_not_cut_off(render: Render) -> None:
    made = await render(mail(None, html="<table width=1000><tr><td>left<td align=right>RIGHT</table>"))
    assert text_of(made.content) == ["left RIGHT"]
    assert ink(made.content)[2] < 570


async def test_what_the_engine_can_not_draw_is_drawn_as_text_and_that_is_told(render: Render) -> None:
    made = await render(mail(None, html="<table><tr>" + "<td>ij" * 400 + "</table>"))
    assert " ".join(text_of(made.content)).count("ij") == 400
    assert made.skipped == ("text of the mail: its layout and pictures (only its text could be drawn)",)


async def test_characters_without_a_font_are_told(render: Render) -> None:
    made = await render(mail("Dear Bob, this is a letter with one sign \U00013000 of ancient Egypt."))
    assert made.skipped == ("text of the mail: 1 character for which there is no font here (Egyptian)",)


async def test_text_that_no_font_can_show_is_refused(render: Render) -> None:
    with pytest.raises(CannotRender, match="no font for its writing here") as refused:
        await render(mail("\U00013000\U00013001\U00013002"))
    assert not refused.value.later


@pytest.mark.parametrize(
    ("dpi", "size"),
    [((204, 196), (1728, 2156)), ((204, 98), (1728, 1078)), (None, (1728, 1078)), ((300, 300), (2550, 3300))],
    ids=["fine", "standard", "standard-unsaid", "300"],
)
async def test_a_scan_keeps_its_shape(render: Render, dpi: tuple[int, int] | None, size: tuple[int, int]) -> None:
    made = await render(mail("", ("scan.tif", "image/tiff", scan(dpi=dpi, size=size))))
    left, top, right, bottom = ink(made.content)
    assert abs((right - left) - 216) < 8
    assert abs((bottom - top) - 216) < 8
    assert sizes(made.content) == [LETTER]


@pytest.mark.parametrize(
    "compression", ["group3", "group4", "tiff_lzw", "packbits", "tiff_ccitt", "tiff_adobe_deflate"]
)
async def test_every_compression_of_black_and_white_is_read(render: Render, compression: str) -> None:
    made = await render(mail("", ("scan.tif", "image/tiff", scan(2, compression=compression))))
    assert made.pages == 2
    assert ink(made.content, 1)


@pytest.mark.parametrize(("mode", "compression"), [("RGB", "jpeg"), ("L", "tiff_lzw"), ("CMYK", "tiff_lzw")])
async def test_colour_becomes_grey_on_white(render: Render, mode: str, compression: str) -> None:
    made = await render(mail("", ("scan.tif", "image/tiff", scan(mode=mode, compression=compression))))
    page = look(made.content)
    assert page.getpixel((300, 20)) > 240  # type: ignore[operator]
    assert page.getpixel((252, 252)) < 90  # type: ignore[operator]


async def test_sixteen_bits_do_not_turn_white(render: Render) -> None:
    image = Image.new("I;16", (400, 400), 30_000)
    file = io.BytesIO()
    image.save(file, "TIFF")
    made = await render(mail("", ("scan.tif", "image/tiff", file.getvalue())))
    assert 100 < look(made.content).getpixel((306, 396)) < 135  # type: ignore[operator]


async def test_a_thumbnail_in_a_tiff_is_no_page(render: Render) -> None:
    whole, small = Image.new("1", (1728, 2156), 0), Image.new("1", (100, 120), 0)
    small.encoderinfo = {"tiffinfo": {254: 1}}  # type: ignore[attr-defined]
    file = io.BytesIO()
    whole.save(file, "TIFF", save_all=True, append_images=[small], compression="group4", dpi=(204, 196))
    made = await render(mail("", ("scan.tif", "image/tiff", file.getvalue())))
    assert made.pages == 1


async def test_a_tiff_of_nothing_but_thumbnails_is_faxed_whole(render: Render) -> None:
    frames = [Image.new("1", (1728, 2156), 0) for _ in range(3)]
    for frame in frames:
        frame.encoderinfo = {"tiffinfo": {254: 1}}  # type: ignore[attr-defined]
    file = io.BytesIO()
    options = {"compression": "group4", "dpi": (204, 196), "tiffinfo": {254: 1}}
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:], **options)
    made = await render(mail("", ("scan.tif", "image/tiff", file.getvalue())))
    assert (made.pages, made.contents) == (3, ("scan.tif: pages 1-3",))
    assert all(ink(made.content, page) for page in range(3))


def test_a_document_without_pages_is_refused() -> None:
    with pytest.raises(NotFaxable, match="no page came of the mail"):
        Document("letter", 30).save()


async def test_a_thin_picture_is_a_page(render: Render) -> None:
    thin = Image.new("L", (300, 8), 0)
    file = io.BytesIO()
    thin.save(file, "PNG", dpi=(300, 300))
    made = await render(mail("", ("rule.png", "image/png", file.getvalue())))
    left, _, right, _ = ink(made.content)
    assert (made.pages, abs(right - left - 72) < 3) == (1, True)


async def test_a_tracking_pixel_is_named_and_the_letter_is_faxed(render: Render) -> None:
    pixel = ("pixel.gif", "image/gif", picture("GIF", (1, 1)))
    made = await render(mail("", pixel, ("letter.pdf", "application/pdf", letter(1))))
    assert made.contents == ("letter.pdf: page 1",)
    assert made.skipped == ("pixel.gif: a picture of 1 x 1 dots: nothing to see",)


@pytest.mark.parametrize(
    "page",
    [
        "<p style='background: url(\"cid:1\")'>Text",
        '<p style="background: url(cid:1)">Text',
        "<table width=500 background='cid:1'><tr><td>Text</table>",
        "<html><body background='cid:1'>Text</body></html>",
    ],
)
async def test_a_picture_behind_the_text_is_left_out_and_named(render: Render, page: str) -> None:
    """On a fax it would swallow the text."""
    made = await render(mail(None, html=page, images=[("1", "image/png", picture("PNG", (400, 20)))]))
    assert text_of(made.content) == ["Text"]
    left, _, right, _ = ink(made.content)
    assert right - left < 100
    assert [left_out.partition(": ")[2] for left_out in made.skipped] == ["a picture behind the text of the mail"]


async def test_a_pdf_with_a_wrong_startxref_is_faxed_since_all_of_it_is_there(render: Render) -> None:
    content = re.sub(rb"startxref\s+\d+", b"startxref\n7", letter(1))
    made = await render(mail("", ("letter.pdf", "application/pdf", content)))
    assert text_of(made.content) == ["Letter page 1 Some words."]


@pytest.mark.parametrize(("orientation", "darkest"), [(1, "upper left"), (6, "upper right"), (3, "lower right")])
async def test_a_photograph_stands_upright(render: Render, orientation: int, darkest: str) -> None:
    made = await render(mail("", ("photo.jpg", "image/jpeg", picture("JPEG", orientation=orientation))))
    left, top, right, bottom = ink(made.content)
    middle = (left + right) / 2, (top + bottom) / 2
    # Only the dark quarter has ink, so it shows on which side of the page's middle it lies.
    assert ("upper" if middle[1] < 396 else "lower") + (" left" if middle[0] < 306 else " right") == darkest


async def test_a_picture_that_seems_to_be_a_lying_letter_at_72_dots_an_inch_is_not_turned(render: Render) -> None:
    """800 x 600 dots are 11.1 x 8.3 inches of those, and the commonest size of a small photograph."""
    file = io.BytesIO()
    Image.open(io.BytesIO(picture("JPEG", (800, 600)))).save(file, "JPEG", dpi=(72, 72))
    made = await render(mail("", ("photo.jpg", "image/jpeg", file.getvalue())))
    left, top, right, bottom = ink(made.content)
    assert right - left > 1.2 * (bottom - top)


async def test_a_transparent_picture_stands_on_white(render: Render) -> None:
    made = await render(mail("", ("logo.png", "image/png", logo())))
    assert look(made.content).getpixel((306, 396 + 25)) == 255
    assert ink(made.content)


async def test_pages_are_put_on_the_paper_of_the_country(tmp_path: Path) -> None:
    renderer = Renderer(paper="a4", limits=Limits(render_seconds=20))
    source = tmp_path / "mail"
    source.write_bytes(mail("", ("letter.pdf", "application/pdf", letter(1)), ("page.txt", "text/plain", b"text")))
    try:
        made = await renderer.render(source, into=tmp_path)
    finally:
        await renderer.close()
    assert sizes(made.content) == [A4, A4]
    assert "Letter page 1" in text_of(made.content)[0]


async def test_a_landscape_page_is_turned_and_keeps_its_size(render: Render) -> None:
    with pikepdf.open(io.BytesIO(letter(1))) as pdf:
        pdf.pages[0].mediabox = pikepdf.Array([0, 0, 792, 612])
        file = io.BytesIO()
        pdf.save(file)
    made = await render(mail("", ("wide.pdf", "application/pdf", file.getvalue())))
    with pikepdf.open(made.content) as pdf:
        assert (pdf.pages[0].rotation, *sizes(made.content)) == (90, (792, 612))


async def test_what_was_filled_into_a_form_is_on_the_page(render: Render) -> None:
    made = await render(mail("", ("form.pdf", "application/pdf", form("Jane Doe"))))
    assert "Jane Doe" in text_of(made.content)[0]


def form(value: str) -> bytes:
    """A PDF form whose field has a value and no appearance of its own."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=LETTER)
    font = pdf.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    )
    resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(Helv=font))
    field = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="name",
            V=value,
            Rect=[100, 600, 400, 630],
            DA="/Helv 14 Tf 0 g",
            F=4,
            DR=resources,
        )
    )
    page.obj.Annots = pdf.make_indirect(pikepdf.Array([field]))
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[field], DA="/Helv 14 Tf 0 g", DR=resources, NeedAppearances=True)
    file = io.BytesIO()
    pdf.save(file)
    return file.getvalue()


async def test_a_pdf_with_an_owner_password_only_is_faxed(render: Render) -> None:
    made = await render(mail("", ("letter.pdf", "application/pdf", encrypted(owner="secret", user=""))))
    assert made.pages == 1


def encrypted(owner: str, user: str) -> bytes:
    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(letter(1))) as pdf:
        pdf.save(file, encryption=pikepdf.Encryption(owner=owner, user=user))
    return file.getvalue()


async def test_a_received_fax_is_counted(renderer: Renderer, tmp_path: Path) -> None:
    fax = tmp_path / "fax.pdf"
    fax.write_bytes(letter(4))
    assert await renderer.count_pages(fax) == 4
    fax.write_bytes(letter(4)[:-900])
    with pytest.raises(CannotRender, match="received fax"):
        await renderer.count_pages(fax)


@pytest.mark.parametrize(
    "style",
    ["color:#ddd", "color:white;background:navy", "color:white;background-color:orange", "opacity:0.2"],
)
async def test_coloured_text_is_black_on_white(render: Render, style: str) -> None:
    """What a screen shows in colours has to survive a fax's one bit: Gmail's grey, buttons, table heads."""
    page = (
        f'<table width="100%"><tr><td style="{style}"><p style="{style}">Payable by 30 November</p></td></tr></table>'
    )
    made = await render(mail(None, html=page))
    grey = look(made.content, dpi=100).convert("L")
    black = sum(grey.histogram()[:100])
    assert 300 < black < 20_000, "letters, neither nothing nor a bar"
