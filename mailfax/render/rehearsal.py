"""A mail of our own, drawn before the first of a stranger: what is opened and compiled for it is there for all cells.

In: nothing. Out: a process that is warm: patterns compiled, codecs loaded, fonts of usual sizes shaped. A cell is a
copy of it.
"""

from __future__ import annotations

import contextlib
import io
import string
from email.message import EmailMessage

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from mailfax.render.drawing import render
from mailfax.render.screen import picture
from mailfax.render.terms import ORDINARY, THUMBNAIL_WIDTH, Terms
from mailfax.render.work import NO_CONVERTER, silent
from mailfax.rules.submission import NotFaxable

SIGNS = "".join(sign for sign in string.printable if sign not in "<>&" and sign.isprintable())
PAGE = (
    f"<h1>{SIGNS}</h1><h2>{SIGNS}</h2><h3>{SIGNS}</h3><ul><li>{SIGNS}</ul><p style='font-size: 12px'>{SIGNS}</p>"
    f"<table border=1><tr><td><b>{SIGNS}</b><td><a href='https://example.com'>{SIGNS}</a></table>"
    "<img src='cid:picture'>"
)
#: The fonts that a PDF need not bring along, as ISO 32000-1 9.6.2.2 names them.
STANDARD_FONTS = (
    *(f"Helvetica{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"Courier{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"Times-{style}" for style in ("Roman", "Bold", "Italic", "BoldItalic")),
    "Symbol",
    "ZapfDingbats",
)


def rehearse(terms: Terms) -> None:
    """Draw it, and forget it; what can't be drawn here is told to whoever sends such a mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "15551234567@example.com", SIGNS
    mail.set_content(PAGE, subtype="html")
    mail.add_related(_picture("PNG"), "image", "png", cid="<picture>", filename="picture.png")
    mail.make_mixed()
    mail.add_attachment((SIGNS + "\n") * 40, filename="text.txt")
    for form in ("JPEG", "PNG", "TIFF"):
        mail.add_attachment(_picture(form), "image", form.lower(), filename=f"picture.{form.lower()}")
    with contextlib.suppress(NotFaxable):
        document, _ = render(mail.as_bytes(), terms, ORDINARY, silent, NO_CONVERTER)
        picture(document, 1, THUMBNAIL_WIDTH)
    _load_standard_fonts()


def _load_standard_fonts() -> None:
    """Many PDFs name one of them and bring none along: finding it in a cell costs 3 ms."""
    with pypdfium2.PdfDocument.new() as empty:
        for name in STANDARD_FONTS:
            raw.FPDFFont_Close(raw.FPDFText_LoadStandardFont(empty, name.encode()))


def _picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, form)
    return file.getvalue()
