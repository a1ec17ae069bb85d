"""The heading of a mail or of one of its parts, read as the large mail programs read it.

In: octets and where a heading begins. Out: ``Fields`` and where the body begins. A heading that was broken on its way
is mended where mail programs do so: continuations that are not indented, a blank line before the MIME fields, blanks
before the colon, a line of an mbox in front, no blank line at its end.

STANDARDS: RFC 5322 2.2, RFC 2045 5 (parameters; a semicolon or a quote may be missing), RFC 2231 (continuations in
any order, an empty charset), RFC 2047 inside of parameters (forbidden, and usual).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from mailfax.rules.charset import decode
from mailfax.rules.encoded_word import LONGEST, decoded_header
from mailfax.rules.heading import one_line

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
#: A parameter that lost its indentation; known by its name, since base64 ends in "=", too.
_STRAY = re.compile(
    rb"(?:boundary|charset|filename|name|type|start|format|delsp|protocol|micalg|report-type|smime-type|size|method"
    rb"|creation-date|modification-date|x-unix-mode)(?:\*\d*\*?)?[ \t]*=",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"""[;\s]*([^\s=;:"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))""", re.DOTALL)
_UNCODED = re.compile(rb"[\s\"']*(?:[78]-?bits?|binary|none)\b", re.IGNORECASE)
_TYPE = re.compile(r"[\s\"']*([!#-&*+\-.0-9A-Z^_`a-z{|}~]+)\s*/\s*([!#-&*+\-.0-9A-Z^_`a-z{|}~]+)")
#: In a part, what begins otherwise is text that somebody forgot to set off by a blank line.
_OF_A_PART = re.compile(
    rb"(content-|x-|mime-|list-|dkim-|arc-|resent-|received|from$|to$|cc$|bcc$|subject$|date$|sender$|reply-to$"
    rb"|message-id$|return-path$|references$|in-reply-to$|importance$|priority$|thread-|delivered-to$|user-agent$"
    rb"|comments$|keywords$|lines$|status$|encrypted$|organization$|disposition|auto-submitted$|envelope-to$"
    rb"|authentication-results$|errors-to$|precedence$|sensitivity$|accept-language$|autocrypt$|newsgroups$)",
    re.IGNORECASE,
)
_MAIL = (b"from", b"subject", b"date", b"received", b"return-path", b"message-id")


@dataclass(slots=True)
class Fields:
    """The fields of one heading, names in lower case, in their order; values as octets, folded as they came."""

    rows: list[tuple[bytes, bytes]] = field(default_factory=list)
    _parsed: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)

    def raw(self, name: str) -> bytes:
        """The first field of that name, or b""."""
        wanted = name.encode()
        return next((value for key, value in self.rows if key == wanted), b"")

    def text(self, name: str) -> str:
        """The first field of that name as one line of text."""
        return one_line(self.raw(name))

    def guessed(self, *names: str) -> str:
        """The charsets that had to be guessed to read fields, "" where none had to."""
        guesses: set[str] = set()
        for name in names:
            decoded_header(self.raw(name), guesses)
        return ", ".join(sorted(guesses))

    @property
    def label(self) -> str:
        """The type that the part claims, lower case, "" where it claims none that can be read."""
        for key, value in self.rows:
            if key == b"content-type" and (found := _TYPE.match(value.decode("latin-1"))):
                return f"{found[1]}/{found[2]}".casefold()
        return "multipart/mixed" if self.boundary else ""

    @property
    def coding(self) -> bytes:
        """The transfer encoding; where two are told, the one that changes anything."""
        told = [value for name, value in self.rows if name == b"content-transfer-encoding"]
        return next((value for value in told if not _UNCODED.match(value)), told[0] if told else b"")

    @property
    def boundary(self) -> bytes:
        return self.parameter("content-type", "boundary").strip(b" \t\r\n")

    def parameter(self, name: str, wanted: str) -> bytes:
        """A parameter as octets, its pieces joined, without its charset."""
        return self._pieces(name, wanted)[0]

    def word(self, name: str, wanted: str) -> str:
        """A parameter that is a word of the standard, lower case."""
        return self.parameter(name, wanted).decode("latin-1").strip().casefold()

    def parameter_text(self, name: str, wanted: str) -> str:
        """A parameter as text, decoded in the charset that it names itself."""
        octets, charset, extended = self._pieces(name, wanted)
        return one_line(decode(octets, charset).text if extended and b"=?" not in octets else decoded_header(octets))

    def _pieces(self, name: str, wanted: str) -> tuple[bytes, str, bool]:
        plain: bytes | None = None
        pieces: dict[int, bytes] = {}
        charset, extended = "", False
        if name not in self._parsed:
            self._parsed[name] = _parameters(self.raw(name))
        for key, value in self._parsed[name]:
            bare, star, number = key.partition("*")
            if bare != wanted:
                continue
            if not star:
                plain = value if plain is None else plain
                continue
            at = int(number.strip("*")) if number.strip("*").isdigit() and len(number) < 6 else 0
            if number == "" or number.endswith("*"):
                extended = True
                if at == 0 and value.count(b"'") >= 2:
                    named, _, value = value.split(b"'", 2)
                    charset = named.decode("latin-1")
                value = unquote_to_bytes(value)
            pieces.setdefault(at, value)
        if pieces:
            return b"".join(pieces[at] for at in sorted(pieces)), charset, extended
        return plain or b"", "", False

    @property
    def disposition(self) -> str:
        return self.raw("content-disposition").decode("latin-1").partition(";")[0].strip(" \t\r\n\"'").casefold()

    @property
    def filename(self) -> str:
        """The file's base name for people, at most 100 characters with its extension kept, or ""."""
        given = self.parameter_text("content-disposition", "filename") or self.parameter_text("content-type", "name")
        name = given.replace("\\", "/").rpartition("/")[2].strip()
        if len(name) > 100:
            stem, dot, extension = name.rpartition(".")
            name = f"{stem[:90]}…{dot}{extension[:8]}" if stem else name[:100]
        return name


