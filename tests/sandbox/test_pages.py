"""Pages are true fax pages: judged by Pillow and pikepdf, and by libtiff's and poppler's tools where installed."""

from __future__ import annotations

import io
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import landscape, letter
from reportlab.pdfgen.canvas import Canvas

from mailfax.sandbox import cover, lettering, pages, raster, web_pages
from mailfax.sandbox.families import EXTENSIONS, UNDRAWN, Family, family_of

COVER = cover.Cover(
    sendername="Alice Example",
    sendercompany="Example Ltd",
    sender="5557152222",
    recpname="Bob",
    recipient="15557153333",
    subject="Invoice 12",
    notes="Please find the papers.\n\nAlice",
    date="11/23/2026 1:30:55 PM",
)
NO_COVER_FIELDS = cover.Cover("", "", "5557152222", "", "15557153333", "", "", "1/1/2026 1:00:00 AM")


def pdf(number: int, size: tuple[float, float] = letter) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=size)
    for page in range(1, number + 1):
        canvas.setFont("Helvetica", 40)
        canvas.drawString(72, size[1] - 100, f"Page {page}")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def image(
    form: str, mode: str = "L", size: tuple[int, int] = (850, 1100), frames: int = 1, **options: object
) -> bytes:
    drawn = [Image.new(mode, size, "white") for _ in range(frames)]
    for each in drawn:
        ImageDraw.Draw(each).rectangle((100, 100, 300, 300), fill="black")
    file = io.BytesIO()
    if frames > 1:
        options |= {"save_all": True, "append_images": drawn[1:]}
    drawn[0].save(file, form, **options)
    return file.getvalue()


MHTML = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>Hello</h1><img src=cid:dot>\r\n"
    b"--b\r\nContent-Type: image/png\r\nContent-ID: <dot>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==\r\n--b--\r\n"
)
DOCUMENTS = {
    "three.pdf": (pdf(3), 3),
    "landscape.pdf": (pdf(1, landscape(letter)), 1),
    "page.html": (b"<h1>Hello</h1>", 1),
    "long.html": (b"<p>line</p>" * 200, None),
    "page.mhtml": (MHTML, 1),
    "scan.tif": (image("TIFF", "1", frames=4, compression="group4", dpi=(204, 98)), 4),
    "photo.jpg": (image("JPEG", "RGB"), 1),
    "alpha.png": (image("PNG", "RGBA"), 1),
    "still.gif": (image("GIF", frames=3), 1),
    "paint.bmp": (image("BMP"), 1),
    "letter.txt": ("Grüße\n".encode() * 10, 1),
    "windows.txt": ("Grüße".encode("cp1252"), 1),
    "wide.txt": ("Grüße".encode("utf-16"), 1),
    "two.txt": (b"one\ftwo", 2),
    "empty.txt": (b"\n", 1),
    "data.xml": (b"<a>b</a>", 1),
    "office.docx": (b"PK\3\4", 1),
    "print.pcl": (b"\x1bE", 1),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_becomes_as_many_fax_pages_as_were_counted(name: str, tmp_path: Path) -> None:
    body, expected = DOCUMENTS[name]
    document, family = tmp_path / name, family_of(name)
    assert family
    document.write_bytes(body)
    number = pages.count(document, family)
    assert number == expected or (expected is None and number > 1)
    pages.draw(COVER, document, family, tmp_path / "fax.tif")
    with Image.open(tmp_path / "fax.tif") as fax:
        assert fax.n_frames == number + 1
        for frame in range(fax.n_frames):
            fax.seek(frame)
            assert (fax.mode, fax.width, fax.info["compression"], fax.info["dpi"]) == (
                "1",
                1728,
                "group4",
                (204, 196),
            )
            assert fax.tag_v2[262] == 0, "white is stored as 0"
            assert len(fax.tag_v2[273]) == 1, "a page is one strip"
            assert raster.LETTER <= fax.height <= raster.LONGEST
            dark = fax.histogram()[0] / (fax.width * fax.height)
            assert dark < 0.5 and (dark > 0.0001 or name == "empty.txt"), "black on white, and something on it"


def test_the_pdf_has_the_same_pages_at_fax_resolution(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(2))
    pages.draw(COVER, tmp_path / "a.pdf", Family.PDF, tmp_path / "fax.tif")
    pages.bind(tmp_path / "fax.tif", tmp_path / "fax.pdf")
    with pikepdf.open(tmp_path / "fax.pdf") as bound:
        assert not bound.get_warnings()
        assert len(bound.pages) == 3
        for page in bound.pages:
            assert [round(float(side)) for side in page.mediabox] == [0, 0, round(1728 / 204 * 72), 792]
            (found,) = page.get_images().values()
            assert (found.Width, found.Height, found.BitsPerComponent) == (1728, raster.LETTER, 1)


@pytest.mark.skipif(not shutil.which("tiffinfo"), reason="libtiff's tools are not installed")
def test_libtiff_reads_every_page(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(3))
    pages.draw(COVER, tmp_path / "a.pdf", Family.PDF, tmp_path / "fax.tif")
    told = subprocess.run(["tiffinfo", "-D", tmp_path / "fax.tif"], capture_output=True, text=True, check=True)
    assert told.stdout.count("CCITT Group 4") == 4 and told.stdout.count("min-is-white") == 4
    assert "Warning" not in told.stderr and "Error" not in told.stderr


@pytest.mark.skipif(not shutil.which("pdfinfo"), reason="poppler's tools are not installed")
def test_poppler_reads_the_pdf(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(3))
    pages.draw(None, tmp_path / "a.pdf", Family.PDF, tmp_path / "fax.tif")
    pages.bind(tmp_path / "fax.tif", tmp_path / "fax.pdf")
    told = subprocess.run(["pdfinfo", tmp_path / "fax.pdf"], capture_output=True, text=True, check=True)
    assert re.search(r"Pages:\s+3\n", told.stdout)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("broken.pdf", b"%PDF-1.4 nothing"),
        ("cut.pdf", pdf(5)[:700]),
        ("broken.tif", b"II*\0\xff\xff\xff\xff"),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"x" * 50),
        ("nothing.mhtml", b"Content-Type: text/plain\r\n\r\nno web page"),
        ("text.pdf", b"<html>"),
    ],
)
def test_a_document_that_can_not_be_opened_has_no_pages(name: str, body: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(body)
    assert pages.count(tmp_path / name, EXTENSIONS[name.rpartition(".")[2]]) == 0


def test_a_locked_pdf_has_no_pages(tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(pdf(1))) as plain:
        plain.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(user="secret", owner="secret"))
    assert pages.count(tmp_path / "locked.pdf", Family.PDF) == 0


