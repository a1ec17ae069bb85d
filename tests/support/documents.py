"""Documents that flows send and drop in: small, real files, made when they are needed."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import letter as paper
from reportlab.pdfgen.canvas import Canvas


def pdf(pages: int = 1, text: str = "Typed page") -> bytes:
    """A PDF of that many pages, each with ``text`` and its number."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=paper)
    for page in range(1, pages + 1):
        canvas.setFont("Helvetica", 24)
        canvas.drawString(72, 600, f"{text} {page}")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def tiff(pages: int = 1, text: str = "Scanned page") -> bytes:
    """A TIFF as a copier scans it: black on white, 204 by 196 dots to the inch, G4."""
    drawn = []
    for page in range(1, pages + 1):
        image = Image.new("1", (1728, 2156), 1)
        ImageDraw.Draw(image).text((300, 300), f"{text} {page}", fill=0, font=ImageFont.load_default(80))
        drawn.append(image)
    file = io.BytesIO()
    drawn[0].save(file, "TIFF", save_all=True, append_images=drawn[1:], compression="group4", dpi=(204, 196))
    return file.getvalue()


def docx(text: str = "Typed in a word processor") -> bytes:
    """The smallest file that is a Word document."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()


def attach(mail: EmailMessage, name: str, kind: str, content: bytes) -> None:
    """Attach a file of a media type such as "image/tiff"."""
    main, _, sub = kind.partition("/")
    mail.add_attachment(content, maintype=main, subtype=sub, filename=name)


def with_pdf(mail: EmailMessage) -> EmailMessage:
    """The mail, with a PDF of two pages."""
    attach(mail, "offer.pdf", "application/pdf", pdf(2))
    return mail
