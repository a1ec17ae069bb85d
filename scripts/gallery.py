"""The pictures of ``docs/gallery.md``: ten mails, each beside the fax that it becomes.

In: nothing; the mails are made here. Out: ``docs/gallery/NAME.png``. Started by ``scripts/gallery``.
"""

from __future__ import annotations

import base64
import html
import io
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from importlib.resources import files
from pathlib import Path

import docx
import openpyxl
import pikepdf
import pypdfium2
from docx.shared import Cm
from openpyxl.styles import Font, PatternFill
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

HERE = Path(__file__).parents[1]
TARGET = HERE / "docs" / "gallery"
#: Width and height of a page of the fax, and of the mail, in dots; made at this size, black and white becomes grey.
PAGE, HIGH, MAIL, GAP, HEAD = 660, 934, 660, 24, 44
GROUND, EDGE, INK = "#eef1f4", "#c3cbd4", "#5d6b7a"
CONFIGURATION = """
fax_domains = ["fax.local"]
default_country = "DE"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"
[spool]
url = "sqlite:///spool.db"
[[listener]]
name = "test"
address = "127.0.0.1:2525"
networks = ["127.0.0.0/8"]
proof = "network"
[[account]]
name = "main"
base_url = "http://127.0.0.1:8080/api/"
username = "5557152222"
[[sender]]
from = ["@example.com"]
account = "main"
cover_page = "none"
[relay]
maildir = "mail"
"""
#: The password is never used: nothing is faxed.
ENVIRONMENT = os.environ | {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "unused"}
#: Who writes, and to whom.
ALICE, FAX = "Alice Example <alice@example.com>", "+49 40 5551234 <+49405551234@fax.local>"
STYLE = """
* { box-sizing: border-box } body { margin: 0; background: white; font: 15px "Noto Sans", "DejaVu Sans", sans-serif }
header { background: #f4f6f8; border-bottom: 1px solid #c3cbd4; padding: 12px 18px; font-size: 13px; color: #1d2733 }
header div { line-height: 1.6 } header b { display: inline-block; width: 62px; color: #5d6b7a; font-weight: normal }
main { padding: 16px 18px } footer { padding: 8px 18px; border-top: 1px solid #c3cbd4 }
footer span { display: inline-block; border: 1px solid #c3cbd4; padding: 8px; margin-right: 10px; font-size: 13px }
footer img { display: block; max-height: 560px; max-width: 590px; border: 1px solid #dde3e9; margin-top: 6px }
pre { white-space: pre-wrap; font: inherit; margin: 0 } main img { max-width: 100% }
"""


@dataclass
class Mail:
    """``html`` or ``text`` is the body; ``images`` are shown by Content-ID; ``files`` are name -> type and content."""

    subject: str
    text: str = ""
    html: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    charset: str = "utf-8"
    forwarded: EmailMessage | None = None
    writer: str = ALICE
    last: int = 1  #: how many of the fax's last pages are shown

    def message(self) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.writer, FAX, self.subject
        mail["Date"] = "Mon, 05 Oct 2026 10:00:00 +0200"
        if self.text:
            mail.set_content(self.text, charset=self.charset)
        if self.html:
            mail.add_alternative(self.html, subtype="html") if self.text else mail.set_content(self.html, "html")
            shown = list(mail.iter_parts())[-1] if self.text else mail
            for cid, content in self.images.items():
                shown.add_related(
                    content, "image", "png", cid=f"<{cid}>", filename=f"{cid}.png", disposition="inline"
                )
        if self.forwarded is not None:
            mail.add_attachment(self.forwarded)
        for name, (kind, content) in self.files.items():
            main, _, sub = kind.partition("/")
            mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
        return mail


