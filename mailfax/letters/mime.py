"""A mail as bytes: header fields, and a body of one or more parts. Every line ends with CRLF and is 7-bit ASCII, save
addresses that are not ASCII themselves (RFC 6532: such a mail needs SMTPUTF8 anyway).

The standard library encodes (RFC 2047, base64, quoted-printable); the fields are written here, because its
``EmailMessage`` refolds them by rules that changed between Python releases, and a bounce is judged byte by byte.

STANDARDS: RFC 5322 2.1.1 (line lengths), 2.2.3 (folding), RFC 2045-2047, 2183, RFC 6522 3 (multipart/report).
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime

from mailfax.letters.plain import one_line

Field = tuple[str, str]
#: Preferred and greatest line length without CRLF (RFC 5322 2.1.1).
_PREFERRED, _GREATEST = 76, 998
#: Whole lines of base64: 57 bytes make 76 characters (RFC 2045 6.8).
BASE64_BLOCK = 57 * 4_096
#: What stands in a display name without quotes and is no comment or address sign (RFC 5322 3.2.3, atext and blanks).
_BARE_NAME = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A body part: its fields and its bytes, encoded, with CRLF."""

    fields: tuple[Field, ...]
    body: bytes


def words(name: str, text: str) -> str:
    """The value of an unstructured field such as Subject, encoded and folded."""
    line = one_line(text)
    # "=?" in plain text would be read as the beginning of an encoded word, so it is encoded itself.
    if line.isascii() and "=?" not in line and max(map(len, line.split(" "))) < _PREFERRED - len(name):
        return _folded(name, line)
    return Header(line, "utf-8", maxlinelen=_PREFERRED, header_name=name).encode(linesep="\r\n")


def address(name: str, display: str, mailbox: str) -> str:
    """The value of From or To: a display name (or "") and one address."""
    bare = one_line(mailbox)
    shown = one_line(display, 100)
    if not shown:
        return bare
    if not shown.isascii() or "=?" in shown:
        phrase = Header(shown, "utf-8", maxlinelen=_PREFERRED, header_name=name).encode(linesep="\r\n")
    elif _BARE_NAME.fullmatch(shown):
        phrase = shown
    else:
        phrase = '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{phrase}\r\n <{bare}>" if len(name) + len(phrase) + len(bare) > _PREFERRED else f"{phrase} <{bare}>"


def ascii_words(name: str, text: str, longest: int = 600) -> str:
    """The value of a field that knows no encoding, as in a delivery status: signs that are not ASCII become "?"."""
    return _folded(name, one_line(text, longest).encode("ascii", "replace").decode())


