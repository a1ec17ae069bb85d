"""What a file is: by its content first, then its name, then the type that the mail claims.

In: name, label and content of a part. Out: ``Kind``, or ``NotFaxable`` where it can't be what it says it is. Copiers
label PDFs ``application/octet-stream``, name them ``SCAN.PDF`` or not at all; so neither decides alone.
"""

from __future__ import annotations

import enum
import re
from pathlib import PurePosixPath

from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NEVER_PAGES, NotFaxable, Part

#: How much of a file is looked at for its first marks; PDF readers look for %PDF- in the first 1024 bytes.
HEAD = 1024


class Kind(enum.Enum):
    """What can be done with a file. The value is the extension it gets."""

    PDF = "pdf"
    JPEG = "jpg"
    PNG = "png"
    GIF = "gif"
    TIFF = "tif"
    BMP = "bmp"
    WEBP = "webp"
    AVIF = "avif"
    JPEG2000 = "jp2"
    HEIC = "heic"
    ICO = "ico"
    TEXT = "txt"
    HTML = "html"
    # FaxCore turns these into pages ("Supported File Formats"); nothing here does.
    DOC = "doc"
    DOCX = "docx"
    XLS = "xls"
    XLSX = "xlsx"
    PPT = "ppt"
    PPTX = "pptx"
    XPS = "xps"
    PCL = "pcl"
    RTF = "rtf"
    XML = "xml"
    MHTML = "mhtml"
    #: A file that is never a page: signature, visiting card, calendar entry.
    ASIDE = ""


PICTURES = frozenset(
    [Kind.JPEG, Kind.PNG, Kind.GIF, Kind.TIFF, Kind.BMP, Kind.WEBP, Kind.AVIF, Kind.JPEG2000, Kind.HEIC, Kind.ICO]
)
DRAWN = PICTURES | {Kind.PDF, Kind.TEXT, Kind.HTML}
UNTOUCHED = frozenset(Kind) - DRAWN - {Kind.ASIDE}

#: Marks at the very beginning of a file.
MARKS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00", Kind.TIFF),
    (b"MM\x00+", Kind.TIFF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind.JPEG2000),
    (b"\xff\x4f\xff\x51", Kind.JPEG2000),
    (b"\x00\x00\x01\x00", Kind.ICO),
    (b"{\\rtf", Kind.RTF),
    (b"BEGIN:VCARD", Kind.ASIDE),
    (b"BEGIN:VCALENDAR", Kind.ASIDE),
    (b"-----BEGIN PGP SIGNATURE", Kind.ASIDE),
    (b"-----BEGIN PGP PUBLIC KEY", Kind.ASIDE),
)
#: Brands of ISO media files that are pictures (ISO 23008-12; AV1 Image File Format): "ftyp" stands before them.
BRANDS: dict[bytes, Kind] = dict.fromkeys((b"avif", b"avis"), Kind.AVIF) | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), Kind.HEIC
)
#: Marks of files that nobody here or at FaxCore can draw, and what their sender can do.
AS_PDF = "this kind of file is not known here. Save it as a PDF and send that"
HOPELESS: tuple[tuple[bytes, str], ...] = (
    (
        b"\x78\x9f\x3e\x22",
        "it is Outlook's own format (TNEF). Send the mail as HTML or plain text instead of Rich Text",
    ),
    (b"Rar!", "it is an archive. Unpack it and attach the files in it"),
    (b"7z\xbc\xaf", "it is an archive. Unpack it and attach the files in it"),
    (b"\x1f\x8b", "it is an archive. Unpack it and attach the files in it"),
    (b"%!PS", AS_PDF),
    (b"RIFF", AS_PDF),
    (b"MZ", "it is a program"),
    (b"\x7fELF", "it is a program"),
)
#: Names inside a zip file that tell what the file is.
ZIPPED: tuple[tuple[bytes, Kind], ...] = (
    (b"word/", Kind.DOCX),
    (b"xl/", Kind.XLSX),
    (b"ppt/", Kind.PPTX),
    (b"FixedDocSeq", Kind.XPS),
    (b"FixedDocumentSequence", Kind.XPS),
)
#: Names of streams inside an OLE2 file (UTF-16).
STREAMS: tuple[tuple[str, Kind], ...] = (
    ("WordDocument", Kind.DOC),
    ("Workbook", Kind.XLS),
    ("PowerPoint Document", Kind.PPT),
    ("Book", Kind.XLS),
)
#: Extensions that people give, where they differ from ours.
EXTENSIONS = {kind.value: kind for kind in Kind if kind.value} | {
    "jpeg": Kind.JPEG, "jpe": Kind.JPEG, "jfif": Kind.JPEG, "tiff": Kind.TIFF,
    "htm": Kind.HTML, "xhtml": Kind.HTML, "mht": Kind.MHTML,
    "text": Kind.TEXT, "log": Kind.TEXT, "csv": Kind.TEXT, "md": Kind.TEXT, "prn": Kind.PCL,
    "dib": Kind.BMP, "heif": Kind.HEIC, "hif": Kind.HEIC, "j2k": Kind.JPEG2000,
    "jpf": Kind.JPEG2000, "jpx": Kind.JPEG2000,
    "p7s": Kind.ASIDE, "vcf": Kind.ASIDE, "ics": Kind.ASIDE,
}  # fmt: skip
LABELS = {
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "text/xml": Kind.XML,
    "application/xml": Kind.XML,
    "application/vnd.hp-pcl": Kind.PCL,
    "message/delivery-status": Kind.TEXT,
} | dict.fromkeys(NEVER_PAGES, Kind.ASIDE)


