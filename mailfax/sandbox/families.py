"""Which documents the service takes, by the extension of the file's name (API reference, last page; gap A27).

LIMITS  The reference names Word, Excel and PowerPoint without extensions (gap A28): both generations are taken.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath


class Family(StrEnum):
    """A kind of document, and so a way of drawing it."""

    HTML = "HTML"
    """Web pages, laid out without fetching anything."""
    MHTML = "MHTML"
    """A web page with its pictures in one MIME file."""
    PDF = "PDF"
    """Drawn as it is."""
    PICTURE = "picture"
    """BMP, GIF, JPEG or PNG: one page."""
    TIFF = "TIFF"
    """One page for each of its frames."""
    TEXT = "text"
    """Plain text and XML, page by page."""
    WORD = "Word"
    """Not drawn."""
    EXCEL = "Excel"
    """Not drawn."""
    POWERPOINT = "PowerPoint"
    """Not drawn."""
    XPS = "XPS"
    """Not drawn."""
    PCL = "PCL"
    """Not drawn."""
    RTF = "RTF"
    """Not drawn."""


UNDRAWN = frozenset({Family.WORD, Family.EXCEL, Family.POWERPOINT, Family.XPS, Family.PCL, Family.RTF})
"""Taken, as the service takes them, and shown as one page that says what was received."""

EXTENSIONS = {
    "html": Family.HTML,
    "htm": Family.HTML,
    "xhtml": Family.HTML,
    "mhtml": Family.MHTML,
    "mht": Family.MHTML,
    "pdf": Family.PDF,
    "bmp": Family.PICTURE,
    "gif": Family.PICTURE,
    "jpg": Family.PICTURE,
    "jpeg": Family.PICTURE,
    "png": Family.PICTURE,
    "tif": Family.TIFF,
    "tiff": Family.TIFF,
    "txt": Family.TEXT,
    "xml": Family.TEXT,
    "doc": Family.WORD,
    "docx": Family.WORD,
    "xls": Family.EXCEL,
    "xlsx": Family.EXCEL,
    "ppt": Family.POWERPOINT,
    "pptx": Family.POWERPOINT,
    "xps": Family.XPS,
    "pcl": Family.PCL,
    "rtf": Family.RTF,
}

_MAGIC = {
    Family.PDF: (b"%PDF-",),
    Family.TIFF: (b"II*\0", b"MM\0*"),
    Family.PICTURE: (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM"),
}


def family_of(filename: str) -> Family | None:
    """The family by the name's extension; None when the service takes no such file."""
    return EXTENSIONS.get(PurePosixPath(filename.replace("\\", "/")).suffix.removeprefix(".").lower())


def sniff(head: bytes) -> Family | None:
    """The family by the first bytes; None when they say nothing."""
    for family, starts in _MAGIC.items():
        if head.startswith(starts):
            return family
    return None
