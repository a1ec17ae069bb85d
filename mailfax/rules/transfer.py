"""The transfer encoding of a part is undone; what can't be is never taken for content.

In: the octets of a body and the coding that its heading claims. Out: ``Undone``, or ``Broken`` with the reason.

STANDARDS: RFC 2045 6 (base64, quoted-printable), uuencode (POSIX).
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

import pybase64

IDENTITY = frozenset(
    ["", "7bit", "8bit", "binary", "8bits", "7bits", "7-bit", "8-bit", "none", "plain", "bit7", "bit8"]
)
UUENCODE = frozenset(["x-uuencode", "uuencode", "x-uue", "uue"])
BLANK = b" \t\r\n\x0b\x0c"
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_JUNK = bytes(octet for octet in range(256) if octet not in ALPHABET)
#: Octets of the last digit of an unpadded group that must be zero where nothing was cut off.
_ZERO_BITS = {2: 0x0F, 3: 0x03}
#: A code, or a soft line break.
_CODE = re.compile(rb"=(?:([0-9A-Fa-f]{2})|[ \t]*(?:\r?\n|\Z))")
#: A text with the word more often has no files in it; each is looked for to the end.
MOST_BLOCKS = 500
#: A line of base64 where words should be.
_MORE = re.compile(rb"^[ \t]*[A-Za-z0-9+/]{24,}={0,2}[ \t]*\r*$", re.MULTILINE)
_LINES = re.compile(rb"\s*(?:[A-Za-z0-9+/]{56,76}\s*\n)+[A-Za-z0-9+/]*={0,2}\s*")
#: How files begin that are sent.
_MARK = re.compile(rb"\s*(%PDF-|\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|PK\x03\x04|\{\\rtf|\xd0\xcf)")
_UU_BLOCK = re.compile(
    rb"^begin(-base64)? [0-7]{3,4} +([^\r\n]*\S)[ \t]*\r?\n(.*?)^(?:end|====)[ \t]*\r?$\n?", re.MULTILINE | re.DOTALL
)


class Broken(ValueError):
    """The coding can't be undone; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Undone:
    """``content`` is the part; ``after`` is text that stood behind its coding and is no part of it."""

    content: bytes
    after: bytes = b""


def undone(body: bytes, coding: bytes, is_text: bool) -> Undone:
    """Undo the coding named by its first token (``base64;``, ``"base64"``, ``base64 (comment)``)."""
    found = re.search(r"[a-z0-9-]+", re.sub(r"\([^()]*\)", " ", coding.decode("latin-1").casefold()))
    named = found[0] if found else ""
    if named == "base64":
        return _base64(body, is_text)
    if named in ("quoted-printable", "quoted", "qp", "quotedprintable"):
        return Undone(_quoted_printable(body))
    if named in UUENCODE:
        block = _UU_BLOCK.search(body)
        if block is None:
            raise Broken("its uuencoding has no beginning or no end")
        return Undone(uudecoded(block[3], bool(block[1])), body[: block.start()] + body[block.end() :])
    if named not in IDENTITY:
        raise Broken(f"its coding ({named[:40]}) is not known here")
    return Undone(_unclaimed(body, is_text))


def _unclaimed(body: bytes, is_text: bool) -> bytes:
    """What nobody says to be base64, and is nothing but lines of it that give a text, or a file of a known kind: its
    heading lost that field."""
    if not _LINES.fullmatch(body):
        return body
    try:
        content = _base64(body, is_text).content
        if not is_text:
            return content if _MARK.match(content) else body
        return content if content.decode("utf-8").replace("\n", "").replace("\r", "").isprintable() else body
    except ValueError:
        return body


def uublocks(text: str) -> list[tuple[int, int, str, bytes]]:
    """The uuencoded files in a text: (start, end, name, content). Raises ``Broken`` where one has no end."""
    if not 0 < text.count("begin") <= MOST_BLOCKS:
        return []
    found = []
    octets = text.encode("utf-8", "surrogateescape")
    for block in _UU_BLOCK.finditer(octets):
        if not _is_uu(block[3], bool(block[1])):
            continue
        start = len(octets[: block.start()].decode("utf-8", "surrogateescape"))
        end = len(octets[: block.end()].decode("utf-8", "surrogateescape"))
        found.append((start, end, block[2].decode("utf-8", "replace"), uudecoded(block[3], bool(block[1]))))
    rest = octets
    for block in reversed(list(_UU_BLOCK.finditer(octets))):
        rest = rest[: block.start()] + rest[block.end() :]
    if re.search(rb"^begin [0-7]{3,4} +[^\r\n]*\S[ \t]*\r?\n(M[ -`]{60}[ \t]*\r?\n)", rest, re.MULTILINE):
        raise Broken("a uuencoded file in it has no end")
    return found