def test_a_picture_of_too_many_dots_has_no_pages(tmp_path: Path) -> None:
    Image.new("1", (15_000, 15_000)).save(tmp_path / "bomb.png")
    assert pages.count(tmp_path / "bomb.png", Family.PICTURE) == 0


def test_three_hundred_pages_are_drawn_one_at_a_time(tmp_path: Path) -> None:
    one = Image.new("L", (raster.WIDTH, raster.LETTER), 255)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    raster.write_tiff((one.copy() for _ in range(300)), tmp_path / "fax.tif")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 120_000, "kilobytes; all pages together would be 1.1 GB"


def test_a_standard_fax_is_drawn_in_its_true_shape(tmp_path: Path) -> None:
    square = Image.new("1", (1728, 1078), 255)
    ImageDraw.Draw(square).rectangle((204, 98, 204 * 3, 98 * 3), fill=0)  # two inches by two
    square.save(tmp_path / "a.tif", compression="group4", dpi=(204, 98))
    pages.draw(None, tmp_path / "a.tif", Family.TIFF, tmp_path / "fax.tif")
    with Image.open(tmp_path / "fax.tif") as fax:
        left, top, right, bottom = Image.eval(fax.convert("L"), lambda tone: 255 - tone).getbbox() or (0, 0, 0, 0)
    assert (right - left) / 204 == pytest.approx(2, abs=0.03)
    assert (bottom - top) / 196 == pytest.approx(2, abs=0.03)


@pytest.mark.parametrize(
    ("paper", "writing", "beside"),
    [
        ("white", "black", None),
        ("white", "#777", "black"),
        ("white", "#aaa", "black"),
        ("#ccc", "black", None),
        ("#ccc", "black", "#aaa"),
        ("#999", "black", None),
        ("#6a6a6a", "white", None),
        ("#1f4e79", "white", None),
        ("white", "yellow", None),
    ],
)
def test_writing_stays_readable_on_its_paper(paper: str, writing: str, beside: str | None) -> None:
    page = Image.new("RGB", (raster.WIDTH, raster.LETTER), "white")
    pen = ImageDraw.Draw(page)
    pen.rectangle((100, 500, 1600, 1900), fill=paper)
    pen.text((250, 650), "Readable text " * 3, font=lettering.font(60), fill=writing)
    if beside:
        pen.text((250, 200), "Other text " * 3, font=lettering.font(60), fill=beside)
    dots = raster.black_or_white(page.convert("L")).crop((250, 650, 1500, 750)).histogram()
    written = min(dots[0], dots[255]) / sum(dots)
    assert 0.03 < written < 0.25, "ink of one tone, and paper of the other"