def date(at: float) -> str:
    """An RFC 5322 date with a numeric zone, as RFC 3464 2.1 wants it. UTC: the same moment for every reader."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def text_part(text: str) -> Part:
    """Plain text for people. ``text`` has LF line ends."""
    body, encoding = _seven_bit(text.encode())
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Part((("Content-Type", f"text/plain; charset={charset}"), ("Content-Transfer-Encoding", encoding)), body)


def html_part(page: str) -> Part:
    """A page for people. ``page`` has LF line ends."""
    body = quopri.encodestring(page.encode()).replace(b"\n", b"\r\n")
    fields = (("Content-Type", "text/html; charset=utf-8"), ("Content-Transfer-Encoding", "quoted-printable"))
    return Part(fields, body)


def picture_part(content: bytes, content_id: str) -> Part:
    """A PNG that a page of the same mail shows."""
    fields = (
        ("Content-Type", "image/png"),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-ID", f"<{content_id}>"),
        ("Content-Disposition", 'inline;\r\n filename="page.png"'),
    )
    return Part(fields, base64_lines(content))


def parts_in_one(kind: str, parts: Sequence[Part], boundary: str) -> Part:
    """Parts as one: ``kind`` is the multipart type with its parameters, ``boundary`` as in ``mail``."""
    top = (("Content-Type", f'{kind};\r\n boundary="=_{boundary}"'),)
    return Part(top, _between(parts, boundary))


def status_part(groups: Sequence[Sequence[Field]]) -> Part:
    """A ``message/delivery-status``: groups of fields with an empty line between them."""
    body = b"\r\n".join(_fields(group) for group in groups)
    return Part((("Content-Type", "message/delivery-status"), ("Content-Transfer-Encoding", "7bit")), body)


def header_part(block: bytes) -> Part:
    """The original's header, and no more than that: the third part of a report.

    RFC 6522 4: a broken header that is not 7-bit, or whose lines are too long, travels as quoted-printable.
    """
    lines = re.split(rb"\r\n|\r|\n", block)
    end = lines.index(b"") if b"" in lines else len(lines)
    body, encoding = _seven_bit(b"\n".join(lines[:end]) + b"\n")
    return Part((("Content-Type", "text/rfc822-headers"), ("Content-Transfer-Encoding", encoding)), body)


def file_part(content: bytes, filename: str, kind: str = "application/pdf") -> Part:
    """An attached file; ``filename`` is ours: ASCII without quotes."""
    fields = (
        ("Content-Type", f'{kind};\r\n name="{filename}"'),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f'attachment;\r\n filename="{filename}"'),
    )
    return Part(fields, base64_lines(content))


def base64_lines(content: bytes) -> bytes:
    """Base64 in lines. Of a long file block by block: each but the last has ``BASE64_BLOCK`` bytes."""
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


#: Stands for the base64 of a file that is not held in memory: in no encoded part, and in no field.
GAP = b"\0"


def file_with_gap(filename: str, kind: str) -> Part:
    """A file, attached, with ``GAP`` for its bytes."""
    return replace(file_part(b"", filename, kind), body=GAP)


def mail(fields: Sequence[Field], parts: Sequence[Part], *, kind: str, boundary: str) -> bytes:
    """A whole mail. ``kind`` is the multipart type with its parameters; one part alone is no multipart.

    ``boundary`` must not occur in the parts: it begins with "=_", which neither base64 nor quoted-printable can
    contain, and goes on with a letter ID that was drawn after whatever a stranger wrote.
    """
    version = ("MIME-Version", "1.0")
    if len(parts) == 1:
        return _fields((*fields, version, *parts[0].fields)) + b"\r\n" + parts[0].body
    top = (*fields, version, ("Content-Type", f'{kind};\r\n boundary="=_{boundary}"'))
    return _fields(top) + b"\r\n" + _between(parts, boundary)


def _between(parts: Sequence[Part], boundary: str) -> bytes:
    line = f"--=_{boundary}".encode()
    inner = b"".join(line + b"\r\n" + _fields(part.fields) + b"\r\n" + part.body + b"\r\n" for part in parts)
    return inner + line + b"--\r\n"


def _fields(fields: Sequence[Field]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def _folded(name: str, line: str) -> str:
    """ASCII text folded at its blanks; a longer word stays whole, up to what RFC 5322 allows at all."""
    rows, row = [], f"{name}:"
    for word in line.split(" "):
        if len(row) + 1 + len(word) > _PREFERRED and row != f"{name}:":
            rows.append(row)
            row = ""
        row += f" {word}"
    rows.append(row)
    return "\r\n".join(rows)[len(name) + 2 :]


def _seven_bit(content: bytes) -> tuple[bytes, str]:
    """Text with LF line ends as 7-bit bytes with CRLF, and the name of the encoding."""
    if content.isascii() and b"\0" not in content and b"\r" not in content and _widest(content) <= _GREATEST:
        return content.replace(b"\n", b"\r\n"), "7bit"
    return quopri.encodestring(content).replace(b"\n", b"\r\n"), "quoted-printable"


def _widest(content: bytes) -> int:
    return max(map(len, content.split(b"\n")))