def lettering(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf"), size)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


# --- the mails -----------------------------------------------------------------------------------------------------


def logo() -> bytes:
    image = Image.new("RGB", (360, 100), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((6, 6, 94, 94), fill="#0b6e4f")
    pen.polygon([(50, 18), (80, 76), (20, 76)], fill="#f2c14e")
    pen.text((110, 22), "Northwind", "#0b6e4f", lettering(46))
    return png(image)


def outlook() -> Mail:
    normal = '<p class="MsoNormal" style="margin:0 0 10px 0;font-family:Calibri,sans-serif">'
    lines = [
        "Sehr geehrte Frau Müller,",
        "vielen Dank für Ihre Anfrage vom 1. Oktober. Gern bieten wir Ihnen an:",
    ]
    rows = [("40 Kisten grüner Tee", "320,00 €"), ("2 Kisten Papier", "95,00 €"), ("Summe", "<b>415,00 €</b>")]
    table = "".join(
        f'<tr><td style="border:1px solid #0b6e4f;padding:4px 10px">{what}</td><td style="border:1px solid #0b6e4f;'
        f'padding:4px 10px" align="right">{price}</td></tr>'
        for what, price in rows
    )
    page = (
        f'<html><body lang="DE"><p><img width="240" src="cid:logo"></p>{"".join(f"{normal}{each}</p>" for each in lines)}'
        f'<table style="border-collapse:collapse;background:#e8f4ef">{table}</table><br>'
        f"{normal}Das Angebot gilt bis zum 31. Oktober.</p>{normal}Mit freundlichen Grüßen</p>"
        f'{normal}<span style="color:#0b6e4f"><b>Alice Example</b></span><br><span style="color:#7f8c8d;font-size:12px">'
        "Northwind GmbH · Hafenstraße 12 · Hamburg</span></p></body></html>"
    )
    return Mail("Angebot 4711", html=page, images={"logo": logo()})


def newsletter() -> Mail:
    button = (
        '<a href="https://example.com/" style="display:inline-block;background:#d1495b;color:#ffffff;padding:12px 26px;'
        'text-decoration:none;font-weight:bold;border-radius:6px">{}</a>'
    )
    cell = '<td width="50%" style="padding:14px;background:#eef6fb;color:#33658a" valign="top"><b>{}</b><br>{}</td>'
    page = (
        '<div style="background:#dfe7ee"><table width="600" align="center" cellpadding="0" cellspacing="0" '
        'style="background:#ffffff"><tr><td style="background:#1f3a5f;color:#ffffff;padding:26px;font-size:28px">'
        'Autumn at Northwind</td></tr><tr><td><img src="cid:field" width="600"></td></tr>'
        '<tr><td style="padding:22px;color:#555555">The new harvest is here. Order until <b style="color:#d1495b">31 October'
        "</b> and pay no postage.<br><br>" + button.format("Order now") + "</td></tr><tr><td><table width='100%' "
        'cellspacing="8"><tr>'
        + cell.format("Green tea", "From the first flush, 8.00 a box.")
        + cell.format("Paper", "Made without chlorine, 47.50 a box.")
        + "</tr></table></td></tr>"
        '<tr><td style="background:#1f3a5f;color:#9fb3c8;padding:14px;font-size:12px">You get this because you asked for it. '
        '<span style="color:#ffffff">Leave the list</span></td></tr></table></div>'
    )
    return Mail("Autumn at Northwind", html=page, images={"field": png(landscape(600, 220))})


def landscape(wide: int, high: int) -> Image.Image:
    """Hills under an evening sky: a picture with soft tones, as photographs have them."""
    chance = random.Random(7)
    image = Image.new("RGB", (wide, high))
    pen = ImageDraw.Draw(image)
    for y in range(high):
        share = y / high
        pen.line((0, y, wide, y), (round(250 - 90 * share), round(190 - 20 * share), round(120 + 90 * share)))
    pen.ellipse((wide * 0.68, high * 0.2, wide * 0.68 + high * 0.22, high * 0.42), fill=(255, 240, 200))
    for layer in range(5):
        shade = 150 - 28 * layer
        phases = [(chance.uniform(1, 6), chance.uniform(0, 6), chance.uniform(0.01, 0.05)) for _ in range(5)]
        ridge = [
            (x, high * (0.45 + 0.11 * layer) + sum(high * size * math.sin(x / wide * turn * 3 + start)
                                                  for turn, start, size in phases))
            for x in range(0, wide + 1, 2)
        ]  # fmt: skip
        pen.polygon([*ridge, (wide, high), (0, high)], fill=(shade // 2, shade, shade * 2 // 3))
    # Grass, clouds and haze: coarse and fine spots over all of it.
    for spots, strength in ((6, 0.45), (24, 0.3), (90, 0.22), (wide // 3, 0.2)):
        size = (spots, max(spots * high // wide, 2))
        noise = Image.effect_noise(size, 60).resize((wide, high), Image.Resampling.BICUBIC).convert("RGB")
        image = Image.blend(image, ImageChops.overlay(image, noise), strength)
    return image.filter(ImageFilter.GaussianBlur(0.6))


def form() -> Mail:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4)
    canvas.setFillColor(HexColor("#1f3a5f"))
    canvas.rect(0, 770, 595, 72, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#ffffff"))
    canvas.setFont("Helvetica-Bold", 22)
    canvas.drawString(56, 798, "Registration of a vehicle")
    canvas.setFillColor(HexColor("#000000"))
    filled = [
        ("Family name", "Example"),
        ("Given name", "Alice"),
        ("Number plate", "HH-AE 4711"),
        ("Since", "5 October 2026"),
    ]
    for at, (label, value) in enumerate(filled):
        canvas.setFont("Helvetica", 12)
        canvas.drawString(56, 706 - 56 * at, label)
        canvas.acroForm.textfield(
            name=label, value=value, x=190, y=696 - 56 * at, width=330, height=26, fontSize=13,
            fillColor=HexColor("#e8f0fe"), borderColor=HexColor("#8fa8c8"), borderWidth=1,
        )  # fmt: skip
    for at, (label, on) in enumerate([("private use", True), ("for hire", False)]):
        canvas.acroForm.checkbox(name=label, checked=on, x=190 + 170 * at, y=462, size=20, buttonStyle="check")
        canvas.drawString(218 + 170 * at, 467, label)
    canvas.drawString(56, 467, "Kind of use")
    canvas.save()
    with pikepdf.open(file) as pdf:  # as programs leave it that fill in and do not draw
        pdf.Root.AcroForm.NeedAppearances = True
        file = io.BytesIO()
        pdf.save(file)
    return Mail("Registration", "The form, filled in.", files={"form.pdf": ("application/pdf", file.getvalue())})


def scan() -> Mail:
    page = Image.new("L", (1654, 2339), 246)
    pen = ImageDraw.Draw(page)
    pen.text((200, 220), "Delivery note 815", 30, lettering(70))
    lines = ["40 boxes of green tea", "2 boxes of paper", "1 box returned: wet on one side"]
    for at, line in enumerate(lines):
        pen.text((200, 420 + 110 * at), line, 60, lettering(46))
        pen.line((200, 500 + 110 * at, 1400, 500 + 110 * at), 170, 3)
    pen.text((200, 1000), "Received on 5 October by", 60, lettering(46))
    curve = [(820 + 6 * x, 1010 + 46 * math.sin(x / 5) * math.cos(x / 17)) for x in range(90)]
    pen.line(curve, 40, 7, joint="curve")
    pen.rounded_rectangle((980, 1300, 1440, 1500), 24, outline=110, width=9)
    pen.text((1020, 1350), "CHECKED", 110, lettering(84))
    page = page.rotate(1.1, Image.Resampling.BICUBIC, fillcolor=236)
    page = Image.blend(page, Image.effect_noise(page.size, 50), 0.06).filter(ImageFilter.GaussianBlur(0.8))
    file = io.BytesIO()
    page.save(file, "PDF", resolution=200, quality=70)
    return Mail(
        'Message from "RNP002673A1B2C3"',
        'This E-mail was sent from "RNP002673A1B2C3" (MP C3003).\n\nScan Date: 10.05.2026 10:00:00 (+0200)\n'
        "Queries to: scanner@example.com\n",
        files={"20261005100000001.pdf": ("application/pdf", file.getvalue())},
        writer="scanner@example.com",
    )


def arabic() -> Mail:
    page = (
        '<div dir="rtl" style="font-size:19px;line-height:1.8"><p>السيدة مولر المحترمة،</p><p>نرفق لكم عرض الأسعار رقم 4711، '
        'وهو صالح حتى <b style="color:#b3541e">31 أكتوبر</b>.</p><p>مع أطيب التحيات<br>أليس</p></div><hr>'
        '<div dir="rtl" style="font-size:19px;line-height:1.8"><p>שלום רב,</p><p>מצורפת הצעת המחיר מספר 4711, והיא בתוקף עד '
        '<b style="color:#b3541e">31 באוקטובר</b>.</p><p>בברכה,<br>אליס (Northwind)</p></div>'
    )
    return Mail("عرض أسعار · הצעת מחיר", html=page)


def japanese() -> Mail:
    text = (
        "ミュラー様\n\nいつもお世話になっております。ノースウインドのアリスです。\n\nご依頼の見積書をお送りいたします。\n"
        "  緑茶    40箱   32,000円\n  用紙     2箱    9,500円\n  合計          41,500円\n\n"
        "有効期限は10月31日です。ご検討のほど、よろしくお願いいたします。\n"
    )
    return Mail("見積書の送付", text, charset="iso-2022-jp")


def letter_page(title: str, lines: list[str]) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4)
    canvas.setFillColor(HexColor("#0b6e4f"))
    canvas.setFont("Helvetica-Bold", 24)
    canvas.drawString(64, 760, title)
    canvas.setFillColor(HexColor("#333333"))
    canvas.setFont("Helvetica", 13)
    for at, line in enumerate(lines):
        canvas.drawString(64, 710 - 24 * at, line)
    canvas.setFillColor(HexColor("#0b6e4f"))
    canvas.rect(64, 520, 300, 60, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#ffffff"))
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(84, 542, "To be paid: 415.00")
    canvas.save()
    return file.getvalue()


def forwarded() -> Mail:
    inner = EmailMessage()
    inner["From"], inner["To"] = "Bob Sample <bob@example.org>", ALICE
    inner["Date"], inner["Subject"] = "Fri, 02 Oct 2026 16:20:00 +0200", "Invoice 12"
    inner.set_content("Dear Alice,\n\nhere is the invoice for September.\n\nBob\n")
    page = letter_page("Invoice 12", ["40 boxes of green tea", "2 boxes of paper"])
    inner.add_attachment(page, maintype="application", subtype="pdf", filename="invoice-12.pdf")
    return Mail("Fwd: Invoice 12", "Please pay this one; the tea was good.\n\nAlice", forwarded=inner, last=2)


def word() -> Mail:
    document = docx.Document()
    document.add_heading("Minutes of 5 October", 1)
    document.add_paragraph("Present: Alice, Bob, Carol. The plan for the northern region was agreed to.")
    document.add_picture(io.BytesIO(png(landscape(900, 300))), width=Cm(14))
    table = document.add_table(rows=1, cols=3)
    table.style = "Light Grid Accent 1"
    for cell, word in zip(table.rows[0].cells, ("What", "Who", "Until"), strict=True):
        cell.text = word
    for row in (("Order the tea", "Bob", "9 October"), ("Ask for prices", "Carol", "16 October")):
        for cell, word in zip(table.add_row().cells, row, strict=True):
            cell.text = word
    document.add_paragraph("Next meeting in a week", style="List Bullet")
    file = io.BytesIO()
    document.save(file)
    label = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return Mail("Minutes", "The minutes.", files={"minutes.docx": (label, file.getvalue())})


def photograph() -> Mail:
    file = io.BytesIO()
    landscape(1600, 1200).save(file, "JPEG", quality=80)
    return Mail("The field", "The field this evening.", files={"IMG_0815.jpeg": ("image/jpeg", file.getvalue())})


def spreadsheet() -> Mail:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Town", *["Jan", "Feb", "Mar", "Apr", "May", "Jun"], "Sum"])
    chance = random.Random(3)
    for town in ["Hamburg", "Bremen", "Kiel", "Lübeck", "Rostock", "Schwerin", "Flensburg", "Oldenburg"]:
        row = [chance.randint(10, 99) for _ in range(6)]
        sheet.append([town, *row, sum(row)])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="1F3A5F")
    for row in sheet.iter_rows(min_row=3, max_row=9, max_col=8):
        for cell in row[:: 1 if row[0].row % 2 else 9]:
            cell.fill = PatternFill("solid", fgColor="E8F0FE")
    for cell in sheet["H"][1:]:
        cell.font = Font(bold=True, color="D1495B")
    file = io.BytesIO()
    book.save(file)
    label = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Mail("Boxes sold", "The list.", files={"boxes.xlsx": (label, file.getvalue())})


MAILS: dict[str, Callable[[], Mail]] = {
    "outlook": outlook, "newsletter": newsletter, "form": form, "scan": scan, "arabic": arabic, "japanese": japanese,
    "forwarded": forwarded, "word": word, "photograph": photograph, "spreadsheet": spreadsheet,
}  # fmt: skip


# --- their pictures ------------------------------------------------------------------------------------------------


def first_page(name: str, content: bytes, folder: Path) -> bytes:
    """An attachment as a program shows it, in colour."""
    if name.endswith((".jpeg", ".png")):
        return png(Image.open(io.BytesIO(content)).resize((600, 450)))
    if not name.endswith(".pdf"):
        source = folder / name
        source.write_bytes(content)
        profile = f"-env:UserInstallation=file://{folder}/profile"
        run("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(source))
        content = source.with_suffix(".pdf").read_bytes()
    with pypdfium2.PdfDocument(content) as pdf:
        pdf.init_forms()
        image = pdf[0].render(scale=1.4, may_draw_forms=True).to_pil().convert("RGB")
    used = Image.eval(image.convert("L"), lambda tone: 255 if tone < 225 else 0).getbbox()
    return png(image.crop((0, 0, image.width, min(image.height, (used[3] if used else 400) + 50))))


def attachments(mail: EmailMessage, folder: Path) -> list[tuple[str, bytes]]:
    return [
        (part.get_filename() or "", first_page(part.get_filename() or "", part.get_content(), folder))
        for part in mail.iter_attachments()
        if part.get_filename() and not part.get_content_type().startswith("message/")
    ]


def as_page(mail: Mail, folder: Path) -> str:
    """The mail as a mail program shows it, as HTML."""
    body = mail.html or f"<pre>{html.escape(mail.text)}</pre>"
    for cid, content in mail.images.items():
        body = body.replace(f"cid:{cid}", data(content))
    shown = [] if mail.images else attachments(mail.message(), folder)
    if mail.forwarded is not None:
        said = mail.forwarded.get_body(("plain",))
        assert said is not None
        fields = "".join(
            f"<div><b>{name}</b>{html.escape(mail.forwarded[name])}</div>" for name in ("From", "Date", "Subject")
        )
        body += f"<br><br><header>{fields}</header><br><pre>{html.escape(said.get_content())}</pre>"
        shown += attachments(mail.forwarded, folder)
    fields = "".join(
        f"<div><b>{name}</b>{html.escape(value)}</div>"
        for name, value in (("From", mail.writer), ("To", FAX), ("Subject", mail.subject))
    )
    files = "".join(f'<span>{html.escape(name)}<img src="{data(picture)}"></span>' for name, picture in shown)
    footer = f"<footer>{files}</footer>" if files else ""
    return f"<!DOCTYPE html><meta charset=utf-8><style>{STYLE}</style><header>{fields}</header><main>{body}</main>{footer}"


def data(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def mail_picture(mail: Mail, folder: Path) -> Image.Image:
    page, picture = folder / "mail.html", folder / "mail.png"
    page.write_text(as_page(mail, folder), encoding="utf-8")
    run(
        *(
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/chromium",
        ),
        *(f"--window-size={MAIL},{HIGH}", f"--screenshot={picture}", page.as_uri()),
    )
    return Image.open(picture).convert("RGB").crop((0, 0, MAIL, HIGH))


def fax_pictures(mail: Mail, folder: Path) -> list[Image.Image]:
    """The pages of the fax at the size at which they are shown."""
    raw, config, fax = folder / "mail.eml", folder / "mailfax.toml", folder / "fax.tif"
    raw.write_bytes(mail.message().as_bytes())
    config.write_text(CONFIGURATION)
    told = run(sys.executable, "-m", "mailfax", "preview", "--config", str(config), "--fax", "-o", str(fax), str(raw))
    print(told.rstrip())
    pages = []
    with Image.open(fax) as tiff:
        for number in range(getattr(tiff, "n_frames", 1)):
            tiff.seek(number)
            grey = tiff.convert("L").resize((PAGE, HIGH), Image.Resampling.BOX)
            # A line of one dot would be pale at this size: darken what is not white.
            pages.append(grey.point([round(255 * (tone / 255) ** 1.5) for tone in range(256)]).convert("RGB"))
    return pages


def side_by_side(mail: Image.Image, pages: list[Image.Image], last: int) -> Image.Image:
    """The mail and the last pages of its fax."""
    count, shown = len(pages), pages[-last:]
    picture = Image.new("RGB", (GAP + (MAIL + GAP) * (1 + len(shown)), HEAD + HIGH + GAP), GROUND)
    pen = ImageDraw.Draw(picture)
    names = [f"The fax, page {number} of {count}" for number in range(count - len(shown) + 1, count + 1)]
    for at, (name, image) in enumerate(zip(["The mail", *names], [mail, *shown], strict=True)):
        left = GAP + at * (MAIL + GAP)
        pen.text((left, 9), name, INK, lettering(20))
        picture.paste(image, (left, HEAD))
        pen.rectangle((left - 1, HEAD - 1, left + MAIL, HEAD + HIGH), outline=EDGE)
    return picture


def run(*command: str) -> str:
    try:
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=120, env=ENVIRONMENT
        ).stdout
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{command[0]}: {failed.stderr[-2000:]}")


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    for name in sys.argv[1:] or MAILS:
        with tempfile.TemporaryDirectory(prefix="gallery-") as place:
            folder = Path(place)
            mail = MAILS[name]()
            print(f"{name}:")
            picture = side_by_side(mail_picture(mail, folder), fax_pictures(mail, folder), mail.last)
            file = TARGET / f"{name}.png"
            picture.quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)
            print(f"{file.name}: {picture.width} by {picture.height} dots, {file.stat().st_size:,} bytes")


main()
