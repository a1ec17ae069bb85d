"""A mail as Outlook keeps it in a file (``.msg``) is opened: its heading, its text, the files and mails in it.

In: the octets of the file. Out: the same mail as it travels, in octets of RFC 5322, or ``Broken``: so everything that
is known about mails holds for it. A file in it that is only a link, or an object of Office, is refused.

STANDARDS: MS-OXMSG (a stream for each property), MS-OXPROPS (tags), MS-OXRTFCP (compressed RTF).
LIMITS: ``MAX_DEPTH`` mails within each other, ``MAX_FILES`` in one.
"""

from __future__ import annotations

import datetime
import hashlib
from base64 import b64encode, encodebytes
from email.utils import format_datetime

import compressed_rtf
import olefile

from mailfax.rules.charset import decode
from mailfax.rules.rtf import has_more_than_words, words_of_rtf
from mailfax.rules.transfer import Broken

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_DEPTH, MAX_FILES = 5, 1000
_PROPERTIES = "__properties_version1.0"
#: Tags of what is shown of a mail, and of an attachment.
_SUBJECT, _SENDER, _ADDRESS, _SMTP, _TO, _CC = "0037", "0C1A", "0C1F", "5D01", "0E04", "0E03"
_BODY, _HTML, _RTF = "1000", "1013", "1009"
_SENT, _RECEIVED = 0x0039, 0x0E06
_DATA, _LONG_NAME, _NAME, _SHOWN_NAME, _CONTENT_ID = "3701", "3707", "3704", "3001", "3712"
_MOMENT = 0x0040
_EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)


def is_msg(content: bytes) -> bool:
    """Whether a file is a mail of Outlook."""
    return content.startswith(SIGNATURE) and _PROPERTIES.encode("utf-16-le") in content


def as_mail(content: bytes) -> bytes:
    """The mail as octets of RFC 5322; raises ``Broken``."""
    if len(content) < olefile.MINIMAL_OLEFILE_SIZE:  # the parser would take it for the name of a file
        raise Broken("it is cut off")
    try:
        with olefile.OleFileIO(content) as file:
            return _Storage(file, ()).mail(0)
    except Broken:
        raise
    except Exception as error:  # the parser raises whatever its code stumbles over
        raise Broken(f"it can't be read as a mail of Outlook ({type(error).__name__})") from None