def test_a_photograph_is_dithered() -> None:
    photo = Image.linear_gradient("L").resize((raster.WIDTH, raster.LETTER))
    share = raster.black_or_white(photo).resize((1, 2)).convert("L")
    assert share.getpixel((0, 0)) != share.getpixel((0, 1))
    middle = raster.black_or_white(photo).crop((0, 1000, 1728, 1100)).histogram()
    assert 0.3 < middle[0] / (middle[0] + middle[255]) < 0.7


# --- cover and text -------------------------------------------------------------------------------------------


def test_there_is_a_cover_only_when_it_says_something() -> None:
    assert NO_COVER_FIELDS.to_json() == "" and cover.Cover.from_json("") is None
    assert cover.Cover.from_json(COVER.to_json()) == COVER


@pytest.mark.parametrize("notes", ["", "short", "word " * 4000, "w" * 4000, "\n" * 500])
def test_a_cover_is_one_letter_page_whatever_the_notes(notes: str) -> None:
    from dataclasses import replace

    page = cover.draw(replace(COVER, notes=notes, subject="s" * 400), 2)
    assert page.size == (raster.WIDTH, raster.LETTER)
    margins = (
        page.crop((0, 0, 100, raster.LETTER)).histogram()[255]
        + page.crop((1650, 0, 1728, raster.LETTER)).histogram()[255]
    )
    assert margins == (100 + 78) * raster.LETTER, "nothing runs over the edge"


def test_lines_fit_and_lose_nothing() -> None:
    face = lettering.font(32)
    text = "The quick brown fox " * 30 + "x" * 300
    found = list(lettering.lines(text, face, 500))
    assert all(face.getlength(line) <= 500 for line in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("family", sorted(UNDRAWN))
def test_what_can_not_be_drawn_is_one_page(family: Family, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"anything")
    assert pages.count(tmp_path / "a", family) == 1


# --- web pages ------------------------------------------------------------------------------------------------


def test_a_web_page_fetches_nothing(tmp_path: Path) -> None:
    import http.server
    import threading

    asked: list[str] = []

    class Canary(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canary) as canary:
        threading.Thread(target=canary.serve_forever).start()
        at = f"http://127.0.0.1:{canary.server_port}"
        traps = (
            f"<link rel=stylesheet href={at}/a.css>",
            f"<style>@import url({at}/b.css); body {{background: url({at}/c.png)}}",
            f"@font-face {{font-family: f; src: url({at}/d.ttf)}} p {{font-family: f}}</style>",
            f"<img src={at}/e.png><iframe src={at}/f></iframe><object data={at}/g></object>",
            f"<svg><image href={at}/h.png /></svg><p>text",
        )
        web_pages.to_pdf("".join(traps).encode(), mime=False)
        canary.shutdown()
    assert asked == []


def test_a_web_page_shows_no_file_of_this_machine(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(image("PNG"))
    with pikepdf.open(
        io.BytesIO(web_pages.to_pdf(f"<img src='file://{secret}'><p>x".encode(), mime=False))
    ) as laid_out:
        assert not list(laid_out.pages[0].get_images())


def test_parts_of_the_same_file_are_shown() -> None:
    with pikepdf.open(io.BytesIO(web_pages.to_pdf(MHTML, mime=True))) as laid_out:
        assert list(laid_out.pages[0].get_images())


def test_fonts_of_a_bare_system_suffice() -> None:
    """In a process whose fontconfig finds nothing, text is still text."""
    code = (
        "import io, pikepdf; from mailfax.sandbox import web_pages;"
        "pdf = pikepdf.open(io.BytesIO(web_pages.to_pdf(b'<p>Hello', mime=False)));"
        "print(*(str(font.BaseFont) for font in pdf.pages[0].Resources.Font.values()))"
    )
    root = str(Path(pages.__file__).parents[2])
    bare = {"PYTHONPATH": root, "FONTCONFIG_PATH": "/nonexistent", "HOME": "/nonexistent"}
    told = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=True)
    assert "Noto" in told.stdout
