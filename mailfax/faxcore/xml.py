"""Reads the service's XML, which may not be quite XML (A3, A4, A37).

Bytes come in, an ``Answer`` (root name and the leaves in order) goes out; ``IdStream`` does the same for a list
of any length without holding it. Whatever can't be read raises NotXml.

STANDARDS: XML 1.0 appendix F (telling the encoding), Namespaces (names are compared without them).
LIMITS: a small answer may have 1 MiB. A DOCTYPE is refused: no answer of this service needs one, and entity
bombs do. Repair (stray ``&``, references to illegal characters) is tried on small answers only, after a failure.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

ANSWER_LIMIT = 1 << 20
LEAF_LIMIT = 4_096  # characters; in a list no text is longer than an id or an error sentence

# .NET writes a BOM through Encoding.UTF8, and a string builder declares utf-16 over bytes that are UTF-8
# (A37): so the first bytes are believed, and the declaration never.
SIGNS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
DECLARATION = re.compile(r"\s*(<\?xml\b[^>]*\?>)?\s*", re.IGNORECASE)
DECLARATION_LIMIT = 1_024


class NotXml(ValueError):
    """The bytes are not a whole XML document, or one that is refused."""


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Reads a byte that can't be UTF-8 as Windows would have written it; what is no letter there is U+FFFD."""
    assert isinstance(error, UnicodeDecodeError)
    if error.encoding != "utf-8":
        return "\ufffd", error.end
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("mailfax.cp1252", _as_cp1252)


class TextStream:
    """Turns pieces of bytes into pieces of text, without byte order mark, declaration or leading blanks."""

    def __init__(self) -> None:
        self.byte_order_mark = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._front: str | None = ""  # None once the text has begun

    def feed(self, piece: bytes, *, last: bool = False) -> str:
        """The text of ``piece``; some may be kept back until more has come, or until ``last``."""
        if self._decoder is None:
            self._head += piece
            if len(self._head) < 3 and not last:
                return ""
            piece = self._choose_encoding()
        assert self._decoder is not None
        return self._without_front(self._decoder.decode(piece, last), last)

    def _choose_encoding(self) -> bytes:
        head, encoding = self._head, "utf-8"
        for sign, name in SIGNS:
            if head.startswith(sign):
                encoding = name
                self.byte_order_mark = sign[:1] > b"\x7f"
                head = head[len(sign) :] if self.byte_order_mark else head
                break
        self._decoder = codecs.getincrementaldecoder(encoding)("mailfax.cp1252")
        self._head = b""
        return head

    def _without_front(self, text: str, last: bool) -> str:
        if self._front is None:
            return text
        self._front += text
        match = DECLARATION.match(self._front)
        assert match is not None  # every part of the pattern is optional
        undecided = match.end() == len(self._front) or re.match(r"<(\?[^>]*)?$", self._front[match.end() :])
        if undecided and not last and len(self._front) < DECLARATION_LIMIT:
            return ""
        begun, self._front = self._front[match.end() :], None
        return begun


@dataclass(frozen=True, slots=True)
class Answer:
    """An XML document as far as this service needs one: ``leaves`` are (local name in lower case, text)."""

    root: str
    leaves: tuple[tuple[str, str], ...]
    byte_order_mark: bool = False
    repaired: bool = False

    def texts(self, *names: str) -> list[str]:
        """The texts of the leaves of these names that have any."""
        return [text for name, text in self.leaves if name in names and text]

    def text(self, name: str) -> str:
        """The first of them, or the empty string."""
        return next(iter(self.texts(name)), "")


