"""Files that are containers of files: ZIP (new Office, OpenDocument, XPS) and OLE2 (old Office, Outlook).

In: such a file. Out: the extension of what it is, or ``NotFaxable`` where it is encrypted, cut off, or nothing that
can be faxed. Nothing is unpacked but the list of encrypted streams of OpenDocument.

STANDARDS: APPNOTE 6.3 (ZIP), ISO/IEC 29500-2 (OPC), OpenDocument 1.3 part 2 (mimetype, manifest), MS-CFB, MS-DOC
(FIB), MS-XLS (FilePass).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

import olefile

from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part

AS_PDF = "this kind of file is not known here. Save it as a PDF and send that"
ARCHIVE = "it is an archive. Unpack it and attach the files in it"
#: Names inside a zip file that tell what the file is; the first that is found decides.
ZIPPED: tuple[tuple[str, str], ...] = (
    (r"xl/workbook\.bin$", "xlsb"),
    (r"word/", "docx"),
    (r"xl/", "xlsx"),
    (r"ppt/", "pptx"),
    (r"(.*/)?[^/]*\.fdseq$|FixedDocSeq|FixedDocumentSequence", "xps"),
)
#: Files of programs that nothing here reads, and that the same program saves as PDF.
OTHER_DOCUMENTS = re.compile(r"mimetype$|Index/|Index\.zip$|visio/|QuickLook/")
#: What an OpenDocument file says first of itself, after "application/vnd.oasis.opendocument."; templates say more.
OPEN = {"text": "odt", "spreadsheet": "ods", "presentation": "odp", "graphics": "odg"}
#: Names of streams inside an OLE2 file.
STREAMS: tuple[tuple[str, str], ...] = (
    ("__properties_version1.0", "msg"),
    ("WordDocument", "doc"),
    ("Workbook", "xls"),
    ("PowerPoint Document", "ppt"),
    ("Book", "xls"),
)
#: The longest manifest that is read.
MANIFEST_BYTES = 1_000_000


def zipped(part: Part) -> str:
    """What a ZIP file is, by the names in its directory at the end."""
    content = part.content
    entries = (match.start() for match in re.finditer(b"PK\x01\x02", content))
    names = [content[at + 46 : at + 46 + int.from_bytes(content[at + 28 : at + 30], "little")] for at in entries]
    if not names or b"PK\x05\x06" not in content[-66_000:]:
        raise NotFaxable(status(Cause.DAMAGED, name=part.name, why="its end is missing"))
    listed = [name.decode("cp437") for name in names]
    if (said := re.match(rb"mimetypeapplication/vnd\.oasis\.opendocument\.([a-z]+)", content[30:200])) is not None:
        return _open_document(part, said[1].decode())
    for pattern, extension in ZIPPED:
        if any(re.match(pattern, name) for name in listed):
            return extension
    why = AS_PDF if any(map(OTHER_DOCUMENTS.match, listed)) else ARCHIVE
    raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=why))


def _open_document(part: Part, kind: str) -> str:
    if kind not in OPEN:
        raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=AS_PDF))
    try:
        with zipfile.ZipFile(io.BytesIO(part.content)) as archive, archive.open("META-INF/manifest.xml") as manifest:
            encrypted = b"encryption-data" in manifest.read(MANIFEST_BYTES)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, NotImplementedError, RuntimeError, zlib.error):
        raise NotFaxable(status(Cause.DAMAGED, name=part.name, why="its list of contents is missing")) from None
    if encrypted:
        raise NotFaxable(status(Cause.ENCRYPTED, name=part.name))
    return OPEN[kind]


def compound(part: Part) -> str:
    """Which old Office file this is; the new ones with a password look like this, too."""
    try:
        with olefile.OleFileIO(io.BytesIO(part.content)) as ole:
            return _stream(part, {path[0] for path in ole.listdir()}, ole)
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError):
        # Its directory can't be read: Office may be able to, and it may tell by what names it has.
        named = {name for name in ("EncryptedPackage", *dict(STREAMS)) if name.encode("utf-16-le") in part.content}
        return _stream(part, named, None)


def _stream(part: Part, names: set[str], ole: olefile.OleFileIO | None) -> str:
    if "EncryptedPackage" in names:
        raise NotFaxable(status(Cause.ENCRYPTED, name=part.name))
    for name, extension in STREAMS:
        if name in names:
            if ole is not None and _encrypted(ole, name):
                raise NotFaxable(status(Cause.ENCRYPTED, name=part.name))
            return extension
    raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=AS_PDF))


def _encrypted(ole: olefile.OleFileIO, name: str) -> bool:
    """Whether the document needs a password to be opened (not: to be changed)."""
    start = ole.openstream(name).read(4096)
    if name == "WordDocument":
        return bool(int.from_bytes(start[10:12], "little") & 0x0100)  # FibBase.fEncrypted
    if name in ("Workbook", "Book"):
        # The FilePass record (0x2F) follows the first records; each is type, length, content.
        at = 0
        while at + 4 <= len(start):
            record, length = (
                int.from_bytes(start[at : at + 2], "little"),
                int.from_bytes(start[at + 2 : at + 4], "little"),
            )
            if record == 0x2F:
                return True
            if record == 0x85:  # BoundSheet: past where FilePass stands
                return False
            at += 4 + length
        return False
    return bool(ole.exists("EncryptedSummary"))
