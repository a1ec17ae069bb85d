"""What a file is: by its content first, then its name, then the type that the mail claims.

In: name, label and content of a part. Out: ``Kind``, or ``NotFaxable`` where it can't be what it says it is. Copiers
label PDFs ``application/octet-stream``, name them ``SCAN.PDF`` or not at all; so neither decides alone.
"""

from __future__ import annotations

import enum
import re
from pathlib import PurePosixPath

from mailfax.render.packed import ARCHIVE, AS_PDF, compound, zipped
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NEVER_PAGES, NotFaxable, Part

#: Letters of a word, on the average of a text; lines of base64 have 60 and more.
MOST_LETTERS = 20
#: How much of a file is looked at for its first marks; PDF readers look for %PDF- in the first 1024 bytes.
HEAD = 1024


class Kind(enum.Enum):
    """What can be done with a file. The value is the extension it gets."""

    # Drawn by libraries.
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
    CSV = "csv"
    XML = "xml"
    MHTML = "mhtml"
    SVG = "svg"
    # Drawn by programs where they are installed (``programs``).
    DOC = "doc"
    DOCX = "docx"
    ODT = "odt"
    RTF = "rtf"
    XLS = "xls"
    XLSX = "xlsx"
    XLSB = "xlsb"
    ODS = "ods"
    PPT = "ppt"
    PPTX = "pptx"
    ODP = "odp"
    ODG = "odg"
    PS = "ps"
    XPS = "xps"
    # Drawn by FaxCore alone.
    PCL = "pcl"
    #: A mail of Outlook: it is opened, and what is in it are parts of the mail around it.
    MSG = "msg"
    #: A file that is never a page: signature, visiting card, calendar entry.
    ASIDE = ""


PICTURES = frozenset(
    [Kind.JPEG, Kind.PNG, Kind.GIF, Kind.TIFF, Kind.BMP, Kind.WEBP, Kind.AVIF, Kind.JPEG2000, Kind.HEIC, Kind.ICO]
)
DRAWN = PICTURES | {Kind.PDF, Kind.TEXT, Kind.HTML, Kind.CSV, Kind.XML, Kind.MHTML, Kind.SVG}
#: FaxCore turns these into pages ("Supported File Formats"): they go there as they are where nothing here draws them.
AT_FAXCORE = frozenset([Kind.DOC, Kind.DOCX, Kind.XLS, Kind.XLSX, Kind.PPT, Kind.PPTX, Kind.RTF, Kind.XPS, Kind.PCL])

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
    (b"%!PS", Kind.PS),
    (b"\x04%!PS", Kind.PS),
    (b"\xc5\xd0\xd3\xc6", Kind.PS),  # EPS with a picture of itself for the screen
    (b"\x00\x05\x16\x07", Kind.ASIDE),  # AppleDouble: what a Mac keeps beside a file
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
LINK = "it is only a link to something that is kept elsewhere. Attach the file itself"
FOLDER = "it is a folder of messages (mbox). Attach the messages themselves"
UNWRAPPED = 'Choose "MIME" or "AppleDouble" for attachments in the mail program, or attach it as a PDF'
HOPELESS: tuple[tuple[bytes, str], ...] = (
    (
        b"\x78\x9f\x3e\x22",
        "it is Outlook's own format (TNEF). Send the mail as HTML or plain text instead of Rich Text",
    ),
    (b"Rar!", ARCHIVE),
    (b"7z\xbc\xaf", ARCHIVE),
    (b"\x1f\x8b", ARCHIVE),
    (b"\xfd7zXZ", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"(This file must be converted with BinHex", "it is wrapped for a Mac (BinHex). " + UNWRAPPED),
    (b"\x00\x05\x16\x00", "it is wrapped for a Mac (AppleSingle). " + UNWRAPPED),
    (b"[InternetShortcut]", LINK),
    (b"L\x00\x00\x00\x01\x14\x02\x00", LINK),
    (b"RIFF", AS_PDF),
    (b"MZ", "it is a program"),
    (b"\x7fELF", "it is a program"),
)
#: Extensions that people give, where they differ from ours. Templates and files with macros are what they make.
EXTENSIONS = {kind.value: kind for kind in Kind if kind.value} | {
    "jpeg": Kind.JPEG, "jpe": Kind.JPEG, "jfif": Kind.JPEG, "tiff": Kind.TIFF,
    "htm": Kind.HTML, "xhtml": Kind.HTML, "mht": Kind.MHTML,
    "text": Kind.TEXT, "log": Kind.TEXT, "md": Kind.TEXT, "json": Kind.TEXT, "yaml": Kind.TEXT, "yml": Kind.TEXT,
    "ini": Kind.TEXT, "tsv": Kind.CSV, "tab": Kind.CSV, "prn": Kind.PCL,
    "dib": Kind.BMP, "heif": Kind.HEIC, "hif": Kind.HEIC, "j2k": Kind.JPEG2000,
    "jpf": Kind.JPEG2000, "jpx": Kind.JPEG2000,
    "dot": Kind.DOC, "docm": Kind.DOCX, "dotx": Kind.DOCX, "dotm": Kind.DOCX, "ott": Kind.ODT, "fodt": Kind.ODT,
    "xlt": Kind.XLS, "xlsm": Kind.XLSX, "xltx": Kind.XLSX, "xltm": Kind.XLSX, "ots": Kind.ODS, "fods": Kind.ODS,
    "pot": Kind.PPT, "pps": Kind.PPT, "pptm": Kind.PPTX, "potx": Kind.PPTX, "potm": Kind.PPTX, "ppsx": Kind.PPTX,
    "ppsm": Kind.PPTX, "otp": Kind.ODP, "fodp": Kind.ODP, "otg": Kind.ODG, "fodg": Kind.ODG,
    "eps": Kind.PS, "oxps": Kind.XPS,
    "p7s": Kind.ASIDE, "vcf": Kind.ASIDE, "ics": Kind.ASIDE,
}  # fmt: skip
_WORD, _OPEN = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
#: Types that mails claim.
LABELS = {
    "application/pdf": Kind.PDF, "application/x-pdf": Kind.PDF,
    "image/jpeg": Kind.JPEG, "image/jpg": Kind.JPEG, "image/pjpeg": Kind.JPEG, "image/png": Kind.PNG,
    "image/gif": Kind.GIF, "image/tiff": Kind.TIFF, "image/bmp": Kind.BMP, "image/webp": Kind.WEBP,
    "image/heic": Kind.HEIC, "image/heif": Kind.HEIC, "image/avif": Kind.AVIF, "image/jp2": Kind.JPEG2000,
    "text/html": Kind.HTML, "application/xhtml+xml": Kind.HTML, "text/csv": Kind.CSV,
    "text/tab-separated-values": Kind.CSV, "text/xml": Kind.XML, "application/xml": Kind.XML,
    "image/svg+xml": Kind.SVG,
    "message/delivery-status": Kind.TEXT, "application/json": Kind.TEXT, "application/yaml": Kind.TEXT,
    "application/rtf": Kind.RTF, "text/rtf": Kind.RTF,
    "application/vnd.hp-pcl": Kind.PCL, "application/postscript": Kind.PS, "application/vnd.ms-outlook": Kind.MSG,
    "application/msword": Kind.DOC, "application/vnd.ms-excel": Kind.XLS, "application/vnd.ms-powerpoint": Kind.PPT,
    f"{_WORD}wordprocessingml.document": Kind.DOCX, f"{_WORD}spreadsheetml.sheet": Kind.XLSX,
    f"{_WORD}presentationml.presentation": Kind.PPTX, "application/vnd.ms-xpsdocument": Kind.XPS,
    f"{_OPEN}text": Kind.ODT, f"{_OPEN}spreadsheet": Kind.ODS, f"{_OPEN}presentation": Kind.ODP,
} | dict.fromkeys([*NEVER_PAGES, "application/applefile"], Kind.ASIDE)  # fmt: skip