def read_fields(raw: bytes, start: int, end: int, of_mail: bool) -> tuple[Fields, int]:
    """The heading that begins at ``start`` and where its body begins, at most ``end``."""
    fields = Fields()
    at = _block(raw, start, end, of_mail, fields)
    if fields.label.startswith("message/") or fields.label == "text/rfc822-headers":
        return fields, at
    # A blank line within the heading: the rest of it stands where the body should begin.
    more = Fields()
    first = _after_blank_lines(raw, at, end)
    after = _block(raw, first, end, True, more)
    names = {name for name, _ in more.rows}
    known = {name for name, _ in fields.rows}
    whole = after > first and _is_blank(raw, after, end)
    mime = {name for name in names if name.startswith((b"content-", b"mime-version"))}
    if not whole or not mime - known:
        return fields, at
    if b"content-type" in known:
        # The kind is told already: only what is a heading beyond doubt is one.
        if mime & known or names - mime:
            return fields, at
    elif not of_mail and b"from" in names and names & set(_MAIL[1:]):
        # A whole mail where a part should be: it is read as one.
        return Fields([(b"content-type", b"message/rfc822")]), at
    return Fields(fields.rows + more.rows), after


def heading_of(start: bytes) -> bytes:
    """The heading of a mail that begins with ``start``, also where a blank line stands in it; up to its last line."""
    return re.sub(rb"(\r?\n)\s*\Z", rb"\1", start[: read_fields(start, 0, len(start), True)[1]])


def looks_like_mail(content: bytes) -> bool:
    """Whether a file is a whole mail, by its heading; web pages saved as mail (MHTML) are none."""
    names = {name for name, _ in _heading_of(content).rows}
    known = b"from" in names and bool(names & {b"date", b"received", b"to"}) and b"subject" in names
    return known and not is_saved_page(content)


def is_saved_page(content: bytes) -> bool:
    """Whether a file with the heading of a mail is a web page that was saved (MHTML)."""
    fields = _heading_of(content)
    names = {name for name, _ in fields.rows}
    unsent = b"mime-version" in names and b"from" not in names and b"multipart/related" in fields.raw("content-type")
    author = fields.raw("from")
    saved = b"snapshot-content-location" in names or (b"saved by" in author.lower() and b"@" not in author)
    return saved or unsent


def _heading_of(content: bytes) -> Fields:
    fields = Fields()
    _block(content[:65_536], 0, min(len(content), 65_536), True, fields)
    return fields


def _block(raw: bytes, start: int, end: int, of_mail: bool, fields: Fields) -> int:
    """Read fields up to a blank line (swallowed), or to the first line that can't belong to a heading."""
    at = start
    while at < end:
        stop = raw.find(b"\n", at, end) + 1 or end
        line = raw[at:stop]
        if not line.strip(b"\r\n\t "):
            return stop
        if line.startswith(b"--"):
            return at
        found = _FIELD.match(line)
        if line[:1] in b" \t" and fields.rows:
            name, value = fields.rows[-1]
            if len(value) < LONGEST:
                fields.rows[-1] = (name, value + line)
        elif found and (of_mail or _OF_A_PART.match(found[1])):
            fields.rows.append((found[1].lower(), line[found.end() :]))
        elif fields.rows and fields.rows[-1][0].startswith(b"content-") and _STRAY.match(line):
            name, value = fields.rows[-1]
            fields.rows[-1] = (name, value + b"; " + line)
        elif not (at == start and line.lstrip(b">").startswith(b"From ")) and not (
            fields.rows and _is_dirt(line, raw[stop : stop + 1000], of_mail, fields)
        ):
            return at
        at = stop
    return at


def _is_dirt(line: bytes, rest: bytes, of_mail: bool, fields: Fields) -> bool:
    """Whether a line that is no field got into a heading, and is not the first of the body."""
    found = _FIELD.match(rest)
    if found and (_OF_A_PART.match(found[1]) if of_mail else found[1][:8].lower() == b"content-"):
        return True
    # Words are no base64: a body of that begins behind the blank line.
    coded = b"base64" in fields.raw("content-transfer-encoding").lower()
    return coded and b" " in line.strip() and not rest.partition(b"\n")[0].strip()


def _after_blank_lines(raw: bytes, at: int, end: int) -> int:
    while at < end:
        stop = raw.find(b"\n", at, end) + 1 or end
        if raw[at:stop].strip(b"\r\n\t "):
            return at
        at = stop
    return at


def _is_blank(raw: bytes, after: int, end: int) -> bool:
    """Whether the heading that ends at ``after`` ended with a blank line, or with all."""
    return after >= end or not raw[raw.rfind(b"\n", 0, after - 1) + 1 : after].strip()


def _parameters(value: bytes) -> list[tuple[str, bytes]]:
    text = re.sub(r"\r?\n[ \t]*", " ", value.decode("latin-1")).strip()
    start = text.find(";")
    kind = _TYPE.match(text)
    at = start + 1 if start >= 0 and not (kind and kind.end() < start and "=" in text[kind.end() : start]) else (
        kind.end() if kind else 0
    )  # fmt: skip
    found = []
    for part in _PARAMETER.finditer(text, at):
        quoted = part[2]
        given = (
            re.sub(r"\\(.)", r"\1", quoted) if quoted is not None and not re.match(r"[A-Za-z]:\\", quoted) else quoted
        )
        found.append((part[1].casefold(), (given if given is not None else part[3].strip(" \"'")).encode("latin-1")))
    return found
