"""Whether a received fax is whole, and how many pages it has. What is on them is not looked at.

In: the bytes that the fax service gave out, a PDF or a TIFF. Out: the number of pages, or ``NotFaxable``.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image

from mailfax.render.streams import damaged
from mailfax.render.tiff import pages_of
from mailfax.render.whole import has_its_end, unlocked
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

_TIFF = (b"II*\0", b"MM\0*")


def count_pages(content: bytes, name: str) -> int:
    """How many pages there are; raises ``NotFaxable`` where a part of the file is missing."""
    pages = _in_tiff(content, name) if content.startswith(_TIFF) else _in_pdf(content, name)
    if not pages:
        raise NotFaxable(status(Cause.DAMAGED, name=name, why="it has no pages"))
    return pages


def _in_pdf(content: bytes, name: str) -> int:
    pdf, content = unlocked(content, name)
    with pdf:
        if not has_its_end(content):
            raise damaged(name, "its end is missing, perhaps by an incomplete transfer", "no startxref at the end")
        return len(pdf.pages)


def _in_tiff(content: bytes, name: str) -> int:
    """A TIFF has no mark at its end: each page is read."""
    told = list[str]()
    try:
        # What the library complains of without raising, a page can do without.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content)) as picture:
            pages = 0
            for page in pages_of(content, picture, name, told):
                page.load()
                pages += 1
            return pages
    except (OSError, EOFError, ValueError, SyntaxError, TypeError, KeyError) as wrong:
        raise damaged(name, "its pages can't be read", str(wrong)) from None