def extension_of(name: str) -> str:
    """The extension of a file name, lower case, without its dot."""
    return PurePosixPath(name).suffix[1:].casefold()


def kind_of(part: Part) -> Kind:
    """What the part is; raises ``NotFaxable`` with its name where that can't be faxed."""
    if not part.content.strip(b"\0 \r\n\t"):
        return Kind.ASIDE
    named = EXTENSIONS.get(extension_of(part.name))
    found = _by_content(part)
    if found in WORDS and found is not Kind.ASIDE and named is not None:
        return _as_named(part, found, named)
    if found is None:
        raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=AS_PDF))
    return found


def disagreement(part: Part, kind: Kind) -> str:
    """What the name or the label of a part says of it and is not so; "" where they agree, or say nothing."""
    named, labelled = EXTENSIONS.get(extension_of(part.name)), LABELS.get(part.label)
    claims = [f"its {what} says {claim.name}" for what, claim in (("name", named), ("label", labelled))
              if claim not in (None, kind) and not {claim, kind} <= WORDS and kind is not Kind.ASIDE]  # fmt: skip
    # The log never holds what a mail says: a name is as good as a subject.
    return f"it is {kind.name}; {' and '.join(claims)}" if claims else ""


#: Reports and tables that programs write as HTML, so that Word or Excel opens them; and what a failed download has.
OFFICE, SITE = b"urn:schemas-microsoft-com:office", re.compile(rb"<(?:script|form|link)\b", re.IGNORECASE)
#: Kinds that are text: only their names and labels tell one from the other for sure.
WORDS = frozenset([Kind.TEXT, Kind.HTML, Kind.XML, Kind.CSV, Kind.MHTML, Kind.ASIDE])


