"""A received fax as a PDF that opens with a password alone.

In: the bytes of a received fax, a PDF or a TIFF; the password. Out: the bytes of a PDF. Raises ``NotFaxable`` where
the file can't be read.

STANDARDS: ISO 32000-2 7.6.4 (AES-256, revision 6).
"""

from __future__ import annotations

import io

import pikepdf

from mailfax.render.screen import as_pdf
from mailfax.render.streams import damaged


def locked(content: bytes, password: str) -> bytes:
    """The same pages, encrypted: text, pictures and what the file says about itself."""
    made = io.BytesIO()
    try:
        with pikepdf.open(io.BytesIO(as_pdf(content))) as pdf:
            pdf.save(made, encryption=pikepdf.Encryption(owner=password, user=password, R=6, aes=True, metadata=True))
    except pikepdf.PdfError as wrong:
        raise damaged("the fax", "it can't be locked with a password", str(wrong)) from None
    return made.getvalue()