class _Leaves:
    """A parser target that keeps the elements without children."""

    def __init__(self) -> None:
        self.root = ""
        self.leaves: list[tuple[str, str]] = []
        self._depth = 0
        self._text: list[str] = []
        self._length = 0
        self._is_leaf = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            self.root = _local(tag)
        self._depth += 1
        self._text, self._length, self._is_leaf = [], 0, True

    def data(self, text: str) -> None:
        if self._is_leaf:
            self._length += len(text)
            self._text.append(text)

    def end(self, tag: str) -> None:
        if self._is_leaf:
            self.leaves.append((_local(tag), "".join(self._text).strip()))
        self._is_leaf = False
        self._depth -= 1

    def close(self) -> None:
        """Called by the parser when the document is over; nothing is left to do."""

    @property
    def waiting(self) -> int:
        """How many characters of an unfinished leaf are held."""
        return self._length if self._is_leaf else 0


class _Parser:
    """defusedxml's parser, fed in pieces, with one kind of error."""

    def __init__(self, target: object) -> None:
        self._parser = DefusedXMLParser(target=target, forbid_dtd=True)

    def feed(self, text: str) -> None:
        try:
            self._parser.feed(text)
        except (ParseError, DefusedXmlException, ValueError) as error:
            raise _not_xml(error) from error

    def close(self) -> None:
        try:
            self._parser.close()
        except (ParseError, DefusedXmlException, ValueError) as error:
            raise _not_xml(error) from error


def _not_xml(error: Exception) -> NotXml:
    # the text of a DefusedXmlException quotes the document, and a document is none of the log's business
    return NotXml("a DOCTYPE is refused" if isinstance(error, DefusedXmlException) else "not well-formed XML")


class LeafStream:
    """The leaves of a document of any length, handed out while its text comes in."""

    def __init__(self) -> None:
        self._target = _Leaves()
        self._parser = _Parser(self._target)

    @property
    def root(self) -> str:
        """The local name of the root, in lower case; empty as long as it has not begun."""
        return self._target.root

    def feed(self, text: str) -> list[tuple[str, str]]:
        """The leaves that ended within ``text``. Raises NotXml."""
        self._parser.feed(text)
        if self._target.waiting > LEAF_LIMIT:
            raise NotXml("an element is too long")
        done, self._target.leaves = self._target.leaves, []
        return done

    def close(self) -> None:
        """Raises NotXml unless the root has been closed: only then was the document whole."""
        self._parser.close()


class ElementText:
    """The text directly inside elements of certain local names, handed out while the document comes in."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._open: list[str] = []
        self._texts: list[str] = []
        self._parser = _Parser(self)

    def feed(self, text: str) -> str:
        """What stood in those elements within ``text``. Raises NotXml."""
        self._parser.feed(text)
        found, self._texts = "".join(self._texts), []
        return found

    def finish(self) -> None:
        """Raises NotXml unless the root has been closed."""
        self._parser.close()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """For the parser."""
        self._open.append(_local(tag))

    def data(self, text: str) -> None:
        """For the parser."""
        if self._open[-1] in self._names:
            self._texts.append(text)

    def end(self, tag: str) -> None:
        """For the parser."""
        self._open.pop()

    def close(self) -> None:
        """For the parser."""


def read_answer(body: bytes) -> Answer:
    """A small answer, whole. Raises NotXml."""
    if len(body) > ANSWER_LIMIT:
        raise NotXml("the answer is too long")
    stream = TextStream()
    text = stream.feed(body, last=True)
    try:
        root, leaves = _parse_whole(text)
        repaired = False
    except NotXml:
        root, leaves = _parse_whole(_repair(text))
        repaired = True
    return Answer(root, leaves, stream.byte_order_mark, repaired)


def _parse_whole(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    target = _Leaves()
    parser = _Parser(target)
    parser.feed(text)
    parser.close()
    return target.root, tuple(target.leaves)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].casefold()


ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,9}));")
STRAY_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")


def _repair(text: str) -> str:
    """``text`` with what a careless writer leaves in: stray ``&``, and characters that XML forbids."""
    text = REFERENCE.sub(_legal_reference, ILLEGAL.sub("", text))
    return STRAY_AMPERSAND.sub("&amp;", text)


def _legal_reference(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return match[0] if code <= 0x10FFFF and not ILLEGAL.match(chr(code)) else ""