def _as_named(part: Part, found: Kind, named: Kind) -> Kind:
    """Text whose name says more: what it is called, unless it would then have to look otherwise."""
    if named in WORDS:
        return found if (named, found) in ((Kind.TEXT, Kind.MHTML), (Kind.XML, Kind.HTML)) else named
    if named is Kind.PCL:
        return Kind.PCL
    marked = found is Kind.HTML or part.content.lstrip().startswith(b"<")
    if marked and named in (Kind.XLS, Kind.DOC) and (OFFICE in part.content or not SITE.search(part.content)):
        return Kind.HTML
    if named in (Kind.XLS, Kind.XLSX) and found in (Kind.TEXT, Kind.CSV) and is_table(part.content):
        return Kind.CSV
    what = "a web page" if found is Kind.HTML else "text"
    why = f"its name says {named.value.upper()}, but it holds {what}, perhaps a failed download"
    raise NotFaxable(status(Cause.DAMAGED, name=part.name, why=why))


def is_table(content: bytes) -> bool:
    """Whether text has as many tabs, semicolons or commas in each of its first lines."""
    lines = [line for line in content[: 16 * HEAD].splitlines()[:20] if line.strip()]
    return len(lines) > 1 and any(
        len({line.count(mark) for line in lines}) == 1 and lines[0].count(mark) for mark in (b"\t", b";", b",")
    )


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
        return Kind(zipped(part))
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Kind(compound(part))
    if head.startswith(b"BM") and len(content) >= 26 and int.from_bytes(content[10:14], "little") < len(content):
        return Kind.BMP
    if head.startswith(b"\x1b%-12345X") and b"%!PS" in content[: 16 * HEAD]:
        return Kind.PS
    if head.startswith((b"\x1bE", b"\x1b%-12345X", b"\x1b&", b"\x1b*")):
        return Kind.PCL
    return _textual(part)


def _brand(head: bytes) -> Kind | None:
    """What picture an ISO media file is: its brand, or one it is compatible with ("mif1" alone says little)."""
    brands = [head[8:12]] + [head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4], "big"), 256), 4)]
    found = {BRANDS[brand] for brand in brands if brand in BRANDS}
    return Kind.AVIF if Kind.AVIF in found else next(iter(found), None)


def _textual(part: Part) -> Kind | None:
    """Text of some sort, or None where the bytes are no text at all."""
    start = part.content[: 16 * HEAD]
    wide = start[:2] in (b"\xff\xfe", b"\xfe\xff") or (part.text is not None and b"\0" in start)
    if not wide and re.search(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]", start):
        return None
    plain = start.replace(b"\0", b"") if wide else start
    opening = plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").lower()
    if re.match(rb"<!doctype html|<html|<head|<body", opening) or re.match(
        rb"<\?xml[^>]*>.{0,500}<html", opening, re.S
    ):
        return Kind.HTML
    if opening.startswith((b"<?xml", b"<office:document")) or ROOT_SVG.match(opening):
        return _xml(part, opening)
    if re.match(rb"(from:|mime-version:|subject:|date:)", opening) and b"multipart/related" in opening[:4096]:
        return Kind.MHTML
    if re.match(rb"-----begin pgp message", opening):
        raise NotFaxable(status(Cause.ENCRYPTED, name=part.name))
    if re.match(rb"from \S+ +(mon|tue|wed|thu|fri|sat|sun) ", opening):
        raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=FOLDER))
    by_label = LABELS.get(part.label, Kind.TEXT if part.label.startswith("text/") else None)
    by_name = EXTENSIONS.get(extension_of(part.name))
    if by_label not in WORDS:
        by_label = Kind.TEXT if by_name is not None else by_label  # Windows says Excel of every CSV
    if by_label in (None, Kind.TEXT) and by_name is not None:
        return by_name if by_name in WORDS else Kind.TEXT
    return by_label or (Kind.TEXT if _is_prose(part.content) else None)


def _is_prose(content: bytes) -> bool:
    """Whether a file of which neither name nor label says anything is words to read, and no keys or packed bytes."""
    try:
        words = content.decode("utf-8-sig").split()
    except UnicodeDecodeError:
        return False
    return len(words) > 1 and sum(map(len, words)) <= MOST_LETTERS * len(words)


#: What an XML file is, by what stands at its beginning. Office opens the first ones by whatever name they have.
DIALECTS: tuple[tuple[bytes, Kind], ...] = (
    (rb'progid="word\.document"', Kind.DOC),
    (rb'progid="excel\.sheet"', Kind.XLS),
    (rb'office:mimetype="application/vnd\.oasis\.opendocument\.text', Kind.ODT),
    (rb'office:mimetype="application/vnd\.oasis\.opendocument\.spreadsheet', Kind.ODS),
    (rb'office:mimetype="application/vnd\.oasis\.opendocument\.presentation', Kind.ODP),
)

#: What may stand before the first element of a drawing.
ROOT_SVG = re.compile(
    rb"(?>(?><\?.*?\?>|<!--.*?-->|<!doctype svg[^>\[]*(?:\[[^\]]*\]\s*)?>|\s+)*)<(?:\w+:)?svg[\s>/]", re.DOTALL
)


def _xml(part: Part, opening: bytes) -> Kind:
    for dialect, kind in DIALECTS:
        if re.search(dialect, opening[: 4 * HEAD]):
            return kind
    return Kind.SVG if ROOT_SVG.match(opening[: 4 * HEAD]) else Kind.XML