def uudecoded(lines: bytes, is_base64: bool) -> bytes:
    if is_base64:
        return _base64(lines, False).content
    content = []
    for line in lines.splitlines():
        if not line.strip():
            continue
        try:
            content.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some writers count the padding of the last group as part of the line.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                content.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                raise Broken("its uuencoding is broken") from None
    return b"".join(content)


def _is_uu(lines: bytes, is_base64: bool) -> bool:
    if is_base64:
        return True
    for line in lines.splitlines():
        if line.strip() and (len(line.rstrip()) > 90 or re.search(rb"[^ -`\r]", line)):
            return False
    return bool(lines.strip())


def _base64(body: bytes, is_text: bool) -> Undone:
    digits = body.translate(None, BLANK)
    others = digits.translate(None, ALPHABET)
    bare = digits.rstrip(b"=")
    if len(others) == len(digits) - len(bare) and not (b" " in body and any(map(_is_words, body.split(b"\n")))):
        return Undone(_group(bare, len(digits) - len(bare)))
    if others.strip(b"=") and not others.strip(b"-_=") and b"=" not in bare and b" " not in body.strip():
        return _base64(body.translate(bytes.maketrans(b"-_", b"+/")), is_text)
    if (end := re.search(rb"=+(?=[^=])", digits)) and not digits[end.end() :].strip(_JUNK):
        return Undone(_group(digits[: end.start()], end.end() - end.start()), digits[end.end() :])
    coded, after = _divided(body)
    if _MORE.search(after):
        raise Broken("its base64 coding is broken")
    if not coded.strip():
        # Not one line of it is base64: the label is wrong, and the octets are what they look like.
        if is_text or _MARK.match(body):
            return Undone(body)
        raise Broken("its base64 coding is broken")
    digits = coded.translate(None, BLANK)
    if digits.translate(None, ALPHABET + b"="):
        raise Broken("its base64 coding is broken")
    content = [
        _group(part[1], len(part[2])) for part in re.finditer(rb"([^=]*)(=*)", digits) if part[1]
    ]  # several codings, one behind the other
    return Undone(b"".join(content), after)


def _is_words(line: bytes) -> bool:
    """Whether a line of digits and blanks is a sentence; base64 with blanks in it has them in regular places."""
    groups = line.split()
    return len(groups) > 3 and len({len(group) for group in groups[:-1]}) > 1


def _group(bare: bytes, padding: int) -> bytes:
    """Decode digits whose padding may be missing or too long; not those that were cut off."""
    left = len(bare) % 4
    if left == 1:
        raise Broken("its base64 coding is cut off")
    if left and not padding:
        last = ALPHABET.index(bare[-1:])
        if last & _ZERO_BITS[left]:
            raise Broken("its base64 coding is cut off")
    try:
        return pybase64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise Broken("its base64 coding is broken") from None


def _divided(body: bytes) -> tuple[bytes, bytes]:
    """The coding, and the text that a gateway put behind it: from the first line that is no base64."""
    at = ended = longest = 0
    while at < len(body):
        stop = body.find(b"\n", at) + 1 or len(body)
        line = body[at:stop].strip(BLANK)
        foreign = line.translate(None, ALPHABET + b"= \t")
        if line and (foreign or _is_words(line) or (ended and (b" " in line or len(line) % 4))):
            return body[:at], body[at:]
        if line:
            ended = ended or line.endswith(b"=") or len(line) < longest
            longest = max(longest, len(line))
        at = stop
    return body, b""


def _quoted_printable(body: bytes) -> bytes:
    """What is no code stays as it is: nothing is lost where somebody wrote "=" and meant it."""
    if b"=" not in body:
        return body
    return _CODE.sub(lambda code: bytes([int(code[1], 16)]) if code[1] else b"", body)
