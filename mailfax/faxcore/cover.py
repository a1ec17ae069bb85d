"""What goes out with a fax, and the query string that carries it.

In goes a ``FaxUpload``, out comes the percent-encoded query of SendFax. Pure.

STANDARDS: RFC 3986 section 2 (percent-encoding, UTF-8); blanks are ``%20``, since a ``+`` is a blank only to
form decoders.
LIMITS: IIS refuses queries beyond 2,048 bytes (404.15, or 400 from ASP.NET), so 1,999 encoded bytes is the
most that leaves us; one letter costs 1, a Cyrillic one 6, an emoji 12. Names are cut at 64 characters and the
subject at 128 (A29); ``fits`` tells beforehand whether anything would be cut.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from urllib.parse import quote

QUERY_OCTETS = 1_999

# The octets keep three names and a subject of emoji from eating the notes: 600 are always left for those.
NAME_CHARACTERS, NAME_OCTETS = 64, 192
SUBJECT_CHARACTERS, SUBJECT_OCTETS = 128, 640
SUBJECT_TAIL = 20  # never cut: the reference stands at the end of the subject
FILENAME_OCTETS = 64

PREFIXES = ("", "+", "011")

CUT = "…"
CONTINUED = " (continued)"

# ASP.NET request validation fails the whole request (HTTP 500) at markup-like text in a query value: one angle
# bracket in a signature would stop the fax. These say the same to a reader.
HARMLESS = str.maketrans({"<": "‹", ">": "›"})
NEW_LINES = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class CoverFields:
    """What the service prints on its cover page. All empty: no cover field is sent, hence no cover (A29)."""

    sender_name: str = ""
    sender_company: str = ""
    subject: str = ""
    notes: str = ""
    recipient_name: str = ""


@dataclass(frozen=True, slots=True)
class FaxUpload:
    """One document to one number.

    ``number``: the digits, country code first. ``prefix``: what the service wants before them, one of ``PREFIXES``
    (A25). ``filename``: its extension tells the service what the bytes are (A27). ``length``: of the document, in
    bytes. Raises ValueError where one of these can't be right.
    """

    number: str
    cover: CoverFields
    filename: str
    length: int
    prefix: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{3,20}", self.number):
            raise ValueError("A fax number must be 3 to 20 digits, and nothing but digits.")
        if not re.search(r"\.[A-Za-z0-9]{1,8}$", self.filename):
            raise ValueError("The name of a document must end in an extension such as .pdf.")
        if self.prefix not in PREFIXES:
            raise ValueError('Before the digits of a fax number may stand "+", "011" or nothing.')
        if self.length < 1:
            raise ValueError("An empty document can't be faxed.")


def query_for(upload: FaxUpload) -> str:
    """The encoded query of SendFax, 1,999 bytes at most; the parameters in the reference's order (A26)."""
    cover = as_sent(upload)
    return _encode(cover, upload)


def as_sent(upload: FaxUpload) -> CoverFields:
    """The cover fields as the query will carry them: tidied, and cut where they are too long."""
    cover = _tidied(upload.cover)
    cut = replace(
        cover,
        sender_name=_clip(cover.sender_name, NAME_CHARACTERS, NAME_OCTETS),
        sender_company=_clip(cover.sender_company, NAME_CHARACTERS, NAME_OCTETS),
        subject=_clip(cover.subject, SUBJECT_CHARACTERS, SUBJECT_OCTETS, tail=SUBJECT_TAIL),
        recipient_name=_clip(cover.recipient_name, NAME_CHARACTERS, NAME_OCTETS),
    )
    return replace(cut, notes=_cut_at_word(cut.notes, _room_for_notes(cut, upload)))


def notes_budget(upload: FaxUpload) -> int:
    """How many encoded bytes the notes may take beside everything else in this upload (600 at the least)."""
    return _room_for_notes(as_sent(replace(upload, cover=replace(upload.cover, notes=""))), upload)


def fits(upload: FaxUpload) -> bool:
    """Whether the cover fields go out whole; if not, ``query_for`` cuts them."""
    return as_sent(upload) == _tidied(upload.cover)


def encoded_octets(text: str) -> int:
    """What ``text`` costs in the query, in bytes."""
    return len(_quoted(text))


def _tidied(cover: CoverFields) -> CoverFields:
    return CoverFields(
        sender_name=_line(cover.sender_name),
        sender_company=_line(cover.sender_company),
        subject=_line(cover.subject),
        notes=_lines(cover.notes),
        recipient_name=_line(cover.recipient_name),
    )


def _lines(text: str) -> str:
    """``text`` without what IIS, ASP.NET or an XML echo of it would choke on; line breaks become LF."""
    text = NEW_LINES.sub("\n", text).replace("\t", " ")
    text = "".join(letter for letter in text if letter == "\n" or _is_printable(letter))
    return text.translate(HARMLESS).replace("&#", "& #").strip()


def _line(text: str) -> str:
    """The same on one line."""
    return " ".join(_lines(text).split())


def _is_printable(letter: str) -> bool:
    """False for control characters (http.sys), lone surrogates (not UTF-8) and noncharacters (not XML)."""
    return unicodedata.category(letter) not in ("Cc", "Cs") and ord(letter) & 0xFFFE != 0xFFFE


def _clip(text: str, characters: int, octets: int, *, tail: int = 0) -> str:
    if len(text) <= characters and encoded_octets(text) <= octets:
        return text
    end = text[len(text) - tail :]
    room = octets - encoded_octets(CUT + end)
    return _beginning(text[: characters - len(CUT + end)], room).rstrip() + CUT + end


def _cut_at_word(text: str, room: int) -> str:
    if encoded_octets(text) <= room:
        return text
    begun = _beginning(text, room - encoded_octets(CONTINUED))
    words = re.match(r"(?s)(.*)\s", begun)
    # text without any blank (Chinese, Japanese) is cut between characters
    return (words[1] if words and len(words[1]) > len(begun) // 2 else begun).rstrip() + CONTINUED


def _beginning(text: str, octets: int) -> str:
    """As many whole characters of ``text`` as cost ``octets`` at most: never half a percent triplet."""
    spent = 0
    for index, letter in enumerate(text):
        spent += encoded_octets(letter)
        if spent > octets:
            return text[:index]
    return text


def _room_for_notes(cover: CoverFields, upload: FaxUpload) -> int:
    return QUERY_OCTETS - len(_encode(replace(cover, notes=""), upload)) - len("&notes=")


def _encode(cover: CoverFields, upload: FaxUpload) -> str:
    parameters = {
        "sendername": cover.sender_name,
        "sendercompany": cover.sender_company,
        "subject": cover.subject,
        "notes": cover.notes,
        "recpname": cover.recipient_name,
        "recpfax": upload.prefix + upload.number,
        "filename": _plain_filename(upload.filename),
    }
    return "&".join(f"{name}={_quoted(value)}" for name, value in parameters.items() if value)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _plain_filename(name: str) -> str:
    """The base name in ASCII, 64 bytes at most, with its extension in lower case (A27)."""
    base = re.split(r"[/\\]", name)[-1]
    folded = unicodedata.normalize("NFKD", base).encode("ascii", "ignore").decode()
    stem, _, extension = re.sub(r"[^A-Za-z0-9._-]+", "_", folded).rpartition(".")
    stem = stem[: FILENAME_OCTETS - len(extension) - 1].strip("._") or "document"
    return f"{stem}.{extension.lower()}"
