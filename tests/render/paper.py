"""Mails and documents that tests are made of, and eyes to look at pages with."""

from __future__ import annotations

import io
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image, ImageDraw, ImageFont

from mailfax.render.engine import draw_html

LETTER, A4 = (612, 792), (595, 842)
File = tuple[str, str, bytes]  #: name, type, content


def mail(text: str | None = "See attached.", *files: File, html: str = "", images: Iterable[File] = ()) -> bytes:
    """A mail; ``images`` are shown by ``html`` under their names as Content-IDs."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alice@example.com", "15551234567@fax.local", "Offer 4711"
    if text is not None:
        message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html") if text else message.set_content(html, subtype="html")
        shown = list(message.iter_parts())[-1] if text else message
        for name, label, content in images:
            main, _, sub = label.partition("/")
            shown.add_related(content, main, sub, cid=f"<{name}>", filename=name)
    for name, label, content in files:
        main, _, sub = label.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def letter(pages: int = 2, paper: str = "letter", title: str = "Letter") -> bytes:
    """A PDF of that many pages, each with its number."""
    page = '<h1 style="break-before: {}">{} page {}</h1><p>Some words.</p>'
    return draw_html("".join(page.format("page" if n else "auto", title, n + 1) for n in range(pages)), paper=paper)


def scan(
    pages: int = 1,
    *,
    size: tuple[int, int] = (1728, 2156),
    dpi: tuple[float, float] | None = (204, 196),
    mode: str = "1",
    compression: str = "group4",
) -> bytes:
    """A TIFF whose pages show a circle of three inches, 2 inches from the top and left edge of the paper."""
    drawn = []
    across, down = dpi or (204, 98)
    for _ in range(pages):
        image = Image.new("RGB", size, "white")
        ImageDraw.Draw(image).ellipse((2 * across, 2 * down, 5 * across, 5 * down), fill="black")
        drawn.append(image.convert(mode))
    file = io.BytesIO()
    options = {"dpi": dpi} if dpi else {}
    drawn[0].save(file, "TIFF", save_all=True, append_images=drawn[1:], compression=compression, **options)
    return file.getvalue()


def picture(form: str, size: tuple[int, int] = (400, 300), orientation: int = 1, mode: str = "RGB") -> bytes:
    """A white picture with a black upper left quarter."""
    image = Image.new(mode, size, "white")
    image.paste("black" if mode != "I;16" else 0, (0, 0, size[0] // 2, size[1] // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, form, **({"exif": exif} if form in ("JPEG", "PNG") else {}))
    return file.getvalue()


def text_of(pdf: Path) -> list[str]:
    """The text of each page, white space joined."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def look(pdf: Path, page: int = 0, dpi: float = 72) -> Image.Image:
    """A page as a grey picture."""
    with pypdfium2.PdfDocument(pdf) as document:
        document.init_forms()
        return document[page].render(scale=dpi / 72, may_draw_forms=True).to_pil().convert("L")


def ink(pdf: Path, page: int = 0) -> tuple[int, int, int, int]:
    """The box of everything dark on a page, in points from the upper left."""
    box = look(pdf, page).point(lambda value: 255 if value < 128 else 0).getbbox()
    assert box is not None, "the page is blank"
    return box


def sizes(pdf: Path) -> list[tuple[int, int]]:
    """Width and height of each page in points."""
    with pikepdf.open(pdf) as document:
        return [(round(float(page.mediabox[2])), round(float(page.mediabox[3]))) for page in document.pages]


def logo() -> bytes:
    image = Image.new("RGBA", (240, 80), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((10, 10), "LOGO", fill="black", font=ImageFont.load_default(50))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