class _Storage:
    """One storage of the file: a mail, or something attached to one."""

    def __init__(self, file: olefile.OleFileIO, path: tuple[str, ...]) -> None:
        self._file, self._path = file, path

    def mail(self, depth: int) -> bytes:
        if depth > MAX_DEPTH:
            raise Broken("mails are nested too deeply in it")
        address = self._text(_SMTP) or self._text(_ADDRESS)
        heading = {
            "Subject": self._text(_SUBJECT),
            "From": f"{self._text(_SENDER)} {f'<{address}>' if '@' in address else ''}",
            "To": self._text(_TO),
            "Cc": self._text(_CC),
            "Date": self._date(32 if depth == 0 else 24),
        }
        fields = [_field(name, value) for name, value in heading.items() if value.strip()]
        parts = [*self._body(), *self._attached(depth)]
        boundary = hashlib.sha256(b"".join(parts)).hexdigest()[:40].encode()
        fields += [b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary="%b"' % boundary, b""]
        inside = b"".join(b"\r\n--%b\r\n%b" % (boundary, part) for part in parts)
        return b"\r\n".join(fields) + inside + b"\r\n--%b--\r\n" % boundary

    def _body(self) -> list[bytes]:
        """The text: as HTML where there is any, else as RTF where that is more than words."""
        text, html, packed = self._text(_BODY), self._octets(_HTML), self._octets(_RTF)
        if html:
            return [_part("text/html", html)]
        if packed:
            rtf = compressed_rtf.decompress(packed)
            words, is_html = words_of_rtf(rtf)
            if is_html:
                return [_part("text/html; charset=utf-8", words.encode())]
            if has_more_than_words(rtf):
                return [_part("application/rtf", rtf, "text of the mail.rtf")]
            text = text if text.strip() else words
        return [_part("text/plain; charset=utf-8", text.encode("utf-8", "replace"))]

    def _attached(self, depth: int) -> list[bytes]:
        names = {path[len(self._path)] for path in self._file.listdir() if self._is_here(path)}
        inside = sorted(name for name in names if name.startswith("__attach_version1.0_"))
        if len(inside) > MAX_FILES:
            raise Broken(f"there are more than {MAX_FILES} files in it")
        return [_Storage(self._file, (*self._path, name))._part(depth) for name in inside]

    def _part(self, depth: int) -> bytes:
        name = self._text(_LONG_NAME) or self._text(_NAME) or self._text(_SHOWN_NAME)
        within = _Storage(self._file, (*self._path, f"__substg1.0_{_DATA}000D"))
        if within._file.exists([*within._path, _PROPERTIES]):
            return b"Content-Type: message/rfc822\r\n\r\n" + within.mail(depth + 1)
        if not self._file.exists([*self._path, f"__substg1.0_{_DATA}0102"]):
            raise Broken(f'"{name}" in it is an object of another program, or only a link to a file')
        return _part("application/octet-stream", self._octets(_DATA), name, self._text(_CONTENT_ID))

    def _is_here(self, path: list[str]) -> bool:
        return len(path) > len(self._path) and tuple(path[: len(self._path)]) == self._path

    def _octets(self, tag: str) -> bytes:
        stream = [*self._path, f"__substg1.0_{tag}0102"]
        return bytes(self._file.openstream(stream).read()) if self._file.exists(stream) else b""

    def _text(self, tag: str) -> str:
        """A property as text: Unicode, else in the character set that it looks like."""
        for kind in ("001F", "001E"):
            stream = [*self._path, f"__substg1.0_{tag}{kind}"]
            if self._file.exists(stream):
                octets = bytes(self._file.openstream(stream).read())
                text = octets.decode("utf-16-le", "replace") if kind == "001F" else decode(octets).text
                return text.strip("\0")
        return ""

    def _date(self, start: int) -> str:
        """When it was sent, else received; ``start`` is where the list of fixed properties begins."""
        table = bytes(self._file.openstream([*self._path, _PROPERTIES]).read())[start:]
        found = {}
        for at in range(0, len(table) - 15, 16):
            kind, tag = int.from_bytes(table[at : at + 2], "little"), int.from_bytes(table[at + 2 : at + 4], "little")
            if kind == _MOMENT:
                found[tag] = int.from_bytes(table[at + 8 : at + 16], "little")
        moment = found.get(_SENT) or found.get(_RECEIVED)
        return format_datetime(_EPOCH + datetime.timedelta(microseconds=moment // 10)) if moment else ""


def _field(name: str, value: str) -> bytes:
    words = " ".join(value.split())
    if words.isascii():
        return f"{name}: {words}".encode()
    # One encoded word: longer than a mail server would write it, and read all the same.
    return f"{name}: =?utf-8?b?{b64encode(words.encode('utf-8', 'replace')).decode()}?=".encode()


def _part(label: str, content: bytes, name: str = "", content_id: str = "") -> bytes:
    fields = [f"Content-Type: {label}".encode(), b"Content-Transfer-Encoding: base64"]
    if name:
        shown = b64encode(" ".join(name.split()).encode("utf-8", "replace")).decode()
        fields.append(f'Content-Disposition: attachment; filename="=?utf-8?b?{shown}?="'.encode())
    if content_id:
        fields.append(f"Content-ID: <{content_id.strip('<>')}>".encode("ascii", "replace"))
    return b"\r\n".join([*fields, b"", encodebytes(content).replace(b"\n", b"\r\n")])
