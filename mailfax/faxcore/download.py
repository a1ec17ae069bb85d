"""The pages of a fax out of a DownloadFax answer, whatever they are wrapped in (A10).

Bytes come in as they arrive, the bytes of the file go out. The reference says "base64 encoded content" and shows
none; accepted are: bare base64 in one line or many, in either alphabet, with or without padding; a JSON string; an
XML wrapper; a ``data:`` prefix; and the raw file, also behind a byte order mark. Nothing is ever held whole. Raises
NotTheFile where it turns out not to be the file asked for.

STANDARDS: RFC 4648 sections 4 and 5, RFC 2397 (``data:``), RFC 8259 section 7 (strings).
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Callable
from typing import Literal, Protocol

from mailfax.faxcore.xml import ElementText, NotXml, TextStream

FileType = Literal["PDF", "TIF"]
MAGIC: dict[FileType, tuple[bytes, ...]] = {"PDF": (b"%PDF",), "TIF": (b"II*\0", b"MM\0*")}
ALL_MAGIC = tuple(magic for magics in MAGIC.values() for magic in magics)
DOWNLOAD_LIMIT = 512 << 20  # bytes on the wire; a thousand dense pages
PDF_TAIL = 1_024  # bytes; where readers look for %%EOF
HEAD = len(codecs.BOM_UTF8) + 4  # bytes that show what an answer is
SAID = 300  # characters kept of what came instead of the file


class NotTheFile(ValueError):
    """What came is not the file; ``said`` is the beginning of it, perhaps an error sentence."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(reason)
        self.said = said


class _Stage(Protocol):
    """One wrapping: text in, the text inside it out; ``close`` raises where the wrapping never ended."""

    def feed(self, text: str) -> str: ...

    def finish(self) -> None: ...


class _Bare:
    def feed(self, text: str) -> str:
        return text

    def finish(self) -> None:
        """Bare text has no end of its own."""


class _JsonString:
    """``"JVBERi0xLjQ\\u002B..."``: Web API answers so without an XML formatter; ``/`` and ``+`` may be escaped."""

    ESCAPE = re.compile(r'\\u([0-9A-Fa-f]{4})|\\(["\\/bfnrt])')
    UNFINISHED = re.compile(r"\\(u[0-9A-Fa-f]{0,3})?$")

    def __init__(self) -> None:
        self._kept = ""
        self._begun = False
        self._ended = False

    def feed(self, text: str) -> str:
        text = self._kept + text
        if not self._begun and text:
            text, self._begun = text[1:], True
        cut = self.UNFINISHED.search(text)
        text, self._kept = (text[: cut.start()], cut[0]) if cut else (text, "")
        inside, quote, after = text.partition('"')  # base64 has no quote in it, escaped or not
        if (self._ended and text.strip()) or after.strip():
            raise NotTheFile("something follows the JSON string")
        self._ended = self._ended or bool(quote)
        return self.ESCAPE.sub(_unescaped, inside)

    def finish(self) -> None:
        if not self._ended or self._kept:
            raise NotTheFile("the JSON string is cut off")


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return match[2] if match[2] in '"\\/' else " "


# The elements that a .NET service may put base64 into, and those in which it may say why it does not; any other text
# in the answer is not the file.
WRAPPERS = frozenset(
    (
        "results",
        "result",
        "string",
        "base64binary",
        "downloadfax",
        "apiresponse",
        "content",
        "data",
        "file",
        "filecontent",
        "filedata",
        "faxcontent",
        "faxdata",
        "faximage",
        "document",
        "error",
        "fault",
        "exception",
    )
)


