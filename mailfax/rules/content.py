"""The octets of one part become its content, and its text; whatever was damaged on the way is named or refused.

In: the heading of a part and its body. Out: content, text, and sentences about what was left out.

STANDARDS: RFC 2045 (coding), HTML 4 5.2.2 and WHATWG HTML (a charset in ``<meta>``), RFC 3676 (flowed text).
"""

from __future__ import annotations

import re

from mailfax.rules import enriched
from mailfax.rules.body import unflowed
from mailfax.rules.charset import codec_of, decode
from mailfax.rules.damage import damaged_in, is_more_than_a_few, tidied
from mailfax.rules.envelopes import ENCRYPTED_TEXT, without_clear_signature
from mailfax.rules.fields import Fields
from mailfax.rules.part import NotFaxable
from mailfax.rules.status import Cause, status
from mailfax.rules.transfer import Broken, undone, uublocks

_META = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"']+)")
#: How far browsers look for a charset in HTML.
_PROLOGUE = 4096
_MARKS = re.compile(
    rb"%PDF-|\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II[*+]\x00|MM\x00[*+]|PK\x03\x04|\xd0\xcf\x11\xe0|\x1b(?:E|%-12345X|&|\*)"
    rb"|RIFF....WEBP|\x78\x9f\x3e\x22|Rar!|7z\xbc\xaf|\x1f\x8b\x08",
    re.DOTALL,
)
#: The heading of a part within another one: the boundary in front of it went lost, and the file would be, too.
HEADING = re.compile(rb"^Content-(?:Type|Disposition|Transfer-Encoding)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_LOST_IN_TEXT = re.compile(
    rb"^Content-Transfer-Encoding:[ \t]*base64[^\n]*\n(?:[ \t]*\S[^\n]*\n){0,10}?\r*\n[A-Za-z0-9+/]{12}",
    re.IGNORECASE | re.MULTILINE,
)
#: A file that is itself a mail, or a page saved as one.
_FIELD = re.compile(rb"\s*[A-Za-z][A-Za-z-]*:[ \t]")
#: Files within a text in codings that are not undone here, and what to do.
_FOREIGN = (
    (re.compile(r"^=ybegin [^\n]*size=\d", re.MULTILINE), "yEnc", "Attach the file to the mail instead"),
    (
        re.compile(r"^\(This file must be converted with BinHex[^\n]*\n\s*:", re.MULTILINE),
        "BinHex",
        'Choose "MIME" or "AppleDouble" for attachments in the mail program, or attach the file as a PDF',
    ),
)


def content_of(fields: Fields, body: bytes, name: str, left_out: list[str]) -> bytes:
    """The content of a part; raises ``NotFaxable`` where its coding is broken."""
    is_text = fields.label.startswith("text/") or not fields.label
    try:
        found = undone(body, fields.coding, is_text)
    except Broken as broken:
        raise NotFaxable(status(Cause.DAMAGED, name=name, why=str(broken))) from None
    if is_text:
        check_for_lost(body, _LOST_IN_TEXT)
    elif found.content is body and not _FIELD.match(body):
        check_for_lost(body)
    check_for_lost(found.after)
    if after := found.after.strip():
        left_out.append(f"{name}: words that stand behind the end of the file ({_short(after)})")
    return found.content


def check_for_lost(octets: bytes, heading: re.Pattern[bytes] = HEADING) -> None:
    """Raise ``NotFaxable`` where another part stands within a part that is no text, or is not shown."""
    if heading.search(octets):
        raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="a boundary between its parts is damaged"))


def text_of(fields: Fields, label: str, content: bytes, name: str, left_out: list[str]) -> str:
    """The text of a part; raises ``NotFaxable`` where more than a few of its characters are damaged."""
    declared = declared_in(content) if label != "text/plain" else ""
    found = decode(content, fields.word("content-type", "charset"), declared)
    if found.guessed:
        told = "not told" if not codec_of(fields.word("content-type", "charset")) else "told wrongly"
        left_out.append(f"{name}: its character set is {told}; it was read as {found.charset}")
    text = tidied(found.text)
    if damaged := damaged_in(text):
        if is_more_than_a_few(damaged, text):
            why = f"{damaged} of its {len(text)} characters can't be read in its character set ({found.charset})"
            raise NotFaxable(status(Cause.DAMAGED, name=name, why=why))
        left_out.append(f"{name}: {damaged} character{'s' * (damaged != 1)} that can't be read")
    if fields.word("content-type", "format") == "flowed":
        text = unflowed(text, fields.word("content-type", "delsp") == "yes")
    return enriched.plain(text) if label in ("text/enriched", "text/richtext") else text


def is_binary(content: bytes) -> bool:
    """Whether a file can't be text, whatever its label says."""
    if _MARKS.match(content):
        return True
    start = content[:4096]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or not start or b"\x1b$)C" in start:
        return False  # UTF-16; ISO-2022-KR, whose letters stand between two controls
    controls = len(re.findall(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]", start.rstrip(b"\0\x1a")))
    wide = start.count(b"\0")
    return controls * 10 > len(start) and not 0.25 < wide / len(start) < 0.75


def unpacked(text: str, name: str, left_out: list[str]) -> tuple[str, list[tuple[str, bytes]]]:
    """Plain text without what is packed into it: its armour, and uuencoded files, which are returned as well."""
    for foreign, coding, remedy in _FOREIGN:
        if foreign.search(text):
            why = f"there is a file in it in the coding {coding}, which is not read here. {remedy}"
            raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
    text, signatures = without_clear_signature(text)
    if signatures:
        left_out.append(f"{name}: an electronic signature (PGP)")
    if ENCRYPTED_TEXT.search(text):
        raise NotFaxable(status(Cause.ENCRYPTED, name=name))
    try:
        blocks = uublocks(text)
    except Broken as broken:
        raise NotFaxable(status(Cause.DAMAGED, name=name, why=str(broken))) from None
    for start, end, _, _ in reversed(blocks):
        text = text[:start] + text[end:]
    return text, [(inside, content) for _, _, inside, content in blocks]


def declared_in(content: bytes) -> str:
    """The charset that HTML or XML says itself; what can be read so far is no UTF-16, whatever it says."""
    found = _META.search(content, 0, _PROLOGUE) or _XML.match(content, 0, _PROLOGUE)
    said = found[1].decode("latin-1") if found else ""
    return "utf-8" if codec_of(said).startswith("utf-16") else said


def _short(octets: bytes) -> str:
    words = " ".join(decode(octets).text.split())
    return words if len(words) <= 60 else f"{words[:60]}…"
