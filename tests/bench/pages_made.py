"""What scripts/bench pages is fed with: mails, PDFs, photographs, an HTML page and a Word file, all made here."""

from __future__ import annotations

import base64
import functools
import io
import random
import zipfile
from email.message import EmailMessage
from pathlib import Path

import img2pdf
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import letter as letter_paper
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

REPORT_PAGES = COLOUR_PAGES = 20
WORDS = """delivery note northern region total amount until Friday please answer contract clause fourteen invoice
    transport quarter measured value average deviation account customer order warehouse quantity signed witness court
    deadline""".split()  # noqa: SIM905 - a text
#: Colours that text and boxes have in office documents: (text, box).
TINTS = (
    (0x000000, 0xFFFFFF),
    (0x777777, 0xFFFFFF),
    (0x000000, 0xCCCCCC),
    (0xFFFFFF, 0x1F4E9E),
    (0x8A1F11, 0xFFF4D6),
)


def _sentences(seed: int, words: int) -> list[str]:
    chosen = random.Random(seed)
    text = [chosen.choice(WORDS) for _ in range(words)]
    return [" ".join(text[n : n + 12]) for n in range(0, words, 12)]


def _mail(text: str, html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "alice@example.com", "15551234567@fax.local", "Report 4711"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


@functools.cache
def photograph(seed: int, size: tuple[int, int] = (3000, 2000)) -> bytes:
    """A JPEG with soft shapes and grain, as a telephone makes them."""
    chosen = random.Random(seed)
    image = Image.effect_noise((size[0] // 8, size[1] // 8), 40).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, r = chosen.randrange(size[0]), chosen.randrange(size[1]), chosen.randrange(50, 400)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chosen.randrange(256) for _ in range(3)))
    file = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(3)).save(file, "JPEG", quality=88)
    return file.getvalue()


@functools.cache
def letter() -> bytes:
    """One page of text as PDF."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter_paper)
    for row, line in enumerate(_sentences(1, 240)):
        canvas.drawString(72, 700 - 14 * row, line)
    canvas.save()
    return file.getvalue()


@functools.cache
def report() -> bytes:
    """Twenty pages of text with a table and a drawing on each."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter_paper)
    for page in range(REPORT_PAGES):
        canvas.setFont("Helvetica", 10)
        for row, line in enumerate(_sentences(page, 480)):
            canvas.drawString(60, 740 - 12 * row, line)
        for row in range(8):
            for column in range(5):
                canvas.rect(60 + 95 * column, 60 + 22 * row, 95, 22)
                canvas.drawString(64 + 95 * column, 66 + 22 * row, f"{page * 100 + row * 10 + column}.00")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


@functools.cache
def colour() -> bytes:
    """Twenty pages with tinted boxes, light text and, on every fourth, a photograph."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter_paper)
    for page in range(COLOUR_PAGES):
        lines = _sentences(page, 480)
        for block, (text, box) in enumerate(TINTS):
            top = 740 - 120 * block
            canvas.setFillColor(HexColor(box))
            canvas.rect(54, top - 100, 504, 112, stroke=0, fill=1)
            canvas.setFillColor(HexColor(text))
            canvas.setFont("Helvetica", 10)
            for row in range(8):
                canvas.drawString(60, top - 12 * row, lines[(block * 8 + row) % len(lines)])
        if page % 4 == 0:
            canvas.drawImage(ImageReader(io.BytesIO(photograph(page, (900, 600)))), 180, 40, 240, 100)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


@functools.cache
def scan() -> bytes:
    """Twenty pages as a copier scans them in colour at 200 dots an inch: off-white paper, grain, JPEG in a PDF."""
    paper = Image.effect_noise((1700, 2200), 6).point(lambda value: 236 + (value - 128) // 2)
    pages = []
    for number in range(COLOUR_PAGES):
        page = Image.merge("RGB", (paper, paper, paper.point(lambda value: value - 8)))
        draw = ImageDraw.Draw(page)
        font = ImageFont.load_default(30)
        draw.rectangle((150, 120, 620, 240), fill=(31, 78, 158))
        draw.text((180, 160), f"Delivery note {number}", fill=(240, 240, 240), font=font)
        for row, line in enumerate(_sentences(number, 480)):
            ink = (138, 31, 17) if row % 10 == 9 else (45, 45, 50)
            draw.text((150, 300 + 44 * row), line, fill=ink, font=font)
        file = io.BytesIO()
        page.save(file, "JPEG", quality=75, dpi=(200, 200))
        pages.append(file.getvalue())
    return bytes(img2pdf.convert(pages))


def html_page(*, inline: bool) -> str:
    """A newsletter with six pictures; ``inline``: as data, else by Content-ID."""
    rows = []
    for n in range(6):
        data = base64.b64encode(photograph(n, (600, 400))).decode()
        source = f"data:image/jpeg;base64,{data}" if inline else f"cid:picture{n}"
        text = " ".join(_sentences(n, 90))
        rows.append(
            f'<tr><td style="padding:8px;background:#1f4e9e;color:#fff"><h2>Offer {n}</h2></td></tr><tr><td>'
            f'<img src="{source}" width="300" height="200" align="left">'
            f'<p style="font-family:Arial">{text}</p><p><a href="https://example.com/{n}">Order now</a></p></td></tr>'
        )
    return (
        "<html><head><meta charset=utf-8><style>td{border:1px solid #ccc} h2{margin:0}</style></head>"
        f'<body><table width="640" align="center">{"".join(rows)}</table></body></html>'
    )


def letter_mail() -> bytes:
    """A letter of more than a cover page's text, the report, two photographs: 23 pages."""
    mail = _mail("\n".join(_sentences(1, 240)))
    mail.add_attachment(report(), "application", "pdf", filename="report.pdf")
    for n in (1, 2):
        mail.add_attachment(photograph(n), "image", "jpeg", filename=f"photo{n}.jpg")
    return mail.as_bytes()


def colour_mail() -> bytes:
    mail = _mail("Please find it attached.")
    mail.add_attachment(colour(), "application", "pdf", filename="colour.pdf")
    return mail.as_bytes()


def scan_mail() -> bytes:
    mail = _mail("Please find it attached.")
    mail.add_attachment(scan(), "application", "pdf", filename="scan.pdf")
    return mail.as_bytes()


def html_mail() -> bytes:
    plain = "\n\n".join(f"Offer {n}\n\n{' '.join(_sentences(n, 90))}\n\nOrder now" for n in range(6))
    mail = _mail(plain, html_page(inline=False))
    shown = list(mail.iter_parts())[-1]
    for n in range(6):
        shown.add_related(photograph(n, (600, 400)), "image", "jpeg", cid=f"<picture{n}>", filename=f"picture{n}.jpg")
    return mail.as_bytes()


def office_mail() -> bytes:
    mail = _mail("Please find it attached.")
    word_type = "vnd.openxmlformats-officedocument.wordprocessingml.document"
    mail.add_attachment(word(), "application", word_type, filename="report.docx")
    return mail.as_bytes()


@functools.cache
def word() -> bytes:
    """Ten pages of text and tables as a Word file."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = []
    for page in range(10):
        body += [f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in _sentences(page, 240)]
        cells = "".join(f"<w:tc><w:p><w:r><w:t>{page}.{n}</w:t></w:r></w:p></w:tc>" for n in range(4))
        body.append(f"<w:tbl>{f'<w:tr>{cells}</w:tr>' * 5}</w:tbl>")
        if page < 9:
            body.append('<w:p><w:r><w:br w:type="page"/></w:r></w:p>')
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            'officeDocument" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/document.xml",
            f'<?xml version="1.0"?><w:document {space}><w:body>{"".join(body)}</w:body></w:document>',
        )
    return file.getvalue()


def page_count(tiff: Path) -> int:
    """How many pages a TIFF has."""
    with Image.open(tiff) as image:
        return int(getattr(image, "n_frames", 1))