def extension_of(name: str) -> str:
    """The extension of a file name, lower case, without its dot."""
    return PurePosixPath(name).suffix[1:].casefold()


def kind_of(part: Part) -> Kind:
    """What the part is; raises ``NotFaxable`` with its name where that can't be faxed."""
    named = EXTENSIONS.get(extension_of(part.name))
    if not part.content.strip(b"\0 \r\n\t"):
        if named is Kind.TEXT or part.label.startswith("text/"):
            return Kind.ASIDE
        raise NotFaxable(status(Cause.DAMAGED, name=part.name, why="it is empty"))
    found = _by_content(part)
    if found in (Kind.TEXT, Kind.HTML, Kind.XML) and named is not None:
        return _as_named(part, found, named)
    if found is None:
        raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=AS_PDF))
    return found


def _as_named(part: Part, found: Kind, named: Kind) -> Kind:
    """Text whose name says more: what it is called, unless it would then have to look otherwise."""
    if named in (Kind.TEXT, Kind.HTML, Kind.XML, Kind.MHTML, Kind.ASIDE):
        return named
    if named is Kind.PCL:
        return Kind.PCL
    what = "a web page" if found is Kind.HTML else "text"
    why = f"its name says {named.value.upper()}, but it holds {what}, perhaps a failed download"
    raise NotFaxable(status(Cause.DAMAGED, name=part.name, why=why))


def _by_content(part: Part) -> Kind | None:
    content = part.content
    head = content[:HEAD]
    if b"%PDF-" in head:
        return Kind.PDF
    for mark, kind in MARKS:
        if head.startswith(mark):
            return kind
    if head[4:8] == b"ftyp" and (brand := _brand(head)) is not None:
        return brand
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    for mark, why in HOPELESS:
        if head.startswith(mark):
            raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=why))
    if head.startswith(b"PK\x03\x04"):
        return _zipped(part)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole(part)
    if head.startswith(b"BM") and len(content) >= 26 and int.from_bytes(content[10:14], "little") < len(content):
        return Kind.BMP
    if head.startswith((b"\x1bE", b"\x1b%-12345X", b"\x1b&", b"\x1b*")):
        return Kind.PCL
    return _textual(part)


def _brand(head: bytes) -> Kind | None:
    """What picture an ISO media file is: its brand, or one it is compatible with ("mif1" alone says little)."""
    brands = [head[8:12]] + [head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4], "big"), 256), 4)]
    found = {BRANDS[brand] for brand in brands if brand in BRANDS}
    return Kind.AVIF if Kind.AVIF in found else next(iter(found), None)


def _zipped(part: Part) -> Kind:
    """Which Office file a zip file is, by the names in its directory at the end."""
    names = [part.content[at + 46 : at + 46 + part.content[at + 28] + part.content[at + 29] * 256]
             for at in (match.start() for match in re.finditer(b"PK\x01\x02", part.content))
             if at + 46 <= len(part.content)]  # fmt: skip
    if not names or b"PK\x05\x06" not in part.content[-66_000:]:
        raise NotFaxable(status(Cause.DAMAGED, name=part.name, why="its end is missing"))
    for start, kind in ZIPPED:
        if any(name.startswith(start) for name in names):
            return kind
    office = any(name == b"mimetype" for name in names)
    why = AS_PDF if office else "it is an archive. Unpack it and attach the files in it"
    raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=why))


def _ole(part: Part) -> Kind:
    """Which old Office file this is; the new ones with a password look like this, too."""
    if "EncryptedPackage".encode("utf-16-le") in part.content:
        raise NotFaxable(status(Cause.ENCRYPTED, name=part.name))
    for stream, kind in STREAMS:
        if stream.encode("utf-16-le") in part.content:
            return kind
    raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=AS_PDF))


def _textual(part: Part) -> Kind | None:
    """Text of some sort, or None where the bytes are no text at all."""
    start = part.content[: 16 * HEAD]
    wide = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not wide and re.search(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]", start):
        return None
    plain = start.replace(b"\0", b"") if wide else start
    opening = plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").lower()
    if re.match(rb"<!doctype html|<html|<head|<body", opening) or re.match(
        rb"<\?xml[^>]*>.{0,500}<html", opening, re.S
    ):
        return Kind.HTML
    if opening.startswith(b"<?xml"):
        return Kind.XML
    if re.match(rb"(from:|mime-version:|subject:|date:)", opening) and b"multipart/related" in opening[:4096]:
        return Kind.MHTML
    if re.match(rb"-----begin pgp message", opening):
        raise NotFaxable(status(Cause.ENCRYPTED, name=part.name))
    by_label = LABELS.get(part.label, Kind.TEXT if part.label.startswith("text/") else None)
    by_name = EXTENSIONS.get(extension_of(part.name))
    if by_label in (None, Kind.TEXT) and by_name is not None:
        return Kind.TEXT if by_name not in (Kind.HTML, Kind.XML, Kind.MHTML, Kind.ASIDE) else by_name
    return by_label