class FaxFile:
    """Decodes one DownloadFax answer piece by piece.

    ``framed``: HTTP itself would show that the answer was cut off. Where it would not, a PDF must show its end; a
    TIFF has none to show, and whoever opens it has to count its pages (A20).
    """

    def __init__(self, filetype: FileType, *, framed: bool = True) -> None:
        self._filetype = filetype
        self._needs_end = filetype == "PDF" and not framed
        self._tail = b""
        self._feed: Callable[[bytes, bool], bytes] | None = None  # chosen by the first bytes
        self._head = b""  # of the answer, until it shows what it is
        self._file_head = b""  # of the file, until the magic number has been checked
        self._text = TextStream()
        self._stage: _Stage | None = None
        self._base64 = _Base64()
        self._octets = 0

    def feed(self, piece: bytes, *, last: bool = False) -> bytes:
        """The bytes of the file that can be told by now. Raises NotTheFile, which is final."""
        self._octets += len(piece)
        if self._octets > DOWNLOAD_LIMIT:
            raise NotTheFile("the answer is too long")
        if self._feed is None:
            self._head += piece
            if len(self._head) < HEAD and not last:
                return b""
            piece, self._head = self._head, b""
            # .NET writes a byte order mark through Encoding.UTF8, in front of whatever follows.
            bare = piece.removeprefix(codecs.BOM_UTF8)
            self._feed, piece = (self._raw, bare) if bare.startswith(ALL_MAGIC) else (self._wrapped, piece)
        try:
            return self._checked(self._feed(piece, last), last)
        except NotTheFile as error:
            raise NotTheFile(str(error), self._base64.said) from error

    def _raw(self, piece: bytes, last: bool) -> bytes:
        return piece

    def _wrapped(self, piece: bytes, last: bool) -> bytes:
        text = self._text.feed(piece, last=last)
        if self._stage is None:
            if not text:
                return b""
            self._stage = _stage_for(text)
        try:
            decoded = self._base64.feed(self._stage.feed(text))
            if last:
                self._stage.finish()
        except NotXml as error:
            raise NotTheFile(str(error)) from error
        return decoded + (self._base64.finish() if last else b"")

    def _checked(self, octets: bytes, last: bool) -> bytes:
        """``octets``, once the first four bytes of the file are those of the type asked for."""
        self._tail = (self._tail + octets)[-PDF_TAIL:]
        if last and self._needs_end and b"%%EOF" not in self._tail:
            raise NotTheFile("the PDF is cut off")
        if len(self._file_head) >= 4:
            return octets
        self._file_head += octets
        if len(self._file_head) < 4 and not last:
            return b""
        if not self._file_head.startswith(MAGIC[self._filetype]):
            raise NotTheFile(f"what came is no {self._filetype}")
        return self._file_head


def _stage_for(text: str) -> _Stage:
    if text.startswith("<"):
        return ElementText(WRAPPERS)
    return _JsonString() if text.startswith('"') else _Bare()


class _Base64:
    """Base64 in pieces: white space dropped, both alphabets, padding optional."""

    def __init__(self) -> None:
        self.said = ""
        self._head: str | None = ""  # until it is sure whether a "data:" prefix is there
        self._rest = ""
        self._padded = False

    def feed(self, text: str) -> bytes:
        if len(self.said) < SAID:
            self.said = (self.said + text)[:SAID]
        text = "".join(text.split()).translate(URL_SAFE)
        if self._head is not None:
            text = self._without_prefix(text)
        return self._decode(text)

    def finish(self) -> bytes:
        text, self._head = self._head or "", None
        decoded = self._decode(text)
        if len(self._rest) == 1:
            raise NotTheFile("the base64 is cut off")
        rest = self._rest + "=" * (-len(self._rest) % 4)
        return decoded + binascii.a2b_base64(rest)

    def _without_prefix(self, text: str) -> str:
        assert self._head is not None
        text = self._head + text
        if text.startswith("data:"):
            prefix, comma, text = text.partition(",")
            if not comma and len(prefix) < SAID:
                self._head = prefix
                return ""
        elif "data:".startswith(text):
            self._head = text
            return ""
        self._head = None
        return text

    def _decode(self, text: str) -> bytes:
        content, padding, after = text.partition("=")
        if (self._padded and content) or after.strip("=") or not ALPHABET.fullmatch(content):
            raise NotTheFile("the answer is not base64")
        self._padded = self._padded or bool(padding)
        content = self._rest + content
        whole = len(content) - len(content) % 4
        self._rest = content[whole:]
        return binascii.a2b_base64(content[:whole])


URL_SAFE = str.maketrans("-_", "+/")
ALPHABET = re.compile(r"[A-Za-z0-9+/]*")
