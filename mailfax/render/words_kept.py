"""The words of an Office file are looked for on the pages that a program made of it: silence is not believed.

In: the file and its pages as PDF. Out: the share of its letters and digits that are not there. Only what is surely to
be seen is looked for: the text of Word and OpenDocument, the titles and lists of PowerPoint; not what is hidden,
deleted, or computed (numbers of pages, fields, cells).

LIMITS: ``XML_BYTES`` of XML are read. Order and place are not judged.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from html import unescape

import pypdfium2

from mailfax.render.kinds import Kind

XML_BYTES = 50_000_000
#: Where the text stands, what it is wrapped in, and what makes the comparison too hard to be worth anything.
_TEXTS: dict[Kind, tuple[str, bytes, bytes]] = {
    Kind.DOCX: (r"word/document\.xml$", rb"<w:t(?: [^>]*)?>([^<]*)</w:t>", rb"<w:(?:vanish|webHidden)\b"),
    Kind.PPTX: (r"ppt/slides/slide\d+\.xml$", rb"<a:t>([^<]*)</a:t>", rb' show="0"'),
    Kind.ODT: (
        r"content\.xml$",
        rb">([^<]+)<",
        rb"<(?:text:tracked-changes|text:hidden|office:annotation|draw:object)",
    ),
}
_TWICE = re.compile(
    rb"<mc:Fallback>.*?</mc:Fallback>|<office:(?:font-face-decls|automatic-styles)>.*?</office:[^>]*>", re.S
)


def share_lost(kind: Kind, content: bytes, pdf: bytes) -> float:
    """Which share of the letters and digits of the file is not on its pages: 0 to 1."""
    given = Counter(_bare(_text_of(kind, content)))
    if not given:
        return 0.0
    drawn: Counter[str] = Counter()
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            drawn.update(_bare(page.get_textpage().get_text_range()))
    return sum((given - drawn).values()) / sum(given.values())


def _text_of(kind: Kind, content: bytes) -> str:
    """The text that is surely to be seen; "" where that can't be told."""
    if kind not in _TEXTS:
        return ""
    name, pattern, hard = _TEXTS[kind]
    found: list[bytes] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if re.match(name, entry.filename) and entry.file_size <= XML_BYTES:
                    xml = _TWICE.sub(b"", archive.read(entry))
                    if re.search(hard, xml):
                        return ""
                    found += re.findall(pattern, xml)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error):
        return ""  # a file without its directory is opened by none, and is told elsewhere
    return unescape(b" ".join(found).decode("utf-8", "replace"))


def _bare(text: str) -> str:
    """Letters and digits, each in its plainest form: ligatures, capitals and joined forms make no difference."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
