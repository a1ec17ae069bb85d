"""Texts of Word and OpenDocument without their comments: LibreOffice without a screen dies of them.

In: a file and its kind. Out: the same file without them, and how many there were. Old Word files stay as they are.

LIMITS: ``MOST_BYTES`` unpacked; what has more, or is no package, stays as it is.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from mailfax.render.kinds import Kind

MOST_BYTES = 100_000_000
#: Where comments stand, what is taken out there, and what of it is one comment.
COMMENTS = {
    Kind.DOCX: (
        re.compile(r"word/(document|footnotes|endnotes)\.xml"),
        re.compile(rb"<w:comment(?:RangeStart|RangeEnd|(Reference))\b[^>]*/>"),
    ),
    Kind.ODT: (
        re.compile(r"content\.xml"),
        re.compile(rb"<(office:annotation)(?=[\s>/])(?:[^>]*/>|.*?</\1>)|<office:annotation-end\b[^>]*/>", re.DOTALL),
    ),
}


def uncommented(kind: Kind, content: bytes) -> tuple[bytes, int]:
    """The file without comments, and how many it had; as it came where it has none."""
    if kind not in COMMENTS:
        return content, 0
    where, comment = COMMENTS[kind]
    if content.startswith(b"<"):  # an OpenDocument in one piece
        return comment.sub(b"", content), sum(bool(each[1]) for each in comment.finditer(content))
    found, file = 0, io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(file, "w") as made:
            if sum(entry.file_size for entry in given.infolist()) > MOST_BYTES:
                return content, 0
            for entry in given.infolist():
                octets = given.read(entry)
                if where.fullmatch(entry.filename):
                    found += sum(bool(each[1]) for each in comment.finditer(octets))
                    octets = comment.sub(b"", octets)
                made.writestr(entry, octets)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error):
        return content, 0
    return (file.getvalue(), found) if found else (content, 0)
